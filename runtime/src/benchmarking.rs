//! Sets up the state for the pallets' benchmarks. Everything is as large and as expensive as the
//! pallets' bounds allow.

pub mod consensus;
pub mod election;

use alloc::{format, vec, vec::Vec};
use assay_graph::Architecture;
use assay_primitives::{
    artifact::{identity, MAX_ARTIFACT_BYTES},
    digest,
    model::{
        Format, Licence, ModelName, TensorDeclarations, Tolerance, MAX_LICENCE_BYTES,
        MAX_NAME_BYTES, MAX_TENSORS,
    },
    operator::Roles,
    tensor::{MAX_RANK, MAX_TENSOR_NAME_BYTES},
    traits::{BenchmarkHelper, Models, Verification as _},
    ArtifactManifest, Assurance, AssuranceClass, Digest, Dimension, ElementType, ModelDescriptor,
    Possession, RequestId, RequestInput, Statement, Tensor, TensorDeclaration, VersionId, WorkerId,
    WorkerSignature, ASY,
};
use codec::{Decode, Encode};
use frame_benchmarking::account;
use frame_support::{
    traits::{fungible::Mutate, TrackedStorageKey},
    BoundedVec,
};
use frame_system::RawOrigin;
use pallet_operators::MAX_PAST_WORKERS;
use pallet_verification::cost::Fixture;
use sp_application_crypto::RuntimeAppPublic;
use sp_consensus_babe::digests::{PreDigest, SecondaryVRFPreDigest};
use sp_core::sr25519;

use crate::{
    constants::{
        AvailableClasses, MaxConcurrency, MaxDeadline, MaxInputBytes, MaxRoyalty, MinBond,
        TreasuryAccount,
    },
    AccountId, Balance, Balances, BlockNumber, Inference, ModelRegistry, Operators, Runtime,
    System, Verification,
};

/// Balance of each account: more than any deposit, bond or escrow.
const ENDOWMENT: Balance = 1_000_000_000 * ASY;
/// Price of each operator for one run.
const ASK: Balance = ASY;

/// Implements the benchmark helpers of the pallets.
pub struct Helper;

/// A key in the node's keystore.
fn worker_key(path: &str, index: u32) -> WorkerId {
    WorkerId::generate_pair(Some(format!("//{path}//{index}").into_bytes()))
}

/// Keys of values of other pallets that many calls of a block use, but that the block reads and
/// writes once: the treasury's account, the hash of block 0, the authorities, the clocks of
/// blocks with room, and the fees of the block. `pallet_inference` and `pallet_validators` charge them
/// at the start of the block.
pub fn used_once_a_block() -> Vec<TrackedStorageKey> {
    [
        frame_system::Account::<Runtime>::hashed_key_for(TreasuryAccount::get()),
        frame_system::BlockHash::<Runtime>::hashed_key_for(0),
        pallet_babe::Authorities::<Runtime>::hashed_key().to_vec(),
        pallet_room::Clocks::<Runtime>::hashed_key().to_vec(),
        pallet_validators::BlockFees::<Runtime>::hashed_key().to_vec(),
        pallet_disputes::Timing::<Runtime>::hashed_key().to_vec(),
    ]
    .map(TrackedStorageKey::from)
    .to_vec()
}

fn signature(worker: &WorkerId, message: &[u8]) -> WorkerSignature {
    worker.sign(&message).expect("the key is in the keystore").into()
}

/// `MAX_TENSORS` declarations of maximum rank. Only the last dimension is free.
fn declarations(first_letter: u8) -> TensorDeclarations {
    let declaration = |index: u32| {
        let mut name = vec![first_letter; MAX_TENSOR_NAME_BYTES as usize];
        // Names differ only in their last byte, so that comparisons take longest.
        name[MAX_TENSOR_NAME_BYTES as usize - 1] = b'0' + index as u8;
        let mut shape = vec![Dimension::Fixed(1); MAX_RANK as usize];
        shape[MAX_RANK as usize - 1] = Dimension::Free;
        TensorDeclaration {
            name: name.try_into().expect("within the bound"),
            element_type: ElementType::F32,
            shape: shape.try_into().expect("within the bound"),
        }
    };
    (0..MAX_TENSORS).map(declaration).collect::<Vec<_>>().try_into().expect("within the bound")
}

/// Artifact number `number`, with all chunks on chain: of `size` bytes, at most the largest.
fn store_artifact(owner: &AccountId, number: u32, size: u64) -> Digest {
    let size = size.min(MAX_ARTIFACT_BYTES);
    let chunks: Vec<_> = (0..ArtifactManifest::chunk_count(size) as u32)
        .map(|index| digest(&(number, index).encode()))
        .collect();
    let artifact = identity(size, &chunks);
    if !pallet_storage::Artifacts::<Runtime>::contains_key(artifact) {
        pallet_storage::Artifacts::<Runtime>::insert(
            artifact,
            pallet_storage::Artifact {
                owner: owner.clone(),
                size,
                chunks: chunks.try_into().expect("within the bound"),
                uploaded: u128::MAX,
                uses: 0,
                deposit: 0,
            },
        );
    }
    artifact
}

/// Publishes a version of a new model.
fn publish(
    owner: &AccountId,
    descriptor: ModelDescriptor,
    architecture: Option<Vec<u8>>,
) -> VersionId {
    let model = pallet_model_registry::NextModel::<Runtime>::get();
    let name: ModelName = format!("{:a>1$}", model.0, MAX_NAME_BYTES as usize)
        .into_bytes()
        .try_into()
        .expect("within the bound");
    let licence =
        Licence::try_from(vec![b'A'; MAX_LICENCE_BYTES as usize]).expect("within the bound");
    let origin = RawOrigin::Signed(owner.clone());
    ModelRegistry::create(origin.clone().into(), name).expect("the owner is endowed");
    ModelRegistry::publish(
        origin.into(),
        model,
        descriptor,
        MaxRoyalty::get(),
        licence,
        Some(digest(b"metadata")),
        architecture.map(|bytes| bytes.try_into().expect("within the bound")),
    )
    .expect("the declarations are valid");
    VersionId { model, number: 1 }
}

impl BenchmarkHelper<AccountId> for Helper {
    fn endow(account: &AccountId) {
        Balances::set_balance(account, ENDOWMENT);
    }

    fn publish(owner: &AccountId, _input_bytes: u32) -> VersionId {
        let descriptor = ModelDescriptor {
            artifact: store_artifact(owner, 0, MAX_ARTIFACT_BYTES),
            artifact_size: MAX_ARTIFACT_BYTES,
            format: Format::Onnx,
            inputs: declarations(b'i'),
            outputs: declarations(b'o'),
            assurances: AvailableClasses::get()
                .without(AssuranceClass::Optimistic)
                .without(AssuranceClass::Proof),
            tolerance: Some(Tolerance { millionths: 1_000_000 }),
            architecture: None,
        };
        publish(owner, descriptor, None)
    }

    fn publish_graph(owner: &AccountId) -> VersionId {
        let bytes = Fixture::small().architecture;
        let architecture = Architecture::from_bytes(&bytes).expect("the file is an architecture");
        // Input and output are vectors of this many elements.
        let elements = architecture.input_shape.channels;
        let declare = |element_type| -> TensorDeclarations {
            let declaration = TensorDeclaration {
                name: vec![b'n'; MAX_TENSOR_NAME_BYTES as usize].try_into().expect("in bounds"),
                element_type,
                shape: vec![Dimension::Fixed(elements)].try_into().expect("one dimension"),
            };
            vec![declaration].try_into().expect("one tensor")
        };
        let descriptor = ModelDescriptor {
            artifact: store_artifact(owner, 0, MAX_ARTIFACT_BYTES),
            artifact_size: MAX_ARTIFACT_BYTES,
            format: Format::IntegerGraph,
            inputs: declare(ElementType::I8),
            outputs: declare(ElementType::I32),
            assurances: AvailableClasses::get(),
            tolerance: None,
            architecture: Some(architecture.digest().into()),
        };
        let version = publish(owner, descriptor, Some(bytes));
        // Marks all weights as read.
        pallet_model_registry::Audits::<Runtime>::mutate(version, |audit| {
            let audit = audit.as_mut().expect("it offers proofs");
            audit.done = audit.total;
        });
        version
    }

    fn payload(bytes: u32) -> Vec<u8> {
        let shape = |elements: u32| {
            let mut shape = vec![1; MAX_RANK as usize];
            shape[MAX_RANK as usize - 1] = elements;
            shape
        };
        let tensor = |elements: u32| Tensor {
            element_type: ElementType::F32,
            shape: shape(elements),
            data: 0.5f32.to_le_bytes().repeat(elements as usize),
        };
        let mut tensors = vec![tensor(1); MAX_TENSORS as usize];
        // The first tensor gets the remaining bytes. The encoding of its length takes up to three
        // bytes more than that of the others.
        let least = tensors.encoded_size() as u32 + 3;
        tensors[0] = tensor(1 + bytes.saturating_sub(least) / 4);
        tensors.encode()
    }

    fn serve(version: VersionId, count: u32) -> Vec<AccountId> {
        let present = pallet_operators::Servers::<Runtime>::get(version).len() as u32;
        for index in present..count {
            let operator: AccountId = account("operator", index, 0);
            Self::endow(&operator);
            let worker = worker_key("operator", index);
            let statement =
                Possession { genesis: System::block_hash(0), operator: operator.clone() };
            let origin = RawOrigin::Signed(operator.clone());
            Operators::register(
                origin.clone().into(),
                Roles::INFERENCE,
                worker.clone(),
                signature(&worker, &statement.signing_bytes()),
                MinBond::get() * 10,
            )
            .expect("the operator is endowed and its key is new");
            Operators::serve(
                origin.into(),
                version,
                ASK,
                MaxConcurrency::get(),
                1,
                ModelRegistry::assurances(version).expect("the version is published"),
                sp_runtime::Perbill::one(),
            )
            .expect("the version has a free slot");
            pallet_operators::Operators::<Runtime>::mutate(&operator, |info| {
                let info = info.as_mut().expect("registered above");
                info.last_heartbeat = Some(System::block_number());
                let past = |number: u32| {
                    (sr25519::Public::from_raw([number as u8; 32]).into(), System::block_number())
                };
                info.past_workers = (0..MAX_PAST_WORKERS)
                    .map(past)
                    .collect::<Vec<(WorkerId, BlockNumber)>>()
                    .try_into()
                    .expect("within the bound");
            });
        }
        pallet_operators::Servers::<Runtime>::get(version)
            .into_iter()
            .map(|server| server.account)
            .collect()
    }
}

impl pallet_operators::BenchmarkHelper<AccountId> for Helper {
    fn worker(index: u32, message: &[u8]) -> (WorkerId, WorkerSignature) {
        let worker = worker_key("worker", index);
        let signature = signature(&worker, message);
        (worker, signature)
    }
}

impl pallet_inference::BenchmarkHelper<AccountId> for Helper {
    fn sign(operator: &AccountId, message: &[u8]) -> WorkerSignature {
        let info = pallet_operators::Operators::<Runtime>::get(operator)
            .expect("`serve` registered the operator");
        signature(&info.worker, message)
    }

    fn artifact(index: u32, bytes: u32) -> Digest {
        store_artifact(&account("owner", 0, 0), index, bytes.into())
    }

    fn set_vrf() {
        // The base point of Ristretto (RFC 9496, A.1). Nothing here verifies the proof.
        let pre_output: [u8; 32] = [
            0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00,
            0x51, 0x5f, 0x58, 0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45,
            0xe0, 0x8d, 0x2d, 0x76,
        ];
        let vrf_signature =
            sr25519::vrf::VrfSignature::decode(&mut &[&pre_output[..], &[0; 64]].concat()[..])
                .expect("a point and two scalars");
        let claim = SecondaryVRFPreDigest { authority_index: 0, slot: 1.into(), vrf_signature };
        pallet_babe::Initialized::<Runtime>::put(Some(PreDigest::SecondaryVRF(claim)));
    }
}

impl pallet_disputes::BenchmarkHelper<AccountId> for Helper {
    fn result(
        architecture: Vec<u8>,
        trace_root: Digest,
        input: Vec<u8>,
        output: Vec<u8>,
    ) -> RequestId {
        let (owner, payer): (AccountId, AccountId) =
            (account("owner", 0, 0), account("payer", 0, 0));
        Self::endow(&owner);
        Self::endow(&payer);
        let version = Self::publish_graph(&owner);
        let [operator] = &Self::serve(version, 1)[..] else { panic!("one operator serves it") };
        let payload = |data: Vec<u8>| {
            let shape = vec![data.len() as u32];
            vec![Tensor { element_type: ElementType::I8, shape, data }].encode()
        };
        // Make a request, then replace its architecture, input and result by the given ones.
        let fixture = Architecture::from_bytes(&Fixture::small().architecture);
        let elements = fixture.expect("the file is an architecture").input_shape.channels as usize;
        let id = pallet_inference::NextRequest::<Runtime>::get();
        Inference::request(
            RawOrigin::Signed(payer).into(),
            version,
            RequestInput::Inline(payload(vec![1; elements]).try_into().expect("within the bound")),
            Assurance::Optimistic,
            ASK,
            System::block_number() + MaxDeadline::get(),
            1,
            digest(&id.encode()).0,
        )
        .expect("the operator serves it");
        let architecture: pallet_model_registry::EncodedArchitecture =
            architecture.try_into().expect("within the bound");
        pallet_model_registry::Architectures::<Runtime>::insert(version, architecture);
        let input: BoundedVec<u8, MaxInputBytes> =
            payload(input).try_into().expect("within the bound");
        pallet_inference::Inputs::<Runtime>::insert(id, input);
        let (output, members) = (payload(output), vec![operator.clone()]);
        let output_digest = digest(&output);
        Verification::note_result(
            id,
            operator,
            pallet_operators::Operators::<Runtime>::get(operator).expect("it is registered").worker,
            WorkerSignature::from_raw([1; 64]),
            output_digest,
            output,
        );
        pallet_inference::Requests::<Runtime>::mutate(id, |request| {
            let request = request.as_mut().expect("made above");
            request.status = assay_primitives::runtime_api::Status::Disputable;
            request.members = members
                .into_iter()
                .map(|account| pallet_inference::Member { account, ask: ASK })
                .collect::<Vec<_>>()
                .try_into()
                .expect("one member");
        });
        let window = pallet_disputes::Timing::<Runtime>::get().window;
        let disputable_until = System::block_number() + window;
        pallet_inference::Claims::<Runtime>::insert(
            id,
            pallet_inference::TraceClaim {
                output_digest,
                trace_root,
                disputable_until,
                final_from: 0,
            },
        );
        id
    }

    fn sign(operator: &AccountId, message: &[u8]) -> WorkerSignature {
        <Self as pallet_inference::BenchmarkHelper<AccountId>>::sign(operator, message)
    }
}

impl pallet_transaction_payment::BenchmarkConfig for Runtime {}
