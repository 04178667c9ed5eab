//! Benchmarks of the calls. Each version has an architecture of the maximum size, with as many
//! operations as fit into it.
#![cfg(feature = "runtime-benchmarks")]

use alloc::vec;
use assay_dispute::{
    worst, Answer, Choice, DisputedOperation, Piece, Shown as ShownData, Stage, What,
};
use assay_graph::{
    commit::{tensor_root, trace_root, TENSOR_TAG},
    merkle::{leaf_digest, root_of_leaves},
    CheckedGraph, Tensor,
};
use assay_primitives::{
    dispute::{DisputeId, DisputeTiming},
    proof::MAX_ARCHITECTURE_BYTES,
    traits::{BenchmarkHelper as _, OptimisticResults},
    Digest, RequestId, Statement,
};
use codec::Encode;
use frame_benchmarking::v2::*;
use frame_support::{
    traits::{EnsureOrigin, Get},
    BoundedVec,
};
use frame_system::RawOrigin;

use crate::*;

/// Approximate size in bytes of the largest input, and of the largest output.
const OUTPUT_BYTES: u32 = 32 * 1024 - 64;
/// Size of an architecture in bytes.
const BYTES: usize = MAX_ARCHITECTURE_BYTES as usize;

/// An optimistic result of a model, of whose trace only the root exists.
fn result<T: Config>(graph: &CheckedGraph, trace_root: Digest) -> RequestId {
    let architecture = graph.plan().architecture().encode();
    assert!(architecture.len() <= BYTES);
    let input = vec![1; graph.plan().shapes()[0].elements().unwrap_or(1)];
    T::BenchmarkHelper::result(architecture, trace_root, input, vec![1; OUTPUT_BYTES as usize])
}

/// A dispute over the result of a request, in a given stage, of which the operator has shown this.
fn dispute<T: Config>(
    request: RequestId,
    stage: Stage,
    shown: Option<ShownData>,
) -> (DisputeId, T::AccountId) {
    let challenger: T::AccountId = account("challenger", 0, 0);
    T::BenchmarkHelper::endow(&challenger);
    let id = NextDispute::<T>::get();
    Pallet::<T>::open(RawOrigin::Signed(challenger.clone()).into(), request, T::Bond::get())
        .expect("the challenger is endowed and the window is open");
    if let (Some(what), Some(shown)) = (stage.reads(), shown) {
        Pallet::<T>::note_shown(request, what, Some(shown));
    }
    OpenDisputes::<T>::mutate(id, |dispute| {
        dispute.as_mut().expect("opened above").stage = stage;
    });
    (id, challenger)
}

/// A dispute in its last stage, and the move that ends it.
fn last_step<T: Config>(graph: &CheckedGraph, operation: usize) -> (DisputeId, Answer) {
    let (stage, shown, answer) = worst::last_step(graph, operation);
    let (id, _) = dispute::<T>(result::<T>(graph, Digest::zero()), stage, Some(shown));
    (id, answer)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn open() {
        let request = result::<T>(&worst::dense(BYTES), Digest::zero());
        let challenger: T::AccountId = whitelisted_caller();
        T::BenchmarkHelper::endow(&challenger);

        #[extrinsic_call]
        _(RawOrigin::Signed(challenger), request, T::Bond::get());

        assert_eq!(Counts::<T>::get(request), 1);
    }

    /// The operator has shown the digests of the leaves of the largest tensor.
    #[benchmark]
    fn choose() {
        let graph = worst::wide(1024, BYTES);
        let request = result::<T>(&graph, Digest::zero());
        let step = DisputedOperation { operation: 0, inputs: Default::default(), output: [0; 32] };
        let leaves = vec![[1; 32]; 4096].try_into().expect("within the bound");
        let shown = ShownData::Leaves(leaves);
        let (id, challenger) = dispute::<T>(request, Stage::Leaf { step }, Some(shown));

        #[extrinsic_call]
        _(RawOrigin::Signed(challenger), id, Choice::Leaf(4095));

        assert!(matches!(
            OpenDisputes::<T>::get(id).map(|dispute| dispute.stage),
            Some(Stage::Bytes { piece: Piece::Leaf { .. }, .. })
        ));
    }

    #[benchmark]
    fn answer_roots() {
        let graph = worst::dense(BYTES);
        let input = Tensor::Int8(vec![1; graph.plan().shapes()[0].elements().unwrap_or(1)]);
        let output = Tensor::Int8(vec![1; OUTPUT_BYTES as usize]);
        let mut roots = vec![[7; 32]; graph.plan().shapes().len()];
        roots[0] = tensor_root(&input);
        let last = roots.len() - 1;
        roots[last] = tensor_root(&output);
        let request = result::<T>(&graph, trace_root(&roots).into());
        let (id, _) = dispute::<T>(request, Stage::Roots, None);
        let answer = Answer::Roots(roots.try_into().expect("within the bound"));

        #[block]
        {
            Pallet::<T>::do_answer(id, &answer);
        }

        assert!(matches!(
            OpenDisputes::<T>::get(id).map(|dispute| dispute.stage),
            Some(Stage::Operation)
        ));
    }

    /// `n` leaves of int32 elements.
    #[benchmark]
    fn answer_leaves(n: Linear<17, 4096>) {
        let graph = worst::accumulators(n, BYTES);
        let request = result::<T>(&graph, Digest::zero());
        let leaves = vec![leaf_digest(&[1; 1024]); n as usize];
        let output = root_of_leaves(TENSOR_TAG, 1024 * n as usize, &leaves)
            .expect("as many leaves as the length has");
        let step = DisputedOperation { operation: 0, inputs: Default::default(), output };
        let (id, _) = dispute::<T>(request, Stage::Leaves { step }, None);
        let answer = Answer::Leaves(leaves.try_into().expect("within the bound"));

        #[block]
        {
            Pallet::<T>::do_answer(id, &answer);
        }

        assert!(matches!(
            OpenDisputes::<T>::get(id).map(|dispute| dispute.stage),
            Some(Stage::Leaf { .. })
        ));
    }

    /// A whole tensor of 16 KiB.
    #[benchmark]
    fn answer_bytes() {
        let graph = worst::column(BYTES);
        let request = result::<T>(&graph, Digest::zero());
        // Wrong bytes: the operator loses, which costs more than the next stage.
        let step = DisputedOperation { operation: 1, inputs: Default::default(), output: [0; 32] };
        let (id, _) = dispute::<T>(request, Stage::Bytes { step, piece: Piece::Whole }, None);
        let bytes = vec![1; assay_dispute::MAX_WHOLE_BYTES as usize];
        let answer = Answer::Bytes(bytes.try_into().expect("within the bound"));

        #[block]
        {
            Pallet::<T>::do_answer(id, &answer);
        }

        assert!(OpenDisputes::<T>::get(id).is_none());
    }

    /// A tile of one element that sums 2^15 products.
    #[benchmark]
    fn step_dense() {
        let (id, opening) = last_step::<T>(&worst::dense(BYTES), 0);

        #[block]
        {
            Pallet::<T>::do_step(id, &opening).expect("the opening holds");
        }

        assert!(OpenDisputes::<T>::get(id).is_none());
    }

    /// A tile of 1,024 elements, each a sum of 32 products that are read one by one.
    #[benchmark]
    fn step_window() {
        let (id, opening) = last_step::<T>(&worst::column(BYTES), 0);

        #[block]
        {
            Pallet::<T>::do_step(id, &opening).expect("the opening holds");
        }

        assert!(OpenDisputes::<T>::get(id).is_none());
    }

    /// A tile that reads two of each 64 bytes of `n` leaves.
    #[benchmark]
    fn step_opening(n: Linear<1, 1024>) {
        let (id, opening) = last_step::<T>(&worst::wide(n, BYTES), 2);

        #[block]
        {
            Pallet::<T>::do_step(id, &opening).expect("the opening holds");
        }

        assert!(OpenDisputes::<T>::get(id).is_none());
    }

    /// A signature over `n` KiB.
    #[benchmark]
    fn authorize_answer(n: Linear<0, 1088>) -> Result<(), BenchmarkError> {
        use frame_support::pallet_prelude::TransactionSource;

        let graph = worst::column(BYTES);
        let request = result::<T>(&graph, Digest::zero());
        let step = DisputedOperation { operation: 1, inputs: Default::default(), output: [0; 32] };
        let bytes = BoundedVec::try_from(vec![1; assay_dispute::MAX_WHOLE_BYTES as usize])
            .map_err(|_| "within the bound")?;
        let stage = Stage::Open { step, piece: Piece::Whole, tile: 0 };
        let (id, _) = dispute::<T>(request, stage, Some(ShownData::Bytes(bytes)));
        let opening =
            BoundedVec::try_from(vec![1; 1024 * n as usize]).map_err(|_| "within the bound")?;
        let answer = Answer::Opening(opening);
        let dispute = OpenDisputes::<T>::get(id).ok_or("opened above")?;
        let result = T::Results::result(request).ok_or("made above")?;
        let statement = Pallet::<T>::answer_statement(&dispute, &result, &answer);
        let signature = T::BenchmarkHelper::sign(&result.operator, &statement.signing_bytes());

        #[block]
        {
            Pallet::<T>::authorize_answer(
                TransactionSource::External,
                &id,
                &statement.stage,
                &answer,
                &signature,
            )
            .map_err(|_| "the statement is signed")?;
        }

        Ok(())
    }

    /// Without the verification of the proof, which does not hold, and the end of the dispute.
    #[benchmark]
    fn prove() {
        let request = result::<T>(&worst::dense(BYTES), Digest::zero());
        let (id, _) = dispute::<T>(request, Stage::Roots, None);

        #[block]
        {
            assert!(Pallet::<T>::do_prove(id, &[0; 8], &[]).is_err());
        }

        assert!(OpenDisputes::<T>::get(id).is_some());
    }

    /// A dispute that another one has voided, whose challenger has lost.
    #[benchmark]
    fn close() {
        let request = result::<T>(&worst::dense(BYTES), Digest::zero());
        let (id, caller) = dispute::<T>(request, Stage::Roots, None);
        Verdicts::<T>::insert(request, Verdict::Right);

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), id);

        assert!(OpenDisputes::<T>::get(id).is_none());
    }

    /// A deadline of the challenger, whose bond is forfeited.
    #[benchmark]
    fn expire() {
        let request = result::<T>(&worst::dense(BYTES), Digest::zero());
        let (id, _) = dispute::<T>(request, Stage::Operation, None);
        OpenDisputes::<T>::mutate(id, |dispute| {
            let dispute = dispute.as_mut().expect("opened above");
            frame_system::Pallet::<T>::set_block_number(dispute.due.into());
            // Enough blocks had room.
            (dispute.clock, dispute.response) = (0, 0);
        });

        #[block]
        {
            let dispute = OpenDisputes::<T>::get(id).expect("opened above");
            Pallet::<T>::expire(id, dispute);
        }

        assert!(OpenDisputes::<T>::get(id).is_none());
    }

    /// The digests of the leaves of the largest tensor.
    #[benchmark]
    fn forget() {
        let request = RequestId(7);
        let leaves = vec![[1; 32]; 4096].try_into().expect("within the bound");
        let what = What::Leaves { operation: 0 };
        Pallet::<T>::note_shown(request, what, Some(ShownData::Leaves(leaves)));
        Obsolete::<T>::insert(request, ());

        #[block]
        {
            Pallet::<T>::forget(T::WeightInfo::forget());
        }

        assert!(!Shown::<T>::contains_key(request, what));
    }

    #[benchmark]
    fn set_timing() -> Result<(), BenchmarkError> {
        let origin =
            T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let timing = DisputeTiming { window: 1, response: 1 };

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, timing);

        assert_eq!(Timing::<T>::get(), timing);
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
