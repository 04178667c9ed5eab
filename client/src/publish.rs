//! Publishing: artifacts, models, versions.

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

/// Chunks that are under way at once.
const PARALLEL_UPLOADS: usize = 4;
/// Times that missing chunks are looked for: a reorganisation may lose some.
const UPLOAD_ROUNDS: u32 = 5;

/// Something to publish as a new version of a model.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Name of the model; it is created where the signer has none of that name.
    pub name: String,
    /// The model file: ONNX, or an integer graph.
    pub artifact: Vec<u8>,
    /// The architecture where the file is an integer graph; `None` for ONNX. See
    /// [`GraphFile::architecture`].
    pub architecture: Option<Architecture>,
    /// Its inputs and outputs.
    pub declaration: Declaration,
    /// SPDX licence expression.
    pub licence: Licence,
    /// Share of each price that goes to the owner.
    pub royalty: Share,
    /// When two outputs count as equal; needed by floating-point models in class `Quorum`.
    pub tolerance: Option<Tolerance>,
    /// Classes that requests may ask for.
    pub assurances: AssuranceClasses,
    /// Digest of further metadata.
    pub metadata: Option<Digest>,
}

impl Publication {
    /// What the version will declare.
    pub fn descriptor(&self) -> ModelDescriptor {
        ModelDescriptor {
            artifact: assay_primitives::digest(&self.artifact),
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

    /// Checks all that can be checked without a node.
    pub fn check(&self) -> Result<()> {
        model_name(&self.name)?;
        if self.assurances.is_empty() {
            return Err(Error::invalid("no assurance class is offered"));
        }
        match &self.architecture {
            Some(architecture) => self.check_graph(architecture),
            None => self.check_onnx(),
        }
    }

    /// The graph whose weights the chain has to read; `None` if class `Proof` is not offered.
    fn provable(&self) -> Result<Option<GraphFile>> {
        match self.assurances.contains(AssuranceClass::Proof) {
            true => GraphFile::from_bytes(&self.artifact).map(Some),
            false => Ok(None),
        }
    }

    fn check_graph(&self, architecture: &Architecture) -> Result<()> {
        let file = GraphFile::from_bytes(&self.artifact)?;
        if file.architecture() != architecture {
            return Err(Error::invalid("the architecture is not that of the graph"));
        }
        file.check_declaration(&self.declaration)?;
        if self.tolerance.is_some() {
            return Err(Error::invalid(
                "outputs of an integer graph are equal or not: leave --tolerance out",
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
                    "only an integer graph can offer class {}: `assay model quantize` makes one \
                     of an ONNX file",
                    class.name()
                )));
            }
        }
        let is_float = self.declaration.outputs.iter().any(|output| output.element_type.is_float());
        if self.assurances.contains(AssuranceClass::Quorum) && is_float && self.tolerance.is_none()
        {
            return Err(Error::invalid(
                "a model with floating-point outputs needs a tolerance to offer class quorum: add \
                 --tolerance 0.0001, or --tolerance 0 for bit-equal outputs",
            ));
        }
        Ok(())
    }
}

/// What has been done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublishProgress {
    /// The artifact is announced on chain.
    ArtifactCreated {
        /// Its digest.
        digest: Digest,
    },
    /// Chunks are on chain.
    Uploaded {
        /// Chunks that are there.
        done: usize,
        /// Chunks of the artifact.
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
    /// The chain reads the weights, so that proofs can be asked for.
    Audited(AuditProgress),
}

/// A version that is on chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedVersion {
    /// The version.
    pub version: VersionId,
    /// Its digest.
    pub digest: Digest,
    /// Digest of its artifact.
    pub artifact: Digest,
    /// Whether it was there before, as the model's newest version.
    pub existed: bool,
    /// Plancks that left the publisher's account for good: fees.
    pub fees: Balance,
    /// Plancks that are on hold until the version and its artifact are removed.
    pub deposit: Balance,
}

/// How a publication differs from what its owner said of a version with the same descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The royalty, which `set_royalty` changes.
    Royalty {
        /// The version's.
        published: Share,
        /// The publication's.
        given: Share,
    },
    /// The licence, which does not change.
    Licence {
        /// The version's.
        published: Licence,
        /// The publication's.
        given: Licence,
    },
    /// The digest of further metadata, which `set_metadata` changes.
    Metadata {
        /// The version's.
        published: Option<Digest>,
        /// The publication's.
        given: Option<Digest>,
    },
}

/// In what a publication differs from a version with the same descriptor.
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

/// What publishing takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishPlan {
    /// Bytes of the artifact.
    pub size: u64,
    /// Chunks that are not on chain yet.
    pub missing_chunks: usize,
    /// Transactions to send.
    pub transactions: usize,
    /// Their fees in plancks, at most; deposits come on top and are given back on removal.
    pub fees: Balance,
}

/// Where blocks were replaced by others, what is asked for again may have come back by itself: a
/// refusal that says so is a success.
fn accept_repetition(outcome: Result<Inclusion>, refusal_name: &str) -> Result<()> {
    match outcome {
        Err(Error::Refused { refusal, .. }) if refusal.name == refusal_name => Ok(()),
        outcome => outcome.map(drop),
    }
}

impl Client {
    /// What publishing would take now.
    pub async fn plan(&self, publication: &Publication, signer: &Signer) -> Result<PublishPlan> {
        publication.check()?;
        self.check_royalty(publication.royalty).await?;
        self.check_classes(publication.assurances).await?;
        let manifest = manifest(&publication.artifact)?;
        let known = self.upload(signer.account(), manifest.digest).await?;
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
            let chunk = &publication.artifact[..largest];
            let fee =
                self.estimate_fee(&storage::upload(manifest.digest, 0, chunk), signer).await?;
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

    /// Puts bytes on chain as an artifact. What is there already is not sent again, so an
    /// interrupted upload is taken up where it stopped.
    pub async fn publish_artifact(
        &self,
        bytes: &[u8],
        signer: &Signer,
        progress: &(dyn Fn(PublishProgress) + Sync),
    ) -> Result<Digest> {
        let manifest = manifest(bytes)?;
        let (digest, total) = (manifest.digest, manifest.chunks.len());
        let owner = signer.account();
        match self.upload(owner, digest).await? {
            None => {
                let outcome = self.submit(&storage::create(manifest), signer).await;
                accept_repetition(outcome, "AlreadyExists")?;
                progress(PublishProgress::ArtifactCreated { digest });
            },
            Some(view) if view.manifest != manifest => {
                return Err(occupied(digest, view.owner == *owner))
            },
            Some(_) => {},
        }
        let chunks: Vec<_> = ArtifactManifest::split(bytes).collect();
        for _ in 0..UPLOAD_ROUNDS {
            let missing = match self.upload(owner, digest).await? {
                Some(view) => view.missing,
                // The block with the announcement was replaced; a later one will have it.
                None => {
                    self.rpc().next_block().await?;
                    continue;
                },
            };
            if missing.is_empty() {
                return Ok(digest);
            }
            let mut done = total.saturating_sub(missing.len());
            let calls: Vec<_> = missing
                .iter()
                .filter_map(|index| Some((*index, *chunks.get(*index as usize)?)))
                .map(|(index, chunk)| storage::upload(digest, index, chunk))
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
        match self.upload(owner, digest).await? {
            Some(view) if view.missing.is_empty() => Ok(digest),
            _ => Err(Error::Stalled(
                "the chain keeps losing chunks of the artifact; publish again to go on".into(),
            )),
        }
    }

    /// Publishes a version, with its artifact and its model where they are not there yet. Then
    /// shows the chain its weights, if it offers class `Proof`, until the chain has read them all.
    /// The same version twice in a row is one, and what was interrupted goes on. A new version is in
    /// a final block when this returns.
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
            .ok_or_else(|| Error::not_found("the published version is not there any more"))?;
        progress(PublishProgress::Published { version });
        Ok(version)
    }

    /// The signer's newest version of the publication's name, if it declares just what the
    /// publication does. Royalty, licence and metadata may be others: see
    /// [`Client::differences`].
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

    /// In what a publication differs from what its owner said of a published version.
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
            found.ok_or_else(|| Error::not_found("the created model is not there any more"))?;
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

/// The chain cannot check the digest of a whole of several chunks.
fn occupied(digest: Digest, own: bool) -> Error {
    Error::invalid(if own {
        format!(
            "you announced artifact {digest:?} with the wrong chunks; remove it, then publish again"
        )
    } else {
        format!(
            "another account has put other bytes on chain as artifact {digest:?}; change the file, \
             and thus its digest"
        )
    })
}

fn manifest(bytes: &[u8]) -> Result<ArtifactManifest> {
    match bytes.len() as u64 {
        0 => Err(Error::invalid("an artifact must not be empty")),
        size if size > MAX_ARTIFACT_BYTES => Err(Error::invalid(format!(
            "the artifact has {size} bytes; the chain keeps {MAX_ARTIFACT_BYTES} at most"
        ))),
        _ => Ok(ArtifactManifest::of(bytes)),
    }
}

fn model_name(name: &str) -> Result<ModelName> {
    let invalid = || {
        Error::invalid(format!(
            "`{name}` is not a model name: names are lower-case letters, digits and inner \
             hyphens, 64 at most"
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
        assert!(broken(|p| p.assurances = AssuranceClasses::NONE).contains("no assurance"));
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
        assert!(reason(Publication { architecture, ..proven.clone() }).contains("not that of"));
        let declaration = super::tests::publication().declaration;
        assert!(reason(Publication { declaration, ..proven }).contains("one input, of i8"));
    }

    #[test]
    fn what_the_descriptor_does_not_fix_is_compared() {
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
        assert_eq!(descriptor.artifact, assay_primitives::digest(&publication.artifact));
        assert_eq!(descriptor.artifact_size, 6);
        assert_eq!(manifest(&publication.artifact).unwrap().digest, descriptor.artifact);
        assert!(manifest(&[]).is_err());
    }
}
