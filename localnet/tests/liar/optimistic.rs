//! Wrong results in class `Optimistic`.

use anyhow::{Context, Result};
use assay_client::dispute::stage;
use assay_dispute::{Party, Player};
use assay_graph::{fast, CheckedGraph, Tensor as GraphTensor, Trace};
use assay_primitives::{
    digest,
    dispute::{AnswerStatement, TraceStatement},
    runtime_api::Status,
    Digest, ElementType, RequestId, Tensor,
};
use assay_runtime::Runtime;
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
        let claim = self.claim(request, &player).await?;
        // What it hands in, it hands in at each block until the chain is further: the pool refuses
        // what it has already, and what the best block has overtaken.
        let mut heads = self.client.rpc().subscribe_heads().await?;
        while let Some(status) = self.next_status(&mut heads, request).await? {
            if status == Status::Assigned {
                let _ = self.send(claim.clone()).await;
            }
            if defence == Defence::Silence {
                continue;
            }
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
                let _ = self.send(call).await;
            }
        }
        Ok(())
    }

    /// The call with which it hands its wrong result in.
    async fn claim(
        &self,
        request: RequestId,
        player: &Player<'_>,
    ) -> Result<pallet_inference::Call<Runtime>> {
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
        Ok(pallet_inference::Call::submit_trace {
            request,
            operator: self.account(),
            output: output.try_into().ok().context("the lie is too long")?,
            trace_root,
            signatures,
        })
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
