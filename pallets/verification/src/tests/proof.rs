//! Class `Proof`: results with validity proofs.

use assay_graph::{Architecture, Graph, Plan};
use assay_pallet_testing::graphs::{fingerprint, payload, proof_context, Proven};
use assay_primitives::{
    digest,
    proof::account_bytes,
    traits::{EvidenceFindings, MemberState, ProofFailure, ProvenResult, Verification as _},
    Assurance, Digest, ElementType, ProofCost, ProofEvidence, ProofRefusal, ProofTerms, RequestId,
    VersionId,
};
use assay_proof::{Context, Verifier};
use codec::Encode;
use frame_support::weights::Weight;
use sp_core::Pair as _;

use crate::{
    cost::{self, figures, Fixture},
    mock::*,
    CheckedProof, Outputs, Submission, Submissions, WeightInfo,
};

const MEMBER: u64 = 11;
const PAYER: u64 = 3;
const INPUT: [u8; 4] = [1, 0xff, 0x80, 0x7f];
const SECURITY_BITS: u8 = 125;

/// Publishes a model, whose weights have been read.
fn publish(model: &Proven) {
    let terms = ProofTerms { security_bits: SECURITY_BITS, cost: ProofCost::default() };
    let Graph { architecture, weights } = &model.graph;
    change_version(|version| {
        version.architecture = Some(architecture.encode());
        version.proof_terms = Some(terms);
        version.weights = Some(fingerprint(architecture, weights));
    });
}

/// The context of the valid proof of these tests.
fn context(request: &[u8]) -> Context<'_> {
    proof_context(genesis(), request, &PAYER, &MEMBER)
}

/// Output payload and proof of an inference.
fn prove_in(context: &Context<'_>, input: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let proven = Proven::model().prover.prove(context, input).unwrap();
    (payload(ElementType::I32, &proven.output), proven.proof)
}

fn prove() -> (Vec<u8>, Vec<u8>) {
    prove_in(&context(&REQUEST.encode()), &INPUT)
}

struct Submitted {
    request: RequestId,
    payer: u64,
    operator: u64,
    input: Vec<u8>,
    output: Vec<u8>,
    proof: Vec<u8>,
}

impl Submitted {
    fn good() -> Self {
        let (output, proof) = prove();
        let input = payload(ElementType::I8, &INPUT);
        Self { request: REQUEST, payer: PAYER, operator: MEMBER, input, output, proof }
    }

    fn note(&self) -> Result<(), ProofFailure> {
        let result = ProvenResult {
            request: self.request,
            version: VersionId::default(),
            payer: &self.payer,
            operator: &self.operator,
            worker: pair(self.operator).public(),
            signature: sign(self.operator, &statement(self.operator, &self.output)),
            input: &self.input,
            output: self.output.clone(),
            proof: &self.proof,
        };
        let checked = Verification::check_proof(&result);
        let noted = Verification::note_proof(result);
        assert_eq!(checked, noted, "who checks first is told the same");
        noted
    }

    /// Submits it, and expects this refusal.
    fn refused(&self, why: ProofRefusal) {
        assert_eq!(self.note(), Err(ProofFailure::Invalid(why)));
        let verdict = decide(self.request, self.operator);
        assert_eq!((verdict.winner, verdict.agreed), (None, vec![]));
        assert_eq!(verdict.wrong, vec![self.operator]);
        // The next submission of the test starts without a result.
        Verification::take_output(self.request, &Digest::zero(), &[self.operator]);
    }
}

fn decide(request: RequestId, member: u64) -> EvidenceFindings<u64> {
    Verification::decide(request, Assurance::Proof, None, &[member])
}

#[test]
fn a_proof_that_holds_decides_for_its_result() {
    test(|| {
        publish(Proven::model());
        let good = Submitted::good();
        assert_eq!(good.note(), Ok(()));
        let evidence = ProofEvidence {
            digest: digest(&good.proof),
            bytes: good.proof.len() as u32,
            security_bits: SECURITY_BITS,
        };
        let output_digest = digest(&good.output);
        assert!(matches!(
            Submissions::<Test>::get(REQUEST, MEMBER),
            Some(Submission::Revealed { proof: Some(CheckedProof { evidence: kept, holds: true }), .. })
                if kept == evidence
        ));
        assert_eq!(Verification::member_state(REQUEST, &MEMBER), MemberState::Revealed);
        let verdict = decide(REQUEST, MEMBER);
        assert_eq!(verdict.winner, Some(output_digest));
        assert_eq!((verdict.agreed, verdict.wrong), (vec![MEMBER], vec![]));
        assert_eq!(verdict.silent, Vec::<u64>::new());
        let [item] = &verdict.evidence[..] else { panic!("one item") };
        assert_eq!((item.output_digest, item.proof), (output_digest, Some(evidence)));
        assert_eq!(
            Verification::take_output(REQUEST, &output_digest, &[MEMBER]),
            Some(good.output)
        );
        assert_eq!(Outputs::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_proof_of_other_weights_than_the_published_is_refused() {
    test(|| {
        let model = Proven::model();
        publish(model);
        let good = Submitted::good();
        // As if other weights had been published under the same root.
        let mut published = model.graph.weights.clone();
        published.parameters[1].bias[2] += 1;
        let published = fingerprint(&model.graph.architecture, &published);
        change_version(|version| version.weights = Some(published));
        good.refused(ProofRefusal::Weights);
        // The operator is not at fault if the weights have not been read.
        change_version(|version| version.weights = None);
        assert_eq!(good.note(), Err(ProofFailure::NoVerifier));
        publish(model);
        assert_eq!(good.note(), Ok(()));
    });
}

#[test]
fn a_proof_of_another_statement_is_refused() {
    test(|| {
        publish(Proven::model());
        let good = Submitted::good();
        assert_eq!(good.note(), Ok(()));
        Verification::take_output(REQUEST, &Digest::zero(), &[MEMBER]);
        // Replayed by another operator, for another payer, for another request.
        Submitted { operator: 12, ..Submitted::good() }.refused(ProofRefusal::Statement);
        Submitted { payer: PAYER + 1, ..Submitted::good() }.refused(ProofRefusal::Statement);
        Assigned::mutate(|assigned| assigned.insert((MEMBER, RequestId(8))));
        Submitted { request: RequestId(8), ..Submitted::good() }.refused(ProofRefusal::Statement);
        // Of another input, and with another output.
        let mut input = INPUT;
        input[3] ^= 1;
        let input = payload(ElementType::I8, &input);
        Submitted { input, ..Submitted::good() }.refused(ProofRefusal::Statement);
        let mut output = good.output.clone();
        *output.last_mut().unwrap() ^= 1;
        Submitted { output, ..Submitted::good() }.refused(ProofRefusal::Statement);
        // Made for another chain or another pallet.
        let request = REQUEST.encode();
        let contexts = [
            Context { genesis: [9; 32], ..context(&request) },
            Context { domain: b"assay/inference/2", ..context(&request) },
            Context { domain: b"", ..context(&request) },
        ];
        for context in contexts {
            let (output, proof) = prove_in(&context, &INPUT);
            Submitted { output, proof, ..Submitted::good() }.refused(ProofRefusal::Statement);
        }
        // Of another model of the same shapes.
        publish(&Proven::of(&[4, 4, 3]));
        change_version(|version| version.architecture.as_mut().unwrap()[0] = 1);
        assert_eq!(good.note(), Ok(()), "the same graph");
        Verification::take_output(REQUEST, &Digest::zero(), &[MEMBER]);
        let mut other = Proven::model().graph.architecture.clone();
        other.commitments.source = [5; 32];
        change_version(|version| version.architecture = Some(other.encode()));
        good.refused(ProofRefusal::Statement);
    });
}

#[test]
fn bytes_that_are_no_proof_are_refused() {
    test(|| {
        publish(Proven::model());
        let good = Submitted::good();
        let proof = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut proof = good.proof.clone();
            change(&mut proof);
            Submitted { proof, ..Submitted::good() }
        };
        let encoding = ProofRefusal::Encoding;
        proof(&|proof| proof.push(0)).refused(encoding);
        proof(&|proof| proof.truncate(proof.len() - 1)).refused(encoding);
        proof(&|proof| proof.clear()).refused(encoding);
        proof(&|proof| proof.fill(0xff)).refused(encoding);
        // The root of the witness comes first.
        proof(&|proof| proof[0] ^= 1).refused(ProofRefusal::Statement);
        // The openings come last.
        proof(&|proof| *proof.last_mut().unwrap() ^= 1).refused(ProofRefusal::WitnessOpening);
    });
}

#[test]
fn payloads_of_other_lengths_are_refused() {
    test(|| {
        publish(Proven::model());
        let input = payload(ElementType::I8, &INPUT[..3]);
        Submitted { input, ..Submitted::good() }.refused(ProofRefusal::Length);
        let output = payload(ElementType::I32, &[0; 8]);
        Submitted { output, ..Submitted::good() }.refused(ProofRefusal::Length);
        // The same for what is not a payload of one tensor.
        Submitted { input: vec![], ..Submitted::good() }.refused(ProofRefusal::Length);
        Submitted { output: vec![0], ..Submitted::good() }.refused(ProofRefusal::Length);
    });
}

#[test]
fn without_a_verifier_nobody_is_wrong() {
    test(|| {
        let good = Submitted::good();
        assert_eq!(good.note(), Err(ProofFailure::NoVerifier));
        publish(Proven::model());
        change_version(|version| {
            version.architecture.as_mut().unwrap().remove(0);
        });
        assert_eq!(good.note(), Err(ProofFailure::NoVerifier));
        assert_eq!(Verification::member_state(REQUEST, &MEMBER), MemberState::Silent);
        let verdict = decide(REQUEST, MEMBER);
        assert_eq!((verdict.wrong, verdict.silent), (vec![], vec![MEMBER]));
    });
}

#[test]
fn a_result_without_a_proof_does_not_win() {
    test(|| {
        reveal(MEMBER, b"output");
        let verdict = decide(REQUEST, MEMBER);
        assert_eq!((verdict.winner, verdict.wrong), (None, vec![MEMBER]));
    });
}

#[test]
fn accounts_are_their_own_bytes() {
    assert_eq!(account_bytes(&[7u8; 32]), [7; 32]);
    let mut expected = [0; 32];
    expected[..8].copy_from_slice(&77u64.to_le_bytes());
    assert_eq!(account_bytes(&77u64), expected);
}

#[test]
fn the_measured_proofs_are_those_of_the_figures_and_hold() {
    for (fixture, figures) in [
        (Fixture::small(), figures::SMALL),
        (Fixture::wide(), figures::WIDE),
        (Fixture::read_input(), figures::READ),
        (Fixture::hashed(), figures::HASHED),
        (Fixture::deep(), figures::DEEP),
        (Fixture::values(), figures::VALUES),
        (Fixture::tall(), figures::TALL),
    ] {
        assert_eq!(
            fixture.verify(),
            Ok(()),
            "`cargo run --release --bin assay-proof-fixtures` makes them again"
        );
        let plan = Plan::new(Architecture::from_bytes(&fixture.architecture).unwrap()).unwrap();
        let work = Verifier::new(&plan).unwrap().work();
        assert_eq!(figures.products, work.products as u32);
        assert_eq!(figures.architecture_bytes as usize, fixture.architecture.len());
        assert!(fixture.proof.len() <= figures.proof_bytes as usize);
        assert!(figures.proof_bytes <= assay_primitives::proof::MAX_PROOF_BYTES);
    }
}

/// A weight for each count above those of the small proof: 3 for a product, 5 for a cell and so on.
fn chosen(cost: ProofCost) -> Weight {
    let of = |count: fn(&ProofCost) -> u32, each: u64| {
        each * u64::from(count(&cost).saturating_sub(count(&figures::SMALL)))
    };
    let sum = of(|c| c.products, 3)
        + of(|c| c.cells, 5)
        + of(|c| c.hashes, 700)
        + of(|c| c.openings, 9_000)
        + of(|c| c.architecture_bytes, 13);
    Weight::from_parts(1_000_000 + sum, 0)
}

/// Weights with a known price of each count.
struct Chosen;

impl WeightInfo for Chosen {
    fn set_class_enabled() -> Weight {
        Weight::zero()
    }
    fn report_equivocation(_: u32) -> Weight {
        Weight::zero()
    }
    fn verify_small() -> Weight {
        chosen(figures::SMALL)
    }
    fn verify_wide() -> Weight {
        chosen(figures::WIDE)
    }
    fn verify_read() -> Weight {
        chosen(figures::READ)
    }
    fn verify_hashed() -> Weight {
        chosen(figures::HASHED)
    }
    fn verify_deep() -> Weight {
        chosen(figures::DEEP)
    }
    fn verify_values() -> Weight {
        chosen(figures::VALUES)
    }
    fn verify_tall() -> Weight {
        chosen(figures::TALL)
    }
}

#[test]
fn no_measured_proof_takes_more_than_it_is_charged() {
    for (figures, measured) in [
        (figures::SMALL, Chosen::verify_small()),
        (figures::WIDE, Chosen::verify_wide()),
        (figures::READ, Chosen::verify_read()),
        (figures::HASHED, Chosen::verify_hashed()),
        (figures::DEEP, Chosen::verify_deep()),
        (figures::VALUES, Chosen::verify_values()),
        (figures::TALL, Chosen::verify_tall()),
    ] {
        let charged = cost::weight::<Chosen>(figures);
        assert!(charged.all_gte(measured), "{figures:?}: {charged:?} for {measured:?}");
    }
}

#[test]
fn a_verification_is_charged_for_each_of_its_counts() {
    let charged = |cost| cost::weight::<Chosen>(cost).ref_time();
    let small = charged(figures::SMALL);
    // A third is added to everything.
    assert!((1_333_333..1_333_343).contains(&small));
    // No less than the small one.
    assert_eq!(charged(ProofCost::default()), small);
    type Change = fn(&mut ProofCost);
    let changes: [(Change, u64); 5] = [
        (|cost| cost.products += 10_000, 3),
        (|cost| cost.cells += 10_000, 5),
        (|cost| cost.hashes += 10_000, 700),
        (|cost| cost.openings += 10_000, 9_000),
        (|cost| cost.architecture_bytes += 10_000, 13),
    ];
    for (index, (change, each)) in changes.into_iter().enumerate() {
        let mut cost = figures::SMALL;
        change(&mut cost);
        let one = (charged(cost) - small) * 3 / 4 / 10_000;
        let error = one.abs_diff(each);
        assert!(error <= each / 100 + 1, "count {index}: {one} for {each}");
    }
}
