//! The gateway as a program: logging → the tree → signals → the exit code. The only room that knows
//! both the tree and HTTP. Called by main, and by tests that hand in a spawner of their own.

mod signals;
mod terminal;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::signals::Signals;
pub use self::terminal::complain;
use crate::cli::{Run, banner};
use crate::config;
use crate::http::{HttpEdge, HttpOptions, Limits, Rules, TokenKeeper};
use crate::process::{self, Groups, Record};
use crate::service::{Manager, Sockets};
use crate::state_dir;
use crate::supervise::Spawn;
use crate::telemetry::log as logging;
use crate::telemetry::metrics::Metrics;
use crate::tree::{self, Settings};

/// `EX_CONFIG`: the configuration is missing or wrong, or the port is taken; restarting won't help.
const MISCONFIGURED: u8 = 78;
/// `EX_SOFTWARE`: the gateway could not go on.
pub const BROKEN: u8 = 70;

/// Runs the gateway until it is told to stop, with actors started by `spawn`.
pub fn run(options: &Run, spawn: impl Spawn) -> ExitCode {
    process::keep_descriptors();
    if let Err(error) = process::unblock_signals() {
        return complain(BROKEN, &error.into());
    }
    let path = match config::locate(options.config.as_deref()) {
        Ok(path) => path,
        Err(error) => return complain(MISCONFIGURED, &error.into()),
    };
    let sockets = match Sockets::obtain(options.listen) {
        Ok(sockets) => sockets,
        Err(error) => return complain(MISCONFIGURED, &error.into()),
    };
    let rules = match Rules::for_this_machine(&options.allowed_host, &options.allowed_origin) {
        Ok(rules) => rules,
        Err(error) => return complain(MISCONFIGURED, &error.into()),
    };
    let variable = std::env::var_os("MCPROXY_TOKEN");
    let variable = variable.as_ref().map(|text| text.to_string_lossy());
    let tokens = match TokenKeeper::open(options.token_file.clone(), variable.as_deref()) {
        Ok(tokens) => tokens,
        Err(error) => return complain(MISCONFIGURED, &error.into()),
    };
    let guard = match logging::init(options.sink(), options.log_level) {
        Ok(guard) => guard,
        Err(error) => return complain(BROKEN, &error.into()),
    };
    let ground = Ground {
        path,
        sockets,
        rules,
        tokens,
        metrics: Metrics::new(guard.lines_dropped()),
    };
    let code = match serve(options, spawn, ground) {
        Ok(code) => code,
        Err(error) => {
            log::error!("{error:#}");
            complain(BROKEN, &error)
        }
    };
    guard.flush();
    code
}

/// What there must be before anything is started.
struct Ground {
    path: PathBuf,
    sockets: Sockets,
    rules: Rules,
    tokens: TokenKeeper,
    metrics: Metrics,
}

fn serve(options: &Run, spawn: impl Spawn, ground: Ground) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let code = runtime.block_on(supervise(options, spawn, ground));
    runtime.shutdown_background();
    code
}

async fn supervise(options: &Run, spawn: impl Spawn, ground: Ground) -> anyhow::Result<ExitCode> {
    let Ground {
        path,
        sockets,
        rules,
        tokens,
        metrics,
    } = ground;
    // Handlers first: a signal that comes during the start must not end the program by default.
    let signals = Signals::new().context("can't handle signals")?;
    let mut settings = Settings::new(path.clone());
    settings.state_dir = usable_state_dir(options);
    settings.command_line = options.limits.0.clone();
    settings.metrics = metrics;
    let groups = settings.groups.clone();
    let mut onlookers = JoinSet::new();
    let record = prepare(settings.state_dir.as_deref(), &groups, &mut onlookers).await;
    let http = HttpOptions {
        limits: Limits::default(),
        rules,
        tokens: tokens.tokens(),
        readiness: settings.readiness.clone(),
        metrics: settings.metrics.clone(),
    };
    for unusable in &sockets.unusable {
        log::warn!("The service manager passed what can't be served: {unusable}");
    }
    if sockets.are_passed {
        log::info!("The service manager passed the socket; --listen is not used");
    }
    let edge = HttpEdge::new(sockets.listeners, http)?;
    let addresses = edge.addresses()?;
    let (sender, notices) = mpsc::unbounded_channel();
    if let Some(style) = banner::stderr_style() {
        let hostname = banner::hostname();
        let facts = banner::Facts {
            listen: *addresses.first().context("no socket")?,
            hostname: hostname.as_deref(),
            config: &path,
        };
        terminal::show(&banner::banner(&facts, style));
        settings.notices = Some(sender);
        onlookers.spawn(terminal::show_notices(notices, style));
    }
    let manager = Arc::new(Manager::from_environment());
    let (overview, readiness) = (settings.overview.subscribe(), settings.readiness.clone());
    let tree = tree::start(settings, spawn, edge).await?;
    for address in &addresses {
        log::info!("Listening on http://{address}");
    }
    let is_open = |address: &&SocketAddr| !address.ip().to_canonical().is_loopback();
    if let Some(address) = addresses.iter().find(is_open).or(addresses.first()) {
        tokens.warn(*address);
    }
    let (told, pulse) = (Arc::clone(&manager), tree.pulse());
    onlookers.spawn(async move { told.attend(pulse, overview, readiness).await });
    let (code, is_forced) = signals::attend(tree, signals, (&manager, &tokens)).await;
    process::end_all(&groups, is_forced).await;
    drop(record);
    Ok(ExitCode::from(code))
}

/// Where state is kept, if it may be.
fn usable_state_dir(options: &Run) -> Option<PathBuf> {
    let directory = options.state_dir();
    directory.filter(|directory| state_dir::close(directory))
}

/// What comes before the first server: orphans come to us and are reaped, and what a former
/// gateway left is gone. None of it is worth not starting for.
async fn prepare(
    state_dir: Option<&Path>,
    groups: &Groups,
    onlookers: &mut JoinSet<()>,
) -> Option<Record> {
    process::keep_ignored_signals();
    if let Err(error) = process::adopt_orphans(groups) {
        log::warn!("What servers leave behind is not found for certain: {error}");
    }
    let groups_to_reap = groups.clone();
    onlookers.spawn(async {
        if let Err(error) = process::reap_orphans(groups_to_reap).await {
            log::warn!("Orphans of servers are not reaped: {error}");
        }
    });
    let state_dir = state_dir?;
    let record = Record::begin(state_dir, groups).await;
    let complain = |error| {
        log::warn!("If the gateway is killed, the next one does not end its servers: {error}");
    };
    record.map_err(complain).ok()
}
