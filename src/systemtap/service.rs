//! What every command stands on: the configuration read, the kernel known, directories made, the lock held.

use super::cache::Cache;
use super::config::{Config, DEFAULT_FILE};
use super::journal::Journal;
use super::kernel::Kernel;
use super::lock::Lock;
use super::modules::Modules;
use super::process::pause;
use super::scripts::Scripts;
use super::settings::{self, Settings, presets};
use super::status::{State, Status};
use super::work::{Work, make_directory};
use super::{Invocation, name};
use crate::definition::diagnostic::{Diagnostic, Severity};
use crate::definition::trust;
use crate::model::{IdVec, JobId};
use crate::plan::Plan;
use crate::root::Root;
use crate::wavefront::Observer;
use nix::sys::signal::{Signal, killpg};
use nix::sys::utsname::uname;
use nix::syslog::Severity as Urgency;
use nix::unistd::Pid;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long stap may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks.
const STEP: Duration = Duration::from_millis(5);

/// What is wrong with the ground on which commands stand; the exit code and the words.
#[derive(Debug)]
pub struct Trouble {
    /// Exit code.
    pub code: u8,
    /// What to say.
    pub text: String,
}

/// The service.
pub struct Service<'i> {
    /// What was asked for.
    pub call: &'i Invocation,
    /// The global file.
    pub config_file: String,
    /// What files say.
    pub config: Config,
    /// What holds for all scripts.
    pub settings: Settings,
    /// For which kernel; its build tree is looked at when something is compiled or checked.
    pub kernel: Kernel,
    /// Compiled scripts.
    pub cache: Cache,
    /// Status files.
    pub status: Status,
    /// The log.
    pub journal: Journal,
    /// A display for a run, if there is a better one than lines.
    pub display: &'i Making<'i>,
    tree: OnceCell<Option<String>>,
    stap: OnceCell<Option<String>>,
    work: OnceCell<Result<Work, String>>,
    namesakes: OnceCell<HashMap<String, String>>,
}

impl<'i> Service<'i> {
    /// Reads everything, and says what is wrong with it. Errors when nothing can be done with what was read.
    pub fn open(call: &'i Invocation, display: &'i Making<'i>) -> Result<Self, Trouble> {
        let given = call.config.as_deref().unwrap_or(DEFAULT_FILE);
        let config_file = std::path::absolute(given).unwrap_or_else(|_| given.into()).display().to_string();
        let release = Kernel::running_release();
        let release = call.kernel.clone().unwrap_or(release);
        // What bash sets by itself and the environment cannot change.
        let host = uname().map(|uname| uname.nodename().to_string_lossy().into_owned()).unwrap_or_default();
        let user = nix::unistd::getuid().to_string();
        let own = [
            ("CONFIG", config_file.as_str()),
            ("KRELEASE", release.as_str()),
            ("HOSTNAME", host.as_str()),
            ("UID", user.as_str()),
        ];
        let mut config =
            Config::new(presets().map(|(name, value)| -> (&str, &str) { (name, value) }).chain(own));
        config.read_global(&config_file);
        let directory = config.value("CONFIG_PATH").to_owned();
        if directory.starts_with('/') {
            config.read_directory(&directory);
        }
        let settings = Settings::of(&mut config);
        say(&config.problems);
        check_refused(call.command, &config, &config_file)?;
        let settings = settings.ok_or_else(|| Trouble {
            code: 6,
            text: "a parameter cannot be used: nothing is done without it".to_owned(),
        })?;
        // As ever, the configuration has the last word.
        let release = config.value("KRELEASE").to_owned();
        if let Some(fault) = super::kernel::fault(&release) {
            return Err(Trouble { code: 3, text: format!("`{release}` {fault}") });
        }
        let kernel = Kernel::new(&release);
        let service = Self {
            call,
            config_file,
            cache: Cache::new(&settings, &kernel),
            status: Status::new(&settings),
            journal: Journal::new(&settings.log_file),
            config,
            settings,
            kernel,
            display,
            tree: OnceCell::new(),
            stap: OnceCell::new(),
            work: OnceCell::new(),
            namesakes: OnceCell::new(),
        };
        for problem in service.config.problems.iter().filter(|problem| problem.severity == Severity::Error) {
            service.journal.write(&format!("Error: {}", problem.render(&Root::default()).trim_end()));
        }
        Ok(service)
    }

    /// Whether requirements of named scripts are followed.
    pub fn recursive(&self) -> bool {
        self.call.recursive || self.settings.recursive
    }

    /// Scripts as this configuration has them.
    pub fn scripts(&self) -> Scripts<'_> {
        Scripts { config: &self.config, settings: &self.settings, cache: &self.cache }
    }

    /// Makes the directory of status files and takes its lock; then takes over what an initramfs has started. A stop goes
    /// on without either: it needs nothing that it cannot read. `None` for a stop without a lock.
    pub fn lock(&self) -> Result<Option<Lock>, Trouble> {
        let directory = &self.status.directory;
        let waiting = || {
            crate::log::say(format_args!("systemtap-service: another command is at work: waiting for it"));
        };
        let failed = |what: &str| {
            let what = format!("{what} ({})", directory.display());
            move |error: std::io::Error| (error.kind(), format!("{what}: {error}"))
        };
        let taken =
            make_directory(directory).map_err(failed("Failed to make stat directory")).and_then(|()| {
                Lock::take(directory, self.call.wait, waiting)
                    .map_err(failed("Failed to lock stat directory"))
            });
        let lock = match taken {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => {
                let text = format!(
                    "another command holds a lock in {}, and --no-wait was given",
                    directory.display()
                );
                return Err(Trouble { code: 1, text });
            }
            Err((std::io::ErrorKind::PermissionDenied, _)) if !nix::unistd::geteuid().is_root() => {
                return Err(Trouble { code: 4, text: "only root can do that".to_owned() });
            }
            Err((_, text)) if self.call.command == super::Command::Stop => {
                self.warn(&format!("{text}: no other command is kept away meanwhile"));
                None
            }
            Err((_, text)) => {
                self.journal.announce(Urgency::LOG_ERR, &text);
                return Err(Trouble { code: 1, text });
            }
        };
        if let Some(fault) = trust::check_directory(directory) {
            self.warn(&fault);
        }
        for (name, written) in self.status.adopt() {
            match written {
                Ok(()) => self.journal.write(&format!("{name} was running already: it is taken over")),
                Err(error) => self.warn(&format!("{name} runs, and has no status file: {error}")),
            }
        }
        Ok(lock)
    }

    /// Says once that the log cannot be written; the work goes on without it.
    pub fn check_journal(&self) {
        if let Err(error) = self.journal.open() {
            let path = self.journal.path().display();
            crate::log::say(format_args!("systemtap-service: warning: there is no log ({path}: {error})"));
        }
    }

    /// Says something that is no failure.
    pub fn warn(&self, text: &str) {
        self.journal.write(&format!("Warning: {text}"));
        crate::log::say(format_args!("systemtap-service: warning: {text}"));
    }

    /// Takes over what an initramfs has started, unless another command is at work: a status file that a start is
    /// about to write must not be written by anybody else. Looking must work meanwhile, and for those who may only
    /// look; where there is nothing to take over, no lock is taken that would keep a command waiting, or away.
    pub fn adopt_if_alone(&self) {
        if self.status.unknown().is_empty() {
            return;
        }
        let directory = &self.status.directory;
        let _ = make_directory(directory);
        if let Ok(Some(_lock)) = Lock::take(directory, false, || {}) {
            let _ = self.status.adopt();
        }
    }

    /// What scripts are doing.
    pub fn states(&self) -> impl Fn(&str) -> State + use<'_> {
        let modules = Modules::read(&self.settings.proc_path);
        move |name| self.status.of(name, &modules)
    }

    /// The scripts that something is there of, sorted.
    pub fn running(&self) -> Vec<String> {
        let state = self.states();
        self.status.names().into_iter().filter(|name| state(name).is_there()).collect()
    }

    /// The kernel with all that is known of it.
    pub fn whole_kernel(&self) -> Kernel {
        let tree = self.tree.get_or_init(|| self.kernel.digest_tree(&self.settings));
        Kernel { tree: tree.clone(), ..self.kernel.clone() }
    }

    /// The version of stap; `None` where there is none.
    pub fn stap_version(&self) -> Option<&str> {
        self.stap
            .get_or_init(|| {
                let mut command = Command::new(self.settings.tool("STAP").ok()?);
                command.arg("-V").env("LC_ALL", "C").env_remove("LANGUAGE").stdin(Stdio::null());
                version(&said(command, &self.work().ok()?.join("version"), PATIENCE)?)
            })
            .as_deref()
    }

    /// A directory for temporary files, which goes with the service.
    pub fn work(&self) -> Result<&Path, String> {
        let made = self.work.get_or_init(|| Work::make(&self.settings.temp_path));
        made.as_ref().map(Work::path).map_err(Clone::clone)
    }

    /// Why a script cannot be had beside another one whose name differs in case only. What runs comes first, then the
    /// order of names decides.
    pub fn collision(&self, name: &str) -> Option<String> {
        let namesakes = self.namesakes.get_or_init(|| {
            let known = [self.running(), self.scripts().all().0, self.call.names.clone()].concat();
            let found = name::collisions(known.iter().map(String::as_str)).into_iter();
            found.map(|(name, other)| (name.to_owned(), other.to_owned())).collect()
        });
        let other = namesakes.get(name)?;
        Some(format!("{name} and {other} would be one module: they differ in case only"))
    }

    /// Refuses names from the command line that cannot be names.
    pub fn check_names(&self) -> Result<(), Trouble> {
        for word in &self.call.names {
            if let Some(fault) = name::fault(word) {
                let text = format!("{word} {fault}");
                self.journal.write(&format!("Error: {text}"));
                return Err(Trouble { code: 1, text });
            }
        }
        Ok(())
    }
}

/// Whether what was refused of the configuration leaves enough of it. A file that was not read may have said anything: a
/// script is not started as if it had no options, and nothing is done in places that may be the wrong ones. What runs
/// can be seen and ended all the same.
fn check_refused(command: super::Command, config: &Config, config_file: &str) -> Result<(), Trouble> {
    use super::Command::{Cleanup, Status, Stop};
    let looks = matches!(command, Stop | Status | Cleanup);
    let needed = if looks { settings::is_place } else { settings::is_global };
    let text = if config.unusable && (!looks || config.opaque().is_some()) {
        format!("{config_file} cannot be used: nothing is done without it")
    } else if let Some(name) = config.lost().filter(|name| needed(name)).min() {
        format!("{name} may stand in a file that was refused: nothing is done without it")
    } else if let Some(file) = config.opaque() {
        if looks {
            let text = "was refused: what it says of scripts is not known, and this goes on without it";
            crate::log::say(format_args!("systemtap-service: warning: {file} {text}"));
            return Ok(());
        }
        format!("{file} was refused, and may hold parameters of any script: nothing is done without it")
    } else {
        return Ok(());
    };
    Err(Trouble { code: 6, text })
}

/// What a program says of itself; `None` when it does not say so in time. It then ends with all that it has started.
fn said(mut command: Command, file: &Path, patience: Duration) -> Option<String> {
    let output = File::create_new(file).ok()?;
    command.stdout(output.try_clone().ok()?).stderr(output).process_group(0);
    let mut child = command.spawn().ok()?;
    let until = Instant::now() + patience;
    while child.try_wait().ok()?.is_none() {
        if Instant::now() >= until {
            let _ = killpg(Pid::from_raw(child.id().try_into().ok()?), Signal::SIGKILL);
            let _ = child.wait();
            return None;
        }
        pause(STEP);
    }
    Some(String::from_utf8_lossy(&std::fs::read(file).ok()?).into_owned())
}

/// The version in what `stap -V` says: what stands in the parentheses of its first line, the words around it are
/// translated.
fn version(said: &str) -> Option<String> {
    let line = said.lines().next()?.trim();
    let inside = line.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(inside, _)| inside);
    Some(inside.unwrap_or(line).to_owned()).filter(|version| !version.is_empty())
}

/// A display for a run: the plan, what each job took before in microseconds, and the command. `None` for plain lines.
pub type Making<'d> = dyn Fn(&Plan, &IdVec<JobId, Option<u64>>, &str) -> Option<Box<dyn Observer>> + 'd;

/// Prints findings to standard error.
pub fn say(problems: &[Diagnostic]) {
    let text: String = problems.iter().map(|problem| problem.render(&Root::default())).collect();
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_what_stands_in_parentheses() {
        let said = "Systemtap translator/driver (version 5.0/0.190, Debian 5.0-2)\nCopyright\n";
        assert_eq!(version(said).unwrap(), "version 5.0/0.190, Debian 5.0-2");
        assert_eq!(version("stap 9\n").unwrap(), "stap 9");
        assert_eq!((version(""), version("()")), (None, None));
    }

    #[test]
    fn who_does_not_answer_in_time_is_ended_with_all_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let (mut held, holder) = std::io::pipe().unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' TERM; sleep 1000 & echo 1; wait"]).stdin(holder);
        assert_eq!(said(command, &dir.path().join("version"), Duration::ZERO), None);
        // It ends when the last of them has.
        std::io::Read::read_to_end(&mut held, &mut Vec::new()).unwrap();
    }
}
