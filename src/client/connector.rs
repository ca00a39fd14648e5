//! How a connection with a server is made: by TCP, with TLS, and by a proxy where the environment names one.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Once};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::ConfigVerifierExt as _;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tower::Service;

/// For a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// A peer that has gone without a word is noticed by then: three probes more follow, so far apart.
const KEEPALIVE: Duration = Duration::from_secs(30);
const PROBES: u32 = 3;
const APART: Duration = Duration::from_secs(15);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections.
#[derive(Clone)]
pub(super) struct Connector {
    direct: HttpsConnector<HttpConnector>,
    tls: Arc<ClientConfig>,
    /// Where there are any. They may have keys: nothing shows them.
    proxies: Option<Arc<Matcher>>,
    /// In place of TCP.
    socket: Option<Arc<Path>>,
}

impl Connector {
    /// With the certificates of this machine, if `https`: they are read now. Else a machine without any needs none.
    pub(super) fn new(
        https: bool,
        by_proxy: bool,
        socket: Option<PathBuf>,
    ) -> Result<Self, rustls::Error> {
        static PROVIDER: Once = Once::new();
        let proxies = by_proxy.then(Matcher::from_env);
        // Whoever came first chose the same.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let mut tls = if https || proxies.as_ref().is_some_and(speaks_tls) {
            ClientConfig::with_platform_verifier()?
        } else {
            let nobody = RootCertStore::empty();
            let tls = ClientConfig::builder().with_root_certificates(nobody);
            tls.with_no_client_auth()
        };
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tls = Arc::new(tls);
        let tcp = tcp(GaiResolver::new(), CONNECT);
        Ok(Self {
            direct: HttpsConnector::from((tcp, Arc::clone(&tls))),
            tls,
            proxies: proxies.map(Arc::new),
            socket: socket.map(Into::into),
        })
    }

    fn proxy(&self, to: &Uri) -> Option<Intercept> {
        self.proxies.as_ref()?.intercept(to)
    }

    /// The key of the proxy on the way to `to`.
    pub(super) fn proxy_key(&self, to: &Uri) -> Option<HeaderValue> {
        self.proxy(to)?.basic_auth().cloned()
    }

    /// The same, if the proxy reads the requests. One that has a tunnel is told when it is opened.
    pub(super) fn key_for_requests(&self, to: &Uri) -> Option<HeaderValue> {
        self.proxy_key(to).filter(|_| !is_https(to))
    }

    async fn connect(mut self, to: Uri) -> Result<Stream, Error> {
        if let Some(socket) = &self.socket {
            let stream = UnixStream::connect(socket).await?;
            return Ok(Stream::new(TokioIo::new(stream), false));
        }
        let Some(proxy) = self.proxy(&to) else {
            let stream = self.direct.call(to).await?;
            return Ok(Stream::new(stream, false));
        };
        if !is_https(&to) {
            let stream = self.direct.call(proxy.uri().clone()).await?;
            return Ok(Stream::new(stream, true));
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.direct);
        if let Some(key) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(key.clone());
        }
        let stream = HttpsConnector::from((tunnel, self.tls)).call(to).await?;
        Ok(Stream::new(stream, false))
    }
}

/// A connection to one of the addresses that `resolver` has of a host, made `within` that time. It is shared out among
/// them: one that is dead leaves time for the next.
fn tcp<R>(resolver: R, within: Duration) -> HttpConnector<R> {
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(within));
    tcp.set_keepalive(Some(KEEPALIVE));
    tcp.set_keepalive_interval(Some(APART));
    tcp.set_keepalive_retries(Some(PROBES));
    tcp
}

fn is_https(to: &Uri) -> bool {
    to.scheme_str() == Some("https")
}

/// Whether the proxy for plain requests is itself asked by TLS.
fn speaks_tls(proxies: &Matcher) -> bool {
    let proxy = proxies.intercept(&Uri::from_static("http://proxied.invalid/"));
    proxy.is_some_and(|proxy| is_https(proxy.uri()))
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = timeout(CONNECT, self.clone().connect(to));
        Box::pin(async move {
            let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut).into());
            connecting.await.unwrap_or_else(late)
        })
    }
}

/// A connection.
pub(super) struct Stream {
    io: Box<dyn Io>,
    /// Whether a proxy reads the requests.
    is_proxied: bool,
}

trait Io: Read + Write + Connection + Send + Unpin {}

impl<T: Read + Write + Connection + Send + Unpin> Io for T {}

impl Stream {
    fn new(io: impl Io + 'static, is_proxied: bool) -> Self {
        let io = Box::new(io);
        Self { io, is_proxied }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.is_proxied)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::ready;
    use std::net::{Ipv4Addr, SocketAddr};

    use hyper_util::client::legacy::connect::dns::Name;
    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tower::service_fn;

    use super::*;

    /// One that answers nobody: its queue is full, and the kernel drops who comes.
    async fn dead(port: u16) -> (SocketAddr, TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind((Ipv4Addr::new(127, 0, 0, 2), port).into())
            .unwrap();
        let listener = socket.listen(0).unwrap();
        let (addr, mut queue) = (listener.local_addr().unwrap(), Vec::new());
        let within = Duration::from_millis(200);
        while let Ok(waiting) = timeout(within, TcpStream::connect(addr)).await {
            queue.push(waiting.unwrap());
        }
        (addr, listener, queue)
    }

    #[tokio::test]
    async fn a_host_whose_first_address_is_dead_is_reached_by_the_second() {
        let alive = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let second = alive.local_addr().unwrap();
        let (first, _listener, _queue) = dead(second.port()).await;
        let both = move |_: Name| ready(Ok::<_, Infallible>([first, second].into_iter()));
        let resolver = service_fn(both);
        let to = format!("http://two.invalid:{}/mcp", second.port());
        let mut connector = tcp(resolver, Duration::from_secs(2));
        let connecting = connector.call(to.parse().unwrap());
        let stream = timeout(CONNECT, connecting).await.unwrap().unwrap();
        assert_eq!(stream.inner().peer_addr().unwrap(), second);
    }
}
