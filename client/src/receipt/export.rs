//! Export of bundles from a node, and the check of their trust anchor.

use std::time::Duration;

use assay_primitives::{
    runtime_api::{ReceiptView, Status},
    Digest, ModelDescriptor, RequestId,
};

use super::{proof_keys, ReceiptBundle, VerificationError, VerifiedReceipt};
use crate::{
    rpc::{self, height, Header},
    AccountId, Client, Error, Result,
};

/// Time to wait for finality.
const FINALITY_TIMEOUT: Duration = Duration::from_secs(120);

impl Client {
    /// Exports the receipt of a request as a bundle, once a finalised block contains it. The bundle
    /// is verified before it is returned.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the request is open, unknown or pruned. [`Error::Stalled`] if the receipt
    /// is not finalised within 120 seconds. [`Error::Verification`] if the node's data is invalid.
    pub async fn export_receipt(&self, request: RequestId) -> Result<ReceiptBundle> {
        if self.receipt(request).await?.is_none() {
            return Err(self.no_receipt(request).await?);
        }
        let (hash, header, view) = self.finalized_receipt(request).await?;
        let descriptor = self.descriptor(request, view.receipt.version_digest).await?;
        let keys = proof_keys(&view.receipt, &view.evidence);
        let nodes = self.rpc().read_proof(&keys, hash).await?;
        let bundle = ReceiptBundle::new(&view, descriptor.as_ref(), &header, &nodes);
        bundle.verify(None)?;
        Ok(bundle)
    }

    /// Checks that the node's chain has finalised the block that anchors a verified receipt.
    ///
    /// # Errors
    ///
    /// [`VerificationError::OtherChain`] or [`VerificationError::NotFinalised`].
    pub async fn check_anchor(&self, verified: &VerifiedReceipt) -> Result<()> {
        if verified.receipt.genesis != self.genesis() {
            return Err(VerificationError::OtherChain {
                receipt: verified.receipt.genesis,
                node: self.genesis(),
            }
            .into());
        }
        let (number, hash) = (verified.block_number, verified.block_hash);
        let (_, finalized) = self.rpc().finalized_header().await?;
        let known = self.rpc().block_hash(number).await?;
        if height(&finalized) < number || known != Some(hash) {
            return Err(VerificationError::NotFinalised { number, hash }.into());
        }
        Ok(())
    }

    /// Waits until the newest finalised block has the receipt, and returns both.
    async fn finalized_receipt(
        &self,
        request: RequestId,
    ) -> Result<(Digest, Header, ReceiptView<AccountId>)> {
        let search = async {
            let mut heads = self.rpc().subscribe_heads().await?;
            loop {
                let (hash, header) = self.rpc().finalized_header().await?;
                let view: Option<ReceiptView<AccountId>> =
                    self.rpc().runtime_call("AssayApi_receipt", &request, Some(hash)).await?;
                // The root is in the state at the end of the block in which the request ended.
                if let Some(view) = view {
                    return Ok((hash, header, view));
                }
                rpc::next(&mut heads, "new heads").await?;
            }
        };
        tokio::time::timeout(FINALITY_TIMEOUT, search).await.map_err(|_| {
            Error::Stalled(format!(
                "the receipt of request {request} is not finalised after {} s; `doctor` shows \
                 whether the chain finalises blocks",
                FINALITY_TIMEOUT.as_secs()
            ))
        })?
    }

    /// The descriptor with this digest; `None` if the request was pruned or its version removed.
    async fn descriptor(
        &self,
        request: RequestId,
        digest: Digest,
    ) -> Result<Option<ModelDescriptor>> {
        let Some(request) = self.request(request).await? else { return Ok(None) };
        let version = self.version(request.version).await?;
        Ok(version.map(|version| version.descriptor).filter(|one| one.digest() == digest))
    }

    async fn no_receipt(&self, request: RequestId) -> Result<Error> {
        let view = self.existing_request(request).await?;
        Ok(Error::not_found(match view.status {
            Status::Final(_) => format!("request {request} has no receipt"),
            open => format!("request {request} has not ended yet: {open:?}"),
        }))
    }
}
