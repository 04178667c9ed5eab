use assay_primitives::{
    artifact, digest, traits::Artifacts as _, ArtifactManifest, Digest, MAX_ARTIFACT_BYTES,
    MAX_CHUNKS, MAX_CHUNK_BYTES,
};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{mock::*, Artifact, Artifacts, Chunks, Error, Event};

fn announce(size: u64, chunks: Vec<Digest>) -> DispatchResult {
    Storage::create(RuntimeOrigin::signed(OWNER), size, chunks.try_into().unwrap())
}

fn some_digests(count: u64) -> Vec<Digest> {
    (0..count).map(|index| digest(&index.to_le_bytes())).collect()
}

#[test]
fn an_artifact_is_announced_against_a_deposit() {
    test(|| {
        let bytes = two_chunks();
        assert_ok!(create(OWNER, &bytes));
        let manifest = ArtifactManifest::of(&bytes);
        let deposit = BASE + BYTE * bytes.len() as u128;
        assert_eq!(free(OWNER), ENDOWMENT - deposit);
        let record = announced(OWNER, manifest.identity).unwrap();
        assert!(!Artifacts::<Test>::contains_key(manifest.identity), "nothing is there yet");
        assert_eq!(
            record,
            Artifact {
                owner: OWNER,
                size: bytes.len() as u64,
                chunks: Chunks::truncate_from(manifest.chunks),
                uploaded: 0,
                uses: 0,
                deposit,
            }
        );
        assert_eq!(record.missing(), vec![0, 1]);
        assert_eq!(Storage::complete(&manifest.identity), None);
        assert_eq!(
            last_event(),
            Some(Event::Created {
                artifact: manifest.identity,
                owner: OWNER,
                size: bytes.len() as u64
            })
        );
    });
}

#[test]
fn a_size_of_nothing_or_above_the_bound_is_refused() {
    test(|| {
        assert_noop!(announce(0, vec![]), Error::<Test>::InvalidSize);
        for size in [MAX_ARTIFACT_BYTES + 1, u64::MAX] {
            assert_noop!(
                announce(size, some_digests(MAX_CHUNKS.into())),
                Error::<Test>::InvalidSize
            );
        }
    });
}

#[test]
fn the_largest_artifact_has_as_many_chunks_as_there_are_bits() {
    test(|| {
        let chunks = some_digests(MAX_CHUNKS.into());
        let artifact = artifact::identity(MAX_ARTIFACT_BYTES, &chunks);
        assert_ok!(announce(MAX_ARTIFACT_BYTES, chunks));
        let record = announced(OWNER, artifact).unwrap();
        assert_eq!(record.missing(), (0..MAX_CHUNKS).collect::<Vec<_>>());
        assert!(!record.is_complete());
    });
}

#[test]
fn the_number_of_chunks_follows_from_the_size() {
    test(|| {
        let chunk = u64::from(MAX_CHUNK_BYTES);
        for (size, count) in [(chunk, 0), (chunk, 2), (chunk + 1, 1), (chunk + 1, 3)] {
            assert_noop!(announce(size, some_digests(count)), Error::<Test>::WrongChunkCount);
        }
        assert_ok!(announce(chunk + 1, some_digests(2)));
        assert_ok!(announce(chunk, some_digests(1)));
    });
}

#[test]
fn the_identity_follows_from_the_size_and_the_chunks() {
    test(|| {
        for (size, chunks) in
            [(3, some_digests(1)), (4, some_digests(1)), (3, vec![digest(b"one")])]
        {
            let artifact = artifact::identity(size, &chunks);
            assert_eq!(announced(OWNER, artifact), None);
            assert_ok!(announce(size, chunks));
            assert_eq!(last_event(), Some(Event::Created { artifact, owner: OWNER, size }));
            assert!(announced(OWNER, artifact).is_some());
        }
    });
}

#[test]
fn an_account_announces_an_artifact_once() {
    test(|| {
        assert_ok!(create(OWNER, b"bytes"));
        assert_noop!(create(OWNER, b"bytes"), Error::<Test>::AlreadyExists);
        // With another size it is another artifact.
        assert_ok!(announce(4, vec![digest(b"bytes")]));
    });
}

#[test]
fn what_others_announced_can_be_announced_with_a_deposit_of_its_own() {
    test(|| {
        let bytes = two_chunks();
        let artifact = identity(&bytes);
        assert_ok!(create(OWNER, &bytes));
        assert_ok!(create(OTHER, &bytes));
        let (first, second) = (announced(OWNER, artifact), announced(OTHER, artifact));
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!((first.owner, second.owner), (OWNER, OTHER));
        assert_eq!(first.chunks, second.chunks);
        assert_eq!(free(OTHER), ENDOWMENT - second.deposit);
        assert_eq!(second.deposit, BASE + BYTE * bytes.len() as u128);
    });
}

#[test]
fn what_is_complete_is_not_announced_again() {
    test(|| {
        put(OWNER, b"bytes");
        for account in [OWNER, OTHER] {
            assert_noop!(create(account, b"bytes"), Error::<Test>::AlreadyExists);
        }
        assert_eq!(free(OTHER), ENDOWMENT);
    });
}

#[test]
fn who_cannot_cover_the_deposit_announces_nothing() {
    test(|| {
        assert_noop!(create(POOR, b"bytes"), pallet_settlement::Error::<Test>::DepositNotCovered);
        assert_eq!(announced(POOR, identity(b"bytes")), None);
    });
}

#[test]
fn only_signed_origins_announce() {
    test(|| {
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(
                Storage::create(origin, 3, Chunks::truncate_from(vec![digest(b"one")])),
                DispatchError::BadOrigin
            );
        }
    });
}
