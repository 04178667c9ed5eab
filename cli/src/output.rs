//! Results to standard output, everything else to standard error.

use std::{
    io::{IsTerminal, Write},
    time::Duration,
};

use indicatif::ProgressBar;
use serde::Serialize;

use crate::failure::Failure;

/// The output of a command.
pub struct Output {
    json: bool,
    spinner: Option<ProgressBar>,
}

impl Output {
    /// Results as text, or as JSON on one line.
    pub fn new(json: bool) -> Self {
        let spinner = std::io::stderr().is_terminal().then(ProgressBar::new_spinner);
        if let Some(spinner) = &spinner {
            spinner.enable_steady_tick(Duration::from_millis(120));
        }
        Self { json, spinner }
    }

    /// Prints the result of a command.
    pub fn result(&self, json: &impl Serialize, text: impl FnOnce() -> String) {
        let line = match self.json {
            true => serde_json::to_string(json).unwrap_or_default(),
            false => text().trim_end().to_owned(),
        };
        self.quietly(|| {
            // A closed pipe is not a failure of this command.
            let _ = writeln!(std::io::stdout(), "{line}");
        });
    }

    /// Shows the current step. On a terminal, the next one replaces it.
    pub fn progress(&self, message: impl Into<String>) {
        let message = message.into();
        match &self.spinner {
            Some(spinner) => spinner.set_message(message),
            None => eprintln!("{message}"),
        }
    }

    /// Prints a line that stays on the screen.
    pub fn note(&self, message: impl AsRef<str>) {
        self.quietly(|| eprintln!("{}", message.as_ref()));
    }

    /// Prints a failure.
    pub fn failure(&self, failure: &Failure) {
        if failure.is_printed() {
            return;
        }
        eprintln!("error: {}", failure.message());
        if self.json {
            let _ = writeln!(std::io::stdout(), "{}", failure.to_json());
        }
    }

    /// Removes the progress display.
    pub fn finish(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }

    fn quietly(&self, print: impl FnOnce()) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(print),
            None => print(),
        }
    }
}

/// Formats rows as a table.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let header: Vec<String> = header.iter().map(|title| (*title).to_owned()).collect();
    let width = |column: usize| {
        std::iter::once(&header)
            .chain(rows)
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..header.len()).map(width).collect();
    std::iter::once(&header)
        .chain(rows)
        .map(|row| {
            let cells: Vec<_> =
                row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            format!("{}\n", cells.join("  ").trim_end())
        })
        .collect()
}

/// Formats names and values in two columns.
pub fn fields(values: &[(&str, String)]) -> String {
    let width = values.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    values.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

/// A number of things: `1 peer`, `2 peers`. Adds an `s` to the word for more or fewer than one.
pub fn count(number: impl std::fmt::Display, thing: &str) -> String {
    let number = number.to_string();
    let ending = if number == "1" { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

/// A time in the two largest of days, hours, minutes and seconds: `5 h 12 min`.
pub fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, name) in UNITS {
        if rest >= size {
            parts.push(format!("{} {name}", rest / size));
        }
        rest %= size;
    }
    match parts.is_empty() {
        true => "0 s".to_owned(),
        false => parts[..parts.len().min(2)].join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_agrees_with_its_word() {
        assert_eq!(
            [0u32, 1, 2].map(|number| count(number, "peer")),
            ["0 peers", "1 peer", "2 peers"]
        );
    }

    #[test]
    fn a_time_has_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (18_725, "5 h 12 min"),
            (86_400, "1 d"),
            (7 * 86_400 - 1, "6 d 23 h"),
            (86_405, "1 d 5 s"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["a".into(), "long".into()], vec!["bbb".into(), "x".into()]];
        assert_eq!(table(&["N", "V"], &rows), "N    V\na    long\nbbb  x\n");
        assert_eq!(fields(&[("a", "1".into()), ("bcd", "2".into())]), "a    1\nbcd  2\n");
    }
}
