//! Benchmarks of the hooks.
#![cfg(feature = "runtime-benchmarks")]

use frame_benchmarking::v2::*;

use crate::*;

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn on_finalize() {
        let before = Clocks::<T>::get();
        let last = Authors::truncate_from((0..MAX_APART).collect());
        CountedOf::<T>::put(LastAuthors { answers: last.clone(), moves: last });

        #[block]
        {
            Pallet::<T>::count_room();
        }

        assert_eq!(Clocks::<T>::get().answers, before.answers + 1);
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
