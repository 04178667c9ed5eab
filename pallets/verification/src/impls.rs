use alloc::vec::Vec;
use assay_primitives::{
    model::{ModelDescriptor, Tolerance},
    operator::Offence,
    receipt::SignedEvidence,
    traits::{MemberState, Operators, Verdict, Verification},
    Assurance, AssuranceClass, Digest, Evidence, FailureReason, RequestId, ResultStatement,
    Statement, WorkerId, WorkerSignature,
};
use frame_support::{ensure, traits::Get, BoundedVec};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Zero, DispatchResult};

use crate::{
    quorum, Config, DisabledClasses, Equivocations, Error, Event, Outputs, Pallet, Submission,
    Submissions,
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

    pub(crate) fn do_report_equivocation(
        reporter: T::AccountId,
        worker: WorkerId,
        (first, first_signature): (ResultStatement<T::AccountId>, WorkerSignature),
        (second, second_signature): (ResultStatement<T::AccountId>, WorkerSignature),
    ) -> DispatchResult {
        // Everything but the output must agree. An identifier may stand for one request on one
        // fork and for another on the next, and an honest operator answers both.
        let same_answer = ResultStatement { output_digest: first.output_digest, ..second.clone() };
        ensure!(
            first == same_answer && first.output_digest != second.output_digest,
            Error::<T>::NotEquivocation
        );
        let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
        ensure!(first.genesis.as_bytes() == genesis.as_ref(), Error::<T>::WrongChain);
        let (request, operator) = (first.request, first.operator.clone());
        ensure!(!Equivocations::<T>::contains_key(request, &operator), Error::<T>::AlreadyPunished);
        ensure!(
            T::Operators::operator_of(&worker).as_ref() == Some(&operator),
            Error::<T>::WrongWorker
        );
        ensure!(
            first.is_signed_by(&worker, &first_signature)
                && second.is_signed_by(&worker, &second_signature),
            Error::<T>::BadSignature
        );
        Equivocations::<T>::insert(request, &operator, ());
        let amount = T::Operators::penalise(&operator, Offence::Equivocation, None);
        Self::deposit_event(Event::EquivocationPunished { operator, request, reporter, amount });
        Ok(())
    }

    /// Whether requests may ask for a class at all.
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
        let Ok(output) = BoundedVec::try_from(output) else {
            frame_support::defensive!("an output passed its bound");
            return;
        };
        if !Outputs::<T>::contains_key(request, output_digest) {
            Outputs::<T>::insert(request, output_digest, output);
        }
        Submissions::<T>::insert(
            request,
            member,
            Submission::Revealed { worker, output_digest, signature },
        );
    }

    fn member_state(request: RequestId, member: &T::AccountId) -> MemberState {
        match Submissions::<T>::get(request, member) {
            None => MemberState::Silent,
            Some(Submission::Failed(reason)) => MemberState::Failed(reason),
            Some(Submission::Committed(commitment)) => MemberState::Committed(commitment),
            Some(Submission::Revealed { .. }) => MemberState::Revealed,
        }
    }

    fn decide(
        request: RequestId,
        assurance: Assurance,
        tolerance: Option<Tolerance>,
        members: &[T::AccountId],
    ) -> Verdict<T::AccountId> {
        let mut silent = Vec::new();
        let mut failure = None;
        let mut items: Vec<SignedEvidence<T::AccountId>> = Vec::new();
        for member in members {
            match Submissions::<T>::get(request, member) {
                Some(Submission::Revealed { worker, output_digest, signature }) => {
                    items.push(SignedEvidence {
                        operator: member.clone(),
                        worker,
                        output_digest,
                        signature,
                    })
                },
                Some(Submission::Failed(reason)) => failure = failure.or(Some(reason)),
                Some(Submission::Committed(_)) | None => silent.push(member.clone()),
            }
        }
        let threshold = match assurance {
            Assurance::Quorum { k, .. } => k as usize,
            _ => 1,
        };
        let outputs: Vec<_> = items
            .iter()
            .map(|item| Outputs::<T>::get(request, item.output_digest).unwrap_or_default())
            .collect();
        let results: Vec<&[u8]> = outputs.iter().map(|output| output.as_slice()).collect();

        let (mut agreed, mut wrong) = (Vec::new(), Vec::new());
        let winner = quorum::winner(&results, threshold, tolerance);
        // Two honest results may each be within the tolerance of the truth and not of each other.
        // Only what is further away than that is wrong; what is between is just not paid.
        let doubled = tolerance
            .map(|Tolerance { millionths }| Tolerance { millionths: millionths.saturating_mul(2) });
        if let Some(winner) = winner {
            for (item, result) in items.iter().zip(&results) {
                if quorum::equal(results[winner], result, tolerance) {
                    agreed.push(item.operator.clone());
                } else if !quorum::equal(results[winner], result, doubled) {
                    wrong.push(item.operator.clone());
                }
            }
        }
        Verdict {
            winner: winner.map(|index| items[index].output_digest),
            agreed,
            wrong,
            silent,
            failure,
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
