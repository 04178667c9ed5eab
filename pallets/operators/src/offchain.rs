//! The offchain worker of an operator's node, which sends heartbeats.

use assay_engine_interface::engine;
use assay_pallet_support::{submit_authorized, Chain};
use assay_primitives::{traits::Operators as _, worker_crypto, HeartbeatStatement, Statement};
use sp_application_crypto::RuntimeAppPublic;

use crate::{Call, Config, Pallet};

impl<T: Config> Pallet<T> {
    /// Sends a heartbeat for every operator whose worker key this node holds, if one is due. A node
    /// without an engine sends none, because it cannot run models.
    pub(crate) fn send_heartbeats() {
        let Some(info) = engine::info() else { return };
        for key in worker_crypto::Public::all() {
            let Some(operator) = Self::operator_of(&key) else { continue };
            if Self::worker(&operator).as_ref() != Some(&key) || !Self::heartbeat_due(&operator) {
                continue;
            }
            let statement = HeartbeatStatement {
                genesis: T::genesis(),
                operator,
                at: T::now(),
                engine: info.version,
                load: info.load,
            };
            let Some(signature) = key.sign(&statement.signing_bytes()) else {
                log::error!(target: "assay", "the keystore cannot sign with the worker key");
                continue;
            };
            let call = Call::<T>::heartbeat { statement, signature: signature.into() };
            if submit_authorized::<T, _>(call).is_err() {
                log::debug!(target: "assay", "the pool already has a heartbeat, or refuses it");
            }
        }
    }
}
