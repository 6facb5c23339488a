//! What can be asked of a registry.

use super::{EdgeRow, Nanos, Registry, ServiceRow, State, WaitingRow, show};
use crate::engine::{Engine, ServiceState};
use crate::model::ServiceId;

impl Registry {
    /// All services, or the one of that name, in the order of their names.
    pub fn service_rows(&self, engine: &Engine, only: Option<&str>, now: Nanos) -> Vec<ServiceRow> {
        let ids: Vec<ServiceId> = match only {
            Some(name) => self.names.find(name).into_iter().collect(),
            None => self.names.entries.ids().collect(),
        };
        let mut rows: Vec<ServiceRow> = ids
            .into_iter()
            .filter(|id| !self.names.name(*id).starts_with('-'))
            .map(|id| {
                let entry = &self.names.entries[id];
                ServiceRow {
                    name: entry.name.to_string(),
                    state: engine.service(id).into(),
                    pid: self.starter(engine, id).or(entry.pid),
                    age_ms: if entry.since == 0 { 0 } else { now.saturating_sub(entry.since) / 1_000_000 },
                    needers: u32::try_from(engine.callers(id)).unwrap_or(u32::MAX),
                }
            })
            .collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows
    }

    /// The process that is starting a service.
    fn starter(&self, engine: &Engine, id: ServiceId) -> Option<u32> {
        let starting = engine.service(id) == ServiceState::Starting;
        let mut pids = engine.providers(id).filter_map(|job| self.seats.get(job)?.process);
        if starting { pids.next().map(|process| process.pid) } else { None }
    }

    /// All who wait, the longest first.
    pub fn waiting_rows(&self, engine: &Engine, now: Nanos) -> Vec<WaitingRow> {
        let mut rows: Vec<WaitingRow> = self
            .calls
            .values()
            .filter_map(|called| {
                let ask = self.asks.get(&called.client)?;
                let provided = self.job_of(ask.speaker).map_or(&[][..], |job| engine.provides(job));
                Some(WaitingRow {
                    pid: ask.speaker.pid,
                    provides: provided.iter().map(|own| show(self.names.name(*own))).collect(),
                    service: show(self.names.name(called.service)),
                    age_ms: now.saturating_sub(ask.since) / 1_000_000,
                })
            })
            .collect();
        rows.sort_by(|a, b| (b.age_ms, &a.service, a.pid).cmp(&(a.age_ms, &b.service, b.pid)));
        rows
    }

    /// Which service needs which: by the unit, and by what was called for so far.
    pub fn edge_rows(&self, engine: &Engine) -> Vec<EdgeRow> {
        let mut pairs: Vec<(String, ServiceId)> =
            self.edges.iter().map(|(own, needed)| (show(self.names.name(*own)), *needed)).collect();
        for member in self.unit.members() {
            let needed = member.needs.iter().filter_map(|(service, _)| self.names.find(service));
            pairs.extend(needed.flat_map(|id| member.provides.iter().map(move |own| (show(own), id))));
        }
        pairs.sort();
        pairs.dedup();
        pairs
            .into_iter()
            .map(|(needer, id)| EdgeRow {
                needer,
                service: show(self.names.name(id)),
                state: State::from(engine.service(id)),
            })
            .collect()
    }
}
