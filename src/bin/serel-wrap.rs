//! The program serel-wrap; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    serel::cli::serelwrap::run()
}
