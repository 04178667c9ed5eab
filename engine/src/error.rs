//! Errors, with their causes and remedies.

use std::time::Duration;

use assay_primitives::{Digest, FailureReason, PayloadError};

/// Why the engine returned no result.
///
/// Texts that originate in a model file or an engine worker are bounded in length and contain no
/// control characters.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EngineError {
    /// A value of the configuration is out of bounds. Correct it.
    #[error("invalid engine configuration: {0}")]
    Config(String),
    /// The program of the engine workers cannot be started. Check that its path names an executable
    /// file of this installation.
    #[error("cannot start the engine worker `{program}`: {cause}; check the path of the program")]
    Spawn {
        /// The program.
        program: String,
        /// The error of the operating system.
        cause: String,
    },
    /// The program of the engine workers is from another build, most likely because the executable
    /// was replaced while this process runs. Restart the node.
    #[error(
        "the program of the engine workers is from another build ({0}); restart this process to \
         use the new one"
    )]
    WorkerMismatch(String),
    /// The maximum number of concurrent runs is reached. Nothing was started. Try again later, or
    /// raise `concurrency`.
    #[error("busy: {limit} runs are in progress; try again later")]
    Busy {
        /// The configured `concurrency`.
        limit: usize,
    },
    /// [`crate::Engine::shut_down`] was called. There is no result.
    #[error("the engine is shutting down")]
    Stopped,
    /// The model file or the input artifact could not be retrieved. The cause says why. A later
    /// attempt may succeed, for example after the node has downloaded the missing blocks.
    #[error("an artifact is not available: {0}")]
    ArtifactUnavailable(String),
    /// The bytes do not have the identity or the size that the version states. Retrieve them again
    /// from another source.
    #[error(
        "the model's artifact is corrupt: its identity is {actual:?}, the version states \
         {expected:?}"
    )]
    ArtifactCorrupt {
        /// The identity that the version states.
        expected: Digest,
        /// The identity of the bytes.
        actual: Digest,
    },
    /// The model file is too large for this engine. Publish a smaller file, or raise
    /// `max_model_bytes`.
    #[error("the model has {size} bytes; this engine accepts at most {limit}")]
    ModelTooLarge {
        /// Size of the file in bytes.
        size: u64,
        /// The configured `max_model_bytes`.
        limit: u64,
    },
    /// The version states an architecture although its format is ONNX, or none although its format
    /// is integer graph. Publish it again with a current client.
    #[error(
        "the version's format and its architecture contradict each other; publish it again with a \
         current client"
    )]
    FormatMismatch,
    /// The engine cannot run the file. For an ONNX file: export it again with operators that tract
    /// supports and with its weights inside. For an integer graph: write it again with the tool
    /// that quantised it.
    #[error("the model file is refused: {0}")]
    InvalidModel(String),
    /// The version does not declare the tensors of the file. Publish a version with the
    /// declarations that [`crate::Engine::inspect`] reads from the file.
    #[error("the version's declaration contradicts the model file: {0}")]
    DeclarationMismatch(String),
    /// The input payload is too large for this engine. Use a smaller input, or raise
    /// `max_input_bytes`.
    #[error("the input has {size} bytes; this engine accepts at most {limit}")]
    InputTooLarge {
        /// Size of the payload in bytes.
        size: u64,
        /// The configured `max_input_bytes`.
        limit: u64,
    },
    /// The input payload does not fit the version's declaration. Correct the input.
    #[error("the input does not fit the version's declaration: {0}")]
    InvalidInput(PayloadError),
    /// The declaration permits the input's shape, but the model does not support it. Use other
    /// sizes in the free dimensions.
    #[error("the model does not support an input of this shape: {0}")]
    UnsupportedShape(String),
    /// Loading exceeded the time limit. Use a smaller model, or raise `load_timeout`.
    #[error("loading the model took longer than {0:?}")]
    LoadTimeLimit(Duration),
    /// The run exceeded the time limit. Use a smaller input or a smaller model, or raise
    /// `run_timeout`.
    #[error("the run took longer than {0:?}")]
    RunTimeLimit(Duration),
    /// The model needs more memory than an engine worker may use. Use a smaller input or a smaller
    /// model, or raise `memory_limit_bytes`.
    #[error("the model needs more than {limit} bytes of memory: {cause}")]
    MemoryLimit {
        /// The configured `memory_limit_bytes`.
        limit: u64,
        /// The message of the failed allocation.
        cause: String,
    },
    /// For this input, the model produces an output that does not fit the version's declaration, or
    /// an element that is not finite. Correct the model or the declaration.
    #[error("the output does not fit the version's declaration: {0}")]
    InvalidOutput(PayloadError),
    /// The output payload is too large for this engine. Raise `max_output_bytes`.
    #[error("the output has more than {limit} bytes")]
    OutputTooLarge {
        /// The configured `max_output_bytes`.
        limit: u64,
    },
    /// The model fails on this input, for example with an index out of range. Use another input. If
    /// the input is one that the model is meant for, correct the model.
    #[error("the model failed on this input: {0}")]
    RunFailed(String),
    /// The run cannot be proven: the model is an ONNX file, it has an operation that the proof
    /// system does not support, or it was changed after it was sealed. Use another class.
    #[error("the run cannot be proven: {0}")]
    NotProvable(String),
    /// The proof exceeded the time limit. Raise `prove_timeout`, or prove a smaller model.
    #[error("the proof took longer than {0:?}")]
    ProveTimeLimit(Duration),
    /// The engine worker crashed, or another process killed it. Look for the cause in the text.
    #[error("the engine worker ended unexpectedly ({0})")]
    WorkerDied(String),
    /// The engine worker sent a message that this build never sends, and was ended. Either the
    /// engine has a defect, or a model took control of its engine worker.
    #[error("the engine worker broke the protocol: {0}")]
    Protocol(String),
    /// A defect of the engine. Please report it.
    #[error("internal error: {0}")]
    Internal(String),
}

impl EngineError {
    /// The reason that an operator reports to the chain.
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

    /// Whether nothing was started, so that the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Stopped)
    }
}

/// Maximum number of characters of a text from an engine worker.
const MAX_TEXT_CHARS: usize = 600;

/// Makes a text from an engine worker fit for logs: bounded, one line, no control characters.
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
    fn texts_from_workers_are_bounded_and_contain_no_control_characters() {
        let text = plain(&format!("  \u{1b}[31mred\n{}", "x".repeat(10_000)));
        assert!(text.chars().count() <= MAX_TEXT_CHARS + 1);
        assert!(text.starts_with("[31mred x") || text.starts_with(" [31mred x"));
        assert!(!text.contains('\n') && !text.contains('\u{1b}'));
    }

    #[test]
    fn only_errors_that_started_nothing_are_transient() {
        assert!(EngineError::Busy { limit: 1 }.is_transient());
        assert!(!EngineError::RunTimeLimit(Duration::from_secs(1)).is_transient());
    }
}
