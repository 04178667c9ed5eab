//! Written by `cargo run --release -p assay-proof-fixtures`, with the proofs.

use super::Figures;

/// A small proof.
pub const SMALL: Figures = Figures { operations: 3, steps: 86, proof_bytes: 54796 };

/// Many operations.
pub const DEEP: Figures = Figures { operations: 46, steps: 5504, proof_bytes: 244416 };

/// Many steps.
pub const WIDE: Figures = Figures { operations: 2, steps: 33992, proof_bytes: 147432 };

/// A small model with a long proof.
pub const LONG: Figures = Figures { operations: 3, steps: 86, proof_bytes: 81808 };
