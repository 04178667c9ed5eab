//! `operator`: run an operator.

use assay_client::{
    amount, calls::operators, names, rpc::WorkerPossession, AccountId, Client, Error, Signer,
};
use assay_primitives::{operator::Roles, runtime_api::OperatorView};
use codec::{Decode, DecodeAll, Encode};
use serde_json::{json, Value};

use crate::{
    args::{OperatorCommand, WorkerKeyArgs},
    context::Context,
    failure::Failure,
    output::{count, fields},
};

pub async fn run(context: &Context<'_>, command: OperatorCommand) -> Result<(), Failure> {
    match command {
        OperatorCommand::Register { bond, worker } => {
            let signer = context.signer()?;
            check_source(context, &worker)?;
            let client = context.connect().await?;
            if let Some(operator) = client.operator(signer.account()).await? {
                return Err(Failure::Usage(registered(&operator)));
            }
            client.check_bond(bond).await?;
            let key = worker_key(context, &client, &signer, &worker).await?;
            let call = operators::register(Roles::INFERENCE, key, bond);
            let done =
                format!("registered {} with a bond of {}", signer.account(), amount::display(bond));
            super::send(context, call, &done).await
        },
        OperatorCommand::SetWorker(worker) => {
            let signer = context.signer()?;
            check_source(context, &worker)?;
            let key = worker_key(context, &context.connect().await?, &signer, &worker).await?;
            let done = format!("the worker key is now {}", names::to_hex(key.worker.encode()));
            super::send(context, operators::set_worker(key), &done).await
        },
        OperatorCommand::Serve {
            model,
            ask,
            concurrency,
            response_blocks,
            classes,
            max_royalty_percent,
        } => {
            context.signer()?;
            let client = context.connect().await?;
            client.check_concurrency(concurrency).await?;
            let version = client.resolve(&model).await?;
            let classes = classes.unwrap_or(version.descriptor.assurances);
            client.check_response_blocks(response_blocks, classes).await?;
            let royalty = match max_royalty_percent {
                Some(royalty) => {
                    client.check_royalty(royalty).await?;
                    royalty
                },
                None => client.version_terms(version.id).await?.unwrap_or_default().royalty,
            };
            let call =
                operators::serve(version.id, ask, concurrency, response_blocks, classes, royalty);
            let done = format!(
                "serving {model} for {} a run, concurrency {concurrency}, within {}, classes {}, at a \
                 royalty of at most {royalty}",
                amount::display(ask),
                count(response_blocks, "block"),
                names::format_classes(classes)
            );
            super::send(context, call, &done).await
        },
        OperatorCommand::Withdraw { model } => {
            context.signer()?;
            let version = context.connect().await?.resolve(&model).await?;
            let done = format!("no longer serving {model}");
            super::send(context, operators::withdraw(version.id), &done).await
        },
        OperatorCommand::Status { account } => status(context, account).await,
        OperatorCommand::Unbond => {
            let done = "unbonding; `operator status` shows when the bond can be withdrawn";
            super::send(context, operators::unbond(), done).await
        },
        OperatorCommand::WithdrawBond => {
            super::send(context, operators::withdraw_bond(), "the bond was returned").await
        },
        OperatorCommand::AddBond { amount } => {
            let done = format!("added {} to the bond", amount::display(amount));
            super::send(context, operators::add_bond(amount), &done).await
        },
    }
}

/// The message for a second registration.
fn registered(operator: &OperatorView<AccountId>) -> String {
    let account = &operator.account;
    match operator.unbonding_until {
        Some(height) => format!(
            "{account} is an operator and unbonding: `operator withdraw-bond` from block {height} on, then \
             register again"
        ),
        None => format!(
            "{account} is already registered: use `operator add-bond` and `operator set-worker`"
        ),
    }
}

/// Checks, before anything is sent, that a worker key which comes from a node comes from an own one.
fn check_source(context: &Context<'_>, given: &WorkerKeyArgs) -> Result<(), Failure> {
    match (&given.worker, &given.worker_key_file) {
        (None, None) => context.check_own_node(given.trust_node),
        _ => Ok(()),
    }
}

/// The given worker key, else the node's. Refuses keys that are or were registered.
async fn worker_key(
    context: &Context<'_>,
    client: &Client,
    signer: &Signer,
    given: &WorkerKeyArgs,
) -> Result<WorkerPossession, Failure> {
    let account = signer.account();
    let (key, from_node) = match given {
        WorkerKeyArgs { worker_key_file: Some(path), .. } => {
            (Signer::from_file(path)?.possession(client.genesis(), account), false)
        },
        WorkerKeyArgs { worker: Some(worker), possession: Some(possession), .. } => {
            let worker = decode(worker, "a worker key")?;
            (WorkerPossession { worker, possession: decode(possession, "a signature")? }, false)
        },
        _ => match client.rpc().worker_key(account).await {
            Ok(key) => (key, true),
            Err(Error::Rpc { message, .. }) => {
                return Err(Failure::Usage(format!(
                    "the node at {} gives no worker key: {message}. Use `assay` on the machine of your \
                     operator's node, with the --url of that node, or name the key with --worker-key-file",
                    context.url()
                )))
            },
            Err(error) => return Err(error.into()),
        },
    };
    let source = match (from_node, context.names_node()) {
        (false, _) => Source::Given,
        (true, true) => Source::Node,
        (true, false) => Source::DefaultNode(context.url()),
    };
    match client.operator_of_worker(&key.worker).await? {
        Some(owner) => Err(Error::Invalid(taken(&key, &owner, account, source)).into()),
        None => Ok(key),
    }
}

/// Where a worker key comes from.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// The command line.
    Given,
    /// The node that the user has named.
    Node,
    /// The node at the default address.
    DefaultNode(&'a str),
}

/// The message for a worker key that is or was registered, with the remedy.
fn taken(key: &WorkerPossession, owner: &AccountId, account: &AccountId, source: Source) -> String {
    let key = names::to_hex(key.worker.encode());
    let whose = match owner == account {
        true => "is or was already registered by you".to_owned(),
        false => format!("is or was already registered by operator {owner}"),
    };
    const NEW_KEY: &str =
        "the node returns only the first key of its keystore: insert a new one there, \
                           and name the file with its secret with --worker-key-file";
    let remedy = match source {
        Source::DefaultNode(url) if owner != account => format!(
            "no node was named, and the one at {url} is another operator's: name yours with --url. If it \
             is yours, {NEW_KEY}"
        ),
        Source::Node | Source::DefaultNode(_) => NEW_KEY.to_owned(),
        Source::Given => "generate a new one".to_owned(),
    };
    format!("the worker key {key} {whose}, and a key can be registered only once; {remedy}")
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
        Error::not_found(format!(
            "{account} is not an operator; register it with `operator register`"
        ))
    })?;
    context.output.result(&to_json(&operator), || {
        let mut lines = vec![
            ("operator", operator.account.to_string()),
            ("worker", names::to_hex(operator.worker.encode())),
            ("bond", amount::display(operator.bond)),
            ("at stake", amount::display(operator.at_stake)),
            ("heartbeat", heartbeat(&operator)),
            ("engine", operator.engine.to_string()),
            ("open runs", operator.open_assignments.to_string()),
        ];
        if operator.owed > 0 {
            lines.push(("owed", format!("{} for equivocations", amount::display(operator.owed))));
        }
        if let Some(height) = operator.unbonding_until {
            lines.push(("unbonding", format!("the bond can be withdrawn from block {height} on")));
        }
        for service in &operator.serves {
            let offer = format!(
                "{} for {} a run, concurrency {}, within {}, classes {}, at a royalty of at \
                 most {}%; outvoted {}, {}",
                service.version,
                amount::display(service.ask),
                service.concurrency,
                count(service.response_blocks, "block"),
                names::format_classes(service.classes),
                f64::from(service.max_royalty_ppm) / 1e4,
                count(service.outvoted, "time"),
                count(service.failed, "failure")
            );
            lines.push(("serves", offer));
        }
        fields(&lines)
    });
    Ok(())
}

/// The state of an operator's heartbeats as text.
fn heartbeat(operator: &OperatorView<AccountId>) -> String {
    let state = match (operator.unbonding_until, operator.live) {
        (Some(_), _) => "none due while unbonding",
        (None, true) => "live",
        (None, false) => "overdue",
    };
    match operator.last_heartbeat {
        Some(height) => format!("{state}, last at block {height}"),
        None if operator.unbonding_until.is_some() => state.to_owned(),
        None => "none yet".to_owned(),
    }
}

/// An operator as JSON.
pub fn to_json(operator: &OperatorView<AccountId>) -> Value {
    let serves: Vec<_> = operator
        .serves
        .iter()
        .map(|service| {
            json!({
                "model": service.version.model,
                "version": service.version.number,
                "ask": service.ask.to_string(),
                "concurrency": service.concurrency,
                "response_blocks": service.response_blocks,
                "classes": names::format_classes(service.classes),
                "max_royalty_ppm": service.max_royalty_ppm,
                "outvoted": service.outvoted,
                "failed": service.failed,
            })
        })
        .collect();
    json!({
        "account": operator.account.to_string(),
        "worker": names::to_hex(operator.worker.encode()),
        "bond": operator.bond.to_string(),
        "at_stake": operator.at_stake.to_string(),
        "owed": operator.owed.to_string(),
        "live": operator.live,
        "last_heartbeat": operator.last_heartbeat,
        "engine": operator.engine.to_string(),
        "open_assignments": operator.open_assignments,
        "unbonding_until": operator.unbonding_until,
        "serves": serves,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::Digest;

    fn key() -> WorkerPossession {
        let signer = Signer::from_suri("//Worker").unwrap();
        signer.possession(Digest::zero(), signer.account())
    }

    fn operator() -> OperatorView<AccountId> {
        OperatorView {
            account: AccountId::from([1; 32]),
            worker: key().worker,
            bond: 0,
            at_stake: 0,
            owed: 0,
            last_heartbeat: Some(7),
            live: false,
            engine: Default::default(),
            open_assignments: 0,
            unbonding_until: None,
            serves: Vec::new(),
        }
    }

    #[test]
    fn no_heartbeat_is_overdue_while_unbonding() {
        let staying = operator();
        assert_eq!(heartbeat(&staying), "overdue, last at block 7");
        let leaving = OperatorView { unbonding_until: Some(9), ..staying };
        assert_eq!(heartbeat(&leaving), "none due while unbonding, last at block 7");
        let live = OperatorView { live: true, ..operator() };
        assert_eq!(heartbeat(&live), "live, last at block 7");
        let new = OperatorView { last_heartbeat: None, ..operator() };
        assert_eq!(heartbeat(&new), "none yet");
    }

    #[test]
    fn a_second_registration_is_told_what_to_use() {
        let staying = operator();
        assert!(registered(&staying).contains("`operator set-worker`"));
        let leaving = OperatorView { unbonding_until: Some(9), ..staying };
        assert!(registered(&leaving).contains("`operator withdraw-bond` from block 9 on"));
    }

    #[test]
    fn a_registered_worker_key_is_refused_with_a_remedy() {
        let (own, other) = (AccountId::from([1; 32]), AccountId::from([2; 32]));
        for source in [Source::Node, Source::DefaultNode("ws://x")] {
            let message = taken(&key(), &own, &own, source);
            assert!(message.contains("registered by you") && message.contains("--worker-key-file"));
            assert!(!message.contains("--url"), "{message}");
        }
        let message = taken(&key(), &other, &own, Source::Given);
        assert!(message.contains(&other.to_string()) && message.ends_with("generate a new one"));
        assert!(!taken(&key(), &other, &own, Source::Node).contains("--url"));
        let message = taken(&key(), &other, &own, Source::DefaultNode("ws://x"));
        assert!(message.contains("the one at ws://x is another operator's: name yours with --url"));
    }
}
