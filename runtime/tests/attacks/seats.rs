//! Attacks on the seats of a version: who may serve it.

use assay_primitives::{Assurance, Balance, ASY};
use assay_runtime::{
    constants::{MaxDeadline, MaxServers, MinBond},
    System,
};
use sp_runtime::Perbill;

use crate::{common::*, ledger::Measured, party::*};

/// Fills all seats of a version with accounts that ask this much.
fn seated(ask: Balance) -> Vec<Party> {
    publish_integers(Perbill::zero());
    let sybils: Vec<_> = (0..MaxServers::get())
        .map(|number| Party::new(&format!("sybil {number}"), 2 * MinBond::get()))
        .collect();
    for sybil in &sybils {
        sybil.submit(register(&sybil.account(), &sybil.worker, MinBond::get()));
        sybil.serve(ask, 1, both());
    }
    sybils
}

/// What an honest operator with ten times the bond finds.
fn measure(attack: &'static str, attackers: &[&Party], before: Balance) -> Measured {
    let honest = Party::new("honest", 20 * MinBond::get());
    honest.register(10 * MinBond::get());
    let refused = honest.include(serve_call(ASY, 1, both())).is_err();
    Measured {
        attack,
        capital: Balance::from(MaxServers::get()) * MinBond::get(),
        cost: lost(attackers, before),
        harm: Balance::from(refused) * 10 * MinBond::get(),
        what: "honest bond kept out",
        least_percent: 100,
    }
}

/// Fills all seats of a version with accounts that never answer, and keeps them.
pub fn squatting() -> Measured {
    let mut measured = None;
    run(|| {
        let sybils = seated(1_000_000 * ASY);
        let all: Vec<&Party> = sybils.iter().collect();
        let before = wealth_of(&all);
        measured = Some(measure("all seats of a version taken", &all, before));
    });
    measured.unwrap()
}

#[test]
fn seats_cannot_be_squatted() {
    squatting().check_harmless();
}

/// The same with accounts that the attacker pays for runs that take an hour.
pub fn busy_squatting() -> Measured {
    let mut measured = None;
    run(|| {
        let sybils = seated(1);
        let payer = Party::new("payer", 100 * ASY);
        let all: Vec<&Party> = sybils.iter().chain([&payer]).collect();
        let before = wealth_of(&all);
        let now = System::block_number();
        let beats = sybils.iter().map(|sybil| heartbeat(&sybil.account(), &sybil.worker, now));
        block(beats.map(general).collect());
        let ids: Vec<_> = (0..MaxServers::get())
            .map(|number| {
                let (input, patience) = (integer_payload(&[2, 3]), MaxDeadline::get() - 1);
                let key = number as u8;
                payer.request(request_call(&input, Assurance::Signed, 1, patience, key))
            })
            .collect();
        go_to(System::block_number() + 3);
        assert!(ids.iter().all(|id| !record(*id).members.is_empty()), "all are busy");
        measured = Some(measure("all seats of a version taken and busy", &all, before));
    });
    measured.unwrap()
}

#[test]
fn seats_cannot_be_squatted_by_busy_operators() {
    busy_squatting().check_harmless();
}
