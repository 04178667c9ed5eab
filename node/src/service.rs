//! Puts a node together: client, consensus, network, offchain workers, RPC.

use std::{sync::Arc, time::Duration};

use assay_runtime::{opaque::Block, RuntimeApi};
use futures::FutureExt;
use sc_client_api::{Backend as _, BlockBackend};
use sc_consensus_babe::{BabeLink, BabeWorkerHandle, SlotProportion};
use sc_consensus_grandpa::SharedVoterState;
use sc_network::{
    config::{FullNetworkConfiguration, NetworkBackendType},
    NetworkBackend,
};
use sc_service::{
    config::SyncMode, error::Error as ServiceError, BlocksPruning, Configuration, TaskManager,
    WarpSyncConfig,
};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool::TransactionPoolHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_externalities::Extension;
use sp_inherents::CreateInherentDataProviders;
use sp_runtime::traits::Block as BlockT;

use crate::{
    cli::OperatorParams,
    engine::{NodeEngine, LOG_TARGET},
    rpc, worker_keys,
};

/// What the runtime imports beyond Substrate's host functions.
pub type EngineHostFunctions = assay_engine_interface::engine::HostFunctions;
/// What the runtime imports.
pub type HostFunctions = (sp_io::SubstrateHostFunctions, EngineHostFunctions);
type Executor = sc_executor::WasmExecutor<HostFunctions>;

/// The client of a full node.
pub type FullClient = sc_service::TFullClient<Block, RuntimeApi, Executor>;
type FullBackend = sc_service::TFullBackend<Block>;
type FullSelectChain = sc_consensus::LongestChain<FullBackend, Block>;
/// The transaction pool of a full node.
pub type FullPool = TransactionPoolHandle<Block, FullClient>;
type GrandpaBlockImport =
    sc_consensus_grandpa::GrandpaBlockImport<FullBackend, Block, FullClient, FullSelectChain>;
type GrandpaLink = sc_consensus_grandpa::LinkHalf<Block, FullClient, FullSelectChain>;
type InherentDataProviders =
    (sp_consensus_babe::inherents::InherentDataProvider, sp_timestamp::InherentDataProvider);
type CreateInherents =
    Arc<dyn CreateInherentDataProviders<Block, (), InherentDataProviders = InherentDataProviders>>;
type BabeBlockImport = sc_consensus_babe::BabeBlockImport<
    Block,
    FullClient,
    GrandpaBlockImport,
    CreateInherents,
    FullSelectChain,
>;

/// What consensus hands from [`new_partial`] to [`new_full`].
pub struct Consensus {
    block_import: BabeBlockImport,
    babe_link: BabeLink<Block>,
    /// Kept, because the task that it talks to is essential and ends without it.
    babe_worker: BabeWorkerHandle<Block>,
    grandpa_link: GrandpaLink,
    create_inherents: CreateInherents,
    telemetry: Option<Telemetry>,
}

type Partial = sc_service::PartialComponents<
    FullClient,
    FullBackend,
    FullSelectChain,
    sc_consensus::DefaultImportQueue<Block>,
    FullPool,
    Consensus,
>;

/// Blocks between two justifications that are kept at the least.
const GRANDPA_JUSTIFICATION_PERIOD: u32 = 512;
/// How long a GRANDPA message is expected to take through the network.
const GRANDPA_GOSSIP_DURATION: Duration = Duration::from_millis(333);
/// Part of a slot in which its block may be built, so that it is known to others in the same
/// slot.
const BLOCK_PROPOSAL_SLOT_PORTION: f32 = 0.5;

/// The parts of a node that need no network.
pub fn new_partial(config: &Configuration) -> Result<Partial, ServiceError> {
    let telemetry = config
        .telemetry_endpoints
        .clone()
        .filter(|endpoints| !endpoints.is_empty())
        .map(|endpoints| -> Result<_, sc_telemetry::Error> {
            let worker = TelemetryWorker::new(16)?;
            let telemetry = worker.handle().new_telemetry(endpoints);
            Ok((worker, telemetry))
        })
        .transpose()?;

    let executor = sc_service::new_wasm_executor::<HostFunctions>(&config.executor);
    let (client, backend, keystore_container, task_manager) =
        sc_service::new_full_parts::<Block, RuntimeApi, _>(
            config,
            telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
            executor,
            vec![Arc::new(sc_consensus_grandpa::GrandpaPruningFilter)],
        )?;
    let client = Arc::new(client);
    let telemetry = telemetry.map(|(worker, telemetry)| {
        task_manager.spawn_handle().spawn("telemetry", None, worker.run());
        telemetry
    });
    let telemetry_handle = telemetry.as_ref().map(|telemetry| telemetry.handle());

    let select_chain = sc_consensus::LongestChain::new(backend.clone());
    let transaction_pool = Arc::from(
        sc_transaction_pool::Builder::new(
            task_manager.spawn_essential_handle(),
            client.clone(),
            config.role.is_authority().into(),
        )
        .with_options(config.transaction_pool.clone())
        .with_prometheus(config.prometheus_registry())
        .build(),
    );

    let (grandpa_block_import, grandpa_link) = sc_consensus_grandpa::block_import(
        client.clone(),
        GRANDPA_JUSTIFICATION_PERIOD,
        &client,
        select_chain.clone(),
        telemetry_handle.clone(),
    )?;
    let babe_config = sc_consensus_babe::configuration(&*client)?;
    let slot_duration = babe_config.slot_duration();
    let create_inherents: CreateInherents = Arc::new(move |_, ()| async move {
        let timestamp = sp_timestamp::InherentDataProvider::from_system_time();
        let slot =
            sp_consensus_babe::inherents::InherentDataProvider::from_timestamp_and_slot_duration(
                *timestamp,
                slot_duration,
            );
        Ok((slot, timestamp))
    });
    let (block_import, babe_link) = sc_consensus_babe::block_import(
        babe_config,
        grandpa_block_import.clone(),
        client.clone(),
        create_inherents.clone(),
        select_chain.clone(),
        OffchainTransactionPoolFactory::new(transaction_pool.clone()),
    )?;
    let (import_queue, babe_worker) =
        sc_consensus_babe::import_queue(sc_consensus_babe::ImportQueueParams {
            link: babe_link.clone(),
            block_import: block_import.clone(),
            justification_import: Some(Box::new(grandpa_block_import)),
            client: client.clone(),
            slot_duration,
            spawner: &task_manager.spawn_essential_handle(),
            registry: config.prometheus_registry(),
            telemetry: telemetry_handle,
        })?;

    Ok(sc_service::PartialComponents {
        client,
        backend,
        task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: Consensus {
            block_import,
            babe_link,
            babe_worker,
            grandpa_link,
            create_inherents,
            telemetry,
        },
    })
}

/// Starts a node; with `operator`, one that runs models.
pub fn new_full(
    config: Configuration,
    operator: Option<OperatorParams>,
) -> Result<TaskManager, ServiceError> {
    match config.network.network_backend {
        NetworkBackendType::Libp2p => start::<sc_network::NetworkWorker<_, _>>(config, operator),
        NetworkBackendType::Litep2p => start::<sc_network::Litep2pNetworkBackend>(config, operator),
    }
}

fn start<N: NetworkBackend<Block, <Block as BlockT>::Hash>>(
    mut config: Configuration,
    operator: Option<OperatorParams>,
) -> Result<TaskManager, ServiceError> {
    // Before anything reads it: an operator that is no validator needs them as well.
    config.offchain_worker.enabled |= operator.is_some();
    warn_of_lost_artifacts(&config);

    let sc_service::PartialComponents {
        client,
        backend,
        mut task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other:
            Consensus {
                block_import,
                babe_link,
                babe_worker,
                grandpa_link,
                create_inherents,
                mut telemetry,
            },
    } = new_partial(&config)?;
    task_manager.keep_alive(babe_worker);
    let keystore = keystore_container.keystore();
    let telemetry_handle = telemetry.as_ref().map(|telemetry| telemetry.handle());
    let registry = config.prometheus_registry().cloned();

    let engine = match &operator {
        Some(params) => {
            if params.operator {
                worker_keys::prepare(&config, &keystore)?;
            }
            if params.watch {
                worker_keys::prepare_watcher(&config, &keystore)?;
            }
            let engine = NodeEngine::start(params, client.clone(), registry.as_ref())?;
            task_manager.keep_alive(engine.stop_on_drop());
            Some(engine)
        },
        None => None,
    };

    let genesis_hash =
        client.block_hash(0)?.ok_or_else(|| ServiceError::Other("no genesis block".into()))?;
    let mut net_config = FullNetworkConfiguration::<Block, <Block as BlockT>::Hash, N>::new(
        &config.network,
        registry.clone(),
    );
    let metrics = N::register_notification_metrics(registry.as_ref());
    let grandpa_protocol =
        sc_consensus_grandpa::protocol_standard_name(&genesis_hash, &config.chain_spec);
    let (grandpa_protocol_config, grandpa_notifications) =
        sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
            grandpa_protocol.clone(),
            metrics.clone(),
            net_config.peer_store_handle(),
        );
    net_config.add_notification_protocol(grandpa_protocol_config);
    let warp_sync = Arc::new(sc_consensus_grandpa::warp_proof::NetworkProvider::new(
        backend.clone(),
        grandpa_link.shared_authority_set().clone(),
        Vec::new(),
    ));

    let (network, system_rpc_tx, tx_handler_controller, sync_service, bitswap) =
        sc_service::build_network(sc_service::BuildNetworkParams {
            config: &config,
            net_config,
            client: client.clone(),
            transaction_pool: transaction_pool.clone(),
            spawn_handle: task_manager.spawn_handle(),
            spawn_essential_handle: task_manager.spawn_essential_handle(),
            import_queue,
            block_announce_validator_builder: None,
            warp_sync_config: Some(WarpSyncConfig::WithProvider(warp_sync)),
            block_relay: None,
            metrics,
            gap_sync_body_policy: None,
        })?;
    task_manager.keep_alive(bitswap);

    if config.offchain_worker.enabled {
        let engine = engine.clone();
        let workers = sc_offchain::OffchainWorkers::new(sc_offchain::OffchainWorkerOptions {
            runtime_api_provider: client.clone(),
            is_validator: config.role.is_authority(),
            keystore: Some(keystore.clone()),
            offchain_db: backend.offchain_storage(),
            transaction_pool: Some(OffchainTransactionPoolFactory::new(transaction_pool.clone())),
            network_provider: Arc::new(network.clone()),
            enable_http_requests: false,
            // The only place where the engine is supplied: block execution has none.
            custom_extensions: move |_| {
                engine
                    .iter()
                    .map(|engine| Box::new(engine.extension()) as Box<dyn Extension>)
                    .collect()
            },
        })?;
        task_manager.spawn_handle().spawn(
            "offchain-workers-runner",
            "offchain-worker",
            workers.run(client.clone(), task_manager.spawn_handle()).boxed(),
        );
    }

    let role = config.role;
    let force_authoring = config.force_authoring;
    let name = config.network.node_name.clone();
    let enable_grandpa = !config.disable_grandpa;

    let rpc_builder = {
        let client = client.clone();
        let pool = transaction_pool.clone();
        let keystore = keystore.clone();
        Box::new(move |_| {
            rpc::create(rpc::Deps {
                client: client.clone(),
                pool: pool.clone(),
                keystore: keystore.clone(),
                engine: engine.clone(),
            })
            .map_err(Into::into)
        })
    };
    sc_service::spawn_tasks(sc_service::SpawnTasksParams {
        config,
        client: client.clone(),
        backend,
        task_manager: &mut task_manager,
        keystore: keystore.clone(),
        transaction_pool: transaction_pool.clone(),
        rpc_builder,
        network: network.clone(),
        system_rpc_tx,
        tx_handler_controller,
        sync_service: sync_service.clone(),
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;

    if role.is_authority() {
        let proposer = sc_basic_authorship::ProposerFactory::new(
            task_manager.spawn_handle(),
            client.clone(),
            transaction_pool.clone(),
            registry.as_ref(),
            telemetry_handle.clone(),
        );
        let babe = sc_consensus_babe::start_babe(sc_consensus_babe::BabeParams {
            keystore: keystore.clone(),
            client,
            select_chain,
            env: proposer,
            block_import,
            sync_oracle: sync_service.clone(),
            justification_sync_link: sync_service.clone(),
            create_inherent_data_providers: create_inherents,
            force_authoring,
            backoff_authoring_blocks: None::<()>,
            babe_link,
            block_proposal_slot_portion: SlotProportion::new(BLOCK_PROPOSAL_SLOT_PORTION),
            max_block_proposal_slot_portion: None,
            telemetry: telemetry_handle.clone(),
        })?;
        task_manager.spawn_essential_handle().spawn_blocking(
            "babe-proposer",
            Some("block-authoring"),
            babe,
        );
    }

    if enable_grandpa {
        let voter = sc_consensus_grandpa::run_grandpa_voter(sc_consensus_grandpa::GrandpaParams {
            config: sc_consensus_grandpa::Config {
                gossip_duration: GRANDPA_GOSSIP_DURATION,
                justification_generation_period: GRANDPA_JUSTIFICATION_PERIOD,
                observer_enabled: false,
                local_role: role,
                name: Some(name),
                // Only authorities vote.
                keystore: role.is_authority().then_some(keystore),
                telemetry: telemetry_handle.clone(),
                protocol_name: grandpa_protocol,
            },
            link: grandpa_link,
            network,
            sync: sync_service,
            notification_service: grandpa_notifications,
            voting_rule: sc_consensus_grandpa::VotingRulesBuilder::default().build(),
            prometheus_registry: registry,
            shared_voter_state: SharedVoterState::empty(),
            telemetry: telemetry_handle,
            offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(transaction_pool),
        })?;
        task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
    }

    Ok(task_manager)
}

/// Artifacts are kept with the bodies of the blocks that brought them.
fn warn_of_lost_artifacts(config: &Configuration) {
    if let BlocksPruning::Some(blocks) = config.blocks_pruning {
        log::warn!(
            target: LOG_TARGET,
            "Artifacts that are older than {blocks} blocks are neither run nor served by this \
             node, because it prunes blocks; run with --blocks-pruning archive-canonical to keep \
             them",
        );
    }
    if !matches!(config.network.sync_mode, SyncMode::Full) {
        log::warn!(
            target: LOG_TARGET,
            "Artifacts from blocks that the sync mode skips are neither run nor served by this \
             node; run with --sync full to have them",
        );
    }
}
