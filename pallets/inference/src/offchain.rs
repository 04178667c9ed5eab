//! The offchain worker of an operator's node: it runs the models of its assignments on the engine,
//! and submits the results.
//!
//! It has no authority: the chain checks its submissions like those of any third party. The node's
//! offchain storage contains a secret, from which salts are derived, and notes of recent
//! submissions. Losing the notes does no harm: a restarted node resumes its open assignments.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    vec::Vec,
};
use assay_engine_interface::engine;
use assay_pallet_support::{submit_authorized, Chain};
use assay_primitives::{
    commitment as commitment_of, digest,
    dispute::{DisputeJob, DisputeTask},
    engine::{Job, JobInput, JobStatus, ProofContext},
    proof::{account_bytes, PROOF_DOMAIN},
    traits::{Artifacts, MemberState, Models, Operators, ProvenResult, Verification},
    worker_crypto, Assurance, BlockNumber, CommitStatement, Digest, FailureReason,
    FailureStatement, RequestId, Statement, VersionId, WorkerId, WorkerSignature,
};
use codec::{Decode, Encode};
use frame_support::{traits::Get, BoundedVec};
use sp_application_crypto::RuntimeAppPublic;
use sp_core::offchain::{Duration, StorageKind};
use sp_io::hashing::blake2_256;
use sp_runtime::offchain::storage::{MutateStorageError, StorageValueRef};

use crate::{
    listed::output_bytes, Call, Config, EncodedProof, Inputs, ListedResult, Pallet, Request,
    Requests, ResultList, TraceSignatures,
};

/// Log target.
const LOG: &str = "assay";
/// Maximum time in milliseconds for which one call waits for runs, all assignments together. Longer
/// runs are started here and collected at a later block.
const WAIT_BUDGET_MS: u64 = 1_000;
/// Minimum time in milliseconds from the start of a call to the submission. Other nodes need the
/// block first: their pools refuse a transaction that is valid only after it, and do not request it
/// again. The rest of the time until the next block suffices.
const SUBMIT_AFTER_MS: u64 = 400;
/// Maximum length in bytes of the outputs of one list. Longer lists would wait for blocks with enough
/// room.
const LIST_BYTES: u32 = 128 * 1024;
/// Key of the secret for salts in the node's offchain storage.
pub(crate) const SALT_SECRET: &[u8] = b"assay/inference/salt-secret";

/// Key of the notes in the node's offchain storage.
const NOTES: &[u8] = b"assay/inference/notes";
/// Number of blocks after which an answer that is still expected is submitted again. Pools drop
/// transactions, and blocks can be abandoned.
const RESUBMIT_AFTER: BlockNumber = 1;

/// The assignments of this node's operators, with the last submission for each.
type Notes<AccountId> = BTreeMap<(RequestId, AccountId), Option<Submitted>>;

/// The last submission for an assignment.
#[derive(Clone, Copy, Encode, Decode)]
struct Submitted {
    /// Whether it was a reveal.
    reveal: bool,
    at: BlockNumber,
}

/// What is to be submitted for an assignment.
enum Answer<T: Config> {
    /// A call of its own.
    Call(Call<T>),
    /// A result that can be in a list of results of this version.
    Listed(VersionId, ListedResult<T::MaxOutputBytes>),
}

/// An operator whose worker key this node holds.
struct LocalOperator<'a, AccountId> {
    operator: &'a AccountId,
    key: &'a WorkerId,
}

impl<T: Config> Pallet<T> {
    /// Serves the open assignments of every operator whose worker key this node holds.
    pub(crate) fn serve_assignments() {
        let start = sp_io::offchain::timestamp();
        let until = start.unix_millis() + WAIT_BUDGET_MS;
        let before = Self::notes();
        let mut notes = Notes::<T::AccountId>::new();
        let mut calls = Vec::new();
        for key in worker_crypto::Public::all() {
            let Some(operator) = T::Operators::operator_of(&key) else { continue };
            if T::Operators::worker(&operator).as_ref() != Some(&key) {
                continue;
            }
            let worker = LocalOperator { operator: &operator, key: &key };
            let mut lists = BTreeMap::<_, Vec<_>>::new();
            for id in T::Operators::assignments(&operator) {
                let Some(request) = Requests::<T>::get(id) else { continue };
                let last = before.get(&(id, operator.clone())).copied().flatten();
                let last = match Self::serve(&worker, id, &request, last, until) {
                    Some((answer, now)) => {
                        match answer {
                            Answer::Call(call) => calls.push((id, call)),
                            Answer::Listed(version, result) => {
                                Self::list(lists.entry(version).or_default(), result)
                            },
                        }
                        Some(now)
                    },
                    None => last,
                };
                notes.insert((id, operator.clone()), last);
            }
            for (version, lists) in lists {
                let call = |list| Self::list_call(&worker, version, list);
                calls.extend(lists.into_iter().filter_map(call));
            }
        }
        // The engine can forget requests that are no longer assigned to this node's operators.
        let kept: BTreeSet<_> = notes.keys().map(|(id, _)| *id).collect();
        let noted: BTreeSet<_> = before.keys().map(|(id, _)| *id).collect();
        noted.difference(&kept).for_each(|id| engine::forget(*id));
        if !(before.is_empty() && notes.is_empty()) {
            sp_io::offchain::local_storage_set(StorageKind::PERSISTENT, NOTES, &notes.encode());
        }
        if !calls.is_empty() {
            sp_io::offchain::sleep_until(start.add(Duration::from_millis(SUBMIT_AFTER_MS)));
        }
        for (id, call) in calls {
            Self::submit(id, call);
        }
    }

    /// Adds a result to the last of these lists, or to a new one if it does not fit.
    fn list(lists: &mut Vec<ResultList<T>>, result: ListedResult<T::MaxOutputBytes>) {
        let fits = |list: &&mut ResultList<T>| {
            !list.is_full()
                && output_bytes(list).saturating_add(result.output.len() as u32) <= LIST_BYTES
        };
        match lists.last_mut().filter(fits) {
            Some(list) => {
                // It was checked that it is not full.
                let _ = list.try_push(result);
            },
            None => lists.push(BoundedVec::truncate_from(Vec::from([result]))),
        }
    }

    /// The call that submits results of a version, with the first of their requests.
    fn list_call(
        worker: &LocalOperator<T::AccountId>,
        version: VersionId,
        results: ResultList<T>,
    ) -> Option<(RequestId, Call<T>)> {
        let first = results.first()?.request;
        let call = match &results[..] {
            [result] => {
                let request = Requests::<T>::get(first)?;
                let output = result.output.to_vec();
                Self::answer(worker, first, &request, output, None, false)
            },
            _ => {
                let operator = worker.operator.clone();
                let statement = Self::list_statement(&operator, &results);
                let signature = Self::sign(worker, &statement);
                signature.map(|signature| Call::submit_results {
                    operator,
                    version,
                    results,
                    signature,
                })
            },
        };
        if call.is_none() {
            log::error!(target: LOG, "request {first}: the keystore cannot sign with the worker key");
        }
        Some((first, call?))
    }

    fn notes() -> Notes<T::AccountId> {
        sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, NOTES)
            .and_then(|bytes| Decode::decode(&mut &bytes[..]).ok())
            .unwrap_or_default()
    }

    /// The call to submit for one assignment now; `None` if there is nothing to submit.
    /// `submitted` is the last submission.
    fn serve(
        worker: &LocalOperator<T::AccountId>,
        id: RequestId,
        request: &Request<T::AccountId>,
        submitted: Option<Submitted>,
        until: u64,
    ) -> Option<(Answer<T>, Submitted)> {
        // A call that is submitted at this block is included at the next one at the earliest.
        let now = T::now();
        let next = now.saturating_add(1);
        let (last, reveal) = match T::Verification::member_state(id, worker.operator) {
            MemberState::Silent => (request.answer_deadline(T::RevealWindow::get()), false),
            MemberState::Committed(_) if Self::reveals_due(id, request, next) => {
                (request.deadline, true)
            },
            _ => return None,
        };
        let lately = submitted.is_some_and(|last| {
            last.reveal == reveal && now.saturating_sub(last.at) < RESUBMIT_AFTER
        });
        if !Self::counts(request, next, last) || lately {
            return None;
        }
        let call = match Self::run(worker, id, request, until) {
            JobStatus::Done { output, .. } if request.assurance == Assurance::Optimistic => {
                Self::traced(worker, id, request, &output)
            },
            JobStatus::Done { output, .. }
                if request.assurance == Assurance::Signed
                    && output.len() as u32 <= T::MaxOutputBytes::get() =>
            {
                let (answered, output) =
                    (request.answered(T::genesis(), id), BoundedVec::truncate_from(output));
                let result = ListedResult { request: id, answered, output };
                return Some((
                    Answer::Listed(request.version, result),
                    Submitted { reveal, at: now },
                ));
            },
            JobStatus::Done { output, proof } => {
                Self::answer(worker, id, request, output, proof, reveal)
            },
            JobStatus::Running => {
                log::debug!(target: LOG, "request {id}: still running");
                return None;
            },
            JobStatus::Unavailable(why) => {
                log::warn!(target: LOG, "request {id}: run not started, trying again later: {why}");
                return None;
            },
            JobStatus::Failed(reason, why) => {
                log::warn!(target: LOG, "request {id}: cannot be served ({reason:?}): {why}");
                Self::failure(worker, id, request, reason)
            },
        };
        if call.is_none() {
            log::error!(target: LOG, "request {id}: the keystore cannot sign with the worker key");
        }
        Some((Answer::Call(call?), Submitted { reveal, at: now }))
    }

    fn run(
        worker: &LocalOperator<T::AccountId>,
        id: RequestId,
        request: &Request<T::AccountId>,
        until: u64,
    ) -> JobStatus {
        let unavailable =
            |why: &str| JobStatus::Failed(FailureReason::ArtifactUnavailable, why.into());
        let Some(terms) = T::Models::terms(request.version) else {
            return unavailable("the version is not on chain");
        };
        let Some(artifact) = T::Artifacts::complete(&terms.descriptor.artifact) else {
            return unavailable("the version's artifact is not on chain");
        };
        let input = match Inputs::<T>::get(id) {
            Some(payload) => JobInput::Inline(payload.into_inner()),
            None => match T::Artifacts::complete(&request.input_digest) {
                Some(manifest) => JobInput::Artifact(manifest),
                None => return unavailable("the input artifact is not on chain"),
            },
        };
        let wait_ms = until.saturating_sub(sp_io::offchain::timestamp().unix_millis()) as u32;
        let prove = (request.assurance == Assurance::Proof).then(|| ProofContext {
            genesis: T::genesis().0,
            domain: PROOF_DOMAIN.to_vec(),
            request: id.encode(),
            requester: account_bytes(&request.payer),
            operator: account_bytes(worker.operator),
        });
        let descriptor = terms.descriptor;
        let job = Job { request: id, artifact, descriptor, input, wait_ms, prove };
        match request.assurance {
            Assurance::Optimistic => {
                engine::dispute_move(DisputeJob { job, task: DisputeTask::Claim })
            },
            _ => engine::run(job),
        }
    }

    /// The call with an optimistic result, made of the engine's reply to [`DisputeTask::Claim`].
    fn traced(
        worker: &LocalOperator<T::AccountId>,
        id: RequestId,
        request: &Request<T::AccountId>,
        claim: &[u8],
    ) -> Option<Call<T>> {
        let Ok((output, trace_root)) = <(Vec<u8>, Digest)>::decode(&mut &*claim) else {
            log::error!(
                target: LOG,
                "request {id}: the engine's reply does not contain an output and a trace root"
            );
            return Self::failure(worker, id, request, FailureReason::EngineError);
        };
        let Ok(output) = BoundedVec::<u8, T::MaxOutputBytes>::try_from(output) else {
            return Self::failure(worker, id, request, FailureReason::OutputTooLarge);
        };
        let (operator, output_digest) = (worker.operator.clone(), digest(&output));
        let trace = Self::trace_statement(id, request, &operator, output_digest, trace_root);
        let signatures = TraceSignatures {
            result: Self::sign_result(worker, id, request, output_digest, None)?,
            trace: Self::sign(worker, &trace)?,
        };
        Some(Call::submit_trace { request: id, operator, output, trace_root, signatures })
    }

    fn answer(
        worker: &LocalOperator<T::AccountId>,
        id: RequestId,
        request: &Request<T::AccountId>,
        output: Vec<u8>,
        proof: Option<Vec<u8>>,
        reveal: bool,
    ) -> Option<Call<T>> {
        let Ok(output) = BoundedVec::<u8, T::MaxOutputBytes>::try_from(output) else {
            log::warn!(
                target: LOG,
                "request {id}: reporting a failure: the output is larger than {} bytes",
                T::MaxOutputBytes::get()
            );
            return Self::failure(worker, id, request, FailureReason::OutputTooLarge);
        };
        let output_digest = digest(&output);
        let operator = worker.operator.clone();
        match request.assurance {
            Assurance::Quorum { .. } => {
                let answered = request.answered(T::genesis(), id);
                let salt = Self::salt(answered, worker);
                if !reveal {
                    let commitment = commitment_of(&answered, &operator, &output_digest, &salt);
                    let statement = CommitStatement {
                        request: answered,
                        commitment,
                        operator: operator.clone(),
                    };
                    Self::sign(worker, &statement).map(|signature| Call::submit_commitment {
                        request: id,
                        operator,
                        commitment,
                        signature,
                    })
                } else {
                    Self::sign_result(worker, id, request, output_digest, None).map(|signature| {
                        Call::submit_reveal { request: id, operator, output, salt, signature }
                    })
                }
            },
            Assurance::Proof => Self::proven(worker, id, request, output, proof),
            _ => Self::sign_result(worker, id, request, output_digest, None)
                .map(|signature| Call::submit_result { request: id, operator, output, signature }),
        }
    }

    /// The call with a result and its proof. The proof is verified first: submitting one that does
    /// not hold would cost the operator part of its bond, whatever the cause.
    fn proven(
        worker: &LocalOperator<T::AccountId>,
        id: RequestId,
        request: &Request<T::AccountId>,
        output: BoundedVec<u8, T::MaxOutputBytes>,
        proof: Option<Vec<u8>>,
    ) -> Option<Call<T>> {
        let unavailable = |why: &str| {
            log::error!(target: LOG, "request {id}: reporting a failure: {why}");
            Self::failure(worker, id, request, FailureReason::ProofUnavailable)
        };
        let Some(proof) = proof else { return unavailable("the engine made no proof") };
        let Ok(proof) = EncodedProof::try_from(proof) else {
            return unavailable("the proof is larger than the chain accepts");
        };
        let cost = T::Models::proof_terms(request.version)?.cost;
        let input = Inputs::<T>::get(id)?;
        let (operator, proof_digest) = (worker.operator.clone(), digest(&proof));
        let signature =
            Self::sign_result(worker, id, request, digest(&output), Some(proof_digest))?;
        let checked = T::Verification::check_proof(&ProvenResult {
            request: id,
            version: request.version,
            payer: &request.payer,
            operator: &operator,
            worker: worker.key.clone(),
            signature,
            input: &input,
            output: output.to_vec(),
            proof: &proof,
        });
        if let Err(failure) = checked {
            return unavailable(&format!("the engine's proof does not hold: {failure:?}"));
        }
        Some(Call::submit_proof { request: id, operator, cost, output, proof, signature })
    }

    fn failure(
        worker: &LocalOperator<T::AccountId>,
        id: RequestId,
        request: &Request<T::AccountId>,
        reason: FailureReason,
    ) -> Option<Call<T>> {
        let operator = worker.operator.clone();
        let statement = FailureStatement {
            request: request.answered(T::genesis(), id),
            reason,
            operator: operator.clone(),
        };
        let signature = Self::sign(worker, &statement)?;
        Some(Call::report_failure { request: id, operator, reason, signature })
    }

    fn sign_result(
        worker: &LocalOperator<T::AccountId>,
        id: RequestId,
        request: &Request<T::AccountId>,
        output_digest: Digest,
        proof: Option<Digest>,
    ) -> Option<WorkerSignature> {
        let operator = worker.operator;
        Self::sign(worker, &Self::statement(id, request, operator, output_digest, proof))
    }

    fn sign(
        worker: &LocalOperator<T::AccountId>,
        statement: &impl Statement,
    ) -> Option<WorkerSignature> {
        worker.key.sign(&statement.signing_bytes()).map(Into::into)
    }

    fn submit(id: RequestId, call: Call<T>) {
        match submit_authorized::<T, _>(call) {
            Ok(()) => log::debug!(target: LOG, "request {id}: submitted the answer"),
            // Usually an earlier submission is still in the pool or has just been included.
            Err(()) => {
                log::debug!(target: LOG, "request {id}: the pool already has it, or refuses it")
            },
        }
    }

    /// The secret from which all salts of this node are derived. Two offchain workers may run
    /// concurrently, for blocks of the same height or for successive ones. The second one uses the
    /// secret that the first has stored, because a commitment and its reveal need the same salt.
    fn salt_secret() -> [u8; 32] {
        let place = StorageValueRef::persistent(SALT_SECRET);
        loop {
            match place.mutate(|stored| match stored {
                Ok(Some(known)) => Err(known),
                Ok(None) | Err(_) => Ok(sp_io::offchain::random_seed()),
            }) {
                Ok(secret) | Err(MutateStorageError::ValueFunctionFailed(secret)) => return secret,
                Err(MutateStorageError::ConcurrentModification(_)) => {},
            }
        }
    }

    /// The salt of a commitment in the request with this hash. It is secret until the reveal, and the
    /// same after a restart.
    fn salt(answered: Digest, worker: &LocalOperator<T::AccountId>) -> [u8; 32] {
        let secret = Self::salt_secret();
        blake2_256(&(b"assay/salt/2", secret, answered, worker.operator).encode())
    }
}
