//! A runtime of this pallet.

use assay_primitives::{Balance, BlockNumber};
use frame_support::{derive_impl, parameter_types, weights::Weight};
use sp_runtime::{traits::Convert, BuildStorage, Perbill};

use crate::Part;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeTask,
        RuntimeHoldReason,
        RuntimeFreezeReason
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Room = crate;
}

type Block = frame_system::mocking::MockBlockU32<Test>;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
}

parameter_types! {
    pub const AnswerShare: Perbill = Perbill::from_percent(50);
    pub const LargestAnswer: Part = Part { weight: Weight::from_parts(1_000, 0), bytes: 1_000 };
    pub const CallOverhead: Weight = Weight::from_parts(10, 0);
    pub const LargestMove: Part = Part { weight: Weight::from_parts(2_000, 0), bytes: 2_000 };
}

/// A planck for each unit of time.
pub struct Time;

impl Convert<Weight, Balance> for Time {
    fn convert(weight: Weight) -> Balance {
        weight.ref_time().into()
    }
}

/// A thousand plancks for each byte.
pub struct Bytes;

impl Convert<u32, Balance> for Bytes {
    fn convert(bytes: u32) -> Balance {
        1_000 * Balance::from(bytes)
    }
}

parameter_types! {
    pub static Author: Option<u32> = None;
    pub static Authorities: u32 = 4;
}

impl crate::Config for Test {
    type Author = Author;
    type Authorities = Authorities;
    type AnswerShare = AnswerShare;
    type CallOverhead = CallOverhead;
    type LargestAnswer = LargestAnswer;
    type LargestMove = LargestMove;
    type WeightPrice = Time;
    type LengthPrice = Bytes;
    type WeightInfo = ();
}

/// Externalities at block 1.
pub fn new_test_ext() -> sp_io::TestExternalities {
    let storage = RuntimeGenesisConfig::default().build_storage().unwrap();
    let mut externalities = sp_io::TestExternalities::new(storage);
    externalities.execute_with(|| System::set_block_number(1));
    externalities
}

/// Runs a test, and checks the invariants at its end.
pub fn test(run: impl FnOnce()) {
    new_test_ext().execute_with(|| {
        run();
        assert_eq!(Room::do_try_state(), Ok(()));
    });
}

/// Begins the next block, with nothing in it.
pub fn next_block() {
    let next: BlockNumber = System::block_number() + 1;
    System::initialize(&next, &Default::default(), &Default::default());
}
