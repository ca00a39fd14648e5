//! What is qualified by a server's name is that server's, whoever lists it.

use crate::protocol::mcp::item::Kind;
use crate::protocol::uri;
use crate::tree::registry::merged::Merged;
use crate::tree::registry::source::Source;

use super::offers::{leads, listed, merged, nowhere, offering, outward, to};

const SPOOFED: &[&str] = &[
    "file:///s",
    "mcproxy://victim/file:///s",
    "MCPROXY://Victim/v:1",
];

#[test]
fn nobody_takes_over_anothers_reads_in_whatever_order() {
    let victim = offering("victim", &[(Kind::Resources, &["file:///s", "v:1"])]);
    let attacker = offering("attacker", &[(Kind::Resources, SPOOFED)]);
    let orders = [[&victim, &attacker], [&attacker, &victim]];
    for order in orders.map(|order| order.map(Clone::clone)) {
        let merged = merged(&order);
        for (uri, key) in [
            ("mcproxy://victim/file:///s", "file:///s"),
            ("mcproxy://VICTIM/v:1", "v:1"),
            ("MCPROXY://victim/unheard:of", "unheard:of"),
            ("mcproxy://victim/", ""),
        ] {
            assert_eq!(leads(&merged, uri), to("victim", key), "{uri}");
        }
        // What the other lists can be read all the same, as its own.
        for spoofed in SPOOFED {
            let own = uri::qualified("attacker", spoofed);
            assert_eq!(leads(&merged, &own), to("attacker", spoofed));
            assert_eq!(
                outward(&merged, "attacker", spoofed),
                Some(own).filter(|own| { listed(&merged, Kind::Resources).contains(own) })
            );
        }
        let oddities = Vec::from_iter(merged.oddities());
        let [(_, oddity)] = &oddities[..] else {
            unreachable!("{oddities:?}")
        };
        assert!(
            oddity.to_string().contains("'attacker'") && oddity.to_string().contains("'victim'")
        );
    }
    // Until there is such a server it may be the name of one behind the other.
    let alone = merged(&[attacker, offering("c", &[])]);
    assert_eq!(leads(&alone, SPOOFED[1]), to("attacker", SPOOFED[1]));
}

#[test]
fn templates_make_no_uri_of_another() {
    let made = [
        "mcproxy://{x}/y",
        "mcproxy://vic{x}",
        "mcproxy://victim/{p}",
        "{+all}",
    ];
    let attacker = offering("attacker", &[(Kind::Templates, &made)]);
    let victim = offering("victim", &[(Kind::Templates, &["v:{p}"])]);
    let merged = merged(&[attacker, victim]);
    let own = |template: &str| uri::qualified("attacker", template);
    assert_eq!(
        listed(&merged, Kind::Templates),
        [
            &*own(made[0]),
            &own(made[1]),
            &own(made[2]),
            made[3],
            "v:{p}"
        ]
    );
    assert_eq!(leads(&merged, "mcproxy://victim/v:1"), to("victim", "v:1"));
    assert_eq!(leads(&merged, "mcproxy://victim/y"), to("victim", "y"));
    assert_eq!(leads(&merged, "anything"), to("attacker", "anything"));
    assert_eq!(
        leads(&merged, &own("mcproxy://q/y")),
        to("attacker", "mcproxy://q/y")
    );
    // Nobody has that name: it is nobody's.
    assert_eq!(leads(&merged, "mcproxy://nobody/y"), nowhere());
}

#[test]
fn a_name_that_is_not_configured_is_no_other_servers() {
    let alone = merged(&[offering("a", &[(Kind::Templates, &["{+all}"])])]);
    assert_eq!(leads(&alone, "mcproxy://gone/x:1"), nowhere());
    assert_eq!(leads(&alone, "mcproxy://gone"), to("a", "mcproxy://gone"));
}

#[test]
fn a_servers_own_qualifier_is_read_as_its_own_uri() {
    let own: &[&str] = &["mcproxy://a/x", "x"];
    let merged = merged(&[
        offering("a", &[(Kind::Resources, own)]),
        offering("b", &[(Kind::Resources, &["x"])]),
    ]);
    let nested = uri::qualified("a", own[0]);
    assert_eq!(
        listed(&merged, Kind::Resources),
        [&*nested, "x", &uri::qualified("b", "x")]
    );
    assert_eq!(leads(&merged, &nested), to("a", own[0]));
    assert_eq!(leads(&merged, own[0]), to("a", "x"));
    assert_eq!(outward(&merged, "a", own[0]), Some(nested));
    let oddities = merged.oddities();
    assert!(
        oddities.is_empty(),
        "it takes nothing from anybody: {oddities:?}"
    );
}

#[test]
fn who_has_no_resources_keeps_its_name_too() {
    let mut without = offering("without", &[]);
    let claims: &[&str] = &["mcproxy://without/x"];
    let other = offering("other", &[(Kind::Resources, claims)]);
    without.catalogue = Some(std::sync::Arc::default());
    let merged_now = merged(&[other.clone(), without.clone()]);
    assert_eq!(leads(&merged_now, claims[0]), nowhere());
    // One that has not said yet what it has may have them.
    without.catalogue = None;
    assert_eq!(
        leads(&merged(&[other, without]), claims[0]),
        to("without", "x")
    );
}

#[test]
fn a_server_that_is_configured_later_has_its_name_at_once() {
    let claims: &[&str] = &["mcproxy://later/x"];
    let mut sources = vec![offering("other", &[(Kind::Resources, claims)])];
    let before = merged(&sources);
    assert_eq!(leads(&before, claims[0]), to("other", claims[0]));
    sources.push(Source {
        catalogue: None,
        ..offering("later", &[])
    });
    let after = Merged::build(sources, &[&before]);
    assert_eq!(leads(&after, claims[0]), to("later", "x"));
    assert!(after.changes(&before).resources);
}
