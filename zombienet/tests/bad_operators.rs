//! Scenario `bad_operators`.

use std::time::Duration;

use anyhow::{ensure, Context, Result};
use assay_client::{calls::verification, Client};
use assay_localnet::OperatorTerms;
use assay_primitives::ASY;
use assay_zombienet::{
    liars::Liar,
    load::{Amount, Load, CONTESTED},
    scenario::{run, Run},
    scene::Scene,
    stage::{insert_key, Stage, CHALLENGER},
    wait::{until, within},
};

/// Least number of requests.
const REQUESTS: usize = 60;
/// Number of accounts that make them.
const PAYERS: usize = 12;
/// The full node, which is also the watcher.
const NODE: &str = "full";
/// What the bad operators do.
const CONDUCTS: [&str; 3] = ["lie", "equivocate", "flood"];
/// Penalties of the first and the last: for a lost dispute, and for no answer.
const LOST_DISPUTE: u128 = 330 * ASY;
const NO_ANSWER: u128 = 10 * ASY;
/// Time until each of them is found out. Each is drawn for one run of nine.
const FOUND_OUT: Duration = Duration::from_secs(900);
/// Time to report an equivocation.
const REPORT: Duration = Duration::from_secs(90);
/// Share of the calls of the flood that pools may accept: one heartbeat of 150 calls.
const MOST_ACCEPTED: f64 = 0.02;
const LIMIT: Duration = Duration::from_secs(25 * 60);

/// Of nine operators one lies, one signs two results, and one answers nothing and floods the pool, under
/// load in the classes that show who is wrong, with one watcher.
///
/// Invariant: payers get right results, or their money back with a compensation, and pay nothing else;
/// each bad operator is penalised, no honest one is, and every planck is accounted for.
#[tokio::test(flavor = "multi_thread")]
async fn bad_operators() -> Result<()> {
    run("bad_operators", "nine-operators", LIMIT, async |run: &mut Run| {
        let mut stage = Stage::set(&run.testnet, NODE, PAYERS).await?;
        let client = run.testnet.client(NODE).await?;
        insert_key(&client, "awch", CHALLENGER).await?;
        let mut liars = Vec::new();
        for conduct in CONDUCTS {
            // Through another node than those that payers ask.
            let through = run.testnet.client("dave").await?;
            liars.push(Liar::start(run, &through, &stage, conduct).await?);
        }
        stage.liars = liars.iter().map(|liar| liar.signer.account().clone()).collect();
        let scene = Scene::open(run, stage).await?;

        let urls = vec![run.testnet.url(NODE)?, run.testnet.url("alice")?];
        let amount = Amount::AtLeast(REQUESTS);
        let load = Load::of(CONTESTED, &scene.stage, urls, amount, &run.narrator);
        let [lie, equivocate, flood] = <[Liar; 3]>::try_from(liars).ok().context("three")?;
        report(run, &client, &scene, &equivocate).await?;
        for (liar, penalty) in [(&lie, LOST_DISPUTE), (&flood, NO_ANSWER)] {
            let awaited = format!("the operator that is to {} has lost {penalty}", liar.conduct);
            let expected = OperatorTerms::default().bond - penalty;
            let penalised = async || Ok((liar.bond(&client).await? <= expected).then_some(()));
            until(FOUND_OUT, awaited, penalised).await?;
            run.narrator.say(format!("the operator that is to {} is penalised", liar.conduct));
        }
        let answered = load.finish().await?;

        for liar in [&lie, &equivocate, &flood] {
            let lost = OperatorTerms::default().bond - liar.bond(&client).await?;
            let name = format!("lost by the operator that is to {}, ASY", liar.conduct);
            run.narrator.figure(&name, lost as f64 / ASY as f64);
        }
        for operator in &scene.stage.operators {
            let honest = client.operator(operator.account()).await?.context("no operator")?;
            ensure!(
                honest.bond == OperatorTerms::default().bond,
                "the honest operator {} has the bond {}",
                operator.account(),
                honest.bond
            );
        }
        check_flood(run, &flood)?;
        scene.check(run, &answered).await
    })
    .await
}

/// Reports the first equivocation, as two recipients of different results can together.
async fn report(run: &Run, client: &Client, scene: &Scene, liar: &Liar) -> Result<()> {
    let signed = async || liar.equivocation();
    let evidence = until(FOUND_OUT, "an operator has signed two results", signed).await?;
    let (worker, answered, descriptor, first, second, outputs) = evidence;
    let call =
        verification::report_equivocation(worker, answered, descriptor, first, second, outputs);
    let reporter = &scene.stage.owner;
    within(REPORT, "the report is final", client.submit_final(&call, reporter)).await?;
    let bond = liar.bond(client).await?;
    ensure!(
        bond < OperatorTerms::default().bond / 2,
        "after an equivocation, {bond} of the bond are left"
    );
    run.narrator.say("the operator that signed two results has lost its bond");
    Ok(())
}

/// Checks that pools have refused what the flooding operator sent.
fn check_flood(run: &Run, flood: &Liar) -> Result<()> {
    let (mut sent, mut accepted) = (0.0, 0.0);
    for line in flood.output()?.lines().skip(1) {
        let block: serde_json::Value = serde_json::from_str(line)?;
        sent += block["sent"].as_f64().context("no number of calls")?;
        accepted += block["accepted"].as_f64().context("no number of calls")?;
    }
    run.narrator.figure("calls of the flood", sent);
    run.narrator.figure("calls of the flood that pools accepted", accepted);
    ensure!(sent > 0.0 && accepted <= sent * MOST_ACCEPTED, "{accepted} of {sent} were accepted");
    Ok(())
}
