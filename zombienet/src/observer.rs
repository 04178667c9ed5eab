//! Samples of the best and the newest final block, taken while a scenario runs, from one node that
//! answers at a time.

use std::{collections::BTreeMap, time::Duration};

use assay_client::Client;
use serde::Serialize;
use tokio::{
    task::JoinHandle,
    time::{interval, timeout, MissedTickBehavior},
};

use crate::{scenario::Narrator, testnet::Testnet};

/// Time between two samples.
pub const SAMPLE_INTERVAL: Duration = Duration::from_millis(250);
/// Time for a node to answer, after which the next one is asked.
const ANSWER: Duration = Duration::from_secs(3);

/// What a node showed at a time.
#[derive(Clone, Copy, Debug, Serialize, PartialEq)]
pub struct Sample {
    /// Seconds since the start of the scenario.
    pub seconds: f64,
    /// Height of the best block.
    pub best: u32,
    /// Height of the newest final block.
    pub finalised: u32,
}

/// Takes samples until it is dropped.
pub struct Observer(JoinHandle<()>);

impl Observer {
    /// Begins to take samples of the nodes at these addresses.
    pub fn start(urls: Vec<String>, narrator: &Narrator) -> Self {
        Self(tokio::spawn(observe(urls, narrator.clone())))
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn observe(urls: Vec<String>, narrator: Narrator) {
    let mut ticks = interval(SAMPLE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for url in urls.iter().cycle() {
        // Also the pace at which nodes are tried, if none answers.
        ticks.tick().await;
        let Ok(Ok(client)) = timeout(ANSWER, Client::connect(url)).await else { continue };
        while let Ok(Ok((best, finalised))) = timeout(ANSWER, Testnet::heights(&client)).await {
            narrator.sample(best, finalised);
            ticks.tick().await;
        }
    }
}

/// Block times and times to finality in seconds, each with the second at which the block was seen
/// or was final.
#[derive(Clone, Debug, Default, Serialize, PartialEq)]
pub struct Pace {
    /// Time since the previous block. Blocks that come between two samples share it.
    pub block_times: Vec<(f64, f64)>,
    /// Time from the first sight of a block to its finality.
    pub finality: Vec<(f64, f64)>,
}

/// The pace of a chain by its samples.
pub fn pace(samples: &[Sample]) -> Pace {
    let mut pace = Pace::default();
    let mut seen: BTreeMap<u32, f64> = BTreeMap::new();
    let Some(first) = samples.first() else { return pace };
    let (mut best, mut best_since) = (first.best, first.seconds);
    let mut finalised = first.finalised.max(first.best);
    for sample in samples {
        if sample.best > best {
            let each = (sample.seconds - best_since) / f64::from(sample.best - best);
            for height in best + 1..=sample.best {
                pace.block_times.push((sample.seconds, each));
                seen.insert(height, sample.seconds);
            }
            (best, best_since) = (sample.best, sample.seconds);
        }
        for height in finalised + 1..=sample.finalised {
            if let Some(since) = seen.remove(&height) {
                pace.finality.push((sample.seconds, sample.seconds - since));
            }
        }
        finalised = finalised.max(sample.finalised);
    }
    pace
}

/// The value below which this share of the values lies, by the nearest rank; zero of none.
pub fn quantile(values: impl IntoIterator<Item = f64>, share: f64) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let rank = (share * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_counts_blocks_that_were_seen_to_come() {
        let sample = |seconds, best, finalised| Sample { seconds, best, finalised };
        // Block 4 was there before, 5 and 6 come together, and 6 is not final yet.
        let samples = [sample(0.0, 4, 2), sample(1.0, 4, 4), sample(4.0, 6, 4), sample(6.0, 6, 5)];
        let expected =
            Pace { block_times: vec![(4.0, 2.0), (4.0, 2.0)], finality: vec![(6.0, 2.0)] };
        assert_eq!(pace(&samples), expected);
    }

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(quantile(values.clone(), 0.5), 100.0);
        assert_eq!(quantile(values, 0.99), 198.0);
        assert_eq!(quantile([], 0.5), 0.0);
    }
}
