//! Changes that are held back: the table, what is kept of it, approvals.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::config::model::{OnChangedTools, View};
use crate::protocol::mcp::item::{self, Kind};
use crate::testing::{listed, name, upstream};
use crate::tree::registry::catalogue::{Catalogue, Gap};
use crate::tree::registry::kept_catalogue::KeptCatalogue;
use crate::tree::registry::message::{Approval, ConfiguredServer};
use crate::tree::registry::pages::Changes;
use crate::tree::registry::routes::Routes;
use crate::tree::registry::state::Merge;
use crate::tree::registry::store::Unread;

fn wanted(on_changed_tools: OnChangedTools, fingerprint: u64) -> ConfiguredServer {
    let view = View {
        on_changed_tools,
        ..View::default()
    };
    ConfiguredServer {
        view: Arc::new(view),
        fingerprint,
        ..crate::testing::wanted("a")
    }
}

fn tools(tools: &[(&str, &str)]) -> Arc<Catalogue> {
    let tool = |(name, description): &(&str, &str)| {
        format!(
            r#"{{"name":"{name}","description":"{description}","inputSchema":{{"type":"object"}}}}"#
        )
    };
    let tools: Vec<String> = tools.iter().map(tool).collect();
    let page = Bytes::from(format!(r#"{{"tools":[{}]}}"#, tools.join(",")));
    let tools = item::page(Kind::Tools, &page).unwrap().items.into();
    Arc::new(Catalogue {
        tools,
        ..Catalogue::default()
    })
}

fn table(merge: &mut Merge) -> Arc<Routes> {
    merge.publish(false);
    Arc::clone(merge.routes())
}

/// Tools with what is said of them, as clients see both.
fn seen(merge: &mut Merge) -> Vec<String> {
    let routes = table(merge);
    let source = routes.merged.source(&name("a")).unwrap();
    let items = source.catalogue.as_ref().unwrap().items(Kind::Tools);
    let text = |item: &item::Item| {
        let raw: serde_json::Value = serde_json::from_slice(item.raw()).unwrap();
        format!("{} {}", item.key(), raw["description"].as_str().unwrap())
    };
    assert_eq!(listed(&routes, Kind::Tools).len(), items.len());
    items.iter().map(text).collect()
}

fn held(merge: &mut Merge) -> Vec<String> {
    let routes = table(merge);
    let source = routes.merged.source(&name("a")).unwrap();
    source
        .held
        .iter()
        .filter(|held| held.offered.is_some())
        .map(|held| held.tool.to_string())
        .collect()
}

async fn tell(merge: &mut Merge, life: u64, told: Arc<Catalogue>) -> Option<KeptCatalogue> {
    let handle = upstream("a", life, 1).await.0;
    merge.catalogue(handle, Some(told)).map(|(_, kept)| kept)
}

fn holding() -> Merge {
    let mut merge = Merge::new(HashMap::new(), None);
    merge.wanted(vec![wanted(OnChangedTools::Hold, 1)]);
    merge
}

/// As the next gateway reads it.
fn reread(kept: &KeptCatalogue) -> Merge {
    let kept = KeptCatalogue::decode(kept.encode().unwrap()).unwrap();
    Merge::new(HashMap::from([(name("a"), kept)]), None)
}

#[tokio::test]
async fn what_is_held_is_held_by_the_next_gateway_too_until_it_is_approved() {
    let mut merge = holding();
    tell(&mut merge, 1, tools(&[("x", "1"), ("y", "1")])).await;
    let before = table(&mut merge);
    let changed = tools(&[("x", "2"), ("y", "1"), ("z", "1")]);
    let kept = tell(&mut merge, 2, changed.clone()).await.unwrap();
    assert_eq!(seen(&mut merge), ["x 1", "y 1"]);
    assert_eq!(held(&mut merge), ["x", "z"]);
    let after = table(&mut merge);
    assert_eq!(after.merged.changes(&before.merged), Changes::default());

    let mut next = reread(&kept);
    next.wanted(vec![wanted(OnChangedTools::Hold, 1)]);
    assert_eq!(
        (seen(&mut next), held(&mut next)),
        (seen(&mut merge), held(&mut merge))
    );
    assert!(
        tell(&mut next, 1, changed.clone()).await.is_none(),
        "it is kept"
    );
    assert_eq!(seen(&mut next), ["x 1", "y 1"]);

    let digest = next.held_digest(&name("a"));
    let (approval, kept) = next.approve(&name("a"), &digest);
    let approved = ["x", "z"].map(str::to_owned).into();
    assert_eq!(approval, Approval::Approved { tools: approved });
    assert_eq!(seen(&mut next), ["x 2", "y 1", "z 1"]);
    let mut next = reread(&kept.unwrap());
    next.wanted(vec![wanted(OnChangedTools::Hold, 1)]);
    assert_eq!(seen(&mut next), ["x 2", "y 1", "z 1"]);
    assert_eq!(held(&mut next), [""; 0]);
    tell(&mut next, 1, tools(&[("x", "1")])).await;
    assert_eq!(seen(&mut next), ["x 2"], "what has gone has gone at once");
}

#[tokio::test]
async fn what_was_not_looked_at_is_not_approved() {
    let mut merge = holding();
    tell(&mut merge, 1, tools(&[("x", "1"), ("y", "1")])).await;
    tell(&mut merge, 1, tools(&[("x", "2"), ("y", "1")])).await;
    let looked_at = merge.held_digest(&name("a"));
    for meanwhile in [
        &[("x", "3"), ("y", "1")][..],
        &[("x", "2"), ("y", "1"), ("z", "1")],
        &[("x", "2")],
        &[("x", "1"), ("y", "1")],
    ] {
        tell(&mut merge, 1, tools(meanwhile)).await;
        let (approval, kept) = merge.approve(&name("a"), &looked_at);
        assert_eq!(approval, Approval::Changed, "{meanwhile:?}");
        assert!(kept.is_none());
        assert_eq!(seen(&mut merge)[0], "x 1", "{meanwhile:?}");
    }
    tell(&mut merge, 1, tools(&[("y", "1"), ("x", "2")])).await;
    assert_eq!(
        merge.approve(&name("a"), &looked_at).0,
        Approval::Approved {
            tools: vec!["x".to_owned()]
        },
        "it is the same in another order"
    );
    assert_eq!(seen(&mut merge), ["y 1", "x 2"]);
}

#[tokio::test]
async fn nothing_is_held_where_it_is_not_asked_for_and_from_then_on_where_it_is() {
    let mut merge = Merge::new(HashMap::new(), None);
    merge.wanted(vec![wanted(OnChangedTools::Offer, 1)]);
    tell(&mut merge, 1, tools(&[("x", "1")])).await;
    tell(&mut merge, 1, tools(&[("x", "2")])).await;
    assert_eq!(seen(&mut merge), ["x 2"]);
    assert_eq!(merge.approve(&name("a"), "").0, Approval::NotHeld);
    assert_eq!(merge.approve(&name("b"), "").0, Approval::Unknown);
    merge.wanted(vec![wanted(OnChangedTools::Hold, 1)]);
    tell(&mut merge, 1, tools(&[("x", "3"), ("y", "1")])).await;
    assert_eq!(seen(&mut merge), ["x 2"]);
    merge.wanted(vec![wanted(OnChangedTools::Offer, 1)]);
    assert_eq!(seen(&mut merge), ["x 3", "y 1"]);
}

#[tokio::test]
async fn another_command_is_another_server_and_what_was_held_of_the_old_one_stays_held() {
    let mut merge = holding();
    tell(&mut merge, 1, tools(&[("x", "1")])).await;
    tell(&mut merge, 1, tools(&[("x", "2"), ("y", "2")])).await;
    merge.wanted(vec![wanted(OnChangedTools::Hold, 2)]);
    assert_eq!(seen(&mut merge), ["x 1"]);
    // Its list is on its way: what stands for it is the old one's.
    let mut awaited = (*tools(&[])).clone();
    awaited.gaps = [(Kind::Tools, Gap::Awaited)].into();
    tell(&mut merge, 2, Arc::new(awaited)).await;
    assert_eq!(seen(&mut merge), ["x 1"]);
    tell(&mut merge, 2, tools(&[("x", "3"), ("z", "1")])).await;
    assert_eq!(seen(&mut merge), ["x 3", "z 1"]);
    tell(&mut merge, 2, tools(&[("x", "4"), ("z", "1")])).await;
    assert_eq!(seen(&mut merge), ["x 3", "z 1"]);
}

#[tokio::test]
async fn a_first_list_without_its_later_pages_is_all_that_counts_as_approved() {
    let mut merge = holding();
    let mut torn = (*tools(&[("x", "1")])).clone();
    torn.gaps = [(Kind::Tools, Gap::Torn("it ended".into()))].into();
    let kept = tell(&mut merge, 1, Arc::new(torn)).await.unwrap();
    tell(&mut merge, 1, tools(&[("x", "1"), ("y", "1")])).await;
    assert_eq!(
        (seen(&mut merge), held(&mut merge)),
        (vec!["x 1".into()], vec!["y".into()])
    );
    let mut next = reread(&kept);
    next.wanted(vec![wanted(OnChangedTools::Hold, 1)]);
    tell(&mut next, 1, tools(&[("x", "1"), ("y", "1")])).await;
    assert_eq!(held(&mut next), ["y"]);
}

fn unread(server: &str) -> Unread {
    Unread {
        servers: [name(server)].into(),
        ..Unread::default()
    }
}

#[tokio::test]
async fn nothing_is_approved_where_what_was_could_not_be_read() {
    for unread in [unread("a"), Unread::ANY] {
        let mut merge = Merge::new(HashMap::new(), None).without(unread);
        merge.wanted(vec![wanted(OnChangedTools::Hold, 1)]);
        tell(&mut merge, 1, tools(&[("x", "1")])).await;
        assert_eq!(
            (seen(&mut merge), held(&mut merge)),
            (vec![], vec!["x".into()])
        );
        let digest = merge.held_digest(&name("a"));
        merge.approve(&name("a"), &digest);
        assert_eq!(seen(&mut merge), ["x 1"]);
    }
    let mut merge = Merge::new(HashMap::new(), None).without(unread("b"));
    merge.wanted(vec![wanted(OnChangedTools::Hold, 1)]);
    tell(&mut merge, 1, tools(&[("x", "1")])).await;
    assert_eq!(held(&mut merge), [""; 0]);
}
