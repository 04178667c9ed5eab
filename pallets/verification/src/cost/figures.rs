//! Written by `cargo run --release --bin assay-proof-fixtures`, with the proofs.

use assay_primitives::ProofCost;

/// A small proof.
pub const SMALL: ProofCost = ProofCost {
    architecture_bytes: 221,
    products: 10663,
    cells: 48,
    hashes: 1500,
    openings: 12,
    proof_bytes: 53000,
};

/// Many products.
pub const WIDE: ProofCost = ProofCost {
    architecture_bytes: 202,
    products: 90992,
    cells: 16512,
    hashes: 4795,
    openings: 7,
    proof_bytes: 153000,
};

/// Many readers of a large input.
pub const READ: ProofCost = ProofCost {
    architecture_bytes: 878,
    products: 52004,
    cells: 783361,
    hashes: 3932,
    openings: 95,
    proof_bytes: 81780,
};

/// Many hashes.
pub const HASHED: ProofCost = ProofCost {
    architecture_bytes: 221,
    products: 15823,
    cells: 48,
    hashes: 4176,
    openings: 12,
    proof_bytes: 136844,
};

/// Many openings.
pub const DEEP: ProofCost = ProofCost {
    architecture_bytes: 2716,
    products: 94216,
    cells: 14,
    hashes: 7660,
    openings: 602,
    proof_bytes: 151280,
};

/// Many values.
pub const VALUES: ProofCost = ProofCost {
    architecture_bytes: 1022,
    products: 159156,
    cells: 128,
    hashes: 6724,
    openings: 141,
    proof_bytes: 247840,
};

/// A long architecture.
pub const TALL: ProofCost = ProofCost {
    architecture_bytes: 65696,
    products: 103368,
    cells: 3,
    hashes: 5411,
    openings: 12,
    proof_bytes: 177172,
};
