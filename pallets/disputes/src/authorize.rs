//! Which moves of operators may enter a block.
//!
//! The pool asks before it takes a call, and the block before it executes one. Cheap checks come
//! first, the signature last. Whether the move is right is not checked here: the dispatch does
//! that, and a wrong one loses the dispute.

use assay_dispute::{Answer, Party};
use assay_primitives::{
    digest,
    dispute::{AnswerStatement, DisputeId},
    traits::OptimisticResults,
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

use crate::{Config, Dispute, OpenDisputes, Pallet, Verdicts};

/// Codes of `InvalidTransaction::Custom` with which operators' moves are refused.
pub mod refusal {
    /// There is no such dispute, or it is over.
    pub const DISPUTE_NOT_FOUND: u8 = 20;
    /// It is the challenger's turn, or the stage asks for another move.
    pub const OUT_OF_TURN: u8 = 21;
    /// The deadline has passed.
    pub const TOO_LATE: u8 = 22;
    /// The move answers another stage.
    pub const OTHER_STAGE: u8 = 23;
    /// The operator has no worker key.
    pub const NO_WORKER: u8 = 24;

    /// What a code means.
    pub const fn describe(code: u8) -> Option<&'static str> {
        Some(match code {
            DISPUTE_NOT_FOUND => "there is no such dispute, or it is over",
            OUT_OF_TURN => "the dispute awaits another move, or one of the challenger",
            TOO_LATE => "the deadline of the move has passed",
            OTHER_STAGE => "the move answers another stage of the dispute",
            NO_WORKER => "the operator has no worker key",
            _ => return None,
        })
    }
}

fn refuse(code: u8) -> TransactionValidityError {
    InvalidTransaction::Custom(code).into()
}

impl<T: Config> Pallet<T> {
    /// What an operator signs to make a move.
    pub fn answer_statement(
        id: DisputeId,
        dispute: &Dispute<T::AccountId>,
        answer: &Answer,
    ) -> AnswerStatement<T::AccountId> {
        AnswerStatement {
            genesis: Self::genesis(),
            dispute: id,
            stage: dispute.stage.digest().into(),
            answer: digest(&answer.encode()),
            operator: dispute.operator.clone(),
        }
    }

    pub(crate) fn authorize_answer(
        _source: TransactionSource,
        id: &DisputeId,
        stage: &Digest,
        answer: &Answer,
        signature: &WorkerSignature,
    ) -> Result<(ValidTransaction, Weight), TransactionValidityError> {
        let dispute = OpenDisputes::<T>::get(id).ok_or(refuse(refusal::DISPUTE_NOT_FOUND))?;
        ensure!(!Verdicts::<T>::contains_key(dispute.request), refuse(refusal::DISPUTE_NOT_FOUND));
        ensure!(
            dispute.stage.turn() == Party::Defender && dispute.stage.takes(answer),
            refuse(refusal::OUT_OF_TURN)
        );
        ensure!(Self::now() <= dispute.deadline, refuse(refusal::TOO_LATE));
        let worker = T::Results::result(dispute.request)
            .and_then(|result| result.worker)
            .ok_or(refuse(refusal::NO_WORKER))?;
        let statement = Self::answer_statement(*id, &dispute, answer);
        ensure!(statement.stage == *stage, refuse(refusal::OTHER_STAGE));
        ensure!(statement.is_signed_by(&worker, signature), InvalidTransaction::BadProof);
        let longevity = dispute.deadline.saturating_sub(Self::now()).max(1);
        let validity = ValidTransaction::with_tag_prefix("AssayDispute")
            .and_provides((id, stage))
            .priority(T::AnswerPriority::get())
            .longevity(longevity.into())
            .propagate(true)
            .build()?;
        Ok((validity, Weight::zero()))
    }
}
