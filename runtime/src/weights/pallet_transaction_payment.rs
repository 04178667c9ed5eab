pub use pallet_transaction_payment::weights::SubstrateWeight as WeightInfo;
