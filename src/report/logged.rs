//! An observer beside another one: puts all of a run into the log, every line of every job, with its time.

use crate::model::{IdVec, JobId};
use crate::plan::Plan;
use crate::text;
use crate::wavefront::{Nanos, Observer, Record};

/// Logs at level info, and hands on to the observer inside.
pub struct Logged {
    inside: Box<dyn Observer>,
    names: IdVec<JobId, String>,
}

impl Logged {
    /// A log of the run of a plan.
    pub fn new(inside: Box<dyn Observer>, plan: &Plan) -> Self {
        Self { inside, names: plan.jobs().map(|job| job.name.to_owned()).collect() }
    }
}

impl Observer for Logged {
    fn started(&mut self, job: JobId, at: Nanos, alone: bool) {
        log::info!(
            "{} started at {}{}",
            self.names[job],
            text::seconds(at),
            if alone { ", alone" } else { "" }
        );
        self.inside.started(job, at, alone);
    }

    fn output(&mut self, job: JobId, line: &[u8], at: Nanos) {
        log::info!("{} at {}: {}", self.names[job], text::seconds(at), text::harmless(line));
        self.inside.output(job, line, at);
    }

    fn ended(&mut self, record: &Record) {
        log::info!(
            "{} ended at {}: {:?}, {} us user, {} us system, {} KiB",
            self.names[record.job],
            text::seconds(record.end),
            record.outcome,
            record.usage.user_us,
            record.usage.system_us,
            record.usage.max_rss_kib,
        );
        self.inside.ended(record);
    }

    fn tick(&mut self, now: Nanos) {
        self.inside.tick(now);
    }

    fn wants_ticks(&self) -> bool {
        self.inside.wants_ticks()
    }

    fn say(&mut self, text: &str) {
        log::info!("{text}");
        self.inside.say(text);
    }
}
