//! Trouble of our own: the run is killed, there is no memory, nothing fits together. The scripts are run all the same.

use super::{add_real, answer, rc, tree};
use crate::support::script::Script;

const CALL: &str = "ours -M start -P N -R 2";

/// Ends the process that runs the units; its own parent is the one that answers rc.
const KILL: &str = "kill -9 $PPID";

fn times(journal: &[String], name: &str) -> usize {
    journal.iter().filter(|line| line.starts_with(&format!("{name} "))).count()
}

#[test]
fn killed_half_way_the_rest_is_run_once_and_what_was_done_is_not_run_again() {
    let sandbox = tree(&[
        Script::new("first"),
        Script::new("killer")
            .says("Required-Start", "first")
            .then(&format!("[ -e \"$TREE/killed\" ] || {{ : >\"$TREE/killed\"; {KILL}; }}; exit 1")),
        Script::new("last").says("Required-Start", "killer").then("exit 6"),
    ]);
    let ours = rc(&sandbox, "/bin/sh", CALL).expect_code(1);
    let journal = sandbox.journal();
    assert_eq!((times(&journal, "first"), times(&journal, "last")), (1, 1), "{journal:?}\n{ours}");
    assert_eq!(ours.stdout, answer("killer", "", "last"), "{ours}");
    assert!(ours.stderr.contains("the run was killed by SIGKILL: going on one by one"), "{ours}");
}

#[test]
fn who_was_under_way_is_waited_for_before_others_that_need_it() {
    let sandbox = tree(&[
        Script::new("killer").then(&format!(
            "[ -e \"$TREE/killed\" ] && exit; : >\"$TREE/killed\"; exec 2>/dev/null\n\
             cat \"$TREE/noted\"; {KILL}\n\
             cat \"$TREE/fifo\"; echo \"killer over\" >>\"$TREE/journal\""
        )),
        Script::new("needer").says("Required-Start", "killer"),
        // It is started behind the killer: what is known of that has been noted by then.
        Script::new("other").then("[ -e \"$TREE/other\" ] || { : >\"$TREE/other\"; : >\"$TREE/noted\"; }"),
    ]);
    // Whoever reads what we say lets the killer go on, once it is being waited for.
    let text = format!(
        "mkfifo \"$TREE/fifo\" \"$TREE/noted\"; {{ {CALL}; }} 2>&1 | while read -r line; do\n\
         case $line in *'end of /etc/init.d/killer, which was under way'*) : >\"$TREE/fifo\";; esac; done"
    );
    let ours = rc(&sandbox, "/bin/sh", &text).expect_code(0);
    let mut journal = sandbox.journal();
    journal.retain(|line| line != "other start");
    assert_eq!(journal, ["killer start", "killer over", "killer start", "needer start"], "{ours}");
}

#[test]
fn killed_twice_the_links_are_left() {
    let sandbox = tree(&[
        Script::new("a"),
        Script::new("killer")
            .says("Required-Start", "a")
            .then(&format!("echo >>\"$TREE/kills\"; [ $(wc -l <\"$TREE/kills\") -gt 2 ] || {KILL}")),
        Script::new("z").says("Required-Start", "killer"),
    ]);
    add_real(&sandbox);
    for link in ["S01a", "S02killer", "S03z"] {
        sandbox.link("2", link);
    }
    let ours = rc(&sandbox, "/bin/sh", CALL).expect_code(0);
    let journal = sandbox.journal();
    assert_eq!(journal, ["a start", "killer start", "killer start", "killer start", "z start"], "{ours}");
    assert_eq!(ours.stdout, answer("", "", ""), "{ours}");
}

/// The one that waits is killed: the one that works goes on and answers.
#[test]
fn killed_above_the_run_goes_on() {
    let sandbox = tree(&[
        Script::new("killer").then("set -- $(cat /proc/$PPID/stat); kill -9 $4; exit 5"),
        Script::new("last").says("Required-Start", "killer"),
    ]);
    let text = format!("eval \"$({CALL})\"; echo \"$skipped_service_not_installed\"");
    let ours = rc(&sandbox, "/bin/sh", &text).expect_code(0);
    assert_eq!((&*ours.stdout, sandbox.journal().len()), ("killer\n", 2), "{ours}");
}

/// An RDF file for which there is not enough memory: we die before anything is begun.
#[test]
fn without_memory_the_real_one_is_left() {
    let sandbox = tree(&[Script::new("a")]);
    sandbox.link("2", "S01a");
    let mut rdf = String::from(
        "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
         xmlns=\"http://www.fastboot.org/2002/03/graph-schema#\">\n",
    );
    for number in 0..80_000 {
        rdf.push_str(&format!("<service rdf:ID=\"service-of-no-use-{number}\"/>\n"));
    }
    sandbox.write("etc/serel/rdf.d/large.rdf", &(rdf + "</rdf:RDF>\n"), 0o644);
    let text = format!("ulimit -v 60000; {CALL}");
    add_real(&sandbox);
    let ours = rc(&sandbox, "/bin/sh", &text);
    assert_eq!(ours.stdout, "failed_service=\"from the real one\"\n", "{ours}");
    assert!(ours.stderr.contains("SIGABRT"), "{ours}");
    std::fs::remove_file(sandbox.at("real/startpar")).unwrap();
    sandbox.forget_journal();
    let ours = rc(&sandbox, "/bin/sh", &format!("PATH=\"$TREE/bin\"; {text}")).expect_code(0);
    assert_eq!((ours.stdout, sandbox.journal()), (answer("", "", ""), vec!["a start".to_owned()]));
}

#[test]
fn no_supervision_no_history_and_definitions_that_do_not_fit() {
    let scripts = [
        Script::new("a").says("Required-Start", "b"),
        Script::new("b").says("Required-Start", "a").then("exit 1"),
        Script::new("c").says("Required-Start", "nobody"),
    ];
    // Less, and a shell cannot be either.
    for limit in ["ulimit -n 13", "ulimit -n 31", "ulimit -n 32", ":"] {
        let sandbox = tree(&scripts);
        for link in ["S01a", "S02b", "S03c"] {
            sandbox.link("2", link);
        }
        sandbox.write("etc/serel/history.db", "no database", 0o644);
        let ours = rc(&sandbox, "/bin/sh", &format!("{limit}; {CALL}")).expect_code(1);
        let mut journal = sandbox.journal();
        journal.sort();
        assert_eq!(journal, ["a start", "b start", "c start"], "{limit}\n{ours}");
        assert_eq!(ours.stdout, answer("b", "", ""), "{limit}\n{ours}");
    }
}

#[test]
fn a_signal_to_who_waits_ends_the_run() {
    let sandbox = tree(&[
        Script::new("ender").then("set -- $(cat /proc/$PPID/stat); kill -TERM $4; exec sleep 100"),
        Script::new("never").says("Required-Start", "ender"),
    ]);
    let ours = rc(&sandbox, "/bin/sh", CALL).expect_code(143);
    assert_eq!(ours.stdout, answer("ender never", "", ""), "{ours}");
    assert_eq!(sandbox.journal(), ["ender start"]);
    let (_, typed) = ours.stderr.split_once("to go on, type serelrc ").unwrap();
    assert!(typed.lines().next().unwrap().ends_with(" start 2 --resume"), "{ours}");
}

/// init does so when the level changes while rc is under way: no script may be killed as by a second signal.
#[test]
fn a_signal_to_the_whole_group_is_one_and_scripts_have_their_time_to_end() {
    let sandbox = tree(&[Script::new("ender").then(
        "trap 'for i in 1 2 3 4 5 6 7 8 9; do cat /proc/self/stat >/dev/null; done; echo well >>\"$TREE/journal\"; \
         exit 0' TERM\nset -- $(cat /proc/$PPID/stat); kill -TERM -$5; while :; do sleep 1000 & wait; done",
    )]);
    let text = "setsid --wait startpar -e \"$TREE/etc\" -M start -P N -R 2";
    let ours = rc(&sandbox, "/bin/sh", text).expect_code(143);
    assert_eq!(sandbox.journal(), ["ender start", "well"], "{ours}");
    assert!(!ours.stderr.contains("second signal"), "{ours}");
}

/// init signals a whole group: who waits hands on what who works has got already, and that kills nobody.
#[test]
fn a_signal_to_both_counts_once() {
    let sandbox = tree(&[Script::new("ender").then(
        "trap '' TERM; set -- $(cat /proc/$PPID/stat); kill -TERM $PPID; kill -TERM $4\n\
         until grep -q '^ShdPnd:.0*$' \"/proc/$4/status\"; do :; done; cat /dev/null\n\
         echo 'ender over' >>\"$TREE/journal\"",
    )]);
    let ours = rc(&sandbox, "/bin/sh", CALL).expect_code(143);
    assert_eq!(sandbox.journal(), ["ender start", "ender over"], "{ours}");
    assert!(
        ours.stderr.contains("starting nothing more") && !ours.stderr.contains("second signal"),
        "{ours}"
    );
}

/// `single` has init change the level, and init ends rc with all that belongs to it.
#[test]
fn single_user_mode_is_no_trouble() {
    let one = |name: &str| Script::new(name).says("Default-Start", "1");
    let sandbox = tree(&[
        one("killprocs"),
        one("logs"),
        one("single").then("kill -TERM $PPID; set -- $(cat /proc/$PPID/stat); kill -TERM $4"),
    ]);
    for link in ["S01killprocs", "S01logs", "S01single"] {
        sandbox.link("1", link);
    }
    let ours = rc(&sandbox, "/bin/sh", "ours -M start -P 2 -R 1").expect_code(143);
    assert_eq!(sandbox.journal(), ["killprocs start", "logs start", "single start"], "{ours}");
    assert!(ours.stderr.contains("2 jobs, 2 ok"), "{ours}");
    assert!(!ours.stderr.contains("interrupted") && !ours.stderr.contains("startpar:"), "{ours}");
}
