//! Tells an operator that the clock of this machine is fast. A slow one needs no help: the node refuses
//! new blocks as too far in the future, and says so.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use assay_runtime::opaque::Block;
use futures::StreamExt;
use sc_client_api::BlockchainEvents;
use sp_consensus_babe::SlotDuration;
use sp_timestamp::Timestamp;

use crate::{client::FullClient, LOG_TARGET};

/// Age of a block that arrives from which on the clock must be wrong. The network needs a second or two.
const IMPLAUSIBLE_AGE: Duration = Duration::from_secs(60);
/// Least time between two warnings.
const PAUSE: Duration = Duration::from_secs(60);

/// Warns when new blocks of other nodes look old, until the client ends.
pub async fn watch(client: Arc<FullClient>, slot_duration: SlotDuration) {
    let mut warned: Option<Instant> = None;
    let mut blocks = client.import_notification_stream();
    while let Some(block) = blocks.next().await {
        // Those of the first synchronisation are old.
        let is_new = block.origin == sp_consensus::BlockOrigin::NetworkBroadcast;
        if !is_new || warned.is_some_and(|then| then.elapsed() < PAUSE) {
            continue;
        }
        let Ok(digest) = sc_consensus_babe::find_pre_digest::<Block>(&block.header) else {
            continue;
        };
        let made = digest.slot().timestamp(slot_duration);
        if let Some(age) = made.and_then(|made| implausible_age(made, Timestamp::current())) {
            log::warn!(
                target: LOG_TARGET,
                "New blocks are {} s old by the clock of this machine, so it is fast, or blocks arrive \
                 late. A validator with a wrong clock makes blocks that others refuse. Correct the clock \
                 (timedatectl)",
                age.as_secs(),
            );
            warned = Some(Instant::now());
        }
    }
}

/// The age of a block of a slot that began at `made`, if it cannot be true.
fn implausible_age(made: Timestamp, now: Timestamp) -> Option<Duration> {
    let age = Duration::from_millis(now.as_millis().saturating_sub(made.as_millis()));
    (age > IMPLAUSIBLE_AGE).then_some(age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_look_old_or_not_old_are_told_apart() {
        let age = |made, now| implausible_age(Timestamp::new(made), Timestamp::new(now));
        assert_eq!(age(10_000, 12_000), None);
        assert_eq!(age(10_000, 9_000), None);
        assert_eq!(age(10_000, 3_610_000), Some(Duration::from_secs(3_600)));
    }
}
