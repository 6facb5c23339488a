//! The life of a service.

use crate::model::{CallId, JobId, Strength};

/// Where a service stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServiceState {
    /// No provider has been started.
    #[default]
    Stopped,
    /// A provider is running, and it is not available yet.
    Starting,
    /// A provider succeeded, or said so early.
    Available,
    /// Every provider has ended in vain.
    Failed,
}

impl ServiceState {
    /// Whether those who wait for it have their answer.
    pub fn is_settled(self) -> bool {
        matches!(self, ServiceState::Available | ServiceState::Failed)
    }
}

/// A job that waits for a service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiter {
    pub(super) job: JobId,
    pub(super) strength: Strength,
}

/// A service as the engine keeps it.
#[derive(Debug, Clone, Default)]
pub(super) struct Service {
    pub(super) state: ServiceState,
    pub(super) providers: Vec<JobId>,
    /// Providers that have not ended.
    pub(super) hopes: u32,
    /// The provider of the plan that ended last.
    pub(super) last: Option<JobId>,
    pub(super) waiters: Vec<Waiter>,
    /// Calls that wait for it, in no order.
    pub(super) callers: Vec<CallId>,
}

impl Service {
    /// Whether somebody waits for it.
    pub(super) fn is_wanted(&self) -> bool {
        !self.waiters.is_empty() || !self.callers.is_empty()
    }
}
