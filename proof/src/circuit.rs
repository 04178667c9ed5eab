//! What is proven of a model: its layers, its committed columns, its tables.
//!
//! Everything here follows from the checked architecture and the parameters. A reshape is another
//! name for the tensor before it, wherever the elements may stay in their cells.

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

/// Where an int8 tensor comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// The public input.
    Input,
    /// The activation of this index.
    Activation(usize),
}

/// An int8 tensor that something reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Operand {
    /// Where it comes from.
    pub source: Source,
    /// How its elements lie.
    pub grid: Grid,
}

/// An int8 tensor that the prover commits to.
#[derive(Clone, Debug)]
pub(crate) struct Activation {
    /// Index of the operation.
    pub operation: usize,
    /// How its elements lie.
    pub grid: Grid,
    /// What the cells beside the elements hold.
    pub padding: i8,
    /// How it is made.
    pub rule: Rule,
}

/// How an activation is made.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    /// From the accumulators of a layer. Pairs of quotient and value are in a table.
    Requantize {
        /// The layer.
        #[cfg_attr(not(feature = "prover"), expect(dead_code, reason = "the prover runs it"))]
        layer: usize,
        /// One for all channels, or one for each.
        multipliers: Vec<Multiplier>,
        /// Limbs of the remainder; the shift is as many times their width.
        limbs: usize,
        /// Tag of the table.
        tag: usize,
    },
    /// From int8 values. Pairs of old and new value are in a table.
    Map {
        /// The old values, which lie as the new ones.
        operand: Operand,
        /// Tag of the table.
        tag: usize,
    },
    /// The maxima of windows. The differences to all elements of a window are bytes, and one of
    /// them is 0.
    Maximum {
        /// What the windows lie on.
        operand: Operand,
        /// The window.
        window: Window,
        /// Tag of the range of a byte.
        tag: usize,
    },
}

/// What reads the accumulators of a layer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reader {
    /// The activation of this index, which requantises them.
    Activation(usize),
    /// Everybody: they are the output.
    Output,
}

/// What accumulators are sums of.
#[derive(Clone, Debug)]
pub(crate) enum Linear {
    /// Weights times a whole tensor.
    Dense,
    /// Weights times windows.
    Conv2d {
        /// The window.
        window: Window,
        /// Groups of channels. With more than one, there are `2^k` output channels in each.
        groups: usize,
    },
    /// Windows.
    SumPool2d {
        /// The window.
        window: Window,
    },
    /// Two tensors, each times its multiplier.
    Add {
        /// Of the first and of the second tensor.
        multipliers: [Multiplier; 2],
    },
}

/// A matrix of weights, one row for each output channel, and its biases.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    /// Its number among the matrices.
    #[cfg_attr(not(feature = "prover"), expect(dead_code, reason = "the prover reads it"))]
    pub index: usize,
    /// Its first table among those of the model: one for each block of columns, then the biases.
    pub table: usize,
    /// Rows that are not padding.
    pub rows: usize,
    /// log2 of the rows.
    pub row_vars: usize,
    /// Columns that have weights.
    pub columns: usize,
    /// log2 of the columns.
    pub column_vars: usize,
    /// What is committed of the columns; all others are zero.
    pub blocks: Vec<ColumnBlock>,
}

/// Columns of a matrix that are committed together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ColumnBlock {
    /// The first column, a multiple of the number of columns.
    pub first: usize,
    /// log2 of the number of columns.
    pub vars: usize,
}

/// Most blocks of one matrix.
const MAX_BLOCKS: usize = 3;

/// Blocks that cover `columns` columns with little padding, of `2^min_vars` columns at least:
/// largest first, as the binary digits of the number have them.
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
    /// log2 of the cells of the column of biases.
    pub fn bias_vars(&self) -> usize {
        self.row_vars.max(MIN_VARS)
    }

    /// The table of the biases among those of the model.
    pub fn bias_table(&self) -> usize {
        self.table + self.blocks.len()
    }
}

/// An operation that defines accumulators.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// Index of the operation.
    pub operation: usize,
    /// What it computes.
    pub linear: Linear,
    /// Its weights.
    pub matrix: Option<Matrix>,
    /// What it reads: one tensor, or two of an addition.
    pub operands: Vec<Operand>,
    /// How its accumulators lie.
    pub grid: Grid,
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
    /// The public input.
    pub input: Shape,
    /// The public output.
    pub output: Shape,
    /// The activation that is the output; `None` if the output is a layer's accumulators.
    pub output_activation: Option<usize>,
    /// For each activation which of [`Self::reads`] read it, by their numbers.
    pub readers: Vec<Vec<usize>>,
}

/// Tag of the range table of limbs.
pub(crate) const RANGE: usize = 0;

/// What a tensor of the graph is in the circuit.
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
    matrices: usize,
    /// Tables of the model so far.
    tables: usize,
    /// Of each lookup table, by which an equal one is found again.
    tags: BTreeMap<Table, usize>,
}

impl Circuit {
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

    /// What the cells of a tensor beside its elements hold.
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

    /// Everything that reads an int8 tensor at a point of its own: layers in their order, then
    /// maxima in theirs.
    pub fn reads(&self) -> impl Iterator<Item = &Operand> {
        let of_layers = self.layers.iter().flat_map(|layer| &layer.operands);
        of_layers.chain(self.maxima().map(|(_, operand, _)| operand))
    }

    /// The activations that are maxima, what their windows lie on, and the windows.
    pub fn maxima(&self) -> impl Iterator<Item = (usize, &Operand, &Window)> {
        let activations = self.activations.iter().enumerate();
        activations.filter_map(|(index, activation)| match &activation.rule {
            Rule::Maximum { operand, window, .. } => Some((index, operand, window)),
            _ => None,
        })
    }

    /// For each matrix the weights of its blocks, row by row, and its biases. Each is opened where
    /// its layer ends, and for the fingerprint.
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

    /// For each activation its columns, all of them opened at the lookups' point, those of maxima
    /// once more where their products end, and the values alone for each that reads them. Then
    /// each table's multiplicities.
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

    /// An int8 tensor whose elements lie as those of its shape do.
    fn operand(&self, tensor: TensorId) -> Option<Operand> {
        let Tensor::Values(operand) = *self.tensors.get(tensor.index())? else { return None };
        let grid = Grid::new(self.shape(tensor)?);
        operand.grid.lies_as(&grid).then_some(Operand { grid, ..operand })
    }

    /// An int8 tensor, however its elements lie.
    fn vector(&self, tensor: TensorId) -> Option<Operand> {
        match *self.tensors.get(tensor.index())? {
            Tensor::Values(operand) => Some(operand),
            Tensor::Accumulators { .. } => None,
        }
    }

    /// The tag of a table, which is added unless it is there.
    fn tag_of(&mut self, table: Table) -> usize {
        let tables = &mut self.circuit.tables;
        *self.tags.entry(table).or_insert_with_key(|table| {
            tables.push(table.clone());
            tables.len() - 1
        })
    }

    /// What an operation defines; `None` if it cannot be proven.
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
                // The verifier lays out the public input as whoever reads it wants it.
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
        // A column of weights has at least as many cells as the shortest one may.
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
    /// Rounds of the sumcheck that brings accumulators of different multipliers together; `None`
    /// if there is one multiplier, or none.
    pub fn scale_rounds(&self, circuit: &Circuit) -> Option<usize> {
        let Reader::Activation(reader) = self.reader else { return None };
        match &circuit.activations[reader].rule {
            Rule::Requantize { multipliers, .. } if multipliers.len() > 1 => {
                Some(self.grid.axes[0].vars)
            },
            _ => None,
        }
    }

    /// How many coordinates of an output channel name its group.
    pub fn group_vars(&self) -> usize {
        match (&self.linear, &self.matrix) {
            (Linear::Conv2d { groups, .. }, Some(matrix)) if *groups > 1 => {
                self.grid.axes[0].vars - padded_vars(matrix.rows / groups)
            },
            _ => 0,
        }
    }

    /// Rounds of the sumcheck over the weights; `None` if there are none.
    pub fn product_rounds(&self) -> Option<usize> {
        self.matrix.as_ref().map(|matrix| self.group_vars() + matrix.column_vars)
    }

    /// The window, if there is one.
    pub fn window(&self) -> Option<&Window> {
        match &self.linear {
            Linear::Conv2d { window, .. } | Linear::SumPool2d { window } => Some(window),
            Linear::Dense | Linear::Add { .. } => None,
        }
    }

    /// Rounds of the sumcheck over what windows read; `None` if there is no window.
    pub fn wiring_rounds(&self) -> Option<usize> {
        self.window().and_then(|_| self.operands.first()).map(|operand| operand.grid.vars())
    }
}

impl Activation {
    /// Limbs of the remainders, or differences of a maximum: columns that are looked up in a
    /// range.
    pub fn limbs(&self) -> usize {
        match &self.rule {
            Rule::Requantize { limbs, .. } => *limbs,
            Rule::Map { .. } => 0,
            Rule::Maximum { window, .. } => window.kernel.area(),
        }
    }

    /// Tag of the range that the limbs are in.
    pub fn limb_tag(&self) -> usize {
        match &self.rule {
            Rule::Maximum { tag, .. } => *tag,
            Rule::Requantize { .. } | Rule::Map { .. } => RANGE,
        }
    }

    /// Tag of the table that the pairs of key and value are in, if there are such pairs.
    pub fn pair_tag(&self) -> Option<usize> {
        match &self.rule {
            Rule::Requantize { tag, .. } | Rule::Map { tag, .. } => Some(*tag),
            Rule::Maximum { .. } => None,
        }
    }

    /// Committed columns: the values, the quotients if there are any, and the limbs.
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
