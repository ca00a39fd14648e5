//! `subscriptions/listen` as the gateway sends it to servers (2026-07-28,
//! basic/utilities/subscriptions), and what they say of it.

use bytes::Bytes;

use super::super::mcp::lifecycle::Changes;
use super::super::raw;
use super::{keys, tasks};

/// The params of one, without `_meta`: for changes of these lists, and of resources and tasks
/// ([`tasks::topic`]). `None` if that is nothing.
#[must_use]
pub fn listen_params<'a>(lists: Changes, uris: impl Iterator<Item = &'a str>) -> Option<Bytes> {
    let flags = [
        ("toolsListChanged", lists.tools),
        ("promptsListChanged", lists.prompts),
        ("resourcesListChanged", lists.resources),
    ];
    let mut filter = Vec::new();
    for (name, _) in flags.into_iter().filter(|(_, is_wanted)| *is_wanted) {
        begin_member(&mut filter, name);
        filter.extend_from_slice(b"true");
    }
    let (mut resources, mut others) = (Vec::new(), Vec::new());
    for topic in uris {
        match tasks::of_topic(topic) {
            Some(task) => push_entry(&mut others, task),
            None => push_entry(&mut resources, topic),
        }
    }
    for (name, list) in [("resourceSubscriptions", resources), ("taskIds", others)] {
        if !list.is_empty() {
            begin_member(&mut filter, name);
            filter.extend_from_slice(&list);
            filter.push(b']');
        }
    }
    let params = [br#"{"notifications":{"#, &filter[..], b"}}"].concat();
    (!filter.is_empty()).then(|| params.into())
}

/// One more of an array that is not closed yet.
fn push_entry(out: &mut Vec<u8>, text: &str) {
    out.push(if out.is_empty() { b'[' } else { b',' });
    raw::push_string(out, text);
}

fn begin_member(out: &mut Vec<u8>, name: &str) {
    if !out.is_empty() {
        out.push(b',');
    }
    raw::push_string(out, name);
    out.push(b':');
}

/// Which request of the gateway's own the params of a notification belong to.
#[must_use]
pub fn of(params: &Bytes) -> Option<u64> {
    let [meta] = raw::members(std::str::from_utf8(params).ok(), ["_meta"]);
    let [id] = raw::members(meta, [keys::SUBSCRIPTION_ID]);
    raw::number(id?.as_bytes())
}

/// What a server agrees to tell of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    resources: Vec<String>,
    /// Nothing where it does not speak of tasks.
    tasks: Option<Vec<String>>,
}

impl Agreed {
    /// Reads the params of an acknowledgement; nothing where they do not say.
    #[must_use]
    pub fn parse(params: &Bytes) -> Option<Self> {
        let [filter] = raw::members(std::str::from_utf8(params).ok(), ["notifications"]);
        let [resources, tasks] = raw::members(Some(filter?), ["resourceSubscriptions", "taskIds"]);
        let texts = |list: &str| serde_json::from_str(list).unwrap_or_default();
        Some(Self {
            resources: resources.map(texts).unwrap_or_default(),
            tasks: tasks.map(texts),
        })
    }

    /// Whether a resource or task is among it, as it was asked for ([`tasks::topic`]).
    #[must_use]
    pub fn has(&self, topic: &str) -> bool {
        match (tasks::of_topic(topic), &self.tasks) {
            (None, _) => self.resources.iter().any(|told| told == topic),
            (Some(task), Some(told)) => told.iter().any(|told| told == task),
            (Some(_), None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_agreed_to_is_read() {
        let read = |text: &'static str| Agreed::parse(&Bytes::from_static(text.as_bytes()));
        let task = tasks::topic("t");
        let said = read(r#"{"notifications":{"resourceSubscriptions":["a:\u0062"]}}"#).unwrap();
        assert!(said.has("a:b") && !said.has("a:c") && said.has(&task));
        let said =
            read(r#"{"notifications":{"resourceSubscriptions":1,"taskIds":["u"]}}"#).unwrap();
        assert!(!said.has("a:b") && !said.has(&task) && said.has(&tasks::topic("u")));
        assert_eq!(read("{}"), None);
    }

    #[test]
    fn all_that_is_wanted_is_asked_for_at_once() {
        let lists = Changes::from([true, false, true]);
        let params = listen_params(lists, ["a:\"b\"", "c:d"].into_iter()).unwrap();
        let wanted = r#"{"notifications":{"toolsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a:\"b\"","c:d"]}}"#;
        assert_eq!(params, wanted);
        let params = listen_params(Changes::default(), ["a:b"].into_iter()).unwrap();
        assert_eq!(
            params,
            r#"{"notifications":{"resourceSubscriptions":["a:b"]}}"#
        );
        let task = tasks::topic("t\"1");
        let params = listen_params(Changes::default(), ["a:b", &task].into_iter()).unwrap();
        let wanted = r#"{"notifications":{"resourceSubscriptions":["a:b"],"taskIds":["t\"1"]}}"#;
        assert_eq!(params, wanted);
        assert_eq!(listen_params(Changes::default(), [].into_iter()), None);
    }

    #[test]
    fn a_notification_names_the_request_that_it_belongs_to() {
        let of = |text: &'static str| of(&Bytes::from(text));
        let meta = r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":7},"notifications":{}}"#;
        assert_eq!(of(meta), Some(7));
        assert_eq!(
            of(r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":"7"}}"#),
            Some(7)
        );
        assert_eq!(of(r#"{"_meta":{}}"#), None);
    }
}
