//! Real processes under the real reaper: what a script can do to its runner.

use crossbeam_channel::{Sender, unbounded};
use serel::model::{IdVec, JobId, Phase, ServiceId, Strength};
use serel::plan::{Job, Manner, Need, Plan};
use serel::wavefront::{
    Monotonic, Nanos, Observer, Outcome, Processes, Record, Reporter, Run, Script, Session, Settings, Watch,
    hold_signals, run,
};
use std::ffi::CString;
use std::os::fd::OwnedFd;

/// Keeps all that was told.
struct Witness(Sender<(JobId, String)>);

impl Observer for Witness {
    fn started(&mut self, _: JobId, _: Nanos, _: bool) {}
    fn output(&mut self, job: JobId, line: &[u8], _: Nanos) {
        let _ = self.0.send((job, String::from_utf8_lossy(line).into_owned()));
    }
    fn ended(&mut self, _: &Record) {}
    fn tick(&mut self, _: Nanos) {}
    fn wants_ticks(&self) -> bool {
        false
    }
    fn say(&mut self, _: &str) {}
}

/// Runs shell texts as a plan (job n needs job m) in the calling thread.
fn drive(
    texts: &[&str],
    needs: &[(u32, u32)],
    watch: Watch,
    timeout: Nanos,
) -> (Run, Vec<(JobId, String)>, Vec<OwnedFd>) {
    let mut plan = Plan::new(Phase::Start, true);
    for n in 0..u32::try_from(texts.len()).unwrap() {
        let own = plan.services.push(&format!("s{n}"));
        let needs: Vec<Need> = needs
            .iter()
            .filter(|(needer, _)| *needer == n)
            .map(|(_, needed)| Need { service: ServiceId(*needed), strength: Strength::Need })
            .collect();
        let (name, manner) = (&*format!("j{n}"), Manner::default());
        plan.add(Job { name, script: "", manner, provides: &[own], needs: &needs });
    }
    let scripts = texts
        .iter()
        .map(|text| Script {
            program: c"/bin/sh".to_owned(),
            arguments: vec![c"sh".to_owned(), c"-c".to_owned(), CString::new(*text).unwrap()],
        })
        .collect();
    let mut processes =
        Processes::new(scripts, vec![c"PATH=/usr/bin:/bin".to_owned()], watch, Session::Own).unwrap();
    let (sender, heard) = unbounded();
    let mut reporter = Reporter::new(Box::new(Witness(sender)));
    let priorities: IdVec<JobId, u64> = vec![0; texts.len()].into();
    let settings = Settings {
        slots: 99,
        timeout: Some(timeout),
        grace: 300_000_000,
        processes: usize::MAX,
        guests: false,
    };
    let result = run(&plan, &priorities, settings, &[], &mut processes, &Monotonic, &mut reporter);
    assert!(reporter.close());
    let held = processes.finish();
    (result, heard.try_iter().collect(), held)
}

const MINUTE: Nanos = 60_000_000_000;

fn outcomes(run: &Run) -> Vec<Outcome> {
    run.records.iter().map(|record| record.outcome).collect()
}

fn sees_every_end(watch: Watch) {
    let texts = ["exit 0", "exit 3", "kill -9 $$", "exit 5", "echo ran"];
    let (run, heard, _) = drive(&texts, &[(4, 0)], watch, MINUTE);
    let expected =
        [Outcome::Done, Outcome::Failed(3), Outcome::Signalled(9), Outcome::NotInstalled, Outcome::Done];
    assert_eq!(outcomes(&run), expected);
    assert_eq!(heard, [(JobId(4), "ran".to_owned())]);
    let (run, _, _) = drive(&vec!["exit 0"; 200], &[], watch, MINUTE);
    assert!(outcomes(&run).iter().all(|outcome| outcome.succeeded()));
}

#[test]
fn pidfds_see_every_end() {
    sees_every_end(Watch::Pidfd);
}

/// SIGCHLD goes to any thread of the process that would have it, so this one needs a process with no other test.
#[test]
fn sigchld_alone_sees_every_end() {
    const ALONE: &str = "SEREL_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return sees_every_end(Watch::Sigchld);
    }
    // Inherited by the process and its main thread, which otherwise would throw SIGCHLD away.
    let before = hold_signals().unwrap();
    let alone = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::sigchld_alone_sees_every_end", "--test-threads=1"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    before.thread_set_mask().unwrap();
    let text = String::from_utf8_lossy(&alone.stdout);
    assert!(alone.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn a_daemon_that_keeps_the_output_does_not_hold_its_script() {
    let text = "echo from the script; (read never) <&3 & echo pid $!";
    let text = format!("mkfifo=$(mktemp -u); mkfifo $mkfifo; exec 3<>$mkfifo; rm $mkfifo; {text}");
    let (run, heard, held) = drive(&[&text], &[], Watch::Pidfd, MINUTE);
    assert_eq!(outcomes(&run), [Outcome::Done]);
    assert_eq!(held.len(), 1, "its pipe is still open");
    assert_eq!(heard[0].1, "from the script");
    let pid: i32 = heard[1].1.strip_prefix("pid ").unwrap().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[test]
fn a_timeout_reaches_the_whole_group_and_a_deaf_script_is_killed() {
    let texts = ["sleep 1000 & wait", "trap '' TERM; while :; do sleep 1000; done"];
    let (run, _, _) = drive(&texts, &[], Watch::Pidfd, 100_000_000);
    assert_eq!(outcomes(&run), [Outcome::TimedOut, Outcome::TimedOut]);
}

#[test]
fn a_flood_of_output_blocks_nobody() {
    let texts = ["yes | head -c 20000000; echo end", "echo quiet"];
    let (run, heard, _) = drive(&texts, &[], Watch::Pidfd, MINUTE);
    assert_eq!(outcomes(&run), [Outcome::Done, Outcome::Done]);
    let flood: Vec<&String> =
        heard.iter().filter(|(job, _)| *job == JobId(0)).map(|(_, line)| line).collect();
    assert!(flood.iter().any(|line| line.contains("earlier lines not kept")));
    assert_eq!(flood.last().map(|line| line.as_str()), Some("end"));
}

#[test]
fn a_script_has_no_input_and_no_terminal_and_ordinary_signals() {
    let text = "cat; (: </dev/tty) 2>/dev/null && echo tty; grep -E '^Sig(Blk|Ign):' /proc/self/status";
    let (_, heard, _) = drive(&[text], &[], Watch::Pidfd, MINUTE);
    assert_eq!(heard.len(), 2, "nothing was read and no terminal opened: {heard:?}");
    for (_, line) in heard {
        let mask = u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap();
        // The C library keeps 32 and 33 for itself and leaves them as it finds them.
        assert_eq!(mask & 0x7fff_ffff, 0, "{line}");
    }
}

#[test]
fn what_a_job_cost_is_recorded() {
    let (run, _, _) = drive(&["i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"], &[], Watch::Pidfd, MINUTE);
    let record = &run.records[JobId(0)];
    assert!(record.usage.user_us > 0 && record.usage.max_rss_kib > 0);
    assert!(record.ready <= record.start && record.start < Some(record.end));
    assert_eq!(record.available, Some(record.end));
}

#[test]
fn a_script_without_an_interpreter_line_is_run_by_sh() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plain");
    std::fs::write(&path, "echo \"$1\"\n").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (run, heard, _) = drive(&[&format!("exec {} start", path.display())], &[], Watch::Pidfd, MINUTE);
    assert_eq!(outcomes(&run), [Outcome::Done]);
    assert_eq!(heard, [(JobId(0), "start".to_owned())]);
}
