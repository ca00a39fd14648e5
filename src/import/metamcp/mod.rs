//! What MetaMCP's database has beside its servers: endpoints, each with a namespace of servers, tools
//! that are switched off or shown otherwise in it, and keys. An endpoint becomes the profile of its
//! name, so that its address stays; what no endpoint shows is hidden or off for everybody.

mod access;
mod keys;
mod state;

use std::collections::{BTreeSet, HashMap, HashSet};

use jsonc_parser::ast::{Object, Value};

use self::access::Access;
pub(super) use self::keys::{Key, lines};
pub(super) use self::state::missing;
use super::entry::json;
use super::server::{Changed, Profile, Server, Shown};
use crate::config::quoted;
use crate::ids::{ProfileName, SEPARATOR};

/// What an export of the database yields beside servers.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub(super) profiles: Vec<(String, Profile, String)>,
    pub(super) keys: Vec<Key>,
    /// What is not as it was, by server.
    pub(super) changes: Vec<(usize, String)>,
    /// And what concerns no server.
    pub(super) notes: Vec<String>,
    /// Whether something is missing that changes what is offered, or to whom.
    pub(super) is_lossy: bool,
    /// Words for a status that are said already.
    statuses: HashSet<String>,
}

impl Beside {
    /// Says that something is missing.
    fn lost(&mut self, what: String) {
        self.notes.push(what);
        self.is_lossy = true;
    }
}

/// As many endpoints are carried over as there can be profiles.
const MOST: usize = 256;

struct Endpoint<'v> {
    name: &'v str,
    namespace: &'v str,
    owner: Option<&'v str>,
    access: Access,
    /// Its servers, by their places.
    servers: BTreeSet<usize>,
    /// What it hides: server and tool.
    hidden: BTreeSet<(usize, &'v str)>,
}

impl<'v> Endpoint<'v> {
    /// What it hides of one server.
    fn hidden_of(&self, place: usize) -> Vec<(usize, &'v str)> {
        let of_server = self.hidden.range((place, "")..(place + 1, ""));
        of_server.copied().collect()
    }
}

/// Carries over what `root` has beside servers. `places` says which of `servers` a uuid is, the
/// first `known` of which are of other files too.
pub(super) fn carry<'v>(
    root: &'v Value<'v>,
    (places, known_servers): (&HashMap<&'v str, usize>, usize),
    servers: &mut [Server],
) -> Beside {
    let mut beside = Beside::default();
    let mut endpoints = endpoints(root, places, &mut beside);
    let opened = keys::carry(root, &endpoints, &mut beside);
    access::close(&mut endpoints, &opened, &mut beside);
    let mut of_namespace: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, endpoint) in endpoints.iter().enumerate() {
        of_namespace
            .entry(endpoint.namespace)
            .or_default()
            .push(place);
    }
    let known = Known {
        tools: tools(root),
        places,
        of_namespace,
    };
    let mut closed = Closed::default();
    for mapping in rows(root, "namespace_tool_mappings") {
        known.take(mapping, &mut endpoints, servers, (&mut closed, &mut beside));
    }
    close(&closed.servers, &mut endpoints, servers, &mut beside);
    note_shared_changes(&endpoints, servers, &mut beside);
    hide(&mut endpoints, servers);
    let new = places.values().filter(|place| **place >= known_servers);
    switch_off(&endpoints, new, servers, &mut beside);
    access::note(&endpoints, &mut beside);
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

pub(in crate::import) fn text<'v>(row: &'v Object<'v>, column: &str) -> Option<&'v str> {
    row.get_string(column).map(|text| &*text.value)
}

/// The names of tools by their uuids.
fn tools<'v>(root: &'v Value<'v>) -> HashMap<&'v str, &'v str> {
    let named =
        rows(root, "tools").filter_map(|row| Some((text(row, "uuid")?, text(row, "name")?)));
    named.collect()
}

fn endpoints<'v>(
    root: &'v Value<'v>,
    places: &HashMap<&'v str, usize>,
    beside: &mut Beside,
) -> Vec<Endpoint<'v>> {
    let mut active: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    let mut inactive = BTreeSet::new();
    for mapping in rows(root, "namespace_server_mappings") {
        let place = text(mapping, "mcp_server_uuid").and_then(|uuid| places.get(uuid));
        let is_off = state::is_off(mapping, beside);
        if let (Some(place), Some(namespace)) = (place, text(mapping, "namespace_uuid")) {
            if is_off {
                inactive.insert((namespace, *place));
            } else {
                active.entry(namespace).or_default().insert(*place);
            }
        }
    }
    for (namespace, place) in inactive {
        active.entry(namespace).or_default().remove(&place);
    }
    let endpoint = |row: &'v Object<'v>| {
        let namespace = text(row, "namespace_uuid")?;
        let name = text(row, "name")?;
        if let Err(why) = ProfileName::new(name) {
            beside.lost(format!("endpoint {} left out: {why}", quoted(name)));
            return None;
        }
        Some(Endpoint {
            name,
            namespace,
            owner: text(row, "user_id"),
            access: Access::of(row),
            servers: active.get(namespace).cloned().unwrap_or_default(),
            hidden: BTreeSet::new(),
        })
    };
    let mut endpoints: Vec<_> = rows(root, "endpoints")
        .filter_map(endpoint)
        .take(MOST)
        .collect();
    endpoints.sort_by_key(|endpoint| endpoint.name);
    if endpoints.len() == MOST {
        let what = format!("at most {MOST} endpoints are carried over");
        beside.lost(what);
    }
    endpoints
}

/// Servers of which something is hidden that cannot be said.
#[derive(Default)]
struct Closed<'v> {
    /// By endpoint and server.
    servers: BTreeSet<(usize, usize)>,
    /// The namespaces all of whose servers are among them.
    whole: HashSet<Option<&'v str>>,
}

/// What mappings of tools refer to.
struct Known<'k, 'v> {
    tools: HashMap<&'v str, &'v str>,
    places: &'k HashMap<&'v str, usize>,
    /// The endpoints of each namespace.
    of_namespace: HashMap<&'v str, Vec<usize>>,
}

impl<'v> Known<'_, 'v> {
    /// Takes one mapping over. Where it hides what is not known, its server is put into `closed` for
    /// the endpoints of its namespace.
    fn take(
        &self,
        mapping: &'v Object<'v>,
        endpoints: &mut [Endpoint<'v>],
        servers: &mut [Server],
        (closed, beside): (&mut Closed<'v>, &mut Beside),
    ) {
        let is_off = state::is_off(mapping, beside);
        let namespace = text(mapping, "namespace_uuid");
        let of_namespace = namespace.and_then(|namespace| self.of_namespace.get(namespace));
        let tool = text(mapping, "tool_uuid").and_then(|uuid| self.tools.get(uuid).copied());
        let place = text(mapping, "mcp_server_uuid").and_then(|uuid| self.places.get(uuid));
        let (Some(tool), Some(&place), Some(_)) = (tool, place, namespace) else {
            let is_one = text(mapping, "mcp_server_uuid").is_some();
            if is_off && (is_one || closed.whole.insert(namespace)) {
                let everywhere = (0..endpoints.len()).collect();
                let nowhere = Vec::new();
                let of_namespace = match namespace {
                    Some(_) => of_namespace.unwrap_or(&nowhere),
                    None => &everywhere,
                };
                for place in state::closed_by(mapping, self.places) {
                    closed
                        .servers
                        .extend(of_namespace.iter().map(|endpoint| (*endpoint, place)));
                }
            }
            return;
        };
        let mut is_shown = false;
        for endpoint in of_namespace.into_iter().flatten() {
            let endpoint = endpoints.get_mut(*endpoint);
            if let Some(endpoint) = endpoint.filter(|e| e.servers.contains(&place)) {
                is_shown = true;
                if is_off {
                    endpoint.hidden.insert((place, tool));
                }
            }
        }
        if is_shown && let Some(server) = servers.get_mut(place) {
            change(mapping, tool, place, server, beside);
        }
    }
}

/// What of a server is hidden cannot be said: it is not shown at all.
fn close(
    closed: &BTreeSet<(usize, usize)>,
    endpoints: &mut [Endpoint<'_>],
    servers: &[Server],
    beside: &mut Beside,
) {
    for (place, of) in closed {
        let endpoint = endpoints.get_mut(*place);
        if let Some(endpoint) = endpoint.filter(|endpoint| endpoint.servers.contains(of)) {
            endpoint.servers.remove(of);
            for tool in endpoint.hidden_of(*of) {
                endpoint.hidden.remove(&tool);
            }
            let server = servers.get(*of).map_or("", |server| server.name.as_str());
            let name = endpoint.name;
            beside.lost(format!(
                "server {server} is not in profile {name}: a tool of it is switched off there, and the dump \
                 does not say which"
            ));
        }
    }
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
        let mut everywhere = first.hidden_of(place);
        for endpoint in shown {
            everywhere.retain(|tool| endpoint.hidden.contains(tool));
        }
        for (_, tool) in &everywhere {
            server.tools.hide(tool);
        }
        for endpoint in endpoints.iter_mut() {
            for tool in &everywhere {
                endpoint.hidden.remove(tool);
            }
        }
    }
}

/// MetaMCP shows a server through endpoints only.
fn switch_off<'p>(
    endpoints: &[Endpoint<'_>],
    places: impl Iterator<Item = &'p usize>,
    servers: &mut [Server],
    beside: &mut Beside,
) {
    let places: BTreeSet<usize> = places.copied().collect();
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
