//! A network whose specification `scripts/genesis` made from public keys and stakes.

mod programs;

use std::{fs, process::Command};

use anyhow::{ensure, Context, Result};
use assay_client::{names::parse_account, storage, AccountId};
use assay_localnet::{
    node::{wait_for_finality, NodeConfig},
    ports, Node,
};

use programs::programs;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
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
    let data = tempfile::tempdir()?;
    let program = programs().join("assay-node");
    let made = Command::new("python3")
        .arg(format!("{ROOT}/scripts/genesis.py"))
        .arg("--node")
        .arg(&program)
        .arg(format!("{ROOT}/docs/examples/network.toml"))
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

/// What the script says of a network which it does not accept. It asks the node after that, and there is none.
fn refusal(network: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("network.toml");
    fs::write(&file, network)?;
    let made = Command::new("python3")
        .arg(format!("{ROOT}/scripts/genesis.py"))
        .args(["--node", "no-such-node"])
        .arg(file)
        .arg(folder.path())
        .output()?;
    ensure!(!made.status.success(), "there is a node");
    Ok(String::from_utf8(made.stderr)?)
}

#[test]
fn keys_and_bootnodes_that_cannot_work_are_refused() -> Result<()> {
    let example = fs::read_to_string(format!("{ROOT}/docs/examples/network.toml"))?;
    assert!(refusal(&example)?.contains("ASSAY_NODE"), "all else is right");
    let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    let grandpa = "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu";
    let bob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
    let peer = format!("tcp/30333/p2p/{FIRST_IDENTITY}");
    let changed = |from: &str, to: &str| {
        assert!(example.contains(from), "{from}");
        refusal(&example.replacen(from, to, 1))
    };
    let bootnode = |address: &str| changed("bootnodes = []", &format!("bootnodes = [{address:?}]"));

    let said = changed(grandpa, alice)?;
    assert!(said.contains("validator 1, grandpa") && said.contains("ed25519"), "{said}");
    let said = changed(&format!("babe = \"{bob}"), &format!("babe = \"{alice}"))?;
    assert!(said.contains("validator 2, babe") && said.contains("of validator 1"), "{said}");
    let said = changed(bob, &bob.replace("694ty", "694tz"))?;
    assert!(said.contains("checksum"), "{said}");

    assert!(bootnode(&format!("/ip4/127.0.0.1/{peer}"))?.contains("ASSAY_NODE"));
    assert!(bootnode(&format!("/dns/boot.example.org/{peer}"))?.contains("ASSAY_NODE"));
    let line = example.lines().position(|line| line == "bootnodes = []").context("no line")? + 1;
    for wrong in [
        format!("/ip4/127.0.0/{peer}"),
        format!("/ip4/127.0.0.1/{}", peer.replace("30333", "303333")),
        format!("/ip4/127.0.0.1/{}", peer.trim_end_matches('p')),
        "/ip4/127.0.0.1/tcp/30333".to_owned(),
        "/ip4/127.0.0.1/tcp/30333/p2p/".to_owned(),
    ] {
        let said = bootnode(&wrong)?;
        assert!(said.contains(&format!("bootnodes, line {line}: `{wrong}`")), "{said}");
    }
    Ok(())
}
