//! `try_state` finds each kind of broken state.

use assay_primitives::{ModelId, ProofTerms, VersionId, WeightsAudit};
use frame_support::assert_ok;

use crate::{
    mock::*, Architectures, Audits, Model, Models, Names, NextModel, Offers, Version, Versions,
};

/// Publishes a version, breaks the state, and expects `try_state` to find it.
fn breaks(message: &'static str, run: impl FnOnce()) {
    crate::mock::breaks(message, || {
        create_and_publish();
        assert_ok!(Registry::do_try_state());
        run();
    });
}

fn change_model(change: impl FnOnce(&mut Model<u64>)) {
    Models::<Test>::mutate(MODEL, |model| change(model.as_mut().unwrap()));
}

fn change_version(change: impl FnOnce(&mut Version)) {
    Versions::<Test>::mutate(VERSION, |version| change(version.as_mut().unwrap()));
}

fn copy_version(to: VersionId) {
    Versions::<Test>::insert(to, Versions::<Test>::get(VERSION).unwrap());
}

#[test]
fn a_version_without_a_model_is_noticed() {
    breaks("a version without a model", || {
        copy_version(VersionId { model: ModelId(9), number: 1 });
    });
}

#[test]
fn an_impossible_number_is_noticed() {
    for number in [0, 2] {
        breaks("a version has an impossible number", || {
            copy_version(VersionId { model: MODEL, number });
        });
    }
}

#[test]
fn a_digest_of_another_descriptor_is_noticed() {
    breaks("a digest is not its version's", || {
        change_version(|version| version.descriptor.artifact_size += 1);
    });
    breaks("a digest is not its version's", || {
        change_version(|version| version.digest = Default::default());
    });
}

#[test]
fn a_version_without_its_artifact_is_noticed() {
    breaks("a version without its artifact", || {
        pallet_storage::Artifacts::<Test>::remove(descriptor().artifact);
    });
}

#[test]
fn an_identifier_to_come_is_noticed() {
    breaks("a model's identifier is not below the next one", || NextModel::<Test>::put(MODEL));
}

#[test]
fn a_model_that_its_name_does_not_find_is_noticed() {
    breaks("a model is not found by its name", || {
        Names::<Test>::remove(OWNER, name("digits"));
    });
    breaks("a model is not found by its name", || {
        Names::<Test>::insert(OWNER, name("digits"), ModelId(9));
    });
    breaks("a model is not found by its name", || change_model(|model| model.owner = OTHER));
}

#[test]
fn a_name_without_a_model_is_noticed() {
    breaks("a name leads to no model", || {
        Names::<Test>::insert(OTHER, name("digits"), MODEL);
    });
}

#[test]
fn a_wrong_count_of_versions_is_noticed() {
    for count in [0, 2] {
        breaks("a model's count of versions is wrong", || {
            change_model(|model| model.versions = count);
        });
    }
    breaks("a model's count of versions is wrong", || Versions::<Test>::remove(VERSION));
}

#[test]
fn an_offer_of_no_model_is_noticed() {
    breaks("an offer of a model that does not exist", || Offers::<Test>::insert(ModelId(9), OTHER));
}

#[test]
fn an_offer_to_the_owner_is_noticed() {
    breaks("a model is offered to its owner", || Offers::<Test>::insert(MODEL, OWNER));
}

#[test]
fn a_wrong_deposit_is_noticed() {
    breaks("a model's deposit is not that of its versions", || {
        change_model(|model| model.deposit += 1);
    });
    breaks("a model's deposit is not that of its versions", || {
        change_version(|version| version.deposit -= 1);
    });
}

#[test]
fn an_architecture_that_no_version_names_is_noticed() {
    let bytes = || crate::EncodedArchitecture::try_from(vec![1, 2, 3]).unwrap();
    breaks("an architecture is not its version's", || {
        Architectures::<Test>::insert(VERSION, bytes());
    });
    breaks("an architecture is not its version's", || {
        change_version(|version| {
            version.descriptor.architecture = Some(Default::default());
            version.digest = version.descriptor.digest();
        });
    });
    breaks("an architecture without its version", || {
        Architectures::<Test>::insert(VersionId { model: MODEL, number: 2 }, bytes());
    });
}

#[test]
fn terms_of_proofs_without_the_class_are_noticed() {
    breaks("terms of proofs and the class disagree", || {
        change_version(|version| {
            version.proof = Some(ProofTerms { security_bits: 120, cost: Default::default() });
        });
    });
}

#[test]
fn an_audit_that_is_not_of_the_version_is_noticed() {
    const NOT_OF_THEM: &str = "an audit does not match its version's weights";
    breaks(NOT_OF_THEM, || Audits::<Test>::insert(VERSION, WeightsAudit::of(1)));
    breaks("an audit without its version", || {
        Audits::<Test>::insert(VersionId { model: MODEL, number: 2 }, WeightsAudit::of(1));
    });
    let changes: [fn(&mut Option<WeightsAudit>); 3] = [
        |audit| *audit = None,
        |audit| audit.as_mut().unwrap().total += 1,
        |audit| {
            let audit = audit.as_mut().unwrap();
            audit.done = audit.total + 1;
        },
    ];
    for change in changes {
        crate::mock::breaks(NOT_OF_THEM, || {
            create();
            assert_ok!(publish_graph(&graph(), |_| ()));
            assert_ok!(Registry::do_try_state());
            let mut audit = Audits::<Test>::get(VERSION);
            change(&mut audit);
            Audits::<Test>::set(VERSION, audit);
        });
    }
}
