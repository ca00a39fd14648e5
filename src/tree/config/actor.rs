//! The actor: debounces what the watch and the poll notice, has one look at a time, reports to
//! root what is news.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::faults::{self, ConfigurationFault};
use super::last_configuration::LastConfiguration;
use super::look::{Found, LookReason, Looked, NewText, Seen, WatchedFile};
use super::watch::Watch;
use super::{ConfigArgs, ConfigParent};
use crate::config::model::Config;
use crate::config::{ConfigError, Parsed, Problem, Severity};
use crate::tree::heartbeat::{Beat, Part};
use crate::tree::timer::Timer;
use crate::turn::Kind;

/// Quiet for so long means that whoever writes the file has finished.
const DEBOUNCE: Duration = Duration::from_millis(250);
/// A file that is never quiet is read anyway after this.
const DEBOUNCE_AT_MOST: Duration = Duration::from_secs(1);
/// The poll notices what no watch sees: bind mounts, replaced directories, network file systems.
const POLL_EVERY: Duration = Duration::from_secs(5);
/// So many mistakes of a file are named in the log, of each severity.
const SAID: usize = 8;

pub(crate) enum ConfigMsg {
    /// From the watch: the file is another one.
    Changed,
    /// From itself: it has been quiet, look.
    Settled,
    /// From itself, regularly.
    Poll,
    /// From root, on SIGHUP: look now, and have everything that is down tried at once.
    Reload,
    /// From root: to be answered.
    Beat(Beat),
    /// From the task that looked. An error: it panicked.
    Looked {
        reason: LookReason,
        outcome: Result<Looked, String>,
    },
}

impl Kind for ConfigMsg {
    fn kind(&self) -> &'static str {
        match self {
            Self::Changed => "Changed",
            Self::Settled => "Settled",
            Self::Poll => "Poll",
            Self::Reload => "Reload",
            Self::Beat(_) => "Beat",
            Self::Looked { .. } => "Looked",
        }
    }
}

/// The config actor.
pub(crate) struct ConfigActor;

/// The state.
pub(crate) struct ConfigState {
    myself: ActorRef<ConfigMsg>,
    place: Arc<WatchedFile>,
    root: Arc<dyn ConfigParent>,
    /// Absent while a look is under way, which has it, and while the system refuses one.
    watch: Option<Watch>,
    first_change: Option<Instant>,
    settling: Option<Timer<ConfigMsg>>,
    poll: Option<Timer<ConfigMsg>>,
    looking: JoinSet<()>,
    is_looking: bool,
    /// Why to look again when the look under way is done.
    next: Option<LookReason>,
    seen: Option<Seen>,
    good: Option<Config>,
    said: Said,
}

/// What the log says stands as it is, so that each is said once.
#[derive(Debug, Default)]
struct Said {
    /// Nothing can be watched.
    is_blind: bool,
    /// Something in the file can't be used.
    is_faulty: bool,
    /// A secret in the file is readable for all.
    is_exposed: bool,
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
            place: Arc::new(WatchedFile {
                kept: LastConfiguration::new(args.state_dir, &args.path),
                path: args.path,
                command_line: args.command_line,
            }),
            root: args.root,
            watch: None,
            first_change: None,
            settling: None,
            poll: None,
            looking: JoinSet::new(),
            is_looking: false,
            next: None,
            seen: None,
            good: None,
            said: Said::default(),
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
                state.settle();
                state.look(LookReason::Settled);
            }
            ConfigMsg::Poll => state.look(LookReason::Poll),
            ConfigMsg::Reload => {
                state.settle();
                state.look(LookReason::Reload);
            }
            ConfigMsg::Beat(beat) => beat.passed(Part::Config),
            ConfigMsg::Looked { reason, outcome } => state.on_looked(reason, outcome),
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

    fn settle(&mut self) {
        self.first_change = None;
        self.settling = None;
    }

    /// Looks in a task, one at a time: what was read last must be what is applied last. A reason
    /// that comes meanwhile is good for another look, since the file may have changed after it
    /// was read.
    fn look(&mut self, reason: LookReason) {
        if self.is_looking {
            self.next = self.next.max(Some(reason));
            return;
        }
        self.is_looking = true;
        self.poll = Some(Timer::after(&self.myself, POLL_EVERY, || ConfigMsg::Poll));
        while self.looking.try_join_next().is_some() {}
        let (myself, place) = (self.myself.clone(), Arc::clone(&self.place));
        let (known, watch) = (self.seen.clone(), self.watch.take());
        self.looking.spawn(async move {
            let watching = myself.clone();
            let changed = move || drop(watching.cast(ConfigMsg::Changed));
            let task = move || place.look(reason, known.as_ref(), watch, changed);
            let outcome = tokio::task::spawn_blocking(task).await;
            let outcome = outcome.map_err(|panic| panic.to_string());
            drop(myself.cast(ConfigMsg::Looked { reason, outcome }));
        });
    }

    fn on_looked(&mut self, reason: LookReason, outcome: Result<Looked, String>) {
        self.is_looking = false;
        match outcome {
            Ok(Looked { watch, found }) => {
                self.take_watch(watch);
                self.on_found(reason, found);
            }
            Err(panic) => self.reject(&panic, Vec::new(), None, reason),
        }
        if let Some(next) = self.next.take() {
            self.look(next);
        }
    }

    fn take_watch(&mut self, watch: notify::Result<Watch>) {
        let was_blind = self.said.is_blind;
        self.said.is_blind = watch.is_err();
        match watch {
            Ok(watch) => self.watch = Some(watch),
            Err(error) if !was_blind => {
                let seconds = POLL_EVERY.as_secs();
                log::warn!(
                    "{} can't be watched ({error}); it is looked at every {seconds} s",
                    self.place.path.display()
                );
            }
            Err(_) => {}
        }
    }

    fn on_found(&mut self, reason: LookReason, found: Found) {
        let news = match found {
            Found::NewText(news) => news,
            Found::Unsettled => return self.debounce(),
            Found::Same => {
                if reason == LookReason::Reload {
                    self.root.configured(self.good.clone(), true);
                }
                return;
            }
        };
        let NewText {
            seen,
            parsed,
            last,
            exposure,
        } = *news;
        // It may be half written, and a file that goes on changing is looked at again anyway.
        if reason == LookReason::Settled && parsed.is_err() && self.settling.is_some() {
            return;
        }
        self.seen = Some(seen);
        match parsed {
            Ok(parsed) => self.accept(parsed, exposure.as_ref(), reason),
            Err(error) => {
                let faults = faults::of_error(&error);
                self.reject(&complaint(&error), faults, last, reason);
            }
        }
    }

    fn accept(&mut self, parsed: Parsed, exposure: Option<&Problem>, reason: LookReason) {
        let Parsed {
            config, problems, ..
        } = parsed;
        for severity in [Severity::Error, Severity::Warning] {
            let found = problems.iter().filter(|it| it.severity == severity);
            self.report_all(&found.collect::<Vec<_>>());
        }
        if let Some(exposure) = exposure
            && !self.said.is_exposed
        {
            self.report(exposure);
        }
        self.said.is_exposed = exposure.is_some();
        let is_error = |problem: &Problem| problem.severity == Severity::Error;
        let was_faulty = self.said.is_faulty;
        self.said.is_faulty = problems.iter().any(is_error);
        if was_faulty && !self.said.is_faulty {
            log::info!(
                "{}: mended, all of it can be used",
                self.place.path.display()
            );
        }
        let faults = faults::of(&problems);
        self.root.config_judged(self.said.is_faulty, faults);
        self.good = Some(config.clone());
        self.root
            .configured(Some(config), reason == LookReason::Reload);
    }

    /// The first of one severity, and the last, which may say how many more there are; the log would
    /// sum up more of them in its own words.
    fn report_all(&self, problems: &[&Problem]) {
        let (first, others) = problems.split_at(problems.len().min(SAID));
        for problem in first {
            self.report(problem);
        }
        let Some((last, left_out)) = others.split_last() else {
            return;
        };
        if !left_out.is_empty() {
            let path = self.place.path.display();
            let count = left_out.len();
            log::warn!("{path}: {count} more like these are named by 'mcproxy check {path}'");
        }
        self.report(last);
    }

    fn report(&self, problem: &Problem) {
        let path = self.place.path.display();
        match problem.severity {
            Severity::Error => log::error!("{path}: {problem}"),
            Severity::Warning => log::warn!("{path}: {problem}"),
        }
    }

    /// The last good state stays, or at the first look is taken up again: `last`. A wish to try
    /// what is down is granted all the same.
    fn reject(
        &mut self,
        complaint: &str,
        faults: Vec<ConfigurationFault>,
        last: Option<Config>,
        reason: LookReason,
    ) {
        let goes_on = match last {
            Some(_) => "what was used last is used",
            None => "what runs goes on",
        };
        log::error!(
            "{}: {complaint}; {goes_on}, and the file is used once it is mended",
            self.place.path.display()
        );
        self.said.is_faulty = true;
        self.root.config_judged(true, faults);
        let is_wanted = reason == LookReason::Reload;
        let is_news = last.is_some();
        self.good = last.or(self.good.take());
        let good = self.good.clone().filter(|_| is_wanted || is_news);
        self.root.configured(good, is_wanted);
    }
}

/// What is wrong with the file, without its name, which stands in front.
fn complaint(error: &ConfigError) -> String {
    match error {
        ConfigError::Missing { .. } => "the configuration file is gone".to_owned(),
        ConfigError::Unreadable { source, .. } => {
            format!("the configuration cannot be read: {source}")
        }
        ConfigError::Malformed(_) => error.to_string(),
    }
}
