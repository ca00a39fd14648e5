//! When the gateway is started again, and what signals mean meanwhile. Pure: what happens goes in, what is
//! to be done comes out.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::Instant;

use crate::program::{BROKEN, MISCONFIGURED};

/// The pause before it is started again; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A gateway that ran so long begins anew at the first pause.
const STABLE: Duration = Duration::from_secs(60);
/// It promises to end within 10 s; one that does not even do that by itself is killed.
const STOP_LIMIT: Duration = Duration::from_secs(12);
/// `EX_USAGE` of this program's: wrong arguments.
const MISUSED: u8 = 2;

/// After these it is not started again: it has stopped as asked, or would end the same way.
const FINAL: [u8; 3] = [0, MISUSED, MISCONFIGURED];

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Start,
    /// To be asked to end, as the next one comes at once.
    Restart,
    Pass(Signal),
    Kill,
    /// Nothing for now.
    Wait {
        after: ExitStatus,
        pause: Duration,
    },
    /// The holder's own exit code.
    End(u8),
}

/// Where things stand.
#[derive(Debug)]
enum Phase {
    Up {
        since: Instant,
    },
    /// Ending, to be started again.
    Restarting {
        deadline: Instant,
    },
    /// Ending for good.
    Stopping {
        deadline: Instant,
    },
    /// None runs until then.
    Down {
        until: Instant,
    },
}

/// The course of things so far.
#[derive(Debug)]
pub(super) struct Course {
    phase: Phase,
    /// How long it serves on before it stops.
    delay: Duration,
    /// In a row.
    failures: u32,
}

impl Course {
    pub(super) fn new(now: Instant, delay: Duration) -> Self {
        Self {
            phase: Phase::Down { until: now },
            delay,
            failures: 0,
        }
    }

    pub(super) fn started(&mut self, now: Instant) {
        self.phase = Phase::Up { since: now };
    }

    /// It could not be started. The pause before the next try.
    pub(super) fn failed(&mut self, now: Instant) -> Duration {
        let doublings = self.failures.min(16);
        let pause = (FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.phase = Phase::Down { until: now + pause };
        pause
    }

    pub(super) fn on_signal(&mut self, signal: Signal, now: Instant) -> Option<Step> {
        if [Signal::SIGTERM, Signal::SIGINT].contains(&signal) {
            return Some(self.on_stop(signal, now));
        }
        let is_restart = signal == Signal::SIGUSR2;
        let is_known = is_restart || signal == Signal::SIGHUP;
        match self.phase {
            Phase::Down { .. } if is_known => Some(Step::Start),
            Phase::Up { .. } if is_restart => {
                let deadline = now + STOP_LIMIT;
                self.phase = Phase::Restarting { deadline };
                Some(Step::Restart)
            }
            Phase::Up { .. } if is_known => Some(Step::Pass(signal)),
            Phase::Up { .. }
            | Phase::Down { .. }
            | Phase::Restarting { .. }
            | Phase::Stopping { .. } => None,
        }
    }

    fn on_stop(&mut self, signal: Signal, now: Instant) -> Step {
        let deadline = match self.phase {
            Phase::Down { .. } => return Step::End(0),
            Phase::Up { .. } => now + self.delay + STOP_LIMIT,
            Phase::Stopping { deadline } | Phase::Restarting { deadline } => deadline,
        };
        self.phase = Phase::Stopping { deadline };
        Step::Pass(signal)
    }

    /// The gateway has ended.
    pub(super) fn on_end(&mut self, status: ExitStatus, now: Instant) -> Step {
        let code = exit_code(status);
        match self.phase {
            Phase::Stopping { .. } => Step::End(code),
            Phase::Restarting { .. } | Phase::Down { .. } => Step::Start,
            Phase::Up { .. } if FINAL.contains(&code) => Step::End(code),
            Phase::Up { since } => {
                if now - since >= STABLE {
                    self.failures = 0;
                }
                let pause = self.failed(now);
                Step::Wait {
                    after: status,
                    pause,
                }
            }
        }
    }

    /// What is due by now.
    pub(super) fn on_time(&mut self, now: Instant) -> Option<Step> {
        match &mut self.phase {
            Phase::Down { until } if *until <= now => Some(Step::Start),
            Phase::Restarting { deadline } | Phase::Stopping { deadline } if *deadline <= now => {
                // Killed, it may still take its time to end.
                *deadline = now + STOP_LIMIT;
                Some(Step::Kill)
            }
            Phase::Up { .. }
            | Phase::Down { .. }
            | Phase::Restarting { .. }
            | Phase::Stopping { .. } => None,
        }
    }

    /// Whether the next gateway comes right after this one.
    pub(super) fn is_restarting(&self) -> bool {
        matches!(self.phase, Phase::Restarting { .. })
    }

    /// Whether this gateway is the last.
    pub(super) fn is_stopping(&self) -> bool {
        matches!(self.phase, Phase::Stopping { .. })
    }

    /// When something will be.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Up { .. } => None,
            Phase::Down { until: at }
            | Phase::Restarting { deadline: at }
            | Phase::Stopping { deadline: at } => Some(at),
        }
    }
}

/// As a shell has it: that of a killed one is 128 and its signal.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code();
    let killed = || status.signal().map(|signal| 128 + signal);
    let code = code
        .or_else(killed)
        .and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(BROKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exited(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    fn killed(signal: Signal) -> ExitStatus {
        ExitStatus::from_raw(signal as i32)
    }

    fn up(now: Instant) -> Course {
        let mut course = Course::new(now, Duration::ZERO);
        assert_eq!(course.on_time(now), Some(Step::Start));
        course.started(now);
        assert_eq!(course.deadline(), None);
        course
    }

    /// The pause after another failure at `now`, after which it is started again.
    fn fails(course: &mut Course, now: &mut Instant) -> Duration {
        let status = exited(70);
        let Step::Wait { after, pause } = course.on_end(status, *now) else {
            panic!("{course:?}");
        };
        assert_eq!(after, status);
        *now += pause.mul_f64(0.99);
        assert_eq!(course.on_time(*now), None);
        *now = course.deadline().unwrap();
        assert_eq!(course.deadline(), Some(*now));
        assert_eq!(course.on_time(*now), Some(Step::Start));
        course.started(*now);
        pause
    }

    #[test]
    fn the_pause_doubles_until_a_gateway_is_stable() {
        let mut now = Instant::now();
        let mut course = up(now);
        let mut pauses = || fails(&mut course, &mut now).as_millis();
        let seen: Vec<_> = (0..8).map(|_| pauses()).collect();
        assert_eq!(seen, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        now += STABLE.mul_f64(0.99);
        assert_eq!(fails(&mut course, &mut now), LONGEST_PAUSE);
        now += STABLE;
        assert_eq!(fails(&mut course, &mut now), FIRST_PAUSE);
        for _ in 0..100 {
            course.failed(now);
        }
        assert_eq!(course.failed(now), LONGEST_PAUSE);
    }

    #[test]
    fn what_would_end_the_same_way_is_not_started_again() {
        let now = Instant::now();
        for code in [0, 2, 78] {
            let step = up(now).on_end(exited(code), now);
            assert_eq!(step, Step::End(u8::try_from(code).unwrap()));
        }
        for status in [exited(1), exited(70), exited(255), killed(Signal::SIGTERM)] {
            let step = up(now).on_end(status, now);
            assert!(matches!(step, Step::Wait { .. }), "{status}: {step:?}");
        }
    }

    #[test]
    fn a_stop_is_passed_on_and_ends_as_the_gateway_does() {
        let now = Instant::now();
        for (status, code) in [
            (exited(0), 0),
            (exited(70), 70),
            (killed(Signal::SIGKILL), 137),
            (ExitStatus::from_raw(64), 192),
        ] {
            let mut course = up(now);
            for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGTERM] {
                assert_eq!(course.on_signal(signal, now), Some(Step::Pass(signal)));
            }
            assert_eq!(course.on_signal(Signal::SIGUSR2, now), None);
            assert_eq!(course.on_signal(Signal::SIGHUP, now), None);
            assert_eq!(course.on_end(status, now), Step::End(code));
        }
    }

    #[test]
    fn a_restart_waits_for_the_end_and_a_stop_for_that() {
        let now = Instant::now();
        let mut course = up(now);
        let hangup = Some(Step::Pass(Signal::SIGHUP));
        assert_eq!(course.on_signal(Signal::SIGHUP, now), hangup);
        assert_eq!(course.on_signal(Signal::SIGUSR2, now), Some(Step::Restart));
        assert_eq!(course.on_signal(Signal::SIGUSR2, now), None);
        assert_eq!(course.on_end(exited(0), now), Step::Start);
        course.started(now);
        assert_eq!(course.on_signal(Signal::SIGUSR2, now), Some(Step::Restart));
        let stop = Some(Step::Pass(Signal::SIGTERM));
        assert_eq!(course.on_signal(Signal::SIGTERM, now), stop);
        assert_eq!(course.on_end(exited(0), now), Step::End(0));
    }

    #[test]
    fn one_that_does_not_end_is_killed() {
        let now = Instant::now();
        for signal in [Signal::SIGTERM, Signal::SIGUSR2] {
            let mut course = up(now);
            course.on_signal(signal, now);
            let deadline = course.deadline().unwrap();
            assert_eq!(course.on_time(deadline - Duration::from_millis(1)), None);
            assert_eq!(course.on_time(deadline), Some(Step::Kill));
            assert_eq!(course.on_time(deadline), None, "once");
        }
    }

    #[test]
    fn one_that_serves_on_for_a_while_has_that_time_too() {
        let now = Instant::now();
        let delay = Duration::from_secs(30);
        for (signal, expected) in [
            (Signal::SIGTERM, delay + STOP_LIMIT),
            (Signal::SIGUSR2, STOP_LIMIT),
        ] {
            let mut course = Course::new(now, delay);
            course.started(now);
            course.on_signal(signal, now);
            assert_eq!(course.deadline(), Some(now + expected), "{signal}");
        }
    }

    #[test]
    fn while_none_runs_signals_start_one_or_end_it_all() {
        let now = Instant::now();
        for (signal, step) in [
            (Signal::SIGTERM, Step::End(0)),
            (Signal::SIGINT, Step::End(0)),
            (Signal::SIGHUP, Step::Start),
            (Signal::SIGUSR2, Step::Start),
        ] {
            let mut course = up(now);
            course.on_end(exited(70), now);
            assert_eq!(course.on_signal(Signal::SIGCHLD, now), None);
            assert_eq!(course.on_signal(signal, now), Some(step));
        }
    }
}
