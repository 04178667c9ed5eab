//! Errors of the command line, without the key that it may contain.

use std::{io::Write, process::ExitCode};

use clap::error::ErrorKind;

use crate::failure::Failure;

/// Replacement for hidden text.
const HIDDEN: &str = "…";

/// Prints the error of a command line, or the requested help or version.
pub fn report(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // If this cannot be written, nothing can be reported.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<_> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let secrets = secrets(&arguments);
    let text = match secrets.is_empty() {
        true => {
            let _ = error.print();
            error.to_string()
        },
        false => {
            let text = without(&error.to_string(), &secrets).unwrap_or_else(|| unspoken(error));
            let _ = write!(std::io::stderr(), "{text}");
            text
        },
    };
    let message = text.split("\n\n").next().unwrap_or_default();
    let failure = Failure::Usage(message.trim_start_matches("error: ").trim().to_owned());
    if arguments.iter().any(|argument| argument == "--json") {
        let _ = writeln!(std::io::stdout(), "{}", failure.to_json());
    }
    ExitCode::from(failure.exit_code())
}

/// The words that may be part of a key: the value of `--suri` and, unless that is clearly complete,
/// all words before the next option, because a phrase without quotes is several arguments.
fn secrets(arguments: &[String]) -> Vec<String> {
    let mut secrets = Vec::new();
    for (index, argument) in arguments.iter().enumerate() {
        let Some(tail) = argument.strip_prefix("--suri") else { continue };
        let mut rest = arguments[index + 1..].iter().map(String::as_str);
        let first = match tail.strip_prefix('=').unwrap_or(tail) {
            "" => rest.next().unwrap_or_default(),
            value => value,
        };
        let is_whole = first.contains(char::is_whitespace)
            || ["//", "0x"].iter().any(|p| first.starts_with(p));
        secrets.push(first.to_owned());
        if !is_whole {
            secrets.extend(rest.take_while(|word| !word.starts_with('-')).map(str::to_owned));
        }
    }
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

/// The text of an error, with quotations of the secrets hidden. Tips are removed, because a word that
/// is similar to a secret reveals a part of it. `None` if it is unclear what to hide.
fn without(text: &str, secrets: &[String]) -> Option<String> {
    let is_quote = |character| matches!(character, '\'' | '`');
    if secrets.iter().any(|secret| secret.contains(is_quote)) {
        return None;
    }
    let mut parts = Vec::new();
    for part in text.split("\n\n").filter(|part| !part.trim_start().starts_with("tip:")) {
        // These parts quote no arguments.
        let is_fixed = ["Usage:", "For more"].iter().any(|start| part.starts_with(start));
        let part =
            if is_fixed { part.to_owned() } else { hide(&hide(part, '`', secrets), '\'', secrets) };
        if !is_fixed && secrets.iter().any(|secret| part.contains(secret.as_str())) {
            return None;
        }
        parts.push(part);
    }
    Some(parts.join("\n\n"))
}

/// Hides the text between two quotes if it contains a secret or is part of one.
fn hide(text: &str, quote: char, secrets: &[String]) -> String {
    let shares = |quoted: &str| {
        secrets.iter().any(|secret| quoted.contains(secret.as_str()) || secret.contains(quoted))
    };
    let parts: Vec<_> = text
        .split(quote)
        .enumerate()
        .map(|(index, part)| match index % 2 == 1 && shares(part) {
            true => HIDDEN,
            false => part,
        })
        .collect();
    parts.join(&quote.to_string())
}

/// A message for an error that uses none of its text.
fn unspoken(error: &clap::Error) -> String {
    format!(
        "error: {}. The command line contains a key and is not shown; put the key in quotes, or use \
         --key-file. `assay help` shows the usage.\n",
        error.kind()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use clap::Parser;

    fn said(arguments: &[&str]) -> String {
        let error = match Cli::try_parse_from(arguments) {
            Err(error) => error,
            Ok(_) => panic!("{arguments:?} are accepted"),
        };
        let arguments: Vec<_> = arguments.iter().map(|one| (*one).to_owned()).collect();
        let secrets = secrets(&arguments);
        assert!(!secrets.is_empty());
        without(&error.to_string(), &secrets).unwrap_or_else(|| unspoken(&error))
    }

    #[test]
    fn an_error_is_named_if_there_is_a_key() {
        for (arguments, message) in [
            (
                &["assay", "--suri", "//Alice", "transfer", "//Bob", "1,5"][..],
                "`1,5` is not an amount",
            ),
            (&["assay", "transfer", "//Bob", "--suri=//Alice"], "<AMOUNT>"),
            (&["assay", "balance", "--suri", "//Alice", "--jsn"], "unexpected argument '--jsn'"),
            (&["assay", "--suri", "some words here", "modl"], "unrecognized subcommand 'modl'"),
            (&["assay", "operator", "register", "--suri", "//Alice"], "--bond <BOND>"),
        ] {
            let said = said(arguments);
            assert!(said.contains(message), "{said}");
        }
    }

    #[test]
    fn no_part_of_a_key_is_shown() {
        for arguments in [
            &["assay", "--suri", "bottom", "drive", "obey", "lake", "balance"][..],
            &["assay", "balance", "--suri", "bottom", "drive", "obey", "--json"],
            &["assay", "balance", "--suri=bottom", "drive", "obey"],
            &["assay", "balance", "--suribottom", "drive", "obey"],
            &["assay", "balance", "--suri", "bottom drive obey", "bottom drive obey"],
            &["assay", "infer", "drive/Digits", "--input", "x", "--suri", "bottom", "drive"],
            &["assay", "transfer", "//Bob", "0xd21e", "--suri", "0xd21e"],
            &["assay", "balance", "--suri", "bottom's", "drive", "obey"],
        ] {
            let said = said(arguments);
            for word in ["bottom", "drive", "obey", "lake", "0xd21e"] {
                assert!(!said.contains(word), "{said}");
            }
        }
    }

    #[test]
    fn nothing_similar_to_a_key_is_suggested() {
        let said = said(&["assay", "--suri", "lake", "ballance", "drive"]);
        assert!(!said.contains("balance"), "{said}");
    }
}
