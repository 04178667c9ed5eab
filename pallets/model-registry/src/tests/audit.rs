//! Reading the weights of versions that offer class `Proof`.

use assay_graph::{bounds::MAX_BIAS, commit::ElementsOpening, Graph};
use assay_primitives::{
    traits::Models as _, AssuranceClass, AssuranceClasses, ModelId, VersionId, WeightsAudit,
    WeightsFingerprint,
};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

use crate::{mock::*, Audits, Error, Event, PieceProof};

/// Bytes of the large graph's first weights, of its first biases, and of all.
const WEIGHTS: u64 = 4 * 300;
const BIAS: u64 = 4 * 300;
const TOTAL: u64 = WEIGHTS + BIAS + 300 * 9 + 4 * 9;

fn large() -> Graph {
    create();
    let graph = large_graph();
    MaxOutputBytes::set(100);
    assert_ok!(publish_graph(&graph, |_| ()));
    graph
}

fn done() -> u64 {
    Audits::<Test>::get(VERSION).unwrap().done
}

/// The bytes and proofs of one call, changed.
fn changed(
    openings: Vec<ElementsOpening>,
    change: impl FnOnce(&mut Vec<u8>, &mut Vec<PieceProof>),
) -> Result<(), DispatchError> {
    let (bytes, proofs) = PieceProof::arguments(openings).unwrap();
    let (mut bytes, mut proofs) = (bytes.into_inner(), proofs.into_inner());
    change(&mut bytes, &mut proofs);
    let (bytes, proofs) = (bytes.try_into().unwrap(), proofs.try_into().unwrap());
    Registry::audit_weights(RuntimeOrigin::signed(OTHER), VERSION, done(), bytes, proofs)
        .map(drop)
        .map_err(|error| error.error)
}

#[test]
fn weights_are_read_in_one_call_where_they_fit() {
    test(|| {
        let graph = large();
        assert_eq!(Audits::<Test>::get(VERSION), Some(WeightsAudit::of(TOTAL)));
        assert_eq!(Registry::proof_terms(VERSION), None);
        assert_eq!(Registry::weights_fingerprint(VERSION), None);
        let (had, deposited) = (free(OTHER), deposit(OWNER));
        audit_all(VERSION, &graph);
        let fingerprint = fingerprint(&graph);
        assert_ne!(fingerprint, WeightsFingerprint::default());
        assert_eq!(Registry::weights_fingerprint(VERSION), Some(fingerprint));
        assert!(Registry::proof_terms(VERSION).is_some());
        assert_eq!(last_event(), Some(Event::VersionAudited { version: VERSION, fingerprint }));
        assert_eq!((free(OTHER), deposit(OWNER)), (had, deposited));
        // The audit is done once.
        for openings in [openings(&graph, 0, 9, 10_000), vec![]] {
            assert_noop!(audit(VERSION, openings), Error::<Test>::AlreadyAudited);
        }
    });
}

#[test]
fn weights_are_read_piece_by_piece_by_anyone() {
    test(|| {
        let graph = large();
        let mut calls = 0;
        while done() < TOTAL {
            assert_eq!(Registry::proof_terms(VERSION), None);
            assert_ok!(audit(VERSION, openings(&graph, done(), 1, 1_024)));
            calls += 1;
        }
        // Two leaves of weights and two of biases, three of weights and one of biases.
        assert_eq!(calls, 8);
        assert_eq!(Registry::weights_fingerprint(VERSION), Some(fingerprint(&graph)));
    });
}

#[test]
fn progress_is_told_with_each_call() {
    test(|| {
        let graph = large();
        assert_ok!(audit(VERSION, openings(&graph, 0, 2, 2_500)));
        let total = TOTAL;
        let event = Event::WeightsRead { version: VERSION, done: WEIGHTS + BIAS, total };
        assert_eq!(last_event(), Some(event));
    });
}

#[test]
fn weights_out_of_turn_are_refused() {
    test(|| {
        let graph = large();
        let refused = |openings| {
            assert_noop!(audit(VERSION, openings), Error::<Test>::UnexpectedWeights);
        };
        let later = openings(&graph, WEIGHTS, 9, 10_000);
        refused(later.clone());
        refused(vec![]);
        let first = openings(&graph, 0, 1, 2_000);
        // A piece twice, in one call and in two.
        refused([first.clone(), first.clone()].concat());
        assert_ok!(audit(VERSION, first.clone()));
        assert_eq!(done(), WEIGHTS);
        refused(first);
        // The second parameter set before the first one's biases.
        refused(openings(&graph, WEIGHTS + BIAS, 9, 10_000));
        // More than the weights have.
        refused([later.clone(), later.clone()].concat());
        assert_ok!(audit(VERSION, later));
        assert_eq!(Registry::weights_fingerprint(VERSION), Some(fingerprint(&graph)));
    });
}

/// Otherwise whoever sends one leaf before a long call makes it fail, at its sender's cost.
#[test]
fn what_others_have_read_meanwhile_is_skipped() {
    let graph = large_graph();
    let all = |first| openings(&graph, first, 9, 10_000);
    // Less than a piece, a piece, more than one, and all but the last leaf.
    for read in [1_024, WEIGHTS, WEIGHTS + 1_024, WEIGHTS + BIAS + 2_048] {
        test(|| {
            large();
            let one = openings(&graph, 0, 9, read as usize);
            assert_ok!(audit(VERSION, one));
            let before = done();
            assert!((1..TOTAL).contains(&before), "{before}");
            // From a byte that has not been read, and of nothing else than what was.
            let refused: DispatchError = Error::<Test>::UnexpectedWeights.into();
            assert_noop!(audit_from(before + 1_024, VERSION, all(before + 1_024)), refused);
            let read_already = openings(&graph, 0, 9, before as usize);
            assert_noop!(audit_from(0, VERSION, read_already), refused);
            // The bytes of another place.
            assert_noop!(audit_from(0, VERSION, all(WEIGHTS)), refused);
            assert_ok!(audit_from(0, VERSION, all(0)));
            assert_eq!(Registry::weights_fingerprint(VERSION), Some(fingerprint(&graph)));
        });
    }
}

#[test]
fn a_changed_bit_anywhere_is_refused() {
    test(|| {
        let graph = large();
        type Change = fn(&mut Vec<u8>, &mut Vec<PieceProof>);
        let changes: [Change; 12] = [
            |bytes, _| bytes[0] ^= 1,
            |bytes, _| *bytes.last_mut().unwrap() ^= 0x80,
            |bytes, _| bytes.push(0),
            |bytes, _| {
                bytes.pop();
            },
            |bytes, _| bytes.clear(),
            |_, proofs| {
                proofs.pop();
            },
            |_, proofs| proofs.push(proofs[0].clone()),
            |_, proofs| proofs[0].set_leaf.as_mut()[0] ^= 1,
            // The roots of another set, which the call does not need.
            |_, proofs| proofs[0].set_leaf.as_mut()[127] ^= 1,
            |_, proofs| proofs[0].siblings.as_mut()[0][0] ^= 1,
            |_, proofs| proofs[0].siblings.truncate(0),
            |_, proofs| proofs[0].set_siblings.try_push([0; 32]).unwrap(),
        ];
        // One leaf of two, so that there is a node beside it; and both with what follows.
        let one = openings(&graph, 0, 1, 1_024);
        for change in changes {
            assert_noop!(changed(one.clone(), change), Error::<Test>::UnexpectedWeights);
        }
        let all = openings(&graph, 0, 9, 10_000);
        for at in [0, WEIGHTS - 1, WEIGHTS, WEIGHTS + BIAS, TOTAL - 1] {
            assert_noop!(
                changed(all.clone(), |bytes, _| bytes[at as usize] ^= 1),
                Error::<Test>::UnexpectedWeights
            );
        }
        assert_ok!(changed(all, |_, _| ()));
    });
}

#[test]
fn a_piece_ends_with_a_leaf() {
    test(|| {
        let graph = large();
        let one = openings(&graph, 0, 1, 1_024);
        for length in [1, 512, 1_023] {
            assert_noop!(
                changed(one.clone(), |bytes, _| bytes.truncate(length)),
                Error::<Test>::UnexpectedWeights
            );
        }
    });
}

#[test]
fn the_weights_of_another_version_are_refused() {
    test(|| {
        let graph = large();
        let mut other = graph.clone();
        other.weights.parameters[0].weights[5] ^= 1;
        other.complete().unwrap();
        assay_proof::seal(&mut other, &assay_pallet_testing::graphs::QUICK).unwrap();
        assert_ok!(publish_graph(&other, |_| ()));
        let second = VersionId { model: MODEL, number: 2 };
        let all = |graph| openings(graph, 0, 9, 10_000);
        assert_noop!(audit(VERSION, all(&other)), Error::<Test>::UnexpectedWeights);
        assert_noop!(audit(second, all(&graph)), Error::<Test>::UnexpectedWeights);
        // Each has its own audit and fingerprint.
        assert_ok!(audit(second, all(&other)));
        assert_eq!(Registry::weights_fingerprint(second), Some(fingerprint(&other)));
        assert_eq!(Registry::weights_fingerprint(VERSION), None);
        assert_ok!(audit(VERSION, all(&graph)));
        assert_ne!(fingerprint(&graph), fingerprint(&other));
    });
}

/// The root that proofs open commits to other weights. The chain reads the published ones, so
/// proofs of the others have another fingerprint.
#[test]
fn what_is_read_are_the_published_weights_whatever_root_proofs_open() {
    test(|| {
        create();
        let honest = graph();
        let mut lying = graph();
        lying.architecture.commitments.weights_root[0] ^= 1;
        assert_ok!(publish_graph(&lying, |_| ()));
        audit_all(VERSION, &lying);
        let found = Registry::weights_fingerprint(VERSION).unwrap();
        assert_eq!(found, fingerprint(&lying));
        // Another root means another version, and another point.
        assert_ne!(found, fingerprint(&honest));
    });
}

/// With such a bias a sum can leave int32, where a proof and the interpreter disagree.
#[test]
fn weights_with_a_bias_out_of_bounds_are_never_read_to_the_end() {
    test(|| {
        create();
        for (number, bias) in
            [MAX_BIAS + 1, -MAX_BIAS - 1, i32::MAX, i32::MIN].into_iter().enumerate()
        {
            let mut graph = graph();
            *graph.weights.parameters.last_mut().unwrap().bias.last_mut().unwrap() = bias;
            graph.architecture.commitments.weights = graph.weights.digest();
            assert_ok!(publish_graph(&graph, |_| ()));
            let version = VersionId { model: MODEL, number: number as u32 + 1 };
            let all = openings(&graph, 0, usize::MAX, usize::MAX);
            assert_noop!(audit(version, all.clone()), Error::<Test>::BiasOutOfBounds);
            // The same in several calls.
            let (last, before) = all.split_last().unwrap();
            assert_ok!(audit(version, before.to_vec()));
            assert_noop!(audit(version, vec![last.clone()]), Error::<Test>::BiasOutOfBounds);
            assert_eq!(Registry::weights_fingerprint(version), None);
            assert_eq!(Registry::proof_terms(version), None);
        }
    });
}

#[test]
fn versions_without_class_proof_have_no_audit() {
    test(|| {
        create();
        let graph = graph();
        assert_ok!(publish_graph(&graph, |descriptor| {
            descriptor.assurances = AssuranceClasses::NONE.with(AssuranceClass::Signed);
        }));
        assert!(!Audits::<Test>::contains_key(VERSION));
        let all = openings(&graph, 0, 9, 10_000);
        assert_noop!(audit(VERSION, all.clone()), Error::<Test>::AuditNotNeeded);
        for missing in
            [VersionId { model: MODEL, number: 2 }, VersionId { model: ModelId(1), number: 1 }]
        {
            assert_noop!(audit(missing, all.clone()), Error::<Test>::VersionNotFound);
        }
    });
}

#[test]
fn only_accounts_audit() {
    test(|| {
        let graph = large();
        let (bytes, proofs) = PieceProof::arguments(openings(&graph, 0, 9, 10_000)).unwrap();
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(
                Registry::audit_weights(origin, VERSION, 0, bytes.clone(), proofs.clone()),
                DispatchError::BadOrigin
            );
        }
    });
}

#[test]
fn a_version_is_removed_with_its_audit() {
    test(|| {
        let graph = large();
        assert_ok!(audit(VERSION, openings(&graph, 0, 1, 1_024)));
        assert_ok!(Registry::remove_version(RuntimeOrigin::signed(OWNER), VERSION));
        assert!(!Audits::<Test>::contains_key(VERSION));
        assert_eq!(free(OWNER), ENDOWMENT - BASE);
        assert_noop!(
            audit(VERSION, openings(&graph, 0, 9, 10_000)),
            Error::<Test>::VersionNotFound
        );
    });
}

#[test]
fn a_deprecated_version_can_still_be_audited() {
    test(|| {
        let graph = large();
        assert_ok!(Registry::deprecate(RuntimeOrigin::signed(OWNER), VERSION));
        audit_all(VERSION, &graph);
        // Its open disputes may end with a proof.
        assert!(Registry::proof_terms(VERSION).is_some());
    });
}
