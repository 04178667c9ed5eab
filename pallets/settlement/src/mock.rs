//! A runtime of balances and this pallet.

use assay_primitives::{
    traits::{Bonds, Deposits, Escrow, Escrowed},
    Balance, RequestId,
};
use frame_support::assert_ok;

use crate::HoldReason;

pub use assay_pallet_testing::{EXISTENTIAL_DEPOSIT as ED, TREASURY};

/// The balance of the endowed accounts at genesis.
pub const ENDOWMENT: Balance = 1_000_000;

/// Pays.
pub const PAYER: u64 = 1;
/// Runs models.
pub const OPERATOR: u64 = 2;
/// Runs models as well.
pub const SECOND: u64 = 3;
/// Owns the model.
pub const OWNER: u64 = 4;
/// Has no balance at genesis.
pub const DEAD: u64 = 5;

assay_pallet_testing::mock! { Settlement = crate }
assay_pallet_testing::settlement!(crate);

/// Externalities with four endowed accounts.
pub fn new_test_ext() -> sp_io::TestExternalities {
    externalities_with([PAYER, OPERATOR, SECOND, OWNER].map(|account| (account, ENDOWMENT)))
}

/// The sum held for requests.
pub fn in_escrow(account: u64) -> Balance {
    Settlement::held(HoldReason::Escrow, &account)
}

/// Holds for a request.
pub fn hold(payer: u64, amount: Balance) {
    assert_ok!(<Settlement as Escrow<u64>>::hold(&payer, amount));
}

/// The escrow of request 1.
pub fn escrow(payer: &u64, amount: Balance) -> Escrowed<'_, u64> {
    Escrowed { request: RequestId(1), payer, amount }
}

/// Adds to a bond.
pub fn lock(account: u64, amount: Balance) {
    assert_ok!(<Settlement as Bonds<u64>>::lock(&account, amount));
}

/// Adds to a deposit.
pub fn take(account: u64, amount: Balance) {
    assert_ok!(<Settlement as Deposits<u64>>::take(&account, amount));
}
