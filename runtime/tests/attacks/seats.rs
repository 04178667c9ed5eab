//! Attacks on the seats of a version: who may serve it.

use assay_primitives::{Balance, ASY};
use assay_runtime::constants::{MaxServers, MinBond};
use sp_runtime::Perbill;

use crate::{common::*, ledger::Measured, party::*};

/// Fills all seats of a version with accounts that never answer, and keeps them.
pub fn squatting() -> Measured {
    let mut measured = None;
    run(|| {
        publish_integers(Perbill::zero());
        let sybils: Vec<_> = (0..MaxServers::get())
            .map(|number| Party::new(&format!("sybil {number}"), 2 * MinBond::get()))
            .collect();
        let all: Vec<&Party> = sybils.iter().collect();
        let before = wealth_of(&all);
        for sybil in &sybils {
            sybil.submit(register(&sybil.account(), &sybil.worker, MinBond::get()));
            sybil.serve(1_000_000 * ASY, 1, both());
        }
        let honest = Party::new("honest", 20 * MinBond::get());
        honest.register(10 * MinBond::get());
        let refused = honest.include(serve_call(ASY, 1, both())).is_err();
        measured = Some(Measured {
            attack: "all seats of a version taken",
            capital: Balance::from(MaxServers::get()) * MinBond::get(),
            cost: lost(&all, before),
            harm: Balance::from(refused) * 10 * MinBond::get(),
            what: "honest bond kept out",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn seats_cannot_be_squatted() {
    squatting().check();
}
