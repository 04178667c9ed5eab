//! Arithmetic of prices, draws, tolerances and inputs from feeds: pure functions on integers.
//!
//! The crate uses no floating point, storage or chain. Results are identical natively, in wasm and
//! in a relying party's own program.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod draw;
pub mod pipeline;
pub mod split;
pub mod tolerance;

pub use draw::draw;
pub use split::{share_of, split_price, Shares};
pub use tolerance::{elements_within, FloatWidth};
