//! What is said to people, and the bounds; the rules themselves are checked against a model in tests/registry.

use super::*;

struct Desk {
    engine: Engine,
    registry: Registry,
}

impl Desk {
    fn new() -> Self {
        Self { engine: Engine::default(), registry: Registry::new() }
    }

    fn say(&mut self, client: ClientId, pid: u32, ops: Vec<Op>) -> Option<Reply> {
        let batch = Batch { path: None, holds: false, ops };
        self.registry.apply(&mut self.engine, client, Process { pid, birth: 1 }, batch, 0);
        self.replies().into_iter().find(|(to, _)| *to == client).map(|(_, reply)| reply)
    }

    fn replies(&mut self) -> Vec<(ClientId, Reply)> {
        let effects = std::iter::from_fn(|| self.registry.next_effect());
        effects
            .filter_map(|effect| match effect {
                Effect::Reply(client, reply) => Some((client, reply)),
                _ => None,
            })
            .collect()
    }
}

fn provide(service: &str) -> Op {
    Op::Provide { service: service.into(), immediate: false }
}

fn need(service: &str, strength: Strength) -> Op {
    Op::Need { service: service.into(), strength }
}

#[test]
fn a_second_provider_is_told_and_takes_over() {
    let mut desk = Desk::new();
    desk.say(1, 11, vec![provide("mta")]);
    let second = desk.say(2, 12, vec![provide("mta")]).unwrap();
    assert_eq!(second.outcome, Outcome::Done);
    assert_eq!(second.words, ["mta is being started by process 11 already; standing by"]);
    assert_eq!(desk.say(3, 13, vec![need("mta", Strength::Need)]), None);
    desk.registry.exited(&mut desk.engine, 11, false, 5);
    assert_eq!(desk.replies(), []);
    assert_eq!(desk.registry.service_rows(&desk.engine, None, 5)[0].pid, Some(12));
    desk.registry.exited(&mut desk.engine, 12, true, 6);
    assert_eq!(desk.replies(), [(3, Reply::done())]);
    assert_eq!(desk.say(4, 14, vec![provide("mta")]).unwrap().words, ["mta is available already"]);
}

#[test]
fn a_need_that_is_satisfied_at_once_takes_nothing_from_the_one_behind_it() {
    let mut desk = Desk::new();
    let now = Op::Provide { service: "a".into(), immediate: true };
    desk.say(1, 11, vec![now, provide("b"), provide("c")]);
    let both = vec![need("a", Strength::Need), need("b", Strength::Need)];
    assert_eq!(desk.say(2, 12, both), None, "b is not there");
    let failed = vec![need("nothing", Strength::Order), need("a", Strength::Need), need("c", Strength::Need)];
    desk.registry.complete_unit(&mut desk.engine, 1);
    assert_eq!(desk.say(3, 13, failed), None, "c is not there");
    desk.registry.exited(&mut desk.engine, 11, true, 5);
    let nobody = Reply { words: vec!["nobody provides nothing".into()], ..Reply::done() };
    assert_eq!(desk.replies(), [(2, Reply::done()), (3, nobody)]);
}

#[test]
fn many_needs_end_in_any_order() {
    const MANY: usize = 300;
    let mut desk = Desk::new();
    let name = |n: usize| format!("s{n}");
    // The caller has a job, so that its calls stand in the job's list, too.
    let mut all = vec![provide("own")];
    all.extend((0..MANY).map(|n| need(&name(n), Strength::Need)));
    assert_eq!(desk.say(1, 11, all), None);
    for n in 0..MANY {
        // 7 and 300 have no common divisor: each once.
        let ops = vec![Op::Provide { service: name(n * 7 % MANY), immediate: true }];
        assert_eq!(desk.registry.waiting_rows(&desk.engine, 0).len(), MANY - n);
        let batch = Batch { ops, ..Batch::default() };
        desk.registry.apply(&mut desk.engine, 2, Process { pid: 12, birth: 1 }, batch, 0);
        let told: Vec<_> = desk.replies().into_iter().filter(|(client, _)| *client == 1).collect();
        assert_eq!(told, if n + 1 < MANY { vec![] } else { vec![(1, Reply::done())] }, "{n}");
    }
    assert_eq!(desk.registry.waiting_rows(&desk.engine, 0), []);
}

#[test]
fn the_whole_circle_is_named() {
    let mut desk = Desk::new();
    for (client, pid, own) in [(1, 11, "a"), (2, 12, "b"), (3, 13, "c")] {
        desk.say(client, pid, vec![provide(own)]);
    }
    assert_eq!(desk.say(4, 11, vec![need("b", Strength::Need)]), None);
    assert_eq!(desk.say(5, 12, vec![need("c", Strength::Need)]), None);
    assert_eq!(desk.say(6, 99, vec![need("a", Strength::Need)]), None);
    desk.registry.apply(
        &mut desk.engine,
        7,
        Process { pid: 13, birth: 1 },
        Batch { ops: vec![need("a", Strength::Need)], ..Batch::default() },
        0,
    );
    let mut replies = desk.replies();
    replies.sort_by_key(|(client, _)| *client);
    let clients: Vec<ClientId> = replies.iter().map(|(client, _)| *client).collect();
    assert_eq!(clients, [4, 5, 7], "who waits for the circle from outside goes on waiting");
    let words = &replies[0].1.words[0];
    assert!(words.starts_with("b waits for us: "), "{words}");
    for link in ["a (process 11) needs b", "b (process 12) needs c", "c (process 13) needs a"] {
        assert!(words.contains(link), "{words}");
    }
}

#[test]
fn an_order_is_satisfied_by_any_end_and_the_first_failed_need_ends_a_batch() {
    let mut desk = Desk::new();
    desk.say(1, 11, vec![provide("a"), provide("b")]);
    desk.say(2, 12, vec![provide("c")]);
    let needs = vec![need("a", Strength::Order), need("c", Strength::Need)];
    assert_eq!(desk.say(3, 13, needs), None);
    let needs = vec![need("b", Strength::Need), need("c", Strength::Need)];
    assert_eq!(desk.say(4, 14, needs), None);
    desk.registry.exited(&mut desk.engine, 11, false, 0);
    let failed = Reply { outcome: Outcome::Failed { service: "b".into() }, words: vec!["b failed".into()] };
    assert_eq!(desk.replies(), [(4, failed)]);
    assert_eq!(desk.registry.waiting_rows(&desk.engine, 0).len(), 1);
    desk.registry.exited(&mut desk.engine, 12, true, 0);
    assert_eq!(desk.replies()[0].1.outcome, Outcome::Done);
}

#[test]
fn a_connection_that_stands_for_a_process_ends_it() {
    let mut desk = Desk::new();
    let batch = Batch { path: None, holds: true, ops: vec![provide("a")] };
    desk.registry.apply(&mut desk.engine, 1, Process { pid: 11, birth: 1 }, batch, 0);
    assert_eq!(desk.registry.next_effect(), Some(Effect::Reply(1, Reply::done())), "and no watch");
    assert_eq!(desk.registry.family(11), Some(Process { pid: 11, birth: 1 }));
    desk.registry.gone(&mut desk.engine, 1, 0);
    assert_eq!(desk.registry.family(11), None);
    assert_eq!(desk.registry.service_rows(&desk.engine, None, 0)[0].state, State::Failed);
}

#[test]
fn a_unit_being_stopped_waits_for_stops() {
    let mut desk = Desk::new();
    desk.say(1, 11, vec![Op::Provide { service: "net".into(), immediate: true }]);
    let member = |own: &str, before: &[&str]| Member {
        paths: vec![format!("/K{own}")],
        provides: vec![stop_of(own)],
        withdraws: vec![own.into()],
        needs: before.iter().map(|s| (stop_of(s), Strength::Order)).collect(),
    };
    let engine = &mut desk.engine;
    desk.registry.begin_unit(engine);
    desk.registry.add_members(engine, vec![member("net", &["web"]), member("web", &[])]).unwrap();
    desk.registry.complete_unit(engine, 0);
    let come = |desk: &mut Desk, client, pid, path: &str| {
        let batch = Batch { path: Some(path.into()), ..Batch::default() };
        desk.registry.apply(&mut desk.engine, client, Process { pid, birth: 1 }, batch, 0);
        desk.replies()
    };
    assert_eq!(come(&mut desk, 2, 12, "/Knet"), []);
    assert_eq!(desk.registry.waiting_rows(&desk.engine, 0)[0].service, "the stop of web");
    assert_eq!(come(&mut desk, 3, 13, "/Kweb")[0].1.outcome, Outcome::Done);
    desk.registry.exited(&mut desk.engine, 13, true, 0);
    assert_eq!(desk.replies()[0].0, 2);
    let rows = desk.registry.service_rows(&desk.engine, None, 0);
    assert!(rows.iter().all(|row| row.state == State::Stopped), "{rows:?}");
    assert_eq!(come(&mut desk, 4, 14, "/none")[0].1.outcome, Outcome::UnknownPath);
}

#[test]
fn names_are_checked_and_counted() {
    let mut desk = Desk::new();
    for bad in ["", "a b", "a/b", "--x", "-", &"x".repeat(300)] {
        let reply = desk.say(1, 11, vec![provide("fine"), provide(bad)]).unwrap();
        assert_eq!(reply.outcome, Outcome::Invalid, "{bad:?}");
    }
    assert!(desk.registry.service_rows(&desk.engine, None, 0).is_empty(), "nothing was done");
    let many = (0..=names::MOST_NAMES).map(|n| need(&format!("n{n}"), Strength::Need)).collect();
    assert_eq!(desk.say(2, 12, many).unwrap().outcome, Outcome::Invalid);
}

#[test]
fn processes_that_come_and_go_leave_nothing_behind() {
    let mut desk = Desk::new();
    for pid in 1..10_000 {
        desk.say(1, pid, vec![provide("a")]);
        desk.say(2, pid, vec![need("b", Strength::Need)]);
        desk.registry.gone(&mut desk.engine, 2, 0);
        desk.registry.exited(&mut desk.engine, pid, pid % 2 == 0, 0);
    }
    assert_eq!(desk.registry.seats.len(), 1);
    assert!(desk.registry.by_pid.is_empty() && desk.registry.calls.is_empty());
}
