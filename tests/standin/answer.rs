//! What goes to rc, and what to the console; beside the real startpar's on the same trees.

use super::{answer, rc, tree};
use crate::support::debian::Debian;
use crate::support::program::{Finished, LIMIT, finish};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, geteuid, mkfifo};
use std::fs::File;
use std::os::fd::AsFd as _;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::thread;

/// Scripts of four levels that end in all the ways that LSB has a number for.
fn numbered() -> Sandbox {
    let in_levels = |name: &str, start: &str, stop: &str| {
        Script::new(name).says("Default-Start", start).says("Default-Stop", stop)
    };
    let sandbox = tree(&[
        in_levels("early", "S", "0 6"),
        in_levels("both", "2 3 4 5", "0 1 6"),
        in_levels("two", "2", "0 1 3 4 5 6"),
        in_levels("three", "3", "0 1 2 6"),
        in_levels("bad", "3", "0 1 2 6").then("exit 1"),
        in_levels("bare", "3", "0 1 2 6").then("exit 5"),
        in_levels("raw", "3", "0 1 2 6").then("exit 6"),
        in_levels("down", "3", "0 1 2 6").then("exit 7"),
    ]);
    Debian::unpacked().insserv(&sandbox);
    sandbox
}

/// The real startpar, which reads nothing but `/etc`: the tree is bound there in a namespace of its own.
fn real(sandbox: &Sandbox, arguments: &str) -> Finished {
    let namespace = if geteuid().is_root() { &["--mount"][..] } else { &["--map-root-user", "--mount"] };
    let inside = format!("mount --bind \"$TREE/etc\" /etc && exec \"$STARTPAR\" -p 4 -t 20 -T 3 {arguments}");
    let mut command = Command::new("unshare");
    command.args(namespace).args(["sh", "-c", &inside]).env("TREE", sandbox.path());
    command.env("STARTPAR", Debian::unpacked().program("startpar")).current_dir("/");
    finish(&mut command, LIMIT).expect_code(0)
}

fn sorted(sandbox: &Sandbox) -> Vec<String> {
    let mut journal = sandbox.journal();
    journal.sort();
    journal
}

#[test]
fn the_same_scripts_and_the_same_answer_as_startpar() {
    let sandbox = numbered();
    let calls = [
        "-M boot -P N -R S",
        "-M start -P N -R 2",
        "-M stop -P 2 -R 3",
        "-M start -P 2 -R 3",
        "-M stop -P N -R 3",
        "-M stop -P 3 -R 2",
        "-M start -P 3 -R 2",
        "-M stop -P 2 -R 1",
        "-M start -P S -R 3",
        "-M start -P 1 -R 2",
        "-M stop -P S -R 0",
        "-M stop -P N -R 6",
    ];
    for call in calls {
        sandbox.forget_journal();
        let theirs = real(&sandbox, call);
        let expected = sorted(&sandbox);
        sandbox.forget_journal();
        let ours = rc(&sandbox, "/bin/sh", &format!("ours {call}"));
        assert_eq!(sorted(&sandbox), expected, "{call}\n{ours}");
        assert_eq!(ours.stdout, theirs.stdout, "{call}\n{ours}");
        // startpar's status says nothing; ours says what there is to say.
        let failed = !theirs.stdout.starts_with("failed_service=\"\"\n");
        assert_eq!(ours.code, i32::from(failed), "{call}\n{ours}");
    }
}

/// startpar leaves out of a shutdown what the level before had stopped. Somebody may have started it by hand since.
#[test]
fn a_shutdown_stops_what_is_disabled_too() {
    let sandbox = numbered();
    real(&sandbox, "-M stop -P 2 -R 0");
    assert!(!sorted(&sandbox).contains(&"three stop".to_owned()));
    sandbox.forget_journal();
    let ours = rc(&sandbox, "/bin/sh", "ours -M stop -P 2 -R 0");
    assert_eq!(ours.stdout, answer("bad", "bare", "raw"), "{ours}");
    assert_eq!(sorted(&sandbox).len(), 8);
}

#[test]
fn links_that_start_in_a_shutdown_are_stopped_last_one_by_one_in_their_order() {
    let names = ["zz", "aa", "umountfs", "halt"];
    let sandbox = tree(&names.map(|name| {
        // Whoever finds another's mark was not alone.
        let mark = "mkdir \"$0.lock\" \"${0%/*}/alone\" || exit 9\nrmdir \"$0.lock\" \"${0%/*}/alone\"";
        Script::new(name).then(if name == "zz" { "" } else { mark })
    }));
    for link in ["K01zz", "S35aa", "S40umountfs", "S90halt"] {
        sandbox.link("0", link);
    }
    let ours = rc(&sandbox, "/bin/sh", "ours -M stop -P 2 -R 0").expect_code(0);
    assert_eq!(sandbox.journal(), ["zz stop", "aa stop", "umountfs stop", "halt stop"], "{ours}");
}

#[test]
fn nothing_but_the_answer_reaches_rc() {
    let sandbox = tree(&[
        Script::new("talker").then("echo said; echo cried >&2"),
        Script::new("asker").says("X-Interactive", "true").then("echo question; exit 3"),
    ]);
    let ours = rc(&sandbox, "/bin/sh", "SEREL_DEBUG=on ours -M start -P N -R 2");
    assert_eq!(ours.stdout, answer("asker", "", ""), "{ours}");
    for word in ["said", "cried", "question"] {
        assert!(ours.stderr.contains(word), "{ours}");
    }
}

#[test]
fn a_daemon_with_the_script_s_output_does_not_hold_rc() {
    let sandbox = tree(&[Script::new("server").then("cat \"$TREE/fifo\" &")]);
    let text = "mkfifo \"$TREE/fifo\"; eval \"$(ours -M start -P N -R 2)\"; echo \"[$failed_service]\"; : >\"$TREE/fifo\"";
    let ours = rc(&sandbox, "/bin/sh", text).expect_code(0);
    assert_eq!(ours.stdout, "[]\n", "{ours}");
}

/// Whether a shell that has called us goes on before what was learnt is saved, or kept for later.
///
/// As long as somebody reads the history, nobody is done with writing it, and who has tried for two seconds keeps what he has
/// for later. What the shell says when it goes on ends the reading, and whoever is saving then is asked to end, as in a shutdown.
fn goes_on_before_saving(sandbox: &Sandbox, call: &str) -> bool {
    let reader = rusqlite::Connection::open(sandbox.at("etc/serel/history.db")).unwrap();
    let recorded = || reader.query_row("SELECT count(*) FROM run", [], |row| row.get::<_, u32>(0)).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let before = recorded();
    mkfifo(&sandbox.at("answered"), Mode::S_IRWXU).unwrap();
    let answered = File::options().read(true).write(true).open(sandbox.at("answered")).unwrap();
    let ours = thread::scope(|scope| {
        let ours = scope.spawn(|| rc(sandbox, "/bin/sh", &format!("{call}; echo >\"$TREE/answered\"")));
        let mut heard = [PollFd::new(answered.as_fd(), PollFlags::POLLIN)];
        poll(&mut heard, PollTimeout::try_from(LIMIT).unwrap()).unwrap();
        for saver in savers(sandbox) {
            kill(saver, Signal::SIGTERM).unwrap();
        }
        reader.execute_batch("COMMIT").unwrap();
        ours.join().unwrap().expect_code(0)
    });
    std::fs::remove_file(sandbox.at("answered")).unwrap();
    let kept = sandbox.names("run/serel").iter().any(|name| name.starts_with("pending."));
    assert!(kept || recorded() == before + 1, "{ours}");
    assert_eq!(savers(sandbox), []);
    !kept
}

/// The processes that save what was learnt in a tree.
fn savers(sandbox: &Sandbox) -> Vec<Pid> {
    let read = |pid: i32, what: &str| std::fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
    let tree = format!("TREE={}\0", sandbox.path().display()).into_bytes();
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let savers = pids.filter(|pid| read(*pid, "comm") == b"serel-history\n");
    savers
        .filter(|pid| read(*pid, "environ").windows(tree.len()).any(|part| part == tree))
        .map(Pid::from_raw)
        .collect()
}

#[test]
fn rc_goes_on_before_the_history_of_an_unchanged_start_is_saved() {
    let sandbox = tree(&[Script::new("a")]);
    std::fs::create_dir(sandbox.at("run")).unwrap();
    let start = "eval \"$(ours -M start -P N -R 2)\"";
    rc(&sandbox, "/bin/sh", start).expect_code(0);
    assert!(goes_on_before_saving(&sandbox, start));
    // What the caller's own files are good for ends with the caller.
    let locked = "exec 9>\"$TREE/lock\"; flock 9";
    let free = "exec 9>&-; flock --nonblock \"$TREE/lock\" true || exit 9";
    assert!(goes_on_before_saving(&sandbox, &format!("{locked}; {start}; {free}")));
    let hook = "SEREL_RUNLEVELS=2 \"$TREE/bin/serelrc\" --root \"$TREE\" rc 2";
    symlink(env!("CARGO_BIN_EXE_serelrc"), sandbox.at("bin/serelrc")).unwrap();
    assert!(goes_on_before_saving(&sandbox, hook));
    assert!(!goes_on_before_saving(&sandbox, "\"$TREE/bin/serelrc\" --root \"$TREE\" start 2"));
}

#[test]
fn a_new_plan_and_what_a_stop_has_learnt_are_saved_before_rc_goes_on() {
    let sandbox = tree(&[Script::new("a")]);
    std::fs::create_dir(sandbox.at("run")).unwrap();
    let stop = "eval \"$(ours -M stop -P 2 -R 1)\"";
    for call in [stop, "eval \"$(ours -M start -P N -R 2)\""] {
        rc(&sandbox, "/bin/sh", call).expect_code(0);
    }
    assert!(!goes_on_before_saving(&sandbox, stop));
    rc(&sandbox, "/bin/sh", stop).expect_code(0);
    sandbox.add(&Script::new("b"));
    assert!(!goes_on_before_saving(&sandbox, "eval \"$(ours -M start -P N -R 2)\""));
}

#[test]
fn whatever_a_script_is_called_no_shell_runs_it() {
    let names = ["a$(touch ran)", "b`touch ran`", "c\"; touch ran; \"", "d'; touch ran; '", "e\\"];
    for shell in ["/bin/dash", "/bin/bash"] {
        let sandbox = tree(&[]);
        for name in names {
            sandbox.write(&format!("etc/init.d/{name}"), "#!/bin/sh\nexit 1\n", 0o755);
            sandbox.link("2", &format!("S01{name}"));
        }
        let text = "cd \"$TREE\"; eval \"$(ours -M start -P N -R 2)\"; echo \"$failed_service\"";
        let ours = rc(&sandbox, shell, text).expect_code(0);
        assert_eq!(ours.stdout, names.join(" ") + "\n", "{ours}");
        assert!(!sandbox.at("ran").exists(), "{ours}");
    }
}

#[test]
fn a_needed_one_that_failed_keeps_nobody_from_being_started() {
    let sandbox =
        tree(&[Script::new("broken").then("exit 1"), Script::new("needer").says("Required-Start", "broken")]);
    let ours = rc(&sandbox, "/bin/sh", "ours -M start -P N -R 2").expect_code(1);
    assert_eq!((ours.stdout, sandbox.journal().len()), (answer("broken", "", ""), 2));
    // Who wants it otherwise says so.
    sandbox.forget_journal();
    sandbox.write("etc/default/serel", "SEREL_OPTIONS=\"--required-start need\"\n", 0o644);
    let ours = rc(&sandbox, "/bin/sh", "ours -M start -P N -R 2").expect_code(1);
    assert_eq!((ours.stdout, sandbox.journal().len()), (answer("broken needer", "", ""), 1));
}

#[test]
fn rc_s_environment_and_directory_reach_the_scripts() {
    let sandbox =
        tree(&[Script::new("teller").then("echo \"$runlevel $previous $RUNLEVEL $VERBOSE $PWD\" >&2")]);
    let text = "VERBOSE=yes RUNLEVEL=9 ours -M start -P 3 -R 2";
    let ours = rc(&sandbox, "/bin/sh", text).expect_code(0);
    assert!(ours.stderr.contains("2 3 2 yes /\n"), "{ours}");
}
