//! The runtime uses its own weights, and each of its calls fits into a block.

mod common;

use std::collections::BTreeSet;

use assay_dispute::{Answer, Choice};
use assay_graph::commit::MAX_TILE_OPENING_BYTES;
use assay_primitives::{
    artifact::{MAX_ARTIFACT_BYTES, MAX_CHUNKS, MAX_CHUNK_BYTES},
    dispute::{DisputeId, DisputeTiming},
    model::{
        Format, Licence, ModelName, Tolerance, MAX_LICENCE_BYTES, MAX_NAME_BYTES, MAX_TENSORS,
    },
    operator::Roles,
    proof::{MAX_ARCHITECTURE_BYTES, MAX_AUDIT_BYTES, MAX_AUDIT_PIECES, MAX_PROOF_BYTES},
    tensor::{MAX_RANK, MAX_TENSOR_NAME_BYTES},
    AnsweredRequest, Assurance, AssuranceClass, Balance, Digest, Dimension, ElementType,
    FailureReason, ListPlace, ModelDescriptor, ModelId, RequestId, RequestInput, ResultStatement,
    SignedResult, TensorDeclaration, WorkerSignature, MAX_LIST, MAX_TRANSACTION_BYTES,
};
use assay_runtime::{
    configs::{staking::InBlock, system::RuntimeBlockWeights},
    constants::{MaxInputBytes, MaxOutputBytes, MaxProofCost, MaxRoyalty},
    governance::calls,
    transactions::authorized_extension,
    AccountId, Runtime, RuntimeCall, UncheckedExtrinsic,
};
use codec::Encode;
use common::{both, bounded, version, worker};
use frame_election_provider_support::onchain;
use frame_support::{
    dispatch::{DispatchClass, GetDispatchInfo, Pays},
    instances::Instance1 as Technical,
    traits::GetCallName,
    weights::Weight,
};
use pallet_inference::{BatchItem, ListedResult, TraceSignatures, MAX_BATCH};
use sp_application_crypto::Pair as _;

fn own<W>() -> bool {
    core::any::type_name::<W>().starts_with("assay_runtime::weights::")
}

#[test]
fn the_runtime_uses_its_own_weights() {
    macro_rules! foreign {
        ($($pallet:ident :: $name:ident),* $(,)?) => {
            [$((
                concat!(stringify!($pallet), "::", stringify!($name)),
                own::<<Runtime as $pallet::Config>::$name>(),
            )),*]
        };
    }
    let foreign: Vec<_> = foreign![
        frame_system::DbWeight,
        frame_system::SystemWeightInfo,
        frame_system::ExtensionsWeightInfo,
        pallet_babe::WeightInfo,
        pallet_grandpa::WeightInfo,
        pallet_session::WeightInfo,
        pallet_balances::WeightInfo,
        pallet_timestamp::WeightInfo,
        pallet_transaction_payment::WeightInfo,
        pallet_utility::WeightInfo,
        pallet_sudo::WeightInfo,
        pallet_migrations::WeightInfo,
        pallet_settlement::WeightInfo,
        pallet_storage::WeightInfo,
        pallet_model_registry::WeightInfo,
        pallet_operators::WeightInfo,
        pallet_verification::WeightInfo,
        pallet_room::WeightInfo,
        pallet_inference::WeightInfo,
        pallet_disputes::WeightInfo,
        pallet_staking::WeightInfo,
        pallet_bags_list::WeightInfo,
        pallet_validators::WeightInfo,
        pallet_preimage::WeightInfo,
        pallet_scheduler::WeightInfo,
        pallet_conviction_voting::WeightInfo,
        pallet_referenda::WeightInfo,
        pallet_whitelist::WeightInfo,
        pallet_safe_mode::WeightInfo,
        pallet_tx_pause::WeightInfo,
    ]
    .into_iter()
    .chain([
        (
            "pallet_collective::WeightInfo",
            own::<<Runtime as pallet_collective::Config<Technical>>::WeightInfo>(),
        ),
        ("onchain::WeightInfo", own::<<InBlock as onchain::Config>::WeightInfo>()),
    ])
    .filter(|(_, own)| !own)
    .map(|(name, _)| name)
    .collect();
    assert!(foreign.is_empty(), "weights of other runtimes: {foreign:?}");
}

/// Otherwise nobody could upgrade the chain any more.
#[test]
fn upgrades_fit_into_a_transaction() {
    use frame_support::dispatch::GetDispatchInfo;
    let call = |inner: RuntimeCall| pallet_sudo::Call::<Runtime>::sudo { call: Box::new(inner) };
    let code = Vec::new();
    let upgrades = [
        call(frame_system::Call::set_code { code: code.clone() }.into()).into(),
        frame_system::Call::apply_authorized_upgrade { code }.into(),
    ];
    let most = assay_runtime::configs::system::MaxTransactionWeight::get().ref_time();
    for upgrade in upgrades {
        let upgrade: RuntimeCall = upgrade;
        let weight = upgrade.get_dispatch_info().call_weight.ref_time();
        assert!(weight + 10_000_000_000 <= most, "{weight} of {most}: {upgrade:?}");
    }
    // Without a wasm build there is no code.
    if let Some(code) = assay_runtime::WASM_BINARY {
        assert!(code.len() + 1_024 <= MAX_TRANSACTION_BYTES as usize, "{} bytes", code.len());
    }
}

fn signature() -> WorkerSignature {
    WorkerSignature::from_raw([1; 64])
}

fn account() -> AccountId {
    AccountId::new([1; 32])
}

fn widest_descriptor() -> ModelDescriptor {
    let tensors = |letter: u8| {
        let declarations: Vec<_> = (0..MAX_TENSORS)
            .map(|index| {
                let mut name = vec![letter; MAX_TENSOR_NAME_BYTES as usize];
                name[MAX_TENSOR_NAME_BYTES as usize - 1] = b'0' + index as u8;
                TensorDeclaration {
                    name: name.try_into().expect("within the bound"),
                    element_type: ElementType::F32,
                    shape: vec![Dimension::Fixed(u32::MAX); MAX_RANK as usize]
                        .try_into()
                        .expect("within the bound"),
                }
            })
            .collect();
        declarations.try_into().expect("within the bound")
    };
    ModelDescriptor {
        artifact: Digest::repeat_byte(1),
        artifact_size: MAX_ARTIFACT_BYTES,
        format: Format::Onnx,
        inputs: tensors(b'i'),
        outputs: tensors(b'o'),
        assurances: both(),
        tolerance: Some(Tolerance { millionths: u32::MAX }),
        architecture: Some(Digest::repeat_byte(1)),
    }
}

/// A proof of a piece of weights with the maximum number of Merkle nodes.
fn widest_proof() -> pallet_model_registry::PieceProof {
    pallet_model_registry::PieceProof {
        set_leaf: bounded(&[1; 1_024]),
        set_siblings: vec![[1; 32]; 4].try_into().expect("within the bound"),
        siblings: vec![[1; 32]; 32].try_into().expect("within the bound"),
    }
}

/// Every call of the pallets of Assay, with arguments of maximum size.
fn largest_calls() -> Vec<RuntimeCall> {
    let (digest, request) = (Digest::repeat_byte(1), RequestId(u64::MAX));
    let (version, model) = (version(u32::MAX, u32::MAX), ModelId(u32::MAX));
    let output = vec![1; MaxOutputBytes::get() as usize];
    let key = worker(1).public();
    let statement = ResultStatement {
        request: digest,
        output_digest: digest,
        operator: account(),
        proof: Some(digest),
    };
    let answered = AnsweredRequest {
        genesis: digest,
        request,
        payer: account(),
        version_digest: digest,
        input_digest: digest,
        assurance: Assurance::Quorum { n: 15, k: 15 },
        seed: digest,
    };
    let mut calls: Vec<RuntimeCall> = Vec::new();
    calls.extend(
        [
            pallet_storage::Call::create {
                size: MAX_ARTIFACT_BYTES,
                chunks: vec![digest; MAX_CHUNKS as usize].try_into().expect("within the bound"),
            },
            pallet_storage::Call::upload {
                artifact: digest,
                index: MAX_CHUNKS,
                data: vec![1; MAX_CHUNK_BYTES as usize],
            },
            pallet_storage::Call::remove { artifact: digest },
        ]
        .map(RuntimeCall::Storage),
    );
    let name: ModelName = bounded(&[b'a'; MAX_NAME_BYTES as usize]);
    let licence: Licence = bounded(&[b'A'; MAX_LICENCE_BYTES as usize]);
    calls.extend(
        [
            pallet_model_registry::Call::create { name },
            pallet_model_registry::Call::publish {
                model,
                descriptor: widest_descriptor(),
                royalty: MaxRoyalty::get(),
                licence,
                metadata: Some(digest),
                architecture: Some(bounded(&vec![1; MAX_ARCHITECTURE_BYTES as usize])),
            },
            pallet_model_registry::Call::set_metadata { version, metadata: Some(digest) },
            pallet_model_registry::Call::set_royalty { version, royalty: MaxRoyalty::get() },
            pallet_model_registry::Call::deprecate { version },
            pallet_model_registry::Call::transfer { model, to: account() },
            pallet_model_registry::Call::remove_version { version },
            pallet_model_registry::Call::remove_model { model },
            pallet_model_registry::Call::accept { model },
            pallet_model_registry::Call::audit_weights {
                version,
                first: u64::MAX,
                bytes: bounded(&vec![1; MAX_AUDIT_BYTES as usize]),
                proofs: vec![widest_proof(); MAX_AUDIT_PIECES as usize]
                    .try_into()
                    .expect("within the bound"),
            },
        ]
        .map(RuntimeCall::ModelRegistry),
    );
    calls.extend(
        [
            pallet_operators::Call::register {
                roles: Roles::INFERENCE,
                worker: key.clone(),
                possession: signature(),
                bond: u128::MAX,
            },
            pallet_operators::Call::set_worker { worker: key.clone(), possession: signature() },
            pallet_operators::Call::add_bond { amount: u128::MAX },
            pallet_operators::Call::serve {
                version,
                ask: u128::MAX,
                concurrency: u32::MAX,
                response_blocks: u32::MAX,
                max_royalty: sp_runtime::Perbill::one(),
                classes: both(),
            },
            pallet_operators::Call::withdraw { version },
            common::heartbeat(&account(), &worker(1), u32::MAX),
            pallet_operators::Call::unbond {},
            pallet_operators::Call::withdraw_bond {},
        ]
        .map(RuntimeCall::Operators),
    );
    let place = ListPlace {
        index: u32::MAX,
        count: u32::MAX,
        path: vec![Digest::zero(); MAX_LIST.ilog2() as usize].try_into().expect("within the bound"),
    };
    let signed = SignedResult { statement, signature: signature(), list: Some(place) };
    calls.extend(
        [
            pallet_verification::Call::set_class_enabled {
                class: AssuranceClass::Tee,
                enabled: true,
            },
            pallet_verification::Call::report_equivocation {
                worker: key,
                answered,
                descriptor: Box::new(widest_descriptor()),
                first: signed.clone(),
                second: signed,
                outputs: Some((bounded(&output), bounded(&output))),
            },
        ]
        .map(RuntimeCall::Verification),
    );
    calls.push(pallet_settlement::Call::spend_treasury { to: account(), amount: u128::MAX }.into());
    calls.push(pallet_settlement::Call::claim_compensation { claimable_from: u32::MAX }.into());
    // With the largest inputs or outputs, a batch or a list would be longer than half of a block.
    let input = vec![1; MaxInputBytes::get() as usize / 4];
    let short = &output[..output.len() / 4];
    calls.extend(
        [
            pallet_inference::Call::request {
                version,
                input: RequestInput::Inline(bounded(&vec![1; MaxInputBytes::get() as usize])),
                assurance: Assurance::Quorum { n: 15, k: 15 },
                max_price: u128::MAX,
                deadline: u32::MAX,
                draw_delay: u32::MAX,
                client_key: [1; 32],
            },
            pallet_inference::Call::request_batch {
                version,
                assurance: Assurance::Quorum { n: 15, k: 15 },
                max_price: u128::MAX,
                deadline: u32::MAX,
                draw_delay: u32::MAX,
                items: vec![
                    BatchItem {
                        input: RequestInput::Inline(bounded(&input)),
                        client_key: [1; 32],
                    };
                    MAX_BATCH as usize
                ]
                .try_into()
                .expect("within the bound"),
            },
            pallet_inference::Call::submit_results {
                operator: account(),
                version,
                results: vec![
                    ListedResult { request, answered: digest, output: bounded(short) };
                    MAX_LIST as usize
                ]
                .try_into()
                .expect("within the bound"),
                signature: signature(),
            },
            pallet_inference::Call::cancel { request },
            pallet_inference::Call::submit_result {
                request,
                operator: account(),
                output: bounded(&output),
                signature: signature(),
            },
            pallet_inference::Call::submit_commitment {
                request,
                operator: account(),
                commitment: digest,
                signature: signature(),
            },
            pallet_inference::Call::submit_reveal {
                request,
                operator: account(),
                output: bounded(&output),
                salt: [1; 32],
                signature: signature(),
            },
            pallet_inference::Call::report_failure {
                request,
                operator: account(),
                reason: FailureReason::EngineError,
                signature: signature(),
            },
            pallet_inference::Call::submit_proof {
                request,
                operator: account(),
                cost: MaxProofCost::get(),
                output: bounded(&output),
                proof: bounded(&vec![1; MAX_PROOF_BYTES as usize]),
                signature: signature(),
            },
            pallet_inference::Call::appeal {
                request,
                output: bounded(&output),
                proof: bounded(&vec![1; MAX_PROOF_BYTES as usize]),
            },
            pallet_inference::Call::submit_trace {
                request,
                operator: account(),
                output: bounded(&output),
                trace_root: digest,
                signatures: TraceSignatures { result: signature(), trace: signature() },
            },
        ]
        .map(RuntimeCall::Inference),
    );
    let dispute = DisputeId(u64::MAX);
    let opening = Answer::Opening(bounded(&vec![1; MAX_TILE_OPENING_BYTES]));
    calls.extend(
        [
            pallet_disputes::Call::open { request, max_bond: Balance::MAX },
            pallet_disputes::Call::choose { dispute, choice: Choice::Tile(u32::MAX) },
            pallet_disputes::Call::answer {
                dispute,
                stage: digest,
                answer: opening.clone(),
                signature: signature(),
            },
            pallet_disputes::Call::step { dispute, opening },
            pallet_disputes::Call::prove {
                dispute,
                output: bounded(&output),
                proof: bounded(&vec![1; MAX_PROOF_BYTES as usize]),
            },
            pallet_disputes::Call::close { dispute },
            pallet_disputes::Call::set_timing { timing: DisputeTiming { window: 1, response: 1 } },
        ]
        .map(RuntimeCall::Disputes),
    );
    calls.push(pallet_validators::Call::purge_keys {}.into());
    calls
}

/// Name of a call and its pallet.
fn name(call: &RuntimeCall) -> String {
    use frame_support::traits::GetCallMetadata;
    let metadata = call.get_call_metadata();
    format!("{}.{}", metadata.pallet_name, metadata.function_name)
}

#[test]
fn the_list_of_largest_calls_has_every_call() {
    let listed: BTreeSet<String> = largest_calls().iter().map(name).collect();
    let mut all = BTreeSet::new();
    macro_rules! add {
        ($($label:literal: $pallet:ident),*) => {$(
            for call in $pallet::Call::<Runtime>::get_call_names() {
                all.insert(format!("{}.{call}", $label));
            }
        )*};
    }
    add!(
        "Settlement": pallet_settlement, "Storage": pallet_storage,
        "ModelRegistry": pallet_model_registry, "Operators": pallet_operators,
        "Verification": pallet_verification, "Inference": pallet_inference,
        "Disputes": pallet_disputes, "Validators": pallet_validators
    );
    assert_eq!(listed, all);
}

fn largest_extrinsic() -> Weight {
    RuntimeBlockWeights::get()
        .get(DispatchClass::Normal)
        .max_extrinsic
        .expect("one extrinsic has a limit")
}

#[test]
fn no_call_weighs_more_than_half_of_the_maximum_extrinsic() {
    let half = largest_extrinsic() / 2;
    // The weights of the extensions do not depend on the state.
    sp_io::TestExternalities::default().execute_with(|| {
        let mut heavy = Vec::new();
        for call in largest_calls() {
            let name = name(&call);
            let transaction = UncheckedExtrinsic::new_transaction(call, authorized_extension());
            let info = transaction.get_dispatch_info();
            let is_move = name.starts_with("Disputes.") && name != "Disputes.set_timing";
            let class = match is_move || name == "Inference.appeal" {
                true => DispatchClass::Operational,
                false => DispatchClass::Normal,
            };
            assert_eq!(info.class, class, "{name}");
            println!("{name}: {} us", info.total_weight().ref_time() / 1_000_000);
            if !info.total_weight().all_lte(half) {
                heavy.push((name, info.total_weight()));
            }
        }
        assert!(heavy.is_empty(), "above {half:?}: {heavy:?}");
    });
}

#[test]
fn every_call_has_a_weight_and_pays_a_fee() {
    sp_io::TestExternalities::default().execute_with(|| {
        for call in largest_calls() {
            let info = call.get_dispatch_info();
            assert!(info.call_weight.ref_time() > 0, "{}", name(&call));
            // Every signed transaction pays a fee.
            assert_eq!(info.pays_fee, Pays::Yes, "{}", name(&call));
        }
    });
}

#[test]
fn the_weight_of_authorizing_a_workers_call_is_charged() {
    sp_io::TestExternalities::default().execute_with(|| {
        let nothing: RuntimeCall = frame_system::Call::remark { remark: Vec::new() }.into();
        let extension_weight = |call: RuntimeCall| {
            UncheckedExtrinsic::new_transaction(call, authorized_extension())
                .get_dispatch_info()
                .extension_weight
        };
        let least = extension_weight(nothing);
        let workers = [
            "Operators.heartbeat",
            "Inference.submit_result",
            "Inference.submit_results",
            "Inference.submit_commitment",
            "Inference.submit_reveal",
            "Inference.report_failure",
            "Inference.submit_proof",
            "Inference.submit_trace",
            "Disputes.answer",
        ];
        for call in largest_calls() {
            let name = name(&call);
            // Calls that can be closed read whether they are.
            let least = least.saturating_add(calls::filter_weight(&call));
            let weight = extension_weight(call).ref_time();
            if workers.contains(&name.as_str()) {
                assert!(weight > least.ref_time(), "{name}");
            } else {
                assert_eq!(weight, least.ref_time(), "{name}");
            }
        }
    });
}

#[test]
fn every_call_fits_into_a_block() {
    use assay_runtime::configs::system::RuntimeBlockLength;
    let longest = *RuntimeBlockLength::get().max.get(DispatchClass::Normal) as usize;
    for call in largest_calls() {
        let size = call.encoded_size();
        assert!(size < longest / 2, "{}: {size} of {longest}", name(&call));
    }
}
