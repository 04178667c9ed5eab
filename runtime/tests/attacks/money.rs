//! Attacks on prices and deposits.

use assay_primitives::{Assurance, Balance, ASY};
use assay_runtime::{constants::MaxRoyalty, Runtime};
use frame_support::assert_ok;
use sp_keyring::Sr25519Keyring::EveStash;
use sp_runtime::Perbill;

use crate::{common::*, ledger::Measured, party::*};

/// The owner raises the royalty after operators have made their offers.
pub fn raised_royalty() -> Measured {
    let mut measured = None;
    run(|| {
        publish_integers(Perbill::from_percent(10));
        let operator = Party::new("operator", 20_000 * ASY);
        let payer = Party::new("payer", 100 * ASY);
        operator.register(10_000 * ASY);
        operator.serve(ASY, 4, both());
        let agreed = ASY - Perbill::from_percent(5) * ASY - Perbill::from_percent(10) * ASY;
        let before = operator.wealth();
        submit(
            EveStash,
            pallet_model_registry::Call::set_royalty {
                version: version(0, 1),
                royalty: MaxRoyalty::get(),
            },
        );
        let owner = wealth(EveStash);
        let input = integer_payload(&[2, 3]);
        let asked = payer.include(request_call(&input, Assurance::Signed, ASY, 10, 1)).is_ok();
        empty_block();
        let id = assay_primitives::RequestId(0);
        if asked && !record(id).members.is_empty() {
            let output = integer_payload(&[5]);
            let call = result(id, &operator.account(), &operator.worker, &output);
            assert_ok!(include(general(call)));
        }
        let earned = operator.wealth() - before;
        let gained = wealth(EveStash) - owner;
        measured = Some(Measured {
            attack: "a royalty raised after the offer",
            capital: 0,
            cost: -(gained.saturating_sub(ASY / 10) as i128),
            harm: if earned > 0 { agreed.saturating_sub(earned) } else { 0 },
            what: "earnings lost by an honest operator",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn a_royalty_cannot_be_raised_behind_an_operators_back() {
    raised_royalty().check();
}

/// Requests of accounts that keep nothing but what is held, at a price below what an account can
/// receive, for an operator and an owner that have nothing else.
pub fn dust() -> Measured {
    let mut measured = None;
    run(|| {
        publish_integers(Perbill::from_percent(15));
        let operator = Party::new("operator", 20_000 * ASY);
        operator.register(10_000 * ASY);
        operator.serve(1, 4, both());
        let payers: Vec<_> =
            (0..4).map(|number| Party::new(&format!("payer {number}"), ASY)).collect();
        let heir = Party::new("heir", ASY);
        let attackers: Vec<&Party> = payers.iter().chain([&heir]).collect();
        let others = || operator.wealth() + wealth(EveStash) + treasury_without_fees();
        let (issuance, before, of_others) =
            (issuance_without_fees(), wealth_of(&attackers), others());
        let mut burnt = 0;
        let mut paid = || burnt += fees().iter().map(|(_, fee)| *fee).sum::<Balance>();
        let empty = |party: &Party| {
            party.submit(pallet_balances::Call::<Runtime>::transfer_all {
                dest: heir.account().into(),
                keep_alive: false,
            });
        };
        let ids: Vec<_> = payers
            .iter()
            .zip(0..)
            .map(|(payer, key)| {
                let input = integer_payload(&[2, 3]);
                let id = payer.request(request_call(&input, Assurance::Signed, 1, 10, key));
                paid();
                empty(payer);
                paid();
                id
            })
            .collect();
        empty_block();
        for id in &ids {
            let call = result(*id, &operator.account(), &operator.worker, &integer_payload(&[5]));
            assert_ok!(include(general(call)));
        }
        let room: Balance = ids.iter().map(|id| record(*id).fee).sum();
        let created = issuance_without_fees().abs_diff(issuance - burnt - room);
        measured = Some(Measured {
            attack: "prices of one planck, of accounts without money",
            capital: 0,
            cost: lost(&attackers, before),
            harm: created + of_others.saturating_sub(others()),
            what: "money created, or lost by others",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn the_smallest_prices_create_and_lose_nothing() {
    dust().check_harmless();
}

/// The treasury is paid out by a transaction of an account that is not root.
#[test]
fn only_root_spends_the_treasury() {
    run(|| {
        let thief = Party::new("thief", 100 * ASY);
        let before = treasury_without_fees();
        let call = pallet_settlement::Call::<Runtime>::spend_treasury {
            to: thief.account(),
            amount: 1 as Balance,
        };
        assert!(thief.include(call).is_err());
        assert_eq!(treasury_without_fees(), before);
    });
}
