//! What operators have shown, which counts in all disputes over a result, and the time for moves.

use assay_dispute::{MoveEffect, Shown as ShownData, Stage, What};
use assay_pallet_support::Chain;
use assay_primitives::{dispute::DisputeId, traits::BlockRoom, BlockNumber, RequestId};

use crate::{Config, Dispute, Moment, OpenDisputes, Pallet, Shown, ShownAt};

impl<T: Config> Pallet<T> {
    /// What the next move in a stage is about.
    pub fn shown(request: RequestId, stage: &Stage) -> Option<ShownData> {
        Shown::<T>::get(request, stage.reads()?)
    }

    /// Notes what an operator has shown. `data` is `None` for a tile.
    pub(crate) fn note_shown(request: RequestId, what: What, data: Option<ShownData>) {
        let moment = Moment { height: T::now(), clock: Self::clock() };
        ShownAt::<T>::insert(request, what, moment);
        if let Some(data) = data {
            Shown::<T>::insert(request, what, data);
        }
    }

    /// When the operator has shown what a stage awaits.
    fn shown_at(request: RequestId, stage: &Stage) -> Option<Moment> {
        ShownAt::<T>::get(request, stage.awaits()?)
    }

    /// The effect of a stage being reached: what it awaits may have been shown in another dispute.
    pub(crate) fn reach(request: RequestId, stage: Stage) -> MoveEffect {
        Self::shown_at(request, &stage)
            .and_then(|_| stage.after_shown())
            .unwrap_or(MoveEffect::Next(stage))
    }

    /// An open dispute as it is now. If another dispute has brought what it awaits, it is the
    /// challenger's turn, and the time for the move counts from then on.
    pub fn current(id: DisputeId) -> Option<Dispute<T::AccountId>> {
        OpenDisputes::<T>::get(id).map(Self::caught_up)
    }

    /// See [`Self::current`].
    pub(crate) fn caught_up(mut dispute: Dispute<T::AccountId>) -> Dispute<T::AccountId> {
        let shown = Self::shown_at(dispute.request, &dispute.stage);
        if let (Some(at), Some(MoveEffect::Next(stage))) = (shown, dispute.stage.after_shown()) {
            dispute.stage = stage;
            dispute.deadline = at.height.saturating_add(dispute.response);
            dispute.clock = at.clock;
        }
        dispute
    }

    /// Whether the tile of a dispute was computed in another one, and is as claimed: the challenger
    /// has lost.
    pub fn is_computed(dispute: &Dispute<T::AccountId>) -> bool {
        matches!(dispute.stage, Stage::Open { .. })
            && Self::shown_at(dispute.request, &dispute.stage).is_some()
    }

    /// The clock of a move whose time begins in this block, which does not count for it.
    pub(crate) fn clock() -> BlockNumber {
        T::Room::move_blocks().saturating_add(1)
    }

    /// Number of blocks with room for a move that the party still has, this one included, if the
    /// deadline has passed.
    pub(crate) fn missing_blocks(dispute: &Dispute<T::AccountId>) -> BlockNumber {
        dispute.clock.saturating_add(dispute.response).saturating_sub(T::Room::move_blocks())
    }

    /// Whether a move at this height is too late.
    pub(crate) fn is_late(dispute: &Dispute<T::AccountId>, height: BlockNumber) -> bool {
        height > dispute.deadline && Self::missing_blocks(dispute) == 0
    }
}
