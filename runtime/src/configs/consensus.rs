//! Configuration of consensus: BABE and GRANDPA with the validators that `staking` elects.
//!
//! A validator that equivocates is disabled until the end of the era, and loses a part of its stake.

use alloc::vec::Vec;
use assay_primitives::traits::{BlockRandomness, BlockVrf};
use frame_support::{
    parameter_types,
    traits::{FindAuthor, Get},
};
use frame_system::offchain::{CreateBare, CreateTransactionBase};
use pallet_session::disabling::UpToLimitWithReEnablingDisablingStrategy;
use sp_consensus_babe::{make_vrf_transcript, RANDOMNESS_VRF_CONTEXT};
use sp_core::crypto::Wraps;
use sp_runtime::{traits::OpaqueKeys, ConsensusEngineId, DigestItem};

use super::{
    offences::{EraOffences, KeyOwners},
    staking::{Bonded, Sessions},
};
use crate::{
    constants::{KeyDeposit, MaxBackers, ReportableSessions},
    weights, AccountId, AuthorityDiscovery, Babe, Balances, Grandpa, Runtime, RuntimeCall,
    RuntimeEvent, Session, Staking, System, UncheckedExtrinsic, Validators, EPOCH_DURATION_SLOTS,
    SLOT_DURATION_MS,
};

sp_runtime::impl_opaque_keys! {
    /// The keys with which a validator takes part in consensus.
    pub struct SessionKeys {
        pub babe: Babe,
        pub grandpa: Grandpa,
        pub authority_discovery: AuthorityDiscovery,
    }
}

/// Every slot has a secondary author with a VRF output, so that each block has randomness. One slot
/// in a hundred also has a primary author. Then both make a block, and one of the two is abandoned.
pub const BABE_GENESIS_EPOCH_CONFIG: sp_consensus_babe::BabeEpochConfiguration =
    sp_consensus_babe::BabeEpochConfiguration {
        c: (1, 100),
        allowed_slots: sp_consensus_babe::AllowedSlots::PrimaryAndSecondaryVRFSlots,
    };

parameter_types! {
    pub const EpochDuration: u64 = EPOCH_DURATION_SLOTS as u64;
    pub const ExpectedBlockTime: u64 = SLOT_DURATION_MS;
    pub const MaxAuthorities: u32 = 100;
    /// Slots for which a report of an equivocation can wait.
    pub const ReportLongevity: u64 =
        ReportableSessions::get() as u64 * EPOCH_DURATION_SLOTS as u64;
    pub const MaxSetIdSessionEntries: u64 = ReportableSessions::get() as u64;
}

type KeyOwnerProof = sp_session::MembershipProof;

impl pallet_babe::Config for Runtime {
    type EpochDuration = EpochDuration;
    type ExpectedBlockTime = ExpectedBlockTime;
    type EpochChangeTrigger = pallet_babe::ExternalTrigger;
    type DisabledValidators = Session;
    type WeightInfo = weights::pallet_babe::WeightInfo<Runtime>;
    type MaxAuthorities = MaxAuthorities;
    type MaxNominators = MaxBackers;
    type KeyOwnerProof = KeyOwnerProof;
    type EquivocationReportSystem =
        pallet_babe::EquivocationReportSystem<Self, EraOffences, KeyOwners, ReportLongevity>;
}

impl pallet_grandpa::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = weights::pallet_grandpa::WeightInfo<Runtime>;
    type MaxAuthorities = MaxAuthorities;
    type MaxNominators = MaxBackers;
    type MaxSetIdSessionEntries = MaxSetIdSessionEntries;
    type KeyOwnerProof = KeyOwnerProof;
    type EquivocationReportSystem =
        pallet_grandpa::EquivocationReportSystem<Self, EraOffences, KeyOwners, ReportLongevity>;
}

impl pallet_authorship::Config for Runtime {
    type FindAuthor = AuthorOf;
    type EventHandler = (Staking, Validators);
}

/// The account of the validator that made a block.
pub struct AuthorOf;
impl FindAuthor<AccountId> for AuthorOf {
    fn find_author<'a, I>(digests: I) -> Option<AccountId>
    where
        I: 'a + IntoIterator<Item = (ConsensusEngineId, &'a [u8])>,
    {
        pallet_session::FindAccountFromAuthorIndex::<Runtime, Babe>::find_author(digests)
    }
}

impl pallet_session::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = AccountId;
    type ValidatorIdOf = Bonded;
    type ShouldEndSession = Babe;
    type NextSessionRotation = Babe;
    type SessionManager = Sessions;
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type Keys = SessionKeys;
    type DisablingStrategy = UpToLimitWithReEnablingDisablingStrategy;
    type WeightInfo = weights::pallet_session::WeightInfo<Runtime>;
    type Currency = Balances;
    type KeyDeposit = KeyDeposit;
}

// Nodes send equivocation reports without a signature, and accept them only from themselves.
impl<LocalCall> CreateTransactionBase<LocalCall> for Runtime
where
    RuntimeCall: From<LocalCall>,
{
    type Extrinsic = UncheckedExtrinsic;
    type RuntimeCall = RuntimeCall;
}

impl<LocalCall> CreateBare<LocalCall> for Runtime
where
    RuntimeCall: From<LocalCall>,
{
    fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
        UncheckedExtrinsic::new_bare(call)
    }
}

/// The author of the current block, and how many may be. At the first block of an epoch its index is
/// compared with those of the epoch before: then an author may count once more, or once less.
pub struct BlockAuthor;

impl Get<Option<u32>> for BlockAuthor {
    fn get() -> Option<u32> {
        let digest = System::digest();
        Babe::find_author(digest.logs().iter().filter_map(DigestItem::as_pre_runtime))
    }
}

impl Get<u32> for BlockAuthor {
    fn get() -> u32 {
        pallet_babe::Authorities::<Runtime>::decode_len().unwrap_or_default() as u32
    }
}

/// The VRF output of the current block's author, from the start of Babe's block to its end. Babe
/// itself publishes it at the end. The client verifies the signature before it imports a block.
pub struct BabeVrf;
impl BlockRandomness for BabeVrf {
    fn current() -> Option<BlockVrf> {
        let claim = Babe::initialized()??;
        let authorities = Babe::authorities();
        let (author, _) = authorities.get(claim.authority_index() as usize)?;
        let transcript =
            make_vrf_transcript(&Babe::randomness(), Babe::current_slot(), Babe::epoch_index());
        let public = author.as_inner_ref();
        let output = public
            .make_bytes(RANDOMNESS_VRF_CONTEXT, &transcript, &claim.vrf_signature()?.pre_output)
            .ok()?;
        Some(BlockVrf { author: public.0, output })
    }

    fn authors() -> u32 {
        Babe::authorities().len() as u32
    }
}
