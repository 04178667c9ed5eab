//! Receipts in a synthetic chain state, and bundles with each part tampered with.

use super::*;
use assay_primitives::{
    model::Tolerance, receipt::Draw, runtime_api::ReceiptView, AssuranceClasses, Format,
    ProofEvidence, RejectReason, RequestId, Statement, WorkerId, WorkerSignature,
};
use sp_trie::{trie_types::TrieDBMutBuilderV1, TrieMut};

use crate::storage::{receipt_roots_key, worker_key};

const OUTPUT: &[u8] = b"the output";

fn keypair(seed: u8) -> schnorrkel::Keypair {
    schnorrkel::MiniSecretKey::from_bytes(&[seed; 32])
        .unwrap()
        .expand_to_keypair(schnorrkel::ExpansionMode::Ed25519)
}

fn operator(seed: u8) -> AccountId {
    AccountId::from([seed; 32])
}

fn worker(seed: u8) -> WorkerId {
    WorkerId::decode_all(&mut &keypair(seed).public.to_bytes()[..]).unwrap()
}

fn sign(receipt: &Receipt<AccountId>, seed: u8, output: &[u8]) -> SignedEvidence<AccountId> {
    let mut item = SignedEvidence {
        operator: operator(seed),
        worker: worker(seed),
        output_digest: digest(output),
        signature: WorkerSignature::decode_all(&mut &[0; 64][..]).unwrap(),
        list: None,
        proof: (receipt.assurance == Assurance::Proof).then(|| ProofEvidence {
            digest: digest(b"proof"),
            bytes: 5,
            security_bits: 127,
        }),
    };
    let message = receipt.statement(&item).signing_bytes();
    let signature = keypair(seed).sign_simple(SIGNING_CONTEXT, &message);
    item.signature = WorkerSignature::decode_all(&mut &signature.to_bytes()[..]).unwrap();
    item
}

/// A receipt with its evidence, and the entries of a chain state that contains both.
#[derive(Clone)]
struct Case {
    receipt: Receipt<AccountId>,
    evidence: Vec<SignedEvidence<AccountId>>,
    descriptor: ModelDescriptor,
    state: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Case {
    /// Each signer signs its output.
    fn new(assurance: Assurance, signers: &[(u8, &[u8])]) -> Self {
        let descriptor = ModelDescriptor {
            artifact: digest(b"model"),
            artifact_size: 5,
            format: Format::Onnx,
            inputs: Default::default(),
            outputs: Default::default(),
            assurances: AssuranceClasses(3),
            tolerance: None,
            architecture: None,
        };
        let receipt = Receipt {
            genesis: Digest::repeat_byte(1),
            request: RequestId(7),
            payer: operator(99),
            version_digest: descriptor.digest(),
            input_digest: digest(b"input"),
            assurance,
            outcome: Outcome::Verified,
            output_digest: Some(digest(OUTPUT)),
            draw: Some(Draw { from: 39, block: 40, seed: Digest::repeat_byte(2), authors: 2 }),
            price_paid: u128::MAX,
            bond_at_stake: 1_000,
            evidence_digest: Digest::zero(),
            decided_at: 42,
        };
        let evidence = signers.iter().map(|(seed, output)| sign(&receipt, *seed, output)).collect();
        Self { receipt, evidence, descriptor, state: Vec::new() }.settled()
    }

    fn signed() -> Self {
        Self::new(Assurance::Signed, &[(1, OUTPUT)])
    }

    fn quorum() -> Self {
        Self::new(Assurance::Quorum { n: 3, k: 2 }, &[(1, OUTPUT), (2, b"wrong"), (3, OUTPUT)])
    }

    /// Sets the evidence digest of the receipt, and the entries of the state.
    fn settled(mut self) -> Self {
        self.receipt.evidence_digest = evidence_digest(&self.evidence);
        let mut page = RootPage::default();
        let place = self.receipt.decided_at % ROOTS_PER_PAGE;
        page.push(place, merkle::root(&self.receipts())).unwrap();
        self.state = vec![
            (receipt_roots_key(self.receipt.decided_at), page.encode()),
            (receipt_roots_key(1_000), RootPage::default().encode()),
        ];
        for seed in 1..=20 {
            self.state.push((worker_key(&worker(seed)), operator(seed).encode()));
        }
        self
    }

    /// The receipts of the block: the second of three is the one in question.
    fn receipts(&self) -> Vec<Digest> {
        vec![Digest::repeat_byte(1), self.receipt.digest(), Digest::repeat_byte(3)]
    }

    fn bundle(&self) -> ReceiptBundle {
        let mut nodes = MemoryDB::<Blake2Hasher>::default();
        let mut root = Default::default();
        {
            let mut trie = TrieDBMutBuilderV1::<Blake2Hasher>::new(&mut nodes, &mut root).build();
            for (key, value) in &self.state {
                trie.insert(key, value).unwrap();
            }
        }
        let nodes: Vec<Vec<u8>> = nodes
            .drain()
            .into_values()
            .filter(|(_, count)| *count > 0)
            .map(|(node, _)| node)
            .collect();
        let header = Header {
            parent_hash: Digest::repeat_byte(3),
            number: 50,
            state_root: root,
            extrinsics_root: Digest::repeat_byte(4),
            digest: Default::default(),
        };
        let view = ReceiptView {
            receipt: self.receipt.clone(),
            evidence: self.evidence.clone().try_into().unwrap(),
            digest: self.receipt.digest(),
            index: 1,
            count: 3,
            path: merkle::path(&self.receipts(), 1).unwrap(),
        };
        ReceiptBundle::new(&view, Some(&self.descriptor), &header, &nodes)
    }

    fn error(&self) -> String {
        self.bundle().verify(None).unwrap_err().name()
    }
}

fn tampered(change: impl FnOnce(&mut ReceiptBundle)) -> String {
    let mut bundle = Case::quorum().bundle();
    change(&mut bundle);
    bundle.verify(None).unwrap_err().name()
}

/// Flips one bit of hex-encoded bytes.
fn flip(text: &mut String, byte: usize) {
    let mut bytes = from_hex(text).unwrap();
    bytes[byte] ^= 1;
    *text = to_hex(bytes);
}

#[test]
fn genuine_receipts_are_valid() {
    let signed = Case::signed().bundle().verify(Some(OUTPUT)).unwrap();
    assert_eq!((signed.agreeing, signed.output_checked), (1, true));
    assert_eq!(signed.block_number, 50);
    let quorum = Case::quorum().bundle().verify(None).unwrap();
    assert_eq!((quorum.agreeing, quorum.within_tolerance), (2, false));
    assert!(!quorum.output_checked);
}

#[test]
fn a_bundle_survives_json() {
    let bundle = Case::quorum().bundle();
    let read = ReceiptBundle::from_json(&bundle.to_json()).unwrap();
    assert_eq!(read, bundle);
    read.verify(None).unwrap();
    assert!(ReceiptBundle::from_json("{}").is_err());
    let with_more = bundle.to_json().replacen('{', "{\"more\": 1,", 1);
    assert!(ReceiptBundle::from_json(&with_more).is_err());
}

#[test]
fn each_part_of_the_bundle_is_checked() {
    assert_eq!(tampered(|b| b.format.push('0')), "UnknownFormat");
    assert_eq!(tampered(|b| flip(&mut b.block.header, 0)), "HeaderMismatch");
    assert_eq!(tampered(|b| b.block.hash = Digest::zero()), "HeaderMismatch");
    assert_eq!(tampered(|b| b.block.number += 1), "HeightMismatch");
    assert_eq!(tampered(|b| b.block.header.push_str("00")), "Malformed");
    assert_eq!(tampered(|b| flip(&mut b.receipt, 0)), "ReceiptMismatch");
    assert_eq!(tampered(|b| b.receipt_digest = Digest::zero()), "ReceiptMismatch");
    assert_eq!(tampered(|b| b.receipt.push_str("00")), "Malformed");
    assert_eq!(tampered(|b| b.receipt = "0xzz".into()), "Malformed");
    assert_eq!(tampered(|b| b.evidence.truncate(20)), "Malformed");
    assert_eq!(tampered(|b| b.inclusion.index = 0), "NotTheProvenReceipt");
    assert_eq!(tampered(|b| b.inclusion.count = 1), "NotTheProvenReceipt");
    assert_eq!(tampered(|b| b.inclusion.path.truncate(1)), "NotTheProvenReceipt");
    assert_eq!(tampered(|b| b.inclusion.path[0] = Digest::zero()), "NotTheProvenReceipt");
    assert_eq!(tampered(|b| flip(&mut b.proof.roots_key, 33)), "WrongKeys");
    assert_eq!(tampered(|b| b.proof.worker_keys.truncate(1)), "WrongKeys");
    assert_eq!(tampered(|b| b.proof.worker_keys.swap(0, 1)), "WrongKeys");
    assert_eq!(tampered(|b| b.proof.nodes.clear()), "InvalidProof");
    assert_eq!(tampered(|b| b.proof.nodes[0] = "zz".into()), "Malformed");
    assert_eq!(tampered(|b| flip(b.descriptor.as_mut().unwrap(), 0)), "DescriptorMismatch");
    assert_eq!(tampered(|b| b.decoded["price_paid"] = "1".into()), "DecodedMismatch");
    assert_eq!(tampered(|b| b.decoded["evidence"][0]["operator"] = "x".into()), "DecodedMismatch");
}

#[test]
fn no_proof_node_can_be_missing_or_changed() {
    let bundle = Case::quorum().bundle();
    let mut needed = 0;
    for index in 0..bundle.proof.nodes.len() {
        let mut without = bundle.clone();
        without.proof.nodes.remove(index);
        let mut changed = bundle.clone();
        flip(&mut changed.proof.nodes[index], 0);
        // The trie contains entries that this receipt does not need.
        let is_needed = without.verify(None).is_err();
        assert_eq!(changed.verify(None).is_err(), is_needed);
        needed += usize::from(is_needed);
    }
    assert!(needed >= 4, "{needed}");
}

#[test]
fn a_receipt_that_is_not_in_the_state_is_refused() {
    let mut other = Case::quorum();
    other.receipt.price_paid -= 1;
    assert_eq!(other.error(), "NotTheProvenReceipt");
    let mut unknown = Case::quorum();
    unknown.state.remove(0);
    assert_eq!(unknown.error(), "NotInState");
    let mut future = Case::quorum();
    future.receipt.decided_at = 51;
    assert_eq!(future.settled().error(), "FromTheFuture");
}

#[test]
fn evidence_is_checked_item_by_item() {
    let mut shorter = Case::quorum();
    shorter.evidence.pop();
    assert_eq!(shorter.error(), "EvidenceMismatch");

    // The state has this evidence, but a signature is for another statement.
    let changes: [fn(&mut Case); 6] = [
        |case| case.evidence[1].output_digest = digest(b"other"),
        |case| case.evidence[1].operator = operator(4),
        |case| case.evidence[1].worker = worker(4),
        |case| case.receipt.input_digest = digest(b"other input"),
        |case| case.receipt.genesis = Digest::zero(),
        |case| case.receipt.assurance = Assurance::Quorum { n: 4, k: 3 },
    ];
    for change in changes {
        let mut case = Case::quorum();
        change(&mut case);
        assert_eq!(case.settled().error(), "BadSignature");
    }

    let mut stolen = Case::quorum();
    let last = stolen.state.iter().position(|(key, _)| *key == worker_key(&worker(3))).unwrap();
    stolen.state[last].1 = operator(2).encode();
    assert_eq!(stolen.error(), "WrongOperator");
    stolen.state.remove(last);
    assert_eq!(stolen.error(), "WrongOperator");
}

#[test]
fn the_class_determines_how_many_must_agree() {
    let quorum = Assurance::Quorum { n: 3, k: 2 };
    assert_eq!(Case::new(quorum, &[(1, OUTPUT), (2, b"wrong")]).error(), "NotAssured");
    assert_eq!(Case::new(quorum, &[]).error(), "NotAssured");
    // The same operator twice is one operator.
    assert_eq!(Case::new(quorum, &[(1, OUTPUT), (1, OUTPUT)]).error(), "NotAssured");
    assert_eq!(Case::new(Assurance::Signed, &[]).error(), "NotAssured");
    assert_eq!(Case::new(Assurance::Signed, &[(1, b"wrong")]).error(), "NotAssured");
    assert_eq!(Case::new(Assurance::Signed, &[(1, OUTPUT), (2, OUTPUT)]).error(), "NotAssured");
    assert_eq!(Case::new(Assurance::Optimistic, &[(1, b"wrong")]).error(), "NotAssured");
    assert_eq!(Case::new(Assurance::Tee, &[(1, OUTPUT)]).error(), "UnknownClass");
}

#[test]
fn a_proven_result_names_its_proof() {
    let proven = Case::new(Assurance::Proof, &[(1, OUTPUT)]);
    let bundle = proven.bundle();
    let verified = bundle.verify(None).unwrap();
    assert_eq!(verified.evidence[0].proof.unwrap().digest, digest(b"proof"));
    assert_eq!(bundle.decoded["evidence"][0]["proof"]["security_bits"], 127);
    // The operator signs the digest of its proof; the receipt commits to the rest of the evidence.
    let mut other = proven.clone();
    other.evidence[0].proof.as_mut().unwrap().digest = digest(b"another");
    assert_eq!(other.settled().error(), "BadSignature");
    let mut weaker = proven.clone();
    weaker.evidence[0].proof.as_mut().unwrap().security_bits = 1;
    assert_eq!(weaker.error(), "EvidenceMismatch");
    // A signed result alone is not enough.
    let mut signed = Case::signed();
    let plain = signed.evidence[0].clone();
    signed.receipt.assurance = Assurance::Proof;
    let mut item = SignedEvidence { proof: None, ..plain };
    let message = signed.receipt.statement(&item).signing_bytes();
    let signature = keypair(1).sign_simple(SIGNING_CONTEXT, &message);
    item.signature = WorkerSignature::decode_all(&mut &signature.to_bytes()[..]).unwrap();
    signed.evidence = vec![item];
    assert_eq!(signed.settled().error(), "NotAssured");
    assert_eq!(Case::new(Assurance::Proof, &[(1, b"wrong")]).error(), "NotAssured");
    assert_eq!(Case::new(Assurance::Proof, &[(1, OUTPUT), (2, OUTPUT)]).error(), "NotAssured");
}

#[test]
fn agreement_within_the_tolerance_is_reported() {
    let tolerant = |millionths, signers: &[(u8, &[u8])]| {
        let mut case = Case::new(Assurance::Quorum { n: 3, k: 2 }, signers);
        case.descriptor.tolerance = Some(Tolerance { millionths });
        case.receipt.version_digest = case.descriptor.digest();
        case.evidence =
            signers.iter().map(|(seed, output)| sign(&case.receipt, *seed, output)).collect();
        case.settled()
    };
    let near: &[(u8, &[u8])] = &[(1, OUTPUT), (2, b"near")];
    let verified = tolerant(100, near).bundle().verify(None).unwrap();
    assert_eq!((verified.agreeing, verified.within_tolerance), (1, true));
    // Zero means bit-equal.
    assert_eq!(tolerant(0, near).error(), "NotAssured");
    assert_eq!(tolerant(100, &[(1, b"near"), (2, b"nearer")]).error(), "NotAssured");
    assert_eq!(tolerant(100, &[(1, OUTPUT)]).error(), "NotAssured");
    // Without the descriptor, the tolerance is not known.
    let mut silent = tolerant(100, near).bundle();
    silent.descriptor = None;
    assert_eq!(silent.verify(None).unwrap_err().name(), "NotAssured");
}

#[test]
fn a_receipt_without_a_result_needs_no_agreement() {
    let mut rejected = Case::quorum();
    rejected.receipt.outcome = Outcome::Rejected(RejectReason::NoAgreement);
    assert_eq!(rejected.clone().settled().error(), "Contradiction");
    rejected.receipt.output_digest = None;
    let verified = rejected.settled().bundle().verify(None).unwrap();
    assert_eq!(verified.agreeing, 0);
    let mut bare = Case::quorum();
    bare.receipt.output_digest = None;
    assert_eq!(bare.settled().error(), "Contradiction");
}

#[test]
fn an_output_must_match_the_receipt() {
    let bundle = Case::quorum().bundle();
    assert!(bundle.verify(Some(OUTPUT)).unwrap().output_checked);
    assert_eq!(bundle.verify(Some(b"wrong")).unwrap_err().name(), "OutputMismatch");
}

#[test]
fn messages_state_both_values() {
    let digest = Digest::repeat_byte(1);
    let hex = to_hex(digest);
    for (error, message) in [
        (
            VerificationError::OutputMismatch { found: digest, named: None },
            format!("the output has the digest {hex}; the receipt names none"),
        ),
        (
            VerificationError::OutputMismatch { found: digest, named: Some(digest) },
            format!("the output has the digest {hex}; the receipt names {hex}"),
        ),
        (
            VerificationError::Contradiction { outcome: Outcome::TimedOut, output: Some(digest) },
            format!("the receipt contradicts itself: outcome TimedOut with output {hex}"),
        ),
        (
            VerificationError::NotAssured {
                assurance: Assurance::Quorum { n: 3, k: 2 },
                needed: 2,
                found: 1,
            },
            "quorum:3,2 requires 2 operators that signed the output; 1 did".to_owned(),
        ),
    ] {
        assert_eq!(error.to_string(), message);
    }
}

/// The bundle that the fuzz target for receipts starts from is of the present format.
#[test]
fn the_bundle_of_the_fuzz_target_verifies() {
    const GENUINE: &str = include_str!("../../../../fuzz/receipt.json");
    const RENEW: &str =
        "if the format has changed, renew it as docs/release.md says (Prepare, step 4), \
                         which ends with `assay receipt export 0 --to fuzz/receipt.json`";
    let fault = |what: String| -> ! { panic!("fuzz/receipt.json: {what}; {RENEW}") };
    let bundle = ReceiptBundle::from_json(GENUINE).unwrap_or_else(|e| fault(e.to_string()));
    let verified = bundle.verify(None).unwrap_or_else(|e| fault(e.to_string()));
    // With each part that a bundle may have, and written as `receipt export` writes it now.
    let has_proof = verified.evidence.iter().any(|item| item.proof.is_some());
    if !has_proof || verified.receipt.draw.is_none() || verified.descriptor.is_none() {
        fault("it has no proof, no draw or no descriptor".into());
    }
    if bundle.to_json() + "\n" != GENUINE {
        fault("`receipt export` writes it in another way".into());
    }
}
