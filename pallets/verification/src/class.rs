//! What each class makes of the results that were shown.

use alloc::{vec, vec::Vec};

/// A result that a member of the committee has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SubmittedResult<'a> {
    /// The output payload.
    pub output: &'a [u8],
    /// Whether the proof that came with it holds; `None` where none did.
    pub proof_holds: Option<bool>,
}

/// Which results win, by their indices.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Judgement {
    /// The result that is the request's.
    pub winner: Option<usize>,
    /// Those whose operators are paid.
    pub agreed: Vec<usize>,
    /// Those whose operators are penalised.
    pub wrong: Vec<usize>,
}

impl Judgement {
    /// The first result wins, and is the only one.
    pub fn for_first() -> Self {
        Self { winner: Some(0), agreed: vec![0], wrong: Vec::new() }
    }

    /// The first result is wrong, and is the only one.
    pub fn against_first() -> Self {
        Self { winner: None, agreed: Vec::new(), wrong: vec![0] }
    }
}

/// The rule of one class.
pub trait ClassVerifier {
    /// Judges the results, in the order of the draw, when no more is awaited.
    fn judge(&self, shown: &[SubmittedResult<'_>]) -> Judgement;
}
