//! Invariants of models and versions.

use alloc::collections::BTreeMap;
use assay_graph::{format::GRAPH_TAG, Architecture, Plan};
use assay_primitives::{digest, traits::Artifacts, AssuranceClass, Balance, ModelId};
use frame_support::{
    ensure,
    traits::{Get, GetStorageVersion},
};
use sp_runtime::TryRuntimeError;

use crate::{Architectures, Audits, Config, Models, Names, NextModel, Offers, Pallet, Versions};

impl<T: Config> Pallet<T> {
    /// Checks the invariants:
    ///
    /// * Names and models point at each other.
    /// * Identifiers are below the next one; version numbers are at most the newest.
    /// * A model's count and deposit are those of its versions, plus the base deposit.
    /// * Offers are of existing models, and not to their owners.
    /// * Stored digests are those of the descriptors, and the artifacts are complete.
    /// * Integer graphs have the architecture with the digest in the descriptor; other versions
    ///   have none. A version has terms of proofs and an audit if and only if it offers class
    ///   `Proof`, and the audit's total is the size of its weights.
    /// * The storage version is that of the code.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        ensure!(
            Self::on_chain_storage_version() == Self::in_code_storage_version(),
            "the storage version is not that of the code"
        );
        let mut sums: BTreeMap<ModelId, (u32, Balance)> = BTreeMap::new();
        for (version, record) in Versions::<T>::iter() {
            let model = Models::<T>::get(version.model).ok_or("a version without a model")?;
            ensure!(
                (1..=model.newest).contains(&version.number),
                "a version has an impossible number"
            );
            ensure!(record.descriptor.digest() == record.digest, "a digest is not its version's");
            ensure!(
                T::Artifacts::complete(&record.descriptor.artifact).is_some(),
                "a version without its artifact"
            );
            let architecture = Architectures::<T>::get(version)
                .map(|bytes| digest(&[GRAPH_TAG, bytes.as_slice()].concat()));
            ensure!(
                architecture == record.descriptor.architecture,
                "an architecture is not its version's"
            );
            ensure!(
                record.proof.is_some()
                    == record.descriptor.assurances.contains(AssuranceClass::Proof),
                "terms of proofs and the class disagree"
            );
            let weights = Audits::<T>::get(version).map(|audit| (audit.total, audit.done));
            let expected = record.proof.and_then(|_| {
                let architecture = Architectures::<T>::get(version)?;
                let plan = Plan::new(Architecture::from_bytes(&architecture).ok()?).ok()?;
                Some(Self::weights_bytes(&plan))
            });
            ensure!(
                weights.map(|(total, _)| total) == expected
                    && weights.is_none_or(|(total, done)| done <= total),
                "an audit does not match its version's weights"
            );
            let (count, deposit) = sums.entry(version.model).or_default();
            *count += 1;
            *deposit += record.deposit;
        }
        ensure!(
            Architectures::<T>::iter_keys().all(Versions::<T>::contains_key),
            "an architecture without its version"
        );
        ensure!(
            Audits::<T>::iter_keys().all(Versions::<T>::contains_key),
            "an audit without its version"
        );
        let mut names = 0;
        for (id, model) in Models::<T>::iter() {
            ensure!(id < NextModel::<T>::get(), "a model's identifier is not below the next one");
            ensure!(
                Names::<T>::get(&model.owner, &model.name) == Some(id),
                "a model is not found by its name"
            );
            let (count, deposit) = sums.remove(&id).unwrap_or_default();
            ensure!(model.versions == count, "a model's count of versions is wrong");
            ensure!(
                model.deposit == deposit + T::BaseDeposit::get(),
                "a model's deposit is not that of its versions"
            );
            names += 1;
        }
        ensure!(Names::<T>::iter().count() == names, "a name leads to no model");
        for (model, to) in Offers::<T>::iter() {
            let model = Models::<T>::get(model).ok_or("an offer of a model that does not exist")?;
            ensure!(model.owner != to, "a model is offered to its owner");
        }
        Ok(())
    }
}
