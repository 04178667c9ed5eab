//! The traits through which pallets call each other. A pallet implements the traits of what it
//! keeps and names in its `Config` the traits that it needs; the runtime connects them.

mod artifacts;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod disputes;
mod models;
mod money;
mod operators;
mod requests;
mod room;
mod verification;

pub use artifacts::Artifacts;
#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::BenchmarkHelper;
pub use disputes::{
    DisputeBonds, Disputes, OptimisticResult, OptimisticResults, OutputProofs, ProvableRequest,
    ProvableRequests,
};
pub use models::{Models, VersionTerms};
pub use money::{Bonds, Charge, Deposits, Escrow, Escrowed, Payment, SlashShare};
pub use operators::{Candidate, DrawTerms, Operators};
pub use requests::{BlockRandomness, BlockVrf, OnRequestFinal};
pub use room::{BlockRoom, WORKER_CALL_BYTES};
pub use verification::{
    EvidenceFindings, MemberState, ProofFailure, ProvenResult, Reveal, Shown, Verification,
};
