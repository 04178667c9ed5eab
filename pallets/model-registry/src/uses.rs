//! Versions as other pallets need them, and the uses that they count.

use alloc::vec::Vec;
use assay_primitives::{
    traits::{Models as ModelsTrait, VersionTerms},
    AssuranceClasses, ProofTerms, VersionId, WeightsFingerprint,
};
use sp_runtime::DispatchResult;

use crate::{
    Architectures, Audits, Config, EncodedArchitecture, Error, Models, Pallet, Version, Versions,
};

impl<T: Config> ModelsTrait<T::AccountId> for Pallet<T> {
    fn terms(version: VersionId) -> Option<VersionTerms<T::AccountId>> {
        let Version { descriptor, digest, royalty, deprecated, .. } = Versions::<T>::get(version)?;
        let owner = Models::<T>::get(version.model)?.owner;
        Some(VersionTerms { descriptor, digest, deprecated, owner, royalty })
    }

    fn is_active(version: VersionId) -> bool {
        Versions::<T>::get(version).is_some_and(|record| !record.deprecated)
    }

    fn assurances(version: VersionId) -> Option<AssuranceClasses> {
        Versions::<T>::get(version).map(|record| record.descriptor.assurances)
    }

    fn proof_terms(version: VersionId) -> Option<ProofTerms> {
        Self::weights_fingerprint(version)?;
        Versions::<T>::get(version).and_then(|record| record.proof)
    }

    fn weights_fingerprint(version: VersionId) -> Option<WeightsFingerprint> {
        Audits::<T>::get(version).and_then(|audit| audit.outcome())
    }

    fn architecture(version: VersionId) -> Option<Vec<u8>> {
        Architectures::<T>::get(version).map(EncodedArchitecture::into_inner)
    }

    fn acquire(version: VersionId, requests: u32) -> DispatchResult {
        Versions::<T>::try_mutate(version, |record| {
            let record = record.as_mut().ok_or(Error::<T>::VersionNotFound)?;
            record.uses = record.uses.checked_add(requests).ok_or(Error::<T>::TooManyUses)?;
            Ok(())
        })
    }

    fn release(version: VersionId, requests: u32) {
        Versions::<T>::mutate(version, |record| match record {
            Some(record) if record.uses >= requests => record.uses -= requests,
            _ => {
                frame_support::defensive!("a version was released that is not in use");
            },
        });
    }
}
