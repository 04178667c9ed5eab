//! RPC methods that not every Substrate node has.

use std::sync::Arc;

use assay_primitives::{
    runtime_api::AssayApi, ArtifactManifest, Digest, Possession, Statement, WORKER_KEY_TYPE,
};
use assay_runtime::AccountId;
use jsonrpsee::{
    core::RpcResult,
    proc_macros::rpc,
    types::{ErrorObject, ErrorObjectOwned},
    Extensions, RpcModule,
};
use sc_rpc_api::check_if_safe;
use serde::Serialize;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_core::Bytes;
use sp_keystore::KeystorePtr;

use crate::{
    artifacts::{self, ArtifactError},
    client::{read_indexed, FullClient, FullPool},
    engine::NodeEngine,
    worker_keys, LOG_TARGET,
};

/// The index of the chunk is out of range, or the manifest is malformed.
const INVALID_CHUNK: i32 = 9001;
/// The node does not have the bytes, or they are corrupt.
const CHUNK_UNAVAILABLE: i32 = 9002;
/// The node has no worker key, or is not an operator.
const NO_WORKER_KEY: i32 = 9003;
/// The database, the runtime or the keystore failed.
const INTERNAL: i32 = 9004;

/// A worker key with its proof of possession.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerKeyProof {
    /// The public key.
    pub worker: Bytes,
    /// Its signature over [`Possession`], with which the account registers it as its worker key.
    pub possession: Bytes,
}

/// The RPC methods of Assay.
#[rpc(server)]
pub trait Assay {
    /// Identity, size and chunks of an artifact at the best block; null if there is no such
    /// artifact.
    #[method(name = "artifact_manifest", blocking)]
    fn artifact_manifest(&self, identity: Digest) -> RpcResult<Option<ArtifactManifest>>;

    /// The bytes of one chunk of an artifact; null if there is no such artifact.
    #[method(name = "artifact_chunk", blocking)]
    fn artifact_chunk(&self, identity: Digest, index: u32) -> RpcResult<Option<Bytes>>;

    /// The first worker key of this node, with its proof of possession for an account. Unsafe.
    #[method(name = "operator_workerKey", with_extensions)]
    fn worker_key(&self, account: AccountId) -> RpcResult<WorkerKeyProof>;

    /// Activity, limits and counters of the engine; null if this node has no engine.
    #[method(name = "engine_status", blocking)]
    fn engine_status(&self) -> RpcResult<Option<serde_json::Value>>;
}

/// The parts of the node that the methods use.
pub struct Deps {
    /// The client.
    pub client: Arc<FullClient>,
    /// The transaction pool.
    pub pool: Arc<FullPool>,
    /// The keystore with the worker keys.
    pub keystore: KeystorePtr,
    /// The engine, if the node runs with `--operator` or `--watch`.
    pub engine: Option<Arc<NodeEngine>>,
}

/// The methods of Assay, and those of Substrate's system and fee crates.
///
/// # Errors
///
/// Two methods have the same name.
pub fn create(deps: Deps) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
    use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
    use substrate_frame_rpc_system::{System, SystemApiServer};

    let mut module = RpcModule::new(());
    let Deps { client, pool, keystore, engine } = deps;
    module.merge(System::new(client.clone(), pool).into_rpc())?;
    module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
    module.merge(Methods { client, keystore, engine }.into_rpc())?;
    Ok(module)
}

struct Methods {
    client: Arc<FullClient>,
    keystore: KeystorePtr,
    engine: Option<Arc<NodeEngine>>,
}

impl Methods {
    fn manifest(&self, identity: Digest) -> RpcResult<Option<ArtifactManifest>> {
        let best = self.client.info().best_hash;
        let view = self.client.runtime_api().artifact(best, identity).map_err(|failure| {
            error(INTERNAL, format!("the runtime could not look up the artifact: {failure}"))
        })?;
        Ok(view.map(|view| view.manifest))
    }
}

impl AssayServer for Methods {
    fn artifact_manifest(&self, identity: Digest) -> RpcResult<Option<ArtifactManifest>> {
        self.manifest(identity)
    }

    fn artifact_chunk(&self, identity: Digest, index: u32) -> RpcResult<Option<Bytes>> {
        let Some(manifest) = self.manifest(identity)? else { return Ok(None) };
        let bytes = artifacts::chunk(&read_indexed(&self.client), &manifest, index)?;
        Ok(Some(bytes.into()))
    }

    fn worker_key(&self, extensions: &Extensions, account: AccountId) -> RpcResult<WorkerKeyProof> {
        check_if_safe(extensions)?;
        if self.engine.is_none() {
            return Err(error(
                NO_WORKER_KEY,
                "this node does not run models: restart it with --operator",
            ));
        }
        let worker = worker_keys::all(&*self.keystore).into_iter().next().ok_or_else(|| {
            error(
                NO_WORKER_KEY,
                "the keystore of this node has no worker key: insert one with `assay-node key \
                 insert --key-type awrk --scheme sr25519`, with the node's --base-path and --chain",
            )
        })?;
        let possession = Possession { genesis: self.client.info().genesis_hash, operator: account };
        let signature = self
            .keystore
            .sr25519_sign(WORKER_KEY_TYPE, worker.as_ref(), &possession.signing_bytes())
            .map_err(|failure| error(INTERNAL, format!("the keystore cannot sign: {failure}")))?
            .ok_or_else(|| {
                error(INTERNAL, "the worker key is no longer in the keystore: insert it again")
            })?;
        let worker: &[u8] = worker.as_ref();
        Ok(WorkerKeyProof {
            worker: worker.to_vec().into(),
            possession: signature.0.to_vec().into(),
        })
    }

    fn engine_status(&self) -> RpcResult<Option<serde_json::Value>> {
        let Some(engine) = &self.engine else { return Ok(None) };
        serde_json::to_value(engine.status())
            .map(Some)
            .map_err(|failure| error(INTERNAL, failure.to_string()))
    }
}

fn error(code: i32, text: impl Into<String>) -> ErrorObjectOwned {
    ErrorObject::owned(code, text, None::<()>)
}

impl From<ArtifactError> for ErrorObjectOwned {
    fn from(failure: ArtifactError) -> Self {
        let code = match &failure {
            ArtifactError::Malformed(_) | ArtifactError::NoSuchChunk { .. } => INVALID_CHUNK,
            ArtifactError::Missing { .. } | ArtifactError::CorruptChunk { .. } => CHUNK_UNAVAILABLE,
            ArtifactError::Database(_) => INTERNAL,
        };
        // Anyone can request chunks that the node does not have, so these requests are not logged.
        if !matches!(failure, ArtifactError::Missing { .. }) && code != INVALID_CHUNK {
            log::error!(target: LOG_TARGET, "Cannot serve a chunk: {failure}");
        }
        error(code, failure.to_string())
    }
}
