//! The program lsb2rdf; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    serel::cli::lsb2rdf::run()
}
