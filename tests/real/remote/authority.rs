//! A server that wants a login, and the authority that it sends its clients to: discovery (RFC 9728, RFC 8414),
//! dynamic registration (RFC 7591), the code flow with PKCE (RFC 7636), and tokens that live for a few seconds and are
//! replaced by refresh tokens, each good once. Its user, who agrees to everything, is the test.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;
use tokio::time::Instant;
use warp::Filter as _;
use warp::http::{HeaderMap, Response, StatusCode};

use super::hosted::free_port;

/// How long a token lives.
pub(super) const LIFE: Duration = Duration::from_secs(4);

/// It listens as long as this is held.
pub(super) struct Authority {
    base: String,
    book: Arc<Mutex<Book>>,
    _listening: JoinSet<()>,
}

/// What it knows.
#[derive(Default)]
struct Book {
    last: u32,
    clients: HashSet<String>,
    /// The challenges of PKCE, by the codes.
    codes: HashMap<String, String>,
    tokens: HashMap<String, Instant>,
    refreshers: HashSet<String>,
    refreshed: u32,
}

type Answer = Response<String>;

impl Authority {
    pub(super) async fn start() -> Result<Self> {
        let port = free_port().await?;
        let base = format!("http://127.0.0.1:{port}");
        let book = Arc::new(Mutex::new(Book::default()));
        let (ours, origin) = (Arc::clone(&book), base.clone());
        let all = warp::method()
            .and(warp::path::full())
            .and(warp::query::raw().or(warp::any().map(String::new)).unify())
            .and(warp::header::headers_cloned())
            .and(warp::body::bytes())
            .map(
                move |method: warp::http::Method,
                      path: warp::path::FullPath,
                      query: String,
                      headers: HeaderMap,
                      body: Bytes| {
                    let mut book = ours.lock().unwrap_or_else(PoisonError::into_inner);
                    let asked = (method.as_str(), path.as_str(), &*query);
                    book.answer(&origin, asked, &headers, &body)
                },
            );
        let mut listening = JoinSet::new();
        listening.spawn(warp::serve(all).run(([127, 0, 0, 1], port)));
        Ok(Self {
            base,
            book,
            _listening: listening,
        })
    }

    /// Where the server is.
    pub(super) fn url(&self) -> String {
        format!("{}/mcp", self.base)
    }

    /// How often a token was replaced.
    pub(super) fn refreshed(&self) -> u32 {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.refreshed
    }
}

impl Book {
    fn answer(
        &mut self,
        base: &str,
        asked: (&str, &str, &str),
        headers: &HeaderMap,
        body: &[u8],
    ) -> Answer {
        match asked {
            (_, "/mcp", _) => self.serve(base, asked.0, headers, body),
            ("GET", path, _) if path.starts_with("/.well-known/oauth-protected-resource") => {
                let servers = [base];
                let resource = format!("{base}/mcp");
                json(&json!({"resource": resource, "authorization_servers": servers}))
            }
            ("GET", "/.well-known/oauth-authorization-server", _) => json(&json!({
                "issuer": base,
                "authorization_endpoint": format!("{base}/authorize"),
                "token_endpoint": format!("{base}/token"),
                "registration_endpoint": format!("{base}/register"),
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
            })),
            ("POST", "/register", _) => self.register(body),
            ("GET", "/authorize", query) => self.authorize(query),
            ("POST", "/token", _) => self.token(body),
            _ => status(StatusCode::NOT_FOUND),
        }
    }

    /// A secret that nobody had before.
    fn fresh(&mut self, what: &str) -> String {
        self.last += 1;
        format!("{what}-{}-{:016x}", self.last, fastrand::u64(..))
    }

    fn register(&mut self, body: &[u8]) -> Answer {
        let mut client: Value = serde_json::from_slice(body).unwrap_or_default();
        let id = self.fresh("client");
        client["client_id"] = json!(id);
        self.clients.insert(id);
        let mut answer = json(&client);
        *answer.status_mut() = StatusCode::CREATED;
        answer
    }

    /// The user agrees at once, and is sent back.
    fn authorize(&mut self, query: &str) -> Answer {
        let asked = fields(query);
        let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
        let is_known = self.clients.contains(&of("client_id"));
        if !is_known || of("code_challenge_method") != "S256" || of("response_type") != "code" {
            return status(StatusCode::BAD_REQUEST);
        }
        let code = self.fresh("code");
        self.codes.insert(code.clone(), of("code_challenge"));
        let back = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &of("state"))
            .finish();
        let mut answer = status(StatusCode::FOUND);
        let to = format!("{}?{back}", of("redirect_uri")).parse();
        answer
            .headers_mut()
            .extend(to.map(|to| (warp::http::header::LOCATION, to)));
        answer
    }

    fn token(&mut self, body: &[u8]) -> Answer {
        let asked = fields(&String::from_utf8_lossy(body));
        let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
        let is_granted = match &*of("grant_type") {
            "authorization_code" => {
                let proof = BASE64.encode(Sha256::digest(of("code_verifier")));
                self.codes.remove(&of("code")) == Some(proof)
            }
            "refresh_token" => {
                let is_known = self.refreshers.remove(&of("refresh_token"));
                self.refreshed += u32::from(is_known);
                is_known
            }
            _ => false,
        };
        if !is_granted {
            let mut answer = json(&json!({"error": "invalid_grant"}));
            *answer.status_mut() = StatusCode::BAD_REQUEST;
            return answer;
        }
        let (token, refresher) = (self.fresh("token"), self.fresh("refresh"));
        self.tokens.insert(token.clone(), Instant::now() + LIFE);
        self.refreshers.insert(refresher.clone());
        json(&json!({
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": LIFE.as_secs(),
            "refresh_token": refresher,
        }))
    }

    /// The server itself, for those with a token that is still good.
    fn serve(&mut self, base: &str, method: &str, headers: &HeaderMap, body: &[u8]) -> Answer {
        let token = headers.get("authorization");
        let token = token.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let until = token.and_then(|token| self.tokens.get(token));
        if until.is_none_or(|until| *until < Instant::now()) {
            let mut answer = status(StatusCode::UNAUTHORIZED);
            let metadata = format!("{base}/.well-known/oauth-protected-resource/mcp");
            let challenge = format!("Bearer resource_metadata=\"{metadata}\"").parse();
            let name = warp::http::header::WWW_AUTHENTICATE;
            answer
                .headers_mut()
                .extend(challenge.map(|value| (name, value)));
            return answer;
        }
        if method != "POST" {
            return status(StatusCode::METHOD_NOT_ALLOWED);
        }
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(id) = message.get("id") else {
            return status(StatusCode::ACCEPTED);
        };
        let result = match message["method"].as_str() {
            Some("initialize") => json!({
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "guarded", "version": "1"},
            }),
            Some("tools/list") => {
                json!({"tools": [{"name": "open", "inputSchema": {"type": "object"}}]})
            }
            Some("tools/call") => json!({"content": [{"type": "text", "text": "come in"}]}),
            Some("ping") => json!({}),
            _ => {
                let error = json!({"code": -32601, "message": "there is no such method"});
                return json(&json!({"jsonrpc": "2.0", "id": id, "error": error}));
            }
        };
        json(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
    }
}

fn fields(query: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn status(status: StatusCode) -> Answer {
    let mut answer = Response::new(String::new());
    *answer.status_mut() = status;
    answer
}

fn json(value: &Value) -> Answer {
    let mut answer = Response::new(value.to_string());
    let name = warp::http::header::CONTENT_TYPE;
    let kind = warp::http::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(name, kind);
    answer
}
