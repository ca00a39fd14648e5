//! The page at `/` in a real browser, against the real binary with servers that fail on demand. `tests/run`
//! installs the browser and what drives it; without them these tests fail and say so.

#![allow(clippy::disallowed_methods, reason = "tests may block")]

#[cfg(test)]
mod lives;
#[cfg(test)]
mod page;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod sizes;
#[cfg(test)]
mod trust;
