//! Migrations of the state, and what the chain does meanwhile: docs/adr/0032.
//!
//! A migration stays here for one release, and the next release removes it: whoever skips a release
//! enacts both runtimes, one after the other.

use core::marker::PhantomData;
use frame_support::{
    migrations::{FailedMigrationHandler, FailedMigrationHandling, VersionedMigration},
    parameter_types,
    storage::{storage_prefix, unhashed},
    traits::{ConstU32, Get, OnRuntimeUpgrade, UncheckedOnRuntimeUpgrade},
    weights::Weight,
    WeakBoundedVec,
};
use sp_authority_discovery::AuthorityId as AuthorityDiscoveryId;

use crate::{
    configs::{consensus::SessionKeys, staking::least_validators},
    constants::{MaxCandidates, MaxElected, MigrationBudget, MinNominatorBond, MinValidatorBond},
    weights, AccountId, Babe, Disputes, Grandpa, ModelRegistry, Operators, Runtime, Session,
    Settlement, Storage, Verification,
};

type DbWeight = <Runtime as frame_system::Config>::DbWeight;

/// A storage item: the names of its pallet and of itself.
type Item = (&'static str, &'static str);

parameter_types! {
    /// The stages of disputes changed.
    pub const DisputesChanged: &'static [Item] = &[("Disputes", "OpenDisputes")];
    /// Offers count failures in a row. No operator may be assigned.
    pub const OperatorsChanged: &'static [Item] =
        &[("Operators", "Servers"), ("Operators", "OpenAssignments")];
    /// The totals of escrows are not stored any more.
    pub const SettlementChanged: &'static [Item] =
        &[("Settlement", "Escrows"), ("Settlement", "EscrowTotals")];
    /// Artifacts are stored under their identities.
    pub const StorageChanged: &'static [Item] = &[("Storage", "Artifacts"), ("Storage", "Uploads")];
    /// Descriptors name artifacts by their identities.
    pub const ModelRegistryChanged: &'static [Item] = &[("ModelRegistry", "Versions")];
    /// Evidence has places in lists.
    pub const VerificationChanged: &'static [Item] =
        &[("Verification", "Submissions"), ("Verification", "Outputs")];
}

/// A migration of a pallet from version 1 to 2.
type ToVersion2<Pallet, Migration> = VersionedMigration<1, 2, Migration, Pallet, DbWeight>;

/// Migrations in the block of the upgrade.
pub type SingleBlock = (
    ToVersion2<Disputes, Emptied<DisputesChanged>>,
    ToVersion2<Operators, Emptied<OperatorsChanged>>,
    ToVersion2<Settlement, Emptied<SettlementChanged>>,
    ToVersion2<Storage, Emptied<StorageChanged>>,
    ToVersion2<ModelRegistry, Emptied<ModelRegistryChanged>>,
    ToVersion2<Verification, ForgetEquivocations>,
    ElectedValidators,
);

/// Migrations that take as many blocks as they need, in this order. Only the end of the list may
/// change while one runs.
#[cfg(not(any(feature = "runtime-benchmarks", feature = "upgrade-test")))]
pub type MultiBlock = (pallet_inference::migrations::v1::ReceiptsToRoots<Runtime>,);
/// The same, and one more for the trial of an upgrade.
#[cfg(all(feature = "upgrade-test", not(feature = "runtime-benchmarks")))]
pub type MultiBlock =
    (pallet_inference::migrations::v1::ReceiptsToRoots<Runtime>, super::trial::WriteAccountsAgain);

impl pallet_migrations::Config for Runtime {
    type RuntimeEvent = crate::RuntimeEvent;
    #[cfg(not(feature = "runtime-benchmarks"))]
    type Migrations = MultiBlock;
    #[cfg(feature = "runtime-benchmarks")]
    type Migrations = pallet_migrations::mock_helpers::MockedMigrations;
    type CursorMaxLen = ConstU32<1_024>;
    type IdentifierMaxLen = ConstU32<256>;
    type MigrationStatusHandler = ();
    type FailedMigrationHandler = KeepClosed;
    type MaxServiceWeight = MigrationBudget;
    type WeightInfo = weights::pallet_migrations::WeightInfo<Runtime>;
}

/// What happens when a step fails: its writes are discarded, the chain takes no transactions, and each
/// block tries the step again, until the nodes run a corrected runtime, which goes on from there.
///
/// The SDK's other choices are worse. Opening the chain would let calls read a state in two encodings.
/// A cursor that is marked as stuck would have to be restored by a further migration.
pub struct KeepClosed;

impl FailedMigrationHandler for KeepClosed {
    fn failed(migration: Option<u32>) -> FailedMigrationHandling {
        log::error!(target: "runtime::migrations", "migration {migration:?} failed");
        FailedMigrationHandling::Ignore
    }
}

/// Checks that storage items are empty which have another encoding or another meaning than in the
/// version before. The new code can neither read nor use what it finds there.
pub struct Emptied<Items>(PhantomData<Items>);

impl<Items: Get<&'static [Item]>> Emptied<Items> {
    /// The items that are not empty.
    pub fn remaining() -> impl Iterator<Item = &'static Item> {
        Items::get().iter().filter(|(pallet, item)| {
            unhashed::contains_prefixed_key(&storage_prefix(pallet.as_bytes(), item.as_bytes()))
        })
    }
}

impl<Items: Get<&'static [Item]>> UncheckedOnRuntimeUpgrade for Emptied<Items> {
    fn on_runtime_upgrade() -> Weight {
        for (pallet, item) in Self::remaining() {
            log::error!(target: "runtime::migrations", "{pallet}.{item} is not empty");
        }
        DbWeight::get().reads(Items::get().len() as u64)
    }

    #[cfg(feature = "try-runtime")]
    fn pre_upgrade() -> Result<alloc::vec::Vec<u8>, sp_runtime::TryRuntimeError> {
        frame_support::ensure!(
            Self::remaining().next().is_none(),
            "a storage item is not empty whose encoding or meaning changes"
        );
        Ok(Default::default())
    }
}

/// [`Emptied`] for the verification. Also removes the equivocations that were punished: the statements
/// that they are about can no longer be reported, because they contain no hash of a request.
pub struct ForgetEquivocations;

impl ForgetEquivocations {
    /// Maximum number of entries. Each has cost an operator its bond, so there are few.
    const MOST: u32 = 1_000;

    fn prefix() -> [u8; 32] {
        storage_prefix(b"Verification", b"Equivocations")
    }
}

impl UncheckedOnRuntimeUpgrade for ForgetEquivocations {
    fn on_runtime_upgrade() -> Weight {
        let removed = unhashed::clear_prefix(&Self::prefix(), Some(Self::MOST), None).loops;
        DbWeight::get()
            .reads_writes(removed.into(), removed.into())
            .saturating_add(Emptied::<VerificationChanged>::on_runtime_upgrade())
    }

    #[cfg(feature = "try-runtime")]
    fn pre_upgrade() -> Result<alloc::vec::Vec<u8>, sp_runtime::TryRuntimeError> {
        Emptied::<VerificationChanged>::pre_upgrade()
    }

    #[cfg(feature = "try-runtime")]
    fn post_upgrade(_: alloc::vec::Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
        frame_support::ensure!(
            !unhashed::contains_prefixed_key(&Self::prefix()),
            "more equivocations were punished than one block can forget"
        );
        Ok(())
    }
}

/// The session keys of version 3, with which the validators of the genesis took part for good.
pub mod v3 {
    use super::*;
    use alloc::vec::Vec;

    sp_runtime::impl_opaque_keys! {
        /// The keys with which a validator takes part in consensus.
        pub struct SessionKeys {
            pub babe: Babe,
            pub grandpa: Grandpa,
        }
    }
}

/// From the fixed validators of version 3 to elected ones: docs/adr/0040.
///
/// * Session keys gain one for the authority discovery. Nobody knows the one that a node will have, so
///   it is the validator's BABE key until the validator sets its own. Nodes do not find this validator
///   through the network's address book until then.
/// * Staking gets its limits. Nobody's money is moved: the validators remain until enough candidates
///   have a stake of their own, and the first election with a result replaces them.
pub struct ElectedValidators;

impl ElectedValidators {
    /// Whether the state is that of version 3. Each session has written these keys since.
    fn is_due() -> bool {
        !pallet_authority_discovery::NextKeys::<Runtime>::exists()
    }

    fn with_discovery(keys: v3::SessionKeys) -> SessionKeys {
        let v3::SessionKeys { babe, grandpa } = keys;
        let discovery = AuthorityDiscoveryId::from(babe.clone().into_inner());
        SessionKeys { babe, grandpa, authority_discovery: discovery }
    }
}

impl OnRuntimeUpgrade for ElectedValidators {
    fn on_runtime_upgrade() -> Weight {
        if !Self::is_due() {
            return DbWeight::get().reads(1);
        }
        Session::upgrade_keys::<v3::SessionKeys, _>(|_: AccountId, keys| {
            Self::with_discovery(keys)
        });
        let known: alloc::vec::Vec<_> = pallet_session::QueuedKeys::<Runtime>::get()
            .into_iter()
            .map(|(_, keys)| keys.authority_discovery)
            .collect();
        let count = known.len() as u32;
        let known = WeakBoundedVec::force_from(known, None);
        pallet_authority_discovery::Keys::<Runtime>::put(&known);
        pallet_authority_discovery::NextKeys::<Runtime>::put(known);

        let elected = count.clamp(1, MaxElected::get());
        pallet_staking::ValidatorCount::<Runtime>::put(elected);
        pallet_staking::MinimumValidatorCount::<Runtime>::put(least_validators(elected));
        pallet_staking::MaxValidatorsCount::<Runtime>::put(MaxCandidates::get());
        pallet_staking::MinValidatorBond::<Runtime>::put(MinValidatorBond::get());
        pallet_staking::MinNominatorBond::<Runtime>::put(MinNominatorBond::get());
        log::info!(target: "runtime::migrations", "{count} validators have new session keys");
        // Per validator its keys and, of five, the owners; and the single values.
        let count = u64::from(count);
        DbWeight::get().reads_writes(3 + count, 8 + 6 * count)
    }

    #[cfg(feature = "try-runtime")]
    fn pre_upgrade() -> Result<alloc::vec::Vec<u8>, sp_runtime::TryRuntimeError> {
        use codec::Encode;
        Ok((Self::is_due(), pallet_session::Validators::<Runtime>::get()).encode())
    }

    #[cfg(feature = "try-runtime")]
    fn post_upgrade(before: alloc::vec::Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
        use codec::Decode;
        let (was_due, validators): (bool, alloc::vec::Vec<AccountId>) =
            Decode::decode(&mut &before[..]).map_err(|_| "the state before cannot be read")?;
        let read = |account| pallet_session::NextKeys::<Runtime>::get(account).is_some();
        frame_support::ensure!(validators.iter().all(read), "session keys cannot be read");
        frame_support::ensure!(!was_due || !Self::is_due(), "the migration did not run");
        Ok(())
    }
}
