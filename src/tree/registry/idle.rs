//! Rules of the configuration that match nothing of what a server lists: most often a slip, or its
//! names have changed. They are looked for where somebody reads of them: for the gateway's own table.

use super::part::Plan;
use super::remark::Remark;
use super::source::{Source, patterns};
use crate::config::model::{Idle, unknown};
use crate::ids::ServerName;
use crate::protocol::mcp::item::{Item, Kind};

/// What is to be said of those about tools or prompts; nothing before the whole list is known.
pub(super) fn of_names(kind: Kind, plan: &Plan) -> Vec<Remark> {
    if !plan.is_whole {
        return Vec::new();
    }
    let (view, names) = (&plan.view, keys(&plan.list));
    let mut idle = patterns(view, kind).idle(&names);
    if kind == Kind::Tools {
        idle.extend(unknown("rename", view.rename.keys(), &names));
        let overrides = unknown("override", view.overrides.keys(), &names);
        idle.extend(overrides.into_iter().map(|idle| {
            let mut renamed = view.rename.iter();
            let renamed = renamed.find(|(_, name)| &***name == idle.rule);
            let meant = renamed.map(|(own, _)| own.to_string());
            Idle {
                meant: meant.or(idle.meant),
                ..idle
            }
        }));
    }
    remarks(&plan.server, kind.member(), &idle)
}

/// The same for resources and templates, which have rules in common.
pub(super) fn of_resources(source: &Source) -> Vec<Remark> {
    let kinds = [Kind::Resources, Kind::Templates];
    if source.view.resources.is_open() || !kinds.iter().all(|kind| source.is_whole(*kind)) {
        return Vec::new();
    }
    let lists = kinds.iter().filter_map(|kind| source.list(*kind));
    let uris: Vec<&str> = lists.flat_map(|list| keys(list)).collect();
    let idle = source.view.resources.idle(&uris);
    remarks(&source.server, "resources", &idle)
}

fn keys(list: &[Item]) -> Vec<&str> {
    list.iter().map(Item::key).collect()
}

fn remarks(server: &ServerName, field: &str, idle: &[Idle<'_>]) -> Vec<Remark> {
    let whose = format!("Server '{server}', '{field}' in its entry");
    idle.iter().map(|idle| Remark::of(&whose, idle)).collect()
}
