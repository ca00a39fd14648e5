//! What is done to the gateway, when, and to whom: all of it follows from the seed, so that a run can be had
//! again. What clients and servers do meanwhile is theirs.

#![cfg(test)]

use std::collections::BTreeSet;
use std::time::Duration;

use fastrand::Rng;

use crate::support::chaos::How;
use crate::support::puppet::KINDS;

/// Between two strikes at most so long.
const PAUSE: u64 = 500;
/// More deaths of permanent actors in this time than root bears end the program, as they should.
const WINDOW: Duration = Duration::from_secs(31);
const BEARABLE: usize = 4;

/// One strike. `pick` names a victim among those that are there, by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// SIGKILL for a server's process.
    Kill { pick: usize },
    /// SIGSTOP, and SIGCONT so much later.
    Freeze { pick: usize, ms: u64 },
    /// An actor ends, idle.
    Actor {
        kind: &'static str,
        pick: usize,
        how: How,
    },
    /// The next actor of this kind that gets a message ends with it in its hands.
    Ambush { kind: &'static str, how: How },
    /// Root ends, and the program with it.
    Root { how: How },
    /// SIGKILL for the gateway.
    Gateway,
    /// The configuration is another.
    Edit { edit: Edit, pick: usize },
    /// The file is broken, or half of it is there, for so long.
    Break { is_torn: bool, ms: u64 },
    /// A client that is none of the steady ones.
    Guest { guest: Guest, pick: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Add,
    Remove,
    Change,
    Rename,
    Reorder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guest {
    /// Goes in the middle of its request.
    HalfRequest,
    /// Goes with calls in flight, and subscriptions, over HTTP+SSE.
    GoneFromStream,
    /// Goes with a call in flight, over Streamable HTTP.
    GoneFromPost,
    /// Ends its session with a call in flight.
    Deletes,
    /// Sends more calls than one session may have.
    FloodsCalls,
    /// Lets a server write junk, second answers and answers to nobody.
    FloodsLines,
    /// Opens hundreds of connections.
    FloodsConnections,
    /// Sends what is no HTTP, no JSON or no MCP.
    Junk,
}

/// Those that get messages often enough.
const AMBUSHED: [&str; 2] = ["config", "registry"];

const EDITS: [Edit; 5] = [
    Edit::Add,
    Edit::Remove,
    Edit::Change,
    Edit::Rename,
    Edit::Reorder,
];

const GUESTS: [Guest; 8] = [
    Guest::HalfRequest,
    Guest::GoneFromStream,
    Guest::GoneFromPost,
    Guest::Deletes,
    Guest::FloodsCalls,
    Guest::FloodsLines,
    Guest::FloodsConnections,
    Guest::Junk,
];

/// Every so many steps one of each kind is next, until each was: a run without any is none.
const DEALT: usize = 3;

/// The strikes, each with its time from the beginning; it is struck then, or as soon as the one before has.
pub(crate) fn plan(seed: u64, length: Duration) -> Vec<(Duration, Action)> {
    let mut rng = Rng::with_seed(seed);
    let mut deaths: Vec<Duration> = Vec::new();
    let (mut steps, mut at) = (Vec::new(), Duration::from_secs(1));
    let mut deck = one_of_each(&mut rng);
    rng.shuffle(&mut deck);
    while at < length {
        deaths.retain(|death| at.saturating_sub(*death) < WINDOW);
        let left = BEARABLE.saturating_sub(deaths.len());
        let dealt = deck.iter().position(|card| cost(card) <= left);
        let action = match dealt.filter(|_| steps.len() % DEALT == 0) {
            Some(card) => deck.swap_remove(card),
            None => action(&mut rng, if deck.is_empty() { left } else { 0 }),
        };
        deaths.extend(vec![at; cost(&action)]);
        steps.push((at, action));
        at += Duration::from_millis(rng.u64(20..PAUSE));
    }
    steps
}

/// How many permanent actors die of it: without its sessions the listener starts anew.
fn cost(action: &Action) -> usize {
    match action {
        Action::Actor {
            kind: "sessions", ..
        } => 2,
        Action::Actor {
            kind: "config" | "registry" | "listener",
            ..
        }
        | Action::Ambush { .. } => 1,
        Action::Actor { .. }
        | Action::Kill { .. }
        | Action::Freeze { .. }
        | Action::Root { .. }
        | Action::Gateway
        | Action::Edit { .. }
        | Action::Break { .. }
        | Action::Guest { .. } => 0,
    }
}

/// Anything that costs no more than `bearable`.
fn action(rng: &mut Rng, bearable: usize) -> Action {
    let (pick, how) = (rng.usize(..), How::ALL[rng.usize(..How::ALL.len())]);
    let action = any(rng, pick, how);
    if cost(&action) > bearable {
        Action::Kill { pick }
    } else {
        action
    }
}

/// What every run has to have had.
fn one_of_each(rng: &mut Rng) -> Vec<Action> {
    let mut pick = || rng.usize(..);
    let ms = 1_000;
    let mut deck = vec![
        Action::Kill { pick: pick() },
        Action::Freeze { pick: pick(), ms },
        Action::Gateway,
        Action::Break { is_torn: false, ms },
        Action::Break { is_torn: true, ms },
    ];
    deck.extend(EDITS.map(|edit| Action::Edit { edit, pick: pick() }));
    deck.extend(GUESTS.map(|guest| Action::Guest {
        guest,
        pick: pick(),
    }));
    let mut how = || How::ALL[rng.usize(..How::ALL.len())];
    deck.push(Action::Root { how: how() });
    deck.extend(KINDS.map(|kind| {
        let (pick, how) = (0, how());
        Action::Actor { kind, pick, how }
    }));
    deck.extend(AMBUSHED.map(|kind| Action::Ambush { kind, how: how() }));
    deck
}

fn any(rng: &mut Rng, pick: usize, how: How) -> Action {
    match rng.u32(..200) {
        0..30 => Action::Kill { pick },
        30..50 => Action::Freeze {
            pick,
            ms: rng.u64(100..3_000),
        },
        50..110 => {
            let kinds = [
                "upstream", "upstream", "session", "session", "config", "registry", "sessions",
                "listener", "requests",
            ];
            let kind = kinds[rng.usize(..kinds.len())];
            Action::Actor { kind, pick, how }
        }
        110..118 => {
            let kind = AMBUSHED[pick % AMBUSHED.len()];
            Action::Ambush { kind, how }
        }
        118..120 => Action::Root { how },
        120..126 => Action::Gateway,
        126..150 => Action::Edit {
            edit: EDITS[rng.usize(..EDITS.len())],
            pick,
        },
        150..156 => Action::Break {
            is_torn: rng.bool(),
            ms: rng.u64(300..1_500),
        },
        _ => Action::Guest {
            guest: GUESTS[rng.usize(..GUESTS.len())],
            pick,
        },
    }
}

/// What kind of strike it is, by its name in the report.
pub(crate) fn name_of(action: &Action) -> String {
    match action {
        Action::Kill { .. } => "kill".to_owned(),
        Action::Freeze { .. } => "freeze".to_owned(),
        Action::Actor { kind, .. } => format!("actor {kind}"),
        Action::Ambush { kind, .. } => format!("ambush {kind}"),
        Action::Root { .. } => "root".to_owned(),
        Action::Gateway => "gateway".to_owned(),
        Action::Edit { edit, .. } => format!("edit {edit:?}"),
        Action::Break { .. } => "break".to_owned(),
        Action::Guest { guest, .. } => format!("guest {guest:?}"),
    }
}

/// The names of all kinds.
pub(crate) fn names() -> BTreeSet<String> {
    one_of_each(&mut Rng::with_seed(0))
        .iter()
        .map(name_of)
        .collect()
}

#[test]
fn a_minute_is_enough_for_one_of_each() {
    for seed in 0..200 {
        let plan = plan(seed, Duration::from_secs(60));
        let planned: BTreeSet<String> = plan.iter().map(|(_, action)| name_of(action)).collect();
        assert_eq!(planned, names(), "seed {seed}");
    }
}

#[test]
fn the_plan_follows_from_the_seed() {
    let hour = Duration::from_secs(3_600);
    let one = plan(7, hour);
    assert_eq!(one, plan(7, hour));
    assert_ne!(one, plan(8, hour));
    assert_eq!(
        plan(7, Duration::from_secs(60)),
        one[..plan(7, Duration::from_secs(60)).len()],
        "a longer run begins as the shorter one"
    );
}
