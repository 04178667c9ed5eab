//! Heartbeats, which determine which operators are live.

use assay_pallet_support::{refuse, Chain};
use assay_primitives::{
    traits::{BlockRoom, WORKER_CALL_BYTES},
    HeartbeatStatement, Statement, WorkerSignature,
};
use frame_support::{ensure, pallet_prelude::*, traits::Get};
use sp_runtime::transaction_validity::{
    InvalidTransaction, TransactionSource, TransactionValidityError,
};

use crate::{Config, Event, Operator, Operators, Pallet, WeightInfo};

/// Codes of `InvalidTransaction::Custom` with which the pool refuses heartbeats.
pub mod refusal {
    /// The statement names another chain.
    pub const WRONG_CHAIN: u8 = 1;
    /// There is no such operator, or it is unbonding.
    pub const NOT_AN_OPERATOR: u8 = 2;
}

impl<T: Config> Pallet<T> {
    fn weight_of_heartbeat() -> Weight {
        T::WeightInfo::heartbeat().saturating_add(T::WeightInfo::authorize_heartbeat())
    }

    /// Checks whether a heartbeat may enter a block. Cheap checks come first, the signature last.
    pub(crate) fn authorize_heartbeat(
        _source: TransactionSource,
        statement: &HeartbeatStatement<T::AccountId>,
        signature: &WorkerSignature,
    ) -> Result<(ValidTransaction, Weight), TransactionValidityError> {
        ensure!(
            T::Room::fits_answer(Self::weight_of_heartbeat(), WORKER_CALL_BYTES),
            InvalidTransaction::ExhaustsResources
        );
        let now = T::now();
        ensure!(statement.at <= now, InvalidTransaction::Future);
        ensure!(now - statement.at <= T::HeartbeatInterval::get(), InvalidTransaction::Stale);
        ensure!(statement.genesis == T::genesis(), refuse(refusal::WRONG_CHAIN));
        let info =
            Self::staying(&statement.operator).map_err(|_| refuse(refusal::NOT_AN_OPERATOR))?;
        // Prevents replay, and bounds the number of feeless calls of an operator.
        let earliest = info
            .last_heartbeat
            .map_or(0, |last| last.saturating_add(T::HeartbeatInterval::get() / 2 + 1));
        ensure!(statement.at >= earliest, InvalidTransaction::Stale);
        ensure!(statement.is_signed_by(&info.worker, signature), InvalidTransaction::BadProof);
        let validity = ValidTransaction::with_tag_prefix("AssayHeartbeat")
            .and_provides(&statement.operator)
            .priority(T::HeartbeatPriority::get())
            .longevity(T::HeartbeatInterval::get().into())
            .propagate(true)
            .build()?;
        Ok((validity, Weight::zero()))
    }

    pub(crate) fn note_heartbeat(statement: HeartbeatStatement<T::AccountId>) {
        let HeartbeatStatement { operator, at, engine, load, .. } = statement;
        Operators::<T>::mutate(&operator, |info| {
            let Some(info) = info else { return };
            if !Self::is_live(info) {
                Self::deposit_event(Event::BecameLive { operator: operator.clone() });
            }
            info.last_heartbeat = Some(at);
            info.engine = engine;
            info.load = load;
        });
        T::Room::note_answer(Self::weight_of_heartbeat(), WORKER_CALL_BYTES);
    }

    /// Whether the operator is live: its last heartbeat is recent, and it is not unbonding.
    pub fn is_live(info: &Operator) -> bool {
        info.unbonding_until.is_none()
            && info
                .last_heartbeat
                .is_some_and(|last| T::now().saturating_sub(last) <= T::HeartbeatTimeout::get())
    }

    /// Whether the operator's node should send a heartbeat now.
    pub fn heartbeat_due(operator: &T::AccountId) -> bool {
        Operators::<T>::get(operator).is_some_and(|info| {
            info.unbonding_until.is_none()
                && info
                    .last_heartbeat
                    .is_none_or(|last| T::now().saturating_sub(last) >= T::HeartbeatInterval::get())
        })
    }
}
