//! Benchmarks of the calls.
#![cfg(feature = "runtime-benchmarks")]

use frame_benchmarking::v2::*;
use frame_support::traits::{fungible::Mutate, EnsureOrigin, Get};

use crate::*;
use assay_primitives::{
    traits::{Bonds, SlashShare},
    ASY,
};

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn spend_treasury() -> Result<(), BenchmarkError> {
        let origin =
            T::SpendOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
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

    #[benchmark]
    fn claim_compensation() -> Result<(), BenchmarkError> {
        let (operator, payer): (T::AccountId, T::AccountId) =
            (account("operator", 0, 0), account("payer", 0, 0));
        for who in [&operator, &payer] {
            T::Currency::set_balance(who, 100 * ASY);
        }
        <Pallet<T> as Bonds<T::AccountId>>::lock(&operator, 50 * ASY)?;
        let share = SlashShare { to: &payer, most: 5 * ASY, claimable_from: Some(0) };
        <Pallet<T> as Bonds<T::AccountId>>::slash(&operator, 50 * ASY, Some(share));
        assert_eq!(Compensations::<T>::get(&payer, 0), 5 * ASY);

        #[extrinsic_call]
        _(frame_system::RawOrigin::Signed(payer.clone()), 0);

        assert_eq!(Compensations::<T>::get(&payer, 0), 0);
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
