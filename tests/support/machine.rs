//! A made machine that boots as Debian's do with sysvinit: inittab, rc, startpar, and three scripts in their levels.

use super::sandbox::Sandbox;
use super::script::Script;

/// Its rc, as far as that matters.
pub(crate) const RC: &str = "#!/bin/sh\nPATH=/sbin:/usr/sbin:/bin:/usr/bin\n# startpar\neval \"$(startpar -M $1 -P $previous -R $2)\"\n";

/// A machine as Debian makes them: sysvinit, rc, startpar, three scripts in their levels.
pub(crate) fn machine() -> Sandbox {
    let tree = Sandbox::new();
    tree.write("bin/sh", "", 0o755);
    tree.write("sbin/init", "", 0o755);
    tree.write("usr/bin/startpar", "", 0o755);
    tree.write("usr/sbin/serelrc", "", 0o755);
    tree.write(
        "etc/inittab",
        "id:2:initdefault:\nsi::sysinit:/etc/init.d/rcS\nl2:2:wait:/etc/init.d/rc 2\n",
        0o644,
    );
    tree.write("etc/init.d/rcS", "#!/bin/sh\nexec /etc/init.d/rc S\n", 0o755);
    tree.write("etc/init.d/rc", RC, 0o755);
    for phase in ["boot", "start", "stop"] {
        tree.write(&format!("etc/init.d/.depend.{phase}"), "TARGETS = mount log web\n", 0o644);
    }
    tree.add(&Script::new("mount").says("Default-Start", "S"));
    tree.add(&Script::new("log").says("Required-Start", "mount").says("Default-Stop", "0 6"));
    tree.add(&Script::new("web").says("Required-Start", "log").says("Default-Stop", "0 6"));
    for (level, link) in [("S", "S01mount"), ("2", "S01log"), ("2", "S02web")] {
        tree.link(level, link);
    }
    for level in ["0", "6"] {
        tree.link(level, "K01log");
        tree.link(level, "K02web");
    }
    tree
}
