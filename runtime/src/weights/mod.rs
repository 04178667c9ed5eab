//! Weights, generated on this runtime by `scripts/weights`.

pub mod database;
pub mod frame_system;
pub mod frame_system_extensions;
pub mod pallet_babe;
pub mod pallet_balances;
pub mod pallet_disputes;
pub mod pallet_grandpa;
pub mod pallet_inference;
pub mod pallet_migrations;
pub mod pallet_model_registry;
pub mod pallet_operators;
pub mod pallet_room;
pub mod pallet_session;
pub mod pallet_settlement;
pub mod pallet_storage;
pub mod pallet_sudo;
pub mod pallet_timestamp;
pub mod pallet_transaction_payment;
pub mod pallet_utility;
pub mod pallet_verification;
