//! Invariants of models and versions.

use alloc::collections::BTreeMap;
use assay_graph::{format::GRAPH_TAG, Architecture, Plan};
use assay_primitives::{digest, traits::Artifacts, AssuranceClass, Balance, ModelId};
use frame_support::{ensure, traits::Get};
use sp_runtime::TryRuntimeError;

use crate::{Architectures, Audits, Config, Models, Names, NextModel, Offers, Pallet, Versions};

impl<T: Config> Pallet<T> {
    /// * Names and models point at each other.
    /// * Identifiers are below the next one; numbers are not above the newest.
    /// * Counts and deposits of models are those of their versions and the base deposit.
    /// * Models that exist are offered, and not to their owners.
    /// * Descriptors have the digest that is stored, and their artifacts are complete.
    /// * Integer graphs have the architecture that they name, and nothing else has one. There are
    ///   terms of proofs exactly where class `Proof` is offered, and as many of their weights are to
    ///   be read as they have.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
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
                "what is read of a version's weights is not of them"
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
            ensure!(id < NextModel::<T>::get(), "a model has an identifier to come");
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
            let model = Models::<T>::get(model).ok_or("an offer of no model")?;
            ensure!(model.owner != to, "a model is offered to its owner");
        }
        Ok(())
    }
}
