//! Integer graphs: reads, checks, runs and proves them. Executed in engine workers only.

use assay_dispute::{Player, Shown, Stage};
use assay_graph::{fast, CheckedGraph, Graph, Shape, TensorId};
use assay_primitives::{
    decode_payload, dispute::DisputeTask, engine::ProofContext, model::TensorDeclarations,
    proof::MAX_PROOF_BYTES, tensor::graph_dimensions, Digest, Dimension, ElementType, Tensor,
    TensorDeclaration,
};
use assay_proof::{Context, Prover, Statement};
use codec::{DecodeAll, Encode};

use crate::{
    problem::{dimension_text, model_problem, Problem},
    protocol::WorkerFailure,
};

/// A loaded graph that may be published, with the declarations of its version.
pub(crate) struct GraphModel {
    graph: CheckedGraph,
    inputs: TensorDeclarations,
    output_type: ElementType,
    output_shape: Vec<u32>,
    /// Made for the first proof, because most graphs are run without proofs.
    prover: Option<Prover>,
}

impl GraphModel {
    /// Reads the file and checks the digest of its architecture, all rules of publication, and the
    /// declarations.
    pub(crate) fn load(
        inputs: TensorDeclarations,
        outputs: &TensorDeclarations,
        architecture: Digest,
        bytes: Vec<u8>,
    ) -> Result<Self, Problem> {
        let graph = Graph::from_bytes(&bytes).map_err(model_problem)?;
        drop(bytes);
        let found = Digest::from(graph.digest());
        if found != architecture {
            return Err(declared(format!(
                "the version states the architecture {architecture:?}, the file has {found:?}"
            )));
        }
        let graph = CheckedGraph::new(graph).map_err(model_problem)?;
        let plan = graph.plan();
        let (Some(input), Some(output)) = (plan.shape(TensorId::INPUT), plan.shape(plan.output()))
        else {
            return Err(model_problem("the graph has no input or no output"));
        };
        let output_type = match plan.element_type(plan.output()) {
            Some(assay_graph::ElementType::Int32) => ElementType::I32,
            _ => ElementType::I8,
        };
        check_side("input", &inputs, ElementType::I8, input)?;
        let output_shape = check_side("output", outputs, output_type, output)?;
        Ok(Self { graph, inputs, output_type, output_shape, prover: None })
    }

    /// Runs the graph on a payload. Returns the encoded output, of at most `max_bytes`.
    pub(crate) fn run(&self, payload: &[u8], max_bytes: u64) -> Result<Vec<u8>, Problem> {
        let input: Vec<i8> = self.input(payload)?.iter().map(|byte| *byte as i8).collect();
        let output = fast::run(&self.graph, &input)
            .map_err(|error| Problem::new(WorkerFailure::Run, error.to_string()))?;
        self.output(output.to_bytes(), max_bytes)
    }

    /// Makes the prover, unless there is one.
    pub(crate) fn prepare(&mut self) -> Result<(), Problem> {
        if self.prover.is_none() {
            let prover = Prover::new(&self.graph)
                .map_err(|error| Problem::new(WorkerFailure::Proof, error.to_string()))?;
            self.prover = Some(prover);
        }
        Ok(())
    }

    /// Runs the graph on a payload and proves the run. Returns output and proof.
    ///
    /// A proof that does not verify is an error here, because submitting it would cost the
    /// operator.
    pub(crate) fn prove(
        &self,
        payload: &[u8],
        context: &ProofContext,
        max_bytes: u64,
    ) -> Result<(Vec<u8>, Vec<u8>), Problem> {
        let unproven = |text: String| Problem::new(WorkerFailure::Proof, text);
        let prover = self
            .prover
            .as_ref()
            .ok_or_else(|| Problem::new(WorkerFailure::Worker, "the prover is not prepared"))?;
        let input = self.input(payload)?;
        let context = Context {
            genesis: context.genesis,
            domain: &context.domain,
            request: &context.request,
            requester: context.requester,
            operator: context.operator,
        };
        let proven = prover.prove(&context, &input).map_err(|error| unproven(error.to_string()))?;
        let statement = Statement { context, input: &input, output: &proven.output };
        prover
            .verifier()
            .verify(&statement, prover.fingerprint(), &proven.proof)
            .map_err(|reject| unproven(format!("the proof does not verify: {reject}")))?;
        let size = proven.proof.len();
        if size > MAX_PROOF_BYTES as usize {
            return Err(unproven(format!(
                "the proof has {size} bytes; the chain accepts at most {MAX_PROOF_BYTES}"
            )));
        }
        Ok((self.output(proven.output, max_bytes)?, proven.proof))
    }

    /// Runs the graph on a payload, and returns the claim or the move that `task` requests.
    pub(crate) fn dispute_move(
        &self,
        payload: &[u8],
        task: &DisputeTask,
        max_bytes: u64,
    ) -> Result<Vec<u8>, Problem> {
        let input: Vec<i8> = self.input(payload)?.iter().map(|byte| *byte as i8).collect();
        let player = Player::new(&self.graph, &input)
            .map_err(|error| Problem::new(WorkerFailure::Run, error.to_string()))?;
        let stage = |mut bytes: &[u8]| {
            Stage::decode_all(&mut bytes).map_err(|error| {
                Problem::new(WorkerFailure::Run, format!("not a stage of a dispute: {error}"))
            })
        };
        Ok(match task {
            DisputeTask::Claim => {
                let output = player.output().map(assay_graph::Tensor::to_bytes).unwrap_or_default();
                (self.output(output, max_bytes)?, player.trace_root()).encode()
            },
            DisputeTask::Answer(bytes) => player.answer(&stage(bytes)?).encode(),
            DisputeTask::Choose { stage: bytes, shown } => {
                let shown = Option::<Shown>::decode_all(&mut &shown[..]).map_err(|error| {
                    let text = format!("not what an operator has shown: {error}");
                    Problem::new(WorkerFailure::Run, text)
                })?;
                player.choose(&stage(bytes)?, shown.as_ref()).encode()
            },
        })
    }

    /// The elements of the input tensor, one byte each.
    fn input(&self, payload: &[u8]) -> Result<Vec<u8>, Problem> {
        let unchecked = |text| Problem::new(WorkerFailure::Worker, text);
        let mut tensors = decode_payload(payload, &self.inputs)
            .map_err(|error| unchecked(format!("the engine did not check the input: {error}")))?;
        match tensors.pop() {
            Some(tensor) if tensors.is_empty() => Ok(tensor.data),
            _ => Err(unchecked(
                "the engine did not check the input: it is not exactly one tensor".into(),
            )),
        }
    }

    fn output(&self, data: Vec<u8>, max_bytes: u64) -> Result<Vec<u8>, Problem> {
        let shape = self.output_shape.clone();
        let payload = vec![Tensor { element_type: self.output_type, shape, data }].encode();
        if payload.len() as u64 > max_bytes {
            return Err(Problem::new(WorkerFailure::OutputSize, ""));
        }
        Ok(payload)
    }
}

fn declared(text: String) -> Problem {
    Problem::new(WorkerFailure::Declaration, text)
}

/// Checks that the declarations of one side are those of the graph's only tensor there. Returns the
/// shape as payloads state it.
fn check_side(
    side: &str,
    declarations: &[TensorDeclaration],
    element_type: ElementType,
    shape: Shape,
) -> Result<Vec<u32>, Problem> {
    let [tensor] = declarations else {
        let count = declarations.len();
        return Err(declared(format!(
            "{count} {side}s are declared; an integer graph has exactly one"
        )));
    };
    let extent = [shape.channels, shape.height, shape.width];
    if !tensor.is_graph_tensor(element_type, extent) {
        let dimensions: Vec<String> = tensor.shape.iter().map(dimension_text).collect();
        return Err(declared(format!(
            "{side} `{}` is declared as {} [{}], but is {} {:?} in the graph",
            tensor.name(),
            tensor.element_type.name(),
            dimensions.join(", "),
            element_type.name(),
            graph_dimensions(extent),
        )));
    }
    let sizes = tensor.shape.iter().map(|dimension| match dimension {
        Dimension::Fixed(size) => Ok(*size),
        Dimension::Free => Err(declared(format!("{side} has a free dimension"))),
    });
    sizes.collect()
}
