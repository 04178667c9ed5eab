//! Wrong results in class `Optimistic`.

use anyhow::{Context, Result};
use assay_client::dispute::stage;
use assay_dispute::{Party, Player};
use assay_graph::{fast, CheckedGraph, Tensor as GraphTensor, Trace};
use assay_primitives::{
    digest,
    dispute::{AnswerStatement, TraceStatement},
    runtime_api::{Status, VersionView},
    Digest, ElementType, Format, RequestId, Tensor,
};
use assay_runtime::Runtime;
use codec::Encode;

use super::Liar;

/// What a liar does if its result is disputed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defence {
    /// It answers from its made-up trace.
    MadeUp,
    /// It does not answer.
    Silence,
}

impl Liar {
    /// Submits a wrong result with a matching trace for the next request that is assigned to it,
    /// and defends it until the request ends.
    pub fn lie_optimistically(
        &self,
        graph: CheckedGraph,
        input: Vec<i8>,
        defence: Defence,
    ) -> tokio::task::JoinHandle<Result<()>> {
        let liar = self.clone();
        tokio::spawn(async move {
            let request = liar.next_assignment().await?;
            liar.claim_and_defend(request, &graph, &input, defence).await
        })
    }

    pub(super) async fn claim_and_defend(
        &self,
        request: RequestId,
        graph: &CheckedGraph,
        input: &[i8],
        defence: Defence,
    ) -> Result<()> {
        let player = Player::with_trace(graph, made_up(graph, input)?);
        // Send each submission again at every block until the status changes. The pool refuses
        // duplicates and moves for past stages.
        let mut heads = self.client.rpc().subscribe_heads().await?;
        while let Some(status) = self.next_status(&mut heads, request).await? {
            if status == Status::Assigned {
                let claim = self.claim(request, &player).await?;
                let _ = self.send(claim).await;
            }
            if defence == Defence::Silence {
                continue;
            }
            for id in self.client.open_disputes(Some(request), 9).await? {
                let Some(view) = self.client.dispute(id, None).await? else { continue };
                let stage = stage(&view)?;
                let now = Digest::from(stage.digest());
                if stage.turn() == Party::Challenger {
                    continue;
                }
                let answer = player.answer(&stage).context("the liar has no answer")?;
                let output = self.output(&player)?;
                let statement = AnswerStatement {
                    request: self.answered(view.request).await?,
                    output_digest: digest(&output),
                    trace_root: player.trace_root().into(),
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

    /// The call that submits its wrong result.
    async fn claim(
        &self,
        request: RequestId,
        player: &Player<'_>,
    ) -> Result<pallet_inference::Call<Runtime>> {
        let output = self.output(player)?;
        let trace_root = Digest::from(player.trace_root());
        let trace = TraceStatement {
            request: self.answered(request).await?,
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
            output: output.try_into().ok().context("the wrong output is too long")?,
            trace_root,
            signatures,
        })
    }

    /// The payload of the output that it claims.
    fn output(&self, player: &Player<'_>) -> Result<Vec<u8>> {
        let output = player.output().context("no output")?;
        let integer = |version: &&VersionView<_>| version.descriptor.format == Format::IntegerGraph;
        let version = self.versions.iter().find(integer).context("it serves no integer graph")?;
        let declared = version.descriptor.outputs.first().context("no output is declared")?;
        let shape = declared
            .shape
            .iter()
            .map(|dimension| match dimension {
                assay_primitives::Dimension::Fixed(size) => *size,
                assay_primitives::Dimension::Free => 1,
            })
            .collect();
        let element_type = ElementType::I32;
        Ok(vec![Tensor { element_type, shape, data: output.to_bytes() }].encode())
    }
}

/// The trace of a model, changed so that another class has the highest score.
fn made_up(graph: &CheckedGraph, input: &[i8]) -> Result<Trace> {
    let mut trace = fast::trace(graph, input)?;
    match trace.tensors.last_mut() {
        Some(GraphTensor::Int32(scores)) => {
            let lowest = (0..scores.len()).min_by_key(|index| scores[*index]);
            scores[lowest.context("no scores")?] = i32::MAX;
        },
        _ => anyhow::bail!("the scores are not int32"),
    }
    Ok(trace)
}
