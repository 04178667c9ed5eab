//! Which inputs are accepted.

use assay_primitives::{request::names_input, Outcome, RequestInput, Tensor};
use codec::Encode;
use frame_support::{assert_noop, assert_ok};

use super::worker::result;
use crate::{mock::*, Error, Inputs};

fn refused(tensors: Vec<Tensor>, error: Error<Test>) {
    assert_noop!(Terms::of(SIGNED).with_input(tensors.encode()).send(), error);
}

fn x() -> Tensor {
    floats(&[1, 2], &[1.5, -2.0])
}

#[test]
fn bytes_that_are_no_list_of_tensors_are_refused() {
    test(|| {
        let mut trailing = input();
        trailing.push(0);
        let mut truncated = input();
        truncated.pop();
        for payload in [vec![], vec![0xff; 16], trailing, truncated] {
            assert_noop!(
                Terms::of(SIGNED).with_input(payload).send(),
                Error::<Test>::InputMalformed
            );
        }
    });
}

#[test]
fn a_tensor_too_many_or_too_few_is_refused() {
    test(|| {
        refused(vec![], Error::InputWrongCount);
        refused(vec![x()], Error::InputWrongCount);
        refused(vec![x(), mask(&[0, 1]), x()], Error::InputWrongCount);
    });
}

#[test]
fn a_tensor_of_another_type_is_refused() {
    test(|| {
        refused(vec![mask(&[0, 1]), x()], Error::InputWrongType);
        let mut integers = x();
        integers.element_type = assay_primitives::ElementType::I32;
        refused(vec![integers, mask(&[0, 1])], Error::InputWrongType);
    });
}

#[test]
fn a_tensor_of_another_shape_is_refused() {
    test(|| {
        for shape in [&[2u32] as &[u32], &[2, 1], &[1, 2, 1], &[]] {
            let tensor = Tensor { shape: shape.to_vec(), ..x() };
            refused(vec![tensor, mask(&[0, 1])], Error::InputWrongShape);
        }
    });
}

#[test]
fn a_tensor_with_too_many_or_too_few_bytes_is_refused() {
    test(|| {
        refused(vec![floats(&[1, 2], &[1.0]), mask(&[0, 1])], Error::InputWrongSize);
        refused(vec![floats(&[1, 2], &[1.0; 3]), mask(&[0, 1])], Error::InputWrongSize);
        refused(vec![x(), mask(&[0])], Error::InputWrongSize);
    });
}

#[test]
fn what_is_no_finite_number_is_refused() {
    test(|| {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let tensor = floats(&[1, 2], &[0.0, bad]);
            refused(vec![tensor, mask(&[0, 1])], Error::InputNotFinite);
        }
    });
}

#[test]
fn what_is_neither_true_nor_false_is_refused() {
    test(|| refused(vec![x(), mask(&[1, 2])], Error::InputNotBool));
}

#[test]
fn an_input_can_be_an_artifact() {
    test(|| {
        let artifact = upload_artifact(STRANGER, &input());
        let terms = Terms { input: RequestInput::Artifact(artifact), ..Terms::of(SIGNED) };
        let (id, members) = terms.drawn();
        assert!(record(id).input_is_artifact);
        assert_eq!(record(id).input_digest, artifact);
        assert!(names_input(&artifact, &input()));
        assert!(!Inputs::<Test>::contains_key(id));
        // It stays as long as it is used.
        let remove = || signed_call(STRANGER, pallet_storage::Call::remove { artifact });
        assert_noop!(remove(), pallet_storage::Error::<Test>::InUse);
        assert_ok!(include(result(id, members[0], RIGHT)));
        assert_eq!(outcome(id), Outcome::Verified);
        assert_ok!(remove());
    });
}

#[test]
fn every_request_of_an_artifact_counts() {
    test(|| {
        let artifact = upload_artifact(STRANGER, &input());
        let terms = || Terms { input: RequestInput::Artifact(artifact), ..Terms::of(SIGNED) };
        let first = terms().accepted();
        let second = terms().accepted();
        let uses = || pallet_storage::Artifacts::<Test>::get(artifact).unwrap().uses;
        assert_eq!(uses(), 2);
        assert_ok!(signed_call(PAYER, crate::Call::cancel { request: first }));
        assert_eq!(uses(), 1);
        go_to(now() + PATIENCE + 1);
        assert_eq!(outcome(second), Outcome::TimedOut);
        assert_eq!(uses(), 0);
    });
}

#[test]
fn an_artifact_that_is_not_on_chain_is_refused() {
    test(|| {
        let with =
            |artifact| Terms { input: RequestInput::Artifact(artifact), ..Terms::of(SIGNED) };
        let unknown = assay_primitives::digest(b"nowhere");
        assert_noop!(with(unknown).send(), Error::<Test>::InputArtifactNotFound);
        let announced = announce_artifact(STRANGER, &input());
        assert_noop!(with(announced).send(), Error::<Test>::InputArtifactNotFound);
    });
}

#[test]
fn an_artifact_is_not_larger_than_an_input_may_be() {
    test(|| {
        let most = MaxArtifactInputBytes::get() as usize;
        let with =
            |artifact| Terms { input: RequestInput::Artifact(artifact), ..Terms::of(SIGNED) };
        let large = upload_artifact(STRANGER, &vec![1; most + 1]);
        assert_noop!(with(large).send(), Error::<Test>::InputArtifactTooLarge);
        let fits = upload_artifact(STRANGER, &vec![1; most]);
        assert_ok!(with(fits).send());
    });
}
