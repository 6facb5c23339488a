//! serelc: one request to the daemon, its answer for people or programs, and an exit status for scripts.
//!
//! Boot scripts call this many times, so that nothing of the history, the graph or the wavefront may be linked in.

use super::print;
use crate::exit::Exit;
use crate::ipc::{CallError, Client, Servers};
use crate::registry::{Batch, EdgeRow, Op, Outcome, Query, Reply, Request, Response, ServiceRow, WaitingRow};
use serde::Serialize;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Exit status when a need has no answer in the time that it was given.
const NOT_IN_TIME: u8 = 5;

/// How long a daemon may take to answer what it can answer at once.
const PATIENCE: Duration = Duration::from_secs(10);

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
pub fn say(servers: &Servers, saying: &Saying) -> u8 {
    let said = match saying {
        Saying::Ask(query, json) => ask(servers, query, *json),
        Saying::Ops(ops, patience) => {
            // Only a need waits by its nature.
            let waits = ops.iter().any(|op| matches!(op, Op::Need { .. }));
            tell(servers, ops.clone(), patience.or((!waits).then_some(PATIENCE)))
        }
        Saying::Status { pid, status } => once(
            Client::nearest(servers, None).map(|(client, _)| client),
            &Request::Status { pid: *pid, status: *status },
        ),
        // A run ends by itself.
        Saying::Stop => once(Client::connect(&servers.daemon, Some(PATIENCE)), &Request::Stop),
    };
    said.unwrap_or_else(|error| {
        let waits = match saying {
            Saying::Ops(ops, Some(_)) => ops.iter().map(Op::service).collect::<Vec<_>>().join(" "),
            _ => String::new(),
        };
        match error {
            CallError::TimedOut if !waits.is_empty() => {
                crate::log::say(format_args!(
                    "serelc: the time is over, and there is no answer yet: {waits}"
                ));
                NOT_IN_TIME
            }
            error => {
                crate::log::say(format_args!("serelc: error: {error}"));
                status_of_error(&error)
            }
        }
    })
}

fn once(client: Result<Client, CallError>, request: &Request) -> Result<u8, CallError> {
    Ok(report("serelc", &client?.call(request, Instant::now().checked_add(PATIENCE))?))
}

/// Says what the parent process has to say. What nobody in a run provides, a daemon may know of, and a run that has
/// come to its end leaves its scripts to the daemon.
fn tell(servers: &Servers, mut ops: Vec<Op>, patience: Option<Duration>) -> Result<u8, CallError> {
    let limit = patience.and_then(|patience| Instant::now().checked_add(patience));
    let pid = nix::unistd::getppid().as_raw().unsigned_abs();
    let request = |ops: &[Op]| Request::Say { pid, batch: Batch { ops: ops.to_vec(), ..Batch::default() } };
    let mut servers = servers.clone();
    loop {
        let left = limit.map(|limit| limit.saturating_duration_since(Instant::now()));
        let (mut client, in_run) = Client::nearest(&servers, left)?;
        let reply = match client.call(&request(&ops), limit) {
            Err(CallError::Broken(_)) if in_run => {
                servers.run = None;
                continue;
            }
            other => other?,
        };
        let elsewhere: Vec<Op> = match &reply.outcome {
            Outcome::Nobody { service } if in_run => {
                ops.extract_if(.., |op| op.service() == service).collect()
            }
            _ => Vec::new(),
        };
        if elsewhere.is_empty() {
            return Ok(report("serelc", &reply));
        }
        match Client::connect(&servers.daemon, left) {
            Err(CallError::NoDaemon { .. }) => return Ok(report("serelc", &reply)),
            daemon => {
                let reply = daemon?.call(&request(&elsewhere), limit)?;
                if ops.is_empty() || reply.outcome != Outcome::Done {
                    return Ok(report("serelc", &reply));
                }
            }
        }
    }
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
        CallError::TimedOut
        | CallError::NoDaemon { .. }
        | CallError::Untrusted { .. }
        | CallError::Broken(_)
        | CallError::Garbled(_) => 4,
    }
}

fn ask(servers: &Servers, query: &Query, json: bool) -> Result<u8, CallError> {
    let (mut client, _) = Client::nearest(servers, Some(PATIENCE))?;
    client.send(&Request::Query(query.clone()))?;
    let (mut services, mut waiting, mut edges) = (Vec::new(), Vec::new(), Vec::new());
    let reply = client.receive(Instant::now().checked_add(PATIENCE), |rows| match rows {
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
    Ok(u8::from(print(&text) != Exit::Ok))
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
