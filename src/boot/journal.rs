//! What was started and what came of it, written down as it happens, so that an interrupted run can go on.
//!
//! One small file for each unit in `/run/serel`, where there is a `/run`: it goes with the boot that it is about. Each
//! line is one write, without waiting for a disk. `serelrc start LEVEL --resume` reads it: what succeeded is not
//! started again, nor is what was started and whose end nobody saw; what failed is tried again. Only the last run can
//! be resumed, and only if it did not come to its end.

use super::ledger::{self, DONE, FAILED, Known, PROCESS, STARTED};
use super::{pending, regular};
use crate::history::boot_id;
use crate::model::JobId;
use crate::plan::Plan;
use crate::root::Root;
use crate::wavefront::{Event, Nanos, Outcome, Spawner};
use std::fs::{self, DirBuilder, File, OpenOptions, symlink_metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

/// Where temporary state is, and ours in it.
const RUN: &str = "/run";
pub(super) const OURS: &str = "/run/serel";

/// First words of a journal, before the identity of the boot.
const HEAD: &str = "serel 1 boot";

const FINISHED: &str = "finished";

/// The journal of one unit.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    boot: String,
}

impl Journal {
    /// Of the unit with this label. Errors in words why there can be none.
    pub(super) fn of(root: &Root, label: &str) -> Result<Self, String> {
        let boot = boot_id().ok_or("without /proc this boot cannot be told from others")?;
        Ok(Self { path: ours(root)?.join(label.replace(' ', "-")), boot })
    }

    /// The jobs of a plan that were done or begun by the runs of this boot that the journal is about.
    ///
    /// The second list has those of the first whose end nobody saw.
    pub(super) fn done(&self, plan: &Plan) -> Result<(Vec<JobId>, Vec<JobId>), String> {
        let text = regular::read(&self.path).map_err(|error| format!("{}: {error}", self.path.display()))?;
        let text = String::from_utf8_lossy(&text);
        if text.lines().next() != Some(&self.head()) {
            return Err(format!("{} is about another boot", self.path.display()));
        }
        if text.lines().last() == Some(FINISHED) {
            return Err("the last run came to its end".to_owned());
        }
        let known = ledger::parse(&text);
        let known = |id: &JobId| known.get(plan.job(*id).script);
        let unseen = |id: &JobId| matches!(known(id), Some(Known::Begun(_)));
        let done = plan.ids().filter(|id| known(id) == Some(&Known::Done) || unseen(id));
        Ok((done.collect(), plan.ids().filter(unseen).collect()))
    }

    /// Opens it to write: anew, or to go on. A new one ends all others, since what they say may be true no more. A
    /// directory is none.
    pub(super) fn open(&self, go_on: bool) -> io::Result<File> {
        if !go_on && let Some(ours) = self.path.parent() {
            for other in fs::read_dir(ours)?.flatten() {
                let path = other.path();
                if other.file_type()?.is_dir() {
                    log::warn!("{} is a directory, and none of ours: it is passed over", path.display());
                } else if !pending::is_one(&path) {
                    fs::remove_file(path)?;
                }
            }
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).custom_flags(regular::FLAGS);
        let mut file = options.open(&self.path)?;
        if !go_on {
            file.set_len(0)?;
        }
        if file.metadata()?.len() == 0 {
            writeln!(file, "{}", self.head())?;
        }
        Ok(file)
    }

    fn head(&self) -> String {
        format!("{HEAD} {}", self.boot)
    }
}

/// Our directory in `/run`, made if it is not there. Errors in words why there can be none.
pub(super) fn ours(root: &Root) -> Result<PathBuf, String> {
    let run = root.place(RUN);
    if !run.is_dir() {
        return Err(format!("there is no {}", run.display()));
    }
    let ours = root.place(OURS);
    let made = DirBuilder::new().mode(0o700).create(&ours);
    let trusted = symlink_metadata(&ours).is_ok_and(|meta| {
        meta.is_dir() && meta.uid() == nix::unistd::geteuid().as_raw() && meta.mode() & 0o022 == 0
    });
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(format!("{}: {error}", ours.display()))
        }
        _ if !trusted => {
            Err(format!("{} is not a directory of our own that nobody else can write", ours.display()))
        }
        _ => Ok(ours),
    }
}

/// A spawner that writes down what another one does.
pub(super) struct Journalled<'p, S> {
    pub(super) inside: S,
    /// None when there can be no journal, or when it cannot be written any more.
    files: Vec<File>,
    plan: &'p Plan,
}

impl<'p, S> Journalled<'p, S> {
    pub(super) fn new(inside: S, files: Vec<File>, plan: &'p Plan) -> Self {
        Self { inside, files, plan }
    }

    /// Says that the run has come to its end: there is nothing to resume.
    pub(super) fn finish(&mut self) {
        self.line(FINISHED);
    }

    fn write(&mut self, word: &str, job: JobId) {
        let script = self.plan.job(job).script;
        if !script.contains('\n') {
            self.line(&format!("{word} {script}"));
        }
    }

    fn line(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.files.retain_mut(|file| {
            file.write_all(line.as_bytes())
                .inspect_err(|error| log::info!("the journal of this run ends here: {error}"))
                .is_ok()
        });
    }
}

impl<S: Spawner> Spawner for Journalled<'_, S> {
    fn spawn(&mut self, job: JobId, alone: bool) -> Result<(), i32> {
        // Before, so that a crash in between cannot start it twice.
        self.write(STARTED, job);
        self.inside.spawn(job, alone).inspect_err(|_| self.write(FAILED, job))?;
        if let Some(pid) = self.inside.pid(job) {
            self.write(&format!("{PROCESS} {pid}"), job);
        }
        Ok(())
    }

    fn signal(&mut self, job: JobId, signal: i32) {
        self.inside.signal(job, signal);
    }

    fn next(&mut self, until: Option<Nanos>) -> Option<Event> {
        self.inside.next(until)
    }

    fn pid(&self, job: JobId) -> Option<u32> {
        self.inside.pid(job)
    }

    fn lingers(&mut self, job: JobId) -> bool {
        self.inside.lingers(job)
    }

    fn ended(&mut self, job: JobId, outcome: Outcome) {
        self.write(if outcome.succeeded() { DONE } else { FAILED }, job);
    }
}
