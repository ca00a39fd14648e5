//! The directory as its rooms use it, and as others may have left it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

const CONTENTS: [&[u8]; 3] = [b"one", b"", b"three"];

fn directory() -> (tempfile::TempDir, StateDir) {
    let home = tempfile::tempdir().unwrap();
    let directory = StateDir::new(&home.path().join("a/state"));
    (home, directory)
}

#[test]
fn a_file_is_replaced_as_a_whole_and_closed_to_others() {
    let (_home, directory) = directory();
    let of = Configuration::at(Path::new("/etc/a.json"));
    for file in [
        StateFile::SessionKey,
        StateFile::DeletedSessions,
        StateFile::LastConfiguration(&of),
        StateFile::Catalogue(&of, "fx"),
        StateFile::Life("x"),
    ] {
        assert_eq!(directory.read(&file).unwrap(), None);
        for bytes in CONTENTS {
            directory.replace(&file, bytes).unwrap();
            assert_eq!(directory.read(&file).unwrap().as_deref(), Some(bytes));
        }
        let path = directory.path().join(file.path());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        let beside = fs::read_dir(path.parent().unwrap()).unwrap().flatten();
        let hidden = beside.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"."));
        assert_eq!(hidden.count(), 0, "nothing unfinished stays");
        directory.create(&file, b"late").unwrap();
        assert_eq!(directory.read(&file).unwrap().as_deref(), Some(CONTENTS[2]));
        directory.remove(&file).unwrap();
        directory.remove(&file).unwrap();
        assert_eq!(directory.read(&file).unwrap(), None);
    }
}

#[test]
fn no_link_is_followed_and_nothing_odd_is_read() {
    let (home, directory) = directory();
    directory.replace(&StateFile::SessionKey, b"x").unwrap();
    let (key, victim) = (directory.path().join("session.key"), home.path().join("v"));
    fs::write(&victim, "precious").unwrap();
    fs::remove_file(&key).unwrap();
    symlink(&victim, &key).unwrap();
    let error = directory.read(&StateFile::SessionKey).unwrap_err();
    let expected = format!("{}: it is a link, which is not followed", key.display());
    assert_eq!(error.to_string(), expected);
    directory.replace(&StateFile::SessionKey, b"ours").unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert!(!key.is_symlink());
    fs::write(&key, vec![0; 5000]).unwrap();
    let error = directory.read(&StateFile::SessionKey).unwrap_err();
    assert!(error.to_string().contains("larger than 4 KiB"), "{error}");
    fs::remove_file(&key).unwrap();
    nix::unistd::mkfifo(&key, Mode::S_IRWXU).unwrap();
    let error = directory.read(&StateFile::SessionKey).unwrap_err();
    assert!(error.to_string().contains("it is a pipe"), "{error}");
    // A folder that is a link leads elsewhere.
    symlink(home.path(), directory.path().join("lives")).unwrap();
    directory.replace(&StateFile::Life("v"), b"x").unwrap_err();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    let outside = StateFile::Life("../session.key");
    directory.replace(&outside, b"x").unwrap_err();
}

#[test]
fn what_is_kept_of_one_configuration_is_not_used_with_another() {
    let [a, b] = ["/etc/a.json", "/etc/b.json"].map(|path| Configuration::at(Path::new(path)));
    let (_home, directory) = directory();
    for (of, text) in [(&a, b"A"), (&b, b"B")] {
        directory
            .replace(&StateFile::LastConfiguration(of), text)
            .unwrap();
        directory
            .replace(&StateFile::Catalogue(of, "fx"), text)
            .unwrap();
    }
    for (of, text) in [(&a, b"A"), (&b, b"B")] {
        for file in [
            StateFile::LastConfiguration(of),
            StateFile::Catalogue(of, "fx"),
        ] {
            assert_eq!(directory.read(&file).unwrap().unwrap(), text);
        }
    }
}

#[test]
fn one_of_two_gateways_has_the_lock_and_only_it_tidies_up() {
    let (_home, directory) = directory();
    let of = Configuration::at(Path::new("/a.json"));
    let first = StateDir::open(directory.path(), &of).unwrap();
    assert!(first.is_ours_alone());
    let left = directory.path().join(".session.key.0.unfinished");
    let theirs = directory.path().join(".notes.unfinished");
    for file in [&left, &theirs] {
        fs::write(file, "x").unwrap();
    }
    let second = StateDir::open(directory.path(), &of).unwrap();
    assert!(!second.is_ours_alone() && left.exists());
    drop(first.clone());
    assert!(
        !StateDir::open(directory.path(), &of)
            .unwrap()
            .is_ours_alone()
    );
    drop(first);
    let third = StateDir::open(directory.path(), &of).unwrap();
    assert!(third.is_ours_alone() && !left.exists() && theirs.exists());
    let lock = fs::metadata(directory.path().join("lock")).unwrap();
    assert_eq!(lock.mode() & 0o777, 0o600);
}
