//! The command line of systemtap-service: a command first, then options and scripts in any order.

use crate::boot;
use crate::report::console::Color;
use crate::systemtap::{Command, Invocation, job};
use clap::{Parser, ValueEnum};
use std::collections::HashSet;
use std::ffi::OsString;
use std::process::ExitCode;

/// Exit code for a command line that is not understood.
const USAGE: u8 = 3;

/// What is printed where a command line is not understood.
const COMMANDS: &str = "Usage: systemtap-service {start|stop|restart|reload|force-reload|condrestart|try-restart|status\
    |compile|cleanup|onboot} [-c config] [-r kernelrelease] [-R] [-y] [-o image] [-b] [script(s)]\n";

/// What `--help` ends with.
const CODES: &str = "\
Exit status:
  0    all went well; with PASSALL=no also when scripts failed; status: a script runs
  1    something failed; status: what belongs to a script is there, and it does not run as it should
  3    the command line was not understood; status: nothing runs
  4    only root can do that; status: a module of that name was not loaded by this service
  5    stap, staprun or stapbpf is not installed
  6    scripts require each other in a circle, or the configuration cannot be used
  130, 143  interrupted by SIGINT, SIGTERM";

/// Start, stop and compile systemtap scripts as services
#[derive(Debug, Parser)]
#[command(name = "systemtap-service", version, disable_version_flag = true, args_override_self = true, after_help = CODES)]
#[expect(clippy::struct_excessive_bools, reason = "one for each switch")]
struct Cli {
    /// What to do
    #[arg(value_enum)]
    command: Verb,
    /// The configuration [default: /etc/systemtap/config]
    #[arg(short, value_name = "FILE")]
    config: Option<String>,
    /// compile, cleanup, onboot: another kernel than the running one
    #[arg(short = 'r', value_name = "RELEASE")]
    kernel: Option<String>,
    /// Take in what the named scripts require; without names that is always so
    #[arg(short = 'R')]
    recursive: bool,
    /// Answer yes to all questions
    #[arg(short)]
    yes: bool,
    /// onboot: make this image, and leave the one that is booted alone
    #[arg(short = 'o', value_name = "IMAGE")]
    image: Option<String>,
    /// onboot: keep the image that is there as IMAGE.bak
    #[arg(short)]
    backup: bool,
    /// Fail at once when another command is at work
    #[arg(long)]
    no_wait: bool,
    /// status: print JSON
    #[arg(long)]
    json: bool,
    /// status: print requirements as a tree
    #[arg(long)]
    tree: bool,
    /// Colour
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// Print the version number and exit
    #[arg(long, action = clap::ArgAction::Version)]
    version: Option<bool>,
    /// Scripts, without .stp; if none is named: the default ones (start), what runs (stop), none (onboot), else all
    scripts: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Verb {
    /// Start scripts
    Start,
    /// Stop scripts
    Stop,
    /// Compile, stop, and start again; also: reload, force-reload
    #[value(alias("reload"), alias("force-reload"))]
    Restart,
    /// Restart if anything runs; also: try-restart
    #[value(alias("try-restart"))]
    Condrestart,
    /// Say what scripts are doing
    Status,
    /// Compile scripts
    Compile,
    /// Remove compiled scripts
    Cleanup,
    /// Make an initramfs that starts scripts before anything else
    Onboot,
}

/// Names without repeats, in the order given.
fn once_each(names: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    names.into_iter().filter(|name| seen.insert(name.clone())).collect()
}

/// An option that means nothing with the command.
fn misplaced(cli: &Cli) -> Option<&'static str> {
    if cli.command != Verb::Status && (cli.json || cli.tree) {
        Some("--json and --tree belong to status")
    } else if cli.json && cli.tree {
        Some("--json and --tree exclude each other: the JSON names requirements")
    } else if cli.command != Verb::Onboot && (cli.image.is_some() || cli.backup) {
        Some("-o and -b belong to onboot")
    } else {
        None
    }
}

/// What the command line is made of, for the manual and the completions.
pub(super) fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// The first lines of a complaint, without what follows them: hints that are about other programs than this one, and
/// a usage of their own.
fn what_is_wrong(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
}

/// Says what is wrong with a command line, and, on standard output as ever, how one is written.
fn misused(fault: &str) -> ExitCode {
    crate::log::say(format_args!("systemtap-service: {fault}"));
    crate::systemtap::command::print(COMMANDS);
    ExitCode::from(USAGE)
}

/// Runs the program.
pub fn run() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if let [_, option, task] = &words[..]
        && option == job::OPTION
    {
        return job::run(&task.to_string_lossy());
    }
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            let _ = error.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => return misused(&what_is_wrong(&error)),
    };
    if let Some(fault) = misplaced(&cli) {
        return misused(fault);
    }
    let call = Invocation {
        command: match cli.command {
            Verb::Start => Command::Start,
            Verb::Stop => Command::Stop,
            Verb::Restart => Command::Restart,
            Verb::Condrestart => Command::Condrestart,
            Verb::Status => Command::Status,
            Verb::Compile => Command::Compile,
            Verb::Cleanup => Command::Cleanup,
            Verb::Onboot => Command::Onboot,
        },
        config: cli.config,
        kernel: cli.kernel,
        recursive: cli.recursive,
        yes: cli.yes,
        image: cli.image,
        backup: cli.backup,
        wait: !cli.no_wait,
        json: cli.json,
        tree: cli.tree,
        names: once_each(cli.scripts),
    };
    ExitCode::from(boot::systemtap(&call, cli.color))
}
