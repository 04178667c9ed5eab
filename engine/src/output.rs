//! Results of runs and jobs.

use std::time::Duration;

/// The result of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunOutput {
    /// SCALE encoding of the output tensors in the declared order, checked against the declaration.
    /// For [`crate::Engine::dispute_move`]: the encoded claim or move.
    pub payload: Vec<u8>,
    /// The proof, if one was requested.
    pub proof: Option<Vec<u8>>,
    /// Time from sending the input to the loaded model to receiving its output.
    pub latency: Duration,
    /// Whether the model was loaded already.
    pub cached: bool,
}

/// The result of a job.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct JobOutput {
    /// The output payload.
    pub output: Vec<u8>,
    /// Its proof, if one was requested.
    pub proof: Option<Vec<u8>>,
}

/// An output without a proof.
impl From<Vec<u8>> for JobOutput {
    fn from(output: Vec<u8>) -> Self {
        Self { output, proof: None }
    }
}

impl From<RunOutput> for JobOutput {
    fn from(run: RunOutput) -> Self {
        Self { output: run.payload, proof: run.proof }
    }
}
