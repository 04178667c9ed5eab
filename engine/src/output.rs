//! What runs and jobs give.

use std::time::Duration;

/// What a run gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunOutput {
    /// SCALE encoding of the output tensors, in the declared order, checked against the
    /// declaration.
    pub payload: Vec<u8>,
    /// The proof, where one was asked for.
    pub proof: Option<Vec<u8>>,
    /// From handing the input to the loaded model to having its output.
    pub latency: Duration,
    /// Whether the model was loaded already.
    pub cached: bool,
}

/// What a job gives.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct JobOutput {
    /// The output payload.
    pub output: Vec<u8>,
    /// Its proof, where one was asked for.
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
