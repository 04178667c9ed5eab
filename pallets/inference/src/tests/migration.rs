//! The steps of the migration from version 1. In the mock, a receipt or a key weighs one unit.

use assay_primitives::{merkle, receipt::ReceiptRoot, BlockNumber, Digest, RequestId};
use frame_support::{
    assert_ok,
    migrations::{SteppedMigration, SteppedMigrationError},
    traits::{GetStorageVersion, StorageVersion},
    weights::{Weight, WeightMeter},
};

use crate::{
    migrations::v1::{
        storage::{Finished, FinishedBounds, ReceiptDigests},
        Before, Cursor, ReceiptsToRoots,
    },
    mock::*,
    Agenda, ClientKeys, ReceiptRoots,
};

const BLOCKS: [(BlockNumber, u64); 3] = [(3, 2), (63, 1), (64, 4)];
const PRUNED: u64 = 5;
const KEYS: u64 = 7;

fn digest_of(number: u64) -> Digest {
    Digest::from_low_u64_be(number + 1)
}

/// A state of version 1: finished requests of three blocks, pruned ones, and client keys.
fn version_1() {
    StorageVersion::new(1).put::<Inference>();
    let mut number = 0;
    for (height, ends) in BLOCKS {
        for _ in 0..ends {
            // Two of the positions were pruned before.
            Finished::<Test>::insert(number + 2, (RequestId(number), height));
            number += 1;
        }
    }
    FinishedBounds::<Test>::put((2, number + 2));
    for number in 0..number + PRUNED {
        ReceiptDigests::<Test>::insert(RequestId(number), digest_of(number));
    }
    for number in 0..KEYS {
        ClientKeys::<Test>::insert(PAYER, [number as u8; 32], RequestId(number));
    }
}

fn in_version_1(check: impl FnOnce()) {
    test(|| {
        go_to(70);
        version_1();
        check();
    });
}

type Step = Result<Option<Cursor>, SteppedMigrationError>;

/// One step with this many units, of which it may not use more.
fn step(cursor: Option<Cursor>, units: u64) -> Step {
    let mut meter = WeightMeter::with_limit(Weight::from_parts(units, 0));
    ReceiptsToRoots::<Test>::step(cursor, &mut meter)
}

fn required(units: u64) -> Step {
    let required = Weight::from_parts(units, 0);
    Err(SteppedMigrationError::InsufficientWeight { required })
}

fn root(numbers: core::ops::Range<u64>) -> Option<ReceiptRoot> {
    Some(merkle::root(&numbers.map(digest_of).collect::<Vec<_>>()).into())
}

/// The whole migration, one step in a block.
fn all_steps() {
    let mut cursor = step(None, 1).unwrap();
    for _ in 0..10 {
        let Some(at) = cursor else { return };
        next_block();
        cursor = step(Some(at), 100).unwrap();
    }
    panic!("the migration does not end");
}

#[test]
fn each_step_does_what_its_weight_allows() {
    in_version_1(|| {
        let before = Before::<Test>::read().unwrap();
        assert_eq!(before.receipts() as u64, 7 + PRUNED);
        assert_eq!(step(None, 1), Ok(Some(Cursor::Finished(2))));
        // The receipts of a block are moved together.
        assert_eq!(step(Some(Cursor::Finished(2)), 1), required(2));
        // Only the next one shows that the block has no more.
        assert_eq!(step(Some(Cursor::Finished(2)), 2), required(3));
        assert_eq!(Inference::receipt_root(3), None);
        assert_eq!(step(Some(Cursor::Finished(2)), 3), Ok(Some(Cursor::Finished(4))));
        assert_eq!(Inference::receipt_root(3), root(0..2));
        assert_eq!(step(Some(Cursor::Finished(4)), 4), Ok(Some(Cursor::Finished(5))));
        assert_eq!(Inference::receipt_root(63), root(2..3));
        assert_eq!(step(Some(Cursor::Finished(5)), 4), Ok(Some(Cursor::Pruned)));
        assert_eq!(Inference::receipt_root(64), root(3..7));
        assert_eq!(ReceiptRoots::<Test>::iter().count(), 2, "the heights are on two pages");

        assert_eq!(step(Some(Cursor::Pruned), 0), required(1));
        for left in [3, 1, 0] {
            assert_eq!(step(Some(Cursor::Pruned), 2), Ok(Some(Cursor::Pruned)));
            assert_eq!(ReceiptDigests::<Test>::iter().count(), left);
            // There is one tree in a block.
            assert_eq!(step(Some(Cursor::Pruned), 2), Ok(Some(Cursor::Pruned)));
            assert_eq!(ReceiptDigests::<Test>::iter().count(), left);
            next_block();
        }
        assert_eq!(step(Some(Cursor::Pruned), 2), Ok(Some(Cursor::ClientKeys)));
        assert!(before.check_after().is_err(), "keys are left");

        assert_eq!(step(Some(Cursor::ClientKeys), 0), required(1));
        assert_eq!(step(Some(Cursor::ClientKeys), KEYS), Ok(None));
        assert_eq!(Inference::on_chain_storage_version(), StorageVersion::new(2));
        assert_ok!(before.check_after());
        check_all();
        assert_eq!(step(None, 1), Ok(None), "it is done once");
    });
}

#[test]
fn a_step_that_is_repeated_goes_on() {
    in_version_1(|| {
        let before = Before::<Test>::read().unwrap();
        assert_ok!(step(Some(Cursor::Finished(2)), 3));
        // The positions that are empty by now count as read.
        assert_eq!(step(Some(Cursor::Finished(2)), 7), Ok(Some(Cursor::Pruned)));
        assert_ok!(step(Some(Cursor::Pruned), 5));
        next_block();
        // All over again.
        all_steps();
        assert_ok!(before.check_after());
        check_all();
    });
}

#[test]
fn the_check_finds_what_is_wrong() {
    let migrated = |change: fn(), error: &'static str| {
        in_version_1(|| {
            let before = Before::<Test>::read().unwrap();
            all_steps();
            assert_ok!(before.check_after());
            change();
            assert_eq!(before.check_after(), Err(error.into()));
            // So that the mock finds its invariants.
            StorageVersion::new(2).put::<Inference>();
            let _ = ClientKeys::<Test>::clear(u32::MAX, None);
            ReceiptDigests::<Test>::remove(RequestId(0));
        });
    };
    migrated(|| ReceiptRoots::<Test>::remove(0), "the root of a block is not that of its receipts");
    migrated(
        || {
            ReceiptRoots::<Test>::mutate(1, |page| {
                page.roots[1] = Default::default();
            });
        },
        "a root is not that of the next pruned receipts",
    );
    migrated(
        || ClientKeys::<Test>::insert(PAYER, [0; 32], RequestId(0)),
        "something of version 1 is left",
    );
    migrated(
        || ReceiptDigests::<Test>::insert(RequestId(0), Digest::zero()),
        "something of version 1 is left",
    );
    migrated(|| StorageVersion::new(1).put::<Inference>(), "the storage version was not raised");
}

#[test]
fn nothing_is_moved_while_a_request_is_open() {
    in_version_1(|| {
        Agenda::<Test>::insert(100, RequestId(99), ());
        assert!(Before::<Test>::read().is_err());
        assert_eq!(step(None, 1), Err(SteppedMigrationError::Failed));
        assert_eq!(ReceiptRoots::<Test>::iter().count(), 0);
        Agenda::<Test>::remove(100, RequestId(99));
        all_steps();
        check_all();
    });
}
