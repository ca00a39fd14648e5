//! Tests of the shelf: whose template is found, and that no search takes more steps than it may.

use super::*;

fn shelf(owners: &[(usize, &[&str])]) -> Shelf {
    let mut shelf = Shelf::default();
    for (owner, templates) in owners {
        for template in *templates {
            shelf.add(*owner, &Arc::new(Template::parse(template)));
        }
    }
    shelf
}

fn find(shelf: &Shelf, uri: &str) -> Option<usize> {
    let mut search = Search::lookup();
    let found = shelf.find(uri, &mut search);
    assert_eq!(search.given_up().count(), 0);
    found
}

#[test]
fn the_first_in_order_is_found_whatever_it_begins_with() {
    let shelf = shelf(&[
        (0, &["x://{a}", "y:{a}"]),
        (1, &["{+any}/1", "x://{a}/{b}"]),
        (2, &["z://{+a}", "x://{+a}"]),
    ]);
    for (uri, owner) in [
        ("x://a", Some(0)),
        ("x://a/1", Some(1)),
        ("x://a/2", Some(1)),
        ("x://a/2/3", Some(2)),
        ("z://a/1", Some(1)),
        ("z://a/2", Some(2)),
        ("q://a/2", None),
        ("1", None),
    ] {
        assert_eq!(find(&shelf, uri), owner, "{uri}");
    }
}

/// As dear as it gets: every part passes over all of the URI.
fn hostile(number: usize) -> Arc<Template> {
    Arc::new(Template::parse(&format!("{}{number}", "{+a}z".repeat(400))))
}

#[test]
fn who_is_too_dear_is_given_up_and_nobody_else() {
    let mut shelf = Shelf::default();
    (0..300).for_each(|number| shelf.add(0, &hostile(number % 10)));
    shelf.add(1, &Arc::new(Template::parse("{+a}z1")));
    let uri = "z".repeat(8_000) + "1";
    let mut search = Search::lookup();
    assert_eq!(shelf.find(&uri, &mut search), Some(1));
    assert_eq!(search.given_up().collect::<Vec<_>>(), [0]);
    // What the last part took is more at the most.
    assert!(search.all.0 > OF_LOOKUP.1 - OF_LOOKUP.0 - 3 * uri.len());
}

#[test]
fn all_the_uris_of_a_result_share_a_budget() {
    let mut shelf = Shelf::default();
    (0..9_000).for_each(|number| shelf.add(number / 1_000, &hostile(number % 10)));
    let (mut search, uri) = (Search::result(), "z".repeat(3_000) + "1");
    for _ in 0..300 {
        assert_eq!(shelf.find(&uri, &mut search), None);
    }
    assert!(!search.all.are_left());
    let first: Vec<usize> = search.given_up().collect();
    assert_eq!(first, [0, 1, 2, 3]);
}
