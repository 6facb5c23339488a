//! Random interleavings on the real state machine and on a model too simple to be wrong.
//!
//! The model keeps sets and looks at all of them after every event. Which needs a circle releases is the machine's
//! choice; the model checks that each of them was hopeless, and that no hopeless one is left.

use proptest::prelude::*;
use serel::engine::Engine;
use serel::model::Strength;
use serel::registry::{Batch, Effect, Member, Op, Outcome, Process, Registry, State};
use std::collections::{BTreeMap, BTreeSet};

const SERVICES: usize = 4;
const PROCESSES: usize = 5;

/// What may happen. Processes and services are numbers; a process that has ended is followed by a new one.
#[derive(Debug, Clone)]
enum Happening {
    Provide {
        process: usize,
        service: usize,
        immediate: bool,
    },
    Withdraw {
        process: usize,
        service: usize,
    },
    /// One request for all of them, in this order.
    Need {
        process: usize,
        services: Vec<usize>,
    },
    Exit {
        process: usize,
        success: bool,
    },
    Lost {
        process: usize,
    },
    /// The time of the oldest, or some other, open need is over, or its client was killed.
    Gone {
        which: usize,
    },
    /// A new unit; each script with what it provides.
    Unit {
        scripts: Vec<usize>,
    },
    /// The script comes.
    Come {
        script: usize,
        process: usize,
    },
}

fn happening() -> impl Strategy<Value = Happening> {
    let (process, service) = (0..PROCESSES, 0..SERVICES);
    let both = (process.clone(), service.clone());
    prop_oneof![
        5 => (both.clone(), prop::bool::weighted(0.2)).prop_map(|((process, service), immediate)| {
            Happening::Provide { process, service, immediate }
        }),
        1 => both.clone().prop_map(|(process, service)| Happening::Withdraw { process, service }),
        8 => (process.clone(), prop::collection::vec(service, 1..4))
            .prop_map(|(process, services)| Happening::Need { process, services }),
        3 => (process.clone(), any::<bool>())
            .prop_map(|(process, success)| Happening::Exit { process, success }),
        1 => process.clone().prop_map(|process| Happening::Lost { process }),
        2 => (0..20usize).prop_map(|which| Happening::Gone { which }),
        1 => prop::collection::vec(1..1usize << SERVICES, 0..3)
            .prop_map(|scripts| Happening::Unit { scripts }),
        2 => (0..3usize, process).prop_map(|(script, process)| Happening::Come { script, process }),
    ]
}

#[derive(Debug, Clone, Copy)]
struct Need {
    client: u64,
    /// The process, if it was a provider when it called.
    caller: Option<u32>,
    service: usize,
}

/// The model.
#[derive(Debug, Default)]
struct Model {
    states: [Option<State>; SERVICES],
    /// (process, service): would make it available at its successful end.
    claims: BTreeSet<(u32, usize)>,
    providers: BTreeSet<u32>,
    /// Services of scripts that have not come.
    expected: BTreeMap<usize, BTreeSet<usize>>,
    scripts: Vec<BTreeSet<usize>>,
    complete: bool,
    needs: Vec<Need>,
}

impl Model {
    fn state(&self, service: usize) -> State {
        self.states[service].unwrap_or(State::Stopped)
    }

    fn has_hope(&self, service: usize) -> bool {
        self.claims.iter().any(|(_, claimed)| *claimed == service)
            || self.expected.values().any(|services| services.contains(&service))
    }

    /// Services that may yet become available, or are none of the machine's business.
    fn hopeful(&self) -> BTreeSet<usize> {
        let mut hopeful = BTreeSet::new();
        loop {
            let free = |process: u32| {
                let mut own = self.needs.iter().filter(|need| need.caller == Some(process));
                own.all(|need| hopeful.contains(&need.service))
            };
            let more: Vec<usize> = (0..SERVICES)
                .filter(|service| {
                    self.expected.values().any(|services| services.contains(service))
                        || self.claims.iter().any(|(process, claimed)| claimed == service && free(*process))
                        || !self.has_hope(*service)
                })
                .filter(|service| !hopeful.contains(service))
                .collect();
            if more.is_empty() {
                return hopeful;
            }
            hopeful.extend(more);
        }
    }

    fn become_provider(&mut self, process: u32, services: &[usize], script: Option<usize>) {
        if self.providers.insert(process) {
            let first = |service: usize| {
                self.expected.iter().find(|(_, own)| own.contains(&service)).map(|(place, _)| *place)
            };
            let script = script.or_else(|| services.iter().find_map(|service| first(*service)));
            for service in script.and_then(|place| self.expected.remove(&place)).unwrap_or_default() {
                self.claim(process, service);
            }
        } else if let Some(place) = script {
            self.expected.remove(&place);
        }
    }

    fn claim(&mut self, process: u32, service: usize) {
        self.claims.insert((process, service));
        if self.state(service) != State::Available {
            self.states[service] = Some(State::Starting);
        }
    }

    fn end(&mut self, process: u32, success: bool) {
        self.providers.remove(&process);
        for need in &mut self.needs {
            if need.caller == Some(process) {
                need.caller = None;
            }
        }
        for service in 0..SERVICES {
            if self.claims.remove(&(process, service)) && self.state(service) != State::Available {
                if success {
                    self.states[service] = Some(State::Available);
                } else if !self.has_hope(service) {
                    self.states[service] = Some(State::Failed);
                }
            }
        }
    }

    /// The answers that are due, circles apart: which words may be said to which client. A request is answered when one
    /// of its needs fails, or all are satisfied; a need that was satisfied stays so.
    fn due(&mut self) -> BTreeMap<u64, BTreeSet<&'static str>> {
        let answer = |model: &Model, need: &Need| match model.state(need.service) {
            State::Available => Some("done"),
            State::Failed => Some("failed"),
            _ if model.complete && !model.has_hope(need.service) => Some("nobody"),
            _ => None,
        };
        let mut due: BTreeMap<u64, BTreeSet<&'static str>> = BTreeMap::new();
        let clients: BTreeSet<u64> = self.needs.iter().map(|need| need.client).collect();
        for client in clients {
            let own = self.needs.iter().filter(|need| need.client == client);
            let bad: BTreeSet<_> =
                own.filter_map(|need| answer(self, need)).filter(|word| *word != "done").collect();
            if !bad.is_empty() {
                due.insert(client, bad);
                continue;
            }
            let open: Vec<Need> = self.needs.extract_if(.., |need| need.client == client).collect();
            let open: Vec<Need> = open.into_iter().filter(|need| answer(self, need).is_none()).collect();
            if open.is_empty() {
                due.insert(client, BTreeSet::from(["done"]));
            }
            self.needs.extend(open);
        }
        due
    }
}

/// Both, side by side.
struct Pair {
    engine: Engine,
    registry: Registry,
    model: Model,
    pids: Vec<u32>,
    next_pid: u32,
    next_client: u64,
    now: u64,
}

fn name(service: usize) -> String {
    format!("s{service}")
}

fn services(bits: usize) -> BTreeSet<usize> {
    (0..SERVICES).filter(|service| bits >> service & 1 == 1).collect()
}

impl Pair {
    fn new() -> Self {
        Self {
            engine: Engine::default(),
            registry: Registry::new(),
            model: Model::default(),
            pids: (1..).take(PROCESSES).collect(),
            next_pid: 1000,
            next_client: 0,
            now: 0,
        }
    }

    fn say(&mut self, process: u32, path: Option<String>, ops: Vec<Op>) -> u64 {
        self.next_client += 1;
        let batch = Batch { path, holds: false, ops };
        let speaker = Process { pid: process, birth: 0 };
        self.registry.apply(&mut self.engine, self.next_client, speaker, batch, self.now);
        self.next_client
    }

    /// A process has ended: its place is taken by a new one.
    fn successor(&mut self, place: usize) {
        self.next_pid += 1;
        self.pids[place] = self.next_pid;
    }

    /// Lets it happen in both. Returns the client that may be answered without a need.
    fn happen(&mut self, happening: &Happening) {
        self.now += 1;
        match happening {
            Happening::Provide { process, service, immediate } => {
                let (pid, service) = (self.pids[*process], *service);
                self.model.become_provider(pid, &[service], None);
                self.model.claim(pid, service);
                if *immediate {
                    self.model.states[service] = Some(State::Available);
                    self.model.claims.remove(&(pid, service));
                }
                let op = Op::Provide { service: name(service), immediate: *immediate };
                self.say(pid, None, vec![op]);
            }
            Happening::Withdraw { process, service } => {
                let (pid, service) = (self.pids[*process], *service);
                if self.model.providers.contains(&pid) {
                    self.model.claims.remove(&(pid, service));
                }
                let starting = self.model.claims.iter().any(|(_, claimed)| *claimed == service);
                self.model.states[service] = Some(if starting { State::Starting } else { State::Stopped });
                self.say(pid, None, vec![Op::Withdraw { service: name(service) }]);
            }
            Happening::Need { process, services } => {
                let pid = self.pids[*process];
                let need = |service: &usize| Op::Need { service: name(*service), strength: Strength::Need };
                let caller = self.model.providers.contains(&pid).then_some(pid);
                let client = self.next_client + 1;
                let needs = services.iter().map(|service| Need { client, caller, service: *service });
                self.model.needs.extend(needs);
                assert_eq!(self.say(pid, None, services.iter().map(need).collect()), client);
            }
            Happening::Exit { process, success } => {
                let pid = self.pids[*process];
                let known = self.registry.exited(&mut self.engine, pid, *success, self.now);
                assert_eq!(known, self.model.providers.contains(&pid));
                self.model.end(pid, *success);
                self.successor(*process);
            }
            Happening::Lost { process } => {
                let pid = self.pids[*process];
                self.registry.died(Process { pid, birth: 0 }, self.now);
                // Longer than anybody waits for its status.
                self.now += 3_600_000_000_000;
                self.registry.expire(&mut self.engine, self.now);
                self.model.end(pid, false);
                self.successor(*process);
            }
            Happening::Gone { which } => {
                if !self.model.needs.is_empty() {
                    let client = self.model.needs[which % self.model.needs.len()].client;
                    self.model.needs.retain(|need| need.client != client);
                    self.registry.gone(&mut self.engine, client, self.now);
                }
            }
            Happening::Unit { scripts } => {
                self.model.expected.clear();
                self.model.scripts = scripts.iter().map(|bits| services(*bits)).collect();
                self.model.expected.extend(self.model.scripts.iter().cloned().enumerate());
                self.model.complete = true;
                for service in self.model.scripts.iter().flatten() {
                    if self.model.states[*service] == Some(State::Failed) {
                        self.model.states[*service] = Some(State::Stopped);
                    }
                }
                let members = self.model.scripts.iter().enumerate().map(|(place, own)| Member {
                    paths: vec![format!("/script{place}")],
                    provides: own.iter().map(|service| name(*service)).collect(),
                    ..Member::default()
                });
                let members = members.collect();
                self.registry.begin_unit(&mut self.engine);
                self.registry.add_members(&mut self.engine, members).unwrap();
                self.registry.complete_unit(&mut self.engine, self.now);
            }
            Happening::Come { script, process } => {
                let pid = self.pids[*process];
                if let Some(own) = self.model.scripts.get(*script).cloned() {
                    let own: Vec<usize> = own.into_iter().collect();
                    let expected = self.model.expected.contains_key(script).then_some(*script);
                    self.model.become_provider(pid, &own, expected);
                    for service in own {
                        self.model.claim(pid, service);
                    }
                }
                self.say(pid, Some(format!("/script{script}")), Vec::new());
            }
        }
    }

    /// Takes the answers of the machine and compares them with what is due.
    fn compare(&mut self) {
        let callers: BTreeMap<u64, Option<u32>> =
            self.model.needs.iter().map(|need| (need.client, need.caller)).collect();
        let mut due = self.model.due();
        let hopeful = self.model.hopeful();
        while let Some(effect) = self.registry.next_effect() {
            let Effect::Reply(client, reply) = effect else { continue };
            let Some(caller) = callers.get(&client) else { continue };
            let word = match &reply.outcome {
                Outcome::Done => "done",
                Outcome::Failed { .. } => "failed",
                Outcome::Nobody { .. } => "nobody",
                Outcome::Circle { .. } => {
                    assert!(caller.is_some(), "only providers can be on a circle");
                    let mut own = self.model.needs.iter().filter(|need| need.client == client);
                    assert!(own.any(|need| !hopeful.contains(&need.service)), "there was hope: {reply:?}");
                    assert!(reply.words.iter().any(|words| words.contains("needs")), "{reply:?}");
                    // Another of its needs may have failed in the same moment; that it goes on would be wrong.
                    assert!(due.remove(&client).is_none_or(|words| !words.contains("done")));
                    self.model.needs.retain(|need| need.client != client);
                    continue;
                }
                other => panic!("{other:?}"),
            };
            let words = due.remove(&client).unwrap_or_else(|| panic!("{reply:?} to {client} is not due"));
            assert!(words.contains(word), "{reply:?} is none of {words:?}");
            self.model.needs.retain(|need| need.client != client);
        }
        assert!(due.is_empty(), "lost wake-ups: {due:?}");
        assert!(self.model.due().is_empty());
        let hopeful = self.model.hopeful();
        let stuck: Vec<&Need> =
            self.model.needs.iter().filter(|need| !hopeful.contains(&need.service)).collect();
        assert!(stuck.is_empty(), "left behind: {stuck:?}");
        for row in self.registry.service_rows(&self.engine, None, self.now) {
            let service: usize = row.name[1..].parse().unwrap();
            assert_eq!(row.state, self.model.state(service), "{}", row.name);
            let needers = self.model.needs.iter().filter(|need| need.service == service).count();
            assert_eq!(row.needers as usize, needers);
        }
        assert_eq!(self.registry.waiting_rows(&self.engine, self.now).len(), self.model.needs.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn the_machine_does_what_the_model_says(happenings in prop::collection::vec(happening(), 1..60)) {
        let mut pair = Pair::new();
        for happening in &happenings {
            pair.happen(happening);
            pair.compare();
        }
        // All end, and nobody will come any more: nobody may be left waiting.
        for process in 0..PROCESSES {
            pair.happen(&Happening::Exit { process, success: process % 2 == 0 });
            pair.compare();
        }
        pair.happen(&Happening::Unit { scripts: Vec::new() });
        pair.compare();
        prop_assert!(pair.model.needs.is_empty());
    }
}
