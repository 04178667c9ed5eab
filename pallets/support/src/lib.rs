//! What several pallets do alike: heights, the genesis hash, calls of workers.
#![cfg_attr(not(feature = "std"), no_std)]

use assay_primitives::{BlockNumber, Digest};
use frame_system::{
    offchain::{CreateAuthorizedTransaction, SubmitTransaction},
    pallet_prelude::BlockNumberFor,
};
use sp_runtime::{
    traits::{SaturatedConversion, Zero},
    transaction_validity::{InvalidTransaction, TransactionValidityError},
};

/// The chain that a runtime runs on, in the types of Assay.
pub trait Chain: frame_system::Config {
    /// The current height.
    fn now() -> BlockNumber {
        frame_system::Pallet::<Self>::block_number().saturated_into()
    }

    /// The hash of the genesis block. Every signed statement contains it, so that it holds on one
    /// chain only.
    fn genesis() -> Digest {
        let hash = frame_system::Pallet::<Self>::block_hash(BlockNumberFor::<Self>::zero());
        Digest::from_slice(hash.as_ref())
    }
}

impl<T: frame_system::Config> Chain for T {}

/// The refusal of a worker's call, with a code of the pallet.
pub fn refuse(code: u8) -> TransactionValidityError {
    InvalidTransaction::Custom(code).into()
}

/// Submits a worker's call from an offchain worker to the pool of its node.
///
/// # Errors
///
/// The pool already has the transaction, or refuses it.
#[allow(clippy::result_unit_err)]
pub fn submit_authorized<T, LocalCall>(call: LocalCall) -> Result<(), ()>
where
    T: CreateAuthorizedTransaction<LocalCall>,
{
    let transaction =
        <T as CreateAuthorizedTransaction<LocalCall>>::create_authorized_transaction(call.into());
    SubmitTransaction::<T, LocalCall>::submit_transaction(transaction)
}
