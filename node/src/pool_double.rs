//! A transaction pool for tests, which decide when and how its validations end.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        Arc,
    },
    time::Duration,
};

use assay_runtime::{
    opaque::{Block, UncheckedExtrinsic},
    Hash,
};
use async_trait::async_trait;
use futures::stream;
use parking_lot::Mutex;
use sc_transaction_pool_api::{
    error::Error, ImportNotificationStream, InPoolTransaction, PoolStatus, ReadyTransactions,
    TransactionPool, TransactionSource, TransactionStatusStreamFor, TxInvalidityReportMap,
};
use sp_runtime::{
    traits::{BlakeTwo256, Hash as _},
    transaction_validity::{
        InvalidTransaction, TransactionLongevity, TransactionPriority, TransactionTag,
    },
};
use tokio::sync::Semaphore;

/// A transaction in the pool.
#[derive(Clone)]
pub struct Held {
    data: Arc<UncheckedExtrinsic>,
    hash: Hash,
    priority: TransactionPriority,
}

impl Held {
    /// A transaction with this priority.
    pub fn with_priority(priority: TransactionPriority) -> Self {
        let data = Arc::new(UncheckedExtrinsic::from_blob(Vec::new()));
        Self { data, hash: Hash::zero(), priority }
    }
}

impl InPoolTransaction for Held {
    type Transaction = Arc<UncheckedExtrinsic>;
    type Hash = Hash;

    fn data(&self) -> &Self::Transaction {
        &self.data
    }

    fn hash(&self) -> &Hash {
        &self.hash
    }

    fn priority(&self) -> &TransactionPriority {
        &self.priority
    }

    fn longevity(&self) -> &TransactionLongevity {
        &0
    }

    fn requires(&self) -> &[TransactionTag] {
        &[]
    }

    fn provides(&self) -> &[TransactionTag] {
        &[]
    }

    fn is_propagable(&self) -> bool {
        true
    }
}

/// A pool that keeps what it accepts until a test removes it.
pub struct PoolDouble {
    /// What is ready.
    pub ready: Mutex<HashMap<Hash, Held>>,
    /// What waits for an earlier transaction of its sender.
    pub future: Mutex<HashMap<Hash, Held>>,
    /// Whether it accepts what it validates.
    pub accepts: AtomicBool,
    /// Number of times that it was asked whether a transaction is ready.
    pub asked: AtomicUsize,
    /// Validations that may end.
    ends: Semaphore,
}

impl PoolDouble {
    /// A pool in which no validation ends before [`Self::end`].
    pub fn endless() -> Self {
        Self {
            ready: Default::default(),
            future: Default::default(),
            accepts: AtomicBool::new(true),
            asked: AtomicUsize::new(0),
            ends: Semaphore::new(0),
        }
    }

    /// A pool that accepts everything at once.
    pub fn accepting() -> Self {
        let pool = Self::endless();
        pool.end(1 << 20);
        pool
    }

    /// Lets as many validations end.
    pub fn end(&self, count: usize) {
        self.ends.add_permits(count);
    }

    /// Makes a ready transaction.
    pub fn insert(&self, xt: UncheckedExtrinsic) {
        self.hold(self.hash_of(&xt), xt);
    }

    /// Makes a ready transaction with this hash.
    pub fn hold(&self, hash: Hash, xt: UncheckedExtrinsic) {
        self.ready.lock().insert(hash, Held { data: Arc::new(xt), hash, priority: 0 });
    }
}

#[async_trait]
impl TransactionPool for PoolDouble {
    type Block = Block;
    type Hash = Hash;
    type InPoolTransaction = Held;
    type Error = Error;

    async fn submit_at(
        &self,
        _: Hash,
        _: TransactionSource,
        _: Vec<UncheckedExtrinsic>,
    ) -> Result<Vec<Result<Hash, Error>>, Error> {
        unreachable!()
    }

    async fn submit_one(
        &self,
        _: Hash,
        _: TransactionSource,
        xt: UncheckedExtrinsic,
    ) -> Result<Hash, Error> {
        self.ends.acquire().await.expect("it is never closed").forget();
        let hash = self.hash_of(&xt);
        if self.ready.lock().contains_key(&hash) {
            return Err(Error::AlreadyImported(Box::new(hash)));
        }
        if !self.accepts.load(Ordering::Relaxed) {
            return Err(Error::InvalidTransaction(InvalidTransaction::BadProof));
        }
        self.insert(xt);
        Ok(hash)
    }

    async fn submit_and_watch(
        &self,
        at: Hash,
        source: TransactionSource,
        xt: UncheckedExtrinsic,
    ) -> Result<Pin<Box<TransactionStatusStreamFor<Self>>>, Error> {
        self.submit_one(at, source, xt).await?;
        Ok(Box::pin(stream::empty()))
    }

    async fn ready_at(
        &self,
        _: Hash,
    ) -> Box<dyn ReadyTransactions<Item = Arc<Self::InPoolTransaction>> + Send> {
        unreachable!()
    }

    fn ready(&self) -> Box<dyn ReadyTransactions<Item = Arc<Self::InPoolTransaction>> + Send> {
        unreachable!()
    }

    async fn report_invalid(
        &self,
        _: Option<Hash>,
        _: TxInvalidityReportMap<Hash>,
    ) -> Vec<Arc<Self::InPoolTransaction>> {
        unreachable!()
    }

    fn futures(&self) -> Vec<Self::InPoolTransaction> {
        self.future.lock().values().cloned().collect()
    }

    fn status(&self) -> PoolStatus {
        unreachable!()
    }

    fn import_notification_stream(&self) -> ImportNotificationStream<Hash> {
        unreachable!()
    }

    fn on_broadcasted(&self, _: HashMap<Hash, Vec<String>>) {
        unreachable!()
    }

    fn hash_of(&self, xt: &UncheckedExtrinsic) -> Hash {
        BlakeTwo256::hash_of(xt)
    }

    fn ready_transaction(&self, hash: &Hash) -> Option<Arc<Self::InPoolTransaction>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.ready.lock().get(hash).cloned().map(Arc::new)
    }

    async fn ready_at_with_timeout(
        &self,
        _: Hash,
        _: Duration,
    ) -> Box<dyn ReadyTransactions<Item = Arc<Self::InPoolTransaction>> + Send> {
        unreachable!()
    }
}
