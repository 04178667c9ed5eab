//! The transaction pool as peers and clients of the RPC reach it: a bounded number of transactions
//! is validated at once, a bounded number and size waits, and none of the kinds of transactions takes
//! more than its share of the pool.
//!
//! The pool keeps a transaction from its arrival on, and validates everything that it keeps again
//! for each new block. What has not been validated yet would be validated twice, and a flood would
//! delay the pool's view of new blocks, which authors need. Here a transaction waits before it
//! enters the pool. Peers and the RPC have one [`Intake`] each, so that neither delays the other, and
//! share the [`Quotas`]. The node's own transactions, those of its offchain workers, pass neither.

use std::{collections::HashMap, future::Future, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use codec::Encode;
use futures::future::join_all;
use sc_transaction_pool_api::{
    error::Error as PoolError, ChainEvent, ImportNotificationStream, MaintainedTransactionPool,
    PoolStatus, ReadyTransactions, TransactionFor, TransactionPool, TransactionSource,
    TransactionStatusStreamFor, TxHash, TxInvalidityReportMap,
};
use sp_runtime::traits::Block as BlockT;
use substrate_prometheus_endpoint::{register, CounterVec, Opts, PrometheusError, Registry, U64};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::quota::{Kind, Place, Quotas};

/// Maximum number of transactions of one intake that the pool validates at once. The pool has two
/// threads for validations.
const MAX_VALIDATING: u32 = 64;
/// Maximum size of the transactions that wait or are validated, in KiB. The largest call has about
/// 1 MiB.
const MAX_WAITING_KIB: u32 = 32_768;
/// What a smaller transaction counts as, in KiB. So at most 2,048 wait, for a second or two.
const MIN_WAITING_KIB: u32 = 16;
/// In metrics, the kind of transactions that are refused before they are decoded.
const UNKNOWN_KIND: &str = "any";

/// Iterator over what can be in the next block.
type Ready<P> =
    Box<dyn ReadyTransactions<Item = Arc<<P as TransactionPool>::InPoolTransaction>> + Send>;
type BlockHash<P> = <<P as TransactionPool>::Block as BlockT>::Hash;

/// Counts what intakes refuse, by their names and by kinds.
pub struct Refused(CounterVec<U64>);

impl Refused {
    /// Makes the metric and, if there is a registry, registers it.
    ///
    /// # Errors
    ///
    /// The registry has a metric of this name already.
    pub fn new(registry: Option<&Registry>) -> Result<Self, PrometheusError> {
        let help = "Transactions refused because too many wait for their validation, or because \
                    the share of their kind in the pool is full, by sender and kind";
        let opts = Opts::new("assay_refused_transactions_total", help);
        let refused = CounterVec::new(opts, &["from", "kind"])?;
        if let Some(registry) = registry {
            register(refused.clone(), registry)?;
        }
        Ok(Self(refused))
    }
}

/// Bounds what waits and what is validated.
struct Gate {
    validating: Arc<Semaphore>,
    waiting_kib: Arc<Semaphore>,
}

impl Gate {
    /// Takes the room of a transaction that waits or is validated. Returns `None` if too many do.
    fn wait(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX).max(MIN_WAITING_KIB);
        self.waiting_kib.clone().try_acquire_many_owned(kib).ok()
    }

    /// Waits, in the order of arrival, until one more may be validated.
    async fn pass(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        self.validating.clone().acquire_owned().await.ok()
    }
}

/// What a transaction has taken until its validation has ended.
struct Entered<H> {
    hash: H,
    place: Place<H>,
    _waiting: OwnedSemaphorePermit,
    _validating: OwnedSemaphorePermit,
}

/// A pool behind a gate and its share of the quotas.
pub struct Intake<P: TransactionPool> {
    pool: Arc<P>,
    gate: Gate,
    quotas: Arc<Quotas<TxHash<P>>>,
    name: &'static str,
    refused: CounterVec<U64>,
}

impl<P: TransactionPool + 'static> Intake<P> {
    /// A gate of its own before the pool, with quotas that it shares.
    pub fn new(
        pool: Arc<P>,
        name: &'static str,
        refused: &Refused,
        quotas: Arc<Quotas<TxHash<P>>>,
    ) -> Self {
        let gate = Gate {
            validating: Arc::new(Semaphore::new(MAX_VALIDATING as usize)),
            waiting_kib: Arc::new(Semaphore::new(MAX_WAITING_KIB as usize)),
        };
        let refused = refused.0.clone();
        // Each kind is there from the start: to Prometheus, a counter that appears with 1 has not grown.
        for kind in [UNKNOWN_KIND].into_iter().chain(Kind::ALL.map(Kind::name)) {
            refused.with_label_values(&[name, kind]);
        }
        Self { pool, gate, quotas, name, refused }
    }

    fn refuse(&self, kind: &str) -> PoolError {
        self.refused.with_label_values(&[self.name, kind]).inc();
        PoolError::ImmediatelyDropped
    }

    /// Waits until a transaction may be validated. Fails at once if no more may wait, and if the
    /// share of its kind is full.
    async fn enter(&self, xt: &TransactionFor<P>) -> Result<Entered<TxHash<P>>, PoolError> {
        let bytes = xt.encoded_size();
        let _waiting = self.gate.wait(bytes).ok_or_else(|| self.refuse(UNKNOWN_KIND))?;
        let hash = self.pool.hash_of(xt);
        let place = self.quotas.reserve(&*self.pool, &hash, &xt.encode()).await;
        let place = place.map_err(|kind| self.refuse(kind.name()))?;
        let _validating = self.gate.pass().await.ok_or(PoolError::ImmediatelyDropped)?;
        Ok(Entered { hash, place, _waiting, _validating })
    }

    /// Lets the pool validate a transaction. This ends even if the sender leaves: the pool would
    /// keep a transaction that no share counts.
    async fn submit<T, F>(
        &self,
        xt: TransactionFor<P>,
        validate: impl FnOnce(Arc<P>, TransactionFor<P>) -> F + Send,
    ) -> Result<T, P::Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, P::Error>> + Send + 'static,
    {
        let entered = self.enter(&xt).await?;
        let validation = validate(self.pool.clone(), xt);
        let task = tokio::spawn(async move {
            // All of it is kept until the validation has ended.
            let entered = entered;
            let result = validation.await;
            if result.is_ok() {
                entered.place.keep(entered.hash);
            }
            result
        });
        task.await.unwrap_or_else(|_| Err(PoolError::ImmediatelyDropped.into()))
    }
}

#[async_trait]
impl<P: TransactionPool + 'static> TransactionPool for Intake<P> {
    type Block = P::Block;
    type Hash = P::Hash;
    type InPoolTransaction = P::InPoolTransaction;
    type Error = P::Error;

    async fn submit_at(
        &self,
        at: BlockHash<P>,
        source: TransactionSource,
        xts: Vec<TransactionFor<Self>>,
    ) -> Result<Vec<Result<TxHash<Self>, Self::Error>>, Self::Error> {
        Ok(join_all(xts.into_iter().map(|xt| self.submit_one(at, source, xt))).await)
    }

    async fn submit_one(
        &self,
        at: BlockHash<P>,
        source: TransactionSource,
        xt: TransactionFor<Self>,
    ) -> Result<TxHash<Self>, Self::Error> {
        self.submit(xt, move |pool, xt| async move { pool.submit_one(at, source, xt).await }).await
    }

    async fn submit_and_watch(
        &self,
        at: BlockHash<P>,
        source: TransactionSource,
        xt: TransactionFor<Self>,
    ) -> Result<Pin<Box<TransactionStatusStreamFor<Self>>>, Self::Error> {
        let watch = move |pool: Arc<P>, xt| async move {
            let watched: Pin<Box<TransactionStatusStreamFor<P>>> =
                pool.submit_and_watch(at, source, xt).await?;
            Ok(watched)
        };
        self.submit(xt, watch).await
    }

    async fn ready_at(&self, at: BlockHash<P>) -> Ready<P> {
        self.pool.ready_at(at).await
    }

    fn ready(&self) -> Ready<P> {
        self.pool.ready()
    }

    async fn report_invalid(
        &self,
        at: Option<BlockHash<P>>,
        errors: TxInvalidityReportMap<TxHash<Self>>,
    ) -> Vec<Arc<Self::InPoolTransaction>> {
        self.pool.report_invalid(at, errors).await
    }

    fn futures(&self) -> Vec<Self::InPoolTransaction> {
        self.pool.futures()
    }

    fn status(&self) -> PoolStatus {
        self.pool.status()
    }

    fn import_notification_stream(&self) -> ImportNotificationStream<TxHash<Self>> {
        self.pool.import_notification_stream()
    }

    fn on_broadcasted(&self, propagations: HashMap<TxHash<Self>, Vec<String>>) {
        self.pool.on_broadcasted(propagations)
    }

    fn hash_of(&self, xt: &TransactionFor<Self>) -> TxHash<Self> {
        self.pool.hash_of(xt)
    }

    fn ready_transaction(&self, hash: &TxHash<Self>) -> Option<Arc<Self::InPoolTransaction>> {
        self.pool.ready_transaction(hash)
    }

    async fn ready_at_with_timeout(&self, at: BlockHash<P>, timeout: Duration) -> Ready<P> {
        self.pool.ready_at_with_timeout(at, timeout).await
    }
}

#[async_trait]
impl<P: MaintainedTransactionPool + 'static> MaintainedTransactionPool for Intake<P> {
    async fn maintain(&self, event: ChainEvent<Self::Block>) {
        self.pool.maintain(event).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_runtime::opaque::UncheckedExtrinsic;
    use futures::{poll, FutureExt};
    use std::sync::atomic::Ordering;
    use tokio::task::yield_now;

    use crate::{pool_double::PoolDouble, quota::Size};

    const AT: assay_runtime::Hash = assay_runtime::Hash::zero();
    const SOURCE: TransactionSource = TransactionSource::External;

    fn gate() -> Gate {
        intakes(PoolDouble::endless(), 0).0.gate
    }

    /// The intakes of peers and of the RPC before a pool with this limit of bytes, without one if it
    /// is zero.
    fn intakes(pool: PoolDouble, bytes: usize) -> (Intake<PoolDouble>, Intake<PoolDouble>) {
        let bytes = if bytes == 0 { usize::MAX / 100 } else { bytes };
        let quotas =
            Arc::new(Quotas::new(Size { count: usize::MAX / 100, bytes }, Box::new(|_| None)));
        let (pool, refused) = (Arc::new(pool), Refused::new(None).unwrap());
        let of = |name| Intake::new(pool.clone(), name, &refused, quotas.clone());
        (of("peers"), of("rpc"))
    }

    /// A transaction of the last kind with this many bytes, two of them its length.
    fn other(number: u8, bytes: usize) -> UncheckedExtrinsic {
        let mut encoded = vec![number; bytes - 2];
        encoded[0] = 0xff;
        let xt = UncheckedExtrinsic::from_blob(encoded);
        assert_eq!(xt.encoded_size(), bytes);
        xt
    }

    fn refused(intake: &Intake<PoolDouble>, kind: &str) -> u64 {
        intake.refused.with_label_values(&[intake.name, kind]).get()
    }

    #[test]
    fn what_exceeds_the_validations_waits_until_one_has_ended() {
        let gate = gate();
        let pass = || gate.pass().now_or_never();
        let mut passed: Vec<_> = (0..MAX_VALIDATING).map(|_| pass().expect("no wait")).collect();
        assert!(pass().is_none());
        passed.pop();
        assert!(pass().is_some());
    }

    #[test]
    fn what_exceeds_the_waiting_size_is_refused_until_there_is_room() {
        let gate = gate();
        let kib = |kib: u32| gate.wait(kib as usize * 1024);
        let most = kib(MAX_WAITING_KIB - 20).unwrap();
        assert!(kib(20).is_some());
        assert!(kib(21).is_none());
        drop(most);
        assert!(kib(21).is_some());
    }

    #[test]
    fn what_is_smaller_than_the_least_counts_as_much() {
        let gate = gate();
        let most = MAX_WAITING_KIB / MIN_WAITING_KIB;
        let _waiting: Vec<_> = (0..most).map(|_| gate.wait(0).unwrap()).collect();
        assert!(gate.wait(0).is_none());
    }

    #[tokio::test]
    async fn what_waits_gives_its_room_back_when_its_sender_leaves() {
        let (intake, _) = intakes(PoolDouble::endless(), 0);
        let submit = |_| Box::pin(intake.submit_one(AT, SOURCE, other(0, 100)));
        let most = MAX_WAITING_KIB / MIN_WAITING_KIB;
        let mut waiting: Vec<_> = (0..most).map(submit).collect();
        for one in &mut waiting {
            assert!(poll!(one).is_pending());
        }
        let one = submit(most).await;
        assert!(matches!(one, Err(PoolError::ImmediatelyDropped)), "{one:?}");
        assert_eq!(refused(&intake, UNKNOWN_KIND), 1);
        waiting.pop();
        assert!(poll!(submit(most)).is_pending());
        assert_eq!(refused(&intake, UNKNOWN_KIND), 1);
    }

    /// Polls submissions, and expects that they use all validations.
    async fn fill<T>(intake: &Intake<PoolDouble>, count: u32, submit: impl Fn() -> T)
    where
        T: Future + Unpin,
    {
        let validating = &intake.gate.validating;
        for _ in 0..count {
            assert_ne!(validating.available_permits(), 0);
            assert!(poll!(submit()).is_pending());
        }
        assert_eq!(validating.available_permits(), 0);
        // The senders have left; the validations go on.
        yield_now().await;
        assert_eq!(validating.available_permits(), 0);
        intake.pool.end(MAX_VALIDATING as usize);
        while validating.available_permits() < MAX_VALIDATING as usize {
            yield_now().await;
        }
        assert_eq!(intake.gate.waiting_kib.available_permits(), MAX_WAITING_KIB as usize);
    }

    #[tokio::test]
    async fn every_submission_takes_room_until_its_validation_has_ended() {
        let (intake, _) = intakes(PoolDouble::endless(), 0);
        let one = || other(0, 100);
        fill(&intake, MAX_VALIDATING, || intake.submit_one(AT, SOURCE, one())).await;
        fill(&intake, MAX_VALIDATING, || intake.submit_and_watch(AT, SOURCE, one())).await;
        let pair = || vec![one(), one()];
        fill(&intake, MAX_VALIDATING / 2, || intake.submit_at(AT, SOURCE, pair())).await;
        // More than are validated at once.
        let many = || (0..=MAX_VALIDATING).map(|_| one()).collect();
        fill(&intake, 1, || intake.submit_at(AT, SOURCE, many())).await;
    }

    #[tokio::test]
    async fn peers_and_rpc_share_the_quotas() {
        // The share takes 1,000 bytes.
        let bytes = 1_000 * 100 / Kind::Other.percent().bytes + 2;
        let (peers, rpc) = intakes(PoolDouble::accepting(), bytes);
        peers.submit_one(AT, SOURCE, other(1, 400)).await.unwrap();
        rpc.submit_one(AT, SOURCE, other(2, 400)).await.unwrap();
        for intake in [&peers, &rpc] {
            let one = intake.submit_one(AT, SOURCE, other(3, 400)).await;
            assert!(matches!(one, Err(PoolError::ImmediatelyDropped)), "{one:?}");
            assert_eq!(refused(intake, Kind::Other.name()), 1);
            assert_eq!(refused(intake, UNKNOWN_KIND), 0);
        }
        rpc.submit_one(AT, SOURCE, other(3, 200)).await.unwrap();
    }

    #[tokio::test]
    async fn each_of_several_has_its_own_result() {
        let bytes = 1_000 * 100 / Kind::Other.percent().bytes + 2;
        let (peers, _) = intakes(PoolDouble::accepting(), bytes);
        let several = vec![other(1, 600), other(2, 600), other(3, 400)];
        let results = peers.submit_at(AT, SOURCE, several).await.unwrap();
        let accepted: Vec<_> = results.iter().map(Result::is_ok).collect();
        assert_eq!(accepted, [true, false, true]);
    }

    #[tokio::test]
    async fn a_sender_that_leaves_during_the_validation_keeps_its_share() {
        let bytes = 1_000 * 100 / Kind::Other.percent().bytes + 2;
        let (peers, rpc) = intakes(PoolDouble::endless(), bytes);
        assert!(poll!(peers.submit_one(AT, SOURCE, other(1, 600))).is_pending());
        // It could leave no room, so the next one waits.
        let mut second = rpc.submit_one(AT, SOURCE, other(2, 600));
        assert!(poll!(&mut second).is_pending());
        peers.pool.end(1);
        let second = second.await;
        assert!(matches!(second, Err(PoolError::ImmediatelyDropped)), "{second:?}");
        assert!(peers.pool.ready.lock().contains_key(&peers.hash_of(&other(1, 600))));
    }

    #[tokio::test]
    async fn a_validation_that_fails_gives_its_share_back_to_who_waits() {
        let bytes = 1_000 * 100 / Kind::Other.percent().bytes + 2;
        let (peers, rpc) = intakes(PoolDouble::endless(), bytes);
        let mut first = peers.submit_and_watch(AT, SOURCE, other(1, 600));
        assert!(poll!(&mut first).is_pending());
        let mut left = rpc.submit_one(AT, SOURCE, other(2, 600));
        assert!(poll!(&mut left).is_pending());
        let mut third = rpc.submit_one(AT, SOURCE, other(3, 600));
        assert!(poll!(&mut third).is_pending());
        drop(left);
        assert!(poll!(&mut third).is_pending());
        peers.pool.accepts.store(false, Ordering::Relaxed);
        peers.pool.end(1);
        assert!(first.await.is_err());
        assert!(poll!(&mut third).is_pending());
        peers.pool.accepts.store(true, Ordering::Relaxed);
        peers.pool.end(1);
        third.await.unwrap();
    }
}
