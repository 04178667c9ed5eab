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
