//! Publishes artifacts, models and versions.

use assay_graph::Architecture;
use assay_primitives::{
    model::{is_model_name, Licence, ModelName, Tolerance},
    ArtifactManifest, AssuranceClass, AssuranceClasses, Balance, Digest, Format, ModelDescriptor,
    ModelId, VersionId, MAX_ARTIFACT_BYTES, MAX_CHUNK_BYTES,
};
use codec::Encode;
use futures::{stream, StreamExt, TryStreamExt};

use crate::{
    audit::AuditProgress,
    calls::{model_registry, storage, Share},
    declaration::check_onnx,
    graph::GraphFile,
    queries::VersionListing,
    Client, Declaration, Error, Inclusion, Result, Signer,
};

/// Number of concurrent chunk uploads.
const PARALLEL_UPLOADS: usize = 4;
/// Number of upload rounds. A reorganisation may remove chunks that were uploaded.
const UPLOAD_ROUNDS: u32 = 5;

/// A new version of a model, to be published.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Name of the model. Created if the signer has no model of that name.
    pub name: String,
    /// The model file: ONNX, or an integer graph.
    pub artifact: Vec<u8>,
    /// The architecture, if the file is an integer graph; `None` for ONNX. See
    /// [`GraphFile::architecture`].
    pub architecture: Option<Architecture>,
    /// The inputs and outputs.
    pub declaration: Declaration,
    /// SPDX licence expression.
    pub licence: Licence,
    /// The owner's share of each price.
    pub royalty: Share,
    /// How far two outputs may differ and still count as equal. Floating-point models need one to
    /// offer class `Quorum`.
    pub tolerance: Option<Tolerance>,
    /// Classes that may be requested.
    pub assurances: AssuranceClasses,
    /// Digest of a document about the version.
    pub metadata: Option<Digest>,
}

impl Publication {
    /// The descriptor of the version.
    pub fn descriptor(&self) -> ModelDescriptor {
        ModelDescriptor {
            artifact: ArtifactManifest::of(&self.artifact).identity,
            artifact_size: self.artifact.len() as u64,
            format: match self.architecture {
                Some(_) => Format::IntegerGraph,
                None => Format::Onnx,
            },
            inputs: self.declaration.inputs.clone(),
            outputs: self.declaration.outputs.clone(),
            assurances: self.assurances,
            tolerance: self.tolerance,
            architecture: self.architecture.as_ref().map(|one| Digest::from(one.digest())),
        }
    }

    /// Checks everything that does not need a node.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with the first violation.
    pub fn check(&self) -> Result<()> {
        model_name(&self.name)?;
        if self.assurances.is_empty() {
            return Err(Error::invalid("the version offers no assurance class"));
        }
        match &self.architecture {
            Some(architecture) => self.check_graph(architecture),
            None => self.check_onnx(),
        }
    }

    /// The graph whose weights the chain must audit; `None` if class `Proof` is not offered.
    fn provable(&self) -> Result<Option<GraphFile>> {
        match self.assurances.contains(AssuranceClass::Proof) {
            true => GraphFile::from_bytes(&self.artifact).map(Some),
            false => Ok(None),
        }
    }

    fn check_graph(&self, architecture: &Architecture) -> Result<()> {
        let file = GraphFile::from_bytes(&self.artifact)?;
        if file.architecture() != architecture {
            return Err(Error::invalid("the architecture does not match the graph"));
        }
        file.check_declaration(&self.declaration)?;
        if self.tolerance.is_some() {
            return Err(Error::invalid(
                "outputs of an integer graph are compared exactly: omit --tolerance",
            ));
        }
        if self.assurances.contains(AssuranceClass::Proof) {
            file.security_bits()?;
        }
        Ok(())
    }

    fn check_onnx(&self) -> Result<()> {
        check_onnx(&self.artifact)?;
        for class in [AssuranceClass::Proof, AssuranceClass::Optimistic] {
            if self.assurances.contains(class) {
                return Err(Error::invalid(format!(
                    "only an integer graph can offer class {}: convert the ONNX file with `assay \
                     model quantize`",
                    class.name()
                )));
            }
        }
        let is_float = self.declaration.outputs.iter().any(|output| output.element_type.is_float());
        if self.assurances.contains(AssuranceClass::Quorum) && is_float && self.tolerance.is_none()
        {
            return Err(Error::invalid(
                "a model with floating-point outputs needs a tolerance to offer class quorum: add \
                 --tolerance, such as 0.0001, or 0 for bit-equal outputs",
            ));
        }
        Ok(())
    }
}

/// A completed step of a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishProgress {
    /// The artifact is announced on chain.
    ArtifactCreated {
        /// Its identity.
        artifact: Digest,
    },
    /// A chunk is on chain.
    Uploaded {
        /// Number of chunks on chain.
        done: usize,
        /// Number of chunks of the artifact.
        total: usize,
    },
    /// The model was created.
    ModelCreated {
        /// The model.
        model: ModelId,
    },
    /// The version was published.
    Published {
        /// The version.
        version: VersionId,
    },
    /// The audit of the weights has progressed. When it is complete, proofs can be requested.
    Audited(AuditProgress),
}

/// A published version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedVersion {
    /// The version.
    pub version: VersionId,
    /// Its digest.
    pub digest: Digest,
    /// Identity of its artifact.
    pub artifact: Digest,
    /// Whether it already was the model's newest version.
    pub existed: bool,
    /// Fees paid, in plancks.
    pub fees: Balance,
    /// Deposit in plancks, held until the version and its artifact are removed.
    pub deposit: Balance,
}

/// A difference between a publication and a published version with the same descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The royalty. `set_royalty` changes it.
    Royalty {
        /// Of the version.
        published: Share,
        /// Of the publication.
        given: Share,
    },
    /// The licence. It cannot be changed.
    Licence {
        /// Of the version.
        published: Licence,
        /// Of the publication.
        given: Licence,
    },
    /// The metadata digest. `set_metadata` changes it.
    Metadata {
        /// Of the version.
        published: Option<Digest>,
        /// Of the publication.
        given: Option<Digest>,
    },
}

/// The differences between a publication and a version with the same descriptor.
fn differences(publication: &Publication, terms: VersionListing) -> Vec<Difference> {
    let VersionListing { royalty, licence, metadata } = terms;
    let mut differences = Vec::new();
    if royalty != publication.royalty {
        let given = publication.royalty;
        differences.push(Difference::Royalty { published: royalty, given });
    }
    if licence != publication.licence {
        let given = publication.licence.clone();
        differences.push(Difference::Licence { published: licence, given });
    }
    if metadata != publication.metadata {
        let given = publication.metadata;
        differences.push(Difference::Metadata { published: metadata, given });
    }
    differences
}

/// The remaining cost of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishPlan {
    /// Size of the artifact in bytes.
    pub size: u64,
    /// Number of chunks that are not on chain yet.
    pub missing_chunks: usize,
    /// Number of transactions to send.
    pub transactions: usize,
    /// Upper bound of their fees in plancks. Deposits are additional and are returned on removal.
    pub fees: Balance,
}

/// Treats a refusal of this name as success. After a reorganisation, a repeated transaction may find
/// that the first one has been included again.
fn accept_repetition(outcome: Result<Inclusion>, refusal_name: &str) -> Result<()> {
    match outcome {
        Err(Error::Refused { refusal, .. }) if refusal.name == refusal_name => Ok(()),
        outcome => outcome.map(drop),
    }
}

impl Client {
    /// The remaining cost of a publication.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the publication violates a rule or a bound of the chain.
    pub async fn plan(&self, publication: &Publication, signer: &Signer) -> Result<PublishPlan> {
        publication.check()?;
        self.check_royalty(publication.royalty).await?;
        self.check_classes(publication.assurances).await?;
        let manifest = manifest(&publication.artifact)?;
        let known = self.upload(signer.account(), manifest.identity).await?;
        let missing = known.as_ref().map_or(manifest.chunks.len(), |view| view.missing.len());
        let model = self.find_model(signer.account(), &publication.name).await?;
        let mut calls = vec![publish_call(ModelId(0), publication)];
        if model.is_none() {
            calls.push(model_registry::create(model_name(&publication.name)?));
        }
        if known.is_none() {
            calls.push(storage::create(manifest.clone()));
        }
        let mut fees: Balance = 0;
        for call in &calls {
            fees = fees.saturating_add(self.estimate_fee(call, signer).await?);
        }
        if missing > 0 {
            let largest = publication.artifact.len().min(MAX_CHUNK_BYTES as usize);
            let chunk = publication.artifact[..largest].to_vec();
            let fee =
                self.estimate_fee(&storage::upload(manifest.identity, 0, chunk), signer).await?;
            fees = fees.saturating_add(fee.saturating_mul(missing as Balance));
        }
        let mut transactions = calls.len() + missing;
        if let Some(graph) = publication.provable()? {
            let audit = self.plan_audit_from(VersionId::default(), &graph, 0, signer).await?;
            transactions += audit.transactions;
            fees = fees.saturating_add(audit.fees);
        }
        Ok(PublishPlan { size: manifest.size, missing_chunks: missing, transactions, fees })
    }

    /// Publishes bytes as an artifact and returns its identity. Chunks that are already on chain are
    /// not sent again, so an interrupted upload can be resumed.
    ///
    /// # Errors
    ///
    /// - [`Error::Invalid`]: the bytes are empty or too many.
    /// - [`Error::Stalled`]: chunks are still missing after several rounds.
    /// - Those of [`Client::submit`].
    pub async fn publish_artifact(
        &self,
        bytes: &[u8],
        signer: &Signer,
        progress: &(dyn Fn(PublishProgress) + Sync),
    ) -> Result<Digest> {
        let manifest = manifest(bytes)?;
        let (artifact, total) = (manifest.identity, manifest.chunks.len());
        let owner = signer.account();
        if self.upload(owner, artifact).await?.is_none() {
            let outcome = self.submit(&storage::create(manifest), signer).await;
            accept_repetition(outcome, "AlreadyExists")?;
            progress(PublishProgress::ArtifactCreated { artifact });
        }
        let chunks: Vec<_> = ArtifactManifest::split(bytes).collect();
        for _ in 0..UPLOAD_ROUNDS {
            let missing = match self.upload(owner, artifact).await? {
                Some(view) => view.missing,
                // The block with the announcement was replaced; a later one will include it.
                None => {
                    self.rpc().next_block().await?;
                    continue;
                },
            };
            if missing.is_empty() {
                return Ok(artifact);
            }
            let mut done = total.saturating_sub(missing.len());
            let calls: Vec<_> = missing
                .iter()
                .filter_map(|index| Some((*index, *chunks.get(*index as usize)?)))
                .map(|(index, chunk)| storage::upload(artifact, index, chunk.to_vec()))
                .collect();
            let mut uploads = stream::iter(&calls)
                .map(|call| async {
                    accept_repetition(self.submit(call, signer).await, "ChunkExists")
                })
                .buffer_unordered(PARALLEL_UPLOADS);
            while uploads.try_next().await?.is_some() {
                done += 1;
                progress(PublishProgress::Uploaded { done, total });
            }
        }
        match self.upload(owner, artifact).await? {
            Some(view) if view.missing.is_empty() => Ok(artifact),
            _ => Err(Error::Stalled(
                "chunks of the artifact are still missing after several uploads; publish again to \
                 resume"
                    .into(),
            )),
        }
    }

    /// Publishes a version, with its artifact and its model if they do not exist yet. If it offers
    /// class `Proof`, also submits its weights until their audit is complete. Can be repeated:
    /// publishing the newest version again creates no other version, and an interrupted publication
    /// is resumed. A new version is in a final block when this returns.
    ///
    /// # Errors
    ///
    /// Those of [`Client::plan`], [`Client::publish_artifact`], [`Client::submit_final`] and
    /// [`Client::audit`].
    pub async fn publish(
        &self,
        publication: &Publication,
        signer: &Signer,
        progress: &(dyn Fn(PublishProgress) + Sync),
    ) -> Result<PublishedVersion> {
        publication.check()?;
        let before = self.balance(signer.account()).await?;
        let descriptor = publication.descriptor();
        let (digest, artifact) = (descriptor.digest(), descriptor.artifact);
        let found = self.find_published(publication, signer).await?;
        let version = match found {
            Some(version) => version,
            None => self.publish_new(publication, signer, progress).await?,
        };
        if let Some(graph) = publication.provable()? {
            let progress = |step| progress(PublishProgress::Audited(step));
            self.audit(version, &graph, signer, &progress).await?;
        }
        let after = self.balance(signer.account()).await?;
        Ok(PublishedVersion {
            version,
            digest,
            artifact,
            existed: found.is_some(),
            fees: before.total().saturating_sub(after.total()),
            deposit: after.reserved.saturating_sub(before.reserved),
        })
    }

    async fn publish_new(
        &self,
        publication: &Publication,
        signer: &Signer,
        progress: &(dyn Fn(PublishProgress) + Sync),
    ) -> Result<VersionId> {
        self.check_royalty(publication.royalty).await?;
        self.check_classes(publication.assurances).await?;
        let (_, model) = futures::try_join!(
            self.publish_artifact(&publication.artifact, signer, progress),
            self.find_or_create_model(&publication.name, signer, progress),
        )?;
        self.submit_final(&publish_call(model, publication), signer).await?;
        let version = self.newest(signer, &publication.name).await?;
        let version = version
            .ok_or_else(|| Error::not_found("the published version does not exist any more"))?;
        progress(PublishProgress::Published { version });
        Ok(version)
    }

    /// The signer's newest version under the publication's name, if it has the same descriptor.
    /// Royalty, licence and metadata may differ: see [`Client::differences`].
    pub async fn find_published(
        &self,
        publication: &Publication,
        signer: &Signer,
    ) -> Result<Option<VersionId>> {
        let Some(newest) = self.newest(signer, &publication.name).await? else { return Ok(None) };
        let digest = publication.descriptor().digest();
        let view = self.version(newest).await?;
        Ok(view.filter(|view| view.digest == digest).map(|view| view.id))
    }

    /// The differences between a publication and a published version with the same descriptor.
    pub async fn differences(
        &self,
        publication: &Publication,
        version: VersionId,
    ) -> Result<Vec<Difference>> {
        let terms = self.version_terms(version).await?;
        Ok(terms.map(|terms| differences(publication, terms)).unwrap_or_default())
    }

    async fn find_or_create_model(
        &self,
        name: &str,
        signer: &Signer,
        progress: &(dyn Fn(PublishProgress) + Sync),
    ) -> Result<ModelId> {
        if let Some((model, _)) = self.find_model(signer.account(), name).await? {
            return Ok(model);
        }
        self.submit_final(&model_registry::create(model_name(name)?), signer).await?;
        let found = self.find_model(signer.account(), name).await?;
        let (model, _) =
            found.ok_or_else(|| Error::not_found("the created model does not exist any more"))?;
        progress(PublishProgress::ModelCreated { model });
        Ok(model)
    }

    async fn newest(&self, signer: &Signer, name: &str) -> Result<Option<VersionId>> {
        let found = self.find_model(signer.account(), name).await?;
        let newest = found.filter(|(_, number)| *number > 0);
        Ok(newest.map(|(model, number)| VersionId { model, number }))
    }
}

fn publish_call(model: ModelId, publication: &Publication) -> crate::Call {
    model_registry::publish(
        model,
        publication.descriptor(),
        publication.royalty,
        publication.licence.clone(),
        publication.metadata,
        publication.architecture.as_ref().map(Encode::encode),
    )
}

fn manifest(bytes: &[u8]) -> Result<ArtifactManifest> {
    match bytes.len() as u64 {
        0 => Err(Error::invalid("an artifact must not be empty")),
        size if size > MAX_ARTIFACT_BYTES => Err(Error::invalid(format!(
            "the artifact has {size} bytes; the maximum is {MAX_ARTIFACT_BYTES}"
        ))),
        _ => Ok(ArtifactManifest::of(bytes)),
    }
}

fn model_name(name: &str) -> Result<ModelName> {
    let invalid = || {
        Error::invalid(format!(
            "`{name}` is not a model name: expected at most 64 lower-case letters, digits and inner \
             hyphens"
        ))
    };
    if !is_model_name(name.as_bytes()) {
        return Err(invalid());
    }
    name.as_bytes().to_vec().try_into().map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publication() -> Publication {
        let declaration = Declaration::from_json(
            r#"{"inputs": [{"name": "x", "element_type": "f32", "shape": [1]}],
                "outputs": [{"name": "y", "element_type": "f32", "shape": [1]}]}"#,
        )
        .unwrap();
        Publication {
            name: "digits".into(),
            artifact: vec![8, 8, 0x3a, 2, 0x0a, 0],
            architecture: None,
            licence: crate::declaration::licence(None, &declaration).unwrap(),
            declaration,
            royalty: Share::default(),
            tolerance: None,
            assurances: crate::names::parse_classes("signed").unwrap(),
            metadata: None,
        }
    }

    #[test]
    fn what_the_chain_would_refuse_is_not_sent() {
        publication().check().unwrap();
        let broken = |change: fn(&mut Publication)| {
            let mut publication = publication();
            change(&mut publication);
            publication.check().unwrap_err().to_string()
        };
        assert!(broken(|p| p.name = "Digits".into()).contains("not a model name"));
        assert!(broken(|p| p.artifact.clear()).contains("empty"));
        assert!(broken(|p| p.assurances = AssuranceClasses::NONE).contains("no assurance class"));
        assert!(broken(|p| p.assurances = crate::names::parse_classes("quorum").unwrap())
            .contains("--tolerance"));
        let mut tolerant = publication();
        tolerant.assurances = crate::names::parse_classes("quorum").unwrap();
        tolerant.tolerance = Some(Tolerance { millionths: 0 });
        tolerant.check().unwrap();
        assert!(broken(|p| p.assurances = crate::names::parse_classes("signed,proof").unwrap())
            .contains("quantize"));
    }

    #[test]
    fn a_graph_is_published_with_its_architecture() {
        use crate::graph::tests::{graph, sealed};
        let publication = |graph: assay_graph::Graph, classes: &str| {
            let artifact = graph.encode();
            let declaration = GraphFile::from_bytes(&artifact).unwrap().declaration();
            let architecture = Some(graph.architecture);
            let assurances = crate::names::parse_classes(classes).unwrap();
            Publication { artifact, declaration, architecture, assurances, ..publication() }
        };
        let proven = publication(sealed(), "signed,quorum,proof");
        proven.check().unwrap();
        let descriptor = proven.descriptor();
        assert_eq!(descriptor.format, Format::IntegerGraph);
        assert_eq!(descriptor.architecture, Some(Digest::from(sealed().digest())));
        publication(graph(), "signed,quorum").check().unwrap();
        let reason = |publication: Publication| publication.check().unwrap_err().to_string();
        assert!(reason(publication(graph(), "proof")).contains("cannot be proven"));
        let tolerance = Some(Tolerance { millionths: 0 });
        assert!(reason(Publication { tolerance, ..proven.clone() }).contains("--tolerance"));
        let architecture = Some(graph().architecture);
        assert!(reason(Publication { architecture, ..proven.clone() }).contains("does not match"));
        let declaration = super::tests::publication().declaration;
        assert!(reason(Publication { declaration, ..proven }).contains("one input, of type i8"));
    }

    #[test]
    fn fields_outside_the_descriptor_are_compared() {
        let mut publication = publication();
        let published = VersionListing {
            royalty: publication.royalty,
            licence: publication.licence.clone(),
            metadata: publication.metadata,
        };
        assert_eq!(differences(&publication, published.clone()), []);
        let given = Share::from_percent("10").unwrap();
        publication.royalty = given;
        publication.metadata = Some(Digest::repeat_byte(1));
        assert_eq!(
            differences(&publication, published.clone()),
            [
                Difference::Royalty { published: published.royalty, given },
                Difference::Metadata { published: None, given: publication.metadata },
            ]
        );
        publication.licence = b"MIT".to_vec().try_into().unwrap();
        assert_eq!(differences(&publication, published).len(), 3);
    }

    #[test]
    fn the_descriptor_names_the_artifact() {
        let publication = publication();
        let descriptor = publication.descriptor();
        assert_eq!(descriptor.artifact_size, 6);
        assert_eq!(manifest(&publication.artifact).unwrap().identity, descriptor.artifact);
        assert!(manifest(&[]).is_err());
    }

    #[test]
    fn the_identities_of_the_bundled_models_are_those_of_the_training_scripts() {
        let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");
        for name in ["breast-cancer", "digits", "digits-mlp", "digits-28-mlp", "digits-32-conv"] {
            let description = std::fs::read(format!("{models}/{name}/model.json")).unwrap();
            let description: serde_json::Value = serde_json::from_slice(&description).unwrap();
            let described = &description["artifact"];
            let file = described["file"].as_str().unwrap();
            let bytes = std::fs::read(format!("{models}/{name}/{file}")).unwrap();
            let identity = format!("{:?}", ArtifactManifest::of(&bytes).identity);
            assert_eq!(described["identity"].as_str(), Some(identity.as_str()), "{name}");
        }
    }
}
