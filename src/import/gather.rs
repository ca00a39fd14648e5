//! All files together: names that are unique, each server once, and what is written of it.

mod beside;
mod env_file;
mod finish;
mod same;

use std::collections::{BTreeMap, HashMap};

use jsonc_parser::ast::Value;

use self::same::Same;
use super::denials;
use super::entry::{self, Draft, Read};
use super::find::{self, Found, name_in};
use super::metamcp::{self, Key};
use super::paths::Start;
use super::row::Program;
use super::rules::Rules;
use super::server::{Configuration, Server};
use super::{Fate, Imported, Input, Plan, Row, file_name, read};
use crate::config::name::Names;
use crate::config::notes::{Finding, Notes};
use crate::config::quoted;
use crate::config::source::Source;
use crate::ids::ServerName;

/// A file that could be read.
struct Opened<'t> {
    input: &'t Input,
    program: &'static Program,
    tree: &'t Value<'t>,
    source: Source<'t>,
    start: Start,
}

/// Makes one configuration of all `inputs`.
#[must_use]
pub fn import(inputs: &[Input], plan: &Plan) -> Imported {
    let mut imported = Imported::default();
    let mut notes: Vec<Notes> = inputs.iter().map(|_| Notes::default()).collect();
    let trees = inputs.iter().zip(&mut notes);
    let trees: Vec<_> = trees
        .map(|(input, notes)| read::tree(&input.text, &input.path, notes))
        .collect();
    let mut gathering = Gathering {
        same: Same::new(plan),
        ..Gathering::default()
    };
    for ((input, tree), notes) in inputs.iter().zip(&trees).zip(&mut notes) {
        let tree = tree.as_ref();
        let opened = tree.and_then(|tree| open((input, plan), tree, notes));
        let name = opened.as_ref().map(|opened| opened.program.name);
        imported.programs.push((input.path.clone(), name));
        if let Some(opened) = opened {
            // What is wrong in an entry is that entry's; the rest is the file's.
            let mut own = Notes::default();
            gathering.take(&opened, (notes, &mut own), &mut imported);
            imported.is_lossy |= own.has_errors();
            notes.adopt(own, None);
        }
    }
    for (input, notes) in inputs.iter().zip(notes) {
        let source = Source::new(&input.text);
        let problems = notes.into_sorted().into_iter();
        let problems = problems.map(|finding| (input.path.clone(), source.problem(finding)));
        imported.problems.extend(problems);
    }
    gathering.finish(plan, &mut imported);
    imported
}

/// Whose file it is. One that nobody writes is an error.
fn open<'t>(
    (input, plan): (&'t Input, &Plan),
    tree: &'t Value<'t>,
    notes: &mut Notes,
) -> Option<Opened<'t>> {
    let program = find::program(tree, &input.path);
    if program.is_none() {
        let (what, help) = crate::config::elsewhere::unknown(tree);
        let at = crate::config::notes::At::file(0);
        notes.add(Finding::error(at, what).help(help));
    }
    let program = program?;
    if program.is_metamcp
        && let Some(what) = metamcp::missing(tree)
    {
        let at = crate::config::notes::At::file(0);
        let help = "export it as docs/migration.md says, with all tables";
        notes.add(Finding::error(at, what).help(help));
        return None;
    }
    Some(Opened {
        input,
        program,
        tree,
        source: Source::new(&input.text),
        start: Start::of(&input.path, program, plan.folder.as_deref()),
    })
}

/// What is known so far.
#[derive(Default)]
struct Gathering<'p> {
    configuration: Configuration,
    /// The row of each server in the configuration.
    rows: Vec<usize>,
    /// The servers by their names.
    places: HashMap<String, usize>,
    same: Same<'p>,
    /// How far each name is numbered.
    numbers: HashMap<String, u32>,
    /// What each profile was.
    origins: BTreeMap<String, String>,
    keys: Vec<Key>,
}

/// A name, and why it is another than the one that was written.
type Named = Option<(String, Option<String>)>;

impl Gathering<'_> {
    fn take(
        &mut self,
        opened: &Opened<'_>,
        (notes, own): (&mut Notes, &mut Notes),
        imported: &mut Imported,
    ) {
        let found = find::entries(opened.tree, opened.program, own);
        let mut by_uuid = HashMap::new();
        let known = self.configuration.servers.len();
        let mut rules = Rules::default();
        for (found, named) in found.iter().zip(names(&found, opened)) {
            let place = self.entry((found, named), opened, notes, imported);
            if let (Some(name), Some(place)) = (written(found), place) {
                rules.add(name, place);
            }
            let entry = found.body.value.as_object();
            let uuid = entry.and_then(|entry| metamcp::text(entry, "uuid"));
            if let (Some(uuid), Some(place)) = (uuid, place) {
                by_uuid.insert(uuid, place);
            }
        }
        self.rules(opened, &rules, imported);
        let denied = denials::read(opened.tree, opened.program, &rules);
        self.deny(denied, imported);
        let is_dump =
            opened.program.is_metamcp && !find::reached(opened.tree, "mcp_servers").is_empty();
        if is_dump {
            self.beside(opened, (&by_uuid, known), imported);
        }
        self.ours(opened, imported);
    }

    /// Takes one entry. Answers its place in the configuration.
    fn entry(
        &mut self,
        (found, named): (&Found<'_>, Named),
        opened: &Opened<'_>,
        notes: &mut Notes,
        imported: &mut Imported,
    ) -> Option<usize> {
        let shown = written(found).map_or_else(|| found.body.at.path.clone(), quoted);
        let line = opened.source.place(found.body.at.offset).line;
        let from = format!("{shown} ({}:{line})", file_name(&opened.input.path));
        let row = |name: String, fate, why: String| Row {
            name,
            from: from.clone(),
            fate,
            changes: vec![why],
            is_lossy: false,
        };
        let Some((name, renamed)) = named else {
            let why = "it has no name".to_owned();
            imported.rows.push(row(shown.clone(), Fate::LeftOut, why));
            return None;
        };
        let mut own = Notes::default();
        let read = entry::read(found, &name, opened.program, &mut own);
        let has_errors = own.has_errors();
        notes.adopt(own, Some(&name));
        let Draft {
            mut server,
            changes,
            is_lossy,
            ..
        } = match read {
            Read::Taken(draft) if !has_errors => *draft,
            Read::Taken(_) => {
                let why = "there are mistakes in it".to_owned();
                imported.rows.push(row(name, Fate::LeftOut, why));
                return None;
            }
            Read::LeftOut(why) => {
                let fate = if has_errors {
                    Fate::LeftOut
                } else {
                    Fate::NotOurs
                };
                imported.rows.push(row(name, fate, why));
                return None;
            }
        };
        let led = opened.start.settle(&mut server);
        let changes = renamed.into_iter().chain(changes).chain(led).collect();
        let (place, mut row) = self.place(server, opened.program.is_ours(), changes, from)?;
        row.is_lossy = is_lossy;
        imported.rows.push(row);
        if place == self.rows.len() {
            self.rows.push(imported.rows.len() - 1);
        }
        Some(place)
    }

    /// Puts a server into the configuration, under another name if its own is another server's.
    fn place(
        &mut self,
        mut server: Server,
        is_ours: bool,
        mut changes: Vec<String>,
        from: String,
    ) -> Option<(usize, Row)> {
        if self.places.contains_key(&server.name) {
            let first = server.name.clone();
            let start = first.get(..first.len().min(58)).unwrap_or_default();
            let mut known = [&*first, start].into_iter();
            let known = known.find_map(|name| self.same.find(name, &server));
            let there = known.and_then(|place| self.configuration.servers.get_mut(place));
            if let (Some(place), Some(there)) = (
                known,
                there.and_then(|there| there.settle_tools().then_some(there)),
            ) {
                let row = Row {
                    name: there.name.clone(),
                    from,
                    fate: Fate::Same,
                    changes: vec!["the same server was there already".to_owned()],
                    is_lossy: false,
                };
                return Some((place, row));
            }
            let number = self.numbers.entry(start.to_owned()).or_insert(2);
            let mut numbered = (*number..).map(|number| (number, format!("{start}-{number}")));
            (*number, server.name) = numbered.find(|(_, name)| !self.places.contains_key(name))?;
            changes.insert(0, format!("renamed: another server is called '{first}'"));
        }
        let place = self.configuration.servers.len();
        let row = Row {
            name: server.name.clone(),
            from,
            fate: Fate::On,
            changes,
            is_lossy: false,
        };
        self.places.insert(server.name.clone(), place);
        self.same.add(&server, place, is_ours);
        self.configuration.servers.push(server);
        Some((place, row))
    }
}

/// The names that the entries of a file get.
fn names(found: &[Found<'_>], opened: &Opened<'_>) -> Vec<Named> {
    let mut names = Names::of_texts(found.iter().filter_map(written));
    let mut name = |found| {
        let written = written(found)?;
        match ServerName::new(written) {
            Ok(name) => Some((name.to_string(), None)),
            Err(why) => {
                let made = names.make(written, opened.program.is_metamcp)?;
                Some((made.to_string(), Some(format!("renamed: {why}"))))
            }
        }
    };
    found.iter().map(&mut name).collect()
}

/// The name an entry has in its file.
fn written<'t>(found: &Found<'t>) -> Option<&'t str> {
    let name = match &found.key {
        Some(key) => key.value,
        None => name_in(&found.body)?.value,
    };
    (!name.trim().is_empty()).then_some(name)
}
