//! What there must be before anything is started: the configuration's place, the port, who is let
//! in, the log. What is wrong with it ends the program here, with the exit code that it calls for.

use std::net::TcpListener;
use std::path::PathBuf;

use super::watchdog::{self, Workers};
use super::{BROKEN, MISCONFIGURED};
use crate::cli::Run;
use crate::config;
use crate::http::{Rules, SharedSockets, TokenKeeper};
use crate::process;
use crate::service::{Holder, Sockets};
use crate::telemetry::call_log::CallLog;
use crate::telemetry::log::{self as logging, LogGuard, Screen};
use crate::telemetry::metrics::Metrics;
use crate::tree::Signer;

/// What the tree is built on.
pub(super) struct Bootstrap {
    pub(super) path: PathBuf,
    pub(super) sockets: Vec<TcpListener>,
    pub(super) held: SharedSockets,
    pub(super) holder: Option<Holder>,
    pub(super) rules: Rules,
    pub(super) tokens: TokenKeeper,
    /// With the operator's own keys.
    pub(super) signer: Option<Signer>,
    pub(super) metrics: Metrics,
    pub(super) workers: Workers,
    /// Where the log can be seen.
    pub(super) screen: Screen,
}

/// Why the gateway can't run, and its exit code.
pub(super) struct StartError(pub(super) u8, pub(super) anyhow::Error);

impl Bootstrap {
    /// Once, at the very start, while there is but one thread. What is logged is written out when the
    /// guard ends.
    pub(super) fn lay(options: &Run) -> Result<(Self, LogGuard), StartError> {
        process::keep_descriptors();
        process::unblock_signals().map_err(broken)?;
        let holder = Holder::follow().map_err(broken)?;
        let sockets = Sockets::obtain(options.listen, holder).map_err(misconfigured)?;
        let rules = Rules::for_this_machine(&options.allowed_host, &options.allowed_origin)
            .map_err(misconfigured)?;
        let log = logging::init(options.sink(), options.log_level).map_err(broken)?;
        // Before the first file that may be on a file system which hangs.
        let workers = watchdog::start().map_err(broken)?;
        let call_log = options.call_log.as_deref().map(CallLog::at);
        let call_log = call_log.transpose().map_err(broken)?;
        let path = config::locate(options.config.as_deref()).map_err(misconfigured)?;
        let variable = std::env::var_os("MCPROXY_TOKEN");
        let variable = variable.as_ref().map(|text| text.to_string_lossy());
        let tokens = TokenKeeper::open(options.token_file.clone(), variable.as_deref())
            .map_err(misconfigured)?;
        let keys = options.session_key_file.as_deref();
        let signer = keys
            .map(Signer::of_file)
            .transpose()
            .map_err(misconfigured)?;
        for unusable in &sockets.unusable {
            log::warn!("The service manager passed what can't be served: {unusable}");
        }
        if sockets.are_passed {
            log::info!("The service manager passed the socket; --listen is not used");
        }
        let bootstrap = Self {
            path,
            sockets: sockets.listeners,
            held: sockets.are_passed.into(),
            holder,
            rules,
            tokens,
            signer,
            metrics: Metrics::new(log.lines_dropped(), call_log),
            workers,
            screen: log.screen(),
        };
        Ok((bootstrap, log))
    }
}

pub(super) fn misconfigured(error: impl Into<anyhow::Error>) -> StartError {
    StartError(MISCONFIGURED, error.into())
}

pub(super) fn broken(error: impl Into<anyhow::Error>) -> StartError {
    StartError(BROKEN, error.into())
}
