//! `ConfigActor`: watches the configuration file, reads and validates it, and sends root the full
//! wanted set whenever its text changed.
//!
//! Supervised by root, permanent. A dead one loses nothing: its successor reads the file again,
//! and root finds no difference. Where the file is broken at the first look, what was used last
//! takes its place: a gateway that starts after a bad edit has its servers.

mod actor;
mod faults;
mod last_configuration;
mod look;
mod parent;
#[cfg(test)]
mod tests;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use ractor::ActorRef;

pub(crate) use actor::ConfigActor;
use actor::ConfigMsg;
pub use faults::ConfigurationFault;
pub(crate) use parent::ConfigParent;

use crate::config::model::Given;
use crate::state_dir::StateDir;
use crate::tree::heartbeat::Beat;

/// What the config actor is started with.
pub(crate) struct ConfigArgs {
    /// The file.
    pub path: PathBuf,
    /// Where what was used last is kept; nowhere if absent.
    pub state_dir: Option<StateDir>,
    /// What the command line says about limits, which stands above the file.
    pub command_line: Given,
    /// Who is sent what it says.
    pub root: Arc<dyn ConfigParent>,
}

/// One life of the config actor.
#[derive(Clone, Debug)]
pub(crate) struct ConfigHandle(ActorRef<ConfigMsg>);

impl ConfigHandle {
    pub(in crate::tree) fn new(actor: ActorRef<ConfigMsg>) -> Self {
        Self(actor)
    }

    pub(in crate::tree) fn beat(&self, beat: Beat) {
        if self.0.cast(ConfigMsg::Beat(beat)).is_err() {
            log::trace!("the config actor is being restarted");
        }
    }

    /// Reads the file now and has everything that is down tried at once.
    pub(crate) fn reload(&self) {
        if self.0.cast(ConfigMsg::Reload).is_err() {
            log::debug!("the config actor is being restarted and reads the file anyway");
        }
    }
}
