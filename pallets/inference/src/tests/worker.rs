//! What workers sign and submit, for the other tests.

use assay_primitives::{
    commitment, digest, worker_crypto, AnsweredRequest, Assurance, CommitStatement, Digest,
    FailureReason, FailureStatement, RequestId, ResultStatement, Statement,
};
use frame_support::{
    assert_noop, assert_ok,
    pallet_prelude::{Authorize, InvalidTransaction, TransactionSource},
};
use sp_application_crypto::Pair as _;
use sp_runtime::{traits::Dispatchable, DispatchError};

use crate::{mock::*, Call};

/// The statement that an operator signs for an output.
pub fn statement(id: RequestId, operator: u64, output: &[u8]) -> ResultStatement<u64> {
    ResultStatement { request: answered(id), output_digest: digest(output), operator, proof: None }
}

/// The hash that statements about a request contain.
pub fn answered(id: RequestId) -> Digest {
    record(id).answered(genesis(), id)
}

/// Hashes of requests that differ from this one in a single field each.
pub fn other_requests(id: RequestId) -> Vec<Digest> {
    let request = record(id);
    let same = AnsweredRequest {
        genesis: genesis(),
        request: id,
        payer: request.payer,
        version_digest: request.version_digest,
        input_digest: request.input_digest,
        assurance: request.assurance,
        seed: request.draw.unwrap().seed,
    };
    assert_eq!(same.hash(), answered(id));
    let changes: [fn(&mut AnsweredRequest<u64>); 7] = [
        |other| other.genesis = Digest::repeat_byte(9),
        |other| other.request.0 += 1,
        |other| other.payer = STRANGER,
        |other| other.version_digest = Digest::zero(),
        |other| other.input_digest = Digest::zero(),
        |other| other.assurance = Assurance::Tee,
        // Another draw, as after a reorganisation.
        |other| other.seed = Digest::zero(),
    ];
    let changed = changes.map(|change| {
        let mut other = same.clone();
        change(&mut other);
        other.hash()
    });
    changed.to_vec()
}

/// A result with any signature.
pub fn result_with(
    id: RequestId,
    operator: u64,
    output: Output,
    statement: &impl Statement,
    signer: &worker_crypto::Pair,
) -> Call<Test> {
    let signature = signer.sign(&statement.signing_bytes()).into();
    Call::submit_result { request: id, operator, output, signature }
}

/// A good result of an operator.
pub fn result(id: RequestId, operator: u64, values: [f32; 2]) -> Call<Test> {
    let output = output(values);
    let statement = statement(id, operator, &output);
    result_with(id, operator, output, &statement, &pair(operator))
}

/// The salt of an operator.
pub fn salt(operator: u64) -> [u8; 32] {
    Digest::from_low_u64_le(operator).0
}

/// What an operator commits to.
pub fn committed_to(id: RequestId, operator: u64, values: [f32; 2]) -> Digest {
    commitment(&answered(id), &operator, &digest(&output(values)), &salt(operator))
}

/// A commitment with any signer.
pub fn commitment_with(
    id: RequestId,
    operator: u64,
    commitment: Digest,
    signer: &worker_crypto::Pair,
) -> Call<Test> {
    let statement = CommitStatement { request: answered(id), commitment, operator };
    let signature = signer.sign(&statement.signing_bytes()).into();
    Call::submit_commitment { request: id, operator, commitment, signature }
}

/// A good commitment of a member.
pub fn commit(id: RequestId, operator: u64, values: [f32; 2]) -> Call<Test> {
    commitment_with(id, operator, committed_to(id, operator, values), &pair(operator))
}

/// A reveal of a member, with its own salt.
pub fn reveal(id: RequestId, operator: u64, values: [f32; 2]) -> Call<Test> {
    reveal_with(id, operator, output(values), salt(operator))
}

/// A reveal with any salt.
pub fn reveal_with(id: RequestId, operator: u64, output: Output, salt: [u8; 32]) -> Call<Test> {
    let statement = statement(id, operator, &output);
    let signature = pair(operator).sign(&statement.signing_bytes()).into();
    Call::submit_reveal { request: id, operator, output, salt, signature }
}

/// A failure report of an operator.
pub fn failure(id: RequestId, operator: u64, reason: FailureReason) -> Call<Test> {
    let statement = FailureStatement { request: answered(id), reason, operator };
    let signature = pair(operator).sign(&statement.signing_bytes()).into();
    Call::report_failure { request: id, operator, reason, signature }
}

#[test]
fn an_account_cannot_dispatch_what_workers_hand_in() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let (quorum, committee) = Terms::of(QUORUM).drawn();
        let calls = [
            result(id, members[0], RIGHT),
            failure(id, members[0], FailureReason::EngineError),
            commit(quorum, committee[0], RIGHT),
            reveal(quorum, committee[0], RIGHT),
        ];
        for call in calls.map(RuntimeCall::from) {
            for origin in
                [RuntimeOrigin::signed(members[0]), RuntimeOrigin::root(), RuntimeOrigin::none()]
            {
                assert_noop!(
                    call.clone().dispatch(origin).map_err(|error| error.error),
                    DispatchError::BadOrigin
                );
            }
        }
    });
}

#[test]
fn the_pool_is_told_how_long_a_call_is_good_for_and_what_it_excludes() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        let validity = include(result(id, members[0], RIGHT)).unwrap();
        // A repeated submission replaces the earlier one.
        assert_eq!(validity.priority, WorkerPriority::get() + u64::from(now()));
        // The same for all, whatever the deadline.
        assert_eq!(validity.longevity, u64::from(crate::PRIORITIES));
        assert_eq!(validity.provides.len(), 1);
        assert!(validity.requires.is_empty() && validity.propagate);

        let (id, members) = Terms::of(QUORUM).drawn();
        let first = include(commit(id, members[0], RIGHT)).unwrap();
        let second = include(commit(id, members[1], RIGHT)).unwrap();
        assert_ne!(first.provides, second.provides);
        assert_eq!(first.longevity, validity.longevity);
        assert_ok!(include(commit(id, members[2], RIGHT)));
        let reveal = include(reveal(id, members[0], RIGHT)).unwrap();
        assert_ne!(first.provides, reveal.provides);
        assert_eq!(reveal.longevity, validity.longevity);
    });
}

#[test]
fn every_code_with_which_calls_are_refused_is_explained() {
    use crate::refusal::{describe, NOT_AWAITED, REQUEST_NOT_FOUND};
    let texts: std::collections::BTreeSet<_> =
        (REQUEST_NOT_FOUND..=NOT_AWAITED).map(|code| describe(code).unwrap()).collect();
    assert_eq!(texts.len() as u8, NOT_AWAITED - REQUEST_NOT_FOUND + 1);
    assert_eq!(describe(NOT_AWAITED + 1), None);
}

#[test]
fn no_answer_gains_by_waiting() {
    test(|| {
        let (id, members) = Terms { patience: 90, ..Terms::of(SIGNED) }.drawn();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..3 * crate::PRIORITIES {
            let call = result(id, members[0], RIGHT);
            let (validity, _) = call.authorize(TransactionSource::External).unwrap().unwrap();
            seen.insert(validity.priority - WorkerPriority::get());
            next_block();
        }
        assert_eq!(seen, (0..u64::from(crate::PRIORITIES)).collect());
    });
}

#[test]
fn a_block_without_room_takes_no_answers() {
    test(|| {
        let (id, members) = Terms::of(SIGNED).drawn();
        Taken::set((0, 0));
        IsFull::set(true);
        refused(result(id, members[0], RIGHT), InvalidTransaction::ExhaustsResources);
        IsFull::set(false);
        assert_ok!(include(result(id, members[0], RIGHT)));
        // Its weight, that of its authorisation, and its length.
        let bytes = output(RIGHT).len() as u32 + assay_primitives::traits::WORKER_CALL_BYTES;
        assert_eq!(Taken::get(), (3, bytes));
    });
}
