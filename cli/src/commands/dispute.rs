//! `dispute`: dispute optimistic results that are wrong.

use assay_client::{
    amount,
    calls::disputes,
    dispute::{shown, stage},
    payload::output_to_json,
    rpc, AccountId, Client, DisputeCause, DisputeEnd, DisputeProgress, DisputeStatus, Ending,
    Reexecution, Strategy,
};
use assay_dispute::{Choice, Party, Shown, Stage};
use assay_primitives::{
    dispute::{DisputeId, Verdict},
    runtime_api::DisputeView,
    Balance, BlockNumber, RequestId,
};
use serde_json::{json, Value};

use crate::{
    args::DisputeCommand,
    context::Context,
    failure::Failure,
    output::{count, fields, table},
};

/// Maximum number of disputes that `list` shows.
const MAX_LISTED: u32 = 1_000;

pub async fn run(context: &Context<'_>, command: DisputeCommand) -> Result<(), Failure> {
    match command {
        DisputeCommand::Open { request, play, force, max_bond } => {
            open(context, request, strategy(force), max_bond, play).await
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
    max_bond: Option<Balance>,
    continue_playing: bool,
) -> Result<(), Failure> {
    let signer = context.signer()?;
    let client = context.connect().await?;
    let own = reexecute(context, &client, request).await?;
    let bond = own.claim.next_bond;
    if own.agrees() && strategy == Strategy::Truthful {
        return Err(Failure::Usage(format!(
            "the model computes the claimed output of request {request}: a dispute would be lost, \
             and the bond of {} with it; use --force to open it anyway",
            amount::display(bond)
        )));
    }
    let max_bond = max_bond.unwrap_or(bond);
    if bond > max_bond {
        return Err(Failure::Usage(format!(
            "open disputes over the result of request {request}: {}, so the bond is {}, more than \
             --max-bond; wait until they end, or allow more",
            own.claim.disputes.len(),
            amount::display(bond)
        )));
    }
    context.output.note(format!(
        "opening a dispute; {} are open over the result, so the bond is {}",
        own.claim.disputes.len(),
        amount::display(bond)
    ));
    let (dispute, bond, included) = client.open_dispute(request, max_bond, &signer).await?;
    if continue_playing {
        context.output.note(format!(
            "dispute {dispute} was opened in block {}; the bond is {}",
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
            (
                "next",
                format!("run `assay dispute play {dispute}`: a missed deadline loses the bond"),
            ),
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
    context.output.progress("proving the model's output");
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
        "spent": end.spent.to_string(),
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
            format!("{bond}, returned to the challenger, with a reward of {reward}")
        },
        Ending::Lost => {
            let compensation = amount::display(end.compensation);
            format!("{bond}, forfeited: {compensation} to the operator, the rest to the treasury")
        },
        Ending::Void if end.spent > 0 => {
            let spent = amount::display(end.spent);
            format!("{bond}, returned to the challenger, less {spent} for the operator's moves")
        },
        Ending::Void => format!("{bond}, returned to the challenger"),
    };
    let cause = end.cause.map(|cause| match cause {
        DisputeCause::Computed => "computed: the chain computed the disputed tile",
        DisputeCause::Silence => "silence: no move was made in time",
        DisputeCause::Refused => "refused: the operator's move contradicted its claim",
        DisputeCause::Proof => "proof: a validity proof showed the model's output",
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

/// An open dispute at some height.
struct DisputeSnapshot {
    view: DisputeView<AccountId>,
    stage: Stage,
    shown: Option<Shown>,
    height: BlockNumber,
}

impl DisputeSnapshot {
    async fn of(client: &Client, view: DisputeView<AccountId>) -> Result<Self, Failure> {
        let height = rpc::height(&client.rpc().header(None).await?);
        Ok(Self { stage: stage(&view)?, shown: shown(&view)?, view, height })
    }

    /// The party that must move; `None` if the result is decided.
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
            "spent": view.spent.to_string(),
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
            None => awaited(&seen.stage, seen.shown.as_ref()),
            Some(Verdict::Right) => {
                "nothing: a proof or a computed tile shows that the operator is \
                                     right, and the dispute is lost; `dispute close` ends it"
                    .to_owned()
            },
            Some(Verdict::Wrong) => {
                "nothing: another dispute was won; `dispute close` returns the bond, less what the \
                 operator's moves have spent"
                    .to_owned()
            },
        };
        fields(&[
            ("dispute", view.id.to_string()),
            ("request", view.request.to_string()),
            ("operator", view.operator.to_string()),
            ("challenger", view.challenger.to_string()),
            ("stage", seen.stage.name().to_owned()),
            ("turn", seen.turn_name().to_owned()),
            ("awaited", awaited),
            (
                "time",
                format!(
                    "{} left, until block {}",
                    count(seen.blocks_left(), "block"),
                    view.deadline
                ),
            ),
            ("bond", format!("{}, forfeited if the challenger loses", amount::display(view.bond))),
            ("spent", format!("{}, if another dispute is won first", amount::display(view.spent))),
            (
                "penalty",
                format!(
                    "{} of the operator's bond if the operator loses, and {} more as the \
                     challenger's reward",
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
    for id in client.open_disputes(request, MAX_LISTED).await? {
        // A dispute that has ended meanwhile is not listed.
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

/// Prints a step of a dispute. Stages and moves stay on the screen.
pub(super) fn tell(context: &Context<'_>, step: &DisputeProgress) {
    match step {
        DisputeProgress::Downloading { artifact, bytes } => context
            .output
            .progress(format!("downloading and running the model {artifact:?} ({bytes} bytes)")),
        DisputeProgress::Stage(view, stage, shown) => context.output.note(format!(
            "dispute {}, stage {}, deadline block {}: {}",
            view.id,
            stage.name(),
            view.deadline,
            match view.verdict {
                None => awaited(stage, shown.as_deref()),
                Some(_) => "the result is decided; closing the dispute".to_owned(),
            }
        )),
        DisputeProgress::Moved { choice, height } => context.output.note(format!(
            "the challenger named {} (block {height})",
            match choice {
                Choice::Operation(index) => format!("operation {index}"),
                Choice::Leaf(index) => format!("leaf {index}"),
                Choice::Tile(index) => format!("tile {index}"),
            }
        )),
    }
}

/// The move that a stage waits for.
fn awaited(stage: &Stage, shown: Option<&Shown>) -> String {
    let shown = match shown {
        Some(Shown::Roots(roots)) => roots.len(),
        Some(Shown::Leaves(leaves)) => leaves.len(),
        Some(Shown::Bytes(bytes)) => bytes.len(),
        None => 0,
    };
    match stage {
        Stage::Roots => "the operator must show the roots of all tensors".to_owned(),
        Stage::Operation => format!(
            "the challenger must name the first wrong operation, given the roots of {shown} tensors"
        ),
        Stage::Leaves { step } => format!(
            "the operator must show the digests of the leaves of operation {}'s output",
            step.operation
        ),
        Stage::Leaf { .. } => {
            format!("the challenger must name the first wrong leaf of {shown}")
        },
        Stage::Bytes { step, .. } => {
            format!("the operator must show bytes of operation {}'s output", step.operation)
        },
        Stage::Tile { .. } => {
            format!("the challenger must name a tile with a wrong element, given {shown} bytes")
        },
        Stage::Open { step, tile, .. } => format!(
            "the operator or any account must show the inputs of tile {tile} of operation {}; the \
             chain computes the tile",
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
            spent: 0,
            reward: 70 * ASY,
            compensation: 0,
            height: 109,
        }
    }

    #[test]
    fn an_end_states_the_winner_the_cause_and_the_use_of_the_bond() {
        let text = end_to_text(&won());
        assert!(text.contains("outcome     won: the result is rejected\n"), "{text}");
        assert!(text.contains("cause       silence: no move was made in time\n"), "{text}");
        let bond = "bond        10 ASY, returned to the challenger, with a reward of 70 ASY\n";
        assert!(text.contains(bond), "{text}");
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
        let bond = "10 ASY, forfeited: 5 ASY to the operator, the rest to the treasury\n";
        assert!(text.contains(bond), "{text}");
        assert_eq!(end_to_json(&lost)["compensation"], compensation.to_string());
    }

    #[test]
    fn unknown_values_are_omitted() {
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
        assert!(text.contains("the bond, returned to the challenger\n"), "{text}");
        let json = end_to_json(&void);
        for name in ["request", "operator", "challenger", "cause", "bond"] {
            assert!(json.get(name).is_some_and(Value::is_null), "{name}: {json}");
        }
        assert_eq!(json["outcome"], "void");
        let text = end_to_text(&DisputeEnd { bond: Some(10 * ASY), spent: ASY, ..void });
        let bond = "10 ASY, returned to the challenger, less 1 ASY for the operator's moves\n";
        assert!(text.contains(bond), "{text}");
    }
}
