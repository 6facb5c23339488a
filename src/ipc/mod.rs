//! The synchronisation primitives over a socket: protocol, server, client.
//!
//! The server is one epoll loop without a thread of its own: it turns bytes into requests for whoever owns the state,
//! and replies into bytes. A daemon that has nothing else to do calls it directly, so that a query costs no hand-over
//! between threads; a run has it in a thread beside it.

mod address;
mod call;
mod connection;
mod detach;
mod peer;
pub mod protocol;
mod server;
mod watch;

pub use address::{Address, RUN, Servers};
pub use call::{CallError, Client};
pub use detach::{Detached, Readiness, close_inherited, detach};
pub use peer::parentage;
pub use server::{Event, Server, raise_limit};
