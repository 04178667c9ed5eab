//! The offchain worker. It defends the results of the operators whose worker keys the node holds.
//! If the node holds a watcher key, it also disputes wrong results of others.
//!
//! It has no authority: the chain checks its submissions like those of any third party. Its notes
//! contain what it has submitted and which results it found right; losing them does no harm.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use assay_dispute::{Answer, Choice, MoveEffect, Party, Stage};
use assay_engine_interface::engine;
use assay_pallet_support::{submit_authorized, Chain};
use assay_primitives::{
    digest,
    dispute::{tensor_data, DisputeId, DisputeJob, DisputeTask},
    engine::JobStatus,
    traits::OptimisticResults,
    worker_crypto, BlockNumber, Digest, RequestId, Statement, WorkerId, WorkerSignature,
};
use codec::{Decode, Encode};
use frame_system::offchain::{AppCrypto, SendSignedTransaction, Signer};
use sp_application_crypto::RuntimeAppPublic;
use sp_core::offchain::StorageKind;
use sp_runtime::traits::IdentifyAccount;

use crate::{Call, Config, Dispute, OpenDisputes, Pallet, Verdicts};

/// Log target.
const LOG: &str = "assay";
/// Key of the notes in the node's offchain storage.
const NOTES: &[u8] = b"assay/disputes/notes";
/// Maximum time in milliseconds for which one call waits for the engine, all queries together.
/// Later replies are collected at a later block.
const WAIT_BUDGET_MS: u64 = 1_000;
/// Number of blocks after which a move that is still expected is submitted again. Pools drop
/// transactions, and blocks can be abandoned.
const RESUBMIT_AFTER: BlockNumber = 3;

/// Maximum number of disputes of an operator, and of results, that one block reads. The next block
/// continues after them.
const PAGE: u32 = 64;
/// Maximum number of a watcher's own disputes that one block reads. Nobody else can open them.
const OWN_DISPUTES: u32 = 1_024;

/// The node's actions in open disputes and on disputable results.
#[derive(Default, Encode, Decode)]
struct Notes {
    /// Results that were found right: digest of the compared output, and last height of the window.
    right: BTreeMap<RequestId, (Digest, BlockNumber)>,
    /// Heights at which disputes were opened lately, by request.
    opened: BTreeMap<RequestId, BlockNumber>,
    /// Heights at which moves were submitted lately, by [`Notes::key`].
    moved: BTreeMap<Digest, BlockNumber>,
    /// The last dispute that was read, by worker key.
    pages: BTreeMap<WorkerId, DisputeId>,
    /// The last result that was read.
    result: Option<RequestId>,
}

impl Notes {
    fn read() -> Self {
        sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, NOTES)
            .and_then(|bytes| Decode::decode(&mut &bytes[..]).ok())
            .unwrap_or_default()
    }

    fn write(&self) {
        sp_io::offchain::local_storage_set(StorageKind::PERSISTENT, NOTES, &self.encode());
    }

    /// Removes what has no effect any more.
    fn prune(&mut self, now: BlockNumber) {
        let is_late = |at: &BlockNumber| now.saturating_sub(*at) < RESUBMIT_AFTER;
        self.right.retain(|_, (_, until)| now <= *until);
        self.opened.retain(|_, at| is_late(at));
        self.moved.retain(|_, at| is_late(at));
    }

    /// Identifies a move. A move of an operator counts in all disputes over the result that are in
    /// the same stage, a move of a challenger in one.
    fn key(request: RequestId, of: Option<DisputeId>, stage: &Stage) -> Digest {
        digest(&(request, of, stage).encode())
    }
}

/// A watcher key on this node.
struct Watcher<T: Config> {
    public: T::Public,
    account: T::AccountId,
}

impl<T: Config> Pallet<T> {
    /// Makes the moves that are due at this block.
    pub(crate) fn take_part() {
        if engine::info().is_none() {
            return;
        }
        let until = sp_io::offchain::timestamp().unix_millis() + WAIT_BUDGET_MS;
        let before = Notes::read();
        let mut notes = Notes::read();
        notes.prune(T::now());
        let keys = worker_crypto::Public::all();
        notes.pages.retain(|worker, _| keys.contains(worker));
        for worker in &keys {
            Self::defend(worker, &mut notes, until);
        }
        if let Some(watcher) = Self::watcher() {
            Self::watch(&watcher, &mut notes, until);
        }
        if notes.encode() != before.encode() {
            notes.write();
        }
    }

    /// The disputes among these that are not decided, the most urgent first.
    fn undecided(ids: Vec<DisputeId>) -> Vec<(DisputeId, Dispute<T::AccountId>)> {
        let mut open: Vec<_> = ids
            .into_iter()
            .filter_map(|id| Some((id, Self::current(id)?)))
            .filter(|(_, dispute)| {
                !Verdicts::<T>::contains_key(dispute.request) && !Self::is_computed(dispute)
            })
            .collect();
        open.sort_by_key(|(id, dispute)| (dispute.deadline, *id));
        open
    }

    /// Makes the moves of the operator with this worker key, in the next page of its disputes.
    fn defend(worker: &WorkerId, notes: &mut Notes, until: u64) {
        let Some(operator) = T::Results::operator_of(worker) else { return };
        let page = Self::disputes_of(&operator, notes.pages.get(worker).copied(), PAGE);
        match page.last() {
            Some(last) if page.len() == PAGE as usize => {
                notes.pages.insert(worker.clone(), *last);
            },
            _ => {
                notes.pages.remove(worker);
            },
        }
        let now = T::now();
        for (id, dispute) in &Self::undecided(page) {
            let Some(result) = T::Results::result(dispute.request) else { continue };
            let is_ours = result.operator == operator && result.worker.as_ref() == Some(worker);
            if !is_ours || dispute.stage.turn() != Party::Defender {
                continue;
            }
            let stage = dispute.stage.digest().into();
            let key = Notes::key(dispute.request, None, &dispute.stage);
            if Self::is_late(dispute, now + 1) || notes.moved.contains_key(&key) {
                continue;
            }
            let task = DisputeTask::Answer(dispute.stage.encode());
            let Some(Some(answer)) = Self::ask::<Option<Answer>>(dispute.request, task, until)
            else {
                continue;
            };
            // A move that does not follow from the claim loses immediately. Without a move the
            // dispute is lost only at the deadline, which leaves time to find the cause.
            let checked = Self::effect(dispute, &answer);
            if !matches!(checked, Ok(Ok(MoveEffect::Next(_) | MoveEffect::Won(Party::Defender)))) {
                log::error!(
                    target: LOG,
                    "dispute {id}: no move submitted, because the engine's move does not follow \
                     from the submitted result; check the engine and the model before the \
                     deadline: {checked:?}",
                );
                continue;
            }
            let statement = Self::answer_statement(dispute, &result, &answer);
            let Some(signature) = worker.sign(&statement.signing_bytes()) else {
                log::error!(
                    target: LOG,
                    "dispute {id}: the keystore cannot sign with the worker key",
                );
                continue;
            };
            let signature = WorkerSignature::from(signature);
            let call = Call::answer { dispute: *id, stage, answer, signature };
            Self::submit(*id, call);
            notes.moved.insert(key, now);
        }
    }

    fn submit(id: DisputeId, call: Call<T>) {
        match submit_authorized::<T, _>(call) {
            Ok(()) => log::info!(target: LOG, "dispute {id}: submitted the operator's move"),
            // Usually an earlier submission is still in the pool or has just been included.
            Err(()) => {
                log::debug!(target: LOG, "dispute {id}: the pool has the move already, or refuses it")
            },
        }
    }

    /// The first watcher key of this node.
    fn watcher() -> Option<Watcher<T>> {
        let key = <T::WatcherCrypto as AppCrypto<T::Public, T::Signature>>::RuntimeAppPublic::all()
            .into_iter()
            .next()?;
        let generic: <T::WatcherCrypto as AppCrypto<T::Public, T::Signature>>::GenericPublic =
            key.into();
        let public: T::Public = generic.into();
        Some(Watcher { account: public.clone().into_account(), public })
    }

    /// Re-runs the models of disputable results, disputes wrong results, and makes the challenger's
    /// moves in the watcher's disputes.
    fn watch(watcher: &Watcher<T>, notes: &mut Notes, until: u64) {
        let now = T::now();
        let own = Self::disputes_of(&watcher.account, None, OWN_DISPUTES);
        let disputed: BTreeSet<RequestId> = own
            .iter()
            .filter_map(OpenDisputes::<T>::get)
            .filter(|dispute| dispute.challenger == watcher.account)
            .map(|dispute| dispute.request)
            .collect();
        let page = T::Results::disputable(notes.result, PAGE);
        notes.result = page.last().copied().filter(|_| page.len() == PAGE as usize);
        for request in page.iter().filter(|request| !disputed.contains(request)) {
            let Some(claimed) = T::Results::output(*request) else { continue };
            let compared = digest(&claimed);
            let is_right = notes.right.get(request).is_some_and(|(of, _)| *of == compared);
            if is_right || notes.opened.contains_key(request) {
                continue;
            }
            let Some((payload, _)) =
                Self::ask::<(Vec<u8>, Digest)>(*request, DisputeTask::Claim, until)
            else {
                continue;
            };
            let Some(computed) = tensor_data(&payload) else { continue };
            // Only outputs are compared: a wrong root with a right output harms nobody.
            if computed == claimed {
                let until = T::Results::result(*request).map_or(now, |one| one.disputable_until);
                notes.right.insert(*request, (compared, until));
                continue;
            }
            log::warn!(target: LOG, "request {request}: the result is wrong; opening a dispute");
            // Others may open disputes before. If their number doubles, this one is tried again.
            let max_bond = Self::next_bond(*request).saturating_mul(2);
            if Self::send(watcher, Call::open { request: *request, max_bond }) {
                notes.opened.insert(*request, now);
            }
        }
        for (id, dispute) in &Self::undecided(own) {
            let key = Notes::key(dispute.request, Some(*id), &dispute.stage);
            if dispute.challenger != watcher.account
                || dispute.stage.turn() != Party::Challenger
                || Self::is_late(dispute, now + 1)
                || notes.moved.contains_key(&key)
            {
                continue;
            }
            let task = DisputeTask::Choose {
                stage: dispute.stage.encode(),
                shown: Self::shown(dispute.request, &dispute.stage).encode(),
            };
            match Self::ask::<Option<Choice>>(dispute.request, task, until) {
                Some(Some(choice)) => {
                    let is_taken = Self::send(watcher, Call::choose { dispute: *id, choice });
                    if is_taken {
                        notes.moved.insert(key, now);
                    }
                },
                Some(None) => {
                    log::error!(
                        target: LOG,
                        "dispute {id}: no difference to the operator's trace was found; the \
                         dispute will be lost",
                    );
                },
                None => {},
            }
        }
    }

    /// Submits a call. Returns whether the pool accepted it. The pool refuses it while another
    /// transaction of the watcher has the same nonce; it is submitted again at the next block.
    fn send(watcher: &Watcher<T>, call: Call<T>) -> bool {
        let signer = Signer::<T, T::WatcherCrypto>::any_account()
            .with_filter(Vec::from([watcher.public.clone()]));
        match signer.send_signed_transaction(|_| call.clone()) {
            Some((_, Ok(()))) => {
                log::info!(target: LOG, "submitted a watcher's move in a dispute");
                return true;
            },
            Some((_, Err(()))) => log::warn!(
                target: LOG,
                "the pool refuses a watcher's move in a dispute: another transaction is pending, \
                 or the watcher's account has no funds",
            ),
            None => log::error!(target: LOG, "the keystore cannot sign with the watcher key"),
        }
        false
    }

    /// Queries the engine about a request; `None` until there is a reply.
    fn ask<Reply: Decode>(request: RequestId, task: DisputeTask, until: u64) -> Option<Reply> {
        let wait_ms = until.saturating_sub(sp_io::offchain::timestamp().unix_millis()) as u32;
        let job = T::Results::job(request, wait_ms)?;
        match engine::dispute_move(DisputeJob { job, task }) {
            JobStatus::Done { output, .. } => Reply::decode(&mut &output[..]).ok(),
            JobStatus::Running => None,
            JobStatus::Unavailable(why) => {
                log::warn!(target: LOG, "request {request}: not re-run yet: {why}");
                None
            },
            JobStatus::Failed(_, why) => {
                log::warn!(target: LOG, "request {request}: cannot be re-run: {why}");
                None
            },
        }
    }
}
