//! What MetaMCP's database has beside its servers: endpoints, each with a namespace of servers, tools
//! that are switched off or shown otherwise in it, and keys. An endpoint becomes the profile of its
//! name, so that its address stays; what no endpoint shows is hidden or off for everybody.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jsonc_parser::ast::{Object, Value};

use super::entry::json;
use super::server::{Changed, Profile, Server, Shown};
use crate::ids::SEPARATOR;

/// A key, and what it opens.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) secret: String,
    pub(super) profiles: Vec<String>,
}

impl Key {
    /// Its line in a file of tokens.
    pub(super) fn line(&self) -> String {
        let profiles = self.profiles.iter();
        let profiles: Vec<String> = profiles.map(|name| format!(" profile={name}")).collect();
        let profiles = profiles.concat();
        format!("{} name={}{profiles}\n", self.secret, self.name)
    }
}

/// What an export of the database yields beside servers.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) profiles: Vec<(String, Profile, String)>,
    pub(super) keys: Vec<Key>,
    /// What is not as it was, by server.
    pub(super) changes: Vec<(usize, String)>,
    /// And what concerns no server.
    pub(super) notes: Vec<String>,
}

/// As many endpoints are carried over as there can be profiles.
const MOST: usize = 256;

struct Endpoint<'v> {
    name: &'v str,
    namespace: &'v str,
    owner: Option<&'v str>,
    asks_for_key: bool,
    /// Its servers, by their places.
    servers: BTreeSet<usize>,
    /// What it hides: server and tool.
    hidden: BTreeSet<(usize, &'v str)>,
}

/// Carries over what `root` has beside servers. `places` says which of `servers` a uuid is.
pub(super) fn carry<'v>(
    root: &'v Value<'v>,
    places: &HashMap<&'v str, usize>,
    servers: &mut [Server],
) -> Beside {
    let mut beside = Beside::default();
    let mut endpoints = endpoints(root, places);
    let tools = tools(root);
    let mut of_namespace: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, endpoint) in endpoints.iter().enumerate() {
        of_namespace
            .entry(endpoint.namespace)
            .or_default()
            .push(place);
    }
    for mapping in rows(root, "namespace_tool_mappings") {
        let tool = text(mapping, "tool_uuid").and_then(|uuid| tools.get(uuid).copied());
        let place = text(mapping, "mcp_server_uuid").and_then(|uuid| places.get(uuid).copied());
        let (Some(tool), Some(place)) = (tool, place) else {
            continue;
        };
        let namespace = text(mapping, "namespace_uuid").unwrap_or_default();
        let is_off = text(mapping, "status") == Some("INACTIVE")
            // What a fork has in its place.
            || text(mapping, "exposure_mode") == Some("HIDDEN");
        let mut is_shown = false;
        for endpoint in of_namespace.get(namespace).into_iter().flatten() {
            let endpoint = endpoints.get_mut(*endpoint);
            if let Some(endpoint) = endpoint.filter(|e| e.servers.contains(&place)) {
                is_shown = true;
                if is_off {
                    endpoint.hidden.insert((place, tool));
                }
            }
        }
        if is_shown && let Some(server) = servers.get_mut(place) {
            change(mapping, tool, place, server, &mut beside);
        }
    }
    note_shared_changes(&endpoints, servers, &mut beside);
    hide(&mut endpoints, servers);
    switch_off(&endpoints, places, servers, &mut beside);
    let keys = keys(root, &endpoints).into_iter();
    let (keys, useless): (_, Vec<Key>) = keys.partition(|key| !key.profiles.is_empty());
    beside.keys = keys;
    if endpoints.len() == MOST {
        let what = format!("at most {MOST} endpoints are carried over");
        beside.notes.push(what);
    }
    note_useless(&useless, &mut beside);
    note_access(&endpoints, &mut beside);
    for endpoint in &endpoints {
        let from = format!("endpoint {}", endpoint.name);
        let profile = profile(endpoint, servers);
        beside
            .profiles
            .push((endpoint.name.to_owned(), profile, from));
    }
    beside
}

fn rows<'v>(root: &'v Value<'v>, table: &str) -> impl Iterator<Item = &'v Object<'v>> {
    let table = root.as_object().and_then(|root| root.get_array(table));
    let rows = table.into_iter().flat_map(|table| &table.elements);
    rows.filter_map(Value::as_object)
}

pub(super) fn text<'v>(row: &'v Object<'v>, column: &str) -> Option<&'v str> {
    row.get_string(column).map(|text| &*text.value)
}

fn flag(row: &Object<'_>, column: &str) -> bool {
    row.get_boolean(column).is_some_and(|flag| flag.value)
}

/// The names of tools by their uuids.
fn tools<'v>(root: &'v Value<'v>) -> HashMap<&'v str, &'v str> {
    let named =
        rows(root, "tools").filter_map(|row| Some((text(row, "uuid")?, text(row, "name")?)));
    named.collect()
}

fn endpoints<'v>(root: &'v Value<'v>, places: &HashMap<&'v str, usize>) -> Vec<Endpoint<'v>> {
    let mut active: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    for mapping in rows(root, "namespace_server_mappings") {
        let place = text(mapping, "mcp_server_uuid").and_then(|uuid| places.get(uuid));
        if text(mapping, "status") != Some("INACTIVE")
            && let (Some(place), Some(namespace)) = (place, text(mapping, "namespace_uuid"))
        {
            active.entry(namespace).or_default().insert(*place);
        }
    }
    let endpoint = |row: &'v Object<'v>| {
        let namespace = text(row, "namespace_uuid")?;
        Some(Endpoint {
            name: text(row, "name")?,
            namespace,
            owner: text(row, "user_id"),
            asks_for_key: flag(row, "enable_api_key_auth") || flag(row, "enable_oauth"),
            servers: active.get(namespace).cloned().unwrap_or_default(),
            hidden: BTreeSet::new(),
        })
    };
    let mut endpoints: Vec<_> = rows(root, "endpoints")
        .filter_map(endpoint)
        .take(MOST)
        .collect();
    endpoints.sort_by_key(|endpoint| endpoint.name);
    endpoints
}

/// Takes over how a tool is shown. A name, a description or annotations hold for the server, whoever
/// asks: of two namespaces that differ the first is taken.
fn change(
    mapping: &Object<'_>,
    tool: &str,
    place: usize,
    server: &mut Server,
    beside: &mut Beside,
) {
    let said = |column| text(mapping, column).map(str::to_owned);
    let annotations = mapping
        .get("override_annotations")
        .map(|prop| json(&prop.value));
    let changed = Changed {
        title: said("override_title").filter(|title| !title.is_empty()),
        description: said("override_description"),
        annotations: annotations.filter(serde_json::Value::is_object),
    };
    let name = said("override_name").filter(|name| !name.trim().is_empty() && name != tool);
    let tools = &mut server.tools;
    let mut differs = false;
    if let Some(name) = name {
        let known = tools
            .rename
            .entry(tool.to_owned())
            .or_insert_with(|| name.clone());
        differs |= *known != name;
    }
    if changed != Changed::default() {
        let known = tools
            .changed
            .entry(tool.to_owned())
            .or_insert_with(|| changed.clone());
        differs |= *known != changed;
    }
    if differs {
        let what = format!("{tool} is shown otherwise in another namespace: that is left out");
        beside.changes.push((place, what));
    }
}

/// Where a server is in several namespaces, what one of them changed holds in all.
fn note_shared_changes(endpoints: &[Endpoint<'_>], servers: &[Server], beside: &mut Beside) {
    for (place, server) in servers.iter().enumerate() {
        let shown = endpoints.iter().filter(|e| e.servers.contains(&place));
        let namespaces: BTreeSet<&str> = shown.map(|endpoint| endpoint.namespace).collect();
        let tools: BTreeSet<&String> = server
            .tools
            .rename
            .keys()
            .chain(server.tools.changed.keys())
            .collect();
        if namespaces.len() > 1 && !tools.is_empty() {
            let tools: Vec<&str> = tools.into_iter().map(String::as_str).collect();
            let what = format!("shown alike in all profiles: {}", tools.join(", "));
            beside.changes.push((place, what));
        }
    }
}

/// What every endpoint of a server hides, the server's own entry hides; so nothing shows it.
fn hide(endpoints: &mut [Endpoint<'_>], servers: &mut [Server]) {
    for (place, server) in servers.iter_mut().enumerate() {
        let of_server = |endpoint: &&Endpoint<'_>| endpoint.servers.contains(&place);
        let mut shown = endpoints.iter().filter(of_server);
        let Some(first) = shown.next() else {
            continue;
        };
        let mut everywhere = first.hidden.clone();
        everywhere.retain(|(of, _)| *of == place);
        for endpoint in shown {
            everywhere.retain(|tool| endpoint.hidden.contains(tool));
        }
        for (_, tool) in &everywhere {
            server.tools.hide(tool);
        }
        for endpoint in endpoints.iter_mut() {
            endpoint.hidden.retain(|tool| !everywhere.contains(tool));
        }
    }
}

/// MetaMCP shows a server through endpoints only.
fn switch_off(
    endpoints: &[Endpoint<'_>],
    places: &HashMap<&str, usize>,
    servers: &mut [Server],
    beside: &mut Beside,
) {
    let places: BTreeSet<usize> = places.values().copied().collect();
    for place in places {
        let is_shown = endpoints.iter().any(|e| e.servers.contains(&place));
        if let Some(server) = servers.get_mut(place).filter(|_| !is_shown) {
            server.enabled = Some(false);
            let what = "switched off: no endpoint shows it".to_owned();
            beside.changes.push((place, what));
        }
    }
}

fn profile(endpoint: &Endpoint<'_>, servers: &[Server]) -> Profile {
    let named = endpoint
        .servers
        .iter()
        .filter_map(|place| servers.get(*place));
    let servers_of_it = named.map(|server| server.name.clone()).collect();
    let mut tools = Shown::default();
    for (place, tool) in &endpoint.hidden {
        let Some(server) = servers.get(*place) else {
            continue;
        };
        let visible = server.tools.rename.get(*tool).map_or(*tool, String::as_str);
        tools.hide(&format!("{}{SEPARATOR}{visible}", server.name));
    }
    Profile {
        servers: servers_of_it,
        tools,
    }
}

/// The active keys, each with the endpoints it opened: a public one the public endpoints, a user's
/// those and the user's own.
fn keys(root: &Value<'_>, endpoints: &[Endpoint<'_>]) -> Vec<Key> {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let active = rows(root, "api_keys").filter(|row| {
        row.get_boolean("is_active")
            .is_none_or(|active| active.value)
    });
    let key = |row: &Object<'_>| {
        let owner = text(row, "user_id");
        let opens = |endpoint: &&Endpoint<'_>| endpoint.owner.is_none() || endpoint.owner == owner;
        let profiles = endpoints.iter().filter(opens).map(|e| e.name.to_owned());
        let profiles = profiles.collect();
        let name = named(text(row, "name").unwrap_or_default(), &mut names);
        let secret = text(row, "key")?.to_owned();
        Some(Key {
            name,
            secret,
            profiles,
        })
    };
    active.filter_map(key).collect()
}

/// A name of letters, digits, `_` and `-`, with a number where it is there already.
fn named(text: &str, names: &mut BTreeMap<String, usize>) -> String {
    let letters = text.chars().take(60).map(|c| match c {
        c if c.is_ascii_alphanumeric() || c == '_' || c == '-' => c,
        _ => '-',
    });
    let letters: String = letters.collect();
    let name = letters.trim_matches('-');
    let name = if name.is_empty() { "key" } else { name }.to_owned();
    let count = names.entry(name.clone()).or_default();
    *count += 1;
    match *count {
        1 => name,
        count => format!("{name}-{count}"),
    }
}

/// A token without a profile would open everything.
fn note_useless(useless: &[Key], beside: &mut Beside) {
    let names: Vec<&str> = useless.iter().map(|key| key.name.as_str()).collect();
    if !names.is_empty() {
        let names = names.join(", ");
        beside
            .notes
            .push(format!("keys that open no endpoint are left out: {names}"));
    }
}

fn note_access(endpoints: &[Endpoint<'_>], beside: &mut Beside) {
    let open = endpoints.iter().filter(|endpoint| !endpoint.asks_for_key);
    let open: Vec<&str> = open.map(|endpoint| endpoint.name).collect();
    if !open.is_empty() && !beside.keys.is_empty() {
        beside.notes.push(format!(
            "no key was asked for at {}; with a token file every client needs a token",
            open.join(", ")
        ));
    }
}
