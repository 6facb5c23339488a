//! The synchronisation primitives under load: sereld against a bare server, serelc against `/bin/true`.

mod crowd;
mod latency;
mod server;
mod startup;

use crate::support::Effort;
use serel::model::Strength;
use serel::registry::{Batch, Op};
use serel::registry::{Query, Request};

/// What all wait for.
const GATE: &str = "gate";

pub(crate) fn bench(effort: Effort) {
    crowd::bench(effort);
    latency::bench(effort);
    startup::bench(effort);
}

fn say(op: Op) -> Request {
    Request::Say { pid: std::process::id(), batch: Batch { ops: vec![op], ..Batch::default() } }
}

fn need() -> Request {
    say(Op::Need { service: GATE.into(), strength: Strength::Need })
}

fn provide() -> Request {
    say(Op::Provide { service: GATE.into(), immediate: true })
}

fn question() -> Request {
    Request::Query(Query::Service(GATE.into()))
}
