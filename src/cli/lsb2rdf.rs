//! The command line of lsb2rdf: headers in, RDF out.

use super::general::{General, parse};
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::definition::{header, rdf, trust};
use crate::exit::Exit;
use crate::model::{Place, Source};
use crate::root::Root;
use clap::Parser;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Print the comment headers of init scripts as RDF
#[derive(Debug, Parser)]
#[command(name = "lsb2rdf")]
struct Cli {
    #[command(flatten)]
    general: General,
    /// Init scripts with a `### BEGIN INIT INFO` header; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
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
    if let Err(error) = cli.general.init_log("lsb2rdf") {
        crate::log::say(format_args!("lsb2rdf: error: {error}"));
        return Exit::Usage.into();
    }
    convert(&cli.files).into()
}

fn convert(files: &[PathBuf]) -> Exit {
    let mut exit = Exit::Ok;
    let mut definitions = Vec::new();
    let mut diagnostics = Vec::new();
    for path in files {
        let shown = if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() };
        let bytes = match read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                crate::log::say(format_args!("lsb2rdf: error: {shown}: {error}"));
                exit = Exit::Failed;
                continue;
            }
        };
        let reading = header::parse(&shown, &shown, script_name(path), Source::Header, &bytes);
        for mut definition in reading.definitions {
            if path == Path::new("-") {
                // A stream has no name; the script has that of its service.
                definition.name = definition.primary().to_owned();
            }
            if definition.source == Source::None {
                diagnostics.push(
                    Diagnostic::new(
                        Severity::Error,
                        Kind::Syntax,
                        &shown,
                        Place::default(),
                        "has no LSB header",
                    )
                    .help("add one, from `### BEGIN INIT INFO` to `### END INIT INFO`"),
                );
            } else {
                definitions.push(definition);
            }
        }
        diagnostics.extend(reading.diagnostics);
    }
    for diagnostic in &diagnostics {
        let _ = io::stderr().lock().write_all(diagnostic.render(&Root::default()).as_bytes());
    }
    match io::stdout().lock().write_all(rdf::write(&definitions).as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            crate::log::say(format_args!("lsb2rdf: error: cannot write: {error}"));
            Exit::Failed
        }
        _ if diagnostics.iter().any(|found| found.severity == Severity::Error) => Exit::Invalid,
        _ => exit,
    }
}

/// All of a file, or of standard input for `-`; no more than a script has, so that a device comes to an end.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = trust::LARGEST as u64 + 1;
    if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 == most {
        return Err(io::Error::other(format!("larger than {} MiB; is it a script?", trust::LARGEST >> 20)));
    }
    Ok(bytes)
}

/// The file name, without the `S20` of a link.
fn script_name(path: &Path) -> &str {
    let name =
        path.file_name().and_then(|name| name.to_str()).filter(|name| *name != "-").unwrap_or("script");
    let link = name.len() > 3
        && name.starts_with(['S', 'K'])
        && name.as_bytes()[1].is_ascii_digit()
        && name.as_bytes()[2].is_ascii_digit();
    if link { name.get(3..).unwrap_or(name) } else { name }
}
