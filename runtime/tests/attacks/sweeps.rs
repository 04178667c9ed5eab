//! Attacks on the sweep of passed deadlines.

use assay_primitives::{
    runtime_api::Status, Assurance, AssuranceClass, Balance, RequestId, RequestInput, ASY,
};
use assay_runtime::{constants::MinBond, Runtime, System};
use frame_support::dispatch::DispatchClass;
use pallet_inference::{BatchItem, NextRequest};
use sp_runtime::Perbill;

use crate::{common::*, ledger::Measured, party::*};

const QUORUM: Assurance = Assurance::Quorum { n: 2, k: 2 };
/// Batches of waiting requests.
const BATCHES: u8 = 4;

/// Computation that hooks have taken in the last block.
fn hooks() -> Balance {
    System::block_weight().get(DispatchClass::Mandatory).ref_time().into()
}

fn is_final(id: RequestId) -> bool {
    matches!(record(id).status, Status::Final(_))
}

/// Two operators of the attacker are busy with a long request of its own. Other quorums of the
/// attacker wait for them, until the sweep passes all their deadlines at one height.
pub fn waiting_quorums() -> Measured {
    let mut measured = None;
    run(|| {
        publish_integers(Perbill::zero());
        let sybils =
            [1, 2].map(|number| Party::new(&format!("sybil {number}"), 2 * MinBond::get()));
        let payer = Party::new("payer", 100 * ASY);
        for sybil in &sybils {
            sybil.register(MinBond::get());
            sybil.serve(1, 1, both());
        }
        let input = integer_payload(&[2, 3]);
        let attackers: Vec<&Party> = sybils.iter().chain([&payer]).collect();
        let long = payer.request(request_call(&input, QUORUM, 2, 1_000, 1));
        empty_block();
        assert_eq!(record(long).status, Status::Assigned);

        let before = wealth_of(&attackers);
        let deadline = System::block_number() + 40;
        let first = NextRequest::<Runtime>::get();
        for number in 0..BATCHES {
            let items: Vec<_> = (0..64)
                .map(|key| BatchItem {
                    input: RequestInput::Inline(bounded(&input)),
                    client_key: [100 + number, key].repeat(16).try_into().expect("32 bytes"),
                })
                .collect();
            payer.submit(pallet_inference::Call::<Runtime>::request_batch {
                version: version(0, 1),
                assurance: QUORUM,
                max_price: 2,
                deadline,
                draw_delay: 1,
                items: items.try_into().expect("a batch"),
            });
        }
        let waiting: Vec<_> = (first.0..NextRequest::<Runtime>::get().0).map(RequestId).collect();
        assert_eq!(waiting.len(), 64 * usize::from(BATCHES));
        let held: Balance = waiting.iter().map(|id| record(*id).escrow()).sum();

        // A request of somebody else, whose operator is silent. Its deadline passes one block after
        // the last commitments of the others would have been due.
        let silent = Party::new("silent", 2 * MinBond::get());
        silent.register(MinBond::get());
        silent.serve(1, 1, classes(&[AssuranceClass::Signed]));
        let asker = Party::new("asker", 100 * ASY);
        let patience = deadline - 4 - (System::block_number() + 1);
        let other = asker.request(request_call(&input, Assurance::Signed, 1, patience, 1));
        empty_block();
        assert_eq!(record(other).status, Status::Assigned);
        assert!(waiting.iter().all(|id| record(*id).status == Status::Pending));
        let due = record(other).deadline + 1;
        assert_eq!(due, deadline - 3);

        go_to(deadline - 6);
        empty_block();
        let idle = hooks();
        let (mut taken, mut ended_at) = (0, None);
        while ended_at.is_none() || !waiting.iter().all(|id| is_final(*id)) {
            empty_block();
            taken += hooks() - idle;
            if ended_at.is_none() && is_final(other) {
                ended_at = Some(System::block_number());
            }
        }
        let late = ended_at.expect("it ends") - due;
        println!("{} requests; a deadline passed {late} blocks late", waiting.len());
        measured = Some(Measured {
            attack: "quorums that wait until their deadlines",
            capital: 2 * MinBond::get() + held,
            cost: lost(&attackers, before),
            harm: taken,
            what: "price of the room of the sweep",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn sweeps_of_waiting_quorums_are_paid_for() {
    waiting_quorums().check();
}

/// All members of the largest quorums have committed, and show their results as late as they can.
pub fn early_commitments() -> Measured {
    const SALT: [u8; 32] = [3; 32];
    let mut measured = None;
    run(|| {
        publish_integers(Perbill::zero());
        let sybils: Vec<_> = (0..15)
            .map(|number| Party::new(&format!("sybil {number}"), 2 * MinBond::get()))
            .collect();
        for sybil in &sybils {
            sybil.register(MinBond::get());
            sybil.serve(1, 64, both());
        }
        let now = System::block_number();
        let beats = sybils.iter().map(|one| heartbeat(&one.account(), &one.worker, now));
        block(beats.map(general).collect());
        let payer = Party::new("payer", 100 * ASY);
        let attackers: Vec<&Party> = sybils.iter().chain([&payer]).collect();
        let before = wealth_of(&attackers);
        let (input, output) = (integer_payload(&[2, 3]), integer_payload(&[5]));
        let ids: Vec<_> = (0..3)
            .map(|key| {
                let assurance = Assurance::Quorum { n: 15, k: 8 };
                payer.request(request_call(&input, assurance, 15, 40, key))
            })
            .collect();
        empty_block();
        let commits = ids.iter().flat_map(|id| {
            let commit = |one: &Party| commit(*id, &one.account(), &one.worker, &output, &SALT);
            sybils.iter().map(commit).map(general)
        });
        block(commits.collect());
        assert!(ids.iter().all(|id| record(*id).status == Status::Revealing));
        empty_block();
        let idle = hooks();
        let mut taken = 0;
        for _ in 0..3 {
            empty_block();
            taken += hooks() - idle;
        }
        let reveals = ids.iter().flat_map(|id| {
            let reveal = |one: &Party| reveal(*id, &one.account(), &one.worker, &output, &SALT);
            sybils.iter().map(reveal).map(general)
        });
        for result in block(reveals.collect()) {
            assert_eq!(result, Ok(Ok(())));
        }
        assert!(ids.iter().all(|id| is_final(*id)));
        measured = Some(Measured {
            attack: "quorums that committed early and show their results late",
            capital: 15 * MinBond::get(),
            cost: lost(&attackers, before),
            harm: taken,
            what: "price of the room of the sweep",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn sweeps_of_open_reveals_are_paid_for() {
    early_commitments().check();
}
