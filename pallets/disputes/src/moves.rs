//! Opening disputes, and the moves of both parties.

use alloc::vec::Vec;
use assay_dispute::{Answer, Choice, Claim, MoveEffect, MoveRefusal, Party, Stage, MAX_MOVES};
use assay_graph::{commit::tensor_bytes, Architecture, Plan};
use assay_pallet_support::Chain;
use assay_primitives::{
    dispute::{DisputeId, DisputeTiming},
    traits::{BlockRoom, DisputeBonds, OptimisticResults, OutputProofs, WORKER_CALL_BYTES},
    Balance, BlockNumber, Digest, RequestId,
};
use codec::Encode;
use frame_support::{ensure, traits::Get, weights::Weight};
use sp_runtime::DispatchResult;

use crate::{
    answer_weight, kib, Agenda, Config, Counts, Dispute, DisputeCause, Error, Event, NextDispute,
    Obsolete, OpenDisputes, Pallet, Timing, Verdicts, WeightInfo,
};

impl<T: Config> From<MoveRefusal> for Error<T> {
    fn from(refusal: MoveRefusal) -> Self {
        match refusal {
            MoveRefusal::NoOperation => Self::NoOperation,
            MoveRefusal::NoLeaf => Self::NoLeaf,
            MoveRefusal::NoTile => Self::NoTile,
            MoveRefusal::Opening(_) => Self::OpeningRefused,
            // All others refuse moves of the operator, which are not reported as errors.
            _ => Self::OutOfTurn,
        }
    }
}

/// The owned data of an [`assay_dispute::Claim`].
pub(crate) struct ClaimData {
    plan: Plan,
    trace_root: Digest,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl ClaimData {
    pub(crate) fn claim(&self) -> Claim<'_> {
        Claim {
            plan: &self.plan,
            trace_root: self.trace_root.0,
            input: &self.input,
            output: &self.output,
        }
    }
}

impl<T: Config> Pallet<T> {
    /// Whether the timing is within its bounds.
    pub(crate) fn is_allowed(timing: DisputeTiming) -> bool {
        let moves = timing.response.saturating_mul(MAX_MOVES);
        let longest = timing.window.saturating_add(moves);
        timing.window > 0 && timing.response > 0 && longest <= T::MaxBlocks::get()
    }

    /// The bond of the next dispute over the result of `request`, in plancks.
    pub fn next_bond(request: RequestId) -> Balance {
        let bonds = Balance::from(Counts::<T>::get(request)).saturating_add(1);
        T::Bond::get().saturating_mul(bonds)
    }

    /// The plan of the request's version. Publication has checked the architecture, so this fails
    /// only if there is none.
    fn plan(request: RequestId) -> Result<Plan, Error<T>> {
        T::Results::architecture(request)
            .and_then(|bytes| Architecture::from_bytes(&bytes).ok())
            .and_then(|architecture| Plan::new(architecture).ok())
            .ok_or(Error::<T>::NoArchitecture)
    }

    pub(crate) fn claim_data(request: RequestId) -> Result<ClaimData, Error<T>> {
        let result = T::Results::result(request).ok_or(Error::<T>::NoResult)?;
        Ok(ClaimData {
            plan: Self::plan(request)?,
            trace_root: result.trace_root,
            input: T::Results::input(request).ok_or(Error::<T>::NoResult)?,
            output: T::Results::output(request).ok_or(Error::<T>::NoResult)?,
        })
    }

    pub(crate) fn do_open(
        challenger: T::AccountId,
        request: RequestId,
        max_bond: Balance,
    ) -> DispatchResult {
        let result = T::Results::result(request).ok_or(Error::<T>::NoResult)?;
        let now = T::now();
        ensure!(now <= result.disputable_until, Error::<T>::WindowClosed);
        let id = NextDispute::<T>::get();
        let next = id.0.checked_add(1).ok_or(Error::<T>::NoIdentifierLeft)?;
        let bond = Self::next_bond(request);
        ensure!(bond <= max_bond, Error::<T>::BondTooHigh);
        let stage = match Self::reach(request, Stage::Roots) {
            MoveEffect::Next(stage) => stage,
            MoveEffect::Won(_) => return Err(Error::<T>::Decided.into()),
        };
        T::Bonds::take(&challenger, bond)?;
        NextDispute::<T>::put(DisputeId(next));
        Counts::<T>::mutate(request, |count| *count += 1);
        Obsolete::<T>::remove(request);
        let response = Timing::<T>::get().response;
        let deadline = now.saturating_add(response);
        let dispute = Dispute {
            request,
            operator: result.operator.clone(),
            challenger: challenger.clone(),
            bond,
            spent: 0,
            opened_at: now,
            deadline,
            clock: Self::clock(),
            due: deadline + 1,
            response,
            stage,
        };
        Agenda::<T>::insert(dispute.due, id, ());
        Self::list(id, &dispute);
        OpenDisputes::<T>::insert(id, dispute);
        Self::deposit_event(Event::Opened {
            dispute: id,
            request,
            operator: result.operator,
            challenger,
            bond,
            deadline,
        });
        Ok(())
    }

    /// An open dispute that is not decided, and in which a move at this height counts.
    fn running(id: DisputeId) -> Result<Dispute<T::AccountId>, Error<T>> {
        let dispute = Self::current(id).ok_or(Error::<T>::DisputeNotFound)?;
        let is_decided =
            Verdicts::<T>::contains_key(dispute.request) || Self::is_computed(&dispute);
        ensure!(!is_decided, Error::<T>::Decided);
        ensure!(!Self::is_late(&dispute, T::now()), Error::<T>::DeadlinePassed);
        Ok(dispute)
    }

    /// Advances the dispute to `stage`. Returns the deadline of the next move.
    fn advance(id: DisputeId, mut dispute: Dispute<T::AccountId>, stage: Stage) -> BlockNumber {
        let deadline = T::now().saturating_add(dispute.response);
        dispute.stage = stage;
        dispute.clock = Self::clock();
        Self::enter(id, dispute, deadline);
        deadline
    }

    /// Stores a dispute with this deadline, and enters it in the agenda.
    pub(crate) fn enter(id: DisputeId, mut dispute: Dispute<T::AccountId>, deadline: BlockNumber) {
        Agenda::<T>::remove(dispute.due, id);
        dispute.deadline = deadline;
        dispute.due = deadline.saturating_add(1);
        Agenda::<T>::insert(dispute.due, id, ());
        OpenDisputes::<T>::insert(id, dispute);
    }

    pub(crate) fn do_choose(
        challenger: T::AccountId,
        id: DisputeId,
        choice: Choice,
    ) -> DispatchResult {
        let dispute = Self::running(id)?;
        ensure!(dispute.challenger == challenger, Error::<T>::NotChallenger);
        ensure!(dispute.stage.turn() == Party::Challenger, Error::<T>::OutOfTurn);
        let plan = Self::plan(dispute.request)?;
        let shown = Self::shown(dispute.request, &dispute.stage);
        let stage = dispute
            .stage
            .clone()
            .choose(&plan, shown.as_ref(), choice)
            .map_err(Error::<T>::from)?;
        let stage = match Self::reach(dispute.request, stage) {
            MoveEffect::Next(stage) => stage,
            MoveEffect::Won(_) => return Err(Error::<T>::TileComputed.into()),
        };
        let deadline = Self::advance(id, dispute, stage);
        Self::deposit_event(Event::Chosen { dispute: id, choice, deadline });
        Ok(())
    }

    /// The weight of a move of the operator, with its authorisation, and its length in bytes.
    pub(crate) fn room_of(answer: &Answer) -> (Weight, u32) {
        let bytes = answer.encoded_size();
        let weight =
            answer_weight::<T>(answer).saturating_add(T::WeightInfo::authorize_answer(kib(bytes)));
        (weight, bytes as u32)
    }

    /// The price of the room that a move of the operator takes in a block, in plancks.
    pub fn price(answer: &Answer) -> Balance {
        let (weight, bytes) = Self::room_of(answer);
        T::Room::price(weight, bytes)
    }

    /// Makes a move of the operator that `authorize_answer` accepted.
    pub(crate) fn do_answer(id: DisputeId, answer: &Answer) {
        let (weight, bytes) = Self::room_of(answer);
        T::Room::note_move(weight, bytes.saturating_add(WORKER_CALL_BYTES));
        let Some(mut dispute) = Self::current(id) else {
            frame_support::defensive!("a move in a dispute that has ended was authorized");
            return;
        };
        let spent = dispute.spent.saturating_add(T::Room::price(weight, bytes));
        dispute.spent = spent.min(dispute.bond);
        match Self::effect(&dispute, answer) {
            Ok(Ok(effect)) => Self::follow(id, dispute, answer, effect),
            Ok(Err(_)) => Self::win(id, dispute, DisputeCause::Refused),
            Err(_) => {
                frame_support::defensive!("the disputed result does not exist");
            },
        }
    }

    /// The effect of a move of the operator.
    pub(crate) fn effect(
        dispute: &Dispute<T::AccountId>,
        answer: &Answer,
    ) -> Result<Result<MoveEffect, MoveRefusal>, Error<T>> {
        let data = Self::claim_data(dispute.request)?;
        let shown = Self::shown(dispute.request, &dispute.stage);
        Ok(dispute.stage.clone().answer(&data.claim(), shown.as_ref(), answer))
    }

    pub(crate) fn do_step(id: DisputeId, opening: &Answer) -> DispatchResult {
        let dispute = Self::running(id)?;
        ensure!(
            matches!(dispute.stage, Stage::Open { .. }) && dispute.stage.takes(opening),
            Error::<T>::OutOfTurn
        );
        let effect = Self::effect(&dispute, opening)?.map_err(Error::<T>::from)?;
        Self::follow(id, dispute, opening, effect);
        Ok(())
    }

    /// Applies the effect of an operator's move to the dispute, and notes what it shows for others.
    fn follow(id: DisputeId, dispute: Dispute<T::AccountId>, answer: &Answer, effect: MoveEffect) {
        let request = dispute.request;
        if let (Some(what), true) =
            (dispute.stage.awaits(), effect != MoveEffect::Won(Party::Challenger))
        {
            Self::note_shown(request, what, answer.shown());
        }
        match effect {
            MoveEffect::Next(stage) => {
                let deadline = Self::advance(id, dispute, stage);
                Self::deposit_event(Event::Answered { dispute: id, request, deadline });
            },
            MoveEffect::Won(Party::Challenger) => Self::win(id, dispute, DisputeCause::Computed),
            MoveEffect::Won(Party::Defender) => Self::lose(id, dispute, DisputeCause::Computed),
        }
    }

    pub(crate) fn do_prove(id: DisputeId, output: &[u8], proof: &[u8]) -> DispatchResult {
        let dispute = OpenDisputes::<T>::get(id).ok_or(Error::<T>::DisputeNotFound)?;
        ensure!(!Verdicts::<T>::contains_key(dispute.request), Error::<T>::Decided);
        let data = Self::claim_data(dispute.request)?;
        let expected = tensor_bytes(&data.plan, data.plan.output());
        ensure!(expected == Some(output.len()), Error::<T>::OutputLength);
        ensure!(T::Proofs::holds(dispute.request, None, output, proof), Error::<T>::ProofRefused);
        if data.output == output {
            Self::accept(id, dispute);
        } else {
            Self::win(id, dispute, DisputeCause::Proof);
        }
        Ok(())
    }
}
