//! Sockets of gateways that run, have run, and never were.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("a/control");
    (home, place)
}

#[test]
fn it_is_its_users_alone_and_goes_with_its_gateway() {
    let (_home, place) = directory();
    let places = std::slice::from_ref(&place);
    fs::create_dir_all(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
    let socket = bind(places, "x.sock").unwrap();
    assert_eq!((mode(&place), mode(socket.path())), (0o700, 0o600));
    UnixStream::connect(socket.path()).unwrap();
    assert_eq!(search(places).answering, [place.join("x.sock")]);
    drop(socket);
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
}

#[test]
fn what_nobody_answers_on_is_replaced_and_nothing_else() {
    let (_home, place) = directory();
    let places = std::slice::from_ref(&place);
    let stale = place.join("stale.sock");
    let first = bind(places, "x.sock").unwrap();
    drop(UnixListener::bind(&stale).unwrap());
    let taken = bind(places, "x.sock").unwrap_err();
    assert!(
        taken.ends_with("x.sock: another gateway answers there"),
        "{taken}"
    );
    assert!(!stale.exists());
    let other = bind(places, "y.sock").unwrap();
    assert_eq!(search(places).answering, [first.path(), other.path()]);
    // Another has its name meanwhile.
    fs::remove_file(first.path()).unwrap();
    let second = bind(places, "x.sock").unwrap();
    drop(first);
    UnixStream::connect(second.path()).unwrap();
    fs::write(place.join("file.sock"), "mine").unwrap();
    assert!(bind(places, "file.sock").is_err());
    assert_eq!(fs::read(place.join("file.sock")).unwrap(), b"mine");
}

#[test]
fn the_next_place_is_taken_where_one_cannot_be_used() {
    let (home, place) = directory();
    let places = std::slice::from_ref(&place);
    let (file, link) = (home.path().join("file"), home.path().join("link"));
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(home.path(), &link).unwrap();
    let long = home.path().join("x".repeat(120));
    let unusable = [file.join("in"), link, long];
    let socket = bind(&[&unusable[..], places].concat(), "x.sock").unwrap();
    assert!(socket.path().starts_with(&place));
    let complaint = bind(&unusable, "x.sock").unwrap_err();
    assert_eq!(complaint.matches("x.sock: ").count(), 3, "{complaint}");
    assert!(bind(&[], "x.sock").unwrap_err().contains("XDG_RUNTIME_DIR"));
}

#[test]
fn what_was_looked_at_is_said() {
    let (home, place) = directory();
    fs::create_dir_all(&place).unwrap();
    drop(UnixListener::bind(place.join("x.sock")).unwrap());
    let empty = home.path().join("a");
    let found = search(&[place.clone(), empty.clone(), home.path().join("b")]);
    assert!(found.answering.is_empty());
    let shown = home.path().display();
    assert_eq!(
        found.others,
        [
            format!("{shown}/a/control/x.sock: nobody answers"),
            format!("{shown}/a: no socket"),
            format!("{shown}/b: not there"),
        ]
    );
}

#[test]
fn the_order_of_places_is_one_for_all() {
    let env = |list: &'static [(&'static str, &'static str)]| {
        move |name: &str| {
            let found = list.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        }
    };
    let all = [
        ("RUNTIME_DIRECTORY", "/run/a:/run/b"),
        ("XDG_RUNTIME_DIR", "/run/user/1"),
    ];
    let paths = |texts: &[&str]| texts.iter().map(PathBuf::from).collect::<Vec<_>>();
    let found = places(&env(Box::leak(Box::new(all))), Some(Path::new("/state/")));
    assert_eq!(
        found,
        paths(&[
            "/run/a/control",
            "/run/user/1/mcproxy",
            "/state.control",
            "/state/control"
        ])
    );
    let odd = [("RUNTIME_DIRECTORY", ""), ("XDG_RUNTIME_DIR", "relative")];
    assert!(places(&env(Box::leak(Box::new(odd))), None).is_empty());
    assert_eq!(
        searched(paths(&["/run/mcp-gateway/control"])),
        paths(&["/run/mcp-gateway/control", "/var/lib/mcp-gateway/control"])
    );
    let listens = "[::1]:80".parse().unwrap();
    assert_eq!(name(listens), "[::1]:80.sock");
    assert_eq!(address(Path::new("/a/[::1]:80.sock")), Some(listens));
    assert_eq!(address(Path::new("/a/control.sock")), None);
}

#[test]
fn where_others_may_write_nothing_is_believed() {
    let (home, place) = directory();
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let socket = bind(std::slice::from_ref(&place), "x.sock").unwrap();
    let (above, link) = (home.path().join("a"), home.path().join("link"));
    std::os::unix::fs::symlink(&above, &link).unwrap();
    let ways = [place.clone(), link.join("control")];
    let found = || ways.each_ref().map(|way| search(std::slice::from_ref(way)));
    for (directory, mode, is_believed) in [
        (&above, 0o755, true),
        (&above, 0o777, false),
        (&above, 0o775, false),
        (&above, 0o1777, true),
        (&place, 0o770, false),
        (&place, 0o1777, false),
    ] {
        set(directory, mode);
        for found in found() {
            assert_eq!(!found.answering.is_empty(), is_believed, "{mode:o}");
            let words = format!("others may write to {}", directory.display());
            let is_said = |list: &[String]| list.iter().any(|line| line.ends_with(&words));
            assert_eq!(is_said(&found.others), !is_believed, "{mode:o}");
            assert_eq!(is_said(&found.closed), !is_believed, "{mode:o}");
        }
        set(directory, 0o700);
    }
    // The link is what others may swap.
    set(home.path(), 0o777);
    assert!(found().iter().all(|found| found.answering.is_empty()));
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&link, &link).unwrap();
    set(home.path(), 0o700);
    let found = search(&[link.join("control")]);
    assert!(found.closed[0].ends_with("too many links"), "{found:?}");
    drop(socket);
}
