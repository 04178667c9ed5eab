use assay_primitives::{Digest, ModelId, VersionId};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

use crate::{mock::*, Error, Event, Versions};

#[test]
fn metadata_changes_and_goes_away_without_a_change_of_meaning() {
    test(|| {
        create_and_publish();
        let before = deposit(OWNER);
        for metadata in [Some(Digest::repeat_byte(1)), Some(Digest::repeat_byte(2)), None] {
            assert_ok!(Registry::set_metadata(RuntimeOrigin::signed(OWNER), VERSION, metadata));
            let record = Versions::<Test>::get(VERSION).unwrap();
            assert_eq!(record.metadata, metadata);
            assert_eq!(record.digest, descriptor().digest());
            assert_eq!(last_event(), Some(Event::MetadataSet { version: VERSION, metadata }));
        }
        assert_eq!(deposit(OWNER), before);
    });
}

#[test]
fn only_the_owner_sets_metadata_of_what_there_is() {
    test(|| {
        create_and_publish();
        let set = |origin, version| Registry::set_metadata(origin, version, None);
        let owner = || RuntimeOrigin::signed(OWNER);
        assert_noop!(set(RuntimeOrigin::signed(OTHER), VERSION), Error::<Test>::NotOwner);
        assert_noop!(
            set(owner(), VersionId { model: ModelId(1), number: 1 }),
            Error::<Test>::ModelNotFound
        );
        assert_noop!(
            set(owner(), VersionId { model: MODEL, number: 2 }),
            Error::<Test>::VersionNotFound
        );
        assert_noop!(set(RuntimeOrigin::root(), VERSION), DispatchError::BadOrigin);
    });
}
