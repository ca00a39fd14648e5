//! The watchdog is fed at half of its time, as long as every part of the tree answers; one that is stuck ends
//! that, one that is restarted does not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mcproxy::service::Manager;
use mcproxy::tree::Part;
use nix::sys::signal::Signal;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Mailbox, SOON};
use crate::crashes::House;
use crate::support::chaos::How;
use crate::support::fleet::{config, fixture};
use crate::support::gateway::{Gateway, GatewayOptions};

const FOOD: &str = "WATCHDOG=1";
/// The watchdog's time, in the program and in the house of the test.
const LONG: Duration = Duration::from_secs(2);
const SHORT: Duration = Duration::from_millis(400);

fn options(manager: &Mailbox) -> GatewayOptions {
    let options = GatewayOptions::new(config([fixture("one", &[])]));
    let options = options.env("NOTIFY_SOCKET", manager.name());
    options.env("WATCHDOG_USEC", &LONG.as_micros().to_string())
}

#[tokio::test]
async fn it_is_fed_twice_in_its_time() {
    let mut manager = Mailbox::open();
    let _gateway = Gateway::start(options(&manager)).await;
    let mut times = Vec::new();
    for _ in 0..5 {
        times.push(manager.next_of(FOOD).await.0);
    }
    for pair in times.windows(2) {
        let gap = pair[1] - pair[0];
        assert!(gap < LONG, "{gap:?}: it would have bitten");
    }
    let all = times[4] - times[0];
    assert!(all > LONG * 2 * 9 / 10, "{all:?}: too often");
}

#[tokio::test]
async fn a_stopped_gateway_feeds_nothing_and_goes_on_afterwards() {
    let mut manager = Mailbox::open();
    let gateway = Gateway::start(options(&manager)).await;
    manager.next_of(FOOD).await;
    gateway.signal(Signal::SIGSTOP);
    manager.read_all();
    let fed = timeout(LONG * 2, manager.mail.recv()).await;
    gateway.signal(Signal::SIGCONT);
    fed.expect_err("nobody is there to feed it");
    manager.next_of(FOOD).await;
    manager.next_of(FOOD).await;
}

#[tokio::test]
async fn another_process_of_the_same_service_feeds_it_not() {
    let mut manager = Mailbox::open();
    let other = options(&manager).env("WATCHDOG_PID", "1");
    let mut gateway = Gateway::start(other).await;
    manager.next_status("1 server ready, 0 sessions").await;
    // The first meal would come with the first word.
    gateway.terminate().await;
    let mail = manager.read_all();
    assert!(!mail.iter().any(|text| text == FOOD), "{mail:?}");
}

/// A house of this process, and its manager.
struct Fed {
    house: House,
    mailbox: Mailbox,
    _manager: JoinSet<()>,
}

impl Fed {
    async fn open() -> Self {
        let mailbox = Mailbox::open();
        let mut watched = None;
        let house = House::open_with(config([fixture("one", &[])]), |settings| {
            watched = Some(settings.readiness.clone());
        })
        .await;
        let name = mailbox.name.clone();
        let manager = Arc::new(Manager::new(&|variable| match variable {
            "NOTIFY_SOCKET" => Some(name.clone()),
            "WATCHDOG_USEC" => Some(SHORT.as_micros().to_string().into()),
            _ => None,
        }));
        let readiness = watched.expect("it was opened");
        let (pulse, status) = (house.tree.pulse(), house.tree.status());
        let readings = house.tree.readings();
        let mut task = JoinSet::new();
        task.spawn(async move { manager.attend(pulse, status, readings, readiness).await });
        let mut fed = Self {
            house,
            mailbox,
            _manager: task,
        };
        fed.mailbox.next_of(FOOD).await;
        fed
    }

    /// Who does not answer within the watchdog's time.
    async fn missing(&self, deadline: Duration) -> BTreeSet<Part> {
        let mut late = None;
        let pulse = self.house.tree.pulse();
        tokio::select! {
            () = pulse.round(deadline, |missing| late = Some(missing.clone())) => {}
            // It goes on for ever; the clock of its deadline has struck by then.
            () = tokio::time::sleep(deadline * 2) => {}
        }
        late.unwrap_or_default()
    }

    /// Nobody is fed while these are stuck.
    async fn starves(&mut self, stuck: &[Part]) {
        let stuck = stuck.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(self.missing(SHORT).await, stuck);
        self.mailbox.read_all();
        assert_eq!(self.missing(SHORT * 2).await, stuck);
        let mail = self.mailbox.read_all();
        assert!(!mail.iter().any(|text| text == FOOD), "{stuck:?}: {mail:?}");
    }

    async fn eats_again(mut self) {
        self.mailbox.next_of(FOOD).await;
        self.mailbox.next_of(FOOD).await;
        assert_eq!(self.missing(SOON).await, BTreeSet::new());
        self.house.close().await;
    }
}

/// Stuck in a handler, healed by its death: root starts another.
async fn stuck(kind: &'static str, parts: &[Part]) {
    let mut fed = Fed::open().await;
    fed.house.chaos.hang(kind).await;
    fed.starves(parts).await;
    fed.house.chaos.strike(kind, How::Kill).await;
    fed.eats_again().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_config_actor_starves_it() {
    stuck("config", &[Part::Config]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_registry_starves_it() {
    stuck("registry", &[Part::Registry]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_supervisor_of_sessions_starves_it() {
    stuck("sessions", &[Part::Sessions]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stuck_listener_starves_it() {
    // It passes no beat on either.
    stuck("listener", &[Part::Listener, Part::AcceptLoop]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stuck_root_starves_it() {
    let mut fed = Fed::open().await;
    fed.house.chaos.stall("registry");
    fed.house.chaos.strike("registry", How::Kill).await;
    let all = [
        Part::Root,
        Part::Config,
        Part::Registry,
        Part::Sessions,
        Part::Listener,
        Part::AcceptLoop,
    ];
    fed.starves(&all).await;
    fed.house.chaos.go_on();
    fed.eats_again().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_that_root_restarts_do_not() {
    let fed = Fed::open().await;
    for (kind, how) in [
        ("config", How::Panic),
        ("registry", How::Error),
        ("sessions", How::Kill),
        ("listener", How::Panic),
    ] {
        fed.house.chaos.strike(kind, how).await;
        assert_eq!(fed.missing(SOON).await, BTreeSet::new(), "{kind}");
    }
    fed.eats_again().await;
}
