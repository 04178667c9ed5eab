//! Benchmarks of the calls.
#![cfg(feature = "runtime-benchmarks")]
