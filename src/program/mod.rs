//! The gateway as a program: logging → the tree → signals → the exit code. The only room that knows
//! both the tree and HTTP. Called by main, and by tests that hand in a spawner of their own. `holder`
//! is another program: the gateway's parent, which holds its port.

mod bootstrap;
mod costs;
mod holder;
mod memory;
mod signals;
mod terminal;
mod trial;
mod watchdog;

use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::{self, Handle};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

use self::bootstrap::{Bootstrap, StartError};
pub use self::costs::last_seen;
pub use self::holder::hold;
use self::signals::Signals;
use self::terminal::Terminal;
pub use self::terminal::complain;
pub use self::trial::trial;
use crate::cli::Run;
use crate::control::{self, ControlSocket};
use crate::http::{HttpFrontend, HttpOptions, Times, Tokens};
use crate::process::{self, Groups, Record};
use crate::service::Manager;
use crate::state_dir::{Configuration, StateDir};
use crate::supervise::Spawn;
use crate::telemetry::call_log::CallLog;
use crate::tree::{self, Settings};
use crate::turn;

/// `EX_CONFIG`: the configuration is missing or wrong, or the port is taken; restarting won't help.
const MISCONFIGURED: u8 = 78;
/// `EX_SOFTWARE`: the gateway could not go on.
pub const BROKEN: u8 = 70;

/// Workers on a machine with one core: while a handler is busy, the system still shares the core with the
/// rest. More of them than cores wake each other at each call.
const LEAST_WORKERS: usize = 2;

/// How long a thread that did what may block stays for more: each keeps a stack.
const SPARE: Duration = Duration::from_secs(2);

/// How long the end of the program waits for records of calls that are not written yet.
const FLUSH: Duration = Duration::from_secs(1);

/// Set by the benchmark: every turn of an actor is measured, and `/metrics` has the worst of each kind.
const MEASURE: &str = "MCPROXY_MEASURE_TURNS";

/// Runs the gateway until it is told to stop, with actors started by `spawn`.
pub fn run(options: &Run, spawn: impl Spawn) -> ExitCode {
    // Dropped last: whatever is logged until then is written out.
    let (bootstrap, _log) = match Bootstrap::lay(options) {
        Ok(laid) => laid,
        Err(StartError(code, error)) => return complain(code, &error),
    };
    let screen = bootstrap.screen.clone();
    serve(options, spawn, bootstrap).unwrap_or_else(|error| {
        log::error!("{error:#}");
        if screen.is_shown() {
            return ExitCode::from(BROKEN);
        }
        complain(BROKEN, &error)
    })
}

fn serve(options: &Run, spawn: impl Spawn, bootstrap: Bootstrap) -> anyhow::Result<ExitCode> {
    if std::env::var_os(MEASURE).is_some() {
        turn::measure();
    }
    memory::start()?;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(cores.max(LEAST_WORKERS))
        .thread_keep_alive(SPARE)
        .enable_all()
        .build()?;
    bootstrap.workers.are(runtime.handle());
    let (terminal, written) = Terminal::beside(bootstrap.screen.clone())?;
    let metrics = bootstrap.metrics.clone();
    let code = runtime.block_on(supervise((options, terminal), spawn, bootstrap));
    runtime.shutdown_background();
    if let Some(log) = metrics.call_log() {
        log.finish(FLUSH);
    }
    terminal::finish(&written);
    code
}

async fn supervise(
    (options, terminal): (&Run, Terminal),
    spawn: impl Spawn,
    bootstrap: Bootstrap,
) -> anyhow::Result<ExitCode> {
    let mut settings = Settings::new(bootstrap.path);
    // Handlers first: a signal that comes during the start must not end the program by default.
    let (groups, delay) = (settings.groups.clone(), settings.shutdown_delay.clone());
    let signals = Signals::watch(groups.clone(), delay, bootstrap.holder.is_some());
    let mut signals = signals.context("can't handle signals")?;
    let tokens = bootstrap.tokens;
    settings.command_line = options.limits.given.clone();
    settings.metrics = bootstrap.metrics;
    settings.signer = bootstrap.signer;
    let call_log = settings.metrics.call_log().cloned();
    signals.renews(call_log.as_ref(), settings.signer.as_ref());
    let mut background = JoinSet::new();
    if let Some(log) = call_log {
        background.spawn(name_tokens(log, tokens.tokens()));
    }
    let first = bootstrap.sockets.first().map(TcpListener::local_addr);
    let prepared = prepare(settings, options.state_dir(), first.transpose()?);
    let Some(prepared) = signals.unless_stopped(prepared, &tokens).await else {
        return Ok(ExitCode::SUCCESS);
    };
    let (mut settings, record, control) = prepared?;
    background.spawn(reap(groups.clone()));
    let readiness = settings.readiness.clone();
    let http = HttpOptions {
        times: Times::default(),
        rules: bootstrap.rules,
        tokens: tokens.tokens(),
        readiness: readiness.clone(),
        metrics: settings.metrics.clone(),
        held: bootstrap.held.clone(),
    };
    let door = control
        .as_ref()
        .map(|control| signals.door(control, &settings));
    let frontend = HttpFrontend::new(bootstrap.sockets, http)?.with_control(door);
    let addresses: Vec<SocketAddr> = frontend.addresses()?;
    settings.notices = terminal::attend(
        &terminal,
        (&addresses, &settings.config_path),
        &mut background,
    );
    let manager = Arc::new(Manager::from_environment());
    let tree = tree::start(settings, spawn, frontend).await?;
    for address in &addresses {
        log::info!("Listening on http://{address}");
    }
    tokens.warn(&addresses);
    if let Some(line) = options.limits.deprecation() {
        log::warn!("{line}");
    }
    let (pulse, status, readings) = (tree.pulse(), tree.status(), tree.readings());
    let told = Arc::clone(&manager);
    background.spawn(async move { told.attend(pulse, status, readings, readiness).await });
    let (code, is_forced) = signals
        .attend(tree, (&manager, &tokens, &bootstrap.held))
        .await;
    process::end_all(&groups, is_forced).await;
    drop((record, control));
    Ok(ExitCode::from(code))
}

async fn reap(groups: Groups) {
    if let Err(error) = process::reap_orphans(groups).await {
        log::warn!("Orphans of servers are not reaped: {error}");
    }
}

/// Tells the log of calls what tokens are called, now and after each change.
async fn name_tokens(log: CallLog, mut tokens: watch::Receiver<Tokens>) {
    loop {
        log.name_tokens(tokens.borrow_and_update().names());
        if tokens.changed().await.is_err() {
            return;
        }
    }
}

/// Commands are worth no start either.
fn open_control(state_dir: Option<&Path>, name: &str) -> Option<ControlSocket> {
    let places = control::places(&|name| std::env::var_os(name), state_dir);
    let complain = |why| {
        log::warn!("Without a control socket 'mcproxy status' and its kin find no gateway: {why}");
    };
    let bound = control::bind(&places, name).map_err(complain).ok()?;
    log::debug!("control socket: {}", bound.path().display());
    Some(bound)
}

/// What comes before the first server: orphans come to us, the state directory is ours, and what a
/// former gateway left is gone. None of it is worth not starting for. Beside the workers and whoever
/// waits for it, for a file system may hang.
fn prepare(
    mut settings: Settings,
    state_dir: Option<PathBuf>,
    address: Option<SocketAddr>,
) -> JoinHandle<(Settings, Option<Record>, Option<ControlSocket>)> {
    spawn_blocking(move || {
        process::keep_ignored_signals();
        if let Err(error) = process::adopt_orphans(&settings.groups) {
            log::warn!("What servers leave behind is not found for certain: {error}");
        }
        let of = Configuration::at(&settings.config_path);
        settings.keep_state_in(state_dir.and_then(|path| StateDir::open(&path, &of)));
        let record = settings.state_dir.as_ref().and_then(|state_dir| {
            let record = Record::begin(state_dir, &settings.groups);
            let complain = |error| {
                log::warn!(
                    "If the gateway is killed, the next one does not end its servers: {error}"
                );
            };
            Handle::current().block_on(record).map_err(complain).ok()
        });
        let state_dir = settings.state_dir.as_ref().map(StateDir::path);
        let control = address.and_then(|address| open_control(state_dir, &control::name(address)));
        (settings, record, control)
    })
}
