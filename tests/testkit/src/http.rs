//! The little of HTTP/1.1 that a client needs to watch a server closely: one connection, raw requests,
//! answers with their head as sent, bodies by length, by chunks or until the end. Used by the SSE client and
//! by tests of status codes.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use memchr::{memchr, memmem};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::wait;

/// No answer of a gateway on the same machine takes longer.
const DEADLINE: Duration = Duration::from_secs(10);

/// Status line and headers, as received.
#[derive(Clone, Debug)]
pub struct Head {
    pub status: u16,
    text: String,
}

impl Head {
    pub fn parse(text: String) -> io::Result<Self> {
        let status = text
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok())
            .ok_or_else(|| malformed(&format!("not an HTTP/1.1 status line: {text:?}")))?;
        Ok(Self { status, text })
    }

    /// The first header of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.text.split("\r\n").skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// How the body that follows is framed (RFC 9112, section 6.3).
    pub fn body(&self) -> io::Result<Body> {
        if matches!(self.status, 100..200 | 204 | 304) {
            return Ok(Body::Length(0));
        }
        if self
            .header("transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
        {
            return Ok(Body::Chunked(Chunked::default()));
        }
        match self.header("content-length") {
            Some(length) => length
                .parse()
                .map(Body::Length)
                .map_err(|_| malformed(&format!("content-length {length:?}"))),
            None => Ok(Body::UntilClose),
        }
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub head: Head,
    pub body: Vec<u8>,
}

impl Response {
    /// The body as text, with what is not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }
}

/// Takes the framing off a body.
pub enum Body {
    /// So many bytes are missing.
    Length(usize),
    Chunked(Chunked),
    UntilClose,
}

impl Body {
    /// Appends what `input` holds of the body to `out`; gives how many bytes of it were used.
    pub fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> io::Result<usize> {
        match self {
            Self::Length(missing) => {
                let part = input.get(..*missing).unwrap_or(input);
                *missing -= part.len();
                out.extend_from_slice(part);
                Ok(part.len())
            }
            Self::Chunked(chunked) => chunked.decode(input, out),
            Self::UntilClose => {
                out.extend_from_slice(input);
                Ok(input.len())
            }
        }
    }

    pub fn is_complete(&self) -> bool {
        match self {
            Self::Length(missing) => *missing == 0,
            Self::Chunked(chunked) => matches!(chunked.place, Place::Done),
            Self::UntilClose => false,
        }
    }
}

/// Chunked transfer coding, in pieces of any size (RFC 9112, section 7.1).
#[derive(Default)]
pub struct Chunked {
    place: Place,
    line: Vec<u8>,
}

#[derive(Default)]
enum Place {
    #[default]
    Size,
    Data(usize),
    AfterData,
    Trailer,
    Done,
}

impl Chunked {
    fn decode(&mut self, input: &[u8], out: &mut Vec<u8>) -> io::Result<usize> {
        let mut rest = input;
        while !rest.is_empty() && !matches!(self.place, Place::Done) {
            if let Place::Data(missing) = &mut self.place {
                let part = rest.get(..*missing).unwrap_or(rest);
                *missing -= part.len();
                out.extend_from_slice(part);
                rest = rest.get(part.len()..).unwrap_or_default();
                if *missing == 0 {
                    self.place = Place::AfterData;
                }
                continue;
            }
            let end = memchr(b'\n', rest);
            let (part, after) = rest.split_at(end.map_or(rest.len(), |end| end + 1));
            self.line.extend_from_slice(part);
            rest = after;
            if end.is_some() {
                self.end_of_line()?;
                self.line.clear();
            }
        }
        Ok(input.len() - rest.len())
    }

    fn end_of_line(&mut self) -> io::Result<()> {
        let line = String::from_utf8_lossy(&self.line);
        let line = line.trim_end();
        self.place = match self.place {
            Place::Size => {
                let digits = line.split(';').next().unwrap_or_default().trim_end();
                match usize::from_str_radix(digits, 16) {
                    Ok(0) => Place::Trailer,
                    Ok(size) => Place::Data(size),
                    Err(_) => return Err(malformed(&format!("chunk size {line:?}"))),
                }
            }
            Place::AfterData if line.is_empty() => Place::Size,
            Place::AfterData => return Err(malformed("a chunk is longer than it said")),
            Place::Trailer if line.is_empty() => Place::Done,
            Place::Trailer => Place::Trailer,
            Place::Data(_) | Place::Done => return Err(malformed("a line inside of a chunk")),
        };
        Ok(())
    }
}

/// One connection; requests on it go one after the other.
pub struct Connection {
    stream: TcpStream,
    /// Received and not yet used.
    received: Vec<u8>,
    /// Kept for its capacity.
    outgoing: Vec<u8>,
}

impl Connection {
    pub async fn open(addr: SocketAddr) -> io::Result<Self> {
        Self::on(TcpStream::connect(addr).await?)
    }

    /// With a small receive buffer, so that the kernel does not read on behalf of a client that is slow.
    pub async fn open_narrow(addr: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(64 << 10)?;
        Self::on(socket.connect(addr).await?)
    }

    /// From another address of this machine: another client, for who looks at addresses.
    pub async fn open_from(addr: SocketAddr, from: IpAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        Self::on(socket.connect(addr).await?)
    }

    /// On a socket that was connected in a way of its own.
    pub fn on(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::new(),
            outgoing: Vec::new(),
        })
    }

    /// Whether another request may be sent: not when the server has closed it or said something unasked.
    pub fn is_idle(&self) -> bool {
        self.received.is_empty()
            && self
                .stream
                .try_read(&mut [0])
                .is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Its own end.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends `head` (without `content-length` and the empty line at its end) and `body`, and reads the answer.
    pub async fn exchange(&mut self, head: &str, body: &[u8]) -> io::Result<Response> {
        self.post(head, body).await?;
        self.response().await
    }

    /// The first half of [`Connection::exchange`].
    pub async fn post(&mut self, head: &str, body: &[u8]) -> io::Result<()> {
        self.outgoing.clear();
        self.outgoing.extend_from_slice(head.as_bytes());
        let length = format!("content-length: {}\r\n\r\n", body.len());
        self.outgoing.extend_from_slice(length.as_bytes());
        self.outgoing.extend_from_slice(body);
        self.stream.write_all(&self.outgoing).await
    }

    /// Reads one whole answer.
    pub async fn response(&mut self) -> io::Result<Response> {
        let head = self.head().await?;
        self.body(head).await
    }

    /// Reads what follows this head.
    pub async fn body(&mut self, head: Head) -> io::Result<Response> {
        let mut framing = head.body()?;
        let mut body = Vec::new();
        loop {
            let used = framing.decode(&self.received, &mut body)?;
            self.received.drain(..used);
            if framing.is_complete() {
                break;
            }
            match self.fill().await {
                Ok(()) => {}
                Err(error)
                    if matches!(framing, Body::UntilClose)
                        && error.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Response {
            status: head.status,
            head,
            body,
        })
    }

    /// Reads up to the empty line; what came after it is the beginning of the body.
    pub async fn head(&mut self) -> io::Result<Head> {
        loop {
            if let Some(end) = memmem::find(&self.received, b"\r\n\r\n") {
                let rest = self.received.split_off(end + 4);
                let mut head = std::mem::replace(&mut self.received, rest);
                head.truncate(end);
                return Head::parse(String::from_utf8_lossy(&head).into_owned());
            }
            self.fill().await?;
        }
    }

    /// Gives up the connection to read a body without end.
    pub fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.received)
    }

    async fn fill(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the server closed the connection",
            )),
            _ => Ok(()),
        }
    }
}

/// One request on a connection of its own. `headers` replace the usual `host` when they hold one.
///
/// # Panics
/// When there is no whole answer within 10 s.
pub async fn request(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    let head = request_head(addr, method, path, headers);
    let exchange = async { Connection::open(addr).await?.exchange(&head, body).await };
    wait::within(|| format!("{method} {path}"), DEADLINE, exchange).await
}

/// `GET path` on a connection of its own.
pub async fn get(addr: SocketAddr, path: &str) -> Response {
    request(addr, "GET", path, &[], b"").await
}

/// Request line and headers, without the empty line at their end.
pub fn request_head(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    if !headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("host"))
    {
        head.push_str("host: ");
        head.push_str(&addr.to_string());
        head.push_str("\r\n");
    }
    for (name, value) in headers {
        for part in [name, ": ", value, "\r\n"] {
            head.push_str(part);
        }
    }
    head
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("malformed answer: {what}"),
    )
}
