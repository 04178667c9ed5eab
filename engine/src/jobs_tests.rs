use std::sync::mpsc::{channel, Receiver, Sender};

use super::*;

const FOREVER: Duration = Duration::from_secs(60);
const NOW: Duration = Duration::ZERO;

fn jobs(queue: usize, kept: usize, kept_bytes: usize) -> Jobs {
    Jobs::new(JobsConfig { threads: 1, queue, kept, kept_bytes }).unwrap()
}

fn give(bytes: &[u8]) -> impl FnOnce() -> Result<JobOutput, EngineError> + Send + 'static {
    let bytes = bytes.to_vec();
    move || Ok(bytes.into())
}

fn done(output: &[u8]) -> JobStatus {
    JobStatus::Done { output: output.to_vec(), proof: None }
}

fn never() -> Result<JobOutput, EngineError> {
    panic!("must not be started")
}

/// Work that signals when it has started, and ends when it is released.
type Held = Box<dyn FnOnce() -> Result<JobOutput, EngineError> + Send>;

fn held() -> (Receiver<()>, Sender<()>, Held) {
    let (begin, begun) = channel();
    let (release, released) = channel::<()>();
    let work = move || {
        begin.send(()).unwrap();
        let _ = released.recv();
        Ok(b"held".to_vec().into())
    };
    (begun, release, Box::new(work))
}

#[test]
fn the_first_call_runs_and_later_calls_give_the_same_result() {
    let jobs = jobs(4, 4, 1024);
    let id = RequestId(7);
    assert_eq!(jobs.submit_or_poll(id, give(b"out"), FOREVER), done(b"out"));
    assert_eq!(jobs.submit_or_poll(id, never, NOW), done(b"out"));
    jobs.forget(id);
    assert_eq!(jobs.submit_or_poll(id, give(b"new"), FOREVER), done(b"new"));
}

#[test]
fn a_job_that_takes_longer_is_running_and_can_be_polled() {
    let jobs = jobs(4, 4, 1024);
    let (begun, release, work) = held();
    assert_eq!(jobs.submit_or_poll(RequestId(1), work, NOW), JobStatus::Running);
    begun.recv().unwrap();
    assert_eq!(jobs.submit_or_poll(RequestId(1), never, NOW), JobStatus::Running);
    assert_eq!(jobs.pending(), 1);
    release.send(()).unwrap();
    let expected = done(b"held");
    assert_eq!(jobs.submit_or_poll(RequestId(1), never, FOREVER), expected);
    assert_eq!(jobs.pending(), 0);
}

#[test]
fn a_full_queue_starts_nothing() {
    let jobs = jobs(1, 4, 1024);
    let (begun, release, work) = held();
    jobs.submit_or_poll(RequestId(1), work, NOW);
    begun.recv().unwrap();
    assert_eq!(jobs.submit_or_poll(RequestId(2), give(b"2"), NOW), JobStatus::Running);
    let refused = jobs.submit_or_poll(RequestId(3), never, FOREVER);
    assert!(matches!(refused, JobStatus::Unavailable(_)), "{refused:?}");
    // A full queue does not refuse to poll a job that waits.
    assert_eq!(jobs.submit_or_poll(RequestId(2), never, NOW), JobStatus::Running);
    drop(release);
    let expected = done(b"2");
    assert_eq!(jobs.submit_or_poll(RequestId(2), never, FOREVER), expected);
}

#[test]
fn a_busy_engine_is_not_a_result() {
    let jobs = jobs(4, 4, 1024);
    let busy = || Err(EngineError::Busy { limit: 1 });
    let status = jobs.submit_or_poll(RequestId(1), busy, FOREVER);
    assert!(matches!(status, JobStatus::Unavailable(_)), "{status:?}");
    let expected = done(b"now");
    assert_eq!(jobs.submit_or_poll(RequestId(1), give(b"now"), FOREVER), expected);
}

#[test]
fn an_error_is_kept_with_its_reason() {
    let jobs = jobs(4, 4, 1024);
    let late = || Err(EngineError::RunTimeLimit(Duration::from_secs(1)));
    for _ in 0..2 {
        let status = jobs.submit_or_poll(RequestId(1), late, FOREVER);
        assert!(matches!(status, JobStatus::Failed(FailureReason::TimeLimit, _)), "{status:?}");
    }
}

#[test]
fn a_panic_is_a_failure_and_the_thread_goes_on() {
    let jobs = jobs(4, 4, 1024);
    let status = jobs.submit_or_poll(RequestId(1), never, FOREVER);
    assert!(matches!(status, JobStatus::Failed(FailureReason::EngineError, _)), "{status:?}");
    let expected = done(b"on");
    assert_eq!(jobs.submit_or_poll(RequestId(2), give(b"on"), FOREVER), expected);
}

#[test]
fn results_are_pushed_out_by_count() {
    let jobs = jobs(4, 2, 1024);
    for id in 0..3 {
        jobs.submit_or_poll(RequestId(id), give(&[id as u8]), FOREVER);
    }
    assert_eq!(jobs.submit_or_poll(RequestId(2), never, NOW), done(&[2]));
    assert_eq!(jobs.submit_or_poll(RequestId(1), never, NOW), done(&[1]));
    assert_eq!(jobs.submit_or_poll(RequestId(0), give(b"again"), FOREVER), done(b"again"));
}

#[test]
fn results_are_pushed_out_by_bytes() {
    let jobs = jobs(4, 64, 10);
    jobs.submit_or_poll(RequestId(0), give(&[0; 6]), FOREVER);
    jobs.submit_or_poll(RequestId(1), give(&[1; 4]), FOREVER);
    assert_eq!(jobs.submit_or_poll(RequestId(0), never, NOW), done(&[0; 6]));
    jobs.submit_or_poll(RequestId(2), give(&[2; 1]), FOREVER);
    assert_eq!(jobs.submit_or_poll(RequestId(1), never, NOW), done(&[1; 4]));
    assert_eq!(jobs.submit_or_poll(RequestId(0), give(b"x"), FOREVER), done(b"x"));
}

#[test]
fn a_proof_is_kept_with_its_output_and_counts_as_bytes() {
    let jobs = jobs(4, 64, 10);
    let proven = || Ok(JobOutput { output: vec![7; 2], proof: Some(vec![9; 8]) });
    let expected = JobStatus::Done { output: vec![7; 2], proof: Some(vec![9; 8]) };
    assert_eq!(jobs.submit_or_poll(RequestId(0), proven, FOREVER), expected);
    assert_eq!(jobs.submit_or_poll(RequestId(0), never, NOW), expected);
    jobs.submit_or_poll(RequestId(1), give(b"1"), FOREVER);
    assert_eq!(jobs.submit_or_poll(RequestId(0), give(b"again"), FOREVER), done(b"again"));
}

#[test]
fn a_forgotten_job_leaves_no_result_and_one_that_waits_never_starts() {
    let jobs = jobs(4, 4, 1024);
    let (begun, release, work) = held();
    jobs.submit_or_poll(RequestId(1), work, NOW);
    begun.recv().unwrap();
    jobs.submit_or_poll(RequestId(2), never, NOW);
    jobs.forget(RequestId(2));
    jobs.forget(RequestId(1));
    assert_eq!(jobs.pending(), 0);
    drop(release);
    // The same key again is another job: it does not get the result of the first one.
    let expected = done(b"second");
    assert_eq!(jobs.submit_or_poll(RequestId(1), give(b"second"), FOREVER), expected);
    assert_eq!(jobs.submit_or_poll(RequestId(2), give(b"2"), FOREVER), done(b"2"));
}

#[test]
fn dropping_the_last_clone_drops_what_waits() {
    let jobs = jobs(4, 4, 1024);
    let (begun, release, work) = held();
    jobs.submit_or_poll(RequestId(1), work, NOW);
    begun.recv().unwrap();
    let (alive, gone) = channel::<()>();
    let waits = move || {
        drop(alive);
        never()
    };
    jobs.submit_or_poll(RequestId(2), waits, NOW);
    drop(jobs);
    // The sender was dropped with the work, without running it.
    assert!(gone.recv().is_err());
    drop(release);
}
