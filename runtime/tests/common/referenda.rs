//! Checks of referenda.

use std::collections::BTreeMap;

use assay_runtime::{governance::tracks::Tracks, Preimage, Runtime, RuntimeCall};
use frame_support::traits::QueryPreimage;
use pallet_referenda::{DecidingCount, ReferendumInfo, ReferendumInfoFor, TracksInfo};

/// Checks that each track counts the referenda that are being decided on it, and those whose decision
/// has ended and whose alarm waits in an agenda. Nothing else ever frees their slot.
pub fn check_referenda() {
    let mut expected = BTreeMap::<_, u32>::new();
    for info in ReferendumInfoFor::<Runtime>::iter_values() {
        if let ReferendumInfo::Ongoing(status) = info {
            *expected.entry(status.track).or_default() += u32::from(status.deciding.is_some());
        }
    }
    let tasks = pallet_scheduler::Agenda::<Runtime>::iter_values().flatten().flatten();
    for task in tasks {
        // The call of an enactment can be in a preimage that is gone.
        let Ok((call, _)) = Preimage::peek::<RuntimeCall>(&task.call) else { continue };
        if let RuntimeCall::Referenda(pallet_referenda::Call::one_fewer_deciding { track }) = call {
            *expected.entry(track).or_default() += 1;
        }
    }
    for track in Tracks::tracks() {
        let expected = expected.get(&track.id).copied().unwrap_or_default();
        let found = DecidingCount::<Runtime>::get(track.id);
        assert_eq!(found, expected, "slots of track {} that are not free", track.id);
    }
}
