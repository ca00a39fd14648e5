//! One run: the tree is started, clients come, the director does harm, everybody calms down, and
//! then everything must be as it was: every server ready, every list whole, nothing left over.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ractor::Actor;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::actors::{Door, Stage};
use super::calls::Calls;
use super::clients::{Client, hear, open_sse};
use super::world::{Tally, World};
use super::{SERVERS, is_good, is_isolated, is_on_demand};
use crate::config::model::{
    Config, Entry, Isolation, Program, Protocol, Secret, ServerSpec, Target,
};
use crate::ids::{Prefix, ServerName};
use crate::protocol::mcp::item::{self, Kind};
use crate::supervise::Fault;
use crate::tree::inside::{ConfigParent, Root, RootArgs, RootHandle, Served};
use crate::tree::{Exit, Settings};

/// Permanent actors that are struck in one run: one more, and the tree would rightly give up.
const PERMANENT: u64 = 5;
/// Ladders are climbed, cancelled calls have lost their permits.
const QUIET: Duration = Duration::from_secs(200);

/// What came of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) hash: u64,
    pub(super) lines: Vec<String>,
    pub(super) complaints: Vec<String>,
    pub(super) tally: Tally,
}

/// Plays one seed.
pub(super) fn play(seed: u64, is_verbose: bool) -> Outcome {
    fastrand::seed(seed); // the ladder's jitter
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let world = runtime.block_on(async {
        let world = Arc::new(World::new(seed, is_verbose));
        let all = timeout(Duration::from_secs(4_000), run(&world));
        if all.await.is_err() {
            world.complain("the run does not come to its end".into());
        }
        world
    });
    drop(runtime);
    let (hash, lines) = world.trace();
    Outcome {
        hash,
        lines,
        complaints: world.complaints(),
        tally: world.tally(),
    }
}

async fn run(world: &Arc<World>) {
    world.configure(config(&SERVERS.map(|name| (name, 0))));
    let (sender, exit) = watch::channel(None);
    let (spawn, frontend) = (Stage(Arc::clone(world)), Door(Arc::clone(world)));
    let args = RootArgs {
        spawner: Box::new(spawn.clone()),
        port: Box::new(Served {
            spawn: spawn.clone(),
            frontend,
        }),
        settings: Settings::new(PathBuf::from("/nowhere")),
        exit: sender,
        readings: watch::Sender::default(),
    };
    let root = spawn.wrap("root", "root".into(), Root);
    let (actor, ended) = Actor::spawn(None, root, args).await.unwrap();
    let root = RootHandle::new(actor);
    let mut clients = JoinSet::new();
    let dice = world.dice.fork();
    for _ in 0..=dice.below(2) {
        let client = Client {
            world: Arc::clone(world),
            dice: dice.fork(),
            budget: 3 + dice.below(12),
        };
        match dice.below(4) {
            0 => clients.spawn(client.over_streamable()),
            1 => clients.spawn(client.without_session()),
            _ => clients.spawn(client.over_sse()),
        };
    }
    harm(world, &root).await;
    world.calm_down();
    while let Some(outcome) = clients.join_next().await {
        if let Err(error) = outcome {
            world.complain(format!("a client: {error}"));
        }
    }
    sleep(QUIET).await;
    inspect(world).await;
    let asked = Instant::now();
    root.stop();
    ended.await.unwrap();
    let (took, verdict) = (asked.elapsed(), *exit.borrow());
    if verdict != Some(Exit::Stopped) || took > Duration::from_secs(10) {
        world.complain(format!("the stop took {took:?} and ended as {verdict:?}"));
    }
    remains(world).await;
}

/// Rewrites the configuration, has everything tried, strikes actors down.
async fn harm(world: &World, root: &RootHandle) {
    let dice = world.dice.fork();
    let mut variants: BTreeMap<&str, u32> = SERVERS.map(|name| (name, 0)).into();
    let mut present: Vec<&str> = SERVERS.to_vec();
    let mut permanent = 0;
    for _ in 0..dice.below(8) {
        sleep(dice.millis(2_500)).await;
        let how = *dice
            .pick(&[Fault::Error, Fault::Kill, Fault::Panic])
            .unwrap();
        match dice.below(8) {
            0..3 => {
                let name = ["f0", "fd", "i0", "id"][usize::try_from(dice.below(4)).unwrap()];
                if !present.contains(&name) {
                    present.push(name);
                } else if dice.one_in(2) {
                    present.retain(|other| *other != name);
                } else {
                    *variants.entry(name).or_default() += 1;
                }
                let wanted: Vec<_> = SERVERS
                    .iter()
                    .filter(|name| present.contains(name))
                    .map(|name| (*name, variants[name]))
                    .collect();
                reload(world, root, config(&wanted), Some(name));
            }
            3 => reload(world, root, world.config(), None),
            4 | 5 if permanent < PERMANENT => {
                permanent += 1;
                let kind = dice.pick(&["registry", "sessions", "requests"]).unwrap();
                world.plan(kind, how);
            }
            6 => world.plan("session", how),
            _ => world.plan("upstream", how),
        }
    }
    sleep(dice.millis(2_000)).await;
}

/// A save of the file that touches one server, or SIGHUP.
fn reload(world: &World, root: &RootHandle, config: Config, touched: Option<&str>) {
    let count = u64::try_from(config.servers.len()).unwrap();
    world.note("reload", touched.unwrap_or("all"), count);
    world.count(|tally| tally.reloads += 1);
    world.configure(config.clone());
    for server in SERVERS {
        if touched.is_none_or(|touched| touched == server) {
            world.ladders.lock().unwrap().free(server);
        }
    }
    root.configured(Some(config), touched.is_none());
}

/// Every configured server is listed, as it is, in order, and takes calls.
async fn inspect(world: &Arc<World>) {
    let Some((session, mut stream)) = open_sse(world).await else {
        return world.complain("nobody can connect any more".into());
    };
    let mut calls = Calls::new(world);
    let config = world.config();
    let names: Vec<&str> = config.servers.iter().map(|e| e.name().as_str()).collect();
    // One that sleeps cannot say that its list is another, which it may not have come to before: that is seen when it
    // wakes.
    for name in names.iter().filter(|name| is_on_demand(name)) {
        session.deliver(calls.call(name, "t0", true)).unwrap();
    }
    let soon = Instant::now() + Duration::from_secs(30);
    if !hear(&mut stream, &mut calls, soon, true).await {
        return calls.lost(None);
    }
    let list = calls.ask("tools/list", "{}");
    session.deliver(list).unwrap();
    let mut listed = None;
    while calls.awaited() > 0 && listed.is_none() {
        let next = futures_util::StreamExt::next(&mut stream);
        match timeout(Duration::from_secs(30), next).await {
            Ok(Some(event)) => listed = calls.hear(&event.message),
            Ok(None) | Err(_) => return world.complain("there is no list".into()),
        }
    }
    let page = item::page(Kind::Tools, &listed.unwrap_or_default()).unwrap();
    let listed: Vec<&str> = page.items.iter().map(item::Item::key).collect();
    let expected: Vec<String> = names
        .iter()
        .flat_map(|name| {
            world
                .tools_of(name)
                .map(move |tool| format!("{name}__{tool}"))
        })
        .collect();
    if listed != expected {
        world.complain(format!("listed are {listed:?}, offered {expected:?}"));
    }
    for name in names {
        let call = calls.call(name, "t0", true);
        session.deliver(call).unwrap();
    }
    let soon = Instant::now() + Duration::from_secs(30);
    if !hear(&mut stream, &mut calls, soon, true).await {
        return calls.lost(None);
    }
    calls.overdue();
    drop(stream);
    sleep(Duration::from_secs(15)).await;
    look_for_leftovers(world, &config);
}

/// Nobody has kept what was not his, and nothing runs that nobody has a use for.
fn look_for_leftovers(world: &Arc<World>, config: &Config) {
    for leak in world.ladders.lock().unwrap().leaks() {
        world.complain(leak);
    }
    let upstreams = world.actors("upstream") + world.actors("good upstream");
    let templates = config.servers.len();
    let names = config.servers.iter().map(|entry| entry.name().as_str());
    let awake = names.filter(|name| !is_on_demand(name)).count();
    // A session over Streamable HTTP keeps its own instance until it is idle for long.
    let most = templates + world.actors("session") + world.abandoned();
    if upstreams < awake || upstreams > most {
        world.complain(format!("{upstreams} upstreams for {templates} servers"));
    }
    let ladders = world.ladders.lock().unwrap();
    // One of a client's own may wait long for what it asked that client.
    let unused = ladders.alive().into_iter().filter(|who| who.1.is_none());
    for (who, _) in unused.filter(|who| is_on_demand(&who.0)) {
        world.complain(format!("{who:?} runs, and nobody uses it"));
    }
}

/// After the stop there is nothing.
async fn remains(world: &World) {
    sleep(Duration::from_millis(1)).await;
    for kind in [
        "upstream",
        "good upstream",
        "session",
        "requests",
        "sessions",
        "registry",
        "root",
    ] {
        let count = world.actors(kind);
        if count > 0 {
            world.complain(format!("{count} actors of kind {kind} are left"));
        }
    }
    let ladders = world.ladders.lock().unwrap();
    for who in ladders.alive() {
        world.complain(format!("a process of {who:?} is left"));
    }
}

/// A configuration of these servers, each in this variant.
fn config(servers: &[(&str, u32)]) -> Config {
    let servers = servers
        .iter()
        .map(|(name, variant)| Entry::Run(Arc::new(spec(name, *variant)), Arc::default()))
        .collect();
    Config {
        servers,
        ..Config::default()
    }
}

fn spec(name: &str, variant: u32) -> ServerSpec {
    let (isolation, server) = (is_isolated(name), ServerName::new(name).unwrap());
    ServerSpec {
        prefix: Prefix::of(&server),
        name: server,
        target: Target::Program(Program {
            command: "sim".into(),
            args: vec![Secret::new(variant.to_string())],
            ..Program::default()
        }),
        env_files: Vec::new(),
        start_timeout: Duration::from_secs(if is_good(name) { 30 } else { 6 }),
        call_timeout: Duration::from_secs(20),
        isolation: if isolation {
            Isolation::Session
        } else {
            Isolation::Shared
        },
        roots: Vec::new(),
        protocol: Protocol::Auto,
        idle_timeout: is_on_demand(name).then(|| Duration::from_millis(400)),
        is_start_unclear: false,
    }
}
