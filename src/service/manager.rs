//! When the service manager is told what: ready once the whole house answers and the configuration
//! was read, reloads, the line for people, and its watchdog's food, for which every part of the
//! tree must have answered a beat. It only ever watches: nothing waits for it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::notify::{Notifier, NotifyState, watchdog};
use super::status;
use crate::telemetry::readiness::Readiness;
use crate::tree::{Part, Pulse, Reading, StatusHandle};

/// How long the house may take to answer its first beat before the log says who does not.
const START: Duration = Duration::from_secs(10);
/// How often the line for people is made; it is sent if it is another.
const STATUS_PAUSE: Duration = Duration::from_secs(1);

/// The service manager, if there is one.
#[derive(Debug)]
pub struct Manager {
    notifier: Option<Notifier>,
    /// How long its watchdog waits.
    watchdog: Option<Duration>,
    has_complained: AtomicBool,
    /// Whether it was told that a reload has begun, and not yet that it is over.
    is_reloading: AtomicBool,
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
            is_reloading: AtomicBool::new(false),
        }
    }

    /// Says that the stop begins. Its phases have deadlines that add up to less than 10 s, so
    /// more time (`EXTEND_TIMEOUT_USEC`) is never asked for.
    pub fn stopping(&self) {
        if let Some(notifier) = &self.notifier {
            self.note(notifier.try_say(NotifyState::Stopping));
        }
    }

    /// Says that a reload begins; that it is over follows when the configuration has been read. Told
    /// before anything is done, so that whoever asked for it sees all of it done by then.
    pub fn reloading(&self) {
        if let Some(notifier) = &self.notifier
            && !self.is_reloading.load(Ordering::Relaxed)
            && notifier.try_say(NotifyState::Reloading).is_ok()
        {
            self.is_reloading.store(true, Ordering::Relaxed);
        }
    }

    /// Says all the rest, for as long as the tree runs. `readiness` knows when it stops.
    pub async fn attend(
        &self,
        pulse: Pulse,
        status: StatusHandle,
        mut readings: watch::Receiver<Reading>,
        readiness: Readiness,
    ) {
        if self.notifier.is_none() {
            return;
        }
        let stuck = |missing: &BTreeSet<Part>| complain_of(missing, &readiness);
        pulse.round(START, stuck).await;
        if readings.wait_for(|read| read.count > 0).await.is_err() || readiness.is_stopping() {
            return;
        }
        self.say_ready().await;
        tokio::join!(
            self.report(&status, readings),
            self.feed(&pulse, &readiness)
        );
    }

    /// The ends of reloads, and the line for people. Root is asked for it, since its books are the only
    /// ones; that it may not answer is the watchdog's concern.
    async fn report(&self, status: &StatusHandle, mut readings: watch::Receiver<Reading>) {
        let mut looks = interval(STATUS_PAUSE);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut said = String::new();
        loop {
            tokio::select! {
                read = readings.changed() => {
                    if read.is_err() {
                        return;
                    }
                    // Nobody asked for it: the file has changed.
                    if !self.is_reloading.load(Ordering::Relaxed) {
                        self.say(NotifyState::Reloading).await;
                    }
                    self.say_ready().await;
                }
                _ = looks.tick() => {
                    let line = status.get().await.map(|tree| status::line(&tree));
                    if let Ok(line) = line && line != said {
                        self.say(NotifyState::Status(&line)).await;
                        said = line;
                    }
                }
            }
        }
    }

    /// The start, or a reload, is over.
    async fn say_ready(&self) {
        self.is_reloading.store(false, Ordering::Relaxed);
        self.say(NotifyState::Ready).await;
    }

    /// Twice in each of the watchdog's times, after a beat that everybody answered. Not while the
    /// tree stops: it loses its parts then, and the manager counts another time.
    async fn feed(&self, pulse: &Pulse, readiness: &Readiness) {
        let Some(patience) = self.watchdog else {
            return;
        };
        let mut ticks = interval(patience / 2);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let mut is_late = false;
            let stuck = |missing: &BTreeSet<Part>| {
                complain_of(missing, readiness);
                is_late = true;
            };
            pulse.round(patience / 4, stuck).await;
            if is_late {
                log::warn!("Every part of the gateway answers its heartbeat again");
            }
            self.say(NotifyState::Watchdog).await;
        }
    }

    async fn say(&self, word: NotifyState<'_>) {
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
