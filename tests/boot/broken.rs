//! What may be wrong with serel or with what it reads, and the machine boots all the same and says what it was.

use crate::cases::{Case, Skip};
use crate::daemons::assert_all_up;
use crate::machine::Machine;
use crate::root::Root;

pub(crate) const CASES: &[Case] = &[
    ("broken::a_database_of_garbage", a_database_of_garbage),
    ("broken::scripts_that_need_each_other", scripts_that_need_each_other),
    ("broken::serelrc_is_gone", serelrc_is_gone),
    ("broken::serelrc_is_no_program", serelrc_is_no_program),
    ("broken::the_run_is_killed_half_way", the_run_is_killed_half_way),
    ("broken::who_watches_over_the_run_is_killed", who_watches_over_the_run_is_killed),
    ("broken::no_room_in_run", no_room_in_run),
    ("broken::a_history_that_cannot_be_written", a_history_that_cannot_be_written),
];

/// Boots it to the end; all daemons must be up. What the console says.
#[track_caller]
fn boots(machine: &Machine) -> Result<String, Skip> {
    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    Ok(boot.stop())
}

#[track_caller]
fn says(console: &str, texts: &[&str]) {
    for text in texts {
        assert!(console.contains(text), "nobody said {text:?}\n{console}");
    }
}

fn a_database_of_garbage() -> Result<(), Skip> {
    let machine = Machine::with_serel(Root::made()?);
    machine.text("etc/serel/history.db", &"This is no database. ".repeat(1000), 0o600);
    let console = boots(&machine)?;
    says(&console, &["/etc/serel/history.db", "serelrc: start 2: "]);
    let console = boots(&machine)?;
    says(&console, &["plan: cached"]);
    Ok(())
}

fn scripts_that_need_each_other() -> Result<(), Skip> {
    let machine = Machine::with_serel(Root::made()?);
    for (name, other) in [("cron", "nginx"), ("nginx", "cron")] {
        let path = format!("etc/init.d/{name}");
        let script =
            machine.read(&path).replacen("# Required-Start:", &format!("# Required-Start: {other}"), 1);
        machine.text(&path, &script, 0o755);
    }
    let console = boots(&machine)?;
    says(&console, &["/etc/init.d/cron:", "/etc/init.d/nginx:"]);
    Ok(())
}

fn serelrc_is_gone() -> Result<(), Skip> {
    let machine = Machine::with_serel(Root::made()?);
    std::fs::remove_file(machine.at("usr/sbin/serelrc")).expect("it was there");
    let console = boots(&machine)?;
    assert!(!console.contains("serelrc: "), "{console}");
    says(&console, &["startpar: service(s) returned failure: smartmontools ..."]);
    Ok(())
}

fn serelrc_is_no_program() -> Result<(), Skip> {
    let machine = Machine::with_serel(Root::made()?);
    machine.text("usr/sbin/serelrc", "", 0o644);
    let console = boots(&machine)?;
    says(&console, &["startpar: service(s) returned failure: smartmontools ..."]);
    Ok(())
}

fn the_run_is_killed_half_way() -> Result<(), Skip> {
    let machine = Machine::with_serel(Root::made()?);
    machine.script(
        "killer",
        '2',
        "# Required-Start: rsyslog",
        "mkdir /run/killed && kill -KILL \"$PPID\"\nexit 0",
    );
    let console = boots(&machine)?;
    says(&console, &["startpar: the run was killed by SIGKILL: going on one by one"]);
    Ok(())
}

fn who_watches_over_the_run_is_killed() -> Result<(), Skip> {
    let machine = Machine::with_serel(Root::made()?);
    let watcher = "kill -KILL \"$(ps -o ppid= -p \"$PPID\" | tr -d ' ')\"";
    machine.script("killer", '2', "# Required-Start: rsyslog", watcher);
    let console = boots(&machine)?;
    says(&console, &["serelrc: start 2: "]);
    Ok(())
}

fn no_room_in_run() -> Result<(), Skip> {
    let machine = Machine::with_serel(Root::made()?);
    let full = "#!/bin/sh\nmkdir /run/serel && mount -t tmpfs -o size=4k full /run/serel\n\
                head -c 4096 /dev/zero > /run/serel/full\n";
    machine.text("usr/sbin/before-rcS", full, 0o755);
    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    // All the time: the one page that it has, and none of them free.
    assert_eq!(boot.run(&["stat", "-f", "-c", "%T %b %f", "/run/serel"]).stdout, "tmpfs 1 0\n");
    says(&boot.stop(), &["serelrc: start S: ", "serelrc: start 2: "]);
    Ok(())
}

fn a_history_that_cannot_be_written() -> Result<(), Skip> {
    let machine = Machine::with_serel(Root::made()?);
    let sealed = "#!/bin/sh\nmkdir -p /etc/serel\nmount --bind /etc/serel /etc/serel\n\
                  mount -o remount,bind,ro /etc/serel\n";
    machine.text("usr/sbin/before-rcS", sealed, 0o755);
    let console = boots(&machine)?;
    says(
        &console,
        &["serelrc: start S: ", "serelrc: start 2: ", "history cannot be written", "/run/serel/pending."],
    );
    Ok(())
}
