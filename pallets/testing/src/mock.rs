//! The macros of mock runtimes.

/// Makes the runtime `Test` of a pallet's tests, with accounts that are numbers.
///
/// The first pallet is the one under test. `System`, `Balances` and the pallets after `beside` are
/// around it; their hooks run before its own.
///
/// The mock itself implements the `Config` of these pallets and defines
/// `new_test_ext() -> TestExternalities`, from [`externalities_with`](#what-it-defines). Optional
/// functions of the mock take part: `on_block` runs at the start of each block, before the hooks;
/// `check` runs at the end of each test, after the other checks.
///
/// # What it defines
///
/// * `externalities_with(balances)`: externalities at block 1.
/// * `test(run)`, `test_in(externalities, run)`: run a test, then `check_all()`: the invariants
///   of all pallets hold, and no money was made or lost.
/// * `breaks(message, run)`: `try_state` of the pallet under test finds what `run` breaks.
/// * `next_block()`, `go_to(height)`, `now()`, `genesis()`.
/// * `free(account)`, `last_event()` of the pallet under test.
/// * `signed_call(who, call)`, `next_extrinsic(bytes)`.
/// * For calls of workers, which have no signer: `transaction(call)`, `include(call)`,
///   `refused(call, why)`, `refused_as(call, code)`.
///
/// # Example
///
/// ```text
/// assay_pallet_testing::mock! {
///     Storage = crate, beside { 3: Settlement = pallet_settlement }
/// }
/// assay_pallet_testing::settlement!(pallet_settlement);
///
/// impl crate::Config for Test { /* … */ }
///
/// pub fn new_test_ext() -> sp_io::TestExternalities {
///     externalities_with([(OWNER, ENDOWMENT)])
/// }
/// ```
#[macro_export]
macro_rules! mock {
    (
        $own:ident = $own_path:ident
        $(, beside { $( $index:tt: $pallet:ident = $path:ident ),+ $(,)? })?
        $(, on_block: $on_block:ident)?
        $(, check: $check:ident)?
        $(,)?
    ) => {
        // The attribute names itself in what it expands to.
        use frame_support::derive_impl;

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
                RuntimeFreezeReason,
                RuntimeSlashReason,
                RuntimeLockId
            )]
            pub struct Test;

            #[runtime::pallet_index(0)]
            pub type System = frame_system;
            #[runtime::pallet_index(1)]
            pub type Balances = pallet_balances;
            $($(
                #[runtime::pallet_index($index)]
                pub type $pallet = $path;
            )+)?
            #[runtime::pallet_index(2)]
            pub type $own = $own_path;
        }

        /// The transaction extensions: calls of workers are authorized, nothing is paid.
        pub type TxExtension = (frame_system::AuthorizeCall<Test>,);
        pub type Extrinsic = $crate::reexports::sp_runtime::generic::UncheckedExtrinsic<
            u64,
            RuntimeCall,
            $crate::reexports::sp_runtime::testing::UintAuthorityId,
            TxExtension,
        >;
        pub type Block = $crate::reexports::sp_runtime::generic::Block<
            $crate::reexports::sp_runtime::generic::Header<
                assay_primitives::BlockNumber,
                $crate::reexports::sp_runtime::traits::BlakeTwo256,
            >,
            Extrinsic,
        >;

        #[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
        impl frame_system::Config for Test {
            type Block = Block;
            type AccountData = pallet_balances::AccountData<assay_primitives::Balance>;
        }

        frame_support::parameter_types! {
            pub const ExistentialDeposit: assay_primitives::Balance = $crate::EXISTENTIAL_DEPOSIT;
            /// The total issuance at genesis.
            pub static Issuance: assay_primitives::Balance = 0;
        }

        #[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
        impl pallet_balances::Config for Test {
            type Balance = assay_primitives::Balance;
            type ExistentialDeposit = ExistentialDeposit;
            type AccountStore = System;
        }

        impl<LocalCall> frame_system::offchain::CreateTransactionBase<LocalCall> for Test
        where
            RuntimeCall: From<LocalCall>,
        {
            type Extrinsic = Extrinsic;
            type RuntimeCall = RuntimeCall;
        }

        impl<LocalCall> frame_system::offchain::CreateTransaction<LocalCall> for Test
        where
            RuntimeCall: From<LocalCall>,
        {
            type Extension = TxExtension;

            fn create_transaction(call: RuntimeCall, extension: TxExtension) -> Extrinsic {
                Extrinsic::new_transaction(call, extension)
            }
        }

        impl<LocalCall> frame_system::offchain::CreateAuthorizedTransaction<LocalCall> for Test
        where
            RuntimeCall: From<LocalCall>,
        {
            fn create_extension() -> TxExtension {
                (frame_system::AuthorizeCall::new(),)
            }
        }

        /// Externalities at block 1, in which accounts have these balances.
        pub fn externalities_with(
            balances: impl IntoIterator<Item = (u64, assay_primitives::Balance)>,
        ) -> $crate::reexports::sp_io::TestExternalities {
            use $crate::reexports::sp_runtime::BuildStorage;
            let treasury = ($crate::TREASURY, $crate::EXISTENTIAL_DEPOSIT);
            let genesis = RuntimeGenesisConfig {
                balances: pallet_balances::GenesisConfig {
                    balances: balances.into_iter().chain([treasury]).collect(),
                    ..Default::default()
                },
                ..Default::default()
            };
            let storage = genesis.build_storage().expect("the balances are valid");
            let mut externalities = $crate::reexports::sp_io::TestExternalities::new(storage);
            externalities.execute_with(|| {
                // Events are not kept at height 0.
                System::set_block_number(1);
                Issuance::set(pallet_balances::TotalIssuance::<Test>::get());
            });
            externalities
        }

        /// Runs a test in new externalities, then [`check_all`].
        #[allow(dead_code)]
        pub fn test(run: impl FnOnce()) {
            test_in(&mut new_test_ext(), run);
        }

        /// Runs a test, then [`check_all`].
        pub fn test_in(
            externalities: &mut $crate::reexports::sp_io::TestExternalities,
            run: impl FnOnce(),
        ) {
            externalities.execute_with(|| {
                run();
                check_all();
            });
        }

        /// Checks the invariants of all pallets, and that no money was made or lost.
        pub fn check_all() {
            $($( frame_support::assert_ok!($pallet::do_try_state()); )+)?
            frame_support::assert_ok!($own::do_try_state());
            assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), Issuance::get());
            $( $check(); )?
        }

        /// Breaks the state, and expects `try_state` to find it.
        #[allow(dead_code)]
        pub fn breaks(message: &'static str, run: impl FnOnce()) {
            new_test_ext().execute_with(|| {
                frame_support::assert_ok!($own::do_try_state());
                run();
                assert_eq!($own::do_try_state(), Err(message.into()));
            });
        }

        /// Ends the block and starts the next one.
        #[allow(dead_code)]
        pub fn next_block() {
            use frame_support::traits::{OnFinalize, OnInitialize};
            let now = System::block_number();
            AllPalletsWithSystem::on_finalize(now);
            System::set_block_number(now + 1);
            $( $on_block(); )?
            AllPalletsWithSystem::on_initialize(now + 1);
        }

        /// Goes to a height, block by block.
        #[allow(dead_code)]
        pub fn go_to(height: assay_primitives::BlockNumber) {
            assert!(System::block_number() <= height, "block {height} has passed");
            while System::block_number() < height {
                next_block();
            }
        }

        /// The current height.
        #[allow(dead_code)]
        pub fn now() -> assay_primitives::BlockNumber {
            System::block_number()
        }

        /// The hash of the genesis block.
        #[allow(dead_code)]
        pub fn genesis() -> assay_primitives::Digest {
            System::block_hash(0)
        }

        /// The free balance of an account.
        #[allow(dead_code)]
        pub fn free(account: u64) -> assay_primitives::Balance {
            use frame_support::traits::fungible::Inspect;
            Balances::balance(&account)
        }

        /// The last event of the pallet under test.
        #[allow(dead_code)]
        pub fn last_event() -> Option<$own_path::Event<Test>> {
            System::events().into_iter().rev().find_map(|record| match record.event {
                RuntimeEvent::$own(event) => Some(event),
                _ => None,
            })
        }

        /// Dispatches a call of an account, in a storage layer as in a block.
        #[allow(dead_code)]
        pub fn signed_call(
            who: u64,
            call: impl Into<RuntimeCall>,
        ) -> $crate::reexports::sp_runtime::DispatchResult {
            use $crate::reexports::sp_runtime::traits::Dispatchable;
            call.into()
                .dispatch(RuntimeOrigin::signed(who))
                .map(drop)
                .map_err(|error| error.error)
        }

        /// Starts the next extrinsic of the block, with these bytes.
        #[allow(dead_code)]
        pub fn next_extrinsic(bytes: Vec<u8>) {
            System::set_extrinsic_index(System::extrinsic_index().map_or(0, |index| index + 1));
            System::note_extrinsic(bytes);
        }

        /// The transaction of a call that its worker key authorizes.
        #[allow(dead_code)]
        pub fn transaction(call: impl Into<RuntimeCall>) -> Extrinsic {
            Extrinsic::new_transaction(call.into(), (frame_system::AuthorizeCall::new(),))
        }

        /// Validates the transaction of a worker as the pool does, and applies it as a block does.
        /// Both must agree, and an authorized call must not fail.
        #[allow(dead_code)]
        pub fn include(
            call: impl Into<RuntimeCall>,
        ) -> Result<
            $crate::reexports::sp_runtime::transaction_validity::ValidTransaction,
            $crate::reexports::sp_runtime::transaction_validity::TransactionValidityError,
        > {
            use frame_support::dispatch::GetDispatchInfo;
            use $crate::reexports::codec::Encode;
            use $crate::reexports::sp_runtime::{
                traits::{Applyable, Checkable},
                transaction_validity::TransactionSource,
            };
            let transaction = transaction(call);
            let info = transaction.get_dispatch_info();
            let length = transaction.encoded_size();
            let checked = transaction.check(&frame_system::ChainContext::<Test>::default())?;
            let pooled = checked.validate::<Test>(TransactionSource::External, &info, length);
            match checked.apply::<Test>(&info, length) {
                Ok(outcome) => {
                    outcome.expect("an authorized call does not fail");
                    Ok(pooled.expect("pool and block agree"))
                },
                Err(refusal) => {
                    assert_eq!(pooled, Err(refusal), "pool and block agree");
                    Err(refusal)
                },
            }
        }

        /// Checks that pool and block refuse a call, and that nothing changes.
        #[allow(dead_code)]
        pub fn refused(
            call: impl Into<RuntimeCall>,
            why: $crate::reexports::sp_runtime::transaction_validity::InvalidTransaction,
        ) {
            frame_support::assert_storage_noop!(assert_eq!(include(call), Err(why.into())));
        }

        /// [`refused`] with a code of the pallet.
        #[allow(dead_code)]
        pub fn refused_as(call: impl Into<RuntimeCall>, code: u8) {
            use $crate::reexports::sp_runtime::transaction_validity::InvalidTransaction;
            refused(call, InvalidTransaction::Custom(code));
        }
    };
}

/// Configures `pallet-settlement` in a runtime of [`mock!`]: a treasury with a share of 5 %.
#[macro_export]
macro_rules! settlement {
    ($path:ident) => {
        frame_support::parameter_types! {
            pub const TreasuryAccount: u64 = $crate::TREASURY;
            pub const SpendLimit: u128 = 10_000;
            pub const TreasuryShare: $crate::reexports::sp_runtime::Perbill =
                $crate::reexports::sp_runtime::Perbill::from_percent(5);
        }

        pub struct Locked;

        impl $crate::reexports::sp_runtime::traits::Convert<&u64, u128> for Locked {
            fn convert(account: &u64) -> u128 {
                System::account(account).data.frozen
            }
        }

        impl $path::Config for Test {
            type Currency = Balances;
            type RuntimeHoldReason = RuntimeHoldReason;
            type TreasuryAccount = TreasuryAccount;
            type TreasuryShare = TreasuryShare;
            type Fees = ();
            type SpendOrigin = frame_system::EnsureRootWithSuccess<u64, SpendLimit>;
            type Locked = Locked;
            type WeightInfo = ();
        }
    };
}

/// Configures `pallet-storage` in a runtime of [`mock!`] that has `Settlement`.
///
/// Defines `announce_artifact(owner, bytes)` and `upload_artifact(owner, bytes)`, for artifacts of
/// one chunk.
#[macro_export]
macro_rules! storage {
    ($path:ident) => {
        frame_support::parameter_types! {
            pub const BaseDeposit: assay_primitives::Balance = $crate::BASE_DEPOSIT;
            pub const ByteDeposit: assay_primitives::Balance = $crate::BYTE_DEPOSIT;
        }

        impl $path::Config for Test {
            type Deposits = Settlement;
            type BaseDeposit = BaseDeposit;
            type ByteDeposit = ByteDeposit;
            type WeightInfo = ();
            #[cfg(feature = "runtime-benchmarks")]
            type BenchmarkHelper = $crate::benchmarks::Benchmarks<Test>;
        }

        /// Announces an artifact of one chunk.
        #[allow(dead_code)]
        pub fn announce_artifact(owner: u64, bytes: &[u8]) -> assay_primitives::Digest {
            let assay_primitives::ArtifactManifest { identity, size, chunks } =
                assay_primitives::ArtifactManifest::of(bytes);
            let chunks = chunks.try_into().expect("one chunk");
            frame_support::assert_ok!(signed_call(owner, $path::Call::create { size, chunks }));
            identity
        }

        /// Puts an artifact of one chunk on chain, in an extrinsic of its own.
        #[allow(dead_code)]
        pub fn upload_artifact(owner: u64, bytes: &[u8]) -> assay_primitives::Digest {
            let artifact = announce_artifact(owner, bytes);
            next_extrinsic(bytes.to_vec());
            let data = bytes.to_vec();
            frame_support::assert_ok!(signed_call(
                owner,
                $path::Call::upload { artifact, index: 0, data }
            ));
            artifact
        }
    };
}

/// Configures `pallet-model-registry` in a runtime of [`mock!`] that has `Settlement`,
/// [`storage!`] and the named pallet of storage.
///
/// The mock defines `AvailableClasses`, `MaxProofCost`, `MaxInputBytes`, `MaxOutputBytes` and
/// `MaxRoyalty`.
#[macro_export]
macro_rules! model_registry {
    ($path:ident, artifacts: $artifacts:ident) => {
        impl $path::Config for Test {
            type Artifacts = $artifacts;
            type Deposits = Settlement;
            type AvailableClasses = AvailableClasses;
            type MaxProofCost = MaxProofCost;
            type MaxInputBytes = MaxInputBytes;
            type MaxOutputBytes = MaxOutputBytes;
            type MaxRoyalty = MaxRoyalty;
            type BaseDeposit = BaseDeposit;
            type ByteDeposit = ByteDeposit;
            type WeightInfo = ();
            #[cfg(feature = "runtime-benchmarks")]
            type BenchmarkHelper = $crate::benchmarks::Benchmarks<Test>;
        }
    };
}

/// Configures `pallet-operators` in a runtime of [`mock!`] that has `Settlement`: heartbeats every
/// 10 blocks, the whole bond as the penalty for an equivocation, and a tenth of a penalty at most for
/// the payer.
///
/// The mock defines `MinBond`, `WrongResultSlash`, `NoAnswerSlash`, `LostDisputeSlash`,
/// `MaxServers`, `MaxServed`, `MaxConcurrency`, `HeartbeatTimeout`, `HeartbeatPriority` and
/// `UnbondingPeriod`.
#[macro_export]
macro_rules! operators {
    ($path:ident, models: $models:ident, room: $room:ty) => {
        frame_support::parameter_types! {
            pub const MaxResponseBlocks: assay_primitives::BlockNumber = 50;
            pub const HeartbeatInterval: assay_primitives::BlockNumber = 10;
            /// Twice the timeout of heartbeats.
            pub SeatTimeout: assay_primitives::BlockNumber = 2 * HeartbeatTimeout::get();
            pub const EquivocationSlash: $crate::reexports::sp_runtime::Perbill =
                $crate::reexports::sp_runtime::Perbill::from_percent(100);
            pub const CompensationShare: $crate::reexports::sp_runtime::Perbill =
                $crate::reexports::sp_runtime::Perbill::from_percent(10);
        }

        impl $path::Config for Test {
            type Bonds = Settlement;
            type Models = $models;
            type Room = $room;
            type MinBond = MinBond;
            type MaxServers = MaxServers;
            type MaxServed = MaxServed;
            type MaxConcurrency = MaxConcurrency;
            type MaxResponseBlocks = MaxResponseBlocks;
            type HeartbeatInterval = HeartbeatInterval;
            type HeartbeatTimeout = HeartbeatTimeout;
            type UnbondingPeriod = UnbondingPeriod;
            type SeatTimeout = SeatTimeout;
            type WrongResultSlash = WrongResultSlash;
            type NoAnswerSlash = NoAnswerSlash;
            type EquivocationSlash = EquivocationSlash;
            type LostDisputeSlash = LostDisputeSlash;
            type CompensationShare = CompensationShare;
            type HeartbeatPriority = HeartbeatPriority;
            type WeightInfo = ();
            #[cfg(feature = "runtime-benchmarks")]
            type BenchmarkHelper = $crate::benchmarks::Benchmarks<Test>;
        }
    };
}

/// Configures `pallet-verification` in a runtime of [`mock!`].
///
/// The mock defines `AvailableClasses`, `MaxProofCost` and `MaxOutputBytes`.
#[macro_export]
macro_rules! verification {
    ($path:ident, requests: $requests:ty, operators: $operators:ident, models: $models:ident) => {
        impl $path::Config for Test {
            type Requests = $requests;
            type MaxProofCost = MaxProofCost;
            type Operators = $operators;
            type Models = $models;
            type AvailableClasses = AvailableClasses;
            type MaxOutputBytes = MaxOutputBytes;
            type AdminOrigin = frame_system::EnsureRoot<u64>;
            type WeightInfo = ();
            #[cfg(feature = "runtime-benchmarks")]
            type BenchmarkHelper = $crate::benchmarks::Benchmarks<Test>;
        }
    };
}
