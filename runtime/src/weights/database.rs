//! Weights of the database, generated: do not edit.
//!
//! ```text
//! scripts/weights --storage --accounts 1000000 --requests 100000 --batch-size 10000 --warmups 1
//! ```
//!
//! State: the preset `local`, 1000000 more accounts and 100000 finished requests. These are
//! 1343945 entries, with keys and values of 316 MiB.
//!
//! On 2026-11-29, AMD EPYC, benchmark command 64.0.0, ParityDb, state version 1.
//! Each entry is read once, in random order and without a trie cache. Rounds of reads before: 1.
//! Each entry is written once, in batches of 10_000. A batch is one commit, and its time is
//! divided by its entries.
//! Metric: Average, times 1.0.

#![cfg_attr(rustfmt, rustfmt_skip)]

use frame_support::{
    traits::Get,
    weights::{constants::WEIGHT_REF_TIME_PER_NANOS, RuntimeDbWeight},
};

/// Weights of the database.
pub struct DatabaseWeights;

impl Get<RuntimeDbWeight> for DatabaseWeights {
    fn get() -> RuntimeDbWeight {
        RuntimeDbWeight {
            // Nanoseconds: least 731, average 6_669, median 6_360, most 12_066_769,
            // standard deviation 29459.37.
            // Percentiles: 75th 6_921, 95th 7_811, 99th 8_683.
            // Bytes of a value: average 169, most 2_058.
            read: 6_669 * WEIGHT_REF_TIME_PER_NANOS,
            // Nanoseconds of an entry, over batches: least 14_525, average 23_770,
            // median 23_432, most 41_934, standard deviation 4427.42.
            // Percentiles: 75th 24_855, 95th 33_291, 99th 40_904.
            write: 23_770 * WEIGHT_REF_TIME_PER_NANOS,
        }
    }
}
