//! Benchmarks of the calls.
#![cfg(feature = "runtime-benchmarks")]

use frame_benchmarking::v2::*;
use frame_support::traits::{fungible::Mutate, EnsureOrigin, Get};

use crate::*;
use assay_primitives::ASY;

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn spend_treasury() -> Result<(), BenchmarkError> {
        let origin =
            T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        T::Currency::set_balance(&T::TreasuryAccount::get(), 100 * ASY);
        let to: T::AccountId = account("to", 0, 0);

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, to.clone(), 50 * ASY);

        assert_eq!(
            <T::Currency as frame_support::traits::fungible::Inspect<_>>::balance(&to),
            50 * ASY
        );
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
