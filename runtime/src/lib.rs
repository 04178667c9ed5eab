//! The Assay runtime: consensus, fees, and the pallets of Assay.
//!
//! Constants are in `constants`, the configuration of each pallet in `configs`, origins, tracks and
//! pauses of governance in `governance`, the runtime APIs in `apis`, the views that they return in `views`, the genesis presets in `genesis`, transactions
//! that the node makes in `transactions`, and generated weights in `weights`.
#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "256"]
// The macros of the SDK generate public items without documentation.
#![allow(missing_docs)]

extern crate alloc;

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
pub mod configs;
pub mod constants;
pub mod eras;
pub mod genesis;
pub mod governance;
pub mod transactions;
mod views;
pub mod weights;

pub use apis::api;
#[cfg(feature = "std")]
pub use apis::RuntimeApi;

#[cfg(not(feature = "upgrade-test"))]
use alloc::borrow::Cow;
use alloc::vec::Vec;
use frame_support::weights::{constants::WEIGHT_REF_TIME_PER_SECOND, Weight};
use sp_runtime::{
    generic,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
    MultiAddress, MultiSignature, Perbill,
};
#[cfg(not(feature = "upgrade-test"))]
use sp_version::RuntimeVersion;

pub use assay_primitives::{Balance, BlockNumber};
pub use configs::consensus::SessionKeys;

/// Duration of a slot in milliseconds.
pub const SLOT_DURATION_MS: u64 = if cfg!(feature = "short-slots") { 100 } else { USUAL_SLOT_MS };
/// That of releases.
const USUAL_SLOT_MS: u64 = 2_000;
/// Slots per epoch. An epoch is a session: ten minutes.
pub const EPOCH_DURATION_SLOTS: u32 = eras::ERAS.session_slots;
/// Blocks per minute.
pub const MINUTES: BlockNumber = 60_000 / (SLOT_DURATION_MS as BlockNumber);
/// Blocks per hour.
pub const HOURS: BlockNumber = MINUTES * 60;
/// Blocks per day.
pub const DAYS: BlockNumber = HOURS * 24;
/// Minimum balance of an account: 0.001 ASY.
pub const EXISTENTIAL_DEPOSIT: Balance = assay_primitives::ASY / 1_000;
/// Maximum weight of a block: half of its slot, so that other validators can import it in time.
pub const MAXIMUM_BLOCK_WEIGHT: Weight =
    Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND * USUAL_SLOT_MS / 1_000 / 2, u64::MAX);
/// Share of a block that ordinary transactions may fill. The rest is for operational and mandatory
/// calls.
pub const NORMAL_DISPATCH_RATIO: Perbill = Perbill::from_percent(75);

/// Signature of a transaction.
pub type Signature = MultiSignature;
/// Account: the signer's public key, or the hash of it.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// The form in which transactions name accounts.
pub type Address = MultiAddress<AccountId, ()>;
/// Number of an account's transactions.
pub type Nonce = u32;
/// A BLAKE2b-256 hash.
pub type Hash = sp_core::H256;
/// Block header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// Block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// The transaction extensions. That of workers' calls is first, so that a refused one costs no
/// further checks.
pub type TxExtension = (
    transactions::AuthorizeWorkersCall,
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    transactions::ChargeWithinClass,
    frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
    frame_system::WeightReclaim<Runtime>,
);

/// Transaction.
pub type UncheckedExtrinsic =
    generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;

/// Executes blocks.
pub type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

/// Types of blocks for the node, which does not decode transactions.
pub mod opaque {
    use super::{BlockNumber, Hash};
    pub use sp_runtime::OpaqueExtrinsic as UncheckedExtrinsic;
    use sp_runtime::{generic, traits::BlakeTwo256};

    /// Block header.
    pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
    /// Block.
    pub type Block = generic::Block<Header, UncheckedExtrinsic>;
    /// Block identifier.
    pub type BlockId = generic::BlockId<Block>;
    /// Block hash.
    pub type BlockHash = Hash;
}

/// Version of the runtime. Every change of behaviour, a new call included, raises `spec_version`. A
/// change of an existing call's index or arguments, or of [`TxExtension`], raises
/// `transaction_version` too. `docs/release.md` has the rule for each field.
#[cfg(not(feature = "upgrade-test"))]
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("assay"),
    impl_name: Cow::Borrowed("assay"),
    authoring_version: 1,
    spec_version: 4,
    impl_version: 1,
    apis: apis::RUNTIME_API_VERSIONS,
    transaction_version: 4,
    system_version: 1,
};

#[cfg(feature = "upgrade-test")]
pub use configs::trial::VERSION;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Runtime>;
    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp::Pallet<Runtime>;
    // Must precede Inference: its `on_finalize` publishes the VRF output from which Inference
    // draws.
    #[runtime::pallet_index(2)]
    pub type Babe = pallet_babe::Pallet<Runtime>;
    #[runtime::pallet_index(4)]
    pub type Balances = pallet_balances::Pallet<Runtime>;
    #[runtime::pallet_index(5)]
    pub type TransactionPayment = pallet_transaction_payment::Pallet<Runtime>;
    #[runtime::pallet_index(6)]
    pub type Offences = pallet_offences::Pallet<Runtime>;
    #[runtime::pallet_index(7)]
    pub type Historical = pallet_session::historical::Pallet<Runtime>;
    #[runtime::pallet_index(9)]
    pub type Grandpa = pallet_grandpa::Pallet<Runtime>;
    #[runtime::pallet_index(10)]
    pub type Utility = pallet_utility::Pallet<Runtime>;
    #[runtime::pallet_index(11)]
    pub type Sudo = pallet_sudo::Pallet<Runtime>;
    #[runtime::pallet_index(12)]
    pub type MultiBlockMigrations = pallet_migrations::Pallet<Runtime>;

    // Genesis configurations and hooks run in the order of the indices. Must precede Session: its
    // genesis asks for the first validators, which are elected among the stakers.
    #[runtime::pallet_index(13)]
    pub type Staking = pallet_staking::Pallet<Runtime>;
    #[runtime::pallet_index(14)]
    pub type VoterList = pallet_bags_list::Pallet<Runtime>;
    #[runtime::pallet_index(15)]
    pub type Session = pallet_session::Pallet<Runtime>;
    // Must follow Session: the author of the first block of a session is a validator of this session.
    #[runtime::pallet_index(16)]
    pub type Authorship = pallet_authorship::Pallet<Runtime>;
    #[runtime::pallet_index(17)]
    pub type AuthorityDiscovery = pallet_authority_discovery::Pallet<Runtime>;
    // Divides the fees of a block at its end. No later pallet takes fees then.
    #[runtime::pallet_index(18)]
    pub type Validators = pallet_validators::Pallet<Runtime>;

    // Must precede Inference, whose draws at the end of a
    // block read its clocks: they have to count the block.
    #[runtime::pallet_index(19)]
    pub type Room = pallet_room::Pallet<Runtime>;
    #[runtime::pallet_index(20)]
    pub type Settlement = pallet_settlement::Pallet<Runtime>;
    #[runtime::pallet_index(21)]
    pub type Storage = pallet_storage::Pallet<Runtime>;
    #[runtime::pallet_index(22)]
    pub type ModelRegistry = pallet_model_registry::Pallet<Runtime>;
    #[runtime::pallet_index(23)]
    pub type Operators = pallet_operators::Pallet<Runtime>;
    #[runtime::pallet_index(24)]
    pub type Verification = pallet_verification::Pallet<Runtime>;
    #[runtime::pallet_index(25)]
    pub type Inference = pallet_inference::Pallet<Runtime>;
    #[runtime::pallet_index(26)]
    pub type Disputes = pallet_disputes::Pallet<Runtime>;

    #[runtime::pallet_index(30)]
    pub type Preimage = pallet_preimage::Pallet<Runtime>;
    #[runtime::pallet_index(31)]
    pub type Scheduler = pallet_scheduler::Pallet<Runtime>;
    #[runtime::pallet_index(32)]
    pub type Governance = governance::Pallet<Runtime>;
    #[runtime::pallet_index(33)]
    pub type ConvictionVoting = pallet_conviction_voting::Pallet<Runtime>;
    #[runtime::pallet_index(34)]
    pub type Referenda = pallet_referenda::Pallet<Runtime>;
    #[runtime::pallet_index(35)]
    pub type TechnicalCommittee = pallet_collective::Pallet<Runtime, Instance1>;
    #[runtime::pallet_index(36)]
    pub type Whitelist = pallet_whitelist::Pallet<Runtime>;
    #[runtime::pallet_index(37)]
    pub type SafeMode = pallet_safe_mode::Pallet<Runtime>;
    #[runtime::pallet_index(38)]
    pub type TxPause = pallet_tx_pause::Pallet<Runtime>;
}

#[cfg(feature = "runtime-benchmarks")]
mod benches {
    frame_benchmarking::define_benchmarks!(
        [frame_system, SystemBench::<Runtime>]
        [frame_system_extensions, SystemExtensionsBench::<Runtime>]
        [pallet_babe, BabeBench::<Runtime>]
        [pallet_grandpa, GrandpaBench::<Runtime>]
        [pallet_session, SessionBench::<Runtime>]
        [pallet_balances, Balances]
        [pallet_timestamp, Timestamp]
        [pallet_transaction_payment, TransactionPayment]
        [pallet_utility, Utility]
        [pallet_sudo, Sudo]
        [pallet_migrations, MultiBlockMigrations]
        [frame_election_provider_support, ElectionBench::<Runtime>]
        [pallet_staking, Staking]
        [pallet_bags_list, VoterList]
        [pallet_validators, Validators]
        [pallet_settlement, Settlement]
        [pallet_storage, Storage]
        [pallet_model_registry, ModelRegistry]
        [pallet_operators, Operators]
        [pallet_verification, Verification]
        [pallet_room, Room]
        [pallet_inference, Inference]
        [pallet_disputes, Disputes]
        [pallet_preimage, Preimage]
        [pallet_scheduler, Scheduler]
        [pallet_conviction_voting, ConvictionVoting]
        [pallet_referenda, Referenda]
        [pallet_collective, TechnicalCommittee]
        [pallet_whitelist, Whitelist]
        [pallet_safe_mode, SafeMode]
        [pallet_tx_pause, TxPause]
    );
}
