//! An operator that submits wrong outputs. It has its own worker key and no node: it uses the RPC
//! of another node, as any program can.

mod conduct;
mod optimistic;

pub use conduct::{Equivocation, Misconduct};
pub use optimistic::Defence;

use anyhow::{bail, ensure, Context, Result};
use assay_client::{
    calls::operators,
    rpc::{self, Heads, WorkerPossession},
    Client, Signer,
};
use assay_primitives::{
    commitment, digest,
    operator::{EngineVersion, Roles},
    runtime_api::{Assignment, Status, VersionView},
    worker_crypto, CommitStatement, Digest, ElementType, HeartbeatStatement, Possession, RequestId,
    ResultStatement, Statement, Tensor, WorkerId, WorkerSignature,
};
use assay_runtime::{
    transactions::authorized_extension, AccountId, Runtime, RuntimeCall, UncheckedExtrinsic,
};
use codec::{DecodeAll, Encode};
use sp_core::Pair;

use crate::{serve, wait_until_live, OperatorTerms};

/// A lying operator.
#[derive(Clone)]
pub struct Liar {
    client: Client,
    signer: Signer,
    key: worker_crypto::Pair,
    versions: Vec<VersionView<AccountId>>,
}

impl Liar {
    /// Registers an account as an operator, serves the versions, and sends the first heartbeat.
    ///
    /// # Errors
    ///
    /// The account has no funds for the bond, or the chain refuses a call.
    pub async fn register(
        client: Client,
        versions: &[VersionView<AccountId>],
        signer: Signer,
    ) -> Result<Self> {
        let liar = Self {
            client,
            // Not the worker key of a node.
            key: worker_crypto::Pair::from_seed(&digest(signer.account().as_ref()).0),
            signer,
            versions: versions.to_vec(),
        };
        let terms = OperatorTerms::default();
        let statement = Possession { genesis: liar.client.genesis(), operator: liar.account() };
        let key = WorkerPossession { worker: liar.key.public(), possession: liar.sign(&statement) };
        let register = operators::register(Roles::INFERENCE, key, terms.bond);
        liar.client.submit_final(&register, &liar.signer).await?;
        for version in versions {
            serve(&liar.client, &liar.signer, version.id, terms).await?;
        }
        liar.heartbeat().await?;
        wait_until_live(&liar.client, &[liar.account()]).await?;
        Ok(liar)
    }

    /// The signer of its account.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    fn worker(&self) -> WorkerId {
        self.key.public()
    }

    fn account(&self) -> AccountId {
        self.signer.account().clone()
    }

    fn sign(&self, statement: &impl Statement) -> WorkerSignature {
        self.key.sign(&statement.signing_bytes()).into()
    }

    async fn send(&self, call: impl Into<RuntimeCall>) -> Result<()> {
        let transaction = UncheckedExtrinsic::new_transaction(call.into(), authorized_extension());
        self.client.rpc().submit(&transaction.encode()).await?;
        Ok(())
    }

    async fn heartbeat(&self) -> Result<()> {
        self.heartbeat_signed_by(&self.key).await
    }

    async fn heartbeat_signed_by(&self, key: &worker_crypto::Pair) -> Result<()> {
        let statement = HeartbeatStatement {
            genesis: self.client.genesis(),
            operator: self.account(),
            at: rpc::height(&self.client.rpc().header(None).await?),
            engine: EngineVersion::parse("6.6.6"),
            load: 0,
        };
        let signature = key.sign(&statement.signing_bytes()).into();
        self.send(pallet_operators::Call::heartbeat { statement, signature }).await
    }

    /// Submits a wrong output for the next request that is assigned to it.
    pub fn lie(&self) -> tokio::task::JoinHandle<Result<()>> {
        let liar = self.clone();
        tokio::spawn(async move {
            let request = liar.next_assignment().await?;
            liar.commit_and_reveal(request).await
        })
    }

    /// Sends each submission again at every block until the status changes, because pools drop
    /// transactions and blocks are reorganised. The pool refuses duplicates.
    async fn commit_and_reveal(&self, request: RequestId) -> Result<()> {
        let operator = self.account();
        let salt = [6; 32];
        let output = self.wrong_output(1.0);
        let output_digest = digest(&output);
        let mut heads = self.client.rpc().subscribe_heads().await?;
        while let Some(status) = self.next_status(&mut heads, request).await? {
            let call = if status == Status::Assigned {
                let answered = self.answered(request).await?;
                let commitment = commitment(&answered, &operator, &output_digest, &salt);
                let statement =
                    CommitStatement { request: answered, commitment, operator: operator.clone() };
                pallet_inference::Call::submit_commitment {
                    request,
                    operator: operator.clone(),
                    commitment,
                    signature: self.sign(&statement),
                }
            } else {
                let statement = self.statement(request, output_digest).await?;
                pallet_inference::Call::submit_reveal {
                    request,
                    operator: operator.clone(),
                    output: output.clone().try_into().ok().context("the output is too long")?,
                    salt,
                    signature: self.sign(&statement),
                }
            };
            let _ = self.send(call).await;
        }
        Ok(())
    }

    /// The next request that is assigned to it.
    async fn next_assignment(&self) -> Result<RequestId> {
        let mut heads = self.client.rpc().subscribe_heads().await?;
        loop {
            rpc::next(&mut heads, "new heads").await?;
            if let Some(assignment) = self.assignments().await?.first() {
                return Ok(assignment.request);
            }
        }
    }

    async fn assignments(&self) -> Result<Vec<Assignment>> {
        let key = self.worker();
        Ok(self.client.rpc().runtime_call("AssayApi_open_assignments", &key, None).await?)
    }

    /// Waits for the next block, and returns the status of the request there; `None` if it has
    /// ended.
    async fn next_status(&self, heads: &mut Heads, request: RequestId) -> Result<Option<Status>> {
        loop {
            rpc::next(heads, "new heads").await?;
            match self.client.request(request).await?.map(|view| view.status) {
                Some(Status::Final(_)) => return Ok(None),
                Some(status) => return Ok(Some(status)),
                // Its block was reorganised; the request will be in another one.
                None => {},
            }
        }
    }

    /// A wrong output of the floating-point model: ten equal scores.
    fn wrong_output(&self, score: f32) -> Vec<u8> {
        let scores = (0..10).flat_map(|_| score.to_le_bytes()).collect();
        let tensor = Tensor { element_type: ElementType::F32, shape: vec![1, 10], data: scores };
        vec![tensor].encode()
    }

    async fn statement(
        &self,
        request: RequestId,
        output_digest: Digest,
    ) -> Result<ResultStatement<AccountId>> {
        let request = self.answered(request).await?;
        Ok(ResultStatement { request, output_digest, operator: self.account(), proof: None })
    }

    /// The hash that statements about a request contain.
    async fn answered(&self, request: RequestId) -> Result<Digest> {
        Ok(self.record(request).await?.answered(self.client.genesis(), request))
    }

    async fn record(&self, request: RequestId) -> Result<pallet_inference::Request<AccountId>> {
        let key = pallet_inference::Requests::<Runtime>::hashed_key_for(request);
        let bytes = self.client.rpc().storage(&key, None).await?.context("no request")?;
        Ok(DecodeAll::decode_all(&mut &bytes[..])?)
    }

    /// Checks that the pool refuses calls that no account may make.
    ///
    /// # Errors
    ///
    /// Such a call enters the pool, or the request does not exist.
    pub async fn assert_strangers_are_refused(&self, request: RequestId) -> Result<()> {
        let stranger = worker_crypto::Pair::from_seed(&[99; 32]);
        if self.heartbeat_signed_by(&stranger).await.is_ok() {
            bail!("a heartbeat with a stranger's signature entered the pool");
        }
        let output = self.wrong_output(1.0);
        let statement = self.statement(request, digest(&output)).await?;
        let result = pallet_inference::Call::submit_result {
            request,
            operator: self.account(),
            output: output.try_into().ok().context("too long")?,
            signature: self.sign(&statement),
        };
        ensure!(
            self.send(result).await.is_err(),
            "a result for a finished request entered the pool"
        );
        let transfer =
            pallet_balances::Call::transfer_allow_death { dest: self.account().into(), value: 1 };
        ensure!(self.send(transfer).await.is_err(), "a call without a signature entered the pool");
        Ok(())
    }
}
