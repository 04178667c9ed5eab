//! The transaction pool as an author reads it: what does not fit any more is not tried for long.
//!
//! The SDK's author goes on after a transaction that does not fit, until its time ends or, with a soft
//! deadline, a part of it. Moves, heartbeats, answers and operational calls must all be tried, since the
//! clocks of the runtime count the blocks that had room for them. Ordinary transactions come last, and
//! each that is tried takes as long as its signature and checks do. Thousands of them would have the
//! block come so late that the next author builds without it.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use assay_runtime::constants::priorities::SIGNED_BITS;
use async_trait::async_trait;
use sc_transaction_pool_api::{
    ImportNotificationStream, InPoolTransaction, PoolStatus, ReadyTransactions, TransactionFor,
    TransactionPool, TransactionSource, TransactionStatusStreamFor, TxHash, TxInvalidityReportMap,
};
use sp_runtime::traits::Block as BlockT;

/// Number of ordinary transactions that do not fit, after which a block ends if half of its time is over;
/// as in the SDK.
const MAX_SKIPPED: usize = 8;
/// The SDK's author waits for the pool's view of the parent for this part of its time.
const PARTS_OF_TIME: u32 = 8;

/// Iterator over what can be in the next block.
type Ready<P> =
    Box<dyn ReadyTransactions<Item = Arc<<P as TransactionPool>::InPoolTransaction>> + Send>;
type BlockHash<P> = <<P as TransactionPool>::Block as BlockT>::Hash;

/// A pool that ends its offers when ordinary transactions do not fit any more and half of the time is over.
pub struct AuthorPool<P>(pub Arc<P>);

/// What is offered for a block.
struct Offers<T> {
    ready: Box<dyn ReadyTransactions<Item = Arc<T>> + Send>,
    skipped: usize,
    half_time: Instant,
}

impl<T: InPoolTransaction> Iterator for Offers<T> {
    type Item = Arc<T>;

    fn next(&mut self) -> Option<Self::Item> {
        // What has a higher priority has been offered before the first ordinary one.
        if self.skipped >= MAX_SKIPPED && Instant::now() >= self.half_time {
            return None;
        }
        self.ready.next()
    }
}

impl<T: InPoolTransaction> ReadyTransactions for Offers<T> {
    fn report_invalid(&mut self, transaction: &Self::Item) {
        self.skipped += usize::from(*transaction.priority() < 1 << SIGNED_BITS);
        self.ready.report_invalid(transaction);
    }
}

#[async_trait]
impl<P: TransactionPool + 'static> TransactionPool for AuthorPool<P> {
    type Block = P::Block;
    type Hash = P::Hash;
    type InPoolTransaction = P::InPoolTransaction;
    type Error = P::Error;

    async fn ready_at_with_timeout(&self, at: BlockHash<P>, timeout: Duration) -> Ready<P> {
        let half_time = Instant::now() + timeout * PARTS_OF_TIME / 2;
        let ready = self.0.ready_at_with_timeout(at, timeout).await;
        Box::new(Offers { ready, skipped: 0, half_time })
    }

    async fn report_invalid(
        &self,
        at: Option<BlockHash<P>>,
        errors: TxInvalidityReportMap<TxHash<Self>>,
    ) -> Vec<Arc<Self::InPoolTransaction>> {
        self.0.report_invalid(at, errors).await
    }

    async fn submit_at(
        &self,
        at: BlockHash<P>,
        source: TransactionSource,
        xts: Vec<TransactionFor<Self>>,
    ) -> Result<Vec<Result<TxHash<Self>, Self::Error>>, Self::Error> {
        self.0.submit_at(at, source, xts).await
    }

    async fn submit_one(
        &self,
        at: BlockHash<P>,
        source: TransactionSource,
        xt: TransactionFor<Self>,
    ) -> Result<TxHash<Self>, Self::Error> {
        self.0.submit_one(at, source, xt).await
    }

    async fn submit_and_watch(
        &self,
        at: BlockHash<P>,
        source: TransactionSource,
        xt: TransactionFor<Self>,
    ) -> Result<Pin<Box<TransactionStatusStreamFor<Self>>>, Self::Error> {
        self.0.submit_and_watch(at, source, xt).await
    }

    async fn ready_at(&self, at: BlockHash<P>) -> Ready<P> {
        self.0.ready_at(at).await
    }

    fn ready(&self) -> Ready<P> {
        self.0.ready()
    }

    fn futures(&self) -> Vec<Self::InPoolTransaction> {
        self.0.futures()
    }

    fn status(&self) -> PoolStatus {
        self.0.status()
    }

    fn import_notification_stream(&self) -> ImportNotificationStream<TxHash<Self>> {
        self.0.import_notification_stream()
    }

    fn on_broadcasted(&self, propagations: HashMap<TxHash<Self>, Vec<String>>) {
        self.0.on_broadcasted(propagations)
    }

    fn hash_of(&self, xt: &TransactionFor<Self>) -> TxHash<Self> {
        self.0.hash_of(xt)
    }

    fn ready_transaction(&self, hash: &TxHash<Self>) -> Option<Arc<Self::InPoolTransaction>> {
        self.0.ready_transaction(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool_double::Held;

    const OPERATIONAL: u64 = 1 << SIGNED_BITS;

    /// What a list offers of transactions with these priorities if none fits.
    fn offered(priorities: Vec<u64>, half_time: Instant) -> Vec<u64> {
        struct List(std::vec::IntoIter<Arc<Held>>);
        impl Iterator for List {
            type Item = Arc<Held>;
            fn next(&mut self) -> Option<Self::Item> {
                self.0.next()
            }
        }
        impl ReadyTransactions for List {
            fn report_invalid(&mut self, _: &Self::Item) {}
        }
        let all: Vec<_> = priorities.into_iter().map(Held::with_priority).map(Arc::new).collect();
        let ready = Box::new(List(all.into_iter()));
        let mut offers = Offers { ready, skipped: 0, half_time };
        let mut offered = Vec::new();
        while let Some(transaction) = offers.next() {
            offers.report_invalid(&transaction);
            offered.push(*transaction.priority());
        }
        offered
    }

    #[test]
    fn ordinary_transactions_that_do_not_fit_end_a_block_after_half_of_its_time() {
        let ordinary = (0..100).map(|tip| OPERATIONAL - 1 - tip);
        let all: Vec<_> = [OPERATIONAL + 2; 50].into_iter().chain(ordinary).collect();
        let now = Instant::now();
        assert_eq!(offered(all.clone(), now), all[..50 + MAX_SKIPPED]);
        assert_eq!(offered(all.clone(), now + Duration::from_secs(600)), all);
    }
}
