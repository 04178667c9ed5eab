//! The part of the ONNX format that is needed to write small models by hand.

/// Builds a protobuf message.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn message(self, field: u64, message: Message) -> Self {
        self.bytes(field, &message.0)
    }
}

/// Numbers of element types in ONNX.
pub const FLOAT: u64 = 1;
pub const INT64: u64 = 7;
pub const STRING: u64 = 8;

/// One dimension of a file.
#[derive(Clone, Copy)]
pub enum Dim {
    Size(u64),
    Name(&'static str),
}

/// Builds a graph.
#[derive(Default)]
pub struct Graph(Message);

impl Graph {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn input(self, name: &str, element_type: u64, shape: &[Dim]) -> Self {
        Self(self.0.message(11, value_info(name, Some((element_type, shape)))))
    }

    pub fn output(self, name: &str, element_type: u64, shape: &[Dim]) -> Self {
        Self(self.0.message(12, value_info(name, Some((element_type, shape)))))
    }

    /// An output with only a name.
    pub fn untyped_output(self, name: &str) -> Self {
        Self(self.0.message(12, value_info(name, None)))
    }

    pub fn node(self, operator: &str, inputs: &[&str], output: &str) -> Self {
        self.node_with(operator, inputs, output, &[])
    }

    /// A node with attributes, each a list of integers.
    pub fn node_with(
        self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attributes: &[(&str, &[u64])],
    ) -> Self {
        const INTS: u64 = 7;
        let mut node = Message::default();
        for input in inputs {
            node = node.bytes(1, input.as_bytes());
        }
        node = node.bytes(2, output.as_bytes()).bytes(4, operator.as_bytes());
        for (name, values) in attributes {
            let mut attribute = Message::default().bytes(1, name.as_bytes());
            for value in *values {
                attribute = attribute.number(8, *value);
            }
            node = node.message(5, attribute.number(20, INTS));
        }
        Self(self.0.message(1, node))
    }

    /// A constant list of integers.
    pub fn integers(self, name: &str, values: &[i64]) -> Self {
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let tensor = Message::default()
            .number(1, values.len() as u64)
            .number(2, INT64)
            .bytes(8, name.as_bytes())
            .bytes(9, &data);
        Self(self.0.message(5, tensor))
    }

    /// The file.
    pub fn file(self) -> Vec<u8> {
        let opset = Message::default().bytes(1, b"").number(2, 13);
        Message::default()
            .number(1, 8)
            .message(8, opset)
            .message(7, Message(self.0 .0).bytes(2, b"test"))
            .0
    }
}

fn value_info(name: &str, of: Option<(u64, &[Dim])>) -> Message {
    let info = Message::default().bytes(1, name.as_bytes());
    let Some((element_type, shape)) = of else { return info };
    let mut dims = Message::default();
    for dim in shape {
        let dim = match dim {
            Dim::Size(size) => Message::default().number(1, *size),
            Dim::Name(name) => Message::default().bytes(2, name.as_bytes()),
        };
        dims = dims.message(1, dim);
    }
    let tensor = Message::default().number(1, element_type).message(2, dims);
    info.message(2, Message::default().message(1, tensor))
}
