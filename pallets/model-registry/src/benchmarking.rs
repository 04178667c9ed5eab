//! Benchmarks of the calls. Versions have the maximum size.
#![cfg(feature = "runtime-benchmarks")]

use alloc::{vec, vec::Vec};
use assay_graph::{
    bounds::{MAX_CHANNELS, MAX_OPERATIONS},
    merkle::LEAF_BYTES,
    Architecture, Clamp, Commitments, Conv2d, Dense, Extent, FormatVersion, Lookup, Multiplier,
    Operation, Padding, Parameters, Plan, Requantize, Scale, Shape, Shift, TensorId, Weights,
    Window,
};
use assay_primitives::{
    digest,
    model::{Format, ModelName, TensorDeclarations, MAX_NAME_BYTES},
    proof::{MAX_ARCHITECTURE_BYTES, MAX_AUDIT_BYTES, MAX_AUDIT_PIECES},
    tensor::MAX_TENSOR_NAME_BYTES,
    traits::BenchmarkHelper,
    Dimension, ElementType, ModelId, TensorDeclaration, VersionId, WeightsAudit,
};
use assay_proof::{Audit, AuditState, ProofParameters};
use codec::Encode;
use frame_benchmarking::v2::*;
use frame_support::traits::Get;
use frame_system::RawOrigin;
use sp_runtime::Perbill;

use crate::{pallet::LEAST_ARCHITECTURE_BYTES, *};

/// Width of all layers but the first.
const WIDTH: u32 = 16;
/// Maximum number of inputs of an accumulator.
const MAX_INPUTS: u32 = 1 << 15;
/// Size in bytes of a table with its operation.
const LOOKUP_BYTES: u32 = 259;

/// An architecture of the maximum number of operations, in at most `bytes` bytes. As many
/// operations as fit are distinct tables; the others are dense layers with their requantisation,
/// which without tables fit into `LEAST_ARCHITECTURE_BYTES`.
fn architecture(bytes: u32) -> Architecture {
    let tables = bytes.saturating_sub(LEAST_ARCHITECTURE_BYTES) / LOOKUP_BYTES;
    let pairs = (MAX_OPERATIONS as u32 - tables) / 2;
    let mut operations = layers(WIDTH, pairs);
    for index in 0..tables {
        let mut table = [0; 256];
        table[255] = index as i8;
        operations
            .push(Operation::Lookup(Lookup { input: TensorId(operations.len() as u16), table }));
    }
    of(Shape::vector(MAX_INPUTS), operations)
}

/// Dense layers of this width with their requantisation.
fn layers(width: u32, pairs: u32) -> Vec<Operation> {
    let mut operations = Vec::new();
    for pair in 0..pairs {
        let input = TensorId(operations.len() as u16);
        operations.push(Operation::Dense(Dense { input, rows: width }));
        operations.push(Operation::Requantize(Requantize {
            input: TensorId(operations.len() as u16),
            // With one for each channel, or longer remainders, proofs would be too long.
            multipliers: vec![Multiplier::MAX].try_into().expect("one is allowed"),
            shift: Shift::Bits16,
            quotient_bits: 9,
            clamp: Clamp::new(-(pair as i8), pair as i8).expect("holds zero"),
        }));
    }
    operations
}

fn of(input_shape: Shape, operations: Vec<Operation>) -> Architecture {
    Architecture {
        format_version: FormatVersion::V1,
        input_shape,
        input_scale: Scale::ONE,
        output_scale: Scale::ONE,
        operations: operations.try_into().expect("in bounds"),
        commitments: Commitments {
            proof_parameters: ProofParameters::RECOMMENDED.to_list(),
            ..Commitments::default()
        },
    }
}

/// Zero weights for an architecture. Sets their root in the architecture.
fn zeros(architecture: &mut Architecture) -> Weights {
    let plan = Plan::new(architecture.clone()).expect("the architecture is legal");
    let parameters = plan.all_parameters().map(|set| Parameters {
        weights: vec![0; set.weights()].try_into().expect("in bounds"),
        bias: vec![0; set.channels].try_into().expect("in bounds"),
    });
    let weights =
        Weights { parameters: parameters.collect::<Vec<_>>().try_into().expect("in bounds") };
    architecture.commitments.weights = weights.digest();
    weights
}

/// One weight and one bias for each channel: the most expensive weights to read.
fn one_by_one(channels: u32) -> Architecture {
    let window = Window {
        kernel: Extent::square(1),
        stride: Extent::square(1),
        padding: Padding { top: 0, left: 0, bottom: 0, right: 0 },
    };
    let (input, groups) = (TensorId(0), channels);
    let operation = Operation::Conv2d(Conv2d { input, output_channels: channels, groups, window });
    of(Shape::vector(channels), vec![operation])
}

#[benchmarks]
mod benchmarks {
    use super::*;

    fn funded<T: Config>() -> T::AccountId {
        let caller: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&caller);
        caller
    }

    fn name() -> ModelName {
        vec![b'z'; MAX_NAME_BYTES as usize].try_into().expect("within the bound")
    }

    fn published<T: Config>() -> (T::AccountId, VersionId) {
        let caller = funded::<T>();
        let version = T::BenchmarkHelper::publish(&caller, 0);
        (caller, version)
    }

    fn created<T: Config>() -> (T::AccountId, ModelId) {
        let caller = funded::<T>();
        let model = NextModel::<T>::get();
        Pallet::<T>::create(RawOrigin::Signed(caller.clone()).into(), name())
            .expect("the caller is endowed");
        (caller, model)
    }

    #[benchmark]
    fn create() {
        let caller = funded::<T>();
        let model = NextModel::<T>::get();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), name());

        assert!(Models::<T>::contains_key(model));
    }

    #[benchmark]
    fn publish() {
        let (caller, version) = published::<T>();
        let Version { descriptor, licence, metadata, .. } =
            Versions::<T>::get(version).expect("published above");
        let (model, royalty) = (version.model, T::MaxRoyalty::get());

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), model, descriptor, royalty, licence, metadata, None);

        assert!(Versions::<T>::contains_key(VersionId { model, number: version.number + 1 }));
    }

    // A graph of the maximum number of operations and steps. Tables fill the bytes.
    #[benchmark]
    fn publish_graph(
        a: Linear<{ LEAST_ARCHITECTURE_BYTES }, { MAX_ARCHITECTURE_BYTES }>,
    ) -> Result<(), BenchmarkError> {
        let (caller, version) = published::<T>();
        let Version { mut descriptor, licence, metadata, .. } =
            Versions::<T>::get(version).expect("published above");
        let (model, royalty) = (version.model, T::MaxRoyalty::get());
        let architecture = architecture(a);
        let declare = |element_type, elements: u32| -> TensorDeclarations {
            let declaration = TensorDeclaration {
                name: vec![b'n'; MAX_TENSOR_NAME_BYTES as usize].try_into().expect("in bounds"),
                element_type,
                shape: vec![Dimension::Fixed(elements)].try_into().expect("one dimension"),
            };
            vec![declaration].try_into().expect("one tensor")
        };
        descriptor.format = Format::IntegerGraph;
        descriptor.inputs = declare(ElementType::I8, architecture.input_shape.channels);
        descriptor.outputs = declare(ElementType::I8, WIDTH);
        descriptor.tolerance = None;
        descriptor.assurances = T::AvailableClasses::get();
        descriptor.architecture = Some(architecture.digest().into());
        let architecture: EncodedArchitecture =
            architecture.encode().try_into().map_err(|_| "the architecture is too long")?;
        assert!(architecture.len() as u32 <= a);

        #[extrinsic_call]
        publish(
            RawOrigin::Signed(caller),
            model,
            descriptor,
            royalty,
            licence,
            metadata,
            Some(architecture),
        );

        let published = Versions::<T>::get(VersionId { model, number: version.number + 1 });
        assert!(published.is_some_and(|record| record.proof.is_some()));
        Ok(())
    }

    /// Stores an architecture whose audit has read `done` bytes, as if it had been published.
    /// Returns the arguments that submit the next pieces and bytes.
    fn half_read<T: Config>(
        mut architecture: Architecture,
        done: u64,
        pieces: u32,
        bytes: u32,
    ) -> Result<(VersionId, PublishedWeights, PieceProofs), BenchmarkError> {
        let (_, version) = published::<T>();
        let weights = zeros(&mut architecture);
        let plan = Plan::new(architecture).map_err(|_| "the architecture is legal")?;
        let encoded = plan.architecture().encode();
        let encoded: EncodedArchitecture =
            encoded.try_into().map_err(|_| "the architecture is too long")?;
        Architectures::<T>::insert(version, encoded);
        let total = Pallet::<T>::weights_bytes(&plan);
        Audits::<T>::insert(version, WeightsAudit { done, ..WeightsAudit::of(total) });
        let audit = Audit::new(&plan).map_err(|_| "the architecture is sealed")?;
        let state = AuditState { done, ..AuditState::default() };
        let openings = audit
            .open_next(&state, &weights, pieces as usize, bytes as usize)
            .map_err(|_| "the weights are the architecture's")?;
        let (bytes, proofs) = PieceProof::arguments(openings).ok_or("too much for a call")?;
        Ok((version, bytes, proofs))
    }

    // The end of the widest layer of a graph of the maximum number of operations.
    #[benchmark]
    fn audit_weights(
        a: Linear<{ LEAST_ARCHITECTURE_BYTES }, { MAX_ARCHITECTURE_BYTES }>,
    ) -> Result<(), BenchmarkError> {
        let architecture = architecture(a);
        let wide = u64::from(WIDTH * architecture.input_shape.channels);
        let done = wide - LEAF_BYTES as u64;
        let (version, bytes, proofs) = half_read::<T>(architecture, done, 1, MAX_AUDIT_BYTES)?;

        #[extrinsic_call]
        audit_weights(RawOrigin::Signed(whitelisted_caller()), version, done, bytes, proofs);

        assert_eq!(Audits::<T>::get(version).map(|audit| audit.done), Some(wide));
        Ok(())
    }

    // Weights and biases of layers whose columns are committed in the maximum number of blocks.
    #[benchmark]
    fn read_pieces(p: Linear<1, { MAX_AUDIT_PIECES }>) -> Result<(), BenchmarkError> {
        let architecture = of(Shape::vector(28), layers(28, MAX_AUDIT_PIECES.div_ceil(2)));
        let (version, bytes, proofs) = half_read::<T>(architecture, 0, p, MAX_AUDIT_BYTES)?;
        assert_eq!(proofs.len() as u32, p);
        let read = bytes.len() as u64;

        #[extrinsic_call]
        audit_weights(RawOrigin::Signed(whitelisted_caller()), version, 0, bytes, proofs);

        assert_eq!(Audits::<T>::get(version).map(|audit| audit.done), Some(read));
        Ok(())
    }

    #[benchmark]
    fn read_weights(b: Linear<1, { MAX_CHANNELS as u32 }>) -> Result<(), BenchmarkError> {
        let (version, bytes, proofs) = half_read::<T>(one_by_one(b), 0, 1, MAX_AUDIT_BYTES)?;
        assert_eq!(bytes.len() as u32, b);

        #[extrinsic_call]
        audit_weights(RawOrigin::Signed(whitelisted_caller()), version, 0, bytes, proofs);

        assert_eq!(Audits::<T>::get(version).map(|audit| audit.done), Some(b.into()));
        Ok(())
    }

    #[benchmark]
    fn set_metadata() {
        let (caller, version) = published::<T>();
        let metadata = Some(digest(b"other metadata"));

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), version, metadata);

        assert_eq!(Versions::<T>::get(version).map(|record| record.metadata), Some(metadata));
    }

    #[benchmark]
    fn set_royalty() {
        let (caller, version) = published::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), version, Perbill::zero());

        let royalty = Versions::<T>::get(version).map(|record| record.royalty);
        assert_eq!(royalty, Some(Perbill::zero()));
    }

    #[benchmark]
    fn deprecate() {
        let (caller, version) = published::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), version);

        assert!(Versions::<T>::get(version).is_some_and(|record| record.deprecated));
    }

    // A withdrawal reads the offer, which making one does not.
    #[benchmark]
    fn transfer() {
        let (caller, version) = published::<T>();
        Offers::<T>::insert(version.model, account::<T::AccountId>("to", 0, 0));
        let to = caller.clone();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), version.model, to);

        assert!(!Offers::<T>::contains_key(version.model));
    }

    #[benchmark]
    fn remove_version() {
        let (caller, version) = published::<T>();
        let architecture = vec![0; MAX_ARCHITECTURE_BYTES as usize];
        Architectures::<T>::insert(
            version,
            EncodedArchitecture::try_from(architecture).expect("within the bound"),
        );
        Audits::<T>::insert(version, WeightsAudit::of(1));

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), version);

        assert!(!Versions::<T>::contains_key(version));
        assert!(!Architectures::<T>::contains_key(version));
        assert!(!Audits::<T>::contains_key(version));
    }

    #[benchmark]
    fn remove_model() {
        let (caller, model) = created::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), model);

        assert!(!Models::<T>::contains_key(model));
    }

    #[benchmark]
    fn accept() {
        let owner: T::AccountId = account("owner", 0, 0);
        T::BenchmarkHelper::endow(&owner);
        let version = T::BenchmarkHelper::publish(&owner, 0);
        let caller = funded::<T>();
        Pallet::<T>::transfer(RawOrigin::Signed(owner).into(), version.model, caller.clone())
            .expect("it is the owner's");

        #[extrinsic_call]
        _(RawOrigin::Signed(caller.clone()), version.model);

        assert!(Models::<T>::get(version.model).is_some_and(|record| record.owner == caller));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
