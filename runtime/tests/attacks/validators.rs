//! Attacks by validators on the set that they are in.

use assay_primitives::{Balance, ASY};
use assay_runtime::Staking;
use sp_keyring::Sr25519Keyring::{Charlie, Dave};

use crate::{
    common::{
        validators::{next_session, validators},
        *,
    },
    ledger::Measured,
};

/// The stake of a validator of the genesis.
const STAKE: Balance = 100_000 * ASY;

/// Validators leave the set at the next session instead of the next era, however few are left: they
/// remove their session keys.
pub fn removed_keys() -> Measured {
    run(|| {
        let before = validators().len();
        let both = || wealth(Charlie) + wealth(Dave);
        let owned = both();
        for who in [Charlie, Dave] {
            // Refused or not, the attackers pay for it.
            let _ = include(signed(who, pallet_session::Call::purge_keys {}));
            let _ = include(signed(who, pallet_validators::Call::purge_keys {}));
        }
        // Keys take effect in the session after the next one.
        next_session();
        next_session();
        assert_eq!(Staking::active_era().map(|era| era.index), Some(0), "there was no election");
        let gone = before - validators().len();
        Measured {
            attack: "validators without session keys",
            capital: 2 * STAKE,
            cost: owned as i128 - both() as i128,
            harm: gone as Balance * STAKE,
            what: "stake of validators that are missing before an election",
            least_percent: 100,
        }
    })
}

#[test]
fn the_set_stays_as_it_is_until_an_election() {
    removed_keys().check_harmless();
}
