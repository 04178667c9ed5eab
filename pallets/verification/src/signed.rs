//! Class `Signed`: the signature is the only evidence. It was checked before the result was stored.

use crate::{ClassVerifier, Judgement, SubmittedResult};

/// The rule of class `Signed`: the result wins.
pub struct SignedRule;

impl ClassVerifier for SignedRule {
    fn judge(&self, shown: &[SubmittedResult<'_>]) -> Judgement {
        match shown {
            [] => Judgement::default(),
            [..] => Judgement::for_first(),
        }
    }
}
