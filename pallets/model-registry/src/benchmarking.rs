//! Benchmarks of the calls.
