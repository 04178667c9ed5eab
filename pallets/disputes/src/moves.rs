//! Opening disputes, and the moves of both parties.

use alloc::vec::Vec;
use assay_dispute::{Answer, Choice, Claim, MoveEffect, MoveRefusal, Party, Stage, MAX_MOVES};
use assay_graph::{commit::tensor_bytes, Architecture, Plan};
use assay_pallet_support::Chain;
use assay_primitives::{
    dispute::{DisputeId, DisputeTiming},
    traits::{DisputeBonds, OptimisticResults, OutputProofs},
    BlockNumber, Digest, RequestId,
};
use frame_support::{ensure, traits::Get};
use sp_runtime::DispatchResult;

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

    /// The open disputes over the result of `request`, or all open disputes, in the order of
    /// opening. Their number is not bounded: only for views.
    pub fn open_disputes(request: Option<RequestId>) -> Vec<DisputeId> {
        let mut ids: Vec<DisputeId> = OpenDisputes::<T>::iter()
            .filter(|(_, dispute)| request.is_none_or(|request| dispute.request == request))
            .map(|(id, _)| id)
            .collect();
        ids.sort_unstable();
        ids
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

    pub(crate) fn do_open(challenger: T::AccountId, request: RequestId) -> DispatchResult {
        let result = T::Results::result(request).ok_or(Error::<T>::NoResult)?;
        let now = T::now();
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

    /// An open dispute that is not decided and whose deadline has not passed.
    fn running(id: DisputeId) -> Result<Dispute<T::AccountId>, Error<T>> {
        let dispute = OpenDisputes::<T>::get(id).ok_or(Error::<T>::DisputeNotFound)?;
        ensure!(!Verdicts::<T>::contains_key(dispute.request), Error::<T>::Decided);
        ensure!(T::now() <= dispute.deadline, Error::<T>::DeadlinePassed);
        Ok(dispute)
    }

    /// Advances the dispute to `stage`. Returns the deadline of the next move.
    fn advance(id: DisputeId, mut dispute: Dispute<T::AccountId>, stage: Stage) -> BlockNumber {
        Agenda::<T>::remove(dispute.deadline + 1, id);
        let deadline = T::now().saturating_add(dispute.response);
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

    /// Makes a move of the operator that `authorize_answer` accepted.
    pub(crate) fn do_answer(id: DisputeId, answer: &Answer) {
        let Some(dispute) = OpenDisputes::<T>::get(id) else {
            frame_support::defensive!("a move in a dispute that has ended was authorized");
            return;
        };
        let outcome = Self::claim_data(dispute.request)
            .map(|data| dispute.stage.clone().answer(&data.claim(), answer));
        match outcome {
            Ok(Ok(outcome)) => Self::follow(id, dispute, outcome),
            Ok(Err(_)) => Self::win(id, dispute, DisputeCause::Refused),
            Err(_) => {
                frame_support::defensive!("the disputed result does not exist");
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
        ensure!(T::Proofs::holds(dispute.request, None, output, proof), Error::<T>::ProofRefused);
        if data.output == output {
            Self::accept(id, dispute);
        } else {
            Self::win(id, dispute, DisputeCause::Proof);
        }
        Ok(())
    }
}
