//! Keys of the storage items that the client reads directly.

use assay_primitives::{receipt::ROOTS_PER_PAGE, BlockNumber, VersionId, WorkerId};
use codec::Encode;
use sp_crypto_hashing::{blake2_128, twox_128, twox_64};

use crate::AccountId;

/// Key of a storage value.
pub fn value_key(pallet: &str, item: &str) -> Vec<u8> {
    [twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat()
}

/// Key of an entry of a map with hasher `Twox64Concat`.
pub fn twox_map_key(pallet: &str, item: &str, key: &impl Encode) -> Vec<u8> {
    let key = key.encode();
    let mut full = value_key(pallet, item);
    full.extend(twox_64(&key));
    full.extend(key);
    full
}

/// Key of an entry of a map with hasher `Blake2_128Concat`.
pub fn map_key(pallet: &str, item: &str, key: &impl Encode) -> Vec<u8> {
    let key = key.encode();
    let mut full = value_key(pallet, item);
    full.extend(blake2_128(&key));
    full.extend(key);
    full
}

/// Key of an entry of a map with hasher `Identity`.
pub fn plain_map_key(pallet: &str, item: &str, key: &impl Encode) -> Vec<u8> {
    let mut full = value_key(pallet, item);
    key.encode_to(&mut full);
    full
}

/// Key of the roots of the receipts of the blocks around a height:
/// `Inference.ReceiptRoots[height / 64]`.
pub fn receipt_roots_key(height: BlockNumber) -> Vec<u8> {
    plain_map_key("Inference", "ReceiptRoots", &(height / ROOTS_PER_PAGE))
}

/// Key of the operator that registered a worker key, current or former:
/// `Operators.WorkerKeys[worker]`.
pub fn worker_key(worker: &WorkerId) -> Vec<u8> {
    map_key("Operators", "WorkerKeys", worker)
}

/// Key of a version: `ModelRegistry.Versions[version]`.
pub fn version_key(version: VersionId) -> Vec<u8> {
    twox_map_key("ModelRegistry", "Versions", &version)
}

/// Key of an account's nonce and balance: `System.Account[account]`.
pub fn account_key(account: &AccountId) -> Vec<u8> {
    map_key("System", "Account", account)
}

/// Key of the events of a block: `System.Events`.
pub fn events_key() -> Vec<u8> {
    value_key("System", "Events")
}

/// Key of the block's time in milliseconds since the Unix epoch: `Timestamp.Now`.
pub fn timestamp_key() -> Vec<u8> {
    value_key("Timestamp", "Now")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_keys_are_reproduced() {
        // The same on every Substrate chain.
        assert_eq!(
            hex::encode(events_key()),
            "26aa394eea5630e07c48ae0c9558cef780d41e5e16056765bc8461851072c9d7"
        );
        let alice = crate::names::parse_account("//Alice").unwrap();
        assert_eq!(
            hex::encode(account_key(&alice)),
            "26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9\
             de1e86a9a8c739864cf3cc5ec2bea59fd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"
        );
    }

    #[test]
    fn keys_end_in_what_they_name() {
        let key = receipt_roots_key(0x0102 * 64 + 63);
        assert_eq!(key.len(), 32 + 4);
        assert_eq!(key[32..], [2, 1, 0, 0]);
        let version = VersionId { model: assay_primitives::ModelId(3), number: 1 };
        let key = version_key(version);
        assert_eq!(key.len(), 32 + 8 + 8);
        assert_eq!(key[40..], [3, 0, 0, 0, 1, 0, 0, 0]);
    }
}
