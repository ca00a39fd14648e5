//! The accept loop of the control socket. What comes by it is the operator's: neither the guard nor tokens
//! are asked. Its connections have a limit of their own, so that a full port can still be looked at.

use super::acceptor::{drain, note};
use super::crowd::Crowd;
use super::places::Places;
use super::service::HttpService;
use super::{Context, connection};
use crate::ids::{Holder, Owner};
use crate::turn;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// More wait in the kernel's queue.
const MOST: usize = 32;
/// After a connection that could not be accepted: for want of descriptors, most likely.
const PAUSE: Duration = Duration::from_secs(1);

/// Accepts until `stop` says so. Nothing that fails here ends it, or anybody else.
pub(super) async fn run(
    listener: UnixListener,
    service: impl HttpService,
    context: &Context,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let mut crowd = Crowd::new(Places::none());
    crowd.resize(MOST);
    let told = (context.limits.clone(), stop.clone());
    loop {
        tokio::select! {
            // The sender is the actor's: that it is gone means the same.
            _ = stop.changed() => break,
            Some(ended) = connections.join_next() => note(&ended),
            accepted = listener.accept(), if connections.len() < MOST => match accepted {
                Ok((socket, _)) => {
                    let presence = crowd.admit(connections.len(), Holder::of(Owner::OPERATOR));
                    let (told, service) = (told.clone(), service.clone());
                    let refusals = context.refusals.clone();
                    let served = connection::serve(socket, service, presence, told, refusals);
                    connections.spawn(turn::of("connection", "what comes", served));
                }
                Err(error) => {
                    log::debug!("the control socket takes nobody for now: {error}");
                    sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    drain(connections, Instant::now() + context.times.drain).await;
}
