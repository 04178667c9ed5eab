//! The parts of the profit mode.

mod accounts;
mod answers;
mod coalition;
mod contests;
mod facts;
mod honest;
mod models;
mod moves;
mod world;

use crate::common::{party, rng};

pub use moves::{ALWAYS_REFUSED, NEVER_REFUSED};
pub use world::{Tally, World};
