//! Wrong results in class `Optimistic`.

use anyhow::{Context, Result};
use assay_client::{dispute::stage, rpc};
use assay_dispute::{Party, Player};
use assay_graph::{fast, CheckedGraph, Tensor as GraphTensor, Trace};
use assay_primitives::{
    digest,
    dispute::{AnswerStatement, TraceStatement},
    runtime_api::Assignment,
    Digest, ElementType, RequestId, Tensor,
};
use codec::Encode;

use super::Liar;

/// What a liar does when its result is disputed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defence {
    /// It answers with what its made-up trace says.
    MadeUp,
    /// It falls silent.
    Silence,
}

impl Liar {
    /// Hands in a wrong result, with a trace that leads to it, for the next request that is
    /// assigned to it, and defends it until the request is over.
    pub fn lie_optimistically(
        &self,
        graph: CheckedGraph,
        input: Vec<i8>,
        defence: Defence,
    ) -> tokio::task::JoinHandle<Result<()>> {
        let liar = self.clone();
        tokio::spawn(async move { liar.claim_and_defend(&graph, &input, defence).await })
    }

    async fn claim_and_defend(
        &self,
        graph: &CheckedGraph,
        input: &[i8],
        defence: Defence,
    ) -> Result<()> {
        let player = Player::with_trace(graph, made_up(graph, input)?);
        let request = self.next_assignment().await?;
        self.submit_trace(request, &player).await?;
        if defence == Defence::Silence {
            return Ok(());
        }
        let mut heads = self.client.rpc().subscribe_heads().await?;
        while self.client.request(request).await?.is_some_and(|view| view.receipt_digest.is_none())
        {
            for id in self.client.open_disputes(Some(request)).await? {
                let Some(view) = self.client.dispute(id, None).await? else { continue };
                let stage = stage(&view)?;
                let now = Digest::from(stage.digest());
                if stage.turn() == Party::Challenger {
                    continue;
                }
                let answer = player.answer(&stage).context("the liar has no answer")?;
                let statement = AnswerStatement {
                    genesis: self.client.genesis(),
                    dispute: id,
                    stage: now,
                    answer: digest(&answer.encode()),
                    operator: self.account(),
                };
                let signature = self.sign(&statement);
                let call =
                    pallet_disputes::Call::answer { dispute: id, stage: now, answer, signature };
                // Sent at each block until the stage is another: the pool refuses what it has
                // already, and what the best block has overtaken.
                let _ = self.send(call).await;
            }
            rpc::next(&mut heads, "new heads").await?;
        }
        Ok(())
    }

    async fn next_assignment(&self) -> Result<RequestId> {
        let mut heads = self.client.rpc().subscribe_heads().await?;
        loop {
            rpc::next(&mut heads, "new heads").await?;
            let key = self.worker();
            let call = self.client.rpc().runtime_call("AssayApi_open_assignments", &key, None);
            let assignments: Vec<Assignment> = call.await?;
            if let Some(assignment) = assignments.first() {
                return Ok(assignment.request);
            }
        }
    }

    async fn submit_trace(&self, request: RequestId, player: &Player<'_>) -> Result<()> {
        let output = player.output().context("no output")?;
        let declared = self.version.descriptor.outputs.first().context("no output is declared")?;
        let shape = declared
            .shape
            .iter()
            .map(|dimension| match dimension {
                assay_primitives::Dimension::Fixed(size) => *size,
                assay_primitives::Dimension::Free => 1,
            })
            .collect();
        let element_type = ElementType::I32;
        let output = vec![Tensor { element_type, shape, data: output.to_bytes() }].encode();
        let trace_root = Digest::from(player.trace_root());
        let trace = TraceStatement {
            genesis: self.client.genesis(),
            request,
            output_digest: digest(&output),
            trace_root,
            operator: self.account(),
        };
        let signatures = pallet_inference::TraceSignatures {
            result: self.sign(&self.statement(request, digest(&output)).await?),
            trace: self.sign(&trace),
        };
        let call = pallet_inference::Call::submit_trace {
            request,
            operator: self.account(),
            output: output.try_into().ok().context("the lie is too long")?,
            trace_root,
            signatures,
        };
        self.send(call).await
    }
}

/// The right trace of a model, but another class has the highest score.
fn made_up(graph: &CheckedGraph, input: &[i8]) -> Result<Trace> {
    let mut trace = fast::trace(graph, input)?;
    match trace.tensors.last_mut() {
        Some(GraphTensor::Int32(scores)) => {
            let lowest = (0..scores.len()).min_by_key(|index| scores[*index]);
            scores[lowest.context("no scores")?] = i32::MAX;
        },
        _ => anyhow::bail!("the scores are no int32"),
    }
    Ok(trace)
}
