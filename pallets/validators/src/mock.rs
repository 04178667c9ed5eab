//! A runtime of balances and this pallet, with a list of validators.

use assay_primitives::{Balance, BlockNumber};
use frame_support::{
    derive_impl,
    dispatch::DispatchResult,
    ensure, parameter_types,
    traits::{FindAuthor, Hooks},
};
use sp_runtime::{BuildStorage, ConsensusEngineId, Perbill};

use crate::{SessionMember, ValidatorSet};

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
    pub type Authorship = pallet_authorship;
    #[runtime::pallet_index(3)]
    pub type Validators = crate;
}

type Block = frame_system::mocking::MockBlockU32<Test>;

/// Receives what is left of fees.
pub const TREASURY: u64 = 100;
/// Pays fees.
pub const PAYER: u64 = 101;
/// The balance of the payer at genesis.
pub const ENDOWMENT: Balance = 1_000_000_000;
/// The existential deposit.
pub const ED: Balance = 10;
/// Sessions of which the keys are kept.
pub const KEPT: u32 = 5;
/// Expected blocks from which on a validator without one is absent.
pub const MISSED: u32 = 20;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountData = pallet_balances::AccountData<Balance>;
}

parameter_types! {
    pub const ExistentialDeposit: Balance = ED;
    pub const TreasuryAccount: u64 = TREASURY;
    pub const ValidatorsShare: Perbill = Perbill::from_percent(30);
    pub const BurntShare: Perbill = Perbill::from_percent(50);
    pub const MissedBlocks: u32 = MISSED;
    pub const MaxMembers: u32 = 100;
    pub const KeptSessions: u32 = KEPT;
    pub static Author: Option<u64> = None;
    /// The validators of the session.
    pub static Members: Vec<u64> = Vec::new();
    /// Those that may make no blocks.
    pub static Disabled: Vec<u64> = Vec::new();
    pub static Candidates: Vec<u64> = Vec::new();
    pub static Minimum: u32 = 1;
    pub static Staked: Vec<u64> = Vec::new();
    pub static WithKeys: Vec<u64> = Vec::new();
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type Balance = Balance;
    type ExistentialDeposit = ExistentialDeposit;
    type AccountStore = System;
}

impl FindAuthor<u64> for Author {
    fn find_author<'a, I>(_: I) -> Option<u64>
    where
        I: 'a + IntoIterator<Item = (ConsensusEngineId, &'a [u8])>,
    {
        Author::get()
    }
}

impl pallet_authorship::Config for Test {
    type FindAuthor = Author;
    type EventHandler = Validators;
}

/// The lists of this mock.
pub struct Set;

impl ValidatorSet<u64> for Set {
    fn members() -> Vec<SessionMember<u64>> {
        let disabled = Disabled::get();
        let member = |account| SessionMember { account, disabled: disabled.contains(&account) };
        Members::get().into_iter().map(member).collect()
    }

    fn candidates() -> u32 {
        Candidates::get().len() as u32
    }

    fn minimum() -> u32 {
        Minimum::get()
    }

    fn chill(account: &u64) -> bool {
        Candidates::mutate(|candidates| {
            let before = candidates.len();
            candidates.retain(|candidate| candidate != account);
            candidates.len() < before
        })
    }

    fn has_stake(account: &u64) -> bool {
        Staked::get().contains(account)
    }

    fn purge_keys(account: u64) -> DispatchResult {
        let had = WithKeys::mutate(|all| {
            let before = all.len();
            all.retain(|one| *one != account);
            all.len() < before
        });
        ensure!(had, "no keys");
        Ok(())
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn set_keys(account: &u64) {
        WithKeys::mutate(|all| all.push(*account));
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn set_members(count: u32) {
        set(count);
        Candidates::mutate(|candidates| candidates.extend(1_000..1_000 + u64::from(count)));
    }
}

impl crate::Config for Test {
    type Currency = Balances;
    type TreasuryAccount = TreasuryAccount;
    type ValidatorsShare = ValidatorsShare;
    type BurntShare = BurntShare;
    type Author = Author;
    type Set = Set;
    type MissedBlocks = MissedBlocks;
    type MaxMembers = MaxMembers;
    type Keys = u64;
    type KeptSessions = KeptSessions;
    type WeightInfo = ();
}

/// Makes `count` validators, which are candidates, from number 0 on.
pub fn set(count: u32) {
    let all: Vec<_> = (0..u64::from(count)).collect();
    Members::set(all.clone());
    Candidates::set(all);
}

/// Externalities at block 1.
pub fn new_test_ext() -> sp_io::TestExternalities {
    let genesis = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: vec![(TREASURY, ED), (PAYER, ENDOWMENT)],
            ..Default::default()
        },
        ..Default::default()
    };
    let mut externalities =
        sp_io::TestExternalities::new(genesis.build_storage().expect("the balances are valid"));
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

/// Runs a test, and checks the invariants at its end.
pub fn test(run: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        run();
        assert_eq!(Validators::do_try_state(), Ok(()));
    });
}

/// Makes a block by this author, in which `within` happens.
pub fn block_by(author: Option<u64>, within: impl FnOnce()) {
    let next: BlockNumber = System::block_number() + 1;
    System::initialize(&next, &Default::default(), &Default::default());
    Author::set(author);
    Authorship::on_initialize(next);
    Validators::on_initialize(next);
    within();
    Validators::on_finalize(next);
    Authorship::on_finalize(next);
}
