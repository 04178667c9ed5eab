//! `infer` with several inputs: a batch.

use std::path::Path;

use assay_client::{
    amount, keys::item_key, names, Error, InferenceAnswer, InferenceRequest, Progress, Until,
};
use assay_primitives::{runtime_api::Status, Balance};
use serde_json::{json, Value};

use super::{
    answer,
    infer::{Reader, Run},
};
use crate::{failure::Failure, output::table};

/// The inputs in a file, one on each line.
pub fn sources(file: &Path) -> Result<Vec<String>, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Error::file(file, error))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(str::to_owned).collect())
}

/// Requests all inputs with one call, and shows the results. `terms` are those of each request; their
/// client key is that of the batch. `is_random`: whether it is.
pub async fn run(
    run: &Run<'_>,
    reader: &mut Reader<'_>,
    sources: &[String],
    terms: &InferenceRequest,
    is_random: bool,
) -> Result<(), Failure> {
    let Run { context, client, signer, until } = *run;
    let mut requests = Vec::with_capacity(sources.len());
    for (index, source) in sources.iter().enumerate() {
        let payload =
            reader.read(source).map_err(|error| named(sources, Error::item(index, error)))?;
        let client_key = item_key(terms.client_key, u32::try_from(index).unwrap_or(u32::MAX));
        requests.push(InferenceRequest { payload, client_key, ..terms.clone() });
    }
    let first_key = requests.first().map(|request| request.client_key);
    let progress = |step: Progress| match &step {
        Progress::Sending { client_key } => {
            // One key names all of them. The user has to keep it if it is random.
            if is_random && Some(*client_key) == first_key {
                context.output.note(format!("client key {}", names::to_hex(terms.client_key)));
            }
        },
        Progress::Known { request } => context.output.progress(format!(
            "request {request} was already made with this client key and is not sent again"
        )),
        // With 64 requests, each status of each would be too much.
        Progress::Status { status, .. } if !matches!(status, Status::Final(_)) => {},
        Progress::Provisional(_) if until == Until::Final => {
            context.output.progress(answer::describe(&step));
        },
        _ => answer::tell(context, until, &step),
    };
    let answers = client.infer_batch(&requests, signer, until, &progress).await;
    let answers = answers.map_err(|error| named(sources, error))?;
    let sum = Sum::of(&answers);
    context.output.result(&to_json(&answers, &sum), || to_text(&answers, &sum));
    match sum.is_good() {
        true => Ok(()),
        false => Err(Failure::NotVerified),
    }
}

/// An error that names the input of the item that it is about.
fn named(sources: &[String], error: Error) -> Failure {
    match error {
        Error::Item { index, error } => {
            // Errors of files name the file, and JSON text is too long for a name.
            let is_name = |source: &&String| {
                !matches!(*error, Error::File { .. })
                    && !source.trim_start().starts_with(['[', '{'])
            };
            let source = sources.get(index).filter(is_name);
            let source = source.map(|file| format!(" ({file})")).unwrap_or_default();
            Failure::Input { name: format!("input {}{source}", index + 1), error: *error }
        },
        error => error.into(),
    }
}

/// What the answers of a batch come to.
struct Sum {
    requests: usize,
    verified: usize,
    provisional: usize,
    price_paid: Balance,
    fee: Balance,
}

impl Sum {
    /// An answer is `None` if the chain has refused the item.
    fn of(answers: &[Option<InferenceAnswer>]) -> Self {
        let mut sum =
            Self { requests: answers.len(), verified: 0, provisional: 0, price_paid: 0, fee: 0 };
        for answer in answers.iter().flatten() {
            match answer {
                InferenceAnswer::Final(result) => {
                    sum.verified += usize::from(result.is_verified());
                    sum.price_paid = sum.price_paid.saturating_add(result.price_paid);
                    sum.fee = sum.fee.saturating_add(result.fee);
                },
                InferenceAnswer::Provisional(_) => sum.provisional += 1,
            }
        }
        sum
    }

    /// Whether each request has the result that was waited for.
    fn is_good(&self) -> bool {
        self.verified + self.provisional == self.requests
    }
}

fn to_json(answers: &[Option<InferenceAnswer>], sum: &Sum) -> Value {
    let results: Vec<_> = answers
        .iter()
        .map(|answer| match answer {
            Some(InferenceAnswer::Final(result)) => json!(result),
            Some(InferenceAnswer::Provisional(result)) => json!(result),
            None => json!({ "request": null, "outcome": "Refused", "output": null }),
        })
        .collect();
    json!({
        "results": results,
        "verified": sum.verified,
        "provisional": sum.provisional,
        "price_paid": sum.price_paid.to_string(),
        "fee": sum.fee.to_string(),
    })
}

fn to_text(answers: &[Option<InferenceAnswer>], sum: &Sum) -> String {
    let rows: Vec<_> = (1..)
        .zip(answers)
        .map(|(number, answer)| {
            let number: u32 = number;
            let [request, outcome, paid, output] = match answer {
                Some(InferenceAnswer::Final(result)) => [
                    result.request.to_string(),
                    format!("{:?}", result.outcome),
                    amount::display(result.price_paid),
                    result.output.as_ref().map(Value::to_string).unwrap_or_default(),
                ],
                Some(InferenceAnswer::Provisional(result)) => [
                    result.request.to_string(),
                    "Provisional".to_owned(),
                    String::new(),
                    result.output.to_string(),
                ],
                None => [String::new(), "Refused".to_owned(), String::new(), String::new()],
            };
            vec![number.to_string(), request, outcome, paid, output]
        })
        .collect();
    let provisional = match sum.provisional {
        0 => String::new(),
        count => format!(", {count} provisional"),
    };
    format!(
        "{}{} of {} verified{provisional}, paid {}, and {} for room in blocks",
        table(&["INPUT", "REQUEST", "OUTCOME", "PAID", "OUTPUT"], &rows),
        sum.verified,
        sum.requests,
        amount::display(sum.price_paid),
        amount::display(sum.fee)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_client::InferenceResult;
    use assay_primitives::{
        Assurance, Digest, ModelId, Outcome, RejectReason, RequestId, VersionId, ASY,
    };

    fn answer(request: u64, outcome: Outcome) -> Option<InferenceAnswer> {
        let is_verified = outcome == Outcome::Verified;
        Some(InferenceAnswer::Final(InferenceResult {
            request: RequestId(request),
            model: "5Grw/digits@1".into(),
            version: VersionId { model: ModelId(0), number: 1 },
            assurance: Assurance::Signed,
            outcome,
            reason: None,
            output: is_verified.then(|| json!({ "p": [0.5] })),
            output_real: None,
            payload: None,
            latency_ms: 2100,
            blocks: 2,
            price_paid: if is_verified { ASY / 4 } else { 0 },
            fee: 5,
            input: Digest::repeat_byte(2),
            receipt: Digest::repeat_byte(1),
            proof: None,
        }))
    }

    #[test]
    fn a_batch_has_a_line_for_each_request_and_the_sum() {
        let mut answers = vec![answer(7, Outcome::Verified), answer(8, Outcome::Verified)];
        let sum = Sum::of(&answers);
        assert!(sum.is_good());
        assert_eq!(
            to_text(&answers, &sum),
            "INPUT  REQUEST  OUTCOME   PAID      OUTPUT\n\
             1      7        Verified  0.25 ASY  {\"p\":[0.5]}\n\
             2      8        Verified  0.25 ASY  {\"p\":[0.5]}\n\
             2 of 2 verified, paid 0.5 ASY, and 0.00000000001 ASY for room in blocks"
        );

        answers.push(answer(9, Outcome::Rejected(RejectReason::NoOperator)));
        answers.push(None);
        let sum = Sum::of(&answers);
        assert!(!sum.is_good());
        assert!(to_text(&answers, &sum).contains("2 of 4 verified, paid 0.5 ASY"));
        let json = to_json(&answers, &sum);
        let outcomes: Vec<_> =
            (0..4).map(|index| json["results"][index]["outcome"].clone()).collect();
        assert_eq!(outcomes, ["Verified", "Verified", "Rejected(NoOperator)", "Refused"]);
        assert_eq!(json["verified"], 2);
        assert_eq!(json["price_paid"], (ASY / 2).to_string());
        assert_eq!(json["fee"], "15");
    }

    #[test]
    fn an_error_names_the_input() {
        let sources = ["a.json".to_owned(), "b.json".to_owned(), "[1]".to_owned()];
        let message = |index| named(&sources, Error::item(index, Error::invalid("bad"))).message();
        assert_eq!(message(1), "input 2 (b.json): bad");
        assert_eq!(message(2), "input 3: bad");
        let unreadable = named(&sources, Error::item(0, Error::file("a.json", "no such file")));
        assert_eq!(unreadable.message(), "input 1: a.json: no such file");
        let other = named(&sources, Error::invalid("no batch"));
        assert_eq!((other.message(), other.exit_code()), ("no batch".to_owned(), 2));
    }

    #[test]
    fn each_line_of_a_file_is_an_input() {
        let path = std::env::temp_dir().join(format!("assay-inputs-{}", std::process::id()));
        std::fs::write(&path, "[1, 2]\n\n  digit.npy \n{\"x\": 1}").unwrap();
        let read = sources(&path);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read.unwrap(), ["[1, 2]", "digit.npy", "{\"x\": 1}"]);
        assert_eq!(sources(&path).unwrap_err().exit_code(), 2);
    }
}
