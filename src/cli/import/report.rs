//! What is said of an import: a table before anything is written, and what there is in the end.

use std::io::{self, Write};

use super::Wish;
use crate::cli::check::{count, print_problems, shown_path};
use crate::cli::table;
use crate::config::Problem;
use crate::import::{Fate, Imported};

/// What became of everything, as tables.
pub(super) fn tables(imported: &Imported, out: &mut dyn Write) -> io::Result<()> {
    for (path, program) in &imported.programs {
        let found = program.unwrap_or("not used");
        writeln!(out, "{}: {found}", shown_path(path))?;
    }
    writeln!(out)?;
    for (path, _) in &imported.programs {
        let of_file = imported.problems.iter().filter(|(of, _)| of == path);
        let problems: Vec<Problem> = of_file.map(|(_, problem)| problem.clone()).collect();
        print_problems(&shown_path(path), &problems, out)?;
    }
    if !imported.rows.is_empty() {
        table::print(&servers(imported), out)?;
    }
    if !imported.profiles.is_empty() {
        table::print(&profiles(imported), out)?;
    }
    for note in &imported.notes {
        writeln!(out, "note: {note}")?;
    }
    Ok(())
}

/// A line for each change, the first of a server beside its name.
fn servers(imported: &Imported) -> Vec<Vec<String>> {
    let titles = ["SERVER", "STATE", "FROM", "CHANGES"];
    let mut lines = vec![titles.map(str::to_owned).to_vec()];
    for row in &imported.rows {
        let state = match row.fate {
            Fate::On => "on",
            Fate::Off => "off",
            Fate::Same => "same",
            Fate::LeftOut => "left out",
            Fate::NotOurs => "not needed",
        };
        let start = [row.name.clone(), state.to_owned(), row.from.clone()];
        let mut changes = row.changes.iter().cloned();
        let mut first = start.to_vec();
        first.extend(changes.next());
        lines.push(first);
        let blank = || vec![String::new(); start.len()];
        lines.extend(changes.map(|change| [blank(), vec![change]].concat()));
    }
    lines
}

fn profiles(imported: &Imported) -> Vec<Vec<String>> {
    let titles = ["PROFILE", "FROM", "SERVERS", "HIDDEN"];
    let mut lines = vec![titles.map(str::to_owned).to_vec()];
    lines.extend(imported.profiles.iter().map(|profile| {
        vec![
            profile.name.clone(),
            profile.from.clone(),
            listed(&profile.servers),
            listed(&profile.hidden),
        ]
    }));
    lines
}

/// The first few, and how many more there are.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let mut shown: Vec<String> = names.iter().take(SHOWN).cloned().collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}

/// What there is now, and what is left to do.
pub(super) fn summary(
    wish: &Wish,
    imported: &Imported,
    refused: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let of = |fate| imported.rows.iter().filter(|row| row.fate == fate).count();
    let on = of(Fate::On).saturating_sub(refused);
    let mut parts = vec![count(on, "server") + " to run"];
    if refused > 0 {
        parts.push(format!("{refused} with errors"));
    }
    if of(Fate::Off) > 0 {
        parts.push(format!("{} off", of(Fate::Off)));
    }
    if imported.left_out() > 0 {
        parts.push(format!("{} left out", imported.left_out()));
    }
    if !imported.profiles.is_empty() {
        parts.push(count(imported.profiles.len(), "profile"));
    }
    let name = wish
        .output
        .as_deref()
        .map_or("configuration".to_owned(), shown_path);
    writeln!(out, "{name}: {}", parts.join(", "))?;
    secrets(wish, imported, out)?;
    match (&wish.tokens_to, imported.tokens) {
        (None, 0) => {}
        (Some(path), 0) => {
            let path = shown_path(path);
            writeln!(out, "{path}: no API keys, not written")?;
        }
        (Some(path), tokens) => {
            let path = shown_path(path);
            let tokens = count(tokens, "API key");
            writeln!(
                out,
                "{path}: {tokens}; run the gateway with --token-file {path}"
            )?;
        }
        (None, tokens) => {
            let tokens = count(tokens, "API key");
            writeln!(
                out,
                "{tokens} left out: --tokens-to FILE writes them, for --token-file"
            )?;
        }
    }
    if wish.dry_run {
        writeln!(out, "nothing was written, as --dry-run says")?;
    }
    Ok(())
}

fn secrets(wish: &Wish, imported: &Imported, out: &mut dyn Write) -> io::Result<()> {
    let moved = imported.secrets.len();
    match &wish.secrets_to {
        Some(path) if moved == 0 => {
            writeln!(out, "{}: nothing to add, not written", shown_path(path))
        }
        Some(path) => {
            let (path, moved) = (shown_path(path), count(moved, "variable"));
            let who = if imported.names_env_file {
                "the configuration names it as its 'env_file'"
            } else {
                "the gateway needs them in its environment"
            };
            writeln!(out, "{path}: {moved}; {who}")
        }
        None if moved > 0 => {
            let names: Vec<&str> = imported.secrets.keys().map(String::as_str).collect();
            let names = names.join(", ");
            writeln!(
                out,
                "secrets are not shown: set {names}, or have them written with --secrets-to FILE"
            )
        }
        None if imported.written_out > 0 => {
            let secrets = count(imported.written_out, "secret");
            writeln!(
                out,
                "{secrets} written out in it; --secrets-to FILE moves them"
            )
        }
        None => Ok(()),
    }
}
