//! Payloads, and the files and texts from which clients make them: what is read conforms to the
//! version's declaration, and the chain accepts what a client sends.
#![no_main]

use assay_client::payload::{GraphInput, Input, Numbers};
use assay_fuzz::seed;
use assay_primitives::{
    decode_payload, dispute::tensor_data, Dimension, ElementType, Tensor, TensorDeclaration,
};
use codec::Encode;
use libfuzzer_sys::fuzz_target;

fn declaration(name: &str, element_type: ElementType, shape: &[Dimension]) -> TensorDeclaration {
    TensorDeclaration {
        name: name.as_bytes().to_vec().try_into().unwrap(),
        element_type,
        shape: shape.to_vec().try_into().unwrap(),
    }
}

/// The declarations of a version, selected by a number.
fn declarations(number: u8) -> Vec<TensorDeclaration> {
    use Dimension::{Fixed, Free};
    match number % 5 {
        0 => vec![declaration("image", ElementType::F32, &[Fixed(1), Fixed(2), Fixed(3)])],
        1 => vec![declaration("image", ElementType::I8, &[Fixed(1), Fixed(4)])],
        2 => vec![
            declaration("a", ElementType::I64, &[Free]),
            declaration("b", ElementType::Bool, &[Free, Fixed(2)]),
        ],
        3 => vec![declaration("x", ElementType::F64, &[])],
        _ => vec![declaration("x", ElementType::I16, &[Free, Free])],
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let tensor = |element_type, shape: &[u32], data: &[u8]| Tensor {
        element_type,
        shape: shape.to_vec(),
        data: data.to_vec(),
    };
    let npz = include_bytes!("../../models/digits/integer-samples.npz");
    let npy = include_bytes!("../../models/digits/integer-sample.npy");
    let payloads = [
        (0, vec![tensor(ElementType::F32, &[1, 2, 3], &[0; 24])].encode()),
        (1, vec![tensor(ElementType::I8, &[1, 4], &[1, 2, 255, 128])].encode()),
        (
            2,
            vec![
                tensor(ElementType::I64, &[1], &[9; 8]),
                tensor(ElementType::Bool, &[1, 2], &[0, 1]),
            ]
            .encode(),
        ),
        (0, b"[[1.5, 2, -3], [4e2, 5, 6]]".to_vec()),
        (0, b"1,2,3,4,5,6".to_vec()),
        (0, b"a,b,c,d,e,f\n1,2,3,4,5,6\n".to_vec()),
        (1, b"{\"image\": [1, -2, 3, 127]}".to_vec()),
        (1, b"{\"image\": [0.1, 0.25, -3e-1, 7]}".to_vec()),
        (2, b"{\"a\": [1, 2, 9007199254740993], \"b\": [[true, false]]}".to_vec()),
        (3, b"-0.0".to_vec()),
        (4, b"[[1, -32768], [32767, 4]]".to_vec()),
        (1, npy.to_vec()),
        (1, npz.to_vec()),
    ];
    payloads.map(|(number, bytes)| [&[number], &*bytes].concat()).to_vec()
}

fuzz_target!(init: seed(seeds()), |data: &[u8]| {
    let Some((number, data)) = data.split_first() else { return };
    let declarations = declarations(*number);
    if let Ok(tensors) = decode_payload(data, &declarations) {
        assert_eq!(tensors.encode(), data);
        for (tensor, declared) in tensors.iter().zip(&declarations) {
            assert!(declared.admits(&tensor.shape));
            let length = Tensor::byte_length(tensor.element_type, &tensor.shape);
            assert_eq!(length, Some(tensor.data.len()));
        }
    }
    if let Some(elements) = tensor_data(data) {
        assert!(data.ends_with(&elements));
    }
    if let Ok(input) = Input::from_bytes(data, &declarations) {
        assert_eq!(decode_payload(&input.payload(), &declarations), Ok(input.tensors));
    }
    if declarations[0].element_type == ElementType::I8 {
        for numbers in [Numbers::AsWritten, Numbers::Real, Numbers::Integers] {
            if let Ok(read) = GraphInput::from_bytes(data, &declarations, 0.01, numbers) {
                let payload = read.input.payload();
                assert_eq!(decode_payload(&payload, &declarations), Ok(read.input.tensors));
            }
        }
    }
});
