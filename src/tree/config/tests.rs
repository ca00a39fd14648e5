//! The config actor beside a root that only listens.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ractor::Actor;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::last_configuration::LastConfiguration;
use super::look::{Found, LookReason, Seen, WatchedFile};
use super::{ConfigActor, ConfigArgs, ConfigHandle};
use crate::config::model::Config;
use crate::config::model::Given;
use crate::state_dir::StateDir;
use crate::testing;
use crate::tree::root::RootMsg;

const DEADLINE: Duration = Duration::from_secs(10);
const TWO: &str = r#"[{"name": "a", "command": "x"}, {"name": "b", "command": "x"}]"#;
const ONE: &str = r#"[{"name": "a", "command": "x"}]"#;

struct Bench {
    directory: TempDir,
    path: PathBuf,
    config: ConfigHandle,
    heard: UnboundedReceiver<RootMsg>,
    is_faulty: bool,
}

impl Bench {
    /// With this file; without one at all if that is `None`.
    async fn new(text: Option<&str>) -> Self {
        Self::within(tempfile::tempdir().unwrap(), text).await
    }

    /// The same where there was one before.
    async fn within(directory: TempDir, text: Option<&str>) -> Self {
        let path = directory.path().join("servers.json");
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        let (root, heard) = testing::root().await;
        let args = ConfigArgs {
            path: path.clone(),
            state_dir: Some(StateDir::new(&directory.path().join("state"))),
            root: Arc::new(root),
            command_line: Given::default(),
        };
        let (actor, _) = Actor::spawn(None, ConfigActor, args).await.unwrap();
        Self {
            directory,
            path,
            config: ConfigHandle::new(actor),
            heard,
            is_faulty: false,
        }
    }

    /// What root is told next: the names in the file, and whether what is down is to be retried.
    async fn next(&mut self) -> (Option<Vec<String>>, bool) {
        let (config, retry) = loop {
            match timeout(DEADLINE, self.heard.recv()).await.unwrap() {
                Some(RootMsg::ConfigJudged { is_faulty, .. }) => self.is_faulty = is_faulty,
                Some(RootMsg::Configured { config, retry }) => break (config, retry),
                _ => panic!("only the config actor speaks to this root"),
            }
        };
        let names = |config: Config| {
            let names = config.servers.iter().map(|entry| entry.name().to_string());
            names.collect()
        };
        (config.map(names), retry)
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn each_change_is_told_once_and_the_last_one_stays() {
    let mut bench = Bench::new(Some(ONE)).await;
    assert_eq!(bench.next().await, (Some(names(&["a"])), false));
    fs::write(&bench.path, TWO).unwrap();
    assert_eq!(bench.next().await, (Some(names(&["a", "b"])), false));
    // Looks that find nothing new say nothing: the next thing told is the next change.
    fs::write(&bench.path, TWO).unwrap();
    fs::write(&bench.path, ONE).unwrap();
    assert_eq!(bench.next().await, (Some(names(&["a"])), false));
}

#[tokio::test]
async fn a_file_that_comes_back_as_it_was_is_told_again() {
    let mut bench = Bench::new(Some(ONE)).await;
    assert_eq!(bench.next().await, (Some(names(&["a"])), false));
    for _ in 0..2 {
        fs::remove_file(&bench.path).unwrap();
        assert_eq!(bench.next().await, (None, false));
        fs::write(&bench.path, ONE).unwrap();
        assert_eq!(bench.next().await, (Some(names(&["a"])), false));
    }
}

#[tokio::test]
async fn a_reload_is_granted_whatever_the_file_says() {
    let mut bench = Bench::new(None).await;
    assert_eq!(bench.next().await, (None, false));
    bench.config.reload();
    assert_eq!(bench.next().await, (None, true));
    fs::write(&bench.path, ONE).unwrap();
    assert_eq!(bench.next().await, (Some(names(&["a"])), false));
    bench.config.reload();
    assert_eq!(bench.next().await, (Some(names(&["a"])), true));
    assert!(!bench.is_faulty);
    fs::write(&bench.path, r#"[{"name": "a", "#).unwrap();
    assert_eq!(bench.next().await, (None, false));
    assert!(bench.is_faulty);
    bench.config.reload();
    assert_eq!(
        bench.next().await,
        (Some(names(&["a"])), true),
        "the last good one"
    );
}

#[tokio::test]
async fn no_wish_gets_lost_while_a_look_is_under_way() {
    let mut bench = Bench::new(Some(ONE)).await;
    for _ in 0..20 {
        bench.config.reload();
    }
    fs::write(&bench.path, TWO).unwrap();
    bench.config.reload();
    // The last wish came after the change: both must be told together in the end.
    while bench.next().await != (Some(names(&["a", "b"])), true) {}
}

/// Parsing costs, and a file that may be half written would be parsed for nothing.
#[test]
fn the_poll_leaves_a_changed_file_to_the_look_that_follows_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("servers.json");
    fs::write(&path, TWO).unwrap();
    let place = WatchedFile {
        kept: LastConfiguration::new(None, &path),
        path,
        command_line: Given::default(),
    };
    let look = |reason, known| place.look(reason, known, None, || ()).found;
    let was = Seen::Text(ONE.into());
    let is = Seen::Text(TWO.into());
    assert!(matches!(look(LookReason::Poll, None), Found::NewText(_)));
    assert!(matches!(
        look(LookReason::Poll, Some(&was)),
        Found::Unsettled
    ));
    assert!(matches!(
        look(LookReason::Settled, Some(&was)),
        Found::NewText(_)
    ));
    for reason in [LookReason::Poll, LookReason::Settled, LookReason::Reload] {
        assert!(matches!(look(reason, Some(&is)), Found::Same));
    }
}

#[tokio::test]
async fn a_first_look_at_a_broken_file_takes_up_what_was_used_last() {
    let mut bench = Bench::new(Some(ONE)).await;
    assert_eq!(bench.next().await, (Some(names(&["a"])), false));
    for broken in [Some("[{"), None] {
        if broken.is_none() {
            fs::remove_file(&bench.path).unwrap();
        }
        bench = Bench::within(bench.directory, broken).await;
        assert_eq!(bench.next().await, (Some(names(&["a"])), false));
        assert!(bench.is_faulty);
        bench.config.reload();
        assert_eq!(bench.next().await, (Some(names(&["a"])), true));
    }
    fs::write(&bench.path, TWO).unwrap();
    assert_eq!(bench.next().await, (Some(names(&["a", "b"])), false));
    assert!(!bench.is_faulty);
}
