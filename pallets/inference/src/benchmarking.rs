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
    commitment, digest,
    proof::MAX_PROOF_BYTES,
    runtime_api::Status,
    traits::{
        Artifacts, BenchmarkHelper as _, BlockVrf, Models, Operators, OptimisticResults,
        Verification,
    },
    Assurance, AssuranceClass, Balance, BlockNumber, CommitStatement, Digest, Dimension,
    FailureReason, Outcome, ProofCost, RejectReason, RequestId, RequestInput, Statement, Tensor,
    TensorDeclaration, VersionId, WorkerSignature, ASY,
};
use codec::{Decode, Encode};
use frame_benchmarking::v2::*;
use frame_support::{
    pallet_prelude::{Authorize, TransactionSource},
    traits::{Get, Hooks},
    BoundedVec,
};
use frame_system::RawOrigin;
use sp_runtime::traits::SaturatedConversion;

use crate::*;

/// Maximum price of each request: more than its committee asks.
const MAX_PRICE: Balance = 1_000 * ASY;
/// The largest committee, of which `MAJORITY` have to agree.
const COMMITTEE: Assurance = Assurance::Quorum { n: MAX_COMMITTEE, k: MAJORITY as u8 };
const MAJORITY: usize = MAX_COMMITTEE as usize / 2 + 1;
const CLIENT_KEY: [u8; 32] = [7; 32];
const SALT: [u8; 32] = [8; 32];

/// An output payload.
type OutputOf<T> = BoundedVec<u8, <T as Config>::MaxOutputBytes>;

#[benchmarks]
mod benchmarks {
    use super::*;

    /// The VRF outputs of as many blocks of different authors as there can be.
    fn vrfs<T: Config>() -> Vec<(BlockNumber, BlockVrf)> {
        let vrf = |number| BlockVrf { author: [number; 32], output: [number; 32] };
        (0..RECENT_BLOCKS as u8).map(|number| (T::now(), vrf(number))).collect()
    }

    fn endowed<T: Config>(account: T::AccountId) -> T::AccountId {
        T::BenchmarkHelper::endow(&account);
        account
    }

    fn set_now<T: Config>(height: BlockNumber) {
        frame_system::Pallet::<T>::set_block_number(height.saturated_into());
    }

    /// A version that `operators` serve.
    fn version<T: Config>(operators: u32) -> VersionId {
        let owner = endowed::<T>(account("owner", 0, 0));
        let version = T::BenchmarkHelper::publish(&owner, T::MaxInputBytes::get());
        T::BenchmarkHelper::serve(version, operators);
        version
    }

    fn payload<Max: Get<u32>>(payload: Vec<u8>) -> BoundedVec<u8, Max> {
        payload.try_into().expect("within the bound")
    }

    fn last_deadline<T: Config>() -> BlockNumber {
        T::now() + T::MaxDeadline::get()
    }

    /// A pending request whose input is an artifact.
    fn requested<T: Config>(
        payer: T::AccountId,
        operators: u32,
        assurance: Assurance,
    ) -> RequestId {
        let version = version::<T>(operators);
        let payer = endowed::<T>(payer);
        let id = NextRequest::<T>::get();
        Pallet::<T>::request(
            RawOrigin::Signed(payer).into(),
            version,
            RequestInput::Inline(payload(T::BenchmarkHelper::payload(0))),
            assurance,
            MAX_PRICE,
            last_deadline::<T>(),
            1,
            CLIENT_KEY,
        )
        .expect("the request is valid");
        // The largest existing artifact. From here on only its release matters.
        let artifact = T::Models::terms(version).expect("published above").descriptor.artifact;
        T::Artifacts::acquire(&artifact).expect("it is complete");
        Inputs::<T>::remove(id);
        let mut record = get::<T>(id);
        record.input_digest = artifact;
        record.input_is_artifact = true;
        Requests::<T>::insert(id, record);
        id
    }

    /// Has the members been given all blocks with room that they have to get.
    fn give_room<T: Config>(id: RequestId) {
        Requests::<T>::mutate_extant(id, |record| record.late_from = 0);
        Claims::<T>::mutate_extant(id, |claim| claim.final_from = 0);
    }

    fn get<T: Config>(id: RequestId) -> Request<T::AccountId> {
        Requests::<T>::get(id).expect("requested before")
    }

    fn outcome<T: Config>(id: RequestId) -> Option<Outcome> {
        match get::<T>(id).status {
            Status::Final(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// A request with its committee, drawn from the maximum number of operators.
    fn assigned<T: Config>(assurance: Assurance) -> RequestId {
        let payer = account("payer", 0, 0);
        let id = requested::<T>(payer, T::Operators::max_servers(), assurance);
        Pallet::<T>::take_turn(&vrfs::<T>());
        let drawn = get::<T>(id);
        assert_eq!(drawn.status, Status::Assigned);
        // As many requests wait for capacity as the end of this one calls.
        for number in 1..=drawn.size() as u64 {
            Waiting::<T>::insert(drawn.version, (id.0 + number).to_be_bytes(), ());
        }
        id
    }

    /// The members, all but the first `silent` of which have committed to the outputs.
    fn commit<T: Config>(
        outputs: &[OutputOf<T>],
        id: RequestId,
        silent: usize,
    ) -> Vec<T::AccountId> {
        let members = get::<T>(id).accounts();
        for (member, output) in members.iter().zip(outputs).skip(silent) {
            let answered = get::<T>(id).answered(T::genesis(), id);
            let commitment = commitment(&answered, member, &digest(output), &SALT);
            Pallet::<T>::note_commitment(id, member.clone(), commitment);
        }
        members
    }

    /// Outputs of about `bytes` bytes, in the order of the draw, that cost the most to compare.
    ///
    /// The last one wins, so every output is compared with every other. All differ in every
    /// element, and are apart, if at all, only in the last one. The first ones are wrong: apart
    /// from everything. The others are within the tolerance of the last one, but lie in two
    /// groups on either side of it that are apart from each other, so that none of them has a
    /// majority. Signs and exponents follow no pattern that a processor could guess.
    fn outputs<T: Config>(id: RequestId, bytes: u32) -> Vec<OutputOf<T>> {
        let millionths = get::<T>(id).tolerance.expect("floating-point outputs").millionths;
        let unit = millionths as f32 / 1_000_000.0;
        let size = MAX_COMMITTEE as usize;
        let encoded = T::BenchmarkHelper::payload(bytes);
        let tensors = Vec::<Tensor>::decode(&mut &encoded[..]).expect("a payload");
        let output = |member: usize| {
            let last = match member {
                last if last == size - 1 => 0.0,
                wrong if wrong < size - MAJORITY => (wrong + 2) as f32 * 10.0,
                above if above % 2 == 0 => 0.75,
                _below => -0.75,
            };
            let mut tensors = tensors.clone();
            let mut state = member as u32;
            for tensor in &mut tensors {
                for element in tensor.data.chunks_exact_mut(4) {
                    // A linear congruential generator.
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // Any sign and mantissa; exponents from -65 to -2, so that no two elements
                    // are a whole unit apart.
                    let bits = state & 0x807f_ffff | (62 + (state >> 17) % 64) << 23;
                    element.copy_from_slice(&(f32::from_bits(bits) * unit).to_le_bytes());
                }
            }
            let data = &mut tensors.last_mut().expect("not empty").data;
            let end = data.len();
            data[end - 4..].copy_from_slice(&(last * unit).to_le_bytes());
            payload(tensors.encode())
        };
        (0..size).map(output).collect()
    }

    /// Stores a member's result without ending the request.
    fn reveal<T: Config>(id: RequestId, member: &T::AccountId, output: &OutputOf<T>) {
        T::Verification::note_result(
            id,
            member,
            T::Operators::worker(member).expect("registered"),
            WorkerSignature::from_raw([9; 64]),
            digest(output),
            output.to_vec(),
        );
    }

    /// A request all but one of whose members have revealed, and that one with its output.
    fn revealed<T: Config>(bytes: u32, missing: usize) -> (RequestId, T::AccountId, OutputOf<T>) {
        let id = assigned::<T>(COMMITTEE);
        let outputs = outputs::<T>(id, bytes);
        let members = commit::<T>(&outputs, id, 0);
        assert_eq!(get::<T>(id).status, Status::Revealing);
        for (index, (member, output)) in members.iter().zip(&outputs).enumerate() {
            if index != missing {
                reveal::<T>(id, member, output);
            }
        }
        (id, members[missing].clone(), outputs[missing].clone())
    }

    /// A signature that the pool has checked; nothing checks it again.
    fn checked_signature() -> WorkerSignature {
        WorkerSignature::from_raw([9; 64])
    }

    #[benchmark]
    fn request(
        n: Linear<0, { T::MaxInputBytes::get() }>,
        c: Linear<{ MAX_COMMITTEE.into() }, { T::Operators::max_servers() }>,
    ) -> Result<(), BenchmarkError> {
        let version = version::<T>(c);
        let payer = endowed::<T>(whitelisted_caller());
        let id = NextRequest::<T>::get();
        let artifact = T::Models::terms(version).expect("published above").descriptor.artifact;
        let input = RequestInput::Inline(payload(T::BenchmarkHelper::payload(n)));
        let until = last_deadline::<T>();
        let origin = RawOrigin::Signed(payer);

        #[block]
        {
            // An input artifact causes as many writes as an inline input, and an additional read:
            // the weight covers both.
            assert!(T::Artifacts::complete(&artifact).is_some());
            Pallet::<T>::request(
                origin.into(),
                version,
                input,
                COMMITTEE,
                MAX_PRICE,
                until,
                MAX_DRAW_DELAY,
                CLIENT_KEY,
            )?;
        }

        assert_eq!(get::<T>(id).status, Status::Pending);
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
        let operator = get::<T>(id).accounts().pop().expect("one member");
        let output = payload(T::BenchmarkHelper::payload(n));

        #[extrinsic_call]
        _(RawOrigin::Authorized, id, operator, output, checked_signature());

        assert_eq!(outcome::<T>(id), Some(Outcome::Verified));
    }

    // This is the authorisation of two calls; measure the more expensive one.
    #[benchmark]
    fn authorize_result(n: Linear<0, { T::MaxOutputBytes::get() }>) -> Result<(), BenchmarkError> {
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

    /// A request to an integer graph in a class of one operator, with that operator.
    fn graph_requested<T: Config>(assurance: Assurance) -> (RequestId, T::AccountId) {
        let owner = endowed::<T>(account("owner", 0, 0));
        let version = T::BenchmarkHelper::publish_graph(&owner);
        T::BenchmarkHelper::serve(version, T::Operators::max_servers());
        let descriptor = T::Models::terms(version).expect("published above").descriptor;
        let id = NextRequest::<T>::get();
        Pallet::<T>::request(
            RawOrigin::Signed(endowed::<T>(account("payer", 0, 0))).into(),
            version,
            RequestInput::Inline(payload(zeros(&descriptor.inputs))),
            assurance,
            MAX_PRICE,
            last_deadline::<T>(),
            1,
            CLIENT_KEY,
        )
        .expect("the request is valid");
        Pallet::<T>::take_turn(&vrfs::<T>());
        Waiting::<T>::insert(version, (id.0 + 1).to_be_bytes(), ());
        (id, get::<T>(id).accounts().pop().expect("one member"))
    }

    /// A payload of zeros that fits declarations without free dimensions.
    fn zeros(declarations: &[TensorDeclaration]) -> Vec<u8> {
        let zeros = |declared: &TensorDeclaration| {
            let size = |dimension: &Dimension| match dimension {
                Dimension::Fixed(size) => *size,
                Dimension::Free => 1,
            };
            let (element_type, shape) =
                (declared.element_type, declared.shape.iter().map(size).collect::<Vec<_>>());
            let bytes = Tensor::byte_length(element_type, &shape).expect("a small tensor");
            Tensor { element_type, shape, data: vec![0; bytes] }
        };
        declarations.iter().map(zeros).collect::<Vec<_>>().encode()
    }

    fn cost_of<T: Config>(id: RequestId) -> ProofCost {
        T::Models::proof_terms(get::<T>(id).version).expect("it offers proofs").cost
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

    fn trace_signatures() -> TraceSignatures {
        TraceSignatures { result: checked_signature(), trace: checked_signature() }
    }

    /// A disputable optimistic result of the maximum size, with its operator.
    fn traced<T: Config>() -> (RequestId, T::AccountId) {
        let (id, operator) = graph_requested::<T>(Assurance::Optimistic);
        let output = payload(T::BenchmarkHelper::payload(T::MaxOutputBytes::get()));
        let root = Digest::repeat_byte(1);
        Pallet::<T>::note_trace(id, operator.clone(), output, root, trace_signatures());
        assert_eq!(get::<T>(id).status, Status::Disputable);
        (id, operator)
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

    // One more member has to reveal, so this does not end the request.
    #[benchmark]
    fn submit_reveal(n: Linear<0, { T::MaxOutputBytes::get() }>) {
        let (id, member, output) = revealed::<T>(n, MAX_COMMITTEE as usize - 1);
        let other = get::<T>(id).members[0].account.clone();
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

    #[benchmark]
    fn report_failure() {
        let id = assigned::<T>(COMMITTEE);
        let mut members = get::<T>(id).accounts();
        let last = members.pop().expect("a committee");
        let reason = FailureReason::EngineError;
        for (index, member) in members.into_iter().enumerate() {
            if index < MAX_COMMITTEE as usize - MAJORITY {
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
    fn draw(
        c: Linear<{ MAX_COMMITTEE.into() }, { T::Operators::max_servers() }>,
        m: Linear<2, { MAX_COMMITTEE.into() }>,
    ) {
        let assurance = Assurance::Quorum { n: m as u8, k: m as u8 };
        let id = requested::<T>(account("payer", 0, 0), c, assurance);

        #[block]
        {
            Pallet::<T>::take_turn(&vrfs::<T>());
        }

        assert_eq!(get::<T>(id).members.len(), m as usize);
    }

    // All are silent: all are penalised, and the request ends.
    #[benchmark]
    fn commit_deadline() {
        let id = assigned::<T>(COMMITTEE);
        let now = get::<T>(id).commit_deadline(T::RevealWindow::get()) + 1;
        give_room::<T>(id);
        AgendaCursor::<T>::put(now);
        set_now::<T>(now);

        #[block]
        {
            Pallet::<T>::sweep_deadlines();
        }

        assert_eq!(outcome::<T>(id), Some(Outcome::TimedOut));
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

    /// A finished request of the largest committee that can be appealed, as if the chain could verify
    /// proofs of its version.
    fn contested<T: Config>() -> (RequestId, BlockNumber) {
        let (id, last, output) = revealed::<T>(0, MAX_COMMITTEE as usize - 1);
        Pallet::<T>::note_result(id, last, output, checked_signature());
        let mut contested = get::<T>(id);
        contested.appealable = true;
        contested.stake = T::Operators::stake(AssuranceClass::Quorum, true);
        for member in contested.accounts() {
            T::Operators::assign(&member, id, contested.version, contested.stake);
            T::Operators::unassign(&member, id, contested.version, true);
        }
        T::Models::acquire(contested.version).expect("the version exists");
        Requests::<T>::insert(id, contested);
        Inputs::<T>::insert(id, payload(T::BenchmarkHelper::payload(0)));
        Pallet::<T>::allow_appeals(id);
        (id, Appealable::<T>::get(id).expect("appeals are open"))
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
        PruneCursor::<T>::put(T::now());
        let now = T::now() + T::Retention::get() + 1;
        set_now::<T>(now);

        #[block]
        {
            Pallet::<T>::prune();
        }

        assert!(!Requests::<T>::contains_key(id));
    }

    #[benchmark]
    fn on_initialize() {
        // As many heights as one block processes, a request that is not pruned yet, and the
        // randomness of both blocks.
        let now: BlockNumber = T::Retention::get() + 1_000;
        set_now::<T>(now);
        AgendaCursor::<T>::put(now - 100);
        PruneCursor::<T>::put(0);
        // The root of some receipts is written.
        let ends = (0..100).map(|number| (RequestId(number), Digest::zero())).collect();
        Ended::<T>::insert(now, BoundedVec::truncate_from(ends));
        T::BenchmarkHelper::set_randomness([1; 32]);
        RecentVrfs::<T>::put(BoundedVec::truncate_from(vrfs::<T>()));
        let height = frame_system::Pallet::<T>::block_number();

        #[block]
        {
            Pallet::<T>::on_initialize(height);
            Pallet::<T>::on_finalize(height);
        }

        assert_eq!(RecentVrfs::<T>::get().last().map(|(_, vrf)| vrf.output), Some([1; 32]));
        assert!(AgendaCursor::<T>::get() > now - 100);
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::benchmark_ext(), crate::mock::Test);
}
