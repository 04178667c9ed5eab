//! `doctor`: checks a node, an operator and this machine, and states remedies.

use std::time::{SystemTime, UNIX_EPOCH};

use assay_client::{amount, dispute::stage, names, rpc, storage, AccountId, Client, Error};
use assay_dispute::Party;
use assay_primitives::{
    operator::EngineVersion,
    runtime_api::{DisputeView, OperatorView, ServiceView},
    Balance, Digest,
};
use codec::Encode;
use serde::Serialize;
use serde_json::{json, Value};

use crate::{context::Context, failure::Failure, output::table};

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

pub async fn run(context: &Context<'_>, operator: Option<AccountId>) -> Result<(), Failure> {
    let mut report = Report::default();
    let result = examine(context, operator, &mut report).await;
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
    let engine = engine(&client, report).await;
    let key = signer.map(|signer| signer.account().clone());
    let hint = operator.clone().or_else(|| key.clone());
    let found = keys(&client, hint, operator.is_some(), report).await;
    if let Some(found) = &found {
        serving(&client, found, engine.as_ref(), report).await;
    }
    disputes(&client, found.map(|found| found.account).as_ref(), key.as_ref(), report).await;
    Ok(())
}

/// Checks the disputes of the operator, and of the key's account.
async fn disputes(
    client: &Client,
    operator: Option<&AccountId>,
    challenger: Option<&AccountId>,
    report: &mut Report,
) {
    if operator.is_none() && challenger.is_none() {
        return report.add("disputes", CheckStatus::Skipped, "no operator and no key is known");
    }
    let open = match client.open_disputes(None).await {
        Ok(open) => open,
        Err(error) => return report.error("disputes", &error),
    };
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

/// Checks the worker key, and the operator that registered it.
async fn keys(
    client: &Client,
    hint: Option<AccountId>,
    expected: bool,
    report: &mut Report,
) -> Option<OperatorView<AccountId>> {
    // Without an account, only the key is used, not the proof of possession.
    let account = hint.clone().unwrap_or_else(|| AccountId::from([0; 32]));
    let worker = match client.rpc().worker_key(&account).await {
        Ok(key) => {
            report.ok("worker key", names::to_hex(key.worker.encode()));
            Some(key.worker)
        },
        Err(error) => {
            let detail = format!("the node returned no worker key: {error}");
            let remedy = "run doctor on the operator's machine against assay-node --operator, and \
                          insert a key of type awrk";
            let verdict = if expected { CheckStatus::Failed } else { CheckStatus::Skipped };
            report.problem("worker key", verdict, detail, remedy);
            None
        },
    };
    let owner = match &worker {
        Some(worker) => match client.operator_of_worker(worker).await {
            Ok(owner) => owner,
            Err(error) => {
                report.error("operator", &error);
                return None;
            },
        },
        None => None,
    };
    let account = match (expected, owner) {
        (true, _) => hint,
        (false, owner) => owner.or(hint),
    };
    let view = match &account {
        Some(account) => client.operator(account).await,
        None => Ok(None),
    };
    match view {
        Ok(Some(view)) => {
            let holds_key = match client.rpc().has_worker_key(&view.worker).await {
                Ok(holds) => worker.as_ref().map(|_| holds),
                // At least the first key of the keystore is known.
                Err(_) => worker.as_ref().map(|first| *first == view.worker),
            };
            let min_bond = client.constant("Operators", "MinBond").await;
            judge_operator(&view, holds_key, min_bond, report);
            Some(view)
        },
        Ok(None) if expected || worker.is_some() => {
            let detail = match account.filter(|_| expected) {
                Some(account) => format!("{account} is not registered"),
                None => "no operator has registered this worker key".to_owned(),
            };
            let remedy = "run `assay operator register --bond AMOUNT` against this node";
            let verdict = if expected { CheckStatus::Failed } else { CheckStatus::Warning };
            report.problem("operator", verdict, detail, remedy);
            None
        },
        Ok(None) => {
            report.add(
                "operator",
                CheckStatus::Skipped,
                "no operator is registered for this node or key",
            );
            None
        },
        Err(error) => {
            report.error("operator", &error);
            None
        },
    }
}

/// Evaluates an operator. `holds_key`: whether the node has its worker key; `min_bond`: the minimum
/// bond in plancks to be drawn. `None`: not known.
fn judge_operator(
    operator: &OperatorView<AccountId>,
    holds_key: Option<bool>,
    min_bond: Option<Balance>,
    report: &mut Report,
) {
    let detail = format!("{} with a bond of {}", operator.account, amount::display(operator.bond));
    match operator.unbonding_until {
        None if min_bond.is_some_and(|least| operator.bond < least) => {
            let least = amount::display(min_bond.unwrap_or_default());
            let detail = format!("{detail}, below the minimum of {least}, so it is not drawn");
            report.problem(
                "operator",
                CheckStatus::Failed,
                detail,
                "run `assay operator add-bond AMOUNT`",
            );
        },
        None => report.ok("operator", detail),
        Some(height) => {
            let detail = format!("{detail}, unbonding until block {height}");
            let remedy = "it is not drawn; withdraw the bond then, and register again";
            report.problem("operator", CheckStatus::Warning, detail, remedy);
        },
    }
    if holds_key == Some(false) {
        let detail = "the node does not have the registered worker key";
        let remedy = "run `assay operator set-worker` against this node, or restore its keystore";
        report.problem("key match", CheckStatus::Failed, detail, remedy);
    }
    match (operator.live, operator.last_heartbeat) {
        _ if operator.unbonding_until.is_some() => {},
        (true, Some(height)) => report.ok("heartbeat", format!("live, last at block {height}")),
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
    for ServiceView { version: id, ask, .. } in &operator.serves {
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
        let detail = format!("{id} for {}", amount::display(*ask));
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

/// Whether an engine's status contains the digest of an artifact.
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

    #[test]
    fn only_the_party_whose_turn_it_is_is_warned() {
        let (operator, challenger) = (AccountId::from([1; 32]), AccountId::from([2; 32]));
        let mut view = DisputeView {
            id: assay_primitives::dispute::DisputeId(3),
            request: assay_primitives::RequestId(7),
            operator: operator.clone(),
            challenger: challenger.clone(),
            bond: 1,
            penalty: 1,
            reward: 1,
            opened_at: 1,
            deadline: 9,
            response: 8,
            stage: Vec::new(),
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
