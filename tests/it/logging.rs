//! syslog, stdout, the banner.
