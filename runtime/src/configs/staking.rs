//! Configuration of the elected validators: stakes, elections, penalties, and what validators earn.
//! docs/adr/0040 has the reasons for the numbers, docs/adr/0041 those for the division of fees.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};
use frame_election_provider_support::{
    bounds::{ElectionBounds, ElectionBoundsBuilder},
    data_provider, onchain, BoundedSupportsOf, ElectionDataProvider, ElectionProvider,
    InstantElectionProvider, PageIndex, SequentialPhragmen, VoteWeight, VoterOf,
};
use frame_support::{
    dispatch::{DispatchClass, DispatchResult},
    parameter_types,
    traits::{tokens::imbalance::ResolveTo, ConstBool, ConstU32, Get, Nothing},
    weights::Weight,
    BoundedVec,
};
use frame_system::{EnsureRoot, RawOrigin};
use pallet_session::{historical, DisabledValidators, SessionManager};
use pallet_staking::{FixedNominationsQuota, UseValidatorsMap};
use pallet_validators::{SessionMember, ValidatorSet};
use sp_runtime::{traits::Convert, Perbill};
use sp_staking::{currency_to_vote::U128CurrencyToVote, offence::OffenceSeverity, SessionIndex};

use super::{
    consensus::MaxAuthorities,
    offences::{ConsensusKeys, Offender},
};
use crate::{
    constants::*, weights, AccountId, Authorship, Balance, Balances, BlockNumber, Runtime,
    RuntimeEvent, RuntimeHoldReason, Session, Staking, System, Timestamp, Validators, VoterList,
};

/// Nominations of a nominator.
pub const VOTES: u32 = 16;
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

/// Phragmén in a block.
pub struct InBlock;

impl onchain::Config for InBlock {
    // Backers above the maximum are left out, those with the smallest stakes first.
    type Sort = ConstBool<true>;
    type System = Runtime;
    type Solver = SequentialPhragmen<AccountId, Perbill>;
    type DataProvider = Staking;
    type WeightInfo = weights::frame_election_provider_support::WeightInfo<Runtime>;
    type MaxWinnersPerPage = MaxElected;
    type MaxBackersPerWinner = MaxBackers;
    type Bounds = ElectionSize;
}

/// [`InBlock`], with the own votes of all candidates, and without votes that would not be at stake.
///
/// Staking lets those with the largest stakes vote, and a candidate's own stake is one of them. A small
/// candidate's would be left out as soon as enough others vote: elected by these, it would have nothing
/// of its own to lose.
pub struct Election;

/// [`InBlock`] as a provider of elections.
pub type OnChain = onchain::OnChainExecution<InBlock>;

impl Election {
    /// The votes of the candidates, then those of the largest nominators.
    fn voters(page: PageIndex) -> data_provider::Result<Vec<VoterOf<Staking>>> {
        use pallet_staking::WeightInfo;
        let bounds = ElectionSize::get().voters;
        let mut voters = Staking::electing_voters(bounds, page)?;
        let candidates: BTreeSet<_> = pallet_staking::Validators::<Runtime>::iter_keys()
            .take(MaxCandidates::get() as usize)
            .collect();
        voters.retain(|(voter, ..)| !candidates.contains(voter));
        let weight = <Runtime as pallet_staking::Config>::WeightInfo::get_npos_voters(
            candidates.len() as u32,
            0,
        );
        System::register_extra_weight_unchecked(weight, DispatchClass::Mandatory);
        let own = |candidate: AccountId| {
            let stake = Staking::weight_of(&candidate);
            let vote = BoundedVec::truncate_from(vec![candidate.clone()]);
            (stake > 0).then_some((candidate, stake, vote))
        };
        let mut all: Vec<_> = candidates.into_iter().filter_map(own).collect();
        all.extend(voters);
        all.truncate(MaxVoters::get() as usize);
        drop_votes_beyond(MaxBackers::get(), &mut all);
        Ok(all)
    }
}

/// Keeps this many votes for each candidate, the first ones. More would help to elect it, and not be at
/// stake: of a winner's backers so many are kept.
pub fn drop_votes_beyond(most: u32, voters: &mut Vec<VoterOf<Staking>>) {
    let mut backers = BTreeMap::<AccountId, u32>::new();
    for (_, _, votes) in voters.iter_mut() {
        votes.retain(|candidate| {
            let count = backers.entry(candidate.clone()).or_default();
            *count += 1;
            *count <= most
        });
    }
    voters.retain(|(_, _, votes)| !votes.is_empty());
}

impl ElectionProvider for Election {
    type AccountId = AccountId;
    type BlockNumber = BlockNumber;
    type Error = onchain::Error;
    type MaxWinnersPerPage = MaxElected;
    type MaxBackersPerWinner = MaxBackers;
    type MaxBackersPerWinnerFinal = MaxBackers;
    type Pages = ConstU32<1>;
    type DataProvider = Staking;

    fn elect(page: PageIndex) -> Result<BoundedSupportsOf<Self>, Self::Error> {
        let targets = Staking::electable_targets(ElectionSize::get().targets, page);
        let input = Self::voters(page).and_then(|voters| {
            Ok((voters, targets?, <Staking as ElectionDataProvider>::desired_targets()?))
        });
        let (voters, targets, desired) = input.map_err(onchain::Error::DataProvider)?;
        OnChain::instant_elect(voters, targets, desired)
    }

    fn duration() -> BlockNumber {
        OnChain::duration()
    }

    fn start() -> Result<(), Self::Error> {
        OnChain::start()
    }

    fn status() -> Result<Option<Weight>, ()> {
        OnChain::status()
    }
}

impl pallet_staking::Config for Runtime {
    type OldCurrency = Balances;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type CurrencyBalance = Balance;
    type UnixTime = Timestamp;
    type CurrencyToVote = U128CurrencyToVote;
    type ElectionProvider = Election;
    type GenesisElectionProvider = Election;
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
    type WeightInfo = weights::pallet_staking::WeightInfo<Runtime>;
}

/// The sizes of the SDK's benchmarks. One of them sets as many seats as there are candidates.
pub struct BenchmarkedElection;

impl pallet_staking::BenchmarkingConfig for BenchmarkedElection {
    type MaxValidators = MaxElected;
    type MaxNominators = MaxVoters;
}

impl pallet_bags_list::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = weights::pallet_bags_list::WeightInfo<Runtime>;
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

    fn has_stake(account: &AccountId) -> bool {
        pallet_staking::Bonded::<Runtime>::contains_key(account)
    }

    fn purge_keys(account: AccountId) -> DispatchResult {
        Session::purge_keys(RawOrigin::Signed(account).into())
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn set_keys(account: &AccountId) {
        crate::benchmarking::consensus::set_keys_without_stake(account)
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
    type Keys = ConsensusKeys;
    type KeptSessions = KeptSessions;
    type WeightInfo = weights::pallet_validators::WeightInfo<Runtime>;
}

/// Staking as the manager of sessions.
///
/// - At the end of a session, absent validators lose their candidacy first, so that an election in the
///   same block is without them.
/// - The keys with which a session begins are noted.
/// - Who is disabled stays so until the era ends. Session forgets it when any keys change.
pub struct Sessions;

impl SessionManager<AccountId> for Sessions {
    fn new_session(index: SessionIndex) -> Option<Vec<AccountId>> {
        <Staking as SessionManager<_>>::new_session(index)
    }

    fn new_session_genesis(index: SessionIndex) -> Option<Vec<AccountId>> {
        <Staking as SessionManager<_>>::new_session_genesis(index)
    }

    fn start_session(index: SessionIndex) {
        let era = pallet_staking::ActiveEra::<Runtime>::get();
        <Staking as SessionManager<_>>::start_session(index);
        // Until Session queues the next ones, these are those of the session that starts.
        let members = Session::queued_keys().into_iter();
        Validators::start_session(index, members.map(|(who, keys)| (who, keys.into())).collect());

        let disabled = pallet_validators::StillDisabled::<Runtime>::take();
        if pallet_staking::ActiveEra::<Runtime>::get() == era {
            let validators = Session::validators();
            let index_of = |who| validators.iter().position(|one| *one == who);
            let mut disabled: Vec<_> = disabled
                .into_iter()
                .filter_map(|(who, severity)| {
                    Some((index_of(who)? as u32, OffenceSeverity(severity)))
                })
                .collect();
            disabled.sort_by_key(|(index, _)| *index);
            DisabledValidators::<Runtime>::put(disabled);
        }
    }

    fn end_session(index: SessionIndex) {
        Validators::end_session();
        <Staking as SessionManager<_>>::end_session(index);
        let validators = Session::validators();
        let disabled = DisabledValidators::<Runtime>::get().into_iter();
        let disabled = disabled.filter_map(|(index, OffenceSeverity(severity))| {
            Some((validators.get(index as usize)?.clone(), severity))
        });
        pallet_validators::StillDisabled::<Runtime>::put(BoundedVec::truncate_from(
            disabled.collect(),
        ));
    }
}

/// Permits those with a bond to set session keys.
pub struct Bonded;

impl Convert<AccountId, Option<AccountId>> for Bonded {
    fn convert(account: AccountId) -> Option<AccountId> {
        pallet_staking::Bonded::<Runtime>::contains_key(&account).then_some(account)
    }
}

// Staking asks for this pallet. It notes no roots of keys: `offences` has the keys themselves.
impl historical::Config for Runtime {
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
        type Elections = <InBlock as onchain::Config>::WeightInfo;
        type Stakes = <Runtime as pallet_staking::Config>::WeightInfo;
        let (voters, candidates) = (MaxVoters::get(), MaxCandidates::get());
        let weight = Elections::phragmen(voters, candidates, VOTES)
            .saturating_add(Stakes::get_npos_voters(0, voters).max(Stakes::get_npos_voters(
                candidates.min(voters),
                voters.saturating_sub(candidates),
            )))
            .saturating_add(Stakes::get_npos_voters(candidates, 0))
            .saturating_add(Stakes::get_npos_targets(candidates));
        let half = MAXIMUM_BLOCK_WEIGHT.saturating_div(2);
        println!("{weight:?} of {half:?}");
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
