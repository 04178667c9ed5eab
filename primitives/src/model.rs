//! What a version of a model declares.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{bounded::BoundedVec, ConstU32};

use crate::{digest, AssuranceClasses, Digest, TensorDeclaration};

/// Most bytes of a model's name.
pub const MAX_NAME_BYTES: u32 = 64;
/// Most bytes of an SPDX licence expression.
pub const MAX_LICENCE_BYTES: u32 = 64;
/// Most tensors that a version may declare on either side.
pub const MAX_TENSORS: u32 = 8;

/// A model's name: `[a-z0-9-]`, 1 to [`MAX_NAME_BYTES`] bytes, no hyphen at either end.
pub type ModelName = BoundedVec<u8, ConstU32<MAX_NAME_BYTES>>;
/// An SPDX licence expression, ASCII.
pub type Licence = BoundedVec<u8, ConstU32<MAX_LICENCE_BYTES>>;
/// The tensors of one side, in order.
pub type TensorDeclarations = BoundedVec<TensorDeclaration, ConstU32<MAX_TENSORS>>;

/// How the artifact of a version is to be read.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// An ONNX file, run in floating point.
    #[codec(index = 0)]
    Onnx,
    /// An integer graph with one exact meaning: the encoding of an `assay_graph::Graph`.
    #[codec(index = 1)]
    IntegerGraph,
}

/// How far two outputs may be apart and still count as equal in a quorum.
///
/// For floating-point tensors: the largest absolute difference of two elements, in millionths.
/// Integer tensors must be equal in any case.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(transparent)]
pub struct Tolerance {
    /// Unit: 10^-6. Zero means bit-equal.
    pub millionths: u32,
}

/// Everything that fixes the meaning of a version. Its digest is the version digest that
/// statements and receipts name.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct ModelDescriptor {
    /// Digest of the artifact.
    pub artifact: Digest,
    /// Bytes of the artifact.
    pub artifact_size: u64,
    /// How to read it.
    pub format: Format,
    /// Input tensors, in the order in which a payload lists them.
    pub inputs: TensorDeclarations,
    /// Output tensors, in the order in which a result lists them.
    pub outputs: TensorDeclarations,
    /// Classes that requests may ask for.
    pub assurances: AssuranceClasses,
    /// When two outputs count as equal. A floating-point model without one cannot be asked in
    /// class `Quorum`; an integer graph has none.
    pub tolerance: Option<Tolerance>,
    /// For [`Format::IntegerGraph`] the digest of the architecture, as
    /// `assay_graph::Architecture::digest` gives it; for other formats `None`.
    pub architecture: Option<Digest>,
}

impl ModelDescriptor {
    /// The version digest: BLAKE2b-256 of the domain tag `assay/version/1` and the SCALE
    /// encoding of the descriptor.
    pub fn digest(&self) -> Digest {
        digest(&(b"assay/version/1", self).encode())
    }
}

/// Whether `name` is a well-formed model name.
pub fn is_model_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES as usize
        && name.iter().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == b'-')
        && name.first() != Some(&b'-')
        && name.last() != Some(&b'-')
}

/// Whether `licence` has the characters of an SPDX licence expression.
pub fn is_licence(licence: &[u8]) -> bool {
    !licence.is_empty()
        && licence.len() <= MAX_LICENCE_BYTES as usize
        && licence.iter().all(|c| c.is_ascii_alphanumeric() || b"-.+ ()".contains(c))
}

/// Names of `declarations` for messages.
pub fn names(declarations: &[TensorDeclaration]) -> Vec<&[u8]> {
    declarations.iter().map(|declaration| declaration.name.as_slice()).collect()
}
