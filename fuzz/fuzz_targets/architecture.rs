//! Architectures as the registry reads them: every verifier that can be built is secure enough, and
//! refuses bytes that are not a proof.
#![no_main]

use assay_fuzz::{seed, GRAPHS};
use assay_graph::{
    random::{self, Rng},
    Architecture, Graph, Plan,
};
use assay_proof::{
    Audit, Context, Fingerprint, ProofParameters, Statement, Verifier, MIN_SECURITY_BITS,
};
use codec::Encode;
use libfuzzer_sys::fuzz_target;

fn seeds() -> Vec<Vec<u8>> {
    let bundled = GRAPHS.iter().map(|bytes| Graph::from_bytes(bytes).unwrap().architecture);
    let random = (0..60).map(|number| {
        let mut architecture = random::graph(&mut Rng::new(number), 4).architecture;
        let parameters =
            if number % 2 == 0 { ProofParameters::RECOMMENDED } else { ProofParameters::LARGE };
        architecture.commitments.proof_parameters = parameters.to_list();
        architecture
    });
    bundled.chain(random).map(|architecture| architecture.encode()).collect()
}

fuzz_target!(init: seed(seeds()), |data: &[u8]| {
    let Ok(architecture) = Architecture::from_bytes(data) else { return };
    let parameters = ProofParameters::from_bytes(&architecture.commitments.proof_parameters);
    if let Some(parameters) = parameters {
        let encoded = parameters.to_list::<256>();
        assert_eq!(*encoded, *architecture.commitments.proof_parameters);
    }
    let Ok(plan) = Plan::new(architecture) else { return };
    if let Ok(audit) = Audit::new(&plan) {
        let bytes: usize =
            plan.all_parameters().map(|shape| shape.weights() + 4 * shape.channels).sum();
        assert_eq!(audit.total_bytes(), bytes as u64);
    }
    let Ok(verifier) = Verifier::new(&plan) else { return };
    assert!(parameters.is_some());
    assert!(verifier.security_bits() >= f64::from(MIN_SECURITY_BITS));
    let context = Context {
        genesis: [0; 32],
        domain: b"",
        request: b"",
        requester: [0; 32],
        operator: [0; 32],
    };
    let (input, output) = (vec![0; verifier.input_bytes()], vec![0; verifier.output_bytes()]);
    let statement = Statement { context, input: &input, output: &output };
    assert!(verifier.verify(&statement, Fingerprint::default(), data).is_err());
});
