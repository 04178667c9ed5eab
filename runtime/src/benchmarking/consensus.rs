//! Benchmarks of the consensus pallets' calls, with the maximum number of validators and nominators.
//!
//! The SDK has benchmarks of these calls for its own runtimes only.

use alloc::{boxed::Box, vec::Vec};
use codec::Encode;
use frame_benchmarking::account;
use frame_support::{dispatch::DispatchResult, traits::KeyOwnerProofSystem};
use frame_system::RawOrigin;
use sp_application_crypto::RuntimeAppPublic;
use sp_consensus_babe::digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest};
use sp_core::{crypto::KeyTypeId, H256};
use sp_runtime::{traits::Header as _, Digest, DigestItem};
use sp_session::MembershipProof;

use super::Helper;
use crate::{
    configs::{consensus::SessionKeys, offences::KeyOwners},
    constants::{MinNominatorBond, MinValidatorBond},
    AccountId, BlockNumber, Grandpa, Header, Runtime, RuntimeCall, RuntimeOrigin, Session, Staking,
    Validators, EPOCH_DURATION_SLOTS,
};
use assay_primitives::traits::BenchmarkHelper;

/// The session of the benchmarks.
const SESSION: u32 = 5;
/// The id of GRANDPA's voter set in that session.
const SET: u64 = 1;
const ROUND: u64 = 7;

/// A call that succeeds, with its origin.
type Prepared = (RuntimeOrigin, RuntimeCall);

fn validator(index: u32) -> AccountId {
    account("validator", index, 0)
}

/// New session keys, with the signature of each over `owner`.
fn keys(owner: &AccountId) -> (SessionKeys, Vec<u8>) {
    let generated = SessionKeys::generate(&owner.encode(), None);
    (generated.keys, generated.proof.encode())
}

fn set_keys(owner: AccountId) -> Prepared {
    let (keys, proof) = keys(&owner);
    (RawOrigin::Signed(owner).into(), pallet_session::Call::set_keys { keys, proof }.into())
}

/// Bonds the least stake of a validator.
fn bond(account: &AccountId) {
    Helper::endow(account);
    let payee = pallet_staking::RewardDestination::Staked;
    Staking::bond(RawOrigin::Signed(account.clone()).into(), MinValidatorBond::get(), payee)
        .expect("the account can pay and has no bond");
}

/// Gives an account that has had a stake session keys.
pub fn set_keys_without_stake(account: &AccountId) {
    bond(account);
    let (keys, proof) = keys(account);
    Session::set_keys(RawOrigin::Signed(account.clone()).into(), keys, proof)
        .expect("the keys are new and the account can pay");
    Staking::force_unstake(RawOrigin::Root.into(), account.clone(), 0)
        .expect("the account has a stake");
}

/// Makes a session of this many validators, which are candidates.
pub fn elect(count: u32) {
    let accounts: Vec<_> = (0..count).map(validator).collect();
    for account in &accounts {
        bond(account);
        let prefs = pallet_staking::ValidatorPrefs::default();
        Staking::validate(RawOrigin::Signed(account.clone()).into(), prefs)
            .expect("the bond is large enough");
    }
    pallet_session::Validators::<Runtime>::put(&accounts);
}

/// Starts an era in which the last of these validators, which offends, has this many nominators.
fn era(validators: u32, nominators: u32) {
    const ERA: u32 = 3;
    let info = pallet_staking::ActiveEraInfo { index: ERA, start: Some(0) };
    pallet_staking::ActiveEra::<Runtime>::put(info);
    pallet_staking::ErasStartSessionIndex::<Runtime>::insert(ERA, SESSION);
    pallet_staking::BondedEras::<Runtime>::put([(ERA, SESSION)].to_vec());
    let others: Vec<_> = (0..nominators)
        .map(|number| pallet_staking::IndividualExposure {
            who: account("nominator", number, 0),
            value: MinNominatorBond::get(),
        })
        .collect();
    let own = MinValidatorBond::get();
    let total = own + others.iter().map(|one| one.value).sum::<crate::Balance>();
    let exposure = pallet_staking::Exposure { total, own, others };
    pallet_staking::EraInfo::<Runtime>::set_exposure(ERA, &validator(validators - 1), exposure);
}

/// Starts a session with this many validators. Returns the keys of the last one.
fn session(validators: u32) -> SessionKeys {
    let accounts: Vec<_> = (0..validators).map(validator).collect();
    pallet_session::Validators::<Runtime>::put(&accounts);
    pallet_session::CurrentIndex::<Runtime>::put(SESSION);
    let (mut members, mut last) = (Vec::new(), None);
    for account in accounts {
        bond(&account);
        let (keys, proof) = keys(&account);
        Session::set_keys(RawOrigin::Signed(account.clone()).into(), keys.clone(), proof)
            .expect("the keys are new and the account can pay");
        members.push((account, keys.clone().into()));
        last = Some(keys);
    }
    Validators::start_session(SESSION, members);
    last.expect("a validator")
}

fn ownership(kind: KeyTypeId, key: &impl AsRef<[u8]>) -> MembershipProof {
    KeyOwners::prove((kind, key)).expect("the key is a validator's")
}

fn reporter() -> RuntimeOrigin {
    let reporter = account("reporter", 0, 0);
    Helper::endow(&reporter);
    RawOrigin::Signed(reporter).into()
}

/// A report of two headers by one author in one slot.
fn babe_equivocation(validators: u32, nominators: u32) -> Prepared {
    let offender = session(validators).babe;
    era(validators, nominators);
    let slot = pallet_babe::GenesisSlot::<Runtime>::get()
        + u64::from(SESSION) * u64::from(EPOCH_DURATION_SLOTS);
    let header = |state_root: u8| {
        let authority_index = validators - 1;
        let pre_digest =
            PreDigest::SecondaryPlain(SecondaryPlainPreDigest { authority_index, slot });
        let digest = Digest { logs: alloc::vec![DigestItem::babe_pre_digest(pre_digest)] };
        let (hash, root) = (H256::repeat_byte(1), H256::repeat_byte(state_root));
        let mut header = Header::new(9, hash, root, hash, digest);
        let seal = offender.sign(&header.hash()).expect("the key is in the keystore");
        header.digest_mut().push(DigestItem::babe_seal(seal));
        header
    };
    let equivocation_proof = Box::new(sp_consensus_babe::EquivocationProof {
        offender: offender.clone(),
        slot,
        first_header: header(2),
        second_header: header(3),
    });
    let key_owner_proof = ownership(sp_consensus_babe::KEY_TYPE, &offender);
    let call = pallet_babe::Call::report_equivocation { equivocation_proof, key_owner_proof };
    (reporter(), call.into())
}

/// A report of two prevotes by one voter in one round.
fn grandpa_equivocation(validators: u32, nominators: u32) -> Prepared {
    let identity = session(validators).grandpa;
    era(validators, nominators);
    pallet_grandpa::SetIdSession::<Runtime>::insert(SET - 1, SESSION - 1);
    pallet_grandpa::SetIdSession::<Runtime>::insert(SET, SESSION);
    let vote = |target: u8| {
        let target_hash = H256::repeat_byte(target);
        let prevote = finality_grandpa::Prevote { target_hash, target_number: 9 as BlockNumber };
        let message = finality_grandpa::Message::Prevote(prevote.clone());
        let payload = sp_consensus_grandpa::localized_payload(ROUND, SET, &message);
        (prevote, identity.sign(&payload).expect("the key is in the keystore"))
    };
    let equivocation = finality_grandpa::Equivocation {
        round_number: ROUND,
        identity: identity.clone(),
        first: vote(1),
        second: vote(2),
    };
    let equivocation_proof = Box::new(sp_consensus_grandpa::EquivocationProof::new(
        SET,
        sp_consensus_grandpa::Equivocation::Prevote(equivocation),
    ));
    let key_owner_proof = ownership(sp_consensus_grandpa::KEY_TYPE, &identity);
    let call = pallet_grandpa::Call::report_equivocation { equivocation_proof, key_owner_proof };
    (reporter(), call.into())
}

/// The functions of the runtime that the benchmarks need.
pub trait Config: frame_system::Config {
    fn set_keys() -> (Self::RuntimeOrigin, Self::RuntimeCall);
    /// The call itself, which the runtime's filter closes.
    fn purge_keys() -> impl FnOnce() -> DispatchResult;
    fn plan_config_change() -> (Self::RuntimeOrigin, Self::RuntimeCall);
    fn babe_equivocation(
        validators: u32,
        nominators: u32,
    ) -> (Self::RuntimeOrigin, Self::RuntimeCall);
    fn grandpa_equivocation(
        validators: u32,
        nominators: u32,
    ) -> (Self::RuntimeOrigin, Self::RuntimeCall);
    fn note_stalled() -> (Self::RuntimeOrigin, Self::RuntimeCall);
}

impl Config for Runtime {
    fn set_keys() -> Prepared {
        // Replacing keys is more expensive than setting the first ones.
        session(1);
        set_keys(validator(0))
    }

    fn purge_keys() -> impl FnOnce() -> DispatchResult {
        session(1);
        || Session::purge_keys(RawOrigin::Signed(validator(0)).into())
    }

    fn plan_config_change() -> Prepared {
        let genesis = crate::configs::consensus::BABE_GENESIS_EPOCH_CONFIG;
        let config = sp_consensus_babe::digests::NextConfigDescriptor::V1 {
            c: genesis.c,
            allowed_slots: genesis.allowed_slots,
        };
        (RawOrigin::Root.into(), pallet_babe::Call::plan_config_change { config }.into())
    }

    fn babe_equivocation(validators: u32, nominators: u32) -> Prepared {
        babe_equivocation(validators, nominators)
    }

    fn grandpa_equivocation(validators: u32, nominators: u32) -> Prepared {
        grandpa_equivocation(validators, nominators)
    }

    fn note_stalled() -> Prepared {
        assert!(Grandpa::stalled().is_none());
        let call =
            pallet_grandpa::Call::note_stalled { delay: 1_000, best_finalized_block_number: 1 };
        (RawOrigin::Root.into(), call.into())
    }
}

/// Benchmarks of the calls of `pallet_session`.
pub mod session_calls {
    use super::Config;
    use core::marker::PhantomData;
    use frame_benchmarking::v2::*;
    use sp_runtime::traits::Dispatchable;

    pub struct Pallet<T: Config>(PhantomData<T>);

    #[benchmarks]
    mod benchmarks {
        use super::*;

        #[benchmark]
        fn set_keys() {
            let (origin, call) = T::set_keys();
            let result;
            #[block]
            {
                result = call.dispatch(origin);
            }
            assert!(result.is_ok());
        }

        #[benchmark]
        fn purge_keys() {
            let purge = T::purge_keys();
            let result;
            #[block]
            {
                result = purge();
            }
            assert!(result.is_ok());
        }
    }
}

/// Benchmarks of the calls of `pallet_babe`.
pub mod babe_calls {
    use super::Config;
    use crate::{configs::consensus::MaxAuthorities, constants::MaxBackers};
    use core::marker::PhantomData;
    use frame_benchmarking::v2::*;
    use sp_runtime::traits::Dispatchable;

    pub struct Pallet<T: Config>(PhantomData<T>);

    #[benchmarks]
    mod benchmarks {
        use super::*;

        #[benchmark]
        fn plan_config_change() {
            let (origin, call) = T::plan_config_change();
            let result;
            #[block]
            {
                result = call.dispatch(origin);
            }
            assert!(result.is_ok());
        }

        #[benchmark]
        fn report_equivocation(
            v: Linear<1, { MaxAuthorities::get() }>,
            n: Linear<0, { MaxBackers::get() }>,
        ) {
            let (origin, call) = T::babe_equivocation(v, n);
            let result;
            #[block]
            {
                result = call.dispatch(origin);
            }
            assert!(result.is_ok());
        }
    }
}

/// Benchmarks of the calls of `pallet_grandpa`.
pub mod grandpa_calls {
    use super::Config;
    use crate::{configs::consensus::MaxAuthorities, constants::MaxBackers};
    use core::marker::PhantomData;
    use frame_benchmarking::v2::*;
    use sp_runtime::traits::Dispatchable;

    pub struct Pallet<T: Config>(PhantomData<T>);

    #[benchmarks]
    mod benchmarks {
        use super::*;

        #[benchmark]
        fn report_equivocation(
            v: Linear<1, { MaxAuthorities::get() }>,
            n: Linear<0, { MaxBackers::get() }>,
        ) {
            let (origin, call) = T::grandpa_equivocation(v, n);
            let result;
            #[block]
            {
                result = call.dispatch(origin);
            }
            assert!(result.is_ok());
        }

        #[benchmark]
        fn note_stalled() {
            let (origin, call) = T::note_stalled();
            let result;
            #[block]
            {
                result = call.dispatch(origin);
            }
            assert!(result.is_ok());
        }
    }
}
