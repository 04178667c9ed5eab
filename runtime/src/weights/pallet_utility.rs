pub use pallet_utility::weights::SubstrateWeight as WeightInfo;
