//! What an offchain worker asks of the engine.

use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use scale_info::TypeInfo;

use crate::{
    model::ModelDescriptor, operator::EngineVersion, ArtifactManifest, FailureReason, RequestId,
};

/// The input of a job.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum JobInput {
    /// The payload itself.
    Inline(Vec<u8>),
    /// An artifact whose bytes are the payload.
    Artifact(ArtifactManifest),
}

/// What a validity proof is bound to, besides the model, the input and the output.
///
/// The fields go into the proof's transcript as they are; whoever checks the proof has to name
/// the same.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct ProofContext {
    /// Hash of the chain's genesis block.
    pub genesis: [u8; 32],
    /// The place on the chain that the proof is for.
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
    /// The request; a second job for the same request is the same job.
    pub request: RequestId,
    /// The model's artifact.
    pub artifact: ArtifactManifest,
    /// What the version declares.
    pub descriptor: ModelDescriptor,
    /// The input.
    pub input: JobInput,
    /// Milliseconds for which the caller can wait for a short run to end.
    pub wait_ms: u32,
    /// Whether the output is to be proven, and in which context. Only integer graphs whose
    /// operations the proof system supports can be.
    pub prove: Option<ProofContext>,
}

/// How a job stands.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub enum JobStatus {
    /// Not finished yet; ask again at a later block.
    Running,
    /// It is done.
    Done {
        /// The output payload.
        output: Vec<u8>,
        /// The proof, where the job asked for one.
        proof: Option<Vec<u8>>,
    },
    /// It cannot be served. The text is for the log.
    Failed(FailureReason, String),
    /// This node has no engine, or the engine is busy; nothing was started.
    Unavailable(String),
}

/// What the engine says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct EngineInfo {
    /// Version of the engine.
    pub version: EngineVersion,
    /// Runs under way.
    pub load: u32,
}
