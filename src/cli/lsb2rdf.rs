//! The command line of lsb2rdf: headers in, RDF out.

use super::general::{General, parse};
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::definition::{header, rdf};
use crate::exit::Exit;
use crate::model::{Place, Source};
use crate::root::Root;
use clap::Parser;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Print the comment headers of init scripts as RDF
#[derive(Debug, Parser)]
#[command(name = "lsb2rdf")]
struct Cli {
    #[command(flatten)]
    general: General,
    /// Init scripts with a `### BEGIN INIT INFO` header
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
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
        let shown = path.display().to_string();
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                crate::log::say(format_args!("lsb2rdf: error: {shown}: {error}"));
                exit = Exit::Failed;
                continue;
            }
        };
        let reading = header::parse(&shown, &shown, script_name(path), Source::Header, &bytes);
        for definition in reading.definitions {
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
        let _ = std::io::stderr().lock().write_all(diagnostic.render(&Root::default()).as_bytes());
    }
    match std::io::stdout().lock().write_all(rdf::write(&definitions).as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            crate::log::say(format_args!("lsb2rdf: error: cannot write: {error}"));
            Exit::Failed
        }
        _ if diagnostics.iter().any(|found| found.severity == Severity::Error) => Exit::Invalid,
        _ => exit,
    }
}

/// The file name, without the `S20` of a link.
fn script_name(path: &Path) -> &str {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("script");
    let link = name.len() > 3
        && name.starts_with(['S', 'K'])
        && name.as_bytes()[1].is_ascii_digit()
        && name.as_bytes()[2].is_ascii_digit();
    if link { name.get(3..).unwrap_or(name) } else { name }
}
