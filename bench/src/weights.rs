//! Figures from the generated weights: the cost of draws, and the share of a block that the calls
//! of one request take.

use assay_runtime::{weights::pallet_inference::WeightInfo, Inference, Runtime};
use pallet_inference::WeightInfo as _;

use crate::{report::Report, shares};

/// Sizes of the digits model's input and output payloads in bytes.
const INPUT_BYTES: u32 = 268;
const OUTPUT_BYTES: u32 = 52;

pub fn bench(report: &mut Report) {
    let micros = |picoseconds: u64| picoseconds as f64 / 1e6;
    type Weights = WeightInfo<Runtime>;
    for (members, candidates) in [(1, 1), (1, 8), (1, 32), (15, 15), (15, 32)] {
        let weight = Weights::draw_of(candidates, members).ref_time();
        report.add(
            "weights",
            format!("draw of {members} among {candidates} operators of the version"),
            micros(weight),
            "µs",
        );
    }
    let slope =
        (Weights::draw_of(32, 1).ref_time() - Weights::draw_of(1, 1).ref_time()) as f64 / 31.0;
    report.add(
        "weights",
        "additional weight of a draw per operator of the version (at most 32)",
        slope / 1e6,
        "µs",
    );
    report.add(
        "weights",
        "draws per block, committees of 15 among 32",
        f64::from(Inference::draws_per_block()),
        "requests",
    );
    let budget = <Runtime as pallet_inference::Config>::DrawBudget::get().ref_time();
    report.add(
        "weights",
        "draws per block, one operator among 4",
        (budget / Weights::draw_of(4, 1).ref_time()) as f64,
        "requests",
    );

    let request = Weights::request(INPUT_BYTES, 1).ref_time();
    let result = Weights::submit_result(OUTPUT_BYTES).ref_time()
        + Weights::authorize_result(OUTPUT_BYTES).ref_time();
    report.add("weights", "request, digits model, first operator free", micros(request), "µs");
    report.add(
        "weights",
        "signed result with its authorization, digits model",
        micros(result),
        "µs",
    );
    shares::report(report, "weights");
}
