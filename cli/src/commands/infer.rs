//! `infer`: ask a model.

use std::sync::Mutex;

use assay_client::{
    amount, calls::storage, keys::random_key, names, queries::version_name, AssuranceArgument,
    Client, GraphInput, InferenceAnswer, InferenceRequest, InferenceResult, Input, ModelReference,
    Progress, ProvisionalResult, PublishProgress, Signer, Until,
};
use assay_primitives::{digest, dispute::DisputeId, runtime_api::Status, Assurance, Digest};
use serde_json::json;

use super::receipt;
use crate::{
    args::{Infer, InputAs},
    context::Context,
    failure::Failure,
    output::fields,
};

/// Shows what a request would cost.
pub async fn quote(
    context: &Context<'_>,
    model: &ModelReference,
    assurance: AssuranceArgument,
) -> Result<(), Failure> {
    let client = context.connect().await?;
    let version = client.resolve(model).await?;
    let quote = client.quote(version.id, assurance.0).await?;
    let name = version_name(&version);
    let json = json!({
        "model": version.id.model,
        "version": version.id.number,
        "name": name,
        "assurance": assurance.to_string(),
        "price": quote.price.to_string(),
        "blocks": quote.blocks,
        "operators": quote.operators,
    });
    context.output.result(&json, || {
        fields(&[
            ("model", name.clone()),
            ("assurance", assurance.to_string()),
            ("price", amount::display(quote.price)),
            ("blocks", format!("{} at least from request to deadline", quote.blocks)),
            ("operators", quote.operators.to_string()),
        ])
    });
    Ok(())
}

/// Asks a model.
pub async fn run(context: &Context<'_>, arguments: Infer) -> Result<(), Failure> {
    let output = context.output;
    let assurance = arguments.assurance.0;
    let until = until(arguments.provisional);
    if until == Until::Provisional && assurance != Assurance::Optimistic {
        return Err(Failure::Usage(
            "--provisional is for --assurance optimistic: results of other classes are final as \
             soon as they are there"
                .to_owned(),
        ));
    }
    let signer = context.signer()?;
    let client_key = match &arguments.key {
        Some(key) => names::parse_bytes(key, "a client key")?,
        None => random_key(),
    };
    let client = context.connect().await?;
    let version = client.resolve(&arguments.model).await?;
    let inputs = &version.descriptor.inputs;
    let input = match client.scales(&version).await? {
        None if arguments.input_as != InputAs::Written => {
            return Err(Failure::Usage(
                "--input-as is for integer graphs; other models take what they declare".to_owned(),
            ))
        },
        None => Input::read(&arguments.input, inputs)?,
        Some(scales) => {
            let numbers = arguments.input_as.into();
            let read = GraphInput::read(&arguments.input, inputs, scales.input, numbers)?;
            note_numbers(context, &read, scales.input);
            read.input
        },
    };
    if !input.ignored.is_empty() {
        output.note(format!("not inputs of the model, left out: {}", input.ignored.join(", ")));
    }
    if arguments.key.is_none() {
        output.note(format!("client key {}", names::to_hex(client_key)));
    }
    let deadline_blocks = match arguments.deadline {
        Some(blocks) => blocks,
        None => client.usual_deadline(version.id, assurance).await,
    };
    let ask = InferenceRequest {
        version,
        payload: input.payload(),
        assurance,
        max_price: arguments.max_price,
        deadline_blocks,
        client_key,
    };
    // The input's artifact if this attempt made one, or an earlier one may have left it.
    let artifact = Mutex::new(None);
    let progress = |step: Progress| {
        let made = match &step {
            Progress::Input(PublishProgress::ArtifactCreated { digest }) => Some(*digest),
            Progress::Known { .. } => Some(digest(&ask.payload)),
            _ => None,
        };
        if made.is_some() {
            *artifact.lock().unwrap_or_else(|broken| broken.into_inner()) = made;
        }
        tell(context, until, &step);
    };
    let answer = client.infer_until(&ask, &signer, until, &progress).await;
    let shown = answer.map_err(Failure::from).and_then(|answer| show(context, &answer));
    let artifact = artifact.into_inner().unwrap_or_else(|broken| broken.into_inner());
    if let Some(digest) = artifact {
        remove_input(context, &client, &signer, digest).await;
    }
    shown
}

/// Says what was made of the numbers of an integer graph's input.
pub fn note_numbers(context: &Context<'_>, read: &GraphInput, scale: f64) {
    let cut = match read.clamped {
        Some(0) => "none had to be cut".to_owned(),
        Some(count) => format!(
            "{count} were out of range and cut: some models want their input prepared, see \
             `model prepare`"
        ),
        None => {
            return context.output.note(
                "the input is taken as the model's own integers; --input-as real quantises it",
            )
        },
    };
    context.output.note(format!(
        "the input is taken as real numbers: divided by {scale}, rounded half up, and kept within \
         -128 to 127; {cut}"
    ));
}

/// How long `--provisional` lets wait.
pub const fn until(provisional: bool) -> Until {
    match provisional {
        true => Until::Provisional,
        false => Until::Final,
    }
}

/// Says how far a request has come. A provisional output stays on the screen while its window is
/// waited for.
pub fn tell(context: &Context<'_>, until: Until, step: &Progress) {
    match step {
        Progress::Provisional(result) if until == Until::Final => {
            context.output.note(describe(step));
            context.output.note(format!("provisional output: {}", result.output));
            context.output.progress("waiting for the end of the window");
        },
        _ => context.output.progress(describe(step)),
    }
}

/// Prints a result. A final one without a verified output is a failure.
pub fn show(context: &Context<'_>, answer: &InferenceAnswer) -> Result<(), Failure> {
    match answer {
        InferenceAnswer::Final(result) => {
            context.output.result(result, || to_text(result));
            match result.is_verified() {
                true => Ok(()),
                false => Err(Failure::NotVerified),
            }
        },
        InferenceAnswer::Provisional(result) => {
            context.output.result(result, || provisional_to_text(result));
            Ok(())
        },
    }
}

/// Gives the deposit of an input back that was put on chain for this request alone.
async fn remove_input(context: &Context<'_>, client: &Client, signer: &Signer, digest: Digest) {
    match client.artifact(digest).await {
        Ok(Some(artifact)) if artifact.owner == *signer.account() => {},
        _ => return,
    }
    let removed = client.submit(&storage::remove(digest), signer).await;
    context.output.note(match removed {
        Ok(_) => "removed the input from the chain; its deposit came back".to_owned(),
        Err(error) => format!("the input {digest:?} stays on chain with its deposit: {error}"),
    });
}

/// How far a request has come, for people.
pub fn describe(step: &Progress) -> String {
    match step {
        Progress::Known { request } => {
            format!("request {request} was made with this client key; nothing is sent")
        },
        Progress::Quoted { price, operators } => {
            format!("{}; operators that could take it: {operators}", amount::display(*price))
        },
        Progress::Input(step) => format!("input: {}", super::model::describe(step)),
        Progress::Included { request, height } => {
            format!("request {request} is in block {height}")
        },
        Progress::Status { request, status } => match status {
            Status::Pending => format!("request {request} waits for the draw"),
            Status::Assigned => format!("request {request} is assigned"),
            Status::Revealing => format!("request {request}: enough members have committed"),
            Status::Disputable => format!("request {request} has a result that may be disputed"),
            Status::Final(_) => format!("request {request} is over"),
        },
        Progress::Provisional(result) => {
            let ProvisionalResult { request, disputable_until, disputes, .. } = &**result;
            format!(
                "request {request} has a result, provisional until block {disputable_until} \
                 unless disputed{}",
                open_disputes(disputes)
            )
        },
        Progress::Disputed { request, disputes } => match disputes.is_empty() {
            true => format!("request {request}: no dispute is open any more"),
            false => format!("request {request} is disputed{}", open_disputes(disputes)),
        },
    }
}

fn open_disputes(disputes: &[DisputeId]) -> String {
    match disputes {
        [] => String::new(),
        some => format!("; open disputes: {}", numbers(some)),
    }
}

/// The numbers of disputes, with commas.
pub fn numbers(disputes: &[DisputeId]) -> String {
    disputes.iter().map(DisputeId::to_string).collect::<Vec<_>>().join(", ")
}

fn provisional_to_text(result: &ProvisionalResult) -> String {
    let mut lines = vec![
        ("request", result.request.to_string()),
        ("model", result.model.clone()),
        ("assurance", AssuranceArgument(Assurance::Optimistic).to_string()),
        ("outcome", "Provisional".to_owned()),
    ];
    lines.extend(provisional_lines(result));
    lines.push(("time", format!("{} ms", result.latency_ms)));
    fields(&lines)
}

/// What there is to say of a result before it is final.
pub fn provisional_lines(result: &ProvisionalResult) -> Vec<(&'static str, String)> {
    let mut lines = vec![("output", result.output.to_string())];
    if let Some(real) = &result.output_real {
        lines.push(("in reals", real.to_string()));
    }
    lines.push(("operator", result.operator.to_string()));
    lines.push(("final", format!("after block {}, unless disputed", result.disputable_until)));
    if !result.disputes.is_empty() {
        lines.push(("disputes", numbers(&result.disputes)));
    }
    lines
}

fn to_text(result: &InferenceResult) -> String {
    let mut lines = vec![
        ("request", result.request.to_string()),
        ("model", result.model.clone()),
        ("assurance", AssuranceArgument(result.assurance).to_string()),
        ("outcome", format!("{:?}", result.outcome)),
    ];
    if let Some(output) = &result.output {
        lines.push(("output", output.to_string()));
        if let Some(real) = &result.output_real {
            lines.push(("in reals", real.to_string()));
        }
    } else if result.is_verified() {
        lines.push(("output", "pruned".to_owned()));
    }
    lines.push(("paid", amount::display(result.price_paid)));
    lines.push(("time", format!("{} ms, {} blocks", result.latency_ms, result.blocks)));
    lines.push(("receipt", format!("{:?}", result.receipt)));
    if let Some(proof) = &result.proof {
        lines.push(("proof", receipt::describe_proof(proof)));
    }
    fields(&lines)
}
