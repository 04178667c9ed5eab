//! The bundled models.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use assay_client::{calls::Share, declaration::parse_tolerance, publish::Publication, Declaration};
use assay_primitives::{AssuranceClass, AssuranceClasses};

/// A model in the folder `models`.
#[derive(Clone, Debug)]
pub struct BundledModel {
    /// Its name, and that of its folder.
    pub name: &'static str,
    folder: PathBuf,
}

impl BundledModel {
    /// The digits classifier.
    pub fn digits(models: &Path) -> Self {
        Self { name: "digits", folder: models.join("digits") }
    }

    /// The breast-cancer risk classifier.
    pub fn breast_cancer(models: &Path) -> Self {
        Self { name: "breast-cancer", folder: models.join("breast-cancer") }
    }

    /// Folder of the models in this checkout.
    pub fn folder_of_checkout() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
    }

    /// The model file.
    pub fn file(&self) -> PathBuf {
        self.folder.join(format!("{}.onnx", self.name))
    }

    /// An input that somebody made, with its label.
    pub fn sample(&self) -> PathBuf {
        self.folder.join("sample.json")
    }

    /// What is published: classes `Signed` and `Quorum`, with a tolerance.
    pub fn publication(&self) -> Result<Publication> {
        let file = self.file();
        let artifact =
            std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let declaration = Declaration::beside(&file)?;
        Ok(Publication {
            name: self.name.to_owned(),
            artifact,
            licence: assay_client::declaration::licence(None, &declaration)?,
            declaration,
            royalty: Share::from_percent("10")?,
            tolerance: Some(parse_tolerance("0.0001")?),
            assurances: AssuranceClasses::NONE
                .with(AssuranceClass::Signed)
                .with(AssuranceClass::Quorum),
            metadata: None,
        })
    }
}
