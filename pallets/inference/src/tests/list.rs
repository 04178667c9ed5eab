//! Lists of results with one signature.

use assay_primitives::{digest, merkle, Digest, Outcome, RequestId, Statement, WorkerSignature};
use frame_support::{
    assert_ok,
    pallet_prelude::{Authorize, InvalidTransaction, TransactionSource, ValidTransaction},
};
use sp_application_crypto::Pair as _;
use sp_runtime::transaction_validity::TransactionValidityError;

use super::worker::{answered, result};
use crate::{mock::*, refusal, Call, ListedResult, ResultList, Waiting};

/// Requests that one operator was drawn for.
fn drawn(count: u64) -> (Vec<RequestId>, u64) {
    only(&[OPERATORS[0]]);
    let ids = (0..count).map(|_| Terms::of(SIGNED).accepted()).collect();
    next_block();
    next_block();
    (ids, OPERATORS[0])
}

fn listed(id: RequestId) -> ListedResult<MaxOutputBytes> {
    ListedResult { request: id, answered: answered(id), output: output(RIGHT) }
}

fn list(ids: &[RequestId]) -> ResultList<Test> {
    ids.iter().map(|id| listed(*id)).collect::<Vec<_>>().try_into().unwrap()
}

fn submitted(operator: u64, results: ResultList<Test>) -> Call<Test> {
    let statement = Inference::list_statement(&operator, &results);
    let signature = pair(operator).sign(&statement.signing_bytes()).into();
    Call::submit_results { operator, version: version(1), results, signature }
}

fn refusal_of(call: Call<Test>) -> TransactionValidityError {
    include(call).unwrap_err()
}

fn validity(call: Call<Test>) -> ValidTransaction {
    call.authorize(TransactionSource::External).unwrap().unwrap().0
}

#[test]
fn each_result_of_a_list_ends_its_request() {
    test(|| {
        let (ids, operator) = drawn(5);
        let had = free(operator);
        assert_ok!(include(submitted(operator, list(&ids))));
        assert_eq!(free(operator) - had, 5 * OPERATOR_PART);
        let digests: Vec<Digest> = ids
            .iter()
            .map(|id| super::worker::statement(*id, operator, &output(RIGHT)).digest())
            .collect();
        for (index, id) in ids.iter().enumerate() {
            assert_eq!(outcome(*id), Outcome::Verified);
            assert_eq!(shown(*id), Some(output(RIGHT)));
            // The evidence holds by itself, with the path in the tree of the list.
            let evidence = evidence(*id);
            let place = evidence[0].list.clone().unwrap();
            assert_eq!((place.index as usize, place.count), (index, 5));
            assert_eq!(place.path.to_vec(), merkle::path(&digests, index).unwrap());
            assert!(receipt(*id).bad_signatures(&evidence).is_empty());
        }
    });
}

#[test]
fn a_list_pays_less_for_room_than_single_results() {
    test(|| {
        UnitPrice::set(1);
        let (ids, operator) = drawn(3);
        assert_ok!(include(submitted(operator, list(&ids[..2]))));
        assert_ok!(include(result(ids[2], operator, RIGHT)));
        let [first, second, single] = [0, 1, 2].map(|index| record(ids[index]).fee);
        assert_eq!(first, second);
        // Half of one authorisation, in the mock's units of weight.
        assert!(first < single, "{first} {single}");
        Issuance::mutate(|issuance| *issuance -= first + second + single);
    });
}

#[test]
fn results_that_nothing_waits_for_do_not_spoil_the_others() {
    test(|| {
        let (ids, operator) = drawn(4);
        let call = submitted(operator, list(&ids));
        // One request has ended and another one is gone since the list was signed.
        assert_ok!(include(result(ids[1], operator, RIGHT)));
        let ended = receipt(ids[1]);
        assert_ok!(include(call));
        assert_eq!(receipt(ids[1]), ended);
        for id in ids {
            assert_eq!(outcome(id), Outcome::Verified);
        }
    });
}

#[test]
fn at_least_half_of_a_list_has_to_be_awaited() {
    test(|| {
        let (ids, operator) = drawn(5);
        let call = submitted(operator, list(&ids));
        assert_ok!(include(submitted(operator, list(&ids[..2]))));
        assert_ok!(include(submitted(operator, list(&ids[4..]))));
        refused_as(call, refusal::NOT_AWAITED);
        refused_as(submitted(operator, list(&ids[..2])), refusal::NOT_AWAITED);
        assert_ok!(include(submitted(operator, list(&ids[1..4]))));
    });
}

#[test]
fn while_blocks_with_room_are_missing_lists_count_even_if_the_sweep_lags() {
    test(|| {
        let (ids, operator) = drawn(2);
        let call = submitted(operator, list(&ids));
        let deadline = record(ids[0]).deadline;
        FullBlocks::set(deadline - now());
        SweepBudget::set(frame_support::weights::Weight::zero());
        go_to(deadline + 1);
        frame_support::hypothetically!({
            assert_ok!(include(call.clone()));
            assert!(ids.iter().all(|id| record(*id).is_final()));
        });
        go_to(deadline + 1 + RoomyBlocks::get());
        refused_as(call, refusal::NOT_AWAITED);
    });
}

#[test]
fn long_outputs_of_results_that_are_not_awaited_count() {
    test(|| {
        let (ids, operator) = drawn(2);
        let mut results = list(&ids).into_inner();
        results[1].answered = Digest::zero();
        results[1].output = vec![0; MaxOutputBytes::get() as usize].try_into().unwrap();
        let call = submitted(operator, results.try_into().unwrap());
        refused_as(call, refusal::NOT_AWAITED);
    });
}

#[test]
fn a_list_is_ascending_and_not_empty() {
    test(|| {
        let (ids, operator) = drawn(3);
        for ids in [&[][..], &[ids[1], ids[0]], &[ids[0], ids[0]]] {
            let call = submitted(operator, list(ids));
            refused_as(call, refusal::NOT_A_LIST);
        }
    });
}

#[test]
fn a_list_counts_for_its_operator_and_its_signature_only() {
    test(|| {
        let (ids, operator) = drawn(2);
        let other = OPERATORS[1];
        let nothing = submitted(other, list(&ids));
        refused_as(nothing, refusal::NOT_AWAITED);
        let Call::submit_results { results, .. } = submitted(operator, list(&ids)) else {
            unreachable!()
        };
        let sign = |bytes: &[u8]| -> WorkerSignature { pair(operator).sign(bytes).into() };
        let version = version(1);
        let with =
            |signature, results| Call::submit_results { operator, version, results, signature };
        let bad: TransactionValidityError = InvalidTransaction::BadProof.into();
        // Another key, a result instead of a list, and other lists.
        let statement = Inference::list_statement(&operator, &results);
        let by_other = pair(other).sign(&statement.signing_bytes()).into();
        assert_eq!(refusal_of(with(by_other, results.clone())), bad);
        let single = super::worker::statement(ids[0], operator, &output(RIGHT));
        let of_single = sign(&single.signing_bytes());
        assert_eq!(refusal_of(with(of_single, results.clone())), bad);
        let shorter = Inference::list_statement(&operator, &results[..1]);
        let of_shorter = sign(&shorter.signing_bytes());
        assert_eq!(refusal_of(with(of_shorter, results.clone())), bad);
        let mut wrong = results.clone().into_inner();
        wrong[1].output = output(WRONG);
        let of_list = sign(&statement.signing_bytes());
        assert_eq!(refusal_of(with(of_list, wrong.try_into().unwrap())), bad);
        assert_ok!(include(with(of_list, results)));
    });
}

#[test]
fn an_output_that_does_not_fit_refuses_the_list() {
    test(|| {
        let (ids, operator) = drawn(2);
        let mut results = list(&ids).into_inner();
        results[0].output = vec![1].try_into().unwrap();
        let call = submitted(operator, results.try_into().unwrap());
        refused_as(call, refusal::WRONG_OUTPUT);
    });
}

#[test]
fn other_classes_are_not_listed() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        let call = submitted(members[0], list(&[id]));
        refused_as(call, refusal::NOT_AWAITED);
    });
}

#[test]
fn a_list_conflicts_in_the_pool_with_each_of_its_results() {
    test(|| {
        let (ids, operator) = drawn(2);
        let together = validity(submitted(operator, list(&ids)));
        for id in &ids {
            let single = validity(result(*id, operator, RIGHT));
            assert!(single.provides.iter().all(|tag| together.provides.contains(tag)));
        }
        assert_eq!(together.provides.len(), 2);
    });
}

#[test]
fn the_capacity_that_a_list_frees_goes_to_waiting_requests() {
    test(|| {
        only(&[]);
        serve_at_once(OPERATORS[0], version(1), ASK, both(), 3);
        let ids: Vec<_> = (0..5).map(|_| Terms::of(SIGNED).accepted()).collect();
        next_block();
        next_block();
        assert_eq!(Waiting::<Test>::iter().count(), 2);
        assert_ok!(include(submitted(OPERATORS[0], list(&ids[..3]))));
        assert_eq!(Waiting::<Test>::iter().count(), 0);
        next_block();
        next_block();
        assert_ok!(include(submitted(OPERATORS[0], list(&ids[3..]))));
        assert_eq!(digest(&output(RIGHT)), receipt(ids[4]).output_digest.unwrap());
    });
}
