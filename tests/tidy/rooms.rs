//! The rooms of the program: how large each may be, and that no type's name is in one twice.

use std::collections::BTreeMap;

use super::{File, split_name};

/// How many lines of production code a room may have. Who raises one says in the commit what the lines are for, and
/// why nothing else could go for them.
const CEILINGS: [(&str, usize); 27] = [
    ("", 1000),
    ("cli", 5150),
    ("client", 1600),
    ("config", 7400),
    ("control", 400),
    ("edit", 350),
    ("files", 120),
    ("http", 8050),
    ("ids", 300),
    ("import", 4950),
    ("operate", 2700),
    ("process", 3650),
    ("program", 2000),
    ("protocol", 8475),
    ("remote", 2100),
    ("service", 800),
    ("state_dir", 900),
    ("supervise", 2550),
    ("telemetry", 3100),
    ("tree", 1400),
    ("tree/config", 900),
    ("tree/history", 950),
    ("tree/quota", 200),
    ("tree/registry", 6075),
    ("tree/root", 4325),
    ("tree/sessions", 9975),
    ("tree/upstream", 6850),
];

/// Names that a room has twice all the same. None may join them.
const TWICE: [(&str, &str); 8] = [
    ("config", "Lists"),
    ("http", "Farewell"),
    ("http", "Place"),
    ("http", "Places"),
    ("http", "Refusal"),
    ("protocol", "Member"),
    ("telemetry", "Shared"),
    ("tree/sessions", "Reader"),
];

/// Of tests alone.
const TESTS: [&str; 3] = ["fuzzing", "sim", "testing"];

/// Each room's name, and its production code, by file.
fn rooms(files: &[File]) -> BTreeMap<String, Vec<(&str, &str)>> {
    let mut rooms: BTreeMap<String, Vec<(&str, &str)>> = BTreeMap::new();
    for file in files {
        if let Some(room) = room(&file.path) {
            let code = production(&file.text);
            rooms.entry(room).or_default().push((&file.path, code));
        }
    }
    rooms
}

/// `src/http/sse.rs` is of `http`; the rooms of the tree are rooms by themselves. What stands beside the rooms is one too.
fn room(path: &str) -> Option<String> {
    let path = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut parts: Vec<&str> = path.split('/').collect();
    let file = parts.pop()?;
    let is_test = file == "tests" || file.ends_with("_tests") || parts.contains(&"tests");
    if is_test || parts.iter().chain([&file]).any(|part| TESTS.contains(part)) {
        return None;
    }
    parts.truncate(if parts.first() == Some(&"tree") { 2 } else { 1 });
    Some(parts.join("/"))
}

/// A file without its tests, which stand at its end.
fn production(text: &str) -> &str {
    let tests = text.find("#[cfg(test)]\nmod tests {");
    text.get(..tests.unwrap_or(text.len())).unwrap_or(text)
}

/// A line for each room: how many lines it has, and may have.
pub(crate) fn sizes(files: &[File]) -> Vec<String> {
    let size = |(room, code): (&String, &Vec<(&str, &str)>)| {
        let ceiling = ceiling(&CEILINGS, room).unwrap_or_default();
        format!("{:5} of {ceiling:5} lines: src/{room}", lines(code))
    };
    rooms(files).iter().map(size).collect()
}

fn lines(code: &[(&str, &str)]) -> usize {
    code.iter().map(|(_, text)| text.lines().count()).sum()
}

fn ceiling(ceilings: &[(&str, usize)], room: &str) -> Option<usize> {
    let found = ceilings.iter().find(|(name, _)| *name == room);
    found.map(|(_, ceiling)| *ceiling)
}

pub(crate) fn complaints(files: &[File]) -> Vec<String> {
    let mut complaints = too_large(files, &CEILINGS);
    complaints.extend(twice(files, &TWICE));
    complaints
}

fn too_large(files: &[File], ceilings: &[(&str, usize)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (room, code) in rooms(files) {
        let lines = lines(&code);
        match ceiling(ceilings, &room) {
            None => complaints.push(format!(
                "src/{room}: {lines} lines, and no ceiling in tests/tidy/rooms.rs"
            )),
            Some(ceiling) if lines > ceiling => complaints.push(format!(
                "src/{room}: {lines} lines, {ceiling} are allowed: take something out, or raise it in \
                 tests/tidy/rooms.rs and say in the commit what for"
            )),
            Some(_) => {}
        }
    }
    complaints
}

fn twice(files: &[File], allowed: &[(&str, &str)]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut allowed = allowed.to_vec();
    for (room, code) in rooms(files) {
        let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (path, text) in code {
            for name in text.lines().filter_map(type_name) {
                places.entry(name).or_default().push(path);
            }
        }
        for (name, paths) in places.into_iter().filter(|(_, paths)| paths.len() > 1) {
            let known = allowed.iter().position(|it| *it == (room.as_str(), name));
            if known.map(|at| allowed.swap_remove(at)).is_none() {
                complaints.push(format!("{name} twice in src/{room}: {}", paths.join(", ")));
            }
        }
    }
    let once = allowed.iter();
    complaints.extend(once.map(|(room, name)| {
        format!("{name} is in src/{room} but once: take it off the list in tests/tidy/rooms.rs")
    }));
    complaints
}

/// The type that an unindented line defines: what a trait asks for stands inside something.
fn type_name(line: &str) -> Option<&str> {
    let item = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
        Some(rest) => rest.strip_prefix(' ')?,
        None => line,
    };
    let kinds = ["struct ", "enum ", "trait ", "type ", "union "];
    let name = kinds.iter().find_map(|kind| item.strip_prefix(kind))?;
    Some(split_name(name).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> Vec<File> {
        let file = |(path, text): &(&str, &str)| File {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        };
        files.iter().map(file).collect()
    }

    #[test]
    fn a_room_that_grew_is_seen() {
        let files = files(&[
            (
                "src/http/a.rs",
                "a\nb\n#[cfg(test)]\nmod tests {\n    a\n}\n",
            ),
            ("src/http/b.rs", "a\n"),
            ("src/http/tests/c.rs", "a\nb\nc\n"),
        ]);
        assert_eq!(too_large(&files, &[("http", 3)]), [""; 0]);
        assert_eq!(too_large(&files, &[("http", 2)]).len(), 1);
        assert_eq!(too_large(&files, &[]).len(), 1);
    }

    #[test]
    fn a_name_that_is_there_twice_is_seen() {
        let http = [
            ("src/http/a.rs", "pub(super) struct Place {\n    type Item;"),
            ("src/http/b/c.rs", "enum Place<'a> {}\n    type Item;"),
        ];
        assert_eq!(twice(&files(&http), &[]).len(), 1);
        assert_eq!(twice(&files(&http), &[("http", "Place")]), [""; 0]);
        let others = [
            ("src/tree/a/b.rs", "pub trait Place {}"),
            ("src/tree/b/b.rs", "pub type Place = ();"),
            ("src/tree/b/tests.rs", "struct Place;"),
        ];
        assert_eq!(twice(&files(&others), &[]), [""; 0]);
        assert_eq!(twice(&files(&others), &[("http", "Place")]).len(), 1);
    }
}
