//! Who may use what an endpoint showed: nobody who could not before.

use serde_json::{Value, json};

use super::{Imported, of_text, sample, told};

fn dump(change: impl Fn(&mut Value)) -> Imported {
    let mut dump: Value = serde_json::from_str(&sample("metamcp-database.json")).unwrap();
    change(&mut dump);
    of_text("dump.json", &dump.to_string())
}

fn profiles(imported: &Imported) -> Vec<&str> {
    let profiles = imported.profiles.iter();
    profiles.map(|profile| &*profile.name).collect()
}

fn is_on(imported: &Imported, server: &str) -> bool {
    let made: Value = serde_json::from_str(&imported.text).unwrap();
    let servers = made["servers"].as_array().unwrap();
    let entry = servers.iter().find(|entry| entry["name"] == server);
    entry.unwrap()["enabled"] != false
}

#[test]
fn an_endpoint_that_asked_for_a_key_is_left_out_where_none_is_carried_over() {
    let keys = |keys: Value| dump(move |dump| dump["api_keys"] = keys.clone());
    let key =
        json!({"name": "a", "key": "sk_mt_not_a_real_key_1", "user_id": null, "is_active": true});
    let with = |column: &str, value: Value| {
        let mut key = key.clone();
        key[column] = value;
        json!([key])
    };
    for (imported, left) in [
        (keys(Value::Null), vec!["kids"]),
        (keys(with("is_active", false.into())), vec!["kids"]),
        (keys(with("key", "x".into())), vec!["kids"]),
        (keys(with("user_id", "bert".into())), vec!["kids", "work"]),
    ] {
        assert_eq!(profiles(&imported), left, "{}", told(&imported));
        assert!(!imported.is_complete(), "{}", told(&imported));
        let words = "asked for a key or a sign-in are left out";
        assert!(told(&imported).contains(words), "{}", told(&imported));
        let is_work_left = left.contains(&"work");
        assert_eq!(is_on(&imported, "linear"), is_work_left, "only work has it");
        assert!(is_on(&imported, "github") && !is_on(&imported, "time-2"));
    }
}

#[test]
fn what_an_endpoint_asks_for_is_not_guessed() {
    for (column, value) in [
        ("enable_api_key_auth", Value::Null),
        ("enable_api_key_auth", "false".into()),
        ("enable_oauth", Value::Null),
        ("enable_oauth", 1.into()),
    ] {
        let imported = dump(|dump| dump["endpoints"][1][column] = value.clone());
        assert_eq!(profiles(&imported), ["anna", "work"], "{column}: {value}");
        assert!(!imported.is_complete(), "{column}: {value}");
    }
    let imported = dump(|dump| {
        let endpoint = dump["endpoints"][1].as_object_mut().unwrap();
        endpoint.remove("enable_oauth");
    });
    assert_eq!(profiles(&imported), ["anna", "kids", "work"]);
}

#[test]
fn a_key_opens_no_endpoint_that_took_none() {
    let imported = dump(|dump| {
        dump["endpoints"][0]["enable_api_key_auth"] = false.into();
        dump["endpoints"][0]["enable_oauth"] = true.into();
    });
    let tokens = &imported.token_file;
    assert!(!tokens.contains("profile=work"), "{tokens}");
    assert_eq!(tokens.matches("profile=kids").count(), 2, "{tokens}");
    assert_eq!(profiles(&imported), ["anna", "kids"]);
    assert!(!imported.is_complete(), "{}", told(&imported));

    let imported = dump(|dump| dump["endpoints"][0]["enable_oauth"] = true.into());
    assert_eq!(imported.token_file.matches("profile=work").count(), 2);
    assert!(imported.is_complete(), "{}", told(&imported));
}
