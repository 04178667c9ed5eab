//! A fuzzer mode in which several parties try to profit.
//!
//! A coalition of operators, payers, challengers, a model owner and sometimes a validator plays random
//! moves of all families of attacks (`attacks/`) against honest parties, in real blocks of the whole
//! runtime. At the end everyone takes out what it can, and the accounts are compared with what each
//! party may have (`profit/accounts.rs`, [economics](../../docs/economics.md)). The seed determines a
//! run.
//!
//! * `ASSAY_PROFIT_SEEDS`: number of runs; `ASSAY_PROFIT_STEPS`: number of blocks of each before the
//!   last requests end.
//! * `ASSAY_PROFIT_SEED`: run only this seed.

mod common;
#[path = "profit/mod.rs"]
mod profit;

use profit::{Tally, World, ALWAYS_REFUSED, NEVER_REFUSED};

/// Default number of runs.
const SEEDS: u64 = 30;
/// Default number of blocks of each run.
const STEPS: u64 = 120;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

fn run(seed: u64, steps: u64, tally: &mut Tally) {
    common::run(|| {
        let mut world = World::new(seed);
        for step in 0..steps {
            world.step();
            if step.is_multiple_of(20) {
                common::check_all();
            }
        }
        let books = world.finish();
        let slack = world.slack(&books);
        println!(
            "seed {seed}: earned {}, taken {}, lost {}, slack {slack:?}",
            books.earned, books.taken, books.lost
        );
        for (name, (done, refused)) in &world.tally {
            let total = tally.entry(name).or_default();
            total.0 += done;
            total.1 += refused;
        }
    });
}

#[test]
fn no_coalition_profits() {
    let steps = setting("ASSAY_PROFIT_STEPS").unwrap_or(STEPS);
    let mut tally = Tally::new();
    if let Some(seed) = setting("ASSAY_PROFIT_SEED") {
        return run(seed, steps, &mut tally);
    }
    for seed in 0..setting("ASSAY_PROFIT_SEEDS").unwrap_or(SEEDS) {
        run(seed, steps, &mut tally);
    }
    for (name, (done, refused)) in &tally {
        println!("{done:6} done {refused:6} refused  {name}");
    }
    for name in ALWAYS_REFUSED {
        let (done, refused) = tally.get(name).copied().unwrap_or_default();
        assert_eq!(done, 0, "a move that no rule allows: {name}");
        assert!(refused > 0 || steps < STEPS, "never tried: {name}");
    }
    if std::env::var("ASSAY_PROFIT_SEEDS").is_ok() || steps < STEPS {
        return;
    }
    for (name, (done, refused)) in &tally {
        let is_checked = !ALWAYS_REFUSED.contains(name) && !name.starts_with("honest");
        let is_refused = *refused > 0 || NEVER_REFUSED.contains(name);
        assert!(!is_checked || *done > 0 && is_refused, "{name}: {done} done, {refused} refused");
    }
}
