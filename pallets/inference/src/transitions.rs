//! The one place where the status of a request changes: one function per transition.
//!
//! None of them fails. What they rely on was checked before: by `authorize` for workers' calls,
//! by the call for the payer's, and by the stored status for the hooks.

use assay_math::draw;
use assay_primitives::{
    operator::Offence,
    receipt::evidence_digest,
    runtime_api::Status,
    traits::{
        Artifacts, BlockRandomness, Candidate, Escrow, MemberState, Models, OnRequestFinal,
        Operators, Payment, Verdict, Verification,
    },
    Assurance, Balance, Digest, Draw, Evidence, FailureReason, Outcome, Receipt, RejectReason,
    RequestId, WorkerSignature,
};
use codec::Encode;
use frame_support::{defensive, traits::Get, BoundedVec};
use sp_io::hashing::blake2_256;

use crate::{
    Agenda, Config, Event, EvidenceOf, Finished, FinishedBounds, Inputs, Member, Members, Outputs,
    Pallet, PreviousRandomness, Queue, QueueBounds, ReceiptDigests, Receipts, Request, Requests,
};

impl<T: Config> Pallet<T> {
    /// `Pending` → `Assigned`, or → `Final(Rejected(NoOperator))`, or → `Final(TimedOut)` where
    /// nobody could answer in time any more.
    pub(crate) fn assign(id: RequestId, randomness: &([u8; 32], [u8; 32])) {
        let Some(mut request) = Requests::<T>::get(id) else { return };
        if request.status != Status::Pending {
            // Cancelled, or past its deadline, while it waited.
            return;
        }
        // Who is drawn at the end of this block answers in the next one at the earliest. Nobody
        // is drawn, and penalised later, for what waited too long.
        if Self::now() >= request.answer_deadline(T::RevealWindow::get()) {
            Self::finish_unpaid(id, request, Outcome::TimedOut);
            return;
        }
        let seed: Digest =
            blake2_256(&(b"assay/draw/1", randomness.0, randomness.1, id).encode()).into();
        let draw_record = Draw { block: Self::now(), seed };
        request.draw = Some(draw_record);

        let candidates =
            T::Operators::candidates(request.version, request.assurance.class(), request.budget());
        let weights: alloc::vec::Vec<Balance> =
            candidates.iter().map(|candidate| candidate.bond).collect();
        let size = usize::from(request.assurance.committee_size());
        let Some(drawn) = draw(&seed.0, &weights, size) else {
            Self::finish_unpaid(id, request, Outcome::Rejected(RejectReason::NoOperator));
            return;
        };
        let members: alloc::vec::Vec<_> = drawn
            .into_iter()
            .filter_map(|index| candidates.get(index).cloned())
            .map(|Candidate { account, ask, .. }| Member { account, ask })
            .collect();
        request.members = Members::truncate_from(members);
        request.status = Status::Assigned;
        for member in &request.members {
            T::Operators::assign(&member.account, id, request.version);
        }
        let members = request.accounts();
        Requests::<T>::insert(id, request);
        Self::deposit_event(Event::Assigned { request: id, members });
    }

    /// Stores a result, signed or revealed. → `Final` if nothing more is awaited.
    pub(crate) fn note_result(
        id: RequestId,
        operator: T::AccountId,
        output: BoundedVec<u8, T::MaxOutputBytes>,
        signature: WorkerSignature,
    ) {
        let (Some(request), Some(worker)) =
            (Requests::<T>::get(id), T::Operators::worker(&operator))
        else {
            defensive!("a result was authorized without its request");
            return;
        };
        let digest = assay_primitives::digest(&output);
        T::Verification::note_result(id, &operator, worker, signature, digest, output.into_inner());
        Self::deposit_event(Event::ResultSubmitted { request: id, operator });
        let awaited = request.members.iter().any(|member| {
            matches!(T::Verification::member_state(id, &member.account), MemberState::Committed(_))
        });
        if !awaited {
            Self::conclude(id, request);
        }
    }

    /// Stores a commitment. `Assigned` → `Submitted` if it was the last that was awaited.
    pub(crate) fn note_commitment(id: RequestId, operator: T::AccountId, commitment: Digest) {
        let Some(request) = Requests::<T>::get(id) else {
            defensive!("a commitment was authorized without its request");
            return;
        };
        T::Verification::note_commitment(id, &operator, commitment);
        Self::deposit_event(Event::CommitmentSubmitted { request: id, operator });
        if !Self::any_silent(id, &request) {
            Self::close_commitments(id, request);
        }
    }

    /// Stores that an operator cannot serve the request. → `Final` where that leaves too few.
    pub(crate) fn note_failure(id: RequestId, operator: T::AccountId, reason: FailureReason) {
        let Some(request) = Requests::<T>::get(id) else {
            defensive!("a failure was authorized without its request");
            return;
        };
        T::Verification::note_failure(id, &operator, reason);
        Self::deposit_event(Event::FailureReported { request: id, operator, reason });
        if Self::able(id, &request) < Self::needed(&request) {
            Self::conclude(id, request);
        } else if request.status == Status::Assigned && !Self::any_silent(id, &request) {
            Self::close_commitments(id, request);
        }
    }

    /// `Assigned` → `Submitted` where enough members have committed, else → `Final`.
    pub(crate) fn close_commitments(id: RequestId, mut request: Request<T::AccountId>) {
        let committed = request
            .members
            .iter()
            .filter(|member| {
                matches!(
                    T::Verification::member_state(id, &member.account),
                    MemberState::Committed(_)
                )
            })
            .count();
        if committed < Self::needed(&request) {
            Self::conclude(id, request);
            return;
        }
        request.status = Status::Submitted;
        Requests::<T>::insert(id, request);
        Self::deposit_event(Event::RevealsDue { request: id });
    }

    fn any_silent(id: RequestId, request: &Request<T::AccountId>) -> bool {
        request
            .members
            .iter()
            .any(|member| T::Verification::member_state(id, &member.account) == MemberState::Silent)
    }

    /// Members that did not report a failure.
    fn able(id: RequestId, request: &Request<T::AccountId>) -> usize {
        let failed = |member: &&Member<T::AccountId>| {
            matches!(T::Verification::member_state(id, &member.account), MemberState::Failed(_))
        };
        request.members.len() - request.members.iter().filter(failed).count()
    }

    /// Equal results that the class needs.
    fn needed(request: &Request<T::AccountId>) -> usize {
        match request.assurance {
            Assurance::Quorum { k, .. } => usize::from(k),
            _ => 1,
        }
    }

    /// Whether a member that has not shown a result is at fault by now.
    fn is_late(id: RequestId, request: &Request<T::AccountId>, member: &T::AccountId) -> bool {
        let now = Self::now();
        match T::Verification::member_state(id, member) {
            MemberState::Silent => {
                request.status == Status::Submitted
                    || now > request.answer_deadline(T::RevealWindow::get())
            },
            // Where the sweep lagged until the deadline, nobody was asked to reveal.
            MemberState::Committed(_) => {
                request.status == Status::Submitted && now > request.deadline
            },
            MemberState::Failed(_) | MemberState::Revealed => false,
        }
    }

    /// `Assigned` or `Submitted` → `Final`, as the evidence says. Pays who was right, refunds
    /// the rest, and penalises who was wrong or late.
    pub(crate) fn conclude(id: RequestId, request: Request<T::AccountId>) {
        let members = request.accounts();
        let Verdict { winner, agreed, wrong, silent, failure, evidence } =
            T::Verification::decide(id, request.assurance, request.tolerance, &members);
        let late: alloc::vec::Vec<_> =
            silent.into_iter().filter(|member| Self::is_late(id, &request, member)).collect();
        let outcome = match (winner, failure) {
            (Some(_), _) => Outcome::Verified,
            (None, _) if !late.is_empty() => Outcome::TimedOut,
            (None, Some(reason)) if Self::able(id, &request) < Self::needed(&request) => {
                Outcome::Rejected(RejectReason::Failed(reason))
            },
            (None, _) => Outcome::Rejected(RejectReason::NoAgreement),
        };
        let price_paid = match outcome {
            Outcome::Verified => T::Escrow::settle(
                id,
                &Payment {
                    earned: request
                        .members
                        .iter()
                        .filter(|member| agreed.contains(&member.account))
                        .map(|member| (member.account.clone(), member.ask))
                        .collect(),
                    royalty_to: request.royalty_to.clone(),
                    royalty: request.royalty,
                },
            ),
            _ => {
                T::Escrow::refund(id);
                0
            },
        };
        for (offenders, offence) in [(wrong, Offence::WrongResult), (late, Offence::NoAnswer)] {
            for offender in offenders {
                // The payer's share of each is bounded so that all of them together bring it
                // `max_price` at most.
                let harmed = Some((&request.payer, request.budget()));
                T::Operators::penalise(&offender, offence, harmed);
            }
        }
        if let Some(winner) = winner {
            let output = T::Verification::take_output(id, &winner, &members).unwrap_or_default();
            Outputs::<T>::insert(id, BoundedVec::truncate_from(output));
        } else {
            T::Verification::take_output(id, &Digest::zero(), &members);
        }
        for member in &members {
            T::Operators::unassign(member, id, request.version);
        }
        Self::close(id, request, outcome, winner, price_paid, evidence);
    }

    /// `Pending` → `Final`, with nothing paid.
    pub(crate) fn finish_unpaid(id: RequestId, request: Request<T::AccountId>, outcome: Outcome) {
        T::Escrow::refund(id);
        Self::close(id, request, outcome, None, 0, Evidence::default());
    }

    /// What every end has in common: resources are released and the receipt is written.
    fn close(
        id: RequestId,
        mut request: Request<T::AccountId>,
        outcome: Outcome,
        output_digest: Option<Digest>,
        price_paid: Balance,
        evidence: Evidence<T::AccountId>,
    ) {
        T::Models::release(request.version);
        if request.input_is_artifact {
            T::Artifacts::release(&request.input_digest);
        }
        Inputs::<T>::remove(id);
        for height in Self::agenda_heights(&request) {
            Agenda::<T>::remove(height, id);
        }
        let decided_at = Self::now();
        let receipt = Receipt {
            genesis: Self::genesis(),
            request: id,
            payer: request.payer.clone(),
            version_digest: request.version_digest,
            input_digest: request.input_digest,
            assurance: request.assurance,
            outcome,
            output_digest,
            draw: request.draw,
            price_paid,
            evidence_digest: evidence_digest(&evidence),
            decided_at,
        };
        let receipt_digest = receipt.digest();
        ReceiptDigests::<T>::insert(id, receipt_digest);
        Receipts::<T>::insert(id, receipt);
        EvidenceOf::<T>::insert(id, evidence);
        request.status = Status::Final(outcome);
        Requests::<T>::insert(id, request);
        FinishedBounds::<T>::mutate(|(_, end)| {
            Finished::<T>::insert(*end, (id, decided_at));
            *end += 1;
        });
        Self::deposit_event(Event::RequestFinished {
            request: id,
            outcome,
            receipt: receipt_digest,
        });
        T::OnRequestFinal::on_final(id, &outcome, &receipt_digest);
    }

    /// Draws the requests that were planned at the start of the block.
    pub(crate) fn draw_due() {
        let due = crate::DrawsDue::<T>::take();
        let current = T::Randomness::current();
        if let (Some(previous), Some(current)) = (PreviousRandomness::<T>::get(), current) {
            let (mut first, end) = QueueBounds::<T>::get();
            for _ in 0..due {
                if let Some(id) = Queue::<T>::take(first) {
                    Self::assign(id, &(previous, current));
                }
                first += 1;
            }
            QueueBounds::<T>::put((first, end));
        }
        match current {
            Some(current) => PreviousRandomness::<T>::put(current),
            None => PreviousRandomness::<T>::kill(),
        }
    }
}
