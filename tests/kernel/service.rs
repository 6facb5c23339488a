//! systemtap-service with real modules: compiled here for the kernel of the machine, started and stopped there, where
//! there is no compiler.
//!
//! Each test fails on the behaviour of the script that systemtap-service takes the place of, but for the first.

use crate::cases::Case;
use crate::machine::{Boot, Machine, Steps};
use crate::modules::{compiled, scripts};
use crate::program::finish;
use crate::tools::{Skip, Tools, build_dir, share_stap_dir, site};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// The tests.
pub(crate) const CASES: &[Case] = &[
    ("service::a_machine_without_compiler_boots_what_was_compiled_elsewhere", boots),
    ("service::a_runlevel_begins_with_the_init_script", runlevel),
    ("service::requirements_first_and_dependents_first_the_other_way_round", order),
    ("service::a_killed_daemon_can_be_stopped_and_nobody_else_is_killed", killed),
    ("service::a_module_that_is_held_is_said_and_stopped_later", held),
    ("service::a_script_that_ended_is_finished", ended),
    ("service::a_restart_that_cannot_compile_leaves_running_what_runs", restart),
    ("service::two_callers_at_one_time_do_the_work_once", twice),
];

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_systemtap-service");

/// For compiling all scripts on a machine that is busy with something else.
pub(crate) const COMPILE_LIMIT: Duration = Duration::from_mins(5);

/// The scripts that are started.
const STARTED: [&str; 3] = ["host", "guest", "other"];

/// The parameters of all scripts: what was compiled with them is good wherever they are the same.
fn parameters(tools: &Tools, host: &str) -> String {
    let common: Vec<String> = tools.options().iter().map(|word| format!("'{word}'")).collect();
    format!(
        "common=\"{}\"\nhost_OPT=\"$common {host}\"\nguest_OPT=\"$common\"\nguest_REQ=host\n\
         other_OPT=\"$common -o /run/other.log\"\nender_OPT=\"$common\"\n",
        common.join(" ")
    )
}

/// A service that wants to be traced from its beginning.
const TRACED: &str = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: traced\n# Required-Start:\n# Required-Stop:\n\
    # Default-Start: 2\n# Default-Stop: 6\n### END INIT INFO\n\
    [ \"$1\" = start ] && awk '{ print $1, $3, $4 }' /proc/modules > /run/traced\nexit 0\n";

/// Compiles all scripts here for the machine's kernel, once. The directory of the cache.
pub(crate) fn cache() -> Result<&'static PathBuf, Skip> {
    static ONCE: OnceLock<Result<PathBuf, Skip>> = OnceLock::new();
    ONCE.get_or_init(|| {
        // systemtap's own cache is warm from then on.
        compiled()?;
        let tools = Tools::ready()?;
        let dir = build_dir().join("service");
        let config = site(&dir, "");
        for name in STARTED.into_iter().chain(["ender"]) {
            let script = format!("{name}.stp");
            fs::copy(scripts().join(&script), dir.join("script.d").join(script)).expect("our own directory");
        }
        fs::write(dir.join("conf.d/group1.conf"), parameters(tools, "")).expect("our own directory");
        let mut compile = Command::new(PROGRAM);
        compile.args(["compile", "-y", "-r", &tools.release, "-c"]).arg(config);
        let link = share_stap_dir(&dir.join("cache"), tools);
        let done = finish(&mut compile, COMPILE_LIMIT);
        fs::remove_file(link).expect("our own link");
        let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
        assert!(done.code == 0, "{done}\n--- log\n{log}");
        Ok(dir.join("cache"))
    })
    .as_ref()
    .map_err(Clone::clone)
}

/// Writes a configuration of its own for some of the cases: `/etc/NAME/`.
fn configure(machine: &Machine, name: &str, more: &str, parameters: &str) {
    let etc = format!("/etc/{name}");
    let config = format!(
        "SCRIPT_PATH={etc}/script.d\nCONFIG_PATH={etc}/conf.d\nSTAT_PATH=/run/{name}\nLOG_FILE=/run/{name}.log\n{more}"
    );
    machine.text(&format!("{etc}/config"), &config, 0o644);
    machine.text(&format!("{etc}/conf.d/group1.conf"), parameters, 0o644);
    fs::create_dir_all(machine.at(&format!("{etc}/script.d"))).expect("a new directory");
}

/// One boot for all.
fn boot() -> Result<&'static Boot, Skip> {
    static ONCE: OnceLock<Result<Boot, Skip>> = OnceLock::new();
    ONCE.get_or_init(|| {
        let (modules, cache, tools) = (compiled()?, cache()?, Tools::ready()?);
        let machine = Machine::new();
        machine.program(Path::new(PROGRAM), "usr/sbin/systemtap-service");
        machine.files(&cache.join(&tools.release), &format!("var/cache/systemtap/{}", tools.release));
        machine.file(&modules.join("stranger.ko"), "modules/stranger.ko", 0o644);
        fs::create_dir_all(machine.at("var/log")).expect("a new directory");
        let started = STARTED.join(" ");
        machine.text(
            "etc/systemtap/config",
            &format!("AUTOCOMPILE=no\nALLOW_CACHEONLY=yes\nDEFAULT_START=\"{started}\"\n"),
            0o644,
        );
        machine.text("etc/systemtap/conf.d/group1.conf", &parameters(tools, ""), 0o644);
        fs::create_dir_all(machine.at("etc/systemtap/script.d")).expect("a new directory");
        let held = parameters(tools, "-o /run/host.out");
        configure(&machine, "held", "AUTOCOMPILE=no\nALLOW_CACHEONLY=yes\n", &held);
        configure(&machine, "full", "STAP=/cases/stap\n", &parameters(tools, ""));
        for name in STARTED {
            let script = format!("{name}.stp");
            machine.file(&scripts().join(&script), &format!("etc/full/script.d/{script}"), 0o644);
        }
        machine.text("cases/stap-version", &tools.systemtap, 0o644);
        machine.text(
            "cases/stap",
            "#!/bin/sh\n[ \"$1\" = -V ] && exec cat /cases/stap-version >&2\n\
             echo 'semantic error: there is no compiler here' >&2\nexit 1\n",
            0o755,
        );
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        machine.program(env!("CARGO_BIN_EXE_serelrc").as_ref(), "usr/sbin/serelrc");
        machine.file(&project.join("contrib/init.d/systemtap"), "etc/init.d/systemtap", 0o755);
        machine.text("etc/init.d/traced", TRACED, 0o755);
        machine.text("etc/insserv.conf", "$local_fs +mountall\n", 0o644);
        let cases = ["boot", "runlevel", "order", "killed", "held", "ended", "restart", "twice"];
        let cases = cases.map(|case| format!("service-{case}"));
        Ok(machine.boot(tools, &cases.each_ref().map(String::as_str)))
    })
    .as_ref()
    .map_err(Clone::clone)
}

/// No module is left.
#[track_caller]
fn nothing_left(steps: &Steps) {
    assert_eq!(steps.ended("left", 0).stdout, "", "{}", steps.all());
}

/// The modules that a step has seen, with users and holders, sorted.
#[track_caller]
fn modules(steps: &Steps, step: &str) -> Vec<String> {
    let mut modules: Vec<String> = steps.ended(step, 0).stdout.lines().map(str::to_owned).collect();
    modules.sort();
    modules
}

/// The three of them, in memory but for `other`, whose daemon holds its module.
const ALL: [&str; 3] = ["guest 0 -", "host 1 guest,", "other 1 -"];

fn boots() -> Result<(), Skip> {
    let steps = boot()?.case("service-boot");
    steps.ended("stap", 1);
    assert_eq!(steps.ended("scripts", 0).stdout, "");
    let start = steps.ended("start", 0);
    assert!(start.stdout.starts_with("Starting systemtap"), "{}", steps.all());
    assert_eq!(modules(&steps, "loaded"), ALL, "{}", steps.all());
    let status = &steps.ended("status", 0).stdout;
    assert!(status.contains("host is running...\n") && status.contains("guest is running...\n"), "{status}");
    assert!(status.contains("  requires: host\n"), "{status}");
    assert!(
        status.lines().any(|line| line.starts_with("other(") && line.ends_with(") is running...")),
        "{status}"
    );
    assert_eq!(steps.ended("files", 0).stdout, "guest\nhost\nother\n");
    assert!(steps.ended("daemon", 0).stdout.ends_with("/stapio\n"));
    steps.ended("again", 0);
    assert_eq!(modules(&steps, "again-loaded"), ALL);
    steps.ended("restart", 0);
    assert_eq!(steps.ended("restarted", 0).stdout.matches("is running...").count(), 3, "{}", steps.all());
    steps.ended("old-daemon", 1);
    steps.ended("stop", 0);
    nothing_left(&steps);
    steps.ended("stopped", 3);
    assert_eq!(steps.ended("log", 0).stdout, "other begins\n");
    steps.ended("stop-again", 0);
    Ok(())
}

fn runlevel() -> Result<(), Skip> {
    let steps = boot()?.case("service-runlevel");
    steps.ended("start", 0);
    assert_eq!(modules(&steps, "seen"), ALL, "{}", steps.all());
    steps.ended("init-status", 0);
    steps.ended("stop", 0);
    nothing_left(&steps);
    Ok(())
}

fn order() -> Result<(), Skip> {
    let steps = boot()?.case("service-order");
    steps.ended("start-guest", 0);
    assert_eq!(modules(&steps, "loaded"), ["guest 0 -", "host 1 guest,"], "{}", steps.all());
    steps.ended("start-other", 0);
    steps.ended("stop-other", 0);
    assert_eq!(modules(&steps, "without-other"), ["guest 0 -", "host 1 guest,"], "{}", steps.all());
    let stop = steps.ended("stop-host", 1);
    let said = format!("{}{}", stop.stdout, stop.stderr);
    assert!(said.contains("still used by guest") && said.contains("guest requires host"), "{}", steps.all());
    assert_eq!(modules(&steps, "after-stop-host"), ["guest 0 -", "host 1 guest,"], "{}", steps.all());
    steps.ended("stop", 0);
    nothing_left(&steps);
    Ok(())
}

fn killed() -> Result<(), Skip> {
    let steps = boot()?.case("service-killed");
    steps.ended("start", 0);
    assert_eq!(modules(&steps, "orphan"), ["other 0 -"], "{}", steps.all());
    let status = &steps.ended("status", 1).stdout;
    assert!(status.starts_with("other(") && status.contains("dead"), "{status}");
    steps.ended("stop", 0);
    assert!(modules(&steps, "unloaded").is_empty(), "{}", steps.all());
    steps.ended("start-again", 0);
    steps.ended("stop-again", 0);
    steps.ended("innocent", 0);
    nothing_left(&steps);
    Ok(())
}

fn held() -> Result<(), Skip> {
    let steps = boot()?.case("service-held");
    steps.ended("start", 0);
    steps.ended("stranger", 0);
    let stop = steps.ended("stop", 1);
    assert!(format!("{}{}", stop.stdout, stop.stderr).contains("stranger"), "{}", steps.all());
    assert_eq!(modules(&steps, "held"), ["host 2 stranger,", "stranger 0 -"], "{}", steps.all());
    steps.ended("status", 0);
    // Its daemon gone, the module stays for as long as it is held.
    assert_eq!(modules(&steps, "zombie"), ["host 1 stranger,", "stranger 0 -"], "{}", steps.all());
    let stop = steps.ended("stop-zombie", 1);
    assert!(format!("{}{}", stop.stdout, stop.stderr).contains("stranger"), "{}", steps.all());
    steps.ended("status-zombie", 1);
    steps.ended("unload-stranger", 0);
    steps.ended("stop-again", 0);
    nothing_left(&steps);
    Ok(())
}

fn ended() -> Result<(), Skip> {
    let steps = boot()?.case("service-ended");
    steps.ended("start", 0);
    assert!(steps.ended("status", 3).stdout.starts_with("ender is finished"), "{}", steps.all());
    steps.ended("stop", 0);
    nothing_left(&steps);
    Ok(())
}

fn restart() -> Result<(), Skip> {
    let steps = boot()?.case("service-restart");
    steps.ended("start", 0);
    assert_eq!(modules(&steps, "loaded"), ALL, "{}", steps.all());
    let restart = steps.ended("restart", 1);
    assert!(format!("{}{}", restart.stdout, restart.stderr).contains("semantic error"), "{}", steps.all());
    assert_eq!(modules(&steps, "still"), ALL, "{}", steps.all());
    steps.ended("same-daemon", 0);
    steps.ended("status", 0);
    steps.ended("stop", 0);
    nothing_left(&steps);
    Ok(())
}

fn twice() -> Result<(), Skip> {
    let steps = boot()?.case("service-twice");
    steps.ended("first", 0);
    steps.ended("second", 0);
    assert_eq!(modules(&steps, "loaded"), ALL, "{}", steps.all());
    steps.ended("stop", 0);
    nothing_left(&steps);
    Ok(())
}
