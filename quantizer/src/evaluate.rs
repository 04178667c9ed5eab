//! Compares an integer model with the floating-point model from which it was made.

use crate::{data::Dataset, error::Error, model::FloatModel, Quantized};
use rayon::prelude::*;
use serde::Serialize;

/// The difference between an integer model and its floating-point model on some rows.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Evaluation {
    /// Number of rows.
    pub rows: usize,
    /// Share of the rows for which both models select the same class.
    pub agreement: f64,
    /// Mean absolute difference between the outputs, in the unit of the output.
    pub mean_deviation: f64,
    /// Greatest absolute difference.
    pub max_deviation: f64,
    /// Greatest magnitude of the floating-point model's outputs, as a reference for the
    /// differences.
    pub greatest_output: f64,
    /// Share of the rows that the floating-point model classifies correctly; `None` without labels.
    pub float_accuracy: Option<f64>,
    /// Share of the rows that the integer model classifies correctly; `None` without labels.
    pub integer_accuracy: Option<f64>,
}

/// The contribution of one row to an [`Evaluation`].
#[derive(Clone, Copy, Default)]
struct Tally {
    agree: usize,
    float_right: usize,
    integer_right: usize,
    sum: f64,
    max: f64,
    greatest: f64,
}

impl Quantized {
    /// Compares this model with the floating-point model from which it was made.
    ///
    /// # Errors
    ///
    /// [`Error::Run`] if a row does not fit this model.
    pub fn evaluate(&self, model: &FloatModel, data: &Dataset) -> Result<Evaluation, Error> {
        let scale = self.output_scale();
        let threshold = model.threshold();
        let tally = |(index, row): (usize, &Vec<f64>)| -> Result<Tally, Error> {
            let float = model.run(row);
            let integer: Vec<f64> =
                self.run(row)?.into_iter().map(|value| f64::from(value) * scale).collect();
            let label = data.labels.as_ref().map(|labels| labels[index]);
            let classes = (class(&float, threshold), class(&integer, threshold));
            let deviations = float.iter().zip(&integer).map(|(a, b)| (a - b).abs());
            Ok(Tally {
                agree: usize::from(classes.0 == classes.1),
                float_right: usize::from(label == Some(classes.0)),
                integer_right: usize::from(label == Some(classes.1)),
                sum: deviations.clone().sum::<f64>() / float.len() as f64,
                max: deviations.fold(0.0, f64::max),
                greatest: float.iter().fold(0.0, |max, value| max.max(value.abs())),
            })
        };
        let tallies: Vec<Tally> =
            data.rows.par_iter().enumerate().map(tally).collect::<Result<_, _>>()?;
        let total = tallies.iter().fold(Tally::default(), |total, row| Tally {
            agree: total.agree + row.agree,
            float_right: total.float_right + row.float_right,
            integer_right: total.integer_right + row.integer_right,
            sum: total.sum + row.sum,
            max: total.max.max(row.max),
            greatest: total.greatest.max(row.greatest),
        });
        let share = |count: usize| count as f64 / data.len().max(1) as f64;
        let labelled = data.has_labels();
        Ok(Evaluation {
            rows: data.len(),
            agreement: share(total.agree),
            mean_deviation: total.sum / data.len().max(1) as f64,
            max_deviation: total.max,
            greatest_output: total.greatest,
            float_accuracy: labelled.then(|| share(total.float_right)),
            integer_accuracy: labelled.then(|| share(total.integer_right)),
        })
    }
}

/// The class with the greatest score, or the first of several. With a single score: class 1 if the
/// score is above the threshold, else class 0.
fn class(scores: &[f64], threshold: f64) -> usize {
    if let [score] = scores {
        return usize::from(*score > threshold);
    }
    let greater =
        |best: usize, index: usize| if scores[index] > scores[best] { index } else { best };
    (0..scores.len()).fold(0, greater)
}
