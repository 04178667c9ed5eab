//! Integer graphs: checks before publication, declarations, scales.

use std::path::Path;

use assay_graph::{Architecture, CheckedGraph, Graph, Plan, Scale, TensorId};
use assay_primitives::{
    proof::MAX_ARCHITECTURE_BYTES, runtime_api::VersionView, tensor::graph_dimensions, Digest,
    Dimension, ElementType, TensorDeclaration, MAX_ARTIFACT_BYTES,
};
use assay_proof::{Prover, Verifier};
use codec::Encode;
use serde_json::Value;

use crate::{AccountId, Client, Declaration, Error, Result};

/// Default name of the input.
const INPUT: &str = "input";
/// Default name of the output.
const OUTPUT: &str = "output";

/// Whether a file is an integer graph, according to its first byte, the format version. ONNX files
/// start with another byte.
pub fn is_graph(bytes: &[u8]) -> bool {
    bytes.first() == Some(&1)
}

/// An integer graph with its weights that passed the checks for publication.
#[derive(Clone, Debug)]
pub struct GraphFile {
    graph: CheckedGraph,
}

impl GraphFile {
    /// Decodes an [`assay_graph::Graph`] and checks all rules except those for proofs.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with the violated rule.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let invalid = |error: &dyn std::fmt::Display| {
            Error::invalid(format!("this is not an integer graph that can be published: {error}"))
        };
        if bytes.len() as u64 > MAX_ARTIFACT_BYTES {
            return Err(Error::invalid(format!(
                "the graph has {} bytes; the maximum is {MAX_ARTIFACT_BYTES}",
                bytes.len()
            )));
        }
        let graph = Graph::from_bytes(bytes).map_err(|error| invalid(&error))?;
        let graph = CheckedGraph::new(graph).map_err(|error| invalid(&error))?;
        let size = graph.plan().architecture().encoded_size();
        if size > MAX_ARCHITECTURE_BYTES as usize {
            return Err(Error::invalid(format!(
                "the graph's architecture has {size} bytes; the maximum is {MAX_ARCHITECTURE_BYTES}. \
                 Use one multiplier for all channels, or fewer operations"
            )));
        }
        Ok(Self { graph })
    }

    /// The architecture, which is published with the artifact.
    pub fn architecture(&self) -> &Architecture {
        self.graph.plan().architecture()
    }

    /// The graph.
    pub const fn graph(&self) -> &CheckedGraph {
        &self.graph
    }

    /// The default declaration of a version of the graph, with the names `input` and `output`.
    pub fn declaration(&self) -> Declaration {
        declaration(self.graph.plan())
    }

    /// The declaration next to a graph's file, in the file with `.json` appended to its name, as
    /// `assay model quantize` writes it; without one, [`Self::declaration`]. The licence may also be
    /// in a `model.json` next to the file.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if a declaration exists and cannot be read.
    pub fn declaration_beside(&self, file: impl AsRef<Path>) -> Result<Declaration> {
        let mut declared = declaration_beside(self.graph.plan(), file.as_ref())?;
        if declared.licence.is_none() {
            declared.licence = Declaration::find_beside(file)?.and_then(|beside| beside.licence);
        }
        Ok(declared)
    }

    /// Checks that a declaration fits this graph: one input and one output of the graph's types and
    /// shapes.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with the required type and shape.
    pub fn check_declaration(&self, declared: &Declaration) -> Result<()> {
        check_declaration(self.graph.plan(), declared)
    }

    /// Bits of soundness of this graph's proofs.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if its runs cannot be proven.
    pub fn security_bits(&self) -> Result<f64> {
        verifier(self.graph.plan()).map(|verifier| verifier.security_bits())
    }

    /// [`Self::security_bits`], after recomputing the commitment to the weights and comparing it with
    /// the graph's. Takes seconds and some hundred megabytes for a million weights.
    ///
    /// # Errors
    ///
    /// Those of [`Self::security_bits`]. [`Error::Invalid`] if the commitments differ.
    pub fn check_provable(&self) -> Result<f64> {
        let prover = Prover::new(&self.graph).map_err(unprovable)?;
        Ok(prover.verifier().security_bits())
    }
}

/// The verifier of an architecture's proofs.
pub(crate) fn verifier(plan: &Plan) -> Result<Verifier> {
    Verifier::new(plan).map_err(unprovable)
}

pub(crate) fn unprovable(error: assay_proof::SetupError) -> Error {
    Error::invalid(format!(
        "runs of this graph cannot be proven: {error}. Regenerate it with `assay model quantize`, or \
         omit class proof"
    ))
}

/// The element type of a tensor, and its channels, height and width.
fn tensor_of(plan: &Plan, tensor: TensorId) -> (ElementType, [u32; 3]) {
    let element_type = match plan.element_type(tensor) {
        Some(assay_graph::ElementType::Int32) => ElementType::I32,
        _ => ElementType::I8,
    };
    let extent = plan.shape(tensor).map(|shape| [shape.channels, shape.height, shape.width]);
    (element_type, extent.unwrap_or_default())
}

/// The default declaration of a version of a graph.
pub(crate) fn declaration(plan: &Plan) -> Declaration {
    let side = |name: &str, tensor| {
        let (element_type, extent) = tensor_of(plan, tensor);
        let dimensions: Vec<_> =
            graph_dimensions(extent).into_iter().map(Dimension::Fixed).collect();
        // One short name, three dimensions, one tensor: all are far below their bounds.
        let tensor = TensorDeclaration {
            name: name.as_bytes().to_vec().try_into().unwrap_or_default(),
            element_type,
            shape: dimensions.try_into().unwrap_or_default(),
        };
        vec![tensor].try_into().unwrap_or_default()
    };
    Declaration {
        inputs: side(INPUT, TensorId::INPUT),
        outputs: side(OUTPUT, plan.output()),
        licence: None,
    }
}

/// The declaration next to a graph's file, with `.json` appended to its name, or the default one.
pub(crate) fn declaration_beside(plan: &Plan, file: &Path) -> Result<Declaration> {
    let mut path = file.as_os_str().to_owned();
    path.push(".json");
    match Path::new(&path).exists() {
        true => Declaration::from_file(&path),
        false => Ok(declaration(plan)),
    }
}

/// Checks that a declaration fits the graph.
pub(crate) fn check_declaration(plan: &Plan, declared: &Declaration) -> Result<()> {
    let sides = [
        ("input", TensorId::INPUT, &declared.inputs),
        ("output", plan.output(), &declared.outputs),
    ];
    for (side, tensor, tensors) in sides {
        let (element_type, extent) = tensor_of(plan, tensor);
        let fits = match &tensors[..] {
            [one] => one.is_graph_tensor(element_type, extent),
            _ => false,
        };
        if !fits {
            return Err(Error::invalid(format!(
                "the graph has one {side}, of type {} and shape {:?}; declare exactly that, or omit \
                 the declaration",
                element_type.name(),
                graph_dimensions(extent)
            )));
        }
    }
    Ok(())
}

/// The scales of a graph's input and output: the real numbers that the integer 1 stands for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scales {
    /// Scale of the input.
    pub input: f64,
    /// Scale of the output.
    pub output: f64,
}

impl Scales {
    /// The scales of an architecture.
    pub fn of(architecture: &Architecture) -> Self {
        let real = |scale: Scale| f64::from(scale.mantissa) * f64::from(scale.exponent).exp2();
        Self { input: real(architecture.input_scale), output: real(architecture.output_scale) }
    }

    /// Converts an output in JSON from integers to real numbers.
    pub fn output_in_reals(&self, output: &Value) -> Value {
        match output {
            Value::Number(number) => {
                number.as_i64().map_or(Value::Null, |number| (number as f64 * self.output).into())
            },
            Value::Array(items) => items.iter().map(|item| self.output_in_reals(item)).collect(),
            Value::Object(tensors) => tensors
                .iter()
                .map(|(name, tensor)| (name.clone(), self.output_in_reals(tensor)))
                .collect(),
            other => other.clone(),
        }
    }
}

impl Client {
    /// The architecture of a version that is an integer graph; `None` for other versions. Its digest
    /// is compared with the version's.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] if the node has no such architecture, or it is not the version's.
    pub async fn architecture(
        &self,
        version: &VersionView<AccountId>,
    ) -> Result<Option<Architecture>> {
        let Some(named) = version.descriptor.architecture else { return Ok(None) };
        let bytes: Option<Vec<u8>> =
            self.rpc().runtime_call("AssayApi_architecture", &version.id, None).await?;
        let unreadable =
            |reason: String| Error::Answer { method: "AssayApi_architecture".into(), reason };
        let bytes = bytes.ok_or_else(|| unreadable("the architecture is missing".into()))?;
        let architecture =
            Architecture::from_bytes(&bytes).map_err(|error| unreadable(error.to_string()))?;
        match Digest::from(architecture.digest()) == named {
            true => Ok(Some(architecture)),
            false => Err(unreadable("it does not have the digest that the version names".into())),
        }
    }

    /// The scales of a version that is an integer graph; `None` for other versions.
    ///
    /// # Errors
    ///
    /// Those of [`Client::architecture`].
    pub async fn scales(&self, version: &VersionView<AccountId>) -> Result<Option<Scales>> {
        Ok(self.architecture(version).await?.as_ref().map(Scales::of))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use assay_graph::{
        Clamp, Commitments, Dense, FormatVersion, List, Multiplier, Operation, Parameters,
        Requantize, Shape, Shift, Weights,
    };
    use assay_proof::{seal, ProofParameters};

    /// Two inputs, a hidden layer of two, one output.
    pub(crate) fn graph() -> Graph {
        fn list<T, const MAX: usize>(items: Vec<T>) -> List<T, MAX> {
            items.try_into().ok().unwrap()
        }
        let dense = |input| Operation::Dense(Dense { input: TensorId(input), rows: 2 });
        let parameters = |weights| Parameters { weights: list(weights), bias: list(vec![5, -5]) };
        let mut graph = Graph {
            architecture: Architecture {
                format_version: FormatVersion::V1,
                input_shape: Shape::vector(2),
                input_scale: Scale { mantissa: 1, exponent: -2 },
                output_scale: Scale { mantissa: 3, exponent: 1 },
                operations: list(vec![
                    dense(0),
                    Operation::Requantize(Requantize {
                        input: TensorId(1),
                        multipliers: list(vec![Multiplier::new(1 << 30).unwrap()]),
                        shift: Shift::Bits32,
                        quotient_bits: 9,
                        clamp: Clamp::RELU,
                    }),
                    dense(2),
                ]),
                commitments: Commitments::default(),
            },
            weights: Weights {
                parameters: list(vec![parameters(vec![2, -3, 1, 1]), parameters(vec![1, 2, 3, 4])]),
            },
        };
        graph.complete().unwrap();
        graph
    }

    pub(crate) fn sealed() -> Graph {
        let mut graph = graph();
        seal(&mut graph, &ProofParameters::RECOMMENDED).unwrap();
        graph
    }

    #[test]
    fn graphs_are_distinguished_from_onnx_files() {
        assert!(is_graph(&graph().encode()));
        assert!(!is_graph(&[8, 8, 0x3a]) && !is_graph(&[]) && !is_graph(b"text"));
    }

    #[test]
    fn a_declaration_that_contradicts_the_graph_is_refused() {
        let file = GraphFile::from_bytes(&graph().encode()).unwrap();
        let declared = file.declaration();
        file.check_declaration(&declared).unwrap();
        assert_eq!(declared.inputs[0].name(), "input");
        assert_eq!(declared.outputs[0].element_type, ElementType::I32);
        let read = |inputs: &str, outputs: &str| {
            let tensor = |tensor: &str| {
                let (element_type, shape) = tensor.split_once(' ').unwrap();
                format!(r#"{{"name": "x", "element_type": "{element_type}", "shape": {shape}}}"#)
            };
            let text =
                format!(r#"{{"inputs": [{}], "outputs": [{}]}}"#, tensor(inputs), tensor(outputs));
            file.check_declaration(&Declaration::from_json(&text).unwrap())
        };
        read("i8 [2]", "i32 [2]").unwrap();
        read("i8 [1, 2]", "i32 [1, 2]").unwrap();
        for (inputs, outputs, reason) in [
            ("f32 [2]", "i32 [2]", "one input, of type i8 and shape [2]"),
            ("i8 [3]", "i32 [2]", "one input"),
            ("i8 [2]", "i8 [2]", "one output, of type i32 and shape [2]"),
            ("i8 [null]", "i32 [2]", "one input"),
        ] {
            let error = read(inputs, outputs).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_declaration_next_to_the_file_supplies_names_and_licence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.graph");
        let graph = GraphFile::from_bytes(&graph().encode()).unwrap();
        assert_eq!(graph.declaration_beside(&path).unwrap(), graph.declaration());
        let write = |name: &str, more: &str| {
            let text = format!(
                r#"{{"inputs": [{{"name": "x", "element_type": "i8", "shape": [1, 2]}}],
                    "outputs": [{{"name": "y", "element_type": "i32", "shape": [1, 2]}}]{more}}}"#
            );
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("model.json", r#", "licence": "MIT""#);
        let declared = graph.declaration_beside(&path).unwrap();
        assert_eq!((declared.inputs[0].name(), declared.licence.as_deref()), (INPUT, Some("MIT")));
        write("m.graph.json", r#", "input_scale": 0.5"#);
        let declared = graph.declaration_beside(&path).unwrap();
        assert_eq!((declared.inputs[0].name(), declared.licence.as_deref()), ("x", Some("MIT")));
        graph.check_declaration(&declared).unwrap();
        write("m.graph.json", r#", "licence": "Apache-2.0""#);
        let declared = graph.declaration_beside(&path).unwrap();
        assert_eq!(declared.licence.as_deref(), Some("Apache-2.0"));
        std::fs::write(folder.path().join("m.graph.json"), "{").unwrap();
        assert!(graph.declaration_beside(&path).is_err());
    }

    #[test]
    fn a_graph_that_cannot_be_published_is_refused_by_the_rule_it_breaks() {
        let reason = |bytes: &[u8]| GraphFile::from_bytes(bytes).unwrap_err().to_string();
        let bytes = graph().encode();
        assert!(reason(&bytes[..bytes.len() - 1]).contains("encoding"));
        assert!(reason(&[&bytes[..], &[0]].concat()).contains("encoding"));
        let mut lying = graph();
        lying.weights.parameters[0].weights[0] = 1;
        assert!(reason(&lying.encode()).contains("digest"));
    }

    #[test]
    fn proofs_need_a_sealed_graph_with_the_root_of_its_weights() {
        let file = |graph: Graph| GraphFile::from_bytes(&graph.encode()).unwrap();
        assert!(file(graph()).security_bits().unwrap_err().to_string().contains("proven"));
        let honest = file(sealed());
        assert!(honest.security_bits().unwrap() >= 120.0);
        assert_eq!(honest.check_provable().unwrap(), honest.security_bits().unwrap());
        let mut lying = sealed();
        lying.architecture.commitments.weights_root[0] ^= 1;
        let lying = file(lying);
        // A verifier cannot detect it, because it does not have the weights.
        assert!(lying.security_bits().is_ok());
        assert!(lying.check_provable().unwrap_err().to_string().contains("weights root"));
    }

    #[test]
    fn outputs_are_given_in_real_numbers() {
        let scales = Scales::of(&graph().architecture);
        assert_eq!(scales, Scales { input: 0.25, output: 6.0 });
        let output = serde_json::json!({"output": [[1, -2], [0, i32::MAX]]});
        let reals = serde_json::json!({"output": [[6.0, -12.0], [0.0, 12884901882.0]]});
        assert_eq!(scales.output_in_reals(&output), reals);
    }
}
