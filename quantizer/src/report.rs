//! Reports on integer models, and the declaration that accompanies them.

use crate::{
    data::Dataset,
    error::Error,
    model::{Convention, FloatModel, ProofSupport},
    Quantized,
};
use assay_graph::{ElementType, Operation, Requantize, Shape, TensorId};
use serde::{Deserialize, Serialize};

/// Properties of an integer model.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct QuantizationReport {
    /// Digest of the integer model, in hex with `0x`.
    pub digest: String,
    /// BLAKE2b-256 of the ONNX file, in hex with `0x`.
    pub source: String,
    /// Size of the encoded model in bytes.
    pub bytes: usize,
    /// Size of its architecture in bytes. The architecture is in the state of the chain.
    pub architecture_bytes: usize,
    /// Number of weights and biases.
    pub parameters: usize,
    /// Number of products of a weight and an activation in one inference.
    pub multiply_accumulates: u64,
    /// Number of elements of all int8 tensors, including the input.
    pub activations: usize,
    /// Whether its runs can be proven.
    pub provable: bool,
    /// Bits of soundness of such proofs.
    pub security_bits: Option<f64>,
    /// Why runs cannot be proven. Names the operation.
    pub not_provable_because: Option<String>,
    /// The real number that the integer 1 represents in the input.
    pub input_scale: f64,
    /// The real number that the integer 1 represents in the output.
    pub output_scale: f64,
    /// The Softmax at the end of the ONNX file, which the integer model does not compute.
    pub left_out: Option<String>,
    /// The operations, in order.
    pub operations: Vec<OperationReport>,
}

/// One operation of an integer model.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct OperationReport {
    /// Its kind.
    pub name: &'static str,
    /// Channels, height and width of its output.
    pub shape: [u32; 3],
    /// Number of weights and biases.
    pub parameters: usize,
    /// Bits of the quotient window of a requantisation. The clamp table of its proof has 2 to the
    /// power of this number of rows.
    pub quotient_bits: Option<u8>,
}

/// The declarations of a version, and how real numbers are converted to integers: the JSON document
/// that accompanies an integer model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DeclarationFile {
    /// Inputs.
    pub inputs: Vec<DeclaredTensor>,
    /// Outputs.
    pub outputs: Vec<DeclaredTensor>,
    /// The real number that the integer 1 represents in the input.
    pub input_scale: f64,
    /// The real number that the integer 1 represents in the output.
    pub output_scale: f64,
    /// The map that is applied to real rows before they are divided by `input_scale`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preprocessing: Option<Preprocessing>,
    /// The Softmax at the end of the ONNX file, which the integer model does not compute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

/// A tensor of a version.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DeclaredTensor {
    /// Name.
    pub name: String,
    /// `i8` or `i32`.
    pub element_type: String,
    /// Dimensions: a batch of one, then the length of a vector, or channels, height and width.
    pub shape: Vec<u32>,
}

/// An affine map of each element of a row: `scale · real + offset`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Preprocessing {
    /// One for each element.
    pub scale: Vec<f64>,
    /// One for each element.
    pub offset: Vec<f64>,
}

impl DeclarationFile {
    /// How real rows are converted to the input.
    pub fn convention(&self) -> Convention {
        Convention {
            input_scale: self.input_scale,
            preprocessing: self
                .preprocessing
                .clone()
                .map(|Preprocessing { scale, offset }| (scale, offset)),
        }
    }

    /// Reads real rows from an `.npz` or `.npy` file, as [`FloatModel::dataset`] does, and converts
    /// them to inputs of the integer model.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] if this declaration is invalid, or the file cannot be read or does not fit.
    pub fn prepare(&self, what: &str, bytes: &[u8]) -> Result<Vec<Vec<i8>>, Error> {
        let invalid = |problem: &str| {
            Error::data("declaration", problem, "use the file that was written with the model")
        };
        let [input] = &self.inputs[..] else {
            return Err(invalid("it does not have exactly one input"));
        };
        let dims = input.shape.get(1..).unwrap_or_default();
        let dims: Vec<usize> = dims.iter().map(|size| *size as usize).collect();
        let elements = dims.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
        let convention = self.convention();
        let fits = |values: &[f64]| {
            Some(values.len()) == elements && values.iter().all(|value| value.is_finite())
        };
        let preprocessing = convention.preprocessing.as_ref();
        if !preprocessing.is_none_or(|(scale, offset)| fits(scale) && fits(offset)) {
            return Err(invalid("its preprocessing does not fit its input"));
        }
        if !(convention.input_scale.is_finite() && convention.input_scale > 0.0) {
            return Err(invalid("its input scale is not positive"));
        }
        let rows = Dataset::read(what, bytes, None, &input.name, &dims, usize::MAX)?;
        Ok(rows.rows.iter().map(|row| convention.quantize(row)).collect())
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

impl Quantized {
    /// The encoded model, as it is published.
    pub fn to_bytes(&self) -> Vec<u8> {
        use codec::Encode;
        self.to_graph().encode()
    }

    /// The properties of this model, which was made from `model`.
    pub fn report(&self, model: &FloatModel) -> QuantizationReport {
        use codec::Encode;
        let plan = self.graph.plan();
        let elements = |tensor: usize| plan.shapes()[tensor].elements().unwrap_or(0);
        let operations = plan.operations();
        let macs = operations.iter().enumerate().filter(|(_, of)| of.has_parameters());
        let macs = macs
            .map(|(index, _)| elements(index + 1) as u64 * plan.fan_in(index).unwrap_or(0) as u64);
        let int8 = |of: &Operation| of.output_type() == ElementType::Int8;
        let activations =
            operations.iter().enumerate().filter(|(_, of)| int8(of)).map(|(k, _)| elements(k + 1));
        let count = |index: usize| {
            plan.parameters(index).map_or(0, |shape| shape.weights() + shape.channels)
        };
        let of_operation = |(index, operation): (usize, &Operation)| {
            let shape = plan.shapes()[index + 1];
            OperationReport {
                name: operation.name(),
                shape: [shape.channels, shape.height, shape.width],
                parameters: count(index),
                quotient_bits: match operation {
                    Operation::Requantize(Requantize { quotient_bits, .. }) => Some(*quotient_bits),
                    _ => None,
                },
            }
        };
        let (security_bits, not_provable_because) = match &self.proof {
            ProofSupport::Sealed { security_bits } => (Some(*security_bits), None),
            ProofSupport::Unsupported { reason } => (None, Some(reason.clone())),
        };
        QuantizationReport {
            digest: hex(&self.graph.digest()),
            source: hex(&model.source()),
            bytes: self.to_bytes().len(),
            architecture_bytes: plan.architecture().encoded_size(),
            parameters: (0..operations.len()).map(count).sum(),
            multiply_accumulates: macs.sum(),
            activations: elements(0) + activations.sum::<usize>(),
            provable: security_bits.is_some(),
            security_bits,
            not_provable_because,
            input_scale: self.convention.input_scale,
            output_scale: self.output_scale(),
            left_out: model.left_out().map(str::to_owned),
            operations: operations.iter().enumerate().map(of_operation).collect(),
        }
    }

    /// The JSON document that accompanies this model, which was made from `model`.
    pub fn declaration(&self, model: &FloatModel) -> DeclarationFile {
        let plan = self.graph.plan();
        let tensor = |name: &str, tensor: TensorId| {
            let shape = plan.shape(tensor).unwrap_or(Shape::vector(0));
            DeclaredTensor {
                name: name.to_owned(),
                element_type: match plan.element_type(tensor) {
                    Some(ElementType::Int32) => "i32".to_owned(),
                    _ => "i8".to_owned(),
                },
                shape: match (shape.height, shape.width) {
                    (1, 1) => vec![1, shape.channels],
                    (height, width) => vec![1, shape.channels, height, width],
                },
            }
        };
        DeclarationFile {
            inputs: vec![tensor(model.input(), TensorId::INPUT)],
            outputs: vec![tensor(model.output(), plan.output())],
            input_scale: self.convention.input_scale,
            output_scale: self.output_scale(),
            preprocessing: self
                .convention
                .preprocessing
                .clone()
                .map(|(scale, offset)| Preprocessing { scale, offset }),
            left_out: model.left_out().map(str::to_owned),
        }
    }
}
