//! A request, from its quote to its result.

use std::time::{Duration, Instant};

use assay_primitives::{
    digest,
    dispute::DisputeId,
    runtime_api::{OptimisticView, RequestView, Status, VersionView},
    validate_payload, Assurance, Balance, BlockNumber, Digest, Outcome, ProofEvidence, RequestId,
    VersionId,
};
use serde::{ser::SerializeStruct, Serialize, Serializer};
use serde_json::Value;

use crate::{
    calls::{self, RequestInput},
    keys::random_key,
    names::AssuranceArgument,
    payload::output_to_json,
    queries::version_name,
    rpc, AccountId, Client, Error, InputError, PublishProgress, Result, Signer,
};

/// Blocks that an answer may take unless the caller says otherwise.
pub const DEFAULT_DEADLINE_BLOCKS: BlockNumber = 30;
/// Blocks to spare where operators want more than the usual deadline.
const SPARE_BLOCKS: BlockNumber = 10;
/// Blocks after the last height that counts in which the chain must end a request.
const DEADLINE_GRACE_BLOCKS: BlockNumber = 20;
/// How long a new block is waited for.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(90);
/// Blocks for which a request may be out of sight, in a reorganisation.
const MAX_BLOCKS_UNSEEN: u32 = 10;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct InferenceRequest {
    /// The version.
    pub version: VersionView<AccountId>,
    /// The input payload. See [`crate::Input::payload`].
    pub payload: Vec<u8>,
    /// What must make the answer credible.
    pub assurance: Assurance,
    /// Most that it may cost, in plancks; the quote where `None`.
    pub max_price: Option<Balance>,
    /// Blocks from now in which it must be answered.
    pub deadline_blocks: BlockNumber,
    /// Makes the request idempotent: an account uses each key once.
    pub client_key: [u8; 32],
}

impl InferenceRequest {
    /// Asks at the price of the quote, with the default deadline and a random client key.
    pub fn new(version: VersionView<AccountId>, payload: Vec<u8>, assurance: Assurance) -> Self {
        Self {
            version,
            payload,
            assurance,
            max_price: None,
            deadline_blocks: DEFAULT_DEADLINE_BLOCKS,
            client_key: random_key(),
        }
    }
}

/// How far a request has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The account has made this request before. Its result is awaited; nothing is sent.
    Known {
        /// The request.
        request: RequestId,
    },
    /// The price is known.
    Quoted {
        /// The price in plancks.
        price: Balance,
        /// Operators that could take the request.
        operators: u32,
    },
    /// The input is put on chain as an artifact, since it is too large to be inline.
    Input(PublishProgress),
    /// The request is in a block.
    Included {
        /// The request.
        request: RequestId,
        /// Height of the block.
        height: BlockNumber,
    },
    /// The request has a new status. In class `Optimistic`, [`Progress::Provisional`] comes instead
    /// of [`Status::Disputable`].
    Status {
        /// The request.
        request: RequestId,
        /// Where it stands.
        status: Status,
    },
    /// There is a result that becomes final when its window has passed, unless it is disputed.
    Provisional(Box<ProvisionalResult>),
    /// Disputes over the provisional result were opened, or are over.
    Disputed {
        /// The request.
        request: RequestId,
        /// Those that are open.
        disputes: Vec<DisputeId>,
    },
}

/// How long a result is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// Until the request is over.
    Final,
    /// Until there is an output, though it may still be disputed. Without class `Optimistic` that
    /// is when the request is over.
    Provisional,
}

/// What came of a request so far.
#[derive(Clone, Debug, PartialEq)]
pub enum InferenceAnswer {
    /// It is over.
    Final(InferenceResult),
    /// It has an output that may still be disputed.
    Provisional(ProvisionalResult),
}

/// An optimistic result before it is final: the word of one operator and its bond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvisionalResult {
    /// The request.
    pub request: RequestId,
    /// The version, as `owner/name@number`.
    pub model: String,
    /// The output as JSON.
    pub output: Value,
    /// The output in real numbers: its integers times the model's scale.
    pub output_real: Option<Value>,
    /// The output as the operator gave it.
    pub payload: Vec<u8>,
    /// The operator.
    pub operator: AccountId,
    /// Last height at which a dispute may be opened. The result is final after it, unless a
    /// dispute is open then.
    pub disputable_until: BlockNumber,
    /// Open disputes.
    pub disputes: Vec<DisputeId>,
    /// Milliseconds from sending the request to seeing this.
    pub latency_ms: u64,
}

impl Serialize for ProvisionalResult {
    /// One object with the fields of an [`InferenceResult`] that are known, and `Provisional` as
    /// the outcome.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_struct("ProvisionalResult", 9)?;
        line.serialize_field("request", &self.request)?;
        line.serialize_field("model", &self.model)?;
        line.serialize_field("assurance", &AssuranceArgument(Assurance::Optimistic).to_string())?;
        line.serialize_field("outcome", "Provisional")?;
        line.serialize_field("output", &self.output)?;
        match &self.output_real {
            Some(output) => line.serialize_field("output_real", output)?,
            None => line.skip_field("output_real")?,
        }
        line.serialize_field("operator", &self.operator.to_string())?;
        line.serialize_field("disputable_until", &self.disputable_until)?;
        line.serialize_field("disputes", &self.disputes)?;
        line.serialize_field("latency_ms", &self.latency_ms)?;
        line.end()
    }
}

/// How far a request that is watched has come.
enum WatchOutcome {
    Final(RequestView<AccountId>),
    Provisional(ProvisionalResult),
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub struct InferenceResult {
    /// The request.
    pub request: RequestId,
    /// The version, as `owner/name@number`.
    pub model: String,
    /// The version by numbers.
    pub version: VersionId,
    /// What was asked for.
    pub assurance: Assurance,
    /// How it ended.
    pub outcome: Outcome,
    /// The output as JSON: an object of nested lists by tensor name. `None` unless verified.
    pub output: Option<Value>,
    /// The output of an integer graph in real numbers: its integers times the model's scale.
    /// `None` for other models.
    pub output_real: Option<Value>,
    /// The output as the operators gave it.
    pub payload: Option<Vec<u8>>,
    /// Milliseconds from sending the request to seeing its end.
    pub latency_ms: u64,
    /// Blocks from the request's inclusion to its end.
    pub blocks: BlockNumber,
    /// What was paid, in plancks.
    pub price_paid: Balance,
    /// Digest of the input payload.
    pub input: Digest,
    /// Digest of the receipt.
    pub receipt: Digest,
    /// What the receipt says of the proof, in class `Proof`.
    pub proof: Option<ProofEvidence>,
}

impl InferenceResult {
    /// Whether there is a verified output.
    pub fn is_verified(&self) -> bool {
        self.outcome == Outcome::Verified
    }
}

impl Serialize for InferenceResult {
    /// One object; amounts are strings of plancks. What a request of its kind does not have,
    /// the output in real numbers or a proof, is left out.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_struct("InferenceResult", 11)?;
        line.serialize_field("request", &self.request)?;
        line.serialize_field("model", &self.model)?;
        line.serialize_field("assurance", &AssuranceArgument(self.assurance).to_string())?;
        line.serialize_field("outcome", &format!("{:?}", self.outcome))?;
        line.serialize_field("output", &self.output)?;
        match &self.output_real {
            Some(output) => line.serialize_field("output_real", output)?,
            None => line.skip_field("output_real")?,
        }
        line.serialize_field("latency_ms", &self.latency_ms)?;
        line.serialize_field("blocks", &self.blocks)?;
        line.serialize_field("price_paid", &self.price_paid.to_string())?;
        line.serialize_field("receipt", &self.receipt)?;
        match &self.proof {
            Some(proof) => line.serialize_field("proof", proof)?,
            None => line.skip_field("proof")?,
        }
        line.end()
    }
}

impl Client {
    /// Asks for an inference and waits for its end.
    ///
    /// Returns however the request ends: see [`InferenceResult::outcome`]. The output is checked
    /// against the digest in the receipt.
    pub async fn infer(
        &self,
        ask: &InferenceRequest,
        signer: &Signer,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<InferenceResult> {
        let started = Instant::now();
        let request = self.request_inference(ask, signer, progress).await?;
        self.finish(request, &ask.version, started, progress).await
    }

    /// [`Client::infer`], so that it can be called again with the same client key: nothing is
    /// sent then, and the result is that of the request made before.
    ///
    /// Fails with [`Error::KeyOfAnother`] where that request was for another version, class or
    /// input. Its price limit and deadline may be others.
    pub async fn infer_once(
        &self,
        ask: &InferenceRequest,
        signer: &Signer,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<InferenceResult> {
        loop {
            // A provisional result is never returned here.
            if let InferenceAnswer::Final(result) =
                self.infer_until(ask, signer, Until::Final, progress).await?
            {
                return Ok(result);
            }
        }
    }

    /// [`Client::infer_once`], waiting as long as `until` says.
    pub async fn infer_until(
        &self,
        ask: &InferenceRequest,
        signer: &Signer,
        until: Until,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<InferenceAnswer> {
        let started = Instant::now();
        let request = match self.request_inference(ask, signer, progress).await {
            Ok(request) => {
                return self.answer(request, &ask.version, started, until, progress).await
            },
            Err(Error::DuplicateKey { request }) => request,
            Err(error) => return Err(error),
        };
        let another = |other: String| Error::KeyOfAnother { request, other };
        let view = self.existing_request(request).await?;
        if let Some(other) = other_terms(ask, &view) {
            return Err(another(other));
        }
        progress(Progress::Known { request });
        let answer = self.answer(request, &ask.version, started, until, progress).await?;
        let input = match &answer {
            InferenceAnswer::Final(result) => Some(result.input),
            InferenceAnswer::Provisional(_) => {
                self.input(request).await?.map(|input| digest(&input))
            },
        };
        match input.filter(|input| *input != digest(&ask.payload)) {
            Some(input) => Err(another(format!("the input {input:?}"))),
            None => Ok(answer),
        }
    }

    /// Waits for the result of a request as long as `until` says. The latency is that of the wait.
    pub async fn await_result(
        &self,
        request: RequestId,
        until: Until,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<InferenceAnswer> {
        let started = Instant::now();
        let view = self.existing_request(request).await?;
        let version = self.version(view.version).await?.ok_or_else(|| {
            Error::not_found(format!("version {} of request {request} was removed", view.version))
        })?;
        self.answer(request, &version, started, until, progress).await
    }

    async fn answer(
        &self,
        request: RequestId,
        version: &VersionView<AccountId>,
        started: Instant,
        until: Until,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<InferenceAnswer> {
        let latency_ms = || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(match self.watch(request, until, progress).await? {
            WatchOutcome::Final(view) => {
                let latency_ms = latency_ms();
                let result = self.result(&view, version).await?;
                InferenceAnswer::Final(InferenceResult { latency_ms, ..result })
            },
            WatchOutcome::Provisional(result) => InferenceAnswer::Provisional(ProvisionalResult {
                latency_ms: latency_ms(),
                ..result
            }),
        })
    }

    async fn finish(
        &self,
        request: RequestId,
        version: &VersionView<AccountId>,
        started: Instant,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<InferenceResult> {
        let view = self.wait(request, progress).await?;
        let latency = started.elapsed().as_millis();
        let mut result = self.result(&view, version).await?;
        result.latency_ms = u64::try_from(latency).unwrap_or(u64::MAX);
        Ok(result)
    }

    /// Blocks in which a request may be asked to be answered: [`DEFAULT_DEADLINE_BLOCKS`], or more
    /// where the operators of the quote want more.
    pub async fn usual_deadline(&self, version: VersionId, assurance: Assurance) -> BlockNumber {
        let quote = self.quote(version, assurance).await;
        let wanted = quote.map_or(0, |quote| quote.blocks.saturating_add(SPARE_BLOCKS));
        wanted.max(DEFAULT_DEADLINE_BLOCKS)
    }

    /// Sends a request and returns as soon as a block includes it.
    pub async fn request_inference(
        &self,
        ask: &InferenceRequest,
        signer: &Signer,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<RequestId> {
        validate_payload(&ask.payload, &ask.version.descriptor.inputs)
            .map_err(|error| Error::Input(InputError::Payload(error)))?;
        self.refuse_used_key(ask, signer).await?;
        self.check_deadline(ask.assurance, ask.deadline_blocks).await?;
        let version = ask.version.id;
        let quote = self.quote(version, ask.assurance).await?;
        progress(Progress::Quoted { price: quote.price, operators: quote.operators });
        let max_price = ask.max_price.unwrap_or(quote.price);
        if max_price < quote.price {
            return Err(Error::PriceAboveLimit { price: quote.price, limit: max_price });
        }
        // One block passes until the request is in one. Dearer operators may be faster.
        let needed = quote.blocks.saturating_add(1);
        if max_price == quote.price && ask.deadline_blocks < needed {
            return Err(Error::invalid(format!(
                "a deadline of {} blocks is too short: who asks {} wants {needed} at least; give \
                 it more, or a price at which faster operators take it",
                ask.deadline_blocks,
                crate::amount::display(quote.price)
            )));
        }
        let input = self.place_input(ask, signer, progress).await?;
        let best = self.rpc().header(None).await?;
        let deadline = rpc::height(&best).saturating_add(ask.deadline_blocks);
        let call = calls::inference::request(
            version,
            input,
            ask.assurance,
            max_price,
            deadline,
            ask.client_key,
        );
        let included = match self.submit(&call, signer).await {
            Ok(included) => included,
            Err(error) => {
                // Somebody else may have sent it with this key meanwhile.
                if matches!(error, Error::Refused { .. } | Error::Dropped { .. }) {
                    self.refuse_used_key(ask, signer).await?;
                }
                return Err(error);
            },
        };
        let request: Option<RequestId> = self
            .rpc()
            .runtime_call(
                "AssayApi_request_by_key",
                &(signer.account(), ask.client_key),
                Some(included.block),
            )
            .await?;
        let request = request.ok_or_else(|| Error::Answer {
            method: "AssayApi_request_by_key".into(),
            reason: "the request is not found by its client key".into(),
        })?;
        progress(Progress::Included { request, height: included.height });
        Ok(request)
    }

    /// Waits until a request is over. An optimistic one is over when its window has passed and
    /// its disputes are: that goes by what the chain says, not by a constant.
    pub async fn wait(
        &self,
        request: RequestId,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<RequestView<AccountId>> {
        loop {
            // A provisional result is never returned here.
            if let WatchOutcome::Final(view) = self.watch(request, Until::Final, progress).await? {
                return Ok(view);
            }
        }
    }

    async fn watch(
        &self,
        request: RequestId,
        until: Until,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<WatchOutcome> {
        let mut heads = self.rpc().subscribe_heads().await?;
        let mut last = None;
        let mut disputed = None;
        let mut unseen = 0;
        let mut height = 0;
        loop {
            match self.request(request).await? {
                Some(view) => {
                    unseen = 0;
                    let claim = match (view.assurance, view.status) {
                        (Assurance::Optimistic, Status::Disputable) => {
                            self.optimistic(request).await?
                        },
                        _ => None,
                    };
                    if let Some(claim) = &claim {
                        if disputed.is_none() {
                            let result = self.provisional_result(&view, claim).await?;
                            progress(Progress::Provisional(Box::new(result.clone())));
                            if until == Until::Provisional {
                                return Ok(WatchOutcome::Provisional(result));
                            }
                        } else if disputed.as_ref() != Some(&claim.disputes) {
                            let disputes = claim.disputes.clone();
                            progress(Progress::Disputed { request, disputes });
                        }
                        disputed = Some(claim.disputes.clone());
                    } else if last != Some(view.status) {
                        progress(Progress::Status { request, status: view.status });
                    }
                    last = Some(view.status);
                    if matches!(view.status, Status::Final(_)) {
                        return Ok(WatchOutcome::Final(view));
                    }
                    let end = match &claim {
                        Some(claim) => self.last_height(claim).await?,
                        None => view.deadline,
                    };
                    if height > end.saturating_add(DEADLINE_GRACE_BLOCKS) {
                        return Err(Error::Stalled(format!(
                            "request {request} had to end by block {end} and is open at {height}"
                        )));
                    }
                },
                None if unseen < MAX_BLOCKS_UNSEEN => unseen += 1,
                None => {
                    return Err(Error::not_found(format!(
                        "there is no request {request}, or it was pruned"
                    )))
                },
            }
            let head = tokio::time::timeout(BLOCK_TIMEOUT, rpc::next(&mut heads, "new heads"));
            let head = head.await.map_err(|_| {
                Error::Stalled(format!(
                    "no new block for {} s while request {request} is open",
                    BLOCK_TIMEOUT.as_secs()
                ))
            })??;
            height = rpc::height(&head);
        }
    }

    /// What is known of an optimistic result that is not final. Its latency is 0.
    pub async fn provisional_result(
        &self,
        view: &RequestView<AccountId>,
        claim: &OptimisticView<AccountId>,
    ) -> Result<ProvisionalResult> {
        let version = self.version(view.version).await?.ok_or_else(|| {
            Error::not_found(format!("there is no version {} any more", view.version))
        })?;
        let output = output_to_json(&claim.output, &version.descriptor.outputs)?;
        let scales = self.scales(&version).await?;
        Ok(ProvisionalResult {
            request: view.id,
            model: version_name(&version),
            output_real: scales.map(|scales| scales.output_in_reals(&output)),
            output,
            payload: claim.output.clone(),
            operator: claim.operator.clone(),
            disputable_until: claim.disputable_until,
            disputes: claim.disputes.clone(),
            latency_ms: 0,
        })
    }

    /// The last height at which anything about an optimistic result counts, as it stands.
    async fn last_height(&self, claim: &OptimisticView<AccountId>) -> Result<BlockNumber> {
        let mut last = claim.disputable_until;
        for id in &claim.disputes {
            if let Some(dispute) = self.dispute(*id, None).await? {
                last = last.max(dispute.deadline);
            }
        }
        Ok(last)
    }

    /// The result of a request that is over.
    pub async fn result(
        &self,
        view: &RequestView<AccountId>,
        version: &VersionView<AccountId>,
    ) -> Result<InferenceResult> {
        let unreadable = |reason: &str| Error::Answer {
            method: "AssayApi_receipt".into(),
            reason: reason.into(),
        };
        let Status::Final(outcome) = view.status else {
            return Err(Error::invalid(format!("request {} is not over yet", view.id)));
        };
        let receipt = self.receipt(view.id).await?;
        let receipt = receipt.ok_or_else(|| unreadable("there is no receipt, or it was pruned"))?;
        let payload = view.output.clone().filter(|_| outcome == Outcome::Verified);
        if let Some(payload) = &payload {
            if receipt.receipt.output_digest != Some(digest(payload)) {
                return Err(unreadable("the output does not have the digest in the receipt"));
            }
        }
        let output = payload
            .as_deref()
            .map(|payload| output_to_json(payload, &version.descriptor.outputs))
            .transpose()?;
        let scales = match &output {
            Some(_) => self.scales(version).await?,
            None => None,
        };
        let output_real = scales.zip(output.as_ref());
        let output_real = output_real.map(|(scales, output)| scales.output_in_reals(output));
        Ok(InferenceResult {
            request: view.id,
            model: version_name(version),
            version: view.version,
            assurance: view.assurance,
            outcome,
            output,
            output_real,
            payload,
            latency_ms: 0,
            blocks: receipt.receipt.decided_at.saturating_sub(view.requested_at),
            price_paid: receipt.receipt.price_paid,
            input: receipt.receipt.input_digest,
            receipt: receipt.digest,
            proof: receipt.evidence.iter().find_map(|item| item.proof),
        })
    }

    /// Puts an input that is too large to be inline on chain as an artifact.
    async fn place_input(
        &self,
        ask: &InferenceRequest,
        signer: &Signer,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<RequestInput> {
        let payload = &ask.payload;
        let bound: Option<u32> = self.constant("Inference", "MaxInputBytes").await;
        let Some(bound) = bound.filter(|bound| payload.len() as u64 > u64::from(*bound)) else {
            return Ok(RequestInput::Inline(payload.to_vec()));
        };
        if matches!(ask.assurance, Assurance::Proof | Assurance::Optimistic) {
            return Err(Error::invalid(format!(
                "the input has {} bytes; in classes proof and optimistic the chain takes {bound} \
                 at most, since it has to read it. Use a smaller one, or another class",
                payload.len()
            )));
        }
        let digest =
            self.publish_artifact(payload, signer, &|step| progress(Progress::Input(step))).await?;
        Ok(RequestInput::Artifact(digest))
    }

    async fn refuse_used_key(&self, ask: &InferenceRequest, signer: &Signer) -> Result<()> {
        match self.request_by_key(signer.account(), ask.client_key).await? {
            Some(request) => Err(Error::DuplicateKey { request }),
            None => Ok(()),
        }
    }
}

/// What a request asked for, where that is something else than is asked for now. Inputs are
/// compared by the receipt.
fn other_terms(ask: &InferenceRequest, request: &RequestView<AccountId>) -> Option<String> {
    if request.version != ask.version.id {
        return Some(format!("version {}", request.version));
    }
    let differs = request.assurance != ask.assurance;
    differs.then(|| format!("class {}", AssuranceArgument(request.assurance)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_primitives::{ModelId, RejectReason};

    #[test]
    fn a_request_for_something_else_is_told_from_a_retry() {
        let id = VersionId { model: ModelId(3), number: 1 };
        let account = AccountId::from([1; 32]);
        let version = VersionView {
            id,
            owner: account.clone(),
            name: b"digits".to_vec(),
            descriptor: assay_primitives::ModelDescriptor {
                artifact: Digest::zero(),
                artifact_size: 1,
                format: assay_primitives::Format::Onnx,
                inputs: Default::default(),
                outputs: Default::default(),
                assurances: assay_primitives::AssuranceClasses::NONE,
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
            audit: None,
        };
        let ask = InferenceRequest::new(version, Vec::new(), Assurance::Signed);
        let request = RequestView {
            id: RequestId(4),
            payer: account,
            version: id,
            assurance: Assurance::Signed,
            max_price: 7,
            requested_at: 1,
            deadline: 31,
            status: Status::Pending,
            members: Vec::new(),
            output: None,
            receipt_digest: None,
        };
        assert_eq!(other_terms(&ask, &request), None);
        let newer = VersionId { number: 2, ..id };
        let request_of_newer = RequestView { version: newer, ..request.clone() };
        assert_eq!(other_terms(&ask, &request_of_newer).unwrap(), "version 3@2");
        let quorum = RequestView { assurance: Assurance::Quorum { n: 3, k: 2 }, ..request };
        assert_eq!(other_terms(&ask, &quorum).unwrap(), "class quorum:3,2");
    }

    #[test]
    fn a_provisional_result_says_so_and_until_when() {
        let result = ProvisionalResult {
            request: RequestId(7),
            model: "5Grw/digits@1".into(),
            output: serde_json::json!({"output": [2]}),
            output_real: Some(serde_json::json!({"output": [0.5]})),
            payload: vec![1],
            operator: AccountId::from([1; 32]),
            disputable_until: 120,
            disputes: vec![DisputeId(3)],
            latency_ms: 4100,
        };
        assert_eq!(
            serde_json::to_string(&result).unwrap(),
            format!(
                "{{\"request\":7,\"model\":\"5Grw/digits@1\",\"assurance\":\"optimistic\",\
                 \"outcome\":\"Provisional\",\"output\":{{\"output\":[2]}},\
                 \"output_real\":{{\"output\":[0.5]}},\"operator\":\"{}\",\
                 \"disputable_until\":120,\"disputes\":[3],\"latency_ms\":4100}}",
                result.operator
            )
        );
    }

    #[test]
    fn a_result_is_one_line_of_json() {
        let result = InferenceResult {
            request: RequestId(7),
            model: "5Grw/digits@1".into(),
            version: VersionId { model: ModelId(0), number: 1 },
            assurance: Assurance::Quorum { n: 3, k: 2 },
            outcome: Outcome::Verified,
            output: Some(serde_json::json!({"p": [0.5]})),
            output_real: None,
            payload: None,
            latency_ms: 2100,
            blocks: 2,
            price_paid: u128::MAX,
            input: Digest::repeat_byte(2),
            receipt: Digest::repeat_byte(1),
            proof: None,
        };
        assert_eq!(
            serde_json::to_string(&result).unwrap(),
            format!(
                "{{\"request\":7,\"model\":\"5Grw/digits@1\",\"assurance\":\"quorum:3,2\",\
                 \"outcome\":\"Verified\",\"output\":{{\"p\":[0.5]}},\"latency_ms\":2100,\
                 \"blocks\":2,\"price_paid\":\"340282366920938463463374607431768211455\",\
                 \"receipt\":\"0x{}\"}}",
                "01".repeat(32)
            )
        );
        let rejected = InferenceResult {
            outcome: Outcome::Rejected(RejectReason::NoOperator),
            output: None,
            ..result.clone()
        };
        assert!(!rejected.is_verified());
        let line = serde_json::to_string(&rejected).unwrap();
        assert!(line.contains("\"outcome\":\"Rejected(NoOperator)\",\"output\":null"), "{line}");
        let digest = Digest::repeat_byte(3);
        let proven = InferenceResult {
            assurance: Assurance::Proof,
            output: Some(serde_json::json!({"output": [2]})),
            output_real: Some(serde_json::json!({"output": [0.5]})),
            proof: Some(ProofEvidence { digest, bytes: 9, security_bits: 127 }),
            ..result
        };
        let line = serde_json::to_string(&proven).unwrap();
        for part in [
            "\"assurance\":\"proof\"",
            "\"output\":{\"output\":[2]},\"output_real\":{\"output\":[0.5]}",
            "\"bytes\":9,\"security_bits\":127}}",
        ] {
            assert!(line.contains(part), "{line}");
        }
    }
}
