//! Types of the client, and the host functions that it offers to the runtime.

use assay_primitives::Digest;
use assay_runtime::{opaque::Block, RuntimeApi};
use sc_client_api::BlockBackend;
use sc_transaction_pool::TransactionPoolHandle;

use crate::artifacts::ReadIndexed;

/// Host functions that the runtime imports in addition to those of Substrate.
pub type EngineHostFunctions = assay_engine_interface::engine::HostFunctions;
/// All host functions that the runtime imports.
pub type HostFunctions = (sp_io::SubstrateHostFunctions, EngineHostFunctions);
/// Executes the runtime's wasm.
pub type Executor = sc_executor::WasmExecutor<HostFunctions>;

/// The client of a full node.
pub type FullClient = sc_service::TFullClient<Block, RuntimeApi, Executor>;
/// The database of a full node.
pub type FullBackend = sc_service::TFullBackend<Block>;
/// The fork choice rule: the longest chain.
pub type FullSelectChain = sc_consensus::LongestChain<FullBackend, Block>;
/// The transaction pool of a full node.
pub type FullPool = TransactionPoolHandle<Block, FullClient>;

/// Reads indexed transactions from the client's database.
pub fn read_indexed(client: &FullClient) -> impl ReadIndexed + '_ {
    |hash: Digest| client.indexed_transaction(hash)
}
