#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod bounds;
pub mod csv;
mod cursor;
mod escape;
pub mod extract;
pub mod failure;
mod json;
pub mod number;
pub mod path;
mod steps;
#[cfg(test)]
mod tests;
pub mod time;

pub use bounds::*;
pub use csv::{Column, Csv, Row, Separator};
pub use extract::Extract;
pub use failure::{Failure, InvalidExtract};
pub use number::NumberFormat;
pub use path::{Name, Path, Step};
pub use time::TimeFormat;
