//! When all daemons of a machine are up, seen from outside, and alike for whoever started them.
//!
//! A script of an init system has ended when its daemon has gone to the background, before or after it listens; a
//! supervisor's daemon never goes there. So each has a sign that only the daemon itself gives: a socket that it listens
//! on or, if it has none, its pid file. They are looked for every few milliseconds: of a boot in an own network
//! namespace that is two or three short files of the kernel.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::fs;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// What tells that a daemon is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// A TCP port.
    Tcp(u16),
    /// A UDP port.
    Udp(u16),
    /// The end of the name of a socket.
    Unix(&'static str),
    /// A file under `/run`.
    File(&'static str),
}

/// One for each daemon, but for irqbalance: under a supervisor it has neither.
const SIGNS: [Sign; 24] = [
    Sign::Unix("/acpid.socket"),
    Sign::File("atd.pid"),
    Sign::Udp(5353), // avahi-daemon
    Sign::Udp(323),  // chronyd
    Sign::File("crond.pid"),
    Sign::Tcp(631), // cupsd
    Sign::Unix("/dbus/system_bus_socket"),
    Sign::Udp(5300), // dnsmasq
    Sign::Tcp(25),   // exim4
    Sign::Unix("/entropy/haveged"),
    Sign::Tcp(11211), // memcached
    Sign::Tcp(53),    // named
    Sign::Tcp(953),   // named, when it takes orders
    Sign::Tcp(80),    // nginx
    Sign::Unix("/nscd/socket"),
    Sign::Tcp(6379), // redis-server
    Sign::File("rpc.statd.pid"),
    Sign::Tcp(111),         // rpcbind
    Sign::Unix("/dev/log"), // rsyslogd
    Sign::Udp(161),         // snmpd
    Sign::Tcp(22),          // sshd
    Sign::Tcp(8888),        // tinyproxy
    Sign::File("uptimed/uptimed.pid"),
    Sign::Tcp(21), // vsftpd
];

/// How often it is looked. Two milliseconds more or less do not matter to a boot that takes a second.
const PAUSE: Duration = Duration::from_millis(4);

/// More than any boot takes that is not stuck.
const LIMIT: Duration = Duration::from_mins(3);

/// Waits until all are up in the machine with this init, and gives the time of the clock on the wall then, in seconds.
pub(crate) fn all_up(init: u32) -> f64 {
    let process = Path::new("/proc").join(init.to_string());
    let handle = Pid::from_raw(i32::try_from(init).expect("a process id is small")).expect("no process is 0");
    let handle = pidfd_open(handle, PidfdFlags::empty()).expect("it runs");
    let end = Instant::now() + LIMIT;
    let mut missing = SIGNS.to_vec();
    loop {
        look(&process, &mut missing);
        if missing.is_empty() {
            return now();
        }
        assert!(Instant::now() < end, "not up after {LIMIT:?}: {missing:?}");
        let mut ends = [PollFd::new(handle.as_fd(), PollFlags::POLLIN)];
        let pause = PollTimeout::try_from(PAUSE).expect("short");
        assert_eq!(poll(&mut ends, pause), Ok(0), "the machine has stopped without {missing:?}");
    }
}

/// Takes away what is there.
fn look(process: &Path, missing: &mut Vec<Sign>) {
    let tables = |names: [&str; 2]| names.map(|name| table(process, name)).concat();
    let wanted = |missing: &[Sign], kind: fn(&Sign) -> bool| missing.iter().any(kind);
    if wanted(missing, |sign| matches!(sign, Sign::Tcp(_))) {
        let known = ports(&tables(["tcp", "tcp6"]), "0A");
        missing.retain(|sign| !matches!(sign, Sign::Tcp(port) if known.contains(port)));
    }
    if wanted(missing, |sign| matches!(sign, Sign::Udp(_))) {
        let known = ports(&tables(["udp", "udp6"]), "07");
        missing.retain(|sign| !matches!(sign, Sign::Udp(port) if known.contains(port)));
    }
    if wanted(missing, |sign| matches!(sign, Sign::Unix(_))) {
        let known = table(process, "unix");
        missing
            .retain(|sign| !matches!(sign, Sign::Unix(end) if known.lines().any(|line| line.ends_with(end))));
    }
    missing.retain(|sign| !matches!(sign, Sign::File(path) if process.join("root/run").join(path).exists()));
}

fn table(process: &Path, name: &str) -> String {
    // Without IPv6 there is no file of it.
    fs::read_to_string(process.join("net").join(name)).unwrap_or_default()
}

/// The own ports of the sockets in a table that are in this state.
fn ports(table: &str, state: &str) -> Vec<u16> {
    let port = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let own = words.next()?;
        let in_state = words.nth(1)? == state;
        let (_, port) = own.split_once(':')?;
        u16::from_str_radix(port, 16).ok().filter(|_| in_state)
    };
    table.lines().filter_map(port).collect()
}

#[expect(clippy::disallowed_methods, reason = "it is compared with what the machine's own clock said")]
fn now() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_secs_f64()
}
