//! The polynomial commitment: WHIR, restricted to stacked columns that are opened at points
//! prescribed by the protocol.

use crate::shared::SharedMmcs;
use crate::{
    error::SetupError,
    field::{EF, F},
    hash::{LeafHash, NodeHash, TranscriptHash},
    parameters::OpeningParameters,
};
use alloc::{collections::BTreeSet, string::ToString, vec::Vec};
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

/// The Fiat–Shamir transcript from which challenges are drawn.
pub(crate) type Challenger = SerializingChallenger64<F, HashChallenger<u8, TranscriptHash, 32>>;
type Commitment = <Whir as MultilinearPcs<EF, Challenger>>::Commitment;
/// The opening of one commitment at all its points.
pub(crate) type Opening = <Whir as MultilinearPcs<EF, Challenger>>::Proof;
/// WHIR's schedule, which determines the lengths in an opening.
pub(crate) type Schedule = WhirConfig<EF, F, Challenger>;

/// Log2 of the minimum length of a column, so that no column is shorter than the first fold.
pub(crate) const MIN_VARS: usize = 5;
/// Log2 of the maximum number of cells of one commitment.
const MAX_VARS: usize = 26;
/// Log2 of the maximum domain size, which must fit into 32 bits on every platform.
const MAX_DOMAIN_VARS: usize = 31;
/// Log2 of the maximum number of coefficients sent at the end of an opening: `p3-whir` folds until
/// so few remain.
const FINAL_VARS: usize = 6;

/// A table of columns of one length, and the columns that each opening of it covers.
pub(crate) struct TableLayout {
    /// Log2 of the length of the columns.
    pub vars: usize,
    /// Number of columns.
    pub width: usize,
    /// For each opening point, the columns that are opened there.
    pub batches: Vec<Vec<usize>>,
}

/// Number of cells of all columns. Fits into 64 bits on every platform: an architecture has at most
/// 256 tables of 18 columns of 2^37 cells.
pub(crate) fn cells(tables: &[TableLayout]) -> u64 {
    tables.iter().map(|table| (table.width as u64) << table.vars).sum()
}

/// Log2 of the number of cells with padding; `None` on overflow.
fn log2_cells(tables: &[TableLayout]) -> Option<usize> {
    cells(tables).checked_next_power_of_two().map(|cells| cells.ilog2() as usize)
}

/// A commitment scheme for columns of given lengths, with the schedule of their openings.
///
/// WHIR absorbs the shapes of all its tables with each opening. To avoid a quadratic cost, all
/// columns of one length form a single WHIR table.
pub(crate) struct Pcs {
    whir: Whir,
    protocol: OpeningProtocol,
    /// For each WHIR table, the tables whose columns it consists of, in order.
    groups: Vec<Vec<usize>>,
    /// For each WHIR opening, its index in the order of the tables and their batches.
    order: Vec<usize>,
    /// Number of columns opened at each point, in WHIR's order.
    batch_lengths: Vec<usize>,
    #[cfg(feature = "prover")]
    first_fold: usize,
}

/// A transcript that has absorbed `statement`.
pub(crate) fn challenger(statement: Vec<u8>) -> Challenger {
    Challenger::from_hasher(statement, TranscriptHash)
}

/// Number of variables of each fold: the first, then as few others of at most `most` variables as
/// necessary, of equal size as far as possible.
fn folds(vars: usize, first: usize, most: usize) -> Vec<usize> {
    let left = vars.saturating_sub(first + FINAL_VARS);
    let count = left.div_ceil(most);
    let later = (0..count).map(|i| (left + count - 1 - i) / count);
    core::iter::once(first).chain(later).collect()
}

impl Pcs {
    /// Lays out the tables and derives the schedule.
    ///
    /// # Errors
    ///
    /// [`SetupError::CommitmentSize`] if there are too few or too many cells,
    /// [`SetupError::OpeningParameters`] if WHIR refuses the parameters for this size.
    pub fn new(tables: &[TableLayout], parameters: &OpeningParameters) -> Result<Self, SetupError> {
        let first_fold = usize::from(parameters.first_fold);
        let mut rate = usize::from(parameters.log_inverse_rate);
        let too_many = || SetupError::CommitmentSize { cells: cells(tables) };
        let most = MAX_VARS.min(MAX_DOMAIN_VARS - rate);
        let vars = log2_cells(tables).filter(|vars| (MIN_VARS..=most).contains(vars));
        let vars = vars.ok_or_else(too_many)?;
        if tables.iter().any(|table| table.vars < MIN_VARS) {
            return Err(too_many());
        }
        let lengths: BTreeSet<usize> = tables.iter().map(|table| table.vars).collect();
        let (mut groups, mut specs, mut order) = (Vec::new(), Vec::new(), Vec::new());
        let first_opening = tables.iter().scan(0, |end, table| {
            let first = *end;
            *end += table.batches.len();
            Some(first)
        });
        let first_opening: Vec<usize> = first_opening.collect();
        for length in lengths {
            let alike =
                |(index, table): (usize, &TableLayout)| (table.vars == length).then_some(index);
            let group: Vec<usize> = tables.iter().enumerate().filter_map(alike).collect();
            let (mut width, mut batches) = (0, Vec::new());
            for &index in &group {
                let table = &tables[index];
                for (batch, columns) in table.batches.iter().enumerate() {
                    let columns = columns.iter().map(|column| width + column).collect();
                    batches.push(OpeningBatch::new(columns, Vec::new()));
                    order.push(first_opening[index] + batch);
                }
                width += table.width;
            }
            specs.push(TableSpec::new(TableShape::new(length, width), batches));
            groups.push(group);
        }
        let protocol = OpeningProtocol::new(specs);
        let batch_lengths = protocol.iter_openings().map(|(_, batch)| batch.len()).collect();

        let invalid = |error: &dyn core::fmt::Debug| {
            SetupError::OpeningParameters(alloc::format!("{error:?}"))
        };
        let claims =
            protocol.checked_num_claims().ok_or_else(|| invalid(&"too many opened columns"))?;
        let folds = folds(vars, first_fold, usize::from(parameters.fold));
        // No code follows the last fold.
        let rates = folds[..folds.len() - 1].iter().enumerate().map(|(round, fold)| {
            let shrink = if round == 0 { usize::from(parameters.first_shrink) } else { 1 };
            rate += fold.saturating_sub(shrink);
            rate
        });
        let protocol_parameters = ProtocolParameters {
            security_level: usize::from(parameters.security_bits),
            pow_bits: usize::from(parameters.grinding_bits),
            round_log_inv_rates: rates.collect(),
            folding_factor: FoldingFactor::PerRound(folds),
            soundness_type: SecurityAssumption::JohnsonBound,
            starting_log_inv_rate: usize::from(parameters.log_inverse_rate),
        };
        let schedule = Schedule::new_with_initial_claims(vars, protocol_parameters, claims)
            .map_err(|e| invalid(&e))?;
        let mmcs = SharedMmcs(MerkleTreeMmcs::new(LeafHash, NodeHash, 0));
        Ok(Self {
            // The tables of the transform are computed when the prover first needs them.
            whir: Whir::new(schedule, Radix2DFTSmallBatch::default(), mmcs),
            protocol,
            groups,
            order,
            batch_lengths,
            #[cfg(feature = "prover")]
            first_fold,
        })
    }

    /// WHIR's schedule.
    pub fn schedule(&self) -> &Schedule {
        &self.whir
    }

    /// Log2 of the number of cells.
    pub fn vars(&self) -> usize {
        self.whir.num_variables()
    }

    /// Number of WHIR tables: distinct lengths of columns.
    pub fn lengths(&self) -> usize {
        self.groups.len()
    }

    /// Number of columns opened at each point, in WHIR's order.
    pub fn batch_lengths(&self) -> &[usize] {
        &self.batch_lengths
    }

    /// Total number of columns opened, over all points; `None` on overflow.
    pub fn opened_columns(&self) -> Option<usize> {
        self.protocol.checked_num_claims()
    }

    /// The error of an opening in bits, as `p3-whir` composes it, proof of work included.
    pub fn whir_security_bits(&self) -> Option<f64> {
        Some(self.whir.prescribed_security(&self.protocol)?.error().bits())
    }

    /// Absorbs a root. [`Self::verify`] does not absorb it; call this before drawing any challenge.
    pub fn absorb(&self, root: &Digest, challenger: &mut Challenger) {
        self.whir.observe_commitment(&Commitment::new(Vec::from([*root])), challenger);
    }

    /// Reorders points into WHIR's order.
    fn ordered(&self, points: &[Vec<EF>]) -> Vec<Point<EF>> {
        self.order.iter().map(|opening| Point::new(points[*opening].clone())).collect()
    }

    /// Verifies an opening at `points`, one for each batch of each table, and returns the opened
    /// values in the same order.
    ///
    /// # Errors
    ///
    /// The reason as WHIR states it.
    pub fn verify(
        &self,
        root: &Digest,
        opening: &Opening,
        points: &[Vec<EF>],
        challenger: &mut Challenger,
    ) -> Result<Vec<Vec<EF>>, alloc::string::String> {
        let points = self.ordered(points);
        // `verify_at` panics on points that this check refuses.
        self.protocol.check_points(&points).map_err(|e| e.to_string())?;
        let root = Commitment::new(Vec::from([*root]));
        let values = self
            .whir
            .verify_at(&root, opening, &self.protocol, &points, challenger)
            .map_err(|e| e.to_string())?;
        let mut sorted = alloc::vec![Vec::new(); values.len()];
        for (batch, opening) in values.iter().zip(&self.order) {
            sorted[*opening] = batch.current().to_vec();
        }
        Ok(sorted)
    }
}

#[cfg(feature = "prover")]
mod committer {
    use super::*;
    use p3_matrix::dense::RowMajorMatrix;
    use p3_sumcheck::layout::{Layout, Table};

    /// The prover's data that opens a commitment.
    pub(crate) type ProverData = <Whir as MultilinearPcs<EF, Challenger>>::ProverData;

    impl Pcs {
        /// Commits to `tables[table][column][row]` and absorbs the root.
        ///
        /// # Errors
        ///
        /// [`SetupError::OpeningParameters`] if WHIR refuses to commit.
        pub fn commit(
            &self,
            tables: &[Vec<Vec<F>>],
            challenger: &mut Challenger,
        ) -> Result<(Digest, ProverData), SetupError> {
            // A WHIR table stores its columns as the rows of a matrix.
            let tables = self.groups.iter().map(|group| {
                let columns: Vec<&[F]> =
                    group.iter().flat_map(|index| &tables[*index]).map(Vec::as_slice).collect();
                let rows = columns.first().map_or(0, |column| column.len());
                Table::new(RowMajorMatrix::new(columns.concat(), rows))
            });
            let stacked = Stack::new_witness(tables.collect(), self.first_fold);
            let (root, prover_data) = MultilinearPcs::commit(&self.whir, stacked, challenger)
                .map_err(|e| SetupError::OpeningParameters(alloc::format!("{e:?}")))?;
            Ok((root[0], prover_data))
        }

        /// Opens the commitment at `points`, one for each batch of each table.
        ///
        /// # Errors
        ///
        /// [`SetupError::OpeningParameters`] if WHIR refuses to open.
        pub fn open(
            &self,
            prover_data: ProverData,
            points: &[Vec<EF>],
            challenger: &mut Challenger,
        ) -> Result<Opening, SetupError> {
            let points = self.ordered(points);
            self.whir
                .open_at(prover_data, &self.protocol, &points, challenger)
                .map_err(|e| SetupError::OpeningParameters(alloc::format!("{e:?}")))
        }
    }
}
#[cfg(feature = "prover")]
pub(crate) use committer::ProverData;
