//! `proof`: download validity proofs from the chain, and verify them without it.

use std::path::{Path, PathBuf};

use assay_client::{
    names, AccountId, Error, GraphInput, ModelReference, ProofStatement, ProofVerifier,
    ReceiptBundle, Scales,
};
use assay_primitives::{
    digest, Assurance, Digest, Evidence, ModelDescriptor, ProofEvidence, Receipt, RequestId,
};
use codec::Encode;
use serde_json::json;

use super::{answer, receipt};
use crate::{
    args::{ProofCommand, VerifyProof},
    context::Context,
    failure::Failure,
    output::fields,
};

pub async fn run(context: &Context<'_>, command: ProofCommand) -> Result<(), Failure> {
    match command {
        ProofCommand::Download { request, to, architecture } => {
            download(context, request, to, architecture).await
        },
        ProofCommand::Verify(arguments) => verify(context, arguments).await,
    }
}

async fn download(
    context: &Context<'_>,
    request: RequestId,
    to: PathBuf,
    architecture: Option<PathBuf>,
) -> Result<(), Failure> {
    let client = context.connect().await?;
    let proof = client.download_proof(request).await?;
    write(&to, &proof.bytes)?;
    let view = client.existing_request(request).await?;
    let version = client.version(view.version).await?;
    let audit = version.as_ref().and_then(|version| version.audit);
    let weights = audit.and_then(|audit| audit.outcome()).map(|weights| weights.to_string());
    if let Some(path) = &architecture {
        let version = version.ok_or_else(|| {
            Error::not_found(format!("version {} of the request was removed", view.version))
        })?;
        let architecture = client.architecture(&version).await?;
        let bytes = architecture.map(|one| one.encode()).ok_or_else(|| {
            Error::not_found(format!("version {} is not an integer graph", view.version))
        })?;
        write(path, &bytes)?;
    }
    let json = json!({
        "request": request,
        "file": to,
        "architecture": architecture,
        "weights": weights,
        "proof": proof.evidence.digest,
        "bytes": proof.evidence.bytes,
        "security_bits": proof.evidence.security_bits,
        "block": proof.block,
        "height": proof.height,
    });
    context.output.result(&json, || {
        let wrote = format!(
            "wrote {} ({} bytes) from block {}; verify it with `proof verify`",
            to.display(),
            proof.evidence.bytes,
            proof.height
        );
        match &weights {
            Some(weights) => format!("{wrote}\nfingerprint of the published weights: {weights}"),
            None => wrote,
        }
    });
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes)
        .map_err(|error| Failure::Unwritable { path: path.to_owned(), reason: error.to_string() })
}

/// The request of a proof, and what is known of its result.
struct Subject {
    genesis: Digest,
    request: RequestId,
    payer: AccountId,
    operator: AccountId,
    /// Digests of input and output, if there is a receipt.
    digests: Option<(Digest, Digest)>,
    /// The receipt's evidence of the proof that the chain verified.
    evidence: Option<ProofEvidence>,
    descriptor: Option<ModelDescriptor>,
    /// The output, if the chain still has it.
    output: Option<Vec<u8>>,
}

impl Subject {
    fn of_receipt(
        receipt: &Receipt<AccountId>,
        evidence: &Evidence<AccountId>,
        descriptor: Option<ModelDescriptor>,
    ) -> Result<Self, Failure> {
        let (Assurance::Proof, [item], Some(output)) =
            (receipt.assurance, &evidence[..], receipt.output_digest)
        else {
            return Err(Failure::Usage(format!(
                "request {} has no verified result in class proof: its receipt states the outcome \
                 {:?} in class {}",
                receipt.request,
                receipt.outcome,
                receipt.assurance.class().name()
            )));
        };
        Ok(Self {
            genesis: receipt.genesis,
            request: receipt.request,
            payer: receipt.payer.clone(),
            operator: item.operator.clone(),
            digests: Some((receipt.input_digest, output)),
            evidence: item.proof,
            descriptor,
            output: None,
        })
    }
}

async fn subject(context: &Context<'_>, arguments: &VerifyProof) -> Result<Subject, Failure> {
    if let Some(path) = &arguments.receipt {
        let verified = ReceiptBundle::from_file(path)?.verify(None)?;
        return Subject::of_receipt(&verified.receipt, &verified.evidence, verified.descriptor);
    }
    let request = arguments.request.ok_or_else(|| {
        Failure::Usage("name the request with --receipt FILE or --request NUMBER".to_owned())
    })?;
    let VerifyProof { genesis, payer, operator, .. } = arguments;
    if let (Some(genesis), Some(payer), Some(operator)) = (genesis, payer, operator) {
        return Ok(Subject {
            genesis: *genesis,
            request,
            payer: payer.clone(),
            operator: operator.clone(),
            digests: None,
            evidence: None,
            descriptor: None,
            output: None,
        });
    }
    let client = context.connect().await?;
    let view = client.existing_request(request).await?;
    let receipt = client.receipt(request).await?.ok_or_else(|| {
        Error::not_found(format!("request {request} has no receipt: {:?}", view.status))
    })?;
    let version = client.version(view.version).await?;
    let descriptor = version.map(|version| version.descriptor);
    let subject = Subject::of_receipt(&receipt.receipt, &receipt.evidence, descriptor)?;
    Ok(Subject { output: view.output, ..subject })
}

/// The verifier of a model in a file, or of a version on chain.
async fn verifier(context: &Context<'_>, model: &str) -> Result<ProofVerifier, Failure> {
    if Path::new(model).exists() {
        let bytes = std::fs::read(model).map_err(|error| Error::file(model, error))?;
        return Ok(ProofVerifier::from_bytes(&bytes)?);
    }
    let reference: ModelReference = model.parse().map_err(|error: Error| {
        Failure::Usage(format!("there is no file `{model}`, and {error}"))
    })?;
    let client = context.connect().await?;
    let version = client.resolve(&reference).await?;
    let architecture = client.architecture(&version).await?;
    let architecture = architecture
        .ok_or_else(|| Failure::Usage(format!("{reference} is not an integer graph")))?;
    let verifier = ProofVerifier::new(architecture)?;
    // This trusts the node; a file with the weights does not.
    Ok(match version.audit.and_then(|audit| audit.outcome()) {
        Some(weights) => verifier.with_weights(weights),
        None => verifier,
    })
}

async fn verify(context: &Context<'_>, arguments: VerifyProof) -> Result<(), Failure> {
    let proof =
        std::fs::read(&arguments.proof).map_err(|error| Error::file(&arguments.proof, error))?;
    let verifier = verifier(context, &arguments.model).await?;
    let verifier = match arguments.weights {
        Some(weights) if !verifier.knows_weights() => verifier.with_weights(weights),
        _ => verifier,
    };
    if !verifier.knows_weights() {
        return Err(Failure::Usage(format!(
            "{} is an architecture without weights, which admits proofs of other weights: add \
             --weights with the fingerprint that `proof download` prints, or use the model's file",
            arguments.model
        )));
    }
    let subject = subject(context, &arguments).await?;
    let refused = |reason: String| Failure::Client(Error::ProofRefused(reason));
    let named = subject.descriptor.as_ref().and_then(|descriptor| descriptor.architecture);
    if named.is_some_and(|named| named != verifier.model()) {
        return Err(refused(format!(
            "the model's architecture has the digest {:?}; the requested version names {:?}",
            verifier.model(),
            named.unwrap_or_default()
        )));
    }
    let (inputs, outputs) = match &subject.descriptor {
        Some(descriptor) => (descriptor.inputs.clone(), descriptor.outputs.clone()),
        None => {
            let declared = match Path::new(&arguments.model).exists() {
                true => verifier.declaration_beside(&arguments.model)?,
                false => verifier.declaration(),
            };
            (declared.inputs, declared.outputs)
        },
    };
    let scale = Scales::of(verifier.architecture()).input;
    let input = GraphInput::read(&arguments.input, &inputs, scale, arguments.input_as.into())?;
    context.output.note(answer::describe_numbers(&input, scale));
    let input = input.input.payload();
    let output =
        match (&arguments.output, subject.output) {
            (Some(source), _) => receipt::read_output(source, &outputs)?,
            (None, Some(output)) => output,
            (None, None) => return Err(Failure::Usage(
                "the output is missing: add --output with JSON text or a file, such as a line of \
                     `infer --json`. The chain keeps outputs for a limited time only"
                    .to_owned(),
            )),
        };
    if let Some((of_input, of_output)) = subject.digests {
        for (side, named, payload) in [("input", of_input, &input), ("output", of_output, &output)]
        {
            let found = digest(payload);
            if found != named {
                return Err(refused(format!(
                    "the {side} has the digest {found:?}; the receipt names {named:?}"
                )));
            }
        }
    }
    let Subject { genesis, request, payer, operator, .. } = subject;
    let statement = ProofStatement { genesis, request, payer, operator, input, output };
    verifier.verify(&statement, &proof)?;

    let found = digest(&proof);
    // Any valid proof of the statement is accepted; the receipt names one.
    let is_of_receipt = subject.evidence.map(|evidence| evidence.digest == found);
    let json = json!({
        "verified": true,
        "model": verifier.model(),
        "genesis": statement.genesis,
        "request": statement.request,
        "payer": statement.payer.to_string(),
        "operator": statement.operator.to_string(),
        "input": digest(&statement.input),
        "output": digest(&statement.output),
        "security_bits": verifier.security_bits() as u8,
        "weights": verifier.weights().map(|weights| weights.to_string()),
        "proof": found,
        "bytes": proof.len(),
        "is_the_receipts": is_of_receipt,
    });
    let weights = match (arguments.weights, Path::new(&arguments.model).exists()) {
        (Some(_), _) => "compared with the fingerprint in --weights",
        (None, true) => "compared with those in the file",
        (None, false) => "compared with the fingerprint that the node returned",
    };
    context.output.result(&json, || {
        let mut lines = vec![
            ("proof", format!("{found:?} is valid, {} bytes", proof.len())),
            ("model", format!("{:?}", verifier.model())),
            ("genesis", names::to_hex(statement.genesis)),
            ("request", statement.request.to_string()),
            ("payer", statement.payer.to_string()),
            ("operator", statement.operator.to_string()),
            ("input", format!("{:?}", digest(&statement.input))),
            ("output", format!("{:?}", digest(&statement.output))),
            ("weights", weights.to_owned()),
            (
                "soundness",
                format!(
                    "{:.0} bits without proof of work, assuming mutual correlated agreement up to \
                     the Johnson radius",
                    verifier.security_bits().floor()
                ),
            ),
        ];
        if let Some(is_the_one) = is_of_receipt {
            let text = if is_the_one { "names this proof" } else { "names another proof" };
            lines.push(("receipt", text.to_owned()));
        }
        fields(&lines)
    });
    Ok(())
}
