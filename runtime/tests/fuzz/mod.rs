//! The parts of the fuzzer.

pub mod actions;
pub mod asking;
mod batches;
pub mod claims;
pub mod disputes;
pub mod disputing;
pub mod draws;
pub mod driver;
mod extremes;
pub mod lists;
pub mod operators;
pub mod oracle;
pub mod proofs;
pub mod publishing;
pub mod requests;
pub mod room;
pub mod seats;
mod shares;
mod sweep;

pub use crate::common::rng;
