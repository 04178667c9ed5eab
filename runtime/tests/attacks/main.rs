//! The ledger of attacks. Each test carries an attack out on the whole runtime, with real blocks
//! and transactions, and prints what it needed, cost and did. It fails if the attack pays, and where
//! nobody must be harmed at all, if anybody is.
//!
//! One file per family. `docs/economics.md` has the table of all of them, which a test compares.
//! With `ASSAY_UPDATE_ECONOMICS=1` the test writes the table instead.

#[path = "../common/mod.rs"]
mod common;
#[path = "../governance/steps.rs"]
mod steps;

mod artifacts;
mod bonds;
mod disputes;
mod draws;
mod governance;
mod ledger;
mod lists;
mod money;
mod quorums;
mod reports;
mod room;
mod seats;
mod statements;
mod sweeps;
mod validators;

use common::party;
use ledger::Measured;

/// All attacks, in the order of the table.
fn all() -> Vec<Measured> {
    vec![
        bonds::evacuation(),
        bonds::many_lies(),
        bonds::unbonding_liar(),
        bonds::self_dealing(),
        quorums::majority(),
        quorums::majority_over_a_provable_model(),
        quorums::near_tie(),
        quorums::silence(),
        quorums::copied_commitment(),
        quorums::rotation(),
        quorums::buried_appeal(),
        quorums::silent_author(),
        disputes::buried(),
        disputes::buried_results(),
        disputes::crowded_by_moves(),
        disputes::raised_bond(),
        disputes::sham_disputes(),
        disputes::own_challenger(),
        disputes::race_at_the_end(),
        room::long_answers(),
        room::hoarded_answers(),
        room::failure_reports(),
        room::cheapest_calls(),
        room::crowded_reveals(),
        room::crowded_deadline(),
        lists::ended_results(),
        lists::refused_items(),
        seats::squatting(),
        seats::busy_squatting(),
        draws::grinding(),
        draws::crowding_out(),
        draws::weighing(),
        sweeps::waiting_quorums(),
        sweeps::early_commitments(),
        statements::replayed_commitment(),
        statements::replayed_failure_report(),
        money::raised_royalty(),
        money::dust(),
        artifacts::occupied_identity(),
        artifacts::cut_audit(),
        governance::drained_treasury(),
        governance::many_small_payments(),
        governance::crowded_agenda(),
        governance::closed_tracks(),
        governance::crowded_fast_tracks(),
        governance::votes_paid_to_oneself(),
        governance::escrows_that_vote(),
        reports::repeated_reports(),
        reports::replaced_keys(),
        reports::small_offences(),
        validators::removed_keys(),
    ]
}

#[test]
fn the_document_has_the_table() {
    ledger::compare(&all(), "../docs/economics.md");
}
