//! Openings of published weights, and the audit that reads them piece by piece: only the genuine
//! bytes are accepted, and the fingerprint does not depend on how they are divided.
#![no_main]

use std::sync::LazyLock;

use assay_fuzz::{digits, seed};
use assay_graph::{
    commit::{Elements, ElementsOpening},
    CheckedGraph,
};
use assay_proof::{Audit, AuditState, Fingerprint};
use codec::{DecodeAll, Encode};
use libfuzzer_sys::fuzz_target;

static GRAPH: LazyLock<CheckedGraph> = LazyLock::new(digits);
static AUDIT: LazyLock<Audit> = LazyLock::new(|| Audit::new(GRAPH.plan()).unwrap());
static FINGERPRINT: LazyLock<Fingerprint> =
    LazyLock::new(|| AUDIT.fingerprint(GRAPH.weights()).unwrap());

/// A parameter set, its weights or biases, and a range of their bytes, determined by a number.
fn range(number: u8) -> (usize, Elements, core::ops::Range<usize>) {
    let sets: Vec<_> = GRAPH.plan().all_parameters().collect();
    let set = usize::from(number >> 1) % sets.len();
    let elements = if number & 1 == 0 { Elements::Weights } else { Elements::Bias };
    let length = elements.bytes(sets[set]);
    let first = usize::from(number) * length / 512;
    (set, elements, first..length)
}

fn open(number: u8) -> ElementsOpening {
    let (set, elements, bytes) = range(number);
    GRAPH.weights().open(set, elements, bytes).unwrap()
}

fn seeds() -> Vec<Vec<u8>> {
    let openings = (0..40u8).map(|number| [vec![0, number], open(number).encode()].concat());
    let cuts = [vec![1], vec![1, 255, 255], vec![1, 3, 4, 0, 0, 9, 200, 1, 1, 1, 30]];
    openings.chain(cuts).collect()
}

fuzz_target!(init: seed(seeds()), |data: &[u8]| {
    match data {
        [0, number, opening @ ..] => {
            let Ok(decoded) = ElementsOpening::decode_all(&mut &*opening) else { return };
            assert_eq!(decoded.encode(), opening);
            let (set, elements, bytes) = range(*number);
            let result = decoded.verify(GRAPH.plan(), set, elements, bytes);
            assert_eq!(result.is_ok(), decoded == open(*number));
        },
        // Divides the weights after the given numbers of bytes; a refused piece is replaced by all
        // that is left of the part.
        [1, cuts @ ..] => {
            let mut state = AuditState::default();
            let mut cuts = cuts.chunks(2).take(64);
            while let Some(part) = AUDIT.next(&state) {
                let bytes = part.of(GRAPH.weights()).unwrap();
                let cut = match cuts.next() {
                    Some([low, high]) => usize::from(u16::from_le_bytes([*low, *high])),
                    Some(_) | None => bytes.len(),
                };
                let before = state;
                if bytes.get(..cut).is_none_or(|piece| AUDIT.take(&mut state, piece).is_err()) {
                    assert_eq!(state, before);
                    AUDIT.take(&mut state, &bytes).unwrap();
                }
                assert!(state.done > before.done);
            }
            assert_eq!(state.done, AUDIT.total_bytes());
            assert_eq!(state.fingerprint, *FINGERPRINT);
            assert!(AUDIT.take(&mut state, &[0]).is_err());
        },
        // Only the genuine weights have their fingerprint.
        [_, bytes @ ..] => {
            let mut state = AuditState::default();
            let part = AUDIT.next(&state).unwrap();
            let genuine = part.of(GRAPH.weights()).unwrap();
            if AUDIT.take(&mut state, bytes).is_ok() && bytes.len() == genuine.len() {
                let mut expected = AuditState::default();
                AUDIT.take(&mut expected, &genuine).unwrap();
                assert_eq!(state == expected, bytes == genuine);
            }
        },
        [] => {},
    }
});
