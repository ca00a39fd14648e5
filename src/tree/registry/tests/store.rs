//! Catalogues on disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use bytes::Bytes;

use crate::protocol::mcp::tools;
use crate::tree::registry::routes::Catalogue;
use crate::tree::registry::store::{Kept, Store};
use crate::tree::testing::{catalogue, name};

fn kept(catalogue: std::sync::Arc<Catalogue>) -> Kept {
    Kept {
        fingerprint: u64::MAX,
        catalogue,
    }
}

#[test]
fn a_catalogue_comes_back_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(Some(directory.path()));
    let page = Bytes::from_static(
        br#"{"tools":[{"name":"t","inputSchema":{"maximum":1e400,"x":1.10},"d":"\u00e9"},{"name":"u"}]}"#,
    );
    let tools = tools::tools_page(&page).unwrap().tools;
    let told = std::sync::Arc::new(Catalogue { tools });
    store.save(&name("s"), &kept(told.clone())).unwrap();
    store.save(&name("other"), &kept(catalogue(&[]))).unwrap();

    let loaded = store.load();
    assert_eq!(loaded.len(), 2);
    let back = &loaded[&name("s")];
    assert_eq!(back.fingerprint, u64::MAX);
    assert!(back.catalogue.is_same(&told));

    // Descriptions may be confidential: only the owner may read them.
    let file = directory.path().join("catalogues/s.json");
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
    let store = Store::new(Some(directory.path()));
    assert!(store.load().is_empty());
    store.save(&name("good"), &kept(catalogue(&["t"]))).unwrap();
    let folder = directory.path().join("catalogues");
    for (file, text) in [
        ("empty.json", ""),
        ("half.json", r#"{"fingerprint":1,"list":{"to"#),
        ("shape.json", r#"{"fingerprint":1,"list":[]}"#),
        ("bad__name.json", r#"{"fingerprint":1,"list":{"tools":[]}}"#),
        (".good.unfinished", "{"),
        ("notes.txt", "hello"),
    ] {
        fs::write(folder.join(file), text).unwrap();
    }
    fs::create_dir(folder.join("folder.json")).unwrap();
    let loaded = store.load();
    assert_eq!(loaded.keys().collect::<Vec<_>>(), [&name("good")]);
}

#[test]
fn nowhere_keeps_nothing_and_complains_of_nothing() {
    let store = Store::new(None);
    store.save(&name("s"), &kept(catalogue(&["t"]))).unwrap();
    assert!(store.load().is_empty());
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let store = Store::new(Some(&file));
    assert!(store.save(&name("s"), &kept(catalogue(&["t"]))).is_err());
    assert!(store.load().is_empty());
}
