//! Configuration of the pallets of Assay, and their wiring.

use assay_primitives::proof::MAX_PROOF_BYTES;
use frame_support::pallet_prelude::ConstU32;
use frame_system::EnsureRoot;
use sp_runtime::traits::Convert;

use super::{
    consensus::{BabeVrf, BlockAuthor},
    fees::LengthPrice,
};
use crate::{
    constants::*,
    governance::origins::SpendOrigin,
    transactions::{CallOverhead, WatcherCrypto},
    weights, AccountId, Balance, Balances, Disputes, Inference, ModelRegistry, Operators, Room,
    Runtime, RuntimeHoldReason, Settlement, Storage, System, TransactionPayment, Validators,
    Verification,
};

/// What votes lock.
pub struct Locked;

impl Convert<&AccountId, Balance> for Locked {
    fn convert(account: &AccountId) -> Balance {
        System::account(account).data.frozen
    }
}

impl pallet_settlement::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type TreasuryAccount = TreasuryAccount;
    type TreasuryShare = TreasuryShare;
    type Fees = Validators;
    type SpendOrigin = SpendOrigin;
    type Locked = Locked;
    type WeightInfo = weights::pallet_settlement::WeightInfo<Runtime>;
}

impl pallet_storage::Config for Runtime {
    type Deposits = Settlement;
    type BaseDeposit = ArtifactBaseDeposit;
    type ByteDeposit = ByteDeposit;
    type WeightInfo = weights::pallet_storage::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarking::Helper;
}

impl pallet_model_registry::Config for Runtime {
    type Artifacts = Storage;
    type Deposits = Settlement;
    type AvailableClasses = AvailableClasses;
    type MaxProofCost = MaxProofCost;
    type MaxInputBytes = MaxInputBytes;
    type MaxOutputBytes = MaxOutputBytes;
    type MaxRoyalty = MaxRoyalty;
    type BaseDeposit = ModelBaseDeposit;
    type ByteDeposit = StateByteDeposit;
    type WeightInfo = weights::pallet_model_registry::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarking::Helper;
}

impl pallet_operators::Config for Runtime {
    type Bonds = Settlement;
    type Models = ModelRegistry;
    type Room = Room;
    type MinBond = MinBond;
    type MaxServers = MaxServers;
    type MaxServed = MaxServed;
    type MaxConcurrency = MaxConcurrency;
    type MaxResponseBlocks = MaxResponseBlocks;
    type HeartbeatInterval = HeartbeatInterval;
    type HeartbeatTimeout = HeartbeatTimeout;
    type UnbondingPeriod = UnbondingPeriod;
    type SeatTimeout = SeatTimeout;
    type WrongResultSlash = WrongResultSlash;
    type NoAnswerSlash = NoAnswerSlash;
    type EquivocationSlash = EquivocationSlash;
    type LostDisputeSlash = LostDisputeSlash;
    type CompensationShare = CompensationShare;
    type HeartbeatPriority = HeartbeatPriority;
    type WeightInfo = weights::pallet_operators::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarking::Helper;
}

impl pallet_verification::Config for Runtime {
    type Operators = Operators;
    type Models = ModelRegistry;
    type Requests = Inference;
    type MaxProofCost = MaxProofCost;
    type AvailableClasses = AvailableClasses;
    type MaxOutputBytes = MaxOutputBytes;
    type AdminOrigin = EnsureRoot<AccountId>;
    type WeightInfo = weights::pallet_verification::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarking::Helper;
}

impl pallet_room::Config for Runtime {
    type Author = BlockAuthor;
    type Authorities = BlockAuthor;
    type AnswerShare = AnswerShare;
    type CallOverhead = CallOverhead;
    type LargestAnswer = LargestAnswer;
    type LargestMove = LargestMove;
    type WeightPrice = TransactionPayment;
    type LengthPrice = LengthPrice;
    type WeightInfo = weights::pallet_room::WeightInfo<Runtime>;
}

impl pallet_inference::Config for Runtime {
    type Room = Room;
    type RoomyBlocks = RoomyBlocks;
    type Models = ModelRegistry;
    type Operators = Operators;
    type Escrow = Settlement;
    type Verification = Verification;
    type Artifacts = Storage;
    type Randomness = BabeVrf;
    type Disputes = Disputes;
    type DisputeWindow = pallet_disputes::DisputeWindow<Runtime>;
    type Proofs = Verification;
    type OnRequestFinal = ();
    type AppealWindow = AppealWindow;
    type MaxInputBytes = MaxInputBytes;
    type MaxArtifactInputBytes = MaxArtifactInputBytes;
    type MaxOutputBytes = MaxOutputBytes;
    type MinDeadline = MinDeadline;
    type MaxDeadline = MaxDeadline;
    type RevealWindow = RevealWindow;
    type Retention = Retention;
    type DrawBudget = DrawBudget;
    type SweepBudget = SweepBudget;
    type WorkerPriority = WorkerPriority;
    type WeightInfo = weights::pallet_inference::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarking::Helper;
}

impl pallet_disputes::Config for Runtime {
    type Results = Inference;
    type Bonds = Settlement;
    type Proofs = Verification;
    type Room = Room;
    type Bond = DisputeBond;
    type DefaultTiming = DefaultDisputeTiming;
    type MaxBlocks = MaxDisputeBlocks;
    type AdminOrigin = EnsureRoot<AccountId>;
    type MaxOutputBytes = MaxOutputBytes;
    type MaxProofBytes = ConstU32<MAX_PROOF_BYTES>;
    type SweepBudget = SweepBudget;
    type AnswerPriority = DisputePriority;
    type WatcherCrypto = WatcherCrypto;
    type WeightInfo = weights::pallet_disputes::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarking::Helper;
}
