//! Where a fault strikes: the real gateway with the servers of the row and nine bystanders, and the judge, who
//! wants a proof that the fault struck and notes every figure beside what is demanded.

use std::fmt::Display;
use std::time::Duration;

use serde_json::{Value, json};

use super::bystanders::{self, Bystanders};
use super::record::Record;
use super::rows::Named;
use crate::support::both;
use crate::support::client::{Client, Streamable, Transport};
use crate::support::gateway::{Gateway, GatewayOptions};
use crate::support::http;

/// Waits as long as the row says and not shortened by settings: `MCPROXY_FAULTS=real`.
pub(crate) fn is_real() -> bool {
    std::env::var("MCPROXY_FAULTS").is_ok_and(|value| value == "real")
}

/// The wait of the row, or a short one where a setting shortens it.
pub(crate) fn wait<T>(short: T, real: T) -> T {
    if is_real() { real } else { short }
}

/// A configuration with these servers, the bystanders after them, and these settings of the gateway.
pub(crate) fn configuration(entries: &[Value], gateway: &Value) -> String {
    let mut servers = entries.to_vec();
    servers.extend(bystanders::entries());
    json!({ "servers": servers, "gateway": gateway }).to_string()
}

/// One row's test.
pub(crate) struct Stage {
    pub(crate) gateway: Gateway,
    /// The name of the test.
    test: String,
    bystanders: Option<Bystanders>,
    record: Record,
}

impl Stage {
    /// The gateway with `entries` and the bystanders, all ready or failed once; the bystanders are being called.
    pub(crate) async fn open(row: impl Named, entries: &[Value]) -> Self {
        Self::with(row, entries, &json!({}), |options| options).await
    }

    /// The same with settings of the gateway and other options.
    pub(crate) async fn with(
        row: impl Named,
        entries: &[Value],
        gateway: &Value,
        change: impl FnOnce(GatewayOptions) -> GatewayOptions,
    ) -> Self {
        let options = change(GatewayOptions::new(configuration(entries, gateway)));
        let mut stage = Self::early(row, options).await;
        both::ready(&stage.gateway).await;
        stage.resume().await;
        stage
    }

    /// The gateway that listens, whatever its servers do; nobody is called before [`Self::resume`].
    pub(crate) async fn early(row: impl Named, options: GatewayOptions) -> Self {
        Self {
            gateway: Gateway::start(options).await,
            test: row.test(),
            bystanders: None,
            record: Record::default(),
        }
    }

    /// One more client that has shaken hands.
    pub(crate) async fn client<T: Transport>(&self) -> Client<T> {
        both::join(&self.gateway).await
    }

    /// Notes that the fault struck: a pid that is gone, bytes that were sent, a counter that was raised.
    pub(crate) fn struck(&mut self, proof: impl Display) {
        self.record.proofs.push(proof.to_string());
    }

    /// Demands a time.
    pub(crate) fn within(&mut self, what: &str, seen: Duration, at_most: Duration) {
        self.note(what, &format!("{seen:.1?}"), &format!("{at_most:.1?}"));
        assert!(seen <= at_most, "{what}: {seen:?}, allowed {at_most:?}");
    }

    /// Demands that a number is not above another.
    pub(crate) fn at_most<T: PartialOrd + Display>(&mut self, what: &str, seen: &T, at_most: &T) {
        let is_kept = seen <= at_most;
        self.note(what, &seen, &at_most);
        assert!(
            is_kept,
            "{}",
            self.record.figures.last().expect("just noted")
        );
    }

    /// Demands that this many bytes of memory are not above so many; both may be below zero.
    pub(crate) fn memory(&mut self, what: &str, seen: i64, at_most: i64) {
        let mebibytes = |bytes: i64| {
            #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
            let bytes = bytes as f64;
            format!("{:.1} MiB", bytes / f64::from(1 << 20))
        };
        self.note(what, &mebibytes(seen), &mebibytes(at_most));
        assert!(seen <= at_most, "{what}: {seen} bytes, allowed {at_most}");
    }

    /// Demands what has no number.
    pub(crate) fn holds(&mut self, what: &str, is_so: bool) {
        assert!(is_so, "{what}");
        self.figure(format!("{what}: yes"));
    }

    fn note(&mut self, what: &str, seen: &dyn Display, at_most: &dyn Display) {
        self.figure(format!("{what}: {seen} (≤ {at_most})"));
    }

    fn figure(&mut self, figure: String) {
        if !self.record.figures.contains(&figure) {
            self.record.figures.push(figure);
        }
    }

    /// Goes on where another stage of the same row ended.
    pub(crate) fn after(&mut self, record: Record) {
        self.record = record;
    }

    /// The sum of a metric over all of its labels.
    pub(crate) async fn metric(&self, name: &str) -> usize {
        let response = http::get(self.gateway.addr(), "/metrics").await;
        assert_eq!(response.status, 200, "{}", response.text());
        let text = response.text();
        let values = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let is_it = rest.starts_with(['{', ' ']);
            is_it
                .then(|| rest.rsplit(' ').next()?.parse::<usize>().ok())
                .flatten()
        });
        values.sum()
    }

    /// Another gateway takes over: the first one has been struck down.
    pub(crate) fn replace(&mut self, gateway: Gateway) {
        std::mem::forget(std::mem::replace(&mut self.gateway, gateway));
    }

    /// Ends the calls to the bystanders, and judges them: before the gateway itself is struck.
    pub(crate) async fn pause(&mut self) {
        let Some(bystanders) = self.bystanders.take() else {
            return;
        };
        let seen = bystanders.stop().await;
        let what = format!(
            "bystanders: 0 errors in {} calls, p99 of the worst 200",
            seen.calls
        );
        self.within(&what, seen.p99, seen.bound);
    }

    /// Calls the bystanders again.
    pub(crate) async fn resume(&mut self) {
        let client = self.client::<Streamable>().await;
        self.bystanders = Some(Bystanders::start(client, &self.gateway).await);
    }

    /// Judges the bystanders and keeps what was seen. The gateway ends with exit code 0 and leaves nothing.
    ///
    /// # Panics
    /// When there is no proof that the fault struck.
    pub(crate) async fn close(mut self) -> Record {
        self.pause().await;
        assert!(
            !self.record.proofs.is_empty(),
            "nothing says that the fault struck"
        );
        let status = self.gateway.terminate().await;
        assert!(status.success(), "the gateway ended with {status}");
        self.keep()
    }

    /// The same for a row in which the gateway itself ends: what was seen is kept.
    ///
    /// # Panics
    /// When there is no proof that the fault struck.
    pub(crate) fn keep(self) -> Record {
        assert!(
            !self.record.proofs.is_empty(),
            "nothing says that the fault struck"
        );
        self.record.keep(&self.test);
        self.record
    }
}
