//! What is proven of a model: its layers, its committed columns, its tables.
//!
//! Everything here follows from the checked architecture and the parameters. Each int8 tensor is
//! a flat vector, so a reshape is another name for the tensor before it.

use crate::{
    error::SetupError,
    parameters::LimbWidth,
    pcs::{TableLayout, MIN_VARS},
    table::{tag_of, Table},
};
use alloc::{boxed::Box, vec, vec::Vec};
use assay_graph::{ElementType, Multiplier, Operation, Plan};

/// Where a vector of int8 values comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// The public input.
    Input,
    /// The activation of this index.
    Activation(usize),
}

/// A vector of int8 values that the prover commits to.
#[derive(Clone, Debug)]
pub(crate) struct Activation {
    /// Index of the operation.
    pub operation: usize,
    /// Number of elements.
    pub length: usize,
    /// Tag of the table that holds its pairs of key and value.
    pub tag: usize,
    /// What every cell after the last element holds.
    pub padding: i8,
    /// How it is made.
    pub rule: Rule,
}

/// How an activation is made.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    /// From the accumulators of a dense layer. The key is the quotient.
    Requantize {
        /// One multiplier for each element.
        multipliers: Vec<Multiplier>,
        /// Limbs of the remainder; the shift is as many times their width.
        limbs: usize,
    },
    /// From int8 values. The key is the value.
    Map {
        /// The values.
        source: Source,
    },
}

/// What reads the accumulators of a dense layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reader {
    /// The activation of this index, which requantises them.
    Activation(usize),
    /// Everybody: they are the output.
    Output,
}

/// A dense layer.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// Index of the operation.
    pub operation: usize,
    /// Number of columns of the weights.
    pub inputs: usize,
    /// Number of rows.
    pub outputs: usize,
    /// What it reads.
    pub source: Source,
    /// What reads it.
    pub reader: Reader,
}

/// What is proven of a model.
#[derive(Clone, Debug)]
pub(crate) struct Circuit {
    /// In the order of the operations, which is that of their weights.
    pub layers: Vec<Layer>,
    /// In the order of the operations.
    pub activations: Vec<Activation>,
    /// By tag; the first is the range of a limb.
    pub tables: Vec<Table>,
    /// Bits of a limb.
    pub limb_bits: usize,
    /// Elements of the input.
    pub input_length: usize,
    /// Elements of the output.
    pub output_length: usize,
    /// The activation that is the output; `None` if the output is a layer's accumulators.
    pub output_activation: Option<usize>,
}

/// log2 of the length that a vector is padded to.
pub(crate) fn padded_vars(length: usize) -> usize {
    (length.next_power_of_two().ilog2() as usize).max(MIN_VARS)
}

/// Tag of the range table.
pub(crate) const RANGE: usize = 0;

/// What a tensor of the graph is in the circuit.
#[derive(Clone, Copy)]
enum Tensor {
    Values(Source),
    Accumulators { layer: usize },
}

impl Circuit {
    pub fn new(plan: &Plan, limbs: LimbWidth) -> Result<Self, SetupError> {
        let length =
            |tensor: usize| plan.shapes()[tensor].elements().expect("shapes of a plan are checked");
        let limb_bits = usize::from(limbs.bits());
        let mut circuit = Self {
            layers: Vec::new(),
            activations: Vec::new(),
            tables: vec![Table::Range { bits: limb_bits }],
            limb_bits,
            input_length: length(0),
            output_length: length(plan.output().index()),
            output_activation: None,
        };
        let mut tensors = vec![Tensor::Values(Source::Input)];
        for (index, operation) in plan.operations().iter().enumerate() {
            let unsupported = SetupError::Unsupported { operation: index, name: operation.name() };
            let tensor = match operation {
                Operation::Dense { input, .. } => {
                    let Tensor::Values(source) = tensors[input.index()] else {
                        return Err(unsupported);
                    };
                    circuit.layers.push(Layer {
                        operation: index,
                        inputs: length(input.index()),
                        outputs: length(index + 1),
                        source,
                        reader: Reader::Output,
                    });
                    Tensor::Accumulators { layer: circuit.layers.len() - 1 }
                },
                Operation::Requantize { input, multipliers, shift, quotient_bits, clamp } => {
                    let Tensor::Accumulators { layer } = tensors[input.index()] else {
                        return Err(unsupported);
                    };
                    let length = length(index + 1);
                    // A layer's accumulators are a vector, so channels are elements.
                    let multipliers = match multipliers[..] {
                        [one] => vec![one; length],
                        _ => multipliers.to_vec(),
                    };
                    let bits = usize::from(*quotient_bits);
                    let tag = tag_of(&mut circuit.tables, Table::Clamp { clamp: *clamp, bits });
                    circuit.layers[layer].reader = Reader::Activation(circuit.activations.len());
                    circuit.activate(Activation {
                        operation: index,
                        length,
                        tag,
                        padding: 0,
                        rule: Rule::Requantize {
                            multipliers,
                            limbs: usize::from(shift.bits()) / limb_bits,
                        },
                    })
                },
                Operation::Lookup { input, table } => {
                    let Tensor::Values(source) = tensors[input.index()] else {
                        return Err(unsupported);
                    };
                    let tag = tag_of(&mut circuit.tables, Table::Map { values: Box::new(*table) });
                    let padding = circuit.padding(source);
                    circuit.activate(Activation {
                        operation: index,
                        length: length(index + 1),
                        tag,
                        padding: table[(i16::from(padding) + 128) as usize],
                        rule: Rule::Map { source },
                    })
                },
                Operation::Reshape { input, .. } => tensors[input.index()],
                _ => return Err(unsupported),
            };
            tensors.push(tensor);
        }
        circuit.output_activation = match tensors[plan.output().index()] {
            Tensor::Values(Source::Activation(index)) => Some(index),
            Tensor::Values(Source::Input) | Tensor::Accumulators { .. } => None,
        };
        if circuit.layers.is_empty() {
            return Err(SetupError::NoWeights);
        }
        Ok(circuit)
    }

    fn activate(&mut self, activation: Activation) -> Tensor {
        self.activations.push(activation);
        Tensor::Values(Source::Activation(self.activations.len() - 1))
    }

    /// What the cells after the last element of a vector hold.
    pub fn padding(&self, source: Source) -> i8 {
        match source {
            Source::Input => 0,
            Source::Activation(index) => self.activations[index].padding,
        }
    }

    /// The type of the output's elements.
    pub fn output_type(&self) -> ElementType {
        match self.output_activation {
            Some(_) => ElementType::Int8,
            None => ElementType::Int32,
        }
    }

    /// The layers that read an activation, by their indices.
    pub fn readers_of(&self, activation: usize) -> impl Iterator<Item = usize> + '_ {
        let reads = move |layer: &Layer| layer.source == Source::Activation(activation);
        (0..self.layers.len()).filter(move |index| reads(&self.layers[*index]))
    }

    /// For each layer the weights, row by row, and the biases.
    pub fn model_tables(&self) -> Vec<TableLayout> {
        let column = |vars| TableLayout { vars, width: 1, batches: vec![vec![0]] };
        self.layers
            .iter()
            .flat_map(|layer| {
                [column(layer.output_vars() + layer.input_vars()), column(layer.output_vars())]
            })
            .collect()
    }

    /// For each activation its columns, all of them opened at the lookups' point, and the values
    /// alone once more for each layer that reads them. Then each table's multiplicities.
    pub fn witness_tables(&self) -> Vec<TableLayout> {
        let activations = self.activations.iter().enumerate().map(|(index, activation)| {
            let width = activation.width();
            let mut batches = vec![(0..width).collect()];
            batches.extend(self.readers_of(index).map(|_| vec![0]));
            TableLayout { vars: activation.vars(), width, batches }
        });
        let tables = self.tables.iter().map(|table| TableLayout {
            vars: table.vars(),
            width: 1,
            batches: vec![vec![0]],
        });
        activations.chain(tables).collect()
    }
}

impl Layer {
    pub fn input_vars(&self) -> usize {
        padded_vars(self.inputs)
    }

    pub fn output_vars(&self) -> usize {
        padded_vars(self.outputs)
    }
}

impl Activation {
    pub fn vars(&self) -> usize {
        padded_vars(self.length)
    }

    /// Number of limbs; none unless it is requantised.
    pub fn limbs(&self) -> usize {
        match &self.rule {
            Rule::Requantize { limbs, .. } => *limbs,
            Rule::Map { .. } => 0,
        }
    }

    /// Committed columns: the values, then the quotients and the limbs if there are any.
    pub fn width(&self) -> usize {
        match &self.rule {
            Rule::Requantize { limbs, .. } => 2 + limbs,
            Rule::Map { .. } => 1,
        }
    }
}
