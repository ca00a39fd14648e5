//! Does what the plan says, one strike after the other, and writes into the ledger whom each excuses: for how
//! long, and no longer. A struck server's excuse ends when it has answered as its successor.

#![cfg(test)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use crate::cure::{self, Needs};
use crate::guests::{self, Lobby};
use crate::house::House;
use crate::ledger::Scope;
use crate::plan::{Action, Edit, name_of};
use crate::steady::Stage;
use crate::support::chaos::How;
use crate::support::proc::Process;
use crate::support::streamable::Endpoint;
use crate::world::{GOOD, OWN, World};

/// A process group ends with its actor.
const WITH_ITS_ACTOR: Duration = Duration::from_millis(1_500);
const LOOK: Duration = Duration::from_millis(10);
/// The exit code of a gateway that can't go on.
const BROKEN: i32 = 70;

pub(crate) struct Driver {
    pub(crate) house: House,
    pub(crate) world: World,
    pub(crate) stage: Arc<Stage>,
    pub(crate) lobby: Arc<Lobby>,
    pub(crate) cures: JoinSet<()>,
    pub(crate) guests: JoinSet<()>,
    /// How many processes each good server may have had.
    pub(crate) lives: HashMap<String, usize>,
    /// How often what was done, as far as it struck.
    pub(crate) counts: BTreeMap<String, usize>,
    /// The session that asks struck servers whether they are back.
    pub(crate) nurse: Endpoint,
    begun: Instant,
    /// The file is broken until then.
    broken: Option<Instant>,
    frozen: Vec<(Instant, Process)>,
    /// Processes that end by an edit of their entry.
    leaving: HashSet<u32>,
}

impl Driver {
    pub(crate) fn new(house: House, world: World, stage: Arc<Stage>, nurse: Endpoint) -> Self {
        Self {
            house,
            world,
            stage,
            lobby: Arc::default(),
            cures: JoinSet::new(),
            guests: JoinSet::new(),
            lives: GOOD.map(|name| (name.to_owned(), 1)).into(),
            counts: BTreeMap::new(),
            nurse,
            begun: Instant::now(),
            broken: None,
            frozen: Vec::new(),
            leaving: HashSet::new(),
        }
    }

    /// Waits until `at`; what was begun and is to end meanwhile, ends.
    pub(crate) async fn wait_until(&mut self, at: Instant) {
        loop {
            let thaws = self.frozen.iter().map(|(end, _)| *end);
            let next = thaws.chain(self.broken).chain([at]).min().unwrap_or(at);
            time::sleep_until(next).await;
            let now = Instant::now();
            if self.broken.is_some_and(|end| end <= now) {
                self.mend();
            }
            self.thaw(now);
            if next == at {
                return;
            }
        }
    }

    pub(crate) async fn strike(&mut self, action: &Action) {
        if let Some(status) = self.house.exited() {
            self.house.dump();
            let complaint = format!("the gateway ended on its own: {status}");
            self.stage.ledger.complain(complaint);
            self.gateway_is_gone(Instant::now()).await;
        }
        let has_struck = match action {
            Action::Kill { pick } => self.kill(*pick),
            Action::Freeze { pick, ms } => self.freeze(*pick, Duration::from_millis(*ms)),
            Action::Actor { kind, pick, how } => self.actor(kind, *pick, *how).await,
            Action::Ambush { kind, how } => self.ambush(kind, *how).await,
            Action::Root { how } => self.root(*how).await,
            Action::Gateway => self.gateway().await,
            Action::Edit { edit, pick } => self.edit(*edit, *pick),
            Action::Break { is_torn, ms } => {
                self.house.configured().await;
                self.house.tear_config(&self.world.broken(*is_torn));
                self.broken = Some(Instant::now() + Duration::from_millis(*ms));
                true
            }
            Action::Guest { guest, pick } => {
                let servers = self.world.names();
                let visit = guests::visit(
                    *guest,
                    *pick,
                    servers,
                    self.stage.clone(),
                    self.lobby.clone(),
                );
                while self.guests.try_join_next().is_some() {}
                self.guests.spawn(visit);
                true
            }
        };
        let missed = if has_struck { "" } else { ", nobody was there" };
        eprintln!("{:?} {action:?}{missed}", self.begun.elapsed());
        *self.counts.entry(name_of(action)).or_default() += usize::from(has_struck);
    }

    /// The processes that may be struck by name.
    fn victim(&self, pick: usize) -> Option<(String, Process)> {
        let mut servers = self.house.servers();
        servers.retain(|(name, _)| !GOOD.contains(&name.as_str()));
        let at = pick % servers.len().max(1);
        servers.into_iter().nth(at)
    }

    fn kill(&mut self, pick: usize) -> bool {
        let Some((name, process)) = self.victim(pick) else {
            return false;
        };
        let begin = Instant::now();
        process.signal(Signal::SIGKILL);
        self.struck_process(&name, begin, process.pid);
        true
    }

    fn freeze(&mut self, pick: usize, length: Duration) -> bool {
        let Some((_, process)) = self.victim(pick) else {
            return false;
        };
        process.signal(Signal::SIGSTOP);
        self.frozen.push((Instant::now() + length, process));
        true
    }

    /// Ends what was frozen until `now`. That a server was slow excuses nothing.
    pub(crate) fn thaw(&mut self, now: Instant) {
        for (_, process) in self.frozen.extract_if(.., |(end, _)| *end <= now) {
            process.signal(Signal::SIGCONT);
        }
    }

    pub(crate) fn thaw_all(&mut self) {
        for (_, process) in self.frozen.drain(..) {
            process.signal(Signal::SIGCONT);
        }
    }

    /// Puts the file right, if it is not.
    pub(crate) fn mend(&mut self) {
        self.broken = None;
        self.house.write_config(&self.world.config());
    }

    /// A process is gone: its server's, or one session's own.
    fn struck_process(&mut self, server: &str, begin: Instant, pid: u32) {
        if server == OWN {
            self.stage.ledger.struck(Scope::Instance(pid), begin);
        } else {
            self.struck(server, begin, Needs::AnotherThan(vec![pid]));
        }
    }

    fn struck(&mut self, server: &str, begin: Instant, needs: Needs) {
        let scope = Scope::Server(server.to_owned());
        let strike = self.stage.ledger.struck(scope, begin);
        let (stage, nurse) = (self.stage.clone(), self.nurse.clone());
        let server = server.to_owned();
        self.cures.spawn(async move {
            cure::until(&nurse, &server, &needs).await;
            stage.ledger.healed(strike);
        });
    }

    /// The signal gives it a message at once; it has struck when that was taken.
    async fn ambush(&mut self, kind: &str, how: How) -> bool {
        let before = self.house.command("struck").await;
        self.house.command(&format!("ambush {kind} {how:?}")).await;
        self.house.signal(Signal::SIGHUP);
        let end = Instant::now() + Duration::from_secs(10);
        while self.house.command("struck").await == before {
            if Instant::now() > end {
                return false;
            }
            time::sleep(LOOK).await;
        }
        true
    }

    fn edit(&mut self, edit: Edit, pick: usize) -> bool {
        let begin = Instant::now();
        let touched = self.world.edit(edit, pick);
        for (name, process) in self.house.servers() {
            if touched.contains(&name) {
                self.leaving.insert(process.pid);
            }
        }
        self.broken = None;
        self.house.write_config(&self.world.config());
        for name in touched {
            let entries = &self.world.entries;
            let marker = entries.iter().find(|entry| entry.name == name);
            let needs = marker.map_or(Needs::Nothing, |entry| Needs::Marker(entry.marker()));
            self.struck(&name, begin, needs);
            let mut names = self.stage.names.lock().expect("no panic inside");
            if !names.contains(&name) {
                names.push(name);
            }
        }
        true
    }

    async fn actor(&mut self, kind: &'static str, pick: usize, how: How) -> bool {
        if !matches!(kind, "session" | "upstream" | "requests") {
            self.is_back(kind).await; // from the strike before
        }
        let begin = Instant::now();
        let before = self.house.servers();
        let scope = match kind {
            "session" => Some(Scope::Session),
            "sessions" | "listener" => Some(Scope::Connections),
            "requests" => Some(Scope::Requests),
            _ => None,
        };
        let strike = scope.map(|scope| self.stage.ledger.struck(scope, begin));
        let reply = self
            .house
            .command(&format!("strike {kind} {pick} {how:?}"))
            .await;
        let has_struck = reply.as_deref() == Some("true");
        match kind {
            "upstream" if has_struck => self.find_victim(&before, begin).await,
            "sessions" | "listener" => self.is_back("listener").await,
            _ => {}
        }
        if let Some(strike) = strike {
            self.stage.ledger.healed(strike);
        }
        has_struck
    }

    async fn is_back(&mut self, kind: &str) {
        let end = Instant::now() + Duration::from_secs(10);
        while self.house.alive().await.get(kind) != Some(&1) {
            if Instant::now() > end {
                return self
                    .stage
                    .ledger
                    .complain(format!("the {kind} did not come back"));
            }
            time::sleep(LOOK).await;
        }
    }

    /// Which server it was, nobody knows but by its process.
    async fn find_victim(&mut self, before: &[(String, Process)], begin: Instant) {
        let end = Instant::now() + WITH_ITS_ACTOR;
        let mut candidates = before.to_vec();
        candidates.retain(|(_, process)| !self.leaving.contains(&process.pid));
        // A session that ends takes its own processes with it at any time, so these are not all.
        let is_found = |gone: &[(String, Process)]| gone.iter().any(|(name, _)| name != OWN);
        let mut gone = Vec::new();
        while !is_found(&gone) && Instant::now() < end {
            gone.extend(candidates.extract_if(.., |(_, process)| !process.is_alive()));
            time::sleep(LOOK).await;
        }
        for (name, process) in gone {
            self.lives
                .entry(name.clone())
                .and_modify(|lives| *lives += 1);
            self.struck_process(&name, begin, process.pid);
        }
    }

    async fn root(&mut self, how: How) -> bool {
        // The port is there before root is.
        self.is_back("listener").await;
        let begin = Instant::now();
        drop(self.house.command(&format!("strike root {how:?}")).await);
        let status = self.gateway_is_gone(begin).await;
        if status.code() != Some(BROKEN) {
            let complaint = format!("root ended by {how:?}, and the gateway: {status}");
            self.stage.ledger.complain(complaint);
        }
        true
    }

    async fn gateway(&mut self) -> bool {
        self.house.below();
        let begin = Instant::now();
        self.house.signal(Signal::SIGKILL);
        self.gateway_is_gone(begin).await;
        true
    }

    async fn gateway_is_gone(&mut self, begin: Instant) -> std::process::ExitStatus {
        let strike = self.stage.ledger.struck(Scope::Gateway, begin);
        let status = self.house.restart().await;
        self.stage.ledger.healed(strike);
        self.lives.values_mut().for_each(|lives| *lives += 1);
        status
    }
}
