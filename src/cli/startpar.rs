//! The command line of serelrc called as `startpar`: what Debian's rc says, in startpar's words.

use super::general::parse;
use super::part::Ask;
use crate::boot::{self, Common, Foreseen, Part, Switch};
use crate::exit::Exit;
use crate::model::{Level, Phase, Strength};
use crate::root::Root;
use crate::unit::{Members, Request};
use clap::{Parser, ValueEnum};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The name that we are called by.
const NAME: &str = "startpar";
/// Where init.d is when nobody says.
const ETC: &str = "/etc";

/// Run the scripts of a runlevel in parallel: serelrc in the place of startpar
#[derive(Debug, Default, Parser)]
#[command(name = NAME, disable_version_flag = true, after_help = AFTER)]
struct Cli {
    /// boot: level S; start: what the level has more than the previous one; stop: what it has no more
    #[arg(short = 'M', value_name = "MODE")]
    mode: Option<Mode>,
    /// The runlevel that the system comes from; N for none
    #[arg(short = 'P', value_name = "LEVEL")]
    previous: Option<String>,
    /// The runlevel that it goes to
    #[arg(short = 'R', value_name = "LEVEL")]
    level: Option<String>,
    /// Where init.d is: a directory called etc
    #[arg(short = 'e', value_name = "DIR", default_value = ETC)]
    etc: PathBuf,
    /// For startpar, like the next five
    #[arg(short = 'p', value_name = "N")]
    parallel: Option<OsString>,
    /// For startpar
    #[arg(short = 't', value_name = "SECS")]
    timeout: Option<OsString>,
    /// For startpar
    #[arg(short = 'T', value_name = "SECS")]
    global_timeout: Option<OsString>,
    /// For startpar
    #[arg(short = 'i', value_name = "RATE")]
    io_rate: Option<OsString>,
    /// For startpar
    #[arg(short = 'S', value_name = "START:NUM")]
    splash: Option<OsString>,
    /// For startpar
    #[arg(short = 'd', value_name = "DEVICE")]
    device: Option<OsString>,
    /// For startpar: names before lines are how serelrc shows them anyway
    #[arg(short = 'n')]
    names: bool,
    /// Copy standard input to standard output, and do nothing else
    #[arg(short = 'f', exclusive = true)]
    forward: bool,
    /// Print the version and exit
    #[arg(short = 'v')]
    version: bool,
    /// What the given programs are called with
    #[arg(short = 'a', value_name = "ARG")]
    argument: Option<OsString>,
    /// Programs to run: handed over to the real startpar
    #[arg(value_name = "PROGRAM")]
    programs: Vec<OsString>,
}

const AFTER: &str = "Prints three assignments for a shell to evaluate: failed_service, \
skipped_service_not_installed and skipped_service_not_configured. SEREL_OPTIONS has more options for serelrc.

What serel runs is said by SEREL_RUNLEVELS in /etc/default/serel or on the kernel command line; \
all levels when nobody says it. Other levels, and everything with serel=off on the kernel command line, go to the \
next startpar in PATH.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    Boot,
    Start,
    Stop,
}

/// What the command line is made of, for the manual.
pub(super) fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Whether the program was called as startpar.
pub fn is_called() -> bool {
    let name = std::env::args_os().next();
    name.is_some_and(|name| Path::new(&name).file_name() == Some(OsStr::new(NAME)))
}

/// Runs the program.
pub fn run() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    answer_panics(arguments.clone());
    if let Some(cli) = Cli::of_rc(&arguments) {
        return cli.run_unit(&arguments).into();
    }
    let cli = match Cli::try_parse_from(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            return parse::<Cli>(std::env::args_os(), Exit::Failed.into())
                .map_or_else(|code| code, |_| Exit::Ok.into());
        }
        Err(error) => return pass_on(&arguments, &error.to_string()).into(),
    };
    if cli.version {
        println!("startpar (serelrc) version {}", env!("CARGO_PKG_VERSION"));
        return Exit::Ok.into();
    }
    if cli.forward {
        let copied = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::stdout().lock());
        return if copied.is_ok() { Exit::Ok } else { Exit::Failed }.into();
    }
    if cli.mode.is_none() && !cli.programs.is_empty() {
        let lacking = boot::hand_over(&arguments);
        crate::log::say(format_args!("startpar: {lacking}: calling the programs one after another"));
        return boot::call_each(&cli.programs, cli.argument.as_ref()).into();
    }
    cli.run_unit(&arguments).into()
}

/// What we do not do ourselves may be something that the real one does. Without one, the level is run plainly if one
/// is named: rc has no other way left.
fn pass_on(arguments: &[OsString], why: &str) -> Exit {
    let lacking = boot::hand_over(arguments);
    crate::log::say(format_args!("startpar: {}\nstartpar: {lacking}", why.trim_end()));
    Cli::least(arguments)
        .asked()
        .map_or(Exit::Failed, |asked| boot::run_plainly(&asked.root, &asked.requests()))
}

/// Whatever may be wrong with us before there is a process that another one watches over: rc gets its scripts run.
fn answer_panics(arguments: Vec<OsString>) {
    std::panic::set_hook(Box::new(move |panic| {
        let exit = pass_on(&arguments, &panic.to_string());
        #[expect(clippy::disallowed_methods, reason = "there is nobody to return to")]
        std::process::exit(exit as i32);
    }));
}

/// What rc wants.
#[derive(Debug)]
struct Asked {
    root: Root,
    level: Level,
    previous: Option<Level>,
    mode: Mode,
}

impl Cli {
    /// What rc says, word by word, in each boot: it is read without all that it takes to understand everything else.
    fn of_rc(words: &[OsString]) -> Option<Self> {
        let mut cli = Self { etc: ETC.into(), ..Self::default() };
        let (pairs, []) = words.as_chunks::<2>() else { return None };
        for [option, value] in pairs {
            let value = value.to_str().filter(|value| !value.starts_with('-'))?;
            let once = match option.to_str()? {
                "-M" => cli.mode.replace(Mode::from_str(value, false).ok()?).is_none(),
                "-P" => cli.previous.replace(value.to_owned()).is_none(),
                "-R" => cli.level.replace(value.to_owned()).is_none(),
                "-p" => cli.parallel.replace(value.into()).is_none(),
                "-t" => cli.timeout.replace(value.into()).is_none(),
                "-T" => cli.global_timeout.replace(value.into()).is_none(),
                _ => false,
            };
            if !once {
                return None;
            }
        }
        cli.mode.is_some().then_some(cli)
    }

    fn run_unit(&self, arguments: &[OsString]) -> Exit {
        match self.asked() {
            Ok(asked) => asked.carry_out(arguments),
            Err(why) => pass_on(arguments, &why),
        }
    }

    /// The four options that matter to rc, taken out of words that may be wrong otherwise.
    fn least(arguments: &[OsString]) -> Self {
        let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
        let value = |option: &str| {
            let at = words.iter().rposition(|word| word.starts_with(option))?;
            let own = &words[at][option.len()..];
            if own.is_empty() { words.get(at + 1).copied() } else { Some(own) }
        };
        Self {
            mode: value("-M").and_then(|mode| Mode::from_str(mode, false).ok()),
            previous: value("-P").map(str::to_owned),
            level: value("-R").map(str::to_owned),
            // Whoever names another place and forgets which does not mean this machine.
            etc: if words.iter().any(|word| word.starts_with("-e")) {
                value("-e").unwrap_or_default()
            } else {
                ETC
            }
            .into(),
            ..Self::default()
        }
    }

    fn asked(&self) -> Result<Asked, String> {
        let mode = self.mode.ok_or("only -M boot, -M start and -M stop are done here")?;
        let levels =
            |text: &Option<String>| text.as_deref().map(|text| (Level::parse(text), text.to_owned()));
        let level = match (mode, levels(&self.level)) {
            (Mode::Boot, _) => Level::S,
            (_, Some((Some(level), _))) => level,
            (_, Some((None, text))) => return Err(format!("-R {text}: a runlevel is S or one digit")),
            (_, None) => return Err("say with -R which runlevel".to_owned()),
        };
        let previous = match levels(&self.previous) {
            _ if mode == Mode::Boot => None,
            Some((Some(level), _)) => Some(level),
            // N, and what init says when it does not know (#).
            _ => None,
        };
        let root = match (self.etc.parent(), self.etc.file_name()) {
            (Some(parent), Some(name)) if name == "etc" => Root::new(parent),
            _ => return Err(format!("-e {}: only a directory called etc", self.etc.display())),
        };
        let root = root.map_err(|error| format!("-e {}: {error}", self.etc.display()))?;
        Ok(Asked { root, level, previous, mode })
    }
}

impl Asked {
    /// The units of the call, each by what `serelrc` would be called with.
    fn verbs(&self) -> &'static [&'static str] {
        match self.mode {
            Mode::Boot | Mode::Start => &["start"],
            // rc calls us once for these, and has its own S scripts of them called to stop, too.
            Mode::Stop if self.level.is_shutdown() => &["stop", "start"],
            Mode::Stop => &["stop"],
        }
    }

    /// The units without any options.
    fn requests(&self) -> Vec<Request> {
        let members = Members::Level { level: self.level, previous: self.previous };
        let request = |verb: &&str| {
            let phase = if *verb == "start" { Phase::Start } else { Phase::Stop };
            Request { members: members.clone(), phase, required: Strength::Order }
        };
        self.verbs().iter().map(request).collect()
    }

    fn carry_out(&self, arguments: &[OsString]) -> Exit {
        let switch = Switch::read(&self.root);
        let (root, level, previous) = (&self.root, self.level, self.previous);
        let part = |verb: &&str| Ask { root, verb, level, previous, switch: &switch }.part(NAME);
        let parts: Vec<Part> = self.verbs().iter().map(part).collect();
        match switch.runs(self.level, true) {
            Ok(()) => {
                drop(std::panic::take_hook());
                boot::stand_in(&parts, arguments)
            }
            Err(why) => boot::step_aside(&parts, arguments, &why),
        }
    }
}

/// `serelrc verify --system`: looks at the units that rc will ask for, as they will be read then. `named`: the history
/// is that of the command line.
pub(super) fn foresee(mut common: Common, named: bool) -> Exit {
    let mut switch = Switch::foresee(&common.root);
    let root = &common.root;
    let first = Ask { root, verb: "start", level: Level::S, previous: None, switch: &switch };
    let fault = match first.try_part() {
        Ok((_, general)) => {
            general.log_fault().map(|why| format!("of SEREL_OPTIONS the log is left out: {why}"))
        }
        Err(why) => {
            switch.options.clear();
            Some(format!("SEREL_OPTIONS is left out: {why}"))
        }
    };
    let ask =
        |verb: &str, level, previous| Ask { root, verb, level, previous, switch: &switch }.fitting(NAME).0;
    let unit = |verb: &str, level, previous| ask(verb, level, previous).request;
    let database = ask("start", Level::S, None).common.database;
    let foreseen = Foreseen { switch: switch.clone(), fault, unit: &unit };
    if !named {
        common.database = database;
    }
    boot::system(&common, &foreseen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rc_says_is_understood_alike_in_both_ways() {
        for line in
            ["-p 4 -t 20 -T 3 -M boot -P N -R S", "-p 4 -t 20 -T 3 -M stop -P 2 -R 0", "-M start -R 2"]
        {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let plain = Cli::of_rc(&words).expect("what rc says");
            let full = Cli::parse_from([NAME.into()].into_iter().chain(words));
            assert_eq!(format!("{plain:?}"), format!("{full:?}"));
        }
    }

    #[test]
    fn anything_else_is_left_to_the_full_reading() {
        for line in
            ["-M boots", "-Mboot", "-M", "-M boot -M boot", "-R 2", "-v", "-a start x", "-M boot -p", "-M -R"]
        {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert!(Cli::of_rc(&words).is_none(), "{line}");
        }
    }
}
