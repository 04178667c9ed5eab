//! A dispute over a right result, which its challenger loses if both parties move in time.

use std::time::Duration;

use anyhow::{ensure, Context, Result};
use assay_client::{
    dispute::stage as stage_of, Client, DisputeCause, Ending, InferenceRequest, Reexecution,
    Signer, Strategy, Until,
};
use assay_dispute::Party;
use assay_primitives::{dispute::DisputeId, Assurance, ASY};

use crate::{
    load::{Answered, EVERYDAY},
    scenario::Run,
    scene::FINALITY,
    stage::Stage,
    wait::{until, within},
};

/// Time for a dispute that both parties play, and for a request.
const END: Duration = Duration::from_secs(300);
/// Price limit of a request. Above the quote, in case that prices rise meanwhile.
const MAX_PRICE: u128 = ASY;

/// An open dispute.
pub struct Dispute {
    /// Its identifier.
    pub id: DisputeId,
    /// The name of the operator's node.
    pub operator: String,
    own: Reexecution,
    terms: InferenceRequest,
    payer: Signer,
}

impl Dispute {
    /// Requests an optimistic result for a payer, and opens a dispute over it for the stage's
    /// challenger. Returns when the operator has moved once, and this is final: the next move is the
    /// challenger's.
    ///
    /// # Errors
    ///
    /// The chain or the node refuses a step, or a step takes too long.
    pub async fn open(run: &Run, stage: &Stage, client: &Client, payer: &Signer) -> Result<Self> {
        let terms = terms(stage, Assurance::Optimistic);
        let disputed = async {
            client.infer_until(&terms, payer, Until::Provisional, &|_| ()).await?;
            let request = client.request_by_key(payer.account(), terms.client_key).await?;
            let own = client.reexecute(request.context("no request")?, &|_| ()).await?;
            ensure!(own.agrees(), "the operator's result is wrong");
            let bond = own.claim.next_bond;
            let opened = client.open_dispute(own.request.id, bond, &stage.challenger).await?;
            anyhow::Ok((opened, own))
        };
        let ((id, _, opened), own) = within(END, "a dispute is open", disputed).await?;
        let moved = async || {
            let at = client.rpc().finalized_head().await?;
            let Some(view) = client.dispute(id, Some(at)).await? else { return Ok(None) };
            Ok((stage_of(&view)?.turn() == Party::Challenger).then_some(()))
        };
        until(FINALITY, "the operator has moved, in a final block", moved).await?;
        let index = stage.operators.iter().position(|one| *one.account() == own.claim.operator);
        let names = run.testnet.named("operator");
        let operator = index.and_then(|index| names.get(index)).context("an unknown operator")?;
        run.narrator.say(format!(
            "dispute {id}, over a right result of {operator}, is open since block {}",
            opened.height
        ));
        Ok(Self { id, operator: operator.clone(), own, terms, payer: payer.clone() })
    }

    /// Makes the challenger's moves until the dispute ends.
    ///
    /// # Errors
    ///
    /// The dispute does not end in time; or it is not lost because the chain computed the disputed
    /// tile, but for example because a party was silent.
    pub async fn play(&self, stage: &Stage, client: &Client) -> Result<()> {
        let Self { id, own, .. } = self;
        let playing = client.play_dispute(*id, own, Strategy::Forced, &stage.challenger, &|_| ());
        let end = within(END, format!("dispute {id} ends"), playing).await?;
        ensure!(
            end.outcome == Ending::Lost && end.cause == Some(DisputeCause::Computed),
            "a dispute over a right result ended as {end:?}"
        );
        Ok(())
    }

    /// The end of the request whose result is disputed.
    ///
    /// # Errors
    ///
    /// It does not end in time.
    pub async fn request(&self, stage: &Stage, client: &Client) -> Result<Answered> {
        ask(stage, client, &self.terms, &self.payer).await
    }
}

/// Terms of a request in a class.
pub fn terms(stage: &Stage, assurance: Assurance) -> InferenceRequest {
    let model = stage.model(assurance);
    InferenceRequest {
        deadline_blocks: EVERYDAY.deadline_blocks,
        max_price: Some(MAX_PRICE),
        ..InferenceRequest::new(model.version.clone(), model.input.payload(), assurance)
    }
}

/// Makes a request, if it was not made before, and waits for its end.
///
/// # Errors
///
/// It does not end in time.
pub async fn ask(
    stage: &Stage,
    client: &Client,
    terms: &InferenceRequest,
    payer: &Signer,
) -> Result<Answered> {
    let result = within(END, "a request ends", client.infer_once(terms, payer, &|_| ())).await?;
    let label = stage.model(terms.assurance).label;
    let (terms, payer) = (terms.clone(), payer.clone());
    Ok(Answered { terms, result, label, payer, attempts: 1, seconds: 0.0 })
}
