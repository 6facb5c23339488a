//! eBPF scripts: compiled by Debian's stap, run by Debian's stapbpf in the kernel of this very machine.
//!
//! That kernel has to allow it, which not every container's does: then the tests are passed over, with what the
//! kernel has said.

use crate::cases::Case;
use crate::modules;
use crate::program::{Finished, LIMIT, finish};
use crate::service::PROGRAM;
use crate::tools::{Skip, build_dir, run, site, which};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The tests.
pub(crate) const CASES: &[Case] = &[
    ("bpf::a_script_runs_in_this_kernel_until_it_is_told_to_end", told_to_end),
    ("bpf::systemtap_service_starts_and_stops_ebpf_scripts", service),
];

/// What stapbpf says where the kernel does not allow it.
const REFUSALS: [&str; 3] = ["Operation not permitted", "Permission denied", "Function not implemented"];

/// What is needed to run eBPF scripts.
#[derive(Debug)]
pub(crate) struct Ebpf {
    /// A stand-in for the running kernel's build tree, to be given with `-r`: the bpf runtime reads little of it.
    pub(crate) tree: PathBuf,
    /// To be preloaded into stapbpf.
    pub(crate) preload: PathBuf,
    /// Where the scripts are compiled.
    pub(crate) dir: PathBuf,
}

impl Ebpf {
    /// Makes all that, and runs a script once to see whether the kernel allows it.
    pub(crate) fn ready() -> Result<&'static Self, Skip> {
        static ONCE: OnceLock<Result<Ebpf, Skip>> = OnceLock::new();
        ONCE.get_or_init(Self::prepare).as_ref().map_err(Clone::clone)
    }

    fn prepare() -> Result<Self, Skip> {
        for (program, package) in [("stap", "systemtap"), ("stapbpf", "systemtap"), ("gcc", "gcc")] {
            which(program).ok_or_else(|| Skip::Missing(package.to_owned()))?;
        }
        let dir = build_dir().join("ebpf");
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("/proc is mounted");
        let ebpf = Self {
            tree: dir.join("modules").join(release.trim()).join("build"),
            preload: dir.join("memlock.so"),
            dir,
        };
        for inside in ["include/config", "include/generated"] {
            fs::create_dir_all(ebpf.tree.join(inside)).expect("our own directory");
        }
        let empty = [".config", "Makefile", "Module.symvers", "include/config/auto.conf"];
        for (name, text) in
            empty.map(|name| (name, "")).into_iter().chain([("include/config/kernel.release", &*release)])
        {
            fs::write(ebpf.tree.join(name), text).expect("our own directory");
        }
        let source = modules::scripts().with_file_name("memlock.c");
        run(Command::new("gcc")
            .args(["-D_GNU_SOURCE", "-shared", "-fPIC", "-o"])
            .arg(&ebpf.preload)
            .arg(source));
        ebpf.compile("ebpf");
        match ebpf.try_out() {
            Ok(()) => Ok(ebpf),
            Err(said) if REFUSALS.iter().any(|refusal| said.contains(refusal)) => {
                let said = said.trim().replace('\n', "; ");
                Err(Skip::Refused(format!("the kernel does not allow eBPF: {said}")))
            }
            Err(said) => panic!("stapbpf does not begin: {said}"),
        }
    }

    /// Whether a script begins; if not, what was said. Not with `-c true`: stapbpf misses the end of a command that is
    /// over before it looks.
    fn try_out(&self) -> Result<(), String> {
        let mut command = self.run("ebpf");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("timeout runs");
        let mut first = String::new();
        let out = child.stdout.as_mut().expect("a pipe");
        BufReader::new(out).read_line(&mut first).expect("text");
        if first == "ebpf begins\n" {
            run(Command::new("kill").arg(child.id().to_string()));
            child.wait().expect("our own child");
            return Ok(());
        }
        let ended = child.wait_with_output().expect("our own child");
        Err(first + &String::from_utf8_lossy(&ended.stderr))
    }

    /// Compiles a script of `scripts/`.
    fn compile(&self, name: &str) {
        let mut stap = Command::new("stap");
        stap.args(["--runtime=bpf", "-p4", "-m", name, "-r"]).arg(&self.tree);
        stap.arg(modules::scripts().join(format!("{name}.stp"))).current_dir(&self.dir);
        let done = run(stap.env("SYSTEMTAP_DIR", build_dir().join("stap")));
        assert_eq!(done.stdout, format!("{name}.bo\n"), "{done}");
    }

    /// The command that runs a compiled script; it is stopped when the test is not.
    fn run(&self, name: &str) -> Command {
        let mut command = Command::new("timeout");
        command.args(["60", "env"]).arg(format!("LD_PRELOAD={}", self.preload.display()));
        command.arg("stapbpf").arg(self.dir.join(format!("{name}.bo")));
        command
    }
}

fn told_to_end() -> Result<(), Skip> {
    let ebpf = Ebpf::ready()?;
    let mut command = ebpf.run("ebpf");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("timeout runs");
    let mut lines =
        BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| line.expect("text"));
    for expected in ["ebpf begins", "ebpf tick 1", "ebpf tick 2", "ebpf tick 3"] {
        assert_eq!(lines.next().as_deref(), Some(expected));
    }
    // timeout hands the signal on, and the exit code back.
    run(Command::new("kill").arg(child.id().to_string()));
    assert_eq!(lines.last().as_deref(), Some("ebpf ends after 1"));
    assert_eq!(child.wait().expect("our own child").code(), Some(0));
    Ok(())
}

/// A running service, which is stopped whatever becomes of the test.
struct Service<'a> {
    ebpf: &'a Ebpf,
    config: PathBuf,
}

impl Service<'_> {
    fn call(&self, words: &[&str]) -> Finished {
        let mut command = Command::new(PROGRAM);
        command.args(words).arg("-c").arg(&self.config);
        finish(command.env("SYSTEMTAP_DIR", build_dir().join("stap")), LIMIT)
    }

    /// What a script has printed.
    fn printed(&self, name: &str) -> String {
        fs::read_to_string(self.ebpf.dir.join(format!("service/log.d/{name}.log"))).unwrap_or_default()
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let _ = self.call(&["stop"]);
    }
}

/// Two scripts, one of which requires the other.
fn configure(ebpf: &Ebpf) -> Service<'_> {
    let dir = ebpf.dir.join("service");
    let modules = ebpf.dir.join("modules");
    let runner = dir.join("stapbpf");
    let more = format!("RUNTIME=bpf\nBUILD_PATH={}\nSTAPBPF={}\n", modules.display(), runner.display());
    let config = site(&dir, &more);
    let text = fs::read_to_string(modules::scripts().join("ebpf.stp")).expect("one of our scripts");
    for name in ["serel_lower", "serel_upper"] {
        let text = text.replace("ebpf ", &format!("{name} "));
        fs::write(dir.join(format!("script.d/{name}.stp")), text).expect("our own directory");
    }
    fs::write(dir.join("conf.d/all.conf"), "serel_upper_REQ=serel_lower\n").expect("our own directory");
    let preload = ebpf.preload.display();
    fs::write(&runner, format!("#!/bin/sh\nexport LD_PRELOAD='{preload}'\nexec stapbpf \"$@\"\n"))
        .expect("our own directory");
    fs::set_permissions(&runner, Permissions::from_mode(0o755)).expect("our own file");
    Service { ebpf, config }
}

fn service() -> Result<(), Skip> {
    let service = configure(Ebpf::ready()?);
    let log = || fs::read_to_string(service.config.with_file_name("log")).unwrap_or_default();
    let started = service.call(&["start"]);
    assert!(started.code == 0, "{started}\n--- log\n{}", log());
    let status = service.call(&["status"]).expect_code(0).stdout;
    for name in ["serel_lower(", "serel_upper("] {
        let mut lines = status.lines();
        assert!(lines.any(|line| line.starts_with(name) && line.ends_with(") is running...")), "{status}");
    }
    assert!(status.contains("requires: serel_lower"), "{status}");
    let begun = service.printed("serel_upper");
    assert!(begun.starts_with("serel_upper begins\n"), "{begun}");
    // A runner that is killed leaves its procfs files, where stapbpf does not start again.
    let pid =
        fs::read_to_string(service.config.with_file_name("run").join("serel_upper")).expect("a status file");
    kill_and_see_it_end(pid.trim());
    let killed = service.call(&["status", "serel_upper"]).expect_code(1).stdout;
    assert!(killed.starts_with("serel_upper is stopped\n"), "{killed}");
    service.call(&["start"]).expect_code(0);
    service.call(&["status", "serel_upper"]).expect_code(0);
    service.call(&["stop"]).expect_code(0);
    for name in ["serel_lower", "serel_upper"] {
        let printed = service.printed(name);
        assert!(printed.contains(&format!("{name} ends after ")), "{printed}\n--- log\n{}", log());
    }
    service.call(&["status"]).expect_code(3);
    Ok(())
}

/// Kills a process that is nobody's child here, and waits until it has ended.
fn kill_and_see_it_end(pid: &str) {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let number = pid.parse().ok().and_then(Pid::from_raw).expect("a number");
    let process = pidfd_open(number, PidfdFlags::empty()).expect("it runs");
    run(Command::new("kill").args(["-KILL", pid]));
    poll(&mut [PollFd::new(process.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).expect("its end");
}
