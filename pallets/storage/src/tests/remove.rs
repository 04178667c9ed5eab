use assay_primitives::traits::Artifacts as _;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

use crate::{mock::*, Artifacts, Error, Event};

#[test]
fn the_deposit_comes_back_to_the_planck() {
    test(|| {
        let bytes = two_chunks();
        let first = put(OWNER, &bytes);
        let second = put(OWNER, b"bytes");
        assert_ok!(Storage::remove(RuntimeOrigin::signed(OWNER), first));
        assert_eq!(free(OWNER), ENDOWMENT - BASE - 5 * BYTE);
        assert_eq!(last_event(), Some(Event::Removed { artifact: first, owner: OWNER }));
        assert_eq!(Storage::complete(&first), None);
        assert_ok!(Storage::remove(RuntimeOrigin::signed(OWNER), second));
        assert_eq!(free(OWNER), ENDOWMENT);
        assert_eq!(pallet_settlement::DepositTotals::<Test>::iter().count(), 0);
    });
}

#[test]
fn what_was_deposited_comes_back_whatever_is_asked_for_today() {
    test(|| {
        let artifact = put(OWNER, b"bytes");
        Artifacts::<Test>::mutate(artifact, |record| {
            record.as_mut().unwrap().deposit -= 7;
        });
        assert_ok!(Storage::remove(RuntimeOrigin::signed(OWNER), artifact));
        assert_eq!(free(OWNER), ENDOWMENT - 7);
    });
}

#[test]
fn an_announcement_can_be_withdrawn() {
    test(|| {
        let artifact = identity(&two_chunks());
        assert_ok!(create(OWNER, &two_chunks()));
        assert_ok!(create(OTHER, &two_chunks()));
        assert_ok!(Storage::remove(RuntimeOrigin::signed(OWNER), artifact));
        assert_eq!(free(OWNER), ENDOWMENT);
        assert_eq!(announced(OWNER, artifact), None);
        assert_eq!(last_event(), Some(Event::Removed { artifact, owner: OWNER }));
        assert!(announced(OTHER, artifact).is_some(), "others keep theirs");
        assert_noop!(
            Storage::remove(RuntimeOrigin::signed(OWNER), artifact),
            Error::<Test>::NotFound
        );
    });
}

#[test]
fn who_lost_the_race_withdraws_its_announcement_and_not_the_artifact() {
    test(|| {
        assert_ok!(create(OTHER, b"bytes"));
        let artifact = put(OWNER, b"bytes");
        assert_ok!(Storage::acquire(&artifact));
        assert_ok!(Storage::remove(RuntimeOrigin::signed(OTHER), artifact));
        assert_eq!(free(OTHER), ENDOWMENT);
        assert!(Storage::complete(&artifact).is_some());
        assert_noop!(
            Storage::remove(RuntimeOrigin::signed(OTHER), artifact),
            Error::<Test>::NotOwner
        );
    });
}

#[test]
fn what_is_not_there_cannot_be_removed() {
    test(|| {
        assert_noop!(
            Storage::remove(RuntimeOrigin::signed(OWNER), identity(b"bytes")),
            Error::<Test>::NotFound
        );
        assert_ok!(create(OTHER, b"bytes"));
        assert_noop!(
            Storage::remove(RuntimeOrigin::signed(OWNER), identity(b"bytes")),
            Error::<Test>::NotFound
        );
    });
}

#[test]
fn only_the_owner_removes() {
    test(|| {
        let artifact = put(OWNER, b"bytes");
        assert_noop!(
            Storage::remove(RuntimeOrigin::signed(OTHER), artifact),
            Error::<Test>::NotOwner
        );
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(Storage::remove(origin, artifact), DispatchError::BadOrigin);
        }
    });
}

#[test]
fn an_artifact_in_use_stays() {
    test(|| {
        let artifact = put(OWNER, b"bytes");
        assert_ok!(Storage::acquire(&artifact));
        assert_ok!(Storage::acquire(&artifact));
        for _ in 0..2 {
            assert_noop!(
                Storage::remove(RuntimeOrigin::signed(OWNER), artifact),
                Error::<Test>::InUse
            );
            Storage::release(&artifact);
        }
        assert_ok!(Storage::remove(RuntimeOrigin::signed(OWNER), artifact));
        assert_eq!(free(OWNER), ENDOWMENT);
    });
}

#[test]
fn a_removed_artifact_starts_anew() {
    test(|| {
        let artifact = put(OWNER, b"bytes");
        assert_ok!(Storage::remove(RuntimeOrigin::signed(OWNER), artifact));
        assert_ok!(create(OTHER, b"bytes"));
        assert_eq!(Storage::complete(&artifact), None, "its chunks have to be uploaded again");
        assert_ok!(upload(OTHER, artifact, 0, b"bytes"));
        assert!(Storage::complete(&artifact).is_some());
    });
}
