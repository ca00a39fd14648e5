//! What counts as a difference, and where it is said to be.

use std::slice::from_ref;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Offered;
use super::difference::{How, differences};

fn tools(tools: &[Value]) -> Offered {
    let raw = |text: &Value| RawValue::from_string(text.to_string()).unwrap();
    let tools = tools.iter().map(raw).collect();
    Offered {
        url: String::new(),
        lists: [tools, vec![], vec![], vec![]],
    }
}

fn places(old: &Value, new: &Value) -> Vec<String> {
    let found = differences(&tools(from_ref(old)), &tools(from_ref(new)));
    let places = found.into_iter().flat_map(|found| match found.how {
        How::Differs(places) => places,
        How::OnlyOld | How::OnlyNew => panic!("{} in one only", found.name),
    });
    places.map(|place| place.at).collect()
}

#[test]
fn what_means_nothing_is_no_difference() {
    let old = json!({"name": "a", "title": null, "inputSchema": {"type": "object", "required": ["x", "y"],
        "properties": {"x": {"default": 1.0, "enum": [1, 2]}, "required": {"type": "string"}}}});
    let new = json!({"inputSchema": {"required": ["y", "x"], "properties": {"required": {"type": "string"},
        "x": {"enum": [1.0, 2], "default": 1}}, "type": "object", "description": null}, "name": "a"});
    assert_eq!(places(&old, &new), [""; 0]);
}

#[test]
fn where_they_differ_is_said() {
    let old = json!({"name": "a", "description": "x", "annotations": {"readOnlyHint": true},
        "inputSchema": {"properties": {"p": {"enum": ["a", "b"]}, "q": {"minimum": 1}}, "required": ["p"]}});
    let new = json!({"name": "a", "description": "y", "_meta": {"z": 1},
        "inputSchema": {"properties": {"p": {"enum": ["b", "a"]}, "q": {"minimum": 1.5}}, "required": []}});
    let mut found = places(&old, &new);
    found.sort();
    let wanted = [
        "_meta",
        "annotations",
        "description",
        "inputSchema.properties.p.enum",
        "inputSchema.properties.q.minimum",
        "inputSchema.required",
    ];
    assert_eq!(found, wanted);
}

#[test]
fn names_that_are_there_twice_are_counted() {
    let one = json!({"name": "a"});
    let found = differences(
        &tools(from_ref(&one)),
        &tools(&[one.clone(), one, json!(7)]),
    );
    let found: Vec<_> = found
        .iter()
        .map(|found| (&*found.name, &found.how))
        .collect();
    assert_eq!(
        found,
        [("(without a name)", &How::OnlyNew), ("a", &How::OnlyNew)]
    );
}

#[test]
fn many_of_one_name_take_no_longer_than_others() {
    let same: Vec<Value> = (0..50_000).map(|_| json!({"name": "a"})).collect();
    let all = tools(&same);
    assert_eq!(differences(&all, &tools(&same[1..])).len(), 1);
}

#[test]
fn an_entry_that_cannot_be_read_has_its_name_and_is_said_to_be_so() {
    let deep = format!("{}0{}", "[".repeat(200), "]".repeat(200));
    for odd in [&deep, "1e400", r#""\ud800""#] {
        let offered = |order: [&str; 2]| {
            let raw = format!("{{{}}}", order.join(","));
            let mut all = tools(&[]);
            all.lists[0].push(RawValue::from_string(raw).unwrap());
            all
        };
        let (name, more) = (r#""name":"a""#, format!(r#""x":{odd}"#));
        let found = differences(&offered([name, &more]), &offered([&more, name]));
        assert_eq!(found[0].name, "a", "{odd}");
        let How::Differs(places) = &found[0].how else {
            panic!("{found:?}")
        };
        assert!(places[0].at.contains("cannot be read"), "{odd}");
    }
}
