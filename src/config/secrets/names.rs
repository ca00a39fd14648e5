//! Which settings hold secrets, by their names: what is not to be read by everybody in the file, and
//! what an import moves out of it.

/// Words in the name of a setting that should not be seen by everybody.
const WORDS: [&str; 14] = [
    "TOKEN",
    "SECRET",
    "PASS",
    "KEY",
    "CREDENTIAL",
    "AUTH",
    "COOKIE",
    "PRIVATE",
    "BEARER",
    "SESSION",
    "WEBHOOK",
    "SIGNATURE",
    "CONNECTION_STRING",
    "CONNECTIONSTRING",
];

/// The same where they stand alone: a `PATH` is no `PAT`.
const WHOLE_WORDS: [&str; 5] = ["PAT", "PWD", "DSN", "JWT", "CONNSTR"];

/// The shell's own.
const FOLDERS: [&str; 2] = ["PWD", "OLDPWD"];

/// Whether a setting of this name is one.
pub(crate) fn is_named_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    if FOLDERS.contains(&name) {
        return false;
    }
    WORDS.iter().any(|word| upper.contains(word)) || has_whole_word(name)
}

/// In `MY_PAT`, `my-pat` and `myPat`.
fn has_whole_word(name: &str) -> bool {
    let mut spaced = String::with_capacity(name.len());
    let mut was_lower = false;
    for c in name.chars() {
        if was_lower && c.is_ascii_uppercase() {
            spaced.push(' ');
        }
        was_lower = c.is_ascii_lowercase();
        spaced.push(c.to_ascii_uppercase());
    }
    let mut words = spaced.split(|c: char| !c.is_ascii_alphabetic());
    words.any(|word| WHOLE_WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known() {
        for name in [
            "MY_PAT",
            "pat",
            "githubPat",
            "BEARER",
            "SESSION",
            "PWD_DB",
            "X_COOKIE",
        ] {
            assert!(is_named_secret(name), "{name}");
        }
        for name in ["PATH", "PWD", "OLDPWD", "pattern", "HOME", "PORT", "Server"] {
            assert!(!is_named_secret(name), "{name}");
        }
    }
}
