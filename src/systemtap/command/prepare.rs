//! From scripts to jobs: what has to be compiled, started, stopped, and what each waits for.

use super::{FAILED, LOOP, NOT_INSTALLED};
use crate::plan::Plan;
use crate::systemtap::cache::Record;
use crate::systemtap::job::{Compile, Failure, Mode, Start, Stop, Task};
use crate::systemtap::modules::Modules;
use crate::systemtap::name;
use crate::systemtap::scripts::Script;
use crate::systemtap::select::{dependents, with_requirements};
use crate::systemtap::service::{Service, Trouble, say};
use crate::systemtap::settings::Runtime;
use crate::systemtap::status::State;
use crate::systemtap::unit::{self, Job, Kind, Wait, written};
use crate::systemtap::work::make_directory;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Whether a script needs to be compiled before it can be started.
pub enum Need {
    /// Its cache is good, or there is nothing else.
    None,
    /// It has to be, for this reason.
    Compile(Record, String),
    /// It cannot be started.
    Failure(Failure),
}

/// Whether a script has a valid cache.
pub fn need(service: &Service<'_>, script: &Script) -> Need {
    if let Some(fault) = name::fault(&script.name) {
        return Need::Failure(Failure::new(format!("{} {fault}", script.name)));
    }
    if let Some(fault) = service.collision(&script.name) {
        return Need::Failure(Failure::new(fault));
    }
    let options = match &script.options {
        Ok(options) => options,
        Err(why) => {
            let reason = format!("its options cannot be used: {why}");
            return Need::Failure(Failure { code: 2, reason });
        }
    };
    for warning in &options.warnings {
        service.warn(&format!("{}_OPT: {warning}", script.name));
    }
    if let Some(fault) = script.fault() {
        return Need::Failure(Failure::new(fault));
    }
    let file = script.source.display();
    if !script.is_there() {
        if !service.settings.allow_cacheonly {
            return Need::Failure(Failure::new(format!("no script file({file}).")));
        }
        let object = service.cache.object(&script.name, script.runtime);
        if let Err(why) = service.cache.read(&object) {
            let reason = format!("no script file({file}), and no compiled one ({}): {why}", object.display());
            return Need::Failure(Failure::new(reason));
        }
        service.journal.write(&format!("Warning: no script file({file}). Use compiled cache."));
        return Need::None;
    }
    let record = record(service, script, options.line());
    match service.cache.check(&script.name, script.runtime, &script.source, &record) {
        Ok(()) => Need::None,
        Err(why) if service.settings.autocompile => Need::Compile(record, why),
        Err(why) => Need::Failure(Failure::new(format!("No valid cache for {}: {why}", script.name))),
    }
}

/// What a script would be compiled from now.
pub fn record(service: &Service<'_>, script: &Script, options: String) -> Record {
    Record {
        object: String::new(),
        kernel: service.whole_kernel(),
        stap: service.stap_version().map(str::to_owned),
        script: std::fs::read(&script.source).ok().map(|bytes| blake3::hash(&bytes).to_hex().to_string()),
        options,
    }
}

/// A job that compiles a script.
pub fn compilation(service: &Service<'_>, script: &Script, record: Record) -> Job {
    let object = service.cache.object(&script.name, script.runtime);
    let task = match (service.settings.tool("STAP"), service.work(), &script.options) {
        (Err(reason), ..) => Task::Fail(Failure { code: NOT_INSTALLED, reason }),
        (_, Err(why), _) => Task::Fail(Failure::new(why)),
        (.., Err(why)) => Task::Fail(Failure { code: 2, reason: why.clone() }),
        (Ok(stap), Ok(work), Ok(options)) => {
            let kernel = service.kernel.build_tree(&service.settings);
            let kernel = kernel.map(|tree| tree.display().to_string());
            Task::Compile(Box::new(Compile {
                name: script.name.clone(),
                source: script.source.clone(),
                runtime: script.runtime,
                stap,
                kernel: kernel.unwrap_or_else(|| service.kernel.release.clone()),
                options: options.compile.clone(),
                arguments: options.arguments.clone(),
                work: work.join(format!("compile-{}", script.name)),
                cache: service.cache.clone(),
                record,
                build_key: options.build_key().into_iter().map(str::to_owned).collect(),
                systemtap_dir: service.settings.cache_path.join(".systemtap"),
                journal: service.journal.clone(),
            }))
        }
    };
    Job::new(Kind::Compile, &script.name, object.display().to_string(), Some(task))
}

/// Lets one compilation of each kind go first: it makes what stap keeps of a kernel, which the others then share
/// instead of each making it again. Where that is there already, nobody waits.
pub fn elect_leaders(jobs: &mut [Job]) {
    let mut leaders: HashMap<(Runtime, Vec<String>), String> = HashMap::new();
    for job in jobs.iter_mut() {
        // One that will not compile anything leads nobody.
        let Some(Task::Compile(compile)) = &job.task else { continue };
        if compile.has_learned() {
            continue;
        }
        let key = (compile.runtime, compile.build_key.clone());
        match leaders.get(&key) {
            Some(leader) => {
                let leader = leader.clone();
                job.wait(Kind::Compile, &leader, true);
            }
            None => _ = leaders.insert(key, job.name.clone()),
        }
    }
}

/// The jobs that start scripts, compilations among them, in the order given. `afresh`: those that run are started
/// again.
pub fn starts(service: &Service<'_>, names: &[String], afresh: bool) -> Vec<Job> {
    let state = service.states();
    let mut jobs = Vec::new();
    for name in names {
        let script = service.scripts().get(name);
        let mut job = Job::new(Kind::Start, name, script.source.display().to_string(), None);
        let running = matches!(state(name), State::Running(_));
        if afresh || !running {
            let need = need(service, &script);
            let task = if let Need::Failure(failure) = need {
                Task::Fail(failure)
            } else {
                let task = start(service, &script);
                // What cannot be started is not compiled for it.
                if let (Need::Compile(record, why), Task::Start(_)) = (need, &task) {
                    service.journal.write(&format!("{name} is compiled: its cache is stale: {why}"));
                    jobs.push(compilation(service, &script, record));
                    job.wait(Kind::Compile, name, false);
                }
                task
            };
            job.task = Some(task);
        }
        require(service, &mut job);
        jobs.push(job);
    }
    elect_leaders(&mut jobs);
    jobs
}

/// Lets a start wait for those of the scripts that it requires.
fn require(service: &Service<'_>, job: &mut Job) {
    let (required, variable) = service.scripts().requires(&job.name);
    for name in required {
        let written = written(&service.config, variable);
        job.waits.push(Wait { kind: Kind::Start, name: name.to_owned(), order_only: false, written });
    }
}

/// What starts a script that has a valid cache.
fn start(service: &Service<'_>, script: &Script) -> Task {
    let settings = &service.settings;
    let parameter = match script.runtime {
        Runtime::Kernel => "STAPRUN",
        Runtime::Bpf => "STAPBPF",
    };
    let options = match &script.options {
        Ok(options) => options,
        Err(why) => return Task::Fail(Failure { code: 2, reason: why.clone() }),
    };
    let (runner, work) = match (settings.tool(parameter), service.work()) {
        (Ok(runner), Ok(work)) => (runner, work),
        (Err(reason), _) => return Task::Fail(Failure { code: NOT_INSTALLED, reason }),
        (_, Err(why)) => return Task::Fail(Failure::new(why)),
    };
    let mode = match (script.runtime, options.command, &options.output) {
        (Runtime::Bpf, ..) | (_, true, _) => Mode::Kept,
        (_, _, Some(_)) => Mode::Daemon,
        (_, _, None) => Mode::Memory,
    };
    let mut words = options.run.clone();
    if script.runtime == Runtime::Bpf {
        without_buffer(&mut words);
    }
    Task::Start(Box::new(Start {
        name: script.name.clone(),
        runtime: script.runtime,
        mode,
        runner,
        staprun: settings.tool("STAPRUN").ok(),
        options: words,
        uprobes: options.uprobes,
        output: options.output.is_some(),
        cache: service.cache.clone(),
        work: work.join(format!("start-{}", script.name)),
        status: service.status.clone(),
        bpf_run_path: settings.bpf_run_path.clone(),
        bpf_log_path: settings.bpf_log_path.clone(),
        journal: service.journal.clone(),
    }))
}

/// BPF programs have no buffer whose size could be set.
fn without_buffer(words: &mut Vec<String>) {
    if let Some(at) = words.iter().position(|word| word == "-b") {
        words.drain(at..(at + 2).min(words.len()));
    }
}

/// The jobs that stop scripts: each after those of the set that require it, and after those whose modules use its own,
/// though no configuration may say so (that of an initramfs is not here).
pub fn stops(service: &Service<'_>, names: &[String]) -> Vec<Job> {
    let dependents = dependents(service.scripts(), names);
    let modules = Modules::read(&service.status.proc);
    let stopped: HashSet<&str> = names.iter().map(String::as_str).collect();
    let mut jobs = Vec::new();
    for name in names {
        let task = Stop {
            name: name.clone(),
            object: service.cache.object(name, Runtime::Kernel),
            staprun: service.settings.tool("STAPRUN").ok(),
            status: service.status.clone(),
            journal: service.journal.clone(),
        };
        let file = service.status.directory.join(name).display().to_string();
        let mut job = Job::new(Kind::Stop, name, file, Some(Task::Stop(Box::new(task))));
        for dependent in dependents.get(name.as_str()).into_iter().flatten() {
            let (_, variable) = service.scripts().requires(dependent);
            let written = written(&service.config, variable);
            job.waits.push(Wait {
                kind: Kind::Stop,
                name: (*dependent).to_owned(),
                order_only: false,
                written,
            });
        }
        let written: HashSet<&str> = dependents.get(name.as_str()).into_iter().flatten().copied().collect();
        let holders = modules.holders(name).iter().filter(|holder| stopped.contains(holder.as_str()));
        let holders: Vec<&String> = holders.filter(|holder| !written.contains(holder.as_str())).collect();
        if !holders.is_empty() {
            // What is written counts, also if it is the other way round.
            let required = with_requirements(service.scripts(), std::slice::from_ref(name));
            let required: HashSet<&String> = required.iter().collect();
            for holder in holders.into_iter().filter(|holder| !required.contains(holder)) {
                job.wait(Kind::Stop, holder, true);
            }
        }
        jobs.push(job);
    }
    jobs
}

/// The plan of jobs. Errors, with all that is to be said, when scripts require each other in a circle.
pub fn plan(service: &Service<'_>, jobs: &[Job]) -> Result<Plan, Trouble> {
    let (plan, circles) = unit::plan(jobs);
    let odd: Vec<_> = jobs
        .iter()
        .filter(|job| job.kind == Kind::Start)
        .filter_map(|job| service.scripts().odd_requirement(&job.name))
        .collect();
    say(&odd);
    if circles.is_empty() {
        return Ok(plan);
    }
    say(&circles);
    for circle in &circles {
        service.journal.write(&format!("Error: {}", circle.text));
    }
    Err(Trouble { code: LOOP, text: "Failed to sort dependency".to_owned() })
}

/// Makes the directory of compiled scripts.
pub fn make_cache(service: &Service<'_>) -> Result<(), Trouble> {
    let directory: &Path = &service.cache.directory;
    let failed = |why: String| {
        let text = format!("Failed to make cache directory ({}): {why}", directory.display());
        Trouble { code: FAILED, text }
    };
    make_directory(directory).map_err(|error| failed(error.to_string()))?;
    service.cache.fault().map_or(Ok(()), |text| Err(Trouble { code: FAILED, text }))
}
