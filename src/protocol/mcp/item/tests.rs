//! Fidelity of lists: entries are kept raw, and renamed in place.

use super::super::super::shape::Class;
use super::*;

fn page_of(result: &Bytes) -> Result<Page, String> {
    page(Kind::Tools, result)
}

const PAGE: &str = "{\"tools\": [ {\"name\":\"a\",\"inputSchema\":{\"type\":\"object\",\"maximum\":1.10,\r\n\"x-vendor\":1e40}} ,
    {\"inputSchema\":{\"typ\\u0065\":\"object\"},\"na\\u006de\":\"b\\u0062\"}, {\"title\":\"no name\"}, 7, {\"name\":3},
    {\"name\":\"\",\"inputSchema\":{\"type\":\"object\"}}, {\"name\":\"c\",\"name\":\"d\"} ], \"nextCursor\": \"\\u00e9\", \"ttlMs\":1}";

#[test]
fn tools_are_kept_raw_and_renamed_in_place() {
    let result = Bytes::from(PAGE);
    let page = page_of(&result).unwrap();
    let names: Vec<&str> = page.items.iter().map(Item::key).collect();
    assert_eq!(names, ["a", "bb"]);
    assert_eq!(
        page.odd
            .left_out()
            .map(|(_, named)| named.count)
            .sum::<usize>(),
        5
    );
    assert_eq!(page.next_cursor.as_deref(), Some("\"\\u00e9\""));
    let [a, b] = page.items.as_slice() else {
        panic!("two")
    };
    assert_eq!(
        a.raw(),
        "{\"name\":\"a\",\"inputSchema\":{\"type\":\"object\",\"maximum\":1.10,\r\n\"x-vendor\":1e40}}"
    );
    assert_eq!(
        a.renamed("s__a"),
        br#"{"name":"s__a","inputSchema":{"type":"object","maximum":1.10,"x-vendor":1e40}}"#
    );
    assert_eq!(
        b.renamed("s__bb"),
        br#"{"inputSchema":{"typ\u0065":"object"},"na\u006de":"s__bb"}"#
    );
    assert_eq!(
        Item::parse(Kind::Tools, a.raw()).as_ref(),
        Some(a),
        "a kept catalogue reads the same"
    );
    assert!(result.as_ptr_range().contains(&a.raw().as_ptr()), "no copy");
    let merged = [a.renamed("s__a"), b.renamed("s__bb")];
    let merged = list_result(Kind::Tools, merged.iter().map(Vec::as_slice), None);
    let again = page_of(&merged).unwrap();
    assert_eq!(
        again.items.iter().map(Item::key).collect::<Vec<_>>(),
        ["s__a", "s__bb"]
    );
    assert_eq!((again.next_cursor, again.odd), (None, Odd::default()));
}

#[test]
fn what_is_odd_is_told_by_why_with_the_first_names() {
    let entries: Vec<String> = (0..9)
        .map(|number| format!(r#"{{"name":"t{number}","description":null}}"#))
        .chain((0..5).map(|number| {
            format!(r#"{{"name":"u{number}","title":null,"inputSchema":{{"type":"object"}}}}"#)
        }))
        .collect();
    let page = |range: Range<usize>| {
        let text = format!(r#"{{"tools":[{}]}}"#, entries[range].join(","));
        page_of(&Bytes::from(text)).unwrap()
    };
    let mut odd = page(0..4).odd;
    odd.add(page(4..14).odd);
    let left_out: Vec<String> = odd
        .left_out()
        .map(|(fault, named)| format!("{fault}: {named}"))
        .collect();
    assert_eq!(
        left_out,
        ["'inputSchema' is missing: 't0', 't1', 't2' and 6 more"]
    );
    let mended: Vec<String> = odd
        .mended()
        .map(|(member, named)| format!("{member}: {named}"))
        .collect();
    assert_eq!(mended, ["title: 'u0', 'u1', 'u2' and 2 more"]);
    assert_eq!((odd.count(Class::Missing), odd.count(Class::Wrong)), (9, 0));
    let kept = page(0..14).items;
    assert_eq!(
        kept[0].raw(),
        r#"{"name":"u0","inputSchema":{"type":"object"}}"#
    );
}

#[test]
fn what_is_left_out_is_named_and_counted_within_bounds() {
    let page = |entries: &[String]| {
        let text = format!(r#"{{"tools":[{}]}}"#, entries.join(","));
        page_of(&Bytes::from(text)).unwrap().odd
    };
    let bare = |from: usize| -> Vec<String> {
        let numbers = from..from + 600;
        numbers.map(|n| format!(r#"{{"name":"t{n}"}}"#)).collect()
    };
    // What is wrong is somewhere else in each, and far inside.
    let property = |n: usize| {
        let deep = (0..30).fold("1".to_owned(), |schema, level| {
            let place = ["additionalItems", "propertyNames"][n >> (29 - level).min(20) & 1];
            format!(r#"{{"{place}":{schema}}}"#)
        });
        format!(
            r#"{{"name":"o","inputSchema":{{"type":"object"}},"outputSchema":{{"type":"object","not":{deep}}}}}"#
        )
    };
    let own: Vec<String> = (0..300).map(property).collect();
    let mut odd = Odd::default();
    for part in [page(&bare(0)), page(&own), page(&bare(600)), page(&own)] {
        odd.add(part);
    }
    let count = odd.count(Class::Missing) + odd.count(Class::Wrong);
    assert_eq!(count, 1_800, "each is counted");
    let told: usize = odd.left_out().map(|(_, named)| named.count).sum();
    assert_eq!(told + odd.others(), 1_800);
    assert!(odd.others() > 0 && odd.left_out().count() == 100);
    let named: usize = odd.left_out().map(|(_, named)| named.names.len()).sum();
    assert_eq!(named, 1_000);
    let longest = odd.left_out().map(|(fault, _)| fault.to_string().len());
    assert!(longest.max() < Some(400));
}

#[test]
fn cursors_are_opaque() {
    let cursor = |text: &'static str| page_of(&Bytes::from(text)).map(|page| page.next_cursor);
    let empty = cursor(r#"{"tools":[],"nextCursor":""}"#).unwrap();
    assert_eq!(list_params(empty.as_deref()).unwrap(), r#"{"cursor":""}"#);
    assert_eq!(cursor(r#"{"tools":[],"nextCursor":null}"#), Ok(None));
    assert_eq!(cursor(r#"{"tools":[]}"#), Ok(None));
    assert_eq!(list_params(None), None);
    for wrong in [
        r#"{"tools":[],"nextCursor":3}"#,
        r#"{"tools":{"a":{}}}"#,
        "[]",
        r#"{"content":[]}"#,
    ] {
        assert!(page_of(&Bytes::from(wrong)).is_err(), "{wrong}");
    }
    assert_eq!(
        list_result(Kind::Tools, std::iter::empty(), None),
        r#"{"tools":[]}"#
    );
}

#[test]
fn every_kind_has_its_own_member_and_key() {
    for (kind, text) in [
        (Kind::Prompts, r#"{"prompts":[{"name":"a:b"}]}"#),
        (
            Kind::Resources,
            r#"{"resources":[{"uri":"a:b","name":"b"}]}"#,
        ),
        (
            Kind::Templates,
            r#"{"resourceTemplates":[{"uriTemplate":"a:b","uri":"b","name":"n"}]}"#,
        ),
    ] {
        let read = page(kind, &Bytes::from(text)).unwrap();
        assert_eq!(
            read.items.iter().map(Item::key).collect::<Vec<_>>(),
            ["a:b"]
        );
        assert!(page(Kind::Tools, &Bytes::from(text)).is_err());
        let again = list_result(
            kind,
            read.items.iter().map(|item| &**item.raw()),
            Some("n\""),
        );
        let again = page(kind, &again).unwrap();
        assert_eq!(
            (again.items, again.next_cursor.as_deref()),
            (read.items, Some(r#""n\"""#))
        );
        assert_eq!(Kind::of_method(kind.method()), Some(kind));
    }
}

#[test]
fn a_clients_cursor_is_a_string_or_absent() {
    let cursor = |text: &'static str| list_cursor(Some(&Bytes::from(text)));
    assert_eq!(list_cursor(None), Ok(None));
    assert_eq!(cursor("{}"), Ok(None));
    assert_eq!(cursor(r#"{"cursor":null}"#), Ok(None));
    assert_eq!(cursor(r#"{"cursor":""}"#), Ok(None));
    assert_eq!(cursor(r#"{"cursor":"\u0061"}"#), Ok(Some("a".to_owned())));
    for wrong in [r#"{"cursor":1}"#, "[]", r#"{"cursor":"a","cursor":"b"}"#] {
        assert!(cursor(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn lists_without_entries_as_languages_write_them_are_empty() {
    for text in [
        r#"{"prompts":null}"#,
        r#"{"prompts":{}}"#,
        r#"{"prompts":{ }}"#,
        "{}",
    ] {
        let page = page(Kind::Prompts, &Bytes::from_static(text.as_bytes())).unwrap();
        assert!(
            page.items.is_empty() && page.next_cursor.is_none(),
            "{text}"
        );
    }
    for text in [r#"{"prompts":7}"#, r#"{"prompts":{"a":1}}"#, "null", "[]"] {
        let page = page(Kind::Prompts, &Bytes::from_static(text.as_bytes()));
        assert!(page.is_err(), "{text}");
    }
}
