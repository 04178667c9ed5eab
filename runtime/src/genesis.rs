//! Genesis presets of the development chain, of the local network, and of networks of strangers.

use alloc::{vec, vec::Vec};
use assay_primitives::{dispute::DisputeTiming, ASY};
use frame_support::build_struct_json_patch;
use pallet_staking::StakerStatus;
use serde_json::Value;
use sp_authority_discovery::AuthorityId as AuthorityDiscoveryId;
use sp_consensus_babe::AuthorityId as BabeId;
use sp_consensus_grandpa::AuthorityId as GrandpaId;
use sp_genesis_builder::PresetId;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

use crate::{
    configs::{
        consensus::{SessionKeys, BABE_GENESIS_EPOCH_CONFIG},
        staking::least_validators,
    },
    constants::{MaxCandidates, MinNominatorBond, MinValidatorBond, TreasuryAccount},
    AccountId, BabeConfig, BalancesConfig, DisputesConfig, GovernanceConfig, RuntimeGenesisConfig,
    SessionConfig, StakingConfig, SudoConfig, TechnicalCommitteeConfig, EXISTENTIAL_DEPOSIT,
};

/// Initial balance of each well-known account.
const ENDOWMENT: u128 = 10_000_000 * ASY;
/// Stake of each validator of the genesis. Below 2^64 plancks, which programs that edit
/// specifications rely on.
const STAKE: u128 = 100_000 * ASY;
/// Places for validators. All candidates get one on a small network.
const PLACES: u32 = 16;

fn keys(name: Sr25519Keyring) -> (AccountId, AccountId, SessionKeys) {
    let grandpa = match name {
        Sr25519Keyring::Bob => Ed25519Keyring::Bob,
        Sr25519Keyring::Charlie => Ed25519Keyring::Charlie,
        Sr25519Keyring::Dave => Ed25519Keyring::Dave,
        _ => Ed25519Keyring::Alice,
    };
    let account = name.to_account_id();
    let keys = SessionKeys {
        babe: BabeId::from(name.public()),
        grandpa: GrandpaId::from(grandpa.public()),
        authority_discovery: AuthorityDiscoveryId::from(name.public()),
    };
    (account.clone(), account, keys)
}

/// Dispute timing of these chains: 40 seconds to open a dispute, 20 for each move. Short, because
/// all nodes run on one machine, and developers want to see the end of a dispute.
const DISPUTE_TIMING: DisputeTiming = DisputeTiming { window: 20, response: 10 };

/// Blocks of an hour of governance on these chains: an upgrade by referendum takes two minutes.
const HOUR_BLOCKS: u32 = 1;

/// The limits of elections, with these validators and so many places.
fn staking(
    stakers: Vec<(AccountId, AccountId, u128, StakerStatus<AccountId>)>,
    places: u32,
) -> StakingConfig {
    let count = stakers.len() as u32;
    StakingConfig {
        validator_count: places,
        minimum_validator_count: least_validators(count),
        stakers,
        min_nominator_bond: MinNominatorBond::get(),
        min_validator_bond: MinValidatorBond::get(),
        max_validator_count: Some(MaxCandidates::get()),
        ..Default::default()
    }
}

/// A genesis with these validators. Every well-known account has [`ENDOWMENT`], Alice is sudo, and
/// Alice, Bob and Charlie are the technical committee.
fn genesis(validators: &[Sr25519Keyring]) -> Value {
    let mut balances: Vec<(AccountId, u128)> =
        Sr25519Keyring::well_known().map(|name| (name.to_account_id(), ENDOWMENT)).collect();
    // Without the existential deposit, the treasury could not receive smaller amounts.
    balances.push((TreasuryAccount::get(), EXISTENTIAL_DEPOSIT));
    let stakers: Vec<_> = validators
        .iter()
        .map(|name| name.to_account_id())
        .map(|account| (account.clone(), account, STAKE, StakerStatus::Validator))
        .collect();
    build_struct_json_patch!(RuntimeGenesisConfig {
        balances: BalancesConfig { balances },
        babe: BabeConfig { epoch_config: BABE_GENESIS_EPOCH_CONFIG },
        staking: staking(stakers, PLACES),
        session: SessionConfig {
            keys: validators.iter().map(|name| keys(*name)).collect::<Vec<_>>(),
        },
        disputes: DisputesConfig { timing: Some(DISPUTE_TIMING), ..Default::default() },
        governance: GovernanceConfig { hour_blocks: Some(HOUR_BLOCKS), ..Default::default() },
        technical_committee: TechnicalCommitteeConfig {
            members: [Sr25519Keyring::Alice, Sr25519Keyring::Bob, Sr25519Keyring::Charlie]
                .map(|name| name.to_account_id())
                .to_vec(),
            ..Default::default()
        },
        sudo: SudoConfig { key: Some(Sr25519Keyring::Alice.to_account_id()) },
    })
}

/// Name of the preset of networks that have no key for everything.
pub const TESTNET: &str = "testnet";

/// The part of the genesis that is the same for each network of strangers: no sudo key, and days of
/// the usual length for governance. Whoever starts one adds accounts, validators and the members of the
/// technical committee: without validators the node refuses the specification.
fn testnet() -> Value {
    build_struct_json_patch!(RuntimeGenesisConfig {
        balances: BalancesConfig { balances: vec![(TreasuryAccount::get(), EXISTENTIAL_DEPOSIT)] },
        babe: BabeConfig { epoch_config: BABE_GENESIS_EPOCH_CONFIG },
        staking: staking(vec![], 0),
        session: SessionConfig { keys: vec![], ..Default::default() },
        governance: GovernanceConfig { hour_blocks: None, ..Default::default() },
        technical_committee: TechnicalCommitteeConfig { members: vec![], ..Default::default() },
        sudo: SudoConfig { key: None },
    })
}

/// Name of the preset for measurements.
#[cfg(feature = "runtime-benchmarks")]
pub const BENCHMARKS: &str = "benchmarks";

/// The development chain without the least stakes, and with hours of the usual length: the SDK's benchmarks
/// have smaller stakes, and referenda that wait.
#[cfg(feature = "runtime-benchmarks")]
fn benchmarks() -> Value {
    let mut value = genesis(&[Sr25519Keyring::Alice]);
    for limit in ["minNominatorBond", "minValidatorBond"] {
        value["staking"][limit] = 0.into();
    }
    value["governance"]["hourBlocks"] = Value::Null;
    value
}

/// The preset with this name, as a JSON patch of the genesis.
pub fn preset(id: &PresetId) -> Option<Vec<u8>> {
    let value = match id.as_ref() {
        sp_genesis_builder::DEV_RUNTIME_PRESET => genesis(&[Sr25519Keyring::Alice]),
        sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET => genesis(&[
            Sr25519Keyring::Alice,
            Sr25519Keyring::Bob,
            Sr25519Keyring::Charlie,
            Sr25519Keyring::Dave,
        ]),
        TESTNET => testnet(),
        #[cfg(feature = "runtime-benchmarks")]
        BENCHMARKS => benchmarks(),
        _ => return None,
    };
    serde_json::to_vec(&value).ok()
}

/// Names of the presets.
pub fn preset_names() -> Vec<PresetId> {
    vec![
        PresetId::from(sp_genesis_builder::DEV_RUNTIME_PRESET),
        PresetId::from(sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET),
        PresetId::from(TESTNET),
        #[cfg(feature = "runtime-benchmarks")]
        PresetId::from(BENCHMARKS),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Validators;

    /// Below the minimum the set stays as it is, so a large one would bind the validators of the
    /// genesis until others take their places.
    #[test]
    fn a_few_validators_are_enough() {
        let minimum = |count: u8| {
            let staker = |index| {
                let account = AccountId::from([index; 32]);
                (account.clone(), account, STAKE, StakerStatus::Validator)
            };
            staking((0..count).map(staker).collect(), PLACES).minimum_validator_count
        };
        for (count, expected) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (7, 4), (16, 4)] {
            assert_eq!(minimum(count), expected, "{count} validators");
        }
        // Where a validator may fail, it can also lose its candidacy.
        for count in 1..=16 {
            let tolerated = Validators::tolerated(count.into());
            assert!(minimum(count) + tolerated <= u32::from(count), "{count} validators");
        }
    }
}
