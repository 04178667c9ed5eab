//! Attacks with statements that an honest operator signed, on another fork.

use assay_primitives::{runtime_api::Status, Assurance, Balance, FailureReason, RequestId, ASY};
use assay_runtime::System;
use frame_support::assert_ok;
use sp_runtime::Perbill;

use crate::{common::*, ledger::Measured, party::*};

const ASK: Balance = ASY / 100;
const BOND: Balance = 10_000 * ASY;
const SALT: [u8; 32] = [3; 32];

fn drawn(payer: &Party, input: [i32; 2]) -> RequestId {
    let assurance = Assurance::Quorum { n: 3, k: 2 };
    let call = request_call(&integer_payload(&input), assurance, 3 * ASK, 20, 1);
    let id = payer.request(call);
    empty_block();
    assert_eq!(record(id).status, Status::Assigned);
    id
}

/// After a reorganisation, the identifier of a request means another request. An attacker submits
/// there what the operator signed on the abandoned fork.
fn replay(attack: &'static str, failure_report: bool) -> Measured {
    let mut measured = None;
    run(|| {
        publish_integers(Perbill::zero());
        let all = ["victim", "two", "three"].map(|name| Party::new(name, 2 * BOND));
        for party in &all {
            party.register(BOND);
            party.serve(ASK, 4, both());
        }
        let (payer, other) = (Party::new("payer", 100 * ASY), Party::new("other", 100 * ASY));
        let victim = &all[0];
        let replayed = on_a_fork(|| {
            let id = drawn(&payer, [2, 3]);
            let (account, worker) = (victim.account(), &victim.worker);
            if failure_report {
                failure(id, &account, worker, FailureReason::InvalidModel)
            } else {
                commit(id, &account, worker, &integer_payload(&[5]), &SALT)
            }
        });
        let id = drawn(&other, [20, 30]);
        let before = victim.wealth();
        let attackers = wealth_of(&[&payer]);
        let accepted = validate(general(replayed.clone())).is_ok();
        if accepted {
            assert_ok!(include(general(replayed)));
        }
        let right = integer_payload(&[50]);
        for party in &all {
            let call = commit(id, &party.account(), &party.worker, &right, &SALT);
            let _ = block(vec![general(call)]);
        }
        for party in &all {
            let call = reveal(id, &party.account(), &party.worker, &right, &SALT);
            let _ = block(vec![general(call)]);
        }
        go_to(System::block_number() + 22);
        let harm = (before + ASK).saturating_sub(victim.wealth());
        measured = Some(Measured {
            attack,
            capital: 0,
            cost: lost(&[&payer], attackers),
            // What the treasury's share takes from an honest operator is no harm.
            harm: if accepted { harm } else { 0 },
            what: "honest bond and price lost",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

pub fn replayed_commitment() -> Measured {
    replay("a commitment of another fork", false)
}

#[test]
fn a_commitment_of_another_fork_is_refused() {
    replayed_commitment().check();
}

pub fn replayed_failure_report() -> Measured {
    replay("a failure report of another fork", true)
}

#[test]
fn a_failure_report_of_another_fork_is_refused() {
    replayed_failure_report().check();
}
