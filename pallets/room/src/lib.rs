//! # Room
//!
//! Room in blocks for the feeless calls of operators and for moves in disputes: its limits, its
//! clocks and its price.
//!
//! * Operators' answers may fill at most a share of what blocks have for ordinary transactions. No
//!   number of answers, paid or not, keeps signed transactions out.
//! * Operators' moves in disputes may fill what blocks reserve for operational calls, so that they
//!   keep no answers out.
//! * Two clocks count the blocks that had room left: for one more answer, and for one more move in a
//!   dispute. Time for an answer or a move is measured by these clocks, so that whoever fills blocks
//!   makes nobody late.
//! * If f authors may be faulty, f + 1 blocks that a clock counts in a row have different authors. So
//!   at least one is by an honest author, and authors that leave answers out of their blocks make
//!   nobody late either.
//! * Blocks of a migration, which have no transactions, have no room.
//! * What a block's room costs follows the fees of signed transactions. Requests pay it for their
//!   answers.
#![cfg_attr(not(feature = "std"), no_std)]

pub use pallet::*;
pub use weights::WeightInfo;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod weights;

#[frame_support::pallet]
pub mod pallet {
    use super::*;
    use assay_primitives::{traits::BlockRoom, Balance, BlockNumber};
    use frame_support::{
        dispatch::DispatchClass, migrations::MultiStepMigrator, pallet_prelude::*,
    };
    use frame_system::pallet_prelude::*;
    use sp_runtime::{traits::Convert, Perbill};

    /// Maximum number of the last authors whose further blocks do not count. It has to be less than the
    /// number of blocks with room that anybody gets.
    pub const MAX_APART: u32 = 4;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    /// A part of a block.
    #[derive(
        Clone,
        Copy,
        PartialEq,
        Eq,
        Debug,
        Default,
        Encode,
        Decode,
        DecodeWithMemTracking,
        MaxEncodedLen,
        TypeInfo,
    )]
    pub struct Part {
        /// Weight.
        pub weight: Weight,
        /// Length in bytes.
        pub bytes: u32,
    }

    impl Part {
        /// Both parts together.
        pub fn plus(self, other: Self) -> Self {
            Self {
                weight: self.weight.saturating_add(other.weight),
                bytes: self.bytes.saturating_add(other.bytes),
            }
        }

        /// Whether this part fits into `whole`.
        pub fn fits(self, whole: Self) -> bool {
            self.weight.all_lte(whole.weight) && self.bytes <= whole.bytes
        }
    }

    /// The numbers of blocks that had room left.
    #[derive(
        Clone,
        Copy,
        PartialEq,
        Eq,
        Debug,
        Default,
        Encode,
        Decode,
        DecodeWithMemTracking,
        MaxEncodedLen,
        TypeInfo,
    )]
    pub struct RoomClocks {
        /// Blocks with room for one more answer.
        pub answers: BlockNumber,
        /// Blocks with room for one more move in a dispute.
        pub moves: BlockNumber,
    }

    /// Authorities, by their indices.
    pub type Authors = BoundedVec<u32, ConstU32<MAX_APART>>;

    /// The authors of the blocks that each clock has counted last, the latest at the end.
    #[derive(
        Clone,
        PartialEq,
        Eq,
        Debug,
        Default,
        Encode,
        Decode,
        DecodeWithMemTracking,
        MaxEncodedLen,
        TypeInfo,
    )]
    pub struct LastAuthors {
        /// Of blocks with room for one more answer.
        pub answers: Authors,
        /// Of blocks with room for one more move in a dispute.
        pub moves: Authors,
    }

    /// Configuration of the pallet.
    #[pallet::config]
    pub trait Config: frame_system::Config {
        /// The share of the room for ordinary transactions that answers may fill. Neither zero nor
        /// the whole.
        #[pallet::constant]
        type AnswerShare: Get<Perbill>;
        /// Weight of each feeless call besides the call and its authorisation: that of every
        /// transaction.
        type CallOverhead: Get<Weight>;
        /// At least the largest answer, with all that. A block has room for one more if this much is
        /// left of the share, which it has to fit into.
        #[pallet::constant]
        type LargestAnswer: Get<Part>;
        /// At least the largest move in a dispute. It has to fit into what blocks reserve for
        /// operational calls.
        #[pallet::constant]
        type LargestMove: Get<Part>;
        /// The author of the current block, by its index among the authorities; `None` if it is
        /// unknown.
        type Author: Get<Option<u32>>;
        /// The number of authorities.
        type Authorities: Get<u32>;
        /// The present price of weight, in plancks.
        type WeightPrice: Convert<Weight, Balance>;
        /// The present price of bytes, in plancks.
        type LengthPrice: Convert<u32, Balance>;
        /// Weights of the hooks.
        type WeightInfo: WeightInfo;
    }

    /// What answers have filled of this block. Removed at the end of the block.
    #[pallet::storage]
    #[pallet::whitelist_storage]
    pub type Filled<T> = StorageValue<_, Part, ValueQuery>;

    /// What operators' moves in disputes have filled of this block. Removed at the end of the block.
    #[pallet::storage]
    #[pallet::whitelist_storage]
    pub type FilledByMoves<T> = StorageValue<_, Part, ValueQuery>;

    /// The numbers of earlier blocks with room left. Overwritten, never removed.
    #[pallet::storage]
    pub type Clocks<T> = StorageValue<_, RoomClocks, ValueQuery>;

    /// Who made the blocks that were counted last. Overwritten, never removed.
    #[pallet::storage]
    pub type CountedOf<T> = StorageValue<_, LastAuthors, ValueQuery>;

    /// Whether a migration runs in this block. Removed at the end of the block.
    #[pallet::storage]
    #[pallet::whitelist_storage]
    pub type Closed<T> = StorageValue<_, (), OptionQuery>;

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            // The block has no transactions, even if this is the last one of the migration.
            if T::MultiBlockMigrator::ongoing() {
                Closed::<T>::put(());
            }
            T::WeightInfo::on_finalize().saturating_add(T::DbWeight::get().reads(1))
        }

        fn on_finalize(_: BlockNumberFor<T>) {
            Self::count_room();
        }

        fn integrity_test() {
            let share = T::AnswerShare::get();
            assert!(!share.is_zero() && !share.is_one(), "AnswerShare must be a part");
            assert!(
                T::LargestAnswer::get().fits(Self::answer_limit()),
                "LargestAnswer must fit into the operators' share"
            );
            assert!(
                T::LargestMove::get().fits(Self::move_limit()),
                "LargestMove must fit into what is reserved for operational calls"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    impl<T: Config> Pallet<T> {
        /// What answers may fill of each block.
        pub fn answer_limit() -> Part {
            let share = T::AnswerShare::get();
            let limits = T::BlockWeights::get();
            let whole = limits.get(DispatchClass::Normal).max_total.unwrap_or(limits.max_block);
            Part {
                weight: Weight::from_parts(
                    share.mul_floor(whole.ref_time()),
                    share.mul_floor(whole.proof_size()),
                ),
                bytes: share.mul_floor(*T::BlockLength::get().max.get(DispatchClass::Normal)),
            }
        }

        /// What blocks have for operational calls alone.
        pub fn move_limit() -> Part {
            let lengths = T::BlockLength::get().max;
            Part {
                weight: T::BlockWeights::get()
                    .get(DispatchClass::Operational)
                    .reserved
                    .unwrap_or_default(),
                bytes: lengths
                    .get(DispatchClass::Operational)
                    .saturating_sub(*lengths.get(DispatchClass::Normal)),
            }
        }

        /// What a feeless call takes of a block.
        fn feeless(weight: Weight, bytes: u32) -> Part {
            Part { weight: weight.saturating_add(T::CallOverhead::get()), bytes }
        }

        /// The number of authorities that may be faulty: less than a third, at most [`MAX_APART`].
        pub fn apart() -> u32 {
            (T::Authorities::get().saturating_sub(1) / 3).min(MAX_APART)
        }

        /// Whether a block of this author counts after those of `last`, to which it is added: it is
        /// none of the last authors, of whom all may be faulty.
        fn takes_turn(last: &mut Authors, author: Option<u32>) -> bool {
            let apart = Self::apart() as usize;
            let Some(author) = author.filter(|_| apart > 0) else { return true };
            if last.iter().rev().take(apart).any(|one| *one == author) {
                return false;
            }
            if last.is_full() {
                last.remove(0);
            }
            let _ = last.try_push(author);
            true
        }

        /// Counts this block if it has room left, and another author than those counted before.
        pub(crate) fn count_room() {
            let (answers, operators) = (Filled::<T>::take(), FilledByMoves::<T>::take());
            if Closed::<T>::take().is_some() {
                return;
            }
            let used = frame_system::Pallet::<T>::block_weight();
            let weight = *used.get(DispatchClass::Operational);
            // The length of a block is not counted by classes.
            let ordinary = *T::BlockLength::get().max.get(DispatchClass::Normal);
            let bytes = frame_system::Pallet::<T>::block_size().saturating_sub(ordinary);
            let moves = Part { weight, bytes };
            let largest = T::LargestMove::get();
            let limit = Self::move_limit();
            let has_room_for_move =
                moves.plus(largest).fits(limit) && operators.plus(largest).fits(limit);
            let answers = answers.plus(T::LargestAnswer::get());
            // The hooks, and what operators' moves can take, come before the answers.
            let before =
                used.get(DispatchClass::Mandatory).saturating_add(weight.min(limit.weight));
            let has_room_for_answer = answers.fits(Self::answer_limit())
                && before.saturating_add(answers.weight).all_lte(T::BlockWeights::get().max_block);
            let (mut clocks, mut last) = (Clocks::<T>::get(), CountedOf::<T>::get());
            let author = T::Author::get();
            if has_room_for_answer && Self::takes_turn(&mut last.answers, author) {
                clocks.answers = clocks.answers.saturating_add(1);
            }
            if has_room_for_move && Self::takes_turn(&mut last.moves, author) {
                clocks.moves = clocks.moves.saturating_add(1);
            }
            Clocks::<T>::put(clocks);
            CountedOf::<T>::put(last);
        }

        /// Checks the invariants: at most the blocks until now are counted, and the storage version is
        /// that of the code.
        ///
        /// # Errors
        ///
        /// The invariant does not hold.
        #[cfg(any(feature = "std", feature = "try-runtime"))]
        pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
            use frame_support::traits::GetStorageVersion;
            use sp_runtime::traits::SaturatedConversion;
            frame_support::ensure!(
                Self::on_chain_storage_version() == Self::in_code_storage_version(),
                "the storage version is not that of the code"
            );
            let now: BlockNumber = frame_system::Pallet::<T>::block_number().saturated_into();
            let RoomClocks { answers, moves } = Clocks::<T>::get();
            frame_support::ensure!(
                answers <= now && moves <= now,
                "more blocks with room are counted than there are blocks"
            );
            Ok(())
        }
    }

    impl<T: Config> BlockRoom for Pallet<T> {
        fn answer_blocks() -> BlockNumber {
            Clocks::<T>::get().answers
        }

        fn move_blocks() -> BlockNumber {
            Clocks::<T>::get().moves
        }

        fn fits_answer(weight: Weight, bytes: u32) -> bool {
            Filled::<T>::get().plus(Self::feeless(weight, bytes)).fits(Self::answer_limit())
        }

        fn note_answer(weight: Weight, bytes: u32) {
            Filled::<T>::mutate(|filled| *filled = filled.plus(Self::feeless(weight, bytes)));
        }

        fn fits_move(weight: Weight, bytes: u32) -> bool {
            FilledByMoves::<T>::get().plus(Self::feeless(weight, bytes)).fits(Self::move_limit())
        }

        fn note_move(weight: Weight, bytes: u32) {
            FilledByMoves::<T>::mutate(|filled| {
                *filled = filled.plus(Self::feeless(weight, bytes));
            });
        }

        fn price(weight: Weight, bytes: u32) -> Balance {
            T::WeightPrice::convert(weight).saturating_add(T::LengthPrice::convert(bytes))
        }
    }
}
