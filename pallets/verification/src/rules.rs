//! The choice of a class's rule.

use alloc::boxed::Box;
use assay_primitives::{model::Tolerance, Assurance};

use crate::{
    proof::ProofRule, quorum::QuorumRule, signed::SignedRule, ClassVerifier, Judgement,
    SubmittedResult,
};

/// The rule of a class that is not available: there are no results, and none wins.
struct Unavailable;

impl ClassVerifier for Unavailable {
    fn judge(&self, _: &[SubmittedResult<'_>]) -> Judgement {
        Judgement::default()
    }
}

/// The rule for `assurance`, with the tolerance of the version.
pub(crate) fn verifier(
    assurance: Assurance,
    tolerance: Option<Tolerance>,
) -> Box<dyn ClassVerifier> {
    match assurance {
        // A result of class `Optimistic` that lost a dispute is not evaluated by this rule.
        Assurance::Signed | Assurance::Optimistic => Box::new(SignedRule),
        Assurance::Quorum { k, .. } => Box::new(QuorumRule { threshold: k.into(), tolerance }),
        Assurance::Proof => Box::new(ProofRule),
        Assurance::Tee => Box::new(Unavailable),
    }
}
