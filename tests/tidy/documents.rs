//! The documents: every link leads somewhere, and what a block of commands runs in the project is there.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::File;

pub(super) fn complaints(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| is_document(&file.path)) {
        let wrong = links(&file.text).filter(|link| !leads_somewhere(files, &file.path, link));
        complaints.extend(wrong.map(|link| format!("{}: no such place: {link}", file.path)));
        let missing = commands(&file.text).filter(|path| !is_there(files, Path::new(path)));
        complaints.extend(missing.map(|path| format!("{}: no such command: {path}", file.path)));
    }
    complaints
}

fn is_document(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|kind| kind == "md")
}

/// The targets of `[text](target)`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split("](").skip(1);
    let targets = after.filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target)
}

fn leads_somewhere(files: &[File], from: &str, link: &str) -> bool {
    if link.contains("://") {
        return true;
    }
    let (path, place) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() {
        PathBuf::from(from)
    } else {
        joined(Path::new(from).parent().unwrap_or(Path::new("")), path)
    };
    let found = files.iter().find(|file| Path::new(&file.path) == target);
    match found {
        Some(file) => place.is_empty() || headings(&file.text).contains(place),
        None => place.is_empty() && is_there(files, &target),
    }
}

/// A file or a folder of the project.
fn is_there(files: &[File], path: &Path) -> bool {
    files
        .iter()
        .any(|file| Path::new(&file.path).starts_with(path))
}

fn joined(folder: &Path, path: &str) -> PathBuf {
    let mut joined = folder.to_path_buf();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => {
                joined.pop();
            }
            Component::Normal(name) => joined.push(name),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    joined
}

/// The names by which a page's headings can be linked to.
fn headings(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| line.starts_with('#'));
    let names = lines.map(|line| line.trim_start_matches('#').trim().to_lowercase());
    let slug = |name: String| {
        let kept = name.chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        });
        kept.collect()
    };
    names.map(slug).collect()
}

/// What blocks of commands run by a path within the project.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    let blocks = text
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines);
    let is_setting = |word: &&str| word.contains('=');
    let programs = lines.filter_map(move |line| line.split(' ').find(|word| !is_setting(word)));
    programs.filter(|program| program.starts_with("tests/") || program.starts_with("packaging/"))
}

#[cfg(test)]
mod seeing {
    use super::*;

    #[test]
    fn what_leads_nowhere_is_seen() {
        let file = |path: &str, text: &str| File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let good = "[a](docs/b.md#one-two) [c](#top) [d](docs) [e](https://example.org/x)\n# Top\n\
                    ```sh\nA=1 tests/run\n```\n";
        let mut files = vec![
            file("README.md", good),
            file("docs/b.md", "## One two\n[up](../README.md)"),
            file("tests/run", ""),
        ];
        assert_eq!(complaints(&files), [""; 0]);
        let bad = "[a](docs/b.md#three) [b](docs/c.md) [c](#side)\n```sh\ntests/walk\n```\n";
        files.push(file("docs/d.md", bad));
        assert_eq!(complaints(&files).len(), 4, "{:?}", complaints(&files));
    }
}
