//! Writes `state.txt`: the whole state of a chain with the runtime of version 1.
//!
//! The code of version 1 is that of commit 50a75df. In a checkout of it, copy this file to
//! `runtime/tests/dump.rs` and run `cargo test -p assay-runtime --test dump`. The file is written to
//! the folder `runtime` there.

mod common;

use std::fmt::Write as _;

use assay_primitives::{
    digest, runtime_api::Status, worker_crypto, Assurance, Balance, Outcome, RequestId, ASY,
};
use assay_runtime::{Inference, Runtime, System, UncheckedExtrinsic};
use common::*;
use frame_support::{assert_ok, storage::unhashed, traits::Hooks};
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::Perbill;

const MODEL_FILE: &[u8] = b"a model that adds two numbers";
const OWNER: Sr25519Keyring = EveStash;
const PAYER: Sr25519Keyring = Ferdie;
/// The operators. The index is the number of the worker key.
const OPERATORS: [Sr25519Keyring; 3] = [AliceStash, BobStash, CharlieStash];
const BOND: Balance = 10_000 * ASY;
const ASK: Balance = 1_000_000_000_007;
const MAX_PRICE: Balance = 3 * ASK + 11;
const QUORUM: Assurance = Assurance::Quorum { n: 3, k: 2 };

fn set_up() {
    let royalty = Perbill::from_parts(123_456_789);
    publish(OWNER, MODEL_FILE, integers(MODEL_FILE), royalty, None);
    for (number, operator) in OPERATORS.into_iter().enumerate() {
        submit(operator, register(&operator.to_account_id(), &worker(number as u32), BOND));
        submit(operator, serve_call(ASK, 4, both()));
    }
    beat();
}

/// A heartbeat of each operator that may send one.
fn beat() {
    for (number, operator) in OPERATORS.into_iter().enumerate() {
        let call =
            heartbeat(&operator.to_account_id(), &worker(number as u32), System::block_number());
        if validate(general(call.clone())).is_ok() {
            assert_ok!(include(general(call)));
        }
    }
}

/// Makes a request.
fn request(assurance: Assurance, patience: u32, key: u8) -> RequestId {
    let input = integer_payload(&[2, 3]);
    submit(PAYER, request_call(&input, assurance, MAX_PRICE, patience, key));
    let id = pallet_inference::ClientKeys::<Runtime>::get(PAYER.to_account_id(), [key; 32]);
    id.expect("the key is used")
}

fn has_ended(id: RequestId, outcome: Outcome) {
    assert_eq!(record(id).status, Status::Final(outcome));
}

fn key_of(operator: &assay_runtime::AccountId) -> worker_crypto::Pair {
    let number = OPERATORS.iter().position(|one| one.to_account_id() == *operator);
    worker(number.expect("it is one of the operators") as u32)
}

/// The answer to a request in class `Signed`.
fn answer(id: RequestId, value: i32) -> UncheckedExtrinsic {
    let operator = record(id).members[0].account.clone();
    general(result(id, &operator, &key_of(&operator), &integer_payload(&[value])))
}

fn all_succeed(transactions: Vec<UncheckedExtrinsic>) {
    for result in block(transactions) {
        assert_ok!(result.expect("it is valid"));
    }
}

/// Signed requests with these keys, answered in one block.
fn answered_together(keys: &[u8]) {
    let ids: Vec<_> = keys.iter().map(|key| request(Assurance::Signed, 40, *key)).collect();
    empty_block();
    beat();
    all_succeed(ids.iter().zip(keys).map(|(id, key)| answer(*id, i32::from(*key))).collect());
    ids.into_iter().for_each(|id| has_ended(id, Outcome::Verified));
}

/// A quorum of which one member has another result.
fn outvoted(key: u8) {
    let id = request(QUORUM, 20, key);
    empty_block();
    let output = |index: usize| integer_payload(&[if index == 2 { 4 } else { 5 }]);
    let salt = |index: usize| [index as u8; 32];
    let members: Vec<_> = record(id).accounts().into_iter().enumerate().collect();
    for (index, operator) in &members {
        let (worker, output, salt) = (key_of(operator), output(*index), salt(*index));
        assert_ok!(include(general(commit(id, operator, &worker, &output, &salt))));
    }
    for (index, operator) in &members {
        let (worker, output, salt) = (key_of(operator), output(*index), salt(*index));
        assert_ok!(include(general(reveal(id, operator, &worker, &output, &salt))));
    }
    has_ended(id, Outcome::Verified);
}

/// Lets the pallet prune everything that has ended, as it would a day later.
fn prune() {
    let height = System::block_number();
    let cursor = pallet_inference::AgendaCursor::<Runtime>::get();
    let later = height + 43_202;
    System::set_block_number(later);
    for _ in 0..4 {
        Inference::on_initialize(later);
    }
    assert_eq!(pallet_inference::Requests::<Runtime>::iter().count(), 0);
    pallet_inference::DrawsDue::<Runtime>::kill();
    pallet_inference::AgendaCursor::<Runtime>::put(cursor);
    System::set_block_number(height);
}

/// Withdraws what the upgrade does not carry.
fn withdraw() {
    let version = version(0, 1);
    for operator in OPERATORS {
        submit(operator, pallet_operators::Call::withdraw { version });
    }
    submit(OWNER, pallet_model_registry::Call::deprecate { version });
    submit(OWNER, pallet_model_registry::Call::remove_version { version });
    submit(OWNER, pallet_model_registry::Call::remove_model { model: version.model });
    submit(OWNER, pallet_storage::Call::remove { digest: digest(MODEL_FILE) });
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

#[test]
fn dump() {
    run(|| {
        set_up();
        answered_together(&[1, 2, 3]);
        outvoted(4);
        let cancelled = request(Assurance::Signed, 10, 5);
        submit(PAYER, pallet_inference::Call::cancel { request: cancelled });
        has_ended(cancelled, Outcome::Cancelled);
        beat();
        answered_together(&[6]);
        prune();

        beat();
        answered_together(&[11, 12, 13, 14, 15]);
        outvoted(16);
        // An answer and a cancellation in one block.
        let answered = request(Assurance::Signed, 40, 17);
        empty_block();
        beat();
        let result = answer(answered, 17);
        let cancelled = request(Assurance::Signed, 20, 18);
        let cancel = pallet_inference::Call::cancel { request: cancelled };
        all_succeed(vec![signed(PAYER, cancel), result]);
        // A late operator: the payer is compensated.
        let late = request(Assurance::Signed, 3, 19);
        (0..6).for_each(|_| empty_block());
        has_ended(late, Outcome::TimedOut);
        withdraw();
        check_all();

        let mut key = Vec::new();
        let mut text = String::new();
        while let Some(next) = sp_io::storage::next_key(&key) {
            let value = unhashed::get_raw(&next).expect("the key exists");
            writeln!(text, "{} {}", hex(&next), hex(&value)).expect("a string takes all");
            key = next;
        }
        std::fs::write("state.txt", text).expect("the folder can be written");
    });
}
