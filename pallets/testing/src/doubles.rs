//! Doubles of pallets, behind the traits of `assay_primitives::traits`.

use std::collections::BTreeMap;

use assay_primitives::{
    traits::{Models, VersionTerms},
    AssuranceClasses, ProofTerms, VersionId, WeightsFingerprint,
};
use sp_runtime::DispatchResult;

/// A version as [`NotedVersions`] knows it.
#[derive(Clone, Debug, Default)]
pub struct NotedVersion {
    /// The classes that it offers.
    pub classes: AssuranceClasses,
    /// Whether it takes no new requests.
    pub deprecated: bool,
    /// The terms of its proofs.
    pub proof_terms: Option<ProofTerms>,
    /// The fingerprint of its weights.
    pub weights: Option<WeightsFingerprint>,
    /// Its encoded architecture.
    pub architecture: Option<Vec<u8>>,
}

pub use statics::Versions;

mod statics {
    // The macro documents the type and not its functions.
    #![allow(missing_docs)]

    use super::{BTreeMap, NotedVersion, VersionId};

    frame_support::parameter_types! {
        /// The versions of [`super::NotedVersions`].
        pub static Versions: BTreeMap<VersionId, NotedVersion> = BTreeMap::new();
    }
}

/// Takes the place of `pallet-model-registry`: the versions that the test has put into [`Versions`].
pub struct NotedVersions;

impl Models<u64> for NotedVersions {
    fn terms(_: VersionId) -> Option<VersionTerms<u64>> {
        None
    }
    fn is_active(version: VersionId) -> bool {
        Versions::get().get(&version).is_some_and(|noted| !noted.deprecated)
    }
    fn assurances(version: VersionId) -> Option<AssuranceClasses> {
        Versions::get().get(&version).map(|noted| noted.classes)
    }
    fn proof_terms(version: VersionId) -> Option<ProofTerms> {
        Versions::get().get(&version)?.proof_terms
    }
    fn weights_fingerprint(version: VersionId) -> Option<WeightsFingerprint> {
        Versions::get().get(&version)?.weights
    }
    fn architecture(version: VersionId) -> Option<Vec<u8>> {
        Versions::get().get(&version)?.architecture.clone()
    }
    fn acquire(_: VersionId, _: u32) -> DispatchResult {
        Ok(())
    }
    fn release(_: VersionId, _: u32) {}
}
