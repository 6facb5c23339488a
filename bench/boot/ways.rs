//! The ways to boot, side by side.

use crate::arrival;
use crate::boot::Boot;
use crate::bound::{self, Bound};
use crate::cases::Skip;
use crate::daemons::assert_all_up;
use crate::group::Group;
use crate::machine::Machine;
use crate::nspawn::Nspawn;
use crate::peers;
use crate::root::Root;
use crate::support::Times;
use crate::waits;
use std::fs;
use std::thread;

/// What the machines have to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Configuration {
    /// What is installed: the processors are the limit.
    Plain,
    /// With what real machines wait for, too: see [`waits`].
    Waits,
    /// With more that wait than startpar runs at a time.
    Crowd,
    /// As the plain one, in systemd-nspawn.
    Nspawn,
}

impl Configuration {
    /// In the order of the tables.
    pub(crate) const ALL: [Self; 4] = [Self::Plain, Self::Waits, Self::Crowd, Self::Nspawn];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Waits => "waits",
            Self::Crowd => "crowd",
            Self::Nspawn => "nspawn",
        }
    }
}

/// Who boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    /// Debian's own rc.
    Rc,
    /// The same with serel in the place of startpar.
    Serel,
    OpenRc,
    /// From runit's first script, until all that it supervises is up.
    Runit,
}

/// A way to boot.
struct Way {
    name: &'static str,
    manager: Manager,
    /// The kernel's command line.
    words: &'static str,
    /// Whether all that serel remembers is taken away before each boot.
    forget: bool,
}

/// What Debian's rc understands.
const ONE_BY_ONE: &str = "concurrency=none";

const WAYS: [Way; 6] = [
    Way { name: "one by one", manager: Manager::Rc, words: ONE_BY_ONE, forget: false },
    Way { name: "startpar", manager: Manager::Rc, words: "", forget: false },
    Way { name: "serel, first boot", manager: Manager::Serel, words: "", forget: true },
    Way { name: "serel, later boots", manager: Manager::Serel, words: "", forget: false },
    Way { name: "OpenRC, parallel", manager: Manager::OpenRc, words: "", forget: false },
    Way { name: "runit", manager: Manager::Runit, words: "", forget: false },
];

/// Those of [`WAYS`] that have the machine's own init and rc.
const OWN: usize = 4;

/// What startpar has in [`WAYS`], and serel from its second boot on.
const STARTPAR: usize = 1;
const LATER: usize = 3;

/// What is measured of each way, over all rounds; seconds.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) rc_s: Times,
    pub(crate) rc_2: Times,
    pub(crate) both: Times,
    /// From the first script until all daemons are up, where that was looked at.
    pub(crate) up: Option<Times>,
    /// Of both levels, and of each.
    pub(crate) processor: Times,
    pub(crate) processor_s: Times,
    pub(crate) processor_2: Times,
}

/// Boots all ways `rounds` times, in turn, and prints a table. Where there are no control groups, the processor time is
/// not a number.
pub(crate) fn compare(root: &Root, configuration: Configuration, rounds: usize) -> Result<(), Skip> {
    let nspawn = (configuration == Configuration::Nspawn).then(|| Nspawn::made(root)).transpose()?;
    let ways = if nspawn.is_some() { &WAYS[..OWN] } else { &WAYS };
    let machines: Vec<Machine> = ways.iter().map(|way| prepared(root, way.manager, configuration)).collect();
    let mut measured: Vec<Measured> = ways.iter().map(|_| Measured::default()).collect();
    for _ in 0..rounds {
        for ((way, machine), measured) in ways.iter().zip(&machines).zip(&mut measured) {
            measure(machine, way, nspawn.as_ref(), measured);
        }
    }
    let later = &measured[LATER];
    let bound = bound::of(&machines[LATER], [later.processor_s.median(), later.processor_2.median()]);
    let rows: Vec<(&str, Measured)> = WAYS.iter().map(|way| way.name).zip(measured).collect();
    table(&rows, &bound);
    Ok(())
}

/// A machine that has booted before, so that what is made once is there, with all its daemons.
fn prepared(root: &Root, manager: Manager, configuration: Configuration) -> Machine {
    let machine = if manager == Manager::Serel { Machine::with_serel(root) } else { Machine::new(root) };
    let crowd = configuration == Configuration::Crowd;
    let waits = crowd || configuration == Configuration::Waits;
    if waits {
        waits::add(&machine, crowd);
    }
    match manager {
        Manager::Rc | Manager::Serel => {}
        Manager::OpenRc => peers::add_openrc(&machine),
        Manager::Runit => peers::add_runit(&machine),
    }
    let mut boot = machine.boot("");
    all_up(boot.reached('2'));
    if waits {
        waits::enable(&boot, crowd);
    }
    // It was not the other manager that started what is up: it could not stop that.
    match manager {
        Manager::Rc | Manager::Serel => drop(boot.stop()),
        Manager::OpenRc => {
            peers::enable_openrc(&boot);
            boot.kill();
            let mut boot = machine.boot("");
            all_up(boot.reached('2'));
            peers::remember_openrc(&boot);
            boot.kill();
        }
        Manager::Runit => {
            peers::enable_runit(&boot);
            boot.kill();
            let mut boot = machine.boot("");
            boot.reached('2');
            arrival::all_up(boot.init());
            boot.kill();
        }
    }
    machine
}

fn all_up(boot: &Boot) {
    assert_all_up(boot).unwrap_or_else(|skip| panic!("{skip:?}"));
}

fn measure(machine: &Machine, way: &Way, nspawn: Option<&Nspawn>, measured: &mut Measured) {
    if way.forget {
        let _ = fs::remove_dir_all(machine.at("etc/serel"));
    }
    let group = Group::new();
    let seconds = || group.as_ref().map_or(f64::NAN, Group::seconds);
    let mut boot = match nspawn {
        Some(nspawn) => {
            let group = group.as_ref().expect("a group, as when systemd-nspawn was made ready");
            nspawn.boot(machine, group, way.words == ONE_BY_ONE)
        }
        None => machine.boot_in(group.as_ref().map(Group::path), way.words),
    };
    boot.says("@@ begin S ");
    let before = seconds();
    boot.says("@@ end S ");
    let between = seconds();
    let init = boot.init();
    let (up, after) = thread::scope(|scope| {
        let up = scope.spawn(move || arrival::all_up(init));
        boot.reached('2');
        let after = seconds();
        let up = up.join().expect("all daemons come up");
        (up, if way.manager == Manager::Runit { seconds() } else { after })
    });
    measured.processor.add(after - before);
    measured.processor_s.add(between - before);
    measured.processor_2.add(after - between);
    let time = |mark| boot.time_of(mark);
    // What runit supervises has no script that ends.
    let end = if way.manager == Manager::Runit { up.max(time("end 2")) } else { time("end 2") };
    measured.rc_s.add(time("end S") - time("begin S"));
    measured.rc_2.add(end - time("begin 2"));
    measured.both.add(end - time("begin S"));
    measured.up.get_or_insert_default().add(up - time("begin S"));
    boot.kill();
}

/// Prints what was measured of each way. Where startpar is not one of them, the ratio to it is not a number.
pub(crate) fn table(rows: &[(&str, Measured)], bound: &Bound) {
    let startpar = rows.iter().find(|(name, _)| *name == WAYS[STARTPAR].name);
    let startpar = startpar.map_or(f64::NAN, |(_, times)| times.both.median());
    println!("| | median | least | rcS | rc 2 | all up | of startpar | of the bound | processor time |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (name, times) in rows {
        let both = times.both.median();
        let up = times.up.as_ref().map_or("-".to_owned(), |up| format!("{:.3}", up.median()));
        println!(
            "| {name} | {both:.3} s | {:.3} | {:.3} | {:.3} | {up} | {:.2} | {:.2} | {:.2} s |",
            times.both.at(0),
            times.rc_s.median(),
            times.rc_2.median(),
            both / startpar,
            both / bound.seconds(),
            times.processor.median(),
        );
    }
    println!("\n{bound}");
}
