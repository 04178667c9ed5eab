use assay_primitives::{traits::Artifacts as _, ArtifactManifest};
use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, Artifacts, Error};

#[test]
fn what_is_not_there_cannot_be_used() {
    test(|| {
        assert_noop!(Storage::acquire(&identity(b"bytes")), Error::<Test>::NotFound);
    });
}

#[test]
fn an_incomplete_artifact_cannot_be_used() {
    test(|| {
        let bytes = two_chunks();
        let artifact = identity(&bytes);
        assert_ok!(create(OWNER, &bytes));
        assert_noop!(Storage::acquire(&artifact), Error::<Test>::NotFound);
        let chunks: Vec<_> = ArtifactManifest::split(&bytes).collect();
        assert_ok!(upload(OWNER, artifact, 0, chunks[0]));
        assert_noop!(Storage::acquire(&artifact), Error::<Test>::NotFound);
        assert_ok!(upload(OWNER, artifact, 1, chunks[1]));
        assert_ok!(Storage::acquire(&artifact));
    });
}

#[test]
fn uses_are_counted() {
    test(|| {
        let artifact = put(OWNER, b"bytes");
        let uses = || Artifacts::<Test>::get(artifact).unwrap().uses;
        assert_ok!(Storage::acquire(&artifact));
        assert_ok!(Storage::acquire(&artifact));
        assert_eq!(uses(), 2);
        Storage::release(&artifact);
        assert_eq!(uses(), 1);
    });
}

#[test]
fn the_count_of_uses_does_not_overflow() {
    test(|| {
        let artifact = put(OWNER, b"bytes");
        Artifacts::<Test>::mutate(artifact, |record| record.as_mut().unwrap().uses = u32::MAX);
        assert_noop!(Storage::acquire(&artifact), Error::<Test>::TooManyUses);
    });
}

/// Only without debug assertions, with which it panics.
#[test]
#[cfg(not(debug_assertions))]
fn a_release_too_many_changes_nothing() {
    test(|| {
        let artifact = put(OWNER, b"bytes");
        Storage::release(&artifact);
        Storage::release(&identity(b"other"));
        assert_eq!(Artifacts::<Test>::get(artifact).unwrap().uses, 0);
        assert!(!Artifacts::<Test>::contains_key(identity(b"other")));
    });
}
