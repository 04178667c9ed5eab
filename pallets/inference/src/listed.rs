//! Lists of results that one operator submits with one signature.
//!
//! A result counts if its request still waits for it. The others of the list are skipped, so that
//! they cannot spoil it: a request may have ended between the signature and the block.

use alloc::vec::Vec;
use assay_pallet_support::{refuse, Chain};
use assay_primitives::{
    digest, merkle,
    runtime_api::Status,
    traits::{BlockRoom, OnRequestFinal, Operators},
    Assurance, BlockNumber, Digest, ListPlace, ListStatement, ResultStatement, SignedEvidence,
    Statement, WorkerSignature,
};
use frame_support::{
    defensive, ensure,
    pallet_prelude::{InvalidTransaction, TransactionSource, ValidTransaction, Weight},
    traits::Get,
};

use crate::{
    authorize::{refusal, Authorized},
    room::CALL_BYTES,
    Config, Event, ListedResult, Pallet, Request, Requests, ResultList, WeightInfo,
};

/// Upper bound of the length of a listed result in bytes, without its output.
const ITEM_BYTES: u32 = 48;

/// Length of all outputs of a list in bytes.
pub(crate) fn output_bytes<Max: Get<u32>>(results: &[ListedResult<Max>]) -> u32 {
    results.iter().map(|result| result.output.len() as u32).sum()
}

impl<T: Config> Pallet<T> {
    /// Weight of `count` listed results that end requests, with outputs of `bytes` bytes together.
    /// The weight of a result is linear in the length of its output.
    pub(crate) fn list_weight(count: u32, bytes: u32) -> Weight {
        let outputs = Self::result_weight(bytes).saturating_sub(Self::result_weight(0));
        T::WeightInfo::submit_results(count)
            .saturating_add(outputs)
            .saturating_add(T::OnRequestFinal::weight().saturating_mul(count.into()))
    }

    /// Weight of authorising such a list.
    pub(crate) fn list_authorization(count: u32, bytes: u32) -> Weight {
        let outputs = T::WeightInfo::authorize_result(bytes)
            .saturating_sub(T::WeightInfo::authorize_result(0));
        T::WeightInfo::authorize_results(count).saturating_add(outputs)
    }

    /// Length of the call with such a list in bytes, at most.
    pub(crate) fn list_bytes(count: u32, bytes: u32) -> u32 {
        CALL_BYTES.saturating_add(ITEM_BYTES.saturating_mul(count)).saturating_add(bytes)
    }

    /// The request, if it waits for this result of the operator.
    fn awaiting(
        operator: &T::AccountId,
        result: &ListedResult<T::MaxOutputBytes>,
    ) -> Option<Request<T::AccountId>> {
        let request = Requests::<T>::get(result.request)?;
        let awaits = request.status == Status::Assigned
            && request.assurance == Assurance::Signed
            && T::now() <= request.deadline
            && request.members.iter().any(|member| member.account == *operator)
            && request.answered(T::genesis(), result.request) == result.answered;
        awaits.then_some(request)
    }

    /// The statements of the list, and their digests.
    fn listed(
        operator: &T::AccountId,
        results: &[ListedResult<T::MaxOutputBytes>],
    ) -> (Vec<ResultStatement<T::AccountId>>, Vec<Digest>) {
        let statement = |result: &ListedResult<_>| ResultStatement {
            request: result.answered,
            output_digest: digest(&result.output),
            operator: operator.clone(),
            proof: None,
        };
        let statements: Vec<_> = results.iter().map(statement).collect();
        let digests = statements.iter().map(ResultStatement::digest).collect();
        (statements, digests)
    }

    /// The statement that the operator signs for these results.
    pub(crate) fn list_statement(
        operator: &T::AccountId,
        results: &[ListedResult<T::MaxOutputBytes>],
    ) -> ListStatement<T::AccountId> {
        let (_, digests) = Self::listed(operator, results);
        ListStatement {
            results: merkle::root(&digests),
            count: digests.len() as u32,
            operator: operator.clone(),
        }
    }

    /// At least half of the results have to count, by number and by the length of their outputs, so
    /// that nobody can fill blocks with lists that nothing waits for.
    pub(crate) fn authorize_results(
        _source: TransactionSource,
        operator: &T::AccountId,
        results: &ResultList<T>,
        signature: &WorkerSignature,
    ) -> Authorized {
        let (count, bytes) = (results.len() as u32, output_bytes(results));
        let weight =
            Self::list_weight(count, bytes).saturating_add(Self::list_authorization(count, bytes));
        ensure!(
            T::Room::fits_answer(weight, Self::list_bytes(count, bytes)),
            InvalidTransaction::ExhaustsResources
        );
        ensure!(
            count > 0 && results.windows(2).all(|pair| pair[0].request < pair[1].request),
            refuse(refusal::NOT_A_LIST)
        );
        let worker = T::Operators::worker(operator).ok_or(refuse(refusal::NOT_ASSIGNED))?;
        let (mut awaited, mut awaited_bytes) = (0u32, 0u32);
        let mut first_deadline = BlockNumber::MAX;
        let mut validity = ValidTransaction::with_tag_prefix("AssayResult");
        for result in results {
            let Some(request) = Self::awaiting(operator, result) else { continue };
            Self::check_output(&request, &result.output)?;
            awaited += 1;
            awaited_bytes = awaited_bytes.saturating_add(result.output.len() as u32);
            first_deadline = first_deadline.min(request.deadline);
            validity = validity.and_provides((result.request, operator));
        }
        ensure!(
            awaited > 0 && awaited * 2 >= count && awaited_bytes.saturating_mul(2) >= bytes,
            refuse(refusal::NOT_AWAITED)
        );
        ensure!(
            Self::list_statement(operator, results).is_signed_by(&worker, signature),
            InvalidTransaction::BadProof
        );
        Self::admit(validity, first_deadline)
    }

    /// Ends the requests that wait for these results. Returns the number of requests that are called
    /// because capacity is free again.
    pub(crate) fn note_results(
        operator: &T::AccountId,
        results: ResultList<T>,
        signature: WorkerSignature,
    ) -> u32 {
        let Some(worker) = T::Operators::worker(operator) else {
            defensive!("a list was authorised without its operator");
            return 0;
        };
        let (statements, digests) = Self::listed(operator, &results);
        let count = digests.len() as u32;
        let mut called = 0u32;
        for (index, (result, statement)) in results.into_iter().zip(statements).enumerate() {
            let Some(request) = Self::awaiting(operator, &result) else { continue };
            let path = merkle::path(&digests, index).and_then(|path| path.try_into().ok());
            let Some(path) = path else {
                defensive!("a list is longer than its bound");
                continue;
            };
            let evidence = SignedEvidence {
                operator: operator.clone(),
                worker: worker.clone(),
                output_digest: statement.output_digest,
                signature,
                list: Some(ListPlace { index: index as u32, count, path }),
                proof: None,
            };
            Self::deposit_event(Event::ResultSubmitted {
                request: result.request,
                operator: operator.clone(),
            });
            let ended = Self::end_signed(result.request, request, evidence, result.output);
            called = called.saturating_add(ended);
        }
        called
    }
}
