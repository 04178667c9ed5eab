//! Batches: requests that one call makes.

use std::{collections::BTreeSet, time::Instant};

use assay_primitives::{RequestId, MAX_TRANSACTION_BYTES};
use futures::future::try_join_all;

use super::{
    request::{check_payload, was_not_included},
    InferenceAnswer, InferenceRequest, Progress, Until,
};
use crate::{
    calls::{self, RequestInput},
    Client, Error, Result, Signer,
};

/// Maximum number of requests in a batch.
pub const MAX_BATCH: usize = 64;
/// What the transaction of a batch has at most besides its inputs, in bytes: a key and two lengths for
/// each, the terms, the signature.
const BATCH_OVERHEAD: usize = 4 * 1024;

impl Client {
    /// Sends up to [`MAX_BATCH`] requests with one call, and returns as soon as a block includes it.
    /// They must be equal but for payload and client key.
    ///
    /// Returns the requests in the same order. `None`: the chain has refused the item, because
    /// something has changed since the client's checks, such as another process that used its key.
    ///
    /// # Errors
    ///
    /// Nothing is sent with the first five of these.
    ///
    /// - [`Error::Item`]: an item is invalid; it contains the error that [`Client::request_inference`]
    ///   has, or says how the item differs from the first one. Inputs that would be published as
    ///   artifacts are refused.
    /// - [`Error::Invalid`]: there are no requests or too many, the deadline is out of bounds or too
    ///   short for the price, or the account has less than what is held for all of them.
    /// - [`Error::PriceAboveLimit`]: the quote exceeds [`InferenceRequest::max_price`].
    /// - [`Error::Closed`]: requests are closed for now.
    /// - Those of [`Client::quote`].
    /// - Those of [`Client::submit`].
    pub async fn request_batch(
        &self,
        requests: &[InferenceRequest],
        signer: &Signer,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Vec<Option<RequestId>>> {
        let first = self.check_batch(requests).await?;
        self.refuse_used_keys(requests, signer).await?;
        let sent =
            self.send_batch(first, &requests.iter().collect::<Vec<_>>(), signer, progress).await;
        if sent.as_ref().is_err_and(was_not_included) {
            self.refuse_used_keys(requests, signer).await?;
        }
        sent
    }

    /// [`Client::request_batch`], then waits for the results, as long as `until` requires. May be
    /// repeated with the same client keys: requests that exist are not sent again, and their results
    /// are returned with the others. A day after its end a request is pruned; then it is sent and paid
    /// again.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request_batch`], except [`Error::DuplicateKey`]. In an [`Error::Item`]: those
    /// of [`Client::wait`], and [`Error::KeyOfAnother`] if the existing request is for another
    /// version, class or input, with which nothing is sent.
    pub async fn infer_batch(
        &self,
        requests: &[InferenceRequest],
        signer: &Signer,
        until: Until,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Vec<Option<InferenceAnswer>>> {
        let started = Instant::now();
        let first = self.check_batch(requests).await?;
        let mut made = self.requests_by_key(requests, signer).await?;
        for (index, (made, terms)) in made.iter().zip(requests).enumerate() {
            let Some(request) = *made else { continue };
            let checked = self.check_known(terms, request).await;
            checked.map_err(|error| Error::item(index, error))?;
            progress(Progress::Known { request });
        }
        let new = made.iter().zip(requests).filter(|(made, _)| made.is_none());
        let new: Vec<_> = new.map(|(_, terms)| terms).collect();
        if !new.is_empty() {
            match self.send_batch(first, &new, signer, progress).await {
                Ok(sent) => {
                    for (made, sent) in made.iter_mut().filter(|made| made.is_none()).zip(sent) {
                        *made = sent;
                    }
                },
                Err(error) if was_not_included(&error) => {
                    made = self.requests_by_key(requests, signer).await?;
                    if made.iter().any(Option::is_none) {
                        return Err(error);
                    }
                },
                Err(error) => return Err(error),
            }
        }
        try_join_all(made.iter().zip(requests).enumerate().map(
            |(index, (made, terms))| async move {
                let Some(request) = *made else { return Ok(None) };
                let answer = self.follow(terms, signer, request, started, until, progress).await;
                answer.map(Some).map_err(|error| Error::item(index, error))
            },
        ))
        .await
    }

    /// Sends items that were checked, with the terms of the first one.
    async fn send_batch(
        &self,
        terms: &InferenceRequest,
        requests: &[&InferenceRequest],
        signer: &Signer,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Vec<Option<RequestId>>> {
        self.check_open("Inference", "request_batch").await?;
        let held = self.check_terms(terms, progress).await?;
        self.check_funds(&held, requests.len(), signer).await?;
        let mut items = Vec::with_capacity(requests.len());
        for request in requests {
            progress(Progress::Sending { client_key: request.client_key });
            items.push((RequestInput::Inline(request.payload.clone()), request.client_key));
        }
        let call = calls::inference::request_batch(
            terms.version.id,
            terms.assurance,
            held.max_price,
            self.deadline(terms).await?,
            terms.draw_delay,
            items,
        );
        let included = self.submit(&call, signer).await?;
        let made: Vec<Option<RequestId>> =
            try_join_all(requests.iter().map(|request| async move {
                let key = (signer.account(), request.client_key);
                self.rpc().runtime_call("AssayApi_request_by_key", &key, Some(included.block)).await
            }))
            .await?;
        for request in made.iter().flatten() {
            progress(Progress::Included { request: *request, height: included.height });
        }
        Ok(made)
    }

    /// Checks the items themselves, and returns the first one.
    async fn check_batch<'a>(
        &self,
        requests: &'a [InferenceRequest],
    ) -> Result<&'a InferenceRequest> {
        let first = check_items(requests)?;
        let bound = self.max_inline_input().await;
        match requests.iter().position(|terms| terms.payload.len() > bound) {
            Some(index) => Err(Error::item(
                index,
                Error::invalid(format!(
                    "the input has {} bytes; in a batch it may have at most {bound}; request it alone",
                    requests[index].payload.len()
                )),
            )),
            None => Ok(first),
        }
    }

    async fn refuse_used_keys(&self, requests: &[InferenceRequest], signer: &Signer) -> Result<()> {
        let made = self.requests_by_key(requests, signer).await?;
        match (0..).zip(made).find_map(|(index, made)| Some((index, made?))) {
            Some((index, request)) => Err(Error::item(index, Error::DuplicateKey { request })),
            None => Ok(()),
        }
    }

    async fn requests_by_key(
        &self,
        requests: &[InferenceRequest],
        signer: &Signer,
    ) -> Result<Vec<Option<RequestId>>> {
        try_join_all(
            requests.iter().map(|terms| self.request_by_key(signer.account(), terms.client_key)),
        )
        .await
    }
}

/// Checks what needs no node: the number of items, that their terms are equal and their keys are
/// not, and that the payloads fit the version's inputs and a transaction. Returns the first item.
fn check_items(requests: &[InferenceRequest]) -> Result<&InferenceRequest> {
    let first = requests.first().ok_or_else(|| Error::invalid("the batch has no requests"))?;
    if requests.len() > MAX_BATCH {
        return Err(Error::invalid(format!(
            "a batch has at most {MAX_BATCH} requests, not {}; send several batches",
            requests.len()
        )));
    }
    let mut keys = BTreeSet::new();
    for (index, terms) in requests.iter().enumerate() {
        let checked = match differing_term(first, terms) {
            Some(term) => Err(Error::invalid(format!(
                "it has another {term} than the first one; all requests of a batch have the same"
            ))),
            None if !keys.insert(terms.client_key) => {
                Err(Error::invalid("an earlier item has the same client key"))
            },
            None => check_payload(terms),
        };
        checked.map_err(|error| Error::item(index, error))?;
    }
    check_size(requests)?;
    Ok(first)
}

fn check_size(requests: &[InferenceRequest]) -> Result<()> {
    let bytes: usize = requests.iter().map(|terms| terms.payload.len()).sum();
    let most = MAX_TRANSACTION_BYTES as usize - BATCH_OVERHEAD;
    match bytes > most {
        true => Err(Error::invalid(format!(
            "the inputs of a batch have at most {most} bytes together, not {bytes}; send several batches"
        ))),
        false => Ok(()),
    }
}

/// The name of a term in which two requests differ.
fn differing_term(first: &InferenceRequest, other: &InferenceRequest) -> Option<&'static str> {
    [
        ("version", first.version.id == other.version.id),
        ("class", first.assurance == other.assurance),
        ("price limit", first.max_price == other.max_price),
        ("deadline", first.deadline_blocks == other.deadline_blocks),
        ("draw delay", first.draw_delay == other.draw_delay),
    ]
    .into_iter()
    .find_map(|(name, is_equal)| (!is_equal).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::tests::client, inference::request::tests::terms, payload::tests::declare,
        rpc::tests::node, AccountId, Input,
    };
    use assay_primitives::{
        digest,
        runtime_api::{ReceiptView, RequestView, Status},
        Assurance, Digest, ElementType, Outcome, Receipt, VersionId, ASY,
    };
    use codec::Encode;

    /// Requests with the inputs `[0, 0]`, `[1, 1]`, ... for a version with one input of two numbers.
    fn batch(count: u8) -> Vec<InferenceRequest> {
        let declared = [declare("x", ElementType::U8, &[Some(2)])];
        let mut terms = terms();
        terms.version.descriptor.inputs = declared.to_vec().try_into().unwrap();
        let items = (0..count).map(|number| {
            let input = Input::from_json(&format!("[{number}, {number}]"), &declared).unwrap();
            InferenceRequest { payload: input.payload(), client_key: [number; 32], ..terms.clone() }
        });
        items.collect()
    }

    fn refusal(requests: &[InferenceRequest]) -> String {
        check_items(requests).unwrap_err().to_string()
    }

    #[test]
    fn a_batch_has_1_to_64_requests() {
        assert_eq!(refusal(&[]), "the batch has no requests");
        assert_eq!(check_items(&batch(64)).unwrap().client_key, [0; 32]);
        assert_eq!(
            refusal(&batch(65)),
            "a batch has at most 64 requests, not 65; send several batches"
        );
    }

    #[test]
    fn a_batch_fits_into_a_transaction() {
        let with_bytes = |bytes: usize| {
            let mut requests = batch(2);
            let have: usize = requests.iter().map(|terms| terms.payload.len()).sum();
            let payload = &mut requests[1].payload;
            payload.resize(payload.len() + bytes - have, 0);
            check_size(&requests).map_err(|error| error.to_string())
        };
        let most = (3 << 19) - (4 << 10);
        assert_eq!(with_bytes(most), Ok(()));
        let refused = format!(
            "the inputs of a batch have at most {most} bytes together, not {}; send several batches",
            most + 1
        );
        assert_eq!(with_bytes(most + 1), Err(refused));
    }

    #[test]
    fn a_bad_item_is_named() {
        let mut cut = batch(3);
        cut[1].payload.pop();
        let error = check_items(&cut).unwrap_err();
        assert!(matches!(&error, Error::Item { index: 1, error }
            if matches!(**error, Error::Input(_))));
        assert!(error.to_string().starts_with("item 2 of the batch: the input does not fit"));

        let mut twice = batch(3);
        twice[2].client_key = twice[0].client_key;
        assert_eq!(refusal(&twice), "item 3 of the batch: an earlier item has the same client key");
    }

    #[test]
    fn an_item_with_other_terms_is_named() {
        type Change = fn(&mut InferenceRequest);
        let changes: [(&str, Change); 5] = [
            ("version", |terms| terms.version.id = VersionId { number: 9, ..terms.version.id }),
            ("class", |terms| terms.assurance = Assurance::Proof),
            ("price limit", |terms| terms.max_price = Some(ASY)),
            ("deadline", |terms| terms.deadline_blocks += 1),
            ("draw delay", |terms| terms.draw_delay += 1),
        ];
        for (term, change) in changes {
            let mut requests = batch(2);
            change(&mut requests[1]);
            let start = format!("item 2 of the batch: it has another {term} than the first one");
            assert!(refusal(&requests).starts_with(&start), "{term}");
        }
    }

    fn signer() -> Signer {
        Signer::from_suri("//Alice").unwrap()
    }

    #[tokio::test]
    async fn nothing_is_asked_or_sent_for_a_batch_with_a_bad_item() {
        let client = client(node(|method, _| panic!("{method}")));
        let mut cut = batch(3);
        cut[1].payload.pop();
        let made = client.request_batch(&cut, &signer(), &|_| ()).await;
        assert!(matches!(made, Err(Error::Item { index: 1, .. })), "{made:?}");
        let answers = client.infer_batch(&cut, &signer(), Until::Final, &|_| ()).await;
        assert!(matches!(answers, Err(Error::Item { index: 1, .. })), "{answers:?}");
    }

    /// The request with the client key `[number; 32]`.
    fn made(number: u8) -> RequestId {
        RequestId(20 - u64::from(number))
    }

    /// The number of the request that a call of the runtime API is about.
    fn number_of(method: &str, arguments: &[u8]) -> u8 {
        match method {
            // An account, then the key.
            "AssayApi_request_by_key" => arguments[63],
            _ => 20 - arguments[0],
        }
    }

    /// A request with these terms that was cancelled.
    fn cancelled(
        terms: &InferenceRequest,
        request: RequestId,
    ) -> (RequestView<AccountId>, ReceiptView<AccountId>) {
        let (outcome, payer) = (Outcome::Cancelled, AccountId::from([1; 32]));
        let view = RequestView {
            id: request,
            payer: payer.clone(),
            version: terms.version.id,
            assurance: terms.assurance,
            max_price: 7,
            fee: 1,
            stake: 2,
            requested_at: 1,
            deadline: 31,
            status: Status::Final(outcome),
            waits: false,
            members: Vec::new(),
            output: None,
            receipt_digest: None,
            appealable_until: None,
            correction: None,
        };
        let receipt = Receipt {
            genesis: Digest::zero(),
            request,
            payer,
            version_digest: Digest::zero(),
            input_digest: digest(&terms.payload),
            assurance: terms.assurance,
            outcome,
            output_digest: None,
            draw: None,
            price_paid: 0,
            bond_at_stake: 0,
            evidence_digest: Digest::zero(),
            decided_at: 2,
        };
        let (digest, evidence) = (receipt.digest(), Default::default());
        let receipt =
            ReceiptView { receipt, evidence, digest, index: 0, count: 1, path: Vec::new() };
        (view, receipt)
    }

    #[tokio::test]
    async fn an_item_whose_key_was_used_is_named() {
        let client = client(node(|method, arguments| {
            let number = number_of(method, arguments);
            match method {
                "AssayApi_request_by_key" => (number == 2).then_some(made(number)).encode(),
                // It was for something else.
                "AssayApi_request" => {
                    let mut terms = terms();
                    terms.assurance = Assurance::Proof;
                    Some(cancelled(&terms, made(number)).0).encode()
                },
                _ => panic!("{method}"),
            }
        }));
        match client.request_batch(&batch(4), &signer(), &|_| ()).await {
            Err(Error::Item { index: 2, error }) => {
                assert!(matches!(*error, Error::DuplicateKey { request } if request == made(2)));
            },
            other => panic!("{other:?}"),
        }
        match client.infer_batch(&batch(4), &signer(), Until::Final, &|_| ()).await {
            Err(Error::Item { index: 2, error }) => {
                assert!(
                    matches!(*error, Error::KeyOfAnother { request, .. } if request == made(2))
                );
            },
            other => panic!("{other:?}"),
        }
    }

    /// A client of a node that has the requests of `batch`, but only the receipts of some.
    fn client_of(count: u8, has_receipt: fn(u8) -> bool) -> Client {
        let batch = batch(count);
        client(node(move |method, arguments| {
            let number = number_of(method, arguments);
            let ended = || cancelled(&batch[usize::from(number)], made(number));
            match method {
                "AssayApi_request_by_key" => Some(made(number)).encode(),
                "AssayApi_request" => Some(ended().0).encode(),
                "AssayApi_receipt" => has_receipt(number).then(|| ended().1).encode(),
                "AssayApi_input" => None::<Vec<u8>>.encode(),
                _ => panic!("{method}"),
            }
        }))
    }

    #[tokio::test]
    async fn answers_are_in_the_order_of_the_requests() {
        let client = client_of(4, |_| true);
        let answers = client.infer_batch(&batch(4), &signer(), Until::Final, &|_| ()).await;
        let requests: Vec<_> = answers
            .unwrap()
            .into_iter()
            .map(|answer| match answer {
                Some(InferenceAnswer::Final(result)) => result.request,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(requests, [0, 1, 2, 3].map(made));
    }

    #[tokio::test]
    async fn an_item_whose_result_cannot_be_read_is_named() {
        let client = client_of(4, |number| number != 2);
        match client.infer_batch(&batch(4), &signer(), Until::Final, &|_| ()).await {
            Err(Error::Item { index: 2, error }) => {
                assert!(matches!(*error, Error::Answer { .. }), "{error}");
            },
            other => panic!("{other:?}"),
        }
    }
}
