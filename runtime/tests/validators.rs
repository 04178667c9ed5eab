//! Elected validators on the whole runtime: who is elected, what they earn, what they lose.

mod common;

use assay_primitives::{Balance, ASY};
use assay_runtime::{
    constants::*, AccountId, AuthorityDiscovery, Babe, Balances, Grandpa, Header, Operators,
    Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin, Session, Settlement, Staking, System,
    Validators,
};
use common::{validators::*, *};
use frame_support::{
    assert_noop, assert_ok, dispatch::DispatchClass, traits::fungible::Mutate, weights::Weight,
};
use pallet_staking::{Event as StakingEvent, RewardDestination, StakerStatus, ValidatorPrefs};
use pallet_validators::{EraFees, Event, Split, Unminted};
use serde_json::json;
use sp_consensus_babe::digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest};
use sp_core::{Pair as _, H256};
use sp_keyring::{
    Ed25519Keyring,
    Sr25519Keyring::{self, *},
};
use sp_runtime::{traits::Header as _, Digest, DigestItem, DispatchError, Perbill};

/// The stake of each validator of the genesis.
const STAKE: Balance = 100_000 * ASY;
const GENESIS: [Sr25519Keyring; 4] = [Alice, Bob, Charlie, Dave];

/// The events of staking in the last block.
fn staking_events() -> Vec<StakingEvent<Runtime>> {
    let of_staking = |event| match event {
        RuntimeEvent::Staking(event) => Some(event),
        _ => None,
    };
    events().into_iter().filter_map(of_staking).collect()
}

fn own_events() -> Vec<Event<Runtime>> {
    let own = |event| match event {
        RuntimeEvent::Validators(event) => Some(event),
        _ => None,
    };
    events().into_iter().filter_map(own).collect()
}

/// The index of an account among the authorities.
fn index_of(who: Sr25519Keyring) -> u32 {
    let place = validators().iter().position(|one| *one == who.to_account_id());
    place.expect("it is a validator") as u32
}

/// Elections count stakes in units of the issuance by 2^64, which is some plancks.
fn is_about(exposure: Balance, stake: Balance) -> bool {
    stake.abs_diff(exposure) < 100
}

/// With the same tolerance.
fn is_at_least(exposure: Balance, stake: Balance) -> bool {
    exposure >= stake || is_about(exposure, stake)
}

// --- elections --------------------------------------------------------------------------------

#[test]
fn the_genesis_elects_its_stakers() {
    run(|| {
        assert_eq!((era(), validators().len(), Babe::authorities().len()), (0, 4, 4));
        for who in GENESIS {
            assert!(is_validator(who));
            assert_eq!(staked(who), STAKE);
            assert!(is_about(Staking::eras_stakers(0, &who.to_account_id()).own, STAKE));
        }
        assert_eq!(AuthorityDiscovery::authorities().len(), 4);
    });
}

#[test]
fn who_bonds_and_sets_keys_is_elected_for_the_next_era() {
    run(|| {
        // Keys need a bond.
        let keys = || set_keys(Eve, Eve, Ed25519Keyring::Eve);
        assert!(include(signed(Eve, keys())).is_err());
        submit(Eve, bond(MinValidatorBond::get() - 1));
        submit(Eve, keys());
        assert!(include(signed(Eve, candidacy())).is_err(), "the bond is too small");
        submit(Eve, pallet_staking::Call::bond_extra { max_additional: 1 });
        submit(Eve, candidacy());
        assert_eq!(held(&Eve.to_account_id()), MinValidatorBond::get() + KeyDeposit::get());

        let joined_in = session();
        while era() == 0 {
            assert!(!is_validator(Eve));
            next_session();
        }
        assert_eq!(session() - joined_in, SessionsPerEra::get());
        assert!(is_validator(Eve));
        assert_eq!(validators().len(), 5);
        let authorities: Vec<_> = Babe::authorities().into_iter().map(|(key, _)| key).collect();
        assert!(authorities.contains(&Eve.public().into()));
        assert!(AuthorityDiscovery::authorities().contains(&Eve.public().into()));
        let voters = Grandpa::grandpa_authorities();
        assert!(voters.iter().any(|(key, _)| *key == Ed25519Keyring::Eve.public().into()));
        // It makes blocks, which earn it points.
        while next_author() != index_of(Eve) {
            empty_block();
        }
        empty_block();
        let points = pallet_staking::ErasRewardPoints::<Runtime>::get(1);
        assert_eq!(points.individual.get(&Eve.to_account_id()), Some(&20));
    });
}

#[test]
fn who_leaves_gets_its_stake_back_after_a_week() {
    run(|| {
        let before = wealth(Dave);
        submit(Dave, pallet_staking::Call::chill {});
        assert!(is_validator(Dave), "until the era ends");
        submit(Dave, pallet_staking::Call::unbond { value: STAKE });
        go_to_era(1);
        assert!(!is_validator(Dave));
        assert_eq!(validators().len(), 3);
        let withdraw = || pallet_staking::Call::withdraw_unbonded { num_slashing_spans: 0 };
        // Planned is the era after the one that runs, in its last session.
        go_to_era(BondingDuration::get() - 1);
        submit(Dave, withdraw());
        assert_eq!(held_as_stake(&Dave.to_account_id()), STAKE, "too early");
        go_to_era(BondingDuration::get());
        submit(Dave, withdraw());
        assert_eq!(held_as_stake(&Dave.to_account_id()), 0);
        submit(Dave, pallet_validators::Call::purge_keys {});
        assert!(pallet_session::NextKeys::<Runtime>::get(Dave.to_account_id()).is_none());
        assert_eq!(held(&Dave.to_account_id()), 0);
        assert!(before - wealth(Dave) < ASY, "it paid fees alone");
    });
}

/// Without keys a validator is not in the next session, so all of them together could end the chain
/// within two sessions, and one of four leave three of which none may fail.
#[test]
fn who_has_a_stake_keeps_its_keys() {
    run(|| {
        let fails = |who, call: RuntimeCall, error: DispatchError| {
            assert_eq!(include(signed(who, call)), Err(error));
        };
        let filtered: DispatchError = frame_system::Error::<Runtime>::CallFiltered.into();
        let closed = RuntimeCall::from(pallet_session::Call::purge_keys {});
        fails(Dave, closed.clone(), filtered);
        fails(Eve, closed.clone(), filtered);
        let batch = pallet_utility::Call::batch_all { calls: vec![closed] };
        fails(Dave, batch.into(), filtered);

        let has_stake: DispatchError = pallet_validators::Error::<Runtime>::HasStake.into();
        let purge = || RuntimeCall::from(pallet_validators::Call::purge_keys {});
        fails(Dave, purge(), has_stake);
        submit(Dave, pallet_staking::Call::chill {});
        submit(Dave, pallet_staking::Call::unbond { value: STAKE });
        fails(Dave, purge(), has_stake);
        fails(Eve, purge(), pallet_session::Error::<Runtime>::NoKeys.into());
    });
}

#[test]
fn nominations_count_and_decide() {
    run(|| {
        as_root(pallet_staking::Call::set_validator_count { new: 4 });
        join(Eve, MinValidatorBond::get(), Eve, Ed25519Keyring::Eve);
        go_to_era(1);
        assert!(!is_validator(Eve), "the others have ten times its stake");

        submit(Ferdie, bond(500_000 * ASY));
        let targets = vec![Eve.to_account_id().into()];
        submit(Ferdie, pallet_staking::Call::nominate { targets });
        go_to_era(2);
        assert!(is_validator(Eve));
        assert_eq!(validators().len(), 4);
        let exposure = Staking::eras_stakers(2, &Eve.to_account_id());
        assert!(is_about(exposure.own, MinValidatorBond::get()));
        assert_eq!(exposure.others.len(), 1);
        assert_eq!(exposure.others[0].who, Ferdie.to_account_id());
        assert!(is_about(exposure.total, 510_000 * ASY));

        // It is paid by its part of the stake.
        pay_a_fee();
        for _ in 0..8 {
            empty_block();
        }
        go_to_era(3);
        let (own, nominator) = (free(&Eve.to_account_id()), free(&Ferdie.to_account_id()));
        pay_out(&Eve.to_account_id(), 2);
        let fee = fees().iter().map(|(_, fee)| *fee).sum::<Balance>();
        let own = free(&Eve.to_account_id()) - own;
        let nominators = free(&Ferdie.to_account_id()) + fee - nominator;
        assert!(own > 0);
        assert!(nominators.abs_diff(own * 50) <= own / 1_000_000 + 50, "{nominators} of {own}");

        submit(Ferdie, pallet_staking::Call::chill {});
        go_to_era(4);
        assert!(!is_validator(Eve));
    });
}

/// Pays a fee of some ASY.
fn pay_a_fee() {
    let remark = frame_system::Call::remark_with_event { remark: vec![7; 1_000_000] };
    submit(FerdieStash, remark);
}

#[test]
fn new_keys_take_effect_two_sessions_later() {
    run(|| {
        next_session();
        let uses = |key: Sr25519Keyring| {
            Babe::authorities().into_iter().any(|(authority, _)| authority == key.public().into())
        };
        submit(Bob, set_keys(Bob, One, Ed25519Keyring::One));
        assert!(uses(Bob) && !uses(One));
        next_session();
        assert!(uses(Bob) && !uses(One));
        assert!(AuthorityDiscovery::authorities().contains(&One.public().into()), "already known");
        next_session();
        assert!(!uses(Bob) && uses(One));
        // Somebody else's keys cannot be taken.
        assert!(include(signed(Charlie, set_keys(Charlie, One, Ed25519Keyring::One))).is_err());
        // Nor keys without their secrets.
        let pallet_session::Call::set_keys { keys, .. } =
            set_keys(Charlie, Two, Ed25519Keyring::Two)
        else {
            unreachable!()
        };
        let pallet_session::Call::set_keys { proof, .. } = set_keys(Bob, Two, Ed25519Keyring::Two)
        else {
            unreachable!()
        };
        let stolen = pallet_session::Call::set_keys { keys, proof };
        assert!(include(signed(Charlie, stolen)).is_err());
    });
}

#[test]
fn too_few_candidates_keep_the_set() {
    run(|| {
        for who in [Bob, Charlie] {
            submit(who, pallet_staking::Call::chill {});
        }
        for _ in 0..2 * SessionsPerEra::get() {
            next_session();
        }
        assert_eq!((era(), validators().len()), (0, 4));
        submit(Bob, candidacy());
        go_to_era(1);
        assert_eq!(validators().len(), 3);
    });
}

/// The local network with seven validators.
fn seven() -> sp_io::TestExternalities {
    let keys = [
        (Alice, Ed25519Keyring::Alice),
        (Bob, Ed25519Keyring::Bob),
        (Charlie, Ed25519Keyring::Charlie),
        (Dave, Ed25519Keyring::Dave),
        (Eve, Ed25519Keyring::Eve),
        (Ferdie, Ed25519Keyring::Ferdie),
        (AliceStash, Ed25519Keyring::AliceStash),
    ];
    let stakers = keys.map(|(who, _)| {
        let account = who.to_account_id();
        (account.clone(), account, STAKE, StakerStatus::<AccountId>::Validator)
    });
    let keys = keys
        .map(|(who, grandpa)| (who.to_account_id(), who.to_account_id(), keys_of(who, grandpa)));
    let mut genesis = preset(sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET);
    genesis["staking"]["stakers"] = json!(stakers);
    genesis["staking"]["minimumValidatorCount"] = json!(4);
    genesis["session"]["keys"] = json!(keys);
    externalities_of(genesis)
}

/// Who leaves a network is gone although nobody takes its place, and eras go on.
#[test]
fn three_of_seven_validators_can_leave() {
    run_on(seven(), || {
        assert_eq!(validators().len(), 7);
        for who in [Alice, Eve, AliceStash] {
            submit(who, pallet_staking::Call::chill {});
        }
        go_to_era(1);
        assert_eq!(validators().len(), 4);
        assert!([Bob, Charlie, Dave, Ferdie].into_iter().all(is_validator));
        // A fourth one waits for somebody else.
        submit(Bob, pallet_staking::Call::chill {});
        for _ in 0..2 * SessionsPerEra::get() {
            next_session();
        }
        assert_eq!((era(), validators().len()), (1, 4));
    });
}

/// Votes of the largest election: as many voters, candidates, votes and winners as there may be.
#[test]
fn the_largest_election_fits_into_a_block() {
    run(|| {
        as_root(pallet_staking::Call::set_validator_count { new: MaxElected::get() });
        let account = |kind: u8, index: u32| {
            let mut bytes = [kind; 32];
            bytes[..4].copy_from_slice(&index.to_le_bytes());
            AccountId::new(bytes)
        };
        let staker = |account: &AccountId, stake: Balance| {
            assert_ok!(Balances::mint_into(account, stake + ASY));
            let signer = RuntimeOrigin::signed(account.clone());
            assert_ok!(Staking::bond(signer.clone(), stake, RewardDestination::Staked));
            signer
        };
        let candidates = MaxCandidates::get() - GENESIS.len() as u32;
        for index in 0..candidates {
            let stake = MinValidatorBond::get() + Balance::from(index) * ASY;
            let signer = staker(&account(1, index), stake);
            assert_ok!(Staking::validate(signer, ValidatorPrefs::default()));
        }
        // More than count.
        for index in 0..MaxVoters::get() + 100 {
            let stake = 20_000 * ASY + Balance::from(index * 7 % 1_000) * ASY;
            let signer = staker(&account(2, index), stake);
            let target = |vote: u32| account(1, (index * 31 + vote * 17) % candidates).into();
            assert_ok!(Staking::nominate(signer, (0..16).map(target).collect()));
        }
        let one_more = staker(&account(3, 0), MinValidatorBond::get());
        assert_noop!(
            Staking::validate(one_more, ValidatorPrefs::default()),
            pallet_staking::Error::<Runtime>::TooManyValidators
        );

        // The last session but one of the era begins with the election.
        let planned = || pallet_staking::CurrentEra::<Runtime>::get();
        let mut usual = Weight::zero();
        while planned() == Some(0) {
            let started = std::time::Instant::now();
            next_session();
            let weight = System::block_weight().total();
            if planned() == Some(0) {
                usual = weight;
                continue;
            }
            let election = weight.saturating_sub(usual);
            let millis = started.elapsed().as_millis();
            println!("{election:?} besides {usual:?}, {millis} ms natively");
            let block = assay_runtime::MAXIMUM_BLOCK_WEIGHT.ref_time();
            assert!(election.ref_time() < block * 6 / 10, "{election:?}");
            assert!(election.ref_time() > block / 10, "it is not counted: {election:?}");
        }
        assert!(staking_events().contains(&StakingEvent::StakersElected));
        let elected = pallet_staking::ErasStakersOverview::<Runtime>::iter_prefix(1);
        let elected: Vec<_> = elected.collect();
        assert_eq!(elected.len() as u32, MaxElected::get());
        assert!(elected.iter().all(|(_, one)| one.nominator_count <= MaxBackers::get()));
        assert!(elected.iter().any(|(_, one)| one.nominator_count > 0));
        // Also those with less than any of the nominators whose votes count.
        assert!(elected.iter().all(|(_, one)| is_at_least(one.own, MinValidatorBond::get())));
    });
}

// --- fees -------------------------------------------------------------------------------------

/// What elects a validator is at stake, its own money first.
#[test]
fn all_that_elects_is_exposed() {
    run(|| {
        let account = |kind: u8, index: u32| {
            let mut bytes = [kind; 32];
            bytes[..4].copy_from_slice(&index.to_le_bytes());
            AccountId::new(bytes)
        };
        let staker = |account: &AccountId, stake: Balance| {
            assert_ok!(Balances::mint_into(account, stake + ASY));
            let signer = RuntimeOrigin::signed(account.clone());
            assert_ok!(Staking::bond(signer.clone(), stake, RewardDestination::Staked));
            signer
        };
        let candidate = account(1, 0);
        let signer = staker(&candidate, MinValidatorBond::get());
        assert_ok!(Staking::validate(signer, ValidatorPrefs::default()));
        for index in 0..600 {
            let signer = staker(&account(2, index), 20_000 * ASY);
            assert_ok!(Staking::nominate(signer, vec![candidate.clone().into()]));
        }
        go_to_era(1);
        let found = pallet_staking::ErasStakersOverview::<Runtime>::get(1, &candidate);
        let found = found.expect("it is elected");
        // Its own vote, and as many others as can be penalised.
        let others = u128::from(MaxBackers::get() - 1) * 20_000 * ASY;
        assert_eq!(found.nominator_count, MaxBackers::get() - 1);
        assert!(is_about(found.own, MinValidatorBond::get()), "{found:?}");
        // Each of them is rounded.
        let total = MinValidatorBond::get() + others;
        assert!(found.total.abs_diff(total) < 100 * u128::from(MaxBackers::get()), "{found:?}");
    });
}

#[test]
fn an_era_pays_its_share_of_the_fees_to_the_planck() {
    run(|| {
        let genesis = Balances::total_issuance();
        let (mut earned, mut treasurys, mut burnt) = (0, 0, 0);
        let treasury_before = free(&treasury());
        for _ in 0..8 {
            pay_a_fee();
            let paid: Balance = fees().iter().map(|(_, fee)| *fee).sum();
            let Split { validators, treasury, burnt: gone } = Validators::split(paid);
            assert!(paid > ASY / 2 && validators == paid * 3 / 10);
            (earned, treasurys, burnt) = (earned + validators, treasurys + treasury, burnt + gone);
            assert_eq!(own_events(), [Event::FeesDivided { validators, treasury, burnt: gone }]);
        }
        assert_eq!(EraFees::<Runtime>::get(), earned);
        assert_eq!(free(&treasury()) - treasury_before, treasurys);
        while era() == 0 {
            next_session();
        }
        let paid = StakingEvent::EraPaid { era_index: 0, validator_payout: earned, remainder: 0 };
        assert!(staking_events().contains(&paid));
        assert_eq!((EraFees::<Runtime>::get(), Unminted::<Runtime>::get()), (0, earned));
        assert_eq!(Balances::total_issuance(), genesis - earned - burnt);

        let points = pallet_staking::ErasRewardPoints::<Runtime>::get(0);
        let mut minted = 0;
        let mut by_payouts = Split { validators: 0, treasury: 0, burnt: 0 };
        for who in GENESIS.map(|who| who.to_account_id()) {
            let before = wealth_of(&who);
            pay_out(&who, 0);
            let fee: Balance = fees().iter().map(|(_, fee)| *fee).sum();
            let split = Validators::split(fee);
            by_payouts.validators += split.validators;
            by_payouts.burnt += split.burnt;
            let reward = wealth_of(&who) - before;
            let expected =
                Perbill::from_rational(points.individual[&who], points.total).mul_floor(earned);
            assert!(reward.abs_diff(expected) <= 1, "{reward} instead of {expected}");
            minted += reward;
        }
        // Rounding leaves less than a billionth for each.
        assert!(minted <= earned && earned - minted <= 4 + earned / 100_000_000);
        assert_eq!(Unminted::<Runtime>::get(), earned - minted);
        assert_eq!(
            Balances::total_issuance(),
            genesis - burnt - by_payouts.burnt - by_payouts.validators - (earned - minted)
        );
        // Nobody is paid twice.
        let again =
            pallet_staking::Call::payout_stakers { validator_stash: Alice.to_account_id(), era: 0 };
        assert!(include(signed(Ferdie, again)).is_err());
    });
}

fn wealth_of(account: &AccountId) -> Balance {
    use frame_support::traits::Currency;
    Balances::total_balance(account)
}

#[test]
fn tips_are_the_authors() {
    run(|| {
        let author = validators()[next_author() as usize].clone();
        let before = wealth_of(&author);
        let issuance = Balances::total_issuance();
        let tip = 3 * ASY;
        let call = frame_system::Call::remark { remark: vec![] };
        assert_ok!(include(with_tip(FerdieStash, call, tip)));
        let paid: Balance = fees().iter().map(|(_, fee)| *fee).sum();
        assert_eq!(wealth_of(&author) - before, tip);
        let Split { validators, burnt, .. } = Validators::split(paid - tip);
        assert_eq!(Balances::total_issuance(), issuance - validators - burnt);
    });
}

// --- offences ---------------------------------------------------------------------------------

/// A report of two headers by one author in one slot of the session that runs.
fn babe_equivocation(offender: Sr25519Keyring) -> RuntimeCall {
    let slot = Babe::current_slot();
    let authority_index = index_of(offender);
    let header = |state_root: u8| {
        let claim = PreDigest::SecondaryPlain(SecondaryPlainPreDigest { authority_index, slot });
        let digest = Digest { logs: vec![DigestItem::babe_pre_digest(claim)] };
        let hash = H256::repeat_byte(1);
        let mut header = Header::new(9, hash, H256::repeat_byte(state_root), hash, digest);
        let seal = offender.pair().sign(header.hash().as_ref());
        header.digest_mut().push(DigestItem::babe_seal(seal.into()));
        header
    };
    let equivocation_proof = Box::new(sp_consensus_babe::EquivocationProof {
        offender: offender.public().into(),
        slot,
        first_header: header(2),
        second_header: header(3),
    });
    let key_owner_proof = ownership(sp_consensus_babe::KEY_TYPE, &offender.public());
    pallet_babe::Call::report_equivocation { equivocation_proof, key_owner_proof }.into()
}

/// Of four validators one: the square of three quarters.
fn penalty() -> Balance {
    Perbill::from_rational(9u32, 16) * STAKE
}

#[test]
fn an_equivocation_in_babe_is_punished_after_the_time_to_cancel() {
    punished(|| babe_equivocation(Bob));
}

#[test]
fn an_equivocation_in_grandpa_is_punished_after_the_time_to_cancel() {
    punished(|| grandpa_equivocation(Ed25519Keyring::Bob, 7));
}

fn punished(report: impl Fn() -> RuntimeCall) {
    run(|| {
        go_to_era(1);
        let index = index_of(Bob);
        let call = report();
        submit(Ferdie, call.clone());
        assert!(fees().is_empty() || fees().iter().all(|(_, fee)| *fee == 0), "a report is free");
        assert!(include(signed(Ferdie, call)).is_err(), "it counts once");
        assert!(Session::disabled_validators().contains(&index));
        assert_eq!(staked(Bob), STAKE, "the penalty waits");
        assert_eq!(pallet_staking::UnappliedSlashes::<Runtime>::iter().count(), 1);

        // It cannot escape: what it withdraws now is free after the penalty.
        submit(Bob, pallet_staking::Call::chill {});
        submit(Bob, pallet_staking::Call::unbond { value: STAKE });
        go_to_era(2);
        assert!(Session::disabled_validators().is_empty(), "the era is over");
        let of_treasury = free(&treasury());
        go_to_era(1 + SlashDeferDuration::get());
        assert_eq!(held_as_stake(&Bob.to_account_id()), STAKE);
        let (reporter, issuance) = (wealth(Ferdie), Balances::total_issuance());
        go_to_era(2 + SlashDeferDuration::get());
        assert!(is_about(held_as_stake(&Bob.to_account_id()), STAKE - penalty()));
        let lost = STAKE - held_as_stake(&Bob.to_account_id());
        assert_eq!(free(&treasury()) - of_treasury, lost);
        assert_eq!(wealth(Ferdie), reporter, "nobody earns from a report");
        assert_eq!(Balances::total_issuance(), issuance);
        let withdraw = pallet_staking::Call::withdraw_unbonded { num_slashing_spans: 5 };
        go_to_era(1 + BondingDuration::get());
        submit(Bob, withdraw);
        assert_eq!(held_as_stake(&Bob.to_account_id()), 0);
    });
}

/// What is recorded of a validator's penalties in the era that runs.
fn recorded(who: Sr25519Keyring) -> Option<Perbill> {
    let penalty = pallet_staking::ValidatorSlashInEra::<Runtime>::get(era(), who.to_account_id())?;
    Some(penalty.0)
}

/// The number of offences that are kept for good.
fn kept_reports() -> usize {
    let kept = pallet_offences::Reports::<Runtime>::iter().count();
    let indexed = pallet_offences::ConcurrentReportsIndex::<Runtime>::iter_values();
    assert_eq!(kept, indexed.map(|reports| reports.len()).sum::<usize>());
    kept
}

/// What the transactions of the last block weigh.
fn normal_weight() -> u64 {
    System::block_weight().get(DispatchClass::Normal).ref_time()
}

/// Has Ferdie report an offence. Returns whether it is accepted. What is accepted is free, and what is
/// refused is paid for.
fn is_accepted(report: RuntimeCall) -> bool {
    // The block of an author whom a report in it disables is not valid.
    while next_author() != index_of(Alice) {
        skip_slots(1);
    }
    let result = include(signed(Ferdie, report));
    let fee: Balance = fees().iter().map(|(_, fee)| *fee).sum();
    assert_eq!(fee == 0, result.is_ok(), "{result:?} for {fee} plancks");
    result.is_ok()
}

/// Otherwise a validator could fill blocks and the state for a single penalty, with a report of each
/// round in which it pretends to vote twice.
#[test]
fn reports_that_change_nothing_are_paid_for() {
    run(|| {
        next_session();
        let report = |round| grandpa_equivocation(Ed25519Keyring::Bob, round);
        assert!(is_accepted(report(7)));
        let penalty = recorded(Bob).expect("there is a penalty");
        assert_eq!(penalty, Perbill::from_rational(9u32, 16));
        for round in 8..=57 {
            assert!(!is_accepted(report(round)), "round {round}");
        }
        assert!(is_accepted(babe_equivocation(Bob)), "blocks and votes are counted apart");
        assert!(!is_accepted(babe_equivocation(Bob)));
        assert_eq!(kept_reports(), 2);
        assert_eq!(recorded(Bob), Some(penalty));
        let due = pallet_staking::UnappliedSlashes::<Runtime>::iter_values().flatten();
        assert_eq!(due.count(), 1);
        // In another era it is another penalty.
        go_to_era(1);
        assert!(is_accepted(report(7)));
        assert!(!is_accepted(report(8)));
        assert_eq!((kept_reports(), recorded(Bob)), (3, Some(penalty)));
    });
}

/// Who breaks finality loses everything, whatever was reported of it before, and in whatever order.
#[test]
fn offenders_of_an_era_count_together() {
    run(|| {
        next_session();
        let [bob, charlie] = [Ed25519Keyring::Bob, Ed25519Keyring::Charlie];
        let alone = Perbill::from_rational(9u32, 16);
        assert!(is_accepted(grandpa_equivocation(bob, 7)));
        assert!(!is_accepted(grandpa_equivocation(bob, 8)));
        assert_eq!([Bob, Charlie].map(recorded), [Some(alone), None]);
        let before = normal_weight();
        assert!(is_accepted(grandpa_equivocation(charlie, 8)));
        assert_eq!([Bob, Charlie].map(recorded), [Some(Perbill::one()); 2]);
        assert!(normal_weight() > 3 * before / 2, "penalties of those before are computed again");
        // Neither can lose more.
        for report in [grandpa_equivocation(charlie, 7), grandpa_equivocation(bob, 9)] {
            assert!(!is_accepted(report));
        }
        assert_eq!(kept_reports(), 2);
    });
}

/// Keys that are replaced before they are in use are those of no proof.
#[test]
fn new_keys_do_not_hide_an_equivocation() {
    run(|| {
        // The keys of the genesis sign all blocks here, so the owner of the new ones makes none.
        let not_charlies = || {
            while next_author() == index_of(Charlie) {
                skip_slots(1);
            }
        };
        next_session();
        not_charlies();
        submit(Charlie, set_keys(Charlie, One, Ed25519Keyring::One));
        next_session();
        not_charlies();
        submit(Charlie, set_keys(Charlie, Two, Ed25519Keyring::Two));
        next_session();
        let voters = Grandpa::grandpa_authorities();
        assert!(voters.iter().any(|(voter, _)| *voter == Ed25519Keyring::One.public().into()));
        let report = grandpa_equivocation(Ed25519Keyring::One, 7);
        not_charlies();
        let now = include(signed(Ferdie, report.clone()));
        next_session();
        not_charlies();
        let later = include(signed(Ferdie, report));
        assert!(now.is_ok() || later.is_ok(), "{now:?}, {later:?}");
    });
}

/// The keys that vote now are replaced by their owner.
#[test]
fn keys_that_still_vote_can_be_reported() {
    run(|| {
        next_session();
        submit(Bob, set_keys(Bob, One, Ed25519Keyring::One));
        let report = grandpa_equivocation(Ed25519Keyring::Bob, 7);
        let result = include(signed(Ferdie, report));
        assert!(result.is_ok(), "{result:?}");
    });
}

#[test]
fn new_keys_do_not_enable_who_is_disabled() {
    run(|| {
        go_to_era(1);
        let before = era();
        assert!(is_accepted(grandpa_equivocation(Ed25519Keyring::Bob, 7)));
        assert_eq!(Session::disabled_validators().len(), 1);
        // Its own blocks are not valid.
        while next_author() == index_of(Bob) {
            skip_slots(1);
        }
        submit(Bob, set_keys(Bob, One, Ed25519Keyring::One));
        next_session();
        next_session();
        assert_eq!(era(), before);
        assert_eq!(Session::disabled_validators().len(), 1, "until the era ends");
    });
}

#[test]
fn root_can_cancel_a_penalty() {
    run(|| {
        go_to_era(1);
        submit(Ferdie, babe_equivocation(Bob));
        go_to_era(1 + SlashDeferDuration::get());
        let era = 2 + SlashDeferDuration::get();
        let cancel = pallet_staking::Call::cancel_deferred_slash { era, slash_indices: vec![0] };
        assert!(include(signed(Bob, cancel.clone())).is_err());
        as_root(cancel);
        go_to_era(era + 1);
        assert_eq!(staked(Bob), STAKE);
    });
}

#[test]
fn an_old_equivocation_cannot_be_reported() {
    run(|| {
        next_session();
        let reports = [babe_equivocation(Bob), babe_equivocation(Charlie)];
        let [in_time, late] = reports;
        for _ in 0..ReportableSessions::get() - 1 {
            next_session();
        }
        // The last session in which it is not too old, and the penalty is still ahead.
        assert_ok!(include(signed(Ferdie, in_time)));
        let due = *pallet_staking::UnappliedSlashes::<Runtime>::iter_keys()
            .collect::<Vec<_>>()
            .first()
            .expect("there is a penalty");
        assert!(due > era() + BondingDuration::get() / 2 - 1);
        next_session();
        next_session();
        assert!(include(signed(Ferdie, late)).is_err());
        assert!(fees().iter().any(|(_, fee)| *fee > 0), "an old report is paid for");
    });
}

#[test]
fn the_bond_of_an_operator_and_the_stake_of_a_validator_are_different_money() {
    use assay_primitives::traits::Bonds;
    run(|| {
        let account = Bob.to_account_id();
        let bond = 5_000 * ASY;
        submit(Bob, register(&account, &worker(1), bond));
        assert_eq!(held(&account), STAKE + bond);
        go_to_era(1);
        // A penalty of the operator leaves the stake.
        let slashed = <Settlement as Bonds<AccountId>>::slash(&account, 2 * bond, None);
        assert_eq!(slashed, bond, "never more than the bond");
        assert_eq!(held_as_stake(&account), STAKE);
        empty_block();

        // A penalty of the validator leaves the bond.
        submit(Bob, pallet_operators::Call::add_bond { amount: bond });
        submit(Ferdie, babe_equivocation(Bob));
        go_to_era(2 + SlashDeferDuration::get());
        assert!(is_about(held_as_stake(&account), STAKE - penalty()));
        assert_eq!(<Settlement as Bonds<AccountId>>::bonded(&account), bond);
        assert!(Operators::do_try_state().is_ok());
    });
}

// --- absence ----------------------------------------------------------------------------------

/// Blocks of which each of four validators has twenty on average.
const ENOUGH: u32 = 80;

/// The third validator. The second one makes the first block of each session.
fn third() -> Sr25519Keyring {
    let account = &validators()[2];
    GENESIS.into_iter().find(|who| who.to_account_id() == *account).expect("it is well-known")
}

#[test]
fn an_absent_validator_loses_its_place_and_keeps_its_stake() {
    run(|| {
        let absent = third();
        next_session();
        blocks_without(&[2], ENOUGH);
        next_session();
        let event = Event::Absent { validator: absent.to_account_id(), expected: 20 };
        assert_eq!(own_events(), [event]);
        assert_eq!(staked(absent), STAKE);
        assert!(is_validator(absent), "until the era ends");
        go_to_era(1);
        assert_eq!(validators().len(), 3);
        assert!(!is_validator(absent));
        // It comes back when it wants.
        submit(absent, candidacy());
        go_to_era(2);
        assert!(is_validator(absent));
    });
}

#[test]
fn who_makes_a_single_block_stays() {
    run(|| {
        let rare = third();
        next_session();
        blocks_without(&[2], ENOUGH);
        while next_author() != 2 {
            skip_slots(1);
        }
        empty_block();
        next_session();
        assert_eq!(own_events(), []);
        go_to_era(1);
        assert!(is_validator(rare));
    });
}

/// Candidates of the next election.
fn is_candidate(who: Sr25519Keyring) -> bool {
    pallet_staking::Validators::<Runtime>::contains_key(who.to_account_id())
}

/// Makes blocks of all validators but the third, of which the first has this transaction.
fn include_without_third(who: Sr25519Keyring, call: pallet_staking::Call<Runtime>) {
    while next_author() == 2 {
        skip_slots(1);
    }
    submit(who, call);
    blocks_without(&[2], AUTHORITIES as u32 - 1);
}

/// Otherwise a program that makes its account a candidate again would be enough to stay elected.
#[test]
fn who_comes_back_without_a_block_loses_its_place_each_session() {
    run(|| {
        let absent = third();
        next_session();
        blocks_without(&[2], ENOUGH);
        next_session();
        assert!(!is_candidate(absent));
        while era() == 0 {
            include_without_third(absent, candidacy());
            assert!(is_candidate(absent));
            next_session();
            assert!(!is_candidate(absent), "session {}", session());
        }
        assert!(!is_validator(absent));
        // Outside the set nobody counts its blocks.
        submit(absent, candidacy());
        go_to_era(2);
        assert!(is_validator(absent));
    });
}

#[test]
fn who_comes_back_and_makes_a_block_stays() {
    run(|| {
        let rare = third();
        next_session();
        blocks_without(&[2], ENOUGH);
        next_session();
        assert!(!is_candidate(rare));
        submit(rare, candidacy());
        while next_author() != 2 {
            skip_slots(1);
        }
        empty_block();
        // What it missed before is forgotten.
        for _ in 0..3 {
            next_session();
            assert!(is_candidate(rare));
            blocks_without(&[2], AUTHORITIES as u32 - 1);
        }
        assert!(pallet_validators::Missed::<Runtime>::get()
            .values()
            .all(|missed| *missed < 20_000_000));
        go_to_era(1);
        assert!(is_validator(rare));
    });
}

#[test]
fn an_outage_costs_nobody_its_place() {
    run(|| {
        next_session();
        // Half of the validators see each other.
        blocks_without(&[2, 3], ENOUGH * 3 / 2);
        next_session();
        assert_eq!(own_events(), [Event::Outage { absent: 2 }]);
        // Hardly anybody makes blocks until the era ends.
        go_to_era(1);
        assert!(GENESIS.into_iter().all(is_validator));
    });
}
