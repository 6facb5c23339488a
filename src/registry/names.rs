//! Names of services with what is shown of them.

use super::{Nanos, stop_of};
use crate::definition::name::fault;
use crate::engine::{Engine, ServiceState};
use crate::model::{Id as _, IdVec, ServiceId};
use std::collections::HashMap;
use std::sync::Arc;

/// Names that one registry takes in. Far more than any machine has, and a bound on what a flood can cost.
pub(super) const MOST_NAMES: usize = 65_536;

/// What is known of a service besides what the engine knows.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Arc<str>,
    /// The process that said last that it provides it.
    pub(super) pid: Option<u32>,
    pub(super) state: ServiceState,
    pub(super) since: Nanos,
}

/// Names and ids.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: HashMap<Arc<str>, ServiceId>,
    pub(super) entries: IdVec<ServiceId, Entry>,
}

impl Names {
    /// Takes in names that are not known yet. Errors, in words for the caller, when one is no name or there are too
    /// many; then nothing has changed.
    pub(super) fn enter<'n>(
        &mut self,
        engine: &mut Engine,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> Result<(), String> {
        let mut new = 0;
        for name in names.clone().filter(|name| !self.ids.contains_key(*name)) {
            if let Some(fault) = fault(name.strip_prefix('-').unwrap_or(name)) {
                return Err(format!("the name `{}` {fault}", name.escape_debug()));
            }
            new += 1;
        }
        if self.entries.len() + new > MOST_NAMES {
            return Err(format!("there are {MOST_NAMES} services already"));
        }
        for name in names {
            self.add(engine, name);
        }
        Ok(())
    }

    pub(super) fn add(&mut self, engine: &mut Engine, name: &str) {
        if self.ids.contains_key(name) {
            return;
        }
        let name: Arc<str> = name.into();
        let entry = Entry { name: name.clone(), pid: None, state: ServiceState::Stopped, since: 0 };
        let id = self.entries.push(entry);
        if engine.services().len() <= id.index() {
            engine.add_service();
        }
        self.ids.insert(name, id);
    }

    pub(super) fn find(&self, name: &str) -> Option<ServiceId> {
        self.ids.get(name).copied()
    }

    pub(super) fn name(&self, id: ServiceId) -> &str {
        &self.entries[id].name
    }

    /// A service is provided anew: it has not been stopped any more.
    pub(super) fn restart(&self, engine: &mut Engine, id: ServiceId) {
        if let Some(stop) = self.find(&stop_of(self.name(id)))
            && engine.service(stop).is_settled()
        {
            engine.withdraw(None, stop);
        }
    }

    pub(super) fn provided(&mut self, id: ServiceId, pid: u32) {
        self.entries[id].pid = Some(pid);
    }

    /// Notes a change and its time. False when there was none.
    pub(super) fn touch(&mut self, engine: &Engine, id: ServiceId, now: Nanos) -> bool {
        let state = engine.service(id);
        let entry = &mut self.entries[id];
        let changed = entry.state != state;
        if changed {
            entry.state = state;
            entry.since = now;
        }
        changed
    }
}
