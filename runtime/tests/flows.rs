//! Complete flows in the whole runtime, with real blocks, real transactions and exact balances.

mod common;

use assay_primitives::{
    artifact::{ArtifactManifest, MAX_CHUNK_BYTES},
    digest,
    runtime_api::Status,
    worker_crypto, Assurance, AssuranceClass, Balance, FailureReason, Outcome, RequestId, ASY,
    MAX_TRANSACTION_BYTES,
};
use assay_runtime::{
    configs::system::MaxTransactionWeight,
    constants::{HeartbeatPriority, NoAnswerSlash, RoomyBlocks, TreasuryShare, WorkerPriority},
    transactions::{authorized_extension, ChargeWithinClass},
    Babe, ModelRegistry, Runtime, RuntimeCall, RuntimeEvent, System, TxExtension,
    UncheckedExtrinsic, EXISTENTIAL_DEPOSIT,
};
use codec::{DecodeAll, Encode};
use common::*;
use frame_support::{assert_ok, weights::Weight};
use frame_system::{CheckEra, CheckNonce};
use pallet_inference::refusal;
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{
    generic::Era,
    transaction_validity::{InvalidTransaction, TransactionValidityError},
    DispatchError, Perbill,
};

const MODEL_FILE: &[u8] = b"a model that adds two numbers";
const OWNER: Sr25519Keyring = EveStash;
const PAYER: Sr25519Keyring = Ferdie;
const STRANGER: Sr25519Keyring = FerdieStash;
/// The operators. The index is the number of the worker key.
const OPERATORS: [Sr25519Keyring; 3] = [AliceStash, BobStash, CharlieStash];
const BOND: Balance = 10_000 * ASY;
/// A price of which no share is a whole number.
const ASK: Balance = 1_000_000_000_007;
/// The price limit of a request: more than three operators ask.
const MAX_PRICE: Balance = 3 * ASK + 11;
/// A share whose product with [`ASK`] must be rounded.
const ROYALTY: Perbill = Perbill::from_parts(123_456_789);
/// The parts of [`ASK`], computed by hand: 5 % is 50000000000.35, the royalty is
/// 123456789000.864197523.
const TREASURY_PART: Balance = 50_000_000_000;
const ROYALTY_PART: Balance = 123_456_789_000;
const OPERATOR_PART: Balance = ASK - TREASURY_PART - ROYALTY_PART;
const QUORUM: Assurance = Assurance::Quorum { n: 3, k: 2 };

/// Publishes a version and has the operators serve it, all in transactions.
fn set_up() {
    publish(OWNER, MODEL_FILE, integers(MODEL_FILE), ROYALTY, None);
    for (number, operator) in OPERATORS.into_iter().enumerate() {
        submit(operator, register(&operator.to_account_id(), &worker(number as u32), BOND));
        submit(operator, serve_call(ASK, 4, both()));
    }
    beat();
}

/// A heartbeat of each operator.
fn beat() {
    for (number, operator) in OPERATORS.into_iter().enumerate() {
        let call =
            heartbeat(&operator.to_account_id(), &worker(number as u32), System::block_number());
        assert_ok!(include(general(call)));
    }
}

fn in_prepared_network(test: impl FnOnce()) {
    run(|| {
        set_up();
        test();
    });
}

fn request_call(assurance: Assurance, patience: u32, key: u8) -> pallet_inference::Call<Runtime> {
    common::request_call(&integer_payload(&[2, 3]), assurance, MAX_PRICE, patience, key)
}

/// Makes a request. Returns its id and the fee.
fn request(assurance: Assurance, patience: u32, key: u8) -> (RequestId, Balance) {
    submit(PAYER, request_call(assurance, patience, key));
    let fees = fees();
    assert_eq!(fees.len(), 1);
    assert_eq!(fees[0].0, PAYER.to_account_id(), "the payer pays the fee");
    let id = pallet_inference::ClientKeys::<Runtime>::get(PAYER.to_account_id(), [key; 32]);
    (id.unwrap(), fees[0].1)
}

fn outcome(id: RequestId) -> Option<Outcome> {
    match record(id).status {
        Status::Final(outcome) => Some(outcome),
        _ => None,
    }
}

fn key_of(operator: &assay_runtime::AccountId) -> worker_crypto::Pair {
    let number = OPERATORS.iter().position(|one| one.to_account_id() == *operator).unwrap();
    worker(number as u32)
}

/// Total balances of all participants.
fn wealths() -> Vec<Balance> {
    let everyone = [OWNER, PAYER].into_iter().chain(OPERATORS).map(wealth);
    everyone.chain([treasury_without_fees()]).collect()
}

#[test]
fn the_parts_computed_by_hand_are_those_of_the_configured_shares() {
    assert_eq!(TreasuryShare::get(), Perbill::from_percent(5));
    assert_eq!(TREASURY_PART, ASK * 5 / 100);
    assert_eq!(ROYALTY_PART, ASK * 123_456_789 / 1_000_000_000);
}

#[test]
fn every_block_has_a_vrf_output_of_its_own() {
    run(|| {
        let first = Babe::author_vrf_randomness().expect("the digest has a signature");
        empty_block();
        let second = Babe::author_vrf_randomness().expect("the digest has a signature");
        assert_ne!(first, second);
    });
}

#[test]
fn a_request_is_answered_in_its_third_block_and_everyone_paid_to_the_planck() {
    in_prepared_network(|| {
        let before = wealths();
        let issuance = issuance_without_fees();
        let (id, fee) = request(Assurance::Signed, 10, 1);
        let largest = record(id).fee;
        assert_eq!(held(&PAYER.to_account_id()), MAX_PRICE + largest);
        assert_eq!(record(id).status, Status::Pending, "no operator is drawn in the same block");

        empty_block();
        let drawn = record(id);
        assert_eq!(drawn.status, Status::Assigned);
        let operator = drawn.members[0].account.clone();
        let output = integer_payload(&[5]);
        assert_ok!(include(general(result(id, &operator, &key_of(&operator), &output))));
        assert_eq!(fees(), Vec::new(), "a workers' call is feeless");

        assert_eq!(outcome(id), Some(Outcome::Verified));
        assert_eq!(
            pallet_inference::Results::<Runtime>::get(id).unwrap().output.unwrap().into_inner(),
            output
        );
        let receipt = pallet_inference::Results::<Runtime>::get(id).unwrap().receipt;
        assert_eq!(receipt.price_paid, ASK);
        assert_eq!(receipt.output_digest, Some(digest(&output)));
        assert_eq!(receipt.draw, drawn.draw);
        let evidence = pallet_inference::Results::<Runtime>::get(id).unwrap().evidence;
        assert_eq!(evidence.len(), 1);
        assert!(receipt.bad_signatures(&evidence).is_empty());

        let mut expected = before;
        expected[0] += ROYALTY_PART;
        let room = record(id).fee;
        assert!((1..largest).contains(&room), "{room} of {largest}");
        expected[1] -= ASK + fee + room;
        let number = OPERATORS.iter().position(|one| one.to_account_id() == operator).unwrap();
        expected[2 + number] += OPERATOR_PART;
        expected[5] += TREASURY_PART;
        assert_eq!(wealths(), expected);
        assert_eq!(held(&PAYER.to_account_id()), 0);
        assert_eq!(issuance_without_fees(), issuance - fee - room, "only the fees are burnt");
    });
}

#[test]
fn the_block_of_a_draw_is_no_room_for_its_committee() {
    in_prepared_network(|| {
        let (id, _) = request(Assurance::Signed, 9, 1);
        empty_block();
        let record = record(id);
        assert_eq!(record.status, Status::Assigned);
        // The block of the draw had room and is counted already. The operator needs one for its answer.
        let clock = pallet_room::Clocks::<Runtime>::get().answers;
        assert_eq!(record.late_from, clock + 1 + RoomyBlocks::get());
    });
}

#[test]
fn a_liar_in_a_quorum_is_not_paid_and_the_others_are() {
    in_prepared_network(|| {
        let before = wealths();
        let (id, fee) = request(QUORUM, 20, 1);
        empty_block();
        let members = record(id).accounts();
        assert_eq!(members.len(), 3);
        // The first operator of the draw lies: its position gives it no advantage.
        let answers = [[6], [5], [5]].map(|answer| integer_payload(&answer));
        for (member, answer) in members.iter().zip(&answers) {
            assert_ok!(include(general(commit(id, member, &key_of(member), answer, &[3; 32]))));
            assert_eq!(fees(), Vec::new());
        }
        assert_eq!(record(id).status, Status::Revealing);
        for (member, answer) in members.iter().zip(&answers) {
            assert_eq!(outcome(id), None);
            assert_ok!(include(general(reveal(id, member, &key_of(member), answer, &[3; 32]))));
        }
        assert_eq!(outcome(id), Some(Outcome::Verified));
        assert_eq!(
            pallet_inference::Results::<Runtime>::get(id).unwrap().output.unwrap().into_inner(),
            integer_payload(&[5])
        );

        // Agreement alone takes nobody's bond.
        let mut expected = before;
        expected[0] += 2 * ROYALTY_PART;
        expected[1] = expected[1] - 2 * ASK - fee - record(id).fee;
        for member in &members[1..] {
            let number = OPERATORS.iter().position(|one| one.to_account_id() == *member).unwrap();
            expected[2 + number] += OPERATOR_PART;
        }
        expected[5] += 2 * TREASURY_PART;
        assert_eq!(wealths(), expected);
        assert_eq!(held(&members[0]), BOND);
    });
}

#[test]
fn a_passed_deadline_refunds_the_payer_and_costs_silent_operators() {
    in_prepared_network(|| {
        let before = wealths();
        let (id, fee) = request(Assurance::Signed, 12, 1);
        empty_block();
        let record_then = record(id);
        let operator = record_then.members[0].account.clone();
        go_to(record_then.deadline);
        assert_eq!(outcome(id), None, "the deadline itself is in time");
        empty_block();
        assert_eq!(outcome(id), Some(Outcome::TimedOut));
        let late = result(id, &operator, &key_of(&operator), &integer_payload(&[5]));
        assert!(validate(general(late)).is_err(), "a result after the deadline is refused");

        let slashed = NoAnswerSlash::get();
        let compensation = (slashed / 10).min(MAX_PRICE);
        let mut expected = before;
        expected[1] = expected[1] - fee - record(id).fee + compensation;
        let number = OPERATORS.iter().position(|one| one.to_account_id() == operator).unwrap();
        expected[2 + number] -= slashed;
        expected[5] += slashed - compensation;
        assert_eq!(wealths(), expected);
    });
}

#[test]
fn the_same_client_key_never_charges_twice() {
    in_prepared_network(|| {
        let (id, _) = request(Assurance::Signed, 10, 1);
        let held_before = held(&PAYER.to_account_id());
        let refused = include(signed(PAYER, request_call(Assurance::Signed, 10, 1)));
        assert_eq!(refused, Err(pallet_inference::Error::<Runtime>::DuplicateClientKey.into()));
        assert_eq!(held(&PAYER.to_account_id()), held_before);
        assert_eq!(pallet_inference::NextRequest::<Runtime>::get(), RequestId(id.0 + 1));
    });
}

/// The owner's announcement of the artifact.
fn announced(bytes: &[u8]) -> pallet_storage::Artifact<assay_runtime::AccountId> {
    pallet_storage::Uploads::<Runtime>::get(identity(bytes), OWNER.to_account_id()).unwrap()
}

#[test]
fn a_chunk_in_a_batch_is_refused_and_nothing_is_lost() {
    run(|| {
        let bytes = vec![9; 100];
        submit(OWNER, announce(&bytes));
        let chunk: RuntimeCall = upload(&bytes, 0, identity(&bytes)).into();
        let remark: RuntimeCall = frame_system::Call::remark { remark: b"x".to_vec() }.into();
        let deposit = held(&OWNER.to_account_id());
        let before = free(&OWNER.to_account_id());
        let refused: DispatchError = pallet_storage::Error::<Runtime>::NotOutermostCall.into();

        let calls = vec![chunk.clone(), remark.clone()];
        assert_eq!(
            include(signed(OWNER, pallet_utility::Call::batch_all { calls: calls.clone() })),
            Err(refused)
        );
        let fee = fees()[0].1;
        // `batch` itself succeeds and emits the failure.
        assert_ok!(include(signed(OWNER, pallet_utility::Call::batch { calls })));
        assert!(events().contains(&RuntimeEvent::Utility(
            pallet_utility::Event::BatchInterrupted { index: 0, error: refused }
        )));
        let fee = fee + fees()[0].1;
        let wrapped = pallet_utility::Call::with_weight {
            call: Box::new(chunk.clone()),
            weight: Default::default(),
        };
        // Only root may call it, and its argument comes after the bytes.
        assert_eq!(include(signed(OWNER, wrapped)), Err(DispatchError::BadOrigin));
        let fee = fee + fees()[0].1;

        assert_eq!(announced(&bytes).uploaded, 0);
        assert_eq!(held(&OWNER.to_account_id()), deposit);
        assert_eq!(free(&OWNER.to_account_id()), before - fee, "only the fees are gone");
        submit(OWNER, chunk);
        assert!(pallet_storage::Artifacts::<Runtime>::get(identity(&bytes)).unwrap().is_complete());
    });
}

#[test]
fn of_two_chunks_in_one_batch_at_most_one_is_accepted() {
    run(|| {
        // The first chunk ends with the bytes of the second, so both are at the end of the
        // transaction.
        let second = vec![9; 10];
        let first = vec![9; 20];
        for bytes in [&first, &second] {
            submit(OWNER, announce(bytes));
        }
        let calls = vec![
            upload(&second, 0, identity(&second)).into(),
            upload(&first, 0, identity(&first)).into(),
        ];
        let refused = include(signed(OWNER, pallet_utility::Call::batch_all { calls }));
        assert_eq!(refused, Err(pallet_storage::Error::<Runtime>::NotOutermostCall.into()));
        for bytes in [&first, &second] {
            assert_eq!(announced(bytes).uploaded, 0);
        }
    });
}

#[test]
fn the_largest_chunk_fits_into_a_transaction() {
    run(|| {
        let bytes = vec![3; MAX_CHUNK_BYTES as usize + 1];
        submit(OWNER, announce(&bytes));
        for (index, chunk) in ArtifactManifest::split(&bytes).enumerate() {
            submit(OWNER, upload(chunk, index as u32, identity(&bytes)));
        }
        assert!(pallet_storage::Artifacts::<Runtime>::get(identity(&bytes)).unwrap().is_complete());
    });
}

/// Otherwise whoever fills what is reserved for operational calls, so that the clock of moves stands
/// still, would pay the least for ever.
#[test]
fn fees_follow_the_operational_calls_of_a_block() {
    in_prepared_network(|| {
        let multiplier = pallet_transaction_payment::NextFeeMultiplier::<Runtime>::get;
        let before = multiplier();
        empty_block();
        let quiet = multiplier();
        assert!(quiet < before);
        let call = Box::new(frame_system::Call::kill_storage { keys: vec![] }.into());
        let weight = Weight::from_parts(MaxTransactionWeight::get().ref_time() / 10 * 8, 0);
        let booked = pallet_sudo::Call::sudo_unchecked_weight { call, weight };
        assert!(include(signed(STRANGER, booked)).is_err(), "it has no right to");
        assert!(multiplier() > quiet);
    });
}

/// The SDK would take one into the pool that no block can include beside its header. It would stay there
/// without being paid for, and keep others out.
#[test]
fn a_transaction_that_might_not_fit_into_a_block_is_refused() {
    in_prepared_network(|| {
        let remark =
            |bytes: usize| signed(PAYER, frame_system::Call::remark { remark: vec![1; bytes] });
        let most = MAX_TRANSACTION_BYTES as usize;
        let others = remark(most).encoded_size() - most;
        assert_eq!(why_refused(remark(most - others)), None);
        let refused = Some(InvalidTransaction::ExhaustsResources);
        assert_eq!(why_refused(remark(most - others + 1)), refused);
        let slow = |weight| {
            let call = Box::new(frame_system::Call::remark { remark: vec![] }.into());
            signed(PAYER, pallet_sudo::Call::sudo_unchecked_weight { call, weight })
        };
        let most = MaxTransactionWeight::get().ref_time();
        assert_eq!(why_refused(slow(Weight::from_parts(most / 10 * 9, 0))), None);
        let too_slow = slow(Weight::from_parts(most, 0));
        assert_eq!(why_refused(too_slow), refused, "with what its extensions take");
    });
}

/// Why the pool refuses a transaction; `None` if it does not.
fn why_refused(transaction: UncheckedExtrinsic) -> Option<InvalidTransaction> {
    match validate(transaction) {
        Ok(_) => None,
        Err(TransactionValidityError::Invalid(why)) => Some(why),
        Err(TransactionValidityError::Unknown(why)) => panic!("unknown: {why:?}"),
    }
}

/// Checks that the pool refuses a call of a worker.
fn refused(call: impl Into<RuntimeCall>, why: InvalidTransaction) {
    assert_eq!(why_refused(general(call)), Some(why));
}

/// [`refused`] with a code of `pallet-inference`.
fn refused_as(call: impl Into<RuntimeCall>, code: u8) {
    refused(call, InvalidTransaction::Custom(code));
}

#[test]
fn the_pool_refuses_workers_calls_of_third_parties() {
    in_prepared_network(|| {
        let (id, _) = request(Assurance::Signed, 10, 1);
        empty_block();
        let operator = record(id).members[0].account.clone();
        let output = integer_payload(&[5]);
        let stranger = worker(99);
        let other = OPERATORS.iter().find(|one| one.to_account_id() != operator).unwrap();
        let other_account = other.to_account_id();
        let good = result(id, &operator, &key_of(&operator), &output);

        // The signature is not the worker key's.
        let forged = result(id, &operator, &stranger, &output);
        refused(forged, InvalidTransaction::BadProof);
        let forged = failure(id, &operator, &stranger, FailureReason::EngineError);
        refused(forged, InvalidTransaction::BadProof);
        let forged = heartbeat(&operator, &stranger, System::block_number());
        assert!(why_refused(general(forged)).is_some());
        // The operator was not drawn.
        let undrawn = result(id, &other_account, &key_of(&other_account), &output);
        refused_as(undrawn, refusal::NOT_ASSIGNED);
        // The request does not exist, or the call belongs to another class.
        let nowhere = result(RequestId(77), &operator, &key_of(&operator), &output);
        refused_as(nowhere, refusal::REQUEST_NOT_FOUND);
        let committed = commit(id, &operator, &key_of(&operator), &output, &[1; 32]);
        refused_as(committed, refusal::WRONG_PHASE);
        let revealed = reveal(id, &operator, &key_of(&operator), &output, &[1; 32]);
        refused_as(revealed, refusal::WRONG_PHASE);
        // The output does not fit the version's declaration.
        let odd = result(id, &operator, &key_of(&operator), &integer_payload(&[5, 5]));
        refused_as(odd, refusal::WRONG_OUTPUT);
        // A valid call without the extensions that authorize it.
        let bare = UncheckedExtrinsic::new_bare(RuntimeCall::from(good.clone()));
        assert!(validate(bare.clone()).is_err());
        // A block author can include it as a bare extrinsic, but it has no effect.
        assert_eq!(include(bare), Err(DispatchError::BadOrigin));
        assert_eq!(outcome(id), None);

        // The valid transaction is accepted once.
        let validity = validate(general(good.clone())).unwrap();
        assert!(validity.priority >= WorkerPriority::get());
        assert!(!validity.provides.is_empty());
        assert_ok!(include(general(good.clone())));
        refused_as(good.clone(), refusal::WRONG_PHASE);
        assert!(block(vec![general(good)])[0].is_err());
    });
}

#[test]
fn a_workers_call_has_one_transaction_only() {
    in_prepared_network(|| {
        let (id, _) = request(Assurance::Signed, 10, 1);
        empty_block();
        let operator = record(id).members[0].account.clone();
        let call: RuntimeCall =
            result(id, &operator, &key_of(&operator), &integer_payload(&[5])).into();
        let other = |change: fn(&mut TxExtension)| {
            let mut extension = authorized_extension();
            change(&mut extension);
            UncheckedExtrinsic::new_transaction(call.clone(), extension)
        };
        let others = [
            other(|extension| extension.5 = CheckEra::from(Era::mortal(64, 1))),
            other(|extension| extension.6 = CheckNonce::from(1)),
            other(|extension| extension.8 = ChargeWithinClass::from(1)),
        ];
        for other in others {
            assert_eq!(why_refused(other.clone()), Some(InvalidTransaction::BadProof), "{other:?}");
            assert!(block(vec![other])[0].is_err());
        }
        assert_eq!(why_refused(other(|_| ())), None);
        // Bytes that change nothing.
        let mut bytes = general(call.clone()).encode();
        bytes.push(0);
        assert!(UncheckedExtrinsic::decode_all(&mut &bytes[..]).is_err());
    });
}

/// The pool asks whether an account could pay, and an earlier transaction may take its money.
#[test]
fn no_tip_comes_before_calls_of_another_class() {
    in_prepared_network(|| {
        let priority =
            |call: RuntimeCall, tip| validate(with_tip(STRANGER, call, tip)).unwrap().priority;
        let ordinary = || frame_system::Call::remark { remark: Vec::new() }.into();
        let operational =
            || pallet_disputes::Call::open { request: RequestId(0), max_bond: 0 }.into();
        let tip = 1_000_000 * ASY;
        assert!(priority(ordinary(), 0) < priority(ordinary(), tip));
        assert!(priority(ordinary(), tip) < priority(operational(), 0));
        assert!(priority(operational(), 0) < priority(operational(), tip));
        assert!(priority(operational(), tip) < WorkerPriority::get());
    });
}

#[test]
fn a_workers_call_from_an_account_is_refused_and_costs_its_fee() {
    in_prepared_network(|| {
        let (id, _) = request(Assurance::Signed, 10, 1);
        empty_block();
        let operator = record(id).members[0].account.clone();
        let call = result(id, &operator, &key_of(&operator), &integer_payload(&[5]));
        assert_eq!(include(signed(STRANGER, call)), Err(DispatchError::BadOrigin));
        assert_eq!(fees().len(), 1);
        assert_eq!(fees()[0].0, STRANGER.to_account_id());
        assert_eq!(outcome(id), None);
    });
}

#[test]
fn a_general_transaction_with_an_ordinary_call_is_refused() {
    in_prepared_network(|| {
        let transfer = pallet_balances::Call::transfer_allow_death {
            dest: STRANGER.to_account_id().into(),
            value: ASY,
        };
        let calls: Vec<RuntimeCall> = vec![
            frame_system::Call::remark { remark: Vec::new() }.into(),
            transfer.into(),
            request_call(Assurance::Signed, 10, 1).into(),
            pallet_operators::Call::unbond {}.into(),
            pallet_sudo::Call::sudo {
                call: Box::new(frame_system::Call::remark { remark: Vec::new() }.into()),
            }
            .into(),
            pallet_utility::Call::batch { calls: Vec::new() }.into(),
        ];
        for call in calls {
            assert_eq!(
                why_refused(general(call.clone())),
                Some(InvalidTransaction::UnknownOrigin),
                "{call:?}"
            );
            assert!(block(vec![general(call)])[0].is_err());
        }
    });
}

#[test]
fn a_workers_call_in_a_batch_is_refused() {
    in_prepared_network(|| {
        let (id, _) = request(Assurance::Signed, 10, 1);
        empty_block();
        let operator = record(id).members[0].account.clone();
        let good = result(id, &operator, &key_of(&operator), &integer_payload(&[5]));
        let calls = vec![good.into()];
        let batch: RuntimeCall = pallet_utility::Call::batch_all { calls }.into();
        refused(batch.clone(), InvalidTransaction::UnknownOrigin);
        assert_eq!(include(signed(STRANGER, batch)), Err(DispatchError::BadOrigin));
        assert_eq!(outcome(id), None);
    });
}

#[test]
fn a_heartbeat_is_feeless_and_cannot_be_repeated() {
    in_prepared_network(|| {
        let operator = OPERATORS[0].to_account_id();
        // Too soon after the last one.
        let soon = heartbeat(&operator, &worker(0), System::block_number());
        refused(soon, InvalidTransaction::Stale);
        let before = free(&operator);
        go_to(System::block_number() + 15);
        let call = heartbeat(&operator, &worker(0), System::block_number());
        let validity = validate(general(call.clone())).unwrap();
        assert_eq!(validity.priority, HeartbeatPriority::get());
        assert_ok!(include(general(call.clone())));
        assert_eq!(free(&operator), before);
        refused(call, InvalidTransaction::Stale);
        // A future height.
        let future = heartbeat(&operator, &worker(0), System::block_number() + 20);
        refused(future, InvalidTransaction::Future);
    });
}

#[test]
fn an_operator_without_recent_heartbeats_is_not_drawn() {
    in_prepared_network(|| {
        let operator = OPERATORS[0].to_account_id();
        let silent_since = System::block_number();
        go_to(silent_since + 46);
        let call = heartbeat(&operator, &worker(0), System::block_number());
        assert_ok!(include(general(call)));
        let (id, _) = request(Assurance::Signed, 10, 1);
        empty_block();
        assert_eq!(record(id).accounts(), vec![operator]);
        let refused = include(signed(PAYER, request_call(QUORUM, 20, 2)));
        assert_eq!(refused, Err(pallet_inference::Error::<Runtime>::NoOperator.into()));
    });
}

#[test]
fn an_account_exists_as_long_as_it_has_a_hold() {
    in_prepared_network(|| {
        let (id, _) = request(Assurance::Signed, 10, 1);
        let payer = PAYER.to_account_id();
        let everything = pallet_balances::Call::transfer_all {
            dest: STRANGER.to_account_id().into(),
            keep_alive: false,
        };
        submit(PAYER, everything.clone());
        assert_eq!(free(&payer), EXISTENTIAL_DEPOSIT);
        let largest = record(id).fee;
        assert_eq!(held(&payer), MAX_PRICE + largest);
        let too_much = pallet_balances::Call::transfer_allow_death {
            dest: STRANGER.to_account_id().into(),
            value: EXISTENTIAL_DEPOSIT,
        };
        // It cannot pay the fee either, so another account pays it.
        let friend =
            pallet_balances::Call::transfer_allow_death { dest: payer.clone().into(), value: ASY };
        submit(STRANGER, friend);
        assert!(include(signed(PAYER, too_much.clone())).is_ok());
        submit(PAYER, everything.clone());
        assert_eq!(free(&payer), EXISTENTIAL_DEPOSIT);
        empty_block();
        let operator = record(id).members[0].account.clone();
        let call = result(id, &operator, &key_of(&operator), &integer_payload(&[5]));
        assert_ok!(include(general(call)));
        // It has the rest of the escrow.
        assert_eq!(held(&payer), 0);
        assert_eq!(free(&payer), EXISTENTIAL_DEPOSIT + MAX_PRICE + largest - ASK - record(id).fee);
        submit(PAYER, everything);
        assert_eq!(free(&payer), 0);
        assert!(!System::account_exists(&payer));
    });
}

#[test]
fn sudo_can_switch_a_class_off_and_on() {
    in_prepared_network(|| {
        let switch = |enabled| -> RuntimeCall {
            pallet_verification::Call::set_class_enabled { class: AssuranceClass::Quorum, enabled }
                .into()
        };
        let sudo = |call: RuntimeCall| pallet_sudo::Call::sudo { call: Box::new(call) };
        let succeeded = || {
            events().into_iter().any(|event| {
                matches!(
                    event,
                    RuntimeEvent::Sudo(pallet_sudo::Event::Sudid { sudo_result: Ok(()) })
                )
            })
        };
        // No other account can do so, neither directly nor through sudo.
        assert_eq!(include(signed(PAYER, switch(false))), Err(DispatchError::BadOrigin));
        assert!(include(signed(PAYER, sudo(switch(false)))).is_err());

        // An open request is not affected.
        let (open, _) = request(QUORUM, 20, 1);
        submit(Alice, sudo(switch(false)));
        assert!(succeeded());
        assert_eq!(
            include(signed(PAYER, request_call(QUORUM, 20, 2))),
            Err(pallet_verification::Error::<Runtime>::ClassDisabled.into())
        );
        assert_eq!(record(open).status, Status::Assigned);
        let (signed_request, _) = request(Assurance::Signed, 10, 3);
        empty_block();
        assert_eq!(record(signed_request).status, Status::Assigned);
        for member in record(open).accounts() {
            let call = failure(open, &member, &key_of(&member), FailureReason::TimeLimit);
            if outcome(open).is_none() {
                assert_ok!(include(general(call)));
            }
        }
        assert!(outcome(open).is_some());

        submit(Alice, sudo(switch(true)));
        assert!(succeeded());
        request(QUORUM, 20, 4);
    });
}

#[test]
fn unavailable_classes_are_refused() {
    in_prepared_network(|| {
        assert_eq!(
            include(signed(PAYER, request_call(Assurance::Tee, 20, 0))),
            Err(pallet_verification::Error::<Runtime>::ClassNotAvailable.into())
        );
    });
}

#[test]
fn a_version_in_use_cannot_be_removed() {
    in_prepared_network(|| {
        let (id, _) = request(Assurance::Signed, 10, 1);
        let remove = pallet_model_registry::Call::remove_version { version: version(0, 1) };
        assert_eq!(
            include(signed(OWNER, remove.clone())),
            Err(pallet_model_registry::Error::<Runtime>::InUse.into())
        );
        let operator = record(id).members[0].account.clone();
        let call = result(id, &operator, &key_of(&operator), &integer_payload(&[5]));
        assert_ok!(include(general(call)));
        let deposit = held(&OWNER.to_account_id());
        submit(OWNER, remove);
        submit(OWNER, pallet_model_registry::Call::remove_model { model: version(0, 1).model });
        submit(OWNER, pallet_storage::Call::remove { artifact: identity(MODEL_FILE) });
        assert!(deposit > 0);
        assert_eq!(held(&OWNER.to_account_id()), 0, "every deposit is released");
        assert_eq!(pallet_model_registry::Models::<Runtime>::iter().count(), 0);
        assert_eq!(ModelRegistry::do_try_state(), Ok(()));
    });
}

#[test]
fn an_equivocator_loses_its_bond_to_the_treasury() {
    in_prepared_network(|| {
        let (id, _) = request(Assurance::Signed, 10, 1);
        empty_block();
        let operator = record(id).members[0].account.clone();
        let key = key_of(&operator);
        let first = result_statement(id, &operator, &integer_payload(&[5]));
        let second = result_statement(id, &operator, &integer_payload(&[6]));
        let report = equivocation(id, record(id).version, &key, [first, second]);
        let before = treasury_without_fees();
        submit(STRANGER, report.clone());
        // The stake of the request that is open is taken when it ends.
        assert_eq!(held(&operator), NoAnswerSlash::get());
        assert_eq!(treasury_without_fees(), before + BOND - NoAnswerSlash::get());
        let answer = result(id, &operator, &key, &integer_payload(&[5]));
        assert_ok!(include(general(answer)));
        assert_eq!(held(&operator), 0);
        assert_eq!(treasury_without_fees(), before + BOND + TREASURY_PART);
        assert_eq!(
            include(signed(STRANGER, report)),
            Err(pallet_verification::Error::<Runtime>::AlreadyPunished.into())
        );
    });
}
