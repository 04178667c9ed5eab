//! The tracks of referenda. Periods are in hours, so that a development chain can have short ones.
//!
//! The end of a decision and an enactment need places in the agendas of their blocks, which the alarms
//! of other referenda could fill. [`super::scheduler`] keeps places for them. Besides, no alarm that
//! anybody can set when a referendum is approved reaches as far as its enactment: preparing takes no longer
//! than the least time to an enactment, and no referendum takes as long as the timeout of one that nobody
//! pays for. A test checks these rules.

use alloc::borrow::Cow;
use assay_primitives::{Balance, BlockNumber, ASY};
use pallet_referenda::{Curve, Track, TrackInfo, TracksInfo};
use sp_runtime::{str_array, FixedI64};

use super::Origin;
use crate::{Governance, OriginCaller};

/// Identifier of a track.
pub type TrackId = u16;

/// Upgrades, parameters, the members of the committee.
pub const ROOT: TrackId = 0;
/// Urgent calls, which the committee has whitelisted.
pub const WHITELISTED_CALLER: TrackId = 1;
/// Large payments of the treasury.
pub const TREASURER: TrackId = 10;
/// Small payments of the treasury.
pub const SPENDER: TrackId = 11;
/// Ends referenda that should not go on.
pub const CANCELLER: TrackId = 20;
/// Ends referenda that were made to do harm.
pub const KILLER: TrackId = 21;

/// A track with periods in hours.
struct Plan {
    id: TrackId,
    name: &'static str,
    /// Referenda that are decided at the same time.
    deciding: u32,
    /// Deposit for a decision, in ASY.
    deposit: u32,
    prepare: u32,
    decision: u32,
    confirm: u32,
    enactment: u32,
    /// Least share of ayes among the votes with their conviction, in percent, at the start of the
    /// decision; it falls to 50 at the end.
    approval: u32,
    /// Least share of ayes without conviction of all that may vote, in percent, at the start of the
    /// decision and at its end.
    support: [u32; 2],
}

/// A straight line from a share in percent at the start of the decision to another one at its end.
const fn line(start: u32, end: u32) -> Curve {
    const fn percent(share: u32) -> FixedI64 {
        FixedI64::from_rational(share as u128, 100)
    }
    Curve::make_linear(1, 1, percent(end), percent(start))
}

const DAY: u32 = 24;

const PLANS: [Plan; 6] = [
    Plan {
        id: ROOT,
        name: "root",
        deciding: 2,
        deposit: 10_000,
        prepare: 1,
        decision: 7 * DAY,
        confirm: DAY,
        enactment: DAY,
        approval: 100,
        support: [50, 10],
    },
    Plan {
        id: WHITELISTED_CALLER,
        name: "whitelisted_caller",
        deciding: 10,
        deposit: 1_000,
        prepare: 1,
        decision: 3 * DAY,
        confirm: 1,
        enactment: 1,
        approval: 100,
        support: [20, 2],
    },
    Plan {
        id: TREASURER,
        name: "treasurer",
        deciding: 5,
        deposit: 5_000,
        prepare: 1,
        decision: 7 * DAY,
        confirm: DAY,
        enactment: DAY / 2,
        approval: 100,
        support: [50, 5],
    },
    Plan {
        id: SPENDER,
        name: "spender",
        deciding: 10,
        deposit: 100,
        prepare: 1,
        decision: 4 * DAY,
        confirm: DAY / 2,
        enactment: 2,
        approval: 100,
        support: [20, 1],
    },
    Plan {
        id: CANCELLER,
        name: "canceller",
        deciding: 40,
        deposit: 1_000,
        prepare: 1,
        decision: 2 * DAY,
        confirm: 1,
        enactment: 1,
        approval: 100,
        support: [20, 2],
    },
    Plan {
        id: KILLER,
        name: "killer",
        deciding: 40,
        deposit: 5_000,
        prepare: 1,
        decision: 2 * DAY,
        confirm: 2,
        enactment: 1,
        approval: 100,
        support: [40, 5],
    },
];

impl Plan {
    /// The track, with hours of so many blocks.
    fn at(&self, hour: BlockNumber) -> TrackInfo<Balance, BlockNumber> {
        let blocks = |hours: u32| hours.saturating_mul(hour);
        TrackInfo {
            name: str_array(self.name),
            max_deciding: self.deciding,
            decision_deposit: Balance::from(self.deposit) * ASY,
            prepare_period: blocks(self.prepare),
            decision_period: blocks(self.decision),
            confirm_period: blocks(self.confirm),
            min_enactment_period: blocks(self.enactment),
            min_approval: line(self.approval, 50),
            min_support: line(self.support[0], self.support[1]),
        }
    }
}

/// The tracks, with the periods of this chain.
pub struct Tracks;

impl TracksInfo<Balance, BlockNumber> for Tracks {
    type Id = TrackId;
    type RuntimeOrigin = OriginCaller;

    fn tracks() -> impl Iterator<Item = Cow<'static, Track<TrackId, Balance, BlockNumber>>> {
        let hour = Governance::hours(1);
        PLANS.iter().map(move |plan| Cow::Owned(Track { id: plan.id, info: plan.at(hour) }))
    }

    fn info(id: TrackId) -> Option<Cow<'static, TrackInfo<Balance, BlockNumber>>> {
        let plan = PLANS.iter().find(|plan| plan.id == id)?;
        Some(Cow::Owned(plan.at(Governance::hours(1))))
    }

    fn track_for(origin: &OriginCaller) -> Result<TrackId, ()> {
        match origin {
            OriginCaller::system(frame_system::RawOrigin::Root) => Ok(ROOT),
            OriginCaller::Governance(origin) => Ok(match origin {
                Origin::WhitelistedCaller => WHITELISTED_CALLER,
                Origin::Treasurer => TREASURER,
                Origin::Spender => SPENDER,
                Origin::Canceller => CANCELLER,
                Origin::Killer => KILLER,
            }),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use frame_support::traits::Get;

    use super::*;
    use crate::{governance::scheduler::RESERVED, Runtime};

    #[test]
    fn nobody_can_fill_the_agenda_of_an_enactment() {
        let prepare = PLANS.iter().map(|plan| plan.prepare).max().expect("there are tracks");
        assert!(PLANS.iter().all(|plan| plan.enactment >= prepare));
        let deciding: u32 = PLANS.iter().map(|plan| plan.deciding).sum();
        assert!(deciding < RESERVED, "{deciding} ends of decisions");
        sp_io::TestExternalities::default().execute_with(|| {
            let timeout = <Runtime as pallet_referenda::Config>::UndecidingTimeout::get();
            for plan in &PLANS {
                let all = plan.prepare + plan.decision + plan.confirm + plan.enactment;
                assert!(Governance::hours(all) < timeout, "{}", plan.name);
            }
        });
    }

    #[test]
    fn votes_are_locked_at_least_until_the_enactment() {
        sp_io::TestExternalities::default().execute_with(|| {
            let locked = <Runtime as pallet_conviction_voting::Config>::VoteLockingPeriod::get();
            for plan in &PLANS {
                assert!(Governance::hours(plan.enactment) < locked);
            }
        });
    }

    #[test]
    fn curves_begin_and_end_where_they_should() {
        use sp_runtime::Perbill;
        for plan in &PLANS {
            let track = plan.at(1);
            let at = |curve: &Curve, x| curve.threshold(Perbill::from_percent(x));
            let percent = Perbill::from_percent;
            assert_eq!(at(&track.min_approval, 100), percent(50), "{}", plan.name);
            assert_eq!(at(&track.min_support, 0), percent(plan.support[0]), "{}", plan.name);
            assert_eq!(at(&track.min_support, 100), percent(plan.support[1]), "{}", plan.name);
            let middle = (plan.support[0] + plan.support[1]) as f64 / 2.0;
            let found = at(&track.min_support, 50).deconstruct() as f64 / 1e7;
            assert!((found - middle).abs() < 0.001, "{}: {found}", plan.name);
        }
    }
}
