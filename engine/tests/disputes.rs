//! The engine's moves in disputes.

use std::convert::Infallible;

use assay_dispute::{Answer, Choice, Claim, MoveEffect, Party, Player, Shown, Stage};
use assay_engine::{Engine, EngineError};
use assay_graph::{fast, CheckedGraph};
use assay_primitives::{dispute::DisputeTask, Digest};
use codec::{Decode, Encode};

mod support;
use support::{
    decode, engine,
    graphs::{payload, perceptron, version, Numbers},
    Version,
};

fn ask<Reply: Decode>(
    engine: &Engine,
    version: &Version,
    payload: &[u8],
    task: DisputeTask,
) -> Result<Reply, EngineError> {
    let fetch = || Ok::<_, Infallible>(version.file.clone());
    let run = engine.dispute_move(&version.descriptor, fetch, payload, &task)?;
    Ok(Reply::decode(&mut &run.payload[..]).unwrap())
}

#[test]
fn a_whole_dispute_is_played_by_two_engines() {
    let engine = engine();
    let graph = perceptron(&[16, 8, 4]);
    let version = version(&graph);
    let data = Numbers(3).bytes(16);
    let payload = payload(&version, &data);
    let graph = CheckedGraph::new(graph).unwrap();
    let input: Vec<i8> = data.iter().map(|byte| *byte as i8).collect();

    let (output, root): (Vec<u8>, Digest) =
        ask(&engine, &version, &payload, DisputeTask::Claim).unwrap();
    let honest = Player::new(&graph, &input).unwrap();
    assert_eq!(root.0, honest.trace_root());
    assert_eq!(output, version.run(&engine, &payload).unwrap().payload);

    // The defender claims a trace with one wrong accumulator.
    let mut trace = fast::trace(&graph, &input).unwrap();
    let assay_graph::Tensor::Int32(output) = trace.tensors.last_mut().unwrap() else { panic!() };
    output[2] += 1;
    let liar = Player::with_trace(&graph, trace);
    let bytes = liar.output().unwrap().to_bytes();
    assert_ne!(decode(&version.run(&engine, &payload).unwrap().payload)[0].data, bytes);
    let claim =
        Claim { plan: graph.plan(), trace_root: liar.trace_root(), input: &data, output: &bytes };
    let mut stage = Stage::Roots;
    let mut shown: Option<Shown> = None;
    let winner = loop {
        stage = match stage.turn() {
            Party::Challenger => {
                let task = DisputeTask::Choose { stage: stage.encode(), shown: shown.encode() };
                let choice: Option<Choice> = ask(&engine, &version, &payload, task).unwrap();
                stage.choose(claim.plan, shown.as_ref(), choice.unwrap()).unwrap()
            },
            Party::Defender => {
                let answer = match &stage {
                    // Either party may open the inputs of the tile.
                    Stage::Open { .. } => {
                        let task = DisputeTask::Answer(stage.encode());
                        ask::<Option<Answer>>(&engine, &version, &payload, task).unwrap()
                    },
                    _ => liar.answer(&stage),
                };
                let answer = answer.unwrap();
                match stage.answer(&claim, shown.as_ref(), &answer).unwrap() {
                    MoveEffect::Next(next) => {
                        shown = answer.shown();
                        next
                    },
                    MoveEffect::Won(party) => break party,
                }
            },
        };
    };
    assert_eq!(winner, Party::Challenger);
}

#[test]
fn a_malformed_stage_and_an_onnx_file_are_errors_and_the_engine_goes_on() {
    let engine = engine();
    let graph = perceptron(&[16, 8, 4]);
    let version = version(&graph);
    let payload = payload(&version, &Numbers(3).bytes(16));
    for bytes in [vec![], vec![9], [Stage::Roots.encode(), vec![0]].concat()] {
        let task = DisputeTask::Choose { stage: bytes, shown: None::<Shown>.encode() };
        let error = ask::<Option<Choice>>(&engine, &version, &payload, task).unwrap_err();
        assert!(matches!(error, EngineError::RunFailed(_)), "{error}");
    }
    for shown in [vec![], vec![2], vec![1, 9]] {
        let task = DisputeTask::Choose { stage: Stage::Operation.encode(), shown };
        let error = ask::<Option<Choice>>(&engine, &version, &payload, task).unwrap_err();
        assert!(matches!(error, EngineError::RunFailed(_)), "{error}");
    }
    // It is the other party's turn.
    let task = DisputeTask::Choose { stage: Stage::Roots.encode(), shown: None::<Shown>.encode() };
    assert_eq!(ask::<Option<Choice>>(&engine, &version, &payload, task).unwrap(), None);
    let onnx = Version::digits();
    let error = ask::<(Vec<u8>, Digest)>(&engine, &onnx, &onnx.zeros(), DisputeTask::Claim);
    assert!(matches!(error, Err(EngineError::RunFailed(_))));
    version.run(&engine, &payload).unwrap();
}
