//! A PostgreSQL of a test's own: in a temporary directory, reached by a socket in it alone, ended by its pid.
//! PostgreSQL refuses to run as root; then it is run as the user that its package has made.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use nix::unistd::{Uid, User, chown};
use tempfile::TempDir;

use testkit::{proc, wait};

const SOON: Duration = Duration::from_secs(60);

pub(super) struct Postgres {
    server: Child,
    programs: PathBuf,
    home: TempDir,
}

impl Postgres {
    /// A new one, with an empty database of this name, owned by this user, who may come as they are.
    pub(super) fn start(user: &str, database: &str) -> Result<Self> {
        let programs = programs()?;
        // The path of a socket has at most 107 bytes.
        let home = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp")?;
        let account = account()?;
        if let Some(account) = &account {
            chown(home.path(), Some(account.uid), Some(account.gid))?;
        }
        let data = home.path().join("data");
        let mut command = ours(&programs, "initdb", account.as_ref(), home.path());
        command.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        command
            .arg(format!("--username={user}"))
            .arg("-D")
            .arg(&data);
        let made = command.output()?;
        ensure!(made.status.success(), "{made:?}");
        let log = fs::File::create(home.path().join("log"))?;
        let mut command = ours(&programs, "postgres", account.as_ref(), home.path());
        command
            .arg("-F")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(home.path());
        command.args(["-c", "listen_addresses=", "-c", "shared_buffers=1MB"]);
        let server = command.stderr(log.try_clone()?).stdout(log).spawn()?;
        let mut postgres = Self {
            server,
            programs,
            home,
        };
        let create = format!("CREATE DATABASE {database}");
        let is_there = wait::poll_blocking(SOON, || {
            let is_over = postgres.server.try_wait().ok()?.is_some();
            let made = || {
                postgres
                    .psql(user, "postgres")
                    .args(["-c", &create])
                    .output()
            };
            (is_over || made().is_ok_and(|made| made.status.success())).then_some(!is_over)
        });
        let log = || fs::read_to_string(postgres.home.path().join("log"));
        ensure!(is_there == Some(true), "{}", log().unwrap_or_default());
        Ok(postgres)
    }

    /// Where its socket is.
    pub(super) fn socket(&self) -> &Path {
        self.home.path()
    }

    /// The folder of its programs.
    pub(super) fn programs(&self) -> &Path {
        &self.programs
    }

    /// Its client.
    pub(super) fn psql(&self, user: &str, database: &str) -> Command {
        let mut command = Command::new(self.programs.join("psql"));
        command
            .env_clear()
            .args([
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                user,
                "-d",
                database,
                "-h",
            ])
            .arg(self.socket())
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // "Fast": connections are ended.
        proc::send(self.server.id(), Signal::SIGINT);
        if wait::poll_blocking(SOON, || self.server.try_wait().ok()?).is_none() {
            self.server.kill().ok();
            self.server.wait().ok();
        }
    }
}

/// Debian has the server's programs beside PATH, by version.
fn programs() -> Result<PathBuf> {
    let found = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<PathBuf> = found.map(|version| version.path().join("bin")).collect();
    found.retain(|programs| programs.join("initdb").exists());
    found.sort();
    found
        .pop()
        .context("no PostgreSQL in /usr/lib/postgresql: tests/run installs it")
}

/// Who it runs as, where it may not run as whoever runs this.
fn account() -> Result<Option<User>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let Some(user) = User::from_name(name)? {
            return Ok(Some(user));
        }
    }
    anyhow::bail!("no user for PostgreSQL, which refuses to run as root")
}

fn ours(programs: &Path, program: &str, account: Option<&User>, home: &Path) -> Command {
    let mut command = Command::new(programs.join(program));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .current_dir(home)
        .stdin(Stdio::null());
    if let Some(account) = account {
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command
}
