//! The circuit of a model: its layers, committed columns and lookup tables.
//!
//! Everything follows from the checked architecture and the parameters. A reshape is an alias of
//! the tensor before it, unless its elements would lie in other cells.

use crate::{
    error::SetupError,
    grid::{padded_vars, Grid},
    parameters::LimbWidth,
    pcs::{TableLayout, MIN_VARS},
    table::Table,
};
use alloc::{boxed::Box, collections::BTreeMap, vec, vec::Vec};
use assay_graph::{
    Add, Conv2d, Dense, ElementType, Lookup, MaxPool2d, Multiplier, Operation, Plan, Requantize,
    Reshape, Shape, SumPool2d, TensorId, Window,
};

/// The origin of an int8 tensor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// The public input.
    Input,
    /// The activation with this index.
    Activation(usize),
}

/// An int8 tensor that a layer or an activation reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Operand {
    /// Its origin.
    pub source: Source,
    /// Its layout.
    pub grid: Grid,
}

/// An int8 tensor that the prover commits to.
#[derive(Clone, Debug)]
pub(crate) struct Activation {
    /// Index of the operation that defines it.
    pub operation: usize,
    /// Its layout.
    pub grid: Grid,
    /// The value of the padding cells.
    pub padding: i8,
    /// How it is computed.
    pub rule: Rule,
}

/// How an activation is computed.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    /// By requantisation of a layer's accumulators. Pairs of quotient and value are looked up in a
    /// table.
    Requantize {
        /// Index of the layer.
        #[cfg_attr(not(feature = "prover"), expect(dead_code, reason = "the prover runs it"))]
        layer: usize,
        /// One multiplier for all channels, or one for each.
        multipliers: Vec<Multiplier>,
        /// Number of limbs of the remainder. The shift is this number times the width of a limb.
        limbs: usize,
        /// Tag of the clamp table.
        tag: usize,
    },
    /// By a lookup of int8 values. Pairs of old and new value are looked up in a table.
    Map {
        /// The old values, in the same layout as the new ones.
        operand: Operand,
        /// Tag of the map table.
        tag: usize,
    },
    /// By the maximum of each window. The differences from all elements of a window are bytes, and
    /// one of them is 0.
    Maximum {
        /// The tensor that the windows read.
        operand: Operand,
        /// The window.
        window: Window,
        /// Tag of the 8-bit range table.
        tag: usize,
    },
}

/// The reader of a layer's accumulators.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reader {
    /// The activation with this index, which requantises them.
    Activation(usize),
    /// None: the accumulators are the output.
    Output,
}

/// The linear operation that computes accumulators.
#[derive(Clone, Debug)]
pub(crate) enum Linear {
    /// Weights times a whole tensor.
    Dense,
    /// Weights times the elements of windows.
    Conv2d {
        /// The window.
        window: Window,
        /// Number of groups of channels. If there is more than one, each has `2^k` output channels.
        groups: usize,
    },
    /// Sums of the elements of windows.
    SumPool2d {
        /// The window.
        window: Window,
    },
    /// Sum of two tensors, each times its multiplier.
    Add {
        /// Multipliers of the first and of the second tensor.
        multipliers: [Multiplier; 2],
    },
}

/// A matrix of weights with one row per output channel, and its biases.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    /// Index among the matrices.
    #[cfg_attr(not(feature = "prover"), expect(dead_code, reason = "the prover reads it"))]
    pub index: usize,
    /// Index of its first table among those of the model: one table per block of columns, then the
    /// biases.
    pub table: usize,
    /// Number of rows without padding.
    pub rows: usize,
    /// Log2 of the padded number of rows.
    pub row_vars: usize,
    /// Number of columns that hold weights.
    pub columns: usize,
    /// Log2 of the padded number of columns.
    pub column_vars: usize,
    /// The blocks of columns that are committed. All other columns are zero.
    pub blocks: Vec<ColumnBlock>,
}

/// An aligned block of columns of a matrix that is committed as one column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ColumnBlock {
    /// Index of the first column, a multiple of the number of columns.
    pub first: usize,
    /// Log2 of the number of columns.
    pub vars: usize,
}

/// Maximum number of blocks of one matrix.
const MAX_BLOCKS: usize = 3;

/// Blocks that cover `columns` columns with little padding, each of at least `2^min_vars` columns.
/// They follow the binary digits of `columns`, largest first.
fn column_blocks(columns: usize, min_vars: usize) -> Vec<ColumnBlock> {
    let (mut blocks, mut first) = (Vec::new(), 0);
    while first < columns {
        let rest = columns - first;
        let is_last = blocks.len() + 1 == MAX_BLOCKS || rest < 1 << min_vars;
        let vars = if is_last { padded_vars(rest) } else { rest.ilog2() as usize }.max(min_vars);
        blocks.push(ColumnBlock { first, vars });
        first += 1 << vars;
    }
    blocks
}

impl Matrix {
    /// Log2 of the number of cells of the column of biases.
    pub fn bias_vars(&self) -> usize {
        self.row_vars.max(MIN_VARS)
    }

    /// Index of the table of biases among those of the model.
    pub fn bias_table(&self) -> usize {
        self.table + self.blocks.len()
    }
}

/// An operation that defines accumulators.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// Index of the operation.
    pub operation: usize,
    /// The linear operation.
    pub linear: Linear,
    /// Its weights, if it has any.
    pub matrix: Option<Matrix>,
    /// What it reads: two tensors for an addition, else one.
    pub operands: Vec<Operand>,
    /// Layout of its accumulators.
    pub grid: Grid,
    /// The reader of its accumulators.
    pub reader: Reader,
}

/// The circuit of a model.
#[derive(Clone, Debug)]
pub(crate) struct Circuit {
    /// Layers in the order of their operations, which is also the order of the weights.
    pub layers: Vec<Layer>,
    /// Activations in the order of their operations.
    pub activations: Vec<Activation>,
    /// Lookup tables by tag. The first is the range of a limb.
    pub tables: Vec<Table>,
    /// Width of a limb in bits.
    pub limb_bits: usize,
    /// Shape of the public input.
    pub input: Shape,
    /// Shape of the public output.
    pub output: Shape,
    /// Index of the activation that is the output; `None` if the output consists of accumulators.
    pub output_activation: Option<usize>,
    /// For each activation, the indices in [`Self::reads`] of the reads of it.
    pub readers: Vec<Vec<usize>>,
}

/// Tag of the range table for limbs.
pub(crate) const RANGE: usize = 0;

/// What a tensor of the graph corresponds to in the circuit.
#[derive(Clone, Copy)]
enum Tensor {
    Values(Operand),
    Accumulators { layer: usize },
}

/// A circuit under construction.
struct Builder<'a> {
    plan: &'a Plan,
    circuit: Circuit,
    tensors: Vec<Tensor>,
    /// Number of matrices so far.
    matrices: usize,
    /// Number of tables of the model so far.
    tables: usize,
    /// Tag of each lookup table, to share equal tables.
    tags: BTreeMap<Table, usize>,
}

impl Circuit {
    /// Builds the circuit of a checked architecture.
    ///
    /// # Errors
    ///
    /// [`SetupError::Unsupported`] for an operation that cannot be proven,
    /// [`SetupError::NoWeights`] if no operation has weights.
    pub fn new(plan: &Plan, limbs: LimbWidth) -> Result<Self, SetupError> {
        let limb_bits = usize::from(limbs.bits());
        let (input, output) = (plan.shapes()[0], plan.shapes()[plan.output().index()]);
        let circuit = Self {
            layers: Vec::new(),
            activations: Vec::new(),
            tables: vec![Table::Range { bits: limb_bits }],
            limb_bits,
            input,
            output,
            output_activation: None,
            readers: Vec::new(),
        };
        let operand = Operand { source: Source::Input, grid: Grid::new(input) };
        let tensors = vec![Tensor::Values(operand)];
        let tags = BTreeMap::from([(circuit.tables[RANGE].clone(), RANGE)]);
        let mut builder = Builder { plan, circuit, tensors, matrices: 0, tables: 0, tags };
        for (index, operation) in plan.operations().iter().enumerate() {
            let unsupported = SetupError::Unsupported { operation: index, name: operation.name() };
            let tensor = builder.tensor(index, operation).ok_or(unsupported)?;
            builder.tensors.push(tensor);
        }
        let Builder { mut circuit, tensors, matrices, .. } = builder;
        circuit.output_activation = match tensors[plan.output().index()] {
            Tensor::Values(Operand { source: Source::Activation(index), .. }) => Some(index),
            Tensor::Values(_) | Tensor::Accumulators { .. } => None,
        };
        if matrices == 0 {
            return Err(SetupError::NoWeights);
        }
        let mut readers = vec![Vec::new(); circuit.activations.len()];
        for (read, operand) in circuit.reads().enumerate() {
            if let Source::Activation(index) = operand.source {
                readers[index].push(read);
            }
        }
        Ok(Self { readers, ..circuit })
    }

    /// The value of a tensor's padding cells.
    pub fn padding(&self, source: Source) -> i8 {
        match source {
            Source::Input => 0,
            Source::Activation(index) => self.activations[index].padding,
        }
    }

    /// Type of the output's elements.
    pub fn output_type(&self) -> ElementType {
        match self.output_activation {
            Some(_) => ElementType::Int8,
            None => ElementType::Int32,
        }
    }

    /// All reads of int8 tensors, each of which has its own evaluation point: those of layers, then
    /// those of maxima, in order.
    pub fn reads(&self) -> impl Iterator<Item = &Operand> {
        let of_layers = self.layers.iter().flat_map(|layer| &layer.operands);
        of_layers.chain(self.maxima().map(|(_, operand, _)| operand))
    }

    /// The activations that are maxima: index, the tensor that the windows read, and the window.
    pub fn maxima(&self) -> impl Iterator<Item = (usize, &Operand, &Window)> {
        let activations = self.activations.iter().enumerate();
        activations.filter_map(|(index, activation)| match &activation.rule {
            Rule::Maximum { operand, window, .. } => Some((index, operand, window)),
            _ => None,
        })
    }

    /// Tables of the model: for each matrix its blocks of weights, row by row, and its biases. Each
    /// is opened at the point of the fingerprint and at the end of its layer.
    pub fn model_tables(&self) -> Vec<TableLayout> {
        let column = |vars| TableLayout { vars, width: 1, batches: vec![vec![0], vec![0]] };
        let matrices = self.layers.iter().filter_map(|layer| layer.matrix.as_ref());
        matrices
            .flat_map(|matrix| {
                let weights =
                    matrix.blocks.iter().map(|block| column(matrix.row_vars + block.vars));
                weights.chain([column(matrix.bias_vars())])
            })
            .collect()
    }

    /// Tables of the witness. For each activation its columns: all of them are opened at the
    /// lookups' point, those of maxima also at the end of their product, and the values alone for
    /// each read. Then the multiplicities of each table.
    pub fn witness_tables(&self) -> Vec<TableLayout> {
        let activations = self.activations.iter().enumerate().map(|(index, activation)| {
            let width = activation.width();
            let mut batches = vec![(0..width).collect()];
            if let Rule::Maximum { .. } = activation.rule {
                batches.push((0..width).collect());
            }
            batches.extend(self.readers[index].iter().map(|_| vec![0]));
            TableLayout { vars: activation.grid.vars(), width, batches }
        });
        let tables = self.tables.iter().map(|table| TableLayout {
            vars: table.vars(),
            width: 1,
            batches: vec![vec![0]],
        });
        activations.chain(tables).collect()
    }
}

impl Builder<'_> {
    fn shape(&self, tensor: TensorId) -> Option<Shape> {
        self.plan.shape(tensor)
    }

    /// An int8 tensor, provided that its elements lie in the cells that its shape implies.
    fn operand(&self, tensor: TensorId) -> Option<Operand> {
        let Tensor::Values(operand) = *self.tensors.get(tensor.index())? else { return None };
        let grid = Grid::new(self.shape(tensor)?);
        operand.grid.has_same_layout_as(&grid).then_some(Operand { grid, ..operand })
    }

    /// An int8 tensor in any layout.
    fn vector(&self, tensor: TensorId) -> Option<Operand> {
        match *self.tensors.get(tensor.index())? {
            Tensor::Values(operand) => Some(operand),
            Tensor::Accumulators { .. } => None,
        }
    }

    /// The tag of a table, which is added if it is new.
    fn tag_of(&mut self, table: Table) -> usize {
        let tables = &mut self.circuit.tables;
        *self.tags.entry(table).or_insert_with_key(|table| {
            tables.push(table.clone());
            tables.len() - 1
        })
    }

    /// The tensor that an operation defines; `None` if the operation cannot be proven.
    fn tensor(&mut self, index: usize, operation: &Operation) -> Option<Tensor> {
        let grid = Grid::new(*self.plan.shapes().get(index + 1)?);
        match operation {
            Operation::Dense(Dense { input, rows }) => {
                let operand = self.vector(*input)?;
                let columns = operand.grid.elements();
                let span = operand.grid.span();
                let vars = [grid.vars(), operand.grid.vars()];
                let matrix = self.matrix(*rows as usize, columns, vars, span);
                self.layer(index, Linear::Dense, Some(matrix), vec![operand], grid)
            },
            Operation::Conv2d(Conv2d { input, output_channels, groups, window }) => {
                let operand = self.operand(*input)?;
                let (rows, groups) = (*output_channels as usize, *groups as usize);
                if groups > 1 && !(rows / groups).is_power_of_two() {
                    return None;
                }
                let columns = operand.grid.axes[0].length / groups * window.kernel.area();
                let row_vars = grid.axes[0].vars;
                let column_vars = padded_vars(columns).max(MIN_VARS.saturating_sub(row_vars));
                let matrix = self.matrix(rows, columns, [row_vars, column_vars], columns);
                let linear = Linear::Conv2d { window: *window, groups };
                self.layer(index, linear, Some(matrix), vec![operand], grid)
            },
            Operation::SumPool2d(SumPool2d { input, window }) => {
                let operand = self.operand(*input)?;
                let linear = Linear::SumPool2d { window: *window };
                self.layer(index, linear, None, vec![operand], grid)
            },
            Operation::Add(Add { left, right, left_multiplier, right_multiplier }) => {
                let operands = vec![self.operand(*left)?, self.operand(*right)?];
                let linear = Linear::Add { multipliers: [*left_multiplier, *right_multiplier] };
                self.layer(index, linear, None, operands, grid)
            },
            Operation::Requantize(Requantize {
                input,
                multipliers,
                shift,
                quotient_bits,
                clamp,
            }) => {
                let Tensor::Accumulators { layer } = *self.tensors.get(input.index())? else {
                    return None;
                };
                let table = Table::Clamp { clamp: *clamp, bits: usize::from(*quotient_bits) };
                let tag = self.tag_of(table);
                let limbs = usize::from(shift.bits()) / self.circuit.limb_bits;
                let multipliers = multipliers.to_vec();
                self.circuit.layers[layer].reader =
                    Reader::Activation(self.circuit.activations.len());
                let rule = Rule::Requantize { layer, multipliers, limbs, tag };
                Some(self.activation(index, grid, 0, rule))
            },
            Operation::Lookup(Lookup { input, table }) => {
                let operand = self.vector(*input)?;
                let map = Table::Map { values: Box::new(*table) };
                let tag = self.tag_of(map);
                let padding = self.circuit.padding(operand.source);
                let padding = table[(i16::from(padding) + 128) as usize];
                Some(self.activation(index, operand.grid, padding, Rule::Map { operand, tag }))
            },
            Operation::MaxPool2d(MaxPool2d { input, window }) => {
                let operand = self.operand(*input)?;
                let tag = self.tag_of(Table::Range { bits: 8 });
                let rule = Rule::Maximum { operand, window: *window, tag };
                Some(self.activation(index, grid, 0, rule))
            },
            Operation::Reshape(Reshape { input, .. }) => match *self.tensors.get(input.index())? {
                // The verifier lays out the public input as each reader requires.
                Tensor::Values(Operand { source: Source::Input, .. }) => {
                    Some(Tensor::Values(Operand { source: Source::Input, grid }))
                },
                tensor => Some(tensor),
            },
        }
    }

    /// A matrix whose weights lie in the first `span` columns.
    fn matrix(
        &mut self,
        rows: usize,
        columns: usize,
        [row_vars, column_vars]: [usize; 2],
        span: usize,
    ) -> Matrix {
        // Columns shorter than `2^MIN_VARS` cells cannot be committed.
        let min_vars = MIN_VARS.saturating_sub(row_vars);
        let blocks = column_blocks(span, min_vars);
        let (index, table) = (self.matrices, self.tables);
        self.matrices += 1;
        self.tables += blocks.len() + 1;
        Matrix { index, table, rows, row_vars, columns, column_vars, blocks }
    }

    fn layer(
        &mut self,
        operation: usize,
        linear: Linear,
        matrix: Option<Matrix>,
        operands: Vec<Operand>,
        grid: Grid,
    ) -> Option<Tensor> {
        let layer = Layer { operation, linear, matrix, operands, grid, reader: Reader::Output };
        self.circuit.layers.push(layer);
        Some(Tensor::Accumulators { layer: self.circuit.layers.len() - 1 })
    }

    fn activation(&mut self, operation: usize, grid: Grid, padding: i8, rule: Rule) -> Tensor {
        self.circuit.activations.push(Activation { operation, grid, padding, rule });
        let source = Source::Activation(self.circuit.activations.len() - 1);
        Tensor::Values(Operand { source, grid })
    }
}

impl Layer {
    /// Number of rounds of the sumcheck over the channels' multipliers; `None` unless there are
    /// several multipliers.
    pub fn scale_rounds(&self, circuit: &Circuit) -> Option<usize> {
        let Reader::Activation(reader) = self.reader else { return None };
        match &circuit.activations[reader].rule {
            Rule::Requantize { multipliers, .. } if multipliers.len() > 1 => {
                Some(self.grid.axes[0].vars)
            },
            _ => None,
        }
    }

    /// Number of an output channel's coordinates that select its group.
    pub fn group_vars(&self) -> usize {
        match (&self.linear, &self.matrix) {
            (Linear::Conv2d { groups, .. }, Some(matrix)) if *groups > 1 => {
                self.grid.axes[0].vars - padded_vars(matrix.rows / groups)
            },
            _ => 0,
        }
    }

    /// Number of rounds of the sumcheck over the weights; `None` without weights.
    pub fn product_rounds(&self) -> Option<usize> {
        self.matrix.as_ref().map(|matrix| self.group_vars() + matrix.column_vars)
    }

    /// The window, if the operation has one.
    pub fn window(&self) -> Option<&Window> {
        match &self.linear {
            Linear::Conv2d { window, .. } | Linear::SumPool2d { window } => Some(window),
            Linear::Dense | Linear::Add { .. } => None,
        }
    }

    /// Number of rounds of the sumcheck over the windows' reads; `None` without a window.
    pub fn wiring_rounds(&self) -> Option<usize> {
        self.window().and_then(|_| self.operands.first()).map(|operand| operand.grid.vars())
    }
}

impl Activation {
    /// Number of columns that are looked up in a range: limbs of the remainders, or differences of
    /// a maximum.
    pub fn limbs(&self) -> usize {
        match &self.rule {
            Rule::Requantize { limbs, .. } => *limbs,
            Rule::Map { .. } => 0,
            Rule::Maximum { window, .. } => window.kernel.area(),
        }
    }

    /// Tag of the range table for these columns.
    pub fn limb_tag(&self) -> usize {
        match &self.rule {
            Rule::Maximum { tag, .. } => *tag,
            Rule::Requantize { .. } | Rule::Map { .. } => RANGE,
        }
    }

    /// Tag of the table for pairs of key and value; `None` if there are no pairs.
    pub fn pair_tag(&self) -> Option<usize> {
        match &self.rule {
            Rule::Requantize { tag, .. } | Rule::Map { tag, .. } => Some(*tag),
            Rule::Maximum { .. } => None,
        }
    }

    /// Number of committed columns: the values, the quotients if there are any, and the limbs.
    pub fn width(&self) -> usize {
        match &self.rule {
            Rule::Requantize { limbs, .. } => 2 + limbs,
            Rule::Map { .. } => 1,
            Rule::Maximum { .. } => 1 + self.limbs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_all_columns_once_and_are_aligned() {
        for columns in 1..2000 {
            for min_vars in 0..4 {
                let blocks = column_blocks(columns, min_vars);
                assert!(blocks.len() <= MAX_BLOCKS);
                let mut end = 0;
                for block in &blocks {
                    assert_eq!((block.first, block.first % (1 << block.vars)), (end, 0));
                    assert!(block.vars >= min_vars);
                    end += 1 << block.vars;
                }
                assert!(end >= columns && end <= columns.next_power_of_two().max(1 << min_vars));
            }
        }
        let sizes = |columns| column_blocks(columns, 0).iter().map(|b| 1 << b.vars).collect();
        let [even, odd]: [Vec<usize>; 2] = [sizes(784), sizes(1000)];
        assert_eq!((even, odd), (vec![512, 256, 16], vec![512, 256, 256]));
    }
}
