//! The program serelhistory; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    serel::cli::serelhistory::run()
}
