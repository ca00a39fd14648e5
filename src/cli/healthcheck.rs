//! `mcproxy healthcheck [ADDR]`: asks the gateway of this machine, or of this container, whether it is
//! alive, so that an image needs no other program for that. Its exit code is 0 or 1, as Docker and Podman
//! want it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a verb of its own, without workers"
)]

use std::io::{self, Read as _, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// For all of it: less than those who ask give it.
const LIMIT: Duration = Duration::from_secs(4);
/// As the simplest prober asks: no version that needs a host, no token.
const QUESTION: &[u8] = b"GET /healthz HTTP/1.0\r\n\r\n";

/// Asks the gateway that listens at `listen`, and says in one line to `out` what came of it. Answers the
/// exit code.
///
/// # Errors
/// If `out` cannot be written to.
pub fn run(listen: SocketAddr, out: &mut dyn Write) -> io::Result<u8> {
    let deadline = Instant::now() + LIMIT;
    let mut said = String::new();
    for address in reachable(listen) {
        match ask(address, deadline) {
            Ok(200) => {
                writeln!(out, "healthy: http://{address}/healthz")?;
                return Ok(0);
            }
            Ok(status) => said = format!("http://{address}/healthz answers with status {status}"),
            Err(error) => said = format!("http://{address}/healthz: {error}"),
        }
    }
    writeln!(out, "unhealthy: {said}")?;
    Ok(1)
}

/// Where one who listens there can be reached from here.
fn reachable(listen: SocketAddr) -> Vec<SocketAddr> {
    let any: &[IpAddr] = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => &[IpAddr::V4(Ipv4Addr::LOCALHOST)],
        // Both, unless the system says otherwise, or has no IPv6 there.
        IpAddr::V6(ip) if ip.is_unspecified() => &[
            IpAddr::V6(Ipv6Addr::LOCALHOST),
            IpAddr::V4(Ipv4Addr::LOCALHOST),
        ],
        IpAddr::V4(_) | IpAddr::V6(_) => return vec![listen],
    };
    let with_port = |ip: &IpAddr| SocketAddr::new(*ip, listen.port());
    any.iter().map(with_port).collect()
}

/// The status of the answer.
fn ask(address: SocketAddr, deadline: Instant) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    stream.write_all(QUESTION)?;
    let mut answer = Vec::new();
    // `HTTP/1.1 200 OK`
    while !answer.contains(&b'\n') && answer.len() < 256 {
        stream.set_read_timeout(Some(left(deadline)?))?;
        let mut piece = [0; 256];
        let length = match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(late()),
            Err(error) => return Err(error),
        };
        answer.extend(piece.iter().take(length));
    }
    status(&answer).ok_or_else(|| io::Error::other("what answers is no HTTP server"))
}

fn status(answer: &[u8]) -> Option<u16> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let line = answer.get(..end)?;
    let mut words = str::from_utf8(line).ok()?.split_ascii_whitespace();
    let is_http = words.next()?.starts_with("HTTP/1.");
    words.next()?.parse().ok().filter(|_| is_http)
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left).ok_or_else(late)
}

fn late() -> io::Error {
    io::Error::new(
        io::ErrorKind::TimedOut,
        format!("no answer within {} s", LIMIT.as_secs()),
    )
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn whoever_listens_anywhere_is_asked_here() {
        let of = |listen: &str| {
            let found = reachable(listen.parse().unwrap()).into_iter();
            found.map(|address| address.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(of("0.0.0.0:1"), ["127.0.0.1:1"]);
        assert_eq!(of("[::]:1"), ["[::1]:1", "127.0.0.1:1"]);
        assert_eq!(of("192.0.2.7:1"), ["192.0.2.7:1"]);
        assert_eq!(of("[2001:db8::1]:1"), ["[2001:db8::1]:1"]);
    }

    /// What is said, and the exit code, when it is answered with these bytes, byte by byte.
    fn answered(answer: &'static [u8]) -> (String, u8) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::scope(|scope| {
            scope.spawn(move || {
                let (mut client, _) = listener.accept().unwrap();
                let mut question = vec![0; QUESTION.len()];
                client.read_exact(&mut question).unwrap();
                assert_eq!(question, QUESTION);
                for byte in answer {
                    client.write_all(&[*byte]).ok();
                }
            });
            let mut said = Vec::new();
            let code = run(address, &mut said).unwrap();
            let said = String::from_utf8(said).unwrap();
            (said.replace(&address.to_string(), "ADDR"), code)
        })
    }

    #[test]
    fn one_line_says_what_came_of_it() {
        let healthy = answered(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(healthy, ("healthy: http://ADDR/healthz\n".to_owned(), 0));
        for (answer, why) in [
            (
                &b"HTTP/1.0 503 Service Unavailable\r\n\r\n"[..],
                " answers with status 503",
            ),
            (
                b"220 smtp.example.org ESMTP\r\n",
                ": what answers is no HTTP server",
            ),
            (b"HTTP/1.1 200", ": what answers is no HTTP server"),
            (&[b'x'; 300], ": what answers is no HTTP server"),
            (b"", ": what answers is no HTTP server"),
        ] {
            let said = format!("unhealthy: http://ADDR/healthz{why}\n");
            assert_eq!(answered(answer), (said, 1));
        }
    }

    #[test]
    fn who_does_not_answer_is_not_waited_for() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut said = Vec::new();
        let asked = Instant::now();
        assert_eq!(run(held.local_addr().unwrap(), &mut said).unwrap(), 1);
        assert!(asked.elapsed() < LIMIT * 2);
        let said = String::from_utf8(said).unwrap();
        assert!(said.ends_with(": no answer within 4 s\n"), "{said}");
    }
}
