//! Benchmarks of the calls and of the hooks' steps.
//!
//! Requests ask for the largest committee with the smallest majority, so that as many members as
//! possible can be wrong, which is the most expensive end. Their input is an artifact, which has to
//! be released at the end. The hooks and the workers' calls have no fee, so the accounts of payer
//! and operators have not been read before.
#![cfg(feature = "runtime-benchmarks")]

use alloc::{vec, vec::Vec};
use assay_pallet_support::Chain;
use assay_primitives::{
    assurance::MAX_COMMITTEE,
    digest,
    operator::Offence,
    proof::MAX_PROOF_BYTES,
    runtime_api::Status,
    traits::{Artifacts, BenchmarkHelper as _, Models, Operators, OptimisticResults, Verification},
    Assurance, BlockNumber, CommitStatement, Digest, FailureReason, Outcome, RejectReason,
    RequestId, RequestInput, Statement, MAX_LIST,
};
use frame_benchmarking::v2::*;
use frame_support::{
    migrations::SteppedMigration,
    pallet_prelude::{Authorize, TransactionSource},
    traits::{Get, Hooks},
    weights::WeightMeter,
    BoundedVec,
};
use frame_system::RawOrigin;

use crate::{
    migrations::v1::{self, Cursor, ReceiptsToRoots},
    *,
};
use fixtures::*;

mod fixtures;

/// Sets up the state of requests for benchmarks. Implemented by the runtime.
pub trait BenchmarkHelper<AccountId>: assay_primitives::traits::BenchmarkHelper<AccountId> {
    /// Signs with the worker key of an operator that [`Self::serve`] registered.
    ///
    /// [`Self::serve`]: assay_primitives::traits::BenchmarkHelper::serve
    fn sign(operator: &AccountId, message: &[u8]) -> assay_primitives::WorkerSignature;
    /// Artifact number `index` of at most `bytes` bytes, with all its chunks on chain.
    fn artifact(index: u32, bytes: u32) -> Digest;
    /// Gives the current block a VRF output, which [`Config::Randomness`] returns.
    fn set_vrf();
}

#[benchmarks]
mod benchmarks {
    use super::*;

    // Only the last operator that is read can be drawn, and one is enough.
    #[benchmark]
    fn request(
        n: Linear<0, { T::MaxInputBytes::get() }>,
        c: Linear<1, { T::Operators::max_servers() }>,
    ) -> Result<(), BenchmarkError> {
        let version = version::<T>(c);
        exhaust::<T>(version, c - 1);
        let payer = endowed::<T>(whitelisted_caller());
        let id = NextRequest::<T>::get();
        let input = RequestInput::Inline(payload(T::BenchmarkHelper::payload(n)));

        #[extrinsic_call]
        _(
            RawOrigin::Signed(payer),
            version,
            input,
            Assurance::Signed,
            MAX_PRICE,
            last_deadline::<T>(),
            1,
            CLIENT_KEY,
        );

        assert_eq!(get::<T>(id).status, Status::Pending);
        Ok(())
    }

    // Besides its deadline, a request of a batch has at most a height of its draw and one of its
    // commitments.
    #[benchmark]
    fn note_heights(i: Linear<0, { 2 * MAX_BATCH }>) {
        #[block]
        {
            for id in 0..i {
                Agenda::<T>::insert(last_deadline::<T>(), RequestId(id.into()), ());
            }
        }
    }

    // The size of an artifact is known only when it has been read.
    #[benchmark]
    fn acquire_inputs(i: Linear<0, MAX_BATCH>) -> Result<(), BenchmarkError> {
        let artifact = |index| T::BenchmarkHelper::artifact(index, u32::MAX);
        let artifacts: Vec<_> = (0..i).map(artifact).collect();

        #[block]
        {
            for artifact in &artifacts {
                assert!(T::Artifacts::complete(artifact).is_some());
                T::Artifacts::acquire(artifact)?;
            }
        }

        Ok(())
    }

    #[benchmark]
    fn cancel() {
        let payer: T::AccountId = whitelisted_caller();
        let id = requested::<T>(payer.clone(), MAX_COMMITTEE.into(), COMMITTEE);

        #[extrinsic_call]
        _(RawOrigin::Signed(payer), id);

        assert_eq!(outcome::<T>(id), Some(Outcome::Cancelled));
    }

    #[benchmark]
    fn submit_result(n: Linear<0, { T::MaxOutputBytes::get() }>) {
        let id = assigned::<T>(Assurance::Signed);
        let _ = Waiting::<T>::clear(u32::MAX, None);
        let operator = get::<T>(id).accounts().pop().expect("one member");
        let output = payload(T::BenchmarkHelper::payload(n));

        #[extrinsic_call]
        _(RawOrigin::Authorized, id, operator, output, checked_signature());

        assert_eq!(outcome::<T>(id), Some(Outcome::Verified));
    }

    #[benchmark]
    fn authorize_result(n: Linear<0, { T::MaxOutputBytes::get() }>) -> Result<(), BenchmarkError> {
        let id = assigned::<T>(Assurance::Signed);
        let operator = get::<T>(id).accounts().pop().expect("one member");
        let output: OutputOf<T> = payload(T::BenchmarkHelper::payload(n));
        let statement = Pallet::<T>::statement(id, &get::<T>(id), &operator, digest(&output), None);
        let signature = T::BenchmarkHelper::sign(&operator, &statement.signing_bytes());
        let call = Call::<T>::submit_result { request: id, operator, output, signature };

        #[block]
        {
            call.authorize(TransactionSource::External)
                .ok_or("the call has an authorization")??;
        }

        Ok(())
    }

    #[benchmark]
    fn request_batch(
        i: Linear<1, MAX_BATCH>,
        c: Linear<1, { T::Operators::max_servers() }>,
    ) -> Result<(), BenchmarkError> {
        let version = version::<T>(c);
        exhaust::<T>(version, c - 1);
        let payer = endowed::<T>(whitelisted_caller());
        let first = NextRequest::<T>::get();

        #[block]
        {
            ask_batch::<T>(payer, version, i).map_err(|error| error.error)?;
        }

        assert_eq!(NextRequest::<T>::get().0, first.0 + u64::from(i));
        Ok(())
    }

    #[benchmark]
    fn submit_results(i: Linear<1, MAX_LIST>) {
        let List { operator, version, results } = list::<T>(1, i);
        let last = results.last().expect("not empty").request;

        #[extrinsic_call]
        _(RawOrigin::Authorized, operator, version, results, checked_signature());

        assert_eq!(outcome::<T>(last), Some(Outcome::Verified));
    }

    #[benchmark]
    fn submit_results_apart(i: Linear<1, MAX_LIST>) {
        let List { operator, version, results } = list::<T>(i, 1);
        let last = results.last().expect("not empty").request;

        #[extrinsic_call]
        submit_results(RawOrigin::Authorized, operator, version, results, checked_signature());

        assert_eq!(outcome::<T>(last), Some(Outcome::Verified));
    }

    #[benchmark]
    fn authorize_results(i: Linear<1, MAX_LIST>) -> Result<(), BenchmarkError> {
        let List { operator, version, results } = list::<T>(1, i);
        let statement = Pallet::<T>::list_statement(&operator, &results);
        let signature = T::BenchmarkHelper::sign(&operator, &statement.signing_bytes());
        let call = Call::<T>::submit_results { operator, version, results, signature };

        #[block]
        {
            call.authorize(TransactionSource::External)
                .ok_or("the call has an authorization")??;
        }

        Ok(())
    }

    #[benchmark]
    fn call_waiting() {
        let id = requested::<T>(account("payer", 0, 0), 1, Assurance::Signed);
        let version = get::<T>(id).version;
        Waiting::<T>::insert(version, WaitingKey::new(T::now(), RequestId(id.0 + 1)), ());

        #[block]
        {
            assert_eq!(Pallet::<T>::call_waiting(version, 1), 1);
        }
    }

    // The first draw reads the candidates for all of them.
    #[benchmark]
    fn draw_next(i: Linear<0, { MAX_BATCH - 1 }>) {
        let first = batches::<T>(T::Operators::max_servers(), 1, i + 1);
        let mut draws = Default::default();

        #[block]
        {
            for _ in 0..=i {
                Pallet::<T>::take_turn(&vrfs::<T>(), &mut draws);
            }
        }

        assert_eq!(get::<T>(RequestId(first.0 + u64::from(i))).members.len(), 1);
    }

    #[benchmark]
    fn authorize_reveal(n: Linear<0, { T::MaxOutputBytes::get() }>) -> Result<(), BenchmarkError> {
        // One member is silent, so that the others have to be counted.
        let id = assigned::<T>(COMMITTEE);
        let outputs = outputs::<T>(id, n);
        let members = commit::<T>(&outputs, id, 1);
        give_room::<T>(id);
        set_now::<T>(get::<T>(id).commit_deadline(T::RevealWindow::get()) + 1);
        let operator = members.last().expect("a committee").clone();
        let output = outputs.into_iter().next_back().expect("a committee");
        let statement = Pallet::<T>::statement(id, &get::<T>(id), &operator, digest(&output), None);
        let signature = T::BenchmarkHelper::sign(&operator, &statement.signing_bytes());
        let call =
            Call::<T>::submit_reveal { request: id, operator, output, salt: SALT, signature };

        #[block]
        {
            call.authorize(TransactionSource::External)
                .ok_or("the call has an authorization")??;
        }

        Ok(())
    }

    #[benchmark]
    fn authorize_proof(p: Linear<0, { MAX_PROOF_BYTES }>) -> Result<(), BenchmarkError> {
        let (id, operator) = graph_requested::<T>(Assurance::Proof);
        let descriptor =
            T::Models::terms(get::<T>(id).version).expect("published above").descriptor;
        let output: OutputOf<T> = payload(zeros(&descriptor.outputs));
        let proof: EncodedProof = payload(vec![7; p as usize]);
        let statement = Pallet::<T>::statement(
            id,
            &get::<T>(id),
            &operator,
            digest(&output),
            Some(digest(&proof)),
        );
        let signature = T::BenchmarkHelper::sign(&operator, &statement.signing_bytes());
        let cost = cost_of::<T>(id);
        let call =
            Call::<T>::submit_proof { request: id, operator, cost, output, proof, signature };

        #[block]
        {
            call.authorize(TransactionSource::External)
                .ok_or("the call has an authorization")??;
        }

        Ok(())
    }

    #[benchmark]
    fn refuse_proof(n: Linear<0, { T::MaxOutputBytes::get() }>) {
        let (id, operator) = graph_requested::<T>(Assurance::Proof);
        let cost = cost_of::<T>(id);
        let output = payload(T::BenchmarkHelper::payload(n));

        #[extrinsic_call]
        submit_proof(
            RawOrigin::Authorized,
            id,
            operator,
            cost,
            output,
            EncodedProof::default(),
            checked_signature(),
        );

        assert_eq!(outcome::<T>(id), Some(Outcome::Rejected(RejectReason::InvalidProof)));
    }

    #[benchmark]
    fn submit_trace(n: Linear<0, { T::MaxOutputBytes::get() }>) {
        let (id, operator) = graph_requested::<T>(Assurance::Optimistic);
        let output = payload(T::BenchmarkHelper::payload(n));
        let root = Digest::repeat_byte(1);

        #[extrinsic_call]
        _(RawOrigin::Authorized, id, operator, output, root, trace_signatures());

        assert_eq!(get::<T>(id).status, Status::Disputable);
    }

    // The output has the size that the version declares; `authorize_result` covers larger ones.
    #[benchmark]
    fn authorize_trace() -> Result<(), BenchmarkError> {
        let (id, operator) = graph_requested::<T>(Assurance::Optimistic);
        let descriptor =
            T::Models::terms(get::<T>(id).version).expect("published above").descriptor;
        let output: OutputOf<T> = payload(zeros(&descriptor.outputs));
        let (output_digest, trace_root) = (digest(&output), Digest::repeat_byte(1));
        let record = get::<T>(id);
        let result = Pallet::<T>::statement(id, &record, &operator, output_digest, None);
        let trace = Pallet::<T>::trace_statement(id, &record, &operator, output_digest, trace_root);
        let sign = |bytes: &[u8]| T::BenchmarkHelper::sign(&operator, bytes);
        let signatures = TraceSignatures {
            result: sign(&result.signing_bytes()),
            trace: sign(&trace.signing_bytes()),
        };
        let call =
            Call::<T>::submit_trace { request: id, operator, output, trace_root, signatures };

        #[block]
        {
            call.authorize(TransactionSource::External)
                .ok_or("the call has an authorization")??;
        }

        Ok(())
    }

    #[benchmark]
    fn pass_window() {
        let (id, _) = traced::<T>();
        let now = Claims::<T>::get(id).expect("submitted").disputable_until + 1;
        give_room::<T>(id);
        AgendaCursor::<T>::put(now);
        set_now::<T>(now);

        #[block]
        {
            Pallet::<T>::sweep_deadlines();
        }

        assert_eq!(outcome::<T>(id), Some(Outcome::Verified));
    }

    #[benchmark]
    fn reject_result() {
        let (id, _) = traced::<T>();
        let challenger = endowed::<T>(account("challenger", 0, 0));

        #[block]
        {
            <Pallet<T> as OptimisticResults<T::AccountId>>::reject(id, &challenger);
        }

        assert_eq!(outcome::<T>(id), Some(Outcome::Rejected(RejectReason::Disputed)));
    }

    #[benchmark]
    fn submit_commitment() {
        let id = assigned::<T>(COMMITTEE);
        let mut members = get::<T>(id).accounts();
        let last = members.pop().expect("a committee");
        for member in members {
            Pallet::<T>::note_commitment(id, member, Digest::repeat_byte(1));
        }

        #[extrinsic_call]
        _(RawOrigin::Authorized, id, last, Digest::repeat_byte(1), checked_signature());

        assert_eq!(get::<T>(id).status, Status::Revealing);
    }

    // This is the authorisation of two calls, which make the same checks.
    #[benchmark]
    fn authorize_commitment() -> Result<(), BenchmarkError> {
        let id = assigned::<T>(COMMITTEE);
        let operator = get::<T>(id).accounts().pop().expect("a committee");
        let statement = CommitStatement {
            request: get::<T>(id).answered(T::genesis(), id),
            commitment: Digest::repeat_byte(1),
            operator: operator.clone(),
        };
        let signature = T::BenchmarkHelper::sign(&operator, &statement.signing_bytes());
        let commitment = statement.commitment;
        let call = Call::<T>::submit_commitment { request: id, operator, commitment, signature };

        #[block]
        {
            call.authorize(TransactionSource::External)
                .ok_or("the call has an authorization")??;
        }

        Ok(())
    }

    // The last member still has to reveal, so this looks at all of them and does not end the request.
    #[benchmark]
    fn submit_reveal(n: Linear<0, { T::MaxOutputBytes::get() }>) {
        let (id, member, output) = revealed::<T>(n, 0);
        let other = get::<T>(id).members[MAX_COMMITTEE as usize - 1].account.clone();
        T::Verification::note_commitment(id, &other, Digest::repeat_byte(1));

        #[extrinsic_call]
        _(RawOrigin::Authorized, id, member, output, SALT, checked_signature());

        assert_eq!(get::<T>(id).status, Status::Revealing);
    }

    #[benchmark]
    fn conclude(
        m: Linear<2, { MAX_COMMITTEE.into() }>,
        n: Linear<0, { T::MaxOutputBytes::get() }>,
    ) {
        let id = assigned::<T>(Assurance::Quorum { n: m as u8, k: m as u8 });
        let output = payload(T::BenchmarkHelper::payload(n));
        let outputs = vec![output.clone(); m as usize];
        for member in commit::<T>(&outputs, id, 0) {
            reveal::<T>(id, &member, &output);
        }
        let record = get::<T>(id);

        #[block]
        {
            Pallet::<T>::conclude(id, record);
        }

        assert_eq!(outcome::<T>(id), Some(Outcome::Verified));
    }

    // The outputs differ in every element, and are within the tolerance.
    #[benchmark]
    fn compare(n: Linear<0, { T::MaxOutputBytes::get() }>) {
        let (id, _, _) = revealed::<T>(n, 0);
        let record = get::<T>(id);
        let members = record.accounts();
        let pair = &members[MAX_COMMITTEE as usize - 2..];
        let winner;

        #[block]
        {
            let both = Assurance::Quorum { n: 2, k: 2 };
            winner = T::Verification::decide(id, both, record.tolerance, pair).winner;
        }

        assert!(winner.is_some());
    }

    // The last report that ends the request.
    #[benchmark]
    fn report_failure(m: Linear<1, { MAX_COMMITTEE.into() }>) {
        let (n, k) = (m as u8, m as u8 / 2 + 1);
        let id = assigned::<T>(match n {
            1 => Assurance::Signed,
            _ => Assurance::Quorum { n, k },
        });
        let mut members = get::<T>(id).accounts();
        let last = members.pop().expect("a committee");
        let reason = FailureReason::EngineError;
        for (index, member) in members.into_iter().enumerate() {
            if index < usize::from(n - k) {
                Pallet::<T>::note_failure(id, member, reason);
            } else {
                Pallet::<T>::note_commitment(id, member, Digest::repeat_byte(1));
            }
        }

        #[extrinsic_call]
        _(RawOrigin::Authorized, id, last, reason, checked_signature());

        assert_eq!(outcome::<T>(id), Some(Outcome::Rejected(RejectReason::Failed(reason))));
    }

    #[benchmark]
    fn draw(c: Linear<1, { T::Operators::max_servers() }>) {
        let id = requested::<T>(account("payer", 0, 0), c, Assurance::Signed);

        #[block]
        {
            Pallet::<T>::take_turn(&vrfs::<T>(), &mut Default::default());
        }

        assert_eq!(get::<T>(id).members.len(), 1);
    }

    #[benchmark]
    fn draw_members(m: Linear<2, { MAX_COMMITTEE.into() }>) {
        let assurance = Assurance::Quorum { n: m as u8, k: m as u8 };
        let most = T::Operators::max_servers();
        let id = requested::<T>(account("payer", 0, 0), most, assurance);

        #[block]
        {
            Pallet::<T>::take_turn(&vrfs::<T>(), &mut Default::default());
        }

        assert_eq!(get::<T>(id).members.len(), m as usize);
    }

    // An entry of the agenda for which nothing is due.
    #[benchmark]
    fn pass_over() {
        let id = assigned::<T>(COMMITTEE);
        let now = get::<T>(id).requested_at;
        Agenda::<T>::insert(now, id, ());
        AgendaCursor::<T>::put(now);

        #[block]
        {
            Pallet::<T>::sweep_deadlines();
        }

        assert!(!Agenda::<T>::contains_key(now, id));
        assert_eq!(get::<T>(id).status, Status::Assigned);
    }

    #[benchmark]
    fn prolong() {
        let id = assigned::<T>(COMMITTEE);
        let now = get::<T>(id).commit_deadline(T::RevealWindow::get()) + 1;
        Requests::<T>::mutate_extant(id, |record| record.late_from = BlockNumber::MAX / 2);
        let deadline = get::<T>(id).deadline;
        AgendaCursor::<T>::put(now);
        set_now::<T>(now);

        #[block]
        {
            Pallet::<T>::sweep_deadlines();
        }

        assert!(get::<T>(id).deadline > deadline);
    }

    // The others are silent, so that all states have to be read.
    #[benchmark]
    fn commit_deadline() {
        let id = assigned::<T>(COMMITTEE);
        for member in get::<T>(id).accounts().into_iter().take(MAJORITY) {
            Pallet::<T>::note_commitment(id, member, Digest::repeat_byte(1));
        }
        let now = get::<T>(id).commit_deadline(T::RevealWindow::get()) + 1;
        give_room::<T>(id);
        AgendaCursor::<T>::put(now);
        set_now::<T>(now);

        #[block]
        {
            Pallet::<T>::sweep_deadlines();
        }

        assert_eq!(get::<T>(id).status, Status::Revealing);
    }

    #[benchmark]
    fn penalties(l: Linear<0, { MAX_COMMITTEE.into() }>) {
        let id = assigned::<T>(COMMITTEE);
        let record = get::<T>(id);
        let late: Vec<_> = record.accounts().into_iter().take(l as usize).collect();
        let harmed = Some((&record.payer, record.budget()));

        #[block]
        {
            for member in &late {
                T::Operators::penalise(member, Offence::NoAnswer, harmed);
            }
        }
    }

    #[benchmark]
    fn deadline_single() {
        let id = assigned::<T>(Assurance::Signed);
        let now = get::<T>(id).deadline + 1;
        give_room::<T>(id);
        AgendaCursor::<T>::put(now);
        set_now::<T>(now);

        #[block]
        {
            Pallet::<T>::sweep_deadlines();
        }

        assert_eq!(outcome::<T>(id), Some(Outcome::TimedOut));
    }

    // All members are penalised.
    #[benchmark]
    fn appeal() {
        let (id, until) = contested::<T>();
        let (record, appellant) = (get::<T>(id), account("appellant", 0, 0));

        #[block]
        {
            Pallet::<T>::correct(id, &record, appellant, Digest::zero(), until);
        }

        assert!(Corrections::<T>::contains_key(id));
    }

    // All members get a mark.
    #[benchmark]
    fn pass_appeals() {
        let (id, until) = contested::<T>();
        Results::<T>::mutate(id, |kept| {
            kept.as_mut().expect("it has ended").receipt.output_digest = Some(Digest::zero());
        });
        AgendaCursor::<T>::put(until + 1);
        set_now::<T>(until + 1);

        #[block]
        {
            Pallet::<T>::sweep_deadlines();
        }

        assert!(!Appealable::<T>::contains_key(id));
    }

    #[benchmark]
    fn prune() {
        // With the evidence of a whole committee, and the largest output.
        let (id, last, output) = revealed::<T>(0, MAX_COMMITTEE as usize - 1);
        Pallet::<T>::note_result(id, last, output, checked_signature());
        let output = payload(T::BenchmarkHelper::payload(T::MaxOutputBytes::get()));
        Results::<T>::mutate(id, |kept| {
            kept.as_mut().expect("it has ended").output = Some(output);
        });
        Requests::<T>::mutate_extant(id, |record| record.appealable = true);
        Pallet::<T>::write_root();
        PruneCursor::<T>::put(T::now());
        let now = T::now() + T::Retention::get() + 1;
        set_now::<T>(now);

        // The sweep does not lag.
        AgendaCursor::<T>::put(T::now() + 1);

        #[block]
        {
            Pallet::<T>::prune();
        }

        assert!(!Requests::<T>::contains_key(id));
    }

    #[benchmark]
    fn move_finished(n: Linear<1, 1_000>) {
        for number in 0..n {
            finished_in_v1::<T>(number);
        }

        #[block]
        {
            ReceiptsToRoots::<T>::step(Some(Cursor::Finished(0)), &mut WeightMeter::new())
                .expect("the receipts are those of one block");
        }

        assert!(Pallet::<T>::receipt_root(V1_HEIGHT).is_some());
        assert!(!v1::storage::Finished::<T>::contains_key(u64::from(n) - 1));
    }

    #[benchmark]
    fn move_pruned(n: Linear<1, 1_000>) {
        set_now::<T>(V1_HEIGHT);
        for number in 0..n {
            pruned_in_v1::<T>(number);
        }

        #[block]
        {
            ReceiptsToRoots::<T>::step(Some(Cursor::Pruned), &mut WeightMeter::new())
                .expect("there are receipts");
        }

        assert!(Pallet::<T>::receipt_root(V1_HEIGHT).is_some());
        assert!(v1::storage::ReceiptDigests::<T>::iter_keys().next().is_none());
    }

    #[benchmark]
    fn remove_keys(n: Linear<1, 1_000>) {
        let payer: T::AccountId = whitelisted_caller();
        for number in 0..n {
            let key = digest(&number.to_le_bytes()).0;
            ClientKeys::<T>::insert(&payer, key, RequestId(number.into()));
        }

        #[block]
        {
            ReceiptsToRoots::<T>::step(Some(Cursor::ClientKeys), &mut WeightMeter::new())
                .expect("there are keys");
        }

        assert!(ClientKeys::<T>::iter_keys().next().is_none());
    }

    #[benchmark]
    fn on_initialize() {
        // As many heights as one block sweeps and prunes, without requests, and the randomness of both
        // blocks.
        let now: BlockNumber = T::Retention::get() + 1_000;
        set_now::<T>(now);
        // The sweep does not lag, so that heights are pruned.
        AgendaCursor::<T>::put(now - crate::sweep::MAX_HEIGHTS + 1);
        PruneCursor::<T>::put(0);
        // The root of as many receipts is written as blocks full of lists have.
        let ends = (0..2_000).map(|number| (RequestId(number), Digest::zero())).collect();
        Ending::<T>::put(BoundedVec::truncate_from(ends));
        T::BenchmarkHelper::set_vrf();
        RecentVrfs::<T>::put(BoundedVec::truncate_from(vrfs::<T>()));
        let height = frame_system::Pallet::<T>::block_number();

        #[block]
        {
            Pallet::<T>::on_initialize(height);
            Pallet::<T>::on_finalize(height);
        }

        let (latest, before) = (RecentVrfs::<T>::get(), vrfs::<T>());
        assert_ne!(latest.last().map(|(_, vrf)| vrf), before.last().map(|(_, vrf)| vrf));
        assert_eq!(AgendaCursor::<T>::get(), now + 1);
        assert!(PruneCursor::<T>::get() > 0);
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::benchmark_ext(), crate::mock::Test);
}
