//! `dispute`: dispute optimistic results that are wrong.

use assay_client::{
    amount, calls::disputes, dispute::stage, payload::output_to_json, rpc, AccountId, Client,
    DisputeCause, DisputeEnd, DisputeProgress, DisputeStatus, Ending, Reexecution, Strategy,
};
use assay_dispute::{Choice, Party, Stage};
use assay_primitives::{
    dispute::{DisputeId, Verdict},
    runtime_api::DisputeView,
    BlockNumber, RequestId,
};
use serde_json::{json, Value};

use crate::{
    args::DisputeCommand,
    context::Context,
    failure::Failure,
    output::{fields, table},
};

pub async fn run(context: &Context<'_>, command: DisputeCommand) -> Result<(), Failure> {
    match command {
        DisputeCommand::Open { request, play, force } => {
            open(context, request, strategy(force), play).await
        },
        DisputeCommand::List { request } => list(context, request).await,
        DisputeCommand::Status { dispute } => status(context, dispute).await,
        DisputeCommand::Play { dispute, force } => {
            let signer = context.signer()?;
            let client = context.connect().await?;
            let view = client.challenged_by(dispute, &signer).await?;
            let own = reexecute(context, &client, view.request).await?;
            play(context, &client, dispute, &own, strategy(force)).await
        },
        DisputeCommand::Close { dispute } => {
            let done = format!("dispute {dispute} is closed");
            super::send(context, disputes::close(dispute), &done).await
        },
        DisputeCommand::Prove { dispute } => prove(context, dispute).await,
    }
}

const fn strategy(force: bool) -> Strategy {
    match force {
        true => Strategy::Forced,
        false => Strategy::Truthful,
    }
}

async fn reexecute(
    context: &Context<'_>,
    client: &Client,
    request: RequestId,
) -> Result<Reexecution, Failure> {
    let progress = |step| tell(context, &step);
    Ok(client.reexecute(request, &progress).await?)
}

async fn open(
    context: &Context<'_>,
    request: RequestId,
    strategy: Strategy,
    go_on: bool,
) -> Result<(), Failure> {
    let signer = context.signer()?;
    let client = context.connect().await?;
    let own = reexecute(context, &client, request).await?;
    let bond = client.dispute_bond().await?;
    if own.agrees() && strategy == Strategy::Truthful {
        return Err(Failure::Usage(format!(
            "the model computes what is claimed of request {request}: a dispute would be lost, and \
             the bond of {} with it. --force opens it all the same",
            amount::display(bond)
        )));
    }
    let (dispute, included) = client.open_dispute(request, &signer).await?;
    if go_on {
        context.output.note(format!(
            "dispute {dispute} is open since block {}; the bond is {}",
            included.height,
            amount::display(bond)
        ));
        return play(context, &client, dispute, &own, strategy).await;
    }
    let outputs = &own.version.descriptor.outputs;
    let computed = output_to_json(&own.output(), outputs)?;
    let claimed = output_to_json(&own.claim.output, outputs)?;
    let json = json!({
        "dispute": dispute,
        "request": request,
        "agrees": own.agrees(),
        "computed": computed,
        "claimed": claimed,
        "bond": bond.to_string(),
        "transaction": included.transaction,
        "block": included.block,
        "height": included.height,
    });
    context.output.result(&json, || {
        fields(&[
            ("dispute", dispute.to_string()),
            ("request", request.to_string()),
            ("computed", computed.to_string()),
            ("claimed", claimed.to_string()),
            ("bond", amount::display(bond)),
            ("opened", format!("in block {}", included.height)),
            ("next", format!("assay dispute play {dispute}, or the bond is lost by silence")),
        ])
    });
    Ok(())
}

async fn play(
    context: &Context<'_>,
    client: &Client,
    dispute: DisputeId,
    own: &Reexecution,
    strategy: Strategy,
) -> Result<(), Failure> {
    let signer = context.signer()?;
    let progress = |step| tell(context, &step);
    let end = client.play_dispute(dispute, own, strategy, &signer, &progress).await?;
    show_end(context, &end);
    match end.outcome {
        Ending::Lost => Err(Failure::DisputeLost),
        Ending::Won | Ending::Void => Ok(()),
    }
}

async fn prove(context: &Context<'_>, dispute: DisputeId) -> Result<(), Failure> {
    let signer = context.signer()?;
    let client = context.connect().await?;
    let view = client.existing_dispute(dispute).await?;
    let own = reexecute(context, &client, view.request).await?;
    context.output.progress("proving what the model computes");
    let end = client.prove_dispute(dispute, &own, &signer).await?;
    show_end(context, &end);
    Ok(())
}

fn show_end(context: &Context<'_>, end: &DisputeEnd) {
    context.output.result(&end_to_json(end), || end_to_text(end));
}

fn end_to_json(end: &DisputeEnd) -> Value {
    json!({
        "dispute": end.dispute,
        "request": end.request,
        "operator": end.operator.as_ref().map(AccountId::to_string),
        "challenger": end.challenger.as_ref().map(AccountId::to_string),
        "outcome": end.outcome,
        "cause": end.cause,
        "bond": end.bond.map(|bond| bond.to_string()),
        "reward": end.reward.to_string(),
        "compensation": end.compensation.to_string(),
        "height": end.height,
    })
}

fn end_to_text(end: &DisputeEnd) -> String {
    let outcome = match end.outcome {
        Ending::Won => "won: the result is rejected",
        Ending::Lost => "lost: the result stands",
        Ending::Void => "void: another dispute over the result was won first",
    };
    let bond = end.bond.map_or_else(|| "the bond".to_owned(), amount::display);
    let bond = match end.outcome {
        Ending::Won => {
            let reward = amount::display(end.reward);
            format!("{bond}, back with the challenger, and a reward of {reward}")
        },
        Ending::Lost => {
            let compensation = amount::display(end.compensation);
            format!("{bond}, gone: {compensation} to the operator, the rest to the treasury")
        },
        Ending::Void => format!("{bond}, back with the challenger"),
    };
    let cause = end.cause.map(|cause| match cause {
        DisputeCause::Computed => "computed: the chain computed the tile in question",
        DisputeCause::Silence => "silence: no move came in time",
        DisputeCause::Refused => "refused: the operator's move did not follow from its claim",
        DisputeCause::Proof => "proof: a validity proof showed what the model computes",
    });
    let lines = [
        ("dispute", Some(end.dispute.to_string())),
        ("request", end.request.map(|request| request.to_string())),
        ("operator", end.operator.as_ref().map(AccountId::to_string)),
        ("challenger", end.challenger.as_ref().map(AccountId::to_string)),
        ("outcome", Some(outcome.to_owned())),
        ("cause", cause.map(str::to_owned)),
        ("bond", Some(bond)),
        ("ended", Some(format!("in block {}", end.height))),
    ];
    let known: Vec<_> =
        lines.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    fields(&known)
}

/// A dispute and the height at which it was looked at.
struct DisputeSnapshot {
    view: DisputeView<AccountId>,
    stage: Stage,
    height: BlockNumber,
}

impl DisputeSnapshot {
    async fn of(client: &Client, view: DisputeView<AccountId>) -> Result<Self, Failure> {
        let height = rpc::height(&client.rpc().header(None).await?);
        Ok(Self { stage: stage(&view)?, view, height })
    }

    /// Who is to move; nobody where the result is decided.
    fn turn(&self) -> Option<Party> {
        self.view.verdict.is_none().then(|| self.stage.turn())
    }

    fn turn_name(&self) -> &'static str {
        match self.turn() {
            Some(Party::Defender) => "operator",
            Some(Party::Challenger) => "challenger",
            None => "nobody",
        }
    }

    fn blocks_left(&self) -> BlockNumber {
        self.view.deadline.saturating_sub(self.height)
    }

    fn to_json(&self) -> Value {
        let view = &self.view;
        json!({
            "dispute": view.id,
            "request": view.request,
            "operator": view.operator.to_string(),
            "challenger": view.challenger.to_string(),
            "stage": self.stage.name(),
            "turn": self.turn().map(|_| self.turn_name()),
            "opened_at": view.opened_at,
            "deadline": view.deadline,
            "blocks_left": self.blocks_left(),
            "response_blocks": view.response,
            "bond": view.bond.to_string(),
            "penalty": view.penalty.to_string(),
            "reward": view.reward.to_string(),
            "verdict": view.verdict,
            "outcome": Value::Null,
        })
    }
}

async fn status(context: &Context<'_>, dispute: DisputeId) -> Result<(), Failure> {
    let client = context.connect().await?;
    let view = match client.dispute_status(dispute).await? {
        DisputeStatus::Open(view) => *view,
        DisputeStatus::Ended(end) => {
            show_end(context, &end);
            return Ok(());
        },
    };
    let seen = DisputeSnapshot::of(&client, view).await?;
    context.output.result(&seen.to_json(), || {
        let view = &seen.view;
        let awaited = match view.verdict {
            None => awaited(&seen.stage),
            Some(Verdict::Right) => {
                "nothing: the result is proven, and the dispute lost; `close` ends it".to_owned()
            },
            Some(Verdict::Wrong) => "nothing: another dispute was won; `close` gives the bond \
                                     back"
                .to_owned(),
        };
        fields(&[
            ("dispute", view.id.to_string()),
            ("request", view.request.to_string()),
            ("operator", view.operator.to_string()),
            ("challenger", view.challenger.to_string()),
            ("stage", seen.stage.name().to_owned()),
            ("turn", seen.turn_name().to_owned()),
            ("awaited", awaited),
            ("time", format!("{} blocks left, until block {}", seen.blocks_left(), view.deadline)),
            ("bond", format!("{}, the challenger's if it loses", amount::display(view.bond))),
            (
                "penalty",
                format!(
                    "{} of the operator's bond if it loses, and {} more for the challenger",
                    amount::display(view.penalty),
                    amount::display(view.reward)
                ),
            ),
        ])
    });
    Ok(())
}

async fn list(context: &Context<'_>, request: Option<RequestId>) -> Result<(), Failure> {
    let client = context.connect().await?;
    let mut seen = Vec::new();
    for id in client.open_disputes(request).await? {
        // One that ended meanwhile is not open.
        if let Some(view) = client.dispute(id, None).await? {
            seen.push(DisputeSnapshot::of(&client, view).await?);
        }
    }
    let json: Vec<_> = seen.iter().map(DisputeSnapshot::to_json).collect();
    context.output.result(&json, || {
        let rows: Vec<_> = seen
            .iter()
            .map(|one| {
                vec![
                    one.view.id.to_string(),
                    one.view.request.to_string(),
                    one.stage.name().to_owned(),
                    one.turn_name().to_owned(),
                    one.blocks_left().to_string(),
                    amount::display(one.view.bond),
                    one.view.challenger.to_string(),
                ]
            })
            .collect();
        table(&["DISPUTE", "REQUEST", "STAGE", "TURN", "BLOCKS LEFT", "BOND", "CHALLENGER"], &rows)
    });
    Ok(())
}

/// Says how far a dispute has come. Stages and moves stay on the screen.
fn tell(context: &Context<'_>, step: &DisputeProgress) {
    match step {
        DisputeProgress::Downloading { artifact, bytes } => context
            .output
            .progress(format!("taking the model {artifact:?} ({bytes} bytes), and running it")),
        DisputeProgress::Stage(view, stage) => context.output.note(format!(
            "dispute {}, {}: {}, by block {}",
            view.id,
            stage.name(),
            match view.verdict {
                None => awaited(stage),
                Some(_) => "the result is decided, and the dispute is closed".to_owned(),
            },
            view.deadline
        )),
        DisputeProgress::Moved { choice, height } => context.output.note(format!(
            "the challenger has named {} (block {height})",
            match choice {
                Choice::Operation(index) => format!("operation {index}"),
                Choice::Leaf(index) => format!("leaf {index}"),
                Choice::Tile(index) => format!("tile {index}"),
            }
        )),
    }
}

/// What a stage waits for.
fn awaited(stage: &Stage) -> String {
    match stage {
        Stage::Roots => "the operator is to show the roots of all tensors".to_owned(),
        Stage::Operation { roots } => format!(
            "the challenger is to name the first wrong operation, by the roots of {} tensors",
            roots.len()
        ),
        Stage::Leaves { step } => format!(
            "the operator is to show the digests of the leaves of what operation {} gives",
            step.operation
        ),
        Stage::Leaf { leaves, .. } => {
            format!("the challenger is to name the first wrong leaf of {}", leaves.len())
        },
        Stage::Bytes { step, .. } => {
            format!("the operator is to show bytes of what operation {} gives", step.operation)
        },
        Stage::Tile { bytes, .. } => format!(
            "the challenger is to name a tile with a wrong element, by {} bytes",
            bytes.len()
        ),
        Stage::Open { step, tile, .. } => format!(
            "the operator, or anyone, is to show what tile {tile} of operation {} reads; the \
             chain computes it",
            step.operation
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::ASY;

    fn won() -> DisputeEnd {
        DisputeEnd {
            dispute: DisputeId(1),
            request: Some(RequestId(6)),
            operator: Some(AccountId::from([1; 32])),
            challenger: Some(AccountId::from([2; 32])),
            outcome: Ending::Won,
            cause: Some(DisputeCause::Silence),
            bond: Some(10 * ASY),
            reward: 70 * ASY,
            compensation: 0,
            height: 109,
        }
    }

    #[test]
    fn an_end_says_who_won_by_what_and_what_became_of_the_bond() {
        let text = end_to_text(&won());
        assert!(text.contains("outcome     won: the result is rejected\n"), "{text}");
        assert!(text.contains("cause       silence: no move came in time\n"), "{text}");
        assert!(
            text.contains("bond        10 ASY, back with the challenger, and a reward of 70 ASY\n")
        );
        assert!(text.ends_with("ended       in block 109\n"), "{text}");
        let json = end_to_json(&won());
        assert_eq!(json["operator"], AccountId::from([1; 32]).to_string());
        assert_eq!(json["bond"], (10 * ASY).to_string());
        assert_eq!(json["reward"], (70 * ASY).to_string());
        assert_eq!((&json["outcome"], &json["cause"]), (&json!("won"), &json!("silence")));
        assert_eq!((&json["request"], &json["height"]), (&json!(6), &json!(109)));

        let cause = Some(DisputeCause::Proof);
        let compensation = 5 * ASY;
        let lost = DisputeEnd { outcome: Ending::Lost, cause, reward: 0, compensation, ..won() };
        let text = end_to_text(&lost);
        assert!(text.contains("lost: the result stands\n"), "{text}");
        assert!(text.contains("cause       proof: "), "{text}");
        assert!(text.contains("10 ASY, gone: 5 ASY to the operator, the rest to the treasury\n"));
        assert_eq!(end_to_json(&lost)["compensation"], compensation.to_string());
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let void = DisputeEnd {
            request: None,
            operator: None,
            challenger: None,
            outcome: Ending::Void,
            cause: None,
            bond: None,
            reward: 0,
            ..won()
        };
        let text = end_to_text(&void);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.contains("the bond, back with the challenger\n"), "{text}");
        let json = end_to_json(&void);
        for name in ["request", "operator", "challenger", "cause", "bond"] {
            assert!(json.get(name).is_some_and(Value::is_null), "{name}: {json}");
        }
        assert_eq!(json["outcome"], "void");
    }
}
