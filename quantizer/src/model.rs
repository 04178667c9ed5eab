//! Floating-point models, and the integer models that are made from them.

use crate::{
    calibrate::{scales, CalibrationMethod},
    data::Dataset,
    error::Error,
    float::{Function, Kind, Network},
    import::import,
    lower::lower,
    scale::{rounded, scale_value, to_int8},
    simplify::{simplify, Affine},
};
use assay_graph::{CheckedGraph, Graph, Plan};
use assay_proof::{seal, ProofParameters, SetupError, Verifier};
use sp_crypto_hashing::blake2_256;

/// An ONNX model, imported and rewritten with the operations of integer models.
#[derive(Clone, Debug)]
pub struct FloatModel {
    pub(crate) network: Network,
    /// The map that is applied to a row before the network reads it.
    preprocessing: Option<Affine>,
    source: [u8; 32],
    input: String,
    output: String,
    left_out: Option<&'static str>,
}

/// Options of a quantisation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QuantizeOptions {
    /// How the scales of activations are chosen.
    pub method: CalibrationMethod,
}

/// How real rows are converted to the input of an integer model:
///
/// `x = clamp(floor((scale · real + offset) / input_scale + 0.5), -128, 127)`, with `scale` 1 and
/// `offset` 0 without preprocessing.
///
/// # Example
///
/// ```
/// use assay_quantizer::Convention;
///
/// let convention = Convention { input_scale: 0.5, preprocessing: None };
/// assert_eq!(convention.quantize(&[1.0, -0.3, 100.0]), [2, -1, 127]);
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Convention {
    /// The real number that the integer 1 represents in the input.
    pub input_scale: f64,
    /// A scale and an offset for each element of the row, if the model reads standardised rows.
    pub preprocessing: Option<(Vec<f64>, Vec<f64>)>,
}

impl Convention {
    /// Converts a row to the input of the integer model.
    pub fn quantize(&self, row: &[f64]) -> Vec<i8> {
        match &self.preprocessing {
            None => row.iter().map(|x| to_int8(*x, self.input_scale)).collect(),
            Some((scale, offset)) => row
                .iter()
                .zip(scale.iter().zip(offset))
                .map(|(x, (scale, offset))| to_int8(scale * x + offset, self.input_scale))
                .collect(),
        }
    }
}

/// Whether runs of an integer model can be proven.
#[derive(Clone, PartialEq, Debug)]
pub enum ProofSupport {
    /// They can be proven. The model is sealed.
    Sealed {
        /// Bits of statistical soundness.
        security_bits: f64,
    },
    /// They cannot be proven. The model can be published without the class `Proof`.
    Unsupported {
        /// Why not. Names the operation.
        reason: String,
    },
}

/// The result of a quantisation: an integer model and how to use it.
#[derive(Clone, Debug)]
pub struct Quantized {
    pub(crate) graph: CheckedGraph,
    pub(crate) convention: Convention,
    pub(crate) proof: ProofSupport,
}

impl FloatModel {
    /// Reads an ONNX file.
    ///
    /// # Errors
    ///
    /// [`Error::NotOnnx`], [`Error::File`] or [`Error::NotFinite`] if the file as a whole cannot be
    /// converted; [`Error::Node`] if a node has no integer operation.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let import = import(bytes)?;
        let (network, preprocessing) = simplify(import.network)?;
        Ok(Self {
            network,
            preprocessing,
            source: blake2_256(bytes),
            input: import.input,
            output: import.output,
            left_out: import.left_out,
        })
    }

    /// Name of the input.
    pub fn input(&self) -> &str {
        &self.input
    }

    /// Dimensions of the input, without the batch.
    pub fn input_dims(&self) -> &[usize] {
        &self.network.nodes[0].dims
    }

    /// Name of the output. If a Softmax at the end is left out, the name of its input.
    pub fn output(&self) -> &str {
        &self.output
    }

    /// Dimensions of the output, without the batch.
    pub fn output_dims(&self) -> &[usize] {
        &self.network.nodes[self.network.output].dims
    }

    /// Number of elements of the output.
    pub fn outputs(&self) -> usize {
        self.network.nodes[self.network.output].elements()
    }

    /// The Softmax at the end of the file, which the integer model does not compute.
    pub fn left_out(&self) -> Option<&'static str> {
        self.left_out
    }

    /// BLAKE2b-256 of the file.
    pub fn source(&self) -> [u8; 32] {
        self.source
    }

    /// Reads rows of inputs from an `.npz` or `.npy` file. `labels` is a second such file.
    ///
    /// `what` names the file in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if a file cannot be read or does not fit the model.
    pub fn dataset(
        &self,
        what: &str,
        bytes: &[u8],
        labels: Option<&[u8]>,
    ) -> Result<Dataset, Error> {
        Dataset::read(what, bytes, labels, &self.input, self.input_dims(), self.outputs())
    }

    /// Computes the output for a row in floating point.
    pub fn run(&self, row: &[f64]) -> Vec<f64> {
        self.network.run(&self.prepared(row)).swap_remove(self.network.output)
    }

    /// The score that separates class 1 from class 0 if the model has a single output.
    pub(crate) fn threshold(&self) -> f64 {
        match self.network.nodes[self.network.output].kind {
            Kind::Function(Function::Sigmoid) => 0.5,
            _ => 0.0,
        }
    }

    fn prepared(&self, row: &[f64]) -> Vec<f64> {
        match &self.preprocessing {
            None => row.to_vec(),
            Some(Affine { scale, offset }) => {
                row.iter().zip(scale.iter().zip(offset)).map(|(x, (a, b))| a * x + b).collect()
            },
        }
    }

    /// Makes the integer model.
    ///
    /// `calibration` contains typical rows; some dozens are enough. If proofs are possible, the
    /// model is sealed with the recommended parameters.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if there are no rows; [`Error::File`], [`Error::Node`] or [`Error::Graph`]
    /// if the integer model would break a rule of publication.
    pub fn quantize(
        &self,
        calibration: &Dataset,
        options: &QuantizeOptions,
    ) -> Result<Quantized, Error> {
        if calibration.is_empty() {
            return Err(Error::data(
                "calibration",
                "there are no rows",
                "add some; about 100 are enough",
            ));
        }
        let rows: Vec<Vec<f64>> = calibration.rows.iter().map(|row| self.prepared(row)).collect();
        let mut scales = scales(&self.network, &rows, options.method);
        // A division by a single number, such as 255, becomes part of the input's scale.
        let uniform = self.preprocessing.as_ref().and_then(|Affine { scale, offset }| {
            let first = scale[0];
            let same = scale.iter().all(|scale| *scale == first);
            (same && first > 0.0 && offset.iter().all(|offset| *offset == 0.0)).then_some(first)
        });
        let convention = match (uniform, &self.preprocessing) {
            (Some(factor), _) => {
                let input_scale = rounded(scales[0] / factor);
                scales[0] = input_scale * factor;
                Convention { input_scale, preprocessing: None }
            },
            (None, None) => Convention { input_scale: scales[0], preprocessing: None },
            (None, Some(Affine { scale, offset })) => Convention {
                input_scale: scales[0],
                preprocessing: Some((scale.clone(), offset.clone())),
            },
        };
        let mut graph = lower(&self.network, &scales, convention.input_scale, self.source)?;
        let parameters = ProofParameters::recommended(&Plan::new(graph.architecture.clone())?);
        let proof = match seal(&mut graph, &parameters) {
            Ok(()) => None,
            Err(error) => Some(reason(&error)),
        };
        let graph = CheckedGraph::new(graph)?;
        let proof = match proof {
            Some(reason) => ProofSupport::Unsupported { reason },
            None => match Verifier::new(graph.plan()) {
                Ok(verifier) => ProofSupport::Sealed { security_bits: verifier.security_bits() },
                Err(error) => ProofSupport::Unsupported { reason: reason(&error) },
            },
        };
        Ok(Quantized { graph, convention, proof })
    }
}

fn reason(error: &SetupError) -> String {
    error.to_string()
}

impl Quantized {
    /// The checked integer model.
    pub fn graph(&self) -> &CheckedGraph {
        &self.graph
    }

    /// The integer model, as it is published.
    pub fn to_graph(&self) -> Graph {
        self.graph.clone().into_graph()
    }

    /// How real rows are converted to its input.
    pub fn convention(&self) -> &Convention {
        &self.convention
    }

    /// The real number that the integer 1 represents in the output.
    pub fn output_scale(&self) -> f64 {
        scale_value(self.graph.plan().architecture().output_scale)
    }

    /// Whether its runs can be proven.
    pub fn proof(&self) -> &ProofSupport {
        &self.proof
    }

    /// Computes the output for a row in integers.
    ///
    /// # Errors
    ///
    /// [`Error::Run`] if the row does not have the shape of the input.
    pub fn run(&self, row: &[f64]) -> Result<Vec<i32>, Error> {
        let output = assay_graph::fast::run(&self.graph, &self.convention.quantize(row))?;
        Ok(match output {
            assay_graph::Tensor::Int8(values) => values.into_iter().map(i32::from).collect(),
            assay_graph::Tensor::Int32(values) => values,
        })
    }
}
