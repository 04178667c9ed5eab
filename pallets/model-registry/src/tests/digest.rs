//! The version digest is a fixed function of the descriptor: receipts name it for good.

use assay_primitives::{
    model::Tolerance, AssuranceClasses, Digest, Dimension, ElementType, Format, ModelDescriptor,
    TensorDeclaration,
};
use codec::{Decode, Encode};
use sp_core::{bytes::from_hex, H256};

use crate::mock::declaration;

/// The encoding of [`descriptor`], written out by hand.
const ENCODED: [&str; 8] = [
    // Artifact, size, format.
    "1111111111111111111111111111111111111111111111111111111111111111",
    "0807060504030201",
    "00",
    // One input `x`: f32, free dimension, 4.
    "04 0478 00 08 01 0004000000",
    // Two outputs: `label`, an i64 scalar, and `probabilities`, f64 with a free dimension.
    "08 146c6162656c 05 00 3470726f626162696c6974696573 01 04 01",
    // Classes `Signed` and `Quorum`.
    "03",
    // Tolerance of 10 millionths.
    "010a000000",
    // No architecture.
    "00",
];

/// BLAKE2b-256 of `assay/version/1` and [`ENCODED`], by another implementation.
const DIGEST: &str = "1b47baff884380899bca43f7ed8986078b3367e10a1ae075601740b63f58c60a";

fn descriptor() -> ModelDescriptor {
    ModelDescriptor {
        artifact: Digest::repeat_byte(0x11),
        artifact_size: 0x0102_0304_0506_0708,
        format: Format::Onnx,
        inputs: vec![declaration("x", ElementType::F32, &[Dimension::Free, Dimension::Fixed(4)])]
            .try_into()
            .unwrap(),
        outputs: vec![
            declaration("label", ElementType::I64, &[]),
            declaration("probabilities", ElementType::F64, &[Dimension::Free]),
        ]
        .try_into()
        .unwrap(),
        assurances: AssuranceClasses(0b11),
        tolerance: Some(Tolerance { millionths: 10 }),
        architecture: None,
    }
}

fn hex(text: &str) -> Vec<u8> {
    from_hex(&text.replace(' ', "")).unwrap()
}

#[test]
fn the_encoding_of_a_descriptor_is_fixed() {
    let bytes = hex(&ENCODED.concat());
    assert_eq!(descriptor().encode(), bytes);
    assert_eq!(ModelDescriptor::decode(&mut bytes.as_slice()), Ok(descriptor()));
}

#[test]
fn the_digest_of_a_descriptor_is_fixed() {
    assert_eq!(descriptor().digest(), H256::from_slice(&hex(DIGEST)));
}

#[test]
fn the_digest_depends_on_every_part() {
    let changes: [fn(&mut ModelDescriptor); 12] = [
        |d| d.artifact = Digest::repeat_byte(0x12),
        |d| d.artifact_size += 1,
        |d| d.format = Format::IntegerGraph,
        |d| d.inputs[0].name = b"y".to_vec().try_into().unwrap(),
        |d| d.inputs[0].element_type = ElementType::I32,
        |d| d.inputs[0].shape[1] = Dimension::Free,
        |d| d.outputs.as_mut().swap(0, 1),
        |d| d.assurances = AssuranceClasses(0b01),
        |d| d.tolerance = None,
        |d| d.tolerance = Some(Tolerance { millionths: 11 }),
        |d| d.architecture = Some(Digest::repeat_byte(0x11)),
        |d| d.architecture = Some(Digest::repeat_byte(0x12)),
    ];
    let mut digests: Vec<_> = changes
        .iter()
        .map(|change| {
            let mut other = descriptor();
            change(&mut other);
            other.digest()
        })
        .chain([descriptor().digest()])
        .collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), changes.len() + 1);
}

#[test]
fn names_cannot_slide_from_one_tensor_to_the_next() {
    let with = |names: [&str; 2]| {
        let outputs: Vec<TensorDeclaration> =
            names.iter().map(|name| declaration(name, ElementType::I64, &[])).collect();
        ModelDescriptor { outputs: outputs.try_into().unwrap(), ..descriptor() }.digest()
    };
    assert_ne!(with(["ab", "c"]), with(["a", "bc"]));
}
