//! The checks, the creation and the cancellation of requests.

use alloc::{collections::BTreeSet, vec::Vec};
use assay_pallet_support::Chain;
use assay_primitives::{
    digest,
    runtime_api::Status,
    traits::{Artifacts, Disputes, DrawTerms, Escrow, Models, Operators, Verification},
    validate_payload, Assurance, Balance, BlockNumber, Digest, ModelDescriptor, Outcome,
    PayloadError, RequestId, RequestInput, VersionId,
};
use frame_support::{ensure, traits::Get};
use sp_runtime::{DispatchError, DispatchResult};

use crate::{
    Agenda, Asked, BatchItem, Claims, ClientKeys, Config, Error, Event, Inputs, Members,
    NextRequest, Pallet, Request, RequestInputOf, Requests, MAX_DRAW_DELAY,
};

/// What was asked for, checked.
struct Checked<AccountId> {
    /// The request, without input and key.
    request: Request<AccountId>,
    /// The descriptor of its version.
    descriptor: ModelDescriptor,
    /// How many operators of the version were read.
    read: u32,
}

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

    /// Makes one request. Returns how many operators were read. See [`Pallet::request`].
    pub(crate) fn do_request(
        payer: T::AccountId,
        asked: Asked,
        input: RequestInputOf<T>,
        client_key: [u8; 32],
    ) -> Result<u32, DispatchError> {
        let Checked { request, descriptor, read } =
            Self::check_asked(payer, &asked, Self::is_inline(&input))?;
        let request = Self::check_item(request, &descriptor, &input, client_key)?;
        Self::make(Vec::from([(request, input)]))?;
        Ok(read)
    }

    /// Makes a request of each item, except for those that could not be a request. Returns their
    /// indices, with the reasons, and how many operators were read. See [`Pallet::request_batch`].
    pub(crate) fn do_request_batch(
        payer: T::AccountId,
        asked: Asked,
        items: Vec<BatchItem<T::MaxInputBytes>>,
    ) -> Result<(Vec<(u32, DispatchError)>, u32), DispatchError> {
        ensure!(!items.is_empty(), Error::<T>::EmptyBatch);
        let inline = items.iter().any(|item| Self::is_inline(&item.input));
        let Checked { request: template, descriptor, read } =
            Self::check_asked(payer, &asked, inline)?;
        let mut keys = BTreeSet::new();
        let (mut good, mut refused) = (Vec::new(), Vec::new());
        for (index, BatchItem { input, client_key }) in (0..).zip(items) {
            let mut template = template.clone();
            template.appealable &= Self::is_inline(&input);
            template.stake = T::Operators::stake(template.assurance.class(), template.appealable);
            let checked = match keys.insert(client_key) {
                true => Self::check_item(template, &descriptor, &input, client_key),
                false => Err(Error::<T>::DuplicateClientKey.into()),
            };
            match checked {
                Ok(request) => good.push((request, input)),
                Err(error) => refused.push((index, error)),
            }
        }
        if let ([], [(_, first), ..]) = (&good[..], &refused[..]) {
            return Err(*first);
        }
        Self::make(good)?;
        Ok((refused, read))
    }

    fn is_inline(input: &RequestInputOf<T>) -> bool {
        matches!(input, RequestInput::Inline(_))
    }

    /// A request as it was asked for, without input and key. `inline`: whether its input is, which a
    /// proof needs.
    fn check_asked(
        payer: T::AccountId,
        asked: &Asked,
        inline: bool,
    ) -> Result<Checked<T::AccountId>, DispatchError> {
        let Asked { version, assurance, max_price, deadline, draw_delay } = *asked;
        ensure!((1..=MAX_DRAW_DELAY).contains(&draw_delay), Error::<T>::DrawDelayOutOfBounds);
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

        let appealable = matches!(assurance, Assurance::Quorum { .. })
            && inline
            && Self::can_be_proven(version, Assurance::Proof);
        let request = Request {
            payer,
            client_key: Default::default(),
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
            waits_since: 0,
            vain_draws: 0,
            again_at: 0,
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
        let read = Self::check_operators(&request)?;
        Ok(Checked { request, descriptor: terms.descriptor, read })
    }

    /// The request with this input and this key.
    fn check_item(
        mut request: Request<T::AccountId>,
        descriptor: &ModelDescriptor,
        input: &RequestInputOf<T>,
        client_key: [u8; 32],
    ) -> Result<Request<T::AccountId>, DispatchError> {
        ensure!(
            !ClientKeys::<T>::contains_key(&request.payer, client_key),
            Error::<T>::DuplicateClientKey
        );
        request.client_key = client_key;
        (request.input_digest, request.input_is_artifact) = match input {
            RequestInput::Inline(payload) => {
                validate_payload(payload, &descriptor.inputs).map_err(Error::<T>::from)?;
                (digest(payload), false)
            },
            RequestInput::Artifact(artifact) => {
                ensure!(
                    !matches!(request.assurance, Assurance::Optimistic | Assurance::Proof),
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
        Ok(request)
    }

    /// Makes requests that were checked, which were asked for together.
    fn make(requests: Vec<(Request<T::AccountId>, RequestInputOf<T>)>) -> DispatchResult {
        let count = requests.len() as u32;
        let Some((asked, _)) = requests.first() else { return Ok(()) };
        let (now, is_drawn_later) = (asked.requested_at, asked.is_drawn_later());
        T::Models::acquire(asked.version, count)?;
        let first = NextRequest::<T>::get();
        let end = first.0.checked_add(count.into()).ok_or(Error::<T>::NoIdentifierLeft)?;
        let escrow = requests
            .iter()
            .fold(0, |sum: Balance, (request, _)| sum.saturating_add(request.escrow()));
        T::Escrow::hold(&asked.payer, escrow)?;
        for (id, (request, input)) in (first.0..end).map(RequestId).zip(requests) {
            match input {
                RequestInput::Inline(payload) => Inputs::<T>::insert(id, payload),
                RequestInput::Artifact(artifact) => T::Artifacts::acquire(&artifact)?,
            }
            ClientKeys::<T>::insert(&request.payer, request.client_key, id);
            for height in Self::agenda_heights(id, &request) {
                Agenda::<T>::insert(height, id, ());
            }
            Self::deposit_event(Event::Requested {
                request: id,
                payer: request.payer.clone(),
                version: request.version,
                assurance: request.assurance,
            });
            Requests::<T>::insert(id, request);
        }
        NextRequest::<T>::put(RequestId(end));
        if !is_drawn_later {
            Self::enqueue(first, count, now, 0);
        }
        Ok(())
    }

    /// The heights at which the sweep processes an open request, each once: when a later draw is near,
    /// after its commit deadline until reveals open, when it has rested, and after its deadline; for a
    /// disputable result only after its window.
    pub(crate) fn agenda_heights(
        id: RequestId,
        request: &Request<T::AccountId>,
    ) -> Vec<BlockNumber> {
        let claim = (request.status == Status::Disputable).then(|| Claims::<T>::get(id)).flatten();
        if let Some(claim) = claim {
            return Vec::from([claim.disputable_until.saturating_add(1)]);
        }
        let mut heights = Vec::with_capacity(3);
        if request.status == Status::Pending && request.is_drawn_later() {
            heights.push(request.draw_from);
        }
        let commits = request.status != Status::Revealing;
        if commits && matches!(request.assurance, Assurance::Quorum { .. }) {
            heights.push(request.commit_deadline(T::RevealWindow::get()).saturating_add(1));
        }
        let rests =
            request.status == Status::Pending && (1..=request.deadline).contains(&request.again_at);
        if rests && !heights.contains(&request.again_at) {
            heights.push(request.again_at);
        }
        heights.push(request.deadline.saturating_add(1));
        heights
    }

    /// What a request needs of an operator that asks at most `budget`.
    pub(crate) fn draw_terms(request: &Request<T::AccountId>, budget: Balance) -> DrawTerms {
        DrawTerms {
            version: request.version,
            class: request.assurance.class(),
            budget,
            stake: request.stake,
            royalty: request.royalty,
            slowest: Self::slowest(request.assurance),
        }
    }

    /// The largest number of blocks that an operator may have promised to need. In a dispute it runs the
    /// model again, in the time for a move.
    pub(crate) fn slowest(assurance: Assurance) -> BlockNumber {
        match assurance {
            Assurance::Optimistic => T::Disputes::response_blocks(),
            _ => BlockNumber::MAX,
        }
    }

    /// Refuses a request that could not be drawn. Operators without capacity count, because the
    /// request can wait for them. Returns how many operators were read: no more than it takes to see
    /// that there are enough.
    fn check_operators(request: &Request<T::AccountId>) -> Result<u32, DispatchError> {
        let needed = request.size();
        let left = request.blocks_to_answer(request.draw_from, T::RevealWindow::get());
        let (mut eligible, mut affordable, mut in_time) = (0, 0, 0);
        for candidate in T::Operators::candidates(Self::draw_terms(request, Balance::MAX)) {
            if !candidate.has_room() && !candidate.is_running {
                continue;
            }
            eligible += 1;
            if candidate.ask > request.budget() {
                continue;
            }
            affordable += 1;
            if candidate.response_blocks > left {
                continue;
            }
            in_time += 1;
            if in_time == needed {
                return Ok(candidate.place.saturating_add(1));
            }
        }
        ensure!(eligible >= needed, Error::<T>::NoOperator);
        ensure!(affordable >= needed, Error::<T>::PriceUnderAsk);
        Err(Error::<T>::DeadlineUnderResponse.into())
    }

    pub(crate) fn do_cancel(payer: T::AccountId, id: RequestId) -> DispatchResult {
        let request = Requests::<T>::get(id).ok_or(Error::<T>::RequestNotFound)?;
        ensure!(request.payer == payer, Error::<T>::NotPayer);
        ensure!(request.status == Status::Pending, Error::<T>::NotPending);
        Self::finish_unpaid(id, request, Outcome::Cancelled);
        Ok(())
    }
}
