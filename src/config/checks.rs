//! What must hold of whatever a configuration file has in it: checked by the fuzz targets and by the
//! tests that replay what those found.

use std::collections::BTreeSet;

use hyper::header::HeaderValue;

use super::model::{Entry, Target};
use super::{ConfigError, parse};
use crate::ids::{SEPARATOR, ServerName};

/// Every text is a configuration or says why it is none, with a place that exists, and no secret is
/// in what it says.
pub(crate) fn text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let env = |name: &str| (name == "SET").then(|| "value".to_owned());
    match parse(text, &env) {
        Ok(parsed) => {
            let mut names = BTreeSet::new();
            for entry in &parsed.config.servers {
                let name = entry.name();
                assert!(names.insert(name.clone()), "{name} twice");
                assert!(!name.as_str().is_empty() && !name.as_str().contains(SEPARATOR));
                if let Entry::Run(spec, _) = entry {
                    assert!(!spec.start_timeout.is_zero() && !spec.call_timeout.is_zero());
                    target(&spec.target, name);
                }
            }
            assert_eq!(parsed.origins.len(), parsed.config.servers.len());
            let again = parse(text, &env).map(|again| again.config);
            assert_eq!(again.ok().as_ref(), Some(&parsed.config));
        }
        Err(ConfigError::Malformed(problems)) => assert!(!problems.is_empty(), "it is silent"),
        Err(other) => unreachable!("text alone can't fail so: {other}"),
    }
}

fn target(target: &Target, name: &ServerName) {
    match target {
        Target::Program(program) => {
            assert!(!program.command.trim().is_empty(), "{name} has no command");
            assert!(!program.command.contains('\0'));
        }
        Target::Remote(remote) => {
            let is_late = || remote.headers.values().any(|value| !value.is_known());
            if remote.url.is_known() && !is_late() {
                let Ok(address) = remote.fill(&[]) else {
                    unreachable!("{name} was checked");
                };
                assert!(address.url.has_host() && address.url.username().is_empty());
                assert!(address.headers.values().all(HeaderValue::is_sensitive));
            }
        }
    }
}
