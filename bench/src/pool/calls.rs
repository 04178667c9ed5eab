//! The calls of a flood: invalid, stale and duplicate ones in equal parts.

use anyhow::{Context, Result};
use assay_client::{rpc, Client};
use assay_primitives::{digest, FailureReason, WorkerSignature, MAX_LIST};
use assay_runtime::{transactions::authorized_extension, Runtime, RuntimeCall, UncheckedExtrinsic};
use codec::{Decode, Encode};
use pallet_inference::{Call, ListedResult};

use super::attacker::{Assigned, Attacker};

/// Number of blocks whose answers are sent again.
const PAST_BLOCKS: u32 = 60;

/// The transaction of a worker's call. The runtime refuses every nonce but 0.
pub fn transaction(call: RuntimeCall, nonce: u32) -> Vec<u8> {
    let mut extension = authorized_extension();
    extension.6 = frame_system::CheckNonce::from(nonce);
    UncheckedExtrinsic::new_transaction(call, extension).encode()
}

/// The call of an encoded transaction, if it is an answer to a request.
pub fn workers_call(transaction: &[u8]) -> Option<RuntimeCall> {
    let call = UncheckedExtrinsic::decode(&mut &transaction[..]).ok()?.function;
    let is_answer = matches!(
        call,
        RuntimeCall::Inference(
            Call::submit_result { .. }
                | Call::submit_results { .. }
                | Call::submit_commitment { .. }
                | Call::submit_reveal { .. }
                | Call::report_failure { .. }
        )
    );
    is_answer.then_some(call)
}

/// The answers in the latest blocks, whose requests have ended.
///
/// # Errors
///
/// The node does not answer, or there are no such answers.
pub async fn past_calls(client: &Client) -> Result<Vec<RuntimeCall>> {
    let best = rpc::height(&client.rpc().header(None).await?);
    let mut calls = Vec::new();
    for height in best.saturating_sub(PAST_BLOCKS)..best {
        let hash = client.rpc().block_hash(height).await?.context("no block")?;
        let transactions = client.rpc().extrinsics(hash).await?;
        calls.extend(transactions.iter().filter_map(|bytes| workers_call(bytes)));
    }
    anyhow::ensure!(!calls.is_empty(), "there are no answers in the latest {PAST_BLOCKS} blocks");
    Ok(calls)
}

/// Makes the calls of a flood, always in the same order.
pub struct Calls<'a> {
    attacker: &'a Attacker,
    /// Assignments that stay open.
    open: &'a [Assigned],
    /// The valid results of the others, which the flood submits one after the other.
    pending: Vec<RuntimeCall>,
    past: Vec<RuntimeCall>,
    total: u32,
    next: u32,
    /// Distinguishes the transactions of this flood from those of others.
    first_nonce: u32,
}

impl<'a> Calls<'a> {
    /// `total` calls with the valid results of `pending`.
    pub fn new(
        attacker: &'a Attacker,
        open: &'a [Assigned],
        pending: &[Assigned],
        past: Vec<RuntimeCall>,
        total: u32,
        first_nonce: u32,
    ) -> Result<Self> {
        let pending = pending.iter().map(|one| attacker.result(*one)).collect::<Result<_>>()?;
        Ok(Self { attacker, open, pending, past, total, next: 0, first_nonce })
    }

    /// Number of calls that have been made.
    pub fn made(&self) -> u32 {
        self.next
    }

    /// The next call as a transaction; `None` after the last one. `heard` is a pending call of an
    /// honest operator.
    pub fn next(&mut self, heard: Option<&RuntimeCall>) -> Option<Result<Vec<u8>>> {
        (self.next < self.total).then(|| {
            let (kind, turn) = (self.next % 3, self.next / 3);
            self.next += 1;
            // Nonce 0 is that of the operators' nodes, so it makes the same transaction.
            let nonce = self.first_nonce + self.next;
            let nonce = if turn % 4 < 2 { nonce } else { 0 };
            Ok(match kind {
                // Its signature differs each time.
                0 => transaction(self.invalid(turn)?, 0),
                1 => transaction(self.past[turn as usize % self.past.len()].clone(), nonce),
                _ => transaction(self.pending(turn, heard).clone(), nonce),
            })
        })
    }

    /// A call for an open assignment that its operator has not signed.
    fn invalid(&self, turn: u32) -> Result<RuntimeCall> {
        let signature = signature(self.first_nonce + turn);
        let assigned = self.open[turn as usize % self.open.len()];
        let quorum = self.attacker.quorums[turn as usize % self.attacker.quorums.len()];
        let member = self.attacker.workers[quorum.worker].account.clone();
        let result = |output| self.attacker.submit_result(assigned, output, signature);
        Ok(match turn % 5 {
            0 => result(self.attacker.output.clone())?,
            1 => self.list(signature)?,
            2 => Call::submit_commitment {
                request: quorum.request,
                operator: member,
                commitment: digest(&turn.encode()),
                signature,
            },
            // The largest output, which does not fit the declaration.
            3 => result(vec![0; largest_output()])?,
            // Of an operator that was not drawn.
            _ => Call::report_failure {
                request: assigned.request,
                operator: self.attacker.workers[1 - assigned.worker].account.clone(),
                reason: FailureReason::EngineError,
                signature,
            },
        }
        .into())
    }

    /// The longest list of results, all of which are awaited.
    fn list(&self, signature: WorkerSignature) -> Result<Call<Runtime>> {
        let operator = &self.attacker.workers[0];
        let output = &self.attacker.output;
        let results = self.open.iter().filter(|assigned| assigned.worker == 0);
        let results = results.take(MAX_LIST as usize).map(|assigned| {
            let output = output.clone().try_into().ok().context("the output is too long")?;
            Ok(ListedResult { request: assigned.request, answered: assigned.answered, output })
        });
        let results = results.collect::<Result<Vec<_>>>()?;
        Ok(Call::submit_results {
            operator: operator.account.clone(),
            version: self.attacker.version,
            results: results.try_into().ok().context("the list is too long")?,
            signature,
        })
    }

    /// The valid result whose turn it is, or a call that was heard.
    fn pending<'b>(&'b self, turn: u32, heard: Option<&'b RuntimeCall>) -> &'b RuntimeCall {
        let turns = self.total.div_ceil(3).max(1) as usize;
        let own = &self.pending[turn as usize * self.pending.len() / turns];
        heard.filter(|_| turn.is_multiple_of(2)).unwrap_or(own)
    }
}

/// The largest output in bytes.
fn largest_output() -> usize {
    <Runtime as pallet_inference::Config>::MaxOutputBytes::get() as usize
}

/// 64 bytes that are no signature.
fn signature(number: u32) -> WorkerSignature {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(digest(&(number, 0u8).encode()).as_bytes());
    bytes[32..].copy_from_slice(digest(&(number, 1u8).encode()).as_bytes());
    WorkerSignature::from_raw(bytes)
}
