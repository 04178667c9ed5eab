//! The prover: commits to a model once, then proves inferences.

mod deviation;
mod execution;
mod lookups;
mod reduce;
#[cfg(test)]
mod tests;

use crate::{
    audit::Audit,
    circuit::{Circuit, Linear},
    claims::Ends,
    encoding::Proof,
    error::SetupError,
    field::{int, F},
    fingerprint::Fingerprint,
    logup::Challenges,
    parameters::ProofParameters,
    pcs::{challenger, Pcs, Secret},
    transcript::{absorb_items, draw, Context, Statement},
    verifier::Verifier,
};
use alloc::{vec, vec::Vec};
use assay_graph::{CheckedGraph, Digest, Graph, Parameters, Plan, Weights};
use deviation::{Deviation, Honest};
use execution::Execution;
use p3_field::PrimeCharacteristicRing;
use reduce::Task;

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
    let tables = model_tables(&verifier.key.circuit, &graph.weights)?;
    let (root, _) = commit(&verifier.key.model, &tables)?;
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
    fingerprint: Fingerprint,
}

impl Prover {
    /// Commits to the weights and compares the root with the architecture's.
    pub fn new(graph: &CheckedGraph) -> Result<Self, SetupError> {
        let verifier = Verifier::new(graph.plan())?;
        let weights = graph.weights().clone();
        let tables = model_tables(&verifier.key.circuit, &weights)?;
        let (expected, secret) = commit(&verifier.key.model, &tables)?;
        let found = verifier.key.weights_root;
        if expected != found {
            return Err(SetupError::WeightsRoot { expected, found });
        }
        let fingerprint = Audit::new(graph.plan())?.fingerprint(&weights);
        let fingerprint = fingerprint.ok_or(SetupError::Weights)?;
        Ok(Self { verifier, weights, tables, secret, fingerprint })
    }

    /// The fingerprint of the weights, which [`Verifier::verify`] compares.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
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
        let circuit = &verifier.key.circuit;
        let (expected, found) = (verifier.input_bytes(), input.len());
        if expected != found {
            return Err(ProveError::InputLength { expected, found });
        }
        let run = Execution::new(circuit, &self.weights, input, deviation)?;

        let statement = Statement { context: *context, input, output: &run.output };
        let items = deviation.items(statement.items(&verifier.key.version).to_vec());
        let mut challenger = absorb_items(&items);
        verifier.key.model.absorb(&verifier.key.weights_root, &mut challenger);
        let (witness_root, witness_secret) = verifier
            .key
            .witness
            .commit(&run.witness_tables(circuit), &mut challenger)
            .map_err(ProveError::Opening)?;
        let challenges = Challenges { alpha: draw(&mut challenger), beta: draw(&mut challenger) };
        let (lookups, point) = verifier.key.lookups.prove(
            circuit,
            &run.cells,
            challenges,
            deviation.bends_lookups(),
            &mut challenger,
        );

        let mut ends = Ends { point, layers: Vec::new(), maxima: Vec::new() };
        let (mut layers, mut maxima) = (Vec::new(), Vec::new());
        let mut reads = run.reads.iter();
        let task = Task { prover: self, run: &run, deviation };
        for (index, layer) in circuit.layers.iter().enumerate() {
            let operands: Vec<&[F]> =
                reads.by_ref().take(layer.operands.len()).map(Vec::as_slice).collect();
            let (messages, end) = task.reduce_layer(index, &operands, &ends.point, &mut challenger);
            layers.push(messages);
            ends.layers.push(end);
        }
        for ((index, operand, window), read) in circuit.maxima().zip(reads) {
            let (messages, end) =
                task.reduce_maximum(index, operand, window, read, &ends.point, &mut challenger);
            maxima.push(messages);
            ends.maxima.push(end);
        }

        let model = verifier
            .key
            .model
            .open(self.secret.clone(), &verifier.key.model_points(&ends), &mut challenger)
            .map_err(ProveError::Opening)?;
        let points = verifier.key.witness_points(&ends);
        let witness = verifier
            .key
            .witness
            .open(witness_secret, &points, &mut challenger)
            .map_err(ProveError::Opening)?;
        let proof = Proof { witness_root, lookups, layers, maxima, model, witness };
        Ok(Proven { output: run.output, proof: proof.encode() })
    }
}

fn commit(pcs: &Pcs, tables: &[Vec<Vec<F>>]) -> Result<(Digest, Secret), SetupError> {
    // A commitment of its own: what absorbs the root is the transcript of each proof.
    pcs.commit(tables, &mut challenger(Vec::new()))
}

/// Columns in the order of [`Circuit::model_tables`].
fn model_tables(circuit: &Circuit, weights: &Weights) -> Result<Vec<Vec<Vec<F>>>, SetupError> {
    let layers = circuit.layers.iter().filter_map(|layer| Some((layer, layer.matrix.as_ref()?)));
    let layers: Vec<_> = layers.collect();
    if weights.parameters.len() != layers.len() {
        return Err(SetupError::Weights);
    }
    let mut tables = Vec::new();
    for ((layer, matrix), Parameters { weights, bias }) in
        layers.into_iter().zip(&weights.parameters)
    {
        if weights.len() != matrix.rows * matrix.columns || bias.len() != matrix.rows {
            return Err(SetupError::Weights);
        }
        // The columns of a dense layer lie as what they are multiplied with.
        let places: Vec<usize> = match layer.linear {
            Linear::Dense => layer.operands[0].grid.cells().collect(),
            _ => (0..matrix.columns).collect(),
        };
        for block in &matrix.blocks {
            let size = 1 << block.vars;
            let mut cells = vec![F::ZERO; size << matrix.row_vars];
            let inside = |(place, w): (&usize, &i8)| {
                let place = place.checked_sub(block.first).filter(|place| *place < size)?;
                Some((place, int(i64::from(*w))))
            };
            for (cells, row) in
                cells.chunks_exact_mut(size).zip(weights.chunks_exact(matrix.columns))
            {
                places.iter().zip(row).filter_map(inside).for_each(|(i, w)| cells[i] = w);
            }
            tables.push(vec![cells]);
        }
        let mut biases: Vec<F> = bias.iter().map(|b| int(i64::from(*b))).collect();
        biases.resize(1 << matrix.bias_vars(), F::ZERO);
        tables.push(vec![biases]);
    }
    Ok(tables)
}
