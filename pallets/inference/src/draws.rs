//! The draws at the start of a block, within a weight budget.
//!
//! The author of a block knows the seeds of its draws before it makes the block. At the start of the
//! block nothing that it chooses to include can have changed who is drawn from.

use alloc::{collections::BTreeSet, vec::Vec};
use assay_pallet_support::Chain;
use assay_primitives::{
    assurance::MAX_COMMITTEE,
    runtime_api::Status,
    traits::{BlockRandomness, BlockVrf, OnRequestFinal, Operators},
    BlockNumber, Draw, RequestId, VersionId,
};
use codec::Encode;
use frame_support::{traits::Get, weights::Weight};

use crate::{
    transitions::{Pool, Turn},
    Agenda, Config, Pallet, Queue, QueueBounds, Queued, RecentVrfs, Request, Requests, Waiting,
    WaitingKey, WeightInfo,
};

/// Number of blocks for which a waiting request rests after its first draw in vain. After each further
/// one it rests twice as long.
pub(crate) const FIRST_REST: BlockNumber = 15;

/// Number of blocks after which a request that waits is drawn again, if no run that ends has called it.
/// After each draw in vain it waits twice as long.
pub(crate) const FIRST_WAIT: BlockNumber = 60;

/// Maximum number of waiting requests that are called one after the other, each after a draw in vain,
/// because of one run that has ended. So the end of a run whose operator suits none of them puts at most
/// one more than this to rest.
pub(crate) const MAX_CALLS: u8 = 3;

/// Maximum number of draws in vain of a request: after so many it rests beyond every deadline.
pub(crate) const MAX_VAIN_DRAWS: u32 = 7;

/// Number of values that many calls of a block use, but that the block reads once. Benchmarks do not
/// count them. Four are of this pallet: `NextRequest`, `QueueBounds`, `RecentVrfs` and `Ending`. Five
/// are of others: the treasury's account, the hash of block 0, the authorities, the clocks of blocks
/// with room, and the times of disputes.
const READ_ONCE: u64 = 9;
/// Number of those that the block writes: all but the hash, the authorities and the times.
const WRITTEN_ONCE: u64 = 6;

/// The VRF outputs of the latest blocks, oldest first, with their heights.
pub(crate) type Vrfs = [(BlockNumber, BlockVrf)];

/// The draw of a request that was queued at height `from`, from the outputs since then; `None` if
/// there is none, or if `least` is two and the last two are not of different authors.
///
/// The author of the block with the request knows its own output, and may have chosen the request
/// for it. Therefore another author has to add one. Whoever makes the last block but one decides what
/// the state is that the draw is made from, so it must not know the last output.
pub(crate) fn draw_of(
    vrfs: &Vrfs,
    from: BlockNumber,
    now: BlockNumber,
    least: usize,
    id: RequestId,
) -> Option<Draw> {
    let used: Vec<_> = vrfs.iter().filter(|(height, _)| *height >= from).collect();
    let first = used.first()?.0;
    let differ = used.last_chunk().is_some_and(|[(_, one), (_, last)]| one.author != last.author);
    if least > 1 && !differ {
        return None;
    }
    let authors: BTreeSet<_> = used.iter().map(|(_, vrf)| vrf.author).collect();
    let mut bytes = b"assay/draw/2".to_vec();
    for (_, vrf) in &used {
        bytes.extend(vrf.output);
    }
    id.encode_to(&mut bytes);
    Some(Draw {
        from: first,
        block: now,
        seed: assay_primitives::digest(&bytes),
        authors: authors.len() as u8,
    })
}

/// What the draws of a block know of those before them.
pub(crate) struct Draws<AccountId> {
    /// The candidates of the last draw.
    pub pool: Option<Pool<AccountId>>,
    /// The versions for which operators were drawn.
    pub versions: BTreeSet<VersionId>,
}

impl<AccountId> Default for Draws<AccountId> {
    fn default() -> Self {
        Self { pool: None, versions: BTreeSet::new() }
    }
}

/// How many times `step` fits into `budget`.
pub(crate) fn fits(budget: Weight, step: Weight) -> u32 {
    budget.checked_div_per_component(&step).unwrap_or(u64::MAX).min(u32::MAX.into()) as u32
}

impl<T: Config> Pallet<T> {
    /// Upper bound of the weight of processing one request of the queue.
    fn turn_weight() -> Weight {
        let most = T::Operators::max_servers();
        T::WeightInfo::draw_of(most, MAX_COMMITTEE.into()).max(Self::end_weight(most))
    }

    /// Weight of a draw that finds too few candidates among `servers`, of the end of the request, and
    /// of the call of another one.
    fn end_weight(servers: u32) -> Weight {
        T::WeightInfo::draw_of(servers, 1)
            .saturating_add(T::WeightInfo::cancel())
            .saturating_add(T::OnRequestFinal::weight())
            .saturating_add(T::WeightInfo::call_waiting())
    }

    /// Weight of what a draw in vain leads to: a request that rests, and the call of another one.
    pub(crate) fn rest_weight() -> Weight {
        T::WeightInfo::note_heights(1).saturating_add(T::WeightInfo::call_waiting())
    }

    /// Number of requests with the largest committees that one block can draw. It can draw more
    /// smaller ones.
    pub fn draws_per_block() -> u32 {
        fits(T::DrawBudget::get(), Self::turn_weight())
    }

    /// Weight of what every block does, with what many calls of a block use, but the block reads and
    /// writes once. It is not in the weights of these calls.
    pub(crate) fn base_weight() -> Weight {
        T::WeightInfo::on_initialize()
            .saturating_add(T::DbWeight::get().reads_writes(READ_ONCE, WRITTEN_ONCE))
    }

    /// Draws the requests of the queue in its order, as long as the rest of the budget suffices for
    /// the most expensive one. Returns the weight spent.
    pub(crate) fn draw_queued() -> Weight {
        let mut vrfs = RecentVrfs::<T>::get();
        let Some(current) = T::Randomness::current() else { return Weight::zero() };
        if vrfs.is_full() {
            vrfs.remove(0);
        }
        let _ = vrfs.try_push((T::now(), current));
        let (_, _, due) = QueueBounds::<T>::get();
        let (budget, mut spent) = (T::DrawBudget::get(), Weight::zero());
        let mut draws = Draws::default();
        let mut passed = 0;
        while passed < due && Self::turn_weight().all_lte(budget.saturating_sub(spent)) {
            let (requests, weight) = Self::take_turn(&vrfs, &mut draws);
            passed = passed.saturating_add(requests);
            spent = spent.saturating_add(weight);
        }
        RecentVrfs::<T>::put(vrfs);
        spent
    }

    /// Takes the first request out of the queue, with its draw. If it has to wait for another author,
    /// all requests that were queued with it go to the end of the queue; their number is the error.
    fn next_queued(vrfs: &Vrfs) -> Option<Result<(RequestId, Draw, u8), u32>> {
        let (first, end, requests) = QueueBounds::<T>::get();
        let mut queued = Queue::<T>::get(first)?;
        let least = T::Randomness::authors().min(2) as usize;
        let id = queued.first;
        let Some(draw) = draw_of(vrfs, queued.from, T::now(), least, id) else {
            Queue::<T>::remove(first);
            Queue::<T>::insert(end, queued);
            QueueBounds::<T>::put((first.saturating_add(1), end.saturating_add(1), requests));
            return Some(Err(queued.count));
        };
        queued.first = RequestId(id.0.saturating_add(1));
        queued.count = queued.count.saturating_sub(1);
        let next = if queued.count > 0 {
            Queue::<T>::insert(first, queued);
            first
        } else {
            Queue::<T>::remove(first);
            first.saturating_add(1)
        };
        QueueBounds::<T>::put((next, end, requests.saturating_sub(1)));
        Some(Ok((id, draw, queued.calls)))
    }

    /// Processes the first request of the queue. Returns the number of requests that have had their
    /// turn, and the weight spent. Requests that wait for another author have had theirs, so that they
    /// do not hold up those behind them, which may have been queued in earlier blocks.
    pub(crate) fn take_turn(vrfs: &Vrfs, draws: &mut Draws<T::AccountId>) -> (u32, Weight) {
        let none = T::WeightInfo::draw_of(0, 1);
        let (id, draw, calls) = match Self::next_queued(vrfs) {
            Some(Ok(drawn)) => drawn,
            Some(Err(waiting)) => return (waiting, none),
            None => return (1, none),
        };
        let Some(mut request) = Requests::<T>::get(id) else { return (1, none) };
        let (version, size) = (request.version, request.size() as u32);
        let was_called = request.waits_since > 0;
        if was_called {
            Self::forget_next_draw(id, &mut request);
        }
        let terms = Self::draw_terms(&request, request.budget());
        let is_known = draws.pool.as_ref().is_some_and(|pool| pool.terms == terms);
        let servers = T::Operators::servers(version);
        let weight = |size| match is_known {
            true => Self::next_draw_weight(size),
            false => T::WeightInfo::draw_of(servers, size),
        };
        let forgotten = match was_called {
            true => T::WeightInfo::note_heights(1),
            false => Weight::zero(),
        };
        let spent = match Self::assign(id, request, draw, &mut draws.pool) {
            Turn::Assigned => {
                draws.versions.insert(version);
                weight(size)
            },
            Turn::Waits if was_called && !draws.versions.contains(&version) => {
                Self::rest(id, calls);
                weight(1).saturating_add(Self::rest_weight())
            },
            Turn::Waits => {
                Self::wait(id);
                weight(1)
            },
            // The capacity that this request was called for goes to the next waiting one.
            Turn::Ended => {
                Self::call(version, was_called.into(), calls);
                Self::end_weight(servers)
            },
            Turn::Over => {
                Self::call(version, was_called.into(), calls);
                none.saturating_add(T::WeightInfo::call_waiting())
            },
        };
        (1, spent.saturating_add(forgotten))
    }

    /// Has a request wait for capacity, behind all that wait already. If it has waited before, others
    /// may have taken the capacity for which it was called, and the ends of their runs call the next
    /// ones. At its old place it would be called again and again, if it only suits nobody.
    fn wait(id: RequestId) {
        Requests::<T>::mutate_extant(id, |request| {
            request.waits_since = T::now();
            let key = WaitingKey::new(request.waits_since, id);
            Waiting::<T>::insert(request.version, key, ());
            Self::draw_again(id, request, FIRST_WAIT);
        });
    }

    /// Has a request drawn again after so many blocks, or twice as many for each draw in vain.
    fn draw_again(id: RequestId, request: &mut Request<T::AccountId>, first: BlockNumber) {
        let blocks = first.saturating_mul(1 << request.vain_draws.min(MAX_VAIN_DRAWS));
        request.again_at = T::now().saturating_add(blocks);
        if request.again_at <= request.deadline {
            Agenda::<T>::insert(request.again_at, id, ());
        }
    }

    /// A request that is drawn because it was called is not drawn again for another reason.
    fn forget_next_draw(id: RequestId, request: &mut Request<T::AccountId>) {
        let at = core::mem::take(&mut request.again_at);
        if request.status == Status::Pending && !Self::agenda_heights(id, request).contains(&at) {
            Agenda::<T>::remove(at, id);
        }
    }

    /// A waiting request was called in vain: nobody has taken the capacity, but it does not suit this
    /// request. The next one that waits is called, so that nobody is held up, but at most `calls` after
    /// each other. This one rests, then it is drawn again. Its payer pays for both draws.
    fn rest(id: RequestId, calls: u8) {
        let Some(mut request) = Requests::<T>::get(id) else { return };
        Self::draw_again(id, &mut request, FIRST_REST);
        request.vain_draws = request.vain_draws.saturating_add(1);
        request.waits_since = 0;
        if let Some(left) = calls.checked_sub(1) {
            Self::call(request.version, 1, left);
        }
        Requests::<T>::insert(id, request);
    }

    /// Returns a request that has rested, or has waited long, to the queue like a new one: no run has
    /// ended for it, so there is nothing that it could leave to those that wait. If it has waited, its
    /// payer pays for this draw.
    pub(crate) fn wake(id: RequestId, mut request: Request<T::AccountId>) {
        request.again_at = 0;
        if request.waits_since > 0 {
            Waiting::<T>::remove(request.version, WaitingKey::new(request.waits_since, id));
            request.vain_draws = request.vain_draws.saturating_add(1);
            request.waits_since = 0;
        }
        Requests::<T>::insert(id, request);
        Self::enqueue(id, 1, T::now(), 0);
    }

    /// Weight of another draw among the candidates of the draw before.
    fn next_draw_weight(size: u32) -> Weight {
        let one = T::WeightInfo::draw_next(1).saturating_sub(T::WeightInfo::draw_next(0));
        let members = T::WeightInfo::draw_of(0, size).saturating_sub(T::WeightInfo::draw_of(0, 1));
        one.saturating_add(members)
    }

    /// Appends `count` requests with successive identifiers to the queue. The seeds of their draws
    /// have the VRF outputs of the blocks from height `from` on, at most of the last
    /// [`RECENT_BLOCKS`](crate::RECENT_BLOCKS). `calls`: see [`Queued::calls`].
    pub(crate) fn enqueue(first: RequestId, count: u32, from: BlockNumber, calls: u8) {
        QueueBounds::<T>::mutate(|(_, end, requests)| {
            Queue::<T>::insert(*end, Queued { first, count, from, calls });
            *end += 1;
            *requests = requests.saturating_add(count);
        });
    }

    /// Returns the requests that have waited longest for capacity at this version to the queue, at
    /// most `most`, because a run has ended. Returns their number.
    ///
    /// A request waits only while a run of its version is open. The end of a run calls as many
    /// waiting requests as the run had members. Each called request draws operators, finds the
    /// capacity taken, or calls the next one.
    pub(crate) fn call_waiting(version: VersionId, most: u32) -> u32 {
        Self::call(version, most, MAX_CALLS)
    }

    /// [`Self::call_waiting`], but `calls` others may be called if the draws are in vain.
    fn call(version: VersionId, most: u32, calls: u8) -> u32 {
        let called: Vec<_> = Waiting::<T>::iter_key_prefix(version).take(most as usize).collect();
        for key in &called {
            Waiting::<T>::remove(version, key);
            Self::enqueue(key.request(), 1, T::now(), calls);
        }
        called.len() as u32
    }
}
