//! The actions of a run: random calls with mostly valid arguments.

use assay_pallet_testing::graphs::bare_descriptor;
use assay_primitives::{
    artifact::{ArtifactManifest, MAX_CHUNK_BYTES},
    model::Tolerance,
    operator::Roles,
    AssuranceClass, AssuranceClasses, Digest, Format, Possession, RequestId, ResultStatement,
    SignedResult, Statement, VersionId, WorkerId, WorkerSignature, ASY,
};
use assay_runtime::{
    constants::{MinBond, Retention, UnbondingPeriod},
    AccountId, RuntimeCall, RuntimeOrigin, EXISTENTIAL_DEPOSIT,
};
use codec::Encode;
use sp_application_crypto::Pair as _;
use sp_runtime::{AccountId32, Perbill};

use super::{claims, driver::Fuzz, operators::Server};
use crate::common;

/// The classes that requests can ask for.
const CLASSES: [AssuranceClass; 4] = [
    AssuranceClass::Signed,
    AssuranceClass::Quorum,
    AssuranceClass::Optimistic,
    AssuranceClass::Proof,
];

impl Fuzz {
    pub fn anyone(&mut self) -> AccountId {
        self.rng.pick(&self.actors).expect("there are actors")
    }

    pub fn owner(&mut self) -> AccountId {
        let last = if self.rng.chance(90) { 1 } else { 7 };
        self.actors[self.rng.between(0, last) as usize].clone()
    }

    pub fn operator(&mut self) -> AccountId {
        if self.is_crowded() && self.rng.chance(40) {
            return self.rng.pick(&self.newcomers).expect("there are newcomers");
        }
        match self.rng.chance(90) {
            true => self.actors[self.rng.between(1, 6) as usize].clone(),
            false => self.anyone(),
        }
    }

    pub fn payer(&mut self) -> AccountId {
        match self.rng.chance(80) {
            true => self.actors[self.rng.between(5, 7) as usize].clone(),
            false => self.anyone(),
        }
    }

    pub fn version(&mut self) -> VersionId {
        let versions: Vec<_> = self.oracle.versions.keys().copied().collect();
        match self.rng.chance(96) {
            true => self.rng.pick(&versions).unwrap_or(common::version(0, 1)),
            false => common::version(self.rng.below(5) as u32, self.rng.below(4) as u32),
        }
    }

    /// An amount whose shares need rounding: zero, dust, about the existential deposit, or a price.
    pub fn price(&mut self) -> u128 {
        match self.rng.below(10) {
            0 => 0,
            1 => self.rng.below(200).into(),
            2 | 3 => EXISTENTIAL_DEPOSIT / 2 + u128::from(self.rng.below(2_000_000_000)),
            _ => u128::from(self.rng.below(5 * ASY as u64)),
        }
    }

    /// Classes, mostly those that a version offers.
    pub fn classes(&mut self, version: VersionId) -> AssuranceClasses {
        match self.rng.below(10) {
            3..=7 => self.offered(version),
            0 => common::classes(&[AssuranceClass::Signed]),
            1 => common::classes(&[AssuranceClass::Quorum]),
            2 if self.rng.chance(50) => AssuranceClasses(self.rng.below(64) as u8),
            _ => common::both(),
        }
    }

    /// The classes that a version offers. If the version does not exist, the classes that any version
    /// can offer.
    pub fn offered(&self, version: VersionId) -> AssuranceClasses {
        let record = self.oracle.versions.get(&version);
        record.map_or(common::both(), |record| record.descriptor.assurances)
    }

    /// The graph of a version; `None` if it is an ONNX file.
    pub fn graph_of(&self, version: VersionId) -> Option<usize> {
        claims::graph_of(self.oracle.versions.get(&version)?.descriptor.architecture?)
    }

    /// Two models with one version each, a third model with two graphs, and five operators that
    /// serve all of them.
    pub fn prepare(&mut self) {
        for index in 0..2 {
            let owner = self.actors[index].clone();
            let file = format!("model file {index}").into_bytes();
            self.announce(&owner, std::slice::from_ref(&file));
            self.upload(&owner, common::identity(&file), 0, &file, true);
            self.create_model(&owner, format!("model-{index}").into_bytes());
            let descriptor =
                if index == 0 { common::integers(&file) } else { common::floats(&file) };
            let royalty = self.rng.below(500_000_001) as u32;
            self.publish(&owner, index as u32, descriptor, true, royalty);
        }
        let owner = self.actors[0].clone();
        self.create_model(&owner, b"graphs".to_vec());
        for graph in 0..claims::GRAPHS.len() {
            let file = claims::file(graph);
            self.announce(&owner, std::slice::from_ref(&file));
            self.upload(&owner, common::identity(&file), 0, &file, true);
            let royalty = self.rng.below(500_000_001) as u32;
            self.publish(&owner, 2, claims::descriptor(graph), true, royalty);
        }
        self.audit(&owner, common::version(2, 1));
        let versions: Vec<_> = self.oracle.versions.keys().copied().collect();
        for index in 1..6 {
            let operator = self.actors[index].clone();
            let bond = MinBond::get() + u128::from(self.rng.below(2_000)) * ASY + 7;
            let worker = self.fresh_key();
            self.register(&operator, 1, worker, true, bond);
            for version in versions.clone() {
                let (ask, classes) = (self.price(), self.offered(version));
                let concurrency = self.rng.between(1, 3) as u32;
                self.serve(&operator, version, ask, concurrency, 1, classes);
            }
        }
        if self.is_crowded() {
            let version = self.rng.pick(&versions).expect("there are four");
            self.fill_seats(version);
        }
        // One payer has little money.
        let (poor, rich) = (self.actors[7].clone(), self.actors[0].clone());
        let rest = u128::from(self.rng.between(1, 30)) * ASY;
        let amount = self.oracle.account(&poor).free - rest;
        self.transfer(&poor, &rich, amount);
        self.beat_all();
        self.next_block();
    }

    /// Executes one random step.
    pub fn step(&mut self) {
        if self.rng.chance(20) {
            return self.random_dispute();
        }
        if self.is_crowded() && self.rng.chance(4) {
            return self.contest();
        }
        match self.rng.below(100) {
            0..=16 => self.random_request(),
            17..=19 => self.random_batch(),
            20..=51 => self.random_answers(),
            52..=54 => self.random_list(),
            55..=69 => self.random_blocks(),
            70..=73 => self.random_heartbeat(),
            74..=77 => self.random_serve(),
            78..=84 => self.random_operator_call(),
            85..=88 => self.random_model_call(),
            89..=90 => self.random_storage_call(),
            91 if self.rng.chance(70) => self.random_filling(),
            91 => self.random_multiplier(),
            92 if self.rng.chance(40) => self.random_claim_of_compensation(),
            92 if self.rng.chance(70) => self.contested_quorum(),
            92 => self.random_appeal(),
            93 if self.rng.chance(50) => self.random_appeal(),
            93 => self.random_transfer(),
            94 if self.rng.chance(25) => self.crowd(),
            94 if self.rng.chance(3) => self.overdue(),
            94 if self.rng.chance(25) => self.failing_operator(),
            94 if self.rng.chance(30) => self.line_up(),
            94 => self.farewell(),
            95 => self.random_cancel(),
            96 if self.rng.chance(50) => self.random_cancel(),
            96 => self.proven_requests(),
            97 => self.random_root_call(),
            98 if self.rng.chance(30) => self.random_report(),
            98 => self.random_sleep(),
            _ => self.restore(),
        }
    }

    /// Keeps the network usable: tops up balances and bonds, and has operators serve.
    fn restore(&mut self) {
        for class in CLASSES {
            if self.oracle.disabled.contains(class) {
                self.switch(RuntimeOrigin::root(), class, true, true);
            }
        }
        for index in 6..self.actors.len() {
            let who = self.actors[index].clone();
            if self.oracle.account(&who).free < ASY {
                let rich = self.actors[0].clone();
                self.transfer(&rich, &who, 20 * ASY + 1);
            }
        }
        for index in 1..6 {
            let who = self.actors[index].clone();
            let account = self.oracle.account(&who);
            let rich = self.actors[0].clone();
            if account.free < MinBond::get() * 3 && self.oracle.account(&rich).free > account.free {
                let value = self.oracle.account(&rich).free / 10;
                self.transfer(&rich, &who, value);
            }
            if !self.oracle.operators.contains_key(&who) {
                let worker = self.fresh_key();
                self.register(&who, 1, worker, true, MinBond::get() + 1);
            } else if account.bond < MinBond::get() {
                self.add_bond(&who, MinBond::get());
            }
            let versions: Vec<_> = self.oracle.versions.keys().copied().collect();
            for version in versions {
                if !self.oracle.serves(&who, version) && self.rng.chance(50) {
                    let ask = self.price();
                    self.serve(
                        &who,
                        version,
                        ask,
                        3,
                        1,
                        common::classes(&[AssuranceClass::Signed]),
                    );
                    let classes = self.offered(version);
                    self.serve(&who, version, ask, 3, 1, classes);
                }
            }
        }
        self.beat_all();
    }

    // Storage.

    fn announce(&mut self, owner: &AccountId, chunks: &[Vec<u8>]) {
        let ArtifactManifest { mut size, chunks: mut digests, .. } =
            ArtifactManifest::of(&chunks.concat());
        match self.rng.below(30) {
            0 if !self.steps.is_empty() => size += 1 + u64::from(MAX_CHUNK_BYTES),
            1 if !self.steps.is_empty() => size = 0,
            2 if !self.steps.is_empty() => digests.push(Digest::zero()),
            // Announcements that nobody can complete, under identities of their own.
            3 if !self.steps.is_empty() => size -= u64::from(size % u64::from(MAX_CHUNK_BYTES) > 1),
            4 if !self.steps.is_empty() => digests[0] = Digest::repeat_byte(4),
            _ => {},
        }
        self.note(format!("{} announces {} chunks, {size} bytes", self.name(owner), chunks.len()));
        let ok = self.oracle.create_artifact(owner, size, chunks, &digests);
        let chunks = digests.try_into().expect("within the bound");
        self.call(owner, pallet_storage::Call::create { size, chunks }, ok);
    }

    fn upload(&mut self, by: &AccountId, of: Digest, index: u32, data: &[u8], outermost: bool) {
        self.note(format!("{} uploads chunk {index}, outermost {outermost}", self.name(by)));
        let ok = self.oracle.upload(by, of, index, data, outermost);
        let call: RuntimeCall =
            pallet_storage::Call::upload { artifact: of, index, data: data.to_vec() }.into();
        let mut bytes = call.encode();
        if !outermost {
            bytes.push(data.last().map_or(0, |last| last.wrapping_add(1)));
        }
        self.begin_extrinsic(bytes);
        self.dispatch(RuntimeOrigin::signed(by.clone()), call.clone(), ok);
        if ok && self.rng.chance(30) {
            // A second chunk in the same transaction must be refused.
            let uploads = self.oracle.uploads.iter().filter(|((_, owner), _)| owner == by);
            let twin = uploads.clone().find_map(|((identity, _), artifact)| {
                let missing = |(index, chunk): (usize, &Vec<u8>)| {
                    let index = index as u32;
                    (!artifact.uploaded.contains(&index) && data.ends_with(chunk))
                        .then(|| (*identity, index, chunk.clone()))
                };
                artifact.chunks.iter().enumerate().find_map(missing)
            });
            if let Some((artifact, index, data)) = twin {
                self.note("the same transaction uploads a second chunk".into());
                let call = pallet_storage::Call::upload { artifact, index, data };
                self.dispatch(RuntimeOrigin::signed(by.clone()), call.into(), false);
            }
        }
    }

    fn random_storage_call(&mut self) {
        let who = self.owner();
        let open: Vec<_> = self.oracle.uploads.keys().cloned().collect();
        let complete = self.oracle.artifacts.iter();
        let complete: Vec<_> =
            complete.map(|(identity, artifact)| (*identity, artifact.owner.clone())).collect();
        match self.rng.below(12) {
            0..=2 => {
                // Sometimes an input, sometimes an artifact of two chunks.
                let mut chunks = vec![match self.rng.chance(50) {
                    true => common::integer_payload(&[self.fresh() as i32, 1]),
                    false => format!("artifact {}", self.fresh()).into_bytes(),
                }];
                if self.rng.chance(10) {
                    chunks.insert(0, vec![self.fresh() as u8; MAX_CHUNK_BYTES as usize]);
                }
                self.announce(&who, &chunks);
            },
            // An artifact that another account has announced, or that is complete.
            3 => {
                let from = if self.rng.chance(70) { &open } else { &complete };
                let Some((of, owner)) = self.rng.pick(from) else { return };
                let chunks = match self.oracle.uploads.get(&(of, owner)) {
                    Some(upload) => upload.chunks.clone(),
                    None => self.oracle.artifacts[&of].chunks.clone(),
                };
                self.announce(&who, &chunks);
            },
            4..=9 => {
                let from = if self.rng.chance(90) { &open } else { &complete };
                let Some((of, owner)) = self.rng.pick(from) else { return };
                let chunks = match self.oracle.uploads.get(&(of, owner.clone())) {
                    Some(upload) => upload.chunks.clone(),
                    None => self.oracle.artifacts[&of].chunks.clone(),
                };
                let index = self.rng.below(chunks.len() as u64);
                let mut data = chunks[index as usize].clone();
                if self.rng.chance(10) {
                    data[0] ^= 1;
                }
                let outermost = self.rng.chance(90);
                let by = if self.rng.chance(90) { owner } else { who };
                self.upload(&by, of, index as u32, &data, outermost);
            },
            _ => {
                let from = if self.rng.chance(30) { &open } else { &complete };
                let Some((artifact, owner)) = self.rng.pick(from) else { return };
                let who = if self.rng.chance(80) { owner } else { who };
                self.note(format!("{} removes an artifact", self.name(&who)));
                let ok = self.oracle.remove_artifact(&who, artifact);
                self.call(&who, pallet_storage::Call::remove { artifact }, ok);
            },
        }
    }

    // Operators.

    fn possession(&self, who: &AccountId, worker: &WorkerId, intact: bool) -> WorkerSignature {
        let genesis = if intact { common::GENESIS_HASH } else { Digest::zero() };
        let statement = Possession { genesis, operator: who.clone() };
        self.keys[worker].sign(&statement.signing_bytes()).into()
    }

    pub fn register(
        &mut self,
        who: &AccountId,
        roles: u8,
        worker: WorkerId,
        intact: bool,
        bond: u128,
    ) {
        self.note(format!(
            "{} registers, roles {roles}, intact {intact}, bond {bond}",
            self.name(who)
        ));
        let possession = self.possession(who, &worker, intact);
        let ok = self.oracle.register(who, roles, &worker, intact, bond);
        let roles = Roles(roles);
        self.call(who, pallet_operators::Call::register { roles, worker, possession, bond }, ok);
    }

    pub fn serve(
        &mut self,
        who: &AccountId,
        version: VersionId,
        ask: u128,
        concurrency: u32,
        response_blocks: u32,
        classes: AssuranceClasses,
    ) {
        let max_royalty = match self.rng.chance(90) {
            true => Perbill::one(),
            false => Perbill::from_percent(self.rng.below(50) as u32),
        };
        self.note(format!(
            "{} serves {version} for {ask}, concurrency {concurrency}, within {response_blocks} \
             blocks, classes {}, royalty at most {max_royalty:?}",
            self.name(who),
            classes.0
        ));
        let server = Server {
            account: who.clone(),
            ask,
            concurrency,
            response_blocks,
            classes,
            max_royalty: max_royalty.deconstruct(),
            failed_in_a_row: 0,
            since: self.oracle.now,
        };
        let ok = self.oracle.serve(version, &server);
        let call = pallet_operators::Call::serve {
            version,
            ask,
            concurrency,
            response_blocks,
            classes,
            max_royalty,
        };
        self.call(who, call, ok);
    }

    fn random_serve(&mut self) {
        let (who, version, ask) = (self.operator(), self.version(), self.price());
        let concurrency = match self.rng.below(10) {
            0 => 0,
            1 => 1_025,
            _ => self.rng.between(1, 5) as u32,
        };
        let classes = self.classes(version);
        let response_blocks = match self.rng.below(10) {
            0 => 0,
            1 => assay_runtime::constants::MaxResponseBlocks::get() + 1,
            2..=7 => 1,
            _ => self.rng.between(2, 20) as u32,
        };
        self.serve(&who, version, ask, concurrency, response_blocks, classes);
    }

    pub fn add_bond(&mut self, who: &AccountId, amount: u128) {
        self.note(format!("{} adds {amount} to its bond", self.name(who)));
        let ok = self.oracle.add_bond(who, amount);
        self.call(who, pallet_operators::Call::add_bond { amount }, ok);
    }

    pub fn withdraw(&mut self, who: &AccountId, version: VersionId) {
        self.note(format!("{} withdraws from {version}", self.name(who)));
        let ok = self.oracle.withdraw(who, version);
        self.call(who, pallet_operators::Call::withdraw { version }, ok);
    }

    /// A key for a registration: a new one, or one that an operator has or had.
    fn some_key(&mut self) -> WorkerId {
        let known: Vec<_> = self.keys.keys().cloned().collect();
        match self.rng.chance(85) {
            true => self.fresh_key(),
            false => match self.rng.pick(&known) {
                Some(key) => key,
                None => self.fresh_key(),
            },
        }
    }

    fn random_operator_call(&mut self) {
        let who = self.operator();
        let name = self.name(&who);
        match self.rng.below(20) {
            0..=6 => {
                let bond = match self.rng.below(8) {
                    0 => MinBond::get() - 1,
                    1 => MinBond::get() * 1_000_000,
                    _ => MinBond::get() + u128::from(self.rng.below(1_000)) * ASY + 3,
                };
                let (worker, intact) = (self.some_key(), self.rng.chance(95));
                let roles = if self.rng.chance(90) { 1 } else { self.rng.below(5) as u8 };
                self.register(&who, roles, worker, intact, bond);
            },
            7..=10 => {
                let (worker, intact) = (self.some_key(), self.rng.chance(90));
                self.note(format!("{name} changes its worker key, intact {intact}"));
                let possession = self.possession(&who, &worker, intact);
                let ok = self.oracle.set_worker(&who, &worker, intact);
                self.call(&who, pallet_operators::Call::set_worker { worker, possession }, ok);
                if ok {
                    self.beat(&who, 0, true);
                }
            },
            11..=13 => {
                let amount = self.price() * 100;
                self.add_bond(&who, amount);
            },
            14 | 15 => {
                let version = self.version();
                self.withdraw(&who, version);
            },
            16 => {
                self.note(format!("{name} unbonds"));
                let ok = self.oracle.unbond(&who);
                self.call(&who, pallet_operators::Call::unbond {}, ok);
            },
            _ => {
                let leaving = self.oracle.operators.iter();
                let leaving = leaving.filter(|(_, info)| info.unbonding_until.is_some());
                let leaving: Vec<_> = leaving.map(|(who, _)| who.clone()).collect();
                let who = self.rng.pick(&leaving).unwrap_or(who);
                self.note(format!("{} takes its bond", self.name(&who)));
                let ok = self.oracle.withdraw_bond(&who);
                self.call(&who, pallet_operators::Call::withdraw_bond {}, ok);
            },
        }
    }

    pub fn beat(&mut self, who: &AccountId, age: u32, intact: bool) {
        let Some(worker) = self.oracle.operators.get(who).map(|info| info.worker.clone()) else {
            return;
        };
        let at = self.oracle.now.wrapping_sub(age);
        self.note(format!("heartbeat of {} at {at}, intact {intact}", self.name(who)));
        let mut call = common::heartbeat(who, &self.keys[&worker], at);
        if let (false, pallet_operators::Call::heartbeat { statement, .. }) = (intact, &mut call) {
            statement.load += 1;
        }
        let ok = self.oracle.heartbeat(who, at, &worker, intact);
        self.feeless(call, ok);
    }

    /// A heartbeat of each operator for which one is due; of newcomers, only of some.
    pub fn beat_all(&mut self) {
        let due: Vec<AccountId> = self
            .oracle
            .operators
            .iter()
            .filter(|(_, info)| info.last_heartbeat.is_none_or(|at| at + 15 <= self.oracle.now))
            .map(|(who, _)| who.clone())
            .collect();
        for who in due {
            if !self.newcomers.contains(&who) || self.rng.chance(60) {
                self.beat(&who, 0, true);
            }
        }
    }

    fn random_heartbeat(&mut self) {
        let who = self.operator();
        let age = match self.rng.below(5) {
            0 => self.rng.below(20) as u32,
            1 => u32::MAX,
            _ => 0,
        };
        let age = age.min(if age == u32::MAX { u32::MAX } else { self.oracle.now });
        let intact = self.rng.chance(90);
        self.beat(&who, age, intact);
    }

    // Blocks, transfers, classes and equivocations.

    fn random_blocks(&mut self) {
        let count = match self.rng.below(10) {
            0 => self.rng.between(5, 20),
            1 | 2 => self.rng.between(2, 5),
            _ => 1,
        };
        self.note(format!("{count} blocks"));
        for _ in 0..count {
            self.next_block();
        }
        if self.rng.chance(80) {
            self.beat_all();
        }
    }

    fn random_sleep(&mut self) {
        let blocks = match self.rng.below(4) {
            0 => 100,
            1 => UnbondingPeriod::get(),
            _ => Retention::get() + 1,
        };
        self.note(format!("everything ends, then {blocks} blocks of silence"));
        self.sleep(blocks);
        self.restore();
    }

    pub fn transfer(&mut self, from: &AccountId, to: &AccountId, value: u128) {
        self.note(format!("{} sends {value} to {}", self.name(from), self.name(to)));
        let ok = self.oracle.transfer(from, to, value);
        let dest = to.clone().into();
        self.call(from, pallet_balances::Call::transfer_allow_death { dest, value }, ok);
    }

    fn random_transfer(&mut self) {
        let (from, to) = (self.anyone(), self.anyone());
        let free = self.oracle.account(&from).free;
        let value = match self.rng.below(10) {
            // The whole balance, or all but less than the existential deposit.
            0 => free,
            1 => free.saturating_sub(EXISTENTIAL_DEPOSIT / 2),
            2 => free.saturating_sub(EXISTENTIAL_DEPOSIT),
            3 => free + 1,
            4 => EXISTENTIAL_DEPOSIT - 1,
            5 => 0,
            _ => self.price().min(free),
        };
        self.transfer(&from, &to, value);
    }

    fn random_claim_of_compensation(&mut self) {
        let due: Vec<_> = self.oracle.compensations.keys().cloned().collect();
        let (who, claimable_from) = match self.rng.chance(90) {
            true => self.rng.pick(&due),
            false => None,
        }
        .unwrap_or_else(|| (self.anyone(), self.oracle.now));
        self.note(format!("{} claims a compensation from {claimable_from}", self.name(&who)));
        let ok = self.oracle.claim_compensation(&who, claimable_from);
        self.call(&who, pallet_settlement::Call::claim_compensation { claimable_from }, ok);
    }

    fn random_root_call(&mut self) {
        let root = self.rng.chance(80);
        let origin = match root {
            true => RuntimeOrigin::root(),
            false => RuntimeOrigin::signed(self.anyone()),
        };
        if self.rng.chance(50) {
            let to = self.anyone();
            let left = self.oracle.account(&self.oracle.treasury).free;
            let amount = match self.rng.below(4) {
                0 => left,
                1 => left - EXISTENTIAL_DEPOSIT,
                _ => self.price().min(left),
            };
            self.note(format!("the treasury sends {amount} to {}, root {root}", self.name(&to)));
            let ok = root && self.oracle.spend_treasury(&to, amount);
            let call = pallet_settlement::Call::spend_treasury { to, amount };
            self.admin(origin, call.into(), ok);
        } else {
            let class = self.rng.pick(&CLASSES).expect("there are four");
            let enabled = self.oracle.disabled.contains(class) || self.rng.chance(20);
            self.switch(origin, class, enabled, root);
        }
    }

    pub fn switch(
        &mut self,
        origin: RuntimeOrigin,
        class: AssuranceClass,
        enabled: bool,
        root: bool,
    ) {
        self.note(format!("{class:?} is switched, on {enabled}, root {root}"));
        let ok = root && self.oracle.set_class(class, enabled);
        let call = pallet_verification::Call::set_class_enabled { class, enabled };
        self.admin(origin, call.into(), ok);
    }

    pub fn admin(&mut self, origin: RuntimeOrigin, call: RuntimeCall, expected: bool) {
        self.begin_extrinsic(call.encode());
        self.dispatch(origin, call, expected);
    }

    fn random_report(&mut self) {
        let (reporter, operator) = (self.anyone(), self.operator());
        let flaw = self.rng.below(13);
        self.report(&reporter, &operator, flaw);
    }

    /// Reports two results of an operator. What is wrong with the report depends on `flaw`.
    pub fn report(&mut self, reporter: &AccountId, operator: &AccountId, flaw: u64) {
        let keys: Vec<_> = self.keys.keys().cloned().collect();
        let info = self.oracle.operators.get(operator);
        // The current key, an earlier one, or that of another operator.
        let own: Vec<_> = info
            .map(|info| {
                let past = info.past.iter().map(|(key, _)| key);
                past.chain([&info.worker]).cloned().collect()
            })
            .unwrap_or_default();
        let from = if self.rng.chance(80) && !own.is_empty() { &own } else { &keys };
        let worker = self.rng.pick(from).expect("operators have keys");
        let request = self.rng.below(self.oracle.requests.len() as u64 + 1);
        let request = RequestId(request);
        let (a, b) = (common::integer_payload(&[1]), common::integer_payload(&[2]));
        let mut answered = common::answered(request);
        // The version is made up. What the operator has signed about it counts all the same.
        let mut descriptor = bare_descriptor(Format::Onnx, AssuranceClasses::NONE);
        match flaw {
            0 => answered.genesis = Digest::zero(),
            1 => descriptor.tolerance = Some(Tolerance { millionths: 1 }),
            _ => {},
        }
        answered.version_digest = descriptor.digest();
        let hash = answered.hash();
        let statement = |output: &[u8]| ResultStatement {
            request: hash,
            output_digest: assay_primitives::digest(output),
            operator: operator.clone(),
            proof: None,
        };
        let (first, mut second) = (statement(&a), statement(&b));
        match flaw {
            2 => second.output_digest = first.output_digest,
            3 => second.request = Digest::repeat_byte(3),
            4 => second.operator = AccountId32::new([3; 32]),
            5 => answered.payer = AccountId32::new([3; 32]),
            6 => answered.input_digest = Digest::repeat_byte(3),
            8 => descriptor.artifact_size += 1,
            _ => {},
        }
        let pair = self.keys[&worker].clone();
        let first_signature: WorkerSignature = pair.sign(&first.signing_bytes()).into();
        let second_signature: WorkerSignature = match flaw {
            7 => first_signature,
            _ => pair.sign(&second.signing_bytes()).into(),
        };
        self.note(format!(
            "{} reports {} for {request}, flaw {flaw}",
            self.name(reporter),
            self.name(operator)
        ));
        let ok = self.oracle.report(hash, operator, &worker, flaw > 8);
        let call = pallet_verification::Call::report_equivocation {
            worker,
            answered,
            descriptor: Box::new(descriptor),
            first: SignedResult { statement: first, signature: first_signature, list: None },
            second: SignedResult { statement: second, signature: second_signature, list: None },
            outputs: None,
        };
        self.call(reporter, call, ok);
    }
}
