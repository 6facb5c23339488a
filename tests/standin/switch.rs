//! Who runs a level: we, or the startpar that is there besides.

use super::{add_real, answer, rc, tree};
use crate::support::script::Script;
use std::os::unix::fs::symlink;

const CALL: &str = "ours -M start -P N -R 2";

#[test]
fn a_level_that_is_not_named_is_the_real_one_s_at_once() {
    let settings = |text: &str| {
        let sandbox = tree(&[Script::new("a")]);
        add_real(&sandbox);
        sandbox.write("etc/default/serel", text, 0o644);
        let ours = rc(&sandbox, "/bin/sh", CALL).expect_code(0);
        let called = format!("real -e {}/etc -p 4 -t 20 -T 3 -M start -P N -R 2", sandbox.path().display());
        match &sandbox.journal()[..] {
            [one] if *one == called => {
                assert_eq!((&*ours.stdout, &*ours.stderr), ("failed_service=\"from the real one\"\n", ""));
                false
            }
            [one] if one == "a start" => true,
            other => panic!("{other:?}\n{ours}"),
        }
    };
    assert!(!settings("SEREL_RUNLEVELS=\"S 3 4 5\"\n"));
    assert!(!settings("SEREL_RUNLEVELS=\n"));
    assert!(settings("SEREL_RUNLEVELS=\"S 2\"\n"));
    assert!(settings("# nothing is said\n"));
}

#[test]
fn the_kernel_s_command_line_has_the_last_word() {
    let sandbox = tree(&[Script::new("a")]);
    add_real(&sandbox);
    sandbox.write("etc/default/serel", "SEREL_RUNLEVELS=\"S 2\"\n", 0o644);
    for (line, ours) in [("quiet serel=off", false), ("quiet SEREL_RUNLEVELS=S,3", false), ("quiet", true)] {
        sandbox.forget_journal();
        sandbox.write("proc/cmdline", line, 0o644);
        rc(&sandbox, "/bin/sh", CALL).expect_code(0);
        assert_eq!(sandbox.journal() == ["a start"], ours, "{line}: {:?}", sandbox.journal());
    }
}

#[test]
fn a_command_line_that_cannot_be_read_is_said() {
    let sandbox = tree(&[Script::new("a")]);
    add_real(&sandbox);
    std::fs::create_dir_all(sandbox.at("proc/cmdline")).unwrap();
    let ours = rc(&sandbox, "/bin/sh", CALL).expect_code(0);
    assert_eq!(sandbox.journal(), ["a start"]);
    assert!(ours.stderr.contains("proc/cmdline: cannot be read: it is not a regular file"), "{ours}");
}

#[test]
fn settings_that_others_can_write_are_not_read() {
    let sandbox = tree(&[Script::new("a")]);
    add_real(&sandbox);
    sandbox.write("etc/default/serel", "SEREL_RUNLEVELS=3\n", 0o666);
    let ours = rc(&sandbox, "/bin/sh", CALL).expect_code(0);
    assert_eq!(sandbox.journal(), ["a start"]);
    assert!(ours.stderr.contains("etc/default/serel: can be written by others"), "{ours}");
}

#[test]
fn where_there_is_no_other_one_the_links_are_run_in_their_order() {
    let sandbox = tree(&[
        Script::new("a").then("exit 5"),
        // Its link says first, its header last: links it is.
        Script::new("b").says("Required-Start", "c").then("exit 1"),
        Script::new("c"),
    ]);
    for link in ["S01b", "S02a", "S02c", "K01c"] {
        sandbox.link("2", link);
    }
    sandbox.write("etc/default/serel", "SEREL_RUNLEVELS=3\n", 0o644);
    let ours = rc(&sandbox, "/bin/sh", &CALL.replace("ours", "PATH=\"$TREE/bin\"; ours")).expect_code(1);
    assert_eq!(sandbox.journal(), ["b start", "a start", "c start"], "{ours}");
    assert_eq!(ours.stdout, answer("b", "a", ""), "{ours}");
    assert!(ours.stderr.contains("there is no other startpar in PATH"), "{ours}");
}

/// `/etc/rc2.d` is a file here, and the links are where Red Hat has them, behind a link that leads out of the tree for
/// who follows it like any other.
#[test]
fn links_are_found_where_they_are_and_only_inside_the_root() {
    let sandbox = tree(&[Script::new("a")]);
    sandbox.write("etc/rc2.d", "", 0o644);
    sandbox.write("etc/links/there", "", 0o644);
    std::fs::create_dir(sandbox.at("etc/rc.d")).unwrap();
    symlink("/etc/links", sandbox.at("etc/rc.d/rc2.d")).unwrap();
    symlink("../init.d/a", sandbox.at("etc/links/S01a")).unwrap();
    sandbox.write("etc/default/serel", "SEREL_RUNLEVELS=3\n", 0o644);
    let alone = CALL.replace("ours", "PATH=\"$TREE/bin\"; ours");
    let ours = rc(&sandbox, "/bin/sh", &alone).expect_code(0);
    assert_eq!(sandbox.journal(), ["a start"], "{ours}");
    std::fs::remove_file(sandbox.at("etc/rc.d/rc2.d")).unwrap();
    let ours = rc(&sandbox, "/bin/sh", &alone).expect_code(0);
    assert!(ours.stderr.contains("there is no directory with links of level 2"), "{ours}");
}

/// Two copies of us do not hand over to each other for ever.
#[test]
fn a_second_copy_of_us_is_asked_once() {
    let sandbox = tree(&[Script::new("a")]);
    sandbox.link("2", "S01a");
    std::fs::create_dir(sandbox.at("real")).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_serelrc"), sandbox.at("real/startpar")).unwrap();
    sandbox.write("proc/cmdline", "serel=off", 0o644);
    let text = "PATH=\"$TREE/bin:$TREE/real\"; ours -M start -P N -R 2";
    let ours = rc(&sandbox, "/bin/sh", text).expect_code(0);
    assert_eq!(sandbox.journal(), ["a start"], "{ours}");
}

/// Nor does a script of that name that goes back to the first in PATH.
#[test]
fn a_script_that_calls_us_again_is_asked_once() {
    let sandbox = tree(&[Script::new("a")]);
    sandbox.link("2", "S01a");
    let around = "#!/bin/sh\necho around >>\"$TREE/journal\"\nexec startpar \"$@\"\n";
    sandbox.write("real/startpar", around, 0o755);
    sandbox.write("proc/cmdline", "serel=off", 0o644);
    let text = "PATH=\"$TREE/bin:$TREE/real\"; ours -M start -P N -R 2";
    let ours = rc(&sandbox, "/bin/sh", text).expect_code(0);
    assert_eq!(sandbox.journal(), ["around", "a start"], "{ours}");
}

#[test]
fn what_we_do_not_do_ourselves_is_handed_on() {
    let sandbox = tree(&[]);
    add_real(&sandbox);
    for call in ["-p 4 -a start /bin/x /bin/y", "-Q", "-M what", "-M start -P N -R x", "-M start -P N"] {
        sandbox.forget_journal();
        rc(&sandbox, "/bin/sh", &format!("startpar {call}")).expect_code(0);
        assert_eq!(sandbox.journal(), [format!("real {call}")]);
    }
    let alone = rc(&sandbox, "/bin/sh", "PATH=\"$TREE/bin\"; startpar -M start -P N").expect_code(1);
    assert!(alone.stderr.contains("-R"), "{alone}");
    let text = "printf '#!/bin/sh\\necho \"$0\" \"$@\"\\n' >\"$TREE/x\"; chmod +x \"$TREE/x\"; cd \"$TREE\"; PATH=bin; startpar -p 4 -a go ./x ./x";
    let plain = rc(&sandbox, "/bin/sh", text).expect_code(0);
    assert_eq!(plain.stdout, "./x go\n./x go\n", "{plain}");
    let version = rc(&sandbox, "/bin/sh", "startpar -v; echo words | startpar -f").expect_code(0);
    assert_eq!(version.stdout, format!("startpar (serelrc) version {}\nwords\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_nobody_understands_boots_all_the_same() {
    let sandbox = tree(&[Script::new("a"), Script::new("b").then("exit 1")]);
    for link in ["S01b", "S02a", "K01a"] {
        sandbox.link("2", link);
    }
    sandbox.link("0", "K01a");
    sandbox.link("0", "S90b");
    let alone = |call: &str| {
        sandbox.forget_journal();
        rc(&sandbox, "/bin/sh", &format!("PATH=\"$TREE/bin\"; ours {call}"))
    };
    for call in ["-Z -M start -P N -R 2", "-M start -PN -R2 --new=5", "-M start -R 2 -M start -P N"] {
        let ours = alone(call).expect_code(1);
        assert_eq!(sandbox.journal(), ["b start", "a start"], "{ours}");
        assert_eq!(ours.stdout, answer("b", "", ""), "{ours}");
        assert!(ours.stderr.contains("startpar: there is no other startpar in PATH"), "{ours}");
    }
    alone("-Z -M stop -P 2 -R 0").expect_code(1);
    assert_eq!(sandbox.journal(), ["a stop", "b stop"]);
    for call in ["-Z -M start", "-M start -P N -R 2 -e"] {
        let none = alone(call).expect_code(1);
        assert!(none.stdout.is_empty() && sandbox.journal().is_empty(), "{none}");
    }
    // Something of ours that panics: print what cannot be written does.
    let ours = alone("-M start -P N -R 2 -v >/dev/full").expect_code(1);
    assert_eq!(sandbox.journal(), ["b start", "a start"], "{ours}");
    assert!(ours.stderr.contains("startpar: panicked at"), "{ours}");
}

#[test]
fn settings_that_a_shell_would_read_otherwise_are_said() {
    let sandbox = tree(&[Script::new("a")]);
    add_real(&sandbox);
    sandbox.write("etc/default/serel", "# levels\nSEREL_RUNLEVELS=S 2\n", 0o644);
    let ours = rc(&sandbox, "/bin/sh", CALL).expect_code(0);
    assert!(ours.stderr.contains("etc/default/serel:2:19: "), "{ours}");
    assert!(ours.stderr.contains("SEREL_RUNLEVELS is taken for `S`"), "{ours}");
}

#[test]
fn debugging_is_switched_on_in_the_file_too() {
    let sandbox = tree(&[Script::new("a")]);
    for (text, debugs) in [("SEREL_DEBUG=on\n", true), ("SEREL_DEBUG=off\n", false)] {
        sandbox.write("etc/default/serel", text, 0o644);
        let ours = rc(&sandbox, "/bin/sh", CALL).expect_code(0);
        assert_eq!(ours.stderr.contains("serelrc: debug:"), debugs, "{ours}");
    }
}

#[test]
fn options_that_do_not_fit_are_said_and_left_out() {
    let sandbox = tree(&[Script::new("a")]);
    // The last two are no faults on a command line, but nothing is run with them.
    for (options, why) in
        [("--jobs many", "'many'"), ("--dry-run", "nothing would be run"), ("-v", "serelrc")]
    {
        sandbox.write("etc/default/serel", &format!("SEREL_OPTIONS=\"{options}\"\n"), 0o644);
        sandbox.forget_journal();
        let ours = rc(&sandbox, "/bin/sh", CALL).expect_code(0);
        assert_eq!(sandbox.journal(), ["a start"], "{ours}");
        let said = format!("SEREL_OPTIONS=\"{options}\" is left out");
        assert!(ours.stderr.contains(&said) && ours.stderr.contains(why), "{ours}");
    }
}

#[test]
fn a_log_that_cannot_be_opened_takes_no_other_option_with_it() {
    let sandbox = tree(&[Script::new("a").then("echo loud")]);
    for (log, why) in
        [("/dev/null/none", "cannot open the log file"), ("LOG_NONE", "unknown syslog facility")]
    {
        sandbox.write("etc/default/serel", &format!("SEREL_OPTIONS=\"--quiet --log {log}\"\n"), 0o644);
        let ours = rc(&sandbox, "/bin/sh", CALL).expect_code(0);
        assert_eq!(ours.stderr.matches(why).count(), 1, "{ours}");
        assert!(ours.stderr.contains(": logging to standard error\n"), "{ours}");
        assert!(!ours.stderr.contains("loud"), "{ours}");
    }
    // Both units of a shutdown go to the log that is emptied once.
    let log = sandbox.at("log");
    let options = format!("SEREL_OPTIONS=\"-d3 --log-truncate --log {}\"\n", log.display());
    sandbox.write("etc/default/serel", &options, 0o644);
    for link in ["K01a", "S01a"] {
        sandbox.link("0", link);
    }
    rc(&sandbox, "/bin/sh", "ours -M stop -P 2 -R 0").expect_code(0);
    let whole = sandbox.read("log");
    assert_eq!(whole.matches("1 jobs planned").count(), 2, "{whole}");
    sandbox.serelrc(&["verify", "--system"]);
    assert_eq!(sandbox.read("log"), whole, "who looks at a system writes nothing");
}

/// The machine would have come up without its services.
#[test]
fn options_with_which_nothing_would_be_run_are_left_out() {
    let sandbox = tree(&[Script::new("a")]);
    let elsewhere = tree(&[Script::new("b")]);
    let root = format!("--root {}", elsewhere.path().display());
    for options in ["--dry-run", "--help", "--version", "--previous 3", &root] {
        sandbox.write("etc/default/serel", &format!("SEREL_OPTIONS=\"{options}\"\n"), 0o644);
        sandbox.forget_journal();
        let ours = rc(&sandbox, "/bin/sh", CALL).expect_code(0);
        assert_eq!(sandbox.journal(), ["a start"], "{ours}");
        assert!(ours.stderr.contains(&format!("SEREL_OPTIONS=\"{options}\" is left out")), "{ours}");
    }
    assert_eq!(elsewhere.journal(), [""; 0]);
}
