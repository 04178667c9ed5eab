//! Configuration of accounts, blocks, balances, and the utility and sudo pallets.

use frame_support::{
    derive_impl,
    dispatch::DispatchClass,
    parameter_types,
    traits::{ConstU32, VariantCountOf},
    weights::Weight,
};
use frame_system::limits::{BlockLength, BlockWeights};
use sp_runtime::traits::AccountIdLookup;
use sp_version::RuntimeVersion;

use super::migrations::SingleBlock;
use crate::{
    governance::calls::OpenCalls, weights, AccountId, Balance, Block, BlockNumber, Hash,
    MultiBlockMigrations, Nonce, OriginCaller, PalletInfo, Runtime, RuntimeCall, RuntimeEvent,
    RuntimeFreezeReason, RuntimeHoldReason, RuntimeOrigin, RuntimeTask, System,
    EXISTENTIAL_DEPOSIT, MAXIMUM_BLOCK_WEIGHT, NORMAL_DISPATCH_RATIO, SLOT_DURATION_MS, VERSION,
};

/// Maximum length of all transactions of a block, in bytes: 5 MiB.
pub const MAX_BLOCK_BYTES: u32 = 5 * 1024 * 1024;

parameter_types! {
    /// Number of recent block hashes in the state, and the maximum era of a mortal transaction.
    pub const BlockHashCount: BlockNumber = 2_400;
    pub const Version: RuntimeVersion = VERSION;
    /// Maximum weight of a transaction with its extensions: a quarter of a block. An upgrade of the
    /// runtime takes most of it.
    pub MaxTransactionWeight: Weight = MAXIMUM_BLOCK_WEIGHT.saturating_div(4);
    pub RuntimeBlockWeights: BlockWeights = block_weights();
    /// Ordinary transactions may fill three quarters.
    pub RuntimeBlockLength: BlockLength =
        BlockLength::builder().max_length(MAX_BLOCK_BYTES).modify_max_length_for_class(
            DispatchClass::Normal,
            |length| *length = NORMAL_DISPATCH_RATIO * *length,
        ).build();
    /// The generic prefix of Substrate addresses.
    pub const SS58Prefix: u8 = 42;
    pub const MinimumPeriod: u64 = SLOT_DURATION_MS / 2;
    pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
}

fn block_weights() -> BlockWeights {
    let mut weights =
        BlockWeights::with_sensible_defaults(MAXIMUM_BLOCK_WEIGHT, NORMAL_DISPATCH_RATIO);
    for class in [DispatchClass::Normal, DispatchClass::Operational] {
        weights.per_class.get_mut(class).max_extrinsic = Some(MaxTransactionWeight::get());
    }
    weights
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type BaseCallFilter = OpenCalls;
    type BlockWeights = RuntimeBlockWeights;
    type BlockLength = RuntimeBlockLength;
    type AccountId = AccountId;
    type Nonce = Nonce;
    type Hash = Hash;
    type BlockHashCount = BlockHashCount;
    type DbWeight = weights::database::DatabaseWeights;
    type Version = Version;
    type AccountData = pallet_balances::AccountData<Balance>;
    type Lookup = AccountIdLookup<AccountId, ()>;
    type SS58Prefix = SS58Prefix;
    type MaxConsumers = ConstU32<16>;
    type SystemWeightInfo = weights::frame_system::WeightInfo<Runtime>;
    type ExtensionsWeightInfo = weights::frame_system_extensions::WeightInfo<Runtime>;
    type SingleBlockMigrations = SingleBlock;
    type MultiBlockMigrator = MultiBlockMigrations;
}

impl pallet_timestamp::Config for Runtime {
    type Moment = u64;
    type OnTimestampSet = crate::Babe;
    type MinimumPeriod = MinimumPeriod;
    type WeightInfo = weights::pallet_timestamp::WeightInfo<Runtime>;
}

impl pallet_balances::Config for Runtime {
    type MaxLocks = ConstU32<50>;
    type MaxReserves = ();
    type ReserveIdentifier = [u8; 8];
    type Balance = Balance;
    type RuntimeEvent = RuntimeEvent;
    type DustRemoval = ();
    type ExistentialDeposit = ExistentialDeposit;
    type AccountStore = System;
    type WeightInfo = weights::pallet_balances::WeightInfo<Runtime>;
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
    type RuntimeHoldReason = RuntimeHoldReason;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type DoneSlashHandler = ();
}

impl pallet_utility::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PalletsOrigin = OriginCaller;
    type WeightInfo = weights::pallet_utility::WeightInfo<Runtime>;
}

/// For development and local chains. A chain without a sudo key in its genesis has no sudo account:
/// there, referenda act as root.
impl pallet_sudo::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type WeightInfo = weights::pallet_sudo::WeightInfo<Runtime>;
}
