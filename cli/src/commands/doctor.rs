//! `doctor`: checks a node, an operator and this machine, and states remedies.

use std::time::{SystemTime, UNIX_EPOCH};

use assay_client::{amount, dispute::stage, names, rpc, storage, AccountId, Client, Error};
use assay_dispute::Party;
use assay_primitives::{
    operator::EngineVersion,
    runtime_api::{DisputeView, OperatorView, ServiceView},
    Balance, BlockNumber, Digest,
};
use codec::Encode;
use serde::Serialize;
use serde_json::{json, Value};

use crate::{context::Context, failure::Failure, output::table};

mod validator;

/// Maximum number of disputes of an account that are checked.
const MAX_DISPUTES: u32 = 200;
/// Maximum age of the newest block in milliseconds. If it is older, the chain has stopped.
const MAX_BLOCK_AGE_MS: i128 = 60_000;
/// Maximum time in milliseconds by which the newest block may be ahead of this clock. Beyond it, a
/// clock is wrong.
const MAX_CLOCK_AHEAD_MS: i128 = 5_000;
/// Maximum number of blocks that are not final. Beyond it, finality is stuck.
const MAX_FINALITY_LAG: u32 = 30;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum CheckStatus {
    Ok,
    /// It works, but needs attention.
    Warning,
    Failed,
    /// Not applicable, or not enough information.
    Skipped,
}

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    check: &'static str,
    verdict: CheckStatus,
    detail: String,
    /// The remedy, if there is a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

#[derive(Default)]
struct Report {
    checks: Vec<Check>,
}

impl Report {
    fn add(&mut self, check: &'static str, verdict: CheckStatus, detail: impl Into<String>) {
        self.checks.push(Check { check, verdict, detail: detail.into(), remedy: None });
    }

    fn ok(&mut self, check: &'static str, detail: impl Into<String>) {
        self.add(check, CheckStatus::Ok, detail);
    }

    fn problem(
        &mut self,
        check: &'static str,
        verdict: CheckStatus,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let remedy = Some(remedy.into());
        self.checks.push(Check { check, verdict, detail: detail.into(), remedy });
    }

    fn error(&mut self, check: &'static str, error: &Error) {
        let remedy = "see the node's log, then run doctor again";
        self.problem(check, CheckStatus::Failed, error.to_string(), remedy);
    }

    fn all_passed(&self) -> bool {
        self.checks.iter().all(|check| check.verdict != CheckStatus::Failed)
    }

    fn to_text(&self) -> String {
        let rows: Vec<_> = self
            .checks
            .iter()
            .map(|check| {
                let verdict = match check.verdict {
                    CheckStatus::Ok => "ok",
                    CheckStatus::Warning => "warning",
                    CheckStatus::Failed => "FAILED",
                    CheckStatus::Skipped => "skipped",
                };
                let detail = match &check.remedy {
                    Some(remedy) => format!("{} -> {remedy}", check.detail),
                    None => check.detail.clone(),
                };
                vec![verdict.to_owned(), check.check.to_owned(), detail]
            })
            .collect();
        table(&["", "CHECK", "DETAIL"], &rows)
    }
}

pub async fn run(
    context: &Context<'_>,
    operator: Option<AccountId>,
    validator: Option<AccountId>,
) -> Result<(), Failure> {
    let mut report = Report::default();
    let result = examine(context, operator, validator, &mut report).await;
    let json = json!({ "well": report.all_passed() && result.is_ok(), "checks": report.checks });
    context.output.result(&json, || report.to_text());
    match result {
        Err(failure) => Err(failure),
        Ok(()) if report.all_passed() => Ok(()),
        Ok(()) => Err(Failure::ChecksFailed),
    }
}

async fn examine(
    context: &Context<'_>,
    operator: Option<AccountId>,
    validator: Option<AccountId>,
    report: &mut Report,
) -> Result<(), Failure> {
    let signer = context.signer_if_given()?;
    let client = match context.connect().await {
        Ok(client) => client,
        Err(Failure::Client(error)) => {
            let remedy = "start a node on this machine (assay-node), or use another with --url";
            report.problem("node", CheckStatus::Failed, error.to_string(), remedy);
            return Err(Failure::NodeUnreachable);
        },
        Err(other) => return Err(other),
    };
    node(&client, report).await;
    versions(&client, report).await;
    chain(&client, report).await;
    if let Some(signer) = &signer {
        balance(&client, signer.account(), report).await;
    }
    if let Some(validator) = &validator {
        validator::check(&client, validator, report).await;
    }
    let engine = engine(&client, report).await;
    let key = signer.map(|signer| signer.account().clone());
    let hint = operator.clone().or_else(|| key.clone());
    let found = keys(&client, hint, operator.is_some(), engine.is_some(), report).await;
    if let Some(found) = &found {
        serving(&client, found, engine.as_ref(), report).await;
    }
    disputes(&client, found.map(|found| found.account).as_ref(), key.as_ref(), report).await;
    Ok(())
}

/// Checks the disputes of the operator, and of the key's account, [`MAX_DISPUTES`] of each.
async fn disputes(
    client: &Client,
    operator: Option<&AccountId>,
    challenger: Option<&AccountId>,
    report: &mut Report,
) {
    if operator.is_none() && challenger.is_none() {
        return report.add("disputes", CheckStatus::Skipped, "no operator and no key is known");
    }
    let mut open = std::collections::BTreeSet::new();
    for account in operator.into_iter().chain(challenger) {
        match client.disputes_of(account, MAX_DISPUTES).await {
            Ok(disputes) => open.extend(disputes),
            Err(error) => return report.error("disputes", &error),
        }
    }
    let before = report.checks.len();
    for id in open {
        match client.dispute(id, None).await {
            Ok(Some(view)) => match stage(&view) {
                Ok(stage) => judge_dispute(&view, stage.turn(), operator, challenger, report),
                Err(error) => report.error("disputes", &error),
            },
            // The dispute has ended meanwhile.
            Ok(None) => {},
            Err(error) => report.error("disputes", &error),
        }
    }
    if report.checks.len() == before {
        report.ok("disputes", "none waits for a move of this operator or key");
    }
}

/// Warns of a dispute that waits for a move of one of these accounts.
fn judge_dispute(
    view: &DisputeView<AccountId>,
    turn: Party,
    operator: Option<&AccountId>,
    challenger: Option<&AccountId>,
    report: &mut Report,
) {
    let DisputeView { id, request, deadline, .. } = view;
    let awaits =
        format!("dispute {id} over request {request} waits for your move, due by block {deadline}");
    if view.verdict.is_some() {
        return;
    }
    if turn == Party::Defender && operator == Some(&view.operator) {
        let remedy = "keep assay-node --operator with the worker key running: it answers \
                      automatically. If it does not, see its log";
        report.problem("disputes", CheckStatus::Warning, awaits, remedy);
    } else if turn == Party::Challenger && challenger == Some(&view.challenger) {
        let remedy = format!("keep assay-node --watch running, or run `assay dispute play {id}`");
        report.problem("disputes", CheckStatus::Warning, awaits, remedy);
    }
}

async fn node(client: &Client, report: &mut Report) {
    let rpc = client.rpc();
    let (health, chain) = match tokio::join!(rpc.health(), rpc.chain_name()) {
        (Ok(health), Ok(chain)) => (health, chain),
        (Err(error), _) | (_, Err(error)) => return report.error("node", &error),
    };
    let detail = format!("{} is on {chain}, {} peers", rpc.url(), health.peers);
    if health.is_syncing {
        let remedy = "wait until the node is synced";
        report.problem("node", CheckStatus::Warning, format!("{detail}, still syncing"), remedy);
    } else if health.should_have_peers && health.peers == 0 {
        let remedy = "check the network, the firewall and the node's --bootnodes";
        report.problem("node", CheckStatus::Failed, detail, remedy);
    } else {
        report.ok("node", detail);
    }
}

async fn versions(client: &Client, report: &mut Report) {
    let ours = env!("CARGO_PKG_VERSION");
    match client.rpc().node_version().await {
        Ok(theirs) => {
            let (own, node) = (EngineVersion::parse(ours), EngineVersion::parse(&theirs));
            let detail = format!("assay {ours}, node {theirs}");
            match (own.major, own.minor) == (node.major, node.minor) {
                true => report.ok("versions", detail),
                false => {
                    let remedy = "install assay and assay-node of the same version";
                    report.problem("versions", CheckStatus::Warning, detail, remedy);
                },
            }
        },
        Err(error) => report.error("versions", &error),
    }
    match client.check_runtime().await {
        Ok(()) => report.ok("runtime", "has every call that assay sends"),
        Err(error) => {
            let remedy = "install the version of assay for this chain's runtime";
            report.problem("runtime", CheckStatus::Failed, error.to_string(), remedy);
        },
    }
}

async fn chain(client: &Client, report: &mut Report) {
    let rpc = client.rpc();
    let time = rpc.storage_value::<u64>(&storage::timestamp_key(), None).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    match time {
        Ok(Some(block)) => clock(now as i128 - i128::from(block), report),
        Ok(None) => report.add("clock", CheckStatus::Skipped, "no block has a timestamp yet"),
        Err(error) => report.error("clock", &error),
    }
    match tokio::join!(rpc.header(None), rpc.finalized_header()) {
        (Ok(best), Ok((_, finalized))) => {
            finality(rpc::height(&best), rpc::height(&finalized), report)
        },
        (Err(error), _) | (_, Err(error)) => report.error("finality", &error),
    }
}

/// Evaluates the age of the newest block by this machine's clock.
fn clock(age_ms: i128, report: &mut Report) {
    if age_ms < -MAX_CLOCK_AHEAD_MS {
        let detail = format!("this machine's clock is {} ms behind the newest block", -age_ms);
        report.problem(
            "clock",
            CheckStatus::Failed,
            detail,
            "set the clock: run a time service (NTP)",
        );
    } else if age_ms > MAX_BLOCK_AGE_MS {
        let detail = format!("the newest block is {} s old", age_ms / 1000);
        let remedy =
            "the chain has stopped, or this clock is ahead: check that validators run, and run a \
             time service (NTP)";
        report.problem("clock", CheckStatus::Failed, detail, remedy);
    } else {
        report.ok("clock", format!("the newest block is {age_ms} ms old"));
    }
}

fn finality(best: u32, finalized: u32, report: &mut Report) {
    let detail = format!("best block {best}, finalised {finalized}");
    match best.saturating_sub(finalized) > MAX_FINALITY_LAG {
        true => {
            let remedy =
                "more than two thirds of the validators must be online: search their logs for GRANDPA";
            report.problem("finality", CheckStatus::Failed, detail, remedy);
        },
        false => report.ok("finality", detail),
    }
}

async fn balance(client: &Client, account: &AccountId, report: &mut Report) {
    match client.balance(account).await {
        Ok(balance) if balance.free > 0 => {
            report.ok("balance", format!("{account} has {}", amount::display(balance.free)))
        },
        Ok(_) => {
            let detail = format!("{account} has no funds for fees");
            report.problem(
                "balance",
                CheckStatus::Failed,
                detail,
                "send it some ASY with `assay transfer`",
            );
        },
        Err(error) => report.error("balance", &error),
    }
}

async fn engine(client: &Client, report: &mut Report) -> Option<Value> {
    match client.rpc().engine_status().await {
        Ok(Some(status)) => {
            report.ok("engine", describe_engine(&status));
            Some(status)
        },
        Ok(None) => {
            report.add("engine", CheckStatus::Skipped, "this node has no engine");
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
        "version {}, {} running, {} models loaded, {} runs so far, {} failed",
        status["version"].as_str().unwrap_or("unknown"),
        number(&status["running"]),
        status["idle_workers"].as_array().map_or(0, Vec::len),
        number(&counters["runs"]),
        number(&counters["failures"])
    )
}

/// Checks the operator, and its worker key on the node. The operator is that of `hint`, else the one
/// that has registered the node's worker key. `expected`: whether `hint` must be an operator.
async fn keys(
    client: &Client,
    hint: Option<AccountId>,
    expected: bool,
    has_engine: bool,
    report: &mut Report,
) -> Option<OperatorView<AccountId>> {
    // Without an account, only the key is used, not the proof of possession.
    let account = hint.clone().unwrap_or_else(|| AccountId::from([0; 32]));
    let first = client.rpc().worker_key(&account).await.map(|key| key.worker);
    let mut view = match &hint {
        Some(account) => client.operator(account).await,
        None => Ok(None),
    };
    if let (Ok(None), false, Ok(worker)) = (&view, expected, &first) {
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
        Ok(worker) => Some(worker),
        Err(error) => {
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
                Some(blocks) => format!("comes within {blocks} blocks"),
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
async fn serving(
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

    fn verdict(judge: impl FnOnce(&mut Report)) -> (CheckStatus, bool) {
        let mut report = Report::default();
        judge(&mut report);
        let check = &report.checks[0];
        assert_eq!(check.remedy.is_some(), check.verdict != CheckStatus::Ok);
        (check.verdict, report.all_passed())
    }

    #[test]
    fn clocks_and_finality_are_evaluated() {
        assert_eq!(verdict(|report| clock(1_500, report)), (CheckStatus::Ok, true));
        assert_eq!(verdict(|report| clock(-4_000, report)), (CheckStatus::Ok, true));
        assert_eq!(verdict(|report| clock(-6_000, report)), (CheckStatus::Failed, false));
        assert_eq!(verdict(|report| clock(61_000, report)), (CheckStatus::Failed, false));
        assert_eq!(verdict(|report| finality(100, 98, report)), (CheckStatus::Ok, true));
        assert_eq!(verdict(|report| finality(100, 10, report)), (CheckStatus::Failed, false));
    }

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
    fn only_the_party_whose_turn_it_is_is_warned() {
        let (operator, challenger) = (AccountId::from([1; 32]), AccountId::from([2; 32]));
        let mut view = DisputeView {
            id: assay_primitives::dispute::DisputeId(3),
            request: assay_primitives::RequestId(7),
            operator: operator.clone(),
            challenger: challenger.clone(),
            bond: 1,
            spent: 0,
            penalty: 1,
            reward: 1,
            opened_at: 1,
            deadline: 9,
            response: 8,
            stage: Vec::new(),
            shown: Vec::new(),
            verdict: None,
        };
        let warned = |view: &DisputeView<AccountId>, turn, ours: Option<&AccountId>| {
            let mut report = Report::default();
            judge_dispute(view, turn, ours, ours, &mut report);
            report.checks.len()
        };
        for (turn, ours, warnings) in [
            (Party::Defender, Some(&operator), 1),
            (Party::Challenger, Some(&operator), 0),
            (Party::Challenger, Some(&challenger), 1),
            (Party::Defender, Some(&challenger), 0),
            (Party::Defender, None, 0),
        ] {
            assert_eq!(warned(&view, turn, ours), warnings, "{turn:?}");
        }
        view.verdict = Some(assay_primitives::dispute::Verdict::Wrong);
        assert_eq!(warned(&view, Party::Defender, Some(&operator)), 0);
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
