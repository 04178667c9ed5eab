//! One file per call or purpose.

mod bond;
mod candidates;
mod heartbeat;
mod invariants;
mod offchain;
mod penalise;
mod register;
mod serve;
mod unbond;
mod worker;
