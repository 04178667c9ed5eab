//! The constants of the protocol. `docs/protocol.md` lists them.

use assay_graph::commit::MAX_TILE_OPENING_BYTES;
use assay_primitives::{
    dispute::DisputeTiming,
    proof::{MAX_ARCHITECTURE_BYTES, MAX_PROOF_BYTES},
    AssuranceClass, AssuranceClasses, Balance, BlockNumber, ProofCost, ASY,
};
use frame_support::{
    pallet_prelude::TransactionPriority,
    parameter_types,
    weights::{constants::WEIGHT_REF_TIME_PER_MILLIS, Weight},
    PalletId,
};
use pallet_room::Part;
use sp_runtime::{traits::AccountIdConversion, Perbill};

use crate::{eras::ERAS, AccountId, DAYS, HOURS, MAXIMUM_BLOCK_WEIGHT};

/// Priorities in the transaction pool. Workers' calls come first: payers wait for them.
pub mod priorities {
    use super::TransactionPriority;

    /// Bits of the priority of an ordinary signed call. An operational one has one more.
    pub const SIGNED_BITS: u32 = 56;

    /// Operators' moves in disputes: what a late one costs is more than what a late answer costs.
    pub const DISPUTE: TransactionPriority = TransactionPriority::MAX / 4 * 3;
    /// Heartbeats. Answers share their room with them and must not keep them out, because who sends
    /// none is no longer drawn. An operator sends one in many blocks.
    pub const HEARTBEAT: TransactionPriority = TransactionPriority::MAX / 2;
    /// Results, commitments and reveals.
    pub const WORKER: TransactionPriority = TransactionPriority::MAX / 4;
}

/// Blocks for which a watcher's transaction is valid. One that other nodes had no place for keeps its
/// nonce until then, and only the next one, with another hash, is sent to them.
pub const WATCHER_ERA_BLOCKS: u64 = 8;

parameter_types! {
    pub const TreasuryPalletId: PalletId = PalletId(*b"as/trsry");
    pub TreasuryAccount: AccountId = TreasuryPalletId::get().into_account_truncating();
    /// The treasury's share of each price.
    pub const TreasuryShare: Perbill = Perbill::from_percent(5);

    /// Fees of transactions and requests: this part is for the validators, ...
    pub const ValidatorsShare: Perbill = Perbill::from_percent(30);
    /// ... this part is burnt, and the rest is for the treasury.
    pub const BurntShare: Perbill = Perbill::from_percent(50);

    /// Six hours.
    pub const SessionsPerEra: u32 = ERAS.sessions;
    /// In eras: a week.
    pub const BondingDuration: u32 = ERAS.bonding;
    /// In eras: six and a half days, in which a penalty can be cancelled.
    pub const SlashDeferDuration: u32 = ERAS.slash_defer;
    /// In sessions: three days, in which an equivocation can be reported.
    pub const ReportableSessions: u32 = ERAS.reports * ERAS.sessions;
    /// In sessions: those of which the validators' keys are kept.
    pub const KeptSessions: u32 = ReportableSessions::get() + 1;
    /// In eras: three weeks, in which a reward can be claimed.
    pub const HistoryDepth: u32 = 84;
    /// Maximum number of validators.
    pub const MaxElected: u32 = 64;
    /// Maximum number of those who want to be validators.
    pub const MaxCandidates: u32 = 128;
    /// Number of voters whose stakes count in an election, those with the largest.
    pub const MaxVoters: u32 = 2_048;
    /// Number of nominators of a validator whose stakes count, those with the largest.
    pub const MaxBackers: u32 = 512;
    /// Nominators of a validator that one call pays.
    pub const MaxExposurePage: u32 = 128;
    pub const MinValidatorBond: Balance = 10_000 * ASY;
    pub const MinNominatorBond: Balance = 100 * ASY;
    /// For about 400 bytes.
    pub const KeyDeposit: Balance = 400 * StateByteDeposit::get();
    /// A validator that works misses so many in a row with a probability of exp(-20): two in a
    /// billion.
    pub const MissedBlocks: u32 = 20;

    /// The classes that this runtime can verify.
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
    /// The maximum cost of a proof's verification. A test checks that it is below a fifth of a
    /// block.
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
    /// A quarter of an hour.
    pub const SeatTimeout: BlockNumber = HOURS / 4;
    /// Longer than a request can be open, so that an operator cannot withdraw its bond before every
    /// offence can be penalised.
    pub const UnbondingPeriod: BlockNumber = DAYS;
    /// The smallest bond covers three wrong results, and a hundred missing answers; see
    /// docs/adr/0023.
    pub const WrongResultSlash: Balance = 300 * ASY;
    pub const NoAnswerSlash: Balance = 10 * ASY;
    pub const EquivocationSlash: Perbill = Perbill::from_percent(100);
    pub const LostDisputeSlash: Balance = 30 * ASY;
    pub const CompensationShare: Perbill = Perbill::from_percent(10);
    pub const HeartbeatPriority: TransactionPriority = priorities::HEARTBEAT;

    pub const MaxInputBytes: u32 = 64 * 1024;
    pub const MaxArtifactInputBytes: u32 = 16 * 1024 * 1024;
    pub const MaxOutputBytes: u32 = 32 * 1024;
    pub const MinDeadline: BlockNumber = 3;
    pub const MaxDeadline: BlockNumber = HOURS;
    pub const RevealWindow: BlockNumber = 5;
    /// As many as a quorum has for its results.
    pub const RoomyBlocks: BlockNumber = 5;
    /// Half of what ordinary transactions may fill.
    pub const AnswerShare: Perbill = Perbill::from_percent(50);
    /// A test checks that no answer is larger.
    pub const LargestAnswer: Part = Part {
        weight: Weight::from_parts(100 * WEIGHT_REF_TIME_PER_MILLIS, 0),
        bytes: MAX_PROOF_BYTES + 40 * 1024,
    };
    /// A test checks that no move, no proof and no appeal is larger.
    pub const LargestMove: Part = Part {
        weight: Weight::from_parts(110 * WEIGHT_REF_TIME_PER_MILLIS, 0),
        bytes: MAX_TILE_OPENING_BYTES as u32 + 4 * 1024,
    };
    pub const Retention: BlockNumber = DAYS;
    /// Five minutes to prove which results of a quorum are wrong.
    pub const AppealWindow: BlockNumber = 150;
    /// Five minutes to open a dispute, two and a half for each move.
    pub const DefaultDisputeTiming: DisputeTiming = DisputeTiming { window: 150, response: 75 };
    /// Half of the unbonding period.
    pub const MaxDisputeBlocks: BlockNumber = DAYS / 2;
    pub const DisputeBond: Balance = 10 * ASY;
    pub const DisputePriority: TransactionPriority = priorities::DISPUTE;
    /// A quarter of a block.
    pub DrawBudget: Weight = MAXIMUM_BLOCK_WEIGHT.saturating_div(4);
    /// A tenth of a block.
    pub SweepBudget: Weight = MAXIMUM_BLOCK_WEIGHT.saturating_div(10);
    pub const WorkerPriority: TransactionPriority = priorities::WORKER;
    /// Half of a block. The rest is for the hooks of consensus, and for slower machines.
    pub MigrationBudget: Weight = MAXIMUM_BLOCK_WEIGHT.saturating_div(2);
}

#[cfg(test)]
mod tests {
    use frame_support::traits::Get;

    use super::*;
    use crate::{transactions::CallOverhead, Inference, Verification};

    #[test]
    fn an_operator_cannot_leave_before_its_requests_end() {
        assert!(UnbondingPeriod::get() > MaxDeadline::get() + MaxDisputeBlocks::get());
    }

    #[test]
    fn the_most_expensive_proof_takes_less_than_a_fifth_of_a_block() {
        use assay_primitives::traits::Verification as _;
        let weight = Verification::proof_weight(MaxProofCost::get());
        assert!(weight.all_lt(MAXIMUM_BLOCK_WEIGHT.saturating_div(5)), "{weight:?}");
    }

    #[test]
    fn no_answer_and_no_move_is_larger_than_the_largest() {
        use assay_primitives::{Digest, FailureReason, RequestId, WorkerSignature};
        use frame_support::{dispatch::GetDispatchInfo, BoundedVec};
        use pallet_inference::Call;
        type Bytes<N> = BoundedVec<u8, N>;
        let full = |most: u32| vec![0; most as usize];
        let (request, operator) = (RequestId(0), AccountId::new([0; 32]));
        let output = || Bytes::try_from(full(MaxOutputBytes::get())).expect("it fits");
        let signature = WorkerSignature::default();
        let calls: [Call<crate::Runtime>; 6] = [
            Call::submit_result {
                request,
                operator: operator.clone(),
                output: output(),
                signature,
            },
            Call::submit_commitment {
                request,
                operator: operator.clone(),
                commitment: Digest::zero(),
                signature,
            },
            Call::submit_reveal {
                request,
                operator: operator.clone(),
                output: output(),
                salt: [0; 32],
                signature,
            },
            Call::report_failure {
                request,
                operator: operator.clone(),
                reason: FailureReason::EngineError,
                signature,
            },
            Call::submit_proof {
                request,
                operator: operator.clone(),
                cost: MaxProofCost::get(),
                output: output(),
                proof: full(MAX_PROOF_BYTES).try_into().expect("it fits"),
                signature,
            },
            Call::submit_trace {
                request,
                operator,
                output: output(),
                trace_root: Digest::zero(),
                signatures: pallet_inference::TraceSignatures {
                    result: signature,
                    trace: signature,
                },
            },
        ];
        let largest = LargestAnswer::get();
        for call in calls {
            let bytes = codec::Encode::encoded_size(&call) as u32;
            let info = crate::RuntimeCall::from(call.clone()).get_dispatch_info();
            // The weight of the authorisation is among those of the extensions.
            let weight = info.call_weight.saturating_add(info.extension_weight);
            let authorize = frame_support::traits::Authorize::weight_of_authorize(&call);
            let weight = weight.saturating_add(authorize).saturating_add(CallOverhead::get());
            assert!(weight.all_lte(largest.weight), "{weight:?}: {call:?}");
            assert!(bytes + 16 <= largest.bytes, "{bytes} bytes: {call:?}");
        }
        let opening = full(MAX_TILE_OPENING_BYTES as u32).try_into().expect("it fits");
        let call: crate::RuntimeCall = pallet_disputes::Call::step {
            dispute: Default::default(),
            opening: assay_dispute::Answer::Opening(opening),
        }
        .into();
        let weight = call.get_dispatch_info().call_weight.saturating_add(CallOverhead::get());
        assert!(weight.all_lte(LargestMove::get().weight), "{weight:?}");
        assert!(codec::Encode::encoded_size(&call) as u32 + 200 <= LargestMove::get().bytes);
        let prove = pallet_disputes::Call::<crate::Runtime>::prove {
            dispute: Default::default(),
            output: output(),
            proof: full(MAX_PROOF_BYTES).try_into().expect("it fits"),
        };
        let appeal = pallet_inference::Call::<crate::Runtime>::appeal {
            request,
            output: output(),
            proof: full(MAX_PROOF_BYTES).try_into().expect("it fits"),
        };
        for call in [crate::RuntimeCall::from(prove), crate::RuntimeCall::from(appeal)] {
            let weight = call.get_dispatch_info().call_weight.saturating_add(CallOverhead::get());
            assert!(weight.all_lte(LargestMove::get().weight), "{weight:?}");
            let bytes = codec::Encode::encoded_size(&call) as u32 + 200;
            assert!(bytes <= LargestMove::get().bytes, "{bytes}");
        }
    }

    #[test]
    fn one_of_the_blocks_with_room_is_by_an_honest_author() {
        assert!(pallet_room::MAX_APART < RoomyBlocks::get());
    }

    /// Otherwise it could stay in the pool without being paid for, with all that depends on it.
    #[test]
    fn each_transaction_fits_into_a_block_beside_all_answers_and_moves() {
        use crate::configs::system::{
            MaxTransactionWeight, RuntimeBlockLength, RuntimeBlockWeights,
        };
        use assay_primitives::MAX_TRANSACTION_BYTES;
        use frame_support::dispatch::DispatchClass;
        // Headers have less.
        let header = 64 * 1024;
        let length = RuntimeBlockLength::get();
        let [normal, all] = [DispatchClass::Normal, DispatchClass::Operational]
            .map(|class| *length.max.get(class) - header);
        let (answers, moves) = (AnswerShare::get().mul_floor(normal), all - normal);
        assert!(MAX_TRANSACTION_BYTES + answers <= normal);
        assert!(MAX_TRANSACTION_BYTES + answers + moves <= all);
        assert!(MAX_TRANSACTION_BYTES > LargestMove::get().bytes);
        let weights = RuntimeBlockWeights::get();
        let normal = weights.get(DispatchClass::Normal).max_total.expect("there is one");
        let moves = weights.max_block.saturating_sub(normal);
        let answers = Weight::from_parts(AnswerShare::get().mul_floor(normal.ref_time()), 0);
        let most = MaxTransactionWeight::get();
        assert!(most.saturating_add(answers).all_lte(normal));
        assert!(most.saturating_add(answers).saturating_add(moves).all_lte(weights.max_block));
    }

    #[test]
    fn the_budgets_of_the_hooks_leave_most_of_a_block() {
        let all = DrawBudget::get().saturating_add(SweepBudget::get().saturating_mul(2));
        assert!(all.all_lt(MAXIMUM_BLOCK_WEIGHT.saturating_div(2)));
        assert!(Inference::draws_per_block() >= 32, "{}", Inference::draws_per_block());
    }
}
