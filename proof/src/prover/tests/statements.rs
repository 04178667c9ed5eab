//! A proof proves one statement only, and every part of the statement is bound by its transcript.

use super::*;
use crate::{
    fingerprint::FingerprintPoint,
    transcript::{ITEMS, PROTOCOL},
};

/// A different statement has a different transcript. The lookups' reduction is the first check that
/// depends on it.
fn assert_of_another_statement(verdict: Result<(), Reject>, what: &str) {
    assert!(matches!(verdict, Err(Reject::Lookups(_))), "{what}: {verdict:?}");
}

#[test]
fn a_proof_is_refused_in_another_context() {
    let model = perceptron(31).model();
    let input = model.input(1);
    let Proven { output, proof } = model.accepts(&input);
    let verifier = model.prover.verifier();
    let mut genesis = CONTEXT.genesis;
    genesis[31] ^= 1;
    for (what, context) in [
        ("genesis", Context { genesis, ..CONTEXT }),
        ("domain", Context { domain: b"verification/2", ..CONTEXT }),
        ("shorter domain", Context { domain: b"verification/", ..CONTEXT }),
        ("request", Context { request: &[8, 0, 0, 0, 0, 0, 0, 0], ..CONTEXT }),
        ("shorter request", Context { request: &[7], ..CONTEXT }),
        ("requester", Context { requester: [9; 32], ..CONTEXT }),
        ("operator", Context { operator: [9; 32], ..CONTEXT }),
        (
            "accounts exchanged",
            Context { requester: CONTEXT.operator, operator: CONTEXT.requester, ..CONTEXT },
        ),
    ] {
        let statement = Statement { context, input: &input, output: &output };
        assert_of_another_statement(
            verifier.verify(&statement, model.prover.fingerprint(), &proof),
            what,
        );
    }
}

#[test]
fn a_proof_is_refused_with_another_input_or_output() {
    let model = perceptron(32).model();
    let input = model.input(1);
    let Proven { output, proof } = model.accepts(&input);
    for index in [0, 17, 29] {
        let mut other = input.clone();
        other[index] ^= 1;
        assert_of_another_statement(model.verify(&other, &output, &proof), "input");
    }
    for index in [0, 3, 39] {
        let mut other = output.clone();
        other[index] ^= 0x80;
        assert_of_another_statement(model.verify(&input, &other, &proof), "output");
    }
    assert_eq!(
        model.verify(&input[1..], &output, &proof),
        Err(Reject::InputLength { expected: 30, found: 29 })
    );
    assert_eq!(
        model.verify(&input, &[&output[..], &[0]].concat(), &proof),
        Err(Reject::OutputLength { expected: 40, found: 41 })
    );
}

/// Models with the same weights, each of which differs in one other part.
fn relatives(graph: &Graph) -> Vec<(&'static str, Graph)> {
    let changed = |change: &dyn Fn(&mut Architecture)| {
        let mut relative = graph.clone();
        change(&mut relative.architecture);
        relative
    };
    let operations = |change: &dyn Fn(&mut Vec<Operation>)| {
        changed(&|architecture| {
            let mut operations = architecture.operations.to_vec();
            change(&mut operations);
            architecture.operations = operations.try_into().unwrap();
        })
    };
    vec![
        ("scale", changed(&|architecture| architecture.output_scale.exponent = 1)),
        ("source", changed(&|architecture| architecture.commitments.source[0] = 1)),
        (
            "multiplier",
            operations(&|operations| {
                if let Operation::Requantize(Requantize { multipliers, .. }) = &mut operations[1] {
                    let mut all = multipliers.to_vec();
                    all[3] = Multiplier::new(all[3].get() - 1).unwrap();
                    *multipliers = all.try_into().unwrap();
                }
            }),
        ),
        (
            "clamp",
            operations(&|operations| {
                if let Operation::Requantize(Requantize { clamp, .. }) = &mut operations[1] {
                    *clamp = Clamp::new(0, 126).unwrap();
                }
            }),
        ),
        (
            "table",
            operations(&|operations| {
                if let Operation::Lookup(Lookup { table, .. }) = &mut operations[2] {
                    // The image of zero, which is in the padding of every activation.
                    table[128] ^= 1;
                }
            }),
        ),
    ]
}

fn with_lookup(seed: u64) -> Builder {
    Builder::new(Shape::vector(30), seed)
        .dense(50)
        .requantize(Shift::Bits32, Clamp::RELU, true)
        .lookup(|x| x / 3)
        .dense(10)
}

#[test]
fn a_proof_is_refused_for_another_version_of_the_same_weights() {
    let model = with_lookup(33).model();
    let input = model.input(1);
    let Proven { output, proof } = model.accepts(&input);
    for (what, relative) in relatives(&model.graph.clone().into_graph()) {
        let verifier = Verifier::new(&Plan::new(relative.architecture).unwrap()).unwrap();
        let statement = Statement { context: CONTEXT, input: &input, output: &output };
        assert_of_another_statement(
            verifier.verify(&statement, model.prover.fingerprint(), &proof),
            what,
        );
    }
    let mut parameters = QUICK;
    parameters.witness.grinding_bits = 7;
    let other = with_lookup(33).model_with(&parameters);
    let verdict = other.verify(&input, &output, &proof);
    assert!(verdict.is_err(), "parameters: {verdict:?}");
}

#[test]
fn a_run_of_another_version_is_detected_even_with_the_right_transcript() {
    let model = with_lookup(34).model();
    let input = model.input(1);
    for (what, mut relative) in relatives(&model.graph.clone().into_graph()) {
        if ["scale", "source"].contains(&what) {
            // Nothing is computed from these.
            continue;
        }
        relative.complete().unwrap();
        let mut prover = Prover::new(&CheckedGraph::new(relative).unwrap()).unwrap();
        let version = model.prover.verifier.key.version;
        prover.verifier.key.fingerprint_point =
            FingerprintPoint::new(&prover.verifier.key.circuit, &version);
        prover.verifier.key.version = version;
        let proven = prover.prove(&CONTEXT, &input).unwrap();
        let verdict = model.verify(&input, &proven.output, &proven.proof);
        assert!(
            matches!(verdict, Err(Reject::LookupTie | Reject::Scale { .. })),
            "{what}: {verdict:?}"
        );
    }
}

#[test]
fn the_items_are_absorbed_in_the_documented_order() {
    let version = [4; 32];
    let statement = Statement { context: CONTEXT, input: &[5], output: &[6] };
    let order: [&[u8]; ITEMS] = [
        b"assay/proof/1",
        &[1; 32],
        b"verification/1",
        &[4; 32],
        &[7, 0, 0, 0, 0, 0, 0, 0],
        &[2; 32],
        &[3; 32],
        &[5],
        &[6],
    ];
    assert_eq!(statement.items(&version), order);
    assert_eq!(order[0], PROTOCOL);
}

/// Changes by a prover to the items of its transcript.
enum Tampering {
    Omitted(usize),
    Repeated(usize),
    ExchangedWithNext(usize),
    MergedWithNext(usize),
}

impl Deviation for Tampering {
    fn items<'a>(&self, mut items: Vec<&'a [u8]>) -> Vec<&'a [u8]> {
        match *self {
            Self::Omitted(item) => drop(items.remove(item)),
            Self::Repeated(item) => items.insert(item, items[item]),
            Self::ExchangedWithNext(item) => items.swap(item, item + 1),
            Self::MergedWithNext(item) => {
                let merged = [items[item], items[item + 1]].concat();
                items[item] = Box::leak(merged.into_boxed_slice());
                items[item + 1] = &[];
            },
        }
        items
    }
}

#[test]
fn no_item_can_be_left_out_repeated_exchanged_or_merged() {
    let model = Builder::new(Shape::vector(5), 35).dense(4).model();
    let input = model.input(1);
    model.accepts(&input);
    let each = |tampering: fn(usize) -> Tampering, count: usize| (0..count).map(tampering);
    let all = each(Tampering::Omitted, ITEMS)
        .chain(each(Tampering::Repeated, ITEMS))
        .chain(each(Tampering::ExchangedWithNext, ITEMS - 1))
        .chain(each(Tampering::MergedWithNext, ITEMS - 1));
    for (number, tampering) in all.enumerate() {
        let proven = model.prover.prove_with(&CONTEXT, &input, &tampering).unwrap();
        let verdict = model.verify(&input, &proven.output, &proven.proof);
        assert_of_another_statement(verdict, &format!("tampering {number}"));
    }
}
