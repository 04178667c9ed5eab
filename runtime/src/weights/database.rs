//! Weights of the database, generated: do not edit.
//!
//!     scripts/weights --storage --accounts 20000 --requests 2000 --batch-size 10000 --warmups 1
//!
//! State: the preset `local`, 20000 more accounts and 2000 finished requests. These are
//! 34070 entries, with keys and values of 6 MiB.
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
            // Nanoseconds: least 712, average 5_871, median 3_816, most 4_716_959,
            // standard deviation 90078.49.
            // Percentiles: 75th 4_236, 95th 4_927, 99th 5_658.
            // Bytes of a value: average 132, most 1_026.
            read: 5_871 * WEIGHT_REF_TIME_PER_NANOS,
            // Nanoseconds of an entry, over batches: least 10_832, average 11_926,
            // median 12_119, most 12_829, standard deviation 826.54.
            // Percentiles: 75th 12_829, 95th 12_829, 99th 12_829.
            write: 11_926 * WEIGHT_REF_TIME_PER_NANOS,
        }
    }
}
