//! The actor: debounces what the watch and the poll notice, reads in a task, reports to root.

use std::path::PathBuf;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::ConfigArgs;
use super::watch::Watch;
use crate::config::{self, ConfigError, Parsed, Severity};
use crate::tree::root::RootHandle;
use crate::tree::timer::Timer;

/// Quiet for so long means that whoever writes the file has finished.
const DEBOUNCE: Duration = Duration::from_millis(250);
/// A file that is never quiet is read anyway after this.
const DEBOUNCE_AT_MOST: Duration = Duration::from_secs(1);
/// The poll notices what no watch sees: bind mounts, replaced directories, network file systems.
const POLL_EVERY: Duration = Duration::from_secs(5);

pub enum ConfigMsg {
    /// From the watch: something happened near the file.
    Changed,
    /// From itself: it has been quiet, look.
    Settled,
    /// From itself, regularly.
    Poll,
    /// From root, on SIGHUP: look now, and have everything that is down tried at once.
    Reload,
    /// From the task that read the file.
    Read {
        text: Result<String, ConfigError>,
        retry: bool,
    },
}

/// The config actor.
pub struct ConfigActor;

/// The state.
pub struct ConfigState {
    myself: ActorRef<ConfigMsg>,
    path: PathBuf,
    root: RootHandle,
    watch: Option<Watch>,
    watch_failed: bool,
    first_change: Option<Instant>,
    settling: Option<Timer<ConfigMsg>>,
    poll: Option<Timer<ConfigMsg>>,
    tasks: JoinSet<()>,
    text: Option<String>,
    complaint: Option<String>,
}

impl Actor for ConfigActor {
    type Msg = ConfigMsg;
    type State = ConfigState;
    type Arguments = ConfigArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<ConfigMsg>,
        args: ConfigArgs,
    ) -> Result<ConfigState, ActorProcessingErr> {
        myself.cast(ConfigMsg::Settled)?;
        Ok(ConfigState {
            myself,
            path: args.path,
            root: args.root,
            watch: None,
            watch_failed: false,
            first_change: None,
            settling: None,
            poll: None,
            tasks: JoinSet::new(),
            text: None,
            complaint: None,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<ConfigMsg>,
        message: ConfigMsg,
        state: &mut ConfigState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ConfigMsg::Changed => state.debounce(),
            ConfigMsg::Settled => {
                state.first_change = None;
                state.settling = None;
                state.watch();
                state.read(false);
            }
            ConfigMsg::Poll => state.read(false),
            ConfigMsg::Reload => {
                state.watch();
                state.read(true);
            }
            ConfigMsg::Read { text, retry } => state.on_read(text, retry),
        }
        Ok(())
    }
}

impl ConfigState {
    fn debounce(&mut self) {
        let now = Instant::now();
        let first = *self.first_change.get_or_insert(now);
        let at = (now + DEBOUNCE).min(first + DEBOUNCE_AT_MOST);
        let delay = at.saturating_duration_since(now);
        self.settling = Some(Timer::after(&self.myself, delay, || ConfigMsg::Settled));
    }

    /// Watches anew: the file or its directory may be another one by now. Before reading, so that
    /// no change falls between.
    fn watch(&mut self) {
        let myself = self.myself.clone();
        let changed = move || drop(myself.cast(ConfigMsg::Changed));
        match Watch::over(&self.path, changed) {
            Ok(watch) => self.watch = Some(watch),
            Err(error) => {
                self.watch = None;
                if !self.watch_failed {
                    let seconds = POLL_EVERY.as_secs();
                    log::warn!(
                        "{} can't be watched ({error}); it is looked at every {seconds} s",
                        self.path.display()
                    );
                }
                self.watch_failed = true;
            }
        }
    }

    fn read(&mut self, retry: bool) {
        self.poll = Some(Timer::after(&self.myself, POLL_EVERY, || ConfigMsg::Poll));
        while self.tasks.try_join_next().is_some() {}
        let (path, myself) = (self.path.clone(), self.myself.clone());
        self.tasks.spawn_blocking(move || {
            let text = config::read(&path);
            drop(myself.cast(ConfigMsg::Read { text, retry }));
        });
    }

    fn on_read(&mut self, text: Result<String, ConfigError>, retry: bool) {
        let text = match text {
            Ok(text) => text,
            Err(error) => return self.reject(&error),
        };
        if self.text.as_ref() == Some(&text) && !retry {
            return;
        }
        let is_poll_news = self.settling.is_none() && self.text.is_some();
        if is_poll_news {
            self.watch();
        }
        let parsed = config::parse(&text, &|name| std::env::var(name).ok());
        let is_repeated = self.text.as_ref() == Some(&text);
        self.text = Some(text);
        match parsed {
            Ok(parsed) => self.accept(parsed, retry, is_repeated),
            Err(error) => self.reject(&error),
        }
    }

    fn accept(&mut self, parsed: Parsed, retry: bool, is_repeated: bool) {
        self.complaint = None;
        if !is_repeated {
            for problem in &parsed.problems {
                let level = match problem.severity {
                    Severity::Error => log::Level::Error,
                    Severity::Warning => log::Level::Warn,
                };
                log::log!(level, "{}: {problem}", self.path.display());
            }
        }
        self.root.configured(Some(parsed.config), retry);
    }

    /// The last good state stays. Said once for each different mistake.
    fn reject(&mut self, error: &ConfigError) {
        let complaint = error.to_string();
        if self.complaint.as_ref() != Some(&complaint) {
            log::error!(
                "{}: {complaint}; what runs goes on as it is",
                self.path.display()
            );
            self.complaint = Some(complaint);
        }
        self.root.configured(None, false);
    }
}
