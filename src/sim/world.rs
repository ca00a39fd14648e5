//! What all parts of a simulation share: the dice, the trace, the complaints, and the books about
//! servers. Everything random comes from the seed, by way of [`Dice`].

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::ladder::Ladders;
use crate::config::model::Config;
use crate::supervise::Fault;
use crate::tree::SessionsHandle;
use crate::tree::inside::ConfigParent;

/// Random numbers that anybody may draw through a shared reference (`SplitMix64`).
#[derive(Debug)]
pub(super) struct Dice(AtomicU64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let dice = Self(AtomicU64::new(seed));
        dice.draw();
        dice
    }

    fn draw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Dice of its own for a part that is made now.
    pub(super) fn fork(&self) -> Self {
        Self::new(self.draw())
    }

    /// One of `0..below`.
    pub(super) fn below(&self, below: u64) -> u64 {
        self.draw() % below.max(1)
    }

    /// Whether one of so many times is now.
    pub(super) fn one_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(super) fn millis(&self, below: u64) -> Duration {
        Duration::from_millis(self.below(below))
    }

    /// One of these; `None` if there are none.
    pub(super) fn pick<'a, T>(&self, from: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(from.len()).unwrap();
        from.get(usize::try_from(self.below(count)).unwrap())
    }
}

/// What happened, as a hash, and as text if somebody wants to read it.
#[derive(Debug)]
struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

#[derive(Default)]
struct Books {
    complaints: Vec<String>,
    faults: Vec<(&'static str, Fault)>,
    /// How many actors of a kind there are.
    actors: BTreeMap<&'static str, usize>,
    config: Config,
    /// How many tools a server has, if not as many as at first.
    tools: BTreeMap<String, u64>,
    root: Option<Arc<dyn ConfigParent>>,
    sessions: Option<SessionsHandle>,
}

/// How often something happened, over all seeds: proof that it was played at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) calls: u64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) cancelled: u64,
    /// Clients without a session that were asked something.
    pub(super) asked: u64,
    pub(super) lost: u64,
    pub(super) struck: u64,
    pub(super) reloads: u64,
    pub(super) launches: u64,
    /// Servers that are started on demand and were stopped.
    pub(super) slept: u64,
}

impl Tally {
    /// Whether everything that a run may hold has happened in one.
    pub(super) fn played_everything(&self) -> bool {
        let Self {
            calls,
            succeeded,
            failed,
            cancelled,
            asked,
            lost,
            struck,
            reloads,
            launches,
            slept,
        } = *self;
        let all = [
            calls, succeeded, failed, cancelled, asked, lost, struck, reloads, launches, slept,
        ];
        all.into_iter().all(|count| count > 0)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.asked += other.asked;
        self.lost += other.lost;
        self.struck += other.struck;
        self.reloads += other.reloads;
        self.launches += other.launches;
        self.slept += other.slept;
    }
}

/// The shared part of one run.
pub(super) struct World {
    pub(super) dice: Dice,
    started: Instant,
    trace: Mutex<Trace>,
    books: Mutex<Books>,
    pub(super) ladders: Mutex<Ladders>,
    tally: Mutex<Tally>,
    /// From now on nobody misbehaves any more.
    is_calm: AtomicBool,
    nonces: AtomicU64,
    strikes_on_sessions: AtomicU64,
    abandoned: AtomicUsize,
}

impl World {
    pub(super) fn new(seed: u64, is_verbose: bool) -> Self {
        Self {
            dice: Dice::new(seed),
            started: Instant::now(),
            trace: Mutex::new(Trace {
                hash: 0xcbf2_9ce4_8422_2325,
                lines: is_verbose.then(Vec::new),
            }),
            books: Mutex::default(),
            ladders: Mutex::default(),
            tally: Mutex::default(),
            is_calm: AtomicBool::new(false),
            nonces: AtomicU64::new(0),
            strikes_on_sessions: AtomicU64::new(0),
            abandoned: AtomicUsize::new(0),
        }
    }

    /// Enters in the trace that `what` happened to `whom`; `number` says what else there is to say.
    pub(super) fn note(&self, what: &'static str, whom: &str, number: u64) {
        let at = u64::try_from(self.started.elapsed().as_millis()).unwrap();
        let mut trace = self.trace.lock().unwrap();
        let words = [at, number].map(u64::to_le_bytes);
        let bytes = words.as_flattened().iter();
        for byte in bytes.chain(what.as_bytes()).chain(whom.as_bytes()) {
            trace.hash = (trace.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if let Some(lines) = &mut trace.lines {
            let line = format!("{at:>8} ms  {what} {whom} {number}");
            log::info!("{line}");
            lines.push(line);
        }
    }

    /// An invariant does not hold.
    pub(super) fn complain(&self, complaint: String) {
        self.note("COMPLAINT", &complaint, 0);
        self.books().complaints.push(complaint);
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.books().complaints.clone()
    }

    /// The hash of the trace, and its text if it was kept.
    pub(super) fn trace(&self) -> (u64, Vec<String>) {
        let trace = self.trace.lock().unwrap();
        (trace.hash, trace.lines.clone().unwrap_or_default())
    }

    pub(super) fn is_calm(&self) -> bool {
        self.is_calm.load(Ordering::Relaxed)
    }

    pub(super) fn calm_down(&self) {
        self.note("calm", "all", 0);
        self.books().faults.clear();
        self.is_calm.store(true, Ordering::Relaxed);
    }

    /// A text that no other call has.
    pub(super) fn nonce(&self, server: &str) -> String {
        let number = self.nonces.fetch_add(1, Ordering::Relaxed);
        format!("#{number}@{server}")
    }

    pub(super) fn plan(&self, kind: &'static str, how: Fault) {
        self.books().faults.push((kind, how));
    }

    /// The fault that strikes an actor of this kind now, if any.
    pub(super) fn strike(&self, kind: &'static str, name: &str) -> Option<Fault> {
        let mut books = self.books();
        let first = books.faults.iter().position(|(whom, _)| *whom == kind)?;
        let (_, how) = books.faults.swap_remove(first);
        drop(books);
        self.count(|tally| tally.struck += 1);
        self.note("strike", name, u64::from(matches!(how, Fault::Kill)));
        if kind.starts_with("session") || kind == "requests" {
            self.strikes_on_sessions.fetch_add(1, Ordering::Relaxed);
        }
        Some(how)
    }

    /// A client that is asked something does not come again: its request is held for ten minutes.
    pub(super) fn abandon(&self) {
        self.abandoned.fetch_add(1, Ordering::Relaxed);
    }

    /// How many did so.
    pub(super) fn abandoned(&self) -> usize {
        self.abandoned.load(Ordering::Relaxed)
    }

    /// How many sessions, workers for clients without one, or supervisors of them, were struck.
    pub(super) fn strikes_on_sessions(&self) -> u64 {
        self.strikes_on_sessions.load(Ordering::Relaxed)
    }

    pub(super) fn actor_started(&self, kind: &'static str) {
        *self.books().actors.entry(kind).or_default() += 1;
    }

    pub(super) fn actor_ended(&self, kind: &'static str) {
        *self.books().actors.entry(kind).or_default() -= 1;
    }

    /// How many actors of this kind there are.
    pub(super) fn actors(&self, kind: &'static str) -> usize {
        self.books().actors.get(kind).copied().unwrap_or_default()
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Tally)) {
        count(&mut self.tally.lock().unwrap());
    }

    pub(super) fn tally(&self) -> Tally {
        *self.tally.lock().unwrap()
    }

    pub(super) fn configure(&self, config: Config) {
        self.books().config = config;
    }

    pub(super) fn config(&self) -> Config {
        self.books().config.clone()
    }

    /// The tools that a server has now.
    pub(super) fn tools_of(&self, server: &str) -> impl Iterator<Item = String> + use<> {
        let count = self.books().tools.get(server).copied();
        (0..count.unwrap_or(2)).map(|number| format!("t{number}"))
    }

    pub(super) fn change_tools(&self, server: &str) {
        let count = 1 + self.dice.below(3);
        self.note("tools", server, count);
        self.books().tools.insert(server.to_owned(), count);
    }

    pub(super) fn set_root(&self, root: Arc<dyn ConfigParent>) {
        self.books().root = Some(root);
    }

    pub(super) fn root(&self) -> Option<Arc<dyn ConfigParent>> {
        self.books().root.clone()
    }

    pub(super) fn set_sessions(&self, sessions: SessionsHandle) {
        self.books().sessions = Some(sessions);
    }

    pub(super) fn sessions(&self) -> Option<SessionsHandle> {
        self.books().sessions.clone()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }
}
