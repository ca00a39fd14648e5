//! What an entry wants of root, and of the registry.

use std::iter;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::config::model::{Entry, Naming, Protocol, Secret, ServerSpec, Target, View};
use crate::supervise::{Begin, Want, Wanted};
use crate::tree::registry::ConfiguredServer;
use crate::tree::root::child_id::ChildId;
use crate::tree::root::hooks::ChildSpec;

/// Whether and how an entry is to be run.
pub(super) fn wish(entry: Entry) -> Option<Want<ChildId, ChildSpec>> {
    let (name, what) = match entry {
        Entry::Run(spec, _) => {
            let start_deadline = spec.start_timeout;
            let name = spec.name.clone();
            let begin = if spec.idle_timeout.is_some() {
                Begin::Asleep
            } else {
                Begin::Now
            };
            let spec = ChildSpec::Upstream(Arc::clone(&spec));
            (
                name,
                Wanted::Run {
                    spec,
                    start_deadline,
                    begin,
                },
            )
        }
        Entry::Refused(name) => (name, Wanted::Keep),
        Entry::Disabled(_) => return None,
    };
    let id = ChildId::Upstream(name);
    Some(Want { id, what })
}

/// What the registry has to know of an entry that is run, where names are written so by default.
pub(in crate::tree) fn configured(
    spec: &ServerSpec,
    view: &Arc<View>,
    naming: Naming,
) -> ConfiguredServer {
    let view = if view.names.is_some() || naming == Naming::default() {
        Arc::clone(view)
    } else {
        let names = Some(naming);
        Arc::new(View {
            names,
            ..View::clone(view)
        })
    };
    ConfiguredServer {
        server: spec.name.clone(),
        fingerprint: fingerprint(spec),
        prefix: spec.prefix.clone(),
        isolation: spec.isolation,
        view,
    }
}

/// What is run, as a number that is kept over restarts and upgrades: a kept catalogue is shown only for
/// the same. It says nothing of the environment and the headers, which may hold secrets.
fn fingerprint(spec: &ServerSpec) -> u64 {
    let mut digest = Sha256::new();
    match &spec.target {
        Target::Program(program) => {
            digest.update(program.args.len().to_be_bytes());
            let args = program.args.iter().map(Secret::expose);
            let texts = iter::once(program.command.clone()).chain(args);
            let cwd = program
                .cwd
                .iter()
                .map(|cwd| cwd.as_os_str().as_bytes().to_vec());
            for part in texts.map(String::into_bytes).chain(cwd) {
                digest.update(part.len().to_be_bytes());
                digest.update(part);
            }
        }
        Target::Remote(remote) => {
            digest.update("url");
            digest.update(remote.url.expose());
        }
    }
    // A server may offer different things in either era; those that are named by nobody came first.
    if spec.protocol != Protocol::default() {
        digest.update(spec.protocol.as_str());
    }
    let digest = digest.finalize();
    let first = digest.first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn of(entry: &str) -> u64 {
        let parsed = config::parse(&format!("[{entry}]"), &|_| None).unwrap();
        match &parsed.config.servers[..] {
            [Entry::Run(spec, _)] => fingerprint(spec),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_fingerprint_is_of_what_is_run_and_stays_the_same_for_ever() {
        let one = of(r#"{"name": "a", "command": "x", "args": ["y", "z"], "env": {"K": "1"}}"#);
        assert_eq!(one, 4_056_042_737_227_596_600, "it is kept on disk");
        assert_eq!(
            one,
            of(r#"{"name": "b", "command": "x", "args": ["y", "z"], "protocol": "auto"}"#)
        );
        for other in [
            r#"{"name": "a", "command": "x", "args": ["yz"]}"#,
            r#"{"name": "a", "command": "x", "args": ["y"], "cwd": "z"}"#,
            r#"{"name": "a", "command": "xy", "args": ["z"]}"#,
            r#"{"name": "a", "command": "x", "args": ["y", "z"], "protocol": "modern"}"#,
        ] {
            assert_ne!(one, of(other), "{other}");
        }
    }
}
