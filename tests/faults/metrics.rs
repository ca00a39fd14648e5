//! What the gateway counts, as `GET /metrics` says it: the proof that a fault has struck.

use std::time::Duration;

use crate::support::gateway::Gateway;
use crate::support::{http, wait};

/// The sum of all series of this name that have all these labels; 0 where there is none.
pub(crate) async fn sum(gateway: &Gateway, name: &str, labels: &[(&str, &str)]) -> f64 {
    let response = http::get(gateway.addr(), "/metrics").await;
    assert_eq!(response.status, 200, "{}", response.text());
    let text = response.text();
    let value = |line: &str| {
        let rest = line.strip_prefix(name)?;
        let (found, value) = match rest.strip_prefix('{') {
            Some(rest) => rest.rsplit_once("} ")?,
            None => ("", rest.strip_prefix(' ')?),
        };
        let mut labels = labels.iter();
        let is_it = labels.all(|(label, value)| found.contains(&format!(r#"{label}="{value}""#)));
        is_it.then(|| value.trim().parse::<f64>().ok()).flatten()
    };
    text.lines().filter_map(value).sum()
}

/// Waits until a sum is at least so much, and gives it.
///
/// # Panics
/// When it is not in time.
pub(crate) async fn at_least(
    gateway: &Gateway,
    (name, labels): (&str, &[(&str, &str)]),
    least: f64,
    deadline: Duration,
) -> f64 {
    let what = format!("{name} of {labels:?} at {least}");
    wait::until(&what, deadline, async || {
        let sum = sum(gateway, name, labels).await;
        (sum >= least).then_some(sum)
    })
    .await
}
