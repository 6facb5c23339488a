//! The options that every serel program has, as the serelhistory manual documents them: `-d`, `-l`, `-a`, `-t`, `-v`.
//!
//! `-v` is the version here and never "verbose". A program flattens [`General`] into its own arguments and reads its
//! command line with [`parse`], so that usage errors get the program's own exit code.

use crate::log::{LogError, Settings, Target, init, level};
use crate::report::console::Color;
use clap::builder::PossibleValue;
use clap::{ArgAction, Args, Parser, ValueEnum};
use log::LevelFilter;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Switches debugging on for all programs of a boot when it is `on`.
const DEBUG_VARIABLE: &str = "SEREL_DEBUG";

// What one flattens with `#[command(flatten)]`. A doc comment here would replace each program's own help text.
#[expect(missing_docs, reason = "clap would take it for the help text of every program")]
#[derive(Debug, Clone, Args)]
#[command(
    version,
    disable_version_flag = true,
    propagate_version = true,
    next_help_heading = "General options"
)]
pub struct General {
    /// What is logged: 0 nothing, 1 warnings and errors, 2 information, 3 debugging, 4 everything
    #[arg(short, long, global = true, value_name = "NUM", default_value_t = 1)]
    pub debuglevel: u8,

    /// Log to a file, or to a facility of syslog, instead of standard error
    #[arg(short, long, global = true, value_name = "FILE|LOG_XXXX")]
    pub log: Option<PathBuf>,

    /// Append to the log file (default)
    #[arg(short = 'a', long, global = true, overrides_with = "log_truncate")]
    pub log_append: bool,

    /// Empty the log file first
    #[arg(short = 't', long, global = true, overrides_with = "log_append")]
    pub log_truncate: bool,

    /// When to use colour; auto: on a terminal, unless the environment refuses it
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,

    /// Print the version number and exit
    #[arg(short, long, global = true, action = ArgAction::Version)]
    version: Option<bool>,
}

impl Default for General {
    /// As on a command line that says nothing of it.
    fn default() -> Self {
        let color = Color::Auto;
        Self { debuglevel: 1, log: None, log_append: false, log_truncate: false, color, version: None }
    }
}

impl General {
    /// Begins logging as asked for. Errors: a file that cannot be opened, a facility that does not exist.
    pub fn init_log(&self, program: &'static str) -> Result<(), LogError> {
        let debug = std::env::var_os(DEBUG_VARIABLE);
        init(
            &self.log_settings(debug.as_ref().is_some_and(|value| value.eq_ignore_ascii_case("on")))?,
            program,
        )
    }

    /// What keeps a log from being what was asked for, without beginning one: a facility that does not exist.
    pub fn log_fault(&self) -> Option<LogError> {
        self.log_settings(false).err()
    }

    fn log_settings(&self, debug: bool) -> Result<Settings, LogError> {
        let asked = level(self.debuglevel);
        Ok(Settings {
            level: if debug { asked.max(LevelFilter::Debug) } else { asked },
            target: match &self.log {
                None => Target::Stderr,
                Some(log) => Target::parse(log, self.log_truncate)?,
            },
        })
    }
}

impl ValueEnum for Color {
    fn value_variants<'a>() -> &'a [Self] {
        &[Color::Auto, Color::Always, Color::Never]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Color::Auto => PossibleValue::new("auto"),
            Color::Always => PossibleValue::new("always"),
            Color::Never => PossibleValue::new("never"),
        })
    }
}

/// Reads a command line, its first word being the program. What is not understood is said on stderr and ends with
/// `usage`; `--help` and `--version` are printed on stdout and end with success.
pub fn parse<C: Parser>(words: impl IntoIterator<Item = OsString>, usage: ExitCode) -> Result<C, ExitCode> {
    C::try_parse_from(words).map_err(|error| {
        // A reader that has gone away wants no message.
        let _ = error.print();
        if error.use_stderr() { usage } else { ExitCode::SUCCESS }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::path::Path;

    /// The program's own text
    #[derive(Debug, Parser)]
    #[command(name = "p")]
    struct Flat {
        #[command(flatten)]
        general: General,
    }

    #[derive(Debug, Parser)]
    #[command(name = "p")]
    struct Verbs {
        #[command(flatten)]
        general: General,
        #[command(subcommand)]
        verb: Verb,
    }

    #[derive(Debug, clap::Subcommand)]
    enum Verb {
        Start { level: String },
    }

    fn read<C: Parser>(line: &str) -> Result<C, ExitCode> {
        parse(line.split(' ').map(OsString::from), ExitCode::from(2))
    }

    fn general(line: &str) -> General {
        read::<Flat>(line).unwrap().general
    }

    #[test]
    fn the_commands_are_well_formed() {
        Flat::command().debug_assert();
        Verbs::command().debug_assert();
    }

    #[test]
    fn options_of_the_manual() {
        let short = general("p -d 3 -l LOG_LOCAL1 -t");
        assert_eq!((short.debuglevel, short.log_truncate), (3, true));
        assert_eq!(short.log.as_deref(), Some(Path::new("LOG_LOCAL1")));
        let long = general("p --debuglevel 0 --log /x --log-truncate --log-append --color never");
        assert_eq!((long.debuglevel, long.log_truncate, long.log_append), (0, false, true));
        assert_eq!(long.color, Color::Never);
        assert_eq!((general("p").debuglevel, general("p").color), (1, Color::Auto));
    }

    #[test]
    fn they_may_stand_before_and_behind_the_verb() {
        for line in ["p -d 4 start 2", "p start -d 4 2"] {
            let verbs = read::<Verbs>(line).unwrap();
            assert_eq!(verbs.general.debuglevel, 4, "{line}");
            assert!(matches!(verbs.verb, Verb::Start { level } if level == "2"));
        }
    }

    #[test]
    fn version_and_help_are_no_errors_and_nonsense_is_one() {
        let failed = |code: ExitCode| format!("{code:?}") != format!("{:?}", ExitCode::SUCCESS);
        for line in ["p -v", "p --version", "p --help", "p -h"] {
            assert!(!failed(read::<Flat>(line).unwrap_err()), "{line}");
        }
        for line in ["p start -v", "p start --version", "p start --help"] {
            assert!(!failed(read::<Verbs>(line).unwrap_err()), "{line}");
        }
        for line in ["p -V", "p -d many", "p -d 256", "p --color maybe", "p --nonsense"] {
            assert!(failed(read::<Flat>(line).unwrap_err()), "{line}");
        }
    }

    #[test]
    fn version_and_help_are_those_of_the_program() {
        let said = |word| Flat::try_parse_from(["p", word]).unwrap_err().to_string();
        assert_eq!(said("-v"), format!("p {}\n", env!("CARGO_PKG_VERSION")));
        assert!(said("-h").starts_with("The program's own text\n"), "{}", said("-h"));
    }

    #[test]
    fn serel_debug_raises_the_level_and_never_lowers_it() {
        let level = |line: &str, debug| general(line).log_settings(debug).unwrap().level;
        assert_eq!(level("p", false), LevelFilter::Warn);
        assert_eq!(level("p", true), LevelFilter::Debug);
        assert_eq!(level("p -d 0", true), LevelFilter::Debug);
        assert_eq!(level("p -d 9", true), LevelFilter::Trace);
        assert!(general("p -l LOG_NONE").log_settings(false).is_err());
    }
}
