pub use pallet_timestamp::weights::SubstrateWeight as WeightInfo;
