//! The pallets of Assay, wired to each other.

use assay_primitives::{
    dispute::{DisputeTiming, OptimisticResults, OutputProofs},
    engine::ProofContext,
    proof::{account_bytes, MAX_ARCHITECTURE_BYTES, MAX_PROOF_BYTES, PROOF_DOMAIN},
    traits::{BlockRandomness, Models, Verification as _},
    AssuranceClass, AssuranceClasses, Balance, BlockNumber, ProofCost, RequestId, ASY,
};
use codec::Encode;
use frame_support::{
    pallet_prelude::{ConstU32, TransactionPriority},
    parameter_types,
    weights::Weight,
    PalletId,
};
use frame_system::{
    offchain::{
        AppCrypto, CreateAuthorizedTransaction, CreateSignedTransaction, CreateTransaction,
        SigningTypes,
    },
    EnsureRoot,
};
use sp_runtime::{
    generic::{Era, SignedPayload},
    traits::AccountIdConversion,
    MultiSignature, MultiSigner, Perbill,
};

use crate::{
    weights, AccountId, Babe, Balances, Disputes, Inference, ModelRegistry, Nonce, Operators,
    Runtime, RuntimeCall, RuntimeHoldReason, Settlement, Storage, System, TxExtension,
    UncheckedExtrinsic, Verification, DAYS, HOURS, MAXIMUM_BLOCK_WEIGHT,
};

/// Priorities in the pool, in one place so that they can be compared. Signed transactions have
/// at most a few billion: workers' answers go first, for they are what the payers wait for.
pub mod priorities {
    use super::TransactionPriority;

    /// Results, commitments and reveals.
    pub const WORKER: TransactionPriority = TransactionPriority::MAX / 2;
    /// Heartbeats.
    pub const HEARTBEAT: TransactionPriority = TransactionPriority::MAX / 4;
}

parameter_types! {
    pub const TreasuryPalletId: PalletId = PalletId(*b"as/trsry");
    pub TreasuryAccount: AccountId = TreasuryPalletId::get().into_account_truncating();
    /// What the network takes of each price.
    pub const TreasuryShare: Perbill = Perbill::from_percent(5);

    /// Classes that this version can check.
    pub const AvailableClasses: AssuranceClasses = AssuranceClasses::NONE
        .with(AssuranceClass::Signed)
        .with(AssuranceClass::Quorum)
        .with(AssuranceClass::Optimistic)
        .with(AssuranceClass::Proof);

    pub const ArtifactBaseDeposit: Balance = ASY / 10;
    /// 0.000001 ASY per byte: about one ASY per MiB.
    pub const ByteDeposit: Balance = ASY / 1_000_000;
    pub const ModelBaseDeposit: Balance = ASY;
    pub const StateByteDeposit: Balance = ASY / 1_000;
    /// Twice the bytes of the largest input.
    pub const MaxProofCost: ProofCost = ProofCost {
        architecture_bytes: MAX_ARCHITECTURE_BYTES,
        products: 512 * 1024,
        cells: 1024 * 1024,
        hashes: 16 * 1024,
        openings: 2048,
        proof_bytes: MAX_PROOF_BYTES,
    };
    pub const MaxRoyalty: Perbill = Perbill::from_percent(50);

    pub const MinBond: Balance = 1_000 * ASY;
    pub const MaxServers: u32 = 32;
    pub const MaxServed: u32 = 32;
    pub const MaxConcurrency: u32 = 1_024;
    /// A quarter of the longest deadline.
    pub const MaxResponseBlocks: BlockNumber = HOURS / 4;
    /// Half a minute.
    pub const HeartbeatInterval: BlockNumber = 15;
    pub const HeartbeatTimeout: BlockNumber = 45;
    /// Longer than a request can be open, so that every offence can still be punished.
    pub const UnbondingPeriod: BlockNumber = DAYS;
    pub const WrongResultSlash: Perbill = Perbill::from_percent(30);
    pub const NoAnswerSlash: Perbill = Perbill::from_percent(1);
    pub const EquivocationSlash: Perbill = Perbill::from_percent(100);
    /// Of what is left after the wrong result: docs/adr/0013.
    pub const LostDisputeSlash: Perbill = Perbill::from_percent(5);
    pub const HeartbeatPriority: TransactionPriority = priorities::HEARTBEAT;

    pub const MaxInputBytes: u32 = 64 * 1024;
    pub const MaxArtifactInputBytes: u32 = 16 * 1024 * 1024;
    pub const MaxOutputBytes: u32 = 32 * 1024;
    pub const MinDeadline: BlockNumber = 3;
    pub const MaxDeadline: BlockNumber = HOURS;
    pub const RevealWindow: BlockNumber = 5;
    pub const Retention: BlockNumber = DAYS;
    /// Five minutes to open a dispute, two and a half for each move.
    pub const DefaultDisputeTiming: DisputeTiming = DisputeTiming { window: 150, response: 75 };
    /// Half of the unbonding period.
    pub const MaxDisputeBlocks: BlockNumber = DAYS / 2;
    pub const DisputeBond: Balance = 10 * ASY;
    /// A quarter of a block.
    pub DrawBudget: Weight = MAXIMUM_BLOCK_WEIGHT.saturating_div(4);
    /// A tenth of a block.
    pub SweepBudget: Weight = MAXIMUM_BLOCK_WEIGHT.saturating_div(10);
    pub const WorkerPriority: TransactionPriority = priorities::WORKER;
}

impl pallet_settlement::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type TreasuryAccount = TreasuryAccount;
    type TreasuryShare = TreasuryShare;
    type AdminOrigin = EnsureRoot<AccountId>;
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
    type MinBond = MinBond;
    type MaxServers = MaxServers;
    type MaxServed = MaxServed;
    type MaxConcurrency = MaxConcurrency;
    type MaxResponseBlocks = MaxResponseBlocks;
    type HeartbeatInterval = HeartbeatInterval;
    type HeartbeatTimeout = HeartbeatTimeout;
    type UnbondingPeriod = UnbondingPeriod;
    type WrongResultSlash = WrongResultSlash;
    type NoAnswerSlash = NoAnswerSlash;
    type EquivocationSlash = EquivocationSlash;
    type LostDisputeSlash = LostDisputeSlash;
    type HeartbeatPriority = HeartbeatPriority;
    type WeightInfo = weights::pallet_operators::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarking::Helper;
}

impl pallet_verification::Config for Runtime {
    type Operators = Operators;
    type Models = ModelRegistry;
    type AvailableClasses = AvailableClasses;
    type MaxOutputBytes = MaxOutputBytes;
    type AdminOrigin = EnsureRoot<AccountId>;
    type WeightInfo = weights::pallet_verification::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarking::Helper;
}

impl pallet_inference::Config for Runtime {
    type Models = ModelRegistry;
    type Operators = Operators;
    type Escrow = Settlement;
    type Verification = Verification;
    type Artifacts = Storage;
    type Randomness = BabeVrf;
    type Disputes = Disputes;
    type DisputeWindow = pallet_disputes::Window<Runtime>;
    type OnRequestFinal = ();
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

/// The VRF output of the current block's author. Babe publishes it when it finalises the block,
/// and it finalises before Inference does.
pub struct BabeVrf;
impl BlockRandomness for BabeVrf {
    fn current() -> Option<[u8; 32]> {
        Babe::author_vrf_randomness()
    }
}

impl<LocalCall> CreateTransaction<LocalCall> for Runtime
where
    RuntimeCall: From<LocalCall>,
{
    type Extension = TxExtension;

    fn create_transaction(call: RuntimeCall, extension: TxExtension) -> UncheckedExtrinsic {
        UncheckedExtrinsic::new_transaction(call, extension)
    }
}

impl<LocalCall> CreateAuthorizedTransaction<LocalCall> for Runtime
where
    RuntimeCall: From<LocalCall>,
{
    fn create_extension() -> TxExtension {
        authorized_extension()
    }
}

impl pallet_disputes::Config for Runtime {
    type Results = Inference;
    type Bonds = Settlement;
    type Proofs = RequestProofs;
    type Bond = DisputeBond;
    type DefaultTiming = DefaultDisputeTiming;
    type MaxBlocks = MaxDisputeBlocks;
    type AdminOrigin = EnsureRoot<AccountId>;
    type MaxOutputBytes = MaxOutputBytes;
    type MaxProofBytes = ConstU32<MAX_PROOF_BYTES>;
    type SweepBudget = SweepBudget;
    type AnswerPriority = WorkerPriority;
    type WatcherCrypto = WatcherCrypto;
    type WeightInfo = weights::pallet_disputes::WeightInfo<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarking::Helper;
}

/// Proofs of what requests ask for, of versions that offer class `Proof`.
pub struct RequestProofs;

impl OutputProofs for RequestProofs {
    fn holds(request: RequestId, output: &[u8], proof: &[u8]) -> bool {
        let Some(record) = pallet_inference::Requests::<Runtime>::get(request) else {
            return false;
        };
        // Only versions that offer class `Proof` have a fingerprint, and only for these the cost of a
        // verification is bounded.
        let (Some(weights), Some(architecture), Some(input), Some(operator)) = (
            ModelRegistry::weights_fingerprint(record.version),
            <Inference as OptimisticResults<AccountId>>::architecture(request),
            <Inference as OptimisticResults<AccountId>>::input(request),
            record.members.first(),
        ) else {
            return false;
        };
        let context = ProofContext {
            genesis: System::block_hash(0).0,
            domain: PROOF_DOMAIN.to_vec(),
            request: request.encode(),
            requester: account_bytes(&record.payer),
            operator: account_bytes(&operator.account),
        };
        pallet_verification::proof::check(&architecture, &context, &input, output, weights, proof)
            .is_ok()
    }

    fn weight() -> Weight {
        // The costliest that a version may have.
        Verification::proof_weight(MaxProofCost::get())
    }
}

/// How the keys of watchers sign.
pub struct WatcherCrypto;

impl AppCrypto<MultiSigner, MultiSignature> for WatcherCrypto {
    type RuntimeAppPublic = assay_primitives::dispute::watcher_crypto::Public;
    type GenericPublic = sp_core::sr25519::Public;
    type GenericSignature = sp_core::sr25519::Signature;
}

impl SigningTypes for Runtime {
    type Public = MultiSigner;
    type Signature = MultiSignature;
}

impl<LocalCall> CreateSignedTransaction<LocalCall> for Runtime
where
    RuntimeCall: From<LocalCall>,
{
    fn create_signed_transaction<C: AppCrypto<MultiSigner, MultiSignature>>(
        call: RuntimeCall,
        public: MultiSigner,
        account: AccountId,
        nonce: Nonce,
    ) -> Option<UncheckedExtrinsic> {
        // The hash of the block that the era names has to be known when the payload is signed.
        let born = u64::from(System::block_number().saturating_sub(1));
        let mut extension = authorized_extension();
        extension.5 = frame_system::CheckEra::from(Era::mortal(WATCHER_ERA_BLOCKS, born));
        extension.6 = frame_system::CheckNonce::from(nonce);
        let payload = SignedPayload::new(call, extension).ok()?;
        let signature = payload.using_encoded(|bytes| C::sign(bytes, public))?;
        let (call, extension, _) = payload.deconstruct();
        Some(UncheckedExtrinsic::new_signed(call, account.into(), signature, extension))
    }
}

/// Blocks for which a watcher's transaction is good.
const WATCHER_ERA_BLOCKS: u64 = 64;

/// What a worker's call carries: nobody pays for it, and it lives as long as `authorize` says.
pub fn authorized_extension() -> TxExtension {
    (
        frame_system::AuthorizeCall::new(),
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(sp_runtime::generic::Era::Immortal),
        frame_system::CheckNonce::from(0),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
        frame_metadata_hash_extension::CheckMetadataHash::new(false),
        frame_system::WeightReclaim::new(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Inference;

    #[test]
    fn an_operator_cannot_leave_before_its_requests_are_over() {
        assert!(UnbondingPeriod::get() > MaxDeadline::get() + MaxDisputeBlocks::get());
    }

    #[test]
    fn the_costliest_proof_takes_a_fifth_of_a_block_at_most() {
        use assay_primitives::traits::Verification as _;
        let weight = Verification::proof_weight(MaxProofCost::get());
        assert!(weight.all_lt(MAXIMUM_BLOCK_WEIGHT.saturating_div(5)), "{weight:?}");
    }

    #[test]
    fn the_budgets_of_the_hooks_leave_most_of_a_block() {
        let all = DrawBudget::get().saturating_add(SweepBudget::get().saturating_mul(2));
        assert!(all.all_lt(MAXIMUM_BLOCK_WEIGHT.saturating_div(2)));
        assert!(Inference::draws_per_block() >= 32, "{}", Inference::draws_per_block());
    }
}
