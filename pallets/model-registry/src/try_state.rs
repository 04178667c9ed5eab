//! Invariants of models and versions.

use alloc::collections::BTreeMap;
use assay_primitives::{traits::Artifacts, Balance, ModelId};
use frame_support::{ensure, traits::Get};
use sp_runtime::TryRuntimeError;

use crate::{Config, Models, Names, NextModel, Offers, Pallet, Versions};

impl<T: Config> Pallet<T> {
    /// * Names and models point at each other.
    /// * Identifiers are below the next one; numbers are not above the newest.
    /// * Counts and deposits of models are those of their versions and the base deposit.
    /// * Models that exist are offered, and not to their owners.
    /// * Descriptors have the digest that is stored, and their artifacts are complete.
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
            let (count, deposit) = sums.entry(version.model).or_default();
            *count += 1;
            *deposit += record.deposit;
        }
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
