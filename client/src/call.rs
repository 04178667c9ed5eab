//! Encoded calls, and their check against the chain's metadata.

use codec::Encode;
use subxt::{
    ext::{
        scale_decode::visitor::{decode_with_visitor, IgnoreVisitor},
        scale_encode::{self, EncodeAsFields, FieldIter, TypeResolver},
    },
    transactions::Payload,
};

use crate::{Error, Result};

pub use subxt::Metadata;

/// A call with its arguments in SCALE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pallet: &'static str,
    name: &'static str,
    arguments: Arguments,
}

impl Call {
    /// A call without arguments. `pallet` is the pallet's name in the runtime.
    pub fn new(pallet: &'static str, name: &'static str) -> Self {
        Self { pallet, name, arguments: Arguments(Vec::new()) }
    }

    /// Adds the next argument.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Encode) -> Self {
        self.arguments.0.push((name, value.encode()));
        self
    }

    /// Pallet and call: `Inference.request`.
    pub fn path(&self) -> String {
        format!("{}.{}", self.pallet, self.name)
    }

    /// Checks that the chain has this call with exactly these arguments. Each argument must decode
    /// as its type in the metadata, without bytes left over.
    ///
    /// # Errors
    ///
    /// [`Error::Outdated`] with what the runtime does not have.
    pub fn check(&self, metadata: &Metadata) -> Result<()> {
        let outdated = |what: String| Err(Error::Outdated(what));
        let Some(pallet) = metadata.pallet_by_name(self.pallet) else {
            return outdated(format!("the pallet {}", self.pallet));
        };
        let Some(variant) = pallet.call_variant_by_name(self.name) else {
            return outdated(format!("the call {}", self.path()));
        };
        let names: Vec<_> =
            variant.fields.iter().map(|field| field.name.as_deref().unwrap_or_default()).collect();
        if names != self.arguments.names() {
            return outdated(format!(
                "the call {} with the arguments ({}); its arguments are ({})",
                self.path(),
                self.arguments.names().join(", "),
                names.join(", ")
            ));
        }
        for (field, (name, bytes)) in variant.fields.iter().zip(&self.arguments.0) {
            let mut rest = bytes.as_slice();
            let visitor = IgnoreVisitor::new();
            let read = decode_with_visitor(&mut rest, field.ty.id, metadata.types(), visitor);
            if read.is_err() || !rest.is_empty() {
                return outdated(format!("this type of argument {name} of {}", self.path()));
            }
        }
        Ok(())
    }
}

impl Payload for Call {
    type CallData = Arguments;

    fn pallet_name(&self) -> &str {
        self.pallet
    }

    fn call_name(&self) -> &str {
        self.name
    }

    fn call_data(&self) -> &Arguments {
        &self.arguments
    }
}

/// The arguments of a [`Call`], encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments(Vec<(&'static str, Vec<u8>)>);

impl Arguments {
    fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }
}

impl EncodeAsFields for Arguments {
    fn encode_as_fields_to<R: TypeResolver>(
        &self,
        fields: &mut dyn FieldIter<'_, R::TypeId>,
        _types: &R,
        out: &mut Vec<u8>,
    ) -> Result<(), scale_encode::Error> {
        let expected: Vec<_> = fields.map(|field| field.name.unwrap_or_default()).collect();
        if expected != self.names() {
            return Err(scale_encode::Error::custom_string(format!(
                "the node's runtime expects the arguments ({}); update assay",
                expected.join(", ")
            )));
        }
        for (_, bytes) in &self.0 {
            out.extend(bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use scale_info::{meta_type, TypeInfo};
    use subxt::ext::frame_metadata::v16;

    #[derive(TypeInfo, Encode)]
    #[allow(non_camel_case_types, dead_code)]
    enum Calls {
        #[codec(index = 0)]
        stop,
        #[codec(index = 3)]
        send { to: [u8; 4], amount: u128, note: Option<Vec<u8>> },
    }

    #[derive(TypeInfo)]
    #[allow(dead_code)]
    enum Address {
        Id([u8; 32]),
    }

    #[derive(TypeInfo)]
    #[allow(dead_code)]
    enum Signature {
        #[codec(index = 1)]
        Sr25519([u8; 64]),
    }

    #[derive(TypeInfo)]
    #[scale_info(capture_docs = "always")]
    #[allow(dead_code)]
    enum Errors {
        /// The purse is empty.
        /// Put `Least` in.
        Empty,
    }

    pub(crate) fn metadata() -> Metadata {
        metadata_with(Vec::new())
    }

    pub(crate) fn metadata_with(extensions: Vec<v16::TransactionExtensionMetadata>) -> Metadata {
        let pallet = v16::PalletMetadata {
            name: "Purse",
            storage: None,
            calls: Some(v16::PalletCallMetadata {
                ty: meta_type::<Calls>(),
                deprecation_info: v16::EnumDeprecationInfo::nothing_deprecated(),
            }),
            event: None,
            constants: vec![v16::PalletConstantMetadata {
                name: "Least",
                ty: meta_type::<u128>(),
                value: (assay_primitives::ASY / 2).encode(),
                docs: Vec::new(),
                deprecation_info: v16::ItemDeprecationInfo::NotDeprecated,
            }],
            error: Some(v16::PalletErrorMetadata {
                ty: meta_type::<Errors>(),
                deprecation_info: v16::EnumDeprecationInfo::nothing_deprecated(),
            }),
            associated_types: Vec::new(),
            view_functions: Vec::new(),
            index: 9,
            docs: Vec::new(),
            deprecation_info: v16::ItemDeprecationInfo::NotDeprecated,
        };
        let extrinsic = v16::ExtrinsicMetadata {
            versions: vec![4, 5],
            address_ty: meta_type::<Address>(),
            call_ty: meta_type::<Calls>(),
            signature_ty: meta_type::<Signature>(),
            transaction_extensions_by_version: [(
                0u8,
                (0..extensions.len() as u32).map(codec::Compact).collect(),
            )]
            .into_iter()
            .collect(),
            transaction_extensions: extensions,
        };
        let outer = v16::OuterEnums {
            call_enum_ty: meta_type::<Calls>(),
            event_enum_ty: meta_type::<()>(),
            error_enum_ty: meta_type::<Errors>(),
        };
        let custom = v16::CustomMetadata { map: Default::default() };
        v16::RuntimeMetadataV16::new(vec![pallet], extrinsic, Vec::new(), outer, custom)
            .try_into()
            .unwrap()
    }

    fn send() -> Call {
        Call::new("Purse", "send")
            .with("to", [1u8, 2, 3, 4])
            .with("amount", 5u128)
            .with("note", Some(vec![6u8]))
    }

    fn outdated(call: &Call) -> String {
        match call.check(&metadata()) {
            Err(Error::Outdated(what)) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_call_is_written_as_the_runtime_reads_it() {
        let (call, metadata) = (send(), metadata());
        call.check(&metadata).unwrap();
        let bytes = subxt::ext::frame_decode::extrinsics::encode_call_data(
            call.pallet_name(),
            call.call_name(),
            call.call_data(),
            &metadata,
            metadata.types(),
        )
        .unwrap();
        let mut expected = vec![9];
        Calls::send { to: [1, 2, 3, 4], amount: 5, note: Some(vec![6]) }.encode_to(&mut expected);
        assert_eq!(bytes, expected);
    }

    #[test]
    fn a_call_that_the_runtime_does_not_have_is_named() {
        assert_eq!(outdated(&Call::new("Wallet", "send")), "the pallet Wallet");
        assert_eq!(outdated(&Call::new("Purse", "sent")), "the call Purse.sent");
        let wrong_name = Call::new("Purse", "stop").with("now", true);
        assert!(outdated(&wrong_name)
            .contains("Purse.stop with the arguments (now); its arguments are ()"));
        let swapped = Call::new("Purse", "send")
            .with("amount", 5u128)
            .with("to", [1u8, 2, 3, 4])
            .with("note", Some(vec![6u8]));
        assert!(outdated(&swapped).contains("(to, amount, note)"));
    }

    #[test]
    fn an_argument_of_another_type_is_named() {
        let short = Call::new("Purse", "send")
            .with("to", [1u8, 2, 3, 4])
            .with("amount", 5u64)
            .with("note", None::<Vec<u8>>);
        assert!(outdated(&short).contains("argument amount of Purse.send"));
        let long = Call::new("Purse", "send")
            .with("to", [1u8, 2, 3, 4, 5])
            .with("amount", 5u128)
            .with("note", None::<Vec<u8>>);
        assert!(outdated(&long).contains("argument to of Purse.send"));
    }

    #[test]
    fn encoding_checks_the_names_again() {
        let metadata = metadata();
        let call = Call::new("Purse", "send").with("to", [0u8; 4]);
        let encoded = subxt::ext::frame_decode::extrinsics::encode_call_data(
            call.pallet_name(),
            call.call_name(),
            call.call_data(),
            &metadata,
            metadata.types(),
        );
        assert!(encoded.unwrap_err().to_string().contains("(to, amount, note)"));
    }
}
