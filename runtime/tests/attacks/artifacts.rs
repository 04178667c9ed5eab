//! Attacks on stored artifacts.

use assay_primitives::{artifact::MAX_CHUNK_BYTES, ArtifactManifest, Balance, ASY};
use assay_runtime::Runtime;
use codec::Encode;
use sp_keyring::Sr25519Keyring::EveStash;
use sp_runtime::Perbill;

use crate::{common::*, ledger::Measured, party::*};

/// Uses all means to take the identity of somebody else's artifact for another content, so that the
/// artifact cannot be stored. The identity follows from size and chunks, so garbage has another one.
pub fn occupied_identity() -> Measured {
    let mut measured = None;
    run(|| {
        let attacker = Party::new("attacker", 100 * ASY);
        let victim = Party::new("victim", 100 * ASY);
        let file = vec![1; MAX_CHUNK_BYTES as usize + 2];
        let garbage = vec![2; MAX_CHUNK_BYTES as usize + 2];
        let before = wealth_of(&[&attacker]);
        let right = ArtifactManifest::of(&file);
        let of_garbage = ArtifactManifest::of(&garbage);
        let create = |size, chunks: &[_]| pallet_storage::Call::<Runtime>::create {
            size,
            chunks: chunks.to_vec().try_into().unwrap(),
        };
        // The size with other chunks, one right chunk among them, and the chunks with another size.
        let mixed = [right.chunks[0], of_garbage.chunks[1]];
        for (size, chunks) in [
            (right.size, &of_garbage.chunks[..]),
            (right.size, &mixed[..]),
            (right.size - 1, &right.chunks[..]),
        ] {
            attacker.include(create(size, chunks)).unwrap();
        }
        // The artifact itself, which the attacker never completes.
        attacker.include(create(right.size, &right.chunks)).unwrap();
        for (index, chunk) in garbage.chunks(MAX_CHUNK_BYTES as usize).enumerate() {
            attacker.include(upload(chunk, index as u32, of_garbage.identity)).unwrap();
            attacker.include(upload(chunk, index as u32, right.identity)).unwrap_err();
        }
        let cost = lost(&[&attacker], before);

        let mut is_stored = victim.include(announce(&file)).is_ok();
        for (index, chunk) in file.chunks(MAX_CHUNK_BYTES as usize).enumerate() {
            is_stored &= victim.include(upload(chunk, index as u32, right.identity)).is_ok();
        }
        let stored = pallet_storage::Artifacts::<Runtime>::get(right.identity);
        is_stored &= stored.is_some_and(|artifact| {
            artifact.owner == victim.account() && artifact.manifest(right.identity) == right
        });
        measured = Some(Measured {
            attack: "an artifact's identity occupied",
            capital: held(&attacker.account()),
            cost,
            harm: Balance::from(!is_stored) * 100 * ASY,
            what: "artifact that cannot be stored, set at 100 ASY",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

/// Somebody submits a little of a version's weights before each call with all of them, so that these are
/// not what comes next.
pub fn cut_audit() -> Measured {
    let mut measured = None;
    run(|| {
        let graph = image_model();
        let (descriptor, architecture) = image_version(&graph);
        publish(EveStash, &graph.encode(), descriptor, Perbill::zero(), Some(&architecture));
        let (attacker, owner) = (Party::new("attacker", 100 * ASY), Party::new("owner", 100 * ASY));
        let [before, of_owner] = [&attacker, &owner].map(Party::wealth);
        let (mut first, mut lost_by_owner) = (0, 0);
        loop {
            let read = audit_from(version(0, 1), &graph, first, usize::MAX);
            // The call is on its way when the attacker sees it.
            let results = block(vec![
                attacker.signed(audit_from(version(0, 1), &graph, first, 1)),
                owner.signed(read),
            ]);
            if results[1].expect("it is valid").is_ok() {
                break;
            }
            lost_by_owner = of_owner - owner.wealth();
            let audit = pallet_model_registry::Audits::<Runtime>::get(version(0, 1)).unwrap();
            first = audit.done;
            if audit.is_done() {
                break;
            }
        }
        measured = Some(Measured {
            attack: "a little of the weights before all of them",
            capital: 0,
            cost: lost(&[&attacker], before),
            harm: lost_by_owner,
            what: "fees of an audit for nothing",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
fn an_audit_cannot_be_cut_short() {
    cut_audit().check_harmless();
}

#[test]
fn an_identity_cannot_be_occupied() {
    occupied_identity().check();
}
