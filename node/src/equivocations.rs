//! Reports validators that make two blocks in one slot.
//!
//! `sc-consensus-babe` looks for them too, but at headers from which the seal was taken. The seal is the
//! signature that shows who has made a block, so the runtime refuses these reports
//! (`InvalidEquivocationProof`). They get a pool that takes nothing.

use std::{collections::BTreeMap, sync::Arc};

use assay_runtime::{opaque::Block, Header};
use futures::StreamExt;
use sc_client_api::BlockchainEvents;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::{ApiExt, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_consensus::BlockOrigin;
use sp_consensus_babe::{AuthorityId, BabeApi, EquivocationProof, Slot};

use crate::{client::FullClient, LOG_TARGET};

/// Maximum number of blocks that are remembered, of the latest slots: more than an hour.
const REMEMBERED: usize = 2_048;

/// The blocks of the latest slots, by slot and author.
#[derive(Default)]
struct Seen(BTreeMap<(Slot, AuthorityId), Header>);

impl Seen {
    /// Enters a block. Returns a proof if its author has made another one in this slot.
    fn enter(
        &mut self,
        slot: Slot,
        author: &AuthorityId,
        header: Header,
    ) -> Option<EquivocationProof<Header>> {
        let key = (slot, author.clone());
        if let Some(first) = self.0.get(&key) {
            return (first.hash() != header.hash()).then(|| EquivocationProof {
                offender: author.clone(),
                slot,
                first_header: first.clone(),
                second_header: header,
            });
        }
        self.0.insert(key, header);
        if self.0.len() > REMEMBERED {
            self.0.pop_first();
        }
        None
    }
}

/// Reports equivocations among the blocks that the client imports, until it ends. Only the reports of
/// validators are included in blocks, by themselves.
pub async fn report(client: Arc<FullClient>, pool: OffchainTransactionPoolFactory<Block>) {
    let mut seen = Seen::default();
    let mut blocks = client.every_import_notification_stream();
    while let Some(block) = blocks.next().await {
        // Those of long ago were reported then.
        if block.origin == BlockOrigin::NetworkInitialSync {
            continue;
        }
        let Ok(digest) = sc_consensus_babe::find_pre_digest::<Block>(&block.header) else {
            continue;
        };
        let authorities = match client.runtime_api().current_epoch(block.hash) {
            Ok(epoch) => epoch.authorities,
            Err(error) => {
                log::debug!(target: LOG_TARGET, "no authorities of block {:?}: {error}", block.hash);
                continue;
            },
        };
        let Some((author, _)) = authorities.get(digest.authority_index() as usize) else {
            continue;
        };
        let Some(proof) = seen.enter(digest.slot(), author, block.header) else { continue };
        let (slot, hashes) =
            (proof.slot, [&proof.first_header, &proof.second_header].map(Header::hash));
        log::warn!(
            target: LOG_TARGET,
            "A validator has made two blocks in slot {slot}: {hashes:?}. Its key is {author:?}",
        );
        match submit(&client, &pool, proof) {
            Ok(()) => log::info!(target: LOG_TARGET, "The two blocks of slot {slot} are reported"),
            // Usually it was reported already in this era.
            Err(reason) => {
                log::info!(target: LOG_TARGET, "The two blocks of slot {slot} are not reported: {reason}");
            },
        }
    }
}

fn submit(
    client: &FullClient,
    pool: &OffchainTransactionPoolFactory<Block>,
    proof: EquivocationProof<Header>,
) -> Result<(), String> {
    let best = client.info().best_hash;
    let mut api = client.runtime_api();
    let owner = api
        .generate_key_ownership_proof(best, proof.slot, proof.offender.clone())
        .map_err(|error| error.to_string())?
        .ok_or("the chain knows no validator with this key in that session")?;
    api.register_extension(pool.offchain_transaction_pool(best));
    api.submit_report_equivocation_unsigned_extrinsic(best, proof, owner)
        .map_err(|error| error.to_string())?
        .ok_or_else(|| "the pool refuses it".to_owned())
}

#[cfg(test)]
mod tests {
    use sp_consensus_babe::{
        check_equivocation_proof,
        digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest},
        AuthorityPair,
    };
    use sp_core::{Pair, H256};
    use sp_runtime::{traits::Header as _, Digest, DigestItem};

    use super::*;

    /// A sealed header of the first authority.
    fn header(pair: &AuthorityPair, slot: u64, state: u8) -> Header {
        let digest = SecondaryPlainPreDigest { authority_index: 0, slot: slot.into() };
        let log = DigestItem::babe_pre_digest(PreDigest::SecondaryPlain(digest));
        let zero = H256::zero();
        let mut header =
            Header::new(7, zero, H256::repeat_byte(state), zero, Digest { logs: vec![log] });
        let seal = pair.sign(header.hash().as_ref());
        header.digest_mut().push(DigestItem::babe_seal(seal));
        header
    }

    #[test]
    fn two_blocks_of_an_author_in_a_slot_are_proven() {
        let [alice, bob] = [1, 2].map(|seed| AuthorityPair::from_seed(&[seed; 32]));
        let mut seen = Seen::default();
        // Seals are not deterministic.
        let first = header(&alice, 5, 1);
        for _ in 0..2 {
            let again = seen.enter(5.into(), &alice.public(), first.clone());
            assert!(again.is_none(), "the same block");
        }
        let mut enter = |pair: &AuthorityPair, slot: u64, state| {
            seen.enter(slot.into(), &pair.public(), header(pair, slot, state))
        };
        assert!(enter(&bob, 5, 2).is_none(), "another author");
        assert!(enter(&alice, 6, 2).is_none(), "another slot");
        let proof = enter(&alice, 5, 2).expect("two blocks");
        assert!(check_equivocation_proof(proof.clone()));

        // Without their seals they prove nothing.
        let mut unsealed = proof;
        unsealed.first_header.digest_mut().pop();
        unsealed.second_header.digest_mut().pop();
        assert!(!check_equivocation_proof(unsealed));
    }

    #[test]
    fn the_latest_slots_are_remembered() {
        let alice = AuthorityPair::from_seed(&[1; 32]);
        let mut seen = Seen::default();
        for slot in 0..REMEMBERED as u64 + 10 {
            seen.enter(slot.into(), &alice.public(), header(&alice, slot, 1));
        }
        assert_eq!(seen.0.len(), REMEMBERED);
        assert!(seen.0.keys().all(|(slot, _)| *slot >= Slot::from(10)));
    }
}
