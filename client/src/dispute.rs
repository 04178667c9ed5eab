//! Disputes over optimistic results, as a challenger has them: run the model again, open, move
//! until the end.
//!
//! What the model computes, the client computes itself, with a model file that has the digest on
//! chain. What was asked and what is claimed, and where a dispute stands, it takes from the node.

use std::time::Duration;

use assay_dispute::{Choice, Party, Player, Stage};
use assay_graph::CheckedGraph;
use assay_primitives::{
    dispute::{tensor_data, DisputeId},
    proof::{account_bytes, PROOF_DOMAIN},
    runtime_api::{DisputeView, OptimisticView, RequestView, VersionView},
    Balance, BlockNumber, Digest, RequestId, Tensor,
};
use assay_proof::{Context, Prover};
use codec::{DecodeAll, Encode};

use crate::{calls, graph::GraphFile, rpc, AccountId, Client, Error, Inclusion, Result, Signer};

pub(crate) mod end;

use end::Happened;
pub use end::{DisputeCause, DisputeEnd, DisputeStatus, Ending, STATES_KEPT};

/// How long a new block is waited for.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(90);
/// After how many blocks a move is sent again that a block has had and another has not.
const MOVE_AGAIN_BLOCKS: BlockNumber = 3;
/// Blocks for which a dispute may be out of sight, in a reorganisation.
const MAX_BLOCKS_UNSEEN: u32 = 10;

/// What a model computes of the input of a request, and what an operator claims of it.
#[derive(Clone, Debug)]
pub struct Reexecution {
    /// The request.
    pub request: RequestView<AccountId>,
    /// What is claimed.
    pub claim: OptimisticView<AccountId>,
    /// The version.
    pub version: VersionView<AccountId>,
    graph: CheckedGraph,
    input: Vec<i8>,
    output: Vec<u8>,
}

impl Reexecution {
    /// The output payload that the model computes.
    pub fn output(&self) -> Vec<u8> {
        // The chain took the claimed output as one tensor of the declared form.
        let claimed = Vec::<Tensor>::decode_all(&mut &self.claim.output[..]).unwrap_or_default();
        let own = |tensor| Tensor { data: self.output.clone(), ..tensor };
        claimed.into_iter().map(own).collect::<Vec<_>>().encode()
    }

    /// Whether that is what is claimed. A dispute over such a result is lost.
    pub fn agrees(&self) -> bool {
        tensor_data(&self.claim.output).as_ref() == Some(&self.output)
    }

    fn player(&self) -> Result<Player<'_>> {
        Player::new(&self.graph, &self.input).map_err(|error| Error::invalid(error.to_string()))
    }
}

/// What a challenger names where nothing that it sees is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
    /// Nothing: it does not go on.
    Truthful,
    /// The first that there is. It loses, which shows that the operator defends itself.
    Forced,
}

/// How far a dispute has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisputeProgress {
    /// The model's file is taken from the node.
    Downloading {
        /// Its digest.
        artifact: Digest,
        /// Its bytes.
        bytes: u64,
    },
    /// The dispute has come to another stage.
    Stage(Box<DisputeView<AccountId>>, Box<Stage>),
    /// The challenger has moved.
    Moved {
        /// What it named.
        choice: Choice,
        /// Height of the block.
        height: BlockNumber,
    },
}

/// The stage in a view of a dispute.
pub fn stage(view: &DisputeView<AccountId>) -> Result<Stage> {
    rpc::decode("AssayApi_dispute", &view.stage)
}

/// What a challenger moves in a stage; `None` where it is not its turn, or it names nothing.
fn choice(player: &Player<'_>, stage: &Stage, strategy: Strategy) -> Option<Choice> {
    match (player.choose(stage), strategy, stage) {
        (Some(choice), _, _) => Some(choice),
        (None, Strategy::Forced, Stage::Operation { .. }) => Some(Choice::Operation(0)),
        // What is shown of a tensor begins with its first leaf then, and with its first tile.
        (None, Strategy::Forced, Stage::Leaf { .. }) => Some(Choice::Leaf(0)),
        (None, Strategy::Forced, Stage::Tile { .. }) => Some(Choice::Tile(0)),
        _ => None,
    }
}

/// Whether a call came too late for a reason that the dispute's state shows.
fn is_overtaken(error: &Error) -> bool {
    const OVERTAKEN: [&str; 4] = ["DisputeNotFound", "Decided", "OutOfTurn", "DeadlinePassed"];
    matches!(error, Error::Refused { refusal, .. } if OVERTAKEN.contains(&refusal.name.as_str()))
}

impl Client {
    /// What a challenger puts up, in plancks.
    pub async fn dispute_bond(&self) -> Result<Balance> {
        let bond = self.constant("Disputes", "Bond").await;
        bond.ok_or_else(|| Error::Outdated("the constant Disputes.Bond".into()))
    }

    /// Runs the model of an optimistic result that is not final again, on this machine. Takes the
    /// model's file from the node and checks its digest.
    ///
    /// Fails with [`Error::NotFound`] where the request has no such result.
    pub async fn reexecute(
        &self,
        request: RequestId,
        progress: &(dyn Fn(DisputeProgress) + Sync),
    ) -> Result<Reexecution> {
        let view = self.existing_request(request).await?;
        let claim = self.optimistic(request).await?.ok_or_else(|| {
            Error::not_found(format!(
                "request {request} has no result that may be disputed: it is of class {} and {:?}",
                view.assurance.class().name(),
                view.status
            ))
        })?;
        let version = self.version(view.version).await?;
        let version = version
            .ok_or_else(|| Error::not_found(format!("there is no version {}", view.version)))?;
        let input = self.input(request).await?;
        let input = input.as_deref().and_then(tensor_data).ok_or_else(|| {
            Error::not_found(format!("the chain has no input of request {request}"))
        })?;
        let (artifact, bytes) = (version.descriptor.artifact, version.descriptor.artifact_size);
        progress(DisputeProgress::Downloading { artifact, bytes });
        let file = GraphFile::from_bytes(&self.download_artifact(artifact).await?)?;
        let architecture = Digest::from(file.architecture().digest());
        if version.descriptor.architecture != Some(architecture) {
            return Err(Error::invalid(format!(
                "the file of version {} has another architecture than the version: operators \
                 cannot run it, and no dispute over it can be played",
                version.id
            )));
        }
        let mut own = Reexecution {
            request: view,
            claim,
            version,
            graph: file.graph().clone(),
            input: input.iter().map(|byte| i8::from_le_bytes([*byte])).collect(),
            output: Vec::new(),
        };
        let output = own.player()?.output().map(assay_graph::Tensor::to_bytes);
        own.output = output.ok_or_else(|| Error::invalid("the model has no output"))?;
        Ok(own)
    }

    /// Opens a dispute over the result of a request, with a bond of the signer.
    ///
    /// Nothing is run: see [`Client::reexecute`] first.
    pub async fn open_dispute(
        &self,
        request: RequestId,
        signer: &Signer,
    ) -> Result<(DisputeId, Inclusion)> {
        let included = self.submit(&calls::disputes::open(request), signer).await?;
        let opened =
            self.dispute_events(included.block).await?.into_iter().rev().find_map(
                |one| match one {
                    Happened::Opened { dispute, request: of, challenger }
                        if of == request && challenger == *signer.account() =>
                    {
                        Some(dispute)
                    },
                    _ => None,
                },
            );
        let opened = opened.ok_or_else(|| Error::Answer {
            method: "System.Events".into(),
            reason: "nothing is said of the dispute".into(),
        })?;
        Ok((opened, included))
    }

    /// An open dispute of the signer. Fails with [`Error::Invalid`] where it is another's.
    pub async fn challenged_by(
        &self,
        id: DisputeId,
        signer: &Signer,
    ) -> Result<DisputeView<AccountId>> {
        let view = self.existing_dispute(id).await?;
        match view.challenger == *signer.account() {
            true => Ok(view),
            false => Err(Error::invalid(format!(
                "dispute {id} is of {}, and only that account may move in it",
                view.challenger
            ))),
        }
    }

    /// Makes the challenger's moves in a dispute until it ends.
    ///
    /// Fails with [`Error::Invalid`] where the signer is not the challenger, and where nothing is
    /// wrong and the strategy names nothing then.
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
        // The last height at which it was open, and what was seen and done there.
        let mut open_at = view.opened_at;
        let mut unseen = 0;
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
                    return Err(Error::not_found(format!("dispute {id} is on the chain no more")));
                }
                next_head(&mut heads).await?;
                continue;
            };
            (unseen, open_at) = (0, height);
            let stage = stage(&view)?;
            let digest = Digest::from(stage.digest());
            let is_decided = view.verdict.is_some();
            let lately = moved.is_some_and(|(of, at)| {
                of == digest && height.saturating_sub(at) < MOVE_AGAIN_BLOCKS
            });
            if shown != Some((digest, is_decided)) {
                shown = Some((digest, is_decided));
                progress(DisputeProgress::Stage(Box::new(view), Box::new(stage.clone())));
            }
            if is_decided && !lately {
                moved = Some((digest, height));
                accept_overtaken(self.submit(&calls::disputes::close(id), signer).await)?;
                continue;
            }
            if !is_decided && !lately && stage.turn() == Party::Challenger {
                let choice = choice(&player, &stage, strategy).ok_or_else(|| {
                    Error::invalid(format!(
                        "nothing that the operator shows in dispute {id} is wrong, so it cannot be \
                         won; it is lost when the time for the move is over"
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

    /// Decides a dispute by a validity proof of what the model computes, made on this machine.
    ///
    /// Fails with [`Error::Invalid`] where the version's runs cannot be proven on chain.
    pub async fn prove_dispute(
        &self,
        id: DisputeId,
        own: &Reexecution,
        signer: &Signer,
    ) -> Result<DisputeEnd> {
        if own.version.proof.is_none() {
            return Err(Error::invalid(format!(
                "version {} does not offer class proof, so the chain verifies none of it; use \
                 `dispute play`",
                own.version.id
            )));
        }
        let unprovable = |error: &dyn std::fmt::Display| {
            Error::invalid(format!("the run cannot be proven: {error}"))
        };
        let prover = Prover::new(&own.graph).map_err(|error| unprovable(&error))?;
        let request = own.request.id.encode();
        let context = Context {
            genesis: self.genesis().to_fixed_bytes(),
            domain: PROOF_DOMAIN,
            request: &request,
            requester: account_bytes(&own.request.payer),
            operator: account_bytes(&own.claim.operator),
        };
        let input: Vec<u8> = own.input.iter().flat_map(|element| element.to_le_bytes()).collect();
        let proven = prover.prove(&context, &input).map_err(|error| unprovable(&error))?;
        let call = calls::disputes::prove(id, &proven.output, &proven.proof);
        let included = self.submit(&call, signer).await?;
        let end = self.dispute_end(id, included.height.saturating_sub(1), included.height).await?;
        end.ok_or_else(|| Error::Answer {
            method: "System.Events".into(),
            reason: format!("nothing is said of the end of dispute {id}"),
        })
    }
}

/// A call that came too late is none: what the chain says next tells why.
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

    /// Plays a dispute over a model to its end, by the rules of the chain.
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
        loop {
            stage = match stage.turn() {
                Party::Challenger => {
                    let choice = choice(&challenger, &stage, strategy)?;
                    stage.choose(graph.plan(), choice).unwrap()
                },
                Party::Defender => {
                    assert_eq!(choice(&challenger, &stage, strategy), None);
                    let answer = defender.answer(&stage)?;
                    match stage.answer(&claim, &answer).unwrap() {
                        MoveEffect::Next(stage) => stage,
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
    fn only_what_the_dispute_shows_is_taken_for_lateness() {
        let refused = |name: &str| {
            let pallet = Some("Disputes".to_owned());
            let refusal = Refusal { pallet, name: name.to_owned(), docs: String::new() };
            Err(Error::Refused { call: "Disputes.choose".into(), refusal })
        };
        assert!(matches!(accept_overtaken(refused("Decided")), Ok(None)));
        assert!(accept_overtaken(refused("NoTile")).is_err());
    }
}
