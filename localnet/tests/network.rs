//! Tests with four real nodes. Each test has its own network. The tests run one after the other,
//! because two cores cannot run two networks in time.

mod programs;

use anyhow::{bail, ensure, Context, Result};
use assay_client::{
    amount, calls, rpc, Client, Error, InferenceAnswer, InferenceRequest, InferenceResult, Input,
    ProofStatement, ProofVerifier, Signer, Until,
};
use assay_localnet::{
    liar::Liar,
    node::{next_block, wait_for_finality, wait_for_height},
    register_operator, serve, wait_until_live, BundledModel, Network, NetworkConfig, OperatorTerms,
};
use assay_primitives::{
    runtime_api::{Status, VersionView},
    Assurance, Outcome, RequestId, VersionId, ASY,
};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};

use programs::programs;

const SIGNED: Assurance = Assurance::Signed;
/// The penalty for no answer.
const NO_ANSWER: u128 = 10 * ASY;
const QUORUM: Assurance = Assurance::Quorum { n: 3, k: 2 };

/// A network, a published model and a picture.
struct Stage {
    network: Network,
    client: Client,
    owner: Signer,
    payer: Signer,
    version: VersionView<assay_client::AccountId>,
    label: u64,
    input: Input,
    _data: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// The test harness shows this output if the test fails.
impl Drop for Stage {
    fn drop(&mut self) {
        eprintln!("{}", self.network.incidents());
    }
}

impl Stage {
    /// A network with the ONNX digits model.
    async fn set() -> Result<Self> {
        Self::with(BundledModel::digits(&BundledModel::folder_of_checkout())).await
    }

    async fn with(model: BundledModel) -> Result<Self> {
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        let data = tempfile::tempdir()?;
        let config = NetworkConfig {
            program: programs().join("assay-node"),
            data: data.path().to_owned(),
            port_base: None,
            arguments: Vec::new(),
        };
        let network = Network::start(&config, &|_| ()).await?;
        let client = network.client(0).await?;
        let (owner, payer) = (Signer::from_suri("//Eve")?, Signer::from_suri("//Ferdie")?);
        let published = client.publish(&model.publication()?, &owner, &|_| ()).await?;
        let version = client.version(published.version).await?.context("no version")?;
        let (input, label) = model.picture(&client, &version).await?;
        Ok(Self { network, client, owner, payer, version, label, input, _data: data, _turn: turn })
    }

    fn id(&self) -> VersionId {
        self.version.id
    }

    /// Makes the accounts of these nodes operators of the model, and waits until they are live.
    async fn employ(&self, nodes: &[usize]) -> Result<()> {
        let mut accounts = Vec::new();
        for index in nodes {
            let node = &self.network.nodes[*index];
            let (client, signer) = (Client::connect(&node.url()).await?, node.signer()?);
            register_operator(&client, &signer, OperatorTerms::default()).await?;
            serve(&client, &signer, self.id(), OperatorTerms::default()).await?;
            accounts.push(signer.account().clone());
        }
        wait_until_live(&self.client, &accounts).await
    }

    fn ask(&self, assurance: Assurance) -> InferenceRequest {
        InferenceRequest::new(self.version.clone(), self.input.payload(), assurance)
    }

    async fn infer(&self, assurance: Assurance) -> Result<InferenceResult> {
        Ok(self.client.infer(&self.ask(assurance), &self.payer, &|_| ()).await?)
    }

    async fn wait(&self, request: RequestId) -> Result<InferenceResult> {
        let view = self.client.wait(request, &|_| ()).await?;
        Ok(self.client.result(&view, &self.version).await?)
    }

    fn check_answer(&self, result: &InferenceResult) -> Result<()> {
        ensure!(result.outcome == Outcome::Verified, "ended as {:?}", result.outcome);
        let output = result.output.as_ref().and_then(Value::as_object).context("no output")?;
        let mut row = output.values().next().context("an empty output")?;
        while row.get(0).is_some_and(Value::is_array) {
            row = &row[0];
        }
        let row = row.as_array().context("no row of scores")?;
        let value = |index: usize| row[index].as_f64().unwrap_or(f64::MIN);
        let best = (0..row.len()).max_by(|a, b| value(*a).total_cmp(&value(*b)));
        ensure!(best == Some(self.label as usize), "the answer is {best:?}, not {}", self.label);
        Ok(())
    }

    async fn total(&self, signer: &Signer) -> Result<u128> {
        Ok(self.client.balance(signer.account()).await?.total())
    }

    async fn bond(&self, signer: &Signer) -> Result<u128> {
        Ok(self.client.operator(signer.account()).await?.context("no operator")?.bond)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_and_quorum_requests_are_verified_paid_and_receipted() -> Result<()> {
    let stage = Stage::set().await?;
    stage.employ(&[0, 1, 2, 3]).await?;
    for (assurance, runs) in [(SIGNED, 1), (QUORUM, 3)] {
        let owner = stage.total(&stage.owner).await?;
        let result = stage.infer(assurance).await?;
        stage.check_answer(&result)?;
        let price = runs * OperatorTerms::default().ask;
        ensure!(result.price_paid == price, "paid {}", result.price_paid);
        // The royalty is ten percent.
        let royalty = stage.total(&stage.owner).await? - owner;
        ensure!(royalty == price / 10, "royalty {}", amount::display(royalty));

        let bundle = stage.client.export_receipt(result.request).await?;
        let verified = bundle.verify(result.payload.as_deref())?;
        stage.client.check_anchor(&verified).await?;
        ensure!(verified.evidence.len() == runs as usize);
        // The receipt does not verify for another output.
        ensure!(bundle.verify(Some(b"another output")).is_err());
    }

    // A second request with the same client key is refused and costs nothing.
    let mut ask = stage.ask(SIGNED);
    let first = stage.client.infer(&ask, &stage.payer, &|_| ()).await?;
    let before = stage.total(&stage.payer).await?;
    let again = stage.client.infer(&ask, &stage.payer, &|_| ()).await;
    ensure!(
        again.as_ref().is_err_and(|error| error.to_string().contains(&first.request.to_string())),
        "{again:?}"
    );
    ensure!(stage.total(&stage.payer).await? == before);

    // Concurrent requests of one account: nonces do not collide, and each request is answered.
    let asks: Vec<InferenceRequest> = (0..10).map(|_| stage.ask(SIGNED)).collect();
    let results = futures::future::try_join_all(
        asks.iter().map(|ask| stage.client.infer(ask, &stage.payer, &|_| ())),
    )
    .await?;
    for result in &results {
        stage.check_answer(result)?;
    }

    // An input that does not fit is refused before a transaction is sent.
    ask = stage.ask(SIGNED);
    ask.payload.pop();
    let before = stage.total(&stage.payer).await?;
    ensure!(stage.client.infer(&ask, &stage.payer, &|_| ()).await.is_err());
    ensure!(stage.total(&stage.payer).await? == before);

    check_batches(&stage).await?;
    check_batches_of_the_command(&stage).await
}

/// One call makes the requests of a batch, each of which is verified, paid and receipted.
async fn check_batches(stage: &Stage) -> Result<()> {
    let (client, payer) = (&stage.client, &stage.payer);
    let mut asks: Vec<InferenceRequest> = (0..8).map(|_| stage.ask(SIGNED)).collect();
    let owner = stage.total(&stage.owner).await?;
    let made = client.request_batch(&asks[..5], payer, &|_| ()).await?;
    let made: Vec<RequestId> = made.into_iter().collect::<Option<_>>().context("refused items")?;
    let successive: Vec<_> = (made[0].0..made[0].0 + 5).map(RequestId).collect();
    ensure!(made == successive, "{made:?}");

    // Of a batch that is repeated, only the new requests are sent.
    let answers = client.infer_batch(&asks, payer, Until::Final, &|_| ()).await?;
    let mut results = Vec::new();
    for answer in answers {
        let Some(InferenceAnswer::Final(result)) = answer else { bail!("{answer:?}") };
        stage.check_answer(&result)?;
        results.push(result);
    }
    let requests: Vec<_> = results.iter().map(|result| result.request).collect();
    ensure!(requests[..5] == made[..] && requests[5] > made[4], "{requests:?}");
    let royalty = stage.total(&stage.owner).await? - owner;
    let price: u128 = results.iter().map(|result| result.price_paid).sum();
    ensure!(price == 8 * OperatorTerms::default().ask && royalty == price / 10, "paid {price}");
    let bundle = client.export_receipt(requests[7]).await?;
    client.check_anchor(&bundle.verify(results[7].payload.as_deref())?).await?;

    // A bad item is named, and nothing is sent.
    let before = stage.total(payer).await?;
    let named = |error: assay_client::Result<Vec<_>>, place| match error {
        Err(Error::Item { index, .. }) if index == place => Ok(()),
        other => bail!("{other:?}, not an error of item {place}"),
    };
    named(client.request_batch(&asks[3..], payer, &|_| ()).await, 0)?;
    asks = (0..3).map(|_| stage.ask(SIGNED)).collect();
    asks[2].payload.pop();
    named(client.request_batch(&asks, payer, &|_| ()).await, 2)?;
    asks[2] = stage.ask(SIGNED);
    asks[1].client_key = asks[2].client_key;
    named(client.request_batch(&asks, payer, &|_| ()).await, 2)?;
    ensure!(stage.total(payer).await? == before);
    Ok(())
}

/// `assay infer` with several inputs.
async fn check_batches_of_the_command(stage: &Stage) -> Result<()> {
    let sample = BundledModel::digits(&BundledModel::folder_of_checkout()).sample();
    let infer = |inputs: Vec<std::ffi::OsString>| {
        let mut command = tokio::process::Command::new(programs().join("assay"));
        command
            .args(["infer", &stage.id().to_string(), "--json", "--suri", "//Ferdie"])
            .args(["--url", &stage.network.nodes[0].url()])
            .args(["--key", &format!("0x{}", "5b".repeat(32))]);
        for input in inputs {
            command.arg("--input").arg(input);
        }
        command.output()
    };
    let good = vec![sample.clone().into(); 3];
    let mut requests = Vec::new();
    // The second time, nothing is sent.
    for _ in 0..2 {
        let output = infer(good.clone()).await?;
        ensure!(output.status.success(), "{output:?}");
        let document: Value = serde_json::from_slice(&output.stdout)?;
        ensure!(document["verified"] == 3, "{document}");
        let price = (3 * OperatorTerms::default().ask).to_string();
        ensure!(document["price_paid"] == price, "{document}");
        let results = document["results"].as_array().context("no results")?;
        requests.push(results.iter().map(|one| one["request"].clone()).collect::<Vec<_>>());
    }
    ensure!(requests[0].len() == 3 && requests[0] == requests[1], "{requests:?}");

    let before = stage.total(&stage.payer).await?;
    let output = infer(vec![sample.into(), "[1, 2]".into()]).await?;
    ensure!(output.status.code() == Some(2), "{output:?}");
    let message = String::from_utf8_lossy(&output.stderr);
    ensure!(message.contains("error: input 2: the input does not fit"), "{message}");
    ensure!(stage.total(&stage.payer).await? == before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proven_request_is_verified_by_the_chain_and_by_others() -> Result<()> {
    let model = BundledModel::digits_graph(&BundledModel::folder_of_checkout());
    let stage = Stage::with(model.clone()).await?;
    stage.employ(&[0, 1]).await?;
    let owner = stage.total(&stage.owner).await?;
    let result = stage.infer(Assurance::Proof).await?;
    stage.check_answer(&result)?;
    let price = OperatorTerms::default().ask;
    ensure!(result.price_paid == price, "paid {}", result.price_paid);
    ensure!(stage.total(&stage.owner).await? - owner == price / 10);
    let kept = result.proof.context("the receipt names no proof")?;
    ensure!(kept.security_bits >= 120, "{kept:?}");

    // The receipt verifies, and states the proof that every node has in the block.
    let bundle = stage.client.export_receipt(result.request).await?;
    let verified = bundle.verify(result.payload.as_deref())?;
    stage.client.check_anchor(&verified).await?;
    let item = verified.evidence.first().context("no evidence")?;
    ensure!(item.proof == Some(kept));
    let proof = stage.network.client(3).await?.download_proof(result.request).await?;
    ensure!(proof.evidence == kept && proof.bytes.len() == kept.bytes as usize);

    // The proof verifies without a node, and only for this statement.
    let verifier = ProofVerifier::from_bytes(&std::fs::read(model.file())?)?;
    ensure!(verified.descriptor.context("no descriptor")?.architecture == Some(verifier.model()));
    let statement = ProofStatement {
        genesis: verified.receipt.genesis,
        request: result.request,
        payer: stage.payer.account().clone(),
        operator: item.operator.clone(),
        input: stage.input.payload(),
        output: result.payload.clone().context("no output")?,
    };
    verifier.verify(&statement, &proof.bytes)?;
    let mut other = statement.clone();
    other.request = RequestId(statement.request.0 + 1);
    ensure!(verifier.verify(&other, &proof.bytes).is_err());
    other = statement;
    *other.output.last_mut().context("an empty output")? ^= 1;
    ensure!(verifier.verify(&other, &proof.bytes).is_err());

    // A run in class Signed has the same output and no proof.
    let signed = stage.infer(SIGNED).await?;
    ensure!(signed.output == result.output && signed.proof.is_none());
    ensure!(stage.client.download_proof(signed.request).await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lying_operator_is_not_paid_and_the_payer_still_gets_the_right_answer() -> Result<()> {
    let stage = Stage::set().await?;
    stage.employ(&[0, 1]).await?;
    let (client, signer) = (stage.network.client(1).await?, Signer::from_suri("//Charlie")?);
    let liar = Liar::register(client, std::slice::from_ref(&stage.version), signer).await?;
    let bond = stage.bond(liar.signer()).await?;
    let honest = stage.network.nodes[0].signer()?;
    let honest_bond = stage.bond(&honest).await?;

    // Only three operators serve, so all three are drawn.
    let lying = liar.lie();
    let result = stage.infer(QUORUM).await?;
    lying.await??;
    stage.check_answer(&result)?;
    ensure!(
        result.price_paid == 2 * OperatorTerms::default().ask,
        "only operators with the right result are paid"
    );
    // Agreement alone takes nobody's bond. The liar's offer counts that it was outvoted.
    let left = stage.bond(liar.signer()).await?;
    ensure!(left == bond, "the liar has {} left", amount::display(left));
    ensure!(stage.bond(&honest).await? == honest_bond);
    for (signer, expected) in [(liar.signer(), 1), (&honest, 0)] {
        let operator = stage.client.operator(signer.account()).await?.context("no operator")?;
        ensure!(operator.serves.iter().all(|offer| offer.outvoted == expected), "{operator:?}");
    }

    // The pool refuses calls of third parties.
    liar.assert_strangers_are_refused(result.request).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_a_killed_operator_are_refunded_and_a_restarted_node_catches_up() -> Result<()>
{
    let mut stage = Stage::set().await?;
    stage.employ(&[3]).await?;
    let dave = stage.network.nodes[3].signer()?;
    let bond = stage.bond(&dave).await?;
    let before = stage.total(&stage.payer).await?;

    // Kill it while it is live, so that it is drawn and does not answer.
    stage.network.nodes[3].kill()?;
    let mut ask = stage.ask(SIGNED);
    ask.deadline_blocks = 6;
    ask.max_price = Some(5 * ASY);
    let late = stage.client.infer(&ask, &stage.payer, &|_| ()).await?;
    ensure!(late.outcome == Outcome::TimedOut, "ended as {:?}", late.outcome);
    ensure!(late.price_paid == 0);
    ensure!(stage.bond(&dave).await? == bond - NO_ANSWER, "no answer has its penalty");
    // Refunded in full and compensated with a tenth, minus the fee of the request.
    let after = stage.total(&stage.payer).await?;
    ensure!(
        after > before && after <= before + NO_ANSWER / 10,
        "the payer had {before} and has {after}"
    );

    // A request that is open when the node restarts is answered.
    let mut ask = stage.ask(SIGNED);
    ask.deadline_blocks = 60;
    let open = stage.client.request_inference(&ask, &stage.payer, &|_| ()).await?;
    let mut height = next_block(&stage.client).await?;
    while stage.client.request(open).await?.context("no request")?.status != Status::Assigned {
        height = next_block(&stage.client).await?;
    }
    stage.network.nodes[3].restart()?;
    let returned = stage.network.nodes[3].connect().await?;
    wait_for_height(&returned, height).await?;
    let result = stage.wait(open).await?;
    stage.check_answer(&result)?;

    // The node has synced: it finalises the same chain.
    let (_, header) = stage.client.rpc().finalized_header().await?;
    let target = rpc::height(&header) + 1;
    wait_for_finality(&returned, target).await?;
    wait_for_finality(&stage.client, target).await?;
    let (here, there) =
        (stage.client.rpc().block_hash(target).await?, returned.rpc().block_hash(target).await?);
    ensure!(here.is_some() && here == there, "the nodes have different chains");

    // An operator can unbond when it has no open assignments.
    stage.client.submit(&calls::operators::unbond(), &dave).await?;
    Ok(())
}
