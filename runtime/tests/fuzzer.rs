//! A fuzzer of call sequences in the whole runtime, with an independent oracle.
//!
//! Eight accounts publish, operate, pay and dispute, with random calls that are mostly valid. In some
//! runs there are enough operators besides to contest the seats of versions. The
//! seed determines a run. A model that is written from the protocol (`fuzz/oracle.rs`,
//! `fuzz/operators.rs`, `fuzz/seats.rs`, `fuzz/requests.rs`, `fuzz/lists.rs`, `fuzz/draws.rs`,
//! `fuzz/sweep.rs`, `fuzz/room.rs`, `fuzz/disputes.rs`) predicts whether each call succeeds, and for
//! each block who is drawn, paid, refunded and slashed, who loses a seat, what answers have filled of
//! it, and which disputes end how.
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
        common::check_within_block();
        for _ in 0..steps {
            fuzz.step();
            common::check_within_block();
        }
        // At the end, all requests and disputes end. Only holds that an account can still claim
        // remain.
        fuzz.note("the end".into());
        fuzz.sleep(1);
        common::check_within_block();
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
    check_coverage(&seen);
}

/// Outcomes, each with the class, of which there must be some.
const OUTCOMES: [&str; 19] = [
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
    "proof Verified",
    "proof TimedOut",
    "proof Failed",
    "proof Cancelled",
    "proof Rejected(InvalidProof)",
];

/// Cases that must occur at least [`OFTEN`] times.
const FREQUENT: &[&str] = &[
    "a batch that waits for another author",
    "a batch with items that are skipped",
    "a block with room of the same author",
    "a block without room for answers",
    "a block without room for moves",
    "a bond that other disputes have raised to three times its amount",
    "a challenger that falls silent",
    "a compensation of a tenth",
    "a compensation of the price",
    "a deadline that another dispute's answer extends",
    "a deadline that moves because blocks were full",
    "a dispute that another one decides",
    "a dispute that comes too late",
    "a dispute that its challenger cannot pay",
    "a dispute that outlasts the window",
    "a dispute that starts after the roots",
    "a draw that comes too late",
    "a draw that waits for another author",
    "a draw that waits for randomness",
    "a fee of all that was held for it",
    "a later draw",
    "a list for several payers",
    "a list that calls requests that wait",
    "a list with results that nothing waits for",
    "a member that a proof shows to be wrong",
    "a move that does not follow from the claim",
    "a move that gets more time because blocks were full",
    "a proof of a result",
    "a request that waits for capacity",
    "a proof of another request",
    "a proof that is refused",
    "a proof with a changed bit",
    "a result of an operator without a seat",
    "a result that survives its disputes",
    "a right proof",
    "a seat of an operator that has paused",
    "a seat of an operator with too little bond",
    "a seat that is lost with open runs",
    "a seat with the smallest bond",
    "a right result without a dispute",
    "a tile that is as claimed",
    "a tile that is not as claimed",
    "a window that blocks without room make longer",
    "a wrong result without a dispute",
    "an account that died",
    "an answer for which a block has no room",
    "an answer in a dispute with a raised bond",
    "an answer in several disputes",
    "an offer paused by failures",
    "an operator that disputes itself",
    "an operator that is silent in a dispute",
    "an operator with another result",
    "answers that cost a whole bond",
    "more than one dispute over a result",
    "paid to oneself",
    "too little bond with room for a quorum",
];
/// How often these must occur.
const OFTEN: u32 = 10;

/// Cases that must occur.
const RARE: &[&str] = &[
    "a bond that pays for answers in a void dispute",
    "a choice that was answered before",
    "a proof for another payer",
    "a proof of another operator",
    "a proof of another output",
    "a proof of the largest size",
    "a proof without its last byte",
    "a result of a former seat",
    "a seat of an operator that is silent",
    "a seat that nobody has to leave",
    "a share below the existential deposit of a dead account",
    "an empty proof",
    "an offer that is withdrawn while runs of a former one are open",
    "an operator that is late without its seat",
    "another seat with runs of a former one",
    "a commitment that could be wrong and is not opened",
    "a compensation that was held and is claimed",
    "a debt that stakes have to pay",
    "a dispute that another one's tile decides",
    "a last move that is not the operator's",
    "a leaf that a challenger names",
    "a proof against a result",
    "a request that is called after others took the capacity",
    "a dispute whose bond is above its challenger's limit",
    "a move for which a block has no room",
    "a request that is called because another one waits in vain",
    "a draw in vain that calls nobody",
    "a request that is drawn after it has waited long",
    "a request that rests until its deadline",
    "reveals that leave less time than the deadline",
    "a request that is drawn after it has rested",
    "a result within the tolerance",
    "a result within twice the tolerance",
    "a right output with a wrong trace",
    "a sweep of disputes that lags",
    "a sweep that lags",
    "a tile that decides several disputes",
    "a time for appeals that moves because blocks were full",
    "a tile that was computed before",
    "disputes that a proof decides at once",
];

/// Refusals of workers' calls that must occur.
const REFUSALS: &[(&str, &str)] = &[
    ("Inference.submit_results", "Invalid(BadProof)"),
    ("Inference.submit_results", "Invalid(ExhaustsResources)"),
    // NOT_ASSIGNED, WRONG_OUTPUT, NOT_A_LIST, NOT_AWAITED.
    ("Inference.submit_results", "Invalid(Custom(11))"),
    ("Inference.submit_results", "Invalid(Custom(16))"),
    ("Inference.submit_results", "Invalid(Custom(18))"),
    ("Inference.submit_results", "Invalid(Custom(19))"),
    // NOT_ASSIGNED, WRONG_PHASE, TOO_LATE, WRONG_OUTPUT, WRONG_COST.
    ("Inference.submit_proof", "Invalid(BadProof)"),
    ("Inference.submit_proof", "Invalid(ExhaustsResources)"),
    ("Inference.submit_proof", "Invalid(Custom(11))"),
    ("Inference.submit_proof", "Invalid(Custom(12))"),
    ("Inference.submit_proof", "Invalid(Custom(13))"),
    ("Inference.submit_proof", "Invalid(Custom(16))"),
    ("Inference.submit_proof", "Invalid(Custom(17))"),
    ("Inference.submit_result", "Invalid(ExhaustsResources)"),
    ("Inference.submit_commitment", "Invalid(ExhaustsResources)"),
    ("Inference.submit_reveal", "Invalid(ExhaustsResources)"),
    ("Inference.submit_trace", "Invalid(ExhaustsResources)"),
];

/// Checks that the runs cover enough.
fn check_coverage(seen: &Seen) {
    for outcome in OUTCOMES {
        assert!(seen.outcomes.contains_key(outcome), "no request ended with {outcome}");
    }
    let often = FREQUENT.iter().map(|sight| (sight, OFTEN));
    for (sight, least) in often.chain(RARE.iter().map(|sight| (sight, 1))) {
        let count = seen.sights.get(sight).copied().unwrap_or_default();
        assert!(count >= least, "seen {count} times: {sight}");
    }
    for (call, verdict) in REFUSALS {
        let refusal = ((*call).to_owned(), (*verdict).to_owned());
        assert!(seen.calls.contains_key(&refusal), "{call} was never refused as {verdict}");
    }
    let called = |name: &str| seen.calls.keys().any(|(call, _)| call == name);
    for call in ["answer", "choose", "close", "open", "prove", "set_timing", "step"] {
        assert!(called(&format!("Disputes.{call}")), "never called: {call}");
    }
    for call in ["appeal", "request_batch", "submit_results"] {
        assert!(called(&format!("Inference.{call}")), "never called: {call}");
    }
    for (call, _) in seen.calls.keys() {
        let is_it = |(other, _): &&(String, String)| call == other;
        let done = seen.calls.keys().filter(is_it).any(|(_, verdict)| verdict == DONE);
        let refused = seen.calls.keys().filter(is_it).any(|(_, verdict)| verdict != DONE);
        assert!(done && refused, "{call}: done {done}, refused {refused}");
    }
}
