//! The log of the service: a stamped line for each thing done, and what stap and staprun said, unstamped.
//!
//! A log that cannot be written is no reason not to load a probe: it is said once, and the work goes on. Times are
//! in UTC: a boot has no zone files yet.

use nix::syslog::{Facility, LogFlags, Priority, Severity, openlog, syslog};
use nix::time::{ClockId, clock_gettime};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Most that is read of what a program said, from its end: reasons stand there.
const MOST_READ: u64 = 256 * 1024;

/// The log file.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// The log at a path; it is made when the first line is written.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it at its end. A link is not followed, and nobody is waited for.
    pub fn open(&self) -> io::Result<File> {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o640)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK)
            .open(&self.path)
    }

    /// Writes a line for each line of a text.
    pub fn write(&self, text: &str) {
        let stamp = stamp();
        let mut lines = String::new();
        for line in text.lines() {
            lines += &format!("{stamp}: {}\n", crate::text::harmless(line.as_bytes()));
        }
        let _ = self.open().and_then(|mut file| file.write_all(lines.as_bytes()));
    }

    /// Writes a line, and tells syslog.
    pub fn announce(&self, severity: Severity, text: &str) {
        self.write(text);
        let _ = openlog(Some(c"systemtap-service"), LogFlags::empty(), Facility::LOG_DAEMON);
        let _ =
            syslog(Priority::new(severity, Facility::LOG_DAEMON), &*crate::text::harmless(text.as_bytes()));
    }

    /// How long it is now.
    pub fn length(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |meta| meta.len())
    }

    /// What was written behind a length.
    pub fn since(&self, length: u64) -> String {
        File::open(&self.path).and_then(|file| rest(file, length)).unwrap_or_default()
    }

    /// Appends a file as it is, and returns its text.
    pub fn take_in(&self, path: &Path) -> String {
        let copied = File::open(path).and_then(|mut file| io::copy(&mut file, &mut self.open()?));
        drop(copied);
        File::open(path).and_then(|file| rest(file, 0)).unwrap_or_default()
    }
}

fn rest(mut file: File, from: u64) -> io::Result<String> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(MOST_READ))))?;
    let mut bytes = Vec::new();
    file.take(MOST_READ).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The line of what programs said that tells why one failed: an error, of several the one that has `name` in it, where
/// more than one program may have spoken; else the last line.
pub fn reason(said: &str, name: Option<&str>) -> Option<String> {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let errors = || lines().filter(|line| line.to_ascii_lowercase().contains("error:"));
    let found = errors()
        .find(|line| name.is_some_and(|name| line.contains(name)))
        .or_else(|| errors().next())
        .or_else(|| lines().next_back())?;
    Some(crate::text::harmless(found.trim_start_matches("ERROR: ").as_bytes()).into_owned())
}

/// `Mon DD HH:MM:SS`, as `date '+%b %e %T'` writes it.
fn stamp() -> String {
    let seconds = clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, |time| time.tv_sec().max(0));
    let (month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let name = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).unwrap_or(&MONTHS[0]);
    format!("{name} {day:>2} {hour:02}:{minute:02}:{second:02}")
}

/// Month and day, both from 1, of a day counted from 1 January 1970 (Howard Hinnant, "chrono-Compatible Low-Level
/// Date Algorithms", `civil_from_days`; years begin in March there, so that the leap day comes last).
fn date(days: i64) -> (i64, i64) {
    let of_era = (days + 719_468).rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march_based = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_based + 2) / 5 + 1;
    (if march_based < 10 { march_based + 3 } else { march_based - 9 }, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (days, expected) in
            [(0, (1, 1)), (58, (2, 28)), (59, (3, 1)), (789, (2, 29)), (790, (3, 1)), (20_778, (11, 21))]
        {
            assert_eq!(date(days), expected, "{days}");
        }
    }

    #[test]
    fn reasons_are_found_in_what_programs_say() {
        let staprun = "Disconnecting from x\nERROR: Couldn't insert module 'a.ko'\nERROR: b failed\n";
        assert_eq!(reason(staprun, Some("b")).unwrap(), "b failed");
        assert_eq!(reason(staprun, Some("zzz")).unwrap(), "Couldn't insert module 'a.ko'");
        let stap = "semantic error: no probes found\nPass 2: analysis failed.  [man error::pass2]\n";
        assert_eq!(reason(stap, None).unwrap(), "semantic error: no probes found");
        let compiler = "In file included from one_src.c:9:\nx.c:3:1: error: incompatible pointer type\n\
                        make[1]: *** [scripts/Makefile.build:255: one_src.o] Error 1\n\
                        WARNING: kbuild exited with status: 2\nPass 4: compilation failed.\n";
        assert_eq!(reason(compiler, None).unwrap(), "x.c:3:1: error: incompatible pointer type");
        assert_eq!(reason("just this\n\n", None).unwrap(), "just this");
        assert_eq!(reason("", None), None);
    }

    #[test]
    fn lines_are_stamped_and_texts_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::new(&dir.path().join("log"));
        journal.write("one\ntwo\x1b[2J");
        let before = journal.length();
        std::fs::write(dir.path().join("said"), "raw\n").unwrap();
        assert_eq!(journal.take_in(&dir.path().join("said")), "raw\n");
        let text = std::fs::read_to_string(journal.path()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0].len(), "Nov 21 11:22:33: one".len());
        assert!(lines[1].ends_with(": two\\x1b[2J") && lines[2] == "raw", "{text}");
        assert_eq!(journal.since(before), "raw\n");
    }
}
