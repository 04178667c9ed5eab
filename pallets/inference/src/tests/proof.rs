//! Results in class `Proof`.

use assay_pallet_testing::graphs::{payload, proof_context};
use assay_primitives::{
    digest,
    proof::MAX_PROOF_BYTES,
    runtime_api::{QuoteError, Status},
    traits::{Models as _, Operators as _},
    AssuranceClass, Digest, ElementType, FailureReason, Outcome, ProofEvidence, ProofRefusal,
    RejectReason, RequestId, RequestInput, Statement, VersionId,
};
use codec::{Decode, Encode};
use frame_support::{assert_noop, assert_ok};
use sp_application_crypto::Pair as _;
use sp_runtime::transaction_validity::InvalidTransaction;

use super::worker::{failure, result_with, statement};
use crate::{mock::*, refusal, Call, EncodedProof, Error, Event, Inputs};

/// The data of the input.
pub const DATA: [u8; 4] = [3, 0xfe, 0x7f, 0x80];

/// Terms of a request for a proof.
pub fn terms(version: VersionId) -> Terms {
    Terms { version, ..Terms::of(PROOF) }.with_input(payload(ElementType::I8, &DATA))
}

/// The submission of an operator.
#[derive(Clone)]
struct Submitted {
    request: RequestId,
    operator: u64,
    output: Output,
    proof: Vec<u8>,
}

impl Submitted {
    /// The submission of an honest operator.
    fn by(id: RequestId, operator: u64) -> Self {
        Self::of(Proven::model(), id, operator)
    }

    /// The same with a given model.
    fn of(model: &Proven, id: RequestId, operator: u64) -> Self {
        let request = id.encode();
        let context = proof_context(genesis(), &request, &record(id).payer, &operator);
        let proven = model.prover.prove(&context, &DATA).unwrap();
        let output = payload(ElementType::I32, &proven.output).try_into().unwrap();
        Self { request: id, operator, output, proof: proven.proof }
    }

    /// The call, signed by the operator.
    fn call(self) -> Call<Test> {
        self.signed_by(self.operator)
    }

    fn signed_by(&self, signer: u64) -> Call<Test> {
        let mut statement = statement(self.request, self.operator, &self.output);
        statement.proof = Some(digest(&self.proof));
        Call::submit_proof {
            request: self.request,
            operator: self.operator,
            cost: Registry::proof_terms(record(self.request).version)
                .map(|terms| terms.cost)
                .unwrap_or_default(),
            output: self.output.clone(),
            proof: self.proof.clone().try_into().unwrap(),
            signature: pair(signer).sign(&statement.signing_bytes()).into(),
        }
    }
}

/// A drawn request for a proof.
fn drawn() -> (RequestId, u64) {
    let version = Proven::model().publish();
    let (id, members) = terms(version).drawn();
    let [operator] = members[..] else { panic!("one member") };
    (id, operator)
}

/// Submits an invalid proof, and checks that only the operator pays for it.
fn refuted(submitted: Submitted, reason: ProofRefusal) {
    let (id, operator) = (submitted.request, submitted.operator);
    let (had, held) = (free(PAYER) + escrow(PAYER), escrow(PAYER));
    let compensated = compensation(PAYER);
    let (paid, staked) = (free(operator), bond(operator));
    let evidence = ProofEvidence {
        digest: digest(&submitted.proof),
        bytes: submitted.proof.len() as u32,
        security_bits: Registry::proof_terms(record(id).version).unwrap().security_bits,
    };
    assert_ok!(include(submitted.clone().call()));
    assert_eq!(outcome(id), Outcome::Rejected(RejectReason::InvalidProof));
    System::assert_has_event(Event::ProofRefused { request: id, operator, reason }.into());
    assert_eq!((free(operator), bond(operator)), (paid, staked - WRONG_RESULT));
    assert_eq!(free(PAYER) + escrow(PAYER), had);
    assert_eq!(compensation(PAYER) - compensated, WRONG_RESULT / 10);
    assert_eq!(escrow(PAYER), held - MAX_PRICE, "refunded in full");
    let receipt = receipt(id);
    assert_eq!((receipt.price_paid, receipt.output_digest), (0, None));
    let kept = crate::mock::evidence(id);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].proof, Some(evidence));
    assert!(receipt.bad_signatures(&kept).is_empty());
    // A valid proof is refused afterwards.
    refused_as(Submitted::by(id, operator).call(), refusal::WRONG_PHASE);
}

#[test]
fn a_proof_that_holds_is_paid_for_and_leaves_a_receipt_that_names_it() {
    test(|| {
        let (id, operator) = drawn();
        let had = free(operator);
        let submitted = Submitted::by(id, operator);
        assert_ok!(include(submitted.clone().call()));
        assert_eq!(outcome(id), Outcome::Verified);
        assert_eq!(free(operator) - had, OPERATOR_PART);
        assert_eq!((free(PAYER), escrow(PAYER)), (ENDOWMENT - ASK, 0));
        assert_eq!(bond(operator), BOND);
        let view = Inference::view(id).unwrap();
        assert_eq!(view.output, Some(submitted.output.to_vec()));

        let (receipt, evidence) = (receipt(id), crate::mock::evidence(id));
        assert_eq!(receipt.assurance, PROOF);
        assert_eq!(receipt.output_digest, Some(digest(&submitted.output)));
        let [item] = &evidence[..] else { panic!("one result") };
        let proof = item.proof.unwrap();
        assert_eq!(
            (proof.digest, proof.bytes),
            (digest(&submitted.proof), submitted.proof.len() as u32)
        );
        assert!(proof.security_bits >= 120);
        assert!(receipt.bad_signatures(&evidence).is_empty());
        // Neither the proof nor the input is kept.
        assert!(!Inputs::<Test>::contains_key(id));
        assert!(!Operators::is_assigned(&operator, id));
        System::assert_has_event(Event::ResultSubmitted { request: id, operator }.into());
    });
}

#[test]
fn proofs_are_asked_for_once_the_weights_are_read() {
    test(|| {
        let model = Proven::model();
        let version = model.publish_unread();
        assert_noop!(terms(version).send(), Error::<Test>::WeightsNotAudited);
        assert_eq!(Inference::quote(version, PROOF), Err(QuoteError::NotAudited));
        // Other classes do not need it.
        for assurance in [SIGNED, QUORUM] {
            assert!(Inference::quote(version, assurance).is_ok());
            let _ = Terms { assurance, ..terms(version) }.drawn();
        }
        model.audit(version);
        assert!(Inference::quote(version, PROOF).is_ok());
        let (id, members) = terms(version).drawn();
        assert_ok!(include(Submitted::by(id, members[0]).call()));
        assert_eq!(outcome(id), Outcome::Verified);
    });
}

#[test]
fn a_proof_of_another_request_does_not_hold() {
    test(|| {
        let (first, operator) = drawn();
        let version = record(first).version;
        for other in OPERATORS.into_iter().filter(|other| *other != operator) {
            serve_at_once(other, version, ASK, all(), 0);
        }
        let (second, members) = terms(version).drawn();
        assert_eq!(members, [operator]);
        let replayed = Submitted { request: second, ..Submitted::by(first, operator) };
        refuted(replayed, ProofRefusal::Statement);
        // The request that the proof belongs to is not affected.
        assert_ok!(include(Submitted::by(first, operator).call()));
        assert_eq!(outcome(first), Outcome::Verified);
    });
}

#[test]
fn a_proof_of_another_operator_does_not_hold() {
    test(|| {
        let (id, operator) = drawn();
        let other = OPERATORS.into_iter().find(|other| *other != operator).unwrap();
        refuted(Submitted { operator, ..Submitted::by(id, other) }, ProofRefusal::Statement);
    });
}

#[test]
fn a_proof_for_another_account_does_not_hold() {
    test(|| {
        let (id, operator) = drawn();
        let request = id.encode();
        let context = proof_context(genesis(), &request, &STRANGER, &operator);
        let proof = Proven::model().prover.prove(&context, &DATA).unwrap().proof;
        refuted(Submitted { proof, ..Submitted::by(id, operator) }, ProofRefusal::Statement);
    });
}

#[test]
fn a_proof_of_another_version_does_not_hold() {
    test(|| {
        let (id, operator) = drawn();
        Proven::other().publish();
        // The other model has other layers, so its proofs have another length.
        refuted(Submitted::of(Proven::other(), id, operator), ProofRefusal::Encoding);
    });
}

#[test]
fn a_proof_of_another_output_does_not_hold() {
    test(|| {
        let (id, operator) = drawn();
        let mut submitted = Submitted::by(id, operator);
        let mut output = submitted.output.into_inner();
        *output.last_mut().unwrap() ^= 1;
        submitted.output = output.try_into().unwrap();
        refuted(submitted, ProofRefusal::Statement);
    });
}

#[test]
fn bytes_after_a_proof_or_instead_of_one_do_not_hold() {
    let changes: [fn(&mut Vec<u8>); 2] = [|proof| proof.push(0), |proof| proof.clear()];
    for change in changes {
        test(|| {
            let (id, operator) = drawn();
            let mut submitted = Submitted::by(id, operator);
            change(&mut submitted.proof);
            refuted(submitted, ProofRefusal::Encoding);
        });
    }
}

#[test]
fn a_proof_that_is_too_long_is_no_call() {
    let bytes = vec![0; MAX_PROOF_BYTES as usize + 1];
    assert!(EncodedProof::try_from(bytes.clone()).is_err());
    assert!(EncodedProof::decode(&mut bytes.encode().as_slice()).is_err());
    assert!(EncodedProof::decode(&mut bytes[1..].to_vec().encode().as_slice()).is_ok());
}

#[test]
fn nobody_else_can_hand_a_proof_in() {
    test(|| {
        let (id, operator) = drawn();
        let good = Submitted::by(id, operator);
        for other in OPERATORS.into_iter().chain([STRANGER]).filter(|other| *other != operator) {
            // As its own submission.
            refused_as(Submitted { operator: other, ..good.clone() }.call(), refusal::NOT_ASSIGNED);
            // As the operator's submission.
            refused(good.signed_by(other), InvalidTransaction::BadProof);
        }
        // The operator's submission cannot be changed, which would cost the operator bond.
        let changes: [fn(&mut Call<Test>); 3] = [
            |call| {
                if let Call::submit_proof { proof, .. } = call {
                    proof.as_mut()[0] ^= 1;
                }
            },
            |call| {
                if let Call::submit_proof { proof, .. } = call {
                    proof.truncate(0);
                }
            },
            |call| {
                if let Call::submit_proof { output, .. } = call {
                    output.as_mut()[12] ^= 1;
                }
            },
        ];
        for change in changes {
            let mut call = good.clone().call();
            change(&mut call);
            refused(call, InvalidTransaction::BadProof);
        }
        assert_ok!(include(good.call()));
    });
}

#[test]
fn a_signature_that_names_no_proof_or_another_is_refused() {
    test(|| {
        let (id, operator) = drawn();
        let good = Submitted::by(id, operator);
        for proof in [None, Some(Digest::zero())] {
            let mut statement = statement(id, operator, &good.output);
            statement.proof = proof;
            let mut call = good.clone().call();
            if let Call::submit_proof { signature, .. } = &mut call {
                *signature = pair(operator).sign(&statement.signing_bytes()).into();
            }
            refused(call, InvalidTransaction::BadProof);
        }
    });
}

#[test]
fn a_proof_counts_until_the_deadline_and_not_a_block_longer() {
    test(|| {
        let (id, operator) = drawn();
        let call = Submitted::by(id, operator).call();
        go_to(record(id).deadline);
        frame_support::hypothetically!({
            assert_ok!(include(call.clone()));
            assert_eq!(record(id).status, Status::Final(Outcome::Verified));
        });
        Finals::set(Vec::new());
        frame_support::hypothetically!({
            System::set_block_number(record(id).deadline + 1);
            refused_as(call.clone(), refusal::TOO_LATE);
        });
        next_block();
        assert_eq!(outcome(id), Outcome::TimedOut);
        assert_eq!(bond(operator), BOND - NO_ANSWER, "it was silent");
        refused_as(call, refusal::WRONG_PHASE);
    });
}

#[test]
fn a_proof_is_not_taken_twice() {
    test(|| {
        let (id, operator) = drawn();
        assert_ok!(include(Submitted::by(id, operator).call()));
        let had = free(operator);
        refused_as(Submitted::by(id, operator).call(), refusal::WRONG_PHASE);
        assert_eq!(free(operator), had);
    });
}

#[test]
fn a_result_without_a_proof_is_refused() {
    test(|| {
        let (id, operator) = drawn();
        let output = Submitted::by(id, operator).output;
        let statement = statement(id, operator, &output);
        let call = result_with(id, operator, output, &statement, &pair(operator));
        refused_as(call, refusal::WRONG_PHASE);
    });
}

#[test]
fn a_proof_in_another_class_is_refused() {
    test(|| {
        let version = Proven::model().publish();
        for assurance in [SIGNED, QUORUM] {
            let (id, members) = Terms { assurance, ..terms(version) }.drawn();
            refused_as(Submitted::by(id, members[0]).call(), refusal::WRONG_PHASE);
        }
    });
}

#[test]
fn what_a_verification_costs_is_not_for_the_operator_to_say() {
    test(|| {
        let (id, operator) = drawn();
        let changes: [fn(&mut assay_primitives::ProofCost); 3] = [
            |cost| cost.openings -= 1,
            |cost| cost.products -= 1,
            |cost| cost.architecture_bytes += 1,
        ];
        for change in changes {
            let mut call = Submitted::by(id, operator).call();
            if let Call::submit_proof { cost, .. } = &mut call {
                change(cost);
            }
            refused_as(call, refusal::WRONG_COST);
        }
    });
}

#[test]
fn an_output_that_does_not_fit_the_declaration_is_refused() {
    test(|| {
        let (id, operator) = drawn();
        let outputs = [
            vec![],
            payload(ElementType::I32, &[0; 8]),
            payload(ElementType::I8, &[0; 3]),
            [Submitted::by(id, operator).output.to_vec(), vec![0]].concat(),
        ];
        for output in outputs {
            let output = output.try_into().unwrap();
            refused_as(
                Submitted { output, ..Submitted::by(id, operator) }.call(),
                refusal::WRONG_OUTPUT,
            );
        }
    });
}

#[test]
fn an_input_that_is_an_artifact_cannot_be_proven() {
    test(|| {
        let version = Proven::model().publish();
        let artifact = upload_artifact(STRANGER, &payload(ElementType::I8, &DATA));
        let input = RequestInput::Artifact(artifact);
        let terms = Terms { input, ..terms(version) };
        assert_noop!(terms.send(), Error::<Test>::InputNotInline);
        assert_ok!(Terms { assurance: SIGNED, ..terms }.send());
    });
}

#[test]
fn a_version_that_is_no_graph_cannot_be_asked_for_a_proof() {
    test(|| {
        assert_noop!(Terms::of(PROOF).send(), pallet_verification::Error::<Test>::ClassNotOffered);
        assert_eq!(Inference::quote(version(1), PROOF), Err(QuoteError::ClassUnavailable));
    });
}

#[test]
fn while_the_class_is_off_nothing_is_asked_and_what_is_open_goes_on() {
    test(|| {
        let (id, operator) = drawn();
        let version = record(id).version;
        let switch = |enabled| {
            let class = AssuranceClass::Proof;
            assert_ok!(Verification::set_class_enabled(RuntimeOrigin::root(), class, enabled));
        };
        assert_ok!(Inference::quote(version, PROOF).map(drop).map_err(|e| format!("{e:?}")));
        switch(false);
        assert_noop!(terms(version).send(), pallet_verification::Error::<Test>::ClassDisabled);
        assert_eq!(Inference::quote(version, PROOF), Err(QuoteError::ClassUnavailable));
        assert_ok!(include(Submitted::by(id, operator).call()));
        assert_eq!(outcome(id), Outcome::Verified);
        switch(true);
        assert_ok!(terms(version).send());
    });
}

#[test]
fn an_operator_without_a_proof_says_so_at_no_cost() {
    test(|| {
        let (id, operator) = drawn();
        let reason = FailureReason::ProofUnavailable;
        assert_ok!(include(failure(id, operator, reason)));
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::Failed(reason)));
        assert_eq!((bond(operator), free(PAYER)), (BOND, ENDOWMENT));
    });
}

#[test]
fn without_a_verifier_the_operator_is_not_to_blame() {
    // As after an upgrade to a proof system that does not support the model's parameters.
    new_test_ext().execute_with(|| {
        let (id, operator) = drawn();
        let call = Submitted::by(id, operator).call();
        let version = record(id).version;
        pallet_model_registry::Architectures::<Test>::mutate(version, |bytes| {
            bytes.as_mut().unwrap().truncate(9);
        });
        assert_ok!(include(call));
        let reason = FailureReason::InvalidModel;
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::Failed(reason)));
        assert_eq!((bond(operator), free(PAYER)), (BOND, ENDOWMENT));
        assert_ok!(Inference::do_try_state());
    });
}
