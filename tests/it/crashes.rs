//! Every kind of actor crashed in a running tree: panic, error, kill.
