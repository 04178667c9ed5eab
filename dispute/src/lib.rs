#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod game;
#[cfg(feature = "std")]
mod player;
#[cfg(feature = "worst-cases")]
pub mod worst;

pub use game::{
    Answer, Choice, Claim, DisputedOperation, LeafDigests, MoveEffect, MoveRefusal, Party, Piece,
    RevealedBytes, Roots, Shown, Stage, What, MAX_LEAVES, MAX_MOVES, MAX_WHOLE_BYTES,
};
#[cfg(feature = "std")]
pub use player::Player;
