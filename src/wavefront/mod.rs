//! The driver of a run: owns all run state; starts, reaps, times out, and tells the observer.
//!
//! Three threads and no lock between them. The *reaper* (process.rs, reaper.rs) sleeps in epoll over pidfds, output
//! pipes and a signalfd and sends events over a channel; the *dispatcher* (dispatch.rs) is the sole owner of the run
//! state: it feeds the pure engine and starts what is ready; the *reporter* (reporter.rs) hands on to the observer
//! over a bounded channel, so that a slow console never delays a completion.

mod capture;
mod clock;
mod deadlines;
mod dispatch;
mod guard;
mod linger;
mod process;
mod queue;
mod reaper;
mod record;
mod reporter;
mod simulated;
mod spawner;

pub use capture::not_kept;
pub use clock::{Clock, Monotonic};
pub use dispatch::{Settings, run};
pub use guard::guarded;
pub use linger::{keep_open, leave_behind};
pub use process::{Processes, Script, Session, Watch, exec, hold_signals, take_back_terminal};
pub use record::{Nanos, Observer, Outcome, Record, Run, Usage};
pub use reporter::Reporter;
pub use simulated::{Behaviour, Simulated, VirtualClock};
pub use spawner::{Event, Exit, Line, Spawner};
