//! What people see while jobs run: the lines of old, ` Starting one ... done`, now with the reason of what failed.
//!
//! A live display may take their place on a terminal. Whatever is shown, what jobs say is passed on to whoever writes
//! the log and the verdict when the run is over.

use super::unit::{Job, Kind};
use crate::model::{Id as _, IdVec, JobId};
use crate::wavefront::{Nanos, Observer, Outcome, Record};
use crossbeam_channel::Sender;
use std::io::Write as _;

/// Lines kept of each job; ours write one or two.
const MOST_LINES: usize = 20;

/// How a job ended, as people are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Well.
    Done,
    /// There was nothing to do.
    Already,
    /// Not well: exit code and reason.
    Failed(u8, String),
    /// It was not begun, and why.
    Skipped(String),
    /// It was not begun, because the run was interrupted.
    Cancelled,
}

/// Makes endings of records.
#[derive(Debug)]
pub struct Endings {
    names: IdVec<JobId, (Kind, String)>,
    outcomes: IdVec<JobId, Option<Outcome>>,
    said: IdVec<JobId, Vec<String>>,
}

impl Endings {
    /// None yet.
    pub fn new(jobs: &[Job]) -> Self {
        Self {
            names: jobs.iter().map(|job| (job.kind, job.name.clone())).collect(),
            outcomes: jobs.iter().map(|_| None).collect(),
            said: jobs.iter().map(|_| Vec::new()).collect(),
        }
    }

    /// A job has said something.
    pub fn hear(&mut self, job: JobId, line: &[u8]) {
        if job.index() < self.said.len() && self.said[job].len() < MOST_LINES {
            self.said[job].push(crate::text::harmless(line).into_owned());
        }
    }

    /// A job has ended.
    pub fn note(&mut self, record: &Record) {
        if record.job.index() < self.outcomes.len() {
            self.outcomes[record.job] = Some(record.outcome);
        }
    }

    /// How a job ended, when those it needs have been noted.
    pub fn of(&self, record: &Record) -> Ending {
        match record.outcome {
            Outcome::Done if record.start.is_none() => Ending::Already,
            Outcome::Done => Ending::Done,
            Outcome::DependencyFailed(by) => Ending::Skipped(self.cause(record.job, by)),
            Outcome::Cancelled => Ending::Cancelled,
            Outcome::Failed(code) => Ending::Failed(u8::try_from(code).unwrap_or(1), self.reason(record)),
            Outcome::NotInstalled => Ending::Failed(5, self.reason(record)),
            Outcome::NotConfigured => Ending::Failed(6, self.reason(record)),
            _ => Ending::Failed(1, self.reason(record)),
        }
    }

    /// What a job said besides the reason of its failure.
    pub fn notes(&self, record: &Record) -> &[String] {
        let said = self.said.get(record.job).map_or(&[][..], Vec::as_slice);
        match (record.outcome, said) {
            (Outcome::Failed(_), [notes @ .., _]) => notes,
            _ => said,
        }
    }

    fn reason(&self, record: &Record) -> String {
        let said = self.said.get(record.job).and_then(|said| said.last());
        match (record.outcome, said) {
            (Outcome::Failed(_), Some(line)) => line.clone(),
            (Outcome::Signalled(signal), _) => format!("killed by {}", crate::text::signal_name(signal)),
            (Outcome::NotStarted(libc::E2BIG), _) => "its parameters are too long for a program".to_owned(),
            (Outcome::NotStarted(errno), _) => std::io::Error::from_raw_os_error(errno).to_string(),
            (Outcome::TimedOut, _) => "it took too long".to_owned(),
            (outcome, _) => format!("it ended as {}", outcome.name()),
        }
    }

    /// Why a job was not begun: who failed, and by whose means that matters.
    fn cause(&self, job: JobId, by: JobId) -> String {
        let (mut root, mut steps) = (by, 0);
        while let Some(Some(Outcome::DependencyFailed(earlier))) = self.outcomes.get(root)
            && steps < self.names.len()
        {
            root = *earlier;
            steps += 1;
        }
        let ((_, own), (kind, name)) = (&self.names[job], &self.names[root]);
        let what = match kind {
            Kind::Compile => "could not be compiled",
            Kind::Stop => "could not be stopped",
            Kind::Start => "could not be started",
        };
        if own == name {
            return format!("it {what}");
        }
        let (_, direct) = &self.names[by];
        match kind {
            Kind::Stop => format!("{name}, which requires it, {what}"),
            _ if direct == name || direct == own => format!("it requires {name}, which {what}"),
            _ => format!("it requires {direct}, and {name} {what}"),
        }
    }
}

/// Writes the lines of old, to a standard output that is no terminal.
#[derive(Debug)]
pub struct Lines {
    endings: Endings,
    log: String,
}

impl Lines {
    /// For these jobs. `log` is where more stands.
    pub fn new(jobs: &[Job], log: &str) -> Self {
        Self { endings: Endings::new(jobs), log: log.to_owned() }
    }
}

impl Observer for Lines {
    fn started(&mut self, _job: JobId, _at: Nanos, _alone: bool) {}

    fn output(&mut self, job: JobId, line: &[u8], _at: Nanos) {
        self.endings.hear(job, line);
    }

    fn ended(&mut self, record: &Record) {
        self.endings.note(record);
        let ending = self.endings.of(record);
        let (kind, name) = &self.endings.names[record.job];
        let mut text = String::new();
        for note in self.endings.notes(record) {
            text += &format!("  {name}: {note}\n");
        }
        let verb = match kind {
            Kind::Compile => "Compiling",
            Kind::Stop => "Stopping",
            Kind::Start => "Starting",
        };
        text += &match ending {
            // Stops have never been told one by one.
            Ending::Already | Ending::Cancelled => String::new(),
            Ending::Done if *kind == Kind::Stop => String::new(),
            Ending::Done => format!(" {verb} {name} ... done\n"),
            Ending::Failed(_, why) => format!(" {verb} {name} ... error: {why} (log: {})\n", self.log),
            Ending::Skipped(why) => format!(" {verb} {name} ... skipped: {why}\n"),
        };
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }

    fn tick(&mut self, _now: Nanos) {}

    fn wants_ticks(&self) -> bool {
        false
    }

    fn say(&mut self, text: &str) {
        let _ = std::io::stdout().lock().write_all(format!("{text}\n").as_bytes());
    }
}

/// Passes everything on to a display, and what jobs say to us as well.
pub(super) struct Overheard {
    pub(super) display: Box<dyn Observer>,
    pub(super) ear: Sender<(JobId, Vec<u8>)>,
}

impl Observer for Overheard {
    fn started(&mut self, job: JobId, at: Nanos, alone: bool) {
        self.display.started(job, at, alone);
    }

    fn output(&mut self, job: JobId, line: &[u8], at: Nanos) {
        let _ = self.ear.send((job, line.to_vec()));
        self.display.output(job, line, at);
    }

    fn ended(&mut self, record: &Record) {
        self.display.ended(record);
    }

    fn tick(&mut self, now: Nanos) {
        self.display.tick(now);
    }

    fn wants_ticks(&self) -> bool {
        self.display.wants_ticks()
    }

    fn say(&mut self, text: &str) {
        self.display.say(text);
    }
}
