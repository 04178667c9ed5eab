//! Class `Optimistic` with real nodes: four validators, one of which is an operator, a watcher that
//! is not a validator, and two lying operators. All cases run concurrently on one network, because
//! a dispute window takes time.

mod programs;

use std::process::Stdio;

use anyhow::{ensure, Context, Result};
use assay_client::{
    AccountId, Client, GraphFile, InferenceAnswer, InferenceRequest, Input, Signer, Until,
};
use assay_graph::CheckedGraph;
use assay_localnet::{
    fund,
    liar::{Defence, Liar},
    network::WATCHER_SURI,
    node::next_block,
    register_operator, serve, wait_until_live, BundledModel, Network, NetworkConfig, OperatorTerms,
};
use assay_primitives::{
    dispute::tensor_data,
    runtime_api::{RequestView, Status, VersionView},
    Assurance, AssuranceClass, AssuranceClasses, Outcome, RejectReason, RequestId, ASY,
};
use serde_json::Value;

use programs::programs;

/// Funds of the watcher, for dispute bonds and fees.
const FUNDS: u128 = 100 * ASY;
/// The penalty for a wrong result.
const WRONG_RESULT: u128 = 300 * ASY;
/// The reward of a challenger that wins.
const REWARD: u128 = 30 * ASY;
/// The dispute bond.
const BOND: u128 = 10 * ASY;
/// Index of the node that the `assay` command uses.
const ASKED: usize = 1;
/// Number of blocks within which a block becomes final.
const FINAL_AFTER: u32 = 30;

/// A network with one model published three times. An honest operator serves the first, whose runs
/// can be proven. One liar each serves the others.
struct Stage {
    network: Network,
    client: Client,
    versions: Vec<VersionView<AccountId>>,
    graph: CheckedGraph,
    input: Input,
    _data: tempfile::TempDir,
}

/// The test harness shows this output if the test fails.
impl Drop for Stage {
    fn drop(&mut self) {
        eprintln!("{}", self.network.incidents());
    }
}

impl Stage {
    async fn set() -> Result<Self> {
        let data = tempfile::tempdir()?;
        let config = NetworkConfig {
            program: programs().join("assay-node"),
            data: data.path().to_owned(),
            port_base: None,
            arguments: Vec::new(),
        };
        let mut network = Network::start(&config, &|_| ()).await?;
        network.add_watcher().await?;
        let client = network.client(0).await?;
        let owner = Signer::from_suri("//Eve")?;
        let watcher = Signer::from_suri(WATCHER_SURI)?;
        fund(&client, &owner, watcher.account(), FUNDS).await?;
        let model = BundledModel::digits_graph(&BundledModel::folder_of_checkout());
        let mut publication = model.publication()?;
        let graph = GraphFile::from_bytes(&publication.artifact)?.graph().clone();
        let classes =
            AssuranceClasses::NONE.with(AssuranceClass::Signed).with(AssuranceClass::Optimistic);
        let provable = classes.with(AssuranceClass::Proof);
        let mut versions = Vec::new();
        for (name, classes) in [("honest", provable), ("made-up", classes), ("silent", classes)] {
            publication.name = name.to_owned();
            publication.assurances = classes;
            let published = client.publish(&publication, &owner, &|_| ()).await?;
            let version = client.version(published.version).await?;
            versions.push(version.context("no version")?);
        }
        let (input, _) = model.picture(&client, &versions[0]).await?;
        Ok(Self { network, client, versions, graph, input, _data: data })
    }

    /// Makes the first node's account an operator of the first version.
    async fn employ(&self) -> Result<Signer> {
        let (client, signer) = (self.network.client(0).await?, self.network.nodes[0].signer()?);
        register_operator(&client, &signer, OperatorTerms::default()).await?;
        serve(&client, &signer, self.versions[0].id, OperatorTerms::default()).await?;
        wait_until_live(&client, &[signer.account().clone()]).await?;
        Ok(signer)
    }

    fn ask(&self, version: usize) -> InferenceRequest {
        InferenceRequest::new(
            self.versions[version].clone(),
            self.input.payload(),
            Assurance::Optimistic,
        )
    }

    async fn wealth(&self, account: &Signer) -> Result<u128> {
        Ok(self.client.balance(account.account()).await?.total())
    }

    /// Runs the `assay` command for an account. Returns its exit code and its line of JSON.
    async fn assay(&self, suri: &str, arguments: &[&str]) -> Result<(i32, Value)> {
        let output = tokio::process::Command::new(programs().join("assay"))
            .args(["--json", "--url", &self.network.nodes[ASKED].url(), "--suri", suri])
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("the assay command does not start")?;
        let code = output.status.code().context("it was killed")?;
        let json = serde_json::from_slice(&output.stdout).with_context(|| {
            format!("{arguments:?} writes {}", String::from_utf8_lossy(&output.stderr))
        })?;
        Ok((code, json))
    }
}

/// An undisputed answer is provisional, then final, paid and receipted.
async fn undisputed(stage: &Stage) -> Result<()> {
    let (client, payer) = (&stage.client, Signer::from_suri("//Ferdie")?);
    let ask = stage.ask(0);
    let first = client.infer_until(&ask, &payer, Until::Provisional, &|_| ()).await?;
    let InferenceAnswer::Provisional(first) = first else {
        anyhow::bail!("it is final: {first:?}")
    };
    let claim = client.optimistic(first.request).await?.context("no claim")?;
    let timing = client.dispute_timing().await?;
    ensure!(first.disputable_until == claim.disputable_until && first.disputes.is_empty());
    let honest = assay_graph::fast::run(&stage.graph, &data(&ask.payload)?)?;
    ensure!(tensor_data(&first.payload) == Some(honest.to_bytes()), "another output");

    // The same client key again: this sends nothing, and waits for the end of the request.
    let result = client.infer_once(&ask, &payer, &|_| ()).await?;
    ensure!(result.request == first.request && result.is_verified(), "{result:?}");
    ensure!(result.payload.as_ref() == Some(&first.payload));
    ensure!(result.price_paid == OperatorTerms::default().ask, "paid {}", result.price_paid);
    ensure!(result.blocks > timing.window, "final after {} blocks", result.blocks);

    let bundle = client.export_receipt(result.request).await?;
    let verified = bundle.verify(result.payload.as_deref())?;
    client.check_anchor(&verified).await?;
    ensure!(verified.receipt.assurance == Assurance::Optimistic && verified.evidence.len() == 1);
    ensure!(bundle.verify(Some(b"another output")).is_err());
    Ok(())
}

/// Makes an account an operator of a version that lies.
async fn liar(stage: &Stage, version: usize, suri: &str) -> Result<Liar> {
    let client = stage.network.client(1).await?;
    Liar::register(client, &stage.versions[version..=version], Signer::from_suri(suri)?).await
}

/// The watcher finds a wrong result: the payer is refunded and compensated, the liar is penalised.
async fn lie(stage: &Stage, version: usize, liar: &Liar, payer: &str, how: Defence) -> Result<()> {
    let (client, payer) = (&stage.client, Signer::from_suri(payer)?);
    let bond = |liar: &Liar| {
        let account = liar.signer().account().clone();
        async move { anyhow::Ok(client.operator(&account).await?.context("no operator")?.bond) }
    };
    let bonded = bond(liar).await?;
    let before = stage.wealth(&payer).await?;
    let mut ask = stage.ask(version);
    ask.max_price = Some(5 * ASY);
    let lying = liar.lie_optimistically(stage.graph.clone(), data(&ask.payload)?, how);
    let result = client.infer(&ask, &payer, &|_| ()).await?;
    lying.await??;
    let disputed = Outcome::Rejected(RejectReason::Disputed);
    ensure!(result.outcome == disputed && result.price_paid == 0, "{how:?}: {result:?}");
    ensure!(finished(stage, result.request).await? == disputed);
    // Minus the fee of the request.
    let after = stage.wealth(&payer).await?;
    ensure!(
        after > before + 4 * ASY && after < before + 5 * ASY,
        "{how:?}: the payer had {before} and has {after}"
    );
    ensure!(
        bond(liar).await? == bonded - WRONG_RESULT - REWARD,
        "{how:?}: the liar has another bond"
    );
    Ok(())
}

/// Requests an inference from the honest operator, and waits until the node that the `assay`
/// command uses has the result.
async fn provisional(stage: &Stage, payer: &str) -> Result<RequestId> {
    let payer = Signer::from_suri(payer)?;
    let request = stage.client.request_inference(&stage.ask(0), &payer, &|_| ()).await?;
    let asked = stage.network.client(ASKED).await?;
    asked.await_result(request, Until::Provisional, &|_| ()).await?;
    Ok(request)
}

/// A right result is disputed: the operator's node defends it.
async fn false_dispute(stage: &Stage) -> Result<()> {
    let suri = "//Bob//stash";
    let challenger = Signer::from_suri(suri)?;
    let before = stage.wealth(&challenger).await?;
    let request = provisional(stage, "//Alice//stash").await?;
    let number = request.to_string();

    let (code, refused) = stage.assay(suri, &["dispute", "open", &number]).await?;
    ensure!(
        code == 2 && stage.client.open_disputes(Some(request), 9).await?.is_empty(),
        "{refused}"
    );
    let (code, opened) = stage.assay(suri, &["dispute", "open", &number, "--force"]).await?;
    ensure!(code == 0 && opened["agrees"] == true, "{opened}");
    ensure!(opened["computed"] == opened["claimed"], "{opened}");
    let dispute = opened["dispute"].to_string();
    let (code, status) = stage.assay(suri, &["dispute", "status", &dispute]).await?;
    ensure!(code == 0 && status["request"] == opened["request"], "{status}");
    ensure!(status["bond"] == BOND.to_string() && status["verdict"].is_null(), "{status}");
    let (code, list) = stage.assay(suri, &["dispute", "list", &number]).await?;
    ensure!(code == 0 && list.as_array().is_some_and(|list| list.len() == 1), "{list}");
    let (code, end) = stage.assay(suri, &["dispute", "play", &dispute, "--force"]).await?;
    ensure!(code == 7 && end["outcome"] == "lost" && end["cause"] == "computed", "{end}");

    ensure!(finished(stage, request).await? == Outcome::Verified);
    check_lost(stage, &challenger, before).await?;

    // The ending is also known afterwards. Its block may be another one after a reorganisation.
    let (code, status) = stage.assay(suri, &["dispute", "status", &dispute]).await?;
    ensure!(code == 0 && status["request"] == opened["request"], "{status}");
    ensure!(status["outcome"] == "lost" && status["cause"] == "computed", "{status}");
    ensure!(status["challenger"] == challenger.account().to_string(), "{status}");
    ensure!(status["bond"] == BOND.to_string() && status["reward"] == "0", "{status}");
    ensure!(status["compensation"] == (BOND / 2).to_string(), "{status}");
    ensure!(status["height"].as_u64() >= opened["height"].as_u64(), "{status}");
    // An unknown dispute is reported as such.
    let (code, unknown) = stage.assay(suri, &["dispute", "status", "1000000"]).await?;
    let message = unknown["error"]["message"].as_str().unwrap_or_default();
    ensure!(code == 1 && message.starts_with("there is no dispute 1000000"), "{unknown}");
    Ok(())
}

/// A right result is disputed, and another account proves that it is right.
async fn proven(stage: &Stage) -> Result<()> {
    let suri = "//Dave//stash";
    let challenger = Signer::from_suri(suri)?;
    let before = stage.wealth(&challenger).await?;
    let request = provisional(stage, "//Charlie//stash").await?;
    let number = request.to_string();

    let (code, opened) = stage.assay(suri, &["dispute", "open", &number, "--force"]).await?;
    ensure!(code == 0 && opened["request"] == request.0, "{opened}");
    // The challenger does not move, so only the proof can end the dispute before its deadline.
    let dispute = opened["dispute"].to_string();
    let (code, end) = stage.assay("//Eve", &["dispute", "prove", &dispute]).await?;
    ensure!(code == 0 && end["outcome"] == "lost" && end["cause"] == "proof", "{end}");
    ensure!(end["challenger"] == challenger.account().to_string(), "{end}");
    ensure!(end["bond"] == BOND.to_string(), "{end}");
    ensure!(end["compensation"] == (BOND / 2).to_string(), "{end}");

    ensure!(finished(stage, request).await? == Outcome::Verified);
    check_lost(stage, &challenger, before).await
}

/// Checks what the `assay` command reports about all disputes: the watcher has won two, and two
/// other challengers have lost.
async fn check_endings(stage: &Stage, watcher: &Signer, reward: u128) -> Result<()> {
    let mut counts = [0, 0];
    let mut causes = Vec::new();
    for dispute in 0.. {
        let (code, end) =
            stage.assay("//Eve", &["dispute", "status", &dispute.to_string()]).await?;
        if code != 0 {
            ensure!(end["error"]["name"] == "NotFound", "{end}");
            break;
        }
        match end["outcome"].as_str() {
            Some("won") => {
                counts[0] += 1;
                ensure!(end["bond"] == BOND.to_string(), "{end}");
                ensure!(end["challenger"] == watcher.account().to_string(), "{end}");
                ensure!(end["reward"] == reward.to_string(), "{end}");
                ensure!(end["compensation"] == "0", "{end}");
            },
            Some("lost") => {
                counts[1] += 1;
                ensure!(end["bond"] == BOND.to_string(), "{end}");
            },
            // A second dispute of the watcher about the same result.
            Some("void") => {},
            _ => anyhow::bail!("it has not ended: {end}"),
        }
        causes.push(end["cause"].clone());
    }
    ensure!(counts == [2, 2], "{counts:?} were won and lost");
    for cause in ["computed", "proof", "silence"] {
        ensure!(causes.contains(&Value::from(cause)), "none ended by {cause}: {causes:?}");
    }
    Ok(())
}

/// Checks that an account has lost the bond of one dispute and fees.
async fn check_lost(stage: &Stage, challenger: &Signer, before: u128) -> Result<()> {
    let after = stage.wealth(challenger).await?;
    ensure!(
        after < before - BOND && after > before - BOND - ASY / 10,
        "the challenger had {before} and has {after}"
    );
    Ok(())
}

/// Waits until a request with disputes has ended, in a final block of both the node of the stage
/// and the node that the `assay` command uses.
async fn finished(stage: &Stage, request: RequestId) -> Result<Outcome> {
    let mut outcomes = Vec::new();
    for client in [stage.client.clone(), stage.network.client(ASKED).await?] {
        client.wait(request, &|_| ()).await?;
        outcomes.push(final_outcome(&client, request).await?);
    }
    ensure!(outcomes[0] == outcomes[1], "request {request}: {outcomes:?}");
    Ok(outcomes[0])
}

async fn final_outcome(client: &Client, request: RequestId) -> Result<Outcome> {
    for _ in 0..FINAL_AFTER {
        let head = client.rpc().finalized_head().await?;
        let view: Option<RequestView<AccountId>> =
            client.rpc().runtime_call("AssayApi_request", &request, Some(head)).await?;
        if let Some(RequestView { status: Status::Final(outcome), .. }) = view {
            return Ok(outcome);
        }
        next_block(client).await?;
    }
    anyhow::bail!("the end of request {request} is not final after {FINAL_AFTER} blocks")
}

/// The integers of an input payload.
fn data(payload: &[u8]) -> Result<Vec<i8>> {
    let bytes = tensor_data(payload).context("no tensor")?;
    Ok(bytes.into_iter().map(|byte| i8::from_le_bytes([byte])).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn optimistic_results_are_final_unless_they_are_wrong() -> Result<()> {
    let stage = Stage::set().await?;
    let (operator, made_up, silent) = futures::try_join!(
        stage.employ(),
        liar(&stage, 1, "//Charlie"),
        liar(&stage, 2, "//Dave"),
    )?;
    let watcher = Signer::from_suri(WATCHER_SURI)?;
    let earned = stage.wealth(&operator).await?;

    futures::try_join!(
        undisputed(&stage),
        lie(&stage, 1, &made_up, "//Ferdie//stash", Defence::MadeUp),
        lie(&stage, 2, &silent, "//Eve//stash", Defence::Silence),
        false_dispute(&stage),
        proven(&stage),
    )?;

    // 85 percent of the price of three results, and half of the bonds of two lost disputes.
    let earned = stage.wealth(&operator).await? - earned;
    let expected = 3 * OperatorTerms::default().ask / 100 * 85 + 2 * (BOND / 2);
    ensure!(earned == expected, "the operator has earned {earned}, not {expected}");
    // The rewards for both liars, and its own bonds back, minus fees.
    let reward = REWARD;
    let balance = stage.client.balance(watcher.account()).await?;
    ensure!(balance.reserved == 0, "{balance:?}");
    ensure!(
        balance.free < FUNDS + 2 * reward && balance.free > FUNDS + 2 * reward - ASY,
        "the watcher has {balance:?}"
    );
    ensure!(stage.client.open_disputes(None, 9).await?.is_empty());
    check_endings(&stage, &watcher, reward).await
}
