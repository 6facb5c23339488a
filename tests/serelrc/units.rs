//! Scripts and links that are not what they should be.

use super::{before, job, needer, ran, shell, tree};
use crate::support::script::Script;
use nix::sys::stat::Mode;
use nix::unistd::geteuid;
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn an_interpreter_that_is_not_there() {
    let sandbox = tree(&[needer("next", "odd")]);
    let text = Script::new("odd").text(&sandbox.at("journal")).replace("#!/bin/sh", "#!/no/such/sh");
    sandbox.write("etc/init.d/odd", &text, 0o755);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(1);
    assert!(run.stdout.contains("not started: no such script"), "{run}");
    assert!(
        run.stdout.contains("interpreter")
            && run.stdout.contains("skipped: needs odd, which could not be started"),
        "{run}"
    );
}

#[test]
fn a_script_that_is_deleted_by_an_earlier_one() {
    let sandbox = tree(&[Script::new("a").then("rm \"${0%/*}/b\""), needer("b", "a"), needer("c", "a")]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(1);
    assert!(run.stdout.contains(" FAILED b") && run.stdout.contains("not started"), "{run}");
    assert_eq!(ran(&sandbox), ["a", "c"]);
}

#[test]
fn a_script_that_may_not_be_executed_is_left_out_and_said() {
    let sandbox = tree(&[Script::new("a"), Script::new("b")]);
    sandbox.link("2", "S01a");
    sandbox.link("2", "S02b");
    shell(&sandbox, "chmod 644 etc/init.d/b").expect_code(0);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["a"]);
    assert!(run.stderr.contains("S02b") && run.stderr.contains("make it executable"), "{run}");
    shell(&sandbox, "chmod 755 etc/init.d/b; rm journal").expect_code(0);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(ran(&sandbox).len(), 2, "{run}");
}

#[test]
fn dangling_links_directories_and_pipes_among_the_scripts() {
    let sandbox = tree(&[Script::new("a")]);
    sandbox.link("2", "S01a");
    sandbox.link("2", "S02gone");
    fs::create_dir(sandbox.at("etc/init.d/directory")).unwrap();
    sandbox.link("2", "S03directory");
    nix::unistd::mkfifo(&sandbox.at("etc/init.d/pipe"), Mode::S_IRWXU).unwrap();
    sandbox.link("2", "S04pipe");
    symlink("loop", sandbox.at("etc/init.d/loop")).unwrap();
    sandbox.link("2", "S05loop");
    symlink("../../../../../../../../../bin/true", sandbox.at("etc/rc2.d/S06climbs")).unwrap();
    let run = sandbox.serelrc(&["start", "2"]);
    assert!(run.code <= 1, "{run}");
    assert_eq!(ran(&sandbox), ["a"]);
    for name in ["S02gone", "directory", "pipe", "S05loop", "S06climbs"] {
        assert!(run.stderr.contains(name), "no {name}: {run}");
    }
}

#[test]
fn odd_names_are_run_and_shown_harmless() {
    let sandbox = tree(&[]);
    for name in ["with space", "semi;colon$(x)", "new\nline", "esc\x1b[2J", "quote'\"", "..dots"] {
        let text = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: x".to_owned()
            + &name.len().to_string()
            + "\n# Default-Start: 2\n### END INIT INFO\necho ran >> \"$JOURNAL\"\n";
        sandbox.write(&format!("etc/init.d/{name}"), &text, 0o755);
    }
    let text = "JOURNAL=$PWD/journal; export JOURNAL; rc --json start 2";
    let run = shell(&sandbox, text).expect_code(0);
    assert_eq!(sandbox.journal().len(), 5, "all but the hidden one: {run}");
    assert!(!run.stderr.contains('\x1b') && !run.stdout.contains('\x1b'), "{run:?}");
    assert_eq!(job(&run.json(), "new\nline")["outcome"], "done");
    let plain = shell(&sandbox, "JOURNAL=/dev/null; export JOURNAL; rc start 2; rc plan 2; rc graph 2")
        .expect_code(0);
    assert!(!plain.stdout.contains('\x1b') && !plain.stdout.contains("new\nline"), "{plain:?}");
}

#[test]
fn a_script_that_others_can_write_is_not_run() {
    let sandbox = tree(&[Script::new("a"), Script::new("open")]);
    shell(&sandbox, "chmod 757 etc/init.d/open").expect_code(0);
    let run = sandbox.serelrc(&["start", "2"]);
    assert_eq!(ran(&sandbox), ["a"]);
    assert!(
        run.stderr.contains("can be written by others (mode 0757)") && run.stderr.contains("chmod go-w"),
        "{run}"
    );
}

#[test]
fn a_script_of_another_user_is_not_run() {
    if !geteuid().is_root() {
        // Without root nobody can give a file away, and so nobody can lay this trap.
        return;
    }
    let sandbox = tree(&[Script::new("a"), Script::new("foreign")]);
    shell(&sandbox, "chown 65534 etc/init.d/foreign").expect_code(0);
    let run = sandbox.serelrc(&["start", "2"]);
    assert_eq!(ran(&sandbox), ["a"]);
    assert!(run.stderr.contains("belongs to user 65534"), "{run}");
}

#[test]
fn a_script_that_is_changed_for_the_worse_is_not_run_from_the_history() {
    let sandbox = tree(&[Script::new("a"), Script::new("b")]);
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    sandbox.forget_journal();
    shell(&sandbox, "chmod o+w etc/init.d/b").expect_code(0);
    let run = sandbox.serelrc(&["start", "2"]);
    assert_eq!(ran(&sandbox), ["a"], "{run}");
    assert!(run.stdout.contains("owner or mode of /etc/init.d/b changed"), "{run}");
}

#[test]
fn a_level_without_services_and_a_root_that_is_not_there() {
    let sandbox = tree(&[Script::new("a")]);
    let run = sandbox.serelrc(&["start", "4"]).expect_code(0);
    assert!(
        run.stdout.contains("nothing to do") && run.stderr.contains("`start 4` has no services"),
        "{run}"
    );
    for root in ["/no/such/root", "/dev/null"] {
        let run = sandbox.serelrc(&["--root", root, "start", "2"]);
        assert!(run.code == 2 && !run.stderr.is_empty(), "{run}");
    }
    let run = shell(&sandbox, "\"$SERELRC\" --root /no/such/root start 2").expect_code(2);
    assert!(run.stderr.contains("--root /no/such/root: No such file"), "{run}");
}

#[test]
fn pairs_from_a_file_and_from_standard_input() {
    let sandbox = tree(&[Script::new("a").says("Default-Start", ""), needer("b", "a given")]);
    sandbox.write("pairs", "--started given\n--pairs { b /etc/init.d/b\n  a /etc/init.d/a }\n", 0o644);
    sandbox.serelrc(&["start", "--pairs", "pairs"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["a", "b"]);
    sandbox.forget_journal();
    shell(&sandbox, "rc start --pairs - < pairs").expect_code(0);
    assert_eq!(ran(&sandbox), ["a", "b"]);
    sandbox.forget_journal();
    let run = shell(&sandbox, "rc change --pairs - < pairs").expect_code(2);
    assert!(run.stderr.contains("--pairs is for start and stop"), "{run}");
    assert!(ran(&sandbox).is_empty());
}

#[test]
fn pairs_that_do_not_fit_are_named_with_their_place() {
    let sandbox = tree(&[Script::new("a")]);
    for (text, words) in [
        ("--pairs a", "pairs:1:9"),
        ("--pairs\n  a etc/a\n", "pairs:2:5"),
        ("a /etc/init.d/a", "pairs:1:1"),
        ("--pairs a /x a /y", "has the path /x already"),
        ("", "there is no --pairs"),
    ] {
        sandbox.write("pairs", text, 0o644);
        let run = sandbox.serelrc(&["start", "--pairs", "pairs"]).expect_code(2);
        assert!(run.stderr.contains(words) && run.stderr.starts_with("serelrc: error: "), "{words}: {run}");
        let run = shell(&sandbox, "rc plan --pairs - < pairs").expect_code(2);
        assert!(run.stderr.contains("<stdin>"), "{run}");
    }
    for (command, words) in [
        ("rc start --pairs none", "--pairs none: No such file"),
        ("rc start --pairs .", "--pairs .: "),
        ("printf '\\377' | rc start --pairs -", "<stdin>"),
        ("rc start 2 --pairs none", "cannot be used with"),
    ] {
        let run = shell(&sandbox, command).expect_code(2);
        assert!(run.stderr.contains(words), "{command}: {run}");
    }
    sandbox.write("pairs", "--pairs a /etc/init.d/none b /etc/init.d/a", 0o644);
    let run = sandbox.serelrc(&["start", "--pairs", "pairs"]);
    assert!(
        run.stderr.contains("/etc/init.d/none") && run.stderr.contains("there is no such script"),
        "{run}"
    );
    assert_eq!(ran(&sandbox), ["a"]);
}

/// Debian's `.legacy-bootordering`: the numbers of the links are the order, and nothing runs beside anything.
#[test]
fn an_administrator_s_wish_for_the_old_order_is_kept_and_said() {
    let wish = "etc/init.d/.legacy-bootordering";
    let alone = "cd \"${0%/*}\"; [ ! -e .legacy-bootordering ] || { mkdir lock && rmdir lock; }";
    let sandbox = tree(&[
        Script::new("a").says("Required-Start", "b"),
        // Whoever finds another one's lock was not alone.
        Script::new("b").then(alone),
        Script::new("c").then(alone),
    ]);
    for link in ["S01a", "S02b", "S02c"] {
        sandbox.link("2", link);
    }
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert!(before(&sandbox, "b", "a"));
    sandbox.forget_journal();
    sandbox.write(wish, "", 0o644);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["a", "b", "c"], "{run}");
    assert!(run.stderr.contains(".legacy-bootordering: the links"), "{run}");
    std::fs::remove_file(sandbox.at(wish)).unwrap();
    sandbox.forget_journal();
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert!(before(&sandbox, "b", "a"));
}

/// Red Hat's place of the links, where there is none of the other name.
#[test]
fn links_below_rc_d() {
    let sandbox = tree(&[Script::new("a"), Script::new("b")]);
    let links = sandbox.at("etc/rc.d/rc2.d");
    std::fs::create_dir_all(&links).unwrap();
    std::os::unix::fs::symlink("../../init.d/a", links.join("S10a")).unwrap();
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["a"]);
    // What appears is seen.
    sandbox.forget_journal();
    sandbox.link("2", "S10b");
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["b"]);
}

/// insserv would guess the place of such a script from its links, and runs `upstart-job NAME lsb-header` of the other.
#[test]
fn scripts_that_say_nothing_of_themselves() {
    let sandbox = tree(&[Script::new("known").says("Default-Stop", "0"), Script::new("late")]);
    let bare = format!("#!/bin/sh\necho ${{0##*/}} $1 >>'{}'\n", sandbox.at("journal").display());
    for script in ["etc/init.d/bare", "etc/init.d/raw", "lib/init/upstart-job"] {
        sandbox.write(script, &bare, 0o755);
    }
    symlink("../../lib/init/upstart-job", sandbox.at("etc/init.d/job")).unwrap();
    for link in ["S01raw", "S02bare", "S03known", "S20job", "S99late"] {
        sandbox.link("2", link);
    }
    for link in ["K01known", "K20bare", "K20job"] {
        sandbox.link("0", link);
    }
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(ran(&sandbox)[2..], ["raw", "bare", "job"], "{run}");
    assert!(run.stderr.contains("raw, bare have no header, and so started last, one by one"), "{run}");
    assert_eq!(run.stderr.matches("etc/init.d/job: an upstart job has no header").count(), 1, "{run}");
    let again = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert!(again.stdout.contains("plan: cached"), "{again}");
    // What they use is still there when they are stopped.
    sandbox.forget_journal();
    let run = sandbox.serelrc(&["stop", "0"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["bare", "job", "known"], "{run}");
    // An override says what the script does not.
    sandbox.forget_journal();
    let header = "### BEGIN INIT INFO\n# Provides: job\n# Default-Start: 2\n# X-Start-Before: late\n### END INIT INFO\n";
    sandbox.write("etc/serel/overrides/job", header, 0o644);
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    let place = |name: &str| ran(&sandbox).iter().position(|had| had == name).unwrap();
    assert!(place("job") < place("late"), "{:?}", ran(&sandbox));
}
