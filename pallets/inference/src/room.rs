//! The room in blocks that a request takes after its inclusion, and what its payer pays for it.
//!
//! The calls of operators have no fee of their own. Their payer holds the price of the largest
//! answers that its request allows, and pays in the end for what was answered.

use assay_primitives::{
    assurance::MAX_COMMITTEE,
    tensor::largest_payload,
    traits::{
        BlockRoom, EvidenceFindings, Models, OnRequestFinal, Operators, Verification,
        WORKER_CALL_BYTES,
    },
    Assurance, Balance, BlockNumber, ProofCost, RequestInput, TensorDeclaration, VersionId,
};
use frame_support::{traits::Get, weights::Weight};

use crate::{draws::MAX_VAIN_DRAWS, Config, Pallet, Request, WeightInfo};

/// The requests that a call makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Made {
    /// Number of the requests.
    pub count: u32,
    /// Length of all inline inputs in bytes.
    pub bytes: u32,
    /// Number of inputs that are artifacts.
    pub artifacts: u32,
    /// Number of heights at which the sweep processes the requests, without those after their
    /// deadlines.
    pub heights: u32,
}

impl Made {
    /// Requests with these inputs.
    pub(crate) fn of<'a, Payload: AsRef<[u8]> + 'a>(
        assurance: Assurance,
        draw_delay: BlockNumber,
        inputs: impl IntoIterator<Item = &'a RequestInput<Payload>>,
    ) -> Self {
        let is_quorum = matches!(assurance, Assurance::Quorum { .. });
        let heights = u32::from(is_quorum) + u32::from(draw_delay > 1);
        inputs.into_iter().fold(Self::default(), |made, input| Self {
            count: made.count.saturating_add(1),
            bytes: made.bytes.saturating_add(input.inline_bytes()),
            artifacts: made.artifacts + u32::from(matches!(input, RequestInput::Artifact(_))),
            heights: made.heights.saturating_add(heights),
        })
    }
}

/// What determines the weight of ending a quorum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Conclusion {
    /// Number of members.
    pub members: u32,
    /// Number of members without a result, all of whom may be penalised.
    pub late: u32,
    /// Number of different outputs.
    pub outputs: u32,
    /// Length of each output in bytes, at most.
    pub bytes: u32,
}

/// A list of results of one operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Listed {
    /// Number of its results.
    pub count: u32,
    /// Number of its results that end requests.
    pub awaited: u32,
    /// Number of the payers of these requests, or of those who receive their royalties if these are
    /// more.
    pub payers: u32,
}

/// What the members of a committee have sent, or may send at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sent {
    /// Number of commitments.
    pub commitments: u32,
    /// Number of failure reports.
    pub failures: u32,
    /// Number of results.
    pub results: u32,
    /// Number of different outputs among them.
    pub outputs: u32,
    /// Length of all their outputs in bytes.
    pub output_bytes: u32,
    /// Length of the proof in bytes, in class `Proof`.
    pub proof_bytes: u32,
    /// The list that the result was in; `None` if it came alone.
    pub listed: Option<Listed>,
    /// Number of draws in vain.
    pub vain_draws: u32,
}

impl<T: Config> Pallet<T> {
    /// Weight of a result of class `Signed`, or of a proof without its verification.
    pub(crate) fn result_weight(output: u32) -> Weight {
        T::WeightInfo::submit_result(output).saturating_add(T::OnRequestFinal::weight())
    }

    /// Weight of a result with a proof of this cost.
    pub(crate) fn proof_weight(output: u32, cost: ProofCost) -> Weight {
        T::WeightInfo::submit_result(output)
            .saturating_add(T::WeightInfo::call_waiting())
            .max(T::WeightInfo::refuse_proof(output))
            .saturating_add(T::Verification::proof_weight(cost))
            .saturating_add(T::OnRequestFinal::weight())
    }

    /// Weight of the end of a quorum. Each output is compared with each.
    pub(crate) fn conclusion_weight(conclusion: Conclusion) -> Weight {
        let Conclusion { members, late, outputs, bytes } = conclusion;
        let pairs = outputs.saturating_mul(outputs.saturating_sub(1)) / 2;
        T::WeightInfo::conclude(members, bytes)
            .saturating_add(T::WeightInfo::compare(bytes).saturating_mul(pairs.into()))
            .saturating_add(T::WeightInfo::penalties(late))
            .saturating_add(T::OnRequestFinal::weight())
    }

    /// Weight of a reveal that ends the largest quorum, with results that all differ and as many
    /// members late as the others do not need.
    pub(crate) fn last_reveal_weight(output: u32) -> Weight {
        let members = MAX_COMMITTEE.into();
        let late = members / 2;
        let most = Conclusion { members, late, outputs: members, bytes: output };
        T::WeightInfo::submit_reveal(output).saturating_add(Self::conclusion_weight(most))
    }

    /// Weight of making one request, for which `operators` of the version's operators are read.
    pub(crate) fn request_weight(made: Made, operators: u32) -> Weight {
        T::WeightInfo::request(made.bytes, operators).saturating_add(Self::additional_weight(made))
    }

    /// Weight of making a batch of requests, for which `operators` of the version's operators are
    /// read.
    pub(crate) fn batch_weight(made: Made, operators: u32) -> Weight {
        let inputs =
            T::WeightInfo::request(made.bytes, 0).saturating_sub(T::WeightInfo::request(0, 0));
        T::WeightInfo::request_batch(made.count, operators)
            .saturating_add(inputs)
            .saturating_add(Self::additional_weight(made))
    }

    /// Weight of what only some requests need.
    fn additional_weight(made: Made) -> Weight {
        T::WeightInfo::note_heights(made.heights)
            .saturating_add(T::WeightInfo::acquire_inputs(made.artifacts))
    }

    /// Weight of authorising a proof.
    pub(crate) fn proof_authorization(output: u32, proof: u32) -> Weight {
        T::WeightInfo::authorize_result(output)
            .saturating_add(T::WeightInfo::authorize_proof(proof))
    }

    /// Weight of authorising an optimistic result.
    pub(crate) fn trace_authorization(output: u32) -> Weight {
        T::WeightInfo::authorize_result(output).saturating_add(T::WeightInfo::authorize_trace())
    }

    /// Notes the room that a call has taken: its weight, that of its authorisation, and the bytes of
    /// its output and its proof.
    pub(crate) fn note_room(weight: Weight, authorization: Weight, bytes: u32) {
        T::Room::note_answer(
            weight.saturating_add(authorization),
            bytes.saturating_add(WORKER_CALL_BYTES),
        );
    }

    /// Weight of a failure report that ends a request with a committee of this size.
    pub(crate) fn failure_weight(members: u32) -> Weight {
        T::WeightInfo::report_failure(members).saturating_add(T::OnRequestFinal::weight())
    }

    /// Weight of a failure report before its request is read.
    pub(crate) fn largest_failure_weight() -> Weight {
        Self::failure_weight(MAX_COMMITTEE.into())
    }

    /// Weight of the answers and of the end that follows them.
    fn answers_weight(assurance: Assurance, proof: Option<ProofCost>, sent: Sent) -> Weight {
        let Sent { commitments, failures, results, outputs, output_bytes, proof_bytes, .. } = sent;
        let size = assurance.committee_size().max(1).into();
        let weight = match assurance {
            Assurance::Quorum { .. } if results == 0 => {
                Self::conclusion_weight(Conclusion { members: size, ..Conclusion::default() })
            },
            // The failure has ended it.
            _ if results == 0 && failures > 0 => Weight::zero(),
            _ if results == 0 => T::WeightInfo::deadline_single(),
            Assurance::Quorum { .. } => {
                // The weight of a reveal is linear in the length of its output.
                let empty = T::WeightInfo::submit_reveal(0)
                    .saturating_add(T::WeightInfo::authorize_reveal(0));
                T::WeightInfo::submit_reveal(output_bytes)
                    .saturating_add(T::WeightInfo::authorize_reveal(output_bytes))
                    .saturating_add(empty.saturating_mul(results.saturating_sub(1).into()))
                    .saturating_add(Self::conclusion_weight(Conclusion {
                        members: size,
                        late: 0,
                        outputs,
                        bytes: output_bytes / results,
                    }))
            },
            Assurance::Optimistic => T::WeightInfo::submit_trace(output_bytes)
                .saturating_add(T::WeightInfo::pass_window())
                .saturating_add(T::WeightInfo::authorize_result(output_bytes))
                .saturating_add(T::WeightInfo::authorize_trace()),
            Assurance::Proof => Self::proof_weight(output_bytes, proof.unwrap_or_default())
                .saturating_add(T::WeightInfo::authorize_result(output_bytes))
                .saturating_add(T::WeightInfo::authorize_proof(proof_bytes)),
            Assurance::Signed | Assurance::Tee => match sent.listed {
                Some(list) => Self::share_of_list(list, output_bytes),
                None => Self::result_weight(output_bytes)
                    .saturating_add(T::WeightInfo::authorize_result(output_bytes)),
            },
        };
        let commitment = T::WeightInfo::submit_commitment();
        let authorize = T::WeightInfo::authorize_commitment();
        let commitment = commitment.saturating_add(authorize);
        let failure = Self::failure_weight(size).saturating_add(authorize);
        weight
            .saturating_add(commitment.saturating_mul(commitments.into()))
            .saturating_add(failure.saturating_mul(failures.into()))
    }

    /// The present price of the draw, of these answers, of the end and of pruning. The winning output
    /// is paid for once more, because it stays in the state for [`Config::Retention`].
    fn price(
        version: VersionId,
        assurance: Assurance,
        proof: Option<ProofCost>,
        sent: Sent,
    ) -> Balance {
        let servers = T::Operators::servers(version);
        let size = assurance.committee_size().max(1).into();
        let weight = T::WeightInfo::draw_of(servers, size)
            .saturating_add(Self::vain_weight(servers, sent.vain_draws))
            .saturating_add(T::WeightInfo::prune())
            .saturating_add(Self::answers_weight(assurance, proof, sent));
        let calls = sent.commitments + sent.failures + sent.results;
        let kept = sent.output_bytes.checked_div(sent.results).unwrap_or_default();
        let bytes = WORKER_CALL_BYTES
            .saturating_mul(calls)
            .saturating_add(sent.output_bytes)
            .saturating_add(sent.proof_bytes)
            .saturating_add(kept);
        T::Room::price(weight, bytes)
    }

    /// Weight of draws in vain, of the rests that follow, and of the draws at their ends.
    fn vain_weight(servers: u32, draws: u32) -> Weight {
        T::WeightInfo::draw_of(servers, 1)
            .saturating_mul(2)
            .saturating_add(Self::rest_weight())
            .saturating_add(T::WeightInfo::prolong())
            .saturating_mul(draws.into())
    }

    fn proof_cost(version: VersionId, assurance: Assurance) -> Option<ProofCost> {
        match assurance {
            Assurance::Proof => T::Models::proof_terms(version).map(|terms| terms.cost),
            _ => None,
        }
    }

    /// The largest fee for the room that a request can take: the largest answers that its class and
    /// the version's declared outputs allow.
    pub(crate) fn largest_fee(
        version: VersionId,
        outputs: &[TensorDeclaration],
        assurance: Assurance,
    ) -> Balance {
        let size = u32::from(assurance.committee_size().max(1));
        let most = T::MaxOutputBytes::get();
        let output =
            largest_payload(outputs).map_or(most, |bytes| bytes.min(u64::from(most)) as u32);
        let proof = Self::proof_cost(version, assurance);
        let answered = Sent {
            commitments: if matches!(assurance, Assurance::Quorum { .. }) { size } else { 0 },
            failures: 0,
            results: size,
            outputs: size,
            output_bytes: size.saturating_mul(output),
            proof_bytes: proof.map_or(0, |cost| cost.proof_bytes),
            listed: None,
            vain_draws: MAX_VAIN_DRAWS,
        };
        let failed = Sent { failures: size, vain_draws: MAX_VAIN_DRAWS, ..Sent::default() };
        [answered, failed]
            .into_iter()
            .map(|sent| Self::price(version, assurance, proof, sent))
            .max()
            .unwrap_or_default()
    }

    /// The fee for what was handled and answered, at most what is held for it. `listed`: the list that
    /// the result was in.
    pub(crate) fn fee(
        request: &Request<T::AccountId>,
        findings: &EvidenceFindings<T::AccountId>,
        listed: Option<Listed>,
    ) -> Balance {
        let results = findings.evidence.len() as u32;
        let proofs = findings.evidence.iter().filter_map(|item| item.proof);
        let sent = Sent {
            commitments: match request.assurance {
                Assurance::Quorum { .. } => results.saturating_add(findings.unopened),
                _ => 0,
            },
            failures: findings.failures,
            results,
            outputs: findings.outputs,
            output_bytes: findings.output_bytes,
            proof_bytes: proofs.map(|proof| proof.bytes).sum(),
            listed,
            vain_draws: request.vain_draws,
        };
        let proof = Self::proof_cost(request.version, request.assurance);
        Self::price(request.version, request.assurance, proof, sent).min(request.fee)
    }

    /// The fee of a request that ends without a committee.
    pub(crate) fn undrawn_fee(request: &Request<T::AccountId>) -> Balance {
        let servers = T::Operators::servers(request.version);
        let weight = T::WeightInfo::draw_of(servers, 1)
            .saturating_add(Self::vain_weight(servers, request.vain_draws))
            .saturating_add(T::WeightInfo::cancel())
            .saturating_add(T::WeightInfo::prune())
            .saturating_add(T::OnRequestFinal::weight());
        T::Room::price(weight, 0).min(request.fee)
    }

    /// The height of the clock of blocks with room at which so many have passed after this one. This
    /// block does not count, though its room is counted later.
    pub(crate) fn late_from(blocks: BlockNumber) -> BlockNumber {
        T::Room::answer_blocks().saturating_add(blocks).saturating_add(1)
    }

    /// Whether an answer that counts until height `last` counts in block `at`. After that height it does
    /// as long as blocks with room are missing: the deadline moves, but the sweep may lag.
    pub(crate) fn counts(
        request: &Request<T::AccountId>,
        at: BlockNumber,
        last: BlockNumber,
    ) -> bool {
        at <= last || Self::blocks_missing(request) > 0
    }

    /// The number of blocks with room that the members of a committee still have to get before
    /// anyone is late.
    pub(crate) fn blocks_missing(request: &Request<T::AccountId>) -> BlockNumber {
        request.late_from.saturating_sub(T::Room::answer_blocks())
    }
}
