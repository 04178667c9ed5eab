//! Configuration of transaction fees.

use assay_primitives::ASY;
use frame_support::{
    parameter_types,
    traits::ConstU8,
    weights::{ConstantMultiplier, IdentityFee},
};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use sp_runtime::{traits::Bounded, FixedPointNumber, Perquintill};

use crate::{weights, Balance, Balances, Runtime, RuntimeEvent};

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

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    /// Fees are burnt.
    type OnChargeTransaction = FungibleAdapter<Balances, ()>;
    type OperationalFeeMultiplier = ConstU8<5>;
    /// A picosecond costs one planck, so a millisecond costs 0.001 ASY.
    type WeightToFee = IdentityFee<Balance>;
    type LengthToFee = ConstantMultiplier<Balance, TransactionByteFee>;
    type FeeMultiplierUpdate = TargetedFeeAdjustment<
        Runtime,
        TargetBlockFullness,
        AdjustmentVariable,
        MinimumMultiplier,
        MaximumMultiplier,
    >;
    type WeightInfo = weights::pallet_transaction_payment::WeightInfo<Runtime>;
}
