//! What the tests and benchmarks of the pallets share. Nothing that runs on a network links it.
//!
//! * [`mock!`] makes the runtime of a pallet's tests, with the functions that run them;
//!   [`settlement!`], [`storage!`], [`model_registry!`], [`operators!`] and [`verification!`]
//!   configure the pallets that several of these runtimes have.
//! * [`doubles`] take the place of pallets behind the traits of `assay_primitives::traits`.
//! * [`workers`]: worker keys, and the surroundings of offchain workers.
//! * [`graphs`]: sealed integer graphs, and what a test publishes and proves of them.
//! * [`series`]: the proofs that the benchmarks of `pallet-verification` verify. They are files,
//!   because nothing can be proven in wasm; `cargo run --release --bin assay-proof-fixtures`
//!   writes them again after a change of the proof system.
//!
//! With the feature `runtime-benchmarks` the tests of a pallet run its benchmarks once, on its
//! mock, which implements `benchmarks::Prepare` for them:
//! `cargo test --release -p pallet-storage --features runtime-benchmarks`.

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarks;
pub mod doubles;
pub mod graphs;
mod mock;
pub mod series;
pub mod workers;

/// The crates that the macros name. Not for other use.
#[doc(hidden)]
pub mod reexports {
    pub use codec;
    pub use frame_support;
    pub use frame_system;
    pub use pallet_balances;
    pub use sp_io;
    pub use sp_runtime;
}

use assay_primitives::Balance;

/// The existential deposit of every mock.
pub const EXISTENTIAL_DEPOSIT: Balance = 100;
/// The treasury of every mock. Genesis endows it with the existential deposit.
pub const TREASURY: u64 = 99;
/// Deposit per model, version and artifact.
pub const BASE_DEPOSIT: Balance = 1_000;
/// Deposit per byte on chain.
pub const BYTE_DEPOSIT: Balance = 10;
