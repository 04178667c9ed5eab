//! Worker keys, and the surroundings of offchain workers.

use std::sync::Arc;

use assay_primitives::{
    worker_crypto, Digest, Possession, Statement, WorkerId, WorkerSignature, WORKER_KEY_TYPE,
};
use parking_lot::RwLock;
use sp_core::{
    offchain::{
        testing::{PoolState, TestOffchainExt, TestTransactionPoolExt},
        OffchainDbExt, OffchainWorkerExt, TransactionPoolExt,
    },
    ByteArray, Pair as _,
};
use sp_io::TestExternalities;
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystoreExt};

/// The seed of the worker key with a number.
fn seed(number: u64) -> Digest {
    Digest::from_low_u64_be(number)
}

/// The worker key with a number. An operator's first one has the number of its account.
pub fn pair(number: u64) -> worker_crypto::Pair {
    worker_crypto::Pair::from_seed(&seed(number).0)
}

/// The signature of a worker key over a statement.
pub fn sign(number: u64, statement: &impl Statement) -> WorkerSignature {
    pair(number).sign(&statement.signing_bytes()).into()
}

/// A worker key with its statement that it belongs to the operator.
pub fn possession(genesis: Digest, number: u64, operator: u64) -> (WorkerId, WorkerSignature) {
    (pair(number).public(), sign(number, &Possession { genesis, operator }))
}

/// A keystore with worker keys.
pub fn keystore(numbers: &[u64]) -> KeystoreExt {
    let keystore = MemoryKeystore::new();
    for number in numbers {
        let public = pair(*number).public();
        keystore
            .insert(WORKER_KEY_TYPE, &format!("{:?}", seed(*number)), public.as_slice())
            .expect("the keystore is in memory");
    }
    KeystoreExt::new(keystore)
}

/// The pool of a node, to which its offchain workers submit.
#[derive(Clone)]
pub struct Pool(Arc<RwLock<PoolState>>);

impl Pool {
    /// Takes the encoded transactions that were submitted since the last time.
    pub fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.0.write().transactions)
    }
}

/// Registers what offchain workers need, but for a keystore and an engine.
pub fn register_offchain(externalities: &mut TestExternalities, offchain: TestOffchainExt) -> Pool {
    let (pool, state) = TestTransactionPoolExt::new();
    externalities.register_extension(OffchainWorkerExt::new(offchain.clone()));
    externalities.register_extension(OffchainDbExt::new(offchain));
    externalities.register_extension(TransactionPoolExt::new(pool));
    Pool(state)
}
