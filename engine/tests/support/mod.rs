//! Helpers of the integration tests: engines with the `assay-engine` of this build, payloads, and
//! ONNX files written by hand.
#![allow(dead_code, missing_docs)]

use std::{convert::Infallible, path::PathBuf, time::Duration};

use assay_engine::{Engine, EngineConfig, EngineError, RunOutput, WorkerCommand};
use assay_primitives::{
    ArtifactManifest, AssuranceClasses, Dimension, ElementType, Format, ModelDescriptor, Tensor,
    TensorDeclaration,
};
use codec::{Decode, Encode};

pub mod graphs;
pub mod onnx;

/// The `assay-engine` of this build, 512 MiB, and time limits that valid models do not approach.
pub fn config() -> EngineConfig {
    EngineConfig {
        worker: worker(),
        memory_limit_bytes: 512 << 20,
        load_timeout: Duration::from_secs(60),
        run_timeout: Duration::from_secs(60),
        concurrency: 2,
        max_workers: 4,
        ..EngineConfig::default()
    }
}

pub fn worker() -> WorkerCommand {
    WorkerCommand {
        program: env!("CARGO_BIN_EXE_assay-engine").into(),
        args: vec!["worker".into()],
    }
}

pub fn engine() -> Engine {
    Engine::new(config()).expect("the worker of this build starts")
}

/// A file of the repository's `models` folder.
pub fn model_path(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models").join(path)
}

pub fn declared(name: &str, element_type: ElementType, shape: &[Dimension]) -> TensorDeclaration {
    TensorDeclaration {
        name: name.as_bytes().to_vec().try_into().unwrap(),
        element_type,
        shape: shape.to_vec().try_into().unwrap(),
    }
}

/// A declaration of 32-bit floats; `0` means a free dimension.
pub fn floats(name: &str, shape: &[u32]) -> TensorDeclaration {
    declared(name, ElementType::F32, &dimensions(shape))
}

pub fn dimensions(shape: &[u32]) -> Vec<Dimension> {
    let dimension = |size: &u32| match size {
        0 => Dimension::Free,
        size => Dimension::Fixed(*size),
    };
    shape.iter().map(dimension).collect()
}

/// Reads a list of declarations from a `model.json`.
pub fn declarations_from_json(list: &serde_json::Value) -> Vec<TensorDeclaration> {
    list.as_array().unwrap().iter().map(declaration_from_json).collect()
}

pub fn declaration_from_json(value: &serde_json::Value) -> TensorDeclaration {
    let element_type = serde_json::from_value(value["element_type"].clone()).unwrap();
    let dimension = |size: &serde_json::Value| match size.as_u64() {
        Some(size) => Dimension::Fixed(size.try_into().unwrap()),
        None => Dimension::Free,
    };
    let shape: Vec<_> = value["shape"].as_array().unwrap().iter().map(dimension).collect();
    declared(value["name"].as_str().unwrap(), element_type, &shape)
}

/// A version and its model file.
#[derive(Clone)]
pub struct Version {
    pub descriptor: ModelDescriptor,
    pub file: Vec<u8>,
}

impl Version {
    pub fn new(
        file: Vec<u8>,
        inputs: Vec<TensorDeclaration>,
        outputs: Vec<TensorDeclaration>,
    ) -> Self {
        let descriptor = ModelDescriptor {
            artifact: ArtifactManifest::of(&file).identity,
            artifact_size: file.len() as u64,
            format: Format::Onnx,
            inputs: inputs.try_into().unwrap(),
            outputs: outputs.try_into().unwrap(),
            assurances: AssuranceClasses::NONE,
            tolerance: None,
            architecture: None,
        };
        Self { descriptor, file }
    }

    /// A bundled model, as its `model.json` declares it.
    pub fn bundled(name: &str) -> Self {
        let read = |path: String| std::fs::read(model_path(&path)).unwrap();
        let about: serde_json::Value =
            serde_json::from_slice(&read(format!("{name}/model.json"))).unwrap();
        Self::new(
            read(format!("{name}/{name}.onnx")),
            declarations_from_json(&about["inputs"]),
            declarations_from_json(&about["outputs"]),
        )
    }

    pub fn digits() -> Self {
        Self::bundled("digits")
    }

    /// An input of zeros, with size 1 for free dimensions.
    pub fn zeros(&self) -> Vec<u8> {
        let zero = |declared: &TensorDeclaration| {
            let size = |dimension: &Dimension| match dimension {
                Dimension::Fixed(size) => *size,
                Dimension::Free => 1,
            };
            let shape: Vec<u32> = declared.shape.iter().map(size).collect();
            let bytes = Tensor::byte_length(declared.element_type, &shape).unwrap();
            Tensor { element_type: declared.element_type, shape, data: vec![0; bytes] }
        };
        self.descriptor.inputs.iter().map(zero).collect::<Vec<_>>().encode()
    }

    /// Runs it. The engine may fetch the file.
    pub fn run(&self, engine: &Engine, payload: &[u8]) -> Result<RunOutput, EngineError> {
        engine.run(&self.descriptor, || Ok::<_, Infallible>(self.file.clone()), payload)
    }

    /// Runs it. The model must be loaded already.
    pub fn run_cached(&self, engine: &Engine, payload: &[u8]) -> Result<RunOutput, EngineError> {
        let no_file = || Err::<Vec<u8>, _>("the file of a loaded model was fetched");
        engine.run(&self.descriptor, no_file, payload)
    }
}

pub fn tensor(shape: &[u32], values: &[f32]) -> Tensor {
    Tensor {
        element_type: ElementType::F32,
        shape: shape.to_vec(),
        data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

pub fn integers(shape: &[u32], values: &[i64]) -> Tensor {
    Tensor {
        element_type: ElementType::I64,
        shape: shape.to_vec(),
        data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

pub fn decode(payload: &[u8]) -> Vec<Tensor> {
    Vec::<Tensor>::decode(&mut &payload[..]).unwrap()
}

pub fn values(tensor: &Tensor) -> Vec<f32> {
    assert_eq!(tensor.element_type, ElementType::F32);
    let (chunks, rest) = tensor.data.as_chunks::<4>();
    assert!(rest.is_empty());
    chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Whether a process with this id exists.
pub fn exists(pid: u32) -> bool {
    PathBuf::from(format!("/proc/{pid}")).exists()
}

/// Kills a process.
pub fn kill(pid: u32) {
    let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(killed.unwrap().success());
}
