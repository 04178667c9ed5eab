//! `balance` and `transfer`.

use assay_client::{amount, calls::balances, AccountId};
use assay_primitives::Balance;
use serde_json::json;

use crate::{context::Context, failure::Failure, output::fields};

/// Shows a balance.
pub async fn balance(context: &Context<'_>, account: Option<AccountId>) -> Result<(), Failure> {
    let account = context.account(account)?;
    let balance = context.connect().await?.balance(&account).await?;
    let json = json!({
        "account": account.to_string(),
        "free": balance.free.to_string(),
        "reserved": balance.reserved.to_string(),
    });
    context.output.result(&json, || {
        fields(&[
            ("account", account.to_string()),
            ("free", amount::display(balance.free)),
            ("on hold", amount::display(balance.reserved)),
        ])
    });
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
