//! Keys that sign transactions. No message of this module contains any part of a secret.

use std::{path::Path, str::FromStr};

use assay_primitives::{digest, statement::Possession, Digest, Statement};
use codec::Encode;
use sp_core::sr25519::{Public, Signature};
use subxt_signer::{sr25519::Keypair, SecretUri};

use crate::{rpc::WorkerPossession, AccountId, Error, Result};

/// An sr25519 key pair and its account.
#[derive(Clone)]
pub struct Signer {
    keypair: Keypair,
    account: AccountId,
}

impl Signer {
    /// Reads a secret URI: a mnemonic phrase or a `0x` seed, with derivation junctions and a
    /// password (`phrase//hard/soft///password`), or a development key such as `//Alice`.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the URI is not valid. The message does not quote it.
    pub fn from_suri(suri: &str) -> Result<Self> {
        // The library's reasons may quote the secret, so they are not shown.
        let broken = || {
            Error::invalid(
                "the secret URI is not valid: expected a mnemonic phrase, a 0x seed of 32 bytes, \
                 or a development key such as //Alice",
            )
        };
        let uri = SecretUri::from_str(suri.trim()).map_err(|_| broken())?;
        let keypair = Keypair::from_uri(&uri).map_err(|_| broken())?;
        let account = AccountId::from(keypair.public_key().0);
        Ok(Self { keypair, account })
    }

    /// Reads a secret URI from a file that contains nothing else.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be read, and those of [`Signer::from_suri`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let text = std::fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
        Self::from_suri(&text)
    }

    /// The account.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// This key as a worker key, with its proof of possession for `operator`.
    pub fn possession(&self, genesis: Digest, operator: &AccountId) -> WorkerPossession {
        let statement = Possession { genesis, operator: operator.clone() };
        let signature = self.keypair.sign(&statement.signing_bytes());
        WorkerPossession {
            worker: Public::from_raw(self.keypair.public_key().0).into(),
            possession: Signature::from_raw(signature.0),
        }
    }

    pub(crate) fn keypair(&self) -> &Keypair {
        &self.keypair
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.account)
    }
}

/// 32 random bytes, for client keys.
pub fn random_key() -> [u8; 32] {
    schnorrkel::MiniSecretKey::generate().to_bytes()
}

/// The client key of a request of a batch that one key names. `index` is its place, from 0.
pub fn item_key(batch: [u8; 32], index: u32) -> [u8; 32] {
    digest(&(b"assay/batch-key/1", batch, index).encode()).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_development_key_has_its_known_account() {
        let alice = Signer::from_suri("//Alice").unwrap();
        assert_eq!(alice.account().to_string(), "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY");
    }

    #[test]
    fn a_seed_and_its_junctions_are_read() {
        let seed = format!("0x{}", "11".repeat(32));
        let root = Signer::from_suri(&seed).unwrap();
        let child = Signer::from_suri(&format!("{seed}//1")).unwrap();
        assert_ne!(root.account(), child.account());
    }

    #[test]
    fn no_message_quotes_the_secret() {
        for secret in ["correct horse battery staple", "0xdeadbeef", "swordfish//x///hunter2"] {
            let error = Signer::from_suri(secret).unwrap_err();
            for word in secret.split(['/', ' ']).filter(|word| word.len() > 1) {
                assert!(!format!("{error} {error:?}").contains(word), "{error} quotes {word}");
            }
        }
        let alice = Signer::from_suri("//Alice").unwrap();
        assert!(!format!("{alice:?}").contains("Alice"));
    }

    #[test]
    fn a_possession_is_signed_for_one_operator_of_one_chain() {
        let (operator, other) = (AccountId::from([1; 32]), AccountId::from([2; 32]));
        let genesis = Digest::repeat_byte(3);
        let key = Signer::from_suri("//Worker").unwrap().possession(genesis, &operator);
        let holds = |genesis, operator: &AccountId| {
            let statement = Possession { genesis, operator: operator.clone() };
            statement.is_signed_by(&key.worker, &key.possession)
        };
        assert!(holds(genesis, &operator));
        assert!(!holds(genesis, &other));
        assert!(!holds(Digest::zero(), &operator));
    }

    #[test]
    fn the_keys_of_a_batch_differ_and_are_the_same_again() {
        let keys = |batch| (0..64).map(|index| item_key([batch; 32], index)).collect::<Vec<_>>();
        let mut all = [keys(1), keys(2)].concat();
        assert_eq!(keys(1), all[..64]);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 128);
    }

    #[test]
    fn random_keys_differ() {
        assert_ne!(random_key(), random_key());
    }
}
