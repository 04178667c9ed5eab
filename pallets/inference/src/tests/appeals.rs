//! Appeals against quorums whose members disagreed, with real proofs.

use assay_pallet_testing::graphs::{payload, proof_context};
use assay_primitives::{
    commitment, digest, traits::Models as _, ElementType, Outcome, RejectReason, RequestId,
    VersionId,
};
use codec::Encode;
use frame_support::{assert_noop, assert_ok};

use super::{
    proof::DATA,
    worker::{commitment_with, reveal_with, salt},
};
use crate::{mock::*, Appealable, Call, Corrections, Error, Event, Inputs};

const STAKE: assay_primitives::Balance = WRONG_RESULT + LOST_DISPUTE;

/// A drawn quorum of three over a version that can be proven.
fn drawn() -> (RequestId, Vec<u64>, VersionId) {
    let version = Proven::model().publish();
    let terms = Terms { version, ..Terms::of(QUORUM) }.with_input(payload(ElementType::I8, &DATA));
    let (id, members) = terms.drawn();
    (id, members, version)
}

/// The right output, and a proof of it by the appellant of these tests.
fn proven(id: RequestId) -> (Output, Vec<u8>) {
    proven_by(id, STRANGER)
}

fn proven_by(id: RequestId, prover: u64) -> (Output, Vec<u8>) {
    let request = record(id);
    let encoded = id.encode();
    let context = proof_context(genesis(), &encoded, &request.payer, &prover);
    let proven = Proven::model().prover.prove(&context, &DATA).unwrap();
    (payload(ElementType::I32, &proven.output).try_into().unwrap(), proven.proof)
}

/// An output that is not the right one, but fits the declaration.
fn other(right: &Output) -> Output {
    let mut output = right.clone();
    *output.last_mut().unwrap() ^= 1;
    output
}

fn commit(id: RequestId, member: u64, output: &Output) {
    let commitment =
        commitment(&super::worker::answered(id), &member, &digest(output), &salt(member));
    assert_ok!(include(commitment_with(id, member, commitment, &pair(member))));
}

/// Has the members commit to outputs, and reveal them: `true` for the right one.
fn answered(id: RequestId, members: &[u64], right: [bool; 3]) {
    let (output, _) = proven(id);
    let outputs = right.map(|right| if right { output.clone() } else { other(&output) });
    for (member, output) in members.iter().zip(&outputs) {
        commit(id, *member, output);
    }
    for (member, output) in members.iter().zip(&outputs) {
        assert_ok!(include(reveal_with(id, *member, output.clone(), salt(*member))));
    }
    assert_eq!(outcome(id), Outcome::Verified);
}

fn appeal(
    id: RequestId,
    output: Output,
    proof: Vec<u8>,
) -> frame_support::dispatch::DispatchResult {
    let proof = proof.try_into().unwrap();
    signed_call(STRANGER, Call::appeal { request: id, output, proof })
}

fn locked(operator: u64) -> assay_primitives::Balance {
    pallet_operators::Operators::<Test>::get(operator).unwrap().locked
}

fn uses(version: VersionId) -> u32 {
    pallet_model_registry::Versions::<Test>::get(version).unwrap().uses
}

#[test]
fn a_proof_against_the_majority_penalises_it() {
    test(|| {
        let (id, members, version) = drawn();
        answered(id, &members, [false, true, false]);
        System::assert_has_event(
            Event::AppealsOpen { request: id, until: now() + AppealWindow::get() }.into(),
        );
        assert_eq!(members.iter().map(|one| locked(*one)).collect::<Vec<_>>(), [STAKE; 3]);
        let (output, proof) = proven(id);
        let challenger = free(STRANGER);
        assert_ok!(appeal(id, output.clone(), proof.clone()));
        let penalised = vec![members[0], members[2]];
        let right = digest(&output);
        System::assert_last_event(
            Event::Appealed { request: id, appellant: STRANGER, right, penalised }.into(),
        );
        assert_eq!(
            members.iter().map(|one| bond(*one)).collect::<Vec<_>>(),
            [BOND - STAKE, BOND, BOND - STAKE]
        );
        assert_eq!(free(STRANGER), challenger + 2 * LOST_DISPUTE);
        assert_eq!(compensation(PAYER), 2 * (WRONG_RESULT / 10));
        assert_eq!(members.iter().map(|one| locked(*one)).collect::<Vec<_>>(), [0; 3]);
        assert_eq!(Corrections::<Test>::get(id), Some(right));
        assert!(!Inputs::<Test>::contains_key(id));
        assert_eq!(uses(version), 0);
        // Once.
        assert_noop!(appeal(id, output, proof), Error::<Test>::NotAppealable);
    });
}

#[test]
fn a_proof_against_the_minority_penalises_it() {
    test(|| {
        let (id, members, _) = drawn();
        answered(id, &members, [true, true, false]);
        let (output, proof) = proven(id);
        assert_ok!(appeal(id, output, proof));
        assert_eq!([0, 1, 2].map(|index| bond(members[index])), [BOND, BOND, BOND - STAKE]);
    });
}

#[test]
fn without_an_appeal_the_outvoted_get_a_mark() {
    test(|| {
        let (id, members, version) = drawn();
        answered(id, &members, [true, false, true]);
        let until = Appealable::<Test>::get(id).unwrap().until;
        let (output, proof) = proven(id);
        go_to(until);
        assert_eq!(uses(version), 1);
        frame_support::hypothetically!({
            assert_ok!(appeal(id, output.clone(), proof.clone()));
        });
        next_block();
        assert_noop!(appeal(id, output, proof), Error::<Test>::NotAppealable);
        assert_eq!([0, 1, 2].map(|index| bond(members[index])), [BOND; 3]);
        assert_eq!([0, 1, 2].map(|index| locked(members[index])), [0; 3]);
        let servers = pallet_operators::Servers::<Test>::get(version);
        for server in servers {
            assert_eq!(server.outvoted, u32::from(server.account == members[1]));
        }
        assert_eq!((uses(version), Inputs::<Test>::contains_key(id)), (0, false));
    });
}

#[test]
fn blocks_without_room_for_an_appeal_do_not_count_for_its_time() {
    test(|| {
        let (id, members, _) = drawn();
        answered(id, &members, [true, false, true]);
        let until = Appealable::<Test>::get(id).unwrap().until;
        let (output, proof) = proven(id);
        FullBlocks::set(3);
        go_to(until + 1);
        assert_eq!(Appealable::<Test>::get(id).unwrap().until, until + 3);
        go_to(until + 3);
        frame_support::hypothetically!({
            assert_ok!(appeal(id, output.clone(), proof.clone()));
        });
        next_block();
        assert_noop!(appeal(id, output, proof), Error::<Test>::NotAppealable);
        assert_eq!([0, 1, 2].map(|index| locked(members[index])), [0; 3]);
    });
}

#[test]
fn while_blocks_with_room_are_missing_appeals_count_even_if_the_sweep_lags() {
    test(|| {
        let (id, members, _) = drawn();
        answered(id, &members, [true, false, true]);
        let until = Appealable::<Test>::get(id).unwrap().until;
        let (output, proof) = proven(id);
        FullBlocks::set(3);
        SweepBudget::set(frame_support::weights::Weight::zero());
        go_to(until + 3);
        frame_support::hypothetically!({
            assert_ok!(appeal(id, output.clone(), proof.clone()));
        });
        next_block();
        assert_noop!(appeal(id, output, proof), Error::<Test>::NotAppealable);
    });
}

#[test]
fn nothing_is_pruned_before_its_time_for_appeals_is_swept() {
    test(|| {
        let (id, members, version) = drawn();
        answered(id, &members, [true, false, true]);
        // The sweep stands still for longer than receipts are kept.
        SweepBudget::set(frame_support::weights::Weight::zero());
        go_to(now() + Retention::get() + 10);
        SweepBudget::set(frame_support::weights::Weight::from_parts(100, 0));
        // It goes through sixteen heights in a block.
        go_to(now() + Retention::get() / 16 + 10);
        assert_eq!([0, 1, 2].map(|index| locked(members[index])), [0; 3]);
        assert_eq!((uses(version), Inputs::<Test>::contains_key(id)), (0, false));
        assert!(!crate::Requests::<Test>::contains_key(id), "it is pruned in the end");
    });
}

#[test]
fn nothing_is_pruned_while_it_can_be_appealed() {
    test(|| {
        let (id, members, version) = drawn();
        answered(id, &members, [true, false, true]);
        // No block has room for an appeal for longer than receipts are kept.
        for _ in 0..Retention::get() + 10 {
            next_block();
            FullBlocks::mutate(|full| *full += 1);
        }
        check_all();
        let (output, proof) = proven(id);
        frame_support::hypothetically!({
            assert_ok!(appeal(id, output, proof));
            assert_eq!(bond(members[1]), BOND - STAKE);
        });
        go_to(now() + AppealWindow::get() + 2);
        assert_eq!([0, 1, 2].map(|index| locked(members[index])), [0; 3]);
        assert_eq!((uses(version), Inputs::<Test>::contains_key(id)), (0, false));
        assert!(!crate::Requests::<Test>::contains_key(id), "it is pruned in the end");
    });
}

#[test]
fn only_a_proof_of_the_given_output_counts() {
    test(|| {
        let (id, members, _) = drawn();
        answered(id, &members, [false, true, false]);
        let (output, proof) = proven(id);
        let mut broken = proof.clone();
        broken[7] ^= 1;
        let refused = Error::<Test>::ProofRefused;
        assert_noop!(appeal(id, other(&output), proof.clone()), refused);
        assert_noop!(appeal(id, output.clone(), broken), Error::<Test>::ProofRefused);
        // Nobody can use the proof of another account.
        let (_, of_another) = proven_by(id, PAYER);
        assert_noop!(appeal(id, output.clone(), of_another), Error::<Test>::ProofRefused);
        let float = crate::mock::output(RIGHT);
        assert_noop!(appeal(id, float, proof.clone()), Error::<Test>::WrongOutput);
        assert_noop!(appeal(RequestId(99), output, proof), Error::<Test>::NotAppealable);
    });
}

#[test]
fn results_without_a_winner_can_be_appealed_too() {
    test(|| {
        let version = Proven::model().publish();
        let unanimous = assay_primitives::Assurance::Quorum { n: 2, k: 2 };
        let terms = Terms { version, ..Terms::of(unanimous) };
        let (id, members) = terms.with_input(payload(ElementType::I8, &DATA)).drawn();
        let (output, proof) = proven(id);
        let outputs = [other(&output), output.clone()];
        for (member, output) in members.iter().zip(&outputs) {
            commit(id, *member, output);
        }
        for (member, output) in members.iter().zip(&outputs) {
            assert_ok!(include(reveal_with(id, *member, output.clone(), salt(*member))));
        }
        assert_eq!(outcome(id), Outcome::Rejected(RejectReason::NoAgreement));
        frame_support::hypothetically!({
            go_to(now() + AppealWindow::get() + 1);
            assert_eq!([0, 1].map(|index| locked(members[index])), [0; 2]);
        });
        assert_ok!(appeal(id, output, proof));
        assert_eq!([0, 1].map(|index| bond(members[index])), [BOND - STAKE, BOND]);
    });
}

#[test]
fn who_all_agree_cannot_be_appealed() {
    test(|| {
        let (id, members, _) = drawn();
        answered(id, &members, [true; 3]);
        assert_eq!([0, 1, 2].map(|index| locked(members[index])), [0; 3]);
        let (output, proof) = proven(id);
        assert_noop!(appeal(id, output, proof), Error::<Test>::NotAppealable);
    });
}

#[test]
fn a_commitment_that_is_not_opened_costs_as_much_as_a_wrong_result() {
    test(|| {
        let (id, members, _) = drawn();
        let (output, _) = proven(id);
        for member in &members {
            commit(id, *member, &output);
        }
        for member in &members[..2] {
            assert_ok!(include(reveal_with(id, *member, output.clone(), salt(*member))));
        }
        go_to(record(id).deadline + 1);
        assert_eq!([0, 1, 2].map(|index| bond(members[index])), [BOND, BOND, BOND - WRONG_RESULT]);
    });
}

#[test]
fn a_quorum_without_proofs_has_the_stake_of_a_missing_answer() {
    test(|| {
        let (id, members) = Terms::of(QUORUM).drawn();
        assert!(!record(id).appealable);
        assert_eq!(locked(members[0]), NO_ANSWER);
        let unread = Proven::model().publish_unread();
        assert!(Registry::proof_terms(unread).is_none());
        let terms = Terms { version: unread, ..Terms::of(QUORUM) };
        let (id, _) = terms.with_input(payload(ElementType::I8, &DATA)).drawn();
        assert!(!record(id).appealable);
    });
}
