//! Assembles a node: client, consensus, network, offchain workers, RPC.

use std::{path::PathBuf, sync::Arc, time::Duration};

use assay_runtime::{opaque::Block, AccountId, Nonce, Runtime, RuntimeApi};
use codec::Decode;
use futures::{FutureExt, StreamExt};
use jsonrpsee::RpcModule;
use sc_client_api::{Backend as _, BlockBackend, StorageKey, StorageProvider};
use sc_consensus_babe::{BabeLink, BabeWorkerHandle, SlotProportion};
use sc_consensus_grandpa::SharedVoterState;
use sc_network::{
    config::{FullNetworkConfiguration, NetworkBackendType},
    event::Event,
    service::{traits::NetworkService, NotificationMetrics},
    types::ProtocolName,
    Multiaddr, NetworkBackend, NetworkEventStream, NotificationService,
};
use sc_network_sync::SyncingService;
use sc_service::{
    config::SyncMode, error::Error as ServiceError, BlocksPruning, Configuration, Role,
    TaskManager, WarpSyncConfig,
};
use sc_telemetry::{Telemetry, TelemetryHandle, TelemetryWorker};
use sc_transaction_pool_api::{OffchainTransactionPoolFactory, RejectAllTxPool};
use sp_blockchain::HeaderBackend;
use sp_externalities::Extension;
use sp_inherents::CreateInherentDataProviders;
use sp_keystore::KeystorePtr;
use sp_runtime::{traits::Block as BlockT, Percent};
use substrate_prometheus_endpoint::Registry;

use crate::{
    author::AuthorPool,
    cli::OperatorParams,
    client::{FullBackend, FullClient, FullPool, FullSelectChain, HostFunctions},
    clock,
    engine::NodeEngine,
    equivocations,
    intake::{Intake, Refused},
    quota::{Quotas, Size},
    rpc, worker_keys, LOG_TARGET,
};

type Hash = <Block as BlockT>::Hash;
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

/// Parts of consensus that [`new_partial`] makes and [`new_full`] uses.
pub struct Consensus {
    babe: Babe,
    /// Kept alive for as long as the node runs: the import queue's task is essential, and ends
    /// when this handle is dropped.
    babe_worker: BabeWorkerHandle<Block>,
    grandpa_link: GrandpaLink,
    telemetry: Option<Telemetry>,
}

/// The parts of BABE that authoring needs.
struct Babe {
    block_import: BabeBlockImport,
    link: BabeLink<Block>,
    create_inherents: CreateInherents,
}

type Partial = sc_service::PartialComponents<
    FullClient,
    FullBackend,
    FullSelectChain,
    sc_consensus::DefaultImportQueue<Block>,
    FullPool,
    Consensus,
>;

/// Handles that several subsystems use.
struct Handles {
    client: Arc<FullClient>,
    pool: Arc<FullPool>,
    keystore: KeystorePtr,
    registry: Option<Registry>,
    telemetry: Option<TelemetryHandle>,
}

impl Handles {
    fn offchain_pool(&self) -> OffchainTransactionPoolFactory<Block> {
        OffchainTransactionPoolFactory::new(self.pool.clone())
    }
}

/// At least one justification is stored in this many blocks.
const GRANDPA_JUSTIFICATION_PERIOD: u32 = 512;
/// How long a GRANDPA message is expected to take through the network.
const GRANDPA_GOSSIP_DURATION: Duration = Duration::from_millis(333);
/// Share of a slot in which its block may be built. The rest leaves time to propagate the block within
/// the same slot.
///
/// The runtime counts the blocks that had room by their weight, so authors must not stop by the clock
/// before. A test compares it with the weight of a block.
const BLOCK_PROPOSAL_SLOT_PORTION: f32 = 0.6;
/// How long an author goes on after transactions that do not fit, in percent of its time. Others, of
/// other classes, may. [`AuthorPool`] ends this earlier if they are ordinary ones.
const SOFT_DEADLINE: Percent = Percent::from_percent(100);

/// Makes the parts of a node that need no network.
///
/// # Errors
///
/// The database cannot be opened, the runtime does not answer, or a configured value is invalid.
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
        // `equivocations` reports what it finds there.
        OffchainTransactionPoolFactory::new(RejectAllTxPool::default()),
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
            babe: Babe { block_import, link: babe_link, create_inherents },
            babe_worker,
            grandpa_link,
            telemetry,
        },
    })
}

/// Starts a node. With `operator`, its offchain workers have an engine. `pool` are the limits of
/// the transaction pool in `config`, which has no access to them.
///
/// # Errors
///
/// A part of the node cannot be started: the database, the keystore, the engine, the network, the
/// RPC servers or consensus.
pub fn new_full(
    config: Configuration,
    operator: Option<OperatorParams>,
    pool: Size,
) -> Result<TaskManager, ServiceError> {
    match config.network.network_backend {
        NetworkBackendType::Libp2p => {
            start::<sc_network::NetworkWorker<_, _>>(config, operator, pool)
        },
        NetworkBackendType::Litep2p => {
            start::<sc_network::Litep2pNetworkBackend>(config, operator, pool)
        },
    }
}

fn start<N: NetworkBackend<Block, Hash>>(
    mut config: Configuration,
    operator: Option<OperatorParams>,
    pool: Size,
) -> Result<TaskManager, ServiceError> {
    // Set before anything reads it: an operator needs offchain workers even if it is not a
    // validator.
    config.offchain_worker.enabled |= operator.is_some();
    warn_about_lost_artifacts(&config);

    let sc_service::PartialComponents {
        client,
        backend,
        mut task_manager,
        import_queue,
        keystore_container,
        select_chain,
        transaction_pool,
        other: Consensus { babe, babe_worker, grandpa_link, mut telemetry },
    } = new_partial(&config)?;
    task_manager.keep_alive(babe_worker);
    let slot_duration = babe.link.config().slot_duration();
    let clock = clock::watch(client.clone(), slot_duration);
    task_manager.spawn_handle().spawn("clock", None, clock);
    if config.role.is_authority() {
        let pool = OffchainTransactionPoolFactory::new(transaction_pool.clone());
        let report = equivocations::report(client.clone(), pool);
        task_manager.spawn_handle().spawn("equivocations", None, report);
    }
    let handles = Handles {
        client: client.clone(),
        pool: transaction_pool.clone(),
        keystore: keystore_container.keystore(),
        registry: config.prometheus_registry().cloned(),
        telemetry: telemetry.as_ref().map(|telemetry| telemetry.handle()),
    };
    let refused = Refused::new(config.prometheus_registry())?;
    let of = client.clone();
    let nonce = move |account| next_nonce(&of, &account);
    let quotas = Arc::new(Quotas::new(pool, Box::new(nonce)));
    let engine = operator
        .map(|params| start_engine(&params, &config, &handles, &mut task_manager))
        .transpose()?;

    let NetworkParts { net_config, metrics, grandpa_protocol, grandpa_notifications, warp_sync } =
        prepare_network::<N>(&config, &handles, backend.clone(), &grandpa_link)?;
    let (network, system_rpc_tx, tx_handler_controller, sync_service, bitswap) =
        sc_service::build_network(sc_service::BuildNetworkParams {
            config: &config,
            net_config,
            client: client.clone(),
            transaction_pool: Arc::new(Intake::new(
                transaction_pool.clone(),
                "peers",
                &refused,
                quotas.clone(),
            )),
            spawn_handle: task_manager.spawn_handle(),
            spawn_essential_handle: task_manager.spawn_essential_handle(),
            import_queue,
            block_announce_validator_builder: None,
            warp_sync_config: Some(warp_sync),
            block_relay: None,
            metrics,
            gap_sync_body_policy: None,
        })?;
    task_manager.keep_alive(bitswap);

    if config.offchain_worker.enabled {
        let is_validator = config.role.is_authority();
        let network = network.clone();
        spawn_offchain_workers(
            &handles,
            &backend,
            network,
            engine.clone(),
            is_validator,
            &task_manager,
        )?;
    }

    let role = config.role;
    let discovery = Discovery::of(&config);
    let force_authoring = config.force_authoring;
    let name = config.network.node_name.clone();
    let enable_grandpa = !config.disable_grandpa;
    sc_service::spawn_tasks(sc_service::SpawnTasksParams {
        config,
        client,
        backend,
        task_manager: &mut task_manager,
        keystore: handles.keystore.clone(),
        transaction_pool: Arc::new(Intake::new(transaction_pool, "rpc", &refused, quotas)),
        rpc_builder: rpc_builder(&handles, engine),
        network: network.clone(),
        system_rpc_tx,
        tx_handler_controller,
        sync_service: sync_service.clone(),
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;

    if role.is_authority() {
        let sync = sync_service.clone();
        spawn_authoring(&handles, babe, select_chain, sync, force_authoring, &task_manager)?;
        discovery.spawn(&handles, network.clone(), &task_manager);
    }
    if enable_grandpa {
        let voter =
            Voter { role, name, protocol: grandpa_protocol, notifications: grandpa_notifications };
        spawn_finality(handles, voter, grandpa_link, network, sync_service, &task_manager)?;
    }
    Ok(task_manager)
}

/// Inserts the keys of `--dev` and similar flags, and starts the engine.
fn start_engine(
    params: &OperatorParams,
    config: &Configuration,
    handles: &Handles,
    task_manager: &mut TaskManager,
) -> Result<Arc<NodeEngine>, ServiceError> {
    if params.operator {
        worker_keys::prepare(config, &handles.keystore)?;
    }
    if params.watch {
        worker_keys::prepare_watcher(config, &handles.keystore)?;
    }
    let engine = NodeEngine::start(params, handles.client.clone(), handles.registry.as_ref())?;
    task_manager.keep_alive(engine.stop_on_drop());
    Ok(engine)
}

/// What [`sc_service::build_network`] and GRANDPA need of the network's configuration.
struct NetworkParts<N: NetworkBackend<Block, Hash>> {
    net_config: FullNetworkConfiguration<Block, Hash, N>,
    metrics: NotificationMetrics,
    grandpa_protocol: ProtocolName,
    grandpa_notifications: Box<dyn NotificationService>,
    warp_sync: WarpSyncConfig<Block>,
}

/// Configures the network with the protocol of GRANDPA and warp sync.
fn prepare_network<N: NetworkBackend<Block, Hash>>(
    config: &Configuration,
    handles: &Handles,
    backend: Arc<FullBackend>,
    grandpa_link: &GrandpaLink,
) -> Result<NetworkParts<N>, ServiceError> {
    let genesis_hash = handles
        .client
        .block_hash(0)?
        .ok_or_else(|| ServiceError::Other("the database has no genesis block".into()))?;
    let registry = &handles.registry;
    let mut net_config = FullNetworkConfiguration::new(&config.network, registry.clone());
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
        backend,
        grandpa_link.shared_authority_set().clone(),
        Vec::new(),
    ));
    Ok(NetworkParts {
        net_config,
        metrics,
        grandpa_protocol,
        grandpa_notifications,
        warp_sync: WarpSyncConfig::WithProvider(warp_sync),
    })
}

fn spawn_offchain_workers(
    handles: &Handles,
    backend: &FullBackend,
    network: Arc<dyn NetworkService>,
    engine: Option<Arc<NodeEngine>>,
    is_validator: bool,
    task_manager: &TaskManager,
) -> Result<(), ServiceError> {
    let workers = sc_offchain::OffchainWorkers::new(sc_offchain::OffchainWorkerOptions {
        runtime_api_provider: handles.client.clone(),
        is_validator,
        keystore: Some(handles.keystore.clone()),
        offchain_db: backend.offchain_storage(),
        transaction_pool: Some(handles.offchain_pool()),
        network_provider: Arc::new(network),
        enable_http_requests: false,
        // The only place that supplies the engine: block execution must not reach it.
        custom_extensions: move |_| {
            engine.iter().map(|engine| Box::new(engine.extension()) as Box<dyn Extension>).collect()
        },
    })?;
    task_manager.spawn_handle().spawn(
        "offchain-workers-runner",
        "offchain-worker",
        workers.run(handles.client.clone(), task_manager.spawn_handle()).boxed(),
    );
    Ok(())
}

/// Makes the RPC methods for each server. `E`, the executor of subscriptions, is not needed.
fn rpc_builder<E>(
    handles: &Handles,
    engine: Option<Arc<NodeEngine>>,
) -> Box<dyn Fn(E) -> Result<RpcModule<()>, ServiceError>> {
    let client = handles.client.clone();
    let pool = handles.pool.clone();
    let keystore = handles.keystore.clone();
    Box::new(move |_| {
        rpc::create(rpc::Deps {
            client: client.clone(),
            pool: pool.clone(),
            keystore: keystore.clone(),
            engine: engine.clone(),
        })
        .map_err(Into::into)
    })
}

/// An account's next nonce in the best block, read without the runtime: whoever sends transactions
/// without a valid signature has it read. `None` if the state is not there.
fn next_nonce(client: &FullClient, account: &AccountId) -> Option<Nonce> {
    let key = frame_system::Account::<Runtime>::hashed_key_for(account);
    let info = client.storage(client.info().best_hash, &StorageKey(key)).ok()?;
    match info {
        Some(info) => Some(AccountInfo::decode(&mut &info.0[..]).ok()?.nonce),
        None => Some(0),
    }
}

type AccountInfo = frame_system::AccountInfo<Nonce, <Runtime as frame_system::Config>::AccountData>;

/// Largest size of a block that this node makes, in bytes: what the runtime allows, besides the header.
/// The runtime counts which blocks had room, so authors must not stop before.
fn largest_block() -> usize {
    const HEADER: usize = 64 * 1024;
    assay_runtime::configs::system::MAX_BLOCK_BYTES as usize + HEADER
}

fn spawn_authoring(
    handles: &Handles,
    babe: Babe,
    select_chain: FullSelectChain,
    sync: Arc<SyncingService<Block>>,
    force_authoring: bool,
    task_manager: &TaskManager,
) -> Result<(), ServiceError> {
    let mut proposer = sc_basic_authorship::ProposerFactory::new(
        task_manager.spawn_handle(),
        handles.client.clone(),
        Arc::new(AuthorPool(handles.pool.clone())),
        handles.registry.as_ref(),
        handles.telemetry.clone(),
    );
    proposer.set_default_block_size_limit(largest_block());
    proposer.set_soft_deadline(SOFT_DEADLINE);
    let worker = sc_consensus_babe::start_babe(sc_consensus_babe::BabeParams {
        keystore: handles.keystore.clone(),
        client: handles.client.clone(),
        select_chain,
        env: proposer,
        block_import: babe.block_import,
        sync_oracle: sync.clone(),
        justification_sync_link: sync,
        create_inherent_data_providers: babe.create_inherents,
        force_authoring,
        backoff_authoring_blocks: None::<()>,
        babe_link: babe.link,
        block_proposal_slot_portion: SlotProportion::new(BLOCK_PROPOSAL_SLOT_PORTION),
        // After empty slots an author has more time, so that a block that is too slow ends some time.
        max_block_proposal_slot_portion: None,
        telemetry: handles.telemetry.clone(),
    })?;
    task_manager.spawn_essential_handle().spawn_blocking(
        "babe-proposer",
        Some("block-authoring"),
        worker,
    );
    Ok(())
}

/// What a validator tells the others about its addresses.
///
/// Validators publish their addresses in the network's distributed hash table, signed with their
/// session keys, and connect to each other's. So the set can change without a list of nodes.
struct Discovery {
    /// Whether addresses count that are valid only in a local network.
    local: bool,
    /// Addresses that the user gave.
    public: Vec<Multiaddr>,
    /// Where the addresses of others are kept over a restart.
    cache: Option<PathBuf>,
}

impl Discovery {
    fn of(config: &Configuration) -> Self {
        let network = &config.network;
        Self {
            local: network.allow_non_globals_in_dht,
            public: network.public_addresses.clone(),
            cache: network.net_config_path.clone(),
        }
    }

    fn spawn(self, handles: &Handles, network: Arc<dyn NetworkService>, tasks: &TaskManager) {
        let config = sc_authority_discovery::WorkerConfig {
            publish_non_global_ips: self.local,
            public_addresses: self.public,
            // Otherwise a record could name the node of somebody else.
            strict_record_validation: true,
            persisted_cache_directory: self.cache,
            ..Default::default()
        };
        let found = network.event_stream("authority-discovery").filter_map(|event| async move {
            match event {
                Event::Dht(event) => Some(event),
                _ => None,
            }
        });
        let (worker, _) = sc_authority_discovery::new_worker_and_service_with_config(
            config,
            handles.client.clone(),
            Arc::new(network),
            Box::pin(found),
            sc_authority_discovery::Role::PublishAndDiscover(handles.keystore.clone()),
            handles.registry.clone(),
            tasks.spawn_handle(),
        );
        tasks.spawn_handle().spawn("authority-discovery-worker", Some("networking"), worker.run());
    }
}

/// How the node appears to other voters.
struct Voter {
    role: Role,
    name: String,
    protocol: ProtocolName,
    notifications: Box<dyn NotificationService>,
}

fn spawn_finality(
    handles: Handles,
    voter: Voter,
    link: GrandpaLink,
    network: Arc<dyn NetworkService>,
    sync: Arc<SyncingService<Block>>,
    task_manager: &TaskManager,
) -> Result<(), ServiceError> {
    let offchain_tx_pool_factory = handles.offchain_pool();
    let worker = sc_consensus_grandpa::run_grandpa_voter(sc_consensus_grandpa::GrandpaParams {
        config: sc_consensus_grandpa::Config {
            gossip_duration: GRANDPA_GOSSIP_DURATION,
            justification_generation_period: GRANDPA_JUSTIFICATION_PERIOD,
            observer_enabled: false,
            local_role: voter.role,
            name: Some(voter.name),
            // Only authorities vote.
            keystore: voter.role.is_authority().then_some(handles.keystore),
            telemetry: handles.telemetry.clone(),
            protocol_name: voter.protocol,
        },
        link,
        network,
        sync,
        notification_service: voter.notifications,
        voting_rule: sc_consensus_grandpa::VotingRulesBuilder::default().build(),
        prometheus_registry: handles.registry,
        shared_voter_state: SharedVoterState::empty(),
        telemetry: handles.telemetry,
        offchain_tx_pool_factory,
    })?;
    task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, worker);
    Ok(())
}

/// Warns if the node drops or skips block bodies, which contain the artifacts.
fn warn_about_lost_artifacts(config: &Configuration) {
    if let BlocksPruning::Some(blocks) = config.blocks_pruning {
        log::warn!(
            target: LOG_TARGET,
            "This node prunes blocks, so it neither runs nor serves artifacts that are older than \
             {blocks} blocks; run with --blocks-pruning archive-canonical to keep them",
        );
    }
    if !matches!(config.network.sync_mode, SyncMode::Full) {
        log::warn!(
            target: LOG_TARGET,
            "This node neither runs nor serves artifacts from blocks that its sync mode skips; run \
             with --sync full to download them",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_runtime::{MAXIMUM_BLOCK_WEIGHT, SLOT_DURATION_MS};

    /// Shares of the time for a block that `sc-consensus-slots` and `sc-basic-authorship` leave for
    /// transactions.
    const SDK_PORTIONS: [f32; 2] = [0.98, 0.9];

    #[test]
    fn an_author_has_time_for_a_block_of_the_largest_weight() {
        let portions = SDK_PORTIONS.iter().product::<f32>() * BLOCK_PROPOSAL_SLOT_PORTION;
        let milliseconds = SLOT_DURATION_MS as f32 * portions;
        assert!(milliseconds >= MAXIMUM_BLOCK_WEIGHT.ref_time() as f32 / 1e9, "{milliseconds}");
    }
}
