//! A proxy that the environment names.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy, copy_bidirectional, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{UNAVAILABLE, run, tls, url};
use crate::support::servers::{fixture, serve_ready};

const FAR: &str = "far.example";
/// `user:key`.
const KEY: &str = "proxy-authorization: basic dxnlcjprzxk=";

/// Passes plain requests on to one address, and tunnels to another, until it is dropped.
struct Proxy {
    addr: SocketAddr,
    /// The requests, in lower case.
    heads: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    async fn start(plain: SocketAddr, tunnel: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let heads = Arc::default();
        let seen = Arc::clone(&heads);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                connections.spawn(async move {
                    // Whoever goes, goes.
                    serve(stream, plain, tunnel, &seen).await.ok();
                });
            }
        });
        Self {
            addr,
            heads,
            _tasks: tasks,
        }
    }
}

async fn serve(
    mut client: TcpStream,
    plain: SocketAddr,
    tunnel: SocketAddr,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 65_536];
    let mut read = client.read(&mut bytes).await?;
    let head = String::from_utf8_lossy(&bytes[..read]).into_owned();
    seen.lock().unwrap().push(head.to_lowercase());
    if head.contains("/repeats ") {
        let length = head.len();
        let answer = format!("HTTP/1.1 502 Bad Gateway\r\ncontent-length: {length}\r\n\r\n{head}");
        return client.write_all(answer.as_bytes()).await;
    }
    if head.starts_with("CONNECT ") {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        let mut server = TcpStream::connect(tunnel).await?;
        copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    let (mut answers, mut asks) = split(TcpStream::connect(plain).await?);
    let (mut from, mut to) = split(client);
    let back = async { copy(&mut answers, &mut to).await.map(drop) };
    let forth = async {
        while read > 0 {
            let text = String::from_utf8_lossy(&bytes[..read]);
            let text = text.replace(&format!("http://{FAR}"), "");
            let text = text.replace(FAR, &plain.to_string());
            asks.write_all(text.as_bytes()).await?;
            read = from.read(&mut bytes).await?;
        }
        Ok(())
    };
    tokio::try_join!(back, forth).map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_is_asked_for_what_is_not_here() {
    let (gateway, _client) = serve_ready(&[fixture("a", &[])]).await;
    let (secure, _tasks) = tls::terminator(gateway.addr()).await;
    let proxy = Proxy::start(gateway.addr(), secure).await;
    let here = tempfile::tempdir().unwrap();
    let (plain, by) = (
        url(&gateway, "/mcp"),
        format!("http://user:key@{}", proxy.addr),
    );
    let authority = tls::file("authority.pem");
    let ask_by = |by: &str, far: &str| {
        let args = ["compare", "--old", &plain, "--new", far];
        let env = [
            ("http_proxy", by),
            ("https_proxy", by),
            ("SSL_CERT_FILE", &authority),
        ];
        run(here.path(), &args, &env)
    };
    let ask = |far: &str| ask_by(&by, far);
    let heads = || std::mem::take(&mut *proxy.heads.lock().unwrap());

    for path in ["/mcp", "/sse"] {
        let said = ask(&format!("http://{FAR}{path}"));
        assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
        let heads = heads();
        let is_whole = |head: &String| head.contains(&format!(" http://{FAR}{path} http/1.1"));
        assert!(is_whole(&heads[0]), "{heads:?}");
        assert!(heads.iter().all(|head| head.contains(KEY)), "{heads:?}");
    }

    // Nothing of a key in an address is in a line that proxies write down.
    let said = ask(&format!("http://name:p%40ss@{FAR}/mcp"));
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    let seen = heads();
    let is_told = |head: &String| head.contains("\r\nauthorization: basic bmftztpwqhnz\r\n");
    assert!(seen.iter().all(is_told), "{seen:?}");
    assert!(!seen.iter().any(|head| head.contains("p%40ss")), "{seen:?}");

    // Nor is the proxy's own key shown where its error repeats it.
    let said = ask(&format!("http://{FAR}/repeats"));
    assert_eq!(said.code, UNAVAILABLE);
    assert!(said.stderr.contains("502"), "{}", said.stderr);
    assert!(said.stderr.contains("Basic …"), "{}", said.stderr);
    assert!(heads()[0].contains(KEY));

    // A proxy with TLS is trusted as servers are.
    let (entrance, _tasks) = tls::terminator(proxy.addr).await;
    let said = ask_by(
        &format!("https://user:key@{entrance}"),
        &format!("http://{FAR}/mcp"),
    );
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert!(heads().iter().all(|head| head.contains(KEY)));

    // Through the tunnel to a server with another name than its certificate's.
    let said = ask(&format!("https://{FAR}/mcp"));
    assert_eq!(said.code, UNAVAILABLE);
    let words = "no TLS connection that can be trusted";
    assert!(said.stderr.contains(words), "{}", said.stderr);
    let heads = heads();
    assert!(
        heads[0].starts_with("connect far.example:443 "),
        "{heads:?}"
    );
    assert!(heads[0].contains(KEY), "{heads:?}");
}
