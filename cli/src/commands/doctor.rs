//! `doctor`: checks a node, an operator and this machine, and states remedies.

use std::time::{SystemTime, UNIX_EPOCH};

use assay_client::{
    amount, dispute::stage, pauses::Pauses, rpc, storage, AccountId, Client, Error,
};
use assay_dispute::Party;
use assay_primitives::{operator::EngineVersion, runtime_api::DisputeView};
use serde::Serialize;
use serde_json::json;

use crate::{
    context::Context,
    failure::Failure,
    output::{count, table},
};

mod operator;
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
    match client.pauses().await {
        Ok(found) => pauses(&found, report),
        Err(error) => report.error("pauses", &error),
    }
    if let Some(signer) = &signer {
        balance(&client, signer.account(), report).await;
    }
    if let Some(validator) = &validator {
        validator::check(&client, validator, report).await;
    }
    let key = signer.map(|signer| signer.account().clone());
    // A validator that is no operator needs no engine and no worker key.
    let is_validator = validator.is_some() || client.rpc().is_validator().await.unwrap_or(false);
    let is_operator = match (&operator, &key) {
        (Some(_), _) => true,
        (None, Some(key)) => !matches!(client.operator(key).await, Ok(None)),
        (None, None) => false,
    };
    let engine = operator::engine(&client, is_operator || !is_validator, report).await;
    let mut found = None;
    if is_operator || !is_validator || engine.is_some() {
        let hint = operator.clone().or_else(|| key.clone());
        found = operator::keys(&client, hint, operator.is_some(), engine.is_some(), report).await;
        if let Some(found) = &found {
            operator::serving(&client, found, engine.as_ref(), report).await;
        }
    } else if key.is_none() {
        return Ok(());
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
    let (best, is_development) = match tokio::join!(rpc.header(None), rpc.is_development()) {
        (Ok(best), Ok(is_development)) => (rpc::height(&best), is_development),
        (Err(error), _) | (_, Err(error)) => return report.error("node", &error),
    };
    let detail = format!("{} is on {chain}, {}", rpc.url(), count(health.peers, "peer"));
    let health = Health {
        peers: health.peers,
        is_syncing: health.is_syncing,
        // A network of several nodes does not begin without peers.
        needs_peers: health.should_have_peers || (best == 0 && !is_development),
    };
    judge_node(detail, &health, report);
}

/// What a node says about itself.
struct Health {
    peers: usize,
    is_syncing: bool,
    needs_peers: bool,
}

fn judge_node(detail: String, health: &Health, report: &mut Report) {
    if health.needs_peers && health.peers == 0 {
        let remedy =
            "check the network, the firewall and the node's --bootnodes: validators begin \
                      only once they have a peer";
        report.problem("node", CheckStatus::Failed, detail, remedy);
    } else if health.is_syncing {
        let remedy = "wait until the node is synced";
        report.problem("node", CheckStatus::Warning, format!("{detail}, still syncing"), remedy);
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

/// Warns of calls that are closed.
fn pauses(pauses: &Pauses, report: &mut Report) {
    let check = "pauses";
    if let Some(until) = pauses.safe_mode_until {
        let detail = format!(
            "safe mode until block {until}: transfers, requests, publications and offers are closed"
        );
        let remedy = "wait, or ask the technical committee, which can end it earlier";
        report.problem(check, CheckStatus::Warning, detail, remedy);
    }
    if !pauses.calls.is_empty() {
        let detail = format!("paused calls: {}", pauses.calls.join(", "));
        let remedy = "wait until the technical committee, or a referendum, opens them again";
        report.problem(check, CheckStatus::Warning, detail, remedy);
    }
    if *pauses == Pauses::default() {
        report.ok(check, "no call is closed");
    }
}

async fn balance(client: &Client, account: &AccountId, report: &mut Report) {
    match client.balance(account).await {
        Ok(balance) if balance.payable() > 0 => {
            report.ok("balance", format!("{account} has {}", amount::display(balance.payable())))
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
    fn a_node_without_peers_fails_where_others_have_to_be() {
        let judge = |peers, is_syncing, needs_peers| {
            let health = Health { peers, is_syncing, needs_peers };
            verdict(|report| judge_node("x".to_owned(), &health, report)).0
        };
        assert_eq!(judge(0, false, true), CheckStatus::Failed);
        assert_eq!(judge(0, true, true), CheckStatus::Failed);
        assert_eq!(judge(0, false, false), CheckStatus::Ok);
        assert_eq!(judge(1, false, true), CheckStatus::Ok);
        assert_eq!(judge(1, true, true), CheckStatus::Warning);
    }

    #[test]
    fn each_pause_is_a_warning() {
        let warned = |found: &Pauses| {
            let mut report = Report::default();
            pauses(found, &mut report);
            assert!(report.all_passed());
            let details = report.checks.iter().filter(|check| check.remedy.is_some());
            details.map(|check| check.detail.clone()).collect::<Vec<_>>()
        };
        assert!(warned(&Pauses::default()).is_empty());
        let calls = vec!["Inference.request".to_owned(), "Storage.create".to_owned()];
        let both = warned(&Pauses { safe_mode_until: Some(77), calls });
        assert!(both[0].starts_with("safe mode until block 77"), "{both:?}");
        assert!(both[1].ends_with(": Inference.request, Storage.create"), "{both:?}");
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
}
