//! The networks that the node knows by name.

use assay_primitives::{TOKEN_DECIMALS, TOKEN_SYMBOL};
use assay_runtime::WASM_BINARY;
use sc_service::{ChainType, NoExtension, Properties};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};

/// A chain specification.
pub type ChainSpec = sc_service::GenericChainSpec<NoExtension, crate::service::HostFunctions>;

/// Prefix of accounts in SS58.
const SS58_FORMAT: u16 = 42;
const DEVELOPMENT_ID: &str = "assay_dev";
const LOCAL_ID: &str = "assay_local";

/// One validator, Alice, who is also an operator.
pub fn development() -> Result<ChainSpec, String> {
    build("Assay Development", DEVELOPMENT_ID, ChainType::Development, DEV_RUNTIME_PRESET)
}

/// Four validators on one machine: Alice, Bob, Charlie and Dave.
pub fn local() -> Result<ChainSpec, String> {
    build("Assay Local", LOCAL_ID, ChainType::Local, LOCAL_TESTNET_RUNTIME_PRESET)
}

/// The specification that `--chain` names: `dev`, `local` or the path of a file.
pub fn load(chain: &str) -> Result<ChainSpec, String> {
    match chain {
        "dev" | DEVELOPMENT_ID => development(),
        "" | "local" | LOCAL_ID => local(),
        path => ChainSpec::from_json_file(path.into()).map_err(|error| {
            format!(
                "`{path}` is neither `dev` nor `local` nor a chain specification that can be \
                 read: {error}"
            )
        }),
    }
}

/// What to give as `--chain` for the network with this id.
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
         that, or name the file of a chain specification with --chain",
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
