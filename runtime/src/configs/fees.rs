//! Configuration of transaction fees.

use assay_primitives::ASY;
use frame_support::{
    dispatch::DispatchClass,
    parameter_types,
    traits::ConstU8,
    weights::{IdentityFee, Weight, WeightToFee},
};
use pallet_transaction_payment::{
    FungibleAdapter, Multiplier, MultiplierUpdate, NextFeeMultiplier,
};
use sp_runtime::{
    traits::{Bounded, Convert},
    FixedPointNumber, Perquintill, Saturating,
};

use crate::{
    configs::system::{RuntimeBlockLength, RuntimeBlockWeights},
    weights, Balance, Balances, Runtime, RuntimeEvent, System,
};

parameter_types! {
    /// 0.000001 ASY per byte: a chunk of 512 KiB costs about half an ASY.
    pub const TransactionByteFee: Balance = ASY / 1_000_000;
    // The three values below are those of Polkadot's relay chain.
    /// Block fullness at which fees do not change.
    pub const TargetBlockFullness: Perquintill = Perquintill::from_percent(25);
    /// How fast fees follow block fullness.
    pub AdjustmentVariable: Multiplier = Multiplier::saturating_from_rational(75, 1_000_000);
    /// Fees never fall below this multiple of the base.
    pub MinimumMultiplier: Multiplier = Multiplier::saturating_from_rational(1, 10u128);
    pub MaximumMultiplier: Multiplier = Bounded::max_value();
}

/// The price of a transaction's bytes. It follows the fee multiplier, as that of weight does:
/// otherwise blocks that are full of bytes stay cheap.
pub struct LengthPrice;

impl Convert<u32, Balance> for LengthPrice {
    fn convert(bytes: u32) -> Balance {
        let price = TransactionByteFee::get().saturating_mul(bytes.into());
        NextFeeMultiplier::<Runtime>::get().saturating_mul_int(price)
    }
}

impl WeightToFee for LengthPrice {
    type Balance = Balance;

    /// The SDK passes the length as a weight.
    fn weight_to_fee(length: &Weight) -> Balance {
        Self::convert(u32::try_from(length.ref_time()).unwrap_or(u32::MAX))
    }
}

/// Moves the fee multiplier with the fullness of blocks: of weight, of bytes, or of the weight that is
/// reserved for operational calls, whichever is fuller.
///
/// The formula is that of the SDK's `TargetedFeeAdjustment`, which sees the weight alone: with
/// fullness `f`, target `s` and variability `v` the factor is `1 + v (f - s) + v² (f - s)² / 2`.
pub struct FullerOfWeightAndLength;

impl FullerOfWeightAndLength {
    /// The share that transactions have filled of what they may. Operational ones may fill more than
    /// is reserved for them, but then moves in disputes have no room.
    fn fullness() -> Multiplier {
        let limits = RuntimeBlockWeights::get();
        let most = limits.get(DispatchClass::Normal).max_total.unwrap_or(limits.max_block);
        let weight = *System::block_weight().get(DispatchClass::Normal);
        let operational = *System::block_weight().get(DispatchClass::Operational);
        let reserved = limits.max_block.saturating_sub(most);
        let most_bytes = *RuntimeBlockLength::get().max.get(DispatchClass::Normal);
        let share = |part: u64, whole: u64| {
            Multiplier::saturating_from_rational(part.min(whole), whole.max(1))
        };
        share(weight.ref_time(), most.ref_time())
            .max(share(operational.ref_time(), reserved.ref_time()))
            .max(share(System::block_size().into(), most_bytes.into()))
    }
}

impl Convert<Multiplier, Multiplier> for FullerOfWeightAndLength {
    fn convert(previous: Multiplier) -> Multiplier {
        let (least, most) = (MinimumMultiplier::get(), MaximumMultiplier::get());
        let target = Multiplier::from(TargetBlockFullness::get());
        let fullness = Self::fullness();
        let difference = fullness.max(target) - fullness.min(target);
        let change = AdjustmentVariable::get().saturating_mul(difference);
        let square = change.saturating_mul(change) / Multiplier::saturating_from_integer(2);
        let factor = match fullness >= target {
            true => Multiplier::saturating_from_integer(1).saturating_add(change),
            false => Multiplier::saturating_from_integer(1).saturating_sub(change),
        }
        .saturating_add(square);
        previous.max(least).saturating_mul(factor).clamp(least, most)
    }
}

impl MultiplierUpdate for FullerOfWeightAndLength {
    fn min() -> Multiplier {
        MinimumMultiplier::get()
    }
    fn max() -> Multiplier {
        MaximumMultiplier::get()
    }
    fn target() -> Perquintill {
        TargetBlockFullness::get()
    }
    fn variability() -> Multiplier {
        AdjustmentVariable::get()
    }
}

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    /// Fees are divided at the end of the block: docs/adr/0041.
    type OnChargeTransaction =
        FungibleAdapter<Balances, pallet_validators::TransactionFees<Runtime>>;
    type OperationalFeeMultiplier = ConstU8<5>;
    /// A picosecond costs one planck, so a millisecond costs 0.001 ASY.
    type WeightToFee = IdentityFee<Balance>;
    type LengthToFee = LengthPrice;
    type FeeMultiplierUpdate = FullerOfWeightAndLength;
    type WeightInfo = weights::pallet_transaction_payment::WeightInfo<Runtime>;
}
