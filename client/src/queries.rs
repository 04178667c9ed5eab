//! What the chain says without a transaction, at the best block.

use assay_primitives::{
    dispute::{DisputeId, DisputeTiming},
    model::Licence,
    runtime_api::{
        ArtifactView, DisputeView, OperatorView, OptimisticView, Quote, QuoteError, ReceiptView,
        RequestView, VersionView,
    },
    Assurance, Balance, Digest, ModelDescriptor, ModelId, ProofTerms, RequestId, VersionId,
    WorkerId,
};
use codec::{Decode, Encode};

use crate::{
    calls::Share,
    names::{AssuranceArgument, ModelReference},
    storage, AccountId, Client, Error, Refusal, Result,
};

/// The balance of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountBalance {
    /// Plancks that can be spent, the existential deposit included.
    pub free: Balance,
    /// Plancks on hold: escrows, bonds and deposits.
    pub reserved: Balance,
}

impl AccountBalance {
    /// Everything that is the account's.
    pub const fn total(self) -> Balance {
        self.free.saturating_add(self.reserved)
    }
}

/// What the owner of a version says of it beside what it declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionListing {
    /// Share of each price that goes to the owner.
    pub royalty: Share,
    /// SPDX licence expression.
    pub licence: Licence,
    /// Digest of a document about the version.
    pub metadata: Option<Digest>,
}

impl Client {
    async fn ask<T: Decode>(&self, method: &str, arguments: &impl Encode) -> Result<T> {
        self.rpc().runtime_call(&format!("AssayApi_{method}"), arguments, None).await
    }

    /// What a request would cost now. Fails with [`Error::Refused`] where there is no quote.
    pub async fn quote(&self, version: VersionId, assurance: Assurance) -> Result<Quote> {
        let quote: Result<Quote, QuoteError> = self.ask("quote", &(version, assurance)).await?;
        quote.map_err(|error| {
            let docs = match error {
                QuoteError::NotFound => format!("there is no version {version}"),
                QuoteError::Deprecated => {
                    format!("version {version} takes no new requests; ask for a newer one")
                },
                QuoteError::NotAudited => {
                    format!(
                        "the chain has not read all weights of version {version}, so it takes no \
                         requests for proofs; show it the rest with `assay model audit {version}`, \
                         which anyone may do, or ask in another class"
                    )
                },
                QuoteError::ClassUnavailable => format!(
                    "version {version} does not offer {}, or the chain does not now",
                    AssuranceArgument(assurance)
                ),
                QuoteError::NotEnoughOperators(count) => format!(
                    "{} needs {} live operators that serve version {version}, and there are {count}; \
                     wait for more, or ask for another class",
                    AssuranceArgument(assurance),
                    assurance.committee_size()
                ),
            };
            let name = match error {
                QuoteError::NotFound => "NotFound",
                QuoteError::Deprecated => "Deprecated",
                QuoteError::NotAudited => "NotAudited",
                QuoteError::ClassUnavailable => "ClassUnavailable",
                QuoteError::NotEnoughOperators(_) => "NotEnoughOperators",
            };
            let refusal = Refusal { pallet: None, name: name.to_owned(), docs };
            Error::Refused { call: "a quote".to_owned(), refusal }
        })
    }

    /// How a request stands; `None` if there is none, or it was pruned.
    pub async fn request(&self, id: RequestId) -> Result<Option<RequestView<AccountId>>> {
        self.ask("request", &id).await
    }

    /// How a request stands. Where there is none, the error says whether it was pruned.
    pub async fn existing_request(&self, id: RequestId) -> Result<RequestView<AccountId>> {
        if let Some(request) = self.request(id).await? {
            return Ok(request);
        }
        Err(Error::NotFound(match self.receipt_digest(id, None).await? {
            Some(digest) => format!(
                "request {id} was pruned; the digest of its receipt, {digest:?}, stays. Export \
                 receipts soon after their requests"
            ),
            None => format!("there is no request {id}"),
        }))
    }

    /// The request that an account made under a client key.
    pub async fn request_by_key(
        &self,
        account: &AccountId,
        client_key: [u8; 32],
    ) -> Result<Option<RequestId>> {
        self.ask("request_by_key", &(account, client_key)).await
    }

    /// The requests of an account that are not pruned, newest first.
    pub async fn requests_of(
        &self,
        account: &AccountId,
        limit: u32,
    ) -> Result<Vec<RequestView<AccountId>>> {
        self.ask("requests_of", &(account, limit)).await
    }

    /// The input payload of an open request that brought it along; `None` for others.
    pub async fn input(&self, id: RequestId) -> Result<Option<Vec<u8>>> {
        self.ask("input", &id).await
    }

    /// The optimistic result of a request that is not final; `None` if there is none.
    pub async fn optimistic(&self, id: RequestId) -> Result<Option<OptimisticView<AccountId>>> {
        self.ask("optimistic", &id).await
    }

    /// The open disputes over the result of a request, or all, in the order of opening.
    pub async fn open_disputes(&self, request: Option<RequestId>) -> Result<Vec<DisputeId>> {
        self.ask("open_disputes", &request).await
    }

    /// A dispute, at the best block where no hash is given; `None` if it is over, or was never
    /// opened.
    pub async fn dispute(
        &self,
        id: DisputeId,
        at: Option<Digest>,
    ) -> Result<Option<DisputeView<AccountId>>> {
        self.rpc().runtime_call("AssayApi_dispute", &id, at).await
    }

    /// A dispute that is open. Where there is none, the error says whether it is over.
    pub async fn existing_dispute(&self, id: DisputeId) -> Result<DisputeView<AccountId>> {
        if let Some(dispute) = self.dispute(id, None).await? {
            return Ok(dispute);
        }
        Err(match self.was_opened(id, None).await? {
            true => Error::not_found(format!(
                "dispute {id} is over; `dispute status {id}` says how it ended"
            )),
            false => crate::dispute::end::unknown(id),
        })
    }

    /// How long disputes over new results take.
    pub async fn dispute_timing(&self) -> Result<DisputeTiming> {
        self.ask("dispute_timing", &()).await
    }

    /// The receipt of a finished request, until it is pruned.
    pub async fn receipt(&self, id: RequestId) -> Result<Option<ReceiptView<AccountId>>> {
        self.ask("receipt", &id).await
    }

    /// Digest of a finished request's receipt; never pruned. At the best block where no hash is
    /// given.
    pub async fn receipt_digest(
        &self,
        id: RequestId,
        at: Option<Digest>,
    ) -> Result<Option<Digest>> {
        self.rpc().runtime_call("AssayApi_receipt_digest", &id, at).await
    }

    /// A version.
    pub async fn version(&self, id: VersionId) -> Result<Option<VersionView<AccountId>>> {
        self.ask("version", &id).await
    }

    /// What its owner says of a version beside what it declares.
    pub async fn version_terms(&self, id: VersionId) -> Result<Option<VersionListing>> {
        /// `pallet_model_registry::Version`.
        #[derive(Decode)]
        struct Record {
            _descriptor: ModelDescriptor,
            _digest: Digest,
            royalty: Share,
            licence: Licence,
            metadata: Option<Digest>,
            _deprecated: bool,
            _uses: u32,
            _deposit: Balance,
            _proof: Option<ProofTerms>,
        }
        let record: Option<Record> =
            self.rpc().storage_value(&storage::version_key(id), None).await?;
        Ok(record.map(|Record { royalty, licence, metadata, .. }| VersionListing {
            royalty,
            licence,
            metadata,
        }))
    }

    /// The model with this owner and name, and the number of its newest version (0: none).
    pub async fn find_model(
        &self,
        owner: &AccountId,
        name: &str,
    ) -> Result<Option<(ModelId, u32)>> {
        self.ask("find_model", &(owner, name.as_bytes())).await
    }

    /// The versions of the models `from ..`, at most `limit`.
    pub async fn versions(&self, from: ModelId, limit: u32) -> Result<Vec<VersionView<AccountId>>> {
        self.ask("versions", &(from, limit)).await
    }

    /// An operator.
    pub async fn operator(&self, account: &AccountId) -> Result<Option<OperatorView<AccountId>>> {
        self.ask("operator", account).await
    }

    /// The operator that registered a worker key.
    pub async fn operator_of_worker(&self, worker: &WorkerId) -> Result<Option<AccountId>> {
        self.ask("operator_of_worker", worker).await
    }

    /// An artifact if it is complete, else an announcement of it, whoever made it.
    pub async fn artifact(&self, digest: Digest) -> Result<Option<ArtifactView<AccountId>>> {
        self.ask("artifact", &digest).await
    }

    /// What is left for an account to upload: its own announcement of an artifact while chunks
    /// are missing, else the artifact, of which none are.
    pub async fn upload(
        &self,
        owner: &AccountId,
        digest: Digest,
    ) -> Result<Option<ArtifactView<AccountId>>> {
        self.ask("upload", &(owner, digest)).await
    }

    /// Why a payload does not fit the inputs of a version; `None` if it does.
    pub async fn check_input(&self, version: VersionId, payload: &[u8]) -> Result<Option<String>> {
        self.ask("check_input", &(version, payload)).await
    }

    /// The model that a reference means, which need not have a version, and the number of the
    /// version that it means (0: there is none yet).
    pub async fn resolve_model(&self, reference: &ModelReference) -> Result<VersionId> {
        let (owner, name, number) = match reference {
            ModelReference::Version(id) => return Ok(*id),
            ModelReference::Named { owner, name, number } => (owner, name, number),
        };
        let (model, newest) = self.find_model(owner, name).await?.ok_or_else(|| {
            Error::not_found(format!(
                "{owner} has no model `{name}`; `model list` shows what there is"
            ))
        })?;
        Ok(VersionId { model, number: number.unwrap_or(newest) })
    }

    /// The version that a reference means.
    pub async fn resolve(&self, reference: &ModelReference) -> Result<VersionView<AccountId>> {
        let id = self.resolve_model(reference).await?;
        if id.number == 0 {
            return Err(Error::not_found(format!("{reference} has no version yet")));
        }
        let version = self.version(id).await?;
        version.ok_or_else(|| Error::not_found(format!("there is no version {reference}")))
    }

    /// The balance of an account; zeros if it does not exist.
    pub async fn balance(&self, account: &AccountId) -> Result<AccountBalance> {
        /// `frame_system::AccountInfo` with `pallet_balances::AccountData`.
        #[derive(Decode)]
        struct Info {
            _nonce: u32,
            _references: [u32; 3],
            free: Balance,
            reserved: Balance,
            _frozen: Balance,
            _flags: u128,
        }
        let info: Option<Info> =
            self.rpc().storage_value(&storage::account_key(account), None).await?;
        Ok(info.map_or(AccountBalance::default(), |info| AccountBalance {
            free: info.free,
            reserved: info.reserved,
        }))
    }
}

/// The name of a version for people: `owner/name@number`.
pub fn version_name(version: &VersionView<AccountId>) -> String {
    let name = String::from_utf8_lossy(&version.name);
    format!("{}/{name}@{}", version.owner, version.id.number)
}
