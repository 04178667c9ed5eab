//! How disputes ended, according to the events of the blocks that ended them.

use std::future::Future;

pub use assay_primitives::dispute::DisputeCause;
use assay_primitives::{
    dispute::DisputeId, operator::Offence, runtime_api::DisputeView, Balance, BlockNumber, Digest,
    RequestId,
};
use codec::Decode;
use serde::Serialize;

use crate::{rpc, storage, AccountId, Client, Error, Result};

/// Number of final blocks whose state a node keeps by default, without `--state-pruning`:
/// `DEFAULT_MAX_BLOCK_CONSTRAINT` of the crate `sc-state-db`. Events are part of the state.
pub const STATES_KEPT: BlockNumber = 256;

/// Number of searches for the end of a dispute. A reorganisation may invalidate the first.
const MAX_SEARCHES: u32 = 2;

/// The end of a dispute, from the challenger's side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The challenger won: the result is wrong, or was not defended.
    Won,
    /// The operator won. The challenger has lost its bond.
    Lost,
    /// Another dispute over the same result was won first. The bond was returned, less the price of
    /// the room that the operator's moves took.
    Void,
}

/// How a dispute ended.
///
/// A field is `None` if the events of the block that ended the dispute do not contain it, and the
/// node does not keep the state of the block before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DisputeEnd {
    /// The dispute.
    pub dispute: DisputeId,
    /// The request whose result was disputed.
    pub request: Option<RequestId>,
    /// The operator that claimed the result.
    pub operator: Option<AccountId>,
    /// The account that disputed it.
    pub challenger: Option<AccountId>,
    /// The end.
    pub outcome: Ending,
    /// What decided the dispute; `None` if it is void.
    pub cause: Option<DisputeCause>,
    /// The challenger's bond in plancks: forfeited if the dispute was lost, else returned.
    pub bond: Option<Balance>,
    /// The part of it that paid for the room of the operator's moves, in plancks. Zero unless the
    /// dispute is void.
    pub spent: Balance,
    /// The challenger's reward from the operator's bond, in plancks. Zero unless the dispute was won.
    pub reward: Balance,
    /// The operator's compensation from the challenger's bond, in plancks; the rest went to the
    /// treasury. Zero unless the dispute was lost.
    pub compensation: Balance,
    /// Height of the block that ended it.
    pub height: BlockNumber,
}

/// The status of a dispute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DisputeStatus {
    /// It is open, or decided and not closed yet.
    Open(Box<DisputeView<AccountId>>),
    /// It has ended.
    Ended(Box<DisputeEnd>),
}

/// An event that concerns a dispute.
pub(super) enum DisputeEvent {
    /// A dispute was opened.
    Opened { dispute: DisputeId, request: RequestId, challenger: AccountId, bond: Balance },
    /// An operator's bond paid a reward to a challenger. Precedes the end that it belongs to.
    Rewarded(Balance),
    /// A challenger's bond paid compensation to an operator. Precedes the end that it belongs to.
    Compensated(Balance),
    /// A dispute ended.
    Ended {
        dispute: DisputeId,
        request: Option<RequestId>,
        challenger: Option<AccountId>,
        outcome: Ending,
        cause: Option<DisputeCause>,
        forfeited: Option<Balance>,
        spent: Balance,
    },
}

impl DisputeEvent {
    /// Decodes the fields of an event, by its pallet and name; `None` if it does not concern
    /// disputes.
    fn decode(pallet: &str, name: &str, mut bytes: &[u8]) -> Result<Option<Self>, codec::Error> {
        let bytes = &mut bytes;
        Ok(Some(match (pallet, name) {
            ("Disputes", "Opened") => {
                let (dispute, request, _, challenger, bond) =
                    <(DisputeId, RequestId, AccountId, AccountId, Balance)>::decode(bytes)?;
                Self::Opened { dispute, request, challenger, bond }
            },
            ("Operators", "Penalised") => {
                match <(AccountId, Offence, Balance)>::decode(bytes)? {
                    // The whole amount goes to the challenger.
                    (_, Offence::LostDispute, amount) => Self::Rewarded(amount),
                    _ => return Ok(None),
                }
            },
            ("Settlement", "Forfeited") => {
                let (_, _, compensation) = <(AccountId, Balance, Balance)>::decode(bytes)?;
                Self::Compensated(compensation)
            },
            ("Disputes", "Won" | "Lost") => {
                let (dispute, request, challenger, cause) =
                    <(DisputeId, RequestId, AccountId, DisputeCause)>::decode(bytes)?;
                let (outcome, forfeited) = match name {
                    "Won" => (Ending::Won, None),
                    _ => (Ending::Lost, Some(Balance::decode(bytes)?)),
                };
                Self::Ended {
                    dispute,
                    request: Some(request),
                    challenger: Some(challenger),
                    outcome,
                    cause: Some(cause),
                    forfeited,
                    spent: 0,
                }
            },
            ("Disputes", "Void") => {
                let (dispute, spent) = <(DisputeId, Balance)>::decode(bytes)?;
                Self::Ended {
                    dispute,
                    request: None,
                    challenger: None,
                    outcome: Ending::Void,
                    cause: None,
                    forfeited: None,
                    spent,
                }
            },
            _ => return Ok(None),
        }))
    }
}

/// How a dispute ended in a block, by the block's events in their order.
fn end_among(
    id: DisputeId,
    height: BlockNumber,
    events: impl IntoIterator<Item = DisputeEvent>,
) -> Option<DisputeEnd> {
    let (mut rewarded, mut compensated) = (0, 0);
    for event in events {
        match event {
            DisputeEvent::Rewarded(amount) => rewarded = amount,
            DisputeEvent::Compensated(amount) => compensated = amount,
            DisputeEvent::Ended {
                dispute,
                request,
                challenger,
                outcome,
                cause,
                forfeited,
                spent,
            } if dispute == id => {
                return Some(DisputeEnd {
                    dispute,
                    request,
                    operator: None,
                    challenger,
                    outcome,
                    cause,
                    bond: forfeited,
                    spent,
                    reward: if outcome == Ending::Won { rewarded } else { 0 },
                    compensation: if outcome == Ending::Lost { compensated } else { 0 },
                    height,
                })
            },
            DisputeEvent::Opened { .. } | DisputeEvent::Ended { .. } => {},
        }
    }
    None
}

/// Adds the fields that the events do not contain, from the dispute in the block before.
fn complete(end: DisputeEnd, before: DisputeView<AccountId>) -> DisputeEnd {
    DisputeEnd {
        request: Some(before.request),
        operator: Some(before.operator),
        challenger: Some(before.challenger),
        bond: end.bond.or(Some(before.bond)),
        ..end
    }
}

/// The first height at which a condition holds, by binary search. The condition is monotonic, does
/// not hold at height 0 and holds at `last`. Evaluates it at most 32 times.
async fn first_height<Answer: Future<Output = Result<bool>>>(
    last: BlockNumber,
    holds: impl Fn(BlockNumber) -> Answer,
) -> Result<BlockNumber> {
    let (mut before, mut first) = (0, last);
    while first.saturating_sub(before) > 1 {
        let middle = before + (first - before) / 2;
        match holds(middle).await? {
            true => first = middle,
            false => before = middle,
        }
    }
    Ok(first)
}

/// Whether the node's answer is that it does not keep the state of a block.
fn is_pruned(error: &Error) -> bool {
    matches!(error, Error::Rpc { message, .. } if message.contains("State already discarded"))
}

impl Client {
    /// The status of a dispute.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if no dispute ever had this number, or if the node no longer keeps the
    /// state of the block in which it ended: see [`STATES_KEPT`].
    pub async fn dispute_status(&self, id: DisputeId) -> Result<DisputeStatus> {
        let head = self.rpc().header(None).await?;
        let (hash, height) = (rpc::header_hash(&head), rpc::height(&head));
        if let Some(view) = self.dispute(id, Some(hash)).await? {
            return Ok(DisputeStatus::Open(Box::new(view)));
        }
        if !self.was_opened(id, Some(hash)).await? {
            return Err(unknown(id));
        }
        for _ in 0..MAX_SEARCHES {
            let first = first_height(height, |height| self.had_ended(id, height)).await?;
            match self.end_in(id, first).await {
                Ok(Some(end)) => return Ok(DisputeStatus::Ended(Box::new(end))),
                Err(error) if !is_pruned(&error) => return Err(error),
                Ok(None) | Err(_) => {},
            }
        }
        Err(not_kept(id))
    }

    /// Whether a dispute had been opened, at a block. `None`: the best one.
    pub(crate) async fn was_opened(&self, id: DisputeId, at: Option<Digest>) -> Result<bool> {
        let key = storage::value_key("Disputes", "NextDispute");
        let next: Option<DisputeId> = self.rpc().storage_value(&key, at).await?;
        Ok(next.is_some_and(|next| id < next))
    }

    /// Whether a dispute had ended, at a height. Also false if the node does not keep the state of
    /// that block, because then its events are not available either.
    async fn had_ended(&self, id: DisputeId, height: BlockNumber) -> Result<bool> {
        let Some(block) = self.rpc().block_hash(height).await? else { return Ok(false) };
        let key = storage::twox_map_key("Disputes", "OpenDisputes", &id);
        let ended = async {
            let open = self.rpc().storage(&key, Some(block)).await?.is_some();
            Ok(!open && self.was_opened(id, Some(block)).await?)
        };
        match ended.await {
            Err(error) if is_pruned(&error) => Ok(false),
            answer => answer,
        }
    }

    /// How a dispute ended in the blocks `open_at + 1 ..= height`; `None` if it did not.
    pub(super) async fn dispute_end(
        &self,
        id: DisputeId,
        open_at: BlockNumber,
        height: BlockNumber,
    ) -> Result<Option<DisputeEnd>> {
        for height in open_at.saturating_add(1)..=height {
            if let Some(end) = self.end_in(id, height).await? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// How a dispute ended in the block at `height`; `None` if it did not.
    async fn end_in(&self, id: DisputeId, height: BlockNumber) -> Result<Option<DisputeEnd>> {
        let Some(block) = self.rpc().block_hash(height).await? else { return Ok(None) };
        let Some(end) = end_among(id, height, self.dispute_events(block).await?) else {
            return Ok(None);
        };
        let parent = self.rpc().header(Some(block)).await?.parent_hash;
        match self.dispute(id, Some(parent)).await {
            Ok(Some(before)) => Ok(Some(complete(end, before))),
            // The same block opened and ended it.
            Ok(None) => Ok(Some(end)),
            Err(error) if is_pruned(&error) => Ok(Some(end)),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn dispute_events(&self, block: Digest) -> Result<Vec<DisputeEvent>> {
        let unreadable = |reason: String| Error::Answer { method: "System.Events".into(), reason };
        let runtime = self.runtime().await?;
        let bytes = self.rpc().storage(&storage::events_key(), Some(block)).await?;
        let events = runtime.at.events().from_bytes(bytes.unwrap_or_default());
        let mut found = Vec::new();
        for event in events.iter() {
            let event = event.map_err(|error| unreadable(error.to_string()))?;
            let (pallet, name) = (event.pallet_name(), event.event_name());
            let decoded = DisputeEvent::decode(pallet, name, event.field_bytes());
            found.extend(decoded.map_err(|error| unreadable(error.to_string()))?);
        }
        Ok(found)
    }
}

/// The error that no dispute ever had this number.
pub(crate) fn unknown(id: DisputeId) -> Error {
    Error::not_found(format!("there is no dispute {id}; `dispute list` shows the open ones"))
}

/// The error that the node no longer keeps the events of the end.
fn not_kept(id: DisputeId) -> Error {
    Error::not_found(format!(
        "dispute {id} has ended, but this node no longer keeps the state of that block (nodes keep \
         {STATES_KEPT} final blocks by default). Ask a node that was started with `--state-pruning \
         archive`, or see how the request ended with `request show`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use codec::Encode;
    use std::cell::Cell;

    const ID: DisputeId = DisputeId(3);
    const REQUEST: RequestId = RequestId(7);

    fn operator() -> AccountId {
        AccountId::from([1; 32])
    }

    fn challenger() -> AccountId {
        AccountId::from([2; 32])
    }

    fn read(pallet: &str, name: &str, fields: impl Encode) -> DisputeEvent {
        let bytes = fields.encode();
        assert!(DisputeEvent::decode(pallet, name, &bytes[..4]).is_err(), "{name}");
        DisputeEvent::decode(pallet, name, &bytes).unwrap().unwrap()
    }

    fn won(id: DisputeId, cause: u8) -> DisputeEvent {
        read("Disputes", "Won", (id, REQUEST, challenger(), cause))
    }

    fn lost(id: DisputeId, cause: u8, forfeited: Balance) -> DisputeEvent {
        read("Disputes", "Lost", (id, REQUEST, challenger(), cause, forfeited))
    }

    fn rewarded(amount: Balance) -> DisputeEvent {
        read("Operators", "Penalised", (operator(), Offence::LostDispute, amount))
    }

    fn compensated(amount: Balance) -> DisputeEvent {
        read("Settlement", "Forfeited", (challenger(), 2 * amount, amount))
    }

    fn view() -> DisputeView<AccountId> {
        DisputeView {
            id: ID,
            request: REQUEST,
            operator: operator(),
            challenger: challenger(),
            bond: 10,
            spent: 0,
            penalty: 600,
            reward: 70,
            opened_at: 90,
            deadline: 110,
            response: 10,
            stage: Vec::new(),
            shown: Vec::new(),
            verdict: None,
        }
    }

    #[test]
    fn opening_events_are_decoded_and_unrelated_events_are_skipped() {
        let opened = (ID, REQUEST, operator(), challenger(), 20u128, 9u32);
        match read("Disputes", "Opened", opened) {
            DisputeEvent::Opened { dispute: ID, request: REQUEST, challenger: who, bond: 20 } => {
                assert_eq!(who, challenger());
            },
            _ => panic!("another event"),
        }
        let wrong = (operator(), Offence::WrongResult, 600u128).encode();
        assert!(DisputeEvent::decode("Operators", "Penalised", &wrong).unwrap().is_none());
        assert!(DisputeEvent::decode("Disputes", "Answered", &[]).unwrap().is_none());
        // Other pallets may have events of these names.
        assert!(DisputeEvent::decode("Lottery", "Won", &[]).unwrap().is_none());
    }

    #[test]
    fn a_block_tells_what_became_of_each_dispute() {
        let events = || {
            let void = read("Disputes", "Void", (DisputeId(5), 3u128));
            [rewarded(70), won(ID, 1), compensated(5), lost(DisputeId(4), 3, 11), void]
        };
        let end = |id| end_among(id, 100, events());
        let won = DisputeEnd {
            dispute: ID,
            request: Some(REQUEST),
            operator: None,
            challenger: Some(challenger()),
            outcome: Ending::Won,
            cause: Some(DisputeCause::Silence),
            bond: None,
            spent: 0,
            reward: 70,
            compensation: 0,
            height: 100,
        };
        assert_eq!(end(ID), Some(won.clone()));
        let lost = DisputeEnd {
            dispute: DisputeId(4),
            outcome: Ending::Lost,
            cause: Some(DisputeCause::Proof),
            bond: Some(11),
            reward: 0,
            compensation: 5,
            ..won.clone()
        };
        assert_eq!(end(DisputeId(4)), Some(lost.clone()));
        let void = DisputeEnd {
            dispute: DisputeId(5),
            request: None,
            challenger: None,
            outcome: Ending::Void,
            cause: None,
            spent: 3,
            reward: 0,
            ..won.clone()
        };
        assert_eq!(end(DisputeId(5)), Some(void.clone()));
        assert_eq!(end(DisputeId(6)), None);

        // The block before has the rest. The forfeited amount of the event takes precedence.
        let (who, by) = (Some(operator()), Some(challenger()));
        let request = Some(REQUEST);
        assert_eq!(
            complete(void.clone(), view()),
            DisputeEnd { request, operator: who.clone(), challenger: by, bond: Some(10), ..void }
        );
        assert_eq!(complete(lost.clone(), view()), DisputeEnd { operator: who, ..lost });
    }

    /// Searches for the end of a dispute on a chain up to `best`, where states from `kept` on are
    /// available and the dispute has ended at `end`. Also returns the number of evaluations.
    fn look(best: BlockNumber, kept: BlockNumber, end: BlockNumber) -> (BlockNumber, u32) {
        let asked = Cell::new(0);
        let first = first_height(best, |height| {
            asked.set(asked.get() + 1);
            std::future::ready(Ok(height >= kept && height >= end))
        });
        (futures::executor::block_on(first).unwrap(), asked.get())
    }

    #[test]
    fn the_end_is_found_in_few_steps_wherever_it_is() {
        for (best, kept) in [(1, 0), (2, 0), (7, 0), (1_000, 744), (1_000, 0)] {
            for end in kept.max(1)..=best {
                assert_eq!(look(best, kept, end).0, end, "of {best}, from {kept}");
            }
        }
        let (first, asked) = look(BlockNumber::MAX, 0, 123_456_789);
        assert_eq!(first, 123_456_789);
        assert!(asked <= 32, "asked {asked} times");
        // If the end is older: the oldest state that is kept, whose events do not contain it.
        assert_eq!(look(1_000, 744, 300).0, 744);
    }

    #[test]
    fn an_error_ends_the_search() {
        let broken = |_| std::future::ready(Err(Error::Connection("gone".into())));
        let first = futures::executor::block_on(first_height(100, broken));
        assert!(matches!(first, Err(Error::Connection(_))));
    }

    #[test]
    fn unknown_disputes_pruned_ends_and_pruned_states_are_distinguished() {
        let (unknown, not_kept) = (unknown(ID).to_string(), not_kept(ID).to_string());
        assert!(unknown.starts_with("there is no dispute 3;"), "{unknown}");
        assert!(not_kept.starts_with("dispute 3 has ended"), "{not_kept}");
        assert!(not_kept.contains("256 final blocks"), "{not_kept}");
        assert!(not_kept.contains("--state-pruning archive"), "{not_kept}");
        let answered = |message: &str| {
            let method = "state_getStorage".to_owned();
            is_pruned(&Error::Rpc { method, code: 4003, message: message.to_owned() })
        };
        assert!(answered("Client error: UnknownBlock: State already discarded for 0x12"));
        assert!(!answered("Client error: UnknownBlock: header not found in db: 0x12"));
        assert!(!is_pruned(&Error::Connection("State already discarded".into())));
    }
}
