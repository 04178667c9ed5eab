//! Benchmarks of the pallets.

use alloc::vec::Vec;

use crate::VersionId;

/// Sets up the state that a pallet's benchmarks need. Implemented by the runtime.
pub trait BenchmarkHelper<AccountId> {
    /// Endows the account with more than any call needs.
    fn endow(account: &AccountId);
    /// Publishes an ONNX version whose artifact is on chain. It offers every class that is
    /// available to its format, has declarations of maximum size, and accepts an input payload of
    /// `input_bytes`.
    fn publish(owner: &AccountId, input_bytes: u32) -> VersionId;
    /// Publishes a version that is an integer graph and offers every available class.
    fn publish_graph(owner: &AccountId) -> VersionId;
    /// A payload of about `bytes` bytes that fits the inputs of a version of [`Self::publish`].
    fn payload(bytes: u32) -> Vec<u8>;
    /// Registers live and bonded operators that serve the version in every class that it offers,
    /// until there are `count`.
    fn serve(version: VersionId, count: u32) -> Vec<AccountId>;
}
