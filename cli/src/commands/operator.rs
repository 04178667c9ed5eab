//! `operator`: run an operator.

use assay_client::{
    amount, calls::operators, names, rpc::WorkerPossession, AccountId, Client, Error, Signer,
};
use assay_primitives::{operator::Roles, runtime_api::OperatorView};
use codec::{Decode, DecodeAll, Encode};
use serde_json::{json, Value};

use crate::{
    args::{OperatorCommand, WorkerKey},
    context::Context,
    failure::Failure,
    output::fields,
};

pub async fn run(context: &Context<'_>, command: OperatorCommand) -> Result<(), Failure> {
    match command {
        OperatorCommand::Register { bond, worker } => {
            let signer = context.signer()?;
            let key = worker_key(&context.connect().await?, &signer, &worker).await?;
            let call = operators::register(Roles::INFERENCE, key, bond);
            let done =
                format!("registered {} with a bond of {}", signer.account(), amount::display(bond));
            super::send(context, call, &done).await
        },
        OperatorCommand::SetWorker(worker) => {
            let signer = context.signer()?;
            let key = worker_key(&context.connect().await?, &signer, &worker).await?;
            let done = format!("the worker key is {} now", names::to_hex(key.worker.encode()));
            super::send(context, operators::set_worker(key), &done).await
        },
        OperatorCommand::Serve { model, ask, concurrency, classes } => {
            context.signer()?;
            let version = context.connect().await?.resolve(&model).await?;
            let classes = classes.unwrap_or(version.descriptor.assurances);
            let call = operators::serve(version.id, ask, concurrency, classes);
            let done = format!(
                "serving {model} for {} a run, {concurrency} at once, as {}",
                amount::display(ask),
                names::format_classes(classes)
            );
            super::send(context, call, &done).await
        },
        OperatorCommand::Withdraw { model } => {
            context.signer()?;
            let version = context.connect().await?.resolve(&model).await?;
            let done = format!("not serving {model} any more");
            super::send(context, operators::withdraw(version.id), &done).await
        },
        OperatorCommand::Status { account } => status(context, account).await,
        OperatorCommand::Unbond => {
            let done = "unbonding; `operator status` says when the bond can be taken";
            super::send(context, operators::unbond(), done).await
        },
        OperatorCommand::WithdrawBond => {
            super::send(context, operators::withdraw_bond(), "the bond is free again").await
        },
        OperatorCommand::AddBond { amount } => {
            let done = format!("added {} to the bond", amount::display(amount));
            super::send(context, operators::add_bond(amount), &done).await
        },
    }
}

/// The given worker key, else the node's.
async fn worker_key(
    client: &Client,
    signer: &Signer,
    given: &WorkerKey,
) -> Result<WorkerPossession, Failure> {
    let (Some(worker), Some(possession)) = (&given.worker, &given.possession) else {
        return Ok(client.rpc().worker_key(signer.account()).await?);
    };
    Ok(WorkerPossession {
        worker: decode(worker, "a worker key")?,
        possession: decode(possession, "a signature")?,
    })
}

fn decode<T: Decode>(text: &str, what: &str) -> Result<T, Failure> {
    let invalid = || Error::invalid(format!("`{text}` is not {what} in hex"));
    let bytes = names::from_hex(text).map_err(|_| invalid())?;
    Ok(T::decode_all(&mut &bytes[..]).map_err(|_| invalid())?)
}

async fn status(context: &Context<'_>, account: Option<AccountId>) -> Result<(), Failure> {
    let account = context.account(account)?;
    let operator = context.connect().await?.operator(&account).await?;
    let operator = operator.ok_or_else(|| {
        Error::not_found(format!("{account} is no operator; `operator register` makes it one"))
    })?;
    context.output.result(&to_json(&operator), || {
        let heartbeat = match (operator.live, operator.last_heartbeat) {
            (true, Some(height)) => format!("live, last at block {height}"),
            (false, Some(height)) => format!("overdue, last at block {height}"),
            (_, None) => "none yet".to_owned(),
        };
        let mut lines = vec![
            ("operator", operator.account.to_string()),
            ("worker", names::to_hex(operator.worker.encode())),
            ("bond", amount::display(operator.bond)),
            ("heartbeat", heartbeat),
            ("engine", operator.engine.to_string()),
            ("open runs", operator.open_assignments.to_string()),
        ];
        if let Some(height) = operator.unbonding_until {
            lines.push(("unbonding", format!("the bond can be taken from block {height}")));
        }
        for (version, ask, concurrency, classes) in &operator.serves {
            let offer = format!(
                "{version} for {} a run, {concurrency} at once, as {}",
                amount::display(*ask),
                names::format_classes(*classes)
            );
            lines.push(("serves", offer));
        }
        fields(&lines)
    });
    Ok(())
}

/// An operator, for programs.
pub fn to_json(operator: &OperatorView<AccountId>) -> Value {
    let serves: Vec<_> = operator
        .serves
        .iter()
        .map(|(version, ask, concurrency, classes)| {
            json!({
                "model": version.model,
                "version": version.number,
                "ask": ask.to_string(),
                "concurrency": concurrency,
                "classes": names::format_classes(*classes),
            })
        })
        .collect();
    json!({
        "account": operator.account.to_string(),
        "worker": names::to_hex(operator.worker.encode()),
        "bond": operator.bond.to_string(),
        "live": operator.live,
        "last_heartbeat": operator.last_heartbeat,
        "engine": operator.engine.to_string(),
        "open_assignments": operator.open_assignments,
        "unbonding_until": operator.unbonding_until,
        "serves": serves,
    })
}
