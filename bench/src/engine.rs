//! Runs per second: through the engine, with tract alone, and with onnxruntime.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{ensure, Context, Result};
use assay_client::{Declaration, Input};
use assay_engine::{Engine, EngineConfig, WorkerCommand};
use assay_primitives::{
    ArtifactManifest, AssuranceClass, AssuranceClasses, Format, ModelDescriptor,
};
use tract_onnx::prelude::*;

use crate::report::{say, Report};

#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// A Python with onnxruntime, for comparison. `scripts/bench` installs one.
    #[arg(long)]
    pub python: Option<PathBuf>,
}

/// Duration of each case.
const DURATION: Duration = Duration::from_secs(3);
const MODELS: [&str; 2] = ["digits", "breast-cancer"];

pub fn bench(report: &mut Report, programs: &Path, models: &Path, options: &Options) -> Result<()> {
    let engine = Engine::new(EngineConfig {
        worker: WorkerCommand {
            program: programs.join("assay-engine"),
            args: vec!["worker".into()],
        },
        ..EngineConfig::default()
    })?;
    for name in MODELS {
        let folder = models.join(name);
        let file = folder.join(format!("{name}.onnx"));
        let bytes =
            std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let declaration = Declaration::beside(&file)?;
        let descriptor = ModelDescriptor {
            artifact: ArtifactManifest::of(&bytes).identity,
            artifact_size: bytes.len() as u64,
            format: Format::Onnx,
            inputs: declaration.inputs,
            outputs: declaration.outputs,
            assurances: AssuranceClasses::NONE.with(AssuranceClass::Signed),
            tolerance: None,
            architecture: None,
        };
        let inputs = samples(&folder, &descriptor)?;
        say(&format!("running {name} for {} s each", DURATION.as_secs()));

        let started = Instant::now();
        engine.run(&descriptor, || Ok::<_, Infallible>(bytes.clone()), &inputs[0].payload())?;
        report.add(
            "engine",
            format!("{name}: first run, model loaded"),
            started.elapsed().as_secs_f64() * 1e3,
            "ms",
        );
        let payloads: Vec<Vec<u8>> = inputs.iter().map(Input::payload).collect();
        let rate = per_second(&payloads, |payload| {
            let output = engine.run(&descriptor, || Ok::<_, Infallible>(bytes.clone()), payload)?;
            ensure!(output.cached, "the model was evicted from the cache");
            Ok(())
        })?;
        report.add(
            "engine",
            format!("{name}: engine, isolated process, one caller"),
            rate,
            "runs/s",
        );

        let plan = tract_onnx::onnx()
            .model_for_read(&mut bytes.as_slice())?
            .into_optimized()?
            .into_runnable()?;
        let tensors = inputs.iter().map(tensor).collect::<Result<Vec<_>>>()?;
        let rate = per_second(&tensors, |tensor| {
            plan.run(tvec!(tensor.clone().into()))?;
            Ok(())
        })?;
        report.add("engine", format!("{name}: tract in this process, one thread"), rate, "runs/s");
    }
    match &options.python {
        Some(python) => onnxruntime(report, python, models)?,
        None => say("onnxruntime is not measured: specify a Python that has it with --python"),
    }
    Ok(())
}

/// The samples of a model, as inputs.
fn samples(folder: &Path, descriptor: &ModelDescriptor) -> Result<Vec<Input>> {
    let file = std::fs::read(folder.join("samples.npz"))?;
    let mut archive = npyz::npz::NpzArchive::new(std::io::Cursor::new(file))?;
    let declared = &descriptor.inputs[0];
    let array = archive.by_name(declared.name())?.context("the samples have no such input")?;
    let values: Vec<f32> = array.into_vec()?;
    let size: u32 = declared
        .shape
        .iter()
        .map(|dimension| match dimension {
            assay_primitives::Dimension::Fixed(size) => *size,
            assay_primitives::Dimension::Free => 1,
        })
        .product();
    values
        .chunks_exact(size as usize)
        .map(|sample| {
            let text = serde_json::to_string(sample)?;
            Ok(Input::from_json(&text, &descriptor.inputs)?)
        })
        .collect()
}

fn tensor(input: &Input) -> Result<Tensor> {
    let tensors = &input.tensors;
    let one = tensors.first().context("an input has a tensor")?;
    let shape: Vec<usize> = one.shape.iter().map(|size| *size as usize).collect();
    let values: Vec<f32> = one
        .data
        .chunks_exact(4)
        .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    Tensor::from_shape(&shape, &values)
}

fn per_second<T>(cases: &[T], mut run: impl FnMut(&T) -> Result<()>) -> Result<f64> {
    for case in cases {
        run(case)?;
    }
    let started = Instant::now();
    let mut runs = 0u64;
    while started.elapsed() < DURATION {
        for case in cases {
            run(case)?;
            runs += 1;
        }
    }
    Ok(runs as f64 / started.elapsed().as_secs_f64())
}

/// Measures onnxruntime with one thread on the same inputs.
fn onnxruntime(report: &mut Report, python: &Path, models: &Path) -> Result<()> {
    const SCRIPT: &str = include_str!("onnxruntime.py");
    let output = Command::new(python)
        .args(["-c", SCRIPT])
        .arg(models)
        .arg(DURATION.as_secs().to_string())
        .args(MODELS)
        .output()
        .with_context(|| format!("cannot start {}", python.display()))?;
    ensure!(
        output.status.success(),
        "onnxruntime failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rates: BTreeMap<String, f64> = serde_json::from_slice(&output.stdout)?;
    for (name, rate) in rates {
        report.add(
            "engine",
            format!("{name}: onnxruntime from Python, one thread"),
            rate,
            "runs/s",
        );
    }
    Ok(())
}
