//! The weight of verifying a proof, computed from measurements of several proofs.
//!
//! The weight is linear in the counts of [`ProofCost`] other than the bytes of the proof: these
//! cost only hashes and products, which are counted. For each count there is a measured proof that
//! it dominates. The factors solve the linear equations that the measured proofs give; see
//! docs/adr/0021.
//!
//! The proofs are files, made by `cargo run --release --bin assay-proof-fixtures`. Run it again
//! after a change of the proof system. A test verifies the proofs.

use assay_primitives::ProofCost;
use frame_support::weights::Weight;

use crate::WeightInfo;

/// The counts of the measured proofs.
pub mod figures;

/// Number of counts that have a factor.
const COUNTS: usize = 5;
/// Index of the count of products.
const PRODUCTS: usize = 0;
/// Fractional bits of the factors, which are in picoseconds.
const FRACTION: u32 = 20;
/// Number of iterations that solve the equations, one count after the other. The error that remains
/// is added to the factors.
const ROUNDS: usize = 24;

/// The excess of the counts over those of the small proof.
fn above(cost: &ProofCost) -> [i128; COUNTS] {
    let counts = |cost: &ProofCost| -> [u32; COUNTS] {
        let ProofCost { architecture_bytes, products, cells, hashes, openings, proof_bytes: _ } =
            *cost;
        [products, cells, hashes, openings, architecture_bytes]
    };
    let (counts, small) = (counts(cost), counts(&figures::SMALL));
    core::array::from_fn(|k| counts[k].saturating_sub(small[k]).into())
}

/// The time for these counts with these factors, with [`FRACTION`] fractional bits.
fn time(units: &[i128; COUNTS], counts: &[i128; COUNTS]) -> i128 {
    units.iter().zip(counts).map(|(unit, count)| unit * count).sum()
}

/// The factor of each count. `measured` are the excess counts and times of proofs over the small
/// one; count `k` dominates the proof at `k`. With these factors no measured proof, nor `other`, is
/// charged less than its time.
fn units(
    measured: &[([i128; COUNTS], i128); COUNTS],
    other: &([i128; COUNTS], i128),
) -> [i128; COUNTS] {
    let mut units = [0; COUNTS];
    for round in 0..=ROUNDS {
        for (k, (counts, extra)) in measured.iter().enumerate() {
            let own = counts[k].max(1);
            let missing = (extra << FRACTION) - time(&units, counts);
            // The last iteration only increases factors.
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

/// Divisor of the margin that is added to the weight. The margin covers differences that the counts
/// do not express (caches, shapes with shorter loops), and a cost that the benchmark does not
/// measure: a call in a block begins with untouched memory. There a product takes a twentieth more,
/// an opening a tenth and a hash a third, as `assay-bench costs` prints.
const MARGIN: u64 = 3;

/// Upper bound of the weight of verifying a proof of this cost: the weight of the small proof, the
/// excess counts times their factors, and a third of both as a margin.
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
    // The verification does not read storage.
    let whole = small.saturating_add(Weight::from_parts(more, 0));
    whole.saturating_add(whole / MARGIN)
}

/// A measured proof with its statement.
#[cfg(any(test, feature = "runtime-benchmarks"))]
#[derive(codec::Decode)]
pub struct Fixture {
    /// The encoded architecture.
    pub architecture: alloc::vec::Vec<u8>,
    /// Data of the input tensor.
    pub input: alloc::vec::Vec<u8>,
    /// Data of the output tensor.
    pub output: alloc::vec::Vec<u8>,
    /// Fingerprint of the weights.
    pub weights: assay_primitives::WeightsFingerprint,
    /// The proof.
    pub proof: alloc::vec::Vec<u8>,
}

#[cfg(any(test, feature = "runtime-benchmarks"))]
impl Fixture {
    /// The proof of [`figures::SMALL`].
    pub fn small() -> Self {
        Self::read(include_bytes!("../../fixtures/small.scale"))
    }

    /// The proof of [`figures::WIDE`].
    pub fn wide() -> Self {
        Self::read(include_bytes!("../../fixtures/wide.scale"))
    }

    /// The proof of [`figures::READ`].
    pub fn read_input() -> Self {
        Self::read(include_bytes!("../../fixtures/read.scale"))
    }

    /// The proof of [`figures::HASHED`].
    pub fn hashed() -> Self {
        Self::read(include_bytes!("../../fixtures/hashed.scale"))
    }

    /// The proof of [`figures::DEEP`].
    pub fn deep() -> Self {
        Self::read(include_bytes!("../../fixtures/deep.scale"))
    }

    /// The proof of [`figures::VALUES`].
    pub fn values() -> Self {
        Self::read(include_bytes!("../../fixtures/values.scale"))
    }

    /// The proof of [`figures::TALL`].
    pub fn tall() -> Self {
        Self::read(include_bytes!("../../fixtures/tall.scale"))
    }

    fn read(mut bytes: &[u8]) -> Self {
        codec::DecodeAll::decode_all(&mut bytes).expect("the files are of this type")
    }

    /// Verifies the proof.
    ///
    /// # Errors
    ///
    /// The proof does not hold: make the files again.
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
