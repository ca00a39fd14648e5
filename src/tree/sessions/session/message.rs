//! What a session is told. Only its handle and its stream build these.

use std::sync::Arc;

use crate::protocol::jsonrpc::Message;
use crate::tree::client::News;
use crate::tree::registry::{RegistryHandle, Routes};

pub(crate) enum SessionMsg {
    /// From the listener: the client posted this.
    Deliver(Message),
    /// From an upstream or from root.
    News(News),
    /// From the registry: the new table.
    RoutesChanged(Arc<Routes>),
    /// From the supervisor: a new registry to join.
    Hello(RegistryHandle),
    /// From the supervisor: answer what is in flight, take nothing new, end.
    Drain,
    /// From the stream: the client has gone.
    ClientGone,
    /// From itself: a parked call has waited long enough.
    ParkElapsed { number: u64 },
    /// From itself: the client has had its time to answer what a server asked.
    AskElapsed { number: u64 },
    /// From itself: the client may be told of a changed list again.
    NotifyElapsed,
    /// From itself: has the client taken anything?
    CheckOutbox,
}
