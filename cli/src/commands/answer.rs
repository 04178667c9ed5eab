//! Text about requests: progress, results and proofs. Shared by the commands that show them.

use assay_client::{
    amount, names, AssuranceArgument, GraphInput, InferenceAnswer, InferenceResult, Progress,
    ProvisionalResult, Until,
};
use assay_primitives::{dispute::DisputeId, runtime_api::Status, Assurance, ProofEvidence};

use crate::{
    context::Context,
    failure::Failure,
    output::{count, fields},
};

/// How long to wait for a result, by the flag `--provisional`.
pub const fn until(provisional: bool) -> Until {
    match provisional {
        true => Until::Provisional,
        false => Until::Final,
    }
}

/// How the numbers of an integer graph's input were converted.
pub fn describe_numbers(input: &GraphInput, scale: f64) -> String {
    const PREPARE: &str = ": the model may need preprocessed input, see `model prepare`";
    let clipped = match input.clamped {
        Some(0) => "no value was clipped".to_owned(),
        Some(1) => format!("1 value was clipped{PREPARE}"),
        Some(number) => format!("{number} values were clipped{PREPARE}"),
        None => {
            return "the input is read as the model's own integers; --input-as real quantises it"
                .to_owned()
        },
    };
    format!(
        "the input is read as real numbers: divided by {scale}, rounded half up, clipped to -128 to \
         127; {clipped}"
    )
}

/// Prints a step of a request. If the wait continues after a provisional output, the output stays on
/// the screen.
pub fn tell(context: &Context<'_>, until: Until, step: &Progress) {
    match step {
        Progress::Provisional(result) if until == Until::Final => {
            context.output.note(describe(step));
            context.output.note(format!("provisional output: {}", result.output));
            context.output.progress("waiting for the end of the dispute window");
        },
        _ => context.output.progress(describe(step)),
    }
}

/// Prints a result. A final result that is not verified is a failure.
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

/// A step of a request as text.
pub fn describe(step: &Progress) -> String {
    match step {
        Progress::Known { request } => {
            format!("request {request} was already made with this client key; nothing is sent")
        },
        Progress::Quoted { price, fee, operators } => format!(
            "price {}; at most {} for the answers' room in blocks; eligible operators: {operators}",
            amount::display(*price),
            amount::display(*fee)
        ),
        Progress::Sending { client_key } => format!("client key {}", names::to_hex(client_key)),
        Progress::Input(step) => format!("input: {}", super::model::describe(step)),
        Progress::Included { request, height } => {
            format!("request {request} is in block {height}")
        },
        Progress::Status { request, status } => match status {
            Status::Pending => format!("request {request} waits for the draw"),
            Status::Assigned => format!("request {request} is assigned"),
            Status::Revealing => format!("request {request}: enough operators have committed"),
            Status::Disputable => format!("request {request} has a result that may be disputed"),
            Status::Final(_) => format!("request {request} has ended"),
        },
        Progress::Waits { request } => {
            format!("request {request} waits for operators with free capacity")
        },
        Progress::Provisional(result) => {
            let ProvisionalResult { request, disputable_until, disputes, .. } = &**result;
            format!(
                "request {request} has a result, provisional until block {disputable_until} at \
                 the earliest{}",
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

/// The numbers of disputes, separated by commas.
fn numbers(disputes: &[DisputeId]) -> String {
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

/// Output, operator, dispute window and disputes of a provisional result.
pub fn provisional_lines(result: &ProvisionalResult) -> Vec<(&'static str, String)> {
    let mut lines = vec![("output", result.output.to_string())];
    if let Some(real) = &result.output_real {
        lines.push(("real output", real.to_string()));
    }
    lines.push(("operator", result.operator.to_string()));
    lines.push(("final", format!("after block {} at the earliest", result.disputable_until)));
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
    lines.extend(result.reason.map(|reason| ("reason", reason.to_owned())));
    if let Some(output) = &result.output {
        lines.push(("output", output.to_string()));
        if let Some(real) = &result.output_real {
            lines.push(("real output", real.to_string()));
        }
    } else if result.is_verified() {
        lines.push(("output", "pruned".to_owned()));
    }
    lines.push(("paid", amount::display(result.price_paid)));
    lines.push(("fee", format!("{} for room in blocks", amount::display(result.fee))));
    lines.push(("time", format!("{} ms, {}", result.latency_ms, count(result.blocks, "block"))));
    lines.push(("receipt", format!("{:?}", result.receipt)));
    if let Some(proof) = &result.proof {
        lines.push(("proof", describe_proof(proof)));
    }
    fields(&lines)
}

/// The evidence of a proof as text.
pub fn describe_proof(proof: &ProofEvidence) -> String {
    format!("{:?}, {} bytes, {} bits of soundness", proof.digest, proof.bytes, proof.security_bits)
}
