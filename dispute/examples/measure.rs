//! Measures the last step of a dispute, natively, for the most expensive models.
//!
//! `cargo run --release -p assay-dispute --features worst-cases --example measure`

use assay_dispute::{worst, Answer, Claim};
use assay_graph::{Architecture, CheckedGraph, Plan};
use codec::Encode;
use std::time::Instant;

const ARCHITECTURE_BYTES: usize = 64 * 1024;

fn measure(name: &str, graph: &CheckedGraph, operation: usize) {
    let (stage, shown, answer) = worst::last_step(graph, operation);
    let Answer::Opening(opening) = &answer else { return };
    let architecture = graph.plan().architecture().encode();
    let runs = 20;
    let start = Instant::now();
    for _ in 0..runs {
        let architecture = Architecture::from_bytes(&architecture).expect("it was encoded above");
        let plan = Plan::new(architecture).expect("it belongs to a model");
        let claim = Claim { plan: &plan, trace_root: [0; 32], input: &[], output: &[] };
        stage.clone().answer(&claim, Some(&shown), &answer).expect("the opening is valid");
    }
    let each = start.elapsed().as_secs_f64() * 1000.0 / f64::from(runs);
    println!(
        "{name}: {} operations, opening of {} bytes: {each:.2} ms",
        graph.plan().operations().len(),
        opening.len()
    );
}

fn main() {
    measure("dense row of 2^15", &worst::dense(ARCHITECTURE_BYTES), 0);
    measure("1,024 windows of 32 single elements", &worst::column(ARCHITECTURE_BYTES), 0);
    for leaves in [64, 1024] {
        let name = format!("2 of each 64 bytes of {leaves} leaves");
        measure(&name, &worst::wide(leaves, ARCHITECTURE_BYTES), 2);
    }
}
