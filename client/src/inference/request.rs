//! Terms of a request, and its submission.

use assay_primitives::{
    runtime_api::{RequestView, VersionView},
    validate_payload, Assurance, Balance, BlockNumber, RequestId, VersionId,
};

use super::Progress;
use crate::{
    amount,
    calls::{self, RequestInput},
    keys::random_key,
    names::AssuranceArgument,
    rpc, AccountId, Client, Error, InputError, Result, Signer,
};

/// Default deadline in blocks, counted from the best block.
pub const DEFAULT_DEADLINE_BLOCKS: BlockNumber = 30;
/// Blocks added to the minimum of the quote where it exceeds the default deadline.
const SPARE_BLOCKS: BlockNumber = 10;

/// Terms of a request for an inference.
#[derive(Clone, Debug)]
pub struct InferenceRequest {
    /// The version.
    pub version: VersionView<AccountId>,
    /// The input payload. See [`crate::Input::payload`].
    pub payload: Vec<u8>,
    /// The evidence that the result must have.
    pub assurance: Assurance,
    /// Price limit in plancks. `None`: the quote.
    pub max_price: Option<Balance>,
    /// Deadline in blocks, counted from the best block when the request is sent.
    pub deadline_blocks: BlockNumber,
    /// Number of blocks until operators are drawn. With more, more block authors would have to work
    /// together to choose the operators.
    pub draw_delay: BlockNumber,
    /// Makes the request idempotent: an account can use each key once.
    pub client_key: [u8; 32],
}

impl InferenceRequest {
    /// A request at the price of the quote, with [`DEFAULT_DEADLINE_BLOCKS`] and a random client
    /// key.
    pub fn new(version: VersionView<AccountId>, payload: Vec<u8>, assurance: Assurance) -> Self {
        Self {
            version,
            payload,
            assurance,
            max_price: None,
            deadline_blocks: DEFAULT_DEADLINE_BLOCKS,
            draw_delay: 1,
            client_key: random_key(),
        }
    }
}

/// What the chain holds for a request until its end.
pub(super) struct Held {
    /// Price limit in plancks.
    pub max_price: Balance,
    /// The largest fee for the answers' room in blocks, in plancks.
    pub fee: Balance,
}

impl Client {
    /// Suggested deadline of a request in blocks: [`DEFAULT_DEADLINE_BLOCKS`], or more if the
    /// operators of the quote need more. The default too if there is no quote.
    pub async fn usual_deadline(&self, version: VersionId, assurance: Assurance) -> BlockNumber {
        let quote = self.quote(version, assurance).await;
        let wanted = quote.map_or(0, |quote| quote.blocks.saturating_add(SPARE_BLOCKS));
        wanted.max(DEFAULT_DEADLINE_BLOCKS)
    }

    /// Sends a request and returns as soon as a block includes it.
    ///
    /// # Errors
    ///
    /// - [`Error::Input`]: the payload does not fit the version's inputs.
    /// - [`Error::DuplicateKey`]: the account has used the client key before.
    /// - [`Error::Invalid`]: the deadline is out of bounds or too short for the price, the input is too
    ///   large for the class, or the account has less than what is held for the request.
    /// - [`Error::PriceAboveLimit`]: the quote exceeds [`InferenceRequest::max_price`].
    /// - [`Error::Closed`]: requests are closed for now.
    /// - Those of [`Client::quote`], [`Client::publish_artifact`] and [`Client::submit`].
    pub async fn request_inference(
        &self,
        terms: &InferenceRequest,
        signer: &Signer,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<RequestId> {
        check_payload(terms)?;
        self.refuse_used_key(terms, signer).await?;
        self.check_open("Inference", "request").await?;
        let held = self.check_terms(terms, progress).await?;
        self.check_funds(&held, 1, signer).await?;
        progress(Progress::Sending { client_key: terms.client_key });
        let input = self.place_input(terms, signer, progress).await?;
        let call = calls::inference::request(
            terms.version.id,
            input,
            terms.assurance,
            held.max_price,
            self.deadline(terms).await?,
            terms.draw_delay,
            terms.client_key,
        );
        let included = match self.submit(&call, signer).await {
            Ok(included) => included,
            Err(error) => {
                if was_not_included(&error) {
                    self.refuse_used_key(terms, signer).await?;
                }
                return Err(error);
            },
        };
        let request: Option<RequestId> = self
            .rpc()
            .runtime_call(
                "AssayApi_request_by_key",
                &(signer.account(), terms.client_key),
                Some(included.block),
            )
            .await?;
        let request = request.ok_or_else(|| Error::Answer {
            method: "AssayApi_request_by_key".into(),
            reason: "it does not return the request that the block includes".into(),
        })?;
        progress(Progress::Included { request, height: included.height });
        Ok(request)
    }

    /// Checks deadline and price limit against the chain's bounds and the quote.
    pub(super) async fn check_terms(
        &self,
        terms: &InferenceRequest,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Held> {
        self.check_deadline(terms.assurance, terms.deadline_blocks).await?;
        let quote = self.quote(terms.version.id, terms.assurance).await?;
        progress(Progress::Quoted {
            price: quote.price,
            fee: quote.fee,
            operators: quote.operators,
        });
        let max_price = terms.max_price.unwrap_or(quote.price);
        if max_price < quote.price {
            return Err(Error::PriceAboveLimit { price: quote.price, limit: max_price });
        }
        // The deadline counts from the best block, the quote from the block that includes the
        // request. At a higher price, faster operators may take it.
        let needed = quote.blocks.saturating_add(terms.draw_delay);
        if max_price == quote.price && terms.deadline_blocks < needed {
            return Err(Error::invalid(format!(
                "a deadline of {} blocks is too short: the operators that ask {} need at least \
                 {needed}; allow more blocks, or raise the price limit to admit faster operators",
                terms.deadline_blocks,
                amount::display(quote.price)
            )));
        }
        Ok(Held { max_price, fee: quote.fee })
    }

    /// Checks that the account can have `count` times as much held.
    pub(super) async fn check_funds(
        &self,
        held: &Held,
        count: usize,
        signer: &Signer,
    ) -> Result<()> {
        let account = signer.account();
        let each = held.max_price.saturating_add(held.fee);
        covers(account, self.balance(account).await?.payable(), each, count)
    }

    /// The height of a deadline that is counted from the best block.
    pub(super) async fn deadline(&self, terms: &InferenceRequest) -> Result<BlockNumber> {
        let best = self.rpc().header(None).await?;
        Ok(rpc::height(&best).saturating_add(terms.deadline_blocks))
    }

    /// Maximum size in bytes of an input that is not an artifact.
    pub(super) async fn max_inline_input(&self) -> usize {
        let bound: Option<u32> = self.constant("Inference", "MaxInputBytes").await;
        bound.and_then(|bound| usize::try_from(bound).ok()).unwrap_or(usize::MAX)
    }

    /// Publishes an input that exceeds the bound for inline inputs as an artifact.
    async fn place_input(
        &self,
        terms: &InferenceRequest,
        signer: &Signer,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<RequestInput> {
        let payload = &terms.payload;
        let bound = self.max_inline_input().await;
        if payload.len() <= bound {
            return Ok(RequestInput::Inline(payload.to_vec()));
        }
        if matches!(terms.assurance, Assurance::Proof | Assurance::Optimistic) {
            return Err(Error::invalid(format!(
                "the input has {} bytes; classes proof and optimistic accept at most {bound}, \
                 because the chain has to read it; use a smaller input or another class",
                payload.len()
            )));
        }
        let artifact =
            self.publish_artifact(payload, signer, &|step| progress(Progress::Input(step))).await?;
        Ok(RequestInput::Artifact(artifact))
    }

    async fn refuse_used_key(&self, terms: &InferenceRequest, signer: &Signer) -> Result<()> {
        match self.request_by_key(signer.account(), terms.client_key).await? {
            Some(request) => Err(Error::DuplicateKey { request }),
            None => Ok(()),
        }
    }
}

/// Checks that an account with so much to pay with can have `each` held for `count` requests.
fn covers(account: &AccountId, free: Balance, each: Balance, count: usize) -> Result<()> {
    let held = each.saturating_mul(Balance::try_from(count).unwrap_or(Balance::MAX));
    if held <= free {
        return Ok(());
    }
    let parts = match count {
        1 => "the price limit and the largest fee".to_owned(),
        _ => format!(
            "price limit and largest fee, {} for each of {count} requests",
            amount::display(each)
        ),
    };
    Err(Error::invalid(format!(
        "{account} has {} to pay with, and {} are held: {parts}; transfer at least {} to it, and what the \
         transaction costs",
        amount::display(free),
        amount::display(held),
        amount::display(held.saturating_sub(free))
    )))
}

/// Whether no block has the transaction. Another process may have sent its requests meanwhile.
pub(super) fn was_not_included(error: &Error) -> bool {
    matches!(error, Error::Refused { .. } | Error::Dropped { .. })
}

/// Checks that the payload fits the version's inputs.
pub(super) fn check_payload(terms: &InferenceRequest) -> Result<()> {
    validate_payload(&terms.payload, &terms.version.descriptor.inputs)
        .map_err(|error| Error::Input(InputError::Payload(error)))
}

/// The version or class of an existing request, if it differs from the terms. Inputs are compared
/// by the digest in the receipt.
pub(super) fn differing_terms(
    terms: &InferenceRequest,
    existing: &RequestView<AccountId>,
) -> Option<String> {
    if existing.version != terms.version.id {
        return Some(format!("version {}", existing.version));
    }
    let differs = existing.assurance != terms.assurance;
    differs.then(|| format!("class {}", AssuranceArgument(existing.assurance)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use assay_primitives::{
        runtime_api::Status, AssuranceClasses, Digest, Format, ModelDescriptor, ModelId, ASY,
    };

    /// Terms for a version without inputs.
    pub(crate) fn terms() -> InferenceRequest {
        let version = VersionView {
            id: VersionId { model: ModelId(3), number: 1 },
            owner: AccountId::from([1; 32]),
            name: b"digits".to_vec(),
            descriptor: ModelDescriptor {
                artifact: Digest::zero(),
                artifact_size: 1,
                format: Format::Onnx,
                inputs: Default::default(),
                outputs: Default::default(),
                assurances: AssuranceClasses::NONE,
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
        InferenceRequest::new(version, Vec::new(), Assurance::Signed)
    }

    #[test]
    fn a_request_for_something_else_is_told_from_a_retry() {
        let terms = terms();
        let id = terms.version.id;
        let request = RequestView {
            id: RequestId(4),
            payer: AccountId::from([1; 32]),
            version: id,
            assurance: Assurance::Signed,
            max_price: 7,
            fee: 1,
            stake: 2,
            requested_at: 1,
            deadline: 31,
            status: Status::Pending,
            waits: false,
            members: Vec::new(),
            output: None,
            receipt_digest: None,
            appealable_until: None,
            correction: None,
        };
        assert_eq!(differing_terms(&terms, &request), None);
        let newer = VersionId { number: 2, ..id };
        let request_of_newer = RequestView { version: newer, ..request.clone() };
        assert_eq!(differing_terms(&terms, &request_of_newer).unwrap(), "version 3@2");
        let quorum = RequestView { assurance: Assurance::Quorum { n: 3, k: 2 }, ..request };
        assert_eq!(differing_terms(&terms, &quorum).unwrap(), "class quorum:3,2");
    }

    #[test]
    fn the_account_must_cover_what_is_held_for_all() {
        let account = AccountId::from([1; 32]);
        let refusal = |free, count| covers(&account, free, 2 * ASY, count).unwrap_err().to_string();
        covers(&account, 6 * ASY, 2 * ASY, 3).unwrap();
        assert_eq!(
            refusal(6 * ASY - 1, 3),
            format!(
                "{account} has 5.999999999999 ASY to pay with, and 6 ASY are held: price limit and largest \
                 fee, 2 ASY for each of 3 requests; transfer at least 0.000000000001 ASY to it, and what the \
                 transaction costs"
            )
        );
        assert_eq!(
            refusal(0, 1),
            format!(
                "{account} has 0 ASY to pay with, and 2 ASY are held: the price limit and the largest fee; \
                 transfer at least 2 ASY to it, and what the transaction costs"
            )
        );
    }
}
