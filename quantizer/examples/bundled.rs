//! Quantises the bundled models again, and writes the integer models next to their ONNX files.
//!
//! `cargo run --release -p assay-quantizer --example bundled`

use assay_quantizer::{CalibrationMethod, FloatModel, QuantizeOptions};
use std::{error::Error, fs, path::Path, time::Instant};

const MODELS: [&str; 5] =
    ["digits", "breast-cancer", "digits-mlp", "digits-28-mlp", "digits-32-conv"];

fn main() -> Result<(), Box<dyn Error>> {
    for name in MODELS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models").join(name);
        let model = FloatModel::read(&fs::read(folder.join(format!("{name}.onnx")))?)?;
        let rows = |file: &str| -> Result<_, Box<dyn Error>> {
            Ok(model.dataset(file, &fs::read(folder.join(file))?, None)?)
        };
        let (calibration, test) = (rows("calibration.npz")?, rows("test.npz")?);
        for method in [CalibrationMethod::Greatest, CalibrationMethod::SquaredError] {
            let start = Instant::now();
            let quantized = model.quantize(&calibration, &QuantizeOptions { method })?;
            let evaluation = quantized.evaluate(&model, &test)?;
            println!("{name}, {method:?}, {:.1} s: {evaluation:?}", start.elapsed().as_secs_f64());
            if method == CalibrationMethod::default() {
                fs::write(folder.join(format!("{name}.graph")), quantized.to_bytes())?;
                let declaration = serde_json::to_string_pretty(&quantized.declaration(&model))?;
                fs::write(folder.join(format!("{name}.graph.json")), declaration + "\n")?;
                println!("{}", serde_json::to_string(&quantized.report(&model))?);
            }
        }
    }
    Ok(())
}
