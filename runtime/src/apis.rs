//! The runtime APIs.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use assay_graph::{commit::TileOpening, Architecture, Plan};
use assay_primitives::{
    dispute::{DisputeId, DisputeTiming},
    engine::ProofContext,
    receipt::ReceiptRoot,
    runtime_api::{
        ArtifactView, Assignment, DisputeView, OperatorView, OptimisticView, Quote, QuoteError,
        ReceiptView, RequestView, VersionView,
    },
    traits::{Models as _, Operators as _},
    validate_payload, Assurance, BlockNumber, Digest, ModelId, RequestId, VersionId,
    WeightsFingerprint, WorkerId,
};
use codec::Encode;
use frame_support::{
    genesis_builder_helper::{build_state, get_preset},
    weights::Weight,
};
use pallet_grandpa::AuthorityId as GrandpaId;
use sp_api::impl_runtime_apis;
use sp_core::{crypto::KeyTypeId, OpaqueMetadata};
use sp_runtime::{
    traits::{Block as BlockT, NumberFor},
    transaction_validity::{TransactionSource, TransactionValidity},
    ApplyExtrinsicResult,
};
use sp_session::OpaqueGeneratedSessionKeys;
use sp_version::RuntimeVersion;

use crate::{
    configs::{
        consensus::BABE_GENESIS_EPOCH_CONFIG,
        offences::{InSession, KeyOwners},
    },
    genesis,
    views::{
        artifact_view, assignment, dispute_view, operator_view, optimistic_view, version_view,
    },
    AccountId, AuthorityDiscovery, Babe, Balance, Block, Disputes, Executive, Grandpa, Inference,
    InherentDataExt, ModelRegistry, Nonce, Operators, Runtime, RuntimeGenesisConfig, SessionKeys,
    Storage, System, TransactionPayment, VERSION,
};

impl_runtime_apis! {
    impl sp_api::Core<Block> for Runtime {
        fn version() -> RuntimeVersion {
            VERSION
        }

        fn execute_block(block: <Block as BlockT>::LazyBlock) {
            Executive::execute_block(block);
        }

        fn initialize_block(header: &<Block as BlockT>::Header) -> sp_runtime::ExtrinsicInclusionMode {
            Executive::initialize_block(header)
        }
    }

    impl sp_api::Metadata<Block> for Runtime {
        fn metadata() -> OpaqueMetadata {
            OpaqueMetadata::new(Runtime::metadata().into())
        }

        fn metadata_at_version(version: u32) -> Option<OpaqueMetadata> {
            Runtime::metadata_at_version(version)
        }

        fn metadata_versions() -> Vec<u32> {
            Runtime::metadata_versions()
        }
    }

    impl frame_support::view_functions::runtime_api::RuntimeViewFunction<Block> for Runtime {
        fn execute_view_function(
            id: frame_support::view_functions::ViewFunctionId,
            input: Vec<u8>,
        ) -> Result<Vec<u8>, frame_support::view_functions::ViewFunctionDispatchError> {
            Runtime::execute_view_function(id, input)
        }
    }

    impl sp_block_builder::BlockBuilder<Block> for Runtime {
        fn apply_extrinsic(extrinsic: <Block as BlockT>::Extrinsic) -> ApplyExtrinsicResult {
            Executive::apply_extrinsic(extrinsic)
        }

        fn finalize_block() -> <Block as BlockT>::Header {
            Executive::finalize_block()
        }

        fn inherent_extrinsics(data: sp_inherents::InherentData) -> Vec<<Block as BlockT>::Extrinsic> {
            data.create_extrinsics()
        }

        fn check_inherents(
            block: <Block as BlockT>::LazyBlock,
            data: sp_inherents::InherentData,
        ) -> sp_inherents::CheckInherentsResult {
            data.check_extrinsics(&block)
        }
    }

    impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
        fn validate_transaction(
            source: TransactionSource,
            tx: <Block as BlockT>::Extrinsic,
            block_hash: <Block as BlockT>::Hash,
        ) -> TransactionValidity {
            Executive::validate_transaction(source, tx, block_hash)
        }
    }

    impl sp_offchain::OffchainWorkerApi<Block> for Runtime {
        fn offchain_worker(header: &<Block as BlockT>::Header) {
            Executive::offchain_worker(header)
        }
    }

    impl sp_session::SessionKeys<Block> for Runtime {
        fn generate_session_keys(owner: Vec<u8>, seed: Option<Vec<u8>>) -> OpaqueGeneratedSessionKeys {
            SessionKeys::generate(&owner, seed).into()
        }

        fn decode_session_keys(encoded: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
            SessionKeys::decode_into_raw_public_keys(&encoded)
        }
    }

    impl sp_consensus_babe::BabeApi<Block> for Runtime {
        fn configuration() -> sp_consensus_babe::BabeConfiguration {
            let epoch = Babe::epoch_config().unwrap_or(BABE_GENESIS_EPOCH_CONFIG);
            sp_consensus_babe::BabeConfiguration {
                slot_duration: Babe::slot_duration(),
                epoch_length: u64::from(crate::EPOCH_DURATION_SLOTS),
                c: epoch.c,
                authorities: Babe::authorities().to_vec(),
                randomness: Babe::randomness(),
                allowed_slots: epoch.allowed_slots,
            }
        }

        fn current_epoch_start() -> sp_consensus_babe::Slot {
            Babe::current_epoch_start()
        }

        fn current_epoch() -> sp_consensus_babe::Epoch {
            Babe::current_epoch()
        }

        fn next_epoch() -> sp_consensus_babe::Epoch {
            Babe::next_epoch()
        }

        fn generate_key_ownership_proof(
            slot: sp_consensus_babe::Slot,
            authority: sp_consensus_babe::AuthorityId,
        ) -> Option<sp_consensus_babe::OpaqueKeyOwnershipProof> {
            let kind = sp_consensus_babe::KEY_TYPE;
            KeyOwners::prove_in(slot.session()?, kind, authority.as_ref())
                .map(|proof| sp_consensus_babe::OpaqueKeyOwnershipProof::new(proof.encode()))
        }

        fn submit_report_equivocation_unsigned_extrinsic(
            equivocation: sp_consensus_babe::EquivocationProof<<Block as BlockT>::Header>,
            proof: sp_consensus_babe::OpaqueKeyOwnershipProof,
        ) -> Option<()> {
            Babe::submit_unsigned_equivocation_report(equivocation, proof.decode()?)
        }
    }

    impl sp_consensus_grandpa::GrandpaApi<Block> for Runtime {
        fn grandpa_authorities() -> sp_consensus_grandpa::AuthorityList {
            Grandpa::grandpa_authorities()
        }

        fn current_set_id() -> sp_consensus_grandpa::SetId {
            pallet_grandpa::CurrentSetId::<Runtime>::get()
        }

        fn submit_report_equivocation_unsigned_extrinsic(
            equivocation: sp_consensus_grandpa::EquivocationProof<
                <Block as BlockT>::Hash,
                NumberFor<Block>,
            >,
            proof: sp_consensus_grandpa::OpaqueKeyOwnershipProof,
        ) -> Option<()> {
            Grandpa::submit_unsigned_equivocation_report(equivocation, proof.decode()?)
        }

        fn generate_key_ownership_proof(
            set_id: sp_consensus_grandpa::SetId,
            authority: GrandpaId,
        ) -> Option<sp_consensus_grandpa::OpaqueKeyOwnershipProof> {
            let (kind, round) = (sp_consensus_grandpa::KEY_TYPE, 0);
            let session = pallet_grandpa::TimeSlot { set_id, round }.session()?;
            KeyOwners::prove_in(session, kind, authority.as_ref())
                .map(|proof| sp_consensus_grandpa::OpaqueKeyOwnershipProof::new(proof.encode()))
        }
    }

    impl sp_authority_discovery::AuthorityDiscoveryApi<Block> for Runtime {
        fn authorities() -> Vec<sp_authority_discovery::AuthorityId> {
            AuthorityDiscovery::authorities()
        }
    }

    impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, Nonce> for Runtime {
        fn account_nonce(account: AccountId) -> Nonce {
            System::account_nonce(account)
        }
    }

    impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentApi<Block, Balance> for Runtime {
        fn query_info(
            extrinsic: <Block as BlockT>::Extrinsic,
            len: u32,
        ) -> pallet_transaction_payment_rpc_runtime_api::RuntimeDispatchInfo<Balance> {
            TransactionPayment::query_info(extrinsic, len)
        }

        fn query_fee_details(
            extrinsic: <Block as BlockT>::Extrinsic,
            len: u32,
        ) -> pallet_transaction_payment::FeeDetails<Balance> {
            TransactionPayment::query_fee_details(extrinsic, len)
        }

        fn query_weight_to_fee(weight: Weight) -> Balance {
            TransactionPayment::weight_to_fee(weight)
        }

        fn query_length_to_fee(length: u32) -> Balance {
            TransactionPayment::length_to_fee(length)
        }
    }

    impl sp_genesis_builder::GenesisBuilder<Block> for Runtime {
        fn build_state(config: Vec<u8>) -> sp_genesis_builder::Result {
            build_state::<RuntimeGenesisConfig>(config)
        }

        fn get_preset(id: &Option<sp_genesis_builder::PresetId>) -> Option<Vec<u8>> {
            get_preset::<RuntimeGenesisConfig>(id, genesis::preset)
        }

        fn preset_names() -> Vec<sp_genesis_builder::PresetId> {
            genesis::preset_names()
        }
    }

    impl assay_primitives::runtime_api::AssayApi<Block, AccountId> for Runtime {
        fn open_assignments(worker: WorkerId) -> Vec<Assignment> {
            let Some(operator) = Operators::operator_of(&worker) else { return Vec::new() };
            Operators::assignments(&operator).into_iter().filter_map(assignment).collect()
        }

        fn quote(version: VersionId, assurance: Assurance) -> Result<Quote, QuoteError> {
            Inference::quote(version, assurance)
        }

        fn request(id: RequestId) -> Option<RequestView<AccountId>> {
            Inference::view(id)
        }

        fn request_by_key(account: AccountId, client_key: [u8; 32]) -> Option<RequestId> {
            pallet_inference::ClientKeys::<Runtime>::get(account, client_key)
        }

        fn requests_of(account: AccountId, limit: u32) -> Vec<RequestView<AccountId>> {
            Inference::requests_of(&account, limit)
        }

        fn receipt(id: RequestId) -> Option<ReceiptView<AccountId>> {
            Inference::receipt_view(id)
        }

        fn receipt_root(height: BlockNumber) -> Option<ReceiptRoot> {
            Inference::receipt_root(height)
        }

        fn input(id: RequestId) -> Option<Vec<u8>> {
            pallet_inference::Inputs::<Runtime>::get(id).map(|input| input.into_inner())
        }

        fn optimistic(id: RequestId) -> Option<OptimisticView<AccountId>> {
            optimistic_view(id)
        }

        fn open_disputes(request: Option<RequestId>, limit: u32) -> Vec<DisputeId> {
            Disputes::open_disputes(request, limit)
        }

        fn disputes_of(account: AccountId, limit: u32) -> Vec<DisputeId> {
            let mut ids = Disputes::disputes_of(&account, None, limit);
            ids.sort_unstable();
            ids
        }

        fn dispute(id: DisputeId) -> Option<DisputeView<AccountId>> {
            dispute_view(id)
        }

        fn dispute_timing() -> DisputeTiming {
            pallet_disputes::Timing::<Runtime>::get()
        }

        fn version(id: VersionId) -> Option<VersionView<AccountId>> {
            version_view(id)
        }

        fn verify_proof(
            architecture: Vec<u8>,
            context: ProofContext,
            input: Vec<u8>,
            output: Vec<u8>,
            weights: WeightsFingerprint,
            proof: Vec<u8>,
        ) -> Result<(), String> {
            pallet_verification::proof::check(
                &architecture,
                &context,
                &input,
                &output,
                weights,
                &proof,
            )
        }

        fn run_tile(
            architecture: Vec<u8>,
            operation: u32,
            tile: u32,
            input_roots: Vec<Digest>,
            opening: Vec<u8>,
        ) -> Result<Vec<u8>, String> {
            let architecture =
                Architecture::from_bytes(&architecture).map_err(|error| error.to_string())?;
            let plan = Plan::new(architecture).map_err(|error| error.to_string())?;
            let roots: Vec<_> = input_roots.into_iter().map(|root| root.0).collect();
            TileOpening::from_bytes(&opening)
                .and_then(|opening| opening.run(&plan, operation as usize, tile as usize, &roots))
                .map(|tile| tile.to_bytes())
                .map_err(|error| error.to_string())
        }

        fn architecture(id: VersionId) -> Option<Vec<u8>> {
            ModelRegistry::architecture(id)
        }

        fn find_model(owner: AccountId, name: Vec<u8>) -> Option<(ModelId, u32)> {
            let name = assay_primitives::model::ModelName::try_from(name).ok()?;
            let id = pallet_model_registry::Names::<Runtime>::get(owner, name)?;
            Some((id, pallet_model_registry::Models::<Runtime>::get(id)?.newest))
        }

        fn versions(from: ModelId, limit: u32) -> Vec<VersionView<AccountId>> {
            let end = pallet_model_registry::NextModel::<Runtime>::get();
            (from.0..end.0)
                .flat_map(|model| {
                    let model = ModelId(model);
                    let newest = pallet_model_registry::Models::<Runtime>::get(model)
                        .map_or(0, |record| record.newest);
                    (1..=newest).map(move |number| VersionId { model, number })
                })
                .filter_map(version_view)
                .take(limit as usize)
                .collect()
        }

        fn operator(account: AccountId) -> Option<OperatorView<AccountId>> {
            operator_view(account)
        }

        fn compensations(account: AccountId) -> Vec<(BlockNumber, Balance)> {
            let mut all: Vec<_> =
                pallet_settlement::Compensations::<Runtime>::iter_prefix(account).collect();
            all.sort_unstable();
            all
        }

        fn operator_of_worker(worker: WorkerId) -> Option<AccountId> {
            Operators::operator_of(&worker)
        }

        fn artifact(identity: Digest) -> Option<ArtifactView<AccountId>> {
            Storage::seen(&identity).map(|artifact| artifact_view(identity, artifact))
        }

        fn upload(owner: AccountId, identity: Digest) -> Option<ArtifactView<AccountId>> {
            Storage::seen_by(&owner, &identity).map(|artifact| artifact_view(identity, artifact))
        }

        fn check_input(version: VersionId, payload: Vec<u8>) -> Option<String> {
            let Some(version) = pallet_model_registry::Versions::<Runtime>::get(version) else {
                return Some("there is no such version".into());
            };
            validate_payload(&payload, &version.descriptor.inputs)
                .err()
                .map(|error| format!("{error}"))
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    impl frame_benchmarking::Benchmark<Block> for Runtime {
        fn benchmark_metadata(extra: bool) -> (
            Vec<frame_benchmarking::BenchmarkList>,
            Vec<frame_support::traits::StorageInfo>,
        ) {
            use crate::*;
            use frame_benchmarking::BenchmarkList;
            use frame_support::traits::StorageInfoTrait;
            use crate::benchmarking::consensus::{
                babe_calls::Pallet as BabeBench, grandpa_calls::Pallet as GrandpaBench,
                session_calls::Pallet as SessionBench,
            };
            use crate::benchmarking::election::Pallet as ElectionBench;
            use frame_system_benchmarking::{extensions::Pallet as SystemExtensionsBench, Pallet as SystemBench};

            let mut list = Vec::<BenchmarkList>::new();
            list_benchmarks!(list, extra);
            (list, AllPalletsWithSystem::storage_info())
        }

        #[allow(non_local_definitions)]
        fn dispatch_benchmark(
            config: frame_benchmarking::BenchmarkConfig,
        ) -> Result<Vec<frame_benchmarking::BenchmarkBatch>, String> {
            use crate::*;
            use frame_benchmarking::BenchmarkBatch;
            use frame_support::traits::WhitelistedStorageKeys;
            use crate::benchmarking::consensus::{
                babe_calls::Pallet as BabeBench, grandpa_calls::Pallet as GrandpaBench,
                session_calls::Pallet as SessionBench,
            };
            use crate::benchmarking::election::Pallet as ElectionBench;
            use frame_system_benchmarking::{extensions::Pallet as SystemExtensionsBench, Pallet as SystemBench};

            impl frame_system_benchmarking::Config for Runtime {}

            let mut whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
            whitelist.extend(crate::benchmarking::used_once_a_block());
            let mut batches = Vec::<BenchmarkBatch>::new();
            let params = (&config, &whitelist);
            add_benchmarks!(params, batches);
            Ok(batches)
        }
    }

    #[cfg(feature = "try-runtime")]
    impl frame_try_runtime::TryRuntime<Block> for Runtime {
        fn on_runtime_upgrade(checks: frame_try_runtime::UpgradeCheckSelect) -> (Weight, Weight) {
            let weight = Executive::try_runtime_upgrade(checks)
                .expect("an upgrade that fails its checks must not go through");
            (weight, crate::MAXIMUM_BLOCK_WEIGHT)
        }

        fn execute_block(
            block: <Block as BlockT>::LazyBlock,
            state_root_check: bool,
            signature_check: bool,
            select: frame_try_runtime::TryStateSelect,
        ) -> Weight {
            Executive::try_execute_block(block, state_root_check, signature_check, select)
                .expect("a block that breaks an invariant must not go through")
        }
    }
}
