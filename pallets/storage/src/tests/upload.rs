use assay_primitives::{digest, traits::Artifacts as _, ArtifactManifest, Digest, MAX_CHUNK_BYTES};
use codec::Encode;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

use crate::{mock::*, Artifacts, Call, Error, Event};

/// An upload in an extrinsic of its own that is refused and changes nothing.
fn refused(artifact: Digest, index: u32, data: &[u8], error: Error<Test>) {
    next_upload(artifact, index, data);
    assert_noop!(
        Storage::upload(RuntimeOrigin::signed(OWNER), artifact, index, data.to_vec()),
        error
    );
}

/// The encoding of an upload, as it ends an extrinsic.
fn encoded(artifact: Digest, index: u32, data: &[u8]) -> Vec<u8> {
    let call = Call::<Test>::upload { artifact, index, data: data.to_vec() };
    RuntimeCall::from(call).encode()
}

#[test]
fn the_only_chunk_completes_an_artifact() {
    test(|| {
        assert_ok!(create(OWNER, b"bytes"));
        let artifact = identity(b"bytes");
        assert_ok!(upload(OWNER, artifact, 0, b"bytes"));
        assert_eq!(Storage::complete(&artifact), Some(ArtifactManifest::of(b"bytes")));
        assert_eq!(last_event(), Some(Event::Completed { artifact, owner: OWNER }));
        assert_eq!(announced(OWNER, artifact), None);
        let record = Artifacts::<Test>::get(artifact).unwrap();
        assert_eq!((record.owner, record.deposit), (OWNER, BASE + 5 * BYTE));
        assert_eq!(free(OWNER), ENDOWMENT - record.deposit);
    });
}

#[test]
fn an_artifact_is_complete_once_its_last_chunk_is_there() {
    test(|| {
        let bytes = two_chunks();
        assert_ok!(create(OWNER, &bytes));
        let manifest = ArtifactManifest::of(&bytes);
        let chunks: Vec<_> = ArtifactManifest::split(&bytes).collect();

        assert_ok!(upload(OWNER, manifest.identity, 1, chunks[1]));
        assert_eq!(
            last_event(),
            Some(Event::ChunkUploaded { artifact: manifest.identity, owner: OWNER, index: 1 })
        );
        assert_eq!(Storage::complete(&manifest.identity), None);
        assert!(!Artifacts::<Test>::contains_key(manifest.identity));
        assert_eq!(announced(OWNER, manifest.identity).unwrap().missing(), vec![0]);

        assert_ok!(upload(OWNER, manifest.identity, 0, chunks[0]));
        assert_eq!(
            last_event(),
            Some(Event::Completed { artifact: manifest.identity, owner: OWNER })
        );
        assert_eq!(Storage::complete(&manifest.identity), Some(manifest));
    });
}

#[test]
fn the_node_is_told_which_bytes_to_index() {
    let mut ext = new_test_ext();
    let index = ext.execute_with(|| {
        next_extrinsic(vec![1, 2, 3]);
        assert_ok!(create(OWNER, b"bytes"));
        assert_ok!(upload(OWNER, identity(b"bytes"), 0, b"bytes"));
        System::extrinsic_index().unwrap()
    });
    assert_ne!(index, 0);
    let told = format!("{:?}", ext.overlayed_changes().transaction_index_ops());
    assert_eq!(
        told,
        format!(
            "[Insert {{ extrinsic: {index}, hash: {:?}, size: 5 }}]",
            digest(b"bytes").as_bytes().to_vec()
        )
    );
}

#[test]
fn an_account_uploads_what_it_announced_and_nothing_else() {
    test(|| {
        assert_ok!(create(OTHER, b"bytes"));
        refused(identity(b"bytes"), 0, b"bytes", Error::NotFound);
        assert_ok!(create(OWNER, &two_chunks()));
        assert_ok!(create(OTHER, &two_chunks()));
        let artifact = identity(&two_chunks());
        let first = ArtifactManifest::split(&two_chunks()).next().unwrap().to_vec();
        assert_ok!(upload(OTHER, artifact, 0, &first));
        assert_eq!(announced(OTHER, artifact).unwrap().missing(), [1]);
        assert_eq!(announced(OWNER, artifact).unwrap().missing(), [0, 1]);
    });
}

#[test]
fn a_squatter_keeps_nobody_from_publishing() {
    test(|| {
        let bytes = two_chunks();
        let artifact = identity(&bytes);
        assert_ok!(create(OTHER, &bytes));
        assert_eq!(put(OWNER, &bytes), artifact);
        assert_eq!(Storage::complete(&artifact), Some(ArtifactManifest::of(&bytes)));
        assert!(announced(OTHER, artifact).is_some(), "it still pays");
    });
}

#[test]
fn other_bytes_in_full_are_another_artifact() {
    test(|| {
        for bytes in [two_chunks(), b"bytes".to_vec()] {
            let other: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
            let occupied = put(OTHER, &other);
            let artifact = put(OWNER, &bytes);
            assert_ne!(artifact, occupied);
            assert_eq!(Storage::complete(&artifact), Some(ArtifactManifest::of(&bytes)));
        }
    });
}

#[test]
fn who_is_second_to_complete_gets_its_deposit_back() {
    test(|| {
        let bytes = two_chunks();
        let artifact = identity(&bytes);
        let chunks: Vec<_> = ArtifactManifest::split(&bytes).collect();
        assert_ok!(create(OTHER, &bytes));
        assert_ok!(upload(OTHER, artifact, 0, chunks[0]));
        put(OWNER, &bytes);
        assert_ok!(Storage::acquire(&artifact));
        let record = Artifacts::<Test>::get(artifact);

        assert_ok!(upload(OTHER, artifact, 1, chunks[1]));
        assert_eq!(last_event(), Some(Event::UploadDropped { artifact, owner: OTHER }));
        assert_eq!(announced(OTHER, artifact), None);
        assert_eq!(free(OTHER), ENDOWMENT);
        assert_eq!(Artifacts::<Test>::get(artifact), record, "nothing of the first one changes");
        assert_eq!(free(OWNER), ENDOWMENT - record.unwrap().deposit);
    });
}

#[test]
fn an_identity_says_what_is_left_to_upload() {
    test(|| {
        let bytes = two_chunks();
        let artifact = identity(&bytes);
        let chunks: Vec<_> = ArtifactManifest::split(&bytes).collect();
        assert_eq!((Storage::seen(&artifact), Storage::seen_by(&OWNER, &artifact)), (None, None));
        assert_ok!(create(OTHER, &bytes));
        assert_eq!(Storage::seen(&artifact), announced(OTHER, artifact));
        assert_eq!(Storage::seen_by(&OWNER, &artifact), None);
        assert_ok!(create(OWNER, &bytes));
        assert_ok!(upload(OWNER, artifact, 0, chunks[0]));
        assert_eq!(Storage::seen_by(&OWNER, &artifact).unwrap().missing(), [1]);
        assert_eq!(Storage::seen_by(&OTHER, &artifact).unwrap().missing(), [0, 1]);
        assert_ok!(upload(OWNER, artifact, 1, chunks[1]));
        for view in [Storage::seen(&artifact), Storage::seen_by(&OWNER, &artifact)] {
            assert_eq!(view, Artifacts::<Test>::get(artifact));
        }
        assert_eq!(Storage::seen_by(&OTHER, &artifact), announced(OTHER, artifact));
    });
}

#[test]
fn only_signed_origins_upload() {
    test(|| {
        assert_ok!(create(OWNER, b"bytes"));
        next_upload(identity(b"bytes"), 0, b"bytes");
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(
                Storage::upload(origin, identity(b"bytes"), 0, b"bytes".to_vec()),
                DispatchError::BadOrigin
            );
        }
    });
}

#[test]
fn a_chunk_of_nothing_that_was_announced_is_refused() {
    test(|| refused(identity(b"bytes"), 0, b"bytes", Error::NotFound));
}

#[test]
fn an_index_past_the_last_chunk_is_refused() {
    test(|| {
        assert_ok!(create(OWNER, b"bytes"));
        for index in [1, 127, 128, u32::MAX] {
            refused(identity(b"bytes"), index, b"bytes", Error::NoSuchChunk);
        }
    });
}

#[test]
fn bytes_of_another_digest_are_refused() {
    test(|| {
        assert_ok!(create(OWNER, b"bytes"));
        refused(identity(b"bytes"), 0, b"bytez", Error::ChunkMismatch);
    });
}

#[test]
fn bytes_of_another_length_are_refused() {
    test(|| {
        assert_ok!(create(OWNER, b"bytes"));
        for data in [&b""[..], b"byte", b"bytes."] {
            refused(identity(b"bytes"), 0, data, Error::ChunkMismatch);
        }
    });
}

#[test]
fn a_chunk_in_another_ones_place_is_refused() {
    test(|| {
        let chunk = MAX_CHUNK_BYTES as usize;
        let mut bytes = vec![1; chunk];
        bytes.extend(vec![2; chunk]);
        assert_ok!(create(OWNER, &bytes));
        refused(identity(&bytes), 1, &bytes[..chunk], Error::ChunkMismatch);
        assert_ok!(upload(OWNER, identity(&bytes), 1, &bytes[chunk..]));
    });
}

#[test]
fn a_size_that_is_not_that_of_the_bytes_cannot_be_completed() {
    test(|| {
        let only = digest(b"bytes");
        let artifact = assay_primitives::artifact::identity(4, &[only]);
        let chunks = crate::Chunks::truncate_from(vec![only]);
        assert_ok!(Storage::create(RuntimeOrigin::signed(OWNER), 4, chunks));
        assert_eq!(announced(OWNER, artifact).unwrap().size, 4);
        refused(artifact, 0, b"bytes", Error::ChunkMismatch);
        refused(artifact, 0, b"byte", Error::ChunkMismatch);
        assert_ne!(put(OWNER, b"bytes"), artifact);
    });
}

#[test]
fn a_chunk_is_uploaded_once() {
    test(|| {
        let bytes = two_chunks();
        let chunks: Vec<_> = ArtifactManifest::split(&bytes).collect();
        assert_ok!(create(OWNER, &bytes));
        assert_ok!(upload(OWNER, identity(&bytes), 0, chunks[0]));
        refused(identity(&bytes), 0, chunks[0], Error::ChunkExists);
        // Not when it is complete either, by any account.
        refused(put(OWNER, b"bytes"), 0, b"bytes", Error::ChunkExists);
        refused(put(OTHER, b"other"), 0, b"other", Error::ChunkExists);
    });
}

#[test]
fn an_upload_that_does_not_end_its_extrinsic_is_refused() {
    test(|| {
        assert_ok!(create(OWNER, b"bytes"));
        let artifact = identity(b"bytes");
        let upload =
            || Storage::upload(RuntimeOrigin::signed(OWNER), artifact, 0, b"bytes".to_vec());
        // As the first of a batch, with another call behind it.
        next_extrinsic([encoded(artifact, 0, b"bytes"), vec![0]].concat());
        assert_noop!(upload(), Error::<Test>::NotOutermostCall);
        // As part of an extrinsic that is shorter than the data.
        next_extrinsic(b"ytes".to_vec());
        assert_noop!(upload(), Error::<Test>::NotOutermostCall);
        // The extrinsic that counts is the current one.
        next_extrinsic(encoded(artifact, 0, b"bytes"));
        next_extrinsic(b"other".to_vec());
        assert_noop!(upload(), Error::<Test>::NotOutermostCall);
    });
}

#[test]
fn an_upload_outside_an_extrinsic_is_refused() {
    test(|| {
        assert_ok!(create(OWNER, b"bytes"));
        System::note_finished_extrinsics();
        assert_eq!(System::extrinsic_index(), None);
        assert_noop!(
            Storage::upload(RuntimeOrigin::signed(OWNER), identity(b"bytes"), 0, b"bytes".to_vec()),
            Error::<Test>::NotOutermostCall
        );
    });
}

#[test]
fn a_second_chunk_in_one_extrinsic_is_refused() {
    test(|| {
        // The bytes of one end those of the other, so one extrinsic ends with both. Nodes would
        // index the latter alone.
        assert_ok!(create(OTHER, b"tes"));
        assert_ok!(create(OTHER, b"bytes"));
        let origin = || RuntimeOrigin::signed(OTHER);
        let batch =
            [encoded(identity(b"tes"), 0, b"tes"), encoded(identity(b"bytes"), 0, b"bytes")];
        next_extrinsic(batch.concat());
        assert_ok!(Storage::upload(origin(), identity(b"tes"), 0, b"tes".to_vec()));
        assert_noop!(
            Storage::upload(origin(), identity(b"bytes"), 0, b"bytes".to_vec()),
            Error::<Test>::NotOutermostCall
        );
        assert_ok!(upload(OTHER, identity(b"bytes"), 0, b"bytes"));
    });
}

#[test]
fn the_same_place_in_the_next_block_is_another_extrinsic() {
    test(|| {
        for (height, bytes) in [(1, b"first"), (2, b"other")] {
            System::set_block_number(height);
            System::set_extrinsic_index(0);
            System::note_extrinsic(encoded(identity(bytes), 0, bytes));
            assert_ok!(create(OWNER, bytes));
            assert_ok!(Storage::upload(
                RuntimeOrigin::signed(OWNER),
                identity(bytes),
                0,
                bytes.to_vec()
            ));
        }
    });
}
