//! Who started the config actor, as far as it has to know.

use super::faults::ConfigurationFault;
use crate::config::model::Config;

/// Is told what the file says. Nothing here waits.
pub(crate) trait ConfigParent: Send + Sync + 'static {
    /// What the file says now; `None` when it can't be used. `retry`: what is down is to be tried at once.
    fn configured(&self, config: Option<Config>, retry: bool);

    /// Whether something in the file can't be used as it is now, and all that is wrong with it.
    fn config_judged(&self, is_faulty: bool, faults: Vec<ConfigurationFault>);
}
