//! A fuzzer of call sequences over the whole runtime, with an oracle of its own.
//!
//! Eight accounts publish, operate and pay: at random, mostly validly, from a seed. A model
//! written from the protocol (`fuzz/oracle.rs`, `fuzz/requests.rs`) predicts of each call
//! whether it succeeds, and of each block who is drawn, paid, refunded and slashed. After every
//! call and every block the money of every account, free and held, must be what the model says,
//! to the planck; after every step the invariants of all pallets must hold.
//!
//! * `ASSAY_FUZZ_SEEDS`: how many random runs; `ASSAY_FUZZ_STEPS`: how many steps each.
//! * `ASSAY_FUZZ_SEED`: one run with this seed, and nothing else.
//! * `fuzz_seeds/seeds.txt`: seeds that are always run.

mod common;
mod fuzz;

use std::collections::BTreeMap;

use fuzz::driver::Fuzz;

/// Random runs where nothing else is said.
const SEEDS: u64 = 6;
/// Steps of each run where nothing else is said.
const STEPS: u64 = 400;
/// The first of the random seeds. The runs are the same each time; more of them are new ones.
const FIRST_SEED: u64 = 1_000;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// What was seen in a number of runs.
#[derive(Default)]
struct Seen {
    outcomes: BTreeMap<String, u32>,
    calls: BTreeMap<String, (u32, u32)>,
}

fn run(seed: u64, steps: u64, seen: &mut Seen) {
    common::genesis_externalities().execute_with(|| {
        let mut fuzz = Fuzz::new(seed);
        fuzz.prepare();
        common::check_all();
        for _ in 0..steps {
            fuzz.step();
            common::check_all();
        }
        // In the end everything ends, and what is held is what somebody still has a claim to.
        fuzz.note("the end".into());
        fuzz.sleep(1);
        common::check_all();
        assert!(fuzz.oracle.accounts.values().all(|account| account.escrow == 0));
        for (outcome, count) in &fuzz.outcomes {
            *seen.outcomes.entry(outcome.clone()).or_default() += count;
        }
        for (call, (done, refused)) in &fuzz.calls {
            let counts = seen.calls.entry(call.clone()).or_default();
            counts.0 += done;
            counts.1 += refused;
        }
    });
}

fn kept_seeds() -> Vec<u64> {
    include_str!("fuzz_seeds/seeds.txt")
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.parse().expect("a seed is a number"))
        .collect()
}

#[test]
fn the_chain_does_what_the_model_says() {
    let steps = setting("ASSAY_FUZZ_STEPS").unwrap_or(STEPS);
    let mut seen = Seen::default();
    if let Some(seed) = setting("ASSAY_FUZZ_SEED") {
        return run(seed, steps, &mut seen);
    }
    let random = FIRST_SEED..FIRST_SEED + setting("ASSAY_FUZZ_SEEDS").unwrap_or(SEEDS);
    for seed in kept_seeds().into_iter().chain(random) {
        run(seed, steps, &mut seen);
    }
    for (outcome, count) in &seen.outcomes {
        println!("{count:6}  {outcome}");
    }
    for (call, (done, refused)) in &seen.calls {
        println!("{done:6} done {refused:6} refused  {call}");
    }
    // A fuzzer that does nothing finds nothing.
    for outcome in [
        "signed Verified",
        "signed TimedOut",
        "signed Failed",
        "signed Cancelled",
        "quorum Verified",
        "quorum TimedOut",
        "quorum Failed",
        "quorum Rejected(NoAgreement)",
    ] {
        assert!(seen.outcomes.contains_key(outcome), "no request ended so: {outcome}");
    }
    for (call, (done, refused)) in &seen.calls {
        assert!(*done > 0 && *refused > 0, "{call}: {done} done, {refused} refused");
    }
}
