//! Measures the database: the SDK's `benchmark storage`, on a chain that it makes itself.

use std::sync::Arc;

use assay_runtime::{opaque::Block, RuntimeApi, VERSION};
use clap::Args;
use frame_benchmarking_cli::StorageCmd;
use log::info;
use sc_chain_spec::{construct_genesis_block, GenesisBlockBuilder};
use sc_cli::{CliConfiguration, DatabaseParams, PruningParams, SharedParams};
use sc_client_api::{backend::NewBlockState, Backend as _, BlockImportOperation as _};
use sc_service::{Configuration, TFullBackend};
use sp_blockchain::HeaderBackend as _;
use sp_core::storage::Storage;
use sp_runtime::traits::Block as _;

use crate::state::{self, Contents};

/// The host functions of the node. Nothing is executed here, but the client asks for them.
type HostFunctions = (sp_io::SubstrateHostFunctions, crate::HostFunctions);
/// The node's database.
type Backend = TFullBackend<Block>;

/// Measures how long this chain's database takes to read and to write an entry.
#[derive(Debug, Args)]
pub struct DatabaseCmd {
    /// Accounts in the state, besides those of the preset `local`.
    #[arg(long, default_value_t = 1_000_000)]
    accounts: u32,
    /// Finished requests in the state.
    #[arg(long, default_value_t = 100_000)]
    requests: u32,
    #[clap(flatten)]
    storage: StorageCmd,
}

impl DatabaseCmd {
    /// Makes the chain in the folder `--base-path`, which has to be empty, and measures it.
    ///
    /// # Errors
    ///
    /// There is a chain in the folder, the disk is full, `--state-version` is not the runtime's, or
    /// `--batch-size` is larger than the state.
    pub fn run(mut self, config: Configuration) -> sc_cli::Result<()> {
        if self.storage.params.state_version != VERSION.state_version() as u8 {
            let version = VERSION.state_version() as u8;
            return Err(format!("the runtime's is --state-version {version}").into());
        }
        let contents = Contents { accounts: self.accounts, requests: self.requests };
        info!("Making the state ...");
        let storage = state::build(contents)?;
        let entries = storage.top.len();
        if entries < self.storage.params.batch_size {
            return Err(format!(
                "no batch is full: the state has {entries} entries; lower --batch-size"
            )
            .into());
        }
        let bytes: usize = storage.top.iter().map(|(key, value)| key.len() + value.len()).sum();
        std::fs::create_dir_all(config.base_path.path())?;
        let header = config.base_path.path().join("header");
        std::fs::write(&header, self.header(entries, bytes))?;
        self.storage.params.header = Some(header);
        write_chain(&config, storage)?;
        self.measure(config)
    }

    /// What the template cannot know: how to repeat the measurement, and the state.
    fn header(&self, entries: usize, bytes: usize) -> String {
        let (accounts, requests) = (self.accounts, self.requests);
        let params = &self.storage.params;
        format!(
            "//!\n\
             //! ```text\n\
             //! scripts/weights --storage --accounts {accounts} --requests {requests} \
             --batch-size {} --warmups {}\n\
             //! ```\n\
             //!\n\
             //! State: the preset `local`, {accounts} more accounts and {requests} finished \
             requests. These are\n\
             //! {entries} entries, with keys and values of {} MiB.",
            params.batch_size,
            params.warmups,
            bytes / (1024 * 1024),
        )
    }

    /// Opens the chain as the node does, and hands it to the SDK.
    fn measure(&self, config: Configuration) -> sc_cli::Result<()> {
        let backend: Arc<Backend> =
            sc_service::new_db_backend(config.db_config()).map_err(sc_service::Error::from)?;
        let executor = sc_service::new_wasm_executor::<HostFunctions>(&config.executor);
        // It is not asked for its block: there is one.
        let genesis = GenesisBlockBuilder::new_with_storage(
            Storage::default(),
            true,
            backend.clone(),
            executor.clone(),
        )
        .map_err(sc_service::Error::from)?;
        let (client, backend, _keystore, _tasks) =
            sc_service::new_full_parts_with_genesis_builder::<Block, RuntimeApi, _, _>(
                &config, None, executor, backend, genesis, false,
            )?;
        self.storage.run(
            config,
            Arc::new(client),
            backend.expose_db(),
            backend.expose_storage(),
            backend.expose_shared_trie_cache(),
        )
    }
}

/// Writes the genesis block and its state, as the client does, and closes the database: what it
/// does in the background is over when the measurement begins.
fn write_chain(config: &Configuration, storage: Storage) -> sc_cli::Result<()> {
    let write = || -> sp_blockchain::Result<bool> {
        let backend: Arc<Backend> = sc_service::new_db_backend(config.db_config())?;
        if backend.blockchain().info().finalized_state.is_some() {
            return Ok(false);
        }
        info!("Writing the state ...");
        let mut operation = backend.begin_operation()?;
        let version = VERSION.state_version();
        let root = operation.set_genesis_state(storage, true, version)?;
        let (header, body) = construct_genesis_block::<Block>(root, version).deconstruct();
        operation.set_block_data(header, Some(body), None, None, NewBlockState::Final, true)?;
        backend.commit_operation(operation)?;
        Ok(true)
    };
    match write().map_err(sc_service::Error::from)? {
        true => Ok(()),
        false => Err("there is a chain already: name an empty folder as --base-path".into()),
    }
}

impl CliConfiguration for DatabaseCmd {
    fn shared_params(&self) -> &SharedParams {
        self.storage.shared_params()
    }

    fn database_params(&self) -> Option<&DatabaseParams> {
        self.storage.database_params()
    }

    fn pruning_params(&self) -> Option<&PruningParams> {
        self.storage.pruning_params()
    }

    fn trie_cache_maximum_size(&self) -> sc_cli::Result<Option<usize>> {
        self.storage.trie_cache_maximum_size()
    }
}
