//! `${VAR}` in a field of an entry: [`interpolate`](super::interpolate) fills in, and what it could
//! not becomes a finding at the field, with what to write instead.

use super::Environment;
use super::foreign::{self, Foreign};
use super::interpolate::{Unresolved, interpolate};
use super::notes::{At, Finding, Notes};
use super::secrets::Secret;

/// Filling in `${VAR}`; nothing is filled in, and nothing missed, for a server that is off.
pub(super) struct Filling<'e> {
    env: Option<Environment<'e>>,
    /// Whether files set variables too, which are not known yet.
    is_late: bool,
}

impl<'e> Filling<'e> {
    /// `None` for a server that is off.
    pub(super) fn new(env: Option<Environment<'e>>) -> Self {
        let is_late = false;
        Self { env, is_late }
    }

    /// The same for an entry with files of variables.
    pub(super) fn late(&self, is_late: bool) -> Self {
        Self { is_late, ..*self }
    }

    /// Whether `text` says all of what it will be, or a reference in it stays unknown.
    pub(super) fn is_final(&self, text: &str) -> bool {
        self.env.is_some() || !text.contains("${")
    }

    /// `text` with its references filled in, for what the log and errors show: nothing of it may be in a
    /// file. Those that cannot be filled in are reported and stay, and so are those that only others
    /// would fill in.
    pub(super) fn fill(&self, text: &str, at: &At, notes: &mut Notes) -> String {
        self.note_foreign(text, at, notes);
        self.fill_script(text, at, notes)
    }

    /// The same for what a shell reads, which fills in more.
    pub(super) fn fill_script(&self, text: &str, at: &At, notes: &mut Notes) -> String {
        let secret = self.late(false).secret_of_script(text, at, notes);
        if secret.files().next().is_some() {
            let what = "a secret in a file is for 'args', 'env', 'url' and 'headers': this here is shown in the log";
            notes.add(Finding::error(at.clone(), what));
        }
        secret.expose()
    }

    /// The same for what is never shown, and may be in files.
    pub(super) fn secret(&self, text: &str, at: &At, notes: &mut Notes) -> Secret {
        self.note_foreign(text, at, notes);
        self.secret_of_script(text, at, notes)
    }

    fn note_foreign(&self, text: &str, at: &At, notes: &mut Notes) {
        if let Some(env) = self.env
            && let Some(Foreign { what, help }) = foreign::find(text, &|name| env(name).is_some())
        {
            notes.add(Finding::warning(at.clone(), what).help(help));
        }
    }

    /// The same for what a shell reads.
    pub(super) fn secret_of_script(&self, text: &str, at: &At, notes: &mut Notes) -> Secret {
        let Some(env) = self.env else {
            return Secret::new(text.to_owned());
        };
        let (filled, unresolved) = interpolate(text, env, self.is_late);
        for why in unresolved {
            notes.add(unresolved_finding(why, at.clone()));
        }
        if !text.contains('\0') && filled.expose().contains('\0') {
            let what = "a variable in it holds the character NUL, which no process can be given";
            notes.add(Finding::error(at.clone(), what));
        }
        filled
    }
}

fn unresolved_finding(why: Unresolved<'_>, at: At) -> Finding {
    match why {
        Unresolved::Unset(name) => {
            let what = format!(
                "the environment variable {name} is not set; the reference stays as written"
            );
            let help = format!("set it for the gateway, or write ${{{name}:-default}}");
            Finding::warning(at, what).help(help)
        }
        Unresolved::Input(id) => {
            let what =
                format!("${{input:{id}}} is asked for by VS Code, and nobody can be asked here");
            let help = "write ${VARIABLE}, and set that variable for the gateway";
            Finding::error(at, what).help(help)
        }
        Unresolved::Editor(name) => {
            let what = format!("${{{name}}} is known to an editor only and stays as written");
            let help = match name {
                "userHome" => "write ${HOME}",
                "pathSeparator" | "/" => "write /",
                _ => "write the path itself",
            };
            Finding::warning(at, what).help(help)
        }
        Unresolved::NoFile => {
            let what = "a '${file:' in it has neither an absolute path nor a credential's name";
            let help = "write ${file:/run/secrets/name}, or ${file:NAME} for LoadCredential=NAME:… of systemd";
            Finding::error(at, what).help(help)
        }
        Unresolved::NotUnderstood => {
            let what = "a '${' in it is not understood and stays as written";
            let help = "the forms are ${VAR}, ${env:VAR}, ${VAR:-default}, ${file:/path}, and $${ for '${' itself";
            Finding::warning(at, what).help(help)
        }
    }
}
