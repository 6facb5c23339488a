//! What belongs to a script, out of the last populate, and how the daemon hears of it.

use super::pending;
use super::say::{report, status_of_error};
use crate::definition::scan;
use crate::exit::Exit;
use crate::history::Trouble;
use crate::ipc::{Address, CallError, Client, Servers};
use crate::model::Phase;
use crate::plan::Plan;
use crate::registry::{Batch, Member, Op, Outcome, Reply, Request, stop_of};
use crate::root::Root;
use nix::unistd::getppid;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// How long the daemon may take to hear of a part of a unit.
const PATIENCE: Duration = Duration::from_secs(5);

/// Services in one message of `--apply-started`.
const STARTED: usize = 1000;

/// The scripts of a plan with what belongs to each.
///
/// A need that no script of the unit provides is left out: an earlier unit satisfies it, or the graph would not have
/// let it pass. In a unit being stopped, what is provided and needed is the stop of a service.
pub(super) fn members(root: &Root, plan: &Plan, pairs: &[(String, String)]) -> Vec<Member> {
    let mut paths: HashMap<String, Vec<String>> = HashMap::new();
    for (_, path) in pairs {
        if let Ok(script) = scan::script(root, path) {
            paths.entry(script).or_default().push(path.clone());
        }
    }
    let provided = plan.providers();
    // What holds the jobs of a serial plan together is nothing that a daemon could know.
    let real = |service| !Plan::is_link(&plan.services[service]);
    let named = |service| match plan.phase {
        Phase::Start => plan.services[service].to_owned(),
        Phase::Stop => stop_of(&plan.services[service]),
    };
    plan.jobs()
        .map(|job| {
            let mut known = paths.get(job.script).cloned().unwrap_or_default();
            known.push(job.script.to_owned());
            known.sort_unstable();
            known.dedup();
            let needs =
                job.needs.iter().filter(|need| real(need.service) && !provided[need.service].is_empty());
            let provides = job.provides.iter().copied().filter(|service| real(*service));
            let stopped = (plan.phase == Phase::Stop).then(|| provides.clone()).into_iter().flatten();
            Member {
                paths: known,
                withdraws: stopped.map(|service| plan.services[service].to_owned()).collect(),
                provides: provides.map(named).collect(),
                needs: needs.map(|need| (named(need.service), need.strength)).collect(),
            }
        })
        .collect()
}

/// Hands a unit to the daemon, if one is there. Nothing of it is a reason to fail.
pub(super) fn hand_over(address: &Address, members: &[Member]) {
    let handed = Client::connect(address, Some(PATIENCE))
        .and_then(|mut client| client.hand_over(members, Some(PATIENCE)));
    match handed {
        Ok(reply) if reply.outcome == Outcome::Done => log::info!("the daemon knows the unit"),
        Ok(reply) => log::warn!("the daemon does not take the unit: {}", reply.words.join(", ")),
        Err(CallError::NoDaemon { .. }) => log::debug!("no daemon at {address}"),
        Err(error) => log::warn!("the daemon does not take the unit: {error}"),
    }
}

/// What belongs to a path by the history; `None` when it is in no unit that was populated.
pub(super) fn remembered(root: &Root, database: &Path, path: &str) -> Option<Vec<Op>> {
    let say = |trouble: &Trouble| log::warn!("{trouble}");
    let populated = pending::populated(root, database).inspect_err(say).ok()??;
    let plan = pending::plan(root, database, &populated.key).inspect_err(say).ok()??;
    let plan = Plan::decode(&plan)?;
    let resolved = scan::script(root, path).unwrap_or_else(|_| path.to_owned());
    let member = members(root, &plan, &populated.pairs)
        .into_iter()
        .find(|member| member.paths.iter().any(|known| *known == resolved || known == path))?;
    Some(member.ops())
}

/// Says what belongs to a path, as the daemon or else the history knows it, in one round trip when the daemon does.
pub(super) fn say_path(
    client: &mut Client,
    pid: u32,
    path: &str,
    holds: bool,
    remembered: impl FnOnce() -> Option<Vec<Op>>,
) -> Result<Reply, CallError> {
    let batch = Batch { path: Some(path.to_owned()), holds, ops: Vec::new() };
    let reply = client.call(&Request::Say { pid, batch }, None)?;
    if reply.outcome != Outcome::UnknownPath {
        return Ok(reply);
    }
    match remembered() {
        Some(ops) => client.call(&Request::Say { pid, batch: Batch { path: None, holds, ops } }, None),
        None => Ok(reply),
    }
}

/// `serelhistory --apply PATH`: for the parent process, all that belongs to the path.
pub fn apply(root: &Root, database: &Path, servers: &Servers, path: &str) -> Exit {
    let pid = getppid().as_raw().unsigned_abs();
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let path = &*whole.to_string_lossy();
    let said = Client::nearest(servers, None).and_then(|(mut client, _)| {
        say_path(&mut client, pid, path, false, || remembered(root, database, path))
    });
    if let Ok(Reply { outcome: Outcome::UnknownPath, .. }) = &said {
        log::error!("{path} is not in the unit that was populated last");
        return Exit::UnknownService;
    }
    exit_of(said)
}

/// `serelhistory --apply-started`: the services that were started elsewhere are available.
pub fn apply_started(root: &Root, database: &Path, servers: &Servers) -> Exit {
    let populated = match pending::populated(root, database) {
        Ok(populated) => populated,
        Err(trouble) => {
            log::error!("{trouble}");
            return Exit::Failed;
        }
    };
    let Some(populated) = populated else {
        log::error!("nothing has been populated: call serelhistory --populate first");
        return Exit::Failed;
    };
    let pid = getppid().as_raw().unsigned_abs();
    let say = || -> Result<Reply, CallError> {
        let (mut client, _) = Client::nearest(servers, None)?;
        let mut all = Reply::done();
        for some in populated.started.chunks(STARTED) {
            let ops = some.iter().map(|service| Op::Provide { service: service.clone(), immediate: true });
            let batch = Batch { path: None, holds: false, ops: ops.collect() };
            let reply = client.call(&Request::Say { pid, batch }, None)?;
            if reply.outcome != Outcome::Done {
                return Ok(reply);
            }
            // That it was available already is nothing that one wants to know here.
            all.outcome = reply.outcome;
        }
        Ok(all)
    };
    exit_of(say())
}

fn exit_of(said: Result<Reply, CallError>) -> Exit {
    let status = match said {
        Ok(reply) => report("serelhistory", &reply),
        Err(error) => {
            log::error!("{error}");
            status_of_error(&error)
        }
    };
    match status {
        0 => Exit::Ok,
        3 => Exit::Usage,
        4 => Exit::NoDaemon,
        _ => Exit::Failed,
    }
}
