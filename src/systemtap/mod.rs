//! systemtap-service: probe scripts as services, with dependencies, options and compiled caches.
//!
//! Scripts and what they require become services and needs of the same graph, plan and wavefront that boot scripts
//! run on; compilations, starts and stops are jobs of one plan (job/). What was read is data, nothing of it is ever
//! run by a shell (config/). How a compiled script is brought to life is up to a back end (backend/).

pub mod backend;
pub mod cache;
pub mod command;
pub mod config;
pub mod console;
pub mod job;
pub mod journal;
pub mod kernel;
pub mod lock;
pub mod modules;
pub mod name;
pub mod onboot;
pub mod options;
pub mod process;
pub mod run;
pub mod scripts;
pub mod select;
pub mod service;
pub mod settings;
pub mod spawn;
pub mod status;
pub mod unit;
pub mod work;

use command::{cleanup, compile, give_up, restart, start, stop};
use service::{Making, Service};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Start scripts.
    Start,
    /// Stop scripts.
    Stop,
    /// Stop and start them again.
    Restart,
    /// The same for what runs.
    Condrestart,
    /// Say what they are doing.
    Status,
    /// Compile them.
    Compile,
    /// Remove what was compiled.
    Cleanup,
    /// Make an initramfs that starts them.
    Onboot,
}

/// A command line.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "one for each switch on the command line")]
pub struct Invocation {
    /// What is to be done.
    pub command: Command,
    /// `-c`.
    pub config: Option<String>,
    /// `-r`.
    pub kernel: Option<String>,
    /// `-R`.
    pub recursive: bool,
    /// `-y`.
    pub yes: bool,
    /// `-o`: an initramfs of this name.
    pub image: Option<String>,
    /// `-b`: keep the initramfs that is there.
    pub backup: bool,
    /// Wait for another command.
    pub wait: bool,
    /// Print JSON.
    pub json: bool,
    /// Print a tree.
    pub tree: bool,
    /// Scripts.
    pub names: Vec<String>,
}

/// Carries out a command; the exit code. `display` may show runs better than plain lines do.
pub fn run(call: &Invocation, display: &Making<'_>) -> u8 {
    let service = match Service::open(call, display) {
        Ok(service) => service,
        Err(trouble) => return give_up(&trouble),
    };
    if let Err(trouble) = service.check_names() {
        // 1 would say something of a script's state.
        return give_up(&trouble).max(if call.command == Command::Status { command::NOT_RUNNING } else { 0 });
    }
    if call.command == Command::Status {
        service.adopt_if_alone();
        return command::status::status(&service);
    }
    // Nobody else has to wait for an answer.
    let agreed = match call.command {
        Command::Compile => compile::agree(&service),
        Command::Cleanup => cleanup::agree(&service),
        _ => Some(Vec::new()),
    };
    let Some(agreed) = agreed else { return command::OK };
    let _lock = match service.lock() {
        Ok(lock) => lock,
        Err(trouble) => return give_up(&trouble),
    };
    service.check_journal();
    match call.command {
        Command::Start => start::start(&service),
        Command::Stop => stop::stop(&service),
        Command::Restart => restart::restart(&service),
        Command::Condrestart => restart::conditionally(&service),
        Command::Compile => compile::compile(&service, &agreed),
        Command::Cleanup => cleanup::cleanup(&service, &agreed),
        Command::Onboot => onboot::onboot(&service),
        Command::Status => unreachable!("BUG: status was dealt with"),
    }
}
