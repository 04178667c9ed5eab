//! The connection to a chain through one node.

use std::sync::Arc;

use assay_primitives::Digest;
use subxt::{
    client::{OfflineClient, OfflineClientAtBlock},
    config::substrate::{SpecVersionForRange, SubstrateConfig},
    Metadata,
};
use tokio::sync::RwLock;

use crate::{nonce::NonceManager, rpc::Rpc, Call, Error, Result};

/// Newest metadata format that the client reads.
const MAX_METADATA_VERSION: u32 = 16;

/// A connection to a chain through one node. Clones share the connection, and the next nonces of
/// the accounts that send through it.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    rpc: Rpc,
    genesis: Digest,
    runtime: RwLock<Arc<Runtime>>,
    nonces: NonceManager,
}

/// The runtime, as far as transactions depend on it.
pub(crate) struct Runtime {
    spec_version: u32,
    transaction_version: u32,
    pub(crate) at: OfflineClientAtBlock<SubstrateConfig>,
}

impl Runtime {
    pub(crate) fn new(
        genesis: Digest,
        spec_version: u32,
        transaction_version: u32,
        metadata: Metadata,
    ) -> Result<Self> {
        let config = SubstrateConfig::builder()
            .set_genesis_hash(genesis)
            .set_metadata_for_spec_versions([(spec_version, Arc::new(metadata))])
            .set_spec_version_for_block_ranges([SpecVersionForRange {
                block_range: 0..u64::MAX,
                spec_version,
                transaction_version,
            }])
            .build();
        let at = OfflineClient::new_with_config(config).at_block(0u64).map_err(|error| {
            Error::Answer { method: "Metadata_metadata".into(), reason: error.to_string() }
        })?;
        Ok(Self { spec_version, transaction_version, at })
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        self.at.metadata_ref()
    }
}

impl Client {
    /// Connects to the node at a `ws://` or `wss://` address, and reads the runtime's metadata.
    ///
    /// # Errors
    ///
    /// Those of [`Rpc::connect`]. [`Error::Outdated`] if the metadata has no version that this
    /// client reads.
    pub async fn connect(url: &str) -> Result<Self> {
        let rpc = Rpc::connect(url).await?;
        let genesis = rpc.genesis().await?;
        let runtime = fetch_runtime(&rpc, genesis).await?;
        let inner = Inner {
            rpc,
            genesis,
            runtime: RwLock::new(Arc::new(runtime)),
            nonces: NonceManager::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The node's RPC methods.
    pub fn rpc(&self) -> &Rpc {
        &self.inner.rpc
    }

    /// Hash of the chain's genesis block.
    pub fn genesis(&self) -> Digest {
        self.inner.genesis
    }

    /// Checks that the chain's runtime has every call of [`calls`](crate::calls), with the same
    /// arguments.
    ///
    /// # Errors
    ///
    /// [`Error::Outdated`] with the first call that differs.
    pub async fn check_runtime(&self) -> Result<()> {
        let runtime = self.runtime().await?;
        crate::calls::all().iter().try_for_each(|call: &Call| call.check(runtime.metadata()))
    }

    /// A constant of a pallet; `None` if there is none of that name and type.
    pub async fn constant<T: codec::Decode>(&self, pallet: &str, name: &str) -> Option<T> {
        let runtime = self.runtime().await.ok()?;
        let constant = runtime.metadata().pallet_by_name(pallet)?.constant_by_name(name)?;
        crate::rpc::decode("constant", constant.value()).ok()
    }

    pub(crate) fn nonces(&self) -> &NonceManager {
        &self.inner.nonces
    }

    /// The runtime at the best block. Read again after an upgrade.
    pub(crate) async fn runtime(&self) -> Result<Arc<Runtime>> {
        let version = self.rpc().runtime_version().await?;
        let is_current = |runtime: &Runtime| {
            runtime.spec_version == version.spec_version
                && runtime.transaction_version == version.transaction_version
        };
        {
            let runtime = self.inner.runtime.read().await;
            if is_current(&runtime) {
                return Ok(runtime.clone());
            }
        }
        let mut runtime = self.inner.runtime.write().await;
        if !is_current(&runtime) {
            *runtime = Arc::new(fetch_runtime(self.rpc(), self.genesis()).await?);
        }
        Ok(runtime.clone())
    }
}

async fn fetch_runtime(rpc: &Rpc, genesis: Digest) -> Result<Runtime> {
    let version = rpc.runtime_version().await?;
    let metadata = fetch_metadata(rpc).await?;
    Runtime::new(genesis, version.spec_version, version.transaction_version, metadata)
}

async fn fetch_metadata(rpc: &Rpc) -> Result<Metadata> {
    const METHOD: &str = "Metadata_metadata_at_version";
    let unreadable = |reason: String| Error::Answer { method: METHOD.into(), reason };
    let versions: Vec<u32> = rpc.runtime_call("Metadata_metadata_versions", &(), None).await?;
    let newest = versions.into_iter().filter(|version| *version <= MAX_METADATA_VERSION).max();
    let newest = newest
        .ok_or_else(|| Error::Outdated("metadata in a version that this client reads".into()))?;
    let metadata: Option<Vec<u8>> = rpc.runtime_call(METHOD, &newest, None).await?;
    let metadata = metadata.ok_or_else(|| unreadable("it is empty".into()))?;
    Metadata::decode_from(&metadata).map_err(|error| unreadable(error.to_string()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A client with this connection.
    pub(crate) fn client(rpc: Rpc) -> Client {
        let genesis = Digest::zero();
        let runtime = Runtime::new(genesis, 1, 1, crate::call::tests::metadata()).unwrap();
        let (runtime, nonces) = (RwLock::new(Arc::new(runtime)), NonceManager::default());
        Client { inner: Arc::new(Inner { rpc, genesis, runtime, nonces }) }
    }
}
