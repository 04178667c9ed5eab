#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod bounds;
pub mod check;
pub mod commit;
pub mod error;
#[cfg(feature = "std")]
pub mod fast;
pub mod format;
pub mod interpret;
mod interval;
pub mod kind;
pub mod list;
pub mod merkle;
pub mod plan;
#[cfg(feature = "random")]
pub mod random;
pub mod requantize;
pub mod tensor;
pub mod tile;
mod window;

pub use check::CheckedGraph;
pub use error::{CheckError, Problem};
pub use format::{
    Architecture, Commitments, DecodeError, Digest, ElementType, Extent, FormatVersion, Graph,
    Operation, Padding, Parameters, Scale, Shape, TensorId, Weights, Window,
};
pub use interpret::{RunError, Trace};
pub use interval::Interval;
pub use kind::{
    Add, Constraint, Conv2d, Dense, Element, Lookup, MaxPool2d, Requantize, Reshape, SumPool2d,
};
pub use list::List;
pub use plan::{ParameterShape, Plan};
pub use requantize::{requantize, Clamp, Multiplier, Requantized, Shift};
pub use tensor::Tensor;
