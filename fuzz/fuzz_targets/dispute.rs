//! Disputes: moves have a canonical encoding, and a claim that the model computes is never beaten,
//! whatever moves both sides make.
#![no_main]

use std::sync::LazyLock;

use assay_dispute::{Answer, Choice, Claim, MoveEffect, Party, Player, Stage};
use assay_fuzz::{bytes, digits, input, seed, wide};
use assay_graph::CheckedGraph;
use codec::{Decode, Encode};
use libfuzzer_sys::fuzz_target;

/// Maximum number of moves that are read, including refused ones.
const MOVES: usize = 24;

struct Case {
    input: Vec<u8>,
    output: Vec<u8>,
    player: Player<'static>,
    graph: &'static CheckedGraph,
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let cases = [digits(), wide()].map(|graph| {
        let graph: &CheckedGraph = Box::leak(Box::new(graph));
        let input = input(graph);
        let player = Player::new(graph, &input).unwrap();
        let output = player.output().unwrap().to_bytes();
        Case { input: bytes(&input), output, player, graph }
    });
    cases.into()
});

impl Case {
    fn claim(&self) -> Claim<'_> {
        Claim {
            plan: self.graph.plan(),
            trace_root: self.player.trace_root(),
            input: &self.input,
            output: &self.output,
        }
    }

    /// The moves of a complete dispute over an operation.
    fn dispute(&self, operation: u16, leaf: u16, tile: u32) -> Vec<u8> {
        let mut moves = Vec::new();
        let mut stage = Stage::Roots;
        let mut shown = None;
        loop {
            let choice = match stage {
                Stage::Operation => Choice::Operation(operation),
                Stage::Leaf { .. } => Choice::Leaf(leaf),
                Stage::Tile { .. } => Choice::Tile(tile),
                _ => {
                    let answer = self.player.answer(&stage).unwrap();
                    (0u8, &answer).encode_to(&mut moves);
                    match stage.answer(&self.claim(), shown.as_ref(), &answer).unwrap() {
                        MoveEffect::Next(next) => {
                            shown = answer.shown();
                            stage = next;
                        },
                        MoveEffect::Won(_) => return moves,
                    }
                    continue;
                },
            };
            (1u8, choice).encode_to(&mut moves);
            match stage.choose(self.graph.plan(), shown.as_ref(), choice) {
                Ok(next) => stage = next,
                Err(_) => return moves,
            }
        }
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        for operation in 0..case.graph.plan().operations().len() as u16 {
            for tile in [0, 1, 17] {
                let moves = case.dispute(operation, tile as u16, tile);
                seeds.push([&[number as u8], &*moves].concat());
            }
        }
    }
    seeds
}

fuzz_target!(init: seed(seeds()), |data: &[u8]| {
    let Some((number, mut data)) = data.split_first() else { return };
    let case = &CASES[usize::from(*number) % CASES.len()];
    let claim = case.claim();
    let mut stage = Stage::Roots;
    let mut shown = None;
    for _ in 0..MOVES {
        let Some((kind, rest)) = data.split_first() else { return };
        data = rest;
        let turn = stage.turn();
        if kind % 2 == 0 {
            let Ok(answer) = Answer::decode(&mut data) else { return };
            assert_eq!(answer.encode(), rest[..rest.len() - data.len()]);
            let takes = stage.takes(&answer);
            match stage.clone().answer(&claim, shown.as_ref(), &answer) {
                Ok(MoveEffect::Next(next)) => {
                    assert!(takes && turn == Party::Defender);
                    shown = answer.shown();
                    stage = next;
                },
                Ok(MoveEffect::Won(party)) => {
                    assert_eq!(party, Party::Defender);
                    return;
                },
                Err(_) => {},
            }
        } else {
            let Ok(choice) = Choice::decode(&mut data) else { return };
            assert_eq!(choice.encode(), rest[..rest.len() - data.len()]);
            if let Ok(next) = stage.clone().choose(claim.plan, shown.as_ref(), choice) {
                assert_eq!(turn, Party::Challenger);
                stage = next;
            }
        }
        let encoded = stage.encode();
        assert_eq!(Stage::decode(&mut &*encoded).unwrap(), stage);
    }
});
