//! The state that benchmarks start from.

use alloc::{vec, vec::Vec};
use assay_pallet_support::Chain;
use assay_primitives::{
    assurance::MAX_COMMITTEE,
    commitment, digest,
    runtime_api::Status,
    traits::{Artifacts, BenchmarkHelper as _, BlockVrf, Models, Operators, Verification},
    Assurance, AssuranceClass, Balance, BlockNumber, Digest, Dimension, Outcome, ProofCost,
    RequestId, RequestInput, Tensor, TensorDeclaration, VersionId, WorkerSignature, ASY,
};
use codec::{Decode, Encode};
use frame_benchmarking::v2::*;
use frame_support::{pallet_prelude::DispatchResultWithPostInfo, traits::Get, BoundedVec};
use frame_system::RawOrigin;
use sp_runtime::traits::SaturatedConversion;

use crate::{migrations::v1, *};

/// Maximum price of each request: more than its committee asks.
pub(super) const MAX_PRICE: Balance = 1_000 * ASY;
/// The largest committee, of which `MAJORITY` have to agree.
pub(super) const COMMITTEE: Assurance = Assurance::Quorum { n: MAX_COMMITTEE, k: MAJORITY as u8 };
pub(super) const MAJORITY: usize = MAX_COMMITTEE as usize / 2 + 1;
pub(super) const CLIENT_KEY: [u8; 32] = [7; 32];
pub(super) const SALT: [u8; 32] = [8; 32];

/// An output payload.
pub(super) type OutputOf<T> = BoundedVec<u8, <T as Config>::MaxOutputBytes>;

/// The VRF outputs of as many blocks of different authors as there can be.
pub(super) fn vrfs<T: Config>() -> Vec<(BlockNumber, BlockVrf)> {
    let vrf = |number| BlockVrf { author: [number; 32], output: [number; 32] };
    (0..RECENT_BLOCKS as u8).map(|number| (T::now(), vrf(number))).collect()
}

pub(super) fn endowed<T: Config>(account: T::AccountId) -> T::AccountId {
    T::BenchmarkHelper::endow(&account);
    account
}

pub(super) fn set_now<T: Config>(height: BlockNumber) {
    frame_system::Pallet::<T>::set_block_number(height.saturated_into());
}

/// A version that `operators` serve.
pub(super) fn version<T: Config>(operators: u32) -> VersionId {
    let owner = endowed::<T>(account("owner", 0, 0));
    let version = T::BenchmarkHelper::publish(&owner, T::MaxInputBytes::get());
    T::BenchmarkHelper::serve(version, operators);
    version
}

pub(super) fn payload<Max: Get<u32>>(payload: Vec<u8>) -> BoundedVec<u8, Max> {
    payload.try_into().expect("within the bound")
}

pub(super) fn last_deadline<T: Config>() -> BlockNumber {
    T::now() + T::MaxDeadline::get()
}

/// A pending request whose input is an artifact.
pub(super) fn requested<T: Config>(
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
    replace_input::<T>(id, 0);
    id
}

/// Makes an artifact the input of a request. From here on only its release matters.
fn replace_input<T: Config>(id: RequestId, index: u32) {
    let artifact = T::BenchmarkHelper::artifact(index, T::MaxArtifactInputBytes::get());
    T::Artifacts::acquire(&artifact).expect("it is complete");
    Inputs::<T>::remove(id);
    let mut record = get::<T>(id);
    record.input_digest = artifact;
    record.input_is_artifact = true;
    Requests::<T>::insert(id, record);
}

/// Takes the first `count` operators of a version all that they can put at stake.
pub(super) fn exhaust<T: Config>(version: VersionId, count: u32) {
    let last = RequestId(u64::MAX);
    for operator in T::BenchmarkHelper::serve(version, 0).iter().take(count as usize) {
        T::Operators::assign(operator, last, version, Balance::MAX);
        T::Operators::unassign(operator, version, &[last], false, 0);
    }
}

/// Has the members been given all blocks with room that they have to get.
pub(super) fn give_room<T: Config>(id: RequestId) {
    Requests::<T>::mutate_extant(id, |record| record.late_from = 0);
    Claims::<T>::mutate_extant(id, |claim| claim.final_from = 0);
}

pub(super) fn get<T: Config>(id: RequestId) -> Request<T::AccountId> {
    Requests::<T>::get(id).expect("requested before")
}

pub(super) fn outcome<T: Config>(id: RequestId) -> Option<Outcome> {
    match get::<T>(id).status {
        Status::Final(outcome) => Some(outcome),
        _ => None,
    }
}

/// A request with its committee, drawn from the maximum number of operators.
pub(super) fn assigned<T: Config>(assurance: Assurance) -> RequestId {
    let payer = account("payer", 0, 0);
    let id = requested::<T>(payer, T::Operators::max_servers(), assurance);
    Pallet::<T>::take_turn(&vrfs::<T>(), &mut Default::default());
    let drawn = get::<T>(id);
    assert_eq!(drawn.status, Status::Assigned);
    // As many requests wait for capacity as the end of this one calls.
    for number in 1..=drawn.size() as u64 {
        let key = WaitingKey::new(T::now(), RequestId(id.0 + number));
        Waiting::<T>::insert(drawn.version, key, ());
    }
    id
}

/// `count` requests of class `Signed`, in a batch of each of `payers` payers, for a version that
/// `operators` serve.
pub(super) fn batches<T: Config>(operators: u32, payers: u32, count: u32) -> RequestId {
    let version = version::<T>(operators);
    let first = NextRequest::<T>::get();
    for index in 0..payers {
        let payer = endowed::<T>(account("payer", index, 0));
        ask_batch::<T>(payer, version, count).expect("the requests are valid");
    }
    first
}

pub(super) fn ask_batch<T: Config>(
    payer: T::AccountId,
    version: VersionId,
    count: u32,
) -> DispatchResultWithPostInfo {
    let input = RequestInput::Inline(payload(T::BenchmarkHelper::payload(0)));
    let items: Vec<_> = (0..count)
        .map(|number| BatchItem { input: input.clone(), client_key: digest(&number.encode()).0 })
        .collect();
    Pallet::<T>::request_batch(
        RawOrigin::Signed(payer).into(),
        version,
        Assurance::Signed,
        MAX_PRICE,
        last_deadline::<T>(),
        1,
        BoundedVec::truncate_from(items),
    )
}

/// A list of results of an operator and a version.
pub(super) struct List<T: Config> {
    pub operator: T::AccountId,
    pub version: VersionId,
    pub results: ResultList<T>,
}

/// A list of awaited results of one operator, for `count` requests of each of `payers` payers. Each has
/// a receiver of the royalty of its own.
pub(super) fn list<T: Config>(payers: u32, count: u32) -> List<T> {
    let first = batches::<T>(1, payers, count);
    let mut draws = Default::default();
    for _ in 0..payers * count {
        Pallet::<T>::take_turn(&vrfs::<T>(), &mut draws);
    }
    let ids = (first.0..).map(RequestId).take((payers * count) as usize);
    for (index, id) in (0..).zip(ids.clone()) {
        replace_input::<T>(id, index);
        let owner = endowed::<T>(account("receiver", index / count, 0));
        Requests::<T>::mutate_extant(id, |record| record.royalty_to = owner);
    }
    let record = get::<T>(first);
    let operator = record.accounts().pop().expect("one member");
    // The ends of the runs change the offers of all operators of the version.
    T::BenchmarkHelper::serve(record.version, T::Operators::max_servers());
    let result = |id| ListedResult {
        request: id,
        answered: get::<T>(id).answered(T::genesis(), id),
        output: payload(T::BenchmarkHelper::payload(0)),
    };
    let results = BoundedVec::truncate_from(ids.map(result).collect());
    List { operator, version: record.version, results }
}

/// The members, all but the first `silent` of which have committed to the outputs.
pub(super) fn commit<T: Config>(
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
pub(super) fn outputs<T: Config>(id: RequestId, bytes: u32) -> Vec<OutputOf<T>> {
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
pub(super) fn reveal<T: Config>(id: RequestId, member: &T::AccountId, output: &OutputOf<T>) {
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
pub(super) fn revealed<T: Config>(
    bytes: u32,
    missing: usize,
) -> (RequestId, T::AccountId, OutputOf<T>) {
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
pub(super) fn checked_signature() -> WorkerSignature {
    WorkerSignature::from_raw([9; 64])
}

/// A request to an integer graph in a class of one operator, with that operator.
pub(super) fn graph_requested<T: Config>(assurance: Assurance) -> (RequestId, T::AccountId) {
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
    Pallet::<T>::take_turn(&vrfs::<T>(), &mut Default::default());
    Waiting::<T>::insert(version, WaitingKey::new(T::now(), RequestId(id.0 + 1)), ());
    (id, get::<T>(id).accounts().pop().expect("one member"))
}

/// A payload of zeros that fits declarations without free dimensions.
pub(super) fn zeros(declarations: &[TensorDeclaration]) -> Vec<u8> {
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

pub(super) fn cost_of<T: Config>(id: RequestId) -> ProofCost {
    T::Models::proof_terms(get::<T>(id).version).expect("it offers proofs").cost
}

pub(super) fn trace_signatures() -> TraceSignatures {
    TraceSignatures { result: checked_signature(), trace: checked_signature() }
}

/// A disputable optimistic result of the maximum size, with its operator.
pub(super) fn traced<T: Config>() -> (RequestId, T::AccountId) {
    let (id, operator) = graph_requested::<T>(Assurance::Optimistic);
    let output = payload(T::BenchmarkHelper::payload(T::MaxOutputBytes::get()));
    let root = Digest::repeat_byte(1);
    Pallet::<T>::note_trace(id, operator.clone(), output, root, trace_signatures());
    assert_eq!(get::<T>(id).status, Status::Disputable);
    (id, operator)
}

/// A finished request of the largest committee that can be appealed, as if the chain could verify
/// proofs of its version.
pub(super) fn contested<T: Config>() -> (RequestId, BlockNumber) {
    let (id, last, output) = revealed::<T>(0, MAX_COMMITTEE as usize - 1);
    Pallet::<T>::note_result(id, last, output, checked_signature());
    let mut contested = get::<T>(id);
    contested.appealable = true;
    contested.stake = T::Operators::stake(AssuranceClass::Quorum, true);
    for member in contested.accounts() {
        T::Operators::assign(&member, id, contested.version, contested.stake);
        T::Operators::unassign(&member, contested.version, &[id], true, 0);
    }
    T::Models::acquire(contested.version, 1).expect("the version exists");
    Requests::<T>::insert(id, contested);
    Inputs::<T>::insert(id, payload(T::BenchmarkHelper::payload(0)));
    Pallet::<T>::allow_appeals(id);
    Appealable::<T>::mutate_extant(id, |time| time.final_from = 0);
    (id, Appealable::<T>::get(id).expect("appeals are open").until)
}

/// Height of the block in which the requests of [`finished_in_v1`] ended.
pub(super) const V1_HEIGHT: BlockNumber = 1_000;

/// The state that version 1 kept for good of a request.
pub(super) fn pruned_in_v1<T: Config>(number: u32) {
    let digest = digest(&number.to_le_bytes());
    v1::storage::ReceiptDigests::<T>::insert(RequestId(number.into()), digest);
}

/// The state that version 1 kept of a finished request, as far as the migration reads it: it removes
/// the rest without reading it.
pub(super) fn finished_in_v1<T: Config>(number: u32) {
    let id = RequestId(number.into());
    pruned_in_v1::<T>(number);
    v1::storage::Finished::<T>::insert(u64::from(number), (id, V1_HEIGHT));
    v1::storage::FinishedBounds::<T>::put((0, u64::from(number) + 1));
}
