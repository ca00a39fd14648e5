//! `${VAR}` in a field of an entry: [`interpolate`](super::interpolate) fills in, and what it could
//! not becomes a finding at the field, with what to write instead.

use super::Environment;
use super::foreign::{self, Foreign};
use super::interpolate::{Unresolved, interpolate};
use super::notes::{At, Finding, Notes};

/// Filling in `${VAR}`; nothing is filled in, and nothing missed, for a server that is off.
pub(super) struct Filling<'e>(Option<Environment<'e>>);

impl<'e> Filling<'e> {
    /// `None` for a server that is off.
    pub(super) fn new(env: Option<Environment<'e>>) -> Self {
        Self(env)
    }

    /// Whether `text` says all of what it will be, or a reference in it stays unknown.
    pub(super) fn is_final(&self, text: &str) -> bool {
        self.0.is_some() || !text.contains("${")
    }

    /// `text` with its references filled in; those that cannot be are reported and stay, and so are
    /// those that only others would fill in.
    pub(super) fn fill(&self, text: &str, at: &At, notes: &mut Notes) -> String {
        if let Some(env) = self.0
            && let Some(Foreign { what, help }) = foreign::find(text, &|name| env(name).is_some())
        {
            notes.add(Finding::warning(at.clone(), what).help(help));
        }
        self.fill_script(text, at, notes)
    }

    /// The same for what a shell reads, which fills in more.
    pub(super) fn fill_script(&self, text: &str, at: &At, notes: &mut Notes) -> String {
        let Some(env) = self.0 else {
            return text.to_owned();
        };
        let (filled, unresolved) = interpolate(text, env);
        for why in unresolved {
            notes.add(unresolved_finding(why, at.clone()));
        }
        if filled.contains('\0') && !text.contains('\0') {
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
        Unresolved::NotUnderstood => {
            let what = "a '${' in it is not understood and stays as written";
            let help = "the forms are ${VAR}, ${env:VAR}, ${VAR:-default}, and $${ for '${' itself";
            Finding::warning(at, what).help(help)
        }
    }
}
