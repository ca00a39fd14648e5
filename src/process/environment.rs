//! What a child may see of the gateway's environment: an allow-list, so that no secret of the
//! gateway or of another server reaches it by accident, and then what its entry adds.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// What programs need to find themselves, their caches, the network and its certificates.
const ALLOWED: &[&str] = &[
    "HOME",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TERM",
    "USER",
    "LANG",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "npm_config_cache",
];

/// Proxy settings, in either case.
const PROXIES: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
];

/// Families of names that are allowed.
const ALLOWED_PREFIXES: &[&str] = &["LC_", "XDG_", "UV_"];

/// Not even when everything is inherited: they are addressed to this very process (a child that
/// answered systemd in our name would be believed), name its files and credentials, or are the
/// gateway's own settings; see systemd.exec(5), `sd_notify(3)`,
/// `sd_listen_fds(3)`.
/// `UV_PUBLISH_*` are credentials to upload packages, which no server needs.
const OURS: &[&str] = &[
    "NOTIFY_SOCKET",
    "JOURNAL_STREAM",
    "FDSTORE",
    "MAINPID",
    "SYSTEMD_EXEC_PID",
    "CREDENTIALS_DIRECTORY",
    "STATE_DIRECTORY",
];
const OURS_PREFIXES: &[&str] = &["WATCHDOG_", "LISTEN_", "MCPROXY_", "UV_PUBLISH_"];

/// The complete environment of a child: what it may have of the gateway's own (all of it but what
/// is ours alone, if `inherit_all`), overridden by `extra`, which is what its entry asks for.
/// Sorted by name.
#[must_use]
pub fn environment<'a>(
    inherit_all: bool,
    extra: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<(OsString, OsString)> {
    select(std::env::vars_os(), inherit_all, extra)
}

fn select<'a>(
    own: impl Iterator<Item = (OsString, OsString)>,
    inherit_all: bool,
    extra: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<(OsString, OsString)> {
    let mut environment: BTreeMap<OsString, OsString> = own
        .filter(|(name, _)| !is_ours(name) && (inherit_all || is_allowed(name)))
        .collect();
    environment.extend(extra.map(|(name, value)| (name.into(), value.into())));
    environment.into_iter().collect()
}

fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    OURS.contains(&&*name) || OURS_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn is_allowed(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    ALLOWED.contains(&name)
        || PROXIES.iter().any(|proxy| name.eq_ignore_ascii_case(proxy))
        || ALLOWED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(inherit_all: bool, own: &[&str], extra: &[(&str, &str)]) -> Vec<String> {
        let own = own.iter().map(|name| (name.into(), "own".into()));
        let selected = select(own, inherit_all, extra.iter().copied());
        let show = |(name, value): (OsString, OsString)| {
            format!("{}={}", name.to_string_lossy(), value.to_string_lossy())
        };
        selected.into_iter().map(show).collect()
    }

    #[test]
    fn only_what_is_allowed_is_inherited() {
        let own = [
            "PATH",
            "AWS_SECRET_ACCESS_KEY",
            "LC_ALL",
            "HTTPS_PROXY",
            "no_proxy",
            "UV_CACHE_DIR",
            "UV_PUBLISH_TOKEN",
            "PATHS",
            "npm_config_cache",
            "npm_config_registry",
            "MCPROXY_CONFIG",
            "GITHUB_TOKEN",
        ];
        let expected = [
            "HTTPS_PROXY=own",
            "LC_ALL=own",
            "PATH=own",
            "UV_CACHE_DIR=own",
            "no_proxy=own",
            "npm_config_cache=own",
        ];
        assert_eq!(names(false, &own, &[]), expected);
    }

    #[test]
    fn inheriting_all_still_keeps_what_is_ours() {
        let own = [
            "ANY",
            "NOTIFY_SOCKET",
            "WATCHDOG_USEC",
            "WATCHDOG_PID",
            "LISTEN_FDS",
            "LISTEN_FDNAMES",
            "LISTEN_PID",
            "JOURNAL_STREAM",
            "FDSTORE",
            "CREDENTIALS_DIRECTORY",
            "STATE_DIRECTORY",
            "MCPROXY_LISTEN",
            "MCPROXY_CHILD",
        ];
        assert_eq!(names(true, &own, &[]), ["ANY=own"]);
    }

    #[test]
    fn the_entry_has_the_last_word() {
        let extra = [("PATH", "entry"), ("TOKEN", "entry")];
        assert_eq!(
            names(false, &["PATH", "HOME"], &extra),
            ["HOME=own", "PATH=entry", "TOKEN=entry"]
        );
    }
}
