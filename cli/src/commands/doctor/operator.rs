//! The checks of an operator and its node.

use assay_client::{amount, names, rpc, AccountId, Client};
use assay_primitives::{
    runtime_api::{OperatorView, ServiceView},
    Balance, BlockNumber, Digest,
};
use codec::Encode;
use serde_json::Value;

use super::{CheckStatus, Report};
use crate::output::count;

/// The status of the node's engine. `expected`: whether it is worth a line that there is none.
pub async fn engine(client: &Client, expected: bool, report: &mut Report) -> Option<Value> {
    match client.rpc().engine_status().await {
        Ok(Some(status)) => {
            report.ok("engine", describe_engine(&status));
            Some(status)
        },
        Ok(None) => {
            if expected {
                report.add("engine", CheckStatus::Skipped, "this node has no engine");
            }
            None
        },
        Err(error) => {
            report.error("engine", &error);
            None
        },
    }
}

/// The status of an engine in one line.
fn describe_engine(status: &Value) -> String {
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let counters = &status["counters"];
    format!(
        "version {}, {} running, {} loaded, {} so far, {} failed",
        status["version"].as_str().unwrap_or("unknown"),
        number(&status["running"]),
        count(status["idle_workers"].as_array().map_or(0, Vec::len), "model"),
        count(number(&counters["runs"]), "run"),
        number(&counters["failures"])
    )
}

/// Checks the operator, and its worker key on the node. The operator is that of `hint`, else the one
/// that has registered the node's worker key. `expected`: whether `hint` must be an operator.
pub async fn keys(
    client: &Client,
    hint: Option<AccountId>,
    expected: bool,
    has_engine: bool,
    report: &mut Report,
) -> Option<OperatorView<AccountId>> {
    // Without an account, only the key is used, not the proof of possession.
    let account = hint.clone().unwrap_or_else(|| AccountId::from([0; 32]));
    // What a node elsewhere says of its keys proves nothing.
    let first = match rpc::is_on_this_machine(client.rpc().url()) {
        true => Some(client.rpc().worker_key(&account).await.map(|key| key.worker)),
        false => None,
    };
    let mut view = match &hint {
        Some(account) => client.operator(account).await,
        None => Ok(None),
    };
    if let (Ok(None), false, Some(Ok(worker))) = (&view, expected, &first) {
        view = match client.operator_of_worker(worker).await {
            Ok(Some(owner)) => client.operator(&owner).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
    }
    let view = match view {
        Ok(view) => view,
        Err(error) => {
            report.error("operator", &error);
            return None;
        },
    };
    let first = match first {
        Some(Ok(worker)) => Some(worker),
        None => {
            elsewhere(expected, report);
            None
        },
        Some(Err(error)) => {
            let detail = format!("the node returned no worker key: {error}");
            missing_key(detail, expected, has_engine, report);
            None
        },
    };
    let Some(view) = view else {
        if let Some(worker) = &first {
            let hex = names::to_hex(worker.encode());
            report.ok("worker key", format!("{hex} is in this node's keystore"));
        }
        no_operator(hint.filter(|_| expected), first.is_some(), report);
        return None;
    };
    let holds_key = match client.rpc().has_worker_key(&view.worker).await {
        Ok(holds) => first.as_ref().map(|_| holds),
        // At least the first key of the keystore is known.
        Err(_) => first.as_ref().map(|first| *first == view.worker),
    };
    let limits = Limits {
        min_bond: client.constant("Operators", "MinBond").await,
        heartbeat_interval: client.constant("Operators", "HeartbeatInterval").await,
    };
    judge_operator(&view, holds_key, &limits, report);
    Some(view)
}

/// Reports that the node is not on this machine. `expected`: whether it has to be an operator's.
fn elsewhere(expected: bool, report: &mut Report) {
    let verdict = if expected { CheckStatus::Failed } else { CheckStatus::Skipped };
    let detail = "the node is not on this machine, so what it says of its keys proves nothing";
    let remedy = "run doctor on the machine of the operator's node, or through a tunnel (ssh -L)";
    report.problem("worker key", verdict, detail, remedy);
}

/// Reports that the node returned no worker key.
fn missing_key(detail: String, expected: bool, has_engine: bool, report: &mut Report) {
    let verdict = match (expected, has_engine) {
        (true, _) => CheckStatus::Failed,
        (false, true) => CheckStatus::Warning,
        (false, false) => CheckStatus::Skipped,
    };
    let remedy = match has_engine {
        true => {
            "insert a key of type awrk into the operator's node; a node that only watches needs none"
        },
        false => {
            "run doctor on the operator's machine against assay-node --operator, and insert a key \
             of type awrk"
        },
    };
    report.problem("worker key", verdict, detail, remedy);
}

/// Reports that there is no operator. `expected`: the account that must be one.
fn no_operator(expected: Option<AccountId>, has_key: bool, report: &mut Report) {
    let (verdict, detail) = match expected {
        Some(account) => (CheckStatus::Failed, format!("{account} is not registered")),
        None if has_key => {
            (CheckStatus::Warning, "no operator has registered this worker key".to_owned())
        },
        None => {
            let detail = "no operator is registered for this node or key";
            return report.add("operator", CheckStatus::Skipped, detail);
        },
    };
    let remedy = "run `assay operator register --bond AMOUNT` against this node";
    report.problem("operator", verdict, detail, remedy);
}

/// Constants of the chain; `None` if they are not known.
#[derive(Default)]
struct Limits {
    /// The minimum bond in plancks to be drawn.
    min_bond: Option<Balance>,
    /// Number of blocks between two heartbeats.
    heartbeat_interval: Option<BlockNumber>,
}

/// Evaluates an operator. `holds_key`: whether the node has its worker key; `None` if not known.
fn judge_operator(
    operator: &OperatorView<AccountId>,
    holds_key: Option<bool>,
    limits: &Limits,
    report: &mut Report,
) {
    let worker = names::to_hex(operator.worker.encode());
    match holds_key {
        Some(true) => report.ok("worker key", format!("{worker} is in this node's keystore")),
        Some(false) => {
            let detail = format!("the registered key {worker} is not in this node's keystore");
            let remedy =
                "run `assay operator set-worker` against this node, or restore its keystore";
            report.problem("worker key", CheckStatus::Failed, detail, remedy);
        },
        None => {},
    }
    let detail = format!("{} with a bond of {}", operator.account, amount::display(operator.bond));
    match (operator.unbonding_until, limits.min_bond) {
        (None, Some(least)) if operator.bond < least => {
            let least = amount::display(least);
            let detail = format!("{detail}, below the minimum of {least}, so it is not drawn");
            report.problem(
                "operator",
                CheckStatus::Failed,
                detail,
                "run `assay operator add-bond AMOUNT`",
            );
        },
        (None, _) => report.ok("operator", detail),
        (Some(height), _) => {
            let detail = format!("{detail}, unbonding until block {height}");
            let remedy = "it is not drawn; withdraw the bond then, and register again";
            report.problem("operator", CheckStatus::Warning, detail, remedy);
        },
    }
    match (operator.live, operator.last_heartbeat) {
        _ if operator.unbonding_until.is_some() => {},
        (true, Some(height)) => report.ok("heartbeat", format!("live, last at block {height}")),
        // A key is registered without a heartbeat, and the node that holds it sends one.
        (_, None) if holds_key == Some(true) => {
            let within = match limits.heartbeat_interval {
                Some(blocks) => format!("comes within {}", count(blocks, "block")),
                None => "comes soon".to_owned(),
            };
            let detail = "none yet with this worker key";
            let remedy = format!("the next heartbeat {within}; if none does, see the node's log");
            report.problem("heartbeat", CheckStatus::Warning, detail, remedy);
        },
        (_, last) => {
            let detail = match last {
                Some(height) => format!("overdue, last at block {height}"),
                None => "none yet".to_owned(),
            };
            let remedy =
                "run assay-node --operator with the worker key until it is synced, and see its log";
            report.problem("heartbeat", CheckStatus::Failed, detail, remedy);
        },
    }
}

/// Checks the models that an operator offers.
pub async fn serving(
    client: &Client,
    operator: &OperatorView<AccountId>,
    engine: Option<&Value>,
    report: &mut Report,
) {
    if operator.serves.is_empty() && operator.unbonding_until.is_none() {
        let remedy = "run `assay operator serve MODEL --ask AMOUNT`";
        report.problem("models", CheckStatus::Warning, "the operator serves no model", remedy);
    }
    for service in &operator.serves {
        let id = &service.version;
        let version = match client.version(*id).await {
            Ok(Some(version)) => version,
            Ok(None) => {
                let remedy = format!("run `assay operator withdraw {id}`");
                let detail = format!("version {id} does not exist any more");
                report.problem("models", CheckStatus::Warning, detail, remedy);
                continue;
            },
            Err(error) => {
                report.error("models", &error);
                continue;
            },
        };
        let artifact = version.descriptor.artifact;
        let detail = describe_offer(service);
        match client.rpc().artifact_manifest(artifact).await {
            Ok(Some(_)) => {},
            Ok(None) => {
                let detail = format!("{detail}: the node does not have its artifact");
                let remedy = "wait until the node is synced; artifacts are in block bodies";
                report.problem("models", CheckStatus::Failed, detail, remedy);
                continue;
            },
            Err(error) => {
                report.error("models", &error);
                continue;
            },
        }
        match engine {
            Some(status) if is_mentioned(status, artifact) => {
                report.ok("models", format!("{detail}, loaded"));
            },
            // It is not drawn, so nothing has to be loaded.
            Some(_) if service.concurrency == 0 => report.ok("models", detail),
            Some(_) => {
                let detail = format!("{detail}: not loaded");
                let remedy =
                    "its first request loads it, which takes longer; if it remains not loaded, see the \
                     node's log";
                report.problem("models", CheckStatus::Warning, detail, remedy);
            },
            None => report.add(
                "models",
                CheckStatus::Skipped,
                format!("{detail}: this node has no engine"),
            ),
        }
    }
}

/// An offer in a few words.
fn describe_offer(service: &ServiceView) -> String {
    let ServiceView { version, ask, concurrency, .. } = service;
    let paused = if *concurrency == 0 { ", paused" } else { "" };
    format!("{version} for {}{paused}", amount::display(*ask))
}

/// Whether an engine's status contains the identity of an artifact.
fn is_mentioned(status: &Value, artifact: Digest) -> bool {
    let digits = hex::encode(artifact);
    match status {
        Value::String(text) => text.to_ascii_lowercase().contains(&digits),
        Value::Array(items) => items.iter().any(|item| is_mentioned(item, artifact)),
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            name.to_ascii_lowercase().contains(&digits) || is_mentioned(value, artifact)
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::Signer;
    use serde_json::json;

    fn operator() -> OperatorView<AccountId> {
        OperatorView {
            account: AccountId::from([1; 32]),
            worker: Signer::from_suri("//Worker")
                .unwrap()
                .possession(Digest::zero(), &AccountId::from([1; 32]))
                .worker,
            bond: 10,
            at_stake: 0,
            owed: 0,
            last_heartbeat: Some(7),
            live: true,
            engine: Default::default(),
            open_assignments: 0,
            unbonding_until: None,
            serves: Vec::new(),
        }
    }

    #[test]
    fn a_node_elsewhere_does_not_vouch_for_an_operator() {
        for (expected, verdict) in [(true, CheckStatus::Failed), (false, CheckStatus::Skipped)] {
            let mut report = Report::default();
            elsewhere(expected, &mut report);
            assert_eq!(report.checks[0].verdict, verdict);
            assert!(report.to_text().contains("ssh -L"));
        }
    }

    #[test]
    fn a_node_with_an_engine_and_without_a_worker_key_is_a_warning() {
        let missing = |expected, has_engine| {
            let mut report = Report::default();
            missing_key("none".to_owned(), expected, has_engine, &mut report);
            report.checks[0].verdict
        };
        assert_eq!(missing(false, true), CheckStatus::Warning);
        assert_eq!(missing(false, false), CheckStatus::Skipped);
        assert_eq!(missing(true, true), CheckStatus::Failed);
        assert_eq!(missing(true, false), CheckStatus::Failed);
    }

    #[test]
    fn the_registered_worker_key_is_the_one_that_is_shown() {
        let worker = names::to_hex(operator().worker.encode());
        for (holds_key, expected) in [(true, CheckStatus::Ok), (false, CheckStatus::Failed)] {
            let mut report = Report::default();
            judge_operator(&operator(), Some(holds_key), &Limits::default(), &mut report);
            let check = report.checks.iter().find(|check| check.check == "worker key").unwrap();
            assert!(check.detail.contains(&worker), "{}", check.detail);
            assert_eq!(check.verdict, expected);
        }
        let mut report = Report::default();
        judge_operator(&operator(), None, &Limits::default(), &mut report);
        assert!(report.checks.iter().all(|check| check.check != "worker key"));
    }

    #[test]
    fn a_first_heartbeat_is_awaited_only_from_a_node_that_holds_the_key() {
        let new = OperatorView { last_heartbeat: None, live: false, ..operator() };
        let late = OperatorView { live: false, ..operator() };
        for (operator, holds_key, expected) in [
            (operator(), Some(true), CheckStatus::Ok),
            (new.clone(), Some(true), CheckStatus::Warning),
            (new.clone(), Some(false), CheckStatus::Failed),
            (new, None, CheckStatus::Failed),
            (late, Some(true), CheckStatus::Failed),
        ] {
            let limits = Limits { heartbeat_interval: Some(15), ..Default::default() };
            let mut report = Report::default();
            judge_operator(&operator, holds_key, &limits, &mut report);
            let check = report.checks.iter().find(|check| check.check == "heartbeat").unwrap();
            assert_eq!(check.verdict, expected, "{holds_key:?}: {}", check.detail);
            if expected == CheckStatus::Warning {
                assert!(check.remedy.as_ref().unwrap().contains("within 15 blocks"));
            }
        }
    }

    #[test]
    fn a_paused_offer_is_named() {
        let mut service = ServiceView {
            version: assay_primitives::VersionId { model: assay_primitives::ModelId(0), number: 1 },
            ask: 0,
            concurrency: 1,
            response_blocks: 2,
            classes: Default::default(),
            max_royalty_ppm: 0,
            outvoted: 0,
            failed: 0,
        };
        assert!(!describe_offer(&service).contains("paused"));
        service.concurrency = 0;
        assert!(describe_offer(&service).ends_with(", paused"));
    }

    #[test]
    fn an_artifact_is_found_anywhere_in_a_status() {
        let artifact = Digest::repeat_byte(0xab);
        let digits = "AB".repeat(32);
        for status in [
            json!({"models": [{"artifact": format!("0x{digits}")}]}),
            json!({"loaded": {digits.clone(): 3}}),
        ] {
            assert!(is_mentioned(&status, artifact), "{status}");
            assert!(!is_mentioned(&status, Digest::zero()), "{status}");
        }
    }
}
