//! Arguments of `validator`.

use assay_client::{
    amount,
    calls::{RewardDestination, Share},
    names, AccountId,
};
use assay_primitives::Balance;
use clap::Subcommand;

/// Commands for validators and nominators.
#[derive(Subcommand)]
pub enum ValidatorCommand {
    /// Show an account's stake, keys, place and unpaid rewards
    Status {
        /// The account [default: that of the key]
        #[arg(value_parser = names::parse_account)]
        account: Option<AccountId>,
    },
    /// Put a stake on hold, or add to it. 1 ASY has to be left for fees
    Bond {
        /// Amount in ASY
        #[arg(value_parser = amount::parse)]
        amount: Balance,
        /// Where rewards go, with the first bond: `account`, `stake`, or another account [default:
        /// account]
        #[arg(long, value_parser = parse_payee)]
        payee: Option<RewardDestination>,
    },
    /// Change where rewards go
    SetPayee {
        /// `account`, `stake`, or another account
        #[arg(value_parser = parse_payee)]
        payee: RewardDestination,
    },
    /// Have the node on this machine make new session keys, and register them
    RotateKeys {
        /// Take keys of a node on another machine. Whoever runs it can sign what costs you the stake
        #[arg(long)]
        trust_node: bool,
    },
    /// Take part in elections as a validator, or change the terms
    Validate {
        /// Your share of the rewards in percent, before your nominators get theirs [default: as before; 0
        /// for who was no validator before]
        #[arg(long, value_name = "PERCENT", value_parser = Share::from_percent)]
        commission: Option<Share>,
        /// Take no more nominators; `--blocked false` takes them again [default: as before]
        #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
        blocked: Option<bool>,
    },
    /// Back validators with your stake, in place of those before
    Nominate {
        /// Their accounts. They have to be candidates
        #[arg(required = true, value_parser = names::parse_account)]
        validators: Vec<AccountId>,
    },
    /// Take part in no more elections, as a validator or as a nominator
    Chill,
    /// Take a part of the stake back. It stays on hold, and can be slashed, for the bonding period
    Unbond {
        /// Amount in ASY
        #[arg(value_parser = amount::parse)]
        amount: Balance,
    },
    /// Withdraw what was unbonded a bonding period ago
    Withdraw,
    /// Remove the session keys, and get their deposit back, after all of the stake is withdrawn
    PurgeKeys,
    /// Pay the unpaid rewards of a validator and its nominators. Anyone may
    Payout {
        /// The validator [default: the key's account]
        #[arg(value_parser = names::parse_account)]
        validator: Option<AccountId>,
    },
}

fn parse_payee(text: &str) -> Result<RewardDestination, assay_client::Error> {
    Ok(match text {
        "account" => RewardDestination::Stash,
        "stake" => RewardDestination::Staked,
        other => RewardDestination::Account(names::parse_account(other)?),
    })
}
