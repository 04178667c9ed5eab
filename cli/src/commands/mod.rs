//! The commands.

mod account;
mod answer;
mod batch;
mod dispute;
mod doctor;
mod infer;
mod model;
mod operator;
mod proof;
mod quantize;
mod receipt;
mod request;
mod validator;

use assay_client::{Call, Inclusion};
use serde_json::{json, Value};

use crate::{args::Command, context::Context, failure::Failure};

/// Runs a command.
pub async fn run(context: &Context<'_>, command: Command) -> Result<(), Failure> {
    match command {
        Command::Model(command) => model::run(context, command).await,
        Command::Operator(command) => operator::run(context, command).await,
        Command::Quote { model, assurance } => infer::quote(context, &model, assurance).await,
        Command::Infer(arguments) => infer::run(context, arguments).await,
        Command::Request(command) => request::run(context, command).await,
        Command::Dispute(command) => dispute::run(context, command).await,
        Command::Receipt(command) => receipt::run(context, command).await,
        Command::Proof(command) => proof::run(context, command).await,
        Command::Balance { account } => account::balance(context, account).await,
        Command::Claim => account::claim(context).await,
        Command::Transfer { to, amount } => account::transfer(context, to, amount).await,
        Command::Doctor { operator, validator } => doctor::run(context, operator, validator).await,
        Command::Validator(command) => validator::run(context, command).await,
    }
}

/// Sends a transaction, waits for its inclusion and prints `done` with the block.
async fn send(context: &Context<'_>, call: Call, done: &str) -> Result<(), Failure> {
    let inclusion = submit(context, &call).await?;
    context
        .output
        .result(&included(&call, inclusion), || format!("{done} (block {})", inclusion.height));
    Ok(())
}

/// Sends a transaction and waits for its inclusion.
async fn submit(context: &Context<'_>, call: &Call) -> Result<Inclusion, Failure> {
    let signer = context.signer()?;
    let client = context.connect().await?;
    context.output.progress(format!("sending {}", call.path()));
    Ok(client.submit(call, &signer).await?)
}

/// The inclusion of a transaction as JSON.
fn included(call: &Call, inclusion: Inclusion) -> Value {
    json!({
        "call": call.path(),
        "transaction": inclusion.transaction,
        "block": inclusion.block,
        "height": inclusion.height,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{args::Cli, failure::USAGE, output::Output};
    use clap::Parser;

    /// The exit code and the message of a command that fails.
    async fn failure(line: &str) -> (u8, String) {
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap_or_else(|e| panic!("{e}"));
        let output = Output::new(false);
        let context = Context::new(cli.global, &output);
        let failure = run(&context, cli.command).await.unwrap_err();
        (failure.exit_code(), failure.message())
    }

    #[tokio::test]
    async fn no_node_elsewhere_is_asked_for_keys() {
        for command in
            ["validator rotate-keys", "operator register --bond 1000", "operator set-worker"]
        {
            let line = format!("assay {command} --suri //Alice --url ws://node.invalid:1");
            let (code, message) = failure(&line).await;
            assert_eq!(code, USAGE, "{message}");
            assert!(message.contains("is not on this machine"), "{message}");
            // With the consent of the user it is asked, if it can be found.
            let (code, message) = failure(&format!("{line} --trust-node")).await;
            assert_eq!(code, 3, "{message}");
        }
        let given = "assay operator set-worker --worker 0x00 --possession 0x00 --suri //Alice";
        assert_eq!(failure(&format!("{given} --url ws://node.invalid:1")).await.0, 3);
    }
}
