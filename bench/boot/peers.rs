//! Other service managers that Debian packages, on the same machine with the same daemons.

use crate::boot::Boot;
use crate::machine::Machine;
use crate::program::finish;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// OpenRC takes the place of Debian's rc and reads the same headers of the same scripts.
const OPENRC: [&str; 3] = ["openrc", "libeinfo1", "librc1"];

/// For a fetch over a slow line.
const FETCH_LIMIT: Duration = Duration::from_mins(5);

/// Puts the packages of OpenRC into a machine.
pub(crate) fn add_openrc(machine: &Machine) {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openrc-packages");
    fs::create_dir_all(&dir).expect("the build directory is writable");
    let packages = || {
        let entries =
            fs::read_dir(&dir).expect("our own directory").map(|entry| entry.expect("readable").path());
        entries.filter(|path| path.extension().is_some_and(|end| end == "deb")).collect::<Vec<_>>()
    };
    if packages().len() < OPENRC.len() {
        let mut fetch = Command::new("apt-get");
        fetch.args(["-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3", "download"]);
        finish(fetch.args(OPENRC).current_dir(&dir), FETCH_LIMIT).expect_code(0);
    }
    for package in packages() {
        let name = package.file_name().expect("a file has a name").to_string_lossy().into_owned();
        machine.file(&package, &format!("root/{name}"), 0o644);
    }
}

/// Installs it on the machine that runs: from the next boot on, it is OpenRC that boots.
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
