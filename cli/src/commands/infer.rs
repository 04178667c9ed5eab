//! `quote` and `infer`.

use std::{collections::BTreeSet, sync::Mutex};

use assay_client::{
    amount, calls::storage, keys::random_key, names, queries::version_name, AccountId,
    AssuranceArgument, Client, Error, GraphInput, InferenceRequest, Input, ModelReference, Numbers,
    Progress, PublishProgress, Signer, Until,
};
use assay_primitives::{
    runtime_api::VersionView, ArtifactManifest, Assurance, Digest, TensorDeclaration,
};
use serde_json::json;

use super::{answer, batch};
use crate::{
    args::{Infer, InputAs},
    context::Context,
    failure::Failure,
    output::fields,
};

/// Shows the quote of a request.
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
        "fee": quote.fee.to_string(),
        "stake": quote.stake.to_string(),
    });
    context.output.result(&json, || {
        fields(&[
            ("model", name.clone()),
            ("assurance", assurance.to_string()),
            ("price", amount::display(quote.price)),
            ("blocks", format!("at least {} from the request to its deadline", quote.blocks)),
            ("operators", quote.operators.to_string()),
            (
                "fee",
                format!("at most {} for the answers' room in blocks", amount::display(quote.fee)),
            ),
            ("at stake", format!("{} of each operator's bond", amount::display(quote.stake))),
        ])
    });
    Ok(())
}

/// Requests an inference, or a batch, and shows the result.
pub async fn run(context: &Context<'_>, arguments: Infer) -> Result<(), Failure> {
    let assurance = arguments.assurance.0;
    let until = answer::until(arguments.provisional);
    if until == Until::Provisional && assurance != Assurance::Optimistic {
        return Err(Failure::Usage(
            "--provisional needs --assurance optimistic: results of other classes are final \
             immediately"
                .to_owned(),
        ));
    }
    let signer = context.signer()?;
    let client_key = match &arguments.key {
        Some(key) => names::parse_bytes(key, "a client key")?,
        None => random_key(),
    };
    let sources = match &arguments.inputs {
        Some(file) => batch::sources(file)?,
        None => arguments.input.clone(),
    };
    let client = context.connect().await?;
    let version = client.resolve(&arguments.model).await?;
    let deadline_blocks = match arguments.deadline {
        Some(blocks) => blocks,
        None => {
            let usual = client.usual_deadline(version.id, assurance).await;
            usual.saturating_add(arguments.draw_delay - 1)
        },
    };
    let mut reader = Reader::new(context, &client, &version, arguments.input_as).await?;
    let terms = InferenceRequest {
        version,
        payload: Vec::new(),
        assurance,
        max_price: arguments.max_price,
        deadline_blocks,
        draw_delay: arguments.draw_delay,
        client_key,
    };
    let run = Run { context, client: &client, signer: &signer, until };
    let is_random = arguments.key.is_none();
    match &sources[..] {
        [source] if arguments.inputs.is_none() => {
            let payload = reader.read(source)?;
            one(&run, InferenceRequest { payload, ..terms }, is_random).await
        },
        sources => batch::run(&run, &mut reader, sources, &terms, is_random).await,
    }
}

/// What a request is made with, and how long to wait for it.
pub struct Run<'a> {
    pub context: &'a Context<'a>,
    pub client: &'a Client,
    pub signer: &'a Signer,
    pub until: Until,
}

/// Reads the inputs of a version.
pub struct Reader<'a> {
    context: &'a Context<'a>,
    declared: Vec<TensorDeclaration>,
    scale: Option<f64>,
    numbers: Numbers,
    /// What was printed, which is not printed again for the next input.
    printed: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    async fn new(
        context: &'a Context<'a>,
        client: &Client,
        version: &VersionView<AccountId>,
        input_as: InputAs,
    ) -> Result<Self, Failure> {
        let scale = client.scales(version).await?.map(|scales| scales.input);
        if scale.is_none() && input_as != InputAs::Written {
            return Err(Failure::Usage(
                "--input-as is only for integer graphs; other models declare the types of their \
                 inputs"
                    .to_owned(),
            ));
        }
        Ok(Self {
            context,
            declared: version.descriptor.inputs.to_vec(),
            scale,
            numbers: input_as.into(),
            printed: BTreeSet::new(),
        })
    }

    /// The payload of an input: JSON text, or a file.
    pub fn read(&mut self, source: &str) -> Result<Vec<u8>, Error> {
        let input = match self.scale {
            None => Input::read(source, &self.declared)?,
            Some(scale) => {
                let read = GraphInput::read(source, &self.declared, scale, self.numbers)?;
                self.note(answer::describe_numbers(&read, scale));
                read.input
            },
        };
        if !input.ignored.is_empty() {
            self.note(format!(
                "ignored, because the model has no such inputs: {}",
                input.ignored.join(", ")
            ));
        }
        Ok(input.payload())
    }

    fn note(&mut self, text: String) {
        if self.printed.insert(text.clone()) {
            self.context.output.note(text);
        }
    }
}

/// Makes one request. `is_random`: whether its client key is.
async fn one(run: &Run<'_>, terms: InferenceRequest, is_random: bool) -> Result<(), Failure> {
    let Run { context, client, signer, until } = *run;
    // The artifact of the input, if this attempt or an earlier one may have published one.
    let artifact = Mutex::new(None);
    let progress = |step: Progress| {
        let published = match &step {
            Progress::Input(PublishProgress::ArtifactCreated { artifact }) => Some(*artifact),
            Progress::Known { .. } => Some(ArtifactManifest::of(&terms.payload).identity),
            _ => None,
        };
        if published.is_some() {
            *artifact.lock().unwrap_or_else(|broken| broken.into_inner()) = published;
        }
        match &step {
            // The user has to keep a random key. One that was given is known.
            Progress::Sending { client_key } if is_random => {
                context.output.note(format!("client key {}", names::to_hex(client_key)));
            },
            Progress::Sending { .. } => {},
            _ => answer::tell(context, until, &step),
        }
    };
    let result = client.infer_until(&terms, signer, until, &progress).await;
    let shown = result.map_err(Failure::from).and_then(|result| answer::show(context, &result));
    let artifact = artifact.into_inner().unwrap_or_else(|broken| broken.into_inner());
    if let Some(artifact) = artifact {
        remove_input(context, client, signer, artifact).await;
    }
    shown
}

/// Removes an input that was published for this request, to recover its deposit.
async fn remove_input(context: &Context<'_>, client: &Client, signer: &Signer, artifact: Digest) {
    match client.artifact(artifact).await {
        Ok(Some(view)) if view.owner == *signer.account() => {},
        _ => return,
    }
    let removed = client.submit(&storage::remove(artifact), signer).await;
    context.output.note(match removed {
        Ok(_) => "removed the input from the chain; its deposit was returned".to_owned(),
        Err(error) => {
            format!("could not remove the input {artifact:?}, so its deposit stays held: {error}")
        },
    });
}
