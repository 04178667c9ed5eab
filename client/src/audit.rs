//! Submits the weights of a version that offers class `Proof` for their audit.
//!
//! The chain reads the published weights once, so that it can distinguish proofs of these weights
//! from proofs of others. Until it has, proofs cannot be requested. Any account may submit them; each
//! transaction continues where the chain is.

use assay_primitives::{
    proof::{MAX_AUDIT_BYTES, MAX_AUDIT_PIECES},
    runtime_api::VersionView,
    Balance, Digest, VersionId, WeightsAudit, WeightsFingerprint,
};
use assay_proof::{Audit, AuditState};

use crate::{
    calls::{model_registry, PieceProof},
    AccountId, Call, Client, Error, GraphFile, Result, Signer,
};

/// Maximum number of consecutive attempts without progress. Attempts fail if another account submits
/// the same weights, or in a reorganisation.
const MAX_FAILURES: u32 = 5;

/// Progress of the audit of a version's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditProgress {
    /// Bytes that the chain has read.
    pub done: u64,
    /// Bytes of all weights and biases.
    pub total: u64,
}

/// The remaining cost of an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditPlan {
    /// The progress.
    pub progress: AuditProgress,
    /// Number of remaining transactions.
    pub transactions: usize,
    /// Estimate of their fees, in plancks.
    pub fees: Balance,
}

/// The weights of a version, divided into calls.
pub struct WeightsReader<'a> {
    audit: Audit,
    graph: &'a GraphFile,
}

impl<'a> WeightsReader<'a> {
    /// # Errors
    ///
    /// [`Error::Invalid`] if runs of the graph cannot be proven.
    pub fn new(graph: &'a GraphFile) -> Result<Self> {
        let audit = Audit::new(graph.graph().plan()).map_err(crate::graph::unprovable)?;
        Ok(Self { audit, graph })
    }

    /// Bytes of all weights and biases.
    pub fn total_bytes(&self) -> u64 {
        self.audit.total_bytes()
    }

    /// The fingerprint of the weights, which the chain computes as well.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the weights do not fit the graph.
    pub fn fingerprint(&self) -> Result<WeightsFingerprint> {
        let found = self.audit.fingerprint(self.graph.graph().weights());
        let found = found.ok_or_else(|| Error::invalid("the weights do not fit the graph"))?;
        Ok(WeightsFingerprint(found.0))
    }

    /// The call that submits the weights after the first `done` bytes, and the number of bytes read
    /// after it; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the weights do not fit the graph, or no piece starts at `done`.
    pub fn next_call(&self, version: VersionId, done: u64) -> Result<Option<(Call, u64)>> {
        let state = AuditState { done, ..AuditState::default() };
        let (pieces, bytes) = (MAX_AUDIT_PIECES as usize, MAX_AUDIT_BYTES as usize);
        let openings = self
            .audit
            .open_next(&state, self.graph.graph().weights(), pieces, bytes)
            .map_err(|error| Error::invalid(format!("the weights cannot be submitted: {error}")))?;
        if openings.is_empty() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let mut proofs = Vec::new();
        for opening in openings {
            bytes.extend_from_slice(&opening.elements.leaves);
            proofs.push(PieceProof {
                set_leaf: opening.set.leaves.into_inner(),
                set_siblings: opening.set.siblings.into_inner(),
                siblings: opening.elements.siblings.into_inner(),
            });
        }
        let after = done + bytes.len() as u64;
        Ok(Some((model_registry::audit_weights(version, done, bytes, proofs), after)))
    }
}

/// State of the audit of a version, after checking that the file is that of the version.
fn state_of(view: &VersionView<AccountId>, graph: &GraphFile) -> Result<WeightsAudit> {
    let audit = view.audit.ok_or_else(|| {
        Error::invalid(format!(
            "version {} does not offer class proof, so its weights are not audited",
            view.id
        ))
    })?;
    let named = view.descriptor.architecture.unwrap_or_default();
    let found = Digest::from(graph.architecture().digest());
    match named == found {
        true => Ok(audit),
        false => Err(Error::invalid(format!(
            "the file is not the model of version {}: its architecture has the digest {found:?}, \
             the version names {named:?}",
            view.id
        ))),
    }
}

impl Client {
    async fn weights_audit(&self, version: VersionId, graph: &GraphFile) -> Result<WeightsAudit> {
        let view = self.version(version).await?;
        let view =
            view.ok_or_else(|| Error::not_found(format!("there is no version {version}")))?;
        state_of(&view, graph)
    }

    /// The remaining cost of the audit of a version. `graph` is the version's model file.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the version does not offer class `Proof`, or the file is another model.
    /// [`Error::NotFound`] if there is no such version.
    pub async fn plan_audit(
        &self,
        version: VersionId,
        graph: &GraphFile,
        signer: &Signer,
    ) -> Result<AuditPlan> {
        let WeightsAudit { done, .. } = self.weights_audit(version, graph).await?;
        self.plan_audit_from(version, graph, done, signer).await
    }

    /// The remaining cost of an audit after `done` bytes. The fee of the first transaction, which is
    /// one of the longest, is taken for each.
    pub(crate) async fn plan_audit_from(
        &self,
        version: VersionId,
        graph: &GraphFile,
        done: u64,
        signer: &Signer,
    ) -> Result<AuditPlan> {
        let reader = WeightsReader::new(graph)?;
        let progress = AuditProgress { done, total: reader.total_bytes() };
        let mut plan = AuditPlan { progress, transactions: 0, fees: 0 };
        let mut at = done;
        while let Some((call, after)) = reader.next_call(version, at)? {
            if plan.transactions == 0 {
                plan.fees = self.estimate_fee(&call, signer).await?;
            }
            (at, plan.transactions) = (after, plan.transactions + 1);
        }
        plan.fees = plan.fees.saturating_mul(plan.transactions as Balance);
        Ok(plan)
    }

    /// Submits the remaining weights of a version until the audit is complete. Continues where other
    /// accounts, or an earlier attempt, stopped.
    ///
    /// # Errors
    ///
    /// Those of [`Client::plan_audit`] and [`Client::submit`]. [`Error::Answer`] if the fingerprint
    /// on chain is not that of the file.
    pub async fn audit(
        &self,
        version: VersionId,
        graph: &GraphFile,
        signer: &Signer,
        progress: &(dyn Fn(AuditProgress) + Sync),
    ) -> Result<WeightsFingerprint> {
        let reader = WeightsReader::new(graph)?;
        let mut failures = 0;
        loop {
            let state = match self.weights_audit(version, graph).await {
                // The block with the publication was replaced; a later one will include it.
                Err(Error::NotFound(_)) if failures < MAX_FAILURES => {
                    failures += 1;
                    self.rpc().next_block().await?;
                    continue;
                },
                state => state?,
            };
            progress(AuditProgress { done: state.done, total: state.total });
            if let Some(found) = state.outcome() {
                return match found == reader.fingerprint()? {
                    true => Ok(found),
                    false => Err(Error::Answer {
                        method: "AssayApi_version".into(),
                        reason: "the audited weights are not those of this file".into(),
                    }),
                };
            }
            let Some((call, _)) = reader.next_call(version, state.done)? else {
                return Err(Error::invalid("the graph has fewer weights than the version"));
            };
            match self.submit(&call, signer).await {
                Err(Error::Refused { refusal, .. })
                    if ["UnexpectedWeights", "AlreadyAudited"].contains(&&*refusal.name)
                        && failures < MAX_FAILURES =>
                {
                    failures += 1;
                    self.rpc().next_block().await?;
                },
                outcome => {
                    outcome?;
                    failures = 0;
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::tests::{graph, sealed};
    use codec::Encode;

    fn file(graph: &assay_graph::Graph) -> GraphFile {
        GraphFile::from_bytes(&graph.encode()).unwrap()
    }

    #[test]
    fn all_weights_of_a_small_graph_are_one_call() {
        let file = file(&sealed());
        let reader = WeightsReader::new(&file).unwrap();
        let version = VersionId::default();
        // Twice: four weights of one byte and two biases of four bytes.
        assert_eq!(reader.total_bytes(), 2 * (4 + 8));
        let (call, done) = reader.next_call(version, 0).unwrap().unwrap();
        assert_eq!((call.path().as_str(), done), ("ModelRegistry.audit_weights", 24));
        let (rest, done) = reader.next_call(version, 12).unwrap().unwrap();
        assert_eq!(done, 24);
        assert_ne!(call, rest);
        assert_eq!(reader.next_call(version, 24).unwrap(), None);
        assert_ne!(reader.fingerprint().unwrap(), WeightsFingerprint::default());
    }

    #[test]
    fn graphs_that_cannot_be_proven_are_refused() {
        let file = file(&graph());
        let reason = WeightsReader::new(&file).err().unwrap().to_string();
        assert!(reason.contains("cannot be proven"), "{reason}");
    }
}
