//! Benchmarks of the calls.
#![cfg(feature = "runtime-benchmarks")]

use assay_primitives::{
    assurance::MAX_COMMITTEE,
    digest,
    traits::{BenchmarkHelper, Operators},
    Assurance, AssuranceClass, Digest, RequestId, ResultStatement, Statement, WorkerSignature,
};
use frame_benchmarking::v2::*;
use frame_support::traits::EnsureOrigin;
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use sp_runtime::{traits::Zero, RuntimeAppPublic};

use crate::{cost::Fixture, *};

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn set_class_enabled() -> Result<(), BenchmarkError> {
        let origin =
            T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, AssuranceClass::Quorum, false);

        assert!(!Pallet::<T>::is_class_open(AssuranceClass::Quorum));
        Ok(())
    }

    #[benchmark]
    fn report_equivocation() {
        let owner: T::AccountId = account("owner", 0, 0);
        T::BenchmarkHelper::endow(&owner);
        let version = T::BenchmarkHelper::publish(&owner, 0);
        let operator = T::BenchmarkHelper::serve(version, 1).pop().expect("one operator serves it");
        let worker = T::Operators::worker(&operator).expect("it is registered");
        let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
        let statement = |output: &[u8]| ResultStatement {
            genesis: Digest::from_slice(genesis.as_ref()),
            request: RequestId(7),
            version_digest: digest(b"version"),
            input_digest: digest(b"input"),
            output_digest: digest(output),
            assurance: Assurance::Quorum { n: MAX_COMMITTEE, k: MAX_COMMITTEE },
            operator: operator.clone(),
            proof: None,
        };
        let sign = |statement: &ResultStatement<T::AccountId>| -> WorkerSignature {
            worker.sign(&statement.signing_bytes()).expect("the key is in the keystore").into()
        };
        let (first, second) = (statement(b"first"), statement(b"second"));
        let (first_signature, second_signature) = (sign(&first), sign(&second));
        let reporter: T::AccountId = whitelisted_caller();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(reporter),
            worker.clone(),
            first,
            first_signature,
            second,
            second_signature,
        );

        assert!(Equivocations::<T>::contains_key(RequestId(7), operator));
    }

    #[benchmark]
    fn verify_small() {
        let fixture = Fixture::small();

        #[block]
        {
            assert_eq!(fixture.verify(), Ok(()));
        }
    }

    #[benchmark]
    fn verify_wide() {
        let fixture = Fixture::wide();

        #[block]
        {
            assert_eq!(fixture.verify(), Ok(()));
        }
    }

    #[benchmark]
    fn verify_read() {
        let fixture = Fixture::read_input();

        #[block]
        {
            assert_eq!(fixture.verify(), Ok(()));
        }
    }

    #[benchmark]
    fn verify_hashed() {
        let fixture = Fixture::hashed();

        #[block]
        {
            assert_eq!(fixture.verify(), Ok(()));
        }
    }

    #[benchmark]
    fn verify_deep() {
        let fixture = Fixture::deep();

        #[block]
        {
            assert_eq!(fixture.verify(), Ok(()));
        }
    }

    #[benchmark]
    fn verify_values() {
        let fixture = Fixture::values();

        #[block]
        {
            assert_eq!(fixture.verify(), Ok(()));
        }
    }

    #[benchmark]
    fn verify_tall() {
        let fixture = Fixture::tall();

        #[block]
        {
            assert_eq!(fixture.verify(), Ok(()));
        }
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
