use assay_primitives::{
    model::{ModelDescriptor, Tolerance},
    traits::Artifacts as _,
    AssuranceClass, AssuranceClasses, Digest, Dimension, ElementType, ModelId, VersionId,
};
use codec::Encode;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, DispatchResult, Perbill};

use crate::{mock::*, Error, Event, Models, Versions};

/// Publishes the usual descriptor after a change to it.
fn publish_changed(change: impl FnOnce(&mut ModelDescriptor)) -> DispatchResult {
    let mut descriptor = descriptor();
    change(&mut descriptor);
    publish(descriptor)
}

/// A model whose artifact is on chain, and no version.
fn ready() {
    create();
    artifact(b"the model");
}

#[test]
fn a_version_is_published_against_a_deposit_for_its_bytes() {
    test(|| {
        ready();
        let metadata = Some(Digest::repeat_byte(7));
        assert_ok!(Registry::publish(
            RuntimeOrigin::signed(OWNER),
            MODEL,
            descriptor(),
            Perbill::from_percent(30),
            licence("Apache-2.0 WITH LLVM-exception"),
            metadata,
            None,
        ));
        let record = Versions::<Test>::get(VERSION).unwrap();
        assert_eq!(record.descriptor, descriptor());
        assert_eq!(record.digest, descriptor().digest());
        assert_eq!(record.royalty, Perbill::from_percent(30));
        assert_eq!(record.licence, licence("Apache-2.0 WITH LLVM-exception"));
        assert_eq!(record.metadata, metadata);
        assert_eq!((record.deprecated, record.uses), (false, 0));
        assert_eq!(record.deposit, BASE + BYTE * record.encoded_size() as u128);
        assert_eq!(free(OWNER), ENDOWMENT - BASE - record.deposit);

        let model = Models::<Test>::get(MODEL).unwrap();
        assert_eq!((model.newest, model.versions), (1, 1));
        assert_eq!(model.deposit, BASE + record.deposit);
        assert_eq!(
            last_event(),
            Some(Event::VersionPublished { version: VERSION, digest: descriptor().digest() })
        );
    });
}

#[test]
fn metadata_costs_the_same_now_or_later() {
    test(|| {
        ready();
        for (number, metadata) in [(1, None), (2, Some(Digest::zero()))] {
            assert_ok!(Registry::publish(
                RuntimeOrigin::signed(OWNER),
                MODEL,
                descriptor(),
                Perbill::zero(),
                licence("MIT"),
                metadata,
                None,
            ));
            let version = VersionId { model: MODEL, number };
            assert_ok!(Registry::set_metadata(
                RuntimeOrigin::signed(OWNER),
                version,
                Some(Digest::repeat_byte(7))
            ));
            let record = Versions::<Test>::get(version).unwrap();
            assert_eq!(record.deposit, BASE + BYTE * record.encoded_size() as u128);
        }
    });
}

#[test]
fn versions_are_numbered_from_one() {
    test(|| {
        ready();
        for number in 1..=3 {
            assert_ok!(publish(descriptor()));
            let version = VersionId { model: MODEL, number };
            assert!(Versions::<Test>::contains_key(version));
        }
        let sum: u128 = Versions::<Test>::iter_values().map(|record| record.deposit).sum();
        assert_eq!(deposit(OWNER), BASE + sum);
    });
}

#[test]
fn the_artifact_of_a_version_cannot_be_removed() {
    test(|| {
        ready();
        assert_ok!(publish(descriptor()));
        assert_ok!(publish(descriptor()));
        let artifact = descriptor().artifact;
        for number in 1..=2 {
            assert_noop!(
                Storage::remove(RuntimeOrigin::signed(UPLOADER), artifact),
                pallet_storage::Error::<Test>::InUse
            );
            let version = VersionId { model: MODEL, number };
            assert_ok!(Registry::remove_version(RuntimeOrigin::signed(OWNER), version));
        }
        assert_ok!(Storage::remove(RuntimeOrigin::signed(UPLOADER), artifact));
    });
}

#[test]
fn only_the_owner_publishes() {
    test(|| {
        ready();
        let publish_as = |origin, model| {
            let royalty = Perbill::zero();
            Registry::publish(origin, model, descriptor(), royalty, licence("MIT"), None, None)
        };
        let (owner, other) = (RuntimeOrigin::signed(OWNER), RuntimeOrigin::signed(OTHER));
        assert_noop!(publish_as(other, MODEL), Error::<Test>::NotOwner);
        assert_noop!(publish_as(owner, ModelId(1)), Error::<Test>::ModelNotFound);
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(publish_as(origin, MODEL), DispatchError::BadOrigin);
        }
    });
}

#[test]
fn a_royalty_up_to_the_bound_is_taken() {
    test(|| {
        ready();
        let publish_at = |royalty| {
            Registry::publish(
                RuntimeOrigin::signed(OWNER),
                MODEL,
                descriptor(),
                royalty,
                licence("MIT"),
                None,
                None,
            )
        };
        for royalty in [Perbill::from_parts(300_000_001), Perbill::one()] {
            assert_noop!(publish_at(royalty), Error::<Test>::RoyaltyTooHigh);
        }
        assert_ok!(publish_at(Perbill::from_percent(30)));
        assert_ok!(publish_at(Perbill::zero()));
    });
}

#[test]
fn a_licence_looks_like_an_spdx_expression() {
    test(|| {
        ready();
        let publish_under = |text: &str| {
            Registry::publish(
                RuntimeOrigin::signed(OWNER),
                MODEL,
                descriptor(),
                Perbill::zero(),
                licence(text),
                None,
                None,
            )
        };
        for bad in ["", "MIT;", "MIT\n", "é", "<b>"] {
            assert_noop!(publish_under(bad), Error::<Test>::InvalidLicence);
        }
        for good in ["MIT", "(MIT OR Apache-2.0)", "GPL-2.0+", &"x".repeat(64)] {
            assert_ok!(publish_under(good));
        }
    });
}

#[test]
fn both_sides_are_declared() {
    test(|| {
        ready();
        let changes: [fn(&mut ModelDescriptor); 2] =
            [|d| d.inputs = Default::default(), |d| d.outputs = Default::default()];
        for change in changes {
            assert_noop!(publish_changed(change), Error::<Test>::InvalidDeclaration);
        }
    });
}

#[test]
fn a_declaration_that_no_tensor_fits_is_refused() {
    test(|| {
        ready();
        let bad = [
            vec![declaration("", ElementType::I64, &[])],
            vec![declaration("x", ElementType::I64, &[Dimension::Free, Dimension::Fixed(0)])],
            vec![
                declaration("x", ElementType::I64, &[]),
                declaration("y", ElementType::I64, &[]),
                declaration("x", ElementType::F32, &[Dimension::Free]),
            ],
        ];
        for side in bad {
            let side: assay_primitives::model::TensorDeclarations = side.try_into().unwrap();
            assert_noop!(
                publish_changed(|d| d.inputs = side.clone()),
                Error::<Test>::InvalidDeclaration
            );
            assert_noop!(
                publish_changed(|d| d.outputs = side.clone()),
                Error::<Test>::InvalidDeclaration
            );
        }
        assert_noop!(
            publish_changed(|d| d.inputs[0].name = vec![0xff].try_into().unwrap()),
            Error::<Test>::InvalidDeclaration
        );
    });
}

#[test]
fn an_input_and_an_output_may_have_the_same_name() {
    test(|| {
        ready();
        assert_ok!(publish_changed(|d| d.outputs[0].name = d.inputs[0].name.clone()));
    });
}

#[test]
fn a_version_offers_a_class_that_is_there() {
    test(|| {
        ready();
        assert_noop!(
            publish_changed(|d| d.assurances = AssuranceClasses::NONE),
            Error::<Test>::NoAssurance
        );
        for class in [AssuranceClass::Optimistic, AssuranceClass::Tee] {
            assert_noop!(
                publish_changed(|d| d.assurances = d.assurances.with(class)),
                Error::<Test>::ClassUnavailable
            );
        }
        assert_noop!(
            publish_changed(|d| d.assurances = AssuranceClasses(0x81)),
            Error::<Test>::ClassUnavailable
        );
    });
}

#[test]
fn a_quorum_of_floating_point_results_needs_a_tolerance() {
    test(|| {
        ready();
        assert_noop!(publish_changed(|d| d.tolerance = None), Error::<Test>::ToleranceMissing);
        assert_noop!(
            publish_changed(|d| {
                d.outputs[0].element_type = ElementType::F64;
                d.assurances = AssuranceClasses::NONE.with(AssuranceClass::Quorum);
                d.tolerance = None;
            }),
            Error::<Test>::ToleranceMissing
        );
        // A tolerance of zero is a tolerance.
        assert_ok!(publish_changed(|d| d.tolerance = Some(Tolerance { millionths: 0 })));
        // Class `Signed` needs none.
        assert_ok!(publish_changed(|d| {
            d.tolerance = None;
            d.assurances = AssuranceClasses::NONE.with(AssuranceClass::Signed);
        }));
        // Integers need none.
        assert_ok!(publish_changed(|d| {
            d.tolerance = None;
            d.outputs[0].element_type = ElementType::I64;
        }));
    });
}

#[test]
fn a_version_without_its_artifact_is_refused() {
    test(|| {
        create();
        assert_noop!(publish(descriptor()), Error::<Test>::ArtifactNotFound);
        // Announced, but no chunk yet.
        let artifact = announce_artifact(UPLOADER, MODEL_FILE);
        assert_noop!(publish(descriptor()), Error::<Test>::ArtifactNotFound);
        next_extrinsic(MODEL_FILE.to_vec());
        let uploader = RuntimeOrigin::signed(UPLOADER);
        assert_ok!(Storage::upload(uploader, artifact, 0, MODEL_FILE.to_vec()));
        assert_ok!(publish(descriptor()));
    });
}

#[test]
fn a_version_knows_the_size_of_its_artifact() {
    test(|| {
        ready();
        for size in [0, 8, 10, u64::MAX] {
            assert_noop!(
                publish_changed(|d| d.artifact_size = size),
                Error::<Test>::ArtifactSizeMismatch
            );
        }
    });
}

#[test]
fn without_a_number_left_nothing_is_published() {
    test(|| {
        ready();
        Models::<Test>::mutate(MODEL, |model| model.as_mut().unwrap().newest = u32::MAX - 1);
        assert_ok!(publish(descriptor()));
        assert_noop!(publish(descriptor()), Error::<Test>::NoIdentifierLeft);
    });
}

#[test]
fn who_cannot_cover_the_deposit_publishes_nothing() {
    test(|| {
        ready();
        assert_ok!(Balances::transfer_all(RuntimeOrigin::signed(OWNER), OTHER, false));
        assert_noop!(publish(descriptor()), pallet_settlement::Error::<Test>::DepositNotCovered);
        assert!(Storage::complete(&descriptor().artifact).is_some());
        assert_ok!(Storage::remove(RuntimeOrigin::signed(UPLOADER), descriptor().artifact));
    });
}
