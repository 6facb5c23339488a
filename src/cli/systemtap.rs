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

/// What is printed where there is no command that is known.
const COMMANDS: &str = "Usage: systemtap-service {start|stop|restart|reload|force-reload|condrestart|try-restart|status\
    |compile|cleanup|onboot} [-c config] [-r kernelrelease] [-R] [-y] [-o image] [-b] [script(s)]\n";

/// Start, stop and compile systemtap scripts as services
#[derive(Debug, Parser)]
#[command(name = "systemtap-service", version, disable_version_flag = true, args_override_self = true)]
#[expect(clippy::struct_excessive_bools, reason = "one for each switch")]
struct Cli {
    /// What to do
    #[arg(value_enum)]
    command: Verb,
    /// The configuration [default: /etc/systemtap/config]
    #[arg(short, value_name = "FILE")]
    config: Option<String>,
    /// The kernel to compile for, or whose compiled scripts to look at
    #[arg(short = 'r', value_name = "RELEASE")]
    kernel: Option<String>,
    /// Take in what the named scripts require
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
    /// Scripts, without .stp; all of them if none is named
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
        Err(error) => {
            use clap::error::ErrorKind::{InvalidValue, MissingRequiredArgument};
            let _ = error.print();
            // As it always was: without a known command the usage is an answer, not a complaint.
            if matches!(error.kind(), InvalidValue | MissingRequiredArgument) {
                crate::systemtap::command::print(COMMANDS);
            }
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    if let Some(fault) = misplaced(&cli) {
        crate::log::say(format_args!("systemtap-service: {fault}"));
        return ExitCode::from(USAGE);
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
