//! The files that an import writes: which may be meant, what of them stays, and that all are written or none.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use super::Wish;
use crate::cli::check::shown_path;
use crate::config;
use crate::import::{Imported, files};

/// What became of the files.
pub(super) enum Written {
    All,
    /// The first of them; something happened to the others meanwhile.
    Some,
    Nothing,
}

/// What is in the files that are added to.
#[derive(Default)]
pub(super) struct Kept {
    secrets: String,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) tokens: String,
}

impl Kept {
    /// Reads them. `None`: one cannot be added to, which is said.
    pub(super) fn read(wish: &Wish, err: &mut dyn Write) -> io::Result<Option<Self>> {
        let mut kept = Self::default();
        let mut all = [(&wish.secrets_to, true), (&wish.tokens_to, false)].into_iter();
        let failed = all.find_map(|(path, has_variables)| {
            let path = path.as_deref()?;
            let is_added_to = wish.force && files::is_there(path);
            let taken = is_added_to.then(|| kept.take(path, has_variables))?;
            Some((path, taken.err()?))
        });
        if let Some((path, why)) = failed {
            let path = shown_path(path);
            writeln!(
                err,
                "error: cannot add to {path}: {why}; nothing was written"
            )?;
            return Ok(None);
        }
        Ok(Some(kept))
    }

    /// Takes in a file that is added to: one of variables, or one of tokens.
    fn take(&mut self, path: &Path, has_variables: bool) -> Result<(), String> {
        let text = files::read(path).map_err(|error| error.to_string())?.text;
        if has_variables {
            self.variables = config::variables(&text)?;
            self.secrets = text;
        } else {
            self.tokens = text;
        }
        Ok(())
    }
}

/// What options name a file, and which.
fn named(wish: &Wish) -> impl Iterator<Item = (&'static str, &Path)> {
    let named = [
        ("--output", &wish.output),
        ("--secrets-to", &wish.secrets_to),
        ("--tokens-to", &wish.tokens_to),
    ];
    named
        .into_iter()
        .filter_map(|(option, path)| Some((option, path.as_deref()?)))
}

/// Two options that name one file, or one that names a file that is read: what would be in it then?
pub(super) fn confused(wish: &Wish) -> Option<String> {
    let named: Vec<_> = named(wish).collect();
    for (place, (option, path)) in named.iter().enumerate() {
        let shown = shown_path(path);
        let mut others = named.iter().take(place);
        if let Some((other, _)) = others.find(|(_, other)| files::are_one(path, other)) {
            return Some(format!("{other} and {option} name one file, {shown}"));
        }
        let is_read = || wish.files.iter().any(|file| files::are_one(path, file));
        if *option != "--output" && is_read() {
            return Some(format!("{option} names a file that is imported, {shown}"));
        }
    }
    None
}

/// Why nothing is written, if a file is in the way.
pub(super) fn refused(wish: &Wish, imported: &Imported) -> Option<String> {
    let mut paths = named(wish).map(|(_, path)| path);
    if let Some(path) = paths.find(|path| !wish.force && files::is_there(path)) {
        return Some(format!(
            "error: {} is there already; nothing was written\n    help: name another file, or replace it with \
             --force; to keep what is in it, import it too",
            shown_path(path)
        ));
    }
    let output = wish.output.as_deref()?;
    let mut others = imported.of_others();
    let (path, program) = others.find(|(path, _)| files::are_one(path, output))?;
    Some(format!(
        "error: {} is a file of {program}, which could not use what would be in it; nothing was written\n    \
         help: name another file with --output",
        shown_path(path)
    ))
}

/// Writes all of them, or says why not. The secrets first: the configuration is of no use without them.
pub(super) fn write(
    wish: &Wish,
    imported: &Imported,
    kept: &Kept,
    out: &mut dyn Write,
) -> io::Result<Written> {
    let secrets = joined(&kept.secrets, &imported.env_file());
    let tokens = joined(&kept.tokens, &imported.token_file);
    let has_secrets = imported.written_out > 0;
    let texts = [
        (&wish.secrets_to, secrets, true),
        (&wish.tokens_to, tokens, true),
        (&wish.output, Some(imported.text.clone()), has_secrets),
    ];
    let mut prepared = Vec::new();
    for (path, text, is_secret) in texts {
        let (Some(path), Some(text)) = (path, text) else {
            continue;
        };
        match files::prepare(path, &text, is_secret) {
            Ok(file) => prepared.push((path, file)),
            Err(error) => {
                let path = shown_path(path);
                writeln!(
                    out,
                    "error: cannot write {path}: {error}; nothing was written"
                )?;
                return Ok(Written::Nothing);
            }
        }
    }
    let mut written = Written::Nothing;
    for (path, file) in prepared {
        if let Err(error) = file.place() {
            writeln!(out, "error: cannot write {}: {error}", shown_path(path))?;
            return Ok(written);
        }
        written = Written::Some;
    }
    Ok(Written::All)
}

/// What is there and what is new; `None` if nothing is.
fn joined(kept: &str, new: &str) -> Option<String> {
    let line_end = if kept.is_empty() || kept.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    (!new.is_empty()).then(|| [kept, line_end, new].concat())
}
