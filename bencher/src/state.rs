//! The state with which the database is measured: that of a chain with many accounts and a day of
//! finished requests.

use std::collections::{BTreeMap, BTreeSet};

use assay_primitives::{
    digest, merkle,
    proof::ProofEvidence,
    receipt::{evidence_digest, Evidence, SignedEvidence, ROOTS_PER_PAGE},
    runtime_api::Status,
    Assurance, Balance, Digest, Draw, ModelId, Outcome, Receipt, RequestId, VersionId, ASY,
};
use assay_runtime::{genesis, AccountId, BlockNumber, Runtime, RuntimeGenesisConfig};
use frame_support::BoundedVec;
use pallet_inference::{FinishedRequest, Member, Request};
use rand::{rngs::StdRng, Rng, SeedableRng};
use sp_core::{sr25519, storage::Storage};
use sp_runtime::{BuildStorage, Perbill};
use sp_state_machine::BasicExternalities;

/// Every run makes the same state.
const SEED: u64 = 1;
/// Number of accounts that are operators.
const OPERATORS: usize = 100;
/// Lengths of outputs in bytes, all equally likely. The bundled models answer with some ten bytes
/// to a KiB.
const OUTPUT_BYTES: std::ops::RangeInclusive<usize> = 16..=1_024;
/// Entries of a finished request. Those that end in one block share two more.
const ENTRIES_PER_REQUEST: u32 = 3;

/// How large the state is.
#[derive(Debug, Clone, Copy)]
pub struct Contents {
    /// Accounts besides those of the preset, at least as many as there are operators.
    pub accounts: u32,
    /// Finished requests that have not been pruned.
    pub requests: u32,
}

/// The genesis of the preset `local`, with these contents.
///
/// # Errors
///
/// There are too few accounts, or the preset does not fit the runtime.
pub fn build(contents: Contents) -> Result<Storage, String> {
    if (contents.accounts as usize) < OPERATORS {
        return Err(format!("the state needs {OPERATORS} accounts at least: raise --accounts"));
    }
    let mut storage = preset()?;
    let before = storage.top.len();
    let mut shared = 0;
    BasicExternalities::execute_with_storage(&mut storage, || {
        let mut rng = StdRng::seed_from_u64(SEED);
        let accounts = add_accounts(&mut rng, contents.accounts);
        let mut ended: BTreeMap<BlockNumber, Vec<(RequestId, Digest)>> = BTreeMap::new();
        for number in 0..contents.requests {
            let payer = accounts[rng.gen_range(0..accounts.len())].clone();
            let decided_at = decided_at(number, contents.requests);
            let digest =
                add_request(&mut rng, number.into(), payer, &accounts[..OPERATORS], decided_at);
            ended.entry(decided_at).or_default().push((RequestId(number.into()), digest));
        }
        let pages: BTreeSet<_> = ended.keys().map(|height| height / ROOTS_PER_PAGE).collect();
        shared = ended.len() + pages.len();
        for (height, requests) in ended {
            let digests: Vec<_> = requests.iter().map(|(_, digest)| *digest).collect();
            pallet_inference::ReceiptRoots::<Runtime>::mutate(height / ROOTS_PER_PAGE, |page| {
                page.push(height % ROOTS_PER_PAGE, merkle::root(&digests)).expect("heights ascend");
            });
            let requests = BoundedVec::truncate_from(requests);
            pallet_inference::Ended::<Runtime>::insert(height, requests);
        }
        pallet_inference::NextRequest::<Runtime>::put(RequestId(contents.requests.into()));
    });
    // The counter of `pallet_inference` is not in the preset.
    let added = (contents.accounts + contents.requests * ENTRIES_PER_REQUEST) as usize + shared + 1;
    if storage.top.len() != before + added {
        return Err(format!(
            "the state has {} entries instead of {}: a finished request no longer has \
             {ENTRIES_PER_REQUEST} entries, or keys are equal; correct bencher/src/state.rs",
            storage.top.len(),
            before + added
        ));
    }
    Ok(storage)
}

fn preset() -> Result<Storage, String> {
    let text = |error: serde_json::Error| format!("the preset does not fit the runtime: {error}");
    let preset = genesis::preset(&sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET.into())
        .ok_or("the runtime has no preset `local`")?;
    let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).map_err(text)?;
    sc_chain_spec::json_merge(&mut config, serde_json::from_slice(&preset).map_err(text)?);
    let config: RuntimeGenesisConfig = serde_json::from_value(config).map_err(text)?;
    config.build_storage()
}

fn add_accounts(rng: &mut StdRng, number: u32) -> Vec<AccountId> {
    let mut issued: Balance = 0;
    let accounts = (0..number)
        .map(|_| {
            let account = AccountId::new(rng.gen());
            let free = rng.gen_range(ASY..1_000 * ASY);
            issued += free;
            frame_system::Account::<Runtime>::insert(
                &account,
                frame_system::AccountInfo {
                    nonce: rng.gen_range(0..1_000),
                    providers: 1,
                    data: pallet_balances::AccountData { free, ..Default::default() },
                    ..Default::default()
                },
            );
            account
        })
        .collect();
    pallet_balances::TotalIssuance::<Runtime>::mutate(|total| *total += issued);
    accounts
}

/// Height at which request `number` of `requests` ended: they are spread over the time for which
/// they are kept.
fn decided_at(number: u32, requests: u32) -> BlockNumber {
    let kept: BlockNumber = <Runtime as pallet_inference::Config>::Retention::get();
    let after = u64::from(number) * u64::from(kept) / u64::from(requests);
    // It fits: `number` is less than `requests`.
    100 + after as BlockNumber
}

/// Writes what the chain keeps of a verified request. Returns the digest of its receipt.
fn add_request(
    rng: &mut StdRng,
    number: u64,
    payer: AccountId,
    operators: &[AccountId],
    decided_at: BlockNumber,
) -> Digest {
    let id = RequestId(number);
    let mut output = vec![0; rng.gen_range(OUTPUT_BYTES)];
    rng.fill(&mut output[..]);
    let output_digest = digest(&output);
    let request = request(rng, number, payer, operators, decided_at);
    let evidence: Evidence<AccountId> = BoundedVec::truncate_from(
        request
            .accounts()
            .into_iter()
            .map(|operator| signed(rng, &request, operator, output_digest))
            .collect(),
    );
    let receipt = Receipt {
        genesis: random_digest(rng),
        request: id,
        payer: request.payer.clone(),
        version_digest: request.version_digest,
        input_digest: request.input_digest,
        assurance: request.assurance,
        outcome: Outcome::Verified,
        output_digest: Some(output_digest),
        draw: request.draw,
        price_paid: request.max_price,
        bond_at_stake: request.stake,
        evidence_digest: evidence_digest(&evidence),
        decided_at,
    };
    pallet_inference::ClientKeys::<Runtime>::insert(&request.payer, request.client_key, id);
    let digest = receipt.digest();
    let output = Some(BoundedVec::truncate_from(output));
    let finished = FinishedRequest { receipt, evidence, output };
    pallet_inference::Results::<Runtime>::insert(id, finished);
    pallet_inference::Requests::<Runtime>::insert(id, request);
    digest
}

/// The classes take turns.
fn request(
    rng: &mut StdRng,
    number: u64,
    payer: AccountId,
    operators: &[AccountId],
    decided_at: BlockNumber,
) -> Request<AccountId> {
    let assurance = match number % 4 {
        0 => Assurance::Signed,
        1 => Assurance::Quorum { n: 3, k: 2 },
        2 => Assurance::Optimistic,
        _ => Assurance::Proof,
    };
    let price = rng.gen_range(ASY / 100..ASY);
    let first = rng.gen_range(0..operators.len());
    let members = operators
        .iter()
        .cycle()
        .skip(first)
        .take(assurance.committee_size().into())
        .map(|account| Member { account: account.clone(), ask: price })
        .collect();
    let drawn_at = decided_at - 5;
    Request {
        payer,
        client_key: rng.gen(),
        version: VersionId { model: ModelId(rng.gen_range(0..100)), number: 1 },
        version_digest: random_digest(rng),
        input_digest: random_digest(rng),
        input_is_artifact: false,
        assurance,
        tolerance: None,
        max_price: price * Balance::from(assurance.committee_size()),
        fee: rng.gen_range(ASY / 1_000..ASY / 100),
        stake: 300 * ASY,
        appealable: false,
        waits_since: 0,
        vain_draws: 0,
        again_at: 0,
        royalty_to: operators[first].clone(),
        royalty: Perbill::from_percent(5),
        requested_at: drawn_at - 2,
        draw_from: drawn_at,
        deadline: drawn_at + 30,
        late_from: drawn_at + 5,
        status: Status::Final(Outcome::Verified),
        draw: Some(Draw {
            from: drawn_at - 1,
            block: drawn_at,
            seed: random_digest(rng),
            authors: 2,
        }),
        members: BoundedVec::truncate_from(members),
    }
}

fn random_digest(rng: &mut StdRng) -> Digest {
    Digest::from(rng.gen::<[u8; 32]>())
}

fn signed(
    rng: &mut StdRng,
    request: &Request<AccountId>,
    operator: AccountId,
    output_digest: Digest,
) -> SignedEvidence<AccountId> {
    let mut signature = [0; 64];
    rng.fill(&mut signature[..]);
    let proof = matches!(request.assurance, Assurance::Proof).then(|| ProofEvidence {
        digest: random_digest(rng),
        bytes: rng.gen_range(50_000..500_000),
        security_bits: 100,
    });
    SignedEvidence {
        operator,
        worker: sr25519::Public::from_raw(rng.gen()).into(),
        output_digest,
        signature: sr25519::Signature::from_raw(signature),
        list: None,
        proof,
    }
}
