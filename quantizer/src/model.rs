//! A model that was read, and the integer model that is made of it.

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

/// An ONNX model, read and rewritten into operations of integer models.
#[derive(Clone, Debug)]
pub struct FloatModel {
    pub(crate) network: Network,
    /// What has to be done to a row before the network reads it.
    preprocessing: Option<Affine>,
    source: [u8; 32],
    input: String,
    output: String,
    left_out: Option<&'static str>,
}

/// What may be chosen about a quantisation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QuantizeOptions {
    /// How the scales of activations are chosen.
    pub method: CalibrationMethod,
}

/// How real rows become the input of an integer model.
///
/// `x = clamp(floor((scale · real + offset) / input_scale + 0.5), -128, 127)`, with `scale` 1 and
/// `offset` 0 where there is no preprocessing.
#[derive(Clone, PartialEq, Debug)]
pub struct Convention {
    /// What 1 stands for in the integer model's input.
    pub input_scale: f64,
    /// A scale and an offset for each element of the row, where the model has to be given
    /// standardised rows.
    pub preprocessing: Option<(Vec<f64>, Vec<f64>)>,
}

impl Convention {
    /// The integer model's input for a row.
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

/// Whether proofs of an integer model's answers can be made.
#[derive(Clone, PartialEq, Debug)]
pub enum ProofSupport {
    /// They can, with this many bits of soundness.
    Sealed {
        /// Bits of statistical soundness.
        security_bits: f64,
    },
    /// They cannot. The model can be published all the same, without the class `Proof`.
    Unsupported {
        /// Why not; names the operation.
        reason: String,
    },
}

/// An integer model, with what is known of it.
#[derive(Clone, Debug)]
pub struct Quantized {
    pub(crate) graph: CheckedGraph,
    pub(crate) convention: Convention,
    pub(crate) proof: ProofSupport,
}

impl FloatModel {
    /// Reads an ONNX file.
    ///
    /// Refuses what has no integer operation, by the node's operator, name and place.
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

    /// Name of the output. Where a Softmax at the end is left out, of what it reads.
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

    /// The operator at the end of the file that is left to who reads the output.
    pub fn left_out(&self) -> Option<&'static str> {
        self.left_out
    }

    /// BLAKE2b-256 of the file.
    pub fn source(&self) -> [u8; 32] {
        self.source
    }

    /// Reads rows of inputs from an `.npz` or `.npy` file; `labels` is a second such file.
    ///
    /// `what` names the file in errors.
    pub fn dataset(
        &self,
        what: &str,
        bytes: &[u8],
        labels: Option<&[u8]>,
    ) -> Result<Dataset, Error> {
        Dataset::read(what, bytes, labels, &self.input, self.input_dims(), self.outputs())
    }

    /// The output for a row, in floating point.
    pub fn run(&self, row: &[f64]) -> Vec<f64> {
        self.network.run(&self.prepared(row)).swap_remove(self.network.output)
    }

    /// The score that separates class 1 from class 0 where there is one output.
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
    /// `calibration` are typical rows; some dozens are enough. Where proofs are possible, the
    /// model commits to its weights and to the recommended parameters.
    pub fn quantize(
        &self,
        calibration: &Dataset,
        options: &QuantizeOptions,
    ) -> Result<Quantized, Error> {
        if calibration.is_empty() {
            return Err(Error::data(
                "calibration",
                "there is no row",
                "give some; a hundred is a good number",
            ));
        }
        let rows: Vec<Vec<f64>> = calibration.rows.iter().map(|row| self.prepared(row)).collect();
        let mut scales = scales(&self.network, &rows, options.method);
        // A division by one number, as by 255, is part of the input's scale.
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

    /// The integer model itself, as it is published.
    pub fn to_graph(&self) -> Graph {
        self.graph.clone().into_graph()
    }

    /// How real rows become its input.
    pub fn convention(&self) -> &Convention {
        &self.convention
    }

    /// What 1 stands for in its output.
    pub fn output_scale(&self) -> f64 {
        scale_value(self.graph.plan().architecture().output_scale)
    }

    /// Whether proofs of its answers can be made.
    pub fn proof(&self) -> &ProofSupport {
        &self.proof
    }

    /// The output for a row, as integers.
    pub fn run(&self, row: &[f64]) -> Result<Vec<i32>, Error> {
        let output = assay_graph::fast::run(&self.graph, &self.convention.quantize(row))?;
        Ok(match output {
            assay_graph::Tensor::Int8(values) => values.into_iter().map(i32::from).collect(),
            assay_graph::Tensor::Int32(values) => values,
        })
    }
}
