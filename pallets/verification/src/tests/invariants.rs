//! `try_state` finds each kind of broken state.

use assay_primitives::{digest, RequestId};

use crate::{mock::*, Outputs, Submissions};

const APART: &str = "outputs and revealed results do not name each other";

fn output(bytes: &[u8]) -> crate::OutputOf<Test> {
    bytes.to_vec().try_into().unwrap()
}

#[test]
fn a_submission_of_a_stranger_is_noticed() {
    let stranger = "an unassigned operator has a submission";
    breaks(stranger, || commit(99));
    breaks(stranger, || {
        commit(11);
        Assigned::mutate(|assigned| assigned.remove(&(11, REQUEST)));
    });
    breaks(stranger, || {
        commit(11);
        let submission = Submissions::<Test>::get(REQUEST, 11).unwrap();
        Submissions::<Test>::insert(RequestId(8), 11, submission);
    });
}

#[test]
fn an_output_under_another_digest_is_noticed() {
    breaks("an output has another digest", || {
        reveal(11, b"output");
        Outputs::<Test>::insert(REQUEST, digest(b"output"), output(b"another"));
    });
}

#[test]
fn a_result_without_its_output_is_noticed() {
    breaks(APART, || {
        reveal(11, b"output");
        Outputs::<Test>::remove(REQUEST, digest(b"output"));
    });
}

#[test]
fn an_output_that_nobody_has_shown_is_noticed() {
    breaks(APART, || {
        reveal(11, b"output");
        Outputs::<Test>::insert(REQUEST, digest(b"another"), output(b"another"));
    });
    breaks(APART, || {
        reveal(11, b"output");
        Submissions::<Test>::remove(REQUEST, 11);
    });
}

#[test]
fn an_output_of_another_request_is_no_substitute() {
    breaks(APART, || {
        reveal(11, b"output");
        Outputs::<Test>::remove(REQUEST, digest(b"output"));
        Outputs::<Test>::insert(RequestId(8), digest(b"output"), output(b"output"));
    });
}
