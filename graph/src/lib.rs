//! Integer models: what one is, when it may be published, and what it computes, to the bit.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod bounds;
pub mod format;
pub mod list;
pub mod requantize;

pub use format::{
    Architecture, Commitments, DecodeError, Digest, ElementType, Extent, FormatVersion, Graph,
    Operation, Padding, Parameters, Scale, Shape, TensorId, Weights, Window,
};
pub use list::List;
pub use requantize::{requantize, Clamp, Multiplier, Requantized, Shift};
