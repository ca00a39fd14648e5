//! The figures of one server: how long its calls take, what it offers, what its processes use.

use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

use super::call_times::CallTimes;
use super::server::Server;
use super::{Counter, Gauge};

/// Seconds, which are no whole number.
type Seconds = Counter<f64, AtomicU64>;

/// The figures of one server. The default is of nobody.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// How long calls took that it was sent and that were not withdrawn.
    pub times: CallTimes,
    /// Answers that are errors.
    pub errors: Counter,
    /// Starts after the first, instances of single sessions apart.
    pub restarts: Counter,
    /// 1 while it fails again and again.
    pub crash_looping: Gauge,
    /// 1 while it does not run because nobody wants it.
    pub asleep: Gauge,
    /// What clients are offered of it.
    pub tools: Gauge,
    /// What that costs a model, in bytes and about so many tokens.
    pub tools_bytes: Gauge,
    /// As above.
    pub tools_tokens: Gauge,
    /// Its processes, with all that come from them.
    pub processes: Gauge,
    /// What they hold in memory.
    pub memory: Gauge,
    /// What they used of cores, as far as somebody looked.
    pub cpu: Seconds,
}

/// The families behind them.
#[derive(Clone, Default)]
pub(super) struct AllFigures {
    times: Family<Server, CallTimes>,
    errors: Family<Server, Counter>,
    restarts: Family<Server, Counter>,
    crash_looping: Family<Server, Gauge>,
    asleep: Family<Server, Gauge>,
    tools: Family<Server, Gauge>,
    tools_bytes: Family<Server, Gauge>,
    tools_tokens: Family<Server, Gauge>,
    processes: Family<Server, Gauge>,
    memory: Family<Server, Gauge>,
    cpu: Family<Server, Seconds>,
}

impl AllFigures {
    pub(super) fn register(to: &mut Registry) -> Self {
        let all = Self::default();
        let help = "How long the server's calls took that were not withdrawn";
        let times = all.times.clone();
        to.register_with_unit("call_duration", help, Unit::Seconds, times);
        let help = "Answers of the server that are errors";
        to.register("call_errors", help, all.errors.clone());
        let help = "Starts of the server after its first";
        to.register("server_restarts", help, all.restarts.clone());
        let help = "1 while the server fails again and again";
        to.register("server_crash_looping", help, all.crash_looping.clone());
        let help = "1 while the server does not run because nobody wants it";
        to.register("server_asleep", help, all.asleep.clone());
        let help = "Tools that clients are offered of the server";
        to.register("server_tools", help, all.tools.clone());
        let help = "What the definitions of the server's tools take";
        let bytes = all.tools_bytes.clone();
        to.register_with_unit("server_tools", help, Unit::Bytes, bytes);
        let help = "About how many tokens of a model the server's tools take";
        let tokens = all.tools_tokens.clone();
        to.register("server_tools_tokens", help, tokens);
        let help = "Processes of the server, with all that come from them";
        to.register("server_processes", help, all.processes.clone());
        let help = "Resident memory of the server's processes";
        let memory = all.memory.clone();
        to.register_with_unit("server_memory", help, Unit::Bytes, memory);
        let help = "What the server's processes used of cores, as far as it was looked at";
        to.register_with_unit("server_cpu", help, Unit::Seconds, all.cpu.clone());
        all
    }

    pub(super) fn get_or_create(&self, server: &Server) -> Figures {
        Figures {
            times: self.times.get_or_create_owned(server),
            errors: self.errors.get_or_create_owned(server),
            restarts: self.restarts.get_or_create_owned(server),
            crash_looping: self.crash_looping.get_or_create_owned(server),
            asleep: self.asleep.get_or_create_owned(server),
            tools: self.tools.get_or_create_owned(server),
            tools_bytes: self.tools_bytes.get_or_create_owned(server),
            tools_tokens: self.tools_tokens.get_or_create_owned(server),
            processes: self.processes.get_or_create_owned(server),
            memory: self.memory.get_or_create_owned(server),
            cpu: self.cpu.get_or_create_owned(server),
        }
    }

    /// Whether there are any of that server.
    pub(super) fn has(&self, server: &Server) -> bool {
        self.times.get(server).is_some()
    }

    pub(super) fn remove(&self, server: &Server) {
        self.times.remove(server);
        self.errors.remove(server);
        self.restarts.remove(server);
        self.crash_looping.remove(server);
        self.asleep.remove(server);
        self.tools.remove(server);
        self.tools_bytes.remove(server);
        self.tools_tokens.remove(server);
        self.processes.remove(server);
        self.memory.remove(server);
        self.cpu.remove(server);
    }
}
