//! Benchmarks of the calls.
#![cfg(feature = "runtime-benchmarks")]

use alloc::{boxed::Box, vec, vec::Vec};
use assay_pallet_support::Chain;
use assay_primitives::{
    assurance::MAX_COMMITTEE,
    digest, merkle,
    model::{ModelDescriptor, TensorDeclarations, Tolerance, MAX_TENSORS},
    tensor::{MAX_RANK, MAX_TENSOR_NAME_BYTES},
    traits::{BenchmarkHelper, Operators},
    AnsweredRequest, Assurance, AssuranceClass, AssuranceClasses, Digest, Dimension, ElementType,
    Format, ListPlace, RequestId, ResultStatement, SignedResult, Tensor, TensorDeclaration,
    MAX_LIST,
};
use codec::Encode;
use frame_benchmarking::v2::*;
use frame_support::traits::{EnsureOrigin, Get};
use frame_system::RawOrigin;
use sp_runtime::RuntimeAppPublic;

use crate::{cost::Fixture, *};

/// A descriptor with as many tensors as possible, and a tolerance.
fn tolerant_descriptor() -> ModelDescriptor {
    let tensor = TensorDeclaration {
        name: vec![b'a'; MAX_TENSOR_NAME_BYTES as usize].try_into().expect("it fits"),
        element_type: ElementType::F32,
        shape: vec![Dimension::Fixed(1); MAX_RANK as usize].try_into().expect("it fits"),
    };
    let tensors = TensorDeclarations::truncate_from(vec![tensor; MAX_TENSORS as usize]);
    ModelDescriptor {
        artifact: Digest::zero(),
        artifact_size: 1,
        format: Format::Onnx,
        inputs: tensors.clone(),
        outputs: tensors,
        assurances: AssuranceClasses::NONE.with(AssuranceClass::Quorum),
        tolerance: Some(Tolerance { millionths: 1 }),
        architecture: None,
    }
}

/// A payload of at most `bytes` bytes: a vector of zeros that ends in `last`.
fn floats(bytes: u32, last: f32) -> Vec<u8> {
    // The encoding of a tensor without its data takes less than 32 bytes.
    let elements = (bytes - 32) / 4;
    let mut data = vec![0; 4 * elements as usize - 4];
    data.extend(last.to_le_bytes());
    vec![Tensor { element_type: ElementType::F32, shape: vec![elements], data }].encode()
}

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

    /// The outputs differ only in their last element, so that all are compared.
    #[benchmark]
    fn report_equivocation(n: Linear<64, { T::MaxOutputBytes::get() }>) {
        let owner: T::AccountId = account("owner", 0, 0);
        T::BenchmarkHelper::endow(&owner);
        let version = T::BenchmarkHelper::publish(&owner, 0);
        let operator = T::BenchmarkHelper::serve(version, 1).pop().expect("one operator serves it");
        let worker = T::Operators::worker(&operator).expect("it is registered");
        let descriptor = tolerant_descriptor();
        let answered = AnsweredRequest {
            genesis: T::genesis(),
            request: RequestId(7),
            payer: owner,
            version_digest: descriptor.digest(),
            input_digest: digest(b"input"),
            assurance: Assurance::Quorum { n: MAX_COMMITTEE, k: MAX_COMMITTEE },
            seed: Digest::zero(),
        };
        let request = answered.hash();
        let statement = |output: &[u8]| ResultStatement {
            request,
            output_digest: digest(output),
            operator: operator.clone(),
            proof: None,
        };
        // Each is in a list of its own.
        let sign = |statement: ResultStatement<T::AccountId>| {
            let leaves = vec![statement.digest(); MAX_LIST as usize];
            let (index, count) = (1, MAX_LIST);
            let path = merkle::path(&leaves, index as usize).expect("it is in the list");
            let path = path.try_into().expect("a path of the largest list");
            let list = Some(ListPlace { index, count, path });
            let bytes = statement.signed_bytes(list.as_ref()).expect("it has that place");
            let signature = worker.sign(&bytes).expect("the key is in the keystore").into();
            SignedResult { statement, signature, list }
        };
        let outputs = [floats(n, 1.0), floats(n, 2.0)];
        let [first, second] = outputs.each_ref().map(|output| sign(statement(output)));
        let outputs = outputs.map(|output| OutputOf::<T>::try_from(output).expect("it fits"));
        let reporter: T::AccountId = whitelisted_caller();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(reporter),
            worker.clone(),
            answered,
            Box::new(descriptor),
            first,
            second,
            Some(outputs.into()),
        );

        assert!(Equivocations::<T>::contains_key(request, operator));
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
