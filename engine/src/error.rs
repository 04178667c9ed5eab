//! What can go wrong, why, and what to do about it.

use std::time::Duration;

use assay_primitives::{Digest, FailureReason, PayloadError};

/// Why the engine gave no result.
///
/// Texts that stem from a model file are bounded in length and hold no control characters.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EngineError {
    /// A value of the configuration is out of its bounds. Correct it.
    #[error("engine configuration: {0}")]
    Config(String),
    /// The worker program could not be started. Check that the path names an executable file
    /// of this installation.
    #[error("cannot start worker `{program}`: {cause}; check the path of the worker program")]
    Spawn {
        /// The program.
        program: String,
        /// What the operating system says.
        cause: String,
    },
    /// The worker program is not of this build, most often because the executable was replaced
    /// under a running process. Restart the node.
    #[error("the worker program is of another build ({0}); restart to use the new one")]
    WorkerMismatch(String),
    /// As many runs are under way as the engine allows. Nothing was started; ask again later,
    /// or raise `concurrency`.
    #[error("busy: {limit} runs are under way; try again later")]
    Busy {
        /// The configured `concurrency`.
        limit: usize,
    },
    /// [`crate::Engine::shut_down`] was called. Nothing was finished.
    #[error("the engine is shutting down")]
    Stopped,
    /// The model file could not be had. See the cause; a node fetches artifacts from its peers,
    /// so a later attempt may succeed.
    #[error("the model's artifact is not available: {0}")]
    ArtifactUnavailable(String),
    /// The bytes are not those that the version names. Fetch them again from elsewhere.
    #[error(
        "the model's artifact is corrupt: its digest is {actual:?}, the version names {expected:?}"
    )]
    ArtifactCorrupt {
        /// The digest that the version names.
        expected: Digest,
        /// The digest of the bytes.
        actual: Digest,
    },
    /// The model file is larger than this engine takes. Publish a smaller one, or raise
    /// `max_model_bytes`.
    #[error("the model has {size} bytes, this engine takes {limit}")]
    ModelTooLarge {
        /// Bytes of the file.
        size: u64,
        /// The configured `max_model_bytes`.
        limit: u64,
    },
    /// The version names an architecture although it is an ONNX file, or none although it is an
    /// integer graph. Publish it again with a current client.
    #[error("the version's format and its architecture do not go together; publish it again")]
    FormatMismatch,
    /// The file is not a model that the engine can run. Of an ONNX file: export it again with
    /// operators that tract supports, with its weights inside. Of an integer graph: write it
    /// again with the tool that quantised it.
    #[error("the model file is refused: {0}")]
    InvalidModel(String),
    /// The version declares other tensors than the file has. Publish a version whose
    /// declarations are those that [`crate::Engine::inspect`] reads from the file.
    #[error("the version's declaration contradicts the model file: {0}")]
    DeclarationMismatch(String),
    /// The input payload is larger than this engine takes.
    #[error("the input has {size} bytes, this engine takes {limit}")]
    InputTooLarge {
        /// Bytes of the payload.
        size: u64,
        /// The configured `max_input_bytes`.
        limit: u64,
    },
    /// The input payload does not fit the version's declaration. Correct the input.
    #[error("the input does not fit the version's declaration: {0}")]
    InvalidInput(PayloadError),
    /// The declaration admits the input's shape, but the model does not work with it. Use
    /// another number of elements in the free dimensions.
    #[error("the model does not take an input of this shape: {0}")]
    UnsupportedShape(String),
    /// Loading took too long. The model is too expensive for this engine.
    #[error("loading the model took longer than {0:?}")]
    LoadTimeLimit(Duration),
    /// The run took too long. Use a smaller input or a cheaper model.
    #[error("the run took longer than {0:?}")]
    RunTimeLimit(Duration),
    /// The model needs more memory than a worker may use. Use a smaller input or a smaller
    /// model, or raise `memory_limit_bytes`.
    #[error("the model needs more than {limit} bytes of memory: {cause}")]
    MemoryLimit {
        /// The configured `memory_limit_bytes`.
        limit: u64,
        /// What could not be allocated.
        cause: String,
    },
    /// The model gave an output that does not fit the version's declaration, or an element that
    /// is not finite. The model is at fault for this input.
    #[error("the output does not fit the version's declaration: {0}")]
    InvalidOutput(PayloadError),
    /// The output payload is larger than this engine gives.
    #[error("the output has more than {limit} bytes")]
    OutputTooLarge {
        /// The configured `max_output_bytes`.
        limit: u64,
    },
    /// The model stopped on this input and gave no output, for instance at an index out of
    /// range. Use another input; if it fits what the model is for, the model is at fault.
    #[error("the model failed on this input: {0}")]
    RunFailed(String),
    /// The run cannot be proven: the model is an ONNX file, it has an operation that the proof
    /// system does not support, or it was changed after it was sealed. Ask in another class.
    #[error("the run cannot be proven: {0}")]
    NotProvable(String),
    /// A proof took too long. Raise `prove_timeout`, or prove a smaller model.
    #[error("the proof took longer than {0:?}")]
    ProveTimeLimit(Duration),
    /// The worker process ended by itself or was ended from outside.
    #[error("the worker ended unexpectedly ({0})")]
    WorkerDied(String),
    /// The worker sent what no worker of this build sends. A defect, or a model that took
    /// control of its worker; the worker was ended.
    #[error("the worker broke the protocol: {0}")]
    Protocol(String),
    /// A defect of the engine. Please report it.
    #[error("internal error: {0}")]
    Internal(String),
}

impl EngineError {
    /// What an operator reports to the chain.
    pub fn reason(&self) -> FailureReason {
        match self {
            Self::ArtifactUnavailable(_) | Self::ArtifactCorrupt { .. } => {
                FailureReason::ArtifactUnavailable
            },
            Self::ModelTooLarge { .. }
            | Self::FormatMismatch
            | Self::InvalidModel(_)
            | Self::DeclarationMismatch(_) => FailureReason::InvalidModel,
            Self::InputTooLarge { .. } | Self::InvalidInput(_) | Self::UnsupportedShape(_) => {
                FailureReason::InvalidInput
            },
            Self::NotProvable(_) => FailureReason::ProofUnavailable,
            Self::LoadTimeLimit(_) | Self::RunTimeLimit(_) | Self::ProveTimeLimit(_) => {
                FailureReason::TimeLimit
            },
            Self::MemoryLimit { .. } => FailureReason::MemoryLimit,
            Self::InvalidOutput(_) | Self::RunFailed(_) => FailureReason::InvalidOutput,
            Self::OutputTooLarge { .. } => FailureReason::OutputTooLarge,
            Self::Config(_)
            | Self::Spawn { .. }
            | Self::WorkerMismatch(_)
            | Self::Busy { .. }
            | Self::Stopped
            | Self::WorkerDied(_)
            | Self::Protocol(_)
            | Self::Internal(_) => FailureReason::EngineError,
        }
    }

    /// Whether nothing was started, so that the same call may succeed later without any change.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Stopped)
    }
}

/// Most characters of a text that stems from a worker.
const MAX_TEXT_CHARS: usize = 600;

/// Makes a text from a worker fit for logs: bounded, one line, no control characters.
pub(crate) fn plain(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let mut out: String = text.trim().chars().map(printable).take(MAX_TEXT_CHARS).collect();
    if text.trim().chars().nth(MAX_TEXT_CHARS).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_from_workers_are_bounded_and_hold_no_control_characters() {
        let text = plain(&format!("  \u{1b}[31mred\n{}", "x".repeat(10_000)));
        assert!(text.chars().count() <= MAX_TEXT_CHARS + 1);
        assert!(text.starts_with("[31mred x") || text.starts_with(" [31mred x"));
        assert!(!text.contains('\n') && !text.contains('\u{1b}'));
    }

    #[test]
    fn only_what_started_nothing_is_transient() {
        assert!(EngineError::Busy { limit: 1 }.is_transient());
        assert!(!EngineError::RunTimeLimit(Duration::from_secs(1)).is_transient());
    }
}
