//! Tells a client: by its own command, or in its file, of which a copy is kept.

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::programs::{Program, Snippet};
use super::{CONFIG, LEFT, OK, USAGE};
use crate::cli::check::shown_path;
use crate::config::Environment;
use crate::edit::{Document, Json, Put};
use crate::import::files;

pub(super) fn write(
    program: &Program,
    snippet: &Snippet,
    named: Option<&Path>,
    env: Environment<'_>,
    err: &mut dyn Write,
) -> io::Result<u8> {
    let title = program.title;
    match snippet {
        Snippet::Command(words) if named.is_none() => command(words, &snippet.shown(), err),
        Snippet::Member(path, value) => {
            let own = || program.file.and_then(|file| file(env));
            let Some(file) = named.map(Path::to_owned).or_else(own) else {
                writeln!(
                    err,
                    "error: HOME is not set: name the file of {title} with --file"
                )?;
                return Ok(USAGE);
            };
            edit(&file, (path, value), err)
        }
        Snippet::Command(_) => {
            writeln!(
                err,
                "error: {title} is told by its own command; --file has no meaning there"
            )?;
            Ok(USAGE)
        }
        Snippet::Code(line) => {
            writeln!(
                err,
                "{title} has no file that could be written; put this into the program:\n{line}"
            )?;
            Ok(LEFT)
        }
    }
}

fn command(words: &[String], shown: &str, err: &mut dyn Write) -> io::Result<u8> {
    let [name, args @ ..] = words else {
        return Ok(OK);
    };
    writeln!(err, "{shown}")?;
    err.flush()?;
    match Command::new(name).args(args).status() {
        Ok(status) if status.success() => Ok(OK),
        Ok(status) => {
            writeln!(err, "error: {name} did not do it: {status}")?;
            Ok(LEFT)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            writeln!(
                err,
                "error: {name} is not on the PATH here; run that line where it is"
            )?;
            Ok(LEFT)
        }
        Err(error) => {
            writeln!(err, "error: {name} cannot be run: {error}")?;
            Ok(LEFT)
        }
    }
}

fn edit(file: &Path, (path, value): (&[&str], &Json), err: &mut dyn Write) -> io::Result<u8> {
    let shown = shown_path(file);
    match put(file, path, value) {
        Ok(Put::Same) => writeln!(err, "{shown}: it is there already")?,
        Ok(Put::New) => writeln!(err, "{shown}: it is added")?,
        Ok(Put::Replaced) => writeln!(err, "{shown}: what was there under this name is replaced")?,
        Err(why) => {
            writeln!(err, "error: {shown}: {why}; nothing was written")?;
            return Ok(CONFIG);
        }
    }
    Ok(OK)
}

fn put(file: &Path, path: &[&str], value: &Json) -> Result<Put, String> {
    let said = |error: io::Error| error.to_string();
    let before = match files::read(file) {
        Ok(input) => Some(input.text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(said(error)),
    };
    let text = before.as_deref().filter(|text| !text.trim().is_empty());
    let document = Document::parse(text.unwrap_or("{}\n"))?;
    let what = document.put(path, value)?;
    if what == Put::Same {
        return Ok(what);
    }
    if let Some(before) = &before {
        let copy = files::prepare(&copy_of(file)?, before, true).map_err(said)?;
        copy.place().map_err(said)?;
    } else if let Some(folder) = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        let mut folders = DirBuilder::new();
        folders
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(said)?;
    }
    let new = files::prepare(file, &document.text(), false).map_err(said)?;
    new.place().map_err(said)?;
    Ok(what)
}

/// `mcp.json.before-mcproxy`, or with a number where there is one already.
fn copy_of(file: &Path) -> Result<PathBuf, String> {
    let mut names = (1..100).map(|number| {
        let mut name = file.as_os_str().to_owned();
        name.push(".before-mcproxy");
        if number > 1 {
            name.push(format!("-{number}"));
        }
        PathBuf::from(name)
    });
    let free = names.find(|name| !files::is_there(name));
    free.ok_or_else(|| "there are a hundred copies of it already".to_owned())
}
