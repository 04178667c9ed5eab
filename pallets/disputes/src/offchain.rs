//! The offchain worker. It defends the results of the operators whose worker keys the node holds.
//! If the node holds a watcher key, it also disputes wrong results of others.
//!
//! It has no authority: the chain checks its submissions like those of any third party. Its notes
//! contain what it has submitted and which results it found right; losing them does no harm.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use assay_dispute::{Answer, Choice, MoveEffect, Party};
use assay_engine_interface::engine;
use assay_pallet_support::{submit_authorized, Chain};
use assay_primitives::{
    dispute::{tensor_data, DisputeId, DisputeJob, DisputeTask},
    engine::JobStatus,
    traits::OptimisticResults,
    worker_crypto, BlockNumber, Digest, RequestId, Statement, WorkerSignature,
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

/// The node's actions in open disputes and on disputable results.
#[derive(Default, Encode, Decode)]
struct Notes {
    /// Results that were found right, with the digest of the compared output.
    right: BTreeMap<RequestId, Digest>,
    /// Heights at which disputes were opened, by request.
    opened: BTreeMap<RequestId, BlockNumber>,
    /// Submitted moves, by dispute: digest of the stage, and height.
    moved: BTreeMap<DisputeId, (Digest, BlockNumber)>,
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

    fn moved_lately(&self, dispute: DisputeId, stage: Digest, now: BlockNumber) -> bool {
        self.moved
            .get(&dispute)
            .is_some_and(|(of, at)| *of == stage && now.saturating_sub(*at) < RESUBMIT_AFTER)
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
        let open: BTreeMap<DisputeId, Dispute<T::AccountId>> = OpenDisputes::<T>::iter()
            .filter(|(_, dispute)| !Verdicts::<T>::contains_key(dispute.request))
            .collect();
        notes.moved.retain(|id, _| open.contains_key(id));
        Self::defend(&open, &mut notes, until);
        if let Some(watcher) = Self::watcher() {
            Self::watch(&watcher, &open, &mut notes, until);
        }
        if notes.encode() != before.encode() {
            notes.write();
        }
    }

    /// Makes the operators' moves in disputes over results of operators on this node.
    fn defend(open: &BTreeMap<DisputeId, Dispute<T::AccountId>>, notes: &mut Notes, until: u64) {
        let keys: BTreeSet<_> = worker_crypto::Public::all().into_iter().collect();
        let now = T::now();
        for (id, dispute) in open {
            let Some(result) = T::Results::result(dispute.request) else { continue };
            let ours = result.worker.clone().filter(|worker| keys.contains(worker));
            let (Some(worker), Party::Defender) = (ours, dispute.stage.turn()) else { continue };
            let stage = dispute.stage.digest().into();
            if now >= dispute.deadline || notes.moved_lately(*id, stage, now) {
                continue;
            }
            let task = DisputeTask::Answer(dispute.stage.encode());
            let Some(Some(answer)) = Self::ask::<Option<Answer>>(dispute.request, task, until)
            else {
                continue;
            };
            // A move that does not follow from the claim loses immediately. Without a move the
            // dispute is lost only at the deadline, which leaves time to find the cause.
            let checked = Self::claim_data(dispute.request)
                .map(|data| dispute.stage.clone().answer(&data.claim(), &answer));
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
            notes.moved.insert(*id, (stage, now));
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
    fn watch(
        watcher: &Watcher<T>,
        open: &BTreeMap<DisputeId, Dispute<T::AccountId>>,
        notes: &mut Notes,
        until: u64,
    ) {
        let now = T::now();
        let own = open.iter().filter(|(_, dispute)| dispute.challenger == watcher.account);
        let disputed: BTreeSet<RequestId> =
            own.clone().map(|(_, dispute)| dispute.request).collect();
        let disputable: BTreeSet<RequestId> = T::Results::disputable().into_iter().collect();
        notes.right.retain(|request, _| disputable.contains(request));
        notes.opened.retain(|request, _| disputable.contains(request));
        for request in disputable.difference(&disputed) {
            let Some(claimed) = T::Results::output(*request) else { continue };
            let compared = assay_primitives::digest(&claimed);
            let lately = notes
                .opened
                .get(request)
                .is_some_and(|at| now.saturating_sub(*at) < RESUBMIT_AFTER);
            if notes.right.get(request) == Some(&compared) || lately {
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
                notes.right.insert(*request, compared);
                continue;
            }
            log::warn!(target: LOG, "request {request}: the result is wrong; opening a dispute");
            if Self::send(watcher, Call::open { request: *request }) {
                notes.opened.insert(*request, now);
            }
        }
        for (id, dispute) in own {
            let stage = dispute.stage.digest().into();
            if dispute.stage.turn() != Party::Challenger
                || now >= dispute.deadline
                || notes.moved_lately(*id, stage, now)
            {
                continue;
            }
            let task = DisputeTask::Choose(dispute.stage.encode());
            match Self::ask::<Option<Choice>>(dispute.request, task, until) {
                Some(Some(choice)) => {
                    let is_taken = Self::send(watcher, Call::choose { dispute: *id, choice });
                    if is_taken {
                        notes.moved.insert(*id, (stage, now));
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
