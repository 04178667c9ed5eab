//! What commands share: node, key and output.

use std::path::PathBuf;

use assay_client::{rpc, AccountId, Client, Error, Signer};
use tokio::sync::OnceCell;

use crate::{args::Global, failure::Failure, output::Output};

/// Address of a node on this machine with default settings.
const DEFAULT_URL: &str = "ws://127.0.0.1:9944";

/// Node, key and output of a command.
pub struct Context<'a> {
    /// The output.
    pub output: &'a Output,
    url: Option<String>,
    suri: Option<String>,
    key_file: Option<PathBuf>,
    client: OnceCell<Client>,
}

impl<'a> Context<'a> {
    /// Takes the global arguments.
    pub fn new(global: Global, output: &'a Output) -> Self {
        let Global { url, suri, key_file, json: _ } = global;
        Self { output, url, suri, key_file, client: OnceCell::new() }
    }

    /// Address of the node.
    pub fn url(&self) -> &str {
        self.url.as_deref().unwrap_or(DEFAULT_URL)
    }

    /// Whether the address of a node was given.
    pub fn names_node(&self) -> bool {
        self.url.is_some()
    }

    /// Checks, without asking it, that the node is one whose keys can be registered: who runs it has their
    /// secrets. `trusted`: whether the user says so.
    pub fn check_own_node(&self, trusted: bool) -> Result<(), Failure> {
        match trusted || rpc::is_on_this_machine(self.url()) {
            true => Ok(()),
            false => Err(Failure::Usage(format!(
                "{} is not on this machine, and whoever runs that node has the secrets of the keys that it \
                 makes or names: with them it can sign what costs you your stake or bond. Use `assay` on \
                 your node's machine, or through a tunnel to it: `ssh -L 9944:127.0.0.1:9944 MACHINE`, \
                 then --url {DEFAULT_URL}. If nobody else can use that node, or the way to it, --trust-node \
                 takes its keys",
                self.url()
            ))),
        }
    }

    /// The connection to the node.
    pub async fn connect(&self) -> Result<Client, Failure> {
        let connect = async {
            self.output.progress(format!("connecting to {}", self.url()));
            Client::connect(self.url()).await.map_err(|error| self.explain(error))
        };
        Ok(self.client.get_or_try_init(|| connect).await?.clone())
    }

    /// Adds that the node was not named, if it was not.
    fn explain(&self, error: Error) -> Error {
        match error {
            Error::Unreachable { url, reason } if !self.names_node() => Error::Unreachable {
                url,
                reason: format!("{reason}; name a node with --url or ASSAY_URL"),
            },
            other => other,
        }
    }

    /// The key that signs.
    pub fn signer(&self) -> Result<Signer, Failure> {
        self.signer_if_given()?.ok_or_else(|| {
            Failure::Usage(
                "this command needs a key: use --key-file, --suri or ASSAY_SURI".to_owned(),
            )
        })
    }

    /// The key that signs, if one was given. A key file takes precedence over a secret URI.
    pub fn signer_if_given(&self) -> Result<Option<Signer>, Failure> {
        Ok(match (&self.key_file, &self.suri) {
            (Some(path), _) => Some(Signer::from_file(path)?),
            (None, Some(suri)) => Some(Signer::from_suri(suri)?),
            (None, None) => None,
        })
    }

    /// The account of the key.
    pub fn own_account(&self) -> Result<AccountId, Failure> {
        Ok(self.signer()?.account().clone())
    }

    /// The given account, else the account of the key.
    pub fn account(&self, given: Option<AccountId>) -> Result<AccountId, Failure> {
        if let Some(account) = given {
            return Ok(account);
        }
        match self.signer_if_given()? {
            Some(signer) => Ok(signer.account().clone()),
            None => Err(Failure::Usage(
                "this command needs an account: name one, or give its key with --key-file, --suri or \
                 ASSAY_SURI"
                    .to_owned(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_node_elsewhere_are_taken_only_if_the_user_says_so() {
        let output = Output::new(false);
        let context = |url: Option<&str>| {
            let url = url.map(str::to_owned);
            Context::new(Global { url, json: false, suri: None, key_file: None }, &output)
        };
        context(None).check_own_node(false).unwrap();
        context(Some("ws://127.0.0.1:1")).check_own_node(false).unwrap();
        let elsewhere = context(Some("wss://rpc.example.org"));
        let failure = elsewhere.check_own_node(false).unwrap_err();
        assert_eq!(failure.exit_code(), crate::failure::USAGE);
        let message = failure.message();
        for part in ["wss://rpc.example.org is not", "ssh -L", "--url ws://127", "--trust-node"] {
            assert!(message.contains(part), "{part}: {message}");
        }
        elsewhere.check_own_node(true).unwrap();
    }
}
