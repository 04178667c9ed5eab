//! The oracle of lists of results with one signature.

use std::collections::BTreeSet;

use assay_primitives::{Assurance, VersionId, WorkerId};
use assay_runtime::AccountId;

use super::{
    oracle::Oracle,
    requests::{Answer, Output, State},
    room::{calling, length, List},
    shares::Shares,
};

/// A result of a list.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    pub request: u64,
    pub output: Output,
    /// Whether it names what the request asked.
    pub is_named: bool,
}

impl Oracle {
    /// Whether a request waits for a result of the operator.
    pub fn awaits(&self, id: u64, operator: &AccountId) -> bool {
        self.requests.get(&id).is_some_and(|request| {
            request.state == State::Assigned
                && request.assurance == Assurance::Signed
                && self.counts(request, request.deadline)
                && request.members[0].account == *operator
        })
    }

    /// A list of results of one version. `is_signed`: whether the signature covers it.
    pub fn submit_list(
        &mut self,
        operator: &AccountId,
        key: &WorkerId,
        version: VersionId,
        results: &[Listed],
        is_signed: bool,
    ) -> bool {
        let size = |results: &[Listed]| -> [u64; 2] {
            let bytes = results.iter().map(|result| length(result.output)).sum();
            [results.len() as u64, bytes]
        };
        let [count, bytes] = size(results);
        let ends: Vec<Listed> = results
            .iter()
            .filter(|result| {
                result.is_named
                    && self.awaits(result.request, operator)
                    && self.requests[&result.request].version == version
            })
            .copied()
            .collect();
        let [awaited, awaited_bytes] = size(&ends);
        let request = |result: &Listed| &self.requests[&result.request];
        let declared = ends.iter().all(|result| request(result).declares(result.output));
        let payers: BTreeSet<_> = ends.iter().map(|result| &request(result).payer).collect();
        let owners: BTreeSet<_> = ends.iter().map(|result| &request(result).royalty_to).collect();
        let list = List { count, awaited, payers: payers.len().max(owners.len()) as u64 };
        let is_list = count > 0 && results.windows(2).all(|two| two[0].request < two[1].request);
        let is_worker = self.operators.get(operator).is_some_and(|info| info.worker == *key);
        let largest = List { payers: count, ..list };
        let may = self.has_room(largest.part(bytes))
            && is_list
            && declared
            && awaited > 0
            && awaited * 2 >= count
            && awaited_bytes * 2 >= bytes
            && is_worker
            && is_signed;
        if !may {
            return false;
        }
        if awaited < count {
            self.see("a list with results that nothing waits for");
        }
        if list.payers > 1 {
            self.see("a list for several payers");
        }
        let (mut called, mut shares) = (0, Shares::default());
        for result in ends {
            let request = self.requests.get_mut(&result.request).expect("awaited");
            request.members[0].answer = Answer::Revealed(result.output);
            request.listed = Some(list);
            called += self.conclude_listed(result.request, Some(&mut shares));
        }
        self.pay_shares(shares);
        if called > 0 {
            self.see("a list that calls requests that wait");
        }
        self.fill(list.part(bytes));
        self.fill(calling(called));
        true
    }
}
