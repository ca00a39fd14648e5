//! What every test needs: the servers with the files they work on, and what they say over a bare pipe.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::oracle::{self, Truth};
use crate::page::Page;
use crate::servers::{self, Server};

/// Every server of `servers::all`.
pub(crate) const ALL: [&str; 13] = [
    "everything",
    "filesystem",
    "memory",
    "thinking",
    "time",
    "git",
    "fetch",
    "sqlite",
    "github",
    "playwright",
    "calc",
    "budget",
    "kubernetes",
];

/// Servers, their files, their truths.
pub(crate) struct Stage {
    dir: TempDir,
    pub(crate) page: Page,
    pub(crate) servers: Vec<Server>,
    pub(crate) truths: Vec<Truth>,
    pub(crate) plan: PathBuf,
}

impl Stage {
    /// `names` are the servers that the scenario needs; starting all of them takes its time.
    pub(crate) async fn set(names: &[&str]) -> Result<Self> {
        let mut stage = Self::furnish(names).await?;
        let bare = of(names, stage.dir(), "bare", &stage.page);
        stage.truths = oracle::consult(&bare).await?;
        oracle::write(&stage.truths, &stage.plan)?;
        Ok(stage)
    }

    /// The same where nobody asks what the servers say; the plan is empty.
    pub(crate) async fn furnish(names: &[&str]) -> Result<Self> {
        servers::ensure_installed()?;
        let dir = tempfile::tempdir()?;
        servers::furnish(dir.path())?;
        let page = Page::serve().await?;
        let servers = of(names, dir.path(), "gateway", &page);
        ensure!(servers.len() == names.len(), "an unknown name in {names:?}");
        let plan = dir.path().join("plan.json");
        oracle::write(&[], &plan)?;
        Ok(Self {
            dir,
            page,
            servers,
            truths: Vec::new(),
            plan,
        })
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The servers without `name`.
    pub(crate) fn without(&self, name: &str) -> Vec<Server> {
        let mut servers = self.servers.clone();
        servers.retain(|server| server.name != name);
        servers
    }
}

fn of(names: &[&str], dir: &Path, instance: &str, page: &Page) -> Vec<Server> {
    let mut servers = servers::all(dir, instance, &page.base);
    servers.retain(|server| names.contains(&server.name));
    servers
}
