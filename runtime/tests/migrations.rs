//! The upgrade from version 1: a state that the runtime of version 1 has written, and the runtime that
//! migrates it.
//!
//! `vectors/v1/state.txt` is the whole state of a chain with that runtime, one entry a line, made by
//! `vectors/v1/dump.rs`. On this chain, requests of each class that needs no proof have ended in each
//! way, some so long ago that they are pruned, and all models are withdrawn.

// Benchmarks have migrations of their own.
#![cfg(not(feature = "runtime-benchmarks"))]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use assay_primitives::{
    merkle, receipt::ROOTS_PER_PAGE, runtime_api::Status, Assurance, BlockNumber, Digest, Outcome,
    RequestId, RequestInput, VersionId, ASY,
};
use assay_runtime::{
    configs::{
        migrations::{Emptied, MultiBlock, StorageChanged},
        system::RuntimeBlockWeights,
    },
    constants::{MinValidatorBond, SessionsPerEra},
    transactions::authorized_extension,
    AccountId, AuthorityDiscovery, Babe, Block, Executive, Inference, MultiBlockMigrations,
    Referenda, Room, Runtime, RuntimeCall, RuntimeEvent, Scheduler, Session, System,
    UncheckedExtrinsic, VERSION,
};
use codec::{Decode, Encode};
use common::*;
use frame_support::{
    assert_ok,
    migrations::{MultiStepMigrator, SteppedMigrations},
    storage::{storage_prefix, unhashed},
    traits::{GetStorageVersion, PalletInfoAccess, StorageVersion},
};
use frame_system::RawOrigin;
use pallet_inference::migrations::v1::{Before, MAX_LEAVES};
use pallet_migrations::{Cursor, Historic, MigrationCursor};
use sp_core::storage::Storage;
use sp_io::hashing;
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{
    generic::SignedPayload,
    traits::{Block as _, Header as _, TransactionExtension},
    transaction_validity::{InvalidTransaction, TransactionValidityError},
    ExtrinsicInclusionMode, MultiSignature, Perbill,
};

/// The payer of all requests of version 1.
const PAYER: Sr25519Keyring = Ferdie;
const OPERATOR: Sr25519Keyring = AliceStash;
const MODEL_FILE: &[u8] = b"a model of version 2";
/// Receipts that are added to those of the vectors, so that the migration takes several blocks.
const MORE: u64 = 20_000;
/// Identifier of the first one. The requests of the vectors have smaller ones.
const FIRST_MORE: u64 = 1_000_000;

// --- the state of version 1 -------------------------------------------------------------------

fn unhex(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits");
    (0..text.len()).step_by(2).map(byte).collect()
}

fn hashed<const N: usize>(hash: [u8; N], key: &[u8]) -> Vec<u8> {
    [&hash[..], key].concat()
}

fn blake2_128_concat(key: &[u8]) -> Vec<u8> {
    hashed(hashing::blake2_128(key), key)
}

fn twox_64_concat(key: &[u8]) -> Vec<u8> {
    hashed(hashing::twox_64(key), key)
}

fn prefix(item: &str) -> Vec<u8> {
    storage_prefix(b"Inference", item.as_bytes()).to_vec()
}

/// A state in the encoding of version 1.
struct State(BTreeMap<Vec<u8>, Vec<u8>>);

impl State {
    fn of_the_vectors() -> Self {
        let lines = include_str!("vectors/v1/state.txt").lines();
        let entry = |line: &str| {
            let (key, value) = line.split_once(' ').expect("a key and a value");
            (unhex(key), unhex(value))
        };
        Self(lines.map(entry).collect())
    }

    /// Adds the receipts and client keys of pruned requests, as the vectors have them.
    fn with_more(mut self) -> Self {
        for number in FIRST_MORE..FIRST_MORE + MORE {
            let id = number.encode();
            let digest = hashing::blake2_256(&id);
            let key = [prefix("ReceiptDigests"), blake2_128_concat(&id)].concat();
            self.0.insert(key, digest.to_vec());
            let payer = blake2_128_concat(&PAYER.to_account_id().encode());
            let key = [prefix("ClientKeys"), payer, blake2_128_concat(&digest)].concat();
            self.0.insert(key, id);
        }
        self
    }

    /// The entries of a map of the pallet. `hash` is the number of bytes of the hash in its keys.
    fn map<K: Decode, V: Decode>(&self, item: &str, hash: usize) -> Vec<(K, V)> {
        let prefix = prefix(item);
        let of_map = self.0.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix));
        of_map
            .map(|(key, value)| {
                let key = K::decode(&mut &key[prefix.len() + hash..]).expect("a key");
                (key, V::decode(&mut &value[..]).expect("a value"))
            })
            .collect()
    }

    fn digests(&self) -> BTreeMap<RequestId, Digest> {
        self.map("ReceiptDigests", 16).into_iter().collect()
    }

    /// The finished requests that are not pruned, by the height of their end, in the order of their
    /// ends.
    fn finished(&self) -> BTreeMap<BlockNumber, Vec<RequestId>> {
        let by_position: BTreeMap<u64, (RequestId, BlockNumber)> =
            self.map("Finished", 8).into_iter().collect();
        let mut by_height: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, height) in by_position.into_values() {
            by_height.entry(height).or_default().push(id);
        }
        by_height
    }

    fn externalities(&self) -> sp_io::TestExternalities {
        Storage { top: self.0.clone(), children_default: Default::default() }.into()
    }
}

/// The root of the tree over these digests, as RFC 6962 defines it: by halves.
fn root(digests: &[Digest]) -> Digest {
    match digests {
        [] => panic!("a tree has leaves"),
        [digest] => hashing::blake2_256(&[&[0], &digest[..]].concat()).into(),
        _ => {
            let left = digests.len().next_power_of_two() / 2;
            let (left, right) = (root(&digests[..left]), root(&digests[left..]));
            hashing::blake2_256(&[&[1], &left[..], &right[..]].concat()).into()
        },
    }
}

// --- blocks -----------------------------------------------------------------------------------

/// Receipts that became the leaves of a tree, with its height.
type Moved = BTreeMap<BlockNumber, Vec<(RequestId, Digest)>>;

/// Makes a block with the timestamp alone. Returns what else its author may include.
fn bare_block() -> ExtrinsicInclusionMode {
    let (header, timestamp) = begin(GENESIS_HASH);
    let mode = Executive::initialize_block(&header);
    Executive::apply_extrinsic(timestamp).expect("it may enter").expect("it fits the slot");
    Executive::finalize_block();
    let weight = System::block_weight().total();
    assert!(weight.all_lte(RuntimeBlockWeights::get().max_block), "{weight:?}");
    mode
}

/// Makes blocks until the migration is over. Returns their number and what they moved.
fn migrate(state: &mut sp_io::TestExternalities) -> (u32, Moved) {
    let (mut blocks, mut moved) = (0, Moved::new());
    loop {
        assert!(blocks < 100, "the migration does not end");
        state.execute_with(|| {
            assert_eq!(bare_block(), ExtrinsicInclusionMode::OnlyInherents);
            moved.extend(moves());
        });
        state.commit_all().expect("no transaction is open");
        blocks += 1;
        if !state.execute_with(MultiBlockMigrations::ongoing) {
            return (blocks, moved);
        }
    }
}

/// What the last block moved.
fn moves() -> Moved {
    let receipts = |event| match event {
        RuntimeEvent::Inference(pallet_inference::Event::ReceiptsMoved { height, receipts }) => {
            Some((height, receipts))
        },
        _ => None,
    };
    events().into_iter().filter_map(receipts).collect()
}

fn has_failed() -> bool {
    let failed = RuntimeEvent::MultiBlockMigrations(pallet_migrations::Event::UpgradeFailed);
    events().contains(&failed)
}

/// Pretends that the last block was made by an earlier runtime.
fn forget_last_upgrade() {
    frame_system::LastRuntimeUpgrade::<Runtime>::mutate(|last| {
        last.as_mut().expect("there was an upgrade").spec_version = 2.into();
    });
}

fn remark() -> RuntimeCall {
    frame_system::Call::remark_with_event { remark: b"waiting".to_vec() }.into()
}

/// Checks that each receipt is where it belongs, and that nothing is left of version 1.
fn check_migrated(before: &State, moved: &Moved) {
    let digests = before.digests();
    let finished = before.finished();
    let mut pruned = digests.clone();
    for (height, ids) in &finished {
        let receipts: Vec<_> = ids.iter().map(|id| (*id, digests[id])).collect();
        assert_eq!(moved.get(height), Some(&receipts), "block {height}");
        pruned.retain(|id, _| !ids.contains(id));
    }
    let mut moved_pruned = BTreeMap::new();
    for (height, receipts) in moved {
        let leaves: Vec<_> = receipts.iter().map(|(_, digest)| *digest).collect();
        assert_eq!(Inference::receipt_root(*height), Some(root(&leaves).into()), "block {height}");
        if !finished.contains_key(height) {
            assert!(leaves.len() <= MAX_LEAVES as usize);
            moved_pruned.extend(receipts.iter().copied());
        }
    }
    assert_eq!(moved_pruned, pruned);
    let roots: u32 = pallet_inference::ReceiptRoots::<Runtime>::iter_values()
        .map(|page| page.blocks.count_ones())
        .sum();
    assert_eq!(roots as usize, moved.len(), "there is a root of something else");

    // What is left of the pallet are items of version 2.
    let items = [
        "NextRequest",
        "ReceiptRoots",
        "AgendaCursor",
        "PruneCursor",
        "RecentVrfs",
        "DrawsDue",
        ":__STORAGE_VERSION__:",
    ];
    let known: BTreeSet<_> = items.into_iter().map(prefix).collect();
    let pallet = hashing::twox_128(b"Inference");
    let mut key = pallet.to_vec();
    while let Some(next) = sp_io::storage::next_key(&key).filter(|key| key.starts_with(&pallet)) {
        assert!(known.contains(&next[..32]), "left: {next:02x?}");
        key = next;
    }
    assert!(!unhashed::contains_prefixed_key(&storage_prefix(b"Verification", b"Equivocations")));
    check_all();
}

// --- tests ------------------------------------------------------------------------------------

#[test]
fn the_vectors_have_finished_and_pruned_requests() {
    let state = State::of_the_vectors();
    let finished = state.finished();
    let kept: BTreeSet<_> = finished.values().flatten().copied().collect();
    let digests = state.digests();
    assert_eq!((kept.len(), digests.len()), (9, 15));
    assert_eq!(finished.values().filter(|ids| ids.len() > 1).count(), 2);
    let keys: Vec<([u8; 16], RequestId)> = state.map("ClientKeys", 0);
    assert_eq!(keys.len(), digests.len(), "client keys were kept for good");
    // The digests are those of the receipts, of which the height of the end is the last field.
    let receipts: BTreeMap<RequestId, AnyBytes> = state.map("Receipts", 8).into_iter().collect();
    assert_eq!(receipts.keys().copied().collect::<BTreeSet<_>>(), kept);
    for (height, ids) in finished {
        for id in ids {
            let receipt = &receipts[&id].0;
            let tagged = [b"assay/receipt/1", &receipt[..]].concat();
            assert_eq!(digests[&id], hashing::blake2_256(&tagged).into());
            assert_eq!(receipt[receipt.len() - 4..], height.to_le_bytes());
        }
    }
}

/// The bytes of a value.
struct AnyBytes(Vec<u8>);

impl Decode for AnyBytes {
    fn decode<I: codec::Input>(input: &mut I) -> Result<Self, codec::Error> {
        let mut bytes = vec![0; input.remaining_len()?.expect("a slice has a length")];
        input.read(&mut bytes)?;
        Ok(Self(bytes))
    }
}

/// Publishes version 1 of model 1. Model 0 is removed.
fn publish_another() -> VersionId {
    let owner = EveStash;
    let (descriptor, version) = (integers(MODEL_FILE), version(1, 1));
    submit(owner, announce(MODEL_FILE));
    submit(owner, upload(MODEL_FILE, 0, descriptor.artifact));
    submit(owner, pallet_model_registry::Call::create { name: bounded(b"another-model") });
    submit(
        owner,
        pallet_model_registry::Call::publish {
            model: version.model,
            descriptor,
            royalty: Perbill::zero(),
            licence: bounded(b"Apache-2.0"),
            metadata: None,
            architecture: None,
        },
    );
    version
}

#[test]
fn receipts_become_roots_over_several_blocks_and_the_chain_goes_on() {
    let before = State::of_the_vectors().with_more();
    let mut state = before.externalities();
    let (expected, clocks) = state.execute_with(|| {
        (
            Before::<Runtime>::read().expect("no request is open"),
            pallet_room::Clocks::<Runtime>::get(),
        )
    });
    let count = expected.receipts();
    assert_eq!(count, before.digests().len());

    let (blocks, moved) = migrate(&mut state);
    println!("{count} receipts and as many client keys took {blocks} blocks");
    assert!(blocks > 3, "{blocks} blocks are not several");
    assert_eq!(moved.values().map(Vec::len).sum::<usize>(), count);
    state.execute_with(|| {
        check_migrated(&before, &moved);
        assert_ok!(expected.check_after());
        assert_eq!(pallet_room::Clocks::<Runtime>::get(), clocks, "no block had room");
        let last = frame_system::LastRuntimeUpgrade::<Runtime>::get().expect("it was noted");
        assert_eq!(last.spec_version.0, VERSION.spec_version);
        assert_eq!(Historic::<Runtime>::iter().count() as u32, MultiBlock::len());

        // Every receipt has a path to the root of its height.
        for (height, receipts) in &moved {
            let leaves: Vec<_> = receipts.iter().map(|(_, digest)| *digest).collect();
            let page = pallet_inference::ReceiptRoots::<Runtime>::get(height / ROOTS_PER_PAGE);
            let proven = page.get(height % ROOTS_PER_PAGE);
            for index in [0, leaves.len() / 2, leaves.len() - 1] {
                let path = merkle::path(&leaves, index).expect("there is such a leaf");
                let count = leaves.len() as u32;
                let found = merkle::root_of(&leaves[index], index as u32, count, &path);
                assert_eq!(found.map(Into::into), proven, "leaf {index} at {height}");
            }
        }

        // Requests are made and answered, with the bonds and worker keys of version 1.
        assert_eq!(bare_block(), ExtrinsicInclusionMode::AllExtrinsics);
        let next = pallet_inference::NextRequest::<Runtime>::get();
        let version = publish_another();
        submit(
            OPERATOR,
            pallet_operators::Call::serve {
                version,
                ask: ASY,
                concurrency: 4,
                response_blocks: 1,
                classes: both(),
                max_royalty: Perbill::zero(),
            },
        );
        let operator = OPERATOR.to_account_id();
        assert_ok!(include(general(heartbeat(&operator, &worker(0), System::block_number()))));
        // A key of version 1 can be used again.
        submit(
            PAYER,
            pallet_inference::Call::request {
                version,
                input: RequestInput::Inline(bounded(&integer_payload(&[2, 3]))),
                assurance: Assurance::Signed,
                max_price: 2 * ASY,
                deadline: System::block_number() + 10,
                draw_delay: 1,
                client_key: [1; 32],
            },
        );
        assert!(next >= RequestId(15), "identifiers are not used twice");
        empty_block();
        assert_eq!(record(next).accounts(), vec![operator.clone()]);
        let output = integer_payload(&[5]);
        assert_ok!(include(general(result(next, &operator, &worker(0), &output))));
        assert_eq!(record(next).status, Status::Final(Outcome::Verified));
        assert!(Inference::receipt_root(System::block_number()).is_some());
        check_all();
    });
}

#[test]
fn every_pallet_has_the_storage_version_of_its_code() {
    macro_rules! versions {
        ($($pallet:ident)*) => {
            [$((
                <assay_runtime::$pallet as PalletInfoAccess>::name(),
                assay_runtime::$pallet::on_chain_storage_version(),
                assay_runtime::$pallet::in_code_storage_version(),
            )),*]
        };
    }
    let versions = || versions![Disputes Inference ModelRegistry Operators Settlement Storage Verification Room];
    let mut state = State::of_the_vectors().externalities();
    state.execute_with(|| {
        for (pallet, on_chain, _) in versions() {
            let expected = if pallet == "Room" { 0 } else { 1 };
            assert_eq!(on_chain, StorageVersion::new(expected), "{pallet} before");
        }
    });
    migrate(&mut state);
    state.execute_with(|| {
        for (pallet, on_chain, in_code) in versions() {
            assert_eq!(on_chain, in_code, "{pallet} after");
        }
    });
}

#[test]
fn transactions_wait_in_the_pool_while_a_migration_runs() {
    let mut state = State::of_the_vectors().with_more().externalities();
    let (old, new, beat) = state.execute_with(|| {
        let beat = heartbeat(&OPERATOR.to_account_id(), &worker(0), System::block_number());
        (signed_for_version_2(PAYER, remark()), signed(PAYER, remark()), general(beat))
    });
    // Whoever signed for the runtime before the upgrade has to sign again.
    state.execute_with(|| {
        bare_block();
        let invalid = TransactionValidityError::Invalid(InvalidTransaction::BadProof);
        assert_eq!(validate(old), Err(invalid));
    });
    state.commit_all().expect("no transaction is open");
    let mut closed = 0;
    while state.execute_with(MultiBlockMigrations::ongoing) {
        state.execute_with(|| {
            assert_ok!(validate(new.clone()));
            assert_ok!(validate(beat.clone()));
            assert_eq!(bare_block(), ExtrinsicInclusionMode::OnlyInherents);
            assert_eq!(System::account_nonce(PAYER.to_account_id()), nonce_of(&new));
        });
        state.commit_all().expect("no transaction is open");
        closed += 1;
    }
    assert!(closed > 2);
    state.execute_with(|| {
        for result in block(vec![beat, new]) {
            assert_eq!(result, Ok(Ok(())));
        }
    });
}

/// A transaction that was signed for the runtime of version 1.
fn signed_for_version_2(who: Sr25519Keyring, call: RuntimeCall) -> UncheckedExtrinsic {
    let mut extension = authorized_extension();
    let nonce = System::account_nonce(who.to_account_id());
    extension.6 = frame_system::CheckNonce::from(nonce);
    let mut implicit = extension.implicit().expect("it is known");
    (implicit.2, implicit.3) = (2, 2);
    let payload = SignedPayload::from_raw(call, extension, implicit);
    let signature = payload.using_encoded(|bytes| who.sign(bytes));
    let (call, extension, _) = payload.deconstruct();
    let signature = MultiSignature::Sr25519(signature);
    UncheckedExtrinsic::new_signed(call, who.to_account_id().into(), signature, extension)
}

fn nonce_of(transaction: &UncheckedExtrinsic) -> u32 {
    match &transaction.preamble {
        sp_runtime::generic::Preamble::Signed(_, _, extension) => extension.6 .0,
        _ => panic!("it is signed"),
    }
}

#[test]
#[should_panic(expected = "Only inherents are allowed in this block")]
fn a_block_of_a_migration_with_a_transaction_is_refused() {
    State::of_the_vectors().externalities().execute_with(|| {
        let (header, timestamp) = begin(System::parent_hash());
        let parent = System::block_hash(header.number() - 1);
        let header = assay_runtime::Header { parent_hash: parent, ..header };
        let transactions = vec![timestamp, signed(PAYER, remark())];
        Executive::execute_block(Block::new(header, transactions).into());
    });
}

#[test]
fn an_interrupted_migration_goes_on() {
    let before = State::of_the_vectors().with_more();
    let (blocks, expected) = migrate(&mut before.externalities());
    // The cursor stays, or it is lost and the migration begins again.
    for lost in [false, true] {
        let mut state = before.externalities();
        let mut moved = Moved::new();
        for _ in 0..3 {
            state.execute_with(|| {
                bare_block();
                moved.extend(moves());
            });
            state.commit_all().expect("no transaction is open");
        }
        assert!(moved.values().map(Vec::len).sum::<usize>() < before.digests().len());
        state.execute_with(|| {
            let cursor = Cursor::<Runtime>::get();
            assert!(matches!(cursor, Some(MigrationCursor::Active(_))), "{cursor:?}");
            if lost {
                Cursor::<Runtime>::kill();
            }
            forget_last_upgrade();
            assert_eq!(bare_block(), ExtrinsicInclusionMode::OnlyInherents);
            assert_eq!(has_failed(), !lost, "an interruption is reported");
            moved.extend(moves());
        });
        state.commit_all().expect("no transaction is open");
        let (more, rest) = migrate(&mut state);
        moved.extend(rest);
        if !lost {
            assert_eq!(more + 4, blocks);
            assert_eq!(moved, expected);
        }
        state.execute_with(|| check_migrated(&before, &moved));
    }
}

#[test]
fn a_failing_step_keeps_the_chain_closed_and_the_state_as_it_was() {
    let before = State::of_the_vectors();
    let mut state = before.externalities();
    // A request is open: it is on the agenda.
    let open =
        [prefix("Agenda"), twox_64_concat(&200u32.encode()), twox_64_concat(&77u64.encode())]
            .concat();
    state.execute_with(|| {
        unhashed::put_raw(&open, &[]);
        assert!(Before::<Runtime>::read().is_err());
    });
    let untouched = |key: &[u8]| unhashed::get_raw(key);
    for _ in 0..3 {
        state.execute_with(|| {
            assert_eq!(bare_block(), ExtrinsicInclusionMode::OnlyInherents);
            assert!(has_failed());
            let Some(MigrationCursor::Active(cursor)) = Cursor::<Runtime>::get() else {
                panic!("the handler keeps the cursor")
            };
            assert_eq!((cursor.index, cursor.inner_cursor), (0, None));
            assert_ok!(validate(signed(PAYER, remark())));
            for (key, value) in
                before.0.iter().filter(|(key, _)| key.starts_with(&prefix("")[..16]))
            {
                assert_eq!(untouched(key).as_ref(), Some(value), "{key:02x?}");
            }
            assert!(unhashed::exists(&open), "no hook touches what is not migrated");
        });
        state.commit_all().expect("no transaction is open");
    }
    // The nodes run a corrected runtime of the same version, for which the request is no obstacle.
    state.execute_with(|| unhashed::kill(&open));
    let (_, moved) = migrate(&mut state);
    state.execute_with(|| {
        assert!(!has_failed());
        check_migrated(&before, &moved);
    });
}

/// They could read a state in two encodings.
#[test]
fn scheduled_calls_wait_for_the_end_of_a_migration() {
    let mut state = State::of_the_vectors().with_more().externalities();
    let key = b"scheduled".to_vec();
    state.execute_with(|| {
        let items = vec![(key.clone(), vec![1])];
        let call = Box::new(frame_system::Call::set_storage { items }.into());
        let when = System::block_number() + 2;
        assert_ok!(Scheduler::schedule(RawOrigin::Root.into(), when, None, 0, call));
        // The new pallets have no entries yet, and the version of the code.
        bare_block();
        assert!(MultiBlockMigrations::ongoing());
        assert_eq!(Referenda::on_chain_storage_version(), Referenda::in_code_storage_version());
    });
    state.commit_all().expect("no transaction is open");
    let (blocks, _) = migrate(&mut state);
    assert!(blocks > 3);
    state.execute_with(|| {
        assert!(!unhashed::exists(&key));
        assert_eq!(bare_block(), ExtrinsicInclusionMode::AllExtrinsics);
        assert!(unhashed::exists(&key));
    });
}

#[test]
fn what_the_new_code_could_not_read_has_to_be_withdrawn_before() {
    State::of_the_vectors().externalities().execute_with(|| {
        assert_eq!(Emptied::<StorageChanged>::remaining().count(), 0);
        let artifact = [&storage_prefix(b"Storage", b"Artifacts")[..], &[1; 48]].concat();
        unhashed::put_raw(&artifact, &[1]);
        let remaining: Vec<_> = Emptied::<StorageChanged>::remaining().collect();
        assert_eq!(remaining, [&("Storage", "Artifacts")]);
    });
}

/// The validators of version 3, of which those of the vectors have the same keys.
#[test]
fn the_validators_remain_until_others_have_stakes() {
    let mut state = State::of_the_vectors().externalities();
    let before = state.execute_with(|| {
        use assay_runtime::configs::migrations::v3::SessionKeys;
        let keys = |account: &AccountId| {
            let key = pallet_session::NextKeys::<Runtime>::hashed_key_for(account);
            unhashed::get::<SessionKeys>(&key).expect("a validator has keys")
        };
        let all = validators::validators();
        all.into_iter().map(|account| (account.clone(), keys(&account))).collect::<Vec<_>>()
    });
    assert_eq!(before.len(), 4);
    migrate(&mut state);
    state.execute_with(|| {
        let same = |expected: &[(AccountId, _)]| {
            let accounts: Vec<_> = expected.iter().map(|(account, _)| account.clone()).collect();
            assert_eq!(validators::validators(), accounts);
        };
        same(&before);
        for (account, old) in &before {
            let new = pallet_session::NextKeys::<Runtime>::get(account).expect("it has keys");
            assert_eq!((&new.babe, &new.grandpa), (&old.babe, &old.grandpa));
            let keys: [&[u8]; 2] = [new.authority_discovery.as_ref(), new.babe.as_ref()];
            assert_eq!(keys[0], keys[1]);
            let id = sp_core::crypto::key_types::AUTHORITY_DISCOVERY;
            let owner = Session::key_owner(id, new.authority_discovery.as_ref());
            assert_eq!(owner.as_ref(), Some(account));
        }
        assert_eq!(AuthorityDiscovery::authorities().len(), 4);
        assert_eq!(bare_block(), ExtrinsicInclusionMode::AllExtrinsics);

        // Nobody has a stake, for two eras.
        for _ in 0..2 * SessionsPerEra::get() {
            validators::next_session();
            same(&before);
        }
        assert_eq!(Babe::authorities().len(), 4);
        // Two are less than the minimum of three.
        for who in [Alice, Bob] {
            submit(who, validators::bond(MinValidatorBond::get()));
            submit(who, validators::candidacy());
        }
        validators::next_session();
        validators::next_session();
        same(&before);
        submit(Charlie, validators::bond(MinValidatorBond::get()));
        submit(Charlie, validators::candidacy());
        for _ in 0..3 {
            validators::next_session();
        }
        let elected = validators::validators();
        assert_eq!((validators::era(), elected.len()), (1, 3));
        assert!(!elected.contains(&Dave.to_account_id()));
        check_all();
    });
}

#[test]
fn a_chain_of_this_version_is_not_migrated() {
    run(|| {
        forget_last_upgrade();
        let before = Inference::receipt_root(System::block_number());
        let keys = pallet_session::QueuedKeys::<Runtime>::get();
        assert_eq!(bare_block(), ExtrinsicInclusionMode::OnlyInherents);
        assert_eq!(pallet_session::QueuedKeys::<Runtime>::get(), keys);
        assert!(!MultiBlockMigrations::ongoing(), "there was nothing to do");
        assert_eq!(bare_block(), ExtrinsicInclusionMode::AllExtrinsics);
        assert_eq!((before, moves()), (None, Moved::new()));
        assert_eq!(Inference::on_chain_storage_version(), StorageVersion::new(2));
        let _ = Room::do_try_state();
    });
}
