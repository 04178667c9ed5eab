//! Models, versions, and the arguments of the audit.

use assay_graph::{
    commit::ElementsOpening,
    merkle::{Opening, LEAF_BYTES},
};
use assay_primitives::{
    model::{Licence, ModelName},
    proof::{MAX_ARCHITECTURE_BYTES, MAX_AUDIT_BYTES, MAX_AUDIT_PIECES},
    Balance, Digest, ModelDescriptor, ProofTerms,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use sp_runtime::Perbill;

/// The encoding of an `assay_graph::Architecture`.
pub type EncodedArchitecture = BoundedVec<u8, ConstU32<MAX_ARCHITECTURE_BYTES>>;

/// Maximum number of siblings of a leaf with the roots of parameter sets. There are at most 16 such
/// leaves.
const MAX_SET_SIBLINGS: u32 = 4;
/// Maximum number of siblings of the leaves of a piece: two for each level of a tree over 64 MiB.
const MAX_SIBLINGS: u32 = 32;

/// Weights and biases in the order of the audit: set by set, and in each set the weights before the
/// biases. A bias has four bytes, little-endian.
pub type PublishedWeights = BoundedVec<u8, ConstU32<MAX_AUDIT_BYTES>>;

/// The Merkle proof that a piece belongs to the published weights: its path to the root in the
/// architecture. A piece consists of weights, or of biases, of one parameter set, and of whole
/// leaves.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct PieceProof {
    /// The leaf with the roots of the parameter set.
    pub set_leaf: BoundedVec<u8, ConstU32<{ LEAF_BYTES as u32 }>>,
    /// The siblings on the path of this leaf.
    pub set_siblings: BoundedVec<[u8; 32], ConstU32<MAX_SET_SIBLINGS>>,
    /// The siblings on the paths of the piece's leaves.
    pub siblings: BoundedVec<[u8; 32], ConstU32<MAX_SIBLINGS>>,
}

impl PieceProof {
    /// The opening of `bytes`; `None` if there are more bytes than an opening can have.
    pub(crate) fn opening(&self, bytes: &[u8]) -> Option<ElementsOpening> {
        let opening = |leaves: &[u8], siblings: &[[u8; 32]]| {
            Some(Opening {
                leaves: leaves.to_vec().try_into().ok()?,
                siblings: siblings.to_vec().try_into().ok()?,
            })
        };
        Some(ElementsOpening {
            set: opening(&self.set_leaf, &self.set_siblings)?,
            elements: opening(bytes, &self.siblings)?,
        })
    }

    /// The arguments of `audit_weights` for these openings; `None` if they exceed the bounds of a
    /// call.
    #[cfg(any(feature = "std", feature = "runtime-benchmarks"))]
    pub fn arguments(
        openings: alloc::vec::Vec<ElementsOpening>,
    ) -> Option<(PublishedWeights, PieceProofs)> {
        let mut bytes = alloc::vec::Vec::new();
        let mut proofs = PieceProofs::default();
        for ElementsOpening { set, elements } in openings {
            bytes.extend_from_slice(&elements.leaves);
            let proof = Self {
                set_leaf: set.leaves.into_inner().try_into().ok()?,
                set_siblings: set.siblings.into_inner().try_into().ok()?,
                siblings: elements.siblings.into_inner().try_into().ok()?,
            };
            proofs.try_push(proof).ok()?;
        }
        Some((bytes.try_into().ok()?, proofs))
    }
}

/// The proofs of the pieces in one call.
pub type PieceProofs = BoundedVec<PieceProof, ConstU32<MAX_AUDIT_PIECES>>;

/// A model.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Model<AccountId> {
    /// The account that publishes versions and receives royalties.
    pub owner: AccountId,
    /// Its name, unique per owner.
    pub name: ModelName,
    /// Number of the newest version; 0 if there never was one. Numbers are not reused.
    pub newest: u32,
    /// Number of versions that exist.
    pub versions: u32,
    /// The owner's deposit for the model and its versions, in plancks.
    pub deposit: Balance,
}

/// A version.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Version {
    /// Its descriptor, which determines its meaning.
    pub descriptor: ModelDescriptor,
    /// Digest of the descriptor.
    pub digest: Digest,
    /// The owner's share of each price.
    pub royalty: Perbill,
    /// SPDX licence expression.
    pub licence: Licence,
    /// Digest of a document about the version.
    pub metadata: Option<Digest>,
    /// Whether the version is closed to new requests.
    pub deprecated: bool,
    /// Number of open requests that use the version.
    pub uses: u32,
    /// Its part of the model's deposit, in plancks.
    pub deposit: Balance,
    /// Terms of its proofs; `None` if it does not offer class `Proof`.
    pub proof: Option<ProofTerms>,
}
