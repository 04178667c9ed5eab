//! Migrations of the pallet's storage, one file for each version that they start from.

pub mod v1;
