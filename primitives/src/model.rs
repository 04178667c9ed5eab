//! The declarations of a version of a model.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{bounded::BoundedVec, ConstU32};

use crate::{digest, AssuranceClasses, Digest, TensorDeclaration};

/// Maximum length of a model's name in bytes.
pub const MAX_NAME_BYTES: u32 = 64;
/// Maximum length of an SPDX licence expression in bytes.
pub const MAX_LICENCE_BYTES: u32 = 64;
/// Maximum number of input tensors, and of output tensors, that a version may declare.
pub const MAX_TENSORS: u32 = 8;

/// A model's name: `[a-z0-9-]`, 1 to [`MAX_NAME_BYTES`] bytes, no hyphen at either end.
pub type ModelName = BoundedVec<u8, ConstU32<MAX_NAME_BYTES>>;
/// An SPDX licence expression in ASCII.
pub type Licence = BoundedVec<u8, ConstU32<MAX_LICENCE_BYTES>>;
/// The input tensors or the output tensors of a version, in order.
pub type TensorDeclarations = BoundedVec<TensorDeclaration, ConstU32<MAX_TENSORS>>;

/// The format of a version's artifact.
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

/// The largest difference of two outputs that count as equal in a quorum.
///
/// It is the largest absolute difference of two elements of floating-point tensors. Integer tensors
/// must be equal.
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
    /// The difference in millionths. Zero requires equal bits.
    pub millionths: u32,
}

/// Everything that determines the meaning of a version. Its digest is the version digest in
/// statements and receipts.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct ModelDescriptor {
    /// [Identity](crate::artifact) of the artifact.
    pub artifact: Digest,
    /// Size of the artifact in bytes.
    pub artifact_size: u64,
    /// Format of the artifact.
    pub format: Format,
    /// Input tensors, in the order of the input payload.
    pub inputs: TensorDeclarations,
    /// Output tensors, in the order of the output payload.
    pub outputs: TensorDeclarations,
    /// The classes that the version offers.
    pub assurances: AssuranceClasses,
    /// The tolerance of a quorum. A version with floating-point outputs needs one to offer class
    /// `Quorum`. An integer graph has none, or zero.
    pub tolerance: Option<Tolerance>,
    /// For [`Format::IntegerGraph`] the digest of the architecture, computed by
    /// `assay_graph::Architecture::digest`; for other formats `None`.
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
