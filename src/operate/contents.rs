//! What a tool answers with: texts are printed, and bytes become files that are named.

#![expect(clippy::disallowed_methods, reason = "a verb without workers")]

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::gateway::Failed;
use super::screen::Screen;
use super::{FAILED, units};

/// So much of a tool's name goes into a file's.
const NAME: usize = 100;
/// So many files of one name are told apart.
const MOST: usize = 10_000;

/// A block of content.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content {
    Text {
        text: String,
    },
    #[serde(alias = "audio", rename_all = "camelCase")]
    Image {
        data: String,
        #[serde(default)]
        mime_type: String,
    },
    Resource {
        resource: Resource,
    },
    ResourceLink {
        uri: String,
        #[serde(default)]
        name: String,
    },
    /// A revision of MCP may have more.
    #[serde(untagged)]
    Other(Value),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource {
    #[serde(default)]
    uri: String,
    #[serde(default)]
    mime_type: String,
    text: Option<String>,
    blob: Option<String>,
}

/// Where files go, and what they are called.
pub(super) struct Folder {
    directory: PathBuf,
    stem: String,
    /// The next number of each kind of file.
    next: HashMap<&'static str, usize>,
}

impl Folder {
    pub(super) fn new(directory: &Path, tool: &str) -> Self {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let stem = tool.chars().take(NAME);
        let stem = stem.map(|c| if is_plain(c) { c } else { '_' }).collect();
        Self {
            directory: directory.to_owned(),
            stem,
            next: HashMap::new(),
        }
    }

    /// Writes a new file. One that is there stays.
    fn keep(&mut self, bytes: &[u8], mime_type: &str) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.directory)?;
        let extension = extension(mime_type);
        let next = self.next.entry(extension).or_insert(1);
        for number in *next..=MOST {
            *next = number + 1;
            let name = format!("{}-{number}.{extension}", self.stem);
            let path = self.directory.join(name);
            match File::create_new(&path) {
                Ok(mut file) => return file.write_all(bytes).map(|()| path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// Prints it, or writes it to a file and prints its name.
pub(super) fn show(
    content: &Content,
    folder: &mut Folder,
    screen: &mut Screen<'_>,
) -> Result<(), Failed> {
    match content {
        Content::Text { text } => screen.passage(text)?,
        Content::Image { data, mime_type } => keep(data, mime_type, folder, screen)?,
        Content::Resource { resource } => match (&resource.text, &resource.blob) {
            (Some(text), _) => screen.passage(text)?,
            (None, Some(blob)) => keep(blob, &resource.mime_type, folder, screen)?,
            (None, None) => screen.line(&resource.uri)?,
        },
        Content::ResourceLink { uri, name } => screen.line(&format!("{name}: {uri}"))?,
        Content::Other(other) => screen.passage(&format!("{other:#}"))?,
    }
    Ok(())
}

fn keep(
    data: &str,
    mime_type: &str,
    folder: &mut Folder,
    screen: &mut Screen<'_>,
) -> Result<(), Failed> {
    let failed = |words| Failed::said(FAILED, words);
    let decoded = STANDARD.decode(data.trim());
    let bytes = decoded.map_err(|error| failed(format!("{mime_type} is no base64: {error}")))?;
    let kept = folder.keep(&bytes, mime_type).map_err(|error| {
        let directory = folder.directory.display();
        failed(format!("a file in {directory} cannot be written: {error}"))
    })?;
    let size = units::bytes(bytes.len() as u64);
    screen.line(&format!("{} ({size}, {mime_type})", kept.display()))?;
    Ok(())
}

/// What a file of this type is called. A type that is not known may be anything.
fn extension(mime_type: &str) -> &'static str {
    let mime_type = mime_type.split(';').next().unwrap_or_default().trim();
    match mime_type.to_ascii_lowercase().as_str() {
        "image/png" => "png",
        "image/jpeg" | "image/jpg" => "jpg",
        "image/gif" => "gif",
        "image/webp" => "webp",
        "image/svg+xml" => "svg",
        "audio/wav" | "audio/x-wav" => "wav",
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/ogg" => "ogg",
        "application/pdf" => "pdf",
        "application/json" => "json",
        "application/zip" => "zip",
        "text/plain" => "txt",
        "text/html" => "html",
        "text/csv" => "csv",
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_as_their_tool_and_never_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let mut folder = Folder::new(&home.path().join("new"), "a__b/../\u{1b}[c");
        let first = folder.keep(b"1", "image/png; x").unwrap();
        let second = folder.keep(b"2", "IMAGE/PNG").unwrap();
        let other = folder.keep(b"3", "x/../../y").unwrap();
        assert_eq!(folder.next["png"], 3, "none is tried again");
        let names = [first, second, other].map(|path| path.file_name().unwrap().to_owned());
        assert_eq!(
            names,
            [
                "a__b______c-1.png",
                "a__b______c-2.png",
                "a__b______c-1.bin"
            ]
        );
        assert_eq!(
            fs::read(home.path().join("new/a__b______c-1.png")).unwrap(),
            b"1"
        );
    }
}
