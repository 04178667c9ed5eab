//! The runtime interface through which offchain workers call the engine.
//!
//! The host functions can be called in every context, but they reach an engine only if the node
//! supplies [`EngineExt`]. It does so for offchain workers and never for block execution.
//! Everywhere else they report that there is no engine, so no block can depend on one.
#![cfg_attr(not(feature = "std"), no_std)]
#![allow(missing_docs, unsafe_code)]

extern crate alloc;

use assay_primitives::{
    dispute::DisputeJob,
    engine::{EngineInfo, Job, JobStatus},
    RequestId,
};
use sp_runtime_interface::{
    pass_by::{AllocateAndReturnByCodec, PassFatPointerAndDecode},
    runtime_interface,
};

/// The engine that a node supplies.
#[cfg(feature = "std")]
pub trait EngineProvider: Send + Sync + 'static {
    /// Starts the job unless it was started before, and returns its status. Returns within the
    /// time that an offchain worker can wait.
    fn run(&self, job: Job) -> JobStatus;
    /// Like [`Self::run`], for the claim or a move in a dispute. The output is not a payload, but
    /// the encoding that the job's task describes.
    fn dispute_move(&self, _: DisputeJob) -> JobStatus {
        JobStatus::Unavailable("this engine does not support disputes".into())
    }
    /// Drops all jobs of a request and their results.
    fn forget(&self, request: RequestId);
    /// Version and load of the engine.
    fn info(&self) -> EngineInfo;
}

#[cfg(feature = "std")]
sp_externalities::decl_extension! {
    /// Gives offchain workers an engine.
    pub struct EngineExt(std::sync::Arc<dyn EngineProvider>);
}

#[cfg(feature = "std")]
impl EngineExt {
    /// Wraps a provider.
    pub fn new(provider: std::sync::Arc<dyn EngineProvider>) -> Self {
        Self(provider)
    }
}

#[cfg(feature = "std")]
use sp_externalities::ExternalitiesExt;

/// The host functions.
#[runtime_interface]
pub trait Engine {
    /// See `EngineProvider::run`.
    fn run(&mut self, job: PassFatPointerAndDecode<Job>) -> AllocateAndReturnByCodec<JobStatus> {
        match self.extension::<EngineExt>() {
            Some(EngineExt(engine)) => engine.run(job),
            None => JobStatus::Unavailable("this node runs without --operator".into()),
        }
    }

    /// See `EngineProvider::dispute_move`.
    fn dispute_move(
        &mut self,
        job: PassFatPointerAndDecode<DisputeJob>,
    ) -> AllocateAndReturnByCodec<JobStatus> {
        match self.extension::<EngineExt>() {
            Some(EngineExt(engine)) => engine.dispute_move(job),
            None => JobStatus::Unavailable("this node runs without an engine".into()),
        }
    }

    /// See `EngineProvider::forget`.
    fn forget(&mut self, request: PassFatPointerAndDecode<RequestId>) {
        if let Some(EngineExt(engine)) = self.extension::<EngineExt>() {
            engine.forget(request);
        }
    }

    /// See `EngineProvider::info`. `None` if there is no engine.
    fn info(&mut self) -> AllocateAndReturnByCodec<Option<EngineInfo>> {
        self.extension::<EngineExt>().map(|EngineExt(engine)| engine.info())
    }
}
