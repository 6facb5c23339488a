//! What people see of a run: the console while it goes on, the summary and the JSON when it is over.
//!
//! The observers in [`console`] are told of every event and write lines; [`account`] computes from a finished run
//! what [`summary`] and [`json`] say.

pub mod account;
pub mod console;
pub mod critical;
pub mod json;
mod logged;
pub mod palette;
pub mod reason;
pub mod roster;
pub mod summary;

pub use account::Account;
pub use logged::Logged;
pub use roster::Roster;
