//! Errors in an engine worker.

use std::any::Any;

use assay_primitives::Dimension;

use crate::protocol::WorkerFailure;

/// An error in an engine worker: its kind and a message.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) failure: WorkerFailure,
    pub(crate) text: String,
}

impl Problem {
    pub(crate) fn new(failure: WorkerFailure, text: impl Into<String>) -> Self {
        Self { failure, text: text.into() }
    }
}

/// The problem of a caught panic.
pub(crate) fn panic_problem(panic: &(dyn Any + Send)) -> Problem {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    Problem::new(WorkerFailure::Panic, text)
}

/// The problem of a model file that cannot be run.
pub(crate) fn model_problem(error: impl std::fmt::Display) -> Problem {
    Problem::new(WorkerFailure::Model, format!("{error:#}"))
}

/// A declared dimension, for messages.
pub(crate) fn dimension_text(dimension: &Dimension) -> String {
    match dimension {
        Dimension::Fixed(size) => size.to_string(),
        Dimension::Free => "free".into(),
    }
}

/// Whether a message of tract or of the standard library means that memory ran out.
pub(crate) fn indicates_oom(text: &str) -> bool {
    [
        "failed to allocate",
        "memory allocation of",
        "out of memory",
        "capacity overflow",
        "data.is_null()",
    ]
    .iter()
    .any(|phrase| text.contains(phrase))
}
