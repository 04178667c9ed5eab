//! Creation, change, transfer and removal of models and versions by their owners.

use assay_primitives::{
    model::{is_licence, is_model_name, Format, Licence, ModelName},
    traits::{Artifacts, Deposits},
    AssuranceClass, Balance, Digest, ModelDescriptor, ModelId, TensorDeclaration, VersionId,
    WeightsAudit,
};
use codec::{Encode, MaxEncodedLen};
use frame_support::{ensure, traits::Get};
use sp_runtime::{DispatchResult, Perbill};

use crate::{
    Architectures, Audits, Config, EncodedArchitecture, Error, Event, Model, Models, Names,
    NextModel, Offers, Pallet, Version, Versions,
};

impl<T: Config> Pallet<T> {
    fn owned(owner: &T::AccountId, model: ModelId) -> Result<Model<T::AccountId>, Error<T>> {
        let record = Models::<T>::get(model).ok_or(Error::<T>::ModelNotFound)?;
        ensure!(record.owner == *owner, Error::<T>::NotOwner);
        Ok(record)
    }

    pub(crate) fn change(
        owner: T::AccountId,
        version: VersionId,
        change: impl FnOnce(&mut Version),
    ) -> DispatchResult {
        Self::owned(&owner, version.model)?;
        Versions::<T>::try_mutate(version, |record| {
            change(record.as_mut().ok_or(Error::<T>::VersionNotFound)?);
            Ok(())
        })
    }

    pub(crate) fn do_create(owner: T::AccountId, name: ModelName) -> DispatchResult {
        ensure!(is_model_name(&name), Error::<T>::InvalidName);
        ensure!(!Names::<T>::contains_key(&owner, &name), Error::<T>::NameTaken);
        let model = NextModel::<T>::get();
        let next = model.0.checked_add(1).ok_or(Error::<T>::NoIdentifierLeft)?;
        let deposit = T::BaseDeposit::get();
        T::Deposits::take(&owner, deposit)?;
        NextModel::<T>::put(ModelId(next));
        Names::<T>::insert(&owner, &name, model);
        Models::<T>::insert(
            model,
            Model { owner: owner.clone(), name: name.clone(), newest: 0, versions: 0, deposit },
        );
        Self::deposit_event(Event::ModelCreated { model, owner, name });
        Ok(())
    }

    fn check_descriptor(descriptor: &ModelDescriptor) -> DispatchResult {
        for side in [&descriptor.inputs, &descriptor.outputs] {
            ensure!(!side.is_empty(), Error::<T>::InvalidDeclaration);
            for (index, declared) in side.iter().enumerate() {
                let repeated = side[..index].iter().any(|other| other.name == declared.name);
                ensure!(declared.is_well_formed() && !repeated, Error::<T>::InvalidDeclaration);
            }
        }
        let offered = descriptor.assurances;
        ensure!(!offered.is_empty(), Error::<T>::NoAssurance);
        ensure!(T::AvailableClasses::get().contains_all(offered), Error::<T>::ClassUnavailable);
        let is_float = |declared: &TensorDeclaration| declared.element_type.is_float();
        ensure!(
            !offered.contains(AssuranceClass::Quorum)
                || descriptor.tolerance.is_some()
                || !descriptor.outputs.iter().any(is_float),
            Error::<T>::ToleranceMissing
        );
        match descriptor.format {
            Format::Onnx => {
                ensure!(descriptor.architecture.is_none(), Error::<T>::ArchitectureNotAllowed);
                let of_graphs = [AssuranceClass::Optimistic, AssuranceClass::Proof];
                let needs_graph = of_graphs.into_iter().any(|class| offered.contains(class));
                ensure!(!needs_graph, Error::<T>::ClassNeedsGraph);
            },
            Format::IntegerGraph => {
                let is_exact = descriptor.tolerance.is_none_or(|t| t.millionths == 0);
                ensure!(is_exact, Error::<T>::ToleranceNotAllowed);
            },
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    pub(crate) fn do_publish(
        owner: T::AccountId,
        model: ModelId,
        descriptor: ModelDescriptor,
        royalty: Perbill,
        licence: Licence,
        metadata: Option<Digest>,
        architecture: Option<EncodedArchitecture>,
    ) -> DispatchResult {
        let mut record = Self::owned(&owner, model)?;
        ensure!(royalty <= T::MaxRoyalty::get(), Error::<T>::RoyaltyTooHigh);
        ensure!(is_licence(&licence), Error::<T>::InvalidLicence);
        Self::check_descriptor(&descriptor)?;
        let artifact =
            T::Artifacts::complete(&descriptor.artifact).ok_or(Error::<T>::ArtifactNotFound)?;
        ensure!(artifact.size == descriptor.artifact_size, Error::<T>::ArtifactSizeMismatch);
        let number = record.newest.checked_add(1).ok_or(Error::<T>::NoIdentifierLeft)?;
        let checked = match (descriptor.format, &architecture) {
            (Format::Onnx, None) => None,
            (Format::Onnx, Some(_)) => return Err(Error::<T>::ArchitectureNotAllowed.into()),
            (Format::IntegerGraph, None) => return Err(Error::<T>::ArchitectureMissing.into()),
            (Format::IntegerGraph, Some(bytes)) => Self::check_graph(&descriptor, bytes)?,
        };

        let (proof, audit) = checked.unzip();
        let digest = descriptor.digest();
        let mut entry = Version {
            descriptor,
            digest,
            royalty,
            licence,
            metadata,
            deprecated: false,
            uses: 0,
            deposit: 0,
            proof,
        };
        // The deposit always covers a metadata digest, because `set_metadata` may add one later.
        // The architecture and the audit are stored beside the entry.
        let reserved = entry.metadata.map_or(Digest::len_bytes(), |_| 0)
            + architecture.as_ref().map_or(0, Encode::encoded_size)
            + audit.map_or(0, |_| WeightsAudit::max_encoded_len());
        entry.deposit = T::ByteDeposit::get()
            .saturating_mul((entry.encoded_size() + reserved) as Balance)
            .saturating_add(T::BaseDeposit::get());
        T::Deposits::take(&owner, entry.deposit)?;
        T::Artifacts::acquire(&entry.descriptor.artifact)?;
        record.newest = number;
        record.versions = record.versions.saturating_add(1);
        record.deposit = record.deposit.saturating_add(entry.deposit);
        let version = VersionId { model, number };
        Models::<T>::insert(model, record);
        Versions::<T>::insert(version, entry);
        if let Some(architecture) = architecture {
            Architectures::<T>::insert(version, architecture);
        }
        if let Some(audit) = audit {
            Audits::<T>::insert(version, audit);
        }
        Self::deposit_event(Event::VersionPublished { version, digest });
        Ok(())
    }

    pub(crate) fn do_deprecate(owner: T::AccountId, version: VersionId) -> DispatchResult {
        Self::owned(&owner, version.model)?;
        Versions::<T>::try_mutate(version, |record| {
            let record = record.as_mut().ok_or(Error::<T>::VersionNotFound)?;
            ensure!(!record.deprecated, Error::<T>::AlreadyDeprecated);
            record.deprecated = true;
            Ok::<_, Error<T>>(())
        })?;
        Self::deposit_event(Event::VersionDeprecated { version });
        Ok(())
    }

    pub(crate) fn do_offer(
        owner: T::AccountId,
        model: ModelId,
        to: T::AccountId,
    ) -> DispatchResult {
        Self::owned(&owner, model)?;
        Offers::<T>::insert(model, &to);
        Self::deposit_event(Event::TransferOffered { model, from: owner, to });
        Ok(())
    }

    pub(crate) fn do_withdraw_offer(owner: T::AccountId, model: ModelId) -> DispatchResult {
        Self::owned(&owner, model)?;
        Offers::<T>::take(model).ok_or(Error::<T>::NotOffered)?;
        Self::deposit_event(Event::TransferWithdrawn { model });
        Ok(())
    }

    pub(crate) fn do_accept(to: T::AccountId, model: ModelId) -> DispatchResult {
        let mut record = Models::<T>::get(model).ok_or(Error::<T>::ModelNotFound)?;
        ensure!(Offers::<T>::get(model).as_ref() == Some(&to), Error::<T>::NotOffered);
        ensure!(!Names::<T>::contains_key(&to, &record.name), Error::<T>::NameTaken);
        T::Deposits::hand_over(&record.owner, &to, record.deposit)?;
        Offers::<T>::remove(model);
        Names::<T>::remove(&record.owner, &record.name);
        Names::<T>::insert(&to, &record.name, model);
        let from = core::mem::replace(&mut record.owner, to.clone());
        Models::<T>::insert(model, record);
        Self::deposit_event(Event::ModelTransferred { model, from, to });
        Ok(())
    }

    pub(crate) fn do_remove_version(owner: T::AccountId, version: VersionId) -> DispatchResult {
        let mut record = Self::owned(&owner, version.model)?;
        let entry = Versions::<T>::get(version).ok_or(Error::<T>::VersionNotFound)?;
        ensure!(entry.uses == 0, Error::<T>::InUse);
        Versions::<T>::remove(version);
        Architectures::<T>::remove(version);
        Audits::<T>::remove(version);
        T::Artifacts::release(&entry.descriptor.artifact);
        T::Deposits::give_back(&owner, entry.deposit);
        record.versions = record.versions.saturating_sub(1);
        record.deposit = record.deposit.saturating_sub(entry.deposit);
        Models::<T>::insert(version.model, record);
        Self::deposit_event(Event::VersionRemoved { version });
        Ok(())
    }

    pub(crate) fn do_remove_model(owner: T::AccountId, model: ModelId) -> DispatchResult {
        let record = Self::owned(&owner, model)?;
        ensure!(record.versions == 0, Error::<T>::HasVersions);
        Models::<T>::remove(model);
        Offers::<T>::remove(model);
        Names::<T>::remove(&owner, &record.name);
        T::Deposits::give_back(&owner, record.deposit);
        Self::deposit_event(Event::ModelRemoved { model });
        Ok(())
    }
}
