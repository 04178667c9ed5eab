//! Class `Proof`: validity proofs of inferences, bound to a request and to the accounts of its
//! payer and its operator.

use alloc::string::{String, ToString};
use assay_graph::{Architecture, Plan};
use assay_pallet_support::Chain;
use assay_primitives::{
    engine::ProofContext,
    proof::{account_bytes, PROOF_DOMAIN},
    traits::{Models, OutputProofs, ProofFailure, ProvableRequests, ProvenResult, Verification},
    Digest, ProofRefusal, RequestId, Tensor, WeightsFingerprint,
};
use assay_proof::{Context, Fingerprint, Reject, Statement, Verifier};
use codec::{DecodeAll, Encode};
use frame_support::{traits::Get, weights::Weight};

use crate::{ClassVerifier, Config, Judgement, Pallet, SubmittedResult};

/// The rule of class `Proof`: the result wins if its proof holds, otherwise it is wrong.
pub struct ProofRule;

impl ClassVerifier for ProofRule {
    fn judge(&self, shown: &[SubmittedResult<'_>]) -> Judgement {
        match shown {
            [] => Judgement::default(),
            [SubmittedResult { proof_holds: Some(true), .. }, ..] => Judgement::for_first(),
            [..] => Judgement::against_first(),
        }
    }
}

/// The reason on chain for a refusal of the proof system.
fn refusal(of: &Reject) -> ProofRefusal {
    match of {
        Reject::Encoding(_) => ProofRefusal::Encoding,
        Reject::InputLength { .. } | Reject::OutputLength { .. } => ProofRefusal::Length,
        Reject::Lookups(_) => ProofRefusal::Statement,
        Reject::ModelOpening(_) => ProofRefusal::ModelOpening,
        Reject::Weights => ProofRefusal::Weights,
        Reject::WitnessOpening(_) => ProofRefusal::WitnessOpening,
        Reject::Output => ProofRefusal::Output,
        _ => ProofRefusal::Operation,
    }
}

/// Verifies a proof against an encoded architecture and the fingerprint of the published weights.
///
/// # Errors
///
/// The proof does not hold, or there is no verifier for the architecture.
pub fn verify(
    architecture: &[u8],
    statement: &Statement<'_>,
    weights: WeightsFingerprint,
    proof: &[u8],
) -> Result<(), ProofFailure> {
    let verifier = Architecture::from_bytes(architecture)
        .ok()
        .and_then(|architecture| Plan::new(architecture).ok())
        .and_then(|plan| Verifier::new(&plan).ok())
        .ok_or(ProofFailure::NoVerifier)?;
    verifier
        .verify(statement, Fingerprint(weights.0), proof)
        .map_err(|reject| ProofFailure::Invalid(refusal(&reject)))
}

/// Verifies a proof of arguments that need not be on chain.
///
/// # Errors
///
/// The reason why the proof is refused, as text.
pub fn check(
    architecture: &[u8],
    context: &ProofContext,
    input: &[u8],
    output: &[u8],
    weights: WeightsFingerprint,
    proof: &[u8],
) -> Result<(), String> {
    let architecture = Architecture::from_bytes(architecture).map_err(|e| e.to_string())?;
    let plan = Plan::new(architecture).map_err(|e| e.to_string())?;
    let verifier = Verifier::new(&plan).map_err(|e| e.to_string())?;
    let context = Context {
        genesis: context.genesis,
        domain: &context.domain,
        request: &context.request,
        requester: context.requester,
        operator: context.operator,
    };
    verifier
        .verify(&Statement { context, input, output }, Fingerprint(weights.0), proof)
        .map_err(|e| e.to_string())
}

/// The data of the only tensor of a payload.
fn data(mut payload: &[u8]) -> Result<alloc::vec::Vec<u8>, ProofFailure> {
    match <[Tensor; 1]>::try_from(
        alloc::vec::Vec::<Tensor>::decode_all(&mut payload).unwrap_or_default(),
    ) {
        Ok([tensor]) => Ok(tensor.data),
        Err(_) => Err(ProofFailure::Invalid(ProofRefusal::Length)),
    }
}

/// Verifies the proof of a result. The statement consists of the chain, the request, the payer, the
/// operator, the version's graph and the data of both payloads. `weights` is the fingerprint of the
/// published weights, which the proof has to match.
///
/// # Errors
///
/// The proof does not hold, or there is no verifier for the architecture.
pub fn verify_result<AccountId: Encode>(
    genesis: Digest,
    architecture: &[u8],
    weights: WeightsFingerprint,
    result: &ProvenResult<'_, AccountId>,
) -> Result<(), ProofFailure> {
    let (input, output) = (data(result.input)?, data(&result.output)?);
    let statement = Statement {
        context: Context {
            genesis: genesis.0,
            domain: PROOF_DOMAIN,
            request: &result.request.encode(),
            requester: account_bytes(result.payer),
            operator: account_bytes(result.operator),
        },
        input: &input,
        output: &output,
    };
    verify(architecture, &statement, weights, result.proof)
}

/// The proofs that decide disputes and appeals.
impl<T: Config> OutputProofs<T::AccountId> for Pallet<T> {
    fn holds(
        request: RequestId,
        prover: Option<&T::AccountId>,
        output: &[u8],
        proof: &[u8],
    ) -> bool {
        let Some(target) = T::Requests::provable(request) else { return false };
        // Only versions that offer class `Proof` have a fingerprint, and only for them the cost of
        // a verification is bounded.
        let (Some(weights), Some(architecture)) = (
            T::Models::weights_fingerprint(target.version),
            T::Models::architecture(target.version),
        ) else {
            return false;
        };
        let context = ProofContext {
            genesis: T::genesis().0,
            domain: PROOF_DOMAIN.to_vec(),
            request: request.encode(),
            requester: account_bytes(&target.payer),
            operator: account_bytes(prover.unwrap_or(&target.operator)),
        };
        check(&architecture, &context, &target.input, output, weights, proof).is_ok()
    }

    fn weight() -> Weight {
        // The version is not known yet, so charge for the most expensive one.
        <Self as Verification<T::AccountId>>::proof_weight(T::MaxProofCost::get())
    }
}
