//! Tests of the shelf: whose template is found, and that no search takes more steps than it may.

use proptest::prelude::*;

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
    let found = shelf.find(uri, &mut search, |_| true);
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
    assert_eq!(shelf.find(&uri, &mut search, |_| true), Some(1));
    assert_eq!(search.given_up().collect::<Vec<_>>(), [0]);
    // More by what the last part took at the most, and by what the other one's template did.
    assert!(search.all.0 > OF_LOOKUP.1 - OF_LOOKUP.0 - 12 * uri.len());
}

#[test]
fn all_the_uris_of_a_result_share_a_budget() {
    let mut shelf = Shelf::default();
    (0..9_000).for_each(|number| shelf.add(number / 1_000, &hostile(number % 10)));
    let (mut search, uri) = (Search::result(), "z".repeat(3_000) + "1");
    for _ in 0..300 {
        assert_eq!(shelf.find(&uri, &mut search, |_| true), None);
    }
    assert!(!search.all.are_left());
    let first: Vec<usize> = search.given_up().collect();
    assert_eq!(first, [0, 1]);
}

#[test]
fn templates_that_begin_otherwise_cost_next_to_nothing() {
    let mut shelf = Shelf::default();
    for number in 0..5_000 {
        let template = format!("x:///list{number}/{{a}}");
        shelf.add(0, &Arc::new(Template::parse(&template)));
    }
    let mut search = Search::result();
    for number in 0..5_000 {
        let uri = format!("x:///list{number}/a");
        assert_eq!(shelf.find(&uri, &mut search, |_| true), Some(0));
        assert_eq!(
            shelf.find(&format!("x:///other{number}/a"), &mut search, |_| true),
            None
        );
    }
    assert_eq!(search.given_up().count(), 0);
}

proptest! {
    #[test]
    fn what_one_template_can_have_made_is_found_among_others(
        templates in prop::collection::vec("x:[abé/]{0,3}(\\{a\\}|\\{/a\\})?[abé]{0,9}", 0..9),
        uri in "x:[abé/]{0,12}",
    ) {
        let templates: Vec<_> = templates.iter().map(|text| Template::parse(text)).collect();
        let mut shelf = Shelf::default();
        for template in &templates {
            shelf.add(0, &Arc::new(template.clone()));
        }
        let is_one = templates.iter().any(|one| one.matches(&uri, &mut Steps(1 << 20)));
        prop_assert_eq!(find(&shelf, &uri).is_some(), is_one);
    }
}
