//! Prints the cost of proofs of the bundled integer models on this machine.
//!
//! `cargo run --release -p assay-quantizer --example prove [MODEL …]`

use assay_graph::{CheckedGraph, Graph};
use assay_proof::{Context, Prover, Statement, Verifier};
use std::{
    error::Error,
    fs,
    path::Path,
    time::{Duration, Instant},
};

const MODELS: [&str; 5] =
    ["digits", "breast-cancer", "digits-mlp", "digits-28-mlp", "digits-32-conv"];
const CONTEXT: Context<'static> = Context {
    genesis: [1; 32],
    domain: b"measure",
    request: &[1],
    requester: [2; 32],
    operator: [3; 32],
};
/// Number of proofs per model, each for a different input.
const PROOFS: usize = 7;

fn timed<T>(times: &mut Vec<Duration>, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    times.push(start.elapsed());
    result
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<&str> = match given.is_empty() {
        true => MODELS.to_vec(),
        false => given.iter().map(String::as_str).collect(),
    };
    println!("model            setup ms  prove ms  verify ms    proof B  soundness");
    for name in names {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(name);
        let graph = Graph::from_bytes(&fs::read(folder.join(format!("{name}.graph")))?)?;
        let graph = CheckedGraph::new(graph)?;
        let elements = graph.plan().shapes()[0].elements().unwrap_or(0);
        let (mut setup, mut proving, mut verifying, mut bytes) = (vec![], vec![], vec![], 0);
        let prover = timed(&mut setup, || Prover::new(&graph))?;
        let verifier = Verifier::new(graph.plan())?;
        for row in 0..PROOFS {
            // Arbitrary bytes.
            let input: Vec<u8> = (0..elements).map(|k| ((k * k + 31 * row) % 128) as u8).collect();
            let proven = timed(&mut proving, || prover.prove(&CONTEXT, &input))?;
            let statement = Statement { context: CONTEXT, input: &input, output: &proven.output };
            timed(&mut verifying, || {
                verifier.verify(&statement, prover.fingerprint(), &proven.proof)
            })?;
            bytes = bytes.max(proven.proof.len());
        }
        println!(
            "{name:16} {:8.0} {:9.0} {:10.2} {bytes:10}  {:.1}",
            median(&mut setup),
            median(&mut proving),
            median(&mut verifying),
            verifier.security_bits()
        );
    }
    Ok(())
}
