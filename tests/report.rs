//! The console as the operator sees it: plain lines, and a live display on a real pseudo terminal.

use crate::support::screen::Screen;
use nix::pty::{OpenptyResult, openpty};
use rustix::termios::tcsetwinsize;
use serel::model::{IdVec, JobId, Phase, ServiceId, Strength};
use serel::plan::{Job, Manner, Need, Plan};
use serel::report::Roster;
use serel::report::console::{self, Color, Live, Look, Plain, Size};
use serel::wavefront::{Nanos, Observer, Outcome, Record, Usage};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};

const SECOND: Nanos = 1_000_000_000;
const PLAIN: Look = Look { colour: false, quiet: false };

/// Jobs by name, with the index of the one that each needs.
fn plan(jobs: &[(&str, Option<u32>)]) -> Plan {
    let mut plan = Plan::new(Phase::Start, true);
    for (name, need) in jobs {
        let own = plan.services.push(name);
        let need = need.map(|needed| Need { service: ServiceId(needed), strength: Strength::Need });
        plan.add(Job {
            name,
            script: &format!("/etc/init.d/{name}"),
            manner: Manner::default(),
            provides: &[own],
            needs: need.as_slice(),
        });
    }
    plan
}

fn roster(names: &[&str], seconds: &[u64]) -> Roster {
    let jobs: Vec<(&str, Option<u32>)> = names.iter().map(|name| (*name, None)).collect();
    let expected: IdVec<JobId, Option<u64>> = seconds.iter().map(|s| Some(s * 1_000_000)).collect();
    Roster::new(&plan(&jobs), &expected)
}

fn record(job: u32, start: Option<Nanos>, end: Nanos, outcome: Outcome) -> Record {
    Record { job: JobId(job), ready: start, start, available: None, end, outcome, usage: Usage::default() }
}

/// A writer that can be read while somebody else owns it; each write is kept apart.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<String>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn writes(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
    fn text(&self) -> String {
        self.writes().concat()
    }
}

/// What a plain console writes for a script of calls.
fn plain(names: &[&str], look: Look, script: impl FnOnce(&mut dyn Observer)) -> Shared {
    let out = Shared::default();
    script(&mut Plain::new(out.clone(), roster(names, &[]), look));
    out
}

#[test]
fn plain_lines_in_the_order_of_completion_with_reasons() {
    let names = ["cron", "db", "app", "web", "net", "late", "gone", "apt", "crash"];
    let out = plain(&names, PLAIN, |on| {
        let end = |ms: u64| SECOND + ms * 1_000_000;
        let mut ended = |job, start: Option<u64>, at: u64, outcome| {
            on.ended(&record(job, start.map(end), end(at), outcome));
        };
        ended(1, Some(0), 300, Outcome::Failed(3));
        ended(2, None, 300, Outcome::DependencyFailed(JobId(1)));
        ended(3, None, 300, Outcome::DependencyFailed(JobId(2)));
        ended(0, Some(0), 1120, Outcome::Done);
        ended(4, Some(0), 30_010, Outcome::TimedOut);
        ended(5, None, 30_010, Outcome::Cancelled);
        ended(6, None, 30_010, Outcome::NotStarted(2));
        ended(7, Some(0), 10, Outcome::NotInstalled);
        ended(8, Some(0), 83_000, Outcome::Signalled(11));
    });
    assert_eq!(
        out.text(),
        " FAILED db                     0.30s  exit status 3\n \
          DEPEND app                        -  skipped: needs db, which failed\n \
          DEPEND web                        -  skipped: needs db, which failed (db -> app -> this)\n \
          OK     cron                   1.12s\n \
          TIME   net                   30.01s  timed out after 30s\n \
          CANCEL late                       -  not started: the run was interrupted\n \
          FAILED gone                       -  not started: no such script, or no such interpreter as its first line names\n \
          SKIP   apt                    0.01s  not installed (exit status 5)\n \
          FAILED crash                  1m23s  killed by SIGSEGV\n"
    );
}

#[test]
fn output_comes_as_one_block_per_job() {
    let script = |on: &mut dyn Observer| {
        on.output(JobId(0), b"one", 1);
        on.output(JobId(1), b"uno", 2);
        on.output(JobId(0), b"\x1b[31mtwo\x1b[0m\r", 3);
        on.output(JobId(1), b"dos \x1b[2J\x07 \xff", 4);
        on.output(JobId(7), b"nobody wrote this", 4);
        on.ended(&record(1, Some(0), SECOND, Outcome::Failed(1)));
        on.ended(&record(0, Some(0), SECOND, Outcome::Done));
    };
    let out = plain(&["a", "b"], PLAIN, script);
    assert_eq!(
        out.writes(),
        [
            " FAILED b                      1.00s  exit status 1\n  b: uno\n  b: dos \\x1b[2J\\x07 \\xff\n",
            " OK     a                      1.00s\n  a: one\n  a: two\n",
        ]
    );
    let quiet = plain(&["a", "b"], Look { quiet: true, ..PLAIN }, script).text();
    assert!(quiet.contains("  b: uno\n") && !quiet.contains("  a: "), "{quiet}");
}

#[test]
fn of_a_flood_the_end_is_shown_and_the_rest_counted() {
    let out = plain(&["loud"], PLAIN, |on| {
        on.output(JobId(0), &vec![b'x'; 1 << 20], 0);
        for i in 0..100_000 {
            on.output(JobId(0), format!("line {i}").as_bytes(), 0);
        }
        on.output(JobId(0), &vec![b'y'; 1 << 20], 0);
        on.ended(&record(0, Some(0), 1, Outcome::Done));
    })
    .text();
    assert!(out.len() < 128 * 1024, "{}", out.len());
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[1].starts_with("  loud: (") && lines[1].ends_with(" earlier lines left out)"),
        "{}",
        lines[1]
    );
    let left_out: usize = lines[1].split(['(', ' ']).find_map(|word| word.parse().ok()).unwrap();
    assert_eq!(left_out + lines.len() - 2, 100_002);
    assert!(lines[lines.len() - 2].ends_with("line 99999"));
    assert!(lines[lines.len() - 1].ends_with("yyy..."));
}

#[test]
fn while_a_job_has_the_console_lines_wait_and_warnings_do_not() {
    let out = plain(&["ask", "b"], PLAIN, |on| {
        on.started(JobId(1), 0, false);
        on.started(JobId(0), 0, true);
        on.ended(&record(1, Some(0), SECOND, Outcome::Done));
        on.say("waiting\x07 for ask");
        on.ended(&record(0, Some(0), SECOND, Outcome::Done));
    });
    assert_eq!(
        out.text(),
        "waiting\\x07 for ask\n OK     b                      1.00s\n OK     ask                    1.00s\n"
    );
}

#[test]
fn colour_is_on_the_word_alone() {
    let out = plain(&["a"], Look { colour: true, quiet: false }, |on| {
        on.ended(&record(0, Some(0), SECOND, Outcome::Failed(1)));
    });
    assert_eq!(out.text(), " \x1b[31mFAILED\x1b[0m a                      1.00s  exit status 1\n");
}

/// A console that takes one byte at a time, and at last none.
struct Slow {
    left: usize,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::from_raw_os_error(nix::libc::ENOSPC));
        }
        self.left -= 1;
        self.taken.lock().unwrap().push(bytes[0]);
        Ok(1)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_console_that_fails_is_left_alone_and_the_run_goes_on() {
    let taken = Arc::new(Mutex::new(Vec::new()));
    for live in [false, true] {
        taken.lock().unwrap().clear();
        let out = Slow { left: 10, taken: taken.clone() };
        let names = roster(&["a", "b"], &[]);
        let mut on: Box<dyn Observer> = if live {
            Box::new(Live::new(out, names, PLAIN, || Size { rows: 5, columns: 20 }))
        } else {
            Box::new(Plain::new(out, names, PLAIN))
        };
        on.started(JobId(0), 0, false);
        on.ended(&record(0, Some(0), 100 * SECOND, Outcome::Done));
        on.say("hello");
        on.tick(200 * SECOND);
        on.ended(&record(1, None, 300 * SECOND, Outcome::Cancelled));
        drop(on);
        assert_eq!(taken.lock().unwrap().len(), 10, "live: {live}");
    }
}

#[test]
fn live_draws_in_single_writes_and_not_too_often() {
    let out = Shared::default();
    let names: Vec<String> = (0..50).map(|i| format!("job{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut on = Live::new(out.clone(), roster(&names, &[]), PLAIN, || Size { rows: 24, columns: 80 });
    (0..50).for_each(|job| on.started(JobId(job), SECOND + u64::from(job), false));
    assert_eq!(out.writes().len(), 1, "a burst of starts is one drawing");
    on.tick(200 * SECOND);
    on.tick(200 * SECOND);
    assert_eq!(out.writes().len(), 2);
    assert!(out.writes()[1].starts_with("\r\x1b["), "{:?}", out.writes()[1]);
    assert!(on.wants_ticks());
}

/// Both ends of a pseudo terminal, and what stands on its screen.
struct Terminal {
    master: File,
    slave: Option<OwnedFd>,
    screen: Screen,
}

impl Terminal {
    fn new(rows: u16, columns: u16) -> Self {
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        tcsetwinsize(&master, size(rows, columns)).unwrap();
        Self {
            master: File::from(master),
            slave: Some(slave),
            screen: Screen::new(rows.into(), columns.into()),
        }
    }

    /// A live display on it that asks the terminal itself for its size.
    fn live(&self, roster: Roster) -> Live<File> {
        let slave = self.slave.as_ref().unwrap();
        let asked = slave.try_clone().unwrap();
        let size = move || {
            let now = rustix::termios::tcgetwinsize(&asked).unwrap();
            Size { rows: now.ws_row, columns: now.ws_col }
        };
        Live::new(File::from(slave.try_clone().unwrap()), roster, PLAIN, size)
    }

    fn resize(&mut self, rows: u16, columns: u16) {
        self.catch_up();
        tcsetwinsize(&self.master, size(rows, columns)).unwrap();
        self.screen.resize(rows.into(), columns.into());
    }

    /// Writes on the terminal as a job does that has it.
    fn write(&mut self, text: &str) {
        rustix::io::write(self.slave.as_ref().unwrap(), text.as_bytes()).unwrap();
    }

    /// Reads all that was written up to now: up to a mark written behind it.
    fn catch_up(&mut self) {
        self.write("\x05");
        let mut bytes = Vec::new();
        while bytes.last() != Some(&5) {
            let mut more = [0; 4096];
            let count = self.master.read(&mut more).unwrap();
            bytes.extend_from_slice(&more[..count]);
        }
        bytes.pop();
        self.screen.feed(&bytes);
    }

    fn shown(&mut self) -> Vec<String> {
        self.catch_up();
        self.screen.shown()
    }
}

fn size(rows: u16, columns: u16) -> rustix::termios::Winsize {
    rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

#[test]
fn live_lines_scroll_above_the_region_and_it_vanishes_at_the_end() {
    let mut terminal = Terminal::new(10, 60);
    terminal.write("login text\r\n");
    let mut on = terminal.live(roster(&["cron", "db"], &[4, 200]));
    on.started(JobId(0), 100 * SECOND, false);
    on.started(JobId(1), 101 * SECOND, false);
    on.tick(200 * SECOND);
    assert_eq!(
        terminal.shown(),
        [
            "login text",
            " run    cron                   1m40s of about 4.0s",
            " run    db                     1m39s of about 3m20s",
            " 0/2 done, 2 running, about 1m41s left",
        ]
    );
    on.output(JobId(0), b"hello", 250 * SECOND);
    on.ended(&record(0, Some(100 * SECOND), 300 * SECOND, Outcome::Done));
    assert_eq!(
        terminal.shown(),
        [
            "login text",
            " OK     cron                   3m20s",
            "  cron: hello",
            " run    db                     3m19s of about 3m20s",
            " 1/2 done, 1 running, about 1.0s left",
        ]
    );
    on.ended(&record(1, Some(101 * SECOND), 400 * SECOND, Outcome::Failed(1)));
    let end = [
        "login text",
        " OK     cron                   3m20s",
        "  cron: hello",
        " FAILED db                     4m59s  exit status 1",
    ];
    assert_eq!(terminal.shown(), end);
    drop(on);
    assert_eq!(terminal.shown(), end);
    assert_eq!(terminal.screen.cursor(), (4, 0));
}

#[test]
fn an_unfinished_region_is_erased_when_the_display_goes_away() {
    let mut terminal = Terminal::new(10, 60);
    let mut on = terminal.live(roster(&["a", "b"], &[]));
    on.started(JobId(0), SECOND, false);
    on.tick(100 * SECOND);
    on.ended(&record(0, Some(SECOND), 100 * SECOND, Outcome::Done));
    drop(on);
    assert_eq!(terminal.shown(), [" OK     a                      1m39s"]);
    assert_eq!(terminal.screen.cursor(), (1, 0));
}

#[test]
fn a_narrow_and_low_terminal_holds_the_region() {
    let mut terminal = Terminal::new(5, 20);
    let mut on =
        terminal.live(roster(&["a", "b", "c", "d", "\u{65e5}\u{672c}\u{65e5}\u{672c}\u{65e5}\u{672c}"], &[]));
    (0..5).for_each(|job| on.started(JobId(job), u64::from(job), false));
    on.tick(100 * SECOND);
    let shown = terminal.shown();
    assert_eq!(shown, [" run    a", " run    b", "        and 3 more", " 0/5 done, 5 runnin"]);
    (0..3)
        .for_each(|job| on.ended(&record(job, Some(0), (2 + u64::from(job)) * 100 * SECOND, Outcome::Done)));
    let all = {
        terminal.catch_up();
        terminal.screen.all()
    };
    // Finished lines wrap as any text does; the region below them does not.
    assert_eq!(all.iter().filter(|row| row.starts_with(" OK     ")).count(), 3, "{all:#?}");
    assert_eq!(all.iter().filter(|row| row.starts_with(" 3/5 done, 2 runnin")).count(), 1, "{all:#?}");
    assert_eq!(all.iter().filter(|row| row.starts_with(" run ")).count(), 2, "{all:#?}");
}

#[test]
fn a_change_of_size_is_followed_at_the_next_drawing() {
    let mut terminal = Terminal::new(10, 60);
    let mut on = terminal.live(roster(&["a", "b", "c"], &[]));
    (0..3).for_each(|job| on.started(JobId(job), u64::from(job), false));
    on.tick(100 * SECOND);
    assert_eq!(terminal.shown().len(), 4);
    terminal.resize(10, 12);
    on.tick(200 * SECOND);
    assert_eq!(terminal.shown(), [" run    a", " run    b", " run    c", " 0/3 done,"]);
    terminal.resize(3, 40);
    on.tick(300 * SECOND);
    assert_eq!(terminal.shown(), ["        and 3 more", " 0/3 done, 3 running"]);
    terminal.resize(1, 40);
    on.tick(400 * SECOND);
    assert_eq!(terminal.shown(), [""; 0]);
    terminal.resize(10, 40);
    on.tick(500 * SECOND);
    assert_eq!(terminal.shown().last().unwrap(), " 0/3 done, 3 running");
}

#[test]
fn a_job_that_is_alone_finds_a_clean_console_and_keeps_it() {
    let mut terminal = Terminal::new(10, 60);
    let mut on = terminal.live(roster(&["a", "ask"], &[]));
    on.started(JobId(0), SECOND, false);
    on.tick(100 * SECOND);
    on.started(JobId(1), 200 * SECOND, true);
    assert_eq!(terminal.shown(), [""; 0]);
    assert_eq!(terminal.screen.cursor(), (0, 0));
    terminal.write("Passphrase: ");
    on.tick(300 * SECOND);
    on.ended(&record(0, Some(SECOND), 400 * SECOND, Outcome::Done));
    assert_eq!(terminal.shown(), ["Passphrase:"]);
    on.say("ask has been waiting for 5 minutes");
    assert_eq!(terminal.shown(), ["Passphrase:", "ask has been waiting for 5 minutes"]);
    terminal.write("retry: ");
    on.ended(&record(1, Some(200 * SECOND), 500 * SECOND, Outcome::Done));
    assert_eq!(
        terminal.shown(),
        [
            "Passphrase:",
            "ask has been waiting for 5 minutes",
            "retry:",
            " OK     a                      6m39s",
            " OK     ask                    5m00s",
        ]
    );
}

#[test]
fn a_job_that_ends_its_last_line_leaves_no_gap() {
    let mut terminal = Terminal::new(10, 60);
    let mut on = terminal.live(roster(&["ask", "b"], &[]));
    on.started(JobId(0), SECOND, true);
    terminal.write("done\r\n");
    on.ended(&record(0, Some(SECOND), 100 * SECOND, Outcome::Done));
    let shown = terminal.shown();
    assert_eq!(shown[..2], ["done", " OK     ask                    1m39s"]);
    assert_eq!(shown[2], " 1/2 done, 0 running");
}

#[test]
fn what_must_be_said_appears_at_once_above_the_region() {
    let mut terminal = Terminal::new(10, 60);
    let mut on = terminal.live(roster(&["a"], &[]));
    on.started(JobId(0), SECOND, false);
    on.say("fell back to the given order\nbecause of a cycle");
    assert_eq!(
        terminal.shown()[..3],
        ["fell back to the given order", "because of a cycle", " run    a                       0.0s"]
    );
}

#[test]
fn a_terminal_that_hangs_up_does_not_end_the_run() {
    let mut terminal = Terminal::new(10, 60);
    let slave = terminal.slave.take().unwrap();
    let mut on = Live::new(File::from(slave), roster(&["a"], &[]), PLAIN, || Size::UNKNOWN);
    drop(terminal);
    on.started(JobId(0), SECOND, false);
    on.tick(100 * SECOND);
    on.ended(&record(0, Some(SECOND), 200 * SECOND, Outcome::Done));
}

#[test]
fn a_file_gets_plain_lines_without_colour() {
    let mut file = tempfile::tempfile().unwrap();
    let mut on = console::open(file.as_fd(), roster(&["a"], &[]), Color::Auto, false).unwrap();
    assert!(!on.wants_ticks());
    on.ended(&record(0, Some(0), SECOND, Outcome::Done));
    drop(on);
    let mut text = String::new();
    io::Seek::rewind(&mut file).unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, " OK     a                      1.00s\n");
}

#[test]
fn on_a_terminal_without_a_cursor_who_takes_long_is_named() {
    let out = Shared::default();
    let mut on = Plain::new(out.clone(), roster(&["a", "b", "asks"], &[]), PLAIN).watched();
    on.started(JobId(0), 0, false);
    on.started(JobId(1), 5 * SECOND, false);
    on.tick(9 * SECOND);
    on.tick(11 * SECOND);
    on.ended(&record(1, Some(5 * SECOND), 12 * SECOND, Outcome::Done));
    on.started(JobId(2), 12 * SECOND, true);
    on.tick(99 * SECOND);
    let text = " run    a                        11s so far\n OK     b                      7.00s\n";
    assert_eq!(out.text(), text);
}

#[test]
fn time_left_follows_the_longest_path_not_the_sum() {
    let expected: IdVec<JobId, Option<u64>> =
        vec![Some(10_000_000), Some(20_000_000), Some(5_000_000), None].into();
    let mut plan = plan(&[("a", None), ("b", None), ("c", Some(0)), ("d", Some(2))]);
    let left = |plan: &Plan, running: [Option<u64>; 4]| {
        Roster::new(plan, &expected).left(|job| running[job.0 as usize]).map(|nanos| nanos / SECOND)
    };
    assert_eq!(left(&plan, [Some(0); 4]), Some(20));
    assert_eq!(left(&plan, [Some(SECOND), Some(18 * SECOND), Some(0), Some(0)]), Some(14));
    assert_eq!(left(&plan, [None, None, Some(60 * SECOND), Some(0)]), Some(0));
    assert_eq!(left(&plan, [None, None, None, Some(0)]), None);
    plan.parallel = false;
    assert_eq!(left(&plan, [Some(0); 4]), Some(35));
}
