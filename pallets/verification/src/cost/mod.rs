//! What a verification takes, from measurements of proofs that are costly in one way each.
//!
//! The weight is linear in the counts of [`ProofCost`], but for the bytes of the proof, which cost
//! what is done with them: hashes and products. For each count there is a proof that is mostly of it;
//! what one of each costs solves the equations that these proofs are.
//!
//! The proofs are files, made by `cargo run --release --bin assay-proof-fixtures`, which has to be
//! run again when the proof system changes. A test verifies them.

use assay_primitives::ProofCost;
use frame_support::weights::Weight;

use crate::WeightInfo;

/// What the measured proofs are of.
pub mod figures;

/// The counts that have a price.
const COUNTS: usize = 5;
/// The count of products among them.
const PRODUCTS: usize = 0;
/// Bits after the point of a time for one of a count, in picoseconds.
const FRACTION: u32 = 20;
/// Rounds that solve the equations, each count in turn. What they leave is added to the weight.
const ROUNDS: usize = 24;

/// The counts above those of the small proof.
fn above(cost: &ProofCost) -> [i128; COUNTS] {
    let counts = |cost: &ProofCost| -> [u32; COUNTS] {
        let ProofCost { architecture_bytes, products, cells, hashes, openings, proof_bytes: _ } =
            *cost;
        [products, cells, hashes, openings, architecture_bytes]
    };
    let (counts, small) = (counts(cost), counts(&figures::SMALL));
    core::array::from_fn(|k| counts[k].saturating_sub(small[k]).into())
}

/// What so many take if one of each takes so long, with the fraction.
fn time(units: &[i128; COUNTS], counts: &[i128; COUNTS]) -> i128 {
    units.iter().zip(counts).map(|(unit, count)| unit * count).sum()
}

/// What one of each count takes, from proofs of which the one at `k` is mostly of count `k`, and what
/// they take more than the small one. Every one of these takes at most what is charged for it, and so
/// does `other`.
fn units(
    measured: &[([i128; COUNTS], i128); COUNTS],
    other: &([i128; COUNTS], i128),
) -> [i128; COUNTS] {
    let mut units = [0; COUNTS];
    for round in 0..=ROUNDS {
        for (k, (counts, extra)) in measured.iter().enumerate() {
            let own = counts[k].max(1);
            let missing = (extra << FRACTION) - time(&units, counts);
            // The last round takes nothing away.
            if round < ROUNDS || missing > 0 {
                units[k] = (units[k] + missing.div_euclid(own) + 1).max(0);
            }
        }
    }
    let (counts, extra) = other;
    let missing = ((extra << FRACTION) - time(&units, counts)).max(0);
    units[PRODUCTS] += missing / counts[PRODUCTS].max(1) + 1;
    units
}

/// The part that is charged on top, for what the counts do not tell apart (shapes whose products are in
/// shorter loops, caches) and for what the measurement leaves out: a call in a block begins with
/// memory that was not touched yet. A product takes a twentieth more there, an opening a tenth, a hash
/// a third, as `assay-bench costs` prints.
const MARGIN: u64 = 3;

/// What a verification takes at most: that of the small proof, for each count what it has more, and a
/// [`MARGIN`]th of both.
pub fn weight<W: WeightInfo>(cost: ProofCost) -> Weight {
    use figures::{DEEP, HASHED, READ, TALL, VALUES, WIDE};
    let small = W::verify_small();
    let extra = |(of, weight): (ProofCost, Weight)| {
        (above(&of), i128::from(weight.saturating_sub(small).ref_time()))
    };
    let measured = [
        (WIDE, W::verify_wide()),
        (READ, W::verify_read()),
        (HASHED, W::verify_hashed()),
        (DEEP, W::verify_deep()),
        (TALL, W::verify_tall()),
    ]
    .map(extra);
    let units = units(&measured, &extra((VALUES, W::verify_values())));
    let more = time(&units, &above(&cost)) >> FRACTION;
    let more = u64::try_from(more.saturating_add(1)).unwrap_or(u64::MAX);
    // Nothing is read from storage here.
    let whole = small.saturating_add(Weight::from_parts(more, 0));
    whole.saturating_add(whole / MARGIN)
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
    /// What the weights come to.
    pub weights: assay_primitives::WeightsFingerprint,
    /// The proof.
    pub proof: alloc::vec::Vec<u8>,
}

#[cfg(any(test, feature = "runtime-benchmarks"))]
impl Fixture {
    /// The small proof.
    pub fn small() -> Self {
        Self::read(include_bytes!("../../fixtures/small.scale"))
    }

    /// That of many products.
    pub fn wide() -> Self {
        Self::read(include_bytes!("../../fixtures/wide.scale"))
    }

    /// That of many readers of a large input.
    pub fn read_input() -> Self {
        Self::read(include_bytes!("../../fixtures/read.scale"))
    }

    /// That of many hashes.
    pub fn hashed() -> Self {
        Self::read(include_bytes!("../../fixtures/hashed.scale"))
    }

    /// That of many openings.
    pub fn deep() -> Self {
        Self::read(include_bytes!("../../fixtures/deep.scale"))
    }

    /// That of many values.
    pub fn values() -> Self {
        Self::read(include_bytes!("../../fixtures/values.scale"))
    }

    /// That of a long architecture.
    pub fn tall() -> Self {
        Self::read(include_bytes!("../../fixtures/tall.scale"))
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
        crate::proof::verify(&self.architecture, &statement, self.weights, &self.proof)
    }
}
