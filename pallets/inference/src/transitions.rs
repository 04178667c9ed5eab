//! The transitions between the statuses of a request, one function each. No other code changes a
//! status.
//!
//! No transition can fail. The preconditions are checked before: by `authorize_*` for workers'
//! calls, by the call for the payer's, and by the stored status for the hooks.

use alloc::vec::Vec;
use assay_math::draw;
use assay_pallet_support::Chain;
use assay_primitives::{
    operator::{Conduct, Offence},
    receipt::evidence_digest,
    runtime_api::Status,
    traits::{
        Artifacts, BlockRoom, Candidate, Charge, DrawTerms, Escrow, Escrowed, EvidenceFindings,
        MemberState, Models, OnRequestFinal, Operators, Payment, ProofFailure, ProvenResult, Shown,
        Verification,
    },
    Assurance, Balance, BlockNumber, Digest, Draw, Evidence, FailureReason, Outcome, Receipt,
    RejectReason, RequestId, SignedEvidence, WorkerSignature,
};
use frame_support::{defensive, traits::Get, weights::Weight, BoundedVec};
use sp_runtime::Perbill;

use crate::{
    listed::ListEnd, room::Conclusion, Agenda, Claims, Config, EncodedProof, Event,
    FinishedRequest, Inputs, Member, Members, Pallet, Request, Requests, TraceClaim,
    TraceSignatures, Waiting, WaitingKey, WeightInfo,
};

/// The members of a quorum are drawn only among operators that have at least this share of the bonds
/// of all that are eligible. Otherwise whoever keeps the others busy chooses the committee.
const QUORUM_OF_BONDS: Perbill = Perbill::from_parts(666_666_667);

/// The result of processing a request of the queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// Operators were drawn.
    Assigned,
    /// The request ended, because too few operators can serve it.
    Ended,
    /// Enough operators can serve the request, but too few have capacity now.
    Waits,
    /// The request had ended before: cancelled, or past its deadline.
    Over,
}

/// The candidates for requests with these terms, as the draws of this block have left them.
pub(crate) struct Pool<AccountId> {
    pub terms: DrawTerms,
    candidates: Vec<Candidate<AccountId>>,
}

impl<T: Config> Pallet<T> {
    /// Draws the committee among the candidates in `pool`, which it sets for its terms. `Pending` →
    /// `Assigned`; → `Final(Rejected(NoOperator))` if too few operators serve the request; →
    /// `Final(TimedOut)` if too few of them have enough time; unchanged if too few of them have
    /// capacity.
    pub(crate) fn assign(
        id: RequestId,
        mut request: Request<T::AccountId>,
        made: Draw,
        pool: &mut Option<Pool<T::AccountId>>,
    ) -> Turn {
        if request.status != Status::Pending {
            return Turn::Over;
        }
        request.draw = Some(made);

        let size = request.size();
        let terms = Self::draw_terms(&request, request.budget());
        let known = pool.take().filter(|pool| pool.terms == terms);
        let pool = pool.insert(known.unwrap_or_else(|| Pool {
            terms,
            candidates: T::Operators::candidates(terms).collect(),
        }));
        let mut candidates: Vec<_> = pool.candidates.iter_mut().collect();
        if candidates.len() < size {
            Self::finish_unpaid(id, request, Outcome::Rejected(RejectReason::NoOperator));
            return Turn::Ended;
        }
        // An operator without enough time would be penalised for being late.
        let left = request.blocks_to_answer(T::now(), T::RevealWindow::get());
        candidates.retain(|candidate| candidate.response_blocks <= left);
        if candidates.len() < size {
            Self::finish_unpaid(id, request, Outcome::TimedOut);
            return Turn::Ended;
        }
        let eligible = Self::bond_of(&candidates);
        let running = candidates.iter().any(|candidate| candidate.is_running);
        candidates.retain(|candidate| candidate.has_room());
        let weights: Vec<Balance> = candidates.iter().map(|candidate| candidate.bond).collect();
        // Whoever fills the others' capacity or bonds would choose the committee.
        let represented = !matches!(request.assurance, Assurance::Quorum { .. })
            || Self::bond_of(&candidates) >= assay_math::share_of(eligible, QUORUM_OF_BONDS);
        let drawn = represented.then(|| draw(&made.seed.0, &weights, size)).flatten();
        let Some(drawn) = drawn else {
            if running {
                return Turn::Waits;
            }
            // No run ends that could call the request: bonds are at stake elsewhere.
            Self::finish_unpaid(id, request, Outcome::Rejected(RejectReason::NoOperator));
            return Turn::Ended;
        };
        let mut response = 0;
        let members: Vec<_> = drawn
            .into_iter()
            .filter_map(|index| {
                let candidate = candidates.get_mut(index)?;
                candidate.draw();
                response = candidate.response_blocks.max(response);
                Some(Member { account: candidate.account.clone(), ask: candidate.ask })
            })
            .collect();
        request.members = Members::truncate_from(members);
        request.status = Status::Assigned;
        // Room that comes before a result is ready is of no use.
        request.late_from = Self::late_from(response.saturating_add(T::RoomyBlocks::get()));
        for member in &request.members {
            T::Operators::assign(&member.account, id, request.version, request.stake);
        }
        let members = request.accounts();
        Requests::<T>::insert(id, request);
        Self::deposit_event(Event::Assigned { request: id, members });
        Turn::Assigned
    }

    /// The sum of the bonds of candidates.
    fn bond_of(candidates: &[&mut Candidate<T::AccountId>]) -> Balance {
        candidates.iter().fold(0, |sum: Balance, candidate| sum.saturating_add(candidate.bond))
    }

    /// Stores a result of class `Signed` or `Quorum`. → `Final` if no more results are expected.
    /// Returns the weight of what this leads to besides: the end of a quorum, or the call of a waiting
    /// request.
    pub(crate) fn note_result(
        id: RequestId,
        operator: T::AccountId,
        output: BoundedVec<u8, T::MaxOutputBytes>,
        signature: WorkerSignature,
    ) -> Weight {
        let (Some(mut request), Some(worker)) =
            (Requests::<T>::get(id), T::Operators::worker(&operator))
        else {
            defensive!("a result was authorised without its request");
            return Weight::zero();
        };
        if matches!(request.assurance, Assurance::Quorum { .. })
            && request.status == Status::Assigned
        {
            // The first reveal after the commit deadline may come before the sweep.
            Self::open_reveals(id, &mut request);
        }
        let output_digest = assay_primitives::digest(&output);
        Self::deposit_event(Event::ResultSubmitted { request: id, operator: operator.clone() });
        if request.assurance == Assurance::Signed {
            let (list, proof) = (None, None);
            let evidence =
                SignedEvidence { operator, worker, output_digest, signature, list, proof };
            // It decides at once, so nothing of it has to be kept until others come.
            let findings = T::Verification::judge(request.assurance, evidence, &output);
            let called =
                Self::conclude_with(id, request, findings, None, || Some(output.into_inner())).1;
            return T::WeightInfo::call_waiting().saturating_mul(called.into());
        }
        let output = output.into_inner();
        T::Verification::note_result(id, &operator, worker, signature, output_digest, output);
        let awaited = request.members.iter().any(|member| {
            matches!(T::Verification::member_state(id, &member.account), MemberState::Committed(_))
        });
        if awaited {
            return Weight::zero();
        }
        Self::conclude(id, request)
    }

    /// Verifies a proof and stores the result with it. `Assigned` → `Final`.
    pub(crate) fn note_proof(
        id: RequestId,
        operator: T::AccountId,
        output: BoundedVec<u8, T::MaxOutputBytes>,
        proof: EncodedProof,
        signature: WorkerSignature,
    ) {
        let (Some(request), Some(worker), Some(input)) =
            (Requests::<T>::get(id), T::Operators::worker(&operator), Inputs::<T>::get(id))
        else {
            defensive!("a proof was authorised without its request");
            return;
        };
        let verdict = T::Verification::note_proof(ProvenResult {
            request: id,
            version: request.version,
            payer: &request.payer,
            operator: &operator,
            worker,
            signature,
            input: &input,
            output: output.into_inner(),
            proof: &proof,
        });
        if verdict == Err(ProofFailure::NoVerifier) {
            Self::note_failure(id, operator, FailureReason::InvalidModel);
            return;
        }
        Self::deposit_event(Event::ResultSubmitted { request: id, operator: operator.clone() });
        if let Err(ProofFailure::Invalid(reason)) = verdict {
            Self::deposit_event(Event::ProofRefused { request: id, operator, reason });
        }
        Self::conclude(id, request);
    }

    /// Stores an optimistic result. `Assigned` → `Disputable`. The run has ended, so the operator's
    /// capacity is free again.
    pub(crate) fn note_trace(
        id: RequestId,
        operator: T::AccountId,
        output: BoundedVec<u8, T::MaxOutputBytes>,
        trace_root: Digest,
        signatures: TraceSignatures,
    ) {
        let (Some(mut request), Some(worker)) =
            (Requests::<T>::get(id), T::Operators::worker(&operator))
        else {
            defensive!("a result was authorised without its request");
            return;
        };
        let (digest, signature) = (assay_primitives::digest(&output), signatures.result);
        T::Verification::note_result(id, &operator, worker, signature, digest, output.into_inner());
        Self::free_members(id, &request, |_| true, |_| 0);
        for height in Self::agenda_heights(id, &request) {
            Agenda::<T>::remove(height, id);
        }
        let disputable_until = T::now().saturating_add(T::DisputeWindow::get());
        // This block does not count for the window, though its room is counted later.
        let final_from =
            T::Room::move_blocks().saturating_add(T::DisputeWindow::get()).saturating_add(1);
        Claims::<T>::insert(
            id,
            TraceClaim { output_digest: digest, trace_root, disputable_until, final_from },
        );
        request.status = Status::Disputable;
        for height in Self::agenda_heights(id, &request) {
            Agenda::<T>::insert(height, id, ());
        }
        Requests::<T>::insert(id, request);
        Self::deposit_event(Event::ResultSubmitted { request: id, operator: operator.clone() });
        Self::deposit_event(Event::TraceSubmitted {
            request: id,
            operator,
            trace_root,
            disputable_until,
        });
    }

    /// Ends a request whose operator lost a dispute. `Disputable` → `Final(Rejected(Disputed))`.
    pub(crate) fn reject_result(
        id: RequestId,
        mut request: Request<T::AccountId>,
        challenger: &T::AccountId,
    ) {
        let members = request.accounts();
        let findings = T::Verification::decide(id, request.assurance, request.tolerance, &members);
        let held = request.escrow();
        request.fee = Self::fee(&request, &findings, None);
        T::Escrow::refund(Self::escrowed(id, &request, held), request.fee);
        for member in &members {
            let harmed = Some((&request.payer, request.budget()));
            T::Operators::penalise(member, Offence::WrongResult, harmed);
            let reward = Some((challenger, Balance::MAX));
            T::Operators::penalise(member, Offence::LostDispute, reward);
        }
        Self::release_stakes(&request);
        T::Verification::take_output(id, &Digest::zero(), &members);
        T::Models::release(request.version, 1);
        let outcome = Outcome::Rejected(RejectReason::Disputed);
        Self::close(id, request, outcome, None, 0, findings.evidence, false);
    }

    /// The escrow of a request, of which `held` is held.
    fn escrowed(
        id: RequestId,
        request: &Request<T::AccountId>,
        held: Balance,
    ) -> Escrowed<'_, T::AccountId> {
        Escrowed { request: id, payer: &request.payer, amount: held }
    }

    /// What a verified request costs, of which `held` is held.
    fn charge(
        id: RequestId,
        request: &Request<T::AccountId>,
        held: Balance,
        agreed: &[T::AccountId],
    ) -> Charge<T::AccountId> {
        let members = request.members.iter().filter(|member| agreed.contains(&member.account));
        Charge {
            request: id,
            payer: request.payer.clone(),
            amount: held,
            payment: Payment {
                earned: members.map(|member| (member.account.clone(), member.ask)).collect(),
                royalty_to: request.royalty_to.clone(),
                royalty: request.royalty,
                fee: request.fee,
            },
        }
    }

    /// Unlocks the stakes of members whose assignments have ended before.
    fn release_stakes(request: &Request<T::AccountId>) {
        for member in &request.members {
            T::Operators::release(&member.account, request.stake);
        }
    }

    /// The offence of a member without a result. A member that has committed knows its result, and
    /// may have seen that it is wrong: if a wrong result can be shown, silence costs as much.
    fn offence_of_silence(
        id: RequestId,
        request: &Request<T::AccountId>,
        member: &T::AccountId,
    ) -> Offence {
        match T::Verification::member_state(id, member) {
            MemberState::Committed(_) if request.appealable => Offence::WrongResult,
            _ => Offence::NoAnswer,
        }
    }

    /// Ends the members' assignments, unlocks their stakes as far as `unlocked` says, and calls as
    /// many waiting requests. Returns their number.
    fn free_members(
        id: RequestId,
        request: &Request<T::AccountId>,
        served: impl Fn(&T::AccountId) -> bool,
        unlocked: impl Fn(&T::AccountId) -> Balance,
    ) -> u32 {
        for Member { account, .. } in &request.members {
            let (served, stake) = (served(account), unlocked(account));
            T::Operators::unassign(account, request.version, &[id], served, stake);
        }
        Self::call_waiting(request.version, request.members.len() as u32)
    }

    /// Stores a commitment. `Assigned` → `Revealing` with the last one.
    pub(crate) fn note_commitment(id: RequestId, operator: T::AccountId, commitment: Digest) {
        let Some(request) = Requests::<T>::get(id) else {
            defensive!("a commitment was authorised without its request");
            return;
        };
        T::Verification::note_commitment(id, &operator, commitment);
        Self::deposit_event(Event::CommitmentSubmitted { request: id, operator });
        if !Self::any_silent(id, &request) {
            Self::close_commitments(id, request);
        }
    }

    /// Stores a failure report. → `Final` if too few operators are left, → `Revealing` if all
    /// others have committed. Returns the size of the committee.
    pub(crate) fn note_failure(
        id: RequestId,
        operator: T::AccountId,
        reason: FailureReason,
    ) -> u32 {
        let Some(request) = Requests::<T>::get(id) else {
            defensive!("a failure was authorised without its request");
            return 0;
        };
        let members = request.members.len() as u32;
        T::Verification::note_failure(id, &operator, reason);
        // The chain cannot check an input that is an artifact, so it may be the payer's fault.
        if reason != FailureReason::InvalidInput {
            T::Operators::note(&operator, request.version, Conduct::Failed);
        }
        Self::deposit_event(Event::FailureReported { request: id, operator, reason });
        if Self::able(id, &request) < Self::needed(&request) {
            Self::conclude(id, request);
        } else if request.status == Status::Assigned && !Self::any_silent(id, &request) {
            Self::close_commitments(id, request);
        }
        members
    }

    /// `Assigned` → `Revealing` if enough members have committed, otherwise → `Final`.
    pub(crate) fn close_commitments(id: RequestId, mut request: Request<T::AccountId>) {
        if Self::can_reveal(id, &request) {
            Self::open_reveals(id, &mut request);
        } else {
            Self::conclude(id, request);
        }
    }

    /// Whether enough members have committed.
    pub(crate) fn can_reveal(id: RequestId, request: &Request<T::AccountId>) -> bool {
        Self::committed(id, request) >= Self::needed(request)
    }

    /// The end of a request with what its members have submitted until now.
    pub(crate) fn conclusion(id: RequestId, request: &Request<T::AccountId>) -> Conclusion {
        let members = request.accounts();
        let Shown { results, outputs, longest } = T::Verification::shown(id, &members);
        let members = members.len() as u32;
        Conclusion { members, late: members.saturating_sub(results), outputs, bytes: longest }
    }

    /// `Assigned` → `Revealing`. Who has committed has its result, so no more time is left than for
    /// reveals: a member that takes longer keeps the others' stakes locked.
    pub(crate) fn open_reveals(id: RequestId, request: &mut Request<T::AccountId>) {
        for height in Self::agenda_heights(id, request) {
            Agenda::<T>::remove(height, id);
        }
        request.deadline = T::now().saturating_add(T::RevealWindow::get()).min(request.deadline);
        request.status = Status::Revealing;
        Agenda::<T>::insert(request.deadline.saturating_add(1), id, ());
        request.late_from = Self::late_from(T::RoomyBlocks::get());
        Requests::<T>::insert(id, &*request);
        Self::deposit_event(Event::RevealsDue { request: id });
    }

    /// Whether reveals count in block `at`: all members have committed, or enough have and the
    /// commit deadline has passed. The latter does not depend on the sweep, which may lag.
    pub(crate) fn reveals_due(
        id: RequestId,
        request: &Request<T::AccountId>,
        at: BlockNumber,
    ) -> bool {
        match (request.status, request.assurance) {
            (Status::Revealing, _) => true,
            (Status::Assigned, Assurance::Quorum { .. }) => {
                at > request.commit_deadline(T::RevealWindow::get())
                    && Self::blocks_missing(request) == 0
                    && Self::committed(id, request) >= Self::needed(request)
            },
            _ => false,
        }
    }

    /// Number of members that have committed and not revealed.
    fn committed(id: RequestId, request: &Request<T::AccountId>) -> usize {
        let committed = |member: &&Member<T::AccountId>| {
            matches!(T::Verification::member_state(id, &member.account), MemberState::Committed(_))
        };
        request.members.iter().filter(committed).count()
    }

    fn any_silent(id: RequestId, request: &Request<T::AccountId>) -> bool {
        request
            .members
            .iter()
            .any(|member| T::Verification::member_state(id, &member.account) == MemberState::Silent)
    }

    /// Number of members that have not reported a failure.
    fn able(id: RequestId, request: &Request<T::AccountId>) -> usize {
        let failed = |member: &&Member<T::AccountId>| {
            matches!(T::Verification::member_state(id, &member.account), MemberState::Failed(_))
        };
        request.members.len() - request.members.iter().filter(failed).count()
    }

    /// Number of equal results that the class needs.
    fn needed(request: &Request<T::AccountId>) -> usize {
        match request.assurance {
            Assurance::Quorum { k, .. } => usize::from(k),
            _ => 1,
        }
    }

    /// Whether a member without a result is late.
    fn is_late(
        id: RequestId,
        request: &Request<T::AccountId>,
        member: &T::AccountId,
        reveals_due: bool,
    ) -> bool {
        let now = T::now();
        let had_room = Self::blocks_missing(request) == 0;
        match T::Verification::member_state(id, member) {
            MemberState::Silent => {
                request.status == Status::Revealing
                    || (had_room && now > request.answer_deadline(T::RevealWindow::get()))
            },
            // If too few have committed, reveals do not count, so nobody is late with one.
            MemberState::Committed(_) => reveals_due && had_room && now > request.deadline,
            MemberState::Failed(_) | MemberState::Revealed => false,
        }
    }

    /// Ends a request according to its stored evidence.
    pub(crate) fn conclude(id: RequestId, request: Request<T::AccountId>) -> Weight {
        let members = request.accounts();
        let findings = T::Verification::decide(id, request.assurance, request.tolerance, &members);
        let winner = findings.winner.unwrap_or_default();
        let output = || T::Verification::take_output(id, &winner, &members);
        Self::conclude_with(id, request, findings, None, output).0
    }

    /// Ends a request according to the findings from its evidence. `Assigned`, `Revealing` or
    /// `Disputable` → `Final`. Pays the agreeing members, refunds the rest, and penalises wrong and
    /// late members. `output` returns the output that won, and removes what is stored for the
    /// members. Returns the weight that this takes for a quorum, and the number of waiting requests
    /// that it calls.
    ///
    /// `list`: what its result was listed with. The caller then settles all of the list, and frees
    /// operator and version, at once.
    pub(crate) fn conclude_with(
        id: RequestId,
        mut request: Request<T::AccountId>,
        findings: EvidenceFindings<T::AccountId>,
        mut list: Option<&mut ListEnd<T::AccountId>>,
        output: impl FnOnce() -> Option<Vec<u8>>,
    ) -> (Weight, u32) {
        let held = request.escrow();
        request.fee = Self::fee(&request, &findings, list.as_ref().map(|list| list.listed));
        let bytes = findings.output_bytes / (findings.evidence.len() as u32).max(1);
        let outputs = findings.outputs;
        let EvidenceFindings { winner, agreed, wrong, silent, failure, evidence, .. } = findings;
        let reveals_due = Self::reveals_due(id, &request, T::now());
        let late: Vec<_> = silent
            .into_iter()
            .filter(|member| Self::is_late(id, &request, member, reveals_due))
            .map(|member| (Self::offence_of_silence(id, &request, &member), member))
            .collect();
        let weight = Self::conclusion_weight(Conclusion {
            members: request.members.len() as u32,
            late: late.len() as u32,
            outputs,
            bytes,
        });
        // Agreement alone does not show who is wrong.
        let differ = |item: &SignedEvidence<_>| item.output_digest != evidence[0].output_digest;
        let appealable = request.appealable && evidence.iter().any(differ);
        let outcome = match (winner, failure) {
            (Some(_), _) => Outcome::Verified,
            // Without a winner, only the result of an invalid proof is wrong.
            (None, _) if !wrong.is_empty() => Outcome::Rejected(RejectReason::InvalidProof),
            (None, _) if !late.is_empty() => Outcome::TimedOut,
            (None, Some(reason)) if Self::able(id, &request) < Self::needed(&request) => {
                Outcome::Rejected(RejectReason::Failed(reason))
            },
            (None, _) => Outcome::Rejected(RejectReason::NoAgreement),
        };
        let price_paid = match outcome {
            Outcome::Verified => {
                let charge = Self::charge(id, &request, held, &agreed);
                let price = charge.price();
                match &mut list {
                    Some(list) => list.charges.push(charge),
                    None => T::Escrow::settle(&[charge]),
                }
                price
            },
            _ => {
                T::Escrow::refund(Self::escrowed(id, &request, held), request.fee);
                0
            },
        };
        // With a bound of the budget for each offender, the compensations add up to at most
        // `max_price`.
        let harmed = Some((&request.payer, request.budget()));
        for (offence, member) in late {
            // A payer that keeps members from revealing must not earn by it.
            let harmed = harmed.filter(|_| offence == Offence::NoAnswer);
            T::Operators::penalise(&member, offence, harmed);
        }
        for member in wrong {
            match request.assurance {
                Assurance::Quorum { .. } if appealable => {},
                Assurance::Quorum { .. } => {
                    T::Operators::note(&member, request.version, Conduct::Outvoted);
                },
                _ => {
                    T::Operators::penalise(&member, Offence::WrongResult, harmed);
                },
            }
        }
        let output = output();
        let output = winner.is_some().then(|| output.unwrap_or_default());
        let kept = |member: &T::AccountId| {
            appealable && evidence.iter().any(|item| item.operator == *member)
        };
        let mut called = 0;
        if list.is_none() {
            // The operator of an optimistic result was freed when it submitted the result.
            if request.status == Status::Disputable {
                Self::release_stakes(&request);
            } else {
                let stake = |member: &_| if kept(member) { 0 } else { request.stake };
                let served = |member: &_| agreed.contains(member);
                called = Self::free_members(id, &request, served, stake);
            }
            if !appealable {
                T::Models::release(request.version, 1);
            }
        }
        Self::close(id, request, outcome, winner.zip(output), price_paid, evidence, appealable);
        if appealable {
            Self::allow_appeals(id);
        }
        (weight, called)
    }

    /// Ends a request without payment. `Pending` → `Final`.
    pub(crate) fn finish_unpaid(
        id: RequestId,
        mut request: Request<T::AccountId>,
        outcome: Outcome,
    ) {
        let held = request.escrow();
        request.fee = Self::undrawn_fee(&request);
        Waiting::<T>::remove(request.version, WaitingKey::new(request.waits_since, id));
        T::Escrow::refund(Self::escrowed(id, &request, held), request.fee);
        T::Models::release(request.version, 1);
        Self::close(id, request, outcome, None, 0, Evidence::default(), false);
    }

    /// The last step of every end: removes what only an open request needs, and writes the receipt.
    /// An appeal needs the input.
    fn close(
        id: RequestId,
        mut request: Request<T::AccountId>,
        outcome: Outcome,
        output: Option<(Digest, Vec<u8>)>,
        price_paid: Balance,
        evidence: Evidence<T::AccountId>,
        appealable: bool,
    ) {
        if !appealable && !request.input_is_artifact {
            Inputs::<T>::remove(id);
        }
        if request.input_is_artifact {
            T::Artifacts::release(&request.input_digest);
        }
        for height in Self::agenda_heights(id, &request) {
            Agenda::<T>::remove(height, id);
        }
        if request.status == Status::Disputable {
            Claims::<T>::remove(id);
        }
        let receipt = Receipt {
            genesis: T::genesis(),
            request: id,
            payer: request.payer.clone(),
            version_digest: request.version_digest,
            input_digest: request.input_digest,
            assurance: request.assurance,
            outcome,
            output_digest: output.as_ref().map(|(digest, _)| *digest),
            draw: request.draw,
            price_paid,
            bond_at_stake: request.stake.saturating_mul(request.members.len() as Balance),
            evidence_digest: evidence_digest(&evidence),
            decided_at: T::now(),
        };
        let digest = receipt.digest();
        request.status = Status::Final(outcome);
        Requests::<T>::insert(id, request);
        let output = output.map(|(_, output)| BoundedVec::truncate_from(output));
        Self::keep(id, digest, FinishedRequest { receipt: receipt.clone(), evidence, output });
        Self::deposit_event(Event::RequestFinished { request: id, outcome, receipt });
        T::OnRequestFinal::on_final(id, &outcome, &digest);
    }

    /// Last height at which the next answer counts.
    pub(crate) fn due(request: &Request<T::AccountId>) -> BlockNumber {
        match request.status {
            Status::Revealing => request.deadline,
            _ => request.answer_deadline(T::RevealWindow::get()),
        }
    }

    /// Gives the members more time, because too few blocks had room for their answers.
    pub(crate) fn prolong(id: RequestId, mut request: Request<T::AccountId>, missing: BlockNumber) {
        for height in Self::agenda_heights(id, &request) {
            Agenda::<T>::remove(height, id);
        }
        // This block is the first of the missing ones.
        let due = T::now().saturating_add(missing).saturating_sub(1);
        let more = due.saturating_sub(Self::due(&request));
        request.deadline = request.deadline.saturating_add(more);
        for height in Self::agenda_heights(id, &request) {
            if height > T::now() {
                Agenda::<T>::insert(height, id, ());
            }
        }
        Requests::<T>::insert(id, request);
    }
}
