//! Disputes over optimistic results, for challengers: re-execution, opening, moves until the end.
//!
//! The client runs the model itself, with a model file that has the digest on chain. It trusts the
//! node for the request, the claim and the state of a dispute.

use std::time::Duration;

use assay_dispute::{Choice, Party, Player, Shown, Stage};
use assay_graph::CheckedGraph;
use assay_primitives::{
    dispute::{tensor_data, DisputeId},
    proof::{account_bytes, PROOF_DOMAIN},
    runtime_api::{DisputeView, OptimisticView, RequestView, VersionView},
    Balance, BlockNumber, Digest, RequestId, Tensor,
};
use assay_proof::{Context, Proven, Prover};
use codec::{DecodeAll, Encode};

use crate::{calls, graph::GraphFile, rpc, AccountId, Client, Error, Inclusion, Result, Signer};

pub(crate) mod end;

use end::DisputeEvent;
pub use end::{DisputeCause, DisputeEnd, DisputeStatus, Ending, STATES_KEPT};

/// Time to wait for a new block.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(90);
/// Blocks after which a move is sent again, if its block was replaced by one without it.
const MOVE_AGAIN_BLOCKS: BlockNumber = 3;
/// Consecutive blocks in which a dispute may be missing, because of a reorganisation.
const MAX_BLOCKS_UNSEEN: u32 = 10;

/// The output that a model computes for the input of a request, and an operator's claim of it.
#[derive(Clone, Debug)]
pub struct Reexecution {
    /// The request.
    pub request: RequestView<AccountId>,
    /// The operator's claim.
    pub claim: OptimisticView<AccountId>,
    /// The version.
    pub version: VersionView<AccountId>,
    graph: CheckedGraph,
    input: Vec<i8>,
    output: Vec<u8>,
}

/// A version's graph, and the input of a request for it.
pub(crate) struct ModelInput {
    pub version: VersionView<AccountId>,
    pub graph: CheckedGraph,
    pub input: Vec<i8>,
}

impl Reexecution {
    /// The output payload that the model computes.
    pub fn output(&self) -> Vec<u8> {
        // The chain accepted the claimed output as one tensor of the declared type and shape.
        let claimed = Vec::<Tensor>::decode_all(&mut &self.claim.output[..]).unwrap_or_default();
        let own = |tensor| Tensor { data: self.output.clone(), ..tensor };
        claimed.into_iter().map(own).collect::<Vec<_>>().encode()
    }

    /// Whether it equals the claimed output. A dispute over such a result is lost.
    pub fn agrees(&self) -> bool {
        tensor_data(&self.claim.output).as_ref() == Some(&self.output)
    }

    fn player(&self) -> Result<Player<'_>> {
        Player::new(&self.graph, &self.input).map_err(|error| Error::invalid(error.to_string()))
    }
}

/// The challenger's choice if nothing that the operator shows is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
    /// None: stop.
    Truthful,
    /// The first item. Loses the dispute; shows that the operator defends itself.
    Forced,
}

/// A step in a dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisputeProgress {
    /// The model file is downloaded from the node.
    Downloading {
        /// Its identity.
        artifact: Digest,
        /// Its size in bytes.
        bytes: u64,
    },
    /// The dispute is in a new stage, or its result has been decided.
    Stage(Box<DisputeView<AccountId>>, Box<Stage>, Option<Box<Shown>>),
    /// The challenger has moved.
    Moved {
        /// The choice.
        choice: Choice,
        /// Height of the block.
        height: BlockNumber,
    },
}

/// Decodes the stage in a view of a dispute.
///
/// # Errors
///
/// [`Error::Answer`] if it cannot be decoded.
pub fn stage(view: &DisputeView<AccountId>) -> Result<Stage> {
    rpc::decode("AssayApi_dispute", &view.stage)
}

/// Decodes what the operator has shown of the stage in a view of a dispute.
///
/// # Errors
///
/// [`Error::Answer`] if it cannot be decoded.
pub fn shown(view: &DisputeView<AccountId>) -> Result<Option<Shown>> {
    rpc::decode("AssayApi_dispute", &view.shown)
}

/// The challenger's choice in a stage; `None` if it is not its turn, or the strategy has none.
fn choice(
    player: &Player<'_>,
    stage: &Stage,
    shown: Option<&Shown>,
    strategy: Strategy,
) -> Option<Choice> {
    match (player.choose(stage, shown), strategy, stage) {
        (Some(choice), _, _) => Some(choice),
        (None, Strategy::Forced, Stage::Operation) => Some(Choice::Operation(0)),
        // Then the operator shows operation 0 from its first leaf on, and so from its first tile on.
        (None, Strategy::Forced, Stage::Leaf { .. }) => Some(Choice::Leaf(0)),
        (None, Strategy::Forced, Stage::Tile { .. }) => Some(Choice::Tile(0)),
        _ => None,
    }
}

/// Whether a call was refused because the dispute has meanwhile changed. Its state shows how.
fn is_overtaken(error: &Error) -> bool {
    const OVERTAKEN: [&str; 4] = ["DisputeNotFound", "Decided", "OutOfTurn", "DeadlinePassed"];
    matches!(error, Error::Refused { refusal, .. } if OVERTAKEN.contains(&refusal.name.as_str()))
}

impl Client {
    /// Re-runs the model of an optimistic result that is not final, on this machine. Downloads the
    /// model file from the node and checks its digest.
    ///
    /// # Errors
    ///
    /// - [`Error::NotFound`]: the request has no such result, or its version, input or model file is
    ///   not available.
    /// - [`Error::Invalid`]: the file is not an integer graph of the version's architecture.
    pub async fn reexecute(
        &self,
        request: RequestId,
        progress: &(dyn Fn(DisputeProgress) + Sync),
    ) -> Result<Reexecution> {
        let view = self.existing_request(request).await?;
        let claim = self.optimistic(request).await?.ok_or_else(|| {
            Error::not_found(format!(
                "request {request} has no result that may be disputed: its class is {}, its status \
                 {:?}",
                view.assurance.class().name(),
                view.status
            ))
        })?;
        let ModelInput { version, graph, input } = self.model_input(&view, progress).await?;
        let mut own =
            Reexecution { request: view, claim, version, graph, input, output: Vec::new() };
        let output = own.player()?.output().map(assay_graph::Tensor::to_bytes);
        own.output = output.ok_or_else(|| Error::invalid("the model has no output"))?;
        Ok(own)
    }

    /// The graph of a request's version, downloaded and checked, and the request's input.
    pub(crate) async fn model_input(
        &self,
        view: &RequestView<AccountId>,
        progress: &(dyn Fn(DisputeProgress) + Sync),
    ) -> Result<ModelInput> {
        let version = self.version(view.version).await?;
        let version = version
            .ok_or_else(|| Error::not_found(format!("there is no version {}", view.version)))?;
        let input = self.input(view.id).await?;
        let input = input.as_deref().and_then(tensor_data).ok_or_else(|| {
            Error::not_found(format!("the chain does not have the input of request {}", view.id))
        })?;
        let (artifact, bytes) = (version.descriptor.artifact, version.descriptor.artifact_size);
        progress(DisputeProgress::Downloading { artifact, bytes });
        let file = GraphFile::from_bytes(&self.download_artifact(artifact).await?)?;
        let architecture = Digest::from(file.architecture().digest());
        if version.descriptor.architecture != Some(architecture) {
            return Err(Error::invalid(format!(
                "the model file of version {} does not have the version's architecture: operators \
                 cannot run it, and its results cannot be disputed",
                version.id
            )));
        }
        Ok(ModelInput {
            version,
            graph: file.graph().clone(),
            input: input.iter().map(|byte| i8::from_le_bytes([*byte])).collect(),
        })
    }

    /// Proves the output of a request, in the context of an operator, on this machine.
    pub(crate) fn prove_output(
        &self,
        request: &RequestView<AccountId>,
        operator: &AccountId,
        graph: &CheckedGraph,
        input: &[i8],
    ) -> Result<Proven> {
        let unprovable = |error: &dyn std::fmt::Display| {
            Error::invalid(format!("the run cannot be proven: {error}"))
        };
        let prover = Prover::new(graph).map_err(|error| unprovable(&error))?;
        let id = request.id.encode();
        let context = Context {
            genesis: self.genesis().to_fixed_bytes(),
            domain: PROOF_DOMAIN,
            request: &id,
            requester: account_bytes(&request.payer),
            operator: account_bytes(operator),
        };
        let input: Vec<u8> = input.iter().flat_map(|element| element.to_le_bytes()).collect();
        prover.prove(&context, &input).map_err(|error| unprovable(&error))
    }

    /// Opens a dispute over the result of a request, with a bond of the signer, which is
    /// [`OptimisticView::next_bond`] unless others open or end disputes before, and at most `max_bond`
    /// plancks. Does not run the model: call [`Client::reexecute`] first. Returns the dispute, its bond
    /// in plancks and its block.
    ///
    /// # Errors
    ///
    /// Those of [`Client::submit`].
    pub async fn open_dispute(
        &self,
        request: RequestId,
        max_bond: Balance,
        signer: &Signer,
    ) -> Result<(DisputeId, Balance, Inclusion)> {
        let included = self.submit(&calls::disputes::open(request, max_bond), signer).await?;
        let opened =
            self.dispute_events(included.block).await?.into_iter().rev().find_map(
                |one| match one {
                    DisputeEvent::Opened { dispute, request: of, challenger, bond }
                        if of == request && challenger == *signer.account() =>
                    {
                        Some((dispute, bond))
                    },
                    _ => None,
                },
            );
        let (dispute, bond) = opened.ok_or_else(|| Error::Answer {
            method: "System.Events".into(),
            reason: "there is no event for the dispute".into(),
        })?;
        Ok((dispute, bond, included))
    }

    /// An open dispute of which the signer is the challenger.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if another account is, [`Error::NotFound`] if the dispute is not open.
    pub async fn challenged_by(
        &self,
        id: DisputeId,
        signer: &Signer,
    ) -> Result<DisputeView<AccountId>> {
        let view = self.existing_dispute(id).await?;
        match view.challenger == *signer.account() {
            true => Ok(view),
            false => Err(Error::invalid(format!(
                "the challenger of dispute {id} is {}; only that account may move",
                view.challenger
            ))),
        }
    }

    /// Makes the challenger's moves in a dispute until it ends.
    ///
    /// # Errors
    ///
    /// - [`Error::Invalid`]: the signer is not the challenger, or nothing that the operator shows is
    ///   wrong and the strategy is [`Strategy::Truthful`].
    /// - [`Error::NotFound`]: the dispute is not open, or has disappeared without an event.
    /// - [`Error::Stalled`]: no block arrives for 90 seconds.
    /// - Those of [`Client::submit`].
    pub async fn play_dispute(
        &self,
        id: DisputeId,
        own: &Reexecution,
        strategy: Strategy,
        signer: &Signer,
        progress: &(dyn Fn(DisputeProgress) + Sync),
    ) -> Result<DisputeEnd> {
        let player = own.player()?;
        let mut heads = self.rpc().subscribe_heads().await?;
        let view = self.challenged_by(id, signer).await?;
        // The last height at which the dispute was open.
        let mut open_at = view.opened_at;
        let mut unseen = 0;
        // The last stage that was reported, and the one in which a call was sent, with the height.
        let mut shown = None;
        let mut moved: Option<(Digest, BlockNumber)> = None;
        loop {
            let head = self.rpc().header(None).await?;
            let (hash, height) = (rpc::header_hash(&head), rpc::height(&head));
            let view = self.dispute(id, Some(hash)).await?;
            let Some(view) = view else {
                if let Some(end) = self.dispute_end(id, open_at, height).await? {
                    return Ok(end);
                }
                unseen += 1;
                if unseen > MAX_BLOCKS_UNSEEN {
                    return Err(Error::not_found(format!(
                        "dispute {id} is no longer on the chain"
                    )));
                }
                next_head(&mut heads).await?;
                continue;
            };
            (unseen, open_at) = (0, height);
            let (stage, seen) = (stage(&view)?, self::shown(&view)?);
            let digest = Digest::from(stage.digest());
            let is_decided = view.verdict.is_some();
            let moved_recently = moved.is_some_and(|(of, at)| {
                of == digest && height.saturating_sub(at) < MOVE_AGAIN_BLOCKS
            });
            if shown != Some((digest, is_decided)) {
                shown = Some((digest, is_decided));
                let seen = seen.clone().map(Box::new);
                progress(DisputeProgress::Stage(Box::new(view), Box::new(stage.clone()), seen));
            }
            if is_decided && !moved_recently {
                moved = Some((digest, height));
                accept_overtaken(self.submit(&calls::disputes::close(id), signer).await)?;
                continue;
            }
            if !is_decided && !moved_recently && stage.turn() == Party::Challenger {
                let choice = choice(&player, &stage, seen.as_ref(), strategy).ok_or_else(|| {
                    Error::invalid(format!(
                        "nothing that the operator shows in dispute {id} is wrong, so the dispute \
                         cannot be won; it is lost when the deadline of the move passes"
                    ))
                })?;
                moved = Some((digest, height));
                let sent = self.submit(&calls::disputes::choose(id, choice), signer).await;
                if let Some(included) = accept_overtaken(sent)? {
                    progress(DisputeProgress::Moved { choice, height: included.height });
                    continue;
                }
            }
            next_head(&mut heads).await?;
        }
    }

    /// Decides a dispute by a validity proof of the model's output, made on this machine.
    ///
    /// # Errors
    ///
    /// - [`Error::Invalid`]: the version does not offer class `Proof`, or the run cannot be proven.
    /// - Those of [`Client::submit`].
    pub async fn prove_dispute(
        &self,
        id: DisputeId,
        own: &Reexecution,
        signer: &Signer,
    ) -> Result<DisputeEnd> {
        if own.version.proof.is_none() {
            return Err(Error::invalid(format!(
                "version {} does not offer class proof, so the chain does not verify proofs of it; \
                 use `dispute play`",
                own.version.id
            )));
        }
        let proven =
            self.prove_output(&own.request, &own.claim.operator, &own.graph, &own.input)?;
        let call = calls::disputes::prove(id, proven.output, proven.proof);
        let included = self.submit(&call, signer).await?;
        let end = self.dispute_end(id, included.height.saturating_sub(1), included.height).await?;
        end.ok_or_else(|| Error::Answer {
            method: "System.Events".into(),
            reason: format!("there is no event for the end of dispute {id}"),
        })
    }
}

/// Returns `None` if the dispute had changed before the call was executed.
fn accept_overtaken(sent: Result<Inclusion>) -> Result<Option<Inclusion>> {
    match sent {
        Err(error) if is_overtaken(&error) => Ok(None),
        sent => sent.map(Some),
    }
}

async fn next_head(
    heads: &mut subxt_rpcs::client::RpcSubscription<rpc::Header>,
) -> Result<rpc::Header> {
    let head = tokio::time::timeout(BLOCK_TIMEOUT, rpc::next(heads, "new heads")).await;
    head.map_err(|_| {
        Error::Stalled(format!(
            "no new block for {} s while a dispute is open",
            BLOCK_TIMEOUT.as_secs()
        ))
    })?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{graph::tests::graph, Refusal};
    use assay_dispute::{Claim, MoveEffect};

    /// Plays a dispute over a model to its end, by the rules of the chain. Returns the winner.
    fn play(claimed: assay_graph::Trace, strategy: Strategy) -> Option<Party> {
        let graph = CheckedGraph::new(graph()).unwrap();
        let input = [10, -7];
        let challenger = Player::new(&graph, &input).unwrap();
        let defender = Player::with_trace(&graph, claimed);
        let output = defender.output().unwrap().to_bytes();
        let claim = Claim {
            plan: graph.plan(),
            trace_root: defender.trace_root(),
            input: &[10, 249],
            output: &output,
        };
        let mut stage = Stage::Roots;
        let mut shown = None;
        loop {
            stage = match stage.turn() {
                Party::Challenger => {
                    let choice = choice(&challenger, &stage, shown.as_ref(), strategy)?;
                    stage.choose(graph.plan(), shown.as_ref(), choice).unwrap()
                },
                Party::Defender => {
                    assert_eq!(choice(&challenger, &stage, shown.as_ref(), strategy), None);
                    let answer = defender.answer(&stage)?;
                    match stage.answer(&claim, shown.as_ref(), &answer).unwrap() {
                        MoveEffect::Next(stage) => {
                            shown = answer.shown();
                            stage
                        },
                        MoveEffect::Won(party) => return Some(party),
                    }
                },
            };
        }
    }

    #[test]
    fn a_lie_is_found_and_a_forced_dispute_goes_to_its_end() {
        let graph = CheckedGraph::new(graph()).unwrap();
        let honest = assay_graph::fast::trace(&graph, &[10, -7]).unwrap();
        let mut lie = honest.clone();
        match lie.tensors.last_mut().unwrap() {
            assay_graph::Tensor::Int8(elements) => elements[1] ^= 1,
            assay_graph::Tensor::Int32(elements) => elements[1] ^= 1,
        }
        assert_eq!(play(lie.clone(), Strategy::Truthful), Some(Party::Challenger));
        assert_eq!(play(lie, Strategy::Forced), Some(Party::Challenger));
        assert_eq!(play(honest.clone(), Strategy::Forced), Some(Party::Defender));
        assert_eq!(play(honest, Strategy::Truthful), None);
    }

    #[test]
    fn only_refusals_by_a_changed_dispute_are_accepted() {
        let refused = |name: &str| {
            let pallet = Some("Disputes".to_owned());
            let refusal = Refusal { pallet, name: name.to_owned(), docs: String::new() };
            Err(Error::Refused { call: "Disputes.choose".into(), refusal })
        };
        assert!(matches!(accept_overtaken(refused("Decided")), Ok(None)));
        assert!(accept_overtaken(refused("NoTile")).is_err());
    }
}
