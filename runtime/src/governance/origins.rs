//! Checks of the origins of governance.

use assay_primitives::ASY;
use frame_support::{
    parameter_types,
    traits::{EitherOf, EnsureOrigin, EnsureOriginWithArg, MapSuccess},
};
use frame_system::{EnsureRoot, EnsureRootWithSuccess, EnsureSigned, RawOrigin};
use pallet_collective::{
    DefaultVote, EnsureProportionAtLeast, EnsureProportionMoreThan, Instance1, MemberCount,
};
use sp_runtime::traits::Replace;

use super::{Hours, Origin};
use crate::{AccountId, Balance, OriginCaller, RuntimeOrigin, TechnicalCommittee};

/// Hours for which safe mode is entered, and extended.
pub const PAUSE_HOURS: u32 = 24;

parameter_types! {
    /// What one referendum of the treasurer can spend.
    pub const TreasurerLimit: Balance = 100_000 * ASY;
    /// What one referendum of the spender can spend.
    pub const SpenderLimit: Balance = 1_000 * ASY;
    /// Root can spend all that the treasury has.
    pub const Unlimited: Balance = Balance::MAX;
}

/// The instance of `pallet-collective` that is the technical committee.
pub type Technical = Instance1;

macro_rules! ensure_origins {
    ($($(#[$doc:meta])* $name:ident: $origin:ident,)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl<O: Into<Result<Origin, O>> + From<Origin>> EnsureOrigin<O> for $name {
            type Success = ();

            fn try_origin(origin: O) -> Result<(), O> {
                let origin: Result<Origin, O> = origin.into();
                match origin? {
                    Origin::$origin => Ok(()),
                    other => Err(other.into()),
                }
            }

            #[cfg(feature = "runtime-benchmarks")]
            fn try_successful_origin() -> Result<O, ()> {
                Ok(Origin::$origin.into())
            }
        }
    )*};
}

ensure_origins! {
    /// A referendum on the track of whitelisted calls.
    EnsureWhitelistedCaller: WhitelistedCaller,
    /// A referendum on the track of the treasurer.
    EnsureTreasurer: Treasurer,
    /// A referendum on the track of the spender.
    EnsureSpender: Spender,
    /// A referendum on the track of the canceller.
    EnsureCanceller: Canceller,
    /// A referendum on the track of the killer.
    EnsureKiller: Killer,
}

/// Who may submit a referendum: everybody, and on the track of whitelisted calls the members of the technical
/// committee. So nobody else can take all slots of the track that repairs the others.
pub struct EnsureSubmitter;

impl EnsureOriginWithArg<RuntimeOrigin, OriginCaller> for EnsureSubmitter {
    type Success = AccountId;

    fn try_origin(
        origin: RuntimeOrigin,
        proposal: &OriginCaller,
    ) -> Result<AccountId, RuntimeOrigin> {
        let who = <EnsureSigned<AccountId> as EnsureOrigin<_>>::try_origin(origin)?;
        match proposal {
            OriginCaller::Governance(Origin::WhitelistedCaller)
                if !TechnicalCommittee::is_member(&who) =>
            {
                Err(RawOrigin::Signed(who).into())
            },
            _ => Ok(who),
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn try_successful_origin(_: &OriginCaller) -> Result<RuntimeOrigin, ()> {
        <EnsureSigned<AccountId> as EnsureOrigin<_>>::try_successful_origin()
    }
}

/// Whoever does not vote on a motion of the committee is against it, also if its prime member is for it.
pub struct AbstentionsAreNays;

impl DefaultVote for AbstentionsAreNays {
    fn default_vote(_: Option<bool>, _: MemberCount, _: MemberCount, _: MemberCount) -> bool {
        false
    }
}

/// Root, or more than half of the technical committee.
pub type RootOrMajority =
    EitherOf<EnsureRoot<AccountId>, EnsureProportionMoreThan<AccountId, Technical, 1, 2>>;

/// Root, or two thirds of the technical committee.
pub type RootOrTwoThirds =
    EitherOf<EnsureRoot<AccountId>, EnsureProportionAtLeast<AccountId, Technical, 2, 3>>;

/// Who may enter safe mode, and for how many blocks.
pub type PauseOrigin = MapSuccess<RootOrMajority, Replace<Hours<PAUSE_HOURS>>>;

/// Who may extend safe mode, and by how many blocks. Not the committee: a pause that it wants longer
/// has to be entered again, or voted for.
pub type ExtendOrigin = EnsureRootWithSuccess<AccountId, Hours<PAUSE_HOURS>>;

/// Who may spend from the treasury, and how much with one referendum, in plancks.
pub type SpendOrigin = EitherOf<
    EnsureRootWithSuccess<AccountId, Unlimited>,
    EitherOf<
        MapSuccess<EnsureTreasurer, Replace<TreasurerLimit>>,
        MapSuccess<EnsureSpender, Replace<SpenderLimit>>,
    >,
>;
