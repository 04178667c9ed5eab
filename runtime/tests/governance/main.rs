//! Governance on the whole runtime: referenda, the technical committee, pauses, and who can do nothing.
//! An hour of governance is one block here, as on the local network.

#[path = "../common/mod.rs"]
mod common;

mod calls;
mod committee;
mod money;
mod pauses;
mod steps;
mod upgrade;

use assay_primitives::{AssuranceClass, ASY};
use assay_runtime::{
    configs::governance::{PreimageReason, SubmissionDeposit},
    constants::TreasuryAccount,
    genesis::TESTNET,
    governance::tracks,
    AccountId, Balances, Governance, Runtime, RuntimeCall, RuntimeEvent, System, HOURS,
};
use common::*;
use frame_support::{
    assert_ok,
    traits::{fungible::InspectHold, Currency},
};
use pallet_referenda::{ReferendumInfo, TracksInfo};
use serde_json::json;
use sp_keyring::Sr25519Keyring::*;
use sp_runtime::DispatchError;
use steps::*;

/// A call of root that shows whether it was enacted.
fn disable_quorums() -> RuntimeCall {
    let class = AssuranceClass::Quorum;
    pallet_verification::Call::set_class_enabled { class, enabled: false }.into()
}

fn committee() -> Vec<AccountId> {
    pallet_collective::Members::<Runtime, Technical>::get()
}

fn are_quorums_disabled() -> bool {
    pallet_verification::DisabledClasses::<Runtime>::get().contains(AssuranceClass::Quorum)
}

#[test]
fn whitelisting_needs_two_thirds_and_a_referendum_of_four_hours() {
    run(|| {
        let call = disable_quorums();
        let whitelist = pallet_whitelist::Call::whitelist_call { call_hash: hash(&call) };
        // One of three.
        move_by(&[Alice], whitelist.clone());
        assert!(!is_whitelisted(&call));
        move_by(&[Alice, Bob], whitelist);
        assert!(is_whitelisted(&call));

        let dispatch = pallet_whitelist::Call::dispatch_whitelisted_call_with_preimage {
            call: Box::new(call),
        };
        let index = propose(Origin::WhitelistedCaller, dispatch);
        let submitted = System::block_number();
        // 40 million of 120: twice what the track asks for at its start.
        vote(&[Dave, DaveStash, EveStash, Ferdie], index, true, VOTE);
        go_until(are_quorums_disabled, 12);
        let passed = System::block_number() - submitted;
        println!("a whitelisted call was enacted {passed} hours after its submission");
        assert!(passed <= 8, "{passed} blocks");
        assert!(matches!(info(index), ReferendumInfo::Approved(..)));
    });
}

#[test]
fn a_call_that_nobody_whitelisted_is_not_dispatched() {
    run(|| {
        let dispatch = pallet_whitelist::Call::dispatch_whitelisted_call_with_preimage {
            call: Box::new(disable_quorums()),
        };
        let index = propose(Origin::WhitelistedCaller, dispatch);
        vote(&[Dave, DaveStash, EveStash, Ferdie], index, true, VOTE);
        go_until(|| matches!(info(index), ReferendumInfo::Approved(..)), 12);
        go_until(|| enacted().is_some(), 3);
        assert!(!are_quorums_disabled());
    });
}

/// Otherwise anybody could occupy the track by which urgent calls pass.
#[test]
fn members_alone_submit_whitelisted_calls() {
    run(|| {
        let call = Box::new(disable_quorums());
        let dispatch: RuntimeCall =
            pallet_whitelist::Call::dispatch_whitelisted_call_with_preimage { call }.into();
        let call = || submit_call(Origin::WhitelistedCaller, inline(&dispatch));
        assert_eq!(include(signed(PROPOSER, call())), Err(DispatchError::BadOrigin));
        assert!(fees().iter().any(|(_, fee)| *fee > 0), "the attempt is paid for");
        submit(MEMBER, call());
        // Everybody submits on the other tracks, and pays for the decision on each.
        for origin in [Origin::Treasurer, Origin::Spender, Origin::Canceller, Origin::Killer] {
            submit(PROPOSER, submit_call(origin, inline(&dispatch)));
        }
        submit(PROPOSER, submit_call(root(), inline(&dispatch)));
        submit(PROPOSER, pallet_referenda::Call::place_decision_deposit { index: 0 });

        // Who is no member any more has lost it.
        let set = pallet_collective::Call::<Runtime, _>::set_members {
            new_members: vec![PROPOSER.to_account_id()],
            prime: None,
            old_count: 3,
        };
        validators::as_root(RuntimeCall::TechnicalCommittee(set));
        assert_eq!(include(signed(MEMBER, call())), Err(DispatchError::BadOrigin));
        submit(PROPOSER, call());
    });
}

#[test]
fn the_committee_acts_as_nobody_else() {
    run(|| {
        let calls: [RuntimeCall; 4] = [
            disable_quorums(),
            pallet_settlement::Call::spend_treasury { to: Alice.to_account_id(), amount: 1 }.into(),
            frame_system::Call::authorize_upgrade { code_hash: Default::default() }.into(),
            pallet_safe_mode::Call::force_extend {}.into(),
        ];
        for call in calls {
            move_by(&[Alice, Bob, Charlie], call.clone());
            assert_eq!(executed(), Some(Err(DispatchError::BadOrigin)), "{call:?}");
        }
    });
}

#[test]
fn a_referendum_replaces_the_committee() {
    run(|| {
        let members = vec![Dave.to_account_id()];
        let call = pallet_collective::Call::<Runtime, _>::set_members {
            new_members: members.clone(),
            prime: None,
            old_count: 3,
        };
        let index = propose(root(), RuntimeCall::TechnicalCommittee(call));
        vote(&[Dave, DaveStash, EveStash, Ferdie, FerdieStash, BobStash], index, true, VOTE);
        vote(&[CharlieStash], index, true, VOTE);
        go_until(|| committee() == members, 70);
    });
}

#[test]
fn what_is_rejected_enacts_nothing_and_costs_the_submission() {
    run(|| {
        let before = [wealth(PROPOSER), treasury_without_fees()];
        let index = propose(root(), disable_quorums());
        // Two thirds of the votes are against it.
        vote(&[Dave], index, true, VOTE);
        vote(&[Ferdie, FerdieStash], index, false, VOTE);
        let refund = pallet_referenda::Call::refund_decision_deposit { index };
        assert!(include(signed(PROPOSER, refund.clone())).is_err(), "it is being decided");
        go_until(|| matches!(info(index), ReferendumInfo::Rejected(..)), 180);
        for _ in 0..60 {
            empty_block();
            assert_eq!(enacted(), None);
        }
        assert!(!are_quorums_disabled());

        // Anybody can have the deposit for the decision returned. The other one stays for good.
        submit(FerdieStash, refund);
        let refund = pallet_referenda::Call::refund_submission_deposit { index };
        assert_eq!(
            include(signed(PROPOSER, refund)),
            Err(pallet_referenda::Error::<Runtime>::BadStatus.into())
        );
        let account = PROPOSER.to_account_id();
        let preimage = Balances::balance_on_hold(&PreimageReason::get(), &account);
        assert_eq!(held(&account), preimage + SubmissionDeposit::get());
        assert_eq!(treasury_without_fees(), before[1]);
        assert!(before[0] - wealth(PROPOSER) < ASY, "it has paid fees alone");
    });
}

#[test]
fn a_cancelled_referendum_returns_its_deposits_and_a_killed_one_does_not() {
    run(|| {
        let deposit = |id| Tracks::info(id).expect("there is such a track").decision_deposit;
        for (origin, lost) in [
            (Origin::Canceller, 0),
            (Origin::Killer, SubmissionDeposit::get() + deposit(tracks::ROOT)),
        ] {
            let index = propose(root(), disable_quorums());
            let call: RuntimeCall = match origin {
                Origin::Killer => pallet_referenda::Call::kill { index }.into(),
                _ => pallet_referenda::Call::cancel { index }.into(),
            };
            let (rich, before) = (treasury_without_fees(), total(&PROPOSER.to_account_id()));
            let end = propose_by(CharlieStash, origin, call);
            vote(&[Dave, DaveStash, EveStash, Ferdie, FerdieStash], end, true, VOTE);
            go_until(|| !matches!(info(index), ReferendumInfo::Ongoing(..)), 20);
            assert_eq!(treasury_without_fees() - rich, lost);
            assert!(before - total(&PROPOSER.to_account_id()) >= lost);
            if lost == 0 {
                submit(PROPOSER, pallet_referenda::Call::refund_submission_deposit { index });
                submit(PROPOSER, pallet_referenda::Call::refund_decision_deposit { index });
            }
            // A preimage can be taken back when no referendum needs it.
            let note = pallet_preimage::Call::unnote_preimage { hash: hash(&disable_quorums()) };
            submit(PROPOSER, note);
            assert_eq!(held(&PROPOSER.to_account_id()), 0);
        }
        assert!(!are_quorums_disabled());
    });
}

#[test]
fn periods_of_the_testnet_are_days_and_the_wasm_is_the_same() {
    let days = |preset| {
        externalities_of(preset).execute_with(|| {
            let root = Tracks::info(tracks::ROOT).expect("there is one");
            (root.prepare_period, root.decision_period, root.min_enactment_period)
        })
    };
    assert_eq!(days(testnet()), (HOURS, 7 * 24 * HOURS, 24 * HOURS));
    let local = preset(sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET);
    assert_eq!(days(local), (1, 7 * 24, 24));
}

/// The preset, with a validator and an account.
fn testnet() -> serde_json::Value {
    let mut genesis = preset(TESTNET);
    let local = preset(sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET);
    genesis["session"]["keys"] = local["session"]["keys"].clone();
    let balances = genesis["balances"]["balances"].as_array_mut().expect("a list");
    balances.extend(local["balances"]["balances"].as_array().expect("a list")[..1].iter().cloned());
    genesis
}

#[test]
fn the_testnet_has_no_sudo_key_and_no_committee() {
    externalities_of(testnet()).execute_with(|| {
        assert_eq!(pallet_sudo::Key::<Runtime>::get(), None);
        assert!(committee().is_empty());
        assert_eq!(Balances::total_balance(&TreasuryAccount::get()), ASY / 1_000);
        assert_ok!(Governance::do_try_state());
    });
    let dev = preset(sp_genesis_builder::DEV_RUNTIME_PRESET);
    externalities_of(dev).execute_with(|| {
        assert_eq!(pallet_sudo::Key::<Runtime>::get(), Some(Alice.to_account_id()));
    });
}

#[test]
#[should_panic(expected = "hour_blocks is out of bounds")]
fn an_hour_has_at_least_one_block() {
    let mut genesis = testnet();
    genesis["governance"]["hourBlocks"] = json!(0);
    externalities_of(genesis);
}

#[test]
#[should_panic(expected = "hour_blocks is out of bounds")]
fn an_hour_has_at_most_the_blocks_of_an_hour() {
    let mut genesis = testnet();
    genesis["governance"]["hourBlocks"] = json!(HOURS + 1);
    externalities_of(genesis);
}

#[test]
fn who_has_no_stake_can_do_nothing() {
    run(|| {
        let thief = party::Party::new("thief", ASY);
        let refused: [RuntimeCall; 7] = [
            pallet_safe_mode::Call::enter {}.into(),
            pallet_safe_mode::Call::force_enter {}.into(),
            pallet_tx_pause::Call::pause { full_name: name("Inference", "request") }.into(),
            pallet_settlement::Call::spend_treasury { to: thief.account(), amount: 1 }.into(),
            pallet_whitelist::Call::whitelist_call { call_hash: hash(&disable_quorums()) }.into(),
            pallet_referenda::Call::cancel { index: 0 }.into(),
            pallet_scheduler::Call::schedule {
                when: 100,
                maybe_periodic: None,
                priority: 0,
                call: Box::new(disable_quorums()),
            }
            .into(),
        ];
        for call in refused {
            assert!(thief.include(call.clone()).is_err(), "{call:?}");
        }
        let motion = pallet_collective::Call::<Runtime, _>::propose {
            threshold: 1,
            proposal: Box::new(pallet_safe_mode::Call::force_enter {}.into()),
            length_bound: 100,
        };
        assert_eq!(
            thief.include(RuntimeCall::TechnicalCommittee(motion)),
            Err(pallet_collective::Error::<Runtime, Technical>::NotMember.into())
        );
        // It cannot pay for a referendum, and votes with no more than it has.
        assert!(thief.include(submit_call(root(), inline(&disable_quorums()))).is_err());
        let index = propose(root(), disable_quorums());
        assert_eq!(
            thief.include(vote_call(index, true, 2 * ASY)),
            Err(pallet_conviction_voting::Error::<Runtime>::InsufficientFunds.into())
        );
        thief.submit(vote_call(index, true, ASY / 2));
        go_until(|| matches!(info(index), ReferendumInfo::Rejected(..)), 180);
        assert!(!are_quorums_disabled());
    });
}

/// `System.set_code` in a referendum weighs more than a block has for scheduled calls.
#[test]
fn a_call_that_is_too_heavy_is_never_enacted() {
    run(|| {
        let index = propose(root(), frame_system::Call::set_code { code: vec![1; 100] });
        vote(&[Dave, DaveStash, EveStash, Ferdie, FerdieStash, BobStash], index, true, VOTE);
        vote(&[CharlieStash], index, true, VOTE);
        let too_heavy = || {
            events().into_iter().any(|event| {
                matches!(
                    event,
                    RuntimeEvent::Scheduler(pallet_scheduler::Event::PermanentlyOverweight { .. })
                )
            })
        };
        go_until(too_heavy, 70);
        assert_eq!(enacted(), None);
    });
}
