use assay_primitives::Digest;
use frame_support::assert_ok;

use super::only_the_owner;
use crate::{mock::*, Event, Versions};

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
    test(|| only_the_owner(|origin, version| Registry::set_metadata(origin, version, None)));
}
