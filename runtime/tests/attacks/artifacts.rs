//! Attacks on stored artifacts.

use assay_primitives::{artifact::MAX_CHUNK_BYTES, ArtifactManifest, Balance, ASY};
use assay_runtime::Runtime;

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

#[test]
fn an_identity_cannot_be_occupied() {
    occupied_identity().check();
}
