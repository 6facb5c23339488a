//! A boot: the machine's init with everything under it, its console, and a limit to all that is waited for.
//!
//! init is process 1 of a process namespace, so that nothing outlives it, and the namespace goes with the value.

use crate::namespace::{FIRST_ID, Namespace};
use crate::program::{Finished, finish};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{OpenptyResult, openpty};
use nix::unistd::ttyname;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::chown;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// A boot takes a second or two; on a busy machine, and with something that hangs and is given up, a minute.
const LIMIT: Duration = Duration::from_mins(3);

/// What unshare does to itself when the init that it started has halted the machine.
const HALTED: i32 = nix::libc::SIGINT;

/// What serel calls the process that it leaves behind to save what was learnt.
const SAVER: &str = "serel-history";

/// A machine that runs.
#[derive(Debug)]
pub(crate) struct Boot {
    namespace: Namespace,
    chunks: Receiver<Vec<u8>>,
    console: String,
    /// Its number may be somebody else's by now.
    ended: bool,
}

impl Boot {
    /// Starts a machine from what a process holds, in a control group if one is named.
    pub(super) fn begin(holder: u32, words: &str, group: Option<&Path>) -> Self {
        let pty = terminal();
        let name = ttyname(&pty.slave).expect("a terminal has a name");
        chown(&name, Some(FIRST_ID), Some(FIRST_ID)).expect("our own terminal");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup", "--fork"]);
        command.args(["--kill-child=KILL", "sh", "/mnt/inside.sh"]).arg(&name).arg(words);
        let mut namespace = Namespace::ready(&command, Some(holder), Stdio::from(pty.slave));
        if let Some(group) = group {
            fs::write(group.join("cgroup.procs"), namespace.id().to_string()).expect("a group of our own");
        }
        namespace.go();
        Self::on(pty.master, namespace)
    }

    /// Starts a machine by a program that gives it all namespaces, and its own three standard files to its console.
    #[allow(dead_code, reason = "for the bench")]
    pub(crate) fn through(mut command: Command) -> Self {
        let pty = terminal();
        let side = || Stdio::from(pty.slave.try_clone().expect("a descriptor"));
        command.stdin(side()).stdout(side()).stderr(side());
        let namespace = Namespace::made_by(&mut command);
        // It still has copies of the terminal, which would keep it open.
        drop(command);
        Self::on(pty.master, namespace)
    }

    /// What begins in a namespace, on the terminal with this side.
    fn on(master: OwnedFd, namespace: Namespace) -> Self {
        let (sender, chunks) = mpsc::channel();
        let mut master = File::from(master);
        // Reading ends when nobody has the terminal any more: what was started has it until the last process is gone.
        thread::spawn(move || {
            let mut chunk = vec![0; 1 << 16];
            while let Ok(length @ 1..) = master.read(&mut chunk) {
                if sender.send(chunk[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { namespace, chunks, console: String::new(), ended: false }
    }

    /// Waits until the scripts of a runlevel have been run, and serel has saved what it learnt, which rc does not wait
    /// for.
    #[track_caller]
    pub(crate) fn reached(&mut self, level: char) -> &mut Self {
        self.says(&format!("@@ end {level} "));
        let namespace = |process: u32| fs::read_link(format!("/proc/{process}/ns/pid")).ok();
        let ours = namespace(self.init());
        let processes = fs::read_dir("/proc").expect("a list of processes").flatten();
        for process in processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
            // In this order, since its number is another's when it has ended.
            let saver = handle(process).filter(|_| is_called(process, SAVER) && namespace(process) == ours);
            saver.iter().for_each(end_of);
        }
        self
    }

    /// Waits until a text is on the console.
    #[track_caller]
    pub(crate) fn says(&mut self, text: &str) -> &mut Self {
        self.says_times(text, 1)
    }

    /// Waits until a text is on the console so many times.
    #[track_caller]
    pub(crate) fn says_times(&mut self, text: &str, times: usize) -> &mut Self {
        let end = Instant::now() + LIMIT;
        while self.count(text) < times {
            match self.chunks.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(chunk) => self.console += &String::from_utf8_lossy(&chunk).replace('\r', ""),
                Err(RecvTimeoutError::Timeout) => {
                    let hanging =
                        self.attempt(&["ps", "-e", "--forest", "-o", "pid,stat,wchan:20,etime,args"]);
                    panic!("no {text:?} in {LIMIT:?}\n{self}\n{hanging}");
                }
                Err(RecvTimeoutError::Disconnected) => panic!("it ended without {text:?}\n{self}"),
            }
        }
        self
    }

    /// How often a text is there. A mark, which ends with its time, may have been repeated.
    fn count(&self, text: &str) -> usize {
        let places = self.console.match_indices(text).map(|(at, _)| at);
        if text.starts_with("@@ ") {
            let lines = places.filter_map(|at| self.console[at..].split_once('\n').map(|(line, _)| line));
            lines.collect::<BTreeSet<_>>().len()
        } else {
            places.count()
        }
    }

    /// Runs a program in it, which must end with 0.
    #[track_caller]
    pub(crate) fn run(&self, words: &[&str]) -> Finished {
        self.attempt(words).expect_code(0)
    }

    /// Runs a program in it.
    #[track_caller]
    pub(crate) fn attempt(&self, words: &[&str]) -> Finished {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.init().to_string(), "--all", "env", "-i", "TERM=dumb"]);
        command.arg("PATH=/usr/sbin:/usr/bin:/sbin:/bin").args(words);
        finish(&mut command, LIMIT)
    }

    /// Its init, as seen from outside.
    #[track_caller]
    pub(crate) fn init(&self) -> u32 {
        self.living_init().unwrap_or_else(|| panic!("it has no init\n{self}"))
    }

    fn living_init(&self) -> Option<u32> {
        if self.ended {
            return None;
        }
        // Process 1 of a namespace, and the innermost where that is one more container's manager.
        let mut first = None;
        let mut at = self.namespace.id();
        while let Some(child) = first_child(at).filter(|child| is_first(*child)) {
            first = Some(child);
            at = child;
        }
        first
    }

    #[allow(dead_code, reason = "for the bench")]
    /// When a mark came by, as `begin S` or `end 2`, in seconds of the clock on the wall.
    #[track_caller]
    pub(crate) fn time_of(&self, mark: &str) -> f64 {
        // Without what of a last line is not there yet.
        let lines = self.console.rsplit_once('\n').map_or("", |(lines, _)| lines);
        let after = lines.rsplit_once(&format!("@@ {mark} ")).map(|(_, after)| after);
        let time = after.and_then(|after| after.lines().next()?.parse().ok());
        time.unwrap_or_else(|| panic!("no time of {mark:?}\n{self}"))
    }

    /// Stops it by force, and waits until nothing is left of it.
    pub(crate) fn kill(self) {
        let init = handle(self.init()).expect("it runs");
        drop(self);
        // init is the last of its namespace to end.
        end_of(&init);
    }

    /// Stops it the way it is meant to be stopped, and gives its whole console.
    #[track_caller]
    pub(crate) fn stop(mut self) -> String {
        self.run(&["init", "0"]);
        let end = Instant::now() + LIMIT;
        loop {
            match self.chunks.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(chunk) => self.console += &String::from_utf8_lossy(&chunk).replace('\r', ""),
                Err(RecvTimeoutError::Timeout) => panic!("it has not halted in {LIMIT:?}\n{self}"),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = self.namespace.ended();
        self.ended = true;
        assert_eq!(status.signal(), Some(HALTED), "it did not halt: {status}\n{self}");
        std::mem::take(&mut self.console)
    }
}

/// Both sides of a terminal, which no other program gets.
fn terminal() -> OpenptyResult {
    let pty = openpty(None, None).expect("a terminal");
    for side in [&pty.master, &pty.slave] {
        fcntl(side, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("our own descriptor");
    }
    pty
}

fn first_child(of: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

fn handle(process: u32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(i32::try_from(process).ok()?)?, PidfdFlags::empty()).ok()
}

/// Waits for the end of a process.
fn end_of(process: &OwnedFd) {
    let mut ends = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut ends, PollTimeout::from(60_000_u16)), Ok(1), "it runs on");
}

fn is_called(process: u32, name: &str) -> bool {
    fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|known| known.trim_end() == name)
}

/// Whether a process is the first of its namespace.
fn is_first(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    ids.is_some_and(|ids| ids.split_whitespace().last() == Some("1"))
}

impl Drop for Boot {
    fn drop(&mut self) {
        // init first, so that unshare, whose child it is, takes notice of its end and leaves nothing to others.
        let init = self.living_init().and_then(|init| Pid::from_raw(i32::try_from(init).ok()?));
        if init.is_some_and(|init| kill_process(init, Signal::KILL).is_ok()) {
            let _ = self.namespace.ended();
        }
    }
}

impl std::fmt::Display for Boot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "--- the machine's console\n{}\n---", self.console)
    }
}
