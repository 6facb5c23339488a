//! `/etc/inittab` of sysvinit: the default runlevel, and the programs that start the levels.

use super::findings::Findings;
use crate::definition::trust;
use crate::model::Level;
use crate::root::Root;

const FILE: &str = "/etc/inittab";
const INIT: &str = "/sbin/init";

/// Programs that start the levels where there is no inittab.
const USUAL: [&str; 6] = [
    "/etc/init.d/rc",
    "/lib/init/rc",
    "/etc/rc.d/rc",
    "/etc/rc.d/rc.sysinit",
    "/etc/rc.d/init.d/rc",
    "/etc/init.d/rcS",
];

/// What of it matters here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Inittab {
    /// The runlevel of a boot.
    pub(super) default: Level,
    /// The programs that init runs at a boot and waits for, in their order.
    pub(super) programs: Vec<String>,
}

impl Inittab {
    /// Reads it; without one, what is usual.
    pub(super) fn read(root: &Root, findings: &mut Findings) -> Self {
        look_at_init(root, findings);
        let text = match root.resolve(FILE).map(|file| trust::read(root, &file)) {
            Ok(Ok((bytes, _))) => String::from_utf8_lossy(&bytes).into_owned(),
            other => {
                if let Ok(Err(fault)) = other {
                    findings.diagnostic(root, &fault);
                }
                let text = format!("without {}, level 2 is taken for the default", root.shown(FILE));
                let help =
                    "see that sysvinit is installed, or look at each level with `serelrc verify LEVEL`";
                findings.warning("init", text, help);
                return Self { default: two(), programs: USUAL.map(str::to_owned).into() };
            }
        };
        let (default, programs) = parse(&text);
        if default.is_none() {
            findings.warning(
                "init",
                format!("{} names no default runlevel: init will ask for one", root.shown(FILE)),
                "add a line `id:2:initdefault:`",
            );
        }
        Self { default: default.unwrap_or_else(two), programs }
    }
}

fn two() -> Level {
    Level::parse("2").expect("BUG: 2 is a runlevel")
}

/// Another init reads no inittab and calls no rc.
fn look_at_init(root: &Root, findings: &mut Findings) {
    let Ok(init) = root.resolve(INIT) else { return };
    let name = init.rsplit('/').next().unwrap_or_default();
    if ["systemd", "runit-init", "s6-linux-init", "openrc-init", "upstart"].contains(&name) {
        findings.warning(
            "init",
            format!("{} is {name}, which runs no rc: nothing of this will be run", root.shown(INIT)),
            "install sysvinit-core, or leave serel to the levels that you start by hand",
        );
    }
}

/// `id:levels:action:process`.
fn parse(text: &str) -> (Option<Level>, Vec<String>) {
    let (mut default, mut programs) = (None, Vec::new());
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let mut fields = line.splitn(4, ':').skip(1);
        let (Some(levels), Some(action), Some(process)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        match action {
            // Of several, init takes the highest.
            "initdefault" => default = levels.chars().filter_map(|c| Level::parse(&c.to_string())).max(),
            "sysinit" | "boot" | "bootwait" | "wait" | "once" => {
                // A `+` asks init not to write utmp.
                let program = process.trim_start_matches('+').split_whitespace().next().unwrap_or_default();
                if program.starts_with('/') && !programs.iter().any(|known| known == program) {
                    programs.push(program.to_owned());
                }
            }
            _ => {}
        }
    }
    (default, programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_and_the_programs_are_found() {
        let text = "# The default runlevel.\nid:3:initdefault:\nsi::sysinit:/etc/init.d/rcS\n\
                    l2:2:wait:/etc/init.d/rc 2\nl3:3:wait:+/etc/init.d/rc 3\nbroken\n\
                    1:2345:respawn:/sbin/getty 38400 tty1\n";
        let (default, programs) = parse(text);
        assert_eq!(default, Level::parse("3"));
        assert_eq!(programs, ["/etc/init.d/rcS", "/etc/init.d/rc"]);
        assert_eq!(parse(""), (None, Vec::new()));
        assert_eq!(parse("id::initdefault:").0, None);
    }
}
