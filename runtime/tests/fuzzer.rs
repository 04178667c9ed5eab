//! A fuzzer of call sequences in the whole runtime, with an independent oracle.
//!
//! Eight accounts publish, operate, pay and dispute, with random calls that are mostly valid. The
//! seed determines a run. A model that is written from the protocol (`fuzz/oracle.rs`,
//! `fuzz/operators.rs`, `fuzz/requests.rs`, `fuzz/lists.rs`, `fuzz/draws.rs`, `fuzz/sweep.rs`,
//! `fuzz/room.rs`, `fuzz/disputes.rs`) predicts whether each call succeeds, and for each block who is
//! drawn, paid, refunded and slashed, what answers have filled of it, and which disputes end how.
//! After every call and every block, the free and held balances of every account must equal the
//! prediction, to the planck. After every step, the invariants of all pallets must hold.
//!
//! * `ASSAY_FUZZ_SEEDS`: number of random runs; `ASSAY_FUZZ_STEPS`: number of steps of each.
//! * `ASSAY_FUZZ_SEED`: run only this seed.
//! * `fuzz_seeds/seeds.txt`: seeds that every test runs.

mod common;
mod fuzz;

use std::collections::BTreeMap;

use fuzz::{
    driver::{Fuzz, DONE},
    oracle::Account,
};

/// Default number of random runs.
const SEEDS: u64 = 60;
/// Default number of steps of each run.
const STEPS: u64 = 480;
/// The first random seed. The seeds are the same each time, so only a larger number adds new runs.
const FIRST_SEED: u64 = 1_000;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// What the runs covered.
#[derive(Default)]
struct Seen {
    outcomes: BTreeMap<String, u32>,
    sights: BTreeMap<&'static str, u32>,
    /// Counts by call and verdict.
    calls: BTreeMap<(String, String), u32>,
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
        // At the end, all requests and disputes end. Only holds that an account can still claim
        // remain.
        fuzz.note("the end".into());
        fuzz.sleep(1);
        common::check_all();
        let is_settled = |account: &Account| account.escrow == 0 && account.dispute == 0;
        assert!(fuzz.oracle.accounts.values().all(is_settled));
        for (outcome, count) in &fuzz.outcomes {
            *seen.outcomes.entry(outcome.clone()).or_default() += count;
        }
        for (sight, count) in &fuzz.oracle.sights {
            *seen.sights.entry(sight).or_default() += count;
        }
        for (call, count) in &fuzz.calls {
            *seen.calls.entry(call.clone()).or_default() += count;
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
    for (sight, count) in &seen.sights {
        println!("{count:6}  {sight}");
    }
    for ((call, verdict), count) in &seen.calls {
        println!("{count:6}  {call}: {verdict}");
    }
    if std::env::var("ASSAY_FUZZ_SEEDS").is_ok() || steps < STEPS {
        return;
    }
    // Check that the runs cover enough.
    for outcome in [
        "signed Verified",
        "signed TimedOut",
        "signed Failed",
        "signed Cancelled",
        "quorum Verified",
        "quorum TimedOut",
        "quorum Failed",
        "quorum Rejected(NoAgreement)",
        "quorum Rejected(NoOperator)",
        "optimistic Verified",
        "optimistic TimedOut",
        "optimistic Failed",
        "optimistic Cancelled",
        "optimistic Rejected(Disputed)",
    ] {
        assert!(seen.outcomes.contains_key(outcome), "no request ended with {outcome}");
    }
    for sight in [
        "a challenger that falls silent",
        "a choice that was answered before",
        "a compensation of a tenth",
        "a compensation of the price",
        "a deadline that another dispute's answer extends",
        "a debt that stakes have to pay",
        "a dispute that another one decides",
        "a dispute that another one's tile decides",
        "a dispute that comes too late",
        "a dispute that its challenger cannot pay",
        "a dispute that outlasts the window",
        "a dispute that starts after the roots",
        "a draw that comes too late",
        "a draw that waits for randomness",
        "a last move that is not the operator's",
        "a leaf that a challenger names",
        "a commitment that could be wrong and is not opened",
        "a member that a proof shows to be wrong",
        "an operator with another result",
        "a wrong result without a dispute",
        "a move that does not follow from the claim",
        "a proof against a result",
        "a proof of a result",
        "a request that waits for capacity",
        "a right result without a dispute",
        "a result that survives its disputes",
        "a result within the tolerance",
        "a result within twice the tolerance",
        "a right output with a wrong trace",
        "a share below the existential deposit of a dead account",
        "a sweep of disputes that lags",
        "a tile that decides several disputes",
        "a tile that is as claimed",
        "a tile that is not as claimed",
        "a tile that was computed before",
        "an account that died",
        "an answer in several disputes",
        "an operator that disputes itself",
        "an operator that is silent in a dispute",
        "disputes that a proof decides at once",
        "more than one dispute over a result",
        "paid to oneself",
    ] {
        assert!(seen.sights.contains_key(sight), "not seen: {sight}");
    }
    for call in ["answer", "choose", "close", "open", "prove", "set_timing", "step"] {
        let is_it = |(other, _): &(String, String)| *other == format!("Disputes.{call}");
        assert!(seen.calls.keys().any(is_it), "never called: {call}");
    }
    for (call, _) in seen.calls.keys() {
        let is_it = |(other, _): &&(String, String)| call == other;
        let done = seen.calls.keys().filter(is_it).any(|(_, verdict)| verdict == DONE);
        let refused = seen.calls.keys().filter(is_it).any(|(_, verdict)| verdict != DONE);
        assert!(done && refused, "{call}: done {done}, refused {refused}");
    }
}
