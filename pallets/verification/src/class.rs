//! The interface of the rules by which the classes evaluate submitted results.

use alloc::{vec, vec::Vec};

/// A result that a member of the committee has submitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SubmittedResult<'a> {
    /// The output payload.
    pub output: &'a [u8],
    /// Whether the proof of the result holds; `None` if it has none.
    pub proof_holds: Option<bool>,
}

/// The evaluation of results, as indices into their list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Judgement {
    /// The result that becomes the request's output.
    pub winner: Option<usize>,
    /// The results whose operators are paid.
    pub agreed: Vec<usize>,
    /// The results whose operators are penalised.
    pub wrong: Vec<usize>,
}

impl Judgement {
    /// The first and only result wins.
    pub fn for_first() -> Self {
        Self { winner: Some(0), agreed: vec![0], wrong: Vec::new() }
    }

    /// The first and only result is wrong.
    pub fn against_first() -> Self {
        Self { winner: None, agreed: Vec::new(), wrong: vec![0] }
    }
}

/// The rule of one class.
pub trait ClassVerifier {
    /// Evaluates the results, in the order of the draw. Called when no more results are expected.
    fn judge(&self, shown: &[SubmittedResult<'_>]) -> Judgement;
}
