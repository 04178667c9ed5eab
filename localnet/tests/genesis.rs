//! A network whose specification `scripts/genesis` made from public keys and stakes.

mod programs;

use std::process::Command;

use anyhow::{ensure, Context, Result};
use assay_client::{names::parse_account, storage, AccountId};
use assay_localnet::{
    node::{wait_for_finality, NodeConfig},
    ports, Node,
};

use programs::programs;

const NAMES: [&str; 4] = ["alice", "bob", "charlie", "dave"];
/// The peer identity of the node key 1.
const FIRST_IDENTITY: &str = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";

/// The rest of the line that begins with a word.
fn line<'a>(output: &'a str, start: &str) -> Result<&'a str> {
    let found = output.lines().find_map(|line| line.strip_prefix(start));
    Ok(found.with_context(|| format!("no line `{start}` in {output}"))?.trim())
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_start_a_network_from_their_public_keys() -> Result<()> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let data = tempfile::tempdir()?;
    let program = programs().join("assay-node");
    let made = Command::new("python3")
        .arg(format!("{root}/scripts/genesis.py"))
        .arg("--node")
        .arg(&program)
        .arg(format!("{root}/docs/examples/network.toml"))
        .arg(data.path())
        .output()?;
    let output = String::from_utf8(made.stdout)?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(line(&output, "validator")?.ends_with(" with 10,000 ASY at stake"), "{output}");
    // Four accounts with 20,000 ASY, one with a million, and the treasury's existential deposit.
    assert_eq!(line(&output, "supply")?, "1,080,000.001 ASY");

    let mut nodes = Vec::new();
    for ((number, name), ports) in (1..).zip(NAMES).zip(ports::ephemeral(NAMES.len())?) {
        let number: u8 = number;
        nodes.push(Node::start(NodeConfig {
            name: name.to_owned(),
            is_validator: true,
            program: program.clone(),
            chain: line(&output, "spec")?.to_owned(),
            base_path: data.path().join(name),
            log: data.path().join(format!("{name}.log")),
            ports,
            node_key: format!("{number:064x}"),
            bootnodes: nodes
                .first()
                .map(|first: &Node| first.p2p_address(FIRST_IDENTITY))
                .into_iter()
                .collect(),
            // Without it, nodes tell each other about no addresses of loopback on such a network.
            arguments: vec!["--discover-local".to_owned()],
        })?);
    }
    let mut client = None;
    for node in &mut nodes {
        client = Some(node.connect().await?);
    }
    let client = client.context("no nodes")?;
    wait_for_finality(&client, 5).await?;
    assert_eq!(format!("{:?}", client.genesis()), line(&output, "genesis")?);

    // Nobody has a key for everything, the committee is named, and the validators are elected.
    let rpc = client.rpc();
    assert_eq!(rpc.storage(&storage::value_key("Sudo", "Key"), None).await?, None);
    let members = storage::value_key("TechnicalCommittee", "Members");
    let members: Option<Vec<AccountId>> = rpc.storage_value(&members, None).await?;
    let alice = parse_account("//Alice")?;
    assert!(members.is_some_and(|members| members.len() == 3 && members.contains(&alice)));
    let view = client.validator(&alice).await?;
    assert!(view.in_session && view.keys.is_some());
    assert_eq!(view.place.context("alice is elected")?.own, 10_000 * assay_primitives::ASY);
    for node in &mut nodes {
        node.stop()?;
    }
    Ok(())
}
