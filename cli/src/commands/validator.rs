//! `validator`: be a validator, or nominate validators.

use assay_client::{
    amount,
    calls::{former_validators, session, validators, Share, ValidatorPreferences},
    names,
    validators::{Stake, ValidatorView},
    AccountId, Client, Error,
};
use codec::{Compact, Encode};
use serde_json::{json, Value};

use crate::{args::ValidatorCommand, context::Context, failure::Failure, output::fields};

pub async fn run(context: &Context<'_>, command: ValidatorCommand) -> Result<(), Failure> {
    match command {
        ValidatorCommand::Status { account } => status(context, account).await,
        ValidatorCommand::Bond { amount, payee } => {
            let signer = context.signer()?;
            let client = context.connect().await?;
            let call = client.bond_call(signer.account(), amount, payee).await?;
            let done = format!("added {} to the stake", amount::display(amount));
            super::send(context, call, &done).await
        },
        ValidatorCommand::RotateKeys => rotate_keys(context).await,
        ValidatorCommand::Validate { commission, blocked } => {
            check_candidate(context).await?;
            let commission = Compact(commission);
            let call = validators::validate(ValidatorPreferences { commission, blocked });
            let done = format!(
                "takes part in elections from the next one on, at a commission of {}",
                commission.0
            );
            super::send(context, call, &done).await
        },
        ValidatorCommand::Nominate { validators: targets } => {
            bonded(&context.connect().await?, &context.account(None)?).await?;
            let done = format!("nominates {} validators from the next election on", targets.len());
            super::send(context, validators::nominate(targets), &done).await
        },
        ValidatorCommand::Chill => {
            let done = "takes part in no more elections; the present era goes on";
            super::send(context, validators::chill(), done).await
        },
        ValidatorCommand::Unbond { amount } => {
            check_unbond(context, amount).await?;
            let done = format!(
                "{} are unbonding; `validator status` shows from which era on they can be withdrawn",
                amount::display(amount)
            );
            super::send(context, validators::unbond(Compact(amount)), &done).await
        },
        ValidatorCommand::Withdraw => withdraw(context).await,
        ValidatorCommand::PurgeKeys => {
            super::send(context, former_validators::purge_keys(), "the keys are removed").await
        },
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

/// Checks what the chain would refuse, or what would make an elected validator miss its blocks.
async fn check_candidate(context: &Context<'_>) -> Result<(), Failure> {
    let account = context.account(None)?;
    let client = context.connect().await?;
    let (view, stake) = bonded(&client, &account).await?;
    let least = client.least_validator_stake().await?;
    if stake.active < least {
        return Err(Failure::Usage(format!(
            "{account} has {} at stake, and a validator needs {}: `validator bond {}` adds what is \
             missing",
            amount::display(stake.active),
            amount::display(least),
            amount::format(least - stake.active)
        )));
    }
    match view.keys {
        Some(_) => Ok(()),
        None => Err(Failure::Usage(format!(
            "{account} has no session keys: `validator rotate-keys` has the node make them"
        ))),
    }
}

async fn check_unbond(context: &Context<'_>, amount: u128) -> Result<(), Failure> {
    let account = context.account(None)?;
    let client = context.connect().await?;
    let (_, stake) = bonded(&client, &account).await?;
    if amount > stake.active {
        return Err(Failure::Usage(format!(
            "{account} has {} at stake, less than {}",
            amount::display(stake.active),
            amount::display(amount)
        )));
    }
    let least = client.least_validator_stake().await?;
    if stake.validates.is_some() && stake.active - amount < least {
        return Err(Failure::Usage(format!(
            "a validator needs {}: unbond less, or `validator chill` first",
            amount::display(least)
        )));
    }
    Ok(())
}

async fn rotate_keys(context: &Context<'_>) -> Result<(), Failure> {
    let signer = context.signer()?;
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
    let account = context.account(None)?;
    let client = context.connect().await?;
    let (view, stake) = bonded(&client, &account).await?;
    let due: u128 =
        stake.unlocking.iter().filter(|(era, _)| *era <= view.era).map(|(_, of)| of).sum();
    if due == 0 {
        return Err(Error::not_found(match stake.unlocking.first() {
            Some((era, amount)) => format!(
                "nothing can be withdrawn yet: {} from era {era} on, and this is era {}",
                amount::display(*amount),
                view.era
            ),
            None => "nothing is unbonding; use `validator unbond` first".to_owned(),
        })
        .into());
    }
    // The number is only needed where a stake ends that was slashed: a bound on what is removed.
    let call = validators::withdraw_unbonded(MAX_SLASHING_SPANS);
    super::send(context, call, &format!("withdrew {}", amount::display(due))).await
}

/// The slashes of a stake that its end removes, at most. The fee is for this many.
const MAX_SLASHING_SPANS: u32 = 16;

async fn payout(context: &Context<'_>, validator: Option<AccountId>) -> Result<(), Failure> {
    let validator = context.account(validator)?;
    let view = context.connect().await?.validator(&validator).await?;
    if view.unpaid.is_empty() {
        return Err(Error::not_found(format!(
            "all rewards of {validator} are paid; those of era {} come at its end",
            view.era
        ))
        .into());
    }
    for (era, page) in view.unpaid {
        let call = validators::payout_stakers_by_page(validator.clone(), era, page);
        super::send(context, call, &format!("paid era {era}, page {page}")).await?;
    }
    Ok(())
}

async fn status(context: &Context<'_>, account: Option<AccountId>) -> Result<(), Failure> {
    let account = context.account(account)?;
    let view = context.connect().await?.validator(&account).await?;
    context.output.result(&to_json(&account, &view), || to_text(&account, &view));
    Ok(())
}

fn to_text(account: &AccountId, view: &ValidatorView) -> String {
    let mut lines = vec![("account", account.to_string()), ("era", view.era.to_string())];
    match &view.stake {
        None => lines.push(("stake", "none; `validator bond` puts one on hold".to_owned())),
        Some(stake) => {
            lines.push(("stake", amount::display(stake.active)));
            for (era, amount) in &stake.unlocking {
                lines.push((
                    "unbonding",
                    format!("{}, to withdraw from era {era} on", amount::display(*amount)),
                ));
            }
            lines.push(("role", role(stake)));
        },
    }
    lines.push((
        "keys",
        match &view.keys {
            Some(keys) => names::to_hex(keys.encode()),
            None => "none".to_owned(),
        },
    ));
    lines.push((
        "in session",
        match view.in_session {
            true => "yes".to_owned(),
            false => "no".to_owned(),
        },
    ));
    if let Some(place) = &view.place {
        lines.push((
            "elected with",
            format!(
                "{}, of which {} its own; {} nominators",
                amount::display(place.total),
                amount::display(place.own),
                place.nominators
            ),
        ));
        lines.push(("points", format!("{} of {} in this era", place.points, place.all_points)));
    }
    if !view.unpaid.is_empty() {
        let eras: Vec<_> = view.unpaid.iter().map(|(era, _)| era.to_string()).collect();
        lines.push(("unpaid", format!("eras {}: `validator payout`", eras.join(", "))));
    }
    fields(&lines)
}

fn role(stake: &Stake) -> String {
    match (&stake.validates, stake.nominates.len()) {
        (Some(ValidatorPreferences { commission: Compact(commission), blocked }), _) => {
            let nominators = match blocked {
                true => "takes no more nominators",
                false => "takes nominators",
            };
            format!("validator at a commission of {commission}, {nominators}")
        },
        (None, 0) => "none: neither validates nor nominates".to_owned(),
        (None, count) => format!("nominates {count} validators"),
    }
}

fn to_json(account: &AccountId, view: &ValidatorView) -> Value {
    let stake = view.stake.as_ref().map(|stake| {
        let unlocking: Vec<_> = stake
            .unlocking
            .iter()
            .map(|(era, amount)| json!({"era": era, "amount": amount.to_string()}))
            .collect();
        let commission = stake.validates.as_ref().map(|terms| Share::parts(terms.commission.0));
        let nominates: Vec<_> = stake.nominates.iter().map(AccountId::to_string).collect();
        json!({
            "active": stake.active.to_string(),
            "unlocking": unlocking,
            "validates": stake.validates.is_some(),
            "commission_ppb": commission,
            "blocked": stake.validates.as_ref().map(|terms| terms.blocked),
            "nominates": nominates,
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
    json!({
        "account": account.to_string(),
        "era": view.era,
        "stake": stake,
        "keys": view.keys.as_ref().map(|keys| names::to_hex(keys.encode())),
        "in_session": view.in_session,
        "place": place,
        "unpaid": unpaid,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> ValidatorView {
        let commission = Compact(Share::from_percent("5").unwrap());
        ValidatorView {
            era: 7,
            stake: Some(Stake {
                active: 3_000_000_000_000,
                unlocking: vec![(9, 1_000_000_000_000)],
                validates: Some(ValidatorPreferences { commission, blocked: false }),
                nominates: Vec::new(),
            }),
            unpaid: vec![(5, 0), (6, 0)],
            ..Default::default()
        }
    }

    #[test]
    fn the_status_says_what_to_do_next() {
        let account = AccountId::from([1; 32]);
        let text = to_text(&account, &view());
        for part in [
            "stake       3 ASY",
            "1 ASY, to withdraw from era 9 on",
            "validator at a commission of 5%, takes nominators",
            "eras 5, 6: `validator payout`",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let none = to_text(&account, &ValidatorView::default());
        assert!(none.contains("`validator bond`"), "{none}");
        assert_eq!(to_json(&account, &view())["stake"]["commission_ppb"], 50_000_000);
    }

    #[test]
    fn without_a_role_a_stake_says_so() {
        let idle = Stake::default();
        assert_eq!(role(&idle), "none: neither validates nor nominates");
        let nominates = vec![AccountId::from([1; 32])];
        assert_eq!(role(&Stake { nominates, ..idle }), "nominates 1 validators");
    }
}
