//! Waiting for the end of a request.

use std::time::Duration;

use assay_primitives::{
    runtime_api::{OptimisticView, RequestView, Status},
    Assurance, BlockNumber, RequestId,
};

use super::{Progress, ProvisionalResult};
use crate::{rpc, AccountId, Client, Error, Result};

/// Blocks after a request's last deadline within which the chain must end it.
const DEADLINE_GRACE_BLOCKS: BlockNumber = 20;
/// Time to wait for a new block.
const BLOCK_TIMEOUT: Duration = Duration::from_secs(90);
/// Consecutive blocks in which a request may be missing, because of a reorganisation.
const MAX_BLOCKS_UNSEEN: u32 = 10;

/// How long to wait for a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// Until the request has ended.
    Final,
    /// Until there is an output, even if it may still be disputed. Except in class `Optimistic`,
    /// this is when the request has ended.
    Provisional,
}

/// The state of a watched request at which the wait ended.
pub(super) enum WatchOutcome {
    Final(RequestView<AccountId>),
    Provisional(ProvisionalResult),
}

impl Client {
    /// Waits until a request has ended. In class `Optimistic` this is when its window has passed
    /// and its disputes have ended, according to the chain.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such request, or it was pruned. [`Error::Stalled`] if no
    /// block arrives for 90 seconds, or the request is still open 20 blocks after its last deadline.
    pub async fn wait(
        &self,
        request: RequestId,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<RequestView<AccountId>> {
        loop {
            // `Until::Final` never returns a provisional result.
            if let WatchOutcome::Final(view) = self.watch(request, Until::Final, progress).await? {
                return Ok(view);
            }
        }
    }

    pub(super) async fn watch(
        &self,
        request: RequestId,
        until: Until,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<WatchOutcome> {
        let mut heads = self.rpc().subscribe_heads().await?;
        let mut last = None;
        let mut waited = false;
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
                    if view.waits && !waited {
                        progress(Progress::Waits { request });
                    }
                    waited = view.waits;
                    last = Some(view.status);
                    if matches!(view.status, Status::Final(_)) {
                        return Ok(WatchOutcome::Final(view));
                    }
                    let end = match &claim {
                        Some(claim) => self.last_deadline(claim).await?,
                        None => view.deadline,
                    };
                    if height > end.saturating_add(DEADLINE_GRACE_BLOCKS) {
                        return Err(Error::Stalled(format!(
                            "request {request} was due to end by block {end} and is still open at \
                             block {height}"
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

    /// The last height at which a dispute over a result may be opened, or a move in an open one may
    /// be made.
    async fn last_deadline(&self, claim: &OptimisticView<AccountId>) -> Result<BlockNumber> {
        let mut last = claim.disputable_until;
        for id in &claim.disputes {
            if let Some(dispute) = self.dispute(*id, None).await? {
                last = last.max(dispute.deadline);
            }
        }
        Ok(last)
    }
}
