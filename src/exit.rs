//! Exit codes of every serel program, in one place, because boot scripts branch on them.
//!
//! serelc and systemtap-service have codes of their own manuals and do not use this table.

use std::process::ExitCode;

/// How a program ends; the number is a contract with the scripts that call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All went well.
    Ok = 0,
    /// Some services failed, or a query was answered with "no".
    Failed = 1,
    /// The command line was not understood (LSB: invalid arguments).
    Usage = 2,
    /// The caller lacks the privilege.
    Privilege = 4,
    /// A named service does not exist.
    UnknownService = 5,
    /// The definitions do not make a valid graph.
    Invalid = 6,
    /// No daemon answers.
    NoDaemon = 7,
    /// The history is locked by another process.
    Locked = 75,
    /// The time given for the run is over.
    TimedOut = 124,
    /// Ended by SIGINT.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
