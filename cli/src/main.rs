//! The `assay` command: publish models, run an operator, ask for inference, check receipts.
//!
//! Results go to standard output, as text or, with `--json`, as one line of JSON; everything else
//! goes to standard error. The exit code says how it went: see [`failure`].

mod args;
mod commands;
mod context;
mod failure;
mod output;

use std::process::ExitCode;

use clap::{error::ErrorKind, Parser};

use crate::{args::Cli, context::Context, failure::Failure, output::Output};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let output = Output::new(cli.global.json);
    let context = Context::new(cli.global, &output);
    let result = tokio::select! {
        result = commands::run(&context, cli.command) => result,
        _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
    };
    output.finish();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit_code())
        },
    }
}

/// Prints what is wrong with the command line. Where it holds a key, nothing of it is repeated.
fn usage(error: &clap::Error) -> ExitCode {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let holds_key = std::env::args().any(|argument| argument.starts_with("--suri"));
    if is_help || !holds_key {
        // Nothing is left to do where even this cannot be written.
        let _ = error.print();
    } else {
        eprintln!(
            "error: {}. The command line holds a key and is not repeated; put the key in quotes, \
             or use --key-file. `assay help` shows the usage.",
            error.kind()
        );
    }
    match is_help {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(failure::USAGE),
    }
}
