//! The parts of the fuzzer.

pub mod actions;
pub mod asking;
pub mod claims;
pub mod disputes;
pub mod disputing;
pub mod driver;
mod fees;
pub mod operators;
pub mod oracle;
pub mod publishing;
pub mod requests;

pub use crate::common::rng;
