//! When the service manager is told what: ready once the whole house answers and the configuration
//! was read, reloads, the line for people, and its watchdog's food, for which every part of the
//! tree must have answered a beat. It only ever watches: nothing waits for it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::notify::{Notifier, Word, watchdog};
use super::status;
use crate::telemetry::readiness::Readiness;
use crate::tree::{Overview, Part, Pulse};

/// How long the house may take to answer its first beat before the log says who does not.
const START: Duration = Duration::from_secs(10);
/// The line for people is sent this often at most.
const STATUS_PAUSE: Duration = Duration::from_secs(1);

/// The service manager, if there is one.
#[derive(Debug)]
pub struct Manager {
    notifier: Option<Notifier>,
    /// How long its watchdog waits.
    watchdog: Option<Duration>,
    has_complained: AtomicBool,
}

impl Manager {
    /// As this process's environment says.
    #[must_use]
    pub fn from_environment() -> Self {
        Self::new(&|name| std::env::var_os(name))
    }

    /// As `variable` says. A socket that can't be used is no reason not to run.
    #[must_use]
    pub fn new(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let name = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let notifier = name.and_then(|name| match Notifier::to(&name) {
            Ok(notifier) => Some(notifier),
            Err(error) => {
                let name = name.display();
                log::warn!("The service manager is told nothing: NOTIFY_SOCKET={name}: {error}");
                None
            }
        });
        Self {
            notifier,
            watchdog: watchdog(std::process::id(), variable),
            has_complained: AtomicBool::new(false),
        }
    }

    /// Says that the stop begins. Its phases have deadlines that add up to less than 10 s, so
    /// more time (`EXTEND_TIMEOUT_USEC`) is never asked for.
    pub fn stopping(&self) {
        if let Some(notifier) = &self.notifier {
            self.note(notifier.try_say(Word::Stopping));
        }
    }

    /// Says all the rest, for as long as the tree runs. `readiness` knows when it stops.
    pub async fn attend(
        &self,
        pulse: Pulse,
        mut overview: watch::Receiver<Overview>,
        readiness: Readiness,
    ) {
        if self.notifier.is_none() {
            return;
        }
        let stuck = |missing: &BTreeSet<Part>| complain_of(missing, &readiness);
        pulse.round(START, stuck).await;
        let is_read = |overview: &Overview| overview.readings > 0;
        if overview.wait_for(is_read).await.is_err() || readiness.is_stopping() {
            return;
        }
        self.say(Word::Ready).await;
        tokio::join!(self.report(overview), self.feed(&pulse, &readiness));
    }

    /// Reloads as they begin and end, and the line for people.
    async fn report(&self, mut overview: watch::Receiver<Overview>) {
        let mut seen = overview.borrow_and_update().clone();
        let (mut said, mut next) = (String::new(), Instant::now());
        let mut is_reloading = false;
        loop {
            let line = status::line(&seen);
            tokio::select! {
                changed = overview.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let now = overview.borrow_and_update().clone();
                    let (asked, read) = (now.reloads > seen.reloads, now.readings > seen.readings);
                    seen = now;
                    if (asked || read) && !is_reloading {
                        self.say(Word::Reloading).await;
                        is_reloading = true;
                    }
                    if read {
                        self.say(Word::Ready).await;
                        is_reloading = false;
                    }
                }
                () = sleep_until(next), if line != said => {
                    self.say(Word::Status(&line)).await;
                    (said, next) = (line, Instant::now() + STATUS_PAUSE);
                }
            }
        }
    }

    /// Twice in each of the watchdog's times, after a beat that everybody answered. Not while the
    /// tree stops: it loses its parts then, and the manager counts another time.
    async fn feed(&self, pulse: &Pulse, readiness: &Readiness) {
        let Some(patience) = self.watchdog else {
            return;
        };
        let mut meals = interval(patience / 2);
        meals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            meals.tick().await;
            let mut is_late = false;
            let stuck = |missing: &BTreeSet<Part>| {
                complain_of(missing, readiness);
                is_late = true;
            };
            pulse.round(patience / 4, stuck).await;
            if is_late {
                log::warn!("Every part of the gateway answers its heartbeat again");
            }
            self.say(Word::Watchdog).await;
        }
    }

    async fn say(&self, word: Word<'_>) {
        if let Some(notifier) = &self.notifier {
            self.note(notifier.say(word).await);
        }
    }

    /// Complains of what did not get through, once.
    fn note(&self, outcome: std::io::Result<()>) {
        if let Err(error) = outcome
            && !self.has_complained.swap(true, Ordering::Relaxed)
        {
            log::warn!("The service manager can't be told how the gateway is: {error}");
        }
    }
}

/// A tree that stops loses its parts, which is as it should be.
fn complain_of(missing: &BTreeSet<Part>, readiness: &Readiness) {
    if readiness.is_stopping() {
        return;
    }
    let names: Vec<String> = missing.iter().map(Part::to_string).collect();
    let names = names.join(", ");
    log::error!("No answer to the heartbeat: {names}; the watchdog is not fed until there is");
}
