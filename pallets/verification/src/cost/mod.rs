//! What a verification takes, from measurements of proofs that are costly in one way each.
//!
//! The proofs are files, made by `cargo run --release -p assay-proof-fixtures`, which has to be
//! run again when the proof system changes. A test verifies them.

use assay_primitives::ProofCost;
use frame_support::weights::Weight;

use crate::WeightInfo;

/// What the measured proofs are of.
pub mod figures;

/// What a measured verification was of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Figures {
    /// [`ProofCost::operations`].
    pub operations: u32,
    /// [`ProofCost::steps`].
    pub steps: u32,
    /// Bytes of the proof.
    pub proof_bytes: u32,
}

/// `extra` for each of `of` above `from`, rounded up, where `extra` is what `to - from` cost.
fn share(extra: Weight, of: u32, from: u32, to: u32) -> Weight {
    let span = u64::from(to.saturating_sub(from)).max(1);
    extra
        .saturating_mul(of.saturating_sub(from).into())
        .saturating_add(Weight::from_parts(span.saturating_sub(1), span.saturating_sub(1)))
        / span
}

/// What a verification takes at most: that of the small proof, and for each operation, step and
/// byte that this one has more, what one costs at the costliest.
pub fn weight<W: WeightInfo>(cost: ProofCost, proof_bytes: u32) -> Weight {
    use figures::{DEEP, LONG, SMALL, WIDE};
    let small = W::verify_small();
    let more = |weight: Weight| weight.saturating_sub(small);
    small
        .saturating_add(share(
            more(W::verify_deep()),
            cost.operations,
            SMALL.operations,
            DEEP.operations,
        ))
        .saturating_add(share(more(W::verify_wide()), cost.steps, SMALL.steps, WIDE.steps))
        .saturating_add(share(
            more(W::verify_long()),
            proof_bytes,
            SMALL.proof_bytes,
            LONG.proof_bytes,
        ))
}

/// A proof with everything that it is of.
#[cfg(any(test, feature = "runtime-benchmarks"))]
#[derive(codec::Decode)]
pub struct Fixture {
    /// The encoded architecture.
    pub architecture: alloc::vec::Vec<u8>,
    /// The input's data.
    pub input: alloc::vec::Vec<u8>,
    /// The output's data.
    pub output: alloc::vec::Vec<u8>,
    /// The proof.
    pub proof: alloc::vec::Vec<u8>,
}

#[cfg(any(test, feature = "runtime-benchmarks"))]
impl Fixture {
    /// The small proof.
    pub fn small() -> Self {
        Self::read(include_bytes!("../../fixtures/small.scale"))
    }

    /// That of many operations.
    pub fn deep() -> Self {
        Self::read(include_bytes!("../../fixtures/deep.scale"))
    }

    /// That of many steps.
    pub fn wide() -> Self {
        Self::read(include_bytes!("../../fixtures/wide.scale"))
    }

    /// The long one.
    pub fn long() -> Self {
        Self::read(include_bytes!("../../fixtures/long.scale"))
    }

    fn read(mut bytes: &[u8]) -> Self {
        codec::DecodeAll::decode_all(&mut bytes).expect("the files are of this type")
    }

    /// Whether the proof holds.
    pub fn verify(&self) -> Result<(), assay_primitives::traits::ProofFailure> {
        let statement = assay_proof::Statement {
            context: assay_proof::Context {
                genesis: [1; 32],
                domain: assay_primitives::proof::PROOF_DOMAIN,
                request: &[2; 8],
                requester: [3; 32],
                operator: [4; 32],
            },
            input: &self.input,
            output: &self.output,
        };
        crate::proof::verify(&self.architecture, &statement, &self.proof).map(drop)
    }
}
