//! Sessions, eras and stakes.

use assay_primitives::Balance;
use assay_runtime::{
    configs::{consensus::SessionKeys, offences::KeyOwners},
    AccountId, Babe, Balances, Runtime, RuntimeCall, RuntimeHoldReason, Session, Staking,
    VoterList, EPOCH_DURATION_SLOTS,
};
use codec::Encode;
use frame_election_provider_support::SortedListProvider;
use frame_support::{
    assert_ok,
    traits::{fungible::InspectHold, KeyOwnerProofSystem},
};
use pallet_staking::{RewardDestination, ValidatorPrefs};
use sp_core::{
    crypto::KeyTypeId, proof_of_possession::ProofOfPossessionGenerator, Pair as _, H256,
};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_session::MembershipProof;

use super::{block, empty_block, include, next_slot, signed, skip_slots, submit};

/// Session keys made of these keys.
pub fn keys_of(sr25519: Sr25519Keyring, ed25519: Ed25519Keyring) -> SessionKeys {
    SessionKeys {
        babe: sr25519.public().into(),
        grandpa: ed25519.public().into(),
        authority_discovery: sr25519.public().into(),
    }
}

/// The call by which `owner` sets these keys, with the proof that it has them.
pub fn set_keys(
    owner: Sr25519Keyring,
    sr25519: Sr25519Keyring,
    ed25519: Ed25519Keyring,
) -> pallet_session::Call<Runtime> {
    let account = owner.to_account_id().encode();
    let babe = sr25519.pair().generate_proof_of_possession(&account);
    let grandpa = ed25519.pair().generate_proof_of_possession(&account);
    let proof = (babe, grandpa, babe).encode();
    pallet_session::Call::set_keys { keys: keys_of(sr25519, ed25519), proof }
}

/// The call that bonds a stake. Rewards go to the free balance.
pub fn bond(value: Balance) -> pallet_staking::Call<Runtime> {
    pallet_staking::Call::bond { value, payee: RewardDestination::Stash }
}

/// The call that makes its sender a candidate, which keeps nothing of its nominators' rewards.
pub fn candidacy() -> pallet_staking::Call<Runtime> {
    pallet_staking::Call::validate { prefs: ValidatorPrefs::default() }
}

/// Makes an account a candidate, in three transactions.
pub fn join(who: Sr25519Keyring, stake: Balance, sr25519: Sr25519Keyring, ed25519: Ed25519Keyring) {
    submit(who, bond(stake));
    submit(who, set_keys(who, sr25519, ed25519));
    submit(who, candidacy());
}

/// The validators of the session.
pub fn validators() -> Vec<AccountId> {
    Session::validators()
}

/// Whether an account is a validator of the session.
pub fn is_validator(who: Sr25519Keyring) -> bool {
    validators().contains(&who.to_account_id())
}

/// The era that runs.
pub fn era() -> u32 {
    pallet_staking::ActiveEra::<Runtime>::get().expect("an era runs").index
}

/// The index of the session.
pub fn session() -> u32 {
    Session::current_index()
}

/// Leaves the slots up to the next session out, and makes its first block.
pub fn next_session() {
    let before = session();
    let next = *Babe::current_epoch_start() + u64::from(EPOCH_DURATION_SLOTS);
    skip_slots(next - *next_slot());
    empty_block();
    assert_eq!(session(), before + 1);
}

/// Makes sessions of one block up to the first session of an era.
pub fn go_to_era(index: u32) {
    while era() < index {
        next_session();
    }
}

/// The author of the next slot.
pub fn next_author() -> u32 {
    (*next_slot() % Babe::authorities().len() as u64) as u32
}

/// Makes this many blocks, all of authors other than these, in the session that runs.
pub fn blocks_without(absent: &[u32], count: u32) {
    for _ in 0..count {
        while absent.contains(&next_author()) {
            skip_slots(1);
        }
        empty_block();
    }
}

/// The stake of an account that counts.
pub fn staked(who: Sr25519Keyring) -> Balance {
    let ledger = Staking::ledger(sp_staking::StakingAccount::Stash(who.to_account_id()));
    ledger.map_or(0, |ledger| ledger.active)
}

/// What is held of an account as a stake.
pub fn held_as_stake(account: &AccountId) -> Balance {
    let reason = RuntimeHoldReason::Staking(pallet_staking::HoldReason::Staking);
    Balances::balance_on_hold(&reason, account)
}

/// Pays out what a validator and its nominators have earned in an era.
pub fn pay_out(validator: &AccountId, era: u32) {
    let call = pallet_staking::Call::payout_stakers { validator_stash: validator.clone(), era };
    assert_ok!(include(signed(Sr25519Keyring::Ferdie, call)));
}

/// Runs a call as root, through Alice's sudo.
pub fn as_root(call: impl Into<RuntimeCall>) {
    let call = pallet_sudo::Call::sudo { call: Box::new(call.into()) };
    let results = block(vec![signed(Sr25519Keyring::Alice, call)]);
    assert_eq!(results, [Ok(Ok(()))]);
    let done = super::events().into_iter().any(|event| {
        matches!(
            event,
            assay_runtime::RuntimeEvent::Sudo(pallet_sudo::Event::Sudid { sudo_result: Ok(_) })
        )
    });
    assert!(done, "the call failed");
}

/// The proof that a key is one of a validator's of the session.
pub fn ownership(kind: KeyTypeId, key: &[u8]) -> MembershipProof {
    KeyOwners::prove((kind, key)).expect("the key is a validator's")
}

/// A report of two prevotes by one voter in a round of the set that votes now.
pub fn grandpa_equivocation(offender: Ed25519Keyring, round_number: u64) -> RuntimeCall {
    let set = pallet_grandpa::CurrentSetId::<Runtime>::get();
    let vote = |target: u8| {
        let target_hash = H256::repeat_byte(target);
        let prevote = finality_grandpa::Prevote { target_hash, target_number: 9u32 };
        let message = finality_grandpa::Message::Prevote(prevote.clone());
        let payload = sp_consensus_grandpa::localized_payload(round_number, set, &message);
        (prevote, offender.pair().sign(&payload).into())
    };
    let equivocation = finality_grandpa::Equivocation {
        round_number,
        identity: offender.public().into(),
        first: vote(1),
        second: vote(2),
    };
    let equivocation_proof = Box::new(sp_consensus_grandpa::EquivocationProof::new(
        set,
        sp_consensus_grandpa::Equivocation::Prevote(equivocation),
    ));
    let key_owner_proof = ownership(sp_consensus_grandpa::KEY_TYPE, &offender.public());
    pallet_grandpa::Call::report_equivocation { equivocation_proof, key_owner_proof }.into()
}

/// Checks the invariants of staking: every stake is held, all stakers are in the list of voters, and
/// no more can be minted than the eras have earned.
pub fn check_staking() {
    let mut stakers = 0;
    for (account, ledger) in pallet_staking::Ledger::<Runtime>::iter() {
        let unlocking: Balance = ledger.unlocking.iter().map(|chunk| chunk.value).sum();
        assert_eq!(ledger.total, ledger.active + unlocking, "the ledger of {account}");
        assert_eq!(ledger.total, held_as_stake(&account), "the stake of {account}");
        let nominates = pallet_staking::Nominators::<Runtime>::contains_key(&account);
        let validates = pallet_staking::Validators::<Runtime>::contains_key(&account);
        assert!(!(nominates && validates), "{account} nominates and validates");
        assert_eq!(nominates || validates, VoterList::contains(&account), "{account} as a voter");
        stakers += u32::from(nominates || validates);
    }
    assert_eq!(stakers, VoterList::count());
    let earned: Balance = pallet_staking::ErasValidatorReward::<Runtime>::iter_values().sum();
    assert!(pallet_validators::Unminted::<Runtime>::get() <= earned);
    for account in validators() {
        assert!(
            pallet_session::NextKeys::<Runtime>::contains_key(&account),
            "{account} has no keys"
        );
    }
}
