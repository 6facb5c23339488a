//! `compile`, `cleanup`, and when a cache is good.

use super::tree;
use crate::support::program::finish;
use crate::support::tap::{Tap, cache, eventually};
use std::fs;
use std::process::Stdio;

fn compiled(tap: &Tap) -> usize {
    let count = tap.journal().iter().filter(|line| line.starts_with("compile+")).count();
    tap.forget();
    count
}

#[test]
fn stap_is_called_as_it_always_was() {
    let tap = tree(&[("one", "")]);
    tap.parameters("one_OPT='-g -DX=1 -o /out --vp 001 -s 4 word'");
    tap.run(&["compile"]).expect_code(0);
    let call = tap.calls().pop().unwrap();
    let release = crate::support::tap::release();
    let script = tap.at("script.d/one.stp");
    assert_eq!(
        call.trim_end(),
        format!(
            "stap -E probe procfs(\"srvstat\").read {{$value = \"running\\n\"}} -m one -p4 -r {release} \
             --save-uprobes -g -D X=1 --vp 001 -- {} word",
            script.display()
        )
    );
    let opts = tap.sandbox.read(&format!("{}/one.opts", cache()));
    let lines: Vec<&str> = opts.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("Linux ") && lines[0].contains(&release), "{opts}");
    assert_eq!(lines[1], "-g -D X=1 --vp 001 -- word");
}

/// Two cold compilations of one key at once do the work of the first one twice.
#[test]
fn the_first_of_each_key_compiles_alone() {
    let tap = tree(&[("a", ""), ("b", ""), ("c", ""), ("guru", "")]);
    tap.parameters("guru_OPT=-g");
    tap.gate("compile-a");
    let mut running = tap.command(&["compile"]).stdout(Stdio::piped()).spawn().unwrap();
    // The leader of the other key may run meanwhile, where there are processors for both.
    eventually("the leader compiles", || tap.journal().contains(&"compile+ a".to_owned()));
    for other in ["b", "c"] {
        assert!(!tap.journal().contains(&format!("compile+ {other}")));
    }
    tap.open("compile-a");
    assert!(running.wait().unwrap().success());
    let journal = tap.journal();
    let at = |line: &str| super::position(&journal, line);
    assert!(at("compile- a") < at("compile+ b") && at("compile- a") < at("compile+ c"), "{journal:?}");
}

/// What stap knows of the kernel already need not be found out alone again.
#[test]
fn nobody_waits_for_what_stap_has_kept() {
    let tap = tree(&[("a", ""), ("b", "")]);
    // The directory of stap's own cache, which stap makes.
    tap.sandbox.write("cache/.systemtap/cache/0f/stapconf", "", 0o644);
    tap.run(&["compile"]).expect_code(0);
    let compile = || {
        tap.forget();
        tap.gate("compile-a");
        let running = tap.command(&["compile", "-y"]).stdout(Stdio::piped()).spawn().unwrap();
        eventually("a compiles", || tap.journal().contains(&"compile+ a".to_owned()));
        running
    };
    let mut running = compile();
    if std::thread::available_parallelism().unwrap().get() > 1 {
        eventually("b compiles meanwhile", || tap.journal().contains(&"compile- b".to_owned()));
    }
    tap.open("compile-a");
    assert!(running.wait().unwrap().success());
    // Emptied, it has to be filled again, by one.
    std::fs::remove_dir_all(tap.at("cache/.systemtap/cache")).unwrap();
    let mut running = compile();
    assert!(!tap.journal().contains(&"compile+ b".to_owned()));
    tap.open("compile-a");
    assert!(running.wait().unwrap().success());
    let journal = tap.journal();
    assert!(super::position(&journal, "compile- a") < super::position(&journal, "compile+ b"), "{journal:?}");
}

#[test]
fn no_more_compile_at_once_than_there_are_processors() {
    let processors = std::thread::available_parallelism().unwrap().get();
    let names: Vec<String> = (0..2 * processors + 2).map(|at| format!("s{at:02}")).collect();
    let scripts: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let tap = tree(&scripts);
    tap.run(&["compile", "s00"]).expect_code(0);
    tap.forget();
    for name in &names[1..] {
        tap.gate(&format!("compile-{name}"));
    }
    let mut running = tap.command(&["compile", "-y"]).stdout(Stdio::piped()).spawn().unwrap();
    let begun = || tap.journal().iter().filter(|line| line.starts_with("compile+")).count();
    // The leader, and then as many as there are processors: they do run at the same time.
    eventually("as many as there are processors", || begun() == 1 + processors);
    let mut most = 0;
    for name in &names[1..] {
        let journal = tap.journal();
        let ended = journal.iter().filter(|line| line.starts_with("compile-")).count();
        most = most.max(begun() - ended);
        eventually("its turn has come", || tap.journal().contains(&format!("compile+ {name}")));
        tap.open(&format!("compile-{name}"));
    }
    assert!(running.wait().unwrap().success());
    assert!(most <= processors, "{most} at once on {processors} processors");
}

#[test]
fn a_cache_is_good_until_something_that_counts_changes() {
    let tap = tree(&[("one", "")]);
    let start = || {
        tap.run(&["stop"]).expect_code(0);
        tap.run(&["start"]).expect_code(0);
        compiled(&tap)
    };
    assert_eq!((start(), start()), (1, 0));
    // A touched script is the same script.
    tap.touch("script.d/one.stp");
    assert_eq!(start(), 0);
    tap.sandbox.write("script.d/one.stp", "probe begin { exit() }\n", 0o644);
    assert_eq!((start(), start()), (1, 0));
    tap.parameters("one_OPT=-g");
    assert_eq!((start(), start()), (1, 0));
    // Options for the start do not count.
    tap.parameters("one_OPT=\"$one_OPT -x 1\"");
    assert_eq!(start(), 0);
    tap.sandbox.write("stap-version", "5.0/0.190\n", 0o644);
    assert_eq!((start(), start()), (1, 0));
    // Half a module is none.
    tap.sandbox.write(&format!("{}/one.ko", cache()), "mod", 0o644);
    assert_eq!((start(), start()), (1, 0));
    fs::remove_file(tap.at(&format!("{}/one.ko", cache()))).unwrap();
    assert_eq!((start(), start()), (1, 0));
}

/// A cache that `compile -r OTHER` of the original makes is stale on OTHER.
#[test]
fn what_was_compiled_for_another_kernel_is_good_there() {
    let tap = tree(&[("one", "")]);
    tap.run(&["compile", "-r", "9.9.9-other"]).expect_code(0);
    assert!(tap.calls().pop().unwrap().contains(" -r 9.9.9-other "));
    assert!(tap.at("cache/9.9.9-other/one.ko").exists());
    assert_eq!(compiled(&tap), 1);
    tap.config("AUTOCOMPILE=no\n");
    tap.run(&["start", "-r", "9.9.9-other"]).expect_code(0);
    assert_eq!(compiled(&tap), 0);
    // It is none for this kernel.
    tap.run(&["stop"]).expect_code(0);
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stdout.contains("No valid cache for one: there is none"), "{done}");
}

#[test]
fn what_the_original_has_compiled_is_taken() {
    let tap = tree(&[("one", "")]);
    tap.run(&["compile"]).expect_code(0);
    fs::remove_file(tap.at(&format!("{}/one.key", cache()))).unwrap();
    tap.forget();
    tap.run(&["start"]).expect_code(0);
    assert_eq!(compiled(&tap), 0);
    // Its rules hold for it: it must not be older than the script.
    tap.run(&["stop"]).expect_code(0);
    tap.touch("script.d/one.stp");
    tap.run(&["start"]).expect_code(0);
    assert_eq!(compiled(&tap), 1);
}

#[test]
fn a_failed_compilation_leaves_the_old_module_as_it_is() {
    let tap = tree(&[("one", "")]);
    tap.run(&["compile"]).expect_code(0);
    let files = ["ko", "opts", "key"].map(|ending| format!("{}/one.{ending}", cache()));
    let before = files.each_ref().map(|file| tap.sandbox.read(file));
    tap.fail("compile-one", "semantic error: x");
    tap.sandbox.write("script.d/one.stp", "probe x\n", 0o644);
    tap.run(&["compile", "-y"]).expect_code(1);
    assert_eq!(files.each_ref().map(|file| tap.sandbox.read(file)), before);
    let left = fs::read_dir(tap.at(&cache())).unwrap().count();
    assert_eq!(left, 3);
}

#[test]
fn without_autocompile_a_stale_cache_fails() {
    let tap = tree(&[("one", "")]);
    tap.config("AUTOCOMPILE=no\n");
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stdout.contains(" Starting one ... error: No valid cache for one: there is none"), "{done}");
    assert_eq!(compiled(&tap), 0);
    tap.run(&["compile"]).expect_code(0);
    tap.run(&["start"]).expect_code(0);
    assert_eq!(tap.loaded(), ["one"]);
}

#[test]
fn machines_without_a_compiler_run_what_was_compiled_elsewhere() {
    let tap = tree(&[("one", ""), ("two", "one")]);
    tap.run(&["compile"]).expect_code(0);
    for name in ["one", "two"] {
        fs::remove_file(tap.at(&format!("script.d/{name}.stp"))).unwrap();
    }
    fs::remove_file(tap.at("bin/stap")).unwrap();
    assert!(tap.run(&["start"]).expect_code(0).stdout.contains("No scripts exist."));
    tap.config("AUTOCOMPILE=no\nALLOW_CACHEONLY=yes\n");
    assert_eq!(
        tap.run(&["status"]).expect_code(3).stdout,
        "one is stopped\ntwo is stopped\n  requires: one\n"
    );
    tap.run(&["start"]).expect_code(0);
    assert_eq!(tap.loaded(), ["one", "two"]);
    assert!(tap.log().contains("Use compiled cache."));
    // What is named and is nowhere fails; the original loads whatever is not there.
    let done = tap.run(&["start", "three"]).expect_code(1);
    assert!(done.stdout.contains("no script file(") && done.stdout.contains("no compiled one"), "{done}");
}

#[test]
fn questions_are_asked_and_no_is_the_default() {
    let tap = tree(&[("one", "")]);
    tap.run(&["compile"]).expect_code(0);
    tap.forget();
    let done = tap.run(&["compile"]).expect_code(0);
    let path = tap.at(&cache()).join("one.ko").display().to_string();
    assert!(done.stdout.contains(&format!("Updating caches: {path} ")), "{done}");
    assert!(done.stdout.contains("Do you really want to update above caches [y/N]: "), "{done}");
    assert!(!done.stdout.contains("OK"), "{done}");
    assert_eq!(compiled(&tap), 0);
    for (answers, count) in
        [("y\n", 1), ("maybe\nYES\n", 1), ("\n", 0), ("n\n", 0), ("x\n0\n", 0), ("1\n", 1)]
    {
        tap.sandbox.write("answers", answers, 0o644);
        let file = fs::File::open(tap.at("answers")).unwrap();
        let output = tap.command(&["compile"]).stdin(file).output().unwrap();
        assert!(output.status.success());
        assert_eq!(compiled(&tap), count, "{answers:?}");
    }
    tap.run(&["compile", "-y"]).expect_code(0);
    assert_eq!(compiled(&tap), 1);
}

#[test]
fn cleanup_removes_everything_of_one_kernel() {
    let tap = tree(&[("one", ""), ("two", "")]);
    assert!(tap.run(&["cleanup"]).expect_code(0).stdout.ends_with("[  OK  ]\n"));
    tap.run(&["compile"]).expect_code(0);
    tap.run(&["compile", "-r", "9.9.9"]).expect_code(0);
    // What the original leaves for ever: the cache of a script that is gone, and options without a module.
    fs::remove_file(tap.at("script.d/two.stp")).unwrap();
    tap.sandbox.write(&format!("{}/orphan.opts", cache()), "x\n--\n", 0o644);
    let done = tap.run(&["cleanup"]).expect_code(0);
    assert!(done.stdout.contains("Do you really want to remove above caches [y/N]: "), "{done}");
    assert!(tap.at(&cache()).join("one.ko").exists());
    tap.run(&["cleanup", "-y", "one"]).expect_code(0);
    assert!(!tap.at(&cache()).join("one.ko").exists() && tap.at(&cache()).join("two.ko").exists());
    tap.run(&["cleanup", "-y"]).expect_code(0);
    assert_eq!(tap.sandbox.names(&cache()), [""; 0]);
    assert_eq!(tap.sandbox.names("cache/9.9.9").len(), 6);
    tap.run(&["cleanup", "-r", "9.9.9", "-y"]).expect_code(0);
    assert_eq!(tap.sandbox.names("cache/9.9.9"), [""; 0]);
    assert!(tap.at("cache/9.9.9").exists());
}

/// Without a directory each compilation takes many times as long; in anybody's home there may be other options.
#[test]
fn the_environment_decides_nothing_that_is_compiled() {
    let tap = tree(&[("one", "")]);
    let expected = format!("SYSTEMTAP_DIR={} others=\n", tap.at("cache/.systemtap").display());
    let mut command = tap.command(&["compile"]);
    finish(command.env_remove("HOME"), crate::support::program::LIMIT).expect_code(0);
    assert_eq!(tap.sandbox.read("environment"), expected);
    let mut command = tap.command(&["compile", "-y"]);
    command.env("SYSTEMTAP_DIR", "/nowhere").env("SYSTEMTAP_TAPSET", "/x").env("DEBUGINFOD_URLS", "http://x");
    finish(&mut command, crate::support::program::LIMIT).expect_code(0);
    assert_eq!(tap.sandbox.read("environment"), expected);
}

#[test]
fn a_helper_module_that_was_built_is_kept_and_given_to_staprun() {
    let tap = tree(&[("one", "")]);
    tap.sandbox.write("uprobes", "", 0o644);
    tap.run(&["start"]).expect_code(0);
    let helper = tap.at(&cache()).join("uprobes/uprobes.ko");
    assert!(helper.exists() && tap.at(&cache()).join("one.uprobes").exists());
    let call = tap.calls().into_iter().find(|call| call.starts_with("staprun")).unwrap();
    assert!(call.starts_with(&format!("staprun -u{} -L ", helper.display())), "{call}");
    fs::remove_file(tap.at("uprobes")).unwrap();
    tap.run(&["compile", "-y"]).expect_code(0);
    assert!(!tap.at(&cache()).join("one.uprobes").exists());
}

#[test]
fn scripts_and_modules_that_others_can_write_are_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let tap = tree(&[("one", "")]);
    fs::set_permissions(tap.at("script.d/one.stp"), fs::Permissions::from_mode(0o666)).unwrap();
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stdout.contains("can be written by others (mode 0666)"), "{done}");
    fs::set_permissions(tap.at("script.d/one.stp"), fs::Permissions::from_mode(0o644)).unwrap();
    tap.run(&["compile"]).expect_code(0);
    fs::set_permissions(tap.at(&cache()).join("one.ko"), fs::Permissions::from_mode(0o666)).unwrap();
    tap.config("AUTOCOMPILE=no\n");
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stdout.contains("can be written by others"), "{done}");
    assert_eq!(tap.loaded(), [""; 0]);
}

/// The directory of a command that was killed is in use for as long as its jobs live on, and goes with the next one.
#[test]
fn what_a_killed_command_left_is_removed() {
    let tap = tree(&[("one", ""), ("two", "")]);
    tap.gate("compile-one");
    let mut running = tap.command(&["compile", "one"]).stdout(Stdio::piped()).spawn().unwrap();
    eventually("it compiles", || tap.journal().iter().any(|line| line == "compile+ one"));
    running.kill().unwrap();
    running.wait().unwrap();
    tap.run(&["compile", "two"]).expect_code(0);
    assert_eq!(tap.sandbox.names("tmp").len(), 1);
    tap.open("compile-one");
    eventually("its job ends well", || tap.at(&format!("{}/one.key", cache())).exists());
    eventually("nobody holds it", || {
        tap.run(&["compile", "-y", "two"]).expect_code(0);
        tap.sandbox.names("tmp").is_empty()
    });
}

#[test]
fn what_cleanup_cannot_remove_is_said_also_where_that_is_no_failure() {
    let tap = tree(&[("one", "")]);
    tap.run(&["compile"]).expect_code(0);
    let key = format!("{}/one.key", cache());
    fs::remove_file(tap.at(&key)).unwrap();
    fs::create_dir(tap.at(&key)).unwrap();
    tap.config("PASSALL=no\n");
    let done = tap.run(&["cleanup", "-y"]).expect_code(0);
    assert!(done.stderr.contains("one.key: Is a directory"), "{done}");
    assert!(done.stdout.ends_with("[WARNING]\n"), "{done}");
}
