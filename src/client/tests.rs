//! The client against a server that answers with what it is told, and notes what it was asked. Who cannot be
//! reached, and what is said then, is in `tests/it/cli/compare`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

use super::http::is_loopback;
use super::{Bounds, Client, ClientError, hidden};
use crate::protocol::mcp::item::Kind;
use crate::protocol::version::Version;

/// A request: its line and headers in lower case, and the message in it.
type Asked = (String, Value);

struct Server {
    url: Url,
    asked: Arc<Mutex<Vec<Asked>>>,
    _task: JoinSet<()>,
}

impl Server {
    async fn start(answer: impl Fn(&Asked) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let seen = Arc::clone(&asked);
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let asked = read(&mut stream).await;
                let answer = answer(&asked);
                seen.lock().unwrap().push(asked);
                stream.write_all(answer.as_bytes()).await.ok();
            }
        });
        Self {
            url: url.parse().unwrap(),
            asked,
            _task: task,
        }
    }

    async fn connect(&self, bounds: Bounds) -> Result<Client, ClientError> {
        let key = HeaderValue::from_static("k3y");
        let headers = HeaderMap::from_iter([("x-api-key".parse().unwrap(), key)]);
        Client::connect(self.url.clone(), headers, bounds).await
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> Asked {
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1);
            let length = length.map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
            if body.len() >= length {
                return (head, serde_json::from_str(body).unwrap_or_default());
            }
        }
    }
}

fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn answered(message: &Value, member: &str, value: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": message["id"], member: value}).to_string()
}

const JSON: &str = "Content-Type: application/json; charset=utf-8\r\n";
const SESSION: &str = "content-type: application/json\r\nmcp-session-id: s1\r\n";

/// `initialize` and its end; the rest as said.
fn usual(asked: &Asked, list: impl Fn(&Value) -> String) -> String {
    let (head, message) = asked;
    match message["method"].as_str() {
        Some("initialize") => {
            let result = json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}});
            response("200 OK", SESSION, &answered(message, "result", &result))
        }
        Some("tools/list") => list(message),
        _ if head.starts_with("delete") => response("204 No Content", "", ""),
        _ => response("202 Accepted", "", ""),
    }
}

fn bounds() -> Bounds {
    Bounds {
        pages: 3,
        entries: 4,
        list: 1000,
        message: 2000,
        ..Bounds::within(Duration::from_secs(20))
    }
}

fn page(asked: &Value, entries: usize, cursor: Option<&str>) -> String {
    let tools = vec![json!({"name": "a", "unknown": 1}); entries];
    let result = json!({"tools": tools, "nextCursor": cursor});
    response("200 OK", JSON, &answered(asked, "result", &result))
}

#[tokio::test]
async fn a_session_is_kept_and_ended_and_lists_are_read_page_by_page() {
    let server = Server::start(|asked| {
        usual(asked, |message| {
            match message["params"]["cursor"].as_str() {
                None => page(message, 2, Some("two")),
                Some(cursor) => page(message, usize::from(cursor == "two"), None),
            }
        })
    })
    .await;
    let mut client = server.connect(bounds()).await.unwrap();
    assert_eq!(client.server().version, Some(Version::V2025_06_18));
    let tools = client.list_all(Kind::Tools).await.unwrap();
    assert_eq!(tools.len(), 3);
    assert_eq!(
        tools[2].get(),
        r#"{"name":"a","unknown":1}"#,
        "byte for byte"
    );
    // It does not offer any.
    assert!(client.list_all(Kind::Prompts).await.unwrap().is_empty());
    client.close().await;
    let asked = server.asked();
    let methods: Vec<_> = asked
        .iter()
        .map(|(_, message)| message["method"].as_str())
        .collect();
    let list = Some("tools/list");
    assert_eq!(
        methods,
        [
            Some("initialize"),
            Some("notifications/initialized"),
            list,
            list,
            None
        ]
    );
    assert!(
        asked
            .iter()
            .all(|(head, _)| head.contains("x-api-key: k3y"))
    );
    assert!(!asked[0].0.contains("mcp-session-id"));
    for (head, _) in &asked[1..] {
        assert!(
            head.contains("mcp-session-id: s1")
                && head.contains("mcp-protocol-version: 2025-06-18"),
            "{head}"
        );
    }
    assert!(asked[4].0.starts_with("delete /mcp"));
}

#[tokio::test]
async fn a_list_has_an_end() {
    for (entries, word) in [(1, "3 pages"), (3, "4 entries")] {
        let server = Server::start(move |asked| {
            usual(asked, |message| {
                let next = format!("after {}", message["id"]);
                page(message, entries, Some(&next))
            })
        })
        .await;
        let mut client = server.connect(bounds()).await.unwrap();
        let error = client.list_all(Kind::Tools).await.unwrap_err().to_string();
        assert_eq!(error, format!("answers 'tools/list' with more than {word}"));
    }
    for (size, word) in [
        (1200, "answers 'tools/list' with more than 1000 bytes"),
        (9000, "sends a message with more than 2000 bytes"),
    ] {
        let server = Server::start(move |asked| {
            usual(asked, |message| {
                let result = json!({"tools": ["x".repeat(size)]});
                response("200 OK", JSON, &answered(message, "result", &result))
            })
        })
        .await;
        let mut client = server.connect(bounds()).await.unwrap();
        let error = client.list_all(Kind::Tools).await.unwrap_err().to_string();
        assert_eq!(error, word);
    }
}

/// On the stream of an answer a server may ask and tell before it answers.
#[tokio::test]
async fn what_a_server_asks_meanwhile_is_answered() {
    let server = Server::start(|asked| {
        usual(asked, |message| {
            let answer = answered(message, "result", &json!({"tools": []}));
            let events = format!(
                "id: 1\nretry: 5\ndata:\n\n: hi\n\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}}\n\n\
                 data: {{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}}\n\n\
                 data: {{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"roots/list\"}}\n\ndata: {answer}\n\n"
            );
            response("200 OK", "content-type: text/event-stream\r\n", &events)
        })
    })
    .await;
    let mut client = server.connect(bounds()).await.unwrap();
    assert!(client.list_all(Kind::Tools).await.unwrap().is_empty());
    let told: Vec<Value> = server
        .asked()
        .into_iter()
        .map(|(_, message)| message)
        .collect();
    assert_eq!(told[3], json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
    assert_eq!(told[4]["error"]["code"], -32601);
}

#[tokio::test]
async fn a_server_that_names_the_revisions_it_speaks_is_asked_again() {
    let server = Server::start(|asked| {
        let is_newer = asked.1["params"]["protocolVersion"] == "2025-11-25";
        if is_newer {
            let error =
                json!({"code": -32602, "message": "no", "data": {"supported": ["2024-11-05"]}});
            return response("200 OK", JSON, &answered(&asked.1, "error", &error));
        }
        usual(asked, |message| {
            let error = json!({"code": -32603, "message": "out of\nluck"});
            response("200 OK", JSON, &answered(message, "error", &error))
        })
    })
    .await;
    let mut client = server.connect(bounds()).await.unwrap();
    let error = client.request("tools/list", None).await.unwrap_err();
    let words = "answers 'tools/list' with error -32603: out ofluck";
    assert_eq!(error.to_string(), words);
}

#[tokio::test]
async fn an_answer_to_somebody_else_is_none() {
    for body in [
        r#"{"jsonrpc":"2.0","id":99,"result":{}}"#,
        "{}",
        "[]",
        "\u{0}",
    ] {
        let server = Server::start(move |_| response("200 OK", JSON, body)).await;
        let error = server.connect(bounds()).await.unwrap_err();
        assert!(matches!(error, ClientError::Protocol(_)), "{body}: {error}");
    }
}

/// 400, 404 and 405 alone are of the older transport.
#[tokio::test]
async fn only_what_may_be_older_is_asked_for_a_stream() {
    for (status, gets) in [
        ("400 Bad Request", 1),
        ("404 Not Found", 1),
        ("405 No", 1),
        ("500 Oh", 0),
        ("401 No", 0),
    ] {
        let server = Server::start(move |_| response(status, "", "why")).await;
        let error = server.connect(bounds()).await.unwrap_err().to_string();
        assert!(error.contains(&status[..3]), "{status}: {error}");
        let asked = server.asked();
        let is_get = |asked: &&Asked| asked.0.starts_with("get");
        assert_eq!(asked.iter().filter(is_get).count(), gets, "{status}");
    }
}

#[test]
fn no_url_shows_a_key() {
    let url = "https://anna:k3y@[::1]:8443/a/mcp?api_key=k3y#k3y"
        .parse()
        .unwrap();
    assert_eq!(super::shown(&url), "https://[::1]:8443/a/mcp");
}

#[test]
fn what_it_was_sent_is_not_shown_though_the_server_says_it() {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer s3cr3t-t0k3n".parse().unwrap());
    headers.insert("x", "1".parse().unwrap());
    for (said, shown) in [
        (
            "you sent {'authorization': 'Bearer s3cr3t-t0k3n'} 1",
            "you sent {'authorization': '…'} 1",
        ),
        ("token s3cr3t-t0k3n, again s3cr3t-t0k3n", "token …, again …"),
        // Cut by who reads it.
        ("you sent Bearer s3cr3t", "you sent …"),
        ("you sent s3cr3t-t0k3", "you sent …"),
        (
            "\u{202e}\u{1b}[31m \"plain\" \\",
            "\\u{202e}\\u{1b}[31m \"plain\" \\",
        ),
    ] {
        assert_eq!(hidden(said, &headers), shown);
    }
}

#[tokio::test]
async fn a_key_in_an_address_goes_into_a_header_and_is_not_shown() {
    let server = Server::start(|asked| {
        let key = "dTpwQHNz";
        let said = if asked
            .0
            .contains(&format!("authorization: basic {}", key.to_lowercase()))
        {
            format!("you sent {key}")
        } else {
            "no key".to_owned()
        };
        response(
            "422 Unprocessable Content",
            "content-type: text/plain\r\n",
            &said,
        )
    })
    .await;
    let mut url = server.url.clone();
    url.set_username("u").unwrap();
    url.set_password(Some("p@ss")).unwrap();
    let error = Client::connect(url, HeaderMap::new(), bounds())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("you sent …"), "{error}");
}

#[test]
fn what_is_here_is_asked_without_a_proxy() {
    for (url, is_here) in [
        ("http://127.9.9.9:1/mcp", true),
        ("http://[::1]/mcp", true),
        ("http://LocalHost/mcp", true),
        ("http://localhost.example/mcp", false),
        ("http://10.0.0.1/mcp", false),
    ] {
        assert_eq!(is_loopback(&url.parse().unwrap()), is_here, "{url}");
    }
}
