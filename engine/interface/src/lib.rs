//! The one narrow door from an offchain worker to the engine.
//!
//! The host functions exist in every context, but answer only where the node supplied
//! [`EngineExt`], which it does for offchain workers and never for block execution. Elsewhere
//! they say that there is no engine, so that no block can depend on one.
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

/// An engine as the node supplies it.
#[cfg(feature = "std")]
pub trait EngineProvider: Send + Sync + 'static {
    /// Starts the job, or says how it stands if it was started before. Returns within a time
    /// that an offchain worker can wait.
    fn run(&self, job: Job) -> JobStatus;
    /// The same for a question about an inference. The output is what the question's
    /// documentation says, not a payload.
    fn dispute_move(&self, _: DisputeJob) -> JobStatus {
        JobStatus::Unavailable("this engine takes no part in disputes".into())
    }
    /// Drops what is kept of the job.
    fn forget(&self, request: RequestId);
    /// What the engine says of itself.
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

/// What an offchain worker may ask.
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

    /// See `EngineProvider::info`; `None` where there is no engine.
    fn info(&mut self) -> AllocateAndReturnByCodec<Option<EngineInfo>> {
        self.extension::<EngineExt>().map(|EngineExt(engine)| engine.info())
    }
}
