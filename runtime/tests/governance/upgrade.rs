//! A whole upgrade of the runtime by referendum.

use std::borrow::Cow;

use assay_primitives::MAX_TRANSACTION_BYTES;
use assay_runtime::{Runtime, RuntimeCall, RuntimeEvent, System, VERSION, WASM_BINARY};
use codec::{Decode, Encode};
use frame_support::{
    assert_ok,
    dispatch::{GetDispatchInfo, Pays},
    storage::unhashed,
};
use frame_system::RawOrigin;
use pallet_referenda::{ReferendumInfo, TracksInfo};
use sc_executor::WasmExecutor;
use sp_core::{
    storage::well_known_keys::CODE,
    traits::{ReadRuntimeVersion, ReadRuntimeVersionExt},
};
use sp_keyring::Sr25519Keyring::*;
use sp_runtime::traits::{BlakeTwo256, Hash as _};
use sp_version::{embed::embed_runtime_version, RuntimeVersion};

use crate::{
    common::{party::Party, *},
    steps::*,
};

/// Largest size of a runtime after decompression.
const MOST: usize = 1 << 26;

fn executor() -> WasmExecutor<sp_io::SubstrateHostFunctions> {
    WasmExecutor::builder().with_allow_missing_host_functions(true).build()
}

/// Runs a test in which the code of a runtime can be read.
fn run_with_code(test: impl FnOnce()) {
    let mut externalities = genesis_externalities();
    externalities.register_extension(ReadRuntimeVersionExt::new(executor()));
    run_on(externalities, test);
}

/// The wasm of this runtime with another version, compressed as in a release.
fn runtime_of(version: RuntimeVersion) -> Option<Vec<u8>> {
    // Without a wasm build there is no code.
    let code = sp_maybe_compressed_blob::decompress(WASM_BINARY?, MOST).expect("it is compressed");
    let code = embed_runtime_version(&code, version).expect("it is wasm");
    sp_maybe_compressed_blob::compress_strongly(&code, MOST)
}

fn next_version() -> RuntimeVersion {
    RuntimeVersion { spec_version: VERSION.spec_version + 1, ..VERSION }
}

/// The version of the code in the state.
fn version_in_the_state() -> Option<u32> {
    let code = unhashed::get_raw(CODE).filter(|code| !code.is_empty())?;
    let mut state = sp_io::TestExternalities::default();
    let version = executor().read_runtime_version(&code, &mut state.ext()).expect("it has one");
    Some(RuntimeVersion::decode(&mut &version[..]).expect("a version").spec_version)
}

#[test]
fn a_referendum_upgrades_the_runtime_and_a_stranger_applies_it() {
    let Some(code) = runtime_of(next_version()) else { return };
    run_with_code(|| {
        let track = Tracks::info(assay_runtime::governance::tracks::ROOT).expect("it exists");
        let authorize =
            frame_system::Call::authorize_upgrade { code_hash: BlakeTwo256::hash(&code) };
        let index = propose(root(), authorize);
        let stranger = Party::new("stranger", 100 * assay_primitives::ASY);
        let apply = frame_system::Call::apply_authorized_upgrade { code: code.clone() };
        assert_eq!(
            stranger.include(apply.clone()),
            Err(frame_system::Error::<Runtime>::NothingAuthorized.into())
        );

        // 36 million of 120 are 30 %. The track asks for 50 % at the start and 10 % after 168 blocks,
        // so for 30 % half of the way.
        vote(&[Dave, DaveStash, Ferdie, FerdieStash], index, true, VOTE);
        let deciding = || match info(index) {
            ReferendumInfo::Ongoing(status) => status.deciding,
            _ => None,
        };
        go_until(|| deciding().is_some(), 5);
        let since = deciding().expect("it is being decided").since;
        go_until(|| deciding().is_some_and(|deciding| deciding.confirming.is_some()), 100);
        let passing = System::block_number() - since;
        assert!((84..=86).contains(&passing), "{passing} blocks");
        go_until(|| matches!(info(index), ReferendumInfo::Approved(..)), 30);
        let approved = System::block_number() - since - passing;
        assert!((track.confirm_period..=track.confirm_period + 2).contains(&approved));
        assert!(System::authorized_upgrade().is_none());
        go_until(|| System::authorized_upgrade().is_some(), 30);
        assert_eq!(enacted(), Some(Ok(())));
        println!(
            "decided for {passing} blocks, confirmed for {approved}, authorised {} after that",
            System::block_number() - since - passing - approved
        );

        // It fits into a transaction and into a block, other code is refused, and the right one is free.
        let transaction = stranger.signed(apply.clone());
        let (size, weight) =
            (transaction.encoded_size(), apply.get_dispatch_info().call_weight.ref_time());
        println!("the code has {} bytes, the transaction {size}, {weight} ps", code.len());
        assert!(size <= MAX_TRANSACTION_BYTES as usize);
        assert_ok!(validate(transaction));
        let other = frame_system::Call::apply_authorized_upgrade { code: vec![1; 100] };
        assert_eq!(
            stranger.include(other),
            Err(frame_system::Error::<Runtime>::Unauthorized.into())
        );
        let before = stranger.wealth();
        stranger.submit(apply);
        assert_eq!(stranger.wealth(), before);
        assert!(events().into_iter().any(|event| matches!(
            event,
            RuntimeEvent::System(frame_system::Event::CodeUpdated { .. })
        )));
        assert!(System::authorized_upgrade().is_none());
        assert_eq!(version_in_the_state(), Some(VERSION.spec_version + 1));

        // Deposits come back.
        submit(PROPOSER, pallet_referenda::Call::refund_decision_deposit { index });
        submit(PROPOSER, pallet_referenda::Call::refund_submission_deposit { index });
    });
}

#[test]
fn code_of_another_chain_or_without_a_higher_version_is_refused() {
    let versions =
        [VERSION, RuntimeVersion { spec_name: Cow::Borrowed("other"), ..next_version() }];
    for (version, error) in versions.into_iter().zip([
        frame_system::Error::<Runtime>::SpecVersionNeedsToIncrease,
        frame_system::Error::<Runtime>::InvalidSpecName,
    ]) {
        let Some(code) = runtime_of(version) else { return };
        run_with_code(|| {
            let hash = BlakeTwo256::hash(&code);
            assert_ok!(System::authorize_upgrade(RawOrigin::Root.into(), hash));
            submit(Ferdie, frame_system::Call::apply_authorized_upgrade { code });
            let rejected = frame_system::Event::RejectedInvalidAuthorizedUpgrade {
                code_hash: hash,
                error: error.into(),
            };
            assert!(events().contains(&RuntimeEvent::System(rejected)));
            assert_eq!(version_in_the_state(), None, "the tests' genesis has no code");
        });
    }
}

/// Nobody but root authorises code, in a batch neither.
#[test]
fn nobody_else_upgrades() {
    run(|| {
        let call: RuntimeCall =
            frame_system::Call::authorize_upgrade { code_hash: Default::default() }.into();
        assert!(include(signed(Ferdie, call.clone())).is_err());
        let batch = pallet_utility::Call::batch_all { calls: vec![call.clone()] };
        assert!(include(signed(Ferdie, batch)).is_err());
        assert!(System::authorized_upgrade().is_none());
        assert_eq!(call.get_dispatch_info().pays_fee, Pays::Yes);
    });
}
