//! `model`: publish and look up models.

use std::path::Path;

use assay_client::{
    amount,
    calls::{model_registry, storage},
    declaration,
    graph::is_graph,
    names,
    payload::format_shape,
    publish::Publication,
    queries::version_name,
    AccountId, AuditProgress, Client, Declaration, Difference, Error, GraphFile, ModelReference,
    PublishProgress,
};
use assay_primitives::{
    runtime_api::VersionView, AssuranceClass, AssuranceClasses, Digest, Dimension, ModelId,
    TensorDeclaration, VersionId,
};
use serde_json::{json, Value};

use crate::{
    args::{ModelCommand, Publish},
    context::Context,
    failure::Failure,
    output::{count, fields, table},
};

/// Number of versions in one query.
const PAGE: u32 = 100;

pub async fn run(context: &Context<'_>, command: ModelCommand) -> Result<(), Failure> {
    match command {
        ModelCommand::Publish(arguments) => publish(context, arguments).await,
        ModelCommand::Quantize(arguments) => super::quantize::run(context, arguments).await,
        ModelCommand::Prepare(arguments) => super::quantize::prepare(context, &arguments),
        ModelCommand::List { from, limit } => list(context, ModelId(from), limit).await,
        ModelCommand::Show { model } => show(context, &model).await,
        ModelCommand::SetRoyalty { model, royalty } => {
            context.signer()?;
            let client = context.connect().await?;
            client.check_royalty(royalty).await?;
            let version = client.resolve(&model).await?;
            let done = format!("new requests for {} pay you {royalty}", version_name(&version));
            super::send(context, model_registry::set_royalty(version.id, royalty), &done).await
        },
        ModelCommand::SetMetadata { model, digest, none: _ } => {
            context.signer()?;
            let version = context.connect().await?.resolve(&model).await?;
            let metadata = or_none(digest);
            let done = format!("the metadata of {} is now {metadata}", version_name(&version));
            super::send(context, model_registry::set_metadata(version.id, digest), &done).await
        },
        ModelCommand::Transfer { model, to, withdraw: _ } => transfer(context, &model, to).await,
        ModelCommand::Accept { model } => {
            let account = context.signer()?.account().clone();
            let id = context.connect().await?.resolve_model(&model).await?.model;
            let done = format!("model {id}, formerly {model}, now belongs to {account}");
            super::send(context, model_registry::accept(id), &done).await
        },
        ModelCommand::Audit { model, file } => audit(context, &model, file.as_deref()).await,
        ModelCommand::Deprecate { model } => {
            context.signer()?;
            let version = context.connect().await?.resolve(&model).await?;
            let done = format!("{} accepts no new requests", version_name(&version));
            super::send(context, model_registry::deprecate(version.id), &done).await
        },
        ModelCommand::Remove { model, artifact, whole } => {
            remove(context, &model, artifact, whole).await
        },
    }
}

async fn transfer(
    context: &Context<'_>,
    model: &ModelReference,
    to: Option<AccountId>,
) -> Result<(), Failure> {
    let signer = context.signer()?;
    let id = context.connect().await?.resolve_model(model).await?.model;
    let done = match &to {
        Some(to) => format!("{model} is offered to {to}, who accepts it with `model accept`"),
        None => format!("the offer of {model} is withdrawn"),
    };
    // An offer to the owner withdraws the earlier one.
    let to = to.unwrap_or_else(|| signer.account().clone());
    super::send(context, model_registry::transfer(id, to), &done).await
}

async fn publish(context: &Context<'_>, arguments: Publish) -> Result<(), Failure> {
    let signer = context.signer()?;
    // Only terms that were given are compared with those of an existing version.
    let royalty_given = arguments.royalty_percent.is_some();
    let metadata_given = arguments.metadata.is_some();
    let artifact =
        std::fs::read(&arguments.file).map_err(|error| Error::file(&arguments.file, error))?;
    let graph = match is_graph(&artifact) {
        true => Some(read_graph(context, &artifact, arguments.assurance)?),
        false => None,
    };
    let declaration = match (&arguments.declaration, &graph) {
        (Some(path), _) => Declaration::from_file(path)?,
        // A graph describes its own tensors.
        (None, Some(graph)) => graph.declaration_beside(&arguments.file)?,
        (None, None) => Declaration::beside(&arguments.file)?,
    };
    let licence_given = arguments.licence.is_some() || declaration.licence.is_some();
    let publication = Publication {
        name: arguments.name,
        artifact,
        architecture: graph.map(|graph| graph.architecture().clone()),
        licence: declaration::licence(arguments.licence.as_deref(), &declaration)?,
        declaration,
        royalty: arguments.royalty_percent.unwrap_or_default(),
        tolerance: arguments.tolerance,
        assurances: arguments.assurance,
        metadata: arguments.metadata,
    };
    publication.check()?;

    let output = context.output;
    let client = context.connect().await?;
    match client.find_published(&publication, &signer).await? {
        Some(version) => {
            let mut differences = client.differences(&publication, version).await?;
            differences.retain(|difference| match difference {
                Difference::Royalty { .. } => royalty_given,
                Difference::Licence { .. } => licence_given,
                Difference::Metadata { .. } => metadata_given,
            });
            if !differences.is_empty() {
                return Err(Failure::Usage(differing(version, &differences)));
            }
        },
        None => {
            let plan = client.plan(&publication, &signer).await?;
            output.note(format!(
                "{} bytes, {}, fees of about {}; deposits are additional and are returned on removal",
                plan.size,
                count(plan.transactions, "transaction"),
                amount::display(plan.fees)
            ));
        },
    }
    let progress = |step: PublishProgress| output.progress(describe(&step));
    let published = client.publish(&publication, &signer, &progress).await?;
    let name = format!("{}/{}@{}", signer.account(), publication.name, published.version.number);
    let json = json!({
        "model": published.version.model,
        "version": published.version.number,
        "name": name,
        "digest": published.digest,
        "artifact": published.artifact,
        "architecture": publication.descriptor().architecture,
        "existed": published.existed,
        "fees": published.fees.to_string(),
        "deposit": published.deposit.to_string(),
    });
    output.result(&json, || {
        if published.existed && published.fees == 0 {
            return format!("{name} already is this version; nothing was sent");
        }
        fields(&[
            ("published", name.clone()),
            ("version", published.version.to_string()),
            ("version digest", format!("{:?}", published.digest)),
            ("fees", amount::display(published.fees)),
            ("deposit", amount::display(published.deposit)),
        ])
    });
    Ok(())
}

/// Checks an integer graph. If class `Proof` is offered, also prints the soundness of its proofs.
fn read_graph(
    context: &Context<'_>,
    artifact: &[u8],
    classes: AssuranceClasses,
) -> Result<GraphFile, Failure> {
    let output = context.output;
    let graph = GraphFile::from_bytes(artifact)?;
    output.note(format!(
        "an integer graph of {} operations, which passes all checks; architecture {:?}",
        graph.architecture().operations.len(),
        Digest::from(graph.architecture().digest())
    ));
    if classes.contains(AssuranceClass::Proof) {
        output.progress("recomputing the commitment to the weights");
        let bits = graph.check_provable()?;
        output.note(format!("its proofs have {} bits of soundness", bits.floor()));
    }
    Ok(graph)
}

/// The message if the newest version has the same descriptor, but other terms than were given.
fn differing(version: VersionId, differences: &[Difference]) -> String {
    let text = |licence: &[u8]| String::from_utf8_lossy(licence).into_owned();
    let lines: Vec<_> = differences
        .iter()
        .map(|difference| match difference {
            Difference::Royalty { published, given } => format!(
                "the royalty is {published}, not {given}: change it with `assay model \
                 set-royalty {version} {}`",
                given.to_string().trim_end_matches('%')
            ),
            Difference::Licence { published, given } => format!(
                "the licence is {}, not {}: it cannot be changed; remove the version, or publish \
                 under another name",
                text(published),
                text(given)
            ),
            Difference::Metadata { published, given } => format!(
                "the metadata is {}, not {}: change it with `assay model set-metadata {version} \
                 {}`",
                or_none(*published),
                or_none(*given),
                or_none(*given)
            ),
        })
        .collect();
    format!(
        "nothing was sent: version {version} already has these contents, but {}",
        lines.join("; and ")
    )
}

fn or_none(digest: Option<Digest>) -> String {
    digest.map_or_else(|| "none".to_owned(), |digest| format!("{digest:?}"))
}

/// A step of a publication as text.
pub fn describe(step: &PublishProgress) -> String {
    match step {
        PublishProgress::ArtifactCreated { artifact } => format!("announced artifact {artifact:?}"),
        PublishProgress::Uploaded { done, total } => {
            format!("uploaded {done} of {}", count(total, "chunk"))
        },
        PublishProgress::ModelCreated { model } => format!("created model {model}"),
        PublishProgress::Published { version } => format!("published version {version}"),
        PublishProgress::Audited(progress) => describe_audit(*progress),
    }
}

fn describe_audit(AuditProgress { done, total }: AuditProgress) -> String {
    format!("the chain has read {done} of {total} bytes of weights")
}

/// The state of a version's weights audit as text; `None` if it needs none.
fn audit_state(version: &VersionView<AccountId>) -> Option<String> {
    let audit = version.audit?;
    Some(match audit.is_done() {
        true => "complete: the chain has read all weights".to_owned(),
        false => format!(
            "{} of {} bytes of weights; `assay model audit {}` submits the rest",
            audit.done, audit.total, version.id
        ),
    })
}

async fn audit(
    context: &Context<'_>,
    model: &ModelReference,
    file: Option<&Path>,
) -> Result<(), Failure> {
    let signer = context.signer()?;
    let output = context.output;
    let client = context.connect().await?;
    let version = client.resolve(model).await?;
    let name = version_name(&version);
    let Some(before) = version.audit else {
        return Err(Failure::Usage(format!(
            "{name} does not offer class proof, so its weights are not audited"
        )));
    };
    let bytes = match file {
        Some(path) => std::fs::read(path).map_err(|error| Error::file(path, error))?,
        // Nothing is left to submit, so the file is not needed.
        None if before.is_done() => Vec::new(),
        None => {
            output.progress(format!("downloading {name} from the chain"));
            client.download_artifact(version.descriptor.artifact).await?
        },
    };
    let balance = client.balance(signer.account()).await?;
    if !bytes.is_empty() {
        let graph = GraphFile::from_bytes(&bytes)?;
        let plan = client.plan_audit(version.id, &graph, &signer).await?;
        if plan.transactions > 0 {
            output.note(format!(
                "{}, fees of about {}",
                count(plan.transactions, "transaction"),
                amount::display(plan.fees)
            ));
        }
        let progress = |step| output.progress(describe_audit(step));
        client.audit(version.id, &graph, &signer, &progress).await?;
    }
    let fees = balance.total().saturating_sub(client.balance(signer.account()).await?.total());
    let json = json!({
        "model": version.id.model,
        "version": version.id.number,
        "name": name,
        "bytes": before.total,
        "existed": before.is_done(),
        "fees": fees.to_string(),
    });
    output.result(&json, || {
        if before.is_done() {
            return format!("the chain has already read all weights of {name}");
        }
        format!(
            "the chain has read all {} bytes of weights of {name}; fees of {}; proofs can now be \
             requested",
            before.total,
            amount::display(fees)
        )
    });
    Ok(())
}

async fn list(context: &Context<'_>, from: ModelId, limit: u32) -> Result<(), Failure> {
    let versions = all(&context.connect().await?, from, limit).await?;
    let json: Vec<_> = versions.iter().map(to_json).collect();
    context.output.result(&json, || {
        let rows: Vec<_> = versions
            .iter()
            .map(|version| {
                vec![
                    version.id.to_string(),
                    version_name(version),
                    names::format_classes(version.descriptor.assurances),
                    version.operators.to_string(),
                    version.open_requests.to_string(),
                    String::from_utf8_lossy(&version.licence).into_owned(),
                    status(version).to_owned(),
                ]
            })
            .collect();
        let header = ["VERSION", "NAME", "ASSURANCE", "OPERATORS", "OPEN", "LICENCE", "STATUS"];
        table(&header, &rows)
    });
    Ok(())
}

/// The versions of the models from `from` on, page by page.
async fn all(
    client: &Client,
    from: ModelId,
    limit: u32,
) -> Result<Vec<VersionView<AccountId>>, Failure> {
    let mut versions: Vec<VersionView<AccountId>> = Vec::new();
    let mut from = from;
    while (versions.len() as u32) < limit {
        let page = client.versions(from, PAGE.min(limit)).await?;
        let Some(last) = page.last().map(|version| version.id.model) else { break };
        let is_last = (page.len() as u32) < PAGE.min(limit);
        for version in page {
            if !versions.iter().any(|known| known.id == version.id) {
                versions.push(version);
            }
        }
        if is_last {
            break;
        }
        // The page may not contain all versions of the last model: query it again, unless it fills
        // the page.
        from = if last == from { ModelId(last.0.saturating_add(1)) } else { last };
    }
    versions.truncate(limit as usize);
    Ok(versions)
}

/// Whether a version accepts requests. Proofs can be requested only after the audit.
fn status(version: &VersionView<AccountId>) -> &'static str {
    match version.audit {
        _ if version.deprecated => "deprecated",
        Some(audit) if !audit.is_done() => "active, not audited",
        _ => "active",
    }
}

async fn show(context: &Context<'_>, model: &ModelReference) -> Result<(), Failure> {
    let version = context.connect().await?.resolve(model).await?;
    context.output.result(&to_json(&version), || {
        let descriptor = &version.descriptor;
        let tensors = |declarations: &[TensorDeclaration]| {
            let each = declarations.iter().map(|one| {
                format!("{} {} {}", one.name(), one.element_type.name(), format_shape(&one.shape))
            });
            each.collect::<Vec<_>>().join("; ")
        };
        let tolerance = descriptor.tolerance.map_or("none".to_owned(), |tolerance| {
            format!("{}", f64::from(tolerance.millionths) / 1e6)
        });
        let mut lines = vec![
            ("name", version_name(&version)),
            ("version", version.id.to_string()),
            ("status", status(&version).to_owned()),
            ("version digest", format!("{:?}", version.digest)),
            ("artifact", format!("{:?}", descriptor.artifact)),
            ("bytes", descriptor.artifact_size.to_string()),
            ("inputs", tensors(&descriptor.inputs)),
            ("outputs", tensors(&descriptor.outputs)),
            ("assurance", names::format_classes(descriptor.assurances)),
            ("tolerance", tolerance),
            ("royalty", format!("{}%", f64::from(version.royalty_ppm) / 1e4)),
            ("licence", String::from_utf8_lossy(&version.licence).into_owned()),
            ("operators", version.operators.to_string()),
            ("open requests", version.open_requests.to_string()),
        ];
        if let Some(architecture) = descriptor.architecture {
            lines.push(("architecture", format!("{architecture:?}")));
        }
        if let Some(terms) = version.proof {
            lines.push(("proofs", format!("{} bits of soundness", terms.security_bits)));
        }
        if let Some(state) = audit_state(&version) {
            lines.push(("audit", state));
        }
        fields(&lines)
    });
    Ok(())
}

async fn remove(
    context: &Context<'_>,
    model: &ModelReference,
    artifact: bool,
    whole: bool,
) -> Result<(), Failure> {
    let signer = context.signer()?;
    let client = context.connect().await?;
    let before = client.balance(signer.account()).await?;
    let mut calls = Vec::new();
    match client.resolve(model).await {
        Ok(version) => {
            calls.push(model_registry::remove_version(version.id));
            if artifact {
                calls.push(storage::remove(version.descriptor.artifact));
            }
            if whole {
                calls.push(model_registry::remove_model(version.id.model));
            }
        },
        // A model without versions can still be removed.
        Err(Error::NotFound(_)) if whole && !artifact => {
            let id = client.resolve_model(model).await?.model;
            calls.push(model_registry::remove_model(id));
        },
        Err(error) => return Err(error.into()),
    }
    for call in &calls {
        context.output.progress(format!("sending {}", call.path()));
        client.submit(call, &signer).await?;
    }
    let after = client.balance(signer.account()).await?;
    let returned = before.reserved.saturating_sub(after.reserved);
    let sent: Vec<_> = calls.iter().map(|call| call.path()).collect();
    let json = json!({ "calls": sent, "returned": returned.to_string() });
    context.output.result(&json, || {
        format!("removed {model}; deposits of {} were returned", amount::display(returned))
    });
    Ok(())
}

/// A version as JSON.
fn to_json(version: &VersionView<AccountId>) -> Value {
    let descriptor = &version.descriptor;
    let tensors = |declarations: &[TensorDeclaration]| -> Vec<Value> {
        declarations
            .iter()
            .map(|one| {
                let shape: Vec<_> = one
                    .shape
                    .iter()
                    .map(|dimension| match dimension {
                        Dimension::Fixed(size) => json!(size),
                        Dimension::Free => Value::Null,
                    })
                    .collect();
                json!({"name": one.name(), "element_type": one.element_type, "shape": shape})
            })
            .collect()
    };
    json!({
        "model": version.id.model,
        "version": version.id.number,
        "name": version_name(version),
        "owner": version.owner.to_string(),
        "digest": version.digest,
        "artifact": descriptor.artifact,
        "artifact_size": descriptor.artifact_size,
        "format": descriptor.format,
        "architecture": descriptor.architecture,
        "security_bits": version.proof.map(|terms| terms.security_bits),
        "audit": version.audit.map(|audit| json!({ "done": audit.done, "total": audit.total })),
        "inputs": tensors(&descriptor.inputs),
        "outputs": tensors(&descriptor.outputs),
        "assurance": names::format_classes(descriptor.assurances),
        "tolerance_millionths": descriptor.tolerance.map(|tolerance| tolerance.millionths),
        "royalty_ppm": version.royalty_ppm,
        "licence": String::from_utf8_lossy(&version.licence),
        "deprecated": version.deprecated,
        "operators": version.operators,
        "open_requests": version.open_requests,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::calls::Share;
    use assay_primitives::{Format, ModelDescriptor, WeightsAudit};

    fn version(audit: Option<WeightsAudit>) -> VersionView<AccountId> {
        VersionView {
            id: VersionId { model: ModelId(3), number: 1 },
            owner: AccountId::from([1; 32]),
            name: b"digits".to_vec(),
            descriptor: ModelDescriptor {
                artifact: Digest::zero(),
                artifact_size: 1,
                format: Format::IntegerGraph,
                inputs: Default::default(),
                outputs: Default::default(),
                assurances: AssuranceClasses::NONE.with(AssuranceClass::Proof),
                tolerance: None,
                architecture: None,
            },
            digest: Digest::zero(),
            royalty_ppm: 0,
            licence: Vec::new(),
            deprecated: false,
            open_requests: 0,
            operators: 0,
            proof: None,
            audit,
        }
    }

    #[test]
    fn a_version_shows_the_progress_of_its_audit() {
        let audit = |done| Some(WeightsAudit { done, ..WeightsAudit::of(24) });
        let (started, done) = (version(audit(12)), version(audit(24)));
        let state = audit_state(&started).unwrap();
        assert!(state.contains("12 of 24") && state.contains("`assay model audit 3@1`"), "{state}");
        assert!(audit_state(&done).unwrap().starts_with("complete"));
        assert_eq!(audit_state(&version(None)), None);
        assert_eq!([&started, &done].map(status), ["active, not audited", "active"]);
        assert_eq!(to_json(&started)["audit"], json!({ "done": 12, "total": 24 }));
        assert_eq!(to_json(&version(None))["audit"], Value::Null);
    }

    #[test]
    fn differences_from_the_published_version_come_with_remedies() {
        let share = |percent| Share::from_percent(percent).unwrap();
        let licence = |text: &str| text.as_bytes().to_vec().try_into().unwrap();
        let version = VersionId { model: ModelId(3), number: 1 };
        let message = differing(
            version,
            &[
                Difference::Royalty { published: share("5"), given: share("2.5") },
                Difference::Licence { published: licence("MIT"), given: licence("CC0-1.0") },
            ],
        );
        assert!(message.contains("the royalty is 5%, not 2.5%"), "{message}");
        assert!(message.contains("`assay model set-royalty 3@1 2.5`"), "{message}");
        assert!(message.contains("the licence is MIT, not CC0-1.0"), "{message}");
        let digest = Some(Digest::repeat_byte(1));
        let metadata = Difference::Metadata { published: None, given: digest };
        let message = differing(version, &[metadata]);
        assert!(message.contains("the metadata is none, not 0x0101"), "{message}");
        assert!(message.contains("set-metadata 3@1 0x0101"), "{message}");
    }
}
