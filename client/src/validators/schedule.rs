//! When eras end and elections are.

use assay_primitives::{BlockNumber, Digest};
use codec::Decode;

use super::{Era, STAKING};
use crate::{
    rpc,
    storage::{twox_map_key, value_key},
    AccountId, Client, Result,
};

/// The present era and the next election. Blocks are estimates: a slot that its validator misses has
/// no block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The present era.
    pub era: Era,
    /// Height of the block that this was read at.
    pub height: BlockNumber,
    /// Milliseconds between blocks.
    pub block_ms: u64,
    /// Blocks of an era.
    pub era_blocks: u32,
    /// Blocks until the next era. `None`: until an election has succeeded.
    pub end: Option<u32>,
    /// The election of the next era's validators.
    pub election: NextElection,
}

/// An election of the validators of the next era.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NextElection {
    /// In so many blocks.
    In(u32),
    /// It was due, and had too few candidates. Each session tries again.
    #[default]
    Overdue,
    /// It is over.
    Done {
        /// Whether it elected the account.
        elected: bool,
    },
}

impl Schedule {
    /// Blocks until an era begins, `None` if nobody knows.
    pub fn blocks_until(&self, era: Era) -> Option<u32> {
        let later = era.checked_sub(self.era)?.checked_sub(1)?;
        Some(self.end?.saturating_add(later.saturating_mul(self.era_blocks)))
    }
}

/// Numbers of the chain that a [`Schedule`] follows from.
struct Clock {
    /// The present session.
    session: u32,
    /// Slots of a session.
    session_slots: u32,
    /// Slots of the present session that are to come.
    slots_left: u32,
    /// The first session of the present era.
    first: u32,
    /// The first session of the next era, if its validators are elected.
    next: Option<u32>,
    /// Sessions of an era.
    sessions: u32,
}

impl Clock {
    /// Slots until a session begins, `None` if it has begun.
    fn slots_until(&self, session: u32) -> Option<u32> {
        let between = session.checked_sub(self.session)?.checked_sub(1)?;
        Some(self.slots_left.saturating_add(between.saturating_mul(self.session_slots)))
    }

    /// Slots until the next era and until its election, which is at the beginning of the session before.
    /// `None`: it is over.
    fn times(&self) -> (Option<u32>, Option<u32>) {
        if let Some(next) = self.next {
            return (self.slots_until(next), None);
        }
        let next = self.first.saturating_add(self.sessions);
        match self.slots_until(next.saturating_sub(1)) {
            Some(election) => (self.slots_until(next), Some(election)),
            None => (None, None),
        }
    }
}

impl Client {
    pub(super) async fn schedule(
        &self,
        era: Era,
        account: &AccountId,
        at: Digest,
    ) -> Result<Schedule> {
        let height = rpc::height(&self.rpc().header(Some(at)).await?);
        let session_slots: u64 = self.constant("Babe", "EpochDuration").await.unwrap_or_default();
        let block_ms: u64 = self.constant("Babe", "ExpectedBlockTime").await.unwrap_or_default();
        let first: Option<u32> = self.first_session(era, at).await?;
        let next = self.first_session(era.saturating_add(1), at).await?;
        let epoch: u64 = self.value_or_default("Babe", "EpochIndex", at).await?;
        let genesis: u64 = self.value_or_default("Babe", "GenesisSlot", at).await?;
        let slot: u64 = self.value_or_default("Babe", "CurrentSlot", at).await?;
        let session_end = genesis + (epoch + 1) * session_slots;
        let clock = Clock {
            session: self.value_or_default("Session", "CurrentIndex", at).await?,
            session_slots: short(session_slots),
            slots_left: short(session_end.saturating_sub(slot)),
            first: first.unwrap_or_default(),
            next,
            sessions: self.constant(STAKING, "SessionsPerEra").await.unwrap_or_default(),
        };
        let (end, election) = clock.times();
        let election = match (election, next) {
            (Some(blocks), _) => NextElection::In(blocks),
            (None, None) => NextElection::Overdue,
            (None, Some(_)) => {
                let (exposure, _) = self.era_of(era.saturating_add(1), account, at).await?;
                NextElection::Done { elected: exposure.is_some() }
            },
        };
        let era_blocks = clock.sessions.saturating_mul(clock.session_slots);
        Ok(Schedule { era, height, block_ms, era_blocks, end, election })
    }

    async fn first_session(&self, era: Era, at: Digest) -> Result<Option<u32>> {
        let key = twox_map_key(STAKING, "ErasStartSessionIndex", &era);
        self.rpc().storage_value(&key, Some(at)).await
    }

    async fn value_or_default<T: Decode + Default>(
        &self,
        pallet: &str,
        item: &str,
        at: Digest,
    ) -> Result<T> {
        let value = self.rpc().storage_value(&value_key(pallet, item), Some(at)).await?;
        Ok(value.unwrap_or_default())
    }
}

fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eras of 36 sessions of 300 slots; era 2 began with session 72.
    fn clock(session: u32, slots_left: u32, next: Option<u32>) -> Clock {
        Clock { session, session_slots: 300, slots_left, first: 72, next, sessions: 36 }
    }

    #[test]
    fn an_election_is_a_session_before_the_end_of_the_era() {
        assert_eq!(clock(72, 300, None).times(), (Some(10_800), Some(10_500)));
        assert_eq!(clock(106, 1, None).times(), (Some(301), Some(1)));
        // The election was at the beginning of this session.
        assert_eq!(clock(107, 300, Some(108)).times(), (Some(300), None));
        assert_eq!(clock(107, 1, Some(108)).times(), (Some(1), None));
    }

    #[test]
    fn an_era_goes_on_until_an_election_succeeds() {
        assert_eq!(clock(107, 300, None).times(), (None, None));
        assert_eq!(clock(120, 300, None).times(), (None, None));
        // The validators of the session after the next one are elected.
        assert_eq!(clock(120, 5, Some(121)).times(), (Some(5), None));
    }

    #[test]
    fn later_eras_begin_an_era_later_each() {
        let schedule = Schedule {
            era: 7,
            era_blocks: 10_800,
            end: Some(400),
            election: NextElection::In(100),
            ..Default::default()
        };
        assert_eq!(schedule.blocks_until(8), Some(400));
        assert_eq!(schedule.blocks_until(10), Some(400 + 2 * 10_800));
        assert_eq!(schedule.blocks_until(7), None, "it has begun");
        assert_eq!(schedule.blocks_until(6), None);
        assert_eq!(Schedule { end: None, ..schedule }.blocks_until(9), None);
    }
}
