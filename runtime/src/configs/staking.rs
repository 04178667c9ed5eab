//! Configuration of the elected validators: stakes, elections, penalties, and what validators earn.
//! docs/adr/0040 has the reasons for the numbers, docs/adr/0041 those for the division of fees.

use alloc::vec::Vec;
use frame_election_provider_support::{
    bounds::{ElectionBounds, ElectionBoundsBuilder},
    onchain, SequentialPhragmen, VoteWeight,
};
use frame_support::{
    parameter_types,
    traits::{tokens::imbalance::ResolveTo, ConstBool, ConstU32, Get, Nothing},
    weights::Weight,
};
use frame_system::{EnsureRoot, RawOrigin};
use pallet_session::{historical as session_historical, SessionManager};
use pallet_staking::{FixedNominationsQuota, UseValidatorsMap};
use pallet_validators::{SessionMember, ValidatorSet};
use sp_runtime::{traits::Convert, Perbill};
use sp_staking::{
    currency_to_vote::U128CurrencyToVote,
    offence::{Offence, OffenceError, ReportOffence},
    SessionIndex,
};

use super::consensus::MaxAuthorities;
use crate::{
    constants::*, AccountId, Authorship, Balance, Balances, Offences, Runtime, RuntimeEvent,
    RuntimeHoldReason, Session, Staking, Timestamp, Validators, VoterList,
};

/// Nominations of a nominator.
const VOTES: u32 = 16;
/// Number of bags, in which voters are sorted by stake.
const BAGS: usize = 192;
/// Upper limit of the lowest bag, in votes. A vote is some plancks.
const FIRST_BAG: VoteWeight = 1 << 40;
/// Upper limits of the bags. Each is 12/11 of the one before, so that the last is almost the maximum.
const BAG_THRESHOLDS: [VoteWeight; BAGS] = bag_thresholds();

const fn bag_thresholds() -> [VoteWeight; BAGS] {
    let mut thresholds = [FIRST_BAG; BAGS];
    let mut bag = 1;
    while bag < BAGS {
        thresholds[bag] = thresholds[bag - 1] + thresholds[bag - 1] / 11;
        bag += 1;
    }
    thresholds
}

parameter_types! {
    pub const BagThresholds: &'static [VoteWeight] = &BAG_THRESHOLDS;
    pub ElectionSize: ElectionBounds = ElectionBoundsBuilder::default()
        .voters_count(MaxVoters::get().into())
        .targets_count(MaxCandidates::get().into())
        .build();
}

/// The least number of validators that an election may have as a result, on a chain that begins with so
/// many: those that are left if as many have failed as a network tolerates, and at most four. If there are
/// fewer candidates, the old validators remain and eras do not end.
pub fn least_validators(count: u32) -> u32 {
    (count - Validators::tolerated(count)).min(4)
}

/// What an election takes.
///
/// The SDK measures an election with as many winners as votes of a voter. Each winner takes one round
/// over all votes, so the weight grows with the winners.
pub struct ElectionWeight;

impl ElectionWeight {
    fn for_all_winners(weight: Weight, votes: u32) -> Weight {
        weight.saturating_mul(MaxElected::get().div_ceil(votes.max(1)).into())
    }
}

impl frame_election_provider_support::WeightInfo for ElectionWeight {
    fn phragmen(voters: u32, targets: u32, votes: u32) -> Weight {
        type Measured = frame_election_provider_support::weights::SubstrateWeight<Runtime>;
        let weight = <Measured as frame_election_provider_support::WeightInfo>::phragmen(
            voters, targets, votes,
        );
        Self::for_all_winners(weight, votes)
    }

    fn phragmms(voters: u32, targets: u32, votes: u32) -> Weight {
        type Measured = frame_election_provider_support::weights::SubstrateWeight<Runtime>;
        let weight = <Measured as frame_election_provider_support::WeightInfo>::phragmms(
            voters, targets, votes,
        );
        Self::for_all_winners(weight, votes)
    }
}

/// The election in a block.
pub struct InBlock;

impl onchain::Config for InBlock {
    // Backers above the maximum are left out, those with the smallest stakes first.
    type Sort = ConstBool<true>;
    type System = Runtime;
    type Solver = SequentialPhragmen<AccountId, Perbill>;
    type DataProvider = Staking;
    type WeightInfo = ElectionWeight;
    type MaxWinnersPerPage = MaxElected;
    type MaxBackersPerWinner = MaxBackers;
    type Bounds = ElectionSize;
}

impl pallet_staking::Config for Runtime {
    type OldCurrency = Balances;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type CurrencyBalance = Balance;
    type UnixTime = Timestamp;
    type CurrencyToVote = U128CurrencyToVote;
    type ElectionProvider = onchain::OnChainExecution<InBlock>;
    type GenesisElectionProvider = onchain::OnChainExecution<InBlock>;
    type NominationsQuota = FixedNominationsQuota<VOTES>;
    type HistoryDepth = HistoryDepth;
    type RewardRemainder = pallet_validators::Remainder<Runtime>;
    type RuntimeEvent = RuntimeEvent;
    type Slash = ResolveTo<TreasuryAccount, Balances>;
    type Reward = pallet_validators::Rewards<Runtime>;
    type SessionsPerEra = SessionsPerEra;
    type BondingDuration = BondingDuration;
    type SlashDeferDuration = SlashDeferDuration;
    type AdminOrigin = EnsureRoot<AccountId>;
    type SessionInterface = Self;
    type EraPayout = Validators;
    type NextNewSession = Session;
    type MaxExposurePageSize = MaxExposurePage;
    type MaxValidatorSet = MaxElected;
    type VoterList = VoterList;
    type TargetList = UseValidatorsMap<Self>;
    type MaxUnlockingChunks = ConstU32<32>;
    type MaxControllersInDeprecationBatch = ConstU32<16>;
    type EventListeners = ();
    type Filter = Nothing;
    type BenchmarkingConfig = BenchmarkedElection;
    type WeightInfo = pallet_staking::weights::SubstrateWeight<Runtime>;
}

/// The largest election.
pub struct BenchmarkedElection;

impl pallet_staking::BenchmarkingConfig for BenchmarkedElection {
    type MaxValidators = MaxCandidates;
    type MaxNominators = MaxVoters;
}

impl pallet_bags_list::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_bags_list::weights::SubstrateWeight<Runtime>;
    type ScoreProvider = Staking;
    type BagThresholds = BagThresholds;
    // Stakes change with penalties and rewards, which nobody reports otherwise.
    type MaxAutoRebagPerBlock = ConstU32<5>;
    type Score = VoteWeight;
}

impl pallet_authority_discovery::Config for Runtime {
    type MaxAuthorities = MaxAuthorities;
}

/// The account of the current block's author.
pub struct Author;

impl Get<Option<AccountId>> for Author {
    fn get() -> Option<AccountId> {
        Authorship::author()
    }
}

/// The validators of the session, and the candidates of staking.
pub struct Elected;

impl ValidatorSet<AccountId> for Elected {
    fn members() -> Vec<SessionMember<AccountId>> {
        let disabled = Session::disabled_validators();
        let validators = Session::validators().into_iter().zip(0..);
        let member =
            |(account, index)| SessionMember { account, disabled: disabled.contains(&index) };
        validators.map(member).collect()
    }

    fn candidates() -> u32 {
        pallet_staking::Validators::<Runtime>::count()
    }

    fn minimum() -> u32 {
        pallet_staking::MinimumValidatorCount::<Runtime>::get()
    }

    fn chill(account: &AccountId) -> bool {
        pallet_staking::Validators::<Runtime>::contains_key(account)
            && Staking::chill(RawOrigin::Signed(account.clone()).into()).is_ok()
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn set_members(count: u32) {
        crate::benchmarking::consensus::elect(count)
    }
}

impl pallet_validators::Config for Runtime {
    type Currency = Balances;
    type TreasuryAccount = TreasuryAccount;
    type ValidatorsShare = ValidatorsShare;
    type BurntShare = BurntShare;
    type Author = Author;
    type Set = Elected;
    type MissedBlocks = MissedBlocks;
    type MaxMembers = MaxAuthorities;
    type WeightInfo = pallet_validators::weights::DatabaseWeight<Runtime>;
}

/// Staking as the manager of sessions. At the end of a session, absent validators lose their
/// candidacy first, so that an election in the same block is without them.
pub struct Sessions;

type Historic = session_historical::NoteHistoricalRoot<Runtime, Staking>;

impl SessionManager<AccountId> for Sessions {
    fn new_session(index: SessionIndex) -> Option<Vec<AccountId>> {
        Historic::new_session(index)
    }
    fn new_session_genesis(index: SessionIndex) -> Option<Vec<AccountId>> {
        Historic::new_session_genesis(index)
    }
    fn start_session(index: SessionIndex) {
        Historic::start_session(index)
    }
    fn end_session(index: SessionIndex) {
        Validators::end_session();
        Historic::end_session(index)
    }
}

/// Permits those with a bond to set session keys.
pub struct Bonded;

impl Convert<AccountId, Option<AccountId>> for Bonded {
    fn convert(account: AccountId) -> Option<AccountId> {
        pallet_staking::Bonded::<Runtime>::contains_key(&account).then_some(account)
    }
}

/// Takes reports of offences that are not too old and change a penalty. Later the stake may be gone, and a
/// penalty would be due at an era that is over, in which staking applies none any more. After the first
/// equivocation of an era, others of the same validator cost it nothing, so it could fill blocks and the
/// state with reports of them.
///
/// Refuses the others with an error, so that their sender pays for them.
pub struct RecentOffences;

impl RecentOffences {
    /// What validators lose for their offences of the era with this session, and how many validators are
    /// disabled. Which ones does not count: of equal offenders a report can disable one instead of
    /// another.
    fn penalties(
        session: SessionIndex,
        validators: &[AccountId],
    ) -> (Vec<Option<(Perbill, Balance)>>, usize) {
        let eras = pallet_staking::BondedEras::<Runtime>::get();
        let era = eras.into_iter().rev().find(|(_, first)| *first <= session).map(|(era, _)| era);
        let penalty = |validator: &AccountId| {
            pallet_staking::ValidatorSlashInEra::<Runtime>::get(era?, validator)
        };
        let penalties = validators.iter().map(penalty).collect();
        (penalties, Session::disabled_validators().len())
    }
}

type Offender = session_historical::IdentificationTuple<Runtime>;

impl<O: Offence<Offender>> ReportOffence<AccountId, Offender, O> for RecentOffences {
    fn report_offence(reporters: Vec<AccountId>, offence: O) -> Result<(), OffenceError> {
        let age = Session::current_index().saturating_sub(offence.session_index());
        if age > ReportableSessions::get() {
            return Err(OffenceError::Other(0));
        }
        let session = offence.session_index();
        let offenders: Vec<_> = offence.offenders().into_iter().map(|(one, _)| one).collect();
        let before = Self::penalties(session, &offenders);
        Offences::report_offence(reporters, offence)?;
        match Self::penalties(session, &offenders) == before {
            true => Err(OffenceError::DuplicateReport),
            false => Ok(()),
        }
    }

    fn is_known_offence(offenders: &[Offender], time_slot: &O::Slot) -> bool {
        <Offences as ReportOffence<AccountId, Offender, O>>::is_known_offence(offenders, time_slot)
    }
}

impl session_historical::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    // The exposures of the era are in staking, which finds them by the session.
    type FullIdentification = ();
    type FullIdentificationOf = pallet_staking::UnitIdentificationOf<Self>;
}

impl pallet_offences::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type IdentificationTuple = Offender;
    type OnOffenceHandler = Staking;
}

#[cfg(test)]
mod tests {
    use frame_election_provider_support::WeightInfo as _;

    use super::*;
    use crate::{EPOCH_DURATION_SLOTS, MAXIMUM_BLOCK_WEIGHT};

    #[test]
    fn bags_ascend_to_the_maximum() {
        assert!(BAG_THRESHOLDS.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(BAG_THRESHOLDS[BAGS - 1] > VoteWeight::MAX / 100 * 95);
    }

    /// Beside the hooks of requests and disputes, which take less than half of a block.
    #[test]
    fn an_election_fits_into_half_of_a_block() {
        use pallet_staking::WeightInfo as _;
        type Measured = pallet_staking::weights::SubstrateWeight<Runtime>;
        let (voters, candidates) = (MaxVoters::get(), MaxCandidates::get());
        let weight = ElectionWeight::phragmen(voters, candidates, VOTES)
            .saturating_add(Measured::get_npos_voters(0, voters).max(Measured::get_npos_voters(
                candidates.min(voters),
                voters.saturating_sub(candidates),
            )))
            .saturating_add(Measured::get_npos_targets(candidates));
        let half = MAXIMUM_BLOCK_WEIGHT.saturating_div(2);
        assert!(weight.all_lte(Weight::from_parts(half.ref_time(), u64::MAX)), "{weight:?}");
    }

    /// The tests of `eras` have what else penalties depend on.
    #[test]
    fn reports_reach_the_stake() {
        assert_eq!(
            super::super::consensus::ReportLongevity::get(),
            u64::from(ReportableSessions::get() * EPOCH_DURATION_SLOTS)
        );
        assert!(HistoryDepth::get() > BondingDuration::get());
    }

    #[test]
    fn all_elected_are_authorities() {
        assert!(MaxElected::get() <= MaxAuthorities::get());
        assert!(MaxElected::get() <= MaxCandidates::get());
        assert!(MaxVoters::get() > MaxCandidates::get());
    }
}
