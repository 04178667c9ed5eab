//! Models and their versions.

use alloc::vec::Vec;
use sp_runtime::{DispatchResult, Perbill};

use crate::{
    model::ModelDescriptor, AssuranceClasses, Digest, ProofTerms, VersionId, WeightsFingerprint,
};

/// The terms of a version for a request that is made now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VersionTerms<AccountId> {
    /// The version's descriptor.
    pub descriptor: ModelDescriptor,
    /// Digest of the descriptor.
    pub digest: Digest,
    /// Whether the version is closed to new requests.
    pub deprecated: bool,
    /// The account that receives the royalty.
    pub owner: AccountId,
    /// The owner's share of each price.
    pub royalty: Perbill,
}

/// Versions, as requests and operators need them. Implemented by `model-registry`.
pub trait Models<AccountId> {
    /// The terms of a version; `None` if it does not exist.
    fn terms(version: VersionId) -> Option<VersionTerms<AccountId>>;
    /// Whether the version exists and accepts new requests.
    fn is_active(version: VersionId) -> bool;
    /// The classes that the version offers; `None` if it does not exist.
    fn assurances(version: VersionId) -> Option<AssuranceClasses>;
    /// The terms of its proofs; `None` if the version does not exist or does not offer class
    /// `Proof`, or if the audit of its weights is not done.
    fn proof_terms(version: VersionId) -> Option<ProofTerms>;
    /// The fingerprint of its weights, which a proof has to match; `None` if there are no
    /// [`Self::proof_terms`].
    fn weights_fingerprint(version: VersionId) -> Option<WeightsFingerprint>;
    /// The encoded architecture of a version that is an integer graph; `None` for other versions.
    fn architecture(version: VersionId) -> Option<Vec<u8>>;
    /// Counts `requests` open requests that use the version. A version in use cannot be removed.
    ///
    /// # Errors
    ///
    /// The version does not exist, or the count would overflow.
    fn acquire(version: VersionId, requests: u32) -> DispatchResult;
    /// Counts `requests` less.
    fn release(version: VersionId, requests: u32);
}
