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

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its number.
    pub pid: u32,
    /// It and its parents, nearest first; `None` when that cannot be told.
    pub line: Option<Vec<Process>>,
}

impl Caller {
    /// The process that the caller speaks for: itself or its parent, as it claims; or, if one of its parents stands
    /// for all that it starts (`family`), that one. Errors in words for the caller.
    pub(super) fn speaker(
        &self,
        claimed: u32,
        family: impl Fn(u32) -> Option<Process>,
    ) -> Result<Process, String> {
        let Some(line) = &self.line else {
            // No /proc yet: whoever may speak at all is believed.
            return Ok(family(claimed).unwrap_or(Process { pid: claimed, birth: 0 }));
        };
        let place = line.iter().take(2).position(|process| process.pid == claimed).ok_or_else(|| {
            format!("process {claimed} is neither the caller ({}) nor its parent", self.pid)
        })?;
        let head = |process: &&Process| family(process.pid).is_some_and(|known| known.is(**process));
        let nearest = line.get(1..).unwrap_or_default().iter().find(head);
        Ok(*nearest.filter(|_| place > 0).unwrap_or(&line[place]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_speaks_for_itself_its_parent_and_whoever_stands_for_both() {
        let process = |pid| Process { pid, birth: 7 };
        let caller = Caller { pid: 30, line: Some(vec![process(30), process(20), process(10)]) };
        assert_eq!(caller.speaker(30, |_| None), Ok(process(30)));
        assert_eq!(caller.speaker(20, |_| None), Ok(process(20)));
        assert!(caller.speaker(10, |_| None).is_err(), "a grandparent");
        assert!(caller.speaker(0, |_| None).is_err());
        let family = |pid| (pid == 10).then_some(process(10));
        assert_eq!(caller.speaker(20, family), Ok(process(10)));
        assert_eq!(caller.speaker(30, family), Ok(process(30)), "it speaks for itself alone");
        let successor = |pid| (pid == 10).then_some(Process { pid, birth: 8 });
        assert_eq!(caller.speaker(20, successor), Ok(process(20)), "the number was given again");
        let unseen = Caller { pid: 0, line: Some(Vec::new()) };
        assert!(unseen.speaker(30, |_| None).is_err(), "one of another namespace");
        let early = Caller { pid: 30, line: None };
        assert_eq!(early.speaker(5, |_| None), Ok(Process { pid: 5, birth: 0 }));
    }
}
