//! The way from the dispatcher to the observer: a bounded channel and a thread, so that a console that blocks (a
//! serial line, Ctrl-S) never delays a completion.
//!
//! What the channel has no room for waits in the dispatcher's own backlog, in order. At the end the observer gets a
//! few seconds to catch up; a console that is stuck for good does not hold the boot.

use super::spawner::Line;
use super::{Nanos, Observer, Record};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use std::collections::VecDeque;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::clock::{Clock, Monotonic};
use crate::model::JobId;

/// Messages on their way.
const ROOM: usize = 1024;
/// Messages that wait for a slow console before output is dropped; ends of jobs never are.
const BACKLOG: usize = 16 * 1024;
/// Between two ticks of a live display.
const TICK: Duration = Duration::from_millis(100);
/// How long a stuck console may hold a job that is to have it.
const HANDOVER: Duration = Duration::from_secs(3);
/// How long a stuck console may hold the end of a run.
const PATIENCE: Duration = Duration::from_secs(15);

enum Told {
    Started(JobId, Nanos),
    /// A job gets the console; the sender is dropped when the observer has let go of it.
    Alone(JobId, Nanos, Sender<()>),
    Output(JobId, Vec<Line>),
    Ended(Record),
    Say(String),
}

/// The dispatcher's end.
pub struct Reporter {
    told: Option<Sender<Told>>,
    backlog: VecDeque<Told>,
    closed: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Reporter {
    /// Starts the observer's thread. When even a thread cannot be had, the run goes on unwatched.
    pub fn new(observer: Box<dyn Observer>) -> Self {
        let (told, hears) = bounded(ROOM);
        let (closing, closed) = bounded(1);
        let thread =
            std::thread::Builder::new().name("reporter".into()).stack_size(256 * 1024).spawn(move || {
                watch(&hears, observer);
                let _ = closing.send(());
            });
        let thread = thread.ok();
        Self { told: thread.is_some().then_some(told), backlog: VecDeque::new(), closed, thread }
    }

    /// Nobody watches.
    pub fn silent() -> Self {
        Self { told: None, backlog: VecDeque::new(), closed: crossbeam_channel::never(), thread: None }
    }

    /// A job is about to be started. One that gets the console has it when this returns, or the observer is stuck.
    pub fn started(&mut self, job: JobId, at: Nanos, alone: bool) {
        if !alone {
            return self.tell(Told::Started(job, at));
        }
        let (told, letting_go) = bounded(0);
        self.tell(Told::Alone(job, at, told));
        let until = Instant::now() + HANDOVER;
        while self.told.is_some() && !self.backlog.is_empty() && Instant::now() < until {
            let _ = letting_go.recv_timeout(TICK);
            self.flush();
        }
        let _ = letting_go.recv_deadline(until);
    }

    /// A job wrote lines. Lost when the console is so far behind that they would fill the memory.
    pub fn output(&mut self, job: JobId, lines: Vec<Line>) {
        if !lines.is_empty() && self.backlog.len() < BACKLOG {
            self.tell(Told::Output(job, lines));
        }
    }

    /// A job has ended.
    pub fn ended(&mut self, record: Record) {
        self.tell(Told::Ended(record));
    }

    /// Something that the operator must know at once.
    pub fn say(&mut self, text: String) {
        self.tell(Told::Say(text));
    }

    /// Tells the observer the rest, lets go of it and waits for that, within reason. False when it was stuck.
    pub fn close(mut self) -> bool {
        let Some(told) = self.told.take() else { return false };
        // One deadline for all of it: a slow console must not hold the end of a boot line by line.
        let until = Instant::now() + PATIENCE;
        for message in self.backlog.drain(..) {
            if told.send_deadline(message, until).is_err() {
                return false;
            }
        }
        drop(told);
        let closed = self.closed.recv_deadline(until).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| closed) {
            let _ = thread.join();
        }
        closed
    }

    fn tell(&mut self, message: Told) {
        self.backlog.push_back(message);
        self.flush();
    }

    /// Hands over as much of the backlog as there is room for.
    fn flush(&mut self) {
        let Some(told) = &self.told else {
            self.backlog.clear();
            return;
        };
        while let Some(message) = self.backlog.pop_front() {
            match told.try_send(message) {
                Ok(()) => {}
                Err(TrySendError::Full(message)) => {
                    self.backlog.push_front(message);
                    return;
                }
                Err(TrySendError::Disconnected(_)) => self.backlog.clear(),
            }
        }
    }
}

/// The observer's thread.
fn watch(hears: &Receiver<Told>, mut observer: Box<dyn Observer>) {
    let ticking = observer.wants_ticks();
    loop {
        let heard = if ticking {
            hears.recv_timeout(TICK)
        } else {
            hears.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match heard {
            Ok(Told::Started(job, at)) => observer.started(job, at, false),
            Ok(Told::Alone(job, at, told)) => {
                observer.started(job, at, true);
                drop(told);
            }
            Ok(Told::Output(job, lines)) => {
                for (at, line) in &lines {
                    observer.output(job, line, *at);
                }
            }
            Ok(Told::Ended(record)) => observer.ended(&record),
            Ok(Told::Say(text)) => observer.say(&text),
            Err(RecvTimeoutError::Timeout) => observer.tick(Monotonic.now()),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
