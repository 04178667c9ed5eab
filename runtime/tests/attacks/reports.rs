//! Attacks with reports of equivocations, which are free.

use assay_primitives::{Balance, ASY};
use sp_keyring::Ed25519Keyring::Bob;

use crate::{
    common::{
        validators::{grandpa_equivocation, next_session},
        *,
    },
    ledger::Measured,
    party::*,
    room::room_of,
};

/// The stake of a validator of the genesis.
const STAKE: Balance = 100_000 * ASY;
/// Reports after the first one.
const MORE: u64 = 20;

/// A validator signs two votes in one round after another, and has each round reported.
pub fn repeated_reports() -> Measured {
    run(|| {
        next_session();
        let reporter = Party::new("reporter", 100 * ASY);
        reporter.submit(grandpa_equivocation(Bob, 1));
        // The penalty is due for the first report, whether others follow or not.
        let before = reporter.wealth();
        let harm = (0..MORE)
            .map(|number| {
                let report = reporter.signed(grandpa_equivocation(Bob, 2 + number));
                let (price, _) = room_of(vec![report]);
                price
            })
            .sum();
        Measured {
            attack: "reports of one's own equivocations",
            capital: STAKE,
            cost: lost(&[&reporter], before),
            harm,
            what: "price of the blocks' room, without the first report",
            least_percent: 99,
        }
    })
}

#[test]
fn only_a_report_that_changes_something_is_free() {
    repeated_reports().check();
}
