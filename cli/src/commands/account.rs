//! `balance`, `claim` and `transfer`.

use assay_client::{
    amount,
    calls::{balances, settlement},
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
        "compensations": listed,
    });
    context.output.result(&json, || {
        let mut lines = vec![
            ("account", account.to_string()),
            ("free", amount::display(balance.free)),
            ("on hold", amount::display(balance.reserved)),
        ];
        lines.extend(compensations.iter().map(|(from, amount)| {
            ("compensation", format!("{}, to claim from block {from} on", amount::display(*amount)))
        }));
        fields(&lines)
    });
    Ok(())
}

/// Claims the compensations that are due, one transaction each.
pub async fn claim(context: &Context<'_>) -> Result<(), Failure> {
    let account = context.account(None)?;
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
    let done = format!("sent {} to {to}", amount::display(amount));
    super::send(context, balances::transfer_keep_alive(to, amount), &done).await
}
