//! Servers that run elsewhere: real ones on loopback, asked by HTTP. What clients see of them is what they say over
//! a bare pipe.

mod authority;
mod chained;
mod everything;
mod hosted;
mod login;
mod sdks;
