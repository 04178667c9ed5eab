//! What requests take of a block and leave in the state, by the weights of this runtime.

use assay_primitives::{
    receipt::{RootPage, ROOTS_PER_PAGE},
    Digest,
};
use assay_runtime::{Runtime, MAXIMUM_BLOCK_WEIGHT};
use codec::Encode;
use frame_support::weights::Weight;
use pallet_inference::WeightInfo as _;

use crate::report::Report;

type Weights = <Runtime as pallet_inference::Config>::WeightInfo;

/// Number of operators that serve the version, as in the local network.
const SERVERS: u32 = 4;
/// Number of them that a request reads: the first one can be drawn.
const READ: u32 = 1;
/// Number of requests in a batch, and of results in a list.
const BATCH: u32 = 32;
/// Number of receipts in a block for which the growth of the state is stated.
const RECEIPTS: u32 = 16;

/// The share of a block in percent.
fn share(weight: Weight) -> f64 {
    weight.ref_time() as f64 / MAXIMUM_BLOCK_WEIGHT.ref_time() as f64 * 100.0
}

/// Sizes of the digits model's input and output payloads in bytes.
const INPUT_BYTES: u32 = 268;
const OUTPUT_BYTES: u32 = 52;

/// One request of class `Signed`: its call, its draw, the result and its authorisation.
fn alone() -> Weight {
    Weights::request(INPUT_BYTES, READ)
        .saturating_add(Weights::draw_of(SERVERS, 1))
        .saturating_add(Weights::authorize_result(OUTPUT_BYTES))
        .saturating_add(Weights::submit_result(OUTPUT_BYTES))
}

/// The same for each request of a batch that one operator answers in one list.
fn batched() -> Weight {
    let inputs = Weights::request(BATCH * INPUT_BYTES, 0).saturating_sub(Weights::request(0, 0));
    let draws = Weights::draw_next(BATCH - 1).saturating_sub(Weights::draw_next(0));
    let result =
        |bytes| Weights::submit_result(bytes).saturating_add(Weights::authorize_result(bytes));
    Weights::request_batch(BATCH, READ)
        .saturating_add(inputs)
        .saturating_add(Weights::draw_of(SERVERS, 1))
        .saturating_add(draws)
        .saturating_add(Weights::authorize_results(BATCH))
        .saturating_add(Weights::submit_results(BATCH))
        .saturating_add(result(BATCH * OUTPUT_BYTES).saturating_sub(result(0)))
        .saturating_div(BATCH.into())
}

/// Bytes that stay in the state for each request.
fn growth() -> f64 {
    let mut page = RootPage::default();
    for place in 0..ROOTS_PER_PAGE {
        page.push(place, Digest::zero()).expect("places ascend");
    }
    let key = pallet_inference::ReceiptRoots::<Runtime>::hashed_key_for(0);
    let bytes = key.len() + page.encoded_size();
    bytes as f64 / f64::from(ROOTS_PER_PAGE * RECEIPTS)
}

/// Adds the figures to `section` of the report.
pub fn report(report: &mut Report, section: &'static str) {
    let name = "share of a block for one signed request, from draw to end";
    report.add(section, name, share(alone()), "%");
    let name = format!("share of a block for each signed request in a batch of {BATCH}");
    report.add(section, name, share(batched()), "%");
    let name = format!("state that stays for a request, at {RECEIPTS} receipts in a block");
    report.add(section, name, growth(), "B");
}
