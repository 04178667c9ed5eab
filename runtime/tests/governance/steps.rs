//! The steps of a referendum and of a motion, in transactions.
// Each test file uses a part of this module.
#![allow(dead_code)]

use assay_primitives::{Balance, ASY};
#[allow(unused_imports)]
pub use assay_runtime::governance::{origins::Technical, tracks::Tracks, Origin};
use assay_runtime::{AccountId, Balances, OriginCaller, Runtime, RuntimeCall, RuntimeEvent};
use codec::Encode;
use frame_support::traits::{schedule::DispatchTime, Bounded, Currency, QueryPreimage};
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_referenda::{BoundedCallOf, ReferendumInfoFor, ReferendumInfoOf};
use sp_core::H256;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
    traits::{BlakeTwo256, Hash as _},
    DispatchResult,
};

use crate::common::*;

/// Submits referenda, and pays their deposits.
pub const PROPOSER: Sr25519Keyring = Sr25519Keyring::Eve;
/// Submits referenda on the track of whitelisted calls: a member of the technical committee.
pub const MEMBER: Sr25519Keyring = Sr25519Keyring::Charlie;
/// What a voter puts in: nine tenths of what it has. Twelve accounts have as much.
pub const VOTE: Balance = 9_000_000 * ASY;

pub fn root() -> OriginCaller {
    OriginCaller::system(frame_system::RawOrigin::Root)
}

pub fn hash(call: &RuntimeCall) -> H256 {
    BlakeTwo256::hash_of(call)
}

pub fn total(account: &AccountId) -> Balance {
    Balances::total_balance(account)
}

/// The name of a call, as `pallet-tx-pause` takes it.
pub fn name(pallet: &str, call: &str) -> pallet_tx_pause::RuntimeCallNameOf<Runtime> {
    (bounded(pallet.as_bytes()), bounded(call.as_bytes()))
}

/// A short call, which needs no preimage.
pub fn inline(call: &RuntimeCall) -> BoundedCallOf<Runtime, ()> {
    Bounded::Inline(bounded(&call.encode()))
}

pub fn submit_call(
    origin: impl Into<OriginCaller>,
    proposal: BoundedCallOf<Runtime, ()>,
) -> pallet_referenda::Call<Runtime> {
    pallet_referenda::Call::submit {
        proposal_origin: Box::new(origin.into()),
        proposal,
        enactment_moment: DispatchTime::After(0),
    }
}

/// Stores the call, submits a referendum over it, and pays for its decision, in three transactions.
pub fn propose(origin: impl Into<OriginCaller>, call: impl Into<RuntimeCall>) -> u32 {
    let origin = origin.into();
    let who = match origin {
        OriginCaller::Governance(Origin::WhitelistedCaller) => MEMBER,
        _ => PROPOSER,
    };
    propose_by(who, origin, call)
}

pub fn propose_by(
    who: Sr25519Keyring,
    origin: impl Into<OriginCaller>,
    call: impl Into<RuntimeCall>,
) -> u32 {
    let bytes = call.into().encode();
    let (hash, len) = (BlakeTwo256::hash(&bytes), bytes.len() as u32);
    if <assay_runtime::Preimage as QueryPreimage>::len(&hash).is_none() {
        submit(who, pallet_preimage::Call::note_preimage { bytes });
    }
    let index = pallet_referenda::ReferendumCount::<Runtime>::get();
    submit(who, submit_call(origin, Bounded::Lookup { hash, len }));
    submit(who, pallet_referenda::Call::place_decision_deposit { index });
    index
}

pub fn vote_call(
    index: u32,
    aye: bool,
    balance: Balance,
) -> pallet_conviction_voting::Call<Runtime> {
    let vote = Vote { aye, conviction: Conviction::Locked1x };
    let vote = AccountVote::Standard { vote, balance };
    pallet_conviction_voting::Call::vote { poll_index: index, vote }
}

/// Has each of these vote with so much, locked once.
pub fn vote(voters: &[Sr25519Keyring], index: u32, aye: bool, balance: Balance) {
    let votes = voters.iter().map(|voter| signed(*voter, vote_call(index, aye, balance)));
    for result in block(votes.collect()) {
        assert_eq!(result, Ok(Ok(())));
    }
}

/// What became of a referendum.
pub fn info(index: u32) -> ReferendumInfoOf<Runtime, ()> {
    ReferendumInfoFor::<Runtime>::get(index).expect("it was submitted")
}

/// Makes empty blocks until the condition holds.
pub fn go_until(condition: impl Fn() -> bool, most: u32) {
    for _ in 0..most {
        if condition() {
            return;
        }
        empty_block();
    }
    assert!(condition(), "it does not hold after {most} blocks");
}

/// The result of the enactment in the last block, if there was one.
pub fn enacted() -> Option<DispatchResult> {
    events().into_iter().find_map(|event| match event {
        RuntimeEvent::Scheduler(pallet_scheduler::Event::Dispatched {
            id: Some(_),
            result,
            ..
        }) => Some(result),
        _ => None,
    })
}

/// The result of the motion that was executed in the last block, if there was one.
pub fn executed() -> Option<DispatchResult> {
    events().into_iter().find_map(|event| match event {
        RuntimeEvent::TechnicalCommittee(pallet_collective::Event::Executed { result, .. }) => {
            Some(result)
        },
        _ => None,
    })
}

pub fn is_whitelisted(call: &RuntimeCall) -> bool {
    pallet_whitelist::WhitelistedCall::<Runtime>::contains_key(hash(call))
}

type MotionCall = pallet_collective::Call<Runtime, Technical>;

/// The call that proposes a motion.
pub fn motion_call(threshold: u32, call: &RuntimeCall) -> RuntimeCall {
    let length_bound = call.encoded_size() as u32;
    let proposal = Box::new(call.clone());
    RuntimeCall::TechnicalCommittee(MotionCall::propose { threshold, proposal, length_bound })
}

/// The call that votes for a motion.
pub fn approve_call(index: u32, call: &RuntimeCall) -> RuntimeCall {
    let proposal = hash(call);
    RuntimeCall::TechnicalCommittee(MotionCall::vote { proposal, index, approve: true })
}

/// The call that closes a motion.
pub fn close_call(index: u32, call: &RuntimeCall) -> RuntimeCall {
    let info = frame_support::dispatch::GetDispatchInfo::get_dispatch_info(call);
    RuntimeCall::TechnicalCommittee(MotionCall::close {
        proposal_hash: hash(call),
        index,
        proposal_weight_bound: info.call_weight,
        length_bound: call.encoded_size() as u32,
    })
}

/// The index of the next motion.
pub fn next_motion() -> u32 {
    pallet_collective::ProposalCount::<Runtime, Technical>::get()
}

/// A motion of the first of these members, for which the others vote, and which the first one closes.
/// One member alone acts at once.
pub fn move_by(members: &[Sr25519Keyring], call: impl Into<RuntimeCall>) {
    let (call, index) = (call.into(), next_motion());
    let [first, others @ ..] = members else { panic!("nobody moves") };
    submit(*first, motion_call(members.len() as u32, &call));
    if others.is_empty() {
        return;
    }
    for member in members {
        submit(*member, approve_call(index, &call));
    }
    submit(*first, close_call(index, &call));
}
