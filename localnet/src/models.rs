//! The bundled models.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use assay_client::{
    calls::Share, declaration::parse_tolerance, publish::Publication, AccountId, Client,
    Declaration, GraphFile, GraphInput, Input, Numbers,
};
use assay_primitives::{runtime_api::VersionView, AssuranceClass, AssuranceClasses, Format};
use serde_json::Value;

/// A model in the folder `models`.
#[derive(Clone, Debug)]
pub struct BundledModel {
    /// Name of the model and of its folder.
    pub name: &'static str,
    folder: PathBuf,
    format: Format,
}

impl BundledModel {
    /// The digits classifier, an ONNX file.
    pub fn digits(models: &Path) -> Self {
        Self { name: "digits", folder: models.join("digits"), format: Format::Onnx }
    }

    /// A digits classifier of dense layers, an integer graph whose runs can be proven.
    pub fn digits_graph(models: &Path) -> Self {
        let name = "digits-mlp";
        Self { name, folder: models.join(name), format: Format::IntegerGraph }
    }

    /// The breast-cancer risk classifier, an ONNX file.
    pub fn breast_cancer(models: &Path) -> Self {
        let name = "breast-cancer";
        Self { name, folder: models.join(name), format: Format::Onnx }
    }

    /// The folder `models` of this checkout.
    pub fn folder_of_checkout() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
    }

    /// Path of the model file.
    pub fn file(&self) -> PathBuf {
        let extension = match self.format {
            Format::Onnx => "onnx",
            Format::IntegerGraph => "graph",
        };
        self.folder.join(format!("{}.{extension}", self.name))
    }

    /// Path of a sample input with its label.
    pub fn sample(&self) -> PathBuf {
        self.folder.join("sample.json")
    }

    /// The picture of the sample, as an input of a published version, and its label.
    ///
    /// # Errors
    ///
    /// The sample cannot be read or is not a picture, or the node does not answer.
    pub async fn picture(
        &self,
        client: &Client,
        version: &VersionView<AccountId>,
    ) -> Result<(Input, u64)> {
        let text = std::fs::read_to_string(self.sample())
            .with_context(|| format!("cannot read {}", self.sample().display()))?;
        let sample: Value = serde_json::from_str(&text)?;
        let label = sample["label"].as_u64().context("the sample has no label")?;
        let image = sample["image"].to_string();
        let declared = &version.descriptor.inputs;
        let input = match client.scales(version).await? {
            None => Input::from_json(&image, declared)?,
            Some(scales) => {
                let numbers = Numbers::Real;
                GraphInput::from_bytes(image.as_bytes(), declared, scales.input, numbers)?.input
            },
        };
        Ok((input, label))
    }

    /// A publication in the classes `Signed` and `Quorum`, with a tolerance. For an integer graph:
    /// also in the classes `Optimistic` and `Proof`, without a tolerance.
    ///
    /// # Errors
    ///
    /// The model file or its declaration cannot be read.
    pub fn publication(&self) -> Result<Publication> {
        let file = self.file();
        let artifact =
            std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let classes =
            AssuranceClasses::NONE.with(AssuranceClass::Signed).with(AssuranceClass::Quorum);
        let (declaration, architecture, tolerance, assurances) = match self.format {
            Format::Onnx => {
                (Declaration::beside(&file)?, None, Some(parse_tolerance("0.0001")?), classes)
            },
            Format::IntegerGraph => {
                let graph = GraphFile::from_bytes(&artifact)?;
                let architecture = Some(graph.architecture().clone());
                let declaration = graph.declaration_beside(&file)?;
                let classes = classes.with(AssuranceClass::Optimistic).with(AssuranceClass::Proof);
                (declaration, architecture, None, classes)
            },
        };
        Ok(Publication {
            name: self.name.to_owned(),
            artifact,
            architecture,
            licence: assay_client::declaration::licence(None, &declaration)?,
            declaration,
            royalty: Share::from_percent("10")?,
            tolerance,
            assurances,
            metadata: None,
        })
    }
}
