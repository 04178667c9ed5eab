//! `request`: show, wait for and cancel requests.

use assay_client::{
    amount, calls::inference, payload::output_to_json, AccountId, AssuranceArgument,
};
use assay_primitives::{
    digest,
    runtime_api::{RequestView, Status},
    RequestId,
};
use serde_json::{json, Value};

use super::answer;
use crate::{
    args::RequestCommand,
    context::Context,
    failure::Failure,
    output::{fields, table},
};

pub async fn run(context: &Context<'_>, command: RequestCommand) -> Result<(), Failure> {
    match command {
        RequestCommand::Show { request } => show(context, request).await,
        RequestCommand::Wait { request, provisional } => wait(context, request, provisional).await,
        RequestCommand::List { account, limit } => list(context, account, limit).await,
        RequestCommand::Cancel { request } => {
            check_cancellable(&context.connect().await?.existing_request(request).await?)?;
            let done = format!("request {request} is cancelled; its escrow was returned");
            super::send(context, inference::cancel(request), &done).await
        },
        RequestCommand::Appeal { request } => appeal(context, request).await,
    }
}

/// Only a request without operators can be cancelled.
fn check_cancellable(request: &RequestView<AccountId>) -> Result<(), Failure> {
    let id = request.id;
    Err(Failure::Usage(match request.status {
        Status::Pending => return Ok(()),
        Status::Final(outcome) => format!("request {id} has ended as {outcome:?}; nothing is sent"),
        _ => format!(
            "request {id} has operators and cannot be cancelled any more; `request wait {id}` waits \
             for its end"
        ),
    }))
}

async fn appeal(context: &Context<'_>, request: RequestId) -> Result<(), Failure> {
    let signer = context.signer()?;
    let client = context.connect().await?;
    let progress = |step| super::dispute::tell(context, &step);
    let (output, inclusion) = client.appeal(request, &signer, &progress).await?;
    let right = digest(&output);
    let json = json!({
        "request": request,
        "right": right,
        "transaction": inclusion.transaction,
        "block": inclusion.block,
        "height": inclusion.height,
    });
    context.output.result(&json, || {
        format!("the right output of request {request} is {right:?} (block {})", inclusion.height)
    });
    Ok(())
}

async fn show(context: &Context<'_>, id: RequestId) -> Result<(), Failure> {
    let client = context.connect().await?;
    let request = client.existing_request(id).await?;
    let (mut output, mut output_real) = (None, None);
    if let (Some(payload), Some(version)) =
        (&request.output, client.version(request.version).await?)
    {
        let integers = output_to_json(payload, &version.descriptor.outputs)?;
        let scales = client.scales(&version).await?;
        output_real = scales.map(|scales| scales.output_in_reals(&integers));
        output = Some(integers);
    }
    let provisional = match client.optimistic(id).await? {
        Some(claim) => Some(client.provisional_result(&request, &claim).await?),
        None => None,
    };
    let kept = client.receipt(id).await?;
    let price_paid = kept.as_ref().map(|view| view.receipt.price_paid);
    let proof = kept.and_then(|view| view.evidence.iter().find_map(|item| item.proof));
    let mut json = to_json(&request);
    json["output"] = json!(output);
    if let Some(real) = &output_real {
        json["output_real"] = real.clone();
    }
    if let Some(proof) = &proof {
        json["proof"] = json!(proof);
    }
    if let Some(result) = &provisional {
        json["provisional"] = json!({
            "output": result.output,
            "output_real": result.output_real,
            "disputable_until": result.disputable_until,
            "disputes": result.disputes,
        });
    }
    json["price_paid"] = json!(price_paid.map(|price| price.to_string()));
    context.output.result(&json, || {
        let members: Vec<_> = request.members.iter().map(AccountId::to_string).collect();
        let mut lines = vec![
            ("request", request.id.to_string()),
            ("payer", request.payer.to_string()),
            ("version", request.version.to_string()),
            ("assurance", AssuranceArgument(request.assurance).to_string()),
            (
                "status",
                match request.waits {
                    true => "Pending, waits for operators with free capacity".to_owned(),
                    false => status(&request.status),
                },
            ),
            ("requested at", format!("block {}", request.requested_at)),
            ("deadline", format!("block {}", request.deadline)),
            ("operators", members.join(", ")),
            ("price limit", amount::display(request.max_price)),
            ("at stake", format!("{} of each operator's bond", amount::display(request.stake))),
            (
                "fee",
                match request.status {
                    Status::Final(_) => amount::display(request.fee),
                    _ => format!("at most {}", amount::display(request.fee)),
                },
            ),
        ];
        if let Some(price) = price_paid {
            lines.push(("paid", amount::display(price)));
        }
        if let Some(result) = &provisional {
            lines.push(("provisional", "the result may still be disputed".to_owned()));
            let provisional = answer::provisional_lines(result);
            lines.extend(provisional.into_iter().filter(|(name, _)| *name != "operator"));
        }
        if let Some(output) = &output {
            lines.push(("output", output.to_string()));
        }
        if let Some(real) = &output_real {
            lines.push(("real output", real.to_string()));
        }
        if let Some(proof) = &proof {
            lines.push(("proof", answer::describe_proof(proof)));
        }
        if let Some(digest) = request.receipt_digest {
            lines.push(("receipt", format!("{digest:?}")));
        }
        if let Some(until) = request.appealable_until {
            let id = request.id;
            lines.push((
                "appeal",
                format!("its operators disagree: `assay request appeal {id}` until block {until}"),
            ));
        }
        if let Some(right) = request.correction {
            let is_output = request.output.as_ref().is_some_and(|output| digest(output) == right);
            lines.push((
                "appealed",
                match is_output {
                    true => "the output is proven to be right".to_owned(),
                    false => format!("the right output is another one, with digest {right:?}"),
                },
            ));
        }
        fields(&lines)
    });
    Ok(())
}

async fn wait(context: &Context<'_>, id: RequestId, provisional: bool) -> Result<(), Failure> {
    let until = answer::until(provisional);
    let progress = |step| answer::tell(context, until, &step);
    let result = context.connect().await?.await_result(id, until, &progress).await?;
    answer::show(context, &result)
}

async fn list(
    context: &Context<'_>,
    account: Option<AccountId>,
    limit: u32,
) -> Result<(), Failure> {
    let account = context.account(account)?;
    let requests = context.connect().await?.requests_of(&account, limit).await?;
    let json: Vec<_> = requests.iter().map(to_json).collect();
    context.output.result(&json, || {
        let rows: Vec<_> = requests
            .iter()
            .map(|request| {
                vec![
                    request.id.to_string(),
                    request.version.to_string(),
                    AssuranceArgument(request.assurance).to_string(),
                    status(&request.status),
                    request.requested_at.to_string(),
                    amount::display(request.max_price),
                ]
            })
            .collect();
        table(&["REQUEST", "VERSION", "ASSURANCE", "STATUS", "BLOCK", "PRICE LIMIT"], &rows)
    });
    Ok(())
}

/// The status of an open request, or the outcome: `Assigned`, `Verified`.
fn status(status: &Status) -> String {
    match status {
        Status::Final(outcome) => format!("{outcome:?}"),
        open => format!("{open:?}"),
    }
}

/// A request as JSON.
fn to_json(request: &RequestView<AccountId>) -> Value {
    json!({
        "request": request.id,
        "payer": request.payer.to_string(),
        "model": request.version.model,
        "version": request.version.number,
        "assurance": AssuranceArgument(request.assurance).to_string(),
        "status": status(&request.status),
        "final": matches!(request.status, Status::Final(_)),
        "max_price": request.max_price.to_string(),
        "fee": request.fee.to_string(),
        "stake": request.stake.to_string(),
        "requested_at": request.requested_at,
        "deadline": request.deadline,
        "waits": request.waits,
        "operators": request.members.iter().map(AccountId::to_string).collect::<Vec<_>>(),
        "receipt": request.receipt_digest,
        "appealable_until": request.appealable_until,
        "correction": request.correction,
    })
}
