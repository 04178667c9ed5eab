//! Disputes are opened, and both sides move.

use alloc::vec::Vec;
use assay_dispute::{Answer, Choice, Claim, MoveEffect, MoveRefusal, Party, Stage, MAX_MOVES};
use assay_graph::{commit::tensor_bytes, Architecture, Plan};
use assay_primitives::{
    dispute::{DisputeId, DisputeTiming},
    traits::{DisputeBonds, OptimisticResults, OutputProofs},
    BlockNumber, Digest, RequestId,
};
use frame_support::{ensure, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
    traits::{SaturatedConversion, Zero},
    DispatchResult,
};

use crate::{
    Agenda, Config, Counts, Dispute, DisputeCause, Error, Event, NextDispute, OpenDisputes, Pallet,
    Timing, Verdicts,
};

impl<T: Config> From<MoveRefusal> for Error<T> {
    fn from(refusal: MoveRefusal) -> Self {
        match refusal {
            MoveRefusal::NoOperation => Self::NoOperation,
            MoveRefusal::NoLeaf => Self::NoLeaf,
            MoveRefusal::NoTile => Self::NoTile,
            MoveRefusal::Opening(_) => Self::OpeningRefused,
            // The others are refusals of the operator's moves, which have no errors.
            _ => Self::OutOfTurn,
        }
    }
}

/// What an operator claims, in owned parts.
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
    pub(crate) fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    pub(crate) fn genesis() -> Digest {
        let hash = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
        Digest::from_slice(hash.as_ref())
    }

    /// Whether disputes may take so long.
    pub(crate) fn is_allowed(timing: DisputeTiming) -> bool {
        let moves = timing.response.saturating_mul(MAX_MOVES);
        let longest = timing.window.saturating_add(moves);
        timing.window > 0 && timing.response > 0 && longest <= T::MaxBlocks::get()
    }

    /// The open disputes over the result of a request, or all, in the order of opening. For
    /// views: there is no bound.
    pub fn open_disputes(request: Option<RequestId>) -> Vec<DisputeId> {
        let mut ids: Vec<DisputeId> = OpenDisputes::<T>::iter()
            .filter(|(_, dispute)| request.is_none_or(|request| dispute.request == request))
            .map(|(id, _)| id)
            .collect();
        ids.sort_unstable();
        ids
    }

    /// An architecture that is on chain was checked when it was published.
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

    pub(crate) fn do_open(challenger: T::AccountId, request: RequestId) -> DispatchResult {
        let result = T::Results::result(request).ok_or(Error::<T>::NoResult)?;
        let now = Self::now();
        ensure!(now <= result.disputable_until, Error::<T>::WindowClosed);
        let id = NextDispute::<T>::get();
        let next = id.0.checked_add(1).ok_or(Error::<T>::NoIdentifierLeft)?;
        let bond = T::Bond::get();
        T::Bonds::take(&challenger, bond)?;
        NextDispute::<T>::put(DisputeId(next));
        Counts::<T>::mutate(request, |count| *count += 1);
        let response = Timing::<T>::get().response;
        let deadline = now.saturating_add(response);
        Agenda::<T>::insert(deadline + 1, id, ());
        OpenDisputes::<T>::insert(
            id,
            Dispute {
                request,
                operator: result.operator.clone(),
                challenger: challenger.clone(),
                bond,
                opened_at: now,
                deadline,
                response,
                stage: Stage::Roots,
            },
        );
        Self::deposit_event(Event::Opened {
            dispute: id,
            request,
            operator: result.operator,
            challenger,
            deadline,
        });
        Ok(())
    }

    /// A dispute that goes on, and whose time for a move is not over.
    fn running(id: DisputeId) -> Result<Dispute<T::AccountId>, Error<T>> {
        let dispute = OpenDisputes::<T>::get(id).ok_or(Error::<T>::DisputeNotFound)?;
        ensure!(!Verdicts::<T>::contains_key(dispute.request), Error::<T>::Decided);
        ensure!(Self::now() <= dispute.deadline, Error::<T>::DeadlinePassed);
        Ok(dispute)
    }

    /// The dispute comes to another stage. Returns the deadline of the next move.
    fn advance(id: DisputeId, mut dispute: Dispute<T::AccountId>, stage: Stage) -> BlockNumber {
        Agenda::<T>::remove(dispute.deadline + 1, id);
        let deadline = Self::now().saturating_add(dispute.response);
        Agenda::<T>::insert(deadline + 1, id, ());
        dispute.deadline = deadline;
        dispute.stage = stage;
        OpenDisputes::<T>::insert(id, dispute);
        deadline
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
        let stage = dispute.stage.clone().choose(&plan, choice).map_err(Error::<T>::from)?;
        let deadline = Self::advance(id, dispute, stage);
        Self::deposit_event(Event::Chosen { dispute: id, choice, deadline });
        Ok(())
    }

    /// A move of the operator that was authorized.
    pub(crate) fn do_answer(id: DisputeId, answer: &Answer) {
        let Some(dispute) = OpenDisputes::<T>::get(id) else {
            frame_support::defensive!("an answer in a dispute that is over was authorized");
            return;
        };
        let outcome = Self::claim_data(dispute.request)
            .map(|data| dispute.stage.clone().answer(&data.claim(), answer));
        match outcome {
            Ok(Ok(outcome)) => Self::follow(id, dispute, outcome),
            Ok(Err(_)) => Self::win(id, dispute, DisputeCause::Refused),
            Err(_) => {
                frame_support::defensive!("a result is disputed that is not there");
            },
        }
    }

    pub(crate) fn do_step(id: DisputeId, opening: &Answer) -> DispatchResult {
        let dispute = Self::running(id)?;
        ensure!(
            matches!(dispute.stage, Stage::Open { .. }) && dispute.stage.takes(opening),
            Error::<T>::OutOfTurn
        );
        let data = Self::claim_data(dispute.request)?;
        let outcome =
            dispute.stage.clone().answer(&data.claim(), opening).map_err(Error::<T>::from)?;
        Self::follow(id, dispute, outcome);
        Ok(())
    }

    fn follow(id: DisputeId, dispute: Dispute<T::AccountId>, outcome: MoveEffect) {
        match outcome {
            MoveEffect::Next(stage) => {
                let deadline = Self::advance(id, dispute, stage);
                Self::deposit_event(Event::Answered { dispute: id, deadline });
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
        ensure!(T::Proofs::holds(dispute.request, output, proof), Error::<T>::ProofRefused);
        if data.output == output {
            Self::accept(id, dispute);
        } else {
            Self::win(id, dispute, DisputeCause::Proof);
        }
        Ok(())
    }
}
