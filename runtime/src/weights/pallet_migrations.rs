//! Weights of `pallet_migrations`, as the SDK measured them for version 20.0.0 of the pallet, in the
//! form of `scripts/weights`. `scripts/weights pallet_migrations` replaces this file.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::unnecessary_cast, missing_docs, unused_imports, unused_parens)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Weights of `pallet_migrations`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_migrations::WeightInfo for WeightInfo<T> {
    /// Storage: `MultiBlockMigrations::Cursor` (r:1 w:1)
    /// Storage: UNKNOWN KEY `0x583359fe0e84d953a9dd84e8addb08a5` (r:1 w:0)
    fn onboard_new_mbms() -> Weight {
        // Least time: 4_411_000 picoseconds.
        Weight::from_parts(4_542_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    /// Storage: `MultiBlockMigrations::Cursor` (r:1 w:0)
    fn progress_mbms_none() -> Weight {
        // Least time: 792_000 picoseconds.
        Weight::from_parts(834_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
    }
    /// Storage: UNKNOWN KEY `0x583359fe0e84d953a9dd84e8addb08a5` (r:1 w:0)
    /// Storage: `MultiBlockMigrations::Cursor` (r:0 w:1)
    fn exec_migration_completed() -> Weight {
        // Least time: 3_842_000 picoseconds.
        Weight::from_parts(3_951_000, 0)
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    /// Storage: UNKNOWN KEY `0x583359fe0e84d953a9dd84e8addb08a5` (r:1 w:0)
    /// Storage: `MultiBlockMigrations::Historic` (r:1 w:0)
    fn exec_migration_skipped_historic() -> Weight {
        // Least time: 7_153_000 picoseconds.
        Weight::from_parts(7_407_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
    }
    /// Storage: UNKNOWN KEY `0x583359fe0e84d953a9dd84e8addb08a5` (r:1 w:0)
    /// Storage: `MultiBlockMigrations::Historic` (r:1 w:0)
    fn exec_migration_advance() -> Weight {
        // Least time: 6_837_000 picoseconds.
        Weight::from_parts(7_033_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
    }
    /// Storage: UNKNOWN KEY `0x583359fe0e84d953a9dd84e8addb08a5` (r:1 w:0)
    /// Storage: `MultiBlockMigrations::Historic` (r:1 w:1)
    fn exec_migration_complete() -> Weight {
        // Least time: 8_167_000 picoseconds.
        Weight::from_parts(8_455_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    /// Storage: UNKNOWN KEY `0x583359fe0e84d953a9dd84e8addb08a5` (r:1 w:0)
    /// Storage: `MultiBlockMigrations::Historic` (r:1 w:0)
    /// Storage: `MultiBlockMigrations::Cursor` (r:0 w:1)
    fn exec_migration_fail() -> Weight {
        // Least time: 8_868_000 picoseconds.
        Weight::from_parts(9_053_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
            .saturating_add(T::DbWeight::get().writes(1))
    }
    fn on_init_loop() -> Weight {
        // Least time: 150_000 picoseconds.
        Weight::from_parts(163_000, 0)
    }
    /// Storage: `MultiBlockMigrations::Cursor` (r:0 w:1)
    fn force_set_cursor() -> Weight {
        // Least time: 2_142_000 picoseconds.
        Weight::from_parts(2_212_000, 0)
            .saturating_add(T::DbWeight::get().writes(1))
    }
    /// Storage: `MultiBlockMigrations::Cursor` (r:0 w:1)
    fn force_set_active_cursor() -> Weight {
        // Least time: 2_496_000 picoseconds.
        Weight::from_parts(2_609_000, 0)
            .saturating_add(T::DbWeight::get().writes(1))
    }
    /// Storage: `MultiBlockMigrations::Cursor` (r:1 w:0)
    /// Storage: UNKNOWN KEY `0x583359fe0e84d953a9dd84e8addb08a5` (r:1 w:0)
    fn force_onboard_mbms() -> Weight {
        // Least time: 3_010_000 picoseconds.
        Weight::from_parts(3_114_000, 0)
            .saturating_add(T::DbWeight::get().reads(2))
    }
    /// Storage: `MultiBlockMigrations::Historic` (r:256 w:256)
    /// The range of `n` is `[0, 256]`.
    fn clear_historic(n: u32) -> Weight {
        // Least time: 15_012_000 picoseconds.
        Weight::from_parts(12_864_005, 0)
            // Standard error: 3_561
            .saturating_add(Weight::from_parts(1_455_402, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads(1))
            .saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(n.into())))
    }
    /// Storage: `Skipped::Metadata` (r:0 w:0)
    /// The range of `n` is `[0, 2048]`.
    fn reset_pallet_migration(n: u32) -> Weight {
        // Least time: 1_185_000 picoseconds.
        Weight::from_parts(6_858_633, 0)
            // Standard error: 1_584
            .saturating_add(Weight::from_parts(834_871, 0).saturating_mul(n.into()))
            .saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
            .saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(n.into())))
    }
}
