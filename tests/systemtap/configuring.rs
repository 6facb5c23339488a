//! Configuration, options, names, the command line, `status`.

use super::tree;
use crate::support::program::{LIMIT, finish};
use std::process::Command;

/// The original runs its configuration as root.
#[test]
fn nothing_in_a_configuration_is_run() {
    let tap = tree(&[("one", ""), ("two", "")]);
    let mark = tap.at("mark");
    tap.parameters(&format!("two_OPT=\"$(touch {})\"", mark.display()));
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stderr.contains("conf.d/zz.conf:1:10: a command substitution"), "{done}");
    assert!(
        done.stdout.contains(" Starting two ... error: its options cannot be used: its parameters stand in"),
        "{done}"
    );
    assert!(!mark.exists());
    assert_eq!(tap.loaded(), ["one"]);
    tap.config(&format!("touch {}\n", mark.display()));
    let done = tap.run(&["start"]).expect_code(6);
    assert!(done.stderr.contains("/config:6:1: `touch` is a command"), "{done}");
    assert!(done.stderr.contains("cannot be used: nothing is done without it"), "{done}");
    assert!(!mark.exists());
}

/// `-c "sleep 10"` cannot be written for the original, and hangs without `-o`.
#[test]
fn a_command_with_a_blank_reaches_staprun_whole() {
    let tap = tree(&[("one", ""), ("two", "")]);
    let out = tap.at("out").display().to_string();
    tap.parameters(&format!("one_OPT='-o {out} -c \"sleep 10\"'\ntwo_OPT='-c \"sleep 10\"'"));
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stdout.contains("-c needs -o"), "{done}");
    let call = tap.calls().into_iter().find(|call| call.starts_with("staprun")).unwrap();
    assert!(call.starts_with(&format!("staprun -o {out} -c sleep 10 /")), "{call}");
    assert!(tap.pid("one") > 0);
    tap.run(&["stop"]).expect_code(0);
    assert_eq!(tap.loaded(), [""; 0]);
}

#[test]
fn options_go_to_the_program_that_they_are_for() {
    let tap = tree(&[("one", ""), ("two", ""), ("odd", "")]);
    tap.parameters(
        "one_OPT='-o out -S 1,2 -s 8 --suppress-handler-errors --from-the-future=1 -B X=y'\ntwo_OPT='-S 1'\n\
         odd_OPT='-Z'",
    );
    let done = tap.run(&["start"]).expect_code(1);
    let calls = tap.calls();
    let stap = calls.iter().find(|call| call.contains(" -m one ")).unwrap();
    assert!(stap.contains("--suppress-handler-errors --from-the-future=1 -B X=y -- "), "{stap}");
    let staprun = calls.iter().find(|call| call.starts_with("staprun")).unwrap();
    let out = tap.at("log/out").display().to_string();
    assert!(staprun.starts_with(&format!("staprun -o {out} -S 1,2 -b 8 -D /")), "{staprun}");
    assert!(
        done.stderr.contains(&format!("one_OPT: -o out is not an absolute path: {out} is used")),
        "{done}"
    );
    assert!(done.stderr.contains("one_OPT: --from-the-future=1 is not known here"), "{done}");
    assert!(
        done.stdout.contains(" Starting two ... error: its options cannot be used: -S needs -o"),
        "{done}"
    );
    assert!(
        done.stdout.contains(" Starting odd ... error: its options cannot be used: stap has no option -Z")
    );
}

#[test]
fn files_of_the_manual_of_2009_are_read() {
    let tap = tree(&[("script1", ""), ("script2", "")]);
    tap.sandbox.write("conf.d/group1", "script2_OPT=\"-DRELAYGUEST=group1\"\nscript2_REQ=script1\n", 0o644);
    let done = tap.run(&["status"]).expect_code(3);
    assert_eq!(done.stdout, "script1 is stopped\nscript2 is stopped\n  requires: script1\n");
    assert!(done.stderr.contains("group1: is read though its name does not end in .conf"), "{done}");
    tap.run(&["start"]).expect_code(0);
    let call = tap.calls().into_iter().find(|call| call.contains(" -m script2 ")).unwrap();
    assert!(call.contains(" -D RELAYGUEST=group1 "), "{call}");
}

#[test]
fn a_missing_configuration_is_said_and_the_defaults_hold() {
    let tap = tree(&[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_systemtap-service"));
    let done = finish(command.args(["status", "-c"]).arg(tap.at("none")), LIMIT);
    assert!(done.stderr.contains("none: there is no such file: the defaults hold"), "{done}");
}

#[test]
fn one_rule_for_names_wherever_they_come_from() {
    let tap = tree(&[("aa", "../evil"), ("one", ""), ("One", ""), ("two", "")]);
    tap.sandbox.write("script.d/bad-name.stp", "probe begin {}\n", 0o644);
    tap.sandbox.write(&format!("script.d/{}.stp", "x".repeat(60)), "probe begin {}\n", 0o644);
    for name in ["bad-name", "../../evil", "1num", "a b", ""] {
        let done = tap.run(&["start", name]).expect_code(1);
        assert!(done.stderr.contains("is not a valid script name"), "{name}\n{done}");
        assert_eq!(tap.calls(), [""; 0]);
    }
    tap.run(&["status", "bad-name"]).expect_code(3);
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stderr.contains("bad-name is not a valid script name"), "{done}");
    assert!(done.stderr.contains("longer than 54 characters"), "{done}");
    assert!(tap.log().contains("not a valid script name"));
    assert!(done.stdout.contains("would be one module: they differ in case only"), "{done}");
    assert!(done.stdout.contains("../evil is not a valid script name"), "{done}");
    assert!(done.stderr.contains("conf.d/aa.conf:1:1: aa_REQ: ../evil is not a valid"), "{done}");
    assert_eq!(tap.loaded(), ["One", "two"]);
}

/// Each of them alone looks well.
#[test]
fn names_that_differ_in_case_are_refused_one_by_one() {
    let tap = tree(&[("one", ""), ("One", "")]);
    let both = "would be one module: they differ in case only";
    for command in ["start", "compile"] {
        let done = tap.run(&[command, "one"]).expect_code(1);
        assert!(done.stdout.contains(&format!("one and One {both}")), "{done}");
    }
    assert_eq!(tap.calls(), [""; 0]);
    // What runs has the name.
    std::fs::rename(tap.at("script.d/One.stp"), tap.at("One.stp")).unwrap();
    tap.run(&["start", "one"]).expect_code(0);
    std::fs::rename(tap.at("One.stp"), tap.at("script.d/One.stp")).unwrap();
    let done = tap.run(&["start", "One"]).expect_code(1);
    assert!(done.stdout.contains(&format!("One and one {both}")), "{done}");
    tap.run(&["restart", "one"]).expect_code(0);
    tap.run(&["stop", "one"]).expect_code(0);
    tap.run(&["start", "One"]).expect_code(0);
    assert_eq!(tap.loaded(), ["One"]);
}

/// The manual promised to show dependencies; no version did.
#[test]
fn status_shows_requirements() {
    let tap = tree(&[("a", ""), ("b", "a"), ("c", "a b")]);
    tap.run(&["start", "a"]).expect_code(0);
    let done = tap.run(&["status"]).expect_code(0);
    assert_eq!(done.stdout, "a is running...\nb is stopped\n  requires: a\nc is stopped\n  requires: a b\n");
    assert_eq!(tap.run(&["status", "b"]).expect_code(3).stdout, "b is stopped\n  requires: a\n");
    let done = tap.run(&["status", "--tree"]).expect_code(0);
    assert_eq!(done.stdout, "c is stopped\n  a is running...\n  b is stopped\n    a is running...\n");
    let json = tap.run(&["status", "--json"]).expect_code(0).json();
    assert_eq!(json["scripts"][0]["state"], "running");
    assert_eq!(json["scripts"][2]["requires"], serde_json::json!(["a", "b"]));
    assert_eq!(json["scripts"][1]["runtime"], "kernel");
}

#[test]
fn the_command_line() {
    let tap = tree(&[("one", "")]);
    let run = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_systemtap-service"));
        finish(command.args(words), LIMIT)
    };
    for (words, says) in [
        (&[][..], "the following required arguments were not provided: <COMMAND>"),
        (&["fly"], "invalid value 'fly' for '<COMMAND>'"),
        (&["start", "-Z"], "unexpected argument '-Z' found"),
        (&["start", "-c"], "a value is required for '-c <FILE>'"),
        (&["start", "--json"], "--json and --tree belong to status"),
    ] {
        let done = run(words).expect_code(3);
        assert!(done.stderr.starts_with(&format!("systemtap-service: {says}")), "{done}");
        assert_eq!(done.stderr.lines().count(), 1, "{done}");
        assert!(done.stdout.starts_with("Usage: systemtap-service {start|stop|restart|"), "{done}");
    }
    assert!(run(&["--help"]).expect_code(0).stdout.contains("Exit status:"));
    assert!(run(&["--version"]).expect_code(0).stdout.starts_with("systemtap-service "));
    // Options and names mix, clusters work.
    tap.run(&["start", "one", "-Ry"]).expect_code(0);
    tap.run(&["stop", "-yR", "--", "one"]).expect_code(0);
    let done = tap.run(&["compile", "-r", "../../etc"]).expect_code(3);
    assert!(done.stderr.contains("`../../etc` is no release of a kernel"), "{done}");
    run(&["--job", "{}"]).expect_code(2);
    for words in
        [&["start", "--json"][..], &["stop", "-o", "x"], &["compile", "-b"], &["status", "--json", "--tree"]]
    {
        tap.run(words).expect_code(3);
    }
}

#[test]
fn directories_that_cannot_be_made_are_said() {
    let tap = tree(&[("one", "")]);
    tap.sandbox.write("file", "", 0o644);
    tap.config("STAT_PATH=$TOP/file/run\n");
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stderr.contains("Failed to make stat directory ("), "{done}");
    tap.config("CACHE_PATH=$TOP/file/cache\n");
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stderr.contains("Failed to make cache directory ("), "{done}");
    tap.config("LOG_FILE=$TOP/file/log\n");
    let done = tap.run(&["start"]).expect_code(0);
    assert_eq!(done.stderr.matches("there is no log (").count(), 1, "{done}");
}

/// "Not installed" is said before anything is done.
#[test]
fn tools_that_are_missing_are_named_before_anything_is_done() {
    let tap = tree(&[("one", ""), ("two", "one"), ("other", "")]);
    tap.parameters("other_RUNTIME=bpf");
    std::fs::remove_file(tap.at("bin/staprun")).unwrap();
    let why = "STAPRUN is ";
    for command in ["start", "restart"] {
        let done = tap.run(&[command]).expect_code(5);
        assert!(done.stdout.contains(&format!(" Starting one ... error: {why}")), "{done}");
        assert!(done.stdout.contains("bin/staprun, and there is no such program"), "{done}");
        // What has its tools is started.
        assert!(
            tap.calls().iter().all(|call| !call.contains(" one") && !call.contains("two")),
            "{:?}",
            tap.calls()
        );
        assert_eq!(tap.running(), ["other"]);
    }
    tap.config("STAPRUN='' PATH=$TOP/none:relative\n");
    let done = tap.run(&["start"]).expect_code(5);
    assert!(
        done.stdout.contains(" Starting one ... error: there is no staprun (STAPRUN, or PATH of"),
        "{done}"
    );
    std::fs::copy(tap.at("bin/stap"), tap.at("bin/staprun")).unwrap();
    tap.config("STAPRUN='' PATH=$TOP/bin\n");
    tap.run(&["start"]).expect_code(1);
    assert!(tap.log().contains("bin/staprun -L "), "{}", tap.log());
    tap.config("STAP=/none/stap\n");
    tap.run(&["cleanup", "-y"]).expect_code(0);
    for command in ["start", "compile"] {
        let done = tap.run(&[command]).expect_code(5);
        assert!(
            done.stdout.contains(" Compiling one ... error: STAP is /none/stap, and there is no"),
            "{done}"
        );
    }
}

/// Configurations are trusted, but a slip in one must not reach files elsewhere.
#[test]
fn no_name_leads_out_of_a_directory() {
    let tap = tree(&[("one", "../precious ../../x")]);
    tap.run(&["start", "one"]).expect_code(0);
    tap.sandbox.write("precious", "0\n", 0o644);
    tap.sandbox.write("precious.stp", "probe begin {}\n", 0o644);
    tap.run(&["stop", "-R", "one"]).expect_code(0);
    assert!(tap.at("precious").exists());
    tap.forget();
    let done = tap.run(&["start", "-R", "one"]).expect_code(1);
    assert!(done.stdout.contains(" Starting one ... skipped: it requires ../"), "{done}");
    let done = tap.run(&["restart", "-R", "one"]).expect_code(1);
    assert!(done.stdout.contains("../precious is not a valid script name"), "{done}");
    assert_eq!(tap.calls(), [""; 0]);
    tap.run(&["cleanup", "-y", "../precious"]).expect_code(1);
    assert!(tap.at("precious.stp").exists());
}

/// Programs that call this one put options together.
#[test]
fn options_may_be_repeated() {
    let tap = tree(&[("one", "")]);
    tap.run(&["start", "-y", "-y", "-R", "-R"]).expect_code(0);
    let config = tap.at("config").display().to_string();
    tap.run(&["stop", "-c", &config]).expect_code(0);
    assert_eq!(tap.loaded(), [""; 0]);
}

/// What is left of the configuration then is not what anybody wanted: it may mean "all scripts".
#[test]
fn nothing_is_started_where_global_parameters_are_lost() {
    let tap = tree(&[("one", "")]);
    tap.config("DEFAULT_START=../one\n");
    let done = tap.run(&["start"]).expect_code(6);
    assert!(done.stderr.contains("../one is not a valid script name"), "{done}");
    tap.config("");
    tap.parameters("DEFAULT_START=one\nX=$(x)");
    let done = tap.run(&["start"]).expect_code(6);
    assert!(done.stderr.contains("conf.d/zz.conf:2:3: a command substitution"), "{done}");
    assert_eq!(tap.loaded(), [""; 0]);
}

#[test]
fn the_name_of_the_host_is_known_and_unknown_names_are_said() {
    let tap = tree(&[("one", "")]);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let top = tap.sandbox.path().display().to_string();
    tap.parameters(&format!("one_OPT=\"-o {top}/$HOSTNAME-$LOST.out\""));
    let done = tap.run(&["start"]).expect_code(0);
    assert!(done.stderr.contains("conf.d/zz.conf:1:1: `LOST` is used here and never set"), "{done}");
    let call = tap.calls().into_iter().find(|call| call.starts_with("staprun -o")).unwrap();
    assert!(call.starts_with(&format!("staprun -o {top}/{}-.out ", host.trim())), "{call}");
}

/// The original takes them as they come.
#[test]
fn comments_may_be_latin_1() {
    let tap = tree(&[("one", "")]);
    std::fs::write(tap.at("conf.d/one.conf"), b"# f\xfcr alle\none_OPT=-g # \xe4\n").unwrap();
    tap.run(&["start"]).expect_code(0);
    assert!(tap.calls()[0].contains(" -g "), "{:?}", tap.calls());
    std::fs::write(tap.at("conf.d/one.conf"), b"# f\xfcr alle\none_OPT='-o /tmp/\xfc'\n").unwrap();
    let done = tap.run(&["status"]).expect_code(0);
    assert!(done.stderr.contains("conf.d/one.conf:2:18: this is not UTF-8"), "{done}");
}

/// Without its options a probe may do what nobody wanted.
#[test]
fn no_script_is_started_as_if_a_refused_file_held_nothing_of_it() {
    let tap = tree(&[("one", ""), ("two", "")]);
    for text in ["one_OPT = \"-x 1\"", "one_OPT[0]=-x", "true && one_OPT=-x"] {
        tap.sandbox.write("conf.d/x.conf", &format!("{text}\n"), 0o644);
        let done = tap.run(&["start"]).expect_code(1);
        let why = "one ... error: its options cannot be used: its parameters stand in";
        assert!(done.stdout.contains(why), "{text}\n{done}");
        assert_eq!(tap.loaded(), ["two"], "{text}");
        tap.run(&["stop"]).expect_code(0);
    }
    std::fs::remove_file(tap.at("conf.d/x.conf")).unwrap();
    tap.run(&["start"]).expect_code(0);
    tap.forget();
    // Where anything may stand, nothing is known of any script; what runs is seen and ended all the same.
    tap.sandbox.write("conf.d/x.conf", ". /etc/systemtap/more\n", 0o644);
    for command in ["start", "restart", "condrestart", "compile", "onboot"] {
        let done = tap.run(&[command, "-y"]).expect_code(6);
        assert!(done.stderr.contains("conf.d/x.conf was refused, and may hold parameters of any"), "{done}");
    }
    assert_eq!((tap.loaded(), tap.calls().len()), (vec!["one".to_owned(), "two".to_owned()], 0));
    for (command, code) in [("status", 0), ("stop", 0), ("status", 3), ("cleanup", 0)] {
        let done = tap.run(&[command, "-y"]).expect_code(code);
        assert!(done.stderr.contains("x.conf was refused: what it says of scripts is not known"), "{done}");
    }
    assert_eq!((tap.loaded(), tap.sandbox.names(&crate::support::tap::cache())), (vec![], vec![]));
}

/// What says how scripts are started keeps nobody from stopping them; what says where they are does.
#[test]
fn a_stop_needs_no_more_of_the_configuration_than_places() {
    let tap = tree(&[("one", "")]);
    tap.run(&["start"]).expect_code(0);
    tap.parameters("PASSALL = no");
    tap.run(&["start"]).expect_code(6);
    tap.run(&["stop"]).expect_code(0);
    assert_eq!(tap.loaded(), [""; 0]);
    tap.parameters("STAT_PATH = /run/elsewhere");
    let done = tap.run(&["stop"]).expect_code(6);
    assert!(done.stderr.contains("STAT_PATH may stand in a file that was refused"), "{done}");
}

/// Who may write there can put another file in the place of one that was looked at.
#[test]
fn directories_that_others_can_write_to_are_not_believed() {
    use std::os::unix::fs::PermissionsExt as _;
    let tap = tree(&[("one", "")]);
    let mode = |dir: &str, mode: u32| {
        std::fs::set_permissions(tap.at(dir), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    tap.run(&["compile"]).expect_code(0);
    tap.forget();
    let cache = crate::support::tap::cache();
    for (dir, code) in [("conf.d", 6), ("script.d", 1), (cache.as_str(), 1), ("cache", 1), ("tmp", 1)] {
        mode(dir, 0o777);
        let done = tap.run(&["start"]).expect_code(code);
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(said.contains("can be written by others (mode 0777)"), "{dir}\n{done}");
        assert!(tap.loaded().is_empty() && tap.calls().is_empty(), "{dir}: {:?}", tap.calls());
        tap.run(&["stop"]).expect_code(0);
        // Nobody can replace what is there.
        mode(dir, 0o1777);
        tap.run(&["start"]).expect_code(0);
        tap.run(&["stop"]).expect_code(0);
        tap.forget();
        mode(dir, 0o755);
    }
    mode("run", 0o777);
    let done = tap.run(&["start"]).expect_code(0);
    assert!(
        done.stderr.contains("warning: ") && done.stderr.contains("run can be written by others"),
        "{done}"
    );
}

/// Whoever asks every second would else turn away those who will not wait.
#[test]
fn a_look_takes_no_lock_where_nothing_is_to_be_taken_over() {
    let tap = tree(&[("one", "")]);
    tap.run(&["status"]).expect_code(3);
    assert!(!tap.at("run/.lock").exists());
    tap.preload("one");
    tap.run(&["status"]).expect_code(0);
    assert_eq!(tap.running(), ["one"]);
}

#[test]
fn a_directory_of_parameters_that_is_not_there_is_said() {
    let tap = tree(&[("one", "")]);
    tap.config("CONFIG_PATH=$TOP/conf\n");
    let done = tap.run(&["start"]).expect_code(0);
    assert!(
        done.stderr.contains("config:6:1: CONFIG_PATH is `") && done.stderr.contains("no such directory"),
        "{done}"
    );
}
