//! Attacks on what stands behind a result: the operator's bond.

use assay_primitives::{
    runtime_api::Status, Assurance, AssuranceClass, Balance, Digest, RequestId, ASY,
};
use assay_runtime::{
    constants::{MinBond, WrongResultSlash},
    Runtime, System,
};
use frame_support::assert_ok;
use sp_runtime::Perbill;

use crate::{common::*, ledger::Measured, party::*};

const ASK: Balance = ASY / 1_000;

fn image() -> Vec<u8> {
    image_input(&(0..32).map(|index| index * 7).collect::<Vec<u8>>())
}

/// A result of class `Proof` whose proof is garbage.
fn garbage_proof(id: RequestId, operator: &Party) -> pallet_inference::Call<Runtime> {
    proven(id, operator, &image_output(&[0; 64]), &[0; 64])
}

/// An optimistic result that is wrong, with a root of no trace.
pub fn lie(id: RequestId, operator: &Party) -> pallet_inference::Call<Runtime> {
    traced(id, operator, &image_output(&[1; 64]), Digest::repeat_byte(7))
}

/// An operator pays its bond to an account of its own, as the compensation of a payer, before
/// another offence can be reported.
pub fn evacuation() -> Measured {
    let mut measured = None;
    run(|| {
        publish_image();
        let operator = Party::new("operator", 2_000 * ASY);
        let payer = Party::new("payer", 2_000 * ASY);
        let parties = [&operator, &payer];
        let before = wealth_of(&parties);
        operator.register(MinBond::get());
        operator.serve(ASK, 64, classes(&[AssuranceClass::Proof]));
        let limit = WrongResultSlash::get();
        let mut ids = Vec::new();
        for key in 0..6 {
            let call = request_call(&image(), Assurance::Proof, limit, 40, key);
            ids.push(payer.request(call));
        }
        empty_block();
        let bond = operator.bond();
        for id in ids.into_iter().filter(|id| record(*id).status == Status::Assigned) {
            assert_ok!(include(general(garbage_proof(id, &operator))));
        }
        measured = Some(Measured {
            attack: "bond paid to its owner",
            capital: MinBond::get() + 6 * limit,
            cost: lost(&parties, before),
            harm: bond - operator.bond(),
            what: "bond that no report can reach",
            least_percent: 90,
        });
    });
    measured.unwrap()
}

#[test]
fn a_bond_cannot_be_paid_to_its_owner() {
    evacuation().check();
}

/// One bond stands behind as many lies as its owner has requests.
pub fn many_lies() -> Measured {
    let mut measured = None;
    run(|| {
        publish_image();
        let operator = Party::new("operator", 2_000 * ASY);
        let payer = Party::new("payer", 2_000 * ASY);
        let watcher = Party::new("watcher", 2_000 * ASY);
        operator.register(MinBond::get());
        operator.serve(ASK, 64, classes(&[AssuranceClass::Optimistic]));
        let before = operator.wealth();
        let mut ids = Vec::new();
        for key in 0..20 {
            let call = request_call(&image(), Assurance::Optimistic, ASK, 40, key);
            ids.push(payer.request(call));
        }
        empty_block();
        ids.retain(|id| record(*id).status == Status::Assigned);
        for id in &ids {
            assert_ok!(include(general(lie(*id, &operator))));
        }
        for id in &ids {
            watcher.submit(pallet_disputes::Call::open { request: *id, max_bond: Balance::MAX });
        }
        go_to(System::block_number() + 40);
        measured = Some(Measured {
            attack: "many lies behind one bond",
            capital: MinBond::get(),
            cost: lost(&[&operator], before),
            harm: ids.len() as Balance * WrongResultSlash::get(),
            what: "price of all lies that were possible at once",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn a_bond_cannot_stand_behind_more_lies_than_it_pays_for() {
    many_lies().check();
}

/// An operator unbonds while its lie can be disputed.
pub fn unbonding_liar() -> Measured {
    let mut measured = None;
    run(|| {
        publish_image();
        let operator = Party::new("operator", 2_000 * ASY);
        let payer = Party::new("payer", 2_000 * ASY);
        let watcher = Party::new("watcher", 2_000 * ASY);
        operator.register(MinBond::get());
        operator.serve(ASK, 64, classes(&[AssuranceClass::Optimistic]));
        let id = payer.request(request_call(&image(), Assurance::Optimistic, ASK, 40, 1));
        empty_block();
        let before = operator.wealth();
        assert_ok!(include(general(lie(id, &operator))));
        operator.submit(pallet_operators::Call::unbond {});
        watcher.submit(pallet_disputes::Call::open { request: id, max_bond: Balance::MAX });
        go_to(System::block_number() + 40);
        assert!(operator.include(pallet_operators::Call::withdraw_bond {}).is_err());
        measured = Some(Measured {
            attack: "unbonding before a dispute ends",
            capital: MinBond::get(),
            cost: lost(&[&operator], before),
            harm: WrongResultSlash::get(),
            what: "price of the lie",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn an_operator_cannot_unbond_before_a_dispute_ends() {
    unbonding_liar().check();
}

/// One party is owner, operator and payer, and asks itself for the statistics.
pub fn self_dealing() -> Measured {
    let mut measured = None;
    run(|| {
        publish_integers(Perbill::from_percent(15));
        let operator = Party::new("operator", 2_000 * ASY);
        let payer = Party::new("payer", 2_000 * ASY);
        let owner = sp_keyring::Sr25519Keyring::EveStash;
        operator.register(MinBond::get());
        operator.serve(ASY, 4, both());
        let before = wealth_of(&[&operator, &payer]) + wealth(owner);
        let input = integer_payload(&[2, 3]);
        let id = payer.request(request_call(&input, Assurance::Signed, ASY, 10, 1));
        empty_block();
        let output = integer_payload(&[5]);
        assert_ok!(include(general(result(id, &operator.account(), &operator.worker, &output))));
        let after = wealth_of(&[&operator, &payer]) + wealth(owner);
        measured = Some(Measured {
            attack: "asking oneself",
            capital: MinBond::get() + ASY,
            cost: before as i128 - after as i128,
            harm: ASY,
            what: "price that looks earned",
            least_percent: 5,
        });
    });
    measured.unwrap()
}

#[test]
fn asking_oneself_costs_the_treasury_share_and_the_fees() {
    self_dealing().check();
}
