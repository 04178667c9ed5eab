//! Scenario `upgrade`.

use std::time::Duration;

use anyhow::{ensure, Context, Result};
use assay_client::{rpc, storage, Call, Client, ReceiptBundle, Signer};
use assay_primitives::{digest, Assurance};
use assay_zombienet::{
    clocks::move_blocks_at,
    dispute::{ask, terms, Dispute},
    load::{Amount, Answered, Load},
    scenario::{run, Run},
    scene::{Scene, FINALITY},
    state::balances,
    sudo::sudo,
    wait::{until, within},
};

/// Number of accounts that make requests. One makes those with a receipt from before and a dispute.
const PAYERS: usize = 9;
/// Least number of requests.
const REQUESTS: usize = 60;
/// Version of the runtime to which the chain is upgraded.
const NEXT_VERSION: u32 = 1000;
/// Time for the upgrade and its migration.
const MIGRATION: Duration = Duration::from_secs(180);
/// Least number of blocks that the migration takes.
const MIGRATION_BLOCKS: u32 = 4;
const LIMIT: Duration = Duration::from_secs(13 * 60);

/// The runtime is upgraded under load, with a migration that takes several blocks and an open dispute.
///
/// Invariant: blocks of the migration have the timestamp and nothing else, and the clocks stand still in
/// them; it touches all that it has to; no request is lost or paid twice; the dispute goes on and is
/// decided by what the chain computes; receipts from before are still valid.
#[tokio::test(flavor = "multi_thread")]
async fn upgrade() -> Result<()> {
    run("upgrade", "operators", LIMIT, async |run: &mut Run| {
        let file = std::env::var_os("ASSAY_NEXT_RUNTIME")
            .context("ASSAY_NEXT_RUNTIME is not set to a runtime; run scripts/zombienet")?;
        let code = std::fs::read(file)?;
        let scene = Scene::set(run, PAYERS).await?;
        let (stage, client) = (&scene.stage, &scene.client);
        let payer = stage.payers.last().context("there are no payers")?;
        let early = ask(stage, client, &terms(stage, Assurance::Signed), payer).await?;
        let bundle = client.export_receipt(early.result.request).await?;

        let urls = vec![run.testnet.url("full")?, run.testnet.url("alice")?];
        let payers = stage.of_payers(0..PAYERS - 1);
        let load = Load::start(&payers, urls, Amount::AtLeast(REQUESTS), &run.narrator);
        let dispute = Dispute::open(run, stage, client, payer).await?;
        let applied = enact(run, client, code).await?;
        check_migration(run, client, applied).await?;
        for name in run.testnet.names() {
            let version = run.testnet.client(name).await?.rpc().runtime_version().await?;
            ensure!(
                version.spec_version == NEXT_VERSION,
                "node {name} runs version {}",
                version.spec_version
            );
        }
        dispute.play(stage, client).await?;
        run.narrator.say("the dispute was decided by what the chain has computed");

        let mut answered = load.finish().await?;
        check_receipt(client, &bundle, &early).await?;
        check_receipt(client, &client.export_receipt(early.result.request).await?, &early).await?;
        run.narrator.say("a receipt from before the upgrade is valid");
        answered.push(early);
        answered.push(dispute.request(stage, client).await?);
        scene.check(run, &answered).await
    })
    .await
}

/// Upgrades the chain to this code. Returns the height of the block that has it.
async fn enact(run: &Run, client: &Client, code: Vec<u8>) -> Result<u32> {
    let authorise = Call::new("System", "authorize_upgrade").with("code_hash", digest(&code));
    sudo(client, &authorise).await?;
    let apply = Call::new("System", "apply_authorized_upgrade").with("code", code);
    let anyone = Signer::from_suri("//Bob")?;
    let applied = within(FINALITY, "the upgrade is in a block", client.submit(&apply, &anyone));
    let height = applied.await?.height;
    run.narrator.say(format!("block {height} has the new runtime"));
    Ok(height)
}

/// Waits for the end of the migration, and checks its blocks.
async fn check_migration(run: &Run, client: &Client, applied: u32) -> Result<()> {
    let look = async || {
        let at = client.rpc().finalized_head().await?;
        let key = storage::value_key("UpgradeTrial", "Written");
        let written: Option<u32> = client.rpc().storage_value(&key, Some(at)).await?;
        let cursor = storage::value_key("MultiBlockMigrations", "Cursor");
        let ended = client.rpc().storage(&cursor, Some(at)).await?.is_none();
        Ok(written.filter(|_| ended).map(|written| (written, at)))
    };
    let (written, end) = until(MIGRATION, "the migration has ended", look).await?;
    // At the block before the migration; accounts are only added meanwhile.
    let before = client.rpc().block_hash(applied).await?.context("no block")?;
    let accounts = balances(client, before).await?.0.len();
    ensure!(
        written as usize >= accounts,
        "the migration has written {written} accounts of {accounts}"
    );

    let cursor = storage::value_key("MultiBlockMigrations", "Cursor");
    let last = rpc::height(&client.rpc().header(Some(end)).await?);
    let mut height = applied;
    let mut blocks = 0;
    let mut parent = before;
    while height < last {
        height += 1;
        let hash = client.rpc().block_hash(height).await?.context("no block")?;
        if client.rpc().storage(&cursor, Some(parent)).await?.is_some() {
            let extrinsics = client.rpc().extrinsics(hash).await?.len();
            ensure!(extrinsics == 1, "block {height} of the migration has {extrinsics} extrinsics");
            let clocks =
                [move_blocks_at(client, parent).await?, move_blocks_at(client, hash).await?];
            ensure!(clocks[0] == clocks[1], "block {height} of the migration was counted");
            blocks += 1;
        }
        parent = hash;
    }
    run.narrator.figure("blocks of the migration", blocks.into());
    run.narrator.figure("accounts that it has written", written.into());
    ensure!(blocks >= MIGRATION_BLOCKS, "the migration took {blocks} blocks");
    run.narrator.say(format!("the migration took {blocks} blocks, which had no transactions"));
    Ok(())
}

async fn check_receipt(client: &Client, bundle: &ReceiptBundle, of: &Answered) -> Result<()> {
    let verified = bundle.verify(of.result.payload.as_deref())?;
    client.check_anchor(&verified).await?;
    ensure!(verified.evidence.len() == 1, "the receipt has other evidence");
    Ok(())
}
