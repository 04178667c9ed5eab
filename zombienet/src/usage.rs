//! What nodes take of their machine, over time.

use std::{collections::BTreeMap, os::unix::fs::MetadataExt, path::Path};

use anyhow::{ensure, Result};

use crate::{observer::quantile, scenario::Run, testnet::Testnet};

/// What a node takes at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Resident memory in bytes.
    pub memory: f64,
    /// Open files and sockets.
    pub files: f64,
    /// What its data take on the disk, in bytes.
    pub disk: f64,
}

/// A quantity of [`Usage`], with what it may grow from the second to the last quarter of a run besides a
/// quarter of itself.
struct Quantity {
    name: &'static str,
    of: fn(&Usage) -> f64,
    unit: f64,
    slack: f64,
}

const MIB: f64 = 1_048_576.0;
/// Memory of a node that has just started grows while its caches fill. Files are opened for each peer and
/// each client.
const BOUNDED: [Quantity; 2] = [
    Quantity { name: "memory, MiB", of: |usage| usage.memory, unit: MIB, slack: 64.0 * MIB },
    Quantity { name: "open files", of: |usage| usage.files, unit: 1.0, slack: 32.0 },
];

/// Samples of all nodes.
#[derive(Default)]
pub struct Usages(BTreeMap<String, Vec<Usage>>);

impl Usages {
    /// Takes a sample of each node.
    ///
    /// # Errors
    ///
    /// A node does not run.
    pub fn sample(&mut self, testnet: &Testnet) -> Result<()> {
        for name in testnet.names() {
            let usage = Usage {
                memory: testnet.resident_bytes(name)?,
                files: testnet.open_files(name)?,
                disk: bytes_on_disk(&testnet.folder().join(name).join("data"))?,
            };
            self.0.entry(name.clone()).or_default().push(usage);
        }
        Ok(())
    }

    /// Checks that memory and open files of no node grow without bound. Puts the figures of the largest
    /// node into the report.
    ///
    /// # Errors
    ///
    /// A quantity of a node has grown too much.
    pub fn check(&self, run: &Run) -> Result<()> {
        for quantity in &BOUNDED {
            let mut largest = (0.0f64, 0.0f64);
            for (name, samples) in &self.0 {
                let (early, late) = growth(samples, quantity.of);
                largest = (largest.0.max(early), largest.1.max(late));
                ensure!(
                    late <= early * 1.25 + quantity.slack,
                    "{} of node {name} has grown from {:.1} to {:.1}",
                    quantity.name,
                    early / quantity.unit,
                    late / quantity.unit
                );
            }
            let figure = |when: &str, value: f64| {
                let name = format!("{}, largest node, {when} quarter", quantity.name);
                run.narrator.figure(&name, value / quantity.unit);
            };
            figure("second", largest.0);
            figure("last", largest.1);
        }
        Ok(())
    }

    /// By how many bytes the data of a node have grown on the disk since the first quarter of the
    /// samples ended, and in the last half of that time.
    pub fn disk_growth(&self, name: &str) -> (f64, f64) {
        let samples = self.0.get(name).map(Vec::as_slice).unwrap_or_default();
        let at = |share: usize| samples.get(samples.len() * share / 8).map_or(0.0, |one| one.disk);
        let last = samples.last().map_or(0.0, |one| one.disk);
        (last - at(2), last - at(5))
    }
}

/// The medians of the second and of the last quarter.
fn growth(samples: &[Usage], of: fn(&Usage) -> f64) -> (f64, f64) {
    let quarter = |number: usize| {
        let (from, to) = (samples.len() * number / 4, samples.len() * (number + 1) / 4);
        quantile(samples.get(from..to).unwrap_or_default().iter().map(of), 0.5)
    };
    (quarter(1), quarter(3))
}

/// What a folder takes on the disk. Files may vanish meanwhile.
fn bytes_on_disk(folder: &Path) -> Result<f64> {
    const SECTOR: f64 = 512.0;
    let mut bytes = 0.0;
    for entry in folder.read_dir()? {
        let entry = entry?;
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            bytes += bytes_on_disk(&entry.path()).unwrap_or_default();
        } else {
            bytes += metadata.blocks() as f64 * SECTOR;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_between_the_second_and_the_last_quarter() {
        let usage = |number| Usage {
            memory: f64::from(number),
            files: 1.0,
            disk: 10.0 * f64::from(number),
        };
        let samples: Vec<_> = (0..16).map(usage).collect();
        assert_eq!(growth(&samples, |usage| usage.memory), (5.0, 13.0));
        assert_eq!(growth(&samples, |usage| usage.files), (1.0, 1.0));
        let usages = Usages(BTreeMap::from([("alice".into(), samples)]));
        assert_eq!(usages.disk_growth("alice"), (110.0, 50.0));
    }
}
