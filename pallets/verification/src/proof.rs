//! Class `Proof`: a validity proof of the inference, bound to the request and both accounts.

use alloc::string::{String, ToString};
use assay_graph::{Architecture, Plan};
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

/// A proof that holds.
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

/// What a refusal is called on chain.
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

/// Verifies a proof against the architecture that the chain keeps, for weights that come to what the
/// chain has read.
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

/// Verifies a proof outside of any request, and says why it is refused.
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

/// The data of a payload of one tensor.
fn data(mut payload: &[u8]) -> Result<alloc::vec::Vec<u8>, ProofFailure> {
    match <[Tensor; 1]>::try_from(
        alloc::vec::Vec::<Tensor>::decode_all(&mut payload).unwrap_or_default(),
    ) {
        Ok([tensor]) => Ok(tensor.data),
        Err(_) => Err(ProofFailure::Invalid(ProofRefusal::Length)),
    }
}

/// Verifies the proof of a result: its statement is that of this chain, request, payer and
/// operator, of the version's graph, and of the payloads' data; and its weights are the published
/// ones, which come to `weights`.
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

/// Proofs that decide disputes.
impl<T: Config> OutputProofs for Pallet<T> {
    fn holds(request: RequestId, output: &[u8], proof: &[u8]) -> bool {
        let Some(target) = T::Requests::provable(request) else { return false };
        // Only versions that offer class `Proof` have a fingerprint, and only for these the cost of a
        // verification is bounded.
        let (Some(weights), Some(architecture)) = (
            T::Models::weights_fingerprint(target.version),
            T::Models::architecture(target.version),
        ) else {
            return false;
        };
        let context = ProofContext {
            genesis: Self::genesis().0,
            domain: PROOF_DOMAIN.to_vec(),
            request: request.encode(),
            requester: account_bytes(&target.payer),
            operator: account_bytes(&target.operator),
        };
        check(&architecture, &context, &target.input, output, weights, proof).is_ok()
    }

    fn weight() -> Weight {
        // A request may be for any version, so the most expensive one counts.
        <Self as Verification<T::AccountId>>::proof_weight(T::MaxProofCost::get())
    }
}
