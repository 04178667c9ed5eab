//! The sr25519 keys with which a node signs results, as its keystore has them.

use assay_primitives::{dispute::WATCHER_KEY_TYPE, WorkerId, WORKER_KEY_TYPE};
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

/// The same for the key with which a watcher disputes results.
pub fn prepare_watcher(
    config: &sc_service::Configuration,
    keystore: &KeystorePtr,
) -> Result<(), sc_service::Error> {
    if let Some(seed) = &config.dev_key_seed {
        keystore.sr25519_generate_new(WATCHER_KEY_TYPE, Some(seed)).map_err(|error| {
            sc_service::Error::Other(format!(
                "cannot insert the watcher's key of {seed}: {error:?}"
            ))
        })?;
    }
    match keystore.sr25519_public_keys(WATCHER_KEY_TYPE).first() {
        Some(key) => {
            let account = sp_runtime::AccountId32::from(key.0).to_ss58check();
            log::info!(target: LOG_TARGET, "Watcher with account {account}");
        },
        None => log::warn!(
            target: LOG_TARGET,
            "--watch is given, but there is no watcher's key in the keystore, so no result is \
             disputed. Insert one whose account has funds:\n    assay-node key insert \
             --base-path {} --chain {} --key-type awch --scheme sr25519 --suri \
             \"<SECRET PHRASE OR FILE>\"",
            config.base_path.path().display(),
            chain_spec::argument(config.chain_spec.id()),
        ),
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
        assert_eq!(&assay_primitives::dispute::WATCHER_KEY_TYPE.0, b"awch");
    }
}
