//! Balances, and the fees of blocks.

use std::cell::Cell;

use assay_primitives::Balance;
use assay_runtime::{constants::TreasuryAccount, AccountId, Balances, RuntimeEvent};
use sp_keyring::Sr25519Keyring;

use super::events;

thread_local! {
    static FEES_TO_TREASURY: Cell<Balance> = const { Cell::new(0) };
}

/// The fees paid in the last block, with their payers.
pub fn fees() -> Vec<(AccountId, Balance)> {
    events()
        .into_iter()
        .filter_map(|event| match event {
            RuntimeEvent::TransactionPayment(
                pallet_transaction_payment::Event::TransactionFeePaid { who, actual_fee, .. },
            ) => Some((who, actual_fee)),
            _ => None,
        })
        .collect()
}

/// Free balance of an account.
pub fn free(account: &AccountId) -> Balance {
    use frame_support::traits::fungible::Inspect;
    Balances::balance(account)
}

/// The sum of all holds on an account.
pub fn held(account: &AccountId) -> Balance {
    use frame_support::traits::fungible::InspectHold;
    Balances::total_balance_on_hold(account)
}

/// The treasury's account.
pub fn treasury() -> AccountId {
    TreasuryAccount::get()
}

/// The total balance of an account, including holds.
pub fn wealth(who: Sr25519Keyring) -> Balance {
    use frame_support::traits::Currency;
    Balances::total_balance(&who.to_account_id())
}

/// Checks that the fees of the last block were divided: 30 % for the validators, 50 % burnt, the rest
/// for the treasury. Returns the treasury's part.
fn check_fees() -> Balance {
    use pallet_settlement::Event::{Refunded, Settled};
    use pallet_transaction_payment::Event::TransactionFeePaid;
    let (mut paid, mut parts) = (0, None);
    for event in events() {
        match event {
            RuntimeEvent::TransactionPayment(TransactionFeePaid { actual_fee, tip, .. }) => {
                paid += actual_fee - tip;
            },
            RuntimeEvent::Settlement(Settled { fee, .. } | Refunded { fee, .. }) => paid += fee,
            RuntimeEvent::Validators(pallet_validators::Event::FeesDivided {
                validators,
                treasury,
                burnt,
            }) => assert_eq!(parts.replace([validators, treasury, burnt]), None, "divided twice"),
            _ => {},
        }
    }
    let (validators, burnt) = (paid * 3 / 10, paid / 2);
    let treasury = paid - validators - burnt;
    let expected = (paid > 0).then_some([validators, treasury, burnt]);
    assert_eq!(parts, expected, "the division of {paid} plancks of fees");
    treasury
}

/// What the treasury has received of fees since the start of the test.
pub fn fees_to_treasury() -> Balance {
    FEES_TO_TREASURY.get()
}

/// The free balance of the treasury, without its part of fees.
pub fn treasury_without_fees() -> Balance {
    free(&treasury()) - fees_to_treasury()
}

/// The total issuance, as if the treasury had no part of fees.
pub fn issuance_without_fees() -> Balance {
    Balances::total_issuance() - fees_to_treasury()
}

/// Adds the treasury's part of the fees of the last block.
pub fn count_fees() {
    set_fees_to_treasury(fees_to_treasury() + check_fees());
}

/// Sets what the treasury has received.
pub fn set_fees_to_treasury(received: Balance) {
    FEES_TO_TREASURY.set(received);
}
