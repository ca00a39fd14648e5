//! What a child may see of the gateway's environment: an allow-list, so that no secret of the
//! gateway or of another server reaches it by accident, and then what its entry adds.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// What programs need to find themselves, their caches, the network and its certificates, and where
/// their packages come from.
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
    "TMP",
    "TEMP",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "NODE_USE_SYSTEM_CA",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NIX_SSL_CERT_FILE",
    // Where the tools that start servers are installed: without it their starters find nothing.
    "NVM_DIR",
    "NVM_BIN",
    "VOLTA_HOME",
    "ASDF_DIR",
    "ASDF_DATA_DIR",
    "MISE_DATA_DIR",
    "PYENV_ROOT",
    "JAVA_HOME",
    "DOTNET_ROOT",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "GOPATH",
    "GOROOT",
    "GOCACHE",
    "GOMODCACHE",
    "GOPROXY",
    // Hugging Face's other places.
    "TRANSFORMERS_CACHE",
    "SENTENCE_TRANSFORMERS_HOME",
    "HUGGINGFACE_HUB_CACHE",
    "TORCH_HOME",
    // Podman.
    "CONTAINER_HOST",
    "CONTAINER_CONNECTION",
    "CONTAINERS_CONF",
    "CONTAINERS_REGISTRIES_CONF",
    "CONTAINERS_STORAGE_CONF",
];

/// Proxy settings, in either case.
const PROXIES: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
];

/// Families of names that are allowed. uv's are whole: its only way to a private index is there.
const ALLOWED_PREFIXES: &[&str] = &["LC_", "XDG_", "UV_"];

/// Families that have credentials among them, which are not: npm takes its names in either case, Yarn too.
const TOOLS: &[&str] = &["npm_config_", "yarn_"];
const TOOLS_EXACT: &[&str] = &[
    "PIP_",
    "PIPX_",
    "DENO_",
    "BUN_",
    "PNPM_",
    "COREPACK_",
    "PLAYWRIGHT_",
    "PUPPETEER_",
    "HF_",
    "DOCKER_",
];
/// `HF_TOKEN`, `DENO_AUTH_TOKENS`, `DOCKER_AUTH_CONFIG`, `npm_config_//host/:_password`, …
const CREDENTIALS: &[&str] = &[
    "AUTH",
    "TOKEN",
    "PASS",
    "SECRET",
    "CREDENTIAL",
    "_OTP",
    "_KEY",
];

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

/// Whether a server gets the variable `name` of the gateway's own environment if its entry does not
/// ask for it.
#[must_use]
pub fn is_passed_on(name: &str) -> bool {
    is_allowed(OsStr::new(name)) && !is_ours(OsStr::new(name))
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
        || is_of_tool(name)
        || PROXIES.iter().any(|proxy| name.eq_ignore_ascii_case(proxy))
        || ALLOWED_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

fn is_of_tool(name: &str) -> bool {
    let (lower, upper) = (name.to_ascii_lowercase(), name.to_ascii_uppercase());
    let is_tool = TOOLS.iter().any(|family| lower.starts_with(family))
        || TOOLS_EXACT.iter().any(|family| name.starts_with(family));
    is_tool && !CREDENTIALS.iter().any(|word| upper.contains(word))
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
            "MCPROXY_CONFIG",
            "GITHUB_TOKEN",
        ];
        let expected = [
            "HTTPS_PROXY=own",
            "LC_ALL=own",
            "PATH=own",
            "UV_CACHE_DIR=own",
            "no_proxy=own",
        ];
        assert_eq!(names(false, &own, &[]), expected);
    }

    #[test]
    fn tools_find_their_caches_and_registries_and_get_no_credentials() {
        for name in [
            "npm_config_cache",
            "NPM_CONFIG_CACHE",
            "NPM_CONFIG_REGISTRY",
            "npm_config_@scope:registry",
            "npm_config_cafile",
            "NPM_CONFIG_USERCONFIG",
            "PIP_INDEX_URL",
            "PIP_CACHE_DIR",
            "PIPX_HOME",
            "UV_DEFAULT_INDEX",
            "UV_INDEX_MINE_PASSWORD",
            "DENO_DIR",
            "DENO_CERT",
            "BUN_INSTALL",
            "BUN_CONFIG_REGISTRY",
            "PNPM_HOME",
            "YARN_CACHE_FOLDER",
            "yarn_registry",
            "COREPACK_HOME",
            "PLAYWRIGHT_BROWSERS_PATH",
            "PUPPETEER_EXECUTABLE_PATH",
            "HF_HOME",
            "HF_HUB_OFFLINE",
            "DOCKER_HOST",
            "DOCKER_CONTEXT",
            "DOCKER_CONFIG",
            "DOCKER_TLS_VERIFY",
            "DOCKER_CERT_PATH",
            "CONTAINER_HOST",
            "NVM_DIR",
        ] {
            assert!(is_passed_on(name), "{name}");
        }
        for name in [
            "npm_config__authToken",
            "NPM_CONFIG__AUTH",
            "npm_config_//registry.npmjs.org/:_password",
            "npm_config_otp",
            "NPM_TOKEN",
            "YARN_NPM_AUTH_TOKEN",
            "HF_TOKEN",
            "DENO_AUTH_TOKENS",
            "BUN_AUTH_TOKEN",
            "COREPACK_NPM_PASSWORD",
            "DOCKER_AUTH_CONFIG",
            "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE",
            "UV_PUBLISH_TOKEN",
            "pip_index_url",
            "docker_host",
            "MCPROXY_TOKEN",
        ] {
            assert!(!is_passed_on(name), "{name}");
        }
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
