//! Transactions that offchain workers make: workers' calls, which are feeless, and the signed
//! transactions of watchers.

use assay_primitives::MAX_TRANSACTION_BYTES;
use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_support::{dispatch::DispatchClass, ensure, traits::Get, weights::Weight};
use frame_system::{
    offchain::{
        AppCrypto, CreateAuthorizedTransaction, CreateSignedTransaction, CreateTransaction,
        SigningTypes,
    },
    AuthorizeCall,
};
use scale_info::TypeInfo;
use sp_runtime::{
    generic::{Era, SignedPayload},
    traits::{
        AsSystemOriginSigner, AsTransactionAuthorizedOrigin, DispatchInfoOf, DispatchOriginOf,
        Implication, PostDispatchInfoOf, TransactionExtension, ValidateResult,
    },
    transaction_validity::{
        InvalidTransaction, TransactionPriority, TransactionSource, TransactionValidityError,
    },
    DispatchResult, MultiSignature, MultiSigner,
};

use crate::{
    configs::system::RuntimeBlockWeights,
    constants::{priorities, WATCHER_ERA_BLOCKS},
    governance::calls,
    AccountId, Balance, Nonce, Runtime, RuntimeCall, System, TxExtension, UncheckedExtrinsic,
};

/// `AuthorizeCall` for transactions whose other extensions are those of [`authorized_extension`].
///
/// Nothing signs or uses the nonce, the era and the tip of a worker's call. If they could have any
/// value, anyone could make many transactions of one call, each with a hash that the pool does not
/// know.
///
/// It also refuses transactions of more than [`MAX_TRANSACTION_BYTES`], and is charged for the filter
/// of calls, which is no extension. Must be the first extension,
/// because it sees those after it only.
#[derive(Clone, Debug, Eq, PartialEq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct AuthorizeWorkersCall(AuthorizeCall<Runtime>);

type Inner = AuthorizeCall<Runtime>;

impl TransactionExtension<RuntimeCall> for AuthorizeWorkersCall {
    const IDENTIFIER: &'static str = <Inner as TransactionExtension<RuntimeCall>>::IDENTIFIER;
    type Implicit = ();
    type Val = Weight;
    type Pre = Weight;

    fn weight(&self, call: &RuntimeCall) -> Weight {
        self.0.weight(call).saturating_add(calls::filter_weight(call))
    }

    fn validate(
        &self,
        origin: DispatchOriginOf<RuntimeCall>,
        call: &RuntimeCall,
        info: &DispatchInfoOf<RuntimeCall>,
        len: usize,
        implicit: (),
        inherited_implication: &impl Implication,
        source: TransactionSource,
    ) -> ValidateResult<Weight, RuntimeCall> {
        // The SDK takes one that no block can include beside its header into the pool.
        ensure!(len <= MAX_TRANSACTION_BYTES as usize, InvalidTransaction::ExhaustsResources);
        if !origin.is_transaction_authorized() {
            let others = inherited_implication.parts().explicit.encode();
            // The first extension has no bytes.
            ensure!(others == authorized_extension().encode(), InvalidTransaction::BadProof);
        }
        self.0.validate(origin, call, info, len, implicit, inherited_implication, source)
    }

    fn prepare(
        self,
        val: Weight,
        origin: &DispatchOriginOf<RuntimeCall>,
        call: &RuntimeCall,
        info: &DispatchInfoOf<RuntimeCall>,
        len: usize,
    ) -> Result<Weight, TransactionValidityError> {
        self.0.prepare(val, origin, call, info, len)
    }

    fn post_dispatch_details(
        pre: Weight,
        info: &DispatchInfoOf<RuntimeCall>,
        post_info: &PostDispatchInfoOf<RuntimeCall>,
        len: usize,
        result: &DispatchResult,
    ) -> Result<Weight, TransactionValidityError> {
        <Inner as TransactionExtension<RuntimeCall>>::post_dispatch_details(
            pre, info, post_info, len, result,
        )
    }
}

/// `ChargeTransactionPayment` with priorities below those of workers' calls, and those of ordinary calls
/// below those of operational ones, whatever the tip is: the pool asks whether an account could pay it,
/// and who moves the money in an earlier transaction pays none.
#[derive(Clone, Debug, Eq, PartialEq, Encode, Decode, DecodeWithMemTracking)]
pub struct ChargeWithinClass(Charge);

type Charge = pallet_transaction_payment::ChargeTransactionPayment<Runtime>;

impl ChargeWithinClass {
    /// Takes a tip in plancks.
    pub fn from(tip: Balance) -> Self {
        Self(Charge::from(tip))
    }

    /// The priority of a call of this class, in the order of those that the SDK computes.
    fn priority(class: DispatchClass, of_sdk: TransactionPriority) -> TransactionPriority {
        let within = of_sdk >> (TransactionPriority::BITS - priorities::SIGNED_BITS);
        match class {
            DispatchClass::Normal => within,
            DispatchClass::Operational | DispatchClass::Mandatory => {
                within | 1 << priorities::SIGNED_BITS
            },
        }
    }
}

/// For clients it is the SDK's.
impl TypeInfo for ChargeWithinClass {
    type Identity = <Charge as TypeInfo>::Identity;

    fn type_info() -> scale_info::Type {
        Charge::type_info()
    }
}

impl TransactionExtension<RuntimeCall> for ChargeWithinClass {
    const IDENTIFIER: &'static str = <Charge as TransactionExtension<RuntimeCall>>::IDENTIFIER;
    type Implicit = ();
    type Val = <Charge as TransactionExtension<RuntimeCall>>::Val;
    type Pre = <Charge as TransactionExtension<RuntimeCall>>::Pre;

    fn weight(&self, call: &RuntimeCall) -> Weight {
        self.0.weight(call)
    }

    fn validate(
        &self,
        origin: DispatchOriginOf<RuntimeCall>,
        call: &RuntimeCall,
        info: &DispatchInfoOf<RuntimeCall>,
        len: usize,
        implicit: (),
        inherited_implication: &impl Implication,
        source: TransactionSource,
    ) -> ValidateResult<Self::Val, RuntimeCall> {
        let is_signed = origin.as_system_origin_signer().is_some();
        let (mut valid, val, origin) =
            self.0.validate(origin, call, info, len, implicit, inherited_implication, source)?;
        if is_signed {
            valid.priority = Self::priority(info.class, valid.priority);
        }
        Ok((valid, val, origin))
    }

    fn prepare(
        self,
        val: Self::Val,
        origin: &DispatchOriginOf<RuntimeCall>,
        call: &RuntimeCall,
        info: &DispatchInfoOf<RuntimeCall>,
        len: usize,
    ) -> Result<Self::Pre, TransactionValidityError> {
        self.0.prepare(val, origin, call, info, len)
    }

    fn post_dispatch_details(
        pre: Self::Pre,
        info: &DispatchInfoOf<RuntimeCall>,
        post_info: &PostDispatchInfoOf<RuntimeCall>,
        len: usize,
        result: &DispatchResult,
    ) -> Result<Weight, TransactionValidityError> {
        <Charge as TransactionExtension<RuntimeCall>>::post_dispatch_details(
            pre, info, post_info, len, result,
        )
    }
}

/// Weight of each call of a worker besides the call and its authorisation: that of every transaction,
/// and of the extensions.
pub struct CallOverhead;

impl Get<Weight> for CallOverhead {
    fn get() -> Weight {
        let base = RuntimeBlockWeights::get().get(DispatchClass::Normal).base_extrinsic;
        let other: RuntimeCall = frame_system::Call::remark { remark: Default::default() }.into();
        base.saturating_add(authorized_extension().weight(&other))
    }
}

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
        AuthorizeWorkersCall(AuthorizeCall::new()),
        frame_system::CheckNonZeroSender::new(),
        frame_system::CheckSpecVersion::new(),
        frame_system::CheckTxVersion::new(),
        frame_system::CheckGenesis::new(),
        frame_system::CheckEra::from(Era::Immortal),
        frame_system::CheckNonce::from(0),
        frame_system::CheckWeight::new(),
        ChargeWithinClass::from(0),
        frame_metadata_hash_extension::CheckMetadataHash::new(false),
        frame_system::WeightReclaim::new(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_tip_lifts_a_call_out_of_its_class() {
        let most = TransactionPriority::MAX;
        let priority = ChargeWithinClass::priority;
        let normal = |of_sdk| priority(DispatchClass::Normal, of_sdk);
        let operational = |of_sdk| priority(DispatchClass::Operational, of_sdk);
        assert!(normal(most) < operational(0));
        assert!(operational(most) < priorities::WORKER);
        // Within a class the order is that of the SDK. A planck of a tip may make no difference.
        assert!(normal(1 << 20) < normal(1 << 21));
        assert!(operational(1 << 20) < operational(1 << 21));
    }
}
