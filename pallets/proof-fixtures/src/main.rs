//! Writes the proofs that the benchmarks of `pallet-verification` verify, and what they are of.

use assay_proof_fixtures::{graph, series};
use codec::Encode;
use std::{fmt::Write, fs, path::Path};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pallet = Path::new(env!("CARGO_MANIFEST_DIR")).join("../verification");
    fs::create_dir_all(pallet.join("fixtures"))?;
    let mut figures = String::from(
        "//! Written by `cargo run --release -p assay-proof-fixtures`, with the proofs.\n\n\
         use super::Figures;\n",
    );
    for (name, what, input, layers, parameters) in series::all() {
        let (fixture, cost) = series::fixture(&graph(input, &layers, &parameters));
        let (operations, steps, bytes) = (cost.operations, cost.steps, fixture.proof.len());
        println!("{name}: {operations} operations, {steps} steps, a proof of {bytes} bytes");
        writeln!(
            figures,
            "\n/// {what}\npub const {}: Figures = \
             Figures {{ operations: {operations}, steps: {steps}, proof_bytes: {bytes} }};",
            name.to_uppercase()
        )?;
        fs::write(pallet.join("fixtures").join(format!("{name}.scale")), fixture.encode())?;
    }
    fs::write(pallet.join("src/cost/figures.rs"), figures)?;
    Ok(())
}
