//! The work of a verification, counted from the architecture before any proof exists.
//!
//! The counts follow the verifier's code function by function. Tests compare the counts of hashes
//! and bytes with those of real verifications, and the count of products with measured times.

use crate::{
    circuit::{Activation, Circuit, Layer, Linear, Operand, Reader, Rule, Source},
    encoding::Round,
    grid::Grid,
    key::VerifyingKey,
    logup::Layout,
    pcs::Pcs,
    table::Table,
};
use assay_graph::Window;

/// Bytes of an extension field element.
const ELEMENT: u64 = 24;
/// Bytes of a digest.
const DIGEST: u64 = 32;
/// Block size of BLAKE3 in bytes.
const BLOCK: u64 = 64;

/// Upper bounds on the work of verifying any bytes that claim to be a proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Work {
    /// Multiplications in the extension field.
    pub products: u64,
    /// Elements of input and output that are read, counted once per evaluation of the tensor for
    /// int8 and twice for int32.
    pub cells: u64,
    /// Compressions of BLAKE3, in the transcript and in the Merkle trees of the commitments.
    pub hashes: u64,
    /// Openings: evaluation points of committed columns, each of which is absorbed separately.
    pub openings: u64,
    /// Maximum length of a proof in bytes.
    pub proof_bytes: u64,
}

impl core::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.products = self.products.saturating_add(other.products);
        self.cells = self.cells.saturating_add(other.cells);
        self.hashes = self.hashes.saturating_add(other.hashes);
        self.openings = self.openings.saturating_add(other.openings);
        self.proof_bytes = self.proof_bytes.saturating_add(other.proof_bytes);
    }
}

/// Compressions for a message of `bytes` bytes.
fn blocks(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK).max(1)
}

/// `2^vars`, the length of a table over `vars` variables.
fn table(vars: usize) -> u64 {
    1u64.checked_shl(vars as u32).unwrap_or(u64::MAX)
}

/// Work of a sumcheck of `rounds` rounds over a product of `factors` factors.
fn sumcheck(rounds: usize, factors: usize) -> Work {
    let (rounds, factors) = (rounds as u64, factors as u64);
    Work {
        products: rounds * (factors + 1),
        // The claimed sum is absorbed with the first round.
        hashes: 1 + rounds * blocks(DIGEST + factors * ELEMENT),
        proof_bytes: ELEMENT * (1 + rounds * factors),
        ..Work::default()
    }
}

/// Work of a challenge before which nothing is absorbed.
const DRAW: Work = Work { products: 0, cells: 0, hashes: 1, openings: 0, proof_bytes: 0 };

/// Work of evaluating the elements of a grid; `width` is 1 for int8 and 2 for int32.
fn evaluation(grid: &Grid, width: u64) -> Work {
    let run = crate::field::RUN.min(grid.vars());
    let runs = table(grid.vars() - run).min(grid.elements() as u64);
    Work {
        // The table of `eq` over a run, and for each run a product with `eq` of its index.
        products: width * (table(run) + runs * (grid.vars() - run + 1) as u64),
        cells: width * grid.elements() as u64,
        ..Work::default()
    }
}

/// Work of building the coefficients of a window's reads and of evaluating them at a point of the
/// input.
fn wiring(window: &Window, input: &Grid, output: &Grid) -> Work {
    let [_, rows, columns] = output.axes;
    let [channels, input_rows, input_columns] = input.axes;
    let (height, width) = (u64::from(window.kernel.height), u64::from(window.kernel.width));
    let outputs = table(rows.vars) + table(columns.vars);
    let inputs = table(channels.vars) + table(input_rows.vars) + table(input_columns.vars);
    let pairs = height * rows.length as u64 + width * columns.length as u64;
    let positions = channels.length as u64 * height * (width + 1);
    Work { products: outputs + inputs + pairs + positions, ..Work::default() }
}

impl Layer {
    /// Work of the layer's reduction and its checks, without the openings.
    fn work(&self, circuit: &Circuit) -> Work {
        let mut work = Work::default();
        for (rounds, factors) in [
            (self.scale_rounds(circuit), crate::sumcheck::INNER_PRODUCT),
            (self.product_rounds(), crate::sumcheck::INNER_PRODUCT),
            (self.wiring_rounds(), crate::sumcheck::INNER_PRODUCT),
        ] {
            if let Some(rounds) = rounds {
                work += sumcheck(rounds, factors);
            }
        }
        // The multipliers of the channels, and the indicator of the rows and columns that hold
        // elements.
        if self.scale_rounds(circuit).is_some() {
            work.products += 5 * table(self.grid.axes[0].vars);
        }
        work.products += 4 * self.grid.vars() as u64;
        if let Some(window) = self.window() {
            work += wiring(window, &self.operands[0].grid, &self.grid);
            work.products += match (&self.linear, &self.matrix) {
                (Linear::Conv2d { groups, .. }, Some(matrix)) => {
                    // Short rows of several groups cost more than one long row.
                    let each = if *groups > 1 { 4 } else { 2 };
                    table(matrix.column_vars) + *groups as u64 * (each * matrix.columns as u64 + 2)
                },
                _ => 2 * self.grid.axes[0].length as u64 * window.kernel.area() as u64,
            };
        }
        if let Some(matrix) = &self.matrix {
            work.products += (matrix.blocks.len() * matrix.column_vars) as u64;
        }
        work
    }
}

impl Activation {
    /// Work of a maximum: its two sumchecks and their checks.
    fn maximum_work(&self, operand: &Operand, window: &Window) -> Work {
        let area = window.kernel.area() as u64;
        let mut work = sumcheck(self.grid.vars(), self.limbs() + 1);
        work += sumcheck(operand.grid.vars(), crate::sumcheck::INNER_PRODUCT);
        work += DRAW;
        work += wiring(window, &operand.grid, &self.grid);
        // The kernel, the coverage of its positions, and the claims about the differences.
        let channels = table(self.grid.axes[0].vars);
        work.products += 2 * channels + (self.grid.axes[0].length as u64 + 5) * area;
        work.products += 8 * self.grid.vars() as u64;
        work
    }
}

/// Work of the lookups' reduction and of the check at its end.
fn lookups(circuit: &Circuit, layout: &Layout) -> Work {
    let vars = layout.vars as u64;
    let rounds = vars * vars.saturating_sub(1) / 2;
    let element = ELEMENT * crate::fractions::DEGREE as u64;
    let mut work = Work {
        products: 6 * rounds + 8 * vars + layout.blocks.len() as u64 * (vars + 4),
        hashes: 2 + rounds * blocks(DIGEST + element) + vars * (1 + blocks(DIGEST + 4 * ELEMENT)),
        proof_bytes: ELEMENT * (1 + 4 * vars) + rounds * element,
        ..Work::default()
    };
    for entry in &circuit.tables {
        let bits = entry.vars() as u64;
        work.products += match entry {
            Table::Range { .. } => bits,
            // Four prefixes of the index, each with the extension of the index over the remaining
            // bits.
            Table::Clamp { .. } => 4 * bits * (bits / 2 + 3),
            Table::Map { .. } => 2 * table(entry.vars()),
        };
    }
    work
}

/// Work of all evaluations of input and output. The input is evaluated once per read, but only once
/// per layout for all reads at the lookups' point.
fn public_tensors(circuit: &Circuit) -> Work {
    let mut work = Work::default();
    let mut at_lookups: alloc::vec::Vec<Grid> = alloc::vec::Vec::new();
    let mut once = |grid: Grid, work: &mut Work| {
        if !at_lookups.contains(&grid) {
            at_lookups.push(grid);
            *work += evaluation(&grid, 1);
        }
    };
    for layer in &circuit.layers {
        for (slot, operand) in layer.operands.iter().enumerate() {
            // Both operands of an addition are read at one point.
            if operand.source != Source::Input || layer.operands[..slot].contains(operand) {
                continue;
            }
            let at_row = layer.wiring_rounds().is_none() && layer.matrix.is_none();
            if at_row && layer.row_is_lookups(circuit) {
                once(operand.grid, &mut work);
            } else {
                work += evaluation(&operand.grid, 1);
            }
        }
    }
    for activation in &circuit.activations {
        match &activation.rule {
            Rule::Map { operand, .. } if operand.source == Source::Input => {
                once(operand.grid, &mut work);
            },
            Rule::Maximum { operand, .. } if operand.source == Source::Input => {
                work += evaluation(&operand.grid, 1);
            },
            _ => (),
        }
    }
    let (output, width) = match circuit.output_activation {
        Some(index) => (circuit.activations[index].grid, 1),
        None => (Grid::new(circuit.output), 2),
    };
    work += evaluation(&output, width);
    work
}

impl Layer {
    /// Whether the accumulators are evaluated at the lookups' point: they are not the output, and
    /// no sumcheck over multipliers leads to another point.
    fn row_is_lookups(&self, circuit: &Circuit) -> bool {
        matches!(self.reader, Reader::Activation(_)) && self.scale_rounds(circuit).is_none()
    }
}

impl Pcs {
    /// Work of an opening at all its points.
    fn work(&self) -> Work {
        let schedule = self.schedule();
        let vars = self.vars() as u64;
        let claims: u64 = self.batch_lengths().iter().map(|length| *length as u64).sum();
        let openings = self.batch_lengths().len() as u64;
        let mut work = Work {
            // Each claim is weighted by `eq` of its lifted point, which is built for it.
            products: claims * (2 * vars + CLAIM_PRODUCTS),
            hashes: openings * self.opening_hashes() + blocks(claims * CLAIM_BYTES),
            openings,
            proof_bytes: claims * ELEMENT,
            ..Work::default()
        };
        for index in 0..=schedule.n_rounds() {
            let round = Round::new(schedule, index);
            let (queries, width) = (round.queries as u64, table(round.fold));
            let element = if round.is_first { 8 } else { ELEMENT };
            let left = vars.saturating_sub((round.fold * (index + 1)) as u64);
            let fold = schedule.round_folding_factor(index) as u64;
            work += Work {
                products: queries * (2 * width + 2 * left + 16) + 8 * fold * fold,
                hashes: queries * blocks(width * element)
                    + round.max_siblings()
                    + queries
                    // Roots, samples, queries, proof of work and the sumcheck of the fold.
                    + ROUND_HASHES
                    + 4 * fold,
                proof_bytes: queries * width * element + 4 + DIGEST * round.max_siblings(),
                ..Work::default()
            };
        }
        work.proof_bytes += self.other_bytes();
        work
    }

    /// Bytes of an opening besides its claims and its queries.
    fn other_bytes(&self) -> u64 {
        let schedule = self.schedule();
        let fold = |rounds: usize, grinding: usize| {
            let witness = if grinding > 0 { 8 } else { 0 };
            rounds as u64 * (2 * ELEMENT + witness)
        };
        let first = fold(schedule.round_folding_factor(0), schedule.starting_folding_pow_bits());
        let rounds = schedule.round_parameters().iter().enumerate().map(|(index, parameters)| {
            let next = schedule.round_folding_factor(index + 1);
            DIGEST
                + ELEMENT * parameters.ood_samples as u64
                + 8
                + fold(next, parameters.folding_pow_bits)
        });
        let last = schedule.final_sumcheck_rounds();
        ELEMENT * schedule.commitment_ood_samples() as u64
            + first
            + rounds.sum::<u64>()
            + ELEMENT * table(last)
            + 8
            + fold(last, schedule.final_folding_pow_bits())
    }

    /// Compressions for absorbing one opened batch: besides its values, the names and shapes that
    /// WHIR absorbs.
    fn opening_hashes(&self) -> u64 {
        OPENING_HASHES + blocks(TABLE_BYTES * self.lengths() as u64)
    }
}

/// Products for building the point of a claim. From the regression of measured times that
/// `assay-bench costs` prints.
const CLAIM_PRODUCTS: u64 = 40;
/// Compressions for the names that WHIR absorbs per round.
const ROUND_HASHES: u64 = 64;
/// Compressions for the names that WHIR absorbs per opened batch.
const OPENING_HASHES: u64 = 3;
/// Bytes absorbed per WHIR table with each opened batch.
const TABLE_BYTES: u64 = 28;
/// Bytes absorbed per opened value: the value and the index of its column.
const CLAIM_BYTES: u64 = ELEMENT + 12;

impl VerifyingKey {
    /// Upper bounds on the work of a verification.
    pub fn work(&self) -> Work {
        let circuit = &self.circuit;
        let statement = (self.input_bytes() + self.output_bytes()) as u64;
        let mut work = Work {
            // The statement, both roots and the point of the fingerprint.
            hashes: blocks(statement) + 16,
            proof_bytes: DIGEST,
            ..Work::default()
        };
        work += lookups(circuit, &self.lookups);
        for layer in &circuit.layers {
            work += layer.work(circuit);
        }
        for (index, operand, window) in circuit.maxima() {
            work += circuit.activations[index].maximum_work(operand, window);
        }
        // The point at which int32 outputs are compared is drawn separately.
        if circuit.output_activation.is_none() {
            work.hashes += Grid::new(circuit.output).vars() as u64;
        }
        work += public_tensors(circuit);
        work += self.model.work();
        work += self.witness.work();
        work
    }
}
