//! RPC methods beyond those of every Substrate node.

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
    engine::{read_indexed, NodeEngine, LOG_TARGET},
    service::{FullClient, FullPool},
    worker_keys,
};

/// The chunk's index is past the end, or the artifact is malformed.
const INVALID_CHUNK: i32 = 9001;
/// The node does not have the bytes, or has wrong ones.
const CHUNK_UNAVAILABLE: i32 = 9002;
/// The node has no worker key, or is no operator.
const NO_WORKER_KEY: i32 = 9003;
/// The database, the runtime or the keystore failed.
const INTERNAL: i32 = 9004;

/// A worker key, and the proof that this node holds it.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerKeyProof {
    /// The public key.
    pub worker: Bytes,
    /// Its signature over `Possession`, for registering it as the account's worker key.
    pub possession: Bytes,
}

/// What the node answers beyond every Substrate node.
#[rpc(server)]
pub trait Assay {
    /// How an artifact is put together at the best block; null if there is none.
    #[method(name = "artifact_manifest", blocking)]
    fn artifact_manifest(&self, digest: Digest) -> RpcResult<Option<ArtifactManifest>>;

    /// The bytes of one chunk of an artifact; null if there is no such artifact.
    #[method(name = "artifact_chunk", blocking)]
    fn artifact_chunk(&self, digest: Digest, index: u32) -> RpcResult<Option<Bytes>>;

    /// The worker key of this operator, and its proof of possession for an account. Unsafe.
    #[method(name = "operator_workerKey", with_extensions)]
    fn worker_key(&self, account: AccountId) -> RpcResult<WorkerKeyProof>;

    /// What the engine does, and its limits; null if this node is no operator.
    #[method(name = "engine_status", blocking)]
    fn engine_status(&self) -> RpcResult<Option<serde_json::Value>>;
}

/// What the methods need.
pub struct Deps {
    /// The client.
    pub client: Arc<FullClient>,
    /// The transaction pool.
    pub pool: Arc<FullPool>,
    /// Where worker keys are.
    pub keystore: KeystorePtr,
    /// Present if the node is an operator.
    pub engine: Option<Arc<NodeEngine>>,
}

/// All methods that are not in every Substrate node.
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
    fn manifest(&self, digest: Digest) -> RpcResult<Option<ArtifactManifest>> {
        let best = self.client.info().best_hash;
        let view = self.client.runtime_api().artifact(best, digest).map_err(|failure| {
            error(INTERNAL, format!("the runtime could not be asked for the artifact: {failure}"))
        })?;
        Ok(view.map(|view| view.manifest))
    }
}

impl AssayServer for Methods {
    fn artifact_manifest(&self, digest: Digest) -> RpcResult<Option<ArtifactManifest>> {
        self.manifest(digest)
    }

    fn artifact_chunk(&self, digest: Digest, index: u32) -> RpcResult<Option<Bytes>> {
        let Some(manifest) = self.manifest(digest)? else { return Ok(None) };
        let bytes = artifacts::chunk(&read_indexed(&self.client), &manifest, index)?;
        Ok(Some(bytes.into()))
    }

    fn worker_key(&self, extensions: &Extensions, account: AccountId) -> RpcResult<WorkerKeyProof> {
        check_if_safe(extensions)?;
        if self.engine.is_none() {
            return Err(error(
                NO_WORKER_KEY,
                "this node runs no models: restart it with --operator",
            ));
        }
        let worker = worker_keys::all(&*self.keystore).into_iter().next().ok_or_else(|| {
            error(
                NO_WORKER_KEY,
                "there is no worker key in this node's keystore: insert one with `assay-node key \
                 insert --key-type awrk --scheme sr25519`, with the node's --base-path and --chain",
            )
        })?;
        let possession = Possession { genesis: self.client.info().genesis_hash, operator: account };
        let signature = self
            .keystore
            .sr25519_sign(WORKER_KEY_TYPE, worker.as_ref(), &possession.signing_bytes())
            .map_err(|failure| error(INTERNAL, format!("the keystore could not sign: {failure}")))?
            .ok_or_else(|| error(INTERNAL, "the keystore lost the worker key: insert it again"))?;
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
            ArtifactError::Missing { .. }
            | ArtifactError::CorruptChunk { .. }
            | ArtifactError::CorruptWhole(_) => CHUNK_UNAVAILABLE,
            ArtifactError::Database(_) => INTERNAL,
        };
        // A chunk that was never here is nothing to log: anyone may ask for it.
        if !matches!(failure, ArtifactError::Missing { .. }) && code != INVALID_CHUNK {
            log::error!(target: LOG_TARGET, "Cannot serve a chunk: {failure}");
        }
        error(code, failure.to_string())
    }
}
