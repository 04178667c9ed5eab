//! Prints figures as a table or as lines of JSON.

use serde::Serialize;

#[derive(Serialize)]
struct Figure {
    bench: &'static str,
    case: String,
    value: f64,
    unit: &'static str,
}

/// Collects figures. Prints JSON immediately, and the table at the end.
pub struct Report {
    json: bool,
    figures: Vec<Figure>,
}

impl Report {
    pub fn new(json: bool) -> Self {
        let report = Self { json, figures: Vec::new() };
        if !json {
            println!("machine: {}", machine());
        }
        report
    }

    pub fn add(
        &mut self,
        bench: &'static str,
        case: impl Into<String>,
        value: f64,
        unit: &'static str,
    ) {
        let figure = Figure { bench, case: case.into(), value, unit };
        if self.json {
            println!("{}", serde_json::json!(figure));
        }
        self.figures.push(figure);
    }

    pub fn finish(&self) {
        if self.json {
            return;
        }
        let width =
            self.figures.iter().map(|figure| figure.case.chars().count()).max().unwrap_or(0);
        for Figure { bench, case, value, unit } in &self.figures {
            println!("{bench:8}  {case:width$}  {:>12}  {unit}", display(*value));
        }
    }
}

fn display(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// Reports progress on standard error, so that standard output has only figures.
pub fn say(text: &str) {
    eprintln!("{text}");
}

fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let model = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| {
            line.strip_prefix("model name")
                .map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned())
        })
        .unwrap_or_else(|| "unknown processor".into());
    let memory = read("/proc/meminfo")
        .lines()
        .find_map(|line| {
            line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        })
        .unwrap_or(0);
    format!("{processors} cores of {model}, {} GiB", (memory + (1 << 19)) >> 20)
}

/// The median; NaN if there are no values.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[count / 2],
        count => (values[count / 2 - 1] + values[count / 2]) / 2.0,
    }
}

/// The value that 95 % of the values do not exceed; NaN if there are no values.
pub fn percentile_95(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let rank = (values.len() * 95).div_ceil(100);
    rank.checked_sub(1).map_or(f64::NAN, |index| values[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_twenty_values_exceeds_the_percentile() {
        let mut values: Vec<f64> = (1..=40).rev().map(f64::from).collect();
        assert_eq!(percentile_95(&mut values), 38.0);
        assert_eq!(percentile_95(&mut [7.0]), 7.0);
        assert!(percentile_95(&mut []).is_nan());
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&mut []).is_nan());
    }
}
