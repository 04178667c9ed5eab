//! Quantises the test models of the operators, and writes the integer models and their inputs into
//! a folder. `tests/make.py` runs them with a second implementation.
//!
//! `cargo run --release -p assay-quantizer --example operators FOLDER`

#[path = "../tests/support/mod.rs"]
mod support;

use assay_quantizer::{FloatModel, QuantizeOptions};
use std::{error::Error, fs, path::PathBuf};
use support::{arrays, data, npy};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: operators FOLDER")?);
    fs::create_dir_all(&folder)?;
    let all = arrays(data("operators.npz"));
    for name in all.keys().filter_map(|name| name.strip_suffix(".onnx")) {
        let model = FloatModel::read(&all[&format!("{name}.onnx")].bytes())?;
        let rows = &all[&format!("{name}.x")];
        let dataset = model.dataset(name, &npy(&rows.shape, &rows.values), None)?;
        let quantized = model.quantize(&dataset, &QuantizeOptions::default())?;
        let quantize = |row| quantized.convention().quantize(row);
        let inputs: Vec<u8> = rows.rows().flat_map(quantize).map(|value| value as u8).collect();
        fs::write(folder.join(format!("{name}.graph")), quantized.to_bytes())?;
        fs::write(folder.join(format!("{name}.input")), inputs)?;
    }
    Ok(())
}
