//! Random batches of requests, and random lists of results.

use assay_primitives::{
    merkle, Assurance, Digest, ListStatement, RequestId, ResultStatement, VersionId,
};
use assay_runtime::{constants::MaxOutputBytes, AccountId, Runtime, RuntimeEvent, System};
use pallet_inference::{BatchItem, ListedResult};

use super::{
    asking::{payload, Sent},
    driver::Fuzz,
    lists::Listed,
    requests::{Ask, Output, State},
};
use crate::common;

/// The indices of the items of batches that were skipped in this block.
fn refused() -> Vec<u32> {
    System::read_events_no_consensus()
        .filter_map(|record| match record.event {
            RuntimeEvent::Inference(pallet_inference::Event::ItemRefused { index, .. }) => {
                Some(index)
            },
            _ => None,
        })
        .collect()
}

impl Fuzz {
    /// A batch of good and bad items, which mostly are drawn and answered in lists.
    pub fn random_batch(&mut self) {
        let (payer, version) = (self.payer(), self.version());
        let mut ask = self.terms(version);
        if self.rng.chance(70) {
            ask.assurance = Assurance::Signed;
        }
        let count = match self.rng.below(20) {
            0 => 0,
            1 => 64,
            _ => self.rng.between(1, 8),
        };
        let mut items: Vec<Sent> = Vec::new();
        for _ in 0..count {
            let item = match self.rng.below(8) {
                0 => self.rng.pick(&items).unwrap_or(self.item(version)),
                1 | 2 => self.item(version),
                _ => self.good_item(version),
            };
            items.push(item);
        }
        self.send_batch(&payer, ask, items);
        if self.rng.chance(60) {
            self.next_block();
            self.next_block();
            for _ in 0..3 {
                self.random_list();
            }
        }
    }

    pub fn send_batch(&mut self, payer: &AccountId, ask: Ask, items: Vec<Sent>) {
        let Ask { version, assurance, max_price, deadline, draw_delay } = ask;
        let inputs: Vec<_> = items.iter().map(|(item, _)| item.input).collect();
        self.note(format!("{}: {ask:?}, a batch of {inputs:?}", self.name(payer)));
        let (items, sent): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        let skipped = self.oracle.request(payer, &ask, &items);
        if skipped.as_ref().is_some_and(|skipped| !skipped.is_empty()) {
            self.oracle.see("a batch with items that are skipped");
        }
        let items: Vec<_> = items
            .into_iter()
            .zip(sent)
            .map(|(item, input)| BatchItem { input, client_key: item.key })
            .collect();
        let call = pallet_inference::Call::request_batch {
            version,
            assurance,
            max_price,
            deadline,
            draw_delay,
            items: items.try_into().expect("at most 64"),
        };
        let before = refused().len();
        self.call(payer, call, skipped.is_some());
        assert_eq!(refused()[before..], skipped.unwrap_or_default(), "the items that are skipped");
    }

    /// A list of what an operator has to answer, mostly with some results that do not count.
    pub fn random_list(&mut self) {
        let all: Vec<u64> = self.oracle.requests.keys().copied().collect();
        let awaited: Vec<u64> = all
            .iter()
            .copied()
            .filter(|id| {
                let request = &self.oracle.requests[id];
                request.state == State::Assigned && request.assurance == Assurance::Signed
            })
            .collect();
        let (operator, version) = match self.rng.pick(&awaited) {
            Some(id) => {
                let request = &self.oracle.requests[&id];
                (request.members[0].account.clone(), request.version)
            },
            None => (self.operator(), self.version()),
        };
        let mut ids: Vec<u64> = Vec::new();
        for id in awaited {
            let is_own =
                self.oracle.awaits(id, &operator) && self.oracle.requests[&id].version == version;
            // Few of those of other versions, or that another operator has to answer.
            if self.rng.chance(if is_own { 90 } else { 15 }) {
                ids.push(id);
            }
        }
        ids.truncate(60);
        // Requests that have ended, are not drawn, or do not exist.
        for _ in 0..self.rng.below(4) {
            let recent = all.len().saturating_sub(20);
            let id = self.rng.pick(&all[recent..]).unwrap_or(0);
            ids.push(id + 100 * u64::from(self.rng.chance(10)));
        }
        ids.sort_unstable();
        if self.rng.chance(95) {
            ids.dedup();
        }
        if self.rng.chance(4) {
            ids.reverse();
        }
        let results = ids.into_iter().map(|request| self.listed(request)).collect();
        let version = if self.rng.chance(97) { version } else { self.version() };
        self.send_list(&operator, version, results);
    }

    fn listed(&mut self, request: u64) -> Listed {
        let version = self.oracle.requests.get(&request).map(|record| record.version);
        let version = version.unwrap_or(common::version(0, 1));
        let mut output = match self.oracle.requests.contains_key(&request) {
            true => self.output(request, version),
            false => Output::Integer(0),
        };
        // One wrong output refuses the whole list.
        if output == Output::Odd && self.rng.chance(70) {
            output = self.output(request, version);
        }
        Listed { request, output, is_named: self.rng.chance(95) }
    }

    fn send_list(&mut self, operator: &AccountId, version: VersionId, results: Vec<Listed>) {
        let keys: Vec<_> = self.keys.keys().cloned().collect();
        let own = self.oracle.operators.get(operator).map(|info| info.worker.clone());
        let key = match own {
            Some(key) if self.rng.chance(97) => key,
            _ => self.rng.pick(&keys).expect("operators have keys"),
        };
        let flaw = self.rng.below(40);
        self.note(format!(
            "{} submits a list of {version}, flaw {flaw}: {results:?}",
            self.name(operator)
        ));
        let ok = self.oracle.submit_list(operator, &key, version, &results, flaw > 2);
        let results: Vec<ListedResult<MaxOutputBytes>> = results
            .into_iter()
            .map(|Listed { request, output, is_named }| {
                let request = RequestId(request);
                let answered = match is_named {
                    true => common::answered(request).hash(),
                    false => Digest::repeat_byte(6),
                };
                ListedResult { request, answered, output: common::bounded(&payload(output)) }
            })
            .collect();
        let digest = |result: &ListedResult<MaxOutputBytes>| {
            let statement = ResultStatement {
                request: result.answered,
                output_digest: assay_primitives::digest(&result.output),
                operator: operator.clone(),
                proof: None,
            };
            statement.digest()
        };
        let digests: Vec<Digest> = results.iter().map(digest).collect();
        let mut statement = ListStatement {
            results: merkle::root(&digests),
            count: results.len() as u32,
            operator: operator.clone(),
        };
        match flaw {
            0 => statement.results = Digest::zero(),
            1 => statement.count += 1,
            2 => statement.operator = self.oracle.treasury.clone(),
            _ => {},
        }
        let signature = common::sign(&self.keys[&key], &statement);
        let call = pallet_inference::Call::<Runtime>::submit_results {
            operator: operator.clone(),
            version,
            results: results.try_into().expect("at most 64"),
            signature,
        };
        self.feeless(call, ok);
    }
}
