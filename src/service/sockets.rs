//! Where connections come from: sockets that the service manager listens on and passes on
//! (`LISTEN_FDS`, see `sd_listen_fds(3)`), so that clients are never refused between two lives of
//! the gateway; else one of our own.

use std::ffi::OsString;
use std::io;
use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use socket2::SockRef;

use super::Holder;

/// The sockets to serve, which listen already.
#[derive(Debug)]
pub struct Sockets {
    /// At least one.
    pub listeners: Vec<TcpListener>,
    /// Whether the service manager passed them and has them too: `--listen` is of no use then.
    pub are_passed: bool,
    /// What was passed and can't be served, in words for the log.
    pub unusable: Vec<String>,
}

/// The port can't be had.
#[derive(Debug, thiserror::Error)]
#[error("can't listen on {address}: {advice}")]
pub struct CannotListen {
    address: SocketAddr,
    advice: &'static str,
    #[source]
    source: io::Error,
}

impl Sockets {
    /// All that were passed to this process, by its holder if it has one; if none of them can be used,
    /// one bound to `listen`. Once for all lives of the listener, and while there is but one thread.
    ///
    /// # Errors
    /// If the port can't be had.
    pub fn obtain(listen: SocketAddr, holder: Option<Holder>) -> Result<Self, CannotListen> {
        let (listeners, unusable) = passed(holder);
        let are_passed = !listeners.is_empty() && holder.is_none_or(|holder| holder.are_passed);
        let listeners = if listeners.is_empty() {
            vec![bind(listen)?]
        } else {
            listeners
        };
        Ok(Self {
            listeners,
            are_passed,
            unusable,
        })
    }

    /// Leaves them to those who have them too.
    pub(crate) fn let_go(&mut self) {
        self.listeners.clear();
    }
}

/// How many connections the kernel keeps until they are accepted; `TcpListener` asks for 128.
const QUEUE: i32 = 1024;

fn bind(address: SocketAddr) -> Result<TcpListener, CannotListen> {
    let listen = || {
        let socket = TcpListener::bind(address)?;
        SockRef::from(&socket).listen(QUEUE)?;
        Ok(socket)
    };
    listen().map_err(|source: io::Error| {
        let advice = if source.kind() == io::ErrorKind::AddrInUse {
            "another program has the port (MetaMCP's backend listens on 12009 too: stop it first), \
             or another mcproxy runs; see `ss -ltnp`, or choose another with --listen"
        } else {
            "choose an address of this machine with --listen"
        };
        CannotListen {
            address,
            advice,
            source,
        }
    })
}

/// The usable ones, and what is wrong with the others. No child inherits any.
fn passed(holder: Option<Holder>) -> (Vec<TcpListener>, Vec<String>) {
    let (mut usable, mut unusable) = (Vec::new(), Vec::new());
    if holder.is_none() && !is_meant(std::process::id(), std::env::var_os("LISTEN_PID")) {
        return (usable, unusable);
    }
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut passed = ListenFd::from_env();
    for index in 0..passed.len() {
        let name = names.next().unwrap_or_default();
        match passed.take_tcp_listener(index).and_then(listening) {
            Ok(socket) => usable.push(socket),
            // The holder has said so.
            Err(_) if holder.is_some() => {}
            Err(error) => unusable.push(format!("socket {} '{name}': {error}", index + 1)),
        }
    }
    (usable, unusable)
}

/// Whoever sets `LISTEN_FDS` names the process it is for: it may have been inherited.
fn is_meant(pid: u32, listen_pid: Option<OsString>) -> bool {
    let named = listen_pid.and_then(|named| named.to_str()?.parse().ok());
    named == Some(pid)
}

fn listening(socket: Option<TcpListener>) -> io::Result<TcpListener> {
    let socket = socket.ok_or_else(|| io::Error::other("it was taken already"))?;
    if SockRef::from(&socket).is_listener()? {
        Ok(socket)
    } else {
        Err(io::Error::other(
            "it does not listen (a socket unit with Accept=no and ListenStream= does)",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_for_the_process_that_is_named() {
        assert!(is_meant(7, Some("7".into())));
        for other in [None, Some(""), Some("8"), Some("7x")] {
            assert!(!is_meant(7, other.map(OsString::from)), "{other:?}");
        }
    }

    #[test]
    fn what_does_not_listen_is_refused() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        listening(Some(socket)).unwrap();
        let silent = socket2::Socket::new(
            socket2::Domain::IPV4,
            socket2::Type::STREAM,
            Some(socket2::Protocol::TCP),
        );
        listening(Some(silent.unwrap().into())).unwrap_err();
        let taken = TcpListener::bind(address).unwrap();
        let error = bind(taken.local_addr().unwrap()).unwrap_err().to_string();
        assert!(error.contains("another program has the port"), "{error}");
    }
}
