//! The lines that contrib/rc tells people to put into their rc, in an rc of each style and under each shell: with serel,
//! without it, and with everything broken that can be.

use crate::support::program::{Finished, LIMIT, finish};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

/// Shells that are `/bin/sh` somewhere.
const SHELLS: [&[&str]; 3] = [&["dash"], &["bash", "--posix"], &["busybox", "sh"]];

/// A distribution: its line in the README, and where its links are.
#[derive(Debug, Clone, Copy)]
struct Style {
    name: &'static str,
    links: &'static str,
}

const STYLES: [Style; 4] = [
    Style { name: "Debian, Devuan", links: "etc" },
    Style { name: "Red Hat", links: "etc/rc.d" },
    Style { name: "Slackware", links: "etc/rc.d" },
    Style { name: "Linux From Scratch", links: "etc/rc.d" },
];

fn contrib(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib").join(file)).unwrap()
}

/// The line that a README has for a distribution, with the tree's `/lib/serel`.
fn line(readme: &str, distribution: &str) -> String {
    let text = contrib(readme);
    let row = text.lines().find(|row| row.starts_with(&format!("| {distribution} |"))).unwrap();
    let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
    cell.trim_matches('`').replace("/lib/serel/", "\"$TREE\"/lib/serel/")
}

/// What every rc does: the links that stop, and those that start if the level before had not started them. It leaves a
/// mark when it comes to its own loops.
fn rc(style: Style) -> String {
    let line = line("rc/README.md", style.name);
    format!(
        r#"runlevel=$1
previous=$2
trap 'echo left' EXIT
{line}
echo plain >>"$TREE/journal"
links=$TREE/{}
for i in "$links/rc$runlevel.d"/K*; do
    [ "$previous" = N ] || [ ! -e "$i" ] || "$i" stop
done
for i in "$links/rc$runlevel.d"/S*; do
    [ ! -e "$links/rc$previous.d/${{i##*/}}" ] || continue
    [ ! -e "$i" ] || case $runlevel in [06]) "$i" stop ;; *) "$i" start ;; esac
done
trap - EXIT
"#,
        style.links
    )
}

/// A machine with two levels, and serel installed but not switched on.
fn machine(style: Style) -> Sandbox {
    let sandbox = Sandbox::new();
    for (file, from) in [("serel-rc", "rc/serel-rc"), ("serel-sysinit", "rc.sysinit/serel-sysinit")] {
        sandbox.write(&format!("lib/serel/{file}"), &contrib(from), 0o755);
    }
    fs::create_dir(sandbox.at("sbin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_serelrc"), sandbox.at("sbin/serelrc")).unwrap();
    sandbox.write("rc", &rc(style), 0o755);
    for name in ["a", "b", "both", "old"] {
        sandbox.add(&Script::new(name));
    }
    for (level, link) in
        [("2", "S01both"), ("2", "S01old"), ("3", "K01old"), ("3", "S01both"), ("3", "S02a"), ("3", "S03b")]
    {
        let links = sandbox.at(&format!("{}/rc{level}.d", style.links));
        fs::create_dir_all(&links).unwrap();
        add_link(&links, link);
    }
    sandbox
}

/// Makes a link in a runlevel's directory, where links are relative.
fn add_link(links: &Path, link: &str) {
    let up = if links.parent().unwrap().ends_with("rc.d") { "../.." } else { ".." };
    symlink(format!("{up}/init.d/{}", &link[3..]), links.join(link)).unwrap();
}

/// Runs a script of the tree in a shell.
#[track_caller]
fn run(sandbox: &Sandbox, shell: &[&str], words: &[&str]) -> Finished {
    let mut command = Command::new(shell[0]);
    command.args(&shell[1..]).arg(sandbox.at(words[0])).args(&words[1..]);
    for inherited in ["SEREL_RUNLEVELS", "SEREL_OPTIONS", "SEREL_DEBUG"] {
        command.env_remove(inherited);
    }
    // `#!/bin/sh` of the hook is the same shell: it is called by the first line of its own that says so.
    command.env("TREE", sandbox.path()).env("SEREL_ROOT", sandbox.path()).current_dir("/");
    finish(&mut command, LIMIT)
}

/// Has the hooks run by one shell.
fn with_shell(sandbox: &Sandbox, shell: &[&str]) {
    let which = ["/bin", "/usr/bin"].map(|directory| format!("{directory}/{}", shell[0]));
    let path = which.iter().find(|path| Path::new(path).exists()).unwrap_or_else(|| panic!("no {shell:?}"));
    for hook in ["lib/serel/serel-rc", "lib/serel/serel-sysinit"] {
        let text = sandbox.read(hook);
        let (first, rest) = text.split_once('\n').unwrap();
        assert!(first.starts_with("#!"), "{first}");
        sandbox.write(hook, &format!("#!{path} {}\n{rest}", shell[1..].join(" ")), 0o755);
    }
}

fn each(mut judge: impl FnMut(&Sandbox, &dyn Fn(&[&str]) -> Finished)) {
    for style in STYLES {
        for shell in SHELLS {
            let sandbox = machine(style);
            with_shell(&sandbox, shell);
            judge(&sandbox, &|words| run(&sandbox, shell, words));
        }
    }
}

/// What the plain rc does on the way from 2 to 3.
const PLAIN: [&str; 4] = ["plain", "old stop", "a start", "b start"];

#[test]
fn a_level_that_is_named_is_run_and_the_rc_has_nothing_left_to_do() {
    each(|sandbox, rc| {
        sandbox.write("etc/default/serel", "SEREL_RUNLEVELS=\"S 2 3\"  # ours\n", 0o644);
        let first = rc(&["rc", "2", "N"]).expect_code(0);
        let mut journal = sandbox.journal();
        journal.sort();
        assert_eq!(journal, ["both start", "old start"], "{first}");
        sandbox.forget_journal();
        let change = rc(&["rc", "3", "2"]).expect_code(0);
        let mut journal = sandbox.journal();
        assert_eq!(journal.remove(0), "old stop", "{change}");
        journal.sort();
        assert_eq!(journal, ["a start", "b start"], "{change}");
        assert!(change.stdout.contains("start 3 from 2"), "{change}");
    });
}

#[test]
fn without_a_word_of_it_nothing_is_different() {
    let sysconfig = "etc/sysconfig/serel";
    let off: [(&str, &str); 6] = [
        ("nothing", ""),
        (sysconfig, "SEREL_RUNLEVELS=\"S 2 4\"\n"),
        (sysconfig, "SEREL_RUNLEVELS=\n"),
        ("proc/cmdline", "quiet serel=off\n"),
        ("proc/cmdline", "SEREL_RUNLEVELS=S,2 quiet\n"),
        ("etc/default/serel", "SEREL_RUNLEVELS='2'\n"),
    ];
    each(|sandbox, rc| {
        for (file, text) in off {
            if !file.starts_with("etc/sysconfig") && file != "nothing" {
                sandbox.write(sysconfig, "SEREL_RUNLEVELS=\"2 3\"\n", 0o644);
            }
            sandbox.write(file, text, 0o644);
            sandbox.forget_journal();
            let plain = rc(&["rc", "3", "2"]).expect_code(0);
            assert_eq!(sandbox.journal(), PLAIN, "{file}: {text}\n{plain}");
            assert_eq!((&*plain.stdout, &*plain.stderr), ("", ""), "{file}: {text}\n{plain}");
            let _ = fs::remove_file(sandbox.at(file));
        }
    });
}

#[test]
fn who_wants_one_script_after_another_has_it_and_it_is_said() {
    each(|sandbox, rc| {
        sandbox.write("etc/default/serel", "SEREL_RUNLEVELS=\"2 3\"\n", 0o644);
        for (wish, said) in [
            ("etc/init.d/.legacy-bootordering", "etc/init.d/.legacy-bootordering is there"),
            ("var/run/confirm", "var/run/confirm is there"),
            ("proc/cmdline", "`concurrency=none` is on the kernel command line"),
        ] {
            sandbox.write(wish, "quiet concurrency=none\n", 0o644);
            sandbox.forget_journal();
            let plain = rc(&["rc", "3", "2"]).expect_code(0);
            assert_eq!(sandbox.journal(), PLAIN, "{plain}");
            assert!(plain.stderr.contains(&format!("{said}: going on")), "{plain}");
            fs::remove_file(sandbox.at(wish)).unwrap();
        }
    });
}

/// They are read as data, and not at all where others than root could have written them.
#[test]
fn settings_that_are_not_to_be_trusted_or_understood_are_said_and_are_none() {
    each(|sandbox, rc| {
        for (text, mode, said) in [
            ("SEREL_RUNLEVELS=\"2 3\"\n", 0o666, "etc/default/serel"),
            ("SEREL_RUNLEVELS=\"$(echo 3)\"\n", 0o644, "etc/default/serel:1:1"),
        ] {
            sandbox.write("etc/default/serel", text, mode);
            sandbox.forget_journal();
            let plain = rc(&["rc", "3", "2"]).expect_code(0);
            assert_eq!(sandbox.journal(), PLAIN, "{plain}");
            assert!(plain.stderr.contains(said), "{plain}");
        }
    });
}

#[test]
fn whatever_is_broken_the_rc_runs_the_level() {
    // What stands for serelrc, and what is said then.
    let broken: [(Option<(&str, u32)>, &str); 6] = [
        (None, "serel: there is no serelrc: going on"),
        (Some(("#!/bin/sh\n", 0o644)), "going on without it"),
        (Some(("#!/none/such\n", 0o755)), "cannot be run: going on"),
        (Some(("#!/bin/sh\nexit 2\n", 0o755)), "serel: serelrc ended with 2"),
        (Some(("#!/bin/sh\nkill -SEGV $$\n", 0o755)), "serel: serelrc ended with 139"),
        (Some(("#!/bin/sh\nkill -KILL $$\n", 0o755)), "serel: serelrc ended with 137"),
    ];
    each(|sandbox, rc| {
        sandbox.write("etc/default/serel", "SEREL_RUNLEVELS=\"2 3\"\n", 0o644);
        for (program, said) in broken {
            fs::remove_file(sandbox.at("sbin/serelrc")).ok();
            if let Some((text, mode)) = program {
                sandbox.write("sbin/serelrc", text, mode);
            }
            sandbox.forget_journal();
            let plain = rc(&["rc", "3", "2"]).expect_code(0);
            assert_eq!(sandbox.journal(), PLAIN, "{program:?}\n{plain}");
            assert!(plain.stderr.contains(said), "{program:?}\n{plain}");
        }
        fs::set_permissions(sandbox.at("lib/serel/serel-rc"), fs::Permissions::from_mode(0o644)).unwrap();
        sandbox.forget_journal();
        rc(&["rc", "3", "2"]).expect_code(0);
        assert_eq!(sandbox.journal(), PLAIN);
        fs::remove_dir_all(sandbox.at("lib")).unwrap();
        sandbox.forget_journal();
        rc(&["rc", "3", "2"]).expect_code(0);
        assert_eq!(sandbox.journal(), PLAIN);
    });
}

#[test]
fn options_that_do_not_fit_or_with_which_nothing_would_be_run_are_said_and_left_out() {
    each(|sandbox, rc| {
        for options in [
            "-v",
            "--version",
            "-h",
            "--help",
            "--jobs 4 --dry-run",
            "--jobs many",
            "--quiet --root=/none",
            "--root /none",
        ] {
            let text = format!("SEREL_RUNLEVELS=\"2 3\"\nSEREL_OPTIONS=\"{options}\"\n");
            sandbox.write("etc/default/serel", &text, 0o644);
            sandbox.forget_journal();
            let run = rc(&["rc", "2", "N"]).expect_code(0);
            let mut journal = sandbox.journal();
            journal.sort();
            assert_eq!(journal, ["both start", "old start"], "{run}");
            assert!(run.stderr.contains(&format!("SEREL_OPTIONS=\"{options}\" is left out")), "{run}");
        }
        let text = "SEREL_RUNLEVELS=\"2 3\"\nSEREL_OPTIONS=\"--log /none/such/log\"\n";
        sandbox.write("etc/default/serel", text, 0o644);
        let run = rc(&["rc", "2", "N"]).expect_code(0);
        assert!(run.stderr.contains("/none/such/log: ") && !run.stderr.contains("left out"), "{run}");
    });
}

#[test]
fn killed_half_way_the_rc_runs_all_of_it() {
    each(|sandbox, rc| {
        sandbox.write("etc/default/serel", "SEREL_RUNLEVELS=\"2 3\"\n", 0o644);
        let once = "[ -e \"$TREE/killed\" ] || { : >\"$TREE/killed\"; kill -9 $PPID; }";
        sandbox.add(&Script::new("a").then(once));
        sandbox.add(&Script::new("b").says("Required-Start", "a"));
        let plain = rc(&["rc", "3", "2"]).expect_code(0);
        let journal = sandbox.journal();
        assert_eq!(journal, ["old stop", "a start", "plain", "old stop", "a start", "b start"], "{plain}");
        assert!(plain.stderr.contains("what runs already is called once more"), "{plain}");
    });
}

/// They were run: that some failed is no reason to run all of them again.
#[test]
fn scripts_that_fail_are_said_and_not_run_again() {
    each(|sandbox, rc| {
        sandbox.write("proc/cmdline", "quiet SEREL_RUNLEVELS=2,3\n", 0o644);
        sandbox.add(&Script::new("a").then("exit 1"));
        sandbox.add(&Script::new("b").says("Required-Start", "a"));
        let run = rc(&["rc", "3", "2"]).expect_code(0);
        assert_eq!(sandbox.journal(), ["old stop", "a start", "b start"], "{run}");
        assert!(run.stdout.contains("FAILED a"), "{run}");
    });
}

#[test]
fn a_shutdown_stops_everything_whatever_the_level_before() {
    each(|sandbox, rc| {
        sandbox.write("etc/default/serel", "SEREL_RUNLEVELS=\"0 6\"\n", 0o644);
        for style in ["etc", "etc/rc.d"] {
            if sandbox.at(&format!("{style}/rc2.d")).exists() {
                let links = sandbox.at(&format!("{style}/rc0.d"));
                fs::create_dir(&links).unwrap();
                for link in ["K01old", "S90b"] {
                    add_link(&links, link);
                }
            }
        }
        for previous in ["N", "2", "#"] {
            sandbox.forget_journal();
            let run = rc(&["rc", "0", previous]).expect_code(0);
            assert_eq!(sandbox.journal(), ["old stop", "b stop"], "{run}");
        }
    });
}

#[test]
fn sysinit_runs_level_s_where_there_is_one() {
    each(|sandbox, rc| {
        let sysinit = |code| rc(&["lib/serel/serel-sysinit"]).expect_code(code);
        // Not named, then without scripts of its own.
        assert_eq!(sysinit(1).stderr, "");
        sandbox.write("etc/default/serel", "SEREL_RUNLEVELS=S\n", 0o644);
        assert_eq!(sysinit(1).stderr, "");
        sandbox.link("S", "S01a");
        let run = sysinit(0);
        assert_eq!(sandbox.journal(), ["a start"], "{run}");
    });
}

#[test]
fn the_lines_of_the_other_readme_are_there() {
    for distribution in ["Debian, Devuan", "Red Hat", "Slackware"] {
        assert!(line("rc.sysinit/README.md", distribution).contains("/lib/serel/serel-sysinit"));
    }
}
