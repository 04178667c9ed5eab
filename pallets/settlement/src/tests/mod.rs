//! One file per thing that the pallet does.

mod bonds;
mod conservation;
mod deposits;
mod disputes;
mod hold;
mod invariants;
mod refund;
mod settle;
mod spend_treasury;
