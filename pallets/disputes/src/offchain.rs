//! The offchain worker: defends the results of the operators whose worker keys this node holds,
//! and disputes wrong results of others where the node holds a watcher's key.
//!
//! It is convenience, never authority: whatever it submits is checked as if a stranger had sent
//! it. It keeps notes of what it has handed in, and of the results that it found right. Nothing
//! is lost with them.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use assay_dispute::{Answer, Choice, MoveEffect, Party};
use assay_engine_interface::engine;
use assay_primitives::{
    dispute::{tensor_data, DisputeId, DisputeJob, DisputeTask},
    engine::JobStatus,
    traits::OptimisticResults,
    worker_crypto, BlockNumber, Digest, RequestId, Statement, WorkerSignature,
};
use codec::{Decode, Encode};
use frame_system::offchain::{
    AppCrypto, CreateAuthorizedTransaction, SendSignedTransaction, Signer, SubmitTransaction,
};
use sp_application_crypto::RuntimeAppPublic;
use sp_core::offchain::StorageKind;
use sp_runtime::traits::IdentifyAccount;

use crate::{Call, Config, Dispute, OpenDisputes, Pallet, Verdicts};

/// Log target of everything about disputes.
const LOG: &str = "assay";
/// Where the node keeps its notes.
const NOTES: &[u8] = b"assay/disputes/notes";
/// Milliseconds for which one call waits for the engine in all. What takes longer is fetched at a
/// later block.
const WAIT_BUDGET_MS: u64 = 1_000;
/// After how many blocks the same is handed in again, if it is still awaited: pools drop
/// transactions, and blocks are abandoned.
const HAND_IN_AGAIN: BlockNumber = 3;

/// What this node has done about results and disputes that are open.
#[derive(Default, Encode, Decode)]
struct Notes {
    /// Results that are right, with the digest of what was compared.
    right: BTreeMap<RequestId, Digest>,
    /// Disputes opened, by request, with the height of the attempt.
    opened: BTreeMap<RequestId, BlockNumber>,
    /// Moves handed in, by dispute: digest of the stage, and height.
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
            .is_some_and(|(of, at)| *of == stage && now.saturating_sub(*at) < HAND_IN_AGAIN)
    }
}

/// A watcher's key on this node.
struct Watcher<T: Config> {
    public: T::Public,
    account: T::AccountId,
}

impl<T: Config> Pallet<T> {
    /// Does what there is to do at this block.
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

    /// Answers in the disputes over results of operators on this node.
    fn defend(open: &BTreeMap<DisputeId, Dispute<T::AccountId>>, notes: &mut Notes, until: u64) {
        let keys: BTreeSet<_> = worker_crypto::Public::all().into_iter().collect();
        let now = Self::now();
        for (id, dispute) in open {
            let ours = T::Results::result(dispute.request)
                .and_then(|result| result.worker)
                .filter(|worker| keys.contains(worker));
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
            // A move that does not follow from the claim loses at once; silence only later, and
            // somebody may find out why until then.
            let checked = Self::claim_data(dispute.request)
                .map(|data| dispute.stage.clone().answer(&data.claim(), &answer));
            if !matches!(checked, Ok(Ok(MoveEffect::Next(_) | MoveEffect::Won(Party::Defender)))) {
                log::error!(
                    target: LOG,
                    "dispute {id}: what the engine computes is not what was claimed: {checked:?}",
                );
                continue;
            }
            let statement = Self::answer_statement(*id, dispute, &answer);
            let Some(signature) = worker.sign(&statement.signing_bytes()) else {
                log::error!(target: LOG, "dispute {id}: the keystore does not sign");
                continue;
            };
            let signature = WorkerSignature::from(signature);
            let call = Call::answer { dispute: *id, stage, answer, signature };
            Self::submit(*id, call);
            notes.moved.insert(*id, (stage, now));
        }
    }

    fn submit(id: DisputeId, call: Call<T>) {
        let transaction =
            <T as CreateAuthorizedTransaction<Call<T>>>::create_authorized_transaction(call.into());
        match SubmitTransaction::<T, Call<T>>::submit_transaction(transaction) {
            Ok(()) => log::info!(target: LOG, "dispute {id}: answered"),
            // The same was handed in at an earlier block, or a block has just taken it in.
            Err(()) => {
                log::debug!(target: LOG, "dispute {id}: the pool has it already, or refuses it")
            },
        }
    }

    /// The first watcher's key of this node.
    fn watcher() -> Option<Watcher<T>> {
        let key = <T::WatcherCrypto as AppCrypto<T::Public, T::Signature>>::RuntimeAppPublic::all()
            .into_iter()
            .next()?;
        let generic: <T::WatcherCrypto as AppCrypto<T::Public, T::Signature>>::GenericPublic =
            key.into();
        let public: T::Public = generic.into();
        Some(Watcher { account: public.clone().into_account(), public })
    }

    /// Runs the models of open results, disputes those that are wrong, and moves in its disputes.
    fn watch(
        watcher: &Watcher<T>,
        open: &BTreeMap<DisputeId, Dispute<T::AccountId>>,
        notes: &mut Notes,
        until: u64,
    ) {
        let now = Self::now();
        let own = open.iter().filter(|(_, dispute)| dispute.challenger == watcher.account);
        let disputed: BTreeSet<RequestId> =
            own.clone().map(|(_, dispute)| dispute.request).collect();
        let disputable: BTreeSet<RequestId> = T::Results::disputable().into_iter().collect();
        notes.right.retain(|request, _| disputable.contains(request));
        notes.opened.retain(|request, _| disputable.contains(request));
        for request in disputable.difference(&disputed) {
            let Some(claimed) = T::Results::output(*request) else { continue };
            let compared = assay_primitives::digest(&claimed);
            let lately =
                notes.opened.get(request).is_some_and(|at| now.saturating_sub(*at) < HAND_IN_AGAIN);
            if notes.right.get(request) == Some(&compared) || lately {
                continue;
            }
            let Some((payload, _)) =
                Self::ask::<(Vec<u8>, Digest)>(*request, DisputeTask::Claim, until)
            else {
                continue;
            };
            let Some(computed) = tensor_data(&payload) else { continue };
            // Roots are not compared: a right output harms nobody.
            if computed == claimed {
                notes.right.insert(*request, compared);
                continue;
            }
            log::warn!(target: LOG, "request {request}: the result is wrong, and is disputed");
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
                    log::error!(target: LOG, "dispute {id}: nothing differs, it will be lost");
                },
                None => {},
            }
        }
    }

    /// Returns whether the pool has taken the call. It does not where another one of the watcher
    /// is under way with the same nonce; then the next block is the time to try again.
    fn send(watcher: &Watcher<T>, call: Call<T>) -> bool {
        let signer = Signer::<T, T::WatcherCrypto>::any_account()
            .with_filter(Vec::from([watcher.public.clone()]));
        match signer.send_signed_transaction(|_| call.clone()) {
            Some((_, Ok(()))) => {
                log::info!(target: LOG, "a move in a dispute was handed in");
                return true;
            },
            Some((_, Err(()))) => log::warn!(
                target: LOG,
                "the pool refuses a move in a dispute: another one is under way, or the watcher's \
                 account has no funds",
            ),
            None => log::error!(target: LOG, "the keystore does not sign with the watcher's key"),
        }
        false
    }

    /// Asks the engine about a request; `None` as long as it has no answer.
    fn ask<Reply: Decode>(request: RequestId, task: DisputeTask, until: u64) -> Option<Reply> {
        let wait_ms = until.saturating_sub(sp_io::offchain::timestamp().unix_millis()) as u32;
        let job = T::Results::job(request, wait_ms)?;
        match engine::dispute_move(DisputeJob { job, task }) {
            JobStatus::Done { output, .. } => Reply::decode(&mut &output[..]).ok(),
            JobStatus::Running => None,
            JobStatus::Unavailable(why) => {
                log::warn!(target: LOG, "request {request}: not run again yet: {why}");
                None
            },
            JobStatus::Failed(_, why) => {
                log::warn!(target: LOG, "request {request}: cannot be run again: {why}");
                None
            },
        }
    }
}
