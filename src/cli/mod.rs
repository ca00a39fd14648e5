//! The command line: what `mcproxy --help` says and what it understands. [`Cli::from_environment`]
//! is called by main; the verbs live in a file each. Values are checked here, so that a typo ends
//! with a message and not with a gateway that does something else.

pub mod banner;
pub mod check;
pub mod compare;
pub mod connect;
pub mod demo_server;
pub mod healthcheck;
mod help;
pub mod import;
pub mod limits;
mod reading;
pub mod servers;
pub mod shell;
mod table;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use log::LevelFilter;

use crate::operate;
use crate::telemetry::log::{Sink, SyslogPath};
pub use limits::LimitFlags;
pub use reading::command;

/// Everything the command line and the environment said.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "mcproxy",
    version,
    about = help::ABOUT,
    long_about = help::LONG_ABOUT,
    after_help = help::SHORT_END,
    after_long_help = help::long_end(),
    max_term_width = 100,
)]
pub struct Cli {
    /// What to do; nothing means: run the gateway.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// How the gateway runs.
    #[command(flatten)]
    pub run: Run,
}

/// What to do instead of running the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Verb {
    /// Run the gateway; so does mcproxy without a command
    Run,
    /// Check a configuration file, find each command on PATH, and end with 78 on errors
    Check {
        /// The file to check; without it the one that the gateway would use
        file: Option<PathBuf>,
        /// Start each server once, as the gateway does, count its tools and end it again
        #[arg(long)]
        start: bool,
    },
    /// Add a server to the configuration file: mcproxy add NAME -- COMMAND ARGS
    #[command(long_about = help::ADD, after_help = help::ADD_END)]
    Add(servers::Addition),
    /// Remove servers from the configuration file
    #[command(long_about = help::REMOVE)]
    Remove(servers::Removal),
    /// Show what a client needs to use the gateway, or do it with --write, and see that it answers
    #[command(long_about = help::CONNECT, after_help = help::CONNECT_END)]
    Connect(connect::Connection),
    /// Make a configuration of MetaMCP's, Claude's, Cursor's, VS Code's and others' files
    #[command(long_about = help::IMPORT, after_help = help::IMPORT_END)]
    Import(import::Wish),
    /// Compare what two MCP servers list, such as MetaMCP and this gateway; end with 0 if it is the same
    #[command(long_about = help::COMPARE, after_help = help::COMPARE_END)]
    Compare(Box<compare::Comparison>),
    /// Ask the running gateway whether it is alive; end with 0 if it is, else with 1
    Healthcheck {
        /// Where it listens [default: as --listen and its variable say]
        #[arg(value_parser = values::listen)]
        addr: Option<SocketAddr>,
    },
    /// Those against a running gateway.
    #[command(flatten)]
    Operate(operate::Command),
    /// Print every limit that the file can set, with its default
    #[command(long_about = limits::table())]
    Limits,
    /// Print what a shell needs to complete commands and options
    #[command(long_about = help::COMPLETIONS)]
    Completions {
        /// The shell
        shell: shell::Shell,
    },
    /// Write the manual pages into a directory
    #[command(hide = true)]
    Man {
        /// The directory, which is made
        directory: PathBuf,
    },
    /// Run the built-in demo server on stdin and stdout, to try the gateway with
    #[command(long_about = help::DEMO_SERVER)]
    DemoServer,
}

/// The settings of the gateway, each also by environment.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// The configuration file [default: ./mcp-servers.json, else one of those that --help names]
    #[arg(
        short,
        long,
        value_name = "FILE",
        env = "MCPROXY_CONFIG",
        hide_env = true
    )]
    pub config: Option<PathBuf>,

    /// Log to stdout instead of syslog
    #[arg(
        long,
        env = "MCPROXY_LOG",
        hide_env = true,
        value_parser = values::boolean,
    )]
    pub log: bool,

    /// Where to listen: ADDRESS:PORT, or one of the two
    #[arg(
        long,
        value_name = "ADDR",
        env = "MCPROXY_LISTEN",
        hide_env = true,
        default_value = values::LISTEN,
        value_parser = values::listen,
    )]
    pub listen: SocketAddr,

    /// Hold the port in a small parent process that starts the gateway again
    #[arg(
        long,
        env = "MCPROXY_HOLD_PORT",
        hide_env = true,
        value_parser = values::boolean,
        long_help = help::HOLD_PORT,
    )]
    pub hold_port: bool,

    /// How much to log: error, warn, info, debug or trace
    #[arg(
        long,
        value_name = "LEVEL",
        env = "MCPROXY_LOG_LEVEL",
        hide_env = true,
        default_value = "info",
        hide_possible_values = true,
        ignore_case = true,
        value_parser = values::level(),
    )]
    pub log_level: LevelFilter,

    /// Where the servers' catalogues are kept between two starts.
    #[arg(
        long,
        value_name = "DIR",
        env = "MCPROXY_STATE_DIR",
        hide_env = true,
        help = help::STATE_DIR
    )]
    state_dir: Option<PathBuf>,

    /// A DNS name under which clients may reach the gateway (repeat it, or separate by commas)
    #[arg(
        long,
        value_name = "NAME",
        env = "MCPROXY_ALLOWED_HOST",
        hide_env = true,
        value_delimiter = ',',
        long_help = help::ALLOWED_HOST,
    )]
    pub allowed_host: Vec<String>,

    /// An origin whose web pages may use the gateway (repeat it, or separate by commas)
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "MCPROXY_ALLOWED_ORIGIN",
        hide_env = true,
        value_delimiter = ',',
        long_help = help::ALLOWED_ORIGIN,
    )]
    pub allowed_origin: Vec<String>,

    /// A file with the tokens that let clients in, one per line
    #[arg(
        long,
        value_name = "FILE",
        env = "MCPROXY_TOKEN_FILE",
        hide_env = true,
        long_help = help::TOKEN_FILE,
    )]
    pub token_file: Option<PathBuf>,

    /// A file with the keys of the session ids, for gateways that take up each other's sessions
    #[arg(
        long,
        value_name = "FILE",
        env = "MCPROXY_SESSION_KEY_FILE",
        hide_env = true,
        hide_short_help = true,
        long_help = help::SESSION_KEY_FILE,
    )]
    pub session_key_file: Option<PathBuf>,

    /// Record each call in this file, or with 'log' in the log: who, what, how it ended, how long it took
    #[arg(
        long,
        value_name = "FILE",
        env = "MCPROXY_CALL_LOG",
        hide_env = true,
        long_help = help::CALL_LOG,
    )]
    pub call_log: Option<PathBuf>,

    /// The socket of syslogd, where it is not /dev/log or /var/run/syslog
    #[arg(
        long,
        value_name = "PATH",
        env = "MCPROXY_SYSLOG_SOCKET",
        hide_env = true,
        hide_short_help = true
    )]
    syslog_socket: Option<PathBuf>,

    /// What the gateway, its clients and its servers may take.
    #[command(flatten)]
    pub limits: LimitFlags,
}

impl Run {
    /// Where the log goes.
    #[must_use]
    pub fn sink(&self) -> Sink {
        if self.log {
            return Sink::Stdout;
        }
        let path = self.syslog_socket.clone().map(SyslogPath::at);
        Sink::Syslog(path.unwrap_or_default())
    }

    /// Where the gateway listens: as the setting says; where that is the default, as the one that is `running` does.
    #[must_use]
    pub fn listens(&self, running: impl FnOnce() -> Option<SocketAddr>) -> SocketAddr {
        if self.listen.to_string() != values::LISTEN {
            return self.listen;
        }
        running().unwrap_or(self.listen)
    }

    /// The directory for what outlives a restart; it may not exist yet. `None` where neither a
    /// setting nor a home directory names one: the gateway then keeps nothing.
    #[must_use]
    pub fn state_dir(&self) -> Option<PathBuf> {
        state_dir(self.state_dir.as_deref(), &|name| std::env::var_os(name))
    }
}

/// `--state-dir`, else systemd's `STATE_DIRECTORY` (the first, where it lists several by colons),
/// else `mcproxy` under `XDG_STATE_HOME` (an absolute path, or it does not count, as its
/// specification says) or under `~/.local/state`.
#[must_use]
pub fn state_dir(
    explicit: Option<&Path>,
    env: &dyn Fn(&str) -> Option<OsString>,
) -> Option<PathBuf> {
    let set = |name| env(name).filter(|value| !value.is_empty());
    if let Some(directory) = explicit {
        return Some(directory.to_owned());
    }
    if let Some(list) = set("STATE_DIRECTORY") {
        return std::env::split_paths(&list).next();
    }
    let state_home = set("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(set("HOME")?).join(".local/state")))?;
    Some(state_home.join("mcproxy"))
}

#[cfg(test)]
mod tests;
