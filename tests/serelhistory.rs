//! serelhistory as its manual has it: populate from standard input, and ask.

use crate::support::program::{Finished, LIMIT, finish};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use rusqlite::Connection;
use std::process::Command;

fn tree<'a>(scripts: impl IntoIterator<Item = &'a Script>) -> Sandbox {
    let sandbox = Sandbox::new();
    for script in scripts {
        sandbox.add(script);
    }
    sandbox
}

fn needer(name: &str, needs: &str) -> Script {
    Script::new(name).says("Required-Start", needs)
}

/// `history ...` in the text is serelhistory on the tree.
#[track_caller]
fn shell(sandbox: &Sandbox, text: &str) -> Finished {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("history() {{ \"$PROGRAM\" --root . \"$@\"; }}; {text}"));
    command.env("PROGRAM", env!("CARGO_BIN_EXE_serelhistory")).current_dir(sandbox.path());
    finish(&mut command, LIMIT)
}

#[track_caller]
fn populate(sandbox: &Sandbox, input: &str) {
    sandbox.write("input", input, 0o644);
    let run = shell(sandbox, "history --populate < input").expect_code(0);
    assert!(run.stdout.is_empty(), "{run}");
}

#[track_caller]
fn answers(sandbox: &Sandbox, question: &str, answer: &str) {
    let run = shell(sandbox, &format!("history --query {question}"));
    assert_eq!(
        (run.stdout.as_str(), run.code),
        (format!("{answer}\n").as_str(), i32::from(answer != "success")),
        "{run}"
    );
    assert!(run.stderr.is_empty(), "{run}");
}

#[test]
fn nothing_was_populated() {
    let sandbox = tree(&[]);
    for question in ["verify", "prior-history"] {
        answers(&sandbox, question, "nothing has been populated: call serelhistory --populate first");
    }
}

#[test]
fn a_unit_is_populated_and_then_known() {
    let sandbox = tree(&[Script::new("a"), needer("b", "a given")]);
    let input = "--started { given }\n--pairs { a /etc/init.d/a\n b /etc/init.d/b }\n";
    populate(&sandbox, input);
    answers(&sandbox, "verify", "success");
    answers(&sandbox, "prior-history", "history was not used: there is no history yet");
    populate(&sandbox, input);
    answers(&sandbox, "verify", "success");
    answers(&sandbox, "prior-history", "success");
    sandbox.add(&needer("b", "a"));
    populate(&sandbox, input);
    answers(&sandbox, "prior-history", "history was not used: /etc/init.d/b changed");
    populate(&sandbox, input);
    answers(&sandbox, "prior-history", "success");
    populate(&sandbox, "--pairs a /etc/init.d/a");
    answers(&sandbox, "prior-history", "history was not used: this unit is new, or its settings are");
}

#[test]
fn a_need_without_a_definition_is_named_with_its_place() {
    let sandbox = tree(&[needer("b", "nobody")]);
    populate(&sandbox, "--pairs b /etc/init.d/b");
    let run = shell(&sandbox, "history --query verify").expect_code(1);
    assert!(run.stdout.contains("nobody") && run.stdout.contains("etc/init.d/b:4:"), "{run}");
    assert!(!run.stdout.contains("success"), "{run}");
    populate(&sandbox, "--started nobody --pairs b /etc/init.d/b");
    answers(&sandbox, "verify", "success");
}

#[test]
fn a_circle_is_named_with_each_edge() {
    let sandbox = tree(&[needer("a", "c"), needer("b", "a"), needer("c", "b"), Script::new("d")]);
    populate(&sandbox, "--pairs a /etc/init.d/a b /etc/init.d/b c /etc/init.d/c d /etc/init.d/d");
    let run = shell(&sandbox, "history --query verify").expect_code(1);
    for name in ["a", "b", "c"] {
        assert!(run.stdout.contains(&format!("etc/init.d/{name}:4")), "no {name}: {run}");
    }
}

#[test]
fn several_services_may_share_a_path_and_a_service_has_one() {
    let sandbox = tree(&[Script::new("a"), needer("b", "alias")]);
    populate(&sandbox, "--pairs a /etc/init.d/a alias /etc/init.d/a b /etc/init.d/b");
    answers(&sandbox, "verify", "success");
    let run = shell(&sandbox, "echo '--pairs a /etc/init.d/a\na /etc/init.d/b' | history --populate")
        .expect_code(2);
    assert!(run.stderr.contains("<stdin>:2:3") && run.stderr.contains("give each service one path"), "{run}");
    // What was populated before is still what is asked about.
    answers(&sandbox, "verify", "success");
}

#[test]
fn what_an_earlier_unit_of_this_boot_started_satisfies_a_need() {
    let sandbox = tree(&[Script::new("early"), needer("late", "early")]);
    populate(&sandbox, "--pairs early /etc/init.d/early");
    populate(&sandbox, "--pairs late /etc/init.d/late");
    answers(&sandbox, "verify", "success");
    populate(&sandbox, "--pairs late /etc/init.d/late");
    answers(&sandbox, "verify", "success");
    answers(&sandbox, "prior-history", "success");
}

#[test]
fn a_script_that_is_not_there() {
    let sandbox = tree(&[]);
    populate(&sandbox, "--pairs a /etc/init.d/none");
    let run = shell(&sandbox, "history --query verify").expect_code(1);
    assert!(
        run.stdout.contains("/etc/init.d/none") && run.stdout.contains("there is no such script"),
        "{run}"
    );
}

#[test]
fn an_empty_unit_is_a_unit() {
    let sandbox = tree(&[]);
    populate(&sandbox, "--pairs");
    answers(&sandbox, "verify", "success");
}

#[test]
fn usage() {
    let sandbox = tree(&[Script::new("a")]);
    for line in [
        "history",
        "history --populate --query verify",
        "history --query",
        "history --query everything",
        "history --query verify --stopping",
        "history --populate </dev/null",
        "echo a /etc/init.d/a | history --populate",
        "echo --pairs a | history --populate",
        "echo --pairs a etc/init.d/a | history --populate",
        "history --populate extra </dev/null",
        "printf '\\377' | history --populate",
    ] {
        let run = shell(&sandbox, line).expect_code(2);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{line}: {run}");
    }
    assert!(!sandbox.at("etc/serel").exists());
    let version = shell(&sandbox, "history -v").expect_code(0);
    assert_eq!(version.stdout, format!("serelhistory {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_history_that_cannot_be_written_or_read_is_said_with_its_own_code() {
    let sandbox = tree(&[Script::new("a")]);
    let text = "echo --pairs a /etc/init.d/a | history --populate --db no/such/dir/x.db";
    let run = shell(&sandbox, text).expect_code(1);
    assert!(run.stderr.contains("no/such/dir/x.db"), "{run}");
    shell(&sandbox, "echo --pairs a /etc/init.d/a > input; history --populate < input").expect_code(0);
    let other = Connection::open(sandbox.at("etc/serel/history.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let locked = "history --populate < input; code=$?; history --query verify; test $? = 75 && exit $code";
    let run = shell(&sandbox, locked).expect_code(75);
    drop(other);
    assert!(run.stdout.contains("locked") && run.stderr.contains("locked"), "{run}");
    sandbox.write("etc/serel/history.db", "garbage", 0o644);
    let run = shell(&sandbox, "history --query verify").expect_code(1);
    assert!(run.stdout.contains("damaged"), "{run}");
    populate(&sandbox, "--pairs a /etc/init.d/a");
    answers(&sandbox, "verify", "success");
}

#[test]
fn an_answer_that_cannot_be_written_is_no_success() {
    let sandbox = tree(&[Script::new("a")]);
    populate(&sandbox, "--pairs a /etc/init.d/a");
    shell(&sandbox, "history --query verify > /dev/full").expect_code(1);
    shell(&sandbox, "history --query verify >&- 2>&-").expect_code(0);
}

#[test]
fn stop_links_turn_the_relations_around() {
    let stops =
        |name: &str, needs: &str| needer(name, needs).says("Required-Stop", needs).says("Default-Stop", "6");
    let sandbox = tree(&[stops("net", ""), stops("web", "net")]);
    sandbox.link("6", "K01web");
    sandbox.link("6", "K02net");
    populate(&sandbox, "--pairs web /etc/rc6.d/K01web net /etc/rc6.d/K02net");
    answers(&sandbox, "verify", "success");
    let run = shell(&sandbox, "history --populate --stopping < input").expect_code(0);
    assert!(run.stderr.is_empty(), "{run}");
    answers(&sandbox, "prior-history", "success");
}
