//! What is said to a registry and what it says: operations, answers, rows of a query.
//!
//! The same types travel over the socket (ipc/protocol.rs), so all of them are plain data.

use crate::engine::ServiceState;
use crate::model::Strength;
use serde::{Deserialize, Serialize};

/// A process, so that a number that is given again is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// When it began, in clock ticks since boot; 0 where that cannot be told.
    pub birth: u64,
}

impl Process {
    /// Whether it is that one, as far as can be told.
    pub(super) fn is(self, other: Process) -> bool {
        self.pid == other.pid && (self.birth == other.birth || self.birth == 0 || other.birth == 0)
    }
}

/// One thing that a process says of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// It is starting the service.
    Provide {
        /// Its name.
        service: String,
        /// Available now, not when the process has exited.
        immediate: bool,
    },
    /// It is stopping the service.
    Withdraw {
        /// Its name.
        service: String,
    },
    /// It will not make the service available, though it said so.
    Fail {
        /// Its name.
        service: String,
    },
    /// It wants to wait until the service is available.
    Need {
        /// Its name.
        service: String,
        /// Whether it must be available, or only settled.
        strength: Strength,
    },
}

/// What one process says at one time: carried out at once, answered when the last need is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Say also what belongs to this script in the unit.
    pub path: Option<String>,
    /// The process is the one that sends this; its connection stands for its life.
    pub holds: bool,
    /// What is said.
    pub ops: Vec<Op>,
}

/// A script of a unit that somebody will start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Paths by which it may be called.
    pub paths: Vec<String>,
    /// Services that it makes available. Of a unit being stopped: [`stop_of`] what it stops.
    pub provides: Vec<String>,
    /// Services that it stops.
    pub withdraws: Vec<String>,
    /// What it waits for.
    pub needs: Vec<(String, Strength)>,
}

/// The name under which the stop of a service is provided and needed. No service can have such a name.
pub fn stop_of(service: &str) -> String {
    format!("-{service}")
}

impl Member {
    /// What belongs to it, as operations.
    pub fn ops(&self) -> Vec<Op> {
        let own = |service: &str| self.provides.iter().any(|provided| provided == service);
        let withdraws = self.withdraws.iter().map(|service| Op::Withdraw { service: service.clone() });
        let provides = self.provides.iter().map(|s| Op::Provide { service: s.clone(), immediate: false });
        let needs = self
            .needs
            .iter()
            .filter(|(service, _)| !own(service))
            .map(|(service, strength)| Op::Need { service: service.clone(), strength: *strength });
        withdraws.chain(provides).chain(needs).collect()
    }
}

/// How a request ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// All is done, and every need is satisfied.
    Done,
    /// The needed service failed.
    Failed {
        /// Its name.
        service: String,
    },
    /// Nobody provides it, and nobody will.
    Nobody {
        /// Its name.
        service: String,
    },
    /// Those who could provide it wait for the caller.
    Circle {
        /// Its name.
        service: String,
    },
    /// The path belongs to no script of the unit.
    UnknownPath,
    /// It makes no sense; nothing was done.
    Invalid,
    /// It is not allowed, or cannot be served now; nothing was done.
    Refused,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// How it ended.
    pub outcome: Outcome,
    /// What people should know.
    pub words: Vec<String>,
}

impl Reply {
    /// All went well.
    pub fn done() -> Self {
        Self { outcome: Outcome::Done, words: Vec::new() }
    }

    /// It makes no sense, because.
    pub fn invalid(words: impl Into<String>) -> Self {
        Self { outcome: Outcome::Invalid, words: vec![words.into()] }
    }

    /// No, because.
    pub fn refused(words: impl Into<String>) -> Self {
        Self { outcome: Outcome::Refused, words: vec![words.into()] }
    }
}

/// A service as a query shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRow {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: State,
    /// The process that provides it or did so last.
    pub pid: Option<u32>,
    /// How long it has been so, in milliseconds.
    pub age_ms: u64,
    /// How many wait for it.
    pub needers: u32,
}

/// Somebody who waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingRow {
    /// The process that needs.
    pub pid: u32,
    /// What it provides itself.
    pub provides: Vec<String>,
    /// What it waits for.
    pub service: String,
    /// For how long, in milliseconds.
    pub age_ms: u64,
}

/// One service needs another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeRow {
    /// The one that needs.
    pub needer: String,
    /// The one that is needed.
    pub service: String,
    /// Where that one stands.
    pub state: State,
}

/// The state of a service in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nobody has provided it, or it was stopped.
    Stopped,
    /// A provider is running.
    Starting,
    /// It is there.
    Available,
    /// Every provider ended in vain.
    Failed,
}

impl State {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            State::Stopped => "stopped",
            State::Starting => "starting",
            State::Available => "available",
            State::Failed => "failed",
        }
    }
}

impl From<ServiceState> for State {
    fn from(state: ServiceState) -> Self {
        match state {
            ServiceState::Stopped => State::Stopped,
            ServiceState::Starting => State::Starting,
            ServiceState::Available => State::Available,
            ServiceState::Failed => State::Failed,
        }
    }
}
