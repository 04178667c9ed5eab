//! The checks of a validator and its node.

use assay_client::{amount, rpc, validators::ValidatorView, AccountId, Client};

use super::{CheckStatus, Report};
use crate::{commands::validator::status, output::count};

const CHECK: &str = "validator";

/// Checks that the node is that of the validator, and that it takes part.
pub async fn check(client: &Client, account: &AccountId, report: &mut Report) {
    match client.rpc().is_validator().await {
        Ok(true) => report.ok("node's role", "the node takes part in consensus"),
        Ok(false) => report.problem(
            "node's role",
            CheckStatus::Failed,
            "the node takes no part in consensus",
            "start it with --validator",
        ),
        Err(error) => report.error("node's role", &error),
    }
    let view = match client.validator(account).await {
        Ok(view) => view,
        Err(error) => return report.error(CHECK, &error),
    };
    // What a node elsewhere says of its keys proves nothing.
    let holds_keys = match &view.keys {
        Some(keys) if rpc::is_on_this_machine(client.rpc().url()) => {
            client.rpc().has_session_keys(keys).await.ok()
        },
        _ => None,
    };
    judge(account, &view, holds_keys, report);
}

/// What a validator does that is no candidate any more.
const RETURN: &str =
    "unless it wants to leave: wait until its node makes blocks (`assay validator status` shows new \
     points), then use `assay validator validate`. Who was away too long and comes back before its first \
     block is taken out again at the end of the session";

/// Fails while a validator that has equivocated is disabled or has not paid.
fn penalties(account: &AccountId, view: &ValidatorView, report: &mut Report) {
    let own = view.penalties.iter().filter(|penalty| penalty.validator == *account);
    let mut details: Vec<_> =
        own.map(|penalty| status::penalty(account, penalty, &view.schedule)).collect();
    let cancel = match details.is_empty() {
        true => "",
        false => ". Root can cancel a penalty until it is taken",
    };
    if view.disabled {
        let era = view.schedule.era;
        details.insert(0, format!("disabled for equivocating: no blocks until era {era} ends"));
    }
    if details.is_empty() {
        return;
    }
    let next = match view.stake.as_ref().is_some_and(|stake| stake.validates.is_some()) {
        true => ", then use `assay validator chill`, or it is elected and pays again",
        false => "",
    };
    report.problem(
        "penalties",
        CheckStatus::Failed,
        details.join("; "),
        format!("stop the other node that has its keys{next}{cancel}"),
    );
}

/// `holds_keys`: whether the node has the registered session keys; `None` if it does not tell.
fn judge(account: &AccountId, view: &ValidatorView, holds_keys: Option<bool>, report: &mut Report) {
    match (&view.keys, holds_keys) {
        (None, _) => report.problem(
            "session keys",
            CheckStatus::Failed,
            format!("{account} has registered none"),
            "run `assay validator rotate-keys` on the node's machine",
        ),
        (Some(_), Some(true)) => report.ok("session keys", "they are in this node's keystore"),
        (Some(_), Some(false)) => report.problem(
            "session keys",
            CheckStatus::Failed,
            "this node has not the registered ones",
            "use --url with the validator's own node, or insert the registered keys into this one. New keys, \
             of `assay validator rotate-keys`, count only from the session after the next one on: the node \
             with the old ones has to run until then, on one machine alone",
        ),
        (Some(_), None) => report.add(
            "session keys",
            CheckStatus::Skipped,
            "only the node's own machine learns this, unless it runs with --rpc-methods safe: run doctor \
             there, or through a tunnel (ssh -L)",
        ),
    }
    penalties(account, view, report);
    let Some(stake) = &view.stake else {
        return report.problem(
            CHECK,
            CheckStatus::Failed,
            format!("{account} has no stake"),
            "put one on hold with `assay validator bond`, then use `assay validator validate`",
        );
    };
    let active = amount::display(stake.active);
    match (&view.place, view.in_session, &stake.validates) {
        (Some(place), true, _) if place.points == 0 && place.all_points > 0 => report.problem(
            CHECK,
            CheckStatus::Warning,
            format!("it was elected with {active}, and has made no block in era {}", view.schedule.era),
            match stake.validates {
                Some(_) => {
                    "see the node's log: whoever misses twenty blocks that it should have made is no \
                     candidate any more"
                },
                None => RETURN,
            },
        ),
        (Some(place), true, None) => report.problem(
            CHECK,
            CheckStatus::Warning,
            format!(
                "in era {} with {}, and no candidate for later ones",
                view.schedule.era,
                amount::display(place.total)
            ),
            RETURN,
        ),
        (Some(place), true, _) => report.ok(
            CHECK,
            format!("in era {} with {}", view.schedule.era, amount::display(place.total)),
        ),
        (_, _, Some(_)) => report.problem(
            CHECK,
            CheckStatus::Warning,
            format!("{account} waits for its election with {active}"),
            "elections are once an era, and those with the largest stakes win: see `assay validator \
             status`",
        ),
        (_, _, None) => report.problem(
            CHECK,
            CheckStatus::Failed,
            format!("{account} takes part in no elections"),
            "use `assay validator validate`: whoever was away too long was taken out",
        ),
    }
    if !view.unpaid.is_empty() {
        let number = view.unpaid.len();
        report.problem(
            "rewards",
            CheckStatus::Warning,
            format!("{} due", count(number, "payout")),
            "use `assay validator payout`: they lapse after some eras",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::{
        calls::{Share, ValidatorPreferences},
        rpc::ValidatorKeys,
        validators::{Penalty, Place, Schedule, Stake},
    };
    use codec::Compact;

    fn elected() -> ValidatorView {
        let key = [1; 32];
        let terms = ValidatorPreferences { commission: Compact(Share::default()), blocked: false };
        ValidatorView {
            schedule: Schedule { era: 3, ..Default::default() },
            stake: Some(Stake { active: 5, validates: Some(terms), ..Default::default() }),
            keys: Some(ValidatorKeys { babe: key, grandpa: key, authority_discovery: key }),
            in_session: true,
            place: Some(Place { total: 9, own: 5, nominators: 1, points: 20, all_points: 80 }),
            ..Default::default()
        }
    }

    fn worst(view: &ValidatorView, holds_keys: Option<bool>) -> Vec<CheckStatus> {
        let mut report = Report::default();
        judge(&AccountId::from([1; 32]), view, holds_keys, &mut report);
        report.checks.iter().map(|check| check.verdict).collect()
    }

    #[test]
    fn each_fault_of_a_validator_is_seen() {
        use CheckStatus::{Failed, Ok, Skipped, Warning};
        let well = elected();
        assert_eq!(worst(&well, Some(true)), [Ok, Ok]);
        assert_eq!(worst(&well, Some(false)), [Failed, Ok]);
        assert_eq!(worst(&well, None), [Skipped, Ok]);
        assert_eq!(worst(&ValidatorView::default(), None), [Failed, Failed]);

        let mut silent = well.clone();
        silent.place.as_mut().unwrap().points = 0;
        assert_eq!(worst(&silent, Some(true)), [Ok, Warning]);
        silent.stake.as_mut().unwrap().validates = None;
        assert_eq!(worst(&silent, Some(true)), [Ok, Warning]);
        let mut leaves = well.clone();
        leaves.stake.as_mut().unwrap().validates = None;
        assert_eq!(worst(&leaves, Some(true)), [Ok, Warning]);
        let waits = ValidatorView { in_session: false, place: None, ..well.clone() };
        assert_eq!(worst(&waits, Some(true)), [Ok, Warning]);
        let mut chilled = waits;
        chilled.stake.as_mut().unwrap().validates = None;
        assert_eq!(worst(&chilled, Some(true)), [Ok, Failed]);
        let unpaid = ValidatorView { unpaid: vec![(1, 0)], ..well };
        assert_eq!(worst(&unpaid, Some(true)), [Ok, Ok, Warning]);
    }

    #[test]
    fn a_validator_that_has_equivocated_is_not_well() {
        let account = AccountId::from([1; 32]);
        let report_of = |view: &ValidatorView| {
            let mut report = Report::default();
            judge(&account, view, Some(true), &mut report);
            (report.all_passed(), report.to_text())
        };
        let penalty = Penalty {
            validator: account.clone(),
            offence: 2,
            due: 29,
            share: None,
            amount: 5_000_000_000_000,
            of_nominators: 0,
        };
        let (passed, text) = report_of(&ValidatorView { disabled: true, ..elected() });
        assert!(!passed && text.contains("no blocks until era 3 ends -> stop the other"), "{text}");
        assert!(text.contains("`assay validator chill`") && !text.contains("Root"), "{text}");

        let mut punished = ValidatorView { penalties: vec![penalty.clone()], ..elected() };
        let (passed, text) = report_of(&punished);
        assert!(!passed && text.contains("5 ASY for equivocating in era 2, taken when era 29"));
        assert!(text.contains("`assay validator chill`") && text.contains("Root can"), "{text}");
        punished.stake.as_mut().unwrap().validates = None;
        let (passed, text) = report_of(&punished);
        assert!(!passed && !text.contains("chill"), "{text}");

        // That of a validator which it has nominated is not its fault.
        let foreign = Penalty { validator: AccountId::from([2; 32]), ..penalty };
        assert!(report_of(&ValidatorView { penalties: vec![foreign], ..elected() }).0);
    }

    #[test]
    fn remedies_work_at_once() {
        let text = |view: &ValidatorView, holds_keys| {
            let mut report = Report::default();
            judge(&AccountId::from([1; 32]), view, holds_keys, &mut report);
            report.to_text()
        };
        // New keys come later, and a candidacy before the first block ends with the session.
        let said = text(&elected(), Some(false));
        assert!(
            said.contains("insert the registered keys") && said.contains("until then"),
            "{said}"
        );
        let mut chilled = elected();
        chilled.stake.as_mut().unwrap().validates = None;
        let said = text(&chilled, Some(true));
        assert!(said.contains("before its first block is taken out again"), "{said}");
    }
}
