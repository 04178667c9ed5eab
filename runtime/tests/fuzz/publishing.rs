//! Random calls about models.

use assay_primitives::{
    model::Tolerance, AssuranceClass, AssuranceClasses, Digest, Format, ModelDescriptor, ModelId,
    VersionId,
};
use assay_runtime::{AccountId, EXISTENTIAL_DEPOSIT};
use codec::Encode;
use sp_runtime::Perbill;

use super::{claims, driver::Fuzz, oracle::Publication};
use crate::common;

impl Fuzz {
    pub fn create_model(&mut self, owner: &AccountId, name: Vec<u8>) {
        let text = String::from_utf8_lossy(&name).into_owned();
        self.note(format!("{} creates model {text:?}", self.name(owner)));
        let ok = self.oracle.create_model(owner, &name);
        let name = common::bounded(&name);
        self.call(owner, pallet_model_registry::Call::create { name }, ok);
    }

    pub fn publish(
        &mut self,
        owner: &AccountId,
        model: u32,
        descriptor: ModelDescriptor,
        is_sound: bool,
        royalty: u32,
    ) {
        let metadata = self.rng.chance(30).then(|| Digest::repeat_byte(9));
        let licence = match self.rng.chance(97) {
            true => b"Apache-2.0".to_vec(),
            false => b"what / ever".to_vec(),
        };
        // Sometimes without its architecture or with another one.
        let named = descriptor.architecture.and_then(claims::graph_of);
        let graph = match self.rng.below(20) {
            _ if self.oracle.versions.len() < 4 => named,
            0 => None,
            1 => Some(0),
            _ => named,
        };
        let is_sound = is_sound && graph == named;
        let architecture = graph.map(|graph| claims::GRAPHS[graph].plan().architecture().encode());
        self.note(format!(
            "{} publishes a version of model {model}, sound {is_sound}, royalty {royalty}, graph \
             {graph:?}",
            self.name(owner)
        ));
        let publication = Publication {
            model,
            descriptor,
            is_sound,
            royalty,
            licence,
            metadata,
            architecture: architecture.clone(),
        };
        let ok = self.oracle.publish(owner, &publication).is_some();
        let Publication { descriptor, licence, .. } = publication;
        let call = pallet_model_registry::Call::publish {
            model: ModelId(model),
            descriptor,
            royalty: Perbill::from_parts(royalty),
            licence: common::bounded(&licence),
            metadata,
            architecture: architecture.map(|bytes| common::bounded(&bytes)),
        };
        self.call(owner, call, ok);
    }

    /// Audits the weights of a version.
    pub fn audit(&mut self, who: &AccountId, version: VersionId) {
        self.note(format!("{} shows the weights of {version}", self.name(who)));
        let ok = self.oracle.audit(version);
        let graph = claims::GRAPHS[0].clone().into_graph();
        self.call(who, common::audit(version, &graph), ok);
    }

    pub fn offer(&mut self, who: &AccountId, model: u32, to: &AccountId) {
        self.note(format!("{} offers model {model} to {}", self.name(who), self.name(to)));
        let ok = self.oracle.offer_model(who, model, to);
        let (model, to) = (ModelId(model), to.clone());
        self.call(who, pallet_model_registry::Call::transfer { model, to }, ok);
    }

    pub fn accept(&mut self, to: &AccountId, model: u32) {
        self.note(format!("{} accepts model {model}", self.name(to)));
        let ok = self.oracle.accept_model(to, model);
        let model = ModelId(model);
        self.call(to, pallet_model_registry::Call::accept { model }, ok);
    }

    /// Transfers a model, makes requests for it, and transfers it again. Then the receiver of the
    /// royalty transfers its whole balance away, before the requests are answered.
    pub fn farewell(&mut self) {
        let version = self.version();
        let model = version.model.0;
        let Some(owner) = self.oracle.models.get(&model).map(|record| record.owner.clone()) else {
            return;
        };
        // Who has holds cannot send everything away.
        let is_bare = |who: &&AccountId| self.oracle.account(who).held() == 0;
        let bare: Vec<_> = self.actors[1..].iter().filter(is_bare).cloned().collect();
        let heir = match self.rng.pick(&bare) {
            Some(heir) => heir,
            None => self.actors[self.rng.between(5, 7) as usize].clone(),
        };
        self.offer(&owner, model, &heir);
        self.accept(&heir, model);
        let servers = self.oracle.servers.get(&version).cloned().unwrap_or_default();
        for server in servers {
            // Prices with a royalty near the existential deposit.
            let ask = u128::from(self.rng.below(4 * EXISTENTIAL_DEPOSIT as u64));
            self.serve(&server.account, version, ask, 3, 1, server.classes);
        }
        let (payer, first) = (self.actors[0].clone(), self.oracle.requests.len() as u64);
        for _ in 0..3 {
            self.ask(payer.clone(), version);
        }
        self.offer(&heir, model, &owner);
        self.accept(&owner, model);
        let everything = self.oracle.account(&heir).free;
        self.transfer(&heir, &owner, everything);
        for _ in 0..3 {
            self.next_block();
        }
        for id in first..self.oracle.requests.len() as u64 {
            for _ in 0..2 {
                if !self.oracle.requests[&id].members.is_empty() {
                    self.members_answer(id, true);
                }
            }
        }
    }

    pub fn random_model_call(&mut self) {
        let version = self.version();
        let model = version.model.0;
        let owner = self.oracle.models.get(&model).map(|record| record.owner.clone());
        let who = match owner {
            Some(owner) if self.rng.chance(85) => owner,
            _ => self.anyone(),
        };
        let name = self.name(&who);
        match self.rng.below(17) {
            16 => self.audit(&who, version),
            0 | 1 => {
                let name = match self.rng.below(6) {
                    0 => b"model-0".to_vec(),
                    1 => b"-bad-".to_vec(),
                    _ => format!("model-{}", self.fresh()).into_bytes(),
                };
                self.create_model(&who, name);
            },
            2..=5 => {
                let files: Vec<Vec<u8>> = self
                    .oracle
                    .artifacts
                    .values()
                    .map(|artifact| artifact.chunks.concat())
                    .collect();
                let file = self.rng.pick(&files).unwrap_or(b"no artifact".to_vec());
                let mut descriptor = match self.rng.chance(50) {
                    true => common::integers(&file),
                    false => common::floats(&file),
                };
                let mut is_sound = true;
                let files = [claims::file(0), claims::file(1)];
                let graph = files.iter().position(|one| *one == file);
                if let Some(graph) = graph {
                    descriptor = claims::descriptor(graph);
                }
                match self.rng.below(12) {
                    0 if graph.is_some() => {
                        (descriptor.format, is_sound) = (Format::Onnx, false);
                    },
                    5 if graph.is_some() => {
                        descriptor.tolerance = Some(Tolerance { millionths: 1 });
                        is_sound = false;
                    },
                    7 => {
                        is_sound = graph.is_some();
                        descriptor.assurances =
                            common::classes(&[AssuranceClass::Signed, AssuranceClass::Optimistic]);
                    },
                    0 => (descriptor.format, is_sound) = (Format::IntegerGraph, false),
                    1 => (descriptor.outputs, is_sound) = (Default::default(), false),
                    2 => (descriptor.assurances, is_sound) = (AssuranceClasses(16), false),
                    3 => (descriptor.assurances, is_sound) = (AssuranceClasses::NONE, false),
                    4 => descriptor.artifact_size += 1,
                    5 => {
                        is_sound = descriptor.tolerance.is_none();
                        descriptor.tolerance = None;
                    },
                    6 => descriptor.assurances = common::classes(&[AssuranceClass::Signed]),
                    _ => {},
                }
                let models: Vec<_> = self.oracle.models.keys().copied().collect();
                let model = self.rng.pick(&models).unwrap_or(77);
                let owner = self.oracle.models.get(&model).map(|record| record.owner.clone());
                let owner = owner.filter(|_| self.rng.chance(90)).unwrap_or(who);
                let royalty = self.rng.below(510_000_000) as u32;
                self.publish(&owner, model, descriptor, is_sound, royalty);
            },
            6 | 7 => {
                let royalty = self.rng.below(510_000_000) as u32;
                self.note(format!("{name} sets the royalty of {version} to {royalty}"));
                let ok = self.oracle.set_royalty(&who, version, royalty);
                let royalty = Perbill::from_parts(royalty);
                self.call(&who, pallet_model_registry::Call::set_royalty { version, royalty }, ok);
            },
            8 => {
                self.note(format!("{name} sets the metadata of {version}"));
                let ok = self.oracle.owns_version(&who, version);
                let metadata = self.rng.chance(50).then(|| Digest::repeat_byte(8));
                self.call(
                    &who,
                    pallet_model_registry::Call::set_metadata { version, metadata },
                    ok,
                );
            },
            // Rare, because deprecated versions accept no requests.
            9 if self.oracle.versions.len() > 3 || self.rng.chance(10) => {
                self.note(format!("{name} deprecates {version}"));
                let ok = self.oracle.deprecate(&who, version);
                self.call(&who, pallet_model_registry::Call::deprecate { version }, ok);
            },
            10 => {
                let to = self.anyone();
                self.offer(&who, model, &to);
            },
            11 => {
                let offers: Vec<_> = self.oracle.offers.clone().into_iter().collect();
                let (model, to) = match self.rng.pick(&offers) {
                    Some(offer) if self.rng.chance(85) => offer,
                    _ => (model, who),
                };
                self.accept(&to, model);
            },
            12 | 13 => {
                // A usable version only while it cannot be removed.
                let in_use = self.oracle.versions.get(&version).is_some_and(|v| v.uses > 0);
                if in_use || self.oracle.versions.len() > 3 {
                    self.note(format!("{name} removes {version}"));
                    let ok = self.oracle.remove_version(&who, version);
                    self.call(&who, pallet_model_registry::Call::remove_version { version }, ok);
                }
            },
            _ => {
                let models: Vec<_> = self.oracle.models.keys().copied().collect();
                let model = self.rng.pick(&models).unwrap_or(77);
                self.note(format!("{name} removes model {model}"));
                let ok = self.oracle.remove_model(&who, model);
                let model = ModelId(model);
                self.call(&who, pallet_model_registry::Call::remove_model { model }, ok);
            },
        }
    }
}
