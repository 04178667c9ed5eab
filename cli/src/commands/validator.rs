//! `validator`: be a validator, or nominate validators.

use assay_client::{
    amount,
    calls::{former_validators, session, validators, RewardDestination},
    names,
    validators::{Era, NextElection, Stake, ValidatorView},
    AccountId, Client, Error,
};
use assay_primitives::Balance;
use codec::{Compact, Encode};
use serde_json::json;

use crate::{args::ValidatorCommand, context::Context, failure::Failure, output::count};

pub mod status;
mod terms;

pub async fn run(context: &Context<'_>, command: ValidatorCommand) -> Result<(), Failure> {
    match command {
        ValidatorCommand::Status { account } => status::show(context, account).await,
        ValidatorCommand::Bond { amount, payee } => bond(context, amount, payee).await,
        ValidatorCommand::SetPayee { payee } => {
            bonded(&context.connect().await?, &context.own_account()?).await?;
            let done = format!("rewards go to {}", status::destination(&payee));
            super::send(context, validators::set_payee(payee), &done).await
        },
        ValidatorCommand::RotateKeys { trust_node } => rotate_keys(context, trust_node).await,
        ValidatorCommand::Validate { commission, blocked } => {
            terms::validate(context, commission, blocked).await
        },
        ValidatorCommand::Nominate { validators: targets } => {
            check_nominator(context, &targets).await?;
            let number = count(targets.len(), "validator");
            let done = format!("nominates {number} from the next election on");
            super::send(context, validators::nominate(targets), &done).await
        },
        ValidatorCommand::Chill => chill(context).await,
        ValidatorCommand::Unbond { amount } => {
            check_unbond(context, amount).await?;
            let done = format!(
                "{} are unbonding; `validator status` shows from which era on they can be withdrawn",
                amount::display(amount)
            );
            super::send(context, validators::unbond(Compact(amount)), &done).await
        },
        ValidatorCommand::Withdraw => withdraw(context).await,
        ValidatorCommand::PurgeKeys => purge_keys(context).await,
        ValidatorCommand::Payout { validator } => payout(context, validator).await,
    }
}

/// The stake of an account that has one.
async fn bonded(client: &Client, account: &AccountId) -> Result<(ValidatorView, Stake), Failure> {
    let view = client.validator(account).await?;
    match view.stake.clone() {
        Some(stake) => Ok((view, stake)),
        None => Err(Error::not_found(format!(
            "{account} has no stake; put one on hold with `validator bond`"
        ))
        .into()),
    }
}

async fn bond(
    context: &Context<'_>,
    amount: Balance,
    payee: Option<RewardDestination>,
) -> Result<(), Failure> {
    let account = context.own_account()?;
    let client = context.connect().await?;
    let call = client.bond_call(&account, amount, payee).await?;
    let inclusion = super::submit(context, &call).await?;
    let (added, stake) = client.added_stake(&account, inclusion.block).await?;
    let mut json = super::included(&call, inclusion);
    json["added"] = json!(added.to_string());
    json["active"] = json!(stake.to_string());
    context.output.result(&json, || {
        format!(
            "added {} to the stake, which is {} now (block {})",
            amount::display(added),
            amount::display(stake),
            inclusion.height
        )
    });
    let least = client.least_nominator_stake().await?;
    if stake < least {
        context.output.note(format!(
            "a nominator needs {}, a validator {}: add to it before you use `validator nominate` or \
             `validator validate`",
            amount::display(least),
            amount::display(client.least_validator_stake().await?)
        ));
    }
    Ok(())
}

/// Checks that there is enough at stake for a role. `who`: `a validator`.
fn check_stake(
    account: &AccountId,
    stake: &Stake,
    who: &str,
    least: Balance,
) -> Result<(), Failure> {
    match stake.active < least {
        true => Err(Failure::Usage(format!(
            "{account} has {} at stake, and {who} needs {}: `validator bond {}` adds what is missing",
            amount::display(stake.active),
            amount::display(least),
            amount::format(least - stake.active)
        ))),
        false => Ok(()),
    }
}

/// Checks what the chain would refuse, or what would leave a stake without effect.
async fn check_nominator(context: &Context<'_>, targets: &[AccountId]) -> Result<(), Failure> {
    let account = context.own_account()?;
    let client = context.connect().await?;
    let (_, stake) = bonded(&client, &account).await?;
    check_stake(&account, &stake, "a nominator", client.least_nominator_stake().await?)?;
    if stake.validates.is_some() {
        return Err(Failure::Usage(format!(
            "{account} is a candidate, and would be none any more: use `validator chill` first, or \
             another account"
        )));
    }
    Ok(client.check_nominations(&account, targets).await?)
}

/// Checks what the chain would refuse, or what would make an elected validator miss its blocks.
async fn check_candidate(context: &Context<'_>) -> Result<(), Failure> {
    let account = context.own_account()?;
    let client = context.connect().await?;
    let (view, stake) = bonded(&client, &account).await?;
    check_stake(&account, &stake, "a validator", client.least_validator_stake().await?)?;
    match view.keys {
        Some(_) => Ok(()),
        None => Err(Failure::Usage(format!(
            "{account} has no session keys: `validator rotate-keys` has the node make them"
        ))),
    }
}

async fn chill(context: &Context<'_>) -> Result<(), Failure> {
    let call = validators::chill();
    let inclusion = super::submit(context, &call).await?;
    // After it: an election may have been in the same block.
    let view = context.connect().await?.validator(&context.own_account()?).await?;
    let mut json = super::included(&call, inclusion);
    json["last_era"] = json!(last_era(&view));
    context.output.result(&json, || format!("{} (block {})", chilled(&view), inclusion.height));
    Ok(())
}

/// The last era for which a former candidate is elected.
fn last_era(view: &ValidatorView) -> Option<Era> {
    let era = view.schedule.era;
    match view.schedule.election {
        NextElection::Done { elected: true } => Some(era.saturating_add(1)),
        _ => (view.place.is_some() || view.in_session).then_some(era),
    }
}

/// What becomes of a former candidate or nominator.
fn chilled(view: &ValidatorView) -> String {
    const DONE: &str = "takes part in no more elections";
    match last_era(view) {
        None => DONE.to_owned(),
        Some(era) => format!(
            "{DONE}; it is elected for era {era}: keep its node running until that era ends{}",
            status::time_to_era(&view.schedule, era.saturating_add(1))
        ),
    }
}

async fn check_unbond(context: &Context<'_>, amount: Balance) -> Result<(), Failure> {
    let account = context.own_account()?;
    let client = context.connect().await?;
    let (_, stake) = bonded(&client, &account).await?;
    if amount > stake.active {
        return Err(Failure::Usage(format!(
            "{account} has {} at stake, less than {}",
            amount::display(stake.active),
            amount::display(amount)
        )));
    }
    let (validator, nominator) =
        (client.least_validator_stake().await?, client.least_nominator_stake().await?);
    check_rest(&stake, amount, validator, nominator)
}

/// Checks that what stays at stake is enough for its role.
fn check_rest(
    stake: &Stake,
    amount: Balance,
    least_validator: Balance,
    least_nominator: Balance,
) -> Result<(), Failure> {
    let (who, least) = match (&stake.validates, stake.nominates.is_empty()) {
        (Some(_), _) => ("a validator", least_validator),
        (None, false) => ("a nominator", least_nominator),
        (None, true) => return Ok(()),
    };
    match stake.active.saturating_sub(amount) < least {
        true => Err(Failure::Usage(format!(
            "{who} needs {}: unbond less, or `validator chill` first",
            amount::display(least)
        ))),
        false => Ok(()),
    }
}

async fn rotate_keys(context: &Context<'_>, trust_node: bool) -> Result<(), Failure> {
    let signer = context.signer()?;
    context.check_own_node(trust_node)?;
    let client = context.connect().await?;
    let (keys, proof) = client.rpc().rotate_keys(signer.account()).await.map_err(|error| match error {
        Error::Rpc { message, .. } => Failure::Usage(format!(
            "the node at {} makes no keys: {message}. It must be your own, and allow unsafe methods \
             to this machine: --rpc-methods unsafe",
            context.url()
        )),
        other => other.into(),
    })?;
    let done = format!(
        "the keys {} take effect in the session after the next one; keep the old ones in the node \
         until then",
        names::to_hex(keys.encode())
    );
    super::send(context, session::set_keys(keys, proof), &done).await
}

async fn withdraw(context: &Context<'_>) -> Result<(), Failure> {
    let account = context.own_account()?;
    let client = context.connect().await?;
    let (view, stake) = bonded(&client, &account).await?;
    let now = view.schedule.era;
    let due: Balance =
        stake.unlocking.iter().filter(|(era, _)| *era <= now).map(|(_, of)| of).sum();
    if due == 0 {
        return Err(Error::not_found(match stake.unlocking.first() {
            Some((era, amount)) => format!(
                "nothing can be withdrawn yet: {} from era {era} on, and this is era {now}{}",
                amount::display(*amount),
                status::time_to_era(&view.schedule, *era)
            ),
            None => "nothing is unbonding; use `validator unbond` first".to_owned(),
        })
        .into());
    }
    // The number is needed where a stake ends that was penalised: what is removed with it.
    let call = validators::withdraw_unbonded(client.slashing_spans(&account).await?);
    super::send(context, call, &format!("withdrew {}", amount::display(due))).await
}

async fn purge_keys(context: &Context<'_>) -> Result<(), Failure> {
    let account = context.own_account()?;
    let view = context.connect().await?.validator(&account).await?;
    check_former(&account, &view)?;
    super::send(context, former_validators::purge_keys(), "the keys are removed").await
}

/// Checks that an account has keys and no stake, which needs them.
fn check_former(account: &AccountId, view: &ValidatorView) -> Result<(), Failure> {
    let Some(stake) = &view.stake else {
        return match &view.keys {
            Some(_) => Ok(()),
            None => Err(Error::not_found(format!("{account} has no session keys")).into()),
        };
    };
    let next = match (&stake.validates, stake.active, stake.unlocking.last()) {
        (Some(_), _, _) => "first `validator chill`, then unbond and withdraw all of it".to_owned(),
        (None, 1.., _) => {
            format!("first `validator unbond {}`, then withdraw it", amount::format(stake.active))
        },
        (None, 0, Some((era, _))) => format!(
            "first `validator withdraw`, from era {era} on{}",
            status::time_to_era(&view.schedule, *era)
        ),
        (None, 0, None) => "first `validator withdraw`".to_owned(),
    };
    Err(Failure::Usage(format!("{account} has a stake, and the keys stay as long as it: {next}")))
}

async fn payout(context: &Context<'_>, validator: Option<AccountId>) -> Result<(), Failure> {
    let validator = context.account(validator)?;
    let view = context.connect().await?.validator(&validator).await?;
    if view.unpaid.is_empty() {
        return Err(Error::not_found(nothing_to_pay(&validator, &view)).into());
    }
    for (era, page) in view.unpaid {
        let call = validators::payout_stakers_by_page(validator.clone(), era, page);
        super::send(context, call, &format!("paid era {era}, page {page}")).await?;
    }
    Ok(())
}

fn nothing_to_pay(account: &AccountId, view: &ValidatorView) -> String {
    let era = view.schedule.era;
    match (&view.place, view.stake.as_ref().is_some_and(|stake| stake.validates.is_some())) {
        (Some(_), _) => {
            format!("all rewards of {account} are paid; those of era {era} come at its end")
        },
        (None, true) => format!(
            "{account} is no validator in era {era}, and has no unpaid rewards of earlier ones"
        ),
        (None, false) => format!(
            "{account} is no validator, and has no unpaid rewards as one; name the validator: with it \
             its nominators are paid"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::{
        calls::ValidatorPreferences,
        rpc::ValidatorKeys,
        validators::{Place, Schedule},
    };

    #[test]
    fn a_stake_that_is_too_small_is_told_what_is_missing() {
        let account = AccountId::from([1; 32]);
        let stake = Stake { active: 50_000_000_000_000, ..Default::default() };
        let least = 100_000_000_000_000;
        match check_stake(&account, &stake, "a nominator", least) {
            Err(Failure::Usage(message)) => assert_eq!(
                message,
                format!(
                    "{account} has 50 ASY at stake, and a nominator needs 100 ASY: `validator bond 50` \
                     adds what is missing"
                )
            ),
            other => panic!("{other:?}"),
        }
        check_stake(&account, &Stake { active: least, ..stake }, "a nominator", least).unwrap();
    }

    #[test]
    fn the_keys_stay_as_long_as_the_stake() {
        let account = AccountId::from([1; 32]);
        let keys = ValidatorKeys { babe: [1; 32], grandpa: [2; 32], authority_discovery: [3; 32] };
        let terms =
            ValidatorPreferences { commission: Compact(Default::default()), blocked: false };
        let with = |stake| {
            let view = ValidatorView { stake, keys: Some(keys.clone()), ..Default::default() };
            check_former(&account, &view).map_err(|failure| failure.message())
        };
        assert_eq!(with(None), Ok(()));
        let idle = Stake { active: 5_000_000_000_000, ..Default::default() };
        let leaving = Stake { active: 0, unlocking: vec![(9, 1), (12, 2)], ..idle.clone() };
        let candidate = Stake { validates: Some(terms), ..idle.clone() };
        for (stake, next) in [
            (candidate, "first `validator chill`, "),
            (idle, "first `validator unbond 5`, "),
            (leaving, "first `validator withdraw`, from era 12 on"),
            (Stake::default(), "first `validator withdraw`"),
        ] {
            let message = with(Some(stake)).unwrap_err();
            assert!(message.contains(&format!("as long as it: {next}")), "{message}");
        }
        let failure = check_former(&account, &ValidatorView::default()).unwrap_err();
        assert!(failure.message().ends_with("has no session keys"));
    }

    #[test]
    fn a_former_candidate_keeps_its_node_until_its_last_era_ends() {
        let with = |election, place: Option<Place>| {
            let schedule = Schedule {
                era: 7,
                block_ms: 2_000,
                era_blocks: 10_800,
                end: Some(300),
                election,
                ..Default::default()
            };
            chilled(&ValidatorView { schedule, place, ..Default::default() })
        };
        let place = Place { total: 1, own: 1, nominators: 0, points: 0, all_points: 0 };
        let (before, elected) = (NextElection::In(1), NextElection::Done { elected: true });
        let left_out = NextElection::Done { elected: false };
        assert_eq!(with(before, None), "takes part in no more elections");
        for (election, place, end) in [
            (
                before,
                Some(place.clone()),
                "for era 7: keep its node running until that era ends, in about 10 min",
            ),
            (left_out, Some(place.clone()), "until that era ends, in about 10 min"),
            // The election is over: the next era counts, too.
            (
                elected,
                Some(place),
                "for era 8: keep its node running until that era ends, in about 6 h 10 min",
            ),
            (elected, None, "until that era ends, in about 6 h 10 min"),
        ] {
            let said = with(election, place);
            assert!(said.ends_with(end), "{said}");
        }
    }

    #[test]
    fn a_role_keeps_its_least_stake() {
        let terms =
            ValidatorPreferences { commission: Compact(Default::default()), blocked: false };
        let idle = Stake { active: 10, ..Default::default() };
        let validator = Stake { validates: Some(terms), ..idle.clone() };
        let nominator = Stake { nominates: vec![AccountId::from([1; 32])], ..idle.clone() };
        for (stake, amount, refused) in [
            (&validator, 2, None),
            (&validator, 3, Some("a validator needs 0.000000000008 ASY")),
            (&nominator, 5, None),
            (&nominator, 6, Some("a nominator needs 0.000000000005 ASY")),
            (&idle, 10, None),
        ] {
            let message = check_rest(stake, amount, 8, 5).err().map(|failure| failure.message());
            let start = message.as_ref().map(|message| message.split(':').next().unwrap());
            assert_eq!(start, refused, "{amount}");
        }
    }

    #[test]
    fn who_is_no_validator_is_told_so_by_a_payout() {
        let account = AccountId::from([1; 32]);
        let stranger = ValidatorView::default();
        assert!(nothing_to_pay(&account, &stranger).contains("is no validator, and"));
        let terms =
            ValidatorPreferences { commission: Compact(Default::default()), blocked: false };
        let stake = Some(Stake { validates: Some(terms), ..Default::default() });
        let candidate = ValidatorView { stake, ..Default::default() };
        assert!(nothing_to_pay(&account, &candidate).contains("is no validator in era 0"));
        let place = Some(Place { total: 1, own: 1, nominators: 0, points: 0, all_points: 0 });
        let elected = ValidatorView { place, ..candidate };
        assert!(nothing_to_pay(&account, &elected).starts_with("all rewards"));
    }
}
