//! The messages between an offchain worker and the engine.

use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::{
    model::ModelDescriptor, operator::EngineVersion, ArtifactManifest, FailureReason, RequestId,
};

/// The input of a run.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum JobInput {
    /// The payload itself.
    Inline(Vec<u8>),
    /// An artifact whose bytes are the payload.
    Artifact(ArtifactManifest),
}

/// What a validity proof is bound to besides the model, the input and the output.
///
/// The fields are part of the proof's transcript. A verifier has to supply the same values.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct ProofContext {
    /// Hash of the chain's genesis block.
    pub genesis: [u8; 32],
    /// The purpose of the proof on the chain, as a domain tag.
    pub domain: Vec<u8>,
    /// The request: the SCALE encoding of its id.
    pub request: Vec<u8>,
    /// Account that pays for the request.
    pub requester: [u8; 32],
    /// Account of the operator that answers it.
    pub operator: [u8; 32],
}

/// One run of a model.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Job {
    /// The request. A second job for the same request is the same job.
    pub request: RequestId,
    /// The model's artifact.
    pub artifact: ArtifactManifest,
    /// The version's descriptor.
    pub descriptor: ModelDescriptor,
    /// The input.
    pub input: JobInput,
    /// Maximum time in milliseconds for which the caller waits for the run to end.
    pub wait_ms: u32,
    /// The context of the proof to make; `None` for a run without a proof. A proof requires an
    /// integer graph whose operations the proof system supports.
    pub prove: Option<ProofContext>,
}

/// The status of a job.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum JobStatus {
    /// The job has not finished. Query it again at a later block.
    Running,
    /// The run has finished.
    Done {
        /// The output payload.
        output: Vec<u8>,
        /// The proof, if the job requested one.
        proof: Option<Vec<u8>>,
    },
    /// The job cannot be served. The text is for the log.
    Failed(FailureReason, String),
    /// The node has no engine, or the engine is busy. Nothing was started; the text says why.
    Unavailable(String),
}

/// The version and the load of an engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct EngineInfo {
    /// Version of the engine.
    pub version: EngineVersion,
    /// Runs in progress.
    pub load: u32,
}
