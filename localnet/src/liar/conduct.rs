//! Bad operators that go on until they are ended.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use assay_client::{rpc, AccountId};
use assay_graph::CheckedGraph;
use assay_primitives::{
    digest,
    dispute::tensor_data,
    runtime_api::{Assignment, Status},
    worker_crypto, AnsweredRequest, Assurance, ModelDescriptor, RequestId, SignedResult, WorkerId,
};
use codec::Encode;
use sp_core::Pair;

use super::{Defence, Liar};

/// Blocks between two heartbeats. Within the interval of the chain.
const HEARTBEAT_BLOCKS: u32 = 10;
/// Transactions of each kind that a flooding operator sends in each block.
const FLOOD: u32 = 50;

/// What a bad operator does with the requests that are assigned to it. It sends heartbeats in any
/// case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Misconduct {
    /// Submits wrong results in the classes `Optimistic` and `Quorum`, and defends them. It cannot
    /// prove anything, so it does not answer in class `Proof`.
    Lie,
    /// Signs two different results in class `Quorum`, submits the first, and prints both. Answers
    /// nothing else.
    Equivocate,
    /// Answers nothing, and sends calls in each block that are to be refused.
    Flood,
}

/// The arguments of `Verification.report_equivocation`, which [`Misconduct::Equivocate`] prints as SCALE
/// in hex: what two recipients of the results know together.
pub type Equivocation = (
    WorkerId,
    AnsweredRequest<AccountId>,
    ModelDescriptor,
    SignedResult<AccountId>,
    SignedResult<AccountId>,
    Option<(Vec<u8>, Vec<u8>)>,
);

impl Liar {
    /// Behaves badly until an error occurs. `graph` is the integer graph that it serves.
    ///
    /// # Errors
    ///
    /// The node does not answer.
    pub async fn work(&self, conduct: Misconduct, graph: &CheckedGraph) -> Result<()> {
        let mut heads = self.client.rpc().subscribe_heads().await?;
        let mut begun = BTreeSet::new();
        loop {
            let height = rpc::height(&rpc::next(&mut heads, "new heads").await?);
            if height.is_multiple_of(HEARTBEAT_BLOCKS) {
                // Refused if the last one is too young.
                let _ = self.heartbeat().await;
            }
            if conduct == Misconduct::Flood {
                let accepted = self.flood().await;
                println!("{{\"height\":{height},\"sent\":{},\"accepted\":{accepted}}}", 3 * FLOOD);
                continue;
            }
            for assignment in self.assignments().await? {
                if begun.insert(assignment.request) {
                    self.begin(conduct, assignment, graph.clone());
                }
            }
        }
    }

    /// Deals with a request in a task of its own.
    fn begin(&self, conduct: Misconduct, assignment: Assignment, graph: CheckedGraph) {
        let liar = self.clone();
        tokio::spawn(async move {
            let request = assignment.request;
            let result = match (conduct, assignment.assurance) {
                (Misconduct::Lie, Assurance::Optimistic) => liar.lie_about(request, &graph).await,
                (Misconduct::Lie, Assurance::Quorum { .. }) => {
                    liar.commit_and_reveal(request).await
                },
                (Misconduct::Equivocate, Assurance::Quorum { .. }) => {
                    liar.equivocate(request).await
                },
                _ => Ok(()),
            };
            if let Err(error) = result {
                eprintln!("request {request}: {error:#}");
            }
        });
    }

    async fn lie_about(&self, request: RequestId, graph: &CheckedGraph) -> Result<()> {
        let input = self.client.input(request).await?;
        let bytes = input.as_deref().and_then(tensor_data).context("the request has no input")?;
        let input: Vec<i8> = bytes.iter().map(|byte| i8::from_le_bytes([*byte])).collect();
        self.claim_and_defend(request, graph, &input, Defence::MadeUp).await
    }

    /// Signs two results for a request, prints them, and submits the first.
    async fn equivocate(&self, request: RequestId) -> Result<()> {
        let mut heads = self.client.rpc().subscribe_heads().await?;
        while self.next_status(&mut heads, request).await? == Some(Status::Pending) {}
        let record = self.record(request).await?;
        let answered = record.answered_request(self.client.genesis(), request);
        let version = self.versions.iter().find(|one| one.id == record.version);
        let descriptor = version.context("it does not serve the version")?.descriptor.clone();
        let outputs = [1.0, 2.0].map(|score| self.wrong_output(score));
        let mut signed = Vec::new();
        for output in &outputs {
            let statement = self.statement(request, digest(output)).await?;
            let signature = self.sign(&statement);
            signed.push(SignedResult { statement, signature, list: None });
        }
        let [first, second] = <[_; 2]>::try_from(signed).ok().context("two results")?;
        let equivocation: Equivocation =
            (self.worker(), answered, descriptor, first, second, Some(outputs.into()));
        println!("{}", hex::encode(equivocation.encode()));
        self.commit_and_reveal(request).await
    }

    /// Sends calls that nobody may make. Returns the number of those that a pool accepted.
    async fn flood(&self) -> u32 {
        let stranger = worker_crypto::Pair::from_seed(&[99; 32]);
        let mut accepted = 0;
        for number in 0..FLOOD {
            let forged = self.heartbeat_signed_by(&stranger).await;
            let repeated = self.heartbeat().await;
            let unassigned = self.result_for(RequestId(u64::from(number))).await;
            for sent in [forged, repeated, unassigned] {
                accepted += u32::from(sent.is_ok());
            }
        }
        accepted
    }

    /// Submits a result for a request, whoever it is assigned to.
    async fn result_for(&self, request: RequestId) -> Result<()> {
        let output = self.wrong_output(1.0);
        let statement = self.statement(request, digest(&output)).await?;
        self.send(pallet_inference::Call::submit_result {
            request,
            operator: self.account(),
            output: output.try_into().ok().context("the output is too long")?,
            signature: self.sign(&statement),
        })
        .await
    }
}
