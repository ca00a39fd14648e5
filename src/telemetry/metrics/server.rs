//! What is counted of one server, over all its lives and instances, under its name as the label.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::figures::{AllFigures, Figures};
use super::{Counter, Gauge};
use crate::ids::ServerName;

/// The counters of one server. The default counts for nobody.
#[derive(Debug, Default)]
pub struct ServerMetrics {
    /// 1 while it takes calls.
    pub up: Gauge,
    /// Spawned lives, of all instances.
    pub starts: Counter,
    /// Calls that the server answered, with a result or an error.
    pub answered: Counter,
    /// Calls without an answer in time.
    pub timed_out: Counter,
    /// Calls that their clients withdrew, or left behind.
    pub cancelled: Counter,
    /// Calls whose process ended first, or whose answer could not be used.
    pub lost: Counter,
    /// Calls that it could not take: it was busy or down.
    pub refused: Counter,
    /// Calls sent and not answered.
    pub in_flight: Gauge,
    /// Permits taken: calls that it works on, or may still.
    pub permits: Gauge,
    /// Answers to nobody.
    pub answers_dropped: Dropped,
    /// Lines of its stdout that are no message.
    pub lines_dropped: Counter,
    /// Lines of its stderr that the log was spared.
    pub stderr_lines_dropped: Counter,
    /// Notifications that found no room at a client.
    pub notifications_dropped: Counter,
    /// Log messages that may have been about another client's request.
    pub logs_withheld: Counter,
    /// URIs that were not compared with all of its templates.
    pub searches_cut: Counter,
    /// Entries of its lists that are not passed on.
    pub entries_left_out: LeftOut,
    /// Lists that could not be read.
    pub lists_unread: Unread,
    /// Tools that it defined in another way than before.
    pub definitions_changed: Counter,
    /// Its figures.
    pub figures: Figures,
}

/// Lists that could not be read, or not to their end.
#[derive(Debug, Default)]
pub struct Unread {
    /// `tools/list`.
    pub tools: Counter,
    /// `prompts/list`.
    pub prompts: Counter,
    /// `resources/list`.
    pub resources: Counter,
    /// `resources/templates/list`.
    pub templates: Counter,
}

/// Entries that clients would refuse with their whole list, by what is wrong with them.
#[derive(Debug, Default)]
pub struct LeftOut {
    /// A member is not there.
    pub missing: Counter,
    /// A value is not what it must be.
    pub wrong: Counter,
    /// A member is there twice.
    pub repeated: Counter,
    /// Readers refuse the text.
    pub unreadable: Counter,
}

/// Answers that nobody waits for, by why that is.
#[derive(Debug, Default)]
pub struct Dropped {
    /// The call was given up before: it timed out, or was cancelled.
    pub late: Counter,
    /// The call was answered before.
    pub duplicate: Counter,
    /// There was no such call.
    pub unknown: Counter,
}

const OUTCOMES: [&str; 5] = ["answered", "timeout", "cancelled", "lost", "refused"];
const DROPPED: [&str; 3] = ["late", "duplicate", "unknown"];
const LISTS: [&str; 4] = ["tools", "prompts", "resources", "templates"];
const LEFT_OUT: [&str; 4] = ["missing", "wrong", "repeated", "unreadable"];

/// The families behind them.
#[derive(Clone, Default)]
pub(super) struct Servers {
    up: Family<Server, Gauge>,
    starts: Family<Server, Counter>,
    calls: Family<OutcomeLabel, Counter>,
    in_flight: Family<Server, Gauge>,
    permits: Family<Server, Gauge>,
    answers_dropped: Family<ReasonLabel, Counter>,
    lines_dropped: Family<Server, Counter>,
    stderr_lines_dropped: Family<Server, Counter>,
    notifications_dropped: Family<Server, Counter>,
    logs_withheld: Family<Server, Counter>,
    searches_cut: Family<Server, Counter>,
    entries_left_out: Family<ReasonLabel, Counter>,
    lists_unread: Family<List, Counter>,
    definitions_changed: Family<Server, Counter>,
    figures: AllFigures,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Name(ServerName);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Server {
    server: Name,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    server: Name,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    server: Name,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct List {
    server: Name,
    list: &'static str,
}

impl EncodeLabelValue for Name {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.0.as_str())
    }
}

impl Servers {
    pub(super) fn register(to: &mut Registry) -> Self {
        let all = Self {
            figures: AllFigures::register(to),
            ..Self::default()
        };
        to.register(
            "server_up",
            "1 while the server takes calls, or sleeps until there are some",
            all.up.clone(),
        );
        let starts = all.starts.clone();
        to.register("server_starts", "Processes started for the server", starts);
        to.register("calls", "Calls, by how they ended", all.calls.clone());
        let help = "Calls sent to the server and not answered";
        to.register("calls_in_flight", help, all.in_flight.clone());
        let help = "Calls that the server works on, given up ones included";
        to.register("call_permits_in_use", help, all.permits.clone());
        let help = "Answers that nobody waits for";
        to.register("answers_dropped", help, all.answers_dropped.clone());
        let help = "Lines of the server's stdout that are no message";
        to.register("lines_dropped", help, all.lines_dropped.clone());
        let help = "Lines of the server's stderr that were kept from the log";
        let stderr = all.stderr_lines_dropped.clone();
        to.register("stderr_lines_dropped", help, stderr);
        let help = "Notifications of the server that found no room at a client";
        let notifications = all.notifications_dropped.clone();
        to.register("notifications_dropped", help, notifications);
        let help = "Log messages that several requests may have been about, and no client was sent";
        to.register("logs_withheld", help, all.logs_withheld.clone());
        let help = "URIs that were not compared with all templates of the server";
        to.register("uri_searches_cut", help, all.searches_cut.clone());
        let help = "Entries of the server's lists that clients would refuse, at each listing";
        to.register("entries_left_out", help, all.entries_left_out.clone());
        let help = "Lists of the server that could not be read, or not to their end";
        to.register("lists_unread", help, all.lists_unread.clone());
        let help = "Tools that the server defined in another way than before";
        let changed = all.definitions_changed.clone();
        to.register("tool_definitions_changed", help, changed);
        all
    }

    pub(super) fn get_or_create(&self, name: &ServerName) -> Arc<ServerMetrics> {
        let server = Server::of(name);
        let calls = |outcome| {
            self.calls
                .get_or_create_owned(&OutcomeLabel::of(name, outcome))
        };
        let dropped = |reason| {
            let label = ReasonLabel::of(name, reason);
            self.answers_dropped.get_or_create_owned(&label)
        };
        let left_out = |reason| {
            let label = ReasonLabel::of(name, reason);
            self.entries_left_out.get_or_create_owned(&label)
        };
        let unread = |list| self.lists_unread.get_or_create_owned(&List::of(name, list));
        Arc::new(ServerMetrics {
            up: self.up.get_or_create_owned(&server),
            starts: self.starts.get_or_create_owned(&server),
            answered: calls("answered"),
            timed_out: calls("timeout"),
            cancelled: calls("cancelled"),
            lost: calls("lost"),
            refused: calls("refused"),
            in_flight: self.in_flight.get_or_create_owned(&server),
            permits: self.permits.get_or_create_owned(&server),
            answers_dropped: Dropped {
                late: dropped("late"),
                duplicate: dropped("duplicate"),
                unknown: dropped("unknown"),
            },
            lines_dropped: self.lines_dropped.get_or_create_owned(&server),
            stderr_lines_dropped: self.stderr_lines_dropped.get_or_create_owned(&server),
            notifications_dropped: self.notifications_dropped.get_or_create_owned(&server),
            logs_withheld: self.logs_withheld.get_or_create_owned(&server),
            searches_cut: self.searches_cut.get_or_create_owned(&server),
            entries_left_out: LeftOut {
                missing: left_out("missing"),
                wrong: left_out("wrong"),
                repeated: left_out("repeated"),
                unreadable: left_out("unreadable"),
            },
            lists_unread: Unread {
                tools: unread("tools"),
                prompts: unread("prompts"),
                resources: unread("resources"),
                templates: unread("templates"),
            },
            definitions_changed: self.definitions_changed.get_or_create_owned(&server),
            figures: self.figures.get_or_create(&server),
        })
    }

    /// The figures of a server that is there.
    pub(super) fn figures(&self, name: &ServerName) -> Option<Figures> {
        let server = Server::of(name);
        let is_there = self.figures.has(&server);
        is_there.then(|| self.figures.get_or_create(&server))
    }

    pub(super) fn notification_dropped(&self, name: &ServerName) {
        if let Some(counter) = self.notifications_dropped.get(&Server::of(name)) {
            counter.inc();
        }
    }

    pub(super) fn search_cut(&self, name: &ServerName) -> bool {
        let counter = self.searches_cut.get(&Server::of(name));
        counter.is_some_and(|counter| counter.inc() == 0)
    }

    pub(super) fn call_refused(&self, name: &ServerName) {
        if let Some(counter) = self.calls.get(&OutcomeLabel::of(name, "refused")) {
            counter.inc();
        }
    }

    pub(super) fn remove(&self, name: &ServerName) {
        let server = Server::of(name);
        self.up.remove(&server);
        self.starts.remove(&server);
        for outcome in OUTCOMES {
            self.calls.remove(&OutcomeLabel::of(name, outcome));
        }
        self.in_flight.remove(&server);
        self.permits.remove(&server);
        for reason in DROPPED {
            self.answers_dropped.remove(&ReasonLabel::of(name, reason));
        }
        for reason in LEFT_OUT {
            self.entries_left_out.remove(&ReasonLabel::of(name, reason));
        }
        for list in LISTS {
            self.lists_unread.remove(&List::of(name, list));
        }
        self.lines_dropped.remove(&server);
        self.stderr_lines_dropped.remove(&server);
        self.notifications_dropped.remove(&server);
        self.logs_withheld.remove(&server);
        self.searches_cut.remove(&server);
        self.definitions_changed.remove(&server);
        self.figures.remove(&server);
    }
}

impl Server {
    fn of(name: &ServerName) -> Self {
        let server = Name(name.clone());
        Self { server }
    }
}

impl OutcomeLabel {
    fn of(name: &ServerName, outcome: &'static str) -> Self {
        let server = Name(name.clone());
        Self { server, outcome }
    }
}

impl List {
    fn of(name: &ServerName, list: &'static str) -> Self {
        let server = Name(name.clone());
        Self { server, list }
    }
}

impl ReasonLabel {
    fn of(name: &ServerName, reason: &'static str) -> Self {
        let server = Name(name.clone());
        Self { server, reason }
    }
}
