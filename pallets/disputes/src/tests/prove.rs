use assay_primitives::{dispute::DisputeId, RequestId};
use frame_support::{assert_noop, assert_ok, BoundedVec};
use sp_runtime::DispatchResult;

use crate::{mock::*, DisputeCause, Error, Event, OpenDisputes, Verdict, Verdicts};

fn prove(id: DisputeId, output: &[u8], proof: Vec<u8>) -> DispatchResult {
    let output = BoundedVec::try_from(output.to_vec()).unwrap();
    Disputes::prove(origin(STRANGER), id, output, proof.try_into().unwrap())
}

fn right_output(case: &Case) -> Vec<u8> {
    case.witness().output().unwrap().to_bytes()
}

#[test]
fn a_proof_of_the_claimed_output_makes_it_final_and_every_dispute_lost() {
    test(|| {
        let case = Case::honest();
        let (first, second) = (case.disputed(), open(SECOND));
        let output = right_output(&case);
        assert_ok!(prove(first, &output, proof(REQUEST, &output)));
        assert_eq!(standing(), Standing::Accepted);
        assert!(OpenDisputes::<Test>::get(first).is_none());
        assert_eq!(held(CHALLENGER), 0);
        assert_eq!(Verdicts::<Test>::get(REQUEST), Some(Verdict::Right));
        assert_ok!(Disputes::do_try_state());
        assert_noop!(prove(second, &output, proof(REQUEST, &output)), Error::<Test>::Decided);
        go_to(RESPONSE + 2);
        assert_eq!(held(SECOND), 0);
        assert_eq!(got(OPERATOR) + got(0), 3 * BOND);
        assert!(matches!(last_event().unwrap(), Event::Lost { cause: DisputeCause::Proof, .. }));
    });
}

#[test]
fn a_proof_of_another_output_wins_at_once() {
    test(|| {
        let case = Case::lying_from(Case::honest().graph.plan().operations().len());
        let id = case.disputed();
        let output = right_output(&case);
        assert_ne!(output, case.claimed.output().unwrap().to_bytes());
        assert_ok!(prove(id, &output, proof(REQUEST, &output)));
        assert_eq!(standing(), Standing::Rejected(CHALLENGER));
        assert!(matches!(last_event().unwrap(), Event::Won { cause: DisputeCause::Proof, .. }));
    });
}

/// It shows which party is right, which the passed deadline has not decided yet.
#[test]
fn a_proof_counts_until_the_dispute_has_ended() {
    test(|| {
        let case = Case::honest();
        let (id, later) = (case.disputed(), open(SECOND));
        next_block();
        let output = right_output(&case);
        // The height after the deadline, before the hook has noticed.
        System::set_block_number(RESPONSE + 2);
        assert_ok!(prove(id, &output, proof(REQUEST, &output)));
        assert_eq!(standing(), Standing::Accepted);
        go_to(RESPONSE + 3);
        assert_eq!((held(CHALLENGER), held(SECOND)), (0, 0));
        assert_noop!(prove(later, &output, Vec::new()), Error::<Test>::DisputeNotFound);
    });
}

#[test]
fn a_proof_that_does_not_hold_changes_nothing() {
    test(|| {
        let case = Case::lying_from(3);
        let id = case.disputed();
        let output = right_output(&case);
        let refused = Error::<Test>::ProofRefused;
        assert_noop!(prove(id, &output, Vec::new()), refused);
        // Proofs of another request and of another output.
        assert_noop!(prove(id, &output, proof(RequestId(8), &output)), Error::<Test>::ProofRefused);
        let mut other = output.clone();
        other[0] ^= 1;
        assert_noop!(prove(id, &other, proof(REQUEST, &output)), Error::<Test>::ProofRefused);
        let longer = [&output[..], &[0]].concat();
        assert_noop!(prove(id, &longer, proof(REQUEST, &longer)), Error::<Test>::OutputLength);
        let missing = prove(DisputeId(5), &output, proof(REQUEST, &output));
        assert_noop!(missing, Error::<Test>::DisputeNotFound);
    });
}
