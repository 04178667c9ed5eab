//! ONNX files as the quantiser reads them.
#![no_main]

use assay_fuzz::seed;
use assay_quantizer::FloatModel;
use libfuzzer_sys::fuzz_target;

/// Valid files, and files with known defects.
fn seeds() -> Vec<Vec<u8>> {
    macro_rules! files {
        ($($name:literal)*) => {
            vec![$(include_bytes!(concat!("../../models/", $name, ".onnx")).to_vec()),*]
        };
    }
    files![
        "digits/digits" "breast-cancer/breast-cancer" "hostile/cyclic" "hostile/division-by-zero"
        "hostile/foreign-domain" "hostile/huge-initializer-claim" "hostile/memory-bomb-doubling"
        "hostile/missing-output" "hostile/negative-dims" "hostile/no-input"
        "hostile/overflow-dims" "hostile/raw-strings" "hostile/slow-scan" "hostile/unsupported-op"
        "hostile/wrapping-dim" "hostile/wrong-shape" "hostile/wrong-type"
    ]
}

fuzz_target!(init: seed(seeds()), |data: &[u8]| {
    match FloatModel::read(data) {
        Ok(model) => {
            assert!(!model.input().is_empty() && model.outputs() > 0);
            assert!(model.input_dims().iter().product::<usize>() > 0);
        },
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
