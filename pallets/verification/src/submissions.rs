//! The submissions of committee members, and the findings from them.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use assay_pallet_support::Chain;
use assay_primitives::{
    digest,
    model::{ModelDescriptor, Tolerance},
    receipt::SignedEvidence,
    traits::{
        EvidenceFindings, MemberState, Models, ProofFailure, ProvenResult, Shown, Verification,
    },
    Assurance, AssuranceClass, Digest, Evidence, FailureReason, ProofCost, ProofEvidence,
    RequestId, WorkerId, WorkerSignature,
};
use frame_support::{ensure, traits::Get, weights::Weight, BoundedVec};
use sp_runtime::DispatchResult;

use crate::{
    cost, proof, rules, CheckedProof, Config, DisabledClasses, Error, Event, Judgement, OutputOf,
    Outputs, Pallet, Submission, Submissions, SubmittedResult,
};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_set_class_enabled(class: AssuranceClass, enabled: bool) -> DispatchResult {
        let disabled = DisabledClasses::<T>::get();
        ensure!(disabled.contains(class) == enabled, Error::<T>::NothingChanged);
        DisabledClasses::<T>::put(match enabled {
            true => disabled.without(class),
            false => disabled.with(class),
        });
        Self::deposit_event(Event::ClassSwitched { class, enabled });
        Ok(())
    }

    /// Stores a result. Equal outputs are stored once.
    fn store(
        request: RequestId,
        member: &T::AccountId,
        output: Vec<u8>,
        output_digest: Digest,
        (worker, signature): (WorkerId, WorkerSignature),
        proof: Option<CheckedProof>,
    ) {
        let Ok(output) = BoundedVec::try_from(output) else {
            frame_support::defensive!("an output exceeds its bound");
            return;
        };
        if !Outputs::<T>::contains_key(request, output_digest) {
            Outputs::<T>::insert(request, output_digest, output);
        }
        Submissions::<T>::insert(
            request,
            member,
            Submission::Revealed { worker, output_digest, signature, proof },
        );
    }

    /// Whether new requests may ask for a class: it is available and not disabled.
    pub fn is_class_open(class: AssuranceClass) -> bool {
        T::AvailableClasses::get().contains(class) && !DisabledClasses::<T>::get().contains(class)
    }
}

impl<T: Config> Verification<T::AccountId> for Pallet<T> {
    fn check_request(assurance: Assurance, descriptor: &ModelDescriptor) -> DispatchResult {
        let class = assurance.class();
        ensure!(T::AvailableClasses::get().contains(class), Error::<T>::ClassNotAvailable);
        ensure!(!DisabledClasses::<T>::get().contains(class), Error::<T>::ClassDisabled);
        ensure!(descriptor.assurances.contains(class), Error::<T>::ClassNotOffered);
        ensure!(assurance.is_well_formed(), Error::<T>::InvalidQuorum);
        Ok(())
    }

    fn note_commitment(request: RequestId, member: &T::AccountId, commitment: Digest) {
        Submissions::<T>::insert(request, member, Submission::Committed(commitment));
    }

    fn note_failure(request: RequestId, member: &T::AccountId, reason: FailureReason) {
        Submissions::<T>::insert(request, member, Submission::Failed(reason));
    }

    fn note_result(
        request: RequestId,
        member: &T::AccountId,
        worker: WorkerId,
        signature: WorkerSignature,
        output_digest: Digest,
        output: Vec<u8>,
    ) {
        Self::store(request, member, output, output_digest, (worker, signature), None);
    }

    fn check_proof(result: &ProvenResult<'_, T::AccountId>) -> Result<(), ProofFailure> {
        let architecture =
            T::Models::architecture(result.version).ok_or(ProofFailure::NoVerifier)?;
        let weights =
            T::Models::weights_fingerprint(result.version).ok_or(ProofFailure::NoVerifier)?;
        proof::verify_result(T::genesis(), &architecture, weights, result)
    }

    fn note_proof(result: ProvenResult<'_, T::AccountId>) -> Result<(), ProofFailure> {
        let terms = T::Models::proof_terms(result.version).ok_or(ProofFailure::NoVerifier)?;
        let verdict = Self::check_proof(&result);
        if verdict == Err(ProofFailure::NoVerifier) {
            return verdict;
        }
        let evidence = ProofEvidence {
            digest: digest(result.proof),
            bytes: result.proof.len() as u32,
            security_bits: terms.security_bits,
        };
        let ProvenResult { request, operator, worker, signature, output, .. } = result;
        let (output_digest, holds) = (digest(&output), verdict.is_ok());
        let checked = Some(CheckedProof { evidence, holds });
        Self::store(request, operator, output, output_digest, (worker, signature), checked);
        verdict
    }

    fn proof_weight(cost: ProofCost) -> Weight {
        cost::weight::<T::WeightInfo>(cost)
    }

    fn judge(
        assurance: Assurance,
        result: SignedEvidence<T::AccountId>,
        output: &[u8],
    ) -> EvidenceFindings<T::AccountId> {
        let shown = [SubmittedResult { output, proof_holds: None }];
        let Judgement { winner, agreed, wrong } = rules::verifier(assurance, None).judge(&shown);
        let operators =
            |of: Vec<usize>| of.into_iter().map(|_| result.operator.clone()).collect::<Vec<_>>();
        EvidenceFindings {
            winner: winner.map(|_| result.output_digest),
            agreed: operators(agreed),
            wrong: operators(wrong),
            silent: Vec::new(),
            failure: None,
            failures: 0,
            unopened: 0,
            outputs: 1,
            output_bytes: output.len() as u32,
            evidence: Evidence::truncate_from(Vec::from([result])),
        }
    }

    fn shown_output(request: RequestId, member: &T::AccountId) -> Option<Vec<u8>> {
        match Submissions::<T>::get(request, member)? {
            Submission::Revealed { output_digest, .. } => {
                Outputs::<T>::get(request, output_digest).map(BoundedVec::into_inner)
            },
            Submission::Failed(_) | Submission::Committed(_) => None,
        }
    }

    fn member_state(request: RequestId, member: &T::AccountId) -> MemberState {
        match Submissions::<T>::get(request, member) {
            None => MemberState::Silent,
            Some(Submission::Failed(reason)) => MemberState::Failed(reason),
            Some(Submission::Committed(commitment)) => MemberState::Committed(commitment),
            Some(Submission::Revealed { .. }) => MemberState::Revealed,
        }
    }

    fn shown(request: RequestId, members: &[T::AccountId]) -> Shown {
        let digests: Vec<_> = members
            .iter()
            .filter_map(|member| match Submissions::<T>::get(request, member) {
                Some(Submission::Revealed { output_digest, .. }) => Some(output_digest),
                _ => None,
            })
            .collect();
        let different: BTreeSet<_> = digests.iter().collect();
        let lengths =
            different.iter().filter_map(|digest| Outputs::<T>::decode_len(request, digest));
        Shown {
            results: digests.len() as u32,
            outputs: different.len() as u32,
            longest: lengths.max().unwrap_or_default() as u32,
        }
    }

    fn decide(
        request: RequestId,
        assurance: Assurance,
        tolerance: Option<Tolerance>,
        members: &[T::AccountId],
    ) -> EvidenceFindings<T::AccountId> {
        let mut silent = Vec::new();
        let (mut failure, mut failures, mut unopened) = (None, 0, 0);
        let mut items: Vec<SignedEvidence<T::AccountId>> = Vec::new();
        let mut held = Vec::new();
        for member in members {
            match Submissions::<T>::get(request, member) {
                Some(Submission::Revealed { worker, output_digest, signature, proof }) => {
                    held.push(proof.map(|proof| proof.holds));
                    items.push(SignedEvidence {
                        operator: member.clone(),
                        worker,
                        output_digest,
                        signature,
                        list: None,
                        proof: proof.map(|proof| proof.evidence),
                    })
                },
                Some(Submission::Failed(reason)) => {
                    failure = failure.or(Some(reason));
                    failures += 1;
                },
                Some(Submission::Committed(_)) => {
                    unopened += 1;
                    silent.push(member.clone());
                },
                None => silent.push(member.clone()),
            }
        }
        // Equal outputs are read once.
        let outputs: BTreeMap<Digest, OutputOf<T>> = items
            .iter()
            .map(|item| item.output_digest)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|digest| (digest, Outputs::<T>::get(request, digest).unwrap_or_default()))
            .collect();
        let shown: Vec<_> = items
            .iter()
            .map(|item| outputs.get(&item.output_digest).map_or(&[][..], |output| output))
            .zip(held)
            .map(|(output, proof_holds)| SubmittedResult { output, proof_holds })
            .collect();
        let output_bytes = shown.iter().map(|result| result.output.len() as u32).sum();

        let Judgement { winner, agreed, wrong } =
            rules::verifier(assurance, tolerance).judge(&shown);
        let operators = |of: Vec<usize>| {
            of.into_iter()
                .filter_map(|index| items.get(index))
                .map(|item| item.operator.clone())
                .collect()
        };
        let (agreed, wrong) = (operators(agreed), operators(wrong));
        EvidenceFindings {
            winner: winner.and_then(|index| items.get(index)).map(|item| item.output_digest),
            agreed,
            wrong,
            silent,
            failure,
            failures,
            unopened,
            outputs: outputs.len() as u32,
            output_bytes,
            evidence: Evidence::truncate_from(items),
        }
    }

    fn take_output(
        request: RequestId,
        output_digest: &Digest,
        members: &[T::AccountId],
    ) -> Option<Vec<u8>> {
        let output = Outputs::<T>::get(request, output_digest);
        for member in members {
            if let Some(Submission::Revealed { output_digest, .. }) =
                Submissions::<T>::take(request, member)
            {
                Outputs::<T>::remove(request, output_digest);
            }
        }
        output.map(BoundedVec::into_inner)
    }
}
