//! Transactions that offchain workers make: workers' calls, which are feeless, and the signed
//! transactions of watchers.

use codec::Encode;
use frame_system::offchain::{
    AppCrypto, CreateAuthorizedTransaction, CreateSignedTransaction, CreateTransaction,
    SigningTypes,
};
use sp_runtime::{
    generic::{Era, SignedPayload},
    MultiSignature, MultiSigner,
};

use crate::{
    constants::WATCHER_ERA_BLOCKS, AccountId, Nonce, Runtime, RuntimeCall, System, TxExtension,
    UncheckedExtrinsic,
};

impl<LocalCall> CreateTransaction<LocalCall> for Runtime
where
    RuntimeCall: From<LocalCall>,
{
    type Extension = TxExtension;

    fn create_transaction(call: RuntimeCall, extension: TxExtension) -> UncheckedExtrinsic {
        UncheckedExtrinsic::new_transaction(call, extension)
    }
}

impl<LocalCall> CreateAuthorizedTransaction<LocalCall> for Runtime
where
    RuntimeCall: From<LocalCall>,
{
    fn create_extension() -> TxExtension {
        authorized_extension()
    }
}

/// Signs transactions with watchers' keys.
pub struct WatcherCrypto;

impl AppCrypto<MultiSigner, MultiSignature> for WatcherCrypto {
    type RuntimeAppPublic = assay_primitives::dispute::watcher_crypto::Public;
    type GenericPublic = sp_core::sr25519::Public;
    type GenericSignature = sp_core::sr25519::Signature;
}

impl SigningTypes for Runtime {
    type Public = MultiSigner;
    type Signature = MultiSignature;
}

impl<LocalCall> CreateSignedTransaction<LocalCall> for Runtime
where
    RuntimeCall: From<LocalCall>,
{
    fn create_signed_transaction<C: AppCrypto<MultiSigner, MultiSignature>>(
        call: RuntimeCall,
        public: MultiSigner,
        account: AccountId,
        nonce: Nonce,
    ) -> Option<UncheckedExtrinsic> {
        // The era must start at a block whose hash is known when the payload is signed.
        let born = u64::from(System::block_number().saturating_sub(1));
        let mut extension = authorized_extension();
        extension.5 = frame_system::CheckEra::from(Era::mortal(WATCHER_ERA_BLOCKS, born));
        extension.6 = frame_system::CheckNonce::from(nonce);
        let payload = SignedPayload::new(call, extension).ok()?;
        let signature = payload.using_encoded(|bytes| C::sign(bytes, public))?;
        let (call, extension, _) = payload.deconstruct();
        Some(UncheckedExtrinsic::new_signed(call, account.into(), signature, extension))
    }
}

/// The extensions of a workers' call: no fee, and immortal, because `authorize` limits its
/// validity.
pub fn authorized_extension() -> TxExtension {
    (
        frame_system::AuthorizeCall::new(),
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(Era::Immortal),
        frame_system::CheckNonce::from(0),
        frame_system::CheckWeight::new(),
        pallet_transaction_payment::ChargeTransactionPayment::from(0),
        frame_metadata_hash_extension::CheckMetadataHash::new(false),
        frame_system::WeightReclaim::new(),
    )
}
