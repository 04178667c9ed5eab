//! Chain specifications: the built-in networks, and files.

use std::sync::Arc;

use assay_primitives::{TOKEN_DECIMALS, TOKEN_SYMBOL};
use assay_runtime::{
    genesis::TESTNET,
    opaque::{Block, BlockHash as Hash},
    WASM_BINARY,
};
use sc_chain_spec::{BuildGenesisBlock, ChainSpec as _, GenesisBlockBuilder};
use sc_executor::WasmExecutor;
use sc_service::{ChainType, NoExtension, Properties};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};

use crate::client::HostFunctions;

/// A chain specification.
pub type ChainSpec = sc_service::GenericChainSpec<NoExtension, HostFunctions>;

/// SS58 prefix of addresses: the one of generic Substrate chains.
const SS58_FORMAT: u16 = 42;
const DEVELOPMENT_ID: &str = "assay_dev";
const LOCAL_ID: &str = "assay_local";
const TESTNET_ID: &str = "assay_testnet";

/// One validator, Alice, that is also an operator.
///
/// # Errors
///
/// This executable was built without a runtime.
pub fn development() -> Result<ChainSpec, String> {
    build("Assay Development", DEVELOPMENT_ID, ChainType::Development, DEV_RUNTIME_PRESET)
}

/// Four validators on one machine: Alice, Bob, Charlie and Dave.
///
/// # Errors
///
/// This executable was built without a runtime.
pub fn local() -> Result<ChainSpec, String> {
    build("Assay Local", LOCAL_ID, ChainType::Local, LOCAL_TESTNET_RUNTIME_PRESET)
}

/// What all networks of strangers have in common, for `scripts/genesis`: it has no validators.
///
/// # Errors
///
/// This executable was built without a runtime.
pub fn testnet() -> Result<ChainSpec, String> {
    build("Assay Testnet", TESTNET_ID, ChainType::Live, TESTNET)
}

/// The specification that `--chain` names: `dev`, `local`, `testnet` or the path of a file.
///
/// # Errors
///
/// The file cannot be read as a chain specification, or this executable was built without a runtime.
pub fn load(chain: &str) -> Result<ChainSpec, String> {
    match chain {
        "dev" | DEVELOPMENT_ID => development(),
        "" | "local" | LOCAL_ID => local(),
        TESTNET => testnet(),
        path => ChainSpec::from_json_file(path.into()).map_err(|error| {
            format!("`{path}` is not `dev`, `local`, `testnet` or a readable chain specification: {error}")
        }),
    }
}

/// The hash of the genesis block, which is the chain's identity.
///
/// # Errors
///
/// The state cannot be made: the runtime refuses the configuration of its genesis.
pub fn genesis_hash(spec: &ChainSpec) -> sp_blockchain::Result<Hash> {
    let backend = Arc::new(sc_client_api::in_mem::Backend::<Block>::new());
    let executor = WasmExecutor::<HostFunctions>::builder().build();
    let builder = GenesisBlockBuilder::new(spec.as_storage_builder(), false, backend, executor)?;
    let (block, _) = builder.build_genesis_block()?;
    Ok(block.header.hash())
}

/// The argument of `--chain` for the network with this id.
pub fn argument(id: &str) -> &'static str {
    match id {
        DEVELOPMENT_ID => "dev",
        LOCAL_ID => "local",
        _ => "<CHAIN_SPEC_FILE>",
    }
}

fn build(name: &str, id: &str, kind: ChainType, preset: &str) -> Result<ChainSpec, String> {
    let code = WASM_BINARY.ok_or(
        "this node was built without a runtime (SKIP_WASM_BUILD was set): build it again without \
         that variable, or pass the file of a chain specification as --chain",
    )?;
    Ok(ChainSpec::builder(code, Default::default())
        .with_name(name)
        .with_id(id)
        .with_chain_type(kind)
        .with_protocol_id("assay")
        .with_properties(properties())
        .with_genesis_config_preset_name(preset)
        .build())
}

fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), TOKEN_SYMBOL.into());
    properties.insert("tokenDecimals".into(), TOKEN_DECIMALS.into());
    properties.insert("ss58Format".into(), SS58_FORMAT.into());
    properties
}
