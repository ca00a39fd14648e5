//! Waiting for a condition with a deadline, never for a duration. Used by every test that watches
//! another process; the panic names what did not happen.

use std::fmt::Display;
use std::thread;
use std::time::Duration;

use tokio::time::{self, Instant};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(10);

/// Polls `condition` every 10 ms until it gives a value.
///
/// # Panics
/// When `deadline` has passed, also in the middle of one look, with `what` was waited for.
pub async fn until<T>(
    what: &str,
    deadline: Duration,
    mut condition: impl AsyncFnMut() -> Option<T>,
) -> T {
    let polling = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            time::sleep(POLL).await;
        }
    };
    let Ok(value) = time::timeout(deadline, polling).await else {
        panic!("waited {deadline:?} in vain for {what}");
    };
    value
}

/// Gives what `step` gives; `what` names the step, made only when it fails.
///
/// # Panics
/// When the step fails or takes longer than `deadline`.
pub async fn within<T, E: Display>(
    what: impl FnOnce() -> String,
    deadline: Duration,
    step: impl Future<Output = Result<T, E>>,
) -> T {
    let Ok(outcome) = time::timeout(deadline, step).await else {
        panic!("{}: waited {deadline:?} in vain", what());
    };
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("{}: {error}", what()),
    }
}

/// As [`until`], for places that cannot await; blocks the thread.
///
/// # Panics
/// When `deadline` has passed, with `what` was waited for.
pub fn until_blocking<T>(
    what: &str,
    deadline: Duration,
    condition: impl FnMut() -> Option<T>,
) -> T {
    match poll_blocking(deadline, condition) {
        Some(value) => value,
        None => panic!("waited {deadline:?} in vain for {what}"),
    }
}

/// As [`until_blocking`], but gives `None` at the deadline: for clean-up, which must go on.
pub fn poll_blocking<T>(deadline: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::park_timeout(POLL);
    }
}
