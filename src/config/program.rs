//! The fields of an entry that say what is run for it: `command`, `args`, `env`, `cwd`, `inherit_env`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::filling::Filling;
use super::foreign;
use super::model::{Program, Secret};
use super::notes::{At, Finding, Notes};
use super::values::{self, Fields};

/// What is run; `late` fills in what files of variables may set.
pub(super) fn read(
    fields: &Fields<'_>,
    (fill, late): (&Filling<'_>, &Filling<'_>),
    notes: &mut Notes,
) -> Option<Program> {
    let command = command(fields, fill, notes);
    let args = args(fields, late, notes);
    let env = env(fields, late, notes);
    let cwd = cwd(fields, fill, notes);
    let inherit_env = fields.get("inherit_env");
    let inherit_env = inherit_env.and_then(|field| values::flag(&field, "inherit_env", notes));
    Some(Program {
        command: command?,
        args,
        env,
        cwd,
        inherit_env: inherit_env.unwrap_or(false),
    })
}

fn command(fields: &Fields<'_>, fill: &Filling<'_>, notes: &mut Notes) -> Option<String> {
    let Some(field) = fields.get("command") else {
        let finding = Finding::error(fields.at.clone(), "'command' is missing");
        let holds_entries = ["mcpServers", "servers", "mcp"]
            .iter()
            .any(|list| fields.get(list).is_some());
        notes.add(finding.help(if holds_entries {
            "this holds servers itself, which are one level too deep: move them up"
        } else {
            r#"name the program to run, such as "command": "npx", or a remote server's "url""#
        }));
        return None;
    };
    if field.value.as_array().is_some() {
        let finding = Finding::error(field.at, "'command' must be a text, not a list");
        notes.add(finding.help("write the program into 'command' and the rest into 'args'"));
        return None;
    }
    if field.value.as_object().is_some() {
        let finding = Finding::error(field.at, "'command' must be a text, not an object");
        notes
            .add(finding.help("write what is in it (a path, 'args', 'env') into the entry itself"));
        return None;
    }
    let text = values::text(&field, "command", notes)?;
    if text.trim().is_empty() {
        notes.add(Finding::error(field.at, "'command' is empty"));
        return None;
    }
    // One advice is enough: what is of Windows has no habits of a shell.
    let filled = if is_of_windows(text, fields, &field.at, notes) {
        fill.fill_script(text, &field.at, notes)
    } else {
        note_shell_habits(text, &field.at, notes);
        fill.fill(text, &field.at, notes)
    };
    if filled.trim().is_empty() {
        notes.add(Finding::error(
            field.at,
            "'command' is empty once its variables are filled in",
        ));
        return None;
    }
    Some(filled)
}

/// What a shell would understand and `exec` does not.
fn note_shell_habits(command: &str, at: &At, notes: &mut Notes) {
    let first = command.split_whitespace().next().unwrap_or_default();
    let is_one_word = !command.contains(char::is_whitespace);
    // A path may well have a space in it, and so may a default inside ${…}.
    if !is_one_word && !first.contains(['/', '$', '~', '\\']) {
        let what = "'command' has spaces in it and is run as it is, without a shell";
        // A variable in front may hold a secret.
        let help = if first.contains('=') {
            "write the program alone into 'command', what is set for it into 'env', the rest into 'args'"
                .to_owned()
        } else {
            format!(
                "write \"command\": \"{}\" and the rest into 'args'",
                first.escape_debug()
            )
        };
        notes.add(Finding::warning(at.clone(), what).help(help));
    }
}

/// Whether it is a program of Windows, which is said then.
fn is_of_windows(command: &str, fields: &Fields<'_>, at: &At, notes: &mut Notes) -> bool {
    let args = fields.get("args");
    let args = args.and_then(|args| args.value.as_array()).into_iter();
    let args = args.flat_map(|args| &args.elements);
    let texts = args.filter_map(|arg| Some(&*arg.as_string_lit()?.value));
    let Some(found) = foreign::windows_program(command, texts) else {
        return false;
    };
    notes.add(Finding::warning(at.clone(), found.what).help(found.help));
    true
}

fn args(fields: &Fields<'_>, fill: &Filling<'_>, notes: &mut Notes) -> Vec<Secret> {
    let Some(field) = fields.get("args") else {
        return Vec::new();
    };
    let args = values::list(&field, "args", notes);
    let command = fields.get("command");
    let command = command.and_then(|field| Some(&*field.value.as_string_lit()?.value));
    let first = args.first().map(|arg| arg.value);
    let is_script = command.is_some_and(|command| foreign::is_script(command, first));
    let filled = args.iter().map(|arg| {
        if is_script {
            fill.secret_of_script(arg.value, &arg.at, notes)
        } else {
            fill.secret(arg.value, &arg.at, notes)
        }
    });
    filled.collect()
}

fn env(fields: &Fields<'_>, fill: &Filling<'_>, notes: &mut Notes) -> BTreeMap<String, Secret> {
    let Some(field) = fields.get("env") else {
        return BTreeMap::new();
    };
    let variables = values::variables(&field, notes);
    variables
        .into_iter()
        .map(|(name, text)| (name.to_owned(), fill.secret(text.value, &text.at, notes)))
        .collect()
}

/// The working directory. A relative one is relative to the gateway's own.
fn cwd(fields: &Fields<'_>, fill: &Filling<'_>, notes: &mut Notes) -> Option<PathBuf> {
    let field = fields.get("cwd")?;
    let text = values::text(&field, "cwd", notes)?;
    let filled = fill.fill(text, &field.at, notes);
    (!filled.is_empty()).then(|| PathBuf::from(filled))
}
