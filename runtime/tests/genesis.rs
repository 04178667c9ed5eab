//! The states in which networks start.

mod common;

use assay_primitives::{Balance, ASY};
use assay_runtime::{
    constants::{MinValidatorBond, TreasuryAccount},
    genesis::TESTNET,
    AccountId, Balances, Runtime, EXISTENTIAL_DEPOSIT,
};
use common::{externalities_of, preset, run_on, validators::validators};
use serde_json::{json, Value};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

type Committee = frame_support::instances::Instance1;

const BALANCE: u64 = 20_000 * ASY as u64;
const OTHERS: u64 = 1_000_000 * ASY as u64;

/// A network of strangers with four validators, as `scripts/genesis` makes it of the preset.
fn strangers() -> Value {
    use Sr25519Keyring::{Alice, Bob, Charlie, Dave, Eve};
    let mut patch = preset(TESTNET);
    let all = [Alice, Bob, Charlie, Dave].map(|name| name.to_account_id().to_string());
    let grandpa =
        [Ed25519Keyring::Alice, Ed25519Keyring::Bob, Ed25519Keyring::Charlie, Ed25519Keyring::Dave];
    let balances = patch["balances"]["balances"].as_array_mut().expect("a list");
    balances.extend(all.iter().map(|one| json!([one, BALANCE])));
    balances.push(json!([Eve.to_account_id().to_string(), OTHERS]));
    let keys = all.iter().zip(grandpa).map(|(one, grandpa)| {
        let grandpa = AccountId::from(grandpa.public()).to_string();
        json!([one, one, { "babe": one, "grandpa": grandpa, "authority_discovery": one }])
    });
    patch["session"]["keys"] = keys.collect();
    let stake = MinValidatorBond::get() as u64;
    patch["staking"]["stakers"] =
        all.iter().map(|one| json!([one, one, stake, "Validator"])).collect();
    patch["staking"]["validatorCount"] = json!(4);
    patch["staking"]["minimumValidatorCount"] = json!(3);
    patch["technicalCommittee"]["members"] = json!(all[..3]);
    patch
}

/// All money: what the accounts have.
fn supply() -> Balance {
    let accounts = frame_system::Account::<Runtime>::iter_values();
    accounts.map(|account| account.data.free + account.data.reserved).sum()
}

#[test]
fn strangers_start_without_a_key_for_everything() {
    run_on(externalities_of(strangers()), || {
        assert_eq!(pallet_sudo::Key::<Runtime>::get(), None);
        assert_eq!(validators().len(), 4);
        assert_eq!(pallet_collective::Members::<Runtime, Committee>::get().len(), 3);
        let hour = assay_runtime::configs::governance::HourBlocks::get();
        assert_eq!(assay_runtime::governance::Pallet::<Runtime>::hours(1), hour);
    });
}

#[test]
fn the_supply_is_what_the_genesis_gives_to_accounts() {
    let given = u128::from(4 * BALANCE + OTHERS) + EXISTENTIAL_DEPOSIT;
    let known = Sr25519Keyring::well_known().count() as u128 * 10_000_000 * ASY;
    for (genesis, expected) in [
        (strangers(), given),
        (preset(DEV_RUNTIME_PRESET), known + EXISTENTIAL_DEPOSIT),
        (preset(LOCAL_TESTNET_RUNTIME_PRESET), known + EXISTENTIAL_DEPOSIT),
    ] {
        run_on(externalities_of(genesis), || {
            assert_eq!(Balances::total_issuance(), expected);
            assert_eq!(supply(), expected);
            assert_eq!(Balances::free_balance(TreasuryAccount::get()), EXISTENTIAL_DEPOSIT);
        });
    }
}

/// Whoever has it can do everything, which is for chains of developers.
#[test]
fn development_chains_have_a_sudo_key() {
    for name in [DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET] {
        run_on(externalities_of(preset(name)), || {
            let alice = Sr25519Keyring::Alice.to_account_id();
            assert_eq!(pallet_sudo::Key::<Runtime>::get(), Some(alice), "{name}");
        });
    }
}
