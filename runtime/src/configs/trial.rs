//! The trial of an upgrade on a network (`zombienet/tests/upgrade.rs`), with the feature `upgrade-test`: a
//! later version, and a migration that writes every account again, a few in each block.

use alloc::{borrow::Cow, vec::Vec};
use frame_support::{
    migrations::{MigrationId, SteppedMigration, SteppedMigrationError},
    pallet_prelude::{ConstU32, ValueQuery},
    storage::{storage_prefix, unhashed},
    storage_alias,
    weights::{Weight, WeightMeter},
    BoundedVec,
};
use sp_version::RuntimeVersion;

use crate::{apis, constants::MigrationBudget};

/// Version of the runtime of the trial: later than any of a release.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("assay"),
    impl_name: Cow::Borrowed("assay"),
    authoring_version: 1,
    spec_version: 1000,
    impl_version: 1,
    apis: apis::RUNTIME_API_VERSIONS,
    transaction_version: 4,
    system_version: 1,
};

/// Accounts in a block. Few, so that the migration takes several blocks on a network of a test.
const IN_A_BLOCK: u64 = 4;
/// Bound of a key in bytes: two hashes of 16 bytes, another one, and an account.
const MAX_KEY: u32 = 80;

/// Number of accounts that were written again. The trial reads it.
#[storage_alias]
pub type Written = StorageValue<UpgradeTrial, u32, ValueQuery>;

/// The migration. Its cursor is the last key that was written.
pub struct WriteAccountsAgain;

impl SteppedMigration for WriteAccountsAgain {
    type Cursor = BoundedVec<u8, ConstU32<MAX_KEY>>;
    type Identifier = MigrationId<16>;

    fn id() -> Self::Identifier {
        MigrationId { pallet_id: *b"upgrade-trial---", version_from: 0, version_to: 1 }
    }

    fn step(
        cursor: Option<Self::Cursor>,
        meter: &mut WeightMeter,
    ) -> Result<Option<Self::Cursor>, SteppedMigrationError> {
        let prefix = storage_prefix(b"System", b"Account");
        let mut last: Vec<u8> = cursor.map_or_else(|| prefix.to_vec(), BoundedVec::into_inner);
        let each: Weight = MigrationBudget::get().saturating_div(IN_A_BLOCK + 1);
        let mut written = 0;
        while let Some(key) = sp_io::storage::next_key(&last).filter(|key| key.starts_with(&prefix))
        {
            if meter.try_consume(each).is_err() {
                if written == 0 {
                    return Err(SteppedMigrationError::InsufficientWeight { required: each });
                }
                Written::mutate(|count| *count = count.saturating_add(written));
                let cursor = BoundedVec::try_from(last);
                return cursor.map(Some).map_err(|_| SteppedMigrationError::InvalidCursor);
            }
            if let Some(value) = unhashed::get_raw(&key) {
                unhashed::put_raw(&key, &value);
            }
            written += 1;
            last = key;
        }
        Written::mutate(|count| *count = count.saturating_add(written));
        Ok(None)
    }
}
