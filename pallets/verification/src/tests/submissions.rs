use assay_primitives::{
    digest,
    traits::{MemberState, Verification as _},
    Digest, FailureReason, RequestId,
};

use crate::{mock::*, Outputs, Submission, Submissions};

fn state(member: u64) -> MemberState {
    Verification::member_state(REQUEST, &member)
}

#[test]
fn a_member_stands_where_its_last_word_left_it() {
    test(|| {
        let [first, second, third, fourth, _] = MEMBERS;
        assert_eq!(state(first), MemberState::Silent);
        commit(second);
        assert_eq!(state(second), MemberState::Committed(Digest::repeat_byte(12)));
        fail(third, FailureReason::TimeLimit);
        assert_eq!(state(third), MemberState::Failed(FailureReason::TimeLimit));
        commit(fourth);
        reveal(fourth, b"output");
        assert_eq!(state(fourth), MemberState::Revealed);
        assert_eq!(
            Verification::member_state(RequestId(8), &fourth),
            MemberState::Silent,
            "each request has its own"
        );
    });
}

#[test]
fn equal_outputs_are_kept_once() {
    test(|| {
        reveal(11, b"output");
        reveal(12, b"output");
        reveal(13, b"another");
        assert_eq!(Outputs::<Test>::iter().count(), 2);
        assert_eq!(Outputs::<Test>::get(REQUEST, digest(b"output")).unwrap().as_slice(), b"output");
    });
}

#[test]
fn the_winning_output_is_taken_and_everything_cleared() {
    test(|| {
        reveal(11, b"output");
        reveal(12, b"output");
        reveal(13, b"another");
        commit(14);
        fail(15, FailureReason::EngineError);
        let output = Verification::take_output(REQUEST, &digest(b"output"), &MEMBERS);
        assert_eq!(output.as_deref(), Some(&b"output"[..]));
        assert_eq!(Submissions::<Test>::iter().count(), 0);
        assert_eq!(Outputs::<Test>::iter().count(), 0);
        assert_eq!(
            Verification::take_output(REQUEST, &digest(b"output"), &MEMBERS),
            None,
            "there is nothing left"
        );
    });
}

#[test]
fn without_a_winner_everything_is_cleared_as_well() {
    test(|| {
        reveal(11, b"output");
        reveal(12, b"another");
        commit(13);
        assert_eq!(Verification::take_output(REQUEST, &Digest::zero(), &MEMBERS), None);
        assert_eq!(Submissions::<Test>::iter().count(), 0);
        assert_eq!(Outputs::<Test>::iter().count(), 0);
    });
}

#[test]
fn other_requests_keep_what_they_have() {
    test(|| {
        let other = RequestId(8);
        Assigned::mutate(|assigned| assigned.insert((11, other)));
        reveal(11, b"output");
        let signature = sign(11, &statement(11, b"output"));
        Verification::note_result(
            other,
            &11,
            sp_core::Pair::public(&pair(11)),
            signature,
            digest(b"output"),
            b"output".to_vec(),
        );
        Verification::take_output(REQUEST, &digest(b"output"), &MEMBERS);
        assert!(Outputs::<Test>::contains_key(other, digest(b"output")));
        assert!(matches!(Submissions::<Test>::get(other, 11), Some(Submission::Revealed { .. })));
    });
}

#[test]
fn an_output_as_large_as_may_be_is_kept() {
    test(|| {
        let output = vec![1; MaxOutputBytes::get() as usize];
        reveal(11, &output);
        assert_eq!(Verification::take_output(REQUEST, &digest(&output), &MEMBERS), Some(output));
    });
}

/// Only without debug assertions, with which it panics.
#[test]
#[cfg(not(debug_assertions))]
fn an_output_past_its_bound_is_no_submission() {
    test(|| {
        reveal(11, &vec![1; MaxOutputBytes::get() as usize + 1]);
        assert_eq!(state(11), MemberState::Silent);
    });
}
