//! Views for the runtime API: quotes and requests.

use alloc::vec::Vec;
use assay_primitives::{
    dispute::tensor_data,
    runtime_api::{Quote, QuoteError, RequestView, Status},
    traits::{DrawTerms, Models, Operators, ProvableRequest, ProvableRequests, Verification},
    Assurance, Balance, BlockNumber, RequestId, VersionId,
};
use frame_support::traits::Get;

use crate::{Appealable, ClientKeys, Config, Corrections, Inputs, Pallet, Requests, Results};

/// Largest number of an account's requests among which [`Pallet::requests_of`] looks for the latest.
/// Nodes answer this call for anybody.
const MOST_WALKED: usize = 10_000;

impl<T: Config> Pallet<T> {
    /// See `AssayApi::quote`.
    ///
    /// # Errors
    ///
    /// The reason why there is no quote.
    pub fn quote(version: VersionId, assurance: Assurance) -> Result<Quote, QuoteError> {
        let terms = T::Models::terms(version).ok_or(QuoteError::NotFound)?;
        if terms.deprecated {
            return Err(QuoteError::Deprecated);
        }
        T::Verification::check_request(assurance, &terms.descriptor)
            .map_err(|_| QuoteError::ClassUnavailable)?;
        if !Self::can_be_proven(version, assurance) {
            return Err(QuoteError::NotAudited);
        }
        let needed = usize::from(assurance.committee_size());
        let class = assurance.class();
        let stake = T::Operators::stake(class, Self::can_be_proven(version, Assurance::Proof));
        let mut candidates: Vec<_> = T::Operators::candidates(DrawTerms {
            version,
            class,
            budget: Balance::MAX,
            stake,
            royalty: terms.royalty,
            slowest: Self::slowest(assurance),
        })
        .filter(|candidate| candidate.has_room() || candidate.is_running)
        .collect();
        let operators = candidates.len() as u32;
        candidates.sort_unstable_by_key(|candidate| candidate.ask);
        let Some(ask) = candidates.get(needed.saturating_sub(1)).map(|candidate| candidate.ask)
        else {
            return Err(QuoteError::NotEnoughOperators(operators));
        };
        let mut responses: Vec<BlockNumber> = candidates
            .into_iter()
            .take_while(|candidate| candidate.ask <= ask)
            .map(|candidate| candidate.response_blocks)
            .collect();
        responses.sort_unstable();
        let response = responses.get(needed.saturating_sub(1)).copied().unwrap_or_default();
        // The draw takes one block.
        let reveal_window = match assurance {
            Assurance::Quorum { .. } => T::RevealWindow::get(),
            _ => 0,
        };
        Ok(Quote {
            price: ask.saturating_mul(needed as Balance),
            blocks: Self::min_deadline(assurance).max(1 + response + reveal_window),
            operators,
            fee: Self::largest_fee(version, &terms.descriptor.outputs, assurance),
            stake,
        })
    }

    /// See `AssayApi::request`.
    pub fn view(id: RequestId) -> Option<RequestView<T::AccountId>> {
        let request = Requests::<T>::get(id)?;
        let kept = Results::<T>::get(id);
        Some(RequestView {
            id,
            members: request.accounts(),
            payer: request.payer,
            version: request.version,
            assurance: request.assurance,
            max_price: request.max_price,
            fee: request.fee,
            stake: request.stake,
            requested_at: request.requested_at,
            deadline: request.deadline,
            status: request.status,
            waits: request.status == Status::Pending && request.again_at > 0,
            output: kept.as_ref().and_then(|kept| Some(kept.output.clone()?.into_inner())),
            receipt_digest: kept.map(|kept| kept.receipt.digest()),
            appealable_until: Appealable::<T>::get(id).map(|time| time.until),
            correction: Corrections::<T>::get(id),
        })
    }

    /// See `AssayApi::requests_of`.
    pub fn requests_of(payer: &T::AccountId, limit: u32) -> Vec<RequestView<T::AccountId>> {
        let mut ids: Vec<RequestId> =
            ClientKeys::<T>::iter_prefix(payer).map(|(_, id)| id).take(MOST_WALKED).collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.into_iter().filter_map(Self::view).take(limit as usize).collect()
    }
}

impl<T: Config> ProvableRequests<T::AccountId> for Pallet<T> {
    fn provable(request: RequestId) -> Option<ProvableRequest<T::AccountId>> {
        let record = Requests::<T>::get(request)?;
        Some(ProvableRequest {
            version: record.version,
            operator: record.members.first()?.account.clone(),
            payer: record.payer,
            input: tensor_data(&Inputs::<T>::get(request)?)?,
        })
    }
}
