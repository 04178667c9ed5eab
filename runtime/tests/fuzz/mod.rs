//! The parts of the fuzzer.

pub mod actions;
pub mod asking;
pub mod driver;
pub mod oracle;
pub mod requests;
pub mod rng;
