//! Configuration of the pallets, one file per concern.

pub mod assay;
pub mod consensus;
pub mod fees;
pub mod governance;
pub mod migrations;
pub mod offences;
pub mod staking;
pub mod system;
#[cfg(feature = "upgrade-test")]
pub mod trial;
