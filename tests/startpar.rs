//! 151 services, and how many of them get started: by Debian's startpar, and by serelrc.
//!
//! startpar reads `.depend.start` in lines of at most 2 kB and drops the rest of a longer one without a word: of
//! services whose names add up to more, some are never started. It looks only at `/etc/init.d`, so that the tree is
//! bound over `/etc`, in a mount namespace that ends with startpar and that nobody else sees.

use crate::support::debian::Debian;
use crate::support::program::{Finished, LIMIT, finish};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use nix::unistd::geteuid;
use std::collections::BTreeSet;
use std::process::Command;

const SERVICES: usize = 151;

/// What startpar 0.65 and 0.66 start of them.
const STARTED_BY_STARTPAR: usize = 89;

/// Names of 21 and 22 letters: 3.4 kB on one line.
fn names() -> Vec<String> {
    let words = ["nodes", "disks", "mails", "proxy", "cache", "audit", "clock", "logs"];
    (1..=SERVICES).map(|i| format!("boot-service-{i:03}-{}", words[i % words.len()])).collect()
}

/// A tree of scripts, enabled by insserv.
fn enabled(scripts: impl IntoIterator<Item = Script>) -> Sandbox {
    let sandbox = Sandbox::new();
    for script in scripts {
        sandbox.add(&script);
    }
    Debian::unpacked().insserv(&sandbox);
    sandbox
}

/// Runs startpar as `/etc/init.d/rc` does for level 2, on a terminal, which it needs to run scripts in parallel.
fn startpar(sandbox: &Sandbox) -> Finished {
    let namespace = if geteuid().is_root() { "unshare --mount" } else { "unshare --map-root-user --mount" };
    let inside = r#"mount --bind "$TREE/etc" /etc && exec "$STARTPAR" -p 4 -t 20 -T 3 -M start -P N -R 2"#;
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command"]).arg(format!("{namespace} sh -c '{inside}'"));
    command.arg("/dev/null").env("SHELL", "/bin/sh").env("TREE", sandbox.path());
    command.env("STARTPAR", Debian::unpacked().program("startpar")).current_dir("/");
    finish(&mut command, LIMIT).expect_code(0)
}

/// The scripts that were run, sorted. None was run twice or with another word than `start`.
#[track_caller]
fn started(sandbox: &Sandbox) -> BTreeSet<String> {
    let journal = sandbox.journal();
    let name = |line: &String| line.strip_suffix(" start").unwrap_or_else(|| panic!("{line}")).to_owned();
    let names: BTreeSet<String> = journal.iter().map(name).collect();
    assert_eq!(names.len(), journal.len(), "a script ran twice: {journal:#?}");
    names
}

#[test]
fn all_of_151_services_start_where_startpar_starts_89() {
    let sandbox = enabled(names().iter().map(|name| Script::new(name)));
    let depend = sandbox.read("etc/init.d/.depend.start");
    let targets = depend.lines().next().unwrap();
    assert!(targets.starts_with("TARGETS = ") && targets.split(' ').count() == SERVICES + 2, "{targets}");
    assert!((3400..3500).contains(&targets.len()), "{} bytes", targets.len());

    let theirs = startpar(&sandbox);
    assert!(theirs.stdout.contains("failed_service=\"\""), "{theirs}");
    assert_eq!(started(&sandbox).len(), STARTED_BY_STARTPAR, "{theirs}");

    sandbox.forget_journal();
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(started(&sandbox), names().into_iter().collect());
}

#[test]
fn a_service_whose_need_failed_is_not_started_where_startpar_starts_it() {
    let sandbox = enabled([
        Script::new("broken").then("exit 1"),
        Script::new("needer").says("Required-Start", "broken"),
        Script::new("wisher").says("Should-Start", "broken"),
    ]);
    let all = ["broken", "needer", "wisher"].map(str::to_owned);

    let theirs = startpar(&sandbox);
    assert!(theirs.stdout.contains("failed_service=\"broken\""), "{theirs}");
    assert_eq!(started(&sandbox), all.iter().cloned().collect());

    sandbox.forget_journal();
    sandbox.serelrc(&["start", "2"]).expect_code(1);
    let without = all.iter().filter(|name| *name != "needer");
    assert_eq!(started(&sandbox), without.cloned().collect());
}
