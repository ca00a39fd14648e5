//! Earlier releases kept what is of one configuration file at the top, of whichever they ran with
//! last. It goes where it belongs now, or it goes: it may hold the secrets of that file.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::fcntl::renameat;
use nix::unistd::geteuid;

use super::file::CATALOGUES;
use super::{Configuration, Folder, StateDir, StateFile, closing};

/// Once, at the first start of this release.
pub(super) fn take_over(directory: &StateDir) {
    let last = StateFile::EarlierConfiguration;
    let catalogues = directory.path().join(CATALOGUES);
    let is_ours = |path: &Path| {
        let data = fs::symlink_metadata(path);
        data.is_ok_and(|data| data.uid() == geteuid().as_raw())
    };
    let is_there = is_ours(&directory.path().join(last.path()));
    if !is_there {
        // Without it nothing proves that a folder called `catalogues` is one of ours.
        return;
    }
    let has_catalogues = catalogues.is_dir() && is_ours(&catalogues);
    // A link that stands in its place is not read, and goes.
    let text = directory.read(&last).ok().flatten();
    let of = text.as_deref().and_then(named_in);
    let mut taken = None;
    if let (Some(of), Some(text)) = (of, text) {
        match directory.create(&StateFile::LastConfiguration(&of), &text) {
            Ok(()) => taken = Some(of),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                log::warn!("What an earlier release kept stays where it is: {error}");
                return;
            }
        }
    }
    let removed = directory.remove(&last);
    if has_catalogues {
        let moved = taken.as_ref().map(|of| move_to(directory, of));
        if !matches!(moved, Some(Ok(()))) {
            remove(&catalogues);
        }
    }
    let shown = directory.path().display();
    match (taken, removed) {
        (_, Err(error)) => log::warn!("What an earlier release kept can't be removed: {error}"),
        (Some(_), _) => log::info!("What an earlier release kept in {shown} is taken over"),
        (None, _) => log::info!("What an earlier release kept in {shown} is removed"),
    }
}

/// Which file it was read from: its first line is `// "PATH"`.
fn named_in(text: &[u8]) -> Option<Configuration> {
    let line = text.split(|byte| *byte == b'\n').next()?;
    let quoted = std::str::from_utf8(line).ok()?.strip_prefix("// \"")?;
    let path = quoted.strip_suffix('"')?;
    // A path in which something is escaped is not worth the trouble.
    (!path.contains('\\')).then(|| Configuration::at(Path::new(path)))
}

fn move_to(directory: &StateDir, of: &Configuration) -> io::Result<()> {
    let from = directory.folder(Folder::Top, false)?;
    let to = directory.folder(Folder::Configuration(of), true)?;
    Ok(renameat(&from, CATALOGUES, &to, CATALOGUES)?)
}

/// Removes the catalogues, and the folder if nothing else is in it.
fn remove(folder: &Path) {
    let is_one = |path: &Path| path.extension().is_some_and(|is| is == "json");
    for path in closing::children(folder) {
        if is_one(&path) {
            fs::remove_file(path).ok();
        }
    }
    fs::remove_dir(folder).ok();
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn earlier(last: &str) -> (tempfile::TempDir, StateDir) {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("last-configuration"), last).unwrap();
        fs::create_dir(home.path().join(CATALOGUES)).unwrap();
        fs::write(home.path().join("catalogues/fx.json"), "{}").unwrap();
        let directory = StateDir::open(home.path(), &Configuration::at(Path::new("/b"))).unwrap();
        assert!(!home.path().join("last-configuration").exists());
        assert!(!home.path().join(CATALOGUES).exists());
        (home, directory)
    }

    #[test]
    fn it_is_kept_for_the_file_it_names() {
        let (_home, directory) = earlier("// \"/etc/a.json\"\n[]");
        let of = Configuration::at(Path::new("/etc/a.json"));
        let kept = directory.read(&StateFile::LastConfiguration(&of));
        assert_eq!(kept.unwrap().unwrap(), b"// \"/etc/a.json\"\n[]");
        let catalogue = directory.read(&StateFile::Catalogue(&of, "fx"));
        assert_eq!(catalogue.unwrap().unwrap(), b"{}");
    }

    #[test]
    fn what_is_kept_already_is_later() {
        let home = tempfile::tempdir().unwrap();
        let of = Configuration::at(Path::new("/a"));
        let (last, fx) = (
            StateFile::LastConfiguration(&of),
            StateFile::Catalogue(&of, "fx"),
        );
        let directory = StateDir::new(home.path());
        directory.replace(&last, b"new").unwrap();
        directory.replace(&fx, b"new").unwrap();
        directory
            .replace(&StateFile::EarlierConfiguration, b"// \"/a\"\n[]")
            .unwrap();
        fs::create_dir(home.path().join(CATALOGUES)).unwrap();
        take_over(&directory);
        assert_eq!(directory.read(&last).unwrap().unwrap(), b"new");
        assert_eq!(directory.read(&fx).unwrap().unwrap(), b"new");
        assert!(!home.path().join(CATALOGUES).exists());
    }

    #[test]
    fn what_names_no_file_goes() {
        let (home, _) = earlier("secret");
        assert!(!home.path().join("configurations").exists());
    }

    #[test]
    fn what_is_not_ours_stays_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let victim = home.path().join("victim");
        fs::write(&victim, "// \"/a\"\nprecious").unwrap();
        symlink(&victim, home.path().join("last-configuration")).unwrap();
        fs::create_dir(home.path().join(CATALOGUES)).unwrap();
        fs::write(home.path().join("catalogues/notes.txt"), "").unwrap();
        take_over(&StateDir::new(home.path()));
        assert!(victim.exists() && !home.path().join("last-configuration").is_symlink());
        assert!(home.path().join("catalogues/notes.txt").exists());
        assert!(!home.path().join("configurations").exists());
    }
}
