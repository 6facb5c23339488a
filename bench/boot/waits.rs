//! What real machines wait for: an address, a disk, a database that recovers, names that nobody answers for.
//!
//! The address comes from a real server at the other end of a real, if virtual, cable, which takes a second to answer.
//! The name server that it is told of never answers, so that each service which looks a name up waits a second for
//! nothing. The disk is there a second and a half after the machine was switched on. The database has a second and a
//! half of work left from its last crash, in which it uses no processor, and its application takes a while to come up.
//!
//! In a crowd there are twelve more that look a name up: more scripts that wait than startpar runs at a time, which is
//! four for each processor.

use crate::boot::Boot;
use crate::machine::Machine;

/// Name, level, header and body of a script.
type Service = (&'static str, char, &'static str, &'static str);

const LOOK_UP: &str =
    "getent ahostsv4 \"$(basename \"$0\").example.com\" > /dev/null || echo \"$0: name unknown\"";
const NETWORK: &str = "# Required-Start: $remote_fs $network $syslog";

const SERVICES: [Service; 7] = [
    ("data-disk", 'S', "# Required-Start: $local_fs", "until [ -e /dev/data ]; do sleep 0.1; done"),
    (
        "database",
        '2',
        "# Required-Start: $remote_fs $syslog",
        "rm -f /run/database\n(sleep 1.5; echo ready > /run/database) < /dev/null > /dev/null 2>&1 &\n\
         until [ -s /run/database ]; do sleep 0.1; done",
    ),
    ("application", '2', "# Required-Start: $remote_fs database", "sleep 0.4"),
    ("backup", '2', NETWORK, LOOK_UP),
    ("directory", '2', NETWORK, LOOK_UP),
    ("monitor", '2', NETWORK, LOOK_UP),
    ("relay", '2', NETWORK, LOOK_UP),
];

/// More of those who look a name up.
const CROWD: usize = 12;

/// What a machine of a configuration has to wait for.
fn services(crowd: bool) -> Vec<(String, char, &'static str, &'static str)> {
    let named =
        SERVICES.iter().map(|(name, level, header, body)| ((*name).to_owned(), *level, *header, *body));
    let more = (1..=if crowd { CROWD } else { 0 }).map(|n| (format!("client{n:02}"), '2', NETWORK, LOOK_UP));
    named.chain(more).collect()
}

const INTERFACES: &str = "auto lo eth0\niface lo inet loopback\niface eth0 inet dhcp\n";

/// The rest of the world, in a network namespace of its own.
const WORLD: &str = r"#!/bin/sh
setsid sh -c 'sleep 1.5; : > /dev/data' < /dev/null > /dev/null 2>&1 &
# An address of an earlier boot would be asked for again, and nobody would answer.
rm -f /var/lib/dhcp/*
mkdir -p /run/world
ip netns add world
ip link add eth0 type veth peer name eth0 netns world
nsenter --net=/run/netns/world sh -c '
    ip address add 10.0.0.1/24 dev eth0
    ip link set eth0 up
    dnsmasq --conf-file=/dev/null --port=0 --user=root --no-ping --pid-file=/run/world/pidfile \
        --dhcp-leasefile=/run/world/leases --dhcp-range=10.0.0.10,10.0.0.20,1h --dhcp-reply-delay=1 \
        --dhcp-option=option:dns-server,10.9.9.9'
";

/// Writes all that into a machine.
pub(crate) fn add(machine: &Machine, crowd: bool) {
    machine.text("etc/network/interfaces", INTERFACES, 0o644);
    machine.text("etc/dhcp/dhclient-enter-hooks.d/names", RESOLVER, 0o644);
    machine.text("usr/sbin/before-rcS", WORLD, 0o755);
    // Its own name it knows, as an installed machine does.
    machine.text("etc/hosts", "127.0.0.1 localhost\n127.0.1.1 boots.example.com boots\n", 0o644);
    // exim is told so, too, else it would ask for its own name, three times.
    let exim = "etc/exim4/update-exim4.conf.conf";
    let asking = machine.read(exim);
    assert!(asking.contains("dc_minimaldns='false'"), "{asking}");
    machine.text(exim, &asking.replace("dc_minimaldns='false'", "dc_minimaldns='true'"), 0o644);
    // Else those who ask before it is up wait for one second, and all others for five.
    let caching = machine.read("etc/nscd.conf");
    let kept = caching.lines().filter(|line| !(line.contains("enable-cache") && line.contains("hosts")));
    let lines: Vec<&str> = kept.chain(["enable-cache hosts no", ""]).collect();
    machine.text("etc/nscd.conf", &lines.join("\n"), 0o644);
    for (name, level, header, body) in services(crowd) {
        machine.script(&name, level, header, body);
    }
}

/// The name server as it was told, and the patience of who asks it.
const RESOLVER: &str = "make_resolv_conf() {
    printf 'nameserver %s\\noptions timeout:1 attempts:1\\n' \"$new_domain_name_servers\" > /etc/resolv.conf
}
";

/// Lets startpar know of the services.
pub(crate) fn enable(boot: &Boot, crowd: bool) {
    for (name, ..) in services(crowd) {
        boot.run(&["update-rc.d", &name, "defaults"]);
    }
}
