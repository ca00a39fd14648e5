//! The decision core against a model of its own, under random events: starts that succeed and
//! fail, crashes, timers (stale ones too), configurations, a shutdown. The model knows nothing of
//! phases; it keeps account of instances and of what is wanted, and checks every effect.

mod lost;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::book::{Book, Instance};
use super::steps::{Step, step};
use super::*;

type Id = u8;

/// Two permanent children, the second restarted with the first.
const FIRST: Id = 100;
const SECOND: Id = 101;
/// Those that come one by one.
pub(super) const ADDED: std::ops::Range<Id> = 50..54;

struct Model {
    children: Children<Id, u32>,
    now: Instant,
    ended: bool,
    wanted: BTreeMap<Id, Book>,
    live: Vec<Instance>,
    armed: Vec<(Instant, Id, Generation, ChildTimer)>,
    /// Every generation there ever was.
    known: Vec<(Id, Generation)>,
}

impl Model {
    fn new() -> Self {
        let mut model = Self {
            children: Children::new(Settings::default(), 3),
            now: Instant::now(),
            ended: false,
            wanted: BTreeMap::new(),
            live: Vec::new(),
            armed: Vec::new(),
            known: Vec::new(),
        };
        let effects = model.children.add_permanent(FIRST, 0, None);
        model.check(effects);
        let effects = model.children.add_permanent(SECOND, 0, Some(FIRST));
        model.check(effects);
        model
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Want(wanted, retry) => self.want(&wanted, retry),
            Step::Add(id, spec) => self.add(id, spec),
            Step::Remove(id) => {
                self.wanted.remove(&id);
                let effects = self.children.remove(&id);
                self.check(effects);
            }
            Step::Sleep(n) => self.sleep(n),
            Step::Wake(id, haste) => self.wake(id, haste),
            Step::Initialised(n) => self.at_work(n, false),
            Step::Ready(n) => self.at_work(n, true),
            Step::Exited(n, kind) => {
                if let Some(n) = n.checked_rem(self.live.len()) {
                    self.exit(n, kind);
                }
            }
            Step::Pass(time) => self.pass(time),
            Step::Stale(n, what) => self.stale(n, what),
            Step::ShutDown => {
                self.ended = true;
                let effects = self.children.shut_down(secs(4));
                self.check(effects);
            }
            Step::StopAll => {
                self.ended = true;
                let effects = self.children.stop_all_laddered();
                self.check(effects);
                let mut laddered = self.live.iter().filter(|i| i.id < FIRST);
                assert!(laddered.all(|i| i.asked), "all are asked to stop");
            }
        }
        self.check_that_nobody_is_lost();
    }

    fn want(&mut self, wanted: &[(Id, Option<u32>)], retry: bool) {
        let (now, mut books, mut seen) = (self.now, BTreeMap::new(), BTreeSet::new());
        let in_backoff = |id: &Id| !self.live.iter().any(|i| i.id == *id);
        let added = self.wanted.keys().filter(|id| ADDED.contains(id));
        let added: Vec<(Id, Option<u32>)> = added.map(|id| (*id, None)).collect();
        for (id, spec) in wanted.iter().chain(&added) {
            let old = self.wanted.get(id);
            if (spec.is_none() && old.is_none()) || !seen.insert(*id) {
                continue;
            }
            let fresh = |spec| Book::new(spec, now);
            let sleeps_on = |old: &Book, spec: Option<u32>| {
                old.asleep && spec.is_none_or(|spec| begin(spec) == Begin::Asleep)
            };
            let book = match (old, spec) {
                (Some(old), Some(spec)) if old.spec != *spec => Book {
                    was_started: old.was_started,
                    asleep: old.asleep && begin(*spec) == Begin::Asleep,
                    ..fresh(*spec)
                },
                (Some(old), _) if retry && in_backoff(id) && old.was_started => Book {
                    failures: 0,
                    not_before: now,
                    asleep: sleeps_on(old, *spec),
                    ..old.clone()
                },
                (Some(old), spec) => Book {
                    asleep: sleeps_on(old, *spec),
                    ..old.clone()
                },
                (None, spec) => Book {
                    asleep: begin(spec.unwrap()) == Begin::Asleep,
                    ..fresh(spec.unwrap())
                },
            };
            books.insert(*id, book);
        }
        if !self.ended {
            self.wanted = books;
        }
        let ask = |(id, spec): &(Id, Option<u32>)| {
            spec.map_or(keep(*id), |spec| run_from(*id, spec, begin(spec)))
        };
        let (_, effects) = self.children.want(wanted.iter().map(ask).collect(), retry);
        self.check(effects);
    }

    fn add(&mut self, id: Id, spec: u32) {
        let is_same = self.wanted.get(&id).is_some_and(|book| book.spec == spec);
        if !self.ended && !is_same {
            let was_asleep = self.wanted.get(&id).is_some_and(|book| book.asleep);
            let book = Book {
                asleep: was_asleep && !self.live.iter().any(|i| i.id == id),
                ..Book::new(spec, self.now)
            };
            self.wanted.insert(id, book);
        }
        let effects = self.children.add(id, spec, secs(30));
        self.check(effects);
    }

    fn sleep(&mut self, n: usize) {
        let Some(n) = n.checked_rem(self.live.len()) else {
            return;
        };
        let instance = &self.live[n];
        let (id, generation) = (instance.id, instance.generation);
        let is_ready = instance.ready.is_some() && !instance.asked;
        if let Some(book) = self.wanted.get_mut(&id).filter(|_| is_ready && !self.ended) {
            book.asleep = true;
        }
        let effects = self.children.sleep(&id, generation);
        assert_eq!(!effects.is_empty(), is_ready && id < FIRST);
        self.check(effects);
    }

    fn wake(&mut self, id: Id, haste: bool) {
        let is_live = self.live.iter().any(|i| i.id == id);
        if let Some(book) = self.wanted.get_mut(&id).filter(|_| !self.ended) {
            book.was_started |= haste && !is_live;
            book.asleep = false;
        }
        let effects = if haste {
            self.children.wake(&id)
        } else {
            self.children.rouse(&id)
        };
        self.check(effects);
    }

    fn at_work(&mut self, n: usize, is_ready: bool) {
        let Some(n) = n.checked_rem(self.live.len()) else {
            return;
        };
        let instance = &mut self.live[n];
        let (id, generation) = (instance.id, instance.generation);
        instance.slot_until = None;
        let event = if is_ready {
            if !instance.asked {
                instance.ready.get_or_insert(self.now);
                if let Some(book) = self.wanted.get_mut(&id) {
                    book.was_ready = true;
                }
            }
            Event::Ready { id, generation }
        } else {
            Event::Initialised { id, generation }
        };
        self.on(event);
    }

    fn exit(&mut self, n: usize, kind: FailureKind) {
        let gone = self.live.remove(n);
        let book = self.wanted.get_mut(&gone.id);
        if let Some(book) = book.filter(|book| gone.asked && book.asleep) {
            (book.failures, book.not_before) = (0, self.now);
        } else if !gone.asked
            && let Some(book) = self.wanted.get_mut(&gone.id)
        {
            let stable = gone.ready.is_some_and(|at| self.now - at >= secs(60));
            if stable || kind == FailureKind::Finished {
                book.failures = 0;
                book.not_before = self.now;
            } else {
                book.failures += 1;
                if kind == FailureKind::StartTimedOut && !book.was_ready {
                    book.timeouts += 1;
                }
                let step = Ladder::default().step(book.failures);
                book.not_before = self.now + step.mul_f64(0.799);
            }
        }
        self.on(Event::Exited {
            id: gone.id,
            generation: gone.generation,
            failure: failure(kind),
        });
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            self.armed.sort();
            let Some(due) = self.armed.first().filter(|t| t.0 <= until).copied() else {
                break;
            };
            self.armed.remove(0);
            let (at, id, generation, timer) = due;
            self.now = at;
            self.on(Event::TimerElapsed {
                id,
                generation,
                timer,
            });
        }
        self.now = until;
    }

    /// Sends an event of a generation that has a successor, or whose name is gone.
    fn stale(&mut self, n: usize, what: usize) {
        let Some(n) = n.checked_rem(self.known.len()) else {
            return;
        };
        let (id, generation) = self.known[n];
        let is_latest = self.known.iter().rfind(|k| k.0 == id) == Some(&(id, generation));
        if is_latest && self.children.status(&id).is_some() {
            return;
        }
        let timers = [
            ChildTimer::Backoff,
            ChildTimer::Slot,
            ChildTimer::Stop,
            ChildTimer::Stable,
        ];
        let timer = timers[what % 4];
        let event = match what % 7 {
            0 => Event::Initialised { id, generation },
            1 => Event::Ready { id, generation },
            2 => Event::Exited {
                id,
                generation,
                failure: failure(FailureKind::Exited),
            },
            _ => Event::TimerElapsed {
                id,
                generation,
                timer,
            },
        };
        let before = self.children.status(&id);
        assert_eq!(self.children.on(self.now, event.clone()), [], "{event:?}");
        assert_eq!(self.children.status(&id), before, "{event:?}");
    }

    fn on(&mut self, event: Event<Id>) {
        let effects = self.children.on(self.now, event);
        self.check(effects);
    }

    fn check(&mut self, effects: Vec<Effect<Id, u32>>) {
        for effect in effects {
            match effect {
                Effect::Spawn {
                    id,
                    generation,
                    spec,
                    start,
                } => self.check_spawn(id, generation, spec, start),
                Effect::Stop { id, generation } => self.instance(id, generation).asked = true,
                Effect::Kill { id, generation } => assert!(self.instance(id, generation).asked),
                Effect::Arm {
                    id,
                    generation,
                    timer,
                    after,
                } => self.armed.push((self.now + after, id, generation, timer)),
                Effect::Removed { id } => {
                    assert!(!self.wanted.contains_key(&id) && self.children.status(&id).is_none());
                }
                Effect::StatusChanged { id } => assert!(self.children.status(&id).is_some()),
                Effect::GiveUp { .. } => self.ended = true,
            }
        }
        let holding = |i: &&Instance| !i.asked && i.slot_until.is_some_and(|at| at > self.now);
        assert!(self.live.iter().filter(holding).count() <= 4, "start slots");
    }

    fn instance(&mut self, id: Id, generation: Generation) -> &mut Instance {
        let is_it = |i: &&mut Instance| i.id == id && i.generation == generation;
        self.live.iter_mut().find(is_it).expect("a live instance")
    }

    fn check_spawn(&mut self, id: Id, generation: Generation, spec: u32, start: Start) {
        assert!(!self.ended, "nothing is started after the end began");
        assert!(
            !self.live.iter().any(|i| i.id == id),
            "two live instances of {id}"
        );
        let newest = self.known.iter().map(|k| k.1).max();
        assert!(Some(generation) > newest, "generations only grow");
        self.known.push((id, generation));
        let mut slot_until = None;
        if id < FIRST {
            let book = self.wanted.get_mut(&id).expect("a removed child came back");
            assert_eq!(spec, book.spec, "the latest spec");
            assert!(!book.asleep, "{id} was not woken");
            assert!(self.now >= book.not_before, "the ladder is kept");
            assert_eq!(start.first, !book.was_started);
            let deadline = secs(30) * 2u32.pow(book.timeouts.min(5));
            assert_eq!(start.deadline, deadline.min(secs(300)));
            book.was_started = true;
            slot_until = start.first.then(|| self.now + secs(2));
        } else if id == SECOND {
            let is_up = |i: &Instance| i.id == FIRST && !i.asked;
            assert!(self.live.iter().any(is_up), "started after the first");
        }
        self.live.push(Instance {
            id,
            generation,
            asked: false,
            ready: None,
            slot_until,
        });
    }

    /// Peace: who was asked to stop goes, nothing fails any more, time passes.
    fn settle(mut self) {
        for _ in 0..20 {
            while let Some(n) = self.live.iter().position(|i| i.asked) {
                self.exit(n, FailureKind::Exited);
            }
            self.pass(secs(10));
            self.check_that_nobody_is_lost();
        }
        let up: BTreeSet<Id> = self
            .live
            .iter()
            .map(|i| i.id)
            .filter(|id| *id < FIRST)
            .collect();
        let awake = self.wanted.iter().filter(|(_, book)| !book.asleep);
        let wanted: BTreeSet<Id> = awake.map(|(id, _)| *id).collect();
        if self.ended {
            assert!(up.is_subset(&wanted));
        } else {
            assert_eq!(up, wanted, "in the end, who is wanted is up");
        }
    }
}

/// When a child with this spec begins.
fn begin(spec: u32) -> Begin {
    if spec == 2 { Begin::Asleep } else { Begin::Now }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_events_breaks_the_rules(steps in prop::collection::vec(step(), 1..120)) {
        let mut model = Model::new();
        for step in steps {
            model.take(step);
        }
        model.settle();
    }
}
