//! A runtime of balances, settlement (for deposits) and this pallet.

use assay_pallet_testing::EXISTENTIAL_DEPOSIT;
use assay_primitives::{traits::Artifacts as _, ArtifactManifest, Balance, Digest};
use codec::Encode;
use frame_support::assert_ok;
use sp_runtime::DispatchResult;

use crate::{Call, Chunks};

pub use assay_pallet_testing::{BASE_DEPOSIT as BASE, BYTE_DEPOSIT as BYTE};

/// Announces artifacts.
pub const OWNER: u64 = 1;
/// Announces others.
pub const OTHER: u64 = 2;
/// Has the existential deposit and no more.
pub const POOR: u64 = 3;
/// The balance of the first two accounts at genesis.
pub const ENDOWMENT: Balance = 1_000_000_000_000;

assay_pallet_testing::mock! { Storage = crate, beside { 3: Settlement = pallet_settlement } }
assay_pallet_testing::settlement!(pallet_settlement);
assay_pallet_testing::storage!(crate);

#[cfg(feature = "runtime-benchmarks")]
impl assay_pallet_testing::benchmarks::Prepare for Test {}

/// Externalities with endowed accounts and no artifact.
pub fn new_test_ext() -> sp_io::TestExternalities {
    externalities_with([(OWNER, ENDOWMENT), (OTHER, ENDOWMENT), (POOR, EXISTENTIAL_DEPOSIT)])
}

/// Bytes of two chunks, the second one short.
pub fn two_chunks() -> Vec<u8> {
    (0..assay_primitives::MAX_CHUNK_BYTES + 5).map(|index| (index % 251) as u8).collect()
}

/// The identity of `bytes`.
pub fn identity(bytes: &[u8]) -> Digest {
    ArtifactManifest::of(bytes).identity
}

/// Announces `bytes` as `who`.
pub fn create(who: u64, bytes: &[u8]) -> DispatchResult {
    let ArtifactManifest { size, chunks, .. } = ArtifactManifest::of(bytes);
    Storage::create(RuntimeOrigin::signed(who), size, Chunks::truncate_from(chunks))
}

/// Starts an extrinsic that is an upload and nothing else.
pub fn next_upload(artifact: Digest, index: u32, data: &[u8]) {
    let call = Call::<Test>::upload { artifact, index, data: data.to_vec() };
    next_extrinsic(RuntimeCall::from(call).encode());
}

/// Uploads a chunk in an extrinsic of its own.
pub fn upload(who: u64, artifact: Digest, index: u32, data: &[u8]) -> DispatchResult {
    next_upload(artifact, index, data);
    Storage::upload(RuntimeOrigin::signed(who), artifact, index, data.to_vec())
}

/// Announces `bytes` and uploads all of them.
pub fn put(who: u64, bytes: &[u8]) -> Digest {
    assert_ok!(create(who, bytes));
    let artifact = identity(bytes);
    for (index, chunk) in ArtifactManifest::split(bytes).enumerate() {
        assert_ok!(upload(who, artifact, index as u32, chunk));
    }
    assert!(Storage::complete(&artifact).is_some());
    artifact
}

/// What an account announced.
pub fn announced(who: u64, artifact: Digest) -> Option<crate::Artifact<u64>> {
    crate::Uploads::<Test>::get(artifact, who)
}
