//! One request of a client, carried out: the same for a daemon and for a run.

use super::request::speaker;
use super::{ClientId, Effect, Nanos, Parentage, Query, Registry, Reply, Request, Response};
use crate::engine::Engine;

impl Registry {
    /// Carries out a request of the process `caller`; its answer is an effect, at once or later. What a request to stop means is the owner's
    /// business: here it is refused.
    pub fn serve(
        &mut self,
        engine: &mut Engine,
        client: ClientId,
        (caller, parentage): (u32, Parentage),
        request: Request,
        now: Nanos,
    ) {
        log::debug!("process {caller}: {request:?}");
        let answer = match request {
            Request::Say { pid, batch } => {
                let has_families = self.driven || !self.held.is_empty();
                match speaker(caller, pid, parentage, has_families, |pid| self.family(pid)) {
                    Ok(speaker) => return self.apply(engine, client, speaker, batch, now),
                    Err(why) => Reply::refused(why),
                }
            }
            Request::Status { pid, status } => {
                let mut reply = Reply::done();
                if !self.exited(engine, pid, status == 0, now) {
                    reply.words.push(format!("nobody waits for the end of process {pid}"));
                }
                reply
            }
            Request::Unit { .. } | Request::Stop if self.driven => {
                Reply::refused("this is a run of serelrc: it has its unit, and ends by itself")
            }
            Request::Unit { begin, members, complete } => {
                if begin {
                    self.begin_unit(engine);
                }
                match self.add_members(engine, members) {
                    Err(why) => Reply::invalid(why),
                    Ok(()) => {
                        if complete {
                            self.complete_unit(engine, now);
                        }
                        Reply::done()
                    }
                }
            }
            Request::Query(query) => {
                for rows in self.answer(engine, &query, now) {
                    self.effects.push_back(Effect::Rows(client, rows));
                }
                Reply::done()
            }
            Request::Stop => Reply::refused("it cannot be stopped"),
        };
        self.effects.push_back(Effect::Reply(client, answer));
    }

    fn answer(&self, engine: &Engine, query: &Query, now: Nanos) -> Vec<Response> {
        match query {
            Query::Services => Response::rows(&self.service_rows(engine, None, now), Response::Services),
            Query::Service(name) => {
                Response::rows(&self.service_rows(engine, Some(name), now), Response::Services)
            }
            Query::Waiting => Response::rows(&self.waiting_rows(engine, now), Response::Waiting),
            Query::Graph => Response::rows(&self.edge_rows(engine), Response::Edges),
        }
    }
}
