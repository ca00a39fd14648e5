//! Catalogues on disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::protocol::mcp::item::{self, Kind};
use crate::protocol::modern::extensions::Extensions;
use crate::state_dir::StateDir;
use crate::testing::{catalogue, name};
use crate::tree::registry::catalogue::{Catalogue, Gap, Lessons};
use crate::tree::registry::kept_catalogue::{KeptCatalogue, TORN};
use crate::tree::registry::store::Store;

fn kept(catalogue: std::sync::Arc<Catalogue>) -> KeptCatalogue {
    KeptCatalogue {
        approved: None,
        fingerprint: u64::MAX,
        catalogue,
        lessons: LESSONS,
    }
}

const LESSONS: Lessons = Lessons {
    lacks: 6,
    ended_at: 8,
    calls_in_a_life: 3,
};

fn store(directory: &Path) -> Store {
    Store::new(Some(&StateDir::new(directory)), Path::new("/etc/a.json"))
}

/// Where the catalogues of the one configuration file are.
fn folder(directory: &Path) -> PathBuf {
    let mut of = fs::read_dir(directory.join("configurations")).unwrap();
    of.next().unwrap().unwrap().path().join("catalogues")
}

#[test]
fn a_catalogue_comes_back_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    let page = Bytes::from_static(
        br#"{"tools":[{"name":"t","inputSchema":{"type":"object","maximum":1e40,"x":1.10},"d":"\u00e9"},{"name":"u","inputSchema":{"type":"object"}}]}"#,
    );
    let mut told = Catalogue {
        instructions: Some("be \"kind\"\u{e9}\n".to_owned()),
        extensions: Extensions::read(Some(r#"{"x/y":{"n":1.10}}"#)),
        ..Catalogue::default()
    };
    told.abilities.subscribe = true;
    told.tools = item::page(Kind::Tools, &page).unwrap().items.into();
    for (kind, text) in [
        (Kind::Prompts, r#"{"prompts":[{"name":"\u0070","x":1.10}]}"#),
        (
            Kind::Resources,
            r#"{"resources":[{"uri":"a:b","name":"r"}]}"#,
        ),
        (
            Kind::Templates,
            r#"{"resourceTemplates":[{"uriTemplate":"a:{b}","name":"r"}]}"#,
        ),
    ] {
        told.set(kind, item::page(kind, &Bytes::from(text)).unwrap().items);
    }
    told.gaps = [(Kind::Prompts, Gap::Torn(TORN.into()))].into();
    let told = std::sync::Arc::new(told);
    store.save(&name("s"), &kept(told.clone())).unwrap();
    store.save(&name("other"), &kept(catalogue(&[]))).unwrap();

    let loaded = store.load();
    assert_eq!(loaded.len(), 2);
    let back = &loaded[&name("s")];
    assert_eq!(back.fingerprint, u64::MAX);
    assert_eq!((&back.catalogue, back.lessons), (&told, LESSONS));

    // Descriptions may be confidential: only the owner may read them.
    let file = folder(directory.path()).join("s.json");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let folder = fs::metadata(file.parent().unwrap()).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_cannot_be_read_is_not_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    assert!(store.load().is_empty());
    store.save(&name("good"), &kept(catalogue(&["t"]))).unwrap();
    let folder = folder(directory.path());
    let good = fs::read_to_string(folder.join("good.json")).unwrap();
    for (file, text) in [
        ("empty.json", ""),
        ("half.json", r#"{"fingerprint":1,"lists":[{"to"#),
        (
            "shape.json",
            r#"{"fingerprint":1,"lists":[],"abilities":{},"instructions":null}"#,
        ),
        ("former.json", r#"{"fingerprint":1,"list":{"tools":[]}}"#),
        ("bad__name.json", &good),
        (".good.unfinished", "{"),
        ("notes.txt", "hello"),
    ] {
        fs::write(folder.join(file), text).unwrap();
    }
    fs::create_dir(folder.join("folder.json")).unwrap();
    let loaded = store.load();
    assert_eq!(loaded.keys().collect::<Vec<_>>(), [&name("good")]);
    let unread = store.unread(&loaded);
    for there in ["empty", "half", "shape", "former", "folder"] {
        assert!(unread.has(&name(there)), "{there}");
    }
    assert!(!unread.has(&name("good")) && !unread.has(&name("another")));
}

#[test]
fn nowhere_keeps_nothing_and_complains_of_nothing() {
    let store = Store::nowhere();
    store.save(&name("s"), &kept(catalogue(&["t"]))).unwrap();
    assert!(store.load().is_empty());
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let store = store(&file);
    assert!(store.save(&name("s"), &kept(catalogue(&["t"]))).is_err());
    assert!(store.load().is_empty());
    assert!(store.unread(&store.load()).has(&name("s")), "who knows");
}

#[test]
fn what_is_kept_of_a_server_goes_long_after_it_was_configured() {
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path());
    for server in ["stays", "goes"] {
        let kept = kept(catalogue(&["t"]));
        store.save(&name(server), &kept).unwrap();
    }
    let wanted = [name("stays")].into();
    store.forget_others(&wanted, SystemTime::now());
    assert_eq!(store.load().len(), 2, "it may be switched on again");
    let later = SystemTime::now() + Duration::from_secs(31 * 24 * 3600);
    store.forget_others(&wanted, later);
    let left = store.load();
    assert_eq!(left.keys().collect::<Vec<_>>(), [&name("stays")]);
}
