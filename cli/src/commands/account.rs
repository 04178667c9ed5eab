//! `balance`, `claim` and `transfer`.

use assay_client::{
    amount,
    calls::{balances, settlement},
    queries::AccountBalance,
    rpc, AccountId, Error,
};
use assay_primitives::Balance;
use serde_json::json;

use crate::{context::Context, failure::Failure, output::fields};

/// Shows a balance.
pub async fn balance(context: &Context<'_>, account: Option<AccountId>) -> Result<(), Failure> {
    let account = context.account(account)?;
    let client = context.connect().await?;
    let balance = client.balance(&account).await?;
    let compensations = client.compensations(&account).await?;
    let listed: Vec<_> = compensations
        .iter()
        .map(|(from, amount)| json!({"claimable_from": from, "amount": amount.to_string()}))
        .collect();
    let json = json!({
        "account": account.to_string(),
        "free": balance.free.to_string(),
        "reserved": balance.reserved.to_string(),
        "locked": balance.locked.to_string(),
        "payable": balance.payable().to_string(),
        "compensations": listed,
    });
    context.output.result(&json, || {
        let mut lines = vec![("account", account.to_string())];
        lines.extend(describe(balance));
        lines.extend(compensations.iter().map(|(from, amount)| {
            ("compensation", format!("{}, to claim from block {from} on", amount::display(*amount)))
        }));
        fields(&lines)
    });
    Ok(())
}

/// A balance as text. What votes lock is shown if it keeps the account from paying.
fn describe(balance: AccountBalance) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("free", amount::display(balance.free)),
        ("on hold", amount::display(balance.reserved)),
    ];
    if balance.payable() < balance.free {
        let locked = amount::display(balance.locked);
        lines.push(("locked", format!("{locked} of both, by votes: it pays for nothing")));
        lines.push(("payable", amount::display(balance.payable())));
    }
    lines
}

/// Claims the compensations that are due, one transaction each.
pub async fn claim(context: &Context<'_>) -> Result<(), Failure> {
    let account = context.own_account()?;
    let client = context.connect().await?;
    let now = rpc::height(&client.rpc().header(None).await?);
    let compensations = client.compensations(&account).await?;
    let due: Vec<_> = compensations.iter().filter(|(from, _)| *from <= now).collect();
    if due.is_empty() {
        let next = compensations.first();
        return Err(Error::not_found(match next {
            Some((from, _)) => {
                format!("no compensation of {account} is due; the next one is at block {from}")
            },
            None => format!("{account} has no compensation"),
        })
        .into());
    }
    for (from, amount) in due {
        let done = format!("claimed {}", amount::display(*amount));
        super::send(context, settlement::claim_compensation(*from), &done).await?;
    }
    Ok(())
}

/// Transfers plancks.
pub async fn transfer(
    context: &Context<'_>,
    to: AccountId,
    amount: Balance,
) -> Result<(), Failure> {
    let signer = context.signer()?;
    let client = context.connect().await?;
    client.check_open("Balances", "transfer_keep_alive").await?;
    let done = format!("sent {} to {to}", amount::display(amount));
    let call = balances::transfer_keep_alive(to, amount);
    let balance = client.balance(signer.account()).await?;
    let least = client.constant("Balances", "ExistentialDeposit").await.unwrap_or_default();
    let fee = client.estimate_fee(&call, &signer).await?;
    check_transfer(signer.account(), balance, least, fee, amount)?;
    super::send(context, call, &done).await
}

/// Checks that an account can send so much. `least`: what it has to keep.
fn check_transfer(
    account: &AccountId,
    balance: AccountBalance,
    least: Balance,
    fee: Balance,
    amount: Balance,
) -> Result<(), Failure> {
    let most = balance.spendable(least).saturating_sub(fee);
    if amount <= most {
        return Ok(());
    }
    let locked = match balance.payable() < balance.free {
        true => format!(
            ", {} of it payable, because votes lock the rest",
            amount::display(balance.payable())
        ),
        false => String::new(),
    };
    Err(Failure::Usage(format!(
        "{account} can send at most {}, not {}: it has {} free{locked}, keeps at least {}, and pays a fee \
         of about {}",
        amount::display(most),
        amount::display(amount),
        amount::display(balance.free),
        amount::display(least),
        amount::display(fee)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::ASY;

    #[test]
    fn a_balance_shows_locks_that_matter() {
        let balance = AccountBalance { free: 5 * ASY, reserved: ASY, locked: ASY };
        let names =
            |balance| describe(balance).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(balance), ["free", "on hold"]);
        let voted = AccountBalance { locked: 4 * ASY, ..balance };
        assert_eq!(names(voted), ["free", "on hold", "locked", "payable"]);
        assert_eq!(describe(voted)[3].1, "2 ASY");
    }

    #[test]
    fn a_transfer_of_more_than_there_is_names_what_there_is() {
        let account = AccountId::from([1; 32]);
        let (least, fee) = (ASY / 1_000, ASY / 500);
        let check = |balance, amount| match check_transfer(&account, balance, least, fee, amount) {
            Ok(()) => String::new(),
            Err(failure) => failure
                .message()
                .strip_prefix(&format!("{account} can send at most "))
                .unwrap()
                .to_owned(),
        };
        let balance = AccountBalance { free: 5 * ASY, reserved: ASY, locked: 0 };
        let most = 5 * ASY - least - fee;
        assert_eq!(check(balance, most), "");
        assert_eq!(
            check(balance, 6 * ASY),
            "4.997 ASY, not 6 ASY: it has 5 ASY free, keeps at least 0.001 ASY, and pays a fee of about \
             0.002 ASY"
        );
        let voted = AccountBalance { locked: 5 * ASY, ..balance };
        assert_eq!(
            check(voted, 2 * ASY),
            "0.998 ASY, not 2 ASY: it has 5 ASY free, 1 ASY of it payable, because votes lock the rest, keeps \
             at least 0.001 ASY, and pays a fee of about 0.002 ASY"
        );
    }
}
