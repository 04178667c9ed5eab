pub use pallet_balances::weights::SubstrateWeight as WeightInfo;
