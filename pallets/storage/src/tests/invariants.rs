//! `try_state` finds each kind of broken state.

use assay_primitives::{traits::Artifacts as _, Digest, MAX_ARTIFACT_BYTES};
use frame_support::assert_ok;

use crate::{mock::*, Artifact, Artifacts, Uploads};

/// Announces an artifact of two chunks and changes its record.
fn change(change: impl FnOnce(&mut Artifact<u64>)) {
    assert_ok!(create(OWNER, &two_chunks()));
    assert_ok!(Storage::do_try_state());
    Uploads::<Test>::mutate(identity(&two_chunks()), OWNER, |record| {
        change(record.as_mut().unwrap())
    });
}

/// Puts an artifact of two chunks on chain and changes its record.
fn change_complete(change: impl FnOnce(&mut Artifact<u64>)) {
    let artifact = put(OWNER, &two_chunks());
    assert_ok!(Storage::do_try_state());
    Artifacts::<Test>::mutate(artifact, |record| change(record.as_mut().unwrap()));
}

#[test]
fn an_impossible_size_is_noticed() {
    for size in [0, MAX_ARTIFACT_BYTES + 1] {
        breaks("an artifact has an impossible size", || change(|record| record.size = size));
        breaks("an artifact has an impossible size", || {
            change_complete(|record| record.size = size)
        });
    }
}

#[test]
fn a_size_that_disagrees_with_the_chunks_is_noticed() {
    breaks("chunks and size disagree", || change(|record| record.size = 1));
    breaks("chunks and size disagree", || change_complete(|record| record.size = 1));
    breaks("chunks and size disagree", || {
        change(|record| {
            record.chunks.pop();
        })
    });
}

#[test]
fn a_bit_past_the_last_chunk_is_noticed() {
    for bit in [2, 127] {
        breaks("a bit is set for a chunk that does not exist", || {
            change(|record| record.uploaded = 1 << bit)
        });
        breaks("a bit is set for a chunk that does not exist", || {
            change_complete(|record| record.uploaded |= 1 << bit)
        });
    }
}

#[test]
fn a_record_under_another_identity_is_noticed() {
    let broken = "an artifact is under another identity";
    breaks(broken, || change(|record| record.size -= 1));
    breaks(broken, || change_complete(|record| record.chunks[1] = Digest::zero()));
    breaks(broken, || {
        let record = Artifacts::<Test>::take(put(OWNER, &two_chunks())).unwrap();
        Artifacts::<Test>::insert(identity(b"other"), record);
    });
}

#[test]
fn a_use_of_an_announcement_is_noticed() {
    breaks("an announcement is used", || change(|record| record.uses = 1));
    breaks("an announcement is used", || change(|record| (record.uses, record.uploaded) = (1, 2)));
}

#[test]
fn what_is_in_the_wrong_place_is_noticed() {
    breaks("an announcement is complete", || change(|record| record.uploaded = 3));
    breaks("an artifact is not complete", || change_complete(|record| record.uploaded = 1));
}

#[test]
fn an_announcement_of_another_owner_is_noticed() {
    breaks("an announcement is not its owner's", || change(|record| record.owner = OTHER));
}

#[test]
fn an_owner_that_announces_its_artifact_again_is_noticed() {
    breaks("an artifact's owner announces it again", || {
        let artifact = put(OWNER, &two_chunks());
        let mut record = Artifacts::<Test>::get(artifact).unwrap();
        record.uploaded = 1;
        Uploads::<Test>::insert(artifact, OWNER, record);
    });
}

#[test]
fn a_use_of_a_complete_artifact_is_fine() {
    test(|| {
        let artifact = put(OWNER, &two_chunks());
        assert_ok!(Storage::acquire(&artifact));
    });
}
