//! Equivocations: whose the key was, and what is counted together. docs/adr/0044 has the reasons.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{dispatch::DispatchClass, traits::KeyOwnerProofSystem};
use pallet_grandpa::{TimeSlot, WeightInfo as _};
use scale_info::TypeInfo;
use sp_consensus_babe::Slot;
use sp_core::crypto::KeyTypeId;
use sp_runtime::{AccountId32, Perbill};
use sp_session::MembershipProof;
use sp_staking::{
    offence::{Kind, Offence, OffenceError, ReportOffence},
    EraIndex, SessionIndex,
};

use super::consensus::SessionKeys;
use crate::{
    constants::{MaxBackers, ReportableSessions},
    AccountId, Babe, Offences, Runtime, Session, System, Validators,
};

/// The keys with which a validator makes blocks and votes.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct ConsensusKeys {
    /// Signs blocks.
    pub babe: sp_consensus_babe::AuthorityId,
    /// Signs votes.
    pub grandpa: sp_consensus_grandpa::AuthorityId,
}

impl From<SessionKeys> for ConsensusKeys {
    fn from(keys: SessionKeys) -> Self {
        Self { babe: keys.babe, grandpa: keys.grandpa }
    }
}

impl ConsensusKeys {
    fn is(&self, kind: KeyTypeId, key: &[u8]) -> bool {
        let own: &[u8] = match kind {
            sp_consensus_babe::KEY_TYPE => self.babe.as_ref(),
            sp_consensus_grandpa::KEY_TYPE => self.grandpa.as_ref(),
            _ => return false,
        };
        own == key
    }
}

/// A validator that offends, as `historical` identifies it. Its exposure is in staking, which finds it by
/// the session.
pub type Offender = (AccountId32, ());

/// Shows whose a key was in a session, from the keys that were in use then. A proof names the session
/// and the number of its validators; the chain has the rest.
pub struct KeyOwners;

impl KeyOwners {
    /// The proof of a key that was in use in a session, if it was.
    pub fn prove_in(session: SessionIndex, kind: KeyTypeId, key: &[u8]) -> Option<MembershipProof> {
        let members = Validators::keys_of(session)?;
        members.iter().any(|(_, keys)| keys.is(kind, key)).then(|| MembershipProof {
            session,
            trie_nodes: Vec::new(),
            validator_count: members.len() as u32,
        })
    }
}

impl<Key: AsRef<[u8]>> KeyOwnerProofSystem<(KeyTypeId, Key)> for KeyOwners {
    type Proof = MembershipProof;
    type IdentificationTuple = Offender;

    /// Of the present session.
    fn prove((kind, key): (KeyTypeId, Key)) -> Option<MembershipProof> {
        Self::prove_in(Session::current_index(), kind, key.as_ref())
    }

    fn check_proof(
        (kind, key): (KeyTypeId, Key),
        proof: MembershipProof,
    ) -> Option<Self::IdentificationTuple> {
        let members = Validators::keys_of(proof.session)?;
        if members.len() as u32 != proof.validator_count || !proof.trie_nodes.is_empty() {
            return None;
        }
        let is_owner = |(_, keys): &(AccountId, ConsensusKeys)| keys.is(kind, key.as_ref());
        members.into_iter().find(is_owner).map(|(owner, _)| (owner, ()))
    }
}

/// A time of an offence that belongs to a session.
pub trait InSession {
    /// A session of the same validators with the same keys. `None` if it is too long ago.
    fn session(&self) -> Option<SessionIndex>;
}

impl InSession for Slot {
    /// BABE's own function is private. Epochs are sessions, but those without any block have none.
    fn session(&self) -> Option<SessionIndex> {
        let since =
            u64::from(*self).saturating_sub(pallet_babe::GenesisSlot::<Runtime>::get().into());
        let epoch = since / <Runtime as pallet_babe::Config>::EpochDuration::get();
        let skips = Babe::skipped_epochs();
        let skip = skips.iter().rev().find(|(after, _)| *after <= epoch);
        let (first, session) = skip.copied().unwrap_or_default();
        u32::try_from(epoch - first).ok()?.checked_add(session)
    }
}

impl InSession for TimeSlot {
    /// The last one of its set.
    fn session(&self) -> Option<SessionIndex> {
        pallet_grandpa::SetIdSession::<Runtime>::get(self.set_id)
    }
}

/// The era of a session, as staking finds it. `None` if it is too long ago.
fn era_of(session: SessionIndex) -> Option<EraIndex> {
    let eras = pallet_staking::BondedEras::<Runtime>::get();
    eras.into_iter().rev().find(|(_, first)| *first <= session).map(|(era, _)| era)
}

/// An offence that counts together with all of its kind in the same era.
struct OfEra<O> {
    offence: O,
    era: EraIndex,
}

impl<O: Offence<Offender>> Offence<Offender> for OfEra<O> {
    const ID: Kind = O::ID;
    type Slot = EraIndex;

    fn offenders(&self) -> Vec<Offender> {
        self.offence.offenders()
    }
    fn session_index(&self) -> SessionIndex {
        self.offence.session_index()
    }
    fn validator_set_count(&self) -> u32 {
        self.offence.validator_set_count()
    }
    fn slot(&self) -> EraIndex {
        self.era
    }
    fn slash_fraction(&self, offenders_count: u32) -> Perbill {
        self.offence.slash_fraction(offenders_count)
    }
}

/// Takes one report of each validator, kind of offence and era, if it is not too old: later the stake may
/// be gone, and a penalty would be due at an era that is over, in which staking applies none any more.
///
/// Who offends in an era counts with all others that do, whatever their slots and rounds. So a third that
/// works together loses all, and no smaller offence before, or in another round, changes that. And
/// nobody can fill blocks and the state with reports of rounds in which it pretends to vote twice.
///
/// Refuses other reports with an error, so that their sender pays for them.
pub struct EraOffences;

impl<O> ReportOffence<AccountId, Offender, O> for EraOffences
where
    O: Offence<Offender>,
    O::Slot: InSession,
{
    fn report_offence(reporters: Vec<AccountId>, offence: O) -> Result<(), OffenceError> {
        let session = offence.session_index();
        let age = Session::current_index().saturating_sub(session);
        if age > ReportableSessions::get() {
            return Err(OffenceError::Other(0));
        }
        let era = era_of(session).ok_or(OffenceError::Other(1))?;
        let validators = offence.validator_set_count();
        Offences::report_offence(reporters, OfEra { offence, era })?;

        // Besides, all who offended before are penalised anew. The report alone is weighed.
        let counted = pallet_offences::ConcurrentReportsIndex::<Runtime>::get(O::ID, era.encode());
        type Reports = <Runtime as pallet_grandpa::Config>::WeightInfo;
        let weight = Reports::report_equivocation(validators, MaxBackers::get());
        System::register_extra_weight_unchecked(
            weight.saturating_mul(counted.len().saturating_sub(1) as u64),
            DispatchClass::Normal,
        );
        Ok(())
    }

    fn is_known_offence(offenders: &[Offender], slot: &O::Slot) -> bool {
        slot.session().and_then(era_of).is_some_and(|era| {
            <Offences as ReportOffence<AccountId, Offender, OfEra<O>>>::is_known_offence(
                offenders, &era,
            )
        })
    }
}
