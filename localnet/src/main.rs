//! The demonstration: starts a local network, sends requests of every class, and reports each step.

use std::{path::PathBuf, pin::pin, process::ExitCode, time::Instant};

use anyhow::{ensure, Context, Result};
use assay_client::{
    AccountId, Client, InferenceRequest, InferenceResult, Input, Progress, ProofStatement,
    ProofVerifier, Signer,
};
use assay_localnet::{
    interrupted, register_operator, serve, wait_until_live, BundledModel, Network, NetworkConfig,
    OperatorTerms,
};
use assay_primitives::{runtime_api::VersionView, Assurance};
use clap::Parser;
use futures::future::try_join_all;
use serde_json::Value;

/// Starts four nodes on loopback, publishes two models, and sends a signed, a quorum, a proven and
/// an optimistic request.
///
/// Writes progress to standard error, and one line of JSON per request to standard output. Ctrl-C
/// stops the network; the exit code is 130 if the demonstration has not ended by then, else 0.
#[derive(Debug, Parser)]
#[command(name = "scripts/run", version)]
struct Arguments {
    /// Stop the network after the demonstration. Without this, it keeps running.
    #[arg(long)]
    once: bool,
    /// Folder for the data of the nodes. The data of an earlier run is removed.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// First of the twelve ports of the nodes. It is the RPC port of alice.
    #[arg(long, default_value_t = 9944)]
    port_base: u16,
    /// The node program.
    #[arg(long, hide = true)]
    node: PathBuf,
    /// Folder of the bundled models.
    #[arg(long, default_value = "models")]
    models: PathBuf,
    /// Further arguments for every node, after `--`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Reports progress with the time since the start.
struct Narrator(Instant);

impl Narrator {
    fn say(&self, text: &str) {
        eprintln!("[{:6.1} s] {text}", self.0.elapsed().as_secs_f64());
    }
}

/// Exit code of a demonstration that a signal has ended, as shells have it for SIGINT.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        },
    }
}

async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let narrator = Narrator(Instant::now());
    let mut interrupted = pin!(interrupted()?);
    // The signal first: Ctrl-C in a terminal also ends the nodes, which fails the demonstration.
    let mut network = tokio::select! {
        biased;
        () = &mut interrupted => {
            // Dropping the other future kills the nodes.
            narrator.say("interrupted; the nodes are stopped");
            return Ok(INTERRUPTED.into());
        },
        network = start(&narrator, arguments) => network?,
    };
    let demonstrated = tokio::select! {
        biased;
        () = &mut interrupted => None,
        result = demonstrate(&narrator, arguments, &network) => Some(result),
    };
    let Some(result) = demonstrated else {
        network.stop()?;
        narrator.say("interrupted; the network is stopped");
        return Ok(INTERRUPTED.into());
    };
    result?;
    network.check()?;
    if arguments.once {
        network.stop()?;
        narrator.say("finished; the network is stopped");
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("\nThe network is running. Addresses:");
    for node in &network.nodes {
        eprintln!("  {:8} {}   metrics {}", node.name(), node.url(), node.metrics_url());
    }
    // The build puts all programs into one folder.
    let assay = std::path::absolute(arguments.node.with_file_name("assay"))?;
    eprintln!(
        "\nTry:  {} --url {} model list\n\
         Logs and data are in {}. Ctrl-C stops the network.",
        assay.display(),
        network.nodes[0].url(),
        network.data().display()
    );
    interrupted.await;
    network.stop()?;
    narrator.say("the network is stopped");
    Ok(ExitCode::SUCCESS)
}

async fn start(narrator: &Narrator, arguments: &Arguments) -> Result<Network> {
    let config = NetworkConfig {
        program: arguments.node.clone(),
        data: arguments.data.clone(),
        port_base: Some(arguments.port_base),
        arguments: arguments.arguments.clone(),
    };
    narrator.say("starting four nodes on loopback: alice, bob, charlie and dave");
    Network::start(&config, &|text| narrator.say(text)).await
}

async fn demonstrate(narrator: &Narrator, arguments: &Arguments, network: &Network) -> Result<()> {
    let client = network.client(0).await?;
    let owner = Signer::from_suri("//Eve")?;
    let payer = Signer::from_suri("//Ferdie")?;

    let mut versions = Vec::new();
    let models =
        [BundledModel::digits(&arguments.models), BundledModel::digits_graph(&arguments.models)];
    for model in &models {
        let publication = model.publication()?;
        narrator.say(&format!(
            "Eve publishes the model {} ({} bytes, {:?}) on chain",
            model.name,
            publication.artifact.len(),
            publication.descriptor().format
        ));
        let published = client.publish(&publication, &owner, &|_| ()).await?;
        let version = client.version(published.version).await?;
        let version = version.context("the published version is not on chain")?;
        if let Some(audit) = version.audit {
            narrator.say(&format!("  the chain has read its {} bytes of weights", audit.done));
        }
        versions.push(version);
    }

    narrator.say("the four operators bond and serve both models");
    let terms = OperatorTerms::default();
    let accounts = try_join_all(network.nodes.iter().map(|node| async {
        let (client, signer) = (Client::connect(&node.url()).await?, node.signer()?);
        register_operator(&client, &signer, terms).await?;
        for version in &versions {
            serve(&client, &signer, version.id, terms).await?;
        }
        anyhow::Ok(signer.account().clone())
    }))
    .await?;
    wait_until_live(&client, &accounts).await?;
    narrator.say("the operators are live: their heartbeats have arrived");

    for (which, assurance) in [
        (0, Assurance::Signed),
        (0, Assurance::Quorum { n: 3, k: 2 }),
        (1, Assurance::Proof),
        (1, Assurance::Optimistic),
    ] {
        let (model, version) = (&models[which], &versions[which]);
        let (input, label) = model.picture(&client, version).await?;
        narrator.say(&format!("Ferdie sends a handwritten {label} in class {assurance:?}"));
        let ask = InferenceRequest::new(version.clone(), input.payload(), assurance);
        let progress = |step: Progress| match step {
            Progress::Quoted { price, .. } => {
                narrator.say(&format!("  quoted at {}", assay_client::amount::display(price)))
            },
            Progress::Included { request, height } => {
                narrator.say(&format!("  request {request} is in block {height}"))
            },
            Progress::Status { status, .. } => narrator.say(&format!("  {status:?}")),
            Progress::Waits { .. } => narrator.say("  it waits for operators with free capacity"),
            Progress::Provisional(result) => narrator.say(&format!(
                "  a provisional result, which can be disputed until block {}",
                result.disputable_until
            )),
            Progress::Disputed { disputes, .. } => {
                narrator.say(&format!("  open disputes: {}", disputes.len()))
            },
            Progress::Known { .. } | Progress::Sending { .. } | Progress::Input(_) => {},
        };
        let result = client.infer(&ask, &payer, &progress).await?;
        println!("{}", serde_json::to_string(&result)?);
        ensure!(result.is_verified(), "request {} ended as {:?}", result.request, result.outcome);
        let answer = most_likely(&result.output).context("the output has no scores")?;
        narrator.say(&format!("  the answer is {answer}, the label is {label}"));
        ensure!(label == answer as u64, "the answer is {answer}, the label is {label}");
        if let Some(proof) = &result.proof {
            narrator.say(&format!(
                "  the chain has verified a proof of {} bytes with {} bits of soundness",
                proof.bytes, proof.security_bits
            ));
            check_proof(&client, &result, version, &input, payer.account()).await?;
            narrator
                .say("  the same proof, taken from the block, was verified again without a node");
        }

        let bundle = client.export_receipt(result.request).await?;
        let verified = bundle.verify(result.payload.as_deref())?;
        client.check_anchor(&verified).await?;
        narrator.say(&format!(
            "  its receipt was verified without trusting the node: {} signature(s), proven in \
             final block {}",
            verified.evidence.len(),
            verified.block_number
        ));
    }
    Ok(())
}

/// Reads the proof of a request from its block, and verifies it locally with the architecture, the
/// fingerprint of the weights and the statement.
async fn check_proof(
    client: &Client,
    result: &InferenceResult,
    version: &VersionView<AccountId>,
    input: &Input,
    payer: &AccountId,
) -> Result<()> {
    let proof = client.download_proof(result.request).await?;
    let architecture = client.architecture(version).await?.context("no architecture")?;
    let receipt = client.receipt(result.request).await?.context("no receipt")?;
    let statement = ProofStatement {
        genesis: client.genesis(),
        request: result.request,
        payer: payer.clone(),
        operator: receipt.evidence.first().context("no evidence")?.operator.clone(),
        input: input.payload(),
        output: result.payload.clone().context("no output")?,
    };
    let published = version.audit.and_then(|audit| audit.outcome()).context("not audited")?;
    let verifier = ProofVerifier::new(architecture)?.with_weights(published);
    verifier.verify(&statement, &proof.bytes)?;
    Ok(())
}

/// The class with the greatest score or probability in an output of one row.
fn most_likely(output: &Option<Value>) -> Option<usize> {
    let mut row = output.as_ref()?.as_object()?.values().next()?;
    while row.get(0)?.is_array() {
        row = row.get(0)?;
    }
    let scores = row.as_array()?;
    let value = |index: &usize| scores[*index].as_f64().unwrap_or(f64::MIN);
    (0..scores.len()).max_by(|a, b| value(a).total_cmp(&value(b)))
}
