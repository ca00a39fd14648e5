//! What a server is sent that is nobody else's: its headers, and the pieces of its addresses that may be keys. A
//! server needs only say it back, and it would be in the log.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::header::HeaderMap;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::client;

/// A shorter value is found in any text.
const SHORTEST: usize = 4;
/// A shorter piece of a path is a word, unless it has a digit.
const SHORTEST_WORD: usize = 8;
/// So many that the server gave are known, the latest.
const LEARNT: usize = 64;
/// One that is longer is known by so many characters.
const LONGEST: usize = 4096;

/// The secrets of one life of a server. Clones are the same.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    configured: Vec<String>,
    learnt: VecDeque<String>,
}

impl Secrets {
    /// What the server is configured with, and `keys` that are sent beside that.
    pub(super) fn of(headers: &HeaderMap, url: &Url, keys: Vec<String>) -> Self {
        let mut configured: Vec<String> = client::secrets_of(headers).map(str::to_owned).collect();
        configured.extend(keys_of(url));
        configured.extend(keys);
        let configured = configured.into_iter().flat_map(spellings).collect();
        let learnt = VecDeque::new();
        Self(Arc::new(Mutex::new(Held { configured, learnt })))
    }

    /// The server was found there too.
    pub(super) fn learn(&self, url: &Url) {
        for key in keys_of(url) {
            self.learn_one(key);
        }
    }

    /// It gave this.
    pub(super) fn learn_one(&self, secret: String) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for secret in spellings(secret) {
            if known.configured.contains(&secret) || known.learnt.contains(&secret) {
                continue;
            }
            if known.learnt.len() >= LEARNT {
                known.learnt.pop_front();
            }
            known.learnt.push_back(secret);
        }
    }

    /// The text without them.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = known.configured.iter().chain(&known.learnt);
        let mut all: Vec<&str> = all.map(String::as_str).collect();
        // One may be a piece of another.
        all.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
        client::without(text, all)
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

/// As it is written, and as JSON may write it.
fn spellings(mut secret: String) -> Vec<String> {
    if let Some((most, _)) = secret.char_indices().nth(LONGEST) {
        secret.truncate(most);
    }
    let quoted = serde_json::Value::from(secret.as_str()).to_string();
    let quoted = quoted.trim_matches('"').to_owned();
    let slashed = quoted.replace('/', "\\/");
    let mut all = vec![secret, quoted, slashed];
    all.dedup();
    all
}

/// The pieces of an address that may be keys, as they are written and as they are meant.
fn keys_of(url: &Url) -> Vec<String> {
    let path = url.path_segments().into_iter().flatten();
    let path = path.filter(|piece| {
        let has_digit = piece.bytes().any(|byte| byte.is_ascii_digit());
        piece.len() >= if has_digit { SHORTEST } else { SHORTEST_WORD }
    });
    let query = url.query().into_iter().flat_map(|query| query.split('&'));
    let query = query.map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    let pieces = path.chain(query).filter(|piece| piece.len() >= SHORTEST);
    let both = pieces.flat_map(|piece| {
        let meant = percent_decode_str(piece).decode_utf8_lossy().into_owned();
        let is_other = meant != piece && meant.len() >= SHORTEST;
        is_other
            .then_some(meant)
            .into_iter()
            .chain([piece.to_owned()])
    });
    both.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let mut headers = HeaderMap::new();
        let key = "Bearer a/b\"c-of-all".parse();
        headers.insert("authorization", key.unwrap());
        let url = "https://h/api/k3y5/mcp?token=s%21lence&v=2";
        Secrets::of(&headers, &url.parse().unwrap(), Vec::new())
    }

    #[test]
    fn a_secret_is_hidden_however_it_is_written() {
        let secrets = secrets();
        for (said, shown) in [
            ("is a/b\"c-of-all it", "is … it"),
            (r#"{"a":"Bearer a\/b\"c-of-all"}"#, r#"{"a":"…"}"#),
            (
                "/api/k3y5/mcp?token=s%21lence&v=2",
                "/api/…/mcp?token=…&v=2",
            ),
            ("token s!lence", "token …"),
            ("cut at a/b\"c-o", "cut at …"),
            ("nothing of it", "nothing of it"),
        ] {
            assert_eq!(secrets.hide(said), shown);
        }
    }

    #[test]
    fn what_the_server_gave_is_hidden_too_and_has_a_bound() {
        let secrets = secrets();
        secrets.learn(&"https://h/messages?session_id=abcd1234".parse().unwrap());
        assert_eq!(secrets.hide("at abcd1234, k3y5"), "at …, …");
        for number in 1000..3000 {
            secrets.learn_one(format!("given-{number}"));
        }
        assert_eq!(secrets.hide("given-2999, k3y5"), "…, …");
        assert!(secrets.0.lock().unwrap().learnt.len() <= LEARNT);
    }
}
