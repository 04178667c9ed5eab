//! The sr25519 keys in the keystore with which a node signs results and disputes.

use assay_primitives::{dispute::WATCHER_KEY_TYPE, WorkerId, WORKER_KEY_TYPE};
use sp_core::crypto::Ss58Codec;
use sp_keystore::{Keystore, KeystorePtr};

use crate::{chain_spec, LOG_TARGET};

/// The worker keys in the keystore. The node answers requests for the operator of each key that is
/// registered on chain.
pub fn all(keystore: &dyn Keystore) -> Vec<WorkerId> {
    keystore.sr25519_public_keys(WORKER_KEY_TYPE).into_iter().map(Into::into).collect()
}

/// Inserts the worker key of `--dev`, `--alice` or a similar flag, and logs all worker keys.
///
/// # Errors
///
/// The keystore cannot store the key.
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

/// Inserts the watcher's key of `--dev`, `--alice` or a similar flag, and logs its account.
///
/// # Errors
///
/// The keystore cannot store the key.
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
            "--watch is set, but the keystore has no watcher's key, so this node disputes no \
             result. Insert a key whose account has funds:\n    assay-node key insert \
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
        "--operator is set, but the keystore has no worker key, so this node answers no request. \
         Insert a key, then register it as an operator's worker key:\n    \
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
