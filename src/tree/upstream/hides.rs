//! What a remote server was sent as a secret and says back is left out where the gateway writes it: in its log, its
//! status, and errors of its own. A process has no such secrets, and costs nothing here.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use super::malformed::excerpt;
use crate::config::model::Target;
use crate::remote::Secrets;

/// So much is looked at of what is said, which is more than is shown.
const READ: usize = 8192;

/// The secrets of a server, once it is asked. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Hides(Option<Arc<OnceLock<Secrets>>>);

impl Hides {
    pub(super) fn of(target: &Target) -> Self {
        Self(target.program().is_none().then(Arc::default))
    }

    /// From now on these are hidden.
    pub(super) fn learn(&self, secrets: Secrets) {
        if let Some(place) = &self.0 {
            // A life is begun with once.
            place.set(secrets).ok();
        }
    }

    fn secrets(&self) -> Option<&Secrets> {
        self.0.as_ref()?.get()
    }

    /// A text without them.
    pub(super) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.secrets() {
            Some(secrets) => secrets.hide(text).into(),
            None => text.into(),
        }
    }

    /// The beginning of what was said without them.
    pub(super) fn bytes<'t>(&self, said: &'t [u8]) -> Cow<'t, [u8]> {
        match self.secrets() {
            Some(secrets) => {
                let head = said.get(..READ).unwrap_or(said);
                let hidden = secrets.hide(&String::from_utf8_lossy(head));
                hidden.into_bytes().into()
            }
            None => said.into(),
        }
    }

    /// [`excerpt`] without them.
    pub(super) fn excerpt(&self, said: &[u8]) -> String {
        excerpt(&self.bytes(said))
    }
}
