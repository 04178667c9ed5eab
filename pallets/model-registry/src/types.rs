use assay_primitives::{
    model::{Licence, ModelName},
    proof::MAX_ARCHITECTURE_BYTES,
    Balance, Digest, ModelDescriptor, ProofTerms,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use sp_runtime::Perbill;

/// The encoding of an `assay_graph::Architecture`.
pub type EncodedArchitecture = BoundedVec<u8, ConstU32<MAX_ARCHITECTURE_BYTES>>;

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
