//! The prover: commits to a model once, then proves inferences.

mod deviation;
mod execution;
mod lookups;
#[cfg(test)]
mod tests;

use crate::{
    circuit::{Circuit, Layer, Reader, Rule},
    encoding::Proof,
    error::SetupError,
    field::{dot, eq_table, int, EF, F},
    logup::Challenges,
    parameters::ProofParameters,
    pcs::{challenger, Pcs, Secret},
    sumcheck,
    transcript::{absorb_items, Context, Statement},
    verifier::{draw, draw_point, scaled_eq, scaled_value, suffix, End, Verifier},
};
use alloc::{vec, vec::Vec};
use assay_graph::{CheckedGraph, Digest, Graph, Parameters, Plan, Weights};
use deviation::{Deviation, Honest};
use execution::Execution;
use p3_field::PrimeCharacteristicRing;

/// Why there is no proof.
#[derive(Clone, PartialEq, Debug)]
pub enum ProveError {
    /// The input does not have the length of the model's input.
    InputLength {
        /// Bytes expected.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// An accumulator left int32, which no accumulator of a checked graph does.
    Overflow,
    /// The polynomial commitment refuses to be opened.
    Opening(SetupError),
}

impl core::fmt::Display for ProveError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::InputLength { expected, found } => {
                write!(f, "an input of {found} bytes, not {expected}")
            },
            Self::Overflow => write!(f, "an accumulator left int32"),
            Self::Opening(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for ProveError {}

/// An inference with its proof.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proven {
    /// The output, as [`Statement::output`] has it.
    pub output: Vec<u8>,
    /// What [`Verifier::verify`] takes.
    pub proof: Vec<u8>,
}

/// Fills in the proof parameters and the root of the weights, which both belong to the version.
///
/// Comes after the last change of operations and weights; the graph's digest changes. Takes memory
/// of 8 bytes times the inverse rate for each weight, rounded up to powers of two, and twice that.
pub fn seal(graph: &mut Graph, parameters: &ProofParameters) -> Result<(), SetupError> {
    if !parameters.is_within_bounds() {
        return Err(SetupError::ProofParameters);
    }
    let mut architecture = graph.architecture.clone();
    architecture.commitments.proof_parameters = parameters.to_list();
    let plan = Plan::new(architecture).map_err(SetupError::Graph)?;
    let verifier = Verifier::new(&plan)?;
    let tables = model_tables(&verifier.circuit, &graph.weights)?;
    let (root, _) = commit(&verifier.model, &tables)?;
    graph.architecture.commitments.proof_parameters = parameters.to_list();
    graph.architecture.commitments.weights_root = root;
    Ok(())
}

/// Proves inferences of one model.
pub struct Prover {
    verifier: Verifier,
    weights: Weights,
    /// For each layer the padded weights and the padded biases, in one column each.
    tables: Vec<Vec<Vec<F>>>,
    secret: Secret,
}

impl Prover {
    /// Commits to the weights and compares the root with the architecture's.
    pub fn new(graph: &CheckedGraph) -> Result<Self, SetupError> {
        let verifier = Verifier::new(graph.plan())?;
        let weights = graph.weights().clone();
        let tables = model_tables(&verifier.circuit, &weights)?;
        let (expected, secret) = commit(&verifier.model, &tables)?;
        let found = verifier.weights_root;
        if expected != found {
            return Err(SetupError::WeightsRoot { expected, found });
        }
        Ok(Self { verifier, weights, tables, secret })
    }

    /// The verifier of the same model.
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Runs the model and proves the run. `input` has one byte for each element, in two's
    /// complement.
    pub fn prove(&self, context: &Context<'_>, input: &[u8]) -> Result<Proven, ProveError> {
        self.prove_with(context, input, &Honest)
    }

    fn prove_with(
        &self,
        context: &Context<'_>,
        input: &[u8],
        deviation: &dyn Deviation,
    ) -> Result<Proven, ProveError> {
        let verifier = &self.verifier;
        let circuit = &verifier.circuit;
        let (expected, found) = (circuit.input_length, input.len());
        if expected != found {
            return Err(ProveError::InputLength { expected, found });
        }
        let run = Execution::new(circuit, &self.weights, input, deviation)?;

        let statement = Statement { context: *context, input, output: &run.output };
        let items = deviation.items(statement.items(&verifier.version).to_vec());
        let mut challenger = absorb_items(&items);
        verifier.model.absorb(&verifier.weights_root, &mut challenger);
        let (witness_root, witness_secret) = verifier
            .witness
            .commit(&run.witness_tables(circuit), &mut challenger)
            .map_err(ProveError::Opening)?;
        let challenges = Challenges { alpha: draw(&mut challenger), beta: draw(&mut challenger) };
        let (lookups, point) = verifier.lookups.prove(
            circuit,
            &run.cells,
            challenges,
            deviation.bends_lookups(),
            &mut challenger,
        );

        let (mut scale, mut matvec, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for (index, layer) in circuit.layers.iter().enumerate() {
            let accumulators = &run.accumulators[index];
            let row = match layer.reader {
                Reader::Activation(activation) => {
                    let (weights, claim) = self.scale_claim(
                        activation,
                        &run,
                        accumulators,
                        suffix(&point, layer.output_vars()),
                        deviation,
                    );
                    let lifted = accumulators.iter().map(|&a| EF::from(a)).collect();
                    let (proof, row) = sumcheck::prove(weights, lifted, claim, &mut challenger);
                    scale.push(proof);
                    row
                },
                Reader::Output => draw_point(layer.output_vars(), &mut challenger),
            };
            let eq = eq_table(&row);
            let [matrix, bias] = [2 * index, 2 * index + 1].map(|table| &self.tables[table][0]);
            let claim = dot(&eq, accumulators) - dot(&eq, bias);
            let input = run.inputs[index].iter().map(|&x| EF::from(x)).collect();
            let (proof, column) =
                sumcheck::prove(weighted_rows(&eq, matrix, layer), input, claim, &mut challenger);
            matvec.push(proof);
            ends.push(End { row, column });
        }

        let model = verifier
            .model
            .open(self.secret.clone(), verifier.model_points(&ends), &mut challenger)
            .map_err(ProveError::Opening)?;
        let points = verifier.witness_points(&point, &ends);
        let witness = verifier
            .witness
            .open(witness_secret, points, &mut challenger)
            .map_err(ProveError::Opening)?;
        let proof = Proof { witness_root, lookups, scale, matvec, model, witness };
        Ok(Proven { output: run.output, proof: proof.encode() })
    }

    /// The weights `eq(ρ,i)·M(i)` of a requantisation's sum over accumulators, and the sum.
    fn scale_claim(
        &self,
        activation: usize,
        run: &Execution,
        accumulators: &[F],
        point: &[EF],
        deviation: &dyn Deviation,
    ) -> (Vec<EF>, EF) {
        let circuit = &self.verifier.circuit;
        let multipliers = match &circuit.activations[activation].rule {
            Rule::Requantize { multipliers, .. } => &multipliers[..],
            Rule::Map { .. } => &[],
        };
        let weights = scaled_eq(point, multipliers);
        let honest = dot(&weights, accumulators);
        let claim = deviation.scaled_claim(honest, &|| {
            let eq = eq_table(point);
            let columns = &run.cells.activations[activation];
            let limbs: Vec<EF> = columns.limbs.iter().map(|limb| dot(&eq, limb)).collect();
            scaled_value(dot(&eq, &columns.keys), &limbs, circuit.limb_bits)
        });
        (weights, claim)
    }
}

fn commit(pcs: &Pcs, tables: &[Vec<Vec<F>>]) -> Result<(Digest, Secret), SetupError> {
    // A commitment of its own: what absorbs the root is the transcript of each proof.
    pcs.commit(tables, &mut challenger(Vec::new()))
}

/// Columns in the order of [`Circuit::model_tables`].
fn model_tables(circuit: &Circuit, weights: &Weights) -> Result<Vec<Vec<Vec<F>>>, SetupError> {
    let mut tables = Vec::new();
    if weights.parameters.len() != circuit.layers.len() {
        return Err(SetupError::Weights);
    }
    for (layer, Parameters { weights, bias }) in circuit.layers.iter().zip(&weights.parameters) {
        if weights.len() != layer.inputs * layer.outputs || bias.len() != layer.outputs {
            return Err(SetupError::Weights);
        }
        let columns = 1 << layer.input_vars();
        let mut matrix = vec![F::ZERO; columns << layer.output_vars()];
        for (cells, row) in matrix.chunks_exact_mut(columns).zip(weights.chunks_exact(layer.inputs))
        {
            cells.iter_mut().zip(row).for_each(|(cell, w)| *cell = int(i64::from(*w)));
        }
        let mut biases: Vec<F> = bias.iter().map(|b| int(i64::from(*b))).collect();
        biases.resize(1 << layer.output_vars(), F::ZERO);
        tables.push(vec![matrix]);
        tables.push(vec![biases]);
    }
    Ok(tables)
}

/// `Σ_i eq[i]·W(i, ·)`.
fn weighted_rows(eq: &[EF], matrix: &[F], layer: &Layer) -> Vec<EF> {
    let mut sum = vec![EF::ZERO; 1 << layer.input_vars()];
    for (row, &weight) in matrix.chunks_exact(sum.len()).take(layer.outputs).zip(eq) {
        for (cell, &w) in sum.iter_mut().zip(row).take(layer.inputs) {
            *cell += weight * w;
        }
    }
    sum
}
