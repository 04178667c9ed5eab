//! Attacks on batches of requests and lists of results.

use assay_primitives::{merkle, Assurance, ListStatement, RequestId, RequestInput, Statement, ASY};
use assay_runtime::{constants::MinBond, AccountId, Runtime, System};
use pallet_inference::{BatchItem, Call, ListedResult, NextRequest};
use sp_application_crypto::Pair as _;
use sp_runtime::Perbill;

use crate::{common::*, ledger::Measured, party::*, room::price_of_room};

/// The client key of an item that is asked for again and again.
const REPEATED: [u8; 32] = [9; 32];

/// A batch of requests with these client keys, that each costs one planck.
fn batch(keys: impl IntoIterator<Item = [u8; 32]>) -> Call<Runtime> {
    let item = |client_key| BatchItem {
        input: RequestInput::Inline(bounded(&integer_payload(&[2, 3]))),
        client_key,
    };
    let items: Vec<_> = keys.into_iter().map(item).collect();
    Call::request_batch {
        version: version(0, 1),
        assurance: Assurance::Signed,
        max_price: 1,
        deadline: System::block_number() + 100,
        draw_delay: 1,
        items: items.try_into().expect("within the bound"),
    }
}

fn keys(first: u8, count: u8) -> impl Iterator<Item = [u8; 32]> {
    (first..first + count).map(|key| [key; 32])
}

/// Has the party ask for requests with these keys. Returns their identifiers after the draw.
fn drawn(payer: &Party, first: u8, count: u8) -> Vec<RequestId> {
    let next = NextRequest::<Runtime>::get().0;
    payer.submit(batch(keys(first, count)));
    empty_block();
    (next..next + u64::from(count)).map(RequestId).collect()
}

/// A list of the same result for all these requests.
fn list(ids: &[RequestId], operator: &Party, output: &[u8]) -> Call<Runtime> {
    let account = operator.account();
    let digests: Vec<_> =
        ids.iter().map(|id| result_statement(*id, &account, output).digest()).collect();
    let statement = ListStatement::<AccountId> {
        results: merkle::root(&digests),
        count: digests.len() as u32,
        operator: account.clone(),
    };
    let result = |id: &RequestId| ListedResult {
        request: *id,
        answered: answered(*id).hash(),
        output: bounded(output),
    };
    let results: Vec<_> = ids.iter().map(result).collect();
    Call::submit_results {
        operator: account,
        version: version(0, 1),
        results: results.try_into().expect("within the bound"),
        signature: operator.worker.sign(&statement.signing_bytes()).into(),
    }
}

/// An operator that serves the version, and a payer, of one owner.
fn sybils() -> [Party; 2] {
    publish_integers(Perbill::zero());
    let operator = Party::new("operator", 100 * MinBond::get());
    operator.register(50 * MinBond::get());
    operator.serve(1, 200, both());
    [operator, Party::new("payer", 100 * ASY)]
}

/// Half of a list are results that count; the other half, of requests that have ended, only fills
/// blocks.
pub fn ended_results() -> Measured {
    run(|| {
        let [operator, payer] = &sybils();
        let output = integer_payload(&[5]);
        let old = drawn(payer, 0, 32);
        let new = drawn(payer, 32, 32);
        block(vec![general(list(&old, operator, &output))]);
        let before = wealth_of(&[operator, payer]);
        let all: Vec<_> = old.iter().chain(&new).copied().collect();
        let harm = price_of_room(vec![general(list(&all, operator, &output))]);
        assert!(new.iter().all(|id| record(*id).is_final()));
        Measured {
            attack: "results of ended requests in lists",
            capital: 50 * MinBond::get(),
            cost: lost(&[operator, payer], before),
            harm,
            what: "price of the blocks' room",
            least_percent: 100,
        }
    })
}

#[test]
fn all_of_a_list_is_paid_for() {
    ended_results().check();
}

/// Batches of which all items but one are refused.
pub fn refused_items() -> Measured {
    run(|| {
        let [_, payer] = &sybils();
        payer.submit(batch([REPEATED]));
        let before = payer.wealth();
        let items = keys(1, 1).chain((1..64).map(|_| REPEATED));
        let harm = price_of_room(vec![payer.signed(batch(items))]);
        Measured {
            attack: "batches of items that are refused",
            capital: 0,
            cost: lost(&[payer], before),
            harm,
            what: "price of the blocks' room",
            least_percent: 99,
        }
    })
}

#[test]
fn refused_items_are_paid_for() {
    refused_items().check();
}

/// A list that was included once is sent again, and lists of an operator that was not drawn.
#[test]
fn a_list_cannot_be_sent_again() {
    run(|| {
        let [operator, payer] = &sybils();
        let output = integer_payload(&[5]);
        let ids = drawn(payer, 0, 4);
        let call = list(&ids, operator, &output);
        assert_eq!(block(vec![general(call.clone())]), [Ok(Ok(()))]);
        assert!(validate(general(call)).is_err());
        let stranger = Party::new("stranger", 2 * MinBond::get());
        stranger.register(MinBond::get());
        let more = drawn(payer, 4, 4);
        assert!(validate(general(list(&more, &stranger, &output))).is_err());
    })
}
