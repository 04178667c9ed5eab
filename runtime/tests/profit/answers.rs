//! What operators have to do, and the calls in which they do it.

use assay_dispute::Party as Turn;
use assay_primitives::{
    dispute::DisputeId,
    runtime_api::Status,
    traits::{MemberState, Verification as _},
    Assurance, RequestId,
};
use assay_runtime::{constants::RevealWindow, AccountId, Disputes, Runtime, System, Verification};
use codec::Encode;
use pallet_disputes::{Dispute, OpenDisputes, Verdicts};
use pallet_inference::Call;

use super::{models::digest_of, party::Party};
use crate::common::*;

/// The open requests that an operator was drawn for, in order.
pub fn assigned(operator: &AccountId) -> Vec<RequestId> {
    let mut ids: Vec<RequestId> =
        pallet_operators::OpenAssignments::<Runtime>::iter_key_prefix(operator).collect();
    ids.sort_unstable();
    ids
}

/// What is due of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    Result,
    Commitment,
    Reveal,
    Trace,
    Proof,
}

/// What is due of a member in the next block; `None` if nothing is.
pub fn due(id: RequestId, member: &AccountId) -> Option<Due> {
    let request = record(id);
    let state = Verification::member_state(id, member);
    let is_silent = state == MemberState::Silent;
    let next = System::block_number() + 1;
    match request.assurance {
        Assurance::Quorum { .. } => {
            let in_time = next <= request.commit_deadline(RevealWindow::get());
            match state {
                MemberState::Silent if request.status == Status::Assigned && in_time => {
                    Some(Due::Commitment)
                },
                MemberState::Committed(_) if request.status == Status::Revealing || !in_time => {
                    Some(Due::Reveal)
                },
                _ => None,
            }
        },
        _ if request.status != Status::Assigned || !is_silent => None,
        Assurance::Optimistic => Some(Due::Trace),
        Assurance::Proof => Some(Due::Proof),
        Assurance::Signed | Assurance::Tee => Some(Due::Result),
    }
}

/// The salt of a member's commitment, which nobody else knows.
pub fn salt(id: RequestId, member: &Party) -> [u8; 32] {
    sp_io::hashing::blake2_256(&(b"salt", id, member.account()).encode())
}

/// The disputes in which it is this operator's turn, the most urgent first, one for each stage.
pub fn turns(operator: &AccountId) -> Vec<(DisputeId, Dispute<AccountId>)> {
    let mut open: Vec<_> = OpenDisputes::<Runtime>::iter()
        .filter(|(_, dispute)| dispute.operator == *operator)
        .filter_map(|(id, _)| Some((id, Disputes::current(id)?)))
        .filter(|(_, dispute)| {
            dispute.stage.turn() == Turn::Defender
                && !Disputes::is_computed(dispute)
                && !Verdicts::<Runtime>::contains_key(dispute.request)
        })
        .collect();
    open.sort_by_key(|(id, dispute)| (dispute.deadline, *id));
    let mut stages = std::collections::BTreeSet::new();
    open.retain(|(_, dispute)| stages.insert((dispute.request, dispute.stage.digest())));
    open
}

/// The open disputes of a challenger in which it is its turn.
pub fn choices(challenger: &AccountId) -> Vec<(DisputeId, Dispute<AccountId>)> {
    let mut open: Vec<_> = OpenDisputes::<Runtime>::iter()
        .filter(|(_, dispute)| dispute.challenger == *challenger)
        .filter_map(|(id, _)| Some((id, Disputes::current(id)?)))
        .filter(|(_, dispute)| {
            dispute.stage.turn() == Turn::Challenger
                && !Verdicts::<Runtime>::contains_key(dispute.request)
        })
        .collect();
    open.sort_by_key(|(id, _)| *id);
    open
}

/// The results that can be disputed in the next block, in order.
pub fn disputable() -> Vec<RequestId> {
    let next = System::block_number() + 1;
    let mut ids: Vec<_> = pallet_inference::Claims::<Runtime>::iter()
        .filter(|(_, claim)| next <= claim.disputable_until)
        .map(|(id, _)| id)
        .collect();
    ids.sort_unstable();
    ids
}

/// The quorums that can be appealed in the next block, in order.
pub fn appealable() -> Vec<RequestId> {
    let next = System::block_number() + 1;
    let mut ids: Vec<_> = pallet_inference::Appealable::<Runtime>::iter()
        .filter(|(_, time)| next <= time.until)
        .map(|(id, _)| id)
        .collect();
    ids.sort_unstable();
    ids
}

/// The member whose result came first among those that are this output.
pub fn first_with(id: RequestId, output: &[u8]) -> Option<AccountId> {
    let kept = pallet_inference::Results::<Runtime>::get(id)?;
    let right = digest_of(output);
    kept.evidence.into_iter().find(|item| item.output_digest == right).map(|item| item.operator)
}

/// The call that appeals with this output and this proof.
pub fn appeal(id: RequestId, output: &[u8], proof: &[u8]) -> Call<Runtime> {
    Call::appeal { request: id, output: bounded(output), proof: bounded(proof) }
}
