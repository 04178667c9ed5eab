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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["a".into(), "long".into()], vec!["bbb".into(), "x".into()]];
        assert_eq!(table(&["N", "V"], &rows), "N    V\na    long\nbbb  x\n");
        assert_eq!(fields(&[("a", "1".into()), ("bcd", "2".into())]), "a    1\nbcd  2\n");
    }
}
