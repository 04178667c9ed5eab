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

/// Most nodes beside a leaf with the roots of a parameter set: there are 16 such leaves at most.
const MAX_SET_SIBLINGS: u32 = 4;
/// Most nodes beside the leaves of a piece: two for each level of a tree over 64 MiB.
const MAX_SIBLINGS: u32 = 32;

/// Weights and biases in the order in which they are read: set by set, the weights of each before
/// its biases, which have four bytes each, little-endian.
pub type PublishedWeights = BoundedVec<u8, ConstU32<MAX_AUDIT_BYTES>>;

/// That a piece is of the published weights: its path to the root that the architecture states.
/// A piece is of the weights, or of the biases, of one parameter set. It begins and ends with a
/// leaf.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct PieceProof {
    /// The leaf with the roots of the parameter set.
    pub set_leaf: BoundedVec<u8, ConstU32<{ LEAF_BYTES as u32 }>>,
    /// The nodes beside its path.
    pub set_siblings: BoundedVec<[u8; 32], ConstU32<MAX_SET_SIBLINGS>>,
    /// The nodes beside the paths of the piece's leaves.
    pub siblings: BoundedVec<[u8; 32], ConstU32<MAX_SIBLINGS>>,
}

impl PieceProof {
    /// An opening of these bytes; `None` where there are more than an opening may have.
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

    /// The arguments of `audit_weights` that show these openings; `None` where they are more than
    /// a call takes.
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

/// One for each piece of the bytes in a call.
pub type PieceProofs = BoundedVec<PieceProof, ConstU32<MAX_AUDIT_PIECES>>;

/// A model.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Model<AccountId> {
    /// Who publishes versions and gets royalties.
    pub owner: AccountId,
    /// Its name, unique per owner.
    pub name: ModelName,
    /// Number of the newest version; 0 if there never was one. Numbers are not used twice.
    pub newest: u32,
    /// Versions that are there.
    pub versions: u32,
    /// What the owner deposited for the model and its versions, in plancks.
    pub deposit: Balance,
}

/// A version.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Version {
    /// What fixes its meaning.
    pub descriptor: ModelDescriptor,
    /// Digest of the descriptor.
    pub digest: Digest,
    /// Share of each price that goes to the owner.
    pub royalty: Perbill,
    /// SPDX licence expression.
    pub licence: Licence,
    /// Digest of a document about it.
    pub metadata: Option<Digest>,
    /// Whether it takes no new requests.
    pub deprecated: bool,
    /// Open requests that use it.
    pub uses: u32,
    /// Its part of the model's deposit, in plancks.
    pub deposit: Balance,
    /// Terms of its proofs, where it offers class `Proof`.
    pub proof: Option<ProofTerms>,
}
