//! Writes the proofs that the benchmarks of `pallet-verification` verify, and what they are of.

use assay_pallet_testing::series;
use assay_primitives::ProofCost;
use codec::Encode;
use std::{fmt::Write, fs, path::Path};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pallet = Path::new(env!("CARGO_MANIFEST_DIR")).join("../verification");
    fs::create_dir_all(pallet.join("fixtures"))?;
    let mut figures = String::from(
        "//! Written by `cargo run --release --bin assay-proof-fixtures`, with the proofs.\n\n\
         use assay_primitives::ProofCost;\n",
    );
    for (name, what, graph) in series::all() {
        let (fixture, cost) = series::fixture(&graph);
        println!("{name}: a proof of {} bytes, {cost:?}", fixture.proof.len());
        let ProofCost { architecture_bytes, products, cells, hashes, openings, proof_bytes } = cost;
        writeln!(
            figures,
            "\n/// {what}\npub const {}: ProofCost = ProofCost {{\n    \
             architecture_bytes: {architecture_bytes},\n    products: {products},\n    \
             cells: {cells},\n    hashes: {hashes},\n    openings: {openings},\n    \
             proof_bytes: {proof_bytes},\n}};",
            name.to_uppercase()
        )?;
        fs::write(pallet.join("fixtures").join(format!("{name}.scale")), fixture.encode())?;
    }
    fs::write(pallet.join("src/cost/figures.rs"), figures)?;
    Ok(())
}
