//! Types of the chain: bytes that decode are the canonical encoding.
#![no_main]

use assay_client::AccountId;
use assay_dispute::Stage;
use assay_fuzz::seed;
use assay_primitives::{
    artifact::ArtifactManifest,
    dispute::{DisputeJob, DisputeTiming},
    engine::{Job, JobStatus, ProofContext},
    model::{TensorDeclarations, Tolerance},
    proof::{ProofCost, ProofTerms, WeightsAudit},
    runtime_api::{
        ArtifactView, DisputeView, OperatorView, OptimisticView, Quote, ReceiptView, RequestView,
        ServiceView, VersionView,
    },
    Assurance, Evidence, ModelDescriptor, Outcome, Receipt, Tensor, VersionId,
};
use codec::{DecodeAll, Encode};
use libfuzzer_sys::fuzz_target;

fn round_trip<T: DecodeAll + Encode>(bytes: &[u8]) {
    if let Ok(value) = T::decode_all(&mut &*bytes) {
        assert_eq!(value.encode(), bytes, "{}", core::any::type_name::<T>());
    }
}

/// A check for each type, selected by a number.
const CHECKS: [fn(&[u8]); 27] = [
    round_trip::<Receipt<AccountId>>,
    round_trip::<Evidence<AccountId>>,
    round_trip::<Outcome>,
    round_trip::<ModelDescriptor>,
    round_trip::<TensorDeclarations>,
    round_trip::<Vec<Tensor>>,
    round_trip::<Assurance>,
    round_trip::<VersionId>,
    round_trip::<Tolerance>,
    round_trip::<ArtifactManifest>,
    round_trip::<ProofCost>,
    round_trip::<ProofTerms>,
    round_trip::<WeightsAudit>,
    round_trip::<ProofContext>,
    round_trip::<Job>,
    round_trip::<JobStatus>,
    round_trip::<DisputeJob>,
    round_trip::<DisputeTiming>,
    round_trip::<Stage>,
    round_trip::<Quote>,
    round_trip::<RequestView<AccountId>>,
    round_trip::<ReceiptView<AccountId>>,
    round_trip::<VersionView<AccountId>>,
    round_trip::<OperatorView<AccountId>>,
    round_trip::<OptimisticView<AccountId>>,
    round_trip::<DisputeView<AccountId>>,
    round_trip::<(ArtifactView<AccountId>, ServiceView)>,
];

/// Zeros decode as a value of most types; mutations reach the others.
fn seeds() -> Vec<Vec<u8>> {
    let numbers = (0..CHECKS.len()).flat_map(|number| [8, 100, 400].map(|length| (number, length)));
    numbers.map(|(number, length)| [vec![number as u8], vec![0; length]].concat()).collect()
}

fuzz_target!(init: seed(seeds()), |data: &[u8]| {
    if let Some((number, bytes)) = data.split_first() {
        CHECKS[usize::from(*number) % CHECKS.len()](bytes);
    }
});
