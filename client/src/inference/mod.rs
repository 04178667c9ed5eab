//! Requests for inference: price, submission, waiting, result.

mod batch;
mod request;
mod result;
mod watch;

use std::time::Instant;

use assay_primitives::{
    digest,
    dispute::DisputeId,
    request::names_input,
    runtime_api::{Status, VersionView},
    Balance, BlockNumber, RequestId,
};

use crate::{AccountId, Client, Error, PublishProgress, Result, Signer};

pub use batch::MAX_BATCH;
pub use request::{InferenceRequest, DEFAULT_DEADLINE_BLOCKS};
pub use result::{InferenceAnswer, InferenceResult, ProvisionalResult};
pub use watch::Until;

use watch::WatchOutcome;

/// A step that a request has completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The account has used the client key before. Nothing is sent; the result of the existing
    /// request is awaited.
    Known {
        /// The request.
        request: RequestId,
    },
    /// The price is known.
    Quoted {
        /// The price in plancks.
        price: Balance,
        /// The largest fee for the answers' room in blocks, in plancks, which is held as well.
        fee: Balance,
        /// Number of operators that can take the request.
        operators: u32,
    },
    /// The client's checks have passed; the request is sent next. With this client key it can be found
    /// again.
    Sending {
        /// The client key.
        client_key: [u8; 32],
    },
    /// The input is too large for the request and is published as an artifact.
    Input(PublishProgress),
    /// The request is in a block.
    Included {
        /// The request.
        request: RequestId,
        /// Height of the block.
        height: BlockNumber,
    },
    /// The request has a new status. In class `Optimistic`, [`Progress::Provisional`] replaces
    /// [`Status::Disputable`].
    Status {
        /// The request.
        request: RequestId,
        /// The status.
        status: Status,
    },
    /// The draw has found too little capacity. The request waits for operators that end their runs.
    Waits {
        /// The request.
        request: RequestId,
    },
    /// There is a result. It becomes final at the end of its dispute window unless it is disputed.
    Provisional(Box<ProvisionalResult>),
    /// Disputes over the provisional result were opened or have ended.
    Disputed {
        /// The request.
        request: RequestId,
        /// The open disputes.
        disputes: Vec<DisputeId>,
    },
}

impl Client {
    /// Requests an inference and waits for its end.
    ///
    /// Returns the result whatever the outcome is: see [`InferenceResult::outcome`]. The output is
    /// checked against the digest in the receipt.
    ///
    /// # Errors
    ///
    /// Those of [`Client::request_inference`] and [`Client::wait`]. [`Error::Answer`] if the output
    /// does not match the receipt.
    pub async fn infer(
        &self,
        terms: &InferenceRequest,
        signer: &Signer,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<InferenceResult> {
        let started = Instant::now();
        let request = self.request_inference(terms, signer, progress).await?;
        let view = self.wait(request, progress).await?;
        let latency_ms = elapsed_ms(started);
        let result = self.result(&view, &terms.version).await?;
        Ok(InferenceResult { latency_ms, ..result })
    }

    /// [`Client::infer`] that may be repeated with the same client key: the second call sends
    /// nothing and returns the result of the existing request.
    ///
    /// Also follows a request whose block is replaced by one that gives it another number.
    ///
    /// # Errors
    ///
    /// Those of [`Client::infer`], except [`Error::DuplicateKey`]. [`Error::KeyOfAnother`] if the
    /// existing request is for another version, class or input. Its price limit and deadline may
    /// differ. [`Error::NotFound`] if the block with the request is replaced and no other one includes it.
    pub async fn infer_once(
        &self,
        terms: &InferenceRequest,
        signer: &Signer,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<InferenceResult> {
        loop {
            // `Until::Final` never returns a provisional result.
            if let InferenceAnswer::Final(result) =
                self.infer_until(terms, signer, Until::Final, progress).await?
            {
                return Ok(result);
            }
        }
    }

    /// [`Client::infer_once`] that waits as long as `until` requires.
    ///
    /// # Errors
    ///
    /// Those of [`Client::infer_once`].
    pub async fn infer_until(
        &self,
        terms: &InferenceRequest,
        signer: &Signer,
        until: Until,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<InferenceAnswer> {
        let started = Instant::now();
        let request = match self.request_inference(terms, signer, progress).await {
            Ok(request) => request,
            Err(Error::DuplicateKey { request }) => {
                self.check_known(terms, request).await?;
                progress(Progress::Known { request });
                request
            },
            Err(error) => return Err(error),
        };
        self.follow(terms, signer, request, started, until, progress).await
    }

    /// The result of an existing request, which is for these terms. If its block is replaced by one
    /// in which the request has another number, it is followed there.
    async fn follow(
        &self,
        terms: &InferenceRequest,
        signer: &Signer,
        mut request: RequestId,
        started: Instant,
        until: Until,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<InferenceAnswer> {
        loop {
            let answer = self.answer(request, &terms.version, started, until, progress).await?;
            match self.request_by_key(signer.account(), terms.client_key).await? {
                Some(same) if same == request => {
                    // The chain shows an input that is an artifact only in the receipt.
                    self.check_known(terms, request).await?;
                    return Ok(answer);
                },
                Some(moved) => request = moved,
                None => {
                    return Err(Error::not_found(format!(
                        "the block with request {request} was replaced, and no block includes the \
                         request now; repeat it with the same client key"
                    )))
                },
            }
            progress(Progress::Known { request });
        }
    }

    /// Refuses a request that is for another version, class or input, as far as the chain shows it.
    async fn check_known(&self, terms: &InferenceRequest, request: RequestId) -> Result<()> {
        let view = self.existing_request(request).await?;
        if let Some(other) = request::differing_terms(terms, &view) {
            return Err(Error::KeyOfAnother { request, other });
        }
        let input = match self.receipt(request).await? {
            Some(view) => Some(view.receipt.input_digest),
            None => self.input(request).await?.map(|input| digest(&input)),
        };
        match input.filter(|input| !names_input(input, &terms.payload)) {
            Some(input) => {
                Err(Error::KeyOfAnother { request, other: format!("the input {input:?}") })
            },
            None => Ok(()),
        }
    }

    /// Waits for the result of an existing request as long as `until` requires. The latency of the
    /// result counts from this call.
    ///
    /// # Errors
    ///
    /// Those of [`Client::wait`]. [`Error::NotFound`] if the request or its version does not exist.
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
        let outcome = self.watch(request, until, progress).await?;
        let latency_ms = elapsed_ms(started);
        Ok(match outcome {
            WatchOutcome::Final(view) => {
                let result = self.result(&view, version).await?;
                InferenceAnswer::Final(InferenceResult { latency_ms, ..result })
            },
            WatchOutcome::Provisional(result) => {
                InferenceAnswer::Provisional(ProvisionalResult { latency_ms, ..result })
            },
        })
    }
}

fn elapsed_ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
