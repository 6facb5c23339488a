//! Needs of running processes: a call waits for one service and gets one answer.

use super::Engine;
use crate::model::{CallId, Id as _, IdVec, JobId, ServiceId};
use std::sync::Arc;

/// What becomes of a need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The service is there.
    Available,
    /// Every provider has ended in vain.
    Failed,
    /// Nobody provides it, and nobody will come who could.
    Nobody,
    /// Those who could provide it wait for the caller: all of the circle, each link once, beginning anywhere.
    Circle(Arc<[Link]>),
}

/// One link of a circle: the job waits for the service, which the job of the next link would provide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Who waits.
    pub job: JobId,
    /// For what.
    pub service: ServiceId,
}

/// A call without an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) service: ServiceId,
    /// The job of the process that calls, if it is one.
    pub(super) caller: Option<JobId>,
    /// Where it stands among the callers of its service.
    place: usize,
    /// Where it stands among the calls of its caller.
    of_caller: usize,
}

/// All open calls; the number of one that has ended is given again when its answer has been taken, not before: who is
/// told of it knows it by that number.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    open: IdVec<CallId, Option<Call>>,
    vacant: Vec<CallId>,
    count: usize,
}

impl Calls {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// An open call.
    pub(super) fn get(&self, id: CallId) -> Option<&Call> {
        self.open.get(id).and_then(Option::as_ref)
    }

    fn add(&mut self, call: Call) -> CallId {
        self.count += 1;
        match self.vacant.pop() {
            Some(id) => {
                self.open[id] = Some(call);
                id
            }
            None => self.open.push(Some(call)),
        }
    }

    fn take(&mut self, id: CallId) -> Option<Call> {
        if id.index() >= self.open.len() {
            return None;
        }
        let call = self.open[id].take()?;
        self.count -= 1;
        Some(call)
    }

    /// Nobody will speak of this number any more.
    pub(super) fn vacate(&mut self, id: CallId) {
        self.vacant.push(id);
    }
}

impl Engine {
    /// Enters a call with its service and its caller.
    pub(super) fn enter(&mut self, service: ServiceId, caller: Option<JobId>) -> CallId {
        let place = self.services[service].callers.len();
        let of_caller = caller.map_or(0, |job| self.jobs[job].calls.len());
        let id = self.calls.add(Call { service, caller, place, of_caller });
        self.services[service].callers.push(id);
        if let Some(job) = caller {
            self.jobs[job].calls.push(id);
        }
        id
    }

    /// Ends a call without an answer: its process has gone, or waits no longer.
    pub fn forget(&mut self, id: CallId) {
        if self.leave(id) {
            self.calls.vacate(id);
        }
    }

    /// Takes a call out of all lists. False when it has ended already.
    fn leave(&mut self, id: CallId) -> bool {
        let Some(call) = self.calls.take(id) else { return false };
        self.leave_caller(&call);
        let callers = &mut self.services[call.service].callers;
        callers.swap_remove(call.place);
        if let Some(moved) = callers.get(call.place).copied()
            && let Some(moved) = &mut self.calls.open[moved]
        {
            moved.place = call.place;
        }
        true
    }

    fn leave_caller(&mut self, call: &Call) {
        let Some(job) = call.caller else { return };
        let calls = &mut self.jobs[job].calls;
        calls.swap_remove(call.of_caller);
        if let Some(moved) = calls.get(call.of_caller).copied()
            && let Some(moved) = &mut self.calls.open[moved]
        {
            moved.of_caller = call.of_caller;
        }
    }

    /// Answers one call.
    pub(super) fn answer(&mut self, id: CallId, answer: Answer) {
        if self.leave(id) {
            self.answers.push_back((id, answer));
        }
    }

    /// Gives all who call for a service the same answer.
    pub(super) fn answer_callers(&mut self, service: ServiceId, answer: &Answer) {
        for id in std::mem::take(&mut self.services[service].callers) {
            if let Some(call) = self.calls.take(id) {
                self.leave_caller(&call);
                self.answers.push_back((id, answer.clone()));
            }
        }
    }

    /// The job has ended; those whom it left calling wait on their own account.
    pub(super) fn orphan_calls(&mut self, job: JobId) {
        for id in std::mem::take(&mut self.jobs[job].calls) {
            if let Some(call) = &mut self.calls.open[id] {
                call.caller = None;
            }
        }
    }
}
