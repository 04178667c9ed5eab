//! The oracle of accounts, artifacts and models. It is written from the protocol in
//! plain Rust. It uses the runtime's parameters, but none of its arithmetic.
//!
//! Each method returns whether a call must succeed. If so, it applies the call to the model.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use assay_primitives::{
    artifact::{MAX_ARTIFACT_BYTES, MAX_CHUNK_BYTES},
    AssuranceClass, AssuranceClasses, Digest, ModelDescriptor, ProofCost, ProofTerms, VersionId,
    WeightsAudit, WorkerId,
};
use assay_runtime::{constants as parameters, AccountId, EXISTENTIAL_DEPOSIT};
use codec::Encode;
use sp_io::hashing::blake2_256;

use super::{
    disputes::Disputes,
    draws::Queued,
    operators::{Operator, Server},
    requests::Request,
    room::Part,
    seats::Eviction,
};

/// A share in parts per billion.
pub type Parts = u32;

/// A share of an amount: the exact quotient, rounded down.
pub fn share(amount: u128, parts: Parts) -> u128 {
    amount * u128::from(parts) / 1_000_000_000
}

/// The root over digests: the left half has the largest power of two below their number.
pub fn root(digests: &[Digest]) -> [u8; 32] {
    if let [only] = digests {
        return blake2_256(&[&[0], only.as_bytes()].concat());
    }
    let (left, right) = digests.split_at(digests.len().next_power_of_two() / 2);
    blake2_256(&[&[1][..], &root(left), &root(right)].concat())
}

/// The identity of an artifact.
fn identity(size: u64, digests: &[Digest]) -> Digest {
    blake2_256(&[&b"assay/artifact/1"[..], &size.to_le_bytes(), &root(digests)].concat()).into()
}

/// The reasons of holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purse {
    Escrow,
    Bond,
    Deposit,
    Dispute,
    Compensation,
}

/// The money of an account.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Account {
    pub free: u128,
    pub escrow: u128,
    pub bond: u128,
    pub deposit: u128,
    pub dispute: u128,
    pub compensation: u128,
}

impl Account {
    pub fn held(&self) -> u128 {
        self.escrow + self.bond + self.deposit + self.dispute + self.compensation
    }
}

#[derive(Clone, Debug)]
pub struct Artifact {
    pub owner: AccountId,
    /// Size in bytes, as announced.
    pub size: u64,
    /// Digests of the chunks, as announced.
    pub digests: Vec<Digest>,
    /// The bytes from which the announcement was made. What was announced may differ.
    pub chunks: Vec<Vec<u8>>,
    pub uploaded: BTreeSet<u32>,
    pub uses: u32,
    pub deposit: u128,
}

impl Artifact {
    pub fn is_complete(&self) -> bool {
        self.uploaded.len() == self.chunks.len()
    }
}

#[derive(Clone, Debug)]
pub struct Model {
    pub owner: AccountId,
    pub name: Vec<u8>,
    pub newest: u32,
}

#[derive(Clone, Debug)]
pub struct Version {
    pub descriptor: ModelDescriptor,
    pub royalty: Parts,
    pub deprecated: bool,
    pub uses: u32,
    pub deposit: u128,
    /// Whether the chain has read all weights.
    pub is_audited: bool,
}

/// The content of a publication.
#[derive(Clone, Debug)]
pub struct Publication {
    pub model: u32,
    pub descriptor: ModelDescriptor,
    /// Whether format, declarations, classes and tolerance are valid.
    pub is_sound: bool,
    pub royalty: Parts,
    pub licence: Vec<u8>,
    pub metadata: Option<Digest>,
    /// The encoding of a graph's architecture.
    pub architecture: Option<Vec<u8>>,
}

/// The model of the chain. The other files contain further parts.
pub struct Oracle {
    pub now: u32,
    pub treasury: AccountId,
    pub accounts: BTreeMap<AccountId, Account>,
    /// Balances that were lost with reaped accounts.
    pub dust: u128,
    pub artifacts: BTreeMap<Digest, Artifact>,
    /// Artifacts with missing chunks, by the account that announced them.
    pub uploads: BTreeMap<(Digest, AccountId), Artifact>,
    pub models: BTreeMap<u32, Model>,
    pub offers: BTreeMap<u32, AccountId>,
    pub next_model: u32,
    pub versions: BTreeMap<VersionId, Version>,
    pub operators: BTreeMap<AccountId, Operator>,
    pub servers: BTreeMap<VersionId, Vec<Server>>,
    pub keys: BTreeMap<WorkerId, AccountId>,
    pub disabled: AssuranceClasses,
    pub punished: BTreeSet<(Digest, AccountId)>,
    pub requests: BTreeMap<u64, Request>,
    /// All requests before this one have ended, and cannot be appealed.
    pub settled: u64,
    pub client_keys: BTreeSet<(AccountId, [u8; 32])>,
    /// Requests that wait for their draws.
    pub queue: VecDeque<Queued>,
    pub waiting: BTreeSet<(VersionId, u32, u64)>,
    pub agenda: BTreeSet<(u32, u64)>,
    /// Latest VRF outputs, with their heights and authors.
    pub vrfs: Vec<(u32, [u8; 32], [u8; 32])>,
    /// Numbers of blocks that had room for an answer, and for a move in a dispute.
    pub room: (u32, u32),
    /// The author of the last block that counted for each.
    pub counted_of: [Option<u32>; 2],
    /// What answers have taken of this block, and the time of it that moves have taken.
    pub filled: Part,
    pub filled_by_moves: u64,
    /// What operators' moves in disputes have taken of it.
    pub filled_by_operators: Part,
    /// The fee multiplier, the sum of all fees that were burnt and not given to the treasury, those of
    /// the block, and what of them waits for the validators.
    pub multiplier: sp_runtime::FixedU128,
    pub burnt: u128,
    pub block_fees: u128,
    pub of_validators: u128,
    pub disputes: Disputes,
    /// The seats that were lost in this block, in order.
    pub evictions: Vec<Eviction>,
    /// Compensations by account, with the height from which they can be claimed.
    pub compensations: BTreeMap<(AccountId, u32), u128>,
    /// Counts of rare and important cases.
    pub sights: BTreeMap<&'static str, u32>,
}

impl Oracle {
    pub fn new(now: u32, treasury: AccountId, balances: &[(AccountId, u128)]) -> Self {
        let account = |free: u128| Account { free, ..Default::default() };
        Self {
            now,
            treasury,
            accounts: balances.iter().map(|(who, free)| (who.clone(), account(*free))).collect(),
            dust: 0,
            artifacts: BTreeMap::new(),
            uploads: BTreeMap::new(),
            models: BTreeMap::new(),
            offers: BTreeMap::new(),
            next_model: 0,
            versions: BTreeMap::new(),
            operators: BTreeMap::new(),
            servers: BTreeMap::new(),
            keys: BTreeMap::new(),
            disabled: AssuranceClasses::NONE,
            punished: BTreeSet::new(),
            requests: BTreeMap::new(),
            settled: 0,
            client_keys: BTreeSet::new(),
            queue: VecDeque::new(),
            waiting: BTreeSet::new(),
            agenda: BTreeSet::new(),
            vrfs: Vec::new(),
            room: (0, 0),
            counted_of: [None, None],
            filled: Part::default(),
            filled_by_moves: 0,
            filled_by_operators: Part::default(),
            multiplier: sp_runtime::FixedU128::from_u32(1),
            burnt: 0,
            block_fees: 0,
            of_validators: 0,
            disputes: Disputes::default(),
            evictions: Vec::new(),
            compensations: BTreeMap::new(),
            sights: BTreeMap::new(),
        }
    }

    /// Counts a rare case.
    pub fn see(&mut self, sight: &'static str) {
        *self.sights.entry(sight).or_default() += 1;
    }

    // Money.

    pub fn account(&self, who: &AccountId) -> Account {
        self.accounts.get(who).cloned().unwrap_or_default()
    }

    pub fn account_mut(&mut self, who: &AccountId) -> &mut Account {
        self.accounts.entry(who.clone()).or_default()
    }

    fn purse(&mut self, who: &AccountId, purse: Purse) -> &mut u128 {
        let account = self.account_mut(who);
        match purse {
            Purse::Escrow => &mut account.escrow,
            Purse::Bond => &mut account.bond,
            Purse::Deposit => &mut account.deposit,
            Purse::Dispute => &mut account.dispute,
            Purse::Compensation => &mut account.compensation,
        }
    }

    /// Holds an amount, if the existential deposit is left.
    pub fn hold(&mut self, who: &AccountId, purse: Purse, amount: u128) -> bool {
        let free = self.account(who).free;
        if free < EXISTENTIAL_DEPOSIT || free - EXISTENTIAL_DEPOSIT < amount {
            return false;
        }
        self.account_mut(who).free -= amount;
        *self.purse(who, purse) += amount;
        true
    }

    /// Burns held money.
    pub fn burn(&mut self, who: &AccountId, purse: Purse, amount: u128) {
        *self.purse(who, purse) -= amount;
    }

    /// Releases held money to its owner.
    pub fn give_back(&mut self, who: &AccountId, purse: Purse, amount: u128) {
        *self.purse(who, purse) -= amount;
        self.account_mut(who).free += amount;
    }

    /// Pays held money to an account. Returns the amount paid: zero if the account would be below
    /// the existential deposit.
    pub fn pay(&mut self, from: &AccountId, purse: Purse, to: &AccountId, amount: u128) -> u128 {
        if amount == 0 {
            return 0;
        }
        if from == to {
            self.see("paid to oneself");
            self.give_back(from, purse, amount);
            return amount;
        }
        if self.account(to).free + amount < EXISTENTIAL_DEPOSIT {
            self.see("a share below the existential deposit of a dead account");
            return 0;
        }
        if self.account(to).free == 0 {
            self.see("a payment that revives an account");
        }
        *self.purse(from, purse) -= amount;
        self.account_mut(to).free += amount;
        amount
    }

    /// Takes a fixed penalty from a bond. A tenth of it at most, and at most the limit, is held for
    /// the harmed payer; the treasury gets the rest. No account is compensated from its own bond.
    pub fn penalise(&mut self, who: &AccountId, penalty: u128, payer: &AccountId, limit: u128) {
        let due = penalty.min(self.account(who).bond);
        assert_eq!(due, penalty, "the stake covers the penalty");
        let tenth = share(penalty, parameters::CompensationShare::get().deconstruct());
        let most = limit.min(tenth);
        self.see(match limit < tenth {
            true => "a compensation of the price",
            false => "a compensation of a tenth",
        });
        let mut left = due;
        if payer != who && most > 0 {
            if self.account(payer).free < EXISTENTIAL_DEPOSIT {
                self.see("a compensation that a dead payer cannot hold");
            } else {
                let steps = (self.now + parameters::UnbondingPeriod::get()).div_ceil(1_800);
                *self.purse(who, Purse::Bond) -= most;
                *self.purse(payer, Purse::Compensation) += most;
                *self.compensations.entry((payer.clone(), steps * 1_800)).or_default() += most;
                left -= most;
            }
        }
        let treasury = self.treasury.clone();
        self.pay(who, Purse::Bond, &treasury, left);
    }

    /// Takes a fixed penalty from a bond, and pays it to a challenger, unless it is the operator.
    pub fn reward(&mut self, who: &AccountId, penalty: u128, challenger: &AccountId) {
        let due = penalty.min(self.account(who).bond);
        let treasury = self.treasury.clone();
        let paid = match challenger != who {
            true => self.pay(who, Purse::Bond, challenger, due),
            false => 0,
        };
        self.pay(who, Purse::Bond, &treasury, due - paid);
    }

    pub fn claim_compensation(&mut self, who: &AccountId, height: u32) -> bool {
        let id = (who.clone(), height);
        if self.now < height {
            return false;
        }
        let Some(amount) = self.compensations.remove(&id) else { return false };
        self.see("a compensation that was held and is claimed");
        self.give_back(who, Purse::Compensation, amount);
        true
    }

    /// A transfer that may end the sender's account.
    pub fn transfer(&mut self, from: &AccountId, to: &AccountId, amount: u128) -> bool {
        if amount == 0 {
            return true;
        }
        let sender = self.account(from);
        let Some(left) = sender.free.checked_sub(amount) else { return false };
        if left < EXISTENTIAL_DEPOSIT && sender.held() > 0 {
            return false;
        }
        if self.account(to).free + amount < EXISTENTIAL_DEPOSIT {
            return false;
        }
        if from == to {
            return true;
        }
        self.account_mut(to).free += amount;
        self.account_mut(from).free = left;
        if left < EXISTENTIAL_DEPOSIT {
            self.see("an account that died");
            self.account_mut(from).free = 0;
            self.dust += left;
        }
        true
    }

    pub fn spend_treasury(&mut self, to: &AccountId, amount: u128) -> bool {
        let treasury = self.treasury.clone();
        let free = self.account(&treasury).free;
        if free - EXISTENTIAL_DEPOSIT < amount {
            return false;
        }
        self.transfer(&treasury, to, amount)
    }

    // Artifacts.

    pub fn create_artifact(
        &mut self,
        owner: &AccountId,
        size: u64,
        chunks: &[Vec<u8>],
        digests: &[Digest],
    ) -> bool {
        let count = size.div_ceil(u64::from(MAX_CHUNK_BYTES));
        if size == 0 || size > MAX_ARTIFACT_BYTES || digests.len() as u64 != count {
            return false;
        }
        let artifact = identity(size, digests);
        if self.artifacts.contains_key(&artifact)
            || self.uploads.contains_key(&(artifact, owner.clone()))
        {
            return false;
        }
        let deposit = parameters::ArtifactBaseDeposit::get()
            + parameters::ByteDeposit::get() * u128::from(size);
        if !self.hold(owner, Purse::Deposit, deposit) {
            return false;
        }
        let record = Artifact {
            owner: owner.clone(),
            size,
            digests: digests.to_vec(),
            chunks: chunks.to_vec(),
            uploaded: BTreeSet::new(),
            uses: 0,
            deposit,
        };
        self.uploads.insert((artifact, owner.clone()), record);
        true
    }

    /// `is_outermost`: whether the transaction ends with the bytes and has uploaded nothing else.
    pub fn upload(
        &mut self,
        by: &AccountId,
        of: Digest,
        index: u32,
        data: &[u8],
        is_outermost: bool,
    ) -> bool {
        let id = (of, by.clone());
        let Some(artifact) = self.uploads.get_mut(&id) else { return false };
        let named = artifact.digests.get(index as usize);
        let is_last = index as usize + 1 == artifact.digests.len();
        let length = match is_last {
            true => artifact.size - u64::from(index) * u64::from(MAX_CHUNK_BYTES),
            false => MAX_CHUNK_BYTES.into(),
        };
        let fits = named == Some(&blake2_256(data).into()) && data.len() as u64 == length;
        if !fits || !is_outermost || !artifact.uploaded.insert(index) {
            return false;
        }
        if artifact.is_complete() {
            let artifact = self.uploads.remove(&id).expect("looked up");
            // The second account needs no deposit.
            match self.artifacts.contains_key(&of) {
                true => self.give_back(by, Purse::Deposit, artifact.deposit),
                false => drop(self.artifacts.insert(of, artifact)),
            }
        }
        true
    }

    pub fn remove_artifact(&mut self, owner: &AccountId, identity: Digest) -> bool {
        let is_free = |artifact: &&Artifact| artifact.owner == *owner && artifact.uses == 0;
        let deposit = if let Some(upload) = self.uploads.remove(&(identity, owner.clone())) {
            upload.deposit
        } else if let Some(artifact) = self.artifacts.get(&identity).filter(is_free) {
            artifact.deposit
        } else {
            return false;
        };
        // Withdrawing an announcement does not remove an artifact that another account completed.
        if self.artifacts.get(&identity).is_some_and(|artifact| artifact.owner == *owner) {
            self.artifacts.remove(&identity);
        }
        self.give_back(owner, Purse::Deposit, deposit);
        true
    }

    // Models.

    fn owns(&self, who: &AccountId, model: u32) -> bool {
        self.models.get(&model).is_some_and(|record| record.owner == *who)
    }

    fn has_name(&self, who: &AccountId, name: &[u8]) -> bool {
        self.models.values().any(|model| model.owner == *who && model.name == name)
    }

    pub fn create_model(&mut self, owner: &AccountId, name: &[u8]) -> bool {
        let is_letter = |c: &u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_name = !name.is_empty()
            && name.len() <= 64
            && name.iter().all(|c| is_letter(c) || *c == b'-')
            && is_letter(&name[0])
            && is_letter(&name[name.len() - 1]);
        if !is_name
            || self.has_name(owner, name)
            || !self.hold(owner, Purse::Deposit, parameters::ModelBaseDeposit::get())
        {
            return false;
        }
        let model = Model { owner: owner.clone(), name: name.to_vec(), newest: 0 };
        self.models.insert(self.next_model, model);
        self.next_model += 1;
        true
    }

    /// Returns the version on success.
    pub fn publish(&mut self, owner: &AccountId, publication: &Publication) -> Option<VersionId> {
        let Publication { model, descriptor, is_sound, royalty, licence, metadata, architecture } =
            publication;
        let artifact = self.artifacts.get(&descriptor.artifact)?;
        let size: usize = artifact.chunks.iter().map(Vec::len).sum();
        let is_licence = !licence.is_empty()
            && licence.iter().all(|c| c.is_ascii_alphanumeric() || b"-.+ ()".contains(c));
        if !is_sound
            || !is_licence
            || !self.owns(owner, *model)
            || *royalty > parameters::MaxRoyalty::get().deconstruct()
            || size as u64 != descriptor.artifact_size
        {
            return None;
        }
        // The stored bytes: the descriptor, its digest, the terms and the counters, and space for a
        // digest of metadata even if there is none; for a graph, its architecture; if it can be
        // proven, the proof terms and the state of the audit.
        let is_proven = descriptor.assurances.contains(AssuranceClass::Proof);
        let nothing = ProofTerms { security_bits: 0, cost: ProofCost::default() };
        let proofs = is_proven.then_some(nothing);
        let audit = if is_proven { WeightsAudit::of(0).encoded_size() } else { 0 };
        let graph = architecture.as_ref().map_or(0, Encode::encoded_size);
        let counters = (false, 0u32, 0u128, proofs);
        let stored = (descriptor, Digest::zero(), royalty, licence, Some(Digest::zero()), counters);
        let bytes = stored.encoded_size() + graph + audit;
        let _ = metadata;
        let deposit = parameters::ModelBaseDeposit::get()
            + parameters::StateByteDeposit::get() * bytes as u128;
        if !self.hold(owner, Purse::Deposit, deposit) {
            return None;
        }
        self.artifacts.get_mut(&descriptor.artifact)?.uses += 1;
        let record = self.models.get_mut(model)?;
        record.newest += 1;
        let id = VersionId { model: assay_primitives::ModelId(*model), number: record.newest };
        let version = Version {
            descriptor: descriptor.clone(),
            royalty: *royalty,
            deprecated: false,
            uses: 0,
            deposit,
            is_audited: false,
        };
        self.versions.insert(id, version);
        Some(id)
    }

    /// Audits all weights of a provable version, once.
    pub fn audit(&mut self, version: VersionId) -> bool {
        let record = self.versions.get_mut(&version).filter(|record| {
            !record.is_audited && record.descriptor.assurances.contains(AssuranceClass::Proof)
        });
        let Some(record) = record else { return false };
        record.is_audited = true;
        true
    }

    pub fn owns_version(&self, who: &AccountId, version: VersionId) -> bool {
        self.owns(who, version.model.0) && self.versions.contains_key(&version)
    }

    pub fn set_royalty(&mut self, who: &AccountId, version: VersionId, royalty: Parts) -> bool {
        let may = self.owns_version(who, version)
            && royalty <= parameters::MaxRoyalty::get().deconstruct();
        if may {
            self.versions.get_mut(&version).expect("looked up").royalty = royalty;
        }
        may
    }

    pub fn deprecate(&mut self, who: &AccountId, version: VersionId) -> bool {
        let may = self.owns_version(who, version) && !self.versions[&version].deprecated;
        if may {
            self.versions.get_mut(&version).expect("looked up").deprecated = true;
        }
        may
    }

    /// The deposit of an owner for a model.
    fn model_deposit(&self, model: u32) -> u128 {
        let versions = self.versions.iter().filter(|(id, _)| id.model.0 == model);
        let deposits: u128 = versions.map(|(_, version)| version.deposit).sum();
        parameters::ModelBaseDeposit::get() + deposits
    }

    /// An offer to the owner itself withdraws the offer.
    pub fn offer_model(&mut self, owner: &AccountId, model: u32, to: &AccountId) -> bool {
        if !self.owns(owner, model) {
            return false;
        }
        if owner == to {
            return self.offers.remove(&model).is_some();
        }
        self.offers.insert(model, to.clone());
        true
    }

    pub fn accept_model(&mut self, to: &AccountId, model: u32) -> bool {
        if self.offers.get(&model) != Some(to) || self.has_name(to, &self.models[&model].name) {
            return false;
        }
        let deposit = self.model_deposit(model);
        if !self.hold(to, Purse::Deposit, deposit) {
            return false;
        }
        let from = self.models[&model].owner.clone();
        self.give_back(&from, Purse::Deposit, deposit);
        self.models.get_mut(&model).expect("offered").owner = to.clone();
        self.offers.remove(&model);
        true
    }

    pub fn remove_version(&mut self, who: &AccountId, version: VersionId) -> bool {
        if !self.owns_version(who, version) || self.versions[&version].uses > 0 {
            return false;
        }
        let record = self.versions.remove(&version).expect("looked up");
        self.artifacts.get_mut(&record.descriptor.artifact).expect("in use").uses -= 1;
        self.give_back(who, Purse::Deposit, record.deposit);
        true
    }

    pub fn remove_model(&mut self, who: &AccountId, model: u32) -> bool {
        let is_empty = !self.versions.keys().any(|version| version.model.0 == model);
        if !self.owns(who, model) || !is_empty {
            return false;
        }
        self.give_back(who, Purse::Deposit, self.model_deposit(model));
        self.models.remove(&model);
        self.offers.remove(&model);
        true
    }
}
