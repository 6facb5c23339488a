//! Other service managers that Debian packages, on the same machine with the same daemons.

use crate::boot::Boot;
use crate::machine::Machine;
use crate::program::finish;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// OpenRC takes the place of Debian's rc and reads the same headers of the same scripts.
const OPENRC: [&str; 3] = ["openrc", "libeinfo1", "librc1"];

/// runit takes the place of init: it runs the scripts one after another, but for those of daemons that a package has
/// given it to supervise, which it starts all at once when the others have ended.
const RUNIT: [&str; 6] =
    ["runit", "runit-init", "runit-services", "runit-helper", "getty-run", "sysuser-helper"];

/// For a fetch over a slow line.
const FETCH_LIMIT: Duration = Duration::from_mins(5);

/// Packages of this release, fetched once into a directory of this name.
pub(crate) fn fetched(name: &str, packages: &[&str]) -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&dir).expect("the build directory is writable");
    let present = || {
        let entries =
            fs::read_dir(&dir).expect("our own directory").map(|entry| entry.expect("readable").path());
        entries.filter(|path| path.extension().is_some_and(|end| end == "deb")).collect::<Vec<_>>()
    };
    if present().len() < packages.len() {
        let mut fetch = Command::new("apt-get");
        fetch.args(["-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3", "download"]);
        finish(fetch.args(packages).current_dir(&dir), FETCH_LIMIT).expect_code(0);
    }
    present()
}

/// Puts the packages of OpenRC into a machine.
pub(crate) fn add_openrc(machine: &Machine) {
    add(machine, "openrc-packages", &OPENRC);
}

/// Puts the packages of runit into a machine.
pub(crate) fn add_runit(machine: &Machine) {
    add(machine, "runit-packages", &RUNIT);
}

fn add(machine: &Machine, dir: &str, packages: &[&str]) {
    for package in fetched(dir, packages) {
        let name = package.file_name().expect("a file has a name").to_string_lossy().into_owned();
        machine.file(&package, &format!("root/{name}"), 0o644);
    }
}

/// Installs OpenRC on the machine that runs: from the next boot on, it is OpenRC that boots.
///
/// The two files that init calls are there already, as links to those of the package that leaves. Control groups are
/// nobody's in a container, and each script would try in vain to make one.
pub(crate) fn enable_openrc(boot: &Boot) {
    let install = r#"set -e
        dpkg --install /root/*.deb
        for file in rc rcS; do
            mv -f "/etc/init.d/$file.dpkg-new" "/etc/init.d/$file"
        done
        rc-update delete cgroups sysinit
        printf 'rc_parallel="YES"\nrc_controller_cgroups="NO"\n' >> /etc/rc.conf"#;
    boot.run(&["sh", "-c", install]);
}

/// Has it save the dependencies that it has read, as it does when it halts.
pub(crate) fn remember_openrc(boot: &Boot) {
    boot.run(&["/etc/init.d/savecache", "start"]);
}

/// Installs runit on the machine that runs: from the next boot on, it is runit that boots.
///
/// Its two stages say when they begin, as the inittab of the other machines does, and when the scripts of each have been
/// run. There are no terminals, as in that inittab. dnsmasq's own service looks for a file that its package no
/// longer has; the same daemons as elsewhere shall run.
pub(crate) fn enable_runit(boot: &Boot) {
    let install = r#"set -e
        dpkg --install /root/*.deb
        rm -f /etc/runit/runsvdir/default/getty-*
        touch /usr/share/dnsmasq/installed-marker
        cd /etc/runit
        sed -i -e 's|^PATH=.*|&\n/sbin/before-rcS\n/sbin/stamp begin S|' -e '$a /sbin/stamp end S' 1
        sed -i -e 's|^SVDIR=.*|&\n/sbin/stamp begin 2|' -e 's|^exec env - .*|/sbin/stamp end 2\n&|' 2
        [ "$(grep -c /sbin/stamp 1 2)" = "$(printf '1:2\n2:2')" ]"#;
    boot.run(&["sh", "-c", install]);
}
