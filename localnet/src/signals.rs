//! Signals that request a program to end.

use std::future::Future;

use anyhow::Result;
use tokio::signal::unix::{signal, SignalKind};

/// Returns a future that waits for SIGINT, SIGTERM or SIGHUP. It also ends for a signal that comes
/// before it is polled. Make one per program, since each sees every signal.
///
/// # Errors
///
/// A signal handler cannot be installed.
pub fn interrupted() -> Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate, mut hangup) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    );
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {},
            _ = terminate.recv() => {},
            _ = hangup.recv() => {},
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{process::Command, time::Duration};

    #[tokio::test]
    async fn a_signal_before_the_future_is_polled_is_not_lost() {
        let interrupted = interrupted().unwrap();
        let pid = std::process::id().to_string();
        assert!(Command::new("kill").args(["-s", "HUP", &pid]).status().unwrap().success());
        tokio::time::timeout(Duration::from_secs(5), interrupted).await.unwrap();
    }
}
