//! The calls that this client offers, by pallet.
//!
//! The macro `calls!` defines each call once: its constructor, its name and arguments on chain, and
//! its entry in [`all`]. A test in `localnet` compares the list with the runtime's metadata.

use assay_dispute::{Answer, Choice};
use assay_primitives::{
    dispute::DisputeId,
    model::{Licence, ModelName},
    operator::Roles,
    AnsweredRequest, ArtifactManifest, Assurance, AssuranceClasses, Balance, BlockNumber, Digest,
    ModelDescriptor, ModelId, RequestId, SignedResult, VersionId, WorkerId,
};
use codec::{Compact, CompactAs, Decode, Encode};

use crate::{
    amount,
    rpc::{ValidatorKeys, WorkerPossession},
    AccountId, Call, Error, Result,
};

pub use assay_primitives::RequestInput;

/// Proof that a piece of weights is under the root of a version's architecture.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PieceProof {
    /// The leaf with the roots of the piece's parameter set.
    pub set_leaf: Vec<u8>,
    /// Sibling nodes on the path of that leaf.
    pub set_siblings: Vec<[u8; 32]>,
    /// Sibling nodes on the paths of the piece's leaves.
    pub siblings: Vec<[u8; 32]>,
}

/// A share in parts of 10^9. Encoded as `Perbill`.
///
/// Bounds: `0 ..= 1_000_000_000`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, CompactAs,
)]
pub struct Share(u32);

impl Share {
    /// 100 %.
    pub const ONE: Self = Self(1_000_000_000);

    /// Parses a percentage: `2.5`, `2.5%`.
    ///
    /// Bounds: `0 ..= 100`, at most seven decimal places.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for any other text.
    pub fn from_percent(text: &str) -> Result<Self> {
        let percent = text.trim();
        let percent = percent.strip_suffix('%').unwrap_or(percent);
        amount::parse_decimal(percent, 7)
            .ok()
            .and_then(|parts| u32::try_from(parts).ok())
            .filter(|parts| *parts <= Self::ONE.0)
            .map(Self)
            .ok_or_else(|| {
                Error::invalid(format!(
                    "`{text}` is not a share in percent: expected a number from 0 to 100, such as \
                     2.5"
                ))
            })
    }

    /// The share in parts of 10^9.
    pub const fn parts(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for Share {
    /// The share in percent: `2.5%`. [`Share::from_percent`] is the inverse.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}%", amount::format_decimal(self.0.into(), 7))
    }
}

/// Where rewards of stakes go. Encoded as `pallet_staking::RewardDestination`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum RewardDestination {
    /// To the stake, which grows.
    #[codec(index = 0)]
    Staked,
    /// To the account, free.
    #[codec(index = 1)]
    Stash,
    /// To another account.
    #[codec(index = 3)]
    Account(AccountId),
    /// Nowhere. They are not paid.
    #[codec(index = 4)]
    Nowhere,
}

/// The terms of a validator. Encoded as `pallet_staking::ValidatorPrefs`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ValidatorPreferences {
    /// Its share of the rewards, before nominators get theirs.
    pub commission: Compact<Share>,
    /// Whether it takes no more nominators.
    pub blocked: bool,
}

/// `MultiAddress::Id`.
#[derive(Encode)]
enum Address {
    #[codec(index = 0)]
    Id(AccountId),
}

/// Value of an argument: the expression, or the parameter of that name.
macro_rules! argument {
    ($name:ident) => {
        $name
    };
    ($name:ident, $value:expr) => {
        $value
    };
}

/// Defines the calls of each pallet, and [`all`].
///
/// Within a module that is named after a pallet, `fn name(parameters) { arguments }` defines a
/// call. The arguments have the names and the order of the chain, and are written as the fields of
/// a struct expression.
macro_rules! calls {
    ($(
        $(#[$module_attribute:meta])*
        mod $module:ident($pallet:literal) {
            $(
                $(#[$call_attribute:meta])*
                fn $call:ident($($parameter:ident: $type:ty),*) {
                    $($argument:ident $(: $value:expr)?),*
                }
            )*
        }
    )*) => {
        $(
            $(#[$module_attribute])*
            pub mod $module {
                use super::*;

                $(
                    $(#[$call_attribute])*
                    pub fn $call($($parameter: $type),*) -> Call {
                        Call::new($pallet, stringify!($call))
                            $(.with(stringify!($argument), argument!($argument $(, $value)?)))*
                    }
                )*

                pub(super) fn all() -> Vec<Call> {
                    vec![$($call($(zeros::<$type>()),*)),*]
                }
            }
        )*

        /// One of each call, with zero or empty arguments, for comparison with a runtime's
        /// metadata. See [`Client::check_runtime`](crate::Client::check_runtime).
        pub fn all() -> Vec<Call> {
            [$($module::all()),*].concat()
        }
    };
}

calls! {
    /// Calls of `model-registry`.
    mod model_registry("ModelRegistry") {
        /// Creates a model.
        fn create(name: ModelName) { name }

        /// Publishes a version of a model. `architecture` is the encoded architecture of an integer
        /// graph; `None` for other formats.
        fn publish(
            model: ModelId,
            descriptor: ModelDescriptor,
            royalty: Share,
            licence: Licence,
            metadata: Option<Digest>,
            architecture: Option<Vec<u8>>
        ) { model, descriptor, royalty, licence, metadata, architecture }

        /// Replaces the metadata digest of a version.
        fn set_metadata(version: VersionId, metadata: Option<Digest>) { version, metadata }

        /// Replaces the royalty of a version, for future requests.
        fn set_royalty(version: VersionId, royalty: Share) { version, royalty }

        /// Closes a version to new requests.
        fn deprecate(version: VersionId) { version }

        /// Offers a model to another account, which accepts it with `accept`. An offer to the owner
        /// withdraws the earlier one.
        fn transfer(model: ModelId, to: AccountId) { model, to }

        /// Accepts a model that is offered to the signer, who takes over its deposits.
        fn accept(model: ModelId) { model }

        /// Submits a version's weights and biases from byte `first` on, with a proof for each piece.
        fn audit_weights(
            version: VersionId,
            first: u64,
            bytes: Vec<u8>,
            proofs: Vec<PieceProof>
        ) { version, first, bytes, proofs }

        /// Removes a version and returns its deposit.
        fn remove_version(version: VersionId) { version }

        /// Removes a model without versions and returns its deposit.
        fn remove_model(model: ModelId) { model }
    }

    /// Calls of `operators`. Nodes send heartbeats themselves.
    mod operators("Operators") {
        /// Registers an operator.
        fn register(roles: Roles, key: WorkerPossession, bond: Balance) {
            roles, worker: key.worker, possession: key.possession, bond
        }

        /// Replaces the worker key.
        fn set_worker(key: WorkerPossession) { worker: key.worker, possession: key.possession }

        /// Adds to the bond.
        fn add_bond(amount: Balance) { amount }

        /// Offers a version, or changes the offer. `ask` is the price of a run in plancks. The
        /// operator is drawn only for requests that leave at least `response_blocks` blocks for the
        /// answer, and while the version's royalty is at most `max_royalty`.
        fn serve(
            version: VersionId,
            ask: Balance,
            concurrency: u32,
            response_blocks: BlockNumber,
            classes: AssuranceClasses,
            max_royalty: Share
        ) { version, ask, concurrency, response_blocks, classes, max_royalty }

        /// Withdraws an offer.
        fn withdraw(version: VersionId) { version }

        /// Withdraws all offers and starts the unbonding period.
        fn unbond() {}

        /// Returns the bond after the unbonding period.
        fn withdraw_bond() {}
    }

    /// Calls of `storage`.
    mod storage("Storage") {
        /// Announces an artifact.
        fn create(manifest: ArtifactManifest) {
            size: manifest.size, chunks: manifest.chunks
        }

        /// Uploads a chunk of an announced artifact.
        fn upload(artifact: Digest, index: u32, data: Vec<u8>) { artifact, index, data }

        /// Removes an unused artifact and returns its deposit.
        fn remove(artifact: Digest) { artifact }
    }

    /// Calls of `inference`. Operators' nodes send results themselves.
    mod inference("Inference") {
        /// Requests an inference. `max_price` is in plancks, `deadline` is a height, `draw_delay` a
        /// number of blocks.
        fn request(
            version: VersionId,
            input: RequestInput,
            assurance: Assurance,
            max_price: Balance,
            deadline: BlockNumber,
            draw_delay: BlockNumber,
            client_key: [u8; 32]
        ) { version, input, assurance, max_price, deadline, draw_delay, client_key }

        /// Makes up to 64 requests that have all but input and client key in common.
        fn request_batch(
            version: VersionId,
            assurance: Assurance,
            max_price: Balance,
            deadline: BlockNumber,
            draw_delay: BlockNumber,
            items: Vec<(RequestInput, [u8; 32])>
        ) { version, assurance, max_price, deadline, draw_delay, items }

        /// Cancels a request that has not been drawn yet.
        fn cancel(request: RequestId) { request }

        /// Shows by a validity proof of `output`, a payload, which results of a quorum are wrong.
        fn appeal(request: RequestId, output: Vec<u8>, proof: Vec<u8>) { request, output, proof }
    }

    /// Calls of `disputes`. Operators' nodes answer themselves.
    mod disputes("Disputes") {
        /// Disputes the result of a request. Holds a bond, of at most `max_bond` plancks.
        fn open(request: RequestId, max_bond: Balance) { request, max_bond }

        /// Makes a move of the challenger.
        fn choose(dispute: DisputeId, choice: Choice) { dispute, choice }

        /// Makes the last move. Any account may make it.
        fn step(dispute: DisputeId, opening: Answer) { dispute, opening }

        /// Decides a dispute by a validity proof of `output`, the bytes of the output tensor.
        fn prove(dispute: DisputeId, output: Vec<u8>, proof: Vec<u8>) { dispute, output, proof }

        /// Closes a dispute over a result that another dispute, or a proof, has decided.
        fn close(dispute: DisputeId) { dispute }
    }

    /// Calls of `settlement`.
    mod settlement("Settlement") {
        /// Releases the signer's compensation that can be claimed from this height.
        fn claim_compensation(claimable_from: BlockNumber) { claimable_from }
    }

    /// Calls of `verification`.
    mod verification("Verification") {
        /// Reports that an operator signed two different results for one request. `worker` is the
        /// key that signed both. A version with a tolerance needs both output payloads.
        fn report_equivocation(
            worker: WorkerId,
            answered: AnsweredRequest<AccountId>,
            descriptor: ModelDescriptor,
            first: SignedResult<AccountId>,
            second: SignedResult<AccountId>,
            outputs: Option<(Vec<u8>, Vec<u8>)>
        ) {
            worker,
            answered,
            descriptor,
            first,
            second,
            outputs
        }
    }

    /// Calls of `staking`.
    mod validators("Staking") {
        /// Puts the signer's first stake on hold, in plancks.
        fn bond(value: Compact<Balance>, payee: RewardDestination) { value, payee }

        /// Adds to the signer's stake, in plancks.
        fn bond_extra(amount: Compact<Balance>) { max_additional: amount }

        /// Says where the rewards of the signer's stake go.
        fn set_payee(payee: RewardDestination) { payee }

        /// Takes this much of the stake back, in plancks. It can be withdrawn some eras later.
        fn unbond(value: Compact<Balance>) { value }

        /// Withdraws what was unbonded long enough ago.
        fn withdraw_unbonded(num_slashing_spans: u32) { num_slashing_spans }

        /// Takes part in elections of validators.
        fn validate(prefs: ValidatorPreferences) { prefs }

        /// Backs these accounts in elections of validators.
        fn nominate(validators: Vec<AccountId>) {
            targets: validators.into_iter().map(Address::Id).collect::<Vec<_>>()
        }

        /// Takes part in no more elections, as a validator or as a nominator.
        fn chill() {}

        /// Pays an era's rewards of a validator and of a page of its nominators.
        fn payout_stakers_by_page(validator_stash: AccountId, era: u32, page: u32) {
            validator_stash, era, page
        }
    }

    /// Calls of `session`.
    mod session("Session") {
        /// Registers session keys, which take effect in the session after the next one.
        fn set_keys(keys: ValidatorKeys, proof: Vec<u8>) { keys, proof }
    }

    /// Calls of `validators`.
    mod former_validators("Validators") {
        /// Removes the session keys of who has no stake any more, and returns their deposit.
        fn purge_keys() {}
    }

    /// Calls of `balances`.
    mod balances("Balances") {
        /// Transfers plancks. Fails if the sender's balance would fall below the existential
        /// deposit.
        fn transfer_keep_alive(to: AccountId, amount: Balance) {
            dest: Address::Id(to), value: Compact(amount)
        }
    }
}

/// The value whose encoding consists of zeros: zero, empty, or the first variant.
fn zeros<T: Decode>() -> T {
    struct Zeros;

    impl codec::Input for Zeros {
        fn remaining_len(&mut self) -> Result<Option<usize>, codec::Error> {
            Ok(None)
        }

        fn read(&mut self, into: &mut [u8]) -> Result<(), codec::Error> {
            into.fill(0);
            Ok(())
        }
    }

    T::decode(&mut Zeros).expect("the argument types have such a value, as a test shows")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact() {
        for (text, parts) in [
            ("0", 0),
            ("2.5", 25_000_000),
            ("100", 1_000_000_000),
            ("0.0000001", 1),
            ("33.3333333%", 333_333_333),
        ] {
            let share = Share::from_percent(text).unwrap();
            assert_eq!(share.parts(), parts, "{text}");
            assert_eq!(share.to_string(), format!("{}%", text.trim_end_matches('%')));
        }
        for text in ["", "-1", "100.0000001", "101", "0.00000001", "5000000000", "x"] {
            assert!(Share::from_percent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn each_call_is_listed_once() {
        let mut paths: Vec<_> = all().iter().map(Call::path).collect();
        assert!(paths.contains(&"ModelRegistry.audit_weights".to_owned()));
        let count = paths.len();
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), count);
    }

    #[test]
    fn arguments_are_written_under_the_names_of_the_chain() {
        let manifest = ArtifactManifest::of(b"model");
        let expected = Call::new("Storage", "create")
            .with("size", manifest.size)
            .with("chunks", &manifest.chunks);
        assert_eq!(storage::create(manifest), expected);
    }
}
