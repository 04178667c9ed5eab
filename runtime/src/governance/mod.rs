//! Governance: the origins that referenda have besides root, their tracks, the length of their
//! periods, and the calls that can be closed. docs/adr/0042 has the reasons.

pub mod calls;
pub mod origins;
pub mod scheduler;
pub mod tracks;
pub mod votes;

pub use pallet::*;

use assay_primitives::BlockNumber;
use frame_support::traits::{Get, TypedGet};

/// The pallet of the origins and of the length of an hour.
#[frame_support::pallet]
pub mod pallet {
    use assay_primitives::BlockNumber;
    use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
    use frame_support::pallet_prelude::*;
    use frame_system::pallet_prelude::BlockNumberFor;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// Configuration of the pallet.
    #[pallet::config]
    pub trait Config: frame_system::Config {
        /// Blocks of an hour on a chain whose genesis states nothing else, and the most that a
        /// genesis may state.
        #[pallet::constant]
        type DefaultHourBlocks: Get<BlockNumber>;
    }

    /// What a referendum may act as, besides root. Each has a track.
    #[pallet::origin]
    #[derive(
        Clone,
        Copy,
        PartialEq,
        Eq,
        Debug,
        Encode,
        Decode,
        DecodeWithMemTracking,
        MaxEncodedLen,
        TypeInfo,
    )]
    pub enum Origin {
        /// May dispatch, as root, a call whose hash the technical committee has whitelisted.
        WhitelistedCaller,
        /// May spend from the treasury, up to the limit of the treasurer.
        Treasurer,
        /// May spend from the treasury, up to the limit of the spender.
        Spender,
        /// May cancel referenda. Their deposits can be claimed.
        Canceller,
        /// May cancel referenda. The treasury receives their deposits.
        Killer,
    }

    /// Blocks of an hour, by which all periods of governance are measured. Less than the default only
    /// on development chains, which would otherwise need days to try an upgrade. Set by the genesis
    /// alone: a change would move what is being decided.
    #[pallet::storage]
    pub type HourBlocks<T: Config> = StorageValue<_, BlockNumber, ValueQuery, T::DefaultHourBlocks>;

    /// Genesis configuration of the pallet.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// [`HourBlocks`]; [`Config::DefaultHourBlocks`] if `None`.
        pub hour_blocks: Option<BlockNumber>,
        /// Binds the type parameter. Not configurable.
        #[serde(skip)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            if let Some(blocks) = self.hour_blocks {
                HourBlocks::<T>::put(blocks);
                Pallet::<T>::do_try_state().expect("hour_blocks is out of bounds");
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::DefaultHourBlocks::get() > 0, "an hour has blocks");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    impl<T: Config> Pallet<T> {
        /// So many hours, in blocks.
        pub fn hours(hours: BlockNumber) -> BlockNumber {
            HourBlocks::<T>::get().saturating_mul(hours)
        }

        /// Checks that an hour has at least a block and at most the default.
        ///
        /// # Errors
        ///
        /// It does not.
        pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
            let blocks = HourBlocks::<T>::get();
            frame_support::ensure!(
                (1..=T::DefaultHourBlocks::get()).contains(&blocks),
                "an hour of governance has no block, or more than the default"
            );
            Ok(())
        }
    }
}

/// So many hours of governance, in blocks.
pub struct Hours<const N: u32>;

impl<const N: u32> Get<BlockNumber> for Hours<N> {
    fn get() -> BlockNumber {
        crate::Governance::hours(N)
    }
}

impl<const N: u32> TypedGet for Hours<N> {
    type Type = BlockNumber;

    fn get() -> BlockNumber {
        crate::Governance::hours(N)
    }
}
