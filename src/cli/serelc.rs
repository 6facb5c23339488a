//! The command line of serelc, which boot scripts call to provide, to need, and to ask.

use super::general::{General, parse};
use crate::boot::{Saying, say};
use crate::ipc::Servers;
use crate::model::Strength;
use crate::registry::{Op, Query};
use clap::{ArgGroup, Parser, ValueEnum};
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

/// Exit status when the command line is not understood; the others are those of what was asked.
const USAGE: u8 = 3;

/// Say what the calling script provides, wait for what it needs, or ask the daemon
#[derive(Debug, Parser)]
#[command(name = "serelc", group(ArgGroup::new("what").required(true)))]
#[command(
    after_help = "Exit status: 0 done, or the need is satisfied; 1 the needed service failed; 2 nobody provides it and \
    nobody can any more, or those who could wait for the caller; 3 usage; 4 no daemon, or none that may be trusted; \
    5 the time is over"
)]
struct Cli {
    #[command(flatten)]
    general: General,
    /// The parent process (the script) is starting SERVICE, which is available when it exits with status 0, as
    /// serelrc and serel-wrap see it or --statuschange says
    #[arg(long, group = "what", value_name = "SERVICE")]
    provide: Vec<String>,
    /// With --provide: available now, before the script exits
    #[arg(long)]
    immediate: bool,
    /// The parent process is stopping SERVICE
    #[arg(long, group = "what", value_name = "SERVICE")]
    unprovide: Vec<String>,
    /// Wait until SERVICE is available
    #[arg(long, group = "what", value_name = "SERVICE")]
    need: Vec<String>,
    /// With --need: wait no longer than this
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// The process PID has exited with STATUS
    #[arg(long, group = "what", num_args = 2, value_names = ["PID", "STATUS"], allow_negative_numbers = true)]
    statuschange: Option<Vec<i32>>,
    /// Control the daemon
    #[arg(long, group = "what", value_name = "WHAT")]
    control: Option<Control>,
    /// Ask: services, service NAME, waiting, or graph
    #[arg(long, group = "what", num_args = 1..=2, value_names = ["QUESTION", "NAME"])]
    query: Option<Vec<String>>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
    /// Where to speak to: a path, or @NAME for an abstract name [default: `$SEREL_RUN` in a script of serelrc; else `$SEREL_SOCKET`, else @serel]
    #[arg(long, value_name = "PATH")]
    socket: Option<OsString>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Control {
    /// End the daemon
    Stop,
}

/// What the command line is made of, for the manual and the completions.
pub(super) fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Runs the program.
pub fn run() -> ExitCode {
    let usage = ExitCode::from(USAGE);
    let cli: Cli = match parse(std::env::args_os(), usage) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let logging = cli.general.init_log("serelc").map_err(|error| error.to_string());
    let servers = Servers::choose(cli.socket.clone());
    match logging.and_then(|()| cli.saying()) {
        Ok(saying) => ExitCode::from(say(&servers, &saying)),
        Err(error) => {
            crate::log::say(format_args!("serelc: error: {error}"));
            usage
        }
    }
}

impl Cli {
    fn saying(self) -> Result<Saying, String> {
        // clap's `requires` is silent where another of the group is given.
        for (given, belongs) in [
            (self.immediate && self.provide.is_empty(), "--immediate belongs to --provide"),
            (self.timeout.is_some() && self.need.is_empty(), "--timeout belongs to --need"),
            (self.json && self.query.is_none(), "--json belongs to --query"),
        ] {
            if given {
                return Err(belongs.to_owned());
            }
        }
        if let Some(question) = self.query {
            return Ok(Saying::Ask(read_query(&question)?, self.json));
        }
        if let Some([pid, status]) = self.statuschange.as_deref() {
            let pid = u32::try_from(*pid).map_err(|_| format!("{pid} is not the number of a process"))?;
            return Ok(Saying::Status { pid, status: *status });
        }
        if let Some(Control::Stop) = self.control {
            return Ok(Saying::Stop);
        }
        let immediate = self.immediate;
        let provides = self.provide.into_iter().map(|service| Op::Provide { service, immediate });
        let withdraws = self.unprovide.into_iter().map(|service| Op::Withdraw { service });
        let needs = self.need.into_iter().map(|service| Op::Need { service, strength: Strength::Need });
        let ops: Vec<Op> = provides.chain(withdraws).chain(needs).collect();
        for service in ops.iter().map(Op::service) {
            if let Some(fault) = crate::definition::name::fault(service) {
                return Err(format!("the name `{}` {fault}", service.escape_debug()));
            }
        }
        Ok(Saying::Ops(ops, self.timeout))
    }
}

fn read_query(words: &[String]) -> Result<Query, String> {
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["services"] => Ok(Query::Services),
        ["service", name] => Ok(Query::Service(name.to_owned())),
        ["service"] => Err("which service? Ask `--query service NAME`".to_owned()),
        ["waiting"] => Ok(Query::Waiting),
        ["graph"] => Ok(Query::Graph),
        _ => Err(format!(
            "unknown question `{}`: ask services, service NAME, waiting or graph",
            words.join(" ").escape_debug()
        )),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration >= Duration::from_millis(1) => Ok(duration),
        _ => Err("give a number of seconds above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn read(line: &str) -> Result<Saying, String> {
        let words = format!("serelc {line}");
        let cli = Cli::try_parse_from(words.split(' ')).map_err(|error| error.to_string())?;
        cli.saying()
    }

    #[test]
    fn the_six_forms() {
        Cli::command().debug_assert();
        let provide = |service: &str, immediate| Op::Provide { service: service.into(), immediate };
        let ops = |line: &str| match read(line) {
            Ok(Saying::Ops(ops, limit)) => (ops, limit),
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(ops("--provide a").0, [provide("a", false)]);
        assert_eq!(
            ops("-d 0 --provide a --immediate --provide b").0,
            [provide("a", true), provide("b", true)]
        );
        assert_eq!(ops("--unprovide a").0, [Op::Withdraw { service: "a".into() }]);
        let (needs, limit) = ops("--need $net --timeout 0.5");
        assert_eq!(needs, [Op::Need { service: "$net".into(), strength: Strength::Need }]);
        assert_eq!(limit, Some(Duration::from_millis(500)));
        assert!(matches!(read("--statuschange 7 -1"), Ok(Saying::Status { pid: 7, status: -1 })));
        assert!(matches!(read("--control stop"), Ok(Saying::Stop)));
        assert!(matches!(read("--query service x --json"), Ok(Saying::Ask(Query::Service(_), true))));
        assert!(matches!(read("--query waiting"), Ok(Saying::Ask(Query::Waiting, false))));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in [
            "",
            "--provide",
            "--provide a --need b",
            "--immediate",
            "--need a --immediate",
            "--need a --timeout 0",
            "--need a --timeout -1",
            "--need a --timeout soon",
            "--provide a --timeout 1",
            "--statuschange 1",
            "--statuschange -1 0",
            "--control start",
            "--query",
            "--query service",
            "--query everything",
            "--need a/b",
            "--json",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
