//! What a client may ask of a registry, and what comes back: the messages of the protocol (ipc/protocol.rs).

use super::{Batch, EdgeRow, Member, Process, Reply, ServiceRow, WaitingRow};
use serde::{Deserialize, Serialize};

/// Rows in one message.
const ROWS: usize = 500;

/// What a client wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// A process says something of services.
    Say {
        /// Which: the sender itself or its parent.
        pid: u32,
        /// What.
        batch: Batch,
    },
    /// A process has exited.
    Status {
        /// Which.
        pid: u32,
        /// Its exit status; 128 and more for a signal.
        status: i32,
    },
    /// A part of a unit that is about to be started or stopped.
    Unit {
        /// It is the first part: the unit before it is over.
        begin: bool,
        /// Scripts that will come.
        members: Vec<Member>,
        /// It is the last part: nobody else will come.
        complete: bool,
    },
    /// A question.
    Query(Query),
    /// End the server.
    Stop,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Query {
    /// All services.
    Services,
    /// One service.
    Service(String),
    /// Who waits for what.
    Waiting,
    /// Which service needs which.
    Graph,
}

/// A frame of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// The end of the answer.
    Reply(Reply),
    /// Rows of [`Query::Services`] and [`Query::Service`].
    Services(Vec<ServiceRow>),
    /// Rows of [`Query::Waiting`].
    Waiting(Vec<WaitingRow>),
    /// Rows of [`Query::Graph`].
    Edges(Vec<EdgeRow>),
}

impl Response {
    /// Rows as messages that are not too long.
    pub(super) fn rows<T: Clone>(rows: &[T], wrap: fn(Vec<T>) -> Response) -> Vec<Response> {
        rows.chunks(ROWS).map(|rows| wrap(rows.to_vec())).collect()
    }
}

/// The process of a number with the number of its parent; `None` when there is none, or that cannot be told.
pub type Parentage = fn(u32) -> Option<(Process, u32)>;

/// Parents that are looked at: deeper than any tree of shells, and an end for a table that changes meanwhile.
const DEEPEST: usize = 64;

/// The process that a caller speaks for: itself or its parent, as it claims; or, if one of its parents stands for all
/// that it starts (`family`), that one. Errors in words for the caller.
///
/// It looks at no more parents than it must: each look into `/proc` costs more than the rest of a request
/// (`bench/README.md`, "Registry").
pub(super) fn speaker(
    caller: u32,
    claimed: u32,
    parentage: Parentage,
    has_families: bool,
    family: impl Fn(u32) -> Option<Process>,
) -> Result<Process, String> {
    let Some((own, parent)) = parentage(caller) else {
        if caller == 0 || parentage(std::process::id()).is_some() {
            return Err("the caller cannot be seen from here".to_owned());
        }
        // No /proc yet: whoever may speak at all is believed.
        return Ok(family(claimed).unwrap_or(Process { pid: claimed, birth: 0 }));
    };
    if claimed == caller {
        return Ok(own);
    }
    if claimed != parent {
        return Err(format!("process {claimed} is neither the caller ({caller}) nor its parent"));
    }
    let Some((speaker, mut next)) = parentage(parent) else {
        return Err(format!("process {claimed} has gone"));
    };
    let mut one = speaker;
    for _ in 0..DEEPEST {
        if family(one.pid).is_some_and(|known| known.is(one)) {
            return Ok(one);
        }
        match has_families.then(|| parentage(next)).flatten() {
            Some((process, parent)) => (one, next) = (process, parent),
            None => break,
        }
    }
    Ok(speaker)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 30 is a child of 20, 20 of 10; 11 has gone.
    fn parentage(pid: u32) -> Option<(Process, u32)> {
        let parent = match pid {
            30 => 20,
            20 => 10,
            10 => 1,
            40 => 11,
            own if own == std::process::id() => 1,
            _ => return None,
        };
        Some((Process { pid, birth: 7 }, parent))
    }

    #[test]
    fn a_process_speaks_for_itself_its_parent_and_whoever_stands_for_both() {
        let process = |pid| Process { pid, birth: 7 };
        let alone = |caller, claimed| speaker(caller, claimed, parentage, false, |_| None);
        assert_eq!(alone(30, 30), Ok(process(30)));
        assert_eq!(alone(30, 20), Ok(process(20)));
        assert!(alone(30, 10).is_err(), "a grandparent");
        assert!(alone(30, 0).is_err());
        assert!(alone(0, 30).is_err(), "one of another namespace");
        assert!(alone(40, 11).is_err(), "its parent has gone");
        let in_family = |claimed, birth| {
            let family = |pid| (pid == 10).then_some(Process { pid, birth });
            speaker(30, claimed, parentage, true, family)
        };
        assert_eq!(in_family(20, 7), Ok(process(10)));
        assert_eq!(in_family(30, 7), Ok(process(30)), "it speaks for itself alone");
        assert_eq!(in_family(20, 8), Ok(process(20)), "the number was given again");
        let early = speaker(30, 5, |_| None, false, |_| None);
        assert_eq!(early, Ok(Process { pid: 5, birth: 0 }));
    }
}
