//! The rules of the layout that a program can check: who may import whom, how long a file may be,
//! what opens it, how large a room may be, that no test is skipped, that documents name what is there, and that
//! nothing names the machine it was written on. Only `std` is used, so that it is built in seconds.
//! Each check takes files as text and gives complaints, so that the last tests can show it bad ones.

#![allow(clippy::disallowed_methods, reason = "tests may block")]

use std::io::Result;
use std::path::Path;

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/rooms.rs"]
mod rooms;

/// How many lines a source file may have, its tests included.
const LINES: usize = 400;

/// Files that may be longer, each with its reason.
const LONGER: [(&str, &str); 0] = [];

/// Folders that are not ours or not sources.
const FOREIGN: [&str; 9] = [
    ".git",
    "target",
    "node_modules",
    ".venv",
    ".venv1",
    ".venv2",
    "__pycache__",
    "corpus",
    "artifacts",
];

/// Whom an example may show as the owner of a home directory.
const NOBODY: [&str; 5] = ["user", "username", "you", "me", "a"];

/// A file as it is in the repository.
struct File {
    /// Relative to the repository, with `/`.
    path: String,
    text: String,
}

fn files() -> Result<Vec<File>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if FOREIGN.contains(&name.as_ref()) {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                let path = path.strip_prefix(root).unwrap_or(&path);
                let path = path.to_string_lossy().replace('\\', "/");
                found.push(File { path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn sources(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| is_source(file))
}

fn is_source(file: &File) -> bool {
    let is_rust = Path::new(&file.path).extension().is_some_and(|e| e == "rs");
    is_rust && (file.path.starts_with("src/") || file.path.starts_with("tests/"))
}

fn split_name(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    text.split_at(end)
}

fn shape(files: &[File], longer: &[(&str, &str)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in sources(files) {
        let (path, lines) = (&file.path, file.text.lines().count());
        let is_exception = longer.iter().any(|(name, _)| name == path);
        if lines > LINES && !is_exception {
            complaints.push(format!(
                "{path}: {lines} lines, {LINES} are allowed: divide it"
            ));
        }
        if lines <= LINES && is_exception {
            complaints.push(format!(
                "{path}: short enough: take it off the list in tests/tidy.rs"
            ));
        }
        if !file.text.starts_with("//! ") {
            complaints.push(format!("{path}: does not open with `//!`: what is it for?"));
        }
    }
    complaints
}

/// A `tests.rs` that nobody includes, or that tests nothing, and tests that never run.
fn tests_run(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    let is_room = |path: &&str| path.starts_with("src/");
    let ignored = concat!("#[", "ignore");
    for file in sources(files) {
        let path = &file.path;
        if file.text.contains(ignored) {
            complaints.push(format!(
                "{path}: a test that cannot run must fail, not be ignored"
            ));
        }
        let room = path.strip_suffix("/tests.rs").filter(is_room);
        let Some(folder) = room else {
            continue;
        };
        let holds_tests = ["#[test]", "#[tokio::test", "proptest!"]
            .iter()
            .any(|mark| file.text.contains(mark));
        if !holds_tests {
            complaints.push(format!("{path}: holds no test"));
        }
        let parents = [
            format!("{folder}/mod.rs"),
            format!("{folder}/main.rs"),
            format!("{folder}.rs"),
        ];
        let is_included = files.iter().any(|parent| {
            parents.contains(&parent.path) && parent.text.contains("#[cfg(test)]\nmod tests;")
        });
        if !is_included {
            complaints.push(format!("{path}: no `#[cfg(test)] mod tests;` beside it"));
        }
    }
    complaints
}

/// Absolute paths into somebody's home or working directory, in any file.
fn places(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    // Written in two parts, so that this file does not complain about itself.
    let roots = [
        concat!("/ho", "me/"),
        concat!("/Use", "rs/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
    ];
    for file in files {
        for (number, line) in file.text.lines().enumerate() {
            for root in roots {
                let mut parts = line.split(root);
                let mut before = parts.next().unwrap_or_default();
                for after in parts {
                    let starts_here =
                        !before.ends_with(|c: char| c.is_alphanumeric() || "._-*".contains(c));
                    let owner = split_name(after).0;
                    if starts_here && !owner.is_empty() && !NOBODY.contains(&owner) {
                        complaints.push(format!("{}:{}: {root}{owner}", file.path, number + 1));
                    }
                    before = after;
                }
            }
        }
    }
    complaints
}

/// The commands in the fences of the section that sets the project up.
fn setup_commands(readme: &str) -> Vec<&str> {
    let section = readme
        .lines()
        .skip_while(|line| line.trim() != "## Set-up")
        .skip(1)
        .take_while(|line| !line.starts_with("## "));
    let (mut is_inside, mut commands) = (false, Vec::new());
    for line in section.map(str::trim) {
        if line.starts_with("```") {
            is_inside = !is_inside;
        } else if is_inside && !line.is_empty() && !line.starts_with('#') {
            commands.push(line);
        }
    }
    commands
}

/// The lock files of what the tests install: everything pinned, and no host to fetch it from.
fn pins(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files {
        let wrong: fn(&str) -> bool = match file.path.as_str() {
            "tests/real/package-lock.json"
            | "tests/conformance/package-lock.json"
            | "tests/agents/package-lock.json" => |line| line.trim().starts_with("\"resolved\""),
            ".ci/requirements.txt"
            | "tests/real/requirements1.txt"
            | "tests/real/requirements2.txt"
            | "tests/agents/requirements.txt" => {
                |line| !line.starts_with('#') && (!line.contains("==") || line.contains("://"))
            }
            _ => continue,
        };
        for line in file.text.lines().filter(|line| wrong(line)) {
            complaints.push(format!("{}: {line}", file.path));
        }
    }
    complaints
}

#[test]
fn rooms_import_only_what_they_may() {
    assert_eq!(imports::complaints(&files().unwrap()), [""; 0]);
}

#[test]
fn no_layer_of_a_room_imports_back_up() {
    assert_eq!(layers::complaints(&files().unwrap()), [""; 0]);
}

#[test]
fn no_room_outgrows_its_ceiling_or_has_a_name_twice() {
    let files = files().unwrap();
    eprintln!("{}", rooms::sizes(&files).join("\n"));
    assert_eq!(rooms::complaints(&files), [""; 0]);
}

#[test]
fn documents_lead_to_what_is_there() {
    assert_eq!(documents::complaints(&files().unwrap()), [""; 0]);
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    assert_eq!(shape(&files().unwrap(), &LONGER), [""; 0]);
}

#[test]
fn every_test_runs() {
    assert_eq!(tests_run(&files().unwrap()), [""; 0]);
}

#[test]
fn nothing_names_a_machine() {
    assert_eq!(places(&files().unwrap()), [""; 0]);
}

#[test]
fn the_readme_sets_up_with_two_commands() {
    let files = files().unwrap();
    let readme = files.iter().find(|file| file.path == "README.md").unwrap();
    let commands = setup_commands(&readme.text);
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert_eq!(commands[1], "tests/run");
}

#[test]
fn what_the_tests_install_is_pinned() {
    let files = files().unwrap();
    for needed in [
        ".ci/requirements.txt",
        "tests/real/package-lock.json",
        "tests/real/requirements1.txt",
        "tests/real/requirements2.txt",
        "tests/conformance/package-lock.json",
        "tests/agents/package-lock.json",
        "tests/agents/requirements.txt",
    ] {
        assert!(files.iter().any(|file| file.path == needed), "{needed}");
    }
    assert_eq!(pins(&files), [""; 0]);
}

#[cfg(test)]
mod seeing {
    use super::*;

    fn file(path: &str, text: &str) -> Vec<File> {
        vec![File {
            path: path.to_owned(),
            text: text.to_owned(),
        }]
    }

    #[test]
    fn long_and_nameless_files_are_seen() {
        let lines = |count| format!("//! A file.\n{}", "\n".repeat(count - 1));
        assert_eq!(shape(&file("src/a.rs", &lines(LINES)), &[]).len(), 0);
        assert_eq!(shape(&file("src/a.rs", &lines(LINES + 1)), &[]).len(), 1);
        let longer = [("src/a.rs", "a table")];
        assert_eq!(
            shape(&file("src/a.rs", &lines(LINES + 1)), &longer).len(),
            0
        );
        assert_eq!(shape(&file("src/a.rs", &lines(2)), &longer).len(), 1);
        assert_eq!(shape(&file("tests/it/a.rs", "fn f() {}"), &[]).len(), 1);
    }

    #[test]
    fn tests_that_do_not_run_are_seen() {
        let mut both = file("src/a/tests.rs", "#[test] fn f() {}");
        assert_eq!(tests_run(&both).len(), 1);
        both.extend(file("src/a/mod.rs", "#[cfg(test)]\nmod tests;"));
        assert_eq!(tests_run(&both).len(), 0);
        assert_eq!(
            tests_run(&file("src/a.rs", concat!("#[", "ignore = \"slow\"]"))).len(),
            1
        );
    }

    #[test]
    fn places_are_seen() {
        let line = |text: &str| places(&file("README.md", text)).len();
        assert_eq!(line(concat!("cd /ho", "me/alex/src")), 1);
        assert_eq!(
            line(concat!("cd /ho", "me/user/src and tests/wo", "rk/x")),
            0
        );
        assert_eq!(
            line(concat!(
                "\"/wo",
                "rk/main\" and /ro",
                "ot/.cargo /ro",
                "ot/x"
            )),
            2
        );
    }

    #[test]
    fn commands_and_pins_are_counted() {
        let readme = "## Set-up\n```sh\none\n# why\n\ntwo\n```\ntext\n## Next\n```\nthree\n```\n";
        assert_eq!(setup_commands(readme), ["one", "two"]);
        let lock = "\"resolved\": \"https://example.org/a.tgz\"";
        assert_eq!(pins(&file("tests/real/package-lock.json", lock)).len(), 1);
        assert_eq!(
            pins(&file("tests/real/requirements1.txt", "a==1\nb>=2\n")).len(),
            1
        );
    }
}
