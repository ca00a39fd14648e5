//! A frontend without a port: for who starts servers and serves nobody.

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::mpsc::UnboundedSender;

use super::frontend::{Frontend, FrontendLinks};
use super::heartbeat::{Beat, Part};

/// Hands on what a listener is given, at each of its starts.
#[derive(Debug)]
pub struct Portless(pub UnboundedSender<FrontendLinks>);

/// Nobody takes connections, so nobody answers for the accept loop.
#[derive(Debug)]
pub struct Silent;

impl Frontend for Portless {
    type Listener = Silent;

    fn listener(&self, links: FrontendLinks) -> (Silent, ()) {
        drop(self.0.send(links));
        (Silent, ())
    }

    fn let_go(&self, _: Option<&ActorRef<Beat>>) {}

    fn has_successor(&self) -> bool {
        false
    }

    fn beat(listener: &ActorRef<Beat>, beat: Beat) {
        drop(listener.cast(beat));
    }
}

impl Actor for Silent {
    type Msg = Beat;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Beat>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Beat>,
        beat: Beat,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        beat.passed(Part::Listener);
        Ok(())
    }
}
