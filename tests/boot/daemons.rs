//! Which daemons are up in a machine: by pid files whose processes live, and by answers.

use crate::boot::Boot;
use crate::cases::Skip;
use crate::machine::Machine;
use crate::root::Root;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// What has to answer wherever this Debian boots at all.
const TALKERS: [&str; 11] =
    ["cups", "dbus", "exim", "memcached", "named", "nginx", "redis", "rpcbind", "ssh", "tinyproxy", "vsftpd"];

/// What the probe says, line by line.
pub(crate) type Daemons = BTreeSet<String>;

/// What is up when Debian's own rc and startpar have booted it: one boot for all tests.
pub(crate) fn reference() -> Result<&'static Daemons, Skip> {
    static ONCE: OnceLock<Result<Daemons, Skip>> = OnceLock::new();
    ONCE.get_or_init(|| {
        let machine = Machine::new(Root::made()?);
        let mut boot = machine.boot("");
        let talkers: Vec<String> = TALKERS.iter().map(|name| format!("answers {name}")).collect();
        let up = probe(boot.reached('2'), talkers.iter());
        assert!(talkers.iter().all(|line| up.contains(line)), "not all answer: {up:#?}\n{boot}");
        assert!(up.len() >= 30, "fewer than there have to be: {up:#?}\n{boot}");
        boot.stop();
        Ok(up)
    })
    .as_ref()
    .map_err(Clone::clone)
}

/// What is up; the expected have a moment to come up.
#[track_caller]
pub(crate) fn probe<'a>(boot: &Boot, expected: impl Iterator<Item = &'a String>) -> Daemons {
    let words: Vec<&str> = ["probe"].into_iter().chain(expected.map(String::as_str)).collect();
    boot.run(&words).stdout.lines().map(str::to_owned).collect()
}

/// All that startpar gets up must be up.
#[track_caller]
pub(crate) fn assert_all_up(boot: &Boot) -> Result<(), Skip> {
    let expected = reference()?;
    let up = probe(boot, expected.iter());
    let missing: Vec<&String> = expected.difference(&up).collect();
    assert!(missing.is_empty(), "not up, but so with startpar: {missing:?}\n{boot}");
    Ok(())
}
