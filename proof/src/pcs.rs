//! WHIR, reduced to what the protocol needs: a commitment to stacked columns, opened
//! at points that the protocol prescribes.

use crate::shared::SharedMmcs;
use crate::{
    error::SetupError,
    field::{EF, F},
    hash::{LeafHash, NodeHash, TranscriptHash},
    parameters::OpeningParameters,
};
use alloc::{string::ToString, vec::Vec};
use assay_graph::Digest;
use p3_challenger::{HashChallenger, SerializingChallenger64};
use p3_commit::MultilinearPcs;
use p3_dft::Radix2DFTSmallBatch;
use p3_merkle_tree::MerkleTreeMmcs;
use p3_multilinear_util::point::Point;
use p3_sumcheck::{
    layout::SuffixProver, OpeningBatch, OpeningProtocol, PrescribedPointPcs, TableShape, TableSpec,
};
use p3_whir::{
    parameters::{FoldingFactor, ProtocolParameters, SecurityAssumption, WhirConfig},
    pcs::prover::WhirProver,
};

pub(crate) type Mmcs = SharedMmcs<MerkleTreeMmcs<F, u8, LeafHash, NodeHash, 2, 32>>;
type Stack = SuffixProver<F, EF>;
type Whir = WhirProver<EF, F, Radix2DFTSmallBatch<F>, Mmcs, Challenger, Stack>;

/// The sponge that the challenges come from.
pub(crate) type Challenger = SerializingChallenger64<F, HashChallenger<u8, TranscriptHash, 32>>;
type Commitment = <Whir as MultilinearPcs<EF, Challenger>>::Commitment;
/// The opening of one commitment at all its points.
pub(crate) type Opening = <Whir as MultilinearPcs<EF, Challenger>>::Proof;
/// WHIR's own schedule, from which the lengths in an opening follow.
pub(crate) type Schedule = WhirConfig<EF, F, Challenger>;

/// log2 of the length of the shortest column, so that no column is shorter than a fold.
pub(crate) const MIN_VARS: usize = 4;
/// log2 of the most cells of one commitment: with the lowest rate, the size of the domain is then
/// a number of 32 bits, on every machine.
const MAX_VARS: usize = 26;

/// Columns of one length, and which of them are opened together at each of their points.
pub(crate) struct TableLayout {
    pub vars: usize,
    pub width: usize,
    pub batches: Vec<Vec<usize>>,
}

/// A commitment scheme for columns of given lengths, with the schedule of their openings.
pub(crate) struct Pcs {
    whir: Whir,
    protocol: OpeningProtocol,
    /// Columns opened at each point, in the order of the schedule.
    batch_lengths: Vec<usize>,
    #[cfg(feature = "prover")]
    first_fold: usize,
}

/// What `p3-security` says of the opening.
pub(crate) struct OpeningSecurity {
    /// Bits of the opening's error, all its terms composed.
    pub bits: f64,
    /// log2 of how many polynomials a root leaves open.
    pub log2_candidates: f64,
}

/// The sponge that has absorbed `statement`.
pub(crate) fn challenger(statement: Vec<u8>) -> Challenger {
    Challenger::from_hasher(statement, TranscriptHash)
}

impl Pcs {
    pub fn new(tables: &[TableLayout], parameters: &OpeningParameters) -> Result<Self, SetupError> {
        let first_fold = usize::from(parameters.first_fold);
        let cells: u64 = tables.iter().map(|table| (table.width as u64) << table.vars).sum();
        let vars = cells.next_power_of_two().ilog2() as usize;
        if tables.iter().any(|table| table.vars < MIN_VARS)
            || !(MIN_VARS..=MAX_VARS).contains(&vars)
        {
            return Err(SetupError::CommitmentSize { vars });
        }
        let specs = tables.iter().map(|table| {
            let batches =
                table.batches.iter().map(|columns| OpeningBatch::new(columns.clone(), Vec::new()));
            TableSpec::new(TableShape::new(table.vars, table.width), batches.collect())
        });
        let protocol = OpeningProtocol::new(specs.collect());
        let batch_lengths = protocol.iter_openings().map(|(_, batch)| batch.len()).collect();

        let invalid = |error: &dyn core::fmt::Debug| {
            SetupError::OpeningParameters(alloc::format!("{error:?}"))
        };
        let claims =
            protocol.checked_num_claims().ok_or_else(|| invalid(&"too many opened columns"))?;
        let folding =
            FoldingFactor::ConstantFromSecondRound(first_fold, usize::from(parameters.fold));
        let (rounds, _) = folding.compute_number_of_rounds(vars).map_err(|e| invalid(&e))?;
        let mut rate = usize::from(parameters.log_inverse_rate);
        let rates = (0..rounds).map(|round| {
            let shrink = if round == 0 { usize::from(parameters.first_shrink) } else { 1 };
            rate += folding.at_round(round) - shrink;
            rate
        });
        let protocol_parameters = ProtocolParameters {
            security_level: usize::from(parameters.security_bits),
            pow_bits: usize::from(parameters.grinding_bits),
            round_log_inv_rates: rates.collect(),
            folding_factor: folding,
            soundness_type: SecurityAssumption::JohnsonBound,
            starting_log_inv_rate: usize::from(parameters.log_inverse_rate),
        };
        let schedule = Schedule::new_with_initial_claims(vars, protocol_parameters, claims)
            .map_err(|e| invalid(&e))?;
        let mmcs = SharedMmcs(MerkleTreeMmcs::new(LeafHash, NodeHash, 0));
        Ok(Self {
            // The transform's tables grow when the prover first asks for them.
            whir: Whir::new(schedule, Radix2DFTSmallBatch::default(), mmcs),
            protocol,
            batch_lengths,
            #[cfg(feature = "prover")]
            first_fold,
        })
    }

    pub fn schedule(&self) -> &Schedule {
        &self.whir
    }

    /// Columns opened at each point, in the order of the schedule.
    pub fn batch_lengths(&self) -> &[usize] {
        &self.batch_lengths
    }

    pub fn security(&self) -> Option<OpeningSecurity> {
        let evidence = self.whir.prescribed_security(&self.protocol)?;
        // The checked view refuses counts that mean nothing.
        evidence.candidates()?;
        Some(OpeningSecurity {
            bits: evidence.error().bits(),
            log2_candidates: evidence.log2_max_candidates,
        })
    }

    /// Absorbs a root. [`Self::verify`] does not, so this has to come before any challenge.
    pub fn absorb(&self, root: &Digest, challenger: &mut Challenger) {
        self.whir.observe_commitment(&Commitment::new(Vec::from([*root])), challenger);
    }

    /// Verifies an opening at `points`, one for each entry of the schedule, and returns the opened
    /// values in its order.
    pub fn verify(
        &self,
        root: &Digest,
        opening: &Opening,
        points: Vec<Vec<EF>>,
        challenger: &mut Challenger,
    ) -> Result<Vec<Vec<EF>>, alloc::string::String> {
        let points: Vec<_> = points.into_iter().map(Point::new).collect();
        // The call below asserts what this checks.
        self.protocol.check_points(&points).map_err(|e| e.to_string())?;
        let root = Commitment::new(Vec::from([*root]));
        let values = self
            .whir
            .verify_at(&root, opening, &self.protocol, &points, challenger)
            .map_err(|e| e.to_string())?;
        Ok(values.iter().map(|batch| batch.current().to_vec()).collect())
    }
}

#[cfg(feature = "prover")]
mod committer {
    use super::*;
    use p3_matrix::dense::RowMajorMatrix;
    use p3_sumcheck::layout::{Layout, Table};

    /// What opens a commitment.
    pub(crate) type Secret = <Whir as MultilinearPcs<EF, Challenger>>::ProverData;

    impl Pcs {
        /// Commits to `tables[table][column][row]` and absorbs the root.
        pub fn commit(
            &self,
            tables: &[Vec<Vec<F>>],
            challenger: &mut Challenger,
        ) -> Result<(Digest, Secret), SetupError> {
            // A table's columns are the rows of the matrix that it is made from.
            let tables = tables.iter().map(|columns| {
                let rows = columns.first().map_or(0, Vec::len);
                Table::new(RowMajorMatrix::new(columns.concat(), rows))
            });
            let stacked = Stack::new_witness(tables.collect(), self.first_fold);
            let (root, secret) = MultilinearPcs::commit(&self.whir, stacked, challenger)
                .map_err(|e| SetupError::OpeningParameters(alloc::format!("{e:?}")))?;
            Ok((root[0], secret))
        }

        /// Opens at `points`, one for each entry of the schedule.
        pub fn open(
            &self,
            secret: Secret,
            points: Vec<Vec<EF>>,
            challenger: &mut Challenger,
        ) -> Result<Opening, SetupError> {
            let points: Vec<_> = points.into_iter().map(Point::new).collect();
            self.whir
                .open_at(secret, &self.protocol, &points, challenger)
                .map_err(|e| SetupError::OpeningParameters(alloc::format!("{e:?}")))
        }
    }
}
#[cfg(feature = "prover")]
pub(crate) use committer::Secret;
