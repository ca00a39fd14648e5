//! Which profile a request is for: by its address, by what its token is pinned to, and by what the
//! configuration shows where neither says so. Nobody is told whether a profile is unknown or another's.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::auth::{Pins, Tokens};
use super::path::is_for_probers;
use super::problem::Problem;
use crate::config::model::{DefaultProfile, NO_PROTECTION, Profiles};
use crate::ids::{ProfileId, ProfileName};

/// The profiles that hold; `None` until the configuration has been read.
pub(super) type Known = watch::Receiver<Option<Arc<Profiles>>>;

/// How long a request waits for that.
const PATIENCE: Duration = Duration::from_secs(8);

/// So many of MetaMCP's names are warned of, and so much of each.
const WARNED: usize = 32;
const SHOWN: usize = 64;

/// What people and their tools look at: of the whole gateway.
const VIEWS: [&str; 3] = ["/", "/status", "/metrics"];

/// What an address says of profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Address<'p> {
    /// Nothing.
    Bare,
    /// It is that of this one.
    Profile(&'p str),
    /// It is that of one of MetaMCP's endpoints.
    Metamcp(&'p str),
    /// It is not of MCP, and shows the gateway.
    View,
    /// It shows nothing.
    Probe,
}

impl<'p> Address<'p> {
    /// Whatever is not known not to be MCP's is taken to be.
    fn of(path: &'p str) -> Self {
        let first = |base: &str| {
            let rest = path.strip_prefix(base)?;
            Some(rest.split('/').next().unwrap_or_default())
        };
        let whole = path.strip_suffix('/').filter(|path| !path.is_empty());
        if is_for_probers(path) {
            Self::Probe
        } else if VIEWS.contains(&whole.unwrap_or(path)) || path.starts_with("/status/") {
            Self::View
        } else if let Some(name) = first("/p/") {
            Self::Profile(name)
        } else if let Some(name) = first("/metamcp/") {
            Self::Metamcp(name)
        } else {
            Self::Bare
        }
    }
}

/// What is known before the configuration is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Early {
    /// It does not matter.
    Settled,
    /// It has to be waited for.
    Open,
}

/// Whether a request for `path` can be let in whatever the configuration says. One that is pinned to
/// profiles does not see the whole gateway.
pub(super) fn before(path: &str, pins: &Pins) -> Result<Early, Problem> {
    match (Address::of(path), pins) {
        (Address::Probe, _) | (Address::View, None) => Ok(Early::Settled),
        (Address::View, Some(_)) => Err(Problem::NoProfile),
        (Address::Bare | Address::Profile(_) | Address::Metamcp(_), _) => Ok(Early::Open),
    }
}

/// The profile that a request for `path` is shown; `None` if it is shown everything.
pub(super) fn of(
    path: &str,
    pins: &Pins,
    profiles: &Profiles,
    strangers: &Strangers,
) -> Result<Option<ProfileId>, Problem> {
    let pins = pins.as_deref();
    let known = |name: &str| {
        let profile = profiles.find(name).ok_or(Problem::NoProfile)?;
        let is_own = |pins: &[ProfileName]| pins.contains(&profile.name);
        let id = pins.is_none_or(is_own).then(|| Some(profile.name.id()));
        id.ok_or(Problem::NoProfile)
    };
    match (Address::of(path), pins) {
        (Address::Profile(name), _) => known(name),
        (Address::Metamcp(name), _) if profiles.are_used => known(name),
        (Address::Bare | Address::Metamcp(_), Some(pins)) => {
            let first = pins.first().ok_or(Problem::NoProfile)?;
            known(first.as_str())
        }
        (Address::Metamcp(name), None) => {
            strangers.note(name);
            Ok(None)
        }
        (Address::Bare, None) => match &profiles.default {
            DefaultProfile::Everything => Ok(None),
            DefaultProfile::Named(name) => known(name.as_str()),
            DefaultProfile::Closed => Err(Problem::NoProfile),
        },
        (Address::View | Address::Probe, _) => Ok(None),
    }
}

/// The profiles, once they are known.
///
/// Errors: `Unconfigured` if that takes too long.
pub(super) async fn settled(mut known: Known) -> Result<Arc<Profiles>, Problem> {
    let settled = timeout(PATIENCE, known.wait_for(Option::is_some)).await;
    let profiles = settled.ok().and_then(Result::ok);
    let profiles = profiles.and_then(|profiles| profiles.clone());
    profiles.ok_or(Problem::Unconfigured)
}

/// The names of MetaMCP's endpoints that are asked for where there are no profiles.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<HashSet<Box<str>>>);

impl Strangers {
    /// Warns of each once: who left MetaMCP may have switched tools off there.
    fn note(&self, name: &str) {
        let name: String = name.chars().take(SHOWN).collect();
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= WARNED || !seen.insert(name.as_str().into()) {
            return;
        }
        drop(seen);
        let name = name.escape_debug();
        log::warn!(
            "A client asks for MetaMCP's endpoint '{name}' and is shown every tool, also those that were \
             switched off there: the configuration has no profiles. Give it one with \"profiles\": \
             {{\"{name}\": {{\"servers\": [\"…\"]}}}}; 'mcproxy import' carries over what MetaMCP had"
        );
    }
}

/// What is to be said of profiles and tokens together; the same is said once.
#[derive(Debug, Default)]
pub(super) struct Remarks(Vec<String>);

impl Remarks {
    /// Says what was not so before.
    pub(super) fn say(&mut self, profiles: &Profiles, tokens: &Tokens) {
        let remarks = remarks(profiles, tokens);
        for remark in remarks.iter().filter(|remark| !self.0.contains(remark)) {
            log::warn!("{remark}");
        }
        self.0 = remarks;
    }
}

/// So many pins that lead nowhere are named.
const NAMED: usize = 20;

fn remarks(profiles: &Profiles, tokens: &Tokens) -> Vec<String> {
    if profiles.are_used && !tokens.are_asked_for() {
        let shown = profiles.shown_without();
        return vec![format!("{NO_PROTECTION}. Beside them {shown}")];
    }
    let lost = tokens.pins();
    let lost = lost.filter(|(profile, _)| profiles.find(profile.as_str()).is_none());
    let remark = |(profile, name): (&ProfileName, Option<&str>)| {
        let token = name.map_or_else(|| "A token".to_owned(), |name| format!("Token '{name}'"));
        format!(
            "{token} is pinned to profile '{profile}', which is not there: its addresses answer 404 until \
             the configuration has it under 'profiles'"
        )
    };
    lost.take(NAMED).map(remark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::{Patterns, Profile, ProfileInstructions};

    /// What holds if there are these profiles, and this one for addresses without one.
    fn profiles(names: &[&str], default: DefaultProfile) -> Profiles {
        let known = names.iter().map(|name| {
            Arc::new(Profile {
                name: ProfileName::new(name).unwrap(),
                servers: Patterns::default(),
                tools: Patterns::default(),
                prompts: Patterns::default(),
                resources: Patterns::default(),
                instructions: ProfileInstructions::default(),
            })
        });
        Profiles {
            are_used: !names.is_empty() || default != DefaultProfile::Everything,
            known: known.collect(),
            default,
        }
    }

    fn id(name: &str) -> ProfileId {
        ProfileName::new(name).unwrap().id()
    }

    /// Where each of the addresses leads: an error is `None`.
    #[expect(clippy::option_option, reason = "no profile is an answer, too")]
    fn ask(profiles: &Profiles, pins: &[&str], path: &str) -> Option<Option<ProfileId>> {
        let names = pins.iter().map(|name| ProfileName::new(name).unwrap());
        let pins: Pins = (!pins.is_empty()).then(|| names.collect());
        of(path, &pins, profiles, &Strangers::default()).ok()
    }

    #[test]
    fn what_an_address_and_a_token_lead_to() {
        let none = profiles(&[], DefaultProfile::Everything);
        let two = profiles(&["kids", "office"], DefaultProfile::Everything);
        let kids = DefaultProfile::Named(ProfileName::new("kids").unwrap());
        let default = profiles(&["kids", "office"], kids);
        let closed = profiles(&[], DefaultProfile::Closed);
        let (everything, kids, office) =
            (Some(None), Some(Some(id("kids"))), Some(Some(id("office"))));
        for (pins, path, expected) in [
            (&[][..], "/mcp", [everything, everything, kids, None]),
            (&[], "/sse", [everything, everything, kids, None]),
            (&[], "/messages", [everything, everything, kids, None]),
            (&[], "/p/kids/mcp", [None, kids, kids, None]),
            (&[], "/p/office/sse/", [None, office, office, None]),
            (&[], "/p/Kids/mcp", [None; 4]),
            (&[], "/p/%6bids/mcp", [None; 4]),
            (&[], "/p//mcp", [None; 4]),
            (
                &[],
                "/metamcp/office/mcp",
                [everything, office, office, None],
            ),
            (&[], "/metamcp/other/mcp", [everything, None, None, None]),
            (&["kids"], "/mcp", [None, kids, kids, None]),
            (&["office", "kids"], "/sse", [None, office, office, None]),
            (&["office"], "/p/kids/mcp", [None; 4]),
            (&["office"], "/metamcp/kids/message", [None; 4]),
            (
                &["office"],
                "/metamcp/office/message",
                [None, office, office, None],
            ),
            (&["office", "kids"], "/p/kids/mcp", [None, kids, kids, None]),
            (&["gone"], "/mcp", [None; 4]),
            (&["gone"], "/p/gone/mcp", [None; 4]),
        ] {
            let found = [&none, &two, &default, &closed].map(|set| ask(set, pins, path));
            assert_eq!(found, expected, "{pins:?} {path}");
        }
    }

    #[test]
    fn who_is_pinned_does_not_see_the_whole_gateway() {
        let pins: Pins = Some([ProfileName::new("kids").unwrap()].into());
        for path in [
            "/",
            "/status",
            "/status/",
            "/status/servers/x/log",
            "/metrics",
        ] {
            assert_eq!(before(path, &None).unwrap(), Early::Settled, "{path}");
            assert!(before(path, &pins).is_err(), "{path}");
        }
        for path in ["/healthz", "/readyz/"] {
            assert_eq!(before(path, &pins).unwrap(), Early::Settled, "{path}");
        }
        for path in ["/mcp", "/statusx", "/p/kids/mcp", "/x", ""] {
            assert_eq!(before(path, &pins).unwrap(), Early::Open, "{path}");
        }
    }

    #[test]
    fn a_few_strangers_are_known() {
        let strangers = Strangers::default();
        for number in 0..1000 {
            strangers.note(&format!("{number}{}", "x".repeat(10_000)));
        }
        let seen = strangers.0.lock().unwrap();
        assert_eq!(seen.len(), WARNED);
        assert!(seen.iter().all(|name| name.len() <= SHOWN));
    }

    #[test]
    fn profiles_without_tokens_and_pins_without_profiles_are_said() {
        let token = "0123456789abcdef";
        let pinned = Tokens::parse(&format!("{token} name=anna profile=kids")).unwrap();
        let kids = profiles(&["kids"], DefaultProfile::Everything);
        let none = profiles(&[], DefaultProfile::Everything);
        assert!(remarks(&none, &Tokens::default()).is_empty());
        assert!(remarks(&kids, &pinned).is_empty());
        let said = remarks(&kids, &Tokens::default()).join("");
        assert!(said.contains("no protection") && said.contains("/mcp and /sse show everything"));
        let said = remarks(&none, &pinned).join("");
        assert!(said.contains("'anna'") && said.contains("'kids'"), "{said}");
    }
}
