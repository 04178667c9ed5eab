//! Attacks with reports of equivocations, which are free.

use assay_primitives::{Balance, ASY};
use assay_runtime::{Runtime, RuntimeCall};
use sp_keyring::{
    Ed25519Keyring::{self, Bob},
    Sr25519Keyring,
};

use crate::{
    common::{
        validators::{era, grandpa_equivocation, next_author, next_session, set_keys, validators},
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

/// The part of their stakes that validators of the genesis do not lose in the era that runs.
fn kept(of: &[Sr25519Keyring]) -> Balance {
    let penalty = |who: &Sr25519Keyring| {
        pallet_staking::ValidatorSlashInEra::<Runtime>::get(era(), who.to_account_id())
    };
    of.iter().map(|who| STAKE - penalty(who).map_or(0, |(share, _)| share * STAKE)).sum()
}

/// Includes a call in a block that one of the other validators makes. The keys of the genesis sign all
/// blocks here.
fn include_by_others(who: &[Sr25519Keyring], of: Sr25519Keyring, call: impl Into<RuntimeCall>) {
    let is_theirs = |index: u32| {
        let author = validators()[index as usize].clone();
        who.iter().any(|one| one.to_account_id() == author)
    };
    while is_theirs(next_author()) {
        skip_slots(1);
    }
    // Refused or not, who sends it pays for it.
    let _ = include(signed(of, call));
}

/// A third of the validators sign two votes in a round, with keys that they use for one session only.
pub fn replaced_keys() -> Measured {
    use Sr25519Keyring::{Charlie, Dave, Eve, Ferdie, One, Two};
    const BOTH: [Sr25519Keyring; 2] = [Charlie, Dave];
    // The third pair is in use; the fourth one is set.
    let changes = [
        [(Charlie, One, Ed25519Keyring::One), (Dave, Two, Ed25519Keyring::Two)],
        [(Charlie, Eve, Ed25519Keyring::Eve), (Dave, Ferdie, Ed25519Keyring::Ferdie)],
    ];
    run(|| {
        let both = || wealth(Charlie) + wealth(Dave);
        let owned = both();
        for change in changes {
            next_session();
            for (who, sr25519, ed25519) in change {
                include_by_others(&BOTH, who, set_keys(who, sr25519, ed25519));
            }
        }
        next_session();
        for key in [Ed25519Keyring::One, Ed25519Keyring::Two] {
            include_by_others(&BOTH, Ferdie, grandpa_equivocation(key, 7));
        }
        Measured {
            attack: "keys that are changed around an equivocation",
            capital: 2 * STAKE,
            cost: owned as i128 - both() as i128,
            harm: kept(&BOTH),
            what: "stake that half of the validators keep after they broke finality",
            least_percent: 100,
        }
    })
}

/// Two validators sign two votes in one round, after each did so alone.
pub fn small_offences() -> Measured {
    use Sr25519Keyring::{Charlie, Dave, Ferdie};
    const BOTH: [Sr25519Keyring; 2] = [Charlie, Dave];
    let keys = [Ed25519Keyring::Charlie, Ed25519Keyring::Dave];
    run(|| {
        next_session();
        let both = || wealth(Charlie) + wealth(Dave);
        let owned = both();
        let alone = keys.into_iter().zip(1..);
        let together = [7; 3].into_iter().flat_map(|round| keys.map(|key| (key, round)));
        for (key, round) in alone.chain(together) {
            include_by_others(&BOTH, Ferdie, grandpa_equivocation(key, round));
        }
        Measured {
            attack: "small offences before a joint one",
            capital: 2 * STAKE,
            cost: owned as i128 - both() as i128,
            harm: kept(&BOTH),
            what: "stake that half of the validators keep after they broke finality",
            least_percent: 100,
        }
    })
}

#[test]
fn who_breaks_finality_loses_everything() {
    replaced_keys().check_harmless();
    small_offences().check_harmless();
}
