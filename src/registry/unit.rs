//! The unit that is being started or stopped, as it was handed over: who will come, and what belongs to each script.
//!
//! As long as a unit is known, a need for something that no script of it provides, and nobody has provided, is
//! answered at once instead of never.

use super::{Member, Nanos, Op, Registry};
use crate::engine::Engine;
use crate::model::JobId;
use std::collections::HashMap;

/// A script of the unit.
#[derive(Debug)]
struct Script {
    member: Member,
    /// Its job until somebody comes for it.
    expected: Option<JobId>,
}

/// The scripts of a unit.
#[derive(Debug, Default)]
pub(super) struct Unit {
    scripts: Vec<Script>,
    by_path: HashMap<String, usize>,
    /// Scripts by what they provide, in the given order.
    by_service: HashMap<String, Vec<usize>>,
}

impl Unit {
    /// What belongs to a path; `None` when no script has it.
    pub(super) fn ops(&self, path: &str) -> Option<Vec<Op>> {
        self.by_path.get(path).map(|place| self.scripts[*place].member.ops())
    }

    /// The job of a script that has not come yet.
    pub(super) fn take(&mut self, path: &str) -> Option<JobId> {
        let place = *self.by_path.get(path)?;
        self.scripts[place].expected.take()
    }

    /// The job of the first script that provides a service and has not come yet.
    pub(super) fn take_provider(&mut self, service: &str) -> Option<JobId> {
        let places = self.by_service.get(service)?;
        let place = places.iter().find(|place| self.scripts[**place].expected.is_some())?;
        self.scripts[*place].expected.take()
    }

    /// The scripts.
    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.scripts.iter().map(|script| &script.member)
    }

    fn add(&mut self, member: Member, expected: JobId) {
        let place = self.scripts.len();
        for path in &member.paths {
            self.by_path.insert(path.clone(), place);
        }
        for service in &member.provides {
            self.by_service.entry(service.clone()).or_default().push(place);
        }
        self.scripts.push(Script { member, expected: Some(expected) });
    }
}

impl Registry {
    /// A new unit begins. Until it is complete, everybody waits.
    pub fn begin_unit(&mut self, engine: &mut Engine) {
        engine.set_complete(false);
        let scripts = std::mem::take(&mut self.unit).scripts;
        self.former.extend(scripts.into_iter().filter_map(|script| script.expected));
    }

    /// Adds scripts to the unit. Errors, in words for the caller, on what is no name; then none was added.
    pub fn add_members(&mut self, engine: &mut Engine, members: Vec<Member>) -> Result<(), String> {
        let names = members.iter().flat_map(|member| {
            let needs = member.needs.iter().map(|(service, _)| service);
            member.provides.iter().chain(&member.withdraws).chain(needs).map(String::as_str)
        });
        self.names.enter(engine, names)?;
        for member in members {
            let find = |service: &String| self.names.find(service);
            let mut provides: Vec<_> = member.provides.iter().filter_map(find).collect();
            provides.sort_unstable();
            provides.dedup();
            for service in provides.iter().filter(|service| self.names.name(**service).starts_with('-')) {
                engine.withdraw(None, *service);
            }
            let expected = engine.add_expected(provides);
            self.unit.add(member, expected);
        }
        Ok(())
    }

    /// The unit is known: nobody else will come, and nobody of the one before.
    pub fn complete_unit(&mut self, engine: &mut Engine, now: Nanos) {
        for job in std::mem::take(&mut self.former) {
            engine.discard(job);
            engine.remove(job);
        }
        engine.set_complete(true);
        self.settle(engine, now);
    }
}
