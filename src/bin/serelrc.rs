//! The program serelrc; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    serel::cli::serelrc::run()
}
