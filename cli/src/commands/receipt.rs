//! `receipt`: export and verify receipts.

use std::path::{Path, PathBuf};

use assay_client::{
    amount, receipt::describe, AssuranceArgument, Error, Input, ReceiptBundle, VerifiedReceipt,
};
use assay_primitives::{Assurance, Outcome, RequestId, TensorDeclaration};
use serde_json::{json, Value};

use super::answer;
use crate::{
    args::ReceiptCommand,
    context::Context,
    failure::Failure,
    output::{count, fields},
};

pub async fn run(context: &Context<'_>, command: ReceiptCommand) -> Result<(), Failure> {
    match command {
        ReceiptCommand::Export { request, to } => export(context, request, to).await,
        ReceiptCommand::Verify { receipt, output } => {
            verify(context, &receipt, output.as_deref()).await
        },
    }
}

async fn export(
    context: &Context<'_>,
    request: RequestId,
    to: Option<PathBuf>,
) -> Result<(), Failure> {
    let client = context.connect().await?;
    context
        .output
        .progress(format!("reading the receipt of request {request}, once it is finalised"));
    let bundle = client.export_receipt(request).await?;
    let Some(path) = to else {
        context.output.result(&bundle, || bundle.to_json());
        return Ok(());
    };
    if let Err(error) = std::fs::write(&path, bundle.to_json() + "\n") {
        return Err(Failure::Unwritable { path, reason: error.to_string() });
    }
    let json = json!({
        "request": request,
        "file": path,
        "receipt": bundle.receipt_digest,
        "block": bundle.block.hash,
    });
    context.output.result(&json, || {
        format!("wrote {}; `receipt verify` needs only this file", path.display())
    });
    Ok(())
}

async fn verify(context: &Context<'_>, receipt: &str, output: Option<&str>) -> Result<(), Failure> {
    let is_file = Path::new(receipt).exists();
    let number = receipt.parse().ok().filter(|_| !is_file).map(RequestId);
    let client = match number.is_some() || context.names_node() {
        true => Some(context.connect().await?),
        false => None,
    };
    let bundle = match (number, &client) {
        (Some(request), Some(client)) => client.export_receipt(request).await?,
        _ => ReceiptBundle::from_file(receipt)?,
    };
    // First without the output, because the bundle contains its declaration.
    let mut verified = bundle.verify(None)?;
    if let Some(output) = output {
        let descriptor = verified.descriptor.as_ref().ok_or_else(|| {
            Failure::Usage(
                "the bundle does not contain the version's descriptor, so the output cannot be \
                 read; omit --output"
                    .to_owned(),
            )
        })?;
        let payload = read_output(output, &descriptor.outputs)?;
        verified = bundle.verify(Some(&payload))?;
    }
    if let Some(client) = &client {
        client.check_anchor(&verified).await?;
    }
    let anchor = Anchor { finalised_by: client.as_ref().map(|_| context.url()) };
    context.output.result(&to_json(&verified, &anchor), || to_text(&verified, &anchor));
    Ok(())
}

/// The trust anchor.
struct Anchor<'a> {
    /// The node that confirmed that its chain has finalised the block, if one was asked.
    finalised_by: Option<&'a str>,
}

/// Reads an output payload: the output of `infer`, its whole line of JSON, or any format of inputs.
pub fn read_output(source: &str, outputs: &[TensorDeclaration]) -> Result<Vec<u8>, Failure> {
    let bytes = match source.trim_start().starts_with(['{', '[']) {
        true => source.as_bytes().to_vec(),
        false => std::fs::read(source).map_err(|error| Error::file(source, error))?,
    };
    Ok(output_payload(&bytes, outputs)?)
}

fn output_payload(bytes: &[u8], declarations: &[TensorDeclaration]) -> Result<Vec<u8>, Error> {
    let from_line =
        std::str::from_utf8(bytes).ok().and_then(|text| output_in_line(text, declarations));
    let bytes = from_line.as_ref().map_or(bytes, |output| output.as_bytes());
    let output = Input::from_bytes(bytes, declarations).map_err(Error::Output)?;
    Ok(output.payload())
}

/// The output in a line of `infer --json`.
fn output_in_line(text: &str, declarations: &[TensorDeclaration]) -> Option<String> {
    let line: Value = serde_json::from_str(text).ok()?;
    let has_tensors = declarations.iter().any(|one| line.get(one.name()).is_some());
    let output = line.get("output").filter(|output| output.is_object() && !has_tensors)?;
    Some(output.to_string())
}

fn to_json(verified: &VerifiedReceipt, anchor: &Anchor<'_>) -> Value {
    json!({
        "verified": true,
        "receipt": verified.digest,
        "statement": describe(&verified.receipt, &verified.evidence),
        "agreeing_operators": verified.agreeing,
        "within_tolerance": verified.within_tolerance,
        "output_checked": verified.output_checked,
        "trust_anchor": {
            "block": verified.block_hash,
            "height": verified.block_number,
            "finalised_by_node": anchor.finalised_by,
        },
    })
}

fn to_text(verified: &VerifiedReceipt, anchor: &Anchor<'_>) -> String {
    let receipt = &verified.receipt;
    let signatures = match (receipt.outcome, receipt.assurance) {
        (Outcome::Verified, Assurance::Quorum { k, .. }) if verified.within_tolerance => format!(
            "{} signed exactly this output, others one within the version's tolerance; \
             {k} were needed. Only the block attests to the latter",
            count(verified.agreeing, "operator")
        ),
        (Outcome::Verified, Assurance::Quorum { k, .. }) => {
            let number = count(verified.agreeing, "operator");
            format!("{number} signed this output; {k} were needed")
        },
        (Outcome::Verified, Assurance::Proof) => {
            "the drawn operator signed this output with its proof, which the chain has verified"
                .to_owned()
        },
        (Outcome::Verified, _) => "the drawn operator signed this output".to_owned(),
        _ => format!("{} signed results, none of which won", verified.evidence.len()),
    };
    let trust = match anchor.finalised_by {
        Some(url) => format!("the node at {url} has finalised this block"),
        None => "compare this block hash with one that you trust, or use --url".to_owned(),
    };
    let mut lines = vec![
        ("receipt", format!("{:?} is valid", verified.digest)),
        ("request", receipt.request.to_string()),
        ("payer", receipt.payer.to_string()),
        ("version digest", format!("{:?}", receipt.version_digest)),
        ("assurance", AssuranceArgument(receipt.assurance).to_string()),
        ("outcome", format!("{:?}", receipt.outcome)),
        ("signatures", signatures),
        ("input", format!("{:?}", receipt.input_digest)),
    ];
    if let Some(digest) = receipt.output_digest {
        let checked = if verified.output_checked { ", equal to --output" } else { "" };
        lines.push(("output", format!("{digest:?}{checked}")));
    }
    if let Some(proof) = verified.evidence.iter().find_map(|item| item.proof) {
        lines.push(("proof", answer::describe_proof(&proof)));
    }
    lines.push(("paid", amount::display(receipt.price_paid)));
    lines.push(("decided at", format!("block {}", receipt.decided_at)));
    lines.push((
        "trust anchor",
        format!("block {} {:?}: {trust}", verified.block_number, verified.block_hash),
    ));
    fields(&lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::ElementType;

    fn declaration(name: &str) -> TensorDeclaration {
        TensorDeclaration {
            name: name.as_bytes().to_vec().try_into().unwrap(),
            element_type: ElementType::F32,
            shape: Default::default(),
        }
    }

    #[test]
    fn errors_in_an_output_name_the_output() {
        let error = output_payload(br#"{"q": 1}"#, &[declaration("p")]).unwrap_err();
        assert!(error
            .to_string()
            .starts_with("the output does not fit the model: tensor `p` is missing"));
        let file = output_payload(b"\xff\xfe", &[declaration("p")]).unwrap_err();
        assert!(file.to_string().contains("the file cannot be read"), "{file}");
    }

    #[test]
    fn the_output_is_found_in_a_line_of_infer() {
        let line = r#"{"request": 1, "output": {"p": 1.5}}"#;
        assert_eq!(output_in_line(line, &[declaration("p")]).unwrap(), r#"{"p":1.5}"#);
        // A tensor with that name is not a line.
        let tensor = r#"{"output": 1.5}"#;
        assert_eq!(output_in_line(tensor, &[declaration("output")]), None);
        assert_eq!(output_in_line(r#"{"p": 1.5}"#, &[declaration("p")]), None);
    }
}
