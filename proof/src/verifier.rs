//! The verifier: from a model's architecture, a statement and bytes to a verdict.

use crate::{
    circuit::{Circuit, Reader, Rule, Source},
    encoding::Proof,
    error::{Reject, SetupError},
    field::{eq_table, extend_integers, int, prefix_moments, EF, F},
    logup::{Cells, Challenges, Columns, Layout},
    parameters::ProofParameters,
    pcs::{Challenger, Pcs},
    security, sumcheck,
    transcript::{absorb_items, Statement},
};
use alloc::{string::ToString, vec::Vec};
use assay_graph::{Digest, ElementType, Multiplier, Plan};
use p3_challenger::FieldChallenger;
use p3_field::PrimeCharacteristicRing;

/// Verifies proofs of one model.
///
/// Everything in it follows from the architecture. A caller who verifies often keeps it.
pub struct Verifier {
    pub(crate) circuit: Circuit,
    pub(crate) version: Digest,
    pub(crate) weights_root: Digest,
    pub(crate) model: Pcs,
    pub(crate) witness: Pcs,
    pub(crate) lookups: Layout,
    security_bits: f64,
}

/// Where the sumchecks of a layer end: a row and a column of its weights.
pub(crate) struct End {
    pub row: Vec<EF>,
    pub column: Vec<EF>,
}

/// Draws a challenge.
pub(crate) fn draw(challenger: &mut Challenger) -> EF {
    challenger.sample_algebra_element()
}

/// Draws a point.
pub(crate) fn draw_point(vars: usize, challenger: &mut Challenger) -> Vec<EF> {
    (0..vars).map(|_| draw(challenger)).collect()
}

/// The last coordinates of a point.
pub(crate) fn suffix(point: &[EF], vars: usize) -> &[EF] {
    &point[point.len() - vars..]
}

/// `eq(point, i)·M(i)` for each row.
///
/// Rows of the padding have the multiplier 0. That fixes quotient 0 and remainder `2^(s-1)` there,
/// whatever the accumulators.
pub(crate) fn scaled_eq(point: &[EF], multipliers: &[Multiplier]) -> Vec<EF> {
    let mut weights = eq_table(point);
    for (row, weight) in weights.iter_mut().enumerate() {
        let multiplier = multipliers.get(row).map_or(0, |multiplier| multiplier.get());
        *weight *= F::from_u32(multiplier);
    }
    weights
}

/// `2^s·q + r - 2^(s-1)` at a point, which is what the scaled accumulators have to be there.
pub(crate) fn scaled_value(quotient: EF, limbs: &[EF], limb_bits: usize) -> EF {
    let shift = limbs.len() * limb_bits;
    let base = F::from_u64(1 << limb_bits);
    let remainder = limbs.iter().rev().fold(EF::ZERO, |high, &limb| high * base + limb);
    quotient * F::from_u64(1 << shift) + remainder - F::from_u64(1 << (shift - 1))
}

fn int8(byte: &u8) -> i64 {
    i64::from(*byte as i8)
}

fn int32(bytes: &[u8]) -> i64 {
    i64::from(bytes.try_into().map_or(0, i32::from_le_bytes))
}

impl Verifier {
    /// Derives everything from an architecture that has passed its checks.
    pub fn new(plan: &Plan) -> Result<Self, SetupError> {
        let commitments = &plan.architecture().commitments;
        let parameters = ProofParameters::from_bytes(&commitments.proof_parameters)
            .ok_or(SetupError::ProofParameters)?;
        let circuit = Circuit::new(plan, parameters.limbs)?;
        let lookups = Layout::new(&circuit);
        let model = Pcs::new(&circuit.model_tables(), &parameters.model)?;
        let witness = Pcs::new(&circuit.witness_tables(), &parameters.witness)?;
        let security_bits = security::bits(&circuit, &lookups, &model, &witness);
        Ok(Self {
            security_bits: security::sufficient(security_bits)?,
            version: plan.architecture().digest(),
            weights_root: commitments.weights_root,
            circuit,
            model,
            witness,
            lookups,
        })
    }

    /// Bits of statistical soundness: what is left of a statement's 0 after all errors of all its
    /// parts are added. The collision resistance of Keccak-256, 128 bits, is beside it.
    pub fn security_bits(&self) -> f64 {
        self.security_bits
    }

    /// Bytes of the input.
    pub fn input_bytes(&self) -> usize {
        self.circuit.input_length
    }

    /// Bytes of the output.
    pub fn output_bytes(&self) -> usize {
        let size = match self.circuit.output_type() {
            ElementType::Int8 => 1,
            ElementType::Int32 => 4,
        };
        self.circuit.output_length * size
    }

    /// Accepts bytes only if they prove the statement. Never panics, whatever the bytes.
    pub fn verify(&self, statement: &Statement<'_>, bytes: &[u8]) -> Result<(), Reject> {
        let (expected, found) = (self.input_bytes(), statement.input.len());
        if expected != found {
            return Err(Reject::InputLength { expected, found });
        }
        let (expected, found) = (self.output_bytes(), statement.output.len());
        if expected != found {
            return Err(Reject::OutputLength { expected, found });
        }
        let proof = Proof::decode(self, bytes)?;

        // The challenges, in the prover's order. Nothing is believed yet.
        let mut challenger = absorb_items(&statement.items(&self.version));
        self.model.absorb(&self.weights_root, &mut challenger);
        self.witness.absorb(&proof.witness_root, &mut challenger);
        let challenges = Challenges { alpha: draw(&mut challenger), beta: draw(&mut challenger) };
        let leaf = self.lookups.verify(&proof.lookups, &mut challenger).map_err(Reject::Lookups)?;
        let point = leaf.point.as_slice();
        let mut ends = Vec::with_capacity(self.circuit.layers.len());
        let mut scaled = proof.scale.iter();
        let mut products = Vec::with_capacity(self.circuit.layers.len());
        for (layer, matvec) in self.circuit.layers.iter().zip(&proof.matvec) {
            let malformed = |e: p3_sumcheck::generic_degree::GenericDegreeError| Reject::Sumcheck {
                operation: layer.operation,
                reason: e.to_string(),
            };
            let vars = layer.output_vars();
            let scale = match layer.reader {
                Reader::Activation(_) => scaled.next(),
                Reader::Output => None,
            };
            let (row, scaled) = match scale {
                Some(scale) => {
                    let (row, product) =
                        sumcheck::verify(scale, vars, &mut challenger).map_err(malformed)?;
                    (row, Some((scale.claimed_sum, product)))
                },
                None => (draw_point(vars, &mut challenger), None),
            };
            let (column, product) =
                sumcheck::verify(matvec, layer.input_vars(), &mut challenger).map_err(malformed)?;
            ends.push(End { row, column });
            products.push((scaled, matvec.claimed_sum, product));
        }
        let weights = self
            .model
            .verify(&self.weights_root, &proof.model, self.model_points(&ends), &mut challenger)
            .map_err(Reject::ModelOpening)?;
        let points = self.witness_points(point, &ends);
        let witness = self
            .witness
            .verify(&proof.witness_root, &proof.witness, points, &mut challenger)
            .map_err(Reject::WitnessOpening)?;

        // From here on, `weights` and `witness` are values of what was committed.
        let (cells, inputs) = self.sort(&witness, statement, point, &ends);
        let leaves = self.lookups.evaluate(&self.circuit, &cells, challenges, point);
        if leaves != (leaf.numerator, leaf.denominator) {
            return Err(Reject::LookupTie);
        }
        for (index, layer) in self.circuit.layers.iter().enumerate() {
            let (End { row, .. }, (scaled, sum, product)) = (&ends[index], products[index]);
            let (weight, bias) = (weights[2 * index][0], weights[2 * index + 1][0]);
            let accumulator = sum + bias;
            match (layer.reader, scaled) {
                (Reader::Activation(activation), Some((claimed, product))) => {
                    self.check_requantized(
                        activation,
                        &cells.activations[activation],
                        (claimed, product, accumulator),
                        (point, row),
                    )?;
                },
                _ => {
                    let output = statement.output.chunks_exact(4).map(int32);
                    if accumulator != extend_integers(output, row) {
                        return Err(Reject::Output);
                    }
                },
            }
            if product != weight * inputs[index] {
                return Err(Reject::Matvec { operation: layer.operation });
            }
        }
        match self.circuit.output_activation {
            Some(activation) => self.check_output(activation, &cells, statement, point),
            None => Ok(()),
        }
    }

    /// `Σ_i eq(ρ,i)·M(i)·acc(i)` is `2^s·q + r - 2^(s-1)` at `ρ` on one side, and on the other it
    /// ends in `eq(ρ,ρ')·M(ρ')·acc(ρ')`, the products taken row by row.
    fn check_requantized(
        &self,
        activation: usize,
        columns: &Columns<EF>,
        (claimed, product, accumulator): (EF, EF, EF),
        (point, row): (&[EF], &[EF]),
    ) -> Result<(), Reject> {
        let activation = &self.circuit.activations[activation];
        let operation = activation.operation;
        let Rule::Requantize { multipliers, .. } = &activation.rule else {
            return Err(Reject::Requantize { operation });
        };
        if claimed != scaled_value(columns.keys, &columns.limbs, self.circuit.limb_bits) {
            return Err(Reject::Requantize { operation });
        }
        let scaled = scaled_eq(suffix(point, row.len()), multipliers);
        let factor: EF = scaled.iter().zip(eq_table(row)).map(|(&a, b)| a * b).sum();
        if product != factor * accumulator {
            return Err(Reject::Scale { operation });
        }
        Ok(())
    }

    /// The committed values and the output agree at the lookups' point, which is drawn after both.
    fn check_output(
        &self,
        activation: usize,
        cells: &Cells<EF>,
        statement: &Statement<'_>,
        point: &[EF],
    ) -> Result<(), Reject> {
        let vars = self.circuit.activations[activation].vars();
        let values = self.unpadded(
            Source::Activation(activation),
            cells.activations[activation].values,
            self.circuit.output_length,
            suffix(point, vars),
        );
        if values != extend_integers(statement.output.iter().map(int8), suffix(point, vars)) {
            return Err(Reject::Output);
        }
        Ok(())
    }

    /// What a column has at a point if its padding is replaced by zeros.
    fn unpadded(&self, source: Source, value: EF, length: usize, point: &[EF]) -> EF {
        let padding = self.circuit.padding(source);
        if padding == 0 {
            return value;
        }
        let (count, _) = prefix_moments(point, length);
        value - (EF::ONE - count) * int(i64::from(padding))
    }

    /// Points of the weights, in the order of [`Circuit::model_tables`].
    pub(crate) fn model_points(&self, ends: &[End]) -> Vec<Vec<EF>> {
        ends.iter()
            .flat_map(|end| [[&end.row[..], &end.column[..]].concat(), end.row.clone()])
            .collect()
    }

    /// Points of the witness, in the order of [`Circuit::witness_tables`].
    pub(crate) fn witness_points(&self, point: &[EF], ends: &[End]) -> Vec<Vec<EF>> {
        let mut points = Vec::new();
        for (index, activation) in self.circuit.activations.iter().enumerate() {
            points.push(suffix(point, activation.vars()).to_vec());
            points.extend(self.circuit.readers_of(index).map(|layer| ends[layer].column.clone()));
        }
        points.extend(self.circuit.tables.iter().map(|table| suffix(point, table.vars()).to_vec()));
        points
    }

    /// Names the opened values: the cells of the lookups, and each layer's input at the column
    /// where its sumcheck ends.
    fn sort(
        &self,
        witness: &[Vec<EF>],
        statement: &Statement<'_>,
        point: &[EF],
        ends: &[End],
    ) -> (Cells<EF>, Vec<EF>) {
        let circuit = &self.circuit;
        let input = |point: &[EF]| extend_integers(statement.input.iter().map(int8), point);
        let mut opened = witness.iter();
        let mut batch = || opened.next().map_or(&[][..], |values| &values[..]);
        let mut activations: Vec<Columns<EF>> = Vec::with_capacity(circuit.activations.len());
        let mut inputs: Vec<EF> = circuit
            .layers
            .iter()
            .zip(ends)
            .map(|(layer, end)| match layer.source {
                Source::Input => input(&end.column),
                // Replaced below, where the activation is opened for its readers.
                Source::Activation(_) => EF::ZERO,
            })
            .collect();
        for (index, activation) in circuit.activations.iter().enumerate() {
            let values = batch();
            let (keys, limbs) = match &activation.rule {
                Rule::Requantize { .. } => (values[1], values[2..].to_vec()),
                Rule::Map { source: Source::Input } => {
                    (input(suffix(point, activation.vars())), Vec::new())
                },
                // One length, hence one point.
                Rule::Map { source: Source::Activation(source) } => {
                    (activations[*source].values, Vec::new())
                },
            };
            activations.push(Columns { keys, values: values[0], limbs });
            for layer in circuit.readers_of(index) {
                let column = &ends[layer].column;
                let source = Source::Activation(index);
                inputs[layer] = self.unpadded(source, batch()[0], activation.length, column);
            }
        }
        let multiplicities = circuit.tables.iter().map(|_| batch()[0]).collect();
        (Cells { activations, multiplicities }, inputs)
    }
}
