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

// Keys of the example.
const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
const ALICE_GRANDPA: &str = "5FA9nQDVg267DEd8m1ZypXLBnvN7SFxYwV7ndqSYGiN9TTpu";
const BOB_GRANDPA: &str = "5GoNkf6WdbxCFnPdAnYYQyCjAKPJgLNxXwPjwTh6DGg6gN3E";
const EVE: &str = "5HGjWAeFDfFCWPsjFQdVV2Msvz2XtMktvgocEZcCj68kUMaw";

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
    assert_eq!(line(&output, "  balance")?, "20,000 ASY, 10,000 of it at stake");
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

/// Equal hashes do not show that somebody's keys are at somebody's stake: each party has to see it.
#[test]
fn all_that_a_party_has_to_check_is_printed() -> Result<()> {
    let example = fs::read_to_string(format!("{ROOT}/docs/examples/network.toml"))?;
    let bootnode = format!("/dns/boot.example.org/tcp/30333/p2p/{FIRST_IDENTITY}");
    let network = example.replacen("bootnodes = []", &format!("bootnodes = [{bootnode:?}]"), 1);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("network.toml");
    fs::write(&file, network)?;
    let made = Command::new("python3")
        .arg(format!("{ROOT}/scripts/genesis.py"))
        .arg("--node")
        .arg(programs().join("assay-node"))
        .arg(file)
        .arg(folder.path())
        .args(["--mine", ALICE, "--mine", ALICE_GRANDPA])
        .output()?;
    let output = String::from_utf8(made.stdout)?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    // Each address of the file as often as the file has it, and the treasury's besides.
    let addresses = |text: &str| -> Vec<String> {
        let mut found: Vec<_> = text
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .filter(|word| word.len() == 48 && word.starts_with('5'))
            .map(str::to_owned)
            .collect();
        found.sort();
        found
    };
    let treasury = "5EYCAe5fj7vfB9hBed2coooYAdKSijqhtdx2TGeLUYBAXy42";
    let mut expected = addresses(&example);
    expected.push(treasury.to_owned());
    expected.sort();
    assert_eq!(addresses(&output), expected);
    let account = |address: &str, rest: &str| {
        assert_eq!(output.matches(&format!("{address} with {rest}\n")).count(), 1, "{output}");
    };
    account(EVE, "1,000,000 ASY");
    account(treasury, "0.001 ASY, as in each network (the treasury)");
    assert_eq!(output.matches("20,000 ASY, 10,000 of it at stake\n").count(), 4, "{output}");
    assert_eq!(output.matches(" of the committee\n").count(), 3, "{output}");
    assert_eq!(line(&output, "bootnode")?, bootnode);
    assert_eq!(line(&output, "seats")?, "4");
    assert_eq!(line(&output, "mine")?, "the keys of validator 1");
    Ok(())
}

/// What the script says of a network which it does not accept. It asks the node after that, and there is none.
fn refusal(network: &str) -> Result<String> {
    refusal_with(network, &[])
}

/// [`refusal`], if these are the keys of a party.
fn refusal_with(network: &str, mine: &[&str]) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("network.toml");
    fs::write(&file, network)?;
    let made = Command::new("python3")
        .arg(format!("{ROOT}/scripts/genesis.py"))
        .args(["--node", "no-such-node"])
        .args(mine.iter().flat_map(|key| ["--mine", key]))
        .arg(file)
        .arg(folder.path())
        .output()?;
    ensure!(!made.status.success(), "there is a node");
    Ok(String::from_utf8(made.stderr)?)
}

#[test]
fn a_party_whose_keys_are_not_together_is_told_so() -> Result<()> {
    let example = fs::read_to_string(format!("{ROOT}/docs/examples/network.toml"))?;
    assert!(refusal_with(&example, &[ALICE, ALICE_GRANDPA])?.contains("ASSAY_NODE"));
    let said = |network: &str, mine: &[&str], expected: &str| -> Result<()> {
        let said = refusal_with(network, mine)?;
        assert!(said.contains("--mine") && said.contains(expected), "{said}");
        Ok(())
    };
    said(&example, &[ALICE, BOB_GRANDPA], "no validator has these keys")?;
    said(&example, &[EVE, EVE], "no validator has these keys")?;
    said(&example, &[ALICE, ALICE_GRANDPA, EVE], &format!("validator 1 has not {EVE}"))?;
    // The writer of the file puts a key of its own at Alice's stake.
    let changed = example.replacen(ALICE_GRANDPA, EVE, 1);
    said(
        &changed,
        &[ALICE],
        &format!("validator 1 has the grandpa {EVE}, which is none of these"),
    )?;
    said(&changed, &[ALICE, ALICE_GRANDPA], &format!("has the grandpa {EVE}"))?;
    Ok(())
}

#[test]
fn what_is_no_amount_or_number_is_refused_by_its_name() -> Result<()> {
    let example = fs::read_to_string(format!("{ROOT}/docs/examples/network.toml"))?;
    for (line, wrong, expected) in [
        ("balance = 20_000", "balance = nan", "validator 1, balance: `nan` is not an amount"),
        ("balance = 20_000", "balance = inf", "validator 1, balance: `inf` is not an amount"),
        ("stake = 10_000", "stake = -1", "validator 1, stake: `-1` is not an amount"),
        ("stake = 10_000", "stake = true", "validator 1, stake: `True` is not an amount"),
        ("stake = 10_000", "stake = 1e300", "validator 1, stake: 1e+300 ASY is more than"),
        (
            "stake = 10_000",
            "stake = \"1e9999999999\"",
            "validator 1, stake: 1e9999999999 ASY is more",
        ),
        ("balance = 1_000_000", "balance = -inf", "account 1: `-inf` is not an amount"),
        ("seats = 4", "seats = true", "seats: `True` is no number"),
        ("seats = 4", "seats = 4.0", "seats: `4.0` is no number"),
        ("id = \"assay_example\"", "id = 5", "id: `5` is no text"),
        ("bootnodes = []", "bootnodes = 5", "bootnodes: expected a list"),
        ("bootnodes = []", "bootnodes = []\nvalidator = 5", "network.toml: "),
        ("[[account]]", "[account]", "account: expected a table [[account]]"),
    ] {
        assert!(example.contains(line), "{line}");
        let said = refusal(&example.replacen(line, wrong, 1))?;
        assert!(said.contains(expected) && !said.contains("Traceback"), "{wrong}: {said}");
    }
    Ok(())
}

#[test]
fn keys_and_bootnodes_that_cannot_work_are_refused() -> Result<()> {
    let example = fs::read_to_string(format!("{ROOT}/docs/examples/network.toml"))?;
    assert!(refusal(&example)?.contains("ASSAY_NODE"), "all else is right");
    let (alice, grandpa) = (ALICE, ALICE_GRANDPA);
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
