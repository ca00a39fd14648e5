//! `subscriptions/listen`: what a client wants to be told, and what it is told there (2026-07-28,
//! server/subscriptions).

use bytes::Bytes;

use super::super::jsonrpc::{self, RequestId};
use super::super::raw::{self, Member};
use super::{keys, tasks};

/// The method.
pub const LISTEN: &str = "subscriptions/listen";
/// What says which of it was agreed to.
pub const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";
/// No client means to hear of more on one stream.
const MOST_URIS: usize = 1_000;

/// What is told on one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// That the list of tools is not what it was.
    pub tools: bool,
    /// The same of prompts.
    pub prompts: bool,
    /// The same of resources and templates.
    pub resources: bool,
    /// That these resources are not what they were.
    pub uris: Vec<String>,
    /// That these tasks are not what they were.
    pub tasks: Vec<String>,
}

impl Filter {
    /// Reads the params of the request. The error says what is wrong with them.
    pub fn parse(params: Option<&Bytes>) -> Result<Self, String> {
        let missing = || "the params have no 'notifications'".to_owned();
        let text = raw::text(params.ok_or_else(missing)?, "the params' bytes")?;
        let [filter] = raw::pick(text, ["notifications"])
            .map_err(|error| format!("the params are unusable: {error}"))?;
        let filter = filter.once("notifications")?.ok_or_else(missing)?;
        let names = [
            "toolsListChanged",
            "promptsListChanged",
            "resourcesListChanged",
            "resourceSubscriptions",
            "taskIds",
        ];
        let [tools, prompts, resources, uris, tasks] = raw::pick(filter, names)
            .map_err(|error| format!("'notifications' is unusable: {error}"))?;
        let wants = |raw: Option<&str>| raw == Some("true");
        Ok(Self {
            tools: wants(tools.value("toolsListChanged")?),
            prompts: wants(prompts.value("promptsListChanged")?),
            resources: wants(resources.value("resourcesListChanged")?),
            uris: texts("resourceSubscriptions", uris)?,
            tasks: texts("taskIds", tasks)?,
        })
    }

    /// What a server is to be asked for at this place: the resources, then the tasks ([`tasks::topic`]).
    #[must_use]
    pub fn wish(&self, place: usize) -> Option<String> {
        if let Some(uri) = self.uris.get(place) {
            return Some(uri.clone());
        }
        let task = self.tasks.get(place.checked_sub(self.uris.len())?)?;
        Some(tasks::topic(task))
    }

    /// Whether nothing is told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn to_json(&self) -> Vec<u8> {
        let kinds = [
            (self.tools, "toolsListChanged"),
            (self.prompts, "promptsListChanged"),
            (self.resources, "resourcesListChanged"),
        ];
        let kinds = kinds.into_iter().filter(|(is_told, _)| *is_told);
        let mut members: Vec<Vec<u8>> = kinds
            .map(|(_, name)| format!(r#""{name}":true"#).into_bytes())
            .collect();
        for (name, texts) in [
            ("resourceSubscriptions", &self.uris),
            ("taskIds", &self.tasks),
        ] {
            if !texts.is_empty() {
                let texts: Vec<Vec<u8>> = texts.iter().map(|text| raw::quoted(text)).collect();
                let texts = texts.join(&b","[..]);
                let name = format!(r#""{name}":["#);
                members.push([name.as_bytes(), &texts, b"]"].concat());
            }
        }
        [&b"{"[..], &members.join(&b","[..]), b"}"].concat()
    }
}

fn texts(name: &str, member: Member<'_>) -> Result<Vec<String>, String> {
    let Some(raw) = member.value(name)? else {
        return Ok(Vec::new());
    };
    let wrong = |_| format!("'{name}' is not an array of strings");
    let mut texts: Vec<String> = serde_json::from_str(raw).map_err(wrong)?;
    if texts.len() > MOST_URIS {
        return Err(format!("more than {MOST_URIS} '{name}'"));
    }
    // What stands for a task among the resources of a server is no URI.
    texts.retain(|text| tasks::of_topic(text).is_none());
    texts.sort_unstable();
    texts.dedup();
    Ok(texts)
}

/// Says what is told from here on; the first message of the stream that request `id` opened.
#[must_use]
pub fn acknowledged(id: &RequestId, agreed: &Filter) -> Bytes {
    let mut params = meta(id);
    params.extend_from_slice(br#","notifications":"#);
    params.extend_from_slice(&agreed.to_json());
    params.push(b'}');
    jsonrpc::notification(ACKNOWLEDGED, Some(&params))
}

/// A notification without params of its own on that stream.
#[must_use]
pub fn notification(id: &RequestId, method: &str) -> Bytes {
    let mut params = meta(id);
    params.push(b'}');
    jsonrpc::notification(method, Some(&params))
}

/// The params of a notification, an object, under the id of that stream. A `_meta` that is none, or not the
/// only one, is left out.
#[must_use]
pub fn with_id(id: &RequestId, params: &Bytes) -> Bytes {
    let Ok(text) = std::str::from_utf8(params) else {
        return params.clone();
    };
    let id = format!(r#""{}":{}"#, keys::SUBSCRIPTION_ID, id.as_raw());
    let [found] = raw::members(Some(text), ["_meta"]);
    if let Some(found) = found.filter(|found| found.starts_with('{')) {
        return inserted(text, raw::inside(text, found), &id);
    }
    let is_meta = |name: &str| raw::is_text(name, "_meta");
    let (spans, _) = raw::member_spans(text, text, is_meta).unwrap_or_default();
    let edits = spans.into_iter().map(|span| (span, &[][..])).collect();
    let rest = raw::splice(params, edits);
    let rest = String::from_utf8_lossy(&rest);
    inserted(
        &rest,
        raw::inside(&rest, &rest),
        &format!(r#""_meta":{{{id}}}"#),
    )
}

/// The object with one more member there, behind a brace.
fn inserted(object: &str, at: usize, member: &str) -> Bytes {
    let (before, after) = object.split_at_checked(at).unwrap_or((object, ""));
    let is_empty = after.trim_start().starts_with('}');
    let comma = if is_empty { "" } else { "," };
    [before, member, comma, after].concat().into()
}

/// The raw result by which the gateway ends a stream.
#[must_use]
pub fn ended(id: &RequestId) -> Vec<u8> {
    let mut out = meta(id);
    out.extend_from_slice(br#","resultType":"complete"}"#);
    out
}

/// An object that is not closed yet, with the stream's id.
fn meta(id: &RequestId) -> Vec<u8> {
    let (key, id) = (keys::SUBSCRIPTION_ID, id.as_raw());
    format!(r#"{{"_meta":{{"{key}":{id}}}"#).into_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(params: &'static str) -> Result<Filter, String> {
        Filter::parse(Some(&Bytes::from_static(params.as_bytes())))
    }

    fn params(message: &Bytes) -> Value {
        let mut message: Value = serde_json::from_slice(message).unwrap();
        message["params"].take()
    }

    #[test]
    fn what_is_wanted_is_read_and_agreed_to() {
        let filter = parse(
            r#"{"_meta":{},"notifications":{"toolsListChanged":true,"promptsListChanged":false,
                "resourcesListChanged":null,"resourceSubscriptions":["b:","a:\"","b:"],"x":1}}"#,
        )
        .unwrap();
        assert_eq!(
            (filter.tools, filter.prompts, filter.resources),
            (true, false, false)
        );
        assert_eq!(filter.uris, ["a:\"", "b:"]);
        let tasks = parse(r#"{"notifications":{"taskIds":["s:2","s:1","s:2"]}}"#).unwrap();
        assert_eq!(tasks.tasks, ["s:1", "s:2"]);
        assert_eq!(tasks.to_json(), br#"{"taskIds":["s:1","s:2"]}"#);
        let marked = r#"{"notifications":{"resourceSubscriptions":["\u0001t"]}}"#;
        assert!(parse(marked).unwrap().is_empty());
        assert!(!filter.is_empty() && parse(r#"{"notifications":{}}"#).unwrap().is_empty());
        let id = RequestId::from_raw("\"l:0\"").unwrap();
        let wanted = json!({"_meta": {"io.modelcontextprotocol/subscriptionId": "l:0"},
            "notifications": {"toolsListChanged": true, "resourceSubscriptions": ["a:\"", "b:"]}});
        assert_eq!(params(&acknowledged(&id, &filter)), wanted);
        for wrong in [
            "{}",
            "[]",
            r#"{"notifications":1}"#,
            r#"{"notifications":{"resourceSubscriptions":[1]}}"#,
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_message_names_its_stream() {
        let id = RequestId::from_raw("7").unwrap();
        let wanted = json!({"io.modelcontextprotocol/subscriptionId": 7});
        let plain = notification(&id, "notifications/tools/list_changed");
        assert_eq!(params(&plain), json!({"_meta": wanted}));
        let ended: Value = serde_json::from_slice(&ended(&id)).unwrap();
        assert_eq!(ended, json!({"_meta": wanted, "resultType": "complete"}));
        for (told, meta) in [
            (
                r#"{"uri":"a:"}"#,
                json!({"io.modelcontextprotocol/subscriptionId": 7}),
            ),
            (
                r#"{"uri":"a:","_meta":{"x":1}}"#,
                json!({"io.modelcontextprotocol/subscriptionId": 7, "x": 1}),
            ),
            (
                r#"{"_meta": {},"uri":"a:"}"#,
                json!({"io.modelcontextprotocol/subscriptionId": 7}),
            ),
            (
                r#"{"_meta":"{","uri":"a:"}"#,
                json!({"io.modelcontextprotocol/subscriptionId": 7}),
            ),
            (
                r#"{"_meta":null,"uri":"a:","_meta":{"x":1}}"#,
                json!({"io.modelcontextprotocol/subscriptionId": 7}),
            ),
        ] {
            let told = with_id(&id, &Bytes::from_static(told.as_bytes()));
            let read: Value = serde_json::from_slice(&told).unwrap();
            assert_eq!(read, json!({"uri": "a:", "_meta": meta}));
            let said = String::from_utf8_lossy(&told);
            assert_eq!(said.matches("_meta").count(), 1, "{said}");
        }
    }
}
