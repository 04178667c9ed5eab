//! Waiting with a bound. A wait that ends without success says what was awaited.

use std::{fmt::Display, future::Future, time::Duration};

use anyhow::{anyhow, bail, Context, Result};
use tokio::time::{interval, timeout, Instant, MissedTickBehavior};

/// How often [`until`] looks.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Awaits a future.
///
/// # Errors
///
/// The error of the future; or the future takes longer than `limit`.
pub async fn within<T, E: Into<anyhow::Error>>(
    limit: Duration,
    awaited: impl Display,
    future: impl Future<Output = Result<T, E>>,
) -> Result<T> {
    match timeout(limit, future).await {
        Ok(result) => result.map_err(Into::into).with_context(|| format!("awaited: {awaited}")),
        Err(_) => Err(late(limit, &awaited)),
    }
}

/// Looks until there is a value. A look that fails is repeated, because nodes are started and
/// killed meanwhile.
///
/// # Errors
///
/// There is no value within `limit`. The message has the error of the last look.
pub async fn until<T>(
    limit: Duration,
    awaited: impl Display,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + limit;
    let mut ticks = interval(POLL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        ticks.tick().await;
        let left = end.saturating_duration_since(Instant::now());
        let looked = timeout(left, look()).await;
        // A look that waits for nothing is never too late for its own bound.
        let is_late = looked.is_err() || left.is_zero();
        match looked {
            Ok(Ok(Some(value))) => return Ok(value),
            Ok(Ok(None)) => last = None,
            Ok(Err(error)) => last = Some(error),
            Err(_) => {},
        }
        if is_late {
            return Err(match last {
                Some(error) => error.context(late(limit, &awaited)),
                None => late(limit, &awaited),
            });
        }
    }
}

/// Looks as long as a look returns true. For what has to hold all the time until something is
/// reached: a look fails when it does not hold.
///
/// # Errors
///
/// The first look that fails, or looks still return true after `limit`.
pub async fn throughout(
    limit: Duration,
    awaited: impl Display,
    mut look: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    let end = Instant::now() + limit;
    let mut ticks = interval(POLL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while look().await.with_context(|| format!("while awaiting: {awaited}"))? {
        if Instant::now() > end {
            bail!(late(limit, &awaited));
        }
        ticks.tick().await;
    }
    Ok(())
}

fn late(limit: Duration, awaited: &impl Display) -> anyhow::Error {
    anyhow!("not within {} s: {awaited}", limit.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn looks_that_wait_for_nothing_end_as_well() {
        let limit = Duration::from_millis(1);
        let error = until(limit, "a value", async || Ok(None::<()>)).await.unwrap_err();
        assert_eq!(error.to_string(), late(limit, &"a value").to_string());
        let fails = async || -> Result<Option<()>> { bail!("no node") };
        let error = until(limit, "a value", fails).await.unwrap_err();
        assert_eq!(format!("{error:#}"), format!("{}: no node", late(limit, &"a value")));
    }
}
