//! Two operators of the attacker, without nodes, and the requests that the attacker assigns to them.
//!
//! Only they serve the attacker's version, so the attacker has as many open assignments as it likes.
//! It answers when it likes, because its deadlines are far.

use std::path::Path;

use anyhow::{ensure, Context, Result};
use assay_client::{
    calls::{inference, operators, RequestInput},
    rpc, storage, Call, Client, Signer,
};
use assay_localnet::{fund, serve, wait_until_live, BundledModel, OperatorTerms};
use assay_primitives::{
    digest,
    model::TensorDeclarations,
    operator::{EngineVersion, Roles},
    runtime_api::Status,
    tensor::Dimension,
    worker_crypto, Assurance, Digest, HeartbeatStatement, RequestId, ResultStatement, Statement,
    Tensor, VersionId, WorkerSignature, ASY,
};
use assay_runtime::{AccountId, Runtime, RuntimeCall};
use codec::{DecodeAll, Encode};
use futures::future::try_join_all;
use sp_core::Pair;

use super::calls::transaction;

/// The accounts of the attacker. The first one owns the version and pays.
const ACCOUNTS: [&str; 2] = ["//Mallory", "//Trudy"];
/// Funds of each account.
const FUNDS: u128 = 100_000 * ASY;
/// Number of requests in class `Signed`.
const SIGNED: u32 = 320;
/// Number of requests in class `Quorum`, to both operators.
const QUORUMS: u32 = 4;
/// Blocks to the deadlines.
const DEADLINE: u32 = 1_700;
/// Blocks in which all requests have to be drawn.
const DRAW_BLOCKS: usize = 20;

/// An operator of the attacker.
pub struct Worker {
    pub account: AccountId,
    key: worker_crypto::Pair,
}

impl Worker {
    /// Signs a statement with the worker key.
    pub fn sign(&self, statement: &impl Statement) -> WorkerSignature {
        self.key.sign(&statement.signing_bytes()).into()
    }
}

/// An open request and one of its members, an index of [`Attacker::workers`].
#[derive(Clone, Copy, Debug)]
pub struct Assigned {
    pub request: RequestId,
    /// The hash that statements about the request contain.
    pub answered: Digest,
    pub worker: usize,
}

/// What the attacker has prepared.
pub struct Attacker {
    pub workers: Vec<Worker>,
    pub version: VersionId,
    /// Open assignments in class `Signed`.
    pub signed: Vec<Assigned>,
    /// Open assignments in class `Quorum`.
    pub quorums: Vec<Assigned>,
    /// An output that fits the declaration.
    pub output: Vec<u8>,
}

impl Attacker {
    /// Publishes the attacker's version, registers its operators, and opens the requests.
    ///
    /// # Errors
    ///
    /// The chain refuses a call, or the requests are not drawn in time.
    pub async fn prepare(client: &Client, models: &Path, bank: &Signer) -> Result<Self> {
        let signers = ACCOUNTS.map(Signer::from_suri).into_iter().collect::<Result<Vec<_>, _>>()?;
        try_join_all(signers.iter().map(|signer| fund(client, bank, signer.account(), FUNDS)))
            .await?;
        let publication = BundledModel::breast_cancer(models).publication()?;
        let version = client.publish(&publication, &signers[0], &|_| ()).await?.version;
        let registering = ACCOUNTS.iter().zip(&signers);
        let workers =
            try_join_all(registering.map(|(suri, signer)| register(client, suri, signer, version)))
                .await?;
        let accounts: Vec<_> = signers.iter().map(|signer| signer.account().clone()).collect();
        wait_until_live(client, &accounts).await?;

        let view = client.version(version).await?.context("the version is not on chain")?;
        let input = zeros(&view.descriptor.inputs);
        let output = zeros(&view.descriptor.outputs);
        let mut attacker =
            Self { workers, version, signed: Vec::new(), quorums: Vec::new(), output };
        attacker.open(client, &signers[0], input).await?;
        Ok(attacker)
    }

    /// Makes the requests and waits until they are drawn.
    async fn open(&mut self, client: &Client, payer: &Signer, input: Vec<u8>) -> Result<()> {
        let first = next_request(client).await?;
        let height = rpc::height(&client.rpc().header(None).await?);
        let quorum = Assurance::Quorum { n: 2, k: 2 };
        let mut calls = Vec::<Call>::new();
        for (assurance, count) in [(Assurance::Signed, SIGNED), (quorum, QUORUMS)] {
            let price = client.quote(self.version, assurance).await?.price;
            calls.extend((0..count).map(|_| {
                let input = RequestInput::Inline(input.clone());
                let key = assay_client::keys::random_key();
                let deadline = height + DEADLINE;
                inference::request(self.version, input, assurance, price, deadline, 1, key)
            }));
        }
        for transaction in client.sign_batch(&calls, payer).await? {
            client.rpc().submit(&transaction).await?;
        }
        let mut heads = client.rpc().subscribe_heads().await?;
        for _ in 0..DRAW_BLOCKS {
            rpc::next(&mut heads, "new heads").await?;
            let count = SIGNED + QUORUMS;
            if next_request(client).await?.0 < first.0 + u64::from(count) {
                continue;
            }
            let ids = (first.0..).take(count as usize).map(RequestId);
            let mut requests = Vec::new();
            for id in ids {
                requests.push((id, request(client, id).await?));
            }
            if requests.iter().all(|(_, request)| request.status == Status::Assigned) {
                for (id, request) in requests {
                    self.note(client.genesis(), id, &request);
                }
                return Ok(());
            }
        }
        anyhow::bail!("the attacker's requests are not drawn in {DRAW_BLOCKS} blocks")
    }

    fn note(&mut self, genesis: Digest, id: RequestId, request: &Request) {
        let answered = request.answered(genesis, id);
        for member in &request.members {
            let place = self.workers.iter().position(|worker| worker.account == member.account);
            let Some(worker) = place else { continue };
            let assigned = Assigned { request: id, answered, worker };
            match request.assurance {
                Assurance::Signed => self.signed.push(assigned),
                _ => self.quorums.push(assigned),
            }
        }
    }

    /// The valid call with the result of an assignment in class `Signed`.
    pub fn result(&self, assigned: Assigned) -> Result<RuntimeCall> {
        let worker = &self.workers[assigned.worker];
        let statement = ResultStatement {
            request: assigned.answered,
            output_digest: digest(&self.output),
            operator: worker.account.clone(),
            proof: None,
        };
        let signature = worker.sign(&statement);
        Ok(self.submit_result(assigned, self.output.clone(), signature)?.into())
    }

    /// The call with any output and any signature for an assignment.
    pub fn submit_result(
        &self,
        assigned: Assigned,
        output: Vec<u8>,
        signature: WorkerSignature,
    ) -> Result<pallet_inference::Call<Runtime>> {
        Ok(pallet_inference::Call::submit_result {
            request: assigned.request,
            operator: self.workers[assigned.worker].account.clone(),
            output: output.try_into().ok().context("the output is too long")?,
            signature,
        })
    }
}

type Request = pallet_inference::Request<AccountId>;

async fn register(
    client: &Client,
    suri: &str,
    signer: &Signer,
    version: VersionId,
) -> Result<Worker> {
    let suri = format!("{suri}//worker");
    let (account, genesis) = (signer.account().clone(), client.genesis());
    let terms = OperatorTerms::default();
    let possession = Signer::from_suri(&suri)?.possession(genesis, &account);
    let call = operators::register(Roles::INFERENCE, possession, terms.bond);
    client.submit_final(&call, signer).await?;
    serve(client, signer, version, terms).await?;
    let key = worker_crypto::Pair::from_string(&suri, None).ok().context("not a secret URI")?;
    let worker = Worker { account: account.clone(), key };
    let statement = HeartbeatStatement {
        genesis,
        operator: account,
        at: rpc::height(&client.rpc().header(None).await?),
        engine: EngineVersion::default(),
        load: 0,
    };
    let signature = worker.sign(&statement);
    let call = pallet_operators::Call::<Runtime>::heartbeat { statement, signature };
    client.rpc().submit(&transaction(call.into(), 0)).await?;
    Ok(worker)
}

/// The identifier of the next request.
async fn next_request(client: &Client) -> Result<RequestId> {
    let key = storage::value_key("Inference", "NextRequest");
    Ok(client.rpc().storage_value(&key, None).await?.unwrap_or_default())
}

async fn request(client: &Client, id: RequestId) -> Result<Request> {
    let key = pallet_inference::Requests::<Runtime>::hashed_key_for(id);
    let bytes = client.rpc().storage(&key, None).await?.context("no request")?;
    let request = Request::decode_all(&mut &bytes[..])?;
    ensure!(!request.is_final(), "a request of the attacker has ended as {:?}", request.status);
    Ok(request)
}

/// A payload of zeros that fits a declaration.
fn zeros(declared: &TensorDeclarations) -> Vec<u8> {
    let tensors = declared.iter().map(|declared| {
        let shape = declared.shape.iter().map(|dimension| match dimension {
            Dimension::Fixed(size) => *size,
            Dimension::Free => 1,
        });
        let shape: Vec<u32> = shape.collect();
        let elements: usize = shape.iter().map(|size| *size as usize).product();
        let data = vec![0; elements * declared.element_type.size()];
        Tensor { element_type: declared.element_type, shape, data }
    });
    tensors.collect::<Vec<_>>().encode()
}
