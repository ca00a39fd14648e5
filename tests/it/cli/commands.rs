//! The commands that documents and packages show are understood: by the same parser, with nothing run.

#![cfg(test)]

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use mcproxy::cli::{Cli, Verb};

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn parsed<'a>(words: impl IntoIterator<Item = &'a str>) -> Cli {
    let words: Vec<&str> = words.into_iter().collect();
    let cli = Cli::try_from(words.iter().map(OsString::from));
    cli.unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

/// What a line of a unit sets.
fn setting<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value
        .unwrap_or_else(|| panic!("no {name}="))
        .split(' ')
        .collect()
}

/// The array of words that comes after this.
fn array(text: &str, name: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let mut values = lines.filter_map(|line| line.strip_prefix(name));
    let value = values.next().unwrap_or_else(|| panic!("no {name}"));
    serde_json::from_str(value).unwrap_or_else(|error| panic!("{value}: {error}"))
}

#[test]
fn those_of_packages_are() {
    let quadlet = read("packaging/mcp-gateway.container");
    let (image, compose) = (read("Containerfile"), read("packaging/compose.yaml"));
    let commands = [array(&image, "CMD "), array(&compose, "command: ")];
    for command in &commands {
        let run = parsed(command.iter().map(String::as_str)).run;
        assert!(run.hold_port && run.log, "{command:?}");
    }
    let run = parsed(setting(&quadlet, "Exec")).run;
    assert!(run.hold_port && run.log, "as the image");
    let service = read("packaging/mcp-gateway.service");
    assert!(
        !parsed(setting(&service, "ExecStart")).run.hold_port,
        "its socket unit does it"
    );

    let asked = Some(Verb::Healthcheck { addr: None });
    assert_eq!(parsed(setting(&quadlet, "HealthCmd")).verb, asked);
    let (_, check) = image.split_once("HEALTHCHECK ").expect("there is one");
    let (_, check) = check.split_once("CMD ").expect("it runs something");
    let check: Vec<String> =
        serde_json::from_str(check.lines().next().unwrap_or_default()).expect("an array of words");
    assert_eq!(parsed(check.iter().map(String::as_str)).verb, asked);
    let check = array(&compose, "test: ");
    assert_eq!(check.first().map(String::as_str), Some("CMD"));
    assert_eq!(parsed(check.iter().skip(1).map(String::as_str)).verb, asked);
}

#[test]
fn those_of_documents_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let documents = fs::read_dir(root.join("docs")).expect("it is there");
    let mut documents: Vec<PathBuf> = documents.map(|entry| entry.unwrap().path()).collect();
    documents.push(root.join("README.md"));
    let mut seen = 0;
    for document in documents {
        for line in commands(&read(document)) {
            parsed(line.split_ascii_whitespace());
            seen += 1;
        }
    }
    assert!(seen > 2, "{seen}");
}

/// The lines of blocks for a shell that run the gateway's program.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1);
    let lines = blocks
        .filter_map(|rest| rest.split("```").next())
        .flat_map(str::lines);
    let lines = lines.map(|line| line.split('#').next().unwrap_or_default());
    let lines = lines.map(|line| line.split(" > ").next().unwrap_or_default().trim());
    let runs = lines.map(|line| line.replace("cargo run --release -- ", "mcproxy "));
    runs.filter(|line| line.starts_with("mcproxy ")).collect()
}
