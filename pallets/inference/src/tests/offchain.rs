//! The offchain worker of an operator's node.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use assay_engine_interface::{EngineExt, EngineProvider};
use assay_pallet_testing::workers::{keystore, register_offchain, Pool};
use assay_primitives::{
    dispute::{DisputeJob, DisputeTask},
    engine::{EngineInfo, Job, JobInput, JobStatus, ProofContext},
    operator::EngineVersion,
    proof::{account_bytes, MAX_PROOF_BYTES},
    runtime_api::Status,
    ArtifactManifest, Assurance, ElementType, FailureReason, Outcome, RejectReason, RequestId,
    RequestInput,
};
use codec::{Decode, Encode};
use frame_support::{assert_ok, traits::OffchainWorker};
use sp_application_crypto::Pair as _;
use sp_core::offchain::{
    storage::OffchainDb, testing, DbExternalities, OffchainDbExt, StorageKind,
};

use crate::{mock::*, offchain::SALT_SECRET, Call};

/// An engine that gives the same answer to every job, and records the jobs.
struct Engine {
    answer: Mutex<JobStatus>,
    jobs: Mutex<Vec<Job>>,
    forgotten: Mutex<Vec<RequestId>>,
}

impl Engine {
    fn answering(answer: JobStatus) -> Arc<Self> {
        Arc::new(Self {
            answer: Mutex::new(answer),
            jobs: Mutex::default(),
            forgotten: Mutex::default(),
        })
    }

    fn right() -> Arc<Self> {
        Self::answering(done(RIGHT))
    }

    fn now_says(&self, answer: JobStatus) {
        *self.answer.lock().unwrap() = answer;
    }

    fn jobs(&self) -> Vec<Job> {
        std::mem::take(&mut self.jobs.lock().unwrap())
    }
}

impl EngineProvider for Engine {
    fn run(&self, job: Job) -> JobStatus {
        self.jobs.lock().unwrap().push(job);
        self.answer.lock().unwrap().clone()
    }
    fn dispute_move(&self, DisputeJob { job, task }: DisputeJob) -> JobStatus {
        assert_eq!(task, DisputeTask::Claim);
        self.run(job)
    }
    fn forget(&self, request: RequestId) {
        self.forgotten.lock().unwrap().push(request);
    }
    fn info(&self) -> EngineInfo {
        EngineInfo { version: EngineVersion::default(), load: 0 }
    }
}

fn done(values: [f32; 2]) -> JobStatus {
    JobStatus::Done { output: output(values).into_inner(), proof: None }
}

/// A node with a chain, a keystore and a disk.
struct Node {
    externalities: sp_io::TestExternalities,
    disk: testing::TestPersistentOffchainDB,
    /// `None` before the node is started.
    pool: Option<Pool>,
}

impl Node {
    /// A node with the worker keys of these operators.
    fn with_keys(operators: &[u64]) -> Self {
        let mut externalities = new_test_ext();
        externalities.register_extension(keystore(operators));
        Self { externalities, disk: testing::TestPersistentOffchainDB::new(), pool: None }
    }

    /// Starts the node with empty memory and new randomness; its disk is kept.
    fn start(mut self, engine: Option<&Arc<Engine>>, seed: u8) -> Self {
        let (offchain, state) = testing::TestOffchainExt::with_offchain_db(self.disk.clone());
        state.write().seed = [seed; 32];
        self.pool = Some(register_offchain(&mut self.externalities, offchain));
        if let Some(engine) = engine {
            self.externalities.register_extension(EngineExt::new(engine.clone()));
        }
        self
    }

    /// Runs a test with a function that runs the offchain worker and returns the submitted calls.
    fn run<R>(mut self, test: impl FnOnce(&dyn Fn() -> Vec<Call<Test>>) -> R) -> (Self, R) {
        let mut result = None;
        let pool = self.pool.clone().expect("the node is started");
        let work = || {
            Inference::offchain_worker(now());
            pool.take().iter().map(|bytes| call_of(bytes)).collect()
        };
        test_in(&mut self.externalities, || result = Some(test(&work)));
        (self, result.unwrap())
    }
}

fn call_of(mut bytes: &[u8]) -> Call<Test> {
    match Extrinsic::decode(&mut bytes).unwrap().function {
        RuntimeCall::Inference(call) => call,
        other => panic!("unexpected {other:?}"),
    }
}

/// Runs a test on a node that has the keys of all operators.
fn on_a_node(engine: &Arc<Engine>, test: impl FnOnce(&dyn Fn() -> Vec<Call<Test>>)) {
    Node::with_keys(&OPERATORS).start(Some(engine), 1).run(test);
}

#[test]
fn a_signed_result_is_handed_in() {
    let engine = Engine::right();
    on_a_node(&engine, |work| {
        let id = Terms::of(SIGNED).accepted();
        assert!(work().is_empty(), "nobody is drawn yet");
        next_block();
        next_block();
        let calls = work();
        let [call] = &calls[..] else { panic!("one result: {calls:?}") };
        let Call::submit_result { request, operator, output: submitted, .. } = call else {
            panic!("unexpected {call:?}")
        };
        assert_eq!((*request, *operator), (id, members(id)[0]));
        assert_eq!(*submitted, output(RIGHT));
        assert_ok!(include(call.clone()));
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!(shown(id), Some(output(RIGHT)));
        assert!(work().is_empty(), "nothing is left to do");

        let expected = Job {
            request: id,
            artifact: ArtifactManifest::of(MODEL),
            descriptor: descriptor(),
            input: JobInput::Inline(input()),
            wait_ms: 1_000,
            prove: None,
        };
        assert_eq!(engine.jobs(), [expected]);
    });
}

#[test]
fn results_of_one_operator_are_handed_in_together() {
    let engine = Engine::right();
    on_a_node(&engine, |work| {
        only(&OPERATORS[..2]);
        let ids: Vec<_> = (0..7).map(|_| Terms::of(SIGNED).accepted()).collect();
        next_block();
        next_block();
        let calls = work();
        assert!(calls.len() <= 2, "one call for each operator: {calls:?}");
        assert!(calls.iter().any(|call| matches!(call, Call::submit_results { .. })));
        for call in calls {
            assert_ok!(include(call));
        }
        for id in ids {
            assert_eq!(outcome(id), Outcome::Verified);
        }
        assert!(work().is_empty(), "nothing is left to do");
    });
}

#[test]
fn a_list_has_a_bounded_number_of_results() {
    let engine = Engine::right();
    on_a_node(&engine, |work| {
        only(&[]);
        let (operator, most) = (OPERATORS[0], MaxConcurrency::get());
        assert_eq!(most, assay_primitives::MAX_LIST);
        serve_at_once(operator, version(1), 1, both(), most);
        let more = Terms { max_price: 1, ..Terms::of(SIGNED) };
        let calls = || {
            let calls = work();
            let lengths = calls.iter().map(|call| match call {
                Call::submit_results { results, .. } => results.len(),
                Call::submit_result { .. } => 1,
                other => panic!("unexpected {other:?}"),
            });
            lengths.collect::<Vec<_>>()
        };
        for number in 0..most {
            let client_key = sp_io::hashing::blake2_256(&(b"more", number).encode());
            Terms { client_key, ..more.clone() }.accepted();
        }
        next_block();
        next_block();
        assert_eq!(calls(), [most as usize]);
    });
}

#[test]
fn an_input_that_is_an_artifact_is_named_to_the_engine() {
    let engine = Engine::right();
    on_a_node(&engine, |work| {
        let artifact = upload_artifact(STRANGER, &input());
        Terms { input: RequestInput::Artifact(artifact), ..Terms::of(SIGNED) }.drawn();
        assert_eq!(work().len(), 1);
        let jobs = engine.jobs();
        assert_eq!(jobs[0].input, JobInput::Artifact(ArtifactManifest::of(&input())));
    });
}

#[test]
fn a_node_commits_and_after_a_restart_reveals_with_the_same_salt() {
    let node = Node::with_keys(&OPERATORS).start(Some(&Engine::right()), 1);
    let (node, id) = node.run(|work| {
        let (id, _) = Terms::of(QUORUM).drawn();
        let commitments = work();
        assert_eq!(commitments.len(), 3);
        // A repeated submission is the same.
        let digests = |calls: &[Call<Test>]| -> BTreeSet<_> {
            calls
                .iter()
                .map(|call| match call {
                    Call::submit_commitment { commitment, .. } => *commitment,
                    other => panic!("unexpected {other:?}"),
                })
                .collect()
        };
        assert_eq!(digests(&commitments).len(), 3, "each member has a salt of its own");
        next_block();
        assert_eq!(digests(&work()), digests(&commitments));
        for call in commitments {
            assert_ok!(include(call));
        }
        assert_eq!(record(id).status, Status::Revealing);
        id
    });
    let node = node.start(Some(&Engine::right()), 2);
    node.run(|work| {
        next_block();
        let reveals = work();
        assert_eq!(reveals.len(), 3);
        for call in reveals {
            assert!(matches!(call, Call::submit_reveal { .. }));
            assert_ok!(include(call));
        }
        assert_eq!(outcome(id), Outcome::Verified);
    });
}

/// A disk on which another worker of the node stores its secret right after this one has found
/// none.
struct Overtaken {
    disk: OffchainDb<testing::TestPersistentOffchainDB>,
    secret: [u8; 32],
}

impl DbExternalities for Overtaken {
    fn local_storage_get(&mut self, kind: StorageKind, key: &[u8]) -> Option<Vec<u8>> {
        let found = self.disk.local_storage_get(kind, key);
        if found.is_none() && key == SALT_SECRET {
            self.disk.local_storage_set(kind, key, &self.secret);
        }
        found
    }
    fn local_storage_set(&mut self, kind: StorageKind, key: &[u8], value: &[u8]) {
        self.disk.local_storage_set(kind, key, value)
    }
    fn local_storage_clear(&mut self, kind: StorageKind, key: &[u8]) {
        self.disk.local_storage_clear(kind, key)
    }
    fn local_storage_compare_and_set(
        &mut self,
        kind: StorageKind,
        key: &[u8],
        old: Option<&[u8]>,
        new: &[u8],
    ) -> bool {
        self.disk.local_storage_compare_and_set(kind, key, old, new)
    }
}

#[test]
fn a_worker_that_is_overtaken_takes_the_secret_that_the_other_has_stored() {
    let secret = [7; 32];
    let mut node = Node::with_keys(&OPERATORS).start(Some(&Engine::right()), 1);
    let disk = OffchainDb::new(node.disk.clone());
    node.externalities.register_extension(OffchainDbExt::new(Overtaken { disk, secret }));
    let mut stored = OffchainDb::new(node.disk.clone());
    node.run(|work| {
        let (id, _) = Terms::of(QUORUM).drawn();
        let commitments = work();
        let found = stored.local_storage_get(StorageKind::PERSISTENT, SALT_SECRET);
        assert_eq!(found, Some(secret.to_vec()));
        for call in commitments {
            assert_ok!(include(call));
        }
        next_block();
        let reveals = work();
        assert_eq!(reveals.len(), 3);
        for call in reveals {
            assert_ok!(include(call));
        }
        assert_eq!(outcome(id), Outcome::Verified);
    });
}

#[test]
fn what_is_still_awaited_is_handed_in_again_and_what_is_over_is_forgotten() {
    let engine = Engine::right();
    on_a_node(&engine, |work| {
        let (id, _) = Terms::of(SIGNED).drawn();
        for _ in 0..3 {
            assert_eq!(work().len(), 1);
            assert!(work().is_empty(), "once in a block");
            next_block();
        }
        let calls = work();
        assert_eq!(engine.jobs().len(), 4);
        assert!(engine.forgotten.lock().unwrap().is_empty());
        assert_ok!(include(calls[0].clone()));
        for _ in 0..2 {
            assert!(work().is_empty());
            next_block();
        }
        assert_eq!(*engine.forgotten.lock().unwrap(), [id]);
    });
}

#[test]
fn a_node_that_lost_its_disk_cannot_open_what_it_committed_to() {
    let (mut node, id) = Node::with_keys(&OPERATORS).start(Some(&Engine::right()), 1).run(|work| {
        let (id, _) = Terms::of(QUORUM).drawn();
        for call in work() {
            assert_ok!(include(call));
        }
        id
    });
    node.disk = testing::TestPersistentOffchainDB::new();
    node.start(Some(&Engine::right()), 2).run(|work| {
        for call in work() {
            refused_as(call, crate::refusal::WRONG_OPENING);
        }
        assert_eq!(record(id).status, Status::Revealing);
    });
}

#[test]
fn a_failure_is_reported() {
    let reason = FailureReason::InvalidModel;
    let engine = Engine::answering(JobStatus::Failed(reason, "no such operator".into()));
    on_a_node(&engine, |work| {
        let (id, _) = Terms::of(SIGNED).drawn();
        let calls = work();
        assert_eq!(calls.len(), 1);
        for call in calls {
            assert_ok!(include(call));
        }
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::Failed(reason)));
    });
}

#[test]
fn an_output_that_is_too_large_is_reported() {
    let large = vec![0; MaxOutputBytes::get() as usize + 1];
    let engine = Engine::answering(JobStatus::Done { output: large, proof: None });
    on_a_node(&engine, |work| {
        let (id, _) = Terms::of(SIGNED).drawn();
        for call in work() {
            assert_ok!(include(call));
        }
        let reason = RejectReason::Failed(FailureReason::OutputTooLarge);
        assert_eq!(outcome(id), Outcome::Rejected(reason));
    });
}

#[test]
fn what_could_not_be_started_is_taken_up_again_at_the_next_block() {
    for answer in [JobStatus::Unavailable("busy".into()), JobStatus::Running] {
        let engine = Engine::answering(answer);
        on_a_node(&engine, |work| {
            let (id, _) = Terms::of(SIGNED).drawn();
            for _ in 0..3 {
                assert!(work().is_empty());
                next_block();
            }
            assert_eq!(engine.jobs().len(), 3);
            engine.now_says(done(RIGHT));
            for call in work() {
                assert_ok!(include(call));
            }
            assert_eq!(outcome(id), Outcome::Verified);
        });
    }
}

#[test]
fn a_node_serves_its_own_operators_only() {
    let engine = Engine::right();
    Node::with_keys(&OPERATORS[..1]).start(Some(&engine), 1).run(|work| {
        let assigned: usize = (0..10)
            .map(|_| Terms::of(SIGNED).drawn())
            .filter(|(_, members)| members[0] == OPERATORS[0])
            .count();
        assert!((1..10).contains(&assigned));
        assert_eq!(work().len(), assigned);
        assert_eq!(engine.jobs().len(), assigned);
    });
}

#[test]
fn a_node_without_a_key_does_nothing() {
    let engine = Engine::right();
    Node::with_keys(&[]).start(Some(&engine), 1).run(|work| {
        Terms::of(SIGNED).drawn();
        assert!(work().is_empty());
        assert!(engine.jobs().is_empty());
    });
}

#[test]
fn a_node_without_an_engine_hands_nothing_in() {
    Node::with_keys(&OPERATORS).start(None, 1).run(|work| {
        let (id, _) = Terms::of(SIGNED).drawn();
        assert!(work().is_empty());
        assert_eq!(record(id).status, Status::Assigned);
    });
}

#[test]
fn a_past_worker_key_does_nothing() {
    use assay_primitives::{Possession, Statement};
    let engine = Engine::right();
    on_a_node(&engine, |work| {
        let (_, members) = Terms::of(SIGNED).drawn();
        let operator = members[0];
        let fresh = pair(500);
        let possession = Possession { genesis: genesis(), operator };
        assert_ok!(signed_call(
            operator,
            pallet_operators::Call::set_worker {
                worker: fresh.public(),
                possession: fresh.sign(&possession.signing_bytes()).into(),
            }
        ));
        assert!(work().is_empty());
        assert!(engine.jobs().is_empty());
    });
}

#[test]
fn nothing_is_run_that_could_not_be_included_in_time() {
    let engine = Engine::right();
    on_a_node(&engine, |work| {
        let (id, _) = Terms::of(SIGNED).drawn();
        go_to(record(id).deadline - 1);
        assert_eq!(work().len(), 1);
        go_to(record(id).deadline);
        assert!(work().is_empty());

        let (id, _) = Terms::of(QUORUM).drawn();
        let last = record(id).deadline - RevealWindow::get();
        engine.jobs();
        go_to(last - 1);
        assert_eq!(work().len(), 3);
        go_to(last);
        assert!(work().is_empty());
        assert_eq!(engine.jobs().len(), 3);
    });
}

#[test]
fn a_result_of_the_second_phase_is_handed_in_until_the_deadline() {
    let engine = Engine::right();
    on_a_node(&engine, |work| {
        let (id, _) = Terms::of(QUORUM).drawn();
        for call in work() {
            assert_ok!(include(call));
        }
        go_to(record(id).deadline - 1);
        let reveals = work();
        assert_eq!(reveals.len(), 3);
        next_block();
        assert!(work().is_empty());
        for call in reveals {
            assert_ok!(include(call));
        }
        assert_eq!(outcome(id), Outcome::Verified);
    });
}

#[test]
fn who_has_committed_or_failed_does_not_run_again_before_the_second_phase() {
    let engine = Engine::right();
    Node::with_keys(&OPERATORS[..1]).start(Some(&engine), 1).run(|work| {
        only(&OPERATORS[..3]);
        let (id, _) = Terms::of(QUORUM).drawn();
        for call in work() {
            assert_ok!(include(call));
        }
        assert_eq!(record(id).status, Status::Assigned);
        assert_eq!(engine.jobs().len(), 1);
        next_block();
        assert!(work().is_empty());
        assert!(engine.jobs().is_empty());
    });
}

/// The answer of an engine that proves the job.
fn proving(job: &Job, change: impl FnOnce(&mut Vec<u8>)) -> JobStatus {
    let context = job.prove.as_ref().unwrap();
    let context = assay_proof::Context {
        genesis: context.genesis,
        domain: &context.domain,
        request: &context.request,
        requester: context.requester,
        operator: context.operator,
    };
    let mut proven = Proven::model().prover.prove(&context, &super::proof::DATA).unwrap();
    change(&mut proven.proof);
    let output = assay_pallet_testing::graphs::payload(ElementType::I32, &proven.output);
    JobStatus::Done { output, proof: Some(proven.proof) }
}

#[test]
fn a_proof_is_asked_for_in_its_context_and_handed_in() {
    let engine = Engine::answering(JobStatus::Running);
    on_a_node(&engine, |work| {
        let version = Proven::model().publish();
        let (id, members) = super::proof::terms(version).drawn();
        assert!(work().is_empty(), "it is still being proven");
        let jobs = engine.jobs();
        let [job] = &jobs[..] else { panic!("one job") };
        let expected = ProofContext {
            genesis: genesis().0,
            domain: b"assay/inference/1".to_vec(),
            request: id.encode(),
            requester: account_bytes(&PAYER),
            operator: account_bytes(&members[0]),
        };
        assert_eq!(job.prove, Some(expected));
        engine.now_says(proving(job, |_| ()));
        next_block();
        let calls = work();
        let [call @ Call::submit_proof { .. }] = &calls[..] else { panic!("{calls:?}") };
        assert_ok!(include(call.clone()));
        assert_eq!(outcome(id), Outcome::Verified);
    });
}

#[test]
fn a_node_hands_in_no_proof_that_does_not_hold() {
    let engine = Engine::answering(JobStatus::Running);
    on_a_node(&engine, |work| {
        let version = Proven::model().publish();
        let (first, _) = super::proof::terms(version).drawn();
        work();
        let job = engine.jobs().pop().unwrap();
        let JobStatus::Done { output, .. } = proving(&job, |_| ()) else { unreachable!() };
        let answers = [
            proving(&job, |proof| proof[0] ^= 1),
            proving(&job, |proof| proof.clear()),
            proving(&job, |proof| proof.resize(MAX_PROOF_BYTES as usize + 1, 0)),
            JobStatus::Done { output, proof: None },
        ];
        for answer in answers {
            engine.now_says(answer);
            next_block();
            let calls = work();
            let [Call::report_failure { request, reason, .. }] = &calls[..] else {
                panic!("{calls:?}")
            };
            assert_eq!((*request, *reason), (first, FailureReason::ProofUnavailable));
        }
    });
}

#[test]
fn an_optimistic_result_is_handed_in_with_the_root_of_its_trace() {
    let root = sp_core::H256::repeat_byte(7);
    let output = assay_pallet_testing::graphs::payload(ElementType::I32, &[1; 12]);
    let claim = (output.clone(), root).encode();
    let engine = Engine::answering(JobStatus::Done { output: claim, proof: None });
    Node::with_keys(&OPERATORS).start(Some(&engine), 1).run(|work| {
        let version = Proven::model().publish();
        let terms = Terms { assurance: Assurance::Optimistic, ..super::proof::terms(version) };
        let (id, members) = terms.drawn();
        let [call] = &work()[..] else { panic!("one call") };
        let Call::submit_trace { request, operator, output: submitted, trace_root, .. } = call
        else {
            panic!("{call:?}")
        };
        assert_eq!((*request, *operator, *trace_root), (id, members[0], root));
        assert_eq!(submitted.to_vec(), output);
        assert_ok!(include(call.clone()));
        assert_eq!(record(id).status, Status::Disputable);
        assert!(work().is_empty());
        engine.now_says(JobStatus::Done { output: vec![1], proof: None });
        let (id, _) = Terms { client_key: [9; 32], ..terms }.drawn();
        let calls = work();
        let [Call::report_failure { request, reason, .. }] = &calls[..] else {
            panic!("{calls:?}")
        };
        assert_eq!((*request, *reason), (id, FailureReason::EngineError));
    });
}
