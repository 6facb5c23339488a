//! When all daemons of a machine are up, seen from outside, and alike for whoever started them.
//!
//! A script of an init system has ended when its daemon has gone to the background, before or after it listens; a
//! supervisor's daemon never goes there. So each has signs that the daemon itself gives: a pid file, a socket that it
//! listens on, or both. They are looked for every few milliseconds, and the cheap ones first: what is listened to by TCP
//! takes the kernel 6 ms to say, a pid file takes it some microseconds, and a boot shall not be slower for being watched.
//! irqbalance gives none that it has under every supervisor.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::fs;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Pid files that all have, under `/run`; those that are late come first.
const FILES: [&str; 13] = [
    "crond.pid",
    "cups/cupsd.pid",
    "sshd.pid",
    "exim4/exim.pid",
    "nginx.pid",
    "named/named.pid",
    "atd.pid",
    "memcached.pid",
    "redis/redis-server.pid",
    "rpc.statd.pid",
    "tinyproxy/tinyproxy.pid",
    "uptimed/uptimed.pid",
    "vsftpd/vsftpd.pid",
];

/// Ends of names of sockets: of acpid, cupsd, dbus-daemon, haveged, nscd, rpcbind, and rsyslogd.
const SOCKETS: [&str; 7] = [
    "/acpid.socket",
    "/cups/cups.sock",
    "/dbus/system_bus_socket",
    "/entropy/haveged",
    "/nscd/socket",
    "/rpcbind.sock",
    "/dev/log",
];

/// Of snmpd, chronyd, dnsmasq, and avahi-daemon.
const UDP_PORTS: [u16; 4] = [161, 323, 5300, 5353];

/// Of sshd, exim4, named and what gives it orders, nginx, rpcbind, cupsd, redis-server, tinyproxy, and memcached.
const TCP_PORTS: [u16; 10] = [22, 25, 53, 953, 80, 111, 631, 6379, 8888, 11211];

/// How often it is looked: often enough for a boot that takes a second.
const PAUSE: Duration = Duration::from_millis(4);

/// More than any boot takes that is not stuck.
const LIMIT: Duration = Duration::from_mins(3);

/// Waits until all are up in the machine with this init, and gives the time of the clock on the wall then, in seconds.
pub(crate) fn all_up(init: u32) -> f64 {
    let process = Path::new("/proc").join(init.to_string());
    let handle = Pid::from_raw(i32::try_from(init).expect("a process id is small")).expect("no process is 0");
    let handle = pidfd_open(handle, PidfdFlags::empty()).expect("it runs");
    let end = Instant::now() + LIMIT;
    loop {
        let began = now();
        let Some(missing) = missing(&process) else { return began };
        assert!(Instant::now() < end, "not up after {LIMIT:?}: {missing}");
        let mut ends = [PollFd::new(handle.as_fd(), PollFlags::POLLIN)];
        let pause = PollTimeout::try_from(PAUSE).expect("short");
        assert_eq!(poll(&mut ends, pause), Ok(0), "the machine has stopped without {missing}");
    }
}

/// What is not there yet, if only one of many.
fn missing(process: &Path) -> Option<String> {
    let table = |name| fs::read_to_string(process.join("net").join(name)).expect("its init runs");
    let run = process.join("root/run");
    if let Some(file) = FILES.iter().find(|file| !run.join(file).exists()) {
        return Some(format!("/run/{file}"));
    }
    let known = table("unix");
    if let Some(end) = SOCKETS.iter().find(|end| !known.lines().any(|line| line.ends_with(**end))) {
        return Some(format!("a socket {end}"));
    }
    // The states: a UDP socket that nobody is at the other end of, and one of TCP that listens.
    let known = ports(&table("udp"), "07");
    if let Some(port) = UDP_PORTS.iter().find(|port| !known.contains(port)) {
        return Some(format!("UDP port {port}"));
    }
    let known = ports(&table("tcp"), "0A");
    TCP_PORTS.iter().find(|port| !known.contains(port)).map(|port| format!("TCP port {port}"))
}

/// The own ports of the sockets in a table that are in this state.
fn ports(table: &str, state: &str) -> Vec<u16> {
    let port = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (_, port) = words.next()?.split_once(':')?;
        let in_state = words.nth(1)? == state;
        u16::from_str_radix(port, 16).ok().filter(|_| in_state)
    };
    table.lines().filter_map(port).collect()
}

#[expect(clippy::disallowed_methods, reason = "it is compared with what the machine's own clock said")]
fn now() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_secs_f64()
}
