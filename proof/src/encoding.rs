//! The canonical encoding of a proof.
//!
//! The only lengths in a proof are those of pruned Merkle proofs, which depend on the queries. All
//! other lengths follow from the model. The decoder therefore knows how many numbers come next, and
//! checks that enough bytes remain, before it allocates. A field element is 8 bytes, little-endian,
//! below the order of the field. Hence no two byte strings encode the same proof.

use crate::{
    circuit::{Activation, Circuit, Layer, Operand},
    error::DecodeError,
    field::{EF, F},
    fractions::{self, Halves, Reduction, DEGREE},
    key::VerifyingKey,
    pcs::{Mmcs, Opening, Pcs, Schedule},
    sumcheck::{Sumcheck, INNER_PRODUCT},
};
use alloc::{vec, vec::Vec};
use assay_graph::Digest;
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField64};
use p3_merkle_tree::{MerkleCap, PrunedMerklePaths};
use p3_multilinear_util::poly::Poly;
use p3_sumcheck::{OpeningBatch, SumcheckData};
use p3_whir::{PcsProof, QueryOpenings, SharedProofOpening, WhirProof, WhirRoundProof};

type MerkleProof = <Mmcs as p3_commit::Mmcs<F>>::MultiProof;
type Queries = QueryOpenings<F, EF, MerkleProof>;

/// A decoded proof. Nothing in it is trusted.
#[derive(Clone)]
pub(crate) struct Proof {
    /// Root of the witness.
    pub witness_root: Digest,
    /// Reduction of the sum of all lookups to one evaluation point.
    pub lookups: Reduction,
    /// The sumchecks of each layer.
    pub layers: Vec<LayerMessages>,
    /// The sumchecks of each maximum.
    pub maxima: Vec<MaximumMessages>,
    /// Opening of the weights.
    pub model: Opening,
    /// Opening of the witness.
    pub witness: Opening,
}

/// The sumchecks of a layer. The layer determines which of them are present.
#[derive(Clone, Default)]
pub(crate) struct LayerMessages {
    /// From quotients and remainders at a point to accumulators at a point.
    pub scale: Option<Sumcheck>,
    /// From accumulators to one evaluation of the weights and one of their factor.
    pub product: Option<Sumcheck>,
    /// From what the windows read to one evaluation of the input.
    pub wiring: Option<Sumcheck>,
}

/// The sumchecks of a maximum.
#[derive(Clone)]
pub(crate) struct MaximumMessages {
    /// Shows that the product of the differences is zero everywhere.
    pub zero: Sumcheck,
    /// From what the windows read to one evaluation of the input.
    pub wiring: Sumcheck,
}

/// Number of coefficients of an extension field element.
const DIMENSION: usize = 3;

/// The bytes that remain to be read.
struct Bytes<'a> {
    bytes: &'a [u8],
}

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(DecodeError::TooShort)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N)?.try_into().map_err(|_| DecodeError::TooShort)
    }

    /// Reads `count` values of at least `size` bytes each.
    fn list<T>(
        &mut self,
        count: usize,
        size: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        if count.checked_mul(size).is_none_or(|bytes| bytes > self.bytes.len()) {
            return Err(DecodeError::TooShort);
        }
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(read(self)?);
        }
        Ok(list)
    }

    fn base(&mut self) -> Result<F, DecodeError> {
        let value = u64::from_le_bytes(self.array()?);
        if value >= F::ORDER_U64 {
            return Err(DecodeError::NotAFieldElement);
        }
        Ok(F::from_u64(value))
    }

    fn extension(&mut self) -> Result<EF, DecodeError> {
        let coefficients = [self.base()?, self.base()?, self.base()?];
        Ok(EF::from_basis_coefficients_fn(|i| coefficients[i]))
    }

    fn bases(&mut self, count: usize) -> Result<Vec<F>, DecodeError> {
        self.list(count, 8, Self::base)
    }

    fn extensions(&mut self, count: usize) -> Result<Vec<EF>, DecodeError> {
        self.list(count, 8 * DIMENSION, Self::extension)
    }

    fn reduction(&mut self, vars: usize) -> Result<Reduction, DecodeError> {
        let root_denominator = self.extension()?;
        let mut layers = Vec::with_capacity(vars);
        for rounds in 0..vars {
            let round_polys = self.list(rounds, DEGREE * 8 * DIMENSION, |reader| {
                Ok([reader.extension()?, reader.extension()?, reader.extension()?])
            })?;
            let halves = Halves {
                n: [self.extension()?, self.extension()?],
                d: [self.extension()?, self.extension()?],
            };
            layers.push(fractions::Layer { round_polys, halves });
        }
        Ok(Reduction { root_denominator, layers })
    }

    /// Reads a sumcheck. Each round has as many coefficients as the product has factors.
    fn sumcheck(&mut self, rounds: usize, factors: usize) -> Result<Sumcheck, DecodeError> {
        Ok(Sumcheck {
            claimed_sum: self.extension()?,
            round_polys: self
                .list(rounds, factors * 8 * DIMENSION, |reader| reader.extensions(factors))?,
        })
    }

    fn layer(&mut self, layer: &Layer, circuit: &Circuit) -> Result<LayerMessages, DecodeError> {
        let mut inner_product = |rounds: Option<usize>| {
            rounds.map(|rounds| self.sumcheck(rounds, INNER_PRODUCT)).transpose()
        };
        Ok(LayerMessages {
            scale: inner_product(layer.scale_rounds(circuit))?,
            product: inner_product(layer.product_rounds())?,
            wiring: inner_product(layer.wiring_rounds())?,
        })
    }

    fn maximum(
        &mut self,
        activation: &Activation,
        operand: &Operand,
    ) -> Result<MaximumMessages, DecodeError> {
        Ok(MaximumMessages {
            zero: self.sumcheck(activation.grid.vars(), activation.limbs() + 1)?,
            wiring: self.sumcheck(operand.grid.vars(), INNER_PRODUCT)?,
        })
    }

    fn fold(
        &mut self,
        rounds: usize,
        grinding_bits: usize,
    ) -> Result<SumcheckData<F, EF>, DecodeError> {
        Ok(SumcheckData {
            polynomial_evaluations: self.list(rounds, 2 * 8 * DIMENSION, |reader| {
                Ok([reader.extension()?, reader.extension()?])
            })?,
            pow_witnesses: self.bases(if grinding_bits > 0 { rounds } else { 0 })?,
        })
    }

    fn queries(&mut self, round: &Round) -> Result<Queries, DecodeError> {
        let width = 1 << round.fold;
        Ok(if round.is_first {
            let rows = self.list(round.queries, 8 * width, |reader| reader.bases(width))?;
            QueryOpenings::Base(SharedProofOpening { rows, proof: self.merkle_proof(round)? })
        } else {
            let rows =
                self.list(round.queries, 8 * DIMENSION * width, |reader| reader.extensions(width))?;
            QueryOpenings::Extension(SharedProofOpening { rows, proof: self.merkle_proof(round)? })
        })
    }

    fn merkle_proof(&mut self, round: &Round) -> Result<MerkleProof, DecodeError> {
        let count = u32::from_le_bytes(self.array()?) as usize;
        if count as u64 > round.max_siblings() {
            return Err(DecodeError::MerkleProofTooLong);
        }
        Ok(PrunedMerklePaths { sibling_hashes: self.list(count, 32, Self::array)? })
    }

    fn opening(&mut self, pcs: &Pcs) -> Result<Opening, DecodeError> {
        let schedule = pcs.schedule();
        let mut evals = Vec::with_capacity(pcs.batch_lengths().len());
        for length in pcs.batch_lengths() {
            // `OpeningBatch::new` panics on an empty list; a batch is never empty.
            evals.push(OpeningBatch::new(self.extensions(*length)?, Vec::new()));
        }
        let initial_ood_answers = self.extensions(schedule.commitment_ood_samples())?;
        let initial_sumcheck =
            self.fold(schedule.round_folding_factor(0), schedule.starting_folding_pow_bits())?;
        let mut rounds = Vec::with_capacity(schedule.n_rounds());
        for (index, parameters) in schedule.round_parameters().iter().enumerate() {
            rounds.push(WhirRoundProof {
                commitment: Some(MerkleCap::new(vec![self.array()?])),
                ood_answers: self.extensions(parameters.ood_samples)?,
                pow_witness: self.base()?,
                openings: self.queries(&Round::new(schedule, index))?,
                sumcheck: self
                    .fold(schedule.round_folding_factor(index + 1), parameters.folding_pow_bits)?,
            });
        }
        let last = schedule.final_sumcheck_rounds();
        let whir = WhirProof {
            initial_ood_answers,
            initial_sumcheck,
            rounds,
            final_poly: Some(Poly::new(self.extensions(1 << last)?)),
            final_pow_witness: self.base()?,
            final_openings: self.queries(&Round::new(schedule, schedule.n_rounds()))?,
            final_sumcheck: if last == 0 {
                None
            } else {
                Some(self.fold(last, schedule.final_folding_pow_bits())?)
            },
        };
        Ok(PcsProof { whir, evals })
    }
}

/// The numbers that determine the lengths of a round's query openings.
pub(crate) struct Round {
    /// Whether this is the first code, whose rows are in the base field.
    pub is_first: bool,
    /// Number of rows opened.
    pub queries: usize,
    /// Log2 of the length of a row.
    pub fold: usize,
    /// Log2 of the number of rows.
    pub depth: usize,
}

impl Round {
    pub fn new(schedule: &Schedule, index: usize) -> Self {
        let last = schedule.final_round_config();
        let parameters = schedule.round_parameters().get(index).unwrap_or(&last);
        let leaves = parameters.domain_size >> parameters.folding_factor;
        Self {
            is_first: index == 0,
            // If a domain has fewer leaves than queries, all its leaves are opened.
            queries: parameters.num_queries.min(leaves),
            fold: parameters.folding_factor,
            depth: leaves.max(1).ilog2() as usize,
        }
    }

    /// Maximum number of nodes in a pruned Merkle proof: on each level, at most one per path and
    /// one of each two siblings.
    pub fn max_siblings(&self) -> u64 {
        let queries = self.queries as u64;
        (0..self.depth)
            .map(|level| queries.min(1u64.checked_shl(level as u32).unwrap_or(u64::MAX)))
            .sum()
    }
}

impl Proof {
    /// Decodes a proof for the key's model.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] if the bytes are not the canonical encoding of such a proof.
    pub fn decode(key: &VerifyingKey, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut bytes = Bytes { bytes };
        let circuit = &key.circuit;
        let witness_root = bytes.array()?;
        let lookups = bytes.reduction(key.lookups.vars)?;
        let (mut layers, mut maxima) = (Vec::new(), Vec::new());
        for layer in &circuit.layers {
            layers.push(bytes.layer(layer, circuit)?);
        }
        for (index, operand, _) in circuit.maxima() {
            maxima.push(bytes.maximum(&circuit.activations[index], operand)?);
        }
        let model = bytes.opening(&key.model)?;
        let witness = bytes.opening(&key.witness)?;
        if !bytes.bytes.is_empty() {
            return Err(DecodeError::TrailingBytes);
        }
        Ok(Self { witness_root, lookups, layers, maxima, model, witness })
    }
}

#[cfg(feature = "prover")]
mod writer {
    use super::*;

    struct Writer {
        bytes: Vec<u8>,
    }

    impl Writer {
        fn bases(&mut self, values: &[F]) {
            for value in values {
                self.bytes.extend_from_slice(&value.as_canonical_u64().to_le_bytes());
            }
        }

        fn extensions(&mut self, values: &[EF]) {
            for value in values {
                self.bases(value.as_basis_coefficients_slice());
            }
        }

        fn sumcheck(&mut self, sumcheck: &Sumcheck) {
            self.extensions(&[sumcheck.claimed_sum]);
            sumcheck.round_polys.iter().for_each(|values| self.extensions(values));
        }

        fn fold(&mut self, fold: &SumcheckData<F, EF>) {
            fold.polynomial_evaluations.iter().for_each(|values| self.extensions(values));
            self.bases(&fold.pow_witnesses);
        }

        fn queries(&mut self, queries: &Queries) {
            let proof = match queries {
                QueryOpenings::Base(opening) => {
                    opening.rows.iter().for_each(|row| self.bases(row));
                    &opening.proof
                },
                QueryOpenings::Extension(opening) => {
                    opening.rows.iter().for_each(|row| self.extensions(row));
                    &opening.proof
                },
            };
            self.bytes.extend_from_slice(&(proof.sibling_hashes.len() as u32).to_le_bytes());
            proof.sibling_hashes.iter().for_each(|node| self.bytes.extend_from_slice(node));
        }

        fn opening(&mut self, opening: &Opening) {
            opening.evals.iter().for_each(|batch| self.extensions(batch.current()));
            let whir = &opening.whir;
            self.extensions(&whir.initial_ood_answers);
            self.fold(&whir.initial_sumcheck);
            for round in &whir.rounds {
                let root = round.commitment.iter().flat_map(|cap| cap.as_ref());
                root.for_each(|digest| self.bytes.extend_from_slice(digest));
                self.extensions(&round.ood_answers);
                self.bases(&[round.pow_witness]);
                self.queries(&round.openings);
                self.fold(&round.sumcheck);
            }
            whir.final_poly.iter().for_each(|values| self.extensions(values.as_slice()));
            self.bases(&[whir.final_pow_witness]);
            self.queries(&whir.final_openings);
            whir.final_sumcheck.iter().for_each(|fold| self.fold(fold));
        }
    }

    impl Proof {
        /// Encodes the proof. [`Proof::decode`] reads it back if the proof has the model's shapes.
        pub fn encode(&self) -> Vec<u8> {
            let mut writer = Writer { bytes: self.witness_root.to_vec() };
            writer.extensions(&[self.lookups.root_denominator]);
            for layer in &self.lookups.layers {
                layer.round_polys.iter().for_each(|values| writer.extensions(values));
                let Halves { n, d } = layer.halves;
                [n, d].iter().for_each(|values| writer.extensions(values));
            }
            for LayerMessages { scale, product, wiring } in &self.layers {
                [scale, product, wiring].into_iter().flatten().for_each(|s| writer.sumcheck(s));
            }
            for MaximumMessages { zero, wiring } in &self.maxima {
                [zero, wiring].into_iter().for_each(|sumcheck| writer.sumcheck(sumcheck));
            }
            writer.opening(&self.model);
            writer.opening(&self.witness);
            writer.bytes
        }
    }
}
