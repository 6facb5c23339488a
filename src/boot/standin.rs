//! The stand-in for startpar: what Debian's rc asks of startpar, done by us, whatever happens to us.
//!
//! rc evaluates what we print and has no other way left when we fail: it has begun. So the work is done in a process of
//! its own, and from trouble to trouble the way gets plainer:
//!
//! 1. the unit in parallel; bad definitions and a broken history are met there already;
//! 2. that process has died: the rest one by one, once what was under way has ended;
//! 3. died again: the real startpar, if nothing was begun and there is one;
//! 4. the links of the level in their order, without any plan.

use super::calling::{argument, environment};
use super::elsewhere;
use super::ledger::{Known, Ledger};
use super::links;
use super::reply::Ended;
use super::rest::Rest;
use super::start::{has_work, run_unit};
use super::{Common, Running};
use crate::exit::Exit;
use crate::log::say;
use crate::root::Root;
use crate::unit::{Members, Request};
use crate::wavefront::{guarded, take_back_terminal};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;
use nix::unistd::{dup2_stdout, write};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::cell::Cell;
use std::ffi::OsString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// How long the scripts are waited for that were under way when their run was killed: as long as serelrc gives a script.
const PATIENCE: Duration = Duration::from_mins(5);

/// One unit of a call.
#[derive(Debug, Clone)]
pub struct Part {
    /// Where.
    pub common: Common,
    /// What.
    pub request: Request,
    /// How.
    pub running: Running,
}

impl Part {
    /// Where and what.
    fn unit(&self) -> (&Root, &Request) {
        (&self.common.root, &self.request)
    }

    /// Whether it need be looked at.
    fn has_work(&self) -> bool {
        has_work(&self.common.root, &self.request)
    }
}

/// Our standard output, put aside: what a shell evaluates must hold nothing but the answer, and what scripts write
/// belongs to the console, which is our standard error.
struct Answer(Cell<Option<OwnedFd>>);

impl Answer {
    fn aside() -> Self {
        let kept = std::io::stdout().as_fd().try_clone_to_owned();
        let kept = kept.and_then(|kept| {
            dup2_stdout(std::io::stderr())?;
            Ok(kept)
        });
        let kept = kept.inspect_err(|error| say(format_args!("startpar: no answer to rc: {error}")));
        Self(Cell::new(kept.ok()))
    }

    /// Gives it, in one piece, and lets go of it: the shell reads until nobody has it any more. Who has stopped listening
    /// has stopped.
    fn give(&self, ended: &Ended) -> Exit {
        if let Some(stdout) = self.0.take() {
            let text = ended.assignments();
            let mut left = text.as_bytes();
            while let Ok(count @ 1..) = write(&stdout, left) {
                left = &left[count..];
            }
        }
        ended.exit
    }

    /// Puts it back for a program that we become.
    fn put_back(&self) {
        if let Some(stdout) = self.0.take() {
            let _ = dup2_stdout(&stdout);
            self.0.set(Some(stdout));
        }
    }
}

/// The real startpar's turn from the beginning, for a reason that is nobody's fault. Without one, we do it plainly.
pub fn step_aside(parts: &[Part], arguments: &[OsString], why: &str) -> Exit {
    log::info!("{why}: this is startpar's");
    let lacking = elsewhere::become_real(arguments);
    say(format_args!("startpar: {why}, and {lacking}"));
    let units = parts.iter().map(Part::unit);
    Answer::aside().give(&one_by_one(units, None))
}

/// The links of units one after another, and the answer: when nobody else is left who could run them.
pub fn run_plainly(root: &Root, requests: &[Request]) -> Exit {
    let units = requests.iter().map(|request| (root, request));
    Answer::aside().give(&one_by_one(units, None))
}

/// Becomes the real startpar for what is not ours. Errors with the reason why not.
pub fn hand_over(arguments: &[OsString]) -> String {
    elsewhere::become_real(arguments)
}

/// Calls programs one after another, as the plain form of startpar does beside each other. Only for a machine that has
/// no real one: rc does not ask for it.
pub fn call_each(programs: &[OsString], argument: Option<&OsString>) -> Exit {
    let mut exit = Exit::Ok;
    for program in programs {
        let called = Command::new(program).args(argument).status();
        if !called.as_ref().is_ok_and(ExitStatus::success) {
            let how = called.map_or_else(|error| error.to_string(), |status| status.to_string());
            say(format_args!("startpar: {}: {how}", program.display()));
            exit = Exit::Failed;
        }
    }
    exit
}

/// Runs the parts one after another, and answers.
pub fn stand_in(parts: &[Part], arguments: &[OsString]) -> Exit {
    let answer = Answer::aside();
    let ledger = Ledger::new().inspect_err(|errno| log::info!("no memory of the run: {}", errno.desc())).ok();
    let work = |serial: bool| -> u8 {
        let mut ended = Ended::default();
        let mut left: Option<Rest> = None;
        for part in parts.iter().filter(|part| part.has_work()) {
            left.take().into_iter().for_each(Rest::settle);
            let mut running = part.running.clone();
            running.ledger = ledger.clone();
            running.serial |= serial;
            let (of_part, rest) = run_unit(&part.common, &part.request, &running);
            ended.join(of_part);
            left = rest;
            if matches!(ended.exit, Exit::Interrupted | Exit::Terminated) {
                break;
            }
        }
        let exit = answer.give(&ended);
        left.into_iter().for_each(Rest::settle_behind);
        exit as u8
    };
    for (serial, next) in [(false, "going on one by one"), (true, "this is left to others")] {
        let how = match guarded(|| work(serial)) {
            Err(errno) => {
                log::info!("nobody watches over this run: {}", errno.desc());
                return exit_of(work(serial).into()).unwrap_or(Exit::Failed);
            }
            Ok(WaitStatus::Exited(_, code)) => match exit_of(code) {
                Some(exit) => return exit,
                None => format!("ended with {code}"),
            },
            // Somebody wanted it to end: init does when `single` changes the level.
            Ok(WaitStatus::Signaled(_, Signal::SIGTERM | Signal::SIGINT, _)) => return Exit::Terminated,
            Ok(WaitStatus::Signaled(_, signal, _)) => format!("was killed by {signal}"),
            Ok(other) => format!("ended: {other:?}"),
        };
        say(format_args!("startpar: the run {how}: {next}"));
        await_begun(ledger.as_ref());
        take_back_terminal();
    }
    if ledger.as_ref().is_some_and(|ledger| ledger.read().is_empty()) {
        answer.put_back();
        let why = elsewhere::become_real(arguments);
        let _ = dup2_stdout(std::io::stderr());
        say(format_args!("startpar: {why}"));
    }
    answer.give(&one_by_one(parts.iter().map(Part::unit), ledger.as_ref()))
}

/// The exit codes of a run that answered.
fn exit_of(code: i32) -> Option<Exit> {
    [Exit::Ok, Exit::Failed, Exit::TimedOut, Exit::Interrupted, Exit::Terminated]
        .into_iter()
        .find(|exit| *exit as i32 == code)
}

fn one_by_one<'u>(units: impl Iterator<Item = (&'u Root, &'u Request)>, ledger: Option<&Ledger>) -> Ended {
    let known = ledger.map(Ledger::read).unwrap_or_default();
    let mut ended = Ended::default();
    for (root, request) in units.filter(|(root, request)| has_work(root, request)) {
        if let Members::Level { level, previous } = request.members {
            let environment = environment(request, None);
            let unit = (level, previous, request.phase);
            ended.join(links::run(root, unit, argument(request), &environment, &known));
        }
    }
    ended
}

/// Waits for the scripts that are under way: whoever comes after them counts on their end. Then they are called once
/// more, for nobody knows what became of them; LSB (22.2) has it that what runs already is no failure.
fn await_begun(ledger: Option<&Ledger>) {
    let known = ledger.map(Ledger::read).unwrap_or_default();
    let until = Instant::now() + PATIENCE;
    for (script, known) in known {
        let Known::Begun(pid) = known else { continue };
        let pid = pid.and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let Some(Ok(process)) = pid.map(|pid| pidfd_open(pid, PidfdFlags::empty())) else { continue };
        say(format_args!("startpar: waiting for the end of {script}, which was under way"));
        let mut ended = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
        let left = until.saturating_duration_since(Instant::now());
        if !poll(&mut ended, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX))
            .is_ok_and(|count| count > 0)
        {
            say(format_args!("startpar: {script} is still under way: going on without it"));
        }
    }
}
