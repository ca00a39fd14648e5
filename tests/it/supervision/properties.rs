//! The properties that Erlang's own tests of supervisors check, on real processes; the twelfth is in `flat`.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::STEP;
use crate::crashes::House;
use crate::support::chaos::Entry;
use crate::support::client::{DEADLINE, SseClient};
use crate::support::fleet::{self, config, echo, fixture, identify, successor};
use crate::support::gateway::Gateway;
use crate::support::{http, proc, wait};

fn entry_of(name: &str) -> String {
    format!("Server '{name}'")
}

fn kill(pid: u32) {
    assert!(
        proc::send(pid, Signal::SIGKILL),
        "{pid} is there to be killed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p01_ordered_start_reverse_stop() {
    let house = House::open(config([fixture("one", &[]), fixture("two", &[])])).await;
    let client = house.client().await;
    house.identities(&client).await;
    let chaos = house.chaos.clone();
    house.close().await;

    let journal = chaos.journal();
    let spawned = |entry: &Entry| match entry {
        Entry::Spawned(kind) => Some(*kind),
        Entry::Gone(_) => None,
    };
    let starts: Vec<_> = journal.iter().filter_map(spawned).collect();
    let permanent = ["config", "registry", "sessions", "listener"];
    assert_eq!(starts[..4], permanent, "{journal:?}");
    assert_eq!(starts.iter().filter(|kind| **kind == "upstream").count(), 2);

    let gone = |kind| {
        let at = journal
            .iter()
            .rposition(|entry| *entry == Entry::Gone(kind));
        at.unwrap_or_else(|| panic!("{kind} never ended: {journal:?}"))
    };
    // Nothing watches the file any more when the rest begins to stop. Calls have their servers, then
    // clients hear that these have gone; those who know of all the others end last, both at once.
    for last in ["sessions", "registry"] {
        let order = ["config", "upstream", "session", "listener", last];
        assert!(order.is_sorted_by_key(|kind| gone(kind)), "{journal:?}");
    }
}

#[tokio::test]
async fn p02_stop_within_grace_exits_clean() {
    let (mut gateway, client) = fleet::open([fixture("obeys", &["--grandchild"])]).await;
    let identity = identify(&client, "obeys").await;
    let asked = Instant::now();
    let status = gateway.terminate().await;
    assert_eq!(status.code(), Some(0));
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "{:?}",
        asked.elapsed()
    );
    let stopped = gateway.wait_for_log("Server 'obeys' stopped", STEP).await;
    assert!(
        stopped.ends_with("stopped (exited with code 0)"),
        "{stopped}"
    );
    identity.gone(Duration::from_secs(2)).await;
}

#[tokio::test]
async fn p03_grace_exceeded_sigkill_reported_as_killed() {
    let (mut gateway, client) = fleet::open([
        fixture("deaf", &["--ignore-eof"]),
        fixture(
            "stubborn",
            &["--ignore-eof", "--ignore-term", "--grandchild"],
        ),
    ])
    .await;
    let identities = [
        identify(&client, "deaf").await,
        identify(&client, "stubborn").await,
    ];
    let asked = Instant::now();
    let status = gateway.terminate().await;
    let took = asked.elapsed();
    assert_eq!(
        status.code(),
        Some(0),
        "a server that had to be killed is no failure of ours"
    );
    assert!(
        took > Duration::from_millis(2900),
        "it had its grace: {took:?}"
    );
    assert!(took < Duration::from_secs(10), "{took:?}");
    let deaf = gateway.wait_for_log("Server 'deaf' stopped", STEP).await;
    assert!(
        deaf.ends_with("(was killed by signal 15 (SIGTERM))"),
        "{deaf}"
    );
    // By its own actor as a rule; by its supervisor where the machine is too busy for the 3 s.
    let killed = [
        "(was killed by signal 9 (SIGKILL), killed)",
        "and is killed",
    ];
    let is_reported =
        |line: &String| line.contains("'stubborn'") && killed.iter().any(|end| line.ends_with(end));
    assert!(
        gateway.logs().iter().any(is_reported),
        "{:#?}",
        gateway.logs()
    );
    for identity in identities {
        identity.gone(Duration::from_secs(2)).await;
    }
}

#[tokio::test]
async fn p04_crash_restarts_with_new_pid() {
    let (gateway, client) = fleet::open([fixture("a", &[])]).await;
    let old = identify(&client, "a").await;
    kill(old.pid);
    gateway
        .wait_for_log("Server 'a' was killed by signal 9 (SIGKILL)", STEP)
        .await;
    let new = successor(&client, "a", &old, STEP).await;
    assert_ne!(new.pid, old.pid);
    assert!(!proc::is_alive(old.pid));
    assert_eq!(gateway.children().len(), 1, "never a twin");
}

#[tokio::test]
async fn p05_clean_exit_zero_also_restarts() {
    let (gateway, client) = fleet::open([fixture("a", &[])]).await;
    let old = identify(&client, "a").await;
    let answer = fleet::Answer::of(&client.call_tool("a__exit", r#"{"code":0}"#).await);
    assert!(
        answer.is_error && answer.text.contains("exited with code 0"),
        "{answer:?}"
    );
    successor(&client, "a", &old, STEP).await;
    assert_eq!(
        super::ladder_of(&gateway, "a"),
        [],
        "its work was done: that is no failure"
    );
}

#[tokio::test]
async fn p06_disabled_server_never_restarts() {
    let clock = fixture("clock", &["--exit-at-start", "1"]);
    let off = |name, flags: &[&str]| fixture(name, flags).with("enabled", false);
    let (gateway, client) = fleet::open([
        off("never", &[]),
        fixture("runs", &[]),
        fixture("crashes", &["--exit-at-start", "1"]),
    ])
    .await;
    let runs = identify(&client, "runs").await;
    // Switched off in the middle of its ladder, and while it runs.
    gateway
        .wait_for_log("Server 'crashes' is started again", STEP)
        .await;
    let mark = gateway.log_mark();
    gateway.write_config(&config([
        off("never", &[]),
        off("runs", &[]),
        off("crashes", &["--exit-at-start", "1"]),
        clock,
    ]));
    gateway
        .wait_for_log_after(mark, "reload: +1 (clock)", STEP)
        .await;
    gateway
        .wait_for_log_after(mark, "Server 'runs' stopped", STEP)
        .await;
    runs.gone(STEP).await;
    gateway.sighup();
    // Longer than any delay of the ladder so far.
    let mark = gateway.log_mark();
    let later = "(failure 4 in a row)";
    gateway.wait_for_log_after(mark, later, STEP).await;
    let since = &gateway.logs()[mark..];
    for name in ["never", "runs", "crashes"] {
        let mentioned = since.iter().any(|line| line.contains(&entry_of(name)));
        assert!(!mentioned, "{name}: {since:#?}");
        assert_eq!(gateway.child(&format!("({name})")), None);
    }
    let answer = echo(&client, "runs", "?").await;
    assert!(
        answer.is_error && answer.text.contains("Unknown tool"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn p07_bystanders_pids_unchanged() {
    let (gateway, client) = fleet::open([
        fixture("left", &["--grandchild"]),
        fixture("victim", &[]),
        fixture("right", &[]),
    ])
    .await;
    let before = [
        identify(&client, "left").await,
        identify(&client, "right").await,
    ];
    let mut victim = identify(&client, "victim").await;
    let kill_thrice = async {
        for _ in 0..3 {
            kill(victim.pid);
            victim = successor(&client, "victim", &victim, STEP).await;
        }
    };
    let other = SseClient::connect(gateway.addr()).await;
    let mut calls = 0;
    let call_others = async {
        loop {
            for server in ["left", "right"] {
                let answer = echo(&other, server, "undisturbed").await;
                assert_eq!(
                    (answer.text.as_str(), answer.is_error),
                    ("undisturbed", false)
                );
                calls += 1;
            }
        }
    };
    tokio::select! {
        () = kill_thrice => {}
        () = call_others => unreachable!("it goes on for ever"),
    }
    assert!(
        calls > 20,
        "{calls} calls while another server died three times"
    );
    let after = [
        identify(&client, "left").await,
        identify(&client, "right").await,
    ];
    assert_eq!(after, before);
}

#[tokio::test]
async fn p08_intensity_crash_looping_state_supervisor_alive() {
    let (gateway, client) = fleet::open([
        fixture("loops", &["--exit-at-start", "3"]),
        fixture("good", &[]),
    ])
    .await;
    let good = identify(&client, "good").await;
    let looping = "Server 'loops' is crash-looping";
    gateway.wait_for_log(looping, Duration::from_secs(30)).await;
    let logs = gateway.logs();
    let said = logs.iter().position(|line| line.contains(looping));
    let fourth = logs
        .iter()
        .position(|line| line.contains("(failure 4 in a row)"));
    assert!(fourth < said, "not before the fifth: {logs:#?}");
    let times = logs.iter().filter(|line| line.contains("crash-looping"));
    assert_eq!(times.count(), 1, "said once: {logs:#?}");
    assert_eq!(identify(&client, "good").await, good);
    // Whoever supervises is well: it takes a new configuration, and the mended server runs at once.
    gateway.write_config(&config([fixture("loops", &[]), fixture("good", &[])]));
    client.next_notification(super::CHANGED, STEP).await;
    assert_eq!(echo(&client, "loops", "mended").await.text, "mended");
    assert_eq!(identify(&client, "good").await, good);
}

/// Five servers never answer `initialize`: each start hangs until its deadline, and is tried again. Meanwhile
/// what a client asks, and what only root can do, is done as fast as without them.
#[tokio::test]
async fn p09_restart_loop_hanging_in_initialize_keeps_latency_under_100ms() {
    let mute = |name| fixture(name, &["--mute"]).with("timeout", 1);
    let [m1, m2, m3, m4, m5] = ["m1", "m2", "m3", "m4", "m5"].map(mute);
    let (gateway, client) = fleet::open([m1, m2, m3, m4, m5, fixture("good", &[])]).await;
    // Its own start waits for a slot, by design.
    gateway.wait_for_log("Server 'good' started", STEP).await;
    let two_hung_starts = || super::ladder_of(&gateway, "m1").len() >= 2;
    let (most, worst) = latencies(&gateway, &client, two_hung_starts).await;

    let start = Instant::now();
    gateway.write_config(&config([fixture("good", &[]), fixture("late", &[])]));
    gateway.sighup();
    gateway.wait_for_log("reload: +1 (late)", STEP).await;
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );

    // A busy machine is slow also when nobody hangs.
    let (usual, _) = latencies(&gateway, &client, || true).await;
    let limit = Duration::from_millis(100).max(usual * 3);
    assert!(
        most < limit,
        "{most:?}, the worst {worst:?}; without them {usual:?}"
    );
    assert!(
        worst < Duration::from_millis(900),
        "a hanging start takes 1 s: {worst:?}"
    );
}

/// How long an answer takes: for 95 of 100, and at worst. At least 200 are measured, and until `is_over`.
async fn latencies(
    gateway: &Gateway,
    client: &SseClient,
    is_over: impl Fn() -> bool,
) -> (Duration, Duration) {
    let mut latencies = Vec::new();
    while latencies.len() < 200 || !is_over() {
        let start = Instant::now();
        assert_eq!(echo(client, "good", "quick").await.text, "quick");
        latencies.push(start.elapsed());
        let start = Instant::now();
        assert_eq!(http::get(gateway.addr(), "/healthz").await.status, 200);
        latencies.push(start.elapsed());
    }
    latencies.sort_unstable();
    let last = latencies.len() - 1;
    (latencies[last * 95 / 100], latencies[last])
}

#[tokio::test]
async fn p10_bad_spec_precise_error_old_config_kept() {
    let (gateway, client) = fleet::open([fixture("a", &[]), fixture("b", &[])]).await;
    let before = [identify(&client, "a").await, identify(&client, "b").await];
    // One wrong entry: it is refused alone, and what runs under its name goes on.
    let good = config([fixture("a", &[])]);
    let entry = good
        .trim_start_matches(r#"{"servers":["#)
        .trim_end_matches("]}");
    let wrong =
        format!("{{\"servers\": [\n  {entry},\n  {{ \"name\": \"b\", \"comand\": \"x\" }}\n]}}");
    gateway.write_config(&wrong);
    let error = gateway.wait_for_log("[ERROR]", STEP).await;
    for part in ["line 3", "column", "servers[1]", "'b'", "command"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // A file that can't be read as a whole changes nothing.
    let mark = gateway.log_mark();
    gateway.rename_config("{ \"servers\": [\n  { \"name\": \"a\", ");
    let error = gateway.wait_for_log_after(mark, "[ERROR]", STEP).await;
    assert!(error.contains("line 2"), "{error}");
    let after = [identify(&client, "a").await, identify(&client, "b").await];
    assert_eq!(after, before);
    // And it is taken as soon as it is mended.
    gateway.write_config(&config([fixture("b", &[])]));
    gateway.wait_for_log_after(mark, "-1 (a)", STEP).await;
    assert_eq!(identify(&client, "b").await, before[1]);
}

#[tokio::test]
async fn p11_config_change_restarts_only_changed_servers() {
    let (gateway, client) = fleet::open([
        fixture("same", &["--grandchild"]),
        fixture("changed", &[]),
        fixture("removed", &[]),
    ])
    .await;
    let same = identify(&client, "same").await;
    let changed = identify(&client, "changed").await;
    let removed = identify(&client, "removed").await;
    let saved = Instant::now();
    gateway.write_config(&config([
        fixture("added", &[]),
        fixture("changed", &[]).with("env", serde_json::json!({ "MODE": "new" })),
        fixture("same", &["--grandchild"]),
    ]));
    let line = gateway.wait_for_log("reload:", DEADLINE).await;
    assert!(
        line.ends_with("reload: +1 (added) ~1 (changed: env) -1 (removed) =1"),
        "{line}"
    );
    assert!(
        saved.elapsed() < Duration::from_secs(2),
        "{:?}",
        saved.elapsed()
    );
    let new = successor(&client, "changed", &changed, STEP).await;
    assert!(!proc::is_alive(changed.pid), "gone before {new:?} came");
    removed.gone(STEP).await;
    fleet::newcomer(&client, "added", STEP).await;
    assert_eq!(identify(&client, "same").await, same);
    wait::until("three servers", STEP, async || {
        (gateway.children().len() == 4).then_some(()) // and a grandchild
    })
    .await;
}
