//! The command line of serelrc: runs, checks and shows units of services.

use super::general::{General, parse};
use super::hook::{self, HookArgs};
use crate::boot::{self, Common, Part, Running, auto_slots};
use crate::exit::Exit;
use crate::model::{Level, Phase, Strength};
use crate::root::Root;
use crate::unit::{Members, Pairs, Request};
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Run the boot scripts of a runlevel in parallel: each as soon as those that it needs have ended
#[derive(Debug, Parser)]
#[command(name = "serelrc", after_help = AFTER)]
struct Cli {
    #[command(flatten)]
    general: General,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(subcommand)]
    verb: Verb,
}

const AFTER: &str = "Exit status: 0 all well; 1 some services failed; 2 usage; 6 definitions invalid; \
124 services timed out; 130, 143 ended by SIGINT, SIGTERM.";

#[derive(Debug, Args)]
struct PlaceArgs {
    /// Read and run everything under this directory
    #[arg(long, global = true, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// The history [default: /etc/serel/history.db, under the root]
    #[arg(long, global = true, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Print data as JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do.
#[derive(Debug)]
enum Verb {
    Start(RunArgs),
    Stop(RunArgs),
    Change(RunArgs),
    Graph(TreeArgs),
    Plan(UnitArgs),
    Verify(VerifyArgs),
    Explain(UnitArgs),
    Rc(HookArgs),
}

/// Name, help, and what makes the arguments of a verb.
type Described = (&'static str, &'static str, fn(Command) -> Command);

const VERBS: [Described; 8] = [
    ("start", "Start the services of a runlevel", RunArgs::augment_args),
    ("stop", "Stop the services that a runlevel does not have", RunArgs::augment_args),
    ("change", "Go from one runlevel to another: stop and start only the difference", RunArgs::augment_args),
    ("graph", "Print the services and who waits for whom", TreeArgs::augment_args),
    ("plan", "Print what would be run, after what, and how long it would take", UnitArgs::augment_args),
    ("verify", "Check that the definitions fit together", VerifyArgs::augment_args),
    ("explain", "Say why history would be used, or why not", UnitArgs::augment_args),
    (
        "rc",
        "For the hook in an rc: run a level if SEREL_RUNLEVELS names it (0), or leave it to rc (1)",
        HookArgs::augment_args,
    ),
];

// By hand, because the derived form makes the arguments of all verbs when one is given: a tenth of the time that an
// unchanged plan takes.
impl Subcommand for Verb {
    fn augment_subcommands(command: Command) -> Command {
        VERBS.iter().fold(command, |command, (name, about, arguments)| {
            command.subcommand(Command::new(*name).about(*about).defer(*arguments))
        })
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        VERBS.iter().any(|(known, ..)| *known == name)
    }
}

impl FromArgMatches for Verb {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let Some((name, matches)) = matches.subcommand() else {
            return Err(clap::Error::new(ErrorKind::MissingSubcommand));
        };
        Ok(match name {
            "start" => Verb::Start(RunArgs::from_arg_matches(matches)?),
            "stop" => Verb::Stop(RunArgs::from_arg_matches(matches)?),
            "change" => Verb::Change(RunArgs::from_arg_matches(matches)?),
            "graph" => Verb::Graph(TreeArgs::from_arg_matches(matches)?),
            "plan" => Verb::Plan(UnitArgs::from_arg_matches(matches)?),
            "verify" => Verb::Verify(VerifyArgs::from_arg_matches(matches)?),
            "explain" => Verb::Explain(UnitArgs::from_arg_matches(matches)?),
            "rc" => Verb::Rc(HookArgs::from_arg_matches(matches)?),
            _ => return Err(clap::Error::new(ErrorKind::InvalidSubcommand)),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[derive(Debug, Args)]
struct UnitArgs {
    /// The runlevel: S or 0 to 9
    #[arg(value_parser = level, required_unless_present = "pairs")]
    level: Option<Level>,
    #[command(flatten)]
    way: WayArgs,
}

#[derive(Debug, Args)]
struct TreeArgs {
    /// The runlevel; without one, the whole tree
    #[arg(value_parser = level)]
    level: Option<Level>,
    #[command(flatten)]
    way: WayArgs,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    #[command(flatten)]
    tree: TreeArgs,
    /// Look at the whole system: what the next boot would do, what is missing, and how long it would take
    #[arg(long, conflicts_with_all = ["level", "stop", "required_start", "pairs"])]
    system: bool,
}

#[derive(Debug, Args)]
struct WayArgs {
    /// Look at stopping instead of starting
    #[arg(long)]
    stop: bool,
    /// What Required-Start means: the needed one must succeed, or must only have ended
    #[arg(long, value_name = "STRENGTH", default_value = "need")]
    required_start: RequiredStart,
    /// Services and paths from a file (- for standard input) instead of a runlevel
    #[arg(long, value_name = "FILE", conflicts_with = "level")]
    pairs: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one for each switch on the command line")]
struct RunArgs {
    /// The runlevel: S or 0 to 9
    #[arg(value_parser = level, required_unless_present = "pairs")]
    level: Option<Level>,
    /// The runlevel that the system comes from
    #[arg(long, value_name = "L", value_parser = level)]
    previous: Option<Level>,
    /// Most scripts at one time: a number, auto or unlimited
    #[arg(long, value_name = "N", default_value = "auto", value_parser = slots)]
    jobs: usize,
    /// Seconds that a script may take before it is ended; 0 for no limit; one that asks questions has all the time it
    /// wants [default: 300; in level S, where disks are checked, no limit]
    #[arg(long, value_name = "SECS")]
    timeout: Option<u64>,
    /// What Required-Start means: the needed one must succeed, or must only have ended
    #[arg(long, value_name = "STRENGTH", default_value = "need", overrides_with = "required_start")]
    required_start: RequiredStart,
    /// One script at a time, in the given order as far as the relations allow
    #[arg(long)]
    serial: bool,
    /// Go on with a run of this boot that was interrupted: what succeeded is not started again
    #[arg(long)]
    resume: bool,
    /// Say what would be run, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Leave out the output of scripts that went well
    #[arg(long, short)]
    quiet: bool,
    /// Services and paths from a file (- for standard input) instead of a runlevel
    #[arg(long, value_name = "FILE", conflicts_with = "level")]
    pairs: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum RequiredStart {
    /// The needed service must have started successfully, else the needer is skipped
    Need,
    /// The needed service must have ended its start, however
    Order,
}

impl From<RequiredStart> for Strength {
    fn from(required: RequiredStart) -> Self {
        match required {
            RequiredStart::Need => Strength::Need,
            RequiredStart::Order => Strength::Order,
        }
    }
}

fn level(text: &str) -> Result<Level, String> {
    Level::parse(text).ok_or_else(|| "a runlevel is S or one digit".to_owned())
}

fn slots(text: &str) -> Result<usize, String> {
    match text {
        "auto" => Ok(auto_slots()),
        "unlimited" => Ok(usize::MAX),
        number => match number.parse() {
            Ok(0) | Err(_) => Err("give a number from 1, auto, or unlimited".to_owned()),
            Ok(number) => Ok(number),
        },
    }
}

/// What the command line is made of, for the manual and the completions.
pub(super) fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Runs the program.
pub fn run() -> ExitCode {
    let cli: Cli = match parse(std::env::args_os(), Exit::Usage.into()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    // What an rc asks for is logged as its settings say.
    let logging = if let Verb::Rc(_) = cli.verb { Ok(()) } else { cli.general.init_log("serelrc") };
    let done = logging.map_err(|error| error.to_string()).and_then(|()| cli.carry_out());
    match done {
        Ok(exit) => exit.into(),
        Err(error) => {
            crate::log::say(format_args!("serelrc: error: {error}"));
            Exit::Usage.into()
        }
    }
}

impl Cli {
    fn common(&self) -> Result<Common, String> {
        let root = Root::new(&self.place.root)
            .map_err(|error| format!("--root {}: {error}", self.place.root.display()))?;
        Ok(Common {
            database: self.place.db.clone().unwrap_or_else(|| root.place(crate::history::PATH)),
            root,
            json: self.place.json,
            color: self.general.color,
        })
    }

    fn carry_out(self) -> Result<Exit, String> {
        let (common, named) = (self.common()?, self.place.db.is_some());
        Ok(match self.verb {
            Verb::Start(args) => boot::start(&common, &args.request(Phase::Start)?, &args.running()),
            Verb::Stop(args) => boot::start(&common, &args.request(Phase::Stop)?, &args.running()),
            Verb::Change(args) if args.pairs.is_some() => {
                return Err(
                    "change goes from one runlevel to another: --pairs is for start and stop".to_owned()
                );
            }
            Verb::Change(args) => {
                let (stopping, starting) = (args.request(Phase::Stop)?, args.request(Phase::Start)?);
                boot::change(&common, &stopping, &starting, &args.running())
            }
            Verb::Graph(args) => boot::graph(&common, &args.way.request(args.level)?),
            Verb::Plan(args) => boot::plan(&common, &args.way.request(args.level)?),
            Verb::Verify(args) if args.system => super::startpar::foresee(common, named),
            Verb::Verify(VerifyArgs { tree, .. }) => boot::verify(&common, &tree.way.request(tree.level)?),
            Verb::Explain(args) => boot::explain(&common, &args.way.request(args.level)?),
            Verb::Rc(args) => hook::run(&common.root, &args),
        })
    }
}

/// The unit that `serelrc start` or `serelrc stop` with these words would run, and how it would be logged. Errors in
/// words.
pub(super) fn part(words: Vec<OsString>) -> Result<(Part, General), String> {
    Cli::try_parse_from(words).map_err(|error| error.to_string())?.part()
}

/// The same of a level, without a word more. Every boot asks for this, and to read a command line that one has written
/// oneself is a tenth of a second on a slow processor that has done nothing else yet.
pub(super) fn plain_part(
    root: &Path,
    phase: Phase,
    level: Level,
    previous: Option<Level>,
    required_start: RequiredStart,
) -> Result<(Part, General), String> {
    let args = RunArgs {
        level: Some(level),
        previous,
        jobs: auto_slots(),
        timeout: None,
        required_start,
        serial: false,
        resume: false,
        dry_run: false,
        quiet: false,
        pairs: None,
    };
    let verb = if phase == Phase::Start { Verb::Start(args) } else { Verb::Stop(args) };
    let place = PlaceArgs { root: root.to_owned(), db: None, json: false };
    Cli { general: General::default(), place, verb }.part()
}

impl Cli {
    fn part(self) -> Result<(Part, General), String> {
        let common = self.common()?;
        let (args, phase) = match &self.verb {
            Verb::Start(args) => (args, Phase::Start),
            Verb::Stop(args) => (args, Phase::Stop),
            _ => return Err("this is no unit to run".to_owned()),
        };
        if args.dry_run {
            return Err("--dry-run: nothing would be run".to_owned());
        }
        Ok((Part { common, request: args.request(phase)?, running: args.running() }, self.general))
    }
}

impl RunArgs {
    fn request(&self, phase: Phase) -> Result<Request, String> {
        let required = self.required_start.into();
        match (self.level, &self.pairs) {
            (Some(level), None) => {
                Ok(Request { members: Members::Level { level, previous: self.previous }, phase, required })
            }
            (_, Some(file)) => Ok(Request { members: Members::Pairs(read_pairs(file)?), phase, required }),
            (None, None) => Err("give a runlevel, or --pairs FILE".to_owned()),
        }
    }

    fn running(&self) -> Running {
        Running {
            slots: self.jobs,
            timeout: self.timeout.unwrap_or(if self.level == Some(Level::S) { 0 } else { 300 }),
            serial: self.serial,
            resume: self.resume,
            dry_run: self.dry_run,
            quiet: self.quiet,
            behind: false,
            ledger: None,
        }
    }
}

impl WayArgs {
    fn request(&self, level: Option<Level>) -> Result<Request, String> {
        let phase = if self.stop { Phase::Stop } else { Phase::Start };
        let members = match (level, &self.pairs) {
            (_, Some(file)) => Members::Pairs(read_pairs(file)?),
            (Some(level), None) => Members::Level { level, previous: None },
            (None, None) => Members::Tree,
        };
        Ok(Request { members, phase, required: self.required_start.into() })
    }
}

/// Reads `service path` pairs from a file, or from standard input for `-`.
pub(super) fn read_pairs(file: &Path) -> Result<Pairs, String> {
    let (name, text) = if file == Path::new("-") {
        let mut text = String::new();
        ("<stdin>".to_owned(), std::io::stdin().lock().read_to_string(&mut text).map(|_| text))
    } else {
        (file.display().to_string(), std::fs::read_to_string(file))
    };
    let text = text.map_err(|error| format!("--pairs {name}: {error}"))?;
    Pairs::parse(&name, &text).map_err(|fault| {
        let rendered = fault.render(&Root::default());
        rendered.trim_start_matches("error: ").trim_end().to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_part_is_that_of_the_same_words() {
        for (phase, verb) in [(Phase::Start, "start"), (Phase::Stop, "stop")] {
            for (level, previous) in [("S", None), ("2", None), ("3", Some("2"))] {
                let parsed = |text| Level::parse(text).expect("a level");
                let mut words = vec!["serelrc", verb, level, "--required-start", "order"];
                words.extend(previous.iter().flat_map(|previous| ["--previous", previous]));
                let said = part(words.into_iter().map(OsString::from).collect()).expect("well said");
                let order = RequiredStart::Order;
                let level = parsed(level);
                let plain = plain_part(Path::new("/"), phase, level, previous.map(parsed), order);
                assert_eq!(format!("{said:?}"), format!("{:?}", plain.expect("the root is there")));
            }
        }
    }

    #[test]
    fn nothing_general_said_is_the_default() {
        let said = Cli::try_parse_from(["serelrc", "start", "2"]).expect("well said").general;
        assert_eq!(format!("{said:?}"), format!("{:?}", General::default()));
    }
}
