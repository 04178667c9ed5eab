//! Validity proofs: downloaded from the chain, and verified without it.
//!
//! The chain state has only the digest of a verified proof; the proof itself is in the body of the
//! block that included it. A relying party that does not trust the validators downloads it and
//! verifies it with the architecture of the model and the statement: the request, its accounts,
//! input and output.

use std::path::Path;

use assay_graph::{Architecture, Graph, Plan};
use assay_primitives::{
    decode_payload, digest, model::TensorDeclarations, proof::PROOF_DOMAIN, BlockNumber, Digest,
    ProofEvidence, RequestId, WeightsFingerprint,
};
use assay_proof::{Audit, Context, Fingerprint, Statement, Verifier};
use codec::{Compact, Encode};

use crate::{graph, AccountId, Client, Declaration, Error, Result};

/// The statement that a proof proves, except for the model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProofStatement {
    /// Genesis hash of the chain.
    pub genesis: Digest,
    /// The request.
    pub request: RequestId,
    /// The account that made the request.
    pub payer: AccountId,
    /// The operator that made the proof.
    pub operator: AccountId,
    /// The input payload.
    pub input: Vec<u8>,
    /// The output payload.
    pub output: Vec<u8>,
}

/// Verifies proofs of one integer graph without a node. Needs the published weights or their
/// fingerprint.
pub struct ProofVerifier {
    plan: Plan,
    verifier: Verifier,
    weights: Option<WeightsFingerprint>,
}

impl ProofVerifier {
    /// A verifier for a file: a graph with its weights, or an architecture without.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the file is neither, or runs of the graph cannot be proven.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let Ok(graph) = Graph::from_bytes(bytes) else {
            let architecture = Architecture::from_bytes(bytes).map_err(|error| {
                Error::invalid(format!(
                    "this is neither an integer graph nor an architecture: {error}"
                ))
            })?;
            return Self::new(architecture);
        };
        let Graph { architecture, weights } = graph;
        if weights.digest() != architecture.commitments.weights {
            return Err(Error::invalid("the graph's weights do not match its commitment"));
        }
        let verifier = Self::new(architecture)?;
        let audit = Audit::new(&verifier.plan).map_err(graph::unprovable)?;
        let found = audit.fingerprint(&weights);
        let Fingerprint(found) =
            found.ok_or_else(|| Error::invalid("the weights do not fit the graph"))?;
        Ok(verifier.with_weights(WeightsFingerprint(found)))
    }

    /// Sets the fingerprint of the published weights, such as the one that the chain has computed:
    /// [`VersionView::audit`](assay_primitives::runtime_api::VersionView::audit).
    #[must_use]
    pub fn with_weights(self, weights: WeightsFingerprint) -> Self {
        Self { weights: Some(weights), ..self }
    }

    /// Whether the fingerprint of the published weights is known. Without it, no proof is accepted.
    pub const fn knows_weights(&self) -> bool {
        self.weights.is_some()
    }

    /// The fingerprint of the published weights, if it is known.
    pub const fn weights(&self) -> Option<WeightsFingerprint> {
        self.weights
    }

    /// A verifier for an architecture, without a fingerprint: see [`Self::with_weights`].
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if it violates a rule of integer graphs, or its runs cannot be proven.
    pub fn new(architecture: Architecture) -> Result<Self> {
        let plan = Plan::new(architecture).map_err(|error| {
            Error::invalid(format!("the architecture violates a rule of integer graphs: {error}"))
        })?;
        let verifier = graph::verifier(&plan)?;
        Ok(Self { plan, verifier, weights: None })
    }

    /// Digest of the architecture, as in a version's descriptor.
    pub fn model(&self) -> Digest {
        Digest::from(self.plan.architecture().digest())
    }

    /// The architecture.
    pub fn architecture(&self) -> &Architecture {
        self.plan.architecture()
    }

    /// Bits of soundness of the model's proofs, without proof of work: see
    /// [`Verifier::security_bits`].
    pub fn security_bits(&self) -> f64 {
        self.verifier.security_bits()
    }

    /// The default declaration of a version of the graph.
    pub fn declaration(&self) -> Declaration {
        graph::declaration(&self.plan)
    }

    /// The declaration next to the model's file, in the file with `.json` appended to its name, as
    /// `assay model quantize` writes it; without one, [`Self::declaration`].
    ///
    /// # Errors
    ///
    /// [`Error::File`] if a declaration exists and cannot be read, [`Error::Invalid`] if it does not
    /// fit the graph.
    pub fn declaration_beside(&self, file: impl AsRef<Path>) -> Result<Declaration> {
        let declared = graph::declaration_beside(&self.plan, file.as_ref())?;
        graph::check_declaration(&self.plan, &declared)?;
        Ok(declared)
    }

    /// Checks that a proof proves the statement, for the published weights.
    ///
    /// # Errors
    ///
    /// [`Error::ProofRefused`] with the failed check. [`Error::Invalid`] if the fingerprint of the
    /// published weights is not known: an architecture alone admits proofs of other weights.
    pub fn verify(&self, statement: &ProofStatement, proof: &[u8]) -> Result<()> {
        let WeightsFingerprint(weights) = self.weights.ok_or_else(|| {
            Error::invalid(
                "the fingerprint of the published weights is not known, and an architecture alone \
                 admits proofs of other weights; use the model's file, or the version on chain",
            )
        })?;
        let declared = self.declaration();
        let input = tensor_bytes("input", &statement.input, &declared.inputs)?;
        let output = tensor_bytes("output", &statement.output, &declared.outputs)?;
        let request = statement.request.encode();
        let context = Context {
            genesis: statement.genesis.to_fixed_bytes(),
            domain: PROOF_DOMAIN,
            request: &request,
            requester: *statement.payer.as_ref(),
            operator: *statement.operator.as_ref(),
        };
        let statement = Statement { context, input: &input, output: &output };
        self.verifier
            .verify(&statement, Fingerprint(weights), proof)
            .map_err(|reject| Error::ProofRefused(reject.to_string()))
    }
}

/// The bytes of the tensor in a payload with one tensor. The shape may have a batch of 1 in front,
/// which does not matter for proofs.
fn tensor_bytes(side: &str, payload: &[u8], declarations: &TensorDeclarations) -> Result<Vec<u8>> {
    let refused = |reason: &str| Error::ProofRefused(format!("the {side} {reason}"));
    let mut batch = declarations.clone();
    for tensor in batch.iter_mut() {
        let one = std::iter::once(assay_primitives::Dimension::Fixed(1));
        let shape: Vec<_> = one.chain(tensor.shape.iter().copied()).collect();
        tensor.shape = shape.try_into().map_err(|_| refused("has too many dimensions"))?;
    }
    let tensors = decode_payload(payload, declarations)
        .or_else(|_| decode_payload(payload, &batch))
        .map_err(|error| refused(&format!("does not fit the graph: {error}")))?;
    match <[_; 1]>::try_from(tensors) {
        Ok([tensor]) => Ok(tensor.data),
        Err(_) => Err(refused("is not one tensor")),
    }
}

/// A proof from a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DownloadedProof {
    /// The proof. Its digest is that of the receipt.
    pub bytes: Vec<u8>,
    /// The receipt's evidence of it.
    pub evidence: ProofEvidence,
    /// Height of the block.
    pub height: BlockNumber,
    /// Hash of the block.
    pub block: Digest,
}

impl Client {
    /// Downloads the proof of a request from the block that included it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the request has no proof, its receipt was pruned, or the node does not
    /// have the block's body any more.
    pub async fn download_proof(&self, request: RequestId) -> Result<DownloadedProof> {
        let Some(view) = self.receipt(request).await? else {
            let view = self.existing_request(request).await?;
            let status = view.status;
            return Err(Error::not_found(format!("request {request} has no receipt: {status:?}")));
        };
        let evidence = view.evidence.iter().find_map(|item| item.proof).ok_or_else(|| {
            Error::not_found(format!(
                "request {request} has no proof; its class is {}",
                view.receipt.assurance.class().name()
            ))
        })?;
        let height = view.receipt.decided_at;
        let block = self.rpc().block_hash(height).await?;
        let block = block.ok_or_else(|| Error::not_found(format!("there is no block {height}")))?;
        let extrinsics = match self.rpc().extrinsics(block).await {
            Err(Error::NotFound(_)) => {
                return Err(Error::NotFound(format!(
                "the node does not have the body of block {height} any more, which contains the \
                     proof; use a node that keeps all block bodies (--blocks-pruning archive)"
            )))
            },
            extrinsics => extrinsics?,
        };
        let bytes = extrinsics.iter().find_map(|extrinsic| find(extrinsic, &evidence));
        let bytes = bytes.ok_or_else(|| {
            Error::not_found(format!(
                "block {height} {block:?} does not contain the proof of request {request}; a \
                 reorganisation may have replaced the block: try again"
            ))
        })?;
        Ok(DownloadedProof { bytes: bytes.to_vec(), evidence, height, block })
    }
}

/// The proof with this digest in an encoded extrinsic: its bytes, preceded by their length. Does not
/// depend on the format of extrinsics.
fn find<'a>(extrinsic: &'a [u8], evidence: &ProofEvidence) -> Option<&'a [u8]> {
    let length = Compact(evidence.bytes).encode();
    let size = evidence.bytes as usize;
    let starts = 0..extrinsic.len().checked_sub(size)?;
    starts
        .filter_map(|start| extrinsic[start..].strip_prefix(&length[..])?.get(..size))
        .find(|bytes| digest(bytes) == evidence.digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::tests::{graph as plain, sealed};
    use assay_graph::CheckedGraph;
    use assay_primitives::{ElementType, Tensor};
    use assay_proof::Prover;

    fn payload(element_type: ElementType, shape: &[u32], data: &[u8]) -> Vec<u8> {
        vec![Tensor { element_type, shape: shape.to_vec(), data: data.to_vec() }].encode()
    }

    /// A statement with its proof, and the model's file.
    fn proven() -> (ProofStatement, Vec<u8>, Vec<u8>) {
        let graph = sealed();
        let file = graph.encode();
        let prover = Prover::new(&CheckedGraph::new(graph).unwrap()).unwrap();
        let mut statement = ProofStatement {
            genesis: Digest::repeat_byte(1),
            request: RequestId(7),
            payer: AccountId::from([2; 32]),
            operator: AccountId::from([3; 32]),
            input: payload(ElementType::I8, &[2], &[10, 249]),
            output: Vec::new(),
        };
        let request = statement.request.encode();
        let context = Context {
            genesis: [1; 32],
            domain: PROOF_DOMAIN,
            request: &request,
            requester: [2; 32],
            operator: [3; 32],
        };
        let proven = prover.prove(&context, &[10, 249]).unwrap();
        statement.output = payload(ElementType::I32, &[2], &proven.output);
        (statement, proven.proof, file)
    }

    #[test]
    fn a_proof_is_valid_for_its_statement_only() {
        let (statement, proof, file) = proven();
        let verifier = ProofVerifier::from_bytes(&file).unwrap();
        verifier.verify(&statement, &proof).unwrap();
        let architecture = ProofVerifier::from_bytes(&verifier.architecture().encode()).unwrap();
        let unknown = architecture.verify(&statement, &proof).unwrap_err();
        assert!(matches!(unknown, Error::Invalid(_)), "{unknown}");
        assert_eq!(architecture.model(), verifier.model());
        assert!(verifier.knows_weights() && !architecture.knows_weights());
        let others = architecture.with_weights(WeightsFingerprint([1, 2, 3]));
        let refused = others.verify(&statement, &proof).unwrap_err();
        assert!(refused.to_string().contains("weights other than"), "{refused}");
        let changes: [fn(&mut ProofStatement); 6] = [
            |s| s.genesis = Digest::zero(),
            |s| s.request = RequestId(8),
            |s| s.payer = AccountId::from([9; 32]),
            |s| s.operator = AccountId::from([9; 32]),
            |s| s.input = payload(ElementType::I8, &[2], &[10, 250]),
            |s| *s.output.last_mut().unwrap() ^= 1,
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut other = statement.clone();
            change(&mut other);
            let refused = verifier.verify(&other, &proof);
            assert!(matches!(refused, Err(Error::ProofRefused(_))), "{index}: {refused:?}");
        }
        let mut broken = proof.clone();
        broken[100] ^= 1;
        assert!(matches!(verifier.verify(&statement, &broken), Err(Error::ProofRefused(_))));
        assert!(verifier.verify(&statement, &proof[1..]).is_err());
    }

    #[test]
    fn a_batch_of_one_is_the_same_statement_and_other_shapes_are_refused() {
        let (statement, proof, file) = proven();
        let verifier = ProofVerifier::from_bytes(&file).unwrap();
        let input = payload(ElementType::I8, &[1, 2], &[10, 249]);
        verifier.verify(&ProofStatement { input, ..statement.clone() }, &proof).unwrap();
        for input in [
            payload(ElementType::I8, &[2, 1], &[10, 249]),
            payload(ElementType::U8, &[2], &[10, 249]),
            payload(ElementType::I8, &[3], &[10, 249, 0]),
            vec![1, 2, 3],
        ] {
            let refused = verifier.verify(&ProofStatement { input, ..statement.clone() }, &proof);
            assert!(refused.unwrap_err().to_string().contains("the input"));
        }
    }

    #[test]
    fn files_without_provable_runs_are_refused() {
        let reason = |bytes: &[u8]| match ProofVerifier::from_bytes(bytes) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("accepted"),
        };
        assert!(reason(&[8, 8, 0x3a]).contains("neither"));
        assert!(reason(&[]).contains("neither"));
        assert!(reason(&plain().encode()).contains("cannot be proven"));
    }

    #[test]
    fn a_proof_is_found_by_its_digest_at_any_position() {
        let proof: Vec<u8> = (0..200u8).collect();
        let evidence = ProofEvidence { digest: digest(&proof), bytes: 200, security_bits: 120 };
        let found = |extrinsic: Vec<u8>| find(&extrinsic, &evidence).map(<[u8]>::to_vec);
        let decoy = vec![7u8; 200];
        assert_eq!(found((1u8, &decoy, &proof, 9u64).encode()), Some(proof.clone()));
        assert_eq!(found(proof.encode()), Some(proof.clone()));
        assert_eq!(found((1u8, &decoy).encode()), None);
        // Without its length it is not an argument.
        assert_eq!(found(proof.clone()), None);
        assert_eq!(found(proof.encode()[..150].to_vec()), None);
        assert_eq!(found(Vec::new()), None);
    }
}
