//! A network that can be cut without a word: two network namespaces and a cable (`veth`) between them. They belong to
//! the thread that made them, and go with it.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

use nix::sched::{CloneFlags, setns, unshare};

use crate::support::http::Connection;

/// The gateway's address.
pub(crate) const NEAR: Ipv4Addr = Ipv4Addr::new(10, 99, 36, 1);
/// The client's.
const FAR: Ipv4Addr = Ipv4Addr::new(10, 99, 36, 2);

/// The two ends. The thread is at the near one, and so is what it starts.
pub(crate) struct Network {
    near: File,
    far: File,
}

impl Network {
    /// Takes this thread into namespaces of its own, which have nothing to do with the machine's network.
    ///
    /// # Errors
    /// When this machine does not let us: it takes root, and `ip` of iproute2.
    pub(crate) fn lay() -> io::Result<Self> {
        let network = Self {
            far: namespace()?,
            near: namespace()?,
        };
        let far = format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            network.far.as_raw_fd()
        );
        ip(&format!(
            "link add near type veth peer name far netns {far}"
        ))?;
        ip("link set lo up")?;
        ip(&format!("addr add {NEAR}/24 dev near"))?;
        ip("link set near up")?;
        network.at_the_far_end(|| {
            ip(&format!("addr add {FAR}/24 dev far"))?;
            ip("link set far up")
        })?;
        Ok(network)
    }

    /// A connection of a client at the far end.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn connect(&self, port: u16) -> io::Result<Connection> {
        let gateway = SocketAddr::from((NEAR, port));
        self.at_the_far_end(|| {
            let stream = std::net::TcpStream::connect(gateway)?;
            stream.set_nonblocking(true)?;
            Connection::on(tokio::net::TcpStream::from_std(stream)?)
        })
    }

    /// Takes the far end off the cable: from now on nothing arrives, and nobody is told.
    ///
    /// # Errors
    /// When it does not work.
    pub(crate) fn cut(&self) -> io::Result<()> {
        self.at_the_far_end(|| ip("link set far down"))
    }

    fn at_the_far_end<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        setns(&self.far, CloneFlags::CLONE_NEWNET)?;
        let done = act();
        setns(&self.near, CloneFlags::CLONE_NEWNET)?;
        done
    }
}

/// A new namespace, in which this thread is.
fn namespace() -> io::Result<File> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    File::open("/proc/thread-self/ns/net")
}

fn ip(arguments: &str) -> io::Result<()> {
    let output = Command::new("ip")
        .args(arguments.split(' '))
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("ip {arguments}: {said}")))
}
