pub use frame_system::SubstrateExtensionsWeight as WeightInfo;
