//! The verifier: checks an encoded proof of a statement about a model.

use crate::{
    circuit::{Layer, Linear, Matrix, Operand, Reader, Rule, Source},
    claims::{maximum_kernel, scaled_eq, scaled_value, Ends, LayerEnd, MaximumEnd},
    cost::Work,
    encoding::{LayerMessages, MaximumMessages, Proof},
    error::{Reject, SetupError},
    field::{eq_at, eq_at_point, eq_table, int, powers, suffix, EF, F},
    fingerprint::Fingerprint,
    fractions,
    grid::Grid,
    key::VerifyingKey,
    logup::{Cells, Challenges, Columns},
    pcs::Challenger,
    security::Security,
    sumcheck::{self, Reduced, Sumcheck, INNER_PRODUCT},
    transcript::{absorb_items, draw, draw_point, Statement},
    wiring::Wiring,
};
use alloc::{string::ToString, vec::Vec};
use assay_graph::Plan;
use p3_field::PrimeCharacteristicRing;

/// Verifies the proofs of one model.
///
/// A verifier holds what follows from the architecture alone. Keep it when verifying several proofs
/// of one model.
pub struct Verifier {
    pub(crate) key: VerifyingKey,
}

/// The claims of a layer's sumchecks, to be checked against openings.
struct LayerClaims {
    scale: Option<Reduced>,
    product: Option<Reduced>,
    wiring: Option<Reduced>,
}

/// The claims of a maximum's sumchecks, to be checked against openings.
struct MaximumClaims {
    zero: Reduced,
    wiring: Reduced,
    /// Its powers separate the positions of the window.
    gamma: EF,
}

/// The opened values of the witness, by meaning.
struct Opened {
    /// Values at the lookups' point.
    cells: Cells<EF>,
    /// For each maximum, its value and its differences at the end of its product.
    maxima: Vec<Vec<EF>>,
    /// For each of [`Circuit::reads`](crate::circuit::Circuit::reads), the value at its point.
    reads: Vec<EF>,
}

impl Matrix {
    /// The extension of the weights at a column, from the opened values of each block.
    fn weight(&self, column: &[EF], opened: &[Vec<EF>]) -> EF {
        let blocks = self.blocks.iter().zip(&opened[self.table..]);
        blocks
            .map(|(block, value)| {
                let high = &column[..column.len() - block.vars];
                eq_at(high, block.first >> block.vars) * value[0]
            })
            .sum()
    }
}

impl Verifier {
    /// Derives a verifier from an architecture that has passed its checks.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if the architecture does not permit proofs, or only proofs with too little
    /// soundness.
    pub fn new(plan: &Plan) -> Result<Self, SetupError> {
        Ok(Self { key: VerifyingKey::new(plan)? })
    }

    /// Soundness of an accepted proof in bits, under each assumption.
    pub fn security(&self) -> Security {
        self.key.security
    }

    /// Soundness of an accepted proof in bits: [`Security::statistical`], but at most the collision
    /// resistance of the hash, [`Security::HASH`].
    pub fn security_bits(&self) -> f64 {
        self.key.security.statistical.min(Security::HASH)
    }

    /// Length of the input in bytes.
    pub fn input_bytes(&self) -> usize {
        self.key.input_bytes()
    }

    /// Length of the output in bytes: one per int8 element, four per int32 element.
    pub fn output_bytes(&self) -> usize {
        self.key.output_bytes()
    }

    /// Upper bounds on the work of a verification, computed from the architecture alone.
    pub fn work(&self) -> Work {
        self.key.work()
    }

    /// Accepts `bytes` only if they prove the statement for the weights with the fingerprint
    /// `weights`. Obtain the fingerprint of the published weights from an [`Audit`](crate::Audit).
    /// Does not panic on any input.
    ///
    /// # Errors
    ///
    /// The first check that fails. [`Reject::Weights`] if the proof holds, but for weights with
    /// another fingerprint.
    pub fn verify(
        &self,
        statement: &Statement<'_>,
        weights: Fingerprint,
        bytes: &[u8],
    ) -> Result<(), Reject> {
        match self.proven_weights(statement, bytes)? == weights {
            true => Ok(()),
            false => Err(Reject::Weights),
        }
    }

    /// Verifies a proof for any weights that the version's root commits to, and returns the
    /// fingerprint of the weights that it covers.
    ///
    /// # Errors
    ///
    /// The first check that fails.
    pub(crate) fn proven_weights(
        &self,
        statement: &Statement<'_>,
        bytes: &[u8],
    ) -> Result<Fingerprint, Reject> {
        let (expected, found) = (self.input_bytes(), statement.input.len());
        if expected != found {
            return Err(Reject::InputLength { expected, found });
        }
        let (expected, found) = (self.output_bytes(), statement.output.len());
        if expected != found {
            return Err(Reject::OutputLength { expected, found });
        }
        let proof = Proof::decode(&self.key, bytes)?;

        // Replay the transcript in the prover's order. The claims are checked below.
        let mut challenger = absorb_items(&statement.items(&self.key.version));
        self.key.model.absorb(&self.key.weights_root, &mut challenger);
        self.key.witness.absorb(&proof.witness_root, &mut challenger);
        let challenges = Challenges { alpha: draw(&mut challenger), beta: draw(&mut challenger) };
        let leaf = fractions::verify(&proof.lookups, self.key.lookups.vars, &mut challenger)
            .map_err(|broken| Reject::Lookups(broken.to_string()))?;
        let mut ends = Ends { point: leaf.point, layers: Vec::new(), maxima: Vec::new() };
        let (mut layers, mut maxima) = (Vec::new(), Vec::new());
        for (layer, messages) in self.key.circuit.layers.iter().zip(&proof.layers) {
            let (claims, end) = self.replay_layer(layer, messages, &ends.point, &mut challenger)?;
            layers.push(claims);
            ends.layers.push(end);
        }
        for ((index, operand, _), messages) in self.key.circuit.maxima().zip(&proof.maxima) {
            let (claims, end) = self.replay_maximum(index, operand, messages, &mut challenger)?;
            maxima.push(claims);
            ends.maxima.push(end);
        }
        let opened = self
            .key
            .model
            .verify(
                &self.key.weights_root,
                &proof.model,
                &self.key.model_points(&ends),
                &mut challenger,
            )
            .map_err(Reject::ModelOpening)?;
        let (weights, fingerprint) = self.key.fingerprint_point.assign_opened(opened);
        let points = self.key.witness_points(&ends);
        let witness = self
            .key
            .witness
            .verify(&proof.witness_root, &proof.witness, &points, &mut challenger)
            .map_err(Reject::WitnessOpening)?;

        // From here on, `weights` and `opened` are evaluations of committed columns.
        let opened = self.assign_opened(&witness, statement, &ends);
        let leaves =
            self.key.lookups.evaluate(&self.key.circuit, &opened.cells, challenges, &ends.point);
        if leaves != (leaf.numerator, leaf.denominator) {
            return Err(Reject::LookupTie);
        }
        let mut reads = opened.reads.iter().copied();
        for ((layer, claims), end) in self.key.circuit.layers.iter().zip(&layers).zip(&ends.layers)
        {
            let operands: Vec<EF> = reads.by_ref().take(layer.operands.len()).collect();
            let accumulator = self.check_layer(layer, claims, end, &weights, &operands)?;
            self.check_reader(layer, claims, end, accumulator, &opened, statement, &ends.point)?;
        }
        for (index, (claims, end)) in maxima.iter().zip(&ends.maxima).enumerate() {
            let read = reads.next().unwrap_or_default();
            self.check_maximum(claims, end, &opened.maxima[index], read, &ends.point)?;
        }
        if let Some(activation) = self.key.circuit.output_activation {
            self.check_output(activation, &opened, statement, &ends.point)?;
        }
        Ok(fingerprint)
    }

    /// Replays the sumchecks of a layer. Returns their claims and the points at which they end.
    fn replay_layer(
        &self,
        layer: &Layer,
        messages: &LayerMessages,
        point: &[EF],
        challenger: &mut Challenger,
    ) -> Result<(LayerClaims, LayerEnd), Reject> {
        let replay = |sumcheck: &Option<Sumcheck>, rounds, challenger: &mut Challenger| {
            let present = sumcheck.as_ref().zip(rounds);
            let verified = present.map(|(sumcheck, rounds)| {
                sumcheck::verify(sumcheck, rounds, INNER_PRODUCT, challenger)
                    .map_err(|e| malformed(layer.operation, &e))
            });
            verified.transpose()
        };
        let scale = replay(&messages.scale, layer.scale_rounds(&self.key.circuit), challenger)?;
        let row = match layer.reader {
            Reader::Activation(_) => {
                let mut row = suffix(point, layer.grid.vars()).to_vec();
                if let Some(scale) = &scale {
                    row[..scale.point.len()].copy_from_slice(&scale.point);
                }
                row
            },
            Reader::Output => draw_point(layer.grid.vars(), challenger),
        };
        let product = replay(&messages.product, layer.product_rounds(), challenger)?;
        let wiring = replay(&messages.wiring, layer.wiring_rounds(), challenger)?;
        let end = layer.end(
            row,
            product.as_ref().map(|product| &product.point[..]),
            wiring.as_ref().map(|wiring| &wiring.point[..]),
        );
        Ok((LayerClaims { scale, product, wiring }, end))
    }

    /// Replays the sumchecks of a maximum. Returns their claims and the points at which they end.
    fn replay_maximum(
        &self,
        index: usize,
        operand: &Operand,
        messages: &MaximumMessages,
        challenger: &mut Challenger,
    ) -> Result<(MaximumClaims, MaximumEnd), Reject> {
        let activation = &self.key.circuit.activations[index];
        let replay = |sumcheck, rounds, factors, challenger: &mut Challenger| {
            sumcheck::verify(sumcheck, rounds, factors, challenger)
                .map_err(|e| malformed(activation.operation, &e))
        };
        let factors = activation.limbs() + 1;
        let zero = replay(&messages.zero, activation.grid.vars(), factors, challenger)?;
        let gamma = draw(challenger);
        let wiring = replay(&messages.wiring, operand.grid.vars(), INNER_PRODUCT, challenger)?;
        let (point, operand) = (zero.point.clone(), wiring.point.clone());
        let end = MaximumEnd { activation: index, point, operand };
        Ok((MaximumClaims { zero, wiring, gamma }, end))
    }

    /// Checks a layer's claims against the opened weights and operands. Returns the accumulators at
    /// the point `end.row`.
    fn check_layer(
        &self,
        layer: &Layer,
        claims: &LayerClaims,
        end: &LayerEnd,
        weights: &[Vec<EF>],
        operands: &[EF],
    ) -> Result<EF, Reject> {
        let operation = layer.operation;
        if let Linear::Add { multipliers } = &layer.linear {
            let terms = operands.iter().zip(multipliers);
            return Ok(terms.map(|(&value, m)| value * F::from_u32(m.get())).sum());
        }
        let mut read = operands.first().copied().unwrap_or_default();
        if let (Some(wiring), Some(window)) = (&claims.wiring, layer.window()) {
            let (operand, point) = (&layer.operands[0], &end.operands[0]);
            let reads = Wiring::new(window, &operand.grid, &layer.grid, &end.row);
            let kernel = layer.kernel(window, &end.row, end.weight.as_ref());
            if wiring.product != reads.evaluate(&kernel, point) * read {
                return Err(Reject::Window { operation });
            }
            read = wiring.sum;
        }
        let (Some(product), Some(matrix), Some((_, column))) =
            (&claims.product, &layer.matrix, &end.weight)
        else {
            return Ok(read);
        };
        let (weight, bias) = (matrix.weight(column, weights), weights[matrix.bias_table()][0]);
        if product.product != weight * read {
            return Err(Reject::Matvec { operation });
        }
        Ok(product.sum + bias * layer.grid.plane_indicator(&end.row))
    }

    /// Checks that accumulators agree with their reader. For a requantisation, `Σ_i
    /// eq(ρ,i)·M(i)·acc(i)` must equal `2^s·q + r - 2^(s-1)` at `ρ`, and its sumcheck over the
    /// channels must end in `eq(ρ,ρ')·M(ρ')·acc(ρ')`, where the products are taken per channel.
    #[expect(clippy::too_many_arguments)]
    fn check_reader(
        &self,
        layer: &Layer,
        claims: &LayerClaims,
        end: &LayerEnd,
        accumulator: EF,
        opened: &Opened,
        statement: &Statement<'_>,
        point: &[EF],
    ) -> Result<(), Reject> {
        let Reader::Activation(reader) = layer.reader else {
            return match accumulator == layer.grid.extend_int32(statement.output, &end.row) {
                true => Ok(()),
                false => Err(Reject::Output),
            };
        };
        let (activation, columns) =
            (&self.key.circuit.activations[reader], &opened.cells.activations[reader]);
        let operation = activation.operation;
        let Rule::Requantize { multipliers, .. } = &activation.rule else {
            return Err(Reject::Requantize { operation });
        };
        let expected = scaled_value(columns.keys, &columns.limbs, self.key.circuit.limb_bits);
        let Some(scale) = &claims.scale else {
            let multiplier = multipliers.first().map_or(0, |multiplier| multiplier.get());
            return match accumulator * F::from_u32(multiplier) == expected {
                true => Ok(()),
                false => Err(Reject::Requantize { operation }),
            };
        };
        if scale.sum != expected {
            return Err(Reject::Requantize { operation });
        }
        let [channel, _, _] = layer.grid.split(suffix(point, layer.grid.vars()));
        let scaled = scaled_eq(channel, multipliers);
        let factor: EF = scaled.iter().zip(eq_table(&scale.point)).map(|(&a, b)| a * b).sum();
        if scale.product != factor * accumulator {
            return Err(Reject::Scale { operation });
        }
        Ok(())
    }

    /// Checks that one difference of each window is 0, and that all are differences from what the
    /// window reads. Padding counts as -128.
    fn check_maximum(
        &self,
        claims: &MaximumClaims,
        end: &MaximumEnd,
        columns: &[EF],
        read: EF,
        point: &[EF],
    ) -> Result<(), Reject> {
        let activation = &self.key.circuit.activations[end.activation];
        let operation = activation.operation;
        let (Rule::Maximum { operand, window, .. }, Some((&value, differences))) =
            (&activation.rule, columns.split_first())
        else {
            return Err(Reject::Maximum { operation });
        };
        let vars = activation.grid.vars();
        let product: EF = differences.iter().copied().product();
        let product = product * eq_at_point(suffix(point, vars), &end.point);
        if claims.zero.sum != EF::ZERO || claims.zero.product != product {
            return Err(Reject::Maximum { operation });
        }
        let wiring = Wiring::new(window, &operand.grid, &activation.grid, &end.point);
        let [channel, _, _] = activation.grid.split(&end.point);
        let channels: EF = eq_table(channel).into_iter().take(activation.grid.axes[0].length).sum();
        let everywhere = activation.grid.indicator(&end.point);
        let powers = powers(claims.gamma, differences.len());
        let sum: EF = differences
            .iter()
            .zip(wiring.covered())
            .zip(powers)
            .map(|((&difference, covered), power)| {
                let outside = everywhere - channels * covered;
                (value - difference + outside * F::from_u64(128)) * power
            })
            .sum();
        let kernel = maximum_kernel(activation, window, &end.point, claims.gamma);
        let product = wiring.evaluate(&kernel, &end.operand) * read;
        if claims.wiring.sum != sum || claims.wiring.product != product {
            return Err(Reject::Window { operation });
        }
        Ok(())
    }

    /// Checks that the committed values and the public output agree at the lookups' point, which is
    /// drawn after both are fixed.
    fn check_output(
        &self,
        index: usize,
        opened: &Opened,
        statement: &Statement<'_>,
        point: &[EF],
    ) -> Result<(), Reject> {
        let grid = &self.key.circuit.activations[index].grid;
        let point = suffix(point, grid.vars());
        let value = opened.cells.activations[index].values;
        let values = self.unpadded(Source::Activation(index), value, grid, point);
        if values != grid.extend_int8(statement.output, point) {
            return Err(Reject::Output);
        }
        Ok(())
    }

    /// The evaluation of a column whose padding is replaced by zeros.
    fn unpadded(&self, source: Source, value: EF, grid: &Grid, point: &[EF]) -> EF {
        let padding = self.key.circuit.padding(source);
        if padding == 0 {
            return value;
        }
        value - (EF::ONE - grid.indicator(point)) * int(i64::from(padding))
    }

    /// Assigns the opened values to activations and reads, and evaluates the input where it is
    /// read.
    fn assign_opened(&self, witness: &[Vec<EF>], statement: &Statement<'_>, ends: &Ends) -> Opened {
        let circuit = &self.key.circuit;
        // Several reads of the input may be at the lookups' point. Each layout is evaluated once.
        let mut at_lookups: Vec<(Grid, EF)> = Vec::new();
        let mut input = |operand: &Operand, point: &[EF]| {
            let grid = operand.grid;
            let extend = || grid.extend_int8(statement.input, point);
            // The input may have more variables than the lookups' cube.
            if !ends.point.ends_with(point) {
                return extend();
            }
            let known = at_lookups.iter().find(|(known, _)| *known == grid);
            known.map(|(_, value)| *value).unwrap_or_else(|| {
                let value = extend();
                at_lookups.push((grid, value));
                value
            })
        };
        let mut reads: Vec<EF> = Vec::new();
        let mut previous: Option<(&Operand, &Vec<EF>)> = None;
        for (operand, point) in circuit.reads().zip(ends.reads()) {
            let value = match operand.source {
                // Both operands of an addition are read at one point.
                Source::Input if previous == Some((operand, point)) => {
                    reads.last().copied().unwrap_or_default()
                },
                Source::Input => input(operand, point),
                // Set below, from the activation's opening for each reader.
                Source::Activation(_) => EF::ZERO,
            };
            reads.push(value);
            previous = Some((operand, point));
        }
        let points: Vec<&Vec<EF>> = ends.reads().collect();
        let mut opened = witness.iter();
        let mut batch = || opened.next().map_or(&[][..], |values| &values[..]);
        let mut activations: Vec<Columns<EF>> = Vec::with_capacity(circuit.activations.len());
        let mut maxima = Vec::new();
        for (index, activation) in circuit.activations.iter().enumerate() {
            let values = batch();
            let point = suffix(&ends.point, activation.grid.vars());
            let (keys, limbs) = match &activation.rule {
                Rule::Requantize { .. } => (values[1], values[2..].to_vec()),
                // Keys and values have the same layout, hence the same point.
                Rule::Map { operand, .. } => match operand.source {
                    Source::Input => (input(operand, point), Vec::new()),
                    Source::Activation(source) => (activations[source].values, Vec::new()),
                },
                Rule::Maximum { .. } => {
                    maxima.push(batch().to_vec());
                    (EF::ZERO, values[1..].to_vec())
                },
            };
            activations.push(Columns { keys, values: values[0], limbs });
            for &read in &circuit.readers[index] {
                let (source, grid) = (Source::Activation(index), &activation.grid);
                reads[read] = self.unpadded(source, batch()[0], grid, points[read]);
            }
        }
        let multiplicities = circuit.tables.iter().map(|_| batch()[0]).collect();
        Opened { cells: Cells { activations, multiplicities }, maxima, reads }
    }
}

fn malformed(operation: usize, error: &dyn ToString) -> Reject {
    Reject::Sumcheck { operation, reason: error.to_string() }
}
