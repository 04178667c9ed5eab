//! Results of requests, provisional and final.

use assay_primitives::{
    digest,
    dispute::DisputeId,
    runtime_api::{OptimisticView, RequestView, Status, VersionView},
    Assurance, Balance, BlockNumber, Digest, Outcome, ProofEvidence, RejectReason, RequestId,
    VersionId,
};
use serde::{ser::SerializeStruct, Serialize, Serializer};
use serde_json::Value;

use crate::{
    names::AssuranceArgument, payload::output_to_json, queries::version_name, AccountId, Client,
    Error, Result,
};

/// The result of a request, final or not.
#[derive(Clone, Debug, PartialEq)]
pub enum InferenceAnswer {
    /// The request has ended.
    Final(InferenceResult),
    /// The request has an output that may still be disputed.
    Provisional(ProvisionalResult),
}

/// An optimistic result that is not final. Only one operator and its bond back it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisionalResult {
    /// The request.
    pub request: RequestId,
    /// The version, as `owner/name@number`.
    pub model: String,
    /// The output as JSON.
    pub output: Value,
    /// The output in real numbers: its integers times the model's output scale.
    pub output_real: Option<Value>,
    /// The output payload that the operator claims.
    pub payload: Vec<u8>,
    /// The operator.
    pub operator: AccountId,
    /// Last height at which a dispute may be opened. Afterwards the result is final unless a
    /// dispute is open.
    pub disputable_until: BlockNumber,
    /// Open disputes.
    pub disputes: Vec<DisputeId>,
    /// Milliseconds from the start of the client's call until it observed this result.
    pub latency_ms: u64,
}

impl Serialize for ProvisionalResult {
    /// One object with the known fields of an [`InferenceResult`], and `Provisional` as the
    /// outcome.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_struct("ProvisionalResult", 9)?;
        line.serialize_field("request", &self.request)?;
        line.serialize_field("model", &self.model)?;
        line.serialize_field("assurance", &AssuranceArgument(Assurance::Optimistic).to_string())?;
        line.serialize_field("outcome", "Provisional")?;
        line.serialize_field("output", &self.output)?;
        match &self.output_real {
            Some(output) => line.serialize_field("output_real", output)?,
            None => line.skip_field("output_real")?,
        }
        line.serialize_field("operator", &self.operator.to_string())?;
        line.serialize_field("disputable_until", &self.disputable_until)?;
        line.serialize_field("disputes", &self.disputes)?;
        line.serialize_field("latency_ms", &self.latency_ms)?;
        line.end()
    }
}

/// The result of a request that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct InferenceResult {
    /// The request.
    pub request: RequestId,
    /// The version, as `owner/name@number`.
    pub model: String,
    /// The version by its numbers.
    pub version: VersionId,
    /// The requested class and its parameters.
    pub assurance: Assurance,
    /// The outcome.
    pub outcome: Outcome,
    /// Why there is no result, and what to do. `None` if the outcome is `Verified`.
    pub reason: Option<&'static str>,
    /// The output as JSON: an object of nested lists by tensor name. `None` if the outcome is not
    /// `Verified`, or the output was pruned.
    pub output: Option<Value>,
    /// The output of an integer graph in real numbers: its integers times the model's output
    /// scale. `None` for other models.
    pub output_real: Option<Value>,
    /// The output payload of the operators. `None` where `output` is.
    pub payload: Option<Vec<u8>>,
    /// Milliseconds from the start of the client's call until it observed the end of the request.
    pub latency_ms: u64,
    /// Blocks from the request's inclusion to the decision.
    pub blocks: BlockNumber,
    /// The price paid to operators, in plancks.
    pub price_paid: Balance,
    /// The fee for the room that the request took in blocks, in plancks, which is divided as all fees
    /// are. The fee of the transaction with the request comes besides.
    pub fee: Balance,
    /// Digest of the input payload, or the identity of the artifact that the input is.
    pub input: Digest,
    /// Digest of the receipt.
    pub receipt: Digest,
    /// The receipt's evidence of the proof, in class `Proof`.
    pub proof: Option<ProofEvidence>,
}

impl InferenceResult {
    /// Whether the outcome is `Verified`.
    pub fn is_verified(&self) -> bool {
        self.outcome == Outcome::Verified
    }
}

impl Serialize for InferenceResult {
    /// One object; amounts are strings of plancks. `reason`, `output_real` and `proof` are omitted if
    /// there are none.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_struct("InferenceResult", 13)?;
        line.serialize_field("request", &self.request)?;
        line.serialize_field("model", &self.model)?;
        line.serialize_field("assurance", &AssuranceArgument(self.assurance).to_string())?;
        line.serialize_field("outcome", &format!("{:?}", self.outcome))?;
        match &self.reason {
            Some(reason) => line.serialize_field("reason", reason)?,
            None => line.skip_field("reason")?,
        }
        line.serialize_field("output", &self.output)?;
        match &self.output_real {
            Some(output) => line.serialize_field("output_real", output)?,
            None => line.skip_field("output_real")?,
        }
        line.serialize_field("latency_ms", &self.latency_ms)?;
        line.serialize_field("blocks", &self.blocks)?;
        line.serialize_field("price_paid", &self.price_paid.to_string())?;
        line.serialize_field("fee", &self.fee.to_string())?;
        line.serialize_field("receipt", &self.receipt)?;
        match &self.proof {
            Some(proof) => line.serialize_field("proof", proof)?,
            None => line.skip_field("proof")?,
        }
        line.end()
    }
}

impl Client {
    /// The view of an optimistic result that is not final. Its latency is 0.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the version was removed. [`Error::Answer`] if the node's answer cannot
    /// be read or does not match the declaration of the version.
    pub async fn provisional_result(
        &self,
        view: &RequestView<AccountId>,
        claim: &OptimisticView<AccountId>,
    ) -> Result<ProvisionalResult> {
        let version = self
            .version(view.version)
            .await?
            .ok_or_else(|| Error::not_found(format!("version {} was removed", view.version)))?;
        let output = output_to_json(&claim.output, &version.descriptor.outputs)?;
        let scales = self.scales(&version).await?;
        Ok(ProvisionalResult {
            request: view.id,
            model: version_name(&version),
            output_real: scales.map(|scales| scales.output_in_reals(&output)),
            output,
            payload: claim.output.clone(),
            operator: claim.operator.clone(),
            disputable_until: claim.disputable_until,
            disputes: claim.disputes.clone(),
            latency_ms: 0,
        })
    }

    /// The result of a request that has ended. Its latency is 0.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the request is open. [`Error::Answer`] if there is no receipt, or the
    /// output does not match it or the declaration of the version.
    pub async fn result(
        &self,
        view: &RequestView<AccountId>,
        version: &VersionView<AccountId>,
    ) -> Result<InferenceResult> {
        let unreadable = |reason: &str| Error::Answer {
            method: "AssayApi_receipt".into(),
            reason: reason.into(),
        };
        let Status::Final(outcome) = view.status else {
            return Err(Error::invalid(format!("request {} has not ended yet", view.id)));
        };
        let receipt = self.receipt(view.id).await?;
        let receipt =
            receipt.ok_or_else(|| unreadable("there is no receipt; it may have been pruned"))?;
        let payload = view.output.clone().filter(|_| outcome == Outcome::Verified);
        if let Some(payload) = &payload {
            if receipt.receipt.output_digest != Some(digest(payload)) {
                return Err(unreadable("the output does not match the digest in the receipt"));
            }
        }
        let output = payload
            .as_deref()
            .map(|payload| output_to_json(payload, &version.descriptor.outputs))
            .transpose()?;
        let scales = match &output {
            Some(_) => self.scales(version).await?,
            None => None,
        };
        let output_real = scales.zip(output.as_ref());
        let output_real = output_real.map(|(scales, output)| scales.output_in_reals(output));
        Ok(InferenceResult {
            request: view.id,
            model: version_name(version),
            version: view.version,
            assurance: view.assurance,
            outcome,
            reason: reason(outcome, !view.members.is_empty()),
            output,
            output_real,
            payload,
            latency_ms: 0,
            blocks: receipt.receipt.decided_at.saturating_sub(view.requested_at),
            price_paid: receipt.receipt.price_paid,
            fee: view.fee,
            input: receipt.receipt.input_digest,
            receipt: receipt.digest,
            proof: receipt.evidence.iter().find_map(|item| item.proof),
        })
    }
}

/// Why there is no result, and what to do. `drawn`: whether operators were.
fn reason(outcome: Outcome, drawn: bool) -> Option<&'static str> {
    Some(match outcome {
        Outcome::Verified => return None,
        Outcome::TimedOut if drawn => {
            "the drawn operators did not answer in time, and lose bond; ask again"
        },
        Outcome::TimedOut => {
            "no operators were drawn: too few had capacity, or enough blocks left for their answer; \
             allow more blocks, or ask again later"
        },
        Outcome::Rejected(RejectReason::NoOperator) => {
            "at the draw, too few operators served the version in this class at this price; ask again \
             later, or raise the price limit"
        },
        Outcome::Rejected(RejectReason::Failed(_)) => {
            "the operators report that they cannot serve the request"
        },
        Outcome::Rejected(RejectReason::NoAgreement) => {
            "too few operators gave equal results; ask again, or appeal if the version can be proven"
        },
        Outcome::Rejected(RejectReason::InvalidProof) => {
            "the operator's proof does not prove its result, and it loses bond; ask again"
        },
        Outcome::Rejected(RejectReason::Disputed) => {
            "the operator lost a dispute over its result, and loses bond; ask again"
        },
        Outcome::Cancelled => "the payer cancelled the request",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::ModelId;

    #[test]
    fn a_provisional_result_says_so_and_until_when() {
        let result = ProvisionalResult {
            request: RequestId(7),
            model: "5Grw/digits@1".into(),
            output: serde_json::json!({"output": [2]}),
            output_real: Some(serde_json::json!({"output": [0.5]})),
            payload: vec![1],
            operator: AccountId::from([1; 32]),
            disputable_until: 120,
            disputes: vec![DisputeId(3)],
            latency_ms: 4100,
        };
        assert_eq!(
            serde_json::to_string(&result).unwrap(),
            format!(
                "{{\"request\":7,\"model\":\"5Grw/digits@1\",\"assurance\":\"optimistic\",\
                 \"outcome\":\"Provisional\",\"output\":{{\"output\":[2]}},\
                 \"output_real\":{{\"output\":[0.5]}},\"operator\":\"{}\",\
                 \"disputable_until\":120,\"disputes\":[3],\"latency_ms\":4100}}",
                result.operator
            )
        );
    }

    #[test]
    fn the_two_kinds_of_late_results_have_different_reasons() {
        assert_eq!(reason(Outcome::Verified, true), None);
        assert!(reason(Outcome::TimedOut, true).unwrap().contains("did not answer in time"));
        assert!(reason(Outcome::TimedOut, false).unwrap().contains("allow more blocks"));
    }

    #[test]
    fn a_result_is_one_line_of_json() {
        let result = InferenceResult {
            request: RequestId(7),
            model: "5Grw/digits@1".into(),
            version: VersionId { model: ModelId(0), number: 1 },
            assurance: Assurance::Quorum { n: 3, k: 2 },
            outcome: Outcome::Verified,
            reason: None,
            output: Some(serde_json::json!({"p": [0.5]})),
            output_real: None,
            payload: None,
            latency_ms: 2100,
            blocks: 2,
            price_paid: u128::MAX,
            fee: 5,
            input: Digest::repeat_byte(2),
            receipt: Digest::repeat_byte(1),
            proof: None,
        };
        assert_eq!(
            serde_json::to_string(&result).unwrap(),
            format!(
                "{{\"request\":7,\"model\":\"5Grw/digits@1\",\"assurance\":\"quorum:3,2\",\
                 \"outcome\":\"Verified\",\"output\":{{\"p\":[0.5]}},\"latency_ms\":2100,\
                 \"blocks\":2,\"price_paid\":\"340282366920938463463374607431768211455\",\"fee\":\"5\",\
                 \"receipt\":\"0x{}\"}}",
                "01".repeat(32)
            )
        );
        let rejected = InferenceResult {
            outcome: Outcome::Rejected(RejectReason::NoOperator),
            reason: Some("nobody"),
            output: None,
            ..result.clone()
        };
        assert!(!rejected.is_verified());
        let line = serde_json::to_string(&rejected).unwrap();
        let expected = "\"outcome\":\"Rejected(NoOperator)\",\"reason\":\"nobody\",\"output\":null";
        assert!(line.contains(expected), "{line}");
        let digest = Digest::repeat_byte(3);
        let proven = InferenceResult {
            assurance: Assurance::Proof,
            output: Some(serde_json::json!({"output": [2]})),
            output_real: Some(serde_json::json!({"output": [0.5]})),
            proof: Some(ProofEvidence { digest, bytes: 9, security_bits: 127 }),
            ..result
        };
        let line = serde_json::to_string(&proven).unwrap();
        for part in [
            "\"assurance\":\"proof\"",
            "\"output\":{\"output\":[2]},\"output_real\":{\"output\":[0.5]}",
            "\"bytes\":9,\"security_bits\":127}}",
        ] {
            assert!(line.contains(part), "{line}");
        }
    }
}
