//! Batches of requests.

use assay_primitives::{runtime_api::Status, Assurance, Balance, RequestId, RequestInput};
use codec::Encode;
use frame_support::{assert_noop, assert_ok, BoundedVec};
use sp_runtime::DispatchResult;

use crate::{
    mock::*, Batch, BatchItem, ClientKeys, Error, Event, NextRequest, Queue, QueueBounds, Waiting,
    MAX_BATCH,
};

fn key(number: u32) -> [u8; 32] {
    sp_io::hashing::blake2_256(&(b"batch", number).encode())
}

fn item(number: u32) -> BatchItem<MaxInputBytes> {
    let input = RequestInput::Inline(input().try_into().unwrap());
    BatchItem { input, client_key: key(number) }
}

/// As many good items.
fn items(count: u32) -> Batch<Test> {
    (0..count).map(item).collect::<Vec<_>>().try_into().unwrap()
}

fn send_for(assurance: Assurance, max_price: Balance, items: Batch<Test>) -> DispatchResult {
    let call = crate::Call::request_batch {
        version: version(1),
        assurance,
        max_price,
        deadline: now() + PATIENCE,
        draw_delay: 1,
        items,
    };
    signed_call(PAYER, call)
}

fn send(items: Batch<Test>) -> DispatchResult {
    send_for(SIGNED, MAX_PRICE, items)
}

#[test]
fn each_item_becomes_a_request_of_its_own() {
    test(|| {
        assert_ok!(send(items(3)));
        assert_eq!(NextRequest::<Test>::get(), RequestId(3));
        assert_eq!(escrow(PAYER), 3 * MAX_PRICE);
        for number in 0..3 {
            let id = RequestId(number.into());
            let request = record(id);
            assert_eq!((request.payer, request.client_key), (PAYER, key(number)));
            assert_eq!(ClientKeys::<Test>::get(PAYER, key(number)), Some(id));
            System::assert_has_event(
                Event::Requested {
                    request: id,
                    payer: PAYER,
                    version: version(1),
                    assurance: SIGNED,
                }
                .into(),
            );
        }
        assert_eq!(Queue::<Test>::iter().count(), 1, "they wait for the draw together");
        next_block();
        next_block();
        assert_eq!(QueueBounds::<Test>::get(), (1, 1, 0));
        for id in (0..3).map(RequestId) {
            assert_eq!(record(id).status, Status::Assigned);
        }
    });
}

#[test]
fn a_bad_item_does_not_spoil_the_others() {
    test(|| {
        let known = Terms { client_key: key(1), ..Terms::of(SIGNED) }.accepted();
        let mut batch = items(5).into_inner();
        batch[3].input = RequestInput::Inline(vec![1, 2, 3].try_into().unwrap());
        // The key of another item.
        batch[4].client_key = key(0);
        assert_ok!(send(batch.try_into().unwrap()));
        let next = known.0 + 1;
        assert_eq!(NextRequest::<Test>::get(), RequestId(next + 2));
        assert_eq!(record(RequestId(next)).client_key, key(0));
        assert_eq!(record(RequestId(next + 1)).client_key, key(2));
        assert_eq!(escrow(PAYER), 3 * MAX_PRICE);
        let refused = |index, error: Error<Test>| {
            System::assert_has_event(Event::ItemRefused { index, error: error.into() }.into());
        };
        refused(1, Error::DuplicateClientKey);
        refused(3, Error::InputMalformed);
        refused(4, Error::DuplicateClientKey);
    });
}

#[test]
fn a_batch_without_a_good_item_is_refused() {
    test(|| {
        assert_noop!(send(BoundedVec::new()), Error::<Test>::EmptyBatch);
        assert_ok!(send(items(2)));
        assert_noop!(send(items(2)), Error::<Test>::DuplicateClientKey);
    });
}

#[test]
fn terms_that_are_wrong_for_all_are_refused() {
    test(|| {
        assert_noop!(send_for(SIGNED, ASK - 1, items(2)), Error::<Test>::PriceUnderAsk);
        assert_noop!(send_for(QUORUM, ASK, items(2)), Error::<Test>::PriceUnderAsk);
    });
}

#[test]
fn an_escrow_that_covers_only_some_leaves_nothing_behind() {
    test(|| {
        let price = ENDOWMENT / 3;
        assert_noop!(
            send_for(SIGNED, price, items(4)),
            pallet_settlement::Error::<Test>::EscrowNotCovered
        );
        assert_ok!(send_for(SIGNED, price, items(2)));
        assert_eq!(escrow(PAYER), 2 * price);
    });
}

/// The members of twelve requests of five operators with room for two runs each.
fn drawn(ask: impl FnOnce()) -> Vec<Vec<u64>> {
    let mut drawn = Vec::new();
    test(|| {
        for operator in OPERATORS {
            serve_at_once(operator, version(1), ASK, both(), 2);
        }
        ask();
        next_block();
        next_block();
        drawn = (0..12).map(RequestId).map(members).collect();
        assert_eq!(Waiting::<Test>::iter().count(), 2);
    });
    drawn
}

/// The candidates of one draw are kept for the next one.
#[test]
fn a_batch_draws_the_same_operators_as_single_requests() {
    let single = drawn(|| {
        for number in 0..12 {
            Terms { client_key: key(number), ..Terms::of(SIGNED) }.accepted();
        }
    });
    let together = drawn(|| {
        assert_ok!(send(items(12)));
    });
    assert_eq!(single, together);
    let mixed = drawn(|| {
        for number in 0..6 {
            // Another budget, so that the candidates are read again.
            let max_price = MAX_PRICE + Balance::from(number % 2);
            Terms { client_key: key(number), max_price, ..Terms::of(SIGNED) }.accepted();
        }
        let rest = (6..12).map(item).collect::<Vec<_>>();
        assert_ok!(send(rest.try_into().unwrap()));
    });
    assert_eq!(single, mixed);
}

#[test]
fn a_block_draws_as_much_of_a_batch_as_it_has_room_for() {
    test(|| {
        DrawBudget::set(frame_support::weights::Weight::from_parts(10, 0));
        assert_ok!(send(items(25)));
        let assigned = || {
            let is = |id| record(id).status == Status::Assigned;
            (0..25).map(RequestId).filter(|id| is(*id)).count()
        };
        // A turn is drawn while the weight of the most expensive one is left, three units.
        next_block();
        assert_eq!((assigned(), QueueBounds::<Test>::get()), (8, (0, 1, 17)));
        next_block();
        assert_eq!((assigned(), QueueBounds::<Test>::get()), (16, (0, 1, 9)));
        next_block();
        assert_eq!((assigned(), QueueBounds::<Test>::get()), (24, (0, 1, 1)));
        next_block();
        assert_eq!((assigned(), QueueBounds::<Test>::get()), (25, (1, 1, 0)));
    });
}

#[test]
fn a_batch_can_ask_for_a_later_draw() {
    test(|| {
        let call = crate::Call::request_batch {
            version: version(1),
            assurance: QUORUM,
            max_price: MAX_PRICE,
            deadline: now() + PATIENCE,
            draw_delay: 4,
            items: items(3),
        };
        assert_ok!(signed_call(PAYER, call));
        let asked = now();
        while now() < asked + 4 {
            assert_eq!(record(RequestId(0)).status, Status::Pending);
            next_block();
        }
        for id in (0..3).map(RequestId) {
            assert_eq!(record(id).status, Status::Assigned);
        }
    });
}

#[test]
fn an_item_with_an_artifact_is_not_appealable_and_the_others_are() {
    test(|| {
        let mut batch = items(2).into_inner();
        let artifact = upload_artifact(PAYER, b"an input");
        batch[1].input = RequestInput::Artifact(artifact);
        assert_ok!(send_for(QUORUM, MAX_PRICE, batch.try_into().unwrap()));
        let single = Terms::of(QUORUM).accepted();
        assert_eq!(record(RequestId(0)).stake, record(single).stake);
        assert_eq!(record(RequestId(0)).appealable, record(single).appealable);
        assert!(!record(RequestId(1)).appealable);
        assert!(record(RequestId(1)).input_is_artifact);
    });
}

#[test]
fn a_full_batch_is_accepted() {
    test(|| {
        let count = MAX_BATCH.min((ENDOWMENT / MAX_PRICE) as u32 - 1);
        assert_ok!(send(items(count)));
        assert_eq!(NextRequest::<Test>::get(), RequestId(count.into()));
    });
}

#[test]
fn a_batch_that_waits_for_an_author_keeps_its_requests_together() {
    test(|| {
        Author::set(Some(7));
        next_block();
        assert_ok!(send(items(3)));
        let ids: Vec<_> = (0..3).map(RequestId).collect();
        next_block();
        // Its turn takes all of the draws that are due, and puts it behind this one.
        let next = Terms::of(SIGNED).accepted();
        for turn in 1..4 {
            next_block();
            check_all();
            assert_eq!(Queue::<Test>::iter().count(), 2);
            assert_eq!(QueueBounds::<Test>::get().2, 4, "turn {turn}");
        }
        Author::set(Some(8));
        next_block();
        for id in ids.into_iter().chain([next]) {
            assert_eq!(record(id).status, Status::Assigned);
        }
        assert_eq!(Queue::<Test>::iter().count(), 0);
    });
}
