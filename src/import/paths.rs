//! Relative paths in files: they start where their file is, and are written so that they lead to the same
//! from wherever the configuration will be.

use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};

use super::row::Program;
use super::server::Server;

/// Where the paths of a file start.
pub(super) struct Start {
    folder: PathBuf,
    is_ours: bool,
    /// Whether the configuration will be there too.
    stays: bool,
}

impl Start {
    /// Of the file at `input`; `output` is the folder of the configuration.
    pub(super) fn of(input: &Path, program: &Program, output: Option<&Path>) -> Self {
        let file = std::path::absolute(input).unwrap_or_else(|_| input.to_owned());
        let folder = file.parent().unwrap_or(Path::new("/"));
        let is_ours = program.is_ours();
        let stays = is_ours && output == Some(folder);
        // What is in `.vscode` or `.cursor` speaks of the folder that this is in.
        let name = folder.file_name().unwrap_or_default();
        let is_inside = !is_ours && name.to_string_lossy().starts_with('.');
        let outer = folder.parent().filter(|_| is_inside);
        Self {
            folder: outer.unwrap_or(folder).to_owned(),
            is_ours,
            stays,
        }
    }

    /// Mends those of an entry. Answers what is to be said of it.
    pub(super) fn settle(&self, server: &mut Server) -> Vec<String> {
        // In a configuration of ours it starts where the gateway was started.
        let cwd = server.cwd.as_mut().filter(|_| !self.is_ours);
        let cwd = cwd.and_then(|cwd| self.led("cwd", cwd));
        let env_file = self.env_file(&mut server.ours);
        cwd.into_iter().chain(env_file).collect()
    }

    /// The same for `env_file`, which the gateway has too.
    pub(super) fn env_file(&self, members: &mut Map<String, Value>) -> Option<String> {
        let names = ["env_file", "envFile"].into_iter().filter(|_| !self.stays);
        let said = names.filter_map(|name| match members.get_mut(name) {
            Some(Value::String(path)) => self.led("env_file", path),
            _ => None,
        });
        said.last()
    }

    /// Leads from the folder of the file to `path`, if that is a relative one.
    fn led(&self, name: &str, path: &mut String) -> Option<String> {
        let folder = self.folder.to_str()?;
        if path.is_empty() || path.starts_with(['/', '~', '$', '{', '%']) {
            return None;
        }
        let path_from_here = Path::new(path.as_str()).components();
        let here = |part: &Component<'_>| *part == Component::CurDir;
        let own: PathBuf = path_from_here.skip_while(here).collect();
        let start = folder.replace("${", "$${");
        Path::new(&start).join(own).to_str()?.clone_into(path);
        let folder = folder.escape_debug();
        Some(format!("the path in '{name}' starts in {folder}"))
    }
}
