//! Whose turn it is on each thread: which actor handles which kind of message, or which task is polled.
//! Whoever takes a turn notes it here; the program's watchdog looks from outside of the runtime. A
//! turn costs its owner a lock that nobody else has. While no turn is taken the watchdog sleeps, and
//! whoever takes the next one wakes it.

use std::cell::{Cell, LazyCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};
use std::thread::{self, Thread};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use nix::unistd::gettid;
use pin_project_lite::pin_project;

/// Of a message: which one it is, for people. Never what it holds.
pub trait Kind {
    /// A name in the style of the code.
    fn kind(&self) -> &'static str {
        "a message"
    }
}

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    /// The kind of actor, or of task.
    pub actor: &'static str,
    /// The kind of message, or what is done.
    pub message: &'static str,
}

/// A turn that was not over when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// Who has it.
    pub turn: Turn,
    /// Which thread is in it, as the system numbers them.
    pub thread: i32,
    /// Which of that thread's turns it is.
    pub number: u64,
    /// What the thread has used of a core in its life.
    pub cpu: Duration,
}

/// The most that one turn of a kind has used of a core.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worst {
    /// While nobody else could have its worker.
    pub kept: Duration,
    /// While another thread did what else its worker had to do.
    pub aside: Duration,
}

/// A thread that takes turns.
#[derive(Debug)]
struct Seat {
    thread: i32,
    /// Counts when a turn begins and when it ends: odd while there is one. Only its thread writes it.
    number: AtomicU64,
    /// The last turn that began.
    turn: Mutex<Option<Turn>>,
}

/// Every thread that has taken a turn.
static SEATS: Mutex<Vec<Weak<Seat>>> = Mutex::new(Vec::new());
/// Who waits in [`await_next`], the first who ever did, and whether it does now.
static SLEEPER: OnceLock<Thread> = OnceLock::new();
static IS_ASLEEP: AtomicBool = AtomicBool::new(false);
/// Whether each turn's use is measured, and the most that a kind of turn has used.
static IS_MEASURED: AtomicBool = AtomicBool::new(false);
static WORST: Mutex<BTreeMap<Turn, Worst>> = Mutex::new(BTreeMap::new());

thread_local! {
    static SEAT: LazyCell<Arc<Seat>> = const { LazyCell::new(Seat::take) };
    /// What was used aside in the turn under way, if that is measured.
    static ASIDE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

pin_project! {
    /// Some work, each step of it a turn.
    // Not an `async fn`, which would keep its argument beside what it polls: as much memory again,
    // for each session and connection.
    #[derive(Debug)]
    #[must_use = "work is done when it is awaited"]
    pub struct Turns<F> {
        turn: Turn,
        #[pin]
        work: F,
    }
}

/// Does `work`, each step of it as a turn.
pub fn of<F: Future>(actor: &'static str, message: &'static str, work: F) -> Turns<F> {
    let turn = Turn { actor, message };
    Turns { turn, work }
}

impl<F: Future> Future for Turns<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _taken = Taken::new(*this.turn);
        this.work.poll(context)
    }
}

/// The turns that are under way.
#[must_use]
pub fn running() -> Vec<Running> {
    let mut seats = whole(SEATS.lock());
    seats.retain(|seat| seat.strong_count() > 0);
    let seats = seats.iter().filter_map(Weak::upgrade);
    seats.filter_map(|seat| seat.look()).collect()
}

/// Waits until a turn is taken, for so long at the most. For one thread only.
#[expect(clippy::disallowed_methods, reason = "for the watchdog's thread")]
pub fn await_next(most: Duration) {
    SLEEPER.get_or_init(thread::current);
    IS_ASLEEP.store(true, Ordering::Relaxed);
    // Whoever sat down before this look is seen by it; whoever does so after it has its seat's lock
    // after us, and sees that we sleep.
    if running().is_empty() {
        thread::park_timeout(most);
    }
    IS_ASLEEP.store(false, Ordering::Relaxed);
}

/// From now on every turn is measured, which costs it two looks at a clock of the system.
pub fn measure() {
    IS_MEASURED.store(true, Ordering::Relaxed);
}

/// Does `work`, which does not keep this thread's worker from others, and so is measured apart.
pub fn aside<T>(work: impl FnOnce() -> T) -> T {
    let begin = now_if_measured();
    let outcome = work();
    if let (Some(begin), Some(end)) = (begin, begin.and_then(|_| used())) {
        ASIDE.set(ASIDE.get() + end.saturating_sub(begin));
    }
    outcome
}

/// Does `work` as a turn on a thread that is no worker.
pub fn elsewhere<T>(actor: &'static str, message: &'static str, work: impl FnOnce() -> T) -> T {
    let _taken = Taken::new(Turn { actor, message });
    aside(work)
}

/// The most that one turn of each kind has used of a core, if that is measured.
#[must_use]
pub fn worst() -> BTreeMap<Turn, Worst> {
    whole(WORST.lock()).clone()
}

impl Seat {
    fn take() -> Arc<Self> {
        let seat = Arc::new(Self {
            thread: gettid().as_raw(),
            number: AtomicU64::new(0),
            turn: Mutex::default(),
        });
        whole(SEATS.lock()).push(Arc::downgrade(&seat));
        seat
    }

    /// Begins a turn. Returns the one that it interrupts.
    fn begin(&self, turn: Turn) -> Option<Turn> {
        let mut now = whole(self.turn.lock());
        let number = self.number.load(Ordering::Relaxed);
        let is_within = is_odd(number);
        let next = if is_within { number + 2 } else { number + 1 };
        self.number.store(next, Ordering::Relaxed);
        now.replace(turn).filter(|_| is_within)
    }

    /// Ends the turn, or goes on with the one that it interrupted.
    fn end(&self, interrupted: Option<Turn>) {
        let number = self.number.load(Ordering::Relaxed);
        if let Some(turn) = interrupted {
            let mut now = whole(self.turn.lock());
            self.number.store(number + 2, Ordering::Relaxed);
            *now = Some(turn);
        } else {
            self.number.store(number + 1, Ordering::Release);
        }
    }

    fn look(&self) -> Option<Running> {
        let now = whole(self.turn.lock());
        let number = self.number.load(Ordering::Acquire);
        let turn = now.filter(|_| is_odd(number))?;
        drop(now);
        let cpu = clock_gettime(clock_of(self.thread)).ok()?.into();
        Some(Running {
            turn,
            thread: self.thread,
            number,
            cpu,
        })
    }
}

/// A turn on this thread, until it is dropped.
struct Taken {
    turn: Turn,
    /// A turn within a turn is one of a runtime within a runtime.
    before: Option<Turn>,
    begin: Option<Duration>,
}

impl Taken {
    fn new(turn: Turn) -> Self {
        ASIDE.set(Duration::ZERO);
        let before = SEAT.try_with(|seat| seat.begin(turn)).ok().flatten();
        if IS_ASLEEP.load(Ordering::Relaxed)
            && IS_ASLEEP.swap(false, Ordering::Relaxed)
            && let Some(sleeper) = SLEEPER.get()
        {
            sleeper.unpark();
        }
        Self {
            turn,
            before,
            begin: now_if_measured(),
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let (Some(begin), Some(end)) = (self.begin, self.begin.and_then(|_| used())) {
            let aside = ASIDE.take();
            let kept = end.saturating_sub(begin).saturating_sub(aside);
            let mut worst = whole(WORST.lock());
            let worst = worst.entry(self.turn).or_default();
            worst.kept = kept.max(worst.kept);
            worst.aside = aside.max(worst.aside);
        }
        // A thread that ends has no seat.
        SEAT.try_with(|seat| seat.end(self.before)).ok();
    }
}

fn is_odd(number: u64) -> bool {
    number % 2 == 1
}

fn now_if_measured() -> Option<Duration> {
    let is_measured = IS_MEASURED.load(Ordering::Relaxed);
    is_measured.then(used).flatten()
}

/// What this thread has used of a core.
fn used() -> Option<Duration> {
    let used = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    used.ok().map(Duration::from)
}

/// The clock of the time that a thread of this process has used, as `pthread_getcpuclockid(3)` makes
/// it: the number's complement, and in the last three bits that it is one thread's and the scheduler's.
fn clock_of(thread: i32) -> ClockId {
    ClockId::from_raw((!thread << 3) | 0b110)
}

/// Nothing in here can panic half-way: what a poisoned lock guards is whole.
fn whole<'a, T>(
    lock: Result<MutexGuard<'a, T>, PoisonError<MutexGuard<'a, T>>>,
) -> MutexGuard<'a, T> {
    lock.unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn mine() -> Option<Running> {
        let me = gettid().as_raw();
        running().into_iter().find(|running| running.thread == me)
    }

    #[tokio::test]
    async fn a_turn_is_seen_while_it_lasts_and_only_then() {
        assert_eq!(mine(), None);
        let first = of("toy", "Word", async { mine() }).await.unwrap();
        let (actor, message) = (first.turn.actor, first.turn.message);
        assert_eq!((actor, message), ("toy", "Word"));
        assert_eq!(mine(), None);
        let second = of("toy", "Word", async { mine() }).await.unwrap();
        assert_ne!(first.number, second.number, "the next turn is another one");
    }

    #[test]
    fn what_is_done_elsewhere_and_aside_is_seen_too() {
        let seen = elsewhere("toy", "Elsewhere", mine).unwrap();
        assert_eq!(seen.turn.message, "Elsewhere");
        assert_eq!(mine(), None);
        let beside = elsewhere("toy", "Turn", || aside(mine)).unwrap();
        assert_eq!(beside.turn.message, "Turn");
    }

    #[tokio::test]
    async fn a_turn_that_was_interrupted_goes_on() {
        let both = of("toy", "Outer", async {
            let inner = elsewhere("toy", "Inner", mine);
            (inner.unwrap(), mine().unwrap())
        });
        let (inner, outer) = both.await;
        assert_eq!((inner.turn.message, outer.turn.message), ("Inner", "Outer"));
        assert_ne!(inner.number, outer.number);
        assert_eq!(mine(), None);
    }

    #[tokio::test]
    async fn whoever_takes_a_turn_wakes_the_one_who_waits_for_it() {
        let (tell, woken) = mpsc::channel();
        thread::spawn(move || {
            await_next(Duration::from_secs(3600));
            tell.send(()).ok();
        });
        while woken.try_recv().is_err() {
            of("toy", "Waker", async {}).await;
            thread::yield_now();
        }
    }

    #[tokio::test]
    async fn the_clock_is_that_of_the_thread() {
        let running = of("toy", "Clock", async {
            let before = used().unwrap();
            while used().unwrap() < before + Duration::from_millis(5) {}
            (before, mine().unwrap().cpu, used().unwrap())
        });
        let (before, seen, after) = running.await;
        assert!(
            before < seen && seen <= after,
            "{before:?} {seen:?} {after:?}"
        );
    }

    fn busy(millis: u64) {
        let end = used().unwrap() + Duration::from_millis(millis);
        while used().unwrap() < end {}
    }

    #[tokio::test]
    async fn the_worst_turn_of_a_kind_is_kept() {
        measure();
        for millis in [3, 1] {
            of("toy", "Measured", async {
                busy(millis);
                aside(|| busy(20));
            })
            .await;
        }
        let all = worst();
        let mut all = all.iter().filter(|(turn, _)| turn.message == "Measured");
        let (_, worst) = all.next().unwrap();
        let (kept, aside) = (worst.kept.as_millis(), worst.aside.as_millis());
        assert!((3..20).contains(&kept) && aside >= 20, "{worst:?}");
    }
}
