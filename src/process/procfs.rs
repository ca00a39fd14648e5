//! One look at all processes of the machine that can be seen: `/proc/PID/stat` and `environ`. It
//! takes some milliseconds: not for a task's own thread.

#![expect(
    clippy::disallowed_methods,
    reason = "runs where it may block: before there are workers, or beside them"
)]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use nix::unistd::{Pid, geteuid};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::gateway_run::Marker;

/// A process that was alive at the look, as far as kinship goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) pid: i32,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) session: i32,
    /// In clock ticks since boot; with the number it names a process for good.
    pub(super) started: u64,
    pub(super) marker: Option<Marker>,
    /// Whether what has a marker runs as another user, who may have written what they like there.
    pub(super) is_others: bool,
}

impl Seen {
    /// Whether it still runs, and is no other by the same number.
    pub(super) fn is_alive(&self) -> bool {
        is_running(self.pid, self.started)
    }
}

/// Looks one at a time, each for all who wait for it: many children may end at once.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<Option<Look>>);

/// When it began, and what was seen.
type Look = (Instant, Arc<[Seen]>);

impl Looks {
    /// A look that begins after this is called.
    pub(super) async fn look(&self) -> Arc<[Seen]> {
        let asked = Instant::now();
        let mut last = self.0.lock().await;
        if let Some((_, seen)) = last.as_ref().filter(|(began, _)| *began > asked) {
            return Arc::clone(seen);
        }
        let began = Instant::now();
        // Fails only if the look panicked: then nothing is known.
        let seen: Arc<[Seen]> = spawn_blocking(look).await.unwrap_or_default().into();
        *last = Some((began, Arc::clone(&seen)));
        seen
    }
}

/// All processes that are alive. One that starts or ends meanwhile is there or not.
pub(super) fn look() -> Vec<Seen> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    let pids = entries.filter_map(|entry| entry.ok().and_then(number));
    pids.filter_map(with_marker).collect()
}

/// The process by that number; `None` if there is none, or it has ended.
pub(super) fn with_marker(pid: i32) -> Option<Seen> {
    let marker = fs::read(format!("/proc/{pid}/environ"));
    let marker = marker.ok().and_then(|environ| Marker::find(&environ));
    let is_others = marker.is_some() && !is_our_users(pid);
    stat(pid).map(|seen| Seen {
        marker,
        is_others,
        ..seen
    })
}

/// The process by that number, its marker not read; `None` if there is none, or it has ended.
fn stat(pid: i32) -> Option<Seen> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse(pid, &text)
}

/// The same, one too that has ended and is not reaped yet.
pub(super) fn any(pid: i32) -> Option<Seen> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    of_fields(pid, &fields(&text)?)
}

/// Whether the process that has this number and this start still runs.
pub(super) fn is_running(pid: i32, started: u64) -> bool {
    stat(pid).is_some_and(|now| now.started == started)
}

/// When the process started, one too that has ended and is not reaped yet.
pub(super) fn start_of(pid: Pid) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    fields(&text)?.get(19)?.parse().ok()
}

/// What a process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Used {
    /// Of its memory, what is in memory.
    pub(super) pages: u64,
    /// Of cores, with the children that it has waited for, in clock ticks.
    pub(super) ticks: u64,
}

/// What the process uses that has this number and this start.
pub(super) fn used(pid: i32, started: u64) -> Option<Used> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = fields(&text)?;
    used_of_fields(&fields, started)
}

fn used_of_fields(fields: &[&str], started: u64) -> Option<Used> {
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let ticks = (11..=14).map(number).sum::<Option<u64>>()?;
    let is_it = number(19)? == started;
    let pages = number(21)?;
    is_it.then_some(Used { pages, ticks })
}

/// How long the machine runs; zero if that can't be read.
pub(super) fn uptime() -> Duration {
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let seconds = text.split_ascii_whitespace().next();
    let seconds = seconds.and_then(|seconds| seconds.parse().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or_default()
}

/// Its name in parentheses may hold anything, so the fields are counted from the last closing one.
fn fields(text: &str) -> Option<Vec<&str>> {
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_ascii_whitespace().collect())
}

fn parse(pid: i32, text: &str) -> Option<Seen> {
    let fields = fields(text)?;
    let number = |index: usize| fields.get(index)?.parse::<i32>().ok();
    // A process whose first thread has ended looks like a zombie while its others run.
    if matches!(fields.first(), Some(&("Z" | "X"))) && number(17)? <= 1 {
        return None;
    }
    of_fields(pid, &fields)
}

fn of_fields(pid: i32, fields: &[&str]) -> Option<Seen> {
    let number = |index: usize| fields.get(index)?.parse::<i32>().ok();
    Some(Seen {
        pid,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        started: fields.get(19)?.parse().ok()?,
        marker: None,
        is_others: false,
    })
}

fn is_our_users(pid: i32) -> bool {
    let data = fs::metadata(format!("/proc/{pid}"));
    data.is_ok_and(|data| data.uid() == geteuid().as_raw())
}

/// Whether the process runs a program that is called as ours is: a gateway, of any release.
pub(super) fn runs_our_program(pid: i32) -> bool {
    let name = |path: &Path| {
        let program = fs::read_link(path).ok()?;
        let name: OsString = program.file_name()?.to_owned();
        let name = name.into_string().ok()?;
        // So the system says when the file was replaced, as by an upgrade.
        Some(name.trim_end_matches(" (deleted)").to_owned())
    };
    let its = name(Path::new(&format!("/proc/{pid}/exe")));
    its.is_some() && its == name(Path::new("/proc/self/exe"))
}

/// A child of this process.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnChild {
    pub(super) pid: Pid,
    /// The thread that has started it; another, once that has ended and for orphans that came to us.
    pub(super) thread: Pid,
}

/// The children of our first thread, those that have ended among them: orphans come to it. Quicker
/// than those of all threads.
pub(super) fn adopted() -> Vec<Pid> {
    let path = format!("/proc/self/task/{}/children", std::process::id());
    let list = fs::read_to_string(path).unwrap_or_default();
    let words = list.split_ascii_whitespace();
    words
        .filter_map(|word| word.parse().ok().map(Pid::from_raw))
        .collect()
}

/// The orphans that came to us from servers of a gateway below us: they have its marker. One that we have
/// ourselves is of a gateway that runs us as a server.
#[must_use]
pub fn adopted_from_servers() -> Vec<Pid> {
    let own = with_marker(std::process::id().cast_signed()).and_then(|seen| seen.marker);
    let own = own.map(|marker| marker.life);
    let is_left = |seen: Seen| {
        let life = seen.marker.map(|marker| marker.life);
        life.is_some() && life != own && !seen.is_others
    };
    let mut all = adopted();
    all.retain(|pid| with_marker(pid.as_raw()).is_some_and(is_left));
    all
}

/// Our children, those that have ended among them.
pub(super) fn children() -> Vec<OwnChild> {
    let number = |word: &str| word.parse().ok().map(Pid::from_raw);
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten();
    let lists = threads.filter_map(|thread| {
        let thread = thread.ok()?;
        let list = fs::read_to_string(thread.path().join("children")).ok()?;
        Some((number(thread.file_name().to_str()?)?, list))
    });
    lists
        .flat_map(|(thread, list)| {
            let pids = list.split_ascii_whitespace().filter_map(number);
            let children = pids.map(|pid| OwnChild { pid, thread });
            children.collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str = "4 5 6 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000";

    #[test]
    fn a_name_may_hold_anything() {
        let seen = parse(7, &format!("7 (a) Z (b)) S {REST}")).unwrap();
        let of = (seen.pid, seen.parent, seen.group, seen.session);
        assert_eq!((of, seen.started), ((7, 4, 5, 6), 4242));
    }

    #[test]
    fn the_dead_are_not_seen() {
        assert_eq!(parse(7, &format!("7 (a) Z {REST}")), None);
        let threads = REST.replace("20 0 1 0", "20 0 3 0");
        assert!(parse(7, &format!("7 (a) Z {threads}")).is_some());
    }

    #[test]
    fn what_a_process_uses_is_its_own_and_that_of_children_it_waited_for() {
        let text = "7 (a b) S 4 5 6 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 1 0 4242 90112 77 18446";
        let fields = fields(text).unwrap();
        let (pages, ticks) = (77, 124);
        assert_eq!(used_of_fields(&fields, 4242), Some(Used { pages, ticks }));
        assert_eq!(used_of_fields(&fields, 4243), None, "another by its number");
        assert!(!uptime().is_zero());
    }

    #[test]
    fn we_see_ourselves() {
        let pid = std::process::id().cast_signed();
        let seen = look();
        let own = seen.iter().find(|seen| seen.pid == pid).unwrap();
        assert!(own.is_alive());
        assert_eq!(start_of(Pid::from_raw(pid)), Some(own.started));
        assert!(!Seen { started: 0, ..*own }.is_alive());
        assert!(is_our_users(pid) && runs_our_program(pid) && !runs_our_program(0));
    }

    #[tokio::test]
    async fn a_look_is_shared_by_those_who_asked_before_it_began() {
        let looks = Looks::default();
        let (first, second, third) = tokio::join!(looks.look(), looks.look(), looks.look());
        assert!(!Arc::ptr_eq(&first, &second), "it had begun before");
        assert!(Arc::ptr_eq(&second, &third));
    }
}
