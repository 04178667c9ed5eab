//! One file per call, one for uses, one for the invariants.

mod create;
mod invariants;
mod remove;
mod upload;
mod uses;
