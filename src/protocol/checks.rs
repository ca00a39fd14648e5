//! What must hold of whatever a peer sends: checked by the fuzz targets and by the tests that replay
//! what those found. `serde_json`, which takes the whole text apart, is the second opinion.

use std::sync::Arc;

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::framing::events::{Event, EventReader, TooLarge};
use super::framing::recover::recover_id;
use super::jsonrpc::{self, Message, RequestId};
use super::mcp::request::{ClientRequest, Server};
use super::mcp::{item, item::Kind};
use super::modern::asker::Asker;
use super::modern::envelope::{self, Envelope};
use super::modern::keys;
use super::modern::results::{self, Caching};
use super::raw::{self, Member};
use super::uri::{self, Search, Shelf, Template};
use super::version::Era;

const METHODS: [&str; 6] = [
    "tools/call",
    "prompts/get",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "completion/complete",
];

/// A server's event stream: it reads the same in pieces as at once, or is too large either way, and no event is
/// larger than allowed. The first byte says how large a piece is.
pub(crate) fn events(data: &[u8]) {
    const MOST: usize = 100;
    let Some((size, data)) = data.split_first() else {
        return;
    };
    let read = |size: usize| -> Result<Vec<Event>, TooLarge> {
        let (mut reader, mut events) = (EventReader::new(MOST), Vec::new());
        for piece in data.chunks(size.max(1)) {
            reader.push(piece, &mut |event| events.push(event))?;
        }
        Ok(events)
    };
    let events = read(data.len());
    assert_eq!(events, read(usize::from(*size)));
    for event in events.into_iter().flatten() {
        assert!(!event.data.is_empty() && event.data.len() <= MOST);
    }
}

/// One message: only what is JSON is one, it is written as it was read, and what is none is
/// answered by a message.
pub(crate) fn message(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    match jsonrpc::decode(&bytes) {
        Ok(message) => {
            assert!(serde_json::from_slice::<IgnoredAny>(data).is_ok());
            let written = write(&message);
            assert!(!written.contains(&b'\n') && !written.contains(&b'\r'));
            let again = jsonrpc::decode(&written);
            assert_eq!(again.as_ref().map(write), Ok(written), "{message:?}");
            assert_eq!(again.map(|again| id(&again)), Ok(id(&message)));
        }
        Err(error) => {
            let answer = jsonrpc::decode(&error.response());
            let is_error = matches!(&answer, Ok(Message::Response(r)) if r.outcome.is_err());
            assert!(is_error, "{error:?} is told as {answer:?}");
        }
    }
}

fn id(message: &Message) -> Option<RequestId> {
    match message {
        Message::Request(request) => Some(request.id.clone()),
        Message::Response(response) => response.id.clone(),
        Message::Notification(_) => None,
    }
}

fn write(message: &Message) -> Bytes {
    match message {
        Message::Request(request) => {
            let told = jsonrpc::notification(&request.method, request.params.as_deref());
            let rest = told.strip_prefix(b"{").unwrap_or_default();
            [b"{\"id\":", request.id.as_raw().as_bytes(), b",", rest]
                .concat()
                .into()
        }
        Message::Notification(told) => jsonrpc::notification(&told.method, told.params.as_deref()),
        Message::Response(response) => match (&response.id, &response.outcome) {
            (Some(id), Ok(result)) => jsonrpc::result(id, result),
            (id, Err(error)) => jsonrpc::error(id.as_ref(), error),
            (None, Ok(_)) => Bytes::new(),
        },
    }
}

/// A batch: what is taken as one is an array with as many entries as it may have, each as it stands
/// there. The first byte says how many those are.
pub(crate) fn batch(data: &[u8]) {
    let Some((limit, body)) = data.split_first() else {
        return;
    };
    let (limit, body) = (usize::from(*limit), Bytes::copy_from_slice(body));
    let entries = jsonrpc::batch_entries(&body, limit);
    let messages = jsonrpc::decode_batch(&body, limit);
    assert_eq!(
        messages.as_ref().map(Vec::len).ok(),
        entries.as_ref().map(Vec::len).ok()
    );
    let Ok(entries) = entries else {
        return;
    };
    assert!((1..=limit).contains(&entries.len()));
    let joined = Bytes::from([b"[", entries.join(&b","[..]).as_slice(), b"]"].concat());
    assert_eq!(jsonrpc::batch_entries(&joined, limit), Ok(entries.clone()));
    for entry in &entries {
        assert!(serde_json::from_slice::<IgnoredAny>(entry).is_ok());
    }
}

/// The id in what is left of a line: of a whole response it is that response's or none, and nothing
/// else has one.
pub(crate) fn recover(data: &[u8]) {
    let found = recover_id(data, b"");
    if let Ok(message) = jsonrpc::decode(&Bytes::copy_from_slice(data)) {
        let own = match &message {
            Message::Response(response) => response.id.as_ref().and_then(RequestId::as_number),
            Message::Request(_) | Message::Notification(_) => None,
        };
        assert!(found.is_none() || found == own, "{found:?}, not {own:?}");
    }
    let (head, tail) = data.split_at(data.len() / 2);
    for (head, tail) in [(head, tail), (data, data)] {
        let found = recover_id(head, tail);
        assert!(found.is_none() || head.trim_ascii_start().starts_with(b"{"));
    }
}

/// The members of an object, against those that the other reader finds.
pub(crate) fn members(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let names = ["id", "method", "n"];
    let Ok(found) = raw::pick(text, names) else {
        return;
    };
    assert!(serde_json::from_str::<IgnoredAny>(text).is_ok());
    let other = serde_json::from_str::<Value>(text).ok();
    for (name, member) in names.into_iter().zip(found) {
        let value = other.as_ref().map(|other| other.get(name));
        match (member, value) {
            (Member::Absent, Some(value)) => assert_eq!(value, None, "{name}"),
            (Member::Once(raw), Some(value)) => {
                assert_eq!(serde_json::from_str(raw).ok().as_ref(), value, "{name}");
            }
            (Member::Repeated, Some(value)) => assert!(value.is_some(), "{name}"),
            (_, None) => {}
        }
        if let Member::Once(raw) = member {
            replace(text, names, name, raw);
        }
    }
}

/// One member has another value then, and nothing else has.
fn replace(text: &str, names: [&str; 3], name: &str, raw: &str) {
    let same = raw::splice(
        text.as_bytes(),
        vec![(raw::span(text, raw), raw.as_bytes())],
    );
    assert_eq!(same, text.replace(['\n', '\r'], "").as_bytes());
    let new = raw::splice(text.as_bytes(), vec![(raw::span(text, raw), b"[7]")]);
    let new = String::from_utf8_lossy(&new).into_owned();
    let (Ok(before), Ok(after)) = (raw::pick(text, names), raw::pick(&new, names)) else {
        unreachable!("{new} is no object any more");
    };
    for ((other, before), after) in names.into_iter().zip(before).zip(after) {
        if other == name {
            assert_eq!(after, Member::Once("[7]"));
        } else {
            assert_eq!(is_there(before), is_there(after), "{other}");
        }
    }
    let without = raw::member_span(text, raw);
    let without = raw::splice(text.as_bytes(), vec![(without, &[][..])]);
    let without = String::from_utf8_lossy(&without).into_owned();
    let left = raw::pick(&without, [name]);
    assert!(matches!(left, Ok([Member::Absent])), "{name}: {without}");
}

fn is_there(member: Member<'_>) -> u8 {
    match member {
        Member::Absent => 0,
        Member::Once(_) => 1,
        Member::Repeated => 2,
    }
}

/// The params of a call: what is rewritten says what it is rewritten to, and reads as before.
pub(crate) fn params(data: &[u8]) {
    let params = Bytes::copy_from_slice(data);
    // They are a part of a message that was decoded.
    if serde_json::from_slice::<&RawValue>(data).is_err() {
        return;
    }
    for method in METHODS {
        let Some(method) = ClientRequest::routed(method) else {
            unreachable!("{method} goes to no server");
        };
        let Ok(request) = ClientRequest::parse(Era::Legacy, method, &params) else {
            continue;
        };
        let rewritten = request.rewrite("new \"name\"", Some(17), Server::Legacy);
        assert!(!rewritten.contains(&b'\n') && !rewritten.contains(&b'\r'));
        let Ok(again) = ClientRequest::parse(Era::Legacy, method, &rewritten) else {
            unreachable!("{rewritten:?} is not understood");
        };
        assert_eq!(again.key(), "new \"name\"");
        let token = request.progress_token().map(|_| "17");
        assert_eq!(again.progress_token(), token);
        let back = again.rewrite(request.key(), None, Server::Legacy);
        let key =
            ClientRequest::parse(Era::Legacy, method, &back).map(|back| back.key().to_owned());
        assert_eq!(key.as_deref(), Ok(request.key()));
    }
    for kind in [Kind::Tools, Kind::Prompts, Kind::Resources, Kind::Templates] {
        for item in item::page(kind, &params)
            .iter()
            .flat_map(|page| &page.items)
        {
            let renamed = item::Item::parse(kind, &item.renamed("other").into());
            assert_eq!(renamed.as_ref().map(item::Item::key), Some("other"));
        }
    }
}

/// The params of a request without a session, or a result: what is said of the client is read as the other
/// reader does, a server with a handshake hears nothing of that, and a result is stamped once.
pub(crate) fn modern(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    if !is_read(data) {
        return;
    }
    let envelope = Envelope::parse(Some(&body), Some("name"));
    assert!(envelope.is_err() || envelope::is_claimed(Some(&body)));
    let value = serde_json::from_slice::<Value>(data);
    if let (Ok(envelope), Ok(value)) = (&envelope, &value) {
        let meta = value.get("_meta");
        let version = meta.and_then(|meta| meta.get(keys::PROTOCOL_VERSION));
        assert_eq!(version, Some(&Value::from(&*envelope.version)));
        let is_named = |name: &str| value.get("name") == Some(&name.into());
        assert!(envelope.name.as_deref().is_none_or(is_named));
    }
    for method in METHODS.into_iter().filter_map(ClientRequest::routed) {
        if let Ok(request) = ClientRequest::parse(Era::Modern, method, &body) {
            to_either_era(&request, data);
        }
    }
    let said = Caching::Said { is_private: true };
    for caching in [said, Caching::Unsaid] {
        let once = results::stamped(data, caching);
        assert!(is_read(&once));
        assert_eq!(results::stamped(&once, caching), once);
    }
}

/// Whether it is what a decoded message holds, on one line.
fn is_read(data: &[u8]) -> bool {
    let is_one_line = !data.contains(&b'\n') && !data.contains(&b'\r');
    is_one_line && serde_json::from_slice::<&RawValue>(data).is_ok()
}

fn to_either_era(request: &ClientRequest, data: &[u8]) {
    let asker = Asker::default();
    let same = request.rewrite(request.key(), None, Server::Modern(&asker));
    assert_eq!(same, data);
    let told = request.rewrite(request.key(), None, Server::Legacy);
    assert!(is_read(&told));
    let Ok(told) = serde_json::from_slice::<Value>(&told) else {
        return; // some of its text is none
    };
    for gone in ["requestState", "inputResponses"] {
        assert_eq!(told.get(gone), None);
    }
    let meta = told.get("_meta").and_then(Value::as_object);
    let mut names = meta.into_iter().flat_map(|meta| meta.keys());
    assert!(!names.any(|name| name.starts_with(keys::PREFIX)));
}

/// URIs and templates: the part before the first newline is a template.
pub(crate) fn uris(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (template, uri) = text.split_once('\n').unwrap_or((text, text));
    let mut shelf = Shelf::default();
    shelf.add(0, &Arc::new(Template::parse(template)));
    let matches = |uri| shelf.find(uri, &mut Search::lookup(), |_| true).is_some();
    assert!(!matches(uri) || uri.len() <= 8 << 10);
    let is_literal = !template.contains('{') && template.len() <= 2_000;
    assert!(!is_literal || matches(template));
    assert!(!is_literal || matches(uri) == (template == uri));
    assert_eq!(
        uri::unqualify(&uri::qualified("s-1", uri)),
        Some(("s-1", uri))
    );
    if let Some((server, own)) = uri::unqualify(uri) {
        assert!(uri::qualified(server, own).eq_ignore_ascii_case(uri));
    }
    if let Some(scheme) = uri::scheme(uri) {
        assert!(uri.starts_with(scheme) && !scheme.is_empty());
    }
    assert!(!uri::is_web(uri) || uri.get(..4).is_some_and(|s| s.eq_ignore_ascii_case("http")));
}
