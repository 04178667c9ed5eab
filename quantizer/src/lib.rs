#![doc = include_str!("../README.md")]

mod calibrate;
mod data;
mod error;
mod evaluate;
mod float;
mod import;
mod lower;
mod model;
mod onnx;
mod report;
mod scale;
mod simplify;
mod window;

pub use calibrate::CalibrationMethod;
pub use data::Dataset;
pub use error::{Error, OnnxLocation};
pub use evaluate::Evaluation;
pub use model::{Convention, FloatModel, ProofSupport, QuantizeOptions, Quantized};
pub use report::{
    DeclarationFile, DeclaredTensor, OperationReport, Preprocessing, QuantizationReport,
};
pub use scale::{multipliers, scale_value, to_int8};
