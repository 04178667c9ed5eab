//! What clients see of the runtime is that of the recorded versions.
//!
//! `metadata/transaction-N.txt` has everything that an encoded transaction of `transaction_version` N
//! depends on, `metadata/spec-N.txt` all of the metadata of `spec_version` N, a line for each call,
//! field, storage item, event, error, constant and method. Types are written out by name.
//!
//! `ASSAY_UPDATE_METADATA=1` records the present runtime under its versions, unless these are in
//! `metadata/released.txt`.

use std::{collections::BTreeSet, fmt::Write, fs, path::PathBuf};

use assay_runtime::{Runtime, VERSION};
use codec::Decode;
use frame_metadata::{
    v16::{PalletMetadata, RuntimeMetadataV16, StorageEntryType},
    RuntimeMetadata, RuntimeMetadataPrefixed,
};
use scale_info::{form::PortableForm, Field, PortableRegistry, TypeDef};

type Lines = BTreeSet<String>;

fn metadata() -> RuntimeMetadataV16 {
    // Periods of governance are constants that the state has; without an entry it has the defaults.
    let opaque = sp_io::TestExternalities::default()
        .execute_with(|| Runtime::metadata_at_version(16))
        .expect("the runtime has metadata of version 16");
    match RuntimeMetadataPrefixed::decode(&mut &opaque[..]).expect("it can be decoded").1 {
        RuntimeMetadata::V16(metadata) => metadata,
        other => panic!("it has version {}", other.version()),
    }
}

/// Writes types, and remembers whose definitions are needed.
struct Types<'a> {
    registry: &'a PortableRegistry,
    named: BTreeSet<u32>,
    open: Vec<u32>,
}

impl<'a> Types<'a> {
    fn new(registry: &'a PortableRegistry) -> Self {
        Self { registry, named: BTreeSet::new(), open: Vec::new() }
    }

    /// The name of a type.
    fn name(&mut self, id: u32) -> String {
        let ty = self.registry.resolve(id).expect("the registry has each type");
        match &ty.type_def {
            TypeDef::Sequence(of) => format!("[{}]", self.name(of.type_param.id)),
            TypeDef::Array(of) => format!("[{}; {}]", self.name(of.type_param.id), of.len),
            TypeDef::Tuple(of) => {
                let parts: Vec<_> = of.fields.iter().map(|part| self.name(part.id)).collect();
                format!("({})", parts.join(", "))
            },
            TypeDef::Compact(of) => format!("Compact<{}>", self.name(of.type_param.id)),
            TypeDef::Primitive(primitive) => format!("{primitive:?}").to_lowercase(),
            TypeDef::BitSequence(of) => {
                let (store, order) = (of.bit_store_type.id, of.bit_order_type.id);
                format!("Bits<{}, {}>", self.name(store), self.name(order))
            },
            TypeDef::Composite(_) | TypeDef::Variant(_) => {
                if self.named.insert(id) {
                    self.open.push(id);
                }
                let path = ty.path.segments.join("::");
                let parameters: Vec<_> = ty.type_params.iter().filter_map(|one| one.ty).collect();
                let parameters: Vec<_> = parameters.iter().map(|one| self.name(one.id)).collect();
                match parameters.is_empty() {
                    true => path,
                    false => format!("{path}<{}>", parameters.join(", ")),
                }
            },
        }
    }

    fn fields(&mut self, fields: &[Field<PortableForm>]) -> String {
        let mut text = String::new();
        for field in fields {
            let name = field.name.as_deref().unwrap_or("_");
            write!(text, " {name}: {},", self.name(field.ty.id)).expect("a string takes all");
        }
        format!("{{{} }}", text.trim_end_matches(','))
    }

    /// The definitions of all types that were named, and of those that they name.
    fn definitions(&mut self, lines: &mut Lines) {
        while let Some(id) = self.open.pop() {
            let name = self.name(id);
            let ty = self.registry.resolve(id).expect("the registry has each type");
            match &ty.type_def {
                TypeDef::Composite(one) => {
                    lines.insert(format!("type {name} {}", self.fields(&one.fields)));
                },
                TypeDef::Variant(one) => {
                    for case in &one.variants {
                        let fields = self.fields(&case.fields);
                        lines.insert(format!(
                            "type {name} case {:03} {} {fields}",
                            case.index, case.name
                        ));
                    }
                },
                _ => {},
            }
        }
    }
}

/// What the encoding of transactions depends on.
fn transaction(metadata: &RuntimeMetadataV16) -> Lines {
    let (mut lines, mut types) = (Lines::new(), Types::new(&metadata.types));
    let extrinsic = &metadata.extrinsic;
    lines.insert(format!("transaction versions {:?}", extrinsic.versions));
    for (part, ty) in [
        ("address", extrinsic.address_ty),
        ("call", extrinsic.call_ty),
        ("signature", extrinsic.signature_ty),
    ] {
        lines.insert(format!("transaction {part} {}", types.name(ty.id)));
    }
    for (place, extension) in extrinsic.transaction_extensions.iter().enumerate() {
        let (value, implicit) = (types.name(extension.ty.id), types.name(extension.implicit.id));
        let name = &extension.identifier;
        lines.insert(format!("transaction extension {place:02} {name} {value} signed {implicit}"));
    }
    types.definitions(&mut lines);
    lines
}

/// All that clients see.
fn all(metadata: &RuntimeMetadataV16) -> Lines {
    let mut lines = transaction(metadata);
    let mut types = Types::new(&metadata.types);
    for pallet in &metadata.pallets {
        of_pallet(pallet, &mut types, &mut lines);
    }
    for api in &metadata.apis {
        for method in &api.methods {
            let inputs = method.inputs.iter();
            let inputs: Vec<_> = inputs.map(|one| types.name(one.ty.id)).collect();
            lines.insert(format!(
                "api {} {} {}({}) -> {}",
                api.name,
                api.version.0,
                method.name,
                inputs.join(", "),
                types.name(method.output.id)
            ));
        }
    }
    types.definitions(&mut lines);
    lines
}

fn of_pallet(pallet: &PalletMetadata<PortableForm>, types: &mut Types<'_>, lines: &mut Lines) {
    let name = &pallet.name;
    lines.insert(format!("pallet {:03} {name}", pallet.index));
    let parts = [
        pallet.calls.as_ref().map(|part| part.ty.id),
        pallet.event.as_ref().map(|part| part.ty.id),
        pallet.error.as_ref().map(|part| part.ty.id),
    ];
    for ty in parts.into_iter().flatten() {
        types.name(ty);
    }
    for constant in &pallet.constants {
        // Its value is in the metadata too, and clients read it there.
        lines.insert(format!("constant {name} {} {}", constant.name, types.name(constant.ty.id)));
    }
    for entry in pallet.storage.iter().flat_map(|storage| &storage.entries) {
        let ty = match &entry.ty {
            StorageEntryType::Plain(value) => types.name(value.id),
            StorageEntryType::Map { hashers, key, value } => {
                let (key, value) = (types.name(key.id), types.name(value.id));
                format!("{hashers:?} {key} -> {value}")
            },
        };
        lines.insert(format!("storage {name} {} {:?} {ty}", entry.name, entry.modifier));
    }
    for view in &pallet.view_functions {
        let inputs: Vec<_> = view.inputs.iter().map(|one| types.name(one.ty.id)).collect();
        let output = types.name(view.output.id);
        lines.insert(format!("view {name} {}({}) -> {output}", view.name, inputs.join(", ")));
    }
}

fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "metadata", name].iter().collect()
}

/// The lines of a record; none if there is no such file.
fn recorded(name: &str) -> Lines {
    let text = fs::read_to_string(file(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The lines that one has and the other has not, at most 20.
fn beyond(of: &Lines, other: &Lines) -> String {
    let lines: Vec<_> = of.difference(other).take(20).map(String::as_str).collect();
    lines.join("\n  ")
}

/// Compares with a record, or makes it.
fn compare(version: &str, present: &Lines, is_compatible: impl Fn(&Lines) -> bool, remedy: &str) {
    let name = format!("{version}.txt");
    let is_released = recorded("released.txt").contains(version);
    if std::env::var_os("ASSAY_UPDATE_METADATA").is_some() && !is_released {
        let text: String = present.iter().map(|line| format!("{line}\n")).collect();
        fs::write(file(&name), text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let before = recorded(&name);
    assert!(
        is_compatible(&before),
        "clients would notice this change of {version}; {remedy}, or, if it is not in \
         metadata/released.txt, record it with ASSAY_UPDATE_METADATA=1\ngone:\n  {}\nnew:\n  {}",
        beyond(&before, present),
        beyond(present, &before)
    );
}

/// New calls and cases spoil no transaction, so they need no new version.
#[test]
fn transactions_have_the_form_of_their_version() {
    let version = format!("transaction-{}", VERSION.transaction_version);
    let present = transaction(&metadata());
    let remedy = "raise `transaction_version` and `spec_version`";
    compare(&version, &present, |before| !before.is_empty() && before.is_subset(&present), remedy);
}

#[test]
fn what_clients_see_is_that_of_the_version() {
    let version = format!("spec-{}", VERSION.spec_version);
    let present = all(&metadata());
    compare(&version, &present, |before| *before == present, "raise `spec_version`");
}

/// A change of an argument is seen.
#[test]
fn a_changed_call_is_another_line() {
    let transfer = "type pallet_balances::pallet::Call case 000 transfer_allow_death { dest: \
                    sp_runtime::multiaddress::MultiAddress<sp_core::crypto::AccountId32, ()>, value: \
                    Compact<u128> }";
    assert!(transaction(&metadata()).contains(transfer));
}
