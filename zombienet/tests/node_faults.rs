//! Scenario `node_faults`.

use std::{io::Write, path::Path, time::Duration};

use anyhow::{ensure, Context, Result};
use assay_client::Client;
use assay_zombienet::{
    disk::Disk,
    health::check_nodes,
    observer::quantile,
    scenario::{run, Run},
    testnet::Testnet,
    trial::Trial,
};
use tokio::process::Command;

/// The node that has the faults.
const VICTIM: &str = "victim";
/// Size of its disk, in MiB.
const DISK: u64 = 512;
/// Free space without which it stops, in MiB, as its arguments say.
const THRESHOLD: u64 = 64;
/// What is left free when its disk is filled, in MiB. Less than the threshold, and enough to log.
const LEFT: u64 = 32;
/// Time for a node to end.
const END: Duration = Duration::from_secs(60);
/// Time for a node to have the chain's newest final block.
const SYNC: Duration = Duration::from_secs(120);
/// Time for a text to be in a log.
const LOGGED: Duration = Duration::from_secs(60);
/// Largest time to finality of the other nodes, for 99 of 100 blocks.
const FINALITY_P99: f64 = 15.0;
/// What the beginning of each table of the database is overwritten with: its header.
const DAMAGE: [u8; 512] = [0xa5; 512];
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// A node has a full disk, while it runs and when it starts, a read-only disk, a corrupt database, and a
/// clock that is an hour fast or slow.
///
/// Invariant: the node says what is wrong, and ends with exit status 1, except for the clock; it has the
/// others' final block again when the fault is mended; the others go on untouched.
#[tokio::test(flavor = "multi_thread")]
async fn node_faults() -> Result<()> {
    run("node_faults", "four-validators", LIMIT, async |run: &mut Run| {
        let data = run.testnet.folder().join(VICTIM).join("data");
        let disk = Disk::mount(&data, DISK)?;
        let threshold = THRESHOLD.to_string();
        let options =
            [("--db-storage-threshold", threshold.as_str()), ("--db-storage-polling-period", "1")];
        run.testnet.add(VICTIM, &options).await?;
        let alice = run.testnet.client("alice").await?;
        catch_up(run, &alice).await?;
        run.testnet.kill(VICTIM).await?;
        let started = run.narrator.seconds();

        match &disk {
            Some(disk) => {
                full_disk(run, &alice, disk).await?;
                read_only_disk(run, &alice, disk).await?;
            },
            None => run.narrator.say(
                "skipped: the full and the read-only disk, because this process may not mount; run \
                 it as root",
            ),
        }
        corrupt_database(run, &alice, &data).await?;
        skewed_clock(run, &alice).await?;

        run.testnet.restart(VICTIM).await?;
        let height = catch_up(run, &alice).await?;
        let pace = run.narrator.pace(started);
        let finality = quantile(pace.finality.iter().map(|(_, seconds)| *seconds), 0.99);
        ensure!(
            finality > 0.0 && finality <= FINALITY_P99,
            "99 of 100 blocks of the others were final within {finality:.1} s, not {FINALITY_P99:.1} s"
        );
        check_nodes(run, height).await
    })
    .await
}

/// Waits until the victim has the final block that the others have now. Returns its height.
async fn catch_up(run: &Run, alice: &Client) -> Result<u32> {
    let (_, height) = Testnet::heights(alice).await?;
    run.testnet.finalised(VICTIM, height, SYNC).await?;
    Ok(height)
}

async fn full_disk(run: &Run, alice: &Client, disk: &Disk) -> Result<()> {
    let mut node = Trial::start(&run.testnet, VICTIM, &[], "disk-fills-up")?;
    catch_up(run, alice).await?;
    disk.fill(LEFT)?;
    let said = node.fails(END, &["dropped below threshold"]).await?;
    run.narrator.say(format!("the disk fills up: {said}"));

    let mut node = Trial::start(&run.testnet, VICTIM, &[], "full-disk")?;
    let said = node.fails(END, &["bytes free, and the node needs", "make room"]).await?;
    run.narrator.say(format!("the disk is full: {said}"));

    disk.empty()?;
    recovers(run, alice, "room-again").await
}

async fn read_only_disk(run: &Run, alice: &Client, disk: &Disk) -> Result<()> {
    disk.set_read_only(true)?;
    let mut node = Trial::start(&run.testnet, VICTIM, &[], "read-only-disk")?;
    let said = node.fails(END, &["cannot write to", "Read-only file system"]).await?;
    run.narrator.say(format!("the disk is read-only: {said}"));
    disk.set_read_only(false)?;
    recovers(run, alice, "writable-again").await
}

/// Damages the files of the database, then purges it.
async fn corrupt_database(run: &Run, alice: &Client, data: &Path) -> Result<()> {
    let chain = only_folder(&data.join("chains"))?;
    let mut damaged = 0;
    for entry in chain.join("paritydb").join("full").read_dir()? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("table_") {
            std::fs::File::options().write(true).open(entry.path())?.write_all(&DAMAGE)?;
            damaged += 1;
        }
    }
    ensure!(damaged > 0, "the database has no files");
    let mut node = Trial::start(&run.testnet, VICTIM, &[], "corrupt-database")?;
    let said = node.fails(END, &["cannot be opened", "purge-chain"]).await?;
    run.narrator.say(format!("the database is corrupt: {said}"));

    let node = std::env::var("ASSAY_NODE").context("ASSAY_NODE is not set")?;
    let specification = run.testnet.folder().join(VICTIM).join("cfg").join("local.json");
    let purged = Command::new(node)
        .args(["purge-chain", "-y", "--chain"])
        .arg(specification)
        .arg("--base-path")
        .arg(data)
        .output()
        .await?;
    ensure!(purged.status.success(), "{}", String::from_utf8_lossy(&purged.stderr));
    recovers(run, alice, "purged").await
}

async fn skewed_clock(run: &Run, alice: &Client) -> Result<()> {
    if Command::new("faketime").arg("--version").output().await.is_err() {
        run.narrator
            .say("skipped: the wrong clocks, because the program faketime is not installed");
        return Ok(());
    }
    for (skew, name, text) in [
        ("-1h", "slow-clock", "rejected: too far in the future"),
        ("+1h", "fast-clock", "by the clock of this machine, so it is fast"),
    ] {
        let node = Trial::start(&run.testnet, VICTIM, &clock(skew).await?, name)?;
        let said = node.logs(LOGGED, text).await?;
        run.narrator.say(format!("{name}: {said}"));
        node.kill().await?;
    }
    recovers(run, alice, "right-clock").await
}

/// The variables with which a program has another clock. The program `faketime` itself would be another
/// process between, which is killed instead of the node.
async fn clock(skew: &str) -> Result<Vec<(String, String)>> {
    let output = Command::new("faketime").args(["-m", "-f", skew, "env"]).output().await?;
    let text = String::from_utf8(output.stdout)?;
    let of_clock = |line: &str| {
        let (name, value) = line.split_once('=')?;
        matches!(name, "LD_PRELOAD" | "FAKETIME").then(|| (name.to_owned(), value.to_owned()))
    };
    let variables: Vec<_> = text.lines().filter_map(of_clock).collect();
    ensure!(variables.len() == 2, "`faketime -m -f {skew} env` prints {text}");
    Ok(variables)
}

/// Checks that the node starts and has the others' final block, and kills it.
async fn recovers(run: &Run, alice: &Client, log: &str) -> Result<()> {
    let started = run.narrator.seconds();
    let node = Trial::start(&run.testnet, VICTIM, &[], log)?;
    catch_up(run, alice).await?;
    run.narrator.figure(&format!("recovery, {log}, seconds"), run.narrator.seconds() - started);
    node.kill().await
}

fn only_folder(parent: &Path) -> Result<std::path::PathBuf> {
    let entry = parent.read_dir()?.next();
    Ok(entry.with_context(|| format!("{} is empty", parent.display()))??.path())
}
