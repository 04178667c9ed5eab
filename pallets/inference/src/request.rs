//! The checks, the creation and the cancellation of requests.

use alloc::vec::Vec;
use assay_pallet_support::Chain;
use assay_primitives::{
    digest,
    runtime_api::Status,
    traits::{Artifacts, Escrow, Models, Operators, Verification},
    validate_payload, Assurance, Balance, BlockNumber, Digest, Outcome, PayloadError, RequestId,
    RequestInput, VersionId,
};
use frame_support::{ensure, traits::Get};
use sp_runtime::DispatchResult;

use crate::{
    Agenda, Claims, ClientKeys, Config, Error, Event, Inputs, Members, NextRequest, Pallet,
    Request, RequestInputOf, Requests, MAX_DRAW_DELAY,
};

impl<T: Config> From<PayloadError> for Error<T> {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::Malformed => Self::InputMalformed,
            PayloadError::WrongCount => Self::InputWrongCount,
            PayloadError::WrongType(_) => Self::InputWrongType,
            PayloadError::WrongShape(_) => Self::InputWrongShape,
            PayloadError::WrongSize(_) => Self::InputWrongSize,
            PayloadError::NotFinite(_) => Self::InputNotFinite,
            PayloadError::NotBool(_) => Self::InputNotBool,
        }
    }
}

impl<T: Config> Pallet<T> {
    /// Whether the chain can verify proofs for the version, if `assurance` needs one.
    pub(crate) fn can_be_proven(version: VersionId, assurance: Assurance) -> bool {
        assurance != Assurance::Proof || T::Models::proof_terms(version).is_some()
    }

    /// Minimum number of blocks from a request to its deadline.
    pub(crate) fn min_deadline(assurance: Assurance) -> BlockNumber {
        match assurance {
            Assurance::Quorum { .. } => T::MinDeadline::get() + T::RevealWindow::get(),
            _ => T::MinDeadline::get(),
        }
    }

    #[allow(clippy::too_many_arguments)]
    pub(crate) fn do_request(
        payer: T::AccountId,
        version: VersionId,
        input: RequestInputOf<T>,
        assurance: Assurance,
        max_price: Balance,
        deadline: BlockNumber,
        draw_delay: BlockNumber,
        client_key: [u8; 32],
    ) -> DispatchResult {
        ensure!((1..=MAX_DRAW_DELAY).contains(&draw_delay), Error::<T>::DrawDelayOutOfBounds);
        ensure!(!ClientKeys::<T>::contains_key(&payer, client_key), Error::<T>::DuplicateClientKey);
        let now = T::now();
        ensure!(
            deadline >= now.saturating_add(Self::min_deadline(assurance) + draw_delay - 1),
            Error::<T>::DeadlineTooSoon
        );
        ensure!(deadline <= now.saturating_add(T::MaxDeadline::get()), Error::<T>::DeadlineTooFar);
        let terms = T::Models::terms(version).ok_or(Error::<T>::VersionNotFound)?;
        ensure!(!terms.deprecated, Error::<T>::VersionDeprecated);
        T::Verification::check_request(assurance, &terms.descriptor)?;
        ensure!(Self::can_be_proven(version, assurance), Error::<T>::WeightsNotAudited);

        // A proof needs the input on chain.
        let appealable = matches!(assurance, Assurance::Quorum { .. })
            && matches!(input, RequestInput::Inline(_))
            && Self::can_be_proven(version, Assurance::Proof);

        let id = NextRequest::<T>::get();
        let next = id.0.checked_add(1).ok_or(Error::<T>::NoIdentifierLeft)?;
        let mut request = Request {
            payer: payer.clone(),
            client_key,
            version,
            version_digest: terms.digest,
            input_digest: Digest::zero(),
            input_is_artifact: false,
            assurance,
            tolerance: terms.descriptor.tolerance,
            max_price,
            fee: Self::largest_fee(version, &terms.descriptor.outputs, assurance),
            stake: T::Operators::stake(assurance.class(), appealable),
            appealable,
            royalty_to: terms.owner,
            royalty: terms.royalty,
            requested_at: now,
            draw_from: now.saturating_add(draw_delay),
            deadline,
            late_from: 0,
            status: Status::Pending,
            draw: None,
            members: Members::default(),
        };
        Self::check_operators(&request)?;
        (request.input_digest, request.input_is_artifact) = match &input {
            RequestInput::Inline(payload) => {
                validate_payload(payload, &terms.descriptor.inputs).map_err(Error::<T>::from)?;
                (digest(payload), false)
            },
            RequestInput::Artifact(artifact) => {
                ensure!(
                    !matches!(assurance, Assurance::Optimistic | Assurance::Proof),
                    Error::<T>::InputNotInline
                );
                let manifest =
                    T::Artifacts::complete(artifact).ok_or(Error::<T>::InputArtifactNotFound)?;
                ensure!(
                    manifest.size <= u64::from(T::MaxArtifactInputBytes::get()),
                    Error::<T>::InputArtifactTooLarge
                );
                (*artifact, true)
            },
        };

        T::Escrow::hold(id, &payer, max_price.saturating_add(request.fee))?;
        T::Models::acquire(version)?;
        match input {
            RequestInput::Inline(payload) => Inputs::<T>::insert(id, payload),
            RequestInput::Artifact(artifact) => T::Artifacts::acquire(&artifact)?,
        }
        NextRequest::<T>::put(RequestId(next));
        ClientKeys::<T>::insert(&payer, client_key, id);
        for height in Self::agenda_heights(id, &request) {
            Agenda::<T>::insert(height, id, ());
        }
        if !request.is_drawn_later() {
            Self::enqueue(id, now);
        }
        Requests::<T>::insert(id, request);
        Self::deposit_event(Event::Requested { request: id, payer, version, assurance });
        Ok(())
    }

    /// The heights at which the sweep processes an open request: when a later draw is near, after its
    /// commit deadline, if it has one, and after its deadline; for a disputable result only after its
    /// window.
    pub(crate) fn agenda_heights(
        id: RequestId,
        request: &Request<T::AccountId>,
    ) -> Vec<BlockNumber> {
        if let Some(claim) = Claims::<T>::get(id) {
            return Vec::from([claim.disputable_until.saturating_add(1)]);
        }
        let mut heights = Vec::with_capacity(3);
        if request.status == Status::Pending && request.is_drawn_later() {
            heights.push(request.draw_from);
        }
        if let Assurance::Quorum { .. } = request.assurance {
            heights.push(request.commit_deadline(T::RevealWindow::get()).saturating_add(1));
        }
        heights.push(request.deadline.saturating_add(1));
        heights
    }

    /// Refuses a request that could not be drawn. Operators without capacity
    /// count, because the request can wait for them.
    fn check_operators(request: &Request<T::AccountId>) -> DispatchResult {
        let needed = request.size();
        let candidates: Vec<_> = T::Operators::candidates(&request.draw_terms(Balance::MAX))
            .into_iter()
            .filter(|candidate| candidate.has_room || candidate.is_running)
            .collect();
        ensure!(candidates.len() >= needed, Error::<T>::NoOperator);
        let affordable = candidates.iter().filter(|candidate| candidate.ask <= request.budget());
        ensure!(affordable.clone().count() >= needed, Error::<T>::PriceUnderAsk);
        let left = request.blocks_to_answer(request.draw_from, T::RevealWindow::get());
        let in_time = affordable.filter(|candidate| candidate.response_blocks <= left).count();
        ensure!(in_time >= needed, Error::<T>::DeadlineUnderResponse);
        Ok(())
    }

    pub(crate) fn do_cancel(payer: T::AccountId, id: RequestId) -> DispatchResult {
        let request = Requests::<T>::get(id).ok_or(Error::<T>::RequestNotFound)?;
        ensure!(request.payer == payer, Error::<T>::NotPayer);
        ensure!(request.status == Status::Pending, Error::<T>::NotPending);
        Self::finish_unpaid(id, request, Outcome::Cancelled);
        Ok(())
    }
}
