//! What a shell, Windows or another program would fill in or understand in a text, and what is passed
//! on here as it stands: the server would take the words for its token. Pure. Nothing of a text is
//! shown, which may be a secret, but the name of a variable that is set.

/// What is in a text that is not what it seems.
pub(super) struct Foreign {
    pub(super) what: String,
    pub(super) help: String,
}

impl Foreign {
    fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        let (what, help) = (what.into(), help.into());
        Self { what, help }
    }
}

/// The first such thing in `text`. `is_set` knows the variables of the gateway.
pub(super) fn find(text: &str, is_set: &dyn Fn(&str) -> bool) -> Option<Foreign> {
    let value = text.split_once('=').map_or("", |(_, value)| value);
    if is_blank(text) || is_blank(value) {
        let what = "it looks like a blank that nobody has filled in";
        return Some(Foreign::new(what, "write what it stands for"));
    }
    // A mebibyte is not searched for what stands at the start of short texts.
    let end = text
        .char_indices()
        .nth(LONGEST)
        .map_or(text.len(), |(end, _)| end);
    let text = text.get(..end)?;
    reference(text, is_set).or_else(|| path(text))
}

const LONGEST: usize = 4096;

/// `<your token>`, `YOUR_API_KEY`, `your-key-here`.
fn is_blank(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_- .".contains(c);
    let inside = text
        .strip_prefix('<')
        .and_then(|text| text.strip_suffix('>'));
    if inside.is_some_and(|inside| !inside.is_empty() && inside.chars().all(is_word)) {
        return true;
    }
    let lower = text.to_ascii_lowercase().replace('-', "_");
    lower.len() < 60
        && lower.chars().all(is_word)
        && (lower.starts_with("your_") || lower.ends_with("_here") && lower.contains("key"))
}

fn reference(text: &str, is_set: &dyn Fn(&str) -> bool) -> Option<Foreign> {
    let shown = |name: &str| {
        if is_set(name) {
            name.to_owned()
        } else {
            "NAME".to_owned()
        }
    };
    if let Some(name) = dollar(text) {
        let name = shown(name);
        let what = format!("'${name}' in it is filled in by a shell only, and stays as written");
        return Some(Foreign::new(what, format!("write ${{{name}}}")));
    }
    if text.contains("$(") || text.len() > 2 && text.starts_with('`') && text.ends_with('`') {
        let what = "a command in it is run by a shell only, and stays as written";
        let help = "set a variable for the gateway, and write ${NAME}";
        return Some(Foreign::new(what, help));
    }
    if let Some(name) = between(text, "%", "%").filter(|name| is_of_windows(name)) {
        let name = shown(name);
        let what = format!("'%{name}%' in it is filled in by Windows only, and stays as written");
        return Some(Foreign::new(what, format!("write ${{{name}}}")));
    }
    let braces = between(text, "{{", "}}")
        .map(str::trim)
        .filter(|name| is_name(name));
    if braces.is_some() {
        let what = "'{{…}}' in it is filled in by another program only, and stays as written";
        return Some(Foreign::new(what, "write ${NAME}, or what it stands for"));
    }
    let mut braces = text
        .match_indices('{')
        .filter_map(|(at, _)| text.split_at_checked(at));
    let is_of_others = |(before, rest): (&str, &str)| {
        !before.ends_with('$') && (rest.starts_with("{env:") || rest.starts_with("{file:"))
    };
    let others = braces.any(is_of_others) || text.contains("$env.");
    others.then(|| {
        let what = "a reference in it is filled in by another program only, and stays as written";
        Foreign::new(what, "write ${NAME}, and set that variable for the gateway")
    })
}

/// The name in the first `$NAME` or `$env:NAME` that begins a text or a part of it.
fn dollar(text: &str) -> Option<&str> {
    text.match_indices('$').find_map(|(at, _)| {
        let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
        let is_start = before.is_empty() || before.ends_with(|c: char| "/\\=:,; \"'@(".contains(c));
        let powershell = after
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("env:"));
        let rest = if powershell { after.get(4..)? } else { after };
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let (name, rest) = rest.split_at(length.unwrap_or(rest.len()));
        let is_loud = name.len() > 1 && !name.contains(|c: char| c.is_ascii_lowercase());
        let is_whole = before.is_empty() && rest.is_empty();
        let is_meant = powershell || is_loud || is_whole;
        // What goes on with '$' is a hash of a password.
        (is_start && is_meant && is_name(name) && !rest.starts_with('$')).then_some(name)
    })
}

/// What is between the first `open` and the next `close`.
fn between<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inside, _)| inside)
}

/// `APPDATA` and `UserProfile`, not what is between two bytes in a URI or two fields of a date.
fn is_of_windows(name: &str) -> bool {
    let is_byte = name.get(..2).is_some_and(|two| {
        two.bytes()
            .all(|b| b.is_ascii_hexdigit() && !b.is_ascii_lowercase())
    });
    let is_upper = !name.contains(|c: char| c.is_ascii_lowercase());
    is_name(name) && name.len() > 2 && (is_upper && name.len() > 4 || !is_byte)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.len() <= 128
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Paths that are found elsewhere only: at the start of the text, of an option's value, of a list's
/// part.
fn path(text: &str) -> Option<Foreign> {
    let value = text.split_once('=').map_or(text, |(_, value)| value);
    for text in [text, value] {
        if text == "~" || text.starts_with("~/") || text.starts_with("~\\") {
            let what = "it has a '~', which only a shell knows";
            return Some(Foreign::new(what, "write ${HOME}"));
        }
        if is_windows_path(text) {
            let what = "it is a path of Windows, and the gateway runs on Linux";
            let help = "write the path on the machine, or in the container, that runs the gateway";
            return Some(Foreign::new(what, help));
        }
    }
    None
}

fn is_windows_path(text: &str) -> bool {
    let mut chars = text.chars();
    let (first, second, third) = (chars.next(), chars.next(), chars.next());
    let is_drive = first.is_some_and(|c| c.is_ascii_alphabetic()) && second == Some(':');
    is_drive && matches!(third, Some('\\' | '/')) || text.starts_with("\\\\") && text.len() > 4
}

/// The programs whose names say nothing about anybody.
const COMMON: &[&str] = &[
    "npx", "npm", "node", "pnpm", "yarn", "bun", "bunx", "deno", "uvx", "uv", "python", "python3",
    "pipx", "docker", "podman",
];

/// What is to be said about a program of Windows, with the arguments that it gets.
pub(super) fn windows_program<'a>(
    command: &str,
    mut args: impl Iterator<Item = &'a str>,
) -> Option<Foreign> {
    let file = command.rsplit(['/', '\\']).next().unwrap_or_default();
    let lower = file.to_ascii_lowercase();
    let endings = [".exe", ".cmd", ".bat", ".ps1", ".com"];
    let plain = endings.iter().find_map(|ending| lower.strip_suffix(ending));
    if ["cmd", "powershell", "wsl"].contains(&plain.unwrap_or(&lower)) || lower == "pwsh.exe" {
        let inner = args.find(|arg| !arg.starts_with(['/', '-']));
        let inner = inner.map(|arg| arg.split(' ').next().unwrap_or_default());
        let program = inner.map(|arg| arg.trim_end_matches(".cmd").trim_end_matches(".exe"));
        let what = format!(
            "'{}' is a shell of Windows, and the gateway runs on Linux",
            plain.unwrap_or(&lower)
        );
        let help = match program.filter(|program| COMMON.contains(program)) {
            Some(program) => {
                format!("write \"command\": \"{program}\" and only what follows it into 'args'")
            }
            None => {
                "write the program that it is to run into 'command', and what follows into 'args'"
                    .to_owned()
            }
        };
        return Some(Foreign::new(what, help));
    }
    let plain = plain?;
    let what = "'command' is a program of Windows, and the gateway runs on Linux";
    let help = match COMMON.iter().find(|program| **program == plain) {
        Some(program) => format!("write \"command\": \"{program}\""),
        None => {
            "write the program's name on the machine, or in the container, that runs the gateway"
                .to_owned()
        }
    };
    Some(Foreign::new(what, help))
}

/// Whether a shell is given a script, which is its business: `sh -c 'echo $HOME'`.
pub(super) fn is_script(command: &str, first: Option<&str>) -> bool {
    let file = command.rsplit('/').next().unwrap_or_default();
    let is_shell = ["sh", "bash", "dash", "zsh", "ksh", "ash", "fish"].contains(&file);
    let takes_script =
        |arg: &str| arg.starts_with('-') && !arg.starts_with("--") && arg.ends_with('c');
    is_shell && first.is_some_and(takes_script)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<String> {
        find(text, &|name| name == "HOME")
            .map(|foreign| format!("{}; {}", foreign.what, foreign.help))
    }

    #[test]
    fn what_others_fill_in_is_found() {
        for (text, word) in [
            ("$API_TOKEN", "write ${NAME}"),
            ("$token", "write ${NAME}"),
            ("$HOME/x", "write ${HOME}"),
            ("--dir=$HOME", "write ${HOME}"),
            ("Bearer $TOKEN", "write ${NAME}"),
            ("$env:TOKEN", "write ${NAME}"),
            ("$(op read x)", "a command in it"),
            ("%APPDATA%\\npm", "write ${NAME}"),
            ("%UserProfile%", "write ${NAME}"),
            ("{{TOKEN}}", "{{…}}"),
            ("x-{{ token }}", "{{…}}"),
            ("{env:TOKEN}", "another program"),
            ("<your token>", "blank"),
            ("YOUR_API_KEY", "blank"),
            ("your-api-key-here", "blank"),
            ("--token=<token>", "blank"),
            ("~", "${HOME}"),
            ("--dir=~/x", "${HOME}"),
            ("C:\\Users\\me", "Windows"),
            ("--dir=c:/x", "Windows"),
            ("\\\\server\\share", "Windows"),
        ] {
            let said = said(text).unwrap_or_default();
            assert!(said.contains(word), "{text}: {said}");
        }
    }

    #[test]
    fn what_is_meant_as_it_stands_is_left_alone() {
        for text in [
            "",
            "plain",
            "a$b",
            "pa$Word",
            "$2b$10$abc",
            "$argon2id$v=19$m=1",
            "costs $5",
            "$",
            "%",
            "100%",
            "%Y-%m-%d",
            "%H:%M",
            "a%20b%20c",
            "%C3%A4%C3",
            "{}",
            "{\"a\": {\"b\": 1}}",
            "{{.Name}}",
            "{{",
            "HEAD~1",
            "a~/b",
            "<",
            "<>",
            "a:b",
            "http://x/~me",
            "${HOME}",
            "${env:HOME}",
            "$${HOME}",
            "x\\y",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
    }

    #[test]
    fn programs_of_windows_have_their_advice() {
        let said = |command: &str, args: &[&str]| {
            let found = windows_program(command, args.iter().copied());
            found.map(|foreign| foreign.help).unwrap_or_default()
        };
        assert_eq!(
            said("cmd", &["/c", "npx", "-y", "x"]),
            "write \"command\": \"npx\" and only what follows it into 'args'"
        );
        assert_eq!(
            said("C:\\Windows\\System32\\CMD.EXE", &["/C", "npx.cmd -y x"]),
            said("cmd", &["/c", "npx"])
        );
        assert!(
            said("powershell", &["-Command", "s3cret"]).contains("the program that it is to run")
        );
        assert_eq!(said("npx.cmd", &[]), "write \"command\": \"npx\"");
        assert!(said("my.exe", &[]).contains("on the machine"));
        for command in ["npx", "/usr/bin/cmdline", "pwsh", "x.sh"] {
            assert_eq!(said(command, &["/c"]), "", "{command}");
        }
    }

    #[test]
    fn a_script_is_the_business_of_its_shell() {
        assert!(is_script("/bin/sh", Some("-c")) && is_script("bash", Some("-lc")));
        assert!(
            !is_script("sh", Some("-x")) && !is_script("npx", Some("-c")) && !is_script("sh", None)
        );
    }
}
