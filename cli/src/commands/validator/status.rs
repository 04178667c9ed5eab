//! `validator status`.

use assay_client::{
    amount,
    calls::{RewardDestination, Share, ValidatorPreferences},
    names,
    validators::{Era, NextElection, Penalty, Schedule, Stake, ValidatorView},
    AccountId,
};
use codec::{Compact, Encode};
use serde_json::{json, Value};

use super::terms::nominators;
use crate::{
    context::Context,
    failure::Failure,
    output::{count, duration, fields},
};

pub async fn show(context: &Context<'_>, account: Option<AccountId>) -> Result<(), Failure> {
    let account = context.account(account)?;
    let view = context.connect().await?.validator(&account).await?;
    context.output.result(&to_json(&account, &view), || to_text(&account, &view));
    Ok(())
}

/// Where rewards go, to follow "to".
pub fn destination(payee: &RewardDestination) -> String {
    match payee {
        RewardDestination::Staked => "the stake".to_owned(),
        RewardDestination::Stash => "the account".to_owned(),
        RewardDestination::Account(account) => account.to_string(),
        RewardDestination::Nowhere => "nobody".to_owned(),
    }
}

/// `, in about 3 h 20 min` until an era begins; empty if nobody knows.
pub fn time_to_era(schedule: &Schedule, era: Era) -> String {
    match schedule.blocks_until(era) {
        Some(blocks) => format!(", in about {}", time_of(schedule, blocks)),
        None => String::new(),
    }
}

fn time_of(schedule: &Schedule, blocks: u32) -> String {
    duration(u64::from(blocks).saturating_mul(schedule.block_ms) / 1_000)
}

/// A time from now and its block.
fn when(schedule: &Schedule, blocks: u32) -> String {
    let height = schedule.height.saturating_add(blocks);
    format!("in about {} (block {height})", time_of(schedule, blocks))
}

fn era(schedule: &Schedule) -> String {
    match schedule.end {
        Some(blocks) => format!("{}, the next one {}", schedule.era, when(schedule, blocks)),
        None => format!("{}, until an election succeeds", schedule.era),
    }
}

fn election(schedule: &Schedule, takes_part: bool) -> String {
    match schedule.election {
        NextElection::In(blocks) => when(schedule, blocks),
        NextElection::Overdue => {
            "overdue: the last one had too few candidates; each session tries again".to_owned()
        },
        NextElection::Done { elected } => {
            let next = schedule.era.saturating_add(1);
            match (elected, takes_part) {
                (true, _) => format!("elected for era {next}"),
                (false, true) => format!("not elected for era {next}"),
                (false, false) => format!("over, for era {next}"),
            }
        },
    }
}

fn to_text(account: &AccountId, view: &ValidatorView) -> String {
    let schedule = &view.schedule;
    let validates = view.stake.as_ref().is_some_and(|stake| stake.validates.is_some());
    let mut lines = vec![
        ("account", account.to_string()),
        ("era", era(schedule)),
        ("election", election(schedule, validates)),
    ];
    let mut nominates = false;
    match &view.stake {
        None => lines.push(("stake", "none; `validator bond` puts one on hold".to_owned())),
        Some(stake) => {
            lines.push(("stake", amount::display(stake.active)));
            for (era, amount) in &stake.unlocking {
                lines.push((
                    "unbonding",
                    format!(
                        "{}, to withdraw from era {era} on{}",
                        amount::display(*amount),
                        time_to_era(schedule, *era)
                    ),
                ));
            }
            if let Some(payee) = &stake.payee {
                lines.push(("rewards", format!("to {}", destination(payee))));
            }
            lines.push(("role", role(stake)));
            nominates = !stake.nominates.is_empty();
            for one in &stake.nominates {
                let idle = match stake.idle.contains(one) {
                    true => " (no candidate: the stake cannot back it)",
                    false => "",
                };
                lines.push(("nominates", format!("{one}{idle}")));
            }
        },
    }
    // A nominator needs no keys.
    if !nominates || view.keys.is_some() || view.in_session {
        let keys = view.keys.as_ref().map(|keys| names::to_hex(keys.encode()));
        lines.push(("keys", keys.unwrap_or_else(|| "none".to_owned())));
        let in_session = if view.in_session { "yes" } else { "no" };
        lines.push(("in session", in_session.to_owned()));
    }
    if view.disabled {
        lines.push(("disabled", "it has equivocated: no blocks until the era ends".to_owned()));
    }
    for one in &view.penalties {
        lines.push(("penalty", penalty(account, one, schedule)));
    }
    if let Some(place) = &view.place {
        lines.push((
            "elected with",
            format!(
                "{}, of which {} its own; {}",
                amount::display(place.total),
                amount::display(place.own),
                count(place.nominators, "nominator")
            ),
        ));
        lines.push(("points", format!("{} of {} in this era", place.points, place.all_points)));
    }
    if !view.unpaid.is_empty() {
        let eras: Vec<_> = view.unpaid.iter().map(|(era, _)| era.to_string()).collect();
        let word = if eras.len() == 1 { "era" } else { "eras" };
        lines.push(("unpaid", format!("{word} {}: `validator payout`", eras.join(", "))));
    }
    fields(&lines)
}

/// What an account loses, and when.
pub fn penalty(account: &AccountId, penalty: &Penalty, schedule: &Schedule) -> String {
    let Penalty { validator, offence, due, share, amount, of_nominators } = penalty;
    let share = share.map(|share| format!(" ({share})")).unwrap_or_default();
    let cause = match validator == account {
        true => format!("for equivocating in era {offence}"),
        false => format!("because {validator} equivocated in era {offence}"),
    };
    let nominators = match of_nominators {
        0 => String::new(),
        _ => format!(", and {} of its nominators", amount::display(*of_nominators)),
    };
    format!(
        "{}{share}{nominators} {cause}, taken when era {due} begins{}",
        amount::display(*amount),
        time_to_era(schedule, *due)
    )
}

fn role(stake: &Stake) -> String {
    match (&stake.validates, stake.nominates.len()) {
        (Some(ValidatorPreferences { commission: Compact(commission), blocked }), _) => {
            format!("candidate at a commission of {commission}, {}", nominators(*blocked))
        },
        (None, 0) => "none: neither validates nor nominates".to_owned(),
        (None, number) => {
            format!("nominator of {}", count(number, "validator"))
        },
    }
}

fn to_json(account: &AccountId, view: &ValidatorView) -> Value {
    let schedule = &view.schedule;
    let height = |blocks: u32| schedule.height.saturating_add(blocks);
    let stake = view.stake.as_ref().map(|stake| {
        let unlocking: Vec<_> = stake
            .unlocking
            .iter()
            .map(|(era, amount)| json!({"era": era, "amount": amount.to_string()}))
            .collect();
        let commission = stake.validates.as_ref().map(|terms| Share::parts(terms.commission.0));
        let addresses = |accounts: &[AccountId]| -> Vec<String> {
            accounts.iter().map(AccountId::to_string).collect()
        };
        json!({
            "active": stake.active.to_string(),
            "unlocking": unlocking,
            "payee": stake.payee.as_ref().map(payee_to_json),
            "validates": stake.validates.is_some(),
            "commission_ppb": commission,
            "blocked": stake.validates.as_ref().map(|terms| terms.blocked),
            "nominates": addresses(&stake.nominates),
            "no_candidates": addresses(&stake.idle),
        })
    });
    let place = view.place.as_ref().map(|place| {
        json!({
            "total": place.total.to_string(),
            "own": place.own.to_string(),
            "nominators": place.nominators,
            "points": place.points,
            "all_points": place.all_points,
        })
    });
    let unpaid: Vec<_> =
        view.unpaid.iter().map(|(era, page)| json!({"era": era, "page": page})).collect();
    let (election, elected) = match schedule.election {
        NextElection::In(blocks) => (Some(height(blocks)), None),
        NextElection::Overdue => (None, None),
        NextElection::Done { elected } => (None, Some(elected)),
    };
    json!({
        "account": account.to_string(),
        "era": schedule.era,
        "next_era": schedule.end.map(height),
        "election": election,
        "elected": elected,
        "stake": stake,
        "keys": view.keys.as_ref().map(|keys| names::to_hex(keys.encode())),
        "in_session": view.in_session,
        "disabled": view.disabled,
        "penalties": view.penalties.iter().map(penalty_to_json).collect::<Vec<_>>(),
        "place": place,
        "unpaid": unpaid,
    })
}

fn penalty_to_json(penalty: &Penalty) -> Value {
    json!({
        "validator": penalty.validator.to_string(),
        "offence_era": penalty.offence,
        "due_era": penalty.due,
        "share_ppb": penalty.share.map(Share::parts),
        "amount": penalty.amount.to_string(),
        "of_nominators": penalty.of_nominators.to_string(),
    })
}

/// A destination of rewards: `account`, `stake`, `none`, or an address.
fn payee_to_json(payee: &RewardDestination) -> String {
    match payee {
        RewardDestination::Staked => "stake".to_owned(),
        RewardDestination::Stash => "account".to_owned(),
        RewardDestination::Account(account) => account.to_string(),
        RewardDestination::Nowhere => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A validator in block 1,000 of a chain with eras of six hours.
    fn view() -> ValidatorView {
        let commission = Compact(Share::from_percent("5").unwrap());
        ValidatorView {
            schedule: Schedule {
                era: 7,
                height: 1_000,
                block_ms: 2_000,
                era_blocks: 10_800,
                end: Some(9_360),
                election: NextElection::In(9_060),
            },
            stake: Some(Stake {
                active: 3_000_000_000_000,
                unlocking: vec![(9, 1_000_000_000_000)],
                validates: Some(ValidatorPreferences { commission, blocked: false }),
                payee: Some(RewardDestination::Staked),
                ..Default::default()
            }),
            unpaid: vec![(5, 0), (6, 0)],
            ..Default::default()
        }
    }

    fn text(view: &ValidatorView) -> String {
        to_text(&AccountId::from([1; 32]), view)
    }

    #[test]
    fn the_status_says_what_to_do_next_and_when() {
        let text = text(&view());
        for part in [
            "era         7, the next one in about 5 h 12 min (block 10360)\n",
            "election    in about 5 h 2 min (block 10060)\n",
            "stake       3 ASY\n",
            "1 ASY, to withdraw from era 9 on, in about 11 h 12 min\n",
            "rewards     to the stake\n",
            "candidate at a commission of 5%, takes nominators",
            "keys        none\n",
            "eras 5, 6: `validator payout`",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let none = self::text(&ValidatorView::default());
        assert!(none.contains("`validator bond`"), "{none}");
        let json = to_json(&AccountId::from([1; 32]), &view());
        assert_eq!(json["stake"]["commission_ppb"], 50_000_000);
        assert_eq!(json["stake"]["payee"], "stake");
        assert_eq!((&json["next_era"], &json["election"]), (&json!(10_360), &json!(10_060)));
    }

    #[test]
    fn penalties_are_shown_until_they_are_taken() {
        let [own, other] = [1, 2].map(|byte| AccountId::from([byte; 32]));
        let share = Some(Share::from_percent("56.25").unwrap());
        let penalty = Penalty {
            validator: own.clone(),
            offence: 6,
            due: 9,
            share,
            amount: 2_000_000_000_000,
            of_nominators: 1_000_000_000_000,
        };
        let foreign =
            Penalty { validator: other.clone(), share: None, of_nominators: 0, ..penalty.clone() };
        let view = ValidatorView { disabled: true, penalties: vec![penalty, foreign], ..view() };
        let text = text(&view);
        for part in [
            "disabled    it has equivocated".to_owned(),
            "penalty     2 ASY (56.25%), and 1 ASY of its nominators for equivocating in era 6, taken \
             when era 9 begins, in about 11 h 12 min\n"
                .to_owned(),
            format!("penalty     2 ASY because {other} equivocated in era 6, taken when era 9"),
        ] {
            assert!(text.contains(&part), "{part}: {text}");
        }
        let json = to_json(&own, &view);
        assert_eq!(json["disabled"], true);
        assert_eq!(json["penalties"][0]["share_ppb"], 562_500_000);
        assert_eq!(json["penalties"][0]["of_nominators"], "1000000000000");
        assert_eq!(json["penalties"][1]["due_era"], 9);
        let none = self::text(&ValidatorView::default());
        assert!(!none.contains("penalty") && !none.contains("disabled"), "{none}");
    }

    #[test]
    fn an_election_that_is_over_has_a_result() {
        let with = |election, end| {
            let mut view = view();
            view.schedule.election = election;
            view.schedule.end = end;
            text(&view)
        };
        assert!(
            with(NextElection::Done { elected: true }, Some(1)).contains(" elected for era 8\n")
        );
        assert!(with(NextElection::Done { elected: false }, Some(1))
            .contains("not elected for era 8\n"));
        let overdue = with(NextElection::Overdue, None);
        assert!(overdue.contains("7, until an election succeeds\n"), "{overdue}");
        assert!(overdue.contains("too few candidates"), "{overdue}");
        assert!(overdue.contains("to withdraw from era 9 on\n"), "{overdue}");
    }

    #[test]
    fn each_nomination_is_shown_and_those_without_effect_are_marked() {
        let [backed, idle] = [1, 2].map(|byte| AccountId::from([byte; 32]));
        let stake = Stake {
            active: 5,
            nominates: vec![backed.clone(), idle.clone()],
            idle: vec![idle.clone()],
            ..Default::default()
        };
        let view = ValidatorView { stake: Some(stake), ..Default::default() };
        let text = text(&view);
        assert!(text.contains(&format!("nominates  {backed}\n")), "{text}");
        assert!(text.contains(&format!("nominates  {idle} (no candidate")), "{text}");
        assert!(!text.contains("keys") && !text.contains("in session"), "{text}");
        let json = to_json(&backed, &view);
        assert_eq!(json["stake"]["no_candidates"], json!([idle.to_string()]));
    }

    #[test]
    fn a_role_is_told_in_words() {
        let idle = Stake::default();
        assert_eq!(role(&idle), "none: neither validates nor nominates");
        let nominates = vec![AccountId::from([1; 32])];
        assert_eq!(role(&Stake { nominates, ..idle }), "nominator of 1 validator");
    }
}
