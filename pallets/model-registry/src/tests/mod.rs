//! One file per call, and one each for uses, the version digest and the invariants.

mod accept;
mod audit;
mod create;
mod deprecate;
mod digest;
mod invariants;
mod publish;
mod publish_graph;
mod remove_model;
mod remove_version;
mod set_metadata;
mod set_royalty;
mod transfer;
mod uses;

use assay_primitives::{ModelId, VersionId};
use frame_support::assert_noop;
use sp_runtime::{DispatchError, DispatchResult};

use crate::{mock::*, Error};

/// Checks that a call on a version is refused to all but the owner, and where there is no version.
fn only_the_owner(call: impl Fn(RuntimeOrigin, VersionId) -> DispatchResult) {
    create_and_publish();
    let owner = || RuntimeOrigin::signed(OWNER);
    assert_noop!(call(RuntimeOrigin::signed(OTHER), VERSION), Error::<Test>::NotOwner);
    assert_noop!(
        call(owner(), VersionId { model: ModelId(1), number: 1 }),
        Error::<Test>::ModelNotFound
    );
    for number in [0, 2] {
        assert_noop!(
            call(owner(), VersionId { model: MODEL, number }),
            Error::<Test>::VersionNotFound
        );
    }
    for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
        assert_noop!(call(origin, VERSION), DispatchError::BadOrigin);
    }
}
