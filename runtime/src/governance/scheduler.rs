//! The scheduler as referenda use it. An agenda keeps places for what must not be lost.
//!
//! Anybody can have a referendum set its alarm for a block of their choice, for its submission deposit. What
//! ends a decision is scheduled for the next block. If it finds no place, its track has one slot less
//! for good, and without slots on the tracks of root nobody can act as root any more.

use assay_primitives::BlockNumber;
use codec::Decode;
use frame_support::traits::{
    schedule::{
        v3::{Anon, Named, TaskName},
        DispatchTime, Period, Priority,
    },
    Bounded,
};
use sp_runtime::{traits::BlakeTwo256, DispatchError};

use crate::{OriginCaller, Runtime, RuntimeCall, Scheduler, System};

/// Places in the agenda of a block.
pub const MAX_SCHEDULED: u32 = 512;
/// Places that alarms of referenda leave to the ends of decisions and to enactments. More than there can be
/// referenda in decision.
pub const RESERVED: u32 = 128;

type Call = Bounded<RuntimeCall, BlakeTwo256>;
type Address = <Scheduler as Anon<BlockNumber, RuntimeCall, OriginCaller>>::Address;

/// [`Scheduler`], with [`RESERVED`] places that no alarm of a referendum takes. A referendum that misses its
/// alarm has it set again by the next vote.
pub struct ReservedPlaces;

fn is_alarm(call: &Call) -> bool {
    let Bounded::Inline(bytes) = call else { return false };
    let call = RuntimeCall::decode(&mut bytes.as_slice());
    matches!(call, Ok(RuntimeCall::Referenda(pallet_referenda::Call::nudge_referendum { .. })))
}

fn has_place_for_alarms(when: DispatchTime<BlockNumber>) -> bool {
    let agenda = pallet_scheduler::Agenda::<Runtime>::get(when.evaluate(System::block_number()));
    (agenda.iter().flatten().count() as u32) < MAX_SCHEDULED - RESERVED
}

impl Anon<BlockNumber, RuntimeCall, OriginCaller> for ReservedPlaces {
    type Address = Address;
    type Hasher = BlakeTwo256;

    fn schedule(
        when: DispatchTime<BlockNumber>,
        maybe_periodic: Option<Period<BlockNumber>>,
        priority: Priority,
        origin: OriginCaller,
        call: Call,
    ) -> Result<Address, DispatchError> {
        if is_alarm(&call) && !has_place_for_alarms(when) {
            return Err(DispatchError::Exhausted);
        }
        <Scheduler as Anon<_, _, _>>::schedule(when, maybe_periodic, priority, origin, call)
    }

    fn cancel(address: Address) -> Result<(), DispatchError> {
        <Scheduler as Anon<_, RuntimeCall, OriginCaller>>::cancel(address)
    }

    fn reschedule(
        address: Address,
        when: DispatchTime<BlockNumber>,
    ) -> Result<Address, DispatchError> {
        <Scheduler as Anon<_, RuntimeCall, OriginCaller>>::reschedule(address, when)
    }

    fn next_dispatch_time(address: Address) -> Result<BlockNumber, DispatchError> {
        <Scheduler as Anon<_, RuntimeCall, OriginCaller>>::next_dispatch_time(address)
    }
}

impl Named<BlockNumber, RuntimeCall, OriginCaller> for ReservedPlaces {
    type Address = Address;
    type Hasher = BlakeTwo256;

    fn schedule_named(
        id: TaskName,
        when: DispatchTime<BlockNumber>,
        maybe_periodic: Option<Period<BlockNumber>>,
        priority: Priority,
        origin: OriginCaller,
        call: Call,
    ) -> Result<Address, DispatchError> {
        <Scheduler as Named<_, _, _>>::schedule_named(
            id,
            when,
            maybe_periodic,
            priority,
            origin,
            call,
        )
    }

    fn cancel_named(id: TaskName) -> Result<(), DispatchError> {
        <Scheduler as Named<_, RuntimeCall, OriginCaller>>::cancel_named(id)
    }

    fn reschedule_named(
        id: TaskName,
        when: DispatchTime<BlockNumber>,
    ) -> Result<Address, DispatchError> {
        <Scheduler as Named<_, RuntimeCall, OriginCaller>>::reschedule_named(id, when)
    }

    fn next_dispatch_time(id: TaskName) -> Result<BlockNumber, DispatchError> {
        <Scheduler as Named<_, RuntimeCall, OriginCaller>>::next_dispatch_time(id)
    }
}
