//! The rule of each class.

use alloc::boxed::Box;
use assay_primitives::{model::Tolerance, Assurance};

use crate::{
    proof::ProofRule, quorum::QuorumRule, signed::SignedRule, ClassVerifier, Judgement,
    SubmittedResult,
};

/// Nothing is shown in a class that is not available.
struct Unavailable;

impl ClassVerifier for Unavailable {
    fn judge(&self, _: &[SubmittedResult<'_>]) -> Judgement {
        Judgement::default()
    }
}

/// The rule of the class that was asked for.
pub(crate) fn verifier(
    assurance: Assurance,
    tolerance: Option<Tolerance>,
) -> Box<dyn ClassVerifier> {
    match assurance {
        // Who lost a dispute over its result is not judged here.
        Assurance::Signed | Assurance::Optimistic => Box::new(SignedRule),
        Assurance::Quorum { k, .. } => Box::new(QuorumRule { threshold: k.into(), tolerance }),
        Assurance::Proof => Box::new(ProofRule),
        Assurance::Tee => Box::new(Unavailable),
    }
}
