//! What the wavefront is worth for systemtap scripts: real ones, compiled by the real stap, against the same one after
//! another, as a shell loop would do it.
//!
//! Starting is a stand-in that only notes the module down, since few machines may load modules into their own kernel; the
//! real thing takes 0.1 s. Memory is the sum over the program and all that it has started, looked at every 20 ms.

use crate::support::{Effort, Times, table};
use crate::tools::{Skip, Tools, site};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_systemtap-service");

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Scripts, configuration and a stand-in for the kernel.
struct Site {
    dir: TempDir,
    stap_dir: PathBuf,
    scripts: usize,
}

/// What a command took.
struct Cost {
    wall: f64,
    /// Of the command and all that it has started, in milliseconds.
    processor: f64,
    /// In MB.
    memory: f64,
}

impl Site {
    /// A number of independent scripts, or of a chain. `stap_dir` is systemtap's own cache, an empty one of this site if
    /// there is none.
    fn new(tools: &Tools, scripts: usize, chain: bool, stap_dir: Option<&Path>) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let at = |inside: &str| dir.path().join(inside);
        site(dir.path(), &format!("STAPRUN={}\n", at("staprun").display()));
        fs::create_dir(at("stap")).expect("a new directory");
        let common: Vec<String> = tools.options().iter().map(|word| format!("'{word}'")).collect();
        let mut parameters = format!("common=\"{}\"\n", common.join(" "));
        for n in 0..scripts {
            let script = format!("probe timer.ms(100) {{ printf(\"{n}\\n\") }}\n");
            fs::write(at(&format!("script.d/s{n}.stp")), script).expect("a script");
            parameters += &format!("s{n}_OPT=\"$common\"\n");
            if chain && n > 0 {
                parameters += &format!("s{n}_REQ=s{}\n", n - 1);
            }
        }
        fs::write(at("conf.d/all.conf"), parameters).expect("parameters");
        let note = "#!/bin/sh\nfor last; do :; done\nname=${last##*/}\n\
                    echo \"${name%.ko} 16384 0 - Live 0x0 (OE)\" >> \"${0%/*}/proc/modules\"\n";
        fs::write(at("staprun"), note).expect("a stand-in");
        fs::set_permissions(at("staprun"), fs::Permissions::from_mode(0o755)).expect("its mode");
        let stap_dir = stap_dir.map_or_else(|| at("stap"), Path::to_path_buf);
        Self { dir, stap_dir, scripts }
    }

    /// Forgets what was compiled and started; systemtap's own cache stays.
    fn fresh(&self) {
        for gone in ["cache", "run"] {
            let _ = fs::remove_dir_all(self.dir.path().join(gone));
        }
        fs::write(self.dir.path().join("proc/modules"), "").expect("a stand-in");
        // Both ways work with the same cache of systemtap's own.
        let cache = self.dir.path().join("cache");
        fs::create_dir_all(&self.stap_dir).expect("a directory");
        fs::create_dir(&cache).expect("our own directory");
        std::os::unix::fs::symlink(&self.stap_dir, cache.join(".systemtap")).expect("a new link");
    }

    /// All of them by systemtap-service.
    fn together(&self, tools: &Tools) -> Cost {
        self.fresh();
        let mut command = Command::new(PROGRAM);
        command.arg("start").arg("-c").arg(self.dir.path().join("config"));
        command.args(["-r", &tools.release]);
        self.cost(&mut command)
    }

    /// All of them by a loop.
    fn one_after_another(&self, tools: &Tools) -> Cost {
        self.fresh();
        let text = r#"scripts=$1 release=$2 probe=$3 n=0
            shift 3
            while [ "$n" -lt "$scripts" ]; do
                stap -E "$probe" -m "s$n" -p4 -r "$release" --save-uprobes "$@" "script.d/s$n.stp" || exit
                ./staprun -L "s$n.ko" || exit
                n=$((n + 1))
            done"#;
        let probe = "probe procfs(\"srvstat\").read {$value = \"running\\n\"}";
        let mut command = Command::new("sh");
        command
            .args(["-c", text, "sh", &self.scripts.to_string(), &tools.release, probe])
            .args(tools.options());
        self.cost(&mut command)
    }

    fn cost(&self, command: &mut Command) -> Cost {
        let log = fs::File::create(self.dir.path().join("said")).expect("a file");
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a descriptor")).stderr(log);
        command.current_dir(self.dir.path()).env("SYSTEMTAP_DIR", &self.stap_dir);
        let (before, began) = (processor(), Instant::now());
        let mut child = command.spawn().expect("the program runs");
        let (ended, root) = (AtomicBool::new(false), child.id());
        let (memory, status, wall) = thread::scope(|scope| {
            let looker = scope.spawn(|| {
                let mut most = 0.0_f64;
                while !ended.load(Ordering::Relaxed) {
                    most = most.max(memory_below(root));
                    thread::park_timeout(LOOK);
                }
                most
            });
            let status = child.wait().expect("our own child");
            let wall = began.elapsed().as_secs_f64() * 1000.0;
            ended.store(true, Ordering::Relaxed);
            (looker.join().expect("a number"), status, wall)
        });
        let said = || fs::read_to_string(self.dir.path().join("said")).unwrap_or_default();
        let started = fs::read_to_string(self.dir.path().join("proc/modules")).unwrap_or_default();
        assert!(status.success() && started.lines().count() == self.scripts, "{command:?}\n{}", said());
        Cost { wall, processor: processor() - before, memory }
    }
}

/// Milliseconds that all children so far have computed.
fn processor() -> f64 {
    let usage =
        nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).expect("it is known");
    let ms = |time: nix::sys::time::TimeVal| {
        let time = Duration::new(time.tv_sec().unsigned_abs(), 0)
            + Duration::from_micros(time.tv_usec().unsigned_abs());
        time.as_secs_f64() * 1000.0
    };
    ms(usage.user_time()) + ms(usage.system_time())
}

/// What a process and its descendants hold in memory, in MB.
fn memory_below(root: u32) -> f64 {
    let mut processes: Vec<(u32, u32, f64)> = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // proc(5): behind the name the state, the parent, and as the 22nd the resident pages.
        let Some((_, fields)) = stat.rsplit_once(')') else { continue };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let (Some(parent), Some(pages)) = (fields.get(1), fields.get(21)) else { continue };
        let (parent, pages) = (parent.parse().unwrap_or(0), pages.parse().unwrap_or(0.0));
        processes.push((pid, parent, pages * 4096.0 / 1e6));
    }
    let mut below = vec![root];
    let mut next = 0;
    while let Some(&parent) = below.get(next) {
        below.extend(processes.iter().filter(|process| process.1 == parent).map(|process| process.0));
        next += 1;
    }
    processes.iter().filter(|process| below.contains(&process.0)).map(|process| process.2).sum()
}

pub(crate) fn bench(effort: Effort) {
    let tools = match Tools::ready() {
        Ok(tools) => tools,
        Err(Skip::Missing(why) | Skip::Refused(why)) => return println!("SKIPPED: not installed: {why}"),
    };
    warm(tools, effort);
    if effort == Effort::Full {
        cold(tools);
    }
}

/// Scripts of a key whose features systemtap knows already.
fn warm(tools: &Tools, effort: Effort) {
    let scripts = if effort == Effort::Full { 8 } else { 2 };
    let shapes = [("independent", false), ("in a chain", true)];
    for (what, chain) in &shapes[..if effort == Effort::Full { 2 } else { 1 }] {
        println!("Compile and start {scripts} scripts, {what}:\n");
        let site = Site::new(tools, scripts, *chain, Some(&tools.stap_dir));
        site.together(tools);
        let (mut alone, mut together) = (Times::default(), Times::default());
        let (mut alone_work, mut work) = (Times::default(), Times::default());
        let mut memory = (0.0_f64, 0.0_f64);
        for _ in 0..effort.rounds(3) {
            let (one, all) = (site.one_after_another(tools), site.together(tools));
            alone.add(one.wall);
            together.add(all.wall);
            alone_work.add(one.processor);
            work.add(all.processor);
            memory = (memory.0.max(one.memory), memory.1.max(all.memory));
        }
        table(&[("one after another", &alone), ("systemtap-service", &together)]);
        println!(
            "\n{:.2} times faster; {:.2} times the processor time; at most {:.0} MB one after another, {:.0} MB by \
             systemtap-service",
            alone.median() / together.median(),
            work.median() / alone_work.median(),
            memory.0,
            memory.1
        );
        // Each compilation runs its own make with several jobs.
        println!(
            "Processors busy: {:.2} one after another, {:.2} by systemtap-service, of {}\n",
            alone_work.median() / alone.median(),
            work.median() / together.median(),
            std::thread::available_parallelism().map_or(1, usize::from)
        );
    }
}

/// Two scripts of a key that systemtap has never seen, against one.
fn cold(tools: &Tools) {
    let [one, two] = [1, 2].map(|scripts| Site::new(tools, scripts, false, None).together(tools));
    println!(
        "Cold, with systemtap's own cache empty:\n\n| scripts | wall | processor | memory |\n|---|---:|---:|---:|"
    );
    for (scripts, cost) in [("1", &one), ("2", &two)] {
        println!(
            "| {scripts} | {:.1} s | {:.1} s | {:.0} MB |",
            cost.wall / 1000.0,
            cost.processor / 1000.0,
            cost.memory
        );
    }
    println!("\nTwo cost {:.2} times the processor time of one.", two.processor / one.processor);
}
