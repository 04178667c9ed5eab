use std::sync::mpsc::{channel, Receiver, Sender};

use super::*;

const FOREVER: Duration = Duration::from_secs(60);
const NOW: Duration = Duration::ZERO;

fn jobs(queue: usize, kept: usize, kept_bytes: usize) -> Jobs {
    Jobs::new(JobsConfig { threads: 1, queue, kept, kept_bytes }).unwrap()
}

fn give(bytes: &[u8]) -> impl FnOnce() -> Result<Vec<u8>, EngineError> + Send + 'static {
    let bytes = bytes.to_vec();
    move || Ok(bytes)
}

fn never() -> Result<Vec<u8>, EngineError> {
    panic!("started although it was not to be")
}

/// Work that says when it has begun and ends when it is told to.
type Held = Box<dyn FnOnce() -> Result<Vec<u8>, EngineError> + Send>;

fn held() -> (Receiver<()>, Sender<()>, Held) {
    let (begin, begun) = channel();
    let (release, released) = channel::<()>();
    let work = move || {
        begin.send(()).unwrap();
        let _ = released.recv();
        Ok(b"held".to_vec())
    };
    (begun, release, Box::new(work))
}

#[test]
fn the_first_call_runs_and_later_calls_give_the_same_result() {
    let jobs = jobs(4, 4, 1024);
    let id = RequestId(7);
    assert_eq!(jobs.submit_or_poll(id, give(b"out"), FOREVER), JobStatus::Done(b"out".to_vec()));
    assert_eq!(jobs.submit_or_poll(id, never, NOW), JobStatus::Done(b"out".to_vec()));
    jobs.forget(id);
    assert_eq!(jobs.submit_or_poll(id, give(b"new"), FOREVER), JobStatus::Done(b"new".to_vec()));
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
    let done = JobStatus::Done(b"held".to_vec());
    assert_eq!(jobs.submit_or_poll(RequestId(1), never, FOREVER), done);
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
    // A poll of a job that waits is not refused.
    assert_eq!(jobs.submit_or_poll(RequestId(2), never, NOW), JobStatus::Running);
    drop(release);
    let done = JobStatus::Done(b"2".to_vec());
    assert_eq!(jobs.submit_or_poll(RequestId(2), never, FOREVER), done);
}

#[test]
fn a_busy_engine_is_not_a_result() {
    let jobs = jobs(4, 4, 1024);
    let busy = || Err(EngineError::Busy { limit: 1 });
    let status = jobs.submit_or_poll(RequestId(1), busy, FOREVER);
    assert!(matches!(status, JobStatus::Unavailable(_)), "{status:?}");
    let done = JobStatus::Done(b"now".to_vec());
    assert_eq!(jobs.submit_or_poll(RequestId(1), give(b"now"), FOREVER), done);
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
    let done = JobStatus::Done(b"on".to_vec());
    assert_eq!(jobs.submit_or_poll(RequestId(2), give(b"on"), FOREVER), done);
}

#[test]
fn results_are_pushed_out_by_count() {
    let jobs = jobs(4, 2, 1024);
    for id in 0..3 {
        jobs.submit_or_poll(RequestId(id), give(&[id as u8]), FOREVER);
    }
    assert_eq!(jobs.submit_or_poll(RequestId(2), never, NOW), JobStatus::Done(vec![2]));
    assert_eq!(jobs.submit_or_poll(RequestId(1), never, NOW), JobStatus::Done(vec![1]));
    assert_eq!(
        jobs.submit_or_poll(RequestId(0), give(b"again"), FOREVER),
        JobStatus::Done(b"again".to_vec())
    );
}

#[test]
fn results_are_pushed_out_by_bytes() {
    let jobs = jobs(4, 64, 10);
    jobs.submit_or_poll(RequestId(0), give(&[0; 6]), FOREVER);
    jobs.submit_or_poll(RequestId(1), give(&[1; 4]), FOREVER);
    assert_eq!(jobs.submit_or_poll(RequestId(0), never, NOW), JobStatus::Done(vec![0; 6]));
    jobs.submit_or_poll(RequestId(2), give(&[2; 1]), FOREVER);
    assert_eq!(jobs.submit_or_poll(RequestId(1), never, NOW), JobStatus::Done(vec![1; 4]));
    assert_eq!(
        jobs.submit_or_poll(RequestId(0), give(b"x"), FOREVER),
        JobStatus::Done(b"x".to_vec())
    );
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
    // The same request again is another job; the first one's result does not become its own.
    let done = JobStatus::Done(b"second".to_vec());
    assert_eq!(jobs.submit_or_poll(RequestId(1), give(b"second"), FOREVER), done);
    assert_eq!(
        jobs.submit_or_poll(RequestId(2), give(b"2"), FOREVER),
        JobStatus::Done(b"2".to_vec())
    );
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
    // The sender is dropped with the work, not by running it.
    assert!(gone.recv().is_err());
    drop(release);
}
