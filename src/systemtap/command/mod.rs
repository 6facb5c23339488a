//! One file for each command, and what they share: marks, questions, verdicts.

pub mod cleanup;
pub mod compile;
pub mod prepare;
pub mod restart;
pub mod start;
pub mod status;
pub mod stop;

use super::console::Ending;
use super::job::{Failure, Task};
use super::run::{Report, carry_out};
use super::service::{Service, Trouble};
use super::settings::yes_or_no;
use super::unit::{Job, Kind};
use crate::plan::Plan;
use nix::syslog::Severity;
use std::io::{self, BufRead as _, Write as _};

/// Exit codes (README 0.2.1, LSB 5.0, 22.2).
pub const OK: u8 = 0;
/// Something failed.
pub const FAILED: u8 = 1;
/// `status`: nothing runs.
pub const NOT_RUNNING: u8 = 3;
/// What is needed is not installed.
pub const NOT_INSTALLED: u8 = 5;
/// Requirements that cannot be met in any order.
pub const LOOP: u8 = 6;

/// How a command ended, as its last line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// All went well.
    Ok,
    /// Something failed, and that matters.
    Failed,
    /// Something failed, and was to be borne.
    Warning,
}

/// Prints a text as it is, without a newline.
pub fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints and logs the line that a command begins with.
pub fn begin(service: &Service<'_>, title: &str) {
    service.journal.write(title);
    print(&format!("{title}\n"));
}

/// Prints the last line.
pub fn mark(mark: Mark) {
    print(match mark {
        Mark::Ok => "[  OK  ]\n",
        Mark::Failed => "[FAILED]\n",
        Mark::Warning => "[WARNING]\n",
    });
}

/// Says what failed, to people and to logs, and ends a command.
pub fn fail(service: &Service<'_>, code: u8, text: &str) -> u8 {
    service.journal.announce(Severity::LOG_ERR, &format!("Error: {text}"));
    crate::log::say(format_args!("systemtap-service: {text}"));
    mark(Mark::Failed);
    code
}

/// The same for what every command stands on.
pub fn give_up(trouble: &Trouble) -> u8 {
    crate::log::say(format_args!("systemtap-service: {}", trouble.text));
    trouble.code
}

/// Asks until there is an answer; no input is no.
pub fn ask(service: &Service<'_>, question: &str) -> bool {
    if service.call.yes {
        return true;
    }
    let mut input = io::stdin().lock();
    loop {
        print(&format!("{question} [y/N]: "));
        let mut line = String::new();
        match input.read_line(&mut line) {
            Ok(0) | Err(_) => {
                print("\n");
                return false;
            }
            Ok(_) => {}
        }
        match line.trim() {
            "" => return false,
            word => {
                if let Some(answer) = yes_or_no(word) {
                    return answer;
                }
            }
        }
    }
}

/// Logs what became of each job.
pub fn log(service: &Service<'_>, report: &Report) {
    for (kind, name, ending) in &report.jobs {
        let what = match kind {
            Kind::Compile => format!("Failed to compile script({name})"),
            Kind::Stop => format!("Failed to stop \"{name}\""),
            Kind::Start => format!("Failed to run \"{name}\""),
        };
        let grade = if service.settings.passall { "Error" } else { "Warning" };
        match ending {
            Ending::Failed(code, why) => {
                let text = format!("{grade}: {what}. ({code}) {why}");
                service.journal.announce(Severity::LOG_WARNING, &text);
            }
            Ending::Skipped(why) => service.journal.write(&format!("{grade}: {what}: skipped: {why}")),
            Ending::Done | Ending::Already | Ending::Cancelled => {}
        }
    }
}

/// Says that a command was interrupted; its exit code.
pub fn interrupted(service: &Service<'_>, signal: i32) -> u8 {
    service.journal.write(&format!("Interrupted by {}", crate::text::signal_name(signal)));
    mark(Mark::Failed);
    u8::try_from(128 + signal).unwrap_or(FAILED)
}

/// Carries out the jobs of a command, logs what became of each, and says how the command ended. `done` is what is logged
/// when all went well.
pub fn conclude(service: &Service<'_>, label: &str, jobs: &[Job], plan: &Plan, done: &str) -> u8 {
    let report = match carry_out(service, label, jobs, plan) {
        Ok(report) => report,
        Err(why) => return fail(service, FAILED, &why),
    };
    log(service, &report);
    if let Some(signal) = report.interrupted {
        return interrupted(service, signal);
    }
    match (report.failures(), service.settings.passall) {
        (0, _) => {
            service.journal.write(&format!("Pass: {done}"));
            mark(Mark::Ok);
            OK
        }
        (_, true) => {
            mark(Mark::Failed);
            let lacks =
                |job: &Job| matches!(&job.task, Some(Task::Fail(Failure { code: NOT_INSTALLED, .. })));
            if jobs.iter().any(lacks) { NOT_INSTALLED } else { FAILED }
        }
        (count, false) => {
            let text = format!("Warning: {count} failure occurred.");
            service.journal.announce(Severity::LOG_WARNING, &text);
            print(&format!("{text}\n"));
            mark(Mark::Warning);
            OK
        }
    }
}
