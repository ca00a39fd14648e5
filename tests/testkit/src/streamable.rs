//! MCP's Streamable HTTP with every byte visible: requests with any headers, their answers told apart, event
//! streams event by event. For tests of the transport itself; `client::StreamableClient` is built on it for
//! those of everything else.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::http::{self, Connection, Head, Response};
use super::sse::{Item, Parser, Pieces};
use super::wait;

/// No healthy gateway takes longer to begin an answer, unless it waits for a server.
const DEADLINE: Duration = Duration::from_secs(20);

/// Where a client posts, and what it says in the headers.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub addr: SocketAddr,
    pub path: String,
    pub session: Option<String>,
    pub version: Option<String>,
}

/// Headers that replace the usual ones of the same name; an empty value leaves one out.
pub type Headers<'a> = &'a [(&'a str, &'a str)];

impl Endpoint {
    /// `/mcp`, before the handshake.
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            path: "/mcp".to_owned(),
            session: None,
            version: None,
        }
    }

    /// The same under another path.
    pub fn at(addr: SocketAddr, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..Self::new(addr)
        }
    }

    /// `/mcp`, after a handshake with this revision; without its stream.
    ///
    /// # Panics
    /// When it fails.
    pub async fn initialized(addr: SocketAddr, version: &str) -> Self {
        let mut endpoint = Self::new(addr);
        endpoint.initialize(version, "{}").await;
        endpoint
    }

    /// The handshake, declaring these capabilities, raw JSON; the raw answer to `initialize`.
    ///
    /// # Panics
    /// When it fails.
    pub async fn initialize(&mut self, version: &str, capabilities: &str) -> String {
        let request = initialize(1, version, capabilities);
        let reply = self.post(&request).await;
        let session = reply.head().header("mcp-session-id").map(str::to_owned);
        self.session = Some(session.expect("a session id"));
        let answer = reply.message().await;
        self.version = Some(version.to_owned());
        let done = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        self.post(done).await.accepted();
        answer
    }

    /// Posts `json` with the headers of a good client.
    pub async fn post(&self, json: &str) -> Reply {
        self.post_with(&[], json).await
    }

    /// As [`Endpoint::post`], with other headers.
    pub async fn post_with(&self, headers: Headers<'_>, json: &str) -> Reply {
        self.begin_with(headers, json).await.reply().await
    }

    /// Posts `json` and reads nothing yet.
    pub async fn begin(&self, json: &str) -> Post {
        self.begin_with(&[], json).await
    }

    /// As [`Endpoint::begin`], with other headers.
    pub async fn begin_with(&self, headers: Headers<'_>, json: &str) -> Post {
        let head = self.post_head(headers);
        let post = async {
            let mut connection = Connection::open(self.addr).await?;
            connection.post(&head, json.as_bytes()).await?;
            std::io::Result::Ok(Post(connection))
        };
        wait::within(|| format!("POST of {json:.200}"), DEADLINE, post).await
    }

    /// Request line and headers of a post, without `content-length` and the empty line at their end.
    pub fn post_head(&self, headers: Headers<'_>) -> String {
        let usual = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        self.head("POST", &usual, headers)
    }

    fn head(&self, method: &str, usual: Headers<'_>, headers: Headers<'_>) -> String {
        let own = [
            ("mcp-session-id", self.session.as_deref()),
            ("mcp-protocol-version", self.version.as_deref()),
        ];
        let own = own
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let is_given = |name: &str| headers.iter().any(|(given, _)| *given == name);
        let usual = usual.iter().copied().chain(own);
        let all: Vec<_> = usual
            .filter(|(name, _)| !is_given(name))
            .chain(headers.iter().copied())
            .filter(|(_, value)| !value.is_empty())
            .collect();
        http::request_head(self.addr, method, &self.path, &all)
    }

    /// A GET or DELETE, whatever is answered.
    pub async fn request(&self, method: &str, headers: Headers<'_>) -> Reply {
        let usual = [("accept", "text/event-stream")];
        let mut head = self.head(method, &usual, headers);
        head.push_str("\r\n");
        let send = async {
            let mut connection = Connection::open(self.addr).await?;
            connection.send(head.as_bytes()).await?;
            std::io::Result::Ok(Post(connection))
        };
        let post = wait::within(|| method.to_owned(), DEADLINE, send).await;
        post.reply().await
    }

    /// Opens the stream for what belongs to no post.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn listen(&self) -> EventStream {
        self.request("GET", &[]).await.stream()
    }

    /// Opens the stream that goes on behind this event.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn resume(&self, last_event_id: &str) -> EventStream {
        let headers = [("last-event-id", last_event_id)];
        self.request("GET", &headers).await.stream()
    }

    /// Ends the session.
    pub async fn delete(&self) -> Response {
        self.request("DELETE", &[]).await.whole()
    }

    /// Calls a tool with raw arguments, in one answer or on a stream; the raw answer.
    pub async fn call_tool(&self, name: &str, arguments: &str) -> String {
        let reply = self.post(&call_tool(7000, name, arguments)).await;
        reply.message().await
    }
}

/// The request that begins a session.
pub fn initialize(id: u32, version: &str, capabilities: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"initialize","params":{{"protocolVersion":"{version}","capabilities":{capabilities},"clientInfo":{{"name":"test","version":"1"}}}}}}"#
    )
}

/// A call of a tool with raw arguments.
pub fn call_tool(id: u32, name: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{name}","arguments":{arguments}}}}}"#
    )
}

/// A request that was sent. Dropped, its connection breaks off.
pub struct Post(Connection);

impl Post {
    /// Reads the head of the answer, and the body unless it is a stream.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn reply(self) -> Reply {
        let mut connection = self.0;
        let reply = async {
            let head = connection.head().await?;
            if head.header("content-type") != Some("text/event-stream") {
                return connection.body(head).await.map(Reply::Whole);
            }
            let pieces = Pieces::of(connection, head.body()?);
            let stream = EventStream::new(head, pieces);
            Ok::<_, std::io::Error>(Reply::Stream(Box::new(stream)))
        };
        wait::within(|| "an HTTP answer".to_owned(), DEADLINE, reply).await
    }
}

/// What a request was answered with.
pub enum Reply {
    Whole(Response),
    Stream(Box<EventStream>),
}

impl Reply {
    pub fn head(&self) -> &Head {
        match self {
            Self::Whole(response) => &response.head,
            Self::Stream(stream) => &stream.head,
        }
    }

    pub fn status(&self) -> u16 {
        self.head().status
    }

    /// The answer that is no stream.
    ///
    /// # Panics
    /// When it is one.
    pub fn whole(self) -> Response {
        match self {
            Self::Whole(response) => response,
            Self::Stream(stream) => panic!("an event stream: {:?}", stream.head),
        }
    }

    /// The body of an answer in JSON.
    ///
    /// # Panics
    /// When it is anything but that.
    pub fn json(self) -> String {
        let response = self.whole();
        let kind = response.header("content-type");
        let got = (response.status, kind);
        assert_eq!(got, (200, Some("application/json")), "{}", response.text());
        response.text()
    }

    /// The event stream.
    ///
    /// # Panics
    /// When it is none, or refused.
    pub fn stream(self) -> EventStream {
        match self {
            Self::Stream(stream) if stream.head.status == 200 => *stream,
            Self::Stream(stream) => panic!("{:?}", stream.head),
            Self::Whole(response) => panic!("no stream: {:?}: {}", response.head, response.text()),
        }
    }

    /// 202 and nothing more.
    ///
    /// # Panics
    /// When it is anything but that.
    pub fn accepted(self) {
        let response = self.whole();
        assert_eq!((response.status, response.text()), (202, String::new()));
    }

    /// The one answer, in JSON or as the last event of a stream; what came before it is dropped.
    ///
    /// # Panics
    /// When there is none.
    pub async fn message(self) -> String {
        match self {
            Self::Whole(_) => self.json(),
            Self::Stream(mut stream) => {
                let mut last = None;
                while let Some(event) = stream.message().await {
                    last = Some(event.data);
                }
                last.expect("an answer before the end of the stream")
            }
        }
    }
}

/// A message on a stream, and where it can be resumed behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: Option<String>,
    pub data: String,
}

/// An event stream that is read only when it is asked. Dropped, its connection breaks off.
pub struct EventStream {
    pub head: Head,
    pieces: Pieces,
    parser: Parser,
    ready: VecDeque<Item>,
}

impl EventStream {
    fn new(head: Head, pieces: Pieces) -> Self {
        Self {
            head,
            pieces,
            parser: Parser::default(),
            ready: VecDeque::new(),
        }
    }

    /// The body, for a reader of its own.
    pub fn into_pieces(self) -> Pieces {
        self.pieces
    }

    /// The next event or comment; `None` when the server has ended the stream.
    ///
    /// # Panics
    /// When nothing comes within 20 s, or the stream breaks.
    pub async fn next(&mut self) -> Option<Item> {
        wait::within(|| "the next event".to_owned(), DEADLINE, self.read()).await
    }

    async fn read(&mut self) -> Result<Option<Item>, String> {
        while self.ready.is_empty() {
            let Some(payload) = self.pieces.next().await? else {
                return Ok(None);
            };
            let ready = &mut self.ready;
            self.parser.push(payload, &mut |item| ready.push_back(item));
        }
        Ok(self.ready.pop_front())
    }

    /// The next message, past comments and priming events; `None` when the server has ended the stream.
    ///
    /// # Panics
    /// As [`EventStream::next`], and when an event is no message.
    pub async fn message(&mut self) -> Option<Event> {
        loop {
            match self.next().await? {
                Item::Comment(_) => {}
                Item::Event { data, id, .. } if data.is_empty() && id.is_some() => {}
                Item::Event { name, data, id, .. } => {
                    assert_eq!(name, "message");
                    let data = String::from_utf8(data).expect("UTF-8");
                    return Some(Event { id, data });
                }
            }
        }
    }

    /// As [`EventStream::message`], for one that must come.
    pub async fn expect(&mut self) -> Event {
        self.message().await.expect("one more message")
    }
}
