//! The `assay` command: publish models, run an operator, request inference, verify receipts.
//!
//! Results go to standard output, as text or, with `--json`, as one line of JSON; everything else
//! goes to standard error. For exit codes see [`failure`].

mod args;
mod commands;
mod context;
mod failure;
mod output;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use crate::{args::Cli, context::Context, failure::Failure, output::Output};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error),
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
