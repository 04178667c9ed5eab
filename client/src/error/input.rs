//! Inputs that do not fit a model.

use assay_primitives::{ElementType, PayloadError};

/// Why an input does not fit what a version declares.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// The source is not valid in its format.
    #[error("the {form} cannot be read: {reason}")]
    Unreadable {
        /// The format, to follow "the": `JSON`, `CSV text`, ...
        form: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor is missing.
    #[error("tensor `{name}` is missing; found: {found}")]
    Missing {
        /// The declared name.
        name: String,
        /// The names in the source.
        found: String,
    },
    /// The format contains one tensor, but the version declares another number of them.
    #[error("the {form} contains one tensor, the model has {count} ({names}); use JSON or .npz")]
    OneTensor {
        /// The format.
        form: &'static str,
        /// Number of tensors that the version declares.
        count: usize,
        /// Their names.
        names: String,
    },
    /// The shape is not the declared one.
    #[error("`{name}` has the shape {found}; the model declares {declared}")]
    WrongShape {
        /// The tensor.
        name: String,
        /// The shape in the source.
        found: String,
        /// The declared shape.
        declared: String,
    },
    /// Sibling lists have different lengths or depths.
    #[error("`{name}` is ragged at {at}: sibling lists must have the same length")]
    Ragged {
        /// The tensor.
        name: String,
        /// Indices of the list.
        at: String,
    },
    /// An element is not a number.
    #[error("`{name}` contains {found} at {at}, which is not a number")]
    NotANumber {
        /// The tensor.
        name: String,
        /// Indices of the element.
        at: String,
        /// The element.
        found: String,
    },
    /// An element is NaN or infinite.
    #[error("`{name}` contains {found} at element {at}; only finite numbers are accepted")]
    NotFinite {
        /// The tensor.
        name: String,
        /// Index of the element in row-major order.
        at: usize,
        /// The element.
        found: String,
    },
    /// The declared type cannot represent an element.
    #[error(
        "`{name}` contains {found} at element {at}, which type {} cannot represent",
        .element_type.name()
    )]
    DoesNotFit {
        /// The tensor.
        name: String,
        /// Index of the element in row-major order.
        at: usize,
        /// The element.
        found: String,
        /// The declared type.
        element_type: ElementType,
    },
    /// An array has an element type that is not supported.
    #[error("`{name}` has the type {found}; the model declares {}", .element_type.name())]
    WrongType {
        /// The tensor.
        name: String,
        /// The type in the source.
        found: String,
        /// The declared type.
        element_type: ElementType,
    },
    /// The chain would refuse the payload.
    #[error("{0}")]
    Payload(PayloadError),
}

impl InputError {
    /// Shorthand for [`InputError::Unreadable`].
    pub(crate) fn unreadable(form: &'static str, reason: impl ToString) -> Self {
        Self::Unreadable { form, reason: reason.to_string() }
    }
}
