//! Configuration of governance: referenda, the technical committee, and pauses.

use assay_primitives::{Balance, BlockNumber, ASY};
use frame_support::{
    migrations::MultiStepMigrator,
    parameter_types,
    traits::{
        fungible::HoldConsideration, ConstU32, Currency, EitherOf, EqualPrivilegeOnly, Get,
        LinearStoragePrice, OnUnbalanced,
    },
    weights::Weight,
};
use frame_system::EnsureRoot;
use pallet_balances::NegativeImbalance;
use pallet_collective::deposit::Constant;

use crate::{
    constants::{StateByteDeposit, TreasuryAccount},
    governance::{
        calls::AlwaysOpen,
        origins::*,
        scheduler::{ReservedPlaces, MAX_SCHEDULED},
        tracks::Tracks,
        votes::VotingMoney,
        Hours,
    },
    weights, AccountId, Balances, MultiBlockMigrations, OriginCaller, Preimage, Referenda, Runtime,
    RuntimeCall, RuntimeEvent, RuntimeHoldReason, RuntimeOrigin, System, HOURS,
    MAXIMUM_BLOCK_WEIGHT,
};

parameter_types! {
    pub const HourBlocks: BlockNumber = HOURS;

    /// One twenty-fifth of a block: the hooks leave more than half of it to transactions. A call that
    /// weighs more is never enacted, `System.set_code` among them.
    pub ScheduleBudget: Weight = MAXIMUM_BLOCK_WEIGHT.saturating_div(25);

    /// Not refunded if the referendum is rejected, or is not decided in time.
    pub const SubmissionDeposit: Balance = 100 * ASY;
    pub const PreimageBaseDeposit: Balance = ASY;
    pub const PreimageReason: RuntimeHoldReason =
        RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);

    /// A quarter of a block, as for each transaction.
    pub MaxMotionWeight: Weight = MAXIMUM_BLOCK_WEIGHT.saturating_div(4);
    pub const MotionDeposit: Balance = 100 * ASY;
    pub const MotionReason: RuntimeHoldReason = RuntimeHoldReason::TechnicalCommittee(
        pallet_collective::HoldReason::ProposalSubmission,
    );

    /// Nobody can enter or extend safe mode for a deposit.
    pub const NoDeposit: Option<Balance> = None;
    pub const NoDelay: Option<BlockNumber> = None;
}

impl crate::governance::Config for Runtime {
    type DefaultHourBlocks = HourBlocks;
}

impl pallet_preimage::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = weights::pallet_preimage::WeightInfo<Runtime>;
    type Currency = Balances;
    type ManagerOrigin = EnsureRoot<AccountId>;
    type Consideration = HoldConsideration<
        AccountId,
        Balances,
        PreimageReason,
        LinearStoragePrice<PreimageBaseDeposit, StateByteDeposit, Balance>,
    >;
}

/// [`ScheduleBudget`]. While a migration runs, just enough to note that the scheduled calls are late:
/// they could read a state in two encodings.
pub struct ScheduleWeight;

impl Get<Weight> for ScheduleWeight {
    fn get() -> Weight {
        use pallet_scheduler::WeightInfo;
        match MultiBlockMigrations::ongoing() {
            true => <Runtime as pallet_scheduler::Config>::WeightInfo::service_agendas_base(),
            false => ScheduleBudget::get(),
        }
    }
}

impl pallet_scheduler::Config for Runtime {
    type RuntimeOrigin = RuntimeOrigin;
    type RuntimeEvent = RuntimeEvent;
    type PalletsOrigin = OriginCaller;
    type RuntimeCall = RuntimeCall;
    type MaximumWeight = ScheduleWeight;
    type ScheduleOrigin = EnsureRoot<AccountId>;
    type OriginPrivilegeCmp = EqualPrivilegeOnly;
    // Each referendum has one alarm at a time. Filling a block's agenda, so that another one's alarm
    // finds no place, costs three submission deposits for four of its places.
    type MaxScheduledPerBlock = ConstU32<MAX_SCHEDULED>;
    type WeightInfo = weights::pallet_scheduler::WeightInfo<Runtime>;
    type Preimages = Preimage;
    type BlockNumberProvider = System;
}

/// All money but the treasury's, which cannot vote.
pub struct Electorate;

impl Get<Balance> for Electorate {
    fn get() -> Balance {
        Balances::active_issuance().saturating_sub(Balances::free_balance(TreasuryAccount::get()))
    }
}

impl pallet_conviction_voting::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = weights::pallet_conviction_voting::WeightInfo<Runtime>;
    type Currency = VotingMoney;
    type Polls = Referenda;
    type MaxTurnout = Electorate;
    // Of each track. A delegation is charged for as many.
    type MaxVotes = ConstU32<32>;
    // As long as the longest decision.
    type VoteLockingPeriod = Hours<{ 7 * 24 }>;
    type BlockNumberProvider = System;
    type VotingHooks = ();
}

/// Gives slashed deposits to the treasury.
pub struct ToTreasury;

impl OnUnbalanced<NegativeImbalance<Runtime>> for ToTreasury {
    fn on_nonzero_unbalanced(amount: NegativeImbalance<Runtime>) {
        Balances::resolve_creating(&TreasuryAccount::get(), amount);
    }
}

impl pallet_referenda::Config for Runtime {
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = weights::pallet_referenda::WeightInfo<Runtime>;
    type Scheduler = ReservedPlaces;
    type Currency = Balances;
    type SubmitOrigin = EnsureSubmitter;
    type CancelOrigin = EitherOf<EnsureRoot<AccountId>, EnsureCanceller>;
    type KillOrigin = EitherOf<EnsureRoot<AccountId>, EnsureKiller>;
    type Slash = ToTreasury;
    type Votes = pallet_conviction_voting::VotesOf<Runtime>;
    type Tally = pallet_conviction_voting::TallyOf<Runtime>;
    type SubmissionDeposit = SubmissionDeposit;
    type MaxQueued = ConstU32<100>;
    // Longer than a referendum takes: whoever wants to fill the agenda of an enactment with timeouts
    // has to begin before there is a referendum.
    type UndecidingTimeout = Hours<{ 14 * 24 }>;
    type AlarmInterval = ConstU32<1>;
    type Tracks = Tracks;
    type Preimages = Preimage;
    type BlockNumberProvider = System;
}

impl pallet_collective::Config<Technical> for Runtime {
    type RuntimeOrigin = RuntimeOrigin;
    type Proposal = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type MotionDuration = Hours<{ 3 * 24 }>;
    type MaxProposals = ConstU32<100>;
    type MaxMembers = ConstU32<15>;
    #[cfg(not(feature = "runtime-benchmarks"))]
    type DefaultVote = AbstentionsAreNays;
    // The SDK's benchmark of a motion that passes lets the members abstain.
    #[cfg(feature = "runtime-benchmarks")]
    type DefaultVote = pallet_collective::PrimeDefaultVote;
    type WeightInfo = weights::pallet_collective::WeightInfo<Runtime>;
    type SetMembersOrigin = EnsureRoot<AccountId>;
    type MaxProposalWeight = MaxMotionWeight;
    type DisapproveOrigin = EnsureRoot<AccountId>;
    type KillOrigin = EnsureRoot<AccountId>;
    type Consideration =
        HoldConsideration<AccountId, Balances, MotionReason, Constant<MotionDeposit>, u32>;
}

impl pallet_whitelist::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type WhitelistOrigin = RootOrTwoThirds;
    type DispatchWhitelistedOrigin = EitherOf<EnsureRoot<AccountId>, EnsureWhitelistedCaller>;
    type Preimages = Preimage;
    type DeferredDispatchExpiration = Hours<{ 7 * 24 }>;
    type BlockNumberProvider = System;
    type WeightInfo = weights::pallet_whitelist::WeightInfo<Runtime>;
}

impl pallet_safe_mode::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type WhitelistedCalls = AlwaysOpen;
    type EnterDuration = Hours<PAUSE_HOURS>;
    type ExtendDuration = Hours<PAUSE_HOURS>;
    type EnterDepositAmount = NoDeposit;
    type ExtendDepositAmount = NoDeposit;
    type ForceEnterOrigin = PauseOrigin;
    type ForceExtendOrigin = ExtendOrigin;
    type ForceExitOrigin = RootOrMajority;
    type ForceDepositOrigin = EnsureRoot<AccountId>;
    type Notify = ();
    type ReleaseDelay = NoDelay;
    type WeightInfo = weights::pallet_safe_mode::WeightInfo<Runtime>;
}

impl pallet_tx_pause::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PauseOrigin = RootOrMajority;
    type UnpauseOrigin = RootOrMajority;
    #[cfg(not(feature = "runtime-benchmarks"))]
    type WhitelistedCalls = AlwaysOpen;
    // The benchmarks pause a call that does not exist.
    #[cfg(feature = "runtime-benchmarks")]
    type WhitelistedCalls = frame_support::traits::Nothing;
    type MaxNameLen = ConstU32<256>;
    type WeightInfo = weights::pallet_tx_pause::WeightInfo<Runtime>;
}
