//! Signs, submits and watches transactions.

use std::time::Duration;

use assay_primitives::{Balance, BlockNumber, Digest};
use codec::{Compact, Decode, Encode};
use subxt::{
    config::DefaultExtrinsicParamsBuilder, error::DispatchError, events::Phase,
    metadata::ArcMetadata, transactions::Payload, utils::Encoded, Metadata, SubstrateConfig,
};
use subxt_rpcs::methods::legacy::TransactionStatus;

use crate::{
    amount,
    calls::Share,
    client::{Client, Runtime},
    rpc, storage, Call, Error, Refusal, Result, Signer,
};

/// Blocks for which a signed transaction is valid.
const MORTAL_BLOCKS: u64 = 128;
/// Maximum age in blocks of the block at which a transaction's lifetime starts. If finality lags
/// more, that block is not final.
const MAX_ANCHOR_AGE: u64 = 16;
/// Time to wait for the inclusion of a transaction.
const INCLUSION_TIMEOUT: Duration = Duration::from_secs(180);
/// JSON-RPC codes of the transaction pool's errors.
const POOL_ERRORS: core::ops::RangeInclusive<i32> = 1000..=1099;
/// The pool's text for an account that has less than the fee.
const CANNOT_PAY: &str = "Inability to pay";
/// Variant index of `DispatchError::Module`.
const MODULE_ERROR: u8 = 3;

/// Which inclusion to wait for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Included {
    /// In a block of the best chain, which may still be replaced.
    InBest,
    /// In a final block.
    InFinal,
}

/// The block that includes a successful transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Hash of the transaction.
    pub transaction: Digest,
    /// Hash of the block.
    pub block: Digest,
    /// Height of the block.
    pub height: BlockNumber,
}

impl Client {
    /// Signs a call, submits it, and waits until a block of the best chain includes it.
    ///
    /// # Errors
    ///
    /// - [`Error::Outdated`]: the runtime does not have the call in this form.
    /// - [`Error::Refused`]: the pool or the call failed. Only the fee may be lost.
    /// - [`Error::Dropped`], [`Error::NonceClash`]: the pool did not keep it. It can be sent again.
    /// - [`Error::Stalled`]: no block included it within 180 seconds.
    /// - [`Error::Connection`]: the connection was lost. The transaction may be included.
    pub async fn submit(&self, call: &Call, signer: &Signer) -> Result<Inclusion> {
        self.submit_until(call, signer, Included::InBest).await
    }

    /// [`Client::submit`] that waits until the block is final, so that no reorganisation can revert
    /// it. Takes a few blocks longer.
    ///
    /// # Errors
    ///
    /// Those of [`Client::submit`].
    pub async fn submit_final(&self, call: &Call, signer: &Signer) -> Result<Inclusion> {
        self.submit_until(call, signer, Included::InFinal).await
    }

    async fn submit_until(
        &self,
        call: &Call,
        signer: &Signer,
        until: Included,
    ) -> Result<Inclusion> {
        let runtime = self.runtime().await?;
        call.check(runtime.metadata())?;
        let (runtime, this) = (&runtime, &self);
        let submitted = self
            .nonces()
            .submit(
                signer.account(),
                || self.rpc().next_nonce(signer.account()),
                |nonce| async move {
                    let transaction = this.sign(runtime, call, signer, nonce).await?;
                    let watch = this.rpc().submit_and_watch(&transaction).await?;
                    Ok((transaction, watch))
                },
            )
            .await;
        let ((transaction, mut watch), flight) =
            submitted.map_err(|error| pool_refusal(call, error))?;

        let dropped =
            |reason: &str| Error::Dropped { call: call.path(), reason: reason.to_owned() };
        let mut flight = Some(flight);
        let watching = async {
            loop {
                match rpc::next(&mut watch, "author_submitAndWatchExtrinsic").await? {
                    TransactionStatus::InBlock(block) => {
                        if let Some(flight) = flight.take() {
                            flight.included();
                        }
                        if until == Included::InBest {
                            return Ok(block);
                        }
                    },
                    TransactionStatus::Finalized(block) => return Ok(block),
                    TransactionStatus::FinalityTimeout(_) => {
                        return Err(Error::Stalled(format!(
                            "{} is in a block, but the chain does not finalise blocks",
                            call.path()
                        )))
                    },
                    TransactionStatus::Usurped(_) => {
                        return Err(dropped("another transaction with its nonce replaced it"))
                    },
                    TransactionStatus::Dropped => return Err(dropped("the pool is full")),
                    TransactionStatus::Invalid => return Err(dropped("it is no longer valid")),
                    TransactionStatus::Future
                    | TransactionStatus::Ready
                    | TransactionStatus::Broadcast(_)
                    | TransactionStatus::Retracted(_) => {},
                }
            }
        };
        let block = tokio::time::timeout(INCLUSION_TIMEOUT, watching).await.map_err(|_| {
            Error::Stalled(format!(
                "{} was not included in a {}block within {} s: the chain has stopped, or its blocks \
                 are full",
                call.path(),
                if until == Included::InFinal { "final " } else { "" },
                INCLUSION_TIMEOUT.as_secs()
            ))
        })??;
        if let Some(flight) = flight {
            flight.included();
        }
        self.outcome(runtime, call, &transaction, block).await
    }

    /// Signs calls with consecutive nonces, starting at the account's next one, to be submitted with
    /// [`Rpc::submit`](crate::rpc::Rpc::submit). Nothing else may send from the account meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::Outdated`] if the runtime does not have one of the calls in this form.
    pub async fn sign_batch(&self, calls: &[Call], signer: &Signer) -> Result<Vec<Vec<u8>>> {
        let runtime = self.runtime().await?;
        let first = self.rpc().next_nonce(signer.account()).await?;
        let anchor = self.anchor().await?;
        calls
            .iter()
            .zip(first..)
            .map(|(call, nonce)| {
                call.check(runtime.metadata())?;
                build(&runtime, call, signer, nonce, anchor)
            })
            .collect()
    }

    /// The current fee of a transaction with this call, in plancks.
    ///
    /// # Errors
    ///
    /// [`Error::Outdated`] if the runtime does not have the call in this form.
    pub async fn estimate_fee(&self, call: &Call, signer: &Signer) -> Result<Balance> {
        let runtime = self.runtime().await?;
        call.check(runtime.metadata())?;
        let nonce = self.rpc().next_nonce(signer.account()).await?;
        let mut arguments = self.sign(&runtime, call, signer, nonce).await?;
        let length = u32::try_from(arguments.len()).unwrap_or(u32::MAX);
        length.encode_to(&mut arguments);
        // `RuntimeDispatchInfo`: weight (time, proof size), class, fee.
        let (_, _, _, fee): (Compact<u64>, Compact<u64>, u8, Balance) = self
            .rpc()
            .runtime_call("TransactionPaymentApi_query_info", &Encoded(arguments), None)
            .await?;
        Ok(fee)
    }

    async fn sign(
        &self,
        runtime: &Runtime,
        call: &Call,
        signer: &Signer,
        nonce: u64,
    ) -> Result<Vec<u8>> {
        build(runtime, call, signer, nonce, self.anchor().await?)
    }

    /// The block at which a new transaction's lifetime starts: the newest final one, or, if that is
    /// older than [`MAX_ANCHOR_AGE`], one of that age, which is unlikely to be reverted.
    async fn anchor(&self) -> Result<(u64, Digest)> {
        let (best, finalized) =
            futures::try_join!(self.rpc().header(None), self.rpc().finalized_header())?;
        let (hash, header) = finalized;
        let oldest = best.number.saturating_sub(MAX_ANCHOR_AGE);
        if header.number >= oldest {
            return Ok((header.number, hash));
        }
        let number = BlockNumber::try_from(oldest).unwrap_or(BlockNumber::MAX);
        match self.rpc().block_hash(number).await? {
            Some(newer) => Ok((oldest, newer)),
            None => Ok((header.number, hash)),
        }
    }

    /// The outcome of a transaction in a block.
    async fn outcome(
        &self,
        runtime: &Runtime,
        call: &Call,
        transaction: &[u8],
        block: Digest,
    ) -> Result<Inclusion> {
        let (header, extrinsics) =
            futures::try_join!(self.rpc().header(Some(block)), self.rpc().extrinsics(block))?;
        let unreadable = |reason: String| Error::Answer { method: "System.Events".into(), reason };
        let index = extrinsics
            .iter()
            .position(|extrinsic| extrinsic == transaction)
            .and_then(|index| u32::try_from(index).ok())
            .ok_or_else(|| unreadable(format!("{} is not in block {block:?}", call.path())))?;
        let key = storage::events_key();
        let events = self.rpc().storage(&key, Some(block)).await?.unwrap_or_default();
        let Some(refusal) = find_outcome(runtime, &events, index).map_err(unreadable)? else {
            return Ok(Inclusion {
                transaction: assay_primitives::digest(transaction),
                block,
                height: rpc::height(&header),
            });
        };
        let docs = match refusal.is_filter() {
            true => self.why_filtered(call.pallet_name(), call.call_name(), block).await?,
            false => refusal.docs.clone(),
        };
        Err(Error::Refused { call: call.path(), refusal: Refusal { docs, ..refusal } })
    }
}

/// The outcome of the transaction at an index of a block with these events: why it failed, `None` if it
/// succeeded. An error is why the events cannot be read.
fn find_outcome(runtime: &Runtime, events: &[u8], index: u32) -> Result<Option<Refusal>, String> {
    let events = runtime.at.events().from_bytes(events.to_vec());
    for event in events.iter() {
        let event = event.map_err(|error| error.to_string())?;
        if event.phase() != Phase::ApplyExtrinsic(index) || event.pallet_name() != "System" {
            continue;
        }
        match event.event_name() {
            "ExtrinsicFailed" => {
                return Ok(Some(decode_refusal(event.field_bytes(), &runtime.at.metadata())))
            },
            "ExtrinsicSuccess" => return Ok(None),
            _ => {},
        }
    }
    Err(format!("there is no event for the transaction {index} of its block"))
}

/// Signs a call. The transaction is valid from the anchor on, a height and the hash of its block.
///
/// Transaction extensions without data are accepted whatever their name is; extensions with data
/// must be known to the library.
fn build(
    runtime: &Runtime,
    call: &Call,
    signer: &Signer,
    nonce: u64,
    (number, hash): (u64, Digest),
) -> Result<Vec<u8>> {
    let params = DefaultExtrinsicParamsBuilder::<SubstrateConfig>::new()
        .nonce(nonce)
        .mortal_from_unchecked(MORTAL_BLOCKS, number, hash)
        .build();
    let unknown = |error: subxt::error::ExtrinsicError| {
        Error::Outdated(format!("transactions of this form ({error})"))
    };
    let transactions = runtime.at.transactions();
    let mut signable = transactions.create_signable_offline(call, params).map_err(unknown)?;
    Ok(signable.sign(signer.keypair()).map_err(unknown)?.into_encoded())
}

/// Converts an error of the transaction pool to a refusal.
fn pool_refusal(call: &Call, error: Error) -> Error {
    match error {
        Error::Rpc { code, message, .. } if POOL_ERRORS.contains(&code) => {
            let (name, docs) = message.split_once(": ").unwrap_or((&message, ""));
            // The SDK's text names no remedy.
            let remedy = match docs.starts_with(CANNOT_PAY) {
                true => "; the account has less than the fee: transfer more to it",
                false => "",
            };
            let docs = format!("{docs}{remedy}");
            let refusal = Refusal { pallet: None, name: name.to_owned(), docs };
            Error::Refused { call: call.path(), refusal }
        },
        other => other,
    }
}

/// Decodes a dispatch error. Names and documentation come from the metadata.
fn decode_refusal(bytes: &[u8], metadata: &ArcMetadata) -> Refusal {
    if let [MODULE_ERROR, pallet, error, ..] = *bytes {
        if let Some(refusal) = module_refusal(pallet, error, metadata) {
            return refusal;
        }
    }
    let name = match DispatchError::decode_from(bytes, metadata.clone()) {
        Ok(error) => error.to_string(),
        Err(_) => format!("unknown error 0x{}", hex::encode(bytes)),
    };
    Refusal { pallet: None, name, docs: String::new() }
}

fn module_refusal(pallet: u8, error: u8, metadata: &Metadata) -> Option<Refusal> {
    let pallet = metadata.pallet_by_error_index(pallet)?;
    let variant = pallet.error_variant_by_index(error)?;
    let docs: Vec<_> = variant.docs.iter().map(|line| line.trim()).collect();
    let constant = |name: &str| {
        let constant = pallet.constant_by_name(name)?;
        let ty = metadata.types().resolve(constant.ty())?;
        format_constant(ty.path.ident().as_deref(), constant.value())
    };
    Some(Refusal {
        pallet: Some(pallet.name().to_owned()),
        name: variant.name.clone(),
        docs: with_values(docs.join(" ").trim(), constant),
    })
}

/// Adds the value of each constant that a text names in backticks: "`MinBond` (1000 ASY)".
fn with_values(text: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let parts = text.split('`').enumerate().map(|(index, part)| match index % 2 {
        0 => part.to_owned(),
        _ => match value(part) {
            Some(value) => format!("`{part}` ({value})"),
            None => format!("`{part}`"),
        },
    });
    parts.collect()
}

/// Formats a constant: an amount, a share or a count, depending on the name and size of its type.
fn format_constant(ty: Option<&str>, value: &[u8]) -> Option<String> {
    match (ty, value.len()) {
        (Some("Perbill"), _) => Some(Share::decode(&mut &*value).ok()?.to_string()),
        (None, 16) => Some(amount::display(Balance::decode(&mut &*value).ok()?)),
        (None, 4) => Some(u32::decode(&mut &*value).ok()?.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::tests::{metadata, metadata_with};
    use scale_info::{meta_type, MetaType, TypeInfo};
    use subxt::ext::frame_metadata::v16::TransactionExtensionMetadata;

    #[derive(TypeInfo)]
    struct Nothing<T: 'static>(core::marker::PhantomData<T>);

    fn extension(
        identifier: &'static str,
        ty: MetaType,
        implicit: MetaType,
    ) -> TransactionExtensionMetadata {
        TransactionExtensionMetadata { identifier, ty, implicit }
    }

    /// The extensions of the chain, and one more.
    fn runtime(more: TransactionExtensionMetadata) -> Runtime {
        let nothing = meta_type::<Nothing<u8>>();
        let metadata = metadata_with(vec![
            extension("AuthorizeCall", nothing, nothing),
            extension("CheckNonZeroSender", nothing, nothing),
            extension("CheckSpecVersion", nothing, meta_type::<u32>()),
            extension("CheckTxVersion", nothing, meta_type::<u32>()),
            extension("CheckGenesis", nothing, meta_type::<[u8; 32]>()),
            extension("CheckMortality", meta_type::<[u8; 2]>(), meta_type::<[u8; 32]>()),
            extension("CheckNonce", meta_type::<Compact<u32>>(), nothing),
            extension("CheckWeight", nothing, nothing),
            extension("ChargeTransactionPayment", meta_type::<Compact<u128>>(), nothing),
            extension("CheckMetadataHash", meta_type::<bool>(), meta_type::<Option<[u8; 32]>>()),
            more,
        ]);
        Runtime::new(Digest::repeat_byte(1), 100, 7, metadata).unwrap()
    }

    #[test]
    fn a_transaction_is_signed_over_everything_that_the_chain_checks() {
        let nothing = meta_type::<Nothing<u8>>();
        let runtime = runtime(extension("WeightReclaim", nothing, nothing));
        let signer = Signer::from_suri("//Alice").unwrap();
        let anchor = (130, Digest::repeat_byte(2));
        let call = Call::new("Purse", "stop");
        let transaction = build(&runtime, &call, &signer, 5, anchor).unwrap();

        let body = Vec::<u8>::decode(&mut &transaction[..]).unwrap();
        let account: &[u8] = signer.account().as_ref();
        assert_eq!(body[..2], [0x84, 0]);
        assert_eq!(&body[2..34], account);
        assert_eq!(body[34], 1);
        let (signature, signed) = body[35..].split_at(64);
        // Period 128 starts at its second block; nonce; tip; no metadata hash; pallet and call.
        let era = (2u16 << 4) | 6;
        let expected = [&era.to_le_bytes()[..], &[5 << 2, 0, 0, 9, 0]].concat();
        assert_eq!(signed, expected);

        let mut message = vec![9, 0];
        message.extend(&signed[..5]);
        (100u32, 7u32, Digest::repeat_byte(1), anchor.1, None::<()>).encode_to(&mut message);
        let key = schnorrkel::PublicKey::from_bytes(account).unwrap();
        let signature = schnorrkel::Signature::from_bytes(signature).unwrap();
        assert!(key.verify_simple(b"substrate", &message, &signature).is_ok());
    }

    #[test]
    fn an_unknown_extension_with_data_is_an_error() {
        let runtime = runtime(extension("PayInFlowers", meta_type::<u32>(), meta_type::<()>()));
        let signer = Signer::from_suri("//Alice").unwrap();
        let call = Call::new("Purse", "stop");
        match build(&runtime, &call, &signer, 0, (0, Digest::zero())) {
            Err(Error::Outdated(what)) => assert!(what.contains("PayInFlowers"), "{what}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_error_of_a_pallet_has_its_documentation() {
        let metadata = ArcMetadata::new(metadata());
        let refusal = decode_refusal(&[3, 9, 0, 0, 0, 0, 1, 2, 3], &metadata);
        assert_eq!(refusal.pallet.as_deref(), Some("Purse"));
        assert_eq!(refusal.name, "Empty");
        assert_eq!(refusal.docs, "The purse is empty. Put `Least` (0.5 ASY) in.");
        let unknown = decode_refusal(&[3, 8, 0, 0, 0, 0], &metadata);
        assert_eq!(unknown.pallet, None);
        assert!(unknown.name.contains("unknown error 0x0308"), "{unknown}");
    }

    #[test]
    fn values_of_constants_are_added() {
        let known = |name: &str| (name == "MaxDeadline").then(|| "1800".to_owned());
        assert_eq!(
            with_values("Further away than `MaxDeadline`. Use `quote`.", known),
            "Further away than `MaxDeadline` (1800). Use `quote`."
        );
        assert_eq!(with_values("No constant.", known), "No constant.");
        let half = 500_000_000u32.encode();
        assert_eq!(format_constant(Some("Perbill"), &half).unwrap(), "50%");
        assert_eq!(format_constant(None, &1_800u32.encode()).unwrap(), "1800");
        assert_eq!(format_constant(Some("Weight"), &half), None);
    }

    #[test]
    fn a_pool_error_is_a_refusal() {
        let call = Call::new("Balances", "transfer_keep_alive");
        let rpc = |code| Error::Rpc {
            method: "author_submitAndWatchExtrinsic".into(),
            code,
            message: "Invalid Transaction: Inability to pay some fees".into(),
        };
        match pool_refusal(&call, rpc(1010)) {
            Error::Refused { call, refusal } => {
                assert_eq!(call, "Balances.transfer_keep_alive");
                assert_eq!(refusal.name, "Invalid Transaction");
                assert_eq!(
                    refusal.docs,
                    "Inability to pay some fees; the account has less than the fee: transfer more to it"
                );
            },
            other => panic!("{other}"),
        }
        assert!(matches!(pool_refusal(&call, rpc(-32603)), Error::Rpc { .. }));
    }
}
