//! `try_state` notices each kind of broken state.

use assay_primitives::{digest, traits::Artifacts as _, MAX_ARTIFACT_BYTES};
use frame_support::assert_ok;

use crate::{mock::*, Artifact, Artifacts};

/// Announces an artifact of two chunks and changes its record.
fn change(change: impl FnOnce(&mut Artifact<u64>)) {
    assert_ok!(create(OWNER, &two_chunks()));
    assert_ok!(Storage::do_try_state());
    Artifacts::<Test>::mutate(digest(&two_chunks()), |record| change(record.as_mut().unwrap()));
}

#[test]
fn an_impossible_size_is_noticed() {
    for size in [0, MAX_ARTIFACT_BYTES + 1] {
        breaks("an artifact has an impossible size", || change(|record| record.size = size));
    }
}

#[test]
fn a_size_that_disagrees_with_the_chunks_is_noticed() {
    breaks("chunks and size disagree", || change(|record| record.size = 1));
    breaks("chunks and size disagree", || {
        change(|record| {
            record.chunks.pop();
        })
    });
}

#[test]
fn a_bit_past_the_last_chunk_is_noticed() {
    for bit in [2, 127] {
        breaks("a chunk is noted that does not exist", || {
            change(|record| record.uploaded = 1 << bit)
        });
    }
}

#[test]
fn a_use_of_an_incomplete_artifact_is_noticed() {
    breaks("an incomplete artifact is used", || change(|record| record.uses = 1));
    breaks("an incomplete artifact is used", || {
        change(|record| (record.uses, record.uploaded) = (1, 2))
    });
}

#[test]
fn a_use_of_a_complete_artifact_is_fine() {
    test(|| {
        let artifact = put(OWNER, &two_chunks());
        assert_ok!(Storage::acquire(&artifact));
    });
}
