//! One file per function of the pallet.

mod bonds;
mod conservation;
mod deposits;
mod disputes;
mod hold;
mod invariants;
mod refund;
mod settle;
mod spend_treasury;
