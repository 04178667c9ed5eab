//! Showing the chain the weights of a version that offers class `Proof`.
//!
//! The chain reads the published weights once, so that it can tell proofs that are of them from
//! proofs that are not. Until it has, nobody can ask for proofs. Any account may show them, in as
//! many transactions as it takes; each goes on where the chain is.

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

/// Times in a row that the chain may be elsewhere than it seemed before the client gives up: others
/// show the same weights, or blocks are replaced by others.
const MAX_SURPRISES: u32 = 5;

/// How far the chain is with a version's weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditProgress {
    /// Bytes that it has read.
    pub done: u64,
    /// Bytes of all weights and biases.
    pub total: u64,
}

/// What is left of an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditPlan {
    /// How far it is.
    pub progress: AuditProgress,
    /// Transactions that are left.
    pub transactions: usize,
    /// Their fees in plancks, about.
    pub fees: Balance,
}

/// The weights of one version, to be shown call by call.
pub struct WeightsReader<'a> {
    audit: Audit,
    graph: &'a GraphFile,
}

impl<'a> WeightsReader<'a> {
    /// Fails where runs of the graph cannot be proven.
    pub fn new(graph: &'a GraphFile) -> Result<Self> {
        let audit = Audit::new(graph.graph().plan()).map_err(crate::graph::unprovable)?;
        Ok(Self { audit, graph })
    }

    /// Bytes of all weights and biases.
    pub fn total_bytes(&self) -> u64 {
        self.audit.total_bytes()
    }

    /// What the weights come to, which the chain has when it has read them all.
    pub fn fingerprint(&self) -> Result<WeightsFingerprint> {
        let found = self.audit.fingerprint(self.graph.graph().weights());
        let found = found.ok_or_else(|| Error::invalid("the weights do not fit the graph"))?;
        Ok(WeightsFingerprint(found.0))
    }

    /// The call that shows what comes after so many bytes, and how many are read then; `None` at
    /// the end.
    pub fn next_call(&self, version: VersionId, done: u64) -> Result<Option<(Call, u64)>> {
        let state = AuditState { done, ..AuditState::default() };
        let (pieces, bytes) = (MAX_AUDIT_PIECES as usize, MAX_AUDIT_BYTES as usize);
        let openings = self
            .audit
            .open_next(&state, self.graph.graph().weights(), pieces, bytes)
            .map_err(|error| Error::invalid(format!("the weights cannot be shown: {error}")))?;
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
        let done = done + bytes.len() as u64;
        Ok(Some((model_registry::audit_weights(version, bytes, proofs), done)))
    }
}

/// Compares a version with a file, and says how far the chain is with its weights.
fn state_of(view: &VersionView<AccountId>, graph: &GraphFile) -> Result<WeightsAudit> {
    let audit = view.audit.ok_or_else(|| {
        Error::invalid(format!(
            "version {} does not offer class proof, so nobody has to show its weights",
            view.id
        ))
    })?;
    let named = view.descriptor.architecture.unwrap_or_default();
    let found = Digest::from(graph.architecture().digest());
    match named == found {
        true => Ok(audit),
        false => Err(Error::invalid(format!(
            "the file is of another model than version {}: it has the digest {found:?}, the \
             version names {named:?}",
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

    /// What is left of the audit of a version whose graph this is.
    pub async fn plan_audit(
        &self,
        version: VersionId,
        graph: &GraphFile,
        signer: &Signer,
    ) -> Result<AuditPlan> {
        let WeightsAudit { done, .. } = self.weights_audit(version, graph).await?;
        self.plan_audit_from(version, graph, done, signer).await
    }

    /// What is left of an audit when so many bytes have been read. Fees are estimated by length:
    /// of the first transaction, which is one of the longest.
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

    /// Shows the chain the weights of a version that it has not read yet, until it has read them
    /// all. Goes on where others, or an earlier try, stopped.
    pub async fn audit(
        &self,
        version: VersionId,
        graph: &GraphFile,
        signer: &Signer,
        progress: &(dyn Fn(AuditProgress) + Sync),
    ) -> Result<WeightsFingerprint> {
        let reader = WeightsReader::new(graph)?;
        let mut surprises = 0;
        loop {
            let state = match self.weights_audit(version, graph).await {
                // The block with the publication was replaced; a later one will have it.
                Err(Error::NotFound(_)) if surprises < MAX_SURPRISES => {
                    surprises += 1;
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
                        reason: "what the chain has read are not the weights of this file".into(),
                    }),
                };
            }
            let Some((call, _)) = reader.next_call(version, state.done)? else {
                return Err(Error::invalid("the graph has fewer weights than the version"));
            };
            match self.submit(&call, signer).await {
                Err(Error::Refused { refusal, .. })
                    if ["UnexpectedWeights", "AlreadyAudited"].contains(&&*refusal.name)
                        && surprises < MAX_SURPRISES =>
                {
                    surprises += 1;
                    self.rpc().next_block().await?;
                },
                outcome => {
                    outcome?;
                    surprises = 0;
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
        // Twice four weights of a byte and two biases of four.
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
    fn what_cannot_be_proven_has_nothing_to_show() {
        let file = file(&graph());
        let reason = WeightsReader::new(&file).err().unwrap().to_string();
        assert!(reason.contains("cannot be proven"), "{reason}");
    }
}
