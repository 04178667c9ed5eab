//! Invariants of requests.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use assay_pallet_support::Chain;
use assay_primitives::{
    digest, merkle,
    runtime_api::Status,
    traits::{Disputes, Escrow, Operators},
    Assurance, Balance, BlockNumber, Digest, Outcome, RequestId,
};
use frame_support::{ensure, traits::GetStorageVersion};
use sp_runtime::TryRuntimeError;

use crate::{
    Agenda, AgendaCursor, AppealTime, Appealable, Claims, ClientKeys, Config, Corrections, Ended,
    Ending, FinishedRequest, Inputs, NextRequest, Pallet, PruneCursor, Queue, QueueBounds,
    ReceiptRoots, Requests, Results, Waiting, WaitingKey,
};

impl<T: Config> Pallet<T> {
    /// Checks the invariants:
    ///
    /// * Open requests have their input, are on the agenda at those heights of their deadlines that
    ///   have not been processed, and have no receipt. The agenda contains nothing else.
    /// * Finished requests have a receipt in the root of the block of their end, evidence with the
    ///   digest in the receipt, and an output if and only if they were verified.
    /// * Client keys lead to requests that are not pruned.
    /// * A finished request that can be appealed has its input, and is on the agenda.
    /// * A request has a claim if and only if it is `Disputable`. Its operator is not assigned any
    ///   more.
    /// * The evidence contains a proof if and only if the class is `Proof`.
    /// * Exactly the members of open requests are assigned.
    /// * The queues are within their bounds, and each pending request is in exactly one. If
    ///   requests wait for capacity, another request of their version will call them.
    /// * The storage version is that of the code.
    ///
    /// # Errors
    ///
    /// The first invariant that does not hold.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        ensure!(
            Self::on_chain_storage_version() == Self::in_code_storage_version(),
            "the storage version is not that of the code"
        );
        let mut agenda: BTreeSet<_> = Agenda::<T>::iter().map(|(at, id, ())| (id, at)).collect();
        let cursor = AgendaCursor::<T>::get();
        ensure!(
            agenda.iter().all(|(_, at)| *at >= cursor),
            "the agenda has an entry below its cursor"
        );
        let queued: BTreeSet<_> = Queue::<T>::iter_values()
            .flat_map(|queued| (queued.first.0..).map(RequestId).take(queued.count as usize))
            .collect();
        // Finished requests, by the height of their end.
        let mut finished: BTreeMap<RequestId, (BlockNumber, Digest)> = BTreeMap::new();
        let ending = Ending::<T>::exists().then(|| (T::now(), Ending::<T>::get()));
        for (height, ended) in Ended::<T>::iter().chain(ending) {
            let digests: Vec<_> = ended.iter().map(|(_, digest)| *digest).collect();
            // The root is written at the end of the block, and covers those that are pruned already.
            let is_whole = height < T::now() && height > PruneCursor::<T>::get();
            ensure!(
                !is_whole || Self::receipt_root(height) == Some(merkle::root(&digests).into()),
                "a block's root is not that of its receipts"
            );
            for (id, digest) in ended {
                ensure!(
                    finished.insert(id, (height, digest)).is_none(),
                    "a request has ended twice"
                );
            }
        }
        ensure!(
            ReceiptRoots::<T>::iter_values()
                .all(|page| page.blocks.count_ones() as usize == page.roots.len()),
            "a page of roots does not match its blocks"
        );
        let now = T::now();
        // Versions with a request that will call waiting ones.
        let mut moving = BTreeSet::new();
        let mut escrows: BTreeMap<T::AccountId, Balance> = BTreeMap::new();
        for (id, request) in Requests::<T>::iter() {
            ensure!(
                id < NextRequest::<T>::get(),
                "a request's identifier is not below the next one"
            );
            ensure!(
                ClientKeys::<T>::get(&request.payer, request.client_key) == Some(id),
                "a client key does not lead to its request"
            );
            match request.status {
                Status::Final(outcome) => {
                    let FinishedRequest { receipt, evidence, output } =
                        Results::<T>::get(id).ok_or("a finished request has no receipt")?;
                    ensure!(
                        finished.get(&id) == Some(&(receipt.decided_at, receipt.digest())),
                        "a receipt has another digest"
                    );
                    ensure!(receipt.outcome == outcome, "a receipt has another outcome");
                    ensure!(
                        digest_of_evidence(&evidence) == receipt.evidence_digest,
                        "evidence has another digest"
                    );
                    ensure!(
                        evidence.iter().all(|item| {
                            item.proof.is_some() == (receipt.assurance == Assurance::Proof)
                        }),
                        "a proof and the class disagree"
                    );
                    ensure!(
                        receipt.bad_signatures(&evidence).is_empty(),
                        "a signature in the evidence does not hold"
                    );
                    ensure!(
                        output.map(|output| digest(&output)) == receipt.output_digest,
                        "an output is not the receipt's"
                    );
                    ensure!(
                        receipt.output_digest.is_some() == (outcome == Outcome::Verified),
                        "an outcome and its output disagree"
                    );
                    ensure!(receipt.price_paid <= request.max_price, "more was paid than held");
                    let appealable = Appealable::<T>::get(id);
                    ensure!(
                        Inputs::<T>::contains_key(id) == appealable.is_some(),
                        "a finished request keeps its input, or lacks it for an appeal"
                    );
                    if let Some(AppealTime { until, .. }) = appealable {
                        ensure!(
                            agenda.remove(&(id, until.saturating_add(1))),
                            "the time for appeals has no end"
                        );
                        ensure!(!Corrections::<T>::contains_key(id), "an appeal changed nothing");
                    }
                    if queued.contains(&id) {
                        moving.insert(request.version);
                    }
                    for member in &request.members {
                        ensure!(
                            !T::Operators::is_assigned(&member.account, id),
                            "a finished request is still assigned"
                        );
                    }
                },
                status => {
                    let escrow = escrows.entry(request.payer.clone()).or_default();
                    *escrow = escrow.checked_add(request.escrow()).ok_or("escrows overflow")?;
                    ensure!(
                        !Results::<T>::contains_key(id) && !finished.contains_key(&id),
                        "an open request has a receipt"
                    );
                    ensure!(
                        Inputs::<T>::contains_key(id) != request.input_is_artifact,
                        "an open request has lost its input"
                    );
                    let claimed = Claims::<T>::contains_key(id);
                    ensure!(
                        claimed == (status == Status::Disputable),
                        "a claim and a status disagree"
                    );
                    let disputed = claimed && T::Disputes::are_open(id);
                    for at in Self::agenda_heights(id, &request) {
                        let is_on = agenda.remove(&(id, at));
                        // The commit deadline of an open request may have passed, and so may the
                        // window of a disputed result; its deadline may not.
                        let has_to_be = at > now || (at > request.deadline && !disputed);
                        ensure!(is_on || !has_to_be, "an open request is not on the agenda");
                    }
                    ensure!(
                        (status == Status::Pending) == request.members.is_empty(),
                        "members and status disagree"
                    );
                    let waits = Waiting::<T>::contains_key(
                        request.version,
                        WaitingKey::new(request.waits_since, id),
                    );
                    let is_queued = queued.contains(&id)
                        || (request.is_drawn_later()
                            && Agenda::<T>::contains_key(request.draw_from, id));
                    let rests = request.again_at > 0 && request.waits_since == 0;
                    ensure!(
                        status != Status::Pending
                            || [waits, is_queued, rests].map(u32::from).iter().sum::<u32>() == 1,
                        "a pending request is in no queue, or in two"
                    );
                    // A disputable request has freed its operator before, and calls no others.
                    if !waits && !rests && !claimed {
                        moving.insert(request.version);
                    }
                    for member in &request.members {
                        let assigned = T::Operators::is_assigned(&member.account, id);
                        ensure!(assigned || claimed, "a member is not noted as assigned");
                        ensure!(!assigned || !claimed, "a member is assigned after its run");
                    }
                },
            }
        }
        let payers: BTreeSet<T::AccountId> =
            frame_system::Account::<T>::iter_keys().chain(escrows.keys().cloned()).collect();
        ensure!(
            payers.iter().all(|payer| {
                T::Escrow::held(payer) == escrows.get(payer).copied().unwrap_or_default()
            }),
            "the escrows of an account are not what is held"
        );
        for (version, key, ()) in Waiting::<T>::iter() {
            let request = Requests::<T>::get(key.request());
            ensure!(
                request.is_some_and(|request| {
                    request.status == Status::Pending
                        && request.version == version
                        && request.waits_since == key.since()
                }),
                "a waiting request has ended, or is of another version or height"
            );
            ensure!(moving.contains(&version), "no request will call the waiting ones");
        }
        ensure!(agenda.is_empty(), "the agenda contains an entry that is not open");
        for id in Inputs::<T>::iter_keys() {
            ensure!(Requests::<T>::contains_key(id), "an input without its request");
        }
        ensure!(
            Claims::<T>::iter_keys()
                .all(|id| { Requests::<T>::get(id).is_some_and(|request| !request.is_final()) }),
            "a claim without its request"
        );
        ensure!(
            Results::<T>::iter_keys()
                .chain(finished.keys().copied())
                .all(|id| { Requests::<T>::get(id).is_some_and(|request| request.is_final()) }),
            "a receipt without its request"
        );
        ensure!(
            Appealable::<T>::iter_keys()
                .chain(Corrections::<T>::iter_keys())
                .all(|id| { Requests::<T>::get(id).is_some_and(|request| request.is_final()) }),
            "an appeal without its finished request"
        );
        let (first, end, requests) = QueueBounds::<T>::get();
        ensure!(
            Queue::<T>::iter_keys().all(|position| (first..end).contains(&position)),
            "the queue has an entry out of its bounds"
        );
        ensure!(Queue::<T>::iter().count() as u64 == end - first, "the queue has a hole");
        ensure!(
            Queue::<T>::iter_values().map(|queued| queued.count).sum::<u32>() == requests,
            "the queue has another number of requests"
        );
        ensure!(
            ClientKeys::<T>::iter_values().all(Requests::<T>::contains_key),
            "a client key outlives its request"
        );
        Ok(())
    }
}

fn digest_of_evidence<AccountId: codec::Encode>(
    evidence: &[assay_primitives::SignedEvidence<AccountId>],
) -> assay_primitives::Digest {
    assay_primitives::receipt::evidence_digest(evidence)
}
