//! Memory goes back to the system after a burst. The C library's allocator keeps what each thread has
//! freed for the next time, hundreds of MiB after a burst; a thread outside of the runtime asks for it
//! back once there is more than before and no more is being taken. And threads share what they keep
//! with others, of which there are as many as processors. Other allocators were measured: they
//! give more back sooner, and take more while nothing happens, or need more to be built.
//!
//! Code goes back too: nearly all of the program is in memory after its start, of which little is run again. The
//! system reads it from the program's file, or has it there still, when it is. (Not in debug builds: theirs is many
//! times as large, and would hide what tests weigh.)

use std::ffi::c_void;
use std::fs;
use std::io;
use std::num::NonZero;
use std::ptr::NonNull;
use std::thread;
use std::time::Duration;

use nix::sys::mman::{MmapAdvise, madvise};

/// How often it looks: one line of `/proc`.
const TICK: Duration = Duration::from_secs(1);
/// Between two trims: who is at work takes back what was given.
const REST: Duration = Duration::from_secs(5);
/// In pages; a mebibyte. For less no heap is looked through.
const LITTLE: u64 = 256;
/// After so many looks the start is over.
const STARTED: u32 = 5;

/// Set by tests: a file that has every second how much is in use. What is resident is more: the allocator's
/// own too, which grows for a while with how what lives is strewn over it.
const MEASURE: &str = "MCPROXY_MEASURE_MEMORY";

/// Starts the thread, which ends with the process. Call it before there are many others.
#[expect(clippy::disallowed_methods, reason = "the thread's own wait")]
pub(super) fn start() -> io::Result<()> {
    share();
    let measured = std::env::var_os(MEASURE);
    let thread = thread::Builder::new().name("memory".to_owned());
    thread.spawn(move || {
        let (mut level, mut looks) = (Level::default(), 0);
        while let Some(data) = data() {
            let mut pause = TICK;
            looks = STARTED.min(looks) + 1;
            if level.is_trim_due(data) {
                trim();
                let_code_go();
                level.trimmed(self::data().unwrap_or(data));
                pause = REST;
            } else if looks == STARTED {
                let_code_go();
            }
            if let Some(file) = &measured
                && let Err(error) = fs::write(file, in_use().to_string())
            {
                log::error!("What is in use can't be written: {error}");
            }
            thread::sleep(pause);
        }
    })?;
    Ok(())
}

/// How much data there is, in pages, at two looks.
#[derive(Debug, Default)]
struct Level {
    /// The least since the last trim.
    low: Option<u64>,
    last: u64,
}

impl Level {
    /// Whether there is enough more than before, and none is being taken just now.
    fn is_trim_due(&mut self, pages: u64) -> bool {
        let low = self.low.map_or(pages, |low| low.min(pages));
        let is_calm = pages <= self.last + LITTLE;
        (self.low, self.last) = (Some(low), pages);
        is_calm && pages - low > LITTLE.max(low / 16)
    }

    /// So much is left after a trim: that is in use.
    fn trimmed(&mut self, pages: u64) {
        (self.low, self.last) = (Some(pages), pages);
    }
}

/// The resident pages of this process that are in no file; `None` where the system does not say.
#[expect(clippy::disallowed_methods, reason = "of this process, by the system")]
fn data() -> Option<u64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = pages.split(' ').map(str::parse::<u64>);
    let (resident, filed) = (pages.nth(1)?.ok()?, pages.next()?.ok()?);
    resident.checked_sub(filed)
}

fn let_code_go() {
    if !cfg!(debug_assertions) {
        drop_code();
    }
}

/// Lets go of the program's code. What is run from now on comes back in passing, some pages at a time.
#[expect(unsafe_code, reason = "nothing safe gives pages of a file back")]
fn drop_code() {
    let Some((at, length)) = code().and_then(|(at, length)| Some((NonNull::new(at)?, length)))
    else {
        return;
    };
    let advice = MmapAdvise::MADV_DONTNEED;
    // SAFETY: these pages are the file's, private, and never written to, for nothing may write there (`r-x`): whoever
    // touches one that is gone finds what was there (madvise(2)).
    let done = unsafe { madvise(at, length, advice) };
    log::debug!("Code was given back: {done:?} for {length} bytes");
}

/// Where it is, and its bytes.
#[expect(clippy::disallowed_methods, reason = "of this process, by the system")]
fn code() -> Option<(*mut c_void, usize)> {
    let program = fs::read_link("/proc/self/exe").ok()?;
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let program = program.to_str()?;
    let is_code = |line: &&str| line.contains(" r-xp ") && line.ends_with(program);
    let range = maps.lines().find(is_code)?.split(' ').next()?;
    let (from, to) = range.split_once('-')?;
    let place = |digits| usize::from_str_radix(digits, 16).ok();
    let (from, to) = (place(from)?, place(to)?);
    let at = std::ptr::with_exposed_provenance_mut(from);
    Some((at, to.checked_sub(from)?))
}

/// Gives back what is free, thread by thread: a thread that wants memory meanwhile may wait for its part.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "nothing safe gives the allocator's memory back")]
pub(super) fn trim() {
    // SAFETY: it takes no pointer, and locks what it looks at (malloc_trim(3)).
    let has_given = unsafe { nix::libc::malloc_trim(0) } == 1;
    log::debug!("Memory was given back: {has_given}");
}

/// What was asked for and is not freed. Threads that want memory meanwhile may wait.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "nothing safe asks the allocator")]
fn in_use() -> i64 {
    // SAFETY: it takes no pointer, and locks what it looks at. (`mallinfo2` is not everywhere; the
    // figures of this one are true up to 2 GiB.)
    let info = unsafe { nix::libc::mallinfo() };
    i64::from(info.uordblks) + i64::from(info.hblkhd)
}

/// Has threads share arenas (`M_ARENA_MAX` of mallopt(3)). By default each has its own, and those that do
/// what may take long come and go: a megabyte each in a burst of large messages.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "nothing safe tells the allocator")]
fn share() {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let arenas = processors.max(2).try_into().unwrap_or(i32::MAX);
    // SAFETY: it takes no pointer, and locks what it changes.
    let is_set = unsafe { nix::libc::mallopt(nix::libc::M_ARENA_MAX, arenas) } == 1;
    log::debug!("Threads share {arenas} arenas: {is_set}");
}

/// Other libraries keep little, for all threads together.
#[cfg(not(target_env = "gnu"))]
pub(super) fn trim() {}

#[cfg(not(target_env = "gnu"))]
fn share() {}

#[cfg(not(target_env = "gnu"))]
fn in_use() -> i64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_given_back_once_it_is_over() {
        let mut level = Level::default();
        let seen = [1_000, 50_000, 90_000, 90_100];
        let due = seen.map(|resident| level.is_trim_due(resident));
        assert_eq!(due, [false, false, false, true]);
        level.trimmed(1_300);
        assert!(!level.is_trim_due(1_400));
        assert!(!level.is_trim_due(1_556), "so little is not worth it");
        assert!(level.is_trim_due(1_557));
    }

    #[test]
    fn what_is_in_use_is_not_asked_for_again_and_again() {
        let mut level = Level::default();
        assert!(!level.is_trim_due(1_000));
        assert!(!level.is_trim_due(9_000), "it grows");
        assert!(level.is_trim_due(9_000));
        level.trimmed(9_000);
        assert!(!level.is_trim_due(9_500));
        assert!(!level.is_trim_due(8_000), "less is the new low");
        assert!(!level.is_trim_due(8_500));
        assert!(level.is_trim_due(8_501));
    }

    #[test]
    fn the_system_says_how_much_there_is() {
        assert!(data().is_some_and(|pages| pages > 0));
        trim();
    }

    #[test]
    fn code_that_was_given_back_runs_again() {
        let (at, length) = code().unwrap();
        let here = code_that_was_given_back_runs_again as fn() as usize;
        assert!((at.addr()..at.addr() + length).contains(&here));
        drop_code();
        assert!(code().is_some());
    }
}
