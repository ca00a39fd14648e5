//! What the kernel says about a process: `/proc/PID/{stat,smaps_rollup,fd,cmdline}`, and signals to one
//! pid. A process is named by its pid *and* start time, so that a reused pid is never taken for the
//! old process.

use std::collections::HashSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

/// A process that was seen alive once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Process {
    pub pid: u32,
    pub parent: u32,
    /// Process group.
    pub group: u32,
    /// Start time in clock ticks since boot; with the pid it names a process for good.
    pub started: u64,
    /// Arguments joined by spaces; empty for a zombie.
    pub command: String,
}

impl Process {
    /// Is it still this process, and not a zombie?
    pub fn is_alive(&self) -> bool {
        stat(self.pid).is_some_and(|now| now.started == self.started && now.is_running())
    }

    /// Sends `signal` unless the pid has gone or belongs to another process by now.
    pub fn signal(&self, signal: Signal) {
        if self.is_alive() {
            send(self.pid, signal);
        }
    }
}

/// The fields of `/proc/PID/stat` that tests look at.
#[derive(Clone, Debug)]
pub struct Stat {
    pub state: char,
    pub parent: u32,
    pub group: u32,
    /// User and system time of all its threads, those that ended too; not of its children.
    pub cpu: Duration,
    pub threads: usize,
    pub started: u64,
}

impl Stat {
    fn is_running(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }

    /// Reads the text of a `stat` file. The name in parentheses may hold anything, so the fields are
    /// counted from the last closing one; see proc(5).
    pub fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
        let ticks = number(11)? + number(12)?;
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: u32::try_from(number(1)?).ok()?,
            group: u32::try_from(number(2)?).ok()?,
            cpu: Duration::from_nanos(ticks * 1_000_000_000 / *TICKS_PER_SECOND),
            threads: usize::try_from(number(17)?).ok()?,
            started: number(19)?,
        })
    }
}

/// Clock ticks per second as the kernel handed them to this process (`AT_CLKTCK` of getauxval(3)).
static TICKS_PER_SECOND: LazyLock<u64> = LazyLock::new(|| {
    const AT_CLKTCK: usize = 17;
    let words: Vec<usize> = fs::read("/proc/self/auxv")
        .unwrap_or_default()
        .as_chunks::<{ size_of::<usize>() }>()
        .0
        .iter()
        .map(|word| usize::from_ne_bytes(*word))
        .collect();
    words
        .as_chunks::<2>()
        .0
        .iter()
        .find(|[kind, _]| *kind == AT_CLKTCK)
        .map_or(100, |[_, ticks]| *ticks as u64)
});

/// `None` when there is no such process.
pub fn stat(pid: u32) -> Option<Stat> {
    Stat::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The process with this pid, zombies included.
pub fn process(pid: u32) -> Option<Process> {
    let stat = stat(pid)?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    Some(Process {
        pid,
        parent: stat.parent,
        group: stat.group,
        started: stat.started,
        command: command.trim_end().to_owned(),
    })
}

/// A zombie is not alive: it holds nothing but its pid.
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| stat.is_running())
}

/// CPU time of the process itself, its children excluded; in steps of a clock tick (10 ms).
pub fn cpu_time(pid: u32) -> Option<Duration> {
    stat(pid).map(|stat| stat.cpu)
}

/// A watch that stands still while the kernel has no core for one of these processes, or for the test itself: what a
/// starved machine does is nobody's fault.
pub struct Stopwatch {
    pids: Vec<u32>,
    start: Instant,
    waited: Duration,
}

impl Stopwatch {
    pub fn start(pids: &[u32]) -> Self {
        let pids = [pids, &[std::process::id()]].concat();
        Self {
            waited: waited_for_cores(&pids),
            start: Instant::now(),
            pids,
        }
    }

    pub fn elapsed(&self) -> Duration {
        let waited = waited_for_cores(&self.pids).saturating_sub(self.waited);
        self.start.elapsed().saturating_sub(waited)
    }
}

/// How long the threads of these could have run and had no core, all together.
fn waited_for_cores(pids: &[u32]) -> Duration {
    let threads = pids
        .iter()
        .flat_map(|pid| fs::read_dir(format!("/proc/{pid}/task")));
    let waited = threads.flatten().filter_map(|thread| {
        let schedstat = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        let nanoseconds = schedstat.split_ascii_whitespace().nth(1)?;
        nanoseconds.parse().ok().map(Duration::from_nanos)
    });
    waited.sum()
}

/// Proportional set size in bytes: private pages, and its share of those it shares with others.
pub fn pss(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kilobytes: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// What it shares with no other process, in bytes.
pub fn private(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let of = |field: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(field))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    };
    Some((of("Private_Clean:")? + of("Private_Dirty:")?) * 1024)
}

/// Resident set size in bytes. It does not depend on who else maps the same files, as [`pss`] does.
pub fn rss(pid: u32) -> Option<u64> {
    status_bytes(pid, "VmRSS:")
}

/// The largest resident set since [`forget_peak`], in bytes; the kernel misses no moment.
pub fn peak_rss(pid: u32) -> Option<u64> {
    status_bytes(pid, "VmHWM:")
}

/// From now on [`peak_rss`] counts anew; see proc(5) on `clear_refs`.
pub fn forget_peak(pid: u32) {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("the process is ours");
}

fn status_bytes(pid: u32, field: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// How many bytes it has written, to whatever; `wchar` in proc(5).
pub fn written(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("wchar:"))?;
    line.trim().parse().ok()
}

/// The PSS of a process, looked at again and again until it is asked for. Dropping it ends that.
pub struct Sampling {
    stop: watch::Sender<bool>,
    looking: JoinSet<Vec<u64>>,
}

impl Sampling {
    pub fn start(pid: u32) -> Self {
        const BETWEEN: Duration = Duration::from_millis(50);
        let (stop, stopped) = watch::channel(false);
        let mut looking = JoinSet::new();
        looking.spawn(async move {
            let mut seen = Vec::new();
            while !*stopped.borrow() {
                seen.extend(pss(pid));
                time::sleep(BETWEEN).await;
            }
            seen
        });
        Self { stop, looking }
    }

    /// What was seen, in order of time.
    pub async fn stop(mut self) -> Vec<u64> {
        self.stop.send_replace(true);
        let seen = self.looking.join_next().await.expect("one task");
        seen.expect("no panic inside")
    }
}

/// How many file descriptors are open.
pub fn open_files(pid: u32) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}

/// How many of them are sockets; `None` once it has ended.
pub fn open_sockets(pid: u32) -> Option<usize> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let links = files.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let is_socket = |link: &PathBuf| link.to_string_lossy().starts_with("socket:");
    Some(links.filter(is_socket).count())
}

/// Where a process listens (TCP over IPv4), whatever it logs or does not; see proc(5).
pub fn listening(pid: u32) -> Option<SocketAddr> {
    const LISTEN: &str = "0A";
    let sockets: HashSet<PathBuf> = fs::read_dir(format!("/proc/{pid}/fd"))
        .ok()?
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .collect();
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).ok()?;
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let is_its = sockets.contains(Path::new(&format!("socket:[{inode}]")));
        let (ip, port) = local.split_once(':')?;
        let ip = u32::from_str_radix(ip, 16).ok()?.swap_bytes();
        let port = u16::from_str_radix(port, 16).ok()?;
        (*state == LISTEN && is_its).then(|| (Ipv4Addr::from(ip), port).into())
    })
}

/// Direct children, zombies included (a gateway that does not reap shows here), in order of pid.
pub fn children(pid: u32) -> Vec<Process> {
    let mut children = all();
    children.retain(|process| process.parent == pid);
    children
}

/// Children, their children and so on that are alive. One whose parent has died belongs to init and
/// is not found; keep an earlier answer and ask [`Process::is_alive`].
pub fn descendants(pid: u32) -> Vec<Process> {
    let all = all();
    let mut family = HashSet::from([pid]);
    loop {
        let before = family.len();
        for process in &all {
            if family.contains(&process.parent) {
                family.insert(process.pid);
            }
        }
        if family.len() == before {
            break;
        }
    }
    all.into_iter()
        .filter(|process| process.pid != pid && family.contains(&process.pid))
        .filter(Process::is_alive)
        .collect()
}

/// Sends `signal`; `false` when there is no such process.
pub fn send(pid: u32, signal: Signal) -> bool {
    let pid = i32::try_from(pid).expect("a pid fits");
    assert!(pid > 0, "0 and less would mean whole groups");
    kill(Pid::from_raw(pid), signal).is_ok()
}

fn all() -> Vec<Process> {
    let mut pids: Vec<u32> = fs::read_dir("/proc")
        .expect("/proc is mounted")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    pids.into_iter().filter_map(process).collect()
}

/// Whether the kernel holds a connection of `server` to `client` open, on the server's side: loopback, IPv4.
pub fn is_connected(server: SocketAddr, client: SocketAddr) -> bool {
    let table = fs::read_to_string("/proc/net/tcp").expect("Linux");
    let ends = [server, client].map(|end| format!(":{:04X}", end.port()));
    table.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        matches!(fields[..], [_, local, remote, "01", ..] if local.ends_with(&ends[0]) && remote.ends_with(&ends[1]))
    })
}
