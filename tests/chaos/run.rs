//! One run of chaos, from the first start to the last comparison.

#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use crate::cure::{self, Needs};
use crate::driver::Driver;
use crate::end;
use crate::house::House;
use crate::judge::shown;
use crate::ledger::Ledger;
use crate::over_http;
use crate::over_modern;
use crate::over_sse;
use crate::plan::{self, plan};
use crate::steady::{Client, Stage};
use crate::world::{OWN, World};

/// Of each transport.
const CLIENTS: usize = 8;
/// Those without a session come after those with one.
pub(crate) const FIRST_MODERN: usize = 2 * CLIENTS;
const MODERN: usize = 4;
/// Every configured server is back by then, whatever was done to it.
const CURED: Duration = Duration::from_secs(60);
/// And every call that was sent before is settled.
const SETTLED: Duration = Duration::from_secs(90);
/// Calls that must work when the faults are over, before the clients leave.
const AFTERWARDS: usize = 500;

/// A run of this length has every kind of strike.
const WHOLE: Duration = Duration::from_secs(60);
/// Answers that each client has to get, a second: a tenth of what they are on a machine that does much else.
const EACH: usize = 2;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chaos() {
    let seed = number("MCPROXY_CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    let seconds = number("MCPROXY_CHAOS_SECONDS").unwrap_or(60);
    let again = format!(
        "MCPROXY_CHAOS_SEED={seed} MCPROXY_CHAOS_SECONDS={seconds} cargo test --test chaos run:: -- --nocapture"
    );
    eprintln!("chaos: {again}");
    let world = World::new();
    let house = House::open(&world.config()).await;
    let stage = Arc::new(Stage {
        addr: house.addr,
        ledger: Ledger::default(),
        names: Mutex::new(world.names()),
        is_over: AtomicBool::new(false),
    });
    let nurse = over_http::open(stage.addr).await;
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let [sse, http] = [number, CLIENTS + number].map(|n| Client::new(n, stage.clone()));
        let runtime = Handle::current();
        clients.spawn_blocking(move || runtime.block_on(over_sse::run(&sse)));
        let runtime = Handle::current();
        clients.spawn_blocking(move || runtime.block_on(over_http::run(&http)));
    }
    for number in FIRST_MODERN..FIRST_MODERN + MODERN {
        let client = Client::new(number, stage.clone());
        let runtime = Handle::current();
        clients.spawn_blocking(move || runtime.block_on(over_modern::run(&client)));
    }
    let mut driver = Driver::new(house, world, stage, nurse);
    let begun = Instant::now();
    for (at, action) in plan(seed, Duration::from_secs(seconds)) {
        driver.wait_until(begun + at).await;
        driver.strike(&action).await;
    }
    let complaints = judge(driver, clients, Duration::from_secs(seconds)).await;
    assert!(
        complaints.is_empty(),
        "{again}\n{} complaints\n{}",
        complaints.len(),
        shown(&complaints)
    );
}

/// The faults are over: what is not as it should be.
async fn judge(mut driver: Driver, mut clients: JoinSet<()>, length: Duration) -> Vec<String> {
    let mut complaints = Vec::new();
    driver.guests.join_all().await;
    driver.guests = JoinSet::new();
    driver.thaw_all();
    driver.mend();
    driver.house.signal(Signal::SIGHUP);
    complaints.extend(all_ready(&mut driver).await);
    complaints.extend(go_on(&driver, &mut clients).await);
    driver.lobby.clear().await;
    driver.nurse.delete().await;
    let Driver {
        mut house,
        world,
        stage,
        counts,
        lives,
        ..
    } = driver;
    let mut quiet = House::open(&world.config()).await;
    complaints.extend(end::compare(&mut house, &mut quiet).await);
    for (server, lives) in lives.iter().filter(|(name, _)| *name != OWN) {
        let pids = stage.ledger.pids(server);
        if pids.len() > *lives {
            complaints.push(format!("{server} had {lives} lives and {pids:?}"));
        }
    }
    complaints.extend(ended(&mut house).await);
    complaints.extend(idle(&stage, &counts, length));
    let (outcomes, judged) = stage.ledger.judge();
    eprintln!("chaos: {outcomes:?}; struck: {counts:?}");
    eprintln!("chaos: the slowest: {:#?}", stage.ledger.slowest());
    complaints.extend(judged);
    if !complaints.is_empty() {
        let now = (Instant::now(), SystemTime::now());
        for at in stage.ledger.wrong_times().into_iter().take(3) {
            eprintln!("--- the gateway around the end of a wrong call");
            let said = house.said_around(now.1 - (now.0 - at));
            said.iter().take(200).for_each(|line| eprintln!("{line}"));
        }
        house.dump();
    }
    complaints
}

/// What did not happen although it had to: a run in which little happens says nothing.
fn idle(stage: &Stage, counts: &BTreeMap<String, usize>, length: Duration) -> Vec<String> {
    let mut complaints = Vec::new();
    if length >= WHOLE {
        let struck = |kind: &String| counts.get(kind).is_some_and(|count| *count > 0);
        let missing = plan::names().into_iter().filter(|kind| !struck(kind));
        complaints.extend(missing.map(|kind| format!("never struck: {kind}")));
    }
    let seconds = usize::try_from(length.as_secs()).unwrap_or(usize::MAX);
    let answered = stage.ledger.answered_by();
    for client in 0..FIRST_MODERN + MODERN {
        let count = answered.get(&client).copied().unwrap_or_default();
        if count < seconds * EACH {
            complaints.push(format!("client {client} got only {count} answers"));
        }
    }
    let taken_back = stage.ledger.taken_back();
    eprintln!("chaos: {taken_back} calls were taken back in time");
    if taken_back < seconds {
        complaints.push(format!("only {taken_back} calls were taken back in time"));
    }
    complaints
}

async fn all_ready(driver: &mut Driver) -> Vec<String> {
    driver.cures.abort_all();
    let mut cures = JoinSet::new();
    for entry in driver.world.entries.clone() {
        let nurse = driver.nurse.clone();
        cures.spawn(async move {
            let needs = Needs::Marker(entry.marker());
            let ready = time::timeout(CURED, cure::until(&nurse, &entry.name, &needs)).await;
            ready
                .is_err()
                .then(|| format!("never ready again: {}", entry.name))
        });
    }
    cures.join_all().await.into_iter().flatten().collect()
}

/// The clients go on for a while, and then leave.
async fn go_on(driver: &Driver, clients: &mut JoinSet<()>) -> Vec<String> {
    let stage = &driver.stage;
    let before = stage.ledger.answered();
    let end = Instant::now() + SETTLED;
    let more = || stage.ledger.answered() - before;
    while more() < AFTERWARDS && Instant::now() < end {
        time::sleep(Duration::from_millis(50)).await;
    }
    stage.is_over.store(true, Ordering::SeqCst);
    let mut complaints = Vec::new();
    if more() < AFTERWARDS {
        complaints.push(format!("only {} calls afterwards", more()));
    }
    let left = async { while clients.join_next().await.is_some() {} };
    if time::timeout(SETTLED, left).await.is_err() {
        complaints.push("clients did not come to an end".to_owned());
    }
    complaints
}

/// Asked to stop, it does, and leaves nothing.
async fn ended(house: &mut House) -> Vec<String> {
    house.below();
    house.signal(Signal::SIGTERM);
    let status = house.wait_exit().await;
    let mut complaints = Vec::new();
    if status.code() != Some(0) {
        complaints.push(format!("asked to stop it ended: {status}"));
    }
    let gone = async {
        while !house.alive_of_all().is_empty() {
            time::sleep(Duration::from_millis(20)).await;
        }
    };
    if time::timeout(Duration::from_secs(2), gone).await.is_err() {
        complaints.push(format!("left behind: {:#?}", house.alive_of_all()));
    }
    complaints
}
