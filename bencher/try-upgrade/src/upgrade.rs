//! The upgrade itself, on the state of the surrounding externalities.

use anyhow::{anyhow, bail, ensure, Result};
use assay_runtime::{
    configs::migrations::SingleBlock, constants::MigrationBudget, AllPalletsWithSystem,
    MultiBlockMigrations, Runtime, System, MAXIMUM_BLOCK_WEIGHT, VERSION,
};
use frame_support::{
    migrations::MultiStepMigrator,
    traits::{
        BeforeAllRuntimeMigrations, OnRuntimeUpgrade, TryDecodeEntireStorage, TryState,
        TryStateSelect,
    },
    weights::Weight,
};
use frame_system::LastRuntimeUpgrade;

/// Migrates the state and checks it. Says each result.
///
/// # Errors
///
/// The state is of another chain or of a later runtime; a migration fails, takes more of a block than it may,
/// or does not end within so many blocks; a value cannot be decoded; an invariant does not hold.
pub fn run(max_blocks: u32, say: &mut dyn FnMut(String)) -> Result<()> {
    let last = LastRuntimeUpgrade::<Runtime>::get()
        .ok_or_else(|| anyhow!("the state has no version of a runtime"))?;
    let (from, to) = (last.spec_version.0, VERSION.spec_version);
    ensure!(
        last.spec_name == VERSION.spec_name,
        "the state is of a chain with runtime `{}`, this is `{}`",
        last.spec_name,
        VERSION.spec_name
    );
    ensure!(
        from <= to,
        "the state is of spec_version {from}, and this runtime is {to}, an older one"
    );
    say(format!("spec_version {from} to {to}"));

    let before = AllPalletsWithSystem::before_all_runtime_migrations();
    let migrations = <(SingleBlock, AllPalletsWithSystem)>::try_on_runtime_upgrade(true);
    let weight = before
        .saturating_add(migrations.map_err(|error| anyhow!("a migration failed: {error:?}"))?);
    say(format!("migrations in the block of the upgrade: {} of its weight", share(weight)));
    fits("the migrations in the block of the upgrade", weight, MAXIMUM_BLOCK_WEIGHT)?;

    let mut blocks = 0;
    let mut most = Weight::zero();
    while MultiBlockMigrations::ongoing() {
        if blocks == max_blocks {
            bail!("migrations have not ended after {blocks} blocks; --max-blocks allows more");
        }
        blocks += 1;
        System::set_block_number(System::block_number() + 1);
        most = most.max(MultiBlockMigrations::step());
    }
    say(format!("migrations over several blocks: {blocks} blocks, each at most {}", share(most)));
    fits("a step of the migrations over several blocks", most, MigrationBudget::get())?;

    let decoded = AllPalletsWithSystem::try_decode_entire_state();
    let bytes = decoded.map_err(|errors| anyhow!("values cannot be decoded: {errors:?}"))?;
    say(format!("every value can be decoded: {bytes} bytes"));
    AllPalletsWithSystem::try_state(System::block_number(), TryStateSelect::All)
        .map_err(|error| anyhow!("an invariant does not hold: {error:?}"))?;
    say("the invariants of all pallets hold".into());
    Ok(())
}

/// Refuses work for which a block has no time: its author would make it for longer than its slot, or give it
/// up.
fn fits(what: &str, weight: Weight, most: Weight) -> Result<()> {
    ensure!(
        weight.all_lte(most),
        "{what}: {} of a block, more than {}; divide the work into more and smaller steps, as \
         docs/adr/0032-migrations.md says",
        share(weight),
        share(most)
    );
    Ok(())
}

fn share(weight: Weight) -> String {
    let part = weight.ref_time() as f64 / MAXIMUM_BLOCK_WEIGHT.ref_time() as f64;
    format!("{:.1} %", part * 100.0)
}

#[cfg(test)]
mod tests {
    use assay_runtime::{genesis, RuntimeGenesisConfig};
    use frame_support::traits::{GetStorageVersion, StorageVersion};
    use serde_json::Value;
    use sp_runtime::BuildStorage;

    use super::*;

    /// The genesis of the local network, as the runtime before has written it.
    fn state() -> sp_io::TestExternalities {
        let preset = genesis::preset(&"local_testnet".into()).unwrap();
        let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
        lay_over(&mut config, serde_json::from_slice(&preset).unwrap());
        let config: RuntimeGenesisConfig = serde_json::from_value(config).unwrap();
        let mut state: sp_io::TestExternalities = config.build_storage().unwrap().into();
        state.execute_with(|| {
            let before = VERSION.spec_version - 1;
            LastRuntimeUpgrade::<Runtime>::put(frame_system::LastRuntimeUpgradeInfo {
                spec_version: before.into(),
                spec_name: VERSION.spec_name,
            });
        });
        state
    }

    fn lay_over(target: &mut Value, patch: Value) {
        match (target, patch) {
            (Value::Object(target), Value::Object(patch)) => {
                for (key, value) in patch {
                    lay_over(target.entry(key).or_insert(Value::Null), value);
                }
            },
            (target, patch) => *target = patch,
        }
    }

    fn tried(change: impl FnOnce()) -> Result<(), String> {
        state().execute_with(|| {
            change();
            run(10, &mut |_| ()).map_err(|error| format!("{error:#}"))
        })
    }

    #[test]
    fn a_sound_state_is_accepted() {
        assert_eq!(tried(|| ()), Ok(()));
    }

    #[test]
    fn work_that_a_block_has_no_time_for_is_refused() {
        let (block, step) = (MAXIMUM_BLOCK_WEIGHT, MigrationBudget::get());
        let more = Weight::from_parts(1, 0);
        for (most, part) in [(block, "more than 100.0 %"), (step, "more than 50.0 %")] {
            fits("it", Weight::zero(), most).unwrap();
            fits("it", most, most).unwrap();
            let error = fits("it", most.saturating_add(more), most).unwrap_err().to_string();
            assert!(error.starts_with("it: ") && error.contains(part), "{error}");
        }
        let error = fits("it", block.saturating_mul(4), block).unwrap_err().to_string();
        assert!(error.contains("400.0 % of a block"), "{error}");
        let too_large = step.set_proof_size(2);
        assert!(fits("it", too_large, step.set_proof_size(1)).is_err());
    }

    #[test]
    fn broken_states_are_refused_by_what_is_wrong() {
        type Breaks = (&'static str, fn());
        let all: [Breaks; 5] = [
            ("an older one", || {
                LastRuntimeUpgrade::<Runtime>::mutate(|last| {
                    last.as_mut().unwrap().spec_version = (VERSION.spec_version + 1).into()
                })
            }),
            ("is of a chain with runtime `other`", || {
                LastRuntimeUpgrade::<Runtime>::mutate(|last| {
                    last.as_mut().unwrap().spec_name = "other".into()
                })
            }),
            ("no version", || LastRuntimeUpgrade::<Runtime>::kill()),
            // Without its migration, the storage version of a pallet is older than its code.
            ("an invariant does not hold", || StorageVersion::new(0).put::<assay_runtime::Room>()),
            ("cannot be decoded", || {
                frame_support::storage::unhashed::put_raw(
                    &frame_support::storage::storage_prefix(b"Room", b"Clocks"),
                    &[1],
                )
            }),
        ];
        for (expected, change) in all {
            let error = tried(change).unwrap_err();
            assert!(error.contains(expected), "{expected}: {error}");
        }
        assert!(assay_runtime::Room::on_chain_storage_version() >= StorageVersion::new(0));
    }
}
