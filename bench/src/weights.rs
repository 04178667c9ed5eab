//! What the generated weights say: the cost of assignment, and how much of a block the calls of
//! one request take.

use assay_runtime::{
    weights::pallet_inference::WeightInfo, Inference, Runtime, MAXIMUM_BLOCK_WEIGHT,
};
use pallet_inference::WeightInfo as _;

use crate::report::Report;

/// Bytes of the digits model's input and output payloads.
const INPUT_BYTES: u32 = 268;
const OUTPUT_BYTES: u32 = 52;

pub fn bench(report: &mut Report) {
    let micros = |picoseconds: u64| picoseconds as f64 / 1e6;
    type Weights = WeightInfo<Runtime>;
    for candidates in [1, 8, 16, 32] {
        let weight = Weights::draw(candidates).ref_time();
        report.add(
            "weights",
            format!("draw of 15 among {candidates} candidates"),
            micros(weight),
            "µs",
        );
    }
    let slope = (Weights::draw(32).ref_time() as f64 - Weights::draw(1).ref_time() as f64) / 31.0;
    report.add(
        "weights",
        "slope of a draw per candidate, of which there are at most 32",
        slope / 1e6,
        "µs",
    );
    report.add(
        "weights",
        "draws per block at most",
        f64::from(Inference::draws_per_block()),
        "requests",
    );

    let request = Weights::request(INPUT_BYTES).ref_time();
    let result = Weights::submit_result(OUTPUT_BYTES).ref_time()
        + Weights::authorize_result(OUTPUT_BYTES).ref_time();
    report.add("weights", "request, digits model", micros(request), "µs");
    report.add(
        "weights",
        "signed result with its authorization, digits model",
        micros(result),
        "µs",
    );
    let block = MAXIMUM_BLOCK_WEIGHT.ref_time() as f64;
    report.add(
        "weights",
        "share of a block that one signed request takes",
        (request + result) as f64 / block * 100.0,
        "%",
    );
}
