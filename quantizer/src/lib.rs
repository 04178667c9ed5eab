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

pub use calibrate::Method;
pub use data::Dataset;
pub use error::{Error, Place};
pub use evaluate::Evaluation;
pub use model::{Convention, Model, Options, ProofSupport, Quantized};
pub use report::{Declaration, OperationReport, Preprocessing, Report, TensorDeclaration};
pub use scale::{multipliers, scale_value, to_int8};
