//! Versions that are integer graphs.

use assay_graph::{Architecture, Dense, Lookup, Operation, Plan, Scale, Shape, TensorId};
use assay_pallet_testing::graphs::{graph as of, perceptron, Layer, QUICK};
use assay_primitives::{
    model::Tolerance, traits::Models as _, AssuranceClass, AssuranceClasses, Digest, Dimension,
    ElementType, ProofCost, ProofTerms, VersionId,
};
use assay_proof::{ProofParameters, Verifier};
use codec::Encode;
use frame_support::{assert_noop, assert_ok};

use crate::{mock::*, Architectures, Error, Versions};

const PROOF: AssuranceClasses = AssuranceClasses::NONE.with(AssuranceClass::Proof);
const SIGNED: AssuranceClasses = AssuranceClasses::NONE.with(AssuranceClass::Signed);

fn sign_only(descriptor: &mut assay_primitives::ModelDescriptor) {
    descriptor.assurances = SIGNED;
}

#[test]
fn a_graph_is_published_with_its_architecture_against_a_deposit_for_both() {
    test(|| {
        create();
        assert_ok!(publish_graph(&graph(), |_| ()));
        let bytes = graph().architecture.encode();
        let record = Versions::<Test>::get(VERSION).unwrap();
        // The metadata digest is paid for, though there is none; and how far the weights are read.
        let size = record.encoded_size() + 32 + bytes.encoded_size() + 24 + 8 + 8;
        assert_eq!(record.deposit, BASE + BYTE * size as u128);
        assert_eq!(record.descriptor.architecture, Some(graph().digest().into()));
        let plan = Plan::new(graph().architecture).unwrap();
        let verifier = Verifier::new(&plan).unwrap();
        let cost = crate::proof_cost(&plan, &verifier);
        let work = verifier.work();
        assert_eq!(u64::from(cost.products), work.products);
        assert_eq!(u64::from(cost.cells), work.cells);
        assert_eq!(u64::from(cost.hashes), work.hashes);
        assert_eq!(u64::from(cost.openings), work.openings);
        assert_eq!(u64::from(cost.proof_bytes), work.proof_bytes);
        assert_eq!(cost.architecture_bytes as usize, bytes.len());
        let terms = ProofTerms { security_bits: verifier.security_bits().floor() as u8, cost };
        assert!(terms.security_bits >= 120);
        assert_eq!(record.proof, Some(terms));
        // Other pallets see them when the weights have been read.
        assert_eq!(Registry::proof_terms(VERSION), None);
        audit_all(VERSION, &graph());
        assert_eq!(Registry::proof_terms(VERSION), Some(terms));
        assert_eq!(Registry::architecture(VERSION), Some(bytes));

        assert_ok!(Registry::remove_version(RuntimeOrigin::signed(OWNER), VERSION));
        assert!(!Architectures::<Test>::contains_key(VERSION));
        assert_eq!(free(OWNER), ENDOWMENT - BASE);
    });
}

#[test]
fn a_graph_without_class_proof_needs_no_verifier() {
    test(|| {
        create();
        let mut unsealed = graph();
        unsealed.architecture.commitments.proof_parameters = Default::default();
        assert_ok!(publish_graph(&unsealed, sign_only));
        assert_eq!(Registry::proof_terms(VERSION), None);
        assert!(Registry::architecture(VERSION).is_some());
        // Quorums of integers need no tolerance, but may have one of zero.
        assert_ok!(publish_graph(&unsealed, |d| {
            d.assurances = SIGNED.with(AssuranceClass::Quorum);
            d.tolerance = Some(Tolerance { millionths: 0 });
        }));
    });
}

#[test]
fn a_version_that_is_no_graph_has_no_architecture() {
    test(|| {
        create_and_publish();
        assert_eq!(Registry::architecture(VERSION), None);
        assert_eq!(Registry::proof_terms(VERSION), None);
        let architecture = || Some(graph().architecture.encode());
        assert_noop!(
            publish_with(descriptor(), architecture()),
            Error::<Test>::ArchitectureNotAllowed
        );
        let mut naming = descriptor();
        naming.architecture = Some(graph().digest().into());
        for architecture in [None, architecture()] {
            assert_noop!(
                publish_with(naming.clone(), architecture),
                Error::<Test>::ArchitectureNotAllowed
            );
        }
    });
}

#[test]
fn a_version_that_is_no_graph_cannot_be_proven() {
    test(|| {
        create_and_publish();
        let mut proving = descriptor();
        proving.assurances = CLASSES;
        assert_noop!(publish(proving.clone()), Error::<Test>::ClassNeedsGraph);
        proving.assurances = PROOF;
        assert_noop!(publish(proving), Error::<Test>::ClassNeedsGraph);
    });
}

#[test]
fn an_architecture_comes_with_its_digest_and_its_bytes() {
    test(|| {
        create();
        assert_ok!(publish_graph(&graph(), |_| ()));
        let descriptor = assay_pallet_testing::graphs::descriptor(&graph(), CLASSES);
        assert_noop!(publish(descriptor.clone()), Error::<Test>::ArchitectureMissing);
        assert_noop!(
            publish_graph(&graph(), |d| d.architecture = None),
            Error::<Test>::ArchitectureMissing
        );
        assert_noop!(
            publish_graph(&graph(), |d| d.architecture = Some(Digest::zero())),
            Error::<Test>::ArchitectureDigestMismatch
        );
        let mut other = graph().architecture;
        other.output_scale = Scale { mantissa: 3, exponent: 0 };
        assert_noop!(
            publish_with(descriptor, Some(other.encode())),
            Error::<Test>::ArchitectureDigestMismatch
        );
    });
}

/// Publishes any bytes under their digest as an architecture.
fn publish_bytes(bytes: Vec<u8>) -> sp_runtime::DispatchResult {
    let mut descriptor = assay_pallet_testing::graphs::descriptor(&graph(), CLASSES);
    let tagged = [assay_graph::format::GRAPH_TAG, bytes.as_slice()].concat();
    descriptor.architecture = Some(assay_primitives::digest(&tagged));
    publish_with(descriptor, Some(bytes))
}

#[test]
fn what_is_no_architecture_is_refused() {
    test(|| {
        create();
        assert_ok!(publish_graph(&graph(), |_| ()));
        let bytes = graph().architecture.encode();
        assert_ok!(publish_bytes(bytes.clone()));
        let trailing = [bytes.as_slice(), &[0]].concat();
        // A list that claims to be longer than all bytes.
        let mut bomb = bytes.clone();
        bomb[23..27].copy_from_slice(&[0xfe, 0xff, 0xff, 0xff]);
        for bytes in [vec![], bytes[..bytes.len() - 1].to_vec(), trailing, bomb, vec![0xff; 65_536]]
        {
            assert_noop!(publish_bytes(bytes), Error::<Test>::ArchitectureMalformed);
        }
    });
}

#[test]
fn an_architecture_keeps_the_rules_of_graphs() {
    test(|| {
        create();
        assert_ok!(publish_graph(&graph(), |_| ()));
        let changes: [fn(&mut Architecture); 3] = [
            |a| a.operations = Default::default(),
            |a| a.output_scale.mantissa = 0,
            |a| a.operations[0] = Operation::Dense(Dense { input: TensorId(9), rows: 4 }),
        ];
        for change in changes {
            let mut architecture = graph().architecture;
            change(&mut architecture);
            assert_noop!(publish_bytes(architecture.encode()), Error::<Test>::ArchitectureInvalid);
        }
    });
}

#[test]
fn the_tensors_are_those_of_the_graph() {
    test(|| {
        create();
        assert_ok!(publish_graph(&graph(), |_| ()));
        let with_batch = |size| {
            let shape = vec![Dimension::Fixed(1), Dimension::Fixed(size)];
            shape.try_into().expect("two dimensions")
        };
        // With a batch the payloads have four bytes more.
        MaxInputBytes::set(16);
        MaxOutputBytes::set(24);
        assert_ok!(publish_graph(&graph(), |d| {
            d.inputs[0].shape = with_batch(4);
            d.outputs[0].shape = with_batch(3);
        }));
        type Change = fn(&mut assay_primitives::TensorDeclaration);
        let changes: [Change; 5] = [
            |t| t.element_type = ElementType::U8,
            |t| t.shape[0] = Dimension::Fixed(5),
            |t| t.shape[0] = Dimension::Free,
            |t| t.shape = Default::default(),
            |t| t.shape = vec![Dimension::Fixed(2); 2].try_into().unwrap(),
        ];
        for change in changes {
            assert_noop!(
                publish_graph(&graph(), |d| change(&mut d.inputs[0])),
                Error::<Test>::InputNotOfGraph
            );
            assert_noop!(
                publish_graph(&graph(), |d| change(&mut d.outputs[0])),
                Error::<Test>::OutputNotOfGraph
            );
        }
        // The output is of accumulators.
        assert_noop!(
            publish_graph(&graph(), |d| d.outputs[0].element_type = ElementType::I8),
            Error::<Test>::OutputNotOfGraph
        );
        let second = || declaration("z", ElementType::I8, &[Dimension::Fixed(4)]);
        assert_noop!(
            publish_graph(&graph(), |d| d.inputs.try_push(second()).unwrap()),
            Error::<Test>::InputNotOfGraph
        );
        assert_noop!(
            publish_graph(&graph(), |d| d.outputs.try_push(second()).unwrap()),
            Error::<Test>::OutputNotOfGraph
        );
    });
}

#[test]
fn an_output_of_activations_is_declared_as_such() {
    test(|| {
        create();
        let graph = of(Shape::vector(4), &[Layer::Dense(4), Layer::Requantize], &QUICK);
        store(&graph);
        assert_noop!(publish_graph(&graph, |_| ()), Error::<Test>::OutputNotOfGraph);
        assert_ok!(publish_graph(&graph, |d| d.outputs[0].element_type = ElementType::I8));
    });
}

#[test]
fn a_graph_has_no_tolerance() {
    test(|| {
        create();
        store(&graph());
        assert_noop!(
            publish_graph(&graph(), |d| d.tolerance = Some(Tolerance { millionths: 1 })),
            Error::<Test>::ToleranceNotAllowed
        );
    });
}

#[test]
fn what_class_proof_asks_of_a_graph_has_names() {
    test(|| {
        create();
        // A payload one byte larger than the bound, on either side.
        for (input, output, fits) in [(12, 20, true), (11, 20, false), (12, 19, false)] {
            MaxInputBytes::set(input);
            MaxOutputBytes::set(output);
            let result = publish_graph(&graph(), |_| ());
            if fits {
                assert_ok!(result);
            } else {
                assert_eq!(result, Err(Error::<Test>::ProofPayloadTooLarge.into()));
            }
            // Other classes do not require it.
            assert_ok!(publish_graph(&graph(), sign_only));
        }
        MaxOutputBytes::set(20);
        let plan = Plan::new(graph().architecture).unwrap();
        let cost = crate::proof_cost(&plan, &Verifier::new(&plan).unwrap());
        MaxProofCost::set(cost);
        assert_ok!(publish_graph(&graph(), |_| ()));
        let less: [fn(&mut ProofCost); 5] = [
            |cost| cost.architecture_bytes -= 1,
            |cost| cost.products -= 1,
            |cost| cost.cells -= 1,
            |cost| cost.hashes -= 1,
            |cost| cost.openings -= 1,
        ];
        for change in less {
            let mut most = cost;
            change(&mut most);
            MaxProofCost::set(most);
            assert_noop!(publish_graph(&graph(), |_| ()), Error::<Test>::ProofTooCostly);
            assert_ok!(publish_graph(&graph(), sign_only));
        }
        MaxProofCost::set(ProofCost { proof_bytes: cost.proof_bytes - 1, ..cost });
        assert_noop!(publish_graph(&graph(), |_| ()), Error::<Test>::ProofTooLong);
        MaxProofCost::set(ANY_COST);

        let parameters = |parameters: Vec<u8>| {
            let mut graph = graph();
            graph.architecture.commitments.proof_parameters = parameters.try_into().unwrap();
            store(&graph);
            graph
        };
        let mut weak = QUICK;
        weak.witness.security_bits = 60;
        for bytes in [vec![], weak.encode(), [QUICK.encode(), vec![0]].concat()] {
            let graph = parameters(bytes);
            assert_noop!(publish_graph(&graph, |_| ()), Error::<Test>::ProofParametersInvalid);
        }
        assert_ok!(publish_graph(&parameters(ProofParameters::RECOMMENDED.encode()), |_| ()));
        // Each term reaches 120 bits, and all together do not.
        weak.witness.security_bits = 120;
        let graph = parameters(weak.encode());
        assert_noop!(publish_graph(&graph, |_| ()), Error::<Test>::ProofSecurityTooLow);
    });
}

#[test]
fn a_graph_without_weights_cannot_be_proven() {
    test(|| {
        create();
        let mut graph = perceptron(&[4, 4], &QUICK);
        let operations =
            vec![Operation::Lookup(Lookup { input: TensorId::INPUT, table: [0; 256] })];
        graph.architecture.operations = operations.try_into().unwrap();
        graph.weights = Default::default();
        graph.complete().unwrap();
        store(&graph);
        assert_noop!(
            publish_graph(&graph, |d| d.outputs[0].element_type = ElementType::I8),
            Error::<Test>::NotProvable
        );
        assert_ok!(publish_graph(&graph, |d| {
            d.outputs[0].element_type = ElementType::I8;
            d.assurances = SIGNED;
        }));
    });
}

#[test]
fn architectures_are_kept_version_by_version() {
    test(|| {
        create();
        let other = perceptron(&[3, 4, 3], &QUICK);
        assert_ok!(publish_graph(&graph(), |_| ()));
        assert_ok!(publish_graph(&other, |_| ()));
        let second = VersionId { model: MODEL, number: 2 };
        assert_eq!(Registry::architecture(second), Some(other.architecture.encode()));
        assert_ok!(Registry::remove_version(RuntimeOrigin::signed(OWNER), VERSION));
        assert_eq!(Registry::architecture(VERSION), None);
        assert_eq!(Registry::architecture(second), Some(other.architecture.encode()));
    });
}
