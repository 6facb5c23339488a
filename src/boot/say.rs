//! serelc: one request to the daemon, its answer for people or programs, and an exit status for scripts.
//!
//! Boot scripts call this many times, so that nothing of the history, the graph or the wavefront may be linked in.

use super::print;
use crate::ipc::protocol::{Query, Request, Response};
use crate::ipc::{Address, CallError, Client};
use crate::registry::{Batch, EdgeRow, Op, Outcome, Reply, ServiceRow, WaitingRow};
use serde::Serialize;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// What serelc was called for.
#[derive(Debug)]
pub enum Saying {
    /// The parent process says something; a need waits no longer than the time, if there is one.
    Ops(Vec<Op>, Option<Duration>),
    /// A process has exited.
    Status {
        /// Which.
        pid: u32,
        /// How.
        status: i32,
    },
    /// A question, and whether to answer as JSON.
    Ask(Query, bool),
    /// End the daemon.
    Stop,
}

/// Says it. Returns the exit status of serelc's manual.
pub fn say(address: &Address, saying: &Saying) -> u8 {
    let said = match saying {
        Saying::Ask(query, json) => ask(address, query, *json),
        other => tell(address, other),
    };
    said.unwrap_or_else(|error| {
        crate::log::say(format_args!("serelc: error: {error}"));
        status_of_error(&error)
    })
}

fn tell(address: &Address, saying: &Saying) -> Result<u8, CallError> {
    let begun = Instant::now();
    let mut limit = None;
    let request = match saying {
        Saying::Ops(ops, patience) => {
            limit = patience.and_then(|patience| begun.checked_add(patience));
            let batch = Batch { path: None, holds: false, ops: ops.clone() };
            Request::Say { pid: nix::unistd::getppid().as_raw().unsigned_abs(), batch }
        }
        Saying::Status { pid, status } => Request::Status { pid: *pid, status: *status },
        Saying::Stop => Request::Stop,
        Saying::Ask(query, _) => Request::Query(query.clone()),
    };
    let reply = Client::connect(address)?.call(&request, limit)?;
    Ok(report("serelc", &reply))
}

/// Says the words of a reply, and returns the exit status that it means.
pub(super) fn report(program: &str, reply: &Reply) -> u8 {
    for words in &reply.words {
        crate::log::say(format_args!("{program}: {words}"));
    }
    status(&reply.outcome)
}

fn status(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Done => 0,
        Outcome::Failed { .. } => 1,
        Outcome::Nobody { .. } | Outcome::Circle { .. } | Outcome::UnknownPath => 2,
        Outcome::Invalid => 3,
        Outcome::Refused => 4,
    }
}

pub(super) fn status_of_error(error: &CallError) -> u8 {
    match error {
        CallError::TimedOut => 5,
        CallError::NoDaemon { .. }
        | CallError::Untrusted { .. }
        | CallError::Broken(_)
        | CallError::Garbled(_) => 4,
    }
}

fn ask(address: &Address, query: &Query, json: bool) -> Result<u8, CallError> {
    let mut client = Client::connect(address)?;
    client.send(&Request::Query(query.clone()))?;
    let (mut services, mut waiting, mut edges) = (Vec::new(), Vec::new(), Vec::new());
    let reply = client.receive(None, |rows| match rows {
        Response::Services(mut rows) => services.append(&mut rows),
        Response::Waiting(mut rows) => waiting.append(&mut rows),
        Response::Edges(mut rows) => edges.append(&mut rows),
        Response::Reply(_) => {}
    })?;
    if reply.outcome != Outcome::Done {
        return Ok(report("serelc", &reply));
    }
    if let (Query::Service(name), true) = (query, services.is_empty()) {
        crate::log::say(format_args!("serelc: nobody has spoken of {name}"));
        return Ok(2);
    }
    let text = match (query, json) {
        (Query::Services, true) => to_json(&services),
        (Query::Service(_), true) => to_json(&services[0]),
        (Query::Waiting, true) => to_json(&waiting),
        (Query::Graph, true) => to_json(&edges),
        (Query::Services | Query::Service(_), false) => services.iter().map(service_line).collect(),
        (Query::Waiting, false) => waiting.iter().map(waiting_line).collect(),
        (Query::Graph, false) => edges.iter().map(edge_line).collect(),
    };
    print(&text);
    Ok(0)
}

fn to_json<T: Serialize>(rows: &T) -> String {
    serde_json::to_string_pretty(rows).expect("BUG: rows are plain data") + "\n"
}

/// `name state pid since needers`, as wide as names commonly are.
fn service_line(row: &ServiceRow) -> String {
    let pid = row.pid.map_or("-".to_owned(), |pid| pid.to_string());
    let mut line = format!("{:<24} {:<9} {:>7} {:>9}", row.name, row.state.word(), pid, age(row.age_ms));
    if row.needers > 0 {
        let _ = write!(line, "  {} waiting", row.needers);
    }
    line + "\n"
}

fn waiting_line(row: &WaitingRow) -> String {
    let who = if row.provides.is_empty() { "-".to_owned() } else { row.provides.join(" ") };
    format!("{:>7} {:<24} waits for {} since {}\n", row.pid, who, row.service, age(row.age_ms))
}

fn edge_line(row: &EdgeRow) -> String {
    format!("{} needs {} ({})\n", row.needer, row.service, row.state.word())
}

fn age(millis: u64) -> String {
    crate::text::seconds(millis.saturating_mul(1_000_000))
}
