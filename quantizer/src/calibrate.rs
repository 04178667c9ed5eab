//! Calibration: chooses the scale of each tensor.

use crate::{float::Network, scale::rounded};
use rayon::prelude::*;

/// Number of bins of a histogram of magnitudes.
const BINS: usize = 2048;
/// Number of clipping limits that are tried: 1/64 to 64/64 of the greatest magnitude.
const STEPS: usize = 64;

/// How to choose the scale of a tensor from its values on the calibration rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CalibrationMethod {
    /// The scale with the least mean squared error, among 64 candidates that clip more or fewer of
    /// the largest magnitudes.
    #[default]
    SquaredError,
    /// The scale that clips nothing.
    Greatest,
}

/// Chooses the scale of each node's tensor.
pub(crate) fn scales(network: &Network, rows: &[Vec<f64>], method: CalibrationMethod) -> Vec<f64> {
    let count = network.nodes.len();
    let greatest = rows
        .par_iter()
        .map(|row| {
            let values = network.run(row);
            let greatest =
                |values: &Vec<f64>| values.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
            values.iter().map(greatest).collect::<Vec<f64>>()
        })
        .reduce(|| vec![0.0; count], |a, b| a.iter().zip(&b).map(|(a, b)| a.max(*b)).collect());
    // A tensor that is always zero can have any scale.
    let greatest: Vec<f64> =
        greatest.into_iter().map(|max| if max > 0.0 { max } else { 1.0 }).collect();
    if method == CalibrationMethod::Greatest {
        return greatest.iter().map(|max| rounded(max / 127.0)).collect();
    }
    let histograms = rows
        .par_iter()
        .fold(
            || vec![0u64; count * BINS],
            |mut histograms, row| {
                for (node, values) in network.run(row).iter().enumerate() {
                    for value in values {
                        let bin = (value.abs() / greatest[node] * BINS as f64) as usize;
                        histograms[node * BINS + bin.min(BINS - 1)] += 1;
                    }
                }
                histograms
            },
        )
        .reduce(|| vec![0; count * BINS], |a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect());
    let limit = |(max, histogram): (&f64, &[u64])| rounded(max * best_share(histogram) / 127.0);
    greatest.iter().zip(histograms.chunks_exact(BINS)).map(limit).collect()
}

/// The share of the greatest magnitude at which to clip: the one with the least squared error, or
/// the greatest of several.
fn best_share(histogram: &[u64]) -> f64 {
    let error = |share: f64| -> f64 {
        let step = share / 127.0;
        let of_bin = |(bin, count): (usize, &u64)| {
            let value = (bin as f64 + 0.5) / BINS as f64;
            let quantised = (value / step).round().min(127.0) * step;
            *count as f64 * (value - quantised).powi(2)
        };
        histogram.iter().enumerate().map(of_bin).sum()
    };
    let shares = (1..=STEPS).rev().map(|step| step as f64 / STEPS as f64);
    let (share, _) = shares.fold((1.0, f64::MAX), |best, share| {
        let error = error(share);
        if error < best.1 {
            (share, error)
        } else {
            best
        }
    });
    share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenly_distributed_values_are_not_clipped_and_rare_ones_are() {
        assert_eq!(best_share(&[10; BINS]), 1.0);
        let mut one_far_away = vec![0; BINS];
        one_far_away[..BINS / 8].fill(1000);
        one_far_away[BINS - 1] = 1;
        assert!(best_share(&one_far_away) < 0.5);
    }
}
