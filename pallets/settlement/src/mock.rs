//! A runtime of balances and this pallet.

use assay_primitives::{
    traits::{Bonds, Deposits, Escrow},
    Balance, RequestId,
};
use frame_support::{assert_ok, derive_impl, parameter_types, traits::fungible::Inspect};
use sp_runtime::{BuildStorage, Perbill};

use crate::HoldReason;

/// The existential deposit.
pub const ED: Balance = 100;
/// What the accounts below start with.
pub const ENDOWMENT: Balance = 1_000_000;

/// Pays.
pub const PAYER: u64 = 1;
/// Runs models.
pub const OPERATOR: u64 = 2;
/// Runs models too.
pub const SECOND: u64 = 3;
/// Owns the model.
pub const OWNER: u64 = 4;
/// Starts without anything.
pub const DEAD: u64 = 5;
/// The treasury, with the existential deposit at the start.
pub const TREASURY: u64 = 6;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeTask,
        RuntimeHoldReason,
        RuntimeFreezeReason
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(2)]
    pub type Settlement = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

parameter_types! {
    pub const ExistentialDeposit: Balance = ED;
    pub const TreasuryAccount: u64 = TREASURY;
    pub const TreasuryShare: Perbill = Perbill::from_percent(5);
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = Balance;
    type ExistentialDeposit = ExistentialDeposit;
    type AccountStore = System;
}

impl crate::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type TreasuryAccount = TreasuryAccount;
    type TreasuryShare = TreasuryShare;
    type AdminOrigin = frame_system::EnsureRoot<u64>;
    type WeightInfo = ();
}

/// The start: four endowed accounts and the treasury.
pub fn new_test_ext() -> sp_io::TestExternalities {
    let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
    let endowed = [PAYER, OPERATOR, SECOND, OWNER].map(|account| (account, ENDOWMENT));
    pallet_balances::GenesisConfig::<Test> {
        balances: endowed.into_iter().chain([(TREASURY, ED)]).collect(),
        ..Default::default()
    }
    .assimilate_storage(&mut storage)
    .unwrap();
    let mut ext = sp_io::TestExternalities::new(storage);
    // Events are not kept at height 0.
    ext.execute_with(|| System::set_block_number(1));
    ext
}

/// Runs a test from the start; afterwards the invariants hold and nothing was made or lost.
pub fn test(run: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        let issuance = Balances::total_issuance();
        run();
        assert_ok!(Settlement::do_try_state());
        assert_eq!(Balances::total_issuance(), issuance);
    });
}

/// Runs something that breaks the state, and expects `try_state` to say so.
pub fn breaks(message: &'static str, run: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        assert_ok!(Settlement::do_try_state());
        run();
        assert_eq!(Settlement::do_try_state(), Err(message.into()));
    });
}

/// The free balance.
pub fn free(account: u64) -> Balance {
    Balances::balance(&account)
}

/// What is held for requests.
pub fn in_escrow(account: u64) -> Balance {
    Settlement::held(HoldReason::Escrow, &account)
}

/// Holds for a request.
pub fn hold(request: u64, payer: u64, amount: Balance) {
    assert_ok!(<Settlement as Escrow<u64>>::hold(RequestId(request), &payer, amount));
}

/// Adds to a bond.
pub fn lock(account: u64, amount: Balance) {
    assert_ok!(<Settlement as Bonds<u64>>::lock(&account, amount));
}

/// Adds to a deposit.
pub fn take(account: u64, amount: Balance) {
    assert_ok!(<Settlement as Deposits<u64>>::take(&account, amount));
}

/// The last event of this pallet.
pub fn last_event() -> Option<crate::Event<Test>> {
    System::events().into_iter().rev().find_map(|record| match record.event {
        RuntimeEvent::Settlement(event) => Some(event),
        _ => None,
    })
}
