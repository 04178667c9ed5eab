//! Lists of results that one operator submits with one signature.
//!
//! A result counts if its request still waits for it. The others of the list are skipped, so that
//! they cannot spoil it: a request may have ended between the signature and the block.

use alloc::{collections::BTreeSet, vec::Vec};
use assay_pallet_support::{refuse, Chain};
use assay_primitives::{
    digest, merkle,
    runtime_api::Status,
    traits::{
        BlockRoom, Charge, Escrow, Models, OnRequestFinal, Operators, Verification,
        WORKER_CALL_BYTES,
    },
    validate_payload, Assurance, Digest, ListPlace, ListStatement, ResultStatement, SignedEvidence,
    Statement, VersionId, WorkerSignature,
};
use frame_support::{
    defensive, ensure,
    pallet_prelude::{InvalidTransaction, TransactionSource, ValidTransaction, Weight},
    traits::Get,
};

use crate::{
    authorize::{refusal, Authorized},
    room::Listed,
    Config, Event, ListedResult, Pallet, Request, Requests, ResultList, WeightInfo,
};

/// Upper bound of the length of a listed result in bytes, without its output.
const ITEM_BYTES: u32 = 48;

/// What the results of a list have in common when they end their requests.
pub(crate) struct ListEnd<AccountId> {
    pub listed: Listed,
    /// What the requests cost.
    pub charges: Vec<Charge<AccountId>>,
}

/// Length of all outputs of a list in bytes.
pub(crate) fn output_bytes<Max: Get<u32>>(results: &[ListedResult<Max>]) -> u32 {
    results.iter().map(|result| result.output.len() as u32).sum()
}

impl<T: Config> Pallet<T> {
    /// Weight of `count` listed results that end requests of `payers` payers, with outputs of `bytes`
    /// bytes together.
    pub(crate) fn list_weight(count: u32, payers: u32, bytes: u32) -> Weight {
        let apart = T::WeightInfo::submit_results_apart(payers)
            .saturating_sub(T::WeightInfo::submit_results(payers));
        T::WeightInfo::submit_results(count)
            .saturating_add(apart)
            .saturating_add(Self::outputs_weight(bytes))
            .saturating_add(T::OnRequestFinal::weight().saturating_mul(count.into()))
    }

    /// Weight of outputs of `bytes` bytes: that of a result is linear in the length of its output.
    fn outputs_weight(bytes: u32) -> Weight {
        Self::result_weight(bytes).saturating_sub(Self::result_weight(0))
    }

    /// Weight of authorising a list of `count` results with outputs of `bytes` bytes together.
    pub(crate) fn list_authorization(count: u32, bytes: u32) -> Weight {
        T::WeightInfo::authorize_results(count).saturating_add(Self::outputs_authorization(bytes))
    }

    fn outputs_authorization(bytes: u32) -> Weight {
        T::WeightInfo::authorize_result(bytes).saturating_sub(T::WeightInfo::authorize_result(0))
    }

    /// What a result with an output of `bytes` bytes takes of the weight of its list. Those that end
    /// requests share the room of all.
    pub(crate) fn share_of_list(list: Listed, bytes: u32) -> Weight {
        let Listed { count, awaited, payers } = list;
        Self::list_weight(count, payers, 0)
            .saturating_add(Self::list_authorization(count, 0))
            .saturating_div(awaited.max(1).into())
            .saturating_add(Self::outputs_weight(bytes))
            .saturating_add(Self::outputs_authorization(bytes))
    }

    /// Length of the call with such a list in bytes, at most.
    pub(crate) fn list_bytes(count: u32, bytes: u32) -> u32 {
        WORKER_CALL_BYTES.saturating_add(ITEM_BYTES.saturating_mul(count)).saturating_add(bytes)
    }

    /// The request, if it waits for this result of the operator.
    fn awaiting(
        operator: &T::AccountId,
        version: VersionId,
        result: &ListedResult<T::MaxOutputBytes>,
    ) -> Option<Request<T::AccountId>> {
        let request = Requests::<T>::get(result.request)?;
        let awaits = request.status == Status::Assigned
            && request.version == version
            && request.assurance == Assurance::Signed
            && Self::counts(&request, T::now(), request.deadline)
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
        version: &VersionId,
        results: &ResultList<T>,
        signature: &WorkerSignature,
    ) -> Authorized {
        let (count, bytes) = (results.len() as u32, output_bytes(results));
        let weight = Self::list_weight(count, count, bytes)
            .saturating_add(Self::list_authorization(count, bytes));
        ensure!(
            T::Room::fits_answer(weight, Self::list_bytes(count, bytes)),
            InvalidTransaction::ExhaustsResources
        );
        ensure!(
            count > 0 && results.windows(2).all(|pair| pair[0].request < pair[1].request),
            refuse(refusal::NOT_A_LIST)
        );
        let worker = T::Operators::worker(operator).ok_or(refuse(refusal::NOT_ASSIGNED))?;
        let terms = T::Models::terms(*version).ok_or(refuse(refusal::NOT_AWAITED))?;
        let (mut awaited, mut awaited_bytes) = (0u32, 0u32);
        let mut validity = ValidTransaction::with_tag_prefix("AssayResult");
        for result in results {
            if Self::awaiting(operator, *version, result).is_none() {
                continue;
            }
            validate_payload(&result.output, &terms.descriptor.outputs)
                .map_err(|_| refuse(refusal::WRONG_OUTPUT))?;
            awaited += 1;
            awaited_bytes = awaited_bytes.saturating_add(result.output.len() as u32);
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
        Self::admit(validity)
    }

    /// Ends the requests that wait for these results. Returns what the list was, and the number of
    /// requests that are called because capacity is free again.
    pub(crate) fn note_results(
        operator: &T::AccountId,
        version: VersionId,
        results: ResultList<T>,
        signature: WorkerSignature,
    ) -> (Listed, u32) {
        let (statements, digests) = Self::listed(operator, &results);
        let tree = merkle::Tree::new(&digests);
        let count = digests.len() as u32;
        let awaited: Vec<_> = (0..)
            .zip(results.into_iter().zip(statements))
            .filter_map(|(index, (result, statement))| {
                let request = Self::awaiting(operator, version, &result)?;
                Some((index, request, result, statement))
            })
            .collect();
        let requests = || awaited.iter().map(|(_, request, ..)| request);
        let payers: BTreeSet<_> = requests().map(|request| &request.payer).collect();
        // A model can change hands between requests.
        let owners: BTreeSet<_> = requests().map(|request| &request.royalty_to).collect();
        let listed = Listed {
            count,
            awaited: awaited.len() as u32,
            payers: payers.len().max(owners.len()) as u32,
        };
        let Some(worker) = T::Operators::worker(operator) else {
            defensive!("a list was authorised without its operator");
            return (listed, 0);
        };
        let mut list = ListEnd { listed, charges: Vec::with_capacity(awaited.len()) };
        let (mut ended, mut stakes) = (Vec::with_capacity(awaited.len()), 0);
        for (index, request, result, statement) in awaited {
            let Some(path) = tree.path(index as usize).and_then(|path| path.try_into().ok()) else {
                defensive!("a list is longer than its bound");
                continue;
            };
            let evidence = SignedEvidence {
                operator: operator.clone(),
                worker: worker.clone(),
                output_digest: statement.output_digest,
                signature,
                list: Some(ListPlace { index, count, path }),
                proof: None,
            };
            Self::deposit_event(Event::ResultSubmitted {
                request: result.request,
                operator: operator.clone(),
            });
            stakes = request.stake.saturating_add(stakes);
            ended.push(result.request);
            let findings = T::Verification::judge(request.assurance, evidence, &result.output);
            let output = || Some(result.output.into_inner());
            Self::conclude_with(result.request, request, findings, Some(&mut list), output);
        }
        T::Escrow::settle(&list.charges);
        T::Operators::unassign(operator, version, &ended, true, stakes);
        let number = ended.len() as u32;
        T::Models::release(version, number);
        (listed, Self::call_waiting(version, number))
    }
}
