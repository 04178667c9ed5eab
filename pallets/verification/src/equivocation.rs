//! Reports of equivocations: two different results that one operator signed for one request.

use assay_pallet_support::Chain;
use assay_primitives::{
    digest,
    model::{ModelDescriptor, Tolerance},
    operator::Offence,
    traits::Operators,
    AnsweredRequest, AssuranceClass, ResultStatement, SignedResult, WorkerId,
};
use frame_support::ensure;
use sp_runtime::DispatchResult;

use crate::{quorum::equal, Config, Equivocations, Error, Event, Pallet};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_report_equivocation(
        reporter: T::AccountId,
        worker: WorkerId,
        answered: AnsweredRequest<T::AccountId>,
        descriptor: &ModelDescriptor,
        signed: [&SignedResult<T::AccountId>; 2],
        outputs: Option<[&[u8]; 2]>,
    ) -> DispatchResult {
        let [first, second] = signed.map(|signed| &signed.statement);
        // Everything but the output and its proof must agree. An identifier can belong to different
        // requests on two forks, and an honest operator answers both.
        ensure!(
            first.request == second.request
                && first.operator == second.operator
                && first.output_digest != second.output_digest,
            Error::<T>::NotEquivocation
        );
        ensure!(first.request == answered.hash(), Error::<T>::WrongRequest);
        ensure!(answered.genesis == T::genesis(), Error::<T>::WrongChain);
        ensure!(answered.version_digest == descriptor.digest(), Error::<T>::WrongVersion);
        let (request, operator) = (first.request, first.operator.clone());
        ensure!(!Equivocations::<T>::contains_key(request, &operator), Error::<T>::AlreadyPunished);
        ensure!(
            T::Operators::operator_of(&worker).as_ref() == Some(&operator),
            Error::<T>::WrongWorker
        );
        // Each punished one is kept for ever, so an operator without a bond must not have many.
        ensure!(
            T::Operators::unowed(&operator)
                >= T::Operators::stake(AssuranceClass::Signed, false).max(1),
            Error::<T>::NothingAtStake
        );
        Self::check_difference([first, second], descriptor.tolerance, outputs)?;
        ensure!(signed.iter().all(|signed| signed.is_by(&worker)), Error::<T>::BadSignature);
        Equivocations::<T>::insert(request, &operator, ());
        let amount = T::Operators::penalise(&operator, Offence::Equivocation, None);
        Self::deposit_event(Event::EquivocationPunished {
            operator,
            request: answered.request,
            reporter,
            amount,
        });
        Ok(())
    }

    /// Checks that two results with different digests also differ within the version's tolerance.
    fn check_difference(
        statements: [&ResultStatement<T::AccountId>; 2],
        tolerance: Option<Tolerance>,
        outputs: Option<[&[u8]; 2]>,
    ) -> DispatchResult {
        if tolerance.is_none_or(|tolerance| tolerance.millionths == 0) {
            return Ok(());
        }
        let outputs = outputs.ok_or(Error::<T>::OutputsNeeded)?;
        ensure!(
            outputs.iter().zip(statements).all(|(output, of)| digest(output) == of.output_digest),
            Error::<T>::WrongOutputs
        );
        ensure!(!equal(outputs[0], outputs[1], tolerance), Error::<T>::WithinTolerance);
        Ok(())
    }
}
