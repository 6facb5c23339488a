//! What is answered to a program that evaluates it: which scripts failed and which were skipped, as three assignments
//! of a shell.
//!
//! Debian's rc does `eval "$(startpar ...)"`, as root: a file may be called whatever its owner liked.

use crate::exit::Exit;
use crate::plan::Plan;
use crate::text;
use crate::wavefront::{Outcome, Run};

/// How a unit ended: the exit code, and the scripts by name that did not end well, in the given order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// How the program ends.
    pub(super) exit: Exit,
    /// Failed, killed, timed out, not started.
    pub(super) failed: Vec<String>,
    /// Exit status 5 of LSB.
    pub(super) not_installed: Vec<String>,
    /// Exit status 6 of LSB.
    pub(super) not_configured: Vec<String>,
}

impl Default for Ended {
    fn default() -> Self {
        Self { exit: Exit::Ok, failed: Vec::new(), not_installed: Vec::new(), not_configured: Vec::new() }
    }
}

impl Ended {
    /// How a run with this exit code ended.
    pub(super) fn of(exit: Exit, plan: &Plan, run: &Run) -> Self {
        let mut ended = Self { exit, ..Self::default() };
        for record in &run.records {
            let list = match record.outcome {
                Outcome::Done => continue,
                Outcome::NotInstalled => &mut ended.not_installed,
                Outcome::NotConfigured => &mut ended.not_configured,
                // Who was not started for whatever reason is not there, and nobody else says so.
                _ => &mut ended.failed,
            };
            list.push(plan.job(record.job).name.to_owned());
        }
        ended
    }

    /// Notes a script that was run without supervision. LSB 5.0, 22.2: 5 is not installed, 6 not configured, and 7, not
    /// running, is what a stop wants.
    pub(super) fn note(&mut self, name: &str, status: Option<i32>, stopping: bool) -> bool {
        match status {
            Some(0) => return true,
            Some(7) if stopping => return true,
            Some(5) => self.not_installed.push(name.to_owned()),
            Some(6) => self.not_configured.push(name.to_owned()),
            _ => {
                self.failed.push(name.to_owned());
                self.exit = Exit::Failed;
                return false;
            }
        }
        true
    }

    /// What another unit added.
    pub(super) fn join(&mut self, other: Self) {
        self.failed.extend(other.failed);
        self.not_installed.extend(other.not_installed);
        self.not_configured.extend(other.not_configured);
        if other.exit != Exit::Ok {
            self.exit = other.exit;
        }
    }

    /// The assignments, as startpar prints them.
    pub(super) fn assignments(&self) -> String {
        let lists = [
            ("failed_service", &self.failed),
            ("skipped_service_not_installed", &self.not_installed),
            ("skipped_service_not_configured", &self.not_configured),
        ];
        lists.map(|(variable, names)| format!("{variable}={}\n", quoted(&names.join(" ")))).concat()
    }
}

/// One word of a shell: in double quotes as long as nothing in it means anything there, else in single ones. What would
/// move a cursor is shown as it is elsewhere: rc prints it.
fn quoted(value: &str) -> String {
    let value = text::harmless(value.as_bytes());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" +,-./:=@_".contains(&byte);
    if value.bytes().all(is_plain) {
        format!("\"{value}\"")
    } else {
        format!("'{}'", value.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn three_lines_as_startpar_prints_them() {
        let ended = Ended { failed: vec!["a".into(), "b.sh".into()], ..Ended::default() };
        let text = "failed_service=\"a b.sh\"\n\
                    skipped_service_not_installed=\"\"\n\
                    skipped_service_not_configured=\"\"\n";
        assert_eq!(ended.assignments(), text);
    }

    #[test]
    fn a_shell_reads_back_every_name_and_runs_none() {
        for name in ["$(exit 3)", "`false`", "a\"b", "it's", "a\\b", "; exit 4", "é", "${x:?}", "\n"] {
            let ended = Ended { failed: vec![name.to_owned()], ..Ended::default() };
            let program = format!("{}printf %s \"$failed_service\"", ended.assignments());
            let output = Command::new("/bin/sh").arg("-uc").arg(program).output().unwrap();
            assert!(output.status.success(), "{name}: {output:?}");
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text::harmless(name.as_bytes()));
        }
    }
}
