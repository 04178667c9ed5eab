//! The prover: commits to a model once, then proves any number of inferences.

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
    pcs::{challenger, Pcs, ProverData},
    transcript::{absorb_items, draw, Context, Statement},
    verifier::Verifier,
};
use alloc::{vec, vec::Vec};
use assay_graph::{CheckedGraph, Digest, Graph, Parameters, Plan, Weights};
use deviation::{Deviation, Honest};
use execution::Execution;
use p3_field::PrimeCharacteristicRing;
use reduce::Task;

/// Why an inference cannot be proven.
#[derive(Clone, PartialEq, Debug)]
pub enum ProveError {
    /// The input's length is not that of the model's input.
    InputLength {
        /// Expected length in bytes.
        expected: usize,
        /// Actual length in bytes.
        found: usize,
    },
    /// An accumulator left int32. This does not happen with a checked graph.
    Overflow,
    /// The polynomial commitment refused to open.
    Opening(SetupError),
}

impl core::fmt::Display for ProveError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::InputLength { expected, found } => {
                write!(f, "the input has {found} bytes, expected {expected}")
            },
            Self::Overflow => write!(f, "an accumulator left int32"),
            Self::Opening(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for ProveError {}

/// An inference and its proof.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proven {
    /// The output, encoded as in [`Statement::output`].
    pub output: Vec<u8>,
    /// The proof, as [`Verifier::verify`] expects it.
    pub proof: Vec<u8>,
}

/// Writes the proof parameters and the root of the weights into an architecture. Both belong to the
/// version.
///
/// Call this after the last change of operations or weights. It changes the graph's digest.
/// Encoding takes 8 bytes times the inverse rate per cell of weights (their number rounded up to a
/// power of two), and temporarily more.
///
/// # Errors
///
/// [`SetupError`] if the parameters are out of bounds, the architecture breaks a rule of
/// publication, or the model cannot be proven with these parameters. The graph is unchanged.
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
///
/// Holds the commitment to the weights, which takes 8 bytes times the inverse rate per cell of
/// weights. Keep it when proving several inferences of one model.
///
/// ```
/// use assay_graph::{
///     Architecture, CheckedGraph, Commitments, Dense, FormatVersion, Graph, List, Operation,
///     Parameters, Scale, Shape, TensorId, Weights,
/// };
/// use assay_proof::{seal, Context, ProofParameters, Prover, Statement};
///
/// // One dense layer: two outputs, each a weighted sum of three inputs and a bias.
/// let dense = Operation::Dense(Dense { input: TensorId(0), rows: 2 });
/// let mut graph = Graph {
///     architecture: Architecture {
///         format_version: FormatVersion::V1,
///         input_shape: Shape::vector(3),
///         input_scale: Scale::ONE,
///         output_scale: Scale::ONE,
///         operations: List::try_from(vec![dense])?,
///         commitments: Commitments::default(),
///     },
///     weights: Weights {
///         parameters: List::try_from(vec![Parameters {
///             weights: List::try_from(vec![1, 2, 3, -1, -2, -3])?,
///             bias: List::try_from(vec![10, 20])?,
///         }])?,
///     },
/// };
/// graph.complete()?;
/// seal(&mut graph, &ProofParameters::RECOMMENDED)?;
///
/// let prover = Prover::new(&CheckedGraph::new(graph)?)?;
/// let context = Context {
///     genesis: [0; 32],
///     domain: b"example",
///     request: b"1",
///     requester: [1; 32],
///     operator: [2; 32],
/// };
/// let input = [1, 1, 1];
/// let proven = prover.prove(&context, &input)?;
/// assert_eq!(proven.output, [16_i32.to_le_bytes(), 14_i32.to_le_bytes()].concat());
///
/// let verifier = prover.verifier();
/// let statement = Statement { context, input: &input, output: &proven.output };
/// verifier.verify(&statement, prover.fingerprint(), &proven.proof)?;
/// // The proof holds for no other output.
/// let wrong = Statement { output: &[0; 8], ..statement };
/// assert!(verifier.verify(&wrong, prover.fingerprint(), &proven.proof).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Prover {
    verifier: Verifier,
    weights: Weights,
    /// The padded weights and biases of each layer, in the order of [`Circuit::model_tables`].
    tables: Vec<Vec<Vec<F>>>,
    prover_data: ProverData,
    fingerprint: Fingerprint,
}

impl Prover {
    /// Commits to the weights and compares the root with the one in the architecture.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if the model cannot be proven or the root differs; see [`seal`].
    pub fn new(graph: &CheckedGraph) -> Result<Self, SetupError> {
        let verifier = Verifier::new(graph.plan())?;
        let weights = graph.weights().clone();
        let tables = model_tables(&verifier.key.circuit, &weights)?;
        let (expected, prover_data) = commit(&verifier.key.model, &tables)?;
        let found = verifier.key.weights_root;
        if expected != found {
            return Err(SetupError::WeightsRoot { expected, found });
        }
        let fingerprint = Audit::new(graph.plan())?.fingerprint(&weights);
        let fingerprint = fingerprint.ok_or(SetupError::Weights)?;
        Ok(Self { verifier, weights, tables, prover_data, fingerprint })
    }

    /// The fingerprint of the weights. [`Verifier::verify`] expects it.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The verifier of the same model.
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Runs the model on `input`, one byte per element in two's complement, and proves the run.
    ///
    /// # Errors
    ///
    /// [`ProveError`] if the input has the wrong length, or the run or the opening fails.
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
        let (witness_root, witness_data) = verifier
            .key
            .witness
            .commit(&run.witness_tables(circuit), &mut challenger)
            .map_err(ProveError::Opening)?;
        let challenges = Challenges { alpha: draw(&mut challenger), beta: draw(&mut challenger) };
        let (lookups, point) = verifier.key.lookups.prove(
            circuit,
            &run.cells,
            challenges,
            deviation.forges_lookup_sum(),
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
            .open(self.prover_data.clone(), &verifier.key.model_points(&ends), &mut challenger)
            .map_err(ProveError::Opening)?;
        let points = verifier.key.witness_points(&ends);
        let witness = verifier
            .key
            .witness
            .open(witness_data, &points, &mut challenger)
            .map_err(ProveError::Opening)?;
        let proof = Proof { witness_root, lookups, layers, maxima, model, witness };
        Ok(Proven { output: run.output, proof: proof.encode() })
    }
}

fn commit(pcs: &Pcs, tables: &[Vec<Vec<F>>]) -> Result<(Digest, ProverData), SetupError> {
    // The transcript is discarded: each proof absorbs the root into its own.
    pcs.commit(tables, &mut challenger(Vec::new()))
}

/// The columns of the weights, in the order of [`Circuit::model_tables`].
///
/// # Errors
///
/// [`SetupError::Weights`] if the weights do not have the shapes of the circuit.
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
        // The columns of a dense layer have the layout of its operand.
        let positions: Vec<usize> = match layer.linear {
            Linear::Dense => layer.operands[0].grid.cells().collect(),
            _ => (0..matrix.columns).collect(),
        };
        for block in &matrix.blocks {
            let size = 1 << block.vars;
            let mut cells = vec![F::ZERO; size << matrix.row_vars];
            let inside = |(position, w): (&usize, &i8)| {
                let cell = position.checked_sub(block.first).filter(|cell| *cell < size)?;
                Some((cell, int(i64::from(*w))))
            };
            for (cells, row) in
                cells.chunks_exact_mut(size).zip(weights.chunks_exact(matrix.columns))
            {
                positions.iter().zip(row).filter_map(inside).for_each(|(i, w)| cells[i] = w);
            }
            tables.push(vec![cells]);
        }
        let mut biases: Vec<F> = bias.iter().map(|b| int(i64::from(*b))).collect();
        biases.resize(1 << matrix.bias_vars(), F::ZERO);
        tables.push(vec![biases]);
    }
    Ok(tables)
}
