//! The layers inside a room: a lower one knows nothing of those above it, and root's children nothing of
//! root. Every `super::` and every `crate::` path of a file is held against the table.

use super::{File, sources, split_name};

/// Layers of rooms, and what each may use of its room, itself apart.
const LAYERS: [(&str, &[&str]); 5] = [
    ("tree::root::status", &["tree::root::child_id"]),
    ("tree::sessions::delivery", &[]),
    (
        "tree::sessions::conversation",
        &["tree::sessions::delivery", "tree::sessions::signing"],
    ),
    (
        "tree::sessions::session",
        &[
            "tree::sessions::delivery",
            "tree::sessions::conversation",
            "tree::sessions::parent",
            "tree::sessions::signing",
        ],
    ),
    (
        "tree::sessions::requests",
        &[
            "tree::sessions::delivery",
            "tree::sessions::conversation",
            "tree::sessions::parent",
            "tree::sessions::signing",
        ],
    ),
];
/// The supervisor. Its children tell it what they have to say by a trait of their own.
const ROOT: &str = "tree::root";
/// Who knows it: the tree as a whole, and those who are given handles of it to ask it something.
const ABOVE_ROOT: [&str; 3] = ["tree", "tree::frontend", "tree::pulse"];

pub(crate) fn complaints(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in sources(files) {
        let Some(module) = module(&file.path) else {
            continue;
        };
        let is_above = is_in(&module, ROOT) || ABOVE_ROOT.contains(&module.as_str());
        if is_in(&module, "tree") && !is_above {
            let used = paths(&module, &file.text).into_iter();
            let wrong = used.filter(|used| is_in(used, ROOT));
            complaints.extend(wrong.map(|used| format!("{}: must not use {used}", file.path)));
        }
        let layer = LAYERS.iter().find(|(layer, _)| is_in(&module, layer));
        let Some((layer, lower)) = layer else {
            continue;
        };
        let room = layer.rsplit_once("::").map_or("", |(room, _)| room);
        for used in paths(&module, &file.text) {
            let may = is_in(&used, layer) || lower.iter().any(|lower| is_in(&used, lower));
            if is_in(&used, room) && !may {
                complaints.push(format!("{}: {layer} must not use {used}", file.path));
            }
        }
    }
    complaints
}

/// `src/tree/mod.rs` is `tree`. Tests may use what they like.
fn module(path: &str) -> Option<String> {
    let path = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let module = path.strip_suffix("/mod").unwrap_or(path).replace('/', "::");
    let is_test = |part: &str| part == "tests";
    (!module.split("::").any(is_test)).then_some(module)
}

fn is_in(path: &str, module: &str) -> bool {
    let rest = path.strip_prefix(module);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Where the paths of a module's code lead that do not start with a name: as far as they are written
/// without a group. What only says who may see something leads nowhere.
fn paths(module: &str, text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let code = text.lines().filter(|line| !line.trim().starts_with("//"));
    for line in code {
        let mut rest = line;
        while let Some(at) = rest
            .find("super::")
            .into_iter()
            .chain(rest.find("crate::"))
            .min()
        {
            let (before, path) = rest.split_at(at);
            let (base, names) = base(module, path);
            let (names, after) = names_of(names);
            if !before.ends_with("in ") {
                paths.push([base, names].concat());
            }
            rest = after;
        }
    }
    paths
}

/// The module that a path starts from, and what follows.
fn base<'a>(module: &str, path: &'a str) -> (String, &'a str) {
    if let Some(names) = path.strip_prefix("crate::") {
        return (String::new(), names);
    }
    let mut base: Vec<&str> = module.split("::").collect();
    let mut names = path;
    while let Some(rest) = names.strip_prefix("super::") {
        base.pop();
        names = rest;
    }
    base.push("");
    (base.join("::"), names)
}

fn names_of(text: &str) -> (String, &str) {
    let (mut names, mut rest) = (Vec::new(), text);
    loop {
        let (name, after) = split_name(rest);
        rest = after;
        if name.is_empty() {
            break;
        }
        names.push(name);
        match rest.strip_prefix("::") {
            Some(more) => rest = more,
            None => break,
        }
    }
    (names.join("::"), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints_of(path: &str, text: &str) -> usize {
        let (path, text) = (path.to_owned(), text.to_owned());
        complaints(&[File { path, text }]).len()
    }

    #[test]
    fn what_leads_back_up_is_seen() {
        let streams = "src/tree/sessions/delivery/streams.rs";
        let calls = "src/tree/sessions/conversation/calls.rs";
        for (path, text) in [
            (streams, "use super::super::SessionHandle;"),
            (streams, "use super::super::conversation::Effects;"),
            (streams, "use crate::tree::sessions::SessionHandle;"),
            (calls, "use super::super::{message::SessionMsg, state};"),
            (calls, "fn f(a: super::super::state::SessionState) {}"),
            (
                "src/tree/sessions/session/mod.rs",
                "use super::message::SessionsMsg;",
            ),
            (
                "src/tree/sessions/session/actor.rs",
                "use super::super::message::SessionsMsg;",
            ),
            (calls, "use crate::tree::root::RootHandle;"),
            (
                "src/tree/root/status/book.rs",
                "use crate::tree::root::hooks::RootHooks;",
            ),
            (
                "src/tree/config/mod.rs",
                "fn f(root: super::root::RootHandle) {}",
            ),
            ("src/tree/heartbeat.rs", "use super::root::RootHandle;"),
        ] {
            assert_eq!(complaints_of(path, text), 1, "{path}: {text}");
        }
    }

    #[test]
    fn what_leads_down_or_out_is_not() {
        let calls = "src/tree/sessions/conversation/calls.rs";
        for (path, text) in [
            (calls, "use super::{Conversation, Effects};"),
            (calls, "use super::super::delivery::StreamId;"),
            (calls, "pub(in super::super) fn f() {}"),
            (
                calls,
                "use crate::tree::{call::ReplyToken, registry::Routes};",
            ),
            (calls, "// use super::super::state::SessionState;"),
            (
                "src/tree/sessions/session/actor.rs",
                "use super::delivery::StreamId;",
            ),
            (
                "src/tree/sessions/supervisor.rs",
                "use super::session::SessionHandle;",
            ),
            (
                "src/tree/sessions/delivery/tests/mod.rs",
                "use super::super::super::X;",
            ),
            ("src/tree/root/boot.rs", "use super::status::StatusBook;"),
            ("src/tree/root/status/book.rs", "use super::events::Events;"),
            ("src/tree/mod.rs", "pub(crate) use root::RootHandle;"),
            ("src/tree/pulse.rs", "use super::root::RootHandle;"),
        ] {
            assert_eq!(complaints_of(path, text), 0, "{path}: {text}");
        }
    }
}
