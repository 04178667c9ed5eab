//! Queries of the chain's state, at the best block unless stated otherwise.
//!
//! Unless stated otherwise, they fail only as the methods of [`rpc`](crate::rpc) do.

use assay_primitives::{
    dispute::{DisputeId, DisputeTiming},
    model::Licence,
    runtime_api::{
        ArtifactView, DisputeView, OperatorView, OptimisticView, Quote, QuoteError, ReceiptView,
        RequestView, VersionView,
    },
    Assurance, Balance, BlockNumber, Digest, ModelDescriptor, ModelId, ProofTerms, RequestId,
    VersionId, WorkerId,
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
    /// Plancks that are not on hold, including the existential deposit.
    pub free: Balance,
    /// Plancks on hold: escrow, bonds, deposits and compensations.
    pub reserved: Balance,
    /// Plancks of the total that votes lock.
    pub locked: Balance,
}

impl AccountBalance {
    /// The most that can be held for requests and disputes, in plancks: less than this if some is held for
    /// others already, because locked money cannot pay.
    pub fn payable(self) -> Balance {
        self.free.min(self.total().saturating_sub(self.locked))
    }

    /// The most that fees and transfers can take, in plancks, where the account keeps the existential
    /// deposit. What is on hold counts as locked first.
    pub fn spendable(self, existential_deposit: Balance) -> Balance {
        let kept = self.locked.saturating_sub(self.reserved).max(existential_deposit);
        self.free.saturating_sub(kept)
    }

    /// The sum of both, in plancks.
    pub const fn total(self) -> Balance {
        self.free.saturating_add(self.reserved)
    }
}

/// Terms of a version that are not part of its descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionListing {
    /// The owner's share of each price.
    pub royalty: Share,
    /// SPDX licence expression.
    pub licence: Licence,
    /// Digest of a document about the version.
    pub metadata: Option<Digest>,
}

impl Client {
    async fn view<T: Decode>(&self, method: &str, arguments: &impl Encode) -> Result<T> {
        self.rpc().runtime_call(&format!("AssayApi_{method}"), arguments, None).await
    }

    /// The quote of a request: the smallest price limit that enough operators accept now.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with the reason if there is no quote.
    pub async fn quote(&self, version: VersionId, assurance: Assurance) -> Result<Quote> {
        let quote: Result<Quote, QuoteError> = self.view("quote", &(version, assurance)).await?;
        quote.map_err(|error| {
            let docs = match error {
                QuoteError::NotFound => format!("there is no version {version}"),
                QuoteError::Deprecated => {
                    format!("version {version} accepts no new requests; request a newer one")
                },
                QuoteError::NotAudited => {
                    format!(
                        "the weights audit of version {version} is not complete, so proofs cannot be \
                         requested; anyone can complete it with `assay model audit {version}`; or \
                         request another class"
                    )
                },
                QuoteError::ClassUnavailable => format!(
                    "version {version} does not offer {}, or the chain currently does not",
                    AssuranceArgument(assurance)
                ),
                QuoteError::NotEnoughOperators(count) => format!(
                    "{} needs {} live operators that serve version {version}, and there are {count}; \
                     wait for more, or request another class",
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

    /// A request; `None` if it does not exist or was pruned.
    pub async fn request(&self, id: RequestId) -> Result<Option<RequestView<AccountId>>> {
        self.view("request", &id).await
    }

    /// A request that exists.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] otherwise; the text states whether it was pruned.
    pub async fn existing_request(&self, id: RequestId) -> Result<RequestView<AccountId>> {
        if let Some(request) = self.request(id).await? {
            return Ok(request);
        }
        let next =
            self.rpc().storage(&storage::value_key("Inference", "NextRequest"), None).await?;
        let next: Option<RequestId> = next.and_then(|bytes| Decode::decode(&mut &bytes[..]).ok());
        Err(Error::NotFound(match next.is_some_and(|next| id < next) {
            true => format!(
                "request {id} was pruned; only the root of the receipts of its block remains. Export \
                 receipts within a day of the end of their requests"
            ),
            false => format!("there is no request {id}"),
        }))
    }

    /// The request that an account made with a client key.
    pub async fn request_by_key(
        &self,
        account: &AccountId,
        client_key: [u8; 32],
    ) -> Result<Option<RequestId>> {
        self.view("request_by_key", &(account, client_key)).await
    }

    /// At most `limit` requests of an account that are not pruned, newest first.
    pub async fn requests_of(
        &self,
        account: &AccountId,
        limit: u32,
    ) -> Result<Vec<RequestView<AccountId>>> {
        self.view("requests_of", &(account, limit)).await
    }

    /// The input payload of an open request that contains it; `None` for other requests.
    pub async fn input(&self, id: RequestId) -> Result<Option<Vec<u8>>> {
        self.view("input", &id).await
    }

    /// The optimistic result of a request that is not final; `None` if there is none.
    pub async fn optimistic(&self, id: RequestId) -> Result<Option<OptimisticView<AccountId>>> {
        self.view("optimistic", &id).await
    }

    /// At most `limit` of the open disputes over the result of a request, sorted. `None`: of all open
    /// disputes.
    pub async fn open_disputes(
        &self,
        request: Option<RequestId>,
        limit: u32,
    ) -> Result<Vec<DisputeId>> {
        self.view("open_disputes", &(request, limit)).await
    }

    /// At most `limit` open disputes of which the account is the operator or the challenger, sorted.
    pub async fn disputes_of(&self, account: &AccountId, limit: u32) -> Result<Vec<DisputeId>> {
        self.view("disputes_of", &(account, limit)).await
    }

    /// A dispute at a block, by default the best one; `None` if it has ended or was never opened.
    pub async fn dispute(
        &self,
        id: DisputeId,
        at: Option<Digest>,
    ) -> Result<Option<DisputeView<AccountId>>> {
        self.rpc().runtime_call("AssayApi_dispute", &id, at).await
    }

    /// A dispute that is open.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] otherwise; the text states whether it has ended.
    pub async fn existing_dispute(&self, id: DisputeId) -> Result<DisputeView<AccountId>> {
        if let Some(dispute) = self.dispute(id, None).await? {
            return Ok(dispute);
        }
        Err(match self.was_opened(id, None).await? {
            true => {
                Error::not_found(format!("dispute {id} has ended; `dispute status {id}` shows how"))
            },
            false => crate::dispute::end::unknown(id),
        })
    }

    /// Dispute window and time for a move, for new results and disputes.
    pub async fn dispute_timing(&self) -> Result<DisputeTiming> {
        self.view("dispute_timing", &()).await
    }

    /// The receipt of a finished request, until it is pruned.
    pub async fn receipt(&self, id: RequestId) -> Result<Option<ReceiptView<AccountId>>> {
        self.view("receipt", &id).await
    }

    /// A version; `None` if it does not exist.
    pub async fn version(&self, id: VersionId) -> Result<Option<VersionView<AccountId>>> {
        self.view("version", &id).await
    }

    /// The terms of a version that are not part of its descriptor.
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

    /// The model with this owner and name, and the number of its newest version, 0 if it has none.
    pub async fn find_model(
        &self,
        owner: &AccountId,
        name: &str,
    ) -> Result<Option<(ModelId, u32)>> {
        self.view("find_model", &(owner, name.as_bytes())).await
    }

    /// At most `limit` versions of the models from number `from` on.
    pub async fn versions(&self, from: ModelId, limit: u32) -> Result<Vec<VersionView<AccountId>>> {
        self.view("versions", &(from, limit)).await
    }

    /// An operator; `None` if the account is not registered.
    pub async fn operator(&self, account: &AccountId) -> Result<Option<OperatorView<AccountId>>> {
        self.view("operator", account).await
    }

    /// The operator that registered a worker key, current or former.
    pub async fn operator_of_worker(&self, worker: &WorkerId) -> Result<Option<AccountId>> {
        self.view("operator_of_worker", worker).await
    }

    /// An artifact if it is complete, else an announcement of it by any account.
    pub async fn artifact(&self, identity: Digest) -> Result<Option<ArtifactView<AccountId>>> {
        self.view("artifact", &identity).await
    }

    /// The upload of an artifact by an account: its own announcement while chunks are missing, else
    /// the complete artifact.
    pub async fn upload(
        &self,
        owner: &AccountId,
        identity: Digest,
    ) -> Result<Option<ArtifactView<AccountId>>> {
        self.view("upload", &(owner, identity)).await
    }

    /// Why a payload does not fit the inputs of a version; `None` if it does.
    pub async fn check_input(&self, version: VersionId, payload: &[u8]) -> Result<Option<String>> {
        self.view("check_input", &(version, payload)).await
    }

    /// The model of a reference, and the number of the version that the reference means: 0 if the
    /// model has no version yet.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such model.
    pub async fn resolve_model(&self, reference: &ModelReference) -> Result<VersionId> {
        let (owner, name, number) = match reference {
            ModelReference::Version(id) => return Ok(*id),
            ModelReference::Named { owner, name, number } => (owner, name, number),
        };
        let (model, newest) = self.find_model(owner, name).await?.ok_or_else(|| {
            Error::not_found(format!(
                "{owner} has no model `{name}`; `model list` lists the models"
            ))
        })?;
        Ok(VersionId { model, number: number.unwrap_or(newest) })
    }

    /// The version of a reference.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such version.
    pub async fn resolve(&self, reference: &ModelReference) -> Result<VersionView<AccountId>> {
        let id = self.resolve_model(reference).await?;
        if id.number == 0 {
            return Err(Error::not_found(format!("{reference} has no version yet")));
        }
        let version = self.version(id).await?;
        version.ok_or_else(|| Error::not_found(format!("there is no version {reference}")))
    }

    /// The compensations of an account that it has not claimed, in plancks, with the heights from
    /// which it can claim them, earliest first.
    pub async fn compensations(&self, account: &AccountId) -> Result<Vec<(BlockNumber, Balance)>> {
        self.view("compensations", account).await
    }

    /// The balance of an account; zero if the account does not exist.
    pub async fn balance(&self, account: &AccountId) -> Result<AccountBalance> {
        /// `frame_system::AccountInfo` with `pallet_balances::AccountData`.
        #[derive(Decode)]
        struct Info {
            _nonce: u32,
            _references: [u32; 3],
            free: Balance,
            reserved: Balance,
            frozen: Balance,
            _flags: u128,
        }
        let info: Option<Info> =
            self.rpc().storage_value(&storage::account_key(account), None).await?;
        Ok(info.map_or(AccountBalance::default(), |info| AccountBalance {
            free: info.free,
            reserved: info.reserved,
            locked: info.frozen,
        }))
    }
}

/// The name of a version: `owner/name@number`.
pub fn version_name(version: &VersionView<AccountId>) -> String {
    let name = String::from_utf8_lossy(&version.name);
    format!("{}/{name}@{}", version.owner, version.id.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_locks_what_is_on_hold_first() {
        let voted = |locked| AccountBalance { free: 100, reserved: 50, locked };
        for (locked, payable, spendable) in
            [(0, 100, 99), (50, 100, 99), (51, 99, 99), (60, 90, 90), (150, 0, 0), (200, 0, 0)]
        {
            assert_eq!(voted(locked).payable(), payable, "{locked}");
            assert_eq!(voted(locked).spendable(1), spendable, "{locked}");
        }
    }
}
