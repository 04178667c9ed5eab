//! The transaction pool as peers and clients of the RPC reach it: a bounded number of transactions
//! is validated at once, and a bounded number and size waits.
//!
//! The pool keeps a transaction from its arrival on, and validates everything that it keeps again
//! for each new block. What has not been validated yet would be validated twice, and a flood would
//! delay the pool's view of new blocks, which authors need. Here a transaction waits before it
//! enters the pool. Peers and the RPC have one [`Intake`] each, so that neither delays the other.
//! The node's own transactions, those of its offchain workers, do not pass either.

use std::{collections::HashMap, pin::Pin, slice, sync::Arc, time::Duration};

use async_trait::async_trait;
use codec::Encode;
use sc_transaction_pool_api::{
    error::Error as PoolError, ChainEvent, ImportNotificationStream, MaintainedTransactionPool,
    PoolStatus, ReadyTransactions, TransactionFor, TransactionPool, TransactionSource,
    TransactionStatusStreamFor, TxHash, TxInvalidityReportMap,
};
use sp_runtime::traits::Block as BlockT;
use substrate_prometheus_endpoint::{
    register, Counter, CounterVec, Opts, PrometheusError, Registry, U64,
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Maximum number of transactions of one intake that the pool validates at once. The pool has two
/// threads for validations.
const MAX_VALIDATING: u32 = 64;
/// Maximum size of the transactions that wait or are validated, in KiB. The largest call has about
/// 1 MiB.
const MAX_WAITING_KIB: u32 = 32_768;
/// What a smaller transaction counts as, in KiB. So at most 2,048 wait, for a second or two.
const MIN_WAITING_KIB: u32 = 16;

/// Iterator over what can be in the next block.
type Ready<P> =
    Box<dyn ReadyTransactions<Item = Arc<<P as TransactionPool>::InPoolTransaction>> + Send>;
type BlockHash<P> = <<P as TransactionPool>::Block as BlockT>::Hash;

/// Counts what intakes refuse, by their names.
pub struct Refused(CounterVec<U64>);

impl Refused {
    /// Makes the metric and, if there is a registry, registers it.
    ///
    /// # Errors
    ///
    /// The registry has a metric of this name already.
    pub fn new(registry: Option<&Registry>) -> Result<Self, PrometheusError> {
        let help = "Transactions refused because too many wait for their validation, by sender";
        let refused =
            CounterVec::new(Opts::new("assay_refused_transactions_total", help), &["from"])?;
        if let Some(registry) = registry {
            register(refused.clone(), registry)?;
        }
        Ok(Self(refused))
    }
}

/// Bounds what waits and what is validated.
struct Gate {
    validating: Semaphore,
    waiting_kib: Semaphore,
    refused: Counter<U64>,
}

impl Gate {
    /// Waits, in the order of arrival, for the room that transactions take until their validation
    /// has ended. Fails at once if no more may wait.
    async fn pass<T: Encode>(
        &self,
        transactions: &[T],
    ) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>), PoolError> {
        let kib = transactions.iter().map(|transaction| {
            let kib = transaction.encoded_size().div_ceil(1 << 10);
            u32::try_from(kib).unwrap_or(u32::MAX).max(MIN_WAITING_KIB)
        });
        let kib = kib.fold(0, u32::saturating_add);
        let waiting = self.waiting_kib.try_acquire_many(kib).map_err(|_| {
            self.refused.inc_by(transactions.len() as u64);
            PoolError::ImmediatelyDropped
        })?;
        let count = transactions.len().min(MAX_VALIDATING as usize) as u32;
        let validating = self.validating.acquire_many(count).await;
        // It is never closed.
        Ok((waiting, validating.map_err(|_| PoolError::ImmediatelyDropped)?))
    }
}

/// A pool behind a gate.
pub struct Intake<P> {
    pool: Arc<P>,
    gate: Gate,
}

impl<P> Intake<P> {
    /// A gate of its own before the pool.
    pub fn new(pool: Arc<P>, name: &str, refused: &Refused) -> Self {
        let gate = Gate {
            validating: Semaphore::new(MAX_VALIDATING as usize),
            waiting_kib: Semaphore::new(MAX_WAITING_KIB as usize),
            refused: refused.0.with_label_values(&[name]),
        };
        Self { pool, gate }
    }
}

#[async_trait]
impl<P: TransactionPool> TransactionPool for Intake<P> {
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
        let _passed = self.gate.pass(&xts).await?;
        self.pool.submit_at(at, source, xts).await
    }

    async fn submit_one(
        &self,
        at: BlockHash<P>,
        source: TransactionSource,
        xt: TransactionFor<Self>,
    ) -> Result<TxHash<Self>, Self::Error> {
        let _passed = self.gate.pass(slice::from_ref(&xt)).await?;
        self.pool.submit_one(at, source, xt).await
    }

    async fn submit_and_watch(
        &self,
        at: BlockHash<P>,
        source: TransactionSource,
        xt: TransactionFor<Self>,
    ) -> Result<Pin<Box<TransactionStatusStreamFor<Self>>>, Self::Error> {
        let _passed = self.gate.pass(slice::from_ref(&xt)).await?;
        self.pool.submit_and_watch(at, source, xt).await
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
impl<P: MaintainedTransactionPool> MaintainedTransactionPool for Intake<P> {
    async fn maintain(&self, event: ChainEvent<Self::Block>) {
        self.pool.maintain(event).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_runtime::opaque::{Block, UncheckedExtrinsic};
    use futures::FutureExt;
    use std::future::{pending, Future};

    use crate::client::FullPool;

    /// A pool in which no validation ends.
    struct Endless;

    #[async_trait]
    impl TransactionPool for Endless {
        type Block = Block;
        type Hash = <FullPool as TransactionPool>::Hash;
        type InPoolTransaction = <FullPool as TransactionPool>::InPoolTransaction;
        type Error = <FullPool as TransactionPool>::Error;

        async fn submit_at(
            &self,
            _: BlockHash<Self>,
            _: TransactionSource,
            _: Vec<TransactionFor<Self>>,
        ) -> Result<Vec<Result<TxHash<Self>, Self::Error>>, Self::Error> {
            pending().await
        }

        async fn submit_one(
            &self,
            _: BlockHash<Self>,
            _: TransactionSource,
            _: TransactionFor<Self>,
        ) -> Result<TxHash<Self>, Self::Error> {
            pending().await
        }

        async fn submit_and_watch(
            &self,
            _: BlockHash<Self>,
            _: TransactionSource,
            _: TransactionFor<Self>,
        ) -> Result<Pin<Box<TransactionStatusStreamFor<Self>>>, Self::Error> {
            pending().await
        }

        async fn ready_at(&self, _: BlockHash<Self>) -> Ready<Self> {
            unreachable!()
        }

        fn ready(&self) -> Ready<Self> {
            unreachable!()
        }

        async fn report_invalid(
            &self,
            _: Option<BlockHash<Self>>,
            _: TxInvalidityReportMap<TxHash<Self>>,
        ) -> Vec<Arc<Self::InPoolTransaction>> {
            unreachable!()
        }

        fn futures(&self) -> Vec<Self::InPoolTransaction> {
            unreachable!()
        }

        fn status(&self) -> PoolStatus {
            unreachable!()
        }

        fn import_notification_stream(&self) -> ImportNotificationStream<TxHash<Self>> {
            unreachable!()
        }

        fn on_broadcasted(&self, _: HashMap<TxHash<Self>, Vec<String>>) {
            unreachable!()
        }

        fn hash_of(&self, _: &TransactionFor<Self>) -> TxHash<Self> {
            unreachable!()
        }

        fn ready_transaction(&self, _: &TxHash<Self>) -> Option<Arc<Self::InPoolTransaction>> {
            unreachable!()
        }

        async fn ready_at_with_timeout(&self, _: BlockHash<Self>, _: Duration) -> Ready<Self> {
            unreachable!()
        }
    }

    fn intake() -> Intake<Endless> {
        Intake::new(Arc::new(Endless), "peers", &Refused::new(None).unwrap())
    }

    /// Whether the gate lets a transaction pass at once, wait, or refuses it.
    #[derive(Debug, PartialEq)]
    enum Found {
        Passes,
        Waits,
        Refused,
    }

    /// A transaction that takes this many KiB.
    fn large(kib: u32) -> Vec<u8> {
        // The length has four bytes.
        vec![0; (kib as usize * 1024).saturating_sub(4)]
    }

    fn find(gate: &Gate, transaction: Vec<u8>) -> Found {
        match gate.pass(&[transaction]).now_or_never() {
            Some(Ok(_)) => Found::Passes,
            Some(Err(PoolError::ImmediatelyDropped)) => Found::Refused,
            Some(Err(error)) => panic!("{error}"),
            None => Found::Waits,
        }
    }

    #[test]
    fn what_exceeds_the_validations_waits_until_one_has_ended() {
        let gate = intake().gate;
        let small = [Vec::<u8>::new()];
        let pass = || gate.pass(&small).now_or_never().expect("does not wait").unwrap();
        let mut passed: Vec<_> = (0..MAX_VALIDATING).map(|_| pass()).collect();
        assert_eq!(find(&gate, Vec::new()), Found::Waits);
        passed.pop();
        assert_eq!(find(&gate, Vec::new()), Found::Passes);
    }

    #[test]
    fn what_exceeds_the_waiting_size_is_refused_until_there_is_room() {
        let gate = intake().gate;
        let most = [large(MAX_WAITING_KIB - 20)];
        let passed = gate.pass(&most).now_or_never().expect("does not wait").unwrap();
        assert_eq!(find(&gate, large(20)), Found::Passes);
        assert_eq!(find(&gate, large(21)), Found::Refused);
        assert_eq!(gate.refused.get(), 1);
        drop(passed);
        assert_eq!(find(&gate, large(21)), Found::Passes);
    }

    #[test]
    fn what_waits_takes_room_and_gives_it_back_when_its_sender_leaves() {
        let gate = intake().gate;
        let small = [Vec::<u8>::new()];
        let most = (MAX_WAITING_KIB / MIN_WAITING_KIB) as usize;
        let mut waiting: Vec<_> = (0..most).map(|_| Box::pin(gate.pass(&small))).collect();
        let mut passed = Vec::new();
        for one in &mut waiting {
            passed.extend(one.as_mut().now_or_never());
        }
        assert_eq!(passed.len(), MAX_VALIDATING as usize);
        assert_eq!(find(&gate, Vec::new()), Found::Refused);
        waiting.pop();
        assert_eq!(find(&gate, Vec::new()), Found::Waits);
        assert_eq!(find(&gate, large(MIN_WAITING_KIB + 1)), Found::Refused);
    }

    /// Submits as often as the pool validates at once, and expects that one more waits.
    fn fill<T>(intake: &Intake<Endless>, count: u32, submit: impl Fn() -> T)
    where
        T: Future + Unpin,
    {
        let mut submitted: Vec<_> = (0..count).map(|_| submit()).collect();
        for one in &mut submitted[1..] {
            assert!(one.now_or_never().is_none());
        }
        assert_eq!(find(&intake.gate, Vec::new()), Found::Passes);
        assert!((&mut submitted[0]).now_or_never().is_none());
        assert_eq!(find(&intake.gate, Vec::new()), Found::Waits);
        drop(submitted);
        assert_eq!(find(&intake.gate, Vec::new()), Found::Passes);
    }

    #[test]
    fn every_submission_passes_the_gate_and_takes_room_until_its_validation_has_ended() {
        let intake = intake();
        let (at, source) = (Default::default(), TransactionSource::External);
        let one = || UncheckedExtrinsic::try_from_encoded_extrinsic(&[0]).unwrap();
        fill(&intake, MAX_VALIDATING, || intake.submit_one(at, source, one()));
        fill(&intake, MAX_VALIDATING, || intake.submit_and_watch(at, source, one()));
        let pair = || vec![one(), one()];
        fill(&intake, MAX_VALIDATING / 2, || intake.submit_at(at, source, pair()));
        // More than are validated at once.
        let many = || (0..=MAX_VALIDATING).map(|_| one()).collect();
        fill(&intake, 1, || intake.submit_at(at, source, many()));
    }
}
