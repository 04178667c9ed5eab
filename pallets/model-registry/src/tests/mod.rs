//! One file per call, and one each for uses, the version digest and the invariants.

mod accept;
mod audit;
mod create;
mod deprecate;
mod digest;
mod invariants;
mod publish;
mod publish_graph;
mod remove_model;
mod remove_version;
mod set_metadata;
mod set_royalty;
mod transfer;
mod uses;
