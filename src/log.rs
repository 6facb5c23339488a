//! Logging: to stderr, to a file or to syslog, always a line per message.
//!
//! The messages themselves go through the `log` crate's macros. `env_logger` writes to stderr and files, without its
//! environment variable and its colours: a boot log has one form. A message may quote a hostile name, so its control
//! characters are shown, not obeyed, and what follows its first line is indented: no message can look like another.

use crate::text;
use ::log::{Level, LevelFilter, Log, Metadata, Record};
use env_logger::{Builder, Target as Stream};
use nix::syslog::{Facility, LogFlags, Priority, Severity, openlog, syslog};
use nix::time::{ClockId, clock_gettime};
use std::ffi::CString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Where messages go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Target {
    /// Standard error.
    #[default]
    Stderr,
    /// A file, or a device such as `/dev/kmsg`.
    File {
        /// Its path, taken as it is.
        path: PathBuf,
        /// Whether to begin with an empty file.
        truncate: bool,
    },
    /// syslog, under this facility.
    Syslog(Facility),
}

/// What is logged, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Messages above this level are not written.
    pub level: LevelFilter,
    /// Where to.
    pub target: Target,
}

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file could not be opened.
    #[error("cannot open the log file {}: {source}", path.display())]
    Open {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The path names something that is not written to like a log.
    #[error("cannot log to {}: it is neither a file nor a character device", path.display())]
    Kind {
        /// Its path.
        path: PathBuf,
    },
    /// A name like `LOG_XXXX` that syslog does not have.
    #[error(
        "unknown syslog facility {name}: use LOG_DAEMON, LOG_USER, LOG_LOCAL0 to LOG_LOCAL7, ..; for a file write ./{name}"
    )]
    Facility {
        /// The name.
        name: String,
    },
    /// It was called twice.
    #[error("logging has begun already")]
    Twice,
}

/// Facilities by the names of `syslog.h` that nix knows; `LOG_KERN` is not for programs.
const FACILITIES: [(&str, Facility); 16] = [
    ("LOG_AUTH", Facility::LOG_AUTH),
    ("LOG_DAEMON", Facility::LOG_DAEMON),
    ("LOG_LOCAL0", Facility::LOG_LOCAL0),
    ("LOG_LOCAL1", Facility::LOG_LOCAL1),
    ("LOG_LOCAL2", Facility::LOG_LOCAL2),
    ("LOG_LOCAL3", Facility::LOG_LOCAL3),
    ("LOG_LOCAL4", Facility::LOG_LOCAL4),
    ("LOG_LOCAL5", Facility::LOG_LOCAL5),
    ("LOG_LOCAL6", Facility::LOG_LOCAL6),
    ("LOG_LOCAL7", Facility::LOG_LOCAL7),
    ("LOG_LPR", Facility::LOG_LPR),
    ("LOG_MAIL", Facility::LOG_MAIL),
    ("LOG_NEWS", Facility::LOG_NEWS),
    ("LOG_SYSLOG", Facility::LOG_SYSLOG),
    ("LOG_USER", Facility::LOG_USER),
    ("LOG_UUCP", Facility::LOG_UUCP),
];

impl Target {
    /// Reads `FILE` or `LOG_XXXX`. Errors on a facility that does not exist.
    pub fn parse(text: &Path, truncate: bool) -> Result<Self, LogError> {
        match text.to_str().filter(|name| name.starts_with("LOG_")) {
            None => Ok(Target::File { path: text.to_owned(), truncate }),
            Some(name) => FACILITIES
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, facility)| Target::Syslog(*facility))
                .ok_or_else(|| LogError::Facility { name: name.to_owned() }),
        }
    }
}

/// The level of `--debuglevel NUM`: 0 nothing, 1 errors and warnings, 2 information, 3 debugging, more: all there is.
pub fn level(number: u8) -> LevelFilter {
    match number {
        0 => LevelFilter::Off,
        1 => LevelFilter::Warn,
        2 => LevelFilter::Info,
        3 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    }
}

/// Begins logging for the whole program, once. Lines read `program: level: text`.
pub fn init(settings: &Settings, program: &'static str) -> Result<(), LogError> {
    // Before the file is opened, which may empty it.
    if BEGUN.load(Ordering::Relaxed) {
        return Err(LogError::Twice);
    }
    let logger = open(settings, program)?;
    ::log::set_boxed_logger(logger).map_err(|_| LogError::Twice)?;
    BEGUN.store(true, Ordering::Relaxed);
    ::log::set_max_level(settings.level);
    Ok(())
}

fn open(settings: &Settings, program: &'static str) -> Result<Box<dyn Log>, LogError> {
    let (stream, stamped): (Stream, fn() -> String) = match &settings.target {
        Target::Syslog(facility) => return Ok(Box::new(Syslog::open(settings.level, *facility, program))),
        Target::Stderr => (Stream::Stderr, String::new),
        Target::File { path, truncate } => {
            (Stream::Pipe(Box::new(LogFile::open(path, *truncate)?)), || format!("{} ", stamp()))
        }
    };
    let logger = Builder::new()
        .filter_level(settings.level)
        .target(stream)
        .write_style(env_logger::WriteStyle::Never)
        .format(move |out, record| {
            io::Write::write_all(out, (stamped() + &message(program, record)).as_bytes())
        })
        .build();
    Ok(Box::new(logger))
}

/// Whether there is a log.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// How often the log was to be opened anew.
static REOPENED: AtomicU32 = AtomicU32::new(0);

/// Opens the log file anew before the next message, because it was moved away; other logs stay as they are.
pub fn reopen() {
    REOPENED.fetch_add(1, Ordering::Relaxed);
}

/// A log file that can be opened anew.
struct LogFile {
    path: PathBuf,
    file: File,
    opened: u32,
}

impl LogFile {
    fn open(path: &Path, truncate: bool) -> Result<Self, LogError> {
        let file = open_file(path, truncate)?;
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self { path, file, opened: REOPENED.load(Ordering::Relaxed) })
    }
}

impl io::Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let wanted = REOPENED.load(Ordering::Relaxed);
        if self.opened != wanted {
            self.opened = wanted;
            // Where there is no new one, the old one is better than none.
            self.file = open_file(&self.path, false).unwrap_or(self.file.try_clone()?);
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens a log file, creates it if need be. A link is not followed, a reader of a pipe not waited for.
fn open_file(path: &Path, truncate: bool) -> Result<File, LogError> {
    let failed = |source| LogError::Open { path: path.to_owned(), source };
    // std sets O_CLOEXEC and refuses to truncate what it appends to, so that is done by length below.
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK)
        .open(path)
        .map_err(failed)?;
    let kind = file.metadata().map_err(failed)?.file_type();
    if !kind.is_file() && !kind.is_char_device() {
        return Err(LogError::Kind { path: path.to_owned() });
    }
    if truncate && kind.is_file() {
        file.set_len(0).map_err(failed)?;
    }
    Ok(file)
}

/// Writes a line to standard error, whatever the log is. Never fails and never panics, as `eprintln!` does when a
/// console has hung up or a disk is full: a boot must not end for the sake of a message.
pub fn say(text: impl fmt::Display) {
    let text = text.to_string();
    let mut said = String::with_capacity(text.len() + 1);
    for line in text.lines() {
        said.push_str(&text::harmless(line.as_bytes()));
        said.push('\n');
    }
    let _ = io::stderr().lock().write_all(said.as_bytes());
}

/// The time since the machine was started, as in the kernel's log: the wall clock of a boot is not to be trusted.
fn stamp() -> String {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_or_else(|_| "[?]".to_owned(), |t| format!("[{:5}.{:06}]", t.tv_sec(), t.tv_nsec() / 1000))
}

fn message(program: &str, record: &Record) -> String {
    format!("{program}: {}: {}\n", word(record.level()), body(record))
}

/// The text of a message; control characters made harmless, lines after the first indented.
fn body(record: &Record) -> String {
    let text = record.args().to_string();
    let lines: Vec<_> = text.lines().map(|line| text::harmless(line.as_bytes())).collect();
    lines.join("\n    ")
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

/// Messages for syslog(3); while no syslog daemon answers, the C library writes them to the console.
struct Syslog {
    level: LevelFilter,
    facility: Facility,
}

impl Syslog {
    fn open(level: LevelFilter, facility: Facility, program: &str) -> Self {
        // openlog(3) keeps the pointer; there is one logger in a program's life, so nothing is lost by leaking it.
        let ident = CString::new(program).ok().map(|name| &*Box::leak(name.into_boxed_c_str()));
        // Without a name the messages are still delivered, under that of the executable.
        let _ = openlog(ident, LogFlags::LOG_PID | LogFlags::LOG_CONS, facility);
        Self { level, facility }
    }
}

impl Log for Syslog {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= self.level
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let severity = match record.level() {
            Level::Error => Severity::LOG_ERR,
            Level::Warn => Severity::LOG_WARNING,
            Level::Info => Severity::LOG_INFO,
            Level::Debug | Level::Trace => Severity::LOG_DEBUG,
        };
        // There is nowhere to report that reporting failed.
        let _ = syslog(Priority::new(severity, self.facility), &body(record));
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn say(logger: &dyn Log, level: Level, text: &str) {
        logger.log(&Record::builder().level(level).target("serel").args(format_args!("{text}")).build());
    }

    fn into_file(path: &Path, truncate: bool, level: LevelFilter) -> Result<Box<dyn Log>, LogError> {
        open(&Settings { level, target: Target::parse(path, truncate).unwrap() }, "serelrc")
    }

    /// The lines of a log without their time stamps.
    fn lines(path: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap();
        let unstamped = |line: &str| match line.strip_prefix('[') {
            Some(rest) => rest.split_once("] ").expect("a stamp").1.to_owned(),
            None => line.to_owned(),
        };
        text.lines().map(unstamped).collect()
    }

    #[test]
    fn a_file_is_appended_to_or_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        say(&*into_file(&path, false, LevelFilter::Warn).unwrap(), Level::Error, "one");
        say(&*into_file(&path, false, LevelFilter::Warn).unwrap(), Level::Warn, "two");
        say(&*into_file(&path, false, LevelFilter::Warn).unwrap(), Level::Info, "not shown");
        assert_eq!(lines(&path), ["serelrc: error: one", "serelrc: warning: two"]);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0);
        say(&*into_file(&path, true, LevelFilter::Trace).unwrap(), Level::Trace, "three");
        assert_eq!(lines(&path), ["serelrc: trace: three"]);
    }

    #[test]
    fn no_message_can_look_like_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let logger = into_file(&path, false, LevelFilter::Warn).unwrap();
        say(&*logger, Level::Warn, "bad\r name\x1b[2J\nserelrc: error: forged");
        assert_eq!(lines(&path), ["serelrc: warning: bad\\x0d name\\x1b[2J", "    serelrc: error: forged"]);
    }

    #[test]
    fn a_link_a_pipe_and_a_directory_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("target", &link).unwrap();
        let error = |path: &Path| into_file(path, false, LevelFilter::Warn).err().unwrap().to_string();
        assert!(error(&link).starts_with("cannot open the log file"), "{}", error(&link));
        assert!(!dir.path().join("target").exists());
        assert!(error(dir.path()).ends_with("Is a directory (os error 21)"), "{}", error(dir.path()));
        let pipe = dir.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(error(&pipe).starts_with("cannot open the log file"), "{}", error(&pipe));
        let _reader = std::fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        assert!(error(&pipe).contains("neither a file nor a character device"), "{}", error(&pipe));
    }

    #[test]
    fn facilities_go_by_name() {
        let parse = |text: &str| Target::parse(Path::new(text), false);
        assert_eq!(parse("LOG_LOCAL3").unwrap(), Target::Syslog(Facility::LOG_LOCAL3));
        assert_eq!(parse("LOG_DAEMON").unwrap(), Target::Syslog(Facility::LOG_DAEMON));
        assert!(matches!(parse("./LOG_DAEMON").unwrap(), Target::File { .. }));
        let error = parse("LOG_NOTHING").unwrap_err().to_string();
        assert!(error.contains("LOG_NOTHING") && error.contains("./LOG_NOTHING"), "{error}");
    }
}
