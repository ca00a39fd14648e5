//! The program: arguments → logging → the tree → signals → the exit code. The only file that
//! knows both the tree and HTTP.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use mcproxy::cli::{Cli, Run, Verb, banner, check, demo_server};
use mcproxy::config;
use mcproxy::http::{HttpEdge, HttpOptions, Limits, Rules, TokenKeeper};
use mcproxy::process::{self, Groups, Record};
use mcproxy::service::{Manager, Sockets};
use mcproxy::supervise::Plain;
use mcproxy::telemetry::log as logging;
use mcproxy::telemetry::metrics::Metrics;
use mcproxy::tree::{self, Notice, Settings, Tree};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// `EX_CONFIG`: the configuration is missing or wrong, or the port is taken; restarting won't help.
const MISCONFIGURED: u8 = 78;
/// `EX_SOFTWARE`: the gateway could not go on.
const BROKEN: u8 = 70;
/// Two signals within this time are one that was sent twice.
const SAME_SIGNAL: Duration = Duration::from_millis(250);

fn main() -> ExitCode {
    let cli = Cli::from_environment();
    match cli.verb {
        Some(Verb::DemoServer) => demo_server::run(),
        Some(Verb::Check { file }) => {
            let environment = |name: &str| std::env::var(name).ok();
            let file = file.or(cli.run.config);
            match check::run(
                file.as_deref(),
                &environment,
                &cli.run.limits.0,
                &mut io::stdout(),
            ) {
                Ok(code) => ExitCode::from(code),
                Err(error) => complain(BROKEN, &error.into()),
            }
        }
        None => run(&cli.run),
    }
}

/// Runs the gateway until it is told to stop.
fn run(options: &Run) -> ExitCode {
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
    let code = match serve(options, ground) {
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

fn serve(options: &Run, ground: Ground) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let code = runtime.block_on(supervise(options, ground));
    runtime.shutdown_background();
    code
}

async fn supervise(options: &Run, ground: Ground) -> anyhow::Result<ExitCode> {
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
    settings.state_dir = options.state_dir();
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
        show(&banner::banner(&facts, style));
        settings.notices = Some(sender);
        onlookers.spawn(show_notices(notices, style));
    }
    let manager = Arc::new(Manager::from_environment());
    let (overview, readiness) = (settings.overview.subscribe(), settings.readiness.clone());
    let tree = tree::start(settings, Plain, edge).await?;
    for address in &addresses {
        log::info!("Listening on http://{address}");
    }
    let is_open = |address: &&SocketAddr| !address.ip().to_canonical().is_loopback();
    if let Some(address) = addresses.iter().find(is_open).or(addresses.first()) {
        tokens.warn(*address);
    }
    let (told, pulse) = (Arc::clone(&manager), tree.pulse());
    onlookers.spawn(async move { told.attend(pulse, overview, readiness).await });
    let (code, is_forced) = attend(tree, signals, (&manager, &tokens)).await;
    process::end_all(&groups, is_forced).await;
    drop(record);
    Ok(ExitCode::from(code))
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
    let record = Record::begin(state_dir?, groups).await;
    let complain = |error| {
        log::warn!("If the gateway is killed, the next one does not end its servers: {error}");
    };
    record.map_err(complain).ok()
}

/// Passes signals on until the tree has ended. The second one to stop does not wait, unless it
/// comes with the first: terminals and wrappers signal a program and its group at once. The exit
/// code, and whether there was a second.
async fn attend(
    mut tree: Tree,
    signals: Signals,
    (manager, tokens): (&Manager, &TokenKeeper),
) -> (u8, bool) {
    let Signals {
        mut hangup,
        mut terminate,
        mut interrupt,
    } = signals;
    let mut stopping_since: Option<Instant> = None;
    loop {
        let stop = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        tokio::select! {
            exit = tree.wait() => return (exit.code(), false),
            _ = hangup.recv() => {
                tokens.reload();
                tree.reload();
            }
            () = stop => match stopping_since {
                None => {
                    stopping_since = Some(Instant::now());
                    manager.stopping();
                    tree.stop();
                }
                Some(since) if since.elapsed() < SAME_SIGNAL => {}
                Some(_) => {
                    log::warn!("Second signal: every server is killed, the gateway ends at once");
                    tree.kill_all();
                    return (BROKEN, true);
                }
            },
        }
    }
}

struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

async fn show_notices(mut notices: UnboundedReceiver<Notice>, style: banner::Style) {
    while let Some(notice) = notices.recv().await {
        show(&match notice {
            Notice::ServerReady { server, tools } => {
                banner::server_ready(server.as_str(), tools, style)
            }
            Notice::ServerFailed { server, why } => {
                banner::server_failed(server.as_str(), &why, style)
            }
        });
    }
}

/// Writes to the terminal; one that has gone is no reason to stop.
fn show(text: &str) {
    drop(writeln!(io::stderr(), "{}", text.trim_end()));
}

/// Says on stderr why the program ends.
fn complain(code: u8, error: &anyhow::Error) -> ExitCode {
    drop(writeln!(io::stderr(), "mcproxy: error: {error:#}"));
    ExitCode::from(code)
}
