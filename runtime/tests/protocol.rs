//! The numbers in docs/protocol.md are those of the runtime, and the other way round.

use std::{collections::BTreeMap, fs, path::Path};

use assay_primitives::{
    artifact::{MAX_ARTIFACT_BYTES, MAX_CHUNKS, MAX_CHUNK_BYTES},
    assurance::MAX_COMMITTEE,
    model::{MAX_LICENCE_BYTES, MAX_NAME_BYTES, MAX_TENSORS},
    proof::{MAX_ARCHITECTURE_BYTES, MAX_AUDIT_BYTES, MAX_AUDIT_PIECES, MAX_PROOF_BYTES},
    tensor::{MAX_RANK, MAX_TENSOR_NAME_BYTES},
    Assurance, AssuranceClasses, MAX_TRANSACTION_BYTES, TOKEN_DECIMALS,
};
use assay_runtime::{
    configs::{
        consensus::ReportLongevity,
        governance::{self, PreimageBaseDeposit},
        system::MaxTransactionWeight,
    },
    constants::{
        MaxBackers, MaxCandidates, MaxVoters, MinNominatorBond, MinValidatorBond,
        ReportableSessions,
    },
    governance::origins::{self, Technical},
    AccountId, Runtime,
};
use frame_support::{
    dispatch::DispatchClass,
    traits::Get,
    weights::{Weight, WeightToFee},
};
use pallet_transaction_payment::{Multiplier, MultiplierUpdate};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_runtime::Perbill;

const DOCUMENT: &str = include_str!("../../docs/protocol.md");
/// Heading of the part whose tables have the bounds.
const BOUNDS: &str = "## Bounds";
/// Heading of the table whose values follow from measured weights.
const CAPACITY: &str = "### Capacity of the hooks";

/// A value as the document states it, in the smallest unit of its kind.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Value {
    Blocks(u128),
    Bytes(u128),
    Plancks(u128),
    /// Parts of 10^9.
    Share(u128),
    Picoseconds(u128),
    /// Of anything else.
    Count(u128),
    /// What is no number.
    Text(String),
}

/// Reads a decimal number with `scale` smallest units, exactly. Commas may separate digits.
fn decimal(text: &str, scale: u128) -> Option<u128> {
    let digits = text.replace(',', "");
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let steps = 10u128.checked_pow(fraction.len() as u32)?;
    let parts = whole.parse::<u128>().ok()?.checked_mul(steps)?;
    let parts =
        parts.checked_add(if fraction.is_empty() { 0 } else { fraction.parse().ok()? })?;
    let scaled = parts.checked_mul(scale)?;
    (scaled % steps == 0).then_some(scaled / steps)
}

/// Reads a value and its unit.
fn value(text: &str, unit: &str) -> Option<Value> {
    let scaled = |scale| decimal(text, scale);
    Some(match unit {
        "block" | "blocks" => Value::Blocks(scaled(1)?),
        "bytes" => Value::Bytes(scaled(1)?),
        "KiB" => Value::Bytes(scaled(1 << 10)?),
        "MiB" => Value::Bytes(scaled(1 << 20)?),
        "planck" | "plancks" => Value::Plancks(scaled(1)?),
        "ASY" => Value::Plancks(scaled(1_000_000_000_000)?),
        "%" => Value::Share(scaled(10_000_000)?),
        "ms" => Value::Picoseconds(scaled(1_000_000_000)?),
        "classes" | "pallet id" => Value::Text(text.into()),
        _ => Value::Count(scaled(1)?),
    })
}

/// Rows of the tables of bounds that are under one heading or not.
fn rows(of_capacity: bool) -> BTreeMap<String, Value> {
    let (_, bounds) = DOCUMENT.split_once(BOUNDS).expect("there is a part with bounds");
    let mut rows = BTreeMap::new();
    let mut heading = "";
    for line in bounds.lines() {
        if line.starts_with('#') {
            heading = line;
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let is_rule = |cell: &&str| cell.chars().all(|c| c == '-');
        if !line.starts_with('|') || cells.iter().all(is_rule) {
            continue;
        }
        let ["", constant, number, unit, _, ""] = cells[..] else {
            panic!("{heading}: not four columns: {line}")
        };
        if constant == "constant" {
            assert_eq!((number, unit), ("value", "unit"), "{heading}: {line}");
            continue;
        }
        let constant = constant
            .strip_prefix('`')
            .and_then(|constant| constant.strip_suffix('`'))
            .unwrap_or_else(|| panic!("{heading}: no constant in backticks: {line}"));
        let value = value(number, unit).unwrap_or_else(|| panic!("{heading}: the value of {line}"));
        if of_capacity == (heading == CAPACITY) {
            let twice = rows.insert(constant.to_owned(), value);
            assert!(twice.is_none(), "two rows for {constant}");
        }
    }
    rows
}

fn count(number: impl Into<u128>) -> Value {
    Value::Count(number.into())
}

fn blocks(number: impl Into<u128>) -> Value {
    Value::Blocks(number.into())
}

fn bytes(number: impl Into<u128>) -> Value {
    Value::Bytes(number.into())
}

fn plancks(number: u128) -> Value {
    Value::Plancks(number)
}

fn share(of: Perbill) -> Value {
    Value::Share(of.deconstruct().into())
}

fn multiplier(of: Multiplier) -> Value {
    let parts = of.into_inner();
    assert_eq!(parts % 1_000_000_000, 0);
    Value::Share(parts / 1_000_000_000)
}

fn milliseconds(number: u64) -> Value {
    Value::Picoseconds(u128::from(number) * 1_000_000_000)
}

fn time(of: Weight) -> Value {
    Value::Picoseconds(of.ref_time().into())
}

fn classes(of: AssuranceClasses) -> Value {
    Value::Text(of.iter().map(|class| class.name()).collect::<Vec<_>>().join(" "))
}

/// The identifier that the account of a pallet is made from.
fn pallet_id(account: AccountId) -> Value {
    let bytes: &[u8] = account.as_ref();
    assert!(bytes.starts_with(b"modl") && bytes[12..].iter().all(|byte| *byte == 0));
    Value::Text(String::from_utf8(bytes[4..12].to_vec()).unwrap())
}

/// A constant that is an integer literal or a product of such, from the sources below a folder. For
/// those that are private.
fn literal(folder: &str, name: &str) -> u128 {
    fn collect(folder: &Path, sources: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut sources = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), &mut sources);
    let definition = format!("const {name}: ");
    let found: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.lines())
        .filter_map(|line| line.split_once(definition.as_str())?.1.split_once(" = "))
        .map(|(_, literal)| literal)
        .collect();
    let [literal] = found[..] else { panic!("{name} is defined {} times", found.len()) };
    let factor = |factor: &str| factor.replace('_', "").parse::<u128>().ok();
    literal
        .strip_suffix(';')
        .and_then(|literal| literal.split(" * ").map(factor).product::<Option<u128>>())
        .unwrap_or_else(|| panic!("{folder}: {name} is no integer literal: {literal}"))
}

/// A value of a genesis preset.
fn preset(name: &str, key: &str) -> Value {
    let json = assay_runtime::genesis::preset(&name.into()).expect("there is such a preset");
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let found = json
        .pointer(&format!("/{}", key.replace('.', "/")))
        .unwrap_or_else(|| panic!("{name} has no {key}"));
    let number = |json: &serde_json::Value| u128::from(json.as_u64().expect("a number"));
    match key {
        "staking.validatorCount" | "staking.minimumValidatorCount" => count(number(found)),
        "staking.stakers" => {
            let stakes: Vec<_> =
                found.as_array().unwrap().iter().map(|entry| number(&entry[2])).collect();
            assert!(!stakes.is_empty() && stakes.iter().all(|stake| *stake == stakes[0]));
            plancks(stakes[0])
        },
        "session.keys" => count(found.as_array().unwrap().len() as u64),
        "babe.epochConfig.c" => {
            let (of, all) = (number(&found[0]), number(&found[1]));
            Value::Share(of * 1_000_000_000 / all)
        },
        "balances.balances" => {
            let amounts = found.as_array().unwrap().iter().map(|entry| number(&entry[1]));
            // The treasury has the existential deposit.
            let endowed: Vec<_> = amounts.filter(|amount| *amount > 1_000_000_000).collect();
            assert!(endowed.len() > 1 && endowed.iter().all(|amount| *amount == endowed[0]));
            plancks(endowed[0])
        },
        _ => blocks(number(found)),
    }
}

/// Smallest committee that may be asked for.
fn smallest_committee() -> u8 {
    (0..=u8::MAX).find(|n| Assurance::Quorum { n: *n, k: *n }.is_well_formed()).unwrap()
}

/// Every value that has a row, by the name in its row.
fn constants() -> Vec<(String, Value)> {
    let mut all: Vec<(String, Value)> = Vec::new();
    macro_rules! config {
        ($($kind:ident($type:ty): $pallet:ident $($name:ident)*;)*) => {$($(
            all.push((
                concat!(stringify!($pallet), "::Config::", stringify!($name)).into(),
                $kind(<<Runtime as $pallet::Config>::$name as Get<$type>>::get()),
            ));
        )*)*};
    }
    config! {
        blocks(u32): pallet_inference MinDeadline RevealWindow MaxDeadline Retention AppealWindow;
        blocks(u32): pallet_inference RoomyBlocks;
        share(Perbill): pallet_room AnswerShare;
        bytes(u32): pallet_inference MaxInputBytes MaxArtifactInputBytes MaxOutputBytes;
        time(Weight): pallet_inference DrawBudget SweepBudget;
        count(u64): pallet_inference WorkerPriority;

        plancks(u128): pallet_operators MinBond;
        count(u32): pallet_operators MaxServers MaxServed MaxConcurrency;
        count(u64): pallet_operators HeartbeatPriority;
        blocks(u32): pallet_operators MaxResponseBlocks UnbondingPeriod SeatTimeout;
        blocks(u32): pallet_operators HeartbeatInterval HeartbeatTimeout;
        plancks(u128): pallet_operators WrongResultSlash NoAnswerSlash LostDisputeSlash;
        share(Perbill): pallet_operators EquivocationSlash CompensationShare;

        plancks(u128): pallet_disputes Bond;
        blocks(u32): pallet_disputes MaxBlocks;
        bytes(u32): pallet_disputes MaxOutputBytes MaxProofBytes;
        time(Weight): pallet_disputes SweepBudget;
        time(Weight): pallet_migrations MaxServiceWeight;
        count(u64): pallet_disputes AnswerPriority;

        classes(AssuranceClasses): pallet_model_registry AvailableClasses;
        share(Perbill): pallet_model_registry MaxRoyalty;
        plancks(u128): pallet_model_registry BaseDeposit ByteDeposit;
        bytes(u32): pallet_model_registry MaxInputBytes MaxOutputBytes;

        classes(AssuranceClasses): pallet_verification AvailableClasses;
        bytes(u32): pallet_verification MaxOutputBytes;

        plancks(u128): pallet_storage BaseDeposit ByteDeposit;

        share(Perbill): pallet_settlement TreasuryShare;
        pallet_id(AccountId): pallet_settlement TreasuryAccount;

        plancks(u128): pallet_referenda SubmissionDeposit;
        count(u32): pallet_referenda MaxQueued;
        count(u32): pallet_conviction_voting MaxVotes;
        count(u32): pallet_scheduler MaxScheduledPerBlock;

        plancks(u128): pallet_balances ExistentialDeposit;
        plancks(u128): pallet_session KeyDeposit;
        share(Perbill): pallet_validators ValidatorsShare BurntShare;
        count(u32): pallet_validators MissedBlocks MaxMembers;
        count(u32): pallet_staking SessionsPerEra BondingDuration SlashDeferDuration HistoryDepth;
        count(u32): pallet_staking MaxValidatorSet MaxExposurePageSize;
        count(u32): pallet_authority_discovery MaxAuthorities;
        milliseconds(u64): pallet_babe ExpectedBlockTime;
        milliseconds(u64): pallet_timestamp MinimumPeriod;
        count(u64): pallet_babe EpochDuration;
        count(u32): pallet_babe MaxAuthorities;
        count(u32): pallet_grandpa MaxAuthorities;
        count(u64): pallet_grandpa MaxSetIdSessionEntries;
        count(u8): pallet_transaction_payment OperationalFeeMultiplier;
        blocks(u32): frame_system BlockHashCount;
        count(u16): frame_system SS58Prefix;
    }

    let mut add = |name: &str, value| all.push((name.into(), value));
    add(
        "pallet_inference::Config::MinDeadline + RevealWindow",
        blocks(
            <Runtime as pallet_inference::Config>::MinDeadline::get()
                + <Runtime as pallet_inference::Config>::RevealWindow::get(),
        ),
    );
    add("assay_primitives::Assurance::is_well_formed", count(smallest_committee()));
    add("assay_primitives::assurance::MAX_COMMITTEE", count(MAX_COMMITTEE));
    let page = assay_primitives::receipt::ROOTS_PER_PAGE;
    add("assay_primitives::receipt::ROOTS_PER_PAGE", blocks(page));
    add("pallet_inference::MAX_ENDS", count(pallet_inference::MAX_ENDS));
    add("pallet_inference::MAX_BATCH", count(pallet_inference::MAX_BATCH));
    add("assay_primitives::MAX_LIST", count(assay_primitives::MAX_LIST));
    add("pallet_inference::PRIORITIES", blocks(pallet_inference::PRIORITIES));
    add("pallet_inference::MAX_DRAW_DELAY", blocks(pallet_inference::MAX_DRAW_DELAY));
    add("pallet_inference::RECENT_BLOCKS", blocks(pallet_inference::RECENT_BLOCKS));
    add("pallet_room::MAX_APART", count(pallet_room::MAX_APART));
    let answer = <Runtime as pallet_room::Config>::LargestAnswer::get();
    add("pallet_room::Config::LargestAnswer.weight", time(answer.weight));
    add("pallet_room::Config::LargestAnswer.bytes", bytes(answer.bytes));
    let largest_move = <Runtime as pallet_room::Config>::LargestMove::get();
    add("pallet_room::Config::LargestMove.weight", time(largest_move.weight));
    add("pallet_room::Config::LargestMove.bytes", bytes(largest_move.bytes));
    add("pallet_operators::MAX_PAST_WORKERS", count(pallet_operators::MAX_PAST_WORKERS));
    add("pallet_operators::MAX_FAILURES", count(pallet_operators::MAX_FAILURES));
    add("pallet_operators::COMPENSATION_STEP", blocks(pallet_operators::COMPENSATION_STEP));

    let timing = <Runtime as pallet_disputes::Config>::DefaultTiming::get();
    add("pallet_disputes::Config::DefaultTiming.window", blocks(timing.window));
    add("pallet_disputes::Config::DefaultTiming.response", blocks(timing.response));
    add("assay_dispute::MAX_MOVES", count(assay_dispute::MAX_MOVES));
    add("assay_dispute::MAX_WHOLE_BYTES", bytes(assay_dispute::MAX_WHOLE_BYTES));
    add("assay_dispute::MAX_LEAVES", count(assay_dispute::MAX_LEAVES));
    let of_graph = [
        ("merkle::LEAF_BYTES", bytes as fn(u64) -> Value, assay_graph::merkle::LEAF_BYTES),
        ("tile::TILE_ELEMENTS", count, assay_graph::tile::TILE_ELEMENTS),
        ("tile::TILE_WORK", count, assay_graph::tile::TILE_WORK),
        ("commit::MAX_TILE_OPENING_BYTES", bytes, assay_graph::commit::MAX_TILE_OPENING_BYTES),
    ];
    for (name, kind, number) in of_graph {
        add(&format!("assay_graph::{name}"), kind(number as u64));
    }

    for (pallet, cost) in [
        ("pallet_model_registry", <Runtime as pallet_model_registry::Config>::MaxProofCost::get()),
        ("pallet_verification", <Runtime as pallet_verification::Config>::MaxProofCost::get()),
    ] {
        for (name, value) in [
            ("architecture_bytes", bytes(cost.architecture_bytes)),
            ("products", count(cost.products)),
            ("cells", count(cost.cells)),
            ("hashes", count(cost.hashes)),
            ("openings", count(cost.openings)),
            ("proof_bytes", bytes(cost.proof_bytes)),
        ] {
            add(&format!("{pallet}::Config::MaxProofCost.{name}"), value);
        }
    }
    add("assay_proof::MIN_SECURITY_BITS", count(assay_proof::MIN_SECURITY_BITS as u64));
    for (name, value) in [
        ("proof::MAX_ARCHITECTURE_BYTES", bytes(MAX_ARCHITECTURE_BYTES)),
        ("proof::MAX_PROOF_BYTES", bytes(MAX_PROOF_BYTES)),
        ("proof::MAX_AUDIT_BYTES", bytes(MAX_AUDIT_BYTES)),
        ("proof::MAX_AUDIT_PIECES", count(MAX_AUDIT_PIECES)),
        ("model::MAX_NAME_BYTES", bytes(MAX_NAME_BYTES)),
        ("model::MAX_LICENCE_BYTES", bytes(MAX_LICENCE_BYTES)),
        ("model::MAX_TENSORS", count(MAX_TENSORS)),
        ("tensor::MAX_RANK", count(MAX_RANK)),
        ("tensor::MAX_TENSOR_NAME_BYTES", bytes(MAX_TENSOR_NAME_BYTES)),
        ("artifact::MAX_CHUNK_BYTES", bytes(MAX_CHUNK_BYTES)),
        ("artifact::MAX_CHUNKS", count(MAX_CHUNKS)),
        ("artifact::MAX_ARTIFACT_BYTES", bytes(MAX_ARTIFACT_BYTES)),
        ("TOKEN_DECIMALS", count(TOKEN_DECIMALS)),
        ("MAX_TRANSACTION_BYTES", bytes(MAX_TRANSACTION_BYTES)),
    ] {
        add(&format!("assay_primitives::{name}"), value);
    }

    type Fees<T> = <T as pallet_transaction_payment::Config>::FeeMultiplierUpdate;
    let fees = "pallet_transaction_payment::Config";
    let one = Weight::from_parts(1, 0);
    let weight_to_fee =
        <Runtime as pallet_transaction_payment::Config>::WeightToFee::weight_to_fee(&one);
    let length_to_fee = assay_runtime::configs::fees::TransactionByteFee::get();
    add(&format!("{fees}::WeightToFee"), plancks(weight_to_fee));
    add(&format!("{fees}::LengthToFee"), plancks(length_to_fee));
    let target = u128::from(Fees::<Runtime>::target().deconstruct());
    add(&format!("{fees}::FeeMultiplierUpdate::target"), Value::Share(target / 1_000_000_000));
    let variability = multiplier(Fees::<Runtime>::variability());
    add(&format!("{fees}::FeeMultiplierUpdate::variability"), variability);
    add(&format!("{fees}::FeeMultiplierUpdate::min"), multiplier(Fees::<Runtime>::min()));

    let weights = <Runtime as frame_system::Config>::BlockWeights::get();
    add("frame_system::Config::BlockWeights max_block", time(weights.max_block));
    let normal = weights.get(DispatchClass::Normal).max_total.expect("there is a bound");
    add("frame_system::Config::BlockWeights normal", time(normal));
    let length = <Runtime as frame_system::Config>::BlockLength::get();
    let longest = |class| bytes(*length.max.get(class));
    let most = time(MaxTransactionWeight::get());
    add("assay_runtime::configs::system::MaxTransactionWeight", most);
    add("frame_system::Config::BlockLength max", longest(DispatchClass::Operational));
    add("frame_system::Config::BlockLength normal", longest(DispatchClass::Normal));
    add("assay_runtime::configs::consensus::ReportLongevity", count(ReportLongevity::get()));
    let of_election = [
        ("MaxCandidates", MaxCandidates::get()),
        ("MaxVoters", MaxVoters::get()),
        ("MaxBackers", MaxBackers::get()),
        ("ReportableSessions", ReportableSessions::get()),
    ];
    for (name, number) in of_election {
        add(&format!("assay_runtime::constants::{name}"), count(number));
    }
    add("assay_runtime::constants::MinValidatorBond", plancks(MinValidatorBond::get()));
    add("assay_runtime::constants::MinNominatorBond", plancks(MinNominatorBond::get()));

    type Committee = <Runtime as pallet_collective::Config<Technical>>::MaxMembers;
    type Motions = <Runtime as pallet_collective::Config<Technical>>::MaxProposals;
    for (name, value) in [
        ("configs::governance::HourBlocks", blocks(governance::HourBlocks::get())),
        ("configs::governance::ScheduleBudget", time(governance::ScheduleBudget::get())),
        ("configs::governance::PreimageBaseDeposit", plancks(PreimageBaseDeposit::get())),
        ("configs::governance::MotionDeposit", plancks(governance::MotionDeposit::get())),
        ("governance::origins::TreasurerLimit", plancks(origins::TreasurerLimit::get())),
        ("governance::origins::SpenderLimit", plancks(origins::SpenderLimit::get())),
        ("governance::origins::PAUSE_HOURS", count(origins::PAUSE_HOURS)),
    ] {
        add(&format!("assay_runtime::{name}"), value);
    }
    add("pallet_collective::Config::MaxMembers", count(<Committee as Get<u32>>::get()));
    add("pallet_collective::Config::MaxProposals", count(<Motions as Get<u32>>::get()));

    // Whoever starts a network of strangers adds what that preset lacks.
    for name in [DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET] {
        for key in [
            "disputes.timing.window",
            "disputes.timing.response",
            "balances.balances",
            "babe.epochConfig.c",
            "session.keys",
            "staking.stakers",
            "staking.validatorCount",
            "staking.minimumValidatorCount",
            "governance.hourBlocks",
        ] {
            add(&format!("{name}: {key}"), preset(name, key));
        }
    }

    type Kind = fn(u128) -> Value;
    let waited: Kind = |ms| Value::Picoseconds(ms * 1_000_000_000);
    let kibibytes: Kind = |kib| bytes(kib << 10);
    for (folder, name, kind) in [
        ("pallets/inference/src", "WAIT_BUDGET_MS", waited),
        ("pallets/inference/src", "SUBMIT_AFTER_MS", waited),
        ("pallets/inference/src", "RESUBMIT_AFTER", blocks as Kind),
        ("pallets/inference/src", "LIST_BYTES", bytes as Kind),
        ("pallets/inference/src", "READ_ONCE", count as Kind),
        ("pallets/inference/src", "MAX_VAIN_DRAWS", count as Kind),
        ("pallets/inference/src", "MAX_CALLS", count as Kind),
        ("pallets/inference/src", "FIRST_WAIT", blocks as Kind),
        ("pallets/inference/src", "FIRST_REST", blocks as Kind),
        ("pallets/inference/src", "WRITTEN_ONCE", count as Kind),
        ("pallets/inference/src", "MOST_WALKED", count as Kind),
        ("pallets/inference/src", "MAX_HEIGHTS", count as Kind),
        ("pallets/inference/src", "MAX_PRUNED_HEIGHTS", count as Kind),
        ("pallets/disputes/src", "WAIT_BUDGET_MS", waited),
        ("pallets/disputes/src", "RESUBMIT_AFTER", blocks as Kind),
        ("pallets/disputes/src", "MAX_HEIGHTS", count as Kind),
        ("pallets/disputes/src", "MAX_FORGOTTEN", count as Kind),
        ("pallets/disputes/src", "PAGE", count as Kind),
        ("pallets/disputes/src", "OWN_DISPUTES", count as Kind),
        ("runtime/src", "WATCHER_ERA_BLOCKS", blocks as Kind),
        ("node/src", "GRANDPA_JUSTIFICATION_PERIOD", blocks as Kind),
        ("node/src", "MAX_VALIDATING", count as Kind),
        ("node/src", "MAX_WAITING_KIB", kibibytes),
        ("node/src", "MIN_WAITING_KIB", kibibytes),
    ] {
        add(&format!("{folder}: {name}"), kind(literal(folder, name)));
    }
    all
}

/// What differs between two sets of names and values, a line each.
fn differences(document: &BTreeMap<String, Value>, runtime: &[(String, Value)]) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, actual) in runtime {
        match document.get(name) {
            None => lines.push(format!("{name} has no row; it is {actual:?}")),
            Some(stated) if stated != actual => {
                lines.push(format!("{name} is stated as {stated:?}; it is {actual:?}"))
            },
            Some(_) => {},
        }
    }
    let known = |name: &String| runtime.iter().any(|(known, _)| known == name);
    let unknown = document.keys().filter(|name| !known(name));
    lines.extend(unknown.map(|name| format!("the row {name} is compared with no constant")));
    lines
}

#[test]
fn each_row_is_a_constant_and_each_constant_has_a_row() {
    let constants = constants();
    let names: std::collections::BTreeSet<_> = constants.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), constants.len(), "a constant is listed twice");
    let differences = differences(&rows(false), &constants);
    assert!(differences.is_empty(), "docs/protocol.md:\n{}", differences.join("\n"));
}

#[test]
fn each_constant_in_the_metadata_of_our_pallets_has_a_row() {
    let rows = rows(false);
    let mut missing = Vec::new();
    macro_rules! check {
        ($($pallet:ident),*) => {$(
            for constant in $pallet::Pallet::<Runtime>::pallet_constants_metadata() {
                let name = format!(concat!(stringify!($pallet), "::Config::{}"), constant.name);
                let field = format!("{name}.");
                if !rows.keys().any(|row| *row == name || row.starts_with(&field)) {
                    missing.push(name);
                }
            }
        )*};
    }
    check!(
        pallet_settlement,
        pallet_storage,
        pallet_model_registry,
        pallet_operators,
        pallet_verification,
        pallet_room,
        pallet_inference,
        pallet_disputes
    );
    assert!(missing.is_empty(), "no rows in docs/protocol.md: {missing:?}");
}

#[test]
fn the_capacity_of_the_hooks_is_about_what_is_stated() {
    use pallet_disputes::Pallet as Disputes;
    use pallet_inference::{Pallet as Inference, WeightInfo as _};
    type Weights = <Runtime as pallet_inference::Config>::WeightInfo;

    let fits = |budget: Weight, step: Weight| budget.checked_div_per_component(&step).unwrap();
    let sweeps = |step| fits(<Runtime as pallet_inference::Config>::SweepBudget::get(), step);
    let draws = <Runtime as pallet_inference::Config>::DrawBudget::get();
    // It stops when the largest would not fit.
    let small = fits(draws.saturating_sub(Weights::draw_of(32, 15)), Weights::draw_of(4, 1)) + 1;
    let computed: [(&str, u64); 8] = [
        (
            "pallet_inference::WeightInfo::draw_of(32, 15)",
            Inference::<Runtime>::draws_per_block().into(),
        ),
        ("pallet_inference::WeightInfo::draw_of(4, 1)", small),
        ("pallet_inference::WeightInfo::conclude", Inference::<Runtime>::sweeps_per_block().into()),
        ("pallet_inference::WeightInfo::commit_deadline", sweeps(Weights::commit_deadline())),
        ("pallet_inference::WeightInfo::deadline_single", sweeps(Weights::deadline_single())),
        ("pallet_inference::WeightInfo::pass_window", sweeps(Weights::pass_window())),
        ("pallet_inference::WeightInfo::prune", Inference::<Runtime>::prunes_per_block().into()),
        ("pallet_disputes::WeightInfo::expire", Disputes::<Runtime>::sweeps_per_block().into()),
    ];
    let rows = rows(true);
    assert_eq!(rows.len(), computed.len(), "rows of {CAPACITY}: {:?}", rows.keys());
    let mut wrong = Vec::new();
    for (name, actual) in computed {
        println!("{name}: {actual}");
        let Some(Value::Count(stated)) = rows.get(name) else { panic!("{name} has no row") };
        if stated.abs_diff(actual.into()) * 4 > u128::from(actual) {
            wrong.push(format!("{name}: {stated} stated, {actual} computed"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Constants that the text cites, as "`Name` (value unit)".
fn citations() -> Vec<(String, Value)> {
    let (text, _) = DOCUMENT.split_once(BOUNDS).expect("there is a part with bounds");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut citations = Vec::new();
    for (end, _) in text.match_indices("` (") {
        let Some(start) = text[..end].rfind('`') else { continue };
        let Some((inside, _)) = text[end + 3..].split_once(')') else { continue };
        let Some((number, unit)) = inside.split_once(' ') else { continue };
        if number.starts_with(|first: char| first.is_ascii_digit()) {
            let name = &text[start + 1..end];
            let value = value(number, unit)
                .unwrap_or_else(|| panic!("the text cites `{name}` as {inside}"));
            citations.push((name.to_owned(), value));
        }
    }
    citations
}

#[test]
fn the_text_cites_the_values_of_the_tables() {
    let rows = rows(false);
    let citations = citations();
    assert!(citations.len() > 40, "only {} citations were found", citations.len());
    for (name, cited) in citations {
        let ends = [format!("::{name}"), format!(": {name}")];
        let mut of_name = rows
            .iter()
            .filter(|(row, _)| **row == name || ends.iter().any(|end| row.ends_with(end)))
            .peekable();
        assert!(of_name.peek().is_some(), "the text cites `{name}`, which has no row");
        for (row, stated) in of_name {
            assert_eq!(*stated, cited, "the text cites `{name}` otherwise than the row of {row}");
        }
    }
}

#[test]
fn a_difference_is_found_on_either_side() {
    let constants = [("a".to_owned(), blocks(1u32)), ("b".to_owned(), bytes(2u32))];
    let document = |rows: &[(&str, Value)]| -> BTreeMap<String, Value> {
        rows.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    let found = |rows: &[(&str, Value)]| differences(&document(rows), &constants).len();
    assert_eq!(found(&[("a", blocks(1u32)), ("b", bytes(2u32))]), 0);
    assert_eq!(found(&[("a", blocks(1u32))]), 1);
    assert_eq!(found(&[("a", blocks(1u32)), ("b", bytes(3u32))]), 1);
    assert_eq!(found(&[("a", blocks(1u32)), ("b", blocks(2u32))]), 1);
    assert_eq!(found(&[("a", blocks(1u32)), ("b", bytes(2u32)), ("c", count(1u32))]), 1);
}

#[test]
fn values_are_read_exactly() {
    assert_eq!(value("0.000001", "ASY"), Some(plancks(1_000_000)));
    assert_eq!(value("3.75", "MiB"), Some(bytes(3_840u32 * 1_024)));
    assert_eq!(value("43,200", "blocks"), Some(blocks(43_200u32)));
    assert_eq!(value("0.0075", "%"), Some(share(Perbill::from_parts(75_000))));
    for (number, unit) in [("1.5", "blocks"), ("", "ms"), ("1e3", "ASY"), ("-1", "%"), (".5", "ms")]
    {
        assert_eq!(value(number, unit), None, "{number} {unit}");
    }
}

/// The example decodes what the runtime API returns with types that it declares itself.
#[test]
fn the_example_in_python_declares_the_types_of_the_runtime_api() {
    use assay_primitives::{
        proof::ProofEvidence,
        runtime_api::{Quote, QuoteError, ReceiptView, RequestView, Status},
        statement::ListPlace,
        Draw, Outcome, Receipt, RejectReason, SignedEvidence,
    };
    use scale_info::{TypeDef, TypeInfo};
    let example = fs::read_to_string("../docs/examples/request.py").expect("the example exists");
    // What it names `["name", "type"]` in the list of a type.
    let declared = |name: &str| -> Vec<String> {
        let start = format!("\"{name}\": {{\"type\": ");
        let list = example.split_once(&start).unwrap_or_else(|| panic!("{name} is missing")).1;
        let list = list.split_once("\"type_mapping\": [").expect("it has a list").1;
        let list = list.split_once("]]}").expect("the list ends").0;
        let first = |pair: &str| pair.split('"').nth(1).expect("a name").to_owned();
        list.split("],").map(first).collect()
    };
    let check = |name: &str, info: scale_info::Type| {
        let names: Vec<String> = match info.type_def {
            TypeDef::Composite(fields) => {
                fields.fields.iter().map(|field| field.name.expect("it has names").into()).collect()
            },
            TypeDef::Variant(variants) => {
                variants.variants.iter().map(|variant| variant.name.into()).collect()
            },
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(declared(name), names, "{name} in docs/examples/request.py");
    };
    check("RejectReason", RejectReason::type_info());
    check("Outcome", Outcome::type_info());
    check("Status", Status::type_info());
    check("Quote", Quote::type_info());
    check("QuoteError", QuoteError::type_info());
    check("RequestView", RequestView::<AccountId>::type_info());
    check("Draw", Draw::type_info());
    check("Receipt", Receipt::<AccountId>::type_info());
    check("ProofEvidence", ProofEvidence::type_info());
    check("SignedEvidence", SignedEvidence::<AccountId>::type_info());
    check("ListPlace", ListPlace::type_info());
    check("ReceiptView", ReceiptView::<AccountId>::type_info());
}
