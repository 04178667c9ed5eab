pub use frame_system::weights::SubstrateWeight as WeightInfo;
