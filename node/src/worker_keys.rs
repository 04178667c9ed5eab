//! The sr25519 keys with which a node signs results, as its keystore has them.

use assay_primitives::{WorkerId, WORKER_KEY_TYPE};
use sp_core::crypto::Ss58Codec;
use sp_keystore::{Keystore, KeystorePtr};

use crate::{chain_spec, engine::LOG_TARGET};

/// The worker keys of the keystore. Each that is registered serves its operator.
pub fn all(keystore: &dyn Keystore) -> Vec<WorkerId> {
    keystore.sr25519_public_keys(WORKER_KEY_TYPE).into_iter().map(Into::into).collect()
}

/// Inserts the key of a development seed, if there is one, and says which keys there are.
pub fn prepare(
    config: &sc_service::Configuration,
    keystore: &KeystorePtr,
) -> Result<(), sc_service::Error> {
    if let Some(seed) = &config.dev_key_seed {
        keystore.sr25519_generate_new(WORKER_KEY_TYPE, Some(seed)).map_err(|error| {
            sc_service::Error::Other(format!("cannot insert the worker key of {seed}: {error:?}"))
        })?;
    }
    let keys = all(&**keystore);
    if keys.is_empty() {
        log::warn!(target: LOG_TARGET, "{}", missing(config));
    }
    for key in keys {
        log::info!(target: LOG_TARGET, "Operator with worker key {}", key.to_ss58check());
    }
    Ok(())
}

fn missing(config: &sc_service::Configuration) -> String {
    format!(
        "--operator is given, but there is no worker key in the keystore, so no request is \
         answered. Insert one, then register it as an operator's worker key:\n    \
         assay-node key insert --base-path {} --chain {} --key-type awrk --scheme sr25519 \
         --suri \"<SECRET PHRASE OR FILE>\"",
        config.base_path.path().display(),
        chain_spec::argument(config.chain_spec.id()),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_key_type_in_the_remedy_is_the_workers() {
        assert_eq!(&assay_primitives::WORKER_KEY_TYPE.0, b"awrk");
    }
}
