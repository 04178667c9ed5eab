//! Reports of equivocations: two different results that one operator signed for one request.

use assay_pallet_support::Chain;
use assay_primitives::{
    operator::Offence, traits::Operators, ResultStatement, Statement, WorkerId, WorkerSignature,
};
use frame_support::ensure;
use sp_runtime::DispatchResult;

use crate::{Config, Equivocations, Error, Event, Pallet};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_report_equivocation(
        reporter: T::AccountId,
        worker: WorkerId,
        (first, first_signature): (ResultStatement<T::AccountId>, WorkerSignature),
        (second, second_signature): (ResultStatement<T::AccountId>, WorkerSignature),
    ) -> DispatchResult {
        // Everything but the output and its proof must agree. An identifier can belong to different
        // requests on two forks, and an honest operator answers both.
        let same_answer = ResultStatement {
            output_digest: first.output_digest,
            proof: first.proof,
            ..second.clone()
        };
        ensure!(
            first == same_answer && first.output_digest != second.output_digest,
            Error::<T>::NotEquivocation
        );
        ensure!(first.genesis == T::genesis(), Error::<T>::WrongChain);
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
}
