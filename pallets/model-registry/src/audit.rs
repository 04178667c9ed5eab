//! The audit: the chain reads the published weights of versions that offer class `Proof`.

use assay_graph::{Architecture, Plan};
use assay_primitives::{
    proof::MAX_ARCHITECTURE_BYTES, VersionId, WeightsAudit, WeightsFingerprint,
};
use assay_proof::{Audit, AuditError, AuditState, Fingerprint};
use frame_support::{ensure, weights::Weight};

use crate::{
    pallet::LEAST_ARCHITECTURE_BYTES, Architectures, Audits, Config, Error, Event, Pallet,
    PieceProof, Versions, WeightInfo,
};

/// Weight of the call for an architecture of this size and this number of pieces and bytes.
pub(crate) fn weight<T: Config>(architecture_bytes: u32, pieces: usize, bytes: usize) -> Weight {
    let architecture_bytes =
        architecture_bytes.clamp(LEAST_ARCHITECTURE_BYTES, MAX_ARCHITECTURE_BYTES);
    T::WeightInfo::audit_weights(architecture_bytes)
        .saturating_add(T::WeightInfo::read_pieces(pieces as u32))
        .saturating_add(T::WeightInfo::read_weights(bytes as u32))
}

impl<T: Config> Pallet<T> {
    /// Size in bytes of all weights and biases of a graph.
    pub(crate) fn weights_bytes(plan: &Plan) -> u64 {
        plan.all_parameters().map(|set| (set.weights() + 4 * set.channels) as u64).sum()
    }

    /// Reads weights and biases from byte `first` on, as far as they have not been read. Returns the size
    /// of the architecture in bytes.
    pub(crate) fn do_audit(
        version: VersionId,
        first: u64,
        bytes: &[u8],
        proofs: &[PieceProof],
    ) -> Result<u32, Error<T>> {
        let Some(audit) = Audits::<T>::get(version) else {
            ensure!(Versions::<T>::contains_key(version), Error::<T>::VersionNotFound);
            return Err(Error::<T>::AuditNotNeeded);
        };
        ensure!(!audit.is_done(), Error::<T>::AlreadyAudited);
        ensure!(!bytes.is_empty(), Error::<T>::UnexpectedWeights);
        let architecture =
            Architectures::<T>::get(version).ok_or(Error::<T>::ArchitectureMissing)?;
        let plan = Architecture::from_bytes(&architecture)
            .ok()
            .and_then(|architecture| Plan::new(architecture).ok())
            .ok_or(Error::<T>::ArchitectureInvalid)?;
        let reader = Audit::new(&plan).map_err(Error::<T>::from)?;
        let WeightsAudit { fingerprint, done, total } = audit;
        let mut state = AuditState { fingerprint: Fingerprint(fingerprint.0), done };
        // What others have read in the meantime does not spoil the rest.
        ensure!(first <= done, Error::<T>::UnexpectedWeights);
        let mut at = AuditState { done: first, ..Default::default() };
        let mut rest = bytes;
        for proof in proofs {
            let part = reader.next(&at).ok_or(Error::<T>::UnexpectedWeights)?;
            let (piece, after) = rest.split_at(part.left().min(rest.len()));
            let range = part.first..part.first + piece.len();
            let opened = proof
                .opening(piece)
                .and_then(|opening| opening.verify(&plan, part.set, part.elements, range).ok())
                .ok_or(Error::<T>::UnexpectedWeights)?;
            let known = state.done.saturating_sub(at.done).min(opened.len() as u64);
            at.done = at.done.saturating_add(opened.len() as u64);
            rest = after;
            let unread = opened.get(known as usize..).unwrap_or_default();
            if unread.is_empty() {
                continue;
            }
            reader.take(&mut state, unread).map_err(|error| match error {
                AuditError::UnexpectedBytes => Error::<T>::UnexpectedWeights,
                AuditError::Bias { .. } => Error::<T>::BiasOutOfBounds,
            })?;
        }
        ensure!(rest.is_empty() && state.done > done, Error::<T>::UnexpectedWeights);

        let AuditState { fingerprint: Fingerprint(fingerprint), done } = state;
        let fingerprint = WeightsFingerprint(fingerprint);
        let audit = WeightsAudit { fingerprint, done, total };
        Audits::<T>::insert(version, audit);
        Self::deposit_event(Event::WeightsRead { version, done, total });
        if audit.is_done() {
            Self::deposit_event(Event::VersionAudited { version, fingerprint });
        }
        Ok(architecture.len() as u32)
    }
}
