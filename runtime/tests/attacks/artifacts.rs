//! Attacks on stored artifacts.

use assay_primitives::{artifact::MAX_CHUNK_BYTES, ArtifactManifest, Balance, ASY};
use assay_runtime::Runtime;

use crate::{common::*, ledger::Measured, party::*};

/// Announces the identity of somebody else's artifact with another content, and uploads that, so
/// that the artifact can never be stored.
pub fn occupied_identity() -> Measured {
    let mut measured = None;
    run(|| {
        let attacker = Party::new("attacker", 100 * ASY);
        let victim = Party::new("victim", 100 * ASY);
        // Two chunks: the identity of a single one is its own digest.
        let file = vec![1; MAX_CHUNK_BYTES as usize + 1];
        let garbage = vec![2; MAX_CHUNK_BYTES as usize + 1];
        let before = wealth_of(&[&attacker]);
        let identity = ArtifactManifest::of(&file).digest;
        let other = ArtifactManifest::of(&garbage);
        let call = pallet_storage::Call::<Runtime>::create {
            digest: identity,
            size: other.size,
            chunks: other.chunks.try_into().unwrap(),
        };
        let mut occupied = attacker.include(call).is_ok();
        for (index, chunk) in garbage.chunks(MAX_CHUNK_BYTES as usize).enumerate() {
            occupied &= attacker.include(upload(chunk, index as u32, identity)).is_ok();
        }
        let kept_out = victim.include(announce(&file)).is_err();
        measured = Some(Measured {
            attack: "an artifact's identity occupied",
            capital: held(&attacker.account()),
            cost: lost(&[&attacker], before),
            harm: Balance::from(occupied && kept_out) * 100 * ASY,
            what: "artifact that cannot be stored, set at 100 ASY",
            least_percent: 100,
        });
    });
    measured.unwrap()
}

#[test]
#[should_panic(expected = "the attack pays")]
fn an_identity_cannot_be_occupied() {
    occupied_identity().check();
}
