//! Announcement, upload and removal of artifacts, and the uses that other pallets count.

use alloc::vec::Vec;
use assay_primitives::{
    artifact::{identity, ArtifactManifest, MAX_ARTIFACT_BYTES},
    digest,
    traits::{Artifacts as ArtifactsTrait, Deposits},
    Balance, Digest,
};
use frame_support::{ensure, traits::Get};
use sp_runtime::DispatchResult;

use crate::{Artifact, Artifacts, Chunks, Config, Error, Event, LastIndexed, Pallet, Uploads};

impl<AccountId> Artifact<AccountId> {
    fn has(&self, index: u32) -> bool {
        self.uploaded & (1 << index) != 0
    }

    /// Whether every chunk is on chain.
    pub fn is_complete(&self) -> bool {
        self.uploaded.count_ones() as usize == self.chunks.len()
    }

    /// Indices of the chunks that are not on chain.
    pub fn missing(&self) -> Vec<u32> {
        (0..self.chunks.len() as u32).filter(|index| !self.has(*index)).collect()
    }

    /// Its manifest. `identity` must be the identity of the artifact.
    pub fn manifest(&self, identity: Digest) -> ArtifactManifest {
        ArtifactManifest { identity, size: self.size, chunks: self.chunks.to_vec() }
    }
}

impl<T: Config> Pallet<T> {
    /// The deposit for an artifact of `size` bytes, in plancks.
    pub fn deposit_for(size: u64) -> Balance {
        T::ByteDeposit::get().saturating_mul(size.into()).saturating_add(T::BaseDeposit::get())
    }

    pub(crate) fn do_create(owner: T::AccountId, size: u64, chunks: Chunks) -> DispatchResult {
        ensure!((1..=MAX_ARTIFACT_BYTES).contains(&size), Error::<T>::InvalidSize);
        ensure!(
            chunks.len() as u64 == ArtifactManifest::chunk_count(size),
            Error::<T>::WrongChunkCount
        );
        let artifact = identity(size, &chunks);
        ensure!(
            !Artifacts::<T>::contains_key(artifact)
                && !Uploads::<T>::contains_key(artifact, &owner),
            Error::<T>::AlreadyExists
        );
        let deposit = Self::deposit_for(size);
        T::Deposits::take(&owner, deposit)?;
        Uploads::<T>::insert(
            artifact,
            &owner,
            Artifact { owner: owner.clone(), size, chunks, uploaded: 0, uses: 0, deposit },
        );
        Self::deposit_event(Event::Created { artifact, owner, size });
        Ok(())
    }

    pub(crate) fn do_upload(
        owner: T::AccountId,
        artifact: Digest,
        index: u32,
        data: Vec<u8>,
    ) -> DispatchResult {
        let Some(mut record) = Uploads::<T>::get(artifact, &owner) else {
            // This may be a repeated upload of the chunk that completed the artifact.
            ensure!(!Artifacts::<T>::contains_key(artifact), Error::<T>::ChunkExists);
            return Err(Error::<T>::NotFound.into());
        };
        let expected = *record.chunks.get(index as usize).ok_or(Error::<T>::NoSuchChunk)?;
        ensure!(!record.has(index), Error::<T>::ChunkExists);
        ensure!(
            ArtifactManifest::chunk_size(record.size, index) == Some(data.len() as u32),
            Error::<T>::ChunkMismatch
        );
        // The node indexes the last bytes of the extrinsic, which must be the data of this call.
        let extrinsic_index =
            frame_system::Pallet::<T>::extrinsic_index().ok_or(Error::<T>::NotOutermostCall)?;
        ensure!(
            frame_system::Pallet::<T>::extrinsic_data(extrinsic_index).ends_with(&data),
            Error::<T>::NotOutermostCall
        );
        // It indexes one chunk per extrinsic: of two chunks it would lose the first.
        let here = (frame_system::Pallet::<T>::block_number(), extrinsic_index);
        ensure!(LastIndexed::<T>::get() != Some(here), Error::<T>::NotOutermostCall);
        ensure!(digest(&data) == expected, Error::<T>::ChunkMismatch);

        LastIndexed::<T>::put(here);
        sp_io::transaction_index::index(extrinsic_index, data.len() as u32, expected.0);
        record.uploaded |= 1 << index;
        Self::deposit_event(Event::ChunkUploaded { artifact, owner: owner.clone(), index });
        if record.is_complete() {
            Self::complete_upload(owner, artifact, record);
        } else {
            Uploads::<T>::insert(artifact, owner, record);
        }
        Ok(())
    }

    /// Turns a complete announcement into the artifact, or drops it if the artifact exists.
    fn complete_upload(owner: T::AccountId, artifact: Digest, record: Artifact<T::AccountId>) {
        Uploads::<T>::remove(artifact, &owner);
        if Artifacts::<T>::contains_key(artifact) {
            T::Deposits::give_back(&owner, record.deposit);
            Self::deposit_event(Event::UploadDropped { artifact, owner });
        } else {
            Artifacts::<T>::insert(artifact, record);
            Self::deposit_event(Event::Completed { artifact, owner });
        }
    }

    pub(crate) fn do_remove(owner: T::AccountId, artifact: Digest) -> DispatchResult {
        let deposit = match Uploads::<T>::take(artifact, &owner) {
            Some(record) => record.deposit,
            None => {
                let record = Artifacts::<T>::get(artifact).ok_or(Error::<T>::NotFound)?;
                ensure!(record.owner == owner, Error::<T>::NotOwner);
                ensure!(record.uses == 0, Error::<T>::InUse);
                Artifacts::<T>::remove(artifact);
                record.deposit
            },
        };
        T::Deposits::give_back(&owner, deposit);
        Self::deposit_event(Event::Removed { artifact, owner });
        Ok(())
    }

    /// The account's own announcement while chunks of it are missing, else the artifact.
    pub fn seen_by(owner: &T::AccountId, artifact: &Digest) -> Option<Artifact<T::AccountId>> {
        Uploads::<T>::get(artifact, owner).or_else(|| Artifacts::<T>::get(artifact))
    }

    /// The artifact, else an announcement of it by any account.
    pub fn seen(artifact: &Digest) -> Option<Artifact<T::AccountId>> {
        Artifacts::<T>::get(artifact).or_else(|| Uploads::<T>::iter_prefix_values(artifact).next())
    }
}

impl<T: Config> ArtifactsTrait for Pallet<T> {
    fn complete(artifact: &Digest) -> Option<ArtifactManifest> {
        Artifacts::<T>::get(artifact).map(|record| record.manifest(*artifact))
    }

    fn acquire(artifact: &Digest) -> DispatchResult {
        Artifacts::<T>::try_mutate(artifact, |record| {
            let record = record.as_mut().ok_or(Error::<T>::NotFound)?;
            record.uses = record.uses.checked_add(1).ok_or(Error::<T>::TooManyUses)?;
            Ok(())
        })
    }

    fn release(artifact: &Digest) {
        Artifacts::<T>::mutate(artifact, |record| match record {
            Some(record) if record.uses > 0 => record.uses -= 1,
            _ => {
                frame_support::defensive!("an artifact was released that is not in use");
            },
        });
    }
}
