//! Every call that the client sends, by pallet. Arguments are those of the chain, in its order.

use codec::{Decode, Encode};

use crate::{AccountId, Call};

/// Where an input is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum RequestInput {
    /// The payload itself.
    #[codec(index = 0)]
    Inline(Vec<u8>),
    /// An artifact whose bytes are the payload.
    #[codec(index = 1)]
    Artifact(assay_primitives::Digest),
}

/// That a piece of weights is under the root of a version's architecture.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PieceProof {
    /// The leaf with the roots of the piece's parameter set.
    pub set_leaf: Vec<u8>,
    /// The nodes beside its path.
    pub set_siblings: Vec<[u8; 32]>,
    /// The nodes beside the paths of the piece's leaves.
    pub siblings: Vec<[u8; 32]>,
}

/// A share in parts of 10^9.
///
/// Bounds: `0 ..= 1_000_000_000`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Share(u32);

impl Share {
    /// The whole.
    pub const ONE: Self = Self(1_000_000_000);

    /// Reads percent: `2.5`.
    ///
    /// Bounds: `0 ..= 100`, at most seven decimal places.
    pub fn from_percent(text: &str) -> crate::Result<Self> {
        let percent = text.trim();
        let percent = percent.strip_suffix('%').unwrap_or(percent);
        crate::amount::parse_decimal(percent, 7)
            .ok()
            .and_then(|parts| u32::try_from(parts).ok())
            .filter(|parts| *parts <= Self::ONE.0)
            .map(Self)
            .ok_or_else(|| {
                crate::Error::invalid(format!(
                    "`{text}` is not a share in percent: write a number from 0 to 100, such as 2.5"
                ))
            })
    }

    /// Parts of 10^9.
    pub const fn parts(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for Share {
    /// Percent: `2.5%`. [`Share::from_percent`] reads it back exactly.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}%", crate::amount::format_decimal(self.0.into(), 7))
    }
}

/// Calls of `model-registry`.
pub mod model_registry {
    use super::*;
    use assay_primitives::{
        model::{Licence, ModelName},
        Digest, ModelDescriptor, ModelId, VersionId,
    };

    const PALLET: &str = "ModelRegistry";

    /// Creates a model.
    pub fn create(name: ModelName) -> Call {
        Call::new(PALLET, "create").with("name", name)
    }

    /// Publishes a version of a model. `architecture` is the encoding of an integer graph's;
    /// other formats have none.
    pub fn publish(
        model: ModelId,
        descriptor: ModelDescriptor,
        royalty: Share,
        licence: Licence,
        metadata: Option<Digest>,
        architecture: Option<Vec<u8>>,
    ) -> Call {
        Call::new(PALLET, "publish")
            .with("model", model)
            .with("descriptor", descriptor)
            .with("royalty", royalty)
            .with("licence", licence)
            .with("metadata", metadata)
            .with("architecture", architecture)
    }

    /// Replaces the metadata of a version.
    pub fn set_metadata(version: VersionId, metadata: Option<Digest>) -> Call {
        Call::new(PALLET, "set_metadata").with("version", version).with("metadata", metadata)
    }

    /// Replaces the royalty of a version, for requests made from then on.
    pub fn set_royalty(version: VersionId, royalty: Share) -> Call {
        Call::new(PALLET, "set_royalty").with("version", version).with("royalty", royalty)
    }

    /// Closes a version to new requests.
    pub fn deprecate(version: VersionId) -> Call {
        Call::new(PALLET, "deprecate").with("version", version)
    }

    /// Offers a model to another account, which takes it over with `accept`; to the owner itself,
    /// withdraws the offer.
    pub fn transfer(model: ModelId, to: AccountId) -> Call {
        Call::new(PALLET, "transfer").with("model", model).with("to", to)
    }

    /// Takes over a model that is offered to the signer, with its deposits.
    pub fn accept(model: ModelId) -> Call {
        Call::new(PALLET, "accept").with("model", model)
    }

    /// Shows the chain the weights and biases of a version that come next, with a proof for each
    /// piece of them.
    pub fn audit_weights(version: VersionId, bytes: Vec<u8>, proofs: Vec<PieceProof>) -> Call {
        Call::new(PALLET, "audit_weights")
            .with("version", version)
            .with("bytes", bytes)
            .with("proofs", proofs)
    }

    /// Removes a version and gives its deposit back.
    pub fn remove_version(version: VersionId) -> Call {
        Call::new(PALLET, "remove_version").with("version", version)
    }

    /// Removes a model without versions and gives its deposit back.
    pub fn remove_model(model: ModelId) -> Call {
        Call::new(PALLET, "remove_model").with("model", model)
    }
}

/// Calls of `operators`. Nodes send heartbeats by themselves.
pub mod operators {
    use super::*;
    use crate::rpc::WorkerPossession;
    use assay_primitives::{operator::Roles, AssuranceClasses, Balance, BlockNumber, VersionId};

    const PALLET: &str = "Operators";

    /// Registers an operator.
    pub fn register(roles: Roles, key: WorkerPossession, bond: Balance) -> Call {
        Call::new(PALLET, "register")
            .with("roles", roles)
            .with("worker", key.worker)
            .with("possession", key.possession)
            .with("bond", bond)
    }

    /// Replaces the worker key.
    pub fn set_worker(key: WorkerPossession) -> Call {
        Call::new(PALLET, "set_worker")
            .with("worker", key.worker)
            .with("possession", key.possession)
    }

    /// Adds to the bond.
    pub fn add_bond(amount: Balance) -> Call {
        Call::new(PALLET, "add_bond").with("amount", amount)
    }

    /// Offers a version, or changes the offer. Only requests that leave `response_blocks` blocks
    /// for the answer are assigned.
    pub fn serve(
        version: VersionId,
        ask: Balance,
        concurrency: u32,
        response_blocks: BlockNumber,
        classes: AssuranceClasses,
    ) -> Call {
        Call::new(PALLET, "serve")
            .with("version", version)
            .with("ask", ask)
            .with("concurrency", concurrency)
            .with("response_blocks", response_blocks)
            .with("classes", classes)
    }

    /// Takes an offer back.
    pub fn withdraw(version: VersionId) -> Call {
        Call::new(PALLET, "withdraw").with("version", version)
    }

    /// Starts the wait for the bond.
    pub fn unbond() -> Call {
        Call::new(PALLET, "unbond")
    }

    /// Takes the bond after the wait.
    pub fn withdraw_bond() -> Call {
        Call::new(PALLET, "withdraw_bond")
    }
}

/// Calls of `storage`.
pub mod storage {
    use super::*;
    use assay_primitives::{ArtifactManifest, Digest};

    const PALLET: &str = "Storage";

    /// Announces an artifact.
    pub fn create(manifest: ArtifactManifest) -> Call {
        Call::new(PALLET, "create")
            .with("digest", manifest.digest)
            .with("size", manifest.size)
            .with("chunks", manifest.chunks)
    }

    /// Uploads one chunk.
    pub fn upload(digest: Digest, index: u32, data: &[u8]) -> Call {
        Call::new(PALLET, "upload").with("digest", digest).with("index", index).with("data", data)
    }

    /// Removes an artifact that nothing uses and gives its deposit back.
    pub fn remove(digest: Digest) -> Call {
        Call::new(PALLET, "remove").with("digest", digest)
    }
}

/// Calls of `inference`.
pub mod inference {
    use super::*;
    use assay_primitives::{Assurance, Balance, BlockNumber, RequestId, VersionId};

    const PALLET: &str = "Inference";

    /// Asks for an inference.
    pub fn request(
        version: VersionId,
        input: RequestInput,
        assurance: Assurance,
        max_price: Balance,
        deadline: BlockNumber,
        client_key: [u8; 32],
    ) -> Call {
        Call::new(PALLET, "request")
            .with("version", version)
            .with("input", input)
            .with("assurance", assurance)
            .with("max_price", max_price)
            .with("deadline", deadline)
            .with("client_key", client_key)
    }

    /// Takes a request back that is not assigned yet.
    pub fn cancel(request: RequestId) -> Call {
        Call::new(PALLET, "cancel").with("request", request)
    }
}

/// Calls of `disputes`. Operators' nodes answer by themselves.
pub mod disputes {
    use super::*;
    use assay_dispute::{Answer, Choice};
    use assay_primitives::{dispute::DisputeId, RequestId};

    const PALLET: &str = "Disputes";

    /// Disputes the result of a request, with a bond.
    pub fn open(request: RequestId) -> Call {
        Call::new(PALLET, "open").with("request", request)
    }

    /// The challenger's move.
    pub fn choose(dispute: DisputeId, choice: Choice) -> Call {
        Call::new(PALLET, "choose").with("dispute", dispute).with("choice", choice)
    }

    /// The last move, by anyone.
    pub fn step(dispute: DisputeId, opening: Answer) -> Call {
        Call::new(PALLET, "step").with("dispute", dispute).with("opening", opening)
    }

    /// Decides by a validity proof of an output, which is the bytes of its tensor.
    pub fn prove(dispute: DisputeId, output: &[u8], proof: &[u8]) -> Call {
        Call::new(PALLET, "prove")
            .with("dispute", dispute)
            .with("output", output)
            .with("proof", proof)
    }

    /// Closes a dispute over a result that another one, or a proof, has decided.
    pub fn close(dispute: DisputeId) -> Call {
        Call::new(PALLET, "close").with("dispute", dispute)
    }
}

/// Calls of `verification`.
pub mod verification {
    use super::*;
    use assay_primitives::{ResultStatement, WorkerId, WorkerSignature};

    /// Shows that an operator signed two different results for one request. `worker` is the key
    /// that signed both.
    pub fn report_equivocation(
        worker: WorkerId,
        first: (ResultStatement<AccountId>, WorkerSignature),
        second: (ResultStatement<AccountId>, WorkerSignature),
    ) -> Call {
        Call::new("Verification", "report_equivocation")
            .with("worker", worker)
            .with("first", first.0)
            .with("first_signature", first.1)
            .with("second", second.0)
            .with("second_signature", second.1)
    }
}

/// Calls of `balances`.
pub mod balances {
    use super::*;
    use assay_primitives::Balance;
    use codec::Compact;

    /// `MultiAddress::Id`.
    #[derive(Encode)]
    enum Address {
        #[codec(index = 0)]
        Id(AccountId),
    }

    /// Moves balance, and keeps the sender's account alive.
    pub fn transfer_keep_alive(to: AccountId, amount: Balance) -> Call {
        Call::new("Balances", "transfer_keep_alive")
            .with("dest", Address::Id(to))
            .with("value", Compact(amount))
    }
}

/// One of each call, with empty arguments: to ask whether a runtime has them all.
pub fn all() -> Vec<Call> {
    use crate::rpc::WorkerPossession;
    use assay_dispute::{Answer, Choice};
    use assay_primitives::*;
    use codec::DecodeAll;

    let dispute = dispute::DisputeId(0);
    let account = AccountId::from([0; 32]);
    let version = VersionId::default();
    let digest = Digest::zero();
    // Zeros decode as every fixed-size value.
    let worker = WorkerId::decode_all(&mut &[0u8; 32][..]).expect("a key is 32 bytes");
    let possession =
        WorkerSignature::decode_all(&mut &[0u8; 64][..]).expect("a signature is 64 bytes");
    let key = WorkerPossession { worker: worker.clone(), possession };
    let descriptor = ModelDescriptor {
        artifact: digest,
        artifact_size: 0,
        format: Format::Onnx,
        inputs: Default::default(),
        outputs: Default::default(),
        assurances: AssuranceClasses::NONE,
        tolerance: None,
        architecture: None,
    };
    let manifest = ArtifactManifest { digest, size: 0, chunks: Vec::new() };
    let statement = ResultStatement {
        genesis: digest,
        request: RequestId(0),
        version_digest: digest,
        input_digest: digest,
        output_digest: digest,
        assurance: Assurance::Signed,
        operator: account.clone(),
        proof: None,
    };
    let signed = (statement, possession);
    vec![
        model_registry::create(Default::default()),
        model_registry::publish(
            ModelId(0),
            descriptor,
            Share::default(),
            Default::default(),
            None,
            None,
        ),
        model_registry::set_metadata(version, None),
        model_registry::set_royalty(version, Share::default()),
        model_registry::deprecate(version),
        model_registry::transfer(ModelId(0), account.clone()),
        model_registry::accept(ModelId(0)),
        model_registry::remove_version(version),
        model_registry::remove_model(ModelId(0)),
        operators::register(operator::Roles::INFERENCE, key.clone(), 0),
        operators::set_worker(key),
        operators::add_bond(0),
        operators::serve(version, 0, 0, 1, AssuranceClasses::NONE),
        operators::withdraw(version),
        operators::unbond(),
        operators::withdraw_bond(),
        storage::create(manifest),
        storage::upload(digest, 0, &[]),
        storage::remove(digest),
        inference::request(
            version,
            RequestInput::Inline(Vec::new()),
            Assurance::Signed,
            0,
            0,
            [0; 32],
        ),
        inference::cancel(RequestId(0)),
        disputes::open(RequestId(0)),
        disputes::choose(dispute, Choice::Tile(0)),
        disputes::step(dispute, Answer::Opening(Default::default())),
        disputes::prove(dispute, &[], &[]),
        disputes::close(dispute),
        verification::report_equivocation(worker, signed.clone(), signed),
        balances::transfer_keep_alive(account, 0),
    ]
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
        assert_eq!(paths.len(), 28);
        paths.sort();
        paths.dedup();
        assert_eq!(paths.len(), 28);
    }
}
