//! Cost of validity proofs for the bundled models and for models of increasing size, and the cost
//! of ezkl and JSTprove for the same ONNX files.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{anyhow, ensure, Context as _, Result};
use assay_graph::{fast, CheckedGraph, Graph, Plan};
use assay_pallet_testing::graphs::{unsealed_perceptron, Random};
use assay_primitives::WeightsFingerprint;
use assay_proof::{ProofParameters, Prover, Statement};
use codec::Encode;
use tract_onnx::prelude::*;

use crate::{
    report::{median, say, Report},
    runtime::{borrowed, context, milliseconds, Runtime},
};

#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Number of proofs of each model.
    #[arg(long, default_value_t = 20)]
    pub proofs: usize,
    /// A Python with ezkl, for comparison. `scripts/bench proofs --with-peers` installs one.
    #[arg(long)]
    pub ezkl: Option<PathBuf>,
    /// A Python with JSTprove, for comparison.
    #[arg(long)]
    pub jstprove: Option<PathBuf>,
    /// Also measure models with 10 thousand to 8 million weights, and write a table (CSV) into this
    /// folder.
    #[arg(long)]
    pub growth: Option<PathBuf>,
    /// Prove one inference of the graph in this file, and print the peak memory.
    #[arg(long, hide = true)]
    pub memory_of: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { proofs: 20, ezkl: None, jstprove: None, growth: None, memory_of: None }
    }
}

const MODELS: [&str; 5] =
    ["digits-mlp", "digits-28-mlp", "digits-32-conv", "digits", "breast-cancer"];
/// The models that the peers also prove.
const PEERS_MODELS: [&str; 2] = ["digits-mlp", "digits-28-mlp"];
const VERIFICATIONS: usize = 30;

/// The cost of proofs of one model.
struct Figures {
    weights: usize,
    layers: usize,
    inputs: usize,
    commit_ms: f64,
    prove_ms: Vec<f64>,
    verify_ms: Vec<f64>,
    wasm_ms: Vec<f64>,
    proof_bytes: usize,
    security_bits: f64,
}

pub fn bench(report: &mut Report, models: &Path, options: &Options) -> Result<()> {
    if let Some(file) = &options.memory_of {
        return print_memory(file);
    }
    let runtime = Runtime::new()?;
    let mut idle = (0..VERIFICATIONS).map(|_| runtime.idle()).collect::<Result<Vec<_>>>()?;
    report.add("proofs", "call into the runtime's wasm, median", median(&mut idle), "ms");
    for name in MODELS {
        let file = models.join(name).join(format!("{name}.graph"));
        let graph = read(&file)?;
        say(&format!("proving {name} {} times", options.proofs));
        let figures = measure(&graph, options.proofs, &runtime)?;
        print(report, name, figures);
        report.add("proofs", format!("{name}: prover's memory"), memory(&file)?, "MB");
    }
    say("proving a dense layer of 2048 by 2048 weights");
    print(
        report,
        "dense 2048x2048",
        measure(&perceptron(&[2048, 2048])?, options.proofs.min(5), &runtime)?,
    );
    inference(report, models)?;
    if let Some(folder) = &options.growth {
        growth(report, folder, &runtime)?;
    }
    for (peer, python) in [(&EZKL, &options.ezkl), (&JSTPROVE, &options.jstprove)] {
        match python {
            Some(python) => peer.measure(report, python, models)?,
            None => say(&format!(
                "{} is not measured: scripts/bench proofs --with-peers installs it",
                peer.name
            )),
        }
    }
    Ok(())
}

fn print(report: &mut Report, name: &str, mut figures: Figures) {
    let mut add = |case: &str, value, unit| {
        report.add("proofs", format!("{name}: {case}"), value, unit);
    };
    add("weights", figures.weights as f64, "");
    add("commit to the model, once", figures.commit_ms, "ms");
    add("prove, median", median(&mut figures.prove_ms), "ms");
    add("verify, native, median", median(&mut figures.verify_ms), "ms");
    add("verify, in the runtime's wasm, median", median(&mut figures.wasm_ms), "ms");
    add("largest proof", figures.proof_bytes as f64 / 1e3, "kB");
    add("soundness, composed", figures.security_bits, "bits");
}

fn read(file: &Path) -> Result<CheckedGraph> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let graph = Graph::from_bytes(&bytes).map_err(|e| anyhow!("{}: {e}", file.display()))?;
    CheckedGraph::new(graph).map_err(|e| anyhow!("{}: {e}", file.display()))
}

/// A perceptron with random weights, sealed with the recommended parameters.
fn perceptron(widths: &[u32]) -> Result<CheckedGraph> {
    let mut graph = unsealed_perceptron(widths);
    let parameters = ProofParameters::recommended(&Plan::new(graph.architecture.clone())?);
    assay_proof::seal(&mut graph, &parameters)?;
    Ok(CheckedGraph::new(graph)?)
}

fn measure(graph: &CheckedGraph, proofs: usize, runtime: &Runtime) -> Result<Figures> {
    let started = Instant::now();
    let prover = Prover::new(graph)?;
    let commit_ms = milliseconds(started);
    let verifier = prover.verifier();
    let parameters = graph.weights().parameters.iter();
    let mut figures = Figures {
        weights: parameters.map(|set| set.weights.len()).sum(),
        layers: graph.weights().parameters.len(),
        inputs: verifier.input_bytes(),
        commit_ms,
        prove_ms: Vec::new(),
        verify_ms: Vec::new(),
        wasm_ms: Vec::new(),
        proof_bytes: 0,
        security_bits: verifier.security_bits(),
    };
    let architecture = graph.plan().architecture().encode();
    let mut random = Random(11);
    for number in 0..proofs as u64 {
        let input: Vec<u8> = (0..verifier.input_bytes()).map(|_| random.byte()).collect();
        let context = context(number);
        let started = Instant::now();
        let proven = prover.prove(&borrowed(&context), &input)?;
        figures.prove_ms.push(milliseconds(started));
        figures.proof_bytes = figures.proof_bytes.max(proven.proof.len());
        let statement =
            Statement { context: borrowed(&context), input: &input, output: &proven.output };
        for _ in 0..VERIFICATIONS.div_ceil(proofs) {
            let started = Instant::now();
            verifier.verify(&statement, prover.fingerprint(), &proven.proof)?;
            figures.verify_ms.push(milliseconds(started));
        }
        let weights = WeightsFingerprint(prover.fingerprint().0);
        let call =
            (&architecture, &context, &input, &proven.output, weights, &proven.proof).encode();
        for _ in 0..VERIFICATIONS.div_ceil(proofs) {
            figures.wasm_ms.push(runtime.verify(&call)?);
        }
    }
    Ok(figures)
}

/// The peak memory of a process that proves one inference, in MB.
fn memory(graph: &Path) -> Result<f64> {
    let output = Command::new(std::env::current_exe()?)
        .args(["proofs", "--memory-of"])
        .arg(graph)
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cannot measure memory: {error}");
    let kib: f64 = String::from_utf8(output.stdout)?
        .lines()
        .last()
        .and_then(|line| line.parse().ok())
        .context("the process printed no peak memory")?;
    Ok(kib * 1024.0 / 1e6)
}

fn print_memory(file: &Path) -> Result<()> {
    let graph = read(file)?;
    let prover = Prover::new(&graph)?;
    prover.prove(&borrowed(&context(0)), &vec![1; prover.verifier().input_bytes()])?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))
        .context("/proc/self/status has no VmHWM")?;
    println!("{kib}");
    Ok(())
}

/// Compares integer inference of the digits network with tract on the floating-point one, both in
/// this process.
fn inference(report: &mut Report, models: &Path) -> Result<()> {
    const DURATION: Duration = Duration::from_secs(2);
    let per_second = |run: &mut dyn FnMut() -> Result<()>| -> Result<f64> {
        (0..100).try_for_each(|_| run())?;
        let started = Instant::now();
        let mut runs = 0u32;
        while started.elapsed() < DURATION {
            run()?;
            runs += 1;
        }
        Ok(f64::from(runs) / started.elapsed().as_secs_f64())
    };
    let name = "digits";
    let graph = read(&models.join(name).join(format!("{name}.graph")))?;
    let shape = graph.plan().architecture().input_shape;
    let input = vec![64i8; shape.elements().unwrap_or(0)];
    let mut integer = || {
        fast::run(&graph, &input)?;
        Ok(())
    };
    let rate = per_second(&mut integer)?;
    report.add("proofs", format!("{name}: integer inference, in this process"), rate, "runs/s");
    let plan = tract_onnx::onnx()
        .model_for_path(models.join(name).join(format!("{name}.onnx")))?
        .into_optimized()?
        .into_runnable()?;
    let sides = [1, shape.channels as usize, shape.height as usize, shape.width as usize];
    let tensor = Tensor::from_shape(&sides, &vec![0.5f32; input.len()])?;
    let mut float = || {
        plan.run(tvec!(tensor.clone().into()))?;
        Ok(())
    };
    let rate = per_second(&mut float)?;
    report.add(
        "proofs",
        format!("{name}: float inference by tract, in this process"),
        rate,
        "runs/s",
    );
    Ok(())
}

/// Widths of perceptrons with 10 thousand to 8 million weights, in two to eight layers.
const GROWTH: [&[u32]; 10] = [
    &[64, 96, 40],
    &[128, 128, 128],
    &[256, 192, 256],
    &[256, 256, 256, 256],
    &[512, 480, 512],
    &[256, 256, 256, 256, 256, 256, 256, 256, 256],
    &[1024, 960, 1024],
    &[2048, 960, 2048],
    &[2048, 1984, 960, 1024],
    &[2048, 1984, 1984],
];

fn growth(report: &mut Report, folder: &Path, runtime: &Runtime) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut table = String::from(
        "weights,layers,inputs,commit_ms,prove_ms,verify_native_ms,verify_wasm_ms,proof_bytes\n",
    );
    for widths in GROWTH {
        say(&format!("proving a perceptron {widths:?}"));
        let graph = perceptron(widths)?;
        let mut figures = measure(&graph, 3, runtime)?;
        let prove = median(&mut figures.prove_ms);
        report.add("proofs", format!("{} weights: prove", figures.weights), prove, "ms");
        writeln!(
            table,
            "{},{},{},{:.1},{:.1},{:.2},{:.2},{}",
            figures.weights,
            figures.layers,
            figures.inputs,
            figures.commit_ms,
            prove,
            median(&mut figures.verify_ms),
            median(&mut figures.wasm_ms),
            figures.proof_bytes,
        )?;
    }
    let file = folder.join("proofs.csv");
    std::fs::write(&file, table)?;
    say(&format!("wrote {}", file.display()));
    Ok(())
}

/// Another proof system. The script runs it on the same ONNX files and samples.
struct Peer {
    name: &'static str,
    script: &'static str,
    /// A note on its figures.
    caveat: Option<&'static str>,
}

const EZKL: Peer = Peer { name: "ezkl", script: include_str!("ezkl_peer.py"), caveat: None };

const JSTPROVE: Peer = Peer {
    name: "JSTprove",
    script: include_str!("jstprove_peer.py"),
    caveat: Some(
        "JSTprove 2.1.0 does not check that its circuit's constraints hold: its verifier does not \
         compare their sum with zero, so it accepts a proof of any output",
    ),
};

impl Peer {
    fn measure(&self, report: &mut Report, python: &Path, models: &Path) -> Result<()> {
        const PROOFS: &str = "3";
        let peer = self.name;
        say(&format!("proving the same ONNX files with {peer}"));
        let output = Command::new(python)
            .args(["-c", self.script])
            .arg(models)
            .arg(PROOFS)
            .args(PEERS_MODELS)
            .output()
            .with_context(|| format!("cannot start {}", python.display()))?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{peer} failed: {error}");
        let text = String::from_utf8(output.stdout)?;
        let line = text.lines().last().with_context(|| format!("{peer} printed nothing"))?;
        let figures: BTreeMap<String, BTreeMap<String, f64>> = serde_json::from_str(line)?;
        for (name, figures) in figures {
            for (figure, value) in figures {
                let (case, value, unit) = match figure.as_str() {
                    "setup_s" => ("set up, once", value * 1e3, "ms"),
                    "prove_s" => ("prove, median", value * 1e3, "ms"),
                    "verify_ms" => ("verify, native, median", value, "ms"),
                    "proof_bytes" => ("proof", value / 1e3, "kB"),
                    "key_bytes" => ("proving key", value / 1e6, "MB"),
                    "circuit_bytes" => ("circuit, for prover and verifier", value / 1e6, "MB"),
                    "memory_mb" => ("prover's memory", value, "MB"),
                    "accepts_false_output" => ("accepts a false output, 1 for yes", value, ""),
                    _ => continue,
                };
                report.add("proofs", format!("{name}, {peer}: {case}"), value, unit);
            }
        }
        if let Some(caveat) = self.caveat {
            say(caveat);
        }
        Ok(())
    }
}
