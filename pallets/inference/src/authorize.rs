//! Authorisation of workers' calls, in the pool and in the block.
//!
//! Cheap checks come first, the signature last. A call that passes cannot fail in the dispatch.

use assay_pallet_support::{refuse, Chain};
use assay_primitives::{
    commitment as commitment_of, digest,
    dispute::TraceStatement,
    runtime_api::Status,
    traits::{BlockRoom, MemberState, Models, Operators, Verification, WORKER_CALL_BYTES},
    validate_payload, Assurance, AssuranceClass, BlockNumber, CommitStatement, Digest,
    FailureReason, FailureStatement, ProofCost, RequestId, ResultStatement, Statement, WorkerId,
    WorkerSignature,
};
use frame_support::{
    ensure,
    pallet_prelude::{
        InvalidTransaction, TransactionPriority, TransactionSource, TransactionValidityError,
        ValidTransaction, Weight,
    },
    traits::Get,
    BoundedVec,
};

use sp_runtime::transaction_validity::ValidTransactionBuilder;

use crate::{Config, EncodedProof, Pallet, Request, Requests, TraceSignatures, WeightInfo};

/// Codes of `InvalidTransaction::Custom` with which the pool refuses workers' calls.
pub mod refusal {
    /// There is no such request, or it was pruned.
    pub const REQUEST_NOT_FOUND: u8 = 10;
    /// The operator is not among those drawn for the request.
    pub const NOT_ASSIGNED: u8 = 11;
    /// The request has ended, or its status or class expects another call.
    pub const WRONG_PHASE: u8 = 12;
    /// The deadline of the call has passed.
    pub const TOO_LATE: u8 = 13;
    /// The operator has already submitted an answer of this kind.
    pub const ALREADY_SUBMITTED: u8 = 14;
    /// The result does not match the commitment.
    pub const WRONG_OPENING: u8 = 15;
    /// The output does not fit the version's declaration.
    pub const WRONG_OUTPUT: u8 = 16;
    /// The cost differs from the one in the version's terms, or the version has no terms of proofs.
    pub const WRONG_COST: u8 = 17;
    /// A list of results is empty, or its requests are not in ascending order.
    pub const NOT_A_LIST: u8 = 18;
    /// Fewer than half of the results of a list are awaited, by number or by length.
    pub const NOT_AWAITED: u8 = 19;

    /// The meaning of a code; `None` for codes that are not in this list.
    pub const fn describe(code: u8) -> Option<&'static str> {
        Some(match code {
            REQUEST_NOT_FOUND => "there is no such request, or it was pruned",
            NOT_ASSIGNED => "the operator is not among those drawn for the request",
            WRONG_PHASE => "the request has ended, or expects another call",
            TOO_LATE => "the deadline has passed",
            ALREADY_SUBMITTED => "the operator has already submitted its answer",
            WRONG_OPENING => "the result does not match the commitment",
            WRONG_OUTPUT => "the output does not fit the version's declaration",
            NOT_A_LIST => "the list of results is empty or not in ascending order",
            NOT_AWAITED => "fewer than half of the results of the list are awaited",
            WRONG_COST => "the cost differs from the version's terms, or it has no proofs",
            _ => return None,
        })
    }
}

/// Number of heights after which the priority of repeated submissions starts again, and for which the
/// pool keeps each.
pub const PRIORITIES: BlockNumber = 16;

pub(crate) type Authorized = Result<(ValidTransaction, Weight), TransactionValidityError>;

/// A worker's call that has passed the checks which all calls share. Its signature is not checked.
pub(crate) struct Assigned<T: Config> {
    pub request: Request<T::AccountId>,
    pub worker: WorkerId,
}

impl<T: Config> Pallet<T> {
    /// Checks that the block has room for the call, and what all calls have in common.
    pub(crate) fn assigned(
        id: RequestId,
        operator: &T::AccountId,
        weight: Weight,
        bytes: u32,
        deadline: impl FnOnce(&Request<T::AccountId>) -> BlockNumber,
    ) -> Result<Assigned<T>, TransactionValidityError> {
        ensure!(
            T::Room::fits_answer(weight, bytes.saturating_add(WORKER_CALL_BYTES)),
            InvalidTransaction::ExhaustsResources
        );
        let request = Requests::<T>::get(id).ok_or(refuse(refusal::REQUEST_NOT_FOUND))?;
        ensure!(
            request.members.iter().any(|member| member.account == *operator),
            refuse(refusal::NOT_ASSIGNED)
        );
        ensure!(
            matches!(request.status, Status::Assigned | Status::Revealing | Status::Disputable),
            refuse(refusal::WRONG_PHASE)
        );
        ensure!(Self::counts(&request, T::now(), deadline(&request)), refuse(refusal::TOO_LATE));
        let worker = T::Operators::worker(operator).ok_or(refuse(refusal::NOT_ASSIGNED))?;
        Ok(Assigned { request, worker })
    }

    /// Checks that the operator has not answered.
    fn ensure_silent(
        id: RequestId,
        operator: &T::AccountId,
    ) -> Result<(), TransactionValidityError> {
        let state = T::Verification::member_state(id, operator);
        ensure!(state == MemberState::Silent, refuse(refusal::ALREADY_SUBMITTED));
        Ok(())
    }

    /// The priority of a call that is submitted at this height, above [`Config::WorkerPriority`].
    ///
    /// It goes up at each height, so that a repeated submission replaces the earlier one in a pool
    /// that still has it, and the pool propagates it again to peers that have dropped it. It starts
    /// again every [`PRIORITIES`] heights, so that nothing gains by waiting.
    pub fn resubmission() -> TransactionPriority {
        (T::now() % PRIORITIES).into()
    }

    /// What the call of an operator about a request provides to the pool.
    pub(crate) fn tagged(
        kind: &'static str,
        id: RequestId,
        operator: &T::AccountId,
    ) -> ValidTransactionBuilder {
        ValidTransaction::with_tag_prefix(kind).and_provides((id, operator))
    }

    /// The validity of a call. All stay in the pool for the same time: of two with one priority it
    /// offers the one first that leaves earlier, and payers choose deadlines.
    pub(crate) fn admit(validity: ValidTransactionBuilder) -> Authorized {
        let validity = validity
            .priority(T::WorkerPriority::get().saturating_add(Self::resubmission()))
            .longevity(PRIORITIES.into())
            .propagate(true)
            .build()?;
        Ok((validity, Weight::zero()))
    }

    pub(crate) fn check_output(
        request: &Request<T::AccountId>,
        output: &[u8],
    ) -> Result<(), TransactionValidityError> {
        let terms = T::Models::terms(request.version).ok_or(refuse(refusal::REQUEST_NOT_FOUND))?;
        validate_payload(output, &terms.descriptor.outputs)
            .map_err(|_| refuse(refusal::WRONG_OUTPUT))
    }

    /// The statement that `operator` signs for an output, and a proof if there is one, with these
    /// digests.
    pub(crate) fn statement(
        id: RequestId,
        request: &Request<T::AccountId>,
        operator: &T::AccountId,
        output_digest: Digest,
        proof: Option<Digest>,
    ) -> ResultStatement<T::AccountId> {
        ResultStatement {
            request: request.answered(T::genesis(), id),
            output_digest,
            operator: operator.clone(),
            proof,
        }
    }

    pub(crate) fn authorize_result(
        _source: TransactionSource,
        id: &RequestId,
        operator: &T::AccountId,
        output: &BoundedVec<u8, T::MaxOutputBytes>,
        signature: &WorkerSignature,
    ) -> Authorized {
        let bytes = output.len() as u32;
        let weight =
            Self::result_weight(bytes).saturating_add(T::WeightInfo::authorize_result(bytes));
        let Assigned { request, worker } =
            Self::assigned(*id, operator, weight, bytes, |request| request.deadline)?;
        ensure!(request.assurance.class() == AssuranceClass::Signed, refuse(refusal::WRONG_PHASE));
        Self::check_output(&request, output)?;
        ensure!(
            Self::statement(*id, &request, operator, digest(output), None)
                .is_signed_by(&worker, signature),
            InvalidTransaction::BadProof
        );
        Self::admit(Self::tagged("AssayResult", *id, operator))
    }

    /// Checks everything but the proof, which only the dispatch verifies.
    pub(crate) fn authorize_proof(
        _source: TransactionSource,
        id: &RequestId,
        operator: &T::AccountId,
        cost: &ProofCost,
        output: &BoundedVec<u8, T::MaxOutputBytes>,
        proof: &EncodedProof,
        signature: &WorkerSignature,
    ) -> Authorized {
        let (bytes, proof_bytes) = (output.len() as u32, proof.len() as u32);
        let weight = Self::proof_weight(bytes, *cost)
            .saturating_add(Self::proof_authorization(bytes, proof_bytes));
        let length = bytes.saturating_add(proof_bytes);
        let Assigned { request, worker } =
            Self::assigned(*id, operator, weight, length, |request| request.deadline)?;
        ensure!(request.assurance.class() == AssuranceClass::Proof, refuse(refusal::WRONG_PHASE));
        Self::ensure_silent(*id, operator)?;
        let terms = T::Models::proof_terms(request.version);
        ensure!(terms.is_some_and(|terms| terms.cost == *cost), refuse(refusal::WRONG_COST));
        Self::check_output(&request, output)?;
        ensure!(
            Self::statement(*id, &request, operator, digest(output), Some(digest(proof)))
                .is_signed_by(&worker, signature),
            InvalidTransaction::BadProof
        );
        Self::admit(Self::tagged("AssayProof", *id, operator))
    }

    pub(crate) fn authorize_commitment(
        _source: TransactionSource,
        id: &RequestId,
        operator: &T::AccountId,
        commitment: &Digest,
        signature: &WorkerSignature,
    ) -> Authorized {
        let weight = T::WeightInfo::submit_commitment()
            .saturating_add(T::WeightInfo::authorize_commitment());
        let Assigned { request, worker } = Self::assigned(*id, operator, weight, 0, |request| {
            request.commit_deadline(T::RevealWindow::get())
        })?;
        ensure!(
            request.status == Status::Assigned
                && matches!(request.assurance, Assurance::Quorum { .. }),
            refuse(refusal::WRONG_PHASE)
        );
        Self::ensure_silent(*id, operator)?;
        let statement = CommitStatement {
            request: request.answered(T::genesis(), *id),
            commitment: *commitment,
            operator: operator.clone(),
        };
        ensure!(statement.is_signed_by(&worker, signature), InvalidTransaction::BadProof);
        Self::admit(Self::tagged("AssayCommitment", *id, operator))
    }

    pub(crate) fn authorize_reveal(
        _source: TransactionSource,
        id: &RequestId,
        operator: &T::AccountId,
        output: &BoundedVec<u8, T::MaxOutputBytes>,
        salt: &[u8; 32],
        signature: &WorkerSignature,
    ) -> Authorized {
        let bytes = output.len() as u32;
        let weight =
            Self::last_reveal_weight(bytes).saturating_add(T::WeightInfo::authorize_reveal(bytes));
        let Assigned { request, worker } =
            Self::assigned(*id, operator, weight, bytes, |request| request.deadline)?;
        ensure!(Self::reveals_due(*id, &request, T::now()), refuse(refusal::WRONG_PHASE));
        let committed = match T::Verification::member_state(*id, operator) {
            MemberState::Committed(commitment) => commitment,
            MemberState::Revealed => return Err(refuse(refusal::ALREADY_SUBMITTED)),
            MemberState::Silent | MemberState::Failed(_) => {
                return Err(refuse(refusal::WRONG_PHASE))
            },
        };
        let output_digest = digest(output);
        let statement = Self::statement(*id, &request, operator, output_digest, None);
        ensure!(
            commitment_of(&statement.request, operator, &output_digest, salt) == committed,
            refuse(refusal::WRONG_OPENING)
        );
        Self::check_output(&request, output)?;
        ensure!(statement.is_signed_by(&worker, signature), InvalidTransaction::BadProof);
        Self::admit(Self::tagged("AssayReveal", *id, operator))
    }

    pub(crate) fn authorize_failure(
        _source: TransactionSource,
        id: &RequestId,
        operator: &T::AccountId,
        reason: &FailureReason,
        signature: &WorkerSignature,
    ) -> Authorized {
        let weight =
            Self::largest_failure_weight().saturating_add(T::WeightInfo::authorize_commitment());
        let Assigned { request, worker } = Self::assigned(*id, operator, weight, 0, |request| {
            request.answer_deadline(T::RevealWindow::get())
        })?;
        // A member that has committed has a result, so it cannot report a failure.
        ensure!(request.status == Status::Assigned, refuse(refusal::WRONG_PHASE));
        Self::ensure_silent(*id, operator)?;
        let statement = FailureStatement {
            request: request.answered(T::genesis(), *id),
            reason: *reason,
            operator: operator.clone(),
        };
        ensure!(statement.is_signed_by(&worker, signature), InvalidTransaction::BadProof);
        Self::admit(Self::tagged("AssayFailure", *id, operator))
    }

    /// The statement that an operator signs about its trace.
    pub(crate) fn trace_statement(
        id: RequestId,
        request: &Request<T::AccountId>,
        operator: &T::AccountId,
        output_digest: Digest,
        trace_root: Digest,
    ) -> TraceStatement<T::AccountId> {
        TraceStatement {
            request: request.answered(T::genesis(), id),
            output_digest,
            trace_root,
            operator: operator.clone(),
        }
    }

    pub(crate) fn authorize_trace(
        _source: TransactionSource,
        id: &RequestId,
        operator: &T::AccountId,
        output: &BoundedVec<u8, T::MaxOutputBytes>,
        trace_root: &Digest,
        signatures: &TraceSignatures,
    ) -> Result<(ValidTransaction, Weight), TransactionValidityError> {
        let bytes = output.len() as u32;
        let weight =
            T::WeightInfo::submit_trace(bytes).saturating_add(Self::trace_authorization(bytes));
        let Assigned { request, worker } =
            Self::assigned(*id, operator, weight, bytes, |request| request.deadline)?;
        ensure!(request.assurance == Assurance::Optimistic, refuse(refusal::WRONG_PHASE));
        Self::ensure_silent(*id, operator)?;
        Self::check_output(&request, output)?;
        let output_digest = digest(output);
        let trace = Self::trace_statement(*id, &request, operator, output_digest, *trace_root);
        ensure!(
            Self::statement(*id, &request, operator, output_digest, None)
                .is_signed_by(&worker, &signatures.result)
                && trace.is_signed_by(&worker, &signatures.trace),
            InvalidTransaction::BadProof
        );
        Self::admit(Self::tagged("AssayTrace", *id, operator))
    }
}
