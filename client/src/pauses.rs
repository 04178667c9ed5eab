//! Pauses: calls that the technical committee, or a referendum, has closed.

use assay_primitives::{BlockNumber, Digest};
use codec::Decode;

use crate::{
    storage::{map_key, value_key},
    Client, Closure, Error, Result,
};

const SAFE_MODE: &str = "SafeMode";
const TX_PAUSE: &str = "TxPause";

/// Length of the hash before the key of an entry of a map with hasher `Blake2_128Concat`.
const KEY_HASH_BYTES: usize = 16;

/// The pauses that are in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pauses {
    /// The last block of safe mode, in which transfers, requests, publications and offers are closed.
    /// `None`: the chain is not in safe mode.
    pub safe_mode_until: Option<BlockNumber>,
    /// The calls that are closed one by one, as `Pallet.call`, sorted.
    pub calls: Vec<String>,
}

/// The key under which a paused call is in the state: pallet and call.
fn paused_key(pallet: &str, call: &str) -> Vec<u8> {
    map_key(TX_PAUSE, "PausedCalls", &(pallet.as_bytes(), call.as_bytes()))
}

/// The call of a key of the state, as `Pallet.call`.
fn paused_call(key: &[u8]) -> Option<String> {
    let prefix = value_key(TX_PAUSE, "PausedCalls").len() + KEY_HASH_BYTES;
    let (pallet, call) = <(Vec<u8>, Vec<u8>)>::decode(&mut key.get(prefix..)?).ok()?;
    Some(format!("{}.{}", String::from_utf8_lossy(&pallet), String::from_utf8_lossy(&call)))
}

impl Client {
    /// The pauses that are in force at the best block.
    pub async fn pauses(&self) -> Result<Pauses> {
        let keys = self.rpc().keys(&value_key(TX_PAUSE, "PausedCalls"), None).await?;
        let mut calls: Vec<_> = keys.iter().filter_map(|key| paused_call(key)).collect();
        calls.sort();
        Ok(Pauses { safe_mode_until: self.safe_mode_until(None).await?, calls })
    }

    /// Checks that a call is open which safe mode closes, such as a request or a transfer. The fee
    /// of a closed call would be lost.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`] if it is closed.
    pub async fn check_open(&self, pallet: &str, call: &str) -> Result<()> {
        match self.closure(pallet, call, None).await? {
            Some(closure) => Err(Error::Closed { call: format!("{pallet}.{call}"), closure }),
            None => Ok(()),
        }
    }

    /// Why a block has refused a call by its filter.
    pub(crate) async fn why_filtered(
        &self,
        pallet: &str,
        call: &str,
        block: Digest,
    ) -> Result<String> {
        let parent = self.rpc().header(Some(block)).await?.parent_hash;
        // The block itself may have ended the pause after the call.
        for at in [block, parent] {
            if let Some(closure) = self.closure(pallet, call, Some(at)).await? {
                return Ok(format!("{closure}."));
            }
        }
        Ok("no pause closes this call: this runtime never takes it.".to_owned())
    }

    async fn closure(
        &self,
        pallet: &str,
        call: &str,
        at: Option<Digest>,
    ) -> Result<Option<Closure>> {
        let is_paused = self.rpc().storage(&paused_key(pallet, call), at).await?.is_some();
        let safe_mode_until = self.safe_mode_until(at).await?;
        let is_closed = is_paused || safe_mode_until.is_some();
        Ok(is_closed.then_some(Closure { safe_mode_until, is_paused }))
    }

    async fn safe_mode_until(&self, at: Option<Digest>) -> Result<Option<BlockNumber>> {
        self.rpc().storage_value(&value_key(SAFE_MODE, "EnteredUntil"), at).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{client::tests::client, rpc::tests::node};
    use codec::Encode;

    #[test]
    fn a_paused_call_is_named_by_its_key() {
        let key = paused_key("Inference", "request_batch");
        assert_eq!(paused_call(&key).unwrap(), "Inference.request_batch");
        assert_eq!(paused_call(&key[..60]), None);
        assert_eq!(paused_call(&key[..20]), None);
    }

    /// A client of a chain in this safe mode, with this call paused.
    fn paused(until: Option<BlockNumber>, call: &'static str) -> Client {
        client(node(move |method, key| {
            assert_eq!(method, "state_getStorage");
            let entered = value_key(SAFE_MODE, "EnteredUntil");
            match until {
                Some(until) if key == entered => until.encode(),
                _ if key == paused_key("Inference", call) => vec![1],
                _ => Vec::new(),
            }
        }))
    }

    #[tokio::test]
    async fn a_closed_call_is_refused_with_the_pause_and_its_end() {
        let open = paused(None, "request_batch");
        open.check_open("Inference", "request").await.unwrap();
        for (client, call, message) in [
            (
                &open,
                "request_batch",
                "Inference.request_batch is closed: this call is paused, until the technical committee \
                 or a referendum opens it again; nothing was sent",
            ),
            (
                &paused(Some(77), "request_batch"),
                "request",
                "Inference.request is closed: the chain is in safe mode until block 77, unless the \
                 technical committee ends it earlier or a referendum extends it; nothing was sent",
            ),
            (
                &paused(Some(77), "request"),
                "request",
                "Inference.request is closed: the chain is in safe mode until block 77, unless the \
                 technical committee ends it earlier or a referendum extends it, and this call is \
                 paused, until the technical committee or a referendum opens it again; nothing was \
                 sent",
            ),
        ] {
            let error = client.check_open("Inference", call).await.unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
