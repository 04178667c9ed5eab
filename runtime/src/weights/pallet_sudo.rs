pub use pallet_sudo::weights::SubstrateWeight as WeightInfo;
