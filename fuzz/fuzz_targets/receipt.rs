//! Receipt bundles: reading and writing are inverse, and no other receipt verifies against the
//! block of a genuine bundle.
#![no_main]

use std::sync::LazyLock;

use assay_client::receipt::{ReceiptBundle, VerifiedReceipt};
use assay_fuzz::seed;
use codec::Encode;
use libfuzzer_sys::fuzz_target;

/// A bundle from a development network.
const GENUINE: &str = include_str!("../receipt.json");

static VERIFIED: LazyLock<VerifiedReceipt> =
    LazyLock::new(|| ReceiptBundle::from_json(GENUINE).unwrap().verify(None).unwrap());

fn seeds() -> Vec<Vec<u8>> {
    LazyLock::force(&VERIFIED);
    let bundle = ReceiptBundle::from_json(GENUINE).unwrap();
    let without = ReceiptBundle { descriptor: None, ..bundle };
    vec![GENUINE.as_bytes().to_vec(), without.to_json().into_bytes()]
}

fuzz_target!(init: seed(seeds()), |data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let Ok(bundle) = ReceiptBundle::from_json(text) else { return };
    let again = ReceiptBundle::from_json(&bundle.to_json()).unwrap();
    // The decoded part, for people, may contain any JSON, and real numbers in JSON do not always
    // survive a round trip. A receipt contains none.
    let decoded = bundle.decoded.clone();
    assert_eq!(ReceiptBundle { decoded, ..again.clone() }, bundle);
    let Ok(verified) = bundle.verify(None) else { return };
    assert_eq!(again, bundle);
    if verified.block_hash == VERIFIED.block_hash {
        assert_eq!(verified.receipt.encode(), VERIFIED.receipt.encode());
        assert_eq!(verified.evidence.encode(), VERIFIED.evidence.encode());
        assert_eq!(verified.digest, VERIFIED.digest);
    }
    assert!(!verified.output_checked);
});
