//! What is left to be done when the scripts of a unit have ended: the history is saved, and somebody reads what daemons
//! still write.
//!
//! No script needs any of it. An rc that waits for us goes on before, and the next level begins while the disk is
//! written to, in a process that nobody waits for.

use super::{Common, pending, save};
use crate::history::Batch;
use crate::wavefront::{keep_open, leave_behind};
use std::os::fd::OwnedFd;

/// The rest of a run.
#[derive(Debug)]
#[must_use = "what was learnt would be lost"]
pub(super) struct Rest {
    /// Where it is saved.
    pub(super) common: Common,
    /// What was learnt.
    pub(super) batch: Batch,
    /// Pipes that daemons still write to.
    pub(super) held: Vec<OwnedFd>,
    /// Nobody reads the console, and one of our threads waits for it: another word would hold us for ever.
    pub(super) stuck: bool,
    /// Whether it may still be under way when the next level begins.
    pub(super) may_wait: bool,
}

impl Rest {
    /// Does it now.
    pub(super) fn settle(mut self) {
        self.save();
        keep_open(&self.held);
    }

    /// Does it in a process that is left behind, if that may be and can be. Our own threads must have ended, and what we have
    /// opened ourselves for somebody who reads it to its end must be closed.
    pub(super) fn settle_behind(mut self) {
        let held = std::mem::take(&mut self.held);
        if self.stuck || !self.may_wait || leave_behind(|| self.save(), &held).is_err() {
            Self { held, ..self }.settle();
        }
    }

    fn save(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if self.stuck {
            // Not even a word about the history.
            log::set_max_level(log::LevelFilter::Off);
            let _ = pending::save(&self.common.root, &self.common.database, batch);
        } else {
            save(batch, &self.common);
        }
    }
}
