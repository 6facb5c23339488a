//! The program serelrc; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    if serel::cli::startpar::is_called() { serel::cli::startpar::run() } else { serel::cli::serelrc::run() }
}
