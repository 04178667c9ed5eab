#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod audit;
mod circuit;
mod claims;
mod cost;
mod encoding;
mod error;
mod field;
mod fingerprint;
mod fractions;
mod grid;
mod hash;
mod key;
mod logup;
mod parameters;
mod pcs;
#[cfg(feature = "prover")]
mod prover;
mod recommend;
mod security;
mod shared;
mod sumcheck;
mod table;
mod transcript;
mod verifier;
mod wiring;

pub use audit::{Audit, AuditError, AuditState, WeightSlice};
pub use cost::Work;
pub use error::{DecodeError, Reject, SetupError};
pub use fingerprint::{Fingerprint, AUDIT};
pub use parameters::{
    LimbWidth, OpeningParameters, ProofParameters, ProtocolVersion, MIN_SECURITY_BITS,
};
#[cfg(feature = "prover")]
pub use prover::{seal, ProveError, Proven, Prover};
pub use security::Security;
pub use transcript::{Context, Statement, PROTOCOL};
pub use verifier::Verifier;
