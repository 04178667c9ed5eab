//! Authorisation of operators' moves, in the pool and in the block.
//!
//! Cheap checks come first, the signature last. The dispatch checks whether the move follows from
//! the claim; a move that does not loses the dispute.

use assay_dispute::{Answer, Party};
use assay_pallet_support::{refuse, Chain};
use assay_primitives::{
    digest,
    dispute::{AnswerStatement, DisputeId},
    traits::{BlockRoom, OptimisticResult, OptimisticResults, WORKER_CALL_BYTES},
    Digest, Statement, WorkerSignature,
};
use codec::Encode;
use frame_support::{
    ensure,
    pallet_prelude::{
        InvalidTransaction, TransactionSource, TransactionValidityError, ValidTransaction, Weight,
    },
    traits::Get,
};

use crate::{Config, Dispute, Pallet, Verdicts};

/// Codes of `InvalidTransaction::Custom` with which the pool refuses operators' moves.
pub mod refusal {
    /// There is no such dispute, it has ended, or its result is decided.
    pub const DISPUTE_NOT_FOUND: u8 = 20;
    /// The next move is the challenger's, or the stage expects another kind of move.
    pub const OUT_OF_TURN: u8 = 21;
    /// The deadline of the move has passed.
    pub const TOO_LATE: u8 = 22;
    /// The move answers another stage of the dispute.
    pub const OTHER_STAGE: u8 = 23;
    /// The operator has no worker key, because it is not registered any more.
    pub const NO_WORKER: u8 = 24;

    /// The meaning of a code; `None` for codes that are not in this list.
    pub const fn describe(code: u8) -> Option<&'static str> {
        Some(match code {
            DISPUTE_NOT_FOUND => "there is no such dispute, or it has ended",
            OUT_OF_TURN => "the dispute expects another kind of move, or one of the challenger",
            TOO_LATE => "the deadline of the move has passed",
            OTHER_STAGE => "the move answers another stage of the dispute",
            NO_WORKER => "the operator has no worker key",
            _ => return None,
        })
    }
}

impl<T: Config> Pallet<T> {
    /// The statement that an operator signs to make a move about its result.
    pub fn answer_statement(
        dispute: &Dispute<T::AccountId>,
        result: &OptimisticResult<T::AccountId>,
        answer: &Answer,
    ) -> AnswerStatement<T::AccountId> {
        AnswerStatement {
            request: result.answered,
            output_digest: result.output_digest,
            trace_root: result.trace_root,
            stage: dispute.stage.digest().into(),
            answer: digest(&answer.encode()),
            operator: result.operator.clone(),
        }
    }

    pub(crate) fn authorize_answer(
        _source: TransactionSource,
        id: &DisputeId,
        stage: &Digest,
        answer: &Answer,
        signature: &WorkerSignature,
    ) -> Result<(ValidTransaction, Weight), TransactionValidityError> {
        let (weight, bytes) = Self::room_of(answer);
        ensure!(
            T::Room::fits_move(weight, bytes.saturating_add(WORKER_CALL_BYTES)),
            InvalidTransaction::ExhaustsResources
        );
        let dispute = Self::current(*id).ok_or(refuse(refusal::DISPUTE_NOT_FOUND))?;
        ensure!(!Verdicts::<T>::contains_key(dispute.request), refuse(refusal::DISPUTE_NOT_FOUND));
        ensure!(
            dispute.stage.turn() == Party::Defender
                && dispute.stage.takes(answer)
                && !Self::is_computed(&dispute),
            refuse(refusal::OUT_OF_TURN)
        );
        ensure!(!Self::is_late(&dispute, T::now()), refuse(refusal::TOO_LATE));
        let result =
            T::Results::result(dispute.request).ok_or(refuse(refusal::DISPUTE_NOT_FOUND))?;
        let worker = result.worker.clone().ok_or(refuse(refusal::NO_WORKER))?;
        let statement = Self::answer_statement(&dispute, &result, answer);
        ensure!(statement.stage == *stage, refuse(refusal::OTHER_STAGE));
        ensure!(statement.is_signed_by(&worker, signature), InvalidTransaction::BadProof);
        let longevity = dispute.deadline.saturating_sub(T::now()).max(1);
        let validity = ValidTransaction::with_tag_prefix("AssayDispute")
            // The first move for a stage counts in all disputes that are in it.
            .and_provides((dispute.request, stage))
            .priority(T::AnswerPriority::get())
            .longevity(longevity.into())
            .propagate(true)
            .build()?;
        Ok((validity, Weight::zero()))
    }
}
