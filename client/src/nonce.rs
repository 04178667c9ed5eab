//! Nonces of concurrent transactions from one account.
//!
//! An account submits one transaction at a time; several may wait for inclusion concurrently. The
//! next nonce is the greater of the node's answer and the one after the last assigned here, because
//! the node's answer may lag behind its pool. The last assigned nonce is forgotten when no
//! transaction is in flight, or when one is lost, so that gaps do not persist.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex as SyncMutex},
    time::Duration,
};

use tokio::sync::Mutex;

use crate::{AccountId, Error, Result};

/// Maximum number of attempts to submit one transaction.
const MAX_ATTEMPTS: u32 = 8;
/// Delay after the first failed attempt; `n` times as long after attempt `n`.
const RETRY_DELAY: Duration = Duration::from_millis(150);
/// The same if the pool had no place for the transaction. All attempts together take four blocks.
const FULL_DELAY: Duration = Duration::from_millis(300);

/// The nonces of every account that this client sends from.
#[derive(Clone, Default)]
pub(crate) struct NonceManager {
    accounts: Arc<SyncMutex<HashMap<AccountId, Arc<Account>>>>,
}

#[derive(Default)]
struct Account {
    /// Locked while a transaction is signed and submitted to the pool.
    turn: Mutex<()>,
    state: SyncMutex<State>,
}

#[derive(Default)]
struct State {
    /// The nonce after the last one that was assigned.
    next: Option<u64>,
    in_flight: u32,
}

/// A transaction that the pool accepted. Dropping this without [`InFlight::included`] means that
/// the transaction may be lost.
pub(crate) struct InFlight {
    account: Arc<Account>,
    included: bool,
}

impl InFlight {
    /// The transaction is in a block.
    pub(crate) fn included(mut self) {
        self.included = true;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.account.state.lock().unwrap_or_else(|broken| broken.into_inner());
        state.in_flight = state.in_flight.saturating_sub(1);
        if !self.included || state.in_flight == 0 {
            state.next = None;
        }
    }
}

impl NonceManager {
    /// Submits a transaction of `account`. `from_node` gets the next nonce from the node; `submit`
    /// signs with a nonce and submits. If another sender has used the nonce, the next one is
    /// tried, and if the pool has no place, the same again, up to [`MAX_ATTEMPTS`] times.
    ///
    /// # Errors
    ///
    /// [`Error::NonceClash`] or the pool's refusal after the last attempt, and any other error of the
    /// two functions.
    pub(crate) async fn submit<T, N, S>(
        &self,
        account: &AccountId,
        mut from_node: impl FnMut() -> N,
        mut submit: impl FnMut(u64) -> S,
    ) -> Result<(T, InFlight)>
    where
        N: Future<Output = Result<u64>>,
        S: Future<Output = Result<T>>,
    {
        let account = self.account(account);
        let _turn = account.turn.lock().await;
        for attempt in 1..=MAX_ATTEMPTS {
            let node = from_node().await?;
            let nonce = account.with(|state| state.next.map_or(node, |next| next.max(node)));
            match submit(nonce).await {
                Ok(value) => {
                    account.with(|state| {
                        state.next = nonce.checked_add(1);
                        state.in_flight += 1;
                    });
                    return Ok((value, InFlight { account: account.clone(), included: false }));
                },
                Err(error) if is_nonce_clash(&error) => {
                    log::debug!("nonce {nonce} is not free, attempt {attempt}: {error}");
                    account.with(|state| state.next = None);
                    tokio::time::sleep(RETRY_DELAY * attempt).await;
                },
                Err(error) if is_full(&error) && attempt < MAX_ATTEMPTS => {
                    log::debug!("the pool is full, attempt {attempt}: {error}");
                    tokio::time::sleep(FULL_DELAY * attempt).await;
                },
                Err(error) => return Err(error),
            }
        }
        Err(Error::NonceClash { attempts: MAX_ATTEMPTS })
    }

    fn account(&self, account: &AccountId) -> Arc<Account> {
        let mut accounts = self.accounts.lock().unwrap_or_else(|broken| broken.into_inner());
        accounts.entry(account.clone()).or_default().clone()
    }
}

impl Account {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(|broken| broken.into_inner()))
    }
}

/// Whether the pool had no place for the transaction.
fn is_full(error: &Error) -> bool {
    const IMMEDIATELY_DROPPED: i32 = 1016;
    matches!(error, Error::Rpc { code: IMMEDIATELY_DROPPED, .. })
}

/// Whether the pool refused the nonce, not the transaction as such.
fn is_nonce_clash(error: &Error) -> bool {
    // Codes of the node's transaction pool RPC.
    const INVALID_TRANSACTION: i32 = 1010;
    const PRIORITY_TOO_LOW: i32 = 1014;
    let Error::Rpc { code, message, .. } = error else { return false };
    let message = message.to_ascii_lowercase();
    match *code {
        PRIORITY_TOO_LOW => true,
        INVALID_TRANSACTION => {
            ["outdated", "stale", "future"].iter().any(|word| message.contains(word))
        },
        _ => message.contains("priority is too low"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn alice() -> AccountId {
        AccountId::from([1; 32])
    }

    fn refusal(code: i32, message: &str) -> Error {
        Error::Rpc {
            method: "author_submitAndWatchExtrinsic".into(),
            code,
            message: message.into(),
        }
    }

    /// A pool that accepts each nonce once, and a node whose view of it lags by `lag`.
    struct Pool {
        taken: SyncMutex<Vec<u64>>,
        lag: u64,
    }

    impl Pool {
        fn new(start: u64, lag: u64) -> Self {
            Self { taken: SyncMutex::new((0..start).collect()), lag }
        }

        fn next(&self) -> u64 {
            (self.taken.lock().unwrap().len() as u64).saturating_sub(self.lag)
        }

        fn take(&self, nonce: u64) -> Result<u64> {
            let mut taken = self.taken.lock().unwrap();
            if taken.contains(&nonce) {
                return Err(refusal(1014, "Priority is too low: (0 vs 0)"));
            }
            taken.push(nonce);
            Ok(nonce)
        }
    }

    #[tokio::test]
    async fn parallel_transactions_get_successive_nonces_though_the_node_lags() {
        let pool = Pool::new(7, 0);
        let stale = AtomicU64::new(7);
        let manager = NonceManager::default();
        let account = alice();
        let submit = || {
            manager.submit(
                &account,
                // The node always returns its first answer.
                || std::future::ready(Ok(stale.load(Ordering::SeqCst))),
                |nonce| std::future::ready(pool.take(nonce)),
            )
        };
        let results = futures::future::join_all((0..5).map(|_| submit())).await;
        let mut nonces: Vec<_> = results.iter().map(|result| result.as_ref().unwrap().0).collect();
        nonces.sort();
        assert_eq!(nonces, [7, 8, 9, 10, 11]);
    }

    #[tokio::test]
    async fn a_nonce_that_another_sender_took_is_replaced() {
        let pool = Pool::new(3, 0);
        let manager = NonceManager::default();
        let asked = AtomicU64::new(0);
        let (nonce, _flight) = manager
            .submit(
                &alice(),
                || {
                    // The first answer is stale by one.
                    let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
                    std::future::ready(Ok(pool.next() - u64::from(first)))
                },
                |nonce| std::future::ready(pool.take(nonce)),
            )
            .await
            .unwrap();
        assert_eq!(nonce, 3);
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn other_refusals_are_not_tried_again() {
        let attempts = AtomicU64::new(0);
        let result = NonceManager::default()
            .submit(
                &alice(),
                || std::future::ready(Ok(0)),
                |_| {
                    attempts.fetch_add(1, Ordering::SeqCst);
                    std::future::ready(Err::<(), _>(refusal(
                        1010,
                        "Invalid Transaction: Inability to pay some fees",
                    )))
                },
            )
            .await;
        assert!(matches!(result, Err(Error::Rpc { code: 1010, .. })));
        assert_eq!(attempts.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn what_finds_no_place_is_tried_again_with_its_nonce() {
        for (places_after, accepted) in [(2, true), (u64::from(MAX_ATTEMPTS), false)] {
            let attempts = AtomicU64::new(0);
            let result = NonceManager::default()
                .submit(
                    &alice(),
                    || std::future::ready(Ok(5)),
                    |nonce| {
                        let attempt = attempts.fetch_add(1, Ordering::SeqCst);
                        std::future::ready(match attempt < places_after {
                            true => Err(refusal(1016, "Immediately Dropped")),
                            false => Ok(nonce),
                        })
                    },
                )
                .await;
            assert_eq!(attempts.load(Ordering::SeqCst), (places_after + 1).min(8));
            match accepted {
                true => assert_eq!(result.unwrap().0, 5),
                false => assert!(matches!(result, Err(Error::Rpc { code: 1016, .. }))),
            }
        }
    }

    #[tokio::test]
    async fn attempts_are_bounded() {
        let attempts = AtomicU64::new(0);
        let result = NonceManager::default()
            .submit(
                &alice(),
                || std::future::ready(Ok(0)),
                |_| {
                    attempts.fetch_add(1, Ordering::SeqCst);
                    std::future::ready(Err::<(), _>(refusal(1014, "Priority is too low")))
                },
            )
            .await;
        assert!(matches!(result, Err(Error::NonceClash { attempts: MAX_ATTEMPTS })));
        assert_eq!(attempts.load(Ordering::SeqCst), u64::from(MAX_ATTEMPTS));
    }

    #[tokio::test]
    async fn a_lost_transaction_leaves_no_gap() {
        let manager = NonceManager::default();
        let submit = |node: u64| {
            let manager = manager.clone();
            async move {
                manager
                    .submit(
                        &alice(),
                        || std::future::ready(Ok(node)),
                        |nonce| std::future::ready(Ok(nonce)),
                    )
                    .await
                    .unwrap()
            }
        };
        let (first, first_flight) = submit(5).await;
        let (second, second_flight) = submit(5).await;
        assert_eq!((first, second), (5, 6));
        // The second is lost while the first is in flight: the node's answer counts again.
        drop(second_flight);
        let (third, third_flight) = submit(6).await;
        assert_eq!(third, 6);
        first_flight.included();
        third_flight.included();
        // Nothing is in flight: only the node's answer counts.
        assert_eq!(submit(3).await.0, 3);
    }

    #[test]
    fn clashes_are_told_from_other_refusals() {
        for (code, message, expected) in [
            (1014, "Priority is too low: (1 vs 1)", true),
            (1010, "Invalid Transaction: Transaction is outdated", true),
            (1010, "Invalid Transaction: Transaction will be valid in the future", true),
            (1010, "Invalid Transaction: Transaction has a bad signature", false),
            (1010, "Invalid Transaction: Custom error: 3", false),
            (1016, "Immediately dropped", false),
            (-32603, "Internal error", false),
        ] {
            assert_eq!(is_nonce_clash(&refusal(code, message)), expected, "{code} {message}");
        }
        assert!(!is_nonce_clash(&Error::invalid("stale")));
    }
}
