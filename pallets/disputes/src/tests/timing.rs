use assay_dispute::MAX_MOVES;
use assay_primitives::dispute::DisputeTiming;
use frame_support::{assert_noop, assert_ok, traits::Get};
use frame_system::RawOrigin;
use sp_runtime::{BuildStorage, DispatchError};

use crate::{mock::*, DisputeWindow, Error, Event, Timing};

fn set(window: u32, response: u32) -> sp_runtime::DispatchResult {
    Disputes::set_timing(RawOrigin::Root.into(), DisputeTiming { window, response })
}

#[test]
fn the_time_of_disputes_is_set_within_bounds() {
    test(|| {
        assert_eq!(Timing::<Test>::get(), DefaultTiming::get());
        let (response, most) = (4, MaxBlocks::get());
        assert_ok!(set(most - MAX_MOVES * response, response));
        let timing = DisputeTiming { window: most - MAX_MOVES * response, response };
        assert_eq!(last_event().unwrap(), Event::TimingSet { timing });
        assert_eq!(<DisputeWindow<Test> as Get<u32>>::get(), timing.window);
        for (window, response) in [
            (0, 1),
            (1, 0),
            (most - MAX_MOVES * response + 1, response),
            (u32::MAX, 1),
            (1, u32::MAX),
        ] {
            assert_noop!(set(window, response), Error::<Test>::TimingOutOfBounds);
        }
        assert_noop!(Disputes::set_timing(origin(STRANGER), timing), DispatchError::BadOrigin);
    });
}

#[test]
fn an_open_dispute_keeps_the_time_that_it_was_opened_with() {
    test(|| {
        let case = Case::lying_from(3);
        let first = case.disputed();
        assert_ok!(set(1, 2));
        assert_eq!(dispute(first).deadline, 1 + RESPONSE);
        go_to(5);
        answer(first, case.defender().answer(&stage(first)).unwrap());
        assert_eq!(dispute(first).deadline, 5 + RESPONSE);
        let second = open(SECOND);
        assert_eq!(dispute(second).deadline, 5 + 2);
    });
}

#[test]
fn a_chain_may_start_with_another_time() {
    let genesis = |window| crate::GenesisConfig::<Test> {
        timing: Some(DisputeTiming { window, response: 3 }),
        ..Default::default()
    };
    let storage = genesis(20).build_storage().unwrap();
    sp_io::TestExternalities::new(storage).execute_with(|| {
        assert_eq!(Timing::<Test>::get(), DisputeTiming { window: 20, response: 3 });
    });
    let refused = std::panic::catch_unwind(|| genesis(0).build_storage());
    assert!(refused.is_err());
}
