//! Requests from escrow to receipt, with the real pallets around this one.

mod appeals;
mod batch;
mod cancel;
mod commit;
mod deadline;
mod draw;
mod failure;
mod input;
mod invariants;
mod list;
mod migration;
mod offchain;
mod optimistic;
mod proof;
mod quorum;
mod request;
mod reveal;
mod room;
mod signed;
mod sweep;
mod terms;
mod views;
mod waiting;
mod worker;
